"""What changed: a change and its diff, any two versions, lists of changes and events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from flask import Response, g, render_template
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field

from api import cursors, knowledge
from api.costly import costly
from api.knowledge import Differing, WholeChange
from api.reading import connection
from api.site import cards, citing, columns, showing
from api.site.blueprint import pages
from api.site.citing import Cited
from api.site.painting import Card, Mark
from api.v1.answering import page_of
from api.v1.diffs import meant
from api.v1.params import Id, VersionOrTime
from policies import rendering, summary
from policies.direction import Direction
from policies.errors import UnknownId
from policies.model import EventKind, Topic
from policies.rendering import Step, Unchanged
from policies.store.queries import catalog, changes, events, tracks
from policies.store.queries.changes import ChangeRow, Wanted
from policies.store.queries.places import Place, still_stated
from policies.store.queries.rows import Position

_LIST = 40  # rows of a list on one page
_SENTENCE = 40  # characters: shorter ones are headings and labels, which stand everywhere
_SHORT = 12  # edits: a change of so few is shown whole at once
_WAYS = 2  # that a card has room for
_STILL = 6  # sentences that still stand elsewhere

View = Literal["inline", "side"]
Cursor = Annotated[str, Field(min_length=1, max_length=300)] | None


class ListQuery(BaseModel):
    """Which changes."""

    model_config = ConfigDict(extra="ignore")  # a link with a tracker's own word still opens

    vendor: Id = None
    topic: Topic | None = None
    cursor: Cursor = None

    @property
    def asked(self) -> dict[str, str]:
        """What was asked for, as parameters; where the list goes on left out."""
        return self.model_dump(mode="json", exclude_none=True, exclude={"cursor"})


class EventsQuery(ListQuery):
    """Which events."""

    kind: EventKind | None = None


class ViewQuery(BaseModel):
    """How a diff is shown."""

    model_config = ConfigDict(extra="ignore")

    view: View = "inline"


class DiffQuery(ViewQuery):
    """Which two versions."""

    old: VersionOrTime = Field(alias="from")
    new: VersionOrTime | None = Field(default=None, alias="to")


@dataclass(frozen=True)
class Shown:
    """A diff as it goes into a page."""

    about: Markup | None  # only the edits that people came for; None: all are, or none is
    whole: Markup
    short: bool  # whether the whole is shown at once


@pages.get("/changes/<change_id>")
@pages.input(ViewQuery, location="query", arg_name="query")
def change(change_id: str, query: ViewQuery) -> str:
    """A change: what it means, its diff, and how to cite it."""
    row = _row(change_id)
    opened = knowledge.whole(connection(), row)
    previous_id, next_id = changes.neighbours(connection(), row)
    return render_template(
        "change.html",
        change=row,
        opened=opened,
        view=query.view,
        words=rendering.words(opened.steps),
        shown=_shown(opened, query.view),
        same_edit=_same_edit(row),
        still=_still_stated(opened),
        cited=_cited(opened),
        previous_id=previous_id,
        next_id=next_id,
    )


@pages.get("/changes/<change_id>/card.png")
def change_card(change_id: str) -> Response:
    """A change as a picture for links to it."""
    row = _row(change_id)
    ways = dict.fromkeys(way.direction for way in showing.directions(row).values())
    marks = tuple(
        Mark(way.value, summary.direction(way, g.lang))
        for way in ways
        if way is not Direction.UNCLEAR
    )
    foot = f"{showing.day(row.captured_at)} · {row.id}"
    says = showing.change_sentences(row)[0]
    return cards.answer(Card(row.vendor_name, says, marks[:_WAYS], foot=foot))


@pages.get("/pages/<page_id>/diff")
@pages.input(DiffQuery, location="query", arg_name="query")
@costly
def diff(page_id: str, query: DiffQuery) -> str:
    """What differs between any two versions of a page."""
    page = page_of(page_id)
    old, new = meant(page, query.old), meant(page, query.new)
    if (new.captured_at, new.id) < (old.captured_at, old.id):
        old, new = new, old
    found = knowledge.differing(connection(), page, old, new)
    return render_template(
        "diff.html",
        page=page,
        found=found,
        view=query.view,
        words=rendering.words(found.steps),
        shown=_shown(found, query.view),
    )


@pages.get("/changes/")
@pages.input(ListQuery, location="query", arg_name="query")
def change_list(query: ListQuery) -> str:
    """Published changes, newest first."""
    vendor = _vendor(query.vendor)
    wanted = Wanted(topic=query.topic, vendor_id=query.vendor)
    found = changes.changes(connection(), wanted, after=cursors.position(query.cursor), limit=_LIST)
    last = found.items[-1] if found.more else None
    return render_template(
        "changes.html",
        asked=query.asked,
        changes=found.items,
        topic=query.topic,
        vendor=vendor,
        vendors=catalog.vendors(connection()).items,
        following=cursors.of_position(Position(last.captured_at, last.id)) if last else None,
    )


@pages.get("/events/")
@pages.input(EventsQuery, location="query", arg_name="query")
def event_list(query: EventsQuery) -> str:
    """What happened, each thing once: edits, and pages that can no longer be looked at."""
    vendor = _vendor(query.vendor)
    wanted = events.Wanted(kind=query.kind, topic=query.topic, vendor_id=query.vendor)
    found = events.events(connection(), wanted, after=cursors.position(query.cursor), limit=_LIST)
    last = found.items[-1] if found.more else None
    return render_template(
        "events.html",
        asked=query.asked,
        events=found.items,
        kind=query.kind,
        topic=query.topic,
        vendor=vendor,
        vendors=catalog.vendors(connection()).items,
        following=cursors.of_position(Position(last.confirmed_at, last.id)) if last else None,
    )


def _row(change_id: str) -> ChangeRow:
    row = changes.change(connection(), change_id)
    if row is None:
        raise UnknownId(f"no change has the id {change_id!r}")
    return row


def _vendor(vendor_id: str | None) -> Any:
    if vendor_id is None:
        return None
    vendor = catalog.vendor(connection(), vendor_id)
    if vendor is None:
        raise UnknownId(f"no vendor has the id {vendor_id!r}")
    return vendor


# --- diffs -----------------------------------------------------------------------------


def _shown(opened: WholeChange | Differing, view: View) -> Shown:
    topics = [(s, knowledge.step_topics(s, opened.old, opened.new)) for s in opened.steps]
    # What people came for stands first; within that, the order of the page.
    topics.sort(key=lambda pair: Topic.HUMAN_REVIEW not in pair[1])
    about = [step for step, on in topics if on]
    whole = list(rendering.whole(opened.old.passages, opened.new.passages, opened.edits))
    return Shown(
        about=_diff(opened, about, view) if 0 < len(about) < len(opened.steps) else None,
        whole=_diff(opened, whole, view),
        short=not about or len(opened.steps) <= max(_SHORT, len(about)),
    )


def _diff(
    opened: WholeChange | Differing, parts: list[Step] | list[Step | Unchanged], view: View
) -> Markup:
    if view == "inline":
        return showing.diff(opened, parts)
    html = render_template(
        "columns.html",
        rows=columns.rows(parts),
        notes=lambda step: knowledge.step_topics(step, opened.old, opened.new),
    )
    return Markup(html)  # noqa: S704  # the template escapes every word of a page


def _same_edit(row: ChangeRow) -> list[ChangeRow]:
    event = events.event(connection(), row.event_id) if row.event_id else None
    return [other for other in event.occurrences if other.id != row.id] if event else []


def _still_stated(opened: WholeChange) -> list[tuple[str, tuple[Place, ...]]]:
    """The words that were taken out and stand elsewhere, with where; in page order."""
    found = still_stated(connection(), opened.row.vendor_id, opened.edits, opened.old.passages)
    said = [(opened.old.passages[position].text, found[position]) for position in sorted(found)]
    return [(words, places) for words, places in said if len(words) >= _SENTENCE][:_STILL]


def _cited(opened: WholeChange) -> tuple[Cited, citing.Citation]:
    row = opened.row
    day = showing.day(row.captured_at)
    what = Cited(
        id=row.id,
        title=f"{row.vendor_name}: {row.page_title} ({row.lang}), {day}",
        address=showing.address("change", change_id=row.id),
        captured_at=row.captured_at,
        read_at=tracks.as_of(connection()) or row.confirmed_at,
        before=opened.before.capture.digest,
        after=opened.after.capture.digest,
    )
    return what, citing.cite(what)
