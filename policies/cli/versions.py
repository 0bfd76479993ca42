"""`earwitness versions`: the texts that a page has shown, believed or not."""

from __future__ import annotations

import json
from typing import Any

import click

from policies import moments
from policies.cli.asking import every, reading, refuse_unknown
from policies.model import VersionState
from policies.store.queries import versions as kept
from policies.store.queries.rows import Position
from policies.store.queries.versions import VersionRow

_BATCH = 100  # versions asked for at once


@click.command("versions")
@click.argument("page", metavar="PAGE")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in VersionState]),
    help="Only versions of this state; may be given more than once.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON Lines: one version a line.")
def versions(page: str, states: tuple[str, ...], as_json: bool) -> None:
    """The texts that a page has shown, oldest first; PAGE is its id.

    \b
    baseline     the first text of its history: nothing to compare it with
    confirmed    believed: seen again, or stood long enough; its change is published
    pending      seen once; the next look decides
    unconfirmed  gone before it was seen again: kept, not published
    variant      the page takes turns with it
    reread       an earlier capture, read in a new way

    What stood for less than the time between two looks is never seen, and what was seen once only
    is not published: such texts are here, as unconfirmed. EARWITNESS_RECHECK_AFTER sets how soon a
    new text is looked at again.
    """
    with reading() as connection:
        refuse_unknown(connection, None, page)
        wanted = [VersionState(state) for state in states]
        rows = list(
            every(
                lambda after: kept.page_versions(
                    connection, page, states=wanted, after=after, limit=_BATCH
                ),
                lambda row: Position(row.captured_at, row.id),
            )
        )
    for row in reversed(rows):
        if as_json:
            click.echo(json.dumps(_as_json(row), ensure_ascii=False))
        else:
            click.echo(_as_text(row))
    if not rows and not as_json:
        click.echo("The page has shown no such text yet.", err=True)


def _as_text(row: VersionRow) -> str:
    notes = [f"{row.passages:,} passages", row.origin]
    if row.stated_date:
        notes.append(f"dated {row.stated_date}")
    if row.change_id:
        notes.append(f"change {row.change_id}")
    return (
        f"{row.captured_at:%Y-%m-%d %H:%M}  {row.state.value:<11}  {row.id}"
        f"  last seen {row.last_seen:%Y-%m-%d %H:%M}  {', '.join(notes)}"
    )


def _as_json(row: VersionRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "page_id": row.page_id,
        "origin": row.origin,
        "state": row.state.value,
        "captured_at": moments.iso(row.captured_at),
        "confirmed_at": moments.iso(row.confirmed_at) if row.confirmed_at else None,
        "last_seen": moments.iso(row.last_seen),
        "stated_date": row.stated_date,
        "passages": row.passages,
        "characters": row.characters,
        "text_digest": f"sha256:{row.text_id}",
        "capture_digest": row.capture.digest,
        "change_id": row.change_id,
    }
