"""Reads what is stored again after an upgrade, so that like is compared with like.

After another detector, every text is judged again: versions, their dates and the changes that
were published stay; a change may come to stand under other topics. After another selector or
extractor, the captures that a page's history stands on are read again, and nothing is published.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from policies import judge
from policies.changes import substantial, touched
from policies.dating import stated_date
from policies.disclosures import LANGUAGES, Detector
from policies.errors import BadEvidence
from policies.model import Capture, Page, Scope, Topic, Verdict
from policies.store import Store, codec, rereading, writing
from policies.tracking.disclose import disclose, mark_of
from policies.tracking.job import Job, Memory
from policies.tracking.rebasing import rebase
from policies.tracking.rows import row_of_track, track_of
from policies.tracking.state import Track


def outdated(store: Store, detector: Detector) -> list[tuple[str, str, Scope]]:
    """(text id, language, scope) of the texts that another detector judged."""
    marks = {lang: mark_of(detector, lang) for lang in LANGUAGES}
    with store.engine.connect() as connection:
        return rereading.judged_otherwise(connection, marks)


def reread(store: Store, detector: Detector, seen: Callable[[int], None]) -> int:
    """Judge every outdated text again, each in a transaction of its own.

    Interrupted, the next run carries on. Gives how many changes came under other topics.
    """
    regrouped = 0
    for text_id, lang, scope in outdated(store, detector):
        with store.engine.execution_options(writes=True).begin() as connection:
            passages = writing.load_passages(connection, text_id)
            verdicts = disclose(detector, lang, scope, passages)
            mark = mark_of(detector, lang)
            writing.put_disclosures(connection, text_id, scope, mark, verdicts)
            regrouped += _regroup(connection, text_id, scope)
        seen(1)
    with store.engine.execution_options(writes=True).begin() as connection:
        rereading.drop_unused_verdicts(connection)
    return regrouped


def misread(store: Store) -> list[tuple[Page, str]]:
    """(page, origin) of the tracks whose believed version is not read as it is declared now.

    A page whose declared selector is known to fail is read by the main content, as it should be.
    """
    found = []
    with store.engine.connect() as connection:
        for row in rereading.believed(connection):
            page = writing.load_page(connection, row.page_id)
            assert page is not None
            first, *others = judge.methods(page, judge.kind_of(row.reading))
            broken = any(warning["rule"] == "selector-broken" for warning in row.warnings)
            if row.reading != first and not (broken and row.reading in others):
                found.append((page, row.origin))
    return found


def reread_pages(
    store: Store, folder: Path, detector: Detector, seen: Callable[[int], None]
) -> list[str]:
    """Read the captures of misread tracks again, each track in a transaction of its own.

    `folder`: of the evidence. Gives the ids of the pages that cannot be read as declared; they stay
    as they are until a capture can.
    """
    unreadable = []
    for page, origin in misread(store):
        with store.engine.execution_options(writes=True).begin() as connection:
            track = track_of(connection, page.id, origin)
            if track.current is not None and not _as_declared(
                connection, folder, detector, page, track
            ):
                unreadable.append(page.id)
        seen(1)
    return unreadable


def date_texts(store: Store) -> int:
    """Look in the texts of an earlier schema for the dates that they state; how many there were."""
    with store.engine.connect() as connection:
        waiting = rereading.undated(connection)
    for text_id, lang in waiting:
        with store.engine.execution_options(writes=True).begin() as connection:
            passages = writing.load_passages(connection, text_id)
            stated = stated_date((p.text for p in passages), lang)
            rereading.set_stated_date(connection, text_id, stated)
    return len(waiting)


def _as_declared(
    connection: sa.Connection, folder: Path, detector: Detector, page: Page, track: Track
) -> bool:
    """Read a track in the first of its page's ways; whether that works."""
    current = track.current
    assert current is not None
    stand_in = Capture(page.id, track.origin, current.captured_at, page.url, page.url, None)
    job = Job(
        connection, detector, folder, Memory(), page, stand_in, current.capture_id, None, track
    )
    method, *_ = judge.methods(page, judge.kind_of(current.method))
    try:
        works = rebase(job, method)
    except BadEvidence:
        return False
    writing.put_track(connection, row_of_track(job.track))
    return works


def _regroup(connection: sa.Connection, text_id: str, scope: Scope) -> int:
    """Bring the topics of a text's changes up to date; how many were others."""
    regrouped = 0
    for change in rereading.changes_of(connection, text_id, scope):
        topics = _topics(connection, change.before_text, change.after_text, change.edits, scope)
        if [topic.value for topic in topics] != change.topics:
            rereading.set_topics(connection, change.id, topics)
            regrouped += 1
    return regrouped


def _topics(
    connection: sa.Connection, before_id: str, after_id: str, packed: bytes, scope: Scope
) -> tuple[Topic, ...]:
    old = writing.load_passages(connection, before_id)
    new = writing.load_passages(connection, after_id)
    said = substantial(codec.unpack_edits(packed), old, new)
    return touched(said, _says(connection, before_id, scope), _says(connection, after_id, scope))


def _says(connection: sa.Connection, text_id: str, scope: Scope) -> dict[int, Verdict]:
    found = writing.load_disclosures(connection, text_id, scope)
    return {position: verdict for position, (_, verdict) in found.items()}
