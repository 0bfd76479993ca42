"""Which version of a page was believed at a time, and the history it stands in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from policies.model import VersionState
from policies.store import schema
from policies.store.queries.rows import Listing, Position, listing
from policies.store.queries.tracks import CRAWL
from policies.store.queries.versions import BELIEVED


@dataclass(frozen=True)
class Memento:
    """A believed version, in short."""

    id: str
    captured_at: datetime


@dataclass(frozen=True)
class Around:
    """The believed versions at the ends of a page's history, and beside one of them."""

    first: Memento | None
    last: Memento | None
    before: Memento | None
    after: Memento | None


def believed_before(
    connection: sa.Connection, page_id: str, before: datetime | None
) -> Memento | None:
    """The version that was believed just before a time, or is now; the crawl's where it has one.

    None: the page was not read yet.
    """
    v = schema.versions
    query = _believed(page_id)
    if before is not None:
        query = query.where(v.c.captured_at < before)
    crawled = sa.case((v.c.origin == CRAWL, 0), else_=1)
    # The same capture read in a new way comes before what it was read as at first.
    again = sa.case((v.c.state == VersionState.REREAD.value, 0), else_=1)
    query = query.order_by(crawled, v.c.captured_at.desc(), again, v.c.id).limit(1)
    return _memento(connection.execute(query).first())


def history(
    connection: sa.Connection, page_id: str, *, after: Position | None = None, limit: int
) -> Listing[Memento]:
    """The believed versions of a page, newest first."""
    v = schema.versions
    query = _believed(page_id).order_by(v.c.captured_at.desc(), v.c.id.desc()).limit(limit + 1)
    if after is not None:
        query = query.where(_key() < _at(after.at, after.id))
    rows = [Memento(row.id, row.captured_at) for row in connection.execute(query)]
    return listing(rows, limit)


def around(connection: sa.Connection, page_id: str, at: datetime, version_id: str) -> Around:
    """The ends of a page's history, and the versions beside one."""
    v = schema.versions
    query, here = _believed(page_id), _at(at, version_id)
    earliest = query.order_by(v.c.captured_at, v.c.id).limit(1)
    latest = query.order_by(v.c.captured_at.desc(), v.c.id.desc()).limit(1)
    found = (
        _memento(connection.execute(wanted).first())
        for wanted in (earliest, latest, latest.where(_key() < here), earliest.where(_key() > here))
    )
    return Around(*found)


def page_at(connection: sa.Connection, url: str) -> str | None:
    """Id of the page of an address; of several, the one read most lately. None: none is known."""
    p, t = schema.pages, schema.tracks
    query = (
        sa.select(p.c.id)
        .outerjoin(t, t.c.page_id == p.c.id)
        .where(p.c.url == url)
        .order_by(sa.func.coalesce(t.c.last_read_at, 0).desc(), p.c.id)
        .limit(1)
    )
    return connection.execute(query).scalar()


def _believed(page_id: str) -> sa.Select[Any]:
    v = schema.versions
    return sa.select(v.c.id, v.c.captured_at).where(v.c.page_id == page_id, v.c.state.in_(BELIEVED))


def _key() -> sa.Tuple:
    return sa.tuple_(schema.versions.c.captured_at, schema.versions.c.id)


def _at(at: datetime, version_id: str) -> sa.Tuple:
    return sa.tuple_(sa.literal(at, schema.Instant), sa.literal(version_id))


def _memento(row: sa.Row[Any] | None) -> Memento | None:
    return Memento(row.id, row.captured_at) if row else None
