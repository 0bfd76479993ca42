"""The rules that a direction is read by: each a name, a direction, a sentence and a function.

A rule looks at one topic: all that the page claimed about it before and after, and the claims
that the edits touch. It gives what it found with the words, or nothing. The sentences are messages
for the catalogs; they end what "… because" begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from policies.direction.values import Case, Claim, Direction, Finding
from policies.ledger import Take
from policies.ledger.headline import of_page
from policies.model import Stance, Topic


def _(message: str) -> str:
    """Marks a message for the catalogs."""
    return message


@dataclass(frozen=True)
class Rule:
    """What a rule's finding means."""

    name: str
    direction: Direction
    says: str  # one sentence for a person, as a message


_TABLE = (
    # --- for the person ---
    Rule("condition-added", Direction.BETTER, _("review is tied to your choice now")),
    Rule("condition-dropped", Direction.WORSE, _("review is no longer tied to your choice")),
    Rule("opt-out-to-opt-in", Direction.BETTER, _("you are asked first now")),
    Rule("opt-in-to-opt-out", Direction.WORSE, _("you have to object now, and were asked before")),
    Rule("promise-made", Direction.BETTER, _("it promises not to do something")),
    Rule("promise-gone", Direction.WORSE, _("a promise not to do something is gone")),
    Rule("kept-shorter", Direction.BETTER, _("it is kept for a shorter time")),
    Rule("kept-longer", Direction.WORSE, _("it is kept for a longer time")),
    Rule("reviewers-narrowed", Direction.BETTER, _("people from outside are no longer named")),
    Rule("reviewers-widened", Direction.WORSE, _("people from outside are named too now")),
    # --- in how much is disclosed ---
    Rule("first-said", Direction.SAYS_MORE, _("the page says it for the first time")),
    Rule("no-longer-said", Direction.SAYS_LESS, _("the page no longer says it anywhere")),
    Rule("sample-named", Direction.SAYS_MORE, _("it says now how much is reviewed")),
    Rule("sample-dropped", Direction.SAYS_LESS, _("it no longer says how much is reviewed")),
    Rule("hedge-dropped", Direction.SAYS_MORE, _("a vague word is gone")),
    Rule("hedge-added", Direction.SAYS_LESS, _("a vague word came in")),
    Rule("said-more", Direction.SAYS_MORE, _("the page says more about it than before")),
    Rule(
        "said-elsewhere",
        Direction.SAYS_LESS,
        _("it is no longer said here; the page still speaks of it elsewhere"),
    ),
    # --- neither ---
    Rule("other-words", Direction.UNCLEAR, _("only the wording changed, as far as rules can tell")),
)
RULES = {rule.name: rule for rule in _TABLE}

# From a stance to another; a stance that is not here has no place in an order.
_TRANSITIONS = {
    (Stance.YES, Stance.OPT_IN): "condition-added",
    (Stance.YES, Stance.OPT_OUT): "condition-added",
    (Stance.OPT_IN, Stance.YES): "condition-dropped",
    (Stance.OPT_OUT, Stance.YES): "condition-dropped",
    (Stance.OPT_IN, Stance.OPT_OUT): "opt-in-to-opt-out",
    (Stance.OPT_OUT, Stance.OPT_IN): "opt-out-to-opt-in",
    **{(old, Stance.NO): "promise-made" for old in (Stance.YES, Stance.OPT_OUT, Stance.OPT_IN)},
    **{(Stance.NO, new): "promise-gone" for new in (Stance.YES, Stance.OPT_OUT, Stance.OPT_IN)},
}
_ON_REVIEW = (Topic.HUMAN_REVIEW, Topic.REVIEWERS)
_ON_SAMPLE = (Topic.HUMAN_REVIEW, Topic.SAMPLE)


def _found(rule: str, old: Claim | None, new: Claim | None, slot: str | None = None) -> Finding:
    def words(side: Claim | None):  # type: ignore[no-untyped-def]
        if side is None:
            return None
        return side.slot(slot) if slot else side.whole

    return Finding(rule, RULES[rule].direction, words(old), words(new))


def _both(case: Case) -> Iterator[tuple[Claim, Claim]]:
    """The pairs that speak of the topic on both sides."""
    for old, new in case.pairs:
        if old is not None and new is not None:
            yield old, new


# --- the page as a whole -----------------------------------------------------------------


def presence(case: Case) -> Iterator[Finding]:
    """A topic that the page had not, or has no longer; a promise counts for the person."""
    if case.before and case.after:
        return
    for old, new in case.pairs:
        claim = old or new
        assert claim is not None
        kept_word = _is_promise(case.topic, claim)
        if new is not None:
            yield _found("promise-made" if kept_word else "first-said", None, new)
        else:
            yield _found("promise-gone" if kept_word else "no-longer-said", old, None)


