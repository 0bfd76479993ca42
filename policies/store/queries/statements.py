"""What was stated when: every disclosure ever believed, with its lifetimes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from policies.model import BlockKind, Outcome, Stance, Topic, VersionState
from policies.store import schema
from policies.store.queries.versions import BELIEVED


@dataclass(frozen=True)
class PlaceRow:
    """Where words lie, and the capture that shows them."""

    version_id: str
    text_id: str
    position: int  # in that text
    start: int
    end: int
    headings: tuple[int, ...]  # positions in that text, outermost first
    captured_at: datetime  # of that version
    digest: str | None  # of that version's capture


@dataclass(frozen=True)
class StatementRow:
    """A passage that said the same thing in one or more versions of a page and origin."""

    page_id: str
    origin: str
    passage_id: str
    topics: tuple[Topic, ...]
    stance: Stance | None
    slots: dict[str, str]
    version_id: str  # the current version if it holds it, else the last that did
    text_id: str  # of that version
    position: int  # in that text
    kind: BlockKind
    start: int
    end: int
    headings: tuple[int, ...]  # positions in that text, outermost first
    version_captured_at: datetime  # of that version
    version_last_seen: datetime
    digest: str | None  # of that version's capture
    first_seen: datetime  # first version in which it said this
    last_seen: datetime  # last time that a version was seen in which it said this
    times: int  # how often its words stand in that version
    first: PlaceRow  # the version in which it said this first
    reread: bool  # that one is an old capture read in a new way: nobody saw the words come
    next_at: datetime | None  # first capture of the version after the last that said this
    spells: tuple[tuple[datetime, datetime | None], ...] = field(default=())
    """Runs of presence of its words, oldest first: (first seen, first capture without)."""


def statements(
    connection: sa.Connection, *, vendor_id: str | None = None
) -> tuple[StatementRow, ...]:
    """All statements of a vendor, or of all, by page, origin and passage. Two queries."""
    found = _stated(vendor_id).subquery()
    after = schema.versions.alias()
    following = (
        sa.select(sa.func.min(after.c.captured_at))
        .where(after.c.page_id == found.c.page_id, after.c.origin == found.c.origin)
        .where(after.c.state.in_(BELIEVED), after.c.captured_at > found.c.captured_at)
        .scalar_subquery()
    )
    rows = connection.execute(
        sa.select(found, following.label("next_at"))
        .where(sa.or_(found.c.rank == 1, found.c.first == 1))
        .order_by(found.c.page_id, found.c.origin, found.c.passage_id, found.c.verdict_id)
    )
    firsts: dict[tuple[object, ...], sa.Row[Any]] = {}
    newest: dict[tuple[object, ...], sa.Row[Any]] = {}
    for r in rows:
        key = (r.page_id, r.origin, r.passage_id, tuple(r.topics), r.stance)
        if r.first == 1:
            firsts[key] = r
        if r.rank == 1:
            newest[key] = r
    spells = _spells(connection, vendor_id)
    return tuple(
        _row(r, firsts[key], spells.get((r.page_id, r.origin, r.passage_id), ()))
        for key, r in newest.items()
    )


def last_reads(
    connection: sa.Connection, at: datetime, *, vendor_id: str | None = None
) -> dict[tuple[str, str], datetime]:
    """When each page's text was last known at or before a time, by page and origin."""
    c, p = schema.captures.c, schema.pages.c
    read = [outcome.value for outcome in Outcome if outcome.is_read]
    query = (
        sa.select(c.page_id, c.origin, sa.func.max(c.captured_at), sa.func.max(c.seen_until))
        .join_from(schema.captures, schema.pages, p.id == c.page_id)
        .where(c.captured_at <= at, c.outcome.in_(read))
        .group_by(c.page_id, c.origin)
    )
    if vendor_id is not None:
        query = query.where(p.vendor_id == vendor_id)
    return {
        (page_id, origin): max(captured_at, min(seen_until, at))
        for page_id, origin, captured_at, seen_until in connection.execute(query)
    }


def _row(
    r: sa.Row[Any], first: sa.Row[Any], spells: Sequence[tuple[datetime, datetime | None]]
) -> StatementRow:
    return StatementRow(
        page_id=r.page_id,
        origin=r.origin,
        passage_id=r.passage_id,
        topics=tuple(Topic(topic) for topic in r.topics),
        stance=Stance(r.stance) if r.stance else None,
        slots=dict(r.slots),
        version_id=r.version_id,
        text_id=r.text_id,
        position=r.position,
        kind=BlockKind(r.kind),
        start=r.start,
        end=r.end,
        headings=tuple(r.headings),
        version_captured_at=r.captured_at,
        version_last_seen=r.version_last_seen,
        digest=r.digest,
        first_seen=r.first_seen,
        last_seen=r.last_seen,
        times=r.times,
        first=PlaceRow(
            version_id=first.version_id,
            text_id=first.text_id,
            position=first.position,
            start=first.start,
            end=first.end,
            headings=tuple(first.headings),
            captured_at=first.captured_at,
            digest=first.digest,
        ),
        reread=first.state == VersionState.REREAD,
        next_at=r.next_at,
        spells=tuple(spells),
    )


