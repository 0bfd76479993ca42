"""Whether a page can be looked at: told by the crawl alone, and growing stale by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from policies.model import Health, Reason
from policies.store.queries.tracks import CRAWL, TrackRow

# A page that was not looked at for so many crawl intervals is stale, whatever it was then.
_PATIENCE = 4
_LEAST_PATIENCE = timedelta(days=2)


@dataclass(frozen=True)
class PageHealth:
    """A page's health, as of a time."""

    health: Health
    since: datetime | None
    reason: str  # one sentence; empty where there is nothing to explain
    warnings: tuple[Reason, ...]  # rules that hold though the page is read
    failures: int  # unread captures in a row
    last_capture_at: datetime | None  # by the crawl, read or not
    last_read_at: datetime | None  # by any origin: the last good date


def health_of(
    tracks: Iterable[TrackRow], now: datetime | None = None, interval: timedelta = timedelta()
) -> PageHealth:
    """The health of the page that these tracks are of.

    An imported history says nothing of whether the page can be looked at today. `now`: a page that
    the crawl left alone for several times its `interval` is stale; None: as the crawl left it.
    """
    known = tuple(tracks)
    read = [track.last_read_at for track in known if track.last_read_at]
    last_read_at = max(read, default=None)
    crawl = next((track for track in known if track.origin == CRAWL), None)
    if crawl is None:
        says = "known from an import; the crawl has not looked at it" if known else ""
        return PageHealth(Health.NEW, None, says, (), 0, None, last_read_at)
    found = PageHealth(
        crawl.health,
        crawl.health_since,
        crawl.health_reason,
        crawl.warnings,
        crawl.failures,
        crawl.last_capture_at,
        last_read_at,
    )
    return _aged(found, now, max(_PATIENCE * interval, _LEAST_PATIENCE)) if now else found


def _aged(found: PageHealth, now: datetime, patience: timedelta) -> PageHealth:
    looked = found.last_capture_at
    fresh = looked is None or now - looked <= patience
    if fresh or found.health not in (Health.CURRENT, Health.ALTERNATING):
        return found
    return PageHealth(
        Health.STALE,
        looked,
        "the crawl has not looked at it since",
        found.warnings,
        found.failures,
        looked,
        found.last_read_at,
    )
