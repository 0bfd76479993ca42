"""Brings a history from elsewhere in: which document is which page, and capture by capture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from policies.importers.ota import History, OtaDocument, undeclared_page
from policies.model import Catalog, Outcome, Page, Vendor
from policies.tracking.tracker import Tracker


@dataclass(frozen=True)
class Assignment:
    """A document of an archive and the page that it is a history of."""

    document: OtaDocument
    page: Page
    vendor: Vendor | None  # None: declared; else to be made known first


@dataclass(frozen=True)
class Imported:
    """What came of one document."""

    assignment: Assignment
    recorded: int  # versions in the archive
    known: int  # of them imported earlier
    outcomes: Counter[Outcome]
    published: int  # changes


def assignments(
    history: History, catalog: Catalog, documents: Sequence[OtaDocument], *, undeclared: bool
) -> Iterator[Assignment]:
    """The pages that documents are histories of; with `undeclared` also for unnamed documents."""
    declared = {
        (source.collection, source.service, source.terms): page
        for page in catalog.pages
        for source in page.ota
    }
    for document in documents:
        page = declared.get((history.collection, document.service, document.terms))
        if page is not None:
            yield Assignment(document, page, None)
        elif undeclared:
            vendor, _, made = undeclared_page(history, document)
            yield Assignment(document, made, vendor)


def bring_in(
    tracker: Tracker, history: History, assignment: Assignment, seen: Callable[[int], None]
) -> Imported:
    """Judge a document's recorded versions, oldest first; what is there already is left alone.

    `seen` is told how many versions are done each time one is.
    """
    page, document = assignment.page, assignment.document
    if assignment.vendor is not None:
        tracker.register_undeclared(assignment.vendor)
    last = tracker.last_capture(page.id, f"ota:{history.collection}")
    after = last.captured_at if last else None
    outcomes: Counter[Outcome] = Counter()
    published = 0
    known = sum(1 for r in document.recordings if after and r.captured_at <= after)
    seen(known)
    if last:
        # What was the archive's newest text had stood for a moment then; now it is known how long.
        again = history.still_there(document, page.id, last.captured_at, last.seen_until)
        published += len(tracker.observe(page, again).published) if again else 0
    for capture in history.captures(document, page.id, after):
        judgement = tracker.observe(page, capture)
        outcomes[judgement.outcome] += 1
        published += len(judgement.published)
        seen(1)
    return Imported(assignment, document.versions, known, outcomes, published)
