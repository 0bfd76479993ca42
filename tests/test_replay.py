"""Five real sites crawled through two and a half years, at their real addresses.

The step between two crawls is set by EARWITNESS_STEP_DAYS; the figures in the changelog were
made with 14.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from policies.cli import main
from policies.store import open_store, schema, writing
from tests.benchmark import noise
from tests.fixtures_replay import Replay

STEP = timedelta(days=int(os.environ.get("EARWITNESS_STEP_DAYS", "56")))
FIRST, LAST = date(2024, 2, 1), date(2026, 8, 27)
PAGES = (
    "deepseek.privacy-policy.en",
    "deepseek.privacy-policy-2025.en",
    "meta.privacy-policy.en",
    "microsoft.privacy-statement.en-ie",
    "openai.privacy-policy.en",
    "speechify.privacy-policy.en",
)
MICROSOFT = "microsoft.privacy-statement.en-ie"

pytestmark = pytest.mark.slow


def earwitness(environment: Mapping[str, str], *words: str) -> Result:
    return CliRunner().invoke(main, list(words), env=dict(environment))


@pytest.fixture(scope="module")
def years(
    shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """(environment of a store that saw all the years, every page's outcome at each step)."""
    from tests.fixtures_replay import replaying

    folder = tmp_path_factory.mktemp("years")
    seen: list[dict[str, Any]] = []
    with replaying(shared / "replay" / "replay.py", folder, FIRST.isoformat()) as web:
        environment = {
            **os.environ,
            **web.environment,
            "EARWITNESS_DATA": str(folder / "data"),
        }
        when = FIRST
        while when <= LAST:
            web.move(when)
            pages = [word for page in PAGES for word in ("--page", page)]
            done = earwitness(environment, "crawl", "--at", when.isoformat(), "--json", *pages)
            assert done.exit_code in (0, 3), done.stderr
            seen.append({"at": when, **json.loads(done.stdout)})
            when += STEP
    return environment, seen


def store_of(environment: Mapping[str, str]) -> sa.Engine:
    url = f"sqlite:///{environment['EARWITNESS_DATA']}/earwitness.sqlite3"
    return open_store(url, create=False).engine


def test_microsofts_statement_is_read_through_its_new_layout_to_the_end(
    years: tuple[dict[str, str], list[dict[str, Any]]],
) -> None:
    environment, seen = years
    outcomes = {
        step["at"]: page["outcome"]
        for step in seen
        for page in step["pages"]
        if page["page"] == MICROSOFT
    }
    assert {o for when, o in outcomes.items() if when >= date(2024, 3, 1)} <= {
        "changed",
        "unchanged",
    }
    with store_of(environment).connect() as connection:
        last = writing.last_read(connection, MICROSOFT, "crawl")
        sentences = [p.text for p in writing.load_passages(connection, last.text_id)]
    assert last.captured_at.date() == seen[-1]["at"]
    promised = {"Microsoft", "not", "store", "sample", "listen", "voice", "permission"}
    assert any(promised <= set(re.findall(r"\w+", sentence)) for sentence in sentences)


def test_no_change_is_published_between_texts_that_say_the_same(
    years: tuple[dict[str, str], list[dict[str, Any]]],
) -> None:
    environment, _ = years
    before, after = schema.versions.alias(), schema.versions.alias()
    one, other = schema.texts.alias(), schema.texts.alias()
    query = (
        sa.select(schema.changes.c.page_id, one.c.signature, other.c.signature)
        .join(before, before.c.id == schema.changes.c.before_id)
        .join(after, after.c.id == schema.changes.c.after_id)
        .join(one, one.c.id == before.c.text_id)
        .join(other, other.c.id == after.c.text_id)
    )
    with store_of(environment).connect() as connection:
        changes = connection.execute(query).all()
    assert len(changes) >= 8  # the sites were really rewritten in these years
    assert all(was != is_ for _, was, is_ in changes)


def test_little_is_noise_and_no_real_change_is_lost(
    years: tuple[dict[str, str], list[dict[str, Any]]],
) -> None:
    if timedelta(days=14) != STEP:
        pytest.skip("judged by a person in steps of two weeks: set EARWITNESS_STEP_DAYS=14")
    environment, _ = years
    store = f"sqlite:///{environment['EARWITNESS_DATA']}/earwitness.sqlite3"
    found = noise.table([store], noise.judgements("replayed"))
    print("\n" + "\n".join(found.lines()))
    assert noise.complaints(found, "replayed") == []


def test_what_was_kept_can_be_verified_from_the_evidence(
    years: tuple[dict[str, str], list[dict[str, Any]]],
) -> None:
    environment, _ = years
    done = earwitness(environment, "verify", "--deep")
    assert done.exit_code == 0, done.stdout + done.stderr


def test_a_site_that_fails_keeps_its_last_good_version(
    replay: Callable[[str], Replay], tmp_path: Path
) -> None:
    web = replay("2025-03-10")
    environment = {**os.environ, **web.environment, "EARWITNESS_DATA": str(tmp_path)}
    url = "https://speechify.com/privacy/"
    expected = {
        "captcha": ("blocked", "blocked"),
        "consent": ("blocked", "blocked"),
        "empty": ("unreadable", "unreadable"),
        "status-503": ("failed", "stale"),
        "status-410": ("gone", "gone"),
        "truncate": ("failed", "stale"),
        "reset": ("failed", "stale"),
    }
    page = "speechify.privacy-policy.en"
    assert earwitness(environment, "crawl", "--at", "2025-03-10", "--page", page).exit_code == 0
    for day, (kind, (outcome, health)) in enumerate(expected.items(), 11):
        web.fault(url, kind)
        done = earwitness(
            environment, "crawl", "--at", f"2025-03-{day}", "--page", page, "--force", "--json"
        )
        assert done.exit_code == 3, (kind, done.stderr)
        assert json.loads(done.stdout)["pages"][0]["outcome"] == outcome, kind
        with store_of(environment).connect() as connection:
            track = writing.load_track(connection, page, "crawl")
        assert track.health == health, kind
        assert track.current_id is not None
