"""Rounds on one loop: once, or for ever beside a server that is kept alive."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from scrapy.crawler import AsyncCrawlerRunner
from scrapy.settings import Settings as ScrapySettings
from scrapy.utils.reactor import install_reactor

from crawler.rounds import Round
from crawler.settings import limits
from policies.errors import EarwitnessError
from policies.model import Page
from policies.settings import Settings
from policies.tracking import Due, Tracker

T = TypeVar("T")
log = logging.getLogger(__name__)

TICK = timedelta(minutes=2)  # how often it is looked what is due; a look costs one query


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of a coroutine, run on the loop that asyncio and Twisted share.

    Unlike Twisted's own ways it can be called again and again in one process.
    """
    install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor")
    from twisted.internet import reactor

    # Twisted types the reactor as a module.
    loop: Any = reactor
    begun: list[asyncio.Task[T]] = []

    def end(_: object) -> None:
        if loop.threadpool is not None:
            loop._stopThreadPool()  # what stop() would do, after which nothing starts again
        loop.crash()

    def begin() -> None:
        begun.append(asyncio.ensure_future(main()))
        begun[0].add_done_callback(end)

    loop.callWhenRunning(begin)
    loop.run(installSignalHandlers=False)
    return begun[0].result()


def runner(settings: Settings, **more: Any) -> AsyncCrawlerRunner:
    """What rounds are run by. `more`: Scrapy's settings by name."""
    scrapy = ScrapySettings()
    scrapy.setmodule("crawler.settings", priority="project")
    scrapy.update({**limits(settings), **more}, priority="cmdline")
    return AsyncCrawlerRunner(scrapy)


async def one_round(round_: Round, runner_: AsyncCrawlerRunner) -> None:
    """Runs a round to its end. SIGINT or SIGTERM ends it early, a second one at once."""

    def asked(times: int) -> None:
        if times > 1:
            os._exit(130)  # the store carries on from any instant
        log.warning("stopping when the pages on their way have arrived; again: at once")
        round_.stop()

    with _Signals(asked):
        await round_.run(runner_)


class _Signals:
    """While it lasts, SIGINT and SIGTERM call a function with how often they came."""

    def __init__(self, asked: Callable[[int], None]):
        self._asked = asked
        self._times = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            # Not the main thread (some tests), or no such thing (Windows).
            with suppress(ValueError, RuntimeError, NotImplementedError):
                self._before[number] = signal.getsignal(number)
                loop.add_signal_handler(number, self._came)

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number, before in self._before.items():
            with suppress(ValueError, RuntimeError, NotImplementedError):
                loop.remove_signal_handler(number)
                signal.signal(number, before)

    def _came(self) -> None:
        self._times += 1
        self._asked(self._times)


# --- for ever --------------------------------------------------------------------------


def tick_of(settings: Settings) -> timedelta:
    """How often it is looked whether there is something to do."""
    # A text that waits is looked at again soon, so look at least that often.
    return max(min(TICK, settings.recheck_after), timedelta(seconds=1))


