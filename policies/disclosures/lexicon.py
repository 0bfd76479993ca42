"""YAML files → a lexicon of one language: word classes, masks and constructions, checked.

`lexicon/constructions.yaml` holds what is the same in every language, the grammar of
what policies say; `lexicon/<lang>.yaml` holds the words, the language's own
constructions and an invented example for and against every construction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import yaml

from policies.disclosures.fold import fold, sentence_ends, words
from policies.disclosures.grammar import Atom, Choice, Ref, Sequence_, Span, follow, parse
from policies.errors import BadDeclaration
from policies.model import Scope, Topic

_SHARED = "constructions.yaml"
_FILE_KEYS = {"classes", "masks", "constructions", "examples", "prefilter"}
_RULE_KEYS = {
    "id",
    "topic",
    "find",
    "order",
    "within",
    "scope",
    "about",
    "unless",
    "unless_near",
    "with",
}
NUMBER = "number"  # figures are of this class in every language; a lexicon adds the words
_MEMO_LIMIT = 60_000  # distinct words remembered a language; a policy has some 3,000


@dataclass(frozen=True)
class Example:
    """A sentence of our own that a construction must, or must not, find."""

    text: str
    scope: Scope = Scope.ASSISTANT
    headings: tuple[str, ...] = ()
    before: str = ""


@dataclass(frozen=True)
class Construction:
    """A way of saying something about a topic."""

    id: str
    topic: Topic
    sequences: tuple[Sequence_, ...]  # alternatives
    ordered: bool  # items in this order with their gaps; else in any order within a window
    within: int  # words of the window
    scope: Scope | None  # None: in any document
    about: str  # "own", "speech" or "any": how near speech has to be; see reading.py
    unless: tuple[str, ...] = ()  # classes that must not stand in the passage
    unless_near: tuple[str, ...] = ()  # classes that must not stand in the find
    with_topics: tuple[Topic, ...] = ()  # one of these has to be found already
    needs: tuple[tuple[int, ...], ...] = ()  # per sequence: bits of which each has to be met
    refuses: int = 0  # bits of `unless`


@dataclass(frozen=True)
class Mask:
    """Words that lose a class where they stand in a sequence: "listen to music"."""

    sequence: Sequence_
    drops: tuple[str, ...]


@dataclass
class Annotation:
    """The classes found in a folded text."""

    found: list[str]
    limits: list[int]  # for each word the place after its sentence's last
    starts: dict[str, dict[int, int]] = field(default_factory=dict)  # class -> first -> last word

    def has(self, *names: str) -> bool:
        """Whether any of these classes was found."""
        return any(self.starts.get(name) for name in names)

    def spans(self, *names: str) -> list[Span]:
        """Where these classes were found, in the order of the text."""
        return sorted(span for name in names for span in self.starts.get(name, {}).items())

    def present(self, bits: Mapping[str, int]) -> int:
        """The bits of the classes found."""
        return sum(bits[name] for name, spans in self.starts.items() if spans)

    def add(self, name: str, first: int, last: int) -> None:
        """Records a find; of two that begin together the longer stays."""
        spans = self.starts.setdefault(name, {})
        if spans.get(first, -1) < last:
            spans[first] = last


@dataclass
class _Entry:
    """What a word is and what it can begin."""

    classes: tuple[str, ...]
    next_word: dict[str, tuple[int, ...]]  # phrases that go on with this very word
    loose: tuple[int, ...]  # phrases that go on in some other way


_Known = tuple[list[str], list[int]]  # classes of a word, phrases that it begins


@dataclass
class Lexicon:
    """One language's words and constructions, ready to annotate."""

    lang: str
    prefilter: Mapping[Scope, tuple[str, ...]]
    constructions: Mapping[Scope, tuple[Construction, ...]]
    bits: Mapping[str, int]  # class -> its bit
    match: Mapping[str, tuple[Example, ...]]
    miss: Mapping[str, tuple[Example, ...]]
    _exact: dict[str, _Known]
    _open: list[tuple[Atom, str | None, int | None]]
    _phrases: list[tuple[str | Mask, Sequence_]]  # what each is for: a class, or a mask
    _late: list[tuple[str | Mask, Sequence_]]  # those that begin with a class, in file order
    _needed: list[frozenset[str]] = field(init=False)  # per phrase: one of these stands in it
    _memo: dict[str, _Entry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._needed = [_needed(sequence) for _, sequence in self._phrases]

    def annotate(self, folded: str) -> Annotation:
        """The classes of a folded text, masks applied."""
        found = words(folded)
        result = Annotation(found, sentence_ends(found))
        candidates: list[tuple[int, int]] = []
        starts = result.starts
        memo = self._memo
        last = len(found) - 1
        for place, word in enumerate(found):
            entry = memo.get(word)
            if entry is None:
                entry = self._look_up(word)
            for name in entry.classes:
                if name in starts:
                    starts[name][place] = place
                else:
                    starts[name] = {place: place}
            for phrase in entry.loose:
                candidates.append((phrase, place))
            if entry.next_word and place < last:
                for phrase in entry.next_word.get(found[place + 1], ()):
                    candidates.append((phrase, place))
        masks = self._apply(result, sorted(candidates))
        for mask, first, end in masks:
            _drop(result, mask.drops, first, end)
        return result

    def _apply(
        self, result: Annotation, candidates: Sequence[tuple[int, int]]
    ) -> list[tuple[Mask, int, int]]:
        """Adds the classes of phrases found, and gives the masks found with their places."""
        masks: list[tuple[Mask, int, int]] = []
        found, limits, starts = result.found, result.limits, result.starts
        vocabulary = set(found)
        for phrase, place in candidates:
            errand, sequence = self._phrases[phrase]
            needed = self._needed[phrase]
            if needed and needed.isdisjoint(vocabulary):
                continue
            if isinstance(errand, Mask) and not result.has(*errand.drops):
                continue
            end = follow(sequence, place, found, limits[place], starts)
            if end is None:
                continue
            if isinstance(errand, Mask):
                masks.append((errand, place, end))
            else:
                result.add(errand, place, end)
        for errand, sequence in self._late:
            for place in _beginnings(sequence, result):
                end = follow(sequence, place, found, limits[place], starts)
                if end is None:
                    continue
                if isinstance(errand, Mask):
                    masks.append((errand, place, end))
                else:
                    result.add(errand, place, end)
        return masks

    def _look_up(self, word: str) -> _Entry:
        known = self._exact.get(word, ([], []))
        classes, phrases = list(known[0]), list(known[1])
        if word.isdecimal():
            classes.append(NUMBER)
        for atom, name, phrase in self._open:
            if not atom.matches(word):
                continue
            if name is not None:
                classes.append(name)
            if phrase is not None:
                phrases.append(phrase)
        entry = self._entry(classes, sorted(set(phrases)))
        if len(self._memo) < _MEMO_LIMIT:
            self._memo[word] = entry
        return entry

    def _entry(self, classes: Sequence[str], phrases: Sequence[int]) -> _Entry:
        next_word: dict[str, list[int]] = {}
        loose: list[int] = []
        for phrase in phrases:
            second = self._phrases[phrase][1][1]
            if second.gap or isinstance(second.what, Ref) or second.what.open:
                loose.append(phrase)
                continue
            for text in second.what.exact:
                next_word.setdefault(text, []).append(phrase)
        return _Entry(
            classes=tuple(dict.fromkeys(classes)),
            next_word={text: tuple(numbers) for text, numbers in next_word.items()},
            loose=tuple(loose),
        )


def _needed(sequence: Sequence_) -> frozenset[str]:
    """Words of which one stands in every match, from the item after the first; may be empty."""
    exact = [
        item.what.exact
        for item in sequence[1:]
        if isinstance(item.what, Choice) and not item.what.open
    ]
    # Short words stand in nearly every sentence and would tell nothing.
    return max(exact, key=lambda texts: min(map(len, texts)), default=frozenset())


def _beginnings(sequence: Sequence_, result: Annotation) -> list[int]:
    """Where a sequence could begin."""
    what = sequence[0].what
    if isinstance(what, Ref):
        return [first for name in what.classes for first in list(result.starts.get(name, ()))]
    return [place for place, word in enumerate(result.found) if what.matches(word)]


def _drop(result: Annotation, names: Sequence[str], first: int, last: int) -> None:
    for name in names:
        spans = result.starts.get(name, {})
        for start in [start for start, end in spans.items() if start >= first and end <= last]:
            del spans[start]


# --- loading ---------------------------------------------------------------------------


def folder() -> Traversable:
    """Where the packaged lexicon lies."""
    return files("policies") / "lexicon"


def digest(place: Traversable | None = None) -> str:
    """SHA-256 over the names and bytes of all lexicon files."""
    total = hashlib.sha256()
    for file in sorted((place or folder()).iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".yaml"):
            total.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return total.hexdigest()


def load(place: Traversable | None = None) -> dict[str, Lexicon]:
    """Every language's lexicon by ISO 639-1 code; raises BadDeclaration."""
    place = place or folder()
    shared = _read(place / _SHARED)
    languages = sorted(
        entry.name.removesuffix(".yaml")
        for entry in place.iterdir()
        if entry.name.endswith(".yaml") and entry.name != _SHARED
    )
    return {lang: _lexicon(lang, _read(place / f"{lang}.yaml"), shared) for lang in languages}


def _read(file: Traversable) -> dict[str, Any]:
    try:
        data = yaml.load(file.read_text(encoding="utf-8"), Loader=_loader())
    except yaml.YAMLError as error:
        raise BadDeclaration(f"{file.name}: not readable as YAML: {error}") from error
    if not isinstance(data, dict):
        raise BadDeclaration(f"{file.name}: a mapping of {', '.join(sorted(_FILE_KEYS))} expected")
    if unknown := set(data) - _FILE_KEYS:
        raise BadDeclaration(f"{file.name}: unknown key {', '.join(sorted(map(str, unknown)))}")
    return data


def _loader() -> type[yaml.SafeLoader]:
    """YAML in which `no`, `on` and `off` are words, as a lexicon needs them."""
    fast: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Words(fast):  # type: ignore[misc,valid-type]
        pass

    Words.yaml_implicit_resolvers = {
        first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith(":bool")]
        for first, resolvers in fast.yaml_implicit_resolvers.items()
    }
    return Words


