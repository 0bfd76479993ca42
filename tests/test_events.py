"""What people are told of, each thing once: edits on several pages, and other health of a page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from api import create_app
from policies.cli import main
from policies.disclosures import Detector
from policies.model import (
    Capture,
    Catalog,
    EventKind,
    Health,
    Page,
    Policy,
    PolicyKind,
    Scope,
    Topic,
    Vendor,
)
from policies.regions import names_region
from policies.settings import Settings
from policies.store import log, open_store, schema
from policies.store.queries import changes as published
from policies.store.queries.events import EventRow, Wanted, event, events
from policies.store.queries.health import health_of
from policies.store.queries.places import still_stated
from policies.store.queries.tracks import tracks
from policies.tracking import Tracker
from policies.tracking.events import gather_loose, is_vantage_shift, same_edit
from policies.tracking.verify import verify

START = datetime(2026, 5, 1, 6, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

REVIEW = "Trained people listen to a small sample of the recordings to improve Brello."
REVIEW_NOW = "Trained people and partners listen to recordings to improve Brello."
COMMON = [
    "When you speak to Brello, a recording of what you said is sent to our servers.",
    "We keep the samples for thirty days and then delete them for good.",
    "You can say no at any time in the settings of your account, under Voice.",
]


def text_of(name: str, *sentences: str) -> list[str]:
    own = [f"This {name} page speaks of matter number {n} of the {name} kind." for n in range(6)]
    return [*own, *sentences, *COMMON]


@dataclass
class Site:
    """The pages of a vendor, all looked at in the same round; a clock that only a test moves."""

    url: str
    folder: Path
    pages: dict[str, Page]
    now: datetime = START
    tracker: Tracker = field(init=False)

    def __post_init__(self) -> None:
        self.tracker = Tracker(open_store(self.url), Settings(data=self.folder), Detector.load())
        declared = tuple(
            Policy(p.policy_id, "brello", PolicyKind.NOTICE, name, p.scope, (), (p,))
            for name, p in self.pages.items()
        )
        self.tracker.register(Catalog((Vendor("brello", "Brello", (), (), (), declared),)))

    def round(self, texts: dict[str, list[str] | int], after: timedelta = HOUR) -> None:
        """Look at pages an hour later: sentences that one holds, or the status that it answers."""
        self.now += after
        for name, text in texts.items():
            page = self.pages[name]
            status, body = (text, b"") if isinstance(text, int) else (200, html(text))
            self.tracker.observe(
                page,
                Capture(
                    page_id=page.id,
                    origin="crawl",
                    captured_at=self.now,
                    url=page.url,
                    final_url=page.url,
                    status=status,
                    headers=(("content-type", "text/html; charset=utf-8"),),
                    body=body,
                ),
            )

    def told(self, **wanted: Any) -> list[EventRow]:
        with self.tracker.store.engine.connect() as connection:
            return list(reversed(events(connection, Wanted(**wanted)).items))

    def problems(self) -> list[str]:
        evidence = self.folder / "evidence"
        found = verify(self.tracker.store, evidence, deep=True, seen=lambda _: None)
        return [f"{problem.where}: {problem.says}" for problem in found]


def html(sentences: list[str]) -> bytes:
    text = "".join(f"<p>{sentence}</p>\n" for sentence in sentences)
    return f"<html lang=en><main><h1>Your voice</h1>{text}</main></html>".encode()


def page(name: str, lang: str = "en", region: str | None = None) -> Page:
    return Page(
        id=f"brello.{name}.{lang}",
        vendor_id="brello",
        policy_id=f"brello.{name}",
        lang=lang,
        region=region,
        url=f"https://www.brello.example/{name}",
        scope=Scope.ASSISTANT,
    )


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    made: list[Site] = []

    def make(*names: str) -> Site:
        made.append(Site(database_url, tmp_path, {name: page(name) for name in names}))
        return made[-1]

    yield make
    for one in made:
        assert one.problems() == []
        one.tracker.close()


# --- one edit, one event -------------------------------------------------------------------


def test_the_same_edit_on_several_pages_is_one_event(site: Callable[..., Site]) -> None:
    brello = site("voice", "help", "children")
    names = list(brello.pages)
    brello.round({name: text_of(name, REVIEW) for name in names})
    brello.round({name: text_of(name, REVIEW_NOW) for name in names[:2]})
    brello.round({name: text_of(name, REVIEW_NOW) for name in names[:2]})
    (one,) = brello.told()
    assert one.kind is EventKind.CHANGE
    assert [change.page_id for change in one.occurrences] == ["brello.help.en", "brello.voice.en"]
    assert Topic.HUMAN_REVIEW in one.topics
    assert one.confirmed_at == one.updated_at == START + 3 * HOUR

    # The third page follows a week later: the event is the same, and says when it grew.
    brello.round({"children": text_of("children", REVIEW_NOW)}, 7 * DAY)
    brello.round({"children": text_of("children", REVIEW_NOW)})
    (grown,) = brello.told()
    assert grown.id == one.id
    assert len(grown.occurrences) == 3
    assert grown.confirmed_at == one.confirmed_at
    assert grown.updated_at == START + 7 * DAY + 4 * HOUR


def test_two_edits_are_two_events_though_a_sentence_is_the_same(
    site: Callable[..., Site],
) -> None:
    brello = site("voice", "help")
    brello.round({name: text_of(name, REVIEW) for name in brello.pages})
    more = [f"Point {n} of the new agreement binds you and your household alone." for n in range(9)]
    edited: dict[str, list[str] | int] = {
        "voice": text_of("voice", REVIEW_NOW),
        "help": text_of("help", REVIEW_NOW, *more),
    }
    brello.round(edited)
    brello.round(edited)
    assert [len(one.occurrences) for one in brello.told()] == [1, 1]


def test_the_same_edit_months_later_is_another_event(site: Callable[..., Site]) -> None:
    brello = site("voice", "help")
    brello.round({name: text_of(name, REVIEW) for name in brello.pages})
    for name, after in (("voice", HOUR), ("help", 60 * DAY)):
        brello.round({name: text_of(name, REVIEW_NOW)}, after)
        brello.round({name: text_of(name, REVIEW_NOW)})
    assert len(brello.told()) == 2


def test_of_several_events_the_one_that_is_most_the_same_is_joined() -> None:
    alike = [
        SimpleNamespace(event_id="a", weight=100, shared=60),
        SimpleNamespace(event_id="b", weight=100, shared=90),
        SimpleNamespace(event_id="old", weight=None, shared=100),
    ]
    assert same_edit(100, alike) == "b"
    assert same_edit(1_000, alike) is None
    assert same_edit(100, []) is None


def test_changes_of_an_earlier_schema_come_into_their_events(site: Callable[..., Site]) -> None:
    brello = site("voice", "help")
    for text in (REVIEW, REVIEW_NOW, REVIEW_NOW):
        brello.round({name: text_of(name, text) for name in brello.pages})
    (before,) = brello.told()
    with brello.tracker.store.engine.begin() as connection:
        connection.execute(schema.changes.update().values(event_id=None, weight=None))
        connection.execute(schema.events.delete())
        connection.execute(schema.rewordings.delete())
        connection.execute(schema.log.delete())  # whose migration comes before the grouping
        log.backfill(connection, START)
    assert gather_loose(brello.tracker.store) == 2
    assert gather_loose(brello.tracker.store) == 0
    (after,) = brello.told()
    assert len(after.occurrences) == len(before.occurrences) == 2
    assert (after.captured_at, after.confirmed_at) == (before.captured_at, before.confirmed_at)


def test_words_taken_out_here_and_stated_there_say_so(site: Callable[..., Site]) -> None:
    brello = site("voice", "help")
    brello.round({name: text_of(name, REVIEW) for name in brello.pages})
    brello.round({"voice": text_of("voice")})
    brello.round({"voice": text_of("voice")})
    (one,) = brello.told()
    (change,) = one.occurrences
    with brello.tracker.store.engine.connect() as connection:
        (edit,) = published.edits(connection, [change.id])[change.id]
        assert edit.old is not None
        old = dict.fromkeys([edit.old], passage(connection, REVIEW))
        places = still_stated(connection, "brello", [edit], old)
    (place,) = places[edit.old]
    assert place.page_id == "brello.help.en"
    assert place.since == START + HOUR

    brello.round({"help": text_of("help")})
    brello.round({"help": text_of("help")})
    with brello.tracker.store.engine.connect() as connection:
        assert still_stated(connection, "brello", [edit], old) == {}


def passage(connection: sa.Connection, text: str) -> Any:
    query = schema.passages.select().where(schema.passages.c.text == text)
    return connection.execute(query).one()


# --- vantage -------------------------------------------------------------------------------


def test_pages_that_change_together_in_regional_wording_are_labelled(
    site: Callable[..., Site],
) -> None:
    names = ("voice", "help", "children", "cookies")
    brello = site(*names)
    abroad = "If you live in the European Union, you may object to this page called"
    brello.round({name: text_of(name, REVIEW, f"{abroad} {name}.") for name in names})
    brello.round({name: text_of(name, REVIEW) for name in names[:3]})
    brello.round({name: text_of(name, REVIEW) for name in names[:3]})
    told = brello.told()
    assert len(told) == 3
    assert {one.labels[0].rule for one in told} == {"vantage-shift"}
    assert told[0].labels[0].numbers["of"] == 4


def test_pages_that_change_together_in_other_wording_are_not(site: Callable[..., Site]) -> None:
    names = ("voice", "help", "children")
    brello = site(*names)
    for text in (REVIEW, REVIEW_NOW, REVIEW_NOW):
        brello.round({name: text_of(name, text) for name in names})
    assert [one.labels for one in brello.told()] == [()]


@pytest.mark.parametrize(
    ("regional", "pages", "shifted"),
    [(3, 3, True), (3, 6, True), (3, 7, False), (2, 2, False), (0, 0, False)],
)
def test_a_shift_takes_three_pages_and_half_of_them(
    regional: int, pages: int, shifted: bool
) -> None:
    assert is_vantage_shift(regional, pages) is shifted


@pytest.mark.parametrize(
    ("lang", "text", "named"),
    [
        ("en", "People in the EEA can ask us to stop.", True),
        ("en", "The EEAN standard is about ears.", False),
        ("fr", "Si vous vivez au Royaume-Uni, écrivez-nous.", True),
        ("de", "Nach der DSGVO dürfen Sie widersprechen.", True),
        ("es", "Las personas del Espacio Económico Europeo pueden negarse.", True),
        ("it", "Chi vive nel Regno Unito può opporsi.", True),
        ("pt", "No Brasil, a LGPD dá outros direitos.", True),
        ("nl", "Volgens de AVG mag u bezwaar maken.", True),
        ("ja", "EU の人々", False),
    ],
)
def test_regions_are_known_by_their_names(lang: str, text: str, named: bool) -> None:
    assert names_region(text, lang) is named


# --- health --------------------------------------------------------------------------------


def test_another_health_is_told_when_it_lasts_and_when_it_is_over(
    site: Callable[..., Site],
) -> None:
    brello = site("voice")
    read = text_of("voice", REVIEW)
    for answer in (read, 503, read, 404, 404, 404, read, read):
        brello.round({"voice": answer})
    gone, back = brello.told(kind=EventKind.HEALTH)
    assert (gone.health_before, gone.health_after) == (Health.CURRENT, Health.GONE)
    assert (gone.captured_at, gone.confirmed_at) == (START + 4 * HOUR, START + 5 * HOUR)
    assert gone.says
    assert (back.health_before, back.health_after) == (Health.GONE, Health.CURRENT)
    assert back.confirmed_at == START + 7 * HOUR
    assert brello.told(kind=EventKind.CHANGE) == []


def test_a_page_that_could_never_be_read_is_told_of(site: Callable[..., Site]) -> None:
    brello = site("voice")
    brello.round({"voice": 404})
    assert brello.told() == []
    brello.round({"voice": 404})
    (one,) = brello.told()
    assert (one.health_before, one.health_after) == (None, Health.GONE)


def test_a_page_that_nobody_looks_at_is_not_current(site: Callable[..., Site]) -> None:
    brello = site("voice")
    brello.round({"voice": text_of("voice", REVIEW)})
    with brello.tracker.store.engine.connect() as connection:
        known = tracks(connection)
    hours = 12 * HOUR
    assert health_of(known).health is Health.CURRENT
    assert health_of(known, brello.now + 2 * DAY, hours).health is Health.CURRENT
    aged = health_of(known, brello.now + 3 * DAY, hours)
    assert aged.health is Health.STALE
    assert aged.since == brello.now
    assert "not looked" in aged.reason


def test_an_import_alone_says_nothing_of_a_pages_health(site: Callable[..., Site]) -> None:
    brello = site("voice")
    voice = brello.pages["voice"]
    text = html(text_of("voice", REVIEW))
    headers = (("content-type", "text/html"),)
    brello.tracker.observe(
        voice, Capture(voice.id, "ota:some", START, voice.url, voice.url, 200, headers, body=text)
    )
    with brello.tracker.store.engine.connect() as connection:
        found = health_of(tracks(connection))
    assert found.health is Health.NEW
    assert found.last_read_at == START
    assert "import" in found.reason


# --- at the doors --------------------------------------------------------------------------


def test_the_doors_tell_of_events(site: Callable[..., Site], tmp_path: Path) -> None:
    brello = site("voice", "help")
    for text in (REVIEW, REVIEW_NOW, REVIEW_NOW):
        brello.round({name: text_of(name, text) for name in brello.pages})
    for _ in range(2):
        brello.round({"help": 404})
    settings = Settings(data=tmp_path, database=brello.url)
    app = create_app(settings)
    client = app.test_client()

    def get(path: str) -> Any:
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json

    health, edit = get("/v1/events")["items"]
    assert (health["kind"], health["health_after"]) == ("health", "gone")
    assert [o["page_id"] for o in edit["occurrences"]] == ["brello.help.en", "brello.voice.en"]
    assert get(f"/v1/events/{edit['id']}") == edit
    assert get("/v1/events?kind=health")["items"] == [health]
    assert get("/v1/events?topic=human_review")["items"] == [edit]
    assert get("/v1/events?page=brello.voice.en")["items"] == [edit]
    first = get("/v1/events?limit=1")
    assert get(f"/v1/events?limit=1&cursor={first['next']}")["items"] == [edit]
    assert client.get("/v1/events/nope").status_code == 404
    change = get(f"/v1/changes/{edit['occurrences'][0]['id']}")
    assert [o["id"] for o in change["same_edit"]] == [edit["occurrences"][1]["id"]]
    told = get(f"/v1/explain/{change['id']}")
    assert told["told"]["event"] == edit["id"]
    assert told["told"]["same_edits"][0]["share"] == 1.0
    told = get(f"/v1/explain/{edit['id']}")
    assert told["kind"] == "event"
    assert len(told["told"]["occurrences"]) == 2
    page = client.get(f"/changes/{change['id']}")
    assert "The same edit on other pages" in page.text
    app.extensions["earwitness"].store.close()

    environment = {"EARWITNESS_DATA": str(tmp_path), "EARWITNESS_DATABASE": brello.url}
    spoken = CliRunner().invoke(main, ["events"], env=environment)
    assert spoken.exit_code == 0, spoken.output
    assert "an edit on 2 pages" in spoken.output
    assert "brello.help.en is gone (was: current)" in spoken.output
    lines = CliRunner().invoke(main, ["events", "--json", "--kind", "change"], env=environment)
    assert [json.loads(line)["id"] for line in lines.output.splitlines()] == [edit["id"]]
    nothing = CliRunner().invoke(main, ["events", "--since", "2030-01-01"], env=environment)
    assert "Nothing has been published" in nothing.output


def test_an_unknown_event_is_none(site: Callable[..., Site]) -> None:
    brello = site("voice")
    with brello.tracker.store.engine.connect() as connection:
        assert event(connection, "nope") is None
