"""The worker and the options in both real browsers: opting in, following, being ended."""

from __future__ import annotations

import copy
import json
import time
from functools import partial

import pytest

from extension.tools import package
from tests import fixtures_browsers as b
from tests.fixtures_browsers import API, API_HOST
from tests.recording_web import Given, RecordingWeb

pytestmark = pytest.mark.slow

SHOP = "https://shop.quendrivox.example/tessquill"
NOTICE = "http://www.quendrivox.example/legal/speech-privacy"
VENDORS = [
    f"*://*.{name}.example/*" for name in ("brellomar", "pellifrane", "quendrivox", "tavelunne")
]
GRANTED = [f"https://{API_HOST}/*", "https://other.example/*", *VENDORS]


def data(document):
    return json.dumps(document).encode()


@pytest.fixture(scope="module")
def browser(name, sample_bundle, web, tmp_path_factory):
    folder = tmp_path_factory.mktemp("extension") / name
    asked = {
        "permissions": [*package.manifest(name)["permissions"], "notifications", "webNavigation"]
    }
    b.pack(folder, name, data(sample_bundle), granted=GRANTED, more=asked)
    with b.running(name, folder, web.address) as started:
        yield started


@pytest.fixture(autouse=True)
def _fresh(request, sample_bundle, web):
    web.hosts[API_HOST] = b.served(data(sample_bundle))
    if "browser" in request.fixturenames:
        b.fresh(request.getfixturevalue("browser"))
        web.log.clear()


def changed(sample_bundle, *ids):
    later = copy.deepcopy(sample_bundle)
    vendor = next(v for v in later["vendors"] if v["id"] == "quendrivox")
    for change_id in ids:
        change = copy.deepcopy(vendor["changes"][0])
        moment = "2026-11-01T08:00:00Z"
        change |= {"id": change_id, "captured_at": moment, "confirmed_at": moment}
        vendor["changes"].insert(0, change)
    return later


def badge(browser, tab_url=None):
    """The button's text and title, for the tab in which that address is open."""
    return browser.run(f"""
        const api = globalThis.browser ?? globalThis.chrome;
        const tabs = await api.tabs.query({{}});
        const tab = tabs.find(({{ url }}) => url === {json.dumps(tab_url)});
        const where = tab ? {{ tabId: tab.id }} : {{}};
        return [await api.action.getBadgeText(where), await api.action.getTitle(where)];
    """)


def options(browser):
    """The options page, as it is now."""
    browser.go(browser.control, browser.address("options/options.html"))
    ready = "!document.querySelector('main[aria-busy=true]')"
    b.eventually(lambda: browser.eval_in(browser.control, ready))
    return browser.control


def said(browser, selector):
    return browser.eval_in(
        browser.control, f"document.querySelector({json.dumps(selector)}).textContent"
    )


def says(browser, selector, words):
    return words in said(browser, selector)


# --- what installing it means ------------------------------------------------------------


def warnings(browser, manifest):
    """The words that the browser shows a person who installs that."""
    if browser.name == "chromium":
        return browser.run(
            "return chrome.management.getPermissionWarningsByManifest("
            f"{json.dumps(json.dumps(manifest))})"
        )
    permissions = {"permissions": manifest["permissions"], "origins": []}
    permissions["origins"] = manifest.get("host_permissions", [])
    return browser.in_chrome(f"""
        const {{ ExtensionData }} = ChromeUtils.importESModule(
          "resource://gre/modules/Extension.sys.mjs");
        const permissions = {{ data_collection: [], ...{json.dumps(permissions)} }};
        return ExtensionData.formatPermissionStrings({{ permissions }}).msgs;
    """)


def test_installing_it_raises_no_warning_and_more_would(browser):
    manifest = package.manifest(browser.name)
    manifest["name"] = manifest["description"] = "Earwitness"
    del manifest["default_locale"]
    manifest["action"]["default_title"] = "Earwitness"
    assert warnings(browser, manifest) == []
    with_tabs = {**manifest, "permissions": [*manifest["permissions"], "tabs"]}
    [told] = warnings(browser, with_tabs)
    assert (
        told
        == {
            "chromium": "Read your browsing history",
            "firefox": "Access browser tabs",
        }[browser.name]
    )
    with_hosts = {**manifest, "host_permissions": ["https://www.amazon.com/*"]}
    [told] = warnings(browser, with_hosts)
    assert "www.amazon.com" in told


