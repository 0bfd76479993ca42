"""The API, version 1: read-only JSON, described by /openapi.json."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from urllib.parse import urlencode

import sqlalchemy as sa
from apiflask import APIBlueprint
from flask import Response, abort, current_app, request
from pydantic import BaseModel

from api import bundle, cursors, evidence, knowledge
from api.errors import is_api
from api.reading import connection, remembered
from api.v1 import params, schemas, shaping
from policies import __version__
from policies.errors import BadInput, UnknownId
from policies.store.queries import catalog, changes, log, tracks, versions
from policies.store.queries.changes import ChangeRow, Wanted
from policies.store.queries.rows import Position
from policies.store.queries.versions import VersionRow

v1 = APIBlueprint("v1", __name__, url_prefix="/v1", tag="v1")
alive = APIBlueprint("alive", __name__, tag="v1")

_LARGEST_BODY = 16_384  # bytes; nothing here reads a body
_RECENT = 10  # changes on a vendor


@v1.before_app_request
def _refuse() -> None:
    """What no path here takes: bodies, repeated parameters, characters that no id has."""
    if (request.content_length or 0) > _LARGEST_BODY:
        abort(413)
    if "\0" in request.path or any("\0" in value for value in request.args.values()):
        raise BadInput("a NUL character stands in the address")
    twice = [name for name, values in request.args.lists() if len(values) > 1]
    if twice:
        raise BadInput(f"the parameter {twice[0]!r} is given more than once")
    if request.args and is_api(request.path) and not _takes_parameters():
        raise BadInput(f"this path takes no parameter, so not {next(iter(request.args))!r}")


def _takes_parameters() -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return bool(getattr(view, "_spec", {}).get("args"))


@v1.get("/vendors")
@v1.input(params.Paging, location="query", arg_name="query")
@v1.output(schemas.Vendors)
@v1.doc(summary="Vendors, and what they say about people listening")
def vendors(query: params.Paging) -> Response:
    """Vendors, by id."""
    found = catalog.vendors(connection(), after=cursors.row_id(query.cursor), limit=query.limit)
    known = _everybody()
    shown = [known[row.id] for row in found.items]
    following = cursors.of_id(shown[-1].vendor.id) if found.more else None
    return _reply(
        schemas.Vendors(
            as_of=_as_of(),
            next=following,
            items=shaping.vendor_briefs(connection(), shown),
        ),
        following,
    )


@v1.get("/vendors/<vendor_id>")
@v1.output(schemas.Vendor)
@v1.doc(summary="A vendor: its answers by topic, controls, pages and last changes")
def vendor(vendor_id: str) -> Response:
    """One vendor."""
    if vendor_id not in _everybody():
        raise UnknownId(f"no vendor has the id {vendor_id!r}")
    return _sent(remembered(f"vendor {vendor_id}", lambda reader: _vendor(reader, vendor_id)))


def _vendor(reader: sa.Connection, vendor_id: str) -> str:
    last = changes.changes(reader, Wanted(vendor_id=vendor_id), limit=_RECENT).items
    return shaping.vendor(reader, _everybody()[vendor_id], last).model_dump_json()


@v1.get("/pages")
@v1.input(params.PagesQuery, location="query", arg_name="query")
@v1.output(schemas.Pages)
@v1.doc(summary="Pages that are watched, or known from an import")
def pages(query: params.PagesQuery) -> Response:
    """Pages, by id."""
    found = catalog.pages(
        connection(),
        vendor_id=query.vendor,
        lang=query.language,
        after=cursors.row_id(query.cursor),
        limit=query.limit,
    )
    following = cursors.of_id(found.items[-1].id) if found.more else None
    shown = knowledge.known_pages(connection(), found.items)
    return _reply(
        schemas.Pages(as_of=_as_of(), next=following, items=[shaping.page_brief(p) for p in shown]),
        following,
    )


@v1.get("/pages/<page_id>")
@v1.output(schemas.Page)
@v1.doc(summary="A page and where its histories stand")
def page(page_id: str) -> Response:
    """One page."""
    return _reply(shaping.page(knowledge.known_pages(connection(), [_page(page_id)])[0]))


@v1.get("/pages/<page_id>/versions")
@v1.input(params.VersionsQuery, location="query", arg_name="query")
@v1.output(schemas.Versions)
@v1.doc(summary="A page's versions, newest first")
def page_versions(page_id: str, query: params.VersionsQuery) -> Response:
    """Versions of one page."""
    found = versions.page_versions(
        connection(),
        _page(page_id).id,
        states=[query.state] if query.state else (),
        after=cursors.position(query.cursor),
        limit=query.limit,
    )
    following = _after(found.items[-1]) if found.more else None
    return _reply(
        schemas.Versions(
            as_of=_as_of(), next=following, items=[shaping.version(row) for row in found.items]
        ),
        following,
    )


@v1.get("/versions/<version_id>")
@v1.output(schemas.FullVersion)
@v1.doc(summary="A version: its text, its passages and what they say")
def version(version_id: str) -> Response:
    """One version."""
    row = versions.version(connection(), version_id)
    if row is None:
        raise UnknownId(f"no version has the id {version_id!r}")
    text = versions.text(connection(), row.text_id, _page(row.page_id).scope)
    return _reply(shaping.full_version(row, text, versions.neighbours(connection(), row)))


@v1.get("/changes")
@v1.input(params.ChangesQuery, location="query", arg_name="query")
@v1.output(schemas.Changes)
@v1.doc(summary="Published changes, newest first")
def change_list(query: params.ChangesQuery) -> Response:
    """Changes by filter."""
    wanted = Wanted(
        vendor_id=query.vendor,
        page_id=query.page,
        topic=query.topic,
        lang=query.language,
        since=query.since,
        before=query.until,
    )
    found = changes.changes(
        connection(), wanted, after=cursors.position(query.cursor), limit=query.limit
    )
    following = _after(found.items[-1]) if found.more else None
    return _reply(
        schemas.Changes(
            as_of=_as_of(),
            next=following,
            items=[shaping.change_brief(row) for row in found.items],
        ),
        following,
    )


@v1.get("/changes/<change_id>")
@v1.output(schemas.Change)
@v1.doc(summary="A change: its edits in verbatim words, and where they come from")
def change(change_id: str) -> Response:
    """One change."""
    row = changes.change(connection(), change_id)
    if row is None:
        raise UnknownId(f"no change has the id {change_id!r}")
    return _reply(shaping.change(connection(), row))


@v1.get("/changes/<change_id>/evidence.zip")
@v1.doc(
    summary="A change's evidence: captures, texts, diff and log, to be checked by anybody, offline",
    responses=evidence.ANSWERS,
)
def change_evidence(change_id: str) -> Response:
    """The evidence pack of one change."""
    row = changes.change(connection(), change_id)
    if row is None:
        raise UnknownId(f"no change has the id {change_id!r}")
    return evidence.packed(row)


@v1.get("/health")
@v1.input(params.HealthQuery, location="query", arg_name="query")
@v1.output(schemas.HealthReport)
@v1.doc(summary="Whether each page can be looked at")
def health(query: params.HealthQuery) -> Response:
    """Every page's health, by page id."""
    everything = catalog.pages(connection(), vendor_id=query.vendor).items
    items = [shaping.health_item(p) for p in knowledge.known_pages(connection(), everything)]
    after = cursors.row_id(query.cursor) or ""
    wanted = [
        item for item in items if item.page_id > after and query.health in (None, item.health)
    ]
    following = (
        cursors.of_id(wanted[query.limit - 1].page_id) if len(wanted) > query.limit else None
    )
    return _reply(
        schemas.HealthReport(
            as_of=_as_of(),
            next=following,
            counts=dict(Counter(item.health for item in items)),
            items=wanted[: query.limit],
        ),
        following,
    )


