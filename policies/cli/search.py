"""`earwitness search` and `earwitness provenance`: who said it, since when, and what came of it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any, TypeVar

import click
import sqlalchemy as sa

from policies import moments, rendering
from policies.cli.asking import Moment
from policies.errors import BadInput
from policies.finding import hits, tracing
from policies.finding.hits import FoundEdit, FoundPassage, Places
from policies.finding.tracing import Provenance, Trace
from policies.model import Topic
from policies.provenance import LONGEST
from policies.settings import Settings
from policies.store import open_store
from policies.store.queries.rows import Listing
from policies.store.search.asking import Side, Within
from policies.store.search.sightings import Place, Sighting

_AT_ONCE = 50  # hits asked for at once
_STRONG, _PLAIN = "\033[1;4m", "\033[0m"
T = TypeVar("T", FoundPassage, FoundEdit)


class Until(Moment):
    """A date or time up to which something counts; a date is whole."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The first instant after what is meant, or a usage error."""
        try:
            return value if isinstance(value, datetime) else moments.until(value)
        except BadInput as error:
            self.fail(str(error), param, ctx)


@click.command("search")
@click.argument("query", nargs=-1, required=True, metavar="WORDS...")
@click.option(
    "--in",
    "where",
    type=click.Choice(["text", "changes"]),
    default="text",
    show_default=True,
    help="All that was ever said, or only the words that changed.",
)
@click.option(
    "--change",
    "side",
    type=click.Choice([side.value for side in Side]),
    default=Side.ANY.value,
    show_default=True,
    help="Which changed words, with --in changes.",
)
@click.option("--vendor", metavar="V", help="Only of this vendor (its id).")
@click.option("--page", metavar="P", help="Only on this page (its id).")
@click.option("--language", metavar="CODE", help="Only in this language (ISO 639-1).")
@click.option("--topic", type=click.Choice([t.value for t in Topic]), help="Only about this topic.")
@click.option("--since", type=Moment(), metavar="T", help="Only seen, or changed, then or later.")
@click.option("--until", type=Until(), metavar="T", help="Only seen, or changed, until then.")
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    metavar="N",
    help="How many at most.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON Lines: one hit a line.")
def search(
    query: tuple[str, ...],
    where: str,
    side: str,
    vendor: str | None,
    page: str | None,
    language: str | None,
    topic: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    as_json: bool,
) -> None:
    """Passages that hold all these WORDS, with since when and where; newest first.

    Words in "quotes" have to stand together, and contract* means all words that begin so.
    Accents and capitals make no difference. Who removed the word contractors?

    \b
      earwitness search --in changes --change removed contractors
    """
    within = Within(vendor, page, language, Topic(topic) if topic else None, since, until)
    asked = " ".join(f'"{word}"' if " " in word and '"' not in word else word for word in query)
    if where == "text" and side != Side.ANY:
        raise BadInput("--change goes with --in changes: only changed words were added or removed")
    with _reading() as connection:
        hits.known(connection, within)
        count = 0
        if where == "text":

            def passages(before: int | None, size: int) -> Listing[FoundPassage]:
                return hits.passages(connection, asked, within, before=before, limit=size)

            for passage in _all(passages, limit):
                count += 1
                click.echo(_json(_passage(passage)) if as_json else _passage_text(passage))
        else:

            def edits(before: int | None, size: int) -> Listing[FoundEdit]:
                return hits.edits(connection, asked, Side(side), within, before=before, limit=size)

            for edit in _all(edits, limit):
                count += 1
                click.echo(_json(_edit(edit)) if as_json else _edit_text(edit))
    if not count and not as_json:
        click.echo("Nothing that was ever read holds all of these words.", err=True)


@click.command("provenance")
@click.argument("text", nargs=-1, metavar="[TEXT]")
@click.option("--language", metavar="CODE", help="The text's language (ISO 639-1); else any.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines: one sentence a line.")
def provenance(text: tuple[str, ...], language: str | None, as_json: bool) -> None:
    """When a sentence appeared, was reworded and went, and on which pages.

    Without TEXT it is read from the standard input; a paragraph is taken sentence by sentence.
    Where no passage has the same words, the nearest are shown.
    """
    pasted = " ".join(text) or sys.stdin.read(LONGEST + 1)
    with _reading() as connection:
        for sentence in tracing.provenance_of(connection, pasted, language):
            click.echo(_json(_told(sentence)) if as_json else _told_text(sentence))


@contextmanager
def _reading() -> Iterator[sa.Connection]:
    opened = open_store(Settings.from_env().database_url, create=False)
    with closing(opened) as store, store.engine.connect() as connection:
        yield connection


def _all(part: Callable[[int | None, int], Listing[T]], limit: int) -> Iterator[T]:
    """The hits of a search, up to a number of them."""
    before: int | None = None
    while limit > 0:
        found = part(before, min(limit, _AT_ONCE))
        yield from found.items
        limit -= len(found.items)
        if not found.more or not found.items:
            return
        before = found.items[-1].number


