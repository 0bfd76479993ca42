"""The site: every page in both languages, hostile texts shown as text, nothing from elsewhere."""

from __future__ import annotations

import contextlib
import html
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from playwright.sync_api import sync_playwright

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
from tests.fixtures_api import SPEECH, served
from tests.sampleweb.pictures import served as served_there

CHROMIUM = Path("/usr/lib/chromium/chromium")
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"&{{7*7}}" + "Donaudampfschiff" * 20


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
            named_only = link["rel"] in ("canonical", "alternate", "timemap")
            assert named_only or not (link["href"] or "").startswith(("http", "//")), path


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
        assert twins == {"en", "fr", "x-default"}
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


def test_a_date_leads_to_the_change_and_the_change_to_its_proof(client):
    """Who, since when, what did it say before, prove it: each is one click away."""
    changed = a_change(client)
    row = client.get("/").text.partition(">Quendrivox</a>")[2].partition("</tr>")[0]
    day = summary.day(moments.since(changed["captured_at"]), "en")
    assert day in row
    assert f'<a href="/changes/{changed["id"]}">' in row
    evidence = f"/v1/changes/{changed['id']}/evidence.zip"
    for path in ("/vendors/quendrivox", f"/changes/{changed['id']}"):
        assert evidence in {link["href"] for link in page(client, path).every("a")}, path
    vendor = page(client, "/vendors/quendrivox")
    assert f"/changes/{changed['id']}" in {link["href"] for link in vendor.every("a")}
    at_first = client.get("/").text.partition(">Tavelunne</a>")[2].partition("</tr>")[0]
    assert "at least" in at_first
    assert "/changes/" not in at_first, "it was so before we looked"


def test_the_words_of_a_page_and_ours_each_bear_their_language(client):
    for view in ("inline", "side"):
        shown = page(client, f"/fr/changes/{a_change(client)['id']}?view={view}")
        (diff, *_) = [a for _, a in shown.tags if (a.get("class") or "").startswith("diff ")]
        assert diff["lang"] == "en"
        ours = [a for _, a in shown.tags if a.get("class") == "tags"]
        assert ours
        assert {tags["lang"] for tags in ours} == {"fr"}


def test_a_version_and_each_passage_of_it_can_be_cited(client):
    quote = client.get("/v1/vendors/quendrivox").get_json()["answers"][0]["quotes"][0]
    version = client.get(f"/v1/versions/{quote['version_id']}").get_json()
    shown = page(client, f"/versions/{version['id']}")
    assert f"http://localhost/versions/{version['id']}" in shown.text
    assert version["capture"]["digest"] in shown.text.partition("Cite this")[2]
    assert f"#p{quote['position']}" in {link["href"] for link in shown.every("a")}
    stamp = re.sub(r"[-:TZ]", "", version["captured_at"])[:14]
    archived = [
        link["href"] or "" for link in shown.every("a") if "archive.org" in (link["href"] or "")
    ]
    assert len(archived) == 1
    assert archived[0].startswith(f"https://web.archive.org/web/{stamp}/http://www.quendrivox.")


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/?utm_source=x", "/"),
        ("/fr/changes/?topic=choice&fbclid=1", "/fr/changes/?topic=choice"),
        (f"/pages/{SPEECH}?until=2025-01", f"/pages/{SPEECH}?until=2025-01"),
    ],
)
def test_a_page_has_one_address_of_its_own(client, path, canonical):
    links = page(client, path).every("link")
    (own,) = [link["href"] for link in links if link["rel"] == "canonical"]
    assert own == f"http://localhost{canonical}"
    twins = {link["hreflang"]: link["href"] for link in links if "hreflang" in link}
    assert own == twins["fr" if path.startswith("/fr/") else "en"]
    assert twins["x-default"] == twins["en"]


def test_a_view_is_no_address_of_its_own_and_an_error_has_none(client):
    change = f"/changes/{a_change(client)['id']}"
    links = page(client, f"{change}?view=side").every("link")
    assert f"http://localhost{change}" in {link["href"] for link in links}
    assert "canonical" not in client.get("/nothing").text


