"""Versions at a time, as web archives give them (Memento, RFC 7089)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from apiflask import APIBlueprint
from flask import Response, request
from werkzeug.http import http_date

from api import cursors
from api.reading import base, connection
from api.v1 import params, schemas, shaping
from api.v1.answering import Part, listed, page_of, preferred
from api.v1.params import Form
from policies import moments
from policies.errors import BadInput, UnknownId
from policies.store.queries import mementos as kept
from policies.store.queries import versions
from policies.store.queries.catalog import PageRow
from policies.store.queries.mementos import Memento
from policies.store.queries.rows import Position
from policies.store.queries.versions import VersionRow

mementos = APIBlueprint("mementos", __name__, url_prefix="/v1", tag="v1")

_IN_ONE_MAP = 1_000  # versions; the map links to the next
_FOUND = {302: "The version, at Location"}
_LONGEST_DATE = 60  # characters
_MOMENT = "expected a date as HTTP has it, like Tue, 25 Jun 2024 18:32:00 GMT"


@mementos.get("/pages/<page_id>/timemap")
@mementos.input(params.TimeMapQuery, location="query", arg_name="query")
@mementos.output(schemas.TimeMap)
@mementos.doc(summary="All believed versions of a page, as a TimeMap (RFC 7089)")
def timemap(page_id: str, query: params.TimeMapQuery) -> Response:
    """The TimeMap of a page."""
    page = page_of(page_id)
    after = cursors.position(query.cursor)
    found = kept.history(connection(), page.id, after=after, limit=_IN_ONE_MAP)
    last = found.items[-1] if found.more else None
    following = cursors.of_position(Position(last.captured_at, last.id)) if last else None
    ends = kept.around(connection(), page.id, datetime.min.replace(tzinfo=UTC), "")
    told = _map(page, found.items, ends.first, ends.last, following)
    form = preferred(query.format, Form.LINK, [Form.JSON])
    if form is Form.JSON:
        response = Response(told.model_dump_json(), mimetype=form.media_type)
    else:
        response = Response(_links(told), mimetype=form.media_type)
    response.vary.add("Accept")
    return response


@mementos.get("/pages/<page_id>/timegate")
@mementos.doc(summary="To the version believed at Accept-Datetime (RFC 7089)", responses=_FOUND)
def page_timegate(page_id: str) -> Response:
    """The TimeGate of a page."""
    return _gate(page_of(page_id))


@mementos.get("/timegate")
@mementos.input(params.TimeGateQuery, location="query", arg_name="query")
@mementos.doc(summary="The same, for the address of a watched page", responses=_FOUND)
def timegate(query: params.TimeGateQuery) -> Response:
    """The TimeGate of a page, by its address."""
    page_id = kept.page_at(connection(), query.url)
    if page_id is None:
        raise UnknownId(f"no page with the address {query.url!r} is watched: /v1/pages lists them")
    return _gate(page_of(page_id))


def versions_at(page: PageRow, query: params.VersionsQuery) -> Response:
    """The list that holds the version believed at a time, with its Memento headers."""
    found = kept.believed_before(connection(), page.id, query.at)
    row = versions.version(connection(), found.id) if found else None
    fits = row is not None and query.state in (None, row.state)
    items = [shaping.version(row)] if row and fits else []
    response = listed(query, schemas.Versions, [schemas.Version], lambda *_: Part(items, None))
    return marked(response, page, row) if row and fits else response


def marked(response: Response, page: PageRow, row: VersionRow) -> Response:
    """An answer that tells which time it is of, and what stands before and after."""
    around = kept.around(connection(), page.id, row.captured_at, row.id)
    response.headers["Memento-Datetime"] = http_date(row.captured_at)
    beside = {
        "first": around.first,
        "last": around.last,
        "prev": around.before,
        "next": around.after,
    }
    rels: dict[str, list[str]] = {}
    by_id: dict[str, Memento] = {}
    for rel, memento in beside.items():
        if memento is not None:
            rels.setdefault(memento.id, []).append(rel)
            by_id[memento.id] = memento
    links = [
        *_fixed(page),
        *(
            f'<{_address(id_)}>; rel="{" ".join([*names, "memento"])}";'
            f' datetime="{http_date(by_id[id_].captured_at)}"'
            for id_, names in rels.items()
        ),
    ]
    response.headers["Link"] = ", ".join(links)
    return response


def _gate(page: PageRow) -> Response:
    """To the version that was believed then, the first where it is later, else that of now."""
    asked = request.headers.get("Accept-Datetime")
    at = _moment(asked) if asked is not None else None
    found = kept.believed_before(connection(), page.id, at)
    if found is None:
        found = kept.around(connection(), page.id, datetime.min.replace(tzinfo=UTC), "").first
    if found is None:
        raise UnknownId(f"the page {page.id!r} was never read, so it has no version")
    response = Response(status=302, headers={"Location": _address(found.id)})
    row = versions.version(connection(), found.id)
    assert row is not None
    marked(response, page, row)
    del response.headers["Memento-Datetime"]  # of a version, not of the way to it
    response.vary.add("Accept-Datetime")
    response.headers["Cache-Control"] = "no-cache"
    return response


def _moment(text: str) -> datetime:
    """The first instant after the second that is meant. Raises BadInput."""
    if len(text) > _LONGEST_DATE:
        raise BadInput(f"Accept-Datetime is no date: {_MOMENT}")
    try:
        at = parsedate_to_datetime(text)
        return moments.until(moments.iso(at.replace(tzinfo=at.tzinfo or UTC)))
    except (ValueError, OverflowError, TypeError) as error:
        raise BadInput(f"Accept-Datetime {text[:60]!r} is no date: {_MOMENT}") from error


def _map(
    page: PageRow,
    items: tuple[Memento, ...],
    first: Memento | None,
    last: Memento | None,
    following: str | None,
) -> schemas.TimeMap:
    here = f"{base()}/v1/pages/{page.id}"
    return schemas.TimeMap(
        original_uri=page.url,
        timegate_uri=f"{here}/timegate",
        timemap_uri=schemas.MapAddresses(
            link_format=f"{here}/timemap?format=link",
            json_format=f"{here}/timemap?format=json",
            next=f"{here}/timemap?cursor={following}" if following else None,
        ),
        mementos=schemas.Mementos(
            list=[_listed(memento) for memento in items],
            first=_listed(first) if first else None,
            last=_listed(last) if last else None,
        ),
    )


def _listed(memento: Memento) -> schemas.Memento:
    return schemas.Memento(datetime=memento.captured_at, uri=_address(memento.id))


def _links(told: schemas.TimeMap) -> str:
    """A TimeMap in link-format (RFC 6690)."""
    addresses, ends = told.timemap_uri, told.mementos
    lines = [
        f'<{_quoted(told.original_uri)}>; rel="original"',
        f'<{addresses.link_format}>; rel="self"; type="{Form.LINK.media_type}"',
        f'<{told.timegate_uri}>; rel="timegate"',
    ]
    if addresses.next:
        lines.append(f'<{addresses.next}>; rel="timemap"; type="{Form.LINK.media_type}"')
    for memento in ends.list:
        named = {"first": ends.first, "last": ends.last}
        rel = " ".join([*(name for name, end in named.items() if memento == end), "memento"])
        lines.append(f'<{memento.uri}>; rel="{rel}"; datetime="{http_date(memento.datetime)}"')
    return ",\n".join(lines) + "\n"


def _fixed(page: PageRow) -> list[str]:
    here = f"{base()}/v1/pages/{page.id}"
    return [
        f'<{_quoted(page.url)}>; rel="original"',
        f'<{here}/timegate>; rel="timegate"',
        f'<{here}/timemap>; rel="timemap"; type="{Form.LINK.media_type}"',
    ]


def _address(version_id: str) -> str:
    return f"{base()}/v1/versions/{version_id}"


def _quoted(url: str) -> str:
    """An address that nothing in it ends too early."""
    return quote(url, safe="/:?#[]@!$&'()*+,;=%~-._")
