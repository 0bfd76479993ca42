"""What the verbs that only read share: the store, times, and ids that nothing bears."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any, TypeVar

import click
import sqlalchemy as sa

from policies import moments
from policies.errors import BadInput
from policies.settings import Settings
from policies.store import open_store
from policies.store.queries import catalog
from policies.store.queries.rows import Listing, Position

T = TypeVar("T")


class Moment(click.ParamType[datetime]):
    """A date or time, as ISO 8601 has it."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The instant meant, or a usage error."""
        try:
            return value if isinstance(value, datetime) else moments.since(value)
        except BadInput as error:
            self.fail(str(error), param, ctx)


def every(
    ask: Callable[[Position | None], Listing[T]], place: Callable[[T], Position]
) -> Iterator[T]:
    """All rows of a list that is asked for part by part. `place`: where a row stands in it."""
    after: Position | None = None
    while True:
        found = ask(after)
        yield from found.items
        if not found.more:
            return
        after = place(found.items[-1])


@contextmanager
def reading() -> Iterator[sa.Connection]:
    """A connection to the store that the environment names. Raises BadStore."""
    opened = open_store(Settings.from_env().database_url, create=False)
    with closing(opened) as store, store.engine.connect() as connection:
        yield connection


def refuse_unknown(connection: sa.Connection, vendor: str | None, page: str | None) -> None:
    """Refuse ids that nothing bears: an empty answer would look like silence."""
    if vendor is not None and catalog.vendor(connection, vendor) is None:
        raise BadInput(f"no vendor has the id {vendor!r}: `earwitness catalog list` names them")
    if page is not None and catalog.page(connection, page) is None:
        raise BadInput(f"no page has the id {page!r}: `earwitness health` names them")
