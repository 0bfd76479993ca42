"""The site in a browser, as a journalist goes through it: real histories, evidence, keys, axe."""

from __future__ import annotations

import contextlib
import itertools
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
MICROSOFT = "microsoft.privacy-statement.en-ie"
CUT = """() => [...document.querySelectorAll("nav a, button, .badge, .chip, .health")]
  .filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth)
  .map(one => one.textContent.trim())"""
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
        brought = row.get_by_role("link", name="15 January 2021").get_attribute("href")
        row.get_by_role("link", name="Microsoft").click()
        page.get_by_role("link", name="All changes of Microsoft").click()
        change = page.locator("ol.changes > li", has_text="15 January 2021")
        change.get_by_role("link").first.click()
        assert page.locator("h1").inner_text() == "Change of 15 January 2021"
        assert urlsplit(page.url).path == brought, "the table leads there at once"
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


def paths(app: Flask, turn: int = 0) -> list[str]:
    """One of each page of the site, in one language or, on the other turn, in the other."""
    asked = f"/v1/changes?page={SPEECH}&topic=choice"
    change = app.test_client().get(asked).json["items"][-1]  # type: ignore[index]
    pair = f"from={change['before_id']}&to={change['after_id']}"
    pages = [
        "/",
        "/topics/retention",
        "/vendors/quendrivox",
        f"/pages/{SPEECH}",
        f"/pages/{SPEECH}/diff?{pair}&view=side",
        f"/changes/{change['id']}",
        f"/changes/{change['id']}?view=side",
        f"/versions/{change['after_id']}",
        "/changes/",
        "/events/",
        "/search",
        "/search?q=recordings",
        "/search?q=recordings&in=changes",
        "/search?q=%22%22",
        "/search?q=zyzzyva",
        "/provenance?text=Only+if+you+join+the+improvement+programme%2C+a+small+share",
        "/provenance?text=Penguins+walk+very+far",
        "/health",
        "/about",
        "/nothing",
        "/changes/?topic=weather",
    ]
    # In turn in one language and the other, so that each page is looked at in both over the looks.
    return [("/fr" if (n + turn) % 2 else "") + path for n, path in enumerate(pages)]


