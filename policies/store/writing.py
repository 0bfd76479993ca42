"""What tracking writes, in its transaction: captures, texts, versions, changes, lifetimes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from policies.errors import BadStore
from policies.model import (
    BlockKind,
    Capture,
    Catalog,
    Document,
    Edit,
    EditKind,
    Match,
    Outcome,
    Page,
    Passage,
    Policy,
    Reason,
    Scope,
    Stance,
    Topic,
    Vendor,
    Verdict,
    VersionState,
    WarcPlace,
)
from policies.store import codec, log, schema
from policies.store.search import filling

Rows = Sequence[Mapping[str, Any]]


def stable_id(*parts: str) -> str:
    """16 hex digits that are the same wherever the same parts are hashed."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def capture_id(page_id: str, origin: str, captured_at: datetime) -> str:
    """The id of a capture."""
    return stable_id("capture", page_id, origin, captured_at.astimezone(UTC).isoformat())


def version_id(page_id: str, origin: str, text_id: str, captured_at: datetime) -> str:
    """The id of a version."""
    return stable_id("version", page_id, origin, text_id, captured_at.astimezone(UTC).isoformat())


def change_id(page_id: str, origin: str, before_id: str, after_id: str) -> str:
    """The id of a change."""
    return stable_id("change", page_id, origin, before_id, after_id)


def _dialect(connection: sa.Connection) -> Any:
    """The module whose inserts know of conflicts."""
    return postgresql if connection.dialect.name == "postgresql" else sqlite


def _insert_new(connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
    """Insert the rows whose key is not there yet."""
    if not rows:
        return
    connection.execute(_dialect(connection).insert(table).on_conflict_do_nothing(), list(rows))


def _put(connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
    """Insert rows, or bring those whose key is there up to date. All rows have the same keys."""
    if not rows:
        return
    insert = _dialect(connection).insert(table)
    keys = [column.name for column in table.primary_key]
    values = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=values), list(rows))


# --- what is watched -------------------------------------------------------------------


def register(connection: sa.Connection, catalog: Catalog) -> None:
    """Bring vendors and pages up to date; what left the catalog stays, no longer declared."""
    if not catalog.vendors:
        return
    connection.execute(schema.vendors.update().values(declared=False))
    connection.execute(schema.pages.update().values(declared=False))
    _put(connection, schema.vendors, [_vendor_row(v, True) for v in catalog.vendors])
    rows = [
        _page_row(page, policy, True)
        for vendor in catalog.vendors
        for policy in vendor.policies
        for page in policy.pages
    ]
    _put(connection, schema.pages, rows)


def register_undeclared(connection: sa.Connection, vendor: Vendor) -> None:
    """Make known a vendor that only an imported history speaks of."""
    _insert_new(connection, schema.vendors, [_vendor_row(vendor, False)])
    rows = [_page_row(page, policy, False) for policy in vendor.policies for page in policy.pages]
    _insert_new(connection, schema.pages, rows)


def _vendor_row(vendor: Vendor, declared: bool) -> dict[str, Any]:
    return {
        "id": vendor.id,
        "name": vendor.name,
        "assistants": [asdict(a) for a in vendor.assistants],
        "sites": [asdict(s) for s in vendor.sites],
        "controls": [
            {
                "id": c.id,
                "kind": c.kind.value,
                "assistants": list(c.assistants),
                "name": dict(c.name),
                "url": c.url,
                "steps": {lang: list(steps) for lang, steps in c.steps.items()},
            }
            for c in vendor.controls
        ],
        "declared": declared,
    }


def _page_row(page: Page, policy: Policy, declared: bool) -> dict[str, Any]:
    return {
        "id": page.id,
        "vendor_id": page.vendor_id,
        "policy_id": page.policy_id,
        "kind": policy.kind.value,
        "title": policy.title,
        "scope": page.scope.value,
        "assistants": list(policy.assistants),
        "lang": page.lang,
        "region": page.region,
        "url": page.url,
        "reading": {
            "select": list(page.select),
            "remove": list(page.remove),
            "earlier_urls": list(page.earlier_urls),
        },
        "declared": declared,
    }


def load_page(connection: sa.Connection, page_id: str) -> Page | None:
    """A page as the store knows it, or None."""
    row = connection.execute(schema.pages.select().where(schema.pages.c.id == page_id)).first()
    if row is None:
        return None
    reading = row.reading or {}
    return Page(
        id=row.id,
        vendor_id=row.vendor_id,
        policy_id=row.policy_id,
        lang=row.lang,
        region=row.region,
        url=row.url,
        scope=Scope(row.scope),
        select=tuple(reading.get("select", ())),
        remove=tuple(reading.get("remove", ())),
        earlier_urls=tuple(reading.get("earlier_urls", ())),
    )


