"""Reads which way changes go: when they are published, and again after an upgrade."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from policies import direction
from policies.changes import substantial, touched
from policies.direction import Claim, Directed
from policies.disclosures import LANGUAGES, Detector
from policies.model import BlockKind, Edit, Passage, Scope, Topic, Verdict
from policies.store import Store, codec, rereading, writing
from policies.tracking.comparing import Compared
from policies.tracking.disclose import disclose, mark_of
from policies.tracking.job import Job
from policies.tracking.state import Held

Claims = dict[int, tuple[tuple[Topic, ...], Claim]]


def mark(detector: Detector, lang: str) -> str:
    """Under which name a change is said to be directed: by these rules and this detector."""
    told = f"{direction.VERSION}:{mark_of(detector, lang)}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def directions(job: Job, compared: Compared, held: Held, topics: Sequence[Topic]) -> dict[str, Any]:
    """Which way a change goes that is about to be published, as `put_change` keeps it."""
    scope, lang = job.page.scope, job.page.lang
    found = direction.direct(
        topics,
        compared.said,
        _claims(job.connection, job.detector, compared.base.text_id, compared.before, scope, lang),
        _claims(job.connection, job.detector, held.text_id, compared.now, scope, lang),
    )
    return {"directions": direction.pack(found), "directed_by": mark(job.detector, lang)}


def between(
    detector: Detector,
    lang: str,
    scope: Scope,
    before: Sequence[Passage],
    now: Sequence[Passage],
    edits: Sequence[Edit],
) -> dict[Topic, Directed]:
    """Which way two texts that no store holds differ; empty in a language that is not read."""
    was = disclose(detector, lang, scope, before)
    is_ = disclose(detector, lang, scope, now, before, was)
    said = substantial(edits, before, now)
    topics = touched(said, _verdicts(was), _verdicts(is_))
    return direction.direct(
        topics, said, claims(detector, lang, before, was), claims(detector, lang, now, is_)
    )


def _verdicts(found: Mapping[int, tuple[str, Verdict]]) -> dict[int, Verdict]:
    return {position: verdict for position, (_, verdict) in found.items()}


def outdated(store: Store, detector: Detector) -> list[str]:
    """Ids of the changes that other rules, another detector, or nobody directed."""
    marks = {lang: mark(detector, lang) for lang in LANGUAGES}
    with store.engine.connect() as connection:
        return rereading.directed_otherwise(connection, marks, mark(detector, ""))


def redirect(store: Store, detector: Detector, seen: Callable[[int], None]) -> int:
    """Direct every outdated change again, each in a transaction of its own; how many.

    Computed from the stored edits and what both texts are known to say: run it after `reread`.
    """
    waiting = outdated(store, detector)
    for change_id in waiting:
        with store.engine.execution_options(writes=True).begin() as connection:
            _redirect(connection, detector, change_id)
        seen(1)
    return len(waiting)


def _redirect(connection: sa.Connection, detector: Detector, change_id: str) -> None:
    change = rereading.change(connection, change_id)
    scope = Scope(change.scope)
    before = writing.load_passages(connection, change.before_text)
    now = writing.load_passages(connection, change.after_text)
    said: Sequence[Edit] = substantial(codec.unpack_edits(change.edits), before, now)
    found = direction.direct(
        [Topic(topic) for topic in change.topics],
        said,
        _claims(connection, detector, change.before_text, before, scope, change.lang),
        _claims(connection, detector, change.after_text, now, scope, change.lang),
    )
    rereading.set_directions(
        connection, change_id, direction.pack(found), mark(detector, change.lang)
    )


def _claims(
    connection: sa.Connection,
    detector: Detector,
    text_id: str,
    passages: Sequence[Passage],
    scope: Scope,
    lang: str,
) -> Claims:
    verdicts = writing.load_disclosures(connection, text_id, scope)
    return claims(detector, lang, passages, verdicts)


def claims(
    detector: Detector,
    lang: str,
    passages: Sequence[Passage],
    verdicts: Mapping[int, tuple[str, Verdict]],
) -> Claims:
    """What the passages of a text claim, headings left out: they only announce."""
    return {
        position: (verdict.topics, _claim(detector, position, passages[position], verdict, lang))
        for position, (_, verdict) in verdicts.items()
        if passages[position].kind is not BlockKind.HEADING
    }


def _claim(
    detector: Detector, position: int, passage: Passage, verdict: Verdict, lang: str
) -> Claim:
    words = verdict.slots.get("retention")
    if words is None or lang not in LANGUAGES:
        return direction.claim(position, passage.text, verdict, lang)
    kept = detector.retention(words, lang)
    return direction.claim(
        position,
        passage.text,
        verdict,
        lang,
        days=kept.days,
        until_deleted=kept.until_deleted,
    )
