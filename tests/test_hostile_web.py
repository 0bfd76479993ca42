"""Every fault of `hostile_faults` in one life of a real `earwitness crawl`, and what it left.

The story is told once and looked at from every side. `python -m tests.hostile_story NAME…` tells it
of the faults of these names alone, or of all, and prints what came of each.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from policies.evidence import orphans
from policies.model import VersionState
from policies.store import open_store, schema
from tests.hostile_faults import FAULTS, Fault
from tests.hostile_story import EDITED, ROUNDS, WITNESS, Story, page_of, tell, web_of

pytestmark = pytest.mark.slow

MEGABYTE = 1_000_000
# 2026-11-23: 270 MB for the crawl, with its lexicon and language model, and then 16 answers at
# once (the most that are on their way), each of at most 20 MB and held as bytes and as text.
MOST_MEMORY = (270 + 16 * (20 + 40)) * MEGABYTE

NEW_WORDS = "people of Tarnhelm Labelling, another company"
OLD_WORDS = "members of our staff"
SAYING = ("added", "removed", "replaced")


@dataclass(frozen=True)
class Told:
    """The story, and what the store holds when it is over."""

    story: Story
    changes: Mapping[str, list[dict[str, Any]]]  # page -> its published changes, as JSON
    during: Mapping[str, list[dict[str, Any]]]  # the same while the faults still last
    health: Mapping[str, dict[str, Any]]  # page -> its health, while the faults still last
    after: Mapping[str, dict[str, Any]]  # page -> its health in the end
    states: Mapping[str, list[VersionState]]  # page -> its versions' states, in order
    kept: Mapping[tuple[str, str], list[Any]]  # (page, day and hour) -> captures in the evidence

    def came_of(self, page: str, round_: str) -> dict[str, Any]:
        """What `crawl --json` told of a page in a round."""
        found: dict[str, Any] = self.story.rounds[round_].pages[page]
        return found


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("hostile")
    seen: dict[str, Any] = {}

    def look(story: Story) -> None:
        seen["during"] = _by_page(story.asked("changes", "--json").lines)
        seen["health"] = {row["page_id"]: row for row in story.asked("health", "--json").lines}

    with web_of(FAULTS) as web:
        story = tell(web, FAULTS, folder, look)
        changes = _by_page(story.asked("changes", "--json").lines)
        after = {row["page_id"]: row for row in story.asked("health", "--json").lines}
    kept: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for orphan in orphans(folder / "data" / "evidence", {}):
        one = orphan.capture
        kept[one.page_id, one.captured_at.isoformat()].append(one)
    return Told(story, changes, seen["during"], seen["health"], after, _states(folder), kept)


def _by_page(changes: list[dict[str, Any]]) -> Mapping[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for change in changes:
        found[change["page_id"]].append(change)
    return found


def _states(folder: Any) -> Mapping[str, list[VersionState]]:
    found: dict[str, list[VersionState]] = defaultdict(list)
    versions = schema.versions.c
    store = open_store(f"sqlite:///{folder / 'data' / 'earwitness.sqlite3'}", create=False)
    query = schema.versions.select().order_by(versions.page_id, versions.captured_at)
    with store.engine.connect() as connection:
        for row in connection.execute(query):
            found[row.page_id].append(VersionState(row.state))
    store.close()
    return found


def fault_by_fault(faults: tuple[Fault, ...]) -> Any:
    return pytest.mark.parametrize("fault", faults, ids=[fault.name for fault in faults])


NOT_READ = tuple(fault for fault in FAULTS if fault.outcome)
MET_FIRST = tuple(fault for fault in FAULTS if not fault.noisy)


def is_the_edit(change: dict[str, Any]) -> bool:
    """Whether a change is what the vendor edited, and nothing besides."""
    said = [edit for edit in change["edits"] if edit["kind"] in SAYING]
    return (
        [edit["kind"] for edit in said] == ["replaced"]
        and OLD_WORDS in said[0]["old"]["text"]
        and NEW_WORDS in said[0]["new"]["text"]
        and "human_review" in change["topics"]
    )


# --- the crawl -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROUNDS)
def test_no_round_crashes_and_all_its_pages_come_to_something(told, name):
    ran = told.story.rounds[name]
    assert ran.status in (0, 3), ran.err
    assert "Traceback" not in ran.err
    assert len(ran.pages) == 1 + 2 * len(FAULTS)
    assert ran.pages[f"hesperlaug.{WITNESS}.en"]["outcome"] in ("changed", "unchanged")


@pytest.mark.parametrize("name", ["calm", "over", "seen again"])
def test_every_page_is_read_when_its_site_is_well(told, name):
    unread = {
        page: row["reasons"]
        for page, row in told.story.rounds[name].pages.items()
        if row["outcome"] not in ("changed", "unchanged")
    }
    assert not unread


@pytest.mark.parametrize("name", ROUNDS)
def test_all_faults_at_once_stay_within_bounds(told, name, record_property):
    peak = told.story.rounds[name].peak
    record_property("peak_mb", peak // MEGABYTE)
    assert 50 * MEGABYTE < peak < MOST_MEMORY


def test_nothing_is_wrong_with_the_store(told):
    checked = told.story.asked("verify", "--deep")
    assert checked.status == 0, checked.out


def test_a_page_that_took_turns_before_and_after_the_edit_is_known_to_alternate(told):
    always = next(fault for fault in FAULTS if fault.always)
    assert told.after[page_of(always)]["health"] == "alternating"


# --- each fault ------------------------------------------------------------------------


@fault_by_fault(FAULTS)
def test_a_page_that_meets_a_fault_is_what_it_is(told, fault):
    for name in ("fault", "fault again"):
        row = told.came_of(page_of(fault), name)
        if fault.outcome:
            assert row["outcome"] == fault.outcome, row
            assert row["reasons"][0]["rule"] == fault.rule, row
        else:
            assert row["outcome"] in ("changed", "unchanged"), row
            assert fault.rule in [warning["rule"] for warning in row["warnings"]] or not fault.rule
    health = told.health[page_of(fault)]
    assert health["health"] == fault.expected_health, health


@fault_by_fault(NOT_READ)
def test_its_health_says_in_words_why_and_since_when(told, fault):
    health = told.health[page_of(fault)]
    assert health["since"].startswith(f"{EDITED:%Y-%m-%d}")
    assert health["last_read_at"].startswith("2024-09-03")
    assert re.fullmatch(r"[^\n\[\]{}]{10,200}", health["reason"]), health
    assert "Error" not in health["reason"]


@fault_by_fault(FAULTS)
def test_the_edit_gets_through_once_and_nothing_else_does(told, fault):
    page = page_of(fault)
    assert [is_the_edit(change) for change in told.changes[page]] == [True], told.changes[page]
    assert len(told.during.get(page, ())) == (1 if fault.edit else 0)
    assert told.after[page]["health"] in ("current", "alternating")


@fault_by_fault(MET_FIRST)
def test_a_fault_that_a_page_meets_first_is_no_version(told, fault):
    page = page_of(fault, first=True)
    first = told.came_of(page, "first")
    if fault.outcome or fault.first:
        assert first["outcome"] == (fault.first or fault.outcome), first
        assert first["version"] is None
        assert told.came_of(page, "calm")["reasons"][0]["rule"] == "first-text"
        assert told.states[page] == [VersionState.BASELINE, VersionState.CONFIRMED]
    assert [is_the_edit(change) for change in told.changes[page]] == [True], told.changes[page]


@fault_by_fault(tuple(fault for fault in FAULTS if not fault.broken))
def test_an_answer_is_kept_as_evidence(told, fault):
    kept_by_fault(told, fault)


@fault_by_fault(tuple(fault for fault in FAULTS if fault.broken))
def test_what_came_of_a_broken_answer_is_kept_as_evidence(told, fault):
    kept_by_fault(told, fault)


def kept_by_fault(told: Told, fault: Fault) -> None:
    captures = told.kept[page_of(fault), EDITED.isoformat()]
    assert len(captures) == (1 if fault.evident else 0)
    for capture in captures:
        row = told.came_of(page_of(fault), "fault")
        assert (capture.status, capture.failure) == (row["status"], row["failure"])
