"""Diffs: a change's edits made visible, as text, HTML or JSON.

Offsets stay offsets until here; nothing is escaped or marked up earlier. Texts of pages are
hostile input: the HTML holds them escaped, in elements of this module only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Protocol

from policies.model import BlockKind, Edit, EditKind, Passage, Span, SpanKind

_WORD = re.compile(r"\w+")
_BREAK = re.compile(r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_CONTEXT = 1  # unchanged passages shown on either side of an edit
_LONGEST_FOLD = 200  # unchanged passages that a fold holds; of longer ones only the number is told


class Passages(Protocol):
    """The passages of a version by position: all of them, or those that the edits name."""

    def __getitem__(self, position: int, /) -> Passage:
        """The passage at a position."""
        ...


@dataclass(frozen=True)
class Run:
    """Words of a step, one after the other in reading order."""

    kind: SpanKind
    text: str


@dataclass(frozen=True)
class Step:
    """An edit with its words."""

    edit: Edit
    old: Passage | None
    new: Passage | None
    headings: tuple[str, ...]  # above it in the new version, or in the old where it is gone

    @property
    def runs(self) -> tuple[Run, ...]:
        """Its words: old and new woven together."""
        if self.old is None:
            return (Run(SpanKind.ADDED, self.new.text),) if self.new else ()
        if self.new is None:
            return (Run(SpanKind.REMOVED, self.old.text),)
        if not self.edit.spans:
            return (Run(SpanKind.EQUAL, self.new.text),)
        return tuple(_woven(self.edit.spans, self.old.text, self.new.text))


@dataclass(frozen=True)
class Unchanged:
    """Passages that stand in both versions, in a row."""

    passages: tuple[Passage, ...]


@dataclass(frozen=True)
class Words:
    """How many words a change took away and brought."""

    removed: int
    added: int


@dataclass(frozen=True)
class Labels:
    """The few words that a diff needs in the reader's language."""

    kinds: Mapping[EditKind, str] = field(
        default_factory=lambda: {
            EditKind.ADDED: "added",
            EditKind.REMOVED: "removed",
            EditKind.REPLACED: "reworded",
            EditKind.MOVED: "moved",
            EditKind.RESTYLED: "typography",
            EditKind.TECHNICAL: "read in another way",
            EditKind.INCIDENTAL: "says nothing new",
            EditKind.PASSING: "passing",
        }
    )
    lang: str = ""  # theirs, where it may be another than the text's
    unchanged: Callable[[int], str] = lambda n: f"{n} unchanged passage{'' if n == 1 else 's'}"


def steps(old: Passages, new: Passages, edits: Iterable[Edit]) -> tuple[Step, ...]:
    """The edits with their words, in reading order."""
    return tuple(_step(old, new, edit) for edit in edits)


def whole(
    old: Sequence[Passage], new: Sequence[Passage], edits: Sequence[Edit]
) -> Iterator[Step | Unchanged]:
    """Both versions in reading order: edits, and what stands unchanged between them."""
    touched_old = {edit.old for edit in edits}
    touched_new = {edit.new for edit in edits}
    kept = list(
        zip(
            (i for i in range(len(old)) if i not in touched_old),
            (j for j in range(len(new)) if j not in touched_new),
            strict=True,
        )
    )
    at = 0
    for edit in edits:
        before = at
        while at < len(kept) and _comes_first(kept[at], edit):
            at += 1
        if at > before:
            yield Unchanged(tuple(new[j] for _, j in kept[before:at]))
        yield _step(old, new, edit)
    if at < len(kept):
        yield Unchanged(tuple(new[j] for _, j in kept[at:]))


def words(all_steps: Iterable[Step]) -> Words:
    """How many words the steps take away and bring."""
    removed = added = 0
    for step in all_steps:
        if step.edit.kind.is_quiet:
            continue
        for run in step.runs:
            if run.kind is SpanKind.REMOVED:
                removed += len(_WORD.findall(run.text))
            elif run.kind is SpanKind.ADDED:
                added += len(_WORD.findall(run.text))
    return Words(removed, added)


def to_json(step: Step) -> dict[str, Any]:
    """An edit with its words as a JSON object; offsets count characters of `text`."""
    return {
        "kind": step.edit.kind.value,
        "old": _side(step.old, step.edit.old),
        "new": _side(step.new, step.edit.new),
        "headings": list(step.headings),
        "spans": [
            {
                "kind": span.kind.value,
                "old_start": span.old_start,
                "old_end": span.old_end,
                "new_start": span.new_start,
                "new_end": span.new_end,
            }
            for span in step.edit.spans
        ],
    }


