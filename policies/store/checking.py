"""What `verify` asks the store: everything it holds, in batches, with what should agree with it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from policies.store import log, schema

UNPACKING = (zlib.error,)  # raised, besides ValueError, by a column that was cut or overwritten


def count(connection: sa.Connection, table: str) -> int:
    """How many rows a table has."""
    query = sa.select(sa.func.count()).select_from(schema.metadata.tables[table])
    return int(connection.execute(query).scalar_one())


def captures(connection: sa.Connection, start: int = 0) -> Iterator[Any]:
    """Every capture, by WARC file and offset, so that files are read from front to back.

    With `start` only those that the log tells of in that entry or a later one.
    """
    c, entries = schema.captures.c, schema.log.c
    query = schema.captures.select().order_by(c.warc_file, c.warc_offset, c.id)
    if start:
        told = sa.select(entries.id).where(entries.kind == "capture", entries.seq >= start)
        query = query.where(c.id.in_(told))
    yield from connection.execution_options(yield_per=500).execute(query)


def text_ids(connection: sa.Connection) -> list[tuple[str, str]]:
    """(id, language) of every text."""
    t = schema.texts.c
    return [tuple(row) for row in connection.execute(sa.select(t.id, t.lang).order_by(t.id))]


def text(connection: sa.Connection, text_id: str) -> Any:
    """The row of a text."""
    return connection.execute(schema.texts.select().where(schema.texts.c.id == text_id)).one()


def passages(connection: sa.Connection, text_id: str) -> list[Any]:
    """The passage rows of a text, in order."""
    p = schema.text_passages
    query = p.select().where(p.c.text_id == text_id).order_by(p.c.position)
    return list(connection.execute(query))


def wordings(connection: sa.Connection) -> Iterator[Any]:
    """(id, language, text as first seen) of every passage."""
    query = schema.passages.select().order_by(schema.passages.c.id)
    yield from connection.execution_options(yield_per=500).execute(query)


def disclosures(connection: sa.Connection, text_id: str) -> list[Any]:
    """(position, id, matches, slots) of what a text's passages say, in every scope."""
    d, v = schema.disclosures, schema.verdicts
    query = (
        sa.select(d.c.position, v.c.id, v.c.matches, v.c.slots)
        .join_from(d, v, v.c.id == d.c.verdict_id)
        .where(d.c.text_id == text_id)
    )
    return list(connection.execute(query))


def versions(connection: sa.Connection) -> Iterator[Any]:
    """Every version, with when its capture was made and which text that capture showed.

    `read_otherwise`: whether another version is what the capture showed when it was made.
    """
    v, c = schema.versions, schema.captures
    other = schema.versions.alias("other")
    read_otherwise = (
        sa.exists()
        .where(other.c.page_id == v.c.page_id, other.c.origin == v.c.origin)
        .where(other.c.captured_at == v.c.captured_at, other.c.id != v.c.id)
        .where(other.c.text_id == c.c.text_id)
    )
    query = (
        sa.select(
            v,
            c.c.captured_at.label("capture_at"),
            c.c.text_id.label("capture_text"),
            c.c.digest,
            read_otherwise.label("read_otherwise"),
        )
        .join_from(v, c, c.c.id == v.c.capture_id, isouter=True)
        .order_by(v.c.page_id, v.c.origin, v.c.captured_at, v.c.id)
    )
    yield from connection.execution_options(yield_per=500).execute(query)


def changes(connection: sa.Connection) -> Iterator[Any]:
    """Every change, with the texts on both its sides and its topics in the index."""
    c = schema.changes
    before, after = schema.versions.alias("before"), schema.versions.alias("after")
    query = (
        sa.select(
            c,
            before.c.text_id.label("before_text"),
            after.c.text_id.label("after_text"),
            after.c.captured_at.label("after_at"),
            after.c.state.label("after_state"),
        )
        .join_from(c, before, before.c.id == c.c.before_id, isouter=True)
        .join(after, after.c.id == c.c.after_id, isouter=True)
        .order_by(c.c.page_id, c.c.captured_at)
    )
    yield from connection.execution_options(yield_per=200).execute(query)


def topics(connection: sa.Connection, change_id: str) -> set[str]:
    """The topics under which a change is found."""
    t = schema.change_topics.c
    return set(connection.execute(sa.select(t.topic).where(t.change_id == change_id)).scalars())


def tracks(connection: sa.Connection) -> list[Any]:
    """Every track."""
    t = schema.tracks
    return list(connection.execute(t.select().order_by(t.c.page_id, t.c.origin)))


def open_spells(connection: sa.Connection, page_id: str, origin: str) -> list[str]:
    """Ids of the passages that are said to stand on a page now, in order; each should be once."""
    s = schema.spells.c
    query = sa.select(s.passage_id).where(
        s.page_id == page_id, s.origin == origin, s.ended.is_(None)
    )
    return sorted(connection.execute(query).scalars())


def broken_references(connection: sa.Connection) -> Iterator[tuple[str, str, str]]:
    """(table, column, value) of every reference that names no row."""
    for table in schema.metadata.sorted_tables:
        for column in table.columns:
            for key in column.foreign_keys:
                target = key.column.table.alias("target")
                target_column = target.c[key.column.name]
                query = (
                    sa.select(column)
                    .join_from(table, target, target_column == column, isouter=True)
                    .where(column.is_not(None), target_column.is_(None))
                    .distinct()
                    .limit(20)
                )
                for (value,) in connection.execute(query):
                    yield table.name, column.name, str(value)


def unlogged(connection: sa.Connection, kind: str, limit: int) -> list[str]:
    """Ids of rows of a kind that no entry of the log tells of, at most so many."""
    table, entries = log.TABLES[kind], schema.log
    told = sa.exists().where(entries.c.kind == kind, entries.c.id == table.c.id)
    query = sa.select(table.c.id).where(~told).order_by(table.c.id).limit(limit)
    return list(connection.execute(query).scalars())


def latest_entries(connection: sa.Connection, kind: str, ids: Sequence[str]) -> dict[str, int]:
    """Id -> sequence of the last entry that tells of it."""
    entries = schema.log.c
    query = (
        sa.select(entries.id, sa.func.max(entries.seq).label("seq"))
        .where(entries.kind == kind, entries.id.in_(ids))
        .group_by(entries.id)
    )
    return {row.id: row.seq for row in connection.execute(query)}


def logged_rows(connection: sa.Connection, kind: str, ids: Sequence[str]) -> dict[str, Any]:
    """Id -> row of a kind, as a mapping."""
    table = log.TABLES[kind]
    query = table.select().where(table.c.id.in_(ids))
    return {row.id: row._mapping for row in connection.execute(query)}


def unseen(connection: sa.Connection) -> Iterator[str]:
    """Ids of the versions that were last seen at a time when no capture saw the page."""
    v, c = schema.versions, schema.captures
    seen = sa.exists().where(
        c.c.page_id == v.c.page_id, c.c.origin == v.c.origin, c.c.seen_until == v.c.last_seen
    )
    yield from connection.execute(sa.select(v.c.id).where(~seen).order_by(v.c.id)).scalars()
