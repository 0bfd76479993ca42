"""One import of real histories, which all tests that ask for it share."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from policies.cli import main
from policies.store import Store, open_store


def run(data: Path, *words: str) -> str:
    environment = {"EARWITNESS_DATA": str(data), "EARWITNESS_DATABASE": ""}
    done = CliRunner().invoke(main, words, env=environment)
    assert done.exit_code == 0, done.output[-2000:]
    return done.output


def store_of(data: Path) -> Store:
    return open_store(f"sqlite:///{data / 'earwitness.sqlite3'}", create=False)


@pytest.fixture(scope="session")
def data(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of one import that all test processes share; nobody writes to it."""
    bundle = shared / "ota" / "contrib-voice.bundle"
    if not bundle.is_file():
        pytest.skip(f"no real histories: {bundle} is missing")
    base = tmp_path_factory.getbasetemp()
    root = base.parent if base.name.startswith("popen-") else base  # pytest-xdist's own folder
    folder = root / "histories"
    with (root / "histories.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            making = root / "histories.making"
            shutil.rmtree(making, ignore_errors=True)
            run(making, "import", "ota", str(bundle), "--all")
            making.rename(folder)
    return folder
