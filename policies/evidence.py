"""Captures on disk, as WARC: written and flushed before anything is judged.

One file per writing process and day. A response is kept with the request that brought it; an
identical body is a revisit record; a text from another archive is a resource record. What a
record does not hold by itself (page, origin, way there) stands in headers of our own, so that a
capture can be made again from the file alone, should its row never have been written.
"""

from __future__ import annotations

import base64
import fcntl
import gzip
import hashlib
import json
import os
import re
import uuid
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import IO

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from policies import __version__
from policies.errors import BadEvidence
from policies.model import Capture, WarcPlace

_PAGE = "Earwitness-Page"
_ORIGIN = "Earwitness-Origin"
_REQUESTED = "Earwitness-Requested-URI"
_REDIRECTS = "Earwitness-Redirects"
_SEEN_UNTIL = "Earwitness-Seen-Until"
_NOTE = "Earwitness-Note"
_REPEATS = "Earwitness-Repeats"
_FAILURE = "Earwitness-Failure"
# Why a body is not whole, in the words of the WARC standard; of other failures it has none.
_TRUNCATED = {"too-large": "length", "truncated": "disconnect", "timeout": "time"}
_SAME_BODY = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
_NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
# A response is kept decoded; the headers that spoke of its coding are kept under these names.
_CODING = frozenset({"content-encoding", "transfer-encoding", "content-length"})
RECORD_END = b"\r\n\r\n"  # stands behind the body of each record
_GZIP = b"\x1f\x8b\x08"  # begins each record
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, token
_FARTHEST_REQUEST = 65_536  # bytes before a response in which its request is looked for
_LARGEST_FILE = 1_000_000_000  # bytes, after which a new file is begun


def digest(body: bytes) -> str:
    """ "sha256:" and the hex SHA-256 of a body."""
    return "sha256:" + hashlib.sha256(body).hexdigest()


@dataclass(frozen=True)
class Written:
    """Where a capture was put, and as what kind of record."""

    place: WarcPlace
    record: str  # "response", "resource" or "revisit"


class EvidenceWriter:
    """Appends captures to a WARC file of its own, which no other process writes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._name = ""
        self._day = ""

    def write(self, capture: Capture, same_body_as: Capture | None = None) -> Written:
        """Keep a capture that got a response; on disk when this returns.

        `same_body_as`: an earlier capture with the same body, or, for a 304, the one that the
        server said was not modified; the record then holds no body of its own.
        """
        file = self._open()
        writer = WARCWriter(file, gzip=True, warc_version="WARC/1.1")
        response_id = f"<urn:uuid:{uuid.uuid4()}>"
        if capture.request_headers:
            writer.write_record(_request(writer, capture, response_id))
        start = file.tell()
        record = _record(writer, capture, same_body_as, response_id)
        writer.write_record(record)
        file.flush()
        os.fsync(file.fileno())
        place = WarcPlace(self._name, start, file.tell() - start)
        return Written(place, record.rec_type)

    def close(self) -> None:
        """Give the file up; a later write begins a new one."""
        if self._file:
            self._file.close()
            self._file = None

    def _open(self) -> IO[bytes]:
        now = datetime.now(UTC)
        if self._file and (self._day != f"{now:%Y%m%d}" or self._file.tell() > _LARGEST_FILE):
            self.close()
        if self._file is None:
            self._day = f"{now:%Y%m%d}"
            name = f"{now:%Y}/earwitness-{now:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}.warc.gz"
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("xb")
            fcntl.flock(file, fcntl.LOCK_EX)
            writer = WARCWriter(file, gzip=True, warc_version="WARC/1.1")
            about = {"software": f"Earwitness/{__version__}", "format": "WARC File Format 1.1"}
            writer.write_record(writer.create_warcinfo_record(path.name, about))
            file.flush()
            self._file, self._name = file, name
        return self._file


def read_capture(folder: Path, place: WarcPlace) -> Capture:
    """The capture that a record holds; a revisit's body is empty. Raises BadEvidence."""
    path = folder / place.file
    try:
        with path.open("rb") as file:
            file.seek(place.offset)
            packed = file.read(place.length)
        return _capture(gzip.decompress(packed))
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise BadEvidence(
            f"the evidence at byte {place.offset} of {place.file} cannot be read: {error}"
        ) from error


@dataclass(frozen=True)
class Copied:
    """A capture's records as they lie on disk: the request, where one was kept, then the rest."""

    packed: bytes  # gzip members, byte for byte
    body: bytes  # of the last record; a revisit has none
    body_at: int  # where the body begins in what `packed` unpacks to


