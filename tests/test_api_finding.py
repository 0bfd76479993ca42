"""The API's search, provenance, diffs, versions at a time and exports."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from werkzeug.http import http_date

from api.v1 import answering
from policies import moments
from policies.model import EditKind
from tests.fixtures_api import SPEECH, served, told

JOIN = (
    "Only if you join the improvement programme, a small share of your recordings is listened to"
    " and transcribed by trained Quendrivox employees."
)
SEARCH = "/v1/search?q=recordings"
LISTS = {
    "vendors": "/v1/vendors",
    "pages": "/v1/pages",
    "changes": "/v1/changes",
    "health": "/v1/health",
    "versions": f"/v1/pages/{SPEECH}/versions",
    "passages": SEARCH,
    "edits": f"{SEARCH}&in=changes",
}


def with_limit(path: str, limit: int) -> str:
    return f"{path}{'&' if '?' in path else '?'}limit={limit}"


# --- search and provenance -------------------------------------------------------------


def test_a_passage_is_told_with_its_lifetime_in_the_words_of_a_version(client):
    found = told(client, "/v1/search", q='"small share of" transcribed')["items"]
    (hit,) = [hit for hit in found if hit["text"] == JOIN]
    assert hit["current"] is False
    (seen,) = hit["seen"]
    assert (seen["page_id"], seen["place"]) == (SPEECH, "gone")
    assert seen["first_seen"] == hit["first_seen"] <= seen["last_seen"] < seen["spells"][0]["until"]
    version = told(client, f"/v1/versions/{seen['version_id']}")
    assert version["text"][seen["start"] : seen["end"]] == hit["text"]
    assert version["capture"]["digest"] == seen["capture_digest"]
    marked = [hit["text"][m["start"] : m["end"]] for m in hit["matches"]]
    assert marked == ["small share of", "transcribed"]


def test_who_removed_a_word(client):
    found = told(client, "/v1/search?in=changes&change=removed&q=join")["items"]
    (hit,) = [hit for hit in found if hit["old"]["text"] == JOIN]
    assert [JOIN[m["start"] : m["end"]] for m in hit["removed"]] == ["join"]
    change = told(client, f"/v1/changes/{hit['change_id']}")
    assert change["captured_at"] == hit["captured_at"]
    assert any(edit["spans"] == hit["spans"] for edit in change["edits"])
    other = told(client, "/v1/search?in=changes&change=added&q=join")["items"]
    assert not [hit for hit in other if hit["old"] and hit["old"]["text"] == JOIN]


@pytest.mark.parametrize("path", [SEARCH, f"{SEARCH}&in=changes"])
def test_what_was_found_goes_on_where_it_stopped(client, path):
    whole = told(client, with_limit(path, 200))["items"]
    parts: list[dict] = []
    following = with_limit(path, 2)
    while following:
        answer = client.get(following)
        parts += answer.get_json()["items"]
        link = re.fullmatch(r'<(.+)>; rel="next"', answer.headers.get("Link", ""))
        following = link[1] if link else ""
    assert parts == whole
    assert len(parts) >= 3


def test_a_sentence_tells_what_became_of_it(client):
    (sentence,) = told(client, "/v1/provenance", text=JOIN)["sentences"]
    assert sentence["exact"]
    (trace,) = sentence["traces"]
    reworded = [event for event in trace["events"] if event["kind"] == EditKind.REPLACED]
    assert JOIN in [event["old"]["text"] for event in reworded]
    (near,) = told(client, "/v1/provenance", text=JOIN.replace("small", "tiny"))["sentences"]
    assert not near["exact"]
    assert near["traces"][0]["passage"]["text"] == JOIN


def test_both_databases_answer_with_the_same_bytes(sample_on_sqlite, sample_on_postgresql):
    asked = [*LISTS.values(), f"/v1/provenance?text={quote(JOIN.replace('small', 'tiny'))}"]
    asked += [f"{SEARCH}&topic=human_review&language=en", f"{SEARCH}&vendor=quendrivox"]
    asked += ["/v1/search?q=ameliorer", f"/v1/pages/{SPEECH}/diff?from=2024-12-31"]
    with served(sample_on_sqlite) as one, served(sample_on_postgresql) as two:
        for path in asked:
            first, second = one.test_client().get(path), two.test_client().get(path)
            assert first.status_code == 200, first.text
            assert first.data == second.data, path


# --- refusals --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/v1/search", 400, "q: Field required"),
        ("/v1/search?q=%21%21", 400, "there is no word in this query"),
        (f"/v1/search?q={'x' * 301}", 400, "q: String should have at most 300 characters"),
        ("/v1/search?q=" + "+".join(f"w{n}" for n in range(17)), 400, "at most 16 words"),
        ("/v1/search?q=ab*", 400, "at least 3 letters"),
        ("/v1/search?q=a&change=added", 400, "`change` goes with `in=changes`"),
        ("/v1/search?q=a&in=titles", 400, "in:"),
        ("/v1/search?q=a&place=text", 400, "place"),
        ("/v1/search?q=a&cursor=WyJhIl0", 400, "cursor"),
        ("/v1/search?q=a&cursor=WzkyMjMzNzIwMzY4NTQ3NzU4MDhd", 400, "cursor"),
        ("/v1/search?q=a&vendor=nobody", 404, "no vendor has the id 'nobody'"),
        ("/v1/search?q=a&page=nobody", 404, "no page has the id 'nobody'"),
        ("/v1/pages?vendor=nobody", 404, "no vendor"),
        ("/v1/changes?vendor=nobody", 404, "no vendor"),
        ("/v1/changes?page=nobody", 404, "no page"),
        ("/v1/health?vendor=nobody", 404, "no vendor"),
        ("/v1/changes?format=xml", 400, "format"),
        ("/v1/provenance?text=%21", 400, "no word to trace"),
        ("/v1/provenance?text=" + "x." * 2001, 400, "at most 4000"),
        (f"/v1/pages/{SPEECH}/diff", 400, "from: Field required"),
        (f"/v1/pages/{SPEECH}/diff?from=soon", 400, "expected a date"),
        (f"/v1/pages/{SPEECH}/diff?from=2001-01-01", 404, "was not read before 2001-01-01"),
        (f"/v1/pages/{SPEECH}/diff?from=0123456789abcdef", 404, "no version of"),
        ("/v1/pages/nobody/diff?from=2024-01-01", 404, "no page"),
        ("/v1/pages/nobody/timemap", 404, "no page"),
        ("/v1/pages/nobody/timegate", 404, "no page"),
        ("/v1/timegate?url=https://nowhere.example/", 404, "no page with the address"),
        (f"/v1/pages/{SPEECH}/versions?at=0", 400, "expected a date"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_one_shape(client, path, status, words):
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    assert words in answer.get_json()["detail"]


# --- diffs -----------------------------------------------------------------------------


def days(client: FlaskClient) -> list[str]:
    """The days of a page's versions, oldest first."""
    listed = told(client, f"/v1/pages/{SPEECH}/versions")["items"]
    return sorted(item["captured_at"][:10] for item in listed if item["state"] != "unconfirmed")


