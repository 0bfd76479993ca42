"""Claims: a passage's verdict and words, in values that mean the same in every language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml

from policies.direction.values import Claim, Words
from policies.errors import BadDeclaration
from policies.model import Stance, Topic, Verdict

_KINDS = ("hedges", "denials", "outsiders")
_SPACE = "\u0020"


@cache
def patterns(lang: str) -> Mapping[str, re.Pattern[str]]:
    """The patterns of a language by kind; those of no language match nothing.

    Raises BadDeclaration where words.yaml is broken.
    """
    told = _declared().get(lang)
    if told is None:
        return dict.fromkeys(_KINDS, re.compile(r"(?!)"))
    return {kind: _pattern(told[kind]) for kind in _KINDS}


@cache
def _declared() -> Mapping[str, Mapping[str, list[str]]]:
    read = yaml.safe_load(files("policies.direction").joinpath("words.yaml").read_text("utf-8"))
    for lang, kinds in read.items():
        if set(kinds) != set(_KINDS):
            raise BadDeclaration(f"words.yaml: {lang} needs exactly {', '.join(_KINDS)}")
    return dict(read)


def _pattern(beginnings: list[str]) -> re.Pattern[str]:
    """One pattern of all: whole words where they end in a space, else their beginnings."""
    alternatives = [
        (re.escape(one.rstrip(_SPACE)) + (r"(?!\w)" if one.endswith(_SPACE) else r"\w*"))
        for one in sorted(beginnings, key=len, reverse=True)
    ]
    return re.compile(r"(?<!\w)(?:" + "|".join(alternatives) + ")", re.IGNORECASE)


def claim(
    position: int,
    text: str,
    verdict: Verdict,
    lang: str,
    *,
    days: int | None = None,
    until_deleted: bool = False,
) -> Claim:
    """What a passage claims. `days`, `until_deleted`: its retention slot, read as a time."""
    found = patterns(lang)
    retention = verdict.slots.get("retention", "")
    timeless = bool(retention) and days is None and not until_deleted
    return Claim(
        position=position,
        text=text,
        stance=verdict.stance,
        slots=verdict.slots,
        days=days,
        until_deleted=until_deleted,
        not_kept=timeless and _holds(found["denials"], retention),
        outsiders=_holds(found["outsiders"], verdict.slots.get("reviewers", "")),
        hedges=tuple(
            Words(position, *match.span())
            for match in found["hedges"].finditer(text)
            if not _is_month(match[0])
        ),
        promises=_promises(text, verdict, found["denials"]),
        matches=verdict.matches,
    )


def _holds(pattern: re.Pattern[str], words: str) -> bool:
    return pattern.search(words) is not None


def _is_month(word: str) -> bool:
    return word == "May"


def _promises(text: str, verdict: Verdict, denials: re.Pattern[str]) -> bool:
    """Whether review is denied, at all or unless the person agrees.

    "With your permission, people who cannot see your name listen" denies something else: there
    the condition stands before the denial.
    """
    if Topic.HUMAN_REVIEW not in verdict.topics:
        return False
    if verdict.stance is Stance.NO:
        return True
    condition = verdict.slots.get("condition")
    if verdict.stance is not Stance.OPT_IN or not condition:
        return False
    until = text.find(condition)
    return until > 0 and denials.search(text, 0, until) is not None
