"""The popup in both real browsers: each kind of site, each state of the data."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from tests import fixtures_browsers as b
from tests.fixtures_browsers import API, API_HOST
from tests.recording_web import Given, relayed
from tests.sampleweb import SampleWeb, editions

pytestmark = pytest.mark.slow

SHOP = "https://shop.quendrivox.example/tessquill"
POLICY = "http://www.quendrivox.example/legal/speech-privacy"
GRANTED = [f"https://{API_HOST}/*"]
SIGNS = "/icons/shapes.svg"
EVIL = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>'\"&\u202e"


def data(document):
    return json.dumps(document).encode()


@pytest.fixture(scope="module")
def browser(name, sample_bundle, web, tmp_path_factory):
    folder = tmp_path_factory.mktemp("extension") / name
    b.pack(folder, name, data(sample_bundle), granted=GRANTED)
    with b.running(name, folder, web.address) as started:
        yield started


@pytest.fixture(autouse=True)
def _fresh(browser, sample_bundle, web):
    web.hosts[API_HOST] = b.served(data(sample_bundle))
    b.fresh(browser)
    web.log.clear()


@pytest.fixture
def tab(browser):
    opened = browser.visit(SHOP)
    yield opened
    browser.close_tab(opened)


def newer(sample_bundle):
    """The bundle as if Quendrivox had turned one sentence round since."""
    later = copy.deepcopy(sample_bundle)
    vendor = next(v for v in later["vendors"] if v["id"] == "quendrivox")
    change = copy.deepcopy(vendor["changes"][0])
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    change |= {"id": "feedfacefeedface", "captured_at": now, "confirmed_at": now}
    change["edits"] = [
        {
            "kind": "replaced",
            "topics": ["human_review"],
            "runs": [
                ["equal", "Staff "],
                ["removed", "never"],
                ["added", "often"],
                ["equal", " listen."],
            ],
        }
    ]
    change["edits_total"] = 3
    vendor["changes"].insert(0, change)
    later["as_of"] = now
    return later


def test_a_vendors_site_gets_the_answer_with_quote_source_and_date(browser, tab):
    with b.popup(browser, tab) as popup:
        text = popup.text
        assert "Quendrivox Tessquill" in text
        assert "Unless you turn it off" in text
        assert "people may listen to or read what you say to Tessquill" in text
        assert "Unless you leave the improvement programme" in text
        assert "in the version of 12 May 2025" in text
        assert "As of 1 June 2025, as this extension came." in text
        assert popup.run('return $(".answer .badge svg use").getAttribute("href")').endswith(
            "#opt_out"
        )
        assert popup.run('return $("figcaption a").href') == POLICY
        assert popup.run('return $("blockquote").lang') == "en"


def test_what_one_can_do_leads_to_the_vendors_own_pages(browser, tab):
    with b.popup(browser, tab) as popup:
        link = popup.run("""
            const a = $(".controls .opt_out a");
            return [a.href, a.target, a.rel, a.textContent];
        """)
        assert link == [
            "http://www.quendrivox.example/account/speech",
            "_blank",
            "noopener noreferrer",
            "Say noImprovement programme",
        ]
        assert "Leave the improvement programme" in popup.run(
            'return $(".controls ol").textContent'
        )
        assert popup.run('return $(".kept h2").textContent') == "How long it is kept"
        history = popup.run('return $(".further a").href')
        assert history == f"{API}/vendors/quendrivox"


@pytest.mark.parametrize(
    "url", ["https://elsewhere.example/", "about:blank", "https://notquendrivox.example/"]
)
def test_an_unknown_site_gets_the_list_which_can_be_searched(browser, url):
    tab = browser.visit(url)
    with b.popup(browser, tab) as popup:
        assert "No voice assistant here" in popup.text
        names = 'return all(".vendors .name").map((one) => one.textContent)'
        assert popup.run(names) == ["Brellomar", "Pellifrane", "Quendrivox", "Tavelunne"]
        search = 'const field = $("#search"); field.value = {};'
        search += ' field.dispatchEvent(new view.Event("input"));'
        assert popup.run(search.format('" TESSquíll "') + names) == ["Quendrivox"]
        assert "1 vendor" in popup.run('return $("[role=status]").textContent')
        assert popup.run(
            search.format('"nobody"') + 'return $("[role=status]").textContent'
        ).startswith("Nobody")
        popup.run(
            search.format('"tav"')
            + '$(".vendors button").click(); await until(() => $(".answer"));'
        )
        assert "Tavelunne Dorrivane" in popup.text
        popup.run('$("#all").click(); await until(() => $("#search"));')
        assert popup.run("return d.activeElement.id") == "search"
    browser.close_tab(tab)


def test_every_answer_of_the_bundle_can_be_shown(browser, sample_bundle):
    tab = browser.visit("https://elsewhere.example/")
    for vendor in sample_bundle["vendors"]:
        with b.popup(browser, tab) as popup:
            popup.run(f"""
                const named = (one) => one.textContent.startsWith("{vendor["name"]}");
                all(".vendors button").find(named).click();
                await until(() => $(".answer"));
            """)
            assert vendor["answers"]["human_review"]["summary"]["en"][0] in popup.text
    browser.close_tab(tab)


def test_what_changed_since_the_last_look_is_shown_with_the_words_marked(
    browser, tab, web, sample_bundle
):
    with b.popup(browser, tab) as popup:
        assert "From now on you see here what changed" in popup.text
    with b.popup(browser, tab) as popup:
        assert "Nothing has changed since you last looked" in popup.text
    web.hosts[API_HOST] = b.served(data(newer(sample_bundle)))
    assert b.background(browser, {"update": True})["outcome"] == "new"
    with b.popup(browser, tab) as popup:
        assert "1 change since you last looked" in popup.text
        words = popup.run(
            """return [".changed del", ".changed ins"].map((one) => $(one).textContent)"""
        )
        assert words == ["never", "often"]
        assert "and 2 more passages" in popup.text
    with b.popup(browser, tab) as popup:
        assert "Nothing has changed since you last looked" in popup.text


def opened(popup, selector):
    """The texts of what a person opens there, word for word."""
    return popup.run(f"""
        const found = $({json.dumps(selector)});
        found.open = true;
        return found.innerText.split("\\n").map((one) => one.trim()).filter(Boolean);
    """)


def test_a_change_says_which_way_it_goes_by_a_sign_and_in_words(browser, tab, sample_bundle):
    [vendor] = [v for v in sample_bundle["vendors"] if v["id"] == "quendrivox"]
    assert vendor["changes"][0]["directions"]["human_review"] == "says_more"
    with b.popup(browser, tab) as popup:
        folded = popup.run("""
            const way = $(".changed summary .way");
            return [way.textContent, way.querySelector("use").getAttribute("href")];
        """)
        assert folded == ["Says more", f"{SIGNS}#says_more"]
    worse = copy.deepcopy(sample_bundle)
    for one in worse["vendors"]:
        for change in one["changes"]:
            ways = dict.fromkeys(change["topics"], "unclear") | {"human_review": "worse"}
            change["directions"] = {**ways, "training": "of tomorrow"}
    worse["directions"]["of tomorrow"] = {"en": "Sideways"}
    told(browser, worse)
    with b.popup(browser, tab) as popup:
        rows = popup.run("""return all(".changed .ways li").map((row) =>
            [row.querySelector("use").getAttribute("href"), row.textContent.trim()])""")
        assert rows[0] == [f"{SIGNS}#worse", "Worse for you People listening"]
        assert [f"{SIGNS}#unclear", "Sideways Training and improvement"] in rows


def told(browser, document):
    """Let the browser take up a bundle."""
    told_of = {"from": "server", "digest": "0" * 64, "api": API}
    browser.run(f"""
        const {{ take }} = await import("/state/store.js");
        await take({json.dumps(json.dumps(document))}, {json.dumps(told_of)});
    """)


def test_what_it_no_longer_says_and_said_before_is_told_with_its_words(browser, tab):
    with b.popup(browser, tab) as popup:
        gone = opened(popup, ".changed .past details:has(.withdrawn)")
        assert gone[0] == "No longer says this: 1 sentence"
        assert "2 September 2024 – 3 February 2025" in gone
        words = popup.run('return $(".withdrawn blockquote").textContent')
        assert len(words) > 20
        assert words in " ".join(gone)
        before = opened(popup, ".changed .past details")
        assert before[:2] == ["What it said before", "Only if you agree"]
        assert "at least 2 September 2024 – 9 December 2024" in before


def test_pages_that_contradict_each_other_are_named_with_what_each_says(browser, sample_bundle):
    tab = browser.visit("https://www.pellifrane.example/marlovette")
    with b.popup(browser, tab) as popup:
        lines = 'return all(".answer .sides li").map((one) => one.innerText.split("\\n"))'
        sides = popup.run(lines)
        assert [side[0] for side in sides] == ["People do not listen", "Not stated"]
        assert [side[-1] for side in sides] == [
            "English, read on 1 June 2025",
            "French, read on 1 June 2025",
        ]
        assert popup.run('return $(".answer .sides a").href').startswith("http")
    later = copy.deepcopy(sample_bundle)
    [vendor] = [v for v in later["vendors"] if v["id"] == "pellifrane"]
    vendor["answers"]["human_review"] |= {"contradictions": [], "pages_unread": 2}
    told(browser, later)
    with b.popup(browser, tab) as popup:
        assert not popup.run('return $(".answer .gaps")')
        assert "2 of its pages could not be read: they may say something else." in popup.text
    browser.close_tab(tab)


def test_a_page_is_known_where_it_stood_before(browser, sample_bundle):
    later = copy.deepcopy(sample_bundle)
    [page] = [
        p for v in later["vendors"] for p in v["pages"] if p["id"] == "quendrivox.speech-privacy.en"
    ]
    page["earlier"] = ["https://old.elsewhere.example/speech"]
    told(browser, later)
    tab = browser.visit("https://old.elsewhere.example/speech?from=mail")
    with b.popup(browser, tab) as popup:
        assert "Quendrivox" in popup.text
        assert "this is one of the pages that we read" in popup.text
    browser.close_tab(tab)


def test_what_an_older_version_kept_is_still_shown_and_asked_for_anew(
    browser, tab, web, sample_bundle
):
    told(browser, sample_bundle)
    kept = b.stored(browser)
    record = kept["vendor:quendrivox"]
    for change in record["changes"]:
        del change["directions"]
    for answer in record["answers"].values():
        del answer["gone"], answer["before"], answer["contradictions"]
    del record["past_quotes"], kept["index"]["directions"]
    b.store(browser, **{"vendor:quendrivox": record, "index": kept["index"]})
    browser.run('const { refit } = await import("/state/store.js"); await refit();')
    with b.popup(browser, tab) as popup:
        assert "Unless you turn it off" in popup.text
        assert popup.run('return $(".changed .past")') is None
    web.log.clear()
    assert b.background(browser, {"update": True})["outcome"] == "new"
    [asked] = [one for one in web.asked_of(API_HOST) if one.method == "GET"]
    assert "if-none-match" not in asked.headers


def test_old_data_says_so_and_fresh_data_does_not(browser, tab, web, sample_bundle):
    with b.popup(browser, tab) as popup:
        assert re.search(r"That is \d\d\d days ago: it may say something else by now", popup.text)
        assert "as this extension came" in popup.text
        assert popup.run('return $(".title + .asof .stale").innerText').startswith("That is")
        web.hosts[API_HOST] = b.served(data(newer(sample_bundle)))
        popup.run('$("footer .button").click(); await until(() => !$(".stale"));')
        assert "days ago" not in popup.text
        assert popup.run('return $("footer .button")') is None
    [asked] = web.asked_of(API_HOST)
    assert asked.url == f"{API}/v1/bundle.json"


def test_a_server_that_is_down_is_named_and_can_be_tried_again(browser, tab, web, sample_bundle):
    web.hosts[API_HOST] = lambda _: None
    assert b.background(browser, {"update": True})["kind"] == "offline"
    with b.popup(browser, tab) as popup:
        assert "The server could not be reached. Tried on" in popup.text
        assert "Unless you turn it off" in popup.text, "what was there still answers"
        web.hosts[API_HOST] = b.served(data(newer(sample_bundle)))
        popup.run('$("footer .button").click(); await until(() => !$(".trouble"));')
    for given, kind in [
        (Given(status=503), "refused"),
        (Given("<html>"), "broken"),
        (Given('{"schema_version": 2}'), "newer"),
        (Given(b"x" * 9_000_001), "too_large"),
        (Given(status=302, headers={"Location": "https://evil.example/"}), "offline"),
    ]:
        headers = {"Access-Control-Allow-Origin": "*", **given.headers}
        web.hosts[API_HOST] = lambda _, g=given, h=headers: Given(g.body, g.status, h)
        assert b.background(browser, {"update": True})["kind"] == kind
    assert not web.asked_of("evil.example")
    with b.popup(browser, tab) as popup:
        assert "Unless you turn it off" in popup.text


def test_data_of_a_newer_kind_asks_for_an_update(browser, tab, web):
    web.hosts[API_HOST] = b.served(b'{"schema_version": 7}')
    b.background(browser, {"update": True})
    with b.popup(browser, tab) as popup:
        assert "please update this extension" in popup.text
        assert "Unless you turn it off" in popup.text


def test_the_server_is_asked_with_nothing_that_tells_who_asks(browser, web, sample_bundle):
    for outcome in ("new", "same"):
        assert b.background(browser, {"update": True})["outcome"] == outcome
    asked = [one for one in web.asked_of(API_HOST) if one.method == "GET"]
    digest = hashlib.sha256(data(sample_bundle)).hexdigest()
    assert [one.headers.get("if-none-match") for one in asked] == [None, f'"{digest}"']
    for one in asked:
        assert not {"cookie", "referer", "authorization"} & set(one.headers)
        assert browser.id not in json.dumps(dict(one.headers))
        assert "moz-extension" not in json.dumps(dict(one.headers))


def hostile(value, language=True):
    """Every text of a bundle replaced by one that would like to be markup."""
    if isinstance(value, dict):
        kept = ("id", "url", "host", "page_id", "quote", "quotes", "health", "until")
        return {
            k: v
            if k in kept or k.endswith(("_at", "_of", "_id", "since", "last_seen"))
            else hostile(v)
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [hostile(one) for one in value]
    return EVIL if isinstance(value, str) else value


def test_hostile_texts_in_every_field_stay_texts(browser, tab, web, sample_bundle):
    evil = hostile(sample_bundle["vendors"])
    for vendor, plain in zip(evil, sample_bundle["vendors"], strict=True):
        for quotes in ("quotes", "past_quotes"):
            vendor[quotes] = {name: hostile(quote) for name, quote in plain[quotes].items()}
        vendor["answers"] = hostile(plain["answers"])
        for topic, answer in plain["answers"].items():
            vendor["answers"][topic]["quotes"] = answer["quotes"]
        for control in vendor["controls"]:
            control["url"] = "javascript:document.title='owned'"
        for page in vendor["pages"]:
            page["url"] = "javascript:document.title='owned'"
    document = {
        **sample_bundle,
        "vendors": evil,
        "topics": hostile(sample_bundle["topics"]),
        "stances": {EVIL: {"en": EVIL}},
        "directions": {EVIL: {"en": EVIL}},
    }
    web.hosts[API_HOST] = b.served(data(document))
    assert b.background(browser, {"update": True}) == {"outcome": "new"}
    for url in (SHOP, "https://elsewhere.example/"):
        browser.go(tab, url)
        with b.popup(browser, tab) as popup:
            assert "<img src=x" in popup.text
            assert popup.run("return d.title") == "Earwitness"
            assert popup.run('return all("img, iframe, body script").length') == 0
            hrefs = popup.run('return all("a").map((one) => one.href)')
            assert not [href for href in hrefs if not href.startswith("http")]
            popup.run('for (const one of all("summary")) one.click()')
            if url == SHOP:
                assert popup.run('return [".ways", ".withdrawn", ".sides"].every((one) => $(one))')
            assert popup.run('return $("#main").scrollWidth <= view.innerWidth')
    browser.go(browser.control, browser.address("options/options.html"))
    assert (
        browser.eval_in(browser.control, 'document.querySelectorAll("img, body script").length')
        == 0
    )


def test_each_window_gets_the_answer_of_its_own_tab(browser, tab):
    browser.run(
        f"""{b._API} await api.windows.create({{ url: "https://www.tavelunne.example/cars" }})"""
    )
    with b.popup(browser, tab) as popup:
        assert "Quendrivox Tessquill" in popup.text
    other = browser.visit("https://www.tavelunne.example/cars")
    with b.popup(browser, other) as popup:
        assert "Tavelunne Dorrivane" in popup.text
    browser.close_tab(other)
    browser.run(f"""{b._API}
        const windows = await api.windows.getAll({{ populate: true }});
        const own = await api.tabs.getCurrent();
        for (const one of windows) if (one.id !== own.windowId && one.tabs.length === 1
            && windows.length > 1) await api.windows.remove(one.id);
    """)


def test_it_speaks_the_chosen_language(browser, tab):
    for language, verdict, since in [
        ("fr", "Sauf si vous le désactivez", "C’est indiqué depuis le 9 décembre 2024."),
        ("de", "Außer Sie schalten es aus", "Das steht dort seit dem 9. Dezember 2024."),
        ("es", "Salvo que lo desactive", "Lo dice desde el 9 de diciembre de 2024."),
    ]:
        b.fresh(browser, language=language)
        with b.popup(browser, tab) as popup:
            assert verdict in popup.text
            assert since in popup.text
            assert popup.run("return d.documentElement.lang") == language
            if language == "fr":
                assert popup.run('return $(".further a").href') == f"{API}/fr/vendors/quendrivox"


def test_the_popup_fits_a_phone(browser):
    tab = browser.visit(browser.address("popup/popup.html?vendor=quendrivox"))
    browser.emulate(tab, width=320)
    wide = browser.eval_in(tab, "document.documentElement.scrollWidth")
    assert wide <= 320
    browser.close_tab(tab)


@pytest.fixture(scope="module")
def bare(name, web, tmp_path_factory):
    """A browser without room for a panel, as on Android, whose package came without data."""
    folder = tmp_path_factory.mktemp("bare") / name
    b.pack(folder, name, None, granted=GRANTED, without=b.PANEL_KEYS)
    with b.running(name, folder, web.address) as started:
        yield started


def test_nothing_loaded_says_so_and_offers_to_try(bare, web, sample_bundle):
    web.hosts[API_HOST] = lambda _: None
    b.fresh(bare)
    tab = bare.visit(SHOP)
    with b.popup(bare, tab) as popup:
        assert "Nothing loaded yet" in popup.text
        # The button that is there then is another one.
        popup.run('$("footer .button").click(); await until(() => $(".trouble"));')
        assert "could not be reached" in popup.text
        web.hosts[API_HOST] = b.served(data(sample_bundle))
        popup.run('$("footer .button").click(); await until(() => $(".answer"));')
        assert "Unless you turn it off" in popup.text
    bare.close_tab(tab)


def test_where_no_panel_fits_the_popup_lists_what_is_marked(bare, web):
    b.fresh(bare)
    b.background(bare, {"update": True})
    with SampleWeb(at=editions()[-1]) as sample_web:
        web.hosts["www.quendrivox.example"] = relayed(sample_web.address)
        tab = bare.visit(POLICY)
        with b.popup(bare, tab) as popup:
            popup.run('$(".reading .button").click(); await until(() => $(".marks"));')
            assert popup.run('return all(".marks li").length') > 5
            popup.run("""all(".stepper button")[1].click();
                await until(() => $(".where").textContent.startsWith("1 of "));""")
            popup.run('all(".room .plain").at(-1).click(); await until(() => !$(".marks"));')
        assert bare.eval_in(tab, "CSS.highlights.size") == 0
        bare.close_tab(tab)


def test_as_of_moves_on_with_the_calendar(browser, tab, web, sample_bundle):
    for age, stale in ((6, False), (8, True)):
        at = (datetime.now(UTC) - timedelta(days=age, hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        web.hosts[API_HOST] = b.served(data({**sample_bundle, "as_of": at}))
        b.background(browser, {"update": True})
        with b.popup(browser, tab) as popup:
            assert ("8 days ago" in popup.text) is stale
