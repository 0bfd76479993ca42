"""`earwitness changes`, `health` and `diff`, for a person and for a program."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from policies.cli import main
from policies.settings import Settings


@pytest.fixture
def ask(sample: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EARWITNESS_DATA", str(sample.data))
    monkeypatch.setenv("EARWITNESS_DATABASE", sample.database)

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, list(words))

    return run


def lines(result: Result) -> list[dict]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_changes_tell_what_went_and_what_came(ask):
    result = ask("changes", "--topic", "human_review", "--page", "quendrivox.speech-privacy.en")
    assert result.exit_code == 0
    assert re.search(
        r"^20\d\d-\d\d-\d\d  quendrivox\.speech-privacy\.en$", result.stdout, re.MULTILINE
    )
    assert "  - Only if you join the improvement programme, a small share of" in result.stdout
    assert "  + Unless you leave the improvement programme, a small share of" in result.stdout
    assert "-“join”  +“leave”" in result.stdout
    assert "\033" not in result.stdout, "colours are for terminals"


def test_changes_as_json_lines_quote_verbatim(ask):
    found = lines(ask("changes", "--json", "--since", "2024-04-15"))
    assert found
    assert [c["captured_at"] for c in found] == sorted(c["captured_at"] for c in found)
    for change in found:
        assert change["after"]["digest"].startswith("sha256:")
        for edit in change["edits"]:
            for span in edit["spans"]:
                assert span["old_end"] <= len(edit["old"]["text"])
                assert span["new_end"] <= len(edit["new"]["text"])


def test_only_edits_about_the_topic_are_shown(ask):
    found = lines(ask("changes", "--json", "--topic", "retention"))
    assert found
    for change in found:
        assert all("retention" in edit["topics"] for edit in change["edits"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--vendor", "nobody"), "no vendor has the id 'nobody'"),
        (("--page", "nobody.page.en"), "no page has the id 'nobody.page.en'"),
        (("--since", "yesterday"), "expected a date like 2024-06-25"),
        (("--since", "2024-02-30"), "not in the calendar"),
        (("--topic", "weather"), "'weather' is not one of"),
    ],
)
def test_a_wrong_filter_is_one_sentence_and_not_silence(ask, words, says):
    result = ask("changes", *words)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stdout == ""


def test_a_missing_store_is_said_and_not_made(tmp_path, monkeypatch):
    monkeypatch.setenv("EARWITNESS_DATA", str(tmp_path))
    monkeypatch.delenv("EARWITNESS_DATABASE", raising=False)
    result = CliRunner().invoke(main, ["changes"])
    assert result.exit_code == 1
    assert "there is no store" in result.stderr
    assert not list(tmp_path.iterdir())


def test_health_tells_trouble_first(ask):
    told = ask("health").stdout.splitlines()
    assert told[0].startswith("gone")
    assert "pellifrane.memory-help.fr" in told[0]
    assert any("the declared selector no longer reads the page" in line for line in told)


def test_health_as_json_lines(ask):
    found = {line["page_id"]: line for line in lines(ask("health", "--json"))}
    assert found["tavelunne.voice-faq.en"]["health"] == "gone"
    assert found["tavelunne.voice-faq.en"]["reason"] == "the server says 404"


# --- diff ------------------------------------------------------------------------------

OLD = "# Voice\n\nWe may listen to recordings. You can opt in.\n\nNothing else.\n"
NEW = (
    "# Voice\n\nWe will not listen to recordings. You can opt in.\n\nNothing <b>else</b>.\n\nNew.\n"
)


def test_versions_tell_which_texts_were_believed(ask):
    page = "quendrivox.speech-privacy.en"
    shown = ask("versions", page)
    assert shown.exit_code == 0
    told = shown.stdout.splitlines()
    assert sum("  baseline " in line for line in told) == 1
    assert any("  confirmed " in line and "change " in line for line in told)
    assert any("  reread " in line for line in told), "its layout changed once"
    found = lines(ask("versions", page, "--json", "--state", "confirmed"))
    assert {version["state"] for version in found} == {"confirmed"}
    assert [v["captured_at"] for v in found] == sorted(v["captured_at"] for v in found)
    assert "no such text" in ask("versions", page, "--state", "unconfirmed").stderr
    assert ask("versions", "nope").exit_code == 2


@pytest.fixture
def files(tmp_path: Path):
    def write(old: str | bytes, new: str | bytes, ending: str = ".md") -> tuple[str, str]:
        paths = (tmp_path / f"old{ending}", tmp_path / f"new{ending}")
        for path, text in zip(paths, (old, new), strict=True):
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(paths[0]), str(paths[1])

    return write


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["diff", *words])


def test_a_diff_for_a_person(files):
    result = run(*files(OLD, NEW))
    assert result.exit_code == 0
    assert "# Voice" in result.stdout
    assert "  - We may listen to recordings." in result.stdout
    assert "  + We will not listen to recordings." in result.stdout
    assert "words: -“may”  +“will not”" in result.stdout
    assert "  + New." in result.stdout


def test_a_diff_for_a_program(files):
    told = json.loads(run(*files(OLD, NEW), "--format", "json").stdout)
    kinds = {edit["kind"] for edit in told["edits"]}
    assert "added" in kinds
    assert "replaced" in kinds


def test_a_diff_as_one_html_document_holds_no_markup_of_the_files(files):
    told = run(
        *files("Safe words.", "Safe <script>alert(1)</script> words.", ".txt"), "--format=html"
    )
    assert told.exit_code == 0
    assert told.stdout.startswith("<!doctype html>")
    assert "<script" not in told.stdout
    assert "&lt;script&gt;" in told.stdout
    assert "http" not in told.stdout


def test_files_of_html_are_read_as_pages(files):
    page = "<html><body><main><h1>Voice</h1><p>{} words are kept.</p></main></body></html>"
    told = run(*files(page.format("Few"), page.format("Many"), ".html"))
    assert "  - Few words are kept." in told.stdout
    assert "  + Many words are kept." in told.stdout


def test_the_same_file_twice_differs_in_nothing(files):
    result = run(*files(OLD, OLD))
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no difference in words" in result.stderr


def test_what_a_terminal_would_obey_is_made_visible(files):
    told = run(
        *files("Calm words here.", "Calm \u202edlo\u202c \x1b[31m words here.", ".txt")
    ).stdout
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert "\\u202e" in told


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"%PDF-1.7 \xe2\xe3", "not a text file"),
        (b"\x00\x01\x02", "not a text file"),
        (b"caf\xe9", "not UTF-8, at byte 3"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(files, data, says):
    result = run(*files(data, data, ".txt"))
    assert result.exit_code == 2
    assert says in result.stderr


def test_a_missing_file_is_one_sentence(tmp_path):
    result = run(str(tmp_path / "no.txt"), str(tmp_path / "no.txt"))
    assert result.exit_code == 2
    assert "No such file" in result.stderr
