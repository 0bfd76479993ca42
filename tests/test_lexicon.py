"""The lexicon: every construction has its examples, and what cannot be meant is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from policies.disclosures import LANGUAGES, Detector, loading
from policies.disclosures.grammar import parse
from policies.disclosures.lexicon import Construction, Lexicon, Reach
from policies.errors import BadDeclaration
from policies.model import Scope

GOLD = Path(__file__).resolve().parent / "gold"
SHARED = """
constructions:
  - id: review.sample
    topic: human_review
    find: "{staff} {listen}"
masks: []
"""
WORDS = """
classes:
  staff: [staff]
  listen: [listen(s|)]
masks: []
"""


def test_every_construction_finds_its_example_and_not_its_counterexample() -> None:
    assert Detector.load().check() == ()


def test_the_languages_are_those_that_have_a_lexicon() -> None:
    assert Detector.load().languages == LANGUAGES


def test_an_example_that_fails_is_told(tmp_path: Path) -> None:
    examples = "examples: {review.sample: {match: [Staff wait.], miss: [Staff listen.]}}\n"
    lexicons = loading.load(_folder(tmp_path, WORDS + examples))
    detector = Detector(lexicons, "digest")
    assert detector.check() == (
        "xx: review.sample misses 'Staff wait.'",
        "xx: review.sample finds 'Staff listen.'",
    )


def test_a_construction_without_examples_is_told(tmp_path: Path) -> None:
    detector = Detector(loading.load(_folder(tmp_path, WORDS)), "digest")
    assert detector.check() == (
        "xx: review.sample has no example that must match",
        "xx: review.sample has no example that must miss",
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (WORDS + "colour: blue\n", "xx.yaml: unknown key colour"),
        (WORDS.replace("  staff: [staff]\n", ""), "no class is named staff"),
        (WORDS.replace("[staff]\n", "[no]\n", 1), "no text: put it in quotes"),
        (WORDS + "examples: {review.other: {match: []}}\n", "examples of no construction"),
        (WORDS.replace("masks: []", "masks: [{drop: [person], find: [x]}]"), "named person"),
        (WORDS.replace("masks: []", "masks: [{drop: [staff], near: [x], find: [x]}]"), "key near"),
        ("- a list\n", "a mapping of"),
        ("classes: [\n", "not readable as YAML"),
    ],
)
def test_a_lexicon_that_cannot_be_meant_is_refused(
    tmp_path: Path, words: str, message: str
) -> None:
    words = words.replace("  staff: [no]", "  staff: [no]")
    with pytest.raises(BadDeclaration, match=message):
        loading.load(_folder(tmp_path, words))


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("..3 word", "begin and end with a word or class"),
        ("word ..3", "begin and end with a word or class"),
        ("wo{staff}rd", "is no word, gap or class"),
        ("* word", "holds no word"),
        (" ".join(["(a b|c d|e f)"] * 7), "too many readings"),
    ],
)
def test_a_pattern_that_cannot_be_meant_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(BadDeclaration, match=message):
        parse(pattern)


MASKED = """
masks:
  - {drop: [listen], unless: [staff], find: ["device ..2 {listen}"]}
  - {drop: [listen], opens: true, find: ["{listen} ..2 clips"]}
examples: {review.sample: {match: [%s], miss: [%s]}}
"""


def test_a_mask_can_ask_who_stands_before_it_and_where_the_sentence_begins(tmp_path: Path) -> None:
    matches = '"Staff of the device listen.", "To listen to clips staff wait."'
    misses = '"The device listens near staff.", "Listen to clips near staff."'
    words = WORDS.replace("masks: []\n", MASKED % (matches, misses))
    assert Detector(loading.load(_folder(tmp_path, words)), "digest").check() == ()


def test_a_changed_lexicon_has_another_digest(tmp_path: Path) -> None:
    before = loading.digest(_folder(tmp_path, WORDS))
    assert loading.digest(_folder(tmp_path, WORDS + "# another word\n")) != before


_EVERY = 24  # with no phrase skipped a passage takes some fifty times as long


def test_what_is_skipped_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        json.loads(line)
        for file in sorted(GOLD.glob("*.jsonl"))
        for line in file.read_text("utf-8").splitlines()
    ]
    _assert_nothing_is_skipped_wrongly(monkeypatch, rows)


def test_what_is_skipped_of_real_texts_holds_nothing(
    monkeypatch: pytest.MonkeyPatch, shared: Path
) -> None:
    lines = (shared / "labels" / "dev.jsonl").read_text("utf-8").splitlines()
    quotes = (shared / "catalog" / "quotes.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    for row in map(json.loads, quotes):
        context = row.get("context_before") or ""
        rows += [row | {"scope": scope, "context": context} for scope in Scope]
    _assert_nothing_is_skipped_wrongly(monkeypatch, rows)


def _assert_nothing_is_skipped_wrongly(
    monkeypatch: pytest.MonkeyPatch, rows: list[dict[str, str]]
) -> None:
    """All are judged again with no passage skipped, and a part with no phrase skipped either."""
    detector = Detector.load()
    rows = [row for row in rows if row["lang"].partition("-")[0] in LANGUAGES]
    skipping = [_judge(detector, row) for row in rows]
    monkeypatch.setattr(Lexicon, "possible", _every_rule)
    assert [_judge(detector, row) for row in rows] == skipping
    everything = Reach(classes=-1, choices=-1)
    monkeypatch.setattr(Lexicon, "reach", lambda *_: everything)
    fresh = Detector.load()
    unskipped = [_judge(fresh, row) for row in rows[::_EVERY]]
    assert unskipped == skipping[::_EVERY]


def _every_rule(
    lexicon: Lexicon, scope: Scope, _reach: int, *, about_speech: bool
) -> tuple[Construction, ...]:
    del about_speech
    return lexicon.constructions[scope]


def _judge(detector: Detector, row: dict[str, str]) -> object:
    return detector.judge(row["text"], row["lang"], Scope(row["scope"]), (), row["context"] or "")


def _folder(place: Path, words: str) -> Path:
    (place / "constructions.yaml").write_text(SHARED, "utf-8")
    (place / "xx.yaml").write_text(words, "utf-8")
    return place
