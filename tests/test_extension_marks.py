"""The sentences that matter, marked on the page itself, in both real browsers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api import bundle
from policies.passages import passage_id
from policies.store import open_store
from tests import fixtures_browsers as b
from tests.fixtures_browsers import API_HOST
from tests.fixtures_replay import replaying
from tests.recording_web import Asked, Given, anywhere, relayed
from tests.sampleweb import SampleWeb, editions

pytestmark = pytest.mark.slow

NOTICE = "http://www.quendrivox.example/legal/speech-privacy"
HOST = "www.quendrivox.example"
TERMS = "http://shop.quendrivox.example/terms"
PAGE = "quendrivox.speech-privacy.en"
STRICT = "default-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
GRANTED = [f"https://{API_HOST}/*"]
MARKED = """Object.fromEntries([...CSS.highlights].map(
    ([name, ranges]) => [name, [...ranges].map((range) => range.toString())]))"""
CLICK = '$(".reading .button").click(); await until(() => $(".room [role=status]"));'


@pytest.fixture(scope="module")
def sample_web():
    with SampleWeb(at=editions()[-1]) as running:
        yield running


@pytest.fixture(scope="module")
def browser(name, sample_bundle, web, tmp_path_factory):
    folder = tmp_path_factory.mktemp("extension") / name
    b.pack(folder, name, json.dumps(sample_bundle).encode(), granted=GRANTED)
    with b.running(name, folder, web.address) as started:
        yield started


@pytest.fixture(autouse=True)
def _fresh(request, web, sample_web):
    web.hosts[HOST] = relayed(sample_web.address)
    sample_web.move(editions()[-1])
    if "browser" in request.fixturenames:
        b.fresh(request.getfixturevalue("browser"))


def said(sample_bundle, page_id):
    vendor = next(v for v in sample_bundle["vendors"] if v["id"] == page_id.split(".")[0])
    page = next(p for p in vendor["pages"] if p["id"] == page_id)
    return {passage["id"] for passage in page["passages"]}


def marked(browser, tab):
    """All that is marked: (highlight's name, words)."""
    found = browser.eval_in(tab, MARKED)
    return [(name, words) for name, all_words in found.items() for words in all_words]


@pytest.mark.parametrize("policy", ["", STRICT], ids=["plain", "strict-csp"])
def test_every_sentence_that_we_know_is_marked_and_the_page_stays_as_it_was(
    browser, web, sample_web, sample_bundle, policy
):
    if policy:
        web.hosts[HOST] = relayed(sample_web.address, **{"Content-Security-Policy": policy})
    tab = browser.visit(NOTICE)
    before = browser.eval_in(tab, "document.documentElement.outerHTML")
    with b.reading(browser, tab) as panel:
        listed = panel.run('return all(".marks .text").map((one) => one.textContent)')
        status = panel.run('return $(".room [role=status]").textContent')
        assert status == f"{len(listed)} sentences marked"
        assert "not found here" not in panel.text
    words = [text for _, text in marked(browser, tab)]
    assert sorted(words) == sorted(listed)
    assert {passage_id(text, "en") for text in words} == said(sample_bundle, PAGE)
    assert {name.rsplit("-", 1)[-1] for name, _ in marked(browser, tab)} >= {"listening", "choice"}
    assert browser.eval_in(tab, "document.documentElement.outerHTML") == before
    assert browser.eval_in(tab, "globalThis.earwitness === undefined"), (
        "the page sees nothing of it"
    )
    browser.close_tab(tab)


def test_one_can_step_through_them_and_take_them_away(browser):
    tab = browser.visit(NOTICE)
    with b.reading(browser, tab) as panel:
        total = panel.run('return all(".marks li").length')
        step = """
            const before = $(".where").textContent;
            all(".stepper button")[{}].click();
            await until(() => $(".where").textContent !== before);
            return [$(".where").textContent, $(".marks .current .text").textContent];
        """
        where, first = panel.run(step.format(1))
        assert where == f"1 of {total}"
        assert browser.eval_in(tab, MARKED)["earwitness-current"] == [first]
        assert panel.run(step.format(0))[0] == f"{total} of {total}"
        place = "[...CSS.highlights.get('earwitness-current')][0].getBoundingClientRect().top"
        b.eventually(lambda: 0 <= browser.eval_in(tab, place) <= 1000)
    with b.reading(browser, tab) as panel:
        panel.run('all(".room .plain").at(-1).click()')
        b.eventually(lambda: browser.eval_in(tab, "CSS.highlights.size") == 0)
    browser.close_tab(tab)


def later(browser):
    """As if the last reading were two hours ago."""
    key = f"read:{PAGE}"
    read = b.stored(browser, key)[key]
    at = datetime.now(UTC) - timedelta(hours=2)
    b.store(browser, **{key: {**read, "at": at.strftime("%Y-%m-%dT%H:%M:%SZ")}})


def test_what_is_new_reworded_or_gone_since_the_last_reading_stands_out(
    browser, sample_web, sample_bundle
):
    sample_web.move(editions()[0])
    tab = browser.visit(NOTICE)
    with b.reading(browser, tab) as panel:
        assert "Next time, what is new since today will stand out" in panel.text
        assert "of our copy were not found here" in panel.text, "this is an older edition"
        assert panel.run('return all(".novelty").length') == 0
    later(browser)
    sample_web.move(editions()[-1])
    browser.go(tab, NOTICE)
    novelties = 'return all(".novelty").map((one) => one.textContent)'
    with b.reading(browser, tab) as panel:
        fresh = panel.run(novelties)
        assert {"New", "Reworded"} >= set(fresh) >= {"Reworded"}
        assert panel.run('return all(".marks del").map((one) => one.textContent)')
        assert panel.run('return all(".gone li").length') == 0
    names = {name for name, _ in marked(browser, tab)}
    assert [name for name in names if name.endswith("-new")]
    browser.go(tab, NOTICE)
    with b.reading(browser, tab) as panel:
        assert panel.run(novelties) == fresh, "who comes back within the hour is still reading"
    later(browser)
    sample_web.move(editions()[0])
    browser.go(tab, NOTICE)
    with b.reading(browser, tab) as panel:
        gone = panel.run('return all(".gone li").map((one) => one.textContent)')
        assert len(gone) == len(fresh)
        assert f"{len(gone)} sentence" in panel.run('return $(".gone h3").textContent')
    browser.close_tab(tab)


def test_the_panel_stays_and_follows_the_tab_in_front(browser, web):
    tab = browser.visit(NOTICE)
    panel = b.begin_reading(browser, tab)
    panel.run('await until(() => $(".marks")); all(".stepper button")[1].click()')
    b.eventually(lambda: panel.run('return Boolean($(".marks .current"))'))
    assert panel.run('return $(".of").textContent') == f"Quendrivox · {NOTICE[7:]}"
    browser.click_in(tab, "h1")
    browser.eval_in(tab, "scrollTo(0, 500)")
    shown = panel.run('return $(".where").textContent')
    assert shown.startswith("1 of "), "a click on the page leaves it open"

    panel.run('all(".stepper button")[1].focus()')
    browser.run("""
        const api = globalThis.browser ?? globalThis.chrome;
        const url = "https://behind.example/";
        const tab = await api.tabs.create({ url, active: false });
        while ((await api.tabs.get(tab.id)).status !== "complete")
          await new Promise((done) => setTimeout(done, 20));
        await api.tabs.remove(tab.id);
    """)
    again = 'return [d.activeElement.textContent, $(".where").textContent]'
    assert panel.run(again) == ["Next", shown], "what loads in a tab behind takes nothing away"

    other = browser.visit("https://elsewhere.example/")
    panel.run('await until(() => !$(".marks"))')
    assert "click the button of Earwitness in the toolbar" in panel.text
    back = 'const back = $("main .button"); back.click(); await until(() => $(".marks"));'
    assert (
        panel.run(back + "return back.textContent") == "Back to “Tessquill Speech Privacy Notice”"
    )
    assert panel.run('return $(".where").textContent') == shown, "its place is kept"
    assert browser.eval_in(tab, "document.visibilityState") == "visible"
    browser.close_tab(other)

    second = browser.visit(TERMS)
    b.begin_reading(browser, second)
    panel.run("await until(() => $('.of')?.textContent.endsWith('/terms'))")
    browser.close_tab(second)
    browser.bring_to_front(tab)
    panel.run('await until(() => $(".marks"))')
    assert panel.run('return all(".room > p").length') > 0
    browser.go(tab, "http://www.quendrivox.example/other")
    panel.run('await until(() => !$(".marks"))')
    # In Chromium a click on the button holds for the whole site, in Firefox for the page.
    says = {"chromium": "none of those that we read", "firefox": "click the button of Earwitness"}
    assert says[browser.name] in panel.text
    panel.close()
    browser.close_tab(tab)


def test_a_page_that_builds_itself_up_late_can_be_read_again(browser, web, sample_web):
    whole = relayed(sample_web.address)
    body = whole(Asked("GET", NOTICE, {})).body
    assert isinstance(body, bytes)
    web.hosts[HOST] = lambda _: Given("<!doctype html><meta charset=utf-8><main>Loading</main>")
    tab = browser.visit(NOTICE)
    with b.reading(browser, tab) as panel:
        assert panel.run('return $(".room [role=status]").textContent') == "0 sentences marked"
        late = f"void (document.querySelector('main').innerHTML = {json.dumps(body.decode())})"
        browser.eval_in(tab, late)
        panel.run('all(".room .plain")[0].click(); await until(() => $(".marks"));')
        assert "not found here" not in panel.text
    browser.close_tab(tab)


def test_a_page_of_hostile_structure_is_read_to_its_end(browser, web):
    nested = "<div>" * 3000 + "deep" + "</div>" * 3000
    table = "<table>" + "<tr><td>We<td><p>listen</p><td></tr>" * 2000 + "</table>"
    body = f"<body>{nested}{table}<p>a<!-- c --><b></b><svg><text>x</text></svg>" + "x" * 200_000
    web.hosts[HOST] = lambda _: Given(f"<!doctype html><meta charset=utf-8>{body}")
    tab = browser.visit(NOTICE)
    with b.reading(browser, tab) as panel:
        assert panel.run('return $(".room [role=status]").textContent') == "0 sentences marked"
    browser.close_tab(tab)


def test_a_private_window_is_answered_and_not_remembered(name, web, sample_bundle, tmp_path):
    b.pack(tmp_path / "x", name, json.dumps(sample_bundle).encode(), granted=GRANTED)
    with b.running(name, tmp_path / "x", web.address, private=True) as browser:
        tab = browser.visit_private(NOTICE)
        with b.popup(browser, tab) as popup:
            assert "Quendrivox Tessquill" in popup.text
            popup.run(CLICK)
            assert popup.run('return all(".marks li").length') > 5
        kept = b.stored(browser)
        assert "looks" not in kept
        assert not [key for key in kept if key.startswith("read:")]


# --- real pages at their real addresses ----------------------------------------------------

FIRST, LAST = "2025-03-01", "2026-08-01"
PAGES = {
    "microsoft.privacy-statement.en-ie": "https://privacy.microsoft.com/en-ie/privacystatement",
    "openai.privacy-policy.en": "https://openai.com/policies/row-privacy-policy/",
    "speechify.privacy-policy.en": "https://speechify.com/privacy/",
    "deepseek.privacy-policy.en": "",
    "meta.privacy-policy.en": "",
}


@pytest.fixture(scope="module")
def real(shared, tmp_path_factory):
    """(a replay, the bundles of a store that saw both days)."""
    folder = tmp_path_factory.mktemp("real")
    with replaying(shared / "replay" / "replay.py", folder, FIRST) as replay:
        environment = {**os.environ, **replay.environment, "EARWITNESS_DATA": str(folder / "data")}
        words = [word for page in PAGES for word in ("--page", page)]

        def crawl(at):
            replay.move(at[:10])
            call = ["crawl", "--force", "--at", at, "--json", *words]
            # A process of its own: Playwright's loop runs in this one.
            program = Path(sys.executable).with_name("earwitness")
            done = subprocess.run(
                [program, *call], env=environment, capture_output=True, check=False
            )
            assert done.returncode in (0, 3), done.stderr
            opened = open_store(f"sqlite:///{folder / 'data' / 'earwitness.sqlite3'}", create=False)
            with opened.engine.connect() as connection:
                made = json.loads(bundle.make(connection).data)
            opened.close()
            return made

        first = crawl(f"{FIRST}T08:00:00Z")
        crawl(f"{LAST}T08:00:00Z")
        yield replay, first, crawl(f"{LAST}T09:00:00Z")


def pages_of(document):
    return {
        page["id"]: page
        for vendor in document["vendors"]
        for page in vendor["pages"]
        if page["passages"] and page["id"] in PAGES
    }


def test_real_pages_are_marked_at_their_real_addresses(name, real, web, tmp_path):
    replay, first, last = real
    b.pack(tmp_path / "x", name, json.dumps(first).encode(), granted=GRANTED)
    wanted = pages_of(last)
    assert len(wanted) >= 3
    hosts = {page["url"].split("/")[2] for page in wanted.values()}
    with b.running(name, tmp_path / "x", web.address) as browser:
        b.fresh(browser)
        strict = {"Content-Security-Policy": STRICT}
        for when, document, headers in ((FIRST, first, {}), (LAST, last, strict)):
            replay.move(when)
            for host in hosts:
                web.hosts[host] = relayed(replay.proxy, **headers)
            web.hosts[API_HOST] = b.served(json.dumps(document).encode())
            assert b.background(browser, {"update": True})["outcome"] in ("new", "same")
            for page in pages_of(document).values():
                tab = browser.visit(page["url"])
                with b.reading(browser, tab) as panel:
                    texts = panel.run('return all(".marks .text").map((one) => one.textContent)')
                assert len(marked(browser, tab)) == len(texts)
                ids = {passage_id(text, page["language"]) for text in texts}
                known = {passage["id"] for passage in page["passages"]}
                assert ids <= known
                assert len(ids) >= 0.95 * len(known), (page["id"], when, len(ids), len(known))
                browser.close_tab(tab)
    for host in hosts:
        web.hosts[host] = anywhere
