"""The crawler against real servers: what they see of it, and what it makes of them."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from scrapy.http import Headers
from twisted.internet import defer
from twisted.internet.interfaces import IResolverSimple
from zope.interface import implementer  # type: ignore[import-untyped]

from crawler.connections import is_public_address, is_public_host
from crawler.middlewares.decoding import decoded
from crawler.middlewares.retries import retry_after
from crawler.rounds import Round, chosen
from policies.catalog import load
from policies.cli import main
from policies.errors import BadInput
from policies.model import Outcome
from policies.settings import Settings
from tests.crawling_site import (
    Crawls,
    Site,
    catalog_of,
    certified,
    html,
    page,
    raw,
    send,
    serving,
)

ROOT = Path(__file__).parents[1]


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as running:
        yield running


@pytest.fixture
def crawls(tmp_path: Path) -> Crawls:
    return Crawls(
        Settings(
            data=tmp_path / "data",
            contact="mailto:watch@brellomar.example",
            body_limit=200_000,
            fetch_timeout=2.0,
        )
    )


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


# --- how it introduces itself ----------------------------------------------------------


def test_a_request_says_who_asks_in_which_language_and_remembers_no_cookies(site, crawls):
    site.put(Set_Cookie="visitor=1")
    swiss = page(site.url(), lang="fr", region="ch")
    crawls.round(swiss)
    crawls.round(swiss)
    robots, first, _, second = site.seen
    assert robots.target == "/robots.txt"
    for seen in (robots, first, second):
        assert re.fullmatch(r"Earwitness/[\d.]+ \(.*mailto:watch@.*\)", seen.headers["user-agent"])
        assert "cookie" not in seen.headers
        assert "referer" not in seen.headers
    assert first.headers["accept-language"] == "fr-CH,fr;q=0.8"
    assert first.headers["accept-encoding"] == "gzip, deflate"


def test_one_address_in_two_languages_is_two_captures(site, crawls):
    site.put()
    english, french = page(site.url()), page(site.url(), lang="fr")
    assert len(crawls.round(english, french).results) == 2
    asked = [seen.headers["accept-language"] for seen in site.asked()]
    assert sorted(asked) == ["en", "fr"]


def test_a_capture_keeps_the_request_and_the_whole_answer(site, crawls):
    body = html("Kept byte by byte: \u00e9 \u2019.")
    site.put(body=gzip.compress(body), Content_Encoding="gzip", X_Served_By="brello-7")
    before = datetime.now(UTC)
    crawls.round(page(site.url()))
    (capture,) = crawls.kept
    assert capture.body == body
    assert capture.status == 200
    assert capture.header("x-served-by") == "brello-7"
    assert capture.header("content-encoding") == "gzip"
    assert capture.url == capture.final_url == site.url()
    assert before <= capture.captured_at <= datetime.now(UTC)
    warc = b"".join(gzip.decompress(f.read_bytes()) for f in data_files(crawls))
    assert b"WARC-Type: request" in warc
    assert b"accept-language: en" in warc


def data_files(crawls: Crawls) -> list[Path]:
    return sorted(crawls.settings.evidence.glob("*/*.warc.gz"))


def test_a_replay_says_when_its_captures_are_made(site, crawls):
    site.put()
    then = datetime(2024, 3, 1, tzinfo=UTC)
    assert crawls.capture(page(site.url()), at=then).captured_at == then


# --- robots.txt ------------------------------------------------------------------------


def test_a_page_that_robots_txt_forbids_is_never_asked_for(site, crawls):
    site.put("/robots.txt", b"User-agent: *\nDisallow: /notice\n", Content_Type="text/plain")
    site.put()
    round_ = crawls.round(page(site.url()))
    assert not site.asked()
    (result,) = round_.results
    assert result.capture.failure.startswith("robots: ")
    assert result.capture.status is None
    assert result.judgement.outcome is Outcome.BLOCKED


def test_rules_for_our_name_win_over_those_for_everybody(site, crawls):
    rules = b"User-agent: *\nDisallow: /\n\nUser-agent: earwitness\nAllow: /notice\n"
    site.put("/robots.txt", rules, Content_Type="text/plain")
    site.put()
    assert crawls.capture(page(site.url())).status == 200


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_robots_txt_that_is_not_there_forbids_nothing(site, crawls, status):
    site.put("/robots.txt", b"no", status)
    site.put()
    assert crawls.capture(page(site.url())).status == 200


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_robots_txt_that_cannot_be_had_forbids_the_site_for_this_round(site, crawls, status):
    site.put("/robots.txt", b"no", status)
    site.put()
    site.put("/terms")
    pages = page(site.url()), page(site.url("/terms"), "terms")
    round_ = crawls.round(*pages)
    assert {seen.target for seen in site.seen} == {"/robots.txt"}
    for result in round_.results:
        assert result.judgement.outcome is (Outcome.BLOCKED if status == 429 else Outcome.FAILED)
        assert str(status) in result.capture.failure
    assert len(round_.results) == 2


def test_the_beginning_of_a_huge_robots_txt_is_kept_to(site, crawls):
    rules = b"User-agent: *\nDisallow: /terms\n" + b"Disallow: /nowhere\n" * 200_000
    site.put("/robots.txt", rules, Content_Type="text/plain")
    site.put()
    site.put("/terms")
    round_ = crawls.round(page(site.url()), page(site.url("/terms"), "terms"))
    assert {result.judgement.outcome for result in round_.results} == {
        Outcome.CHANGED,
        Outcome.BLOCKED,
    }
    assert not site.asked("/terms")


def test_a_robots_txt_that_moved_is_followed(site, crawls):
    site.put("/robots.txt", b"", 301, Location="/rules.txt")
    site.put("/rules.txt", b"User-agent: *\nDisallow: /", Content_Type="text/plain")
    site.put()
    assert crawls.capture(page(site.url())).failure.startswith("robots: ")
    assert not site.asked()


def test_a_redirect_leads_only_where_robots_txt_allows(site, crawls):
    site.put("/robots.txt", b"User-agent: *\nDisallow: /inside", Content_Type="text/plain")
    site.put("/notice", b"", 302, Location="/inside")
    site.put("/inside")
    capture = crawls.capture(page(site.url()))
    assert capture.failure.startswith("robots: ")
    assert capture.redirects == (site.url(),)
    assert capture.final_url == site.url("/inside")
    assert not site.asked("/inside")


# --- pace ------------------------------------------------------------------------------


def slowly(seconds: float) -> Callable:
    def answer(handler):
        time.sleep(seconds)
        send(handler, 200, None, {})

    return answer


def test_a_host_gets_one_request_at_a_time_while_other_hosts_are_asked(site, crawls):
    with serving() as other:
        pages = []
        for place in (site, other):
            host = "127.0.0.1" if place is site else "localhost"
            for n in range(4):
                place.do(f"/{n}", slowly(0.2))
                pages.append(page(place.url(f"/{n}", host), f"{host[0]}{n}"))
        crawls.round(*pages)
        assert site.busiest == other.busiest == 1
        assert len([s for s in site.seen if s.target != "/robots.txt"]) == 4
        # Side by side, not one host after the other.
        assert min(s.at for s in other.seen) < max(s.at for s in site.seen)
        assert min(s.at for s in site.seen) < max(s.at for s in other.seen)


def distances(site: Site) -> list[float]:
    times = [seen.at for seen in site.seen if not seen.target.endswith("/robots.txt")]
    return [later - earlier for earlier, later in pairwise(times)]


def test_the_distance_that_robots_txt_names_is_kept(site, crawls):
    site.put("/robots.txt", b"User-agent: *\nCrawl-delay: 0.7", Content_Type="text/plain")
    pages = [page(site.url(f"/{n}"), f"n{n}") for n in range(3)]
    crawls.round(*pages)
    assert len(distances(site)) == 2
    assert min(distances(site)) >= 0.69


def test_a_distance_beyond_reason_is_cut(site, crawls, caplog):
    site.put("/robots.txt", b"User-agent: *\nCrawl-delay: 86400", Content_Type="text/plain")
    pages = [page(site.url(f"/{n}"), f"n{n}") for n in range(2)]
    crawls.round(*pages, CRAWL_DELAY_LIMIT=0.5)
    assert 0.49 <= distances(site)[0] < 5
    assert "Crawl-delay of 86400.0 s: keeping 0.5 s" in caplog.text


def test_a_host_out_there_is_asked_about_once_a_second(site, crawls, out_there):
    crawls.round(*[page(out_there(f"/{n}"), f"n{n}") for n in range(3)])
    assert len(distances(site)) == 2
    assert min(distances(site)) >= 0.74  # a second, less the jitter


# --- asking again ----------------------------------------------------------------------


def test_a_passing_trouble_is_asked_about_again_later_and_later(site, crawls):
    site.put(status=503)
    site.put(status=503)
    site.put()
    assert crawls.capture(page(site.url())).status == 200
    first, second, third = (seen.at for seen in site.asked())
    assert second - first >= 0.1
    assert third - second >= 0.2


def test_a_lasting_trouble_is_a_capture_after_three_times(site, crawls):
    site.put(body=b"<h1>Back soon</h1>", status=503)
    assert crawls.capture(page(site.url())).status == 503
    assert len(site.asked()) == 3
    (kept,) = crawls.kept
    assert kept.body == b"<h1>Back soon</h1>"


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_kept_to(site, crawls, form):
    def busy(handler):
        at = datetime.now(UTC) + timedelta(seconds=2)  # written without its fraction of a second
        value = "1" if form == "seconds" else format_datetime(at, usegmt=True)
        send(handler, 429, None, {"Retry-After": value})

    site.do("/notice", busy)
    site.put()
    assert crawls.capture(page(site.url()), RETRY_AFTER_LIMIT=10).status == 200
    first, second = site.asked()
    assert second.at - first.at >= 0.9


@pytest.fixture
def out_there(site, monkeypatch) -> Callable[[str], str]:
    """Addresses of a public host, all of which lead to the test's server."""
    monkeypatch.setenv("http_proxy", site.url(""))
    return "http://www.brellomar.example{}".format


