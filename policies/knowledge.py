"""What is known of each vendor, put together from the store: answers, quotes, health."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

import sqlalchemy as sa

from policies import ledger
from policies.ledger import Answer, Look, Place, Statement
from policies.model import Topic
from policies.store.queries import catalog, statements, texts, tracks
from policies.store.queries.catalog import PageRow, VendorRow
from policies.store.queries.health import PageHealth, health_of
from policies.store.queries.statements import StatementRow
from policies.store.queries.tracks import CRAWL, TrackRow


@dataclass(frozen=True)
class KnownPage:
    """A page, the track that speaks for it now, and the others."""

    page: PageRow
    now: TrackRow | None  # None: never fetched nor imported
    tracks: tuple[TrackRow, ...]

    @property
    def health(self) -> PageHealth:
        """Whether it can be looked at, as the crawl left it."""
        return health_of(self.tracks)


@dataclass(frozen=True)
class Known:
    """All that is known of a vendor."""

    vendor: VendorRow
    pages: tuple[KnownPage, ...]
    answers: Mapping[Topic, Answer]
    by_assistant: Mapping[str, Answer]  # on people listening; only where there are several
    statements: tuple[Statement, ...]  # current and past ones of its pages
    at: datetime | None = None  # as of when; None: now

    @property
    def assistants(self) -> tuple[str, ...]:
        """Its assistants' names."""
        return tuple(assistant.name for assistant in self.vendor.assistants)

    @property
    def as_of(self) -> datetime | None:
        """When one of its pages was last read."""
        read = [a.as_of for answer in self.answers.values() for a in answer.by_page if a.as_of]
        return max(read, default=None)


@dataclass(frozen=True)
class Quote:
    """Verbatim words of a page, with all that is needed to find and check them."""

    text: str
    headings: tuple[str, ...]  # above it, outermost first
    statement: Statement
    page: PageRow


def everybody(connection: sa.Connection, *, at: datetime | None = None) -> tuple[Known, ...]:
    """All vendors, by name; now, or as of a time by what is known of it today.

    As many queries for many as for one.
    """
    return _known(connection, catalog.vendors(connection, limit=100_000).items, None, at)


def somebody(
    connection: sa.Connection, vendor_id: str, *, at: datetime | None = None
) -> Known | None:
    """One vendor, or None; now, or as of a time by what is known of it today."""
    vendor = catalog.vendor(connection, vendor_id)
    if vendor is None:
        return None
    return _known(connection, [vendor], vendor_id, at)[0]


def known_pages(connection: sa.Connection, pages: Sequence[PageRow]) -> tuple[KnownPage, ...]:
    """The pages with their tracks, in the same order."""
    return _with_tracks(pages, tracks.tracks(connection, page_ids=[page.id for page in pages]))


def quotes(
    connection: sa.Connection, wanted: Iterable[Statement], pages: Mapping[str, PageRow]
) -> dict[tuple[str, int], Quote]:
    """The words of statements by place, sliced from the versions that hold them."""
    said = list(wanted)
    above = texts.headings(connection, ((s.text_id, at) for s in said for at in s.headings))
    places = {(s.text_id, s.start, s.end) for s in said}
    places |= {(text_id, start, end) for (text_id, _), (start, end) in above.items()}
    words = texts.slices(connection, places)
    return {
        s.place: Quote(
            text=words[s.text_id, s.start, s.end],
            headings=tuple(
                words[s.text_id, *above[s.text_id, at]]
                for at in s.headings
                if (s.text_id, at) in above
            ),
            statement=s,
            page=pages[s.page_id],
        )
        for s in said
    }


def statements_of(found: Answer) -> tuple[Statement, ...]:
    """Every statement of an answer: those of now where they stand and where they stood first,
    those that went, and those of earlier answers.
    """
    past = (s for period in found.earlier for s in period.statements)
    said = (*found.statements, *found.gone, *past)
    return (*said, *(statement.as_first() for statement in said))


def _known(
    connection: sa.Connection,
    vendors: Sequence[VendorRow],
    only: str | None,
    at: datetime | None = None,
) -> tuple[Known, ...]:
    pages = catalog.pages(connection, vendor_id=only, limit=100_000).items
    looked = _with_tracks(pages, tracks.tracks(connection, vendor_id=only))
    by_vendor: dict[str, list[KnownPage]] = {}
    for known in looked:
        by_vendor.setdefault(known.page.vendor_id, []).append(known)
    said: dict[str, list[StatementRow]] = {}
    for row in statements.statements(connection, vendor_id=only):
        said.setdefault(row.page_id, []).append(row)
    then = None
    if at is not None:
        then = _Then(at, statements.last_reads(connection, at, vendor_id=only))
    return tuple(
        _one(vendor, by_vendor.get(vendor.id, []), said, then)
        for vendor in sorted(vendors, key=lambda v: (v.name.casefold(), v.id))
    )


