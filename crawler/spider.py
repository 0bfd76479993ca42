"""The one spider: all due pages, each ending in exactly one capture."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import scrapy
from scrapy import Request
from scrapy.http import Response
from twisted.python.failure import Failure

from crawler.captures import RoundStopped, Unfetched, from_exception, from_response
from crawler.connections import host_of
from crawler.rounds import Fetched, Round, chosen, declared, opened
from policies.errors import EarwitnessError
from policies.moments import since
from policies.settings import Settings
from policies.tracking import Due

# What a page without its scripts says would be taken for what it says.
_NO_BROWSER = "render: the page is declared to need a browser, and Earwitness has none yet"


class PagesSpider(scrapy.Spider):
    """Fetches the pages that are due.

    `earwitness crawl` gives it a round. By itself (`scrapy crawl pages -a vendor=amazon`) it
    makes one from the environment; its arguments are those of the command.
    """

    name = "pages"

    def __init__(
        self,
        round: Round | None = None,  # noqa: A002 - the word of the house
        vendor: str | None = None,
        page: str | None = None,
        catalog: str | None = None,
        at: str | None = None,
        force: str | bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self._mine = ExitStack()
        if round is None:
            try:
                round = self._from_environment(vendor, page, catalog, at, str(force))  # noqa: A001
            except EarwitnessError as error:
                self._mine.close()
                sys.stderr.write(f"earwitness: {error}\n")
                sys.exit(2)  # bad usage, without a traceback: the sentence says it all
        self.round = round

    def _from_environment(
        self, vendor: str | None, page: str | None, folder: str | None, at: str | None, force: str
    ) -> Round:
        settings = Settings.from_env()
        if folder:
            settings = replace(settings, catalog=Path(folder))
        catalog = declared(settings)
        pages = chosen(catalog, [vendor] if vendor else [], [page] if page else [])
        moment = since(at) if at else None
        tracker = self._mine.enter_context(opened(settings, catalog))
        round_ = Round(tracker, (), moment)
        round_.due = tracker.due(pages, round_.now(), force.lower() in ("1", "true", "yes"))
        return round_

    def closed(self, reason: str) -> None:
        """Closes what the spider opened by itself."""
        self._mine.close()

    async def start(self) -> AsyncIterator[Any]:
        """A request for each due page, or its capture where it cannot even be asked for."""
        for due in self.round.due:
            if self.round.stopping:
                return
            if due.page.render:
                unseen = Unfetched(_NO_BROWSER)
                yield Fetched(due.page, from_exception(due.page, None, unseen, self.round.now()))
                continue
            try:
                yield self._request(due)
            except ValueError as error:  # not an address
                yield Fetched(due.page, from_exception(due.page, None, error, self.round.now()))

    def _request(self, due: Due) -> Request:
        headers = {"Accept-Language": due.page.accept_language}
        if due.etag:
            headers["If-None-Match"] = due.etag
        if due.last_modified:
            headers["If-Modified-Since"] = due.last_modified
        return Request(
            due.page.url,
            headers=headers,
            callback=self.answered,
            errback=self.unanswered,
            # Two pages may stand at one address, in two languages.
            dont_filter=True,
            meta={"page": due.page, "declared_host": host_of(due.page.url)},
        )

    def answered(self, response: Response) -> Iterator[Fetched]:
        """The capture of an answer."""
        page = response.meta["page"]
        yield Fetched(page, from_response(page, response, self.round.now()))

    def unanswered(self, failure: Failure) -> Iterator[Fetched]:
        """The capture of a page that could not be had."""
        if failure.check(RoundStopped):
            return
        request: Request = failure.request  # type: ignore[attr-defined]  # Scrapy puts it there
        page = request.meta["page"]
        assert failure.value is not None
        yield Fetched(page, from_exception(page, request, failure.value, self.round.now()))
