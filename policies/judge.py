"""Is this the page, and is it believable? An outcome with its reasons, as a value.

Reading is a ladder. Each rung reads the capture in one way; a rung holds when what it reads
keeps enough of what the page held before, read in the same way (like with like), or, for a page
never read, when nothing speaks against it. When no rung holds, the capture becomes a state of
the page's health and never a version.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import py3langid
import yaml

from policies.errors import BadInput
from policies.model import BlockKind, Capture, Document, Outcome, Page, Passage, Reason
from policies.passages import key, split
from policies.text import HtmlPage, TooMuch, decode, read_markdown, read_plain

# The number of the reader: raised when text.py or passages.py read pages differently, so that
# stored captures are read again and our change is not announced as theirs.
READER = 1

# 2026-11-22, from the real histories: half-rendered pages kept 43 % and less of the text, the
# largest genuine removals left 60 % and more. Both numbers have to fall for a collapse.
KEPT_SHARE = 0.5
SIZE_SHARE = 0.5
# A wall, a soft 404 or an error page is short; policies that speak of robots or cookies are not.
WALL_CHARACTERS = 3_000
# Less than this is no policy: the shortest genuine help page seen has 700 characters.
LEAST_CHARACTERS = 120
# A genuine removal of most of a page leaves at least so much, and stays.
REMNANT_CHARACTERS = 600
REMNANT_PASSAGES = 5
# Language is told from text only where there is enough of it.
LANGUAGE_CHARACTERS = 400

_HTML = ("text/html", "application/xhtml+xml")
_PLAIN = ("text/plain",)
_MARKDOWN = ("text/markdown",)


@dataclass(frozen=True)
class Reading:
    """What came of reading a capture."""

    outcome: Outcome | None  # None: read
    reasons: tuple[Reason, ...]  # what led to the outcome
    warnings: tuple[Reason, ...] = ()  # what a person should know though the page was read
    method: str = ""  # how it was read: "select:1a2b3c4d/1", "main/1"
    document: Document | None = None  # also of a collapsed page, as evidence
    passages: tuple[Passage, ...] = ()


@dataclass(frozen=True)
class Base:
    """What a page held before, for comparison."""

    method: str  # how it was read
    passages: tuple[Passage, ...]
    # The same capture read in another way, or None where that does not work.
    reread: Callable[[str], tuple[Passage, ...] | None]

    def read_by(self, method: str) -> tuple[Passage, ...] | None:
        """The passages that the page held before, read in this way."""
        return self.passages if method == self.method else self.reread(method)


@dataclass(frozen=True)
class Retention:
    """How much of a page's earlier text a new one still holds."""

    kept: float  # share of the earlier characters in passages that are still there
    size: float  # characters now, as a share of those before

    @property
    def collapsed(self) -> bool:
        """Whether the page lost too much to be believed."""
        return self.kept < KEPT_SHARE and self.size < SIZE_SHARE


def screen(capture: Capture) -> Reading | None:
    """What a capture is already by how it was answered, or None: its body has to be read."""
    if capture.failure:
        return _not_had(capture, capture.failure)
    status = capture.status or 0
    if status in (404, 410):
        return _not_read(Outcome.GONE, "status", f"the server says {status}", status=status)
    if status in (401, 402, 403, 407, 429, 451):
        return _not_read(Outcome.BLOCKED, "status", f"the server refused: {status}", status=status)
    if 300 <= status < 400 and status != 304:
        return _not_read(
            Outcome.MOVED, "status", f"the server points elsewhere: {status}", status=status
        )
    if status not in (200, 203, 206, 304):
        return _not_read(Outcome.FAILED, "status", f"the server answered {status}", status=status)
    if status != 304 and not capture.body.strip():
        return _not_read(Outcome.UNREADABLE, "empty-body", "the answer holds nothing")
    return None


def read(capture: Capture, page: Page, base: Base | None) -> Reading:
    """Read a capture's body by the rungs of the ladder. `base`: the last believed version."""
    try:
        return _climb(capture, page, base)
    except TooMuch as error:
        return _not_read(Outcome.UNREADABLE, "too-much", str(error))
    except BadInput as error:
        return _not_read(Outcome.UNREADABLE, "media", str(error))


def _climb(capture: Capture, page: Page, base: Base | None) -> Reading:
    source = Source(capture)
    tried: list[Reason] = []
    last: Reading | None = None
    for method in methods(page, source.kind):
        document = source.read(method, page)
        passages = split(document, page.lang)
        verdict = _believe(document, passages, method, page, base, source, capture)
        if isinstance(verdict, Reason):
            tried.append(verdict)
            last = Reading(None, (), (), method, document, passages)
            continue
        warnings = (*_warnings(tried, capture, page), *verdict)
        return Reading(None, tuple(tried), warnings, method, document, passages)
    assert last is not None
    assert last.document is not None
    wall = _wall(source, last.document)
    if wall:
        return Reading(wall[0], (wall[1], *tried), (), last.method, last.document, last.passages)
    outcome, why = _unread(capture, page, tried)
    others = tuple(reason for reason in tried if reason not in why)
    return Reading(outcome, (*why, *others), (), last.method, last.document, last.passages)


