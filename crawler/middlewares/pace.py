"""The distance between two requests to a host."""

from __future__ import annotations

from time import monotonic

from scrapy import Request
from scrapy.core.downloader import Downloader, Slot
from scrapy.crawler import Crawler
from scrapy.http import Response

from crawler.captures import RoundStopped, Unfetched
from crawler.connections import host_of, is_loopback_host


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
