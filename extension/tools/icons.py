"""Draws the toolbar icons: `icons/<stance>-<size>.png` from `icons/shapes.svg` and `ear.svg`.

    python extension/tools/icons.py

Needs Playwright and Debian's chromium, as the tests do. Each stance has a shape and a colour of
its own, white on a rounded square, so that it is told from the others at 16 pixels and without
colours.
"""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ICONS = Path(__file__).resolve().parents[1] / "icons"
CHROMIUM = "/usr/lib/chromium/chromium"
EAR_SIZES = (16, 32, 48, 96, 128)
STANCE_SIZES = (16, 32)
# The strong colours of the site's tokens.
COLOURS = {
    "yes": "#99200f",
    "opt_out": "#74460a",
    "opt_in": "#0d5068",
    "no": "#1b5a33",
    "unclear": "#4d4766",
    "not_stated": "#5e5969",
    "not_read": "#5e5969",
}


def shapes() -> dict[str, str]:
    """The inside of each symbol, by name."""
    sprite = (ICONS / "shapes.svg").read_text(encoding="utf-8")
    return dict(re.findall(r'<symbol id="(\w+)"[^>]*>(.*?)</symbol>', sprite))


def stance(name: str, size: int) -> str:
    """A stance's icon as SVG; at 16 pixels with a thicker line."""
    width = 2.6 if size == 16 else 2.1
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">'
        f'<rect width="24" height="24" rx="5" fill="{COLOURS[name]}"/>'
        '<g transform="translate(12 12) scale(.82) translate(-12 -12)" fill="none" stroke="#fff"'
        f' color="#fff" stroke-width="{width}" stroke-linecap="round" stroke-linejoin="round">'
        f"{shapes()[name]}</g></svg>"
    )


def draw(page: Page, svg: str, size: int, path: Path) -> None:
    """Write an SVG as a PNG of that size, without a background."""
    page.set_viewport_size({"width": size, "height": size})
    page.set_content(
        "<style>body{margin:0}svg{display:block;width:100vw;height:100vh}</style>" + svg
    )
    page.screenshot(path=path, omit_background=True)


def main() -> None:
    """Draw all of them."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        ear = (ICONS / "ear.svg").read_text(encoding="utf-8")
        for size in EAR_SIZES:
            draw(page, ear, size, ICONS / f"ear-{size}.png")
        for name in COLOURS:
            for size in STANCE_SIZES:
                draw(page, stance(name, size), size, ICONS / f"{name}-{size}.png")
        browser.close()


if __name__ == "__main__":
    main()
