"""What happens to every request and its answer: robots.txt, pace, retries, redirects, decoding."""

from __future__ import annotations

import asyncio
import logging
import random
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request, signals
from scrapy.core.downloader import Downloader, Slot
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares import redirect
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadTimeoutError,
    IgnoreRequest,
    StopDownload,
)
from scrapy.http import Headers, Response
from scrapy.http.request import NO_CALLBACK
from scrapy.responsetypes import responsetypes
from scrapy.robotstxt import ProtegoRobotParser

from crawler.captures import RoundStopped, Unfetched, explain
from crawler.connections import is_loopback_host

log = logging.getLogger(__name__)

CONDITIONS = ("If-None-Match", "If-Modified-Since")


def host_of(url: str) -> str:
    """The host of an address, in lower case."""
    return (urlsplit(url).hostname or "").lower()


# --- robots.txt ------------------------------------------------------------------------

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


# --- bounds ----------------------------------------------------------------------------


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


# --- pace ------------------------------------------------------------------------------


class PaceMiddleware:
    """One request at a time to a host, with the distance that the host wants.

    AutoThrottle finds the distance by itself, except where a robots.txt names it, and on this
    very machine, which needs none.
    """

    # Seconds. Not zero: a slot without a delay could not be held back in time.
    _AT_HOME = 0.02

    def __init__(self, crawler: Crawler):
        self._crawler = crawler
        self._distance: dict[str, float] = {}  # host -> seconds between requests
        self._away: dict[str, str] = {}  # host -> why it is not asked again in this round
        self._stopping = False

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> PaceMiddleware:
        """The middleware of a crawler."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Puts a request in its host's queue. Raises where nothing more is asked of the host."""
        host = host_of(request.url)
        if self._stopping:
            raise RoundStopped
        if host in self._away:
            raise Unfetched(self._away[host])
        # Set anew each time: a redirected request still bears the queue of its first host.
        request.meta["download_slot"] = host
        distance = self._distance.get(host)
        if distance is None and is_loopback_host(host):
            distance = self._AT_HOME
        request.meta["autothrottle_dont_adjust_delay"] = distance is not None
        if distance is not None:
            self._settle(host, distance)

    def process_response(self, request: Request, response: Response) -> Response:
        """Lets the first page follow its robots.txt at once, as browsers' requests do."""
        slot = self._slot(request)
        if request.meta.get("robots") and slot and not slot.queue:
            slot.close()  # forgets when the next request would be due; closes nothing
            slot.lastseen = 0.0
        return response

    def keep_distance(self, host: str, seconds: float) -> None:
        """From now on at least that many seconds lie between two requests to a host."""
        self._distance[host] = max(seconds, self._distance.get(host, 0.0))
        self._settle(host, self._distance[host])

    def hold(self, request: Request, seconds: float) -> None:
        """Asks nothing of a request's host for that many seconds."""
        slot = self._slot(request)
        if slot:
            slot.lastseen = max(slot.lastseen, monotonic() + seconds - slot.delay)

    def leave_alone(self, request: Request, failure: str) -> None:
        """Asks nothing more of a request's host in this round."""
        self._away[host_of(request.url)] = failure
        slot = self._slot(request)
        if slot:
            _turn_away(slot, Unfetched(failure))

    def stop(self) -> None:
        """Sends nothing more; what is on its way arrives."""
        self._stopping = True
        for slot in self._downloader.slots.values():
            _turn_away(slot, RoundStopped())

    @property
    def stopping(self) -> bool:
        """Whether the round is being ended early."""
        return self._stopping

    @property
    def _downloader(self) -> Downloader:
        return self._crawler.engine.downloader

    def _slot(self, request: Request) -> Slot | None:
        return self._downloader.slots.get(request.meta.get("download_slot", ""))

    def _settle(self, host: str, distance: float) -> None:
        self._downloader.per_slot_settings[host] = {"delay": distance, "jitter": 0.0}
        slot = self._downloader.slots.get(host)
        if slot:
            slot.delay, slot.jitter = distance, 0.0


def _turn_away(slot: Slot, reason: Exception) -> None:
    """Ends every request that waits in a host's queue."""
    while slot.queue:
        _, answer = slot.queue.popleft()
        answer.errback(reason)


# --- again, later ----------------------------------------------------------------------

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


# --- redirects -------------------------------------------------------------------------

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class RedirectMiddleware(redirect.RedirectMiddleware):
    """Follows redirects, each by the rules of the place that it leads to."""

    def process_response(  # type: ignore[override]  # the spider argument is on its way out
        self, request: Request, response: Response
    ) -> Request | Response:
        """The request that a redirect leads to, or the answer. Raises Unfetched."""
        try:
            result = super().process_response(request, response)
        except ValueError as error:  # what stands in Location is no address
            raise _astray(response) from error
        except IgnoreRequest as error:
            raise _endless(request, response) from error
        if isinstance(result, Request):
            return _onward(result, response)
        if response.status in _REDIRECTS and "Location" in response.headers:
            # Scrapy follows http and https only, and gives back what leads anywhere else.
            raise _astray(response)
        return result


