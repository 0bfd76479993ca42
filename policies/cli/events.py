"""`earwitness events`: what people are told of, each thing once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from policies import moments
from policies.cli.asking import Moment, every, reading, refuse_unknown
from policies.model import EventKind, Topic
from policies.store.codec import reasons_json
from policies.store.queries import events as told
from policies.store.queries.events import EventRow, Wanted
from policies.store.queries.rows import Position

_BATCH = 100  # events asked for at once


@click.command("events")
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in EventKind]),
    help="Only edits (change), or only another health of a page.",
)
@click.option("--vendor", metavar="V", help="Only of this vendor (its id).")
@click.option("--page", metavar="P", help="Only what happened on this page, too (its id).")
@click.option("--since", type=Moment(), metavar="T", help="Only published then or later.")
@click.option(
    "--topic",
    type=click.Choice([topic.value for topic in Topic]),
    help="Only edits that touch this topic.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON Lines: one event a line.")
def events(
    kind: str | None,
    vendor: str | None,
    page: str | None,
    since: datetime | None,
    topic: str | None,
    as_json: bool,
) -> None:
    """What happened, oldest first, each thing once.

    The same edit on several pages of a vendor is one event; its occurrences are listed below it,
    and `earwitness changes` shows their words. Another health of a page is an event, too.
    """
    wanted = Wanted(
        kind=EventKind(kind) if kind else None,
        vendor_id=vendor,
        page_id=page,
        topic=Topic(topic) if topic else None,
        since=since,
    )
    with reading() as connection:
        refuse_unknown(connection, vendor, page)
        rows = list(
            every(
                lambda after: told.events(connection, wanted, after=after, limit=_BATCH),
                lambda row: Position(row.confirmed_at, row.id),
            )
        )
    for row in reversed(rows):
        if as_json:
            click.echo(json.dumps(_as_json(row), ensure_ascii=False))
        else:
            click.echo("\n".join(_as_text(row)))
    if not rows and not as_json:
        click.echo("Nothing has been published that fits.", err=True)


def _as_text(row: EventRow) -> Iterator[str]:
    head = f"{row.confirmed_at:%Y-%m-%d}  {row.vendor_name}: "
    if row.health_after is not None:
        before = row.health_before.value if row.health_before else "not read so far"
        yield f"{head}{row.page_id} is {row.health_after.value} (was: {before})  event {row.id}"
        if row.says:
            yield f"  {row.says}"
    else:
        pages = len({change.page_id for change in row.occurrences})
        about = ", ".join(row.topics) or "no watched topic"
        where = f"an edit on {pages} pages" if pages > 1 else "an edit"
        yield f"{head}{where}  [{about}]  event {row.id}"
    for label in row.labels:
        yield f"  {label.rule}: {label.says}"
    for change in row.occurrences:
        seen = "" if change.origin == "crawl" else f" ({change.origin})"
        yield f"  {change.captured_at:%Y-%m-%d}  {change.page_id}{seen}  change {change.id}"


def _as_json(row: EventRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind.value,
        "vendor_id": row.vendor_id,
        "page_id": row.page_id,
        "captured_at": moments.iso(row.captured_at),
        "confirmed_at": moments.iso(row.confirmed_at),
        "updated_at": moments.iso(row.updated_at),
        "topics": list(row.topics),
        "health_before": row.health_before,
        "health_after": row.health_after,
        "reason": row.says,
        "labels": reasons_json(row.labels),
        "occurrences": [
            {
                "change_id": change.id,
                "page_id": change.page_id,
                "origin": change.origin,
                "captured_at": moments.iso(change.captured_at),
            }
            for change in row.occurrences
        ],
    }
