"""A document becomes passages: exact slices, with ids that typography does not change."""

from __future__ import annotations

import json
import re
import string
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from policies.model import BlockKind, Document, Passage
from policies.passages import (
    is_in_other_language,
    is_incidental,
    key,
    letters,
    passage_id,
    signature,
    split,
    tongue,
    wording,
)
from policies.text import read_html, read_markdown, read_plain

VECTORS = Path(__file__).parent / "vectors" / "passage_keys.json"


def sentences(text: str, lang: str = "en") -> list[str]:
    return [passage.text for passage in split(read_plain(text), lang)]


def passages(*texts: str) -> list[Passage]:
    return [
        Passage(passage_id(text, "en"), text, BlockKind.PARAGRAPH, 0, len(text)) for text in texts
    ]


# --- sentences -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        ("en", ["We keep samples.", "Why?", "To learn!", "“Really.”", "You choose."]),
        ("en", ["Some apps, e.g. Maps, listen.", "Ask Brello, Inc. first."]),
        ("en", ["Made by Brello Corp. in the U.S. and sold by Mr. Brown at 5 p.m. there."]),
        ("en", ["Version 2.1.3 is out.", "It costs 3.50 a month.", "See art. 6."]),
        ("en", ["J. R. Brello founded it.", "Others listen."]),
        ("en", ["You own an iPhone.", "iPhone users may say no to that."]),
        ("en", ["Write to privacy@brello.example.", "Or see brello.example/voice."]),
        ("fr", ["Nous gardons des extraits, p. ex. La voix.", "C’est tout."]),
        ("fr", ["Voir l’art. 6 du RGPD.", "M. Dupont écoute."]),
        ("fr", ["Qui écoute ?", "Personne !", "« Vraiment. »"]),
        ("de", ["Wir hören z. B. Aufnahmen an.", "Das ist gem. Art. 6 DSGVO so."]),
        ("es", ["Escuchamos p. ej. Grabaciones.", "Vea el art. 6."]),
        ("it", ["Ascoltiamo ad es. Registrazioni.", "Si veda l’art. 6."]),
        ("nl", ["Wij luisteren bijv. Naar opnamen.", "Zie art. 6."]),
        ("pt", ["Ouvimos p. ex. Gravações.", "Ver art. 6."]),
        ("ja", ["録音を聞きます。", "三十日保存します。"]),
    ],
)
def test_sentences_end_where_a_reader_ends_them(lang: str, expected: list[str]) -> None:
    assert sentences(" ".join(expected), lang) == expected


def test_a_number_belongs_to_the_sentence_that_it_counts() -> None:
    assert sentences("1. We record. 2. We listen.") == ["1. We record.", "2. We listen."]
    assert sentences("(iv) We keep it.") == ["(iv) We keep it."]
    assert sentences("2.3. We share it.") == ["2.3. We share it."]


def test_a_sentence_never_spans_two_blocks() -> None:
    found = split(read_html("<p>We keep</p><p>samples. Of voice</p>"), "en")
    assert [p.text for p in found] == ["We keep", "samples.", "Of voice"]


def test_a_heading_and_a_short_row_are_one_passage_and_a_long_row_is_split() -> None:
    long = "We keep this for long. " * 20
    document = read_html(
        "<main><h2>What? We ask. You say.</h2><table><tr><td>One. Two.</td><td>Three.</td></tr>"
        f"<tr><td>{long}</td><td>x</td></tr></table></main>"
    )
    found = split(document, "en")
    assert [p.text for p in found[:2]] == ["What? We ask. You say.", "One. Two. | Three."]
    assert len(found) > 20
    assert {p.kind for p in found} == {BlockKind.HEADING, BlockKind.TABLE_ROW}


def test_passages_know_the_headings_above_them() -> None:
    text = "# A\n\none.\n\n## B\n\ntwo. Three.\n\n### C\n\n- four\n\n## D\n\nfive.\n\n# E\n\nsix."
    found = split(read_markdown(text), "en")
    above = {p.text: [found[at].text for at in p.headings] for p in found}
    assert above == {
        "A": [],
        "one.": ["A"],
        "B": ["A"],
        "two.": ["A", "B"],
        "Three.": ["A", "B"],
        "C": ["A", "B"],
        "four": ["A", "B", "C"],
        "D": ["A"],
        "five.": ["A", "D"],
        "E": [],
        "six.": ["E"],
    }


