"""`earwitness stamp`."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from herald import stamping
from policies.errors import BadInput
from policies.moments import iso
from policies.settings import Settings
from policies.store import Store, open_store
from policies.store.queries import log, stamps
from policies.store.queries.stamps import Stamp
from policies.store.stamping import put


@click.command()
@click.option(
    "--due", is_flag=True, help="Only if the last one is older than EARWITNESS_TIMESTAMPS_EVERY."
)
def stamp(due: bool) -> None:
    """Have an authority timestamp the head of the log (RFC 3161).

    The authority that EARWITNESS_TIMESTAMPS names signs that it saw the hash of the last entry,
    and so of all before it, at that time. It learns nothing else. Evidence packs carry the
    timestamp, with how to check it. `earwitness up` does this by itself.

    \b
    Example:
      EARWITNESS_TIMESTAMPS=https://freetsa.org/tsr earwitness stamp
    """
    settings = Settings.from_env()
    if not settings.timestamps:
        raise BadInput("no authority is named: set EARWITNESS_TIMESTAMPS to its address")
    store = open_store(settings.database_url, create=False)
    try:
        _stamp(store, settings, due)
    finally:
        store.close()


def _stamp(store: Store, settings: Settings, due: bool) -> None:
    with store.snapshot() as connection:
        head = log.head(connection)
        last = next(
            (s for s in stamps.newest(connection) if s.authority == settings.timestamps), None
        )
    if head is None:
        click.echo("Nothing is recorded yet, so there is nothing to timestamp.")
        return
    if last is not None and last.seq == head.seq:
        click.echo(f"{_told(last)} It is still the head.")
        return
    if due and last is not None:
        next_at = last.stamped_at + settings.timestamps_every
        if datetime.now(UTC) < next_at:
            click.echo(f"{_told(last)} The next is due at {iso(next_at)}.")
            return
    made = stamping.ask(settings.timestamps, head, settings.timestamps_ca)
    with store.engine.execution_options(writes=True).begin() as connection:
        put(connection, made)
    click.echo(_told(made))


def _told(made: Stamp) -> str:
    return f"Entry {made.seq} of the log was timestamped at {iso(made.stamped_at)}."
