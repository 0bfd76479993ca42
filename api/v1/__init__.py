"""The API, version 1: read-only JSON, described by /openapi.json."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial

import sqlalchemy as sa
from apiflask import APIBlueprint
from flask import Response, abort, current_app, request

from api import bundle, cursors, evidence, knowledge
from api.costly import costly
from api.errors import is_api
from api.keeping import kept
from api.reading import connection, health_now, remembered
from api.v1 import mementos, params, schemas, shaping
from api.v1.answering import Part, as_of, known, listed, page_of, reply, sent
from policies import __version__
from policies.errors import BadInput, UnknownId
from policies.model import Topic
from policies.store.queries import catalog, changes, log, versions
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

    def part(cursor: str | None, limit: int) -> Part:
        found = catalog.vendors(connection(), after=cursors.row_id(cursor), limit=limit)
        everybody = _everybody()
        shown = [everybody[row.id] for row in found.items]
        following = cursors.of_id(shown[-1].vendor.id) if found.more else None
        return Part(shaping.vendor_briefs(connection(), shown), following)

    return listed(query, schemas.Vendors, [schemas.VendorBrief], part)


@v1.get("/vendors/<vendor_id>")
@v1.output(schemas.Vendor)
@v1.doc(summary="A vendor: its answers by topic, controls, pages and last changes")
def vendor(vendor_id: str) -> Response:
    """One vendor."""
    if vendor_id not in _everybody():
        raise UnknownId(f"no vendor has the id {vendor_id!r}")
    return kept(sent(remembered(f"vendor {vendor_id}", partial(_vendor, vendor_id=vendor_id))))


def _vendor(reader: sa.Connection, vendor_id: str) -> str:
    last = changes.changes(reader, Wanted(vendor_id=vendor_id), limit=_RECENT).items
    return shaping.vendor(reader, _everybody()[vendor_id], last).model_dump_json()


@v1.get("/vendors/<vendor_id>/ledger")
@v1.input(params.LedgerQuery, location="query", arg_name="query")
@v1.output(schemas.Ledger)
@v1.doc(summary="A vendor's answers with every quote: now or as of a date, and before")
@costly
def vendor_ledger(vendor_id: str, query: params.LedgerQuery) -> Response:
    """The ledger of one vendor."""
    if vendor_id not in _everybody():
        raise UnknownId(f"no vendor has the id {vendor_id!r}")
    one: knowledge.Known | None = _everybody()[vendor_id]
    if query.at is not None:
        last = query.at - timedelta(microseconds=1)
        one = knowledge.somebody(connection(), vendor_id, at=last)
    assert one is not None
    topics = [query.topic] if query.topic else list(Topic)
    wanted = [one.answers[topic] for topic in topics]
    return reply(shaping.ledger(connection(), one, wanted))


@v1.get("/pages")
@v1.input(params.PagesQuery, location="query", arg_name="query")
@v1.output(schemas.Pages)
@v1.doc(summary="Pages that are watched, or known from an import")
def pages(query: params.PagesQuery) -> Response:
    """Pages, by id."""
    known(vendor=query.vendor)

    def part(cursor: str | None, limit: int) -> Part:
        found = catalog.pages(
            connection(),
            vendor_id=query.vendor,
            lang=query.language,
            after=cursors.row_id(cursor),
            limit=limit,
        )
        following = cursors.of_id(found.items[-1].id) if found.more else None
        shown = knowledge.known_pages(connection(), found.items)
        return Part([shaping.page_brief(page) for page in shown], following)

    return listed(query, schemas.Pages, [schemas.PageBrief], part)


@v1.get("/pages/<page_id>")
@v1.output(schemas.Page)
@v1.doc(summary="A page and where its histories stand")
def page(page_id: str) -> Response:
    """One page."""
    return reply(shaping.page(knowledge.known_pages(connection(), [page_of(page_id)])[0]))


@v1.get("/pages/<page_id>/versions")
@v1.input(params.VersionsQuery, location="query", arg_name="query")
@v1.output(schemas.Versions)
@v1.doc(summary="A page's versions, newest first; or the one believed at a time")
def page_versions(page_id: str, query: params.VersionsQuery) -> Response:
    """Versions of one page."""
    page = page_of(page_id)
    if query.at is not None:
        return mementos.versions_at(page, query)

    def part(cursor: str | None, limit: int) -> Part:
        found = versions.page_versions(
            connection(),
            page.id,
            states=[query.state] if query.state else (),
            after=cursors.position(cursor),
            limit=limit,
        )
        following = _after(found.items[-1]) if found.more else None
        return Part([shaping.version(row) for row in found.items], following)

    return listed(query, schemas.Versions, [schemas.Version], part)


@v1.get("/versions/<version_id>")
@v1.output(schemas.FullVersion)
@v1.doc(summary="A version: its text, its passages and what they say")
def version(version_id: str) -> Response:
    """One version."""
    row = _version_of(version_id)
    page = page_of(row.page_id)
    text = versions.text(connection(), row.text_id, page.scope)
    shown = reply(shaping.full_version(row, text, versions.neighbours(connection(), row)))
    return mementos.marked(shown, page, row)


@v1.get("/versions/<version_id>/evidence.zip")
@v1.doc(
    summary="A version's evidence: its capture, its text and the log, to be checked offline",
    responses=evidence.ANSWERS,
)
@costly
def version_evidence(version_id: str) -> Response:
    """The evidence pack of one version."""
    row = _version_of(version_id)
    return evidence.packed(row.id, page_of(row.page_id))


@v1.get("/changes")
@v1.input(params.ChangesQuery, location="query", arg_name="query")
@v1.output(schemas.Changes)
@v1.doc(summary="Published changes, newest first")
def change_list(query: params.ChangesQuery) -> Response:
    """Changes by filter."""
    known(vendor=query.vendor, page=query.page)
    wanted = Wanted(
        vendor_id=query.vendor,
        page_id=query.page,
        topic=query.topic,
        direction=query.direction.value if query.direction else None,
        lang=query.language,
        since=query.since,
        before=query.until,
    )

    def part(cursor: str | None, limit: int) -> Part:
        found = changes.changes(connection(), wanted, after=cursors.position(cursor), limit=limit)
        following = _after(found.items[-1]) if found.more else None
        return Part([shaping.change_brief(row) for row in found.items], following)

    return listed(query, schemas.Changes, [schemas.ChangeBrief], part)


@v1.get("/changes/<change_id>")
@v1.output(schemas.Change)
@v1.doc(summary="A change: its edits in verbatim words, and where they come from")
def change(change_id: str) -> Response:
    """One change."""
    row = _change_of(change_id)
    return reply(shaping.change(connection(), row))


@v1.get("/changes/<change_id>/evidence.zip")
@v1.doc(
    summary="A change's evidence: captures, texts, diff and log, to be checked by anybody, offline",
    responses=evidence.ANSWERS,
)
@costly
def change_evidence(change_id: str) -> Response:
    """The evidence pack of one change."""
    row = _change_of(change_id)
    return evidence.packed(row.id, page_of(row.page_id))


@v1.get("/health")
@v1.input(params.HealthQuery, location="query", arg_name="query")
@v1.output(schemas.HealthReport)
@v1.doc(summary="Whether each page can be looked at")
def health(query: params.HealthQuery) -> Response:
    """Every page's health, by page id."""
    known(vendor=query.vendor)
    everything = catalog.pages(connection(), vendor_id=query.vendor).items
    of_page = knowledge.known_pages(connection(), everything)
    items = [shaping.health_item(page, health_now(page)) for page in of_page]
    counts = dict(Counter(item.health for item in items))

    def part(cursor: str | None, limit: int) -> Part:
        after = cursors.row_id(cursor) or ""
        wanted = [
            item for item in items if item.page_id > after and query.health in (None, item.health)
        ]
        more = len(wanted) > limit
        return Part(wanted[:limit], cursors.of_id(wanted[limit - 1].page_id) if more else None)

    shape = partial(schemas.HealthReport, counts=counts)
    return listed(query, shape, [schemas.HealthItem], part)


