"""Finds passages and edits by their words: all that is asked for, newest first, in bounded time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

import sqlalchemy as sa

from policies.errors import BadInput
from policies.model import EditKind, Topic
from policies.store import schema
from policies.store.queries.rows import Listing, batches, listing
from policies.words import Term

SECONDS = 5.0  # that one search may take; a hundred times what a common word takes
# Rows that hold what is asked for: with so many, the newest of them are soon met in their order.
_COMMON = 2_000
_STEPS = 10_000  # of SQLite's machine between two looks at the clock
_TOO_LONG = "this search takes too long: ask for a rarer word, or for one vendor, page or language"


class Side(StrEnum):
    """Which words of an edit are meant."""

    ADDED = "added"
    REMOVED = "removed"
    ANY = "any"


@dataclass(frozen=True)
class Within:
    """Where to look; None: no matter."""

    vendor_id: str | None = None
    page_id: str | None = None
    lang: str | None = None
    topic: Topic | None = None
    since: datetime | None = None  # seen, or changed, then or later
    before: datetime | None = None  # seen, or changed, earlier than that


@dataclass(frozen=True)
class PassageHit:
    """A passage that holds what was asked for."""

    number: int  # where a list goes on
    passage_id: str


@dataclass(frozen=True)
class EditHit:
    """An edit of a published change whose words are what was asked for."""

    number: int
    change_id: str
    place: int  # among the change's edits
    kind: EditKind
    old_id: str | None  # passage
    new_id: str | None


def passages(
    connection: sa.Connection,
    asked: Sequence[Term],
    within: Within | None = None,
    *,
    before: int | None = None,
    limit: int = 20,
) -> Listing[PassageHit]:
    """Passages of versions that hold all terms, those first seen last first. Raises BadInput."""
    pw = schema.passage_words
    query: sa.Select[Any] = sa.select(pw.c.number, pw.c.passage_id)
    query = _matching(connection, query, pw, {"words": asked})
    seen = _seen(within or Within())
    if seen is not None:
        query = query.where(seen)
    rows = _found(connection, query, pw, {"words": asked}, before, limit)
    return listing([PassageHit(row.number, row.passage_id) for row in rows], limit)


def edits(
    connection: sa.Connection,
    asked: Sequence[Term],
    side: Side = Side.ANY,
    within: Within | None = None,
    *,
    before: int | None = None,
    limit: int = 20,
) -> Listing[EditHit]:
    """Edits of published changes whose changed words hold all terms, newest first."""
    ew, c = schema.edit_words, schema.changes
    query = sa.select(ew).join(c, c.c.id == ew.c.change_id)
    sides = [Side.REMOVED, Side.ADDED] if side is Side.ANY else [side]
    wanted = dict.fromkeys((s.value for s in sides), asked)
    query = _matching(connection, query, ew, wanted)
    rows = _found(connection, _published(query, within or Within()), ew, wanted, before, limit)
    return listing([edit_hit(row) for row in rows], limit)


def edit_hit(row: sa.Row[Any]) -> EditHit:
    """A row of `edit_words`."""
    return EditHit(row.number, row.change_id, row.edit, EditKind(row.kind), row.old_id, row.new_id)


def holders(
    connection: sa.Connection, said: Sequence[str], most: int
) -> dict[str, tuple[int, ...]]:
    """Word -> numbers of passages that hold it, at most so many; words in none are left out."""
    found = {}
    with bounded(connection):
        for word in said:
            query = _holding(connection, Term((word,))).limit(most)
            found[word] = tuple(connection.execute(query).scalars())
    return {word: numbers for word, numbers in found.items() if numbers}


def numbered(connection: sa.Connection, numbers: Sequence[int]) -> tuple[tuple[str, str, str], ...]:
    """(passage id, language, text) of the passages with these numbers, in their order."""
    pw, p = schema.passage_words, schema.passages
    query = sa.select(pw.c.number, p.c.id, p.c.lang, p.c.text).join(p, p.c.id == pw.c.passage_id)
    found = {}
    for batch in batches(numbers):
        for row in connection.execute(query.where(pw.c.number.in_(batch))):
            found[row.number] = (row.id, row.lang, row.text)
    return tuple(found[number] for number in numbers if number in found)


@contextmanager
def bounded(connection: sa.Connection, seconds: float | None = None) -> Iterator[None]:
    """Let what is asked meanwhile take no longer than that. Raises BadInput where it does."""
    limit = SECONDS if seconds is None else seconds
    hold = _hold_postgresql if connection.dialect.name == "postgresql" else _hold_sqlite
    try:
        with hold(connection, limit):
            yield
    except sa.exc.OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == "57014" or "interrupted" in str(error.orig):
            raise BadInput(_TOO_LONG) from error
        raise


@contextmanager
def _hold_sqlite(connection: sa.Connection, seconds: float) -> Iterator[None]:
    driver: Any = connection.connection.driver_connection
    end = time.monotonic() + seconds
    driver.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


@contextmanager
def _hold_postgresql(connection: sa.Connection, seconds: float) -> Iterator[None]:
    # Compiling a query takes longer than such queries do; and the planner thinks too little of
    # what it costs to look for words in every row (2026-11-23: 90 ms for 20,000 instead of 1).
    held = {"jit": "off", "enable_seqscan": "off", "statement_timeout": int(seconds * 1000)}
    for name, value in held.items():
        connection.exec_driver_sql(f"SET LOCAL {name} = {value}")
    yield
    for name in held:
        connection.exec_driver_sql(f"SET LOCAL {name} = DEFAULT")


def _found(
    connection: sa.Connection,
    query: sa.Select[Any],
    table: sa.Table,
    asked: Mapping[str, Sequence[Term]],
    before: int | None,
    limit: int,
) -> Sequence[sa.Row[Any]]:
    if before is not None:
        query = query.where(_number(connection, table) < before)
    with bounded(connection):
        order = _in_order(connection, table, asked)
        return connection.execute(query.order_by(order.desc()).limit(limit + 1)).all()


# --- what each engine is asked ---------------------------------------------------------


@cache
def _fts(table: sa.Table) -> Any:
    """The FTS5 table of a table's words; the same object each time, as a query needs it."""
    return sa.table(table.name.removesuffix("_words") + "_fts", sa.column("rowid", sa.Integer))


