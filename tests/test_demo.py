"""The demo: the stories of the sample web are published, each once, and nothing else is."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies.catalog import load
from policies.model import Capture, Page
from policies.settings import Settings
from policies.tracking import Tracker, open_tracker
from tests.sampleweb import SampleWeb, editions
from tests.sampleweb.demo import Told, for_people, is_free, surroundings
from tests.sampleweb.site import HERE

ROOT = Path(__file__).parent.parent
EXPECTED = yaml.safe_load((HERE / "expected.yaml").read_text(encoding="utf-8"))
DEMO = (sys.executable, "-m", "tests.sampleweb.demo")


@dataclass(frozen=True)
class Demo:
    """A demo that told its story and serves its site."""

    editions: Mapping[date, Told]
    address: str
    data: Path
    process: subprocess.Popen[str]

    @property
    def changes(self) -> list[Mapping[str, Any]]:
        return [change for told in self.editions.values() for change in told.changes]


@contextmanager
def running_demo(data: Path) -> Iterator[Demo]:
    command = [*DEMO, "--json", "--data", str(data), "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout
            told: dict[date, Told] = {}
            for line in process.stdout:
                if not line.startswith("{"):
                    break
                row = json.loads(line)
                day = date.fromisoformat(row["day"])
                told[day] = Told(day, row["results"], tuple(row["changes"]))
            else:
                assert process.stderr
                pytest.fail(f"the demo ended early:\n{process.stderr.read()}")
            yield Demo(told, line.split()[2], data, process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()


@pytest.mark.slow
def test_the_demo_tells_every_story_and_nothing_else(tmp_path, subtests):
    """One run, looked at from every side: it takes half a minute."""
    with running_demo(tmp_path / "data") as demo:
        for check in (
            it_publishes_what_happened_and_nothing_else,
            each_change_brings_its_words,
            each_change_touches_its_topics,
            each_change_has_its_stance,
            the_vendors_answers_are_theirs,
            what_cannot_be_read_is_known_by_its_health,
            a_broken_selector_is_told,
            nothing_is_wrong_with_the_store,
            the_story_can_be_read_by_people,
            the_site_is_served,
        ):
            with subtests.test(msg=check.__name__.replace("_", " ")):
                check(demo)


def it_publishes_what_happened_and_nothing_else(demo: Demo) -> None:
    published = Counter((change["page_id"], change["captured_at"][:10]) for change in demo.changes)
    expected = Counter((c["page"], c["edition"].isoformat()) for c in EXPECTED["changes"])
    missing, too_many = sorted(expected - published), sorted(published - expected)
    assert (missing, too_many) == ([], [])


def each_change_brings_its_words(demo: Demo) -> None:
    wrong = []
    for expected, change in _pairs(demo):
        old, new = _sides(change)
        wrong += [f"{expected['page']} + {w}" for w in expected["added"] if w not in new]
        wrong += [f"{expected['page']} - {w}" for w in expected["removed"] if w not in old]
    assert not wrong


def each_change_touches_its_topics(demo: Demo) -> None:
    wrong = []
    for expected, change in _pairs(demo):
        missing = set(expected.get("topics", ())) - set(change["topics"])
        if missing or (expected.get("topics") == [] and change["topics"]):
            wrong.append((expected["page"], expected["edition"], change["topics"]))
    assert not wrong


def each_change_has_its_stance(demo: Demo) -> None:
    wrong = []
    for expected, change in _pairs(demo):
        edits = _served(demo, f"/v1/changes/{change['id']}")["edits"]
        said = [edit["new"]["disclosure"] for edit in edits if edit["new"]]
        stances = {disclosure["stance"] for disclosure in said if disclosure} - {None}
        if "stance" in expected and stances != {expected["stance"]}:
            wrong.append((expected["page"], expected["edition"], stances))
    assert not wrong


def the_vendors_answers_are_theirs(demo: Demo) -> None:
    found = {}
    for vendor in EXPECTED["answers"]:
        answers = _served(demo, f"/v1/vendors/{vendor}")["answers"]
        answer = next(a for a in answers if a["topic"] == "human_review")
        since = date.fromisoformat(answer["since"][:10])
        found[vendor] = {"stance": answer["stance"], "since": since}
    assert found == EXPECTED["answers"]


def what_cannot_be_read_is_known_by_its_health(demo: Demo) -> None:
    unread = {
        (page, day): result["outcome"]
        for day, told in demo.editions.items()
        for page, result in told.results.items()
        if result["outcome"] not in ("unchanged", "changed")
    }
    expected = EXPECTED["health"]
    assert unread == {(page, day): o for page, days in expected.items() for day, o in days.items()}
    last = editions()[-1]
    health = {row["page_id"]: row["health"] for row in _lines(demo, "health", "--json")}
    for page, days in expected.items():
        assert health[page] == days[last] if last in days else health[page] not in days.values()


def a_broken_selector_is_told(demo: Demo) -> None:
    for page in ("quendrivox.speech-privacy.en", "quendrivox.terms.en"):
        told = {day: t.results[page]["warnings"] for day, t in demo.editions.items()}
        assert [bool(warnings) for warnings in told.values()] == [False] * 4 + [True] * 2
        assert told[editions()[-1]][0]["rule"] == "selector-broken"


def nothing_is_wrong_with_the_store(demo: Demo) -> None:
    assert _earwitness(demo, "verify").returncode == 0


def the_story_can_be_read_by_people(demo: Demo) -> None:
    story = "\n".join(for_people(told, ()) for told in demo.editions.values())
    assert "2 September 2024" in story
    assert "14 pages were read for the first time" in story
    assert "  - Voice recordings are kept for 18 months" in story
    assert "  + Voice recordings are kept for 36\u00a0months" in story
    assert "tavelunne.voice-faq.en  gone" in story


def the_site_is_served(demo: Demo) -> None:
    served = {change["id"] for change in _served(demo, "/v1/changes?vendor=pellifrane")["items"]}
    assert served == {c["id"] for c in demo.changes if c["vendor_id"] == "pellifrane"}
    with _open(demo.address) as answer:
        assert "Brellomar" in answer.read().decode()


def _pairs(demo: Demo) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Each expected change that was published, beside what was published."""
    found = {(c["page_id"], c["captured_at"][:10]): c for c in demo.changes}
    for expected in EXPECTED["changes"]:
        with suppress(KeyError):
            yield expected, found[expected["page"], expected["edition"].isoformat()]