def _lexicon(lang: str, data: Mapping[str, Any], shared: Mapping[str, Any]) -> Lexicon:
    where = f"lexicon/{lang}.yaml"
    classes = data.get("classes", {})
    words_known: dict[str, _Known] = {}
    open_: list[tuple[Atom, str | None, int | None]] = []
    phrases: list[tuple[str | Mask, Sequence_]] = []
    late: list[tuple[str | Mask, Sequence_]] = []
    for errand, sequence in [
        *_class_sequences(classes),
        *((mask, mask.sequence) for mask in _masks(where, [*shared["masks"], *data["masks"]])),
    ]:
        _check_refs(where, sequence, classes)
        head = sequence[0].what
        if isinstance(head, Ref):
            late.append((errand, sequence))
        elif len(sequence) > 1 or isinstance(errand, Mask):
            phrases.append((errand, sequence))
            _register(head, None, len(phrases) - 1, words_known, open_)
        else:
            _register(head, errand, None, words_known, open_)
    rules = [*shared["constructions"], *data.get("constructions", [])]
    bits = {name: 1 << place for place, name in enumerate(classes)}
    constructions = tuple(_construction(where, rule, bits) for rule in rules)
    return Lexicon(
        lang=lang,
        prefilter={
            Scope(scope): tuple(fold(stem) for stem in stems)
            for scope, stems in data.get("prefilter", {}).items()
        },
        constructions={
            scope: tuple(rule for rule in constructions if rule.scope in (None, scope))
            for scope in Scope
        },
        bits=bits,
        match=_examples(where, data.get("examples", {}), "match", constructions),
        miss=_examples(where, data.get("examples", {}), "miss", constructions),
        _exact=words_known,
        _open=open_,
        _phrases=phrases,
        _late=late,
    )