def answer(case: Case) -> Iterator[Finding]:
    """The page's answer on people listening, by the ledger's rule for one page."""
    if case.topic is not Topic.HUMAN_REVIEW:
        return
    was, now = _headline(case.before), _headline(case.after)
    rule = _TRANSITIONS.get((was, now)) if was and now else None
    if rule is None:
        return
    old = next((old for old, _ in case.pairs if old is not None and old.stance is was), None)
    new = next((new for _, new in case.pairs if new is not None and new.stance is now), None)
    yield _found(rule, old, new, "condition")


def _headline(claims: tuple[Claim, ...]) -> Stance | None:
    return of_page(
        Take(claim.stance, claim.stance is Stance.YES and "condition" in claim.slots)
        for claim in claims
        if claim.stance is not None
    )


def reviewers(case: Case) -> Iterator[Finding]:
    """People from outside the company, among those who listen, where others were named before."""
    if case.topic not in _ON_REVIEW:
        return
    was = [claim for claim in case.before if "reviewers" in claim.slots]
    now = [claim for claim in case.after if "reviewers" in claim.slots]
    if not was or not now:
        return
    outside_before = any(claim.outsiders for claim in was)
    outside_after = any(claim.outsiders for claim in now)
    if outside_before == outside_after:
        return
    rule = "reviewers-widened" if outside_after else "reviewers-narrowed"
    for old, new in case.pairs:
        telling = new if outside_after else old
        if telling is not None and telling.outsiders:
            yield _found(rule, old, new, "reviewers")


# --- edit by edit ------------------------------------------------------------------------


def condition(case: Case) -> Iterator[Finding]:
    """A sentence on people listening that takes another stance than before."""
    if case.topic is not Topic.HUMAN_REVIEW:
        return
    for old, new in _both(case):
        rule = _TRANSITIONS.get((old.stance, new.stance)) if old.stance and new.stance else None
        if rule is not None:
            yield _found(rule, old, new, "condition")


def promise(case: Case) -> Iterator[Finding]:
    """A promise that came, or went while none is left."""
    if not (case.before and case.after):
        return
    left = any(_is_promise(case.topic, claim) for claim in case.after)
    for old, new in case.pairs:
        was = old is not None and _is_promise(case.topic, old)
        now = new is not None and _is_promise(case.topic, new)
        if now and old is None:
            yield _found("promise-made", None, new)
        elif was and new is None and not left:
            yield _found("promise-gone", old, None)


def _is_promise(topic: Topic, claim: Claim) -> bool:
    if topic is Topic.RETENTION:
        return claim.not_kept
    return topic is Topic.HUMAN_REVIEW and claim.promises


def retention(case: Case) -> Iterator[Finding]:
    """How long it is kept; "until you delete it" is longer than any number."""
    if case.topic is not Topic.RETENTION:
        return
    for old, new in _both(case):
        was, now = _length(old), _length(new)
        if was is None or now is None or was == now:
            continue
        yield _found("kept-longer" if now > was else "kept-shorter", old, new, "retention")


def _length(claim: Claim) -> float | None:
    if claim.not_kept:
        return 0.0
    if claim.until_deleted:
        return float("inf")
    return None if claim.days is None else float(claim.days)


def sample(case: Case) -> Iterator[Finding]:
    """How much is reviewed: named where it was not, or no longer."""
    if case.topic not in _ON_SAMPLE:
        return
    for old, new in case.pairs:
        was = old is not None and "sample" in old.slots
        now = new is not None and "sample" in new.slots
        if was and not now and new is not None:
            yield _found("sample-dropped", old, new, "sample")
        elif now and not was and old is not None:
            yield _found("sample-named", old, new, "sample")


def hedges(case: Case) -> Iterator[Finding]:
    """A vague word in a sentence that had none, or none in one that had."""
    for old, new in _both(case):
        if bool(old.hedges) == bool(new.hedges):
            continue
        rule = "hedge-added" if new.hedges else "hedge-dropped"
        yield Finding(
            rule,
            RULES[rule].direction,
            old.hedges[0] if old.hedges else old.whole,
            new.hedges[0] if new.hedges else new.whole,
        )


def passages(case: Case) -> Iterator[Finding]:
    """A passage more or less about the topic, where the page speaks of it before and after."""
    if not (case.before and case.after):
        return
    for old, new in case.pairs:
        if old is None:
            yield _found("said-more", None, new)
        elif new is None:
            yield _found("said-elsewhere", old, None)


Reads = Callable[[Case], Iterator[Finding]]

# Weightiest first: what stands on the page, then single sentences.
READERS: tuple[Reads, ...] = (
    answer,
    condition,
    promise,
    retention,
    reviewers,
    presence,
    sample,
    hedges,
    passages,
)
