"""Bodies without their content encodings: bounded, and whole or not at all."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Headers, Response
from scrapy.responsetypes import responsetypes

from crawler.captures import Unfetched

_CHUNK = 1024 * 1024  # bytes
_MEMBERS = 100  # of a gzip body; each is looked for in a copy of what is left


@dataclass
class _Budget:
    """How many bytes may still come out."""

    left: int
    parts: list[bytes] = field(default_factory=list)

    def take(self, part: bytes) -> None:
        """Keeps a part. Raises Unfetched when there are too many."""
        self.left -= len(part)
        if self.left < 0:
            raise Unfetched("too-large: the body is larger than the limit once decompressed")
        self.parts.append(part)


class DecodingMiddleware:
    """Asks for gzip, and takes it apart strictly: bounded, and whole or not at all.

    Scrapy's own gives back as much as it could read of a damaged body, which would look like a
    page that lost its end.
    """

    def __init__(self, crawler: Crawler):
        self._limit = crawler.settings.getint("BODY_LIMIT")

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> DecodingMiddleware:
        """The middleware of a crawler."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Says what can be decoded."""
        request.headers.setdefault("Accept-Encoding", "gzip, deflate")

    def process_response(self, request: Request, response: Response) -> Response:
        """The answer with its body decoded; its headers stay as they came. Raises Unfetched."""
        if "cut" in request.meta:
            return response
        try:
            encodings = _encodings(response.headers)
            if not encodings or not response.body:
                return response
            body = decoded(response.body, encodings, self._limit)
        except Unfetched as error:
            raise Unfetched(error.failure, response) from error
        plain = Headers({k: v for k, v in response.headers.items() if k != b"Content-Encoding"})
        kind = responsetypes.from_args(headers=plain, url=response.url, body=body)
        return response.replace(cls=kind, body=body)


def decoded(body: bytes, encodings: Iterable[str], limit: int) -> bytes:
    """A body without its content encodings, last one first. Raises Unfetched."""
    for encoding in reversed(list(encodings)):
        budget = _Budget(limit)
        try:
            for part in _inflated(body, encoding):
                budget.take(part)
        except (zlib.error, EOFError) as error:
            raise Unfetched(f"truncated: the body is not whole, or not {encoding}") from error
        body = b"".join(budget.parts)
    return body


def _encodings(headers: Headers) -> list[str]:
    named = b",".join(headers.getlist("Content-Encoding")).decode("latin-1").lower().split(",")
    encodings = [name.strip() for name in named if name.strip() not in ("", "identity")]
    known = all(name in ("gzip", "x-gzip", "deflate") for name in encodings)
    if not known or len(encodings) > 2:  # twice happens by misconfiguration; more is an attack
        said = ", ".join(encodings)[:60]
        raise Unfetched(f"network: the body is encoded as {said}, which was not asked for")
    return encodings


def _inflated(body: bytes, encoding: str) -> Iterator[bytes]:
    """The content of a gzip (of one or more members) or deflate body, in parts."""
    for _ in range(_MEMBERS):
        unpacker: Any = zlib.decompressobj(_window(body, encoding))
        while not unpacker.eof:
            part = unpacker.decompress(body, _CHUNK)
            body = unpacker.unconsumed_tail
            if not part and not body and not unpacker.eof:
                raise EOFError("it ends too early")
            yield part
        rest = unpacker.unused_data
        # Behind the last member some servers leave padding; it is not content.
        if encoding == "deflate" or rest[:2] != b"\x1f\x8b":
            return
        body = rest
    raise EOFError(f"it has more than {_MEMBERS} parts")


def _window(body: bytes, encoding: str) -> int:
    if encoding != "deflate":
        return 31  # with a gzip head
    zlib_head = body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return 15 if zlib_head else -15  # bare deflate, as some servers understand the word
