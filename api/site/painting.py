"""A card painted: words and shapes as a PNG of the size that all platforms show."""

from __future__ import annotations

import bisect
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from PIL import Image, ImageDraw, ImageFont

from api.site.strokes import Stroke

SIZE = (1200, 630)
_EDGE = 72  # left and right of all words
_FINER = (
    4  # shapes are drawn so many times larger and made smaller again: Pillow's lines are jagged
)
_LONGEST = 600  # characters of a text that are looked at
# Breaks, controls, and what steers the direction of writing: a space stands for them.
_ODD = re.compile(r"[\x00-\x20\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+")
_ROWS = 10  # in two columns
_LOOK = {"better": "no", "worse": "yes", "says_more": "unclear", "says_less": "unclear"}
_LINE = 1.8  # thickness of a shape's line, in its own units: that of parts.html
_ACROSS = 24  # units across a shape


@dataclass(frozen=True)
class Mark:
    """A word with its shape and colour: a stance, or which way a change goes."""

    sort: str
    name: str


@dataclass(frozen=True)
class Card:
    """What a picture says, all in the reader's language."""

    head: str
    says: str = ""
    marks: tuple[Mark, ...] = ()
    rows: tuple[tuple[str, Mark], ...] = ()  # who says what
    foot: str = ""


@dataclass(frozen=True)
class Means:
    """What it is painted with: the design tokens by name, the shapes by name."""

    colours: Mapping[str, str]
    shapes: Mapping[str, tuple[Stroke, ...]]

    def of(self, sort: str) -> tuple[str, str | None]:
        """The colour of a mark, and of the ground below it; None: it has a border instead."""
        name = _LOOK.get(sort, sort).replace("_", "-")
        if f"{name}-bg" in self.colours:
            return self.colours[name], self.colours[f"{name}-bg"]
        return self.colours["ink" if sort == "stated" else "soft"], None


