"""What every answer carries: validators, caching, CORS for reading, security headers."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from flask import Flask, Response, request

from api.errors import is_api

# Nothing is loaded from elsewhere, nothing inline runs, nobody frames it.
_SITE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
_API_POLICY = "default-src 'none'; frame-ancestors 'none'"
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_ALLOWED = "If-None-Match, Accept, Accept-Language, Accept-Datetime"
_EXPOSED = "ETag, Link, Last-Modified, Memento-Datetime, Content-Disposition"
_FRESH = "public, max-age=60, stale-while-revalidate=600"  # a page is crawled twice a day
_FILE = "public, max-age=31536000, immutable"  # a file's address changes with its content
_ENCODED = re.compile(r":(?:zstd|br|gzip|deflate)$")  # as flask-compress marks an ETag
_REFUSED = re.compile(r";q=0(?:\.0{0,3})?\s*$")  # an encoding that is not wanted
_TAGS = re.compile(r'"([^"]*)"')


def install(app: Flask) -> None:
    """Let every answer of the application carry them."""
    app.before_request(_prepare)
    app.before_request(_preflight)
    app.after_request(_finish)


def _prepare() -> None:
    """Take out of a question what Flask and flask-compress would misunderstand."""
    if request.endpoint == "static":  # compressed on the way: no part of it could be told apart
        request.environ.pop("HTTP_RANGE", None)
    taken = request.environ.get("HTTP_ACCEPT_ENCODING", "")
    if ";q=0" in taken:
        wanted = [one for one in taken.split(",") if not _REFUSED.search(one)]
        request.environ["HTTP_ACCEPT_ENCODING"] = ",".join(wanted)


def _preflight() -> Response | None:
    if request.method != "OPTIONS" or not is_api(request.path):
        return None
    if request.url_rule is None:
        return None
    return Response(
        status=204,
        headers={
            "Allow": "GET, HEAD, OPTIONS",
            "Access-Control-Allow-Methods": "GET, HEAD",
            "Access-Control-Allow-Headers": _ALLOWED,
            "Access-Control-Max-Age": "86400",
        },
    )


def _finish(response: Response) -> Response:
    api = is_api(request.path)
    for name, value in _ALWAYS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", _API_POLICY if api else _SITE_POLICY)
    if api:
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = _EXPOSED
    else:
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    if response.status_code == 308:  # to the same place, written as it should be
        to = urlsplit(response.headers["Location"])
        # From here, so that nobody is sent to a name that somebody else gave the server.
        response.headers["Location"] = urlunsplit(("", "", "/" + to.path.lstrip("/"), to.query, ""))
    if response.is_streamed and hasattr(response.response, "close"):
        response.call_on_close(response.response.close)  # what compresses it does not
    if request.method in ("GET", "HEAD") and response.status_code == 200:
        _validate(response)
    return response


def close_unsent(response: Response) -> Response:
    """Close what a HEAD made and nobody sends: the server closes only what it sends."""
    if request.method == "HEAD" and response.is_streamed:
        response.close()
        response.response = ()
    return response


def _validate(response: Response) -> None:
    if request.endpoint == "static":
        response.headers["Cache-Control"] = _FILE if request.args.get("v") else _FRESH
        response.headers.pop("Accept-Ranges", None)
        _not_modified(response)
        return
    response.headers.setdefault("Cache-Control", _FRESH)
    if response.is_streamed:
        return
    if not response.headers.get("ETag"):
        response.add_etag()
    _not_modified(response)


def is_held(tag: str) -> bool:
    """Whether the asker has the bytes of this tag already, in whatever encoding they came."""
    return held(tag, request.headers.get("If-None-Match", "")) is not None


def held(tag: str, asked: str) -> str | None:
    """The tag among those of an If-None-Match that means the same bytes; None: none does.

    The same bytes may have come in another encoding, which the end of a tag names.
    """
    if not asked:
        return None
    if asked.strip() == "*":
        return tag
    plain = _encoding_off(tag)
    return next((one for one in _TAGS.findall(asked) if _encoding_off(one) == plain), None)


def _encoding_off(tag: str) -> str:
    return _ENCODED.sub("", tag)


def _not_modified(response: Response) -> None:
    """304 where the asker has these bytes already, in whatever encoding they came."""
    tag = response.get_etag()[0]
    found = held(tag, request.headers.get("If-None-Match", "")) if tag else None
    if found is None:
        return
    response.close()
    response.status_code = 304
    response.direct_passthrough = False
    response.set_data(b"")
    response.set_etag(found)
    for name in ("Content-Length", "Content-Type", "Content-Disposition"):
        response.headers.pop(name, None)
