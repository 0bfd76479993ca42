"""Answers that cost much: so many at once in a process that the cheap ones still get a turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import ParamSpec, cast

from flask import Response, g, make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import ServiceUnavailable

from api.reading import room

P = ParamSpec("P")

_RETRY = 5  # seconds


def costly(view: Callable[P, ResponseReturnValue]) -> Callable[P, Response]:
    """A view that is refused while too many such are being answered, streams until their end."""

    @wraps(view)
    def limited(*args: P.args, **kwargs: P.kwargs) -> Response:
        if g.get("has_place"):  # a list that is exported by a view that is costly anyway
            return make_response(view(*args, **kwargs))
        places = room().places
        if not places.acquire(blocking=False):
            raise ServiceUnavailable(
                "this server is busy with questions that cost as much: ask again in a moment",
                retry_after=_RETRY,
            )
        g.has_place = True
        try:
            response = make_response(view(*args, **kwargs))
        except BaseException:
            places.release()
            raise
        if response.is_streamed and request.method != "HEAD":  # a HEAD's stream is never closed
            response.direct_passthrough = False  # else nobody hears that a file was sent
            leave = _once(places.release)
            response.response = _until_end(cast("Iterable[bytes]", response.response), leave)
            response.call_on_close(leave)
        else:
            places.release()
        return response

    return limited


def _once(act: Callable[[], None]) -> Callable[[], None]:
    left = [act]
    return lambda: left.pop()() if left else None


def _until_end(chunks: Iterable[bytes], leave: Callable[[], None]) -> Iterator[bytes]:
    """The chunks; whatever ends them, somebody else may have the place."""
    try:
        yield from chunks
    finally:
        leave()
        if hasattr(chunks, "close"):
            chunks.close()
