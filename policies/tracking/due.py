"""Which pages to look at now: those whose time has come, and those that wait for a re-check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from policies.model import Page
from policies.settings import Settings

_LONGEST_PATIENCE = 6  # doublings of the time between two tries


@dataclass(frozen=True)
class Due:
    """A page to fetch, and what the last good answer said of itself."""

    page: Page
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class Standing:
    """What is known of a page's captures."""

    last_capture_at: datetime | None = None
    waits: bool = False  # a new text waits to be seen again
    failures: int = 0  # unread captures in a row
    passed: int = 0  # texts that waited in vain, of late


def due_at(standing: Standing, settings: Settings) -> datetime | None:
    """When a page is to be looked at next; None: it never was, so now."""
    if standing.last_capture_at is None:
        return None
    wait = settings.interval
    if standing.waits or standing.failures:
        # A page that fails, or that differs at every look, is asked less and less often.
        tries = max(standing.failures - 1, 0) + (standing.passed if standing.waits else 0)
        wait = min(wait, settings.recheck_after * 2 ** min(tries, _LONGEST_PATIENCE))
    return standing.last_capture_at + wait
