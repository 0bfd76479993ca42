"""Dates and times, read strictly and written plainly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import moments
from policies.errors import BadInput


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2024-06-25", datetime(2024, 6, 25, tzinfo=UTC)),
        ("2024-06-25T18:32:00Z", datetime(2024, 6, 25, 18, 32, tzinfo=UTC)),
        ("2024-06-25T18:32Z", datetime(2024, 6, 25, 18, 32, tzinfo=UTC)),
        ("2024-06-25T18:32:00+02:00", datetime(2024, 6, 25, 16, 32, tzinfo=UTC)),
        ("2024-06-25T18:32:00.25Z", datetime(2024, 6, 25, 18, 32, 0, 250_000, tzinfo=UTC)),
    ],
)
def test_what_is_meant_is_read(text, at):
    assert moments.since(text) == at


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "1700000000",
        "today",
        "2024",
        "2024-6-5",
        "2024-02-30",
        "2024-06-25T18:32:00",
        "2024-06-25 18:32:00Z",
        "2024-W26-2",
        "20240625",
        " 2024-06-25",
        "2024-06-25T25:00:00Z",
        "٢٠٢٤-٠٦-٢٥",
        "0001-01-01T00:00:00+23:00",
    ],
)
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(BadInput, match="2024-06-25T18:32:00Z"):
        moments.since(text)


def test_a_date_lasts_its_whole_day():
    assert moments.until("2024-06-25") == datetime(2024, 6, 26, tzinfo=UTC)
    at = moments.since("2024-06-25T18:32:00Z")
    assert moments.until("2024-06-25T18:32:00Z") == at + timedelta(microseconds=1)
    assert moments.until("9999-12-31") == datetime.max.replace(tzinfo=UTC)


@given(st.integers(0, 250_000_000_000), st.integers(0, 999_999))
def test_what_is_written_is_read_again(seconds, micro):
    there = timezone(timedelta(hours=2))
    at = datetime.fromtimestamp(seconds, there).replace(microsecond=micro)
    assert moments.since(moments.iso(at)) == at
