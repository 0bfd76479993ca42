"""The form of the log (pure): what an entry says, what it is the hash of, which one it names.

An entry is one line of JSON. Its hash is the SHA-256 of that line, so that `sha256sum` checks
it. The line holds the SHA-256 of the record that it writes down (a row, as canonical JSON), the
hash of the entry before it, and the hash of one far behind it: so any entry is linked to the head
by a few dozen lines, however long the log is.

Entries that were written are never made again: what is here may be added to, not altered.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from policies.moments import iso
from policies.store import codec

NOTHING = "0" * 64  # stands where no entry is named

# Form -> kind -> columns of the row that the record holds. A row may get new columns: they come
# with a new form, and entries of an older one keep theirs. Left out is what moves on (`last_seen`)
# or says where the evidence lies (file, offset, kind of WARC record): `verify` checks that in
# other ways.
FORMS: Mapping[int, Mapping[str, tuple[str, ...]]] = {
    1: {
        "capture": (
            *("id", "page_id", "origin", "captured_at", "seen_until", "url", "final_url", "status"),
            *("digest", "size", "outcome", "reasons", "text_id", "etag", "last_modified", "note"),
        ),
        "version": (
            *("id", "page_id", "origin", "text_id", "capture_id", "captured_at", "state"),
            *("confirmed_at", "confirmed_by", "base_id"),
        ),
        "change": (
            *("id", "page_id", "origin", "before_id", "after_id", "captured_at", "confirmed_at"),
            *("topics", "edits", "fingerprint", "added", "removed", "replaced", "moved"),
        ),
        "event": (
            *("id", "kind", "vendor_id", "page_id", "captured_at", "confirmed_at", "updated_at"),
            *("health_before", "health_after", "says", "labels"),
        ),
    }
}
FORM = max(FORMS)
KINDS = tuple(FORMS[FORM])


@dataclass(frozen=True)
class Entry:
    """One entry of the log."""

    seq: int  # from 1, without a gap
    at: datetime  # when it was written, by the clock of the machine that wrote it
    kind: str  # "capture", "version", "change" or "event"
    id: str  # of the row
    what: str  # outcome of a capture, state of a version, topics of a change, kind of an event
    form: int  # which columns the record holds
    digest: str  # hex SHA-256 of the record
    backfilled: bool  # written when the log was begun, for a row that was there already
    previous: str  # hash of the entry before
    skip: str  # hash of entry `skip_of(seq)`

    @property
    def line(self) -> str:
        """The entry as the line of JSON that is hashed."""
        return canonical(
            {
                "seq": self.seq,
                "at": iso(self.at),
                "kind": self.kind,
                "id": self.id,
                "what": self.what,
                "form": self.form,
                "digest": self.digest,
                "backfilled": self.backfilled,
                "previous": self.previous,
                "skip": self.skip,
            }
        )

    @property
    def hash(self) -> str:
        """The hex SHA-256 of the line."""
        return sha256(self.line)


def skip_of(seq: int) -> int:
    """The entry far behind that an entry names besides the one before it; 0: none.

    The antimonotone links of Buldas, Laud, Lipmaa and Villemson, "Time-stamping with binary
    linking schemes" (1998): in a log of a million entries at most a hundred lead back to any.
    """
    passed = 0
    while seq & (seq + 1):  # until it is 2^k - 1
        whole = (1 << (seq.bit_length() - 1)) - 1
        passed, seq = passed + whole, seq - whole
    return passed + (seq >> 1)


def path(head: int, seq: int) -> Iterator[int]:
    """The entries by which the head is linked to an earlier entry, both included, newest first."""
    at = head
    while at > seq:
        yield at
        far = skip_of(at)
        at = far if far >= seq else at - 1
    yield seq


def record(kind: str, row: Mapping[str, Any], form: int = FORM) -> str:
    """A row as the line of JSON that its entry holds the SHA-256 of."""
    values = {name: _plain(row[name]) for name in FORMS[form][kind]}
    return canonical({"record_of": kind, **values})


def what(kind: str, row: Mapping[str, Any]) -> str:
    """What a row is, in a word: outcome, state, topics or kind."""
    if kind == "change":
        return ", ".join(row["topics"])
    return str(row[{"capture": "outcome", "version": "state", "event": "kind"}[kind]])


def sha256(text: str) -> str:
    """The hex SHA-256 of a text, as UTF-8."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def canonical(value: Any) -> str:
    """A JSON value on one line of ASCII; the same value gives the same line."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, bytes):  # edits: the JSON is named, not how it was packed
        return "sha256:" + sha256(canonical(codec.unpack(value)))
    return value
