"""What every test may ask for: see also the fixtures_*.py modules beside this file."""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.fixtures_api",
    "tests.fixtures_browsers",
    "tests.fixtures_histories",
    "tests.fixtures_postgres",
    "tests.fixtures_replay",
    "tests.fixtures_sample",
]

# One machine is slower than another: time never decides. In CI the same examples every time.
settings.register_profile("dev", deadline=None)
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def shared_folder() -> Path:
    """The folder of real material: EARWITNESS_SHARED, or `shared` beside the checkout."""
    named = os.environ.get("EARWITNESS_SHARED")
    return Path(named) if named else Path(__file__).resolve().parents[2] / "shared"


def pytest_report_header() -> str:
    """Says at the start of a run whether the real material is there."""
    if shared_folder().is_dir():
        return f"shared material: {shared_folder()}"
    return f"shared material: none at {shared_folder()}, so the tests on real pages are skipped"


def stay_at_home(event: str, args: tuple[Any, ...]) -> None:
    """Audit hook that refuses connections to anywhere but here: no test needs the internet."""
    if event != "socket.connect" or not isinstance(args[1], tuple):
        return
    host = str(args[1][0]).partition("%")[0]
    try:
        if not host or ipaddress.ip_address(host).is_loopback:
            return
    except ValueError:
        if host == "localhost":
            return
    raise ConnectionRefusedError(f"tests stay on this machine, and this one asked for {host}")


def pytest_configure() -> None:
    """Keeps the test process itself at home; the programs that it starts are not held."""
    sys.addaudithook(stay_at_home)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real pages and histories; the test is skipped where it is missing."""
    folder = shared_folder()
    if not folder.is_dir():
        pytest.skip(
            f"no real material: {folder} is missing (EARWITNESS_SHARED names another folder)"
        )
    return folder
