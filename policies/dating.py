"""When a page says of itself that it was last updated: metadata, and never a change."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import cache
from importlib.resources import files

import yaml
from babel.dates import get_month_names

_LONGEST = 120  # characters of a line that is about a date and little else
_FIRST_YEAR, _LAST_YEAR = 1995, 2100  # other numbers of four digits are no years of a policy
_ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_YEAR = re.compile(r"\b(\d{4})\b")
_DAY = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th|er|º|ª|\.)?(?!\d)")
_NUMBERS = re.compile(r"\b(\d{1,2})[./](\d{1,2})[./](\d{4})\b")


def stated_date(lines: Iterable[str], lang: str) -> str | None:
    """The date of the first line that says when its page was updated: "2024-06-25" or "2024-06".

    None: no line says so, or none that leaves no doubt: 04/05/2024 is not told.
    """
    cue = _cue(lang)
    if cue is None:
        return None
    for line in lines:
        if len(line) <= _LONGEST and _YEAR.search(line) and cue.search(line.casefold()):
            found = _date(line, lang)
            if found:
                return found
    return None


def _date(line: str, lang: str) -> str | None:
    iso = _ISO.search(line)
    if iso:
        return _checked(*map(int, iso.groups()))
    numbers = _NUMBERS.search(line)
    if numbers:
        return _of_numbers(*map(int, numbers.groups()))
    month = _months(lang).search(line.casefold())
    year = _YEAR.search(line)
    if month is None or year is None:
        return None
    around = line[max(0, month.start() - 8) : month.start()] + " " + line[month.end() :][:10]
    day = next((int(n) for n in _DAY.findall(around) if 1 <= int(n) <= 31), None)
    return _checked(int(year[1]), _month_numbers(lang)[month[0]], day)


def _of_numbers(first: int, second: int, year: int) -> str | None:
    """A date in figures, where only one of the two can be the month."""
    if first > 12 >= second:
        return _checked(year, second, first)
    if second > 12 >= first:
        return _checked(year, first, second)
    return _checked(year, first, second) if first == second else None


def _checked(year: int, month: int, day: int | None) -> str | None:
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    try:
        whole = date(year, month, day or 1).isoformat()
    except ValueError:
        return None
    return whole if day else whole[:7]


@cache
def _cue(lang: str) -> re.Pattern[str] | None:
    data = yaml.safe_load(files("policies").joinpath("furniture.yaml").read_text("utf-8"))
    words = data["dated_by"].get(lang)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})") if words else None


@cache
def _month_numbers(lang: str) -> dict[str, int]:
    """A month's name, in full or short, -> its number."""
    names: dict[str, int] = {}
    for width in ("abbreviated", "wide"):
        for number, name in get_month_names(width, locale=lang).items():
            names[name.casefold().rstrip(".")] = number
    return names


@cache
def _months(lang: str) -> re.Pattern[str]:
    longest_first = sorted(_month_numbers(lang), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b")
