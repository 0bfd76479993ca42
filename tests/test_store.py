"""The store: one schema on both databases, refused when it cannot be used, shared by processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from policies.errors import BadStore
from policies.model import (
    Assistant,
    Block,
    BlockKind,
    Catalog,
    Document,
    Edit,
    EditKind,
    Page,
    Policy,
    PolicyKind,
    Scope,
    Site,
    Span,
    SpanKind,
    Stance,
    Topic,
    Vendor,
    Verdict,
)
from policies.passages import signature, split
from policies.store import Store, codec, open_store, schema, writing
from policies.text import read_markdown

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


def catalog(*vendors: str) -> Catalog:
    found = []
    for name in vendors:
        page = Page(
            id=f"{name}.voice.en",
            vendor_id=name,
            policy_id=f"{name}.voice",
            lang="en",
            region=None,
            url=f"https://{name}.example/voice",
            scope=Scope.ASSISTANT,
            select=("main", ".a"),
            remove=("nav",),
            earlier_urls=(f"https://{name}.example/old",),
        )
        policy = Policy(
            page.policy_id, name, PolicyKind.NOTICE, "Voice", Scope.ASSISTANT, (), (page,)
        )
        sites = (Site(f"{name}.example"),)
        assistants = (Assistant("ear", "Ear"),)
        found.append(Vendor(name, name.title(), assistants, sites, (), (policy,)))
    return Catalog(tuple(found))


# --- opening -------------------------------------------------------------------------------


def test_the_migrations_make_what_the_schema_says(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, schema.metadata)
    # PostgreSQL: tsvector and the like may be there besides; nothing may be missing.
    assert [d for d in differences if d[0] not in ("remove_index", "remove_table")] == []


def test_opening_again_changes_nothing(database_url: str) -> None:
    open_store(database_url).close()
    open_store(database_url, create=False).close()


def test_a_store_of_a_newer_schema_is_refused(store: Store, database_url: str) -> None:
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for create in (True, False):
        with pytest.raises(BadStore, match="newer schema"):
            open_store(database_url, create=create)


def test_an_empty_store_is_not_made_by_those_who_only_read(
    database_url: str, tmp_path: Path
) -> None:
    with pytest.raises(BadStore, match=r"earwitness (crawl|import)"):
        open_store(database_url, create=False)
    assert not (tmp_path / "store.db").exists()


def test_an_empty_sqlite_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "x.db").touch()
    with pytest.raises(BadStore, match="empty or of an older schema"):
        open_store(f"sqlite:///{tmp_path / 'x.db'}", create=False)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "cannot be read"),
        ("", "cannot be read"),
        ("sqlite:///{tmp}/file/x.db", "folder"),
        ("sqlite:///{tmp}/text", "cannot be used"),
        ("sqlite:///{tmp}", "cannot be used"),
        ("postgresql+psycopg://nobody:secret@/none?host={tmp}", "cannot be used"),
        ("mongodb://localhost/x", "cannot be read"),
        ("postgresql+nosuchdriver://x/y", "cannot be read"),
    ],
)
def test_what_cannot_be_opened_is_said_in_a_sentence(tmp_path: Path, url: str, says: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "text").write_text("This is no database, but long enough to look at. " * 40)
    with pytest.raises(BadStore, match=says) as caught:
        open_store(url.replace("{tmp}", str(tmp_path)))
    assert "secret" not in str(caught.value)


def test_a_failed_migration_leaves_nothing_behind(database_url: str) -> None:
    engine = sa.create_engine(database_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE changes (x INTEGER)")
    with pytest.raises(BadStore):
        open_store(database_url)
    assert set(sa.inspect(engine).get_table_names()) <= {"changes", "alembic_version"}
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE changes")
    engine.dispose()
    open_store(database_url).close()


# --- several at once -----------------------------------------------------------------------

WRITER = """
import sys, time
from pathlib import Path
from policies.store import open_store, schema
store = open_store(sys.argv[1])
for number in range(int(sys.argv[3])):
    with store.engine.execution_options(writes=True).begin() as connection:
        found = connection.execute(schema.vendors.select()).all()
        connection.execute(schema.vendors.insert().values(
            id=f"{sys.argv[2]}-{number}", name=str(len(found)), assistants=[], sites=[],
            controls=[], declared=True))
