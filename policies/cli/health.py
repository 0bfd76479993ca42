"""`earwitness health`: whether each page can be looked at."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import click

from policies import moments
from policies.cli.asking import reading
from policies.model import Health
from policies.settings import Settings
from policies.store.codec import reasons_json
from policies.store.queries import catalog, tracks
from policies.store.queries.catalog import PageRow
from policies.store.queries.health import PageHealth, health_of
from policies.store.queries.tracks import TrackRow


@click.command("health")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines: one page a line.")
def health(as_json: bool) -> None:
    """Whether each page can be looked at, trouble first.

    \b
    current      read at the last look
    alternating  read; it goes back and forth between texts, which is no news
    stale        out of reach, or not looked at for days: what is shown is of the last good date
    blocked      a bot wall, a consent wall, a login, or robots.txt stands before it
    moved        it leads elsewhere
    gone         it is no longer there
    unreadable   an answer came, but not with the page's text
    new          the crawl has not looked at it yet
    """
    now, interval = datetime.now(UTC), Settings.from_env().interval
    with reading() as connection:
        pages = catalog.pages(connection).items
        of_page: dict[str, list[TrackRow]] = {}
        for track in tracks.tracks(connection):
            of_page.setdefault(track.page_id, []).append(track)
    order = list(reversed(Health))
    lines = [
        (page, health_of(of_page.get(page.id, ()), now, interval))
        for page in pages
        if page.declared or page.id in of_page
    ]
    lines.sort(key=lambda line: (not line[0].declared, order.index(line[1].health), line[0].id))
    for page, found in lines:
        if as_json:
            click.echo(json.dumps(_as_json(page, found), ensure_ascii=False))
        else:
            click.echo(_as_text(page, found))
    if not lines and not as_json:
        click.echo("No page is known yet: `earwitness crawl` looks at those declared.", err=True)


def _as_text(page: PageRow, found: PageHealth) -> str:
    read = f"{found.last_read_at:%Y-%m-%d}" if found.last_read_at else "never"
    notes = [found.reason, *(warning.says for warning in found.warnings)]
    if found.health is not Health.CURRENT and found.since:
        notes.append(f"since {found.since:%Y-%m-%d}")
    if found.failures:
        notes.append(f"{found.failures} {'looks' if found.failures > 1 else 'look'} in vain")
    if not page.declared:
        notes.append("not in the catalog")
    told = "; ".join(note for note in notes if note)
    return f"{found.health.value:<12} {page.id:<48} last read {read:<10}  {told}".rstrip()


def _as_json(page: PageRow, found: PageHealth) -> dict[str, Any]:
    def time(at: datetime | None) -> str | None:
        return moments.iso(at) if at else None

    return {
        "page_id": page.id,
        "vendor_id": page.vendor_id,
        "url": page.url,
        "language": page.lang,
        "declared": page.declared,
        "health": found.health.value,
        "since": time(found.since),
        "reason": found.reason,
        "warnings": reasons_json(found.warnings),
        "failures": found.failures,
        "last_capture_at": time(found.last_capture_at),
        "last_read_at": time(found.last_read_at),
    }
