"""The ledger: disclosures over time become, per vendor and topic, the answer and its past.

An answer is one of three things: *stated* (with the quotes), *not stated* in the pages that
were read, or *not read*, because none could be. Silence is data only where somebody looked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import groupby

from policies.model import BlockKind, Scope, Stance, Topic


class Standing(StrEnum):
    """Whether the pages answer a topic."""

    STATED = "stated"
    NOT_STATED = "not_stated"  # pages were read and say nothing about it
    NOT_READ = "not_read"  # no page could be read, or none in a language that is understood


@dataclass(frozen=True)
class Look:
    """What was seen of a page in one origin, and when."""

    page_id: str
    origin: str
    scope: Scope
    lang: str
    first_read: datetime | None  # None: never
    last_read: datetime | None
    judged: bool  # whether its current text was read by a detector of its language
    speaks: bool  # whether this origin speaks for the page now


@dataclass(frozen=True)
class Life:
    """An unbroken time during which a page held a statement."""

    since: datetime
    until: datetime | None = None  # first capture without it; None: still there
    appeared: bool = True  # False: it stood there when the page was first looked at


@dataclass(frozen=True)
class Statement:
    """A passage of a page that says something, and where its words lie."""

    page_id: str
    origin: str
    passage_id: str
    topics: tuple[Topic, ...]
    stance: Stance | None
    version_id: str  # a version that holds it: the current one where it still stands
    text_id: str
    position: int
    kind: BlockKind
    start: int  # the quote is the slice start:end of the text
    end: int
    headings: tuple[int, ...]  # positions of the headings above it
    captured_at: datetime  # first capture that showed that version
    last_seen: datetime  # last time that the words are known to have been there
    digest: str | None  # of that capture's body
    current: bool  # whether it stands in the version that speaks for its page now
    lives: tuple[Life, ...] = ()  # oldest first, of its origin
    slots: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> tuple[str, int]:
        """Where its words stand: version and position."""
        return self.version_id, self.position


@dataclass(frozen=True)
class Period:
    """A time during which a vendor's pages gave the same answer."""

    since: datetime
    until: datetime | None  # None: still
    standing: Standing
    stance: Stance | None
    observed: bool  # False: it was so when we first looked, so it may be older

    @property
    def short(self) -> bool:
        """Whether it began and ended on one day."""
        return self.until is not None and self.since.date() == self.until.date()


@dataclass(frozen=True)
class Answer:
    """What a vendor's pages say about a topic, since when, and what they said before."""

    topic: Topic
    standing: Standing
    stance: Stance | None  # only of HUMAN_REVIEW
    also: tuple[Stance, ...]  # other stances that its pages take, most far-reaching first
    statements: tuple[Statement, ...]  # current ones, weightiest first, equal words once
    since: datetime | None  # when the present answer began; None: nothing was read
    observed: bool  # whether its beginning was seen
    as_of: datetime | None  # when a page it rests on was last read
    oldest: datetime | None  # when the page read longest ago was last read
    pages_read: int
    pages_unread: int
    earlier: tuple[Period, ...]  # newest first


# Which stance speaks for a vendor when its pages take several: the most far-reaching, so that
# nobody is told less than what some page says. "no" comes last: about one product or setting
# it does not undo what another sentence leaves open.
FAR_REACHING = (Stance.YES, Stance.OPT_OUT, Stance.OPT_IN, Stance.UNCLEAR, Stance.NO)


def lives(
    spells: Sequence[tuple[datetime, datetime | None]],
    said: tuple[datetime, datetime],
    gone_at: datetime | None,
    first_read: datetime | None,
) -> tuple[Life, ...]:
    """The lives of a statement: the runs of its words, cut to where they meant it.

    The same words may mean something only in a certain context: `said` are the first and the
    last version in which they did. `gone_at` ends a life whose words still stand, None where
    they still mean it. `first_read` is when the page was first looked at.
    """
    first, last = said
    return tuple(
        Life(
            since=max(since, first),
            until=gone_at if until is None else until,
            appeared=first_read is None or max(since, first) > first_read,
        )
        for since, until in (spells or ((first, None),))
        if since <= last and (until is None or until > first)
    )


