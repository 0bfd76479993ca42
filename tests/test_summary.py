"""Summaries: plain sentences in two languages, with right plurals and dates."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from policies import judge, ledger, summary
from policies.direction import RULES, Direction
from policies.ledger import Answer, Standing
from policies.locale import translations
from policies.model import BlockKind, Stance, Topic

ROOT = Path(__file__).parents[1]
CATALOGS = [
    (ROOT / "policies", ROOT / "policies/locale/fr.po"),
    (ROOT / "api", ROOT / "api/locale/fr.po"),
]


def answer(**other) -> Answer:
    given = {
        "topic": Topic.HUMAN_REVIEW,
        "standing": Standing.STATED,
        "stance": Stance.OPT_OUT,
        "also": (),
        "statements": (),
        "since": datetime(2021, 1, 15, tzinfo=UTC),
        "observed": True,
        "as_of": datetime(2026, 3, 1, tzinfo=UTC),
        "oldest": datetime(2026, 3, 1, tzinfo=UTC),
        "pages_read": 4,
        "pages_unread": 0,
        "earlier": (),
    }
    return Answer(**{**given, **other})


def messages(folder: Path) -> dict[str, tuple[str, ...]]:
    """Every message of the sources, with its plural."""
    found = extract_from_dir(
        folder,
        [("**.py", "python"), ("**/templates/**.html", "jinja2")],
        keywords={"_": None, "gettext": None, "ngettext": (1, 2)},
    )
    return {
        (m if isinstance(m, str) else m[0]): (m,) if isinstance(m, str) else tuple(m)
        for _, _, m, _, _ in found
    }


@pytest.mark.parametrize(("folder", "source"), CATALOGS, ids=["policies", "api"])
def test_every_message_is_translated_and_none_is_left_over(folder: Path, source: Path):
    with source.open("rb") as stream:
        catalog = {m.id if isinstance(m.id, str) else m.id[0]: m for m in read_po(stream) if m.id}
    wanted = messages(folder)
    assert sorted(wanted) == sorted(catalog)
    holes = re.compile(r"%\(\w+\)s")
    for key, originals in wanted.items():
        translated = catalog[key].string
        texts = [translated] if isinstance(translated, str) else list(translated or ())
        assert all(texts), key
        named = set(holes.findall(" ".join(originals)))
        assert all(set(holes.findall(text)) <= named for text in texts), key
        assert set(holes.findall(" ".join(texts))) == named, key


@pytest.mark.parametrize(("folder", "source"), CATALOGS, ids=["policies", "api"])
def test_french_marks_stand_behind_a_narrow_space(folder: Path, source: Path):
    with source.open("rb") as stream:
        catalog = read_po(stream)
    for message in catalog:
        said = message.string
        for text in ([said] if isinstance(said, str) else said or ()) if message.id else ():
            bare = re.sub(r"%\(\w+\)s|https?:\S+", "x", text)
            assert not re.search(r"[^\u202f][:;?!»]|«[^\u202f]", bare), text


def test_french_is_said_in_french():
    said = summary.answer(answer(), "Acme", ("Echoa", "Beta"), "fr")
    assert said == (
        (
            "Acme indique que des personnes peuvent écouter ou lire ce que vous dites à"
            " Echoa et Beta, sauf si vous le désactivez."
        ),
        "C’est indiqué depuis le 15 janvier 2021.",
    )


@pytest.mark.parametrize(
    ("stance", "words"),
    [
        (Stance.YES, "people may listen to or read what you say to Echoa."),
        (Stance.OPT_OUT, "unless you turn that off."),
        (Stance.OPT_IN, "only if you agree to it."),
        (Stance.NO, "people do not listen"),
        (Stance.UNCLEAR, "leaves open by whom"),
    ],
)
def test_each_stance_has_its_sentence(stance: Stance, words: str):
    assert words in summary.answer(answer(stance=stance), "Acme", ("Echoa",), "en")[0]


@pytest.mark.parametrize(
    ("count", "lang", "words"),
    [
        (1, "en", "In the 1 page that we read, Acme does not say"),
        (1204, "en", "In the 1,204 pages that we read"),
        (1, "fr", "Dans la seule page que nous avons lue"),
        (1204, "fr", "Dans les 1\u202f204 pages que nous avons lues"),
    ],
)
def test_silence_names_how_many_pages_were_read(count: int, lang: str, words: str):
    silent = answer(standing=Standing.NOT_STATED, stance=None, pages_read=count)
    said = summary.answer(silent, "Acme", (), lang)
    assert len(said) == 1
    assert words in said[0]


def test_not_read_is_another_answer_than_silence():
    blind = answer(standing=Standing.NOT_READ, stance=None, since=None)
    assert summary.answer(blind, "Acme", (), "en") == (
        "None of the pages of Acme was read so far.",
    )


def test_what_was_there_at_the_first_look_is_told_so():
    said = summary.answer(answer(observed=False), "Acme", (), "en")
    assert said[-1] == (
        "It already said so on 15 January 2021, the first time that we have on record."
    )


def test_a_date_of_reading_goes_with_every_answer():
    assert summary.as_of(answer(), "en") == "Last read on 1 March 2026."
    older = answer(oldest=datetime(2025, 12, 31, tzinfo=UTC))
    assert (
        summary.as_of(older, "fr")
        == "Dernières lectures entre le 31 décembre 2025 et le 1er mars 2026."
    )


def test_a_change_is_counted_in_the_right_number():
    said = summary.change("Acme", "Voice help", (1, 2, 0, 0), [Topic.HUMAN_REVIEW], "en")
    assert said == (
        "Acme changed “Voice help”: 1 passage added and 2 passages removed.",
        "It touches: people listening.",
    )
    said = summary.change("Acme", "Aide", (0, 0, 2, 1), [], "fr")
    assert said == (
        "Acme a modifié «\u202fAide\u202f»\u202f: 2 passages reformulés et 1 passage déplacé.",
        "Aucun des sujets que nous suivons n’y a été reconnu.",
    )


def test_every_topic_stance_and_standing_has_a_name_in_both_languages():
    for topic in Topic:
        assert summary.topic(topic, "en") != summary.topic(topic, "fr")
    for stance in Stance:
        assert summary.stance(stance, "en") != summary.stance(stance, "fr")
    for standing in Standing:
        assert summary.verdict(standing, None, "en") != summary.verdict(standing, None, "fr")
        for topic in Topic:
            told = answer(topic=topic, standing=standing, stance=None, since=None)
            assert summary.answer(told, "Acme", (), "fr") != summary.answer(told, "Acme", (), "en")


def test_an_earlier_answer_is_told_in_a_few_words():
    period = ledger.Period(datetime(2020, 1, 1, tzinfo=UTC), None, Standing.NOT_STATED, None, True)
    assert summary.period(period, "en") == "not stated"


def test_a_language_without_a_catalog_falls_back_to_english():
    assert translations("xx").gettext("Stated") == "Stated"


# --- a badge, a popup, a paragraph ---------------------------------------------------------------


def said(stance: Stance = Stance.OPT_OUT, **other) -> ledger.Statement:
    given = {
        "page_id": "acme.help.en",
        "origin": "crawl",
        "passage_id": f"passage-{stance}",
        "topics": (Topic.HUMAN_REVIEW,),
        "stance": stance,
        "version_id": "v",
        "text_id": "t",
        "position": list(Stance).index(stance),
        "kind": BlockKind.PARAGRAPH,
        "start": 0,
        "end": 9,
        "headings": (),
        "captured_at": datetime(2021, 1, 15, tzinfo=UTC),
        "last_seen": datetime(2026, 3, 1, tzinfo=UTC),
        "digest": None,
        "current": True,
        "lives": (ledger.Life(datetime(2021, 1, 15, tzinfo=UTC)),),
    }
    return ledger.Statement(**{**given, **other})


def full(**other) -> Answer:
    """An answer with another stance beside it, one before it, and something withdrawn."""
    gone = said(
        Stance.YES,
        version_id="old",
        current=False,
        times=2,
        lives=(
            ledger.Life(
                datetime(2021, 2, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC), True, True
            ),
        ),
    )
    before = ledger.Period(
        datetime(2019, 8, 1, tzinfo=UTC),
        datetime(2021, 1, 15, tzinfo=UTC),
        Standing.STATED,
        Stance.YES,
        False,
        (said(Stance.YES, version_id="older"),),
    )
    return answer(
        **{
            "statements": (said(), said(Stance.YES)),
            "also": (Stance.YES,),
            "gone": (gone,),
            "earlier": (before,),
            "slots": (ledger.Slot("sample", "a few of them", said()),),
            **other,
        }
    )


def test_a_badge_is_one_line_with_its_date():
    assert summary.badge(full(), "en").text == "Unless you turn it off, since 15 January 2021"
    assert (
        summary.badge(full(observed=False), "fr").text
        == "Sauf si vous le désactivez, au moins depuis le 15 janvier 2021"
    )
    assert summary.badge(full(), "en").statements == (said(),)


@pytest.mark.parametrize(
    ("count", "lang", "words"),
    [
        (0, "en", "Not stated in 0 pages"),
        (1, "en", "Not stated in 1 page"),
        (2, "en", "Not stated in 2 pages"),
        (0, "fr", "Non précisé dans 0 page"),
        (1, "fr", "Non précisé dans 1 page"),
        (2, "fr", "Non précisé dans 2 pages"),
    ],
)
def test_a_badge_counts_the_pages_that_are_silent(count: int, lang: str, words: str):
    silent = answer(standing=Standing.NOT_STATED, stance=None, since=None, pages_read=count)
    assert summary.badge(silent, lang).text == words


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize(
    "found",
    [full(), full(also=()), full(also=(), gone=()), full(also=(), gone=(), earlier=())],
    ids=["also", "gone", "before", "plain"],
)
def test_a_popup_says_three_sentences_and_each_has_its_quote(lang: str, found: Answer):
    told = summary.popup(found, "Acme", ("Echoa",), lang)
    assert 2 <= len(told) <= 3
    dated = summary.as_of(found, lang)
    assert all(one.statements for one in told if one.text != dated)
    assert len({one.text for one in told}) == len(told)


def test_a_popup_tells_what_is_most_worth_knowing_second():
    def second(found: Answer) -> str:
        return summary.popup(found, "Acme", (), "en")[1].text

    assert second(full()) == "Elsewhere it says so without naming a choice."
    assert second(full(also=())).startswith("On 1 June 2024 2 passages about it were taken out")
    assert (
        second(full(also=(), gone=()))
        == "From 1 August 2019 to 15 January 2021 it said: people may listen."
    )


def test_a_popup_of_silence_says_of_how_many_pages_and_as_of_when():
    silent = answer(standing=Standing.NOT_STATED, stance=None, since=None)
    told = summary.popup(silent, "Acme", ("Echoa",), "en")
    assert [one.statements for one in told] == [(), ()]
    assert told[1].text == "Last read on 1 March 2026."


def test_a_paragraph_quotes_word_for_word_with_page_and_date():
    words = {said().place: "Unless you object, we listen.", ("v", 0): "We listen."}
    told = summary.paragraph(full(), "Acme", ("Echoa",), "en", words, {"acme.help.en": "Help"})
    texts = [one.text for one in told]
    assert "In its words: “Unless you object, we listen.” (Help, 1 March 2026)." in texts
    assert "On how much it says “a few of them”." in texts
    dated = summary.as_of(full(), "en")
    assert all(one.statements for one in told if one.text != dated)


def test_a_paragraph_says_nothing_that_it_cannot_quote():
    told = summary.paragraph(full(), "Acme", (), "fr", {}, {})
    assert not any("Du 1er août 2019" in one.text for one in told)
    words = {("older", 0): "We listen."}
    told = summary.paragraph(full(), "Acme", (), "fr", words, {})
    assert any(
        one.text
        == (
            "Du 1er août 2019 au 15 janvier 2021, il était dit\u202f: des personnes peuvent"
            " écouter. «\u202fWe listen.\u202f»"
        )
        for one in told
    )


def test_two_pages_that_differ_are_named_with_their_dates():
    at = datetime(2026, 3, 1, tzinfo=UTC)
    more = ledger.PageAnswer("a.help.en", "a.help", "en", Standing.STATED, Stance.YES, at)
    less = ledger.PageAnswer("a.help.fr", "a.help", "fr", Standing.NOT_STATED, None, at)
    found = ledger.Contradiction(ledger.Gap.LANGUAGES, more, less)
    assert summary.contradiction(found, "en") == (
        "Two languages of one page do not say the same: a.help.en (People may listen, read on"
        " 1 March 2026); a.help.fr (Not stated, read on 1 March 2026)."
    )
    assert "\u202f; a.help.fr (Non précisé, lecture du 1er mars 2026)" in summary.contradiction(
        found, "fr"
    )


def test_a_change_says_which_way_it_goes():
    told = summary.change(
        "Acme",
        "Help",
        (0, 0, 1, 0),
        [Topic.HUMAN_REVIEW, Topic.TRAINING],
        "fr",
        {Topic.HUMAN_REVIEW: Direction.WORSE, Topic.TRAINING: Direction.UNCLEAR},
    )
    assert "(moins bien pour vous); entraînement" in told[1].replace("\u202f", "")


def test_every_rule_and_direction_has_words_in_both_languages():
    for name in RULES:
        assert summary.rule(name, "en") != summary.rule(name, "fr")
    for way in Direction:
        assert summary.direction(way, "en") != summary.direction(way, "fr")


@pytest.mark.parametrize(
    ("says", "french"),
    [
        ("the server says 404", "le serveur répond 404"),
        (
            "the declared selector keeps 31% of the version before",
            "le sélecteur déclaré garde 31\u202f% de la version précédente",
        ),
        ("the text is in 'de', not 'fr'", "le texte est en 'de', et non en 'fr'"),
        ("something that nobody foresaw", "something that nobody foresaw"),
    ],
)
def test_why_a_page_cannot_be_read_is_said_in_french(says: str, french: str):
    assert summary.reason(says, "fr") == french
    assert summary.reason(says, "en") == says


@pytest.mark.parametrize(
    "says",
    [
        *(says.format(host="a.example") for says in judge._NOT_HAD.values()),
        "the page breaks off in the middle: “…we may keep”",
        "no page came: https://a.example/robots.txt asks not to fetch /privacy",
        "no page came: gave up after 12 redirects",
        "the text is in 'de', not 'en'",
    ],
)
def test_why_a_page_was_not_read_is_told_in_french(says: str):
    told = summary.reason(says, "fr")
    assert told != says
    assert not re.search(r"\b(?:the|not|is|no|after)\b", told)
    assert ("a.example" in told) == ("a.example" in says)