def copy_records(folder: Path, place: WarcPlace) -> Copied:
    """The records of a capture, for others to keep. Raises BadEvidence."""
    path = folder / place.file
    try:
        with path.open("rb") as file:
            start = max(place.offset - _FARTHEST_REQUEST, 0)
            file.seek(start)
            before = file.read(place.offset - start)
            packed = file.read(place.length)
        data = gzip.decompress(packed)
        request = _request_before(before, _id_of(data))
        body = _capture(data).body
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise BadEvidence(
            f"the evidence at byte {place.offset} of {place.file} cannot be read: {error}"
        ) from error
    above = len(gzip.decompress(request)) if request else 0
    return Copied(request + packed, body, above + len(data) - len(body) - len(RECORD_END))


def _request_before(before: bytes, response_id: str) -> bytes:
    """The gzip member that ends these bytes, where it is the request of that response; or none."""
    at = before.rfind(_GZIP)
    while at >= 0:
        unpacker = zlib.decompressobj(31)
        with suppress(zlib.error):
            data = unpacker.decompress(before[at:])
            if unpacker.eof and not unpacker.unused_data:
                named = f"WARC-Concurrent-To: {response_id}\r\n".encode()
                return before[at:] if named in data.partition(b"\r\n\r\n")[0] + b"\r\n" else b""
        at = before.rfind(_GZIP, 0, at)
    return b""


def _id_of(data: bytes) -> str:
    record = _record_of_ours(data)
    if record is None:
        raise ValueError("no capture begins there")
    return str(record.rec_headers.get_header("WARC-Record-ID"))


@dataclass(frozen=True)
class Orphan:
    """A capture on disk that the store may not know, and where it lies."""

    capture: Capture
    written: Written
    repeats: str | None  # digest of the body that a revisit, which holds none, repeats


