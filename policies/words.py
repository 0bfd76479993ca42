"""The words that search compares: alike in every script, on every database.

Databases differ on accents, and none of them finds words in Japanese. So words are made here:
in lower case, without accents, and runs of a script that sets no spaces as pairs of characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from policies.errors import BadInput

LONGEST_QUERY = 300  # characters
MOST_TERMS = 16  # words and phrases in one query
_SHORTEST_BEGINNING = 3  # letters before a `*`: fewer begin too many words
_LONGEST_WORD = 100  # characters that are compared; PostgreSQL takes words of 2 kB at most

# Accents of Latin, Greek and Cyrillic; marks of other scripts tell words apart.
_ACCENTS = "\u0300-\u036f"
_INVISIBLE = "\u00ad\u200b-\u200d\u2060\ufeff"
_DROPPED = re.compile(f"[{_ACCENTS}{_INVISIBLE}]")
_RUN = re.compile(rf"[^\W_](?:[^\W_]|[{_ACCENTS}{_INVISIBLE}])*")
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})
# Scripts that set no spaces: Thai, Lao, Burmese, Khmer, kana, Han; and Hangul, which adds
# particles to its words.
_UNSPACED = (
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)
_PIECES = re.compile(rf"(?P<unspaced>{_UNSPACED}+)|(?:(?!{_UNSPACED})[^\W_])+")
_PHRASES = re.compile(r"\"([^\"]*)\"|(\S+)")
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»", '"'))


@dataclass(frozen=True)
class Word:
    """A word as it is compared, and where it stands in its text."""

    said: str
    start: int
    end: int


@dataclass(frozen=True)
class Term:
    """Words that have to stand one after the other."""

    said: tuple[str, ...]
    begins: bool = False  # the last one need only begin so


def words(text: str) -> tuple[Word, ...]:
    """The words of a text in order, as they are kept for search."""
    return tuple(
        word for run in _RUN.finditer(text) for word in _words_of(run[0], run.start(), whole=True)
    )


def terms(query: str) -> tuple[Term, ...]:
    """What a query asks for: every word, and every phrase in quotes. Raises BadInput.

    A `*` behind a word asks for all words that begin so.
    """
    if len(query) > LONGEST_QUERY:
        raise BadInput(f"a query has at most {LONGEST_QUERY} characters, and this has {len(query)}")
    found: list[Term] = []
    for phrase, chunk in _PHRASES.findall(query.translate(_QUOTES)):
        found += _terms_of(phrase or chunk, begins=chunk.endswith("*"))
    unique = tuple(dict.fromkeys(found))
    if not unique:
        raise BadInput("there is no word in this query: expected words, or a phrase in quotes")
    if len(unique) > MOST_TERMS:
        raise BadInput(f"a query has at most {MOST_TERMS} words and phrases: leave some out")
    return unique


def phrase(text: str) -> Term | None:
    """A text as words that stand one after the other; None where it has none."""
    return next(_terms_of(text, begins=False), None)


def matches(asked: Iterable[Term], text: str) -> tuple[tuple[int, int], ...]:
    """(start, end) of what a text holds of the terms, in order, not overlapping."""
    there = words(text)
    found = [span for term in asked for span in _places(term, there)]
    joined: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)


def _places(term: Term, there: Sequence[Word]) -> Iterator[tuple[int, int]]:
    said, length = term.said, len(term.said)
    for at in range(len(there) - length + 1):
        here = there[at : at + length]
        if any(word.said != wanted for word, wanted in zip(here, said[:-1], strict=False)):
            continue
        last = here[-1].said
        if last == said[-1] or (term.begins and last.startswith(said[-1])):
            yield here[0].start, here[-1].end


def _terms_of(text: str, *, begins: bool) -> Iterator[Term]:
    runs = [(run[0], run.start()) for run in _RUN.finditer(text)]
    said = [
        word.said
        for number, (run, start) in enumerate(runs)
        for word in _words_of(run, start, whole=number < len(runs) - 1)
    ]
    if not said:
        return
    one = len(said[-1]) == 1 and re.fullmatch(_UNSPACED, said[-1]) is not None
    if begins and not one and len(said[-1]) < _SHORTEST_BEGINNING:
        raise BadInput(f"at least {_SHORTEST_BEGINNING} letters have to stand before a `*`")
    yield Term(tuple(said), begins or one)


def _words_of(run: str, start: int, *, whole: bool) -> Iterator[Word]:
    """The words of a run of letters and digits.

    `whole`: the last character of an unspaced script is a word of its own, so that a
    single character is found wherever it stands.
    """
    plain = _plain(run)
    exact = len(plain) == len(run)
    for piece in _PIECES.finditer(plain):
        if piece["unspaced"] is None:
            place = (piece.start(), piece.end()) if exact else (0, len(run))
            yield Word(piece[0][:_LONGEST_WORD], start + place[0], start + place[1])
            continue
        for said, at in _pairs(piece[0], whole=whole or piece.end() < len(plain)):
            place = (piece.start() + at, piece.start() + at + len(said)) if exact else (0, len(run))
            yield Word(said, start + place[0], start + place[1])


def _pairs(piece: str, *, whole: bool) -> Iterator[tuple[str, int]]:
    for at, (one, other) in enumerate(pairwise(piece)):
        yield one + other, at
    if whole or len(piece) == 1:
        yield piece[-1], len(piece) - 1


@lru_cache(maxsize=65_536)
def _plain(run: str) -> str:
    folded = unicodedata.normalize("NFKC", run).casefold()
    bare = _DROPPED.sub("", unicodedata.normalize("NFKD", folded))
    return unicodedata.normalize("NFC", bare).translate(_LIGATURES)
