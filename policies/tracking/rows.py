"""Tracks to rows of the store and back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from policies.model import Health, VersionState
from policies.store import codec, writing
from policies.tracking.state import Held, Track, Variant


def held_of(row: Any) -> Held:
    """A version row (with its text's signature) as a value."""
    return Held(
        version_id=row.id,
        text_id=row.text_id,
        signature=row.signature,
        region=row.region,
        method=row.reading,
        capture_id=row.capture_id,
        captured_at=row.captured_at,
        last_seen=row.last_seen,
        is_baseline=row.state == VersionState.BASELINE,
    )


def track_of(connection: sa.Connection, page_id: str, origin: str) -> Track:
    """The track of a page's history of one origin; a new one where there is none."""
    row = writing.load_track(connection, page_id, origin)
    if row is None:
        return Track(page_id, origin)
    ids = [id_ for id_ in (row.current_id, row.pending_id) if id_]
    versions = writing.load_versions(connection, ids + [v["version"] for v in row.variants])
    held = {id_: held_of(version) for id_, version in versions.items()}
    return Track(
        page_id=page_id,
        origin=origin,
        current=held[row.current_id] if row.current_id else None,
        pending=held[row.pending_id] if row.pending_id else None,
        variants=tuple(
            Variant(
                held[v["version"]],
                v["returns"],
                datetime.fromisoformat(v["since"]) if v["since"] else None,
                v["since_capture"],
                v["seen"],
            )
            for v in row.variants
        ),
        last_capture_at=row.last_capture_at,
        last_read_at=row.last_read_at,
        health=Health(row.health),
        health_since=row.health_since,
        health_reason=row.health_reason,
        health_seen=row.health_seen,
        health_told=Health(row.health_told) if row.health_told else None,
        warnings=codec.reasons(row.warnings),
        failures=row.failures,
    )


def row_of_track(track: Track) -> dict[str, Any]:
    """A track as a row."""
    return {
        "page_id": track.page_id,
        "origin": track.origin,
        "current_id": track.current.version_id if track.current else None,
        "pending_id": track.pending.version_id if track.pending else None,
        "variants": [
            {
                "version": v.held.version_id,
                "returns": v.returns,
                "since_capture": v.since_capture,
                "since": v.since.astimezone(UTC).isoformat() if v.since else None,
                "seen": v.seen,
            }
            for v in track.variants
        ],
        "last_capture_at": track.last_capture_at,
        "last_read_at": track.last_read_at,
        "health": track.health.value,
        "health_since": track.health_since,
        "health_reason": track.health_reason,
        "health_seen": track.health_seen,
        "health_told": track.health_told.value if track.health_told else None,
        "warnings": codec.reasons_json(track.warnings),
        "failures": track.failures,
    }
