"""Connections: where a request may connect to, and how long an answer's head may be.

Pages are hostile until proven otherwise. A page that is declared on a public
host must not lead the crawler to the machines around it (server-side request
forgery), by a redirect or by its name's address, so what counts is the
address that was really connected to, checked before a byte is sent. Behind a
proxy the proxy connects, and decides.
"""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.core.downloader.handlers.http11 import (
    HTTP11DownloadHandler,
    _LenientHTTP11ClientFactory,
    _LenientHTTP11ClientProtocol,
    _LenientHTTPClientParser,
)
from scrapy.crawler import Crawler
from scrapy.http import Response

# Browsers stop at about 256 KiB; real policy pages of 2026 send less than 12 KiB.
HEAD_LIMIT = 64 * 1024  # bytes, all header lines of an answer together

# Names that never belong to a public host (RFC 6761, RFC 6762, RFC 8375, and ICANN's `internal`).
_PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".test", ".home.arpa")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last four bytes are IPv4


def host_of(url: str) -> str:
    """The host of an address, in lower case."""
    return (urlsplit(url).hostname or "").lower()


class HeadTooLarge(Exception):
    """An answer's header lines go on beyond the limit."""


class PrivateAddress(Exception):
    """A public page led to an address that is not public."""


def is_public_host(host: str) -> bool:
    """Whether a declared host stands for a place on the public internet."""
    try:
        return is_public_address(host.strip("[]"))
    except ValueError:
        return "." in host.rstrip(".") and not host.rstrip(".").endswith(_PRIVATE_SUFFIXES)


def is_loopback_host(host: str) -> bool:
    """Whether a host is this very machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_public_address(address: str) -> bool:
    """Whether an IP address is out on the internet, also when it is IPv4 in IPv6's clothes."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inside = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None
        ip = ip.ipv4_mapped or ip.sixtofour or inside or ip
    return ip.is_global and not ip.is_multicast


class Connections:
    """Scrapy's HTTP handler twice: one that connects anywhere, one only to public addresses."""

    lazy = True

    def __init__(self, crawler: Crawler):
        self._anywhere = _bounded(crawler, _BoundedFactory)
        self._public = _bounded(crawler, _PublicFactory)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Connections:
        """The handler for a crawler."""
        return cls(crawler)

    async def download_request(self, request: Request) -> Response:
        """The answer to a request."""
        declared = request.meta.get("declared_host") or urlsplit(request.url).hostname or ""
        if request.meta.get("proxy") or not is_public_host(declared):
            return await self._anywhere.download_request(request)
        return await self._public.download_request(request)

    async def close(self) -> None:
        """Closes the connections that were kept open."""
        await self._anywhere.close()
        await self._public.close()


def _bounded(crawler: Crawler, factory: type[_LenientHTTP11ClientFactory]) -> HTTP11DownloadHandler:
    handler = HTTP11DownloadHandler.from_crawler(crawler)
    # Scrapy puts its own factory there in the same way: Twisted's pool has no other door.
    handler._pool._factory = factory
    return handler


class _BoundedParser(_LenientHTTPClientParser):
    head_size = 0  # bytes of header lines so far; interim answers (1xx) count too

    def lineReceived(self, line: bytes) -> None:  # noqa: N802 - Twisted's name
        self.head_size += len(line)
        if self.head_size > HEAD_LIMIT:
            raise HeadTooLarge(f"the headers are longer than {HEAD_LIMIT} bytes")
        super().lineReceived(line)


class _BoundedProtocol(_LenientHTTP11ClientProtocol):
    def request(self, request: Any) -> Any:
        answer = super().request(request)
        # As Scrapy does just above: the parser's class cannot be chosen in time.
        self._parser.__class__ = _BoundedParser
        return answer


class _BoundedFactory(_LenientHTTP11ClientFactory):
    def buildProtocol(self, addr: Any) -> _BoundedProtocol:  # noqa: N802 - Twisted's name
        return _BoundedProtocol(self._quiescentCallback)


class _PublicFactory(_BoundedFactory):
    def buildProtocol(self, addr: Any) -> _BoundedProtocol:  # noqa: N802 - Twisted's name
        host = getattr(addr, "host", "")
        if not host or not is_public_address(host):
            raise PrivateAddress(f"a public page leads to {host}, which is not a public address")
        return super().buildProtocol(addr)
