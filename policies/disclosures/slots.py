"""What a passage says exactly: who, how much, how long, on what condition, word for word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from policies.disclosures.grammar import Span
from policies.disclosures.lexicon import Annotation, Lexicon
from policies.model import Topic

_REVIEW = (Topic.HUMAN_REVIEW, Topic.REVIEWERS)
_ANY = tuple(Topic)
_CLAUSE_END = re.compile(r"[,;:.!?)\n](?=\s|$)|\s[–—-]\s")
_CLAUSE_LIMIT = 160  # characters: what is longer than that is no longer one clause
_QUOTED = re.compile(r"[“„«\"]\s?([^“”„«»\"]{3,60}?)\s?[”“»\"]")
_NAMED = re.compile(r"\b((?:[A-Z][\w&’']*\s){1,5})settings?\b")


@dataclass(frozen=True)
class _Slot:
    """Which classes fill a slot, and when."""

    name: str
    classes: tuple[str, ...]
    topics: tuple[Topic, ...]  # filled only where one of these was found
    joins: int = 0  # words between two finds that count as one
    to_clause_end: bool = False


_SLOTS = (
    _Slot("reviewers", ("staff", "provider", "reviewer"), _REVIEW, joins=3),
    _Slot("reviewers_training", ("trained",), _REVIEW, joins=2),
    _Slot("reviewers_place", ("located",), _REVIEW, to_clause_end=True),
    _Slot("sample", ("sample", "sampling"), (Topic.SAMPLE,), joins=1),
    _Slot("identity", ("identity",), (Topic.IDENTITY,)),
    _Slot("purpose", ("purpose_mark",), (Topic.HUMAN_REVIEW, Topic.TRAINING), to_clause_end=True),
    _Slot("retention", ("duration", "until_deleted"), (Topic.RETENTION,), joins=1),
    _Slot("retention", ("not_kept",), (Topic.RETENTION,)),
    _Slot(
        "condition",
        ("no_permission", "permission", "opt_out", "unless_out"),
        (Topic.HUMAN_REVIEW, Topic.CHOICE),
        to_clause_end=True,
    ),
    _Slot("default", ("default",), _ANY),
    _Slot("setting", ("settings_path",), (Topic.CHOICE,), to_clause_end=True),
)


@dataclass(frozen=True)
class Retention:
    """How long something is kept, as a number where the words give one."""

    days: int | None  # None: no period is named; 0: under half a day
    until_deleted: bool  # kept until the person deletes it


def quote_slots(
    text: str, places: Sequence[Span], annotation: Annotation, topics: Sequence[Topic]
) -> dict[str, str]:
    """The filled slots, each a slice of the text."""
    slots: dict[str, str] = {}
    for slot in _SLOTS:
        if slot.name in slots or not set(slot.topics) & set(topics):
            continue
        spans = annotation.spans(*slot.classes)
        if not spans:
            continue
        first, last = _longest(_joined(spans, slot.joins))
        start, end = places[first][0], places[last][1]
        slots[slot.name] = text[start : _clause_end(text, end) if slot.to_clause_end else end]
    if Topic.CHOICE in topics and "setting" not in slots and (name := _named_setting(text)):
        slots["setting"] = name
    return slots


def _joined(spans: Sequence[Span], joins: int) -> list[Span]:
    groups: list[Span] = []
    for first, last in spans:
        if groups and first <= groups[-1][1] + 1 + joins:
            groups[-1] = (groups[-1][0], max(last, groups[-1][1]))
        else:
            groups.append((first, last))
    return groups


def _longest(groups: Sequence[Span]) -> Span:
    """The one with most words; of equals the first."""
    return max(groups, key=lambda group: (group[1] - group[0], -group[0]))


def _clause_end(text: str, end: int) -> int:
    """Where the clause that goes on after `end` ends."""
    found = _CLAUSE_END.search(text, end, end + _CLAUSE_LIMIT)
    if found:
        return found.start()
    return len(text) if len(text) <= end + _CLAUSE_LIMIT else end


def _named_setting(text: str) -> str | None:
    """What a vendor calls a setting: in quotation marks, or capitals before "setting"."""
    if found := _QUOTED.search(text):
        return found.group(1)
    if found := _NAMED.search(text):
        return found.group(1).strip()
    return None


def read_retention(words: str, lexicon: Lexicon) -> Retention:
    """A retention slot's words as days; a month counts 30 days, a year 365."""
    annotation = lexicon.annotate_words(words)
    days: int | None = None
    amount: int | None = None
    for word in annotation.found:
        if word.isdecimal():
            amount = int(word[:6])
        elif word in lexicon.numbers:
            amount = lexicon.numbers[word]
        elif amount is not None and word in lexicon.units:
            days = max(days or 0, round(amount * lexicon.units[word]))
            amount = None
    return Retention(days, annotation.has("until_deleted"))