# --- captures --------------------------------------------------------------------------


def put_capture(
    connection: sa.Connection,
    capture: Capture,
    *,
    id_: str,
    digest: str | None,
    outcome: Outcome,
    reasons: Iterable[Reason],
    text_id: str | None,
    record: str | None,
    place: WarcPlace | None,
) -> None:
    """Record one capture and what it turned out to be."""
    connection.execute(
        schema.captures.insert(),
        {
            "id": id_,
            "page_id": capture.page_id,
            "origin": capture.origin,
            "captured_at": capture.captured_at,
            "seen_until": capture.seen_until or capture.captured_at,
            "url": capture.url,
            "final_url": capture.final_url,
            "status": capture.status,
            "digest": digest,
            "size": len(capture.body),
            "outcome": outcome.value,
            "reasons": codec.reasons_json(reasons),
            "text_id": text_id,
            "etag": _printable(capture.header("etag")),
            "last_modified": _printable(capture.header("last-modified")),
            "note": capture.note,
            "record": record,
            "warc_file": place.file if place else None,
            "warc_offset": place.offset if place else None,
            "warc_length": place.length if place else None,
        },
    )
    log.note(connection, "capture", id_)


def _printable(value: str | None) -> str | None:
    """A header's value, where it is one that can be kept and sent again."""
    return value if value is not None and value.isprintable() else None


def known_capture(connection: sa.Connection, id_: str) -> Any:
    """The row (outcome, digest, text) of a capture, or None."""
    c = schema.captures.c
    query = sa.select(c.outcome, c.digest, c.text_id).where(c.id == id_)
    return connection.execute(query).first()


def place_of(row: Any) -> WarcPlace | None:
    """Where a capture row's record lies."""
    if row.warc_file is None:
        return None
    return WarcPlace(row.warc_file, row.warc_offset, row.warc_length)


def evidence_ends(connection: sa.Connection) -> dict[str, int]:
    """WARC file -> first byte behind its last record that a capture names."""
    c = schema.captures.c
    end = sa.func.max(c.warc_offset + c.warc_length)
    query = sa.select(c.warc_file, end).where(c.warc_file.is_not(None)).group_by(c.warc_file)
    return {name: int(last) for name, last in connection.execute(query)}


def body_row(connection: sa.Connection, digest: str) -> Any:
    """The row of the latest capture that holds a body with this digest in full, or None."""
    c = schema.captures.c
    query = (
        schema.captures.select()
        .where(c.digest == digest, c.record.in_(["response", "resource"]))
        .order_by(c.captured_at.desc())
        .limit(1)
    )
    return connection.execute(query).first()


def body_place(connection: sa.Connection, digest: str) -> WarcPlace | None:
    """Where a body with this digest lies in full, or None."""
    row = body_row(connection, digest)
    return place_of(row) if row else None


def last_read(connection: sa.Connection, page_id: str, origin: str) -> Any:
    """The row of the last capture whose text was read, or None."""
    c = schema.captures.c
    read = [outcome.value for outcome in Outcome if outcome.is_read]
    query = (
        schema.captures.select()
        .where(c.page_id == page_id, c.origin == origin, c.outcome.in_(read))
        .order_by(c.captured_at.desc())
        .limit(1)
    )
    return connection.execute(query).first()


def last_capture(connection: sa.Connection, page_id: str, origin: str) -> Any:
    """The row of a page's last capture by an origin, or None."""
    c = schema.captures.c
    query = (
        schema.captures.select()
        .where(c.page_id == page_id, c.origin == origin)
        .order_by(c.captured_at.desc())
        .limit(1)
    )
    return connection.execute(query).first()


def run_of_unread(connection: sa.Connection, page_id: str, origin: str, text_id: str) -> list[Any]:
    """Rows of the latest captures that all showed this text unread, oldest first."""
    c = schema.captures.c
    query = (
        sa.select(c.id, c.captured_at, c.text_id, c.outcome)
        .where(c.page_id == page_id, c.origin == origin)
        .order_by(c.captured_at.desc())
        .execution_options(yield_per=50)  # a run may be long, and is seldom there at all
    )
    run = []
    with connection.execute(query) as rows:
        for row in rows:
            if row.outcome == Outcome.FAILED.value:  # a capture that saw nothing breaks no run
                continue
            if row.text_id != text_id or row.outcome != Outcome.UNREADABLE.value:
                break
            run.append(row)
    return run[::-1]