def orphans(folder: Path, known: Mapping[str, int]) -> Iterator[Orphan]:
    """Captures behind what the store knows of each file, in the order they were written.

    `known`: file -> first byte behind its last known record. A torn end, left by a kill while
    a record was being written, is cut off. A file that another process is writing is left alone.
    """
    for path in sorted(folder.glob("*/*.warc.gz")):
        name = path.relative_to(folder).as_posix()
        if path.stat().st_size <= known.get(name, 0):
            continue
        with path.open("r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield from _orphans_in(file, name, known.get(name, 0))


def _orphans_in(file: IO[bytes], name: str, start: int) -> Iterator[Orphan]:
    file.seek(start)
    for offset, length, data in _members(file):
        record = _record_of_ours(data)
        if record is not None:
            written = Written(WarcPlace(name, offset, length), record.rec_type)
            yield Orphan(_capture(data), written, record.rec_headers.get_header(_REPEATS))


def _members(file: IO[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """(offset, length, content) of each whole gzip member; a torn one is cut off."""
    offset = file.tell()
    while True:
        file.seek(offset)
        unpacker = zlib.decompressobj(31)
        parts, length = [], 0
        while not unpacker.eof:
            chunk = file.read(1 << 16)
            try:
                parts.append(unpacker.decompress(chunk))
            except zlib.error:
                chunk = b""
            if not chunk:
                break
            length += len(chunk) - len(unpacker.unused_data)
        if unpacker.eof:
            yield offset, length, b"".join(parts)
            offset += length
            continue
        following = _next_member(file, offset)
        if following is None:
            file.truncate(offset)
            return
        offset = following  # damage, but no torn end: what lies behind it stays


def _next_member(file: IO[bytes], offset: int) -> int | None:
    """Where the next WARC record begins behind a damaged one, or None."""
    file.seek(offset)
    data = file.read()
    at = data.find(_GZIP, 1)
    while at > 0:
        with suppress(zlib.error):
            if zlib.decompressobj(31).decompress(data[at : at + 512], 5) == b"WARC/":
                return offset + at
        at = data.find(_GZIP, at + 1)
    return None


# --- records ---------------------------------------------------------------------------


def _warc_time(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _payload_digest(body: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()


def _line(text: str) -> str:
    """A header value that cannot break out of its line."""
    return " ".join(text.split())


def _sound(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Headers that cannot break out of their lines; those with a name that is none are dropped."""
    return [(name, _line(value)) for name, value in headers if _HEADER_NAME.fullmatch(name)]


def _request(writer: WARCWriter, capture: Capture, response_id: str) -> ArcWarcRecord:
    path = "/" + capture.url.split("://", 1)[-1].partition("/")[2]
    http = StatusAndHeaders(
        f"GET {_line(path)} HTTP/1.1", _sound(capture.request_headers), is_http_request=True
    )
    return writer.create_warc_record(
        _line(capture.url),
        "request",
        http_headers=http,
        warc_headers_dict={
            "WARC-Date": _warc_time(capture.captured_at),
            "WARC-Concurrent-To": response_id,
        },
    )


def _record(
    writer: WARCWriter, capture: Capture, same_body_as: Capture | None, record_id: str
) -> ArcWarcRecord:
    own = {
        "WARC-Record-ID": record_id,
        "WARC-Date": _warc_time(capture.captured_at),
        _PAGE: capture.page_id,
        _ORIGIN: capture.origin,
        _REQUESTED: _line(capture.url),
        _REDIRECTS: json.dumps(capture.redirects),
    }
    target = _line(capture.final_url)
    if capture.seen_until:
        own[_SEEN_UNTIL] = _warc_time(capture.seen_until)
    if capture.note:
        own[_NOTE] = json.dumps(capture.note)
    if capture.failure:
        own[_FAILURE] = json.dumps(capture.failure)
        own["WARC-Truncated"] = _TRUNCATED.get(capture.failure.partition(":")[0], "unspecified")
    if capture.origin != "crawl":
        own["Content-Type"] = _line(capture.header("content-type") or "application/octet-stream")
        return writer.create_warc_record(
            target,
            "resource",
            payload=BytesIO(capture.body),
            length=len(capture.body),
            warc_headers_dict=own,
        )
    http = StatusAndHeaders(f"{capture.status} -", _kept_headers(capture), protocol="HTTP/1.1")
    if same_body_as is None:
        return writer.create_warc_record(
            target,
            "response",
            payload=BytesIO(capture.body),
            length=len(capture.body),
            http_headers=http,
            warc_headers_dict=own,
        )
    own["WARC-Profile"] = _NOT_MODIFIED if capture.status == 304 else _SAME_BODY
    own["WARC-Refers-To-Target-URI"] = _line(same_body_as.final_url)
    own["WARC-Refers-To-Date"] = _warc_time(same_body_as.captured_at)
    if capture.status != 304:
        own["WARC-Payload-Digest"] = _payload_digest(capture.body)
        own[_REPEATS] = digest(capture.body)
    return writer.create_warc_record(target, "revisit", http_headers=http, warc_headers_dict=own)


def _kept_headers(capture: Capture) -> list[tuple[str, str]]:
    kept = [
        (f"X-Archive-Orig-{name}" if name in _CODING else name, value)
        for name, value in _sound(capture.headers)
    ]
    return [*kept, ("content-length", str(len(capture.body)))]


def _record_of_ours(data: bytes) -> ArcWarcRecord | None:
    """The record in a gzip member's content, where it is one that keeps a capture."""
    with suppress(ArchiveLoadFailed):
        record = next(iter(ArchiveIterator(BytesIO(data))), None)
        if record is not None and record.rec_headers.get_header(_PAGE):
            return record
    return None


def _capture(data: bytes) -> Capture:
    record = _record_of_ours(data)
    if record is None:
        raise ValueError("no capture begins there")
    about = record.rec_headers
    http = record.http_headers
    own: list[tuple[str, str]] = []
    for name, value in http.headers if http else ():
        original = name.lower().removeprefix("x-archive-orig-")
        if original != name.lower() or original not in _CODING:
            own.append((original, value))
    if record.rec_type == "resource":
        own = [("content-type", about.get_header("Content-Type"))]
    seen_until = about.get_header(_SEEN_UNTIL)
    note, failure = about.get_header(_NOTE), about.get_header(_FAILURE)
    return Capture(
        page_id=about.get_header(_PAGE),
        origin=about.get_header(_ORIGIN),
        captured_at=datetime.fromisoformat(about.get_header("WARC-Date")),
        url=about.get_header(_REQUESTED),
        final_url=about.get_header("WARC-Target-URI"),
        status=int(http.get_statuscode()) if http else 200,
        headers=tuple(own),
        redirects=tuple(json.loads(about.get_header(_REDIRECTS) or "[]")),
        body=record.content_stream().read(),
        failure=json.loads(failure) if failure else None,
        seen_until=datetime.fromisoformat(seen_until) if seen_until else None,
        note=json.loads(note) if note else None,
    )