def test_the_language_can_be_changed_in_the_midst_of_a_narrowed_search(client):
    asked = "q=recordings&in=text&language=en&since=2024-01-01"
    twin = next(a["href"] for a in page(client, f"/search?{asked}").every("a") if a.get("hreflang"))
    assert dict(parse_qsl(urlsplit(twin or "").query)) == dict(parse_qsl(asked))


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
        ("/changes/?topic=weather", 400, "The address asks for a “topic” that is not known here"),
        ("/fr/changes/?topic=weather", 400, "L’adresse demande un « topic » qui n’est pas"),
        ("/fr/changes/?vendor=" + "x" * 500, 400, "« vendor » dans l’adresse est inutilisable"),
        (f"/fr/pages/{SPEECH}/diff", 400, "« from » manque dans l’adresse"),
        (f"/fr/pages/{SPEECH}/diff?from=1999-01-01", 404, "n’a pas été lue avant"),
        (f"/fr/pages/{SPEECH}/diff?from=2024-12-10&view=up", 400, "« view » qui n’est pas"),
        ("/fr/vendors/nobody", 404, "Aucune entreprise n’a l’identifiant"),
        ("/fr/changes/none", 404, "Aucune modification n’a l’identifiant"),
        ("/fr/versions/none", 404, "Aucune version n’a l’identifiant"),
        ("/fr/search?q=a%00b", 400, "L’adresse contient un caractère NUL"),
        ("/fr/search?q=a&q=b", 400, "est donné plusieurs fois"),
        ("/changes/?vendor=nobody", 404, "There is nothing at this address"),
    ],
)
def test_a_wrong_address_gets_a_page_that_says_so(client, path, status, words):
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    assert words.replace("« ", "«\u202f").replace(" »", "\u202f»") in Reader(answer.text).text
    assert answer.headers["Content-Security-Policy"]
    assert path.startswith("/fr/") <= ('lang="en"' not in answer.text.partition("<main")[2])


def test_nothing_can_be_sent(client):
    for path, words in (("/", "nothing can be sent to it"), ("/fr/", "on ne peut rien y envoyer")):
        answer = client.post(path)
        assert answer.status_code == 405
        assert words in Reader(answer.text).text


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
            for path in ("/", "/changes/", "/events/", "/health", "/about", "/topics/training"):
                page(app.test_client(), prefix + path)
            for path in ("/search?q=voice", "/provenance?text=We+listen+to+you"):
                shown = page(app.test_client(), prefix + path)
                assert "note" in {p.get("class") for p in shown.every("p")}, (
                    "says that there is none"
                )
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
    assert any("view=side" in path for path in found)
    words = "Our+employees+listen+to+your+voice+recordings"
    for path in (
        "/search?q=employees",
        f"/provenance?text={words}+%3Cscript%3Ealert(5)%3C/script%3E",
    ):
        shown = page(hostile, path)
        assert not {tag for tag, _ in shown.tags} & {"script", "img"}, path
        assert "<script>alert(" in shown.text, path
    assert hostile.get("/vendors/evil/card.png").mimetype == "image/png"
    told = found["/vendors/evil"].text
    assert "<script>alert(1)</script>" in told, "as words, to the letter"
    assert "{{7*7}}" in told


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM.exists(), reason="no chromium: apt-get install chromium")
def test_a_browser_runs_nothing_of_a_page_full_of_scripts(hostile):
    told: list[str] = []
    with served_there(hostile.application) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        tab = browser.new_page(viewport={"width": 390, "height": 844})
        tab.on("console", lambda message: told.append(message.text))
        tab.on("dialog", lambda dialog: told.append(dialog.message))
        change = hostile.get("/v1/changes").get_json()["items"][0]["id"]
        shown = ("/", "/vendors/evil", f"/changes/{change}", f"/changes/{change}?view=side")
        for path in (*shown, "/pages/evil.notice.en", "/search?q=employees", "/fr/events/"):
            tab.goto(address + path)
            assert "<script>alert(1)</script>" in tab.inner_text("body"), path
            assert tab.evaluate("document.documentElement.scrollWidth") <= 390, path
        browser.close()
    assert told == [], "nothing ran, and nothing had to be refused"


