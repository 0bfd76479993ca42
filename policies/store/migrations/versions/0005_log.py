"""The log, begun with what the store holds already, and timestamps of its heads."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from policies.store import log

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make both tables, and enter every capture, version and change that is there."""
    op.create_table(
        "log",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("form", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("backfilled", sa.Boolean(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("skip", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_log")),
        sa.UniqueConstraint("previous", name=op.f("uq_log_previous")),
        sa.UniqueConstraint("hash", name=op.f("uq_log_hash")),
    )
    op.create_index("ix_log_subject", "log", ["kind", "id", "seq"], unique=False)
    op.create_index("ix_log_at", "log", ["at"], unique=False)
    op.create_table(
        "stamps",
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("stamped_at", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["log.seq"], name=op.f("fk_stamps_seq_log")),
        sa.PrimaryKeyConstraint("seq", "authority", name=op.f("pk_stamps")),
    )
    log.backfill(op.get_bind(), datetime.now(UTC))
