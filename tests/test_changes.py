"""Two versions become edits: nothing is lost, moved passages are no news, words are marked."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.changes import compare, lasting, rebuild, substantial, told_apart, touched, words
from policies.model import BlockKind, Edit, EditKind, Passage, SpanKind, Topic, Verdict
from policies.passages import passage_id


def passages(texts: Sequence[str]) -> list[Passage]:
    return [
        Passage(passage_id(text, "en"), text, BlockKind.PARAGRAPH, 0, len(text)) for text in texts
    ]


def edits(old: Sequence[str], new: Sequence[str]) -> tuple[Edit, ...]:
    return compare(passages(old), passages(new))


def told(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """Edits as a person might note them."""
    notes = []
    for edit in edits(old, new):
        before = old[edit.old] if edit.old is not None else ""
        after = new[edit.new] if edit.new is not None else ""
        notes.append(f"{edit.kind.value}: {before} > {after}")
    return notes


def marked(old: str, new: str) -> str:
    """A word diff in one line."""
    marks = {"equal": "{}", "removed": "[-{}-]", "added": "{{+{}+}}", "restyled": "~{}~"}
    parts = []
    for span in words(old, new):
        kept = span.kind is SpanKind.REMOVED
        text = old[span.old_start : span.old_end] if kept else new[span.new_start : span.new_end]
        parts.append(marks[span.kind.value].format(text))
    return "".join(parts)


# --- what a reader sees --------------------------------------------------------------------

PAGE = ["About your voice", "We keep samples of what you say.", "People may hear them.", "Bye."]


def test_equal_versions_have_no_edits() -> None:
    assert edits(PAGE, PAGE) == ()
    assert edits([], []) == ()


def test_a_sentence_that_comes_or_goes() -> None:
    assert told(PAGE, [*PAGE[:3], "You choose.", PAGE[3]]) == ["added:  > You choose."]
    assert told(PAGE, [PAGE[0], *PAGE[2:]]) == ["removed: We keep samples of what you say. > "]


def test_a_reworded_sentence_is_one_edit_with_its_words() -> None:
    now = [PAGE[0], "We never keep samples of what you say.", *PAGE[2:]]
    (edit,) = edits(PAGE, now)
    assert (edit.kind, edit.old, edit.new) == (EditKind.REPLACED, 1, 1)
    assert marked(PAGE[1], now[1]) == "We{+ never+} keep samples of what you say."


def test_two_sentences_that_share_nothing_are_no_rewording() -> None:
    now = [PAGE[0], "Cookies help this site along.", *PAGE[2:]]
    assert {edit.kind for edit in edits(PAGE, now)} == {EditKind.ADDED, EditKind.REMOVED}


def test_a_sentence_that_stands_elsewhere_has_moved() -> None:
    now = [PAGE[2], PAGE[0], PAGE[1], PAGE[3]]
    assert told(PAGE, now) == ["moved: People may hear them. > People may hear them."]


def test_other_quotation_marks_are_a_restyling() -> None:
    old, new = ['We don\'t "listen".', "Bye."], ["We don’t “listen”.", "Bye."]
    (edit,) = edits(old, new)
    assert edit.kind is EditKind.RESTYLED
    assert substantial([edit], passages(old), passages(new)) == ()


def test_a_moved_and_restyled_sentence_has_both_sides() -> None:
    old, new = ["a 'b' c", "One.", "Two."], ["One.", "Two.", "a ‘b’ c"]
    (edit,) = edits(old, new)
    assert edit.kind is EditKind.MOVED
    assert edit.spans
    assert rebuild(old, [edit], new) == new


def test_one_of_several_equal_sentences_goes() -> None:
    assert told(["Note.", "One.", "Note.", "Two."], ["Note.", "One.", "Two."]) == [
        "removed: Note. > "
    ]


def test_edits_come_in_reading_order() -> None:
    old = ["A.", "First thing that we say.", "B.", "Second thing goes.", "C."]
    new = ["New.", "A.", "First thing we say.", "B.", "C.", "Last."]
    assert [edit.kind.value for edit in edits(old, new)] == [
        "added",
        "replaced",
        "removed",
        "added",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("We listen.", "We listen.", "We listen."),
        ("We listen.", "We may listen.", "We{+ may+} listen."),
        ("for 30 days", "for 18 months", "for [-30 days-]{+18 months+}"),
        ("Don't listen", "Don’t listen now", "Don~’~t listen{+ now+}"),
        ("", "new", "{+new+}"),
        ("old", "", "[-old-]"),
        ("", "", ""),
    ],
)
def test_words_are_marked(old: str, new: str, expected: str) -> None:
    assert marked(old, new) == expected


# --- nothing is lost -----------------------------------------------------------------------

SENTENCES = st.sampled_from(
    [
        "We listen.",
        "We may listen.",
        "We may listen to samples of what you say.",
        "We listen to samples of what you say",
        'We don\'t listen to "samples".',
        "We don’t listen to “samples”.",
        '• We don\'t listen to "samples".',
        "Note.",
        "NOTE.",
        "1",
        "…",
        "Last updated: 1 May 2026",
    ]
)
VERSIONS = st.lists(SENTENCES | st.text("ab '’.\u00a0", min_size=1), max_size=14)


@given(VERSIONS, VERSIONS)
def test_the_edits_lead_from_the_old_version_to_the_new(old: list[str], new: list[str]) -> None:
    found = edits(old, new)
    assert rebuild(old, found, new) == new
    assert (found == ()) == (old == new)
    sides = [edit.old for edit in found if edit.old is not None]
    assert len(sides) == len(set(sides))
    for edit in found:
        assert (edit.old is None) == (edit.kind is EditKind.ADDED)
        assert (edit.new is None) == (edit.kind is EditKind.REMOVED)
        if edit.kind in (EditKind.REPLACED, EditKind.RESTYLED):
            assert edit.spans


@given(VERSIONS, st.randoms(use_true_random=False))
def test_another_order_is_nothing_but_moves(old: list[str], random) -> None:
    old = list(dict.fromkeys(old))
    new = random.sample(old, len(old))
    found = edits(old, new)
    assert {edit.kind for edit in found} <= {EditKind.MOVED, EditKind.RESTYLED}
    assert substantial(found, passages(old), passages(new)) == ()


@given(st.text(), st.text())
def test_spans_cover_both_texts_in_order(old: str, new: str) -> None:
    spans = words(old, new)
    for side, start, end in (
        (old, "old_start", "old_end"),
        (new, "new_start", "new_end"),
    ):
        edges = [(getattr(s, start), getattr(s, end)) for s in spans]
        edges = [(0, 0), *edges, (len(side), len(side))]
        assert all(before[1] == after[0] for before, after in pairwise(edges))
    for span in spans:
        before, after = old[span.old_start : span.old_end], new[span.new_start : span.new_end]
        assert (before == after) == (span.kind is SpanKind.EQUAL)
        assert bool(before) == (span.kind is not SpanKind.ADDED)
        assert bool(after) == (span.kind is not SpanKind.REMOVED)


@given(VERSIONS, st.randoms(use_true_random=False))
def test_order_and_repetition_are_never_substantial(old: list[str], random) -> None:
    new = random.sample(old + old[:3], len(old + old[:3]))
    before, now = passages(old), passages(new)
    assert substantial(compare(before, now), before, now) == ()
    assert substantial(compare(now, before), now, before) == ()


# --- what is worth telling -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["Last updated: 1 May 2026"], ["Last updated: 2 May 2026"]),
        (["Updated May 2026", "We listen."], ["We listen."]),
        (["We listen."], ["We LISTEN"]),
        (["Close", "We listen."], ["We listen."]),
        (["We listen.", "We listen."], ["We listen."]),
        (["We listen.", "**"], ["We listen."]),
        (["Your voice"], ["[", "Your voice", "](javascript:void(0))"]),
        (["See www.quendrivox.example/voice."], ["See https://quendrivox.example/voice?from=1."]),
        (["Read our Voice Notes (Voice Notes)."], ["Read our voicenotes (https://voice.notes/)."]),
        (["Changes to it. Amendments."], ["Changes to it; amendments."]),
        (["Read our", "Voice Notes."], ["Read our Voice Notes."]),
        (["Say it online. We hear", "it."], ["Say it on-line.", "We hear it."]),
        (["In Ross’s web site"], ["In Ross’ website"]),
        (["Kept for 10", "days."], ["Kept for 10 days."]),
        (["We listen.", "Čeština (cs-CZ)"], ["We listen.", "日本語 (ja-JP)", "Deutsch"]),
        (["English Choose your preferred language", "We listen."], ["We listen."]),
    ],
)
def test_what_says_nothing_is_not_substantial(old: list[str], new: list[str]) -> None:
    assert substantial(edits(old, new), passages(old), passages(new)) == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(["We listen for 30 days."], ["We listen for 90 days."], id="a number"),
        pytest.param(["Kept for 1 0 days."], ["Kept for 10 days."], id="digits are no letters"),
        pytest.param(["Kept for 1", "0 days."], ["Kept for 10 days."], id="nor in two passages"),
        pytest.param(
            ["We keep. It is heard."], ["We keep.", "It is not heard."], id="cut, and a word"
        ),
        pytest.param(["We may hear", "it."], ["We hear it."], id="joined, and a word less"),
        pytest.param(
            ["Mail us: a@quendrivox.example"], ["Mail us: b@quendrivox.example"], id="mail"
        ),
        pytest.param(["Say no at https://a.example/"], ["Say no at https://b.example/"], id="host"),
        pytest.param(["Deutsch"], ["Deutsch, too, is listened to"], id="a language in a sentence"),
        pytest.param(["The boss hears it."], ["The boss’s boss hears it."], id="a possessive word"),
    ],
)
def test_a_word_that_changes_a_sentence_is_substantial(old: list[str], new: list[str]) -> None:
    assert len(substantial(edits(old, new), passages(old), passages(new))) >= 1


FRENCH = [
    "Nous écoutons les enregistrements de votre voix pour les améliorer.",
    "Vous pouvez supprimer vos enregistrements dans les réglages de notre service.",
    "Nos employés sont tenus au secret par notre règlement et par les lois.",
    "Les extraits que nous gardons sont choisis au hasard et sont privés de votre nom.",
    "Si vous le souhaitez, nous n’en gardons aucun, et les anciens sont détruits dans le mois.",
    "Vous trouvez ces réglages dans une page de votre compte, avec les autres choix.",
    "Les enfants ne sont pas écoutés sans l’accord des parents, et nous les prévenons.",
    "Nous ne vendons vos enregistrements à personne, et nos partenaires suivent les mêmes règles.",
]
LEFTOVER = "We may keep a copy of what you said to your speaker for the time of the trial."


def test_what_was_left_untranslated_says_nothing_yet() -> None:
    old, new = FRENCH, [*FRENCH, LEFTOVER]
    assert substantial(edits(old, new), passages(old), passages(new)) == ()


def test_its_translation_is_substantial_and_the_end_of_the_leftover_is_not() -> None:
    translated = "Nous conservons une copie de ce que vous avez dit pendant la durée de l’essai."
    old, new = [*FRENCH, LEFTOVER], [*FRENCH, translated]
    (edit,) = substantial(edits(old, new), passages(old), passages(new))
    assert edit.new == len(FRENCH)


@pytest.mark.parametrize(
    "added",
    [
        "Pour en savoir plus, lisez « Terms of Use and Privacy of your Voice ».",
        "Voice Privacy Framework",
        "Tessquill Home and Tessquill Talk",
    ],
)
def test_foreign_names_on_a_page_are_words_of_its_own(added: str) -> None:
    old, new = FRENCH, [*FRENCH, added]
    assert len(substantial(edits(old, new), passages(old), passages(new))) == 1


def test_a_page_in_two_languages_has_no_foreign_one() -> None:
    english = [
        "You may delete what our staff may hear from the speaker in your home.",
        "We keep it for the time that is needed to answer you and your family.",
    ]
    old = [*FRENCH, *english]
    new = [*old, LEFTOVER]
    assert len(substantial(edits(old, new), passages(old), passages(new))) == 1


def test_topics_are_those_of_what_changed() -> None:
    old = ["People hear it.", "We keep it for long.", "Kept as it was."]
    new = ["We keep it for ever and long.", "Kept as it was.", "You may delete it."]
    before = {0: Verdict((Topic.HUMAN_REVIEW,), None), 2: Verdict((Topic.SAMPLE,), None)}
    now = {0: Verdict((Topic.RETENTION,), None), 2: Verdict((Topic.DELETION,), None)}
    assert touched(edits(old, new), before, now) == (
        Topic.HUMAN_REVIEW,
        Topic.DELETION,
        Topic.RETENTION,
    )


def test_an_edit_that_a_later_text_does_not_bear_out_is_passing() -> None:
    base = passages(["A b c.", "Seen 17 times.", "D e f."])
    waits = passages(["A b c.", "Seen 18 times.", "G h i.", "Buy now!"])
    later = passages(["A b c.", "Seen 19 times.", "G h i."])
    told = lasting(compare(base, waits), base, waits, later, established=base)
    assert {edit.kind for edit in told if edit.new is not None and edit.new != 2} == {
        EditKind.PASSING
    }
    assert [edit.kind for edit in told if edit.new == 2] == [EditKind.ADDED]
    assert [edit.kind for edit in told if edit.new is None] == [EditKind.REMOVED]
    doubted = lasting(compare(base, waits), base, waits, later, established=())
    assert [edit.kind for edit in doubted if edit.new is None] == [EditKind.PASSING]


# --- versions made to hurt -----------------------------------------------------------------

HOSTILE = {
    "20,000 equal": "['x'] * 20_000, ['x'] * 20_000",
    "20,000 equal, other ends": "['a'] + ['x'] * 20_000 + ['b'], ['c'] + ['x'] * 19_000 + ['d']",
    "20,000 shuffled": "each, random.sample(each, len(each))",
    "20,000 reversed": "each, each[::-1]",
    "20,000 reworded": "each, [s + ' for long' for s in each]",
    "20,000 others": "each, ['entirely different ' + str(n) for n in range(20_000)]",
    "two in any order": "random.choices('ab', k=20_000), random.choices('ab', k=20_000)",
    "one of 200,000 words": "[soup(200_000)], [soup(200_000)]",
    "many long ones": "[soup(900) for _ in range(20)], [soup(900) for _ in range(20)]",
}


@pytest.mark.slow
@pytest.mark.parametrize("versions", HOSTILE.values(), ids=HOSTILE)
def test_versions_made_to_hurt_are_compared_in_bounded_time_and_memory(versions: str) -> None:
    program = f"""
        import random, resource
        from policies.changes import compare, rebuild, substantial
        from policies.model import BlockKind, Passage
        from policies.passages import passage_id
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        random.seed(5)
        each = [f"sentence number {{n}} tells of sample {{n * 7}}" for n in range(20_000)]
        def soup(length):
            return " ".join(random.choices(["we", "may", "listen", "to", "you", "say"], k=length))
        def passages(texts):
            return [Passage(passage_id(t, "en"), t, BlockKind.PARAGRAPH, 0, len(t)) for t in texts]
        old, new = {versions}
        edits = compare(passages(old), passages(new))
        assert rebuild(old, edits, new) == new
        substantial(edits, passages(old), passages(new))
    """
    # Seconds where this was written; a quadratic step would take hours.
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-500:]


def test_edits_that_say_nothing_are_told_apart() -> None:
    was = ["Last updated: May 2, 2024", "We keep it for thirty days.", "Contents"]
    now = ["Last updated: June 5, 2024", "We keep it for ninety days."]
    found = told_apart(edits(was, now), passages(was), passages(now))
    assert {edit.kind for edit in found if edit.old != 1} == {EditKind.INCIDENTAL}
    (said,) = substantial(found, passages(was), passages(now))
    assert (said.kind, said.old, said.new) == (EditKind.REPLACED, 1, 1)
    assert rebuild(was, found, now) == now
