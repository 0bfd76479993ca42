"""`earwitness search` and `earwitness provenance`, for a person and for a program."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from policies.cli import main
from policies.settings import Settings

JOIN = (
    "Only if you join the improvement programme, a small share of your recordings is listened to"
    " and transcribed by trained Quendrivox employees."
)


@pytest.fixture
def ask(sample: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EARWITNESS_DATA", str(sample.data))
    monkeypatch.setenv("EARWITNESS_DATABASE", sample.database)

    def run(*words: str, pasted: str | None = None) -> Result:
        return CliRunner().invoke(main, list(words), input=pasted)

    return run


def lines(result: Result) -> list[dict]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_search_tells_the_words_and_where_they_stood(ask):
    result = ask("search", "small share of", "transcribed")
    assert result.exit_code == 0
    assert JOIN in result.stdout
    assert "Quendrivox: Tessquill Speech Privacy Notice, quendrivox.speech-privacy.en  [gone" in (
        result.stdout
    )
    assert "\033" not in result.stdout, "colours are for terminals"


def test_a_search_for_a_program_is_one_hit_a_line(ask):
    many = lines(ask("search", "the", "--json", "--limit", "70"))
    assert len(many) == 70, "more than are asked for at once"
    found = lines(ask("search", "recordings", "--json", "--limit", "70"))
    assert len({hit["passage_id"] for hit in found}) == len(found)
    assert len(lines(ask("search", "recordings", "--json", "--limit", "3"))) == 3
    for hit in found:
        assert {hit["text"][a:b].casefold() for a, b in hit["matches"]} == {"recordings"}
        assert hit["seen"][0]["capture_digest"].startswith("sha256:")


def test_who_removed_a_word(ask):
    asked = ["search", "--in", "changes", "--change", "removed", "join"]
    assert "words: -“Only if”" in ask(*asked).stdout
    found = lines(ask(*asked, "--json", "--vendor", "quendrivox"))
    assert {hit["page_id"] for hit in found} >= {"quendrivox.speech-privacy.en"}
    for hit in found:
        assert [hit["old"]["text"][a:b] for a, b in hit["removed"]] == ["join"]


def test_a_sentence_tells_its_provenance(ask):
    for result in (ask("provenance", JOIN), ask("provenance", pasted=JOIN)):
        assert result.exit_code == 0
        assert f"“{JOIN}”" in result.stdout
        assert "words: -“Only if”  +“Unless”" in result.stdout
    (told,) = lines(ask("provenance", "--json", JOIN.replace("small", "tiny")))
    assert not told["exact"]
    assert told["traces"][0]["passage"]["text"] == JOIN
    assert told["traces"][0]["similarity"] > 0.9


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["search", "???"], "there is no word in this query"),
        (["search", "x", "--vendor", "nobody"], "no vendor has the id 'nobody'"),
        (["search", "x", "--page", "nobody"], "no page has the id 'nobody'"),
        (["search", "x", "--change", "added"], "--change goes with --in changes"),
        (["search", "x", "--until", "soon"], "expected a date like"),
        (["provenance", "…"], "no word to trace"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(ask, words, says):
    result = ask(*words)
    assert result.exit_code == 2
    assert says in result.output


def test_nothing_found_is_said(ask):
    result = ask("search", "nosuchword")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "Nothing that was ever read holds all of these words." in result.stderr
    assert "Nothing like it was ever read." in ask("provenance", "Walrus poems rhyme.").stdout
