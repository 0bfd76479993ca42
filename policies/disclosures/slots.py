"""What a passage says exactly: who, how much, how long, on what condition, word for word."""

from __future__ import annotations

from collections.abc import Sequence

from policies.disclosures.lexicon import Annotation
from policies.model import Topic

# slot -> classes that fill it, and the topics with which it is filled (empty: any)
_SLOTS: tuple[tuple[str, tuple[str, ...], tuple[Topic, ...]], ...] = (
    ("reviewers", ("staff", "provider", "reviewer"), (Topic.HUMAN_REVIEW, Topic.REVIEWERS)),
    ("sample", ("sample", "sampling"), (Topic.SAMPLE,)),
    ("identity", ("identity",), (Topic.IDENTITY,)),
    ("retention", ("duration",), (Topic.RETENTION,)),
    ("condition", ("no_permission", "permission", "opt_out"), (Topic.CHOICE,)),
    ("setting", ("settings_path", "program"), (Topic.CHOICE,)),
)


def quote_slots(
    text: str,
    places: Sequence[tuple[int, int]],
    annotation: Annotation,
    topics: Sequence[Topic],
) -> dict[str, str]:
    """The filled slots, each a slice of the text."""
    slots: dict[str, str] = {}
    for slot, classes, needed in _SLOTS:
        if not set(needed) & set(topics):
            continue
        spans = annotation.spans(*classes)
        if spans:
            first, last = max(spans, key=lambda span: (span[1] - span[0], -span[0]))
            slots[slot] = text[places[first][0] : places[last][1]]
    return slots
