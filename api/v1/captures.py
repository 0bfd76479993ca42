"""What was fetched, readable or not, and the versions of all pages, believed or not."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from api import cursors
from api.reading import connection
from api.v1 import params, schemas, shaping
from api.v1.answering import Part, known, listed, page_of, reply
from policies.errors import UnknownId
from policies.store.queries import captures as kept
from policies.store.queries import versions
from policies.store.queries.rows import Listing, Position
from policies.store.queries.versions import Wanted

captures = APIBlueprint("captures", __name__, url_prefix="/v1", tag="v1")


@captures.get("/pages/<page_id>/captures")
@captures.input(params.CapturesQuery, location="query", arg_name="query")
@captures.output(schemas.Captures)
@captures.doc(summary="Every fetch of a page, newest first, also those that could not be read")
def page_captures(page_id: str, query: params.CapturesQuery) -> Response:
    """Captures of one page."""
    page = page_of(page_id)

    def part(cursor: str | None, limit: int) -> Part:
        found = kept.page_captures(
            connection(),
            page.id,
            outcome=query.outcome,
            since=query.since,
            before=query.until,
            after=cursors.position(cursor),
            limit=limit,
        )
        return Part([schemas.FullCapture.model_validate(row) for row in found.items], _after(found))

    return listed(query, schemas.Captures, [schemas.FullCapture], part)


@captures.get("/captures/<capture_id>")
@captures.output(schemas.FullCapture)
@captures.doc(summary="A capture: what was asked, what came, and what it turned out to be")
def capture(capture_id: str) -> Response:
    """One capture."""
    row = kept.capture(connection(), capture_id)
    if row is None:
        raise UnknownId(f"no capture has the id {capture_id!r}")
    return reply(schemas.FullCapture.model_validate(row))


@captures.get("/versions")
@captures.input(params.AllVersionsQuery, location="query", arg_name="query")
@captures.output(schemas.Versions)
@captures.doc(summary="Versions of all pages, newest first: believed, waiting, or never confirmed")
def version_list(query: params.AllVersionsQuery) -> Response:
    """Versions by filter."""
    known(vendor=query.vendor)
    wanted = Wanted(
        vendor_id=query.vendor,
        lang=query.language,
        states=[query.state] if query.state else (),
        since=query.since,
        before=query.until,
    )

    def part(cursor: str | None, limit: int) -> Part:
        found = versions.versions(connection(), wanted, after=cursors.position(cursor), limit=limit)
        return Part([shaping.version(row) for row in found.items], _after(found))

    return listed(query, schemas.Versions, [schemas.Version], part)


def _after(found: Listing[kept.FullCapture] | Listing[versions.VersionRow]) -> str | None:
    """The cursor of what follows a part of a list."""
    if not found.more:
        return None
    last = found.items[-1]
    return cursors.of_position(Position(last.captured_at, last.id))
