"""`verify` proves that the store is what the evidence says, and finds whatever is not."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from policies.cli import main
from policies.store import codec, schema
from policies.store.search import checking as search
from tests.fixtures_postgres import Postgres
from tests.test_tracking import DAY, STORY, A, B, C, Watch, tell


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def watched(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watch]:
    """A store with a page that was edited, reverted, blocked and edited again."""
    folder = tmp_path_factory.mktemp("verify")
    with ExitStack() as stack:
        url = f"sqlite:///{folder / 'store.db'}"
        if request.param == "postgresql":
            postgres: Postgres = request.getfixturevalue("postgres")
            url = stack.enter_context(postgres.database())
        found = Watch(url, folder / "data")
        stack.callback(found.tracker.close)
        tell(found, STORY)
        for text in (B, B, C, C):
            found.see(text, after=100 * DAY)
        assert len(found.changes) >= 3
        yield found


@pytest.fixture
def watch(watched: Watch) -> Iterator[Watch]:
    """The same store, mended after each test."""
    kept = {table: watched.rows(table) for table in schema.metadata.sorted_tables}
    path = warc(watched)
    whole = path.read_bytes()
    yield watched
    path.write_bytes(whole)
    with careless(watched) as connection:
        for table, rows in kept.items():
            connection.execute(table.delete())
            if rows:
                connection.execute(table.insert(), [dict(row._mapping) for row in rows])
    assert watched.problems(deep=False) == []


@contextmanager
def careless(watch: Watch) -> Iterator[sa.Connection]:
    """A transaction in which the database does not look after its references."""
    engine = watch.tracker.store.engine
    with engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        assert driver is not None
        sqlite = engine.dialect.name == "sqlite"
        if sqlite:
            driver.execute("PRAGMA foreign_keys=OFF")
        with connection.begin():
            if not sqlite:
                connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            yield connection
        if sqlite:
            driver.execute("PRAGMA foreign_keys=ON")


def first(watch: Watch, table: sa.Table, **wanted: Any) -> Any:
    return next(
        row
        for row in watch.rows(table)
        if all(row._mapping[name] == value for name, value in wanted.items())
    )


def update(table: sa.Table, row: Any, **values: Any) -> sa.Update:
    keys = [column == row._mapping[column.name] for column in table.primary_key]
    return table.update().where(*keys).values(**values)


def delete(table: sa.Table, row: Any) -> sa.Delete:
    return table.delete().where(*(c == row._mapping[c.name] for c in table.primary_key))


# --- damage in the store ---------------------------------------------------------------------

Damage = Callable[[Watch], sa.Update | sa.Delete | sa.Insert]


def other_words(watch: Watch) -> sa.Update:
    row = watch.rows(schema.texts)[0]
    text = codec.unpack_text(row.body).replace("o", "e")
    return update(schema.texts, row, body=codec.pack_text(text))


def shifted_passage(watch: Watch) -> sa.Update:
    row = first(watch, schema.text_passages, position=2)
    return update(schema.text_passages, row, start=row.start + 1)


def outside_passage(watch: Watch) -> sa.Update:
    row = watch.rows(schema.text_passages)[-1]
    return update(schema.text_passages, row, end=10**6)


def other_edits(watch: Watch) -> sa.Update:
    row = watch.changes[0]
    edits = codec.unpack_edits(row.edits)
    return update(schema.changes, row, edits=codec.pack_edits(edits[1:]))


def other_quote(watch: Watch) -> sa.Update:
    row = watch.rows(schema.verdicts)[0]
    return update(schema.verdicts, row, slots={**row.slots, "who": "a firm of that name"})


def outside_match(watch: Watch) -> sa.Update:
    row = watch.rows(schema.verdicts)[0]
    return update(schema.verdicts, row, matches=[["sample", "x", 5, 10_000]])


def gone_disclosed_passage(watch: Watch) -> sa.Update:
    row = watch.rows(schema.disclosures)[0]
    return update(schema.disclosures, row, position=9_999)


def current_version(watch: Watch) -> Any:
    return first(watch, schema.versions, id=watch.track.current_id)


def confirmed(watch: Watch) -> Any:
    return first(watch, schema.versions, state="confirmed")


DAMAGES: dict[str, tuple[Damage, str]] = {
    "a text has other words": (other_words, "words are not those that its id"),
    "a text is cut": (
        lambda w: update(schema.texts, (r := w.rows(schema.texts)[0]), body=r.body[:-5]),
        "text",
    ),
    "a text is nonsense": (
        lambda w: update(schema.texts, w.rows(schema.texts)[0], body=zlib.compress(b"\xff\xfe")),
        "text",
    ),
    "a text is gone": (
        lambda w: delete(schema.texts, first(w, schema.texts, id=confirmed(w).text_id)),
        "not there",
    ),
    "a passage begins elsewhere": (shifted_passage, "other words than its id says"),
    "a passage ends outside": (outside_passage, "does not stand where it should"),
    "a passage is gone": (
        lambda w: delete(schema.text_passages, first(w, schema.text_passages, position=3)),
        "not all there",
    ),
    "a passage has another id": (
        lambda w: update(
            schema.text_passages,
            first(w, schema.text_passages, position=3),
            passage_id=first(w, schema.text_passages, position=1).passage_id,
        ),
        "other words than its id says",
    ),
    "a passage hangs below itself": (
        lambda w: update(
            schema.text_passages, first(w, schema.text_passages, position=3), headings=[3]
        ),
        "headings that do not precede it",
    ),
    "a passage's words are gone": (
        lambda w: delete(schema.passages, w.rows(schema.passages)[0]),
        "passage_id names",
    ),
    "a quote is none": (other_quote, "quote for who"),
    "a match lies outside": (outside_match, "matched x"),
    "a disclosure hangs in the air": (gone_disclosed_passage, "passage"),
    "a verdict is gone": (
        lambda w: delete(schema.verdicts, w.rows(schema.verdicts)[0]),
        "verdict_id names",
    ),
    "a capture has another digest": (
        lambda w: update(
            schema.captures,
            first(w, schema.captures, record="response"),
            digest="sha256:" + "0" * 64,
        ),
        "another SHA-256",
    ),
    "a capture is of another time": (
        lambda w: update(
            schema.captures,
            (r := first(w, schema.captures, record="response")),
            captured_at=r.captured_at + DAY / 7,
        ),
        "record was made at",
    ),
    "a capture points elsewhere": (
        lambda w: update(
            schema.captures, first(w, schema.captures, record="revisit"), warc_offset=0
        ),
        "capture",
    ),
    "a capture names no file": (
        lambda w: update(
            schema.captures, first(w, schema.captures, record="revisit"), warc_file="1/no.warc.gz"
        ),
        "cannot be read",
    ),
    "a capture is gone": (
        lambda w: delete(schema.captures, first(w, schema.captures, id=confirmed(w).capture_id)),
        "capture_id names",
    ),
    "a capture shows another text": (
        lambda w: update(
            schema.captures,
            first(w, schema.captures, id=confirmed(w).capture_id),
            text_id=first(w, schema.versions, state="baseline").text_id,
        ),
        "its capture shows another text",
    ),
    "a version is of another time": (
        lambda w: update(schema.versions, (r := confirmed(w)), captured_at=r.captured_at + DAY / 9),
        "another time",
    ),
    "a version is confirmed by nothing": (
        lambda w: update(schema.versions, confirmed(w), confirmed_at=None),
        "nothing says when",
    ),
    "a version ends before it began": (
        lambda w: update(schema.versions, (r := confirmed(w)), last_seen=r.captured_at - DAY),
        "last seen before",
    ),
    "a published version is unconfirmed": (
        lambda w: update(
            schema.versions,
            first(w, schema.versions, id=w.changes[0].after_id),
            state="unconfirmed",
            confirmed_at=None,
        ),
        "was not confirmed with it",
    ),
    "the current version is unconfirmed": (
        lambda w: update(schema.versions, current_version(w), state="unconfirmed"),
        "is believed there",
    ),
    "the current version is gone": (
        lambda w: delete(schema.versions, current_version(w)),
        "track of",
    ),
    "an edit is gone": (other_edits, "do not lead from"),
    "edits are cut": (
        lambda w: update(schema.changes, (r := w.changes[0]), edits=r.edits[:20]),
        "do not lead from",
    ),
    "edits are nonsense": (
        lambda w: update(schema.changes, w.changes[0], edits=codec.pack([["x", 1]])),
        "do not lead from",
    ),
    "edits lead out of the version": (
        lambda w: update(
            schema.changes, w.changes[0], edits=codec.pack([["added", None, 500, []]])
        ),
        "do not lead from",
    ),
    "a change leads to the same text": (
        lambda w: update(schema.changes, (r := w.changes[0]), before_id=r.after_id),
        "to the same text",
    ),
    "a change is of another time": (
        lambda w: update(schema.changes, (r := w.changes[0]), captured_at=r.captured_at - DAY),
        "was not confirmed with it",
    ),
    "a change is found under another topic": (
        lambda w: schema.change_topics.insert().values(
            change_id=w.changes[0].id, topic="on_device"
        ),
        "other topics than its own",
    ),
    "a change is found under no topic": (
        lambda w: delete(schema.change_topics, w.rows(schema.change_topics)[0]),
        "other topics than its own",
    ),
    "a lifetime has ended": (
        lambda w: update(schema.spells, first(w, schema.spells, ended=None), ended=w.now),
        "lifetimes",
    ),
    "a lifetime is gone": (
        lambda w: delete(schema.spells, first(w, schema.spells, ended=None)),
        "lifetimes",
    ),
    "a lifetime never ends": (
        lambda w: update(
            schema.spells, next(r for r in w.rows(schema.spells) if r.ended), ended=None
        ),
        "lifetimes",
    ),
    "a version waits that does not": (
        lambda w: update(schema.tracks, w.track, pending_id=w.track.current_id),
        "is not pending",
    ),
    "a variant is gone": (
        lambda w: update(
            schema.tracks,
            w.track,
            variants=[
                {"version": "0" * 16, "returns": 1, "since": None, "since_capture": None, "seen": 0}
            ],
        ),
        "track of",
    ),
    "a page is gone": (lambda w: delete(schema.pages, w.rows(schema.pages)[0]), "page_id names"),
    "a vendor is gone": (
        lambda w: delete(schema.vendors, w.rows(schema.vendors)[0]),
        "vendor_id names",
    ),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_damage_in_the_store_is_found(watch: Watch, kind: str) -> None:
    damage, says = DAMAGES[kind]
    statement = damage(watch)
    with careless(watch) as connection:
        assert connection.execute(statement).rowcount in (1, -1)  # -1: the driver does not tell
    for deep in (False, True):
        found = watch.problems(deep=deep)
        assert any(says in problem for problem in found), found


# --- damage in the evidence ------------------------------------------------------------------


def warc(watch: Watch) -> Path:
    (path,) = (watch.folder / "evidence").glob("*/*.warc.gz")
    return path


def test_any_flipped_byte_of_a_response_is_found(watch: Watch) -> None:
    path = warc(watch)
    whole = path.read_bytes()
    row = first(watch, schema.captures, record="response")
    # The first ten bytes are gzip's own: its time and system change nothing that is kept.
    for at in range(row.warc_offset + 10, row.warc_offset + row.warc_length, 61):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert any(row.id in problem for problem in watch.problems(deep=False)), at


@pytest.mark.parametrize("left", [0, 1, 700, 4000])
def test_evidence_that_was_cut_is_found(watch: Watch, left: int) -> None:
    path = warc(watch)
    path.write_bytes(path.read_bytes()[:left])
    found = watch.problems()
    assert any("cannot be read" in problem for problem in found)


def test_evidence_that_is_gone_is_found_for_every_capture(watch: Watch) -> None:
    warc(watch).unlink()
    found = watch.problems(deep=False)
    captures = [row for row in watch.rows(schema.captures) if row.warc_file]
    assert len([p for p in found if "cannot be read" in p]) == len(captures)


def test_a_page_that_reads_otherwise_now_is_found_only_when_read_again(watch: Watch) -> None:
    row = watch.rows(schema.versions)[0]
    other = next(v for v in watch.rows(schema.versions) if v.text_id != row.text_id)
    with careless(watch) as connection:
        connection.execute(update(schema.versions, row, text_id=other.text_id, state="reread"))
    assert not any("reads as another text" in p for p in watch.problems(deep=False))
    assert any("reads as another text" in p for p in watch.problems(deep=True))


# --- the command -----------------------------------------------------------------------------


def run(watch: Watch, *words: str) -> tuple[int, str]:
    environment = {"EARWITNESS_DATA": str(watch.folder), "EARWITNESS_DATABASE": watch.url}
    done = CliRunner().invoke(main, ["verify", *words], env=environment)
    return done.exit_code, done.output


def test_the_command_says_that_nothing_is_wrong(watch: Watch) -> None:
    for words in ((), ("--deep",)):
        code, output = run(watch, *words)
        assert (code, "Nothing is wrong" in output) == (0, True), output


def test_the_command_says_what_is_wrong(watch: Watch) -> None:
    with careless(watch) as connection:
        connection.execute(DAMAGES["an edit is gone"][0](watch))
    code, output = run(watch)
    assert code == 1
    assert "do not lead from the one version to the other" in output
    assert "it is not what entry" in output
    assert "search does not find its changed words as they are" in output
    assert "3 things are wrong." in output


def test_the_command_needs_a_store(tmp_path: Path) -> None:
    environment = {"EARWITNESS_DATA": str(tmp_path / "none"), "EARWITNESS_DATABASE": ""}
    done = CliRunner().invoke(main, ["verify"], env=environment)
    assert done.exit_code == 1
    assert "there is no store" in done.output
    assert json.dumps(done.output).count("Traceback") == 0


def test_an_unwatched_store_is_sound(database_url: str, tmp_path: Path) -> None:
    empty = Watch(database_url, tmp_path / "data")
    assert empty.problems() == []
    empty.see(A)
    assert empty.problems() == []
    empty.tracker.close()


# --- what search finds -----------------------------------------------------------------------


def of_search(watch: Watch) -> list[str]:
    return [one for one in watch.problems(deep=False) if "reread" in one]


def indexed(watch: Watch) -> list[Any]:
    tables = (schema.passage_words, schema.edit_words)
    return [tuple(row) for table in tables for row in sorted(watch.rows(table))]


def a_change(watch: Watch) -> str:
    return str(watch.rows(schema.edit_words)[0].change_id)


SPOILED: dict[str, Callable[[Watch, sa.Connection], Any]] = {
    "search does not find it": lambda w, c: c.execute(
        schema.passage_words.delete().where(
            schema.passage_words.c.passage_id == w.rows(schema.passage_words)[0].passage_id
        )
    ),
    "by other words than its own": lambda w, c: c.execute(
        schema.passage_words.update()
        .where(schema.passage_words.c.number == w.rows(schema.passage_words)[0].number)
        .values(words=("nobody", "listens"))
    ),
    "first seen at another time": lambda w, c: c.execute(
        schema.passage_words.update()
        .where(schema.passage_words.c.number == w.rows(schema.passage_words)[0].number)
        .values(number=5)
    ),
    "no version holds it": lambda w, c: (
        c.execute(schema.passages.insert().values(id="ab" * 8, lang="en", text="Slipped in.")),
        c.execute(
            schema.passage_words.insert().values(
                number=7, passage_id="ab" * 8, words=("slipped", "in")
            )
        ),
    ),
    "does not find its changed words": lambda w, c: c.execute(
        schema.edit_words.delete().where(schema.edit_words.c.change_id == a_change(w))
    ),
    "its changed words as they are": lambda w, c: c.execute(
        schema.edit_words.update()
        .where(schema.edit_words.c.change_id == a_change(w))
        .values(added=("nobody",))
    ),
}


@pytest.mark.parametrize("says", SPOILED)
def test_an_index_that_is_not_what_is_stored_is_found_and_made_anew(watch: Watch, says: str):
    before = indexed(watch)
    with careless(watch) as connection:
        SPOILED[says](watch, connection)
    found = of_search(watch)
    assert any(says in one for one in found), found
    assert all("`earwitness reread` makes it anew" in one for one in found)
    assert search.mend(watch.tracker.store.engine)
    assert of_search(watch) == []
    assert indexed(watch) == before
    assert not search.mend(watch.tracker.store.engine), "nothing is wrong any more"


def test_an_index_of_fts5_that_lost_its_words_is_found_and_made_anew(watch: Watch):
    engine = watch.tracker.store.engine
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL looks after its own indexes")
    row = watch.rows(schema.passage_words)[0]
    with careless(watch) as connection:
        connection.execute(
            sa.text("INSERT INTO passage_fts(passage_fts, rowid, words) VALUES ('delete', :n, :w)"),
            {"n": row.number, "w": " ".join(row.words)},
        )
    (found,) = of_search(watch)
    assert "the index of passages does not hold the words kept for it" in found
    assert search.mend(engine)
    assert of_search(watch) == []


def test_a_passage_whose_words_were_altered_is_found(watch: Watch):
    p = schema.passages
    with careless(watch) as connection:
        connection.execute(p.update().where(p.c.id == watch.rows(p)[0].id).values(text="Altered."))
    assert any("its id was made from" in one for one in watch.problems(deep=False))