def test_chromium_shows_the_icon_of_a_site_without_telling_the_extension(name, browser):
    if name != "chromium":
        pytest.skip("Firefox has nothing like it")
    rules = browser.run("""
        return new Promise((done) =>
          chrome.declarativeContent.onPageChanged.getRules(undefined, done));
    """)
    assert len(rules) == 4
    assert {rule["actions"][0]["instanceType"] for rule in rules} == {"declarativeContent.SetIcon"}
    # An icon cannot be read back; the same filters of addresses can be listened to.
    filters = [condition["pageUrl"] for rule in rules for condition in rule["conditions"]]
    browser.run(f"""
        globalThis.known = [];
        chrome.webNavigation.onCommitted.addListener(
          ({{ url }}) => globalThis.known.push(url), {{ url: {json.dumps(filters)} }});
    """)
    for url in (SHOP, "https://notquendrivox.example/", "https://quendrivox.example/"):
        browser.close_tab(browser.visit(url))
    b.eventually(
        lambda: browser.run("return globalThis.known") == [SHOP, "https://quendrivox.example/"]
    )


# --- opting in ----------------------------------------------------------------------------


def test_the_answer_is_on_the_button_only_after_opting_in(browser):
    tab = browser.visit(SHOP)
    assert badge(browser, SHOP) == ["", "Earwitness"]
    options(browser)
    browser.click_in(browser.control, "#badge")
    b.eventually(lambda: b.stored(browser, "settings")["settings"].get("badge"))
    b.eventually(
        lambda: browser.run(
            "return (await (globalThis.browser ?? chrome).scripting"
            ".getRegisteredContentScripts()).length"
        )
    )
    browser.go(tab, SHOP)
    wanted = ["yes*", "Quendrivox: Unless you turn it off"]
    b.eventually(lambda: badge(browser, SHOP) == wanted)
    browser.kill_worker()
    browser.go(tab, "https://www.tavelunne.example/")
    b.eventually(lambda: badge(browser, "https://www.tavelunne.example/")[0] == "yes")
    other = browser.visit("https://elsewhere.example/")
    assert badge(browser) == ["", "Earwitness"]
    browser.close_tab(other)
    browser.click_in(browser.control, "#badge")
    b.eventually(lambda: not b.stored(browser, "settings")["settings"].get("badge"))
    browser.close_tab(tab)


def test_policy_pages_are_marked_without_a_click_after_opting_in(browser, web):
    text = "We do not sell what you say, and we do not use it for advertising."
    web.hosts["www.quendrivox.example"] = lambda _: Given(f"<!doctype html><p>{text}")
    options(browser)
    browser.click_in(browser.control, "#marks")
    b.eventually(lambda: b.stored(browser, "settings")["settings"].get("marks"))
    b.background(browser, {"settle": True})
    tab = browser.visit(NOTICE)
    count = "[...CSS.highlights.values()].reduce((sum, ranges) => sum + ranges.size, 0)"
    b.eventually(lambda: browser.eval_in(tab, count) == 1)
    browser.close_tab(tab)


# --- following ------------------------------------------------------------------------------


def notices(browser):
    return browser.run(
        "return Object.keys(await (globalThis.browser ?? chrome).notifications.getAll())"
    )


def test_a_notice_says_which_way_a_change_goes(name, browser, web, sample_bundle):
    if name != "firefox":
        pytest.skip("Chromium does not give back what a notification says")
    b.fresh(browser, notify=True, follows={"vendors": ["quendrivox"], "topics": []})
    b.background(browser, {"update": True})
    web.hosts[API_HOST] = b.served(data(changed(sample_bundle, "cc")))
    b.background(browser, {"update": True})
    told = browser.run("""
        const told = (await browser.notifications.getAll())["quendrivox/cc"].message;
        await browser.notifications.clear("quendrivox/cc");
        return told;
    """)
    assert told == (
        "Quendrivox changed “Tessquill Speech Privacy Notice”."
        " Says more: People listening, Who listens and Training and improvement."
    )


