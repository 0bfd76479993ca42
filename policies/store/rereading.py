"""What a technical upgrade asks of the store: outdated texts, and the changes that show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from policies.model import Scope, Topic
from policies.store import log, schema, writing


def judged_otherwise(
    connection: sa.Connection, marks: dict[str, str]
) -> list[tuple[str, str, Scope]]:
    """(text id, language, scope) of the texts that were not judged under their language's mark.

    `marks`: language -> the mark of the detector of today; other languages have none.
    """
    r, t = schema.readings.c, schema.texts.c
    query = (
        sa.select(r.text_id, t.lang, r.scope, r.detector)
        .join_from(schema.readings, schema.texts, t.id == r.text_id)
        .order_by(r.text_id, r.scope)
    )
    return [
        (row.text_id, row.lang, Scope(row.scope))
        for row in connection.execute(query)
        if row.detector != marks.get(row.lang, "")
    ]


def believed(connection: sa.Connection) -> list[Any]:
    """(page, origin, way of reading, warnings) of every track that believes a version."""
    t, v = schema.tracks, schema.versions
    query = (
        sa.select(t.c.page_id, t.c.origin, t.c.warnings, v.c.reading)
        .join_from(t, v, v.c.id == t.c.current_id)
        .order_by(t.c.page_id, t.c.origin)
    )
    return list(connection.execute(query))


def undated(connection: sa.Connection) -> list[tuple[str, str]]:
    """(id, language) of the texts whose own date was not looked for yet."""
    t = schema.texts.c
    query = sa.select(t.id, t.lang).where(t.stated_date.is_(None)).order_by(t.id)
    return [tuple(row) for row in connection.execute(query)]


def set_stated_date(connection: sa.Connection, text_id: str, stated: str | None) -> None:
    """Keep the date that a text states of itself."""
    t = schema.texts
    connection.execute(t.update().where(t.c.id == text_id).values(stated_date=stated or ""))


def changes_of(connection: sa.Connection, text_id: str, scope: Scope) -> list[Any]:
    """The changes that lead from or to a text on pages of a scope, with the texts on both sides."""
    c, p = schema.changes, schema.pages
    before, after = schema.versions.alias("before"), schema.versions.alias("after")
    query = (
        sa.select(
            c.c.id,
            c.c.edits,
            c.c.topics,
            before.c.text_id.label("before_text"),
            after.c.text_id.label("after_text"),
        )
        .join_from(c, before, before.c.id == c.c.before_id)
        .join(after, after.c.id == c.c.after_id)
        .join(p, p.c.id == c.c.page_id)
        .where(p.c.scope == scope.value)
        .where(sa.or_(before.c.text_id == text_id, after.c.text_id == text_id))
    )
    return list(connection.execute(query))


def set_topics(connection: sa.Connection, change_id: str, topics: Sequence[Topic]) -> None:
    """Put a change under other topics; which way it goes on them is to be read anew."""
    names = [topic.value for topic in topics]
    c = schema.changes
    values = {"topics": names, "directions": {}, "directed_by": ""}
    connection.execute(c.update().where(c.c.id == change_id).values(**values))
    writing.put_change_topics(connection, change_id, names, {})
    log.note(connection, "change", change_id)


def directed_otherwise(
    connection: sa.Connection, marks: Mapping[str, str], unread: str
) -> list[str]:
    """Ids of the changes that were not directed under their language's mark, oldest first.

    `marks`: language -> the mark of the rules of today; `unread`: that of other languages.
    """
    c, p = schema.changes.c, schema.pages.c
    query = (
        sa.select(c.id, c.directed_by, p.lang)
        .join_from(schema.changes, schema.pages, p.id == c.page_id)
        .order_by(c.captured_at, c.id)
    )
    return [
        row.id
        for row in connection.execute(query)
        if row.directed_by != marks.get(row.lang, unread)
    ]


def change(connection: sa.Connection, change_id: str) -> Any:
    """A change's edits and topics, its page's scope and language, and the texts on both sides."""
    c, p = schema.changes.c, schema.pages.c
    before, after = schema.versions.alias("before"), schema.versions.alias("after")
    query = (
        sa.select(
            c.edits,
            c.topics,
            p.scope,
            p.lang,
            before.c.text_id.label("before_text"),
            after.c.text_id.label("after_text"),
        )
        .join_from(schema.changes, schema.pages, p.id == c.page_id)
        .join(before, before.c.id == c.before_id)
        .join(after, after.c.id == c.after_id)
        .where(c.id == change_id)
    )
    return connection.execute(query).one()


def set_directions(
    connection: sa.Connection, change_id: str, directions: Mapping[str, Any], directed_by: str
) -> None:
    """Keep which way a change goes, and by which rules."""
    c, t = schema.changes, schema.change_topics
    values = {"directions": dict(directions), "directed_by": directed_by}
    connection.execute(c.update().where(c.c.id == change_id).values(**values))
    for topic, found in directions.items():
        here = (t.c.change_id == change_id) & (t.c.topic == topic)
        connection.execute(t.update().where(here).values(direction=found["direction"]))


def drop_unused_verdicts(connection: sa.Connection) -> int:
    """Forget verdicts that no text refers to any more; how many."""
    v, d = schema.verdicts, schema.disclosures
    used = sa.select(d.c.verdict_id)
    return connection.execute(v.delete().where(v.c.id.not_in(used))).rowcount
