"""What can stand in a page's place: every way in which a site fails its reader.

A fault is named by its kind. REPLIES make an answer; STREAMS write to the
connection themselves, which ends with them; `status-N` answers that status.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache

from tests.sampleweb import certificate, render
from tests.sampleweb.site import SamplePage, Site

MEBIBYTE = 1 << 20
ENDLESS = 2048 * MEBIBYTE  # a client that takes this much has no limit: enough is seen
BOMB = 1024 * MEBIBYTE  # of spaces, in about one MiB of gzip
HUGE = 50 * MEBIBYTE
DRIP_BYTES, DRIP_PAUSE = 16, 0.1  # never idle for long, and a page takes minutes
LARGE = 10_000_000  # bytes of markup, below the crawler's limit for a body


@dataclass(frozen=True)
class Reply:
    """A whole answer."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    validators: bool = False  # whether ETag and Last-Modified of the site go with it


@dataclass(frozen=True)
class Asked:
    """One request for a page of the sample web."""

    site: Site
    page: SamplePage
    url: str  # as asked, query and all
    clock: datetime
    fetch: int  # how often the page was asked for since its last edition, this time included
    nonce: str  # different at every fetch
    retry_after: str

    @property
    def steady_nonce(self) -> str:
        """A nonce that is the same at every fetch of an edition."""
        return f"{self.page.at(self.clock.date()).since:%Y%m%d}c0ffee"

    @property
    def foreign(self) -> SamplePage:
        """The vendor's page in another language that is nearest to this one."""
        others = [p for p in self.site.pages.values() if p.lang != self.page.lang]
        return max(others, key=lambda p: p.policy == self.page.policy)

    def wall(self, name: str, status: int = 200) -> Reply:
        """A page of `walls/`."""
        text = render.wall_html(name, self.site, self.page.lang, nonce=self.nonce, status=status)
        return html(text, status)


def html(text: str, status: int = 200, *, validators: bool = False) -> Reply:
    """A reply that carries HTML in UTF-8."""
    headers = {"Content-Type": "text/html; charset=utf-8"}
    return Reply(status, text.encode(), headers, validators)


def page(asked: Asked, *, restless: bool = False, alternate: bool | None = None) -> Reply:
    """The page itself, as of the clock."""
    day = asked.clock.date()
    show = asked.page.at(day).show
    lively = restless or asked.site.restless
    settled = not lively and alternate is None and show != "each-in-turn"
    if alternate is None:
        alternate = show == "each-in-turn" and asked.fetch % 2 == 1
    text = render.page_html(
        asked.site,
        asked.page,
        day,
        alternate=alternate,
        nonce=asked.nonce if lively else asked.steady_nonce,
        hits=4000 + 7 * asked.fetch if lively else 0,
    )
    return html(text, validators=settled)


def _home(asked: Asked) -> Reply:
    return _redirect(f"http://{asked.site.hosts[0]}/")


def _redirect(address: str, status: int = 302) -> Reply:
    return Reply(status, b"", {"Location": address})


def _login(asked: Asked) -> Reply:
    return _redirect(f"http://{asked.site.hosts[0]}/sign-in?next={asked.page.url}")


def _moved(asked: Asked) -> Reply:
    if asked.url.endswith("/moved"):
        return page(asked)
    return _redirect(asked.page.url + "/moved", 301)


def _redirect_loop(asked: Asked) -> Reply:
    count = asked.url.partition("?again=")[2]
    return _redirect(f"{asked.page.url}?again={int(count or 0) + 1}")


def _chain(asked: Asked) -> Reply:
    """Three redirects, and then the page at its new address."""
    hop = int(asked.url.partition("?hop=")[2] or 0)
    return page(asked) if hop == 3 else _redirect(f"{asked.page.url}?hop={hop + 1}", 307)


def _circle(asked: Asked) -> Reply:
    """To another address and back."""
    return _redirect(asked.page.url + ("" if asked.url.endswith("/moved") else "/moved"))


def _to_https(certificate: str) -> Callable[[Asked], Reply]:
    """The page is at https now, where its host shows a certificate of that kind."""

    def reply(asked: Asked) -> Reply:
        secure = asked.page.url.replace("http://", "https://")
        return page(asked) if asked.url.startswith("https://") else _redirect(secure, 301)

    return reply


def _counter(asked: Asked) -> Reply:
    """A number inside the text that grows by fetch."""
    return _within(asked, f"<p>This page has been read {1200 + asked.fetch} times.</p>")


def _stamped(asked: Asked) -> Reply:
    """The moment of the fetch, inside the text."""
    return _within(asked, f"<p>This page was made for you on {datetime.now(UTC).isoformat()}.</p>")