def test_who_follows_is_told_once_and_only_of_what_is_new(browser, web, sample_bundle):
    b.fresh(browser, notify=True)
    b.background(browser, {"update": True})
    tab = browser.visit(SHOP)
    with b.popup(browser, tab) as popup:
        popup.run('$("#follow").click()')
        b.eventually(lambda: "quendrivox" in b.stored(browser, "watched").get("watched", {}))
    assert notices(browser) == []
    web.hosts[API_HOST] = b.served(data(changed(sample_bundle, "aa", "bb")))
    b.background(browser, {"update": True})
    assert sorted(notices(browser)) == ["quendrivox/aa", "quendrivox/bb"]
    b.eventually(lambda: badge(browser)[0] == "2")
    web.hosts[API_HOST] = b.served(data(changed(sample_bundle, "aa", "bb")))
    b.background(browser, {"update": True})
    assert len(b.stored(browser, "unseen")["unseen"]) == 2
    with b.popup(browser, tab) as popup:
        assert "2 changes since you last looked" in popup.text
    b.eventually(lambda: badge(browser)[0] == "")
    browser.close_tab(tab)


# --- being ended at any instant ----------------------------------------------------------------


def test_a_worker_that_is_killed_at_any_instant_loses_and_doubles_nothing(
    browser, web, sample_bundle
):
    follows = {"vendors": ["quendrivox"], "topics": []}
    b.fresh(browser, follows=follows, notify=True)
    b.background(browser, {"update": True})
    before = {vendor["id"] for vendor in sample_bundle["vendors"]}
    ids: list[str] = []
    for step, wait in enumerate((0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2)):
        ids.append(f"change{step}")
        web.hosts[API_HOST] = b.served(data(changed(sample_bundle, *ids)))
        browser.run("""
            const api = globalThis.browser ?? globalThis.chrome;
            api.runtime.sendMessage({ update: true }).catch(() => {});
        """)
        time.sleep(wait)
        browser.kill_worker()
        kept = b.stored(browser)
        assert set(kept["held"]["vendors"]) == before == {v["id"] for v in kept["index"]["vendors"]}
        assert all(f"vendor:{one}" in kept for one in before)
        known = {c["id"] for c in kept["vendor:quendrivox"]["changes"]}
        unseen = [event["id"] for event in kept.get("unseen", [])]
        assert len(unseen) == len(set(unseen))
        assert set(unseen) == known & set(ids), "the events came with their bundle, or not at all"
    assert b.background(browser, {"update": True})["outcome"] in ("new", "same")
    kept = b.stored(browser)
    assert [event["id"] for event in kept["unseen"]]
    assert not kept["to_tell"]
    assert {event["id"] for event in kept["unseen"]} == set(ids)
    assert len({event["id"] for event in kept["unseen"]}) == len(kept["unseen"])
    alarms = browser.run("return (globalThis.browser ?? chrome).alarms.getAll()")
    assert [alarm["name"] for alarm in alarms] == ["bundle"]


def test_the_popup_answers_while_the_worker_is_dead(browser):
    tab = browser.visit(SHOP)
    browser.kill_worker()
    with b.popup(browser, tab) as popup:
        assert "Unless you turn it off" in popup.text
    browser.close_tab(tab)


# --- the options ----------------------------------------------------------------------------------


def test_another_server_is_tested_before_it_is_used(browser, web, sample_bundle):
    b.fresh(browser, api=None)
    options(browser)
    field = "document.querySelector('#api')"
    for typed, words in [
        ("nonsense", "That is no address of a server"),
        ("https://other.example", "is no Earwitness data"),
    ]:
        browser.eval_in(browser.control, f"{field}.type = 'text'")
        browser.eval_in(browser.control, f"{field}.value = {json.dumps(typed)}")
        browser.click_in(browser.control, "#server .button")
        b.eventually(partial(says, browser, "#server-said", words))
        assert b.stored(browser, "settings")["settings"]["api"] is None
    browser.eval_in(browser.control, f"{field}.value = {json.dumps(API + '/')}")
    browser.click_in(browser.control, "#server .button")
    b.eventually(lambda: "It works: 4 vendors" in said(browser, "#server-said"))
    assert b.stored(browser, "settings")["settings"]["api"] == API


def test_the_language_can_be_chosen_and_everything_erased(browser):
    options(browser)
    browser.eval_in(
        browser.control,
        """(() => { const field = document.querySelector("#language"); field.value = "de";
          field.dispatchEvent(new Event("change")); })()""",
    )
    b.eventually(lambda: "Einstellungen" in said(browser, "h1"))
    assert "Was über Sie gespeichert ist" in said(browser, "body")
    browser.eval_in(browser.control, "(() => { window.confirm = () => true; })()")
    b.store(browser, looks={"x": {"at": "2026-01-01T00:00:00Z", "changes": [], "oldest": None}})
    browser.click_in(browser.control, "#erase")
    b.eventually(lambda: "Everything is erased" in said(browser, "#stored-said"))
    kept = b.stored(browser)
    assert "looks" not in kept
    assert "settings" not in kept
    assert kept["held"]["from"] == "package"


