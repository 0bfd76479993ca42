"""What the API adds to Flask, as ratios in one run: `python -m tests.benchmark.doors DATA`.

DATA is a data folder, with the store in it; EARWITNESS_DATABASE names another one, as ever. Two
servers run side by side as `earwitness serve` starts them, one with Earwitness, one with bare
routes that return the same bytes, or 304 to whoever has them. They are asked in turns, round by
round, so that whatever else the machine does meets both; the median of the rounds' ratios
counts. Last, the difference between any two versions of one page, beside reading one version.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import multiprocessing
import os
import random
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from flask import Flask, Response, request

from api import create_app
from api.cli import Server, listen
from policies.settings import Settings

CLIENTS = 2  # processes, so that asking takes no longer than answering
CONNECTIONS = 8  # of each; they are kept open
PAIRS = 60  # of versions
LONGEST_WAIT = 30  # seconds for a server to come up, or to answer
CLOCK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Case:
    """A question, and what both servers answer to it."""

    path: str
    encoding: str
    body: bytes
    tag: str  # "": asked for the bytes; else If-None-Match

    @property
    def name(self) -> str:
        return f"{self.path} {'304' if self.tag else self.encoding}"

    @property
    def asked(self) -> bytes:
        held = f"If-None-Match: {self.tag}\r\n" if self.tag else ""
        return (
            f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Accept-Encoding: {self.encoding}\r\n{held}\r\n"
        ).encode()


@dataclass(frozen=True)
class Running:
    """A server: where it listens, and its processes."""

    port: int
    pid: int

    def seconds(self) -> float:
        """Processor time that its workers have taken."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        told = (Path(f"/proc/{child}/stat").read_text() for child in children)
        fields = (stat.rpartition(")")[2].split() for stat in told)
        return sum(int(f[11]) + int(f[12]) for f in fields) / CLOCK


def bare(cases: list[Case]) -> Flask:
    """An application that returns these bytes and does nothing else."""
    app = Flask(__name__)
    by_path: dict[str, dict[str, Case]] = {}
    for case in cases:
        if not case.tag:
            by_path.setdefault(case.path, {})[case.encoding] = case
    for number, (path, wanted) in enumerate(by_path.items()):
        app.add_url_rule(path, f"bytes{number}", returning(wanted))
    return app


def returning(wanted: dict[str, Case]) -> Callable[[], Response]:
    def view() -> Response:
        if "If-None-Match" in request.headers:
            return Response(status=304)
        case = wanted[request.headers["Accept-Encoding"]]
        response = Response(case.body, mimetype="application/json")
        if case.encoding != "identity":
            response.headers["Content-Encoding"] = case.encoding
        return response

    return view


@contextmanager
def serving(make: Callable[[], Flask], workers: int) -> Iterator[Running]:
    """A server of an application, as `earwitness serve` starts it."""
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]

    def serve() -> None:
        Server(make(), listener, workers).run()

    process = multiprocessing.get_context("fork").Process(target=serve)
    process.start()
    listener.close()
    assert process.pid is not None
    try:
        answer(port, "/v1/bundle.json", "identity")
        yield Running(port, process.pid)
    finally:
        process.terminate()
        process.join(LONGEST_WAIT)


