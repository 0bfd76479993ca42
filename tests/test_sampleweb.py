"""The sample web: what it serves at a date, and that every fault is made as named."""

from __future__ import annotations

import gzip
import http.client
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
import yaml

from policies.catalog import load
from tests.sampleweb import SampleWeb, editions, faults, pages
from tests.sampleweb.site import HERE

PRIVACY = "http://www.brellomar.example/privacy"
TERMS = "http://shop.quendrivox.example/terms"
NOTICE = "http://owners.tavelunne.example/dorrivane/voice-notice"
FRENCH = "http://www.pellifrane.example/confidentialite"
EXPECTED = yaml.safe_load((HERE / "expected.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def web() -> Iterator[SampleWeb]:
    with SampleWeb() as running:
        yield running


@contextmanager
def ask(web: SampleWeb, url: str, method: str = "GET", **headers: str) -> Iterator:
    """One answer, redirects not followed."""
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, url, headers=named)
    response = connection.getresponse()
    try:
        yield response
    finally:
        response.close()
        connection.close()


def text(web: SampleWeb, url: str) -> str:
    with ask(web, url) as answer:
        return answer.read().decode()


def control(web: SampleWeb, path: str):
    with ask(web, path) as answer:
        return answer.status, json.loads(answer.read())


# --- the data --------------------------------------------------------------------------


def test_the_catalog_declares_every_page_of_the_web():
    declared = {page.id: page.url for page in load(HERE / "catalog").pages}
    assert declared == {page.id: page.url for page in pages().values()}


def test_the_web_has_four_vendors_two_languages_and_six_editions():
    assert len({page.vendor for page in pages().values()}) == 4
    assert {page.lang for page in pages().values()} == {"en", "fr"}
    assert [str(day) for day in editions()] == [
        "2024-09-02",
        "2024-10-21",
        "2024-12-09",
        "2025-02-03",
        "2025-03-24",
        "2025-05-12",
    ]


def test_expected_words_are_those_that_the_edition_brought_and_took():
    for change in EXPECTED["changes"]:
        page = pages()[change["page"]]
        before = editions()[editions().index(change["edition"]) - 1]
        old = "\n".join(page.at(before).text)
        new = "\n".join(page.at(change["edition"]).text)
        for added in change["added"]:
            assert added in new, change
            assert added not in old, change
        for removed in change["removed"]:
            assert removed in old, change
            assert removed not in new, change


def test_the_french_page_says_less_than_the_english_one(web):
    english = text(web, "http://www.pellifrane.example/en/privacy")
    assert "Our linguists listen" in english
    assert "linguiste" not in text(web, FRENCH)


# --- a live site -----------------------------------------------------------------------


def test_the_clock_moves_the_text(web):
    assert "kept for 18 months" in text(web, PRIVACY)
    web.move("2025-02-02")
    assert "36" not in text(web, PRIVACY)
    web.move(date(2025, 2, 3))
    assert "kept for 36\u00a0months" in text(web, PRIVACY)
    web.move("2024-09-02")
    assert "kept for 18 months" in text(web, PRIVACY)


def test_a_page_comes_in_its_frame(web):
    page = text(web, PRIVACY)
    for furniture in ("<nav", "<footer", "cookie-banner", "<script", "aria-hidden", "<aside"):
        assert furniture in page
    assert '<html lang="en"' in page
    assert '<html lang="fr"' in text(web, FRENCH)


def test_a_page_that_is_still_the_same_answers_304(web):
    with ask(web, PRIVACY) as first:
        etag, modified = first.headers["ETag"], first.headers["Last-Modified"]
    with ask(web, PRIVACY, If_None_Match=etag) as again:
        assert (again.status, again.read()) == (304, b"")
    with ask(web, PRIVACY, If_Modified_Since=modified) as again:
        assert again.status == 304
    web.move("2024-12-09")
    with ask(web, PRIVACY, If_None_Match=etag, If_Modified_Since=modified) as changed:
        assert changed.status == 200
        assert changed.headers["ETag"] != etag


def test_some_sites_send_no_validators(web):
    with ask(web, FRENCH) as answer:
        assert answer.headers["Last-Modified"]
        assert answer.headers["ETag"] is None
    with ask(web, TERMS) as answer:
        assert answer.headers["Last-Modified"] is None


def test_who_takes_gzip_gets_gzip(web):
    plain = text(web, PRIVACY)
    with ask(web, PRIVACY, Accept_Encoding="gzip, deflate") as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.read()).decode() == plain


def test_head_says_how_long_the_page_would_be(web):
    with ask(web, PRIVACY, "HEAD") as answer:
        assert int(answer.headers["Content-Length"]) == len(text(web, PRIVACY).encode())
        assert answer.read() == b""


def test_a_restless_site_never_sends_the_same_bytes_twice(web):
    first, second = text(web, NOTICE), text(web, NOTICE)
    assert first != second
    assert _article(first) == _article(second)


def _article(page: str) -> str:
    return page[page.index("<article") : page.index("</article>")]


