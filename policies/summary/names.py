"""Names of things, dates and numbers, as people write them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal

from policies.direction import RULES, Direction
from policies.ledger import Period, Standing
from policies.locale import FORMATS, translations
from policies.model import Stance, Topic


def _(message: str) -> str:
    """Marks a message for the catalogs."""
    return message


TOPICS = {
    Topic.HUMAN_REVIEW: _("People listening"),
    Topic.REVIEWERS: _("Who listens"),
    Topic.SAMPLE: _("How much is listened to"),
    Topic.IDENTITY: _("Whether it is tied to you"),
    Topic.TRAINING: _("Training and improvement"),
    Topic.CHOICE: _("Your choice"),
    Topic.DELETION: _("Seeing and deleting it"),
    Topic.RETENTION: _("How long it is kept"),
    Topic.ACTIVATION: _("When it records"),
    Topic.SHARING: _("Who else gets it"),
    Topic.ON_DEVICE: _("On the device or in the cloud"),
}

STANCES = {
    Stance.YES: _("People may listen"),
    Stance.OPT_OUT: _("Unless you turn it off"),
    Stance.OPT_IN: _("Only if you agree"),
    Stance.NO: _("People do not listen"),
    Stance.UNCLEAR: _("Left open"),
}

STANDINGS = {
    Standing.STATED: _("Stated"),
    Standing.NOT_STATED: _("Not stated"),
    Standing.NOT_READ: _("Not read"),
}

DIRECTIONS = {
    Direction.BETTER: _("Better for you"),
    Direction.WORSE: _("Worse for you"),
    Direction.SAYS_MORE: _("Says more"),
    Direction.SAYS_LESS: _("Says less"),
    Direction.UNCLEAR: _("Unclear which way"),
}

_EARLIER = {
    Stance.YES: _("people may listen"),
    Stance.OPT_OUT: _("people may listen, unless you turn it off"),
    Stance.OPT_IN: _("people listen only if you agree"),
    Stance.NO: _("people do not listen"),
    Stance.UNCLEAR: _("left open whether people listen"),
}


def topic(value: Topic, lang: str) -> str:
    """A topic's name."""
    return translations(lang).gettext(TOPICS[value])


def stance(value: Stance, lang: str) -> str:
    """A stance in a few words."""
    return translations(lang).gettext(STANCES[value])


def direction(value: Direction, lang: str) -> str:
    """A direction in a few words."""
    return translations(lang).gettext(DIRECTIONS[value])


def rule(name: str, lang: str) -> str:
    """What a rule of `direction` found, as the end of a sentence."""
    return translations(lang).gettext(RULES[name].says)


def verdict(standing: Standing, taken: Stance | None, lang: str) -> str:
    """An answer in a few words: its stance, or whether it is stated."""
    if taken is not None:
        return stance(taken, lang)
    return translations(lang).gettext(STANDINGS[standing])


def period(found: Period, lang: str) -> str:
    """An earlier answer in a few words."""
    messages = translations(lang)
    if found.stance is not None:
        return messages.gettext(_EARLIER[found.stance])
    return messages.gettext(STANDINGS[found.standing]).lower()


def day(at: datetime | date, lang: str) -> str:
    """A date as people write it, in UTC."""
    text = format_date(at, format="long", locale=FORMATS[lang])
    return f"1er{text[1:]}" if lang == "fr" and at.day == 1 else text


def number(value: int, lang: str) -> str:
    """A whole number as people write it."""
    return format_decimal(value, locale=FORMATS[lang])


def listed(names: Sequence[str], lang: str) -> str:
    """Names in a row, with the word for "and"."""
    return format_list(list(names), locale=FORMATS[lang])
