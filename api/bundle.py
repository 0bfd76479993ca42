"""The bundle: all that a companion shows, in one document that is the same for everyone.

Nobody who asks for it tells what for. The same store gives the same bytes.

    topics, stances, directions
                         their names, by language
    vendors[]            by name
      assistants[]       with their own answer on people listening, where there are several
      sites[]            hosts and path patterns, to be matched locally
      controls[]         where a person opts out, deletes or sets something
      answers{topic}     standing, stance, sentences by language, since, as of, names of quotes;
                         badge (one line) and popup (at most three) with the quotes they rest on,
                         before, gone (withdrawn while the answer stayed), contradictions
      past_quotes{name}  the same of words that stand no more, named by before and gone
      quotes{name}       verbatim words with page, version, dates and digests
      pages[]            with health, and the passages that say something, for marking: how the
                         key of each begins and how long it is (in UTF-16 units, as JavaScript
                         counts), so that it is found on a page and proven by its id; `remove`
                         selects what is not read on it; `earlier` are addresses where it stood
                         before
      changes[]          the last ones on watched topics: what was removed and added, as runs;
                         directions{topic}: which way it goes

A reader ignores keys that it does not know. `schema_version` grows when a key that was there
means something else or is gone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from api import knowledge
from api.knowledge import Known, KnownPage, OpenedChange, Quote
from policies import direction, moments, rendering, summary
from policies.direction import Direction
from policies.ledger import Answer, PageAnswer, Period, Statement
from policies.locale import LANGUAGES
from policies.model import Stance, Topic
from policies.passages import key
from policies.store.queries import changes, texts, tracks

SCHEMA_VERSION = 1
_QUOTES = 3  # of each answer: what a popup has room for
_GONE = 3  # of each answer, last gone first
_BEFORE = 3  # earlier answers of each
_CHANGES = 6  # of each vendor, on watched topics: what a person who looks now and then has missed
_EDITS = 6  # of each of those changes, on watched topics
_HEAD = 24  # UTF-16 units: on a policy of 1 MB hardly two passages begin alike for so long


@dataclass(frozen=True)
class Packed:
    """A document as sent."""

    data: bytes
    digest: str  # sha256, hex


@dataclass(frozen=True)
class _Mark:
    """Where to look for a passage on a page, by its key."""

    head: str
    length: int


def make(connection: sa.Connection) -> Packed:
    """The bundle of a store."""
    text = json.dumps(
        document(connection), ensure_ascii=False, separators=(",", ":"), sort_keys=True
    )
    data = text.encode("utf-8", "replace")
    return Packed(data, hashlib.sha256(data).hexdigest())


def document(connection: sa.Connection) -> dict[str, Any]:
    """The bundle of a store, as JSON values."""
    everybody = knowledge.everybody(connection)
    pages = {known.page.id: known.page for one in everybody for known in one.pages}
    shown = [
        s
        for one in everybody
        for a in _answers(one)
        for s in (*_statements(a), *_past_statements(a))
    ]
    quotes = knowledge.quotes(connection, shown, pages)
    marks = _marks(connection, everybody)
    opened: dict[str, list[OpenedChange]] = {}
    for row in changes.latest_by_vendor(connection, _CHANGES):
        opened.setdefault(row.vendor_id, []).append(knowledge.opened(connection, row))
    return {
        "schema_version": SCHEMA_VERSION,
        "as_of": _time(tracks.as_of(connection)),
        "languages": list(LANGUAGES),
        "topics": {topic: _in_all(summary.topic, topic) for topic in Topic},
        "stances": {stance: _in_all(summary.stance, stance) for stance in Stance},
        "directions": {way: _in_all(summary.direction, way) for way in Direction},
        "vendors": [
            _vendor(one, quotes, opened.get(one.vendor.id, ()), marks) for one in everybody
        ],
    }


def _answers(known: Known) -> list[Answer]:
    return [*known.answers.values(), *known.by_assistant.values()]


def _statements(found: Answer) -> tuple[Statement, ...]:
    """The statements of an answer that are quoted, at least one of each stance."""
    firsts = {s.stance: s for s in reversed(found.statements) if s.stance in found.also}
    return (*found.statements[:_QUOTES], *firsts.values())


def _past_statements(found: Answer) -> tuple[Statement, ...]:
    """What is quoted of what stands no more: gone lately, or of an earlier answer."""
    past = (s.as_first() for period in _past(found) for s in period.statements[:1])
    return (*found.gone[:_GONE], *past)


def _past(found: Answer) -> list[Period]:
    """The earlier answers that are told of: those of more than a day."""
    return [period for period in found.earlier if not period.short][:_BEFORE]


def _marks(connection: sa.Connection, everybody: Sequence[Known]) -> dict[str, _Mark]:
    """How each passage that says something now begins, by id."""
    current = {s.passage_id: s for one in everybody for s in one.statements if s.current}
    words = texts.slices(connection, ((s.text_id, s.start, s.end) for s in current.values()))
    return {
        passage_id: _mark(words[s.text_id, s.start, s.end]) for passage_id, s in current.items()
    }


def _mark(text: str) -> _Mark:
    units = key(text).encode("utf-16-le")
    return _Mark(units[: 2 * _HEAD].decode("utf-16-le", "ignore"), len(units) // 2)


def _in_all(name: Any, value: Any) -> dict[str, str]:
    return {lang: name(value, lang) for lang in LANGUAGES}


def _vendor(
    known: Known,
    quotes: Mapping[tuple[str, int], Quote],
    opened: Sequence[OpenedChange],
    marks: Mapping[str, _Mark],
) -> dict[str, Any]:
    vendor = known.vendor
    used = {s.place for a in _answers(known) for s in _statements(a)}
    past = {s.place for a in _answers(known) for s in _past_statements(a)}
    return {
        "id": vendor.id,
        "name": vendor.name,
        "as_of": _time(known.as_of),
        "assistants": [
            {
                "id": assistant.id,
                "name": assistant.name,
                "human_review": _answer(known, known.by_assistant[assistant.id], assistant.name)
                if assistant.id in known.by_assistant
                else None,
            }
            for assistant in vendor.assistants
        ],
        "sites": [
            {"host": s.host, "paths": list(s.paths), "assistants": list(s.assistants)}
            for s in vendor.sites
        ],
        "controls": [
            {
                "id": c.id,
                "kind": c.kind,
                "assistants": list(c.assistants),
                "name": dict(c.name),
                "url": c.url,
                "steps": {lang: list(steps) for lang, steps in c.steps.items()},
            }
            for c in vendor.controls
        ],
        "answers": {topic: _answer(known, answer) for topic, answer in known.answers.items()},
        "quotes": {_name(place): _quote(quotes[place]) for place in sorted(used)},
        "past_quotes": {_name(place): _quote(quotes[place]) for place in sorted(past - used)},
        "pages": [_page(page, known, marks) for page in known.pages],
        "changes": [_change(change) for change in opened],
    }


def _answer(known: Known, found: Answer, assistant: str | None = None) -> dict[str, Any]:
    names = known.assistants if assistant is None else (assistant,)
    kept = {s.place for s in (*_statements(found), *_past_statements(found))}
    return {
        "standing": found.standing,
        "stance": found.stance,
        "also": list(found.also),
        "summary": {
            lang: list(summary.answer(found, known.vendor.name, names, lang)) for lang in LANGUAGES
        },
        "since": _time(found.since),
        "observed": found.observed,
        "as_of": _time(found.as_of),
        "oldest_read": _time(found.oldest),
        "pages_read": found.pages_read,
        "pages_unread": found.pages_unread,
        "quotes": [_name(s.place) for s in found.statements[:_QUOTES]],
        "quotes_total": len(found.statements),
        "badge": {lang: _told(summary.badge(found, lang), kept) for lang in LANGUAGES},
        "popup": {
            lang: [
                _told(told, kept) for told in summary.popup(found, known.vendor.name, names, lang)
            ]
            for lang in LANGUAGES
        },
        "before": [_period(period) for period in _past(found)],
        "gone": [
            {"quote": _name(s.place), "since": _time(s.since), "until": _time(s.until)}
            for s in found.gone[:_GONE]
        ],
        "contradictions": [
            {
                "gap": one.gap,
                "more": _on_page(one.more),
                "less": _on_page(one.less),
                "says": {lang: summary.contradiction(one, lang) for lang in LANGUAGES},
            }
            for one in found.contradictions
        ],
    }


def _told(told: summary.Told, kept: AbstractSet[tuple[str, int]]) -> dict[str, Any]:
    """A sentence with the names of its quotes that are in the bundle."""
    return {
        "text": told.text,
        "quotes": [_name(s.place) for s in told.statements if s.place in kept],
    }


def _period(period: Period) -> dict[str, Any]:
    return {
        "since": _time(period.since),
        "until": _time(period.until),
        "observed": period.observed,
        "standing": period.standing,
        "stance": period.stance,
        "says": {lang: summary.period(period, lang) for lang in LANGUAGES},
        "quotes": [_name(s.as_first().place) for s in period.statements[:1]],
    }


def _on_page(page: PageAnswer) -> dict[str, Any]:
    return {
        "page_id": page.page_id,
        "standing": page.standing,
        "stance": page.stance,
        "as_of": _time(page.as_of),
    }


def _quote(found: Quote) -> dict[str, Any]:
    said = found.statement
    return {
        "text": found.text,
        "headings": list(found.headings),
        "topics": list(said.topics),
        "stance": said.stance,
        "passage_id": said.passage_id,
        "page_id": found.page.id,
        "url": found.page.url,
        "language": found.page.lang,
        "version_id": said.version_id,
        "captured_at": _time(said.captured_at),
        "last_seen": _time(said.last_seen),
        "text_digest": f"sha256:{said.text_id}",
        "capture_digest": said.digest,
    }


def _page(known: KnownPage, of: Known, marks: Mapping[str, _Mark]) -> dict[str, Any]:
    now = known.now
    says = {
        s.passage_id: {
            "id": s.passage_id,
            "topics": list(s.topics),
            "stance": s.stance,
            "head": marks[s.passage_id].head,
            "length": marks[s.passage_id].length,
        }
        for s in of.statements
        if s.current and s.page_id == known.page.id
    }
    return {
        "id": known.page.id,
        "title": known.page.title,
        "url": known.page.url,
        "earlier": list(known.page.earlier_urls),
        "language": known.page.lang,
        "region": known.page.region,
        "declared": known.page.declared,
        "remove": list(known.page.remove),
        "health": known.health.health,
        "last_read_at": _time(now.last_read_at if now else None),
        "version_id": now.current_id if now else None,
        "version_captured_at": _time(now.captured_at if now else None),
        "passages": [says[passage_id] for passage_id in sorted(says)],
    }


def _change(opened: OpenedChange) -> dict[str, Any]:
    row = opened.row
    told = [
        (step, topics)
        for step in opened.steps
        if (topics := knowledge.step_topics(step, opened.old, opened.new))
    ]
    words = rendering.words(opened.steps)
    counts = (row.added, row.removed, row.replaced, row.moved)
    ways = {topic: one.direction for topic, one in direction.unpack(row.directions).items()}
    return {
        "id": row.id,
        "page_id": row.page_id,
        "captured_at": _time(row.captured_at),
        "confirmed_at": _time(row.confirmed_at),
        "topics": list(row.topics),
        "counts": {
            "added": row.added,
            "removed": row.removed,
            "replaced": row.replaced,
            "moved": row.moved,
        },
        "words_removed": words.removed,
        "words_added": words.added,
        "summary": {
            lang: list(
                summary.change(row.vendor_name, row.page_title, counts, row.topics, lang, ways)
            )
            for lang in LANGUAGES
        },
        "directions": ways,
        "edits": [
            {
                "kind": step.edit.kind,
                "topics": list(topics),
                "runs": [[run.kind, run.text] for run in step.runs],
            }
            for step, topics in told[:_EDITS]
        ],
        "edits_total": len(told),
    }


def _name(place: tuple[str, int]) -> str:
    return f"{place[0]}.{place[1]}"


def _time(at: datetime | None) -> str | None:
    return moments.iso(at) if at else None