@dataclass(frozen=True)
class _Then:
    """A time, and when each page was last read before it, by page and origin."""

    at: datetime
    last_reads: Mapping[tuple[str, str], datetime]


def _one(
    vendor: VendorRow,
    pages: Sequence[KnownPage],
    said: Mapping[str, Sequence[StatementRow]],
    then: _Then | None,
) -> Known:
    looks: Sequence[Look]
    found: Sequence[Statement]
    looks, found = _seen(pages, said)
    if then is not None:
        looks, found = ledger.as_of(then.at, looks, found, then.last_reads)
    given = ledger.answers(looks, found)
    return Known(
        vendor,
        tuple(pages),
        {answer.topic: answer for answer in given},
        _by_assistant(vendor, pages, looks, found),
        tuple(found),
        then.at if then else None,
    )


def _seen(
    pages: Sequence[KnownPage], said: Mapping[str, Sequence[StatementRow]]
) -> tuple[list[Look], list[Statement]]:
    looks: list[Look] = []
    found: list[Statement] = []
    for known in pages:
        by_origin = {track.origin: track for track in known.tracks}
        looks += [_look(known, track) for track in known.tracks] or _never(known.page)
        found += [
            _statement(row, by_origin[row.origin], known.now)
            for row in said.get(known.page.id, ())
            if row.origin in by_origin
        ]
    return looks, found


def _by_assistant(
    vendor: VendorRow,
    pages: Sequence[KnownPage],
    looks: Sequence[Look],
    found: Sequence[Statement],
) -> dict[str, Answer]:
    """Each assistant's answer on people listening, from the pages that speak of it."""
    if len(vendor.assistants) < 2:
        return {}
    answers: dict[str, Answer] = {}
    for assistant in vendor.assistants:
        about = {
            known.page.id
            for known in pages
            if not known.page.assistants or assistant.id in known.page.assistants
        }
        answers[assistant.id] = ledger.answer(
            Topic.HUMAN_REVIEW,
            [look for look in looks if look.page_id in about],
            [statement for statement in found if statement.page_id in about],
        )
    return answers


def _with_tracks(pages: Sequence[PageRow], rows: Sequence[TrackRow]) -> tuple[KnownPage, ...]:
    grouped = {key: tuple(group) for key, group in groupby(rows, key=lambda row: row.page_id)}
    now = tracks.speaking(rows)
    return tuple(KnownPage(p, now.get(p.id), grouped.get(p.id, ())) for p in pages)


def _never(page: PageRow) -> list[Look]:
    """The look at a page that was declared and never fetched: not read is no silence."""
    if not page.declared:
        return []
    unread = Look(page.id, CRAWL, page.scope, page.lang, None, None, judged=False, speaks=True)
    return [replace(unread, policy_id=page.policy_id, assistants=page.assistants)]


def _look(known: KnownPage, track: TrackRow) -> Look:
    return Look(
        page_id=known.page.id,
        origin=track.origin,
        scope=known.page.scope,
        lang=known.page.lang,
        first_read=track.first_read,
        last_read=track.last_read_at,
        judged=track.judged,
        speaks=track is known.now,
        policy_id=known.page.policy_id,
        assistants=known.page.assistants,
    )


def _statement(row: StatementRow, track: TrackRow, now: TrackRow | None) -> Statement:
    stands = row.version_id == track.current_id
    return Statement(
        page_id=row.page_id,
        origin=row.origin,
        passage_id=row.passage_id,
        topics=row.topics,
        stance=row.stance,
        version_id=row.version_id,
        text_id=row.text_id,
        position=row.position,
        kind=row.kind,
        start=row.start,
        end=row.end,
        headings=row.headings,
        captured_at=row.version_captured_at,
        last_seen=row.last_seen,
        digest=row.digest,
        current=stands and track is now,
        lives=ledger.lives(
            row.spells,
            (row.first_seen, row.version_captured_at),
            None if stands else row.next_at or row.last_seen,
            track.first_read,
            reread=row.reread,
        ),
        slots=row.slots,
        first=Place(
            origin=row.origin,
            version_id=row.first.version_id,
            text_id=row.first.text_id,
            position=row.first.position,
            start=row.first.start,
            end=row.first.end,
            headings=row.first.headings,
            captured_at=row.first.captured_at,
            digest=row.first.digest,
        ),
        times=row.times,
    )