def answers(looks: Sequence[Look], statements: Sequence[Statement]) -> tuple[Answer, ...]:
    """A vendor's answer to every topic, in the order of Topic."""
    return tuple(answer(topic, looks, statements) for topic in Topic)


def answer(topic: Topic, looks: Sequence[Look], statements: Sequence[Statement]) -> Answer:
    """The answer to one topic that these pages give.

    Headings are left out: they announce what is said, and do not say it.
    """
    about = [
        statement
        for statement in statements
        if topic in statement.topics and statement.kind is not BlockKind.HEADING
    ]
    speaking = [look for look in looks if look.speaks]
    read = [look for look in speaking if look.judged and look.last_read is not None]
    periods = _periods(topic, looks, about) if read else ()
    return _answer(topic, speaking, read, about, periods)


def headline(by_page: Mapping[str, Iterable[Stance]]) -> Stance | None:
    """The stance that speaks for a vendor, from the stances on each of its pages.

    On one page a way out qualifies what is said beside it: "people review a sample" and "you
    can turn that off" together are an opt-out. Across pages the most far-reaching one speaks.
    """
    taken = {_of_page(set(stances)) for stances in by_page.values()}
    return next((stance for stance in FAR_REACHING if stance in taken), None)


def _of_page(stances: set[Stance]) -> Stance | None:
    if {Stance.YES, Stance.OPT_OUT} <= stances:
        return Stance.OPT_OUT
    return next((stance for stance in FAR_REACHING if stance in stances), None)


def _answer(
    topic: Topic,
    speaking: Sequence[Look],
    read: Sequence[Look],
    statements: Sequence[Statement],
    past: tuple[Period, ...],
) -> Answer:
    last_read = {look.page_id: look.last_read for look in read if look.last_read}
    current = [s for s in statements if s.current and s.page_id in last_read]
    stances = _stances(topic, current)
    stance = headline(stances)
    standing = _standing(bool(current), bool(read))
    # The past is told from first captures, the present from the text that stands now.
    present = (
        past[-1] if past and (past[-1].standing, past[-1].stance) == (standing, stance) else None
    )
    pages = {s.page_id for s in current} if current else set(last_read)
    return Answer(
        topic=topic,
        standing=standing,
        stance=stance,
        also=tuple(
            s
            for s in FAR_REACHING
            if s is not stance and any(s in on_page for on_page in stances.values())
        ),
        statements=_weighed(current, stance, {look.page_id: look for look in read}),
        since=present.since if present else None,
        observed=present.observed if present else False,
        as_of=max((last_read[page] for page in pages), default=None),
        oldest=min((last_read[page] for page in pages), default=None),
        pages_read=len(read),
        pages_unread=len(speaking) - len(read),
        earlier=tuple(reversed(past[:-1] if present else past)),
    )


def _standing(stated: bool, read: bool) -> Standing:
    if stated:
        return Standing.STATED
    return Standing.NOT_STATED if read else Standing.NOT_READ


def _stances(topic: Topic, statements: Iterable[Statement]) -> dict[str, set[Stance]]:
    found: dict[str, set[Stance]] = {}
    for statement in statements:
        if topic is Topic.HUMAN_REVIEW and statement.stance is not None:
            found.setdefault(statement.page_id, set()).add(statement.stance)
    return found


def _weighed(
    statements: Iterable[Statement], stance: Stance | None, looks: Mapping[str, Look]
) -> tuple[Statement, ...]:
    """Statements that carry the answer first; of those, the ones that say most about it."""

    def weight(statement: Statement) -> tuple[bool, int, bool, str, str, int]:
        look = looks[statement.page_id]
        # Who listens, how much, by whose choice; and rather of the assistant than of everything.
        says = len(statement.topics) + (2 if look.scope is Scope.ASSISTANT else 0)
        return (
            statement.stance is not stance,
            -says,
            look.lang != "en",
            look.lang,
            statement.page_id,
            statement.position,
        )

    once: dict[str, Statement] = {}
    for statement in sorted(statements, key=weight):
        once.setdefault(statement.passage_id, statement)
    return tuple(once.values())


