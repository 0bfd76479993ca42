"""What a text means for its page: a table of situations, decided from values alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.tracking.decide import Decision, Sighting, Step, after, alternates, decide
from policies.tracking.state import RULES, Held, Rules, Track

START = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)
REGIONS = {"G": "gb", "U": "us"}  # texts whose spelling tells; others have none


def held(track: Track, decision: Decision, sighting: Sighting) -> Held:
    """The version that the rest of tracking would make of a step."""
    known = [decision.variant.held] if decision.variant else []
    known += [h for h in (track.current, track.pending) if h]
    keeps = decision.step in (Step.SAME, Step.CONFIRMS, Step.RETURNS, Step.ADOPTS)
    for version in known:
        if keeps and version.signature == sighting.signature:
            return replace(version, last_seen=sighting.seen_until)
    at = sighting.captured_at
    if decision.step is Step.SETTLES and decision.variant and decision.variant.since:
        at = decision.variant.since
    return Held(
        version_id=f"{sighting.signature} of {at:%Y-%m-%d %H:%M}",
        text_id=sighting.signature,
        signature=sighting.signature,
        region=sighting.region,
        method="main/1",
        capture_id=sighting.capture_id,
        captured_at=at,
        last_seen=sighting.seen_until,
        is_baseline=decision.step is Step.FIRST,
    )


def play(
    texts: str,
    gap: timedelta = DAY,
    stood: timedelta = timedelta(0),
    rules: Rules = RULES,
    track: Track | None = None,
) -> tuple[list[Step], Track]:
    """The steps that one text a letter leads to, seen one after another; "." sees nothing."""
    track = track or Track("brello.voice.en", "ota:nordic" if stood else "crawl")
    steps = []
    now = track.last_capture_at or START
    for number, text in enumerate(texts):
        now += gap
        if text == ".":
            continue
        sighting = Sighting(text, REGIONS.get(text), f"capture {number}", now, now + stood)
        decision = decide(track, sighting, rules)
        track = after(track, decision, held(track, decision, sighting), rules)
        track = replace(track, last_capture_at=now)
        steps.append(decision.step)
    return steps, track


def told(texts: str, **about: object) -> str:
    """The steps as one word each."""
    steps, _ = play(texts, **about)  # type: ignore[arg-type]
    return " ".join(step.value for step in steps)


# --- crawled -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        pytest.param("A", "first", id="the first text"),
        pytest.param("AAA", "first same same", id="the same again"),
        pytest.param("AB", "first waits", id="a new text waits"),
        pytest.param("ABB", "first waits confirms", id="seen again, it is confirmed"),
        pytest.param("AB..B", "first waits confirms", id="nothing seen in between"),
        pytest.param("ABA", "first waits same", id="seen once, it is dropped"),
        pytest.param("ABCC", "first waits waits confirms", id="another new text takes its place"),
        pytest.param("ABCBB", "first waits waits returns returns", id="and comes back"),
        pytest.param("ABAB", "first waits same returns", id="the page alternates"),
        pytest.param("ABBA", "first waits confirms returns", id="back to what was confirmed"),
        pytest.param("ABBCC", "first waits confirms waits confirms", id="edit after edit"),
    ],
)
def test_steps_of_a_crawled_page(texts: str, expected: str) -> None:
    assert told(texts) == expected


def test_a_page_that_went_back_and_stays_there_settles() -> None:
    steps, track = play("ABB" + "A" * 9)
    assert steps[3:] == [Step.RETURNS] * 7 + [Step.SETTLES, Step.SAME]
    assert track.current is not None
    assert track.current.signature == "A"
    assert [v.held.signature for v in track.variants] == ["B"]


def test_to_settle_takes_several_captures_and_days() -> None:
    assert "settles" not in told("ABB" + "A" * 50, gap=timedelta(hours=1))
    assert told("ABBAA", gap=8 * DAY) == "first waits confirms returns returns"
    assert told("ABBAAA", gap=8 * DAY).endswith("settles")


def test_a_page_that_goes_back_and_forth_too_often_never_settles() -> None:
    runs = "ABB" + "AABB" * (RULES.alternates + 1)
    assert "settles" not in told(runs + "A" * 60)


def test_one_other_text_in_between_begins_the_run_again() -> None:
    assert "settles" not in told("ABB" + "AAAAAB" + "AAAAAA")


def test_a_text_that_was_not_seen_for_long_is_a_new_text() -> None:
    gap = RULES.window / 5
    assert told("ABB" + "B" * 5 + "AA", gap=gap).endswith("waits confirms")
    assert told("ABB" + "B" * 2 + "A", gap=gap).endswith("returns")


def test_only_so_many_variants_are_kept() -> None:
    _, track = play("ABCDEFHIJKLMN")
    assert len(track.variants) == RULES.variants_kept
    assert [v.held.signature for v in track.variants][:2] == ["M", "L"]


def test_a_page_alternates_while_it_came_back_lately() -> None:
    _, track = play("ABAB")
    (variant,) = track.variants
    assert alternates(variant, START + 5 * DAY)
    assert not alternates(variant, START + 5 * DAY + RULES.window)
    _, track = play("ABA")
    assert not any(alternates(v, START) for v in track.variants)


def test_every_decision_says_why() -> None:
    track = Track("brello.voice.en", "crawl")
    for number, text in enumerate("ABABBCCAAAAAAAAAAAGU"):
        now = START + number * DAY
        sighting = Sighting(text, REGIONS.get(text), str(number), now, now)
        decision = decide(track, sighting)
        assert decision.reason.rule
        assert decision.reason.says
        track = after(track, decision, held(track, decision, sighting))


# --- regions -------------------------------------------------------------------------------


def test_another_regions_spelling_is_no_edit() -> None:
    assert told("UUG") == "first same shifts"
    assert told("UUGU") == "first same shifts same"
    assert told("UUGG") == "first same shifts returns"


def test_another_region_that_stays_is_adopted_without_news() -> None:
    steps, track = play("U" + "G" * 12)
    assert Step.ADOPTS in steps
    assert not {Step.CONFIRMS, Step.SETTLES, Step.STANDS} & set(steps)
    assert track.current is not None
    assert track.current.signature == "G"


def test_a_text_that_tells_no_region_may_be_an_edit() -> None:
    assert told("UBB") == "first waits confirms"
    assert told("BUU") == "first waits confirms"


# --- archives ------------------------------------------------------------------------------

STOOD = RULES.stands


def test_a_text_that_stood_in_an_archive_was_seen_many_times() -> None:
    assert told("AB", gap=5 * DAY, stood=STOOD) == "first stands"


def test_a_text_that_did_not_stand_waits() -> None:
    short = STOOD - timedelta(seconds=1)
    _, track = play("A", stood=STOOD)
    steps, _ = play("BC", stood=short, track=track)
    assert steps == [Step.WAITS, Step.WAITS]


def test_an_archives_first_text_that_did_not_stand_is_no_baseline() -> None:
    assert told("ABB", stood=DAY) == "first first same"
    assert told("AA", stood=DAY) == "first same"
    assert told("AB", gap=RULES.mended, stood=RULES.mended) == "first waits"


def test_a_return_that_stood_in_an_archive_settles_at_once() -> None:
    assert told("ABA", gap=9 * DAY, stood=8 * DAY) == "first stands settles"
    assert told("ABA", gap=9 * DAY, stood=4 * DAY) == "first stands returns"


def test_what_stood_for_long_is_not_reversed_by_a_shorter_return() -> None:
    days = [timedelta(days=n) for n in (30, 20, 8, 90)]  # out for 20, back for 8, out again
    track, now, steps = Track("p", "ota:x"), START, []
    for text, stood in zip("ABAB", days, strict=True):
        more, track = play(text, stood=stood, track=replace(track, last_capture_at=now - DAY))
        steps += more
        now += stood
    assert steps == [Step.FIRST, Step.STANDS, Step.RETURNS, Step.SAME]


# --- any sequence --------------------------------------------------------------------------

LETTERS = st.text("ABCDGU.", max_size=40)
GAPS = st.sampled_from([timedelta(hours=1), DAY, 8 * DAY, 100 * DAY])


@given(LETTERS, GAPS, st.sampled_from([timedelta(0), DAY, 4 * DAY, 8 * DAY]))
def test_any_sequence_keeps_a_track_in_order(texts: str, gap: timedelta, stood: timedelta) -> None:
    steps, track = play(texts, max(gap, stood), stood)
    seen = texts.replace(".", "")
    assert (track.current is None) == (not seen)
    if not seen:
        return
    assert steps[0] is Step.FIRST
    assert track.current is not None
    versions = [track.current, *(v.held for v in track.variants)]
    versions += [track.pending] if track.pending else []
    assert track.current.signature != (track.pending and track.pending.signature)
    assert len(track.variants) <= RULES.variants_kept
    assert len({v.version_id for v in versions}) == len(versions)
    assert steps[-1] is not Step.SAME or track.current.signature == seen[-1]
    assert {v.signature for v in versions} <= set(seen)


@given(LETTERS.filter(lambda texts: "." not in texts))
def test_what_is_seen_only_once_in_a_row_is_never_believed(texts: str) -> None:
    single = "".join(letter for letter, _ in groupby(texts))
    steps, _ = play(single, timedelta(hours=6))
    assert not {Step.CONFIRMS, Step.STANDS} & set(steps)
