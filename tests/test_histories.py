"""Real histories: the moments that matter are published, with their words, and noise is not."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from policies.model import Topic
from policies.store import Store, codec, open_store, schema, writing
from tests.conftest import shared_folder
from tests.fixtures_histories import run

pytestmark = pytest.mark.slow


def store_of(data: Path) -> Store:
    return open_store(f"sqlite:///{data / 'earwitness.sqlite3'}", create=False)


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
