"""One pass over the pages that are due: which they are, and what came of each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from difflib import get_close_matches

from scrapy.crawler import AsyncCrawlerRunner, Crawler

from crawler.middlewares.pace import PaceMiddleware
from policies.catalog import load
from policies.errors import BadInput
from policies.model import Capture, Catalog, Page
from policies.settings import Settings
from policies.tracking import Due, Judgement, Tracker, open_tracker

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fetched:
    """A page and the capture that a round made of it."""

    page: Page
    capture: Capture


@dataclass(frozen=True)
class Result:
    """What came of a page in a round. The capture's body is left out."""

    page: Page
    capture: Capture
    judgement: Judgement


@dataclass
class Round:
    """One pass over the pages that are due."""

    tracker: Tracker
    due: Sequence[Due]
    at: datetime | None = None  # when all captures are said to be made; None: when they are
    told: Callable[[Result], None] = lambda _: None  # called for each page, in order of arrival
    results: list[Result] = field(default_factory=list)
    trouble: Exception | None = None  # why the round ended early; None: it did not, or was stopped
    stopping: bool = False
    _crawler: Crawler | None = None

    def now(self) -> datetime:
        """The time of a capture that is made now."""
        return self.at or datetime.now(UTC)

    def note(self, fetched: Fetched, judgement: Judgement) -> None:
        """Takes down what came of a page."""
        lean = replace(fetched.capture, body=b"")
        result = Result(fetched.page, lean, judgement)
        self.results.append(result)
        self.told(result)

    @property
    def left(self) -> tuple[Page, ...]:
        """The pages that were not asked for; they stay due."""
        done = {result.page.id for result in self.results}
        return tuple(due.page for due in self.due if due.page.id not in done)

    async def run(self, runner: AsyncCrawlerRunner) -> None:
        """Fetches and judges every page. Raises what the tracker raised, if it did."""
        self._crawler = runner.create_crawler("pages")
        await runner.crawl(self._crawler, round=self)
        if self.trouble:
            raise self.trouble

    def stop(self) -> None:
        """Asks for no further page; those on their way arrive and are judged."""
        self.stopping = True
        try:
            pace = self._crawler and self._crawler.get_downloader_middleware(PaceMiddleware)
        except RuntimeError:  # it has not begun yet
            return
        if pace:
            pace.stop()

    def give_up(self, error: Exception) -> None:
        """Stops because of an error that concerns every page."""
        self.trouble = self.trouble or error
        self.stop()


def chosen(
    catalog: Catalog, vendors: Sequence[str] = (), pages: Sequence[str] = ()
) -> tuple[Page, ...]:
    """The pages of these vendors, or these pages, in the order of the catalog.

    Nothing named: all. Raises BadInput with the nearest names where one is not declared.
    """
    _check("vendor", vendors, [vendor.id for vendor in catalog.vendors])
    _check("page", pages, [page.id for page in catalog.pages])
    found = tuple(
        page
        for page in catalog.pages
        if (not vendors or page.vendor_id in vendors) and (not pages or page.id in pages)
    )
    if not found and (vendors or pages):
        raise BadInput(f"none of the pages {', '.join(pages)} is of {', '.join(vendors)}")
    return found


def _check(kind: str, names: Iterable[str], known: Sequence[str]) -> None:
    for name in names:
        if name in known:
            continue
        near = get_close_matches(name, known, n=3) or [k for k in known if name.lower() in k][:3]
        hint = f"did you mean {' or '.join(near)}?" if near else "see: earwitness catalog list"
        raise BadInput(f"no {kind} {name!r} is declared; {hint}")


@contextmanager
def opened(settings: Settings, catalog: Catalog) -> Iterator[Tracker]:
    """The tracker, with the catalog in its store and nothing left over from a killed run."""
    tracker = open_tracker(settings)
    try:
        tracker.recover()
        tracker.register(catalog)
        again = tracker.catch_up()
        if again:
            log.warning("the lexicon changed: %d stored texts were judged again", again)
        yield tracker
    finally:
        tracker.close()


def declared(settings: Settings) -> Catalog:
    """The catalog that the settings name. Raises BadDeclaration."""
    return load(settings.catalog)
