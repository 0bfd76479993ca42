"""Search and provenance say of real histories what `git log -S` says of the same ones."""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import pytest
import sqlalchemy as sa

from policies.finding import hits, tracing
from policies.finding.hits import FoundPassage
from policies.passages import key
from policies.store import schema
from policies.store.search.asking import Within
from policies.store.search.sightings import Place
from tests.fixtures_histories import store_of

pytestmark = pytest.mark.slow

PHRASES = 30
SEED = 1_115  # which phrases these are is decided by it and by the histories alone
WORDS = 5  # in a phrase
PLAIN = re.compile(r"[A-Za-z]+(?: [A-Za-z]+)*")  # words between single spaces: also in Markdown


@dataclass(frozen=True)
class Picked:
    """A phrase of a document, and the sentence that it was taken from."""

    page_id: str
    path: str
    sentence: str
    phrase: str


@pytest.fixture(scope="module")
def repository(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the histories that the store was filled with."""
    folder = tmp_path_factory.mktemp("clone") / "versions"
    bundle = shared / "ota" / "contrib-voice.bundle"
    git("clone", "--quiet", str(bundle), str(folder), folder=tmp_path_factory.getbasetemp())
    return folder


@pytest.fixture(scope="module")
def connection(data: Path) -> Iterator[sa.Connection]:
    store = store_of(data)
    with store.engine.connect() as reader:
        yield reader
    store.close()


def git(*words: str, folder: Path) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def picked(connection: sa.Connection, repository: Path) -> list[Picked]:
    """Phrases of sentences that stand in the histories as they stand in the store."""
    paths = documents(connection)
    p, tp, v = schema.passages, schema.text_passages, schema.versions
    query = (
        sa.select(v.c.page_id, p.c.text)
        .join(tp, tp.c.text_id == v.c.text_id)
        .join(p, p.c.id == tp.c.passage_id)
        .where(v.c.page_id.in_(paths), p.c.lang == "en")
        .distinct()
        .order_by(v.c.page_id, p.c.text)
    )
    rows = [tuple(row) for row in connection.execute(query)]
    chance = random.Random(SEED)
    chance.shuffle(rows)
    found: list[Picked] = []
    for page_id, sentence in rows:
        runs = [run.split() for run in PLAIN.findall(sentence)]
        runs = [run for run in runs if len(run) >= WORDS]
        if not runs or not log(repository, sentence, paths[page_id]):
            continue
        run = chance.choice(runs)
        at = chance.randrange(len(run) - WORDS + 1)
        phrase = " ".join(run[at : at + WORDS])
        found.append(Picked(page_id, paths[page_id], sentence, phrase))
        if len(found) == PHRASES:
            break
    return found


def documents(connection: sa.Connection) -> dict[str, str]:
    """Page id -> path of its document, of pages that are read from one document."""
    c = schema.captures.c
    paths: dict[str, set[str]] = {}
    for page_id, url in connection.execute(sa.select(c.page_id, c.url).distinct()):
        path = re.search(r"/blob/[0-9a-f]{40}/(.+)", url)
        if path:
            paths.setdefault(page_id, set()).add(unquote(path[1]))
    return {page_id: min(found) for page_id, found in sorted(paths.items()) if len(found) == 1}


def log(repository: Path, words: str, path: str) -> list[datetime]:
    """When a document began or ceased to hold some words, oldest first, as git tells."""
    told = git("log", "--format=%ct", f"-S{words}", "--", path, folder=repository)
    return sorted(datetime.fromtimestamp(int(line), UTC) for line in told.split())


def test_there_are_as_many_phrases_as_were_asked_for(picked):
    assert len(picked) == PHRASES
    assert len({one.page_id for one in picked}) >= 4


def test_a_search_says_of_a_phrase_what_git_says(picked, connection, repository):
    wrong, gone = [], 0
    for one in picked:
        literally = holding(connection, one, one.phrase)
        told = when(connection, literally, one)
        wrong += [] if told == asked(connection, repository, one, one.phrase) else [one]
        gone += told.gone is not None
    assert not wrong
    assert 3 <= gone <= PHRASES - 3, "some stand and some are gone"


def test_provenance_says_of_a_sentence_what_git_says(picked, connection, repository):
    wrong = []
    for one in picked:
        traced = tracing.provenance_of(connection, one.sentence, "en")
        (sentence,) = [found for found in traced if found.text == one.sentence]
        assert sentence.exact
        (trace,) = sentence.traces
        # Before and after, the same words may have stood inside a longer passage.
        # A mark behind them alone makes no version.
        words = one.sentence.rstrip(".:;, ")
        told = when(connection, [trace.passage, *holding(connection, one, words)], one)
        if told != asked(connection, repository, one, words):
            # git counts marks of links, too; without them the recordings have to agree.
            wrong += [] if told.first == first_recorded(repository, one, words) else [one]
    assert not wrong


def first_recorded(repository: Path, one: Picked, words: str) -> datetime | None:
    """When a document first held some words, Markdown's marks and targets of links aside."""
    listed = git("log", "--reverse", "--format=%H %ct", "--", one.path, folder=repository)
    for line in listed.splitlines():
        commit, at = line.split()
        text = git("show", f"{commit}:{one.path}", folder=repository)
        if plain(words) in plain(re.sub(r"\]\([^)]*\)", "", text).replace("[", "")):
            return datetime.fromtimestamp(int(at), UTC)
    return None


@dataclass(frozen=True)
class Lifetime:
    """When some words were first seen on a page, and when they were gone; None: they stand."""

    first: datetime
    gone: datetime | None


def holding(connection: sa.Connection, one: Picked, words: str) -> list[FoundPassage]:
    """The passages that search finds for a phrase, of those that hold some words literally.

    git tells capitals apart, and words from words with a mark between them.
    """
    found = hits.passages(connection, f'"{one.phrase}"', Within(page_id=one.page_id), limit=200)
    assert not found.more
    return [hit for hit in found.items if words in hit.text]


def when(connection: sa.Connection, found: list[FoundPassage], one: Picked) -> Lifetime:
    """What the store says."""
    seen = [s for hit in found for s in hit.seen if s.page_id == one.page_id]
    ended = [s.spells[-1][1] if s.spells else s.last_seen for s in seen]
    stands = any(s.place is Place.CURRENT for s in seen)
    gone = None if stands else max(at for at in ended if at is not None)
    return Lifetime(min(s.first_seen for s in seen), gone)


def asked(connection: sa.Connection, repository: Path, one: Picked, words: str) -> Lifetime:
    """What git says, of the history up to the version that is believed now."""
    v, t, c = schema.versions, schema.tracks, schema.captures
    current, commit_url = connection.execute(
        sa.select(v.c.captured_at, c.c.url)
        .join(t, t.c.current_id == v.c.id)
        .join(c, c.c.id == v.c.capture_id)
        .where(t.c.page_id == one.page_id)
    ).one()
    commit = re.search(r"/blob/([0-9a-f]{40})/", commit_url)
    assert commit is not None
    told = [at for at in log(repository, words, one.path) if at <= current]
    text = git("show", f"{commit[1]}:{one.path}", folder=repository)
    stands = plain(words) in plain(text)
    return Lifetime(told[0], None if stands else told[-1])


def plain(text: str) -> str:
    """A text without Markdown's marks, and without what is typography only."""
    return key(re.sub(r"[*_#>\\]+", "", text))
