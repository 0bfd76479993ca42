"""Feeds: valid for a reader, with ids that stay, and the diff inside."""

from __future__ import annotations

import json
import re
import uuid
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest
from flask.testing import FlaskClient

from policies.settings import Settings
from tests.fixtures_api import served, told
from tests.test_tracking import DAY, HOUR, A, B, C, watching

__all__ = ["watching"]
NS = {"a": "http://www.w3.org/2005/Atom"}
FEEDS = [
    "/feeds/changes.atom",
    "/feeds/changes.atom?vendor=quendrivox",
    "/feeds/changes.atom?topic=human_review",
    "/feeds/changes.atom?page=quendrivox.speech-privacy.en",
    "/feeds/changes.atom?direction=worse",
    "/fr/feeds/changes.atom?language=en",
    "/feeds/health.atom",
    "/fr/feeds/health.atom",
]


def fetched(client: FlaskClient, path: str) -> bytes:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype in ("application/atom+xml", "application/feed+json")
    return answer.data


def times(element: ET.Element, name: str) -> datetime:
    (found,) = element.findall(f"a:{name}", NS)
    assert found.text is not None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", found.text)
    return datetime.fromisoformat(found.text)


def check_atom(data: bytes) -> list[ET.Element]:
    """The rules of RFC 4287 that concern us; the feed's entries."""
    root = ET.fromstring(data)
    assert root.tag == "{http://www.w3.org/2005/Atom}feed"
    ids = [root.findtext("a:id", None, NS)]
    assert len(root.findall("a:title", NS)) == len(root.findall("a:author", NS)) == 1
    newest = times(root, "updated")
    rels = [link.get("rel") for link in root.findall("a:link", NS)]
    assert rels.count("self") == rels.count("alternate") == 1
    for entry in root.findall("a:entry", NS):
        ids.append(entry.findtext("a:id", None, NS))
        assert len(entry.findall("a:title", NS)) == len(entry.findall("a:content", NS)) == 1
        assert times(entry, "published") <= times(entry, "updated") <= newest
        alternates = [x for x in entry.findall("a:link", NS) if x.get("rel") == "alternate"]
        assert len(alternates) == 1
        content = entry.find("a:content", NS)
        assert content is not None
        assert content.get("type") == "html"
        assert len(content) == 0, "escaped, so no element of a page is one of ours"
    assert len(set(ids)) == len(ids)
    for id_ in ids:
        assert id_ is not None
        assert uuid.UUID(id_.removeprefix("urn:uuid:")).version == 5
    return root.findall("a:entry", NS)


@pytest.mark.parametrize("path", FEEDS)
def test_a_feed_is_valid_for_rules_and_for_a_reader(client, path):
    data = fetched(client, path)
    entries = check_atom(data)
    assert entries
    read = feedparser.parse(data)
    assert not read.bozo
    assert read.version == "atom10"
    assert [e.id for e in read.entries] == [e.findtext("a:id", None, NS) for e in entries]
    assert all(e.content[0].value and e.published_parsed and e.link for e in read.entries)


@pytest.mark.parametrize("path", FEEDS)
def test_a_json_feed_says_the_same(client, path):
    atom = check_atom(fetched(client, path))
    feed = json.loads(fetched(client, path.replace(".atom", ".json")))
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"].startswith("http")
    assert [item["id"] for item in feed["items"]] == [e.findtext("a:id", None, NS) for e in atom]
    for item, entry in zip(feed["items"], atom, strict=True):
        assert item["content_html"] == entry.findtext("a:content", None, NS)
        assert datetime.fromisoformat(item["date_published"]) == times(entry, "published")


def test_the_diff_is_in_the_entry(client):
    items = json.loads(fetched(client, "/feeds/changes.json?topic=human_review&vendor=quendrivox"))[
        "items"
    ]
    entry = next(item for item in items if "<del>Only if</del>" in item["content_html"])
    assert "<ins>Unless</ins>" in entry["content_html"]
    assert "human_review" in entry["tags"]
    change = told(client, entry["attachments"][0]["url"].partition("localhost")[2])
    assert entry["date_published"] == change["confirmed_at"]
    assert client.get(entry["url"].partition("localhost")[2]).status_code == 200
    french = json.loads(fetched(client, "/fr/feeds/changes.json?topic=human_review"))
    assert entry["id"] in {item["id"] for item in french["items"]}
    assert french["language"] == "fr"


def test_a_feed_of_one_direction_holds_what_goes_that_way(client):
    def of(direction: str) -> list[dict[str, Any]]:
        path = f"/feeds/changes.json?direction={direction}&topic=human_review"
        found: list[dict[str, Any]] = json.loads(fetched(client, path))["items"]
        return found

    assert any("<ins>Unless</ins>" in item["content_html"] for item in of("worse"))
    assert not any("<ins>Unless</ins>" in item["content_html"] for item in of("better"))