# --- texts, passages, disclosures ------------------------------------------------------


def text_digest(text: str, lang: str) -> str:
    """The id under which a text in a language is kept."""
    return hashlib.sha256(f"{lang}\n{text}".encode()).hexdigest()


def put_text(
    connection: sa.Connection,
    document: Document,
    passages: Sequence[Passage],
    lang: str,
    signature: str,
    region: str | None,
    stated_date: str | None = None,
) -> str:
    """Keep a text and its passages, once; the text's id."""
    id_ = text_digest(document.text, lang)
    t = schema.texts
    if connection.execute(sa.select(t.c.id).where(t.c.id == id_)).first():
        return id_
    row = {
        "id": id_,
        "lang": lang,
        "body": codec.pack_text(document.text),
        "blocks": codec.pack_blocks(document.blocks),
        "characters": len(document.text),
        "passages": len(passages),
        "signature": signature,
        "region": region,
        "stated_date": stated_date or "",
    }
    insert = _dialect(connection).insert(t).values(row).on_conflict_do_nothing()
    if connection.execute(insert.returning(t.c.id)).first() is None:
        return id_  # another process has just kept it
    unique = {p.id: {"id": p.id, "lang": lang, "text": p.text} for p in passages}
    _insert_new(connection, schema.passages, sorted(unique.values(), key=lambda row: row["id"]))
    rows = [
        {
            "text_id": id_,
            "position": position,
            "passage_id": p.id,
            "kind": p.kind.value,
            "start": p.start,
            "end": p.end,
            "headings": list(p.headings),
        }
        for position, p in enumerate(passages)
    ]
    if rows:
        connection.execute(schema.text_passages.insert(), rows)
    return id_


def load_text(connection: sa.Connection, id_: str) -> str:
    """A stored text."""
    t = schema.texts
    body = connection.execute(sa.select(t.c.body).where(t.c.id == id_)).scalar_one()
    return codec.unpack_text(body)


def load_passages(connection: sa.Connection, text_id: str) -> tuple[Passage, ...]:
    """The passages of a stored text, with their exact words."""
    text = load_text(connection, text_id)
    p = schema.text_passages
    query = p.select().where(p.c.text_id == text_id).order_by(p.c.position)
    return tuple(
        Passage(
            row.passage_id,
            text[row.start : row.end],
            BlockKind(row.kind),
            row.start,
            row.end,
            tuple(row.headings),
        )
        for row in connection.execute(query)
    )


def read_with(connection: sa.Connection, text_id: str, scope: Scope) -> str | None:
    """The detector that judged a text in a scope, or None."""
    r = schema.readings
    query = sa.select(r.c.detector).where(r.c.text_id == text_id, r.c.scope == scope.value)
    return connection.execute(query).scalar_one_or_none()


def put_disclosures(
    connection: sa.Connection,
    text_id: str,
    scope: Scope,
    detector: str,
    verdicts: Mapping[int, tuple[str, Verdict]],
) -> None:
    """Keep what a text's passages say. `verdicts`: position -> verdict id and verdict."""
    d, r = schema.disclosures, schema.readings
    here = (d.c.text_id == text_id) & (d.c.scope == scope.value)
    connection.execute(d.delete().where(here))
    rows = {id_: _verdict_row(id_, detector, verdict) for id_, verdict in verdicts.values()}
    _insert_new(connection, schema.verdicts, [rows[id_] for id_ in sorted(rows)])
    found = [
        {"text_id": text_id, "scope": scope.value, "position": position, "verdict_id": id_}
        for position, (id_, _) in sorted(verdicts.items())
    ]
    if found:
        connection.execute(d.insert(), found)
    _put(connection, r, [{"text_id": text_id, "scope": scope.value, "detector": detector}])


def _verdict_row(id_: str, detector: str, verdict: Verdict) -> dict[str, Any]:
    return {
        "id": id_,
        "detector": detector,
        "topics": [topic.value for topic in verdict.topics],
        "stance": verdict.stance.value if verdict.stance else None,
        "matches": [[m.topic.value, m.pattern, m.start, m.end] for m in verdict.matches],
        "slots": dict(verdict.slots),
    }