def test_any_two_versions_are_compared_by_id_or_date(client):
    listed = told(client, f"/v1/pages/{SPEECH}/versions")["items"][::-1]
    for old in listed[::2]:
        for new in listed[1::2]:
            path = f"/v1/pages/{SPEECH}/diff?from={old['id']}&to={new['id']}"
            found = told(client, path)
            assert (found["before"]["id"], found["after"]["id"]) == (old["id"], new["id"])
            texts = {
                side: told(client, f"/v1/versions/{found[side]['id']}")["text"]
                for side in ("before", "after")
            }
            for edit in found["edits"]:
                for side, text in (("old", texts["before"]), ("new", texts["after"])):
                    if edit[side]:
                        assert text[edit[side]["start"] : edit[side]["end"]] == edit[side]["text"]
    first, last = days(client)[0], days(client)[-1]
    by_date = told(client, f"/v1/pages/{SPEECH}/diff?from={first}&to={last}")
    assert by_date["before"]["captured_at"][:10] == first
    assert by_date["after"]["captured_at"][:10] == last
    assert by_date == told(client, f"/v1/pages/{SPEECH}/diff?from={first}"), "to: now"
    assert by_date["words_added"] > 0


def test_a_diff_that_was_published_is_that_change(client):
    for item in told(client, f"/v1/changes?page={SPEECH}")["items"]:
        found = told(
            client, f"/v1/pages/{SPEECH}/diff?from={item['before_id']}&to={item['after_id']}"
        )
        assert found["change_id"] == item["id"]
        assert found["edits"] == told(client, f"/v1/changes/{item['id']}")["edits"]


def test_a_version_beside_itself_does_not_differ(client):
    last = told(client, f"/v1/pages/{SPEECH}")["version_id"]
    assert told(client, f"/v1/pages/{SPEECH}/diff?from={last}&to={last}")["edits"] == []
    answer = client.get(f"/v1/pages/{SPEECH}/diff?from={last}&to={last}&format=text")
    assert answer.text.endswith("Nothing differs.\n")


