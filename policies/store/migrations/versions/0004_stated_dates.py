"""The date that a page itself states, with its text; filled in when the crawler next starts."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the column."""
    op.add_column("texts", sa.Column("stated_date", sa.Text(), nullable=True))