def test_who_asks_to_be_left_alone_for_long_is_left_alone(site, crawls, out_there):
    site.put(out_there("/notice"), status=503, Retry_After="3600")
    pages = page(out_there("/notice")), page(out_there("/terms"), "terms")
    round_ = crawls.round(*pages)
    assert len(site.asked(out_there("/notice"))) == 1
    assert not site.asked(out_there("/terms"))
    for result in round_.results:
        assert "3600 s (Retry-After)" in result.capture.failure
        assert result.judgement.outcome is Outcome.FAILED
    assert [result.capture.status for result in round_.results] == [503, None]


def test_a_host_that_still_answers_429_is_asked_for_nothing_more(site, crawls, out_there):
    site.put(out_there("/notice"), status=429)
    pages = page(out_there("/notice")), page(out_there("/terms"), "terms")
    round_ = crawls.round(*pages, RETRY_AGAIN=0)
    assert len(site.asked(out_there("/notice"))) == 1
    assert not site.asked(out_there("/terms"))
    answered, not_asked = round_.results
    assert (answered.capture.status, answered.capture.failure) == (429, None)
    assert not_asked.capture.failure == "network: www.brellomar.example still answers 429"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("Wed, 01 May 2024 00:01:30 GMT", 90),
        ("Wed, 01 May 2024 00:01:30 +0100", 0),  # in the past
        ("Wednesday, 01-May-24 00:01:30 GMT", 90),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("\u0663", None),
    ],
)
def test_retry_after_in_all_its_forms(value, seconds):
    headers = Headers({"Retry-After": value.encode()})
    assert retry_after(headers, datetime(2024, 5, 1, tzinfo=UTC)) == seconds


