"""A change in two columns: before on the left, after on the right, unchanged text folded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policies.model import BlockKind, EditKind, Passage, SpanKind
from policies.rendering import Run, Step, Unchanged

_CONTEXT = 1  # unchanged passages shown on either side of an edit
_LONGEST_FOLD = 200  # passages that a fold holds; of longer ones only the number is told


@dataclass(frozen=True)
class Row:
    """An edit: the words of each side, changed ones apart."""

    step: Step
    kind: EditKind
    where: tuple[str, ...]  # headings above it, where they are others than above the row before
    before: tuple[Run, ...]  # empty: nothing stood there
    after: tuple[Run, ...]
    heading: bool


@dataclass(frozen=True)
class Same:
    """Unchanged passages: in sight, or folded away."""

    passages: tuple[Passage, ...]  # none: too many to show
    count: int
    folded: bool


def rows(parts: Iterable[Step | Unchanged]) -> Iterator[Row | Same]:
    """The parts of a diff in reading order, as rows of two columns."""
    shown = list(parts)
    path: tuple[str, ...] = ()
    for at, part in enumerate(shown):
        if isinstance(part, Unchanged):
            yield from _same(part.passages, first=at == 0, last=at == len(shown) - 1)
        else:
            yield _row(part, path)
            path = part.headings


def _row(step: Step, path: tuple[str, ...]) -> Row:
    passage = step.new or step.old
    return Row(
        step=step,
        kind=step.edit.kind,
        where=step.headings if step.headings != path else (),
        before=_side(step, step.old, SpanKind.REMOVED),
        after=_side(step, step.new, SpanKind.ADDED),
        heading=passage is not None and passage.kind is BlockKind.HEADING,
    )


def _side(step: Step, passage: Passage | None, marked: SpanKind) -> tuple[Run, ...]:
    """The words of one side; those that the other side has not are marked."""
    if passage is None:
        return ()
    if step.old is None or step.new is None:
        return (Run(marked, passage.text),)
    if not step.edit.spans:
        return (Run(SpanKind.EQUAL, passage.text),)
    old = marked is SpanKind.REMOVED
    runs: list[Run] = []
    for span in step.edit.spans:
        start, end = (span.old_start, span.old_end) if old else (span.new_start, span.new_end)
        if end > start:
            quiet = span.kind in (SpanKind.EQUAL, SpanKind.RESTYLED)
            runs.append(Run(SpanKind.EQUAL if quiet else marked, passage.text[start:end]))
    return tuple(runs)


def _same(passages: tuple[Passage, ...], *, first: bool, last: bool) -> Iterator[Same]:
    head = 0 if first else min(_CONTEXT, len(passages))
    tail = 0 if last else min(_CONTEXT, len(passages) - head)
    middle = passages[head : len(passages) - tail]
    if head:
        yield Same(passages[:head], head, folded=False)
    if middle:
        kept = middle if len(middle) <= _LONGEST_FOLD else ()
        yield Same(kept, len(middle), folded=True)
    if tail:
        yield Same(passages[len(passages) - tail :], tail, folded=False)
