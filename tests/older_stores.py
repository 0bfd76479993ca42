"""Makes a store what an earlier schema left: every later migration is undone, newest first."""

from __future__ import annotations

import sqlalchemy as sa

# What each migration brought, as (table, column) or as (table, ""): the whole table.
_BROUGHT = {
    "0007": [
        ("change_topics", "direction"),
        ("changes", "directed_by"),
        ("changes", "directions"),
    ],
    "0006": [("heard", ""), ("outbox", "")],
    "0005": [("stamps", ""), ("log", "")],
    "0004": [("texts", "stated_date")],
    "0003": [("passage_words", ""), ("edit_words", ""), ("passage_fts", ""), ("edit_fts", "")],
}


def make_older(connection: sa.Connection, revision: str) -> None:
    """Undo all that came after a revision."""
    for newer in sorted((one for one in _BROUGHT if one > revision), reverse=True):
        for table, column in _BROUGHT[newer]:
            if column:
                connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN {column}")
            elif not table.endswith("_fts") or connection.dialect.name == "sqlite":
                connection.exec_driver_sql(f"DROP TABLE {table}")
    at = sa.text("UPDATE alembic_version SET version_num = :revision")
    connection.execute(at, {"revision": revision})
