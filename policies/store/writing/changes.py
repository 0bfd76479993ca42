"""Published changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from policies.model import Edit, EditKind, Topic
from policies.store import codec, log, schema
from policies.store.search import filling
from policies.store.writing.ids import change_id
from policies.store.writing.rows import insert_new


def put_change(
    connection: sa.Connection,
    *,
    page_id: str,
    origin: str,
    before_id: str,
    after_id: str,
    captured_at: datetime,
    confirmed_at: datetime,
    topics: Sequence[Topic],
    edits: Sequence[Edit],
    said: Sequence[Edit],
    fingerprint: str,
    rewordings: Mapping[str, int],
    regional: float,
    directions: Mapping[str, Any],
    directed_by: str,
) -> str:
    """Publish a change; its id.

    `said`: the edits that change words, which are counted; `rewordings`: their marks and weights;
    `directions`: by topic, as `schema.changes` says; `directed_by` names the rules.
    """
    id_ = change_id(page_id, origin, before_id, after_id)
    counts = {
        kind.value: sum(1 for edit in said if edit.kind is kind)
        for kind in (EditKind.ADDED, EditKind.REMOVED, EditKind.REPLACED)
    }
    connection.execute(
        schema.changes.insert(),
        {
            "id": id_,
            "page_id": page_id,
            "origin": origin,
            "before_id": before_id,
            "after_id": after_id,
            "captured_at": captured_at,
            "confirmed_at": confirmed_at,
            "topics": [topic.value for topic in topics],
            "edits": codec.pack_edits(edits),
            "fingerprint": fingerprint,
            "weight": sum(rewordings.values()),
            "regional": regional,
            "moved": sum(1 for edit in edits if edit.kind is EditKind.MOVED),
            "directions": dict(directions),
            "directed_by": directed_by,
            **counts,
        },
    )
    put_change_topics(connection, id_, [topic.value for topic in topics], directions)
    log.note(connection, "change", id_)
    put_rewordings(connection, id_, rewordings)
    filling.keep_edits(connection, id_, captured_at, edits)
    return id_


def put_change_topics(
    connection: sa.Connection, change_id: str, topics: Sequence[str], directions: Mapping[str, Any]
) -> None:
    """Put a change under these topics, and no others, each with its direction."""
    t = schema.change_topics
    connection.execute(t.delete().where(t.c.change_id == change_id))
    rows = [
        {
            "change_id": change_id,
            "topic": topic,
            "direction": directions[topic]["direction"] if topic in directions else None,
        }
        for topic in topics
    ]
    if rows:
        connection.execute(t.insert(), rows)


def put_rewordings(
    connection: sa.Connection, change_id: str, rewordings: Mapping[str, int]
) -> None:
    """Keep the edits of a change one by one."""
    insert_new(
        connection,
        schema.rewordings,
        [{"change_id": change_id, "mark": m, "weight": w} for m, w in rewordings.items()],
    )


def has_twin(
    connection: sa.Connection, page_id: str, origin: str, fingerprint: str, since: datetime
) -> bool:
    """Whether the same rewording was published for this page since a time."""
    c = schema.changes.c
    query = sa.select(c.id).where(
        c.page_id == page_id,
        c.origin == origin,
        c.fingerprint == fingerprint,
        c.captured_at >= since,
    )
    return connection.execute(query.limit(1)).first() is not None
