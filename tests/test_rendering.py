"""Diffs made visible: whole, verbatim and harmless, as text, HTML and JSON."""

from __future__ import annotations

import html
import json
import re

from hypothesis import given
from hypothesis import strategies as st

from policies import changes, passages, rendering
from policies.model import EditKind, Passage, SpanKind
from policies.text import read_plain

OLD = "Voice\n\nWe may listen.\n\nOne.\n\nTwo.\n\nThree.\n\nFour.\n\nGoing away."
NEW = "Voice\n\nWe never listen.\n\nOne.\n\nTwo.\n\nThree.\n\nFour.\n\nBrand new words."


def read(text: str) -> tuple[Passage, ...]:
    return passages.split(read_plain(text), "en")


def test_both_versions_can_be_read_off_the_whole_diff():
    old, new = read(OLD), read(NEW)
    edits = changes.compare(old, new)
    before: list[str] = []
    after: list[str] = []
    for part in rendering.whole(old, new, edits):
        if isinstance(part, rendering.Unchanged):
            before += [p.text for p in part.passages]
            after += [p.text for p in part.passages]
        else:
            before += [part.old.text] if part.old else []
            after += [part.new.text] if part.new else []
    assert before == [p.text for p in old]
    assert after == [p.text for p in new]


words = st.lists(
    st.sampled_from("you we they listen never record keep <b> & \" '".split()), min_size=1
)
lines = st.lists(words.map(" ".join), min_size=1, max_size=8).map("\n\n".join)


@given(lines, lines)
def test_the_runs_of_a_step_hold_every_word_of_both_sides(one, other):
    old, new = read(one), read(other)
    for step in rendering.steps(old, new, changes.compare(old, new)):
        if step.edit.kind is EditKind.MOVED:
            continue
        gone = "".join(run.text for run in step.runs if run.kind is not SpanKind.ADDED)
        come = "".join(run.text for run in step.runs if run.kind is not SpanKind.REMOVED)
        if step.edit.kind is not EditKind.RESTYLED:
            assert gone == (step.old.text if step.old else "")
        assert come == (step.new.text if step.new else "")


@given(lines, lines)
def test_html_shows_the_words_and_nothing_else_of_them(one, other):
    old, new = read(one), read(other)
    shown = rendering.to_html(rendering.whole(old, new, changes.compare(old, new)))
    tags = set(re.findall(r"</?(\w+)", shown))
    assert tags <= {"p", "div", "span", "ins", "del", "details", "summary"}
    told = html.unescape(re.sub(r"<[^>]*>", "", shown))
    for passage in new:
        assert passage.text.split()[0] in told


def test_unchanged_text_is_folded_and_its_neighbours_are_not():
    old, new = read(OLD), read(NEW)
    shown = rendering.to_html(rendering.whole(old, new, changes.compare(old, new)))
    assert '<p class="same">One.</p>\n<details class="fold"><summary>2 unchanged passages' in shown


def test_a_long_fold_is_only_counted():
    middle = "\n\n".join(f"Sentence number {n}." for n in range(500))
    old, new = read(f"Old words here.\n\n{middle}"), read(f"New words here.\n\n{middle}")
    shown = rendering.to_html(rendering.whole(old, new, changes.compare(old, new)))
    assert '<p class="fold">499 unchanged passages</p>' in shown
    assert "number 300" not in shown


def test_words_are_counted_on_both_sides():
    old, new = read("We may listen to you."), read("We will never listen to you.")
    counted = rendering.words(rendering.steps(old, new, changes.compare(old, new)))
    assert counted == rendering.Words(removed=1, added=2)


def test_json_can_be_written_and_names_places():
    old, new = read(OLD), read(NEW)
    for step in rendering.steps(old, new, changes.compare(old, new)):
        told = json.loads(json.dumps(rendering.to_json(step)))
        for side, passages_ in (("old", old), ("new", new)):
            if told[side]:
                assert passages_[told[side]["position"]].text == told[side]["text"]


def test_colours_set_the_changed_words_apart():
    old, new = read("We may listen to you."), read("We never listen to you.")
    (step,) = rendering.steps(old, new, changes.compare(old, new))
    told = rendering.to_text(step, color=True)
    assert "\033[1;4mmay" in told
    assert "\033[1;4mnever" in told
    assert re.sub(r"\033\[[\d;]*m", "", told) == (
        "  - We may listen to you.\n  + We never listen to you."
    )


def test_a_document_is_whole_and_asks_for_nothing():
    told = rendering.document("a <b>", "<p>x</p>", "en")
    assert "<title>a &lt;b&gt;</title>" in told
    assert "src=" not in told
    assert "href=" not in told
