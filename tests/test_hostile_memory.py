"""How much memory `earwitness crawl` takes for each page that is made to take much of it.

The peaks stand in the test report as properties (`--junit-xml`), and in a table that
`python -m tests.test_hostile_memory` prints.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hostile_faults import FAULTS, Fault
from tests.hostile_story import CALM, WITNESS, Ran, Story, page_of, prepare, web_of

pytestmark = pytest.mark.slow

MEGABYTE = 1_000_000
HEAVY = tuple(fault for fault in FAULTS if fault.heavy)
# 2026-11-23: 250 MB for the crawl itself (its lexicon and language model) and at most 150 MB for
# a page within the limit of 20 MB: packed, unpacked, as text, and a tree of 100,000 nodes.
MOST = 500 * MEGABYTE
WITNESS_ID = f"hesperlaug.{WITNESS}.en"


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Fault], Ran]]:
    """Crawls the page of a fault, and one that is well."""
    with web_of(HEAVY) as web:
        story = Story(web, HEAVY, prepare(web, HEAVY, tmp_path_factory.mktemp("heavy")))
        yield lambda fault: alone(story, fault)


def alone(story: Story, fault: Fault) -> Ran:
    """A round of two pages: the one that meets the fault, and one that is well."""
    page = page_of(fault, first=True)
    at = CALM.replace(minute=HEAVY.index(fault))
    return story.crawl(fault.name, at, [page_host(fault)], page, WITNESS_ID)


def page_host(fault: Fault) -> str:
    """The host of the page that `alone` crawls."""
    return f"{page_of(fault, first=True).split('.')[1]}.localhost"


@pytest.mark.parametrize("fault", HEAVY, ids=[fault.name for fault in HEAVY])
def test_a_heavy_page_stays_within_bounds(crawl, fault, record_property):
    ran = crawl(fault)
    assert ran.pages[page_of(fault, first=True)]["outcome"] == fault.outcome, ran.out
    assert ran.pages[WITNESS_ID]["outcome"] in ("changed", "unchanged")
    record_property("peak_mb", ran.peak // MEGABYTE)
    assert 50 * MEGABYTE < ran.peak < MOST


def main() -> None:
    """Prints the table of peaks."""
    print("| fault | outcome | rule | peak | time |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, web_of(HEAVY) as web:
        story = Story(web, HEAVY, prepare(web, HEAVY, Path(folder)))
        for fault in HEAVY:
            ran = alone(story, fault)
            row = ran.pages[page_of(fault, first=True)]
            said = f"{row['outcome']} | {row['reasons'][0]['rule']}"
            print(f"| {fault.name} | {said} | {ran.peak / 1e6:.0f} MB | {ran.seconds:.1f} s |")


if __name__ == "__main__":
    main()
