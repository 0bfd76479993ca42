"""One statement per page and words, whoever saw it: imports and crawl, joined.

Each origin speaks for its page from its first look until the next one's. Words that stood at
the end of one turn and at the beginning of the next never stopped. Where two origins looked at
the same time, the first to see words come, and the first to see them go, dates it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from policies.ledger.values import Life, Look, Statement

Track = tuple[str, str]  # page and origin


@dataclass(frozen=True)
class Turn:
    """A time during which one origin speaks for a page."""

    since: datetime
    until: datetime | None


def turns(looks: Iterable[Look]) -> dict[Track, Turn]:
    """When each origin speaks for its page: from its first look until the next one's.

    The one that speaks now does so to the end.
    """
    found: dict[Track, Turn] = {}
    by_page = sorted(looks, key=lambda look: look.page_id)
    for _, group in groupby(by_page, key=lambda look: look.page_id):
        read = [(look.first_read, look) for look in group if look.first_read is not None]
        read.sort(key=lambda pair: (pair[0], pair[1].speaks))
        now = next((at for at, (_, look) in enumerate(read) if look.speaks), -1)
        ends = [*(since for since, _ in read[1 : now + 1]), None]
        for (since, look), until in zip(read[: now + 1], ends, strict=False):
            found[look.page_id, look.origin] = Turn(since, until)
    return found


def lives(
    spells: Sequence[tuple[datetime, datetime | None]],
    said: tuple[datetime, datetime],
    gone_at: datetime | None,
    first_read: datetime | None,
    *,
    reread: bool = False,
) -> tuple[Life, ...]:
    """The lives of a statement: the runs of its words, cut to where they meant it.

    The same words may mean something only in a certain context: `said` are the first and the
    last version in which they did. `gone_at` ends a life whose words still stand: the version
    after the last that meant it; None where they still do. `first_read` is when the page was
    first looked at. `reread`: the first version is an old capture read in a new way, so nobody
    saw the words come.
    """
    first, last = said

    def life(since: datetime, until: datetime | None) -> Life:
        began = max(since, first)
        seen = first_read is None or began > first_read
        ended = until if until is not None else gone_at
        if until is not None and gone_at is not None:
            ended = min(until, gone_at) if gone_at > began else until
        return Life(began, ended, appeared=seen and not (reread and began == first))

    return tuple(
        life(since, until)
        for since, until in (spells or ((first, None),))
        if since <= last and (until is None or until > first)
    )


def joined(looks: Sequence[Look], statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Each statement once per page, words and stance, with the lives of all origins in one.

    It stands where its newest version does, and bears the place that showed it first.
    """
    speaking = turns(looks)
    read = {(look.page_id, look.origin): look.last_read for look in looks}
    groups: dict[tuple[object, ...], list[Statement]] = {}
    for statement in statements:
        key = (statement.page_id, statement.passage_id, statement.stance)
        groups.setdefault(key, []).append(statement)
    found: list[Statement] = []
    for said in groups.values():
        lives_ = _joined_lives(said, speaking, read)
        if lives_ or any(statement.current for statement in said):
            found.append(_as_one(said, lives_))
    return tuple(found)


def _as_one(said: Sequence[Statement], lives_: tuple[Life, ...]) -> Statement:
    newest = max(said, key=lambda statement: (statement.current, statement.last_seen))
    places = [statement.first for statement in said if statement.first is not None]
    return replace(
        newest, lives=lives_, first=min(places, key=lambda at: at.captured_at, default=None)
    )


def _joined_lives(
    said: Sequence[Statement],
    speaking: Mapping[Track, Turn],
    read: Mapping[Track, datetime | None],
) -> tuple[Life, ...]:
    within = [
        life
        for statement in said
        if (turn := speaking.get((statement.page_id, statement.origin))) is not None
        for life in _clipped(statement.lives, turn)
    ]
    merged: list[Life] = []
    for life in sorted(within, key=lambda one: one.since):
        last = merged[-1] if merged else None
        if last is None or (last.until is not None and life.since > last.until):
            merged.append(life)
        elif last.until is not None:
            merged[-1] = _longer(last, life)
    if len({statement.origin for statement in said}) < 2:
        return tuple(merged)
    return tuple(_dated(life, said, read) for life in merged)


def _clipped(found: Iterable[Life], turn: Turn) -> list[Life]:
    """The parts of lives during a turn; nobody saw the end of what outlived it."""
    clipped = []
    for life in found:
        if turn.until is None or (life.until is not None and life.until <= turn.until):
            clipped.append(life)
        elif life.since < turn.until:
            clipped.append(replace(life, until=turn.until, vanished=False))
    return clipped


def _longer(one: Life, other: Life) -> Life:
    """Two lives that touch, as one."""
    assert one.until is not None
    if other.until is not None and other.until <= one.until:
        return one
    return replace(one, until=other.until, vanished=other.vanished)


def _dated(life: Life, said: Sequence[Statement], read: Mapping[Track, datetime | None]) -> Life:
    """A life with the dates of the origin that saw its words come, and go, first."""
    for statement in said:
        last_read = read.get((statement.page_id, statement.origin))
        for seen in statement.lives:
            until = seen.until or last_read
            if until is not None and seen.since < life.since <= until:
                life = replace(life, since=seen.since, appeared=seen.appeared)
    if life.until is None or not life.vanished:
        return life
    held = max(
        (s.last_seen for s in said if any(seen.until == life.until for seen in s.lives)),
        default=life.until,
    )
    ends = [seen.until for s in said for seen in s.lives if seen.until is not None]
    first = min((end for end in ends if held <= end <= life.until), default=life.until)
    return replace(life, until=first)