def load_disclosures(
    connection: sa.Connection, text_id: str, scope: Scope
) -> dict[int, tuple[str, Verdict]]:
    """Position -> verdict id and verdict, for the passages of a text that say something."""
    d, v = schema.disclosures, schema.verdicts
    query = (
        sa.select(d.c.position, v)
        .join(v, v.c.id == d.c.verdict_id)
        .where(d.c.text_id == text_id, d.c.scope == scope.value)
    )
    return {
        row.position: (
            row.id,
            Verdict(
                tuple(Topic(topic) for topic in row.topics),
                Stance(row.stance) if row.stance else None,
                tuple(Match(Topic(t), p, start, end) for t, p, start, end in row.matches),
                row.slots,
            ),
        )
        for row in connection.execute(query)
    }


# --- versions, changes, lifetimes ------------------------------------------------------


def put_version(
    connection: sa.Connection,
    *,
    page_id: str,
    origin: str,
    text_id: str,
    capture_id: str,
    captured_at: datetime,
    last_seen: datetime,
    method: str,
    state: VersionState,
    base_id: str | None,
    confirmed_at: datetime | None = None,
    confirmed_by: str | None = None,
) -> str:
    """Record a version; its id."""
    id_ = version_id(page_id, origin, text_id, captured_at)
    row = {
        "id": id_,
        "page_id": page_id,
        "origin": origin,
        "text_id": text_id,
        "capture_id": capture_id,
        "captured_at": captured_at,
        "reading": method,
        "state": state.value,
        "confirmed_at": confirmed_at,
        "confirmed_by": confirmed_by,
        "base_id": base_id,
        "last_seen": last_seen,
    }
    _put(connection, schema.versions, [row])
    log.note(connection, "version", id_)
    filling.keep_passages(connection, text_id, captured_at)
    return id_


def texts_around(
    connection: sa.Connection, page_id: str, origin: str, version_id: str, until: datetime
) -> list[str]:
    """Ids of the texts of the version that one was compared with, and of up to five since then.

    The version's own text is not among them, nor is anything captured at `until` or later.
    """
    v = schema.versions
    this = connection.execute(v.select().where(v.c.id == version_id)).one()
    between = (
        sa.select(v.c.text_id)
        .where(v.c.page_id == page_id, v.c.origin == origin)
        .where(v.c.captured_at > this.captured_at, v.c.captured_at < until)
        .order_by(v.c.captured_at)
        .limit(5)
    )
    before = sa.select(v.c.text_id).where(v.c.id == this.base_id)
    found = [*connection.execute(before).scalars(), *connection.execute(between).scalars()]
    return [text_id for text_id in dict.fromkeys(found) if text_id != this.text_id]


def set_version(connection: sa.Connection, id_: str, **values: Any) -> bool:
    """Bring columns of a version up to date; whether there is such a version."""
    here = schema.versions.c.id == id_
    done = connection.execute(schema.versions.update().where(here).values(values)).rowcount
    if done and not values.keys() <= {"last_seen", "reading"}:  # the log does not hold these
        log.note(connection, "version", id_)
    return bool(done)


def version_read_by(
    connection: sa.Connection, page_id: str, origin: str, captured_at: datetime, method: str
) -> Any:
    """The row of the version that a way of reading made of a capture, or None."""
    v = schema.versions.c
    query = sa.select(v.id).where(
        v.page_id == page_id,
        v.origin == origin,
        v.captured_at == captured_at,
        v.reading == method,
    )
    found = connection.execute(query).scalars().first()
    return load_versions(connection, [found])[found] if found else None


def put_change(
    connection: sa.Connection,
    *,
    page_id: str,
    origin: str,
    before_id: str,
    after_id: str,
    captured_at: datetime,
    confirmed_at: datetime,
    topics: Sequence[Topic],
    edits: Sequence[Edit],
    said: Sequence[Edit],
    fingerprint: str,
    rewordings: Mapping[str, int],
    regional: float,
    directions: Mapping[str, Any],
    directed_by: str,
) -> str:
    """Publish a change; its id.

    `said`: the edits that change words, which are counted; `rewordings`: their marks and weights;
    `directions`: by topic, as `schema.changes` says; `directed_by` names the rules.
    """
    id_ = change_id(page_id, origin, before_id, after_id)
    counts = {
        kind.value: sum(1 for edit in said if edit.kind is kind)
        for kind in (EditKind.ADDED, EditKind.REMOVED, EditKind.REPLACED)
    }
    connection.execute(
        schema.changes.insert(),
        {
            "id": id_,
            "page_id": page_id,
            "origin": origin,
            "before_id": before_id,
            "after_id": after_id,
            "captured_at": captured_at,
            "confirmed_at": confirmed_at,
            "topics": [topic.value for topic in topics],
            "edits": codec.pack_edits(edits),
            "fingerprint": fingerprint,
            "weight": sum(rewordings.values()),
            "regional": regional,
            "moved": sum(1 for edit in edits if edit.kind is EditKind.MOVED),
            "directions": dict(directions),
            "directed_by": directed_by,
            **counts,
        },
    )
    put_change_topics(connection, id_, [topic.value for topic in topics], directions)
    log.note(connection, "change", id_)
    put_rewordings(connection, id_, rewordings)
    filling.keep_edits(connection, id_, captured_at, edits)
    return id_


