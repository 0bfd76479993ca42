"""A change's diff as a page that loads nothing and runs nothing, and as plain text."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape

from policies import moments, rendering
from policies.model import Edit, Passage
from policies.store.queries.changes import ChangeRow


def as_html(
    row: ChangeRow, old: Sequence[Passage], new: Sequence[Passage], edits: Sequence[Edit]
) -> str:
    """The whole diff as one document; its policy lets nothing be loaded and no script run."""
    style = rendering.DOCUMENT_STYLE
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    title = f"{row.vendor_name}: {row.page_title}"
    facts = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in _facts(row)
    )
    fragment = rendering.to_html(rendering.whole(old, new, edits))
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
        f" style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'\">\n"
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n"
        f"<h1>{escape(title)}</h1>\n<dl>{facts}</dl>\n"
        f'<main lang="{escape(row.lang)}">\n{fragment}\n</main>\n</html>\n'
    )


def as_text(
    row: ChangeRow, old: Sequence[Passage], new: Sequence[Passage], edits: Sequence[Edit]
) -> str:
    """The edits as lines: what went behind `-`, what came behind `+`."""
    lines = [f"{name}: {value}" for name, value in _facts(row)]
    lines += ["", f"{row.vendor_name}: {row.page_title}", ""]
    path: tuple[str, ...] = ()
    for step in rendering.steps(old, new, edits):
        if step.headings and step.headings != path:
            lines.append(f"# {rendering.where(step)}")
        path = step.headings
        lines.append(rendering.to_text(step))
    return "\n".join(lines) + "\n"


def _facts(row: ChangeRow) -> tuple[tuple[str, str], ...]:
    return (
        ("Change", row.id),
        ("Page", f"{row.page_id}, {row.page_url}"),
        ("First captured", moments.iso(row.captured_at)),
        ("Confirmed", moments.iso(row.confirmed_at)),
        ("Versions", f"{row.before_id} before, {row.after_id} after"),
        ("Topics", ", ".join(row.topics) or "none that is watched"),
    )
