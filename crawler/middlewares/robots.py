"""robots.txt: asked for first, kept to as RFC 9309 says."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http.request import NO_CALLBACK
from scrapy.robotstxt import ProtegoRobotParser

from crawler.captures import RoundStopped, Unfetched, explain
from crawler.connections import host_of
from crawler.middlewares.pace import PaceMiddleware

log = logging.getLogger(__name__)

# RFC 9309 asks for 500 KiB at least; the largest known in 2026 are well below a megabyte. What
# stands behind is not read, as other crawlers do: a large robots.txt does not close a site.
ROBOTS_LIMIT = 2_000_000  # bytes


@dataclass(frozen=True)
class Rules:
    """What a site's robots.txt says, or why nobody could tell."""

    parser: ProtegoRobotParser | None = None  # None: everything is allowed
    refusal: str | None = None  # why nothing of the site may be asked for in this round


class RobotsMiddleware:
    """Asks each site's robots.txt first, and keeps to it as RFC 9309 says.

    A robots.txt that is not there (4xx) forbids nothing. One that cannot be had (5xx, or no
    answer at all) forbids everything, for this round.
    """

    def __init__(self, crawler: Crawler):
        self._crawler = crawler
        self._agent = str(crawler.settings["USER_AGENT"]).partition("/")[0]  # product token
        self._longest = crawler.settings.getfloat("CRAWL_DELAY_LIMIT")
        self._rules: dict[str, asyncio.Future[Rules]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RobotsMiddleware:
        """The middleware of a crawler."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Lets a request pass that its site allows. Raises Unfetched for others."""
        if request.meta.get("robots"):
            return
        parts = urlsplit(request.url)
        site = f"{parts.scheme}://{parts.netloc}"
        if site not in self._rules:
            self._rules[site] = asyncio.ensure_future(self._read(site, request))
        rules = await self._rules[site]
        if rules.refusal:
            raise Unfetched(rules.refusal)
        if rules.parser and not rules.parser.allowed(request.url, self._agent):
            raise Unfetched(f"robots: {site}/robots.txt asks not to fetch {parts.path or '/'}")

    async def _read(self, site: str, wanted: Request) -> Rules:
        meta = {
            "robots": True,
            "most": ROBOTS_LIMIT,
            "declared_host": wanted.meta.get("declared_host") or host_of(wanted.url),
        }
        address = f"{site}/robots.txt"
        plain = {"Accept-Encoding": "identity"}  # a part of it can be read then
        request = Request(address, headers=plain, meta=meta, callback=NO_CALLBACK, dont_filter=True)
        try:
            response = await self._crawler.engine.download_async(request)
        except RoundStopped:
            raise
        except Exception as error:
            failure = explain(error)
            if failure.startswith("redirect-loop"):
                return Rules()  # RFC 9309, 2.3.1.2: as if there were none
            return Rules(refusal=f"{failure} (asking for {address})")
        if response.status == 429:
            return Rules(refusal=f"robots: {address} answers 429, so nothing was asked for")
        if response.status >= 500:
            said = f"{address} answers {response.status}, so nothing was asked for"
            return Rules(refusal=f"network: {said}")
        if response.status != 200:
            return Rules()
        answered = response.request or request
        body, cut = response.body, answered.meta.get("cut")
        if cut == "length" and "Content-Encoding" not in response.headers:
            body = body[: body.rfind(b"\n") + 1]
        elif cut:
            return Rules(refusal=f"{answered.meta['failure']} (asking for {address})")
        parser = ProtegoRobotParser.from_crawler(self._crawler, body)
        self._keep_distance(site, parser)
        return Rules(parser)

    def _keep_distance(self, site: str, parser: ProtegoRobotParser) -> None:
        asked = parser.crawl_delay(self._agent)
        if not asked or asked <= 0:
            return
        delay = min(float(asked), self._longest)
        if delay < asked:
            log.warning("%s asks for a Crawl-delay of %s s: keeping %s s", site, asked, delay)
        pace = self._crawler.get_downloader_middleware(PaceMiddleware)
        if pace:
            pace.keep_distance(host_of(site), delay)
