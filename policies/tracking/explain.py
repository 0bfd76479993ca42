"""Why a capture, version or change is what it is: the rules that led to it, with the numbers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import sqlalchemy as sa

from policies import direction
from policies.errors import UnknownId
from policies.model import VersionState
from policies.store import codec, explaining, writing

# What each state of a version means.
_STATES = {
    VersionState.BASELINE: "the first text of its history: there was nothing to compare it with",
    VersionState.PENDING: "it waits to be seen again before its change is published",
    VersionState.CONFIRMED: "it was believed",
    VersionState.REREAD: "an earlier capture, read in a new way: our change, not theirs",
    VersionState.VARIANT: "the page goes back and forth with it, or showed it to another region",
    VersionState.UNCONFIRMED: "it was gone before it was seen again; it is kept, not published",
}


def explain(connection: sa.Connection, id_: str) -> dict[str, Any]:
    """What bears an id, and what led to it, as JSON values. Raises UnknownId."""
    found = explaining.find(connection, id_)
    if found is None:
        raise UnknownId(
            f"nothing bears the id {id_!r}: give that of a capture, version, change or event"
        )
    kind, row = found
    return {"kind": kind, **_EXPLAINED[kind](connection, row)}


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
        "directions": _directions(connection, row),
        "edits": dict(sorted(edits.items())),
        "counted": {"added": row.added, "removed": row.removed, "replaced": row.replaced},
        "event": row.event_id,
        "regional_share": row.regional,
        "same_edits": [
            {
                "change": other.id,
                "page": other.page_id,
                "captured_at": _iso(other.captured_at),
                "share": round(2 * other.shared / (row.weight + other.weight), 3),
            }
            for other in explaining.same_edits(connection, row)
        ],
        "version": _version(connection, after[1]) if after else None,
    }


def _event(connection: sa.Connection, row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "about": row.kind,
        "vendor": row.vendor_id,
        "page": row.page_id,
        "captured_at": _iso(row.captured_at),
        "confirmed_at": _iso(row.confirmed_at),
        "updated_at": _iso(row.updated_at),
        "health_before": row.health_before,
        "health_after": row.health_after,
        "says": row.says,
        "rules": row.labels,
        "occurrences": [
            {
                "change": change.id,
                "page": change.page_id,
                "origin": change.origin,
                "captured_at": _iso(change.captured_at),
                "characters": change.weight,
                "regional_share": change.regional,
            }
            for change in explaining.occurrences(connection, row.id)
        ],
    }


def _directions(connection: sa.Connection, row: Any) -> list[dict[str, Any]]:
    """Each finding by topic: the rule, what it says, and the words that it was read from."""
    pair = writing.load_versions(connection, [row.before_id, row.after_id])
    old, new = (
        dict(enumerate(writing.load_passages(connection, pair[side].text_id)))
        for side in (row.before_id, row.after_id)
    )
    return [
        {
            "topic": topic.value,
            "direction": found.direction.value,
            "rule": found.rule,
            "says": direction.RULES[found.rule].says,
            "old": direction.quoted(found.old, old),
            "new": direction.quoted(found.new, new),
        }
        for topic, directed in direction.unpack(row.directions).items()
        for found in directed.findings
    ]


_EXPLAINED = {"capture": _capture, "version": _version, "change": _change, "event": _event}


def _iso(when: Any) -> str | None:
    return when.isoformat().replace("+00:00", "Z") if when else None
