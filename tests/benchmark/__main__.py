"""Prints the tables: `python -m tests.benchmark [FILE.jsonl ...]`; our own cases by default."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

from policies.disclosures import Detector
from tests.benchmark.measure import OWN_GOLD, Case, read_cases, score
from tests.benchmark.report import report

_KEYWORDS = (
    "voice audio recording human review listen transcri employee contractor assistant "
    "speech snippet sample annotat microphone wake delete retain consent train"
).split()


def main(arguments: list[str]) -> None:
    """Measures and prints."""
    files = [Path(name) for name in arguments] or sorted(OWN_GOLD.glob("*.jsonl"))
    cases = read_cases(files)
    detector = Detector.load()
    print(f"{len(cases)} passages in languages that are read, from {len(files)} file(s)\n")
    print(report(score(cases, detector)), "\n")
    _print_throughput(detector, cases)


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
