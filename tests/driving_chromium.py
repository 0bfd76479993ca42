"""Drives Debian's Chromium with the extension in it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, CDPSession, Page, Playwright, sync_playwright

PROGRAM = Path("/usr/lib/chromium/chromium")
SWITCHES = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --disable-dev-shm-usage"
    " --ignore-certificate-errors --proxy-bypass-list=<-loopback>"
    " --disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication"
    " --disable-search-engine-choice-screen --disable-default-apps --no-pings"
)


class Chromium:
    """A running browser; `control` is a page of the extension that looks into its popup."""

    name = "chromium"

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.worker_errors: list[str] = []
        worker = context.service_workers or [context.wait_for_event("serviceworker")]
        self.id = worker[0].url.split("/")[2]
        assert context.browser
        self.cdp: CDPSession = context.browser.new_browser_cdp_session()
        self.control = context.new_page()
        self.control.goto(self.address("options/options.html"))

    def address(self, path: str) -> str:
        return f"chrome-extension://{self.id}/{path}"

    def visit(self, url: str) -> Page:
        """A new tab in front."""
        page = self.context.new_page()
        page.goto(url)
        page.bring_to_front()
        return page

    def go(self, tab: Page, url: str) -> None:
        tab.goto(url)

    def bring_to_front(self, tab: Page) -> None:
        tab.bring_to_front()

    def eval_in(self, tab: Page, script: str) -> Any:
        return tab.evaluate(script)

    def close_tab(self, tab: Page) -> None:
        tab.close()

    def emulate(self, tab: Page, *, dark: bool = False, width: int = 0) -> None:
        tab.emulate_media(color_scheme="dark" if dark else "light")
        if width:
            tab.set_viewport_size({"width": width, "height": 900})

    def picture(self, tab: Page, path: Path) -> None:
        tab.screenshot(path=path, full_page=True)

    def click_in(self, tab: Page, selector: str) -> None:
        """A person's own click, as the browser sees it."""
        tab.click(selector)

    def run(self, script: str) -> Any:
        """The value of an async function's body in a page of the extension."""
        return self.control.evaluate(f"(async () => {{ {script} }})()")

    def open_popup(self, tab: Page | str) -> None:
        """A person's click on the button while that tab is in front."""
        if isinstance(tab, Page):
            tab.bring_to_front()
            tabs = [t for t in self._targets() if t["type"] == "tab" and t["url"] == tab.url]
            tab = str(tabs[-1]["targetId"])
        self.cdp.send("Extensions.triggerAction", {"id": self.id, "targetId": tab})

    def press_in_popup(self, x: float, y: float) -> None:
        """A person's own click on a place in the popup, which may end the popup."""
        wanted = "popup/popup.html"
        target = next(t for t in self._targets() if wanted in t["url"] and t["type"] != "tab")
        session = self.cdp.send(
            "Target.attachToTarget", {"targetId": target["targetId"], "flatten": False}
        )["sessionId"]
        where = {"x": x, "y": y, "button": "left", "clickCount": 1}
        for number, kind in enumerate(("mousePressed", "mouseReleased")):
            params = {"type": kind, **where}
            message = {"id": number, "method": "Input.dispatchMouseEvent", "params": params}
            sent = {"sessionId": session, "message": json.dumps(message)}
            self.cdp.send("Target.sendMessageToTarget", sent)

    def visit_private(self, url: str) -> str:
        """The target of a tab in a new private window, which Playwright does not see."""
        # A grant that comes before the page has arrived ends with its arrival.
        self.run(f"""
            const {{ tabs }} = await chrome.windows.create(
              {{ incognito: true, url: {json.dumps(url)} }});
            while ((await chrome.tabs.get(tabs[0].id)).status !== "complete")
              await new Promise((done) => setTimeout(done, 20));
        """)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            found = [t for t in self._targets() if t["type"] == "tab" and t["url"] == url]
            if found:
                return str(found[0]["targetId"])
            self.control.wait_for_timeout(50)
        raise AssertionError("no private window")

    def _targets(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.cdp.send("Target.getTargets", {"filter": [{}]})[
            "targetInfos"
        ]
        return found

    def kill_worker(self) -> None:
        """The browser ends the worker, as it does when it has been idle."""
        for target in self._targets():
            if target["type"] == "service_worker" and self.id in target["url"]:
                self.cdp.send("Target.closeTarget", {"targetId": target["targetId"]})

    def _in_target(self, wanted: str, method: str, **params: Any) -> Any:
        """The answer of a target whose address holds these words."""
        target = next(t for t in self._targets() if wanted in t["url"] and t["type"] != "tab")
        got: dict[int, Any] = {}
        self.cdp.on(
            "Target.receivedMessageFromTarget",
            lambda sent: got.update({json.loads(sent["message"]).get("id", 0): sent["message"]}),
        )
        session = self.cdp.send(
            "Target.attachToTarget", {"targetId": target["targetId"], "flatten": False}
        )["sessionId"]
        message = json.dumps({"id": 7, "method": method, "params": params})
        self.cdp.send("Target.sendMessageToTarget", {"sessionId": session, "message": message})
        until = time.monotonic() + 5
        while 7 not in got and time.monotonic() < until:
            self.control.wait_for_timeout(50)
        self.cdp.send("Target.detachFromTarget", {"sessionId": session})
        return json.loads(got[7])["result"]

    def popup_picture(self, path: Path) -> None:
        """The popup as it is on screen."""
        shot = self._in_target("popup/popup.html", "Page.captureScreenshot")["data"]
        path.write_bytes(base64.b64decode(shot))

    def panel_picture(self, path: Path) -> None:
        """The panel as it is on screen."""
        shot = self._in_target("panel/panel.html", "Page.captureScreenshot")["data"]
        path.write_bytes(base64.b64decode(shot))

    def worker_memory(self) -> float:
        """Bytes that the worker's heap uses."""
        used: float = self._in_target("background.js", "Runtime.getHeapUsage")["usedSize"]
        return used


_started: list[Playwright] = []


@contextlib.contextmanager
def _playwright() -> Iterator[Playwright]:
    """Playwright, once at a time in a thread, for however many browsers."""
    if _started:
        yield _started[0]
        return
    with sync_playwright() as playwright:
        _started.append(playwright)
        try:
            yield playwright
        finally:
            _started.clear()


def _let_in_private(profile: str, extension: Path) -> None:
    """Let the extension into private windows, as a person does in its details."""
    digest = hashlib.sha256(str(extension).encode()).hexdigest()[:32]
    its_id = "".join(chr(ord("a") + int(digit, 16)) for digit in digest)
    preferences = {"extensions": {"settings": {its_id: {"incognito": True}}}}
    folder = Path(profile, "Default")
    folder.mkdir()
    (folder / "Preferences").write_text(json.dumps(preferences), encoding="utf-8")


@contextlib.contextmanager
def chromium(
    extension: Path, proxy: str, *, lang: str = "en-US", private: bool = False
) -> Iterator[Chromium]:
    """A Chromium with a new profile and the extension, all of its traffic through the proxy."""
    with _playwright() as playwright, tempfile.TemporaryDirectory() as profile:
        if private:
            _let_in_private(profile, extension)
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=PROGRAM,
            headless=True,
            ignore_https_errors=True,
            args=[
                *SWITCHES.split(),
                f"--proxy-server=http://{proxy}",
                f"--lang={lang}",
                f"--disable-extensions-except={extension}",
                f"--load-extension={extension}",
            ],
            env={"LANGUAGE": lang, "PATH": "/usr/bin:/bin", "HOME": profile},
        )
        try:
            yield Chromium(context)
        finally:
            context.close()
