"""Verbatim slices of stored texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import sqlalchemy as sa

from policies.store import codec, schema
from policies.store.queries.rows import batches

Slice = tuple[str, int, int]  # id of the text, start, end


def bodies(connection: sa.Connection, text_ids: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each text with its id, one after the other, so that only one need be held."""
    for batch in batches(sorted(set(text_ids))):
        wanted = sa.select(schema.texts.c.id, schema.texts.c.body).where(
            schema.texts.c.id.in_(batch)
        )
        for row in connection.execute(wanted):
            yield row.id, codec.unpack_text(row.body)


def slices(connection: sa.Connection, wanted: Iterable[Slice]) -> dict[Slice, str]:
    """The words at each place, untouched. Each text is unpacked once."""
    by_text: dict[str, set[Slice]] = {}
    for place in wanted:
        by_text.setdefault(place[0], set()).add(place)
    return {
        place: body[place[1] : place[2]]
        for text_id, body in bodies(connection, by_text)
        for place in by_text[text_id]
    }


def headings(
    connection: sa.Connection, wanted: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], tuple[int, int]]:
    """Where the passages at these (text id, position) stand in their texts: (start, end)."""
    tp = schema.text_passages
    keys = set(wanted)
    found: dict[tuple[str, int], tuple[int, int]] = {}
    for batch in batches(sorted(keys)):
        rows = connection.execute(
            sa.select(tp.c.text_id, tp.c.position, tp.c.start, tp.c.end).where(
                sa.tuple_(tp.c.text_id, tp.c.position).in_(batch)
            )
        )
        found.update({(r.text_id, r.position): (r.start, r.end) for r in rows})
    return found