def _number(connection: sa.Connection, table: sa.Table) -> Any:
    """The column of the order: FTS5 walks its own row numbers backwards without sorting."""
    return table.c.number if connection.dialect.name == "postgresql" else _fts(table).c.rowid


def _in_order(
    connection: sa.Connection, table: sa.Table, asked: Mapping[str, Sequence[Term]]
) -> Any:
    """What to sort by, so that PostgreSQL does the cheaper thing: walk the order, or find first.

    How often words stand together, or one that is not among the commonest, it can but guess, and
    would look for a rare one in every row. So as many rows as make walking cheap are asked for.
    """
    number = _number(connection, table)
    if connection.dialect.name != "postgresql":
        return number
    some = _matching(connection, sa.select(table.c.number), table, asked).limit(_COMMON)
    count = sa.select(sa.func.count()).select_from(some.subquery())
    is_common = connection.execute(count).scalar_one() == _COMMON
    return number if is_common else number + 0  # not the column that is in order


def _matching(
    connection: sa.Connection,
    query: sa.Select[Any],
    table: sa.Table,
    asked: Mapping[str, Sequence[Term]],
) -> sa.Select[Any]:
    """The rows that hold each term in one of the columns. `asked`: column -> the same terms."""
    wanted = next(iter(asked.values()))
    if connection.dialect.name == "postgresql":
        for term in wanted:
            said = sa.cast(sa.literal(_tsquery(term)), sa.dialects.postgresql.TSQUERY)
            query = query.where(sa.or_(*(table.c[name].op("@@")(said) for name in asked)))
        return query
    columns = "{" + " ".join(asked) + "} : "
    told = columns + "(" + " AND ".join(map(_fts5, wanted)) + ")"
    fts = _fts(table)
    query = query.join(fts, fts.c.rowid == table.c.number)
    return query.where(sa.literal_column(fts.name).op("MATCH")(told))


def _holding(connection: sa.Connection, term: Term) -> sa.Select[Any]:
    """The numbers of the passages that hold a term, from the index alone where that is told."""
    pw = schema.passage_words
    if connection.dialect.name == "postgresql":
        return _matching(connection, sa.select(pw.c.number), pw, {"words": [term]})
    fts = _fts(pw)
    return sa.select(fts.c.rowid).where(sa.literal_column(fts.name).op("MATCH")(_fts5(term)))


def _tsquery(term: Term) -> str:
    """A term for PostgreSQL; its words are letters and digits only."""
    *first, last = (f"'{word}'" for word in term.said)
    return "(" + " <-> ".join([*first, f"{last}:*" if term.begins else last]) + ")"


def _fts5(term: Term) -> str:
    """A term for FTS5; its words are letters and digits only."""
    return f'"{" ".join(term.said)}"' + (" *" if term.begins else "")


# --- where to look ---------------------------------------------------------------------


def _seen(within: Within) -> sa.ColumnElement[bool] | None:
    """That a passage stood in a version there and then; None: anywhere will do."""
    if within == Within():
        return None
    v, p, tp, pw = schema.versions, schema.pages, schema.text_passages, schema.passage_words
    there = (
        sa.select(sa.literal(1))
        .select_from(tp)
        .join(v, v.c.text_id == tp.c.text_id)
        .join(p, p.c.id == v.c.page_id)
        .where(tp.c.passage_id == pw.c.passage_id)
    )
    there = _on_pages(there, within)
    if within.since is not None:
        there = there.where(v.c.last_seen >= within.since)
    if within.before is not None:
        there = there.where(v.c.captured_at < within.before)
    if within.topic is not None:
        d, verdict = schema.disclosures, schema.verdicts
        there = (
            there.join(
                d,
                (d.c.text_id == tp.c.text_id)
                & (d.c.position == tp.c.position)
                & (d.c.scope == p.c.scope),
            )
            .join(verdict, verdict.c.id == d.c.verdict_id)
            .where(sa.cast(verdict.c.topics, sa.Text).contains(f'"{within.topic.value}"'))
        )
    return there.exists()


def _published(query: sa.Select[Any], within: Within) -> sa.Select[Any]:
    c, p = schema.changes, schema.pages
    query = _on_pages(query.join(p, p.c.id == c.c.page_id), within)
    if within.since is not None:
        query = query.where(c.c.captured_at >= within.since)
    if within.before is not None:
        query = query.where(c.c.captured_at < within.before)
    if within.topic is not None:
        ct = schema.change_topics
        query = query.where(
            sa.exists().where(ct.c.change_id == c.c.id, ct.c.topic == within.topic.value)
        )
    return query


def _on_pages(query: sa.Select[Any], within: Within) -> sa.Select[Any]:
    p = schema.pages
    if within.vendor_id is not None:
        query = query.where(p.c.vendor_id == within.vendor_id)
    if within.page_id is not None:
        query = query.where(p.c.id == within.page_id)
    if within.lang is not None:
        query = query.where(p.c.lang == within.lang)
    return query
