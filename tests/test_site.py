"""The site: every page in both languages, hostile texts shown as text, nothing from elsewhere."""

from __future__ import annotations

import contextlib
import html
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from api import create_app
from policies import moments, summary
from policies.model import (
    Assistant,
    Capture,
    Control,
    ControlKind,
    Page,
    Policy,
    PolicyKind,
    Scope,
    Vendor,
)
from policies.settings import Settings
from policies.tracking import open_tracker

pytest_plugins = ["tests.fixtures_sample"]

SPEECH = "quendrivox.speech-privacy.en"
CHROMIUM = Path("/usr/lib/chromium/chromium")
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"&{{7*7}}"


_FOR_PROGRAMS = ("/v1/", "/openapi", "/static", "/feeds/", "/fr/feeds/")


class Reader(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def every(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@contextlib.contextmanager
def served(where: Settings) -> Iterator[Flask]:
    app = create_app(where)
    yield app
    app.extensions["earwitness"].store.close()


@pytest.fixture(scope="module")
def app(sample: Settings) -> Iterator[Flask]:
    with served(sample) as application:
        yield application


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def page(client: FlaskClient, path: str) -> Reader:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return Reader(answer.text)


def walk(client: FlaskClient, start: str) -> dict[str, Reader]:
    """Every page of the site that can be reached, by address."""
    found: dict[str, Reader] = {}
    todo = [start]
    while todo:
        path = todo.pop()
        if path in found or path.startswith(_FOR_PROGRAMS):
            continue
        found[path] = page(client, path)
        for link in found[path].every("a"):
            address = urlsplit(link["href"] or "")
            # Filters combine to hundreds of addresses of the same two pages.
            combined = address.path.endswith(("/changes/", "/events/")) and "&" in address.query
            if not address.scheme and address.path and not combined:
                todo.append(address.path + (f"?{address.query}" if address.query else ""))
    return found


@pytest.fixture(scope="module")
def site(app: Flask) -> dict[str, Reader]:
    return walk(app.test_client(), "/")


def test_every_link_leads_somewhere_in_both_languages(site):
    kinds = {path.split("?")[0].removeprefix("/fr").split("/")[1] for path in site}
    assert kinds == {
        *("", "about", "changes", "events", "health", "pages", "provenance", "search"),
        *("topics", "vendors", "versions"),
    }
    assert len([p for p in site if p.startswith("/fr/")]) == len(site) / 2


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(site):
    for path, shown in site.items():
        names = {tag for tag, _ in shown.tags}
        assert not names & {"script", "iframe", "object", "embed", "style"}, path
        for tag, attributes in shown.tags:
            assert not [name for name in attributes if name.startswith("on")], (path, tag)
            assert "style" not in attributes, (path, tag)
            assert not (attributes.get("src") or "").startswith(("http", "//")), (path, tag)
        for link in shown.every("link"):
            assert not (link["href"] or "").startswith(("http", "//")), path


def test_links_that_lead_away_tell_nothing(site):
    away = [
        link
        for shown in site.values()
        for link in shown.every("a")
        if urlsplit(link["href"] or "").scheme
    ]
    assert away
    assert {link.get("rel") for link in away} == {"noopener nofollow noreferrer"}


def test_every_page_names_its_language_and_its_twin(site):
    for path, shown in site.items():
        lang = "fr" if path == "/fr/" or path.startswith("/fr/") else "en"
        assert shown.every("html")[0]["lang"] == lang
        twins = {link["hreflang"] for link in shown.every("link") if "hreflang" in link}
        assert twins == {"en", "fr"}
        assert len(shown.every("h1")) == 1, path
        assert len(shown.every("main")) == 1, path


def test_the_front_page_tells_who_lets_people_listen_since_when_and_as_of(client):
    shown = page(client, "/")
    assert "Who lets people listen to what you say?" in shown.text
    told = client.get("/v1/vendors").get_json()
    as_of = moments.since(told["as_of"])
    assert summary.day(as_of, "en") in shown.text
    for vendor in told["items"]:
        assert vendor["name"] in shown.text
        for quote in vendor["human_review"]["quotes"]:
            # One in the reader's language goes before the one that the list begins with.
            assert quote["text"] in shown.text or quote["language"] != "en"
    french = page(client, "/fr/")
    assert "Qui laisse des personnes écouter" in french.text
    assert summary.day(as_of, "fr") in french.text


def test_a_vendor_shows_its_words_with_date_and_source(client):
    shown = page(client, "/vendors/quendrivox")
    assert "Unless you leave the improvement programme, a small share of your" in shown.text
    assert "in the version of" in shown.text
    assert "Leave the improvement programme" in shown.text, "where to say no"
    quoted = shown.every("blockquote")[0]
    assert quoted["lang"] == "en"
    assert (quoted["cite"] or "").startswith("http://www.quendrivox.example/")


def test_a_change_marks_only_the_changed_words(client):
    changes = client.get(f"/v1/changes?page={SPEECH}&topic=choice").get_json()["items"]
    text = client.get(f"/changes/{changes[-1]['id']}").text
    assert "<del>join</del><ins>leave</ins> the improvement programme" in text
    assert "unchanged passages</summary>" in text
    assert changes[-1]["summary"]["en"][0] in Reader(text).text


def test_a_version_can_be_pointed_into(client):
    quote = client.get("/v1/vendors/quendrivox").get_json()["answers"][0]["quotes"][0]
    shown = page(client, f"/versions/{quote['version_id']}")
    assert f"p{quote['position']}" in {p.get("id") for p in shown.every("p")}
    assert shown.every("mark")


def test_a_page_that_is_gone_says_so(client):
    shown = page(client, "/pages/tavelunne.voice-faq.en")
    assert "Gone" in shown.text
    assert "the server says 404" in shown.text
    assert "Disparue" in page(client, "/fr/pages/tavelunne.voice-faq.en").text


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/nothing", 404, "There is nothing at this address"),
        ("/fr/nothing", 404, "Il n’y a rien à cette adresse"),
        ("/vendors/nobody", 404, "There is nothing at this address"),
        ("/vendors/a%00b", 400, "NUL"),
        ("/changes/?cursor=xyz", 400, "cursor"),
        ("/changes/?topic=weather", 400, "topic: Input should be"),
        ("/changes/?vendor=nobody", 404, "There is nothing at this address"),
    ],
)
def test_a_wrong_address_gets_a_page_that_says_so(client, path, status, words):
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    assert words in Reader(answer.text).text
    assert answer.headers["Content-Security-Policy"]


