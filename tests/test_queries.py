"""What the doors ask the store, on the sample web as it was really read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from api import knowledge
from policies.ledger import Standing
from policies.model import Health, Topic, VersionState
from policies.settings import Settings
from policies.store import codec, open_store, schema
from policies.store.queries import catalog, changes, statements, texts, tracks, versions
from policies.store.queries.changes import Wanted
from policies.store.queries.rows import Position

SPEECH = "quendrivox.speech-privacy.en"


@pytest.fixture
def connection(sample: Settings) -> Iterator[sa.Connection]:
    store = open_store(sample.database_url)
    with store.engine.connect() as reader:
        yield reader
    store.close()


@contextmanager
def counted(connection: sa.Connection) -> Iterator[list[str]]:
    """The statements that are executed meanwhile."""
    asked: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        asked.append(statement)

    sa.event.listen(connection.engine, "before_cursor_execute", note)
    yield asked
    sa.event.remove(connection.engine, "before_cursor_execute", note)


def test_vendors_and_pages_come_as_they_were_declared(connection):
    found = catalog.vendors(connection).items
    assert [v.id for v in found] == ["brellomar", "pellifrane", "quendrivox", "tavelunne"]
    speech = catalog.page(connection, SPEECH)
    assert speech is not None
    assert (speech.vendor_name, speech.lang) == ("Quendrivox", "en")
    assert catalog.page(connection, "nobody.nothing.en") is None


def test_lists_go_on_where_they_stopped(connection):
    whole = catalog.pages(connection).items
    first = catalog.pages(connection, limit=5)
    rest = catalog.pages(connection, after=first.items[-1].id)
    assert first.more
    assert not rest.more
    assert first.items + rest.items == whole


def test_changes_go_on_where_they_stopped(connection):
    whole = changes.changes(connection, Wanted()).items
    walked: list[changes.ChangeRow] = []
    after: Position | None = None
    while True:
        part = changes.changes(connection, Wanted(), after=after, limit=3)
        walked += part.items
        if not part.more:
            break
        after = Position(part.items[-1].captured_at, part.items[-1].id)
    assert tuple(walked) == whole
    assert [c.captured_at for c in whole] == sorted((c.captured_at for c in whole), reverse=True)


def test_changes_by_filter(connection):
    everything = changes.changes(connection, Wanted()).items
    about = changes.changes(connection, Wanted(topic=Topic.HUMAN_REVIEW)).items
    assert about == tuple(c for c in everything if Topic.HUMAN_REVIEW in c.topics)
    since = datetime(2024, 7, 1, tzinfo=UTC)
    later = changes.changes(connection, Wanted(since=since, lang="fr")).items
    assert later == tuple(c for c in everything if c.captured_at >= since and c.lang == "fr")
    earlier = changes.changes(connection, Wanted(before=since, vendor_id="brellomar")).items
    assert earlier == tuple(
        c for c in everything if c.captured_at < since and c.vendor_id == "brellomar"
    )


def test_a_change_knows_its_neighbours_on_its_page(connection):
    of_page = changes.changes(connection, Wanted(page_id=SPEECH)).items
    newest, middle = of_page[0], of_page[1]
    assert changes.neighbours(connection, middle)[1] == newest.id
    assert changes.neighbours(connection, newest) == (middle.id, None)


def test_versions_of_a_page_newest_first(connection):
    found = versions.page_versions(connection, SPEECH).items
    oldest = {v.state for v in found if v.captured_at == found[-1].captured_at}
    assert oldest == {VersionState.BASELINE, VersionState.REREAD}, "its layout changed once"
    assert found[0].change_id is not None
    part = versions.page_versions(connection, SPEECH, limit=1)
    after = Position(part.items[0].captured_at, part.items[0].id)
    rest = versions.page_versions(connection, SPEECH, after=after)
    assert part.items + rest.items == found


def test_an_excerpt_is_part_of_the_text(connection):
    version = versions.page_versions(connection, SPEECH).items[0]
    scope = catalog.pages_by_id(connection, [SPEECH])[0].scope
    whole = versions.text(connection, version.text_id, scope)
    at = max(whole.disclosures)
    part = versions.excerpt(connection, version.text_id, scope, [at])
    assert part.passages[at] == whole.passages[at]
    assert all(above in part.passages for above in part.passages[at].headings)
    assert part.disclosures == whole.disclosures


def test_every_quote_is_a_slice_of_its_version(connection):
    stored = {
        row.id: codec.unpack_text(row.body)
        for row in connection.execute(sa.select(schema.texts.c.id, schema.texts.c.body))
    }
    for known in knowledge.everybody(connection):
        pages = {page.page.id: page.page for page in known.pages}
        quotes = knowledge.quotes(connection, known.statements, pages)
        assert len(quotes) == len({s.place for s in known.statements})
        for quote in quotes.values():
            said = quote.statement
            assert stored[said.text_id][said.start : said.end] == quote.text
            assert quote.text.strip()


def test_slices_of_a_text_are_untouched(connection):
    version = versions.page_versions(connection, SPEECH).items[0]
    body = dict(texts.bodies(connection, [version.text_id]))[version.text_id]
    assert texts.slices(connection, [(version.text_id, 5, 40)]) == {
        (version.text_id, 5, 40): body[5:40]
    }


def test_a_statement_that_was_removed_keeps_its_lifetime(connection):
    rows = statements.statements(connection, vendor_id="quendrivox")
    ended = [r for r in rows if r.page_id == SPEECH and r.spells and r.spells[-1][1] is not None]
    assert ended
    for row in rows:
        assert row.spells, "every passage of a believed version has a lifetime"
        assert row.first_seen >= row.spells[0][0]


def test_a_vendor_alone_is_told_as_among_all(connection):
    everybody = {known.vendor.id: known for known in knowledge.everybody(connection)}
    for vendor_id, known in everybody.items():
        assert knowledge.somebody(connection, vendor_id) == known
    assert knowledge.somebody(connection, "nobody") is None


def test_a_page_that_is_gone_is_known_by_its_health(connection):
    now = tracks.speaking(tracks.tracks(connection))
    assert now["tavelunne.voice-faq.en"].health is Health.GONE
    assert now[SPEECH].health is Health.CURRENT
    assert now[SPEECH].warnings, "its selector is broken, and that is said"
    assert now[SPEECH].digest is not None


def test_answers_name_how_many_pages_were_read(connection):
    for known in knowledge.everybody(connection):
        answer = known.answers[Topic.HUMAN_REVIEW]
        assert answer.pages_read + answer.pages_unread == len(known.pages)
        assert answer.standing in (Standing.STATED, Standing.NOT_STATED)


def test_many_vendors_cost_no_more_queries_than_one(connection):
    with counted(connection) as for_one:
        knowledge.somebody(connection, "quendrivox")
    with counted(connection) as for_all:
        everybody = knowledge.everybody(connection)
        pages = {page.page.id: page.page for known in everybody for page in known.pages}
        knowledge.quotes(connection, [s for k in everybody for s in k.statements], pages)
    assert len(for_one) <= 6, "BEGIN, vendor, pages, tracks, statements, spells"
    assert len(for_all) <= 7


def test_the_stamp_stays_while_nothing_changes(connection):
    assert tracks.stamp(connection) == tracks.stamp(connection)


def test_an_empty_store_answers_everything_with_nothing(database_url):
    store = open_store(database_url)
    with store.engine.connect() as reader:
        assert catalog.vendors(reader).items == ()
        assert changes.changes(reader, Wanted()).items == ()
        assert knowledge.everybody(reader) == ()
        assert tracks.as_of(reader) is None
        assert tracks.stamp(reader)
        assert changes.latest_by_vendor(reader, 3) == ()
    store.close()


@pytest.mark.parametrize("table", ["changes", "versions", "tracks"])
def test_lists_are_read_by_index(sample_on_sqlite, table):
    """On SQLite only: PostgreSQL reads tables as small as these whole, and rightly so."""
    with (
        contextlib.closing(open_store(sample_on_sqlite.database_url)) as store,
        store.engine.connect() as connection,
    ):
        asked = {
            "changes": lambda: changes.changes(connection, Wanted(page_id=SPEECH)),
            "versions": lambda: versions.page_versions(connection, SPEECH),
            "tracks": lambda: tracks.tracks(connection, page_ids=[SPEECH]),
        }
        with counted(connection) as seen:
            asked[table]()
        plans = [
            str(line)
            for statement in seen
            if statement.startswith("SELECT")
            for line in connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {statement}", tuple([1] * statement.count("?"))
            )
        ]
    assert plans
    assert not [plan for plan in plans if f"SCAN {table}" in plan and "INDEX" not in plan]
