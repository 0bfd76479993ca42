"""Found passages and edits, with their verbatim words and where these stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from policies import rendering
from policies.errors import UnknownId
from policies.model import Edit, SpanKind
from policies.rendering import Step
from policies.store.queries import catalog, changes, texts, versions
from policies.store.queries.catalog import PageRow
from policies.store.queries.changes import ChangeRow
from policies.store.queries.rows import Listing
from policies.store.search import asking, filling, sightings
from policies.store.search.asking import EditHit, Side, Within
from policies.store.search.sightings import Place, Sighting
from policies.words import Term, matches, terms

Places = tuple[tuple[int, int], ...]  # (start, end) in a text


@dataclass(frozen=True)
class FoundPassage:
    """A passage with everywhere it stood."""

    passage_id: str
    text: str  # a slice of the version that the first sighting names
    lang: str
    matches: Places  # what was asked for, in the text
    seen: tuple[Sighting, ...]  # current places first
    pages: Mapping[str, PageRow]  # of these sightings
    number: int = 0  # where a list goes on

    @property
    def first_seen(self) -> datetime:
        """When it was first seen anywhere."""
        return min(s.first_seen for s in self.seen)

    @property
    def last_seen(self) -> datetime:
        """When it was last seen anywhere."""
        return max(s.last_seen for s in self.seen)

    @property
    def is_current(self) -> bool:
        """Whether it stands on a page now."""
        return any(s.place is Place.CURRENT for s in self.seen)


@dataclass(frozen=True)
class FoundEdit:
    """An edit of a published change with its words."""

    change: ChangeRow
    place: int  # among the change's edits
    step: Step
    removed: Places = ()  # what was asked for, in the old passage's changed words
    added: Places = ()  # and in the new one's
    number: int = 0  # where a list goes on


def passages(
    connection: sa.Connection,
    query: str,
    within: Within | None = None,
    *,
    before: int | None = None,
    limit: int = 20,
) -> Listing[FoundPassage]:
    """Passages that hold every word and phrase of a query, last first seen first.

    Raises BadInput.
    """
    asked = terms(query)
    found = asking.passages(connection, asked, within, before=before, limit=limit)
    opened = open_passages(connection, [hit.passage_id for hit in found.items], asked)
    return Listing(
        tuple(
            _numbered(opened[hit.passage_id], hit.number)
            for hit in found.items
            if hit.passage_id in opened
        ),
        found.more,
    )


def edits(
    connection: sa.Connection,
    query: str,
    side: Side = Side.ANY,
    within: Within | None = None,
    *,
    before: int | None = None,
    limit: int = 20,
) -> Listing[FoundEdit]:
    """Edits whose changed words hold every word and phrase of a query, newest first.

    Raises BadInput.
    """
    asked = terms(query)
    found = asking.edits(connection, asked, side, within, before=before, limit=limit)
    return Listing(open_edits(connection, found.items, asked), found.more)


def open_passages(
    connection: sa.Connection, passage_ids: Sequence[str], asked: Sequence[Term] = ()
) -> dict[str, FoundPassage]:
    """The passages of these ids that a version holds, with their words and places."""
    seen = sightings.sightings(connection, passage_ids)
    first = {id_: listed[0] for id_, listed in seen.items() if listed}
    slices = texts.slices(connection, {(s.text_id, s.start, s.end) for s in first.values()})
    page_ids = {s.page_id for listed in seen.values() for s in listed}
    pages = {page.id: page for page in catalog.pages_by_id(connection, sorted(page_ids))}
    opened = {}
    for id_, best in first.items():
        text = slices[best.text_id, best.start, best.end]
        opened[id_] = FoundPassage(
            passage_id=id_,
            text=text,
            lang=pages[best.page_id].lang,
            matches=matches(asked, text),
            seen=seen[id_],
            pages={s.page_id: pages[s.page_id] for s in seen[id_]},
        )
    return opened


def open_edits(
    connection: sa.Connection, hits: Sequence[EditHit], asked: Sequence[Term] = ()
) -> tuple[FoundEdit, ...]:
    """Edits with their words, in the same order."""
    ids = [hit.change_id for hit in hits]
    rows, all_edits = changes.by_id(connection, ids), changes.edits(connection, ids)
    wanted: dict[str, list[Edit]] = {}
    for hit in hits:
        wanted.setdefault(hit.change_id, []).append(all_edits[hit.change_id][hit.place])
    steps = {
        (change_id, step.edit): step
        for change_id, some in wanted.items()
        for step in _steps(connection, rows[change_id], some)
    }
    return tuple(
        _found_edit(hit, rows[hit.change_id], steps[hit.change_id, edit], asked)
        for hit in hits
        for edit in (all_edits[hit.change_id][hit.place],)
    )


def known(connection: sa.Connection, within: Within) -> None:
    """Refuse ids that nothing bears: an empty answer would look like silence. Raises UnknownId."""
    if within.vendor_id is not None and catalog.vendor(connection, within.vendor_id) is None:
        raise UnknownId(f"no vendor has the id {within.vendor_id!r}")
    if within.page_id is not None and catalog.page(connection, within.page_id) is None:
        raise UnknownId(f"no page has the id {within.page_id!r}")


def _numbered(passage: FoundPassage, number: int) -> FoundPassage:
    return FoundPassage(**{**vars(passage), "number": number})


def _steps(connection: sa.Connection, row: ChangeRow, some: Sequence[Edit]) -> tuple[Step, ...]:
    pair = versions.versions_by_id(connection, [row.before_id, row.after_id])
    old = versions.excerpt(
        connection,
        pair[row.before_id].text_id,
        row.scope,
        (edit.old for edit in some if edit.old is not None),
    )
    new = versions.excerpt(
        connection,
        pair[row.after_id].text_id,
        row.scope,
        (edit.new for edit in some if edit.new is not None),
    )
    return rendering.steps(old.passages, new.passages, some)


def _found_edit(hit: EditHit, row: ChangeRow, step: Step, asked: Sequence[Term]) -> FoundEdit:
    return FoundEdit(
        change=row,
        place=hit.place,
        step=step,
        removed=_changed(step.edit, step.old.text if step.old else "", SpanKind.REMOVED, asked),
        added=_changed(step.edit, step.new.text if step.new else "", SpanKind.ADDED, asked),
        number=hit.number,
    )


def _changed(edit: Edit, text: str, kind: SpanKind, asked: Sequence[Term]) -> Places:
    return tuple(
        (start + at, start + to)
        for start, end in filling.changed(edit, text, kind)
        for at, to in matches(asked, text[start:end])
    )
