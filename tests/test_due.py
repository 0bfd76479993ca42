"""When a page is looked at next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from policies.settings import Settings
from policies.tracking.due import Standing, due_at

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SETTINGS = Settings(interval=timedelta(hours=12), recheck_after=timedelta(minutes=15))


@pytest.mark.parametrize(
    ("standing", "wait"),
    [
        (Standing(NOW), timedelta(hours=12)),
        (Standing(NOW, waits=True), timedelta(minutes=15)),
        (Standing(NOW, failures=1), timedelta(minutes=15)),
        (Standing(NOW, failures=3), timedelta(hours=1)),
        (Standing(NOW, failures=50), timedelta(hours=12)),
        (Standing(NOW, waits=True, failures=50), timedelta(hours=12)),
        (Standing(NOW, waits=True, passed=2), timedelta(hours=1)),
        (Standing(NOW, waits=True, passed=8), timedelta(hours=12)),
        (Standing(NOW, passed=8), timedelta(hours=12)),
    ],
    ids=lambda value: str(value) if isinstance(value, timedelta) else None,
)
def test_a_page_is_looked_at_sooner_when_something_is_open_and_later_when_it_stays_so(
    standing: Standing, wait: timedelta
) -> None:
    assert due_at(standing, SETTINGS) == NOW + wait


def test_a_page_that_was_never_looked_at_is_due_now() -> None:
    assert due_at(Standing(), SETTINGS) is None