@v1.get("/bundle.json")
@v1.output(schemas.Bundle)
@v1.doc(summary="Everything that a companion shows, in one document, the same for everyone")
def whole_bundle() -> Response:
    """The bundle."""
    packed = remembered("bundle", bundle.make)
    response = Response(packed.data, mimetype="application/json")
    response.set_etag(packed.digest)
    return kept(response)


@v1.get("/log")
@v1.input(params.LogQuery, location="query", arg_name="query")
@v1.output(schemas.Log)
@v1.doc(summary="The log of all that was recorded, oldest first: each entry names the one before")
def log_entries(query: params.LogQuery) -> Response:
    """Entries of the log."""

    def part(cursor: str | None, limit: int) -> Part:
        found = log.page(connection(), after=cursors.sequence(cursor), id_=query.id, limit=limit)
        following = cursors.of_sequence(found.items[-1].seq) if found.more else None
        return Part([shaping.log_entry(entry) for entry in found.items], following)

    return listed(query, schemas.Log, [schemas.LogEntry], part)


@v1.get("/log/head")
@v1.output(schemas.LogHead)
@v1.doc(summary="The last entry of the log, which pins all that was recorded before")
def log_head() -> Response:
    """The head of the log."""
    head = log.head(connection())
    return reply(schemas.LogHead(as_of=as_of(), head=shaping.log_entry(head) if head else None))


@alive.get("/healthz")
@alive.output(schemas.Alive)
@alive.doc(summary="Whether the server answers and can read its store")
def healthz() -> Response:
    """That the server is alive."""
    response = reply(schemas.Alive(status="ok", version=__version__, as_of=as_of()))
    response.headers["Cache-Control"] = "no-store"
    return response


def _everybody() -> dict[str, knowledge.Known]:
    """All vendors by id."""
    return {known.vendor.id: known for known in remembered("everybody", knowledge.everybody)}


def _version_of(version_id: str) -> VersionRow:
    """The version of an id. Raises UnknownId."""
    row = versions.version(connection(), version_id)
    if row is None:
        raise UnknownId(f"no version has the id {version_id!r}")
    return row


def _change_of(change_id: str) -> ChangeRow:
    """The change of an id. Raises UnknownId."""
    row = changes.change(connection(), change_id)
    if row is None:
        raise UnknownId(f"no change has the id {change_id!r}")
    return row


def _after(row: VersionRow | ChangeRow) -> str:
    return cursors.of_position(Position(row.captured_at, row.id))
