"""By which name the server was asked: one that cannot be any is refused before anything is made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from api.errors import PROBLEM, Problem

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_NAME = re.compile(
    r"(?:(?:[A-Za-z0-9_-]{1,63}\.){0,30}[A-Za-z0-9_-]{1,63}\.?|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?::[0-9]{1,5})?"
)


class Hosts:
    """A WSGI application around another one, which gets no question by a name that is none.

    Werkzeug finds no address in such a question, and Flask could not even tell that it did not.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The answer."""
        host = environ.get("HTTP_HOST", "")
        if not host or _NAME.fullmatch(host):
            return self._app(environ, start_response)
        status = HTTPStatus.BAD_REQUEST
        problem = Problem(
            title=status.phrase,
            status=status,
            detail="the header Host holds no name of a server",
            instance="/",
        )
        body = problem.model_dump_json().encode()
        headers = [("Content-Type", PROBLEM), ("Content-Length", str(len(body)))]
        headers += [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
        start_response(f"{status.value} {status.phrase.upper()}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