def test_a_diff_is_had_as_a_document_and_as_text(client):
    path = f"/v1/pages/{SPEECH}/diff?from={days(client)[0]}"
    document = client.get(path, headers={"Accept": "text/html"})
    assert document.mimetype == "text/html"
    assert "<del>Only if</del>" in document.text
    assert re.search(r"style-src 'sha256-[^']+='", document.headers["Content-Security-Policy"])
    assert not re.search(r"<script|src=|https?://[^<]*\bhref", document.text)
    text = client.get(f"{path}&format=text")
    assert text.mimetype == "text/plain"
    assert "words: -“Only if”" in text.text
    assert document.headers["Vary"].startswith("Accept")


# --- at a time (RFC 7089) --------------------------------------------------------------


def links(text: str) -> list[tuple[str, str, str | None]]:
    """(address, rel, datetime) of a Link header or a link-format document."""
    pattern = r'<([^>]*)>; rel="([^"]*)"(?:; type="[^"]*")?(?:; datetime="([^"]*)")?(?:,\s*|\s*$)'
    found = re.findall(pattern, text)
    assert re.sub(pattern, "", text) == "", "nothing else stands there"
    return [(address, rel, at or None) for address, rel, at in found]


def test_a_timemap_lists_every_believed_version(client):
    believed = [
        item
        for item in told(client, f"/v1/pages/{SPEECH}/versions")["items"]
        if item["state"] in ("baseline", "confirmed", "reread")
    ]
    answer = client.get(f"/v1/pages/{SPEECH}/timemap")
    assert answer.mimetype == "application/link-format"
    listed = links(answer.text)
    mementos = [link for link in listed if "memento" in link[1].split()]
    assert [link[0].rpartition("/")[2] for link in mementos] == [item["id"] for item in believed]
    assert [link[2] for link in mementos] == [
        http_date(moments.since(item["captured_at"])) for item in believed
    ]
    assert mementos[0][1] == "last memento"
    assert mementos[-1][1] == "first memento"
    rels = {rel: address for address, rel, _ in listed}
    assert rels["original"] == told(client, f"/v1/pages/{SPEECH}")["url"]
    assert rels["timegate"].endswith(f"/v1/pages/{SPEECH}/timegate")
    assert client.get(rels["self"]).text == answer.text
    as_json = told(client, f"/v1/pages/{SPEECH}/timemap?format=json")
    assert [m["uri"] for m in as_json["mementos"]["list"]] == [link[0] for link in mementos]
    assert as_json["mementos"]["first"] == as_json["mementos"]["list"][-1]


def test_a_timegate_leads_to_what_was_believed_then(client):
    listed = told(client, f"/v1/pages/{SPEECH}/timemap?format=json")["mementos"]["list"][::-1]
    times = [moments.since(memento["datetime"]) for memento in listed]
    cases: list[tuple[datetime | None, int]] = [
        (None, -1),
        (times[0] - timedelta(days=400), 0),
        (times[-1] + timedelta(days=400), -1),
        *((at, number) for number, at in enumerate(times)),
        *(
            (at - timedelta(seconds=1), number)
            for number, (before, at) in enumerate(pairwise(times))
            if before < at
        ),
    ]
    url = told(client, f"/v1/pages/{SPEECH}")["url"]
    for path in (f"/v1/pages/{SPEECH}/timegate", f"/v1/timegate?url={quote(url)}"):
        for at, wanted in cases:
            asked = {"Accept-Datetime": http_date(at)} if at else {}
            answer = client.get(path, headers=asked)
            assert answer.status_code == 302
            at_of = {memento["uri"]: memento["datetime"] for memento in listed}
            # The same capture may stand there twice, as it was read at first and as it is now.
            assert at_of[answer.headers["Location"]] == listed[wanted]["datetime"]
            assert "Accept-Datetime" in answer.headers["Vary"]
            assert "Memento-Datetime" not in answer.headers
            rels = {rel for _, rel, _ in links(answer.headers["Link"])}
            assert {"original", "timemap"} <= rels


def test_a_version_says_which_time_it_is_of_and_what_is_beside_it(client):
    listed = told(client, f"/v1/pages/{SPEECH}/timemap?format=json")["mementos"]["list"][::-1]
    middle = client.get(listed[1]["uri"])
    assert middle.headers["Memento-Datetime"] == http_date(moments.since(listed[1]["datetime"]))
    beside = {
        name: address
        for address, rel, _ in links(middle.headers["Link"])
        for name in rel.split()
        if name != "memento"
    }
    assert beside["prev"] == listed[0]["uri"] == beside["first"]
    assert beside["next"] == listed[2]["uri"]
    assert beside["last"] == listed[-1]["uri"]
    assert {"original", "timegate", "timemap"} <= set(beside)


def test_a_moment_that_is_none_is_refused(client):
    for wrong in ("soon", "2024-06-25", "Tue, 99 Jun 2024 18:32:00 GMT"):
        answer = client.get(f"/v1/pages/{SPEECH}/timegate", headers={"Accept-Datetime": wrong})
        assert answer.status_code == 400, wrong
        assert "Tue, 25 Jun 2024 18:32:00 GMT" in answer.get_json()["detail"]


