"""`earwitness stamp` and `earwitness notify`."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from api.herald import messages, outbox, sending, stamping
from api.herald.rules import Rule, fingerprint, load
from policies.errors import BadInput, OutOfReach
from policies.moments import iso
from policies.settings import Settings
from policies.store import Store, open_store
from policies.store import outbox as kept
from policies.store.queries import log, stamps
from policies.store.queries.stamps import Stamp
from policies.store.stamping import put


@click.command()
@click.option(
    "--due",
    is_flag=True,
    help="Quietly nothing, unless the last one is older than EARWITNESS_TIMESTAMPS_EVERY.",
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
    if due and last is not None and datetime.now(UTC) < last.stamped_at + settings.timestamps_every:
        return
    if head is None or (last is not None and last.seq == head.seq):
        if not due:
            still = f"{_told(last)} It is still the head." if last is not None else _EMPTY
            click.echo(still)
        return
    made = stamping.ask(settings.timestamps, head, settings.timestamps_ca)
    with store.engine.execution_options(writes=True).begin() as connection:
        put(connection, made)
    click.echo(_told(made))


_EMPTY = "Nothing is recorded yet, so there is nothing to timestamp."


def _told(made: Stamp) -> str:
    return f"Entry {made.seq} of the log was timestamped at {iso(made.stamped_at)}."


# --- messages --------------------------------------------------------------------------


@click.group()
def notify() -> None:
    """Tell people and programs what changed, and which pages can no longer be looked at.

    The file that EARWITNESS_NOTIFY names says who is told of what: rules with vendors, topics and
    targets. A target is an address that Apprise knows (mail, Matrix, Slack, ntfy and a hundred
    others) or a webhook, which is signed. `earwitness up` sends by itself.
    """


@notify.command()
@click.option("--rule", "name", metavar="NAME", help="Only the targets of this rule.")
def test(name: str | None) -> None:
    """Send a test message to every target, and say what came of it.

    Exits with 1 if one of them did not take it.
    """
    failed = 0
    rules = [rule for rule in _rules(Settings.from_env()) if name in (None, rule.name)]
    if not rules:
        raise BadInput(f"no rule is named {name!r}")
    for rule in rules:
        for target in rule.targets:
            now = datetime.now(UTC)
            message = messages.trial(f"msg_test_{secrets.token_hex(8)}", now, rule.language)
            try:
                sending.send(target, message, now)
                click.echo(f"{rule.name}: {target.name} took it")
            except OutOfReach as error:
                failed += 1
                click.echo(f"{rule.name}: {error}")
    sys.exit(1 if failed else 0)


@notify.command()
@click.option("--quiet", is_flag=True, help="Say nothing where there is nothing to send.")
def run(quiet: bool) -> None:
    """Send what is due: what is new, digests whose time has come, and what failed before.

    A rule that is new begins with what is recorded from now on. What cannot be delivered is tried
    again, later and later; nothing is lost meanwhile.
    """
    settings = Settings.from_env()
    rules = _rules(settings)
    store = open_store(settings.database_url, create=False)
    try:
        with outbox.alone(store, settings.data) as alone:
            if not alone:
                if not quiet:
                    click.echo("Another process is sending at the moment.")
                return
            outbox.hear(store, rules, datetime.now(UTC))
            base = settings.public_url.rstrip("/")
            count = 0
            for sent in outbox.deliver(store, rules, base, lambda: datetime.now(UTC)):
                count += 1
                told = f"not yet: {sent.trouble}" if sent.trouble else "sent"
                click.echo(f"{sent.rule}: {sent.target}: {_items(sent.items)} {told}")
    finally:
        store.close()
    if not count and not quiet:
        click.echo("Nothing is due.")


@notify.command()
def status() -> None:
    """How far each target is told: what was sent, what waits, and why."""
    settings = Settings.from_env()
    rules = _rules(settings)
    store = open_store(settings.database_url, create=False)
    try:
        with store.snapshot() as connection:
            found = {(s.rule, s.target): s for s in kept.standings(connection)}
            new = {rule.name for rule in rules if kept.heard(connection, rule.name) is None}
    finally:
        store.close()
    for rule in rules:
        for target in rule.targets:
            standing = found.pop((rule.name, fingerprint(target)), None)
            click.echo(f"{rule.name}: {target.name}: {_standing(standing, rule.name in new)}")
    lost = sum(standing.waiting for standing in found.values())
    if lost:
        click.echo(f"{_items(lost)} for targets that the file no longer names")


def _rules(settings: Settings) -> Sequence[Rule]:
    if settings.notify is None:
        raise BadInput("nobody is to be told: set EARWITNESS_NOTIFY to a file of rules, see README")
    return load(settings.notify, os.environ)


def _standing(standing: kept.Standing | None, is_new: bool) -> str:
    if standing is None:
        return "begins with the next run" if is_new else "nothing to tell so far"
    said = f"{_items(standing.sent)} sent"
    if standing.last_sent_at:
        said += f", the last at {iso(standing.last_sent_at)}"
    if standing.waiting and standing.due_at:
        said += f"; {_items(standing.waiting)} due at {iso(standing.due_at)}"
    return f"{said} ({standing.trouble})" if standing.trouble else said


def _items(number: int) -> str:
    return f"{number} {'item' if number == 1 else 'items'}"
