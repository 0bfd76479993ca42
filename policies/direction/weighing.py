"""What the findings of a change come to, topic by topic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from policies.direction.rules import READERS, RULES
from policies.direction.values import Case, Claim, Directed, Direction, Finding, Pair
from policies.model import Edit, SpanKind, Topic

VERSION = "1"  # raise it when the rules change what is found: changes are then read again
_MOST = 12  # findings kept of a topic; a rewritten page has hundreds
_CARRIES = 0.5  # share of a topic's words that an edit has to change to bring it or take it
_PERSON = (Direction.BETTER, Direction.WORSE)
_PAGE = (Direction.SAYS_MORE, Direction.SAYS_LESS)

Claims = Mapping[int, tuple[tuple[Topic, ...], Claim]]  # position -> topics and claim


def direct(
    topics: Iterable[Topic], edits: Iterable[Edit], before: Claims, after: Claims
) -> dict[Topic, Directed]:
    """Which way a change goes on each of its topics.

    `edits`: those that change words. `before`, `after`: all that the two versions claim.
    """
    said = list(edits)
    return {topic: _directed(_case(topic, said, before, after)) for topic in topics}


def _case(topic: Topic, edits: Iterable[Edit], before: Claims, after: Claims) -> Case:
    old, new = _about(topic, before), _about(topic, after)
    theirs: list[Pair] = []
    others: list[Pair] = []
    for edit in edits:
        was = old.get(edit.old) if edit.old is not None else None
        now = new.get(edit.new) if edit.new is not None else None
        if was is not None or now is not None:
            (theirs if _is_theirs(topic, was, now, edit) else others).append((was, now))
    return Case(topic, tuple(old.values()), tuple(new.values()), tuple(theirs), tuple(others))


def _is_theirs(topic: Topic, old: Claim | None, new: Claim | None, edit: Edit) -> bool:
    """Whether the topic stands on both sides, or came or went by the words that the edit changed.

    A sentence that only calls a product by another name may be understood then and not before:
    that is about us, and no direction.
    """
    if old is not None and new is not None:
        return True
    if new is not None:
        changed = [(s.new_start, s.new_end) for s in edit.spans if s.kind is SpanKind.ADDED]
        return _carried(topic, new, changed) if edit.old is not None else True
    if old is not None:
        changed = [(s.old_start, s.old_end) for s in edit.spans if s.kind is SpanKind.REMOVED]
        return _carried(topic, old, changed) if edit.new is not None else True
    return False


def _carried(topic: Topic, claim: Claim, changed: Iterable[tuple[int, int]]) -> bool:
    """Whether half of the words that bring the topic are among those changed."""
    runs = list(changed)
    for match in claim.matches:
        if match.topic is topic:
            met = sum(max(0, min(match.end, end) - max(match.start, at)) for at, end in runs)
            if met >= _CARRIES * (match.end - match.start):
                return True
    return False


def _about(topic: Topic, claims: Claims) -> dict[int, Claim]:
    return {at: claim for at, (topics, claim) in sorted(claims.items()) if topic in topics}


def _directed(case: Case) -> Directed:
    """What is found for the person outweighs how much is said; both ways at once is unclear."""
    findings = tuple(dict.fromkeys(found for read in READERS for found in read(case)))
    if not findings:
        words = next(iter((*case.pairs, *case.others)), (None, None))
        old, new = (side.whole if side is not None else None for side in words)
        other = RULES["other-words"]
        return Directed(other.direction, (Finding(other.name, other.direction, old, new),))
    for axis in (_PERSON, _PAGE):
        ways = {found.direction for found in findings} & set(axis)
        if ways:
            direction = ways.pop() if len(ways) == 1 else Direction.UNCLEAR
            ordered = sorted(findings, key=lambda found: found.direction not in axis)
            return Directed(direction, tuple(ordered[:_MOST]))
    return Directed(Direction.UNCLEAR, findings[:_MOST])
