"""Captures, and where the evidence holds their bodies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from policies.model import Capture, Outcome, Reason, WarcPlace
from policies.store import codec, log, schema


def put_capture(
    connection: sa.Connection,
    capture: Capture,
    *,
    id_: str,
    digest: str | None,
    outcome: Outcome,
    reasons: Iterable[Reason],
    text_id: str | None,
    record: str | None,
    place: WarcPlace | None,
) -> None:
    """Record one capture and what it turned out to be."""
    connection.execute(
        schema.captures.insert(),
        {
            "id": id_,
            "page_id": capture.page_id,
            "origin": capture.origin,
            "captured_at": capture.captured_at,
            "seen_until": capture.seen_until or capture.captured_at,
            "url": capture.url,
            "final_url": capture.final_url,
            "status": capture.status,
            "digest": digest,
            "size": len(capture.body),
            "outcome": outcome.value,
            "reasons": codec.reasons_json(reasons),
            "text_id": text_id,
            "etag": _printable(capture.header("etag")),
            "last_modified": _printable(capture.header("last-modified")),
            "note": capture.note,
            "record": record,
            "warc_file": place.file if place else None,
            "warc_offset": place.offset if place else None,
            "warc_length": place.length if place else None,
        },
    )
    log.note(connection, "capture", id_)


def _printable(value: str | None) -> str | None:
    """A header's value, where it is one that can be kept and sent again."""
    return value if value is not None and value.isprintable() else None


def known_capture(connection: sa.Connection, id_: str) -> Any:
    """The row (outcome, digest, text) of a capture, or None."""
    c = schema.captures.c
    query = sa.select(c.outcome, c.digest, c.text_id).where(c.id == id_)
    return connection.execute(query).first()


def place_of(row: Any) -> WarcPlace | None:
    """Where a capture row's record lies."""
    if row.warc_file is None:
        return None
    return WarcPlace(row.warc_file, row.warc_offset, row.warc_length)


def evidence_ends(connection: sa.Connection) -> dict[str, int]:
    """WARC file -> first byte behind its last record that a capture names."""
    c = schema.captures.c
    end = sa.func.max(c.warc_offset + c.warc_length)
    query = sa.select(c.warc_file, end).where(c.warc_file.is_not(None)).group_by(c.warc_file)
    return {name: int(last) for name, last in connection.execute(query)}


def body_row(connection: sa.Connection, digest: str) -> Any:
    """The row of the latest capture that holds a body with this digest in full, or None."""
    c = schema.captures.c
    query = (
        schema.captures.select()
        .where(c.digest == digest, c.record.in_(["response", "resource"]))
        .order_by(c.captured_at.desc())
        .limit(1)
    )
    return connection.execute(query).first()


def body_place(connection: sa.Connection, digest: str) -> WarcPlace | None:
    """Where a body with this digest lies in full, or None."""
    row = body_row(connection, digest)
    return place_of(row) if row else None


def last_read(connection: sa.Connection, page_id: str, origin: str) -> Any:
    """The row of the last capture whose text was read, or None."""
    c = schema.captures.c
    read = [outcome.value for outcome in Outcome if outcome.is_read]
    query = (
        schema.captures.select()
        .where(c.page_id == page_id, c.origin == origin, c.outcome.in_(read))
        .order_by(c.captured_at.desc())
        .limit(1)
    )
    return connection.execute(query).first()


def last_capture(connection: sa.Connection, page_id: str, origin: str) -> Any:
    """The row of a page's last capture by an origin, or None."""
    c = schema.captures.c
    query = (
        schema.captures.select()
        .where(c.page_id == page_id, c.origin == origin)
        .order_by(c.captured_at.desc())
        .limit(1)
    )
    return connection.execute(query).first()


def run_of_unread(connection: sa.Connection, page_id: str, origin: str, text_id: str) -> list[Any]:
    """Rows of the latest captures that all showed this text unread, oldest first."""
    c = schema.captures.c
    query = (
        sa.select(c.id, c.captured_at, c.text_id, c.outcome)
        .where(c.page_id == page_id, c.origin == origin)
        .order_by(c.captured_at.desc())
        .execution_options(yield_per=50)  # a run may be long, and is seldom there at all
    )
    run = []
    with connection.execute(query) as rows:
        for row in rows:
            if row.outcome == Outcome.FAILED.value:  # a capture that saw nothing breaks no run
                continue
            if row.text_id != text_id or row.outcome != Outcome.UNREADABLE.value:
                break
            run.append(row)
    return run[::-1]
