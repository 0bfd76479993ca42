"""A page over time: its versions, how its disclosures came and went, and one version's text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from flask import g, render_template
from pydantic import BaseModel, ConfigDict, Field

from api import cursors, knowledge
from api.knowledge import Quote
from api.reading import connection, remembered
from api.site import pictures, showing
from api.site.blueprint import pages
from api.site.pictures import Picture, Span
from policies import summary
from policies.errors import UnknownId
from policies.ledger import FAR_REACHING, Life, Standing, Statement
from policies.model import BlockKind, Stance, Topic, VersionState
from policies.store.queries import catalog, changes, mementos, versions
from policies.store.queries.catalog import PageRow
from policies.store.queries.mementos import Memento
from policies.store.queries.rows import Position

_LIST = 30  # versions in one part of the list
_ALL = 10_000  # versions that a picture and the calendar show
_DOUBTED = (VersionState.UNCONFIRMED, VersionState.VARIANT, VersionState.PENDING)
_BELIEVED = (VersionState.BASELINE, VersionState.CONFIRMED, VersionState.REREAD)
_LAST = 9999  # year of a calendar
_FEW = 100  # doubted versions that are listed
_LIVES = 60  # passages in the list beside the picture


class PageQuery(BaseModel):
    """Which part of a page's versions."""

    model_config = ConfigDict(extra="ignore")

    until: Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")] | None = None
    cursor: Annotated[str, Field(min_length=1, max_length=300)] | None = None


@dataclass(frozen=True)
class Lived:
    """A passage's life on the page."""

    quote: Quote
    life: Life


@dataclass(frozen=True)
class Months:
    """A year of the calendar: how many versions each month brought."""

    year: int
    counts: tuple[int, ...]


@pages.get("/pages/<page_id>")
@pages.input(PageQuery, location="query", arg_name="query")
def page(page_id: str, query: PageQuery) -> str:
    """A page's health, history and versions."""
    row = catalog.page(connection(), page_id)
    if row is None:
        raise UnknownId(f"no page has the id {page_id!r}")
    after = cursors.position(query.cursor) or _month_end(query.until)
    found = versions.page_versions(
        connection(), page_id, states=_BELIEVED, after=after, limit=_LIST
    )
    last = found.items[-1] if found.more else None
    every = mementos.history(connection(), page_id, limit=_ALL).items
    known = knowledge.known_pages(connection(), [row])[0]
    lives = _lives(row)
    return render_template(
        "page.html",
        known=known,
        versions=found.items,
        doubted=versions.page_versions(connection(), page_id, states=_DOUBTED, limit=_FEW).items,
        changes=changes.by_id(connection(), [v.change_id for v in found.items if v.change_id]),
        following=cursors.of_position(Position(last.captured_at, last.id)) if last else None,
        until=query.until,
        every=every,
        calendar=_calendar(every),
        lives=lives[:_LIVES],
        lives_left=max(len(lives) - _LIVES, 0),
        picture=_picture(lives, every, known.now.last_read_at if known.now else None),
    )


@pages.get("/versions/<version_id>")
def version(version_id: str) -> str:
    """A version's text, with what its passages say."""
    row = versions.version(connection(), version_id)
    if row is None:
        raise UnknownId(f"no version has the id {version_id!r}")
    of_page = catalog.pages_by_id(connection(), [row.page_id])[0]
    previous_id, next_id = versions.neighbours(connection(), row)
    return render_template(
        "version.html",
        version=row,
        page=of_page,
        text=versions.text(connection(), row.text_id, of_page.scope),
        previous_id=previous_id,
        next_id=next_id,
    )


def _month_end(month: str | None) -> Position | None:
    """Where a list goes on with the versions of a month and before."""
    if month is None:
        return None
    year, number = int(month[:4]), int(month[5:])
    if not 1 <= year < _LAST:
        return None
    return Position(datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC), "")


def _calendar(every: Sequence[Memento]) -> tuple[Months, ...]:
    """The versions by year and month, newest year first."""
    counts: dict[int, list[int]] = {}
    for memento in every:
        at = memento.captured_at
        counts.setdefault(at.year, [0] * 12)[at.month - 1] += 1
    return tuple(Months(year, tuple(counts[year])) for year in sorted(counts, reverse=True))


# --- how its disclosures came and went -------------------------------------------------


def _lives(page: PageRow) -> list[Lived]:
    """The lives of all that the page ever said, oldest first."""
    everybody = remembered("everybody", knowledge.everybody)
    known = next((one for one in everybody if one.vendor.id == page.vendor_id), None)
    said: list[Statement] = [
        s
        for s in (known.statements if known else ())
        if s.page_id == page.id and s.kind is not BlockKind.HEADING
    ]
    quotes = knowledge.quotes(connection(), said, {page.id: page})
    lives = [Lived(quotes[s.place], life) for s in said for life in s.lives]
    return sorted(lives, key=lambda lived: (lived.life.since, lived.quote.statement.place))


def _picture(
    lives: Sequence[Lived], every: Sequence[Memento], as_of: datetime | None
) -> Picture | None:
    if not every:
        return None
    first, last = every[-1].captured_at, every[0].captured_at
    over = pictures.scale(first, max(last, as_of) if as_of else last)
    bands = [
        (name, spans)
        for name, belongs in _groups()
        if (spans := [_span(lived) for lived in lives if belongs(lived.quote.statement)])
    ]
    return pictures.picture(over, bands, [(m.captured_at, False) for m in every], lanes=True)


def _groups() -> list[tuple[str, Callable[[Statement], bool]]]:
    """The names of the picture's bands, and what belongs to each.

    People listening has a band for each stance: thin bars tell little by their look.
    """
    listening = summary.topic(Topic.HUMAN_REVIEW, g.lang)
    stances = [
        (
            showing.messages().gettext("%(topic)s: %(stance)s")
            % {"topic": listening, "stance": summary.stance(stance, g.lang)},
            partial(_takes, stance=stance),
        )
        for stance in FAR_REACHING
    ]
    others = [topic for topic in Topic if topic is not Topic.HUMAN_REVIEW]
    topics = [(summary.topic(topic, g.lang), partial(_is_about, topic=topic)) for topic in others]
    return [*stances, *topics]


def _takes(said: Statement, stance: Stance) -> bool:
    return said.stance is stance


def _is_about(said: Statement, topic: Topic) -> bool:
    return topic in said.topics


def _span(lived: Lived) -> Span:
    return Span(lived.life.since, lived.life.until, Standing.STATED, lived.quote.text[:160])
