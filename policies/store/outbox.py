"""What is to be sent: entered with the place in the log, kept until it was sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from policies.store import Store, schema
from policies.store.queries.rows import batches

_LOCK = 7205759403792793604  # of the outbox among PostgreSQL's advisory locks


@dataclass(frozen=True)
class Waiting:
    """One thing that one target is to be told."""

    id: str
    rule: str
    target: str  # hash of the address
    kind: str  # EventKind
    subject: str  # id of the event
    attempts: int  # that failed
    message: str | None  # id of the message it goes out in; None: not tried yet
    begun: bool  # a process died while it was being sent: it may have arrived


@dataclass(frozen=True)
class Standing:
    """How far one target of one rule is told."""

    rule: str
    target: str
    waiting: int
    sent: int
    last_sent_at: datetime | None
    due_at: datetime | None  # of the next
    trouble: str  # of what waits


@contextmanager
def alone(store: Store) -> Iterator[bool]:
    """Whether nobody else sends, and nobody will as long as this lasts (PostgreSQL)."""
    if store.engine.dialect.name != "postgresql":
        yield True
        return
    with store.engine.connect() as connection:
        asked = connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_LOCK})")
        got = bool(asked.scalar())
        connection.commit()  # the lock is the session's; no transaction stays open
        try:
            yield got
        finally:
            if got:
                connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_LOCK})")
                connection.commit()


def heard(connection: sa.Connection, rule: str) -> int | None:
    """Up to which entry of the log a rule was told; None: it is new."""
    h = schema.heard.c
    return connection.execute(sa.select(h.seq).where(h.rule == rule)).scalar()


def hear(connection: sa.Connection, rule: str, seq: int) -> None:
    """A rule was told up to this entry."""
    insert = _dialect(connection).insert(schema.heard).values(rule=rule, seq=seq)
    connection.execute(insert.on_conflict_do_update(index_elements=["rule"], set_={"seq": seq}))


def enter(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Enter what is to be sent; what was entered before stays as it is."""
    if rows:
        insert = _dialect(connection).insert(schema.outbox).on_conflict_do_nothing()
        connection.execute(insert, list(rows))


def due(connection: sa.Connection, now: datetime) -> tuple[Waiting, ...]:
    """What is to be sent now, in the order of the log."""
    o = schema.outbox
    query = (
        o.select()
        .where(o.c.sent_at.is_(None), o.c.due_at <= now)
        .order_by(o.c.seq, o.c.id)
        .limit(1000)  # the rest in the next run
    )
    return tuple(
        Waiting(
            row.id,
            row.rule,
            row.target,
            row.kind,
            row.subject,
            row.attempts,
            row.message,
            row.begun_at is not None,
        )
        for row in connection.execute(query)
    )


def note(connection: sa.Connection, ids: Sequence[str], **values: Any) -> None:
    """Bring columns of these rows up to date."""
    o = schema.outbox
    for batch in batches(ids):
        connection.execute(o.update().where(o.c.id.in_(batch)).values(values))


def standings(connection: sa.Connection) -> tuple[Standing, ...]:
    """How far each target of each rule is told."""
    o = schema.outbox.c
    waits = o.sent_at.is_(None)
    query = (
        sa.select(
            o.rule,
            o.target,
            sa.func.sum(sa.case((waits, 1), else_=0)).label("waiting"),
            sa.func.sum(sa.case((waits, 0), else_=1)).label("sent"),
            sa.func.max(o.sent_at).label("last_sent_at"),
            sa.func.min(sa.case((waits, o.due_at))).label("due_at"),
            sa.func.max(sa.case((waits, o.trouble), else_="")).label("trouble"),
        )
        .group_by(o.rule, o.target)
        .order_by(o.rule, o.target)
    )
    return tuple(
        Standing(
            row.rule,
            row.target,
            int(row.waiting),
            int(row.sent),
            row.last_sent_at,
            row.due_at,
            row.trouble,
        )
        for row in connection.execute(query)
    )


def _dialect(connection: sa.Connection) -> Any:
    return postgresql if connection.dialect.name == "postgresql" else sqlite
