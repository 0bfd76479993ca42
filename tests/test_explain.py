"""Every decision explains itself, and an upgrade of the lexicon publishes nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from policies.cli import main
from policies.disclosures import Detector
from policies.errors import UnknownId
from policies.settings import Settings
from policies.store import Store, open_store, schema
from policies.tracking.explain import explain
from policies.tracking.reread import outdated, reread


@pytest.fixture
def store(sample: Settings) -> Iterator[Store]:
    opened = open_store(sample.database_url, create=False)
    yield opened
    opened.close()


def explained(store: Store, id_: str) -> dict[str, Any]:
    with store.engine.connect() as connection:
        return explain(connection, id_)


def first(store: Store, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> str:
    with store.engine.connect() as connection:
        query = sa.select(table.c.id).where(*conditions).order_by(table.c.captured_at).limit(1)
        return str(connection.execute(query).scalar_one())


def test_a_change_tells_what_confirmed_it_and_how_many_edits_it_holds(store: Store) -> None:
    told = explained(store, first(store, schema.changes))
    assert told["kind"] == "change"
    assert sum(told["counted"].values()) >= 1
    assert told["version"]["state"] == "confirmed"
    assert told["version"]["rules"], "the capture that confirmed it says by which rule"


def test_a_capture_that_was_not_read_tells_which_rules_led_there(store: Store) -> None:
    told = explained(store, first(store, schema.captures, schema.captures.c.outcome == "blocked"))
    assert told["kind"] == "capture"
    assert told["version"] is None
    assert {"rule", "says", "numbers"} == set(told["rules"][0])


def test_a_version_that_was_not_believed_says_so(store: Store) -> None:
    told = explained(store, first(store, schema.versions, schema.versions.c.state == "baseline"))
    assert told["compared_with"] is None
    assert "nothing to compare" in told["because"]


def test_an_id_that_nothing_bears_is_refused(store: Store) -> None:
    with pytest.raises(UnknownId, match="nothing bears the id"):
        explained(store, "0123456789abcdef")


def test_the_command_says_the_same_to_people_and_to_programs(sample_on_sqlite: Settings) -> None:
    store = open_store(sample_on_sqlite.database_url, create=False)
    change = first(store, schema.changes)
    store.close()
    environment = {"EARWITNESS_DATA": str(sample_on_sqlite.data)}
    spoken = CliRunner().invoke(main, ["explain", change], env=environment)
    assert spoken.exit_code == 0, spoken.output
    assert f"change {change}" in spoken.output
    as_json = CliRunner().invoke(main, ["explain", change, "--json"], env=environment)
    assert json.loads(as_json.output)["id"] == change
    assert CliRunner().invoke(main, ["explain", "nope"], env=environment).exit_code == 2


class OtherDetector:
    """The same lexicon under another name, as after an upgrade."""

    def __init__(self) -> None:
        self._real = Detector.load()
        self.digest = "another"
        self.judge = self._real.judge


def test_after_an_upgrade_every_text_is_judged_again_and_nothing_is_published(
    sample_on_sqlite: Settings, tmp_path: Path
) -> None:
    shutil.copytree(sample_on_sqlite.data, tmp_path / "data")
    settings = replace(sample_on_sqlite, data=tmp_path / "data")
    store = open_store(settings.database_url, create=False)
    detector = cast(Detector, OtherDetector())
    waiting = len(outdated(store, detector))
    assert waiting > 0
    before = published(store)
    steps: list[int] = []
    assert reread(store, detector, steps.append) == 0  # the same words: no other topics
    assert sum(steps) == waiting
    assert outdated(store, detector) == []
    assert published(store) == before
    store.close()


def published(store: Store) -> list[tuple[object, ...]]:
    with store.engine.connect() as connection:
        query = schema.changes.select().order_by(schema.changes.c.id)
        return [tuple(row) for row in connection.execute(query)]
