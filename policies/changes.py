"""Two versions become edits: aligned passages, words marked in every pair, moves recognised.

Passages are aligned by id, never as text: first those that stand once in both versions, by
their longest common order; then what lies between them, by `difflib`. What is left over is
paired by the words it shares, and only inside a pair are words compared. Every step is bounded,
so that a page made to be slow is not.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from hashlib import blake2b

from policies.model import Edit, EditKind, Passage, Span, SpanKind, Topic, Verdict
from policies.passages import (
    is_in_other_language,
    is_incidental,
    key,
    letters,
    tongue,
    wording,
)

# Two passages are one reworded where they share this part of their words (Dice) … 2026-11-22:
# chosen by reading pairs of the histories in `shared/ota`; below it pairs are chance.
_NEARBY = 0.4  # … between the same neighbours
_ANYWHERE = 0.75  # … wherever they stand
_LARGEST_GAP = 250_000  # passages × passages that difflib may look at between two anchors
_LARGEST_PAIR = 500_000  # words × words that difflib may look at in a pair
_MOST_CANDIDATES = 500_000  # pairs that are looked at; a page made to hurt proposes more
_COMMON_WORD = 40  # a word in more leftover passages than this does not propose pairs


def compare(old: Sequence[Passage], new: Sequence[Passage]) -> tuple[Edit, ...]:
    """The edits that lead from one version's passages to another's, in reading order."""
    kept = _aligned([p.id for p in old], [p.id for p in new])
    restyled = [(i, j) for i, j in kept if old[i].text != new[j].text]
    gone = set(range(len(old))) - {i for i, _ in kept}
    come = set(range(len(new))) - {j for _, j in kept}
    moved = _moves(old, new, gone, come)
    gone -= {i for i, _ in moved}
    come -= {j for _, j in moved}
    replaced = _pairs(old, new, gone, come, kept)
    gone -= {i for i, _ in replaced}
    come -= {j for _, j in replaced}
    edits = [
        *(_edit(EditKind.RESTYLED, old, new, i, j) for i, j in restyled),
        *(_edit(EditKind.MOVED, old, new, i, j) for i, j in moved),
        *(_edit(EditKind.REPLACED, old, new, i, j) for i, j in replaced),
        *(Edit(EditKind.REMOVED, i, None) for i in gone),
        *(Edit(EditKind.ADDED, None, j) for j in come),
    ]
    return tuple(sorted(edits, key=_reading_order(kept)))


def rebuild(old: Sequence[str], edits: Sequence[Edit], new: Sequence[str]) -> list[str]:
    """The new version's passages, made from the old ones by the edits.

    Of `new` only what the edits bring is looked at: added passages and added words.
    """
    by_new = {edit.new: edit for edit in edits if edit.new is not None}
    used = {edit.old for edit in edits if edit.old is not None}
    kept = iter([text for i, text in enumerate(old) if i not in used])
    total = len(by_new) + len(old) - len(used)
    built = []
    for j in range(total):
        edit = by_new.get(j)
        if edit is None:
            built.append(next(kept))
        elif edit.old is None:
            built.append(new[j])
        elif edit.spans:
            built.append(_applied(old[edit.old], edit.spans, new[j]))
        else:
            built.append(old[edit.old])
    return built


def words(old: str, new: str) -> tuple[Span, ...]:
    """The spans that lead from one text to another, by words; together they cover both."""
    a, b = _tokens(old), _tokens(new)
    if len(a) * len(b) > _LARGEST_PAIR:
        return (
            Span(SpanKind.REMOVED, 0, len(old), 0, 0),
            Span(SpanKind.ADDED, len(old), len(old), 0, len(new)),
        )
    a_keys, b_keys = [key(t) for t in a], [key(t) for t in b]
    a_at, b_at = _offsets(a), _offsets(b)
    spans: list[Span] = []
    for tag, i1, i2, j1, j2 in _joined(a, SequenceMatcher(None, a_keys, b_keys, autojunk=False)):
        o1, o2, n1, n2 = a_at[i1], a_at[i2], b_at[j1], b_at[j2]
        if tag == "equal":
            spans.extend(_equal(a, b, a_at, b_at, i1, i2, j1))
            continue
        if o2 > o1:
            spans.append(Span(SpanKind.REMOVED, o1, o2, n1, n1))
        if n2 > n1:
            spans.append(Span(SpanKind.ADDED, o2, o2, n1, n2))
    return tuple(spans)


def touched(
    edits: Iterable[Edit],
    old: Mapping[int, Verdict],
    new: Mapping[int, Verdict],
) -> tuple[Topic, ...]:
    """The topics of the passages that a change adds, removes or rewords, in the order of Topic."""
    found: set[Topic] = set()
    for edit in edits:
        if edit.kind not in (EditKind.ADDED, EditKind.REMOVED, EditKind.REPLACED):
            continue
        for position, verdicts in ((edit.old, old), (edit.new, new)):
            if position is not None and position in verdicts:
                found.update(verdicts[position].topics)
    return tuple(topic for topic in Topic if topic in found)


def attributed(
    edits: Iterable[Edit],
    old: Sequence[Passage],
    new: Sequence[Passage],
    believed: Iterable[Passage],
) -> tuple[Edit, ...]:
    """The edits, with those that a new way of reading made told apart as technical.

    `believed`: what the old version held when it was read in the old way. Words that went, but
    were not believed to stand there, and words that came, but were, are no doing of the vendor's.
    """
    there = {wording(p.text) for p in believed}

    def is_theirs(edit: Edit) -> bool:
        gone = edit.old is not None and wording(old[edit.old].text) in there
        come = edit.new is not None and wording(new[edit.new].text) not in there
        return (gone and come) if edit.kind is EditKind.REPLACED else (gone or come)

    return tuple(
        edit
        if edit.kind.is_quiet or is_theirs(edit)
        else Edit(EditKind.TECHNICAL, edit.old, edit.new, edit.spans)
        for edit in edits
    )


def told_apart(
    edits: Iterable[Edit], old: Sequence[Passage], new: Sequence[Passage]
) -> tuple[Edit, ...]:
    """The edits, with those that say nothing told apart as incidental."""
    edits = tuple(edits)
    said = {(edit.old, edit.new) for edit in substantial(edits, old, new)}
    return tuple(
        edit
        if edit.kind.is_quiet or (edit.old, edit.new) in said
        else replace(edit, kind=EditKind.INCIDENTAL)
        for edit in edits
    )


def substantial(
    edits: Iterable[Edit], old: Sequence[Passage], new: Sequence[Passage]
) -> tuple[Edit, ...]:
    """The edits that say something: new words, or words that are gone.

    Left out are moves, typography, labels, lines that only hold a date, a repetition that comes
    or goes while the same words stand elsewhere in both versions, the same letters cut into other
    words or passages, and what is in another language than the page.
    """
    edits = tuple(edits)
    was, is_ = [wording(p.text) for p in old], [wording(p.text) for p in new]
    before, after = frozenset(was), frozenset(is_)
    cut_old, cut_new = _cut_anew(edits, was, is_)
    lang = tongue(was)

    def says(said: str, text: str, elsewhere: frozenset[str]) -> bool:
        if not said or said in elsewhere or is_incidental(text):
            return False
        return lang is None or not is_in_other_language(said, lang)

    def gone(i: int | None) -> bool:
        return i is not None and i not in cut_old and says(was[i], old[i].text, after)

    def come(j: int | None) -> bool:
        return j is not None and j not in cut_new and says(is_[j], new[j].text, before)

    return tuple(e for e in edits if not e.kind.is_quiet and (gone(e.old) or come(e.new)))


_MOST_CUTS = 8  # passages that one may be cut into, or joined from
_LONGEST_CUT = 4_000  # letters of them


def _cut_anew(
    edits: Iterable[Edit], was: Sequence[str], is_: Sequence[str]
) -> tuple[set[int], set[int]]:
    """Positions (old, new) of passages whose letters stand in the other version, cut otherwise.

    A line break where a semicolon was, a sentence that ends elsewhere, "web site" for "website".
    """
    touched = [edit for edit in edits if not edit.kind.is_quiet]
    before = _runs({edit.old for edit in touched if edit.old is not None}, was)
    after = _runs({edit.new for edit in touched if edit.new is not None}, is_)
    same = before.keys() & after.keys()
    return (
        {position for run in same for first, end in before[run] for position in range(first, end)},
        {position for run in same for first, end in after[run] for position in range(first, end)},
    )


def _runs(positions: set[int], said: Sequence[str]) -> Mapping[bytes, list[tuple[int, int]]]:
    """A digest of the letters of passages that stand together -> where (first, after the last)."""
    parts = {position: letters(said[position]) for position in positions}
    runs: dict[bytes, list[tuple[int, int]]] = defaultdict(list)
    for first in positions:
        run, length, last = blake2b(digest_size=12), 0, ""
        for position in range(first, first + _MOST_CUTS):
            if position not in parts or length > _LONGEST_CUT:
                break
            part = parts[position]
            if last.isdigit() and part[:1].isdigit():  # two numbers, not a longer one
                part = f" {part}"
            run.update(part.encode())
            length, last = length + len(part), part[-1:] or last
            if length:
                runs[run.digest()].append((first, position + 1))
    return runs


def lasting(
    edits: Iterable[Edit],
    old: Sequence[Passage],
    new: Sequence[Passage],
    later: Iterable[Passage],
    established: Iterable[Passage],
) -> tuple[Edit, ...]:
    """The edits, with those told apart as passing that a later text does not bear out.

    Words that came last if the later text has them. Words that went last if it has them not, and
    if they were `established`: advertisements and counters that stood in one capture go, too.
    """
    is_, known = _said(later), _said(established)

    def lasts(edit: Edit) -> bool:
        if edit.new is not None:
            return wording(new[edit.new].text) in is_
        assert edit.old is not None
        said = wording(old[edit.old].text)
        return said not in is_ and said in known

    return tuple(
        edit
        if edit.kind.is_quiet or lasts(edit)
        else Edit(EditKind.PASSING, edit.old, edit.new, edit.spans)
        for edit in edits
    )


def _said(passages: Iterable[Passage]) -> set[str]:
    return {wording(p.text) for p in passages}


# --- alignment -------------------------------------------------------------------------


def _aligned(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """(old, new) positions of passages that stand in both versions in the same order."""
    pairs: list[tuple[int, int]] = []
    i = j = 0
    for anchor_i, anchor_j in [*_anchors(old, new), (len(old), len(new))]:
        pairs.extend(_aligned_gap(old, new, (i, anchor_i), (j, anchor_j)))
        if anchor_i < len(old):
            pairs.append((anchor_i, anchor_j))
        i, j = anchor_i + 1, anchor_j + 1
    return pairs


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Positions of ids that stand once in each version, in their longest common order."""
    once_old = {id_: i for id_, i in _places(old).items() if i is not None}
    once_new = {id_: j for id_, j in _places(new).items() if j is not None}
    both = [(once_old[id_], j) for id_, j in once_new.items() if id_ in once_old]
    return _longest_rise(both)