def answer(port: int, path: str, encoding: str) -> tuple[bytes, str]:
    """(body, ETag) of what is answered there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST_WAIT)
    connection.request("GET", path, headers={"Accept-Encoding": encoding})
    got = connection.getresponse()
    body = got.read()
    connection.close()
    assert got.status == 200, (path, got.status, body[:200])
    return body, got.headers.get("ETag", "")


# --- asking ----------------------------------------------------------------------------


def ask(port: int, case: Case, seconds: float) -> int:
    """How many answers one client gets in that time, over connections that it keeps."""
    opened = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
    asked = case.asked
    (size,) = {length(one, asked, 0 if case.tag else len(case.body)) for one in opened}
    buffer = bytearray(size)
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        for connection in opened:
            connection.sendall(asked)
        for connection in opened:
            got = connection.recv_into(buffer, size, socket.MSG_WAITALL)
            assert got == size, f"{case.name}: an answer of {got} bytes instead of {size}"
            count += 1
    assert buffer.startswith(b"HTTP/1.1 304" if case.tag else b"HTTP/1.1 200"), buffer[:200]
    for connection in opened:
        connection.close()
    return count


def length(connection: socket.socket, asked: bytes, body: int) -> int:
    """Bytes of one answer, head and body: each is as long as the first."""
    # Not `settimeout`: it makes the socket one that does not wait for all.
    limit = struct.pack("ll", LONGEST_WAIT, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    connection.sendall(asked)
    got = b""
    while b"\r\n\r\n" not in got or len(got) < got.index(b"\r\n\r\n") + 4 + body:
        more = connection.recv(1 << 20)
        assert more, f"the server hung up: {got[:200]!r}"
        got += more
    return len(got)


def rate(server: Running, case: Case, seconds: float) -> tuple[float, float]:
    """(answers a second, answers a second of processor time)."""
    before, begun = server.seconds(), time.monotonic()
    with multiprocessing.get_context("fork").Pool(CLIENTS) as pool:
        counts = pool.starmap(ask, [(server.port, case, seconds)] * CLIENTS)
    taken, spent = time.monotonic() - begun, server.seconds() - before
    return sum(counts) / taken, sum(counts) / max(spent, 1 / CLOCK)


def compare(ours: Running, other: Running, case: Case, rounds: int, seconds: float) -> None:
    """Print how many of the bare route's answers Earwitness gives."""
    found: list[tuple[float, float, float]] = []
    for number in range(rounds + 1):
        order = [ours, other] if number % 2 else [other, ours]
        measured = {server.port: rate(server, case, seconds) for server in order}
        if not number:
            continue  # whoever is asked first warms up
        (mine, my_cpu), (theirs, their_cpu) = measured[ours.port], measured[other.port]
        found.append((mine / theirs, my_cpu / their_cpu, mine))
    ratios, cpu, rates = (sorted(column) for column in zip(*found, strict=True))
    print(
        f"{case.name:<42} {median(ratios):5.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        f"  by processor time {median(cpu):5.2f}  {median(rates):6.0f}/s",
        flush=True,
    )


# --- differences -----------------------------------------------------------------------


def differences(app: Flask, page: str, pairs: int) -> None:
    """Print how long the difference between two versions of a page takes."""
    client = app.test_client()
    path = f"/v1/pages/{page}"
    listed = client.get(f"{path}/versions?limit=200").get_json()["items"]
    ids = [item["id"] for item in listed]
    chance = random.Random(5)
    some = [chance.sample(ids, 2) for _ in range(pairs)]
    reading = [timed(client, f"/v1/versions/{one}") for one in itertools.chain(*some)]
    for form in ("json", "html"):
        taken = [timed(client, f"{path}/diff?from={a}&to={b}&format={form}") for a, b in some]
        print(
            f"difference of two of the {len(ids)} versions of {page} as {form}:"
            f" {median(taken) * 1000:.0f} ms, at worst {max(taken) * 1000:.0f} ms;"
            f" reading one {median(reading) * 1000:.0f} ms,"
            f" ratio {median(taken) / median(reading):.1f}"
        )


def timed(client, path: str) -> float:
    begun = time.perf_counter()
    got = client.get(path)
    taken = time.perf_counter() - begun
    assert got.status_code == 200, got.text
    return taken


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="a data folder")
    parser.add_argument("--vendor", default="google")
    parser.add_argument("--page", default="google.privacy-policy.en-ie")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each server in a round")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    settings = replace(Settings.from_env(), data=given.data)
    with serving(lambda: create_app(settings), given.workers) as ours:
        cases = [
            Case(path, encoding, *told)
            for path in ("/v1/bundle.json", f"/v1/vendors/{given.vendor}")
            for encoding in ("identity", "gzip")
            for body, tag in [answer(ours.port, path, encoding)]
            for told in ([(body, ""), (body, tag)] if encoding == "gzip" else [(body, "")])
        ]
        with serving(lambda: bare(cases), given.workers) as other:
            for case in cases:
                compare(ours, other, case, given.rounds, given.seconds)
    differences(create_app(settings), given.page, PAIRS)


if __name__ == "__main__":
    main()