store.close()
"""


def test_several_processes_open_and_write_a_new_store_at_once(database_url: str) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, database_url, f"w{number}", "15"],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    for writer in writers:
        _, trouble = writer.communicate(timeout=120)
        assert writer.returncode == 0, trouble[-800:]
    store = open_store(database_url, create=False)
    with store.engine.connect() as connection:
        names = [row.name for row in connection.execute(schema.vendors.select())]
    store.close()
    assert len(names) == 45
    if database_url.startswith("sqlite"):  # each saw what was written before it
        assert sorted(map(int, names)) == list(range(45))


def test_who_reads_sees_one_moment_while_another_writes(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'x.db'}")
    with store.engine.connect() as reader:
        query = sa.select(sa.func.count()).select_from(schema.vendors)
        assert reader.execute(query).scalar_one() == 0
        with store.engine.execution_options(writes=True).begin() as writer:
            writing.register(writer, catalog("brello"))
        assert reader.execute(query).scalar_one() == 0
    with store.engine.connect() as reader:
        assert reader.execute(query).scalar_one() == 1
    store.close()


# --- values --------------------------------------------------------------------------------

TIMES = [
    datetime(2026, 5, 1, 6, 0, 0, 123456, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1901, 2, 3, 4, 5, 6, 7, tzinfo=UTC),
    datetime(2026, 5, 1, 8, 0, tzinfo=timezone(timedelta(hours=2))),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
]


def test_an_instant_comes_back_to_the_microsecond_and_in_order(store: Store) -> None:
    with store.engine.begin() as connection:
        writing.register(connection, catalog("brello"))
        for number, at in enumerate(TIMES):
            row = {"page_id": "brello.voice.en", "origin": str(number), "last_capture_at": at}
            rest = {"variants": [], "health": "new", "health_reason": "", "warnings": []}
            writing.put_track(connection, {**row, **rest, "failures": 0})
    with store.engine.connect() as connection:
        t = schema.tracks.c
        found = list(
            connection.execute(sa.select(t.last_capture_at).order_by(t.last_capture_at)).scalars()
        )
    assert found == sorted(TIMES)
    assert all(at.tzinfo is UTC for at in found)


@given(st.datetimes(timezones=st.timezones() | st.just(UTC)))
def test_any_instant_comes_back(at: datetime) -> None:
    instant = schema.Instant()
    try:
        at = at.astimezone(UTC)
    except OverflowError:  # the first and last hours of the calendar, elsewhere
        return
    assert instant.process_result_value(instant.process_bind_param(at, None), None) == at


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        schema.Instant().process_bind_param(datetime(2026, 5, 1), None)


def test_an_id_does_not_depend_on_the_zone_of_a_time() -> None:
    here, there = TIMES[0], TIMES[0].astimezone(timezone(timedelta(hours=9)))
    assert writing.capture_id("p", "crawl", here) == writing.capture_id("p", "crawl", there)
    assert writing.version_id("p", "o", "t", here) == writing.version_id("p", "o", "t", there)


EDITS = st.lists(
    st.builds(
        Edit,
        st.sampled_from(EditKind),
        st.none() | st.integers(0, 9_999),
        st.none() | st.integers(0, 9_999),
        st.lists(
            st.builds(Span, st.sampled_from(SpanKind), *[st.integers(0, 99_999)] * 4), max_size=5
        ).map(tuple),
    )
).map(tuple)


@given(EDITS)
def test_edits_come_back_as_they_were(edits: tuple[Edit, ...]) -> None:
    assert codec.unpack_edits(codec.pack_edits(edits)) == edits


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_text_comes_back_as_it_was(text: str) -> None:
    assert codec.unpack_text(codec.pack_text(text)) == text


def test_blocks_come_back_as_they_were() -> None:
    blocks = (Block(BlockKind.HEADING, 2, 0, 5), Block(BlockKind.TABLE_ROW, 0, 6, 9))
    assert codec.unpack_blocks(codec.pack_blocks(blocks)) == blocks


# --- writing -------------------------------------------------------------------------------

MARKDOWN = "# Voice\n\nWe listen. 🎤 Écoutez « ceci ».\n\n## Why\n\n- to learn\n- to learn\n"


def put(store: Store, document: Document, lang: str = "en") -> str:
    found = split(document, lang)
    with store.engine.begin() as connection:
        return writing.put_text(connection, document, found, lang, signature(found), None)


def test_a_text_is_kept_once_with_its_passages(store: Store) -> None:
    document = read_markdown(MARKDOWN)
    one, other = put(store, document), put(store, document)
    assert one == other
    with store.engine.connect() as connection:
        assert writing.load_text(connection, one) == document.text
        assert writing.load_passages(connection, one) == split(document, "en")
        kept = connection.execute(sa.select(schema.passages.c.id)).scalars().all()
    assert len(kept) == len({p.id for p in split(document, "en")})


def test_the_same_text_in_another_language_is_another_text(store: Store) -> None:
    document = read_markdown(MARKDOWN)
    assert put(store, document, "en") != put(store, document, "fr")


def test_an_empty_text_is_kept_too(store: Store) -> None:
    id_ = put(store, Document("", ()))
    with store.engine.connect() as connection:
        assert writing.load_passages(connection, id_) == ()


def test_verdicts_come_back_and_a_new_reading_replaces_the_old(store: Store) -> None:
    id_ = put(store, read_markdown(MARKDOWN))
    verdict = Verdict((Topic.HUMAN_REVIEW,), Stance.YES, (), {"who": "We"})
    with store.engine.begin() as connection:
        assert writing.read_with(connection, id_, Scope.GENERAL) is None
        writing.put_disclosures(connection, id_, Scope.GENERAL, "d1", {1: ("v1", verdict)})
        assert writing.read_with(connection, id_, Scope.GENERAL) == "d1"
        assert writing.load_disclosures(connection, id_, Scope.GENERAL) == {1: ("v1", verdict)}
        assert writing.load_disclosures(connection, id_, Scope.ASSISTANT) == {}
        writing.put_disclosures(connection, id_, Scope.GENERAL, "d2", {})
        assert writing.read_with(connection, id_, Scope.GENERAL) == "d2"
        assert writing.load_disclosures(connection, id_, Scope.GENERAL) == {}


def test_what_leaves_the_catalog_stays_undeclared(store: Store) -> None:
    def declared() -> dict[str, bool]:
        with store.engine.connect() as connection:
            query = sa.select(schema.pages.c.id, schema.pages.c.declared)
            return {row.id: row.declared for row in connection.execute(query)}

    for vendors in (("brello", "nordic"), ("nordic",)):
        with store.engine.begin() as connection:
            writing.register(connection, catalog(*vendors))
    assert declared() == {"brello.voice.en": False, "nordic.voice.en": True}
    with store.engine.begin() as connection:
        writing.register_undeclared(connection, catalog("nordic").vendors[0])
        writing.register(connection, Catalog(()))
    assert declared() == {"brello.voice.en": False, "nordic.voice.en": True}


def test_a_page_comes_back_as_it_was_declared(store: Store) -> None:
    declared = catalog("brello")
    with store.engine.begin() as connection:
        writing.register(connection, declared)
        assert writing.load_page(connection, "brello.voice.en") == declared.pages[0]
        assert writing.load_page(connection, "nobody.voice.en") is None


def test_lifetimes_begin_end_and_begin_again(store: Store) -> None:
    a, b = (split(read_markdown(text), "en") for text in ("One. Two.", "Two. Three."))
    with store.engine.begin() as connection:
        writing.register(connection, catalog("brello"))
        for text in ("One. Two.", "Two. Three."):
            document = read_markdown(text)
            found = split(document, "en")
            writing.put_text(connection, document, found, "en", signature(found), None)
        for day, (before, now) in enumerate([((), a), (a, b), (b, a)], start=1):
            at = datetime(2026, 5, day, tzinfo=UTC)
            writing.move_spells(connection, "brello.voice.en", "crawl", before, now, at)
    with store.engine.connect() as connection:
        s = schema.spells
        rows = connection.execute(
            sa.select(schema.passages.c.text, s.c.first_seen, s.c.ended)
            .join(schema.passages, schema.passages.c.id == s.c.passage_id)
            .order_by(schema.passages.c.text, s.c.first_seen)
        )
        lives = [(text, begun.day, ended and ended.day) for text, begun, ended in rows]
    assert lives == [("One.", 1, 2), ("One.", 3, None), ("Three.", 2, 3), ("Two.", 1, None)]
