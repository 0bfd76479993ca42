"""Makes events of what was published: what people are told of, each thing once.

The same edit on several pages of a vendor is one event; so is another health of a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from policies.model import EventKind, Health, Page, Reason
from policies.store import Store, codec, grouping, writing
from policies.tracking.comparing import Difference
from policies.tracking.state import CRAWL, RULES, Rules, Track

# --- judged from values ----------------------------------------------------------------


def same_edit(weight: int, alike: Sequence[Any], rules: Rules = RULES) -> str | None:
    """The event of the change that is most the same edit as one of a weight, or None.

    `alike`: (id, event_id, weight, shared) of others, in characters.
    """
    shares = [(2 * row.shared / (weight + row.weight), row.event_id) for row in alike if row.weight]
    share, event_id = max(shares, key=lambda pair: pair[0], default=(0.0, None))
    return event_id if share >= rules.same_edit else None


def is_vantage_shift(regional: int, pages: int, rules: Rules = RULES) -> bool:
    """Whether so many of a host's pages changed in regional wording that it was we who moved."""
    return regional >= max(rules.vantage_pages, rules.vantage_share * pages)


def health_to_tell(track: Track, rules: Rules = RULES) -> Health | None:
    """The health that a track's next event tells; None: nothing new, or it may pass.

    The first good reading of a page is no news.
    """
    health, told = track.health, track.health_told
    if track.origin != CRAWL or health is told or health is Health.NEW:
        return None
    if health in (Health.CURRENT, Health.ALTERNATING):
        return health if told is not None else None
    return health if track.health_seen >= rules.health_captures else None


# --- acted on --------------------------------------------------------------------------


def gather(connection: sa.Connection, change_id: str) -> str:
    """Put a change into the event that it is, or into a new one; the event's id."""
    row = grouping.change(connection, change_id)
    near = grouping.alike(
        connection, row, row.captured_at - RULES.one_event, row.captured_at + RULES.one_event
    )
    event_id = same_edit(row.weight, near)
    if event_id is None:
        event_id = grouping.put_event(
            connection,
            row.id,
            kind=EventKind.CHANGE,
            vendor_id=row.vendor_id,
            page_id=row.page_id,
            captured_at=row.captured_at,
            confirmed_at=row.confirmed_at,
        )
    else:
        grouping.join_event(connection, event_id, row)
    grouping.set_change(connection, row.id, event_id=event_id)
    if row.regional >= RULES.vantage_regional:
        _label_vantage(connection, row)
    return event_id


def _label_vantage(connection: sa.Connection, row: Any) -> None:
    """Say so where many pages of a host changed at once in wording for a region."""
    host = urlsplit(row.url).hostname
    read = grouping.pages_of(connection, row.vendor_id, row.origin)
    of_host = [page_id for page_id, url in read if urlsplit(url).hostname == host]
    since, until = row.captured_at - RULES.vantage, row.captured_at + RULES.vantage
    changed = grouping.around(connection, of_host, row.origin, since, until)
    regional = [other for other in changed if (other.regional or 0) >= RULES.vantage_regional]
    pages = {other.page_id for other in regional}
    if not is_vantage_shift(len(pages), len(of_host)):
        return
    says = "many pages of this site changed at once in what they tell people of a region"
    numbers = {"site": host or "", "pages": len(pages), "of": len(of_host)}
    why = Reason("vantage-shift", says, numbers)
    grouping.label(connection, [other.event_id for other in regional], why)


def tell_health(connection: sa.Connection, page: Page, track: Track, at: datetime) -> Health | None:
    """Make an event of a page's other health, if it is one to tell; the health told last."""
    health = health_to_tell(track)
    if health is None:
        first_good = track.health_told is None and track.health is Health.CURRENT
        return track.health if first_good and track.origin == CRAWL else track.health_told
    since = track.health_since or at
    grouping.put_event(
        connection,
        page.id,
        health.value,
        since.isoformat(),
        kind=EventKind.HEALTH,
        vendor_id=page.vendor_id,
        page_id=page.id,
        captured_at=since,
        confirmed_at=at,
        health=(track.health_told.value if track.health_told else None, health.value),
        says=track.health_reason,
    )
    return health


# --- catching up -----------------------------------------------------------------------


def gather_loose(store: Store) -> int:
    """Put the changes of an earlier schema into events; how many."""
    with store.engine.connect() as connection:
        waiting = grouping.loose(connection)
    for row in waiting:
        with store.engine.execution_options(writes=True).begin() as connection:
            page = writing.load_page(connection, row.page_id)
            assert page is not None
            told = Difference(
                writing.load_passages(connection, row.before_text),
                writing.load_passages(connection, row.after_text),
                codec.unpack_edits(row.edits),
            )
            writing.put_rewordings(connection, row.id, told.rewordings)
            regional = told.regional(page.lang)
            grouping.set_change(connection, row.id, weight=told.weight, regional=regional)
            gather(connection, row.id)
    return len(waiting)
