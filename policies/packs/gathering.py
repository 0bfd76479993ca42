"""What belongs into a pack: captures, texts, the diff, records, and the log that pins them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from policies import __version__, evidence
from policies.errors import BadEvidence, BadStore, UnknownId
from policies.model import WarcPlace
from policies.moments import iso
from policies.packs import showing
from policies.store import Store, chain, checking, codec, explaining, writing
from policies.store.chain import Entry
from policies.store.queries import catalog, changes, log, stamps
from policies.tracking.explain import explain


@dataclass(frozen=True)
class Kept:
    """A capture in the pack, by its role there."""

    role: str  # "before", "after", "confirming", "capture"
    row: Any
    holder: Any  # the row of the capture that holds the body in full; None: there is no body
    size: int = 0  # bytes of the body
    body_at: int = 0  # where it begins in the unpacked WARC file

    @property
    def is_resource(self) -> bool:
        """Whether it is a text from another archive: no page was fetched by us."""
        return bool(self.row.record == "resource")


@dataclass
class Pack:
    """The files of a pack but for those that are made from the others."""

    kind: str  # "change", "version" or "capture"
    id: str
    lang: str  # of the page
    dated: datetime  # when what it is about was first captured
    head: Entry
    captures: list[Kept] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)  # roles of the versions
    stamped: list[stamps.Stamp] = field(default_factory=list)
    # Path -> bytes; what is large is read when it is written, so that one is held at a time.
    files: dict[str, bytes | Callable[[], bytes]] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The folder in the archive, and the archive's name without its ending."""
        return f"earwitness-{self.kind}-{self.id}"


def mark(connection: sa.Connection) -> str:
    """What else than its id a pack depends on: the head of the log, stamps, and our version."""
    head = log.head(connection)
    seqs = ",".join(str(stamp.seq) for stamp in stamps.newest(connection))
    return f"{__version__} {head.hash if head else ''} {seqs}"


def gather(store: Store, folder: Path, id_: str) -> Pack:
    """The pack of a change, a version or a capture.

    Raises UnknownId; BadEvidence or BadStore where what is kept is not what was recorded.
    """
    with store.snapshot() as connection:
        found = explaining.find(connection, id_)
        head = log.head(connection)
        if found is None or head is None or found[0] not in _GATHER:
            raise UnknownId(f"nothing bears the id {id_!r}: give that of a change or a capture")
        kind, row = found
        page = writing.load_page(connection, row.page_id)
        assert page is not None  # the store sees to its references
        pack = Pack(kind, id_, page.lang, row.captured_at, head)
        subjects = _GATHER[kind](connection, folder, pack, row)
        pack.files["explain.json"] = _json(explain(connection, id_))
        _records(connection, pack, subjects)
        _log(connection, pack, subjects)
        _about(connection, pack)
    return pack


# --- captures, versions, a change ------------------------------------------------------

Subject = tuple[str, str]  # kind and id of a row that the pack rests on


def _of_capture(connection: sa.Connection, folder: Path, pack: Pack, row: Any) -> list[Subject]:
    subjects = _capture(connection, folder, pack, "capture", row.id)
    if row.text_id:
        _text(connection, pack, "capture", row.text_id)
    return subjects


def _of_version(connection: sa.Connection, folder: Path, pack: Pack, row: Any) -> list[Subject]:
    return _version(connection, folder, pack, "version", row)


def _of_change(connection: sa.Connection, folder: Path, pack: Pack, row: Any) -> list[Subject]:
    pair = writing.load_versions(connection, [row.before_id, row.after_id])
    before, after = pair[row.before_id], pair[row.after_id]
    subjects = _version(connection, folder, pack, "before", before)
    subjects += _version(connection, folder, pack, "after", after)
    if after.confirmed_by not in (None, after.capture_id):
        subjects += _capture(connection, folder, pack, "confirming", after.confirmed_by)
    told = changes.change(connection, row.id)
    assert told is not None
    old = writing.load_passages(connection, before.text_id)
    new = writing.load_passages(connection, after.text_id)
    edits = codec.unpack_edits(row.edits)
    pack.files["diff.html"] = _utf8(showing.as_html(told, old, new, edits))
    pack.files["diff.txt"] = _utf8(showing.as_text(told, old, new, edits))
    packed = chain.canonical(codec.unpack(row.edits))
    pack.files[f"records/change-{row.id}.edits.json"] = packed.encode()
    return [*subjects, ("change", row.id)]


_GATHER = {"capture": _of_capture, "version": _of_version, "change": _of_change}


def _version(
    connection: sa.Connection, folder: Path, pack: Pack, role: str, row: Any
) -> list[Subject]:
    _text(connection, pack, role, row.text_id)
    return [*_capture(connection, folder, pack, role, row.capture_id), ("version", row.id)]


def _text(connection: sa.Connection, pack: Pack, role: str, text_id: str) -> None:
    text = writing.load_text(connection, text_id)
    if writing.text_digest(text, pack.lang) != text_id:
        raise BadStore(f"text {text_id[:16]} is not what its id says: `earwitness verify`")
    pack.files[f"texts/{role}.txt"] = _utf8(text)
    pack.texts.append(role)


