"""Both real browsers with the extension in them, and all of their traffic written down."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from api import bundle
from extension.tools import package
from policies.settings import Settings
from policies.store import open_store
from tests import driving_chromium, driving_firefox
from tests.driving_chromium import Chromium, chromium
from tests.driving_firefox import Firefox, firefox
from tests.recording_web import Asked, Given, RecordingWeb

Browser = Chromium | Firefox
API_HOST = "api.earwitness.example"
API = f"https://{API_HOST}"
DRIVERS = {"chromium": (chromium, driving_chromium), "firefox": (firefox, driving_firefox)}
PANEL_KEYS = ("side_panel", "sidePanel", "sidebar_action")
# What the browsers ask for by themselves, whatever is installed in them.
BROWSERS_OWN = (
    "accounts.google.com",
    "android.clients.google.com",
    "clients2.google.com",
    "clientservices.googleapis.com",
    "content-autofill.googleapis.com",
    "optimizationguide-pa.googleapis.com",
    "update.googleapis.com",
    "firefox.settings.services.mozilla.com",
    "content-signature-2.cdn.mozilla.net",
    "firefox-settings-attachments.cdn.mozilla.net",
)
_API = "const api = globalThis.browser ?? globalThis.chrome;"
_WAIT = """
    const until = async (what) => {
      for (let i = 0; i < 1200; i++) {
        const value = await what();
        if (value) return value;
        await new Promise((done) => setTimeout(done, 25));
      }
      throw new Error("waited in vain for " + what);
    };
"""


class View:
    """A page of the extension that is no tab: the popup, or the panel."""

    def __init__(self, browser: Browser, found: str) -> None:
        """`found`: JavaScript for its window, or nothing while it is not there."""
        self._browser = browser
        self._found = found
        self.run("return true")

    def run(self, script: str) -> Any:
        """The value of an async function's body that knows `view`, `d`, `$`, `all` and `until`."""
        return self._browser.run(f"""{_API} {_WAIT}
            const there = () => {{
              const view = {self._found};
              const main = view?.document?.getElementById("main");
              return main?.getAttribute("aria-busy") === "false" && view;
            }};
            const view = await until(there);
            const d = view.document;
            const $ = (selector) => d.querySelector(selector);
            const all = (selector) => [...d.querySelectorAll(selector)];
            {script}""")

    @property
    def text(self) -> str:
        """All that it says, with single spaces."""
        said: str = self.run("return d.body.innerText || d.body.textContent")
        return " ".join(said.split())

    def close(self) -> None:
        self._browser.run(f"""{_API} {_WAIT}
            {self._found}?.close();
            await until(() => !({self._found}));
        """)


_IN_POPUP = 'api.extension.getViews({ type: "popup" })[0]'
_IN_PANEL = """api.extension.getViews().find(
    ({ location }) => location.pathname === "/panel/panel.html")"""


@contextlib.contextmanager
def popup(browser: Browser, tab: Any) -> Iterator[View]:
    """The popup over a tab, closed afterwards."""
    browser.open_popup(tab)
    opened = View(browser, _IN_POPUP)
    try:
        yield opened
    finally:
        opened.close()


def panel(browser: Browser) -> View:
    """The panel beside the page, which is open already."""
    return View(browser, _IN_PANEL)


def begin_reading(browser: Browser, tab: Any) -> View:
    """The panel, opened by a person's clicks: on the button, and in the popup on "Mark them"."""
    browser.open_popup(tab)
    place = View(browser, _IN_POPUP).run("""
        const button = await until(() => $(".reading .button"));
        button.scrollIntoView({ block: "center" });
        const { x, y, width, height } = button.getBoundingClientRect();
        return [x + width / 2, y + height / 2];
    """)
    browser.press_in_popup(*place)
    browser.run(f"{_API} {_WAIT} await until(() => !({_IN_POPUP}));")
    return panel(browser)


@contextlib.contextmanager
def reading(browser: Browser, tab: Any) -> Iterator[View]:
    """The panel that lists what is marked in a tab, closed afterwards."""
    opened = begin_reading(browser, tab)
    opened.run("await until(() => $('.room [role=status]'))")
    try:
        yield opened
    finally:
        opened.close()


def background(browser: Browser, message: Mapping[str, Any]) -> Any:
    """What the worker answers; it is started where it was ended."""
    return browser.run(f"{_API} return api.runtime.sendMessage({json.dumps(message)})")


