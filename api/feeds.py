"""Feeds: changes and health events, as Atom (RFC 4287) and as JSON Feed 1.1.

`/feeds/changes.atom`, `/feeds/changes.json`, `/feeds/health.atom`, `/feeds/health.json`; in
French below `/fr/`. An entry's id is made from what it is about and from nothing else, so it
stays when the server moves. Older entries are in the feed's next part (RFC 5005).
"""

from __future__ import annotations

import json
import re
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Annotated, Any
from urllib.parse import urlencode

from apiflask import APIBlueprint
from flask import Flask, Response, g, request, url_for
from pydantic import BaseModel, ConfigDict, Field

from api import cursors, knowledge
from api.keeping import kept
from api.reading import base, connection, room
from api.site import showing
from api.v1.params import Id, Language
from policies import rendering, summary
from policies.direction import Direction
from policies.locale import LANGUAGES
from policies.model import EventKind, Health, Topic
from policies.moments import iso
from policies.store.queries import catalog, events, tracks
from policies.store.queries.changes import ChangeRow
from policies.store.queries.events import EventRow
from policies.store.queries.rows import Position

ATOM, JSON = "application/atom+xml", "application/feed+json"
_ENTRIES = 30  # in one part of a feed
_STEPS = 40  # edits shown in an entry; the rest is one click away
_LONGEST = 100_000  # characters of an entry's HTML
_OURS = uuid.UUID("6f1c4a52-6a0e-5b5f-9d53-6d1c0f0e7a11")  # names below it are this project's
_ATOM_NAMESPACE = "http://www.w3.org/2005/Atom"
# What XML 1.0 cannot hold, and what no encoder takes.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

feeds = APIBlueprint("feeds", __name__, enable_openapi=False)


class FeedQuery(BaseModel):
    """Which part of a feed."""

    model_config = ConfigDict(extra="forbid")

    vendor: Id = None
    page: Id = None
    cursor: Annotated[str, Field(min_length=1, max_length=300)] | None = None


class ChangesFeedQuery(FeedQuery):
    """Which changes."""

    topic: Topic | None = None
    direction: Direction | None = None
    language: Language = None


@dataclass(frozen=True)
class Entry:
    """One entry of a feed."""

    name: str  # what it is about: "change/48fb…"; its id is made from this
    title: str
    url: str
    published: datetime
    updated: datetime  # when the same was published of another page, too
    summary: str
    html: str
    lang: str
    tags: tuple[str, ...] = ()
    related: tuple[tuple[str, str], ...] = ()  # (address, media type)


@dataclass(frozen=True)
class Feed:
    """One part of a feed."""

    name: str
    title: str
    subtitle: str
    home: str
    here: str
    following: str | None
    updated: datetime
    entries: tuple[Entry, ...]


def install(app: Flask) -> None:
    """Add the feeds, in each language."""
    for lang in LANGUAGES:
        prefix = "/feeds" if lang == "en" else f"/{lang}/feeds"
        app.register_blueprint(feeds, name=f"feeds_{lang}", url_prefix=prefix)
    app.jinja_env.globals["feed"] = _address


def _address(kind: str, **about: Any) -> str:
    """The address of an Atom feed in the reader's language, for the site's pages."""
    return url_for(f"feeds_{g.lang}.{kind}", form="atom", **about)


@feeds.before_request
def _language() -> None:
    g.lang = showing.lang_of(request.path)


@feeds.get("/changes.<any(atom,json):form>")
@feeds.input(ChangesFeedQuery, location="query", arg_name="query")
def change_feed(form: str, query: ChangesFeedQuery) -> Response:
    """Published changes, with their diffs."""
    wanted = events.Wanted(
        kind=EventKind.CHANGE,
        vendor_id=query.vendor,
        page_id=query.page,
        topic=query.topic,
        direction=query.direction,
        lang=query.language,
    )
    found = events.events(
        connection(), wanted, after=cursors.position(query.cursor), limit=_ENTRIES
    )
    last = found.items[-1] if found.more else None
    following = cursors.of_position(Position(last.confirmed_at, last.id)) if last else None
    entries = [_edit(event) for event in found.items if event.occurrences]
    said = showing.messages()
    about = said.gettext(
        "What the makers of voice assistants changed in their pages, word by word."
    )
    return _answer(form, "changes", said.gettext("Changes"), about, entries, following)