ALPHABET = string.ascii_letters + string.digits + " .!?;:()[]'\"-–“”‘’«»\u00a0\u200b…。éßﬁ\n|•…"


@given(st.text(ALPHABET) | st.text(), st.sampled_from(["en", "fr", "de", "ja", "xx"]))
def test_passages_are_exact_slices_that_cover_every_word(text: str, lang: str) -> None:
    for document in (read_plain(text), read_markdown(text)):
        _covers(document, split(document, lang))


@given(st.lists(st.text(ALPHABET, min_size=1), min_size=1, max_size=30))
def test_long_blocks_are_covered_too(parts: list[str]) -> None:
    document = read_plain(" ".join(parts * 400))
    _covers(document, split(document, "en"))


def _covers(document: Document, found: tuple[Passage, ...]) -> None:
    end = 0
    for position, passage in enumerate(found):
        assert passage.text == document.text[passage.start : passage.end]
        assert passage.text == passage.text.strip()
        assert passage.text
        assert passage.start >= end
        assert not document.text[end : passage.start].strip()
        assert all(heading < position for heading in passage.headings)
        end = passage.end
    assert not document.text[end:].strip()


@pytest.mark.slow
@pytest.mark.parametrize(
    "block",
    ["« ", "“", "\" ' ( [ ", "Etc. And etc. ", "e.g. ", "1. ", "a. b. ", "...", "A.", "? ! "],
)
def test_a_block_made_to_hurt_is_split_in_bounded_time(block: str) -> None:
    # Linear, this takes a second or two; as the square of the length, it would take an hour.
    program = (
        "from policies.text import read_plain\nfrom policies.passages import split\n"
        f"split(read_plain({block!r} * (1_500_000 // {len(block)})), 'en')"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


# --- keys and ids --------------------------------------------------------------------------

SAME = [
    ("typography", ['Don\'t say "yes" - or no...', "Don’t say “yes” – or no…"]),
    ("white space", ["We keep it.", " We\n keep\u00a0\u202fit. ", "We\u2003keep\tit."]),
    ("invisible", ["recordings", "re\u00adcord\u200bings\ufeff", "\u202arecordings\u202c"]),
    ("ligatures and widths", ["office 2", "oﬃce ２"]),
    ("composition", ["déjà", unicodedata.normalize("NFD", "déjà")]),
    ("bullets", ["first", "• first", "– first", "* first", "▪ first"]),
    ("French spaces", ["« Oui » : non !", "«Oui»: non!", "«\u00a0Oui\u00a0»\u00a0: non\u202f!"]),
]


@pytest.mark.parametrize("texts", [texts for _, texts in SAME], ids=[name for name, _ in SAME])
def test_an_id_does_not_depend_on_typography(texts: list[str]) -> None:
    assert {passage_id(text, "fr") for text in texts} == {passage_id(texts[0], "fr")}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("We listen.", "We Listen."),
        ("We listen.", "We listen"),
        ("We listen.", "We do not listen."),
        ("résumé", "resume"),
        ("a -b", "a b"),
        ("10 days", "1 0 days"),
    ],
)
def test_an_id_depends_on_every_letter_and_mark(one: str, other: str) -> None:
    assert passage_id(one, "en") != passage_id(other, "en")


def test_an_id_depends_on_the_language() -> None:
    assert passage_id("Audio", "en") != passage_id("Audio", "fr")


@given(st.text().filter(lambda text: text.isprintable()))
def test_a_key_takes_white_space_for_what_it_is(text: str) -> None:
    assert key(f" \n{text}\u00a0") == key(text)
    assert key(text.replace(" ", "  ")) == key(text)
    assert "  " not in key(text)


@given(st.text())
def test_an_id_is_sixteen_digits(text: str) -> None:
    assume(not any("\ud800" <= c <= "\udfff" for c in text))
    assert re.fullmatch("[0-9a-f]{16}", passage_id(text, "en"))


def test_the_table_for_the_extension_agrees() -> None:
    rows = json.loads(VECTORS.read_text("utf-8"))
    assert len(rows) >= 40
    for row in rows:
        assert row["key"] == key(row["text"]), row
        assert row["id"] == passage_id(row["text"], row["lang"]), row


# --- what is said --------------------------------------------------------------------------


