"""The API's events: what people are told of, each thing once; and why anything is what it is."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from api import cursors
from api.reading import connection
from api.v1 import params, schemas, shaping
from api.v1.answering import Part, known, listed, reply
from policies.errors import UnknownId
from policies.store.queries import events
from policies.store.queries.rows import Position
from policies.tracking.explain import explain

told = APIBlueprint("told", __name__, url_prefix="/v1", tag="v1")


@told.get("/events")
@told.input(params.EventsQuery, location="query", arg_name="query")
@told.output(schemas.Events)
@told.doc(summary="What people are told of, each thing once: edits, and other health of a page")
def event_list(query: params.EventsQuery) -> Response:
    """Events by filter."""
    known(vendor=query.vendor, page=query.page)
    wanted = events.Wanted(
        kind=query.kind,
        vendor_id=query.vendor,
        page_id=query.page,
        topic=query.topic,
        direction=query.direction,
        lang=query.language,
        since=query.since,
        before=query.until,
    )

    def part(cursor: str | None, limit: int) -> Part:
        found = events.events(connection(), wanted, after=cursors.position(cursor), limit=limit)
        last = found.items[-1] if found.more else None
        following = cursors.of_position(Position(last.confirmed_at, last.id)) if last else None
        return Part([shaping.event(row) for row in found.items], following)

    return listed(query, schemas.Events, [schemas.Event], part)


@told.get("/events/<event_id>")
@told.output(schemas.Event)
@told.doc(summary="An event, with every page where it happened")
def event(event_id: str) -> Response:
    """One event."""
    row = events.event(connection(), event_id)
    if row is None:
        raise UnknownId(f"no event has the id {event_id!r}")
    return reply(shaping.event(row))


@told.get("/explain/<id>")
@told.output(schemas.Explained)
@told.doc(summary="Which rules, with their numbers, led to a capture, version, change or event")
def explained(id: str) -> Response:  # noqa: A002 - the name of the path's parameter
    """Why something is what it is."""
    why = explain(connection(), id)
    return reply(schemas.Explained(kind=why.pop("kind"), id=why.pop("id"), told=why))
