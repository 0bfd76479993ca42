"""The log: what is recorded is entered, and nothing can be altered, removed or slipped in."""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from policies.cli import main
from policies.store import chain, log, schema
from policies.store.queries import log as entries
from policies.tracking.verify import verify, verify_since
from tests.fixtures_postgres import Postgres
from tests.older_stores import make_older
from tests.test_tracking import DAY, LONG, STORY, B, C, Watch, make_page, tell
from tests.test_verify import careless
from tests.test_writers import OTHER, capture, tracker

ROOT = Path(__file__).resolve().parents[1]
Tamper = Callable[["Watch"], list[Any]]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def told(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watch]:
    """A store with a page that was edited, reverted, blocked and edited again."""
    folder = tmp_path_factory.mktemp("log")
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
        yield found


@pytest.fixture
def watch(told: Watch) -> Iterator[Watch]:
    """The same store, mended after each test."""
    kept = {table: told.rows(table) for table in schema.metadata.sorted_tables}
    yield told
    with careless(told) as connection:
        for table, rows in kept.items():
            connection.execute(table.delete())
            if rows:
                connection.execute(table.insert(), [dict(row._mapping) for row in rows])
    assert told.problems(deep=False) == []


def head(watch: Watch) -> chain.Entry:
    with watch.tracker.store.engine.connect() as connection:
        found = entries.head(connection)
    assert found is not None
    return found


def everything(watch: Watch) -> list[chain.Entry]:
    return [entries.entry(row) for row in watch.rows(schema.log)]


def since(watch: Watch, start: int) -> list[str]:
    found = verify_since(watch.tracker.store, watch.folder / "evidence", start, seen=lambda _: None)
    return [f"{problem.where}: {problem.says}" for problem in found]


def run(watch: Watch, *words: str) -> tuple[int, str]:
    environment = {"EARWITNESS_DATA": str(watch.folder), "EARWITNESS_DATABASE": watch.url}
    done = CliRunner().invoke(main, ["verify", *words], env=environment)
    return done.exit_code, done.output


# --- what is entered -------------------------------------------------------------------------


def test_every_row_has_an_entry_and_each_entry_names_the_one_before(watch: Watch) -> None:
    found = everything(watch)
    assert [entry.seq for entry in found] == list(range(1, len(found) + 1))
    assert found[0].previous == chain.NOTHING
    hashes = {0: chain.NOTHING}
    for entry, row in zip(found, watch.rows(schema.log), strict=True):
        line = entry.line
        hashes[entry.seq] = hashlib.sha256(line.encode()).hexdigest()
        assert row.hash == hashes[entry.seq]
        assert entry.previous == hashes[entry.seq - 1]
        assert entry.skip == hashes[chain.skip_of(entry.seq)]
        assert json.loads(line)["digest"] == entry.digest
        assert not entry.backfilled
    for kind, table in log.TABLES.items():
        assert {e.id for e in found if e.kind == kind} == {row.id for row in watch.rows(table)}
    changes = [e for e in found if e.kind == "change"]
    assert len(changes) == len(watch.changes) >= 3


def test_a_version_that_comes_to_be_believed_is_entered_again(watch: Watch) -> None:
    change = watch.changes[0]
    states = [e.what for e in everything(watch) if e.id == change.after_id]
    assert states == ["pending", "confirmed"]


def test_what_is_rolled_back_is_not_entered(watch: Watch) -> None:
    before = head(watch)
    engine = watch.tracker.store.engine.execution_options(writes=True)
    with engine.connect() as connection:
        transaction = connection.begin()
        log.note(connection, "change", watch.changes[0].id)
        transaction.rollback()
    with engine.begin() as connection:  # it may be the same connection of the pool
        connection.execute(sa.text("SELECT 1"))
    assert head(watch) == before


