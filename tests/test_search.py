"""Search and provenance: the same answers from both databases, and none that is not so."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from policies.errors import BadInput
from policies.finding import hits, tracing
from policies.model import EditKind, SpanKind, Topic
from policies.settings import Settings
from policies.store import open_store, schema
from policies.store.search import asking, filling
from policies.store.search.asking import Side, Within
from policies.store.search.sightings import Place
from policies.words import Term, matches, terms, words
from tests.older_stores import make_older
from tests.test_tracking import DAY, A, Watch, make_page

SPEECH = "quendrivox.speech-privacy.en"
QUERIES = [
    "recordings",
    "RECORDINGS",
    "enregistrements",
    "améliorer",
    "ameliorer",
    '"people"',
    '"small share of"',
    "record*",
    "share recordings",
    '"recordings are" listen*',
    "nosuchword",
]


@pytest.fixture
def connection(sample: Settings) -> Iterator[sa.Connection]:
    with reading(sample) as reader:
        yield reader


@contextlib.contextmanager
def reading(where: Settings) -> Iterator[sa.Connection]:
    with (
        contextlib.closing(open_store(where.database_url)) as store,
        store.engine.connect() as reader,
    ):
        yield reader


def everything(connection: sa.Connection) -> list[tuple[int, str, str]]:
    """(number, id, text) of every passage that a version holds, newest first."""
    pw, p = schema.passage_words, schema.passages
    query = sa.select(pw.c.number, p.c.id, p.c.text).join(p, p.c.id == pw.c.passage_id)
    return [tuple(row) for row in connection.execute(query.order_by(pw.c.number.desc()))]


def asked_by_chance(connection: sa.Connection, count: int) -> list[str]:
    """Words, pairs and phrases of the stored passages, the same in every run."""
    chance = random.Random(20_241)
    texts = sorted(text for _, _, text in everything(connection) if len(words(text)) > 3)
    asked = []
    for text in chance.sample(texts, count):
        said = [word.said for word in words(text)]
        at = chance.randrange(len(said) - 2)
        one, other = chance.choice(said), chance.choice(said)
        asked += [one, f"{one} {other}", f'"{" ".join(said[at : at + 3])}"']
    return asked


# --- passages --------------------------------------------------------------------------


def test_a_search_finds_what_reading_everything_finds(connection):
    passages = everything(connection)
    asked = [*QUERIES, *asked_by_chance(connection, 40)]
    for query in asked:
        wanted = [id_ for _, id_, text in passages if _holds(query, text)]
        found = asking.passages(connection, terms(query), limit=10_000)
        assert [hit.passage_id for hit in found.items] == wanted, query
        assert not found.more


def _holds(query: str, text: str) -> bool:
    return all(matches([term], text) for term in terms(query))


def test_both_databases_answer_alike(sample_on_sqlite, sample_on_postgresql):
    with reading(sample_on_sqlite) as one, reading(sample_on_postgresql) as other:
        for query in [*QUERIES, *asked_by_chance(one, 40)]:
            assert hits.passages(one, query) == hits.passages(other, query)
            assert hits.edits(one, query) == hits.edits(other, query)
        for _, _, text in everything(one)[::40]:
            pasted = text.replace(" the ", " a ").replace(" les ", " des ")
            assert tracing.provenance_of(one, pasted) == tracing.provenance_of(other, pasted)


def test_a_list_goes_on_where_it_stopped(connection):
    whole = hits.passages(connection, "the", limit=1000)
    walked: list[Any] = []
    before = None
    while True:
        part = hits.passages(connection, "the", before=before, limit=7)
        walked += part.items
        if not part.more:
            break
        before = part.items[-1].number
    assert tuple(walked) == whole.items
    assert len(walked) > 14


def test_what_is_found_is_shown_in_the_words_of_a_version(connection):
    found = hits.passages(connection, "recordings", limit=100).items
    assert found
    for hit in found:
        best = hit.seen[0]
        assert hit.pages[best.page_id].lang == hit.lang
        assert {hit.text[start:end].casefold() for start, end in hit.matches} == {"recordings"}
        assert hit.first_seen <= hit.last_seen
        assert hit.is_current == any(seen.place is Place.CURRENT for seen in hit.seen)


@pytest.mark.parametrize(
    "within",
    [
        Within(vendor_id="quendrivox"),
        Within(page_id=SPEECH),
        Within(lang="en"),
        Within(topic=Topic.HUMAN_REVIEW),
        Within(since=datetime(2024, 12, 1, tzinfo=UTC)),
        Within(before=datetime(2024, 10, 1, tzinfo=UTC)),
    ],
    ids=lambda within: next(name for name, value in vars(within).items() if value),
)
def test_a_search_is_narrowed(connection, within):
    query = "on" if within.lang else "recordings"  # stands in several languages
    every = hits.passages(connection, query, limit=1000).items
    found = hits.passages(connection, query, within, limit=1000).items
    assert 0 < len(found) < len(every)

    def fits(hit: hits.FoundPassage) -> bool:
        return any(
            within.vendor_id in (None, hit.pages[seen.page_id].vendor_id)
            and within.page_id in (None, seen.page_id)
            and within.lang in (None, hit.lang)
            and (within.since is None or seen.last_seen >= within.since)
            and (within.before is None or seen.first_seen < within.before)
            for seen in hit.seen
        )

    assert all(fits(hit) for hit in found)
    if within.topic is None:
        assert found == tuple(hit for hit in every if fits(hit))


@pytest.mark.parametrize(
    "query",
    ["words : recordings", "recordings NEAR people", "recordings) OR (people", "recordings'; --"],
)
def test_no_query_speaks_to_the_database(connection, query):
    found = hits.passages(connection, query, limit=1000).items
    assert all(_holds(query, hit.text) for hit in found)


def test_a_search_that_takes_too_long_is_ended_in_a_sentence(connection):
    endless = (
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1000000000)"
        " SELECT count(*) FROM n"
    )
    with (
        pytest.raises(BadInput, match="takes too long: ask for a rarer word"),
        asking.bounded(connection, 0.05),
    ):
        connection.exec_driver_sql(endless)


# --- lifetimes -------------------------------------------------------------------------


@pytest.fixture
def watch(database_url: str, tmp_path: Path) -> Iterator[Watch]:
    watching = Watch(database_url, tmp_path)
    yield watching
    watching.tracker.close()


@contextlib.contextmanager
def store_of(watch: Watch) -> Iterator[sa.Connection]:
    with watch.tracker.store.engine.connect() as connection:
        yield connection


def test_what_went_and_came_back_has_a_gap(watch):
    without = [*A[:3], *A[4:]]
    for sentences in (A, without, A):
        watch.see(sentences, after=60 * DAY)
        watch.see(sentences, after=DAY)
    with store_of(watch) as connection:
        (hit,) = hits.passages(connection, '"thirty days"').items
    (seen,) = hit.seen
    assert seen.place is Place.CURRENT
    (first, gone), (back, end) = seen.spells
    assert gone is not None
    assert first < gone < back
    assert end is None
    assert (hit.first_seen, hit.is_current) == (first, True)


def test_what_was_never_confirmed_says_so(watch):
    watch.see(A)
    watch.see(A, after=DAY)
    watch.see([*A, "For one hour this page spoke of a walrus in the office."], after=DAY)
    watch.see(A)
    with store_of(watch) as connection:
        (hit,) = hits.passages(connection, "walrus").items
    assert [seen.place for seen in hit.seen] == [Place.UNCONFIRMED]
    assert not hit.is_current


def test_a_page_that_was_not_believed_is_not_found(watch):
    watch.see(A)
    watch.see(
        b"<html lang=en><title>Sorry</title><p>Prove that you are no penguin.</p>", status=403
    )
    with store_of(watch) as connection:
        assert hits.passages(connection, "penguin").items == ()


def test_words_of_japanese_and_accents_are_found_on_both_databases(database_url, tmp_path):
    spoken = [
        "音声アシスタントに話しかけると、録音された音声が当社のサーバーに送信されます。",
        "担当者が録音の一部を聞いて、認識の精度を改善することがあります。",
        "この設定は、アカウントの設定画面からいつでも変更することができます。",
        "録音は三十日間保存され、その後すべて削除されます。",
    ]
    page = make_page(id="brello.voice.ja", lang="ja")
    watch = Watch(database_url, tmp_path, page=page)
    body = "".join(f"<p>{sentence}</p>" for sentence in spoken)
    watch.see(f"<html lang=ja><title>音声</title><main>{body}</main></html>".encode())
    with store_of(watch) as connection:
        for query, wanted in [("録音", 3), ('"録音の一部"', 1), ("聞", 1), ("音の", 1), ("犬", 0)]:
            assert len(hits.passages(connection, query).items) == wanted, query
    watch.tracker.close()


def test_what_was_seen_earlier_after_all_moves_back_in_the_order(watch):
    watch.see(A)
    with watch.tracker.store.engine.execution_options(writes=True).begin() as connection:
        text_id = connection.execute(sa.select(schema.texts.c.id)).scalar_one()
        before = everything(connection)
        filling.keep_passages(connection, text_id, watch.now + DAY)
        assert everything(connection) == before
        filling.keep_passages(connection, text_id, watch.now - 400 * DAY)
        after = everything(connection)
        assert [row[1] for row in after] == [row[1] for row in before]
        assert all(new[0] < old[0] for new, old in zip(after, before, strict=True))
        assert len(asking.passages(connection, terms("recording*"), limit=99).items) == sum(
            _holds("recording*", text) for _, _, text in after
        )


def test_numbers_that_meet_are_told_apart(watch):
    watch.see(A)
    with watch.tracker.store.engine.execution_options(writes=True).begin() as connection:
        pw, p = schema.passage_words, schema.passages
        rows = list(connection.execute(pw.select()))
        connection.execute(
            p.insert(), [{"id": f"twin-{row.passage_id}", "lang": "en", "text": ""} for row in rows]
        )
        twins = [{**row._mapping, "passage_id": f"twin-{row.passage_id}"} for row in rows]
        filling._insert(connection, pw, ("passage_id",), twins)
        assert len(list(connection.execute(pw.select()))) == 2 * len(rows)


# --- changed words ---------------------------------------------------------------------


def test_who_removed_a_word(connection):
    went = hits.edits(connection, "only if", Side.REMOVED).items
    assert {hit.change.page_id for hit in went} >= {SPEECH}
    hit = next(hit for hit in went if hit.change.page_id == SPEECH)
    assert hit.step.old is not None
    assert [hit.step.old.text[a:b] for a, b in hit.removed] == ["Only", "if"]
    assert hit.added == ()
    place = (hit.change.id, hit.place)
    for side, there in ((Side.ADDED, False), (Side.ANY, True)):
        found = hits.edits(connection, "only if", side).items
        assert (place in {(h.change.id, h.place) for h in found}) is there


def test_a_change_is_found_by_its_changed_words_only(connection):
    pairs = [
        (side, said, hit)
        for side, said in ((Side.REMOVED, "old"), (Side.ADDED, "new"))
        for hit in hits.edits(connection, "recordings", side, limit=100).items
    ]
    assert pairs
    for side, said, hit in pairs:
        passage = getattr(hit.step, said)
        runs = filling.changed(hit.step.edit, passage.text, _KINDS[side])
        assert any(matches(terms("recordings"), passage.text[a:b]) for a, b in runs)


_KINDS = {Side.REMOVED: SpanKind.REMOVED, Side.ADDED: SpanKind.ADDED}


def test_no_phrase_is_found_across_two_runs_of_changed_words(watch):
    before = "Trained people listen to few of the recordings to make the assistant better."
    after = "Certain people listen to some of the recordings to make the assistant better."
    for sentence in (before, after):
        for pause in (20 * DAY, DAY):
            watch.see([A[0], sentence, *A[2:]], after=pause)
    with store_of(watch) as connection:
        assert len(hits.edits(connection, "certain some", Side.ADDED).items) == 1
        assert len(hits.edits(connection, "trained some").items) == 1, "any: on either side"
        assert hits.edits(connection, '"certain some"', Side.ADDED).items == ()
        assert hits.edits(connection, "people").items == ()
        assert hits.edits(connection, "trained", Side.ADDED).items == ()


def test_changes_are_narrowed_by_place_and_time(connection):
    every = hits.edits(connection, "recordings", limit=100).items
    day = sorted(hit.change.captured_at for hit in every)[len(every) // 2]
    for within in (
        Within(vendor_id="quendrivox"),
        Within(since=day),
        Within(before=day, lang="en"),
        Within(topic=Topic.DELETION),
    ):
        found = hits.edits(connection, "recordings", Side.ANY, within, limit=100).items
        assert found == tuple(
            hit
            for hit in every
            if within.vendor_id in (None, hit.change.vendor_id)
            and within.lang in (None, hit.change.lang)
            and (within.topic is None or within.topic in hit.change.topics)
            and (within.since is None or hit.change.captured_at >= within.since)
            and (within.before is None or hit.change.captured_at < within.before)
        )


# --- the index -------------------------------------------------------------------------


def test_a_store_of_before_gets_the_same_index(database_url, sample_on_sqlite):
    from tests.fixtures_sample import copy

    with contextlib.closing(open_store(database_url)):
        copy(sample_on_sqlite.database_url, database_url)
    kept = _index(database_url)
    assert all(kept.values())
    with (
        contextlib.closing(open_store(database_url)) as store,
        store.engine.execution_options(writes=True).begin() as connection,
    ):
        make_older(connection, "0002")
    assert _index(database_url) == kept


def _index(url: str) -> dict[str, list[Any]]:
    with contextlib.closing(open_store(url)) as store, store.engine.connect() as connection:
        tables = (schema.passage_words, schema.edit_words)
        return {
            table.name: sorted(tuple(row) for row in connection.execute(table.select()))
            for table in tables
        }


def test_words_come_back_as_they_were_kept(connection):
    for row in connection.execute(
        sa.select(schema.passages.c.text, schema.passage_words.c.words).join(schema.passage_words)
    ):
        assert row.words == tuple(word.said for word in words(row.text))


# --- provenance ------------------------------------------------------------------------


@pytest.fixture
def reworded(watch: Watch) -> Callable[[], sa.Connection]:
    """A sentence that came, was reworded twice and went."""
    wordings = [
        "Trained people listen to a small sample of the recordings to make it better.",
        "Trained people may listen to a small sample of the recordings to make it better.",
        "Trained partners may listen to a small sample of the recordings to make it better.",
    ]
    rest = [A[0], *A[2:]]
    last = [*rest, "Since this summer nobody but machines has heard your recordings."]
    texts = [rest, *([A[0], wording, *A[2:]] for wording in wordings), last]
    for sentences in texts:
        watch.see(sentences, after=20 * DAY)
        watch.see(sentences, after=DAY)
    return watch.tracker.store.engine.connect


def test_a_sentence_tells_how_it_came_was_reworded_and_went(reworded):
    pasted = "Trained people may listen to a small sample of the recordings to make it better."
    with reworded() as connection:
        (found,) = tracing.provenance_of(connection, pasted)
    assert found.exact
    (trace,) = found.traces
    assert trace.similarity == 1
    assert [event.step.edit.kind for event in trace.events] == [
        EditKind.ADDED,
        EditKind.REPLACED,
        EditKind.REPLACED,
        EditKind.REMOVED,
    ]
    times = [event.change.captured_at for event in trace.events]
    assert times == sorted(times)
    (seen,) = trace.passage.seen
    assert (seen.first_seen, seen.spells[0][1]) == (times[1], times[2])
    assert seen.place is Place.GONE


def test_other_typography_is_the_same_sentence(reworded):
    with reworded() as connection:
        (found,) = tracing.provenance_of(connection, f"  {A[2].replace(' ', '  ')} ")
    assert found.exact


def test_what_is_not_there_word_by_word_is_found_by_likeness(reworded):
    pasted = (
        "Trained partners might listen to some small sample of our recordings to make it better."
    )
    with reworded() as connection:
        (found,) = tracing.provenance_of(connection, pasted)
    assert not found.exact
    likes = [trace.similarity for trace in found.traces]
    assert likes == sorted(likes, reverse=True)
    assert 0.6 <= likes[0] < 1
    assert found.traces[0].passage.text.startswith("Trained partners may listen")
    assert len(found.traces[0].events) == 4


def test_what_nobody_ever_said_is_found_nowhere(reworded):
    with reworded() as connection:
        (found,) = tracing.provenance_of(
            connection, "The walrus reads every poem before breakfast."
        )
    assert (found.exact, found.traces) == (False, ())


def test_a_pasted_paragraph_is_traced_sentence_by_sentence(reworded):
    with reworded() as connection:
        found = tracing.provenance_of(connection, f"{A[0]} {A[2]}\n\n{A[3]} {A[0]}", "en")
    assert [sentence.text for sentence in found] == [A[0], A[2], A[3]]
    assert all(sentence.exact for sentence in found)


@pytest.mark.parametrize(
    ("pasted", "says"),
    [
        ("", "no word to trace"),
        (" … ", "no word to trace"),
        ("word " * 2000, "at most 8000 characters"),
        ("\n\n".join(f"Sentence number {n}." for n in range(21)), "at most 20 sentences"),
    ],
)
def test_what_cannot_be_traced_is_refused(connection, pasted, says):
    with pytest.raises(BadInput, match=says):
        tracing.provenance_of(connection, pasted)


def test_every_sentence_of_every_version_is_traced_to_itself(connection):
    for _, id_, text in everything(connection)[::25]:
        for found in tracing.provenance_of(connection, text)[:1]:
            if found.text != text:
                continue  # a long table row is pasted as sentences
            assert found.exact
            assert id_ in {trace.passage.passage_id for trace in found.traces}


def test_a_term_of_one_character_and_many_words_is_bounded(connection):
    assert asking.passages(connection, [Term(("音",), True)]).items == ()
    held = asking.holders(connection, ["the", "nosuchword"], 5)
    assert list(held) == ["the"]
    assert len(held["the"]) == 5


def test_an_empty_store_finds_nothing(database_url):
    settings = replace(Settings(), database=database_url)
    with reading(settings) as connection:
        assert hits.passages(connection, "anything").items == ()
        assert hits.edits(connection, "anything").items == ()
        (found,) = tracing.provenance_of(connection, "Anything at all.")
        assert found.traces == ()
