"""A page's versions; a version's text, passages and disclosures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from policies.model import BlockKind, Passage, Stance, Topic, VersionState
from policies.store import codec, schema
from policies.store.queries.rows import Listing, Position, batches, listing

BELIEVED = tuple(
    state.value for state in (VersionState.BASELINE, VersionState.CONFIRMED, VersionState.REREAD)
)


@dataclass(frozen=True)
class CaptureRow:
    """The capture that first showed a version."""

    id: str
    url: str
    final_url: str
    status: int | None
    captured_at: datetime
    digest: str | None  # "sha256:<hex>" of the body
    note: str | None


@dataclass(frozen=True)
class VersionRow:
    """The text of a page, without the text."""

    id: str
    page_id: str
    origin: str
    text_id: str
    lang: str
    state: VersionState
    captured_at: datetime
    confirmed_at: datetime | None
    last_seen: datetime
    base_id: str | None
    characters: int
    stated_date: str | None  # when the text says that it was last updated: "2024-06-25", "2024-06"
    passages: int
    capture: CaptureRow
    change_id: str | None  # of the published change that led to it


@dataclass(frozen=True)
class DisclosureRow:
    """What one passage of a text says."""

    position: int
    topics: tuple[Topic, ...]
    stance: Stance | None
    slots: dict[str, str]


@dataclass(frozen=True)
class TextRow:
    """A version's text with its passages and what they say."""

    body: str
    passages: tuple[Passage, ...]
    disclosures: dict[int, DisclosureRow]  # by position
    judged: bool  # False: no detector of its language read it


@dataclass(frozen=True)
class Excerpt:
    """Some passages of a text, by position, and what they say."""

    passages: dict[int, Passage]
    disclosures: dict[int, DisclosureRow]


@dataclass(frozen=True)
class Wanted:
    """Which versions; None: no matter."""

    page_id: str | None = None
    vendor_id: str | None = None
    lang: str | None = None
    states: Sequence[VersionState] = ()  # empty: any
    since: datetime | None = None  # first captured then or later
    before: datetime | None = None  # first captured earlier than that


def versions(
    connection: sa.Connection,
    wanted: Wanted,
    *,
    after: Position | None = None,
    limit: int = 50,
) -> Listing[VersionRow]:
    """Versions by the time of the first capture that showed them, newest first."""
    v, p = schema.versions, schema.pages
    query = _versions()
    if wanted.page_id is not None:
        query = query.where(v.c.page_id == wanted.page_id)
    if wanted.vendor_id is not None or wanted.lang is not None:
        query = query.join(p, p.c.id == v.c.page_id)
    if wanted.vendor_id is not None:
        query = query.where(p.c.vendor_id == wanted.vendor_id)
    if wanted.lang is not None:
        query = query.where(p.c.lang == wanted.lang)
    if wanted.states:
        query = query.where(v.c.state.in_([state.value for state in wanted.states]))
    if wanted.since is not None:
        query = query.where(v.c.captured_at >= wanted.since)
    if wanted.before is not None:
        query = query.where(v.c.captured_at < wanted.before)
    if after is not None:
        query = query.where(
            sa.tuple_(v.c.captured_at, v.c.id)
            < sa.tuple_(sa.literal(after.at, schema.Instant), sa.literal(after.id))
        )
    query = query.order_by(v.c.captured_at.desc(), v.c.id.desc()).limit(limit + 1)
    return listing([_version(row) for row in connection.execute(query)], limit)


def page_versions(
    connection: sa.Connection,
    page_id: str,
    *,
    states: Sequence[VersionState] = (),
    after: Position | None = None,
    limit: int = 50,
) -> Listing[VersionRow]:
    """Versions of a page, newest first; of these states, or of all."""
    return versions(connection, Wanted(page_id=page_id, states=states), after=after, limit=limit)


def versions_by_id(connection: sa.Connection, ids: Sequence[str]) -> dict[str, VersionRow]:
    """The versions of these ids; unknown ones are left out."""
    return {
        row.id: _version(row)
        for batch in batches(sorted(set(ids)))
        for row in connection.execute(_versions().where(schema.versions.c.id.in_(batch)))
    }


def version(connection: sa.Connection, version_id: str) -> VersionRow | None:
    """One version, or None."""
    return versions_by_id(connection, [version_id]).get(version_id)


def neighbours(connection: sa.Connection, row: VersionRow) -> tuple[str | None, str | None]:
    """Ids of the believed versions before and after, of the same page and origin."""
    v = schema.versions
    here = sa.tuple_(sa.literal(row.captured_at, schema.Instant), sa.literal(row.id))
    there = sa.tuple_(v.c.captured_at, v.c.id)
    believed = (
        sa.select(v.c.id)
        .where(v.c.page_id == row.page_id, v.c.origin == row.origin, v.c.state.in_(BELIEVED))
        .limit(1)
    )
    before = believed.where(there < here).order_by(v.c.captured_at.desc(), v.c.id.desc())
    later = believed.where(there > here).order_by(v.c.captured_at, v.c.id)
    return connection.execute(before).scalar(), connection.execute(later).scalar()


