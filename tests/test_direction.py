"""Which way a change goes: each rule with a sentence, and the same in every language."""

from __future__ import annotations

import pytest

from policies import changes, direction
from policies.direction import RULES, Directed, Direction
from policies.direction.words import patterns
from policies.disclosures import LANGUAGES, Detector
from policies.model import BlockKind, Edit, EditKind, Passage, Scope, Topic
from policies.passages import passage_id
from policies.tracking.directing import claims
from policies.tracking.disclose import disclose

DETECTOR = Detector.load()


def passages(texts: list[str], lang: str, kind: BlockKind) -> list[Passage]:
    found, start = [], 0
    for text in texts:
        found.append(Passage(passage_id(text, lang), text, kind, start, start + len(text)))
        start += len(text) + 1
    return found


def directed(
    old: list[str], new: list[str], lang: str = "en", kind: BlockKind = BlockKind.PARAGRAPH
) -> dict[Topic, Directed]:
    """What a page of these sentences on an assistant goes through, read by the real detector."""
    before, now = passages(old, lang, kind), passages(new, lang, kind)
    was = disclose(DETECTOR, lang, Scope.ASSISTANT, before)
    is_ = disclose(DETECTOR, lang, Scope.ASSISTANT, now)
    said = changes.substantial(changes.compare(before, now), before, now)
    touched = changes.touched(
        said, {at: v for at, (_, v) in was.items()}, {at: v for at, (_, v) in is_.items()}
    )
    return direction.direct(
        touched,
        said,
        claims(DETECTOR, lang, before, was),
        claims(DETECTOR, lang, now, is_),
    )


def rules(found: Directed) -> list[str]:
    return [finding.rule for finding in found.findings]


FILLER = "Nothing else is told here."
FLAT = "Our employees listen to some of your voice recordings to improve recognition."
ASKED = (
    "With your permission, our employees listen to some of your voice recordings to improve"
    " recognition."
)
OPTED = (
    "Our employees listen to some of your voice recordings to improve recognition unless you opt"
    " out."
)
NEVER = "Nobody at our company listens to your voice recordings."


# --- for the person ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "rule", "way"),
    [
        (FLAT, ASKED, "condition-added", Direction.BETTER),
        (ASKED, FLAT, "condition-dropped", Direction.WORSE),
        (FLAT, OPTED, "condition-added", Direction.BETTER),
        (OPTED, FLAT, "condition-dropped", Direction.WORSE),
        (ASKED, OPTED, "opt-in-to-opt-out", Direction.WORSE),
        (OPTED, ASKED, "opt-out-to-opt-in", Direction.BETTER),
        (NEVER, FLAT, "promise-gone", Direction.WORSE),
        (FLAT, NEVER, "promise-made", Direction.BETTER),
    ],
)
def test_from_a_stance_to_another(old: str, new: str, rule: str, way: Direction):
    found = directed([FILLER, old], [FILLER, new])[Topic.HUMAN_REVIEW]
    assert found.direction is way
    assert found.findings[0].rule == rule
    assert RULES[rule].direction is way


@pytest.mark.parametrize(
    ("lang", "flat", "asked"),
    [
        (
            "de",
            "Unsere Mitarbeiter hören einige Ihrer Sprachaufnahmen an.",
            "Mit Ihrer Einwilligung hören unsere Mitarbeiter einige Ihrer Sprachaufnahmen an.",
        ),
        (
            "es",
            "Nuestros empleados escuchan algunas de sus grabaciones de voz.",
            "Con su consentimiento, nuestros empleados escuchan algunas de sus grabaciones de voz.",
        ),
        (
            "fr",
            "Nos employés écoutent certains de vos enregistrements vocaux.",
            "Avec votre accord, nos employés écoutent certains de vos enregistrements vocaux.",
        ),
        (
            "it",
            "I nostri dipendenti ascoltano alcune delle tue registrazioni vocali.",
            (
                "Con il tuo consenso, i nostri dipendenti ascoltano alcune delle tue registrazioni"
                " vocali."
            ),
        ),
        (
            "nl",
            "Onze medewerkers luisteren naar sommige van uw spraakopnamen.",
            "Met uw toestemming luisteren onze medewerkers naar sommige van uw spraakopnamen.",
        ),
        (
            "pt",
            "Os nossos funcionários ouvem algumas das suas gravações de voz.",
            (
                "Com o seu consentimento, os nossos funcionários ouvem algumas das suas gravações"
                " de voz."
            ),
        ),
    ],
)
def test_a_condition_is_a_condition_in_every_language(lang: str, flat: str, asked: str):
    gained = directed([flat], [asked], lang)[Topic.HUMAN_REVIEW]
    lost = directed([asked], [flat], lang)[Topic.HUMAN_REVIEW]
    assert (gained.direction, lost.direction) == (Direction.BETTER, Direction.WORSE)
    assert "condition-added" in rules(gained)
    assert "condition-dropped" in rules(lost)