def test_the_version_of_a_day(client):
    day = days(client)[1]
    answer = client.get(f"/v1/pages/{SPEECH}/versions?at={day}")
    (item,) = answer.get_json()["items"]
    assert item["captured_at"][:10] == day, "a date means its end"
    assert answer.headers["Memento-Datetime"]
    before = client.get(f"/v1/pages/{SPEECH}/versions?at=2001-01-01")
    assert before.get_json()["items"] == []
    assert "Memento-Datetime" not in before.headers


def test_addresses_name_the_place_where_people_reach_the_site(sample):
    with served(replace(sample, public_url="https://ear.example/base/")) as app:
        answer = app.test_client().get(f"/v1/pages/{SPEECH}/timegate")
        assert answer.headers["Location"].startswith("https://ear.example/base/v1/versions/")


def test_no_host_header_writes_a_link(client):
    answer = client.get(f"/v1/pages/{SPEECH}/timemap", headers={"Host": 'a>; rel="x'})
    assert 'rel="x' not in answer.text


# --- exports ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", LISTS)
def test_a_list_as_lines_is_the_list(client, name):
    path = LISTS[name]
    whole = told(client, with_limit(path, 200))["items"]
    join = "&" if "?" in path else "?"
    answer = client.get(f"{path}{join}format=jsonl")
    assert answer.mimetype == "application/jsonl"
    assert [json.loads(line) for line in answer.text.splitlines()] == whole
    part = client.get(with_limit(f"{path}{join}format=jsonl", 2))
    assert [json.loads(line) for line in part.text.splitlines()] == whole[:2]


@pytest.mark.parametrize("name", LISTS)
def test_a_list_as_a_table_has_its_columns(client, name):
    path = LISTS[name]
    whole = told(client, with_limit(path, 200))["items"]
    answer = client.get(path, headers={"Accept": "text/csv"})
    assert answer.mimetype == "text/csv"
    assert re.fullmatch(r'attachment; filename="\w+\.csv"', answer.headers["Content-Disposition"])
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert len(rows) == len(whole)
    for row, item in zip(rows, whole, strict=True):
        assert list(row) == list(item)
        assert row == {name: answering.cell(value) for name, value in item.items()}


def test_an_export_is_streamed_in_parts_and_has_an_end(app, client, monkeypatch):
    everything = client.get(f"{SEARCH}&format=jsonl").text.splitlines()
    monkeypatch.setattr(answering, "_AT_ONCE", 3)
    assert client.get(f"{SEARCH}&format=jsonl").text.splitlines() == everything
    monkeypatch.setattr(answering, "EXPORTED", 7)
    assert client.get(f"{SEARCH}&format=jsonl").text.splitlines() == everything[:7]
    with app.test_client().get(f"{SEARCH}&format=jsonl") as unread:
        assert unread.is_streamed


def test_an_export_that_was_seen_is_not_sent_again(client):
    first = client.get("/v1/changes?format=csv", buffered=True)
    asked = {"If-None-Match": first.headers["ETag"]}
    again = client.get("/v1/changes?format=csv", headers=asked)
    assert (again.status_code, again.data) == (304, b"")
    other = client.get("/v1/changes?format=jsonl", headers=asked, buffered=True)
    assert other.status_code == 200


@pytest.mark.parametrize(
    "hostile",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "\n@x", ["=1", "b"]],
)
def test_no_cell_is_run_by_a_spreadsheet(hostile):
    assert answering.cell(hostile).startswith("'")


def test_cells_say_what_the_list_says():
    assert answering.cell(None) == ""
    assert answering.cell(True) == "true"
    assert answering.cell(-3) == "-3"
    assert answering.cell(["a", "b"]) == "a; b"
    assert answering.cell("plain = text") == "plain = text"
    assert json.loads(answering.cell({"é": [1]})) == {"é": [1]}


def test_a_refused_export_is_a_problem_and_not_a_broken_table(client):
    answer = client.get("/v1/search?q=%21&format=csv")
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")


@pytest.mark.parametrize(
    "path", [SEARCH, f"/v1/pages/{SPEECH}/timemap", f"/v1/pages/{SPEECH}/diff?from=2026-01-01"]
)
@pytest.mark.parametrize("encoding", ["identity", "gzip", "br", "zstd"])
def test_what_was_seen_before_is_not_sent_again(client, path, encoding):
    first = client.get(path, headers={"Accept-Encoding": encoding})
    assert first.status_code == 200
    asked = {"Accept-Encoding": encoding, "If-None-Match": first.headers["ETag"]}
    again = client.get(path, headers=asked)
    assert (again.status_code, again.data) == (304, b"")
