"""Re-checks what the store says against the evidence, and against itself."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from policies import evidence, judge
from policies.changes import rebuild
from policies.errors import BadEvidence, BadInput, BadStore
from policies.model import Page, VersionState
from policies.passages import passage_id
from policies.store import Store, checking, codec, writing
from policies.store.search import checking as search
from policies.tracking import auditing

Seen = Callable[[int], None]  # is told how many things more were checked


@dataclass(frozen=True)
class Problem:
    """Something in the store that is not what it should be."""

    where: str  # "capture 1a2b…"
    says: str


def verify(store: Store, folder: Path, *, deep: bool, seen: Seen) -> Iterator[Problem]:
    """Everything that is wrong. `deep`: read every version's evidence again, too.

    Checked: each capture's record and digest; each text, its passages and their ids; each quote's
    place; each version, change and lifetime; each reference; the log; what search finds them by.
    One consistent view.
    """
    with store.snapshot() as connection:
        yield from _references(connection)
        yield from _captures(connection, folder, seen)
        yield from _texts(connection, seen)
        yield from _versions(connection, seen)
        yield from _changes(connection, seen)
        yield from _tracks(connection)
        yield from _wordings(connection)
        yield from (Problem(*found) for found in search.wrong(connection))
        yield from (Problem(*found) for found in auditing.audit(connection, seen))
        if deep:
            yield from _readings(connection, folder, seen)
    yield from (Problem(*found) for found in search.indexed_otherwise(store.engine))


def verify_since(store: Store, folder: Path, start: int, seen: Seen) -> Iterator[Problem]:
    """What was altered, removed or slipped in since an entry of the log, evidence included."""
    with store.snapshot() as connection:
        yield from (Problem(*found) for found in auditing.audit(connection, seen, start))
        yield from _captures(connection, folder, seen, start)


def total(store: Store, *, deep: bool) -> int:
    """How many things `verify` checks."""
    with store.engine.connect() as connection:
        tables = ["captures", "texts", "versions", "changes", "log"]
        tables += ["versions"] if deep else []
        return sum(checking.count(connection, table) for table in tables)


def _references(connection: sa.Connection) -> Iterator[Problem]:
    for table, column, value in checking.broken_references(connection):
        yield Problem(table, f"{column} names {value}, which is not there")


def _captures(
    connection: sa.Connection, folder: Path, seen: Seen, start: int = 0
) -> Iterator[Problem]:
    """Whether captures are on disk as the store says. `start`: those entered in the log since."""
    full = set()
    repeats = []
    for row in checking.captures(connection, start):
        seen(1)
        where = f"capture {row.id}"
        place = writing.place_of(row)
        if place is None:
            continue
        try:
            kept = evidence.read_capture(folder, place)
        except BadEvidence as error:
            yield Problem(where, str(error))
            continue
        if (kept.page_id, kept.origin) != (row.page_id, row.origin):
            yield Problem(where, f"its record is one of {kept.page_id} by {kept.origin}")
        if kept.captured_at != row.captured_at:
            yield Problem(where, f"its record was made at {kept.captured_at.isoformat()}")
        if row.record == "revisit":
            repeats.append((where, row.digest))
            continue
        full.add(row.digest)
        if evidence.digest(kept.body) != row.digest:
            yield Problem(where, "the body on disk has another SHA-256 than the store says")
    for where, digest in repeats:
        if digest not in full and not (start and writing.body_row(connection, digest)):
            yield Problem(where, f"no capture holds the body {digest} that it repeats")


def _texts(connection: sa.Connection, seen: Seen) -> Iterator[Problem]:
    for id_, lang in checking.text_ids(connection):
        seen(1)
        where = f"text {id_[:16]}"
        row = checking.text(connection, id_)
        try:
            text = codec.unpack_text(row.body)
        except (zlib.error, ValueError):
            yield Problem(where, "its words cannot be unpacked")
            continue
        if writing.text_digest(text, lang) != id_:
            yield Problem(where, "its words are not those that its id was made from")
        rows = checking.passages(connection, id_)
        if [p.position for p in rows] != list(range(row.passages)):
            yield Problem(where, "its passages are not all there")
            continue
        yield from _passages(where, text, lang, rows)
        for said in checking.disclosures(connection, id_):
            if not 0 <= said.position < len(rows):
                yield Problem(
                    where, f"a disclosure names passage {said.position}, which is not there"
                )
                continue
            passage = text[rows[said.position].start : rows[said.position].end]
            yield from _quotes(f"{where}, passage {said.position}", passage, said)


def _passages(where: str, text: str, lang: str, rows: list[Any]) -> Iterator[Problem]:
    end = 0
    for row in rows:
        if not end <= row.start < row.end <= len(text):
            yield Problem(where, f"passage {row.position} does not stand where it should")
        elif passage_id(text[row.start : row.end], lang) != row.passage_id:
            yield Problem(where, f"passage {row.position} has other words than its id says")
        elif any(not 0 <= heading < row.position for heading in row.headings):
            yield Problem(where, f"passage {row.position} has headings that do not precede it")
        end = row.end


def _wordings(connection: sa.Connection) -> Iterator[Problem]:
    for row in checking.wordings(connection):
        if passage_id(row.text, row.lang) != row.id:
            yield Problem(f"passage {row.id}", "its words are not those that its id was made from")


def _quotes(where: str, passage: str, said: Any) -> Iterator[Problem]:
    for _, pattern, start, end in said.matches:
        if not 0 <= start < end <= len(passage):
            yield Problem(where, f"the words that matched {pattern} are not in the passage")
    for slot, words in said.slots.items():
        if words not in passage:
            yield Problem(where, f"the quote for {slot} is not in the passage")


_BELIEVED = {VersionState.BASELINE, VersionState.CONFIRMED, VersionState.REREAD}


def _versions(connection: sa.Connection, seen: Seen) -> Iterator[Problem]:
    for row in checking.versions(connection):
        seen(1)
        where = f"version {row.id}"
        reread = row.state == VersionState.REREAD or row.read_otherwise
        if not reread and row.capture_text != row.text_id:
            yield Problem(where, "its capture shows another text")
        if not reread and row.capture_at != row.captured_at:
            yield Problem(where, "its capture was made at another time")
        if row.state == VersionState.CONFIRMED and row.confirmed_at is None:
            yield Problem(where, "it is confirmed, but nothing says when")
        if row.last_seen < row.captured_at:
            yield Problem(where, "it was last seen before it was first seen")
    for id_ in checking.unseen(connection):
        yield Problem(f"version {id_}", "no capture was made when it is said to be last seen")


def _changes(connection: sa.Connection, seen: Seen) -> Iterator[Problem]:
    for row in checking.changes(connection):
        seen(1)
        where = f"change {row.id}"
        if row.before_text is None or row.after_text is None:
            continue  # told as a broken reference
        if row.after_at != row.captured_at or row.after_state != VersionState.CONFIRMED:
            yield Problem(where, "the version it leads to was not confirmed with it")
        if row.before_text == row.after_text:
            yield Problem(where, "it leads from a text to the same text")
        if checking.topics(connection, row.id) != set(row.topics):
            yield Problem(where, "it is found under other topics than its own")
        if not _leads(connection, row):
            yield Problem(where, "its edits do not lead from the one version to the other")


def _leads(connection: sa.Connection, change: Any) -> bool:
    """Whether a change's edits make the version after it from the one before it."""
    try:
        old = [p.text for p in writing.load_passages(connection, change.before_text)]
        new = [p.text for p in writing.load_passages(connection, change.after_text)]
        return rebuild(old, codec.unpack_edits(change.edits), new) == new
    except (IndexError, StopIteration, TypeError, ValueError, zlib.error, sa.exc.NoResultFound):
        return False


