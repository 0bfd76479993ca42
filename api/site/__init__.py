"""The site: what is known, as pages for people. English at `/`, French at `/fr/`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import sqlalchemy as sa
from apiflask import APIBlueprint
from flask import Flask, Response, g, make_response, render_template, request

from api import cursors, knowledge
from api.knowledge import Known, Quote, WholeChange
from api.reading import connection, health_now, remembered
from api.site import showing
from policies import rendering
from policies.errors import BadInput, UnknownId
from policies.ledger import FAR_REACHING, Standing, Statement
from policies.locale import LANGUAGES
from policies.model import Health, Topic
from policies.store.queries import catalog, changes, events, tracks, versions
from policies.store.queries.catalog import PageRow
from policies.store.queries.changes import ChangeRow, Wanted
from policies.store.queries.places import Place, still_stated
from policies.store.queries.rows import Position

_RECENT = 6  # changes on the front page and on a vendor's
_LIST = 40  # rows of a list on one page
_STALE = timedelta(days=30)  # behind the newest reading: pages are looked at twice a day
_SENTENCE = 40  # characters: shorter ones are headings and labels, which stand everywhere
_SHORT = 12  # edits: a change of so few is shown whole at once

pages = APIBlueprint("site", __name__, enable_openapi=False)


@dataclass(frozen=True)
class Line:
    """A vendor on the front page."""

    known: Known
    quote: Quote | None


def install(app: Flask) -> None:
    """Add the site's pages, in each language, and what its templates use."""
    showing.install(app)
    for lang in LANGUAGES:
        prefix = "" if lang == "en" else f"/{lang}"
        app.register_blueprint(pages, name=f"site_{lang}", url_prefix=prefix)


def error_page(status: int, detail: str) -> Response:
    """An error as a page, in the language of its address."""
    g.lang = showing.lang_of(request.path)
    return make_response(render_template("error.html", status=status, detail=detail), status)


@pages.before_request
def _language() -> None:
    g.lang = showing.lang_of(request.path)


@pages.get("/")
def front() -> str:
    """Every vendor's answer on people listening."""
    lines = remembered(f"front in {g.lang}", partial(_lines, lang=g.lang))
    known_pages = [page for line in lines for page in line.known.pages]
    recent = changes.changes(connection(), Wanted(topic=Topic.HUMAN_REVIEW), limit=_RECENT)
    as_of = tracks.as_of(connection())
    return render_template(
        "front.html",
        lines=lines,
        pages_read=sum(1 for page in known_pages if page.now and page.now.last_read_at),
        as_of=as_of,
        stale=as_of - _STALE if as_of else None,
        changes=recent.items,
    )


def _lines(reader: sa.Connection, lang: str) -> tuple[Line, ...]:
    everybody = remembered("everybody", knowledge.everybody)
    by_page = {page.page.id: page.page for known in everybody for page in known.pages}
    chosen = [_telling(known, by_page, lang) for known in everybody]
    quotes = knowledge.quotes(reader, (s for s in chosen if s is not None), by_page)
    lines = [
        Line(known, quotes[statement.place] if statement is not None else None)
        for known, statement in zip(everybody, chosen, strict=True)
    ]
    return tuple(sorted(lines, key=_how_far))


def _telling(known: Known, pages: Mapping[str, PageRow], lang: str) -> Statement | None:
    """The statement that stands for a vendor's answer: one in the reader's language, if any."""
    said = known.answers[Topic.HUMAN_REVIEW].statements
    alike = [s for s in said if s.stance is said[0].stance]
    return next((s for s in alike if pages[s.page_id].lang == lang), said[0] if said else None)


def _how_far(line: Line) -> tuple[int, str]:
    """Those who say that people listen first, those who could not be read last."""
    answer = line.known.answers[Topic.HUMAN_REVIEW]
    if answer.stance is not None:
        return FAR_REACHING.index(answer.stance), line.known.vendor.name.casefold()
    rank = list(Standing).index(answer.standing)
    return len(FAR_REACHING) + rank, line.known.vendor.name.casefold()


@pages.get("/vendors/<vendor_id>")
def vendor(vendor_id: str) -> str:
    """A vendor's answers, its pages and its changes."""
    everybody = remembered("everybody", knowledge.everybody)
    known = next((known for known in everybody if known.vendor.id == vendor_id), None)
    if known is None:
        raise UnknownId(f"no vendor has the id {vendor_id!r}")
    listening = known.answers[Topic.HUMAN_REVIEW]
    said = [s for answer in known.answers.values() for s in answer.statements]
    said += knowledge.statements_of(listening)
    by_page = {page.page.id: page.page for page in known.pages}
    recent = changes.changes(connection(), Wanted(vendor_id=vendor_id), limit=_RECENT)
    return render_template(
        "vendor.html",
        known=known,
        apart=len({(a.standing, a.stance) for a in known.by_assistant.values()}) > 1,
        quotes=knowledge.quotes(connection(), said, by_page),
        changes=recent.items,
        more=recent.more,
    )


