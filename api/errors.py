"""Errors in one shape: problem details (RFC 9457) for the API, a page for people."""

from __future__ import annotations

import http
import logging
from typing import Any

from apiflask import APIFlask
from apiflask.exceptions import HTTPError
from flask import Response, g, request
from pydantic import BaseModel, ConfigDict
from werkzeug.exceptions import HTTPException

from policies.errors import BadEvidence, BadInput, BadStore, UnknownId
from policies.locale import LANGUAGES

PROBLEM = "application/problem+json"
_FEEDS = ("/feeds/", *(f"/{lang}/feeds/" for lang in LANGUAGES))
_log = logging.getLogger(__name__)


class Complaint(BaseModel):
    """What is wrong with one parameter."""

    parameter: str
    detail: str


class Problem(BaseModel):
    """An error, as RFC 9457 has it."""

    model_config = ConfigDict(json_schema_extra={"description": "An error (RFC 9457)."})

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    errors: list[Complaint] = []


def is_api(path: str) -> bool:
    """Whether machines are answered on this path."""
    return path in ("/v1", "/healthz", "/openapi.json") or path.startswith(("/v1/", *_FEEDS))


def install(app: APIFlask) -> None:
    """Answer every error of the application in its shape."""
    app.error_processor(_from_apiflask)
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(UnknownId, lambda error: _answer(404, str(error)))
    app.register_error_handler(BadInput, lambda error: _answer(400, str(error)))
    app.register_error_handler(BadStore, _store_is_out)
    app.register_error_handler(BadEvidence, _store_is_out)
    app.register_error_handler(Exception, _unforeseen)


def _from_apiflask(error: HTTPError) -> Response:
    found: list[Complaint] = []
    detail: Any = error.detail
    if isinstance(detail, dict):
        found = [
            Complaint(parameter=name, detail=_plain(" ".join(says)))
            for place in detail.values()
            for name, says in place.items()
        ]
    says = "; ".join(f"{c.parameter}: {c.detail}" for c in found) or error.message or ""
    return _answer(error.status_code, says, found)


def _plain(message: str) -> str:
    """What pydantic says, without its own terms."""
    if message == "Extra inputs are not permitted":
        return "there is no such parameter"
    return message.removeprefix("Value error, ")


def _from_http(error: HTTPException) -> Response:
    status = error.code or 500
    headers = {
        name: value
        for name, value in error.get_headers()
        if name.lower() in ("allow", "retry-after", "location")
    }
    if status < 400:
        return Response(status=status, headers=headers)
    return _answer(status, error.description or error.name, headers=headers)


def _store_is_out(error: BadStore | BadEvidence) -> Response:
    _log.error("store out of reach: %s", error)
    return _answer(503, "The store cannot be read at the moment.", headers={"Retry-After": "60"})


def _unforeseen(error: Exception) -> Response:
    _log.exception("unforeseen error on %r", request.path, exc_info=error)
    return _answer(500, "Something went wrong on this server.")


def _answer(
    status: int,
    detail: str,
    complaints: list[Complaint] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    g.pop("etag", None)
    if is_api(request.path):
        problem = Problem(
            title=http.HTTPStatus(status).phrase,
            status=status,
            detail=detail,
            instance=request.path,
            errors=complaints or [],
        )
        response = Response(problem.model_dump_json(), status, mimetype=PROBLEM)
    else:
        from api.site import error_page  # the site knows this module, so not at the top

        response = error_page(status, detail)
    response.headers.update(headers or {})
    response.headers["Cache-Control"] = "no-store"
    return response
