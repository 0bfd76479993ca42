"""The answer to a topic: what stands now, since when, what was said before, who differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from policies.ledger.contradictions import by_page, contradictions
from policies.ledger.headline import FAR_REACHING, Take, headline, take
from policies.ledger.joining import Track, joined, turns
from policies.ledger.past import periods
from policies.ledger.values import Answer, Life, Look, Period, Slot, Standing, Statement
from policies.model import BlockKind, Scope, Stance, Topic


def answers(looks: Sequence[Look], statements: Sequence[Statement]) -> tuple[Answer, ...]:
    """A vendor's answer to every topic, in the order of Topic."""
    return tuple(answer(topic, looks, statements) for topic in Topic)


def answer(topic: Topic, looks: Sequence[Look], statements: Sequence[Statement]) -> Answer:
    """The answer to one topic that these pages give.

    Headings are left out: they announce what is said, and do not say it.
    """
    about = joined(
        looks,
        (s for s in statements if topic in s.topics and s.kind is not BlockKind.HEADING),
    )
    speaking = [look for look in looks if look.speaks]
    read = {look.page_id: look for look in speaking if look.is_read}
    current = [s for s in about if s.current and s.page_id in read]
    takes = _takes(topic, current)
    stance = headline(takes)
    ordered = sorted(about, key=lambda s: _weight(s, read.get(s.page_id)))
    return _answer(
        topic,
        speaking,
        read,
        _told(topic, current, stance, read),
        takes,
        _past(topic, looks, ordered),
    )


def _answer(
    topic: Topic,
    speaking: Sequence[Look],
    read: Mapping[str, Look],
    current: tuple[Statement, ...],
    takes: Mapping[str, set[Take]],
    past: tuple[tuple[Period, ...], tuple[Statement, ...]],
) -> Answer:
    stance = headline(takes)
    standing = _standing(bool(current), bool(read))
    told, said = past if read else ((), ())
    # The past is told from first captures, the present from the text that stands now.
    present = (
        told[-1] if told and (told[-1].standing, told[-1].stance) == (standing, stance) else None
    )
    dates = _read_dates(read, {s.page_id for s in current})
    pages = by_page(speaking, current, takes)
    return Answer(
        topic=topic,
        standing=standing,
        stance=stance,
        also=_also(stance, takes),
        statements=current,
        since=present.since if present else None,
        observed=present.observed if present else False,
        as_of=max(dates, default=None),
        oldest=min(dates, default=None),
        pages_read=len(read),
        pages_unread=len(speaking) - len(read),
        earlier=tuple(reversed(told[:-1] if present else told)),
        gone=_gone(said, present) if standing is Standing.STATED else (),
        by_page=pages,
        contradictions=contradictions(speaking, pages),
        slots=_slots(current),
    )


def _standing(stated: bool, read: bool) -> Standing:
    if stated:
        return Standing.STATED
    return Standing.NOT_STATED if read else Standing.NOT_READ


def _takes(topic: Topic, statements: Iterable[Statement]) -> dict[str, set[Take]]:
    found: dict[str, set[Take]] = {}
    for statement in statements:
        taken = take(topic, statement)
        if taken is not None:
            found.setdefault(statement.page_id, set()).add(taken)
    return found


def _also(stance: Stance | None, takes: Mapping[str, set[Take]]) -> tuple[Stance, ...]:
    taken = {one.stance for on_page in takes.values() for one in on_page}
    return tuple(s for s in FAR_REACHING if s is not stance and s in taken)


def _read_dates(read: Mapping[str, Look], stated: set[str]) -> list[datetime]:
    """When the pages were last read that an answer rests on: those that say it, or all."""
    pages = stated or set(read)
    return [at for page, look in read.items() if page in pages and (at := look.last_read)]


def _past(
    topic: Topic, looks: Sequence[Look], statements: Sequence[Statement]
) -> tuple[tuple[Period, ...], tuple[Statement, ...]]:
    first_look = min((turn.since for turn in turns(looks).values()), default=None)
    return periods(topic, first_look, statements), tuple(statements)


