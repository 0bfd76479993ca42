"""Captures on disk: what was written is what is read, by us and by others, after any kill."""

from __future__ import annotations

import contextlib
import gzip
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator
from warcio.warcwriter import WARCWriter

from policies.errors import BadEvidence
from policies.evidence import EvidenceWriter, Written, digest, orphans, read_capture
from policies.model import Capture, WarcPlace

AT = datetime(2026, 5, 1, 6, 0, 0, 123456, tzinfo=UTC)
BODY = b"<p>We listen to samples.</p>"

FIRST = Capture(
    page_id="brello.voice.en",
    origin="crawl",
    captured_at=AT,
    url="https://brello.example/voice?a=b",
    final_url="https://www.brello.example/voice/",
    status=200,
    headers=(
        ("content-type", "text/html; charset=utf-8"),
        ("etag", '"abc"'),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("content-encoding", "gzip"),
        ("content-length", "999"),
    ),
    request_headers=(("User-Agent", "Earwitness"), ("Accept-Language", "en")),
    redirects=("https://brello.example/voice?a=b",),
    body=BODY,
)
IMPORTED = Capture(
    page_id="brello.voice.en",
    origin="ota:nordic",
    captured_at=AT,
    url="https://archive.example/Brello/Voice.md",
    final_url="https://archive.example/Brello/Voice.md",
    status=200,
    headers=(("content-type", "text/markdown; charset=utf-8"),),
    body="# Voix\n\nÉcoutez.\n".encode(),
    seen_until=AT + timedelta(days=3),
    note="0123abc technical upgrade – «1»",
)


BROKEN = replace(FIRST, body=BODY[:9], failure="truncated: the connection ended – too early")


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[EvidenceWriter]:
    found = EvidenceWriter(tmp_path)
    yield found
    found.close()


def kept(capture: Capture) -> Capture:
    """What a record keeps of a capture: all but the request."""
    return replace(capture, request_headers=())


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.warc.gz"))


def check(path: Path) -> None:
    """Lets warcio's own checker look at a file."""
    done = subprocess.run(
        [sys.executable, "-m", "warcio.cli", "check", "-v", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "fail" not in done.stdout, done.stdout


# --- what was written is what is read ------------------------------------------------------


def test_a_capture_comes_back_as_it_was(writer: EvidenceWriter, tmp_path: Path) -> None:
    written = writer.write(FIRST)
    assert written.record == "response"
    assert read_capture(tmp_path, written.place) == kept(FIRST)


def test_an_imported_text_is_a_resource(writer: EvidenceWriter, tmp_path: Path) -> None:
    written = writer.write(IMPORTED)
    assert written.record == "resource"
    assert read_capture(tmp_path, written.place) == IMPORTED


def test_an_identical_body_is_a_revisit_without_a_body(
    writer: EvidenceWriter, tmp_path: Path
) -> None:
    first = writer.write(FIRST)
    again = replace(FIRST, captured_at=AT + timedelta(hours=1))
    written = writer.write(again, FIRST)
    assert written.record == "revisit"
    assert written.place.length < first.place.length + 400
    assert read_capture(tmp_path, written.place) == kept(replace(again, body=b""))


def test_a_304_is_a_revisit(writer: EvidenceWriter, tmp_path: Path) -> None:
    writer.write(FIRST)
    again = replace(
        FIRST, captured_at=AT + timedelta(hours=1), status=304, body=b"", headers=(("etag", '"x"'),)
    )
    written = writer.write(again, FIRST)
    assert written.record == "revisit"
    assert read_capture(tmp_path, written.place) == kept(again)


def test_a_request_is_kept_with_its_response(writer: EvidenceWriter, tmp_path: Path) -> None:
    writer.write(FIRST)
    (path,) = files(tmp_path)
    with path.open("rb") as file:
        records = [
            (record.rec_type, record.rec_headers, record.http_headers)
            for record in ArchiveIterator(file)
        ]
    assert [kind for kind, _, _ in records] == ["warcinfo", "request", "response"]
    _, about, http = records[1]
    assert about.get_header("WARC-Concurrent-To") == records[2][1].get_header("WARC-Record-ID")
    assert http.protocol == "GET"
    assert http.statusline == "/voice?a=b HTTP/1.1"
    assert http.get_header("Accept-Language") == "en"


def test_others_can_read_the_file(writer: EvidenceWriter, tmp_path: Path) -> None:
    writer.write(FIRST)
    writer.write(IMPORTED)
    writer.write(replace(FIRST, captured_at=AT + timedelta(hours=1)), FIRST)
    writer.write(replace(FIRST, captured_at=AT + timedelta(hours=2), status=304, body=b""), FIRST)
    writer.close()
    (path,) = files(tmp_path)
    check(path)
    with path.open("rb") as file:
        kinds = [record.rec_type for record in ArchiveIterator(file, check_digests="raise")]
    assert kinds.count("revisit") == 2


HEADER = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=":"), min_size=1
)
CAPTURES = st.builds(
    Capture,
    page_id=st.from_regex(r"[a-z]{1,8}\.[a-z-]{1,8}\.en", fullmatch=True),
    origin=st.sampled_from(["crawl", "ota:contrib"]),
    captured_at=st.timedeltas(timedelta(days=-9_999), timedelta(days=9_999)).map(AT.__add__),
    url=st.from_regex(r"https://a\.example/[a-z0-9?=%/]{0,20}", fullmatch=True),
    final_url=st.from_regex(r"https://b\.example/[a-z0-9?=%/]{0,20}", fullmatch=True),
    status=st.just(200),
    headers=st.lists(
        st.tuples(
            st.sampled_from(["content-encoding", "transfer-encoding", "etag", "x-more", "vary"]),
            HEADER,
        ),
        max_size=4,
    ).map(lambda rest: (("content-type", "text/html"), *rest)),
    redirects=st.lists(st.text(), max_size=3).map(tuple),
    body=st.binary(),
    note=st.none() | st.text(min_size=1),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CAPTURES)
