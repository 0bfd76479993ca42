"""Whole answers, compressed and all, kept for as long as nothing is written to the store.

What is asked for by everybody (the bundle, a vendor) is then sent without Flask being woken.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Response, request

from api.headers import held
from policies.errors import BadStore
from policies.store.watching import Watch

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_MARK = "earwitness.depends_on_the_store_alone"
_MOST = 32_000_000  # bytes that one process keeps
_LONGEST = 200  # characters of a path and of an Accept-Encoding that are worth remembering
# What a 304 has to repeat (RFC 9110, 15.4.5), and what lets a script of another site see it.
_REPEATED = {"cache-control", "vary"}
_FOR_SCRIPTS = "access-control-"

_Key = tuple[str, str]  # path and Accept-Encoding


@dataclass(frozen=True)
class _Answer:
    headers: list[tuple[str, str]]
    tag: str  # as sent, without quotes
    body: bytes

    def not_modified(self, tag: str) -> list[tuple[str, str]]:
        """The headers for whoever has it, by a tag that may be of another encoding."""
        repeated = [
            (name, value)
            for name, value in self.headers
            if name.lower() in _REPEATED or name.lower().startswith(_FOR_SCRIPTS)
        ]
        return [("ETag", f'"{tag}"'), *repeated]


def kept(response: Response) -> Response:
    """Say that an answer follows from the store, the path and Accept-Encoding alone."""
    request.environ[_MARK] = True
    return response


class Keeping:
    """A WSGI application around another one, that answers for it what it has answered before."""

    def __init__(self, app: WSGIApplication, watch: Watch) -> None:
        self._app = app
        self._watch = watch
        self._lock = threading.Lock()
        self._state = ""
        self._size = 0
        self._answers: OrderedDict[_Key, _Answer] = OrderedDict()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The answer."""
        key = _key(environ)
        state = self._state_now() if key is not None else None
        if key is None or state is None:
            return self._app(environ, start_response)
        answer = self._find(key, state)
        if answer is None:
            return self._ask(key, state, environ, start_response)
        tag = held(answer.tag, environ.get("HTTP_IF_NONE_MATCH", ""))
        if tag is not None:
            start_response("304 NOT MODIFIED", answer.not_modified(tag))
            return []
        start_response("200 OK", answer.headers)
        return [answer.body]

    def _state_now(self) -> str | None:
        try:
            return self._watch.state()
        except BadStore:
            return None  # the application says so in its own way

    def _find(self, key: _Key, state: str) -> _Answer | None:
        with self._lock:
            if self._state != state:
                self._state, self._size = state, 0
                self._answers.clear()
            answer = self._answers.get(key)
            if answer is not None:
                self._answers.move_to_end(key)
            return answer

    def _ask(
        self, key: _Key, state: str, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """What the application answers; kept where it says that it may be."""
        told: list[Any] = []

        def listen(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            told[:] = [status, headers]
            return start_response(status, headers, *rest)

        chunks = self._app(environ, listen)
        if not environ.get(_MARK) or not told[0].startswith("200"):
            return chunks
        try:
            body = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        tag = next((value for name, value in told[1] if name.lower() == "etag"), "")
        if tag and self._state_now() == state:  # else it may be of another moment
            self._keep(key, state, _Answer(list(told[1]), tag.strip('"'), body))
        return [body]

    def _keep(self, key: _Key, state: str, answer: _Answer) -> None:
        with self._lock:
            if self._state != state or key in self._answers:
                return
            self._answers[key] = answer
            self._size += len(answer.body)
            while self._size > _MOST:
                self._size -= len(self._answers.popitem(last=False)[1].body)


def _key(environ: WSGIEnvironment) -> _Key | None:
    """What an answer is kept by; None where more than that is asked for."""
    if environ["REQUEST_METHOD"] != "GET" or environ.get("QUERY_STRING"):
        return None
    if environ.get("CONTENT_LENGTH") or environ.get("HTTP_TRANSFER_ENCODING"):
        return None
    path, encoding = environ.get("PATH_INFO", ""), environ.get("HTTP_ACCEPT_ENCODING", "")
    return (path, encoding) if len(path) + len(encoding) <= _LONGEST else None