class Source:
    """A capture's body, parsed once and read in any of the ways."""

    def __init__(self, capture: Capture) -> None:
        media, _, parameters = (capture.header("content-type") or "text/html").partition(";")
        self.kind = _kind(media.strip().lower(), capture.body)
        charset = parameters.lower().partition("charset=")[2].strip(" \"';")
        self._text = decode(capture.body, charset or None)

    @property
    def breaks_off(self) -> bool:
        """Whether the body ends inside a tag or a text, as no page of HTML does."""
        return self.kind == "html" and not self._text.rstrip().endswith(">")

    @cached_property
    def page(self) -> HtmlPage | None:
        """The parsed page, where it is HTML."""
        return HtmlPage(self._text) if self.kind == "html" else None

    def read(self, method: str, page: Page) -> Document:
        """The document that a method reads."""
        if self.page is None:
            return read_markdown(self._text) if self.kind == "markdown" else read_plain(self._text)
        if method.startswith("select:"):
            return self.page.selected(page.select, page.remove)
        return self.page.main


def methods(page: Page, kind: str) -> tuple[str, ...]:
    """The rungs of the ladder for a page and a kind of body, first choice first."""
    if kind != "html":
        return (f"{kind}/{READER}",)
    main = f"main/{READER}"
    if not page.select:
        return (main,)
    selectors = "\n".join((*page.select, "--", *page.remove))
    mark = hashlib.sha256(selectors.encode()).hexdigest()[:8]
    return (f"select:{mark}/{READER}", main)


def kind_of(method: str) -> str:
    """The kind of body that a rung of the ladder reads: "html", "markdown" or "plain"."""
    rung = method.partition("/")[0].partition(":")[0]
    return "html" if rung in ("select", "main") else rung


def retention(before: Sequence[Passage], now: Sequence[Passage]) -> Retention:
    """How much of the earlier passages the new ones hold."""
    there = {passage.id for passage in now}
    total = sum(len(p.text) for p in before) or 1
    kept = sum(len(p.text) for p in before if p.id in there)
    return Retention(kept / total, sum(len(p.text) for p in now) / total)


def is_remnant(reading: Reading) -> bool:
    """Whether a collapsed page could be what is left after a genuine removal."""
    return (
        reading.outcome is Outcome.UNREADABLE
        and reading.document is not None
        and len(reading.document.text) >= REMNANT_CHARACTERS
        and len(reading.passages) >= REMNANT_PASSAGES
        and reading.reasons[0].rule == "collapsed"
    )


# --- believing -------------------------------------------------------------------------


def _believe(
    document: Document,
    passages: Sequence[Passage],
    method: str,
    page: Page,
    base: Base | None,
    source: Source,
    capture: Capture,
) -> Reason | tuple[Reason, ...]:
    """Warnings when a rung holds, or the reason why it does not."""
    broken = _broken(passages, method, base, source)
    if broken is not None:
        return broken
    if base is not None:
        before = base.read_by(method)
        if before is None:
            return _reason(
                "not-comparable", f"{_rung(method)} could not read the version before either"
            )
        holds = retention(before, passages)
        if holds.collapsed:
            return _reason(
                "collapsed",
                f"{_rung(method)} keeps {holds.kept:.0%} of the version before",
                kept=round(holds.kept, 4),
                size=round(holds.size, 4),
                characters=len(document.text),
            )
        if holds.kept >= KEPT_SHARE:
            return ()
    if base is None and _is_front_page(capture) and elsewhere(capture, page):
        return _reason("front-page", "the address leads to the site's front page")
    if _wall(source, document):
        return _reason("wall", f"{_rung(method)} found a page that stands before the page")
    if len(document.text) < LEAST_CHARACTERS:
        return _reason(
            "too-little", f"{_rung(method)} found too little text", characters=len(document.text)
        )
    if base is None and method.startswith("select:") and source.page is not None:
        main = len(source.page.main.text)
        if len(document.text) < 0.1 * main:
            return _reason(
                "selected-fraction",
                "the declared selector found a fraction of the page's text",
                characters=len(document.text),
                main=main,
            )
    told = _language(document, page.lang)
    if told and told != page.lang:
        return _reason("other-language", f"the text is in {told!r}, not {page.lang!r}", told=told)
    return ()


def _broken(
    passages: Sequence[Passage], method: str, base: Base | None, source: Source
) -> Reason | None:
    """Why a rung found no whole text, or None."""
    if not passages:
        return _reason("nothing-selected", f"{_rung(method)} found no text")
    last = passages[-1]
    if not source.breaks_off or (base and last.id in {passage.id for passage in base.passages}):
        return None  # or it breaks off behind its text
    if last.kind is BlockKind.HEADING or last.text[-1].isalnum() or last.text[-1] in ",-–—(":
        return _reason("cut", f"the page breaks off in the middle: “…{last.text[-60:]}”")
    return None


