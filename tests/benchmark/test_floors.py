"""The gate: no figure falls below its floor, and the labels are those that it was set on.

Floors stand in floors.json with the digest of the labelled passages. Raise them when
the figures rise; to lower one is a decision, made in that file and told in the commit.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from policies.disclosures import Detector
from policies.model import Topic
from tests.benchmark.measure import OWN_GOLD, Score, digest, read_cases, score
from tests.benchmark.report import report

FLOORS: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parent / "floors.json").read_text("utf-8")
)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector.load()


def test_our_own_cases_keep_their_floors(detector: Detector) -> None:
    files = sorted(OWN_GOLD.glob("*.jsonl"))
    assert digest(files) == FLOORS["own"]["sha256"], "the labelled cases changed: set new floors"
    result = score(read_cases(files), detector)
    print(report(result))  # pytest shows it where a floor is missed, and always with -s
    assert _fallen(result, FLOORS["own"]["floors"]) == []


def test_labelled_real_passages_keep_their_floors(detector: Detector, shared: Path) -> None:
    files = [shared / "labels" / "dev.jsonl"]
    assert digest(files) == FLOORS["dev"]["sha256"], "the labelled passages are not those measured"
    result = score(read_cases(files), detector)
    print(report(result))
    assert _fallen(result, FLOORS["dev"]["floors"]) == []


def test_every_language_that_is_read_has_a_floor() -> None:
    from policies.disclosures import LANGUAGES

    assert set(FLOORS["own"]["floors"]["human_review_f1"]) == set(LANGUAGES)


def _fallen(result: Score, floors: dict[str, Any]) -> list[str]:
    """Which figures lie below their floor, one sentence each."""
    actual: dict[str, dict[str, float]] = {
        "topic_precision": {topic.value: result.by_topic[topic].precision for topic in Topic},
        "topic_recall": {topic.value: result.by_topic[topic].recall for topic in Topic},
        "topic_f1": {topic.value: result.by_topic[topic].f1 for topic in Topic},
        "human_review_f1": {lang: tally.f1 for lang, tally in result.review_by_lang.items()},
        "human_review_precision": {
            lang: tally.precision for lang, tally in result.review_by_lang.items()
        },
        "micro_f1": {lang: tally.f1 for lang, tally in result.micro_by_lang.items()},
        "vendor_micro_f1": {name: tally.f1 for name, tally in result.micro_by_vendor.items()},
        "stance": {lang: result.stance_accuracy(lang) for lang in result.review_by_lang},
        "all": {"micro_f1": result.micro.f1, "stance": result.stance_accuracy()},
    }
    return [
        f"{figure} of {name}: {actual[figure].get(name, 0.0):.3f} is below {floor}"
        for figure, by_name in floors.items()
        for name, floor in by_name.items()
        if actual[figure].get(name, 0.0) < floor
    ]
