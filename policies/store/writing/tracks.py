"""Where histories stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from policies.store import schema
from policies.store.writing.rows import put


def load_track(connection: sa.Connection, page_id: str, origin: str) -> Any:
    """The row of a track, locked against other writers, or None."""
    p, t = schema.pages, schema.tracks
    # The page is locked, too: of a first capture there is no track to lock yet.
    connection.execute(sa.select(p.c.id).where(p.c.id == page_id).with_for_update())
    query = t.select().where(t.c.page_id == page_id, t.c.origin == origin).with_for_update()
    return connection.execute(query).first()


def load_tracks(connection: sa.Connection, origin: str) -> dict[str, Any]:
    """Page id -> row of its track of an origin."""
    t = schema.tracks
    return {row.page_id: row for row in connection.execute(t.select().where(t.c.origin == origin))}


def put_track(connection: sa.Connection, row: Mapping[str, Any]) -> None:
    """Keep where a track stands."""
    put(connection, schema.tracks, [row])
