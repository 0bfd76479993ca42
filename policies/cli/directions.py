"""Which way a change goes, as lines of a terminal and as JSON values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from policies import direction, summary
from policies.direction import Directed, Finding
from policies.model import Passage, Topic
from policies.rendering import visible

_SHOWN = 3  # findings of a topic; --json has all that are kept
_LONGEST = 160  # characters of the words of a finding

Passages = Mapping[int, Passage]


def lines(
    found: Mapping[Topic, Directed], old: Passages, new: Passages, about: Topic | None = None
) -> Iterator[str]:
    """Each topic's direction with the rules that it was read by, and their words."""
    for topic, directed in found.items():
        if about is not None and topic is not about:
            continue
        name = summary.topic(topic, "en").lower()
        yield f"  = {name}: {summary.direction(directed.direction, 'en').lower()}"
        for finding in _once(directed.findings):
            yield f"      {summary.rule(finding.rule, 'en')} ({finding.rule})"
            for mark, words, side in (("-", finding.old, old), ("+", finding.new, new)):
                text = direction.quoted(words, side)
                if text is not None:
                    yield f"        {mark} “{_short(visible(text))}”"


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """The first finding of each rule."""
    firsts: dict[str, Finding] = {}
    for finding in findings:
        firsts.setdefault(finding.rule, finding)
    return list(firsts.values())[:_SHOWN]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def as_json(found: Mapping[Topic, Directed], old: Passages, new: Passages) -> dict[str, Any]:
    """By topic: the direction, and each finding with its words."""
    return {
        topic.value: {
            "direction": directed.direction.value,
            "findings": [
                {
                    "rule": one.rule,
                    "direction": one.direction.value,
                    "says": summary.rule(one.rule, "en"),
                    "old": direction.quoted(one.old, old),
                    "new": direction.quoted(one.new, new),
                }
                for one in directed.findings
            ],
        }
        for topic, directed in found.items()
    }