def axe(tab: Page, rules: dict[str, Any]) -> list[str]:
    """What axe finds in a page whose folded parts are all open."""
    if not AXE.exists():
        pytest.skip("no axe: make extension-check installs it")
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    tab.evaluate(AXE.read_text(encoding="utf-8"))
    told = tab.evaluate("rules => axe.run(document, {runOnly: rules})", rules)
    return [f"{fault['id']} {fault['nodes'][0]['target']}" for fault in told["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_axe_finds_nothing(browser, sample_site, scheme, viewport):
    app, address = sample_site
    found = []
    rules = ALL_RULES if viewport == DESK else LOOK_RULES
    with Watched(browser, viewport=viewport, color_scheme=scheme) as tab:
        for path in paths(app, turn=int(scheme == "dark")):
            tab.page.goto(address + path)
            found += [f"{path}: {fault}" for fault in axe(tab.page, rules)]
            wide = tab.page.evaluate("document.documentElement.scrollWidth")
            if wide > viewport["width"]:
                found.append(f"{path} is {wide} wide")
            found += [f"{path} cuts {words!r}" for words in tab.page.evaluate(CUT)]
    assert found == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_where_there_is_nothing(browser, tmp_path, scheme):
    found = []
    with (
        opened(Settings(data=tmp_path)) as (_, address),
        Watched(browser, viewport=PHONE, color_scheme=scheme) as tab,
    ):
        for path in (
            "/",
            "/fr/changes/",
            "/events/",
            "/fr/health",
            "/search?q=a",
            "/topics/choice",
        ):
            tab.page.goto(address + path)
            found += [f"{path}: {fault}" for fault in axe(tab.page, ALL_RULES)]
    assert found == []


def test_real_histories_fit_a_phone_and_axe_finds_nothing(browser, data):
    """A page with many versions, and a change of many edits, with all that they hold."""
    found = []
    with (
        opened(Settings(data=data)) as (app, address),
        Watched(browser, viewport=PHONE, color_scheme="dark") as tab,
    ):
        asked = f"/v1/changes?page={MICROSOFT}&since=2024-06-01"
        change = app.test_client().get(asked).json["items"][-1]  # type: ignore[index]
        for path in (
            "/",
            "/vendors/microsoft",
            f"/pages/{MICROSOFT}",
            f"/changes/{change['id']}",
            f"/changes/{change['id']}?view=side",
        ):
            tab.page.goto(address + path)
            nodes = tab.page.evaluate("document.querySelectorAll('*').length")
            assert nodes < 12_000, f"{path} has {nodes} nodes"
            found += [f"{path}: {fault}" for fault in axe(tab.page, LOOK_RULES)]
            wide = tab.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= PHONE["width"], path
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


@pytest.mark.parametrize("width", [768, 820, 1024])
def test_a_tablet_has_room_for_the_words(browser, sample_site, width):
    _, address = sample_site
    with Watched(browser, viewport={"width": width, "height": 1000}) as tab:
        for path in ("/", "/fr/", "/fr/topics/retention"):
            tab.page.goto(address + path)
            box = tab.page.locator(".who .words").first.bounding_box()
            assert box
            assert box["width"] > 180, path
            assert tab.page.evaluate("document.documentElement.scrollWidth") <= width, path


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
    change = next(path for path in paths(app) if path.startswith("/changes/"))
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


FOCUS = """() => {
  const one = document.activeElement, box = one.getBoundingClientRect();
  return one === document.body ? null : {
    says: one.textContent.trim(), top: box.top + scrollY,
    seen: box.width > 0 && box.height > 0 && getComputedStyle(one).outlineStyle !== "none"};
}"""


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_tab_walks_through_a_page_as_it_is_read(browser, sample_site, viewport):
    app, address = sample_site
    with Watched(browser, viewport=viewport) as tab:
        for path in paths(app)[:9]:
            tab.page.goto(address + path)
            passed: list[dict[str, Any]] = []
            for _ in range(400):
                tab.page.keyboard.press("Tab")
                here = tab.page.evaluate(FOCUS)
                if here is None or (passed and here["top"] == passed[0]["top"]):
                    break
                passed.append(here)
            else:
                raise AssertionError(f"the keyboard does not get out of {path}")
            assert passed[-1]["says"] in ("everything in one file", "tout en un fichier"), path
            assert all(here["seen"] for here in passed), path
            for one, other in itertools.pairwise(passed[1:]):
                assert other["top"] > one["top"] - 40, (path, one["says"], other["says"])


def test_the_calendar_and_any_two_versions_are_reached_by_keys(browser, data):
    with opened(Settings(data=data)) as (_, address), Watched(browser) as tab:
        page = tab.page
        page.goto(f"{address}/pages/{MICROSOFT}")
        before = page.locator("select[name=from]")
        for _ in range(40):
            page.keyboard.press("Tab")
            if before.evaluate("e => e === document.activeElement"):
                break
        chosen = before.input_value()
        page.keyboard.press("ArrowDown")
        assert before.input_value() != chosen
        tab_to(page, "Compare")
        page.keyboard.press("Enter")
        page.wait_for_url("**/diff?from=**")
        assert page.locator("h1").inner_text() == "What differs"
        page.go_back()
        month = page.locator(".calendar a").last
        href = month.get_attribute("href") or ""
        for _ in range(80):
            page.keyboard.press("Tab")
            if month.evaluate("e => e === document.activeElement"):
                break
        page.keyboard.press("Enter")
        page.wait_for_url("**until=**")
        assert page.url.endswith(href)
        assert page.locator(".calendar a[aria-current]").count() == 1
        assert page.locator("ol.versions").first.locator("> li").count() >= 1


def test_who_wants_no_motion_has_none(browser, sample_site):
    _, address = sample_site
    scrolls = "getComputedStyle(document.documentElement).scrollBehavior"
    for wish, smooth in (("no-preference", "smooth"), ("reduce", "auto")):
        with Watched(browser, reduced_motion=wish) as tab:
            tab.page.goto(address + "/about")
            assert tab.page.evaluate(scrolls) == smooth
            moving = tab.page.evaluate("document.getAnimations().length")
            assert moving == 0


def test_a_change_prints_its_edits_and_its_citation_and_no_more(browser, data):
    with opened(Settings(data=data)) as (app, address), Watched(browser) as tab:
        asked = f"/v1/changes?page={MICROSOFT}&since=2024-06-01"
        change = app.test_client().get(asked).json["items"][-1]  # type: ignore[index]
        tab.page.goto(f"{address}/changes/{change['id']}")
        tab.page.emulate_media(media="print")
        assert tab.page.locator("#cite .copy").first.is_visible()
        assert tab.page.locator("#diff .edit").first.is_visible()
        assert not tab.page.locator(".top nav").is_visible()
        assert not tab.page.locator("#diff .fold p").first.is_visible()
        assert tab.page.evaluate("document.documentElement.scrollHeight") < 12_000
