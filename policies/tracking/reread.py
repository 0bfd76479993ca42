"""Reads stored texts again after an upgrade of the detector, so that like is compared with like.

Only what we make of a text changes, never the text: versions, their dates and the changes that
were published stay; a change may come to stand under other topics.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from policies.changes import substantial, touched
from policies.disclosures import LANGUAGES, Detector
from policies.model import Scope, Topic, Verdict
from policies.store import Store, codec, rereading, writing
from policies.tracking.disclose import disclose, mark_of


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
