"""Which known passage a sentence is: by its words, for want of the very same ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from heapq import nlargest

from policies.words import words

LIKE = 0.6  # part of their words that two wordings of one sentence share at least (Ratcliff)
MOST_PASSAGES = 20  # of one pasted text
LONGEST = 8_000  # characters of it
_RARE = 6  # words by which candidates are looked for
_LEFT_OUT = 3  # of those, so many may be missing
_MOST_WORDS = 400  # of a passage that are compared; longer ones are long lists


@dataclass(frozen=True)
class Likeness:
    """A known passage and how much of the words it shares."""

    passage_id: str
    similarity: float  # 0 to 1; 1: the same words


def wanted(text: str, most: int = 12) -> tuple[str, ...]:
    """The words of a sentence that may tell it from others, longest first."""
    unique = dict.fromkeys(word.said for word in words(text))
    return tuple(sorted(unique, key=lambda word: (-len(word), word))[:most])


def shortlist(holders: Mapping[str, Sequence[int]], words: int, most: int) -> tuple[int, ...]:
    """The passages that hold enough of a sentence's rare words, those with most of them first.

    `holders`: rare word -> numbers of the passages that hold it; `words`: how many words of the
    sentence any passage holds. Of passages with as many, those with the higher number come first.
    """
    rare = sorted(holders, key=lambda word: (len(holders[word]), -len(word), word))[:_RARE]
    words = min(words, _RARE)
    fewest = min(max(words - _LEFT_OUT, 2), len(rare))
    held = Counter(number for word in rare for number in holders[word])
    enough = ((count, number) for number, count in held.items() if count >= fewest)
    return tuple(number for _, number in nlargest(most, enough))


def nearest(text: str, candidates: Iterable[tuple[str, str]], most: int) -> tuple[Likeness, ...]:
    """The candidates (passage id, text) that are most like a sentence, if they are alike at all."""
    asked = _said(text)
    matcher: SequenceMatcher[str] = SequenceMatcher(None, autojunk=False)
    matcher.set_seq2(asked)
    found = []
    for passage_id, other in candidates:
        matcher.set_seq1(_said(other))
        if matcher.real_quick_ratio() < LIKE or matcher.quick_ratio() < LIKE:
            continue
        ratio = matcher.ratio()
        if ratio >= LIKE:
            found.append(Likeness(passage_id, round(ratio, 3)))
    return tuple(sorted(found, key=lambda like: (-like.similarity, like.passage_id))[:most])


def _said(text: str) -> Sequence[str]:
    return [word.said for word in words(text)[:_MOST_WORDS]]
