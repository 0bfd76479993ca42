"""How much of an answer is taken, and what is noted of one that broke off."""

from __future__ import annotations

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import StopDownload
from scrapy.http import Response


class BoundsMiddleware:
    """Ends an answer that is too large, or that broke off, and says so on its request.

    What came until then goes on its way with status and headers: it is evidence, never a page.
    `cut` in a request's meta is why, in the words of WARC-Truncated; `failure` is for people.
    """

    def __init__(self, crawler: Crawler):
        self._most = crawler.settings.getint("BODY_LIMIT")

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> BoundsMiddleware:
        """The middleware of a crawler."""
        bounds = cls(crawler)
        crawler.signals.connect(bounds.head_came, signals.headers_received)
        crawler.signals.connect(bounds.part_came, signals.bytes_received)
        return bounds

    def head_came(self, body_length: int | str, request: Request) -> None:
        """Looks at what an answer promises. Raises StopDownload where that is too much."""
        for mark in ("cut", "failure"):  # of an earlier answer on the same way
            request.meta.pop(mark, None)
        request.meta["came"] = 0
        # Not a number: nothing is promised. Of a robots.txt the beginning is read anyway.
        promised = body_length if isinstance(body_length, int) else 0
        if promised > self._limit(request) and not request.meta.get("robots"):
            self._stop(request)

    def part_came(self, data: bytes, request: Request) -> None:
        """Counts what came. Raises StopDownload when it is too much."""
        request.meta["came"] += len(data)
        if request.meta["came"] > self._limit(request):
            self._stop(request)

    def process_response(self, request: Request, response: Response) -> Response:
        """Notes that an answer broke off."""
        if "dataloss" in response.flags:
            request.meta["cut"] = "disconnect"
            request.meta["failure"] = "truncated: the connection ended before the body did"
        return response

    def _limit(self, request: Request) -> int:
        limit: int = request.meta.get("most", self._most)
        return limit

    @staticmethod
    def _stop(request: Request) -> None:
        request.meta["cut"] = "length"
        request.meta["failure"] = "too-large: the body is larger than the limit"
        raise StopDownload(fail=False)
