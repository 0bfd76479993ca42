"""Texts and their passages, kept once."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from policies.model import BlockKind, Document, Passage
from policies.store import codec, schema
from policies.store.writing.ids import text_digest
from policies.store.writing.rows import dialect, insert_new


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
    insert = dialect(connection).insert(t).values(row).on_conflict_do_nothing()
    if connection.execute(insert.returning(t.c.id)).first() is None:
        return id_  # another process has just kept it
    unique = {p.id: {"id": p.id, "lang": lang, "text": p.text} for p in passages}
    insert_new(connection, schema.passages, sorted(unique.values(), key=lambda row: row["id"]))
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
