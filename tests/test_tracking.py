"""Capture after capture of invented pages: what is published, what is not, what is kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.disclosures import Detector
from policies.errors import BadInput
from policies.model import (
    Capture,
    Catalog,
    Health,
    Outcome,
    Page,
    Policy,
    PolicyKind,
    Scope,
    Stance,
    Topic,
    Vendor,
    VersionState,
)
from policies.settings import Settings
from policies.store import open_store, schema, writing
from policies.store.queries.statements import statements
from policies.store.queries.tracks import tracks
from policies.tracking import Judgement, Tracker
from policies.tracking.reread import date_texts, misread, reread_pages
from policies.tracking.verify import verify

START = datetime(2026, 5, 1, 6, 0, 0, 250, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
URL = "https://www.brello.example/voice"

A = [
    "When you speak to Brello, a recording of what you said is sent to our servers.",
    "Trained people listen to a small sample of the recordings to make the assistant better.",
    "Those people are bound by secrecy and cannot see who you are.",
    "We keep the samples for thirty days and then delete them for good.",
    "You can say no at any time in the settings of your account, under Voice.",
    "If you say no, we will still answer you, but learn nothing from what you say.",
    "Recordings of children are never listened to, whatever the settings say.",
    "Questions about your voice may be sent to our office, which answers in a month.",
]
B = [*A[:3], "We keep the samples for eighteen months and then delete them.", *A[4:]]
C = [*A, "Since this spring, partners in other countries listen for us as well."]
D = [*A[:6], "Nothing on this page is meant for children under the age of twelve.", A[7]]
LONG = [*A, *(f"Rule {n} of the voice notice is about device number {n * 7}." for n in range(40))]


def page_of(sentences: list[str], container: str = "div", classes: str = "text") -> bytes:
    text = "".join(f"<p>{sentence}</p>\n" for sentence in sentences)
    return (
        "<html lang=en><title>Voice</title><body><nav>Home</nav><main>"
        f"<{container} class={classes}><h1>Your voice</h1>{text}</{container}></main></body></html>"
    ).encode()


def make_page(**changed: Any) -> Page:
    known: dict[str, Any] = {
        "id": "brello.voice.en",
        "vendor_id": "brello",
        "policy_id": "brello.voice",
        "lang": "en",
        "region": None,
        "url": URL,
        "scope": Scope.ASSISTANT,
    }
    return Page(**{**known, **changed})


def make_catalog(*pages: Page) -> Catalog:
    policies = tuple(
        Policy(p.policy_id, "brello", PolicyKind.NOTICE, "Voice", p.scope, (), (p,)) for p in pages
    )
    return Catalog((Vendor("brello", "Brello", (), (), (), policies),))


@cache
def detector() -> Detector:
    return Detector.load()


@dataclass
class Watch:
    """A page being watched, and a clock that only this test moves."""

    url: str  # of the database
    folder: Path
    page: Page = field(default_factory=make_page)
    origin: str = "crawl"
    now: datetime = START
    tracker: Tracker = field(init=False)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        self.tracker = Tracker(open_store(self.url), Settings(data=self.folder), detector())
        self.tracker.register(make_catalog(self.page))

    def reopen(self, **changed: Any) -> None:
        """Stop, and start again, with the page declared otherwise."""
        self.tracker.close()
        self.page = make_page(**changed)
        self.open()

    def capture(self, what: list[str] | bytes = b"", **changed: Any) -> Capture:
        known: dict[str, Any] = {
            "page_id": self.page.id,
            "origin": self.origin,
            "captured_at": self.now,
            "url": self.page.url,
            "final_url": self.page.url,
            "status": 200,
            "headers": (("content-type", "text/html; charset=utf-8"),),
            "request_headers": (("User-Agent", "Earwitness"),),
            "body": what if isinstance(what, bytes) else page_of(what),
        }
        return Capture(**{**known, **changed})

    def see(
        self, what: list[str] | bytes = b"", after: timedelta = HOUR, **changed: Any
    ) -> Judgement:
        """Let time pass and look at the page, which now holds this."""
        self.now += after
        return self.tracker.observe(self.page, self.capture(what, **changed))

    def rows(self, table: sa.Table) -> list[Any]:
        keys = list(table.primary_key)
        with self.tracker.store.engine.connect() as connection:
            return list(connection.execute(table.select().order_by(*keys)))

    @property
    def changes(self) -> list[Any]:
        return sorted(self.rows(schema.changes), key=lambda row: (row.captured_at, row.id))

    @property
    def versions(self) -> list[tuple[str, list[str]]]:
        """(state, sentences) of every version, in order of time."""
        rows = sorted(self.rows(schema.versions), key=lambda row: (row.captured_at, row.id))
        return [(row.state, self.sentences(row.text_id)) for row in rows]

    def sentences(self, text_id: str) -> list[str]:
        with self.tracker.store.engine.connect() as connection:
            return [p.text for p in writing.load_passages(connection, text_id)][1:]

    @property
    def track(self) -> Any:
        return next(row for row in self.rows(schema.tracks) if row.page_id == self.page.id)

    @property
    def health(self) -> str:
        return str(self.track.health)

    @property
    def current(self) -> list[str]:
        row = next(v for v in self.rows(schema.versions) if v.id == self.track.current_id)
        return self.sentences(row.text_id)

    def problems(self, *, deep: bool = True) -> list[str]:
        found = verify(self.tracker.store, self.folder / "evidence", deep=deep, seen=lambda _: None)
        return [f"{problem.where}: {problem.says}" for problem in found]


@pytest.fixture
def watch(database_url: str, tmp_path: Path) -> Iterator[Watch]:
    found = Watch(database_url, tmp_path / "data")
    yield found
    problems = found.problems()
    found.tracker.close()
    assert problems == []


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Callable[..., Watch]]:
    """Watches with a SQLite store of their own each: what is decided is the same everywhere."""
    made: list[Watch] = []

    def make(**about: Any) -> Watch:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Watch(f"sqlite:///{folder / 'store.db'}", folder / "data", **about))
        return made[-1]

    yield make
    problems = [problem for watch in made for problem in watch.problems()]
    for watch in made:
        watch.tracker.close()
    assert problems == []


# --- an edit -------------------------------------------------------------------------------


def test_the_first_text_is_a_baseline_and_no_change(watch: Watch) -> None:
    judgement = watch.see(A)
    assert (judgement.outcome, judgement.published) == (Outcome.CHANGED, ())
    assert [reason.rule for reason in judgement.reasons] == ["first-text"]
    assert watch.versions == [("baseline", A)]
    assert watch.health == Health.CURRENT


def test_an_edit_waits_to_be_seen_again_and_is_then_published(watch: Watch) -> None:
    watch.see(A)
    waits = watch.see(B)
    seen = watch.now
    assert (waits.outcome, waits.published) == (Outcome.CHANGED, ())
    assert watch.versions == [("baseline", A), ("pending", B)]
    assert watch.current == A
    confirms = watch.see(B)
    assert confirms.outcome is Outcome.UNCHANGED
    assert watch.versions == [("baseline", A), ("confirmed", B)]
    assert watch.current == B
    (change,) = watch.changes
    assert confirms.published == (change.id,)
    assert (change.captured_at, change.confirmed_at) == (seen, watch.now)
    assert (change.added, change.removed, change.replaced) == (0, 0, 1)
    assert "retention" in change.topics
    assert watch.see(B).published == ()


def test_an_edit_that_is_edited_further_before_it_is_seen_again(watch: Watch) -> None:
    watch.see(A)
    watch.see(C)
    later = [*C, "Those partners are bound by secrecy too."]
    watch.see(later)
    watch.see(later)
    assert watch.current == later
    assert sum(row.added for row in watch.changes) == 2


def test_a_text_that_was_seen_once_is_kept_and_never_published(watch: Watch) -> None:
    for text in (A, D, A, A):
        watch.see(text)
    assert watch.changes == []
    assert watch.versions == [("baseline", A), ("unconfirmed", D)]


COSMETICS = {
    "white space": lambda body: body.replace(b"<p>", b"<p>\n\t ").replace(b" a ", b"&nbsp; a  "),
    "typography": lambda body: body.replace(b", ", "\u200b, ".encode()),
    "markup": lambda body: body.replace(b"people", b"<b>pe<i>op</i>le</b>"),
    "links": lambda body: body.replace(b"settings", b'<a href="/s?utm_source=x">settings</a>'),
    "attributes": lambda body: body.replace(b"<p>", b'<p data-nonce="1234" class="x">'),
    "scripts": lambda body: body.replace(b"</main>", b"<script>track(1)</script></main>"),
    "date": lambda body: body.replace(b"</h1>", b"</h1><p>Last updated: 2 May 2026</p>"),
    "order": lambda body: page_of([*A[4:], *A[:4]]),
    "heading level": lambda body: body.replace(b"h1>", b"h2>"),
    "list": lambda body: body.replace(b"<p>", b"<li>").replace(b"</p>", b"</li>"),
    "furniture": lambda body: body.replace(b"Home", b"Home <a>Shop</a> 12 things in your cart"),
}


@pytest.mark.parametrize("kind", COSMETICS)
def test_cosmetics_are_no_change(watching: Callable[..., Watch], kind: str) -> None:
    watch = watching()
    body = page_of(A)
    other = COSMETICS[kind](body)
    assert other != body
    watch.see(body)
    for _ in range(3):
        assert watch.see(other).outcome is Outcome.UNCHANGED
    assert watch.versions == [("baseline", A)]


def test_a_page_that_differs_at_every_fetch_is_no_news(watching: Callable[..., Watch]) -> None:
    watch = watching()
    for number in range(30):
        extra = f"Seen by {number * 37 % 101} people while you read this very page."
        watch.see([*A, extra], after=12 * HOUR)
    topics = {topic for row in watch.changes for topic in row.topics}
    assert not topics & {"human_review", "retention", "choice"}
    assert len(watch.changes) <= 1


# --- back and forth ------------------------------------------------------------------------


def test_a_page_that_alternates_publishes_nothing(watch: Watch) -> None:
    for text in (A, B) * 8:
        watch.see(text, after=12 * HOUR)
    assert watch.changes == []
    assert watch.health == Health.ALTERNATING
    assert watch.current == A


def test_an_alternation_in_longer_runs_publishes_at_most_its_first_text(
    watching: Callable[..., Watch],
) -> None:
    watch = watching()
    for text in [A, A, A, B, B, B, B] * 6:
        watch.see(text, after=12 * HOUR)
    assert len(watch.changes) <= 1
    assert watch.health == Health.ALTERNATING


def test_a_real_edit_of_a_page_that_alternates_is_one_change(watch: Watch) -> None:
    for text in (A, B) * 4:
        watch.see(text, after=12 * HOUR)
    new = "Since this spring, partners in other countries listen for us as well."
    for text in ([*A, new], [*B, new]) * 6:
        watch.see(text, after=12 * HOUR)
    told = [row for row in watch.changes if row.added]
    assert len(told) == 1
    assert (told[0].added, told[0].removed, told[0].replaced) == (1, 0, 0)
    assert len(watch.changes) == 1


def test_an_edit_that_is_taken_back_for_good_is_published_once(watch: Watch) -> None:
    for text in (A, B, B):
        watch.see(text, after=DAY)
    for _ in range(12):
        watch.see(A, after=DAY)
    there, back = watch.changes
    assert (there.replaced, back.replaced) == (1, 1)
    assert back.captured_at == START + 4 * DAY
    assert watch.current == A


def test_a_text_from_long_ago_is_news_again(watching: Callable[..., Watch]) -> None:
    watch = watching()
    for text in (A, B, B):
        watch.see(text)
    for _ in range(20):
        watch.see(B, after=7 * DAY)
    for _ in range(2):
        watch.see(A)
    assert len(watch.changes) == 2


# --- not the page --------------------------------------------------------------------------

UNREAD: dict[str, tuple[dict[str, Any], Health]] = {
    "timeout": ({"status": None, "failure": "timeout: 60 s"}, Health.STALE),
    "robots": ({"status": None, "failure": "robots: closed"}, Health.BLOCKED),
    "server error": ({"status": 503, "what": b"<p>Oh</p>"}, Health.STALE),
    "refused": ({"status": 403, "what": b"<p>No</p>"}, Health.BLOCKED),
    "gone": ({"status": 410, "what": b"<p>Gone</p>"}, Health.GONE),
    "captcha": ({"what": b"<h1>Are you a human?</h1>"}, Health.BLOCKED),
    "soft 404": ({"what": b"<main><h1>Page not found</h1></main>"}, Health.GONE),
    "empty": ({"what": b""}, Health.UNREADABLE),
    "collapsed": ({"what": A[:2]}, Health.UNREADABLE),
    "PDF": ({"what": b"%PDF-1.7"}, Health.UNREADABLE),
    "home page": (
        {"what": b"<main><p>Brello sells lamps, and ovens.</p></main>", "final_url": URL + "/.."},
        Health.MOVED,
    ),
    "French": (
        {"what": ["Nous écoutons une petite partie des enregistrements de votre voix."] * 9},
        Health.UNREADABLE,
    ),
}


@pytest.mark.parametrize("kind", UNREAD)
def test_what_is_not_the_page_is_health_and_never_a_version(
    watching: Callable[..., Watch], kind: str
) -> None:
    watch = watching()
    watch.see(A)
    changed, health = UNREAD[kind]
    for number in range(4):
        judgement = watch.see(**changed)
        assert not judgement.outcome.is_read
        assert judgement.reasons[0].says
        assert watch.track.failures == number + 1
    assert watch.health == health
    assert watch.track.health_since == START + 2 * HOUR
    assert watch.track.health_reason
    assert watch.versions == [("baseline", A)]
    assert watch.current == A
    watch.see(A)
    assert (watch.health, watch.track.failures) == (Health.CURRENT, 0)
    assert watch.changes == []


@pytest.mark.parametrize("kind", [kind for kind in UNREAD if kind != "collapsed"])
def test_a_page_never_read_has_no_version(watching: Callable[..., Watch], kind: str) -> None:
    watch = watching()
    changed, health = UNREAD[kind]
    watch.see(**changed)
    assert (watch.versions, watch.health) == ([], health)
    watch.see(A)
    assert watch.versions == [("baseline", A)]


def test_a_fault_between_two_sightings_does_not_stop_an_edit(watch: Watch) -> None:
    watch.see(A)
    watch.see(B)
    watch.see(status=503)
    watch.see(b"<h1>Are you a human?</h1>")
    watch.see(B)
    assert len(watch.changes) == 1


def test_what_a_page_sends_in_its_headers_does_no_harm(watch: Watch) -> None:
    watch.see(A)
    evil = "x\x00y\r\nz\x85é"
    names = ("etag", "last-modified", "content-type", "x-\x85", "x\n")
    for name in names:
        headers = (("content-type", "text/html"),) if name != "content-type" else ()
        watch.see([*A, f"Sent with {name!a}."], headers=(*headers, (name, evil)))
    assert watch.current == A
    assert len(watch.rows(schema.captures)) == 6


# --- most of a page is taken out -----------------------------------------------------------


def test_a_removal_of_most_of_a_page_is_believed_when_it_stays(watch: Watch) -> None:
    watch.see(LONG)
    first = None
    for _ in range(8):
        watch.see(A, after=DAY)
        first = first or watch.now
        if watch.now - first < timedelta(days=7):
            assert watch.changes == []
            assert watch.health == Health.UNREADABLE
    (change,) = watch.changes
    assert (change.captured_at, change.removed) == (first, 40)
    assert watch.current == A
    assert watch.health == Health.CURRENT


def test_a_removal_that_is_taken_back_in_time_never_was(watch: Watch) -> None:
    watch.see(LONG)
    for _ in range(6):
        watch.see(A, after=DAY)
    for _ in range(3):
        watch.see(LONG, after=DAY)
    for _ in range(6):
        watch.see(A, after=DAY)
    assert watch.changes == []
    assert watch.current == LONG


# --- the same again ------------------------------------------------------------------------


def test_the_same_body_is_a_revisit(watch: Watch) -> None:
    watch.see(A)
    watch.see(A)
    assert sorted(row.record for row in watch.rows(schema.captures)) == ["response", "revisit"]


def test_a_304_is_the_page_as_it_was(watch: Watch) -> None:
    watch.see(A)
    judgement = watch.see(status=304, headers=(("etag", '"x"'),))
    assert judgement.outcome is Outcome.UNCHANGED
    assert watch.health == Health.CURRENT
    assert len({row.digest for row in watch.rows(schema.captures)}) == 1


def test_a_304_confirms_a_text_that_waits(watch: Watch) -> None:
    watch.see(A)
    watch.see(B)
    assert len(watch.see(status=304).published) == 1


def test_a_304_for_a_page_never_read_is_a_failure(watch: Watch) -> None:
    judgement = watch.see(status=304)
    assert judgement.outcome is Outcome.FAILED
    assert watch.health == Health.STALE


def test_a_304_after_a_wall_is_the_page_before_the_wall(watch: Watch) -> None:
    watch.see(A)
    watch.see(b"<h1>Are you a human?</h1>")
    assert watch.see(status=304).outcome is Outcome.UNCHANGED
    assert watch.current == A


def test_a_capture_that_is_told_twice_counts_once(watch: Watch) -> None:
    first = watch.see(A)
    again = watch.tracker.observe(watch.page, watch.capture(A))
    assert (again.capture_id, again.outcome) == (first.capture_id, first.outcome)
    assert len(watch.rows(schema.captures)) == 1


def test_time_does_not_run_backwards(watch: Watch) -> None:
    watch.see(A)
    with pytest.raises(BadInput, match="forwards"):
        watch.see(B, after=-DAY)
    assert watch.versions == [("baseline", A)]
    watch.reopen()
    assert watch.tracker.recover() == 0
    watch.now = START + DAY
    assert watch.see(A).outcome is Outcome.UNCHANGED


# --- our own change ------------------------------------------------------------------------


def test_a_broken_selector_is_reported_while_the_page_is_read_on(
    watching: Callable[..., Watch],
) -> None:
    watch = watching(page=make_page(select=(".text",), remove=("h1",)))
    watch.see(page_of(A))
    for _ in range(3):
        judgement = watch.see(page_of(A, "section", "new"))
        assert judgement.outcome is Outcome.UNCHANGED
        assert [warning.rule for warning in judgement.warnings] == ["selector-broken"]
    assert watch.changes == []
    assert watch.health == Health.CURRENT
    assert [warning["rule"] for warning in watch.track.warnings] == ["selector-broken"]


def test_an_edit_that_comes_with_a_broken_selector_is_published_alone(
    watching: Callable[..., Watch],
) -> None:
    watch = watching(page=make_page(select=(".text",), remove=("h1",)))
    watch.see(page_of(A))
    for _ in range(2):
        watch.see(page_of(B, "section", "new"))
    (change,) = watch.changes
    assert (change.added, change.removed, change.replaced) == (0, 0, 1)


def test_a_selector_that_fails_now_and_then_makes_no_change(
    watching: Callable[..., Watch],
) -> None:
    watch = watching(page=make_page(select=(".text",), remove=("h1",)))
    for text in (A, B, B):
        watch.see(page_of(text))
    for container in ("section", "div", "div", "section", "div"):
        watch.see(page_of(B, container, "text" if container == "div" else "new"))
    assert len(watch.changes) == 1
    states = [state for state, _ in watch.versions]
    assert states.count("confirmed") == 1
    assert states.count("baseline") == 1


def test_an_edit_gets_through_though_the_selector_fails_every_other_time(
    watching: Callable[..., Watch],
) -> None:
    watch = watching(page=make_page(select=(".text",), remove=("h1",)))
    layouts = [("div", "text"), ("section", "new")] * 12
    for number, (container, classes) in enumerate(layouts):
        watch.see(page_of(A if number < 6 else B, container, classes), after=12 * HOUR)
    assert [(row.added, row.removed, row.replaced) for row in watch.changes] == [(0, 0, 1)]


def test_a_new_selector_is_no_change_of_theirs(watching: Callable[..., Watch]) -> None:
    watch = watching()
    watch.see(A)
    watch.reopen(select=("p:not(:first-of-type)",))
    watch.see(page_of(A) + b"<!-- other bytes -->")
    watch.see(page_of(A) + b"<!-- other bytes again -->")
    assert watch.changes == []
    watch.see(B)
    watch.see(B)
    (change,) = watch.changes
    assert (change.added, change.removed, change.replaced) == (0, 0, 1)


def test_a_new_selector_is_used_though_the_body_is_the_same(
    watching: Callable[..., Watch],
) -> None:
    watch = watching()
    watch.see(A)
    watch.reopen(select=("p:not(:first-of-type)",))
    watch.see(A)
    assert watch.changes == []
    assert len(watch.current) == len(A) - 2  # `sentences` leaves the first passage out


def test_the_date_that_a_page_states_is_kept_and_is_no_change(
    watching: Callable[..., Watch],
) -> None:
    watch = watching()
    for day in ("May 2, 2026", "June 5, 2026", "June 5, 2026"):
        watch.see([f"Last updated: {day}", *A])
    assert watch.changes == []
    assert len(watch.versions) == 1
    with watch.tracker.store.engine.connect() as connection:
        (track,) = tracks(connection)
    assert track.stated_date == "2026-06-05"  # the version's own text says the second of May
    with watch.tracker.store.engine.begin() as connection:
        connection.execute(schema.texts.update().values(stated_date=None))
    assert date_texts(watch.tracker.store) == 2
    assert {row.stated_date for row in watch.rows(schema.texts)} == {"2026-05-02", "2026-06-05"}


NARROW = {"select": ("p:not(:first-of-type)",)}  # leaves the first sentence out


def read_again(watch: Watch, seen: Callable[[int], None] = lambda _: None) -> list[str]:
    return reread_pages(watch.tracker.store, watch.folder / "evidence", detector(), seen)


def redeclared(watch: Watch, **changed: Any) -> None:
    """Declare the page otherwise, without what a start of the crawler would do about it."""
    watch.page = make_page(**changed)
    watch.tracker.register(make_catalog(watch.page))


def test_a_new_selector_is_used_at_once(watching: Callable[..., Watch]) -> None:
    watch = watching()
    watch.see(A)
    redeclared(watch, **NARROW)
    assert len(misread(watch.tracker.store)) == 1
    assert read_again(watch) == []
    assert misread(watch.tracker.store) == []
    assert len(watch.current) == len(A) - 2  # `sentences` leaves the first passage out
    assert [state for state, _ in watch.versions] == ["baseline", "reread"]
    assert watch.changes == []
    assert read_again(watch) == []
    for _ in range(2):  # a real edit behind it gets through, alone
        watch.see(B)
    (change,) = watch.changes
    assert (change.added, change.removed, change.replaced) == (0, 0, 1)


def test_what_waits_is_recognised_in_the_new_way(watching: Callable[..., Watch]) -> None:
    watch = watching()
    for text in (A, B):
        watch.see(text)
    redeclared(watch, **NARROW)
    read_again(watch)
    watch.see(B)
    (change,) = watch.changes
    assert (change.added, change.removed, change.replaced) == (0, 0, 1)
    assert change.captured_at == START + 2 * HOUR


def test_what_only_the_old_way_saw_is_dropped(watching: Callable[..., Watch]) -> None:
    watch = watching()
    watch.see(A)
    watch.see(["The first sentence is another one now, and nothing else is.", *A[1:]])
    redeclared(watch, **NARROW)
    read_again(watch)
    assert watch.track.pending_id is None
    watch.see(A)
    assert watch.changes == []


def test_variants_are_known_in_the_new_way(watching: Callable[..., Watch]) -> None:
    watch = watching()
    for text in (A, A, B, B, A):
        watch.see(text)
    assert len(watch.changes) == 1
    redeclared(watch, **NARROW)
    read_again(watch)
    for text in (B, A, B, A):
        watch.see(text)
    assert len(watch.changes) == 1
    assert watch.health == Health.ALTERNATING


def test_a_selector_that_finds_nothing_leaves_the_page_as_it_is(
    watching: Callable[..., Watch],
) -> None:
    watch = watching()
    watch.see(A)
    redeclared(watch, select=(".nowhere",))
    assert read_again(watch) == [watch.page.id]
    assert watch.current == A
    watch.see(A)
    assert [warning["rule"] for warning in watch.track.warnings] == ["selector-broken"]
    assert watch.changes == []


def test_reading_again_carries_on_where_it_was_stopped(watching: Callable[..., Watch]) -> None:
    watch = watching()
    watch.see(A)
    watch.see(A, origin="ota:some")
    redeclared(watch, **NARROW)
    with pytest.raises(Killed):
        read_again(watch, raising(Killed))
    assert len(misread(watch.tracker.store)) == 1
    read_again(watch)
    assert misread(watch.tracker.store) == []


def raising(error: type[Exception]) -> Callable[[int], None]:
    def seen(_: int) -> None:
        raise error

    return seen


def test_a_page_in_a_language_that_is_not_read_says_so(watching: Callable[..., Watch]) -> None:
    watch = watching(page=make_page(lang="ja"))
    text = ["録音の一部を人が聞くことがあります。三十日のあいだ保存します。" * 3] * 8
    assert watch.see(text).outcome is Outcome.CHANGED
    (reading,) = watch.rows(schema.readings)
    assert reading.detector == ""
    assert watch.rows(schema.disclosures) == []


# --- after a kill --------------------------------------------------------------------------


class Killed(Exception):
    """Stands for a kill between the evidence and the judgement."""


STORY: list[dict[str, Any]] = [
    {"what": A},
    {"what": A},
    {"what": B},
    {"status": 304, "headers": ()},
    {"status": 503, "what": b"<p>Oh</p>"},
    {"what": C},
    {"what": b"<h1>Are you a human?</h1>"},
    {"what": C},
    {"what": C},
    {"what": A[:2]},
    {"what": A},
    {"what": C},
]
TABLES = [t for t in schema.metadata.sorted_tables if t.name not in ("captures", "log")]


def everything(watch: Watch) -> dict[str, list[Any]]:
    """All rows, but for where a record lies in which file, and when the log was written."""
    found: dict[str, list[Any]] = {
        table.name: [tuple(row) for row in watch.rows(table)] for table in TABLES
    }
    places = {"warc_file", "warc_offset", "warc_length"}
    found["captures"] = [
        {k: v for k, v in row._mapping.items() if k not in places}
        for row in watch.rows(schema.captures)
    ]
    found["log"] = [
        (row.seq, row.kind, row.id, row.what, row.digest) for row in watch.rows(schema.log)
    ]
    return found


def tell(watch: Watch, story: list[dict[str, Any]]) -> None:
    for chapter in story:
        watch.see(**chapter)


@pytest.mark.parametrize("at", range(len(STORY)))
def test_a_kill_between_evidence_and_judgement_loses_nothing(
    watching: Callable[..., Watch], monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    undisturbed, killed = watching(), watching()
    tell(undisturbed, STORY)

    def die(*_: Any) -> None:
        raise Killed

    tell(killed, STORY[:at])
    with monkeypatch.context() as patch:
        patch.setattr(killed.tracker, "_judge", die)
        with pytest.raises(Killed):
            tell(killed, STORY[at : at + 1])
    killed.reopen()
    assert killed.tracker.recover() == 1
    tell(killed, STORY[at + 1 :])
    assert everything(killed) == everything(undisturbed)
    assert killed.tracker.recover() == 0


def test_recovery_goes_on_where_it_was_killed(
    watching: Callable[..., Watch], monkeypatch: pytest.MonkeyPatch
) -> None:
    story = [chapter for chapter in STORY if chapter.get("status") != 304]
    undisturbed, killed = watching(), watching()
    tell(undisturbed, story)
    with monkeypatch.context() as patch:
        patch.setattr(killed.tracker, "_judge", lambda *_: None)
        tell(killed, story)
    for _ in range(5):
        killed.reopen()
        judge, left = killed.tracker._judge, iter(range(2))

        def until_killed(*job: Any, judge: Any = judge, left: Any = left) -> Any:
            if next(left, None) is None:
                raise Killed
            return judge(*job)

        monkeypatch.setattr(killed.tracker, "_judge", until_killed)
        with suppress(Killed):
            killed.tracker.recover()
    killed.reopen()
    killed.tracker.recover()
    results = [everything(watch) for watch in (killed, undisturbed)]
    for result in results:  # where nothing was judged yet, no body was known to be a repetition
        for capture in result["captures"]:
            del capture["record"]
    assert results[0] == results[1]


def test_a_capture_whose_judging_failed_is_found_again(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sa.exc.OperationalError("INSERT", {}, Exception("the disk is full"))

    watch.see(A)
    with monkeypatch.context() as broken:
        broken.setattr("policies.tracking.tracker.publish", full)
        with pytest.raises(sa.exc.OperationalError):
            watch.see(B)
    assert watch.tracker.recover() == 1
    watch.see(B)
    assert [change.replaced for change in watch.changes] == [1]


def test_evidence_that_is_lost_stops_no_later_capture(database_url: str, tmp_path: Path) -> None:
    watch = Watch(database_url, tmp_path / "data")
    watch.see(A)
    for file in (watch.folder / "evidence").glob("*/*.warc.gz"):
        file.unlink()
    watch.reopen()
    assert watch.see(A).outcome is Outcome.UNCHANGED
    watch.see(B)
    watch.see(B)
    assert len(watch.changes) == 1
    assert ["cannot be read" in problem for problem in watch.problems(deep=False)] == [True]
    watch.tracker.close()


def test_a_reversal_shows_the_text_of_its_own_capture(watch: Watch) -> None:
    watch.see([*A, "Last updated: 1 May 2026"])
    watch.see([*B, "Last updated: 2 May 2026"])
    watch.see([*B, "Last updated: 2 May 2026"])
    for day in range(3, 13):
        watch.see([*A, f"Last updated: {day} May 2026"], after=timedelta(days=1))
    assert len(watch.changes) == 2  # the edit, and that it was taken back; `watch` verifies


def test_a_statement_lives_on_when_the_sentence_before_it_is_reworded(watch: Watch) -> None:
    reworded = [
        "When you talk to Brello, what you said goes to our servers as a recording.",
        *A[1:],
    ]
    watch.see(A)
    watch.see(reworded)
    watch.see(reworded)
    with watch.tracker.store.engine.connect() as connection:
        found = statements(connection)
    listened = [
        row for row in found if Topic.HUMAN_REVIEW in row.topics and row.stance is Stance.YES
    ]
    assert len({row.passage_id for row in listened}) == len(listened) >= 1
    assert {row.first_seen for row in listened} == {START + HOUR}


def test_an_edit_gets_through_on_a_page_that_differs_at_every_look(watch: Watch) -> None:
    watch.see([*A, "Read by 17 people today."])
    watch.see([*A, "Read by 21 people today."])
    watch.see([*B, "Read by 34 people today."])
    judged = watch.see([*B, "Read by 55 people today."])
    assert [reason.rule for reason in judged.reasons] == ["borne-out", "seen-once"]
    watch.see([*B, "Read by 89 people today."])
    (change,) = watch.changes
    assert (change.added, change.removed, change.replaced) == (0, 0, 1)


def test_evidence_of_a_page_that_nobody_knows_is_left_alone(watch: Watch) -> None:
    watch.see(A)
    shutil.copytree(watch.folder, watch.folder.with_name("copy"))
    other = Watch(f"sqlite:///{watch.folder}/other.db", watch.folder.with_name("copy"))
    with other.tracker.store.engine.begin() as connection:
        connection.execute(schema.pages.delete())
    assert other.tracker.recover() == 0
    other.tracker.register(make_catalog(other.page))
    assert other.tracker.recover() == 1
    assert other.current == A
    other.tracker.close()


# --- any sequence --------------------------------------------------------------------------

TEXTS = st.sampled_from([A, B, C, D, LONG, [*A, "Last updated: 1 May 2026"]])
LAYOUTS = st.sampled_from([("div", "text"), ("section", "new")])
PAGES = st.builds(lambda text, layout: {"what": page_of(text, *layout)}, TEXTS, LAYOUTS)
FAULTS = st.sampled_from([changed for changed, _ in UNREAD.values()] + [{"status": 304}])
CHAPTERS = st.tuples(
    st.one_of(PAGES, PAGES, FAULTS), st.sampled_from([HOUR, 12 * HOUR, 3 * DAY, 100 * DAY])
).map(lambda pair: {**pair[0], "after": pair[1]})


@pytest.mark.slow
@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=st.lists(CHAPTERS, max_size=14), select=st.sampled_from([(), (".text",)]))
def test_any_sequence_leaves_a_sound_store_and_the_same_one_again(
    tmp_path_factory: pytest.TempPathFactory,
    story: list[dict[str, Any]],
    select: tuple[str, ...],
) -> None:
    watches = []
    for _ in range(2):
        folder = tmp_path_factory.mktemp("story")
        page = make_page(select=select)
        watches.append(Watch(f"sqlite:///{folder / 'store.db'}", folder / "data", page=page))
        tell(watches[-1], story)
    one, other = watches
    try:
        assert one.problems() == []
        assert everything(one) == everything(other)
        versions = {row.id: row for row in one.rows(schema.versions)}
        texts = {row.id: row for row in one.rows(schema.texts)}
        for change in one.changes:
            before, after = versions[change.before_id], versions[change.after_id]
            assert texts[before.text_id].signature != texts[after.text_id].signature
            assert after.state == VersionState.CONFIRMED
        read = [row for row in one.rows(schema.captures) if Outcome(row.outcome).is_read]
        assert all(row.text_id for row in read)
    finally:
        for watch in watches:
            watch.tracker.close()
