"""Keeps timestamps of heads of the log."""

from __future__ import annotations

import sqlalchemy as sa

from policies.store import schema
from policies.store.queries.stamps import Stamp


def put(connection: sa.Connection, stamp: Stamp) -> None:
    """Keep a timestamp."""
    connection.execute(
        schema.stamps.insert(),
        {
            "seq": stamp.seq,
            "authority": stamp.authority,
            "hash": stamp.hash,
            "stamped_at": stamp.stamped_at,
            "token": stamp.token,
        },
    )
