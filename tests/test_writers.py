"""Two processes that write at once neither collide nor contradict each other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from policies.errors import BadInput
from policies.model import Capture, Page
from policies.settings import Settings
from policies.store import open_store
from policies.tracking import Tracker
from policies.tracking.verify import verify
from tests.test_tracking import LONG, START, URL, detector, make_catalog, make_page, page_of

OTHER = make_page(id="brello.other.en", policy_id="brello.other", url=f"{URL}-other")


def tracker(url: str, folder: Path) -> Tracker:
    found = Tracker(open_store(url), Settings(data=folder), detector())
    found.register(make_catalog(make_page(), OTHER))
    return found


def at_once(*acts: Callable[[], object]) -> list[BaseException]:
    """Runs all of them at the same moment; what they raised."""
    start = threading.Barrier(len(acts))
    raised: list[BaseException] = []

    def run(act: Callable[[], object]) -> None:
        start.wait()
        try:
            act()
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def capture(page: Page, after: timedelta, sentences: list[str]) -> Capture:
    return Capture(
        page_id=page.id,
        origin="crawl",
        captured_at=START + after,
        url=page.url,
        final_url=page.url,
        status=200,
        headers=(("content-type", "text/html; charset=utf-8"),),
        body=page_of(sentences),
    )


def test_the_same_text_arrives_on_two_pages_at_once(database_url: str, tmp_path: Path) -> None:
    one, other = tracker(database_url, tmp_path), tracker(database_url, tmp_path)
    for number in range(6):
        sentences = [*LONG, f"This is the edition with the number {number} of the notice."]
        after = timedelta(hours=number)
        raised = at_once(
            partial(one.observe, make_page(), capture(make_page(), after, sentences)),
            partial(other.observe, OTHER, capture(OTHER, after, sentences)),
        )
        assert raised == []
    assert list(verify(one.store, tmp_path / "evidence", deep=True, seen=lambda _: None)) == []
    one.close()
    other.close()


def test_two_first_captures_of_a_page_make_one_baseline(database_url: str, tmp_path: Path) -> None:
    one, other = tracker(database_url, tmp_path), tracker(database_url, tmp_path)
    page = make_page()
    raised = at_once(
        partial(one.observe, page, capture(page, timedelta(seconds=0), LONG)),
        partial(other.observe, page, capture(page, timedelta(seconds=1), LONG[1:])),
    )
    assert all(isinstance(error, BadInput) for error in raised)  # the later one came first
    assert list(verify(one.store, tmp_path / "evidence", deep=True, seen=lambda _: None)) == []
    one.close()
    other.close()
