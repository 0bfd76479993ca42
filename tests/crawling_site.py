"""A real web server that a test scripts, and rounds of the real crawler against it."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from crawler import rounds, schedule
from policies.evidence import orphans
from policies.model import (
    Assistant,
    Capture,
    Catalog,
    Page,
    Policy,
    PolicyKind,
    Scope,
    Vendor,
)
from policies.settings import Settings

SENTENCES = (
    "This notice tells what happens to the things that you say to Brello.",
    "A small part of the recordings is listened to by trained people.",
    "You can switch that off in the settings of the app at any time.",
    "Recordings that nobody has looked at are erased after eighteen months.",
)


def html(*sentences: str) -> bytes:
    """A page of policy, long enough to be believed."""
    said = "".join(f"<p>{sentence}</p>" for sentence in (*SENTENCES, *sentences))
    whole = f"<!doctype html><html lang=en><title>Notice</title><main><h1>Notice</h1>{said}</main>"
    return whole.encode()


@dataclass(frozen=True)
class Seen:
    """A request as the server saw it."""

    at: float  # seconds, monotonic
    target: str  # the request's own words: a path, or a whole address where it is a proxy
    headers: dict[str, str]  # names in lower case


Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Site:
    """A web server on loopback: what it answers, and what it was asked."""

    port: int = 0
    scheme: str = "http"
    seen: list[Seen] = field(default_factory=list)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    busy: int = 0
    busiest: int = 0  # most requests at one time

    def url(self, path: str = "/notice", host: str = "127.0.0.1") -> str:
        """The address of a path."""
        return f"{self.scheme}://{host}:{self.port}{path}"

    def asked(self, path: str = "/notice") -> list[Seen]:
        """The requests for a path, oldest first."""
        return [seen for seen in self.seen if seen.target == path]

    def put(
        self, path: str = "/notice", body: bytes | None = None, status: int = 200, **headers: str
    ) -> None:
        """From now on a path has this answer; called again, each answer is given once, in turn."""
        self.do(path, lambda handler: send(handler, status, body, headers))

    def do(self, path: str, answer: Answer) -> None:
        """From now on a path is answered by a function; the last one answers for ever."""
        self.answers.setdefault(path, []).append(answer)

    def forget(self) -> None:
        """No requests seen, no answers."""
        self.seen.clear()
        self.answers.clear()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answers one request."""
        named = {name.lower(): value for name, value in handler.headers.items()}
        self.seen.append(Seen(time.monotonic(), handler.path, named))
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            ways = self.answers.get(handler.path)
            if not ways:
                send(handler, 404, b"nothing here", {})
                return
            way = ways.pop(0) if len(ways) > 1 else ways[0]
            with suppress(ConnectionError, ssl.SSLError):
                way(handler)
        finally:
            self.busy -= 1


def send(
    handler: BaseHTTPRequestHandler, status: int, body: bytes | None, headers: dict[str, str]
) -> None:
    """A whole, correct answer. `Content_Type="…"` and the like name further headers."""
    content = html() if body is None else body
    handler.send_response(status)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    for name, value in {"Content-Type": "text/html; charset=utf-8", **named}.items():
        handler.send_header(name, value)
    if status != 304:
        handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    if status != 304:
        handler.wfile.write(content)


def raw(*parts: bytes, pause: float = 0.0, reset: bool = False) -> Answer:
    """Writes these bytes as they are, with pauses between them, and closes the connection."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        for part in parts:
            handler.wfile.write(part)
            handler.wfile.flush()
            time.sleep(pause)
        if reset:
            linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # on, 0 seconds: RST instead of FIN
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            handler.connection.close()

    return answer


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[Site]:
    """A running site; with a certificate it speaks TLS."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_GET(self) -> None:
            site.answer(self)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A client that goes away is no news."""

    server = Server(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        site.scheme = "https"
    site.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()


def certified(folder: Path, *, days: int = 1) -> Path:
    """A file with a key and its self-signed certificate for localhost and 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=2))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "localhost.pem"
    file.write_bytes(private + certificate.public_bytes(pem))
    return file


# --- rounds ----------------------------------------------------------------------------


def page(url: str, name: str = "notice", lang: str = "en", region: str | None = None) -> Page:
    """A page of an invented vendor."""
    policy = f"brellomar.{name}"
    place = f"{lang}-{region}" if region else lang
    return Page(f"{policy}.{place}", "brellomar", policy, lang, region, url, Scope.ASSISTANT)


def catalog_of(pages: Sequence[Page]) -> Catalog:
    """A catalog of one vendor with these pages."""
    by_policy: dict[str, list[Page]] = {}
    for one in pages:
        by_policy.setdefault(one.policy_id, []).append(one)
    policies = tuple(
        Policy(id_, own[0].vendor_id, PolicyKind.NOTICE, "Notice", Scope.ASSISTANT, (), tuple(own))
        for id_, own in by_policy.items()
    )
    vendor, brello = pages[0].vendor_id, (Assistant("brello", "Brello"),)
    return Catalog((Vendor(vendor, vendor.title(), brello, (), (), policies),))


# A round in a test does not wait for minutes.
QUICK = {"RETRY_BACKOFF": 0.1, "RETRY_AFTER_LIMIT": 2.0}


@dataclass
class Crawls:
    """Rounds over pages, one after another, with one store."""

    settings: Settings

    def round(
        self,
        *pages: Page,
        at: dt.datetime | None = None,
        during: Callable[[rounds.Round], None] | None = None,
        **scrapy: Any,
    ) -> rounds.Round:
        """One round over pages, due or not. `during`: called when the round has begun."""
        with rounds.opened(self.settings, catalog_of(pages)) as tracker:
            due = tracker.due(pages, at or dt.datetime.now(dt.UTC), force=True)
            round_ = rounds.Round(tracker, due, at)
            runner = schedule.runner(self.settings, **{**QUICK, **scrapy})

            async def main() -> None:
                if during:
                    during(round_)
                await schedule.one_round(round_, runner)

            schedule.run(main)
        return round_

    def capture(self, *pages: Page, **more: Any) -> Capture:
        """The capture, without its body, that a round made of the last of these pages."""
        found = {result.page.id: result.capture for result in self.round(*pages, **more).results}
        assert len(found) == len(pages)
        return found[pages[-1].id]

    @property
    def kept(self) -> list[Capture]:
        """Every capture in the evidence, bodies included, oldest first."""
        return [orphan.capture for orphan in orphans(self.settings.evidence, {})]
