"""What became of a passage: the published edits that brought it, reworded it and took it away."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from policies.model import EditKind
from policies.store import schema
from policies.store.queries.rows import batches
from policies.store.search.asking import EditHit, edit_hit

MOST = 100  # edits of one trail; a heading that stands on every page may have thousands
_FARTHEST = 40  # rewordings between a passage and what it once was


def trail(connection: sa.Connection, passage_id: str) -> tuple[EditHit, ...]:
    """The edits of a passage, of what it was reworded from and into, oldest first.

    The nearest to the passage where there are more than `MOST`.
    """
    found: dict[int, EditHit] = {}
    known, fresh = {passage_id}, {passage_id}
    for _ in range(_FARTHEST):
        touching = {hit.number: hit for hit in _touching(connection, fresh)}
        found = _at_most({**touching, **found}, found)
        reworded = [hit for hit in touching.values() if hit.kind is EditKind.REPLACED]
        fresh = {id_ for hit in reworded for id_ in (hit.old_id, hit.new_id) if id_} - known
        known |= fresh
        if not fresh or len(found) >= MOST:
            break
    return tuple(found[number] for number in sorted(found))


def _at_most(all_: dict[int, EditHit], nearer: dict[int, EditHit]) -> dict[int, EditHit]:
    """The nearer ones, and of the others as many as there is room for, newest first."""
    others = sorted(all_.keys() - nearer.keys(), reverse=True)[: MOST - len(nearer)]
    return nearer | {number: all_[number] for number in others}


def _touching(connection: sa.Connection, passage_ids: Iterable[str]) -> Iterable[EditHit]:
    ew = schema.edit_words
    for batch in batches(sorted(passage_ids)):
        for column in (ew.c.old_id, ew.c.new_id):
            query = sa.select(ew).where(column.in_(batch)).order_by(ew.c.number.desc()).limit(MOST)
            yield from (edit_hit(row) for row in connection.execute(query))
