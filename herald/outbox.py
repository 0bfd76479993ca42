"""From the log to the outbox, and from there to those who are to be told.

A rule hears each entry of the log once: what it asks for is entered in the transaction that
moves its place on. What was entered is tried until it was taken, later and later. A message whose
sending was cut off by a kill may have arrived: it is sent again under the same id.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from herald import messages, sending
from herald.messages import Item
from herald.rules import Digest, Rule, Target, fingerprint
from policies.errors import OutOfReach
from policies.store import Store, checking, outbox
from policies.store.chain import Entry
from policies.store.outbox import Waiting
from policies.store.queries import changes, log
from policies.store.queries.changes import ChangeRow
from policies.store.queries.events import HealthEvent, health_events

_AT_ONCE = 1_000  # entries of the log heard in one transaction
_LOOKED_BACK = timedelta(days=120)  # before a capture, to tell whether a page's health turned
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=12)  # between attempts
_CRAWL = "crawl"

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Sent:
    """What came of one message."""

    rule: str
    target: str  # what may be shown of it
    items: int
    trouble: str  # empty: it was taken


@contextmanager
def alone(store: Store, data: Path) -> Iterator[bool]:
    """Whether this is the only process that sends, as long as this lasts."""
    if store.engine.dialect.name == "postgresql":
        with outbox.alone(store) as got:
            yield got
        return
    with (data / "notify.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


# --- hearing ---------------------------------------------------------------------------


def hear(store: Store, rules: Sequence[Rule], now: datetime) -> int:
    """Enter what the log says since each rule was told last; how much.

    A new rule begins at the head of the log: what was there before is no news.
    """
    return sum(_hear(store, rule, now) for rule in rules)


def _hear(store: Store, rule: Rule, now: datetime) -> int:
    entered = 0
    while True:
        with store.engine.execution_options(writes=True).begin() as connection:
            told = outbox.heard(connection, rule.name)
            if told is None:
                head = log.head(connection)
                outbox.hear(connection, rule.name, head.seq if head else 0)
                return entered
            found = log.page(connection, after=told, limit=_AT_ONCE)
            if not found.items:
                return entered
            rows = [
                _row(rule, target, kind, subject, seq, now)
                for kind, subject, seq in _news(connection, rule, found.items)
                for target in rule.targets
            ]
            outbox.enter(connection, rows)
            outbox.hear(connection, rule.name, found.items[-1].seq)
            entered += len(rows)


def _news(
    connection: sa.Connection, rule: Rule, entries: Iterable[Entry]
) -> Iterator[tuple[str, str, int]]:
    """(kind, id, entry) of what a rule asks for among new entries."""
    fresh = [entry for entry in entries if not entry.backfilled]
    published = [entry for entry in fresh if entry.kind == "change"]
    if "changes" in rule.tell and published:
        rows = changes.by_id(connection, [entry.id for entry in published])
        for entry in published:
            # Entered again: it came to stand under other topics, by our doing.
            first = log.page(connection, id_=entry.id, limit=1).items[0]
            if first.seq == entry.seq and _asks_for(rule, rows[entry.id]):
                yield "change", entry.id, entry.seq
    captured = {entry.id: entry.seq for entry in fresh if entry.kind == "capture"}
    if "health" in rule.tell and captured:
        for event in _events(connection, list(captured)):
            if _asks_for_health(rule, event):
                yield "health", event.capture_id, captured[event.capture_id]


def _asks_for(rule: Rule, row: ChangeRow) -> bool:
    # What an archive recorded years ago is history, not news.
    return (
        row.origin == _CRAWL
        and rule.concerns(row.vendor_id, row.page_id, row.lang)
        and (not rule.topics or bool({*rule.topics} & {*row.topics}))
    )


def _asks_for_health(rule: Rule, event: HealthEvent) -> bool:
    wanted = not rule.health or event.is_read or event.outcome in rule.health
    return wanted and rule.concerns(event.vendor_id, event.page_id, event.lang)


def _events(connection: sa.Connection, ids: Sequence[str]) -> list[HealthEvent]:
    """The health events among these captures, oldest first."""
    rows = checking.logged_rows(connection, "capture", ids)
    crawled = [row for row in rows.values() if row["origin"] == _CRAWL]
    if not crawled:
        return []
    since = min(row["captured_at"] for row in crawled) - _LOOKED_BACK
    wanted = [row["id"] for row in crawled]
    found = health_events(connection, since=since, captures=wanted, limit=len(wanted))
    return list(found.items)[::-1]


def _row(
    rule: Rule, target: Target, kind: str, subject: str, seq: int, now: datetime
) -> dict[str, Any]:
    mark = fingerprint(target)
    return {
        "id": _id(rule.name, mark, kind, subject),
        "rule": rule.name,
        "target": mark,
        "kind": kind,
        "subject": subject,
        "seq": seq,
        "entered_at": now,
        "due_at": rule.due(now),
        "attempts": 0,
        "message": None,
        "begun_at": None,
        "sent_at": None,
        "trouble": "",
    }


def _id(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


# --- sending ---------------------------------------------------------------------------


def deliver(store: Store, rules: Sequence[Rule], base: str, clock: Clock) -> Iterator[Sent]:
    """Send what is due. A target that fails is left alone for the rest of this run."""
    with store.engine.connect() as connection:
        waiting = outbox.due(connection, clock())
    known = {
        (rule.name, fingerprint(target)): (rule, target)
        for rule in rules
        for target in rule.targets
    }
    failed = set()
    for group in _grouped(waiting, known):
        key = (group[0].rule, group[0].target)
        if key in failed:
            continue
        sent = _send(store, *known[key], group, base, clock)
        if sent.trouble:
            failed.add(key)
        yield sent


def _grouped(
    waiting: Iterable[Waiting], known: Mapping[tuple[str, str], tuple[Rule, Target]]
) -> Iterator[list[Waiting]]:
    """What goes out together: one thing alone, or a digest; what was tried so stays so."""

    def together(one: Waiting) -> tuple[str, str, str]:
        rule = known[one.rule, one.target][0]
        alone = one.id if rule.digest is Digest.AT_ONCE else ""
        return (one.rule, one.target, one.message or alone)

    wanted = [one for one in waiting if (one.rule, one.target) in known]
    order = {one.id: place for place, one in enumerate(wanted)}
    groups = [list(g) for _, g in groupby(sorted(wanted, key=together), key=together)]
    yield from sorted(groups, key=lambda group: order[group[0].id])


def _send(
    store: Store, rule: Rule, target: Target, group: list[Waiting], base: str, clock: Clock
) -> Sent:
    ids = [one.id for one in group]
    id_ = group[0].message or f"msg_{_id(*ids)}"
    with store.engine.execution_options(writes=True).begin() as connection:
        items = [_item(connection, one, rule.language, base) for one in group]
        outbox.note(connection, ids, message=id_, begun_at=clock())
    repeated = any(one.begun for one in group)
    message = messages.message(id_, items, rule.language, repeated=repeated)
    try:
        sending.send(target, message, clock())
    except OutOfReach as error:
        attempts = max(one.attempts for one in group) + 1
        again = clock() + min(_FIRST_PAUSE * 2 ** min(attempts - 1, 20), _LONGEST_PAUSE)
        _note(store, ids, begun_at=None, attempts=attempts, due_at=again, trouble=str(error)[:300])
        return Sent(rule.name, target.name, len(ids), str(error))
    _note(store, ids, begun_at=None, sent_at=clock(), trouble="")
    return Sent(rule.name, target.name, len(ids), "")


def _note(store: Store, ids: Sequence[str], **values: Any) -> None:
    with store.engine.execution_options(writes=True).begin() as connection:
        outbox.note(connection, ids, **values)


def _item(connection: sa.Connection, one: Waiting, lang: str, base: str) -> Item:
    if one.kind == "change":
        return messages.of_change(
            connection, changes.by_id(connection, [one.subject])[one.subject], lang, base
        )
    return messages.of_event(_events(connection, [one.subject])[0], lang, base)
