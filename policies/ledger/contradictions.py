"""Where the pages of one vendor do not say the same.

Two languages or regions of one policy are held beside each other on every topic: the English
page may say more than the French. Two policies only where both take a stance on people
listening: what one leaves to the other is no contradiction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from policies.ledger.headline import FAR_REACHING, Take, of_page
from policies.ledger.values import Contradiction, Gap, Look, PageAnswer, Standing, Statement


def by_page(
    looks: Iterable[Look],
    current: Sequence[Statement],
    takes: Mapping[str, Iterable[Take]],
) -> tuple[PageAnswer, ...]:
    """What each page says, by id; `looks` those that speak, `current` what stands on them."""
    stated = {statement.page_id for statement in current}
    return tuple(
        PageAnswer(
            page_id=look.page_id,
            policy_id=look.policy_id,
            lang=look.lang,
            standing=_standing(look, stated),
            stance=of_page(takes.get(look.page_id, ())),
            as_of=look.last_read,
        )
        for look in sorted(looks, key=lambda look: look.page_id)
    )


def _standing(look: Look, stated: set[str]) -> Standing:
    if not look.is_read:
        return Standing.NOT_READ
    return Standing.STATED if look.page_id in stated else Standing.NOT_STATED


def contradictions(
    looks: Iterable[Look], answers: Sequence[PageAnswer]
) -> tuple[Contradiction, ...]:
    """The pairs of pages that do not say the same, what reaches furthest first."""
    about = {look.page_id: set(look.assistants) for look in looks}
    read = sorted((a for a in answers if a.standing is not Standing.NOT_READ), key=_reach)
    found = [
        Contradiction(gap, more, less)
        for at, more in enumerate(read)
        for less in read[at + 1 :]
        if (gap := _gap(more, less)) is not None and _meet(about[more.page_id], about[less.page_id])
    ]
    return tuple(sorted(found, key=lambda one: list(Gap).index(one.gap)))


def _reach(answer: PageAnswer) -> tuple[bool, int, str]:
    stance = FAR_REACHING.index(answer.stance) if answer.stance else len(FAR_REACHING)
    return answer.standing is not Standing.STATED, stance, answer.page_id


def _gap(more: PageAnswer, less: PageAnswer) -> Gap | None:
    if more.policy_id == less.policy_id:
        if (more.standing, more.stance) == (less.standing, less.stance):
            return None
        return Gap.EDITIONS if more.lang == less.lang else Gap.LANGUAGES
    taken = more.stance is not None and less.stance is not None
    return Gap.PAGES if taken and more.stance is not less.stance else None


def _meet(one: set[str], other: set[str]) -> bool:
    """Whether two pages are about the same assistant; without names a page is about all."""
    return not one or not other or bool(one & other)
