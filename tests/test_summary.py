"""Summaries: plain sentences in two languages, with right plurals and dates."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from policies import ledger, summary
from policies.ledger import Answer, Standing
from policies.locale import translations
from policies.model import Stance, Topic

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
        for text in ([said] if isinstance(said, str) else said) if message.id else ():
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
