"""The gate on noise: what is published of real histories, beside what a person said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmark import noise


@pytest.fixture(scope="module")
def table(data: Path, french_data: Path) -> noise.Table:
    """Of the import of all histories."""
    stores = [f"sqlite:///{folder / 'earwitness.sqlite3'}" for folder in (data, french_data)]
    found = noise.table(stores, noise.judgements("imported"))
    print("\n" + "\n".join(found.lines()))
    return found


@pytest.mark.slow
def test_little_is_noise_and_no_real_change_is_lost(table: noise.Table) -> None:
    assert noise.complaints(table, "imported") == []


@pytest.mark.slow
def test_what_is_known_to_be_missed_still_is(table: noise.Table) -> None:
    found = [key for key in noise.missed() if key in table.published]
    assert found == [], "published now: move it from `missed` to its page in noise.yaml"


@pytest.mark.parametrize("section", ["imported", "replayed"])
def test_every_verdict_is_one_of_three_and_says_why(section: str) -> None:
    judged = noise.judgements(section)
    assert judged
    assert {j.verdict for j in judged.values()} <= {"real", "mixed", "noise"}
    assert all(j.why.strip() and j.edits > 0 for j in judged.values())


def small(published: dict[str, int], **verdicts: tuple[str, int]) -> noise.Table:
    judged = {("p", at): noise.Judged(v, n, False, "why") for at, (v, n) in verdicts.items()}
    return noise.Table({"p": 9}, {("p", at): n for at, n in published.items()}, judged)


@pytest.mark.parametrize(
    ("found", "complaint"),
    [
        (small({"a": 1}, a=("real", 1)), None),
        (small({"a": 1}, a=("real", 1), b=("noise", 1)), None),
        (small({"a": 1}, a=("real", 1), b=("mixed", 1)), "judged real, and not published: p b"),
        (small({"a": 30}, a=("real", 12)), "30 edits, 12 when judged: p a"),
        (small({"a": 30}, a=("real", 16)), None),
        (small({"a": 1, "b": 1}, a=("real", 1), b=("noise", 1)), "50.0% of what is published"),
        (small({str(n): 1 for n in range(6)}), "6 changes that nobody judged"),
        (small({str(n): 1 for n in range(5)}), None),
    ],
)
def test_the_gate_sees_what_is_wrong(found: noise.Table, complaint: str | None) -> None:
    told = noise.complaints(found, "imported")
    assert [line.startswith(complaint) for line in told] == [True] if complaint else told == []