def _places(ids: Sequence[str]) -> dict[str, int | None]:
    places: dict[str, int | None] = {}
    for position, id_ in enumerate(ids):
        places[id_] = None if id_ in places else position
    return places


def _longest_rise(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest run of pairs (ordered by their second) whose first numbers rise."""
    ends: list[int] = []  # smallest last number of a rise, by length
    end_at: list[int] = []  # where in pairs that number is
    before: list[int] = []
    for at, (number, _) in enumerate(pairs):
        length = bisect_left(ends, number)
        before.append(end_at[length - 1] if length else -1)
        ends[length : length + 1] = [number]
        end_at[length : length + 1] = [at]
    rise: list[tuple[int, int]] = []
    at = end_at[-1] if end_at else -1
    while at >= 0:
        rise.append(pairs[at])
        at = before[at]
    return rise[::-1]


def _aligned_gap(
    old: Sequence[str], new: Sequence[str], a: tuple[int, int], b: tuple[int, int]
) -> Iterator[tuple[int, int]]:
    """Aligned positions between two anchors, where ids may stand more than once."""
    (i1, i2), (j1, j2) = a, b
    while i1 < i2 and j1 < j2 and old[i1] == new[j1]:
        yield i1, j1
        i1, j1 = i1 + 1, j1 + 1
    ending = []
    while i1 < i2 and j1 < j2 and old[i2 - 1] == new[j2 - 1]:
        i2, j2 = i2 - 1, j2 - 1
        ending.append((i2, j2))
    if 0 < (i2 - i1) * (j2 - j1) <= _LARGEST_GAP:
        matcher = SequenceMatcher(None, old[i1:i2], new[j1:j2], autojunk=False)
        for block in matcher.get_matching_blocks():
            for step in range(block.size):
                yield i1 + block.a + step, j1 + block.b + step
    yield from reversed(ending)


def _moves(
    old: Sequence[Passage], new: Sequence[Passage], gone: set[int], come: set[int]
) -> list[tuple[int, int]]:
    """Pairs of the same passage that was taken out in one place and put in at another."""
    waiting: dict[str, list[int]] = defaultdict(list)
    for i in sorted(gone, reverse=True):
        waiting[old[i].id].append(i)
    return [(waiting[new[j].id].pop(), j) for j in sorted(come) if waiting[new[j].id]]


def _pairs(
    old: Sequence[Passage],
    new: Sequence[Passage],
    gone: set[int],
    come: set[int],
    kept: Sequence[tuple[int, int]],
) -> list[tuple[int, int]]:
    """Pairs of a removed and an added passage that are one passage reworded, best first."""
    old_words = {i: _bag(old[i].text) for i in gone}
    new_words = {j: _bag(new[j].text) for j in come}
    old_gap = _gaps(gone, [i for i, _ in kept])
    new_gap = _gaps(come, [j for _, j in kept])
    scored = []
    sizes = {i: bag.total() for i, bag in old_words.items()}
    new_sizes = {j: bag.total() for j, bag in new_words.items()}
    for i, j in _candidates(old_words, new_words):
        same_gap = old_gap[i] == new_gap[j]
        least = _NEARBY if same_gap else _ANYWHERE
        total = sizes[i] + new_sizes[j]
        if 2 * min(sizes[i], new_sizes[j]) / total < least:  # too unlike in length alone
            continue
        alike = 2 * _shared(old_words[i], new_words[j]) / total
        if alike >= least:
            scored.append((-alike, not same_gap, abs(i - j), i, j))
    pairs: list[tuple[int, int]] = []
    free_old, free_new = set(gone), set(come)
    for *_, i, j in sorted(scored):
        if i in free_old and j in free_new:
            pairs.append((i, j))
            free_old.remove(i)
            free_new.remove(j)
    return pairs


def _gaps(positions: Iterable[int], anchors: Sequence[int]) -> dict[int, int]:
    """Position -> between which two aligned passages it stands."""
    return {position: bisect_left(anchors, position) for position in positions}


def _candidates(
    old: Mapping[int, Counter[str]], new: Mapping[int, Counter[str]]
) -> set[tuple[int, int]]:
    """Pairs that share a word which is not in many of the leftover passages."""
    where: dict[str, list[int]] = defaultdict(list)
    for i, bag in old.items():
        for word in bag:
            where[word].append(i)
    found: set[tuple[int, int]] = set()
    for j, bag in new.items():
        for word in bag:
            if len(where.get(word, ())) <= _COMMON_WORD:
                found.update((i, j) for i in where.get(word, ()))
        if len(found) > _MOST_CANDIDATES:
            break
    return found


def _bag(text: str) -> Counter[str]:
    return Counter(wording(text).split())


def _shared(a: Counter[str], b: Counter[str]) -> int:
    """How many words two passages share, each as often as it stands in both."""
    return sum(min(count, b[word]) for word, count in a.items() if word in b)


def _edit(kind: EditKind, old: Sequence[Passage], new: Sequence[Passage], i: int, j: int) -> Edit:
    same = old[i].text == new[j].text
    return Edit(kind, i, j, () if same else words(old[i].text, new[j].text))


def _reading_order(kept: Sequence[tuple[int, int]]):  # type: ignore[no-untyped-def]
    """A sort key: where an edit stands in the new version, removals after what they followed."""
    old_kept = [i for i, _ in kept]

    def order(edit: Edit) -> tuple[float, int, int]:
        if edit.new is not None:
            return (edit.new, 1, 0)
        assert edit.old is not None
        before = bisect_left(old_kept, edit.old)
        return (kept[before - 1][1] + 0.5 if before else -0.5, 0, edit.old)

    return order


# --- words -----------------------------------------------------------------------------

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text)


def _offsets(tokens: Sequence[str]) -> list[int]:
    offsets = [0]
    for token in tokens:
        offsets.append(offsets[-1] + len(token))
    return offsets


def _joined(
    tokens: Sequence[str], matcher: SequenceMatcher[str]
) -> Iterator[tuple[str, int, int, int, int]]:
    """Opcodes, with a lone space or mark between two changed runs taken into them.

    Three words replaced by three others read as one replacement, not as three.
    """
    codes = matcher.get_opcodes()
    run: list[tuple[str, int, int, int, int]] = []
    for at, code in enumerate(codes):
        tag, i1, i2, _, _ = code
        inside = 0 < at < len(codes) - 1
        between = tag == "equal" and inside and not "".join(tokens[i1:i2]).strip(" ,.;:-")
        if tag != "equal" or between:
            run.append(code)
            continue
        yield from _one(run)
        run = []
        yield code
    yield from _one(run)


def _one(
    run: Sequence[tuple[str, int, int, int, int]],
) -> Iterator[tuple[str, int, int, int, int]]:
    if run:
        yield "replace", run[0][1], run[-1][2], run[0][3], run[-1][4]


def _equal(
    a: Sequence[str],
    b: Sequence[str],
    a_at: Sequence[int],
    b_at: Sequence[int],
    i1: int,
    i2: int,
    j1: int,
) -> Iterator[Span]:
    """Spans of tokens with equal keys: exactly equal ones apart from restyled ones."""
    start = i1
    for i in range(i1, i2 + 1):
        shift = j1 - i1
        if i == i2 or (a[i] == b[i + shift]) != (a[start] == b[start + shift]):
            if i > start:
                same = a[start] == b[start + shift]
                kind = SpanKind.EQUAL if same else SpanKind.RESTYLED
                yield Span(kind, a_at[start], a_at[i], b_at[start + shift], b_at[i + shift])
            start = i


def _applied(old: str, spans: Iterable[Span], new: str) -> str:
    parts = []
    for span in spans:
        if span.kind is SpanKind.EQUAL:
            parts.append(old[span.old_start : span.old_end])
        elif span.kind is not SpanKind.REMOVED:
            parts.append(new[span.new_start : span.new_end])
    return "".join(parts)
