"""A document becomes passages: sentences, headings, list items and table rows in their place.

A passage's id is the hash of its key and language, so the same words are the same passage on
every page and through every change of typography. The extension computes the same key in
JavaScript; `tests/vectors` holds the table that both are checked against.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import sentencex
import yaml

from policies.model import Block, BlockKind, Document, Passage

# Invisible: zero-width characters, soft hyphen, direction marks, variation selectors.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]"
)
_STRAIGHT = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′‹›`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
    }
)
_SPACE = re.compile(r"\s+")
_BULLET = re.compile(r"^[•‣◦⁃∙·▪▫●○■□*+-] +(?=\S)")
# French typography sets a space before these marks and inside its quotation marks.
_LOOSE_SPACE = re.compile(r" +(?=[;:!?])|(?<=\") +(?=\S)|(?<=\S) +(?=\")")


def key(text: str) -> str:
    """What two texts share when they differ only in typography and white space."""
    text = _INVISIBLE.sub("", text).translate(_STRAIGHT)
    text = unicodedata.normalize("NFKC", text).translate(_STRAIGHT)
    text = _SPACE.sub(" ", text).strip()
    return _LOOSE_SPACE.sub("", _BULLET.sub("", text))


def passage_id(text: str, lang: str) -> str:
    """16 hex digits: the first 8 bytes of SHA-256 over language, line feed and key, in UTF-8."""
    return hashlib.sha256(f"{lang}\n{key(text)}".encode()).hexdigest()[:16]


def split(document: Document, lang: str) -> tuple[Passage, ...]:
    """The passages of a document in page order; together they cover all of its words."""
    passages: list[Passage] = []
    path: list[tuple[int, int]] = []  # (heading level, position), outermost first
    for block in document.blocks:
        if block.kind is BlockKind.HEADING:
            path = [(level, position) for level, position in path if level < block.level]
        headings = tuple(position for _, position in path)
        for start, end in _sentences(document.text, block, lang):
            text = document.text[start:end]
            passages.append(Passage(passage_id(text, lang), text, block.kind, start, end, headings))
        if block.kind is BlockKind.HEADING:
            path.append((block.level, len(passages) - 1))
    return tuple(passages)


def signature(passages: Iterable[Passage]) -> str:
    """The same for texts that say the same, in whatever order, punctuation and how often.

    Incidental lines are left out: they are no change.
    """
    said = {wording(p.text) for p in passages if not is_incidental(p.text)} - {""}
    return hashlib.sha256("\n".join(sorted(said)).encode()).hexdigest()[:32]


# What pages put between their words: numbers of footnotes, hidden e-mail addresses, and what is
# left of a link that was not read as one.
_INSERTED = re.compile(r"\[(?:\d{1,3}|email.protected)\]|\]\((?:[^()\s]|\([^()\s]*\))*\)", re.I)
# An address says where it leads, not by which scheme and with which parameters.
_ADDRESS = re.compile(
    r"\b(?:https?://(?:www\.)?|www\.)([^\s<>()\[\]?#]+)(?:[?#][^\s<>()\[\]]*)?", re.I
)
# The possessive of a word in s is spelled in two ways: "Ross's" and "Ross'".
_POSSESSIVE = re.compile(r"(?<=s)'s\b", re.I)


def wording(text: str) -> str:
    """The words of a text alone: without punctuation, marks, capitals and footnote numbers."""
    text = _ADDRESS.sub(r"\1", _INSERTED.sub(" ", key(text)))
    return " ".join(re.findall(r"\w+", _POSSESSIVE.sub("", text).casefold()))


def letters(said: str) -> str:
    """The letters of a wording: the same for "web site" and "website", not for "1 0" and "10"."""
    return _BETWEEN_LETTERS.sub("", said)


_BETWEEN_LETTERS = re.compile(r"(?<!\d) | (?!\d)")


def is_incidental(text: str) -> bool:
    """Whether a passage is a label, a language to choose, a bare number, or only a date."""
    if len(text) > _LONGEST_INCIDENTAL:
        return False
    said = wording(text)
    if said in _furniture().labels or _is_language_choice(text):
        return True
    words = re.findall(r"[^\W\d]+|\d+", said)
    dated = any(word.isdigit() for word in words)
    return dated and all(word.isdigit() or word in _furniture().date_words for word in words)


_LONGEST_INCIDENTAL = 90  # characters


def _is_language_choice(text: str) -> bool:
    """Whether a passage is an entry of a language menu: "Deutsch (de-AT)", "English Choose ..."."""
    said = wording(_REGION.sub(" ", text)).split()
    rest = " ".join(word for word in said if word not in _furniture().languages)
    return len(rest) < len(" ".join(said)) and (not rest or rest in _furniture().labels)


_REGION = re.compile(r"\([^()]*\)|\b[a-z]{2,3}[-_][A-Z]{2}\b")


def tongue(wordings: Iterable[str]) -> str | None:
    """The language that wordings are in, by its commonest words; None where it is not plain."""
    telling = _furniture().telling
    found = Counter(telling[w] for said in wordings for w in said.split() if w in telling)
    (lang, most), (_, next_most) = [*found.most_common(2), ("", 0), ("", 0)][:2]
    return lang if most >= _PLAIN and most >= 4 * next_most else None


_PLAIN = 10  # common words; fewer are no sample


def is_in_other_language(said: str, lang: str) -> bool:
    """Whether a wording is plainly in another language than that one."""
    telling = _furniture().telling
    found = Counter(telling[word] for word in set(said.split()) if word in telling)
    own = found.pop(lang, 0)
    return max(found.values(), default=0) >= max(_FOREIGN, 5 * own)


_FOREIGN = 3  # different common words; names of products bring one or two


class _Furniture(NamedTuple):
    """What furniture.yaml holds, as wordings."""

    labels: frozenset[str]
    languages: frozenset[str]  # words of the names of languages
    date_words: frozenset[str]
    telling: Mapping[str, str]  # common word -> the only language that has it


@cache
def _furniture() -> _Furniture:
    data = yaml.safe_load(files("policies").joinpath("furniture.yaml").read_text("utf-8"))
    common = [(w, lang) for lang, listed in data["common_words"].items() for w in listed.split()]
    often = Counter(word for word, _ in common)
    return _Furniture(
        frozenset(wording(label) for listed in data["labels"].values() for label in listed),
        frozenset(word for name in data["languages"] for word in wording(name).split()),
        frozenset(
            wording(word) for listed in data["date_words"].values() for word in listed.split()
        ),
        {word: lang for word, lang in common if often[word] == 1},
    )


_LONGEST_ROW = 300  # characters; a longer table row is split into sentences
_LONGEST_STRETCH = 8_000  # characters that are segmented at once
_TAIL = 40  # characters before a cut that tell an abbreviation
_ENUMERATOR = re.compile(r"\(?(?:[0-9]{1,3}(?:\.[0-9]{1,3}){0,3}|[A-Za-z]|[ivxIVX]{1,5})[.)]\s*")
_INITIALS = re.compile(r"(?:^|[\s(«\"'’“])(?:[A-Za-zÀ-ÖØ-öø-ÿ]\.)+\s*$")
_ABBREVIATIONS = {
    "en": "e.g i.e etc vs sec secs art para inc ltd co corp mr mrs ms dr prof st approx fig"
    " est dept gov jan feb mar apr jun jul aug sep sept oct nov dec u.s u.k a.m p.m cf al",
    "fr": "p.ex ex art al cf etc m mm mme mlle dr pr st ste n no nos env tél fig réf chap ch éd"
    " max min vol s.a s.a.s s.a.r.l l",
    "de": "z.b bzw d.h u.a ca vgl nr abs art str ggf inkl evtl usw bspw sog z dr prof s lit gem"
    " i.d.r u.u insb i.v.m",
    "es": "p.ej ej art arts sr sra dr núm n no etc ud uds pág s.a s.l ee.uu",
    "it": "ad.es es art artt sig dott n no ecc pag s.p.a s.r.l lett par",
    "pt": "p.ex ex art arts sr sra dr n no etc pág s.a ltda núm",
    "nl": "bijv bv d.w.z o.a m.b.t nr art enz ca dhr mevr t.a.v i.v.m evt incl excl etc",
}
_ABBREVIATED = {
    lang: re.compile(
        r"(?:^|[\s(\[«\"'’“/])(?:"
        + "|".join(re.escape(word).replace(r"\.", r"\.\s?") for word in words.split())
        + r")\.\s*$",
        re.I,
    )
    for lang, words in _ABBREVIATIONS.items()
}


def _sentences(text: str, block: Block, lang: str) -> Iterator[tuple[int, int]]:
    """(start, end) of each sentence of a block, without the white space between them."""
    whole = text[block.start : block.end]
    if block.kind is BlockKind.HEADING or (
        block.kind is BlockKind.TABLE_ROW and len(whole) <= _LONGEST_ROW
    ):
        yield block.start, block.end
        return
    at = block.start
    pieces = (piece for part in _stretches(whole) for piece in sentencex.segment(lang, part))
    for sentence in _merged(pieces, lang):
        start = at + len(sentence) - len(sentence.lstrip())
        end = at + len(sentence.rstrip())
        at += len(sentence)
        if end > start:
            yield start, end


def _stretches(text: str) -> Iterator[str]:
    """A text in parts; the time that sentencex takes can grow with the square of their length."""
    start = 0
    while len(text) - start > _LONGEST_STRETCH:
        latest = start + _LONGEST_STRETCH
        cuts = (text.rfind(mark, start, latest) + len(mark) for mark in (". ", "。", " "))
        end = next((cut for cut in cuts if cut > start + 1), latest)
        yield text[start:end]
        start = end
    yield text[start:]


def _merged(pieces: Iterable[str], lang: str) -> Iterator[str]:
    """Sentences, with pieces that were cut after an abbreviation or an enumerator put together."""
    abbreviated = _ABBREVIATED.get(lang)
    sentence: list[str] = []
    tail = ""  # the last characters of the sentence; of a short one, all
    for piece in pieces:
        if sentence and not (
            (len(tail) < _TAIL and _ENUMERATOR.fullmatch(tail.strip()))
            or not piece.strip()
            or _continues(piece)
            or (abbreviated is not None and abbreviated.search(tail))
            or _INITIALS.search(tail)
        ):
            yield "".join(sentence)
            sentence, tail = [], ""
        sentence.append(piece)
        tail = (tail + piece)[-_TAIL:]
    if sentence:
        yield "".join(sentence)


def _continues(piece: str) -> bool:
    """Whether a piece begins like the middle of a sentence: in lower case, but not "iPhone"."""
    word = re.match(r"\s*[\"'(«“]*(\w+)", piece)
    return word is not None and word[1].islower()