def _within(asked: Asked, more: str) -> Reply:
    """The page with something in the middle of its text."""
    reply = page(asked)
    body = reply.body.replace(b"<h2", more.encode() + b"<h2", 1)
    return replace(reply, body=body, validators=False)


# Words as the other side of the Atlantic spells them.
_AMERICAN = {
    "organisation": "organization",
    "recognises": "recognizes",
    "colour": "color",
    "programme": "program",
    "centre": "center",
    "analyse": "analyze",
}


def _american(asked: Asked) -> Reply:
    text = page(asked).body.decode()
    for british, american in _AMERICAN.items():
        text = text.replace(british, american)
    return html(text)


def _locale(asked: Asked) -> Reply:
    """The page in the vendor's other language, or another page in it, under the same address."""
    return page(replace(asked, page=asked.foreign))


def _half(asked: Asked) -> Reply:
    return html(
        render.half_html(asked.site, asked.page, asked.clock.date(), nonce=asked.steady_nonce)
    )


def _recharset(charset: str, encoding: str | None = None) -> Callable[[Asked], Reply]:
    """The header says `charset`; the body is in UTF-8, or in `encoding`."""

    def reply(asked: Asked) -> Reply:
        answer = page(asked)
        body = answer.body.replace(b' charset="utf-8"', b"").replace(b"; charset=utf-8", b"")
        if encoding:
            body = body.decode().encode(encoding, "xmlcharrefreplace")
        return Reply(200, body, {"Content-Type": f"text/html; charset={charset}"})

    return reply


def _bare(charset: str) -> Callable[[Asked], Reply]:
    """The page in a charset that neither header nor page names."""

    def reply(asked: Asked) -> Reply:
        answer = _recharset("utf-8", charset)(asked)
        return replace(answer, headers={"Content-Type": "text/html"})

    return reply


def _contradicting(asked: Asked) -> Reply:
    """The header says one charset, the page another one, and it is in a third."""
    answer = _recharset("iso-8859-5", "windows-1252")(asked)
    meta = b'<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">'
    return replace(answer, body=answer.body.replace(b"<title>", meta + b"<title>", 1))


def _encoded(encoding: str, body: bytes) -> Callable[[Asked], Reply]:
    """A body that is said to be encoded so."""
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Encoding": encoding}
    return lambda _: Reply(200, body, headers)


def _deflated(asked: Asked) -> Reply:
    """The page, compressed in the other way that was asked for."""
    body = zlib.compress(page(asked).body)
    return Reply(200, body, {"Content-Type": "text/html", "Content-Encoding": "deflate"})


