"""`earwitness ledger`, and directions in `changes`, `diff` and `explain`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from policies.cli import main
from policies.settings import Settings
from policies.store import open_store, schema


@pytest.fixture
def ask(sample: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EARWITNESS_DATA", str(sample.data))
    monkeypatch.setenv("EARWITNESS_DATABASE", sample.database)

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, list(words))

    return run


def lines(result: Result) -> list[dict]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def flat(result: Result) -> str:
    """What was printed, without its line breaks."""
    return " ".join(result.stdout.split())


def test_the_present_answer_with_its_quotes_dates_and_digests(ask):
    told = flat(ask("ledger", "quendrivox"))
    assert told.startswith("Quendrivox: People listening ")
    assert "unless you turn that off" in told
    assert "[opt_out] “Unless you leave the improvement programme" in told
    assert "crawl 2024-12-" in told
    assert "sha256:" in told
    assert "Before:" in told
    assert "people listen only if you agree" in told


def test_every_answer_over_time_says_what_came_and_what_went(ask):
    told = ask("ledger", "quendrivox", "--over-time").stdout
    came = told.index("[opt_in] “Only if you join the improvement programme")
    went = told.rindex("[opt_in] “Only if you join the improvement programme")
    now = told.index("[opt_out] “Unless you leave the improvement programme")
    assert told[came - 15 : came].lstrip().startswith("+ 2024")
    assert told[went - 15 : went].lstrip().startswith("- 2024")
    assert came < now
    assert came != went


def test_as_of_a_date_the_answer_of_then(ask):
    (then,) = lines(ask("ledger", "quendrivox", "--at", "2024-10-01", "--json"))
    (now,) = lines(ask("ledger", "quendrivox", "--json"))
    assert (then["stance"], now["stance"]) == ("opt_in", "opt_out")
    assert then["as_of"][:10] <= "2024-10-01"
    assert all(s["first"]["captured_at"][:10] <= "2024-10-01" for s in then["statements"])
    (before,) = lines(ask("ledger", "quendrivox", "--at", "2020-01-01", "--json"))
    assert before["standing"] == "not_read"


def test_every_vendor_and_every_topic(ask):
    everybody = lines(ask("ledger", "--json"))
    assert len({line["vendor_id"] for line in everybody}) == len(everybody) > 2
    topics = lines(ask("ledger", "quendrivox", "--topic", "all", "--json"))
    assert len(topics) == 11


def test_the_words_of_ours_in_french_and_the_vendors_as_they_are(ask):
    told = flat(ask("ledger", "quendrivox", "--lang", "fr"))
    assert told.startswith("Quendrivox: Écoute par des personnes ")
    assert "sauf si vous le désactivez" in told
    assert "“Unless you leave the improvement programme" in told


def test_a_quote_of_the_ledger_is_a_slice_of_the_stored_text(ask, sample: Settings):
    from policies.store import writing

    store = open_store(sample.database_url, create=False)
    try:
        with store.engine.connect() as connection:
            for line in lines(ask("ledger", "--topic", "all", "--json")):
                for said in line["statements"]:
                    place = said["last"]
                    text = writing.load_text(
                        connection, place["text_digest"].removeprefix("sha256:")
                    )
                    assert text[place["start"] : place["end"]] == said["text"]
    finally:
        store.close()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nobody",), "no vendor has the id 'nobody'"),
        (("--at", "yesterday"), "expected a date like 2024-06-25"),
        (("--topic", "weather"), "'weather' is not one of"),
        (("--lang", "xx"), "'xx' is not one of"),
    ],
)
def test_a_wrong_question_is_one_sentence(ask, words, says):
    result = ask("ledger", *words)
    assert result.exit_code == 2
    assert says in result.stderr


# --- directions ------------------------------------------------------------------------------


def test_changes_say_which_way_they_go_and_by_which_rule(ask):
    told = ask("changes", "--topic", "human_review", "--page", "quendrivox.speech-privacy.en")
    assert "  = people listening: worse for you" in told.stdout
    assert "you have to object now, and were asked before (opt-in-to-opt-out)" in told.stdout


def test_only_changes_that_go_that_way(ask):
    worse = lines(ask("changes", "--direction", "worse", "--topic", "human_review", "--json"))
    assert worse
    for change in worse:
        found = change["directions"]["human_review"]
        assert found["direction"] == "worse"
        assert found["findings"][0]["old"] or found["findings"][0]["new"]
    everything = lines(ask("changes", "--json"))
    assert len(worse) < len(everything)


def test_explain_names_the_rules_with_their_words(ask):
    (change, *_) = lines(ask("changes", "--direction", "worse", "--json"))
    told = ask("explain", change["id"]).stdout
    assert "human_review: worse: you have to object now, and were asked before" in told
    found = json.loads(ask("explain", change["id"], "--json").stdout)["directions"]
    assert {"topic", "direction", "rule", "says", "old", "new"} == set(found[0])


def test_a_diff_of_two_files_says_it_too(tmp_path):
    old, new = tmp_path / "old.txt", tmp_path / "new.txt"
    old.write_text("With your permission, our employees listen to your voice recordings.")
    new.write_text("Our employees listen to your voice recordings unless you opt out.")
    told = CliRunner().invoke(main, ["diff", str(old), str(new), "--scope", "assistant"]).stdout
    assert "= people listening: worse for you" in told
    found = json.loads(
        CliRunner().invoke(main, ["diff", str(old), str(new), "--format", "json"]).stdout
    )
    assert found["directions"]["human_review"]["direction"] == "worse"


def test_a_diff_in_a_language_that_is_not_read_has_no_direction(tmp_path):
    old, new = tmp_path / "old.txt", tmp_path / "new.txt"
    old.write_text("録音は聞かれません。")
    new.write_text("録音は聞かれます。")
    done = CliRunner().invoke(main, ["diff", str(old), str(new), "--language", "ja"])
    assert done.exit_code == 0
    assert "  = " not in done.stdout


# --- after an upgrade --------------------------------------------------------------------------


def test_changes_that_nobody_weighed_are_weighed_at_the_next_reread(
    sample_on_sqlite: Settings, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    """A store from before there were directions, brought up to date."""
    import shutil

    shutil.copytree(sample_on_sqlite.data, tmp_path / "data")
    monkeypatch.setenv("EARWITNESS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("EARWITNESS_CATALOG", str(sample_on_sqlite.catalog))
    monkeypatch.delenv("EARWITNESS_DATABASE", raising=False)
    settings = Settings(data=tmp_path / "data")
    c, t = schema.changes.c, schema.change_topics.c
    store = open_store(settings.database_url, create=False)
    with store.engine.connect() as connection:
        before = connection.execute(schema.changes.select().order_by(c.id)).all()
    with store.engine.execution_options(writes=True).begin() as connection:
        connection.execute(schema.changes.update().values(directions={}, directed_by=""))
        connection.execute(schema.change_topics.update().values(direction=None))
    done = CliRunner().invoke(main, ["reread"])
    assert f"{len(before)} changes weighed again" in done.stdout
    with store.engine.connect() as connection:
        after = connection.execute(schema.changes.select().order_by(c.id)).all()
        unset = schema.change_topics.select().where(t.direction.is_(None))
        assert connection.execute(unset).all() == []
    store.close()
    assert after == before
    assert "as it would be read today" in CliRunner().invoke(main, ["reread"]).stdout
