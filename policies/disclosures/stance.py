"""Which stance a passage that mentions review takes: who is asked, and whether it is denied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from policies.disclosures.lexicon import Annotation
from policies.model import Stance, Topic

_ACTORS = ("staff", "provider", "reviewer", "human", "person", "manual_review", "listen", "annotate")
_ACTS = ("listen", "review", "annotate", "transcribe", "access", "manual_review", "reviewed", "inspect")
_DENIAL_REACH = 8  # words between a denial and what it denies


class _Find(Protocol):
    @property
    def construction(self) -> _Rule: ...
    @property
    def first(self) -> int: ...
    @property
    def last(self) -> int: ...


class _Rule(Protocol):
    @property
    def topic(self) -> Topic: ...


def stance_of(annotation: Annotation, finds: Sequence[_Find]) -> Stance:
    """The stance of a passage in which review was found."""
    review = [find for find in finds if find.construction.topic is Topic.HUMAN_REVIEW]
    denied = any(_is_denied(annotation, find.first, find.last) for find in review)
    if annotation.has("even_if"):
        return Stance.YES
    if denied:
        return _denied(annotation)
    if annotation.has("no_permission") or annotation.has("permission"):
        return Stance.OPT_IN
    if annotation.has("opt_out"):
        return Stance.OPT_OUT
    return Stance.YES if annotation.has(*_ACTORS) else Stance.UNCLEAR


def _denied(annotation: Annotation) -> Stance:
    """Not reviewed: at all, unless it was permitted, or once it was turned off."""
    if annotation.has("no_permission", "permission"):
        return Stance.OPT_IN
    if annotation.has("opt_out"):
        return Stance.OPT_OUT
    return Stance.NO


def _is_denied(annotation: Annotation, first: int, last: int) -> bool:
    """Whether a denial stands in the find or shortly before its act."""
    acts = [act for act, _ in annotation.spans(*_ACTS) if first <= act <= last]
    for start, end in annotation.spans("deny"):
        for act in acts:
            same = annotation.limits[start] == annotation.limits[act]
            if same and 0 <= act - end <= _DENIAL_REACH:
                return True
    return False
