"""The ledger: disclosures over time become, per vendor and topic, the answer and its past.

An answer is one of three things: *stated* (with the quotes), *not stated* in the pages that
were read, or *not read*, because none could be. Silence is data only where somebody looked.

    values          what an answer is made of
    headline        which stance speaks when several are taken
    joining         one statement per page and words, whoever saw it
    past            the answers one after the other
    contradictions  where a vendor's pages do not say the same
    answers         all of it, now or as of a date
"""

from policies.ledger.answers import answer, answers, as_of
from policies.ledger.headline import FAR_REACHING, Take, headline
from policies.ledger.joining import lives
from policies.ledger.values import (
    Answer,
    Contradiction,
    Gap,
    Life,
    Look,
    PageAnswer,
    Period,
    Place,
    Slot,
    Standing,
    Statement,
)

__all__ = [
    "FAR_REACHING",
    "Answer",
    "Contradiction",
    "Gap",
    "Life",
    "Look",
    "PageAnswer",
    "Period",
    "Place",
    "Slot",
    "Standing",
    "Statement",
    "Take",
    "answer",
    "answers",
    "as_of",
    "headline",
    "lives",
]