def test_a_wording_is_words_alone() -> None:
    assert wording("“We LISTEN”, don't we?") == "we listen don t we"
    assert wording("…!") == ""
    assert wording("[Your voice](javascript:void(0))") == "your voice"
    assert wording("See https://www.quendrivox.example/a?b=c#d.") == "see quendrivox example a"
    assert wording("Ross’s and Ross’ cats") == "ross and ross cats"


def test_letters_run_together_and_numbers_do_not() -> None:
    assert letters("a web site of 10 20 rooms") == letters("a website of 10 20 rooms")
    assert letters("10 20") != letters("1 020")
    assert letters("10 20") != letters("1020")


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "We hear what you say to your speaker, and which of our staff may hear it."),
        ("fr", "Nous écoutons ce que vous dites avec votre voix pour nos services."),
        ("de", "Wir hören, was Sie sagen, und das ist nicht mit Ihren Daten verbunden."),
        ("es", "Escuchamos los mensajes que usted dice, y nuestra gente puede leer los suyos."),
        ("it", "Il nostro personale può ascoltare gli audio che sono nella vostra casa."),
        ("nl", "Wij luisteren niet naar het apparaat, dat kan worden gezien door onze staf."),
        ("pt", "Você pode ouvir os seus dados, e nós não usamos a sua voz em uma loja."),
    ],
)
def test_a_page_tells_its_language_and_a_sentence_another_one(lang: str, text: str) -> None:
    assert tongue([wording(text)] * 10) == lang
    assert not is_in_other_language(wording(text), lang)
    other = "fr" if lang != "fr" else "en"
    assert is_in_other_language(wording(text), other)


def test_a_few_words_tell_no_language() -> None:
    assert tongue([wording("Voice and audio")]) is None
    assert tongue([]) is None
    assert not is_in_other_language(wording("Terms of Use"), "fr")


@pytest.mark.parametrize(
    "text",
    [
        "Last updated: 1 May 2026",
        "Last modified June 25th, 2024.",
        "Effective date: 2024-06-25",
        "Version 3.2 | 12/05/2025",
        "Updated on Sept. 3, 2025",
        "Dernière mise à jour : 1er mars 2024",
        "En vigueur depuis le 12 août 2023",
        "2026",
        "12",
        "1.2.3",
    ],
)
def test_a_date_line_is_incidental(text: str) -> None:
    assert is_incidental(text)


@pytest.mark.parametrize(
    "text",
    [
        "日本語 (ja-JP)",
        "Français (Canada)",
        "pt-BR Português",
        "English | Deutsch | Nederlands",
        "English Choose your preferred language",
        "Tiếng Việt",
    ],
)
def test_an_entry_of_a_language_menu_is_incidental(text: str) -> None:
    assert is_incidental(text)


@pytest.mark.parametrize(
    "text",
    [
        "We keep it for 30 days.",
        "Since 2024 we listen.",
        "We listen on 1 May 2026.",
        "May we listen?",
        "Article 6",
        "Recordings from 2024",
        "On request, 2 employees listen",
        "English recordings are heard",
        "Deutsch wird abgehört",
        "(in German)",
        "We deleted the recordings of March 2024 on 1 May 2026 " * 3,
        "",
    ],
)
def test_a_line_that_says_something_is_not_incidental(text: str) -> None:
    assert not is_incidental(text)


@pytest.mark.parametrize(
    "text",
    [
        "1" * 79 + "x",
        "2024" * 20 + "!x",
        "may" * 26 + "!x",
        "1234 5678 " * 7 + "x",
        "mars " * 15 + "x",
    ],
)
def test_a_long_number_is_told_apart_at_once(text: str) -> None:
    program = f"from policies.passages import is_incidental\nprint(is_incidental({text!r}))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "False\n"


def test_a_signature_is_the_same_for_what_is_no_change() -> None:
    said = ("We listen to “samples”.", "You may say no.")
    for same in (
        passages(*reversed(said)),
        passages('We listen to "samples"', "You may say NO!"),
        passages("Last updated: 1 May 2026", *said),
        passages(*said, "Updated 2 June 2026", "3"),
        passages(*said, *said),
    ):
        assert signature(same) == signature(passages(*said))


def test_a_signature_changes_with_a_word() -> None:
    before, now = passages("We listen.", "You choose."), passages("We may listen.", "You choose.")
    assert signature(before) != signature(now)
    assert signature(before) != signature(before[:1])
