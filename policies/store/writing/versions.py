"""Versions, and the lifetimes of their passages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from policies.errors import BadStore
from policies.model import Passage, VersionState
from policies.store import log, schema
from policies.store.search import filling
from policies.store.writing.ids import version_id
from policies.store.writing.rows import put


def put_version(
    connection: sa.Connection,
    *,
    page_id: str,
    origin: str,
    text_id: str,
    capture_id: str,
    captured_at: datetime,
    last_seen: datetime,
    method: str,
    state: VersionState,
    base_id: str | None,
    confirmed_at: datetime | None = None,
    confirmed_by: str | None = None,
) -> str:
    """Record a version; its id."""
    id_ = version_id(page_id, origin, text_id, captured_at)
    row = {
        "id": id_,
        "page_id": page_id,
        "origin": origin,
        "text_id": text_id,
        "capture_id": capture_id,
        "captured_at": captured_at,
        "reading": method,
        "state": state.value,
        "confirmed_at": confirmed_at,
        "confirmed_by": confirmed_by,
        "base_id": base_id,
        "last_seen": last_seen,
    }
    put(connection, schema.versions, [row])
    log.note(connection, "version", id_)
    filling.keep_passages(connection, text_id, captured_at)
    return id_


def texts_around(
    connection: sa.Connection, page_id: str, origin: str, version_id: str, until: datetime
) -> list[str]:
    """Ids of the texts of the version that one was compared with, and of up to five since then.

    The version's own text is not among them, nor is anything captured at `until` or later.
    """
    v = schema.versions
    this = connection.execute(v.select().where(v.c.id == version_id)).one()
    between = (
        sa.select(v.c.text_id)
        .where(v.c.page_id == page_id, v.c.origin == origin)
        .where(v.c.captured_at > this.captured_at, v.c.captured_at < until)
        .order_by(v.c.captured_at)
        .limit(5)
    )
    before = sa.select(v.c.text_id).where(v.c.id == this.base_id)
    found = [*connection.execute(before).scalars(), *connection.execute(between).scalars()]
    return [text_id for text_id in dict.fromkeys(found) if text_id != this.text_id]


def set_version(connection: sa.Connection, id_: str, **values: Any) -> bool:
    """Bring columns of a version up to date; whether there is such a version."""
    here = schema.versions.c.id == id_
    done = connection.execute(schema.versions.update().where(here).values(values)).rowcount
    if done and not values.keys() <= {"last_seen", "reading"}:  # the log does not hold these
        log.note(connection, "version", id_)
    return bool(done)


def version_read_by(
    connection: sa.Connection, page_id: str, origin: str, captured_at: datetime, method: str
) -> Any:
    """The row of the version that a way of reading made of a capture, or None."""
    v = schema.versions.c
    query = sa.select(v.id).where(
        v.page_id == page_id, v.origin == origin, v.captured_at == captured_at, v.reading == method
    )
    found = connection.execute(query).scalars().first()
    return load_versions(connection, [found])[found] if found else None


def load_versions(connection: sa.Connection, ids: Sequence[str]) -> dict[str, Any]:
    """Version id -> row, with the signature and region of its text."""
    if not ids:
        return {}
    v, t = schema.versions, schema.texts
    query = (
        sa.select(v, t.c.signature, t.c.region)
        .join(t, t.c.id == v.c.text_id)
        .where(v.c.id.in_(list(ids)))
    )
    found = {row.id: row for row in connection.execute(query)}
    missing = set(ids) - set(found)
    if missing:
        raise BadStore(
            f"the store names versions that it does not hold ({', '.join(sorted(missing))}):"
            " `earwitness verify` tells more"
        )
    return found


def move_spells(
    connection: sa.Connection,
    page_id: str,
    origin: str,
    before: Iterable[Passage],
    now: Iterable[Passage],
    at: datetime,
) -> None:
    """Begin the lifetimes of passages that came, and end those of passages that went."""
    was, is_ = {p.id for p in before}, {p.id for p in now}
    s = schema.spells
    gone, come = sorted(was - is_), sorted(is_ - was)
    if gone:
        connection.execute(
            s.update()
            .where(
                s.c.page_id == page_id,
                s.c.origin == origin,
                s.c.ended.is_(None),
                s.c.passage_id == sa.bindparam("gone"),
            )
            .values(ended=sa.bindparam("at")),
            [{"gone": id_, "at": at} for id_ in gone],
        )
    rows = [
        {"page_id": page_id, "origin": origin, "passage_id": id_, "first_seen": at, "ended": None}
        for id_ in come
    ]
    put(connection, s, rows)
