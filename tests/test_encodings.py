"""Every route: the same bytes in any packing, tags to be trusted, one shape of errors."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator

import brotli
import pytest
from backports import zstd
from flask import Flask
from flask.testing import FlaskClient

from policies.settings import Settings
from tests.fixtures_api import SPEECH, refused, served, told

UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": zstd.decompress,
}


@pytest.fixture(scope="module")
def app(sample_on_sqlite: Settings) -> Iterator[Flask]:
    with served(sample_on_sqlite) as application:
        yield application


PACKED = ("application/zip", "image/png")  # by their own nature


class Reader(FlaskClient):
    """Reads every answer to its end and closes it, as a server does."""

    def open(self, *args, **kwargs):
        return super().open(*args, **{"buffered": True, **kwargs})


@pytest.fixture(scope="module")
def client(app: Flask) -> FlaskClient:
    app.test_client_class = Reader
    return app.test_client()


@pytest.fixture(scope="module")
def paths(app: Flask, client: FlaskClient) -> list[str]:
    """An address of every route, in every form that it offers."""
    change = told(client, f"/v1/changes?page={SPEECH}")["items"][0]
    capture = told(client, f"/v1/pages/{SPEECH}/captures")["items"][0]
    known = {
        "capture_id": capture["id"],
        "vendor_id": "quendrivox",
        "page_id": SPEECH,
        "version_id": change["after_id"],
        "change_id": change["id"],
        "event_id": change["event_id"],
        "id": change["id"],
        "topic": "human_review",
        "filename": "site.css",
        "form": "atom",
    }
    needed = {
        "/v1/search": "q=recordings",
        "/search": "q=recordings",
        "/v1/provenance": "text=We+listen",
        "/v1/timegate": f"url={change['page_url']}",
        "diff": "from=2024-10-01",
    }
    found = []
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        values = {name: known[name] for name in rule.arguments}
        path = adapter.build(rule.endpoint, values)
        asked = needed.get(path) or needed.get(path.rpartition("/")[2], "")
        found.append(f"{path}?{asked}" if asked else path)
    lists = ["/v1/changes", "/v1/search?q=recordings", f"/v1/pages/{SPEECH}/versions", "/v1/log"]
    found += [f"{p}{'&' if '?' in p else '?'}format={f}" for p in lists for f in ("csv", "jsonl")]
    found += [f"/v1/pages/{SPEECH}/diff?from=2024-10-01&format={f}" for f in ("html", "text")]
    found += ["/feeds/changes.json", f"/v1/pages/{SPEECH}/timemap?format=json"]
    return sorted(set(found))


def test_every_route_is_among_those(app, paths):
    assert len(paths) > 50
    assert any(path.startswith("/fr/feeds") for path in paths)


def test_what_comes_packed_is_what_comes_plain(client, paths):
    for path in paths:
        plain = client.get(path)
        assert plain.status_code in (200, 302), (path, plain.text)
        assert "Accept-Encoding" in plain.headers["Vary"], path
        assert "Cache-Control" in plain.headers, path
        assert "Set-Cookie" not in plain.headers
        if plain.status_code == 302:
            continue
        assert "Content-Encoding" not in plain.headers
        for encoding, unpack in UNPACK.items():
            packed = client.get(path, headers={"Accept-Encoding": f"{encoding}, identity;q=0.1"})
            if "Content-Encoding" not in packed.headers:
                assert packed.mimetype in PACKED or len(plain.data) < 500, path
                continue
            assert packed.headers["Content-Encoding"] == encoding, path
            data = unpack(packed.data)
            assert data == plain.data, path
            assert len(packed.data) < len(data)
            if path != "/healthz":
                assert packed.headers["ETag"] != plain.headers["ETag"], "other bytes, other tag"


def test_the_best_packing_that_is_taken_is_chosen(client):
    for path in ("/v1/changes", "/v1/changes?format=csv", "/static/site.css", "/"):
        for taken, chosen in {
            "gzip, deflate, br, zstd": "zstd",
            "gzip, br": "br",
            "gzip": "gzip",
            "gzip;q=0.8, br;q=0.2": "gzip",
            "br;q=0, gzip": "gzip",
            "deflate": None,
            "identity": None,
            "gzip;q=0": None,
            "": None,
        }.items():
            answer = client.get(path, headers={"Accept-Encoding": taken})
            assert answer.headers.get("Content-Encoding") == chosen, (path, taken)


def test_what_was_seen_is_not_sent_again_whatever_it_came_in(client, paths):
    for path in paths:
        for encoding in ["identity", *UNPACK]:
            asked = {"Accept-Encoding": encoding}
            first = client.get(path, headers=asked)
            if first.status_code == 302 or first.headers["Cache-Control"] == "no-store":
                continue
            tag = first.headers["ETag"]
            assert not tag.startswith("W/"), path
            again = client.get(path, headers={**asked, "If-None-Match": tag})
            assert (again.status_code, again.data) == (304, b""), (path, encoding)
            assert again.headers["ETag"] == tag
            assert "Accept-Encoding" in again.headers["Vary"]
            other = client.get(path, headers={**asked, "If-None-Match": '"other"'})
            assert other.status_code == 200, path


def test_head_says_what_get_would(client, paths):
    for path in paths:
        for encoding in ("identity", "gzip"):
            asked = {"Accept-Encoding": encoding}
            got, head = client.get(path, headers=asked), client.head(path, headers=asked)
            assert head.data == b""
            told_apart = {"Date", "Content-Length"}
            assert {k: v for k, v in head.headers if k not in told_apart} == {
                k: v for k, v in got.headers if k not in told_apart
            }, path
            assert head.status_code == got.status_code


def test_no_part_of_a_file_is_sent_as_if_it_were_packed(client):
    part = client.get("/static/site.css", headers={"Range": "bytes=0-9", "Accept-Encoding": "br"})
    assert part.status_code == 200
    assert "Accept-Ranges" not in part.headers
    assert brotli.decompress(part.data) == client.get("/static/site.css").data


MACHINES = ["/v1/", "/v1/x", "/feeds/x", "/feeds/x.atom", "/fr/feeds/x", "/healthz/x"]
PEOPLE = [
    "/x",
    "/fr/x",
    "/static/x",
    "/static/../api.py",
    "/static/%2e%2e/%2e%2e/cli.py",
    "/fr/v1/x",
]


def test_what_is_nowhere_is_told_in_the_shape_of_its_place(client):
    for path in MACHINES[:-1]:
        refused(client.get(path), 404)
    for path in PEOPLE:
        answer = client.get(path)
        assert (answer.status_code, answer.mimetype) == (404, "text/html"), path
        assert answer.headers["Cache-Control"] == "no-store"
        assert 'lang="fr"' in answer.text or not path.startswith("/fr/")


def test_only_reading_is_allowed_anywhere(client, paths):
    for path in paths:
        plain = path.partition("?")[0]
        for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"):
            answer = client.open(plain, method=method)
            assert answer.status_code == 405, (method, path)
            assert "GET" in answer.headers["Allow"]
            if plain.startswith(("/v1", "/feeds", "/fr/feeds", "/healthz", "/openapi")):
                refused(answer, 405)
            else:
                assert answer.mimetype == "text/html"


def test_whatever_is_accepted_something_is_answered(client, paths):
    for path in paths:
        answer = client.get(path, headers={"Accept": "application/xml;q=0.1, x/y, */*;q=0"})
        assert answer.status_code in (200, 302), path


def test_a_fault_below_every_door_has_the_shape_of_its_place(sample_on_sqlite, tmp_path):
    copied = tmp_path / "earwitness.sqlite3"
    copied.write_bytes((sample_on_sqlite.data / "earwitness.sqlite3").read_bytes())
    with served(Settings(data=tmp_path)) as app:
        client = app.test_client()

        @app.before_request
        def fail() -> None:
            raise RuntimeError("a secret of ours")

        for path in ("/v1/changes", "/feeds/changes.atom", "/fr/feeds/health.json"):
            assert "secret" not in str(refused(client.get(path), 500))
        for path in ("/", "/fr/", "/static/site.css"):
            answer = client.get(path)
            assert (answer.status_code, answer.mimetype) == (500, "text/html")
            assert "secret" not in answer.text