def _gone(statements: Iterable[Statement], present: Period | None) -> tuple[Statement, ...]:
    """What was seen to go since the present answer began, last gone first."""
    if present is None:
        return ()
    went = [
        (s.until, s)
        for s in statements
        if not s.current and s.until is not None and s.lives[-1].vanished
    ]
    since = [pair for pair in went if pair[0] > present.since]
    return tuple(s for _, s in sorted(since, key=lambda pair: pair[0], reverse=True))


def _slots(statements: Iterable[Statement]) -> tuple[Slot, ...]:
    """What the statements say exactly, by name; the same words once."""
    found: dict[tuple[str, str], Slot] = {}
    for statement in statements:
        for name, words in statement.slots.items():
            found.setdefault((name, words.casefold()), Slot(name, words, statement))
    return tuple(sorted(found.values(), key=lambda slot: slot.name))


def _told(
    topic: Topic, current: Iterable[Statement], stance: Stance | None, looks: Mapping[str, Look]
) -> tuple[Statement, ...]:
    """The weightiest that carries the answer, the weightiest of each other stance, the rest."""
    once: dict[str, Statement] = {}
    for statement in sorted(current, key=lambda s: _weight(s, looks[s.page_id])):
        once.setdefault(statement.passage_id, statement)
    taken = {s.passage_id: one.stance if (one := take(topic, s)) else None for s in once.values()}
    ordered = sorted(once.values(), key=lambda s: taken[s.passage_id] is not stance)
    heads: dict[Stance | None, Statement] = {}
    for statement in ordered:
        heads.setdefault(taken[statement.passage_id], statement)
    first = {s.passage_id for s in heads.values()}
    return (*heads.values(), *(s for s in ordered if s.passage_id not in first))


def _weight(statement: Statement, look: Look | None) -> tuple[int, bool, str, str, int]:
    """Who says most about it first, and rather of the assistant than of everything."""
    about_assistant = look is not None and look.scope is Scope.ASSISTANT
    says = len(statement.topics) + (2 if about_assistant else 0)
    lang = look.lang if look else ""
    return -says, lang != "en", lang, statement.page_id, statement.position


# --- as of a date ----------------------------------------------------------------------


def as_of(
    at: datetime,
    looks: Sequence[Look],
    statements: Iterable[Statement],
    last_reads: Mapping[Track, datetime],
) -> tuple[tuple[Look, ...], tuple[Statement, ...]]:
    """The looks and statements as they stood at a time, by what is known of it today.

    `last_reads`: when each page's text was last known before then, by page and origin. A page
    that was first read later counts as not read.
    """
    spoke = {
        track
        for track, turn in turns(looks).items()
        if turn.since <= at and (turn.until is None or at < turn.until)
    }
    then = tuple(_look_then(look, at, spoke, last_reads) for look in looks)
    seen = {(look.page_id, look.origin) for look in then if look.first_read is not None}
    return then, tuple(
        _statement_then(statement, at, (statement.page_id, statement.origin) in spoke)
        for statement in statements
        if (statement.page_id, statement.origin) in seen
        and any(life.since <= at for life in statement.lives)
    )


def _look_then(
    look: Look, at: datetime, spoke: set[Track], last_reads: Mapping[Track, datetime]
) -> Look:
    track = (look.page_id, look.origin)
    if look.first_read is None or look.first_read > at:
        nobody = not any(page_id == look.page_id for page_id, _ in spoke)
        return replace(look, first_read=None, last_read=None, speaks=look.speaks and nobody)
    return replace(look, last_read=last_reads.get(track, look.first_read), speaks=track in spoke)


def _statement_then(statement: Statement, at: datetime, spoke: bool) -> Statement:
    found = tuple(_life_then(life, at) for life in statement.lives if life.since <= at)
    stood = statement if statement.captured_at <= at else statement.as_first()
    return replace(
        stood,
        lives=found,
        last_seen=min(statement.last_seen, at),
        current=spoke and any(life.covers(at) for life in found),
    )


def _life_then(life: Life, at: datetime) -> Life:
    if life.until is None or life.until <= at:
        return life
    return replace(life, until=None, vanished=True)
