"""What cannot be asked, told in the reader's language beside the form it was asked in."""

from __future__ import annotations

import re
from functools import cache

from api.site import showing
from policies.errors import BadInput


def _(message: str) -> str:
    """Marks a message for the catalogs."""
    return message


_COMPLAINTS = (
    _("there is no word in this query: expected words, or a phrase in quotes"),
    _("a query has at most %(most)s characters, and this has %(count)s"),
    _("a query has at most %(most)s words and phrases: leave some out"),
    _("at least %(least)s letters have to stand before a `*`"),
    _("this search takes too long: ask for a rarer word, or for one vendor, page or language"),
    _("this takes too long to trace: paste fewer sentences at once"),
    _("this server is busy with questions that cost as much: ask again in a moment"),
    _("The store cannot be read at the moment."),
    _("there is no word to trace: paste a sentence or a paragraph"),
    _("at most %(most)s characters can be traced at once, and this has %(count)s"),
    _("at most %(most)s sentences can be traced at once, and this has %(count)s"),
    _(
        "%(given)s is no date or time: expected a date like 2024-06-25"
        " or a time like 2024-06-25T18:32:00Z"
    ),
    _(
        "%(given)s is not in the calendar: expected a date like 2024-06-25"
        " or a time like 2024-06-25T18:32:00Z"
    ),
    _("no vendor has the id %(given)s"),
    _("no page has the id %(given)s"),
    _("there is no topic %(given)s"),
    _("the page %(page)s was not read before %(given)s, so there is nothing to compare"),
    _("the page %(page)s was not read yet, so there is nothing to compare"),
    _("no version of %(page)s has the id %(given)s: /v1/pages/%(path)s/versions lists them"),
    _("this cursor was not given out by this list: start without one"),
    _("no version has the id %(given)s"),
    _("no change has the id %(given)s"),
    _("a NUL character stands in the address"),
    _("the parameter %(given)s is given more than once"),
)
# What libraries say, and what people are told instead: parameters are no words of theirs.
_INSTEAD = {
    "%(name)s: Input should be %(choices)s": _(
        "the address asks for a “%(name)s” that is not known here"
    ),
    "%(name)s: Field required": _("“%(name)s” is missing in the address"),
    "%(name)s: String should %(rule)s": _(
        "what stands behind “%(name)s” in the address cannot be used"
    ),
    "The method is not allowed for the requested URL.": _(
        "this address can only be looked at: nothing can be sent to it"
    ),
}
_HOLE = re.compile(r"%\\\((\w+)\\\)s")


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    known = {**dict(zip(_COMPLAINTS, _COMPLAINTS, strict=True)), **_INSTEAD}
    return tuple(
        (told, re.compile(_HOLE.sub(r"(?P<\1>.+?)", re.escape(says)), re.DOTALL))
        for says, told in known.items()
    )


def complaint(error: BadInput | str) -> str | None:
    """What is wrong, in the reader's language; None where only the English words are known."""
    says = str(error)
    return known(says) or (_sentence(says) if showing.reader_is_english() else None)


def known(says: str) -> str | None:
    """The same, of what this module has words for; None of anything else."""
    for told, pattern in _patterns():
        found = pattern.fullmatch(says)
        if found is not None:
            return _sentence(showing.messages().gettext(told) % found.groupdict())
    return None


def _sentence(says: str) -> str:
    return says[:1].upper() + says[1:] + ("" if says.endswith((".", "!", "?")) else ".")
