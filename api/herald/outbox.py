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

from api.herald import messages, sending
from api.herald.messages import Item
from api.herald.rules import Digest, Rule, Target, fingerprint
from policies.direction import unpack
from policies.errors import OutOfReach
from policies.model import EventKind, Health
from policies.store import Store, outbox
from policies.store.chain import Entry
from policies.store.outbox import Waiting
from policies.store.queries import events, log
from policies.store.queries.changes import ChangeRow
from policies.store.queries.events import EventRow

_AT_ONCE = 1_000  # entries of the log heard in one transaction
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
    """(kind, id, entry) of the events that a rule asks for among new entries."""
    fresh = {e.id: e.seq for e in entries if e.kind == "event" and not e.backfilled}
    for id_, seq in fresh.items():
        # Entered again: something about it was brought up to date, which is no news.
        first = log.page(connection, id_=id_, limit=1).items[0]
        event = events.event(connection, id_) if first.seq == seq else None
        if event is not None and _asks_for(connection, rule, event):
            yield event.kind, id_, seq


def _asks_for(connection: sa.Connection, rule: Rule, event: EventRow) -> bool:
    if event.kind is EventKind.HEALTH:
        state = event.health_after
        wanted = not rule.health or state is Health.CURRENT or state in rule.health
        asked = "health" in rule.tell and wanted
        return asked and rule.concerns(event.vendor_id, event.page_id, event.lang)
    return "changes" in rule.tell and any(
        _is_news(connection, change)
        and rule.concerns(change.vendor_id, change.page_id, change.lang)
        and rule.is_about(
            change.topics,
            {topic: way.direction for topic, way in unpack(change.directions).items()},
        )
        for change in event.occurrences
    )


def _is_news(connection: sa.Connection, change: ChangeRow) -> bool:
    """Whether we saw a change ourselves, and since the log was begun; else it is history."""
    first = log.page(connection, id_=change.id, limit=1).items
    return change.origin == _CRAWL and bool(first) and not first[0].backfilled


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
    event = events.event(connection, one.subject)
    assert event is not None  # nothing takes an event away
    if event.kind is EventKind.HEALTH:
        return messages.of_health(event, lang, base)
    return messages.of_change(connection, event, lang, base)
