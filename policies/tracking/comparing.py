"""Holds a version beside the one that it is to be compared with: which, and what differs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

from policies import changes
from policies.model import Edit, Passage, Topic, Verdict, VersionState
from policies.passages import wording
from policies.regions import names_region
from policies.store import writing
from policies.tracking.decide import alternates
from policies.tracking.job import Job, Text
from policies.tracking.rows import held_of
from policies.tracking.state import RULES, Held


@dataclass(frozen=True)
class Difference:
    """Two texts and the edits between them."""

    before: tuple[Passage, ...]
    now: tuple[Passage, ...]
    edits: tuple[Edit, ...]

    @cached_property
    def said(self) -> tuple[Edit, ...]:
        """The edits that say something."""
        return changes.substantial(self.edits, self.before, self.now)

    @property
    def weight(self) -> int:
        """How many characters those edits touch."""
        return sum(map(self._weight_of, self.said))

    @cached_property
    def rewordings(self) -> dict[str, int]:
        """A mark that is the same for the same edit wherever it happens -> its characters."""
        marks: Counter[str] = Counter()
        for edit in self.said:
            words = "\t".join((edit.kind.value, *map(wording, self._words(edit))))
            marks[sha256(words.encode()).hexdigest()[:16]] += self._weight_of(edit)
        return dict(sorted(marks.items()))

    @property
    def fingerprint(self) -> str:
        """The same for the same rewording, wherever it happens."""
        return sha256("\n".join(self.rewordings).encode()).hexdigest()[:32]

    def regional(self, lang: str) -> float:
        """The share of those characters in passages that name a region, 0 to 1."""
        named = sum(
            self._weight_of(edit)
            for edit in self.said
            if any(names_region(words, lang) for words in self._words(edit))
        )
        return round(named / self.weight, 3) if self.weight else 0.0

    def _weight_of(self, edit: Edit) -> int:
        return sum(map(len, self._words(edit)))

    def _words(self, edit: Edit) -> tuple[str, str]:
        """What an edit took away and what it brought; empty where it did not."""
        return (
            self.before[edit.old].text if edit.old is not None else "",
            self.now[edit.new].text if edit.new is not None else "",
        )


@dataclass(frozen=True)
class Compared(Difference):
    """A version beside the one that it is compared with."""

    base: Held


def compare(job: Job, held: Held) -> Compared:
    """A version of the job's track beside its base."""
    base, believed = _base_of(job, held)
    before, now = job.passages(base.text_id), job.passages(held.text_id)
    edits = changes.compare(before, now)
    if believed is not None:
        edits = changes.attributed(edits, before, now, believed)
    edits = changes.told_apart(edits, before, now)
    return Compared(before, now, edits, base)


def lasting(job: Job, compared: Compared, later: tuple[Passage, ...], until: datetime) -> Compared:
    """What was compared, with the edits told apart that no second capture bears out."""
    base = compared.base
    if base.last_seen > base.captured_at:
        established = compared.before
    else:
        established = _seen_elsewhere(job, base, until)
    edits = changes.lasting(compared.edits, compared.before, compared.now, later, established)
    return replace(compared, edits=edits)


def _seen_elsewhere(job: Job, base: Held, until: datetime) -> tuple[Passage, ...]:
    """The passages that captures beside a version's only one showed, since the version before it.

    Of a first version that was seen once everything is believed, for want of others.
    """
    texts = writing.texts_around(
        job.connection, job.page.id, job.capture.origin, base.version_id, until
    )
    if not texts:
        return job.passages(base.text_id)
    return tuple(passage for text_id in texts for passage in job.passages(text_id))


def nearest(job: Job, text: Text) -> Held:
    """The version that a new text is compared with: the current one, or an alternate."""
    current = job.track.current
    assert current is not None
    others = [v.held for v in job.track.variants if alternates(v, job.at)]
    if not others:
        return current
    ids = {p.id for p in job.passages(text.id)}

    def likeness(held: Held) -> float:
        theirs = {p.id for p in job.passages(held.text_id)}
        return len(ids & theirs) / (len(ids | theirs) or 1)

    return max([current, *others], key=likeness)


def is_told(job: Job, compared: Compared, at: datetime) -> bool:
    """Whether an alternate only catches up with a rewording that was published already."""
    current = job.track.current
    if current is None or compared.base.version_id == current.version_id:
        return False
    page, origin, mark = job.page.id, job.capture.origin, compared.fingerprint
    return writing.has_twin(job.connection, page, origin, mark, at - RULES.window)


def topics(job: Job, compared: Compared, held: Held) -> tuple[Topic, ...]:
    """The topics of what was compared."""
    old, new = _verdicts(job, compared.base), _verdicts(job, held)
    return changes.touched(compared.said, old, new)


def _verdicts(job: Job, held: Held) -> dict[int, Verdict]:
    found = writing.load_disclosures(job.connection, held.text_id, job.page.scope)
    return {position: verdict for position, (_, verdict) in found.items()}


def _base_of(job: Job, held: Held) -> tuple[Held, tuple[Passage, ...] | None]:
    """The version that one is compared with, and what it held before it was read in a new way."""
    row = _version(job, _version(job, held.version_id).base_id)
    if row.state != VersionState.REREAD:
        return held_of(row), None
    return held_of(row), job.passages(_version(job, row.base_id).text_id)


def _version(job: Job, id_: str) -> Any:
    return writing.load_versions(job.connection, [id_])[id_]