@feeds.get("/health.<any(atom,json):form>")
@feeds.input(FeedQuery, location="query", arg_name="query")
def health_feed(form: str, query: FeedQuery) -> Response:
    """When a page could no longer be looked at, and when again."""
    wanted = events.Wanted(kind=EventKind.HEALTH, vendor_id=query.vendor, page_id=query.page)
    found = events.events(
        connection(), wanted, after=cursors.position(query.cursor), limit=_ENTRIES
    )
    last = found.items[-1] if found.more else None
    following = cursors.of_position(Position(last.confirmed_at, last.id)) if last else None
    entries = [_health(event) for event in found.items]
    said = showing.messages()
    about = said.gettext("When a page could no longer be looked at, and when it could again.")
    return _answer(form, "health", said.gettext("Health"), about, entries, following)


# --- entries ---------------------------------------------------------------------------


def _edit(event: EventRow) -> Entry:
    """The same edit on several pages is one entry, with the words of the first."""
    row, *others = event.occurrences
    opened = knowledge.opened(connection(), row)
    counts = (row.added, row.removed, row.replaced, row.moved)
    sentences = summary.change(row.vendor_name, row.page_title, counts, row.topics, g.lang)
    url = showing.address("change", change_id=row.id)
    return Entry(
        name=f"event/{event.id}",
        title=sentences[0],
        url=url,
        published=event.confirmed_at,
        updated=event.updated_at,
        summary=" ".join(sentences),
        html=_diff(opened, sentences, url) + _others(others),
        lang=g.lang,
        tags=event.topics,
        related=(
            (f"{base()}/v1/changes/{row.id}", "application/json"),
            (f"{base()}/v1/changes/{row.id}/evidence.zip", "application/zip"),
        ),
    )


def _diff(opened: knowledge.OpenedChange, sentences: Sequence[str], url: str) -> str:
    """The diff as HTML; `rendering` escapes every word of a page."""
    said = [step for step in opened.steps if not step.edit.kind.is_quiet]
    intro = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    shown = rendering.to_html(said[:_STEPS], labels=showing.labels())
    if len(said) <= _STEPS and len(shown) <= _LONGEST:
        words = f'<div lang="{escape(opened.row.lang)}">{shown}</div>'
    elif len(shown) <= _LONGEST:
        words = f'<div lang="{escape(opened.row.lang)}">{shown}</div>' + _more(url)
    else:
        words = _more(url)
    return intro + words


def _others(changes: Sequence[ChangeRow]) -> str:
    """Where the same edit was made, too."""
    if not changes:
        return ""
    said = escape(showing.messages().gettext("The same edit on other pages"))
    links = "".join(
        f'<li><a href="{escape(showing.address("change", change_id=row.id))}">'
        f"{escape(row.page_title)}</a> ({escape(row.page_id)})</li>"
        for row in changes
    )
    return f"<p>{said}</p><ul>{links}</ul>"


def _more(url: str) -> str:
    text = showing.messages().gettext("The change is long: the whole of it is on its page.")
    return f'<p><a href="{escape(url)}">{escape(text)}</a></p>'


def _health(event: EventRow) -> Entry:
    state = showing.health_name(event.health_after or Health.NEW)
    title = showing.messages().gettext("%(vendor)s, “%(page)s”: %(state)s") % {
        "vendor": event.vendor_name,
        "page": event.page_title,
        "state": state,
    }
    says = summary.reason(event.says, g.lang) if event.says else None
    parts = [title, says, summary.day(event.captured_at, g.lang)]
    text = ". ".join(part for part in parts if part) + "."
    return Entry(
        name=f"event/{event.id}",
        title=title,
        url=showing.address("page", page_id=event.page_id),
        published=event.confirmed_at,
        updated=event.updated_at,
        summary=text,
        html=f"<p>{escape(text)}</p>",
        lang=g.lang,
        tags=(event.health_after or Health.NEW,),
        related=((f"{base()}/v1/events/{event.id}", "application/json"),),
    )


# --- documents -------------------------------------------------------------------------