# --- only what is new ------------------------------------------------------------------


def test_a_page_that_did_not_change_is_not_sent_again(site, crawls):
    stamp = "Wed, 01 May 2024 08:00:00 GMT"
    site.put(ETag='"a1"', Last_Modified=stamp)
    site.put(status=304)
    notice = page(site.url())
    crawls.round(notice)
    (result,) = crawls.round(notice).results
    first, second = site.asked()
    assert "if-none-match" not in first.headers
    assert second.headers["if-none-match"] == '"a1"'
    assert second.headers["if-modified-since"] == stamp
    assert result.capture.status == 304
    assert result.judgement.outcome is Outcome.UNCHANGED


def test_what_a_page_said_of_itself_is_not_told_to_where_it_leads_now(site, crawls):
    site.put(ETag='"a1"', Last_Modified="Wed, 01 May 2024 08:00:00 GMT")
    site.put("/notice", b"", 301, Location="/home")
    site.put("/home", b"<html lang=en><title>Home</title><main><h1>Welcome</h1></main>")
    notice = page(site.url())
    crawls.round(notice)
    crawls.round(notice)
    assert "if-none-match" in site.asked()[1].headers
    assert not {"if-none-match", "if-modified-since"} & set(site.asked("/home")[0].headers)


# --- redirects -------------------------------------------------------------------------


