"""What a text that was read means for its page: decided from values, acted on elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from policies.model import Reason
from policies.tracking.state import CRAWL, RULES, Held, Rules, Track, Variant


class Step(StrEnum):
    """What happens to the page's history."""

    FIRST = "first"  # the first text of this origin: a baseline
    SAME = "same"  # the current text
    CONFIRMS = "confirms"  # the text that waited, seen again: its change is published
    RETURNS = "returns"  # a text that the page showed before: it alternates
    SETTLES = "settles"  # a text that it showed before, and stays at: a reversal, published
    STANDS = "stands"  # a new text that stood long enough in an archive: published
    WAITS = "waits"  # a new text, seen once
    SHIFTS = "shifts"  # the page in the spelling of another region: no edit
    ADOPTS = "adopts"  # another region's text is the one that is served now: no edit


@dataclass(frozen=True)
class Decision:
    """A step and the rules that led to it."""

    step: Step
    reason: Reason
    variant: Variant | None = None  # RETURNS, SETTLES, ADOPTS: with this capture counted in


@dataclass(frozen=True)
class Sighting:
    """A text that was read, and when."""

    signature: str
    region: str | None  # of its spelling
    capture_id: str
    captured_at: datetime
    seen_until: datetime  # the archive vouches for it until then; a crawl's is captured_at


def decide(track: Track, sighting: Sighting, rules: Rules = RULES) -> Decision:
    """What a sighting means for a track."""
    if track.current is None:
        return Decision(Step.FIRST, Reason("first-text", "the first text read here"))
    if is_doubtful(track, rules) and sighting.signature != track.current.signature:
        says = "the text before it did not stand: this one is the first to compare with"
        return Decision(Step.FIRST, Reason("first-that-stood", says))
    if sighting.signature == track.current.signature:
        return Decision(Step.SAME, Reason("same-text", "the text says what it said"))
    stood = sighting.seen_until - sighting.captured_at
    if track.pending and sighting.signature == track.pending.signature:
        waited = sighting.captured_at - track.pending.captured_at
        return Decision(
            Step.CONFIRMS,
            Reason(
                "seen-again",
                "a new text was seen again in a later capture",
                {"hours": round(waited.total_seconds() / 3600, 1)},
            ),
        )
    variant = _variant(track, sighting, rules)
    if variant:
        return _returned(track.current, variant, sighting, rules)
    if _is_shifted(track, sighting, rules):
        numbers = {"before": track.current.region or "", "now": sighting.region or ""}
        says = "the page came in the spelling of another region"
        return Decision(Step.SHIFTS, Reason("other-region", says, numbers))
    days = {"days": round(stood.total_seconds() / 86_400, 1)}
    if stood >= rules.stands:
        return Decision(Step.STANDS, Reason("stood", "a new text that stood in the archive", days))
    return Decision(Step.WAITS, Reason("seen-once", "a new text: it waits to be seen again", days))


def _variant(track: Track, sighting: Sighting, rules: Rules) -> Variant | None:
    """The variant that the page came back to, with this sighting counted in."""
    for variant in track.variants:
        recent = sighting.captured_at - variant.held.last_seen <= rules.window
        if variant.held.signature == sighting.signature and recent:
            running = variant.since is not None
            return replace(
                variant,
                held=replace(variant.held, last_seen=sighting.seen_until),
                returns=variant.returns if running else variant.returns + 1,
                since=variant.since or sighting.captured_at,
                since_capture=variant.since_capture or sighting.capture_id,
                seen=variant.seen + 1,
            )
    return None