def put_change_topics(
    connection: sa.Connection, change_id: str, topics: Sequence[str], directions: Mapping[str, Any]
) -> None:
    """Put a change under these topics, and no others, each with its direction."""
    t = schema.change_topics
    connection.execute(t.delete().where(t.c.change_id == change_id))
    rows = [
        {
            "change_id": change_id,
            "topic": topic,
            "direction": directions[topic]["direction"] if topic in directions else None,
        }
        for topic in topics
    ]
    if rows:
        connection.execute(t.insert(), rows)


def put_rewordings(
    connection: sa.Connection, change_id: str, rewordings: Mapping[str, int]
) -> None:
    """Keep the edits of a change one by one."""
    _insert_new(
        connection,
        schema.rewordings,
        [{"change_id": change_id, "mark": m, "weight": w} for m, w in rewordings.items()],
    )


def has_twin(
    connection: sa.Connection, page_id: str, origin: str, fingerprint: str, since: datetime
) -> bool:
    """Whether the same rewording was published for this page since a time."""
    c = schema.changes.c
    query = sa.select(c.id).where(
        c.page_id == page_id,
        c.origin == origin,
        c.fingerprint == fingerprint,
        c.captured_at >= since,
    )
    return connection.execute(query.limit(1)).first() is not None


def move_spells(
    connection: sa.Connection,
    page_id: str,
    origin: str,
    before: Iterable[Passage],
    now: Iterable[Passage],
    at: datetime,
) -> None:
    """Begin the lifetimes of passages that came, and end those of passages that went."""
    was, is_ = {p.id for p in before}, {p.id for p in now}
    s = schema.spells
    gone, come = sorted(was - is_), sorted(is_ - was)
    if gone:
        connection.execute(
            s.update()
            .where(
                s.c.page_id == page_id,
                s.c.origin == origin,
                s.c.ended.is_(None),
                s.c.passage_id == sa.bindparam("gone"),
            )
            .values(ended=sa.bindparam("at")),
            [{"gone": id_, "at": at} for id_ in gone],
        )
    rows = [
        {"page_id": page_id, "origin": origin, "passage_id": id_, "first_seen": at, "ended": None}
        for id_ in come
    ]
    _put(connection, s, rows)


# --- tracks ----------------------------------------------------------------------------


def load_track(connection: sa.Connection, page_id: str, origin: str) -> Any:
    """The row of a track, locked against other writers, or None."""
    p, t = schema.pages, schema.tracks
    # The page is locked, too: of a first capture there is no track to lock yet.
    connection.execute(sa.select(p.c.id).where(p.c.id == page_id).with_for_update())
    query = t.select().where(t.c.page_id == page_id, t.c.origin == origin).with_for_update()
    return connection.execute(query).first()


def load_tracks(connection: sa.Connection, origin: str) -> dict[str, Any]:
    """Page id -> row of its track of an origin."""
    t = schema.tracks
    return {row.page_id: row for row in connection.execute(t.select().where(t.c.origin == origin))}


def put_track(connection: sa.Connection, row: Mapping[str, Any]) -> None:
    """Keep where a track stands."""
    _put(connection, schema.tracks, [row])


def load_versions(connection: sa.Connection, ids: Sequence[str]) -> dict[str, Any]:
    """Version id -> row, with the signature and region of its text."""
    if not ids:
        return {}
    v, t = schema.versions, schema.texts
    query = (
        sa.select(v, t.c.signature, t.c.region)
        .join(t, t.c.id == v.c.text_id)
        .where(v.c.id.in_(list(ids)))
    )
    found = {row.id: row for row in connection.execute(query)}
    missing = set(ids) - set(found)
    if missing:
        raise BadStore(
            f"the store names versions that it does not hold ({', '.join(sorted(missing))}):"
            " `earwitness verify` tells more"
        )
    return found


def warnings_json(warnings: Iterable[Reason]) -> list[dict[str, Any]]:
    """Warnings as JSON objects."""
    return codec.reasons_json(warnings)


def context_digest(*parts: str) -> str:
    """32 hex digits: a key for verdicts, by content."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
