"""The log by way of the API: anybody can hash it again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import quote

from policies.settings import Settings
from policies.store import chain
from tests.fixtures_api import served, told


def test_the_log_can_be_hashed_again_by_anybody(client):
    found, path = [], "/v1/log?limit=200"
    while path:
        answer = told(client, path)
        found += answer["items"]
        path = answer["next"] and f"/v1/log?limit=200&cursor={quote(answer['next'])}"
    previous = chain.NOTHING
    for number, entry in enumerate(found, 1):
        assert (entry["seq"], entry["previous"]) == (number, previous)
        previous = hashlib.sha256(entry["line"].encode()).hexdigest()
        assert entry["hash"] == previous
    assert told(client, "/v1/log/head")["head"] == found[-1]


def test_the_entries_of_one_change_are_found_by_its_id(client):
    change = told(client, "/v1/changes?limit=1")["items"][0]
    (entry,) = told(client, f"/v1/log?id={change['id']}")["items"]
    assert (entry["kind"], entry["id"]) == ("change", change["id"])
    assert told(client, "/v1/log?id=nothing")["items"] == []


def test_a_cursor_of_another_list_is_refused(client):
    cursor = told(client, "/v1/changes?limit=1")["next"]
    assert client.get(f"/v1/log?cursor={cursor}").status_code == 400


def test_a_new_store_has_no_head(tmp_path: Path) -> None:
    with served(Settings(data=tmp_path / "new")) as fresh:
        assert told(fresh.test_client(), "/v1/log/head")["head"] is None
        assert told(fresh.test_client(), "/v1/log")["items"] == []
