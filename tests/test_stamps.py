"""Timestamps of the log by a real authority: `openssl ts`, served on loopback."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from policies.cli import main
from policies.store.queries import log, stamps
from tests.test_packs import check, pack_of, unpacked
from tests.test_tracking import A, B, C, Watch

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")

CONFIG = """
[req]
distinguished_name = dn
prompt = no
[dn]
CN = {name}
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_cert = {folder}/leaf.pem
signer_key = {folder}/leaf.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""


class Authority:
    """A timestamping authority in a folder, and the address where it answers."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir()
        for name in ("ca", "leaf"):
            (folder / f"{name}.cnf").write_text(CONFIG.format(folder=folder, name=f"Stamp {name}"))
        (folder / "serial").write_text("01")
        new = ("req", "-new", "-newkey", "rsa:2048", "-nodes", "-batch")
        self._run(*new, "-x509", "-days", "30", "-config", "ca.cnf", "-extensions", "ca",
                  "-keyout", "ca.key", "-out", "ca.pem")  # fmt: skip
        self._run(*new, "-config", "leaf.cnf", "-keyout", "leaf.key", "-out", "leaf.csr")
        self._run("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                  "-CAcreateserial", "-days", "30", "-extfile", "leaf.cnf", "-extensions", "leaf",
                  "-out", "leaf.pem")  # fmt: skip
        self.asked = 0
        self.answer: bytes | None = None  # given instead of a timestamp
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.headers["Content-Type"] == "application/timestamp-query"
                body = authority.reply(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/tsr"

    def reply(self, question: bytes) -> bytes:
        self.asked += 1
        if self.answer is not None:
            return self.answer
        (self.folder / "question").write_bytes(question)
        self._run("ts", "-reply", "-config", "leaf.cnf", "-section", "here",
                  "-queryfile", "question", "-out", "answer")  # fmt: skip
        return (self.folder / "answer").read_bytes()

    def _run(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    found = Authority(tmp_path / "authority")
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def watch(database_url: str, tmp_path: Path) -> Iterator[Watch]:
    found = Watch(database_url, tmp_path / "data")
    for text in (A, B, B):
        found.see(text)
    yield found
    found.tracker.close()


def run(watch: Watch, authority: Authority | None, *words: str, **more: str) -> tuple[int, str]:
    environment = {
        "EARWITNESS_DATA": str(watch.folder),
        "EARWITNESS_DATABASE": watch.url,
        "EARWITNESS_TIMESTAMPS": authority.url if authority else "",
        **more,
    }
    done = CliRunner().invoke(main, ["stamp", *words], env=environment)
    return done.exit_code, done.output


def kept(watch: Watch) -> tuple[stamps.Stamp, ...]:
    with watch.tracker.store.engine.connect() as connection:
        return stamps.everything(connection)


def test_the_head_is_stamped_and_packs_carry_it(
    watch: Watch, authority: Authority, tmp_path: Path
) -> None:
    before = pack_of(watch, watch.changes[0].id)
    ca = authority.folder / "ca.pem"
    code, output = run(watch, authority, EARWITNESS_TIMESTAMPS_CA=str(ca))
    assert code == 0, output
    (stamp,) = kept(watch)
    with watch.tracker.store.engine.connect() as connection:
        head = log.head(connection)
    assert head is not None
    assert (stamp.seq, stamp.hash) == (head.seq, head.hash)
    watch.see(C)
    watch.see(C)
    data = pack_of(watch, watch.changes[0].id)
    assert data != before
    folder = unpacked(data, tmp_path / "out")
    code, output = check(folder)
    assert code == 0, output
    readme = (folder / "README.txt").read_text(encoding="utf-8")
    (command,) = set(re.findall(r"openssl ts -verify .*", readme))
    shutil.copy(ca, folder / "AUTHORITY.pem")
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Verification: OK" in done.stdout + done.stderr
    # The stamp is of the first change's time: of the second one it says nothing.
    later = unpacked(pack_of(watch, watch.changes[-1].id), tmp_path / "later")
    assert not (later / "timestamps").exists()
    # A forged entry is not what was stamped.
    entry = folder / command.split()[4]
    entry.write_bytes(entry.read_bytes().replace(b'"form":1', b'"form":2'))
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0


def test_nobody_is_asked_twice_for_the_same_head(watch: Watch, authority: Authority) -> None:
    assert run(watch, authority)[0] == 0
    code, output = run(watch, authority)
    assert (code, "It is still the head." in output) == (0, True)
    watch.see(B)
    code, output = run(watch, authority, "--due")
    assert (code, output) == (0, "")
    assert authority.asked == 1
    assert run(watch, authority, "--due", EARWITNESS_TIMESTAMPS_EVERY="0s")[0] == 0
    assert authority.asked == 2
    assert len(kept(watch)) == 2


def test_a_stamp_of_something_else_is_refused(watch: Watch, authority: Authority) -> None:
    assert run(watch, authority)[0] == 0
    authority.answer = kept(watch)[0].token
    watch.see(B)
    code, output = run(watch, authority)
    assert (code, "a timestamp of something else" in output) == (1, True), output
    for nonsense in (b"", b"no timestamp", b"x" * 200_000):
        authority.answer = nonsense
        code, output = run(watch, authority)
        assert (code, "timestamp" in output, "Traceback" in output) == (1, True, False), output
    assert len(kept(watch)) == 1


def test_a_signature_by_a_stranger_is_refused(
    watch: Watch, authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path / "stranger")
    ca = str(stranger.folder / "ca.pem")
    code, output = run(watch, authority, EARWITNESS_TIMESTAMPS_CA=ca)
    stranger.server.shutdown()
    stranger.server.server_close()
    assert (code, "is not signed by one whom" in output) == (1, True), output
    assert kept(watch) == ()


def test_what_cannot_be_asked_is_said_in_a_sentence(watch: Watch, authority: Authority) -> None:
    code, output = run(watch, None)
    assert (code, "set EARWITNESS_TIMESTAMPS" in output) == (2, True)
    code, output = run(watch, None, EARWITNESS_TIMESTAMPS="file:///etc/hostname")
    assert (code, "begins with https://" in output) == (2, True)
    secret = "http://user:hush@127.0.0.1:9/x"
    code, output = run(watch, None, EARWITNESS_TIMESTAMPS=secret)
    assert (code, "hush" in output) == (1, False), output
