"""What grouping changes into events asks of the store, and writes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from policies.model import EventKind, Reason
from policies.store import codec, log, schema
from policies.store.writing.ids import stable_id


def loose(connection: sa.Connection) -> list[Any]:
    """(id, page, both texts, edits) of the changes that are in no event yet, oldest first."""
    c = schema.changes
    before, after = schema.versions.alias("before"), schema.versions.alias("after")
    query = (
        sa.select(
            c.c.id,
            c.c.page_id,
            c.c.edits,
            before.c.text_id.label("before_text"),
            after.c.text_id.label("after_text"),
        )
        .join_from(c, before, before.c.id == c.c.before_id)
        .join(after, after.c.id == c.c.after_id)
        .where(c.c.event_id.is_(None))
        .order_by(c.c.captured_at, c.c.id)
    )
    return list(connection.execute(query))


def change(connection: sa.Connection, change_id: str) -> Any:
    """The row of a change with its page's vendor, language and address."""
    c, p = schema.changes, schema.pages
    query = (
        sa.select(
            c.c.id,
            c.c.page_id,
            c.c.origin,
            c.c.captured_at,
            c.c.confirmed_at,
            c.c.weight,
            c.c.regional,
            p.c.vendor_id,
            p.c.lang,
            p.c.url,
        )
        .join_from(c, p, p.c.id == c.c.page_id)
        .where(c.c.id == change_id)
    )
    return connection.execute(query).one()


def alike(connection: sa.Connection, row: Any, since: datetime, until: datetime) -> list[Any]:
    """(id, event, weight, shared weight) of a vendor's changes that share edits with a change.

    Only in its language, in an event already, and not of the same history.
    """
    c, p = schema.changes, schema.pages
    mine, theirs = schema.rewordings.alias("mine"), schema.rewordings.alias("theirs")
    query = (
        sa.select(c.c.id, c.c.event_id, c.c.weight, sa.func.sum(theirs.c.weight).label("shared"))
        .join_from(mine, theirs, theirs.c.mark == mine.c.mark)
        .join(c, c.c.id == theirs.c.change_id)
        .join(p, p.c.id == c.c.page_id)
        .where(mine.c.change_id == row.id, c.c.id != row.id, c.c.event_id.is_not(None))
        .where(p.c.vendor_id == row.vendor_id, p.c.lang == row.lang)
        .where(sa.or_(c.c.page_id != row.page_id, c.c.origin != row.origin))
        .where(c.c.captured_at >= since, c.c.captured_at <= until)
        .group_by(c.c.id, c.c.event_id, c.c.weight)
        .order_by(sa.desc("shared"), c.c.id)
        .limit(20)
    )
    return list(connection.execute(query))


def pages_of(connection: sa.Connection, vendor_id: str, origin: str) -> list[tuple[str, str]]:
    """(id, address) of a vendor's pages that were read by an origin."""
    p, t = schema.pages.c, schema.tracks
    query = (
        sa.select(p.id, p.url)
        .join_from(schema.pages, t, t.c.page_id == p.id)
        .where(p.vendor_id == vendor_id, t.c.origin == origin, t.c.current_id.is_not(None))
    )
    return [tuple(row) for row in connection.execute(query)]


def around(
    connection: sa.Connection,
    page_ids: Iterable[str],
    origin: str,
    since: datetime,
    until: datetime,
) -> list[Any]:
    """(event, page, regional share) of the changes of these pages in a time."""
    c = schema.changes.c
    query = sa.select(c.event_id, c.page_id, c.regional).where(
        c.page_id.in_(list(page_ids)),
        c.origin == origin,
        c.captured_at >= since,
        c.captured_at <= until,
        c.event_id.is_not(None),
    )
    return list(connection.execute(query))


def put_event(
    connection: sa.Connection,
    *parts: str,
    kind: EventKind,
    vendor_id: str,
    page_id: str,
    captured_at: datetime,
    confirmed_at: datetime,
    health: tuple[str | None, str | None] = (None, None),
    says: str = "",
) -> str:
    """Keep an event; its id, made of `parts`. `health`: before and after."""
    id_ = stable_id("event", *parts)
    connection.execute(
        schema.events.insert(),
        {
            "id": id_,
            "kind": kind.value,
            "vendor_id": vendor_id,
            "page_id": page_id,
            "captured_at": captured_at,
            "confirmed_at": confirmed_at,
            "updated_at": confirmed_at,
            "health_before": health[0],
            "health_after": health[1],
            "says": says,
            "labels": [],
        },
    )
    log.note(connection, "event", id_)
    return id_


def join_event(connection: sa.Connection, event_id: str, row: Any) -> None:
    """Bring an event up to date with another change that is it, too."""
    e = schema.events
    event = connection.execute(e.select().where(e.c.id == event_id)).one()
    first = row.captured_at < event.captured_at
    connection.execute(
        e.update()
        .where(e.c.id == event_id)
        .values(
            captured_at=min(event.captured_at, row.captured_at),
            confirmed_at=min(event.confirmed_at, row.confirmed_at),
            updated_at=max(event.updated_at, row.confirmed_at),
            page_id=row.page_id if first else event.page_id,
        )
    )
    log.note(connection, "event", event_id)


def set_change(connection: sa.Connection, change_id: str, **values: Any) -> None:
    """Bring columns of a change up to date."""
    c = schema.changes
    connection.execute(c.update().where(c.c.id == change_id).values(values))


def label(connection: sa.Connection, event_ids: Iterable[str], why: Reason) -> None:
    """Put a label on events; one of the same rule is replaced."""
    e = schema.events
    for event in connection.execute(
        sa.select(e.c.id, e.c.labels).where(e.c.id.in_(sorted(set(event_ids))))
    ).all():
        others = [known for known in event.labels if known["rule"] != why.rule]
        labels = [*others, *codec.reasons_json([why])]
        connection.execute(e.update().where(e.c.id == event.id).values(labels=labels))
        log.note(connection, "event", event.id)