def paint(card: Card, means: Means) -> bytes:
    """The card as a PNG; what does not fit ends with an ellipsis."""
    canvas = Image.new("RGB", SIZE, means.colours["paper"])
    pen = ImageDraw.Draw(canvas)
    ink, soft, brand = (means.colours[name] for name in ("ink", "soft", "link"))
    pen.rectangle((0, 0, SIZE[0], 14), fill=brand)
    _shape(canvas, means.shapes["ear"], brand, (_EDGE, 58), 56)
    pen.text((_EDGE + 70, 66), "Earwitness", font=letters(36, strong=True), fill=ink)
    pen.text((_EDGE, 562), _fitting(card.foot, letters(27), 1056), font=letters(27), fill=soft)
    y = 150
    for line in wrapped(card.head, letters(60, strong=True), 1056, 2):
        pen.text((_EDGE, y), line, font=letters(60, strong=True), fill=ink)
        y += 70
    y += 20
    if card.rows:
        _rows(canvas, card.rows, means, y)
    if card.marks:
        x = _EDGE
        for mark in card.marks:
            x += _badge(canvas, mark, means, (x, y)) + 18
        y += 84
    for line in wrapped(card.says, letters(42), 1056, max((545 - y) // 54, 1)):
        pen.text((_EDGE, y), line, font=letters(42), fill=ink)
        y += 54
    held = io.BytesIO()
    canvas.save(held, "PNG")
    return held.getvalue()


def wrapped(text: str, font: ImageFont.FreeTypeFont, width: float, most: int) -> list[str]:
    """The text in at most so many lines of that width; what is left out leaves an ellipsis."""
    lines: list[str] = []
    line = ""
    words = _plain(text).split(" ")
    for at, word in enumerate(words):
        longer = f"{line} {word}" if line else word
        if across(longer, font) <= width or not line:
            line = longer
            continue
        if len(lines) == most - 1:
            return [*lines, _fitting(" ".join([line, *words[at:]]), font, width)]
        lines.append(_fitting(line, font, width))
        line = word
    return [*lines, _fitting(line, font, width)] if line else lines


def across(text: str, font: ImageFont.FreeTypeFont) -> float:
    """How wide a text is as it is drawn, in pixels; `getlength` tells less than that."""
    return font.getbbox(text)[2]


def _fitting(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """The text, cut with an ellipsis where it is wider."""
    text = _plain(text)
    if across(text, font) <= width:
        return text
    fits = bisect.bisect(range(len(text)), width, key=lambda n: across(f"{text[:n]} …", font))
    return f"{text[: max(fits - 1, 0)].rstrip()} …"


def _plain(text: str) -> str:
    """The text without what is no letter; the font has no narrow spaces."""
    return _ODD.sub(" ", text[:_LONGEST]).replace("\u202f", "\xa0").strip(" ")


def _rows(canvas: Image.Image, rows: tuple[tuple[str, Mark], ...], means: Means, top: int) -> None:
    pen = ImageDraw.Draw(canvas)
    half = (min(len(rows), _ROWS) + 1) // 2
    for at, (name, mark) in enumerate(rows[:_ROWS]):
        x, y = _EDGE + 540 * (at // half), top + 54 * (at % half)
        pen.text(
            (x, y), _fitting(name, letters(29), 180), font=letters(29), fill=means.colours["ink"]
        )
        colour, _ = means.of(mark.sort)
        _shape(canvas, means.shapes[mark.sort], colour, (x + 192, y + 3), 32)
        said = _fitting(mark.name, letters(27), 270)
        pen.text((x + 234, y + 2), said, font=letters(27, strong=True), fill=colour)


def _badge(canvas: Image.Image, mark: Mark, means: Means, at: tuple[int, int]) -> int:
    """A mark as the site shows it; how wide it is."""
    x, y = at
    font = letters(32, strong=True)
    said = _fitting(mark.name, font, 420)  # there is room for two
    width = round(across(said, font)) + 96
    colour, ground = means.of(mark.sort)
    box = (0, 0, width * _FINER - 1, 60 * _FINER - 1)
    radius = 30 * _FINER

    def pill(pen: ImageDraw.ImageDraw) -> None:
        if ground:
            pen.rounded_rectangle(box, radius, fill=255)
        else:
            pen.rounded_rectangle(box, radius, outline=255, width=2 * _FINER)

    _stamp(canvas, (width, 60), ground or colour, (x, y), pill)
    _shape(canvas, means.shapes[mark.sort], colour, (x + 22, y + 11), 38)
    pen = ImageDraw.Draw(canvas)
    pen.text((x + 70, y + 9), said, font=font, fill=colour)
    return width


def _shape(
    canvas: Image.Image,
    shape: tuple[Stroke, ...],
    colour: str,
    at: tuple[int, int],
    across: int,
) -> None:
    """A shape of the site in a colour, so many pixels across."""
    larger = across * _FINER / _ACROSS
    thick = _LINE * larger

    def draw(pen: ImageDraw.ImageDraw) -> None:
        for stroke in shape:
            points = [(x * larger, y * larger) for x, y in stroke.points]
            if stroke.filled:
                pen.polygon(points, fill=255)
            pen.line(points, fill=255, width=round(thick), joint="curve")
            for x, y in (points[0], points[-1]):  # round ends
                r = thick / 2
                pen.ellipse((x - r, y - r, x + r, y + r), fill=255)

    _stamp(canvas, (across, across), colour, at, draw)


def _stamp(
    canvas: Image.Image,
    size: tuple[int, int],
    colour: str,
    at: tuple[int, int],
    draw: Callable[[ImageDraw.ImageDraw], None],
) -> None:
    """What is drawn, in one colour and with smooth edges, on the canvas."""
    large = Image.new("L", (size[0] * _FINER, size[1] * _FINER), 0)
    draw(ImageDraw.Draw(large))
    canvas.paste(colour, (at[0], at[1], at[0] + size[0], at[1] + size[1]), large.reduce(_FINER))


@cache
def letters(size: int, *, strong: bool = False) -> ImageFont.FreeTypeFont:
    """The letters of all cards, out of a package: a machine may have none."""
    name = "SourceSerifPro-Semibold.ttf" if strong else "SourceSerifPro-Regular.ttf"
    with (files("font_source_serif_pro") / "files" / name).open("rb") as stream:
        # Its own layout: the other one refuses some characters, and is not everywhere.
        held = io.BytesIO(stream.read())
        return ImageFont.truetype(held, size, layout_engine=ImageFont.Layout.BASIC)
