"""What the sample web says at a date: texts, and the edits that each edition made to them.

`vendors/<vendor>/site.yaml` declares hosts, pages and editions. An edition is a
list of edits, each with one verb; what an edition leaves alone stays as it was:

    replace: X / with: Y       the words X become Y
    after: X / add: Y          Y follows on the paragraph that begins with X, as its own
    remove: X                  the words X go, and their paragraph when it is then empty
    move: "## H" / before: "## G"   the section H stands before the section G
    alternate: [edits]         the page has a second rendering, which differs by these edits
    show: page | each-in-turn       whether both renderings are served, fetch by fetch
    style: typography | bullets | deeper-headings | tracked-links
    updated: DATE              the date that the page itself names
    layout: FILE               the page's frame
    serve: page | KIND         a fault (see `faults`) stands in the page's place
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

HERE = Path(__file__).parent
VENDORS = HERE / "vendors"
HOSTILE = HERE / "hostile"
# Editions lie less than 90 days apart: within that time a tracker knows a rendering again.
FIRST_EDITION = date(2024, 9, 2)
_FIRST_UPDATED = date(2024, 6, 3)  # what every page says of itself at first

Lines = tuple[str, ...]


@dataclass(frozen=True)
class State:
    """A page at a date."""

    text: Lines
    layout: str
    updated: date = _FIRST_UPDATED
    since: date = FIRST_EDITION  # the last edition that touched the page
    alternate: tuple[Mapping[str, Any], ...] = ()  # what sets the second rendering apart
    show: str = "page"
    styles: frozenset[str] = frozenset()
    serve: str = "page"

    @property
    def alternate_text(self) -> Lines:
        """The text of the second rendering; without one, the same text and a promotion."""
        if not self.alternate:
            return (
                *self.text[:2],
                "New here: ask us what we have built this year.",
                *self.text[2:],
            )
        return _edited(replace(self, alternate=()), self.alternate).text


@dataclass(frozen=True)
class SamplePage:
    """A page of an invented vendor, through all editions."""

    id: str  # as in the catalog: vendor, policy, language
    vendor: str
    url: str
    states: tuple[tuple[date, State], ...]  # oldest first

    @property
    def lang(self) -> str:
        return self.id.rsplit(".", 1)[1]

    @property
    def policy(self) -> str:
        return self.id.rsplit(".", 1)[0]

    def at(self, day: date) -> State:
        """The page as of a day; before the first edition, the first."""
        return next((s for since, s in reversed(self.states) if since <= day), self.states[0][1])


@dataclass(frozen=True)
class Site:
    """An invented vendor's web."""

    vendor: str
    name: str
    hosts: tuple[str, ...]
    validators: frozenset[str]  # of "etag", "last-modified"
    restless: bool  # whether every answer bears new nonces, counters and adverts
    robots: str
    words: Mapping[str, Mapping[str, Any]]  # language -> page furniture
    pages: Mapping[str, SamplePage]  # by address


@cache
def sites() -> tuple[Site, ...]:
    """All invented vendors."""
    return tuple(_site(path) for path in sorted(VENDORS.glob("*/site.yaml")))


@cache
def editions() -> tuple[date, ...]:
    """The days on which something changed, from the first edition on."""
    days = {day for site in sites() for page in site.pages.values() for day, _ in page.states}
    return tuple(sorted(days))


@cache
def hostile() -> Site:
    """The vendor whose page every fault stands in for; no part of the sample web's story."""
    return _site(HOSTILE / "site.yaml")


def at_host(site: Site, host: str) -> Site:
    """A vendor's web as another host serves it."""
    here = {
        (url := page.url.replace(site.hosts[0], host)): replace(page, url=url)
        for page in site.pages.values()
    }
    return replace(site, hosts=(host,), pages=MappingProxyType(here))


def pages() -> Mapping[str, SamplePage]:
    """Every page by its id."""
    return {page.id: page for site in sites() for page in site.pages.values()}


def _site(path: Path) -> Site:
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    vendor = next(iter(data["pages"])).partition(".")[0]
    made = [_page(path.parent, data, vendor, id_, page) for id_, page in data["pages"].items()]
    return Site(
        vendor=vendor,
        name=data["name"],
        hosts=tuple(data["hosts"]),
        validators=frozenset(data["validators"]),
        restless=data.get("restless", False),
        robots=data["robots"],
        words=MappingProxyType(data["words"]),
        pages=MappingProxyType({page.url: page for page in made}),
    )


def _page(
    folder: Path, site: Mapping[str, Any], vendor: str, id_: str, data: Mapping[str, Any]
) -> SamplePage:
    text = (folder / data["text"]).read_text(encoding="utf-8")
    state = State(tuple(line for line in text.splitlines() if line), site["layout"])
    everywhere, here = site.get("editions", {}), data.get("editions", {})
    states = [(FIRST_EDITION, state)]
    for day in sorted({*everywhere, *here}):
        edits = [*everywhere.get(day, ()), *here.get(day, ())]
        try:
            state = replace(_edited(state, edits), since=day)
        except ValueError as error:
            raise ValueError(f"{id_} {day}: {error}") from error
        states.append((day, state))
    return SamplePage(id_, vendor, data["url"], tuple(states))


def _edited(state: State, edits: Iterable[Mapping[str, Any]]) -> State:
    for edit in edits:
        match edit:
            case {"replace": old, "with": new}:
                text = _replaced(state.text, old, new)
                state = replace(state, text=text)
            case {"remove": old}:
                state = replace(state, text=tuple(filter(None, _replaced(state.text, old, ""))))
            case {"after": start, "add": new}:
                at = _line(state.text, start) + 1
                state = replace(state, text=(*state.text[:at], new, *state.text[at:]))
            case {"move": heading, "before": other}:
                state = replace(state, text=_moved(state.text, heading, other))
            case {"alternate": others}:
                state = replace(state, alternate=tuple(others))
            case {"style": name}:
                state = replace(state, styles=state.styles | {name})
            case {"updated": _} | {"layout": _} | {"serve": _} | {"show": _}:
                state = replace(state, **edit)
            case _:
                raise ValueError(f"unknown edit {dict(edit)}")
    return state


def _replaced(text: Lines, old: str, new: str) -> Lines:
    if (found := sum(line.count(old) for line in text)) != 1:
        raise ValueError(f"found {found} times, expected once: {old}")
    return tuple(line.replace(old, new) for line in text)


def _line(text: Lines, start: str) -> int:
    found = [at for at, line in enumerate(text) if line.startswith(start)]
    if len(found) != 1:
        raise ValueError(f"{len(found)} lines begin so, expected one: {start}")
    return found[0]


def _moved(text: Lines, heading: str, before: str) -> Lines:
    start = _line(text, heading)
    after = (at for at in range(start + 1, len(text)) if text[at].startswith(("# ", "## ")))
    end = next(after, len(text))
    rest = (*text[:start], *text[end:])
    at = _line(rest, before)
    return (*rest[:at], *text[start:end], *rest[at:])