def _believed(query: sa.Select[Any], vendor_id: str | None) -> sa.Select[Any]:
    t = schema
    query = (
        query.select_from(t.versions)
        .join(t.pages, t.pages.c.id == t.versions.c.page_id)
        .join(
            t.disclosures,
            (t.disclosures.c.text_id == t.versions.c.text_id)
            & (t.disclosures.c.scope == t.pages.c.scope),
        )
        .join(
            t.text_passages,
            (t.text_passages.c.text_id == t.disclosures.c.text_id)
            & (t.text_passages.c.position == t.disclosures.c.position),
        )
        .where(t.versions.c.state.in_(BELIEVED))
    )
    return query if vendor_id is None else query.where(t.pages.c.vendor_id == vendor_id)


def _stated(vendor_id: str | None) -> sa.Select[Any]:
    t = schema
    same = (
        t.versions.c.page_id,
        t.versions.c.origin,
        t.text_passages.c.passage_id,
        # The same words saying the same: what stands beside them may have changed.
        sa.cast(t.verdicts.c.topics, sa.Text),
        t.verdicts.c.stance,
    )
    in_version = (t.versions.c.id, *same)
    oldest = (
        t.versions.c.captured_at,
        # Of a capture that was read in two ways, what was read at the time.
        sa.case((t.versions.c.state == VersionState.REREAD.value, 1), else_=0),
        t.versions.c.id,
        t.disclosures.c.position,
    )
    newest = (
        sa.case((t.versions.c.id == t.tracks.c.current_id, 0), else_=1),
        t.versions.c.captured_at.desc(),
        t.versions.c.id,
        t.disclosures.c.position,
    )
    query = sa.select(
        t.versions.c.page_id,
        t.versions.c.origin,
        t.text_passages.c.passage_id,
        t.verdicts.c.id.label("verdict_id"),
        t.verdicts.c.topics,
        t.verdicts.c.stance,
        t.verdicts.c.slots,
        t.versions.c.id.label("version_id"),
        t.versions.c.text_id,
        t.disclosures.c.position,
        t.text_passages.c.kind,
        t.text_passages.c.start,
        t.text_passages.c.end,
        t.text_passages.c.headings,
        t.versions.c.captured_at,
        t.versions.c.last_seen.label("version_last_seen"),
        t.captures.c.digest,
        t.versions.c.state,
        sa.func.count().over(partition_by=in_version).label("times"),
        sa.func.row_number().over(partition_by=same, order_by=oldest).label("first"),
        sa.func.min(t.versions.c.captured_at).over(partition_by=same).label("first_seen"),
        sa.func.max(t.versions.c.last_seen).over(partition_by=same).label("last_seen"),
        sa.func.row_number().over(partition_by=same, order_by=newest).label("rank"),
    )
    return (
        _believed(query, vendor_id)
        .join(t.verdicts, t.verdicts.c.id == t.disclosures.c.verdict_id)
        .join(t.captures, t.captures.c.id == t.versions.c.capture_id)
        .outerjoin(
            t.tracks,
            (t.tracks.c.page_id == t.versions.c.page_id)
            & (t.tracks.c.origin == t.versions.c.origin),
        )
    )


def _spells(
    connection: sa.Connection, vendor_id: str | None
) -> dict[tuple[str, str, str], list[tuple[datetime, datetime | None]]]:
    t = schema
    stated = (
        _believed(
            sa.select(
                t.versions.c.page_id, t.versions.c.origin, t.text_passages.c.passage_id
            ).distinct(),
            vendor_id,
        )
    ).subquery()
    rows = connection.execute(
        sa.select(t.spells)
        .join(
            stated,
            (stated.c.page_id == t.spells.c.page_id)
            & (stated.c.origin == t.spells.c.origin)
            & (stated.c.passage_id == t.spells.c.passage_id),
        )
        .order_by(t.spells.c.first_seen)
    )
    found: dict[tuple[str, str, str], list[tuple[datetime, datetime | None]]] = {}
    for r in rows:
        key = (r.page_id, r.origin, r.passage_id)
        found.setdefault(key, []).append((r.first_seen, r.ended))
    return found
