"""Is this the page, and is it believable? Each way of not being it is an outcome of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from policies import judge
from policies.model import Capture, Outcome, Page, Passage, Scope
from policies.passages import split
from policies.text import read_html

AT = datetime(2026, 5, 1, 6, 0, tzinfo=UTC)
URL = "https://www.brello.example/voice"

SENTENCES = [
    "When you speak to Brello, a recording of what you said is sent to our servers.",
    "To make the assistant better, trained people listen to a small sample of recordings.",
    "Those people are bound by secrecy and cannot see who you are.",
    "We keep the samples for thirty days and then delete them for good.",
    "Robots read other recordings, and cookies remember which ones you have deleted.",
    "You can say no at any time in the settings of your account, under Voice.",
    "If you say no, we will still answer you, but learn nothing from what you say.",
    "Children's recordings are never listened to, whatever the settings say.",
    "Questions about your voice may be sent to our office, which answers within a month.",
    "We tell you here when any of this changes, at least two weeks before it does.",
]
FRENCH = [
    "Lorsque vous parlez à Brello, un enregistrement de vos paroles est envoyé à nos serveurs.",
    "Pour améliorer l’assistant, des personnes écoutent une petite partie des enregistrements.",
    "Ces personnes sont tenues au secret et ne peuvent pas savoir qui vous êtes.",
    "Nous conservons ces extraits pendant trente jours, puis nous les supprimons.",
    "Vous pouvez refuser à tout moment dans les paramètres de votre compte, sous Voix.",
]


def make_page(**changed: object) -> Page:
    known: dict = {
        "id": "brello.voice.en",
        "vendor_id": "brello",
        "policy_id": "brello.voice",
        "lang": "en",
        "region": None,
        "url": URL,
        "scope": Scope.ASSISTANT,
    }
    return Page(**{**known, **changed})


def make_capture(body: str | bytes = b"", **changed: object) -> Capture:
    known: dict = {
        "page_id": "brello.voice.en",
        "origin": "crawl",
        "captured_at": AT,
        "url": URL,
        "final_url": URL,
        "status": 200,
        "headers": (("content-type", "text/html; charset=utf-8"),),
        "body": body.encode() if isinstance(body, str) else body,
    }
    return Capture(**{**known, **changed})


def html(
    sentences: list[str], title: str = "Voice", lang: str = "en", container: str = "div class=text"
) -> str:
    text = "".join(f"<p>{sentence}</p>" for sentence in sentences)
    end = container.split(maxsplit=1)[0]
    return (
        f"<html lang={lang}><title>{title}</title><body><nav>Home</nav>"
        f"<main><{container}><h1>{title}</h1>{text}</{end}></main></body></html>"
    )


def base(
    sentences: list[str],
    page: Page,
    again: Callable[[str], tuple[Passage, ...] | None] | None = None,
) -> judge.Base:
    """What the page held before, read by its first method."""
    body = html(sentences)
    document = read_html(body, page.select, page.remove)

    def reread(method: str) -> tuple[Passage, ...] | None:
        return split(read_html(body), page.lang) if method.startswith("main") else None

    method = judge.methods(page, "html")[0]
    return judge.Base(method, split(document, page.lang), again or reread)


def outcome(reading: judge.Reading) -> tuple[Outcome | None, str]:
    return reading.outcome, reading.reasons[0].rule if reading.reasons else ""


# --- how it was answered -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "expected", "rule"),
    [
        ({"status": None, "failure": "timeout: after 60 s"}, Outcome.FAILED, "timeout"),
        ({"status": None, "failure": "robots: /voice is closed"}, Outcome.BLOCKED, "robots"),
        ({"status": None, "failure": "too-large: over 20 MB"}, Outcome.FAILED, "too-large"),
        ({"status": 404}, Outcome.GONE, "status"),
        ({"status": 410}, Outcome.GONE, "status"),
        ({"status": 401}, Outcome.BLOCKED, "status"),
        ({"status": 403}, Outcome.BLOCKED, "status"),
        ({"status": 429}, Outcome.BLOCKED, "status"),
        ({"status": 451}, Outcome.BLOCKED, "status"),
        ({"status": 302}, Outcome.MOVED, "status"),
        ({"status": 204}, Outcome.FAILED, "status"),
        ({"status": 500}, Outcome.FAILED, "status"),
        ({"status": 503}, Outcome.FAILED, "status"),
        ({"status": 999}, Outcome.FAILED, "status"),
        ({"body": b""}, Outcome.UNREADABLE, "empty-body"),
        ({"body": b" \n\t "}, Outcome.UNREADABLE, "empty-body"),
    ],
)
def test_an_answer_without_a_page(changed: dict, expected: Outcome, rule: str) -> None:
    reading = judge.screen(make_capture(**{"body": html(SENTENCES).encode(), **changed}))
    assert reading is not None
    assert outcome(reading) == (expected, rule)
    assert reading.reasons[0].says


@pytest.mark.parametrize("status", [200, 203, 206])
def test_a_page_with_a_body_has_to_be_read(status: int) -> None:
    assert judge.screen(make_capture("x", status=status)) is None


def test_a_304_has_no_body_and_needs_none() -> None:
    assert judge.screen(make_capture(status=304)) is None


# --- what it is ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (b"%PDF-1.7 and more", "application/pdf"),
        (b"%PDF-1.7 and more", "text/html"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "text/html"),
        (b"PK\x03\x04\x00\x00", "text/html"),
        (b"{}", "application/json"),
        (b"body {}", "text/css"),
        (b"words", "nonsense"),
        (b"\x00\x00\x00", ""),
    ],
)
def test_what_is_no_page_is_unreadable(body: bytes, media: str) -> None:
    capture = make_capture(body, headers=(("content-type", media),))
    reading = judge.read(capture, make_page(), None)
    assert outcome(reading) == (Outcome.UNREADABLE, "media")


@pytest.mark.parametrize(
    ("media", "method"),
    [
        ("text/html", "main"),
        ("TEXT/HTML; Charset=UTF-8", "main"),
        ("application/xhtml+xml", "main"),
        ("text/plain", "plain"),
        ("text/markdown", "markdown"),
    ],
)
def test_the_media_type_tells_how_to_read(media: str, method: str) -> None:
    body = "\n\n".join(SENTENCES) if method != "main" else html(SENTENCES)
    capture = make_capture(body, headers=(("content-type", media),))
    reading = judge.read(capture, make_page(), None)
    assert reading.outcome is None
    assert reading.method.startswith(method + "/")
    assert [p.text for p in reading.passages][-10:] == SENTENCES


def test_a_page_without_a_media_type_is_html() -> None:
    assert judge.read(make_capture(html(SENTENCES), headers=()), make_page(), None).outcome is None


@pytest.mark.parametrize("charset", ["no-such", "", '"utf-8"', "utf-8; x=y", "'", "\u0000"])
def test_an_unknown_charset_does_not_hide_a_page(charset: str) -> None:
    headers = (("content-type", f"text/html; charset={charset}"),)
    for encoding in ("utf-8", "windows-1252"):
        body = html([*SENTENCES, "Ça va, déjà."]).encode(encoding)
        reading = judge.read(make_capture(body, headers=headers), make_page(), None)
        assert reading.passages[-1].text == "Ça va, déjà."


def test_a_page_in_utf_16_is_read() -> None:
    reading = judge.read(make_capture(html(SENTENCES).encode("utf-16")), make_page(), None)
    assert reading.outcome is None


# --- the first reading ---------------------------------------------------------------------


def test_a_first_page_is_believed_when_nothing_speaks_against_it() -> None:
    reading = judge.read(make_capture(html(SENTENCES)), make_page(), None)
    assert (reading.outcome, reading.reasons, reading.warnings) == (None, (), ())
    assert [p.text for p in reading.passages] == ["Voice", *SENTENCES]


def test_a_short_but_genuine_page_is_read() -> None:
    reading = judge.read(make_capture(html(SENTENCES[:2])), make_page(), None)
    assert reading.outcome is None


def test_a_page_with_hardly_any_text_is_not() -> None:
    reading = judge.read(make_capture(html(["Loading"])), make_page(), None)
    assert outcome(reading) == (Outcome.UNREADABLE, "too-little")


def test_a_page_without_any_text_is_not() -> None:
    reading = judge.read(make_capture("<main></main>"), make_page(), None)
    assert outcome(reading) == (Outcome.UNREADABLE, "nothing-selected")


def test_a_selector_that_finds_a_fraction_gives_way_to_the_main_content() -> None:
    page = make_page(select=("h1",))
    title = "How people listen to what you say to Brello, " * 3
    reading = judge.read(make_capture(html(SENTENCES * 3, title)), page, None)
    assert reading.outcome is None
    assert reading.method.startswith("main")
    assert [reason.rule for reason in reading.reasons] == ["selected-fraction"]
    assert [warning.rule for warning in reading.warnings] == ["selector-broken"]


def test_a_declared_selector_is_the_first_choice() -> None:
    page = make_page(select=(".text",), remove=("h1",))
    reading = judge.read(make_capture(html(SENTENCES)), page, None)
    assert reading.method.startswith("select:")
    assert [p.text for p in reading.passages] == SENTENCES


@pytest.mark.parametrize("declared", ["fr", "en"])
def test_a_page_in_another_language_is_not_the_page(declared: str) -> None:
    capture = make_capture(html(FRENCH, "Voix", declared))
    reading = judge.read(capture, make_page(), None)
    assert outcome(reading) == (Outcome.UNREADABLE, "other-language")
    assert reading.reasons[0].numbers["told"] == "fr"
    assert judge.read(capture, make_page(lang="fr"), None).outcome is None


def test_a_short_page_is_in_the_language_that_it_declares() -> None:
    for declared, expected in (("fr-FR", Outcome.UNREADABLE), ("en-GB", None), ("", None)):
        capture = make_capture(html(SENTENCES[:2], lang=f'"{declared}"'))
        assert judge.read(capture, make_page(), None).outcome is expected


# --- walls ---------------------------------------------------------------------------------

WALLS = {
    "captcha": (
        "<title>Robot Check</title><h1>Enter the characters you see below</h1>",
        Outcome.BLOCKED,
    ),
    "consent": (
        "<h1>Before you continue</h1><p>We use cookies.</p><button>Accept all</button>",
        Outcome.BLOCKED,
    ),
    "login": (
        "<title>Brello</title><form>Name <input> Key <input type=password></form>",
        Outcome.BLOCKED,
    ),
    "not-found": (
        "<title>Brello</title><main><h1>We’re Sorry</h1><p>We can’t find that page. "
        + "Try the search, the map of this site, or go home. " * 8
        + "</p></main>",
        Outcome.GONE,
    ),
    "error": (
        "<title>Oops</title><p>Something went wrong. Please try again later.</p>",
        Outcome.FAILED,
    ),
}


@pytest.mark.parametrize("kind", WALLS)
@pytest.mark.parametrize("known", [False, True])
def test_a_wall_with_status_200_is_what_it_is(kind: str, known: bool) -> None:
    body, expected = WALLS[kind]
    before = base(SENTENCES, make_page()) if known else None
    assert outcome(judge.read(make_capture(body), make_page(), before)) == (expected, kind)


@pytest.mark.parametrize("kind", WALLS)
def test_a_wall_behind_a_redirect_is_still_a_wall(kind: str) -> None:
    body, expected = WALLS[kind]
    capture = make_capture(body, final_url="https://www.brello.example/other")
    reading = judge.read(capture, make_page(), base(SENTENCES, make_page()))
    assert outcome(reading) == (expected, kind)


@pytest.mark.parametrize("wall", judge.walls(), ids=lambda wall: str(wall["kind"]))
def test_each_kind_of_wall_knows_what_it_is_and_what_not(wall: dict) -> None:
    def seen(text: str) -> str | None:
        reading = judge.read(make_capture(f"<main><p>{text}</p></main>"), make_page(), None)
        return reading.reasons[0].rule if reading.outcome else None

    for text in wall["must"]:
        assert seen(text) == wall["kind"], text
    for text in wall["must_not"]:
        assert seen(text) != wall["kind"], text


def test_a_short_policy_that_speaks_of_robots_and_cookies_is_no_wall() -> None:
    reading = judge.read(make_capture(html(SENTENCES)), make_page(), None)
    assert reading.outcome is None


def test_a_long_policy_may_use_the_words_of_walls() -> None:
    spoken = "We will ask you to sign in to continue, or to confirm that you are not a robot."
    reading = judge.read(make_capture(html([*SENTENCES * 5, spoken])), make_page(), None)
    assert reading.outcome is None


def test_a_known_page_may_use_the_words_of_walls() -> None:
    page = make_page()
    spoken = [*SENTENCES, "Something went wrong? Please try again later."]
    assert judge.read(make_capture(html(spoken)), page, base(SENTENCES, page)).outcome is None


# --- against what the page held before -----------------------------------------------------


def test_a_page_that_lost_most_of_its_text_has_collapsed() -> None:
    page = make_page()
    reading = judge.read(make_capture(html(SENTENCES[:3])), page, base(SENTENCES, page))
    assert outcome(reading) == (Outcome.UNREADABLE, "collapsed")
    assert 0.2 < float(reading.reasons[0].numbers["kept"]) < 0.4
    assert reading.document is not None
    assert [p.text for p in reading.passages] == ["Voice", *SENTENCES[:3]]


def test_a_page_that_lost_a_third_has_not() -> None:
    page = make_page()
    assert (
        judge.read(make_capture(html(SENTENCES[:7])), page, base(SENTENCES, page)).outcome is None
    )


def test_a_page_that_was_rewritten_has_not_collapsed() -> None:
    page = make_page()
    rewritten = [sentence.replace("a", "one ") for sentence in SENTENCES]
    assert judge.read(make_capture(html(rewritten)), page, base(SENTENCES, page)).outcome is None


def test_a_known_page_that_now_comes_in_another_language_is_not_the_page() -> None:
    page = make_page()
    reading = judge.read(make_capture(html(FRENCH * 2, lang="fr")), page, base(SENTENCES, page))
    assert outcome(reading) == (Outcome.UNREADABLE, "other-language")


@pytest.mark.parametrize("container", ["div class=new", "section"])
def test_a_broken_selector_is_warned_of_while_the_page_is_read(container: str) -> None:
    page = make_page(select=(".text",))
    body = html(SENTENCES, container=container)
    reading = judge.read(make_capture(body), page, base(SENTENCES, page))
    assert reading.outcome is None
    assert reading.method.startswith("main")
    (warning,) = reading.warnings
    assert warning.rule == "selector-broken"
    assert "found no text" in str(warning.numbers["because"])


def test_a_selector_that_keeps_a_fraction_of_the_version_before_is_broken_too() -> None:
    page = make_page(select=(".text",))
    body = html(SENTENCES, container="section").replace(
        "<section>", "<section><p class=text>Voice notice of Brello, of the first of May.</p>"
    )
    reading = judge.read(make_capture(body), page, base(SENTENCES, page))
    assert (reading.outcome, reading.reasons[0].rule) == (None, "collapsed")
    assert reading.warnings[0].rule == "selector-broken"


def test_main_content_that_the_version_before_cannot_be_read_by_is_not_compared() -> None:
    page = make_page(select=(".text",))
    before = base(SENTENCES, page, lambda _: None)
    reading = judge.read(make_capture(html(SENTENCES, container="section")), page, before)
    assert outcome(reading)[0] is Outcome.UNREADABLE
    assert {reason.rule for reason in reading.reasons} >= {"nothing-selected", "not-comparable"}


def test_neither_rung_brings_the_page_back() -> None:
    page = make_page(select=(".text",))
    body = html(SENTENCES[:2], container="section")
    reading = judge.read(make_capture(body), page, base(SENTENCES, page))
    assert outcome(reading) == (Outcome.UNREADABLE, "collapsed")
    assert {reason.rule for reason in reading.reasons} == {"nothing-selected", "collapsed"}


# --- elsewhere -----------------------------------------------------------------------------


def test_another_page_at_another_address_has_moved() -> None:
    page = make_page()
    home = html(["Brello makes lamps that listen. Buy one now, or two, and we ship for free."])
    capture = make_capture(home, final_url="https://www.brello.example/")
    reading = judge.read(capture, page, base(SENTENCES, page))
    assert outcome(reading) == (Outcome.MOVED, "redirected")
    assert reading.reasons[0].numbers["address"] == "https://www.brello.example/"


def test_the_page_at_another_address_is_read_with_a_warning() -> None:
    page = make_page()
    capture = make_capture(html(SENTENCES), final_url="https://legal.brello.example/voice")
    reading = judge.read(capture, page, base(SENTENCES, page))
    assert reading.outcome is None
    assert [warning.rule for warning in reading.warnings] == ["redirected"]


@pytest.mark.parametrize(
    "address",
    [
        URL + "/",
        "http://brello.example/voice",
        "https://www.brello.example/old/voice",
        URL + "#top",
    ],
)
def test_the_same_address_in_other_words_is_not_elsewhere(address: str) -> None:
    page = make_page(earlier_urls=("https://brello.example/old/voice",))
    assert not judge.elsewhere(make_capture(final_url=address), page)


# --- what is left after a removal ----------------------------------------------------------


def test_the_rest_of_a_page_may_be_what_is_left_of_it() -> None:
    page = make_page()
    held = base([f"{n}: {s}" for n in range(4) for s in SENTENCES], page)
    rest = judge.read(make_capture(html([f"0: {s}" for s in SENTENCES])), page, held)
    assert outcome(rest) == (Outcome.UNREADABLE, "collapsed")
    assert judge.is_remnant(rest)
    stub = judge.read(make_capture(html([f"0: {s}" for s in SENTENCES[:2]])), page, held)
    assert not judge.is_remnant(stub)


def test_a_wall_is_never_what_is_left_of_a_page() -> None:
    page = make_page()
    held = base([f"{n}: {s}" for n in range(9) for s in SENTENCES], page)
    wall = html([f"Please sign in to continue. {s}" for s in SENTENCES])
    reading = judge.read(make_capture(wall), page, held)
    assert outcome(reading) == (Outcome.BLOCKED, "login")
    assert not judge.is_remnant(reading)


def test_a_reading_is_the_same_each_time() -> None:
    page = make_page(select=(".text",))
    capture = make_capture(html(SENTENCES, container="section"))
    assert judge.read(capture, page, None) == judge.read(capture, page, None)


# --- pages that break off -------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("end", ["<p>Children may", "<p>Children may wri", "<h2>How lo", "<p"])
def test_a_page_that_breaks_off_in_the_middle_is_no_page(end, known):
    page = make_page()
    whole = html(SENTENCES)
    body = whole[: whole.index("<p>Children")] + end
    found = judge.read(make_capture(body), page, base(SENTENCES, page) if known else None)
    # Behind a whole sentence nobody can tell; then a second capture has to say the same.
    assert outcome(found) == ((None, "") if end == "<p" else (Outcome.UNREADABLE, "cut"))


def test_a_page_that_breaks_off_behind_its_text_is_read():
    page = make_page()
    body = html(SENTENCES).replace("</main>", "</main><footer><a href='/impr")
    body = body[: body.index("/impr") + 5]
    assert outcome(judge.read(make_capture(body), page, base(SENTENCES, page))) == (None, "")


def test_a_page_without_closing_tags_is_read():
    body = "<title>Voice</title>" + "".join(f"<p>{sentence}" for sentence in SENTENCES)
    assert outcome(judge.read(make_capture(body), make_page(), None)) == (None, "")


# --- in words -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "says"),
    [
        ("dns: [Errno -2] unknown", "the name www.brello.example is not known to the DNS"),
        ("refused: errno 111", "connection refused by www.brello.example"),
        ("reset: gone", "www.brello.example closed the connection without an answer"),
        ("timeout: 60 s", "www.brello.example did not answer in time, or not in full"),
        ("too-large: the body is too large", "no page came: the body is too large"),
    ],
)
def test_why_a_page_could_not_be_had_is_said_in_words(failure, says):
    reading = judge.screen(make_capture(status=None, failure=failure))
    assert reading is not None
    (reason,) = reading.reasons
    assert reason.says == says
    raw = failure.partition(": ")[2]
    assert reason.numbers.get("detail", raw) == raw
