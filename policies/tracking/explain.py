"""Why a capture, version or change is what it is: the rules that led to it, with the numbers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import sqlalchemy as sa

from policies.errors import UnknownId
from policies.model import VersionState
from policies.store import Store, codec, explaining

# What each state of a version means.
_STATES = {
    VersionState.BASELINE: "the first text of its history: there was nothing to compare it with",
    VersionState.PENDING: "it waits to be seen again before its change is published",
    VersionState.CONFIRMED: "it was believed",
    VersionState.REREAD: "an earlier capture, read in a new way: our change, not theirs",
    VersionState.VARIANT: "the page goes back and forth with it, or showed it to another region",
    VersionState.UNCONFIRMED: "it was gone before it was seen again; it is kept, not published",
}


def explain(store: Store, id_: str) -> dict[str, Any]:
    """What bears an id, and what led to it, as JSON values. Raises UnknownId."""
    with store.engine.connect() as connection:
        found = explaining.find(connection, id_)
        if found is None:
            raise UnknownId(f"nothing bears the id {id_!r}: give that of a capture or a change")
        kind, row = found
        return {"kind": kind, **explained(connection, kind, row)}


def explained(connection: sa.Connection, kind: str, row: Any) -> dict[str, Any]:
    """What led to a row of a kind, as JSON values."""
    return _EXPLAINED[kind](connection, row)


def _capture(connection: sa.Connection, row: Any) -> dict[str, Any]:
    version = None
    if row.text_id:
        version = explaining.version_of_text(connection, row.page_id, row.origin, row.text_id)
    return {
        "id": row.id,
        "page": row.page_id,
        "origin": row.origin,
        "captured_at": _iso(row.captured_at),
        "address": row.final_url,
        "status": row.status,
        "outcome": row.outcome,
        "rules": row.reasons,
        "digest": row.digest,
        "evidence": row.warc_file
        and {"file": row.warc_file, "offset": row.warc_offset, "length": row.warc_length},
        "note": row.note,
        "version": _version(connection, version) if version else None,
    }


def _version(connection: sa.Connection, row: Any) -> dict[str, Any]:
    change = explaining.change_to(connection, row.id)
    confirming = explaining.find(connection, row.confirmed_by) if row.confirmed_by else None
    return {
        "id": row.id,
        "page": row.page_id,
        "captured_at": _iso(row.captured_at),
        "last_seen": _iso(row.last_seen),
        "state": row.state,
        "because": _STATES[VersionState(row.state)],
        "read_by": row.reading,
        "compared_with": row.base_id,
        "confirmed_at": _iso(row.confirmed_at),
        "confirmed_by": row.confirmed_by,
        "rules": confirming[1].reasons if confirming else [],
        "change": change.id if change else None,
    }


def _change(connection: sa.Connection, row: Any) -> dict[str, Any]:
    edits = Counter(edit.kind.value for edit in codec.unpack_edits(row.edits))
    after = explaining.find(connection, row.after_id)
    return {
        "id": row.id,
        "page": row.page_id,
        "origin": row.origin,
        "captured_at": _iso(row.captured_at),
        "confirmed_at": _iso(row.confirmed_at),
        "before": row.before_id,
        "after": row.after_id,
        "topics": row.topics,
        "edits": dict(sorted(edits.items())),
        "counted": {"added": row.added, "removed": row.removed, "replaced": row.replaced},
        "same_rewording": [
            {"change": twin.id, "page": twin.page_id, "captured_at": _iso(twin.captured_at)}
            for twin in explaining.twins(connection, row)
        ],
        "version": _version(connection, after[1]) if after else None,
    }


_EXPLAINED = {"capture": _capture, "version": _version, "change": _change}


def _iso(when: Any) -> str | None:
    return when.isoformat().replace("+00:00", "Z") if when else None
