"""The sample web as an HTTP proxy on loopback, at a date, with faults on demand.

    with SampleWeb(at="2024-09-02") as web:
        child = subprocess.run([...], env={**os.environ, **web.environ})
        web.move("2024-10-21")
        web.fault("http://www.brellomar.example/privacy", "captcha", times=1)

A client that uses it as its `http_proxy` finds the invented vendors at their
addresses, with ETag, Last-Modified, 304 and gzip as a live site has them, and
nothing else. Asked for https, it shows a certificate that nobody signed, unless
`certify` told it which one to show.

Directly, not as a proxy, it is steered (answers are JSON):

    GET /                                the clock, the pages, the faults
    GET /clock?at=2024-10-21             move the clock
    GET /fault?url=URL-or-HOST&kind=KIND[&times=N][&retry_after=S]    `page`: none
    GET /robots?host=HOST&rules=TEXT     or own, missing, forbid, html, binary, huge, loop,
                                         status-N, hang and other faults of the connection
    GET /log                             the requests so far
    GET /forget                          no faults, own robots.txt, empty log
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gzip
import hashlib
import json
import secrets
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import format_datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.sampleweb import certificate, faults, render, site
from tests.sampleweb.faults import Asked, Reply

HOST = "127.0.0.1"
CONNECTION_TROUBLE = (
    ConnectionError,
    ssl.SSLError,
    asyncio.IncompleteReadError,
    asyncio.LimitOverrunError,
)
ROBOTS_KINDS = ("own", "missing", "forbid", "html", "binary", "huge", "loop", *faults.STREAMS)


@dataclass(frozen=True)
class Request:
    """One line of the log."""

    time: float  # seconds since the epoch, of the real clock
    clock: str  # the sample web's day
    method: str
    url: str
    headers: Mapping[str, str]  # names in lower case
    fault: str  # kind; "page": none
    status: int | None  # None: nothing was answered

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def path(self) -> str:
        return urlsplit(self.url).path


@dataclass
class Fault:
    kind: str
    times: int | None = None  # None: until told otherwise
    retry_after: str = "1"


class SampleWeb:
    """Serves the sample web from a thread of its own between `start` and `stop`."""

    def __init__(
        self,
        at: str | date | datetime = site.FIRST_EDITION,
        port: int = 0,
        sites: Iterable[site.Site] | None = None,
    ) -> None:
        self.port = port  # 0: a free one, known after `start`
        self.clock = _instant(at)
        served = site.sites() if sites is None else sites
        self._sites = {host: s for s in served for host in s.hosts}
        self._faults: dict[str, Fault] = {}
        self._certificates: dict[str, str] = {}  # host -> kind of certificate
        self._robots: dict[str, str] = {}
        self._fetches: Counter[tuple[str, date]] = Counter()
        self._log: list[Request] = []
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    # --- steering --------------------------------------------------------------------

    @property
    def address(self) -> str:
        """Where the proxy is."""
        return f"http://{HOST}:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables that send a client here."""
        names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
        return {**dict.fromkeys(names, self.address), "no_proxy": "", "NO_PROXY": ""}

    @property
    def log(self) -> tuple[Request, ...]:
        """The requests so far, oldest first."""
        return tuple(self._log)

    def move(self, at: str | date | datetime) -> None:
        """Set the clock."""
        self.clock = _instant(at)

    def fault(
        self, where: str, kind: str, times: int | None = None, retry_after: str | int = 1
    ) -> None:
        """Answer a page (by address) or a host's pages so, `times` times; "page": as usual."""
        if not faults.is_kind(kind):
            raise ValueError(f"unknown fault {kind!r}; there are {', '.join(faults.KINDS)}")
        self._faults.pop(where, None)
        if kind != "page":
            self._faults[where] = Fault(kind, times, str(retry_after))

    def robots(self, host: str, rules: str) -> None:
        """Make a host's robots.txt say `rules`, or fail by a kind of ROBOTS_KINDS or status-N."""
        if host not in self._sites:
            raise ValueError(f"no host {host!r}; there are {', '.join(self._sites)}")
        self._robots[host] = rules

    def certify(self, host: str, kind: str) -> None:
        """Show a host's certificate of that kind: see `certificate.KINDS`."""
        certificate.context(host, kind)
        self._certificates[host] = kind

    def forget(self) -> None:
        """No faults, every robots.txt its own, an empty log."""
        self._faults.clear()
        self._robots.clear()
        self._log.clear()

    # --- running ---------------------------------------------------------------------

    def start(self) -> Self:
        """Serve until `stop`. Raises OSError where the port is taken."""
        started: threading.Event = threading.Event()
        failure: list[OSError] = []

        def run() -> None:
            try:
                asyncio.run(self._serve(started.set))
            except OSError as error:
                failure.append(error)
                started.set()

        self._thread = threading.Thread(target=run, name="sampleweb", daemon=True)
        self._thread.start()
        started.wait()
        if failure:
            raise failure[0]
        return self

    def stop(self) -> None:
        """Close every connection and end the thread."""
        if self._thread and self._loop and self._stopping and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.stop()

    async def _serve(self, ready: Callable[[], None]) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._connection(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(connected, HOST, self.port)
        self.port = server.sockets[0].getsockname()[1]
        ready()
        await self._stopping.wait()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(*CONNECTION_TROUBLE):
                await self._converse(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
            raise
        finally:
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tunnel = ""
        while True:
            try:
                method, target, headers = await _read_request(reader)
            except ValueError:
                writer.write(_wire(Reply(400), "GET", {}))
                return
            if method == "CONNECT":
                tunnel = target.removesuffix(":443")
                writer.write(b"HTTP/1.1 200 connected\r\n\r\n")
                await writer.drain()
                kind = self._certificates.get(tunnel, "self-signed")
                await writer.start_tls(certificate.context(tunnel, kind))
                continue
            if not (tunnel or target.startswith("http")):
                writer.write(_wire(self._control(target), method, headers))
            else:
                url = f"https://{tunnel}{target}" if tunnel else target
                if not await self._answer(method, url, headers, writer):
                    return
            await writer.drain()
            if headers.get("connection", "").lower() == "close":
                return

    # --- answering -------------------------------------------------------------------

    async def _answer(
        self, method: str, url: str, headers: Mapping[str, str], writer: asyncio.StreamWriter
    ) -> bool:
        """Write the answer for an address; whether the connection can go on."""
        kind, asked = self._find(url)
        if asked and kind in faults.STREAMS:
            status = None if kind in ("reset", "hang") else 200
            self._note(method, url, headers, kind, status)
            async with contextlib.aclosing(faults.STREAMS[kind](asked)) as pieces:
                async for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
            if kind in faults.CUT:
                writer.transport.abort()
            return False
        if method not in ("GET", "HEAD"):
            reply = Reply(405, headers={"Allow": "GET, HEAD"})
        elif asked:
            reply = self._live(faults.reply(kind, asked), asked, headers)
        else:
            reply = self._furniture(url)
        self._note(method, url, headers, kind, reply.status)
        if "Date" not in reply.headers:
            stamp = {"Date": format_datetime(self.clock, usegmt=True)}
            reply = dataclasses.replace(reply, headers={**stamp, **reply.headers})
        writer.write(_wire(reply, method, headers))
        return True

    def _find(self, url: str) -> tuple[str, Asked | None]:
        """The kind of answer that an address gets now, and what was asked where it is a page."""
        parts = urlsplit(url)
        here = self._sites.get(parts.hostname or "")
        if not here:
            return "page", None
        if parts.path == "/robots.txt":
            rules = self._robots.get(parts.hostname or "", "own")
            anything = next(iter(here.pages.values()))
            broken = rules in faults.STREAMS
            return (rules, self._asked(here, anything, url)) if broken else ("page", None)
        address = f"http://{parts.hostname}{parts.path.removesuffix('/moved')}"
        page = here.pages.get(address)
        if page is None:
            return "page", None
        self._fetches[page.id, self._since(page)] += 1
        kind, retry_after = page.at(self.clock.date()).serve, "1"
        for where in (url, address, parts.hostname or ""):
            if fault := self._faults.get(where):
                kind, retry_after = fault.kind, fault.retry_after
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        del self._faults[where]
                break
        return kind, self._asked(here, page, url, retry_after)

    def _asked(
        self, here: site.Site, page: site.SamplePage, url: str, retry_after: str = "1"
    ) -> Asked:
        return Asked(
            site=here,
            page=page,
            url=url,
            clock=self.clock,
            fetch=self._fetches[page.id, self._since(page)],
            nonce=secrets.token_hex(12),
            retry_after=retry_after,
        )

    def _since(self, page: site.SamplePage) -> date:
        return page.at(self.clock.date()).since

    def _live(self, reply: Reply, asked: Asked, headers: Mapping[str, str]) -> Reply:
        """The reply with the validators that its site sends; 304 where they still hold."""
        if not reply.validators:
            return reply
        since = self._since(asked.page)
        modified = datetime(since.year, since.month, since.day, tzinfo=UTC)
        known = {
            "etag": ("ETag", f'"{hashlib.sha256(reply.body).hexdigest()[:20]}"'),
            "last-modified": ("Last-Modified", format_datetime(modified, usegmt=True)),
        }
        sent = dict(known[name] for name in sorted(asked.site.validators))
        asked_etag, asked_since = headers.get("if-none-match"), headers.get("if-modified-since")
        if asked_etag is not None:
            fresh = "ETag" in sent and sent["ETag"] in asked_etag
        else:
            fresh = asked_since is not None and asked_since == sent.get("Last-Modified")
        if fresh:
            return Reply(304, headers=sent)
        return dataclasses.replace(reply, headers={**reply.headers, **sent})

    def _furniture(self, url: str) -> Reply:
        """What is not a policy: robots.txt, the home page, the login; else 404."""
        parts = urlsplit(url)
        here = self._sites.get(parts.hostname or "")
        if not here:
            return Reply(502, b"the sample web has no such host", {"Content-Type": "text/plain"})
        if parts.path == "/robots.txt":
            return self._robots_txt(here, parts.hostname or "")
        name = {"/": "home", "/sign-in": "login"}.get(parts.path)
        lang = next(iter(here.words))
        text = render.wall_html(name or "not-found", here, lang, nonce="")
        return faults.html(text, 200 if name else 404)

    def _robots_txt(self, here: site.Site, host: str) -> Reply:
        rules = self._robots.get(host, "own")
        if rules == "missing":
            return Reply(404)
        if rules.startswith("status-"):
            return Reply(int(rules.removeprefix("status-")))
        if rules == "html":
            return faults.html(render.wall_html("soft-404", here, "en", nonce=""))
        if rules == "loop":
            return Reply(302, headers={"Location": "/robots.txt"})
        if rules in ("binary", "huge"):
            body = faults.BINARY if rules == "binary" else faults.HUGE_ROBOTS
            return Reply(200, body, {"Content-Type": "text/plain"})
        text = {"own": here.robots, "forbid": "User-agent: *\nDisallow: /\n"}.get(rules, rules)
        return Reply(200, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})

    def _note(
        self, method: str, url: str, headers: Mapping[str, str], fault: str, status: int | None
    ) -> None:
        clock = self.clock.isoformat()
        self._log.append(Request(time.time(), clock, method, url, dict(headers), fault, status))

    # --- the control path ------------------------------------------------------------

    def _control(self, target: str) -> Reply:
        parts = urlsplit(target)
        given = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        try:
            answer = self._steer(parts.path, given)
        except (ValueError, TypeError, KeyError) as error:
            return _json({"error": str(error)}, 400)
        return _json({"error": "unknown path"}, 404) if answer is None else _json(answer)

    def _steer(self, path: str, given: Mapping[str, str]) -> Any:
        match path:
            case "/log":
                return [dataclasses.asdict(request) for request in self._log]
            case "/clock":
                self.move(given["at"])
            case "/fault":
                times = int(given["times"]) if "times" in given else None
                self.fault(given["url"], given["kind"], times, given.get("retry_after", "1"))
            case "/robots":
                self.robots(given["host"], given["rules"])
            case "/forget":
                self.forget()
            case "/":
                pass
            case _:
                return None
        return {
            "clock": self.clock.isoformat(),
            "editions": [day.isoformat() for day in site.editions()],
            "pages": {p.id: p.url for p in site.pages().values()},
            "faults": {where: dataclasses.asdict(f) for where, f in self._faults.items()},
            "robots": self._robots,
        }


def _instant(at: str | date | datetime) -> datetime:
    if isinstance(at, str):
        at = datetime.fromisoformat(at)
    if not isinstance(at, datetime):
        at = datetime(at.year, at.month, at.day)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _json(answer: Any, status: int = 200) -> Reply:
    body = json.dumps(answer, indent=1, default=dict).encode()
    return Reply(status, body, {"Content-Type": "application/json"})


def _wire(reply: Reply, method: str, asked: Mapping[str, str]) -> bytes:
    """The reply as it goes over the line, gzipped where the client can take it."""
    body, headers = reply.body, dict(reply.headers)
    packed = "Content-Encoding" in headers
    if body and not packed and reply.status == 200 and "gzip" in asked.get("accept-encoding", ""):
        body = gzip.compress(body, 1, mtime=0)
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    if reply.status not in (204, 304):
        headers["Content-Length"] = str(len(body))
    lines = [f"HTTP/1.1 {reply.status} sample", *(f"{k}: {v}" for k, v in headers.items())]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    return head if method == "HEAD" or reply.status in (204, 304) else head + body


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if length := int(headers.get("content-length") or 0):
        await reader.readexactly(length)
    return method, target, headers
