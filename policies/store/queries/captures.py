"""Captures, readable or not: of a page, or one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from policies.model import Outcome, Reason
from policies.store import codec, schema
from policies.store.queries.rows import Listing, Position, listing


@dataclass(frozen=True)
class FullCapture:
    """One fetch of a page, and what it turned out to be."""

    id: str
    page_id: str
    origin: str
    captured_at: datetime
    seen_until: datetime  # the same body was seen until then
    url: str
    final_url: str
    status: int | None  # None: no answer came
    outcome: Outcome
    reasons: tuple[Reason, ...]
    digest: str | None  # "sha256:<hex>" of the body; of a 304, of the body that it repeats
    size: int | None  # bytes of the body
    is_revisit: bool  # whether the body was kept with an earlier capture
    note: str | None
    version_id: str | None  # of the text that was read


def page_captures(
    connection: sa.Connection,
    page_id: str,
    *,
    outcome: Outcome | None = None,
    since: datetime | None = None,
    before: datetime | None = None,
    after: Position | None = None,
    limit: int = 50,
) -> Listing[FullCapture]:
    """Captures of a page, newest first; of an outcome, or of all."""
    c = schema.captures
    query = _captures().where(c.c.page_id == page_id)
    if outcome is not None:
        query = query.where(c.c.outcome == outcome.value)
    if since is not None:
        query = query.where(c.c.captured_at >= since)
    if before is not None:
        query = query.where(c.c.captured_at < before)
    if after is not None:
        here = sa.tuple_(sa.literal(after.at, schema.Instant), sa.literal(after.id))
        query = query.where(sa.tuple_(c.c.captured_at, c.c.id) < here)
    query = query.order_by(c.c.captured_at.desc(), c.c.id.desc()).limit(limit + 1)
    return listing([_capture(row) for row in connection.execute(query)], limit)


def capture(connection: sa.Connection, capture_id: str) -> FullCapture | None:
    """One capture, or None."""
    row = connection.execute(_captures().where(schema.captures.c.id == capture_id)).first()
    return _capture(row) if row else None


def _captures() -> sa.Select[Any]:
    c, v = schema.captures, schema.versions
    # A text that comes back is another version of its own: the one that the capture could show.
    version = (
        sa.select(v.c.id)
        .where(
            v.c.page_id == c.c.page_id,
            v.c.origin == c.c.origin,
            v.c.text_id == c.c.text_id,
            v.c.captured_at <= c.c.captured_at,
        )
        .order_by(v.c.captured_at.desc(), v.c.id)
        .limit(1)
        .scalar_subquery()
    )
    return sa.select(c, version.label("version_id"))


def _capture(row: sa.Row[Any]) -> FullCapture:
    return FullCapture(
        id=row.id,
        page_id=row.page_id,
        origin=row.origin,
        captured_at=row.captured_at,
        seen_until=row.seen_until,
        url=row.url,
        final_url=row.final_url,
        status=row.status,
        outcome=Outcome(row.outcome),
        reasons=codec.reasons(row.reasons),
        digest=row.digest,
        size=row.size,
        is_revisit=row.record == "revisit",
        note=row.note,
        version_id=row.version_id,
    )
