"""Who lets people listen: all vendors, all of them on one topic, and one vendor whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa
from flask import Response, g, render_template

from api import knowledge
from api.knowledge import Known, Quote
from api.reading import connection, health_now, remembered
from api.site import cards, pictures, showing
from api.site.blueprint import pages
from api.site.painting import Card, Mark
from api.site.pictures import Picture, Span
from policies import summary
from policies.errors import UnknownId
from policies.ledger import FAR_REACHING, Answer, Standing, Statement
from policies.model import EventKind, Health, Topic
from policies.store.queries import changes, events, tracks
from policies.store.queries.catalog import PageRow
from policies.store.queries.changes import ChangeRow, Wanted

_RECENT = 6  # events on the front page, changes on a vendor's
_DRAWN = 2_000  # changes that a picture shows: ticks beyond that are one line
_STALE = timedelta(days=30)  # behind the newest reading: pages are looked at twice a day
_UNWELL = (Health.STALE, Health.BLOCKED, Health.MOVED, Health.GONE, Health.UNREADABLE)


@dataclass(frozen=True)
class Line:
    """A vendor in the table of a topic."""

    known: Known
    answer: Answer
    quote: Quote | None
    brought: ChangeRow | None  # the change since which it says so; None: it was so before we looked


@pages.get("/")
def front() -> str:
    """Every vendor's answers, people listening first; what happened last."""
    lines = _table(Topic.HUMAN_REVIEW)
    known_pages = [page for line in lines for page in line.known.pages]
    as_of = tracks.as_of(connection())
    recent = events.events(
        connection(),
        events.Wanted(kind=EventKind.CHANGE, topic=Topic.HUMAN_REVIEW),
        limit=_RECENT,
    )
    return render_template(
        "front.html",
        lines=lines,
        topics=[topic for topic in Topic if topic is not Topic.HUMAN_REVIEW],
        pages_read=sum(1 for page in known_pages if page.now and page.now.last_read_at),
        unwell=sum(1 for page in known_pages if health_now(page).health in _UNWELL),
        as_of=as_of,
        stale=as_of - _STALE if as_of else None,
        events=recent.items,
    )


@pages.get("/topics/<topic>")
def topic(topic: str) -> str:
    """Every vendor's answer on one topic, in its words."""
    wanted = _topic(topic)
    as_of = tracks.as_of(connection())
    return render_template(
        "topic.html",
        topic=wanted,
        lines=_table(wanted),
        as_of=as_of,
        stale=as_of - _STALE if as_of else None,
    )


@pages.get("/card.png")
def card() -> Response:
    """Every vendor's answer as a picture for links to the site."""
    head = showing.messages().gettext("Who lets people listen to what you say?")
    return _table_card(head, Topic.HUMAN_REVIEW)


@pages.get("/topics/<topic>/card.png")
def topic_card(topic: str) -> Response:
    """Every vendor's answer on one topic as a picture for links to it."""
    wanted = _topic(topic)
    return _table_card(summary.topic(wanted, g.lang), wanted)


def _table_card(head: str, topic: Topic) -> Response:
    as_of = tracks.as_of(connection())
    foot = f"{showing.messages().gettext('as of')} {showing.day(as_of)}" if as_of else ""
    rows = tuple((line.known.vendor.name, _mark(line.answer)) for line in _table(topic))
    return cards.answer(Card(head, rows=rows, foot=foot))


def _mark(answer: Answer) -> Mark:
    name = summary.verdict(answer.standing, answer.stance, g.lang)
    return Mark(showing.sort(answer.standing, answer.stance), name)


def _topic(name: str) -> Topic:
    if name not in list(Topic):
        raise UnknownId(f"there is no topic {name!r}")
    return Topic(name)


def _table(topic: Topic) -> tuple[Line, ...]:
    return remembered(f"{topic} in {g.lang}", partial(_lines, topic=topic, lang=g.lang))


def _lines(reader: sa.Connection, topic: Topic, lang: str) -> tuple[Line, ...]:
    everybody = remembered("everybody", knowledge.everybody)
    by_page = {page.page.id: page.page for known in everybody for page in known.pages}
    chosen = [_telling(known.answers[topic], by_page, lang) for known in everybody]
    quotes = knowledge.quotes(reader, (s for s in chosen if s is not None), by_page)
    lines = [
        Line(
            known,
            known.answers[topic],
            quotes[said.place] if said is not None else None,
            _brought(reader, known, topic),
        )
        for known, said in zip(everybody, chosen, strict=True)
    ]
    return tuple(sorted(lines, key=_how_far))


