"""Text → a folded copy to compare on, cut into words, with offsets in the original.

Folding lowers the case, strips accents, straightens quotes and dashes and drops what
is not seen (soft hyphens, zero-width characters, combining marks). Each folded
character comes from exactly one of the original, so that every find can be quoted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_QUOTES = "‘’‚‛′`´ʼ＇"
_DASHES = "‐‑‒–—―−"
_WORD = re.compile(r"[^\W_]+|[%>|]|[.;!?](?=\s|$)")
_BREAKS = frozenset(".;!?|")
# A full stop after one of these ends no sentence (folded; "e.g." leaves "g").
_ABBREVIATIONS = frozenset(
    "e g i z b p d h u a s o ex etc vs approx incl inc ltd co corp no nr art bzw ggf usw sr".split()
)


class _FoldTable(dict[int, str]):
    """What each code point folds to, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        folded = _fold_char(chr(code))
        self[code] = folded
        return folded


def _fold_char(char: str) -> str:
    """One character, or the empty string for what is not seen."""
    if char in _QUOTES:
        return "'"
    if char in _DASHES:
        return "-"
    if char.isspace():
        return char if char in "\n\t" else " "
    if unicodedata.category(char) in ("Cf", "Mn"):
        return ""
    base = unicodedata.normalize("NFKD", char)[:1].lower()
    return base if len(base) == 1 else char


_TABLE = _FoldTable()


def fold(text: str) -> str:
    """The text as it is compared; shorter than the original where something is not seen."""
    return text.lower() if text.isascii() else text.translate(_TABLE)


def words(folded: str) -> list[str]:
    """The words of a folded text in order; sentence ends, `>`, `|` and `%` are words too."""
    return _WORD.findall(folded)


def sentence_ends(found: Sequence[str]) -> list[int]:
    """For each word the place after its sentence's last, so that no find runs across two."""
    ends = [len(found)] * len(found)
    begin = 0
    for place in [place for place, word in enumerate(found) if word in _BREAKS]:
        if not (found[place] == "." and place and found[place - 1] in _ABBREVIATIONS):
            ends[begin : place + 1] = [place + 1] * (place + 1 - begin)
            begin = place + 1
    return ends


def offsets(text: str, folded: str) -> list[tuple[int, int]]:
    """Start and end of each word of `words(folded)`, counted in the original text."""
    places = [match.span() for match in _WORD.finditer(folded)]
    if len(folded) == len(text):
        return places
    origin = [place for place, char in enumerate(text) if _TABLE[ord(char)]]
    return [(origin[start], origin[end - 1] + 1) for start, end in places]
