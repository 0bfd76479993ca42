"""Summaries: answers and changes as plain sentences, in English and French.

A sentence says what a vendor's pages say, never what the vendor does. Its quote, date and
source go with it in the answer that it was made from.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from gettext import NullTranslations

from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal

from policies.ledger import Answer, Period, Standing
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

_REVIEW = {
    Stance.YES: _("%(vendor)s says that people may listen to or read what you say to %(what)s."),
    Stance.OPT_OUT: _(
        "%(vendor)s says that people may listen to or read what you say to %(what)s,"
        " unless you turn that off."
    ),
    Stance.OPT_IN: _(
        "%(vendor)s says that people listen to or read what you say to %(what)s"
        " only if you agree to it."
    ),
    Stance.NO: _("%(vendor)s says that people do not listen to or read what you say to %(what)s."),
    Stance.UNCLEAR: _(
        "%(vendor)s mentions that what you say to %(what)s is reviewed,"
        " but leaves open by whom, or whether by people."
    ),
}

_ALSO = {
    Stance.YES: _("Elsewhere it says so without naming a choice."),
    Stance.OPT_OUT: _("Elsewhere it says: unless you turn that off."),
    Stance.OPT_IN: _("Elsewhere it says: only if you agree."),
    Stance.NO: _("Elsewhere it says that people do not."),
    Stance.UNCLEAR: _("Elsewhere it leaves open whether people do."),
}

_STATED = {
    Topic.REVIEWERS: _("%(vendor)s says something about who listens or reads."),
    Topic.SAMPLE: _("%(vendor)s says something about how much people listen to or read."),
    Topic.IDENTITY: _("%(vendor)s says something about whether what you say is tied to you."),
    Topic.TRAINING: _("%(vendor)s says something about training or improvement with what you say."),
    Topic.CHOICE: _("%(vendor)s names a choice that you have."),
    Topic.DELETION: _("%(vendor)s says something about seeing or deleting what it has recorded."),
    Topic.RETENTION: _("%(vendor)s says something about how long what you say is kept."),
    Topic.ACTIVATION: _("%(vendor)s says something about when %(what)s records."),
    Topic.SHARING: _("%(vendor)s says something about who else receives what you say."),
    Topic.ON_DEVICE: _(
        "%(vendor)s says something about what happens on the device and what in the cloud."
    ),
}

_EARLIER = {
    Stance.YES: _("people may listen"),
    Stance.OPT_OUT: _("people may listen, unless you turn it off"),
    Stance.OPT_IN: _("people listen only if you agree"),
    Stance.NO: _("people do not listen"),
    Stance.UNCLEAR: _("left open whether people listen"),
}


def answer(found: Answer, vendor: str, assistants: Sequence[str], lang: str) -> tuple[str, ...]:
    """An answer in sentences: what is said, since when, as of when.

    `vendor` and `assistants` are names as people say them.
    """
    sentences = [_what(found, vendor, assistants, lang)]
    messages = translations(lang)
    sentences += [messages.gettext(_ALSO[stance]) for stance in found.also]
    since = _since(found, lang)
    if since:
        sentences.append(since)
    return tuple(sentences)


def topic(value: Topic, lang: str) -> str:
    """A topic's name."""
    return translations(lang).gettext(TOPICS[value])


def stance(value: Stance, lang: str) -> str:
    """A stance in a few words."""
    return translations(lang).gettext(STANCES[value])


def verdict(standing: Standing, taken: Stance | None, lang: str) -> str:
    """An answer in a few words: its stance, or whether it is stated."""
    if taken is not None:
        return stance(taken, lang)
    return translations(lang).gettext(STANDINGS[standing])


def as_of(found: Answer, lang: str) -> str:
    """When the pages behind an answer were last read, as a sentence; empty: never."""
    if found.as_of is None or found.oldest is None:
        return ""
    messages = translations(lang)
    first, last = day(found.oldest, lang), day(found.as_of, lang)
    if first == last:
        return messages.gettext("Last read on %(date)s.") % {"date": last}
    return messages.gettext("Last read between %(first)s and %(last)s.") % {
        "first": first,
        "last": last,
    }


