"""Citations of a change: as a sentence, for BibTeX, and for reference managers (RIS)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from policies import moments

_SPECIAL = re.compile(r"[\\{}$&#^_%~]")
_BREAKS = re.compile(r"\s+")


@dataclass(frozen=True)
class Cited:
    """What a citation names."""

    id: str
    title: str  # vendor, page and date in words
    address: str  # permanent
    captured_at: datetime  # first capture that showed it
    read_at: datetime  # last time that anything was read
    before: str | None  # digest of the capture before: "sha256:…"
    after: str | None


@dataclass(frozen=True)
class Citation:
    """The usual forms."""

    bibtex: str
    ris: str


def cite(what: Cited) -> Citation:
    """The forms for programs. Words of pages are made harmless for each of them."""
    return Citation(_bibtex(what), _ris(what))


def _digests(what: Cited) -> str:
    return f"before {what.before or 'unknown'}; after {what.after or 'unknown'}"


def _bibtex(what: Cited) -> str:
    at = what.captured_at
    fields = {
        "author": "{Earwitness}",
        "title": f"{{{_tex(what.title)}}}",
        "date": f"{at:%Y-%m-%d}",
        "year": f"{at:%Y}",
        "url": what.address,
        "urldate": f"{what.read_at:%Y-%m-%d}",
        "note": _tex(f"Captured {moments.iso(at)}; {_digests(what)}"),
    }
    lines = ",\n".join(f"  {name:<7} = {{{value}}}" for name, value in fields.items())
    return f"@online{{earwitness-{what.id},\n{lines}\n}}"


def _ris(what: Cited) -> str:
    lines = (
        ("TY", "ELEC"),
        ("AU", "Earwitness"),
        ("TI", _BREAKS.sub(" ", what.title)),
        ("DA", f"{what.captured_at:%Y/%m/%d}"),
        ("PY", f"{what.captured_at:%Y}"),
        ("UR", what.address),
        ("Y2", f"{what.read_at:%Y/%m/%d}"),
        ("N1", _digests(what)),
        ("ID", what.id),
        ("ER", ""),
    )
    return "\n".join(f"{tag}  - {value}" for tag, value in lines)


def _tex(text: str) -> str:
    """Words that LaTeX prints as they are."""
    escaped = {"\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}"}
    plain = _BREAKS.sub(" ", text)
    return _SPECIAL.sub(lambda found: escaped.get(found[0], "\\" + found[0]), plain)