# --- text ------------------------------------------------------------------------------

_RED, _GREEN, _DIM, _STRONG, _PLAIN = "\033[31m", "\033[32m", "\033[2m", "\033[1;4m", "\033[0m"


def to_text(step: Step, *, color: bool = False, labels: Labels | None = None) -> str:
    """An edit as lines: what went behind `-`, what came behind `+`, the words untouched.

    In colour the changed words stand out within their passage; without, a last line names them.
    """
    kind = step.edit.kind
    if kind.is_quiet:
        name = (labels or Labels()).kinds[kind]
        shown = step.new or step.old
        return f"    {name}: {visible(shown.text) if shown else ''}"
    lines = []
    if step.old is not None:
        lines.append(_line("-", _RED, step, SpanKind.REMOVED, color))
    if step.new is not None:
        lines.append(_line("+", _GREEN, step, SpanKind.ADDED, color))
    if kind is EditKind.REPLACED and not color:
        lines.append(f"    words: {_changed_words(step)}")
    return "\n".join(lines)


def where(step: Step, *, color: bool = False) -> str:
    """The headings above a step in one line."""
    path = " › ".join(visible(heading) for heading in step.headings)
    return f"{_DIM}{path}{_PLAIN}" if color and path else path


def _line(mark: str, tint: str, step: Step, kind: SpanKind, color: bool) -> str:
    other = SpanKind.ADDED if kind is SpanKind.REMOVED else SpanKind.REMOVED
    passage = step.old if kind is SpanKind.REMOVED else step.new
    if not color or not step.edit.spans:
        text = visible(passage.text) if passage else ""
        return f"{tint}  {mark} {text}{_PLAIN}" if color else f"  {mark} {text}"
    parts = [f"{tint}  {mark} "]
    for run in step.runs:
        if run.kind is kind:
            parts.append(f"{_STRONG}{visible(run.text)}{_PLAIN}{tint}")
        elif run.kind is not other:
            parts.append(visible(run.text))
    return "".join([*parts, _PLAIN])


def _changed_words(step: Step) -> str:
    marks = {SpanKind.REMOVED: "-", SpanKind.ADDED: "+"}
    return "  ".join(
        f"{marks[run.kind]}“{visible(run.text.strip())}”"
        for run in step.runs
        if run.kind in marks and run.text.strip()
    )


