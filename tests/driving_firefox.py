"""Drives Debian's Firefox with the extension in it, by WebDriver BiDi."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

PROGRAM = Path("/usr/bin/firefox-esr")
GECKO_ID = "companion@earwitness"
START_SECONDS = 60
NOBODY = "data:,"
# Firefox itself stays quiet, so that every line of the recording is somebody's doing.
PREFERENCES: dict[str, Any] = {
    "alerts.useSystemBackend": False,
    "app.normandy.enabled": False,
    "app.update.auto": False,
    "app.update.checkInstallTime": False,
    "browser.aboutwelcome.enabled": False,
    "browser.discovery.enabled": False,
    "browser.newtabpage.enabled": False,
    "browser.region.network.url": "",
    "browser.region.update.enabled": False,
    "browser.safebrowsing.blockedURIs.enabled": False,
    "browser.safebrowsing.downloads.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.safebrowsing.provider.google4.updateURL": "",
    "browser.safebrowsing.provider.mozilla.updateURL": "",
    "browser.search.suggest.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.startup.page": 0,
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.usage.uploadEnabled": False,
    "dom.min_background_timeout_value": 4,  # `control` waits in a tab behind
    "dom.min_background_timeout_value_without_budget_throttling": 4,
    "dom.push.connection.enabled": False,
    "dom.timeout.enable_budget_timer_throttling": False,
    "extensions.blocklist.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.update.enabled": False,
    "extensions.webextOptionalPermissionPrompts": False,  # what is asked for is granted
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    "network.http.speculative-parallel-limit": 0,
    "network.prefetch-next": False,
    "network.proxy.allow_hijacking_localhost": True,
    "network.proxy.no_proxies_on": "",
    "network.proxy.type": 1,
    "services.settings.server": NOBODY,
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.server": NOBODY,
    "toolkit.telemetry.unified": False,
    "ui.systemUsesDarkTheme": 0,
    "remote.log.level": "Error",
}


class Failed(Exception):
    """A command that the browser refused."""


class Bidi:
    """One connection that speaks WebDriver BiDi."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    def send(self, method: str, **params: Any) -> Any:
        """The result of a command. Raises Failed."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            said = json.loads(self._socket.recv(timeout=START_SECONDS))
            if said.get("id") != number:
                continue
            if said["type"] == "error":
                raise Failed(f"{method}: {said['error']}: {said['message']}")
            return said["result"]

    def evaluate(self, context: str, script: str) -> Any:
        """The JSON value of an async function's body in a context. Raises Failed."""
        result = self.send(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await (async () => {{ {script} }})()))()",
            target={"context": context},
            awaitPromise=True,
            userActivation=False,
        )
        if result["type"] == "exception":
            raise Failed(result["exceptionDetails"]["text"])
        value = result["result"].get("value")
        return json.loads(value) if value is not None else None