def _id(name: str) -> str:
    return f"urn:uuid:{uuid.uuid5(_OURS, name)}"


def _in_words(name: str, value: str) -> str:
    """What a feed was narrowed to, as a person calls it."""
    if name == "topic":
        return summary.topic(Topic(value), g.lang)
    if name == "direction":
        return summary.direction(Direction(value), g.lang)
    row: Any = None
    if name == "vendor":
        row = catalog.vendor(connection(), value)
        return row.name if row else value
    if name == "page":
        row = catalog.page(connection(), value)
        return f"{row.title} ({row.lang})" if row else value
    return value


def _answer(
    form: str,
    kind: str,
    title: str,
    about: str,
    entries: Sequence[Entry],
    following: str | None,
) -> Response:
    chosen = {name: value for name, value in sorted(request.args.items()) if name != "cursor"}
    path = base() + request.path
    as_of = tracks.as_of(connection()) or datetime.fromtimestamp(0, UTC)
    names = [_in_words(name, value) for name, value in chosen.items()]
    feed = Feed(
        name="/".join((kind, g.lang, urlencode(chosen))),
        title=" · ".join(("Earwitness", title, *names)),
        subtitle=about,
        home=showing.address("change_list" if kind == "changes" else "health"),
        here=_with(path, request.args.to_dict()),
        following=_with(path, {**chosen, "cursor": following}) if following else None,
        updated=max((entry.updated for entry in entries), default=as_of),
        entries=tuple(entries),
    )
    made, media = (_atom(feed), ATOM) if form == "atom" else (_json(feed), JSON)
    response = Response(made, content_type=f"{media}; charset=utf-8")
    response.last_modified = feed.updated
    # Else its addresses follow from the name that this asker gave the server.
    return kept(response) if room().settings.public_url else response


def _with(path: str, parameters: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(sorted(parameters.items()))}" if parameters else path


def _atom(feed: Feed) -> bytes:
    root = ET.Element("feed", {"xmlns": _ATOM_NAMESPACE, "xml:lang": g.lang})
    _text(root, "id", _id(f"feed/{feed.name}"))
    _text(root, "title", feed.title)
    _text(root, "subtitle", feed.subtitle)
    _text(root, "updated", iso(feed.updated))
    _text(ET.SubElement(root, "author"), "name", "Earwitness")
    _link(root, "self", feed.here, ATOM)
    _link(root, "alternate", feed.home, "text/html")
    if feed.following:
        _link(root, "next", feed.following, ATOM)
    for entry in feed.entries:
        one = ET.SubElement(root, "entry")
        _text(one, "id", _id(entry.name))
        _text(one, "title", entry.title)
        _text(one, "updated", iso(entry.updated))
        _text(one, "published", iso(entry.published))
        _link(one, "alternate", entry.url, "text/html")
        for address, media in entry.related:
            _link(one, "related", address, media)
        for tag in entry.tags:
            ET.SubElement(one, "category", {"term": tag})
        _text(one, "summary", entry.summary)
        _text(one, "content", entry.html).set("type", "html")
    made: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return made


def _text(parent: ET.Element, name: str, text: str) -> ET.Element:
    element = ET.SubElement(parent, name)
    element.text = _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
    return element


def _link(parent: ET.Element, rel: str, href: str, media: str) -> None:
    ET.SubElement(parent, "link", {"rel": rel, "href": href, "type": media})


def _json(feed: Feed) -> bytes:
    document: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "description": feed.subtitle,
        "home_page_url": feed.home,
        "feed_url": feed.here,
        "language": g.lang,
        "authors": [{"name": "Earwitness"}],
        "items": [_item(entry) for entry in feed.entries],
    }
    if feed.following:
        document["next_url"] = feed.following
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")


def _item(entry: Entry) -> dict[str, Any]:
    return {
        "id": _id(entry.name),
        "url": entry.url,
        "title": entry.title,
        "summary": entry.summary,
        "content_html": entry.html,
        "date_published": iso(entry.published),
        "date_modified": iso(entry.updated),
        "language": entry.lang,
        "tags": list(entry.tags),
        "attachments": [{"url": address, "mime_type": media} for address, media in entry.related],
    }
