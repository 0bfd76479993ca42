"""Which stance a passage that mentions review takes: who is asked, and whether it is denied."""

from __future__ import annotations

from collections.abc import Sequence

from policies.disclosures.grammar import Span
from policies.disclosures.lexicon import Annotation
from policies.model import Stance

# Classes that tell that people do it, and classes of what they do.
_ACTORS = (
    "staff",
    "provider",
    "reviewer",
    "human",
    "person",
    "manual_review",
    "listen",
    "we_review",
    "escalated",
)
_ACTS = (
    "listen",
    "review",
    "annotate",
    "transcribe",
    "access",
    "manual_review",
    "reviewed",
    "inspect",
    "we_review",
    "escalated",
    "overhear",
    "nobody",
)
_CONDITIONS = (
    "even_if",
    "otherwise",
    "declines",
    "unless_out",
    "no_permission",
    "permission",
    "opt_out",
)
_REFERENCES = ("if_so", "gathered")
# The classes that a stance is told by.
CLASSES = frozenset((*_ACTORS, *_ACTS, *_CONDITIONS, *_REFERENCES, "deny", "deny_after"))
_DENIAL_REACH = 12  # words between a denial and what it denies


def stance_of(annotation: Annotation, review: Sequence[Span]) -> Stance:
    """The stance of a passage in which review was found in these runs of words."""
    denied = any(_is_denied(annotation, first, last) for first, last in review)
    if annotation.has("even_if", "otherwise"):
        return Stance.YES
    if annotation.has("declines", "unless_out"):
        return Stance.OPT_OUT
    if denied:
        return _denied(annotation)
    if annotation.has("no_permission") or annotation.has("permission"):
        return Stance.OPT_IN
    if annotation.has("opt_out"):
        return Stance.OPT_OUT
    return Stance.YES if annotation.has(*_ACTORS) else Stance.UNCLEAR


def refers_back(annotation: Annotation) -> bool:
    """Whether the passage rests on a condition, or on recordings, of the sentence before.

    "If so, staff listen", "staff listen to these samples"; that a sentence merely follows
    one about permission tells nothing.
    """
    return annotation.has(*_REFERENCES)


def condition_of(before: Annotation) -> Stance | None:
    """The stance that a sentence gives to one that rests on it."""
    if before.has("unless_out", "opt_out"):
        return Stance.OPT_OUT
    if before.has("permission", "no_permission"):
        return Stance.OPT_IN
    return None


def _denied(annotation: Annotation) -> Stance:
    """Not reviewed: at all, unless it was permitted, or once it was turned off."""
    if annotation.has("no_permission", "permission"):
        return Stance.OPT_IN
    if annotation.has("opt_out"):
        return Stance.OPT_OUT
    return Stance.NO


def _is_denied(annotation: Annotation, first: int, last: int) -> bool:
    """Whether a denial stands in the find or shortly before its act, or after it."""
    acts = [act for act, _ in annotation.spans(*_ACTS) if first <= act <= last]
    before = [(start, act, act - end) for start, end in annotation.spans("deny") for act in acts]
    after = [
        (act, start, start - act) for start, _ in annotation.spans("deny_after") for act in acts
    ]
    return any(
        left <= right
        and distance <= _DENIAL_REACH
        and annotation.limits[left] == annotation.limits[right]
        for left, right, distance in (*before, *after)
    )
