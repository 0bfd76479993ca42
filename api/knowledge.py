"""What the doors show: vendors with their answers, and changes with their words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa

from policies import rendering
from policies.changes import compare
from policies.knowledge import (
    Known,
    KnownPage,
    Quote,
    everybody,
    known_pages,
    quotes,
    somebody,
    statements_of,
)
from policies.model import Edit, Topic
from policies.rendering import Step
from policies.store.queries import changes, versions
from policies.store.queries.catalog import PageRow
from policies.store.queries.changes import ChangeRow
from policies.store.queries.versions import DisclosureRow, Excerpt, TextRow, VersionRow

__all__ = [
    "Differing",
    "Known",
    "KnownPage",
    "OpenedChange",
    "Quote",
    "WholeChange",
    "differing",
    "everybody",
    "known_pages",
    "opened",
    "quotes",
    "somebody",
    "statements_of",
    "step_topics",
    "whole",
]


class Said(Protocol):
    """A text, or an excerpt of one: what its passages say, by position."""

    @property
    def disclosures(self) -> Mapping[int, DisclosureRow]:
        """By position."""
        ...


@dataclass(frozen=True)
class OpenedChange:
    """A change with its edits in words, and the passages that they name."""

    row: ChangeRow
    before: VersionRow
    after: VersionRow
    old: Excerpt
    new: Excerpt
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class WholeChange:
    """A change with both texts."""

    row: ChangeRow
    before: VersionRow
    after: VersionRow
    old: TextRow
    new: TextRow
    edits: tuple[Edit, ...]
    steps: tuple[Step, ...]


def opened(connection: sa.Connection, row: ChangeRow) -> OpenedChange:
    """A change with what its edits name."""
    edits, before, after = _edits(connection, row)
    old = versions.excerpt(
        connection, before.text_id, row.scope, (e.old for e in edits if e.old is not None)
    )
    new = versions.excerpt(
        connection, after.text_id, row.scope, (e.new for e in edits if e.new is not None)
    )
    steps = rendering.steps(old.passages, new.passages, edits)
    return OpenedChange(row, before, after, old, new, steps)


def whole(connection: sa.Connection, row: ChangeRow) -> WholeChange:
    """A change with both texts around its edits."""
    edits, before, after = _edits(connection, row)
    old = versions.text(connection, before.text_id, row.scope)
    new = versions.text(connection, after.text_id, row.scope)
    steps = rendering.steps(old.passages, new.passages, edits)
    return WholeChange(row, before, after, old, new, edits, steps)


@dataclass(frozen=True)
class Differing:
    """Any two versions of a page, and the edits that lead from one to the other."""

    before: VersionRow
    after: VersionRow
    old: TextRow
    new: TextRow
    edits: tuple[Edit, ...]
    steps: tuple[Step, ...]
    change_id: str | None  # of the published change that is just this


def differing(
    connection: sa.Connection, page: PageRow, before: VersionRow, after: VersionRow
) -> Differing:
    """What differs between two versions; as it was published, where it was."""
    old = versions.text(connection, before.text_id, page.scope)
    new = versions.text(connection, after.text_id, page.scope)
    row = changes.change(connection, after.change_id) if after.change_id else None
    published = row if row and row.before_id == before.id else None
    if published:
        edits = changes.edits(connection, [published.id])[published.id]
    else:
        edits = compare(old.passages, new.passages)
    steps = rendering.steps(old.passages, new.passages, edits)
    change_id = published.id if published else None
    return Differing(before, after, old, new, edits, steps, change_id)


def _edits(
    connection: sa.Connection, row: ChangeRow
) -> tuple[tuple[Edit, ...], VersionRow, VersionRow]:
    pair = versions.versions_by_id(connection, [row.before_id, row.after_id])
    edits = changes.edits(connection, [row.id])[row.id]
    return edits, pair[row.before_id], pair[row.after_id]


def step_topics(step: Step, old: Said, new: Said) -> tuple[Topic, ...]:
    """What the passages of an edit are about, on either side, in the order of Topic."""
    sides = [(step.edit.old, old), (step.edit.new, new)]
    about = {
        topic
        for position, text in sides
        if position is not None and position in text.disclosures
        for topic in text.disclosures[position].topics
    }
    return tuple(topic for topic in Topic if topic in about)