def test_any_capture_comes_back_as_it_was(tmp_path: Path, capture: Capture) -> None:
    if capture.origin != "crawl":
        capture = replace(capture, headers=capture.headers[:1])
    writer = EvidenceWriter(tmp_path)
    written = writer.write(capture)
    writer.close()
    assert read_capture(tmp_path, written.place) == capture


def test_each_writer_has_a_file_of_its_own(tmp_path: Path) -> None:
    one, other = EvidenceWriter(tmp_path), EvidenceWriter(tmp_path)
    places = {writer.write(FIRST).place.file for writer in (one, other, one)}
    assert len(places) == 2
    one.close()
    assert one.write(FIRST).place.file not in places
    one.close()
    other.close()


@pytest.mark.parametrize(
    "place",
    [
        WarcPlace("2026/none.warc.gz", 0, 10),
        WarcPlace("FILE", 1, 10),
        WarcPlace("FILE", 0, 5),
        WarcPlace("FILE", 10**9, 10),
    ],
)
def test_evidence_that_is_not_there_is_said_so(
    writer: EvidenceWriter, tmp_path: Path, place: WarcPlace
) -> None:
    written = writer.write(FIRST)
    if place.file == "FILE":
        place = replace(place, file=written.place.file)
    with pytest.raises(BadEvidence, match="cannot be read"):
        read_capture(tmp_path, place)


def test_a_record_that_is_no_capture_is_said_so(writer: EvidenceWriter, tmp_path: Path) -> None:
    written = writer.write(FIRST)
    data = (tmp_path / written.place.file).read_bytes()[: written.place.offset]
    with pytest.raises(BadEvidence):
        read_capture(tmp_path, WarcPlace(written.place.file, 0, len(data)))


def test_any_flipped_byte_of_a_record_shows(writer: EvidenceWriter, tmp_path: Path) -> None:
    written = writer.write(replace(FIRST, request_headers=()))
    path = tmp_path / written.place.file
    whole = path.read_bytes()
    for at in range(written.place.offset, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1 :])
        with contextlib.suppress(BadEvidence):
            found = read_capture(tmp_path, written.place)
            # What gzip does not guard (its own time and name) changes nothing of what is kept.
            assert found == replace(FIRST, request_headers=())


# --- what a page sends cannot write evidence -----------------------------------------------

BREAKS = ["\r\n", "\n", "\r", "\r\n\r\n", "\x00", "\u2028", "\x85", "\x0b"]


@pytest.mark.parametrize("line_end", BREAKS)
def test_a_header_cannot_break_out_of_its_line(tmp_path: Path, line_end: str) -> None:
    evil = f"x{line_end}WARC-Type: response{line_end}{line_end}<p>We never listen.</p>"
    for capture in (
        replace(FIRST, headers=(("content-type", "text/html"), ("etag", evil))),
        replace(FIRST, headers=(("content-type", "text/html"), (f"a{line_end}b: c", "d"))),
        replace(FIRST, request_headers=(("Accept", evil), (f"a{line_end}b: c", "d"))),
        replace(FIRST, redirects=(evil,)),
        replace(FIRST, note=evil),
        replace(FIRST, url=FIRST.url + evil),
        replace(FIRST, final_url=FIRST.final_url + evil),
        replace(IMPORTED, headers=(("content-type", evil),)),
        replace(IMPORTED, url=evil),
    ):
        writer = EvidenceWriter(tmp_path)
        written = writer.write(capture)
        writer.close()
        found = read_capture(tmp_path, written.place)
        assert found.body == capture.body
        assert found.page_id == capture.page_id
        with (tmp_path / written.place.file).open("rb") as file:
            kinds = [record.rec_type for record in ArchiveIterator(file)]
        assert len(kinds) == 2 + bool(capture.request_headers)
        check(tmp_path / written.place.file)


# --- after a kill --------------------------------------------------------------------------


def ends(*written: Written) -> dict[str, int]:
    return {w.place.file: w.place.offset + w.place.length for w in written}


