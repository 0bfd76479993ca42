"""Where a passage stood, and when: every page and origin whose versions held it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from policies.model import BlockKind, VersionState
from policies.store import schema
from policies.store.queries.rows import batches
from policies.store.queries.versions import BELIEVED

Spell = tuple[datetime, datetime | None]


class Place(StrEnum):
    """How a passage stands on a page."""

    CURRENT = "current"  # in the version believed now
    GONE = "gone"  # in an earlier version that was believed
    PENDING = "pending"  # only in a version that waits to be seen again
    VARIANT = "variant"  # only in a text that the page alternated with
    UNCONFIRMED = "unconfirmed"  # only in a version that was gone before it was seen again


@dataclass(frozen=True)
class Sighting:
    """A passage on one page, in the history of one origin."""

    passage_id: str
    page_id: str
    origin: str
    place: Place
    first_seen: datetime
    last_seen: datetime
    spells: tuple[Spell, ...]  # runs of presence, oldest first: (first seen, first without)
    version_id: str  # the current version if it holds it, else the last that did
    text_id: str
    position: int
    kind: BlockKind
    start: int
    end: int
    headings: tuple[int, ...]
    captured_at: datetime  # of that version
    digest: str | None  # of that version's capture


def sightings(
    connection: sa.Connection, passage_ids: Sequence[str]
) -> dict[str, tuple[Sighting, ...]]:
    """Where these passages stood: current places first, then by the time last seen."""
    ids = sorted(set(passage_ids))
    rows = [row for batch in batches(ids) for row in connection.execute(_held(batch))]
    lived = _spells(connection, ids)
    found: dict[str, list[Sighting]] = {id_: [] for id_ in ids}
    for row in rows:
        found[row.passage_id].append(
            _sighting(row, lived.get((row.passage_id, row.page_id, row.origin), ()))
        )
    return {id_: tuple(sorted(listed, key=_order)) for id_, listed in found.items()}


def _order(sighting: Sighting) -> tuple[bool, float, str, str]:
    gone = sighting.place is not Place.CURRENT
    return (gone, -sighting.last_seen.timestamp(), sighting.page_id, sighting.origin)


def _held(passage_ids: Sequence[str]) -> sa.Select[Any]:
    v, tp, t, c = schema.versions, schema.text_passages, schema.tracks, schema.captures
    same = (tp.c.passage_id, v.c.page_id, v.c.origin)
    is_current = sa.case((v.c.id == t.c.current_id, 1), else_=0)
    is_believed = sa.case((v.c.state.in_(BELIEVED), 1), else_=0)
    best = (
        is_current.desc(),
        is_believed.desc(),
        v.c.captured_at.desc(),
        v.c.id,
        tp.c.position,
    )
    ranked = (
        sa.select(
            tp.c.passage_id,
            tp.c.position,
            tp.c.kind,
            tp.c.start,
            tp.c.end,
            tp.c.headings,
            v.c.id.label("version_id"),
            v.c.page_id,
            v.c.origin,
            v.c.text_id,
            v.c.state,
            v.c.captured_at,
            v.c.capture_id,
            is_current.label("is_current"),
            sa.func.min(v.c.captured_at).over(partition_by=same).label("first_seen"),
            sa.func.max(v.c.last_seen).over(partition_by=same).label("last_seen"),
            sa.func.row_number().over(partition_by=same, order_by=best).label("rank"),
        )
        .select_from(tp)
        .join(v, v.c.text_id == tp.c.text_id)
        .outerjoin(t, (t.c.page_id == v.c.page_id) & (t.c.origin == v.c.origin))
        .where(tp.c.passage_id.in_(passage_ids))
        .subquery()
    )
    return (
        sa.select(ranked, c.c.digest)
        .join(c, c.c.id == ranked.c.capture_id)
        .where(ranked.c.rank == 1)
    )


def _spells(
    connection: sa.Connection, passage_ids: Sequence[str]
) -> dict[tuple[str, str, str], list[Spell]]:
    s = schema.spells
    found: dict[tuple[str, str, str], list[Spell]] = {}
    for batch in batches(passage_ids):
        query = s.select().where(s.c.passage_id.in_(batch)).order_by(s.c.first_seen)
        for row in connection.execute(query):
            key = (row.passage_id, row.page_id, row.origin)
            found.setdefault(key, []).append((row.first_seen, row.ended))
    return found


def _sighting(row: sa.Row[Any], spells: Sequence[Spell]) -> Sighting:
    return Sighting(
        passage_id=row.passage_id,
        page_id=row.page_id,
        origin=row.origin,
        place=_place(row),
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        spells=tuple(spells),
        version_id=row.version_id,
        text_id=row.text_id,
        position=row.position,
        kind=BlockKind(row.kind),
        start=row.start,
        end=row.end,
        headings=tuple(row.headings),
        captured_at=row.captured_at,
        digest=row.digest,
    )


def _place(row: sa.Row[Any]) -> Place:
    if row.is_current:
        return Place.CURRENT
    if row.state in BELIEVED:
        return Place.GONE
    return Place(VersionState(row.state).value)
