"""Prints the tables: `python -m tests.benchmark [FILE.jsonl ...]`; our own cases by default."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

from policies.disclosures import Detector
from policies.model import Topic
from tests.benchmark.measure import OWN_GOLD, Case, Score, Tally, read_cases, score

_KEYWORDS = (
    "voice audio recording human review listen transcri employee contractor assistant "
    "speech snippet sample annotat microphone wake delete retain consent train"
).split()
_WORST = 10


def main(arguments: list[str]) -> None:
    """Measures and prints."""
    files = [Path(name) for name in arguments] or sorted(OWN_GOLD.glob("*.jsonl"))
    cases = read_cases(files)
    detector = Detector.load()
    result = score(cases, detector)
    print(f"{len(cases)} passages in languages that are read, from {len(files)} file(s)\n")
    _print_tallies("topic", {topic.value: result.by_topic[topic] for topic in Topic})
    print(_row("all topics (micro)", result.micro), "\n")
    _print_tallies("human_review by language", result.review_by_lang)
    for lang in sorted(result.review_by_lang):
        print(f"  stance {lang}: {result.stance_accuracy(lang):.3f}")
    print(f"  stance: {result.stance_accuracy():.3f}\n")
    _print_tallies("all topics by language", result.micro_by_lang)
    vendors = sorted(result.micro_by_vendor.items(), key=lambda pair: -pair[1].labels)
    _print_tallies("all topics by vendor", dict(vendors))
    _print_errors(result)
    _print_throughput(detector, cases)


def _print_tallies(title: str, tallies: dict[str, Tally]) -> None:
    print(f"{title:26} precision  recall   F1     right wrong missed")
    for name, tally in tallies.items():
        print(_row(name, tally))
    print()


def _row(name: str, tally: Tally) -> str:
    figures = f"{tally.precision:9.3f} {tally.recall:7.3f} {tally.f1:7.3f}"
    return f"{name:26} {figures} {tally.hits:7} {tally.false_alarms:5} {tally.misses:6}"


def _print_errors(result: Score) -> None:
    print(f"worst {_WORST} of {len(result.errors)} passages with an error")
    for wrong, case, verdict in result.errors[:_WORST]:
        found, wanted = set(verdict.topics), set(case.topics)
        extra = " ".join(sorted(f"+{t}" for t in found - wanted - case.contested))
        missed = " ".join(sorted(f"-{t}" for t in wanted - found - case.contested))
        stance = "" if verdict.stance == case.stance else f"{case.stance} -> {verdict.stance}"
        print(f"  {wrong} {case.id} {case.vendor} {case.lang}: {extra} {missed} {stance}".rstrip())
    print()


def _print_throughput(detector: Detector, cases: list[Case]) -> None:
    """Megabytes a second of processor time, beside a bare scan for 20 keywords."""
    keywords = re.compile("|".join(_KEYWORDS), re.IGNORECASE)
    size = sum(len(case.text.encode()) for case in cases) / 1e6
    begin = time.process_time()
    for case in cases:
        detector.judge(case.text, case.lang, case.scope, (), case.context)
    judged = time.process_time() - begin
    begin = time.process_time()
    for case in cases:
        keywords.findall(case.text)
    scanned = time.process_time() - begin
    rates = f"{size / judged:.2f} MB/s judged, {size / scanned:.2f} MB/s scanned"
    print(f"throughput on these passages: {rates}, ratio {scanned / judged:.3f}")


if __name__ == "__main__":
    main(sys.argv[1:])