def test_the_headers_forbid_what_a_policy_text_could_try(client):
    for path in ("/", "/static/site.css", "/nothing"):
        with client.get(path) as answer:
            headers = answer.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Set-Cookie" not in headers


def test_files_are_kept_as_long_as_they_are_the_same(client):
    address = next(
        link["href"] for link in page(client, "/").every("link") if link["rel"] == "stylesheet"
    )
    assert address is not None
    with client.get(address) as answer:
        assert "immutable" in answer.headers["Cache-Control"]


def test_an_empty_store_is_an_empty_state_and_no_error(tmp_path):
    with served(Settings(data=tmp_path)) as app:
        for prefix in ("", "/fr"):
            for path in ("/", "/changes/", "/health"):
                page(app.test_client(), prefix + path)
        assert "Nothing has been read yet" in page(app.test_client(), "/").text


# --- hostile texts ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """The site of a vendor that puts markup wherever words stand."""
    where = Settings(data=tmp_path_factory.mktemp("hostile"))
    web = Page(
        "evil.notice.en", "evil", "evil.notice", "en", None, "javascript:alert(3)", Scope.ASSISTANT
    )
    policy = Policy("evil.notice", "evil", PolicyKind.NOTICE, EVIL, Scope.ASSISTANT, (), (web,))
    control = Control(
        "c", ControlKind.OPT_OUT, (), {"en": EVIL}, "javascript:alert(4)", {"en": (EVIL,)}
    )
    vendor = Vendor("evil", EVIL, (Assistant("a", EVIL),), (), (control,), (policy,))
    old = "We keep your voice recordings for three months. Other words."
    new = f"Our employees listen to your voice recordings {EVIL} unless you opt out. Other words."
    with contextlib.closing(open_tracker(where)) as tracker:
        tracker.register_undeclared(vendor)
        for day, words in ((1, old), (2, new), (3, new)):
            body = (
                f"<html lang=en><title>Notice</title><main><h1>{html.escape(EVIL)}</h1>"
                f"<p>{html.escape(words)}</p><p>{'Many more words stand here. ' * 30}</p></main>"
            )
            at = datetime(2026, 1, day, tzinfo=UTC)
            headers = (("content-type", "text/html; charset=utf-8"),)
            tracker.observe(
                web,
                Capture(web.id, "crawl", at, web.url, web.url, 200, headers, body=body.encode()),
            )
    with served(where) as app:
        yield app.test_client()


def test_markup_in_texts_and_names_is_text_everywhere(hostile):
    found = walk(hostile, "/")
    assert any(path.startswith("/changes/") and len(path) > 10 for path in found)
    for path, shown in found.items():
        assert not {tag for tag, _ in shown.tags} & {"script", "img"}, path
        for link in shown.every("a"):
            assert not (link["href"] or "").startswith("javascript"), path
        for quoted in shown.every("blockquote"):
            assert "javascript" not in (quoted.get("cite") or ""), path
    told = found["/vendors/evil"].text
    assert "<script>alert(1)</script>" in told, "as words, to the letter"
    assert "{{7*7}}" in told


# --- in a browser ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(sample_on_sqlite: Settings) -> Iterator[str]:
    with served(sample_on_sqlite) as app:
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM.exists(), reason="no chromium: apt-get install chromium")
def test_a_browser_finds_no_fault_on_phone_and_desk(address, sample_on_sqlite):
    from playwright.sync_api import sync_playwright

    with served(sample_on_sqlite) as app:
        change = app.test_client().get(f"/v1/changes?page={SPEECH}").get_json()["items"][0]
    paths = [
        "/",
        "/fr/",
        "/vendors/quendrivox",
        f"/pages/{SPEECH}",
        f"/changes/{change['id']}",
        f"/versions/{change['after_id']}",
        "/changes/",
        "/health",
    ]
    faults: list[str] = []
    asked: set[str] = set()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        for width in (320, 390, 1280):
            tab = browser.new_page(viewport={"width": width, "height": 844})
            tab.on("console", lambda message: faults.append(message.text))
            tab.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
            for path in paths:
                tab.goto(address + path)
                wide = tab.evaluate("document.documentElement.scrollWidth")
                if wide > width:
                    faults.append(f"{path} is {wide} wide on {width}")
            tab.close()
        browser.close()
    assert faults == []
    assert asked == {urlsplit(address).netloc}


def test_the_front_page_quotes_in_the_readers_language_where_there_is_such_a_page(client):
    english, french = client.get("/").text, client.get("/fr/").text
    row = '<a href="{}vendors/brellomar">'
    assert '<q lang="en">' in english.partition(row.format("/"))[2].partition("</tr>")[0]
    assert '<q lang="fr">' in french.partition(row.format("/fr/"))[2].partition("</tr>")[0]
