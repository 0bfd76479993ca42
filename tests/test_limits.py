"""What one asker can cost: everything has an end, and a reverse proxy counts how often."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import shutil
import socket
import struct
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api import cli
from api.reading import PLACES
from api.v1 import answering
from policies.finding import tracing
from policies.settings import Settings
from tests.fixtures_api import SPEECH, refused, serve, served, told

ROOT = Path(__file__).parents[1]
DEAR = [
    "/v1/search?q=recordings",
    "/v1/search?q=recordings&format=csv",
    "/v1/changes?format=jsonl",
    "/v1/provenance?text=We+listen",
    "/v1/vendors/quendrivox/ledger",
    f"/v1/pages/{SPEECH}/diff?from=2024-10-01",
]


@pytest.fixture
def app(sample_on_sqlite: Settings) -> Iterator[Flask]:
    with served(sample_on_sqlite) as application:
        yield application


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


# --- what costs much -------------------------------------------------------------------


def free(app: Flask) -> int:
    """How many places for costly answers are free."""
    places = app.extensions["earwitness"].places
    taken = 0
    while places.acquire(blocking=False):
        taken += 1
    for _ in range(taken):
        places.release()
    return taken


def test_what_costs_much_is_refused_while_too_much_of_it_is_asked(app, client):
    change = told(client, "/v1/changes?limit=1")["items"][0]["id"]
    paths = [*DEAR, f"/v1/changes/{change}/evidence.zip"]
    places = app.extensions["earwitness"].places
    for _ in range(PLACES):
        assert places.acquire(blocking=False)
    for path in paths:
        answer = client.get(path)
        assert "ask again in a moment" in refused(answer, 503)["detail"]
        assert int(answer.headers["Retry-After"]) > 0
    busy = client.get("/fr/search?q=recordings")
    assert busy.status_code == 503
    assert "Ce serveur est occupé" in busy.text
    assert client.get("/v1/changes").status_code == 200, "what costs little is answered"
    for _ in range(PLACES):
        places.release()
    for path in paths:
        with client.get(path) as answer:
            assert answer.status_code == 200
            assert answer.data
    assert free(app) == PLACES


def test_an_export_has_its_place_until_it_was_read(app, client, monkeypatch):
    monkeypatch.setattr(answering, "_AT_ONCE", 1)
    answer = client.get("/v1/changes?format=jsonl", buffered=False)
    assert free(app) == PLACES - 1
    answer.close()
    assert free(app) == PLACES


def test_a_refused_question_has_no_place(app, client):
    for path in ("/v1/search?q=%22", "/v1/vendors/nobody/ledger", "/v1/search?q=a&format=csv&in=x"):
        assert client.get(path).status_code in (400, 404)
    assert client.head("/v1/changes?format=csv").status_code == 200
    assert free(app) == PLACES


def test_an_export_that_takes_too_long_is_cut_off(client, monkeypatch):
    monkeypatch.setattr(answering, "_AT_ONCE", 1)
    answer = client.get("/v1/changes?format=jsonl", buffered=False)
    lines = iter(answer.response)
    json.loads(next(lines))
    later = time.monotonic() + answering._LONGEST + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    with pytest.raises(TimeoutError, match="/v1/changes"):
        list(lines)
    answer.close()


def test_a_long_paste_is_not_traced_for_ever(client, monkeypatch):
    monkeypatch.setattr(tracing, "_SECONDS", -1.0)
    says = refused(client.get("/v1/provenance?text=We+listen"), 400)["detail"]
    assert "fewer sentences" in says
    page = client.get("/fr/provenance?text=We+listen")
    assert page.status_code == 400
    assert "moins de phrases" in page.text


# --- who is slow -----------------------------------------------------------------------


def test_every_connection_has_its_limits_of_time():
    with (
        cli.listen("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        for option, seconds in (
            (socket.SO_RCVTIMEO, cli._ASKING),
            (socket.SO_SNDTIMEO, cli._TAKING),
        ):
            given = accepted.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("ll"))
            assert struct.unpack("ll", given) == (seconds, 0)


@contextlib.contextmanager
def running(data: Path, *words: str) -> Iterator[int]:
    """The port of a real server."""
    process = serve(data, "--port", "0", *words)
    try:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)", process.stdout.readline())
        assert found is not None
        wait_for(int(found[1]))
        yield int(found[1])
    finally:
        process.terminate()
        _, trouble = process.communicate(timeout=20)
        assert "Traceback" not in trouble


def wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError):
            if ask(port, "/healthz")[0] == 200:
                return
        time.sleep(0.05)
    pytest.fail("the server did not come up")


def ask(
    port: int, path: str, source: str = "127.0.0.1", **headers: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=30, source_address=(source, 0)
    )
    connection.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


@pytest.mark.slow
def test_those_who_never_finish_asking_keep_nobody_out_for_long(sample_on_sqlite):
    with running(sample_on_sqlite.data, "--workers", "1") as port, contextlib.ExitStack() as open_:
        for _ in range(cli._THREADS + 2):
            slow = open_.enter_context(socket.create_connection(("127.0.0.1", port)))
            slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: slow\r\nX-Half-A-He")
        time.sleep(0.5)
        begun = time.monotonic()
        assert ask(port, "/healthz")[0] == 200
        assert time.monotonic() - begun < cli._ASKING + 5


@pytest.mark.slow
def test_what_is_too_large_is_refused_by_the_server(sample_on_sqlite):
    with running(sample_on_sqlite.data, "--workers", "1") as port:
        assert ask(port, "/v1/changes?cursor=" + "x" * 9_000)[0] in (400, 414)
        assert ask(port, "/healthz", x_long="x" * 9_000)[0] in (400, 431)
        many = {f"x_{n}": "x" for n in range(120)}
        assert ask(port, "/healthz", **many)[0] in (400, 431)
        assert ask(port, "/healthz")[0] == 200


# --- behind a reverse proxy ------------------------------------------------------------

WHOLE = """\
daemon off;
pid {folder}/pid;
error_log {folder}/error.log warn;
worker_processes 1;
events {{ worker_connections 200; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{documented}
}}
"""


@pytest.fixture
def proxied(sample_on_sqlite: Settings, tmp_path: Path, monkeypatch) -> Iterator[int]:
    """The port of nginx with the README's configuration before a real server."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin")
    if nginx is None:
        pytest.skip("no reverse proxy: nginx is not installed (apt-get install nginx-light)")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```nginx\n(.*?)```", readme, re.DOTALL)
    assert found is not None
    with socket.create_server(("127.0.0.1", 0)) as free_one:
        port = free_one.getsockname()[1]
    with running(sample_on_sqlite.data, "--workers", "1") as behind:
        # But for the ports and TLS it is what the README says.
        documented = re.sub(r"\n *ssl_certificate.*", "", found[1])
        documented = documented.replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
        documented = documented.replace("127.0.0.1:8737", f"127.0.0.1:{behind}")
        assert str(behind) in documented
        conf = tmp_path / "nginx.conf"
        conf.write_text(WHOLE.format(folder=tmp_path, documented=documented))
        process = subprocess.Popen(
            [nginx, "-p", str(tmp_path), "-c", str(conf), "-e", str(tmp_path / "error.log")],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            wait_for(port)
            yield port
        finally:
            process.terminate()
            _, trouble = process.communicate(timeout=20)
    assert trouble == ""


@pytest.mark.slow
def test_a_reverse_proxy_counts_how_often_an_address_asks(proxied):
    told_off = [ask(proxied, "/v1/log/head", X_Forwarded_For=f"10.0.0.{n}") for n in range(80)]
    counted = Counter(status for status, *_ in told_off)
    assert set(counted) == {200, 429}
    assert counted[200] >= 40
    assert counted[429] > 10, "a made-up address does not help"
    _, headers, body = next(one for one in told_off if one[0] == 429)
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["Retry-After"] == "10"
    assert headers["Access-Control-Allow-Origin"] == "*"
    problem = json.loads(body)
    assert set(problem) == {"type", "title", "status", "detail", "instance", "errors"}
    assert problem["status"] == 429
    assert ask(proxied, "/v1/log/head", source="127.0.0.2")[0] == 200, "somebody else"


@pytest.mark.slow
def test_a_reverse_proxy_lets_ask_less_often_for_what_costs_much(proxied):
    dear = [ask(proxied, "/v1/search?q=recordings")[0] for _ in range(25)]
    assert 10 <= dear.count(200) < 20
    assert set(dear) == {200, 429}
    assert ask(proxied, "/v1/vendors")[0] == 200


@pytest.mark.slow
def test_a_reverse_proxy_passes_on_what_matters(proxied):
    status, headers, body = ask(proxied, "/v1/bundle.json", Accept_Encoding="gzip")
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert body
    tag = headers["ETag"]
    again = ask(proxied, "/v1/bundle.json", Accept_Encoding="gzip", If_None_Match=tag)
    assert (again[0], again[1]["ETag"], again[2]) == (304, tag, b"")
    gate = ask(
        proxied,
        f"/v1/pages/{SPEECH}/timegate",
        Host="earwitness.example",
        X_Forwarded_Proto="https",
    )
    assert gate[0] == 302
    assert gate[1]["Location"].startswith("http://earwitness.example/v1/versions/"), (
        "nginx says which scheme it was, not the asker"
    )
    assert ask(proxied, "/v1/changes?format=csv")[2].count(b"\n") > 3
