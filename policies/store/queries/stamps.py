"""Timestamps of heads of the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from policies.store import schema


@dataclass(frozen=True)
class Stamp:
    """An authority's word that an entry of the log was there at a time (RFC 3161)."""

    seq: int  # the entry
    authority: str  # its address
    hash: str  # of the entry, as stamped
    stamped_at: datetime  # as the authority says
    token: bytes  # its answer, DER


def first_since(connection: sa.Connection, seq: int) -> tuple[Stamp, ...]:
    """For each authority its first timestamp of this entry or a later one, by authority."""
    s = schema.stamps.c
    first = (
        sa.select(s.authority, sa.func.min(s.seq).label("seq"))
        .where(s.seq >= seq)
        .group_by(s.authority)
        .subquery()
    )
    here = (s.authority == first.c.authority) & (s.seq == first.c.seq)
    query = sa.select(schema.stamps).join(first, here).order_by(s.authority)
    return tuple(_stamp(row) for row in connection.execute(query))


def newest(connection: sa.Connection) -> tuple[Stamp, ...]:
    """For each authority its last timestamp, by authority."""
    s = schema.stamps.c
    last = sa.select(s.authority, sa.func.max(s.seq).label("seq")).group_by(s.authority).subquery()
    here = (s.authority == last.c.authority) & (s.seq == last.c.seq)
    query = sa.select(schema.stamps).join(last, here).order_by(s.authority)
    return tuple(_stamp(row) for row in connection.execute(query))


def everything(connection: sa.Connection) -> tuple[Stamp, ...]:
    """Every timestamp, in order."""
    query = schema.stamps.select().order_by(schema.stamps.c.seq, schema.stamps.c.authority)
    return tuple(_stamp(row) for row in connection.execute(query))


def _stamp(row: Any) -> Stamp:
    return Stamp(row.seq, row.authority, row.hash, row.stamped_at, row.token)
