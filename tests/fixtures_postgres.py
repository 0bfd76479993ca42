"""A real PostgreSQL, started by the test run and gone with it.

Debian's binaries, as an ordinary user, on a Unix socket in a temporary folder,
without TCP and without waiting for the disk. Under pytest-xdist each worker has
its own, so nothing has to be agreed on.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

START_SECONDS = 30  # two cores under load took 2 s
SERVER_OPTIONS = {
    "listen_addresses": "",  # no TCP
    "fsync": "off",  # a test's data need not outlive the test
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
}


@dataclass(frozen=True)
class Postgres:
    """A running server."""

    socket: Path  # the folder that holds its Unix socket
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def url(self, database: str = "postgres") -> str:
        """The address of a database, for SQLAlchemy with psycopg."""
        return f"postgresql+psycopg://earwitness@/{database}?host={self.socket}"

    def run(self, statement: str) -> None:
        """Carries out one statement that belongs to no database."""
        import psycopg

        with psycopg.connect(
            host=str(self.socket), user="earwitness", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a fresh, empty database, dropped afterwards whoever still holds it."""
        name = f"test_{next(self.numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            yield self.url(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")


def newest_binaries() -> Path | None:
    """The folder of the newest PostgreSQL that Debian's packages brought, or None."""
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(folders, key=lambda f: int(re.sub(r"\D.*", "", f.parent.name) or 0), default=None)


def ordinary_user() -> str | None:
    """Who runs the server: PostgreSQL refuses root. None: whoever runs the tests."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def as_user(user: str | None, *options: str) -> list[str]:
    """The words before a command that let it run as that user, with options of setpriv."""
    words = list(options)
    if user:
        group = pwd.getpwnam(user).pw_gid
        words += [f"--reuid={user}", f"--regid={group}", "--clear-groups"]
    return ["setpriv", *words, "--"] if words else []


def wait_until_ready(server: Postgres, process: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    give_up_at = time.monotonic() + START_SECONDS
    while True:
        try:
            server.run("SELECT 1")
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > give_up_at:
                pytest.fail(f"PostgreSQL did not start:\n{log.read_text()}")
        time.sleep(0.05)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running PostgreSQL; the test is skipped where none is installed."""
    binaries = newest_binaries()
    if binaries is None:
        pytest.skip(
            "no PostgreSQL: there is no initdb in /usr/lib/postgresql (apt-get install postgresql)"
        )
    pytest.importorskip("psycopg", reason="no PostgreSQL: the extra `postgres` is not installed")
    if shutil.which("setpriv") is None:
        pytest.skip("no PostgreSQL: setpriv (util-linux) is needed to start it")
    # Not in pytest's folder: its path can be too long for a socket, and is root's alone.
    folder = Path(tempfile.mkdtemp(prefix="earwitness-pg-"))
    user = ordinary_user()
    if user:
        shutil.chown(folder, user)
    data, log = folder / "data", folder / "log"
    try:
        create = [str(binaries / "initdb"), f"--pgdata={data}", "--username=earwitness"]
        create += ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run([*as_user(user), *create], check=True, capture_output=True, cwd="/")
        serve = [str(binaries / "postgres"), "-D", str(data), f"--unix_socket_directories={folder}"]
        serve += [f"--{name}={value}" for name, value in SERVER_OPTIONS.items()]
        with log.open("wb") as output:
            process = subprocess.Popen(
                # Ends with the test process, even when that is killed.
                [*as_user(user, "--pdeathsig=INT"), *serve],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
            )
        try:
            server = Postgres(folder)
            wait_until_ready(server, process, log)
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # "fast": ends the connections that are left
            process.wait(timeout=START_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """The URL of a fresh, empty PostgreSQL database."""
    with postgres.database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh, empty database: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return str(request.getfixturevalue("postgres_url"))
