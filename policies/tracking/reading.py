"""Reads a capture against what its page held before, like with like."""

from __future__ import annotations

from dataclasses import dataclass, replace

from policies import judge
from policies.dating import stated_date
from policies.evidence import digest
from policies.model import Document, Outcome, Passage, Reason
from policies.passages import signature, split
from policies.regions import region_of
from policies.store import writing
from policies.tracking.decide import is_doubtful
from policies.tracking.job import Job, Text
from policies.tracking.state import Held


@dataclass(frozen=True)
class Unread:
    """A capture whose text was not read, or not believed."""

    reading: judge.Reading
    text: Text | None  # what was found there all the same, kept as evidence


@dataclass(frozen=True)
class Read:
    """A capture whose text was read."""

    text: Text
    warnings: tuple[Reason, ...]


def read(job: Job) -> Read | Unread:
    """The text of a job's capture. A body that was read before is not read again."""
    unread = judge.screen(job.capture)
    if unread:
        return Unread(unread, None)
    last = writing.last_read(job.connection, job.page.id, job.capture.origin)
    if job.capture.status == 304:
        if last is None:
            job.digest = digest(job.capture.body)
            why = Reason("not-asked", "the server says 304, but no page was read before")
            return Unread(judge.Reading(Outcome.FAILED, (why,)), None)
        job.digest = last.digest
    if last is not None and last.digest == job.digest:
        known = _known(job, last.text_id)
        if known:
            return Read(known, job.track.warnings)
    return _read_body(job)


def reread(job: Job, held: Held, method: str) -> tuple[Document, tuple[Passage, ...]] | None:
    """A held version's capture read by another method; None where that does not work."""
    row = writing.known_capture(job.connection, held.capture_id)
    if row is None or row.digest is None:
        return None
    source = judge.Source(job.body(row.digest))
    if method not in judge.methods(job.page, source.kind):
        return None
    document = source.read(method, job.page)
    passages = split(document, job.page.lang)
    if judge.retention(job.passages(held.text_id), passages).collapsed:
        return None
    return document, passages


def keep(job: Job, method: str, document: Document, passages: tuple[Passage, ...]) -> Text:
    """Keep a document as a text of the store."""
    mark = signature(passages)
    region = region_of([document.text], job.page.lang)
    stated = stated_date((p.text for p in passages), job.page.lang)
    id_ = writing.put_text(job.connection, document, passages, job.page.lang, mark, region, stated)
    return Text(id_, mark, region, method)


def _known(job: Job, text_id: str) -> Text | None:
    """The text that the track holds under this id, if the page is still read that way."""
    held = next((h for h in job.held() if h.text_id == text_id), None)
    if held is None:
        return None
    first, *others = judge.methods(job.page, judge.kind_of(held.method))
    broken = any(warning.rule == "selector-broken" for warning in job.track.warnings)
    if held.method != first and not (broken and held.method in others):
        return None
    return Text(held.text_id, held.signature, held.region, held.method)


def _read_body(job: Job) -> Read | Unread:
    capture = job.capture
    if capture.status == 304:
        assert job.digest is not None
        kept = job.body(job.digest)
        capture = replace(capture, body=kept.body, headers=kept.headers)
    reading = judge.read(capture, job.page, _base(job))
    text = None
    if reading.document is not None and reading.passages:
        text = keep(job, reading.method, reading.document, reading.passages)
    if reading.outcome is not None or text is None:
        return Unread(reading, text)
    return Read(text, reading.warnings)


def _base(job: Job) -> judge.Base | None:
    current = job.track.current
    if current is None or is_doubtful(job.track):
        return None

    def again(method: str) -> tuple[Passage, ...] | None:
        def make() -> tuple[Passage, ...] | None:
            found = reread(job, current, method)
            return found[1] if found else None

        return job.memory.reread(current.capture_id, method, make)

    return judge.Base(current.method, job.passages(current.text_id), again)
