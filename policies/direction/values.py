"""The directions, what a passage claims, and what a rule found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from policies.model import Match, Stance, Topic


class Direction(StrEnum):
    """Which way a change goes on a topic.

    The first two are about the person: what may be done with what they say. The next two are
    about the page: how much it discloses, whatever is done. A page that says less may do the same.
    """

    BETTER = "better"  # for the person: a condition, a promise, a shorter time
    WORSE = "worse"
    SAYS_MORE = "says_more"
    SAYS_LESS = "says_less"
    UNCLEAR = "unclear"  # no rule reads it, or the rules read it both ways


@dataclass(frozen=True)
class Words:
    """A run of words on one side of a change: a slice of a passage's text."""

    position: int  # of the passage in its version
    start: int
    end: int


@dataclass(frozen=True)
class Claim:
    """What one passage says, in values that mean the same in every language."""

    position: int
    text: str = field(repr=False)
    stance: Stance | None = None
    slots: Mapping[str, str] = field(default_factory=dict)
    days: int | None = None  # how long it is kept; None: no number is named
    until_deleted: bool = False  # kept until the person deletes it
    not_kept: bool = False  # said not to be kept
    outsiders: bool = False  # people from outside the company are among those who listen
    hedges: tuple[Words, ...] = ()  # "may", "in some cases"
    promises: bool = False  # denies review, at all or without the person's permission
    matches: tuple[Match, ...] = ()  # the words that brought each topic

    @property
    def whole(self) -> Words:
        """All of its words."""
        return Words(self.position, 0, len(self.text))

    def slot(self, name: str) -> Words:
        """The words of a slot; all of them where it is not filled."""
        words = self.slots.get(name, "")
        start = self.text.find(words) if words else -1
        return Words(self.position, start, start + len(words)) if start >= 0 else self.whole


Pair = tuple[Claim | None, Claim | None]  # old and new; never both None


@dataclass(frozen=True)
class Case:
    """All claims on a topic, before and after, and those that the change touches."""

    topic: Topic
    before: tuple[Claim, ...]  # on the whole page
    after: tuple[Claim, ...]
    pairs: tuple[Pair, ...]  # of each edit that brings, takes or rewords a claim
    others: tuple[Pair, ...] = ()  # where the topic came or went by no word that was changed


@dataclass(frozen=True)
class Finding:
    """A rule that holds, and the words that it holds of."""

    rule: str
    direction: Direction
    old: Words | None = None
    new: Words | None = None


@dataclass(frozen=True)
class Directed:
    """Which way a change goes on a topic, and the rules that say so, weightiest first."""

    direction: Direction
    findings: tuple[Finding, ...] = ()