# --- for a person ----------------------------------------------------------------------


def _passage_text(found: FoundPassage) -> str:
    text = _marked(found.text, found.matches)
    return "\n".join([text, *(f"  {_where(found, seen)}" for seen in found.seen)]) + "\n"


def _where(found: FoundPassage, seen: Sighting) -> str:
    page = found.pages[seen.page_id]
    days = f"{seen.first_seen:%Y-%m-%d} to {seen.last_seen:%Y-%m-%d}"
    gaps = len(seen.spells) - 1
    notes = [_PLACES[seen.place], *([f"gone and back {gaps}×"] if gaps > 0 else [])]
    by = "" if seen.origin == "crawl" else f" ({seen.origin})"
    return f"{days}  {page.vendor_name}: {page.title}, {seen.page_id}{by}  [{', '.join(notes)}]"


_PLACES = {
    Place.CURRENT: "stands now",
    Place.GONE: "gone",
    Place.PENDING: "waits to be seen again",
    Place.VARIANT: "only in a variant",
    Place.UNCONFIRMED: "never confirmed",
}


def _edit_text(found: FoundEdit) -> str:
    row = found.change
    head = f"{row.captured_at:%Y-%m-%d}  {row.page_id}  change {row.id}"
    lines = [click.style(head, bold=True) if _in_color() else head]
    lines.append(f"  {row.vendor_name}: {row.page_title}")
    if found.step.headings:
        lines.append(f"  # {rendering.where(found.step, color=_in_color())}")
    lines.append(rendering.to_text(found.step, color=_in_color()))
    return "\n".join(lines) + "\n"


def _told_text(sentence: Provenance) -> str:
    lines = [f"“{rendering.visible(sentence.text)}”"]
    if not sentence.traces:
        lines.append("  Nothing like it was ever read.")
    for trace in sentence.traces:
        lines += _trace_text(trace, exact=sentence.exact)
    return "\n".join(lines) + "\n"


def _trace_text(trace: Trace, *, exact: bool) -> Iterator[str]:
    if not exact:
        yield f"  not these words, but nearly ({trace.similarity:.0%}):"
        yield f"  “{rendering.visible(trace.passage.text)}”"
    yield from (f"  {_where(trace.passage, seen)}" for seen in trace.passage.seen)
    for event in trace.events:
        yield f"  {event.change.captured_at:%Y-%m-%d}  {event.change.page_id}  {event.change.id}"
        yield from (f"  {line}" for line in rendering.to_text(event.step).splitlines())


def _marked(text: str, places: Places) -> str:
    if not _in_color():
        return rendering.visible(text)
    parts, at = [], 0
    for start, end in places:
        parts += [rendering.visible(text[at:start]), _STRONG]
        parts += [rendering.visible(text[start:end]), _PLAIN]
        at = end
    return "".join([*parts, rendering.visible(text[at:])])


# --- for a program ---------------------------------------------------------------------


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _passage(found: FoundPassage) -> dict[str, Any]:
    return {
        "passage_id": found.passage_id,
        "text": found.text,
        "language": found.lang,
        "matches": _spans(found.matches),
        "first_seen": moments.iso(found.first_seen),
        "last_seen": moments.iso(found.last_seen),
        "current": found.is_current,
        "seen": [_seen(seen) for seen in found.seen],
    }


def _seen(seen: Sighting) -> dict[str, Any]:
    return {
        "page_id": seen.page_id,
        "origin": seen.origin,
        "place": seen.place.value,
        "first_seen": moments.iso(seen.first_seen),
        "last_seen": moments.iso(seen.last_seen),
        "spells": [[moments.iso(a), moments.iso(b) if b else None] for a, b in seen.spells],
        "version_id": seen.version_id,
        "start": seen.start,
        "end": seen.end,
        "capture_digest": seen.digest,
    }


def _edit(found: FoundEdit) -> dict[str, Any]:
    return {
        "change_id": found.change.id,
        "page_id": found.change.page_id,
        "vendor_id": found.change.vendor_id,
        "origin": found.change.origin,
        "captured_at": moments.iso(found.change.captured_at),
        **rendering.to_json(found.step),
        "removed": _spans(found.removed),
        "added": _spans(found.added),
    }


def _told(sentence: Provenance) -> dict[str, Any]:
    return {
        "text": sentence.text,
        "exact": sentence.exact,
        "traces": [
            {
                "similarity": trace.similarity,
                "passage": _passage(trace.passage),
                "events": [_edit(event) for event in trace.events],
            }
            for trace in sentence.traces
        ],
    }


def _spans(places: Iterable[Sequence[int]]) -> list[list[int]]:
    return [list(place) for place in places]


def _in_color() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ
