"""A page's state → HTML, in its vendor's layout.

Texts are written plainly, a block a line: `#` to `###` headings, `-` and `1)`
list items, `|` table rows (the first one names the columns), paragraphs;
`**bold**` and `[words](address)` inside.
"""

from __future__ import annotations

import html
import itertools
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup

from tests.sampleweb.site import HERE, Lines, SamplePage, Site, State

_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
}
_MARKERS = ("### ", "## ", "# ", "- ", "| ")


def page_html(
    site: Site, page: SamplePage, day: date, *, alternate: bool = False, nonce: str, hits: int
) -> str:
    """The page as of a day; `nonce` and `hits` (0: not shown) are what differs by fetch."""
    state = page.at(day)
    text = state.alternate_text if alternate else state.text
    return _framed(site, page, state, text, nonce=nonce, hits=hits)


def half_html(site: Site, page: SamplePage, day: date, *, nonce: str) -> str:
    """The page as of a day, before its script has brought the text in."""
    state = page.at(day)
    return _framed(site, page, state, (state.text[0], "…"), nonce=nonce, hits=0)


def wall_html(name: str, site: Site, lang: str, *, nonce: str, status: int = 200) -> str:
    """One of `walls/`: what a site shows in place of a page."""
    words = site.words.get(lang) or next(iter(site.words.values()))
    template = _templates().get_template(f"walls/{name}.html")
    return template.render(lang=lang, home=words["home"], nonce=nonce, status=status)


def _framed(
    site: Site, page: SamplePage, state: State, text: Lines, *, nonce: str, hits: int
) -> str:
    template = _templates().get_template(f"layouts/{state.layout}")
    return template.render(
        lang=page.lang,
        url=page.url,
        title=text[0].removeprefix("# "),
        words=site.words[page.lang],
        blocks=_blocks(text, state, page.lang),
        updated=state.updated.isoformat(),
        date=_spoken(state.updated, page.lang),
        nonce=nonce,
        hits=hits,
    )


@cache
def _templates() -> jinja2.Environment:
    loader = jinja2.ChoiceLoader(
        [jinja2.FileSystemLoader(HERE), jinja2.FileSystemLoader(HERE / "layouts")]
    )
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)


def _spoken(day: date, lang: str) -> str:
    month = _MONTHS[lang].split()[day.month - 1]
    return f"{month} {day.day}, {day.year}" if lang == "en" else f"{day.day} {month} {day.year}"


def _kind(line: str) -> str:
    if re.match(r"\d+\) ", line):
        return "ol"
    marker = next((m for m in _MARKERS if line.startswith(m)), "")
    return {"": "p", "- ": "ul", "| ": "table"}.get(marker) or f"h{len(marker) - 1}"


def _blocks(text: Lines, state: State, lang: str) -> list[Mapping[str, Any]]:
    blocks: list[Mapping[str, Any]] = []
    for kind, run in itertools.groupby(text, _kind):
        lines = [_styled(line, state.styles, lang) for line in run]
        if kind in ("ul", "ol"):
            mark = "• " if "bullets" in state.styles else ""
            rows: list[Any] = [
                _inline(mark + line.split(" ", 1)[1], state.styles) for line in lines
            ]
            blocks.append({"kind": kind, "rows": rows})
        elif kind == "table":
            rows = [
                [_inline(c.strip(), state.styles) for c in ln.strip("| ").split(" | ")]
                for ln in lines
            ]
            blocks.append({"kind": kind, "rows": rows})
        else:
            blocks.extend(_block(kind, line, state.styles) for line in lines)
    return blocks


def _block(kind: str, line: str, styles: frozenset[str]) -> Mapping[str, Any]:
    words = line.lstrip("#").strip()
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    if kind in ("h2", "h3") and "deeper-headings" in styles:
        kind = f"h{int(kind[1]) + 1}"
    anchor = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return {"kind": kind, "html": _inline(words, styles), "anchor": anchor}


def _inline(text: str, styles: frozenset[str]) -> Markup:
    tracking = "?utm_source=policy&utm_medium=text" if "tracked-links" in styles else ""
    text = html.escape(text, quote=False)
    text = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text)
    text = re.sub(
        r"\[(.+?)\]\((.+?)\)",
        lambda m: f'<a href="{html.escape(m[2] + tracking)}">{m[1]}</a>',
        text,
    )
    return Markup(text)


def _styled(line: str, styles: frozenset[str], lang: str) -> str:
    """The line in other type: quotes, apostrophes, dashes and spaces, but no other letter."""
    if "typography" not in styles:
        return line
    if lang == "fr":
        line = re.sub(r" ([;:?!»])", "\u202f\\1", line).replace("« ", "«\u202f")
        line = line.replace("’", "'")
    else:
        line = re.sub(r'"([^"]*)"', "“\\1”", line).replace("'", "’")
        line = line.replace("e-mail", "e\u2011mail")
    return re.sub(r"(\d) (\w)", "\\1\u00a0\\2", line)