def _twice_packed(asked: Asked) -> Reply:
    """A few kilobytes that unpack to a gibibyte, by way of one megabyte."""
    first, segment, last = _bomb_parts()
    once = first + segment * (BOMB // MEBIBYTE) + last
    return _encoded("gzip, gzip", gzip.compress(once, 6))(asked)


def _markup(make: Callable[[], bytes]) -> Callable[[Asked], Reply]:
    """The page, and behind its first paragraphs ten megabytes of markup."""
    made = cache(make)

    def reply(asked: Asked) -> Reply:
        answer = page(asked)
        body = answer.body.replace(b"<h2", made() + b"<h2", 1)
        return replace(answer, body=body, validators=False)

    return reply


def _attributes() -> bytes:
    return b"<p " + b" ".join(b"a%d=1" % n for n in range(1_000_000)) + b">Look.</p>"


def _sentences() -> bytes:
    count = LARGE // 80
    lines = (
        f"<p>Lamp number {n} of this list is kept for its owner in Årvik.</p>\n"
        for n in range(count)
    )
    return "".join(lines).encode()


def _document(media: str, body: bytes) -> Callable[[Asked], Reply]:
    return lambda _: Reply(200, body, {"Content-Type": media})


_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>endobj\n"
    b"4 0 obj<</Length 38>>stream\nBT /F1 12 Tf (Privacy policy) Tj ET\nendstream endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 8
BINARY = bytes(range(256)) * 64
# What matters stands at its head, as RFC 9309 lets a crawler stop reading behind 500 KiB.
HUGE_ROBOTS = b"User-agent: *\nDisallow: /account/\n" + b"".join(
    b"Disallow: /nowhere/%d\n" % n for n in range(200_000)
)

REPLIES: Mapping[str, Callable[[Asked], Reply]] = {
    "page": page,
    # walls and errors, all with status 200 unless they redirect
    "captcha": lambda asked: asked.wall("captcha"),
    "consent": lambda asked: asked.wall("consent"),
    "error-page": lambda asked: asked.wall("error-page"),
    "soft-404": lambda asked: asked.wall("soft-404"),
    "shell": lambda asked: asked.wall("shell"),  # an application without its script
    "half-rendered": _half,
    "login": _login,
    "login-form": lambda asked: asked.wall("login"),
    "home": _home,
    "moved": _moved,
    "redirect-loop": _redirect_loop,
    "circle": _circle,
    "chain": _chain,
    **{f"https-{kind}": _to_https(kind) for kind in certificate.KINDS},
    # the page, differently
    "restless": lambda asked: page(asked, restless=True),
    "counter": _counter,
    "stamped": _stamped,
    "american": _american,
    "deflated": _deflated,
    "alternate": lambda asked: page(asked, alternate=asked.fetch % 2 == 1),
    "hourly": lambda asked: page(asked, alternate=asked.clock.hour % 2 == 1),
    "locale": _locale,
    # not a page at all
    "empty": _document("text/html; charset=utf-8", b""),
    "pdf": _document("application/pdf", _PDF),
    "pdf-as-html": _document("text/html; charset=utf-8", _PDF),
    "png": _document("image/png", _PNG),
    "json": _document("application/json", json.dumps({"error": "not now"}).encode()),
    "binary": _document("application/octet-stream", BINARY),
    "binary-as-html": _document("text/html; charset=utf-8", BINARY),
    "wrong-charset": _recharset("utf-16"),
    "unknown-charset": _recharset("x-martian"),
    "latin-1-as-utf-8": _recharset("utf-8", "latin-1"),
    "latin-1-as-cyrillic": _recharset("iso-8859-5", "latin-1"),
    "latin-1-unsaid": _bare("latin-1"),
    "utf-8-unsaid": _bare("utf-8"),
    "charsets-contradict": _contradicting,
    "brotli-unasked": _encoded("br", BINARY),
    "zstd-unasked": _encoded("zstd", b"\x28\xb5\x2f\xfd" + BINARY),
    "gzip-garbage": _encoded("gzip", BINARY),
    "twice-packed-bomb": _twice_packed,
    # the page with more markup than anybody needs
    "nested-tags": _markup(lambda: b"<b>" * (LARGE // 3)),
    "deep-lists": _markup(lambda: b"<ul><li>" * (LARGE // 8)),
    "deep-divs": _markup(lambda: b"<div>x" * 20_000 + b"</div>" * 20_000),
    "flat-tags": _markup(lambda: b"<i>x</i>" * (LARGE // 8)),
    "comments": _markup(lambda: b"<!-- -->" * (LARGE // 8)),
    "attributes": _markup(_attributes),
    "one-long-word": _markup(lambda: b"<p>" + b"x" * LARGE + b"</p>"),
    "sentences": _markup(_sentences),
}


def reply(kind: str, asked: Asked) -> Reply:
    """The answer that a kind of REPLIES, or `status-N`, gives."""
    if kind.startswith("status-"):
        status = int(kind.removeprefix("status-"))
        answer = asked.wall("not-found" if status in (404, 410) else "status", status)
        if status in (429, 503):
            answer = replace(answer, headers={**answer.headers, "Retry-After": _later(asked)})
        return answer
    return REPLIES[kind](asked)


def _later(asked: Asked) -> str:
    """Retry-After as told; `date`: a moment one to two seconds from now."""
    if asked.retry_after != "date":
        return asked.retry_after
    return format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)


# --- faults of the connection ----------------------------------------------------------

HTML_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n"


async def _pieces(*pieces: bytes) -> AsyncGenerator[bytes, None]:
    for piece in pieces:
        yield piece


def _reset(asked: Asked) -> AsyncGenerator[bytes, None]:
    """Nothing: the server cuts the connection."""
    return _pieces()


async def _hang(asked: Asked) -> AsyncGenerator[bytes, None]:
    """Not a byte, for an hour."""
    await asyncio.sleep(3600)
    yield b""


def _truncate(asked: Asked) -> AsyncGenerator[bytes, None]:
    """A third of what the header promised."""
    body = page(asked).body
    return _pieces(HTML_HEAD + b"Content-Length: %d\r\n\r\n" % len(body), body[: len(body) // 3])


def _cut_unsaid(asked: Asked) -> AsyncGenerator[bytes, None]:
    """Two thirds of the page, and then an orderly end: nobody promised more."""
    body = page(asked).body
    return _pieces(HTML_HEAD + b"\r\n", body[: 2 * len(body) // 3])


def _short_length(asked: Asked) -> AsyncGenerator[bytes, None]:
    """The whole page, of which the header promises two thirds."""
    body = page(asked).body
    return _pieces(HTML_HEAD + b"Content-Length: %d\r\n\r\n" % (2 * len(body) // 3), body)


def _long_length(asked: Asked) -> AsyncGenerator[bytes, None]:
    """The whole page, of which the header promises more."""
    body = page(asked).body
    return _pieces(HTML_HEAD + b"Content-Length: %d\r\n\r\n" % (len(body) + 999), body)


def _half_chunk(asked: Asked) -> AsyncGenerator[bytes, None]:
    """A connection that is reset inside a chunk."""
    body = page(asked).body
    head = HTML_HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body)
    return _pieces(head, body[: len(body) // 2])


async def _endless_head(asked: Asked) -> AsyncGenerator[bytes, None]:
    """Header lines, and no end of them."""
    yield HTML_HEAD
    for number in range(ENDLESS // MEBIBYTE):
        yield b"X-More-%d: " % number + b"z" * 8000 + b"\r\n"


def _other_language(asked: Asked) -> AsyncGenerator[bytes, None]:
    """An answer of another protocol."""
    return _pieces(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


async def _slow(asked: Asked) -> AsyncGenerator[bytes, None]:
    """One byte a second."""
    body = page(asked).body
    yield HTML_HEAD + b"Content-Length: %d\r\n\r\n" % len(body)
    for at in range(len(body)):
        yield body[at : at + 1]
        await asyncio.sleep(1)


async def _drip(asked: Asked) -> AsyncGenerator[bytes, None]:
    """A few bytes at a time: no single wait is long, the whole takes minutes."""
    body = page(asked).body
    yield HTML_HEAD + b"Content-Length: %d\r\n\r\n" % len(body)
    for at in range(0, len(body), DRIP_BYTES):
        yield body[at : at + DRIP_BYTES]
        await asyncio.sleep(DRIP_PAUSE)


async def _endless(asked: Asked) -> AsyncGenerator[bytes, None]:
    """The page, and then more and more of it."""
    yield HTML_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    body = page(asked).body
    yield b"%x\r\n%b\r\n" % (len(body), body)
    more = b"<p>And there is more to say about this.</p>\n" * 1500
    chunk = b"%x\r\n%b\r\n" % (len(more), more)
    for _ in range(ENDLESS // len(more)):
        yield chunk


async def _huge(asked: Asked) -> AsyncGenerator[bytes, None]:
    """50 MB of page, honestly announced."""
    body = page(asked).body
    line = b"<p>This paragraph stands here very often, and says nothing new.</p>\n"
    filler = line * (MEBIBYTE // len(line))
    count = HUGE // len(filler) + 1
    yield HTML_HEAD + b"Content-Length: %d\r\n\r\n" % (len(body) + count * len(filler))
    yield body
    for _ in range(count):
        yield filler


async def _deflate_bomb(asked: Asked) -> AsyncGenerator[bytes, None]:
    """The same without gzip's head and sum."""
    _, segment, last = _bomb_parts()
    yield HTML_HEAD + b"Content-Encoding: deflate\r\n\r\n"
    for _ in range(BOMB // MEBIBYTE):
        yield segment
    yield last


async def _gzip_bomb(asked: Asked) -> AsyncGenerator[bytes, None]:
    """About a megabyte that unpacks to a gibibyte."""
    first, segment, last = _bomb_parts()
    yield HTML_HEAD + b"Content-Encoding: gzip\r\n\r\n"
    yield first
    crc, block = 0, b" " * MEBIBYTE
    for _ in range(BOMB // MEBIBYTE):
        crc = zlib.crc32(block, crc)
        yield segment
    yield last + crc.to_bytes(4, "little") + (BOMB % 2**32).to_bytes(4, "little")


@cache
def _bomb_parts() -> tuple[bytes, bytes, bytes]:
    """Gzip's header, a MiB of spaces (it can be repeated: the flush forgets), deflate's end."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    segment = packer.compress(b" " * MEBIBYTE) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\0\0\0\0\0\x02\xff", segment, packer.flush()


STREAMS: Mapping[str, Callable[[Asked], AsyncGenerator[bytes, None]]] = {
    "reset": _reset,
    "hang": _hang,
    "truncate": _truncate,
    "slow": _slow,
    "drip": _drip,
    "endless": _endless,
    "huge": _huge,
    "gzip-bomb": _gzip_bomb,
    "deflate-bomb": _deflate_bomb,
    "cut-unsaid": _cut_unsaid,
    "length-too-short": _short_length,
    "length-too-long": _long_length,
    "half-a-chunk": _half_chunk,
    "endless-head": _endless_head,
    "not-http": _other_language,
}
# After these the connection is cut hard, not closed in order.
CUT = frozenset({"reset", "truncate", "half-a-chunk"})


def is_kind(kind: str) -> bool:
    """Whether a fault of this kind can be made."""
    status = kind.removeprefix("status-")
    if kind.startswith("status-"):
        return status.isdigit() and 200 <= int(status) <= 599
    return kind in REPLIES or kind in STREAMS


KINDS = ("status-N", *REPLIES, *STREAMS)