def _telling(answer: Answer, of: Mapping[str, PageRow], lang: str) -> Statement | None:
    """The statement that stands for an answer: one in the reader's language, if any."""
    said = answer.statements
    alike = [s for s in said if s.stance is said[0].stance]
    return next((s for s in alike if of[s.page_id].lang == lang), said[0] if said else None)


def _brought(reader: sa.Connection, known: Known, topic: Topic) -> ChangeRow | None:
    """The published change that brought a vendor's answer, if we saw it come."""
    since = known.answers[topic].since
    if since is None or not known.answers[topic].observed:
        return None
    just_then = since + timedelta(microseconds=1)
    wanted = Wanted(vendor_id=known.vendor.id, topic=topic, since=since, before=just_then)
    return next(iter(changes.changes(reader, wanted, limit=1).items), None)


def _how_far(line: Line) -> tuple[int, str]:
    """Those who say that people listen first, those who could not be read last."""
    name = line.known.vendor.name.casefold()
    if line.answer.stance is not None:
        return FAR_REACHING.index(line.answer.stance), name
    return len(FAR_REACHING) + list(Standing).index(line.answer.standing), name


# --- one vendor ------------------------------------------------------------------------


@dataclass(frozen=True)
class Stretch:
    """A time in which a vendor gave one answer to a topic: a row of the list beside the picture."""

    topic: Topic
    since: datetime
    until: datetime | None
    observed: bool
    name: str
    sort: str


@pages.get("/vendors/<vendor_id>")
def vendor(vendor_id: str) -> str:
    """A vendor's answers, now and before, its changes and its pages."""
    known = _known(vendor_id)
    listening = known.answers[Topic.HUMAN_REVIEW]
    of = {page.page.id: page.page for page in known.pages}
    said = [s for answer in known.answers.values() for s in answer.statements]
    quotes = knowledge.quotes(connection(), (*said, *knowledge.statements_of(listening)), of)
    recent = changes.changes(connection(), Wanted(vendor_id=vendor_id), limit=_DRAWN)
    stretches = tuple(_stretches(known))
    return render_template(
        "vendor.html",
        known=known,
        apart=len({(a.standing, a.stance) for a in known.by_assistant.values()}) > 1,
        quotes=quotes,
        brought=_brought(connection(), known, Topic.HUMAN_REVIEW),
        paragraph=summary.paragraph(
            listening,
            known.vendor.name,
            known.assistants,
            g.lang,
            {place: quote.text for place, quote in quotes.items()},
            {page_id: row.title for page_id, row in of.items()},
        ),
        stretches=stretches,
        picture=_picture(stretches, recent.items, known.as_of),
        changes=recent.items[:_RECENT],
        more=recent.more or len(recent.items) > _RECENT,
    )


@pages.get("/vendors/<vendor_id>/card.png")
def vendor_card(vendor_id: str) -> Response:
    """A vendor's answer as a picture for links to it."""
    known = _known(vendor_id)
    listening = known.answers[Topic.HUMAN_REVIEW]
    told = summary.answer(listening, known.vendor.name, known.assistants, g.lang)
    foot = summary.as_of(listening, g.lang)
    return cards.answer(Card(known.vendor.name, told[0], (_mark(listening),), foot=foot))


def _known(vendor_id: str) -> Known:
    everybody = remembered("everybody", knowledge.everybody)
    known = next((known for known in everybody if known.vendor.id == vendor_id), None)
    if known is None:
        raise UnknownId(f"no vendor has the id {vendor_id!r}")
    return known


def _stretches(known: Known) -> Iterable[Stretch]:
    """Every answer of a vendor one after the other, oldest first, by topic."""
    for topic, answer in known.answers.items():
        for period in reversed(answer.earlier):
            name = summary.verdict(period.standing, period.stance, g.lang)
            sort = showing.sort(period.standing, period.stance)
            yield Stretch(topic, period.since, period.until, period.observed, name, sort)
        if answer.since is not None:
            name = summary.verdict(answer.standing, answer.stance, g.lang)
            sort = showing.sort(answer.standing, answer.stance)
            yield Stretch(topic, answer.since, None, answer.observed, name, sort)


def _picture(
    stretches: Sequence[Stretch], changed: Sequence[ChangeRow], as_of: datetime | None
) -> Picture | None:
    if not stretches or as_of is None:
        return None
    over = pictures.scale(min(s.since for s in stretches), as_of)
    bands = []
    for topic in Topic:
        mine = [s for s in stretches if s.topic is topic]
        if any(s.sort not in (Standing.NOT_STATED, Standing.NOT_READ) for s in mine):
            spans = [Span(s.since, s.until, s.sort, s.name) for s in mine]
            bands.append((summary.topic(topic, g.lang), spans))
    ticks = [(row.captured_at, Topic.HUMAN_REVIEW in row.topics) for row in changed]
    return pictures.picture(over, bands, ticks)
