"""`earwitness diff`: what differs between two files, as changes are compared."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from policies import changes, passages, rendering
from policies.cli import directions
from policies.direction import Directed
from policies.disclosures import Detector
from policies.errors import BadInput
from policies.model import Document, Scope, Topic
from policies.text import read_html, read_markdown, read_plain
from policies.tracking.directing import between

_LARGEST = 20_000_000  # bytes of one file, as of one page
_HTML = (".html", ".htm", ".xhtml")
_MARKDOWN = (".md", ".markdown")


@click.command("diff")
@click.argument("old", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("new", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "html"]),
    default="text",
    show_default=True,
    help="html is one self-contained document.",
)
@click.option(
    "--language", default="en", metavar="CODE", show_default=True, help="Of both files (ISO 639-1)."
)
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    default=Scope.GENERAL.value,
    show_default=True,
    help="Whether the files are about an assistant as a whole.",
)
def diff(old: Path, new: Path, form: str, language: str, scope: str) -> None:
    """What differs between two files: HTML, Markdown or text, by their endings.

    Behind `=` stands which way it goes on a topic that we watch, by which rules; html leaves
    that out.
    """
    before = passages.split(_document(old), language)
    after = passages.split(_document(new), language)
    edits = changes.compare(before, after)
    steps = rendering.steps(before, after, edits)
    sides = dict(enumerate(before)), dict(enumerate(after))
    found: dict[Topic, Directed] = {}
    if form != "html" and steps:
        found = between(Detector.load(), language, Scope(scope), before, after, edits)
    if form == "json":
        told = {
            "old": old.name,
            "new": new.name,
            "edits": [rendering.to_json(s) for s in steps],
            "directions": directions.as_json(found, *sides),
        }
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    elif form == "html":
        fragment = rendering.to_html(rendering.whole(before, after, edits))
        click.echo(rendering.document(f"{old.name} → {new.name}", fragment, language), nl=False)
    else:
        _print(steps)
        for line in directions.lines(found, *sides):
            click.echo(line)


def _print(steps: tuple[rendering.Step, ...]) -> None:
    color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    path: tuple[str, ...] = ()
    for step in steps:
        if step.headings and step.headings != path:
            click.echo(f"# {rendering.where(step, color=color)}")
        path = step.headings
        click.echo(rendering.to_text(step, color=color))
    words = rendering.words(steps)
    what = (
        "no difference in words"
        if not _worded(steps)
        else (f"{words.removed} words removed, {words.added} added")
    )
    click.echo(f"{len(steps)} edits, {what}", err=True)


def _worded(steps: tuple[rendering.Step, ...]) -> bool:
    return any(not s.edit.kind.is_quiet for s in steps)


def _document(path: Path) -> Document:
    text = _text(path)
    ending = path.suffix.lower()
    if ending in _HTML or (
        ending not in _MARKDOWN and text.lstrip()[:9].lower().startswith(_OPENINGS)
    ):
        return read_html(text)
    return read_markdown(text) if ending in _MARKDOWN else read_plain(text)


_OPENINGS = ("<!doctype", "<html")


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise BadInput(f"{path}: larger than {_LARGEST // 1_000_000} MB")
    if data.startswith((b"%PDF", b"PK\x03\x04")) or b"\0" in data[:4096]:
        raise BadInput(f"{path}: not a text file; HTML, Markdown or text is expected")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8, at byte {error.start}") from error
