"""What the templates say things with: the reader's language, dates, icons, diffs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from gettext import NullTranslations
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_percent
from flask import Flask, g, request, url_for
from markupsafe import Markup

from api import knowledge
from api.knowledge import Differing, WholeChange
from api.reading import base, health_now
from policies import direction, moments, rendering, summary
from policies.direction import Directed
from policies.finding.hits import FoundPassage
from policies.ledger import FAR_REACHING, Answer, Standing
from policies.locale import FORMATS, LANGUAGES, translations
from policies.model import (
    EditKind,
    EventKind,
    Health,
    PolicyKind,
    Stance,
    Topic,
    VersionState,
)
from policies.rendering import Step, Unchanged
from policies.store.queries.changes import ChangeRow
from policies.store.search.sightings import Place

_LOCALE = Path(__file__).parent.parent / "locale"
_STATIC = Path(__file__).parent / "static"


def _(message: str) -> str:
    """Marks a message for the catalogs."""
    return message


_HEALTH = {
    Health.NEW: _("Not fetched yet"),
    Health.CURRENT: _("Current"),
    Health.STALE: _("Out of reach"),
    Health.ALTERNATING: _("Alternating"),
    Health.BLOCKED: _("Blocked"),
    Health.MOVED: _("Moved"),
    Health.GONE: _("Gone"),
    Health.UNREADABLE: _("Unreadable"),
}
_STATE = {
    VersionState.BASELINE: _("First reading"),
    VersionState.PENDING: _("Waits to be seen again"),
    VersionState.CONFIRMED: _("Confirmed"),
    VersionState.VARIANT: _("Variant"),
    VersionState.UNCONFIRMED: _("Seen once only"),
    VersionState.REREAD: _("The same capture, read in another way"),
}
_KIND = {
    PolicyKind.TERMS: _("Terms"),
    PolicyKind.PRIVACY_POLICY: _("Privacy policy"),
    PolicyKind.HELP_PAGE: _("Help page"),
    PolicyKind.NOTICE: _("Notice"),
    PolicyKind.SETTINGS: _("Settings"),
}
_EDIT = {
    EditKind.ADDED: _("Added"),
    EditKind.REMOVED: _("Removed"),
    EditKind.REPLACED: _("Reworded"),
    EditKind.MOVED: _("Moved here"),
    EditKind.RESTYLED: _("Typography"),
    EditKind.TECHNICAL: _("Read in another way"),
    EditKind.INCIDENTAL: _("Says nothing new"),
    EditKind.PASSING: _("Passing"),
}
_PLACE = {
    Place.CURRENT: _("Stands there now"),
    Place.GONE: _("Stood there before"),
    Place.PENDING: _("Waits to be seen again"),
    Place.VARIANT: _("Only in a variant"),
    Place.UNCONFIRMED: _("Never confirmed"),
}
_LANGUAGE = {"en": "English", "fr": "Français"}
# What a page of the site can be asked for, and may be asked for in another language too.
_ASKED = (
    *("topic", "vendor", "kind", "view", "from", "to", "until", "cursor"),
    *("q", "in", "change", "page", "language", "since", "text"),
)


def install(app: Flask) -> None:
    """Give the templates their words."""
    env = app.jinja_env
    env.trim_blocks = env.lstrip_blocks = True
    env.add_extension("jinja2.ext.i18n")
    env.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        gettext=lambda message: messages().gettext(message),
        ngettext=lambda one, many, n: messages().ngettext(one, many, n),
        newstyle=True,
    )
    env.filters.update(
        day=lambda at: day(at) if at else "–",
        iso=moments.iso,
        number=lambda value: summary.number(value, g.lang),
        topic=lambda value: summary.topic(value, g.lang),
        stance=lambda value: summary.stance(value, g.lang),
        health_now=health_now,
        health=health_name,
        state=lambda value: messages().gettext(_STATE[value]),
        kind=lambda value: messages().gettext(_KIND[value]),
        verdict=lambda a: summary.verdict(a.standing, a.stance, g.lang),
        period=lambda value: summary.period(value, g.lang),
        direction=lambda value: summary.direction(value, g.lang),
        rule=lambda name: summary.rule(name, g.lang),
        reason=lambda says: summary.reason(says, g.lang),
        contradiction=lambda found: summary.contradiction(found, g.lang),
        as_of=lambda answer: summary.as_of(answer, g.lang),
        origin=_origin,
        web=_web,
        wayback=lambda url, at: f"https://web.archive.org/web/{at:%Y%m%d%H%M%S}/{url}",
        short_digest=lambda digest: (digest or "").removeprefix("sha256:")[:12],
        place=lambda value: messages().gettext(_PLACE[value]),
        edit=lambda value: messages().gettext(_EDIT[value]),
        short_day=lambda at: format_date(at, format="medium", locale=FORMATS[g.lang]),
        clock=_clock,
        moment=lambda pair: _moment(*pair),
        percent=lambda share: format_percent(share, locale=FORMATS[g.lang]),
        pieces=_pieces,
        legend=lambda stretches: _legend(s.sort for s in stretches),
        month=lambda at: format_date(at, format="MMM y", locale=FORMATS[g.lang]),
        month_name=lambda n: format_date(date(2000, n, 1), format="MMM", locale=FORMATS[g.lang]),
        language=lambda code: Locale(g.lang).languages.get(code, code),
    )
    env.globals.update(
        sort=sort,
        colon=lambda: "\N{NARROW NO-BREAK SPACE}:" if g.lang == "fr" else ":",
        without=lambda asked, name: {k: v for k, v in asked.items() if k != name},
        with_=lambda asked, name, value: {**asked, name: value},
        here=_here,
        elsewhere=_elsewhere,
        twin=_twin,
        canonical=_canonical,
        asset=_asset,
        languages=_LANGUAGE,
        sentences=_sentences,
        change_sentences=change_sentences,
        directions=directions,
        address=address,
        EventKind=EventKind,
        Topic=Topic,
        Health=Health,
    )


def lang_of(path: str) -> str:
    """The language of a site's address."""
    first = path.split("/", 2)[1]
    return first if first in LANGUAGES and first != "en" else "en"


