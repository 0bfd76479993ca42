"""Where words stand now: what was taken out in one place may still be stated in another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from policies.model import Edit, EditKind, Passage
from policies.store import schema
from policies.store.queries.rows import batches
from policies.store.queries.tracks import speaking, tracks


@dataclass(frozen=True)
class Place:
    """A page that holds a passage in the version believed now."""

    page_id: str
    title: str
    url: str
    since: datetime  # start of the present run of versions that hold it
    as_of: datetime | None  # when the page was last read


def still_stated(
    connection: sa.Connection,
    vendor_id: str,
    edits: Iterable[Edit],
    old: Mapping[int, Passage] | Sequence[Passage],
) -> dict[int, tuple[Place, ...]]:
    """Where a vendor still states, word for word, what edits took out.

    By position in the old version; of what stands nowhere there is nothing.
    """
    gone = {
        edit.old: old[edit.old].id
        for edit in edits
        if edit.old is not None and edit.kind in (EditKind.REMOVED, EditKind.REPLACED)
    }
    standing = _standing(connection, vendor_id, gone.values())
    return {position: standing[id_] for position, id_ in gone.items() if id_ in standing}


def _standing(
    connection: sa.Connection, vendor_id: str, passage_ids: Collection[str]
) -> dict[str, tuple[Place, ...]]:
    """Passage id -> where a vendor's pages hold it now, by page."""
    if not passage_ids:
        return {}
    s, p = schema.spells.c, schema.pages.c
    now = speaking(tracks(connection, vendor_id=vendor_id))
    found: dict[str, list[Place]] = {}
    for batch in batches(sorted(set(passage_ids))):
        query = (
            sa.select(s.passage_id, s.page_id, s.origin, s.first_seen, p.title, p.url)
            .join_from(schema.spells, schema.pages, p.id == s.page_id)
            .where(s.passage_id.in_(batch), s.ended.is_(None), p.vendor_id == vendor_id)
            .order_by(s.page_id)
        )
        for row in connection.execute(query):
            track = now.get(row.page_id)
            if track is not None and track.origin == row.origin:
                place = Place(row.page_id, row.title, row.url, row.first_seen, track.last_read_at)
                found.setdefault(row.passage_id, []).append(place)
    return {passage_id: tuple(places) for passage_id, places in found.items()}
