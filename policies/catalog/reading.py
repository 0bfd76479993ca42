"""A YAML file becomes items that know their line, and what is wrong with them is collected.

The file is composed, not constructed: no value is guessed (`no:` stays the language Norwegian),
every key and value keeps its line, and nothing that a file says can make reading it run long.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import yaml

# The longest declaration has 4,600 bytes (November 2026).
MAX_BYTES = 100_000
# A declaration is six levels deep; PyYAML recurses, so what is deeper is not even composed.
MAX_DEPTH = 12
MAX_TEXT = 2_000
_SPACE = re.compile(r"[ \t\r\n]+")


@dataclass(frozen=True, order=True)
class Problem:
    """Something that a file says and cannot mean."""

    stage: int  # 0: the file could not be read at all; 1: a value; 2: files contradict one another
    file: str
    line: int  # from 1; 0: the file as a whole
    key: str  # dotted path: "policies.terms.pages.fr"; empty: the file as a whole
    says: str  # what was expected

    def __str__(self) -> str:
        line = f", line {self.line}" if self.line else ""
        key = f", {self.key}" if self.key else ""
        return f"{self.file}{line}{key}: {self.says}"


@dataclass(frozen=True)
class Claim:
    """A value that no other place in the catalog may claim."""

    kind: str  # "address", "host", …
    value: str  # as compared
    file: str
    line: int
    key: str


@dataclass
class Sheet:
    """One file being read: its problems and claims as they come to light."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)

    def complain(self, line: int, key: str, says: str, stage: int = 1) -> None:
        """Notes a problem; reading goes on, so that one run shows all of them."""
        self.problems.append(Problem(stage, self.file, line, key, says))


@dataclass(frozen=True)
class Item:
    """A value in a file, its place and how to take it; a wrong one is noted and reads as empty."""

    sheet: Sheet
    node: yaml.Node
    key: str  # dotted path
    line: int  # of its key, or of itself in a list; from 1

    @property
    def is_text(self) -> bool:
        """Whether the value is written as one word or sentence."""
        return isinstance(self.node, yaml.ScalarNode)

    @property
    def is_record(self) -> bool:
        """Whether the value is made of `key: value` lines."""
        return isinstance(self.node, yaml.MappingNode)

    def complain(self, says: str) -> None:
        """Notes what was expected here."""
        self.sheet.complain(self.line, self.key, says)

    def claim(self, kind: str, value: str) -> None:
        """Notes that this value may stand nowhere else."""
        self.sheet.claims.append(Claim(kind, value, self.sheet.file, self.line, self.key))

    def entries(self) -> dict[str, Item]:
        """Keys and values of a mapping, in order; a key given twice is noted."""
        if not isinstance(self.node, yaml.MappingNode):
            self.complain(f"expected `key: value` lines, got {_kind(self.node)}")
            return {}
        found: dict[str, Item] = {}
        for key_node, value in self.node.value:
            line = _line(key_node)
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else ""
            if not key or not key.isprintable():
                self.sheet.complain(line, self.key, "expected a word as a key")
                continue
            path = f"{self.key}.{key}" if self.key else key
            if key in found:
                says = f"is given twice, first in line {found[key].line}; keep one of them"
                self.sheet.complain(line, path, says)
                continue
            found[key] = Item(self.sheet, value, path, line)
        return found

    def record(self, known: Collection[str], required: Collection[str] = ()) -> dict[str, Item]:
        """The entries of a mapping whose keys are known; others, and missing ones, are noted."""
        found = self.entries()
        for key in [key for key in found if key not in known]:
            item = found.pop(key)
            item.complain(f"unknown key{_perhaps(key, known)}; known here: {', '.join(known)}")
        if self.is_record:
            for key in required:
                if key not in found:
                    self.complain(f"`{key}` is missing")
        return found

    def items(self) -> list[Item]:
        """The values of a list; a single value counts as a list of one."""
        if isinstance(self.node, yaml.SequenceNode):
            return [
                Item(self.sheet, node, f"{self.key}[{n}]", _line(node))
                for n, node in enumerate(self.node.value, start=1)
            ]
        if _is_empty(self.node):
            self.complain("expected a value or a list, got nothing")
            return []
        return [self]

    def text(self) -> str:
        """A scalar as it is written, white space folded."""
        if not isinstance(self.node, yaml.ScalarNode):
            self.complain(f"expected text, got {_kind(self.node)}")
            return ""
        text = _SPACE.sub(" ", self.node.value).strip(" ")
        if not text or _is_empty(self.node):
            self.complain("expected text, got nothing")
            return ""
        if len(text) > MAX_TEXT:
            self.complain(f"expected at most {MAX_TEXT:,} characters, got {len(text):,}")
            return ""
        if any(unicodedata.category(c) in {"Cc", "Cs"} for c in text):
            self.complain("expected text without control characters")
            return ""
        return text

    def checked(self, check: Callable[[str], str | None]) -> str:
        """The text, where `check` finds nothing to say about it."""
        text = self.text()
        complaint = check(text) if text else None
        if complaint:
            self.complain(complaint)
            return ""
        return text

    def flag(self) -> bool:
        """`true` or `false`."""
        text = self.text()
        if text and text not in {"true", "false"}:
            self.complain(f"expected true or false, got {text!r}")
        return text == "true"

    def choice(self, known: Collection[str]) -> str:
        """One of the known words."""
        text = self.text()
        if text and text not in known:
            self.complain(f"expected one of {_listed(known)}, got {text!r}{_perhaps(text, known)}")
            return ""
        return text