def period(found: Period, lang: str) -> str:
    """An earlier answer in a few words."""
    messages = translations(lang)
    if found.stance is not None:
        return messages.gettext(_EARLIER[found.stance])
    return messages.gettext(STANDINGS[found.standing]).lower()


def change(
    vendor: str,
    title: str,
    counts: tuple[int, int, int, int],
    topics: Sequence[Topic],
    lang: str,
) -> tuple[str, ...]:
    """A change in sentences. `counts` are passages added, removed, reworded and moved."""
    messages = translations(lang)
    parts = [text for text in _counted(messages, counts, lang) if text]
    what = _listed(parts, lang) if parts else messages.gettext("only marks and spaces")
    first = messages.gettext("%(vendor)s changed “%(title)s”: %(what)s.") % {
        "vendor": vendor,
        "title": title,
        "what": what,
    }
    if not topics:
        return (first, messages.gettext("No topic that we watch was recognised in it."))
    names = "; ".join(topic(t, lang).lower() for t in topics)
    return (first, messages.gettext("It touches: %(topics)s.") % {"topics": names})


def day(at: datetime | date, lang: str) -> str:
    """A date as people write it, in UTC."""
    text = format_date(at, format="long", locale=FORMATS[lang])
    return f"1er{text[1:]}" if lang == "fr" and at.day == 1 else text


def number(value: int, lang: str) -> str:
    """A whole number as people write it."""
    return format_decimal(value, locale=FORMATS[lang])


def _what(found: Answer, vendor: str, assistants: Sequence[str], lang: str) -> str:
    messages = translations(lang)
    named = _listed(assistants, lang) if assistants else messages.gettext("its assistants")
    words = {"vendor": vendor, "what": named}
    if found.standing is Standing.NOT_READ:
        return messages.gettext("None of the pages of %(vendor)s was read so far.") % words
    if found.standing is Standing.NOT_STATED:
        return _not_stated(found, words, lang)
    if found.topic is Topic.HUMAN_REVIEW:
        return messages.gettext(_REVIEW[found.stance or Stance.UNCLEAR]) % words
    return messages.gettext(_STATED[found.topic]) % words


def _not_stated(found: Answer, words: dict[str, str], lang: str) -> str:
    messages = translations(lang)
    if found.topic is Topic.HUMAN_REVIEW:
        text = messages.ngettext(
            "In the %(count)s page that we read, %(vendor)s does not say"
            " whether people listen to what you say to %(what)s.",
            "In the %(count)s pages that we read, %(vendor)s does not say"
            " whether people listen to what you say to %(what)s.",
            found.pages_read,
        )
    else:
        text = messages.ngettext(
            "Not stated in the %(count)s page of %(vendor)s that we read.",
            "Not stated in the %(count)s pages of %(vendor)s that we read.",
            found.pages_read,
        )
    return text % {**words, "count": number(found.pages_read, lang)}


def _since(found: Answer, lang: str) -> str:
    if found.since is None or found.standing is not Standing.STATED:
        return ""
    messages = translations(lang)
    text = (
        messages.gettext("It has said so since %(date)s.")
        if found.observed
        else messages.gettext(
            "It already said so on %(date)s, the first time that we have on record."
        )
    )
    return text % {"date": day(found.since, lang)}


def _counted(
    messages: NullTranslations, counts: tuple[int, int, int, int], lang: str
) -> tuple[str, ...]:
    added, removed, replaced, moved = counts
    texts = (
        (added, messages.ngettext("%(n)s passage added", "%(n)s passages added", added)),
        (removed, messages.ngettext("%(n)s passage removed", "%(n)s passages removed", removed)),
        (
            replaced,
            messages.ngettext("%(n)s passage reworded", "%(n)s passages reworded", replaced),
        ),
        (moved, messages.ngettext("%(n)s passage moved", "%(n)s passages moved", moved)),
    )
    return tuple(text % {"n": number(count, lang)} for count, text in texts if count)


def _listed(names: Sequence[str], lang: str) -> str:
    return format_list(list(names), locale=FORMATS[lang])