@v1.get("/bundle.json")
@v1.output(schemas.Bundle)
@v1.doc(summary="Everything that a companion shows, in one document, the same for everyone")
def whole_bundle() -> Response:
    """The bundle."""
    packed = remembered("bundle", bundle.make)
    response = Response(packed.data, mimetype="application/json")
    response.set_etag(packed.digest)
    return response


@v1.get("/log")
@v1.input(params.LogQuery, location="query", arg_name="query")
@v1.output(schemas.Log)
@v1.doc(summary="The log of all that was recorded, oldest first: each entry names the one before")
def log_entries(query: params.LogQuery) -> Response:
    """Entries of the log."""
    found = log.page(
        connection(), after=cursors.sequence(query.cursor), id_=query.id, limit=query.limit
    )
    following = cursors.of_sequence(found.items[-1].seq) if found.more else None
    return _reply(
        schemas.Log(
            as_of=_as_of(), next=following, items=[shaping.log_entry(e) for e in found.items]
        ),
        following,
    )


@v1.get("/log/head")
@v1.output(schemas.LogHead)
@v1.doc(summary="The last entry of the log, which pins all that was recorded before")
def log_head() -> Response:
    """The head of the log."""
    head = log.head(connection())
    return _reply(schemas.LogHead(as_of=_as_of(), head=shaping.log_entry(head) if head else None))


@alive.get("/healthz")
@alive.output(schemas.Alive)
@alive.doc(summary="Whether the server answers and can read its store")
def healthz() -> Response:
    """That the server is alive."""
    response = _reply(schemas.Alive(status="ok", version=__version__, as_of=_as_of()))
    response.headers["Cache-Control"] = "no-store"
    return response


def _everybody() -> dict[str, knowledge.Known]:
    """All vendors by id."""
    return {known.vendor.id: known for known in remembered("everybody", knowledge.everybody)}


def _page(page_id: str) -> catalog.PageRow:
    row = catalog.page(connection(), page_id)
    if row is None:
        raise UnknownId(f"no page has the id {page_id!r}")
    return row


def _after(row: VersionRow | ChangeRow) -> str:
    return cursors.of_position(Position(row.captured_at, row.id))


def _as_of() -> datetime | None:
    return tracks.as_of(connection())


def _reply(body: BaseModel, following: str | None = None) -> Response:
    response = _sent(body.model_dump_json())
    if following is not None:
        asked = urlencode({**request.args.to_dict(), "cursor": following})
        response.headers["Link"] = f'<{request.path}?{asked}>; rel="next"'
    return response


def _sent(text: str) -> Response:
    return Response(text, mimetype="application/json")