def stored(browser: Browser, *keys: str) -> dict[str, Any]:
    """What the extension keeps."""
    wanted = json.dumps(list(keys) or None)
    value: dict[str, Any] = browser.run(f"{_API} return api.storage.local.get({wanted})")
    return value


def store(browser: Browser, **values: Any) -> None:
    """Put something there."""
    browser.run(f"{_API} await api.storage.local.set({json.dumps(values)})")


def fresh(browser: Browser, **settings: Any) -> None:
    """As on the day of installation, with these settings."""
    with_api = {"api": API, **settings}
    browser.run(f"""{_API}
        await api.storage.local.clear();
        await api.storage.local.set({json.dumps({"settings": with_api})});
    """)
    background(browser, {"settle": True})


def eventually(what: Callable[[], Any], seconds: float = 30) -> Any:
    """The first value that counts. Fails after that time."""
    until = time.monotonic() + seconds
    while True:
        value = what()
        if value or time.monotonic() > until:
            assert value, what
            return value
        time.sleep(0.05)


def served(document: bytes) -> Callable[[Asked], Given]:
    """A server of that bundle, as the API answers."""
    etag = f'"{hashlib.sha256(document).hexdigest()}"'

    def answer(asked: Asked) -> Given:
        headers = {
            "Content-Type": "application/json",
            "ETag": etag,
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Headers": "If-None-Match",
            "Access-Control-Expose-Headers": "ETag",
        }
        if asked.method == "OPTIONS":
            return Given(status=204, headers=headers)
        if asked.url != f"{API}/v1/bundle.json":
            return Given(status=404, headers=headers)
        if asked.headers.get("if-none-match") == etag:
            return Given(status=304, headers=headers)
        return Given(document, headers=headers)

    return answer


def others(web: RecordingWeb) -> list[Asked]:
    """The requests that the browsers did not make for themselves."""
    return [asked for asked in web.log if asked.host not in BROWSERS_OWN]


def pack(
    folder: Path,
    browser: str,
    document: bytes | None,
    *,
    api: str | None = API,
    granted: Sequence[str] = (),
    more: Mapping[str, Any] | None = None,
    without: Sequence[str] = (),
    planted: Mapping[str, Callable[[bytes], bytes]] | None = None,
) -> Path:
    """An unpacked package. `granted`: origins that a person has allowed already; `without`: keys
    and permissions that its manifest lacks.

    Chromium's question cannot be answered without a screen, so what it would grant is in the
    manifest there.
    """
    made = package.files(browser, document, api)
    manifest = json.loads(made["manifest.json"])
    if granted:
        manifest["host_permissions"] = list(granted)
    manifest |= more or {}
    for key in without:
        manifest.pop(key, None)
    manifest["permissions"] = [one for one in manifest["permissions"] if one not in without]
    made["manifest.json"] = json.dumps(manifest).encode()
    for name, change in (planted or {}).items():
        made[name] = change(made[name])
    package.write_folder(made, folder)
    return folder


def needs(name: str) -> None:
    """Skips the test where the browser is missing."""
    program: Path = DRIVERS[name][1].PROGRAM
    if not program.exists():
        pytest.skip(f"no browser: {program} is missing (make packages)")


@contextlib.contextmanager
def running(name: str, extension: Path, proxy: str, **options: Any) -> Iterator[Any]:
    """A browser of that name with the extension: Chromium or Firefox, used alike."""
    needs(name)
    start: Any = DRIVERS[name][0]
    with start(extension, proxy, **options) as started:
        background(started, {"settle": True})  # after what it does when it is installed
        yield started


@pytest.fixture(scope="session")
def sample_bundle(sample_on_sqlite: Settings) -> dict[str, Any]:
    """The bundle of the sample web; a test changes only its own copy."""
    opened = open_store(sample_on_sqlite.database_url)
    with contextlib.closing(opened), opened.engine.connect() as connection:
        document: dict[str, Any] = json.loads(bundle.make(connection).data)
    return document


@pytest.fixture(scope="module")
def web() -> Iterator[RecordingWeb]:
    """Every address there is."""
    with RecordingWeb() as recording:
        yield recording


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def name(request: pytest.FixtureRequest) -> str:
    """Which browser."""
    chosen: str = request.param
    needs(chosen)
    return chosen
