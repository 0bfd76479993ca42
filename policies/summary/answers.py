"""Answers as sentences: for a badge, a popup, and a journalist.

A sentence says what a vendor's pages say, never what the vendor does, and bears the statements
whose words it rests on. Where nothing is stated it bears none, and says in how many pages nobody
said it, and as of when.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from policies.ledger import Answer, Contradiction, Gap, PageAnswer, Period, Standing, Statement
from policies.locale import translations
from policies.model import Stance, Topic
from policies.summary import names
from policies.summary.names import day, listed, number

Words = Mapping[tuple[str, int], str]  # place of a statement -> its words


def _(message: str) -> str:
    """Marks a message for the catalogs."""
    return message


@dataclass(frozen=True)
class Told:
    """A sentence, and the statements that bear it out."""

    text: str
    statements: tuple[Statement, ...] = ()  # none: it tells of pages that were read, or were not


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

_GAPS = {
    Gap.LANGUAGES: _("Two languages of one page do not say the same: %(more)s; %(less)s."),
    Gap.EDITIONS: _("Two editions of one page do not say the same: %(more)s; %(less)s."),
    Gap.PAGES: _("Two pages do not say the same: %(more)s; %(less)s."),
}


def answer(found: Answer, vendor: str, assistants: Sequence[str], lang: str) -> tuple[str, ...]:
    """An answer in sentences: what is said, what else, since when.

    `vendor` and `assistants` are names as people say them.
    """
    sentences = (_what(found, vendor, assistants, lang), *_also(found, lang), *_since(found, lang))
    return tuple(sentence.text for sentence in sentences)


def badge(found: Answer, lang: str) -> Told:
    """An answer in one line: a few words, and since when or in how many pages."""
    messages = translations(lang)
    short = names.verdict(found.standing, found.stance, lang)
    if found.standing is Standing.NOT_STATED:
        text = messages.ngettext(
            "%(short)s in %(count)s page", "%(short)s in %(count)s pages", found.pages_read
        )
        return Told(text % {"short": short, "count": number(found.pages_read, lang)})
    if found.standing is Standing.NOT_READ or found.since is None:
        return Told(short, found.statements[:1])
    text = (
        messages.gettext("%(short)s, since %(date)s")
        if found.observed
        else messages.gettext("%(short)s, at least since %(date)s")
    )
    return Told(text % {"short": short, "date": day(found.since, lang)}, found.statements[:1])


def popup(found: Answer, vendor: str, assistants: Sequence[str], lang: str) -> tuple[Told, ...]:
    """An answer in at most three sentences: what is said, what else or before, and since when."""
    first = _what(found, vendor, assistants, lang)
    besides = (*_also(found, lang), *_gone(found, lang), *_before(found, lang))
    read = as_of(found, lang)
    last = (*_since(found, lang), *((Told(read),) if read else ()))
    return (first, *besides[:1], *last[: 3 - 1 - len(besides[:1])])


def paragraph(
    found: Answer,
    vendor: str,
    assistants: Sequence[str],
    lang: str,
    words: Words,
    titles: Mapping[str, str],
) -> tuple[Told, ...]:
    """An answer for a journalist: with the words themselves, their dates and sources.

    `words`: of the statements, by place; one whose words are missing is not quoted. `titles`: of
    the pages, by id.
    """
    quoting = _Quoting(lang, words, titles)
    return (
        _what(found, vendor, assistants, lang),
        *quoting.source(found.statements[:1]),
        *_also(found, lang),
        *quoting.source(_others(found)),
        *quoting.slots(found),
        *_since(found, lang),
        *quoting.before(found.earlier),
        *quoting.gone(found),
        *(_contradicts(found, one, lang) for one in found.contradictions[:3]),
        *((Told(as_of(found, lang)),) if as_of(found, lang) else ()),
    )


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


def contradiction(found: Contradiction, lang: str) -> str:
    """Two pages that do not say the same, as a sentence."""
    told = translations(lang).gettext(_GAPS[found.gap])
    return told % {"more": _on_page(found.more, lang), "less": _on_page(found.less, lang)}


def _on_page(page: PageAnswer, lang: str) -> str:
    return translations(lang).gettext("%(page)s (%(verdict)s, read on %(date)s)") % {
        "page": page.page_id,
        "verdict": names.verdict(page.standing, page.stance, lang),
        "date": day(page.as_of, lang) if page.as_of else "–",
    }


# --- sentences ---------------------------------------------------------------------------


def _what(found: Answer, vendor: str, assistants: Sequence[str], lang: str) -> Told:
    messages = translations(lang)
    named = listed(assistants, lang) if assistants else messages.gettext("its assistants")
    words = {"vendor": vendor, "what": named}
    if found.standing is Standing.NOT_READ:
        return Told(messages.gettext("None of the pages of %(vendor)s was read so far.") % words)
    if found.standing is Standing.NOT_STATED:
        return Told(_not_stated(found, words, lang))
    telling = found.statements[:1]
    if found.topic is Topic.HUMAN_REVIEW:
        said = messages.gettext(_REVIEW[found.stance or Stance.UNCLEAR])
        return Told(said % words, telling)
    return Told(messages.gettext(_STATED[found.topic]) % words, telling)


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


def _also(found: Answer, lang: str) -> tuple[Told, ...]:
    """What other stances its pages take, each with one statement that takes it."""
    messages = translations(lang)
    return tuple(
        Told(
            messages.gettext(_ALSO[stance]), tuple(s for s in _others(found) if s.stance is stance)
        )
        for stance in found.also
    )


def _others(found: Answer) -> tuple[Statement, ...]:
    """The first statement of each other stance."""
    firsts = {s.stance: s for s in reversed(found.statements) if s.stance in found.also}
    return tuple(firsts[stance] for stance in found.also if stance in firsts)


def _since(found: Answer, lang: str) -> tuple[Told, ...]:
    if found.since is None or found.standing is not Standing.STATED:
        return ()
    messages = translations(lang)
    text = (
        messages.gettext("It has said so since %(date)s.")
        if found.observed
        else messages.gettext(
            "It already said so on %(date)s, the first time that we have on record."
        )
    )
    return (Told(text % {"date": day(found.since, lang)}, found.statements[:1]),)


def _before(found: Answer, lang: str) -> tuple[Told, ...]:
    """What it said before, if it said something."""
    last = next((p for p in found.earlier if not p.short), None)
    if last is None or last.standing is not Standing.STATED or last.until is None:
        return ()
    return (Told(_told_before(last, lang), tuple(s.as_first() for s in last.statements[:1])),)


def _told_before(period: Period, lang: str) -> str:
    assert period.until is not None
    said = translations(lang).gettext("From %(since)s to %(until)s it said: %(what)s.")
    return said % {
        "since": day(period.since, lang),
        "until": day(period.until, lang),
        "what": names.period(period, lang),
    }


def _gone(found: Answer, lang: str) -> tuple[Told, ...]:
    """What was withdrawn last while the answer stayed."""
    last = found.gone[0] if found.gone else None
    if last is None or last.until is None:
        return ()
    same = tuple(s for s in found.gone if s.until == last.until)
    count = sum(statement.times for statement in same)
    text = translations(lang).ngettext(
        "On %(date)s %(count)s passage about it was taken out or reworded; others still say it.",
        "On %(date)s %(count)s passages about it were taken out or reworded; others still say it.",
        count,
    )
    return (Told(text % {"date": day(last.until, lang), "count": number(count, lang)}, same),)


def _contradicts(found: Answer, one: Contradiction, lang: str) -> Told:
    pages = (one.more.page_id, one.less.page_id)
    said = tuple(s for s in found.statements if s.page_id in pages)
    return Told(contradiction(one, lang), said[:2])


class _Quoting:
    """Sentences that hold the words themselves."""

    def __init__(self, lang: str, words: Words, titles: Mapping[str, str]) -> None:
        self.lang, self.words, self.titles = lang, words, titles
        self.messages = translations(lang)

    def source(self, statements: Sequence[Statement]) -> tuple[Told, ...]:
        """Statements in their words, with page and date."""
        said = self.messages.gettext("In its words: “%(quote)s” (%(page)s, %(date)s).")
        return tuple(
            Told(
                said
                % {
                    "quote": self.words[statement.place],
                    "page": self.titles.get(statement.page_id, statement.page_id),
                    "date": day(statement.last_seen, self.lang),
                },
                (statement,),
            )
            for statement in statements
            if statement.place in self.words
        )

    def slots(self, found: Answer) -> tuple[Told, ...]:
        """Who listens, how much, and how long it is kept: word for word."""
        asked = {
            "reviewers": self.messages.gettext("On who they are it says “%(quote)s”."),
            "sample": self.messages.gettext("On how much it says “%(quote)s”."),
            "retention": self.messages.gettext("On how long it says “%(quote)s”."),
        }
        firsts = {slot.name: slot for slot in reversed(found.slots) if slot.name in asked}
        return tuple(
            Told(asked[name] % {"quote": firsts[name].words}, (firsts[name].statement,))
            for name in asked
            if name in firsts
        )

    def before(self, periods: Sequence[Period]) -> tuple[Told, ...]:
        """Earlier answers, newest first, with their words where they said something."""
        told: list[Told] = []
        for period in [p for p in periods if not p.short][:3]:
            text = _told_before(period, self.lang)
            stood = (statement.as_first() for statement in period.statements)
            said = next((s for s in stood if s.place in self.words), None)
            if said is not None:
                quoted = self.messages.gettext("%(sentence)s “%(quote)s”")
                text = quoted % {"sentence": text, "quote": self.words[said.place]}
            elif period.standing is Standing.STATED:
                continue
            told.append(Told(text, (said,) if said is not None else ()))
        return tuple(told)

    def gone(self, found: Answer) -> tuple[Told, ...]:
        """What was withdrawn last while the answer stayed, in its words."""
        told = _gone(found, self.lang)
        return tuple(
            Told(
                self.messages.gettext("%(sentence)s “%(quote)s”")
                % {"sentence": one.text, "quote": self.words[one.statements[0].place]},
                one.statements,
            )
            for one in told
            if one.statements[0].place in self.words
        )