def test_redirects_are_followed_and_recorded(site, crawls):
    site.put("/notice", b"", 301, Location="/two")
    site.put("/two", b"", 302, Location=site.url("/three", "localhost"))
    site.put("/three")
    capture = crawls.capture(page(site.url()))
    assert capture.url == site.url()
    assert capture.redirects == (site.url(), site.url("/two"))
    assert capture.final_url == site.url("/three", "localhost")
    assert capture.status == 200


def test_a_page_that_sends_elsewhere_at_once_is_followed(site, crawls):
    site.put(body=b'<meta http-equiv="refresh" content="0; url=/new"><p>Moved')
    site.put("/new")
    assert crawls.capture(page(site.url())).final_url == site.url("/new")


@pytest.mark.parametrize("location", ["/notice", "/round"])
def test_a_redirect_in_a_circle_ends_at_once(site, crawls, location):
    site.put("/notice", b"", 302, Location=location)
    site.put("/round", b"", 302, Location="/notice")
    capture = crawls.capture(page(site.url()))
    assert capture.failure.startswith("redirect-loop: ")
    assert len(site.asked()) == 1


def test_redirects_without_end_are_given_up(site, crawls):
    def onward(handler):
        number = int(handler.path.partition("=")[2] or 0)
        target = f"/notice?n={number + 1}"
        site.do(target, onward)
        send(handler, 302, b"", {"Location": target})

    site.do("/notice", onward)
    capture = crawls.capture(page(site.url()))
    assert capture.failure.startswith("redirect-loop: gave up after 10 redirects")
    assert len(capture.redirects) == 10


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "ftp://127.0.0.1/", "javascript:alert(1)", "data:text/html,x"],
)
def test_a_redirect_out_of_the_web_is_refused(site, crawls, location):
    site.put("/notice", b"", 302, Location=location)
    capture = crawls.capture(page(site.url()))
    assert capture.failure == f"network: refused to follow a redirect to {location}"
    assert capture.status == 302


@pytest.mark.parametrize("location", ["http://[", "http://\x1b[31m/", "http://%zz:99999/", ""])
def test_a_redirect_to_nonsense_is_one_capture(site, crawls, location):
    site.put("/notice", b"", 302, Location=location)
    round_ = crawls.round(page(site.url()))
    (result,) = round_.results
    assert result.capture.failure is None or result.capture.failure.isprintable()


def test_a_public_page_cannot_lead_to_the_machines_around_us(site, crawls, monkeypatch):
    """Through a proxy the page is public; its redirect goes where no proxy is in between."""
    public = page("http://www.brellomar.example/notice")
    monkeypatch.setenv("http_proxy", site.url(""))
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    with serving() as inside:
        inside.put("/secret", b"the router's own page")
        for target in (inside.url("/secret"), inside.url("/secret", "localhost")):
            site.answers.pop(public.url, None)
            site.put(public.url, b"", 302, Location=target)
            capture = crawls.capture(public)
            assert capture.failure.startswith("network: a public page leads to ")
            assert capture.status is None
        assert not inside.seen  # not even its robots.txt