def messages() -> NullTranslations:
    """The site's messages in the reader's language."""
    return translations(g.lang, _LOCALE)


def reader_is_english() -> bool:
    """Whether the page is in the language of the sources."""
    return bool(g.lang == "en")


def diff(opened: WholeChange | Differing, parts: Iterable[Step | Unchanged]) -> Markup:
    """A change's steps as HTML; `rendering` escapes every word of a page."""
    html = rendering.to_html(
        parts,
        labels=labels(),
        notes=lambda step: [
            summary.topic(topic, g.lang)
            for topic in knowledge.step_topics(step, opened.old, opened.new)
        ],
    )
    return Markup(html)  # noqa: S704  # escaped where it was made


def health_name(health: Health) -> str:
    """A page's health in the reader's language."""
    return messages().gettext(_HEALTH[health])


def sort(standing: Standing, stance: Stance | None) -> str:
    """The name of an answer's look: its stance, or whether it is stated."""
    return stance.value if stance else standing.value


def day(at: datetime) -> str:
    """A date in the reader's language."""
    return summary.day(at, g.lang)


def _clock(at: datetime) -> str:
    return f"{at:%H:%M} UTC"


def _moment(at: datetime, other: datetime) -> str:
    """A date, with the time where another thing was on the same day."""
    return f"{day(at)}, {_clock(at)}" if day(at) == day(other) else day(at)


def labels() -> rendering.Labels:
    """The words of a diff in the reader's language."""
    said = messages()
    return rendering.Labels(
        kinds={kind: said.gettext(name) for kind, name in _EDIT.items()},
        lang=g.lang,
        unchanged=lambda n: (
            said.ngettext("%(num)s unchanged passage", "%(num)s unchanged passages", n)
            % {"num": summary.number(n, g.lang)}
        ),
    )


def _sentences(answer: Answer, vendor: str, assistants: tuple[str, ...]) -> tuple[str, ...]:
    return summary.answer(answer, vendor, assistants, g.lang)


def change_sentences(row: ChangeRow) -> tuple[str, ...]:
    """What a change did, in sentences."""
    counts = (row.added, row.removed, row.replaced, row.moved)
    ways = {topic: found.direction for topic, found in directions(row).items()}
    return summary.change(row.vendor_name, row.page_title, counts, row.topics, g.lang, ways)


def directions(row: ChangeRow) -> dict[Topic, Directed]:
    """Which way a change goes on each of its topics."""
    return direction.unpack(row.directions)


def _pieces(found: FoundPassage) -> list[tuple[str, bool]]:
    """A passage's words, with whether they are what was asked for."""
    pieces, at = [], 0
    for start, end in found.matches:
        pieces += [(found.text[at:start], False), (found.text[start:end], True)]
        at = end
    return [(words, hit) for words, hit in (*pieces, (found.text[at:], False)) if words]


def marks() -> list[tuple[str, str]]:
    """The looks of all answers with their names, the most far-reaching first."""
    stances = [(s.value, summary.stance(s, g.lang)) for s in FAR_REACHING]
    return [*stances, *((s.value, summary.verdict(s, None, g.lang)) for s in Standing)]


def _legend(sorts: Iterable[str]) -> list[tuple[str, str]]:
    """The looks of a picture's bars with their names, in a fixed order."""
    there = set(sorts)
    return [(name, says) for name, says in marks() if name in there]


def _here(endpoint: str, **values: Any) -> str:
    """The address of a page of the site in the reader's language."""
    return url_for(f"site_{g.lang}.{endpoint}", **values)


def _elsewhere(lang: str) -> str:
    """The address of this page in another language; of the front page where there is none."""
    endpoint = (request.endpoint or "").partition(".")[2]
    if not (request.blueprint or "").startswith("site_"):
        return url_for(f"site_{lang}.front")
    asked = {name: request.args[name] for name in _ASKED if name in request.args}
    return url_for(f"site_{lang}.{endpoint}", **{**asked, **(request.view_args or {})})


def _twin(lang: str) -> str:
    """The whole address of this page in a language."""
    return base() + _elsewhere(lang)


def _canonical() -> str:
    """The whole address of this page, however it was reached or is looked at."""
    address, _, asked = _twin(g.lang).partition("?")
    kept = [(name, value) for name, value in parse_qsl(asked) if name != "view"]
    return f"{address}?{urlencode(kept)}" if kept else address


def address(endpoint: str, **values: Any) -> str:
    """The whole address of a page of the site, to be used elsewhere."""
    return base() + _here(endpoint, **values)


@lru_cache(maxsize=16)
def _digest(name: str) -> str:
    return hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]


def _asset(name: str) -> str:
    """A static file's address, which changes with its content."""
    return url_for("static", filename=name, v=_digest(name))


def _web(url: str | None) -> str | None:
    """An address that may be linked to; None where it is of another kind."""
    return url if url and url.lower().startswith(("https://", "http://")) else None


def _origin(origin: str) -> str:
    """Whose history it is, in words."""
    if origin == "crawl":
        return messages().gettext("read by Earwitness")
    return messages().gettext("from the Open Terms Archive collection “%(name)s”") % {
        "name": origin.partition(":")[2]
    }
