"""Makes the README's pictures of the site, from the demo's store.

    python -m tests.sampleweb.pictures [--data DIR]

Reads the sample web's editions as `make demo` does (or takes the store that a demo kept), serves it
on this machine, and lets Debian's chromium look at it. Writes `docs/site-*.png`.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from playwright.sync_api import sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from api import create_app
from policies.settings import Settings
from tests.sampleweb.demo import present, story

DOCS = Path(__file__).parents[2] / "docs"
CHROMIUM = "/usr/lib/chromium/chromium"


@dataclass(frozen=True)
class Picture:
    """What is looked at, and how."""

    name: str
    path: str
    width: int
    height: int
    scheme: str = "light"


class Quiet(WSGIRequestHandler):
    """Serves without a line for each request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Says nothing."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.sampleweb.pictures", description=__doc__)
    parser.add_argument("--data", type=Path, metavar="DIR", help="the store that a demo kept")
    parser.add_argument("--out", type=Path, metavar="DIR", default=DOCS, help="where to (docs)")
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        data = given.data or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if given.data is None:
            for told in story(data):
                print(f"read the edition of {told.day}", flush=True)
        app = create_app(Settings(data=data), at=present())
        stack.callback(app.extensions["earwitness"].store.close)
        address = stack.enter_context(served(app))
        given.out.mkdir(parents=True, exist_ok=True)
        for path in draw(address, pictures(app), given.out):
            print(f"{path}: {path.stat().st_size // 1000} kB")


def pictures(app: Flask) -> list[Picture]:
    """The pictures, each of a page that tells something."""
    asked = "/v1/changes?vendor=quendrivox&topic=choice&language=en"
    change = app.test_client().get(asked).json["items"][-1]["id"]  # type: ignore[index]
    return [
        Picture("site-front", "/", 1100, 880),
        Picture("site-change", f"/changes/{change}?view=side", 1000, 1080),
        Picture("site-vendor-phone", "/fr/vendors/quendrivox", 390, 844, scheme="dark"),
    ]


@contextlib.contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application on a free port of this machine; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def draw(address: str, wanted: list[Picture], out: Path) -> Iterator[Path]:
    """Look at each page and write what is seen."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        for picture in wanted:
            tab = browser.new_page(
                viewport={"width": picture.width, "height": picture.height},
                color_scheme="dark" if picture.scheme == "dark" else "light",
            )
            tab.goto(address + picture.path)
            path = out / f"{picture.name}.png"
            tab.screenshot(path=path)
            tab.close()
            yield path
        browser.close()


if __name__ == "__main__":
    main()
