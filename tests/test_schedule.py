"""Rounds on a schedule, and the server beside them: started, kept alive, stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from crawler import rounds, schedule
from policies.model import Outcome
from policies.settings import Settings
from tests.crawling_site import catalog_of, html, page, serving
from tests.fixtures_replay import free_port
from tests.test_notify import SECRET, receiver

__all__ = ["receiver"]

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def eventually(true: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


def answers(port: int, path: str = "/") -> bool:
    with suppress(OSError), DIRECT.open(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        return answer.status == 200
    return False


def test_the_loop_runs_again_and_again_in_one_process():
    async def main() -> int:
        return await asyncio.to_thread(lambda: 7)

    assert [schedule.run(main) for _ in range(3)] == [7, 7, 7]


def test_what_goes_wrong_on_the_loop_is_raised():
    async def main() -> None:
        raise ValueError("as told")

    with pytest.raises(ValueError, match="as told"):
        schedule.run(main)


# --- the server ------------------------------------------------------------------------


def test_a_server_that_dies_is_started_again_and_stops_when_told(caplog):
    port = free_port()
    server = schedule.Server([sys.executable, "-m", "http.server", str(port), "-b", "127.0.0.1"])

    async def main() -> tuple[int, int]:
        kept = asyncio.ensure_future(server.keep())
        pids = []
        for _ in range(2):
            await asyncio.to_thread(eventually, lambda: answers(port))
            assert server._process is not None
            pids.append(server._process.pid)
            if len(pids) == 1:
                os.kill(pids[0], signal.SIGKILL)
                await asyncio.to_thread(eventually, lambda: not answers(port))
        await server.stop()
        await kept
        return pids[0], pids[1]

    first, second = schedule.run(main)
    assert first != second
    assert not answers(port)
    assert "ended with status -9; again in 1 s" in caplog.text


def test_a_server_that_was_called_wrongly_is_not_started_again():
    server = schedule.Server([sys.executable, "-c", "raise SystemExit(2)"])
    assert schedule.run(server.keep) == 2


def test_a_server_that_does_not_want_to_stop_is_stopped(monkeypatch):
    monkeypatch.setattr(schedule.Server, "_PATIENCE", 0.5)
    stubborn = "import signal,time;signal.signal(15,signal.SIG_IGN);time.sleep(60)"
    server = schedule.Server([sys.executable, "-c", stubborn])

    async def main() -> int:
        kept = asyncio.ensure_future(server.keep())
        await asyncio.sleep(1.5)
        await server.stop()
        return await kept

    assert schedule.run(main) == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_server_ends_with_the_one_that_started_it():
    port = free_port()
    child = f"[sys.executable,'-m','http.server','{port}','-b','127.0.0.1']"
    parent = f"import asyncio,sys;from crawler.schedule import Server,run;run(Server({child}).keep)"
    with subprocess.Popen([sys.executable, "-c", parent]) as running:
        eventually(lambda: answers(port))
        running.kill()
    eventually(lambda: not answers(port), 10)


# --- rounds ----------------------------------------------------------------------------


def test_a_text_that_waits_is_looked_at_again_soon_and_then_published(tmp_path):
    often, soon = timedelta(seconds=3), timedelta(seconds=1)
    settings = Settings(data=tmp_path, interval=often, recheck_after=soon)
    told: list[rounds.Result] = []
    published = asyncio.Event()
    with serving() as site:
        site.put(body=html("Recordings are erased after eighteen months, as before."))
        notice = page(site.url())

        def tell(result: rounds.Result) -> None:
            told.append(result)
            if len(told) == 1:
                site.answers.clear()
                site.put(body=html("People listen to a sample of what you say."))
            if result.judgement.published:
                published.set()

        with rounds.opened(settings, catalog_of([notice])) as tracker:

            async def main() -> None:
                everyday = schedule.Rounds(
                    tracker, [notice], settings, lambda due: rounds.Round(tracker, due, told=tell)
                )
                everyday.start()
                async with asyncio.timeout(60):
                    await published.wait()
                await everyday.stop()

            schedule.run(main)
    outcomes = [result.judgement.outcome for result in told[:3]]
    assert outcomes == [Outcome.CHANGED, Outcome.CHANGED, Outcome.UNCHANGED]
    first, second, third = (result.capture.captured_at for result in told[:3])
    assert second - first >= often
    assert soon <= third - second < often


# --- the command -----------------------------------------------------------------------

CATALOG = """\
name: Brellomar
assistants:
  brello: Brello
