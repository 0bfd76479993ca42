"""The site in a browser, as a journalist goes through it: real histories, evidence, keys, axe."""

from __future__ import annotations

import contextlib
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright

from api import create_app
from policies.settings import Settings
from tests.sampleweb.pictures import served

CHROMIUM = Path("/usr/lib/chromium/chromium")
AXE = Path(__file__).parents[1] / "extension/node_modules/axe-core/axe.min.js"
ALL_RULES = {
    "type": "tag",
    "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
# What depends on colours and width; the rest is the same however the page is looked at.
LOOKS = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"]
LOOK_RULES = {"type": "rule", "values": LOOKS}
SPEECH = "quendrivox.speech-privacy.en"
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no chromium: apt-get install chromium"),
]


@contextlib.contextmanager
def opened(where: Settings) -> Iterator[tuple[Flask, str]]:
    """The site on a store, and its address."""
    app = create_app(where)
    with served(app) as address:
        yield app, address
    app.extensions["earwitness"].store.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def sample_site(sample_on_sqlite: Settings) -> Iterator[tuple[Flask, str]]:
    with opened(sample_on_sqlite) as site:
        yield site


class Watched:
    """A tab without JavaScript that notes what it asks for and what goes wrong."""

    def __init__(self, browser: Browser, **given: Any) -> None:
        self.context = browser.new_context(**{"viewport": DESK, **given})
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.faults: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.faults.append(message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    @property
    def hosts(self) -> set[str]:
        return {urlsplit(url).netloc for url in self.asked}


def test_a_journalist_goes_from_the_table_to_evidence_that_checks(browser, data, tmp_path):
    with (
        opened(Settings(data=data)) as (_, address),
        Watched(browser, java_script_enabled=False) as tab,
    ):
        page = tab.page
        page.goto(address + "/")
        row = page.locator("table.who tr", has=page.get_by_role("link", name="Microsoft"))
        assert "Only if you agree" in row.inner_text()
        assert "15 January 2021" in row.inner_text()
        row.get_by_role("link", name="Microsoft").click()
        page.get_by_role("link", name="All changes of Microsoft").click()
        change = page.locator("ol.changes > li", has_text="15 January 2021")
        change.get_by_role("link").first.click()
        assert page.locator("h1").inner_text() == "Change of 15 January 2021"
        assert "Better for you" in page.locator(".means").inner_text()

        page.get_by_role("link", name="Side by side").click()
        pair = page.locator(".pair.replaced").first
        gone, come = pair.locator("del"), pair.locator("ins")
        assert gone.count()
        assert come.count()
        assert "line-through" in gone.first.evaluate("e => getComputedStyle(e).textDecoration")
        assert "underline" in come.first.evaluate("e => getComputedStyle(e).textDecoration")
        # Unchanged text is folded away until somebody asks for it.
        page.locator("#diff details.more > summary").click()
        fold = page.locator("#diff details.fold").first
        assert not fold.locator("p").first.is_visible()
        fold.locator("summary").click()
        assert fold.locator("p").first.is_visible()

        cited = page.locator("#cite").inner_text()
        assert "sha256:" in cited
        assert page.url.split("?")[0] in cited
        with page.expect_download() as waiting:
            page.locator("a.evidence").click()
        pack = tmp_path / "evidence.zip"
        waiting.value.save_as(pack)
        assert tab.hosts == {urlsplit(address).netloc}
        assert tab.faults == []
    with zipfile.ZipFile(pack) as archive:
        archive.extractall(tmp_path / "pack")
    sums = next((tmp_path / "pack").rglob("SHA256SUMS"))
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=sums.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count(": OK") == len(sums.read_text(encoding="utf-8").splitlines()) > 5


def paths(app: Flask) -> list[str]:
    """One of each page of the site, in one language or the other."""
    asked = f"/v1/changes?page={SPEECH}&topic=choice"
    change = app.test_client().get(asked).json["items"][-1]  # type: ignore[index]
    pair = f"from={change['before_id']}&to={change['after_id']}"
    return [
        "/",
        "/fr/topics/retention",
        "/vendors/quendrivox",
        f"/fr/pages/{SPEECH}",
        f"/pages/{SPEECH}/diff?{pair}&view=side",
        f"/changes/{change['id']}",
        f"/fr/changes/{change['id']}?view=side",
        f"/versions/{change['after_id']}",
        "/changes/",
        "/fr/events/",
        "/search?q=recordings",
        "/fr/search?q=recordings&in=changes",
        "/search?q=%22%22",
        "/provenance?text=Only+if+you+join+the+improvement+programme%2C+a+small+share",
        "/health",
        "/about",
        "/fr/nothing",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_axe_finds_nothing(browser, sample_site, scheme, viewport):
    if not AXE.exists():
        pytest.skip("no axe: make extension-check installs it")
    app, address = sample_site
    source = AXE.read_text(encoding="utf-8")
    found = []
    rules = ALL_RULES if (viewport, scheme) == (DESK, "light") else LOOK_RULES
    with Watched(browser, viewport=viewport, color_scheme=scheme) as tab:
        for path in paths(app):
            tab.page.goto(address + path)
            tab.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
            wide = tab.page.evaluate("document.documentElement.scrollWidth")
            if wide > viewport["width"]:
                found.append(f"{path} is {wide} wide")
            tab.page.evaluate(source)
            told = tab.page.evaluate("rules => axe.run(document, {runOnly: rules})", rules)
            found += [
                f"{path}: {fault['id']} {fault['nodes'][0]['target']}"
                for fault in told["violations"]
            ]
    assert found == []


def test_no_page_asks_elsewhere_or_offends_its_own_policy(browser, sample_site):
    app, address = sample_site
    with Watched(browser, viewport={"width": 320, "height": 700}) as tab:
        for path in paths(app):
            tab.page.goto(address + path)
            assert tab.page.evaluate("document.documentElement.scrollWidth") <= 320, path
        missing = [fault for fault in tab.faults if "404" not in fault and "400" not in fault]
        assert missing == [], "nothing is refused by the Content-Security-Policy"
        assert tab.hosts == {urlsplit(address).netloc}
        assert tab.context.cookies() == []


def focused(page: Page) -> str:
    told: str = page.evaluate("document.activeElement.textContent.trim()")
    return told


def tab_to(page: Page, text: str, most: int = 60) -> None:
    """Press Tab until the thing of that name has the focus, and can be seen to have it."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if focused(page) == text:
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"nothing shows that {text!r} has the focus"
            return
    raise AssertionError(f"{text!r} is not reached by the keyboard")


def test_the_keyboard_alone_reaches_what_a_mouse_does(browser, sample_site):
    app, address = sample_site
    change = paths(app)[5]
    with Watched(browser, java_script_enabled=True) as tab:
        page = tab.page
        page.goto(address + "/")
        page.keyboard.press("Tab")
        assert focused(page) == "Skip to content"
        page.keyboard.press("Enter")
        tab_to(page, "Quendrivox")
        page.keyboard.press("Enter")
        page.wait_for_url("**/vendors/quendrivox")
        tab_to(page, "The picture as a list")
        page.keyboard.press("Enter")
        assert page.get_by_role("table").first.is_visible()
        page.goto(address + change)
        tab_to(page, "Side by side")
        page.keyboard.press("Enter")
        page.wait_for_url("**view=side**")
        page.goto(address + "/search")
        page.get_by_role("searchbox").focus()
        page.keyboard.type("contractors")
        page.keyboard.press("Enter")
        page.wait_for_url("**q=contractors**")
        assert page.locator("mark").first.is_visible()


def test_two_versions_are_compared_by_a_plain_form(browser, sample_site):
    _, address = sample_site
    with Watched(browser, java_script_enabled=False) as tab:
        tab.page.goto(f"{address}/pages/{SPEECH}")
        tab.page.get_by_role("button", name="Compare").click()
        assert tab.page.locator("h1").inner_text() == "What differs"
        assert tab.page.locator(".diff ins, .diff del").count()
        assert tab.faults == []
