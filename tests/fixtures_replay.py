"""The web of the past: real pages at their real addresses at any date, on loopback."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

import pytest


@dataclass(frozen=True)
class Replay:
    """A running replay, and how to steer it."""

    proxy: str  # what http_proxy and https_proxy have to say
    ca: Path  # what SSL_CERT_FILE has to name
    log_file: Path

    def move(self, when: str | date | datetime) -> None:
        """Moves the clock: every page is now as it was then."""
        self.steer("/clock", at=when if isinstance(when, str) else when.isoformat())

    def fault(self, url: str, kind: str) -> None:
        """Lets an address or a whole host fail in that way from now on; `ok` mends it."""
        self.steer("/fault", url=url, kind=kind)

    def robots(self, host: str, body: str) -> None:
        """Gives a host that robots.txt."""
        self.steer("/robots", host=host, body=body)

    @property
    def state(self) -> dict[str, Any]:
        """The clock, the captured addresses and the faults."""
        return self.steer("/")

    @property
    def log(self) -> list[dict[str, Any]]:
        """What was asked for so far, oldest first: url, user_agent, conditional, status, ..."""
        return [json.loads(line) for line in self.log_file.read_text().splitlines()]

    @property
    def environment(self) -> dict[str, str]:
        """The variables that send a program through this replay."""
        proxies = dict.fromkeys(("http_proxy", "https_proxy"), self.proxy)
        upper = {name.upper(): value for name, value in proxies.items()}
        return {**proxies, **upper, "no_proxy": "", "NO_PROXY": "", "SSL_CERT_FILE": str(self.ca)}

    def steer(self, path: str, **query: str) -> dict[str, Any]:
        """Says something to the replay itself, never through a proxy, and gives its state."""
        address = f"{self.proxy}{path}" + (f"?{urlencode(query)}" if query else "")
        with build_opener(ProxyHandler({})).open(address, timeout=10) as answer:
            state: dict[str, Any] = json.load(answer)
        return state


def free_port() -> int:
    """A port of loopback that nobody uses just now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@contextmanager
def replaying(program: Path, folder: Path, at: str) -> Iterator[Replay]:
    """A replay as of that date, stopped afterwards."""
    port, ca, log = free_port(), folder / "ca.pem", folder / "requests.jsonl"
    log.touch()
    command = [sys.executable, str(program), "--at", at, "--port", str(port)]
    command += ["--ca", str(ca), "--log", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as it:
        try:
            assert it.stdout is not None
            assert it.stderr is not None
            if "replaying" not in it.stdout.readline():  # its first words: it listens
                pytest.fail(f"the replay did not start:\n{it.stderr.read()}")
            yield Replay(f"http://127.0.0.1:{port}", ca, log)
        finally:
            it.kill()


@pytest.fixture
def replay(
    shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Replay]]:
    """Starts replays: `web = replay("2025-03-01")`; they stop with the test."""
    program = shared / "replay" / "replay.py"
    if not program.is_file():
        pytest.skip(f"no real pages: {program} is missing")
    if shutil.which("openssl") is None:
        pytest.skip("no real pages: the replay needs the program openssl")
    with ExitStack() as running:

        def start(at: str = "2024-02-01") -> Replay:
            folder = tmp_path_factory.mktemp("replay")
            return running.enter_context(replaying(program, folder, at))

        yield start
