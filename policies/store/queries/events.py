"""Events: what people are told of, with the changes that are their occurrences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from policies.model import EventKind, Health, Reason, Topic
from policies.store import codec, schema
from policies.store.queries import changes
from policies.store.queries.changes import ChangeRow
from policies.store.queries.rows import Listing, Position, batches, listing


@dataclass(frozen=True)
class EventRow:
    """One edit on however many pages of a vendor, or another health of a page."""

    id: str
    kind: EventKind
    vendor_id: str
    vendor_name: str
    page_id: str  # where it was seen first
    page_title: str
    page_url: str
    lang: str
    region: str | None
    captured_at: datetime  # first capture that showed it
    confirmed_at: datetime  # when it was published
    updated_at: datetime  # when its last occurrence was published
    health_before: Health | None  # None: of a change, or nothing was told before
    health_after: Health | None  # None: of a change
    says: str  # why, of another health
    labels: tuple[Reason, ...]
    occurrences: tuple[ChangeRow, ...]  # by time; none of another health

    @property
    def topics(self) -> tuple[Topic, ...]:
        """The topics of its changes, in the order of Topic."""
        found = {topic for change in self.occurrences for topic in change.topics}
        return tuple(topic for topic in Topic if topic in found)


@dataclass(frozen=True)
class Wanted:
    """Which events a list holds; None: no matter."""

    kind: EventKind | None = None
    vendor_id: str | None = None
    page_id: str | None = None  # one of its pages
    topic: Topic | None = None
    direction: str | None = None  # on that topic, or on any
    lang: str | None = None
    since: datetime | None = None  # published at or after
    before: datetime | None = None  # published earlier than


def events(
    connection: sa.Connection,
    wanted: Wanted,
    *,
    after: Position | None = None,
    limit: int = 50,
) -> Listing[EventRow]:
    """Events by the time that they were published, newest first."""
    e, p = schema.events.c, schema.pages.c
    query = _events()
    for given, column in ((wanted.vendor_id, e.vendor_id), (wanted.lang, p.lang)):
        if given is not None:
            query = query.where(column == given)
    if wanted.kind is not None:
        query = query.where(e.kind == wanted.kind.value)
    if wanted.page_id is not None:
        query = query.where(
            sa.or_(e.page_id == wanted.page_id, _has(schema.changes.c.page_id == wanted.page_id))
        )
    if wanted.topic is not None or wanted.direction is not None:
        t = schema.change_topics.c
        about = sa.exists().where(t.change_id == schema.changes.c.id)
        if wanted.topic is not None:
            about = about.where(t.topic == wanted.topic.value)
        if wanted.direction is not None:
            about = about.where(t.direction == wanted.direction)
        query = query.where(_has(about))
    if wanted.since is not None:
        query = query.where(e.confirmed_at >= wanted.since)
    if wanted.before is not None:
        query = query.where(e.confirmed_at < wanted.before)
    if after is not None:
        here = sa.tuple_(sa.literal(after.at, schema.Instant), sa.literal(after.id))
        query = query.where(sa.tuple_(e.confirmed_at, e.id) < here)
    query = query.order_by(e.confirmed_at.desc(), e.id.desc()).limit(limit + 1)
    return listing(_whole(connection, connection.execute(query).all()), limit)


def event(connection: sa.Connection, event_id: str) -> EventRow | None:
    """One event, or None."""
    rows = connection.execute(_events().where(schema.events.c.id == event_id)).all()
    return next(iter(_whole(connection, rows)), None)


def _has(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Whether an event has an occurrence of which something holds."""
    return sa.exists().where(schema.changes.c.event_id == schema.events.c.id, condition)


def _events() -> sa.Select[Any]:
    e, p, v = schema.events, schema.pages, schema.vendors
    return (
        sa.select(
            *e.c,
            v.c.name.label("vendor_name"),
            p.c.title.label("page_title"),
            p.c.url.label("page_url"),
            p.c.lang,
            p.c.region,
        )
        .select_from(e)
        .join(p, p.c.id == e.c.page_id)
        .join(v, v.c.id == e.c.vendor_id)
    )


def _whole(connection: sa.Connection, rows: Sequence[Any]) -> list[EventRow]:
    """Rows with their occurrences, read in one go."""
    c = schema.changes.c
    event_of = {
        row.id: row.event_id
        for batch in batches([row.id for row in rows])
        for row in connection.execute(sa.select(c.id, c.event_id).where(c.event_id.in_(batch)))
    }
    occurrences: dict[str, list[ChangeRow]] = {}
    found = changes.by_id(connection, list(event_of)).values()
    for change in sorted(found, key=lambda change: (change.captured_at, change.id)):
        occurrences.setdefault(event_of[change.id], []).append(change)
    return [
        EventRow(
            id=row.id,
            kind=EventKind(row.kind),
            vendor_id=row.vendor_id,
            vendor_name=row.vendor_name,
            page_id=row.page_id,
            page_title=row.page_title,
            page_url=row.page_url,
            lang=row.lang,
            region=row.region,
            captured_at=row.captured_at,
            confirmed_at=row.confirmed_at,
            updated_at=row.updated_at,
            health_before=Health(row.health_before) if row.health_before else None,
            health_after=Health(row.health_after) if row.health_after else None,
            says=row.says,
            labels=codec.reasons(row.labels),
            occurrences=tuple(occurrences.get(row.id, ())),
        )
        for row in rows
    ]
