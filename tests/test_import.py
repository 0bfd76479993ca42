"""A history from elsewhere comes in through the same judging, in pieces or at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from policies.catalog import load
from policies.cli import main
from policies.importers.ota import histories
from policies.settings import Settings
from policies.store import open_store, schema
from policies.tracking import open_tracker
from policies.tracking.importing import assignments, bring_in
from policies.tracking.verify import verify
from tests.test_ota import DAY, Commit, recorded
from tests.test_tracking import A, B, C

START = datetime(2024, 2, 1, 12, 0, 0, tzinfo=UTC)
VOICE = "Brello/Voice Notice.md"
OTHER = "Nordic/Privacy Policy.md"
DECLARATION = """
name: Brello
assistants:
  ear: Ear
sites:
  - hosts: brello.example
policies:
  voice:
    title: Voice notice
    kind: notice
    assistants: ear
    pages:
      en:
        url: https://www.brello.example/voice
        ota: nordic/Brello/Voice Notice
"""


def markdown(sentences: list[str]) -> str:
    return "# Your voice\n\n" + "\n\n".join(sentences) + "\n"


STORY = [
    (START, A),
    (START + 10 * DAY, B),  # stood for long: published
    (START + 40 * DAY, C),  # stood for hours: no news
    (START + 40 * DAY + timedelta(hours=6), B),
    (START + 60 * DAY, A[:2]),  # half rendered
    (START + 61 * DAY, B),
    (START + 90 * DAY, C),  # published
    (START + 120 * DAY, C + A[:1]),  # a repetition
]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "nordic-versions"
    commits: list[Commit] = [
        (at, f"Record new changes of {VOICE}", {VOICE: markdown(text), OTHER: markdown(text[:7])})
        for at, text in STORY
    ]
    return recorded(folder, *commits)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    catalog = tmp_path / "catalog"
    catalog.mkdir()
    (catalog / "brello.yaml").write_text(DECLARATION)
    return {
        "EARWITNESS_DATA": str(tmp_path / "data"),
        "EARWITNESS_DATABASE": "",
        "EARWITNESS_CATALOG": str(catalog),
    }


@pytest.fixture
def run(environment: dict[str, str]) -> Callable[..., tuple[int, str]]:
    def invoke(*words: str, **changed: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["import", "ota", *words], env={**environment, **changed})
        return done.exit_code, done.output

    return invoke


def rows(data: Path) -> dict[str, list[Any]]:
    """Everything that a data folder's store says, but for where evidence lies, and log times."""
    store = open_store(f"sqlite:///{data / 'earwitness.sqlite3'}", create=False)
    with store.engine.connect() as connection:
        found = {}
        for table in schema.metadata.sorted_tables:
            columns = [c for c in table.columns if not c.name.startswith("warc_")]
            if table is schema.log:  # the rest says when it was written
                columns = [table.c[name] for name in ("seq", "kind", "id", "what", "digest")]
            query = table.select().with_only_columns(*columns).order_by(*table.primary_key)
            found[table.name] = [tuple(row) for row in connection.execute(query)]
    assert list(verify(store, data / "evidence", deep=True, seen=lambda _: None)) == []
    store.close()
    return found


# --- the command -----------------------------------------------------------------------------


def test_a_declared_document_comes_in_and_others_do_not(
    run: Callable[..., tuple[int, str]], repository: Path, tmp_path: Path
) -> None:
    code, output = run(str(repository))
    assert code == 0, output
    assert "1 documents, 8 recorded versions; 2 changes published in this run." in output
    found = rows(tmp_path / "data")
    assert [row[0] for row in found["pages"]] == ["brello.voice.en"]
    times = sorted(row[5] for row in found["changes"])
    assert times == [START + 10 * DAY, START + 90 * DAY]


def test_with_all_every_document_comes_in(
    run: Callable[..., tuple[int, str]], repository: Path, tmp_path: Path
) -> None:
    code, output = run(str(repository), "--all")
    assert code == 0, output
    assert "2 documents, 15 recorded versions" in output  # the other one changed less often
    assert len(rows(tmp_path / "data")["tracks"]) == 2


def test_one_service_can_be_chosen(run: Callable[..., tuple[int, str]], repository: Path) -> None:
    code, output = run(str(repository), "--service", "Nordic", "--all")
    assert code == 0, output
    assert "1 documents" in output


def test_a_bundle_is_cloned_first(
    run: Callable[..., tuple[int, str]], repository: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "nordic.bundle"
    subprocess.run(["git", "bundle", "create", str(bundle), "main"], cwd=repository, check=True)
    code, output = run(str(bundle), "--collection", "nordic")
    assert code == 0, output
    assert "8 recorded versions" in output


def test_importing_again_changes_nothing(
    run: Callable[..., tuple[int, str]], repository: Path, tmp_path: Path
) -> None:
    run(str(repository), "--all")
    before = rows(tmp_path / "data")
    code, output = run(str(repository), "--all")
    assert code == 0
    assert "0 changes published in this run" in output
    assert rows(tmp_path / "data") == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("{tmp}/none",), "does not exist"),
        (("{tmp}",), "name of a collection"),
        (("{tmp}", "--collection", "nordic"), "{tmp}"),
        (("{tmp}/file",), "file"),
        (("{repo}", "--service", "Nobody"), "Nobody"),
        (("{repo}", "--service", "Nordic"), "--all"),
        (("{repo}", "--catalog", "{tmp}/none"), "none"),
    ],
)
def test_bad_input_is_one_sentence(
    run: Callable[..., tuple[int, str]],
    repository: Path,
    tmp_path: Path,
    words: tuple[str, ...],
    says: str,
) -> None:
    (tmp_path / "file").write_text("no bundle")

    def filled(text: str) -> str:
        return text.replace("{tmp}", str(tmp_path)).replace("{repo}", str(repository))

    code, output = run(*map(filled, words))
    assert code == 2
    assert filled(says) in output
    assert "Traceback" not in output


