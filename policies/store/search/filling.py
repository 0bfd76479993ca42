"""Keeps the words of what is stored: of each version's passages, of each change's edits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from policies.model import Edit, EditKind, SpanKind
from policies.store import codec, schema
from policies.store.queries.rows import batches
from policies.words import words

_MOST_WORDS = 4_000  # of one passage; a tsvector counts places to 16,383, and an edit has two
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_SPREAD = 30  # bits that tell apart what was seen in the same second
IN_A_SECOND = 1 << _SPREAD  # numbers
_LATEST = (1 << 63 - _SPREAD) - 1  # seconds since 1970: the year 2242
# Stands between runs of changed words, so that no phrase is found across them. Both indexes take
# it for a word, and no query can ask for it.
_GAP = "¶"
_SAID = (EditKind.ADDED, EditKind.REMOVED, EditKind.REPLACED)
_CHANGES_AT_ONCE = 50  # in a migration


def number(at: datetime, *parts: str) -> int:
    """The place of something in the order of search: by its time, then by its content."""
    spread = hashlib.sha256("\n".join(parts).encode()).digest()[:4]
    return first_number(at) + (int.from_bytes(spread, "big") >> (32 - _SPREAD))


def first_number(at: datetime) -> int:
    """The lowest number of what was seen in that second."""
    seconds = int((at - _EPOCH).total_seconds())
    return min(max(seconds, 0), _LATEST) << _SPREAD


def keep_passages(connection: sa.Connection, text_id: str, at: datetime) -> None:
    """Keep the words of a version's passages, as seen at a time; the earliest time counts."""
    p, tp, pw = schema.passages, schema.text_passages, schema.passage_words
    here = sa.select(tp.c.passage_id).where(tp.c.text_id == text_id)
    query = (
        sa.select(p.c.id, p.c.text, pw.c.number)
        .outerjoin(pw, pw.c.passage_id == p.c.id)
        .where(p.c.id.in_(here))
        .where(sa.or_(pw.c.number.is_(None), pw.c.number >= first_number(at + _SECOND)))
    )
    found = list(connection.execute(query))
    earlier = [row.id for row in found if row.number is not None]
    for batch in batches(earlier):
        connection.execute(pw.delete().where(pw.c.passage_id.in_(batch)))
    rows = [
        {"number": number(at, row.id), "passage_id": row.id, "words": said(row.text)}
        for row in sorted(found)
    ]
    _insert(connection, pw, ("passage_id",), rows)


def keep_edits(
    connection: sa.Connection, change_id: str, at: datetime, edits: Sequence[Edit]
) -> None:
    """Keep the words that a change's edits took away and brought. `edits`: all, in order."""
    rows = rows_of(connection, change_id, at, edits)
    _insert(connection, schema.edit_words, ("change_id", "edit"), rows)


def rows_of(
    connection: sa.Connection, change_id: str, at: datetime, edits: Sequence[Edit]
) -> list[dict[str, Any]]:
    """What is kept of a change's edits. `edits`: all, in order."""
    c, v = schema.changes, schema.versions
    before, after = v.alias(), v.alias()
    query = (
        sa.select(before.c.text_id.label("old"), after.c.text_id.label("new"))
        .select_from(c)
        .join(before, before.c.id == c.c.before_id)
        .join(after, after.c.id == c.c.after_id)
        .where(c.c.id == change_id)
    )
    texts = connection.execute(query).one()
    told = [(place, edit) for place, edit in enumerate(edits) if edit.kind in _SAID]
    old = _passages(connection, texts.old, (edit.old for _, edit in told))
    new = _passages(connection, texts.new, (edit.new for _, edit in told))
    return [
        _row(change_id, at, place, edit, old.get(edit.old), new.get(edit.new))
        for place, edit in told
    ]


def fill(connection: sa.Connection) -> None:
    """Keep the words of all that is stored already."""
    v, c = schema.versions, schema.changes
    first_seen = sa.func.min(v.c.captured_at)
    texts = (
        sa.select(v.c.text_id, first_seen).group_by(v.c.text_id).order_by(first_seen, v.c.text_id)
    )
    for text_id, at in list(connection.execute(texts)):
        keep_passages(connection, text_id, at)
    ids = list(connection.execute(sa.select(c.c.id).order_by(c.c.id)).scalars())
    for start in range(0, len(ids), _CHANGES_AT_ONCE):
        some = sa.select(c.c.id, c.c.captured_at, c.c.edits).where(
            c.c.id.in_(ids[start : start + _CHANGES_AT_ONCE])
        )
        for row in list(connection.execute(some)):
            keep_edits(connection, row.id, row.captured_at, codec.unpack_edits(row.edits))


def _row(
    change_id: str,
    at: datetime,
    place: int,
    edit: Edit,
    old: tuple[str, str] | None,
    new: tuple[str, str] | None,
) -> dict[str, Any]:
    was, is_ = (old[1] if old else ""), (new[1] if new else "")
    return {
        "number": number(at, change_id, str(place)),
        "change_id": change_id,
        "edit": place,
        "kind": edit.kind.value,
        "old_id": old[0] if old else None,
        "new_id": new[0] if new else None,
        "removed": _joined(was[a:b] for a, b in changed(edit, was, SpanKind.REMOVED)),
        "added": _joined(is_[a:b] for a, b in changed(edit, is_, SpanKind.ADDED)),
    }


def changed(edit: Edit, text: str, kind: SpanKind) -> Iterator[tuple[int, int]]:
    """(start, end) of the runs of a passage that an edit took away, or brought."""
    if not edit.spans:
        if text:
            yield 0, len(text)
        return
    for span in edit.spans:
        if span.kind is kind is SpanKind.REMOVED:
            yield span.old_start, span.old_end
        elif span.kind is kind:
            yield span.new_start, span.new_end


def _joined(runs: Iterable[str]) -> tuple[str, ...]:
    all_said: list[str] = []
    for run in runs:
        found = said(run)
        all_said += [_GAP, *found] if all_said and found else found
    return tuple(all_said[:_MOST_WORDS])


def said(text: str) -> tuple[str, ...]:
    """The words by which a passage is found."""
    return tuple(word.said for word in words(text)[:_MOST_WORDS])


def _passages(
    connection: sa.Connection, text_id: str, positions: Iterable[int | None]
) -> dict[int | None, tuple[str, str]]:
    """(passage id, words untouched) by position in a text."""
    wanted = sorted({at for at in positions if at is not None})
    if not wanted:
        return {}
    t, tp = schema.texts, schema.text_passages
    body = codec.unpack_text(
        connection.execute(sa.select(t.c.body).where(t.c.id == text_id)).scalar_one()
    )
    return {
        row.position: (row.passage_id, body[row.start : row.end])
        for batch in batches(wanted)
        for row in connection.execute(
            sa.select(tp.c.position, tp.c.passage_id, tp.c.start, tp.c.end).where(
                tp.c.text_id == text_id, tp.c.position.in_(batch)
            )
        )
    }


def _insert(
    connection: sa.Connection,
    table: sa.Table,
    keys: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Insert the rows that are not there; one whose number is taken gets the next free one."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(table).on_conflict_do_nothing()
    key = sa.tuple_(*(table.c[name] for name in keys))
    left = {tuple(row[name] for name in keys): dict(row) for row in rows}
    while left:
        connection.execute(insert, list(left.values()))
        for batch in batches(list(left)):
            for there in connection.execute(sa.select(*key.clauses).where(key.in_(batch))):
                left.pop(tuple(there), None)
        for row in left.values():
            row["number"] += 1
