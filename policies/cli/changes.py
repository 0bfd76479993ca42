"""`earwitness changes`: what changed, for a person or a program."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click
import sqlalchemy as sa

from policies import direction, moments, rendering
from policies.cli import directions
from policies.cli.asking import Moment, every, reading, refuse_unknown
from policies.direction import Direction
from policies.model import Topic
from policies.store.queries import changes as published
from policies.store.queries import versions
from policies.store.queries.changes import ChangeRow, Wanted
from policies.store.queries.places import Place, still_stated
from policies.store.queries.rows import Position
from policies.store.queries.versions import Excerpt

_BATCH = 100  # changes asked for at once


@click.command("changes")
@click.option("--vendor", metavar="V", help="Only of this vendor (its id).")
@click.option("--page", metavar="P", help="Only of this page (its id).")
@click.option("--since", type=Moment(), metavar="T", help="Only first captured then or later.")
@click.option(
    "--topic",
    type=click.Choice([topic.value for topic in Topic]),
    help="Only edits that touch this topic.",
)
@click.option(
    "--direction",
    "way",
    type=click.Choice([way.value for way in Direction]),
    help="Only changes that go this way, on that topic or on any.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON Lines: one change a line, all of it.")
def changes(
    vendor: str | None,
    page: str | None,
    since: datetime | None,
    topic: str | None,
    way: str | None,
    as_json: bool,
) -> None:
    """What changed, oldest first, in the pages' own words.

    Behind `-` stands what a page said before, behind `+` what it says since. Behind `=` stands
    which way it goes on a topic, by which rules: better or worse for the person, or in how much is
    said.
    """
    about = Topic(topic) if topic else None
    wanted = Wanted(vendor_id=vendor, page_id=page, topic=about, direction=way, since=since)
    with reading() as connection:
        refuse_unknown(connection, vendor, page)
        rows = list(
            every(
                lambda after: published.changes(connection, wanted, after=after, limit=_BATCH),
                lambda row: Position(row.captured_at, row.id),
            )
        )
        for row in reversed(rows):
            shown = _Shown(connection, row, about)
            if as_json:
                click.echo(json.dumps(shown.as_json(), ensure_ascii=False))
            else:
                click.echo(shown.as_text(color=in_color()))
    if not rows and not as_json:
        click.echo("No change has been published that fits.", err=True)


class _Shown:
    """A change with the words of its edits."""

    def __init__(self, connection: sa.Connection, row: ChangeRow, about: Topic | None) -> None:
        pair = versions.versions_by_id(connection, [row.before_id, row.after_id])
        self.row, self.about = row, about
        self.before, self.after = pair[row.before_id], pair[row.after_id]
        edits = published.edits(connection, [row.id])[row.id]
        self.old = versions.excerpt(
            connection, self.before.text_id, row.scope, (e.old for e in edits if e.old is not None)
        )
        self.new = versions.excerpt(
            connection, self.after.text_id, row.scope, (e.new for e in edits if e.new is not None)
        )
        steps = rendering.steps(self.old.passages, self.new.passages, edits)
        self.still = still_stated(connection, row.vendor_id, edits, self.old.passages)
        self.steps = [s for s in steps if about is None or about in self.topics(s)]
        self.others = len(steps) - len(self.steps)

    def topics(self, step: rendering.Step) -> list[Topic]:
        """What an edit's passages are about."""
        said = _says(self.old, step.edit.old) | _says(self.new, step.edit.new)
        return [topic for topic in Topic if topic in said]

    def as_text(self, *, color: bool) -> str:
        """The change for a person."""
        row = self.row
        about = ", ".join(row.topics) or "no watched topic"
        name = f"{row.captured_at:%Y-%m-%d}  {row.page_id}"
        lines = [click.style(name, bold=True) if color else name]
        lines.append(f"  {row.vendor_name}: {row.page_title}  [{about}]  change {row.id}")
        path: tuple[str, ...] = ()
        for step in self.steps:
            if step.edit.kind.is_quiet:
                continue
            if step.headings and step.headings != path:
                lines.append(f"  # {rendering.where(step, color=color)}")
            path = step.headings
            lines.append(rendering.to_text(step, color=color))
            lines += [
                f"    still stated, word for word: {place.page_id}, since {place.since:%Y-%m-%d}"
                for place in self._places(step)
            ]
        found = direction.unpack(row.directions)
        lines += directions.lines(found, self.old.passages, self.new.passages, self.about)
        lines += self._rest()
        return "\n".join(lines) + "\n"

    def _places(self, step: rendering.Step) -> tuple[Place, ...]:
        """Where the vendor still states what an edit took out."""
        return self.still.get(step.edit.old, ()) if step.edit.old is not None else ()

    def _rest(self) -> Iterator[str]:
        quiet = sum(1 for step in self.steps if step.edit.kind.is_quiet)
        if quiet:
            kinds = "moved, passing, typography, dates and labels, or read in another way"
            yield f"  ({kinds}: {quiet})"
        if self.others:
            yield f"  (edits about something else: {self.others})"

    def as_json(self) -> dict[str, Any]:
        """The change for a program."""
        row = self.row
        words = rendering.words(self.steps)
        return {
            "id": row.id,
            "vendor_id": row.vendor_id,
            "page_id": row.page_id,
            "url": row.page_url,
            "language": row.lang,
            "origin": row.origin,
            "captured_at": moments.iso(row.captured_at),
            "confirmed_at": moments.iso(row.confirmed_at),
            "event_id": row.event_id,
            "topics": list(row.topics),
            "directions": directions.as_json(
                direction.unpack(row.directions), self.old.passages, self.new.passages
            ),
            "before": {"version_id": self.before.id, "digest": self.before.capture.digest},
            "after": {"version_id": self.after.id, "digest": self.after.capture.digest},
            "words_removed": words.removed,
            "words_added": words.added,
            "edits": [
                {
                    **rendering.to_json(step),
                    "topics": list(self.topics(step)),
                    "still_stated": [place.page_id for place in self._places(step)],
                }
                for step in self.steps
            ],
        }


def _says(text: Excerpt, position: int | None) -> set[Topic]:
    found = text.disclosures.get(position) if position is not None else None
    return set(found.topics) if found else set()


def in_color() -> bool:
    """Whether what is printed may be coloured."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ
