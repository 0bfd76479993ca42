"""Evidence packs: all that a finding rests on, checked by their own README in a plain shell."""

from __future__ import annotations

import io
import json
import re
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import sync_playwright
from warcio.archiveiterator import ArchiveIterator

from policies import packs
from policies.cli import main
from policies.errors import BadEvidence, BadStore, UnknownId
from policies.store import schema
from tests.fixtures_api import served, told
from tests.test_tracking import A, B, C, Watch
from tests.test_verify import warc

CHROMIUM = Path("/usr/lib/chromium/chromium")


@pytest.fixture
def watch(database_url: str, tmp_path: Path) -> Iterator[Watch]:
    """A page that was edited, and read again and again."""
    found = Watch(database_url, tmp_path / "data")
    for text in (A, A, B, B, B, C):
        found.see(text)
    yield found
    found.tracker.close()


def pack_of(watch: Watch, id_: str) -> bytes:
    file = io.BytesIO()
    packs.write(packs.gather(watch.tracker.store, watch.folder / "evidence", id_), file)
    return file.getvalue()


def unpacked(data: bytes, where: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        archive.extractall(where)
    (folder,) = where.iterdir()
    return folder


def told_by(readme: str) -> str:
    """The commands of the English half, all but those that need an authority's certificate."""
    english = readme.partition("-" * 60)[0]
    lines = re.findall(r"^ {4}( {0,4}\S.*)$", english, re.MULTILINE)
    blocks = "\n".join(lines)
    return re.sub(r"openssl ts .*", "", blocks)


def check(folder: Path) -> tuple[int, str]:
    """What a person sees who runs just the commands of the README."""
    script = "set -e\n" + told_by((folder / "README.txt").read_text(encoding="utf-8"))
    done = subprocess.run(
        ["sh", "-c", script], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def records(path: Path) -> list[tuple[str, str]]:
    with path.open("rb") as file:
        return [
            (record.rec_type, record.rec_headers.get_header("WARC-Target-URI"))
            for record in ArchiveIterator(file, check_digests=True)
            if record.content_stream().read() is not None
        ]


# --- what is in it ---------------------------------------------------------------------------


def test_a_pack_is_checked_by_the_commands_of_its_readme(watch: Watch, tmp_path: Path) -> None:
    folder = unpacked(pack_of(watch, watch.changes[0].id), tmp_path / "out")
    code, output = check(folder)
    assert code == 0, output
    for line in ("files", "log", "records", "bodies", "texts", "before.warc.gz", "after.warc.gz"):
        assert f"{line}: right" in output
    readme = (folder / "README.txt").read_text(encoding="utf-8")
    assert "COMMENT LE VÉRIFIER" in readme
    assert "resource" not in readme


def test_a_pack_holds_what_a_journalist_needs(watch: Watch, tmp_path: Path) -> None:
    change = watch.changes[0]
    folder = unpacked(pack_of(watch, change.id), tmp_path / "out")
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for role in ("before", "after", "confirming"):
        assert {f"captures/{role}.{end}" for end in ("warc.gz", "body", "headers.txt")} <= names
    assert (folder / "texts/before.txt").read_text().endswith(A[-1])
    assert B[3] in (folder / "texts/after.txt").read_text()
    assert (folder / "captures/before.body").read_bytes().startswith(b"<html lang=en>")
    assert "content-type: text/html" in (folder / "captures/after.headers.txt").read_text()
    assert [kind for kind, _ in records(folder / "captures/after.warc.gz")] == [
        "request",
        "response",
    ]
    # Seen again: the record repeats the body, and the capture that holds it comes along.
    again = [kind for kind, _ in records(folder / "captures/confirming.warc.gz")]
    assert again == ["request", "revisit", "request", "response"]
    explained = json.loads((folder / "explain.json").read_bytes())
    assert explained["version"]["rules"][0]["rule"] == "seen-again"
    assert "  - We keep the samples for thirty days" in (folder / "diff.txt").read_text()
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert {f["path"] for f in manifest["files"]} == names - {"manifest.json", "SHA256SUMS"}
    assert (folder / "log/HEAD").read_text().strip() == f"{manifest['log']['head']}:" + (
        manifest["log"]["hash"]
    )
    kinds = {json.loads(path.read_bytes())["kind"] for path in (folder / "log").glob("*.json")}
    assert kinds == {"capture", "version", "change"}


@pytest.mark.parametrize("kind", ["capture", "version", "unread", "failed"])
def test_captures_and_versions_have_packs_too(watch: Watch, tmp_path: Path, kind: str) -> None:
    if kind == "unread":
        id_ = watch.see(b"<h1>Are you a human?</h1>").capture_id
    elif kind == "failed":
        id_ = watch.see(status=None, failure="timeout: no answer").capture_id
    else:
        table = schema.captures if kind == "capture" else schema.versions
        id_ = watch.rows(table)[-1].id
    folder = unpacked(pack_of(watch, id_), tmp_path / "out")
    code, output = check(folder)
    assert code == 0, output
    assert (folder / "captures").exists() == (kind != "failed")
    assert not (folder / "diff.html").exists()


def test_an_imported_text_says_what_it_does_not_prove(database_url: str, tmp_path: Path) -> None:
    watch = Watch(database_url, tmp_path / "data", origin="ota:nordic")
    for text in (A, B):
        body = ("# Your voice\n\n" + "\n\n".join(text)).encode()
        headers = (("content-type", "text/markdown; charset=utf-8"),)
        until = watch.now + timedelta(days=70)
        about = {"headers": headers, "request_headers": (), "seen_until": until}
        watch.see(body, after=timedelta(days=40), **about)
    folder = unpacked(pack_of(watch, watch.changes[0].id), tmp_path / "out")
    watch.tracker.close()
    code, output = check(folder)
    assert code == 0, output
    assert [kind for kind, _ in records(folder / "captures/before.warc.gz")] == ["resource"]
    readme = (folder / "README.txt").read_text(encoding="utf-8")
    assert "was not fetched by Earwitness" in readme
    assert "n’a pas été faite par Earwitness" in readme
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert {kept["fetched_by"] for kept in manifest["captures"]} == {"another archive"}


def test_the_same_change_at_the_same_head_is_the_same_bytes(watch: Watch) -> None:
    id_ = watch.changes[0].id
    first = pack_of(watch, id_)
    assert pack_of(watch, id_) == first
    watch.reopen()
    assert pack_of(watch, id_) == first
    watch.see(C)
    assert pack_of(watch, id_) != first, "there is another head now"


def test_what_was_captured_is_the_same_bytes_for_ever(watch: Watch, tmp_path: Path) -> None:
    id_ = watch.changes[0].id
    first = unpacked(pack_of(watch, id_), tmp_path / "first")
    watch.see(C)
    with watch.tracker.store.engine.execution_options(writes=True).begin() as connection:
        connection.execute(schema.pages.update().values(title="Another Title"))
    later = unpacked(pack_of(watch, id_), tmp_path / "later")
    assert (first / "log/HEAD").read_bytes() != (later / "log/HEAD").read_bytes()
    kept = [path for folder in ("captures", "texts") for path in (first / folder).iterdir()]
    assert len(kept) > 6
    for path in kept:
        assert path.read_bytes() == (later / path.relative_to(first)).read_bytes(), path
    readme = (first / "README.txt").read_text(encoding="utf-8")
    assert "WHEN THIS IS MADE AGAIN" in readme
    assert "QUAND CE DOSSIER EST REFAIT" in readme


# --- a flipped byte --------------------------------------------------------------------------


def resum(folder: Path) -> None:
    """The list of sums made anew, as a forger would."""
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    subprocess.run(
        [
            "sh",
            "-c",
            'sha256sum -- "$@" > SHA256SUMS',
            "sh",
            *(n for n in names if n != "SHA256SUMS"),
        ],
        cwd=folder,
        check=True,
    )


def test_any_flipped_byte_is_found(watch: Watch, tmp_path: Path) -> None:
    folder = unpacked(pack_of(watch, watch.changes[0].id), tmp_path / "out")
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "README.txt"):
        whole = path.read_bytes()
        at = len(whole) // 2
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert check(folder)[0] != 0, path
        path.write_bytes(whole)
    assert check(folder)[0] == 0


@pytest.mark.parametrize(
    "pattern", ["captures/*.body", "texts/*.txt", "records/*.json", "log/*", "captures/*.gz"]
)
def test_a_flipped_byte_is_found_though_the_sums_were_made_anew(
    watch: Watch, tmp_path: Path, pattern: str
) -> None:
    folder = unpacked(pack_of(watch, watch.changes[0].id), tmp_path / "out")
    paths = sorted(folder.glob(pattern))
    assert paths
    for path in paths:
        whole = path.read_bytes()
        at = len(whole) * 3 // 4
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        resum(folder)
        code, output = check(folder)
        assert code != 0, (path, output)
        assert "files: right" in output
        path.write_bytes(whole)


def test_what_was_tampered_with_is_not_packed(watch: Watch, tmp_path: Path) -> None:
    id_ = watch.changes[0].id
    engine = watch.tracker.store.engine.execution_options(writes=True)
    c = schema.changes
    with engine.begin() as connection:
        connection.execute(c.update().where(c.c.id == id_).values(topics=["on_device"]))
    with pytest.raises(BadStore, match="not what the log wrote down"):
        pack_of(watch, id_)
    path = warc(watch)
    whole = path.read_bytes()
    path.write_bytes(whole[:700])
    with pytest.raises(BadEvidence):
        pack_of(watch, watch.rows(schema.captures)[-1].id)
    path.write_bytes(whole)
    with pytest.raises(UnknownId):
        pack_of(watch, "0" * 16)


# --- hostile words ---------------------------------------------------------------------------


def test_the_diff_loads_nothing_and_runs_nothing(watch: Watch, tmp_path: Path) -> None:
    evil = '</main><script>document.title="owned"</script><img src=http://127.0.0.1:9/x onerror=1>'
    for _ in range(2):
        watch.see([*C, f"We listen {evil.replace('<', '&lt;')} to your recordings, always."])
    folder = unpacked(pack_of(watch, watch.changes[-1].id), tmp_path / "out")
    page = (folder / "diff.html").read_text()
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    if not CHROMIUM.exists():
        pytest.skip("no chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page()
        asked: list[str] = []
        said: list[str] = []
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: said.append(message.text))
        tab.goto((folder / "diff.html").as_uri())
        assert tab.title() == "Brello: Voice"
        assert "owned" in tab.inner_text("ins >> nth=0") or "owned" in tab.inner_text("main")
        color = tab.evaluate("getComputedStyle(document.querySelector('ins')).backgroundColor")
        browser.close()
    assert [url for url in asked if not url.startswith("file:")] == []
    assert color != "rgba(0, 0, 0, 0)", "the policy lets its own style stand"
    assert said == []


# --- the command and the API -----------------------------------------------------------------


def run(watch: Watch, *words: str) -> tuple[int, str]:
    environment = {"EARWITNESS_DATA": str(watch.folder), "EARWITNESS_DATABASE": watch.url}
    done = CliRunner().invoke(main, ["evidence", *words], env=environment)
    return done.exit_code, done.output


def test_the_command_writes_the_pack(watch: Watch, tmp_path: Path) -> None:
    id_ = watch.changes[0].id
    path = tmp_path / "x.zip"
    code, output = run(watch, id_, "-o", str(path))
    assert code == 0, output
    assert path.read_bytes() == pack_of(watch, id_)
    assert "Head of the log: " in output
    assert check(unpacked(path.read_bytes(), tmp_path / "out"))[0] == 0


def test_the_command_refuses_what_it_cannot_do(watch: Watch, tmp_path: Path) -> None:
    code, output = run(watch, "0" * 16)
    assert (code, "nothing bears the id" in output) == (2, True)
    code, output = run(watch, watch.changes[0].id, "-o", str(tmp_path / "no" / "x.zip"))
    assert (code, "cannot be written" in output) == (2, True)


@pytest.mark.parametrize("kind", ["changes", "versions"])
def test_a_pack_over_http_is_the_same_and_is_not_made_twice(client, tmp_path, kind):
    change = told(client, "/v1/changes?topic=human_review")["items"][0]
    id_ = change["id"] if kind == "changes" else change["before_id"]
    path = f"/v1/{kind}/{id_}/evidence.zip"
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert "attachment" in answer.headers["Content-Disposition"]
    folder = unpacked(answer.data, tmp_path / "out")
    code, output = check(folder)
    assert code == 0, output
    assert client.get(path).data == answer.data
    again = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get(f"/v1/{kind}/0123/evidence.zip").status_code == 404


def test_evidence_that_is_lost_is_told_in_one_shape(watch: Watch) -> None:
    id_ = watch.changes[0].id
    warc(watch).unlink()
    settings = replace(watch.tracker.settings, database=watch.url)
    with served(settings) as application:
        answer = application.test_client().get(f"/v1/changes/{id_}/evidence.zip")
    assert answer.status_code == 503
    assert answer.mimetype == "application/problem+json"