class RefreshMiddleware(redirect.MetaRefreshMiddleware):
    """Follows pages that do nothing but send elsewhere at once."""

    def process_response(  # type: ignore[override]  # the spider argument is on its way out
        self, request: Request, response: Response
    ) -> Request | Response:
        """The request that a refresh leads to, or the answer. Raises Unfetched."""
        if "cut" in request.meta:
            return response
        try:
            result = super().process_response(request, response)
        except ValueError:  # not an address: nothing that could be followed
            return response
        except IgnoreRequest as error:
            raise _endless(request, response) from error
        return _onward(result, response) if isinstance(result, Request) else result


def _astray(response: Response) -> Unfetched:
    where = (response.headers["Location"] or b"").decode("latin-1")[:100]
    return Unfetched(f"network: refused to follow a redirect to {where}", response)


def _endless(request: Request, response: Response) -> Unfetched:
    followed = request.meta.get("redirect_times", 0)
    return Unfetched(f"redirect-loop: gave up after {followed} redirects", response)


def _onward(request: Request, response: Response) -> Request:
    if request.url in request.meta["redirect_urls"]:
        # Cookies are off and the headers are the same, so the answer would be the same too.
        raise Unfetched(f"redirect-loop: {request.url} leads back to itself", response)
    # The validators belong to another address: a 304 from here would say nothing.
    for name in CONDITIONS:
        request.headers.pop(name, None)
    # The way there is chosen anew, as `no_proxy` may have its say about this host.
    for name in ("proxy", "_scheme_proxy", "_auth_proxy"):
        request.meta.pop(name, None)
    request.headers.pop("Proxy-Authorization", None)
    return request


# --- decoding --------------------------------------------------------------------------

_CHUNK = 1024 * 1024  # bytes
_MEMBERS = 100  # of a gzip body; each is looked for in a copy of what is left


@dataclass
class _Budget:
    """How many bytes may still come out."""

    left: int
    parts: list[bytes] = field(default_factory=list)

    def take(self, part: bytes) -> None:
        """Keeps a part. Raises Unfetched when there are too many."""
        self.left -= len(part)
        if self.left < 0:
            raise Unfetched("too-large: the body is larger than the limit once decompressed")
        self.parts.append(part)


class DecodingMiddleware:
    """Asks for gzip, and takes it apart strictly: bounded, and whole or not at all.

    Scrapy's own gives back as much as it could read of a damaged body, which would look like a
    page that lost its end.
    """

    def __init__(self, crawler: Crawler):
        self._limit = crawler.settings.getint("BODY_LIMIT")

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> DecodingMiddleware:
        """The middleware of a crawler."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Says what can be decoded."""
        request.headers.setdefault("Accept-Encoding", "gzip, deflate")

    def process_response(self, request: Request, response: Response) -> Response:
        """The answer with its body decoded; its headers stay as they came. Raises Unfetched."""
        if "cut" in request.meta:
            return response
        try:
            encodings = _encodings(response.headers)
            if not encodings or not response.body:
                return response
            body = decoded(response.body, encodings, self._limit)
        except Unfetched as error:
            raise Unfetched(error.failure, response) from error
        plain = Headers({k: v for k, v in response.headers.items() if k != b"Content-Encoding"})
        kind = responsetypes.from_args(headers=plain, url=response.url, body=body)
        return response.replace(cls=kind, body=body)


def decoded(body: bytes, encodings: Iterable[str], limit: int) -> bytes:
    """A body without its content encodings, last one first. Raises Unfetched."""
    for encoding in reversed(list(encodings)):
        budget = _Budget(limit)
        try:
            for part in _inflated(body, encoding):
                budget.take(part)
        except (zlib.error, EOFError) as error:
            raise Unfetched(f"truncated: the body is not whole, or not {encoding}") from error
        body = b"".join(budget.parts)
    return body


def _encodings(headers: Headers) -> list[str]:
    named = b",".join(headers.getlist("Content-Encoding")).decode("latin-1").lower().split(",")
    encodings = [name.strip() for name in named if name.strip() not in ("", "identity")]
    known = all(name in ("gzip", "x-gzip", "deflate") for name in encodings)
    if not known or len(encodings) > 2:  # twice happens by misconfiguration; more is an attack
        said = ", ".join(encodings)[:60]
        raise Unfetched(f"network: the body is encoded as {said}, which was not asked for")
    return encodings


def _inflated(body: bytes, encoding: str) -> Iterator[bytes]:
    """The content of a gzip (of one or more members) or deflate body, in parts."""
    for _ in range(_MEMBERS):
        unpacker: Any = zlib.decompressobj(_window(body, encoding))
        while not unpacker.eof:
            part = unpacker.decompress(body, _CHUNK)
            body = unpacker.unconsumed_tail
            if not part and not body and not unpacker.eof:
                raise EOFError("it ends too early")
            yield part
        rest = unpacker.unused_data
        # Behind the last member some servers leave padding; it is not content.
        if encoding == "deflate" or rest[:2] != b"\x1f\x8b":
            return
        body = rest
    raise EOFError(f"it has more than {_MEMBERS} parts")


def _window(body: bytes, encoding: str) -> int:
    if encoding != "deflate":
        return 31  # with a gzip head
    zlib_head = body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return 15 if zlib_head else -15  # bare deflate, as some servers understand the word
