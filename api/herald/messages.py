"""What somebody is told: a message with words for people and values for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from gettext import NullTranslations
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from policies import rendering, summary
from policies.locale import translations as of_folder
from policies.model import Health
from policies.moments import iso
from policies.store.queries import changes, versions
from policies.store.queries.changes import ChangeRow
from policies.store.queries.events import EventRow

_LOCALE = Path(__file__).parent.parent / "locale"
_LONGEST = 3_000  # characters of the words of one item: what a chat takes
_ITEMS = 50  # told one by one in a digest


@dataclass(frozen=True)
class Item:
    """One thing that is told."""

    kind: str  # "change.published" or "health.changed"
    at: datetime
    title: str
    text: str  # for people, plain
    data: dict[str, Any]  # for programs


@dataclass(frozen=True)
class Message:
    """What is sent at once to one target."""

    id: str  # the same when it has to be sent again, so that the receiver knows it
    title: str
    text: str
    payload: dict[str, Any]  # as Standard Webhooks advise: type, timestamp, data


def of_change(connection: sa.Connection, event: EventRow, lang: str, base: str) -> Item:
    """What is told of an edit, with its words on the page where it was seen first.

    `base`: address of the site, or empty.
    """
    row, *others = event.occurrences
    counts = (row.added, row.removed, row.replaced, row.moved)
    said = summary.change(row.vendor_name, row.page_title, counts, row.topics, lang)
    words = _words(connection, row)
    link = f"{base}{_prefix(lang)}/changes/{row.id}" if base else row.page_url
    also = _messages(lang).gettext("The same on: %(pages)s") % {
        "pages": " ".join(other.page_url for other in others)
    }
    return Item(
        kind="change.published",
        at=event.confirmed_at,
        title=said[0],
        text="\n\n".join([" ".join(said), words, *([also] if others else []), link]),
        data={
            "id": row.id,
            "event": event.id,
            "vendor": row.vendor_id,
            "page": row.page_id,
            "page_url": row.page_url,
            "also_on": [other.page_id for other in others],
            "captured_at": iso(row.captured_at),
            "confirmed_at": iso(row.confirmed_at),
            "topics": list(event.topics),
            "summary": list(said),
            "diff": words,
            "url": link if base else None,
        },
    )


def of_health(event: EventRow, lang: str, base: str) -> Item:
    """What is told of a page's health."""
    health = event.health_after or Health.NEW
    title = f"{event.vendor_name}, “{event.page_title}”: {_messages(lang).gettext(_NAMES[health])}"
    link = f"{base}{_prefix(lang)}/pages/{event.page_id}" if base else event.page_url
    parts = [f"{title}.", event.says, link]
    return Item(
        kind="health.changed",
        at=event.confirmed_at,
        title=title,
        text="\n\n".join(part for part in parts if part),
        data={
            "id": event.id,
            "vendor": event.vendor_id,
            "page": event.page_id,
            "page_url": event.page_url,
            "since": iso(event.captured_at),
            "health": health.value,
            "health_before": event.health_before.value if event.health_before else None,
            "says": event.says,
        },
    )


def message(id_: str, items: Sequence[Item], lang: str, *, repeated: bool) -> Message:
    """Items as one message. `repeated`: it may have arrived before."""
    said = _messages(lang)
    first = items[0]
    if len(items) == 1:
        title, text, payload = first.title, first.text, _payload(first)
    else:
        count = summary.number(len(items), lang)
        title = said.gettext("Earwitness: %(count)s news items") % {"count": count}
        text = "\n\n———\n\n".join(item.text for item in items[:_ITEMS])
        payload = {
            "type": "digest",
            "timestamp": iso(max(item.at for item in items)),
            "data": {"items": [_payload(item) for item in items]},
        }
    if repeated:
        twice = said.gettext("This may reach you for the second time.")
        text = f"{text}\n\n({twice})"
    return Message(id_, title, text, payload)


def trial(id_: str, at: datetime, lang: str) -> Message:
    """What `earwitness notify test` sends."""
    said = _messages(lang)
    title = said.gettext("Earwitness: a test")
    text = said.gettext("This is a test. News will reach you here.")
    payload = {"type": "test", "timestamp": iso(at), "data": {"text": text}}
    return Message(id_, title, text, payload)


def _(text: str) -> str:
    """Marks a message for the catalogs."""
    return text


_NAMES = {
    Health.NEW: _("not read yet"),
    Health.CURRENT: _("can be looked at again"),
    Health.STALE: _("out of reach"),
    Health.ALTERNATING: _("goes back and forth between texts"),
    Health.BLOCKED: _("blocked"),
    Health.MOVED: _("moved elsewhere"),
    Health.GONE: _("gone"),
    Health.UNREADABLE: _("cannot be read"),
}


def _payload(item: Item) -> dict[str, Any]:
    return {"type": item.kind, "timestamp": iso(item.at), "data": item.data}


def _words(connection: sa.Connection, row: ChangeRow) -> str:
    """The diff as text, as much of it as a message holds."""
    pair = versions.versions_by_id(connection, [row.before_id, row.after_id])
    edits = [e for e in changes.edits(connection, [row.id])[row.id] if not e.kind.is_quiet]
    old = versions.excerpt(
        connection,
        pair[row.before_id].text_id,
        row.scope,
        (e.old for e in edits if e.old is not None),
    )
    new = versions.excerpt(
        connection,
        pair[row.after_id].text_id,
        row.scope,
        (e.new for e in edits if e.new is not None),
    )
    shown = "\n".join(
        rendering.to_text(step) for step in rendering.steps(old.passages, new.passages, edits)
    )
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST].rsplit("\n", 1)[0] + "\n  …"


def _prefix(lang: str) -> str:
    return "" if lang == "en" else f"/{lang}"


def _messages(lang: str) -> NullTranslations:
    return of_folder(lang, _LOCALE)
