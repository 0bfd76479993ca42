"""Which stance speaks for a vendor when its pages take several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from policies.ledger.values import Statement
from policies.model import Stance, Topic

# The most far-reaching first, so that nobody is told less than what some page says. "no" comes
# last: about one product or setting it does not undo what another sentence leaves open.
FAR_REACHING = (Stance.YES, Stance.OPT_OUT, Stance.OPT_IN, Stance.UNCLEAR, Stance.NO)
_CONDITIONS = frozenset({Stance.OPT_OUT, Stance.OPT_IN})


@dataclass(frozen=True)
class Take:
    """A stance as one statement takes it."""

    stance: Stance
    regardless: bool = False  # it names the condition only to wave it aside: "even if you …"


def take(topic: Topic, statement: Statement) -> Take | None:
    """The stance that a statement takes on a topic; None: only people listening has stances.

    A "yes" that quotes a condition does so to say that it does not matter.
    """
    if topic is not Topic.HUMAN_REVIEW or statement.stance is None:
        return None
    regardless = statement.stance is Stance.YES and "condition" in statement.slots
    return Take(statement.stance, regardless)


def headline(by_page: Mapping[str, Iterable[Take]]) -> Stance | None:
    """The stance that speaks for a vendor, from the stances on each of its pages.

    On one page a condition qualifies what is said flatly beside it. "People review a sample" with
    "you can turn that off" is an opt-out; "we review snippets" with "with your permission, our
    staff review snippets" is an opt-in; with both ways, the opt-out speaks. A sentence that waves
    the condition aside ("even if you turn it off") is not qualified: it speaks for its page. The
    flat sentences stay among the quotes, and their stance is told as said elsewhere.

    Across pages nothing qualifies anything: the most far-reaching page speaks.
    """
    taken = {of_page(takes) for takes in by_page.values()}
    return next((stance for stance in FAR_REACHING if stance in taken), None)


def of_page(takes: Iterable[Take]) -> Stance | None:
    """The stance that speaks for one page; None: it takes none."""
    found = set(takes)
    if any(one.regardless for one in found):
        return Stance.YES
    stances = {one.stance for one in found}
    if stances & _CONDITIONS:
        stances.discard(Stance.YES)
    return next((stance for stance in FAR_REACHING if stance in stances), None)
