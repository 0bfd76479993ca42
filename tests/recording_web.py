"""Any web at all, as an HTTP proxy on loopback that writes down who asked for what.

Both browsers are sent here for every address, so what is not in the log was not asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

from tests.sampleweb import certificate

PAGE = "<!doctype html><meta charset=utf-8><title>{title}</title><h1>{title}</h1><p>A page.</p>"
_TROUBLE = (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    url: str
    headers: Mapping[str, str]  # names in lower case

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True)
class Given:
    """One answer."""

    body: bytes | str = b""
    status: int = 200
    headers: Mapping[str, str] = field(
        default_factory=lambda: {"Content-Type": "text/html; charset=utf-8"}
    )


def anywhere(asked: Asked) -> Given:
    """A page with a title at every address."""
    if asked.url.endswith("favicon.ico"):
        return Given(status=404)
    return Given(PAGE.format(title=asked.host))


class RecordingWeb:
    """Serves from a thread of its own; `answer` decides, per request."""

    def __init__(self) -> None:
        self.port = 0
        self.log: list[Asked] = []
        self.hosts: dict[str, Callable[[Asked], Given | None]] = {}  # None: hang up
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def asked_of(self, host: str) -> list[Asked]:
        """The requests for one host so far."""
        return [asked for asked in self.log if asked.host == host]

    def __enter__(self) -> Self:
        started = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(started.set)), daemon=True
        )
        self._thread.start()
        started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop
        assert self._stopping
        assert self._thread
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    async def _serve(self, ready: Callable[[], None]) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._connection(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready()
        await self._stopping.wait()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(*_TROUBLE):
            await self._converse(reader, writer)
        writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tunnel = ""
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            method, target, _ = first.split(" ", 2)
            if method == "CONNECT":
                tunnel = target
                writer.write(b"HTTP/1.1 200 connected\r\n\r\n")
                await writer.drain()
                if not target.endswith(":443"):  # Firefox tunnels WebSockets in the open too
                    return
                await writer.start_tls(certificate.context(target.removesuffix(":443")))
                continue
            headers = {
                name.strip().lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines if ":" in line)
            }
            if length := int(headers.get("content-length", 0)):
                await reader.readexactly(length)
            url = f"https://{tunnel.removesuffix(':443')}{target}" if tunnel else target
            if not await self._answer(Asked(method, url, headers), writer):
                return
            await writer.drain()

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        self.log.append(asked)
        given = await asyncio.to_thread(self.hosts.get(asked.host, anywhere), asked)
        if given is None:
            return False
        body = given.body.encode() if isinstance(given.body, str) else given.body
        lines = [f"HTTP/1.1 {given.status} recorded", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in given.headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        writer.write(body if asked.method != "HEAD" else b"")
        return True


def relayed(proxy: str, **headers: str) -> Callable[[Asked], Given]:
    """What another proxy answers for the address, with more headers."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    opener = build_opener(
        ProxyHandler({"http": proxy, "https": proxy}), HTTPSHandler(context=trusting)
    )

    def answer(asked: Asked) -> Given:
        try:
            with opener.open(Request(asked.url), timeout=20) as got:
                kind = got.headers.get("Content-Type", "text/html")
                return Given(got.read(), got.status, {"Content-Type": kind, **headers})
        except HTTPError as error:
            with error:
                return Given(error.read(), error.code)

    return answer
