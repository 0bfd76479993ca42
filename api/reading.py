"""One read-only snapshot of the store for each request, and what may be kept between them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from flask import Flask, current_app, g, request

from api.knowledge import KnownPage
from policies.settings import Settings
from policies.store import Store, open_store
from policies.store.queries import tracks
from policies.store.queries.health import PageHealth, health_of
from policies.store.watching import Watch

T = TypeVar("T")
PLACES = 6  # of the 8 threads of a process: so many may answer what costs much at once
_KEY = "earwitness"


@dataclass
class Memory:
    """What was made from the store, kept until the store is another."""

    state: str | None = None  # of the store, when it had the stamp
    stamp: str = ""
    kept: dict[str, Any] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)  # one thing may need another

    def stamp_at(self, state: str | None) -> str | None:
        """The stamp of a state of the store; None: not known, or nobody could name the state."""
        with self.lock:
            return self.stamp if state is not None and state == self.state else None

    def note(self, state: str | None, stamp: str) -> None:
        """Keep which stamp the store has in a state."""
        with self.lock:
            self._begin(stamp)
            self.state = state

    def get(self, stamp: str, name: str, make: Callable[[], T]) -> T:
        """The thing of that name as of that stamp, made where it is not there yet."""
        with self.lock:
            self._begin(stamp)
            if name not in self.kept:
                self.kept[name] = make()
            return cast("T", self.kept[name])

    def _begin(self, stamp: str) -> None:
        if self.stamp != stamp:
            self.state, self.stamp, self.kept = None, stamp, {}


@dataclass(frozen=True)
class Room:
    """What the doors are given when they open."""

    settings: Settings
    store: Store
    at: datetime | None = None  # the present time, if it is to stand still; None: it passes
    memory: Memory = field(default_factory=Memory)
    places: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(PLACES))


def health_now(known: KnownPage) -> PageHealth:
    """A page's health as of now: what the crawl left alone for long is stale."""
    given = room()
    return health_of(known.tracks, given.at or datetime.now(UTC), given.settings.interval)


def furnish(app: Flask, settings: Settings, at: datetime | None = None) -> None:
    """Open the store, made where it is missing, and close each request's connection."""
    store = open_store(settings.database_url)
    # The server forks after this; each process makes its own connections.
    store.engine.dispose()
    app.extensions[_KEY] = Room(settings, store, at)
    app.teardown_appcontext(_close)


def watch(app: Flask) -> Watch:
    """What tells an application whether its store was written to."""
    return cast("Room", app.extensions[_KEY]).store.watch


def room() -> Room:
    """The room of the running application."""
    return cast("Room", current_app.extensions[_KEY])


def base() -> str:
    """The address under which this server was reached, or is meant to be; without a slash."""
    return (room().settings.public_url or request.host_url).rstrip("/")


def connection() -> sa.Connection:
    """This request's connection: all that it reads is from one moment."""
    if "connection" not in g:
        engine = room().store.engine
        if engine.dialect.name == "postgresql":
            engine = engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        g.connection = engine.connect()
        g.state = _pin(g.connection)
        g.pop("stamp", None)  # what was asked before may have been of another moment
    return cast("sa.Connection", g.connection)


def _pin(reader: sa.Connection) -> str | None:
    """Begin the moment that a connection reads: the state it is of, None if that just changed."""
    watch = room().store.watch
    before = watch.state()
    tracks.begin(reader)
    return before if watch.state() == before else None


def stamp() -> str:
    """A token of the store as this request sees it: another whenever an answer may be another."""
    if "stamp" not in g:
        memory = room().memory
        found = memory.stamp_at(g.state if "connection" in g else room().store.watch.state())
        if found is None:
            found = tracks.stamp(connection())
            memory.note(g.state, found)
        g.stamp = found
    return cast("str", g.stamp)


def remembered(name: str, make: Callable[[sa.Connection], T]) -> T:
    """What `make` makes from the store, made again only when the store has changed."""
    return room().memory.get(stamp(), name, lambda: make(connection()))


def _close(_error: BaseException | None) -> None:
    open_one = g.pop("connection", None)
    if open_one is not None:
        open_one.close()
