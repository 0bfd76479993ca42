"""Kept answers: the same as made anew, gone with the next write, given to nobody else."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from api import hosts, keeping
from policies.settings import Settings
from policies.store import open_store
from policies.store.schema import metadata, tracks
from tests.fixtures_api import served
from tests.fixtures_postgres import Postgres
from tests.fixtures_sample import copy

KEPT = ["/v1/bundle.json", "/v1/vendors/quendrivox"]


@pytest.fixture(params=["sqlite", "postgresql"])
def written(
    request: pytest.FixtureRequest, sample_on_sqlite: Settings, tmp_path: Path
) -> Iterator[Settings]:
    """Settings of a copy of the sample store, which a test may write to."""
    if request.param == "sqlite":
        source = sample_on_sqlite.data / "earwitness.sqlite3"
        (tmp_path / "earwitness.sqlite3").write_bytes(source.read_bytes())
        yield replace(sample_on_sqlite, data=tmp_path)
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        with postgres.database() as url:
            copy(sample_on_sqlite.database_url, url)
            yield replace(sample_on_sqlite, database=url)


@pytest.fixture
def app(written: Settings) -> Iterator[Flask]:
    with served(written) as application:
        yield application


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def write(where: Settings, statement: sa.Executable) -> None:
    """What another process writes."""
    store = open_store(where.database_url)
    try:
        with store.engine.execution_options(writes=True).begin() as connection:
            connection.execute(statement)
    finally:
        store.close()


def keeping_of(app: Flask) -> keeping.Keeping:
    outer = app.wsgi_app
    assert isinstance(outer, hosts.Hosts)
    inner = outer._app
    assert isinstance(inner, keeping.Keeping)
    return inner


def asked_of_flask(app: Flask) -> list[str]:
    """The paths that reach the application from now on."""
    paths: list[str] = []
    inner = keeping_of(app)
    flask = inner._app

    def listening(environ, start_response):
        paths.append(environ["PATH_INFO"])
        return flask(environ, start_response)

    inner._app = listening
    return paths


@pytest.mark.parametrize("path", KEPT)
@pytest.mark.parametrize("encoding", ["", "gzip", "br;q=0.5, zstd"])
def test_a_kept_answer_is_the_one_that_was_made(app, client, path, encoding):
    headers = {"Accept-Encoding": encoding}
    made = client.get(path, headers=headers)
    reached = asked_of_flask(app)
    kept = client.get(path, headers=headers)
    assert reached == []
    assert (kept.status, kept.data, list(kept.headers)) == (
        made.status,
        made.data,
        list(made.headers),
    )


@pytest.mark.parametrize("path", KEPT)
def test_whoever_has_a_kept_answer_is_told_so_by_his_own_tag(app, client, path):
    packed = client.get(path, headers={"Accept-Encoding": "gzip"})
    client.get(path)
    reached = asked_of_flask(app)
    again = client.get(path, headers={"If-None-Match": f'"x", {packed.headers["ETag"]}'})
    assert reached == []
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == packed.headers["ETag"]
    assert again.headers["Access-Control-Allow-Origin"] == "*"
    assert again.headers["Vary"] == "Accept-Encoding"
    assert "Content-Type" not in again.headers
    assert client.get(path, headers={"If-None-Match": '"x"'}).status_code == 200


def test_nothing_is_kept_after_a_write(client, written):
    before = client.get("/v1/vendors/quendrivox").get_json()
    client.get("/v1/vendors/quendrivox")
    write(written, sa.text("UPDATE tracks SET last_read_at = last_read_at + 86400000000"))
    after = client.get("/v1/vendors/quendrivox").get_json()
    assert after["as_of"] > before["as_of"]
    assert client.get("/v1/vendors/quendrivox").get_json() == after


def test_a_write_that_nobody_is_shown_costs_no_answer_its_tag(client, written):
    tag = client.get("/v1/bundle.json").headers["ETag"]
    write(written, metadata.tables["heard"].insert().values(rule="newsroom", seq=1))
    assert client.get("/v1/bundle.json").headers["ETag"] == tag


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"query_string": "full=1"}, 400),
        ({"data": b"x" * 20_000}, 413),
        ({"method": "POST"}, 405),
        ({"method": "HEAD"}, 200),
    ],
)
def test_a_kept_answer_is_not_given_to_another_question(client, given, status):
    kept = client.get("/v1/bundle.json")
    other = client.open("/v1/bundle.json", **{"method": "GET", **given})
    assert other.status_code == status
    assert other.data != kept.data


def test_a_kept_answer_names_nobodys_host(client):
    poisoned = client.get("/v1/vendors/quendrivox", headers={"Host": "evil.example"})
    assert "evil.example" not in poisoned.text + str(poisoned.headers)
    assert client.get("/v1/vendors/quendrivox").data == poisoned.data


def test_refusals_and_what_depends_on_more_are_not_kept(app, client):
    for path in ("/v1/vendors/nobody", "/v1/vendors", "/v1/health", "/"):
        client.get(path)
    reached = asked_of_flask(app)
    for path in ("/v1/vendors/nobody", "/v1/vendors", "/v1/health", "/"):
        client.get(path)
    assert len(reached) == 4


def test_what_is_kept_is_bounded(app, client, monkeypatch):
    size = len(client.get("/v1/bundle.json").data)
    monkeypatch.setattr(keeping, "_MOST", int(1.5 * size))
    for word in range(20):
        packed = client.get("/v1/bundle.json", headers={"Accept-Encoding": f"gzip, x{word}"})
        assert gzip.decompress(packed.data)
    client.get("/v1/bundle.json", headers={"Accept-Encoding": "identity"})
    inner = keeping_of(app)
    assert 0 < inner._size <= int(1.5 * size)
    assert inner._size == sum(len(answer.body) for answer in inner._answers.values())


def test_a_watch_tells_every_write_and_nothing_else(written):
    store = open_store(written.database_url)
    try:
        before = store.watch.state()
        with store.engine.connect() as reader:
            reader.execute(tracks.select()).all()
        assert store.watch.state() == before
        write(written, metadata.tables["heard"].insert().values(rule="newsroom", seq=1))
        after = store.watch.state()
        assert after != before
        assert store.watch.state() == after
    finally:
        store.close()


def test_a_watch_that_many_ask_at_once_misses_no_write(written):
    store = open_store(written.database_url)
    seen: list[str] = []
    try:
        with ThreadPoolExecutor(8) as threads:
            for rule in range(10):
                write(written, metadata.tables["heard"].insert().values(rule=f"r{rule}", seq=1))
                states = set(threads.map(lambda _: store.watch.state(), range(40)))
                assert len(states) == 1, "nothing was written meanwhile"
                seen += states
    finally:
        store.close()
    assert len(set(seen)) == 10


def test_a_watch_outlives_its_connection(written):
    store = open_store(written.database_url)
    try:
        store.watch.state()
        store.watch._connection.driver_connection.close()
        assert store.watch.state()
    finally:
        store.close()