# --- over time -------------------------------------------------------------------------


@dataclass(frozen=True)
class _Turn:
    """A time during which one origin speaks for a page."""

    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class _Event:
    """A statement begins (+1) or ends (-1)."""

    at: datetime
    step: int
    statement: Statement
    observed: bool  # whether it was seen to, like compared with like


def _turns(looks: Sequence[Look]) -> dict[tuple[str, str], _Turn]:
    """When each origin speaks for its page: from its first look until the next one's.

    The one that speaks now does so to the end. What stood at the end of one and at the start
    of the next never stopped.
    """
    turns: dict[tuple[str, str], _Turn] = {}
    by_page = sorted(looks, key=lambda look: look.page_id)
    for _, group in groupby(by_page, key=lambda look: look.page_id):
        read = [(look.first_read, look) for look in group if look.first_read is not None]
        read.sort(key=lambda pair: (pair[0], pair[1].speaks))
        now = next((at for at, (_, look) in enumerate(read) if look.speaks), -1)
        ends = [*(since for since, _ in read[1 : now + 1]), None]
        for (since, look), until in zip(read[: now + 1], ends, strict=False):
            turns[look.page_id, look.origin] = _Turn(since, until)
    return turns


def _events(
    turns: Mapping[tuple[str, str], _Turn], statements: Iterable[Statement]
) -> list[_Event]:
    events: list[_Event] = []
    for statement in statements:
        turn = turns.get((statement.page_id, statement.origin))
        for life in statement.lives if turn else ():
            if turn is None or (turn.until is not None and life.since >= turn.until):
                continue
            events.append(_Event(life.since, 1, statement, life.appeared))
            if life.until is not None and (turn.until is None or life.until <= turn.until):
                events.append(_Event(life.until, -1, statement, observed=True))
            elif turn.until is not None:
                events.append(_Event(turn.until, -1, statement, observed=False))
    return sorted(events, key=lambda event: event.at)


def _periods(
    topic: Topic, looks: Sequence[Look], statements: Iterable[Statement]
) -> tuple[Period, ...]:
    """The answers of a vendor one after the other, oldest first, from the first look on."""
    turns = _turns(looks)
    about = _events(turns, statements)
    first_look = min((turn.since for turn in turns.values()), default=None)
    present: Counter[tuple[str, Stance | None]] = Counter()
    periods: list[Period] = []
    if first_look is not None and (not about or about[0].at > first_look):
        periods.append(Period(first_look, None, Standing.NOT_STATED, None, observed=False))
    for at, group in groupby(about, key=lambda event: event.at):
        observed = False
        for event in group:
            present[event.statement.page_id, event.statement.stance] += event.step
            observed = observed or event.observed
        _extend(periods, at, *_holding(topic, present), observed)
    return tuple(periods)


def _holding(
    topic: Topic, present: Counter[tuple[str, Stance | None]]
) -> tuple[Standing, Stance | None]:
    by_page: dict[str, set[Stance]] = {}
    stated = False
    for (page_id, stance), count in present.items():
        if count > 0:
            stated = True
            if topic is Topic.HUMAN_REVIEW and stance is not None:
                by_page.setdefault(page_id, set()).add(stance)
    return _standing(stated, read=True), headline(by_page)


def _extend(
    periods: list[Period],
    at: datetime,
    standing: Standing,
    stance: Stance | None,
    observed: bool,
) -> None:
    if periods and (periods[-1].standing, periods[-1].stance) == (standing, stance):
        return
    if periods:
        periods[-1] = replace(periods[-1], until=at)
    periods.append(Period(at, None, standing, stance, observed))
