"""Real histories, imported once for all test processes; nobody writes to them."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from policies.cli import main


def run(data: Path, *words: str) -> str:
    """What `earwitness` prints, with that data folder and its own SQLite store."""
    environment = {"EARWITNESS_DATA": str(data), "EARWITNESS_DATABASE": ""}
    done = CliRunner().invoke(main, words, env=environment)
    assert done.exit_code == 0, done.output[-2000:]
    return done.output


@pytest.fixture(scope="session")
def data(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the English histories."""
    return imported(shared, tmp_path_factory, "contrib-voice.bundle")


@pytest.fixture(scope="session")
def french_data(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the French histories."""
    return imported(shared, tmp_path_factory, "france-voice.bundle")


def imported(shared: Path, factory: pytest.TempPathFactory, name: str) -> Path:
    """The data folder of a bundle's import, made by the first test process that asks for it."""
    bundle = shared / "ota" / name
    if not bundle.is_file():
        pytest.skip(f"no real histories: {bundle} is missing")
    base = factory.getbasetemp()
    root = base.parent if base.name.startswith("popen-") else base  # pytest-xdist's own folder
    folder = root / f"histories-{bundle.stem}"
    with (root / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            making = root / f"{folder.name}.making"
            shutil.rmtree(making, ignore_errors=True)
            run(making, "import", "ota", str(bundle), "--all")
            making.rename(folder)
    return folder