# --- in pieces -------------------------------------------------------------------------------


class Interrupted(Exception):
    """Ends an import where it stands."""


@pytest.mark.parametrize("after", range(1, len(STORY) + 1))
def test_an_interrupted_import_carries_on(repository: Path, tmp_path: Path, after: int) -> None:
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "brello.yaml").write_text(DECLARATION)
    catalog = load(tmp_path / "catalog")
    history = histories(repository, tmp_path / "cache")
    (assignment,) = assignments(history, catalog, history.documents, undeclared=False)

    def bring(folder: str, stop_after: int | None = None) -> dict[str, list[Any]]:
        done = 0

        def seen(count: int) -> None:
            nonlocal done
            done += count
            if done == stop_after:
                raise Interrupted

        tracker = open_tracker(Settings(data=tmp_path / folder))
        tracker.register(catalog)
        try:
            bring_in(tracker, history, assignment, seen)
        except Interrupted:
            assert stop_after
        finally:
            tracker.close()
        return rows(tmp_path / folder)

    whole = bring("whole")
    bring("pieces", after)
    pieces = bring("pieces")
    assert pieces == whole
    assert len(pieces["changes"]) == 2


def test_what_was_recorded_since_is_brought_in(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "brello.yaml").write_text(DECLARATION)
    catalog = load(tmp_path / "catalog")
    found = []
    for number, last in enumerate((5, 8)):
        folder = tmp_path / f"repository{number}" / "nordic-versions"
        commits: list[Commit] = [
            (at, "Record", {VOICE: markdown(text)}) for at, text in STORY[:last]
        ]
        history = histories(recorded(folder, *commits), tmp_path / f"cache{number}")
        (assignment,) = assignments(history, catalog, history.documents, undeclared=False)
        tracker = open_tracker(Settings(data=tmp_path / "data"))
        tracker.register(catalog)
        found.append(bring_in(tracker, history, assignment, lambda _: None))
        tracker.close()
    assert [(i.recorded, i.known, i.published) for i in found] == [(5, 0, 1), (8, 5, 1)]
    rows(tmp_path / "data")


@pytest.mark.parametrize("grown", [timedelta(hours=6), 30 * DAY])
def test_the_newest_text_is_believed_when_it_turns_out_to_stand(
    tmp_path: Path, grown: timedelta
) -> None:
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "brello.yaml").write_text(DECLARATION)
    catalog = load(tmp_path / "catalog")
    story: list[Commit] = [
        (START, "Record", {VOICE: markdown(A)}),
        (START + 10 * DAY, "Record", {VOICE: markdown(B)}),
    ]
    later: Commit = (START + 10 * DAY + grown, "Record", {OTHER: markdown(A)})
    found = []
    for number, commits in enumerate((story, [*story, later], [*story, later])):
        folder = tmp_path / f"repository{number}" / "nordic-versions"
        history = histories(recorded(folder, *commits), tmp_path / f"cache{number}")
        (assignment,) = assignments(history, catalog, history.documents, undeclared=False)
        tracker = open_tracker(Settings(data=tmp_path / "data"))
        tracker.register(catalog)
        found.append(bring_in(tracker, history, assignment, lambda _: None).published)
        tracker.close()
    assert found == ([0, 1, 0] if grown > DAY else [0, 0, 0])
    (track,) = rows(tmp_path / "data")["tracks"]
    assert track[2] is not None, "a text is believed"


@pytest.mark.slow
def test_a_killed_import_runs_again_to_the_same_end(
    environment: dict[str, str], repository: Path, tmp_path: Path
) -> None:
    def start(data: str) -> subprocess.Popen[bytes]:
        program = "from policies.cli import main; main()"
        return subprocess.Popen(
            [sys.executable, "-c", program, "import", "ota", str(repository), "--all"],
            env={**os.environ, **environment, "EARWITNESS_DATA": str(tmp_path / data)},
            cwd=Path(__file__).resolve().parents[1],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    began = time.monotonic()
    assert start("whole").wait(timeout=120) == 0
    lasts = time.monotonic() - began
    chance = random.Random(20261122)
    for _ in range(8):
        running = start("killed")
        time.sleep(lasts * chance.uniform(0.3, 1.0))
        running.send_signal(signal.SIGKILL)
        running.wait(timeout=60)
    assert start("killed").wait(timeout=120) == 0
    assert rows(tmp_path / "killed") == rows(tmp_path / "whole")