def _tracks(connection: sa.Connection) -> Iterator[Problem]:
    for row in checking.tracks(connection):
        where = f"track of {row.page_id} by {row.origin}"
        ids = [id_ for id_ in (row.current_id, row.pending_id) if id_]
        ids += [variant["version"] for variant in row.variants]
        try:
            versions = writing.load_versions(connection, ids)
        except BadStore:
            yield Problem(where, "it names a version that is not there")
            continue
        if row.pending_id and versions[row.pending_id].state != VersionState.PENDING:
            yield Problem(where, f"version {row.pending_id} waits there, but is not pending")
        if row.current_id is None:
            continue
        current = versions[row.current_id]
        if current.state not in _BELIEVED:
            yield Problem(where, f"version {current.id} is believed there, but is {current.state}")
        standing = {p.passage_id for p in checking.passages(connection, current.text_id)}
        if checking.open_spells(connection, row.page_id, row.origin) != sorted(standing):
            yield Problem(where, "the lifetimes say that other passages stand on the page now")


def _readings(connection: sa.Connection, folder: Path, seen: Seen) -> Iterator[Problem]:
    """Whether each version's text is what its evidence reads as, read in the same way."""
    for row in checking.versions(connection):
        seen(1)
        page = writing.load_page(connection, row.page_id)
        place = writing.body_place(connection, row.digest) if row.digest else None
        if page is None or place is None:
            continue  # told as a broken reference, or as evidence that is missing
        where = f"version {row.id}"
        try:
            capture = evidence.read_capture(folder, place)
            text_id = _read_as(replace(capture, page_id=page.id), page, row.reading)
        except (BadEvidence, BadInput) as error:
            yield Problem(where, f"its evidence cannot be read again: {error}")
            continue
        if text_id is not None and text_id != row.text_id:
            yield Problem(where, "its evidence reads as another text")


def _read_as(capture: Any, page: Page, method: str) -> str | None:
    """The id of the text that a capture reads as; None where that way of reading is gone."""
    source = judge.Source(capture)
    if method not in judge.methods(page, source.kind):
        return None
    return writing.text_digest(source.read(method, page).text, page.lang)