def test_two_renderings_take_turns_fetch_by_fetch(web):
    web.move("2024-12-09")
    shown = ["Did you know?" in text(web, NOTICE) for _ in range(4)]
    assert shown in ([True, False] * 2, [False, True] * 2)


def test_an_unknown_host_and_an_unknown_path(web):
    with ask(web, "http://www.elsewhere.example/") as answer:
        assert answer.status == 502
    with ask(web, "http://www.brellomar.example/no-such-page") as answer:
        assert answer.status == 404
    with ask(web, "http://www.brellomar.example/") as answer:
        assert answer.status == 200
    with ask(web, PRIVACY, "POST") as answer:
        assert answer.status == 405


def test_https_shows_a_certificate_that_nobody_signed(web):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"https": web.address}))
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        opener.open(PRIVACY.replace("http:", "https:"), timeout=10)


def test_every_request_is_in_the_log(web):
    text(web, "http://www.brellomar.example/robots.txt")
    web.fault(PRIVACY, "status-503")
    with ask(web, PRIVACY, User_Agent="somebody/1.0"):
        pass
    robots, page = web.log
    assert (robots.path, robots.status) == ("/robots.txt", 200)
    assert (page.host, page.fault, page.status) == ("www.brellomar.example", "status-503", 503)
    assert page.headers["user-agent"] == "somebody/1.0"
    assert robots.time <= page.time <= time.time()


# --- faults ----------------------------------------------------------------------------


def test_a_fault_strikes_a_page_or_a_host_for_a_while(web):
    web.fault(PRIVACY, "captcha", times=2)
    web.fault("www.pellifrane.example", "status-500")
    assert ["robot" in text(web, PRIVACY) for _ in range(3)] == [True, True, False]
    for _ in range(2):
        with ask(web, FRENCH) as answer:
            assert answer.status == 500
    web.fault("www.pellifrane.example", "page")
    with ask(web, FRENCH) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("captcha", "Are you a robot?"),
        ("consent", "214 partners"),
        ("error-page", "Something went wrong"),
        ("soft-404", "We cannot find the page"),
        ("shell", "enable JavaScript"),
        ("half-rendered", "<p>…</p>"),
        ("counter", "This page has been read"),
        ("locale", "Ce que couvre cette politique"),
        ("empty", ""),
        ("pdf-as-html", "%PDF-1.4"),
    ],
)
def test_a_fault_with_status_200(web, kind, words):
    web.fault(PRIVACY, kind)
    with ask(web, PRIVACY) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/html")
        body = answer.read().decode()
    assert words in body
    assert kind in ("counter", "locale") or "kept for 18 months" not in body


@pytest.mark.parametrize("kind", ["restless", "alternate", "counter"])
def test_a_page_that_changes_at_every_fetch_has_no_validators(web, kind):
    web.fault(PRIVACY, kind)
    with ask(web, PRIVACY, If_Modified_Since="Mon, 02 Sep 2024 00:00:00 GMT") as answer:
        assert answer.status == 200
        assert answer.headers["ETag"] is None
        first = answer.read().decode()
    assert text(web, PRIVACY) != first


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("home", "http://www.brellomar.example/"),
        ("login", "http://www.brellomar.example/sign-in?next=" + PRIVACY),
        ("moved", PRIVACY + "/moved"),
        ("redirect-loop", PRIVACY + "?again=1"),
    ],
)
def test_a_fault_that_redirects(web, kind, target):
    web.fault(PRIVACY, kind)
    with ask(web, PRIVACY) as answer:
        assert answer.status in (301, 302)
        assert answer.headers["Location"] == target
    with ask(web, target) as answer:
        assert answer.status == (302 if kind == "redirect-loop" else 200)


@pytest.mark.parametrize(
    ("kind", "media"),
    [
        ("pdf", "application/pdf"),
        ("binary", "application/octet-stream"),
        ("binary-as-html", "text/html; charset=utf-8"),
        ("wrong-charset", "text/html; charset=utf-16"),
        ("unknown-charset", "text/html; charset=x-martian"),
    ],
)
def test_a_fault_of_the_media_type(web, kind, media):
    web.fault(PRIVACY, kind)
    with ask(web, PRIVACY) as answer:
        assert answer.headers["Content-Type"] == media


def test_latin_1_that_says_it_is_utf_8(web):
    web.fault(FRENCH, "latin-1-as-utf-8")
    with ask(web, FRENCH) as answer, pytest.raises(UnicodeDecodeError):
        answer.read().decode()


def test_a_storm_of_429_says_when_to_come_back(web):
    web.fault(PRIVACY, "status-429", times=3, retry_after=120)
    seen = []
    for _ in range(4):
        with ask(web, PRIVACY) as answer:
            seen.append((answer.status, answer.headers["Retry-After"]))
    assert seen == [(429, "120")] * 3 + [(200, None)]


def test_a_reset_answers_nothing(web):
    web.fault(PRIVACY, "reset")
    with pytest.raises(ConnectionError), ask(web, PRIVACY):
        pass


def test_a_truncated_page_breaks_its_promise(web):
    web.fault(PRIVACY, "truncate")
    with (
        ask(web, PRIVACY) as answer,
        pytest.raises((http.client.IncompleteRead, ConnectionError)),
    ):
        answer.read()


