"""What is asked for again, and when."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import CannotResolveHostError, DownloadTimeoutError, IgnoreRequest
from scrapy.http import Headers, Response

from crawler.captures import explain
from crawler.connections import host_of
from crawler.middlewares.pace import PaceMiddleware

# "Too busy", "broken just now" and their like; others will not change by asking twice.
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
PASSING_KINDS = frozenset({"dns", "refused", "reset", "timeout", "truncated"})


class RetryMiddleware:
    """Asks again, later, where that may help: twice at most, and as late as the host wants."""

    def __init__(self, crawler: Crawler):
        self._crawler = crawler
        self._again = crawler.settings.getint("RETRY_AGAIN")
        self._backoff = crawler.settings.getfloat("RETRY_BACKOFF")
        self._longest = crawler.settings.getfloat("RETRY_AFTER_LIMIT")

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RetryMiddleware:
        """The middleware of a crawler."""
        return cls(crawler)

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """The answer, or the request once more where the answer is a passing one."""
        if request.meta.get("cut") == "disconnect":
            return self._repeated(request, self._again, None) or response
        if response.status not in PASSING:
            return response
        asked = retry_after(response.headers, datetime.now(UTC))
        if asked is not None and asked > self._longest:
            return self._too_long(request, response, asked)
        repeated = self._repeated(request, self._again, asked)
        if repeated is None and response.status == 429 and self._pace:
            self._pace.leave_alone(request, f"network: {host_of(request.url)} still answers 429")
        return repeated or response

    def process_exception(self, request: Request, exception: Exception) -> Request | None:
        """The request once more where the trouble may pass, else None."""
        if isinstance(exception, IgnoreRequest):
            return None
        if explain(exception).partition(":")[0] not in PASSING_KINDS:
            return None
        # Each of these took a long wait already.
        slow = isinstance(exception, DownloadTimeoutError | CannotResolveHostError)
        return self._repeated(request, 1 if slow else self._again, None)

    def _repeated(self, request: Request, times: int, asked: float | None) -> Request | None:
        tried = request.meta.get("tried", 0)
        if tried >= times or self._pace is None or self._pace.stopping:
            return None
        backoff = self._backoff * 2**tried * random.uniform(1.0, 1.25)  # noqa: S311 - no secret
        self._pace.hold(request, backoff if asked is None else asked)
        repeated = request.copy()
        repeated.meta["tried"] = tried + 1
        repeated.dont_filter = True
        return repeated

    def _too_long(self, request: Request, response: Response, asked: float) -> Response:
        host = host_of(request.url)
        failure = (
            f"network: {host} answers {response.status} and asks to be left alone "
            f"for {asked:.0f} s (Retry-After)"
        )
        request.meta["failure"] = failure
        if self._pace:
            self._pace.leave_alone(request, failure)
        return response

    @property
    def _pace(self) -> PaceMiddleware | None:
        return self._crawler.get_downloader_middleware(PaceMiddleware)


def retry_after(headers: Headers, now: datetime) -> float | None:
    """Seconds that Retry-After asks for, given as seconds or as a date; None: nothing usable."""
    value = (headers.get("Retry-After") or b"").decode("latin-1").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - now).total_seconds())