def _wall(source: Source, document: Document) -> tuple[Outcome, Reason] | None:
    """What kind of wall a short document is, if it is one."""
    shown = document
    if len(document.text) < LEAST_CHARACTERS and source.page is not None:
        shown = source.page.whole
    if len(shown.text) > WALL_CHARACTERS:
        return None
    words = key(f"{document.title or ''}\n{shown.text}").casefold()
    for wall in walls():
        for phrase in wall["phrases"]:
            if phrase in words:
                reason = _reason(wall["kind"], wall["says"], phrase=phrase)
                return Outcome(wall["outcome"]), reason
    for selector, rule, says in _DOORS:
        if source.page is not None and source.page.has(selector):
            return Outcome.BLOCKED, _reason(rule, says)
    return None


_DOORS = (
    (
        "[name*=captcha i], [id*=captcha i], [class*=captcha i], iframe[src*=captcha i]",
        "captcha",
        "the site asked to prove that we are no robot",
    ),
    ("input[type=password]", "login", "the site asked to sign in"),
)


@cache
def walls() -> list[dict[str, Any]]:
    """The kinds of walls and their phrases, from walls.yaml, as keys."""
    text = files("policies").joinpath("walls.yaml").read_text("utf-8")
    kinds: list[dict[str, Any]] = yaml.safe_load(text)
    return [{**kind, "phrases": [key(p).casefold() for p in kind["phrases"]]} for kind in kinds]


def _warnings(tried: Sequence[Reason], capture: Capture, page: Page) -> tuple[Reason, ...]:
    broken = next((r for r in tried if r.rule != "not-comparable"), None)
    found = []
    if broken:
        found.append(
            _reason(
                "selector-broken",
                "the declared selector no longer reads the page; its main content was read",
                because=broken.says,
            )
        )
    if elsewhere(capture, page):
        found.append(
            _reason("redirected", "the page is now at another address", address=capture.final_url)
        )
    return tuple(found)


def elsewhere(capture: Capture, page: Page) -> bool:
    """Whether the answer came from another address than the declared ones."""
    declared = {_address(url) for url in (page.url, capture.url, *page.earlier_urls)}
    return _address(capture.final_url) not in declared


def _is_front_page(capture: Capture) -> bool:
    path = urlsplit(capture.final_url).path
    return re.fullmatch(r"/?([a-z]{2}([-_][a-z]{2})?/?)?", path, re.I) is not None


def _address(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    return host, parts.path.rstrip("/"), parts.query


def _unread(
    capture: Capture, page: Page, tried: Sequence[Reason]
) -> tuple[Outcome, tuple[Reason, ...]]:
    """The outcome when no rung held and no wall was seen."""
    if elsewhere(capture, page):
        moved = "the address leads elsewhere now, and what stands there is not the page"
        return Outcome.MOVED, (_reason("redirected", moved, address=capture.final_url),)
    # The most telling trouble first: a collapse says more than an empty selection.
    order = ("cut", "collapsed", "other-language", "too-little", "wall")
    ranked = sorted(tried, key=lambda r: order.index(r.rule) if r.rule in order else len(order))
    return Outcome.UNREADABLE, tuple(ranked[:1])


# What a person is told of a page that could not be had; other kinds bring their own sentence.
_NOT_HAD = {
    "dns": "the name {host} is not known to the DNS",
    "refused": "connection refused by {host}",
    "reset": "{host} closed the connection without an answer",
    "timeout": "{host} did not answer in time, or not in full",
    "tls": "no connection to {host} that could be trusted: its certificate was refused",
}


def _not_had(capture: Capture, failure: str) -> Reading:
    """What a capture without a page is: `kind: detail` in a person's words."""
    kind, _, detail = failure.partition(":")
    outcome = Outcome.BLOCKED if kind == "robots" else Outcome.FAILED
    known = _NOT_HAD.get(kind)
    if known is None:
        return _not_read(outcome, kind, f"no page came: {detail.strip()}")
    says = known.format(host=_host(capture.final_url))
    return _not_read(outcome, kind, says, detail=detail.strip())


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url


def _kind(media: str, body: bytes) -> str:
    if body.startswith(b"%PDF"):
        raise BadInput("the answer is a PDF, which is not read")
    if b"\x00" in body[:1024] and not body.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadInput("the answer is not text")
    for kind, names in (("html", _HTML), ("markdown", _MARKDOWN), ("plain", _PLAIN)):
        if media in names:
            return kind
    raise BadInput(f"the answer is {media[:80]!r}, which is not read")


def _language(document: Document, expected: str) -> str | None:
    """The language of a document: told from its text where that is long, else as declared."""
    if len(document.text) >= LANGUAGE_CHARACTERS:
        return str(py3langid.classify(document.text[:20_000])[0])
    declared = (document.lang or expected).partition("-")[0]
    return declared or None


def _rung(method: str) -> str:
    if method.startswith("select:"):
        return "the declared selector"
    return "the main content" if method.startswith("main") else "the text"


def _reason(rule: str, says: str, **numbers: float | str) -> Reason:
    return Reason(rule, says, numbers)


def _not_read(outcome: Outcome, rule: str, says: str, **numbers: float | str) -> Reading:
    return Reading(outcome, (_reason(rule, says, **numbers),))
