"""Shapes that the queries share: keyset positions, pages of a list, bounded IN lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")

BATCH = 500  # values in one IN list; SQLite's oldest limit on parameters is 999


@dataclass(frozen=True)
class Position:
    """Where a list ordered by time, newest first, goes on: after this row."""

    at: datetime
    id: str


@dataclass(frozen=True)
class Listing(Generic[T]):
    """One page of a list."""

    items: tuple[T, ...]
    more: bool  # whether rows follow


def batches(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in runs short enough for one IN list."""
    for start in range(0, len(values), BATCH):
        yield values[start : start + BATCH]


def listing(rows: Sequence[T], limit: int) -> Listing[T]:
    """The first `limit` rows, of a query that asked for one more."""
    return Listing(tuple(rows[:limit]), len(rows) > limit)