def test_the_front_page_quotes_in_the_readers_language_where_there_is_such_a_page(client):
    english, french = client.get("/").text, client.get("/fr/").text
    row = '<a href="{}vendors/brellomar">'
    assert '<q lang="en">' in english.partition(row.format("/"))[2].partition("</tr>")[0]
    assert '<q lang="fr">' in french.partition(row.format("/fr/"))[2].partition("</tr>")[0]


# --- in French -------------------------------------------------------------------------

VOID = {"area", "base", "br", "hr", "img", "input", "link", "meta", "wbr"}


class OwnWords(HTMLParser):
    """What a page says in its own language: quotes and titles of others bear theirs."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[tuple[str, str]] = []
        self.said: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        lang = given.get("lang") or (self.open[-1][1] if self.open else "")
        for name in ("aria-label", "title", "content"):
            if given.get(name) and lang in ("", "fr"):
                self.said.append(given[name] or "")
        if tag not in VOID:
            self.open.append((tag, lang))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1][1] == "fr":
            self.said.append(data)


def test_a_french_page_has_no_english_of_ours(client, site):
    titles = {item["title"] for item in client.get("/v1/pages").get_json()["items"]}
    english = re.compile(r"\b(?:the|of|with|which|this|that|was|since|and|is|not|from)\b")
    found = []
    for path in (path for path in site if path.startswith("/fr/")):
        for said in OwnWords(client.get(path).text).said:
            quoted = "|".join(["«[^»]*»", *map(re.escape, titles)])
            own = re.sub(quoted, "", said)
            if english.search(own) and "http" not in own:
                found.append((path, own.strip()))
    assert found == []


# --- diffs, search, events -------------------------------------------------------------


def a_change(client: FlaskClient) -> dict[str, str]:
    found: dict[str, str] = client.get(f"/v1/changes?page={SPEECH}&topic=choice").get_json()[
        "items"
    ][-1]
    return found


def test_a_change_side_by_side_has_each_word_on_its_side(client):
    text = client.get(f"/changes/{a_change(client)['id']}?view=side").text
    before, _, after = text.partition('class="side before"')[2].partition('class="side after"')
    assert "<del>Only if</del> you <del>join</del> the improvement" in before
    assert "<ins>" not in before
    assert "<ins>Unless</ins> you <ins>leave</ins> the improvement" in after.partition("</div>")[0]


def test_a_change_says_how_to_cite_it(client):
    change = a_change(client)
    shown = page(client, f"/changes/{change['id']}")
    assert f"http://localhost/changes/{change['id']}" in shown.text
    assert f"@online{{earwitness-{change['id']}," in shown.text
    assert "TY  - ELEC" in shown.text
    whole = client.get(f"/v1/changes/{change['id']}").get_json()
    assert whole["before"]["capture"]["digest"] in shown.text
    assert whole["after"]["capture"]["digest"] in shown.text


def test_any_two_versions_or_dates_are_compared(client):
    change = a_change(client)
    by_id = f"/pages/{SPEECH}/diff?from={change['before_id']}&to={change['after_id']}"
    turned = f"/pages/{SPEECH}/diff?from={change['after_id']}&to={change['before_id']}"
    assert "<del>join</del><ins>leave</ins>" in client.get(by_id).text
    assert "<del>join</del><ins>leave</ins>" in client.get(turned).text, "the older comes first"
    assert "This is a published change" in page(client, by_id).text
    same = f"/pages/{SPEECH}/diff?from={change['after_id']}&to={change['after_id']}"
    assert "Nothing differs." in page(client, same).text
    early = client.get(f"/fr/pages/{SPEECH}/diff?from=1999-01-01")
    assert early.status_code == 404


def test_a_page_lists_what_its_picture_shows(client):
    shown = page(client, f"/pages/{SPEECH}")
    picture = next(a for tag, a in shown.tags if tag == "svg" and a.get("role") == "img")
    assert picture["aria-label"]
    bars = [a for tag, a in shown.tags if tag == "svg" and "span" in (a.get("class") or "")]
    assert bars
    assert "a small share of your recordings" in shown.text
    assert "Until" in shown.text


def test_search_finds_passages_with_their_lifetimes_and_marks_the_words(client):
    shown = page(client, "/search?q=contractors")
    assert shown.every("mark")
    assert "Stands there now" in shown.text or "Stood there before" in shown.text
    changed = client.get("/search?q=join&in=changes&change=removed").text
    assert "<del>join</del>" in changed
    assert "Nothing that was ever read" in page(client, "/search?q=zyzzyva").text


@pytest.mark.parametrize(
    ("address", "english", "french"),
    [
        ("search?q=%22%22", "there is no word in this query", "il n’y a aucun mot"),
        ("search?q=a&since=yesterday", "is no date or time", "n’est ni une date ni une heure"),
        ("search?q=voice&topic=weather", "there is no topic", "il n’y a pas de sujet"),
        ("search?q=voice&vendor=nobody", "no vendor has the id", "aucune entreprise n’a"),
        ("search?q=voice&cursor=xyz", "this cursor was not given out", "ce curseur ne vient pas"),
        ("provenance?text=...", "there is no word to trace", "il n’y a aucun mot à retracer"),
        (
            "provenance?text=" + "word+" * 900,
            "characters can be traced",
            "on peut retracer au plus",
        ),
    ],
)
def test_what_cannot_be_asked_is_said_beside_the_form(client, address, english, french):
    for prefix, words in (("/", english), ("/fr/", french)):
        answer = client.get(prefix + address)
        assert answer.status_code == 400
        shown = Reader(answer.text)
        assert words.lower() in shown.text.lower()
        assert shown.every("form"), "one can ask again"


def test_a_pasted_sentence_is_traced(client):
    words = "Only+if+you+join+the+improvement+programme,+a+small+share+of+your+recordings"
    text = client.get(f"/provenance?text={words}+is+listened+to").text
    assert "Nobody said just that" in text
    assert "<del>Only if</del><ins>Unless</ins> you" in text
    assert "Nothing like it" in page(client, "/provenance?text=Penguins+walk+very+far").text


def test_events_tell_edits_and_health_and_can_be_narrowed(client):
    everything = page(client, "/events/").text
    health = page(client, "/events/?kind=health").text
    assert "the server says 404" in health
    assert "Passages:" in everything
    assert "Passages:" not in health
    answer = client.get("/events/?vendor=nobody")
    assert answer.status_code == 404


def test_the_language_can_be_changed_without_losing_what_was_asked(client):
    shown = page(client, "/search?q=contractors&in=changes&_external=1&_scheme=javascript")
    twin = next(a["href"] for a in shown.every("a") if a.get("hreflang") == "fr")
    assert twin == "/fr/search?q=contractors&in=changes"


def card_of(client: FlaskClient, path: str) -> str:
    """The address of the picture that goes with links to a page."""
    meta = {
        a["property"]: a["content"] for a in page(client, path).every("meta") if "property" in a
    }
    assert meta["og:title"]
    assert meta["og:description"]
    assert meta["og:image:type"] == "image/png"
    assert (meta["og:image:width"], meta["og:image:height"]) == ("1200", "630")
    return urlsplit(meta["og:image"] or "").path


def test_a_link_to_a_page_carries_a_title_a_text_and_a_picture(client):
    seen: dict[bytes, str] = {}
    for prefix in ("", "/fr"):
        change = f"/changes/{a_change(client)['id']}"
        for path in ("/", "/topics/retention", "/vendors/quendrivox", change):
            card = client.get(card_of(client, prefix + path))
            assert card.mimetype == "image/png"
            with Image.open(io.BytesIO(card.data)) as drawn:
                assert drawn.size == (1200, 630)
                assert len(drawn.convert("RGB").getcolors(1 << 20) or ()) > 50, "something is on it"
            assert "default-src 'none'" in card.headers["Content-Security-Policy"]
            assert card.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
            assert seen.setdefault(card.data, prefix + path) == prefix + path, "each says its own"
            held = {"If-None-Match": card.headers["ETag"]}
            assert client.get(card_of(client, prefix + path), headers=held).status_code == 304


@pytest.mark.parametrize("path", ["vendors/nobody", "topics/weather", "changes/none"])
def test_nobody_has_no_card(client, path):
    assert client.get(f"/{path}/card.png").status_code == 404
