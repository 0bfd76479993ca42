"""Keeps captures as evidence, then judges them: the one writer of a process."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from policies import evidence
from policies.disclosures import Detector
from policies.errors import BadEvidence, BadInput
from policies.model import Capture, Catalog, Outcome, Page, Vendor
from policies.settings import Settings
from policies.store import Store, open_store, writing
from policies.tracking.directing import redirect
from policies.tracking.disclose import open_detector
from policies.tracking.due import Due, Standing, due_at
from policies.tracking.events import gather_loose
from policies.tracking.job import Job, Judgement, Memory
from policies.tracking.publishing import publish
from policies.tracking.reading import read
from policies.tracking.reread import date_texts, outdated, reread, reread_pages
from policies.tracking.rows import track_of
from policies.tracking.state import CRAWL


def open_tracker(settings: Settings) -> Tracker:
    """A tracker on the store and evidence that the settings name. Raises BadStore."""
    return Tracker(open_store(settings.database_url), settings, open_detector(settings))


class Tracker:
    """Serialises itself, and blocks while it works."""

    def __init__(self, store: Store, settings: Settings, detector: Detector) -> None:
        self.store = store
        self.settings = settings
        self._detector = detector
        self._writer = evidence.EvidenceWriter(settings.evidence)
        self._lock = threading.Lock()
        self._memory = Memory()

    def close(self) -> None:
        """Close the evidence file and the store."""
        self._writer.close()
        self.store.close()

    def register(self, catalog: Catalog) -> None:
        """Make the catalog's vendors and pages known to the store."""
        with self._writing() as connection:
            writing.register(connection, catalog)

    def register_undeclared(self, vendor: Vendor) -> None:
        """Make known a vendor that only an imported history speaks of."""
        with self._writing() as connection:
            writing.register_undeclared(connection, vendor)

    def recover(self) -> int:
        """Judge the captures that an earlier run kept but did not live to judge; how many."""
        with self.store.engine.connect() as connection:
            known = writing.evidence_ends(connection)
        adopted = 0
        for orphan in evidence.orphans(self.settings.evidence, known):
            with self.store.engine.connect() as connection:
                page = writing.load_page(connection, orphan.capture.page_id)
            if page is None:
                continue
            with suppress(
                BadInput, BadEvidence
            ):  # refused when it was made, or of a body that is lost
                self._judge(page, self._whole(orphan), orphan.written)
                adopted += 1
        return adopted

    def _whole(self, orphan: evidence.Orphan) -> Capture:
        """The capture as it was made: with the body that a revisit only points to."""
        if orphan.repeats is None:
            return orphan.capture
        with self.store.engine.connect() as connection:
            place = writing.body_place(connection, orphan.repeats)
        if place is None:
            raise BadEvidence(f"no capture holds the body {orphan.repeats}")
        kept = evidence.read_capture(self.settings.evidence, place)
        return replace(orphan.capture, body=kept.body)

    def catch_up(self) -> int:
        """Judge again what another lexicon judged, so that like is compared with like; how many.

        Pages that are declared to be read in another way are read again from their captures, and
        what an earlier schema did not hold is filled in: events, and the dates that texts state.
        """
        gather_loose(self.store)
        date_texts(self.store)
        waiting = len(outdated(self.store, self._detector))
        if waiting:
            reread(self.store, self._detector, lambda _: None)
        reread_pages(self.store, self.settings.evidence, self._detector, lambda _: None)
        redirect(self.store, self._detector, lambda _: None)
        return waiting

    def observe(self, page: Page, capture: Capture) -> Judgement:
        """Keep a capture as evidence, then judge it. Raises BadInput where time runs backwards."""
        with self._lock:
            written = None
            if capture.status is not None:
                written = self._writer.write(capture, self._same_body(capture))
            try:
                return self._judge(page, capture, written)
            except BadInput:
                raise
            except BaseException:
                # Nothing is to stand behind it in its file, so that recover() finds it there.
                self._writer.close()
                raise

    def due(self, pages: Iterable[Page], now: datetime, force: bool = False) -> list[Due]:
        """The pages to fetch now, in the order given. `force`: also those not yet due."""
        with self.store.engine.connect() as connection:
            tracks = writing.load_tracks(connection, CRAWL)
            return [
                self._asked(connection, page, _standing(tracks.get(page.id)))
                for page in pages
                if self._is_due(_standing(tracks.get(page.id)), now, force)
            ]

    def next_due(self, pages: Iterable[Page]) -> datetime | None:
        """When the first of the pages is due; None: one is due now, or there are none."""
        with self.store.engine.connect() as connection:
            tracks = writing.load_tracks(connection, CRAWL)
        times = [due_at(_standing(tracks.get(page.id)), self.settings) for page in pages]
        known = [time for time in times if time is not None]
        return min(known) if known and len(known) == len(times) else None

    def last_capture(self, page_id: str, origin: str) -> Any:
        """The row of a page's last capture by an origin, or None."""
        with self.store.engine.connect() as connection:
            return writing.last_capture(connection, page_id, origin)

    def _writing(self) -> AbstractContextManager[sa.Connection]:
        return self.store.engine.execution_options(writes=True).begin()

    def _is_due(self, standing: Standing, now: datetime, force: bool) -> bool:
        at, last = due_at(standing, self.settings), standing.last_capture_at
        if at is None or last is None:
            return True
        return now > last if force else now >= at

    def _asked(self, connection: sa.Connection, page: Page, standing: Standing) -> Due:
        """A page to fetch; after an unread capture without conditions, to be judged afresh."""
        if standing.last_capture_at is None or standing.failures:
            return Due(page)
        row = writing.last_read(connection, page.id, CRAWL)
        return Due(page, row.etag, row.last_modified) if row else Due(page)

    def _same_body(self, capture: Capture) -> Capture | None:
        """The kept capture whose body this one repeats, or None."""
        with self.store.engine.connect() as connection:
            if capture.status == 304:
                last = writing.last_read(connection, capture.page_id, capture.origin)
                digest = last.digest if last else None
            else:
                digest = evidence.digest(capture.body)
            row = writing.body_row(connection, digest) if digest else None
        place = writing.place_of(row) if row else None
        if row is None or place is None:
            return None
        if capture.status != 304:
            try:
                evidence.read_capture(self.settings.evidence, place)
            except BadEvidence:
                return None  # lost on disk: the body at hand is kept in full again
        return Capture(row.page_id, row.origin, row.captured_at, row.url, row.final_url, row.status)

    def _judge(self, page: Page, capture: Capture, written: evidence.Written | None) -> Judgement:
        id_ = writing.capture_id(capture.page_id, capture.origin, capture.captured_at)
        with self._writing() as connection:
            done = writing.known_capture(connection, id_)
            if done is not None:
                return Judgement(page.id, id_, Outcome(done.outcome), ())
            track = track_of(connection, page.id, capture.origin)
            if track.last_capture_at and capture.captured_at <= track.last_capture_at:
                raise BadInput(
                    f"the capture of {page.id} at {capture.captured_at.isoformat()} is not later"
                    f" than the last one, of {track.last_capture_at.isoformat()}:"
                    " history only grows forwards"
                )
            folder = self.settings.evidence
            job = Job(
                connection,
                self._detector,
                folder,
                self._memory,
                page,
                capture,
                id_,
                written,
                track,
            )
            return publish(job, read(job))


def _standing(row: Any) -> Standing:
    if row is None:
        return Standing()
    passed = sum(1 for variant in row.variants if not variant["returns"])
    return Standing(row.last_capture_at, row.pending_id is not None, row.failures, passed)
