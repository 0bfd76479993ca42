"""Whether the indexes of search are what the stored texts and changes make them; makes them so.

Reads in batches, whatever the store holds; nothing is written but by `mend`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from policies.store import codec, schema
from policies.store.search import filling

Finding = tuple[str, str]  # where, and what is wrong there

_AT_ONCE = 500  # passages
_SOME = 50  # changes: their edits may be long
_POSITIONS = 255  # of one word that PostgreSQL keeps
# What FTS5 makes of our tables (see migration 0003), compared with them, and made anew from them.
_COMPARE = {
    "passages": "INSERT INTO passage_fts(passage_fts, rank) VALUES ('integrity-check', 1)",
    "edits": "INSERT INTO edit_fts(edit_fts, rank) VALUES ('integrity-check', 1)",
}
_REBUILD = (
    "INSERT INTO passage_fts(passage_fts) VALUES ('rebuild')",
    "INSERT INTO edit_fts(edit_fts) VALUES ('rebuild')",
)
_LATER = "`earwitness reread` makes it anew"


def wrong(connection: sa.Connection) -> Iterator[Finding]:
    """What search would miss, or find though it is not there."""
    query = _told_passages()
    with connection.execution_options(yield_per=_AT_ONCE).execute(query) as rows:
        yield from (found for row in rows for found in _passage(row))
    c = schema.changes.c
    changes = sa.select(c.id, c.captured_at, c.edits).order_by(c.id)
    with connection.execution_options(yield_per=_SOME).execute(changes) as rows:
        yield from (found for row in rows for found in _change(connection, row))


def indexed_otherwise(engine: sa.Engine) -> Iterator[Finding]:
    """Which of SQLite's indexes do not hold the words that are kept for them.

    PostgreSQL looks after its own. Takes the write lock of SQLite, and writes nothing.
    """
    if engine.dialect.name != "sqlite":
        return
    for name, compare in _COMPARE.items():
        try:
            with engine.execution_options(writes=True).begin() as connection:
                connection.exec_driver_sql(compare)
        except sa.exc.DatabaseError as error:
            if "malformed" not in str(error.orig):
                raise
            yield "search", f"the index of {name} does not hold the words kept for it: {_LATER}"


def mend(engine: sa.Engine) -> bool:
    """Make the indexes anew where anything is wrong with them; whether anything was."""
    with engine.connect() as connection:
        found = next(wrong(connection), None) or next(indexed_otherwise(engine), None)
    if found is None:
        return False
    with engine.execution_options(writes=True).begin() as connection:
        if engine.dialect.name == "sqlite":  # its triggers would look for what is not there
            for rebuild in _REBUILD:
                connection.exec_driver_sql(rebuild)
        connection.execute(schema.passage_words.delete())
        connection.execute(schema.edit_words.delete())
        filling.fill(connection)
    return True


def _told_passages() -> sa.Select[Any]:
    """Every passage, when it was first seen in a version, and what is kept of its words."""
    p, pw, tp, v = schema.passages, schema.passage_words, schema.text_passages, schema.versions
    first_seen = (
        sa.select(sa.func.min(v.c.captured_at))
        .join_from(tp, v, v.c.text_id == tp.c.text_id)
        .where(tp.c.passage_id == p.c.id)
        .scalar_subquery()
    )
    return (
        sa.select(p.c.id, p.c.text, first_seen.label("first_seen"), pw.c.number, pw.c.words)
        .join_from(p, pw, pw.c.passage_id == p.c.id, isouter=True)
        .order_by(p.c.id)
    )


def _passage(row: Any) -> Iterator[Finding]:
    where = f"passage {row.id}"
    if row.first_seen is None:
        if row.number is not None:
            yield where, f"search finds it, and no version holds it: {_LATER}"
    elif row.number is None:
        yield where, f"search does not find it: {_LATER}"
    elif not _same(filling.said(row.text), row.words):
        yield where, f"search finds it by other words than its own: {_LATER}"
    elif not _in_order(row.number, row.first_seen):
        yield where, f"search takes it to be first seen at another time: {_LATER}"


def _change(connection: sa.Connection, row: Any) -> Iterator[Finding]:
    try:
        edits = codec.unpack_edits(row.edits)
        wanted = filling.rows_of(connection, row.id, row.captured_at, edits)
    except (*codec.UNREADABLE, sa.exc.NoResultFound):
        return  # told where changes are checked
    if not _all_there(connection, row, wanted):
        where = f"change {row.id}"
        yield where, f"search does not find its changed words as they are: {_LATER}"


def _all_there(connection: sa.Connection, row: Any, wanted: Sequence[dict[str, Any]]) -> bool:
    ew = schema.edit_words
    kept = {
        one.edit: one for one in connection.execute(ew.select().where(ew.c.change_id == row.id))
    }
    return len(kept) == len(wanted) and all(
        (one := kept.get(told["edit"])) is not None
        and (one.kind, one.old_id, one.new_id) == (told["kind"], told["old_id"], told["new_id"])
        and _same(told["removed"], one.removed)
        and _same(told["added"], one.added)
        and _in_order(one.number, row.captured_at)
        for told in wanted
    )


def _same(wanted: Sequence[str], kept: Sequence[str]) -> bool:
    """Whether words are kept as they should be, as far as the database can."""
    if tuple(wanted) == tuple(kept):
        return True
    counted = Counter(wanted)
    return max(counted.values(), default=0) > _POSITIONS and set(counted) == set(kept)


def _in_order(number: int, at: datetime) -> bool:
    """Whether a number is one of what was seen then; some more where the right one was taken."""
    least = filling.first_number(at)
    return least <= number <= least + filling.IN_A_SECOND + _AT_ONCE
