"""How the API answers: JSON with a cursor, or a whole list as CSV or JSON Lines."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Response, request, stream_with_context
from pydantic import BaseModel

from api import cursors
from api.costly import costly
from api.headers import is_held
from api.reading import connection, stamp
from api.v1 import params
from api.v1.params import Form
from policies import __version__
from policies.errors import UnknownId
from policies.store.queries import catalog, tracks

T = TypeVar("T")

EXPORTED = 100_000  # rows of one export; what follows is got by a narrower question
_AT_ONCE = 200  # rows that an export holds in memory
_LONGEST = 600.0  # seconds of an export: whoever reads more slowly keeps a moment of the store open
# What a spreadsheet takes for a formula, also behind white space, and in full width.
_FORMULA = re.compile(r"[\s\0]*[=+\-@＝＋－＠]|[\t\r]")


@dataclass(frozen=True)
class Part:
    """A part of a list."""

    items: Sequence[BaseModel]
    following: str | None  # cursor of what follows


def listed(
    query: params.Paging,
    shape: Callable[..., BaseModel],
    item: Sequence[type[BaseModel]],
    part: Callable[[str | None, int], Part],
) -> Response:
    """A list as it was asked for: one part as JSON, or all that follows as CSV or JSON Lines.

    `item`: what the rows of the list may be; their fields are the columns. `part`: the
    rows after a cursor, so many at most.
    """
    form = preferred(query.format, Form.JSON, params.EXPORTS)
    if form is Form.JSON:
        found = part(query.cursor, query.limit)
        answer = reply(
            shape(as_of=as_of(), next=found.following, items=found.items), found.following
        )
    else:
        most = query.limit if "limit" in query.model_fields_set else EXPORTED
        answer = _export(form, item, part, query.cursor, most)
    answer.vary.add("Accept")
    return answer


def sliced(by_id: Mapping[str, T], cursor: str | None, limit: int) -> tuple[list[T], str | None]:
    """What stands after a cursor in a whole list, by id; and the cursor of what follows."""
    after = cursors.row_id(cursor) or ""
    wanted = sorted(id_ for id_ in by_id if id_ > after)
    shown = wanted[:limit]
    return [by_id[id_] for id_ in shown], cursors.of_id(shown[-1]) if wanted[limit:] else None


def preferred(given: Form | None, usual: Form, offered: Sequence[Form]) -> Form:
    """The form that is asked for, by `format`, else by Accept, else the usual one."""
    if given is not None:
        return given
    types = {form.media_type: form for form in [usual, *offered]}
    best = request.accept_mimetypes.best_match(list(types), default=usual.media_type)
    return types[best or usual.media_type]


def reply(body: BaseModel, following: str | None = None) -> Response:
    """A JSON answer, with a link to what follows."""
    response = sent(body.model_dump_json())
    if following is not None:
        asked = urlencode({**request.args.to_dict(), "cursor": following})
        response.headers["Link"] = f'<{request.path}?{asked}>; rel="next"'
    return response


def sent(text: str) -> Response:
    """A JSON answer that is written already."""
    return Response(text, mimetype="application/json")


def as_of() -> datetime | None:
    """When anything was last fetched or imported."""
    return tracks.as_of(connection())


def page_of(page_id: str) -> catalog.PageRow:
    """The page of an id. Raises UnknownId."""
    row = catalog.page(connection(), page_id)
    if row is None:
        raise UnknownId(f"no page has the id {page_id!r}")
    return row


def known(*, vendor: str | None = None, page: str | None = None) -> None:
    """Refuse ids that nothing bears: an empty list would look like silence. Raises UnknownId."""
    if vendor is not None and catalog.vendor(connection(), vendor) is None:
        raise UnknownId(f"no vendor has the id {vendor!r}: /v1/vendors lists them")
    if page is not None and catalog.page(connection(), page) is None:
        raise UnknownId(f"no page has the id {page!r}: /v1/pages lists them")


# --- exports ---------------------------------------------------------------------------


@costly
def _export(
    form: Form,
    item: Sequence[type[BaseModel]],
    part: Callable[[str | None, int], Part],
    cursor: str | None,
    most: int,
) -> Response:
    tag = hashlib.sha256(
        "\n".join([stamp(), __version__, form.value, request.full_path]).encode()
    ).hexdigest()[:40]
    if is_held(tag):  # becomes a 304, and nothing is read
        response = Response(b"", mimetype=form.media_type)
    else:
        rows = _rows(part, cursor, most)
        lines = _csv(rows, _columns(item)) if form is Form.CSV else _jsonl(rows)
        first = next(lines, "")  # trouble with the question shows before the answer begins
        response = Response(
            stream_with_context(_chunks(first, lines)),
            mimetype=form.media_type,
        )
        name = request.path.rstrip("/").rpartition("/")[2]
        response.headers["Content-Disposition"] = f'attachment; filename="{name}.{form.value}"'
    response.set_etag(tag)
    return response


def _rows(
    part: Callable[[str | None, int], Part], cursor: str | None, most: int
) -> Iterator[dict[str, Any]]:
    end = time.monotonic() + _LONGEST
    while most > 0:
        if time.monotonic() > end:
            # The connection is cut, so that nobody takes what came for all.
            raise TimeoutError(f"an export took more than {_LONGEST:.0f} s: {request.path!r}")
        found = part(cursor, min(most, _AT_ONCE))
        for row in found.items:
            yield row.model_dump(mode="json")
        most -= len(found.items)
        cursor = found.following
        if cursor is None:
            return


def _chunks(first: str, lines: Iterator[str]) -> Iterator[str]:
    yield first
    yield from lines


def _jsonl(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        yield json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"


def _columns(item: Sequence[type[BaseModel]]) -> list[str]:
    return list(dict.fromkeys(name for kind in item for name in kind.model_fields))


def _csv(rows: Iterator[dict[str, Any]], columns: Sequence[str]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([cell(row.get(name)) for name in columns])
        yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def cell(value: Any) -> str:
    """A value in a cell of a table; one that a spreadsheet would run is marked as text by a '."""
    match value:
        case None:
            return ""
        case bool() | int() | float():
            return json.dumps(value)
        case list() if all(isinstance(one, str) for one in value):
            text = "; ".join(value)
        case str():
            text = value
        case _:
            text = json.dumps(value, ensure_ascii=False)
    return f"'{text}" if _FORMULA.match(text) else text