@pytest.mark.parametrize("writers", [4])
def test_writers_at_once_do_not_fork_it(database_url: str, tmp_path: Path, writers: int) -> None:
    trackers = [tracker(database_url, tmp_path) for _ in range(writers)]
    pages = [make_page(), OTHER, *(make_page(id=f"brello.p{n}.en") for n in range(writers - 2))]
    raised: list[BaseException] = []

    def work(number: int) -> None:
        one, page = trackers[number], pages[number]
        try:
            for step in range(6):
                text = [*LONG, f"Page {number} is in its edition with the number {step // 2}."]
                one.observe(page, capture(page, timedelta(hours=step), text))
        except BaseException as error:
            raised.append(error)

    with trackers[0].store.engine.begin() as connection:
        for page in pages[2:]:
            row = connection.execute(schema.pages.select()).first()
            assert row is not None
            connection.execute(schema.pages.insert(), {**row._mapping, "id": page.id})
    threads = [threading.Thread(target=work, args=(n,)) for n in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert raised == []
    store = trackers[0].store
    assert list(verify(store, tmp_path / "evidence", deep=False, seen=lambda _: None)) == []
    with store.engine.connect() as connection:
        rows = connection.execute(schema.log.select().order_by(schema.log.c.seq)).all()
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    assert sum(row.kind == "capture" for row in rows) == 6 * writers
    for one in trackers:
        one.close()


# --- the form of it --------------------------------------------------------------------------


@given(st.integers(1, 5_000_000), st.data())
def test_any_entry_is_linked_to_the_head_by_a_few(head_seq: int, data: st.DataObject) -> None:
    seq = data.draw(st.integers(1, head_seq))
    way = list(chain.path(head_seq, seq))
    assert (way[0], way[-1]) == (head_seq, seq)
    for later, earlier in pairwise(way):
        assert earlier in (later - 1, chain.skip_of(later))
    assert len(way) <= math.log2(head_seq + 1) ** 2 / 2 + 5


# --- tampering -------------------------------------------------------------------------------


def rebuilt(rows: list[chain.Entry]) -> list[dict[str, Any]]:
    """The entries, numbered and chained anew, as somebody would who owns the database."""
    hashes = {0: chain.NOTHING}
    made = []
    for seq, old in enumerate(rows, 1):
        entry = chain.Entry(
            seq=seq,
            at=old.at,
            kind=old.kind,
            id=old.id,
            what=old.what,
            form=old.form,
            digest=old.digest,
            backfilled=old.backfilled,
            previous=hashes[seq - 1],
            skip=hashes[chain.skip_of(seq)],
        )
        hashes[seq] = entry.hash
        made.append(log.row_of(entry))
    return made


def put_log(watch: Watch, rows: list[dict[str, Any]]) -> list[Any]:
    return [schema.log.delete(), *(schema.log.insert().values(row) for row in rows)]


def other_status(watch: Watch) -> list[Any]:
    c = schema.captures
    id_ = next(row.id for row in watch.rows(c) if row.status == 503)
    return [c.update().where(c.c.id == id_).values(status=502)]


def later_confirmation(watch: Watch) -> list[Any]:
    v = schema.versions
    row = next(r for r in watch.rows(v) if r.state == "confirmed")
    at = row.confirmed_at + DAY
    return [v.update().where(v.c.id == row.id).values(confirmed_at=at)]


def other_topics(watch: Watch) -> list[Any]:
    c, t = schema.changes, schema.change_topics
    id_ = watch.changes[0].id
    return [
        c.update().where(c.c.id == id_).values(topics=["on_device"]),
        t.delete().where(t.c.change_id == id_),
        t.insert().values(change_id=id_, topic="on_device"),
    ]


def capture_gone(watch: Watch) -> list[Any]:
    c = schema.captures
    id_ = next(row.id for row in watch.rows(c) if row.outcome == "failed")
    return [c.delete().where(c.c.id == id_)]


def capture_and_its_entry_gone(watch: Watch) -> list[Any]:
    (statement,) = capture_gone(watch)
    id_ = next(row.id for row in watch.rows(schema.captures) if row.outcome == "failed")
    return [statement, schema.log.delete().where(schema.log.c.id == id_)]


def capture_slipped_in(watch: Watch) -> list[Any]:
    row = next(row for row in watch.rows(schema.captures) if row.outcome == "failed")
    values = {**row._mapping, "id": "0" * 16, "captured_at": row.captured_at + DAY / 24}
    return [schema.captures.insert().values(values)]


def change_slipped_in(watch: Watch) -> list[Any]:
    row = watch.changes[-1]
    other = next(
        v for v in watch.rows(schema.versions) if v.id not in {c.after_id for c in watch.changes}
    )
    return [schema.changes.insert().values({**row._mapping, "id": "0" * 16, "after_id": other.id})]


def reordered(watch: Watch) -> list[Any]:
    t = schema.log
    return [
        t.update().where(t.c.seq == 5).values(seq=10**6),
        t.update().where(t.c.seq == 6).values(seq=5),
        t.update().where(t.c.seq == 10**6).values(seq=6),
    ]


def entry_says_otherwise(watch: Watch) -> list[Any]:
    t = schema.log
    return [t.update().where(t.c.seq == 4).values(at=watch.now)]


def entry_and_its_hash(watch: Watch) -> list[Any]:
    found = everything(watch)
    changed = log.row_of(found[3])
    entry = chain.Entry(**{k: v for k, v in changed.items() if k != "hash"} | {"what": "gone"})
    t = schema.log
    return [t.update().where(t.c.seq == 4).values(what="gone", hash=entry.hash)]


def shortcut_cut(watch: Watch) -> list[Any]:
    found = everything(watch)
    changed = {k: v for k, v in log.row_of(found[-1]).items() if k != "hash"}
    entry = chain.Entry(**changed | {"skip": chain.NOTHING})
    t = schema.log
    return [t.update().where(t.c.seq == entry.seq).values(skip=entry.skip, hash=entry.hash)]


def tail_cut(watch: Watch) -> list[Any]:
    return [schema.log.delete().where(schema.log.c.seq > head(watch).seq - 3)]


def log_gone(watch: Watch) -> list[Any]:
    return [schema.log.delete()]


def unknown_kind(watch: Watch) -> list[Any]:
    entry = everything(watch)[-1]
    extra = chain.Entry(
        entry.seq + 1, entry.at, "rumour", "0" * 16, "", 1, "0" * 64, False, entry.hash, ""
    )
    by_seq = {e.seq: e.hash for e in everything(watch)} | {0: chain.NOTHING}
    fields = {k: v for k, v in log.row_of(extra).items() if k != "hash"}
    made = chain.Entry(**fields | {"skip": by_seq[chain.skip_of(extra.seq)]})
    return [schema.log.insert().values(log.row_of(made))]


TAMPERED: dict[str, tuple[Tamper, str]] = {
    "a capture has another status": (other_status, "it is not what entry"),
    "a version was confirmed later": (later_confirmation, "it is not what entry"),
    "a change is about something else": (other_topics, "it is not what entry"),
    "a capture is gone": (capture_gone, "tells of it, but it is not there"),
    "a capture is gone with its entry": (capture_and_its_entry_gone, "it is missing"),
    "a capture was slipped in": (capture_slipped_in, "it was slipped in"),
    "a change was slipped in": (change_slipped_in, "it was slipped in"),
    "two entries changed places": (reordered, "it does not name the entry before it"),
    "an entry says something else": (entry_says_otherwise, "its hash is not that of what it says"),
    "an entry was made anew": (entry_and_its_hash, "it does not name the entry before it"),
    "an entry names nothing far behind": (shortcut_cut, "it does not name entry"),
    "the last entries are gone": (tail_cut, "it was slipped in"),
    "the log is gone": (log_gone, "it was slipped in"),
    "an entry tells of something unheard of": (unknown_kind, "nothing is of the kind"),
}


@pytest.mark.parametrize("kind", TAMPERED)
def test_tampering_is_found(watch: Watch, kind: str) -> None:
    tamper, says = TAMPERED[kind]
    statements = tamper(watch)
    with careless(watch) as connection:
        for statement in statements:
            connection.execute(statement)
    for found in (watch.problems(deep=False), since(watch, 1)):
        assert any(says in problem for problem in found), found
    code, output = run(watch, "--since", "1")
    assert (code, says in output) == (1, True), output


def test_what_was_altered_before_is_not_asked_for_since(watch: Watch) -> None:
    with careless(watch) as connection:
        for statement in other_status(watch):
            connection.execute(statement)
    altered = next(row.id for row in watch.rows(schema.captures) if row.status == 502)
    seq = next(e.seq for e in everything(watch) if e.id == altered)
    assert since(watch, seq + 1) == []
    assert since(watch, seq) != []


def forged(watch: Watch) -> list[Any]:
    """A capture altered, and the whole chain made anew over it."""
    statements = other_status(watch)
    row = next(row for row in watch.rows(schema.captures) if row.status == 503)
    digest = chain.sha256(chain.record("capture", {**row._mapping, "status": 502}))
    found = [
        chain.Entry(**{k: v for k, v in log.row_of(e).items() if k != "hash"} | {"digest": digest})
        if e.id == row.id
        else e
        for e in everything(watch)
    ]
    return [*statements, *put_log(watch, rebuilt(found))]


def cut(watch: Watch) -> list[Any]:
    """The last change taken back, with all that tells of it."""
    last = next(e for e in reversed(everything(watch)) if e.kind == "change")
    kept = [e for e in everything(watch) if e.id != last.id]
    return [
        schema.change_topics.delete().where(schema.change_topics.c.change_id == last.id),
        schema.changes.delete().where(schema.changes.c.id == last.id),
        *put_log(watch, rebuilt(kept)),
    ]


@pytest.mark.parametrize("forge", [forged, cut])
def test_a_chain_made_anew_is_found_by_whoever_noted_a_head(watch: Watch, forge: Tamper) -> None:
    code, output = run(watch)
    assert code == 0, output
    noted = output.rpartition(": ")[2].strip()
    assert noted == f"{head(watch).seq}:{head(watch).hash}"
    statements = forge(watch)
    with careless(watch) as connection:
        for statement in statements:
            connection.execute(statement)
    assert since(watch, 1) == [], "without a noted head nothing is to be seen"
    code, output = run(watch, "--head", noted)
    assert (code, "made anew" in output) == (1, True), output


# --- the command -----------------------------------------------------------------------------


def test_the_command_prints_a_head_that_it_knows_later(watch: Watch) -> None:
    noted = everything(watch)[6]
    for words in ((noted.hash,), (f"7:{noted.hash}",)):
        code, output = run(watch, "--head", *words)
        assert code == 0, output
        assert f"is entry 7, of {noted.at:%Y-%m-%d}" in output
    code, output = run(watch, "--head", head(watch).hash, "--since", "2026-01-01")
    assert (code, "is still the head" in output) == (0, True), output


def test_the_command_checks_since_a_date_or_a_number(watch: Watch) -> None:
    count = head(watch).seq
    asked = (("1", count), ("2020-01-01", count), (str(count), 1), ("2200-01-01", 0))
    for since_, checked in asked:
        code, output = run(watch, "--since", since_)
        assert code == 0, output
        words = "1 entry" if checked == 1 else f"{checked} entries"
        assert f"Nothing is wrong: {words} of the log since {since_} checked" in output, output


def test_an_entry_that_was_there_and_is_not_is_no_empty_answer(watch: Watch) -> None:
    code, output = run(watch, "--since", str(head(watch).seq + 2))
    assert (code, "the log ends with entry" in output) == (1, True), output


@pytest.mark.parametrize(
    "words", [["--head", "abc"], ["--since", "yesterday"], ["--since", "1", "--deep"]]
)
def test_the_command_refuses_what_it_cannot_mean(watch: Watch, words: list[str]) -> None:
    code, output = run(watch, *words)
    assert code == 2
    assert "earwitness: " in output


# --- stores that are older than the log ------------------------------------------------------


def test_a_store_without_a_log_gets_one_that_says_so(database_url: str, tmp_path: Path) -> None:
    watch = Watch(database_url, tmp_path / "data")
    tell(watch, STORY)
    watch.tracker.close()
    engine = sa.create_engine(database_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        make_older(connection, "0004")
    watch.open()
    found = everything(watch)
    rows = sum(len(watch.rows(table)) for table in log.TABLES.values())
    assert len(found) == rows
    assert all(entry.backfilled for entry in found)
    assert watch.problems() == []
    watch.see(LONG)
    assert not head(watch).backfilled
    assert watch.problems() == []
    watch.tracker.close()
    engine.dispose()


# --- a kill ----------------------------------------------------------------------------------

WRITER = """
import os, sys, signal
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
import sqlalchemy as sa
from tests.test_writers import tracker, capture
from tests.test_tracking import LONG, make_page
one = tracker(sys.argv[1], Path(sys.argv[2]))
page = make_page()
one.observe(page, capture(page, timedelta(hours=1), LONG))

@sa.event.listens_for(one.store.engine, "before_cursor_execute")
def _die(connection, cursor, statement, *rest):
    if sys.argv[3] in statement:
        os.kill(os.getpid(), signal.SIGKILL)

one.observe(page, capture(page, timedelta(hours=2), LONG[1:]))
"""


@pytest.mark.parametrize("at", ["INSERT INTO captures", "INSERT INTO log", "FROM log"])
def test_a_kill_leaves_no_gap(database_url: str, tmp_path: Path, at: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WRITER, database_url, str(tmp_path / "evidence"), at],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr
    watch = Watch(database_url, tmp_path / "evidence")
    before = len(everything(watch))
    assert watch.tracker.recover() == 1
    assert len(everything(watch)) > before
    assert watch.problems() == []
    watch.tracker.close()