def test_a_feed_is_asked_for_again_without_being_sent_again(client):
    first = client.get(FEEDS[0])
    again = client.get(FEEDS[0], headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert first.headers["Last-Modified"]
    assert first.headers["Access-Control-Allow-Origin"] == "*"


def test_ids_do_not_depend_on_the_host(sample: Settings) -> None:
    found = []
    for public in ("https://one.example/", "https://two.example"):
        with served(replace(sample, public_url=public)) as application:
            data = fetched(application.test_client(), FEEDS[0])
        root = ET.fromstring(data)
        found.append([element.text for element in root.iter("{http://www.w3.org/2005/Atom}id")])
        assert f'href="{public.rstrip("/")}/changes/'.encode() in data
        assert b"localhost" not in data
    assert found[0] == found[1]


def test_the_parts_of_a_feed_are_the_whole(watching, monkeypatch):
    watch = watching()
    for text in (A, A, B, B, C, C, A, A, B, B):
        watch.see(text, after=100 * DAY)
    monkeypatch.setattr("api.feeds._ENTRIES", 2)
    with served(replace(watch.tracker.settings, database=watch.url)) as application:
        reader = application.test_client()
        path: str | None = "/feeds/changes.atom?vendor=brello"
        ids: list[str | None] = []
        parts = 0
        while path:
            root = ET.fromstring(fetched(reader, path))
            ids += [e.findtext("a:id", None, NS) for e in root.findall("a:entry", NS)]
            follow = [x for x in root.findall("a:link", NS) if x.get("rel") == "next"]
            path = follow[0].attrib["href"].partition("localhost")[2] if follow else None
            parts += 1
    assert parts > 1
    assert len(ids) == len(set(ids)) == len(watch.changes)


def test_hostile_words_stay_words(watching):
    watch = watching()
    watch.see(A)
    evil = "We listen ]]&gt; &lt;script&gt;alert(1)&lt;/script&gt; \u202e &#x1; to what you say."
    for _ in range(2):
        watch.see([*A, evil])
    with served(replace(watch.tracker.settings, database=watch.url)) as application:
        reader = application.test_client()
        data = fetched(reader, "/feeds/changes.atom")
        item = json.loads(fetched(reader, "/feeds/changes.json"))["items"][0]
    check_atom(data)
    assert "<script" not in item["content_html"]
    assert "&lt;script&gt;" in item["content_html"]


def test_health_turns_once_and_not_for_a_single_failure(watching):
    watch = watching()
    blocked: dict[str, Any] = {"what": b"<h1>Are you a human?</h1>"}
    failed: dict[str, Any] = {"status": None, "failure": "timeout: no answer"}
    read: dict[str, Any] = {"what": A}
    story = [read, blocked, blocked, failed, blocked, read, failed, read]
    story += [failed, failed, failed, failed, read, read]
    for chapter in story:
        watch.see(**chapter, after=HOUR)
    with served(replace(watch.tracker.settings, database=watch.url)) as application:
        reader = application.test_client()
        items = json.loads(fetched(reader, "/feeds/health.json?page=brello.voice.en"))["items"]
        none = json.loads(fetched(reader, "/feeds/health.json?vendor=nobody"))["items"]
    assert [item["tags"] for item in reversed(items)] == [
        ["blocked"],
        ["current"],
        ["stale"],
        ["current"],
    ]
    assert none == []


@pytest.mark.parametrize(
    "path",
    [
        "/feeds/changes.atom?topic=weather",
        "/feeds/changes.atom?limit=5",
        "/feeds/health.atom?topic=human_review",
        "/feeds/changes.atom?cursor=x",
        "/feeds/changes.atom?vendor=a&vendor=b",
    ],
)
def test_what_cannot_be_meant_is_refused(client, path):
    answer = client.get(path)
    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"


def test_no_other_forms_are_there(client):
    assert client.get("/feeds/changes.rss").status_code == 404


def test_an_empty_store_has_empty_feeds(tmp_path: Path) -> None:
    with served(Settings(data=tmp_path / "new")) as application:
        for path in FEEDS[:1]:
            data = fetched(application.test_client(), path)
            assert check_atom(data) == []
            assert not feedparser.parse(data).bozo


def test_pages_of_the_site_name_their_feeds(client):
    for page, feed in (
        ("/", "/feeds/changes.atom"),
        ("/fr/", "/fr/feeds/changes.atom"),
        ("/health", "/feeds/health.atom"),
        ("/vendors/quendrivox", "/feeds/changes.atom?vendor=quendrivox"),
        (
            "/pages/quendrivox.speech-privacy.en",
            "/feeds/changes.atom?page=quendrivox.speech-privacy.en",
        ),
    ):
        html = client.get(page).get_data(as_text=True)
        hrefs = re.findall(
            r'<link rel="alternate" type="application/atom\+xml"[^>]*href="([^"]+)"', html
        )
        assert feed in hrefs
        assert client.get(feed).status_code == 200


def test_a_french_feed_is_named_and_told_in_french(client):
    narrowed = "/fr/feeds/changes.json?topic=retention&vendor=quendrivox&direction=worse"
    titled = json.loads(fetched(client, narrowed))["title"]
    assert titled.startswith("Earwitness · Modifications · ")
    assert "Durée de conservation" in titled
    assert "Quendrivox" in titled
    assert "worse" not in titled
    health = json.loads(fetched(client, "/fr/feeds/health.json"))["items"]
    told = next(item["summary"] for item in health if "404" in item["summary"])
    assert "le serveur répond 404" in told
    assert "«\u202f" in told
    assert "“" not in told