def _returned(current: Held, variant: Variant, sighting: Sighting, rules: Rules) -> Decision:
    assert variant.since is not None
    run = sighting.seen_until - variant.since
    numbers = {
        "returns": variant.returns,
        "captures": variant.seen,
        "days": round(run.total_seconds() / 86_400, 1),
    }
    if run >= rules.settles and _differ(current.region, variant.held.region):
        reason = Reason("region-adopted", "the page is served to another region now", numbers)
        return Decision(Step.ADOPTS, reason, variant)
    often = variant.seen >= rules.settles_captures or sighting.seen_until > sighting.captured_at
    if run >= patience(current, rules) and often and variant.returns <= rules.alternates:
        reason = Reason("settled", "the page went back to an earlier text and stays there", numbers)
        return Decision(Step.SETTLES, reason, variant)
    reason = Reason("alternates", "the page shows a text that it showed before", numbers)
    return Decision(Step.RETURNS, reason, variant)


def patience(current: Held, rules: Rules = RULES) -> timedelta:
    """How long a page has to show an earlier text until that is no alternation but a reversal."""
    stood = current.last_seen - current.captured_at
    return max(rules.settles, min(stood, rules.settles_at_most))


def is_doubtful(track: Track, rules: Rules = RULES) -> bool:
    """Whether an archive's first text was gone at once: its selectors were being mended."""
    first = track.current
    return (
        first is not None
        and track.origin != CRAWL
        and first.is_baseline
        and first.last_seen - first.captured_at < rules.mended
    )


def alternates(variant: Variant, at: datetime, rules: Rules = RULES) -> bool:
    """Whether a page is going back and forth with a variant."""
    return variant.returns > 0 and at - variant.held.last_seen <= rules.window


def _differ(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other


def _is_shifted(track: Track, sighting: Sighting, rules: Rules) -> bool:
    """Whether a new text is in the spelling of a region that the page does not alternate with."""
    assert track.current is not None
    known = {v.held.region for v in track.variants if alternates(v, sighting.captured_at, rules)}
    return _differ(track.current.region, sighting.region) and sighting.region not in known


def after(
    track: Track,
    decision: Decision,
    held: Held,
    rules: Rules = RULES,
) -> Track:
    """The track after a step. `held`: the version of the text that was seen."""
    match decision.step:
        case Step.FIRST:
            return replace(track, current=held, pending=None, variants=())
        case Step.SAME:
            variants = _with_dropped(track, _rested(track.variants))
            return replace(track, current=held, pending=None, variants=_kept(variants, rules))
        case Step.WAITS:
            variants = _with_dropped(track, _rested(track.variants))
            return replace(track, pending=held, variants=_kept(variants, rules))
        case Step.RETURNS:
            assert decision.variant is not None
            others = _rested(_without(track.variants, decision.variant))
            variants = (decision.variant, *_with_dropped(track, others))
            return replace(track, pending=None, variants=_kept(variants, rules))
        case Step.SHIFTS:
            variants = (Variant(held, returns=1), *_with_dropped(track, _rested(track.variants)))
            return replace(track, pending=None, variants=_kept(variants, rules))
    # CONFIRMS, STANDS, SETTLES, ADOPTS: a new current text; the one before may come back.
    assert track.current is not None
    others = track.variants
    if decision.variant is not None:
        others = _without(others, decision.variant)
    if decision.step is not Step.CONFIRMS:
        others = _with_dropped(track, others)
    returns = decision.variant.returns if decision.variant is not None else 0
    if decision.step is Step.ADOPTS:
        returns = max(returns, 1)
    variants = (Variant(track.current, returns=returns), *_rested(others))
    return replace(track, current=held, pending=None, variants=_kept(variants, rules))


def _without(variants: tuple[Variant, ...], gone: Variant) -> tuple[Variant, ...]:
    return tuple(v for v in variants if v.held.version_id != gone.held.version_id)


def _rested(variants: tuple[Variant, ...]) -> tuple[Variant, ...]:
    """Variants whose present run is over."""
    return tuple(replace(v, since=None, since_capture=None, seen=0) for v in variants)


def _with_dropped(track: Track, variants: tuple[Variant, ...]) -> tuple[Variant, ...]:
    """Variants, and the text that waited in vain among them."""
    return (Variant(track.pending), *variants) if track.pending else variants


def _kept(variants: tuple[Variant, ...], rules: Rules) -> tuple[Variant, ...]:
    return variants[: rules.variants_kept]
