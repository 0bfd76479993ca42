"""Search and provenance: every passage and changed word that was ever read."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from apiflask import APIBlueprint
from flask import Response

from api import cursors
from api.costly import costly
from api.reading import connection
from api.v1 import params, schemas
from api.v1.answering import Part, as_of, known, listed, reply
from policies import rendering
from policies.errors import BadInput
from policies.finding import hits, tracing
from policies.finding.hits import FoundEdit, FoundPassage
from policies.finding.tracing import Trace
from policies.store.search.asking import Side, Within
from policies.store.search.sightings import Sighting

finding = APIBlueprint("finding", __name__, url_prefix="/v1", tag="v1")


@finding.get("/search")
@finding.input(params.SearchQuery, location="query", arg_name="query")
@finding.output(schemas.Search)
@finding.doc(summary="Passages with their lifetimes, or changed words, that hold what is asked for")
@costly
def search(query: params.SearchQuery) -> Response:
    """Passages or edits by their words."""
    known(vendor=query.vendor, page=query.page)
    within = Within(
        vendor_id=query.vendor,
        page_id=query.page,
        lang=query.language,
        topic=query.topic,
        since=query.since,
        before=query.until,
    )
    if query.place == "changes":
        return listed(query, schemas.Search, [schemas.FoundEdit], _edits(query, within))
    if query.change is not Side.ANY:
        raise BadInput("`change` goes with `in=changes`: only changed words were added or removed")
    return listed(query, schemas.Search, [schemas.FoundPassage], _passages(query, within))


def _passages(query: params.SearchQuery, within: Within) -> Callable[[str | None, int], Part]:
    def part(cursor: str | None, limit: int) -> Part:
        found = hits.passages(
            connection(), query.q, within, before=cursors.number(cursor), limit=limit
        )
        following = cursors.of_number(found.items[-1].number) if found.more else None
        return Part([_passage(hit) for hit in found.items], following)

    return part


def _edits(query: params.SearchQuery, within: Within) -> Callable[[str | None, int], Part]:
    def part(cursor: str | None, limit: int) -> Part:
        found = hits.edits(
            connection(), query.q, query.change, within, before=cursors.number(cursor), limit=limit
        )
        following = cursors.of_number(found.items[-1].number) if found.more else None
        return Part([_edit(hit) for hit in found.items], following)

    return part


@finding.get("/provenance")
@finding.input(params.ProvenanceQuery, location="query", arg_name="query")
@finding.output(schemas.Provenance)
@finding.doc(summary="When a pasted sentence appeared, was reworded and went, and on which pages")
@costly
def provenance(query: params.ProvenanceQuery) -> Response:
    """Where a text comes from, sentence by sentence."""
    sentences = [
        schemas.Sentence(
            text=found.text, exact=found.exact, traces=[_trace(trace) for trace in found.traces]
        )
        for found in tracing.provenance_of(connection(), query.text, query.language)
    ]
    return reply(schemas.Provenance(as_of=as_of(), sentences=sentences))


def _trace(trace: Trace) -> schemas.Trace:
    return schemas.Trace(
        similarity=trace.similarity,
        passage=_passage(trace.passage),
        events=[_edit(event) for event in trace.events],
    )


def _passage(found: FoundPassage) -> schemas.FoundPassage:
    return schemas.FoundPassage(
        passage_id=found.passage_id,
        text=found.text,
        language=found.lang,
        current=found.is_current,
        first_seen=found.first_seen,
        last_seen=found.last_seen,
        matches=_ranges(found.matches),
        seen=[_sighting(found, seen) for seen in found.seen],
    )


def _sighting(found: FoundPassage, seen: Sighting) -> schemas.Sighting:
    page = found.pages[seen.page_id]
    return schemas.Sighting(
        page_id=page.id,
        page_title=page.title,
        vendor_id=page.vendor_id,
        vendor_name=page.vendor_name,
        url=page.url,
        language=page.lang,
        region=page.region,
        origin=seen.origin,
        place=seen.place,
        first_seen=seen.first_seen,
        last_seen=seen.last_seen,
        spells=[schemas.Spell(since=since, until=until) for since, until in seen.spells],
        version_id=seen.version_id,
        position=seen.position,
        start=seen.start,
        end=seen.end,
        captured_at=seen.captured_at,
        text_digest=f"sha256:{seen.text_id}",
        capture_digest=seen.digest,
    )


def _edit(found: FoundEdit) -> schemas.FoundEdit:
    row = found.change
    return schemas.FoundEdit(
        change_id=row.id,
        captured_at=row.captured_at,
        vendor_id=row.vendor_id,
        vendor_name=row.vendor_name,
        page_id=row.page_id,
        page_title=row.page_title,
        page_url=row.page_url,
        language=row.lang,
        origin=row.origin,
        before_id=row.before_id,
        after_id=row.after_id,
        removed=_ranges(found.removed),
        added=_ranges(found.added),
        **rendering.to_json(found.step),
    )


def _ranges(places: Iterable[tuple[int, int]]) -> list[schemas.Range]:
    return [schemas.Range(start=start, end=end) for start, end in places]
