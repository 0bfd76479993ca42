"""Why a page cannot be read, in the reader's language.

The store keeps a reason as an English sentence, with its numbers in it. Here are the sentences, as
messages; one that is not known is left as it is.
"""

from __future__ import annotations

import re
from functools import cache

from policies.locale import translations


def _(message: str) -> str:
    """Marks a message for the catalogs."""
    return message


_REASONS = (
    _("the server says 404"),
    _("the server says 410"),
    _("the server refused: %(status)s"),
    _("the server points elsewhere: %(status)s"),
    _("the server answered %(status)s"),
    _("the server says 304, but no page was read before"),
    _("the answer holds nothing"),
    _("the answer is a PDF, which is not read"),
    _("the answer is not text"),
    _("the answer is %(media)s, which is not read"),
    _("the page breaks off in the middle: “…%(end)s”"),
    _("the name %(host)s is not known to the DNS"),
    _("connection refused by %(host)s"),
    _("%(host)s closed the connection without an answer"),
    _("%(host)s did not answer in time, or not in full"),
    _("no connection to %(host)s that could be trusted: its certificate was refused"),
    _("no page came: %(robots)s asks not to fetch %(path)s"),
    _("no page came: gave up after %(count)s redirects"),
    _("no page came: %(address)s leads back to itself"),
    _("no page came: the body is larger than the limit once decompressed"),
    _("no page came: the answer is not HTTP"),
    _("no page came: %(failure)s"),
    _("the declared selector found no text"),
    _("the main content found no text"),
    _("the text found no text"),
    _("the declared selector could not read the version before either"),
    _("the main content could not read the version before either"),
    _("the text could not read the version before either"),
    _("the declared selector keeps %(share)s%% of the version before"),
    _("the main content keeps %(share)s%% of the version before"),
    _("the text keeps %(share)s%% of the version before"),
    _("the declared selector found too little text"),
    _("the main content found too little text"),
    _("the text found too little text"),
    _("the declared selector found a page that stands before the page"),
    _("the main content found a page that stands before the page"),
    _("the text found a page that stands before the page"),
    _("the declared selector found a fraction of the page's text"),
    _("the declared selector no longer reads the page; its main content was read"),
    _("the address leads to the site's front page"),
    _("the address leads elsewhere now, and what stands there is not the page"),
    _("the page is now at another address"),
    _("the text is in %(told)s, not %(wanted)s"),
    _("the site asked to prove that we are no robot"),
    _("the site asked for consent to cookies instead of showing the page"),
    _("the site asked to sign in"),
    _("the page says that it is not there"),
    _("the page reports an error of its server"),
    _("the page goes back and forth between texts"),
    _("the crawl has not looked at it since"),
    _("known from an import; the crawl has not looked at it"),
)
_HOLE = re.compile(r"%\\\((\w+)\\\)s")


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (message, re.compile(_HOLE.sub(r"(?P<\1>.+)", re.escape(message).replace("%%", "%"))))
        for message in _REASONS
    )


def reason(says: str, lang: str) -> str:
    """A reason in the reader's language; one that is not known as it is."""
    for message, pattern in _patterns():
        found = pattern.fullmatch(says)
        if found is not None:
            return translations(lang).gettext(message) % found.groupdict()
    return says
