"""Vendors beside each other, assistants, policies, captures, and versions that wait."""

from __future__ import annotations

from itertools import pairwise

import pytest
from flask.testing import FlaskClient

from policies.model import Topic
from tests.fixtures_api import SPEECH, refused, told


def in_parts(client: FlaskClient, path: str, limit: int) -> list[dict]:
    found, cursor = [], ""
    while True:
        joint = "&" if "?" in path else "?"
        part = told(client, f"{path}{joint}limit={limit}{cursor}")
        found += part["items"]
        if part["next"] is None:
            return found
        cursor = f"&cursor={part['next']}"


@pytest.mark.parametrize("topic", [topic.value for topic in Topic])
def test_a_topic_is_answered_as_each_vendor_answers_it(client, topic):
    compared = told(client, f"/v1/topics/{topic}")["items"]
    assert [one["vendor_id"] for one in compared] == sorted(
        vendor["id"] for vendor in told(client, "/v1/vendors")["items"]
    )
    for one in compared:
        alone = told(client, f"/v1/vendors/{one['vendor_id']}")["answers"]
        assert one["answer"] in alone


def test_a_topic_at_a_date_is_the_ledger_of_then(client):
    compared = told(client, "/v1/topics/human_review?at=2024-11-01")["items"]
    for one in compared:
        path = f"/v1/vendors/{one['vendor_id']}/ledger?topic=human_review&at=2024-11-01"
        (then,) = told(client, path)["answers"]
        assert one["answer"]["stance"] == then["stance"]
        assert one["answer"]["standing"] == then["standing"]
    by_vendor = {one["vendor_id"]: one["answer"]["stance"] for one in compared}
    now = told(client, "/v1/topics/human_review")["items"]
    assert by_vendor["quendrivox"] == "opt_in"
    assert {one["vendor_id"]: one["answer"]["stance"] for one in now}["quendrivox"] == "opt_out"


def test_each_assistant_of_each_vendor_has_an_answer(client):
    declared = {
        (vendor["id"], assistant["id"])
        for vendor in told(client, "/v1/vendors")["items"]
        for assistant in vendor["assistants"]
    }
    found = told(client, "/v1/assistants")["items"]
    assert {(one["vendor_id"], one["id"]) for one in found} == declared
    assert all(one["human_review"]["summary"]["fr"] for one in found)
    only = told(client, "/v1/assistants?vendor=quendrivox")["items"]
    assert {one["vendor_id"] for one in only} == {"quendrivox"}


def test_each_page_belongs_to_one_policy(client):
    policies = told(client, "/v1/policies")["items"]
    listed = [page_id for policy in policies for page_id in policy["page_ids"]]
    assert sorted(listed) == [page["id"] for page in told(client, "/v1/pages")["items"]]
    (speech,) = [one for one in policies if SPEECH in one["page_ids"]]
    assert speech["languages"] == ["en", "fr"]


def test_captures_tell_what_came_and_which_version_it_was(client):
    captures = told(client, f"/v1/pages/{SPEECH}/captures")["items"]
    assert all(a["captured_at"] >= b["captured_at"] for a, b in pairwise(captures))
    assert {"changed", "unchanged", "blocked"} <= {one["outcome"] for one in captures}
    for one in captures:
        assert one == told(client, f"/v1/captures/{one['id']}")
        assert one["reasons"]
        if one["outcome"] == "blocked":
            assert one["version_id"] is None
        if one["outcome"] == "changed":
            version = told(client, f"/v1/versions/{one['version_id']}")
            assert version["capture"]["id"] == one["id"]
            assert version["capture"]["digest"] == one["digest"]


def test_captures_are_filtered(client):
    blocked = told(client, f"/v1/pages/{SPEECH}/captures?outcome=blocked")["items"]
    assert {one["outcome"] for one in blocked} == {"blocked"}
    day = blocked[0]["captured_at"][:10]
    then = told(client, f"/v1/pages/{SPEECH}/captures?since={day}&until={day}")["items"]
    assert {one["captured_at"][:10] for one in then} == {day}


def test_versions_of_all_pages_by_their_state(client):
    everything = in_parts(client, "/v1/versions", 7)
    assert len({one["id"] for one in everything}) == len(everything)
    assert all(a["captured_at"] >= b["captured_at"] for a, b in pairwise(everything))
    for state in {one["state"] for one in everything}:
        alike = in_parts(client, f"/v1/versions?state={state}", 200)
        assert alike == [one for one in everything if one["state"] == state]
    french = in_parts(client, "/v1/versions?language=fr&vendor=quendrivox", 200)
    assert {one["page_id"] for one in french} == {"quendrivox.speech-privacy.fr"}


@pytest.mark.parametrize(
    "path",
    ["/v1/topics/human_review", "/v1/assistants", "/v1/policies", f"/v1/pages/{SPEECH}/captures"],
)
def test_lists_in_parts_and_as_tables_are_the_whole_lists(client, path):
    whole = told(client, f"{path}?limit=200")["items"]
    assert in_parts(client, path, 2) == whole
    table = client.get(f"{path}?format=csv").text
    assert len(table.splitlines()) >= len(whole) + 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/topics/weather", 404),
        ("/v1/topics/human_review?at=then", 400),
        ("/v1/assistants?vendor=nobody", 404),
        ("/v1/policies?language=english", 400),
        ("/v1/pages/no.such.page/captures", 404),
        (f"/v1/pages/{SPEECH}/captures?outcome=lost", 400),
        ("/v1/captures/0123456789abcdef", 404),
        ("/v1/versions?state=lost", 400),
        ("/v1/versions?vendor=nobody", 404),
    ],
)
def test_what_cannot_be_answered_is_refused_in_one_shape(client, path, status):
    refused(client.get(path), status)
