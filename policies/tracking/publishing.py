"""Writes what a decision means: versions, changes, lifetimes, and where the track stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from policies import judge
from policies.model import Health, Outcome, Reason, VersionState
from policies.store import writing
from policies.tracking import comparing, events
from policies.tracking.comparing import Compared
from policies.tracking.decide import Decision, Sighting, Step, after, alternates, decide, patience
from policies.tracking.directing import directions
from policies.tracking.job import Job, Judgement, Text
from policies.tracking.reading import Read, Unread
from policies.tracking.rebasing import rebase
from policies.tracking.rows import row_of_track
from policies.tracking.state import CRAWL, RULES, Held, Track
from policies.tracking.versions import move_spells, new_version, see_again, set_state


def publish(job: Job, found: Read | Unread) -> Judgement:
    """Decide what a reading means for its page, and write it."""
    if isinstance(found, Read):
        rebase(job, found.text.method)
        text = found.text
        sighting = Sighting(text.signature, text.region, job.capture_id, job.at, job.seen_until)
        decision = decide(job.track, sighting)
        because: tuple[Reason, ...] = ()
        published = _bear_out(job, text, decision)
        if published is not None:  # the text that waited is the current one now: decide anew
            decision, because = decide(job.track, sighting), _BORNE_OUT
        judgement = _advance(job, found, decision, job.capture_id, job.at, because=because)
        return replace(judgement, published=(*(published or ()), *judgement.published))
    remnant = _remnant(job, found)
    if remnant is None:
        return _unread(job, found)
    decision, first_capture, first_at = remnant
    assert found.text is not None
    read = Read(found.text, found.reading.warnings)
    rebase(job, read.text.method)
    return _advance(job, read, decision, first_capture, first_at)


def _bear_out(job: Job, text: Text, decision: Decision) -> tuple[str, ...] | None:
    """Confirm the text that waits, if a new one bears out enough of its edits.

    The ids of the changes published with that; None: it was not confirmed. So an edit gets
    through on a page that differs at every look, and one that is edited faster than it is
    looked at.
    """
    waiting = job.track.pending
    if waiting is None or decision.step not in (Step.WAITS, Step.STANDS):
        return None
    compared = comparing.compare(job, waiting)
    lasts = comparing.lasting(job, compared, job.passages(text.id), waiting.captured_at)
    if not lasts.said or lasts.weight < RULES.borne_out * compared.weight:
        return None
    published = _confirm(job, waiting, job.at, lasts)
    job.track = after(job.track, Decision(Step.CONFIRMS, *_BORNE_OUT), waiting)
    return published


_BORNE_OUT = (Reason("borne-out", "a later text bears out what the waiting one changed"),)


# --- unread ----------------------------------------------------------------------------


def _unread(job: Job, found: Unread) -> Judgement:
    outcome, reasons = found.reading.outcome, found.reading.reasons
    assert outcome is not None
    _put_capture(job, outcome, reasons, found.text)
    health = Health.STALE if outcome is Outcome.FAILED else Health(outcome.value)
    track = replace(
        _with_health(job, health, reasons[0].says if reasons else ""),
        failures=job.track.failures + 1,
        last_capture_at=job.at,
    )
    _put_track(job, track)
    return Judgement(job.page.id, job.capture_id, outcome, reasons)


def _remnant(job: Job, found: Unread) -> tuple[Decision, str, datetime] | None:
    """A page of which most was really taken out, believed when it stays so.

    The decision, and the id and time of the capture that first showed the rest.
    """
    if found.text is None or not judge.is_remnant(found.reading):
        return None
    run = writing.run_of_unread(job.connection, job.page.id, job.capture.origin, found.text.id)
    first_capture, first_at = (run[0].id, run[0].captured_at) if run else (job.capture_id, job.at)
    captures, stayed = len(run) + 1, job.seen_until - first_at
    crawled = job.capture.origin == CRAWL
    if crawled and captures < RULES.remnant_captures:
        return None
    if stayed < (RULES.remnant if crawled else RULES.remnant_in_archive):
        return None
    says = "most of the page was taken out, and it stays so"
    numbers = {"captures": captures, "days": stayed.days}
    return Decision(Step.STANDS, Reason("remnant", says, numbers)), first_capture, first_at


# --- read ------------------------------------------------------------------------------


def _advance(
    job: Job,
    read: Read,
    decision: Decision,
    first_capture: str,
    first_at: datetime,
    *,
    because: tuple[Reason, ...] = (),
) -> Judgement:
    """Write a decision. `first_capture`, `first_at`: what first showed the text.

    `because`: what the capture led to besides.
    """
    is_new = decision.step in (Step.FIRST, Step.WAITS, Step.STANDS)
    outcome = Outcome.CHANGED if is_new else Outcome.UNCHANGED
    reasons = (*because, decision.reason)
    _put_capture(job, outcome, reasons, read.text)
    held, published = _held(job, read.text, decision, first_capture, first_at)
    if job.track.pending and decision.step is not Step.CONFIRMS:
        set_state(job, job.track.pending, VersionState.UNCONFIRMED)
    job.track = after(job.track, decision, held)
    _keep_track(job, read.warnings)
    return Judgement(
        job.page.id, job.capture_id, outcome, reasons, read.warnings, held.version_id, published
    )


def _held(
    job: Job, text: Text, decision: Decision, first_capture: str, first_at: datetime
) -> tuple[Held, tuple[str, ...]]:
    """The version of the text that was seen, and the ids of the changes published with it."""
    track, step = job.track, decision.step
    if step is Step.SAME:
        assert track.current is not None
        return see_again(job, track.current), ()
    if step is Step.RETURNS:
        assert decision.variant is not None
        return see_again(job, decision.variant.held), ()
    if step is Step.ADOPTS:
        assert decision.variant is not None
        held = see_again(job, decision.variant.held)
        set_state(job, held, VersionState.CONFIRMED, confirmed_at=job.at)
        move_spells(job, replace(held, captured_at=decision.variant.since or job.at))
        return held, ()
    if step is Step.CONFIRMS:
        assert track.pending is not None
        compared = comparing.compare(job, track.pending)
        lasts = comparing.lasting(job, compared, compared.now, track.pending.captured_at)
        held = see_again(job, track.pending)
        return held, _confirm(job, held, job.at, lasts)
    if step is Step.FIRST:
        if track.current is not None:
            set_state(job, track.current, VersionState.UNCONFIRMED)
        held = new_version(job, text, VersionState.BASELINE, None, first_capture, first_at)
        move_spells(job, held)
        return held, ()
    if step is Step.SETTLES:
        assert decision.variant is not None
        assert decision.variant.since is not None
        assert decision.variant.since_capture is not None
        first_capture, first_at = decision.variant.since_capture, decision.variant.since
        # The text as that capture showed it: a dated line may differ from today's.
        shown = writing.known_capture(job.connection, first_capture).text_id
        text = replace(text, id=shown)
    base = track.current if step is Step.SETTLES else comparing.nearest(job, text)
    state = VersionState.VARIANT if step is Step.SHIFTS else VersionState.PENDING
    held = new_version(job, text, state, base, first_capture, first_at)
    if step in (Step.WAITS, Step.SHIFTS):
        return held, ()
    wait = RULES.stands
    if step is Step.SETTLES and track.current is not None:
        wait = patience(track.current)
    return held, _confirm(job, held, job.at if job.capture.origin == CRAWL else first_at + wait)


def _confirm(
    job: Job, held: Held, confirmed_at: datetime, compared: Compared | None = None
) -> tuple[str, ...]:
    """Believe a version and publish its change, unless it says nothing new."""
    compared = compared or comparing.compare(job, held)
    set_state(
        job,
        held,
        VersionState.CONFIRMED,
        confirmed_at=confirmed_at,
        confirmed_by=job.capture_id,
    )
    move_spells(job, held)
    if not compared.said or comparing.is_told(job, compared, held.captured_at):
        return ()
    topics = comparing.topics(job, compared, held)
    change = writing.put_change(
        job.connection,
        page_id=job.page.id,
        origin=job.capture.origin,
        before_id=compared.base.version_id,
        after_id=held.version_id,
        captured_at=held.captured_at,
        confirmed_at=confirmed_at,
        topics=topics,
        edits=compared.edits,
        said=compared.said,
        fingerprint=compared.fingerprint,
        rewordings=compared.rewordings,
        regional=compared.regional(job.page.lang),
        **directions(job, compared, held, topics),
    )
    events.gather(job.connection, change)
    return (change,)


# --- small acts ------------------------------------------------------------------------


def _put_capture(
    job: Job, outcome: Outcome, reasons: tuple[Reason, ...], text: Text | None
) -> None:
    writing.put_capture(
        job.connection,
        job.capture,
        id_=job.capture_id,
        digest=job.digest,
        outcome=outcome,
        reasons=reasons,
        text_id=text.id if text else None,
        record=job.written.record if job.written else None,
        place=job.written.place if job.written else None,
    )


def _with_health(job: Job, health: Health, says: str) -> Track:
    track = job.track
    same = health is track.health and track.health_since is not None
    return replace(
        track,
        health=health,
        health_since=track.health_since if same else job.at,
        health_reason=says,
        health_seen=track.health_seen + 1 if same else 1,
    )


def _keep_track(job: Job, warnings: tuple[Reason, ...]) -> None:
    going = any(alternates(variant, job.at) for variant in job.track.variants)
    track = replace(
        _with_health(job, Health.ALTERNATING, "the page goes back and forth between texts")
        if going
        else _with_health(job, Health.CURRENT, ""),
        warnings=warnings,
        failures=0,
        last_capture_at=job.at,
        last_read_at=job.seen_until,
    )
    _put_track(job, track)


def _put_track(job: Job, track: Track) -> None:
    """Keep where a track stands, and tell of another health of it."""
    told = events.tell_health(job.connection, job.page, track, job.at)
    writing.put_track(job.connection, row_of_track(replace(track, health_told=told)))