def test_a_promise_beside_what_is_said_already_is_for_the_person():
    promise = "We will not listen to your voice recordings without your permission."
    found = directed([ASKED], [ASKED, promise])[Topic.HUMAN_REVIEW]
    assert found.direction is Direction.BETTER
    assert rules(found) == ["promise-made", "said-more"]
    gone = directed([ASKED, promise], [ASKED])[Topic.HUMAN_REVIEW]
    assert (gone.direction, rules(gone)) == (Direction.WORSE, ["promise-gone", "said-elsewhere"])


def test_a_denial_of_something_else_is_no_promise():
    beside = "With your permission, reviewers who do not see your name listen to your recordings."
    found = directed([ASKED], [ASKED, beside])[Topic.HUMAN_REVIEW]
    assert found.direction is Direction.SAYS_MORE


@pytest.mark.parametrize(
    ("lang", "short", "long"),
    [
        (
            "en",
            "We keep your voice recordings for 30 days.",
            "We keep your voice recordings for 18 months.",
        ),
        (
            "fr",
            "Nous conservons vos enregistrements vocaux pendant 30 jours.",
            "Nous conservons vos enregistrements vocaux pendant 18 mois.",
        ),
        (
            "de",
            "Wir speichern Ihre Sprachaufnahmen 30 Tage lang.",
            "Wir speichern Ihre Sprachaufnahmen 18 Monate lang.",
        ),
    ],
)
def test_kept_for_a_longer_or_a_shorter_time(lang: str, short: str, long: str):
    worse = directed([short], [long], lang)[Topic.RETENTION]
    better = directed([long], [short], lang)[Topic.RETENTION]
    assert (worse.direction, rules(worse)) == (Direction.WORSE, ["kept-longer"])
    assert (better.direction, rules(better)) == (Direction.BETTER, ["kept-shorter"])


def test_until_you_delete_it_is_longer_than_any_number():
    found = directed(
        ["We keep your voice recordings for 30 days."],
        ["We keep your voice recordings until you delete them."],
    )[Topic.RETENTION]
    assert (found.direction, rules(found)) == (Direction.WORSE, ["kept-longer"])


def test_people_from_outside_among_those_who_listen():
    wider = FLAT.replace("Our employees", "Our employees and vendors")
    found = directed([FLAT], [wider])[Topic.HUMAN_REVIEW]
    assert (found.direction, rules(found)) == (Direction.WORSE, ["reviewers-widened"])
    found = directed([wider], [FLAT])[Topic.HUMAN_REVIEW]
    assert (found.direction, rules(found)) == (Direction.BETTER, ["reviewers-narrowed"])


# --- in how much is disclosed --------------------------------------------------------------------


def test_said_for_the_first_time_and_no_longer():
    found = directed([FILLER], [FILLER, FLAT])[Topic.HUMAN_REVIEW]
    assert (found.direction, rules(found)) == (Direction.SAYS_MORE, ["first-said"])
    found = directed([FILLER, FLAT], [FILLER])[Topic.HUMAN_REVIEW]
    assert (found.direction, rules(found)) == (Direction.SAYS_LESS, ["no-longer-said"])


def test_withdrawn_in_one_place_and_still_said_in_another():
    other = "Our teams review transcripts of what you say."
    found = directed([FLAT, other], [other])[Topic.HUMAN_REVIEW]
    assert (found.direction, rules(found)) == (Direction.SAYS_LESS, ["said-elsewhere"])