def test_a_public_name_at_a_private_address_is_refused(site, crawls):
    @implementer(IResolverSimple)
    class Liar:
        """A name server that says of every name that it is here."""

        def getHostByName(self, name, timeout=()):  # noqa: N802 - Twisted's name
            return defer.succeed("127.0.0.1")

    def lie(_: Round) -> None:
        from twisted.internet import reactor

        truth.append(reactor.nameResolver)
        reactor.installResolver(Liar())

    truth: list = []
    site.put()
    try:
        capture = crawls.capture(page(site.url(host="www.brellomar.example")), during=lie)
    finally:
        from twisted.internet import reactor

        reactor.installNameResolver(truth[0])
    assert capture.failure.startswith("network: a public page leads to 127.0.0.1")
    assert not site.seen


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.5", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1%eth0", "fc00::1",
        "::ffff:10.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::", "ff02::1",
        "64:ff9b::10.0.0.1",
    ],
)  # fmt: skip
def test_these_addresses_are_not_public(address):
    assert not is_public_address(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8"])
def test_these_addresses_are_public(address):
    assert is_public_address(address)


@pytest.mark.parametrize(
    "host",
    ["localhost", "a.localhost", "nas", "printer.local", "127.0.0.1", "[::1]", "::ffff:10.1.2.3"],
)
def test_these_hosts_are_declared_private(host):
    assert not is_public_host(host)


# --- trouble ---------------------------------------------------------------------------

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


def chunked(pieces: int) -> bytes:
    return b"10000\r\n" + b"x" * 65536 + b"\r\n" * pieces


TROUBLE = {
    "no answer": (raw(b"", reset=True), "reset: "),
    "half a page": (raw(HEAD + b"Content-Length: 5000\r\n\r\n<p>half"), "truncated: "),
    "half a chunk": (raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n<p>half"), "truncated: "),
    "silence": (raw(b"", pause=6), "timeout: "),
    "one byte at a time": (
        raw(HEAD + b"Content-Length: 500\r\n\r\n", *[b"x"] * 50, pause=0.2),
        "timeout: ",
    ),
    "one header at a time": (raw(HEAD, *[b"X-Y: z\r\n"] * 50, pause=0.2), "timeout: "),
    "headers without end": (raw(HEAD, *[b"X-Y: " + b"z" * 8000 + b"\r\n"] * 300), "too-large: "),
    "folded headers": (raw(HEAD, b"X-Y: z\r\n", *[b" " + b"z" * 8000 + b"\r\n"] * 99), "too-large"),
    "hints without end": (
        raw(*[b"HTTP/1.1 103 Early\r\nL: " + b"z" * 999 + b"\r\n\r\n"] * 99),
        "too",
    ),
    "too large, as said": (raw(HEAD + b"Content-Length: 999999999\r\n\r\nx"), "too-large: "),
    "too large, unsaid": (raw(HEAD + b"\r\n", *[b"x" * 65536] * 8), "too-large: "),
    "a compressed bomb": (
        raw(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(50_000_000))),
        "too-large: ",
    ),
    "damaged gzip": (
        raw(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(html() * 20)[:-30]),
        "truncated: ",
    ),
    "gzip that is none": (raw(HEAD + b"Content-Encoding: gzip\r\n\r\n<p>plain"), "truncated: "),
    "an unknown encoding": (raw(HEAD + b"Content-Encoding: br\r\n\r\nxyz"), "network: "),
    "not HTTP": (raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "network: "),
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_every_trouble_ends_in_one_capture_that_names_it(site, crawls, trouble):
    answer, named = TROUBLE[trouble]
    site.do("/notice", answer)
    (result,) = crawls.round(page(site.url())).results
    assert result.capture.failure.startswith(named), result.capture.failure
    assert result.judgement.outcome is Outcome.FAILED
    # One more where a kept connection was reset: Twisted asks again by itself.
    assert len(site.asked()) <= (2 if named == "timeout: " else 4)


def test_a_page_that_needs_a_browser_is_not_read_without_one(site, crawls):
    site.put()
    (result,) = crawls.round(replace(page(site.url()), render=True)).results
    assert result.judgement.outcome is Outcome.FAILED
    (reason,) = result.judgement.reasons
    assert (reason.rule, "declared to need a browser" in reason.says) == ("render", True)
    assert not site.seen


def test_a_server_that_is_not_there_is_refused(crawls):
    with serving() as gone:
        nobody = page(gone.url())
    (result,) = crawls.round(nobody).results
    assert result.capture.failure.startswith("refused: ")
    assert result.capture.final_url == nobody.url
    assert result.judgement.reasons[0].says == "connection refused by 127.0.0.1"


def test_a_name_that_nobody_knows_is_a_dns_failure(crawls):
    host = "nobody-knows-this.invalid"
    (result,) = crawls.round(page(f"http://{host}/notice"), RETRY_AGAIN=0).results
    assert result.capture.failure.startswith("dns: ")
    (reason,) = result.judgement.reasons
    assert reason.says == f"the name {host} is not known to the DNS"
    assert host in reason.numbers["detail"]  # the resolver's own words


@pytest.mark.parametrize("url", ["no-scheme", "ftp://127.0.0.1/notice", "http://", "http://[::1"])
def test_what_is_no_address_is_one_capture_too(crawls, url):
    (result,) = crawls.round(page(url)).results
    assert result.capture.failure
    assert result.capture.status is None


@pytest.mark.parametrize("status", [401, 403, 404, 410, 451, 500])
def test_an_error_page_is_a_capture_with_its_body(site, crawls, status):
    site.put(body=b"<h1>Not for you</h1>", status=status)
    (result,) = crawls.round(page(site.url()), RETRY_AGAIN=0).results
    assert result.capture.failure is None
    assert result.capture.status == status
    assert crawls.kept[0].body == b"<h1>Not for you</h1>"


def test_a_large_compressed_page_within_the_limit_is_whole(site, crawls):
    body = html(*[f"Sentence number {n} is there for its length." for n in range(3000)])
    site.put(
        body=gzip.compress(body[:50_000]) + gzip.compress(body[50_000:]), Content_Encoding="gzip"
    )
    crawls.round(page(site.url()))
    assert crawls.kept[0].body == body


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "bare deflate"])
def test_what_was_compressed_comes_back(encoding):
    import zlib

    body = html() * 50
    window = {"gzip": 31, "deflate": 15, "bare deflate": -15}[encoding]
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    packed = packer.compress(body) + packer.flush()
    assert decoded(packed, [encoding.split()[-1]], 1_000_000) == body


