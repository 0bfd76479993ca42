"""`earwitness detect`: passages in, what they say out, nothing half done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from policies.cli.detect import detect

PASSAGE = {
    "id": "a1",
    "text": "With your consent, trained staff listen to a small sample of voice requests.",
    "context": "",
    "vendor": "Halden",
    "lang": "en",
    "scope": "general",
}


def run(*lines: object, arguments: tuple[str, ...] = ()) -> Result:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return CliRunner().invoke(detect, list(arguments), input=text + "\n")


def rows(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_passage_comes_back_with_topics_and_stance() -> None:
    (row,) = rows(run(PASSAGE))
    assert row["topics"] == ["human_review", "reviewers", "sample", "choice"]
    assert row["stance"] == "opt_in"
    assert row["read"] is True
    assert {key: row[key] for key in PASSAGE} == PASSAGE


def test_labels_that_came_with_the_passage_are_replaced() -> None:
    (row,) = rows(run(PASSAGE | {"text": "Nothing of the kind.", "topics": ["sample"]}))
    assert row["topics"] == []
    assert row["stance"] is None


def test_the_context_is_read() -> None:
    passage = PASSAGE | {"text": "Employees may listen to some of this data."}
    silent, told = rows(run(passage, passage | {"context": "Voice control keeps recordings."}))
    assert silent["topics"] == []
    assert "human_review" in told["topics"]


def test_a_language_that_is_not_read_says_so() -> None:
    (row,) = rows(run(PASSAGE | {"lang": "ja"}))
    assert row["read"] is False
    assert row["topics"] == []


def test_explain_tells_which_words_matched_what() -> None:
    (row,) = rows(run(PASSAGE, arguments=("--explain",)))
    review = next(match for match in row["matches"] if match["pattern"] == "review.listening")
    assert review["words"] == "listen to a small sample of voice requests"
    assert PASSAGE["text"][review["start"] : review["end"]] == review["words"]
    assert row["slots"]["sample"] == "a small sample"


def test_a_file_is_read_and_empty_lines_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "passages.jsonl"
    file.write_text("\n" + json.dumps(PASSAGE) + "\n\n", "utf-8")
    result = CliRunner().invoke(detect, [str(file)])
    assert len(rows(result)) == 1


def test_one_bad_line_is_named_and_nothing_is_printed() -> None:
    for line, message in [
        ("{broken", "line 2 is not a JSON object."),
        ("[1]", "line 2 is not a JSON object."),
        (PASSAGE | {"text": 3}, 'line 2 needs a string "text".'),
        ({"text": "x", "scope": "general"}, 'line 2 needs a string "lang".'),
        (PASSAGE | {"scope": "house"}, 'line 2 needs a "scope" of assistant or general.'),
        (PASSAGE | {"context": 5}, 'line 2 has a "context" that is no string.'),
    ]:
        result = run(PASSAGE, line, PASSAGE)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr == f"earwitness detect: {message}\n"


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(detect, [str(tmp_path / "none.jsonl")])
    assert result.exit_code == 2
    assert "none.jsonl cannot be read" in result.stderr
    binary = tmp_path / "binary.jsonl"
    binary.write_bytes(b"\xff\xfe\x00\n")
    result = CliRunner().invoke(detect, [str(binary)])
    assert result.exit_code == 2
    assert "line 1 is not UTF-8" in result.stderr


def test_empty_input_gives_empty_output() -> None:
    result = run("")
    assert result.exit_code == 0
    assert result.stdout == ""
