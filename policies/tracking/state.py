"""Where a page's history of one origin stands: the values that decisions are made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from policies.model import Health, Reason

CRAWL = "crawl"  # the origin of our own captures; every other is an archive


@dataclass(frozen=True)
class Held:
    """A version that a track holds."""

    version_id: str
    text_id: str
    signature: str  # same for texts that differ only in cosmetics
    region: str | None  # of its spelling, where that is told
    method: str  # how it was read
    capture_id: str  # the first that showed it
    captured_at: datetime
    last_seen: datetime
    is_baseline: bool = False  # the first of its origin, believed for want of another


@dataclass(frozen=True)
class Variant:
    """A text other than the current one that the page showed, and may show again."""

    held: Held
    returns: int = 0  # how often the page came back to it
    since: datetime | None = None  # start of the present run of captures that show it
    since_capture: str | None = None  # the capture that began that run
    seen: int = 0  # captures in that run


@dataclass(frozen=True)
class Track:
    """A page's history of one origin, as it stands."""

    page_id: str
    origin: str
    current: Held | None = None  # believed now
    pending: Held | None = None  # seen once
    variants: tuple[Variant, ...] = ()  # most lately seen first
    last_capture_at: datetime | None = None
    last_read_at: datetime | None = None
    health: Health = Health.NEW
    health_since: datetime | None = None
    health_reason: str = ""
    health_seen: int = 0  # captures in a row with this health
    health_told: Health | None = None  # of the last event; None: none was due yet
    warnings: tuple[Reason, ...] = ()
    failures: int = 0  # unread captures in a row


@dataclass(frozen=True)
class Rules:
    """The numbers that decisions turn on, each with its reason."""

    # An imported text that stood this long was seen by many fetches (archives fetch once or
    # twice a day). 2026-11-22: half-rendered pages and widgets in the real histories stood for
    # up to a day.
    stands: timedelta = timedelta(days=3)
    # An archive's first text that was gone before this is none to compare with: its selectors were
    # being mended. 2026-11-22: those in the real histories were mended within two hours, and one
    # page was really edited two and a half days after its first text.
    mended: timedelta = timedelta(days=2)
    # A waiting text is believed for the edits that a later, again different text bears out, if
    # those are this share of what it changed, by characters. 2026-11-22: two editions of Meta's
    # policy that take turns share 2 %.
    borne_out: float = 0.3
    # A page may come back to a text it showed within this time without that being news.
    window: timedelta = timedelta(days=90)
    # A return to an earlier text is a real reversal when only that text is seen for so long …
    settles: timedelta = timedelta(days=7)
    # … and, after a text that stood for longer, for as long as that one, up to this. 2026-11-22:
    # Google took one line out for 20 days, put it back for 8, and took it out again.
    settles_at_most: timedelta = timedelta(days=14)
    settles_captures: int = 3  # … in at least so many captures (or it stood in an archive) …
    # … and the page did not go back and forth more often than that.
    alternates: int = 2
    # Most of a page may really be taken out: believed when it stays so for so long …
    remnant: timedelta = timedelta(days=7)
    remnant_captures: int = 3  # … in at least so many captures.
    # An archive keeps no page, only what its selectors found there; those fail for weeks.
    # 2026-11-22: Microsoft's lost two thirds for 38 days, and then had them back.
    remnant_in_archive: timedelta = timedelta(days=90)
    variants_kept: int = 8
    # The same edit on another page of a vendor is the same event when it came within this time:
    # pages of one vendor are republished in turn …
    one_event: timedelta = timedelta(days=30)
    # … and when this share of what the two changed is the same, by characters.
    same_edit: float = 0.5
    # Pages of one host that change within this time may only have been fetched from elsewhere …
    vantage: timedelta = timedelta(days=2)
    # … if they are at least so many, and this share of the host's pages, …
    vantage_pages: int = 3
    vantage_share: float = 0.5
    # … and this share of what changed on each stands in passages that name a region.
    vantage_regional: float = 0.2
    # Another health is told when so many captures in a row showed it; that a page is read again,
    # at once.
    health_captures: int = 2


RULES = Rules()
