"""The site's shapes as lines, for pictures that are not SVG.

The shapes stand once, in templates/parts.html. What they use is read here: paths of M, L, H, V, C,
S, A and Z, circles, and rectangles with round corners.
"""

from __future__ import annotations

import itertools
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Point = tuple[float, float]
_TOKEN = re.compile(r"[A-Za-z]|-?(?:\d*\.\d+|\d+)")
_TAKES = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "A": 7, "Z": 0}  # numbers
_FINE = 24  # straight pieces of a curve


@dataclass(frozen=True)
class Stroke:
    """A line through some points, in the shape's own units (24 across)."""

    points: tuple[Point, ...]
    filled: bool = False  # whether what it encloses is filled


def strokes(shape: str) -> tuple[Stroke, ...]:
    """The lines of a shape, as its SVG elements draw them. Raises ValueError for other elements."""
    found: list[Stroke] = []
    for element in ET.fromstring(f"<g>{shape}</g>"):  # noqa: S314  # our own template
        lines = list(_lines(element))
        dashes = [float(part) for part in element.get("stroke-dasharray", "").split()]
        if dashes:
            lines = [dash for line in lines for dash in _dashed(line, *dashes)]
        filled = element.get("fill") == "currentColor"
        found += [Stroke(tuple(line), filled) for line in lines]
    return tuple(found)


def _lines(element: ET.Element) -> Iterable[list[Point]]:
    number = {name: float(element.get(name, "0")) for name in ("x", "y", "width", "height", "rx")}
    if element.tag == "path":
        return _path(element.get("d", ""))
    if element.tag == "circle":
        cx, cy, r = (float(element.get(name, "0")) for name in ("cx", "cy", "r"))
        return _path(f"M{cx - r} {cy}A{r} {r} 0 0 1 {cx + r} {cy}A{r} {r} 0 0 1 {cx - r} {cy}Z")
    if element.tag == "rect":
        x, y, w, h, r = number.values()
        turn = f"A{r} {r} 0 0 1"
        return _path(
            f"M{x + r} {y}H{x + w - r}{turn} {x + w} {y + r}V{y + h - r}{turn} {x + w - r} {y + h}"
            f"H{x + r}{turn} {x} {y + h - r}V{y + r}{turn} {x + r} {y}Z"
        )
    raise ValueError(f"a shape cannot have a <{element.tag}>: only path, circle and rect are drawn")


def _path(drawn: str) -> list[list[Point]]:
    """The lines of a path's commands."""
    lines: list[list[Point]] = []
    here: Point = (0, 0)
    bend: Point | None = None  # the last control point of a curve
    for command, numbers in _commands(drawn):
        x, y = here if command.islower() else (0.0, 0.0)
        kind = command.upper()
        ends = [(x + a, y + b) for a, b in itertools.pairwise(numbers)][::2]
        mirrored = (2 * here[0] - bend[0], 2 * here[1] - bend[1]) if bend else here
        bend = None
        if kind == "M":
            lines.append([ends[0]])
        elif kind == "Z":
            lines[-1].append(lines[-1][0])
        elif kind == "H":
            lines[-1].append((x + numbers[0], here[1]))
        elif kind == "V":
            lines[-1].append((here[0], y + numbers[0]))
        elif kind == "A":
            end = (x + numbers[5], y + numbers[6])
            lines[-1] += _arc(here, end, numbers[0], large=numbers[3] > 0, sweep=numbers[4] > 0)
        elif kind in "CS":
            one, two, end = ends if kind == "C" else (mirrored, *ends)
            lines[-1] += _curve(here, one, two, end)
            bend = two
        else:
            lines[-1].append(ends[0])
        here = lines[-1][-1]
    return lines


def _commands(drawn: str) -> Iterator[tuple[str, list[float]]]:
    """Each command with its numbers; one that is not repeated in writing is repeated here."""
    tokens = _TOKEN.findall(drawn)
    at, command = 0, ""
    while at < len(tokens):
        if tokens[at].isalpha():
            command, at = tokens[at], at + 1
        takes = _TAKES[command.upper()]
        yield command, [float(token) for token in tokens[at : at + takes]]
        at += takes
        command = {"M": "L", "m": "l"}.get(command, command)


def _curve(start: Point, one: Point, two: Point, end: Point) -> list[Point]:
    """A cubic Bézier curve, without its start."""
    points: list[Point] = []
    for step in range(1, _FINE + 1):
        t = step / _FINE
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
        corners = (start, one, two, end)
        x, y = (sum(w * p[i] for w, p in zip(weights, corners, strict=True)) for i in (0, 1))
        points.append((x, y))
    return points


def _arc(start: Point, end: Point, radius: float, *, large: bool, sweep: bool) -> list[Point]:
    """An arc of a circle, without its start.

    From its ends to its middle as https://www.w3.org/TR/SVG2/implnote.html#ArcConversionEndpointToCenter
    """
    half = math.dist(start, end) / 2
    radius = max(radius, half)
    away = math.sqrt(radius**2 - half**2) * (-1 if large == sweep else 1)
    along = math.atan2(end[1] - start[1], end[0] - start[0])
    cx = (start[0] + end[0]) / 2 - away * math.sin(along)
    cy = (start[1] + end[1]) / 2 + away * math.cos(along)
    since = math.atan2(start[1] - cy, start[0] - cx)
    turn = (math.atan2(end[1] - cy, end[0] - cx) - since) % math.tau
    turn = turn if sweep else turn - math.tau
    steps = [since + turn * step / _FINE for step in range(1, _FINE + 1)]
    return [(cx + radius * math.cos(angle), cy + radius * math.sin(angle)) for angle in steps]


def _dashed(line: list[Point], drawn: float, left: float) -> Iterator[list[Point]]:
    """A line as dashes, each so long and so far apart."""
    gone = 0.0
    dash: list[Point] = []
    for one, two in itertools.pairwise(line):
        long = math.dist(one, two)
        for step in range(_FINE):
            share = step / _FINE
            if (gone + share * long) % (drawn + left) < drawn:
                dash.append(
                    (one[0] + share * (two[0] - one[0]), one[1] + share * (two[1] - one[1]))
                )
            elif dash:
                yield dash
                dash = []
        gone += long
    if dash:
        yield dash
