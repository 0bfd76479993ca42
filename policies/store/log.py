"""Writes the log: whatever a transaction records is entered in it when the transaction commits.

`writing` notes what it wrote; the commit enters all of it at once, last of all, so that the lock on
the log is held for the moment of the commit only and never waits for another. What is rolled
back, or dies before its commit, is neither recorded nor entered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from policies.store import chain, schema
from policies.store.chain import Entry

TABLES = {
    "capture": schema.captures,
    "version": schema.versions,
    "change": schema.changes,
    "event": schema.events,
}
_NOTED = "earwitness.noted"
_LOCK = 7205759403792793603  # of this log among PostgreSQL's advisory locks
_BATCH = 500  # ids in one IN list


def note(connection: sa.Connection, kind: str, id_: str) -> None:
    """Have a row that this transaction wrote entered in the log when it commits."""
    connection.info.setdefault(_NOTED, {})[kind, id_] = None


def install(engine: sa.Engine) -> None:
    """Let every transaction of an engine enter what it noted."""

    @sa.event.listens_for(engine, "commit")
    def _commit(connection: sa.Connection) -> None:
        noted = connection.info.pop(_NOTED, None)
        if noted:
            _enter(connection, list(noted))

    @sa.event.listens_for(engine, "rollback")
    def _rollback(connection: sa.Connection) -> None:
        connection.info.pop(_NOTED, None)


def _enter(connection: sa.Connection, noted: list[tuple[str, str]]) -> None:
    rows = _rows(connection, noted)
    if connection.dialect.name == "postgresql":
        # SQLite's one writer has its lock already. Taken as the last one: nobody waits crosswise.
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    append(connection, ((kind, rows[kind, id_]) for kind, id_ in noted), datetime.now(UTC))


def _rows(
    connection: sa.Connection, noted: list[tuple[str, str]]
) -> dict[tuple[str, str], Mapping[str, Any]]:
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for kind, table in TABLES.items():
        ids = [id_ for k, id_ in noted if k == kind]
        for start in range(0, len(ids), _BATCH):
            query = covered(kind).where(table.c.id.in_(ids[start : start + _BATCH]))
            found.update({(kind, row.id): row._asdict() for row in connection.execute(query)})
    return found


def covered(kind: str, form: int = chain.FORM) -> sa.Select[Any]:
    """The columns of a kind's rows that its records hold."""
    return sa.select(*(TABLES[kind].c[name] for name in chain.FORMS[form][kind]))


def append(
    connection: sa.Connection,
    rows: Iterable[tuple[str, Mapping[str, Any]]],
    at: datetime,
    *,
    form: int = chain.FORM,
    backfilled: bool = False,
) -> None:
    """Enter (kind, row) after (kind, row) behind the head. The caller holds the lock."""
    for batch in _batches(rows):
        _append(connection, batch, at, form, backfilled)


def backfill(connection: sa.Connection, at: datetime) -> None:
    """Begin the log with every row that is there already, in order of time.

    Of the first form, whose columns every store has that has a log.
    """
    for kind, table in TABLES.items():
        query = covered(kind, form=1).order_by(table.c.captured_at, table.c.id)
        found = connection.execute(query.execution_options(yield_per=_BATCH))
        append(connection, ((kind, row._asdict()) for row in found), at, form=1, backfilled=True)


def _batches(
    rows: Iterable[tuple[str, Mapping[str, Any]]],
) -> Iterator[list[tuple[str, Mapping[str, Any]]]]:
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _append(
    connection: sa.Connection,
    rows: list[tuple[str, Mapping[str, Any]]],
    at: datetime,
    form: int,
    backfilled: bool,
) -> None:
    log = schema.log.c
    head = connection.execute(
        sa.select(log.seq, log.hash).order_by(log.seq.desc()).limit(1)
    ).first()
    seq, previous = (head.seq, head.hash) if head else (0, chain.NOTHING)
    wanted = {chain.skip_of(seq + 1 + number) for number in range(len(rows))}
    query = sa.select(log.seq, log.hash).where(log.seq.in_([s for s in wanted if 0 < s <= seq]))
    hashes: dict[int, str] = {0: chain.NOTHING}
    hashes.update({row.seq: row.hash for row in connection.execute(query)})
    entries = []
    for kind, row in rows:
        seq += 1
        entry = Entry(
            seq=seq,
            at=at,
            kind=kind,
            id=row["id"],
            what=chain.what(kind, row),
            form=form,
            digest=chain.sha256(chain.record(kind, row, form)),
            backfilled=backfilled,
            previous=previous,
            skip=hashes[chain.skip_of(seq)],
        )
        hashes[seq] = previous = entry.hash
        entries.append(row_of(entry))
    connection.execute(schema.log.insert(), entries)


def row_of(entry: Entry) -> dict[str, Any]:
    """An entry as a row."""
    return {
        "seq": entry.seq,
        "at": entry.at,
        "kind": entry.kind,
        "id": entry.id,
        "what": entry.what,
        "form": entry.form,
        "digest": entry.digest,
        "backfilled": entry.backfilled,
        "previous": entry.previous,
        "skip": entry.skip,
        "hash": entry.hash,
    }
