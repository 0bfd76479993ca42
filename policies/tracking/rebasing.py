"""Reads what a track holds in another way: after a new selector or extractor, like with like.

Our change is not theirs: the believed version, the one that waits and the variants are read again
from the captures that first showed them, and what differs is never published.
"""

from __future__ import annotations

from dataclasses import replace

from policies.model import VersionState
from policies.store import writing
from policies.tracking.job import Job
from policies.tracking.reading import keep, reread
from policies.tracking.rows import held_of
from policies.tracking.state import Held, Track, Variant
from policies.tracking.versions import disclose_text, move_spells, set_state


def rebase(job: Job, method: str) -> bool:
    """Read the job's track in a way; whether it is now read so. What cannot be, stays."""
    current = job.track.current
    if current is None or current.method == method:
        return current is not None
    again = _read_again(job, current, method, VersionState.REREAD, current.version_id)
    if again is None:
        return False
    move_spells(job, again)
    job.track = replace(
        job.track,
        current=again,
        pending=_waiting(job, again, method),
        variants=_variants(job.track, job, again, method),
    )
    return True


def _waiting(job: Job, current: Held, method: str) -> Held | None:
    """The version that waits, as the new way reads it; None: there is none, or it cannot be."""
    waiting = job.track.pending
    if waiting is None:
        return None
    again = _read_again(job, waiting, method, VersionState.PENDING, current.version_id)
    if again is None or again.version_id != waiting.version_id:
        set_state(job, waiting, VersionState.UNCONFIRMED)
    if again is None:
        return None
    if again.signature == current.signature:  # only the old way saw a difference
        set_state(job, again, VersionState.UNCONFIRMED)
        return None
    set_state(job, again, VersionState.PENDING)
    return again


def _variants(track: Track, job: Job, current: Held, method: str) -> tuple[Variant, ...]:
    """The variants that the new way reads, and tells from the current version."""
    found = []
    for variant in track.variants:
        held = variant.held
        again = _read_again(job, held, method, VersionState.REREAD, held.version_id)
        if again is not None and again.signature != current.signature:
            found.append(replace(variant, held=again))
    return tuple(found)


def _read_again(
    job: Job, held: Held, method: str, state: VersionState, base_id: str
) -> Held | None:
    """A version as another way reads the capture that first showed it; None: it cannot."""
    known = writing.version_read_by(
        job.connection, job.page.id, job.capture.origin, held.captured_at, method
    )
    if known is not None:
        writing.set_version(job.connection, known.id, last_seen=held.last_seen)
        return replace(held_of(known), is_baseline=held.is_baseline, last_seen=held.last_seen)
    again = reread(job, held, method)
    if again is None:
        return None
    text = keep(job, method, *again)
    version = writing.version_id(job.page.id, job.capture.origin, text.id, held.captured_at)
    # Read in this way before, or the same words in both ways: the version stays what it is.
    if not writing.set_version(job.connection, version, reading=method, last_seen=held.last_seen):
        writing.put_version(
            job.connection,
            page_id=job.page.id,
            origin=job.capture.origin,
            text_id=text.id,
            capture_id=held.capture_id,
            captured_at=held.captured_at,
            last_seen=held.last_seen,
            method=method,
            state=state,
            base_id=base_id,
        )
        disclose_text(job, text.id, held.text_id)
    return replace(
        held,
        version_id=version,
        text_id=text.id,
        signature=text.signature,
        region=text.region,
        method=method,
    )
