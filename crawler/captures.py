"""An answer, or the lack of one, becomes a `Capture`.

Every reason why a page could not be had is written `kind: detail`; the kinds are
timeout, dns, refused, reset, tls, too-large, robots, redirect-loop, truncated, render and network.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from OpenSSL import SSL
from scrapy import Request
from scrapy.core.downloader.handlers.http11 import TunnelError
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadTimeoutError,
    IgnoreRequest,
)
from scrapy.http import Headers, Response
from service_identity import VerificationError
from twisted.internet.error import ConnectionClosed, ConnectionDone, ConnectionLost
from twisted.web._newclient import ParseError, _WrapperException

from crawler.connections import HeadTooLarge, PrivateAddress
from policies.model import Capture, Page


class Unfetched(IgnoreRequest):
    """A page is not had, and asking again in this round would not help."""

    def __init__(self, failure: str, response: Response | None = None):
        # It may quote a hostile answer, and is shown on terminals.
        self.failure = "".join(
            c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in failure
        )
        super().__init__(self.failure)
        self.response = response  # what came nevertheless: its status and headers are kept


class RoundStopped(IgnoreRequest):
    """The round ends before this page was asked for: no capture, it stays due."""


def from_response(page: Page, response: Response, at: datetime) -> Capture:
    """The capture of an answer, whatever its status, and of what came of one that broke off."""
    request = response.request
    marks = request.meta if request else {}
    # A part of a compressed body cannot be kept as a body: those are kept decoded.
    lost = "cut" in marks and "Content-Encoding" in response.headers
    return Capture(
        page_id=page.id,
        origin="crawl",
        captured_at=at,
        url=page.url,
        final_url=response.url,
        status=response.status,
        headers=_headers(response.headers),
        request_headers=_sent(request),
        redirects=_redirects(request),
        body=b"" if lost else response.body,
        failure=marks.get("failure"),
    )


def from_exception(
    page: Page, request: Request | None, exception: BaseException, at: datetime
) -> Capture:
    """The capture of a page that could not be had."""
    response = exception.response if isinstance(exception, Unfetched) else None
    return Capture(
        page_id=page.id,
        origin="crawl",
        captured_at=at,
        url=page.url,
        final_url=request.url if request else page.url,
        status=response.status if response else None,
        headers=_headers(response.headers) if response else (),
        request_headers=_sent(request),
        redirects=_redirects(request),
        failure=explain(exception),
    )


def explain(exception: BaseException) -> str:
    """Why a request got no answer, as `kind: detail`."""
    if isinstance(exception, Unfetched):
        return exception.failure
    return Unfetched(_explained(exception)).failure


def _explained(exception: BaseException) -> str:
    causes = list(_causes(exception))
    for types, kind, detail in _KINDS:
        for cause in causes:
            if isinstance(cause, types):
                return f"{kind}: {detail or _words(cause)}"
    return f"network: {_words(exception)}"


# In this order: the first that is found anywhere below the exception names the kind.
_KINDS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str, str], ...] = (
    (HeadTooLarge, "too-large", ""),
    (PrivateAddress, "network", ""),
    (DownloadTimeoutError, "timeout", "the answer was not there, or not whole, in time"),
    (CannotResolveHostError, "dns", ""),
    (DownloadConnectionRefusedError, "refused", "nobody listens there: the connection is refused"),
    ((SSL.Error, VerificationError), "tls", ""),
    (TunnelError, "network", ""),
    (ParseError, "network", "the answer is not HTTP"),
    (
        (ConnectionLost, ConnectionDone, ConnectionClosed, ConnectionResetError),
        "reset",
        "the server closed the connection without an answer",
    ),
)


def _causes(exception: BaseException) -> Any:
    """The exception and all that it was raised from or wraps, outermost first."""
    waiting, seen = [exception], set()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [e for e in (one.__cause__, one.__context__) if e is not None]
        if isinstance(one, _WrapperException):  # Twisted: several failures in one
            waiting += [reason.value for reason in one.reasons]


def _words(exception: BaseException) -> str:
    if isinstance(exception, SSL.Error):
        # OpenSSL: a list of (library, function, reason).
        said = [" ".join(str(part) for part in entry[2:]) for entry in exception.args[:1][0] or ()]
        return ", ".join(said) or "the handshake failed"
    if isinstance(exception, VerificationError):
        return "the certificate is for another name"
    said_plainly = " ".join(str(exception).split())
    return said_plainly[:300] or type(exception).__name__


def _redirects(request: Request | None) -> tuple[str, ...]:
    return tuple(request.meta.get("redirect_urls", ())) if request else ()


def _sent(request: Request | None) -> tuple[tuple[str, str], ...]:
    """The headers of a request, without what is between the crawler and its proxy."""
    if request is None:
        return ()
    return tuple(pair for pair in _headers(request.headers) if pair[0] != "proxy-authorization")


def _headers(headers: Headers) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.decode("latin-1").lower(), value.decode("latin-1"))
        for name, values in headers.items()
        for value in values or ()
    )
