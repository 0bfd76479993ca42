"""The API: what it answers, how it refuses, and that it can be checked."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import re
import socket
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
import schemathesis
from click.testing import CliRunner
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api import cli, create_app, cursors
from policies import moments
from policies.errors import BadInput, BadStore
from policies.model import Topic
from policies.settings import Settings
from policies.store import open_store
from policies.store.queries.rows import Position
from tests.fixtures_api import SPEECH, refused, serve, served, told

LISTS = ["/v1/vendors", "/v1/pages", "/v1/changes", "/v1/health", f"/v1/pages/{SPEECH}/versions"]


def newest(client: FlaskClient, topic: str = "human_review") -> dict:
    found = told(client, f"/v1/changes?topic={topic}&page={SPEECH}")["items"]
    return told(client, f"/v1/changes/{found[0]['id']}")


# --- what is known ---------------------------------------------------------------------


def test_every_vendor_says_something_or_is_silent_as_of_a_date(client):
    for vendor in told(client, "/v1/vendors")["items"]:
        answer = vendor["human_review"]
        assert answer["as_of"] is not None
        assert answer["summary"]["en"]
        assert answer["summary"]["fr"]
        assert bool(answer["quotes"]) == (answer["standing"] == "stated")


def test_a_vendor_is_told_with_answers_controls_pages_and_changes(client):
    vendor = told(client, "/v1/vendors/quendrivox")
    assert [answer["topic"] for answer in vendor["answers"]] == [topic.value for topic in Topic]
    assert vendor["controls"][0]["url"].startswith("http")
    assert {page["id"] for page in vendor["pages"]} >= {SPEECH}
    assert vendor["changes"]
    assert vendor["sites"]


def test_every_quote_is_a_slice_of_the_version_that_it_names(client):
    texts: dict[str, dict] = {}
    quotes = [
        quote
        for vendor in told(client, "/v1/vendors")["items"]
        for answer in told(client, f"/v1/vendors/{vendor['id']}")["answers"]
        for quote in answer["quotes"]
    ]
    assert len(quotes) > 10
    for quote in quotes:
        version_id = quote["version_id"]
        if version_id not in texts:
            texts[version_id] = told(client, f"/v1/versions/{version_id}")
        version = texts[version_id]
        assert version["text"][quote["start"] : quote["end"]] == quote["text"]
        assert version["text_digest"] == quote["text_digest"]
        assert version["capture"]["digest"] == quote["capture_digest"]
        text = f"{version['language']}\n{version['text']}"
        assert version["text_digest"] == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def test_a_change_rebuilds_its_words_from_spans(client):
    found = told(client, f"/v1/changes?page={SPEECH}")["items"]
    reworded = [
        edit
        for item in found
        for edit in told(client, f"/v1/changes/{item['id']}")["edits"]
        if edit["kind"] == "replaced"
    ]
    assert reworded
    for edit in reworded:
        old = "".join(edit["old"]["text"][s["old_start"] : s["old_end"]] for s in edit["spans"])
        new = "".join(edit["new"]["text"][s["new_start"] : s["new_end"]] for s in edit["spans"])
        assert (old, new) == (edit["old"]["text"], edit["new"]["text"])


def test_a_change_names_its_versions_and_its_neighbours(client):
    change = newest(client)
    assert change["before"]["capture"]["digest"].startswith("sha256:")
    assert change["after"]["id"] == change["after_id"]
    assert change["next_id"] is None
    before = told(client, f"/v1/changes/{change['previous_id']}")
    assert before["next_id"] == change["id"]
    assert told(client, f"/v1/versions/{change['after_id']}")["change_id"] == change["id"]


def test_health_says_which_pages_cannot_be_looked_at(client):
    report = told(client, "/v1/health?health=gone")
    assert {item["page_id"] for item in report["items"]} == {
        "pellifrane.memory-help.fr",
        "tavelunne.voice-faq.en",
    }
    assert report["counts"]["gone"] == 2
    assert sum(report["counts"].values()) == len(told(client, "/v1/pages")["items"])


@pytest.mark.parametrize("path", LISTS)
def test_a_list_in_parts_is_the_whole_list(client, path):
    whole = told(client, path)["items"]
    parts: list[dict] = []
    following = f"{path}?limit=2"
    while following:
        answer = client.get(following)
        body = answer.get_json()
        parts += body["items"]
        link = re.fullmatch(r'<(.+)>; rel="next"', answer.headers.get("Link", ""))
        following = link[1] if link else ""
        assert bool(link) == (body["next"] is not None)
    assert parts == whole


def test_changes_are_filtered(client):
    everything = told(client, "/v1/changes")["items"]
    day = everything[-3]["captured_at"][:10]
    until = told(client, f"/v1/changes?until={day}")["items"]
    assert until == [c for c in everything if c["captured_at"][:10] <= day], "a date is whole"
    since = told(client, f"/v1/changes?since={day}&language=en&vendor=quendrivox")["items"]
    assert since == [
        c
        for c in everything
        if c["captured_at"][:10] >= day and c["language"] == "en" and c["vendor_id"] == "quendrivox"
    ]


# --- the bundle ------------------------------------------------------------------------


def test_the_bundle_is_the_same_bytes_for_everyone(app, sample):
    first = app.test_client().get("/v1/bundle.json")
    with served(sample) as other:
        second = other.test_client().get("/v1/bundle.json", headers={"Accept-Language": "fr"})
    assert first.data == second.data
    assert first.headers["ETag"] == second.headers["ETag"]
    assert "Set-Cookie" not in first.headers


def test_the_bundle_is_the_same_on_both_databases(sample_on_sqlite, sample_on_postgresql):
    with served(sample_on_sqlite) as one, served(sample_on_postgresql) as two:
        assert one.test_client().get("/v1/bundle.json").data == (
            two.test_client().get("/v1/bundle.json").data
        )


def test_the_bundle_holds_what_a_popup_shows(client):
    bundle = told(client, "/v1/bundle.json")
    assert bundle["schema_version"] == 1
    vendors = {vendor["id"]: vendor for vendor in bundle["vendors"]}
    speech = vendors["quendrivox"]
    listening = speech["answers"]["human_review"]
    assert listening["standing"] == "stated"
    for name in listening["quotes"]:
        assert speech["quotes"][name]["text"]
        assert speech["quotes"][name]["capture_digest"].startswith("sha256:")
    marked = {page["id"]: {p["id"] for p in page["passages"]} for page in speech["pages"]}
    for quote in speech["quotes"].values():
        assert quote["passage_id"] in marked[quote["page_id"]]
    assert speech["changes"][0]["words_added"] > 0
    assert speech["sites"][0]["host"]


def test_every_sentence_of_the_bundle_names_quotes_that_are_in_it(client):
    bundle = told(client, "/v1/bundle.json")
    for vendor in bundle["vendors"]:
        words = {**vendor["quotes"], **vendor["past_quotes"]}
        own = [a["human_review"] for a in vendor["assistants"] if a["human_review"]]
        for answer in [*vendor["answers"].values(), *own]:
            for lang in bundle["languages"]:
                told_of = [answer["badge"][lang], *answer["popup"][lang]]
                assert len(told_of) <= 4
                assert {name for one in told_of for name in one["quotes"]} <= set(words)
                if answer["standing"] == "stated":
                    assert all(one["quotes"] for one in told_of[:2])
            named = [period["quotes"] for period in answer["before"]]
            named += [[gone["quote"]] for gone in answer["gone"]]
            assert {name for names in named for name in names} <= set(words)
    assert set(bundle["directions"]) == {"better", "worse", "says_more", "says_less", "unclear"}


# --- the ledger and directions ---------------------------------------------------------


def test_a_ledger_tells_what_was_said_before_with_its_words(client):
    (listening,) = told(client, "/v1/vendors/quendrivox/ledger?topic=human_review")["answers"]
    assert listening["stance"] == "opt_out"
    (before,) = listening["periods"]
    assert (before["stance"], before["until"]) == ("opt_in", listening["since"])
    assert {quote["stance"] for quote in before["quotes"]} >= {"opt_in"}
    names = {f"{q['version_id']}.{q['position']}" for q in listening["quotes"]}
    assert set(listening["badge"]["en"]["quotes"]) <= names
    assert any("In its words" in one["text"] for one in listening["paragraph"]["en"])
    for quote in [*listening["quotes"], *before["quotes"]]:
        version = told(client, f"/v1/versions/{quote['version_id']}")
        assert version["text"][quote["start"] : quote["end"]] == quote["text"]
        assert version["capture"]["digest"] == quote["capture_digest"]
        assert quote["since"] <= version["last_seen"]


def test_a_ledger_as_of_a_date_is_the_answer_of_then(client):
    path = "/v1/vendors/quendrivox/ledger?topic=human_review&at="
    (then,) = told(client, f"{path}2024-10-01")["answers"]
    assert then["stance"] == "opt_in"
    assert then["as_of"] < "2024-10-02"
    (never,) = told(client, f"{path}2001-01-01")["answers"]
    assert never["standing"] == "not_read"
    assert never["pages_unread"] > 0


def test_a_ledger_refuses_what_it_does_not_know(client):
    assert client.get("/v1/vendors/nobody/ledger").status_code == 404
    assert client.get("/v1/vendors/quendrivox/ledger?at=soon").status_code == 400
    assert client.get("/v1/vendors/quendrivox/ledger?topic=weather").status_code == 400


def test_changes_by_the_way_they_go(client):
    worse = told(client, "/v1/changes?direction=worse&topic=human_review")["items"]
    assert worse
    assert all(change["directions"]["human_review"] == "worse" for change in worse)
    change = told(client, f"/v1/changes/{worse[0]['id']}")
    (first, *_) = [f for f in change["findings"] if f["topic"] == "human_review"]
    assert first["rule"] == "opt-in-to-opt-out"
    texts = {
        side: told(client, f"/v1/versions/{change[side]['id']}")["text"]
        for side in ("before", "after")
    }
    assert first["old"] in texts["before"]
    assert first["new"] in texts["after"]
    assert "worse for you" in " ".join(change["summary"]["en"])
    assert client.get("/v1/changes?direction=up").status_code == 400


# --- caching and reading from elsewhere ------------------------------------------------


@pytest.mark.parametrize("path", [*LISTS, "/v1/bundle.json", "/openapi.json", "/"])
@pytest.mark.parametrize("encoding", ["identity", "gzip", "br", "zstd"])
def test_what_was_seen_before_is_not_sent_again(client, path, encoding):
    asked = {"Accept-Encoding": encoding}
    first = client.get(path, headers=asked)
    tag = first.headers["ETag"]
    assert not tag.startswith("W/")
    assert "max-age" in first.headers["Cache-Control"]
    again = client.get(path, headers={**asked, "If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == tag
    assert client.get(path, headers={**asked, "If-None-Match": '"other"'}).status_code == 200


def test_answers_are_compressed_for_those_who_take_it(client):
    plain = client.get("/v1/bundle.json")
    packed = client.get("/v1/bundle.json", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["ETag"] != plain.headers["ETag"], "other bytes, other tag"
    assert packed.headers["Vary"] == "Accept-Encoding"


def write(database: Path, statement: str) -> None:
    with contextlib.closing(open_store(f"sqlite:///{database}")) as store:
        writer = store.engine.execution_options(writes=True)
        with writer.begin() as connection:
            connection.exec_driver_sql(statement)


def test_a_new_capture_is_another_answer(sample_on_sqlite, tmp_path):
    copied = tmp_path / "earwitness.sqlite3"
    copied.write_bytes((sample_on_sqlite.data / "earwitness.sqlite3").read_bytes())
    with served(Settings(data=tmp_path)) as app:
        client = app.test_client()
        before = client.get("/v1/bundle.json").headers["ETag"]
        assert client.get("/v1/bundle.json").headers["ETag"] == before
        write(copied, "UPDATE tracks SET last_capture_at = last_capture_at + 1000000")
        assert client.get("/v1/bundle.json").headers["ETag"] != before


def test_head_says_what_get_would(client):
    got, head = client.get("/v1/vendors"), client.head("/v1/vendors")
    assert head.data == b""
    assert head.headers["ETag"] == got.headers["ETag"]
    assert head.headers["Content-Length"] == str(len(got.data))


def test_scripts_of_any_site_may_read(client):
    answer = client.get("/v1/vendors", headers={"Origin": "https://news.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    asked = {
        "Origin": "https://news.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "if-none-match",
    }
    leave = client.options("/v1/vendors", headers=asked)
    assert leave.status_code == 204
    assert "If-None-Match" in leave.headers["Access-Control-Allow-Headers"]
    assert client.get("/v1/nothing").headers["Access-Control-Allow-Origin"] == "*"


# --- refusals --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/v1/changes?bogus=1", 400, "there is no such parameter"),
        ("/v1/changes?since=0", 400, "expected a date like 2024-06-25"),
        ("/v1/changes?since=2024-02-30", 400, "not in the calendar"),
        ("/v1/changes?since=2024-02-01T10:00", 400, "expected a date like"),
        ("/v1/changes?topic=weather", 400, "topic"),
        ("/v1/changes?language=english", 400, "language"),
        ("/v1/changes?limit=0", 400, "limit"),
        ("/v1/changes?limit=201", 400, "limit"),
        ("/v1/changes?limit=ten", 400, "whole number"),
        ("/v1/changes?limit=1&limit=2", 400, "more than once"),
        ("/v1/changes?cursor=!!!", 400, "cursor"),
        ("/v1/vendors?cursor=WzEsMl0", 400, "cursor"),
        ("/v1/changes?vendor=a%00b", 400, "NUL"),
        ("/v1/vendors/nobody", 404, "no vendor has the id 'nobody'"),
        ("/v1/vendors/quendrivox?full=1", 400, "takes no parameter"),
        ("/v1/pages/nobody", 404, "no page"),
        ("/v1/pages/nobody/versions", 404, "no page"),
        ("/v1/versions/0123", 404, "no version"),
        ("/v1/changes/0123", 404, "no change"),
        ("/v1/nothing", 404, ""),
        ("/v1/", 404, ""),
        ("/v1", 404, ""),
        ("/healthz?x=1", 400, "takes no parameter"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_in_one_shape(client, path, status, words):
    assert words in refused(client.get(path), status)["detail"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_written(client, method):
    answer = client.open("/v1/vendors", method=method)
    refused(answer, 405)
    assert "GET" in answer.headers["Allow"]


def test_a_body_that_nobody_asked_for_is_refused_unread(client):
    refused(client.open("/v1/vendors", method="GET", data=b"x" * 100_000), 413)


def test_a_fault_of_ours_is_told_without_its_insides(sample_on_sqlite, tmp_path):
    copied = tmp_path / "earwitness.sqlite3"
    copied.write_bytes((sample_on_sqlite.data / "earwitness.sqlite3").read_bytes())
    with served(Settings(data=tmp_path)) as app:
        write(copied, "DROP TABLE change_topics")
        body = refused(app.test_client().get("/v1/changes?topic=human_review"), 500)
        assert body["detail"] == "Something went wrong on this server."


def test_cursors_are_round_trips_and_nothing_else(client):
    at = Position(told_at(client), "0123456789abcdef")
    assert cursors.position(cursors.of_position(at)) == at
    assert cursors.row_id(cursors.of_id("tést")) == "tést"
    for wrong in ["", "a", "e30", "bnVsbA", "WzFd", "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OTksImEiXQ"]:
        with pytest.raises(BadInput):
            cursors.position(wrong)


def told_at(client: FlaskClient) -> datetime:
    return moments.since(told(client, "/v1/changes")["items"][0]["captured_at"])


# --- the document and the server -------------------------------------------------------


def test_the_document_describes_every_path_and_is_openapi_3_1(app, client):
    document = told(client, "/openapi.json")
    assert document["openapi"].startswith("3.1")
    paths = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/v1") or rule.rule == "/healthz"
    }
    assert set(document["paths"]) == paths
    for path in document["paths"].values():
        for operation in path.values():
            assert operation["operationId"]
            assert "application/problem+json" in operation["responses"]["default"]["content"]


CASES = int(os.environ.get("EARWITNESS_CASES", "60"))  # of each operation, on each database


@pytest.mark.slow
def test_thousands_of_questions_get_what_the_document_says(app):
    document = schemathesis.openapi.from_wsgi("/openapi.json", app)
    asked: Counter[int] = Counter()
    change = told(app.test_client(), f"/v1/changes?page={SPEECH}")["items"][0]
    real = {
        "vendor_id": "quendrivox",
        "page_id": SPEECH,
        "version_id": change["after_id"],
        "change_id": change["id"],
        "event_id": change["event_id"],
        "id": change["id"],
        "vendor": "quendrivox",
        "page": SPEECH,
        "from": change["before_id"],
        "to": change["captured_at"],
        "url": change["page_url"],
    }

    for found in document.get_all_operations():
        assert isinstance(found, Ok), found

        @settings(max_examples=CASES, suppress_health_check=list(HealthCheck), database=None)
        @given(
            case=st.one_of(
                found.ok().as_strategy(),
                found.ok().as_strategy(generation_mode=GenerationMode.NEGATIVE),
            ),
            about=st.sets(st.sampled_from(sorted(real))),
        )
        def ask(case: schemathesis.Case, about: set[str]) -> None:
            # Some of the questions are about what is there: chance finds no id.
            for given_ in (case.path_parameters, case.query):
                given_.update({name: real[name] for name in about & given_.keys()})
            # schemathesis does not unpack what a WSGI application packs
            answer = case.call_and_validate(
                headers={"Accept-Encoding": "identity"},
                # no schema tells which cursors were given out, nor which days a month has
                excluded_checks=[positive_data_acceptance],
            )
            asked[answer.status_code] += 1

        ask()
    print(f"{asked.total()} questions, by status: {dict(sorted(asked.items()))}")
    assert asked.total() > CASES * 15
    assert max(asked) < 500
    assert asked[200] > CASES * 4


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[FlaskClient]:
    with served(Settings(data=tmp_path / "fresh")) as app:
        yield app.test_client()


def test_a_missing_store_is_made_and_answers_with_nothing(empty):
    for path in LISTS[:4]:
        assert told(empty, path)["items"] == []
    assert told(empty, "/healthz") == {
        "status": "ok",
        "version": told(empty, "/healthz")["version"],
        "as_of": None,
    }
    assert told(empty, "/v1/bundle.json")["vendors"] == []


def test_serve_answers_until_it_is_stopped(tmp_path):
    process = serve(tmp_path, "--port", "0", "--workers", "2")
    assert process.stdout is not None
    address = re.search(r"http://\S+", process.stdout.readline())
    assert address is not None
    for _ in range(100):
        try:
            with urllib.request.urlopen(f"{address[0]}/healthz", timeout=5) as answer:
                assert json.load(answer)["status"] == "ok"
                break
        except OSError:
            time.sleep(0.05)
    process.terminate()
    _, trouble = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in trouble


def test_a_port_that_is_taken_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("EARWITNESS_DATA", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as other:
        result = CliRunner().invoke(cli.serve, ["--port", str(other.getsockname()[1])])
    assert isinstance(result.exception, BadInput)
    assert "--port takes another one" in str(result.exception)


def test_a_store_out_of_reach_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(BadStore, match="folder"):
        create_app(replace(Settings(), data=tmp_path / "file" / "data"))
