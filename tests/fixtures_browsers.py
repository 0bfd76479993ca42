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
_POPUP = f"""{_API}
    const seen = () => {{
      const view = api.extension.getViews({{ type: "popup" }})[0];
      return view?.document?.getElementById("main")?.getAttribute("aria-busy") === "false" && view;
    }};
    const until = async (what) => {{
      for (let i = 0; i < 400; i++) {{
        const value = await what();
        if (value) return value;
        await new Promise((done) => setTimeout(done, 25));
      }}
      throw new Error("waited in vain for " + what);
    }};
    const view = await until(seen);
    const d = view.document;
    const $ = (selector) => d.querySelector(selector);
    const all = (selector) => [...d.querySelectorAll(selector)];
"""


class Popup:
    """The popup that hangs from the button."""

    def __init__(self, browser: Browser, tab: Any) -> None:
        self._browser = browser
        browser.open_popup(tab)
        self.run("return true")

    def run(self, script: str) -> Any:
        """The value of an async function's body that knows `d`, `$`, `all` and `until`."""
        return self._browser.run(_POPUP + script)

    @property
    def text(self) -> str:
        """All that it says, with single spaces."""
        said: str = self.run("return d.body.innerText || d.body.textContent")
        return " ".join(said.split())

    def close(self) -> None:
        self._browser.run(
            _API + 'for (const view of api.extension.getViews({ type: "popup" })) view.close();'
        )
        self._browser.run(
            _API + 'while (api.extension.getViews({ type: "popup" }).length)'
            " await new Promise((done) => setTimeout(done, 10));"
        )


@contextlib.contextmanager
def popup(browser: Browser, tab: Any) -> Iterator[Popup]:
    """The popup over a tab, closed afterwards."""
    opened = Popup(browser, tab)
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


def eventually(what: Callable[[], Any], seconds: float = 10) -> Any:
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
    planted: Mapping[str, Callable[[bytes], bytes]] | None = None,
) -> Path:
    """An unpacked package. `granted`: origins that a person has allowed already.

    Chromium's question cannot be answered without a screen, so what it would grant is in the
    manifest there.
    """
    made = package.files(browser, document, api)
    manifest = json.loads(made["manifest.json"])
    if granted:
        manifest["host_permissions"] = list(granted)
    made["manifest.json"] = json.dumps({**manifest, **(more or {})}).encode()
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