def test_a_server_that_hangs_does_not_keep_the_web_from_stopping(web):
    web.fault(PRIVACY, "hang")
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=0.3)
    connection.request("GET", PRIVACY)
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()


@pytest.mark.parametrize("kind", ["slow", "drip"])
def test_a_slow_page_comes_in_drops(web, kind):
    web.fault(PRIVACY, kind)
    with ask(web, PRIVACY) as answer:
        assert int(answer.headers["Content-Length"]) > 5000
        assert 1 <= len(answer.read1(1000)) <= 64


def test_an_endless_page_goes_on(web):
    web.fault(PRIVACY, "endless")
    with ask(web, PRIVACY) as answer:
        for _ in range(30):
            assert len(answer.read(faults.MEBIBYTE)) == faults.MEBIBYTE


def test_a_huge_page_is_as_long_as_it_says(web):
    web.fault(PRIVACY, "huge")
    with ask(web, PRIVACY) as answer:
        promised = int(answer.headers["Content-Length"])
        assert 50_000_000 <= promised <= 60_000_000
        assert sum(map(len, iter(lambda: answer.read(faults.MEBIBYTE), b""))) == promised


def test_a_gzip_bomb_is_small_and_unpacks_to_a_gibibyte(web):
    web.fault(PRIVACY, "gzip-bomb")
    with ask(web, PRIVACY) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        packed = answer.read()
    assert len(packed) < 2 * faults.MEBIBYTE
    unpacker, size, rest = zlib.decompressobj(31), 0, packed
    while rest and size < 64 * faults.MEBIBYTE:  # a part shows the ratio
        size += len(unpacker.decompress(rest, faults.MEBIBYTE))
        rest = unpacker.unconsumed_tail
    assert size == 64 * faults.MEBIBYTE
    assert len(packed) - len(rest) < len(packed) / 10


@pytest.mark.parametrize(
    ("rules", "status", "words"),
    [
        ("own", 200, "Sitemap:"),
        ("missing", 404, ""),
        ("forbid", 200, "Disallow: /\n"),
        ("status-503", 503, ""),
        ("html", 200, "<html"),
        ("User-agent: *\nCrawl-delay: 3\n", 200, "Crawl-delay: 3"),
    ],
)
def test_robots_txt_says_what_it_is_told_to(web, rules, status, words):
    web.robots("www.brellomar.example", rules)
    with ask(web, "http://www.brellomar.example/robots.txt") as answer:
        assert answer.status == status
        assert words in answer.read().decode()


def test_robots_txt_can_fail_as_pages_do(web):
    web.robots("www.brellomar.example", "reset")
    with (
        pytest.raises(ConnectionError),
        ask(web, "http://www.brellomar.example/robots.txt"),
    ):
        pass


# --- steering --------------------------------------------------------------------------


def test_the_web_is_steered_over_http(web):
    assert control(web, "/clock?at=2025-02-03")[1]["clock"] == "2025-02-03T00:00:00+00:00"
    status, state = control(web, f"/fault?url={PRIVACY}&kind=status-429&times=1&retry_after=9")
    assert status == 200
    assert state["faults"][PRIVACY] == {"kind": "status-429", "times": 1, "retry_after": "9"}
    with ask(web, PRIVACY) as answer:
        assert answer.headers["Retry-After"] == "9"
    assert control(web, "/robots?host=www.brellomar.example&rules=forbid")[0] == 200
    assert [row["status"] for row in control(web, "/log")[1]] == [429]
    control(web, "/forget")
    assert control(web, "/log")[1] == []
    assert "36" in text(web, PRIVACY)


@pytest.mark.parametrize(
    "path",
    [
        "/clock?at=yesterday",
        "/clock",
        "/fault?url=x&kind=plague",
        "/fault?kind=captcha",
        "/fault?url=x&kind=captcha&times=few",
        "/robots?host=www.elsewhere.example&rules=forbid",
    ],
)
def test_a_wrong_order_is_refused_with_a_reason(web, path):
    status, answer = control(web, path)
    assert status == 400
    assert answer["error"]


def test_an_unknown_order_is_not_found(web):
    assert control(web, "/anything")[0] == 404


def test_a_broken_request_is_refused(web):
    with ask(web, PRIVACY, Content_Length="many") as answer:
        assert answer.status == 400


def test_a_port_that_is_taken_says_so(web):
    with pytest.raises(OSError, match="in use"):
        SampleWeb(port=web.port).start()


def test_it_runs_from_the_command_line():
    root = Path(__file__).parent.parent
    command = [sys.executable, "-m", "tests.sampleweb", "--port", "0", "--at", "2025-02-03"]
    child = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    with child, child.stdout:
        try:
            first = child.stdout.readline()
            assert "14 pages as of 2025-02-03" in first
            proxy = first.split("http_proxy=")[1].strip()
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy}))
            with opener.open(PRIVACY, timeout=10) as answer:
                assert b"36" in answer.read()
        finally:
            child.terminate()
