"""Real histories: the moments that matter are published, with their words, and noise is not."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from policies import direction, knowledge, summary
from policies.ledger import Answer, Standing, Statement
from policies.model import Stance, Topic
from policies.passages import key
from policies.store import Store, codec, schema, writing
from policies.store.queries import catalog as queries
from tests.conftest import shared_folder
from tests.fixtures_histories import run, store_of

pytestmark = pytest.mark.slow


@pytest.fixture
def store(data: Path) -> Iterator[Store]:
    opened = store_of(data)
    yield opened
    opened.close()


# --- cases -----------------------------------------------------------------------------------


def cases() -> list[Any]:
    listed = shared_folder() / "cases" / "history.json"
    if not listed.is_file():
        return [pytest.param(None, id="no real cases")]
    return [
        pytest.param(case, id=f"{case['path']} {case['after'][:10]} {case['kind']}")
        for case in json.loads(listed.read_text("utf-8"))
    ]


@pytest.mark.parametrize("case", cases())
def test_a_real_moment_is_judged_as_a_careful_reader_would(
    case: dict[str, Any], shared: Path, store: Store
) -> None:
    after = datetime.fromisoformat(case["after"])
    c, k = schema.captures.c, schema.changes.c
    with store.engine.connect() as connection:
        query = sa.select(c.page_id, c.outcome, c.reasons).where(
            c.origin == f"ota:{case['repository'].removesuffix('-versions')}",
            c.captured_at == after,
            c.url.endswith(quote(case["path"])),
        )
        capture = connection.execute(query).one()
        here = sa.select(k.topics).where(k.page_id == capture.page_id, k.captured_at == after)
        published = [set(topics) for topics in connection.execute(here).scalars()]
    assert capture.reasons
    assert all(reason["says"] for reason in capture.reasons)
    if case["expect"] == "suppress":
        assert published == [], case["note"]
        return
    assert len(published) == 1, case["note"]
    expects_review = case["expect"] == "publish" and case["kind"].startswith("human_review")
    assert (Topic.HUMAN_REVIEW in published[0]) == expects_review, case["note"]


# --- what was said about human review --------------------------------------------------------

# (page, day, which side holds the words, the words)
REVIEWS = [
    ("microsoft.privacy-statement.en-ie", "2021-01-15", "new", "review snippets of your voice"),
    ("microsoft.privacy-statement.en-ie", "2021-10-05", "new", "listen to your voice recording"),
    ("microsoft.privacy-statement.en-ie", "2021-10-05", "new", "without your permission"),
    ("microsoft.privacy-statement.en-ie", "2022-09-20", "new", "store, sample, or listen to"),
    ("microsoft.privacy-statement.en-ie", "2022-09-20", "new", "without your permission"),
    ("microsoft.privacy-statement.en-ie", "2024-06-25", "old", "manually review short snippets"),
    ("google.privacy-policy.en-ie", "2022-02-11", "new", "listen to samples of saved user audio"),
]


def quotes(connection: sa.Connection, change: Any, side: str) -> list[str]:
    """What a change quotes about human review on one side: slices of the stored version."""
    version = change.before_id if side == "old" else change.after_id
    text_id = writing.load_versions(connection, [version])[version].text_id
    text, passages = writing.load_text(connection, text_id), schema.text_passages.c
    d, v = schema.disclosures.c, schema.verdicts.c
    touched = {getattr(edit, side) for edit in codec.unpack_edits(change.edits)} - {None}
    query = (
        sa.select(passages.position, passages.start, passages.end, v.topics)
        .join_from(
            schema.text_passages,
            schema.disclosures,
            (d.text_id == passages.text_id) & (d.position == passages.position),
        )
        .join(schema.verdicts, v.id == d.verdict_id)
        .where(passages.text_id == text_id)
    )
    return [
        text[row.start : row.end]
        for row in connection.execute(query)
        if row.position in touched and "human_review" in row.topics
    ]


@pytest.mark.parametrize(
    ("page", "day", "side", "words"), REVIEWS, ids=[f"{p} {d} {w}" for p, d, _, w in REVIEWS]
)
def test_a_change_of_human_review_is_published_with_its_words(
    store: Store, page: str, day: str, side: str, words: str
) -> None:
    k = schema.changes.c
    with store.engine.connect() as connection:
        found = [
            change
            for change in connection.execute(schema.changes.select().where(k.page_id == page))
            if f"{change.captured_at:%Y-%m-%d}" == day and "human_review" in change.topics
        ]
        assert found
        said = [quote for change in found for quote in quotes(connection, change, side)]
    assert any(words in re.sub(r"\s", " ", quote) for quote in said), said


def test_the_review_that_microsoft_removed_is_still_stated_elsewhere(store: Store) -> None:
    with store.engine.connect() as connection:
        (change,) = (
            row
            for row in connection.execute(schema.changes.select())
            if row.page_id.startswith("microsoft.")
            and row.captured_at == datetime(2024, 6, 25, 18, 10, 15, tzinfo=UTC)
        )
        version = writing.load_versions(connection, [change.after_id])[change.after_id]
        assert "voice data" in writing.load_text(connection, version.text_id)
        scope = schema.pages.c.scope
        page = connection.execute(sa.select(scope).where(schema.pages.c.id == change.page_id))
        assert page.scalar_one()
        d, v = schema.disclosures.c, schema.verdicts.c
        stands = connection.execute(
            sa.select(v.topics)
            .join_from(schema.disclosures, schema.verdicts, v.id == d.verdict_id)
            .where(d.text_id == version.text_id)
        ).scalars()
        assert any("human_review" in topics for topics in stands)


# --- the ledger over time ------------------------------------------------------------------------

MICROSOFT = "microsoft.privacy-statement.en-ie"

# What Microsoft's statement said about people listening: (first seen, gone, stance, how often it
# stood there). Read by hand in the archive's own history; the last ones still stood in its last
# readable version.
MICROSOFT_SAID = {
    ("2020-12-08", "2021-01-15", "yes", 1),
    ("2020-12-08", "2021-01-15", "yes", 2),
    ("2021-01-15", "2021-07-29", "opt_in", 1),
    ("2021-01-15", "2023-08-23", "yes", 2),
    ("2021-01-15", "2024-06-25", "yes", 2),
    ("2021-01-15", None, "yes", 1),
    ("2021-01-15", None, "opt_in", 1),
    ("2021-10-05", "2022-09-20", "opt_in", 1),
    ("2022-09-20", None, "opt_in", 2),
    ("2023-08-23", "2024-06-25", "opt_in", 2),
}


def listening(store: Store, vendor: str, at: datetime | None = None) -> Answer:
    with store.engine.connect() as connection:
        known = knowledge.somebody(connection, vendor, at=at)
    assert known is not None
    return known.answers[Topic.HUMAN_REVIEW]


def said(answer: Answer) -> list[Statement]:
    """Every statement, now and before, once."""
    found = [*answer.statements, *answer.gone, *(s for p in answer.earlier for s in p.statements)]
    return list({(s.page_id, s.passage_id, s.stance): s for s in found}.values())


def as_day(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%d}" if at else None


def test_microsofts_review_of_voice_clips_from_2020_on(store: Store) -> None:
    answer = listening(store, "microsoft")
    assert {
        (as_day(s.since), as_day(s.until), s.stance and s.stance.value, s.times)
        for s in said(answer)
    } == MICROSOFT_SAID
    assert (answer.stance, answer.observed) == (Stance.OPT_IN, True)
    assert answer.since == datetime(2021, 1, 15, 17, 31, 46, tzinfo=UTC)
    (before,) = answer.earlier
    assert (before.stance, as_day(before.since)) == (Stance.YES, "2020-12-08")
    assert not before.observed, "the archive began then; the words are older"


def test_what_microsoft_withdrew_in_two_sections_and_kept_in_a_third(store: Store) -> None:
    answer = listening(store, "microsoft")
    day = datetime(2024, 6, 25, 18, 10, 15, tzinfo=UTC)
    gone = [s for s in answer.gone if s.until == day]
    assert [(s.times, s.page_id) for s in gone] == [(2, MICROSOFT), (2, MICROSOFT)]
    assert answer.since is not None
    assert answer.since < day, "the answer stays what it was"
    assert Stance.OPT_IN in {s.stance for s in answer.statements}
    assert Stance.YES in answer.also, "what is said flatly elsewhere is told too"
    told = " ".join(summary.popup(answer, "Microsoft", (), "en")[1].text.split())
    assert "Elsewhere" in told or "others still say it" in told


def test_google_says_since_2022_that_people_listen(store: Store) -> None:
    answer = listening(store, "google")
    assert (answer.stance, answer.observed) == (Stance.YES, True)
    assert answer.since == datetime(2022, 2, 11, 0, 33, 37, tzinfo=UTC)
    assert [(p.standing, as_day(p.since)) for p in answer.earlier] == [
        (Standing.NOT_STATED, "2020-07-29")
    ]
    assert {p.page_id: p.standing for p in answer.by_page}["google.nest-privacy.en"] is (
        Standing.NOT_STATED
    )


@pytest.mark.parametrize(
    ("vendor", "pages", "since"),
    [("amazon", 3, "2018-07-03"), ("apple", 1, "2020-07-29"), ("samsung", 1, "2020-12-08")],
)
def test_company_wide_policies_do_not_say_it(
    store: Store, vendor: str, pages: int, since: str
) -> None:
    answer = listening(store, vendor)
    assert (answer.standing, answer.pages_read) == (Standing.NOT_STATED, pages)
    assert as_day(answer.since) == since
    assert answer.pages_unread > 0, "the pages that say it are no part of the archive: not read"


def test_the_ledger_as_of_a_date_is_what_was_known_of_that_day(store: Store) -> None:
    def on(vendor: str, day: str) -> tuple[Standing, Stance | None]:
        answer = listening(store, vendor, datetime.fromisoformat(day).replace(tzinfo=UTC))
        assert answer.as_of is None or f"{answer.as_of:%Y-%m-%d}" <= day
        return answer.standing, answer.stance

    assert on("google", "2022-02-10") == (Standing.NOT_STATED, None)
    assert on("google", "2022-02-12") == (Standing.STATED, Stance.YES)
    assert on("microsoft", "2020-12-01") == (Standing.NOT_READ, None)
    assert on("microsoft", "2020-12-24") == (Standing.STATED, Stance.YES)
    assert on("microsoft", "2021-02-01") == (Standing.STATED, Stance.OPT_IN)


def test_the_dates_agree_with_the_timeline_that_others_made(store: Store, shared: Path) -> None:
    """Entries whose quotes come from the same archive, by their words."""
    catalog = shared / "catalog"
    if not (catalog / "timeline.json").is_file():
        pytest.skip(f"no facts: {catalog} is missing")
    lines = (catalog / "quotes.jsonl").read_text("utf-8").splitlines()
    texts = {quote["id"]: key(quote["text"]) for quote in map(json.loads, lines)}
    checked = 0
    for vendor in ("Microsoft", "Google"):
        answer = listening(store, vendor.lower())
        with store.engine.connect() as connection:
            pages = {p.id: p for p in queries.pages(connection, vendor_id=vendor.lower()).items}
            found = knowledge.quotes(connection, said(answer), pages)
        since = {key(q.text): as_day(q.statement.since) for q in found.values()}
        for event in json.loads((catalog / "timeline.json").read_text("utf-8")):
            source = event["source"]
            if event["vendor"] != vendor or source.get("mirror") != "OTA-contrib":
                continue
            for text in (texts[id_] for id_ in source["quote_ids"] if texts[id_] in since):
                assert since[text] == source["first_seen"], event["summary"]
                checked += 1
    assert checked >= 5


def test_every_proof_is_the_file_that_the_archive_recorded(store: Store, data: Path) -> None:
    (clone,) = (data / "cache").glob("contrib-*.git")
    places = [
        place
        for vendor in ("microsoft", "google")
        for s in said(listening(store, vendor))
        for place in (s.as_first(), s)
    ]
    k = schema.captures.c
    for place in places:
        with store.engine.connect() as connection:
            version = writing.load_versions(connection, [place.version_id])[place.version_id]
            commit = connection.execute(
                sa.select(k.note).where(k.id == version.capture_id)
            ).scalar_one()
        path = {"microsoft": "Microsoft", "google": "Google"}[place.page_id.split(".")[0]]
        file = f"{commit.split()[0]}:{path}/Privacy Policy.md"
        shown = subprocess.run(
            ["git", "-C", str(clone), "show", file], capture_output=True, check=True
        )
        assert place.digest == f"sha256:{hashlib.sha256(shown.stdout).hexdigest()}"
        assert version.captured_at == place.captured_at


# (page, day, topic, direction, a rule that says so): read by hand beside the edits themselves.
DIRECTIONS = [
    (MICROSOFT, "2021-01-15", "human_review", "better", "condition-added"),
    (MICROSOFT, "2021-01-15", "human_review", "better", "sample-dropped"),
    (MICROSOFT, "2021-07-29", "human_review", "says_less", "said-elsewhere"),
    (MICROSOFT, "2021-10-05", "human_review", "better", "promise-made"),
    (MICROSOFT, "2022-09-20", "retention", "better", "promise-made"),
    (MICROSOFT, "2022-09-20", "human_review", "unclear", "other-words"),
    (MICROSOFT, "2023-08-23", "human_review", "better", "condition-added"),
    (MICROSOFT, "2024-02-20", "choice", "unclear", "other-words"),
    (MICROSOFT, "2024-06-25", "human_review", "says_less", "said-elsewhere"),
    (MICROSOFT, "2024-06-25", "reviewers", "says_less", "said-elsewhere"),
    ("google.privacy-policy.en-ie", "2022-02-11", "human_review", "says_more", "first-said"),
    ("google.privacy-policy.en-ie", "2022-02-11", "sample", "says_more", "first-said"),
    ("samsung.privacy-policy.en-ie", "2022-12-28", "training", "says_less", "no-longer-said"),
    ("amazon.alexa-terms.en-us", "2020-04-29", "retention", "better", "promise-made"),
]


@pytest.mark.parametrize(
    ("page", "day", "topic", "way", "rule"),
    DIRECTIONS,
    ids=[f"{page} {day} {topic} {rule}" for page, day, topic, _, rule in DIRECTIONS],
)
def test_which_way_a_real_change_goes(
    store: Store, page: str, day: str, topic: str, way: str, rule: str
) -> None:
    k = schema.changes.c
    with store.engine.connect() as connection:
        (change,) = (
            row
            for row in connection.execute(schema.changes.select().where(k.page_id == page))
            if as_day(row.captured_at) == day
        )
    found = direction.unpack(change.directions)[Topic(topic)]
    assert found.direction.value == way
    assert rule in {finding.rule for finding in found.findings}


# --- the whole -------------------------------------------------------------------------------


def test_a_page_that_alternated_134_times_publishes_hardly_anything(store: Store) -> None:
    k = schema.changes.c
    nest = "google.nest-privacy.en"
    with store.engine.connect() as connection:
        query = sa.select(sa.func.count()).where(k.page_id == nest)
        published = connection.execute(query).scalar_one()
        seen = connection.execute(
            sa.select(sa.func.count()).where(schema.captures.c.page_id == nest)
        ).scalar_one()
    assert seen == 134
    # 2026-11-22: 3, of 13 texts in two spellings.
    assert published <= 5


def test_nothing_is_wrong_with_what_was_imported(data: Path) -> None:
    assert "Nothing is wrong" in run(data, "verify", "--deep")


def test_importing_again_changes_nothing(data: Path, shared: Path, tmp_path: Path) -> None:
    def rows(folder: Path) -> dict[str, list[Any]]:
        store = store_of(folder)
        with store.engine.connect() as connection:
            found = {
                table.name: [
                    tuple(row)
                    for row in connection.execute(table.select().order_by(*table.primary_key))
                ]
                for table in schema.metadata.sorted_tables
            }
        store.close()
        return found

    again = shutil.copytree(data, tmp_path / "data")
    output = run(again, "import", "ota", str(shared / "ota" / "contrib-voice.bundle"), "--all")
    assert "0 changes published in this run" in output
    assert rows(again) == rows(data)


def test_the_french_histories_come_in_too(french_data: Path) -> None:
    assert "Nothing is wrong" in run(french_data, "verify", "--deep")
    store = store_of(french_data)
    with store.engine.connect() as connection:
        langs = set(connection.execute(sa.select(schema.texts.c.lang)).scalars())
        changes = connection.execute(sa.select(sa.func.count(schema.changes.c.id))).scalar_one()
        topics = set(connection.execute(sa.select(schema.change_topics.c.topic)).scalars())
    store.close()
    assert "fr" in langs
    assert changes
    assert topics
