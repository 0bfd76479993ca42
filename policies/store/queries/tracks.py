"""Where each page's history stands: its tracks, its current version, its health."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from policies.model import Health, Outcome, Reason
from policies.store import codec, schema
from policies.store.queries.rows import batches
from policies.store.queries.versions import BELIEVED

CRAWL = "crawl"
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class TrackRow:
    """A page's history of one origin, and the version that it believes now."""

    page_id: str
    origin: str
    health: Health
    health_since: datetime | None
    health_reason: str
    warnings: tuple[Reason, ...]  # what holds though the page is read
    failures: int  # unread captures in a row
    first_read: datetime | None  # captured_at of its oldest version that was believed
    last_capture_at: datetime | None
    last_read_at: datetime | None  # last time that its text is known to have been there
    pending_id: str | None  # version that waits to be seen again
    current_id: str | None  # version believed now; None: none yet
    text_id: str | None  # of the current version
    captured_at: datetime | None  # first capture that showed the current version
    digest: str | None  # of that capture's body
    characters: int | None  # of the current version's text
    stated_date: str | None  # when the page says it was last updated, as it was last read
    judged: bool  # whether a detector of its language read the current version


def tracks(
    connection: sa.Connection,
    *,
    page_ids: Sequence[str] | None = None,
    vendor_id: str | None = None,
) -> tuple[TrackRow, ...]:
    """The tracks of these pages, of a vendor, or all, by page and origin."""
    wanted = _tracks()
    if vendor_id is not None:
        wanted = wanted.where(schema.pages.c.vendor_id == vendor_id)
    if page_ids is None:
        rows = list(connection.execute(wanted))
    else:
        rows = [
            row
            for batch in batches(sorted(set(page_ids)))
            for row in connection.execute(wanted.where(schema.tracks.c.page_id.in_(batch)))
        ]
    return tuple(sorted((_track(row) for row in rows), key=lambda t: (t.page_id, t.origin)))


def speaking(rows: Iterable[TrackRow]) -> dict[str, TrackRow]:
    """For each page the track that speaks for it now.

    That is the crawl's where it holds a version, else the import last seen; where nothing was
    ever read, the crawl's.
    """
    chosen: dict[str, TrackRow] = {}
    for row in rows:
        if row.page_id not in chosen or _rank(row) > _rank(chosen[row.page_id]):
            chosen[row.page_id] = row
    return chosen


def _rank(row: TrackRow) -> tuple[bool, bool, datetime]:
    return (row.current_id is not None, row.origin == CRAWL, row.last_read_at or _NEVER)


def begin(connection: sa.Connection) -> None:
    """Read next to nothing: a transaction sees the moment of its first read."""
    connection.execute(sa.select(schema.tracks.c.page_id).limit(1)).all()


def stamp(connection: sa.Connection) -> str:
    """A token that differs whenever anything that the doors show may differ.

    Reads the small tables only: as many rows as there are pages, and one count a detector.
    """
    t = schema
    digest = hashlib.sha256()
    for wanted in (
        _raw(t.vendors).order_by(t.vendors.c.id),
        _raw(t.pages).order_by(t.pages.c.id),
        _raw(t.tracks).order_by(t.tracks.c.page_id, t.tracks.c.origin),
        sa.select(t.readings.c.detector, sa.func.count())
        .group_by(t.readings.c.detector)
        .order_by(t.readings.c.detector),
        sa.select(sa.func.count(), sa.func.max(t.changes.c.confirmed_at)).select_from(t.changes),
        sa.select(sa.func.count(), sa.func.max(t.events.c.updated_at)).select_from(t.events),
        sa.select(t.changes.c.directed_by, sa.func.count())
        .group_by(t.changes.c.directed_by)
        .order_by(t.changes.c.directed_by),
    ):
        for row in connection.execute(wanted):
            digest.update(repr(tuple(row)).encode())
    return digest.hexdigest()


def _raw(table: sa.Table) -> sa.Select[Any]:
    """A table's columns as the database holds them: nothing is made of what is only hashed."""
    plain: list[sa.ColumnElement[Any]] = []
    for column in table.columns:
        if isinstance(column.type, sa.JSON):
            plain.append(sa.cast(column, sa.Text))
        elif isinstance(column.type, schema.Instant):
            plain.append(sa.type_coerce(column, sa.BigInteger))
        else:
            plain.append(column)
    return sa.select(*plain)


def as_of(connection: sa.Connection) -> datetime | None:
    """When anything was last fetched or imported; None: never."""
    return connection.execute(sa.select(sa.func.max(schema.tracks.c.last_capture_at))).scalar()


def _tracks() -> sa.Select[Any]:
    t = schema
    oldest = t.versions.alias()
    first = (
        sa.select(sa.func.min(oldest.c.captured_at))
        .where(oldest.c.page_id == t.tracks.c.page_id)
        .where(oldest.c.origin == t.tracks.c.origin)
        .where(oldest.c.state.in_(BELIEVED))
        .scalar_subquery()
    )
    return (
        sa.select(
            t.tracks,
            first.label("first_read"),
            t.versions.c.text_id,
            t.versions.c.captured_at,
            t.versions.c.last_seen,
            t.captures.c.digest,
            t.texts.c.characters,
            _stated_date().label("stated_date"),
            t.readings.c.detector,
        )
        .select_from(t.tracks)
        .join(t.pages, t.pages.c.id == t.tracks.c.page_id)
        .outerjoin(t.versions, t.versions.c.id == t.tracks.c.current_id)
        .outerjoin(t.captures, t.captures.c.id == t.versions.c.capture_id)
        .outerjoin(t.texts, t.texts.c.id == t.versions.c.text_id)
        .outerjoin(
            t.readings,
            (t.readings.c.text_id == t.versions.c.text_id)
            & (t.readings.c.scope == t.pages.c.scope),
        )
    )


def _stated_date() -> sa.ScalarSelect[str]:
    """The date in the text that a track's last readable capture showed."""
    c, x = schema.captures.alias(), schema.texts.alias()
    read = [outcome.value for outcome in Outcome if outcome.is_read]
    return (
        sa.select(x.c.stated_date)
        .join_from(c, x, x.c.id == c.c.text_id)
        .where(c.c.page_id == schema.tracks.c.page_id, c.c.origin == schema.tracks.c.origin)
        .where(c.c.outcome.in_(read))
        .order_by(c.c.captured_at.desc())
        .limit(1)
        .scalar_subquery()
    )


def _track(row: sa.Row[Any]) -> TrackRow:
    seen = [at for at in (row.last_read_at, row.last_seen) if at is not None]
    return TrackRow(
        page_id=row.page_id,
        origin=row.origin,
        health=Health(row.health),
        health_since=row.health_since,
        health_reason=row.health_reason,
        warnings=codec.reasons(row.warnings),
        failures=row.failures,
        first_read=row.first_read,
        last_capture_at=row.last_capture_at,
        last_read_at=max(seen, default=None),
        pending_id=row.pending_id,
        current_id=row.current_id,
        text_id=row.text_id,
        captured_at=row.captured_at,
        digest=row.digest,
        characters=row.characters,
        stated_date=row.stated_date or None,
        judged=bool(row.detector),
    )
