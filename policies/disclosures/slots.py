"""What a passage says exactly: who, how much, how long, on what condition, word for word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from policies.disclosures.fold import fold
from policies.disclosures.grammar import Span
from policies.disclosures.lexicon import Annotation, Lexicon
from policies.model import Topic

_REVIEW = (Topic.HUMAN_REVIEW, Topic.REVIEWERS)
_CONDITIONED = (Topic.HUMAN_REVIEW, Topic.CHOICE)
_ANY = tuple(Topic)
_CLAUSE_END = re.compile(r"[,;:.!?)\n](?=\s|$)|\s[–—-]\s")
_CLAUSE_LIMIT = 160  # characters: what is longer than that is no longer one clause
# "Mit Ihrer Einwilligung hören Menschen zu": after these, what follows is no condition.
_PHRASE_WORDS = frozenset(
    "with mit met avec con com without ohne zonder sans sin senza sem".split()
)
_QUOTED = re.compile(
    r"[“„«\"]\s?([^“”„«»\"]{3,60}?)\s?[”“»\"]|‘([^‘’]{3,60})’|(?<!\w)'([^'\n]{3,60})'(?!\w)"
)
_NAMED = re.compile(r"\b((?:[A-Z][\w&’']*\s){1,5})settings?\b")
# Names of countries and cities after those who review: "linguists in Ireland and Malta".
_IN_PLACES = (
    r"\s(?:in|en|à|au|aux|em|na|no|nos|nas|a|dans|negli|nei)\s"
    r"([A-ZÀ-Ý][\w-]+(?:(?:,\s|\s(?:and|or|et|ou|und|y|o|e|en|of)\s)[A-ZÀ-Ý][\w-]+){0,5})"
)
_PLACE = re.compile(_IN_PLACES)
_PLACE_BEFORE = re.compile(_IN_PLACES + r"\s$")  # "die in Irland arbeiten"
_PLACE_REACH = 80  # characters
_SHORT_WORDS = frozenset(  # that a quantity may end with, and that say nothing
    "of de d des du der von van di dei delle degli dell del della do da dos das l la"
    " ihrer deiner aller uw je".split()
)
_NUMBER_REACH = 4  # words from a number to those whom it counts


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
    _Slot("condition", ("no_permission", "unless_out"), _CONDITIONED, to_clause_end=True),
    _Slot("condition", ("permission", "opt_out"), _CONDITIONED, to_clause_end=True),
    _Slot("default", ("default",), _ANY),
    _Slot("setting", ("settings_path",), (Topic.CHOICE,), to_clause_end=True),
)


_WHO = ("number", "staff", "reviewer", "trained", "located")


@lru_cache(maxsize=2048)  # there are as many sets of topics
def _slots_of(topics: tuple[Topic, ...]) -> tuple[_Slot, ...]:
    return tuple(slot for slot in _SLOTS if not set(topics).isdisjoint(slot.topics))


def classes_of(topic: Topic) -> frozenset[str]:
    """The classes that fill the slots of a topic."""
    filled = {name for slot in _SLOTS if topic in slot.topics for name in slot.classes}
    return frozenset(filled.union(_WHO) if topic in _REVIEW else filled)


@dataclass(frozen=True)
class Retention:
    """How long something is kept, as a number where the words give one."""

    days: int | None  # None: no period is named; 0: under half a day
    until_deleted: bool  # kept until the person deletes it


def quote_slots(
    text: str,
    places: Sequence[Span],
    annotation: Annotation,
    topics: Sequence[Topic],
    lexicon: Lexicon,
) -> dict[str, str]:
    """The filled slots, each a slice of the text."""
    slots: dict[str, str] = {}
    for slot in _slots_of(tuple(topics)):
        if slot.name in slots or not annotation.has(*slot.classes):
            continue
        spans = _own(annotation, *slot.classes)
        if not spans:
            continue
        first, last = _longest(_joined(spans, slot.joins))
        if slot.name == "sample":
            last = _without_short_words(annotation, first, last)
        start, end = places[first][0], places[last][1]
        slots[slot.name] = text[
            start : _clause_end(text, start, end) if slot.to_clause_end else end
        ]
    if Topic.CHOICE in topics and "setting" not in slots and (name := _named_setting(text)):
        slots["setting"] = name
    if set(_REVIEW) & set(topics):
        _add_who(slots, text, places, annotation, lexicon)
    return slots


def _own(annotation: Annotation, *names: str) -> list[Span]:
    """Where these classes stand in the passage itself, not in what leads in to it."""
    return [span for span in annotation.spans(*names) if span[0] >= annotation.begin]


def _add_who(
    slots: dict[str, str],
    text: str,
    places: Sequence[Span],
    annotation: Annotation,
    lexicon: Lexicon,
) -> None:
    """Adds how many they are who review, and where, as far as it stands beside them."""
    # An article is a number in some languages: one of them is no number of reviewers.
    numbers = [
        place for place, _ in _own(annotation, "number") if _counts(annotation, place, lexicon)
    ]
    # In German every noun has a capital: only what says that they sit there tells a place.
    placed = ("located",) if lexicon.lang == "de" else ("staff", "reviewer", "trained", "located")
    for first, _ in _own(annotation, "staff", "reviewer", "trained"):
        for number in numbers:
            near = number < first <= number + _NUMBER_REACH
            if near and annotation.limits[number] == annotation.limits[first]:
                slots.setdefault("reviewers_number", text[places[number][0] : places[number][1]])
    for first, last in _own(annotation, *placed):
        start, end = places[first][0], places[last][1]
        before = text[max(0, start - _PLACE_REACH) : start]
        if found := _PLACE.match(text, end) or _PLACE_BEFORE.search(before):
            slots["reviewers_place"] = found.group(1)


def _counts(annotation: Annotation, place: int, lexicon: Lexicon) -> bool:
    return (_number(annotation.found[place], lexicon) or 0) > 1


def _without_short_words(annotation: Annotation, first: int, last: int) -> int:
    """Where a quantity ends that was found with the words after it: "1 % of"."""
    while last > first and annotation.found[last] in _SHORT_WORDS:
        last -= 1
    return last


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


def _clause_end(text: str, start: int, end: int) -> int:
    """Where the clause ends that goes on after `end`; "with your consent" does not go on."""
    if fold(text[start:end]).split()[0] in _PHRASE_WORDS:
        return end
    found = _CLAUSE_END.search(text, end, end + _CLAUSE_LIMIT)
    if found:
        return found.start()
    return len(text) if len(text) <= end + _CLAUSE_LIMIT else end


def _named_setting(text: str) -> str | None:
    """What a vendor calls a setting: in quotation marks, or capitals before "setting"."""
    if found := _QUOTED.search(text):
        return next(name for name in found.groups() if name)
    if found := _NAMED.search(text):
        return found.group(1).strip()
    return None


def read_retention(words: str, lexicon: Lexicon) -> Retention:
    """A retention slot's words as days; a month counts 30 days, a year 365."""
    annotation = lexicon.annotate_words(words)
    periods = list(_periods(annotation.found, lexicon))
    days = max((round(days) for days in periods), default=None)
    return Retention(days, annotation.has("until_deleted"))


