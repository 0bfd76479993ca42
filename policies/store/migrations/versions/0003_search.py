"""Words of passages and edits for search, with their indexes, filled for what is stored."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from policies.store.search import filling

revision = "0003"
down_revision = "0002"

# `ascii` takes every other character as part of a word: the words are made before (see schema).
_FTS = (
    "CREATE VIRTUAL TABLE {fts} USING fts5({columns}, content='{table}', content_rowid='number',"
    " tokenize='ascii', columnsize=0)"
)
_KEPT = "CREATE TRIGGER {fts}_{event} AFTER {event} ON {table} BEGIN {steps} END"
_IN = "INSERT INTO {fts}(rowid, {columns}) VALUES (new.number, {new});"
_OUT = "INSERT INTO {fts}({fts}, rowid, {columns}) VALUES ('delete', old.number, {old});"
_INDEXED = {"passage_words": ("words",), "edit_words": ("removed", "added")}


def upgrade() -> None:
    """Make the tables and indexes, and fill them."""
    connection = op.get_bind()
    is_sqlite = connection.dialect.name == "sqlite"
    words: Any = sa.Text() if is_sqlite else postgresql.TSVECTOR()
    number: Any = sa.Integer() if is_sqlite else sa.BigInteger()
    op.create_table(
        "passage_words",
        sa.Column("number", number, autoincrement=False, nullable=False),
        sa.Column("passage_id", sa.Text(), nullable=False),
        sa.Column("words", words, nullable=False),
        sa.ForeignKeyConstraint(
            ["passage_id"], ["passages.id"], name=op.f("fk_passage_words_passage_id_passages")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_passage_words")),
        sa.UniqueConstraint("passage_id", name=op.f("uq_passage_words_passage_id")),
    )
    op.create_table(
        "edit_words",
        sa.Column("number", number, autoincrement=False, nullable=False),
        sa.Column("change_id", sa.Text(), nullable=False),
        sa.Column("edit", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("old_id", sa.Text(), nullable=True),
        sa.Column("new_id", sa.Text(), nullable=True),
        sa.Column("removed", words, nullable=False),
        sa.Column("added", words, nullable=False),
        sa.ForeignKeyConstraint(
            ["change_id"], ["changes.id"], name=op.f("fk_edit_words_change_id_changes")
        ),
        sa.ForeignKeyConstraint(
            ["old_id"], ["passages.id"], name=op.f("fk_edit_words_old_id_passages")
        ),
        sa.ForeignKeyConstraint(
            ["new_id"], ["passages.id"], name=op.f("fk_edit_words_new_id_passages")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_edit_words")),
        sa.UniqueConstraint("change_id", "edit", name=op.f("uq_edit_words_change_id_edit")),
    )
    op.create_index(op.f("ix_edit_words_old_id"), "edit_words", ["old_id"], unique=False)
    op.create_index(op.f("ix_edit_words_new_id"), "edit_words", ["new_id"], unique=False)
    for table, columns in _INDEXED.items():
        if is_sqlite:
            _index_by_fts5(table, columns)
        else:
            _index_by_gin(table, columns)
    filling.fill(connection)


def _index_by_fts5(table: str, columns: tuple[str, ...]) -> None:
    names = {
        "table": table,
        "fts": table.removesuffix("_words") + "_fts",
        "columns": ", ".join(columns),
        "new": ", ".join(f"new.{column}" for column in columns),
        "old": ", ".join(f"old.{column}" for column in columns),
    }
    op.execute(_FTS.format(**names))
    for event, steps in (("insert", _IN), ("delete", _OUT), ("update", f"{_OUT} {_IN}")):
        told = steps.format(**names)
        op.execute(sa.text(_KEPT.format(event=event, steps=told, **names)))


def _index_by_gin(table: str, columns: tuple[str, ...]) -> None:
    for column in columns:
        # Written seldom and read often: nothing waits in a list to be indexed.
        op.execute(
            f"CREATE INDEX ix_{table}_{column} ON {table} USING gin ({column})"
            " WITH (fastupdate = off)"
        )
