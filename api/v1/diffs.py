"""What differs between any two versions of a page, or what it said at any two times."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import datetime

from apiflask import APIBlueprint
from flask import Response

from api import knowledge
from api.costly import costly
from api.knowledge import Differing
from api.reading import connection
from api.v1 import params, schemas, shaping
from api.v1.answering import page_of, preferred, reply
from api.v1.params import Form
from policies import moments, rendering
from policies.errors import UnknownId
from policies.store.queries import mementos, versions
from policies.store.queries.catalog import PageRow
from policies.store.queries.versions import VersionRow

diffs = APIBlueprint("diffs", __name__, url_prefix="/v1", tag="v1")

_VERSION = re.compile(r"[0-9a-f]{16}")
_STYLE = base64.b64encode(hashlib.sha256(rendering.DOCUMENT_STYLE.encode()).digest()).decode()
# The document's own style and nothing else, from nowhere else.
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE}'; base-uri 'none'; frame-ancestors 'none'"
)


@diffs.get("/pages/<page_id>/diff")
@diffs.input(params.DiffQuery, location="query", arg_name="query")
@diffs.output(schemas.Diff)
@diffs.doc(summary="What differs between two versions of a page, or between two times")
@costly
def diff(page_id: str, query: params.DiffQuery) -> Response:
    """Two versions of one page, side by side."""
    page = page_of(page_id)
    old = meant(page, query.old)
    new = meant(page, query.new)
    found = knowledge.differing(connection(), page, old, new)
    form = preferred(query.format, Form.JSON, [Form.HTML, Form.TEXT])
    response = {Form.HTML: _html, Form.TEXT: _text}.get(form, _json)(page, found)
    response.vary.add("Accept")
    return response


def meant(page: PageRow, named: str | None) -> VersionRow:
    """The version of an id, or that was believed at a time; without either, that of now."""
    if named is not None and _VERSION.fullmatch(named):
        row = versions.version(connection(), named)
        if row is None or row.page_id != page.id:
            raise UnknownId(
                f"no version of {page.id} has the id {named!r}: /v1/pages/{page.id}/versions"
                " lists them"
            )
        return row
    before: datetime | None = moments.until(named) if named is not None else None
    found = mementos.believed_before(connection(), page.id, before)
    row = versions.version(connection(), found.id) if found else None
    if row is None:
        when = f"before {named}" if named else "yet"
        raise UnknownId(f"the page {page.id} was not read {when}, so there is nothing to compare")
    return row


def _json(page: PageRow, found: Differing) -> Response:
    words = rendering.words(found.steps)
    return reply(
        schemas.Diff(
            page_id=page.id,
            before=shaping.version(found.before),
            after=shaping.version(found.after),
            change_id=found.change_id,
            same_reading=found.before.origin == found.after.origin,
            words_removed=words.removed,
            words_added=words.added,
            edits=[shaping.edit(step, found.old, found.new) for step in found.steps],
        )
    )


def _html(page: PageRow, found: Differing) -> Response:
    whole = rendering.whole(found.old.passages, found.new.passages, found.edits)
    fragment = rendering.to_html(whole)
    response = Response(
        rendering.document(_title(page, found), fragment, page.lang), mimetype=Form.HTML.media_type
    )
    response.headers["Content-Security-Policy"] = _POLICY
    return response


def _text(page: PageRow, found: Differing) -> Response:
    lines = [_title(page, found), page.url, ""]
    path: tuple[str, ...] = ()
    for step in found.steps:
        if step.headings and step.headings != path:
            lines.append(f"# {rendering.where(step)}")
        path = step.headings
        lines.append(rendering.to_text(step))
    if not found.steps:
        lines.append("Nothing differs.")
    return Response("\n".join(lines) + "\n", mimetype=Form.TEXT.media_type)


def _title(page: PageRow, found: Differing) -> str:
    before, after = (moments.iso(row.captured_at) for row in (found.before, found.after))
    return f"{page.vendor_name}: {page.title}, {before} → {after}"
