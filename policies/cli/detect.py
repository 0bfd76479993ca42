"""`earwitness detect`: labelled or bare passages in, what they say out, as JSON Lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from policies.disclosures import LANGUAGES, Detector
from policies.errors import BadInput
from policies.model import Scope, Verdict

_SCOPES = tuple(scope.value for scope in Scope)


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[FILE]")
@click.option("--explain", is_flag=True, help="Add the words matched, the slots and days.")
def detect(file: Path | None, explain: bool) -> None:
    """Tell what each passage says about people listening.

    FILE (standard input by default) holds one JSON object a line with "text", "lang",
    "scope" ("assistant" or "general") and, if there is any, "context"; other keys are
    passed through. Each comes out with "topics", "stance" and "read", which is false
    for a language that is not read. Nothing is printed if any line is wrong.
    """
    try:
        passages = list(_passages(_read(file)))
    except BadInput as error:
        click.echo(f"earwitness detect: {error}", err=True)
        sys.exit(2)
    detector = Detector.load()
    for passage in passages:
        click.echo(json.dumps(_judged(detector, passage, explain), ensure_ascii=False))


def _read(file: Path | None) -> bytes:
    if file is None or str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from error


def _passages(data: bytes) -> Iterator[dict[str, Any]]:
    """Each line's passage; raises BadInput with the number of the first wrong line."""
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            passage = json.loads(line.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise BadInput(f"line {number} is not UTF-8.") from error
        except (json.JSONDecodeError, RecursionError) as error:
            raise BadInput(f"line {number} is not a JSON object.") from error
        if trouble := _trouble(passage):
            raise BadInput(f"line {number} {trouble}")
        yield passage


def _trouble(passage: Any) -> str | None:
    """What is wrong with a decoded line, or None."""
    if not isinstance(passage, dict):
        return "is not a JSON object."
    for key in ("text", "lang"):
        if not isinstance(passage.get(key), str):
            return f'needs a string "{key}".'
    if passage.get("scope") not in _SCOPES:
        return f'needs a "scope" of {" or ".join(_SCOPES)}.'
    if not isinstance(passage.get("context") or "", str):
        return 'has a "context" that is no string.'
    return None


def _judged(detector: Detector, passage: dict[str, Any], explain: bool) -> dict[str, Any]:
    language = passage["lang"].partition("-")[0].lower()
    read = language in LANGUAGES
    verdict = Verdict(topics=(), stance=None)
    if read:
        context = passage.get("context") or ""
        verdict = detector.judge(passage["text"], language, Scope(passage["scope"]), (), context)
    judged = passage | {"topics": list(verdict.topics), "stance": verdict.stance, "read": read}
    if explain:
        judged["matches"] = [
            {
                "topic": match.topic,
                "pattern": match.pattern,
                "start": match.start,
                "end": match.end,
                "words": passage["text"][match.start : match.end],
            }
            for match in verdict.matches
        ]
        judged["slots"] = dict(verdict.slots)
        if words := verdict.slots.get("retention"):
            retention = detector.retention(words, language)
            judged["retention"] = {
                "days": retention.days,
                "until_deleted": retention.until_deleted,
            }
    return judged