# --- TLS -------------------------------------------------------------------------------


def test_a_certificate_that_nobody_vouches_for_is_refused(crawls, tmp_path):
    with serving(certified(tmp_path)) as safe:
        safe.put()
        capture = crawls.capture(page(safe.url()))
        assert capture.failure.startswith("tls: ")
        assert not safe.seen


def test_ssl_cert_file_names_who_is_trusted(crawls, tmp_path, monkeypatch):
    certificate = certified(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(certificate) as safe:
        safe.put()
        assert crawls.capture(page(safe.url())).status == 200
        assert crawls.capture(page(safe.url(host="localhost"), "other")).status == 200


def test_a_certificate_for_another_name_is_refused(crawls, tmp_path, monkeypatch):
    certificate = certified(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(certificate) as safe:
        capture = crawls.capture(page(safe.url(host="127.0.0.2")))
        assert capture.failure.startswith(("tls: ", "refused: "))
        assert not safe.seen


def test_a_certificate_that_ran_out_is_refused(crawls, tmp_path, monkeypatch):
    certificate = certified(tmp_path, days=-1)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(certificate) as safe:
        assert crawls.capture(page(safe.url())).failure.startswith("tls: ")
        assert not safe.seen


# --- ending early ----------------------------------------------------------------------


def test_a_round_that_is_stopped_lets_arrive_what_is_on_its_way(site, crawls):
    arrived = threading.Event()

    def answer(handler):
        arrived.set()
        time.sleep(1)
        send(handler, 200, None, {})

    pages = [page(site.url(f"/{n}"), f"n{n}") for n in range(20)]
    for n in range(20):
        site.do(f"/{n}", answer)

    def during(round_: Round) -> None:
        def stop() -> None:
            arrived.wait(10)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=stop, daemon=True).start()

    round_ = crawls.round(*pages, during=during)
    asked = [seen for seen in site.seen if seen.target != "/robots.txt"]
    assert len(asked) == len(round_.results) == 1
    assert len(round_.left) == 19
    # What was not asked for stays due; the next round asks for it.
    for n in range(20):
        site.answers[f"/{n}"].clear()
        site.put(f"/{n}")
    assert len(crawls.round(*round_.left).results) == 19


def test_a_broken_store_ends_the_round_with_its_error(site, crawls):
    pages = [page(site.url(f"/{n}"), f"n{n}") for n in range(5)]

    def breaking(handler):
        with sqlite3.connect(crawls.settings.data / "earwitness.sqlite3") as store:
            store.execute("DROP TABLE IF EXISTS capture")
            store.execute("DROP TABLE IF EXISTS captures")
        send(handler, 200, None, {})

    for n in range(5):
        site.do(f"/{n}", breaking)
    with pytest.raises(Exception, match="capture"):
        crawls.round(*pages)
    assert len([seen for seen in site.seen if seen.target != "/robots.txt"]) < 5


# --- choosing --------------------------------------------------------------------------


def test_a_name_that_is_not_declared_is_answered_with_the_nearest():
    catalog = catalog_of([page("http://127.0.0.1/a"), page("http://127.0.0.1/b", "terms")])
    assert [p.id for p in chosen(catalog, [], ["brellomar.terms.en"])] == ["brellomar.terms.en"]
    with pytest.raises(BadInput, match="did you mean brellomar"):
        chosen(catalog, ["brelomar"])
    with pytest.raises(BadInput, match=r"did you mean brellomar\.terms\.en"):
        chosen(catalog, [], ["brellomar.term.en"])


# --- the command -----------------------------------------------------------------------

CATALOG = """\
name: Brellomar
assistants:
  brello: Brello
policies:
  notice:
    title: Notice
    kind: notice
    assistants: brello
    pages:
      en: {notice}
  terms:
    title: Terms
    kind: terms
    pages:
      en: {terms}
"""


@pytest.fixture
def declared(site: Site, tmp_path: Path) -> Path:
    folder = tmp_path / "catalog"
    folder.mkdir()
    text = CATALOG.format(notice=site.url(), terms=site.url("/terms"))
    (folder / "brellomar.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    return {**kept, "EARWITNESS_DATA": str(tmp_path / "data"), "EARWITNESS_CONTACT": "x@y.example"}


def program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def earwitness(environment: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, env=environment, catch_exceptions=False)


def test_the_command_reads_all_pages_and_then_says_when_the_next_are_due(
    site, declared, environment
):
    site.put()
    site.put("/terms", html("These are the terms."))
    first = earwitness(environment, "crawl", "--catalog", str(declared))
    assert first.exit_code == 0, first.stderr
    assert "2 pages: 2 changed; 0 changes published" in first.stdout
    assert "[2/2] brellomar." in first.stderr  # a line for each page, as this is no terminal
    second = earwitness(environment, "crawl", "--catalog", str(declared))
    assert second.exit_code == 0
    assert "Nothing is due: 2 pages looked at; the next is due at 20" in second.stdout
    assert len(site.asked()) == 1
    third = earwitness(environment, "crawl", "--catalog", str(declared), "--force", "--json")
    assert third.exit_code == 0
    told = json.loads(third.stdout)
    assert told["totals"] == {"unchanged": 2}
    assert {row["status"] for row in told["pages"]} == {200}


def test_a_page_that_was_not_read_is_exit_status_3(site, declared, environment):
    site.put()
    site.put("/terms", status=404)
    done = earwitness(environment, "crawl", "--catalog", str(declared))
    assert done.exit_code == 3
    assert re.search(r"brellomar\.terms\.en +gone +.*404", done.stdout)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--vendor", "brelomar"], "did you mean brellomar?"),
        (["--page", "brellomar.notice.fr"], "did you mean brellomar.notice.en"),
        (["--at", "yesterday"], "expected a date like"),
        (["--catalog", "/nowhere"], "/nowhere"),
        (["--bogus"], "--bogus"),
    ],
)
def test_bad_usage_is_exit_status_2_and_one_clear_sentence(declared, environment, arguments, said):
    done = earwitness(environment, "crawl", "--catalog", str(declared), *arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert not Path(environment["EARWITNESS_DATA"]).exists()


def test_a_second_interrupt_ends_the_command_at_once(site, declared, environment):
    site.do("/notice", slowly(30))
    command = [program("earwitness"), "crawl", "--catalog", str(declared)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as running:
        deadline = time.monotonic() + 60
        while not site.asked() and time.monotonic() < deadline:
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        assert running.stderr is not None
        assert "again: at once" in running.stderr.readline()
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == 130  # the answer would take longer
    # The next run carries on.
    site.answers["/notice"].clear()
    site.put()
    site.put("/terms", html("These are the terms."))
    assert earwitness(environment, "crawl", "--catalog", str(declared)).exit_code == 0


def test_scrapy_crawls_and_its_shell_opens_with_the_projects_settings(site, declared, environment):
    site.put()
    environment = {**environment, "EARWITNESS_CATALOG": str(declared)}
    command = [program("scrapy"), "crawl", "pages", "-a", "page=brellomar.notice.en"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Earwitness/" in site.asked()[0].headers["user-agent"]
    assert "item_scraped_count': 1" in done.stderr
    assert "Telnet" not in done.stderr
    assert html().decode()[:200] not in done.stderr  # bodies are not logged
    code = "print(response.status, request.headers['User-Agent'], spider.name)"
    command = [program("scrapy"), "shell", site.url(), "-c", code]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert "200 b'Earwitness/" in done.stdout, done.stderr


def test_scrapy_is_told_in_one_sentence_what_is_wrong(declared, environment):
    environment = {**environment, "EARWITNESS_CATALOG": str(declared)}
    command = [program("scrapy"), "crawl", "pages", "-a", "page=brellomar.notise.en"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 2
    last = done.stderr.rstrip().splitlines()[-1]
    assert last.startswith("earwitness: no page 'brellomar.notise.en' is declared; did you mean")
    assert "Traceback" not in done.stderr


# --- real pages ------------------------------------------------------------------------


@pytest.mark.slow
def test_real_pages_of_the_past_are_crawled_through_a_proxy(replay, crawls, monkeypatch):
    web = replay("2024-03-01")
    for name, value in web.environment.items():
        monkeypatch.setenv(name, value)
    real = next(p for p in load().pages if p.id == "speechify.privacy-policy.en")
    days = (datetime(2024, 3, 1, tzinfo=UTC) + timedelta(days=n) for n in range(99))
    limit, patience = 20_000_000, 30.0  # the replay takes seconds to make its bomb
    crawls.settings = replace(crawls.settings, body_limit=limit, fetch_timeout=patience)

    def crawl(kind: str = "ok"):
        web.fault(real.url, kind)
        (result,) = crawls.round(real, at=next(days), RETRY_AGAIN=0).results
        return result.capture, result.judgement.outcome

    assert crawl()[0].status == 200
    capture, outcome = crawl()
    assert (capture.status, outcome) == (304, Outcome.UNCHANGED)
    assert web.log[-1]["conditional"]
    assert crawl("status-404")[1] is Outcome.GONE
    assert crawl("captcha")[1] is Outcome.BLOCKED
    assert crawl("reset")[0].failure.startswith("reset: ")
    assert crawl("truncate")[0].failure.startswith("truncated: ")
    assert crawl("gzip-bomb")[0].failure.startswith("too-large: ")
    crawls.settings = replace(crawls.settings, fetch_timeout=2.0)
    assert crawl("slow")[0].failure.startswith("timeout: ")
    assert crawl()[1] is Outcome.UNCHANGED
    web.robots("speechify.com", "User-agent: *\nDisallow: /")
    assert crawl()[1] is Outcome.BLOCKED
    web.robots("speechify.com", "User-agent: *\nDisallow:")
    monkeypatch.delenv("SSL_CERT_FILE")
    assert crawl()[0].failure.startswith("tls: ")