def visible(text: str) -> str:
    """The text on one line of a terminal: nothing of a page steers it or turns its order."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", _BREAK.sub(" ", text))


# --- HTML ------------------------------------------------------------------------------

_ELEMENTS = {SpanKind.REMOVED: "del", SpanKind.ADDED: "ins"}


def to_html(
    parts: Iterable[Step | Unchanged],
    *,
    labels: Labels | None = None,
    notes: Callable[[Step], Sequence[str]] = lambda _: (),
) -> str:
    """Steps and what stands between them as an HTML fragment; changed words in ins and del.

    `notes` gives short words to stand beside a step, its topics for example.
    """
    labels = labels or Labels()
    html: list[str] = []
    path: tuple[str, ...] = ()
    shown = list(parts)
    for at, part in enumerate(shown):
        if isinstance(part, Unchanged):
            html.append(_unchanged(part, labels, first=at == 0, last=at == len(shown) - 1))
            continue
        if part.headings != path and part.headings:
            html.append(f'<p class="where">{escape(" › ".join(part.headings))}</p>')
        path = part.headings
        html.append(_step_html(part, labels, notes(part)))
    return "\n".join(html)


def _step_html(step: Step, labels: Labels, notes: Sequence[str]) -> str:
    kind = step.edit.kind
    tags = [f'<span class="tag">{escape(labels.kinds[kind])}</span>']
    tags += [f'<span class="note">{escape(note)}</span>' for note in notes]
    passage = step.new or step.old
    heading = " heading" if passage and passage.kind is BlockKind.HEADING else ""
    words_ = "".join(
        f"<{_ELEMENTS[run.kind]}>{escape(run.text)}</{_ELEMENTS[run.kind]}>"
        if run.kind in _ELEMENTS
        else escape(run.text)
        for run in step.runs
    )
    return (
        f'<div class="edit {kind.value}{heading}"><p class="tags"{_in(labels)}>{" ".join(tags)}</p>'
        f"<p>{words_}</p></div>"
    )


def _unchanged(part: Unchanged, labels: Labels, *, first: bool, last: bool) -> str:
    """Unchanged passages: the nearest to an edit in sight, those between folded away."""
    passages = part.passages
    head = 0 if first else min(_CONTEXT, len(passages))
    tail = 0 if last else min(_CONTEXT, len(passages) - head)
    middle = passages[head : len(passages) - tail]
    html = [_plain(p) for p in passages[:head]]
    if middle:
        label = escape(labels.unchanged(len(middle)))
        if len(middle) > _LONGEST_FOLD:
            html.append(f'<p class="fold"{_in(labels)}>{label}</p>')
        else:
            inside = "".join(_plain(p) for p in middle)
            summary = f"<summary{_in(labels)}>{label}</summary>"
            html.append(f'<details class="fold">{summary}{inside}</details>')
    html += [_plain(p) for p in passages[len(passages) - tail :]]
    return "\n".join(html)


def _in(labels: Labels) -> str:
    return f' lang="{escape(labels.lang)}"' if labels.lang else ""


def _plain(passage: Passage) -> str:
    heading = " heading" if passage.kind is BlockKind.HEADING else ""
    return f'<p class="same{heading}">{escape(passage.text)}</p>'


DOCUMENT_STYLE = """
:root{color-scheme:light dark;--ink:#1c1b22;--paper:#fffdf8;--soft:#6a6672;--line:#d9d4c8;
--gone:#8c1d18;--gone-bg:#fde7e3;--come:#0b5a3c;--come-bg:#dcf3e6}
@media (prefers-color-scheme:dark){:root{--ink:#ece9e2;--paper:#17161b;--soft:#a29da8;
--line:#39363f;--gone:#ffb4a8;--gone-bg:#4a1713;--come:#9be0bd;--come-bg:#0d3a27}}
body{margin:2rem auto;max-width:46rem;padding:0 1rem;font:1rem/1.6 Georgia,serif;
color:var(--ink);background:var(--paper);overflow-wrap:anywhere}
del{color:var(--gone);background:var(--gone-bg)}ins{color:var(--come);background:var(--come-bg)}
.where,.tags,.fold{font:.85rem/1.4 system-ui,sans-serif;color:var(--soft)}
.tags{margin:0}.edit{border-left:3px solid var(--line);padding-left:1rem;margin:1rem 0}
.edit p{margin:.2rem 0}.same{color:var(--soft)}.heading{font-weight:bold}
""".strip()


def document(title: str, fragment: str, lang: str) -> str:
    """A fragment of `to_html` as one self-contained HTML document."""
    return (
        f'<!doctype html>\n<html lang="{escape(lang)}">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{DOCUMENT_STYLE}</style>\n"
        f"<h1>{escape(title)}</h1>\n{fragment}\n</html>\n"
    )


# --- the words of an edit --------------------------------------------------------------


def _step(old: Passages, new: Passages, edit: Edit) -> Step:
    before = None if edit.old is None else old[edit.old]
    after = None if edit.new is None else new[edit.new]
    above = [new[at].text for at in after.headings] if after else []
    if before and not after:
        above = [old[at].text for at in before.headings]
    return Step(edit, before, after, tuple(above))


def _woven(spans: Iterable[Span], old: str, new: str) -> Iterator[Run]:
    for span in spans:
        if span.kind in (SpanKind.EQUAL, SpanKind.RESTYLED):
            yield Run(span.kind, new[span.new_start : span.new_end])
            continue
        if span.old_end > span.old_start:
            yield Run(SpanKind.REMOVED, old[span.old_start : span.old_end])
        if span.new_end > span.new_start:
            yield Run(SpanKind.ADDED, new[span.new_start : span.new_end])


def _comes_first(pair: tuple[int, int], edit: Edit) -> bool:
    if edit.new is not None:
        return pair[1] < edit.new
    return edit.old is not None and pair[0] < edit.old


def _side(passage: Passage | None, position: int | None) -> dict[str, Any] | None:
    if passage is None:
        return None
    return {
        "position": position,
        "passage_id": passage.id,
        "kind": passage.kind.value,
        "text": passage.text,
        "start": passage.start,
        "end": passage.end,
    }
