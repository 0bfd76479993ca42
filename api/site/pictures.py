"""Pictures over time, as numbers for an SVG: bands of bars on a scale of years.

Places across are per cent of the width, so that the same picture fills a phone and a desk and its
words keep their size. Nothing is told by a picture alone: the page that shows one lists the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_LABEL = 20  # pixels: the line of a band's name
_GAP = 12  # below a band
_BAR = 18  # height of a band that shows one answer at a time
_LANE = 5  # height of a lane, where many things stand at once
_LANE_GAP = 2
_MOST_LANES = 14  # of a band; more would be a wall
_AXIS = 26  # the line of the years
_TICKS = 18  # the line of the versions or changes
_LEAST = 0.5  # per cent: what lasted a day can still be seen
_YEARS = 6  # labels that a phone has room for
_STEPS = (1, 2, 5, 10, 20)
_NAMED = 16  # per cent of the width from which on a bar may bear its words


@dataclass(frozen=True)
class Span:
    """Something that held for a time."""

    since: datetime
    until: datetime | None  # None: still
    sort: str  # class of its look
    name: str  # in words


@dataclass(frozen=True)
class Bar:
    """A span's place in a picture."""

    x: float  # per cent
    width: float  # per cent
    y: int
    height: int
    sort: str
    name: str
    named: bool  # whether its words may fit


@dataclass(frozen=True)
class Band:
    """A name and its bars."""

    name: str
    y: int  # where the name stands
    bars: tuple[Bar, ...]
    left_out: int  # spans that no lane was free for


@dataclass(frozen=True)
class Tick:
    """A moment on the line below the bands."""

    x: float
    strong: bool


@dataclass(frozen=True)
class Year:
    """A mark of the axis."""

    x: float
    name: str


@dataclass(frozen=True)
class Picture:
    """All that an SVG needs."""

    height: int
    floor: int  # where the bands end
    bands: tuple[Band, ...]
    ticks: tuple[Tick, ...]
    years: tuple[Year, ...]


@dataclass(frozen=True)
class Scale:
    """A time as a place across."""

    since: datetime
    until: datetime

    def at(self, when: datetime) -> float:
        """Per cent from the left, within the picture."""
        share = (when - self.since) / (self.until - self.since)
        return round(100 * min(max(share, 0), 1), 2)

    def years(self) -> tuple[Year, ...]:
        """The beginnings of some years that lie in it."""
        first = self.since.year + (self.since > datetime(self.since.year, 1, 1, tzinfo=UTC))
        every = range(first, self.until.year + 1)
        step = next((s for s in _STEPS if len(every) <= _YEARS * s), _STEPS[-1])
        return tuple(
            Year(self.at(datetime(year, 1, 1, tzinfo=UTC)), str(year))
            for year in every
            if year % step == 0 or len(every) <= 1
        )


def scale(since: datetime, until: datetime) -> Scale:
    """The scale of a time; of at least a month, so that one day is no wall."""
    return Scale(min(since, until - timedelta(days=30)), until)


def picture(
    over: Scale,
    bands: Iterable[tuple[str, Sequence[Span]]],
    ticks: Iterable[tuple[datetime, bool]] = (),
    *,
    lanes: bool = False,
) -> Picture:
    """Bands one below the other, and ticks below them all.

    `lanes`: spans may hold at the same time, and each gets a thin bar in a free lane.
    """
    y = 0
    drawn: list[Band] = []
    for name, spans in bands:
        band, y = (_laned if lanes else _plain)(over, name, spans, y)
        drawn.append(band)
    marks = tuple(Tick(over.at(at), strong) for at, strong in ticks)
    floor = y
    return Picture(
        height=floor + (_TICKS if marks else 0) + _AXIS,
        floor=floor,
        bands=tuple(drawn),
        ticks=marks,
        years=over.years(),
    )


def _plain(over: Scale, name: str, spans: Sequence[Span], y: int) -> tuple[Band, int]:
    top = y + _LABEL
    bars = tuple(_bar(over, span, top, _BAR) for span in spans)
    return Band(name, y, bars, 0), top + _BAR + _GAP


def _laned(over: Scale, name: str, spans: Sequence[Span], y: int) -> tuple[Band, int]:
    top = y + _LABEL
    ends: list[float] = []  # where the last bar of each lane ends
    bars: list[Bar] = []
    left_out = 0
    for span in sorted(spans, key=lambda s: (s.since, s.until or over.until)):
        bar = _bar(over, span, 0, _LANE)
        lane = next((n for n, end in enumerate(ends) if end <= bar.x), len(ends))
        if lane == _MOST_LANES:
            left_out += 1
            continue
        ends[lane : lane + 1] = [bar.x + bar.width]
        bars.append(_bar(over, span, top + lane * (_LANE + _LANE_GAP), _LANE))
    height = max(len(ends), 1) * (_LANE + _LANE_GAP)
    return Band(name, y, tuple(bars), left_out), top + height + _GAP


def _bar(over: Scale, span: Span, y: int, height: int) -> Bar:
    x = min(over.at(span.since), 100 - _LEAST)
    width = round(max(over.at(span.until or over.until) - x, _LEAST), 2)
    return Bar(x, width, y, height, span.sort, span.name, width >= _NAMED)
