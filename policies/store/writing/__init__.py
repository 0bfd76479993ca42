"""What tracking writes, in its transaction, and what it reads again to decide."""

from policies.store.writing.captures import (
    body_place,
    body_row,
    evidence_ends,
    known_capture,
    last_capture,
    last_read,
    place_of,
    put_capture,
    run_of_unread,
)
from policies.store.writing.changes import has_twin, put_change, put_change_topics, put_rewordings
from policies.store.writing.disclosures import load_disclosures, put_disclosures, read_with
from policies.store.writing.ids import (
    capture_id,
    change_id,
    context_digest,
    stable_id,
    text_digest,
    version_id,
)
from policies.store.writing.texts import load_passages, load_text, put_text
from policies.store.writing.tracks import load_track, load_tracks, put_track
from policies.store.writing.versions import (
    load_versions,
    move_spells,
    put_version,
    set_version,
    texts_around,
    version_read_by,
)
from policies.store.writing.watched import load_page, register, register_undeclared

__all__ = [
    "body_place",
    "body_row",
    "capture_id",
    "change_id",
    "context_digest",
    "evidence_ends",
    "has_twin",
    "known_capture",
    "last_capture",
    "last_read",
    "load_disclosures",
    "load_page",
    "load_passages",
    "load_text",
    "load_track",
    "load_tracks",
    "load_versions",
    "move_spells",
    "place_of",
    "put_capture",
    "put_change",
    "put_change_topics",
    "put_disclosures",
    "put_rewordings",
    "put_text",
    "put_track",
    "put_version",
    "read_with",
    "register",
    "register_undeclared",
    "run_of_unread",
    "set_version",
    "stable_id",
    "text_digest",
    "texts_around",
    "version_id",
    "version_read_by",
]
