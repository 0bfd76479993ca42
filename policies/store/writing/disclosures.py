"""What texts say, as a detector judged them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from policies.model import Match, Scope, Stance, Topic, Verdict
from policies.store import schema
from policies.store.writing.rows import insert_new, put


def read_with(connection: sa.Connection, text_id: str, scope: Scope) -> str | None:
    """The detector that judged a text in a scope, or None."""
    r = schema.readings
    query = sa.select(r.c.detector).where(r.c.text_id == text_id, r.c.scope == scope.value)
    return connection.execute(query).scalar_one_or_none()


def put_disclosures(
    connection: sa.Connection,
    text_id: str,
    scope: Scope,
    detector: str,
    verdicts: Mapping[int, tuple[str, Verdict]],
) -> None:
    """Keep what a text's passages say. `verdicts`: position -> verdict id and verdict."""
    d, r = schema.disclosures, schema.readings
    here = (d.c.text_id == text_id) & (d.c.scope == scope.value)
    connection.execute(d.delete().where(here))
    rows = {id_: _verdict_row(id_, detector, verdict) for id_, verdict in verdicts.values()}
    insert_new(connection, schema.verdicts, [rows[id_] for id_ in sorted(rows)])
    found = [
        {"text_id": text_id, "scope": scope.value, "position": position, "verdict_id": id_}
        for position, (id_, _) in sorted(verdicts.items())
    ]
    if found:
        connection.execute(d.insert(), found)
    put(connection, r, [{"text_id": text_id, "scope": scope.value, "detector": detector}])


def _verdict_row(id_: str, detector: str, verdict: Verdict) -> dict[str, Any]:
    return {
        "id": id_,
        "detector": detector,
        "topics": [topic.value for topic in verdict.topics],
        "stance": verdict.stance.value if verdict.stance else None,
        "matches": [[m.topic.value, m.pattern, m.start, m.end] for m in verdict.matches],
        "slots": dict(verdict.slots),
    }


def load_disclosures(
    connection: sa.Connection, text_id: str, scope: Scope
) -> dict[int, tuple[str, Verdict]]:
    """Position -> verdict id and verdict, for the passages of a text that say something."""
    d, v = schema.disclosures, schema.verdicts
    query = (
        sa.select(d.c.position, v)
        .join(v, v.c.id == d.c.verdict_id)
        .where(d.c.text_id == text_id, d.c.scope == scope.value)
    )
    return {
        row.position: (
            row.id,
            Verdict(
                tuple(Topic(topic) for topic in row.topics),
                Stance(row.stance) if row.stance else None,
                tuple(Match(Topic(t), p, start, end) for t, p, start, end in row.matches),
                row.slots,
            ),
        )
        for row in connection.execute(query)
    }