def test_how_much_is_reviewed_is_no_longer_said():
    sampled = "Our employees listen to a small sample of your voice recordings."
    bare = "Our employees listen to your voice recordings."
    found = directed([sampled], [bare])[Topic.HUMAN_REVIEW]
    assert (found.direction, rules(found)) == (Direction.SAYS_LESS, ["sample-dropped"])
    found = directed([bare], [sampled])[Topic.HUMAN_REVIEW]
    assert (found.direction, rules(found)) == (Direction.SAYS_MORE, ["sample-named"])


@pytest.mark.parametrize(
    ("lang", "plain", "vague"),
    [
        (
            "en",
            "Our employees listen to your voice recordings.",
            "Our employees may listen to your voice recordings.",
        ),
        (
            "fr",
            "Nos employés écoutent vos enregistrements vocaux.",
            "Nos employés peuvent écouter vos enregistrements vocaux.",
        ),
        (
            "es",
            "Nuestros empleados escuchan sus grabaciones de voz.",
            "Nuestros empleados pueden escuchar sus grabaciones de voz.",
        ),
    ],
)
def test_a_vague_word_says_less(lang: str, plain: str, vague: str):
    added = directed([plain], [vague], lang)[Topic.HUMAN_REVIEW]
    dropped = directed([vague], [plain], lang)[Topic.HUMAN_REVIEW]
    assert (added.direction, rules(added)) == (Direction.SAYS_LESS, ["hedge-added"])
    assert (dropped.direction, rules(dropped)) == (Direction.SAYS_MORE, ["hedge-dropped"])


def test_may_the_month_is_no_hedge():
    assert patterns("en")["hedges"].search("since may ") is not None
    found = directed([FLAT], [FLAT.replace(" to improve", " since May 2024 to improve")])
    assert "hedge-added" not in rules(found[Topic.HUMAN_REVIEW])


# --- unclear --------------------------------------------------------------------------------------


def test_other_words_have_no_direction():
    found = directed([FLAT], [FLAT.replace("to improve recognition", "to improve dictation")])[
        Topic.HUMAN_REVIEW
    ]
    assert (found.direction, rules(found)) == (Direction.UNCLEAR, ["other-words"])


def test_both_ways_at_once_is_unclear():
    old = [FLAT, "We keep your voice recordings for 30 days.", "We keep transcripts for 2 years."]
    new = [FLAT, "We keep your voice recordings for 90 days.", "We keep transcripts for 1 year."]
    found = directed(old, new)[Topic.RETENTION]
    assert found.direction is Direction.UNCLEAR
    assert set(rules(found)) == {"kept-longer", "kept-shorter"}


def test_what_only_another_name_made_understood_is_unclear():
    """A topic that comes without one of its words having changed came by our reading."""
    old = "You can choose to let our panel use what is shown."
    new = "You can choose to let our assistant use what is shown."
    before = direction.claim(0, old, DETECTOR.judge("", "en", Scope.ASSISTANT), "en")
    assert before.matches == ()
    verdict = DETECTOR.judge("You can turn off saving of voice recordings.", "en", Scope.ASSISTANT)
    claim = direction.claim(0, new, verdict, "en")
    spans = changes.words(old, new)
    edit = Edit(EditKind.REPLACED, 0, 0, spans)
    found = direction.direct([Topic.CHOICE], [edit], {}, {0: ((Topic.CHOICE,), claim)})
    assert found[Topic.CHOICE].direction is Direction.UNCLEAR


def test_a_heading_announces_and_has_no_direction():
    found = directed([FILLER], [FLAT], kind=BlockKind.HEADING)
    assert {one.direction for one in found.values()} == {Direction.UNCLEAR}


# --- the words, and the store ---------------------------------------------------------------------


def test_every_finding_quotes_words_that_stand_there():
    texts = {"old": [FLAT], "new": [ASKED]}
    for one in directed(texts["old"], texts["new"]).values():
        for finding in one.findings:
            for side in ("old", "new"):
                words = getattr(finding, side)
                assert words is None or texts[side][words.position][words.start : words.end]


def test_what_is_kept_comes_back_the_same():
    found = directed([FLAT, FILLER], [ASKED])
    assert direction.unpack(direction.pack(found)) == found


def test_every_language_that_is_read_has_its_words():
    for lang in LANGUAGES:
        assert all(pattern.pattern != "(?!)" for pattern in patterns(lang).values()), lang
    assert not patterns("ja")["hedges"].search("may")
