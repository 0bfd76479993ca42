"""Labelled passages and a detector → counts by topic, language and vendor."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from policies.disclosures import LANGUAGES, Detector
from policies.model import Scope, Topic, Verdict

OWN_GOLD = Path(__file__).resolve().parent.parent / "gold"


@dataclass(frozen=True)
class Case:
    """A labelled passage."""

    id: str
    text: str
    context: str
    vendor: str
    document: str
    scope: Scope
    lang: str  # ISO 639-1
    topics: frozenset[Topic]
    contested: frozenset[Topic]  # labels that do not count
    stance: str | None
    construction: str  # what kind of wording an own case stands for; empty: not told


@dataclass
class Tally:
    """How often a label was found, found wrongly, and missed."""

    hits: int = 0
    false_alarms: int = 0
    misses: int = 0

    @property
    def precision(self) -> float:
        """Of what was found, the part that is right; 1.0 where nothing was found."""
        found = self.hits + self.false_alarms
        return self.hits / found if found else 1.0

    @property
    def recall(self) -> float:
        """Of what is there, the part that was found; 1.0 where nothing is there."""
        there = self.hits + self.misses
        return self.hits / there if there else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    @property
    def labels(self) -> int:
        """How many labels there are."""
        return self.hits + self.misses


@dataclass
class Score:
    """All counts of one run."""

    by_topic: dict[Topic, Tally] = field(default_factory=lambda: defaultdict(Tally))
    review_by_lang: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    micro_by_lang: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    micro_by_vendor: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    review_by_vendor: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    micro_by_construction: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    micro: Tally = field(default_factory=Tally)
    stances: Counter[tuple[str, bool]] = field(default_factory=Counter)  # by language
    vendor_stances: Counter[tuple[str, bool]] = field(default_factory=Counter)
    errors: list[tuple[int, Case, Verdict]] = field(default_factory=list)  # how many, worst first

    def stance_accuracy(self, lang: str | None = None) -> float:
        """The part of found reviews whose stance is right, in one language or in all."""
        here = {key: n for key, n in self.stances.items() if lang in (None, key[0])}
        return _share_right(here)

    def stance_of_vendor(self, vendor: str) -> float:
        """The part of a vendor's found reviews whose stance is right."""
        return _share_right({key: n for key, n in self.vendor_stances.items() if key[0] == vendor})


def _share_right(counts: Mapping[tuple[str, bool], int]) -> float:
    total = sum(counts.values())
    return sum(n for (_, right), n in counts.items() if right) / total if total else 1.0


def read_cases(files: Iterable[Path]) -> list[Case]:
    """The cases of JSON Lines files in the codebook's format, in languages that are read."""
    rows = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    cases = [_case(row) for row in rows]
    return [case for case in cases if case.lang in LANGUAGES]


def digest(files: Sequence[Path]) -> str:
    """SHA-256 over the bytes of the files, in the order of their names."""
    total = hashlib.sha256()
    for file in sorted(files, key=lambda path: path.name):
        total.update(file.read_bytes())
    return total.hexdigest()


def score(cases: Iterable[Case], detector: Detector) -> Score:
    """What the detector makes of the cases."""
    result = Score()
    for case in cases:
        verdict = detector.judge(case.text, case.lang, case.scope, (), case.context)
        wrong = _count(result, case, verdict)
        if wrong:
            result.errors.append((wrong, case, verdict))
    result.errors.sort(key=lambda error: -error[0])
    return result


def _count(result: Score, case: Case, verdict: Verdict) -> int:
    wrong = 0
    for topic in Topic:
        kind = _kind(topic in verdict.topics, topic in case.topics)
        if topic in case.contested or kind is None:
            continue
        wrong += kind != "hits"
        tallies = [
            result.micro,
            result.by_topic[topic],
            result.micro_by_lang[case.lang],
            result.micro_by_vendor[case.vendor],
            result.micro_by_construction[case.construction],
        ]
        if topic is Topic.HUMAN_REVIEW:
            tallies += [result.review_by_lang[case.lang], result.review_by_vendor[case.vendor]]
        for tally in tallies:
            setattr(tally, kind, getattr(tally, kind) + 1)
    if Topic.HUMAN_REVIEW in case.topics and verdict.stance is not None:
        right = verdict.stance == case.stance
        result.stances[case.lang, right] += 1
        result.vendor_stances[case.vendor, right] += 1
        wrong += not right
    return wrong


def _kind(found: bool, there: bool) -> str | None:
    if found and there:
        return "hits"
    if found:
        return "false_alarms"
    return "misses" if there else None


def _case(row: Mapping[str, Any]) -> Case:
    return Case(
        id=row["id"],
        text=row["text"],
        context=row.get("context") or "",
        vendor=row["vendor"],
        document=row["document"],
        scope=Scope(row["scope"]),
        lang=row["lang"].partition("-")[0],
        topics=frozenset(Topic(topic) for topic in row["topics"]),
        contested=frozenset(Topic(topic) for topic in row.get("contested") or ()),
        stance=row.get("stance"),
        construction=row.get("construction", ""),
    )