policies:
  notice:
    title: Notice
    kind: notice
    assistants: brello
    pages:
      en: {notice}
"""


@contextmanager
def up(
    folder: Path, url: str, *more: str, **settings: str
) -> Iterator[tuple[subprocess.Popen[str], int, Path]]:
    """`earwitness up` on a free port, and the file of what it says."""
    catalog, said, port = folder / "catalog", folder / "said", free_port()
    catalog.mkdir(exist_ok=True)
    (catalog / "brellomar.yaml").write_text(CATALOG.format(notice=url), encoding="utf-8")
    kept = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    environment = {
        **kept,
        "EARWITNESS_DATA": str(folder / "data"),
        "EARWITNESS_CATALOG": str(catalog),
        "EARWITNESS_FETCH_TIMEOUT": "2",
        "EARWITNESS_WORKERS": "1",
        **settings,
    }
    program = str(Path(sys.executable).with_name("earwitness"))
    command = [program, "up", "--port", str(port), *more]
    with (
        said.open("w") as file,
        subprocess.Popen(command, env=environment, stdout=file, stderr=file, text=True) as running,
    ):
        try:
            yield running, port, said
        finally:
            running.kill()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_crawls_and_serves_and_stops_both_when_told(tmp_path, number):
    with serving() as site:
        site.put()
        with up(tmp_path, site.url()) as (running, port, said):
            eventually(lambda: answers(port, "/healthz"))
            eventually(lambda: "[1/1] brellomar.notice.en changed" in said.read_text())
            assert f"http://127.0.0.1:{port}" in said.read_text()
            running.send_signal(number)
            assert running.wait(30) == 0
            assert not answers(port, "/healthz")
            assert "Traceback" not in said.read_text()


@pytest.mark.slow
def test_up_says_when_the_next_crawl_begins_also_when_it_is_started_again(tmp_path):
    with serving() as site:
        site.put()
        for asked in (1, 1):
            with up(tmp_path, site.url()) as (running, _, said):
                promise = "nothing is due now; the next crawl begins at 20"
                eventually(lambda: promise in said.read_text())  # noqa: B023 - of this turn
                running.terminate()
                assert running.wait(30) == 0
            assert len(site.asked()) == asked


@pytest.mark.slow
def test_up_serves_what_it_has_when_no_page_can_be_reached(tmp_path):
    url = "http://nobody-knows-this.invalid/notice"
    with up(tmp_path, url) as (running, port, said):
        eventually(lambda: answers(port, "/healthz"))
        eventually(
            lambda: (
                "[1/1] brellomar.notice.en failed: the name nobody-knows-this.invalid is not known"
                in said.read_text()
            )
        )
        assert answers(port, "/healthz")
        assert running.poll() is None


@pytest.mark.slow
def test_up_says_who_has_the_port_already_and_does_not_crawl(tmp_path):
    with serving() as site:
        with up(tmp_path, site.url(), "--port", str(site.port)) as (running, _, said):
            assert running.wait(60) == 2
        assert f"cannot listen on 127.0.0.1, port {site.port}" in said.read_text()
        assert not site.seen


@pytest.mark.slow
def test_up_only_serves_when_told_so(tmp_path):
    with serving() as site:
        with up(tmp_path, site.url(), "--no-crawl") as (running, port, _):
            eventually(lambda: answers(port, "/healthz"))
            running.terminate()
            assert running.wait(30) == 0
        assert not site.seen


@pytest.mark.slow
def test_up_tells_who_is_to_be_told(tmp_path, receiver):
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        f"rules: [{{name: all, to: [{{webhook: '{receiver.url}', secret: '{SECRET}'}}]}}]"
    )
    quick = {"EARWITNESS_INTERVAL": "3s", "EARWITNESS_RECHECK_AFTER": "1s"}
    with serving() as site:
        site.put()
        with up(tmp_path, site.url(), EARWITNESS_NOTIFY=str(rules), **quick) as (running, _, said):
            eventually(lambda: "[1/1] brellomar.notice.en changed" in said.read_text())
            eventually(lambda: "[1/1] brellomar.notice.en unchanged" in said.read_text())
            site.answers.clear()
            site.put(body=html("People listen to a sample of what you say."))
            eventually(lambda: receiver.got, 120)
            running.send_signal(signal.SIGTERM)
            assert running.wait(30) == 0
            assert "all: 127.0.0.1: 1 item sent" in said.read_text()
            assert "Traceback" not in said.read_text()
    (payload,) = receiver.payloads
    assert payload["data"]["vendor"] == "brellomar"
