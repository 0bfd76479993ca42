"""Every fault that the replay can make, on real pages that were really edited underneath.

The edits that a crawl without faults publishes are what has to get through in the end: once each,
and nothing else. Among them is a sentence about people who listen, which Microsoft took out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from policies.cli import main
from tests.fixtures_replay import Replay, replaying

pytestmark = pytest.mark.slow

BEFORE, AFTER = "2024-05-01", "2024-12-15"
PAGES = {
    "microsoft.privacy-statement.en-ie": "https://privacy.microsoft.com/en-ie/privacystatement",
    "openai.privacy-policy.en": "https://openai.com/policies/eu-privacy-policy/",
    "speechify.privacy-policy.en": "https://speechify.com/privacy/",
}
MICROSOFT, OPENAI, SPEECHIFY = PAGES

# What each page meets in a run, and what is made of it; None: the page is read all the same.
Expected = Mapping[str, tuple[str, str | None, str]]  # page -> kind, outcome, health
RUNS: tuple[Expected, ...] = (
    {
        MICROSOFT: ("truncate", "failed", "stale"),
        OPENAI: ("captcha", "blocked", "blocked"),
        SPEECHIFY: ("reset", "failed", "stale"),
    },
    {
        MICROSOFT: ("wrong-charset", None, "current"),
        OPENAI: ("hang", "failed", "stale"),
        SPEECHIFY: ("status-410", "gone", "gone"),
    },
    {
        MICROSOFT: ("consent", "blocked", "blocked"),
        OPENAI: ("redirect-loop", "failed", "stale"),
        SPEECHIFY: ("slow", "failed", "stale"),
    },
    {
        MICROSOFT: ("empty", "unreadable", "unreadable"),
        OPENAI: ("status-429", "blocked", "blocked"),
        SPEECHIFY: ("status-503", "failed", "stale"),
    },
    # By itself: the replay answers nobody else while it packs its gibibyte.
    {SPEECHIFY: ("gzip-bomb", "failed", "stale")},
)


def earwitness(environment: Mapping[str, str], *words: str) -> str:
    done = CliRunner().invoke(main, list(words), env=dict(environment), catch_exceptions=False)
    assert done.exit_code in (0, 3), done.stderr
    return done.stdout


def environment(web: Replay, folder: Path) -> dict[str, str]:
    own = {
        "EARWITNESS_DATA": str(folder),
        "EARWITNESS_FETCH_TIMEOUT": "8",
        # The pages are of the past, and are not to be called stale for that.
        "EARWITNESS_INTERVAL": "99999d",
    }
    return {**os.environ, **web.environment, **own}


def crawl(env: Mapping[str, str], at: str, pages: Mapping[str, Any]) -> dict[str, str]:
    """What came of each page in one round."""
    words = [word for page in pages for word in ("--page", page)]
    told = json.loads(earwitness(env, "crawl", "--force", "--json", "--at", at, *words))
    return {row["page"]: row["outcome"] for row in told["pages"]}


def edits(env: Mapping[str, str]) -> dict[str, list[Any]]:
    """The edits of each published change, by page."""
    found: dict[str, list[Any]] = {}
    for line in earwitness(env, "changes", "--json").splitlines():
        change = json.loads(line)
        found.setdefault(change["page_id"], []).append(change["edits"])
    return found


@pytest.fixture(scope="module")
def undisturbed(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What a crawl publishes that meets no fault."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with replaying(shared / "replay" / "replay.py", folder, BEFORE) as web:
        env = environment(web, folder / "data")
        crawl(env, BEFORE, PAGES)
        web.move(AFTER)
        crawl(env, AFTER, PAGES)
        crawl(env, f"{AFTER}T01:00:00Z", PAGES)
        return edits(env)


def test_the_pages_were_really_edited(undisturbed: dict[str, list[Any]]) -> None:
    assert {page: len(changes) for page, changes in undisturbed.items()} == dict.fromkeys(PAGES, 1)
    topics = {topic for edit in undisturbed[MICROSOFT][0] for topic in edit["topics"]}
    assert "human_review" in topics


@pytest.mark.parametrize("run", RUNS, ids=["+".join(kind for kind, *_ in r.values()) for r in RUNS])
def test_what_was_edited_under_a_fault_is_published_once_when_it_ends(
    replay: Callable[[str], Replay],
    tmp_path: Path,
    undisturbed: dict[str, list[Any]],
    run: Expected,
) -> None:
    web = replay(BEFORE)
    env = environment(web, tmp_path)
    assert set(crawl(env, BEFORE, run).values()) == {"changed"}
    web.move(AFTER)
    for page, (kind, _, _) in run.items():
        web.fault(_host(page), kind)
    came = crawl(env, AFTER, run)
    health = {row["page_id"]: row["health"] for row in _lines(earwitness(env, "health", "--json"))}
    for page, (kind, outcome, state) in run.items():
        assert came[page] == (outcome or "changed"), kind
        assert health[page] == state, kind
    assert not edits(env)
    for page in run:
        web.fault(_host(page), "ok")
    for hour in (1, 2):
        assert set(crawl(env, f"{AFTER}T0{hour}:00:00Z", run).values()) <= {"changed", "unchanged"}
    assert edits(env) == {page: undisturbed[page] for page in run}
    earwitness(env, "verify", "--deep")


def _host(page: str) -> str:
    return urlsplit(PAGES[page]).hostname or ""


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]
