"""Finds what an id names, with the rows that led to it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from policies.store import schema


def find(connection: sa.Connection, id_: str) -> tuple[str, Any] | None:
    """("capture" | "version" | "change" | "event", row) that bears an id, or None."""
    for name, table in (
        ("capture", schema.captures),
        ("version", schema.versions),
        ("change", schema.changes),
        ("event", schema.events),
    ):
        row = connection.execute(table.select().where(table.c.id == id_)).first()
        if row is not None:
            return name, row
    return None


def version_of_text(connection: sa.Connection, page_id: str, origin: str, text_id: str) -> Any:
    """The latest version of a page with a text, or None."""
    v = schema.versions
    query = (
        v.select()
        .where(v.c.page_id == page_id, v.c.origin == origin, v.c.text_id == text_id)
        .order_by(v.c.captured_at.desc())
        .limit(1)
    )
    return connection.execute(query).first()


def change_to(connection: sa.Connection, version_id: str) -> Any:
    """The change that leads to a version, or None."""
    c = schema.changes
    return connection.execute(c.select().where(c.c.after_id == version_id)).first()


def occurrences(connection: sa.Connection, event_id: str) -> list[Any]:
    """(id, page, origin, time, weight, regional) of an event's changes, by time."""
    c = schema.changes.c
    query = (
        sa.select(c.id, c.page_id, c.origin, c.captured_at, c.weight, c.regional)
        .where(c.event_id == event_id)
        .order_by(c.captured_at, c.id)
    )
    return list(connection.execute(query))


def same_edits(connection: sa.Connection, change: Any) -> list[Any]:
    """(id, page, time, weight, shared) of other changes with an edit in common, most first.

    Weights are characters.
    """
    c = schema.changes.c
    mine, theirs = schema.rewordings.alias("mine"), schema.rewordings.alias("theirs")
    shared = sa.func.sum(theirs.c.weight).label("shared")
    query = (
        sa.select(c.id, c.page_id, c.captured_at, c.weight, shared)
        .join_from(mine, theirs, theirs.c.mark == mine.c.mark)
        .join(schema.changes, c.id == theirs.c.change_id)
        .where(mine.c.change_id == change.id, c.id != change.id)
        .group_by(c.id, c.page_id, c.captured_at, c.weight)
        .order_by(shared.desc(), c.captured_at, c.id)
        .limit(50)
    )
    return list(connection.execute(query))
