"""`earwitness verify`: proves that the store is what the evidence says."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator

import click
import sqlalchemy as sa

from policies import moments
from policies.errors import BadInput, BadStore
from policies.settings import Settings
from policies.store import open_store
from policies.store.chain import Entry
from policies.store.queries import log
from policies.tracking.verify import Problem, total, verify_since
from policies.tracking.verify import verify as check

_HEAD = re.compile(r"(?:[0-9]+:)?([0-9a-f]{64})")


@click.command()
@click.option("--deep", is_flag=True, help="Also read every version's evidence again.")
@click.option(
    "--since",
    metavar="DATE|SEQ",
    help="Only what the log tells of since a date, a time or an entry's number.",
)
@click.option(
    "--head",
    "noted",
    metavar="HASH",
    help="A head that you noted down: whether the log still leads back to it.",
)
def verify(deep: bool, since: str | None, noted: str | None) -> None:
    """Check digests, quotes, references, lifetimes and the log; say what is wrong.

    Every capture's body is hashed again and compared with its digest; every passage and quote is
    looked up in its version; every change is replayed from one version to the other. With --deep
    the pages are also read again from the evidence, which must give the same words.

    The log is a chain: each entry names the hash of the one before it and of what it recorded. That
    shows that nothing was altered, removed or slipped in, unless somebody made the whole chain
    anew. So note down the head that is printed, elsewhere, and give it back with --head.

    \b
    Examples:
      earwitness verify
      earwitness verify --since 2026-11-01
      earwitness verify --head 1a2b…

    Exits with 0 when nothing is wrong, else with 1 and a line for each thing found.
    """
    if deep and since:
        raise BadInput("--deep reads everything again: leave out --since")
    settings = Settings.from_env()
    store = open_store(settings.database_url, create=False)
    try:
        with store.snapshot() as connection:
            head = log.head(connection)
            start = _start(connection, since, head) if since else 1
            old = log.with_hash(connection, _hash(noted)) if noted else None
        if since:
            length = head.seq + 1 - start if head else 0
            found = _told(length, lambda seen: verify_since(store, settings.evidence, start, seen))
            checked = f"{_counted(length, 'entry', 'entries')} of the log since {since} checked"
        else:
            length = total(store, deep=deep)
            found = _told(
                length, lambda seen: check(store, settings.evidence, deep=deep, seen=seen)
            )
            checked = f"{length} captures, texts, versions, changes and entries of the log checked"
    finally:
        store.close()
    if noted and old is None:
        found += 1
        click.echo(
            "the log: no entry has the hash that you noted: it was cut off before it, or made anew"
        )
    if found:
        click.echo(f"{found} {'thing is' if found == 1 else 'things are'} wrong.", err=True)
        raise SystemExit(1)
    click.echo(f"Nothing is wrong: {checked}.")
    if old and head:
        click.echo(_leads_back(old, head))
    if head:
        click.echo(f"Head of the log: {head.seq}:{head.hash}")


def _told(length: int, checks: Callable[[Callable[[int], None]], Iterator[Problem]]) -> int:
    """Shows how far the checks are, and what they find; how much that is."""
    found = 0
    steps: list[str] = []
    with click.progressbar(steps, length=length, label="Verifying", file=sys.stderr) as bar:
        for problem in checks(bar.update):
            found += 1
            click.echo(f"{problem.where}: {problem.says}")
    return found


def _start(connection: sa.Connection, since: str, head: Entry | None) -> int:
    """The first entry meant by a number, a date or a time. Raises BadInput, BadStore."""
    behind = (head.seq if head else 0) + 1
    if not (since.isascii() and since.isdigit()):
        return log.since(connection, moments.since(since)) or behind
    if int(since) > behind:
        raise BadStore(
            f"the log ends with entry {behind - 1}: was {since} ever there, the end was cut off"
        )
    return max(int(since), 1)


def _hash(noted: str) -> str:
    matched = _HEAD.fullmatch(noted.strip().lower())
    if matched is None:
        raise BadInput(
            f"{noted[:80]!r} is no head: give the 64 hex digits that `earwitness verify` printed"
        )
    return matched[1]


def _leads_back(old: Entry, head: Entry) -> str:
    if old.seq == head.seq:
        return "The head that you noted is still the head."
    since = _counted(head.seq - old.seq, "entry", "entries")
    return f"The head that you noted is entry {old.seq}, of {moments.iso(old.at)}; {since} since."


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
