"""Which way a change goes, per topic. Filled at the next catch-up, from the stored edits."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns; no direction yet, directed by nobody."""
    op.add_column(
        "changes", sa.Column("directions", sa.JSON(), nullable=False, server_default="{}")
    )
    op.add_column("changes", sa.Column("directed_by", sa.Text(), nullable=False, server_default=""))
    op.add_column("change_topics", sa.Column("direction", sa.Text(), nullable=True))
