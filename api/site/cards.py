"""Pictures that go with a link to a page of the site, for those who show one (Open Graph)."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path

from flask import Response, current_app

from api.site.painting import Card, Means, paint
from api.site.strokes import strokes

_KEPT = 128  # cards in memory, some 30 kB each
_TOKENS = Path(__file__).parent / "static/tokens.css"
_COLOUR = re.compile(r"--([\w-]+): (#[0-9a-f]{6});")


def answer(card: Card) -> Response:
    """The card as a PNG of 1200 by 630, painted once for as long as it says the same."""
    response = Response(_painted(card), mimetype="image/png")
    # It is made to be shown by others.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@lru_cache(maxsize=_KEPT)
def _painted(card: Card) -> bytes:
    return paint(card, _means())


@cache
def _means() -> Means:
    """The tokens of the light look, and the shapes of the templates."""
    light = _TOKENS.read_text(encoding="utf-8").partition("@media")[0]
    shapes = current_app.jinja_env.get_template("parts.html").module.shapes  # type: ignore[attr-defined]
    return Means(
        dict(_COLOUR.findall(light)), {name: strokes(shape) for name, shape in shapes.items()}
    )