def _sides(change: Mapping[str, Any]) -> tuple[str, str]:
    """What the change says to have gone, and to have come."""
    edits = [e for e in change["edits"] if e["kind"] in ("added", "removed", "replaced")]
    old, new = ([e[side]["text"] for e in edits if e[side]] for side in ("old", "new"))
    return "\n".join(old), "\n".join(new)


def _earwitness(demo: Demo, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {"EARWITNESS_DATA": str(demo.data), "PATH": str(Path(sys.executable).parent)}
    command = [sys.executable, "-m", "policies.cli", *words]
    return subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )


def _lines(demo: Demo, *words: str) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in _earwitness(demo, *words).stdout.splitlines()]


def _served(demo: Demo, path: str) -> Any:
    with _open(demo.address + path) as answer:
        return json.load(answer)


def _open(address: str) -> Any:
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=10)


# --- at the pace of a real crawl -------------------------------------------------------


@pytest.fixture
def tracker(tmp_path) -> Iterator[Tracker]:
    made = open_tracker(replace(Settings(), data=tmp_path))
    made.register(load(HERE / "catalog"))
    yield made
    made.close()


def watch(tracker: Tracker, page_id: str, begin: str, end: str, after: int = 0) -> list[str]:
    """Looks at a page whenever it is due between two days; the ids of published changes.

    `after`: how often somebody else has asked for the page before.
    """
    page = next(p for p in load(HERE / "catalog").pages if p.id == page_id)
    published: list[str] = []
    at, last = (datetime.fromisoformat(f"{day}T06:00:00+00:00") for day in (begin, end))
    with SampleWeb(at=at) as web:
        for _ in range(after):
            _fetch(web, page, at)
        while at < last:
            web.move(at)
            if tracker.due([page], at):
                published += tracker.observe(page, _fetch(web, page, at)).published
            at += timedelta(minutes=30)
    return published


def _fetch(web: SampleWeb, page: Page, at: datetime) -> Capture:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": web.address}))
    with opener.open(page.url, timeout=10) as answer:
        return Capture(
            page_id=page.id,
            origin="crawl",
            captured_at=at.astimezone(UTC),
            url=page.url,
            final_url=page.url,
            status=answer.status,
            headers=tuple((name.lower(), value) for name, value in answer.headers.items()),
            body=answer.read(),
        )


@pytest.mark.parametrize("after", [0, 1], ids=["one rendering first", "the other first"])
def test_two_renderings_in_turn_are_silent_for_weeks(tracker, after):
    assert watch(tracker, "tavelunne.voice-notice.en", "2024-10-25", "2024-11-08", after) == []


@pytest.mark.parametrize("after", [0, 1], ids=["one rendering first", "the other first"])
def test_an_edit_to_two_renderings_that_take_turns_is_published_once(tracker, after):
    changes = watch(tracker, "tavelunne.voice-notice.en", "2025-01-27", "2025-02-14", after)
    assert len(changes) == 1


def test_the_demo_needs_a_folder_of_its_own(tmp_path):
    (tmp_path / "letter.txt").write_text("mine")
    said = subprocess.run(
        [*DEMO, "--data", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert said.returncode == 2
    assert "a new or an empty folder" in said.stderr


def test_the_demo_stays_out_of_the_operators_store(monkeypatch):
    monkeypatch.setenv("EARWITNESS_DATABASE", "sqlite:///real.sqlite3")
    environ = surroundings(EARWITNESS_DATA="elsewhere")
    assert {k: v for k, v in environ.items() if k.startswith("EARWITNESS_")} == {
        "EARWITNESS_DATA": "elsewhere"
    }


def test_a_port_that_is_taken_is_seen():
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert not is_free(other.getsockname()[1])
    assert is_free(0)