class Firefox:
    """A running browser; `control` is a page of the extension that looks into its popup."""

    name = "firefox"

    def __init__(self, bidi: Bidi, extension: Path) -> None:
        self.bidi = bidi
        bidi.send("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
        tree = bidi.send("browsingContext.getTree", **{"moz:scope": "chrome"})
        self.chrome = tree["contexts"][0]["context"]
        bidi.send("webExtension.install", extensionData={"type": "path", "path": str(extension)})
        self._look_in()

    def _look_in(self, beside: str | None = None) -> None:
        """Open `control`; only from a tab of the same window are a private popup's views seen."""
        self.id = self.in_chrome(
            f"return WebExtensionPolicy.getByID({GECKO_ID!r}).mozExtensionHostname"
        )
        there = {"referenceContext": beside} if beside else {}
        self.control = self.bidi.send("browsingContext.create", type="tab", **there)["context"]
        self.go(self.control, self.address("options/options.html"))

    def address(self, path: str) -> str:
        return f"moz-extension://{self.id}/{path}"

    def in_chrome(self, script: str) -> Any:
        """The value of a function's body in the browser's own window."""
        return self.bidi.evaluate(self.chrome, script)

    def new_tab(self, url: str) -> str:
        tab: str = self.bidi.send("browsingContext.create", type="tab")["context"]
        self.go(tab, url)
        return tab

    def visit(self, url: str) -> str:
        """A new tab in front."""
        tab = self.new_tab(url)
        self.bring_to_front(tab)
        return tab

    def bring_to_front(self, tab: str) -> None:
        self.bidi.send("browsingContext.activate", context=tab)

    def go(self, tab: str, url: str) -> None:
        self.bidi.send("browsingContext.navigate", context=tab, url=url, wait="complete")

    def eval_in(self, tab: str, script: str) -> Any:
        return self.bidi.evaluate(tab, f"return await ({script})")

    def close_tab(self, tab: str) -> None:
        self.bidi.send("browsingContext.close", context=tab)

    def emulate(self, tab: str, *, dark: bool = False, width: int = 0) -> None:
        self.in_chrome(f'Services.prefs.setIntPref("ui.systemUsesDarkTheme", {int(dark)})')
        if width:
            viewport = {"width": width, "height": 900}
            self.bidi.send("browsingContext.setViewport", context=tab, viewport=viewport)

    def picture(self, tab: str, path: Path) -> None:
        shot = self.bidi.send("browsingContext.captureScreenshot", context=tab, origin="document")[
            "data"
        ]
        path.write_bytes(base64.b64decode(shot))

    def click_in(self, tab: str, selector: str) -> None:
        """A person's own click, as the browser sees it."""
        script = f"document.querySelector({json.dumps(selector)})"
        found = self.bidi.send(
            "script.evaluate", expression=script, target={"context": tab}, awaitPromise=False
        )
        origin = {"type": "element", "element": {"sharedId": found["result"]["sharedId"]}}
        self.bidi.send("browsingContext.activate", context=tab)
        self.eval_in(tab, f"{script}.scrollIntoView({{block: 'center'}})")
        press = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        pointer = {"type": "pointer", "id": "mouse", "actions": press}
        self.bidi.send("input.performActions", context=tab, actions=[pointer])

    def press_in_popup(self, x: float, y: float) -> None:
        """A person's own click on a place in the popup, which may end the popup."""
        self.in_chrome(f"""
            const window = Services.wm.getMostRecentWindow("navigator:browser");
            const view = window.document.querySelector(".webextension-popup-browser");
            const {{ x, y }} = view.getBoundingClientRect();
            for (const kind of ["mousemove", "mousedown", "mouseup"])
              window.synthesizeMouseEvent(kind, x + {x}, y + {y}, {{ button: 0, clickCount: 1 }});
        """)

    def run(self, script: str) -> Any:
        """The value of an async function's body in a page of the extension."""
        return self.bidi.evaluate(self.control, script)

    def open_popup(self, tab: str) -> None:
        """A person's click on the button while that tab is in front."""
        self.bidi.send("browsingContext.activate", context=tab)
        self.in_chrome(f"""
            const {{ extension }} = WebExtensionPolicy.getByID({GECKO_ID!r});
            const action = extension.apiManager.global.browserActionFor(extension);
            await action.triggerAction(Services.wm.getMostRecentWindow("navigator:browser"));
        """)

    def allow_private(self) -> None:
        """Let the extension into private windows, as a person does in its details."""
        self.in_chrome(f"""
            const {{ ExtensionPermissions }} = ChromeUtils.importESModule(
              "resource://gre/modules/ExtensionPermissions.sys.mjs");
            const {{ extension }} = WebExtensionPolicy.getByID({GECKO_ID!r});
            const permissions = ["internal:privateBrowsingAllowed"];
            await ExtensionPermissions.add({GECKO_ID!r}, {{ permissions, origins: [] }}, extension);
            const {{ AddonManager }} = ChromeUtils.importESModule(
              "resource://gre/modules/AddonManager.sys.mjs");
            await (await AddonManager.getAddonByID({GECKO_ID!r})).reload();
        """)
        self._look_in()

    def visit_private(self, url: str) -> str:
        """A tab in a new private window."""
        self.run(f"await browser.windows.create({{ incognito: true, url: {json.dumps(url)} }})")
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            tree = self.bidi.send("browsingContext.getTree")["contexts"]
            for one in tree:
                if one["url"] == url:
                    self._look_in(beside=one["context"])
                    return str(one["context"])
            time.sleep(0.1)
        raise Failed("no private window")

    def kill_worker(self) -> None:
        """The browser ends the background page, as it does when it has been idle."""
        self.in_chrome(f"""
            const {{ extension }} = WebExtensionPolicy.getByID({GECKO_ID!r});
            await extension.terminateBackground({{ ignoreDevToolsAttached: true }});
        """)

    def popup_picture(self, path: Path) -> None:
        """The popup as it is on screen."""
        self._drawn('window.document.querySelector(".webextension-popup-browser")', path)

    def panel_picture(self, path: Path) -> None:
        """The panel as it is on screen."""
        beside = 'window.document.getElementById("sidebar").contentDocument'
        self._drawn(f'{beside}.getElementById("webext-panels-browser")', path)

    def _drawn(self, view: str, path: Path) -> None:
        shot = self.in_chrome(f"""
            const window = Services.wm.getMostRecentWindow("navigator:browser");
            const view = {view};
            const image = await view.browsingContext.currentWindowGlobal
              .drawSnapshot(null, 1, "white");
            const xhtml = "http://www.w3.org/1999/xhtml";
            const canvas = window.document.createElementNS(xhtml, "canvas");
            canvas.width = image.width; canvas.height = image.height;
            canvas.getContext("2d").drawImage(image, 0, 0);
            return canvas.toDataURL("image/png").split(",")[1];
        """)
        path.write_bytes(base64.b64decode(shot))

    def worker_memory(self) -> float:
        """Bytes of the process that holds all of the extension's pages, popup and options too."""
        memory: float = self.in_chrome("""
            const { children } = await ChromeUtils.requestProcInfo();
            return children.find(({ type }) => type === "extension").memory;
        """)
        return memory


@contextlib.contextmanager
def firefox(
    extension: Path, proxy: str, *, lang: str = "en-US", private: bool = False
) -> Iterator[Firefox]:
    """A Firefox with a new profile and the extension, all of its traffic through the proxy."""
    host, port = proxy.split(":")
    preferences = PREFERENCES | {
        "network.proxy.http": host,
        "network.proxy.http_port": int(port),
        "network.proxy.ssl": host,
        "network.proxy.ssl_port": int(port),
        "intl.accept_languages": lang,
    }
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in preferences.items()]
        Path(profile, "user.js").write_text("\n".join(lines), encoding="utf-8")
        command = [str(PROGRAM), "--headless", "--no-remote", "--profile", profile]
        command += ["--remote-debugging-port", "0", "--remote-allow-system-access", "about:blank"]
        environment = {**os.environ, "HOME": profile, "MOZ_HEADLESS_WIDTH": "1280"}
        process = subprocess.Popen(
            command,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            env=environment,
            start_new_session=True,
        )
        try:
            with connect(f"{_listening(process)}/session", max_size=None) as socket:
                started = Firefox(Bidi(socket), extension)
                if private:
                    started.allow_private()
                yield started
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            assert process.stderr
            process.stderr.close()


def _listening(process: subprocess.Popen[str]) -> str:
    """The address that Firefox says it listens on."""
    assert process.stderr
    until = time.monotonic() + START_SECONDS
    for line in process.stderr:
        if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", line):
            return found[1]
        if time.monotonic() > until:
            break
    raise Failed("Firefox did not start")