@pages.get("/pages/<page_id>")
def page(page_id: str) -> str:
    """A page's health and versions."""
    row = catalog.page(connection(), page_id)
    if row is None:
        raise UnknownId(f"no page has the id {page_id!r}")
    found = versions.page_versions(
        connection(), page_id, after=cursors.position(request.args.get("cursor")), limit=_LIST
    )
    led = changes.by_id(connection(), [v.change_id for v in found.items if v.change_id])
    return render_template(
        "page.html",
        known=knowledge.known_pages(connection(), [row])[0],
        versions=found.items,
        changes=led,
        following=_following(found.items[-1]) if found.more else None,
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


@pages.get("/changes/")
def change_list() -> str:
    """Published changes, newest first."""
    topic = request.args.get("topic")
    if topic is not None and topic not in list(Topic):
        raise BadInput(f"there is no topic {topic!r}")
    vendor_id = request.args.get("vendor")
    chosen = catalog.vendor(connection(), vendor_id) if vendor_id else None
    if vendor_id and chosen is None:
        raise UnknownId(f"no vendor has the id {vendor_id!r}")
    wanted = Wanted(topic=Topic(topic) if topic else None, vendor_id=vendor_id)
    found = changes.changes(
        connection(), wanted, after=cursors.position(request.args.get("cursor")), limit=_LIST
    )
    return render_template(
        "changes.html",
        changes=found.items,
        topic=wanted.topic,
        vendor=chosen,
        following=_following(found.items[-1]) if found.more else None,
    )


@pages.get("/changes/<change_id>")
def change(change_id: str) -> str:
    """A change: what it means, and its diff."""
    row = changes.change(connection(), change_id)
    if row is None:
        raise UnknownId(f"no change has the id {change_id!r}")
    opened = knowledge.whole(connection(), row)
    previous_id, next_id = changes.neighbours(connection(), row)
    topics = [(s, knowledge.step_topics(s, opened.old, opened.new)) for s in opened.steps]
    # What people came for stands first; within that, the order of the page.
    topics.sort(key=lambda pair: Topic.HUMAN_REVIEW not in pair[1])
    about = [step for step, on in topics if on]
    return render_template(
        "change.html",
        change=row,
        opened=opened,
        words=rendering.words(opened.steps),
        about=showing.diff(opened, about) if 0 < len(about) < len(opened.steps) else None,
        whole=showing.diff(opened, _whole(opened)),
        same_edit=_same_edit(row),
        still=_still_stated(opened),
        short=not about or len(opened.steps) <= max(_SHORT, len(about)),
        previous_id=previous_id,
        next_id=next_id,
    )


def _same_edit(row: ChangeRow) -> list[ChangeRow]:
    event = events.event(connection(), row.event_id) if row.event_id else None
    return [other for other in event.occurrences if other.id != row.id] if event else []


def _still_stated(opened: WholeChange) -> list[tuple[str, tuple[Place, ...]]]:
    """The words that were taken out and stand elsewhere, with where; in page order."""
    found = still_stated(connection(), opened.row.vendor_id, opened.edits, opened.old.passages)
    said = [(opened.old.passages[position].text, found[position]) for position in sorted(found)]
    return [(words, places) for words, places in said if len(words) >= _SENTENCE][:_RECENT]


def _whole(opened: WholeChange) -> list[rendering.Step | rendering.Unchanged]:
    return list(rendering.whole(opened.old.passages, opened.new.passages, opened.edits))


@pages.get("/health")
def health() -> str:
    """Whether each page can be looked at; trouble first."""
    everything = knowledge.known_pages(connection(), catalog.pages(connection()).items)
    order = list(reversed(Health))
    shown = sorted(
        everything, key=lambda k: (not k.page.declared, order.index(health_now(k).health))
    )
    healths = Counter(health_now(k).health for k in shown)
    counts = {state: healths[state] for state in Health}
    return render_template(
        "health.html", pages=shown, counts=counts, as_of=tracks.as_of(connection())
    )


def _following(row: versions.VersionRow | changes.ChangeRow) -> str:
    return cursors.of_position(Position(row.captured_at, row.id))
