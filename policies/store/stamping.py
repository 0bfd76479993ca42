"""Keeps timestamps of heads of the log."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from policies.store import schema
from policies.store.queries.stamps import Stamp


def put(connection: sa.Connection, stamp: Stamp) -> None:
    """Keep a timestamp, unless another process has just had the same entry stamped there."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(
        dialect.insert(schema.stamps).on_conflict_do_nothing(),
        {
            "seq": stamp.seq,
            "authority": stamp.authority,
            "hash": stamp.hash,
            "stamped_at": stamp.stamped_at,
            "token": stamp.token,
        },
    )
