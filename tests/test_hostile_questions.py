"""Questions that mean harm: nobody is sent elsewhere, no log is written, nothing takes long."""

from __future__ import annotations

import logging
import re
import socket
import time
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from policies.settings import Settings
from tests.fixtures_api import SPEECH, refused, served
from tests.test_limits import running

LONG = 8_100  # bytes: about what the server lets through
SLOWEST = 1.0  # seconds of processor time; all of these take less than 0.3 where it is quiet


@pytest.fixture(scope="module")
def app(sample_on_sqlite: Settings) -> Iterator[Flask]:
    with served(sample_on_sqlite) as application:
        yield application


@pytest.fixture(scope="module")
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.mark.parametrize(
    "host",
    ["a>; rel=x", "x" * 70, "a..b", "a b", "a/b", "a@b", "[::1", "a:b", "é.example", "a:999999"],
)
@pytest.mark.parametrize("path", ["/", "/v1/changes", "/fr/feeds/changes.atom", "/static/site.css"])
def test_a_name_that_is_none_is_refused(client, host, path):
    body = refused(client.get(path, headers={"Host": host}), 400)
    assert body["detail"] == "the header Host holds no name of a server"


@pytest.mark.parametrize("host", ["a", "a.example:80", "127.0.0.1:8737", "[::1]:8737", "x_y.z."])
def test_any_other_name_will_do(client, host):
    assert client.get("/v1/vendors", headers={"Host": host}).status_code == 200


PATHS = [
    "/changes",
    "/fr/changes?x=1",
    "/v1//changes",
    "/.//evil.example/changes",
    "/x/..//evil.example/changes",
    "//evil.example/changes",
    "///evil.example/changes",
    "/\\evil.example/",
    "/%2f%2fevil.example/changes",
    "/%5cevil.example/changes",
    "/http://evil.example/",
    "/%0d%0aSet-Cookie: a=b/changes",
]


@pytest.mark.parametrize("path", PATHS)
def test_nobody_is_sent_elsewhere(app, path):
    # As the server gets it: the test client would take //name for a server's name.
    plain, _, query = path.partition("?")
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": plain.replace("%2f", "/").replace("%5c", "\\").replace("%0d%0a", "\r\n"),
        "QUERY_STRING": query,
        "SERVER_NAME": "x",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "HTTP_HOST": "evil.example",
    }
    told: list = []
    chunks = app.wsgi_app(environ, lambda status, headers, *_: told.extend([status, headers]))
    b"".join(chunks)
    headers = {name.lower(): value for name, value in told[1]}
    assert "set-cookie" not in headers
    if told[0].startswith("3"):
        assert re.match(r"/[^/\\]", headers["location"]), headers["location"]


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_a_timegate_leads_to_versions_and_nowhere_else(client, url):
    refused(client.get("/v1/timegate", query_string={"url": url}), 404)


HEADERS = {
    "Accept": ["a/b;q=0," * 1000, "*/*;" + "x=" * 4000, 'a/b;x="' + "\\" * 8000, ",;" * 4000],
    "Accept-Encoding": ["a;q=0" * 1600, ";q=0 " * 1600, "gzip," * 1600],
    "If-None-Match": ['"' * LONG, '":gzip' * 1300, ":gzip" * 1600],
    "Accept-Datetime": ["(" * LONG, "Mon," * 2000, " " * LONG, "1 " * 4000],
    "Range": ["bytes=" + "0-1," * 2000, "bytes=" + "9" * 8000],
    "If-Modified-Since": ["(" * LONG, "1 " * 4000],
    "Cookie": ["a=" * 4000, 'a="' + "\\" * 8000, ";" * LONG],
    "Accept-Language": ["a-" * 4000, ",;" * 4000],
    "Host": ["a" * LONG, "a." * 4000, "[" * LONG],
    "X-Forwarded-For": ["1," * 4000],
}


@pytest.mark.parametrize("name", HEADERS)
def test_no_header_takes_long(client, name):
    for value in HEADERS[name]:
        for path in ("/v1/changes", f"/v1/pages/{SPEECH}/timegate", "/about", "/static/site.css"):
            begun = time.process_time()
            answer = client.get(path, headers={name: value}, buffered=True)
            assert time.process_time() - begun < SLOWEST, (value[:20], path)
            assert answer.status_code < 500
            assert value[:100] not in str(answer.headers)


QUERIES = ['"' * 300, "a" * 300, "a* " * 100, "ａ" * 300, "\u0301" * 300, "'; DROP TABLE pages; --"]


@pytest.mark.parametrize("text", QUERIES)
def test_no_words_take_long_or_do_anything(client, text):
    for path, place in [("/v1/search", "changes"), ("/v1/search", "text"), ("/fr/search", "text")]:
        begun = time.process_time()
        answer = client.get(path, query_string={"q": text, "in": place})
        assert time.process_time() - begun < SLOWEST
        assert answer.status_code in (200, 400)
    assert client.get("/v1/pages").get_json()["items"]


def test_nothing_is_written_into_the_log_by_an_address(sample_on_sqlite, caplog):
    with served(sample_on_sqlite) as app:

        @app.before_request
        def fail() -> None:
            raise RuntimeError("trouble")

        with caplog.at_level(logging.ERROR):
            app.test_client().get("/v1/a%0aERROR all vendors listen%0d")
    (record,) = [r for r in caplog.records if r.name == "api.errors"]
    assert "\n" not in record.getMessage()
    assert "\r" not in record.getMessage()


@pytest.mark.slow
def test_no_header_says_where_the_server_is(sample_on_sqlite):
    with running(sample_on_sqlite.data, "--workers", "1") as port:
        for header in ("SCRIPT_NAME: /evil", "PATH_INFO: /evil", "Script-Name: /evil"):
            with socket.create_connection(("127.0.0.1", port), timeout=20) as asking:
                asking.sendall(
                    f"GET / HTTP/1.1\r\nHost: x\r\n{header}\r\nConnection: close\r\n\r\n".encode()
                )
                got = asking.makefile("rb").read()
            assert b"evil" not in got
            assert got.startswith((b"HTTP/1.1 200", b"HTTP/1.1 400")), got[:80]