def read(text: bytes, sheet: Sheet) -> Item | None:
    """The root of a file, or None with a problem noted: not YAML, too large, aliases, too deep."""
    if len(text) > MAX_BYTES:
        sheet.complain(0, "", f"expected at most {MAX_BYTES:,} bytes, got {len(text):,}", stage=0)
        return None
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        sheet.complain(line, "", "expected UTF-8; save the file as UTF-8", stage=0)
        return None
    try:
        refused = _refused(decoded)
        if refused:
            sheet.complain(refused[0], "", refused[1], stage=0)
            return None
        root = yaml.compose(decoded, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        line, says = _explained(error, decoded)
        sheet.complain(line, "", f"this is not YAML: {says}", stage=0)
        return None
    if root is None:
        sheet.complain(0, "", "the file is empty; a declaration begins with `name:`", stage=0)
        return None
    return Item(sheet, root, "", _line(root))


def _refused(text: str) -> tuple[int, str] | None:
    """Line and reason of the first thing in a file that a declaration never needs."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = _line(event)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                return line, "expected one document; remove the `---` line"
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            return line, "anchors and aliases (& and *) are not allowed; write the value out"
        if getattr(event, "tag", None):
            return line, "tags (!) are not allowed; write the plain value"
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                return line, f"expected at most {MAX_DEPTH} levels of nesting"
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return None


def _explained(error: yaml.YAMLError, text: str) -> tuple[int, str]:
    """Line and reason of what PyYAML stumbled over."""
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        return (mark.line + 1 if mark else 0), str(error.problem or error.context)
    if isinstance(error, yaml.reader.ReaderError):
        at: Any = error.position
        return text.count("\n", 0, at) + 1, "a control character stands there"
    return 0, str(error).splitlines()[0]


def _line(at: yaml.Node | yaml.Event) -> int:
    return at.start_mark.line + 1 if at.start_mark else 0


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "`key: value` lines"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return "nothing" if _is_empty(node) else "text"


def _listed(known: Collection[str]) -> str:
    return ", ".join(f'"{word}"' for word in known)


def _perhaps(word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word.lower(), known, n=1)
    return f" (did you mean `{near[0]}`?)" if near else ""
