"""The answers of a vendor one after the other, each with what stood on its pages then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from policies.ledger.headline import Take, headline, take
from policies.ledger.values import Period, Standing, Statement
from policies.model import Stance, Topic


@dataclass(frozen=True)
class _Event:
    """A statement begins (+1) or ends (-1)."""

    at: datetime
    step: int
    page_id: str
    take: Take | None
    observed: bool  # whether it was seen to, like compared with like


def periods(
    topic: Topic, first_look: datetime | None, statements: Sequence[Statement]
) -> tuple[Period, ...]:
    """The answers of a vendor, oldest first, from the first look on.

    `statements`: joined, weightiest first.
    """
    events = _events(topic, statements)
    present: Counter[tuple[str, Take | None]] = Counter()
    found: list[Period] = []
    if first_look is not None and (not events or events[0].at > first_look):
        found.append(Period(first_look, None, Standing.NOT_STATED, None, observed=False))
    for at, group in groupby(events, key=lambda event: event.at):
        observed = False
        for event in group:
            present[event.page_id, event.take] += event.step
            observed = observed or event.observed
        _extend(found, Period(at, None, *_holding(present), observed))
    return tuple(replace(one, statements=_during(topic, one, statements)) for one in found)


def _events(topic: Topic, statements: Iterable[Statement]) -> list[_Event]:
    events: list[_Event] = []
    for statement in statements:
        page_id, taken = statement.page_id, take(topic, statement)
        for life in statement.lives:
            events.append(_Event(life.since, 1, page_id, taken, life.appeared))
            if life.until is not None:
                events.append(_Event(life.until, -1, page_id, taken, life.vanished))
    return sorted(events, key=lambda event: event.at)


def _holding(present: Counter[tuple[str, Take | None]]) -> tuple[Standing, Stance | None]:
    by_page: dict[str, set[Take]] = {}
    stated = False
    for (page_id, taken), count in present.items():
        if count > 0:
            stated = True
            if taken is not None:
                by_page.setdefault(page_id, set()).add(taken)
    return Standing.STATED if stated else Standing.NOT_STATED, headline(by_page)


def _extend(found: list[Period], following: Period) -> None:
    """Add a period, unless it goes on giving the answer before it.

    On one day one page may be looked at for the first time and another be seen to change: then
    somebody saw the answer come.
    """
    last = found[-1] if found else None
    if last and (last.standing, last.stance) == (following.standing, following.stance):
        if following.observed and following.since.date() == last.since.date():
            found[-1] = replace(last, observed=True)
        return
    if last:
        found[-1] = replace(last, until=following.since)
    found.append(following)


def _during(topic: Topic, period: Period, statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """The statements that stood during a period; those of its stance first."""

    def differs(statement: Statement) -> bool:
        taken = take(topic, statement)
        return (taken.stance if taken else None) is not period.stance

    stood = [
        statement
        for statement in statements
        if any(life.overlaps(period.since, period.until) for life in statement.lives)
    ]
    return tuple(sorted(stood, key=differs))
