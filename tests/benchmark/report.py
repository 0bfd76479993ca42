"""A score → the tables that a person reads: topics, languages, vendors, and the worst errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policies.model import Topic, Verdict
from tests.benchmark.measure import Case, Score, Tally

_WORST = 10
_EXCERPT = 160  # characters of a passage that was read wrongly
_HEAD = "precision  recall   F1     right wrong missed"


def report(result: Score) -> str:
    """All tables of a score."""
    return "\n".join(_lines(result))


def _lines(result: Score) -> Iterator[str]:
    yield from _table("topic", {topic.value: result.by_topic[topic] for topic in Topic})
    yield _row("all topics (micro)", result.micro)
    yield ""
    yield from _table("human_review by language", result.review_by_lang)
    yield from _table("all topics by language", result.micro_by_lang)
    yield f"stance right: {result.stance_accuracy():.3f} of the reviews found"
    for lang in sorted(result.review_by_lang):
        yield f"  {lang}: {result.stance_accuracy(lang):.3f}"
    yield ""
    yield from _table("human_review by vendor", _labelled(result.review_by_vendor))
    yield from _table("all topics by vendor", _labelled(result.micro_by_vendor))
    yield "stance right, by vendor"
    for vendor in _labelled(result.review_by_vendor):
        yield f"  {vendor}: {result.stance_of_vendor(vendor):.3f}"
    yield ""
    constructions = {name: tally for name, tally in result.micro_by_construction.items() if name}
    if constructions:
        yield from _table("all topics by wording", constructions)
    yield from _errors(result)


def _labelled(tallies: Mapping[str, Tally]) -> dict[str, Tally]:
    """Those with most labels first; those that have none and were found right are left out."""
    shown = {name: tally for name, tally in tallies.items() if tally.labels or tally.false_alarms}
    return dict(sorted(shown.items(), key=lambda pair: (-pair[1].labels, pair[0])))


def _table(title: str, tallies: Mapping[str, Tally]) -> Iterator[str]:
    yield f"{title:26} {_HEAD}"
    for name, tally in tallies.items():
        yield _row(name, tally)
    yield ""


def _row(name: str, tally: Tally) -> str:
    figures = f"{tally.precision:9.3f} {tally.recall:7.3f} {tally.f1:7.3f}"
    return f"{name:26} {figures} {tally.hits:7} {tally.false_alarms:5} {tally.misses:6}"


def _errors(result: Score) -> Iterator[str]:
    yield f"worst {min(_WORST, len(result.errors))} of {len(result.errors)} passages with an error"
    for wrong, case, verdict in result.errors[:_WORST]:
        yield f"  {wrong} {case.id} ({case.vendor}, {case.lang}): {case.text[:_EXCERPT]}"
        yield from (f"      {why}" for why in _why(case, verdict))


def _why(case: Case, verdict: Verdict) -> Iterator[str]:
    """What was found wrongly with the words that led to it, what was missed, a wrong stance."""
    for match in verdict.matches:
        if match.topic not in case.topics | case.contested:
            words = case.text[match.start : match.end][:_EXCERPT]
            yield f"wrongly {match.topic}: {match.pattern} found {words!r}"
    if missed := case.topics - set(verdict.topics) - case.contested:
        yield f"missed {', '.join(sorted(missed))}: no construction was found"
    if Topic.HUMAN_REVIEW in case.topics and verdict.stance not in (None, case.stance):
        yield f"stance {verdict.stance} where {case.stance} is right"
