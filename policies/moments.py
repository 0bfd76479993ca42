"""Dates and times as people and programs write them (ISO 8601), read strictly."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from policies.errors import BadInput

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:\d{2})")
EXPECTED = "expected a date like 2024-06-25 or a time like 2024-06-25T18:32:00Z"


def since(text: str) -> datetime:
    """The first instant meant: a date begins at midnight UTC. Raises BadInput."""
    pattern = _DATE if len(text) == len("2024-06-25") else _TIME
    if not (text.isascii() and pattern.fullmatch(text)):
        raise BadInput(f"{text[:40]!r} is no date or time: {EXPECTED}")
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if pattern is _DATE else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{text!r} is not in the calendar: {EXPECTED}") from error


def until(text: str) -> datetime:
    """The first instant after what is meant: a date lasts until the next. Raises BadInput."""
    at = since(text)
    step = timedelta(days=1) if _DATE.fullmatch(text) else timedelta(microseconds=1)
    latest = datetime.max.replace(tzinfo=UTC)
    return at + step if at <= latest - step else latest


def iso(at: datetime) -> str:
    """A time as programs write it: UTC, to the second, or finer where it is."""
    text = at.astimezone(UTC).isoformat(timespec="microseconds" if at.microsecond else "seconds")
    return text.replace("+00:00", "Z")
