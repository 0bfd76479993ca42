"""Words of search: alike with and without accents, in every script, however a text is composed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.errors import BadInput
from policies.words import LONGEST_QUERY, MOST_TERMS, Term, matches, terms, words


def said(text: str) -> list[str]:
    return [word.said for word in words(text)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Écouté", "ecoute"),
        ("e\u0301coute\u0301", "ÉCOUTÉ"),
        ("Stra\u00dfe", "STRASSE"),
        ("œuvre", "OEUVRE"),
        ("re\u00adcor\u200bdings", "recordings"),
        ("ﬁle", "file"),
        ("Ｖｏｉｃｅ", "voice"),
        ("ｶﾞｲﾄﾞ", "ガイド"),
        ("don’t", "don't"),
    ],
)
def test_what_reads_alike_is_found_alike(one: str, other: str) -> None:
    assert said(one) == said(other)


def test_marks_that_tell_words_apart_stay() -> None:
    assert said("か") != said("が")
    assert said("и\u0306") == said("й") == said("и"), "but Cyrillic accents are accents"


def test_a_script_without_spaces_is_found_by_any_part_of_a_run() -> None:
    text = "録音された音声はAIで確認されます。"
    for part in ["録音", "音声", "声は", "音", "れます", "す", "AI", "音声はAI", "確認されます"]:
        assert matches(terms(part), text), part
        assert matches(terms(f'"{part}"'), text), part
    for other in ["音確", "声音", "声AI", "AIと"]:
        assert not matches(terms(f'"{other}"'), text), other


def test_a_phrase_stands_together_and_words_anywhere() -> None:
    text = "Trained staff may listen to a small part of it."
    assert matches(terms('"listen to" staff'), text) == ((8, 13), (18, 27))
    assert matches(terms('"staff listen"'), text) == ()
    assert matches(terms("list*"), text) == ((18, 24),)
    assert matches(terms("list"), text) == ()


def test_a_word_with_a_mark_inside_is_a_phrase() -> None:
    assert terms("opt-out") == (Term(("opt", "out")),)
    assert terms("l’écoute") == (Term(("l", "ecoute")),)
    assert terms("“opt out” opt-out") == (Term(("opt", "out")),)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "there is no word"),
        ('"" *?!', "there is no word"),
        ("ab*", "at least 3 letters"),
        ("x" * (LONGEST_QUERY + 1), "at most 300 characters, and this has 301"),
        (" ".join(map(str, range(MOST_TERMS + 1))), "at most 16 words"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(query: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        terms(query)


@given(st.text(max_size=80))
def test_every_word_stands_where_it_says_and_holds_letters_and_digits_only(text: str) -> None:
    for word in words(text):
        assert 0 <= word.start < word.end <= len(text)
        assert word.said.isalnum() or all(c.isalnum() for c in word.said)
        assert len(word.said) <= 100


@given(st.text(alphabet="aé音声がA -'か\u0301*\"", max_size=30), st.data())
def test_a_part_of_a_text_is_found_in_it(text: str, data: st.DataObject) -> None:
    """Of whole words; in scripts without spaces of any characters."""
    runs = [part for part in text.replace('"', " ").replace("*", " ").split() if words(part)]
    if not runs:
        return
    part = data.draw(st.sampled_from(runs))
    assert matches(terms(part), text)
