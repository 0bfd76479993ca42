"""Published changes: lists by filter, and one with all that its edits need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from policies.model import Edit, Topic
from policies.store import codec, schema
from policies.store.queries.rows import Listing, Position, batches, listing


@dataclass(frozen=True)
class ChangeRow:
    """A published change, without its edits."""

    id: str
    vendor_id: str
    vendor_name: str
    page_id: str
    page_title: str
    page_url: str
    lang: str
    region: str | None
    scope: str
    origin: str
    before_id: str
    after_id: str
    captured_at: datetime
    confirmed_at: datetime
    event_id: str | None  # None: not yet in one
    topics: tuple[Topic, ...]
    added: int  # passages
    removed: int
    replaced: int
    moved: int
    directions: dict[str, Any] = field(default_factory=dict)  # see schema.changes; {}: not yet


@dataclass(frozen=True)
class Wanted:
    """Which changes a list holds; None: no matter."""

    vendor_id: str | None = None
    page_id: str | None = None
    topic: Topic | None = None
    direction: str | None = None  # on that topic, or on any
    lang: str | None = None
    since: datetime | None = None  # at or after
    before: datetime | None = None  # earlier than


def changes(
    connection: sa.Connection,
    wanted: Wanted,
    *,
    after: Position | None = None,
    limit: int = 50,
    by: str = "captured_at",
) -> Listing[ChangeRow]:
    """Changes by the time of the first capture that showed them, newest first.

    With `by="confirmed_at"` by the time when they were published.
    """
    c, p = schema.changes, schema.pages
    query = _changes()
    if wanted.vendor_id is not None:
        query = query.where(p.c.vendor_id == wanted.vendor_id)
    if wanted.page_id is not None:
        query = query.where(c.c.page_id == wanted.page_id)
    if wanted.lang is not None:
        query = query.where(p.c.lang == wanted.lang)
    if wanted.topic is not None or wanted.direction is not None:
        ct = schema.change_topics
        about = sa.exists().where(ct.c.change_id == c.c.id)
        if wanted.topic is not None:
            about = about.where(ct.c.topic == wanted.topic.value)
        if wanted.direction is not None:
            about = about.where(ct.c.direction == wanted.direction)
        query = query.where(about)
    if wanted.since is not None:
        query = query.where(c.c.captured_at >= wanted.since)
    if wanted.before is not None:
        query = query.where(c.c.captured_at < wanted.before)
    if after is not None:
        query = query.where(_key(by) < _at(after.at, after.id))
    query = query.order_by(c.c[by].desc(), c.c.id.desc()).limit(limit + 1)
    return listing([_change(row) for row in connection.execute(query)], limit)


def change(connection: sa.Connection, change_id: str) -> ChangeRow | None:
    """One change, or None."""
    return by_id(connection, [change_id]).get(change_id)


def by_id(connection: sa.Connection, change_ids: Sequence[str]) -> dict[str, ChangeRow]:
    """The changes of these ids; unknown ones are left out."""
    return {
        row.id: _change(row)
        for batch in batches(sorted(set(change_ids)))
        for row in connection.execute(_changes().where(schema.changes.c.id.in_(batch)))
    }


def edits(connection: sa.Connection, change_ids: Sequence[str]) -> dict[str, tuple[Edit, ...]]:
    """The edits of these changes."""
    c = schema.changes
    return {
        row.id: codec.unpack_edits(row.edits)
        for batch in batches(sorted(set(change_ids)))
        for row in connection.execute(sa.select(c.c.id, c.c.edits).where(c.c.id.in_(batch)))
    }


def neighbours(connection: sa.Connection, row: ChangeRow) -> tuple[str | None, str | None]:
    """Ids of the changes before and after, of the same page."""
    c = schema.changes
    of_page = sa.select(c.c.id).where(c.c.page_id == row.page_id).limit(1)
    here = _at(row.captured_at, row.id)
    before = of_page.where(_key() < here).order_by(c.c.captured_at.desc(), c.c.id.desc())
    later = of_page.where(_key() > here).order_by(c.c.captured_at, c.c.id)
    return connection.execute(before).scalar(), connection.execute(later).scalar()


def latest_by_vendor(
    connection: sa.Connection, count: int, *, with_topics: bool = True
) -> tuple[ChangeRow, ...]:
    """The last changes of each vendor, newest first; only those about a topic, or all."""
    c, p = schema.changes, schema.pages
    ranked = sa.select(
        c.c.id,
        sa.func.row_number()
        .over(partition_by=p.c.vendor_id, order_by=(c.c.captured_at.desc(), c.c.id.desc()))
        .label("rank"),
    ).join(p, p.c.id == c.c.page_id)
    if with_topics:
        ct = schema.change_topics
        ranked = ranked.where(sa.exists().where(ct.c.change_id == c.c.id))
    best = ranked.subquery()
    query = (
        _changes()
        .join(best, best.c.id == c.c.id)
        .where(best.c.rank <= count)
        .order_by(c.c.captured_at.desc(), c.c.id.desc())
    )
    return tuple(_change(row) for row in connection.execute(query))


def _key(by: str = "captured_at") -> sa.Tuple:
    return sa.tuple_(schema.changes.c[by], schema.changes.c.id)


def _at(at: datetime, change_id: str) -> sa.Tuple:
    return sa.tuple_(sa.literal(at, schema.Instant), sa.literal(change_id))


def _changes() -> sa.Select[Any]:
    c, p, v = schema.changes, schema.pages, schema.vendors
    return (
        sa.select(
            *(column for column in c.c if column.name != "edits"),
            p.c.vendor_id,
            v.c.name.label("vendor_name"),
            p.c.title.label("page_title"),
            p.c.url.label("page_url"),
            p.c.lang,
            p.c.region,
            p.c.scope,
        )
        .select_from(c)
        .join(p, p.c.id == c.c.page_id)
        .join(v, v.c.id == p.c.vendor_id)
    )


def _change(row: sa.Row[Any]) -> ChangeRow:
    return ChangeRow(
        id=row.id,
        vendor_id=row.vendor_id,
        vendor_name=row.vendor_name,
        page_id=row.page_id,
        page_title=row.page_title,
        page_url=row.page_url,
        lang=row.lang,
        region=row.region,
        scope=row.scope,
        origin=row.origin,
        before_id=row.before_id,
        after_id=row.after_id,
        captured_at=row.captured_at,
        confirmed_at=row.confirmed_at,
        event_id=row.event_id,
        topics=tuple(Topic(topic) for topic in row.topics),
        added=row.added,
        removed=row.removed,
        replaced=row.replaced,
        moved=row.moved,
        directions=dict(row.directions),
    )