def _periods(found: Sequence[str], lexicon: Lexicon) -> Iterator[float]:
    """Each period that words name, in days: "two years", "half a year", "a year and a half"."""
    amount: float | None = None
    days: float | None = None  # of the period just named, which a half may still follow
    unit = 0.0
    for word, before in zip(found, ["", *found], strict=False):
        if word in lexicon.halves:
            if amount is None and days is not None:
                days += unit / 2
            else:
                amount = 0.5 if amount in (None, 1) else amount + 0.5
        elif (number := _number(word, lexicon)) is not None:
            if days is not None:
                yield days
                days = None
            amount = _grown(amount, number)
        elif word in lexicon.units:
            unit = lexicon.units[word]
            if amount is None and before in lexicon.articles:
                amount = 1
            if amount is not None:
                days, amount = amount * unit, None
    if days is not None:
        yield days


def _number(word: str, lexicon: Lexicon) -> int | None:
    if word.isdecimal():
        return int(word[:6])
    return lexicon.numbers.get(word)


def _grown(amount: float | None, number: int) -> float:
    """A number with the next of its words: "twenty four", "two hundred", "quatre-vingt-dix"."""
    if amount is None:
        return number
    if number in (100, 1000) or (amount, number) == (4, 20):
        return amount * number
    if amount >= 20 and number < amount:
        return amount + number
    return number
