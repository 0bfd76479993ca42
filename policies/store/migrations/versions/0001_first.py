"""The first schema."""

from alembic import op

from policies.store import schema

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table."""
    schema.metadata.create_all(op.get_bind())
