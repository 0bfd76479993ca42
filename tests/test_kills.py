"""Killed at any instant and run again, a crawl and an import end as if nothing had happened.

How often is set by EARWITNESS_KILLS; the figure in the changelog was made with 50 each.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from policies.store import open_store
from policies.store.schema import metadata
from tests.fixtures_replay import Replay

KILLS = int(os.environ.get("EARWITNESS_KILLS", "3"))
# Where a body lies may differ after a kill: a record that no row names is left in the file.
ELSEWHERE = {"warc_file", "warc_offset", "warc_length"}
PAGES = (
    "microsoft.privacy-statement.en-ie",
    "openai.privacy-policy.en",
    "speechify.privacy-policy.en",
    "deepseek.privacy-policy-2025.en",
)
DATES = ("2025-03-10", "2025-05-12", "2025-06-01")

pytestmark = pytest.mark.slow


def earwitness(*words: str) -> list[str]:
    return [sys.executable, "-m", "policies.cli", *words]


def everything(data: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows of a store, but for where on disk the evidence lies; of the log what it tells of."""
    store = open_store(f"sqlite:///{data / 'earwitness.sqlite3'}", create=False)
    with store.engine.connect() as connection:
        rows = {
            table.name: sorted(
                (
                    {k: v for k, v in row._mapping.items() if k not in ELSEWHERE}
                    for row in connection.execute(sa.select(table))
                ),
                key=repr,
            )
            for table in metadata.sorted_tables
        }
    store.close()
    # When and in which order it was written depends on when the pages arrived.
    told = {(row["kind"], row["id"]) for row in rows["log"]}
    rows["log"] = [{"kind": kind, "id": id_} for kind, id_ in sorted(told)]
    return rows


def run(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """Runs to the end; the seconds it took."""
    begun = time.monotonic()
    done = subprocess.run(
        command, env=dict(environment), capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 3), done.stderr
    return time.monotonic() - begun


def killed(command: Sequence[str], environment: Mapping[str, str], after: float) -> bool:
    """Runs for so many seconds, then kills; False: it had ended by then."""
    with subprocess.Popen(
        command,
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as it:
        try:
            it.wait(after)
        except subprocess.TimeoutExpired:
            os.killpg(it.pid, signal.SIGKILL)
            return True
    return False


def survives(
    tmp_path: Path, environment: Mapping[str, str], steps: Callable[[], Sequence[list[str]]]
) -> None:
    """The whole of `steps`, killed again and again, gives the rows of an undisturbed run."""
    calm = {**environment, "EARWITNESS_DATA": str(tmp_path / "calm")}
    longest = max(run(step, calm) for step in steps())
    expected = everything(tmp_path / "calm")
    chance = random.Random(20261122)
    kills = rounds = 0
    while kills < KILLS:
        rounds += 1
        data = tmp_path / f"killed-{rounds}"
        disturbed = {**environment, "EARWITNESS_DATA": str(data)}
        for step in steps():
            while kills < KILLS and killed(step, disturbed, chance.uniform(0, longest)):
                kills += 1
            run(step, disturbed)
        run(earwitness("verify", "--deep"), disturbed)
        for table, rows in everything(data).items():
            assert rows == expected[table], table


def test_an_import_killed_at_random_instants_ends_as_if_undisturbed(
    shared: Path, tmp_path: Path
) -> None:
    bundle = str(shared / "ota" / "contrib-voice.bundle")

    def steps() -> list[list[str]]:
        return [
            earwitness("import", "ota", bundle, "--service", service)
            for service in ("Alexa", "Samsung", "Google Nest")
        ]

    survives(tmp_path, os.environ, steps)


def test_a_crawl_killed_at_random_instants_ends_as_if_undisturbed(
    replay: Callable[[str], Replay], tmp_path: Path
) -> None:
    web = replay(DATES[0])
    pages = [word for page in PAGES for word in ("--page", page)]

    class Steps(list[list[str]]):
        """Moves the web's clock before each crawl is run."""

        def __iter__(self) -> Any:
            for date in DATES:
                web.move(date)
                yield earwitness("crawl", "--at", date, *pages)

    survives(tmp_path, {**os.environ, **web.environment}, Steps)