def _register(
    head: Choice,
    name: str | None,
    phrase: int | None,
    words_known: dict[str, _Known],
    open_: list[tuple[Atom, str | None, int | None]],
) -> None:
    """Files a class or a phrase under the words that it begins with."""
    for text in head.exact:
        entry = words_known.setdefault(text, ([], []))
        if name is not None:
            entry[0].append(name)
        if phrase is not None:
            entry[1].append(phrase)
    open_ += [(atom, name, phrase) for atom in head.open]


def _class_sequences(classes: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, Sequence_]]:
    for name, entries in classes.items():
        for entry in entries:
            for sequence in parse(str(entry)):
                yield name, sequence


def _check_refs(where: str, sequence: Sequence_, classes: Mapping[str, Any]) -> None:
    for item in sequence:
        if isinstance(item.what, Ref) and (unknown := set(item.what.classes) - set(classes)):
            raise BadDeclaration(f"{where}: no class is named {', '.join(sorted(unknown))}")


def _masks(where: str, entries: Sequence[Mapping[str, Any]]) -> Iterator[Mask]:
    for entry in entries:
        for pattern in entry["find"]:
            for sequence in parse(pattern):
                yield Mask(sequence, tuple(entry["drop"]))


def _construction(where: str, rule: Mapping[str, Any], bits: Mapping[str, int]) -> Construction:
    name = str(rule.get("id"))
    if unknown := set(rule) - _RULE_KEYS:
        raise BadDeclaration(f"{where}: {name}: unknown key {', '.join(sorted(unknown))}")
    patterns = [rule["find"]] if isinstance(rule["find"], str) else list(rule["find"])
    sequences = tuple(sequence for pattern in patterns for sequence in parse(pattern))
    for sequence in sequences:
        _check_refs(where, sequence, bits)
    ordered = rule.get("order", "free") == "fixed"
    if not ordered and not all(isinstance(item.what, Ref) for s in sequences for item in s):
        raise BadDeclaration(f"{where}: {name}: words in any order have to be classes")
    refused = tuple(rule.get("unless", ())) + tuple(rule.get("unless_near", ()))
    if strange := set(refused) - set(bits):
        raise BadDeclaration(f"{where}: {name}: no class is named {', '.join(sorted(strange))}")
    return Construction(
        id=name,
        topic=Topic(rule["topic"]),
        sequences=sequences,
        ordered=ordered,
        within=int(rule.get("within", 16)),
        scope=Scope(rule["scope"]) if "scope" in rule else None,
        about=str(rule.get("about", "speech")),
        unless=tuple(rule.get("unless", ())),
        unless_near=tuple(rule.get("unless_near", ())),
        with_topics=tuple(Topic(topic) for topic in rule.get("with", ())),
        needs=tuple(
            tuple(_bits(bits, item.what.classes) for item in s if isinstance(item.what, Ref))
            for s in sequences
        ),
        refuses=_bits(bits, rule.get("unless", ())),
    )


def _bits(bits: Mapping[str, int], names: Sequence[str]) -> int:
    return sum(bits[name] for name in dict.fromkeys(names))


def _examples(
    where: str, data: Mapping[str, Any], key: str, constructions: Sequence[Construction]
) -> dict[str, tuple[Example, ...]]:
    known = {construction.id for construction in constructions}
    if unknown := set(data) - known:
        raise BadDeclaration(f"{where}: examples of no construction: {', '.join(sorted(unknown))}")
    return {
        name: tuple(_example(example) for example in cases.get(key, ()))
        for name, cases in data.items()
    }


def _example(data: str | Mapping[str, Any]) -> Example:
    if isinstance(data, str):
        return Example(data)
    return Example(
        text=str(data["text"]),
        scope=Scope(data.get("scope", Scope.ASSISTANT)),
        headings=tuple(data.get("headings", ())),
        before=str(data.get("before", "")),
    )