def _capture(
    connection: sa.Connection, folder: Path, pack: Pack, role: str, capture_id: str
) -> list[Subject]:
    found = explaining.find(connection, capture_id)
    if found is None:
        raise BadStore(f"capture {capture_id} is not there: `earwitness verify` tells more")
    row = found[1]
    place = writing.place_of(row)
    if place is None:  # no response came
        pack.captures.append(Kept(role, row, None))
        return [("capture", row.id)]
    copy = partial(_copy, folder, place, None)
    holder = row
    if row.record == "revisit":
        holder = writing.body_row(connection, row.digest) if row.digest else None
        held_at = writing.place_of(holder) if holder is not None else None
        if held_at is None:
            raise BadEvidence(f"no capture holds the body {row.digest} that {row.id} repeats")
        copy = partial(_copy, folder, place, held_at)
    copied = copy()
    if evidence.digest(copied.body) != row.digest:
        raise BadEvidence(
            f"the body of capture {row.id} has another SHA-256 than the store says:"
            " `earwitness verify` tells more"
        )
    pack.files[f"captures/{role}.warc.gz"] = lambda: copy().packed
    pack.files[f"captures/{role}.body"] = lambda: copy().body
    pack.files[f"captures/{role}.headers.txt"] = _headers(folder, place, row)
    pack.captures.append(Kept(role, row, holder, len(copied.body), copied.body_at))
    return sorted({("capture", row.id), ("capture", holder.id)})


def _copy(folder: Path, place: WarcPlace, held_at: WarcPlace | None) -> evidence.Copied:
    """A capture's records, and behind them those of the capture whose body it repeats."""
    own = evidence.copy_records(folder, place)
    if held_at is None:
        return own
    held = evidence.copy_records(folder, held_at)
    before = own.body_at + len(own.body) + len(evidence.RECORD_END)
    return evidence.Copied(own.packed + held.packed, held.body, before + held.body_at)


def _headers(folder: Path, place: WarcPlace, row: Any) -> bytes:
    kept = evidence.read_capture(folder, place)
    lines = [f"status: {row.status}", f"url: {row.url}", f"final url: {row.final_url}"]
    lines += [f"redirected from: {url}" for url in kept.redirects]
    lines += ["", *(f"{name}: {value}" for name, value in kept.headers)]
    return _utf8("\n".join(lines) + "\n")


# --- records and the log ---------------------------------------------------------------


def _records(connection: sa.Connection, pack: Pack, subjects: Iterable[Subject]) -> None:
    """Each row as the line of JSON that the log holds the SHA-256 of."""
    entries = {(e.kind, e.id): e for e in log.last_of(connection, list(subjects))}
    for kind, id_ in dict.fromkeys(subjects):
        row = checking.logged_rows(connection, kind, [id_]).get(id_)
        entry = entries.get((kind, id_))
        line = chain.record(kind, row, entry.form) if row and entry else ""
        if entry is None or chain.sha256(line) != entry.digest:
            raise BadStore(
                f"{kind} {id_} is not what the log wrote down: `earwitness verify` tells more"
            )
        pack.files[f"records/{kind}-{id_}.json"] = line.encode()


def _log(connection: sa.Connection, pack: Pack, subjects: Iterable[Subject]) -> None:
    """The entries of those rows, and all that link them to the head and to a timestamp."""
    told = log.last_of(connection, list(subjects))
    pack.stamped = list(stamps.first_since(connection, max(entry.seq for entry in told)))
    tops = [pack.head.seq, *(stamp.seq for stamp in pack.stamped)]
    wanted = {seq for top in tops for entry in told for seq in chain.path(top, entry.seq)}
    for entry in log.by_seq(connection, wanted):
        pack.files[f"log/{entry.seq:012}.json"] = entry.line.encode()
    pack.files["log/HEAD"] = f"{pack.head.seq}:{pack.head.hash}\n".encode()
    for number, stamp in enumerate(pack.stamped, 1):
        pack.files[stamp_name(number, stamp)] = stamp.token


def stamp_name(number: int, stamp: stamps.Stamp) -> str:
    """The file of a timestamp in a pack."""
    host = re.sub(r"[^a-z0-9.-]", "", (urlsplit(stamp.authority).hostname or "").lower())
    return f"timestamps/{number}-{host or 'authority'}.tsr"


# --- the manifest ----------------------------------------------------------------------


def _about(connection: sa.Connection, pack: Pack) -> None:
    row = explaining.find(connection, pack.id)
    assert row is not None
    page = catalog.page(connection, row[1].page_id)
    assert page is not None  # the store sees to its references
    pack.about = {
        "made_by": f"Earwitness/{__version__}",
        "kind": pack.kind,
        "id": pack.id,
        "vendor": page.vendor_name,
        "page": page.id,
        "title": page.title,
        "address": page.url,
        "language": page.lang,
        "captures": [_capture_about(kept) for kept in pack.captures],
        "log": {"head": pack.head.seq, "hash": pack.head.hash},
        "timestamps": [
            {
                "file": stamp_name(number, stamp),
                "entry": f"log/{stamp.seq:012}.json",
                "authority": stamp.authority,
                "stamped_at": iso(stamp.stamped_at),
            }
            for number, stamp in enumerate(pack.stamped, 1)
        ],
    }


def _capture_about(kept: Kept) -> Mapping[str, Any]:
    row = kept.row
    return {
        "role": kept.role,
        "id": row.id,
        "captured_at": iso(row.captured_at),
        "origin": row.origin,
        "url": row.url,
        "final_url": row.final_url,
        "status": row.status,
        "digest": row.digest,
        "warc_record": row.record,
        "body_held_by": kept.holder.id if kept.holder is not None else None,
        "fetched_by": "another archive" if kept.is_resource else "Earwitness",
    }


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")
