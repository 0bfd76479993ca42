"""Rows that may be there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

Rows = Sequence[Mapping[str, Any]]


def dialect(connection: sa.Connection) -> Any:
    """The module whose inserts know of conflicts."""
    return postgresql if connection.dialect.name == "postgresql" else sqlite


def insert_new(connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
    """Insert the rows whose key is not there yet."""
    if not rows:
        return
    connection.execute(dialect(connection).insert(table).on_conflict_do_nothing(), list(rows))


def put(connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
    """Insert rows, or bring those whose key is there up to date. All rows have the same keys."""
    if not rows:
        return
    insert = dialect(connection).insert(table)
    keys = [column.name for column in table.primary_key]
    values = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=values), list(rows))
