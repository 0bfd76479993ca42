"""Directions to what the store keeps, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policies.direction.rules import RULES
from policies.direction.values import Directed, Direction, Finding, Words
from policies.model import Passage, Topic


def pack(found: Mapping[Topic, Directed]) -> dict[str, Any]:
    """topic -> {direction, findings: [[rule, old, new]]}, words as [position, start, end]."""
    return {
        topic.value: {
            "direction": one.direction.value,
            "findings": [[f.rule, _packed(f.old), _packed(f.new)] for f in one.findings],
        }
        for topic, one in found.items()
    }


def unpack(kept: Mapping[str, Any]) -> dict[Topic, Directed]:
    """What `pack` was given, in the order of Topic; rules that are no more are left out."""
    return {
        topic: Directed(
            Direction(kept[topic]["direction"]),
            tuple(
                Finding(rule, RULES[rule].direction, _words(old), _words(new))
                for rule, old, new in kept[topic]["findings"]
                if rule in RULES
            ),
        )
        for topic in Topic
        if topic in kept
    }


def _packed(words: Words | None) -> list[int] | None:
    return [words.position, words.start, words.end] if words is not None else None


def _words(kept: list[int] | None) -> Words | None:
    return Words(*kept) if kept is not None else None


def quoted(words: Words | None, passages: Mapping[int, Passage]) -> str | None:
    """The words themselves, from the passages of their side; None where they are not there."""
    passage = passages.get(words.position) if words is not None else None
    return passage.text[words.start : words.end] if words is not None and passage else None
