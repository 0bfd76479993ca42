"""Lexicon notation → what can be matched: atoms, gaps and classes, without regular expressions.

A pattern is a line of items divided by spaces:

    word          this word            stem*  *end  *part*   words that begin, end, contain
    (a|b|)        either of these, expanded on load, also inside a word: review(s|ed|ing)
    {class}       a find of that class {a|b}  of either class
    ..3           up to three words in between, within one sentence

Sequences are followed by sets of positions, so the time grows with the words of a
passage and never with the ways in which they could be combined.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from policies.disclosures.fold import fold, words
from policies.errors import BadDeclaration

_GROUP = re.compile(r"\(([^()]*)\)")
# A piece runs to the next space that is not inside a group: "(a b|c)" is one.
_PIECE = re.compile(r"(?:\([^()]*\)|[^\s()])+")
_GAP = re.compile(r"\.\.(\d{1,2})")
_CLASSES = re.compile(r"\{([a-z_|]+)\}")
_MAX_EXPANSIONS = 400  # a slip such as ten nested groups must not fill the memory

Span = tuple[int, int]  # first and last word, both included


@dataclass(frozen=True)
class Atom:
    """One word of a pattern: as it is, or by its beginning, end or a part."""

    text: str
    open_left: bool = False  # "*end"
    open_right: bool = False  # "stem*"

    @property
    def is_open(self) -> bool:
        """Whether more than one word can match."""
        return self.open_left or self.open_right

    def matches(self, word: str) -> bool:
        """Whether a folded word is meant."""
        if self.open_left and self.open_right:
            return self.text in word
        if self.open_left:
            return word.endswith(self.text)
        if self.open_right:
            return word.startswith(self.text)
        return word == self.text


@dataclass(frozen=True)
class Choice:
    """One word, given by any of these."""

    exact: frozenset[str]
    open: tuple[Atom, ...] = ()

    def matches(self, word: str) -> bool:
        """Whether a folded word is meant."""
        return word in self.exact or any(atom.matches(word) for atom in self.open)


@dataclass(frozen=True)
class Ref:
    """A find of one of these classes."""

    classes: tuple[str, ...]


class Item(NamedTuple):
    """A word or reference, and how many words may stand before it."""

    what: Choice | Ref
    gap: int = 0


Sequence_ = tuple[Item, ...]


def parse(pattern: str) -> list[Sequence_]:
    """The sequences that a pattern stands for; raises BadDeclaration."""
    sequences: list[list[Item]] = [[]]
    gap = 0
    for piece in _PIECE.findall(pattern):
        if found := _GAP.fullmatch(piece):
            gap = int(found.group(1))
            continue
        readings = _readings(piece)
        sequences = [
            [*begun, *_with_gap(reading, gap)] for begun in sequences for reading in readings
        ]
        if len(sequences) > _MAX_EXPANSIONS:
            raise BadDeclaration(f"the pattern {pattern!r} has too many readings: divide it")
        gap = 0
    if gap or any(not sequence or sequence[0].gap for sequence in sequences):
        raise BadDeclaration(f"the pattern {pattern!r} must begin and end with a word or class")
    return [tuple(sequence) for sequence in sequences]


def _with_gap(reading: Sequence[Choice | Ref], gap: int) -> list[Item]:
    return [Item(what, 0 if place else gap) for place, what in enumerate(reading)]


def _readings(piece: str) -> list[list[Choice | Ref]]:
    """What one written piece can stand for: single words together, longer ones each."""
    if found := _CLASSES.fullmatch(piece):
        return [[Ref(tuple(found.group(1).split("|")))]]
    single: list[Atom] = []
    longer: list[list[Choice | Ref]] = []
    for spelling in dict.fromkeys(spellings(piece)):
        atoms = [atom for word in spelling.split() for atom in _atoms(word)]
        if len(atoms) == 1:
            single.append(atoms[0])
        else:
            longer.append([_choice([atom]) for atom in atoms])
    return [[_choice(single)], *longer] if single else longer


def _choice(atoms: Sequence[Atom]) -> Choice:
    return Choice(
        exact=frozenset(atom.text for atom in atoms if not atom.is_open),
        open=tuple(atom for atom in atoms if atom.is_open),
    )


def spellings(piece: str) -> list[str]:
    """Every reading of a piece's groups: "review(s|ed)" gives "reviews" and "reviewed"."""
    group = _GROUP.search(piece)
    if group is None:
        return [piece]
    found: list[str] = []
    for choice in group.group(1).split("|"):
        found += spellings(piece[: group.start()] + choice + piece[group.end() :])
    return found


def _atoms(spelling: str) -> list[Atom]:
    """The atoms of one written word: "l'audio" and "opt-in" are two words each."""
    if "{" in spelling or "}" in spelling or ".." in spelling:
        raise BadDeclaration(f"{spelling!r} is no word, gap or class")
    parts = words(fold(spelling.replace("*", "")))
    if not parts:
        raise BadDeclaration(f"{spelling!r} holds no word")
    last = len(parts) - 1
    return [
        Atom(
            part,
            open_left=spelling.startswith("*") and place == 0,
            open_right=spelling.endswith("*") and place == last,
        )
        for place, part in enumerate(parts)
    ]


def follow(
    sequence: Sequence_,
    start: int,
    found: Sequence[str],
    limit: int,
    starts: Mapping[str, Mapping[int, int]],
) -> int | None:
    """The last word of the nearest match that begins at `start`, or None.

    `limit` is the place after the sentence's last word; `starts` tells for each class
    where its finds begin and end.
    """
    ends: Collection[int] = _step(sequence[0].what, start, found, starts)
    for what, gap in sequence[1:]:
        reached: set[int] = set()
        for end in ends:
            for place in range(end + 1, min(end + 2 + gap, limit)):
                if isinstance(what, Choice):
                    if found[place] in what.exact or (what.open and what.matches(found[place])):
                        reached.add(place)
                else:
                    reached.update(_step(what, place, found, starts))
        if not reached:
            return None
        ends = reached
    nearest = min(ends, default=limit)
    return nearest if nearest < limit else None


def _step(
    what: Choice | Ref, place: int, found: Sequence[str], starts: Mapping[str, Mapping[int, int]]
) -> Collection[int]:
    """Where a find of an item that begins at a place could end."""
    if isinstance(what, Choice):
        word = found[place]
        return (place,) if word in what.exact or (what.open and what.matches(word)) else ()
    ends = [
        starts[name][place] for name in what.classes if name in starts and place in starts[name]
    ]
    return ends if len(ends) < 2 else set(ends)


def window(places: Sequence[Sequence[Span]], limits: Sequence[int], within: int) -> list[Span]:
    """Every shortest run of at most `within` words of a sentence with a span of each list."""
    if not all(places):
        return []
    if len(places) == 1:
        return sorted(places[0], key=lambda run: run[1] - run[0])
    events = sorted((span[0], span[1], kind) for kind, spans in enumerate(places) for span in spans)
    latest: dict[int, Span] = {}
    runs: list[Span] = []
    for first, last, kind in events:
        latest[kind] = (first, last)
        if len(latest) < len(places):
            continue
        left, right = first, last
        for begin, end in latest.values():
            left, right = min(left, begin), max(right, end)
        if right < limits[left] and right - left < within:
            runs.append((left, right))
    return sorted(runs, key=lambda run: run[1] - run[0])
