"""Writes versions, and what follows from them: what they say, and how long passages live."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from policies.model import Passage, VersionState
from policies.store import writing
from policies.tracking.disclose import disclose, mark_of
from policies.tracking.job import Job, Text
from policies.tracking.state import Held


def new_version(
    job: Job,
    text: Text,
    state: VersionState,
    base: Held | None,
    first_capture: str,
    first_at: datetime,
) -> Held:
    """Record a version of the job's page, and what it says.

    `base`: what it is compared with; `first_capture`, `first_at`: what first showed it.
    """
    version = writing.put_version(
        job.connection,
        page_id=job.page.id,
        origin=job.capture.origin,
        text_id=text.id,
        capture_id=first_capture,
        captured_at=first_at,
        last_seen=job.seen_until,
        method=text.method,
        state=state,
        base_id=base.version_id if base else None,
        confirmed_at=first_at if state is VersionState.BASELINE else None,
    )
    disclose_text(job, text.id, base.text_id if base else None)
    return Held(
        version,
        text.id,
        text.signature,
        text.region,
        text.method,
        first_capture,
        first_at,
        job.seen_until,
        is_baseline=state is VersionState.BASELINE,
    )


def disclose_text(job: Job, text_id: str, near_id: str | None) -> None:
    """Keep what a text says, unless this detector already judged it."""
    connection, page = job.connection, job.page
    mark = mark_of(job.detector, page.lang)
    if writing.read_with(connection, text_id, page.scope) == mark:
        return
    near: tuple[Passage, ...] = ()
    known = None
    if near_id and writing.read_with(connection, near_id, page.scope) == mark:
        near = job.passages(near_id)
        known = writing.load_disclosures(connection, near_id, page.scope)
    passages = job.passages(text_id)
    verdicts = disclose(job.detector, page.lang, page.scope, passages, near, known)
    writing.put_disclosures(connection, text_id, page.scope, mark, verdicts)


def see_again(job: Job, held: Held) -> Held:
    """The version, seen until the job's capture."""
    writing.set_version(job.connection, held.version_id, last_seen=job.seen_until)
    return replace(held, last_seen=job.seen_until)


def set_state(job: Job, held: Held, state: VersionState, **values: Any) -> None:
    """Bring a version's state up to date, and other columns with it."""
    writing.set_version(job.connection, held.version_id, state=state.value, **values)


def move_spells(job: Job, held: Held) -> None:
    """From the lifetimes of the current text's passages to those of another's."""
    writing.move_spells(
        job.connection,
        job.page.id,
        job.capture.origin,
        job.current_passages(),
        job.passages(held.text_id),
        held.captured_at,
    )