def text(connection: sa.Connection, text_id: str, scope: str) -> TextRow:
    """A text with its passages and, as read in this scope, its disclosures."""
    t = schema
    row = connection.execute(sa.select(t.texts.c.body).where(t.texts.c.id == text_id)).one()
    detector = connection.execute(
        sa.select(t.readings.c.detector).where(
            t.readings.c.text_id == text_id, t.readings.c.scope == scope
        )
    ).scalar()
    body = codec.unpack_text(row.body)
    return TextRow(
        body,
        _passages(connection, text_id, body),
        disclosed(connection, text_id, scope),
        bool(detector),
    )


def disclosed(connection: sa.Connection, text_id: str, scope: str) -> dict[int, DisclosureRow]:
    """What the passages of a text say, as read in this scope, by position."""
    d, v = schema.disclosures, schema.verdicts
    rows = connection.execute(
        sa.select(d.c.position, v.c.topics, v.c.stance, v.c.slots)
        .join(v, v.c.id == d.c.verdict_id)
        .where(d.c.text_id == text_id, d.c.scope == scope)
        .order_by(d.c.position)
    )
    return {
        r.position: DisclosureRow(
            r.position,
            tuple(Topic(topic) for topic in r.topics),
            Stance(r.stance) if r.stance else None,
            dict(r.slots),
        )
        for r in rows
    }


def excerpt(
    connection: sa.Connection, text_id: str, scope: str, positions: Iterable[int]
) -> Excerpt:
    """The passages of a text at these positions, and the headings above them."""
    body = codec.unpack_text(
        connection.execute(
            sa.select(schema.texts.c.body).where(schema.texts.c.id == text_id)
        ).scalar_one()
    )
    found = _at(connection, text_id, body, set(positions))
    above = {at for passage in found.values() for at in passage.headings} - set(found)
    found.update(_at(connection, text_id, body, above))
    return Excerpt(found, disclosed(connection, text_id, scope))


def _at(
    connection: sa.Connection, text_id: str, body: str, positions: set[int]
) -> dict[int, Passage]:
    tp = schema.text_passages
    return {
        r.position: _passage(r, body)
        for batch in batches(sorted(positions))
        for r in connection.execute(
            sa.select(tp).where(tp.c.text_id == text_id, tp.c.position.in_(batch))
        )
    }


def _passage(r: sa.Row[Any], body: str) -> Passage:
    return Passage(
        id=r.passage_id,
        text=body[r.start : r.end],
        kind=BlockKind(r.kind),
        start=r.start,
        end=r.end,
        headings=tuple(r.headings),
    )


def _passages(connection: sa.Connection, text_id: str, body: str) -> tuple[Passage, ...]:
    tp = schema.text_passages
    rows = connection.execute(sa.select(tp).where(tp.c.text_id == text_id).order_by(tp.c.position))
    return tuple(_passage(r, body) for r in rows)


def _versions() -> sa.Select[Any]:
    t = schema
    return (
        sa.select(
            t.versions,
            t.texts.c.lang,
            t.texts.c.characters,
            t.texts.c.stated_date,
            t.texts.c.passages,
            t.captures.c.url,
            t.captures.c.final_url,
            t.captures.c.status,
            t.captures.c.captured_at.label("fetched_at"),
            t.captures.c.digest,
            t.captures.c.note,
            t.changes.c.id.label("change_id"),
        )
        .select_from(t.versions)
        .join(t.texts, t.texts.c.id == t.versions.c.text_id)
        .join(t.captures, t.captures.c.id == t.versions.c.capture_id)
        .outerjoin(t.changes, t.changes.c.after_id == t.versions.c.id)
    )


def _version(row: sa.Row[Any]) -> VersionRow:
    return VersionRow(
        id=row.id,
        page_id=row.page_id,
        origin=row.origin,
        text_id=row.text_id,
        lang=row.lang,
        state=VersionState(row.state),
        captured_at=row.captured_at,
        confirmed_at=row.confirmed_at,
        last_seen=row.last_seen,
        base_id=row.base_id,
        characters=row.characters,
        stated_date=row.stated_date or None,
        passages=row.passages,
        capture=CaptureRow(
            id=row.capture_id,
            url=row.url,
            final_url=row.final_url,
            status=row.status,
            captured_at=row.fetched_at,
            digest=row.digest,
            note=row.note,
        ),
        change_id=row.change_id,
    )