class Rounds:
    """A round now, and one whenever pages are due."""

    def __init__(
        self,
        tracker: Tracker,
        pages: Sequence[Page],
        settings: Settings,
        begin: Callable[[Sequence[Due]], Round],
    ):
        self._tracker = tracker
        self._pages = pages
        self._begin = begin
        self._runner = runner(settings)
        self._round: Round | None = None
        self._next: datetime | None = None  # when pages are due, as was told last
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        tick = tick_of(settings)
        self._scheduler.add_job(
            self._tick,
            "interval",
            seconds=tick.total_seconds(),
            next_run_time=datetime.now(UTC),
            coalesce=True,  # a round that took long makes up for the ticks that it hid
            max_instances=1,
            misfire_grace_time=None,
        )

    def start(self) -> None:
        """Begins with the first round."""
        # It would say at each tick that the round before is not over yet.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler.start()

    async def stop(self) -> None:
        """Ends the present round when the pages on their way have arrived, and starts no more."""
        self._scheduler.pause()
        if self._round:
            self._round.stop()
        await self._runner.stop()
        await self._runner.join()
        self._scheduler.shutdown(wait=False)

    async def _tick(self) -> None:
        try:
            await asyncio.to_thread(self._tracker.recover)  # of what an earlier round choked on
            now = datetime.now(UTC)
            due = await asyncio.to_thread(self._tracker.due, self._pages, now)
            if due:
                self._round = self._begin(due)
                await self._round.run(self._runner)
            await asyncio.to_thread(self._tell_next)
        except EarwitnessError as error:
            log.error("no round: %s", error)
        finally:
            self._round = None

    def _tell_next(self) -> None:
        """Says when pages are due next, whenever that is another time than it was."""
        at = self._tracker.next_due(self._pages)
        if at is not None and at != self._next:
            log.info("nothing is due now; the next crawl begins at %s", f"{at:%Y-%m-%d %H:%M} UTC")
        self._next = at


class Server:
    """A program that is started again, later and later, whenever it ends by itself."""

    _LONGEST = 60.0  # seconds between an end and a new start
    _HEALTHY = 60.0  # seconds after which an end counts as the first one
    _PATIENCE = 15.0  # seconds that it may take to stop

    def __init__(self, command: Sequence[str]):
        self._command = [sys.executable, "-m", "crawler.tether", *command]
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    async def keep(self) -> int:
        """The exit status of bad usage, which a new start would not mend; else never ends."""
        loop = asyncio.get_running_loop()
        pause = 1.0
        while True:
            began = loop.time()
            # Its own session: a Ctrl-C in the terminal reaches it by way of stop() only.
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.DEVNULL, start_new_session=True
            )
            status = await self._process.wait()
            if self._stopping or status == 2:
                return status
            if loop.time() - began > self._HEALTHY:
                pause = 1.0
            log.warning("the server ended with status %s; again in %.0f s", status, pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, self._LONGEST)

    async def stop(self) -> None:
        """Asks the program to end, and makes it end when it takes too long."""
        self._stopping = True
        if self._process is None or self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(self._PATIENCE):
                await self._process.wait()
        except TimeoutError:
            self.kill()

    def kill(self) -> None:
        """Ends the program at once."""
        if self._process and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()


class Errands:
    """Programs that are run one after the other, again and again: who is to be told, is told."""

    def __init__(self, commands: Sequence[Sequence[str]], every: timedelta):
        self._commands = [[sys.executable, "-m", "crawler.tether", *words] for words in commands]
        self._every = every.total_seconds()
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins with the first."""
        self._running = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Ends the present one; it can be killed at any instant, and carries on next time."""
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running

    async def _keep(self) -> None:
        while True:
            for command in self._commands:
                await self._run(command)
            await asyncio.sleep(self._every)

    async def _run(self, command: Sequence[str]) -> None:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, start_new_session=True
        )
        try:
            await process.wait()
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.terminate()
                await process.wait()


async def for_ever(server: Server, rounds: Rounds | None, errands: Errands | None = None) -> int:
    """Runs a server, rounds and errands beside each other until SIGINT or SIGTERM; the status."""
    enough = asyncio.Event()

    def asked(times: int) -> None:
        if times > 1:
            server.kill()
            os._exit(130)
        enough.set()

    with _Signals(asked):
        kept = asyncio.create_task(server.keep())
        waiting = asyncio.create_task(enough.wait())
        if rounds:
            rounds.start()
        if errands:
            errands.start()
        await asyncio.wait((kept, waiting), return_when=asyncio.FIRST_COMPLETED)
        log.info("stopping when the pages on their way have arrived; again: at once")
        waiting.cancel()
        if rounds:
            await rounds.stop()
        if errands:
            await errands.stop()
        await server.stop()
        if enough.is_set():
            kept.cancel()
            return 0
        return await kept