def test_captures_behind_the_last_known_one_are_found(tmp_path: Path) -> None:
    writer = EvidenceWriter(tmp_path)
    known = writer.write(FIRST)
    later = replace(FIRST, captured_at=AT + timedelta(hours=1), body=b"<p>New.</p>")
    lost = writer.write(later)
    again = writer.write(replace(later, captured_at=AT + timedelta(hours=2)), later)
    writer.close()
    found = list(orphans(tmp_path, ends(known)))
    assert [orphan.written for orphan in found] == [lost, again]
    assert found[0].capture == kept(later)
    assert [orphan.repeats for orphan in found] == [None, digest(later.body)]
    assert [o.written for o in orphans(tmp_path, {})] == [known, lost, again]
    assert list(orphans(tmp_path, ends(again))) == []


@pytest.mark.parametrize("left", [0.0, 0.1, 0.5, 0.99])
def test_a_torn_end_is_cut_off(tmp_path: Path, left: float) -> None:
    writer = EvidenceWriter(tmp_path)
    known = writer.write(FIRST)
    writer.write(replace(FIRST, captured_at=AT + timedelta(hours=1)))
    writer.close()
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    end = known.place.offset + known.place.length
    path.write_bytes(whole[: end + int(left * (len(whole) - end))])
    found = [o.capture.captured_at for o in orphans(tmp_path, ends(known))]
    assert found == []
    check(path)
    assert read_capture(tmp_path, known.place) == kept(FIRST)


def test_zeros_after_a_power_failure_are_cut_off(tmp_path: Path) -> None:
    writer = EvidenceWriter(tmp_path)
    known = writer.write(FIRST)
    writer.close()
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole + bytes(4096))
    assert list(orphans(tmp_path, ends(known))) == []
    assert path.read_bytes() == whole


def test_a_file_in_which_nothing_was_finished_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "2026").mkdir()
    for name, body in (("empty", b""), ("torn", gzip.compress(b"WARC/1.1\r\n")[:9])):
        (tmp_path / "2026" / f"{name}.warc.gz").write_bytes(body)
    assert list(orphans(tmp_path, {})) == []


def test_records_of_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "2026").mkdir()
    path = tmp_path / "2026" / "foreign.warc.gz"
    with path.open("wb") as file:
        theirs = WARCWriter(file, gzip=True)
        payload = BytesIO(b"words")
        theirs.write_record(theirs.create_warc_record("https://a.example/", "resource", payload))
        file.write(gzip.compress(b"no record at all"))
    size = path.stat().st_size
    assert list(orphans(tmp_path, {})) == []
    assert path.stat().st_size == size


def test_damage_in_the_middle_costs_no_later_capture(tmp_path: Path) -> None:
    writer = EvidenceWriter(tmp_path)
    first = writer.write(FIRST)
    damaged = writer.write(replace(FIRST, captured_at=AT + timedelta(hours=1)))
    last = writer.write(replace(FIRST, captured_at=AT + timedelta(hours=2)))
    writer.close()
    (path,) = files(tmp_path)
    whole = bytearray(path.read_bytes())
    whole[damaged.place.offset + damaged.place.length // 2] ^= 0xFF
    path.write_bytes(whole)
    list(orphans(tmp_path, {}))
    assert read_capture(tmp_path, first.place) == kept(FIRST)
    assert read_capture(tmp_path, last.place).captured_at == AT + timedelta(hours=2)


def test_a_file_that_another_process_writes_is_left_alone(tmp_path: Path) -> None:
    program = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from policies.evidence import EvidenceWriter
from tests.test_evidence import FIRST
writer = EvidenceWriter(Path(sys.argv[1]))
writer.write(FIRST)
print("written", flush=True)
sys.stdin.readline()
"""
    root = str(Path(__file__).resolve().parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path), root],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "written\n"
        assert list(orphans(tmp_path, {})) == []
        other.stdin.write("\n")
        other.stdin.close()
        other.wait(timeout=30)
    (orphan,) = orphans(tmp_path, {})
    assert orphan.capture == kept(FIRST)


def test_our_own_open_file_is_left_alone_too(writer: EvidenceWriter, tmp_path: Path) -> None:
    writer.write(FIRST)
    assert list(orphans(tmp_path, {})) == []


def test_a_digest_names_its_kind() -> None:
    assert digest(b"") == (
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


@pytest.mark.parametrize(
    ("failure", "word"),
    [
        ("truncated: the connection ended before the body did", "disconnect"),
        ("too-large: the body is larger than the limit", "length"),
        ("network: refused to follow a redirect", "unspecified"),
    ],
)
def test_what_came_of_a_broken_answer_is_marked_as_such(tmp_path, writer, failure, word):
    capture = replace(BROKEN, failure=failure)
    written = writer.write(capture)
    writer.close()
    assert read_capture(tmp_path, written.place) == kept(capture)
    (file,) = files(tmp_path)
    check(file)
    with file.open("rb") as stream:
        (record,) = [r for r in ArchiveIterator(stream) if r.rec_type == "response"]
        assert record.rec_headers.get_header("WARC-Truncated") == word
