"""Whether anything was written to a store meanwhile, found out without reading any of it."""

from __future__ import annotations

import threading
from typing import Any

import sqlalchemy as sa

from policies.errors import BadStore

# What each engine counts for itself: SQLite the commits of others than the asking connection,
# PostgreSQL which transactions are seen. https://www.sqlite.org/pragma.html#pragma_data_version
_ASK = {"sqlite": "PRAGMA data_version", "postgresql": "SELECT pg_current_snapshot()::text"}


class Watch:
    """One connection that is kept for asking: SQLite's counter is told to each alone."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._connection: Any = None
        self._begun = 0  # how often the store was asked
        self._found = ""  # what it said last; empty: nothing

    def state(self) -> str:
        """A token: while it is the same, so is all that the store holds. Raises BadStore.

        Only tokens that were given out by one watch in one process can be compared.
        """
        before = self._begun
        with self._lock:
            # Who waited while somebody else asked takes that answer, if it was asked for since.
            if self._begun == before or not self._found:
                self._begun += 1
                self._found = ""
                self._found = self._told()
            return self._found

    def close(self) -> None:
        """Give the connection back."""
        with self._lock:
            self._drop()

    def _told(self) -> str:
        dbapi: Any = self._engine.dialect.loaded_dbapi
        try:
            return self._asked()
        except (dbapi.Error, sa.exc.DBAPIError):
            self._drop()  # the server may have been started anew
        try:
            return self._asked()
        except (dbapi.Error, sa.exc.DBAPIError) as error:
            self._drop()
            raise BadStore(f"the store cannot be reached: {error}") from error

    def _asked(self) -> str:
        if self._connection is None:
            self._connection = self._engine.raw_connection()
            if self._engine.dialect.name == "postgresql":
                self._connection.driver_connection.autocommit = True
        cursor = self._connection.driver_connection.execute(_ASK[self._engine.dialect.name])
        return str(cursor.fetchone()[0])

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()  # nobody else is to be given one that commits by itself
            self._connection = None
