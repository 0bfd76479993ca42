"""Checks the log against itself and against the rows that it tells of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice
from typing import Any

import sqlalchemy as sa

from policies.store import chain, checking
from policies.store.chain import Entry
from policies.store.queries import log

_AT_ONCE = 500  # entries looked at together: as many as fit one IN list
_NAMED = 20  # rows without an entry that are told one by one

Finding = tuple[str, str]  # where, and what is wrong there


def audit(
    connection: sa.Connection, seen: Callable[[int], None], start: int = 1
) -> Iterator[Finding]:
    """What is wrong with the log from an entry on.

    Each entry names the one before it, and none is missing; each row that an entry tells of last
    is there and is what it was then. And, wherever it stands: no row is without an entry.
    """
    previous = _hash_before(connection, start)
    expected = start
    entries = log.stream(connection, start)
    while batch := list(islice(entries, _AT_ONCE)):
        skips = log.hashes(connection, (chain.skip_of(entry.seq) for entry, _ in batch))
        for entry, kept in batch:
            if entry.seq != expected:
                yield _where(expected), f"it is missing: entry {entry.seq} comes next"
            elif entry.previous != previous:
                yield _where(entry.seq), "it does not name the entry before it"
            if entry.skip != skips.get(chain.skip_of(entry.seq), chain.NOTHING):
                yield _where(entry.seq), f"it does not name entry {chain.skip_of(entry.seq)}"
            if entry.hash != kept:
                yield _where(entry.seq), "its hash is not that of what it says"
            previous, expected = kept, entry.seq + 1
        yield from _rows(connection, [entry for entry, _ in batch])
        seen(len(batch))
    yield from _unlogged(connection)


def _hash_before(connection: sa.Connection, start: int) -> str:
    return log.hashes(connection, [start - 1]).get(start - 1, chain.NOTHING)


def _where(seq: int) -> str:
    return f"entry {seq} of the log"


def _rows(connection: sa.Connection, entries: Iterable[Entry]) -> Iterator[Finding]:
    """Whether the rows are what the last entries of them say."""
    by_kind = sorted(entries, key=lambda entry: entry.kind)
    for kind, group in groupby(by_kind, key=lambda entry: entry.kind):
        told = list(group)
        if kind not in chain.KINDS:
            yield from ((_where(e.seq), f"nothing is of the kind {kind!r}") for e in told)
            continue
        ids = sorted({entry.id for entry in told})
        latest = checking.latest_entries(connection, kind, ids)
        rows = checking.logged_rows(connection, kind, ids)
        for entry in told:
            if latest[entry.id] == entry.seq:
                yield from _row(entry, rows.get(entry.id))


def _row(entry: Entry, row: Any) -> Iterator[Finding]:
    where = f"{entry.kind} {entry.id}"
    if row is None:
        yield where, f"entry {entry.seq} of the log tells of it, but it is not there"
        return
    try:
        digest = chain.sha256(chain.record(entry.kind, row, entry.form))
    except (KeyError, ValueError, TypeError, *checking.UNPACKING):
        digest = ""
    if digest != entry.digest:
        yield where, f"it is not what entry {entry.seq} of the log wrote down"


def _unlogged(connection: sa.Connection) -> Iterator[Finding]:
    for kind in chain.KINDS:
        found = checking.unlogged(connection, kind, _NAMED + 1)
        for id_ in found[:_NAMED]:
            yield f"{kind} {id_}", "no entry of the log tells of it: it was slipped in"
        if len(found) > _NAMED:
            yield f"{kind}s", f"more than {_NAMED} are without an entry in the log"