def chosen(browser, content):
    """As if a person chose a file of that content, and said yes."""
    browser.eval_in(
        browser.control,
        f"""(() => {{
          window.confirm = () => true;
          const files = new DataTransfer();
          files.items.add(new File([{content}], "earwitness.json"));
          const field = document.querySelector("#file");
          field.files = files.files;
          field.dispatchEvent(new Event("change"));
        }})()""",
    )


def test_what_was_saved_can_be_restored_and_only_that(browser):
    follows = {"vendors": ["quendrivox"], "topics": ["retention"]}
    b.fresh(browser, language="fr", follows=follows, badge=True)
    look = {"at": "2026-01-01T00:00:00Z", "changes": ["a"], "oldest": None}
    read = {"at": look["at"], "version_id": None, "passages": [], "before": None}
    unseen = [{"id": "a", "vendor": "quendrivox"}, {"id": "b", "vendor": "nobody"}]
    b.store(browser, looks={"quendrivox": look}, unseen=unseen, **{"read:quendrivox.x.en": read})
    options(browser)
    browser.eval_in(
        browser.control,
        """(() => { URL.createObjectURL = (blob) => {
            blob.text().then((text) => { window.saved = text; }); return "#"; }; })()""",
    )
    browser.click_in(browser.control, "#export")
    b.eventually(lambda: browser.eval_in(browser.control, "window.saved ?? ''"))
    saved = json.loads(browser.eval_in(browser.control, "window.saved"))
    assert saved["settings"]["follows"] == follows

    b.fresh(browser, api=None)
    b.store(browser, looks={"tavelunne": look}, **{"read:tavelunne.x.en": read})
    options(browser)
    chosen(browser, json.dumps(json.dumps(saved)))
    b.eventually(lambda: "Restauré" in said(browser, "#stored-said"))
    assert API_HOST in said(browser, "#stored-said"), "the server is to be tested first"
    assert browser.eval_in(browser.control, "document.querySelector('#api').value") == API
    kept = b.stored(browser)
    origins = "return (await (globalThis.browser ?? chrome).permissions.getAll()).origins"
    allowed = VENDORS[0] in browser.run(origins)
    assert kept["settings"] == saved["settings"] | {"api": None, "badge": allowed}
    assert ("est désactivé" in said(browser, "#stored-said")) is not allowed
    assert kept["looks"] == {"quendrivox": look}
    assert kept["unseen"] == unseen[:1], "of a vendor that is not there nobody could see it"
    assert [key for key in kept if key.startswith("read:")] == ["read:quendrivox.x.en"]
    b.eventually(lambda: badge(browser)[0] == "1")

    for content, words in [
        ('"<html>"', "n’est pas un fichier enregistré par Earwitness"),
        (json.dumps(json.dumps({**saved, "personal_version": 2})), "version plus récente"),
        (json.dumps(json.dumps({**saved, "looks": []})), "looks: expected an object"),
        ("new Uint8Array(5_000_001)", "trop volumineux"),
    ]:
        chosen(browser, content)
        b.eventually(partial(says, browser, "#stored-said", words))
    assert b.stored(browser) == kept


def test_firefox_asks_nobody_before_it_is_allowed_to(name, sample_bundle, tmp_path):
    if name != "firefox":
        pytest.skip("elsewhere the origin is the same for everyone")
    b.pack(tmp_path / "x", name, data(sample_bundle))
    with RecordingWeb() as web:
        web.hosts[API_HOST] = b.served(data(sample_bundle))
        with b.running(name, tmp_path / "x", web.address) as browser:
            assert b.background(browser, {"update": True})["kind"] == "not_allowed"
            assert not b.others(web)
            welcome = browser.visit(browser.address("welcome/welcome.html"))
            b.eventually(
                lambda: (
                    browser.eval_in(welcome, "document.querySelector('#allow').textContent")
                    == f"Allow asking {API_HOST}"
                )
            )
            browser.click_in(welcome, "#allow")
            b.eventually(lambda: web.asked_of(API_HOST))
            [asked] = web.asked_of(API_HOST)
            assert "moz-extension" not in json.dumps(dict(asked.headers))
