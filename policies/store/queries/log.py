"""The log: its head, its entries in order, and those that link one to the head."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from policies.store import chain, schema
from policies.store.chain import Entry
from policies.store.queries.rows import Listing, batches, listing


def head(connection: sa.Connection) -> Entry | None:
    """The last entry; None: nothing was ever recorded."""
    return _first(connection, schema.log.select().order_by(schema.log.c.seq.desc()))


def page(
    connection: sa.Connection,
    *,
    after: int = 0,
    kind: str | None = None,
    id_: str | None = None,
    limit: int = 50,
) -> Listing[Entry]:
    """Entries behind a sequence, oldest first; only of a kind, or of one row."""
    log = schema.log.c
    query = schema.log.select().where(log.seq > after)
    if kind is not None:
        query = query.where(log.kind == kind)
    if id_ is not None:
        # Without a kind too by index: an id is looked up under each.
        query = query.where(log.kind.in_(chain.KINDS), log.id == id_)
    rows = connection.execute(query.order_by(log.seq).limit(limit + 1))
    return listing([entry(row) for row in rows], limit)


def stream(connection: sa.Connection, start: int) -> Iterator[tuple[Entry, str]]:
    """(entry, its hash as kept) from a sequence on, in order."""
    log = schema.log
    query = log.select().where(log.c.seq >= start).order_by(log.c.seq)
    for row in connection.execute(query.execution_options(yield_per=500)):
        yield entry(row), row.hash


def since(connection: sa.Connection, at: datetime) -> int | None:
    """The first entry that was written then or later, or None."""
    log = schema.log.c
    return connection.execute(sa.select(sa.func.min(log.seq)).where(log.at >= at)).scalar()


def with_hash(connection: sa.Connection, hash_: str) -> Entry | None:
    """The entry that bears a hash, or None."""
    return _first(connection, schema.log.select().where(schema.log.c.hash == hash_))


def hashes(connection: sa.Connection, seqs: Iterable[int]) -> dict[int, str]:
    """Sequence -> hash of these entries."""
    log = schema.log.c
    return {
        row.seq: row.hash
        for batch in batches(sorted(set(seqs)))
        for row in connection.execute(sa.select(log.seq, log.hash).where(log.seq.in_(batch)))
    }


def by_seq(connection: sa.Connection, seqs: Iterable[int]) -> list[Entry]:
    """These entries, in order."""
    return [
        entry(row)
        for batch in batches(sorted(set(seqs)))
        for row in connection.execute(
            schema.log.select().where(schema.log.c.seq.in_(batch)).order_by(schema.log.c.seq)
        )
    ]


def last_of(connection: sa.Connection, wanted: Sequence[tuple[str, str]]) -> list[Entry]:
    """The last entry of each (kind, id), in order; what none tells of is left out."""
    found = [
        _first(
            connection,
            schema.log.select()
            .where(schema.log.c.kind == kind, schema.log.c.id == id_)
            .order_by(schema.log.c.seq.desc()),
        )
        for kind, id_ in wanted
    ]
    return sorted({e.seq: e for e in found if e is not None}.values(), key=lambda e: e.seq)


def entry(row: Any) -> Entry:
    """A row as an entry."""
    return Entry(
        seq=row.seq,
        at=row.at,
        kind=row.kind,
        id=row.id,
        what=row.what,
        form=row.form,
        digest=row.digest,
        backfilled=bool(row.backfilled),
        previous=row.previous,
        skip=row.skip,
    )


def _first(connection: sa.Connection, query: sa.Select[Any]) -> Entry | None:
    row = connection.execute(query.limit(1)).first()
    return entry(row) if row else None
