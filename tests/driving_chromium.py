"""Drives Debian's Chromium with the extension in it."""

from __future__ import annotations

import base64
import contextlib
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, CDPSession, Error, Page, Playwright, sync_playwright

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

    def open_popup(self, tab: Page) -> None:
        """A person's click on the button while that tab is in front."""
        tab.bring_to_front()
        target = self._tab_target(tab)
        self.cdp.send("Extensions.triggerAction", {"id": self.id, "targetId": target})

    def _tab_target(self, tab: Page) -> str:
        own = self.context.new_cdp_session(tab)
        page = own.send("Target.getTargetInfo")["targetInfo"]["targetId"]
        own.detach()
        targets = self.cdp.send("Target.getTargets", {"filter": [{}]})["targetInfos"]
        marked = f"{tab.url}"
        tabs = [t for t in targets if t["type"] == "tab" and t["url"] == marked]
        # A tab target and its page share neither id nor order; the address tells them apart.
        assert tabs, (page, marked)
        return str(tabs[-1]["targetId"])

    def allow_private(self) -> None:
        """Let the extension into private windows, as a person does in its details."""
        page = self.context.new_page()
        page.goto("chrome://extensions")
        page.evaluate(
            "(extensionId) => chrome.developerPrivate.updateExtensionConfiguration("
            "{ extensionId, incognitoAccess: true })",
            self.id,
        )
        page.close()
        # That starts the extension anew, and closes its pages.
        self.control = self.context.new_page()
        until = time.monotonic() + 20
        while True:
            try:
                self.control.goto(self.address("options/options.html"))
                return
            except Error:
                if time.monotonic() > until:
                    raise
                self.control.wait_for_timeout(200)

    def visit_private(self, url: str) -> Page:
        """A tab in a new private window."""
        self.run(f"await chrome.windows.create({{ incognito: true, url: {json.dumps(url)} }})")
        return next(page for page in self.context.pages if page.url == url)

    def kill_worker(self) -> None:
        """The browser ends the worker, as it does when it has been idle."""
        for target in self.cdp.send("Target.getTargets", {"filter": [{}]})["targetInfos"]:
            if target["type"] == "service_worker" and self.id in target["url"]:
                self.cdp.send("Target.closeTarget", {"targetId": target["targetId"]})

    def popup_picture(self, path: Path) -> None:
        """The popup as it is on screen."""
        targets = self.cdp.send("Target.getTargets", {"filter": [{}]})["targetInfos"]
        popup = next(t for t in targets if t["type"] == "page" and "popup/popup.html" in t["url"])
        got: dict[int, Any] = {}
        self.cdp.on(
            "Target.receivedMessageFromTarget",
            lambda sent: got.update({json.loads(sent["message"]).get("id", 0): sent["message"]}),
        )
        session = self.cdp.send(
            "Target.attachToTarget", {"targetId": popup["targetId"], "flatten": False}
        )["sessionId"]
        message = {"id": 7, "method": "Page.captureScreenshot", "params": {}}
        self.cdp.send(
            "Target.sendMessageToTarget", {"sessionId": session, "message": json.dumps(message)}
        )
        until = time.monotonic() + 5
        while 7 not in got and time.monotonic() < until:
            self.control.wait_for_timeout(50)
        path.write_bytes(base64.b64decode(json.loads(got[7])["result"]["data"]))


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


@contextlib.contextmanager
def chromium(extension: Path, proxy: str, *, lang: str = "en-US") -> Iterator[Chromium]:
    """A Chromium with a new profile and the extension, all of its traffic through the proxy."""
    with _playwright() as playwright, tempfile.TemporaryDirectory() as profile:
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
