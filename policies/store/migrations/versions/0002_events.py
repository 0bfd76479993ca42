"""Events: what people are told of; and the edits of changes, one by one.

Changes that are there already join their events when the crawler or an import next opens the
store.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables, and the columns that point to them."""
    op.create_table(
        "events",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("vendor_id", sa.Text(), nullable=False),
        sa.Column("page_id", sa.Text(), nullable=False),
        sa.Column("captured_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("health_before", sa.Text(), nullable=True),
        sa.Column("health_after", sa.Text(), nullable=True),
        sa.Column("says", sa.Text(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendors.id"], name=op.f("fk_events_vendor_id_vendors")
        ),
        sa.ForeignKeyConstraint(["page_id"], ["pages.id"], name=op.f("fk_events_page_id_pages")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_time", "events", ["confirmed_at", "id"])
    op.create_index("ix_events_vendor", "events", ["vendor_id", "confirmed_at"])
    op.create_index("ix_events_page", "events", ["page_id", "confirmed_at"])
    op.create_table(
        "rewordings",
        sa.Column("change_id", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["change_id"], ["changes.id"], name=op.f("fk_rewordings_change_id_changes")
        ),
        sa.PrimaryKeyConstraint("change_id", "mark", name=op.f("pk_rewordings")),
    )
    op.create_index("ix_rewordings_mark", "rewordings", ["mark"])
    op.add_column("changes", sa.Column("weight", sa.Integer(), nullable=True))
    op.add_column("changes", sa.Column("regional", sa.Float(), nullable=True))
    # In words that both databases know: a table that others refer to cannot be made anew.
    op.execute(
        "ALTER TABLE changes ADD COLUMN event_id TEXT"
        " CONSTRAINT fk_changes_event_id_events REFERENCES events (id)"
    )
    op.create_index(op.f("ix_changes_event_id"), "changes", ["event_id"])
    op.add_column(
        "tracks", sa.Column("health_seen", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column("tracks", sa.Column("health_told", sa.Text(), nullable=True))
