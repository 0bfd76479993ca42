"""Health events: when a page could no longer be looked at, and when it could again.

An event is the capture that showed it, so its id is that capture's and stays. A single fetch
that failed is none: a page counts as out of reach when three in a row failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from policies.model import Outcome
from policies.store import schema
from policies.store.queries.rows import Listing, Position, listing

_CRAWL = "crawl"
_READ = [outcome.value for outcome in Outcome if outcome.is_read]
_FAILED = Outcome.FAILED.value


@dataclass(frozen=True)
class HealthEvent:
    """A page's health turned with a capture."""

    capture_id: str
    captured_at: datetime
    page_id: str
    page_title: str
    page_url: str
    lang: str
    vendor_id: str
    vendor_name: str
    outcome: Outcome
    why: str  # what the capture's rules say; empty where the page was read

    @property
    def is_read(self) -> bool:
        """Whether the page could be looked at again."""
        return self.outcome.is_read


def health_events(
    connection: sa.Connection,
    *,
    since: datetime,
    vendor_id: str | None = None,
    page_id: str | None = None,
    captures: Sequence[str] | None = None,
    after: Position | None = None,
    limit: int = 50,
) -> Listing[HealthEvent]:
    """Events since a time, newest first; of a vendor, of a page, of these captures, or all.

    What came before that time is not looked at, so a page's first capture in it is no event.
    """
    turned = _turned(since, page_id).subquery()
    c, p, v = turned.c, schema.pages, schema.vendors
    read, failed = c.outcome.in_(_READ), c.outcome == _FAILED
    was_out = sa.and_(c.back_1 == _FAILED, c.back_2 == _FAILED, c.back_3 == _FAILED)
    other = sa.case((c.before.in_(_READ), sa.not_(read)), else_=c.before != c.outcome)
    begun_failing = sa.and_(
        failed, c.back_1 == _FAILED, c.back_2 == _FAILED, sa.func.coalesce(c.back_3, "") != _FAILED
    )
    is_event = sa.or_(
        begun_failing,
        sa.and_(sa.not_(failed), sa.or_(was_out, sa.and_(c.before.is_not(None), other))),
    )
    query = (
        sa.select(
            turned,
            schema.captures.c.reasons,
            p.c.title,
            p.c.url,
            p.c.lang,
            p.c.vendor_id,
            v.c.name.label("vendor_name"),
        )
        .join(schema.captures, schema.captures.c.id == c.id)
        .join(p, p.c.id == c.page_id)
        .join(v, v.c.id == p.c.vendor_id)
        .where(is_event)
    )
    if vendor_id is not None:
        query = query.where(p.c.vendor_id == vendor_id)
    if captures is not None:
        query = query.where(c.id.in_(captures))
    if after is not None:
        here = sa.tuple_(sa.literal(after.at, schema.Instant), sa.literal(after.id))
        query = query.where(sa.tuple_(c.captured_at, c.id) < here)
    query = query.order_by(c.captured_at.desc(), c.id.desc()).limit(limit + 1)
    return listing([_event(row) for row in connection.execute(query)], limit)


def _turned(since: datetime, page_id: str | None) -> sa.Select[Any]:
    """Each capture of the crawl with the outcomes of those before it."""
    c = schema.captures.c
    query = sa.select(
        c.id,
        c.page_id,
        c.captured_at,
        c.outcome,
        # Failed ones left out: a failed fetch tells nothing about the page.
        sa.func.lag(c.outcome)
        .over(partition_by=(c.page_id, c.outcome == _FAILED), order_by=c.captured_at)
        .label("before"),
        *(
            sa.func.lag(c.outcome, n)
            .over(partition_by=c.page_id, order_by=c.captured_at)
            .label(f"back_{n}")
            for n in (1, 2, 3)
        ),
    ).where(c.origin == _CRAWL, c.captured_at >= since)
    return query.where(c.page_id == page_id) if page_id is not None else query


def _event(row: sa.Row[Any]) -> HealthEvent:
    outcome = Outcome(row.outcome)
    why = "" if outcome.is_read else "; ".join(reason["says"] for reason in row.reasons)
    return HealthEvent(
        capture_id=row.id,
        captured_at=row.captured_at,
        page_id=row.page_id,
        page_title=row.title,
        page_url=row.url,
        lang=row.lang,
        vendor_id=row.vendor_id,
        vendor_name=row.vendor_name,
        outcome=outcome,
        why=why,
    )
