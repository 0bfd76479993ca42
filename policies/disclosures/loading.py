"""YAML files → lexicons, checked: unknown keys and classes are refused with their place.

`lexicon/constructions.yaml` holds what is the same in every language, the grammar of
what policies say; `lexicon/<lang>.yaml` holds the words, the language's own
constructions and an invented example for and against every construction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from importlib.resources import files
from importlib.resources.abc import Traversable
from operator import or_
from typing import Any

import yaml
from yaml import CSafeLoader

from policies.disclosures.fold import fold, words
from policies.disclosures.grammar import Choice, Item, Ref, Sequence_, parse, spellings
from policies.disclosures.lexicon import (
    ASSISTANT,
    NUMBER,
    SPEECH,
    Construction,
    Example,
    Lexicon,
    Mask,
    Phrase,
    closures,
)
from policies.disclosures.slots import classes_of
from policies.disclosures.stance import CLASSES as STANCE_CLASSES
from policies.errors import BadDeclaration
from policies.model import Scope, Topic

_SHARED = "constructions.yaml"
_FILE_KEYS = {
    "classes",
    "masks",
    "constructions",
    "examples",
    "numbers",
    "units",
    "articles",
    "halves",
}
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
    "after",
}
_MASK_KEYS = {"drop", "find", "unless", "opens"}


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


def load(place: Traversable | None = None, names: Iterable[str] = ()) -> dict[str, Lexicon]:
    """Every language's lexicon by ISO 639-1 code; raises BadDeclaration.

    `names`: of assistants, in any language; they name an assistant where they stand.
    """
    place = place or folder()
    shared = _read(place / _SHARED)
    languages = sorted(
        entry.name.removesuffix(".yaml")
        for entry in place.iterdir()
        if entry.name.endswith(".yaml") and entry.name != _SHARED
    )
    named = tuple(_named(name) for name in names)
    return {
        lang: _lexicon(lang, _read(place / f"{lang}.yaml"), shared, named) for lang in languages
    }


def _named(name: str) -> Sequence_:
    """A name as the words that it is made of."""
    return tuple(Item(Choice(frozenset([word]))) for word in words(fold(name)))


def _read(file: Traversable) -> dict[str, Any]:
    try:
        data = yaml.load(file.read_text(encoding="utf-8"), Loader=CSafeLoader)
    except yaml.YAMLError as error:
        raise BadDeclaration(f"{file.name}: not readable as YAML: {error}") from error
    if not isinstance(data, dict):
        raise BadDeclaration(f"{file.name}: a mapping of {', '.join(sorted(_FILE_KEYS))} expected")
    if unknown := set(data) - _FILE_KEYS:
        raise BadDeclaration(f"{file.name}: unknown key {', '.join(sorted(map(str, unknown)))}")
    return data


def _lexicon(
    lang: str, data: Mapping[str, Any], shared: Mapping[str, Any], names: Sequence[Sequence_]
) -> Lexicon:
    where = f"lexicon/{lang}.yaml"
    numbers = {fold(str(word)): int(value) for word, value in data.get("numbers", {}).items()}
    classes = {NUMBER: tuple(numbers)} | data.get("classes", {})
    bits = {name: 1 << place for place, name in enumerate(classes)}
    phrases = [Phrase.of(name, s) for name, s in _class_sequences(where, classes)]
    phrases += [Phrase.of(ASSISTANT, name) for name in names if name]
    phrases += [Phrase.of(m, m.sequence) for m in _masks([*shared["masks"], *data["masks"]])]
    for phrase in phrases:
        _check_refs(where, phrase.sequence, classes)
        if isinstance(phrase.errand, Mask):
            _check_names(where, (*phrase.errand.drops, *phrase.errand.unless), classes)
    rules = [*shared["constructions"], *data.get("constructions", [])]
    closed = closures(phrases, bits)
    constructions = tuple(_construction(where, rule, bits, closed) for rule in rules)
    return Lexicon(
        lang=lang,
        constructions={
            scope: tuple(rule for rule in constructions if rule.scope in (None, scope))
            for scope in Scope
        },
        bits=bits,
        numbers=numbers,
        units={
            "".join(words(fold(spelling))): float(days)
            for pattern, days in data.get("units", {}).items()
            for spelling in spellings(str(pattern))
        },
        articles=frozenset(fold(str(word)) for word in data.get("articles", ())),
        halves=frozenset(fold(str(word)) for word in data.get("halves", ())),
        match=_examples(where, data.get("examples", {}), "match", constructions),
        miss=_examples(where, data.get("examples", {}), "miss", constructions),
        phrases=phrases,
        closed=closed,
    )


def _class_sequences(
    where: str, classes: Mapping[str, Sequence[object]]
) -> Iterator[tuple[str, Sequence_]]:
    for name, entries in classes.items():
        for entry in entries:
            if not isinstance(entry, str):
                raise BadDeclaration(f"{where}: {name}: {entry!r} is no text: put it in quotes")
            for sequence in parse(entry):
                yield name, sequence


def _check_refs(where: str, sequence: Sequence_, classes: Mapping[str, Any]) -> None:
    for item in sequence:
        if isinstance(item.what, Ref) and (unknown := set(item.what.classes) - set(classes)):
            raise BadDeclaration(f"{where}: no class is named {', '.join(sorted(unknown))}")


def _check_names(where: str, names: Sequence[str], classes: Mapping[str, Any]) -> None:
    if strange := set(names) - set(classes):
        raise BadDeclaration(f"{where}: no class is named {', '.join(sorted(strange))}")


def _masks(entries: Sequence[Mapping[str, Any]]) -> Iterator[Mask]:
    for entry in entries:
        if unknown := set(entry) - _MASK_KEYS:
            raise BadDeclaration(f"masks: unknown key {', '.join(sorted(map(str, unknown)))}")
        for pattern in entry["find"]:
            for sequence in parse(pattern):
                yield Mask(
                    sequence,
                    drops=tuple(entry["drop"]),
                    unless=tuple(entry.get("unless", ())),
                    opens=bool(entry.get("opens", False)),
                )


def _construction(
    where: str, rule: Mapping[str, Any], bits: Mapping[str, int], closed: Mapping[str, int]
) -> Construction:
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
    named = [name for key in ("unless", "unless_near", "after") for name in rule.get(key, ())]
    _check_names(f"{where}: {rule.get('id')}", named, bits)
    topic = Topic(rule["topic"])
    asked = {
        name
        for s in sequences
        for item in s
        if isinstance(item.what, Ref)
        for name in item.what.classes
    }
    asked |= {*rule.get("unless", ()), *rule.get("unless_near", ()), *SPEECH, *classes_of(topic)}
    if topic is Topic.HUMAN_REVIEW:
        asked |= STANCE_CLASSES
    return Construction(
        id=name,
        topic=topic,
        sequences=sequences,
        ordered=ordered,
        within=int(rule.get("within", 16)),
        scope=Scope(rule["scope"]) if "scope" in rule else None,
        about=str(rule.get("about", "speech")),
        unless=tuple(rule.get("unless", ())),
        unless_near=tuple(rule.get("unless_near", ())),
        after=tuple(rule.get("after", ())),
        with_topics=tuple(Topic(topic) for topic in rule.get("with", ())),
        needs=tuple(
            tuple(_bits(bits, item.what.classes) for item in s if isinstance(item.what, Ref))
            for s in sequences
        ),
        refuses=_bits(bits, rule.get("unless", ())),
        wants=reduce(or_, (closed.get(name, 0) for name in asked), 0),
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
