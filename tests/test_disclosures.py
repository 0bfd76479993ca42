"""What the detector makes of passages, and what it must never do."""

from __future__ import annotations

import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.disclosures import LANGUAGES, Detector, Retention
from policies.errors import BadInput
from policies.model import Scope, Stance, Topic, Verdict

DETECTOR = Detector.load()


def judged(
    text: str,
    lang: str = "en",
    scope: Scope = Scope.GENERAL,
    headings: tuple[str, ...] = (),
    before: str = "",
) -> Verdict:
    return DETECTOR.judge(text, lang, scope, headings, before)


def test_listening_is_found_without_the_words_human_review_and_voice() -> None:
    verdict = judged("Partner firms help us check and listen to samples of stored user audio.")
    assert Topic.HUMAN_REVIEW in verdict.topics
    assert Topic.SAMPLE in verdict.topics
    assert verdict.stance is Stance.YES


def test_human_review_of_automated_decisions_is_none() -> None:
    text = "You can ask for a human review of any decision taken by automated means."
    assert judged(text) == Verdict(topics=(), stance=None)
    assert Topic.HUMAN_REVIEW not in judged(text, scope=Scope.ASSISTANT).topics


@pytest.mark.parametrize(
    ("text", "stance"),
    [
        ("Our staff listen to voice recordings.", Stance.YES),
        ("Our staff no longer listen to voice recordings.", Stance.NO),
        ("Nobody listens to your voice recordings.", Stance.NO),
        ("Our staff listen to voice recordings only with your permission.", Stance.OPT_IN),
        ("We do not listen to your voice recordings unless you allow it.", Stance.OPT_IN),
        ("Our staff listen to voice recordings unless you opt out.", Stance.OPT_OUT),
        ("You can ask that none of your voice recordings be reviewed by staff.", Stance.OPT_OUT),
        ("Even if you opt out, our staff may listen to voice recordings.", Stance.YES),
        ("Voice recordings may be reviewed.", Stance.UNCLEAR),
    ],
)
def test_the_stance_follows_condition_and_denial(text: str, stance: Stance) -> None:
    assert judged(text, scope=Scope.ASSISTANT).stance is stance


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("de", "Wir lesen deine Unterhaltungen nicht."),
        ("nl", "We lezen je gesprekken niet."),
        ("fr", "Nous ne lisons pas vos conversations."),
        ("es", "No leemos tus conversaciones."),
        ("it", "Non leggiamo le tue conversazioni."),
        ("pt", "Não lemos as suas conversas."),
    ],
)
def test_denial_is_understood_before_and_after_the_verb(lang: str, text: str) -> None:
    assert judged(text, lang, Scope.ASSISTANT).stance is Stance.NO


def test_this_data_is_resolved_by_the_sentence_before() -> None:
    text = "Employees may listen to a part of this data."
    assert Topic.HUMAN_REVIEW in judged(text, before="Voice control records a command.").topics
    assert judged(text, before="We keep the history of your orders.").topics == ()


def test_a_heading_can_name_the_subject() -> None:
    text = "Employees may read a part of these transcripts."
    assert judged(text, headings=("Privacy", "Voice control")).topics
    assert judged(text, headings=("Privacy", "Payments")).topics == ()


def test_a_list_item_is_read_with_the_sentence_that_leads_in_to_it() -> None:
    text = "transcribed by our contractors in Norway and compared with the result."
    lead = "With the lab switched on for 30 days, voice recordings may be:"
    verdict = judged(text, before=lead)
    assert Topic.HUMAN_REVIEW in verdict.topics
    assert judged(text, before="Orders of spare parts may be:").topics == ()


def test_what_only_leads_in_to_a_list_is_no_find_and_no_quote_of_its_item() -> None:
    lead = "Our contractors listen to voice recordings to:"
    assert judged("keep our word;", before=lead).topics == ()
    verdict = judged("transcribe them in part.", scope=Scope.ASSISTANT, before=lead)
    assert Topic.HUMAN_REVIEW in verdict.topics
    assert "reviewers" not in verdict.slots
    assert all(match.start < match.end for match in verdict.matches)


def test_a_sentence_of_its_own_is_not_joined_to_the_one_before() -> None:
    assert (
        judged("Transcribed by machines.", before="Our contractors see voice clips:").topics == ()
    )


def test_an_answer_is_read_with_the_question_in_its_heading() -> None:
    text = "No, people are not involved."
    asked = judged(text, scope=Scope.ASSISTANT, headings=("Help", "Does anyone hear what I say?"))
    assert asked.stance is Stance.NO
    other = judged(text, scope=Scope.ASSISTANT, headings=("Help", "Does anyone pack the boxes?"))
    assert other.topics == ()


def test_your_content_is_enough_only_where_the_document_is_about_an_assistant() -> None:
    text = "Our contractors may review your content."
    assert Topic.HUMAN_REVIEW in judged(text, scope=Scope.ASSISTANT).topics
    assert judged(text, scope=Scope.GENERAL).topics == ()


def test_a_passage_without_a_subject_counts_where_the_document_is_about_an_assistant() -> None:
    assert Topic.REVIEWERS in judged("Reviewed by trained teams.", scope=Scope.ASSISTANT).topics


@pytest.mark.parametrize(
    "text",
    [
        "Moderators review posts reported for breaking our community rules.",
        "Calls to customer service may be recorded, and supervisors listen to them.",
        "Listen to millions of songs and podcasts.",
        "You should review what the assistant wrote before you rely on it.",
        "The speaker is always listening for its wake word.",
        "Reviews by customers are checked before they appear.",
    ],
)
@pytest.mark.parametrize("scope", list(Scope))
def test_what_is_out_of_scope_is_let_pass(text: str, scope: Scope) -> None:
    assert Topic.HUMAN_REVIEW not in judged(text, scope=scope).topics


def test_a_language_that_is_not_read_is_refused_and_never_silent() -> None:
    with pytest.raises(BadInput, match="'ja' are not read"):
        judged("音声を聞きます。", "ja")


def test_a_regional_tag_is_read_as_its_language() -> None:
    text = "Funcionários ouvem gravações de voz."
    assert judged(text, "pt-BR") == judged(text, "pt")
    assert judged(text, "pt").stance is Stance.YES


def test_topics_come_in_the_order_of_the_codebook() -> None:
    topics = judged("With your consent, staff listen to samples of audio for 30 days.").topics
    assert list(topics) == sorted(topics, key=list(Topic).index)
    assert len(topics) > 3


SPELLINGS = [
    "We won’t listen to your “voice recordings”.",
    "WE WON'T LISTEN TO YOUR VOICE RECORDINGS.",
    "We won't listen to your voice rec\u00adordings.",
    "We won't lis\u200bten to your voice\u00a0recordings.",
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_typography_does_not_matter_and_matches_are_verbatim(text: str) -> None:
    verdict = judged(text)
    assert verdict.stance is Stance.NO
    listening = next(m for m in verdict.matches if m.pattern == "review.listening")
    quote = text[listening.start : listening.end]
    assert quote[:3].lower() == "lis"
    assert quote[-1] in "sS"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accents_composed_or_not_are_the_same(form: str) -> None:
    text = unicodedata.normalize(form, "Des employés écoutent vos requêtes vocales.")  # type: ignore[arg-type]
    verdict = judged(text, "fr")
    assert verdict.stance is Stance.YES
    match = verdict.matches[0]
    assert unicodedata.normalize("NFC", text[match.start : match.end]).startswith("employés")


def test_slots_are_slices_of_the_passage() -> None:
    text = (
        "With your permission, trained Acme employees listen to a small sample of your requests "
        "to improve recognition, and we keep them for up to 18 months."
    )
    slots = judged(text, scope=Scope.ASSISTANT).slots
    assert slots["condition"] == "With your permission"
    assert slots["reviewers"] == "employees"
    assert slots["sample"] == "a small sample"
    assert slots["purpose"] == "to improve recognition"
    assert slots["retention"] == "18 months"
    assert all(words in text for words in slots.values())


def test_a_named_setting_and_a_default_are_slots() -> None:
    text = "By default, chats are reviewed by staff; turn the Keep History setting off to stop it."
    slots = judged(text, scope=Scope.ASSISTANT).slots
    assert slots["default"] == "By default"
    assert slots["setting"] == "Keep History"


WHO_AND_ON_WHAT_TERMS = [
    (
        "en",
        (
            "With your permission, about thirty trained linguists in Ireland hear fewer than "
            "1 % of your recordings to improve recognition."
        ),
        "With your permission",
        ("linguists", "thirty", "Ireland", "fewer than 1 %", "to improve recognition"),
    ),
    (
        "de",
        (
            "Mit Ihrer Einwilligung hören rund dreißig geschulte Linguisten, die in Irland "
            "arbeiten, weniger als 1 % Ihrer Aufnahmen an, um die Erkennung zu verbessern."
        ),
        "Mit Ihrer Einwilligung",
        ("Linguisten", "dreißig", "Irland", "weniger als 1 %", "um die Erkennung zu verbessern"),
    ),
    (
        "fr",
        (
            "Avec votre accord, une trentaine de linguistes formés en Irlande écoutent moins "
            "de 1 % de vos enregistrements afin d'améliorer la reconnaissance."
        ),
        "Avec votre accord",
        (
            "linguistes",
            "trentaine",
            "Irlande",
            "moins de 1 %",
            "afin d'améliorer la reconnaissance",
        ),
    ),
    (
        "es",
        (
            "Con su consentimiento, unos treinta lingüistas formados en Irlanda escuchan "
            "menos del 1 % de sus grabaciones para mejorar el reconocimiento."
        ),
        "Con su consentimiento",
        ("lingüistas", "treinta", "Irlanda", "menos del 1 %", "para mejorar el reconocimiento"),
    ),
    (
        "it",
        (
            "Con il Suo consenso, una trentina di linguisti formati in Irlanda ascolta meno "
            "dell'1 % delle Sue registrazioni per migliorare il riconoscimento."
        ),
        "Con il Suo consenso",
        ("linguisti", "trentina", "Irlanda", "meno dell'1 %", "per migliorare il riconoscimento"),
    ),
    (
        "pt",
        (
            "Com o seu consentimento, cerca de trinta linguistas treinados na Irlanda ouvem "
            "menos de 1 % das suas gravações para melhorar o reconhecimento."
        ),
        "Com o seu consentimento",
        ("linguistas", "trinta", "Irlanda", "menos de 1 %", "para melhorar o reconhecimento"),
    ),
    (
        "nl",
        (
            "Met uw toestemming luisteren zo'n dertig opgeleide taalkundigen in Ierland naar "
            "minder dan 1 % van uw opnamen om de herkenning te verbeteren."
        ),
        "Met uw toestemming",
        ("taalkundigen", "dertig", "Ierland", "minder dan 1 %", "om de herkenning te verbeteren"),
    ),
]


@pytest.mark.parametrize(("lang", "text", "condition", "who"), WHO_AND_ON_WHAT_TERMS)
def test_slots_tell_who_how_many_where_how_much_and_why(
    lang: str, text: str, condition: str, who: tuple[str, ...]
) -> None:
    verdict = judged(text, lang, Scope.ASSISTANT)
    assert verdict.stance is Stance.OPT_IN
    slots = verdict.slots
    assert slots["condition"] == condition
    names = ("reviewers", "reviewers_number", "reviewers_place", "sample", "purpose")
    assert tuple(slots.get(name) for name in names) == who
    assert slots["reviewers_training"] in text


KEPT_BY_DEFAULT = [
    (
        "en",
        (
            "By default, contractors bound by confidentiality transcribe a small sample of "
            "requests, which are not linked to your account and are kept for up to 18 months "
            "unless you switch off the “Help Lumo” setting."
        ),
        ("By default", "contractors", "confidentiality", "are not linked to your account"),
        ("Help Lumo", "unless you switch off the “Help Lumo” setting"),
    ),
    (
        "de",
        (
            "Standardmäßig transkribieren zur Verschwiegenheit verpflichtete Auftragnehmer "
            "eine kleine Stichprobe der Anfragen, die nicht mit Ihrem Konto verknüpft und bis "
            "zu 18 Monate gespeichert werden, es sei denn, Sie schalten die Einstellung „Lumo "
            "helfen“ aus."
        ),
        ("Standardmäßig", "Auftragnehmer", "Verschwiegenheit", "nicht mit Ihrem Konto verknüpft"),
        ("Lumo helfen", "es sei denn, Sie schalten die Einstellung „Lumo helfen“ aus"),
    ),
    (
        "fr",
        (
            "Par défaut, des sous-traitants tenus à la confidentialité transcrivent un petit "
            "échantillon de requêtes, qui ne sont pas associées à votre compte et sont "
            "conservées jusqu'à 18 mois, sauf si vous désactivez le réglage « Aider Lumo »."
        ),
        ("Par défaut", "sous-traitants", "confidentialité", "sont pas associées à votre compte"),
        ("Aider Lumo", "sauf si vous désactivez le réglage « Aider Lumo »"),
    ),
    (
        "es",
        (
            "De forma predeterminada, contratistas sujetos a confidencialidad transcriben una "
            "pequeña muestra de solicitudes, que no se vinculan con su cuenta y se guardan "
            "hasta 18 meses, salvo que desactive el ajuste «Ayudar a Lumo»."
        ),
        (
            "De forma predeterminada",
            "contratistas",
            "confidencialidad",
            "no se vinculan con su cuenta",
        ),
        ("Ayudar a Lumo", "salvo que desactive el ajuste «Ayudar a Lumo»"),
    ),
    (
        "it",
        (
            "Per impostazione predefinita, collaboratori vincolati alla riservatezza "
            "trascrivono un piccolo campione di richieste, che non sono associate al Suo "
            "account e vengono conservate fino a 18 mesi, a meno che non disattivi "
            "l'impostazione «Aiuta Lumo»."
        ),
        (
            "Per impostazione predefinita",
            "collaboratori",
            "riservatezza",
            "non sono associate al Suo account",
        ),
        ("Aiuta Lumo", "a meno che non disattivi l'impostazione «Aiuta Lumo»"),
    ),
    (
        "pt",
        (
            "Por padrão, prestadores sujeitos a confidencialidade transcrevem uma pequena "
            "amostra de pedidos, que não são associados à sua conta e são guardados por até "
            "18 meses, a menos que desative a configuração «Ajudar o Lumo»."
        ),
        ("Por padrão", "prestadores", "confidencialidade", "não são associados à sua conta"),
        ("Ajudar o Lumo", "a menos que desative a configuração «Ajudar o Lumo»"),
    ),
    (
        "nl",
        (
            "Standaard transcriberen onderaannemers die tot geheimhouding verplicht zijn een "
            "kleine steekproef van verzoeken, die niet aan uw account worden gekoppeld en tot "
            "18 maanden worden bewaard, tenzij u de instelling ‘Lumo helpen’ uitzet."
        ),
        ("Standaard", "onderaannemers", "geheimhouding", "niet aan uw account worden gekoppeld"),
        ("Lumo helpen", "tenzij u de instelling ‘Lumo helpen’ uitzet"),
    ),
]


@pytest.mark.parametrize(("lang", "text", "terms", "way_out"), KEPT_BY_DEFAULT)
def test_slots_tell_default_identity_retention_and_the_way_out(
    lang: str, text: str, terms: tuple[str, ...], way_out: tuple[str, str]
) -> None:
    verdict = judged(text, lang, Scope.ASSISTANT)
    assert verdict.stance is Stance.OPT_OUT
    slots = verdict.slots
    names = ("default", "reviewers", "reviewers_training", "identity")
    assert tuple(slots[name] for name in names) == terms
    assert (slots["setting"], slots["condition"]) == way_out
    assert DETECTOR.retention(slots["retention"], lang) == Retention(540, until_deleted=False)


@pytest.mark.parametrize(
    ("lang", "words", "days"),
    [
        ("en", "up to three years", 1095),
        ("en", "72 hours", 3),
        ("fr", "18 mois", 540),
        ("de", "zwei Wochen", 14),
        ("es", "seis meses", 180),
        ("it", "due anni", 730),
        ("pt", "30 dias", 30),
        ("nl", "negentig dagen", 90),
        ("en", "a limited period", None),
        ("en", "several months", None),
        ("en", "a year", 365),
        ("en", "half a year", 182),
        ("en", "three and a half years", 1278),
        ("en", "a year and a half", 548),
        ("en", "twenty-four months", 720),
        ("en", "one hundred and eighty days", 180),
        ("en", "between 30 and 90 days", 90),
        ("de", "ein halbes Jahr", 182),
        ("de", "vierundzwanzig Monate", 720),
        ("fr", "quatre-vingt-dix jours", 90),
        ("fr", "un an et demi", 548),
        ("es", "medio año", 182),
        ("it", "mezzo anno", 182),
        ("pt", "meio ano", 182),
        ("nl", "een half jaar", 182),
    ],
)
def test_retention_is_a_number_of_days(lang: str, words: str, days: int | None) -> None:
    assert DETECTOR.retention(words, lang) == Retention(days=days, until_deleted=False)


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", "until you delete them"),
        ("de", "bis Sie sie löschen"),
        ("fr", "jusqu'à ce que vous les supprimiez"),
        ("es", "hasta que los elimines"),
        ("it", "finché non le elimini"),
        ("pt", "até que você os exclua"),
        ("nl", "totdat u ze verwijdert"),
    ],
)
def test_retention_until_it_is_deleted(lang: str, words: str) -> None:
    assert DETECTOR.retention(words, lang) == Retention(None, until_deleted=True)


def test_a_declared_name_of_an_assistant_is_context() -> None:
    text = "Trained employees may listen to a small part of your requests."
    knowing = Detector.load(names=["Halden Home"])
    for headings, before in ((("Halden Home",), ""), ((), "Halden Home answers you.")):
        assert judged(text, headings=headings, before=before).topics == ()
        verdict = knowing.judge(text, "en", Scope.GENERAL, headings, before)
        assert Topic.HUMAN_REVIEW in verdict.topics
    assert knowing.judge(text, "en", Scope.GENERAL, ("Halden Cars",)).topics == ()
    assert knowing.digest != DETECTOR.digest


@pytest.mark.parametrize(
    ("before", "text", "stance"),
    [
        ("You can allow us to keep recordings.", "If so, staff listen to them.", Stance.OPT_IN),
        (
            "With your consent we collect samples of speech.",
            "Staff may listen to these samples.",
            Stance.OPT_IN,
        ),
        (
            "We keep recordings unless you turn this off.",
            "In that case staff listen to them.",
            Stance.OPT_OUT,
        ),
        ("We keep recordings.", "In that case staff listen to them.", Stance.YES),
        # What merely follows a sentence about permission does not rest on it.
        ("With your consent we send you news.", "Staff listen to recordings.", Stance.YES),
    ],
)
def test_a_condition_is_carried_over_only_by_what_rests_on_it(
    before: str, text: str, stance: Stance
) -> None:
    assert judged(text, scope=Scope.ASSISTANT, before=before).stance is stance


HOSTILE = [
    "voice " * 20_000,
    "staff review " * 10_000,
    "if you choose to turn off on in to " * 4_000,
    "settings > " * 10_000,
    "a" * 200_000,
    "." * 100_000,
    "we may not listen to your your your " * 3_000,
    "\u00ad" * 100_000 + "voice",
    "'" * 50_000 + "voice recordings reviewed by staff",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
@pytest.mark.parametrize("scope", list(Scope))
def test_time_grows_with_the_length_and_no_faster(text: str, scope: Scope) -> None:
    half = text[: len(text) // 2]
    begin = time.process_time()
    DETECTOR.judge(half, "en", scope)
    middle = time.process_time()
    DETECTOR.judge(text, "en", scope)
    end = time.process_time()
    # Quadratic time would be 4 times as long; the constant forgives a busy machine.
    assert end - middle < 3.2 * (middle - begin) + 1.0


@given(st.text(max_size=300), st.sampled_from(sorted(LANGUAGES)), st.sampled_from(list(Scope)))
def test_any_text_is_judged_and_every_match_lies_in_it(text: str, lang: str, scope: Scope) -> None:
    mixed = f"{text} staff review voice recordings {text}"
    verdict = DETECTOR.judge(mixed, lang, scope)
    for match in verdict.matches:
        assert 0 <= match.start < match.end <= len(mixed)
    for words in verdict.slots.values():
        assert words in mixed


def test_threads_share_a_detector() -> None:
    texts = [f"Staff listen to voice recordings number {n} word{n}." for n in range(200)]
    expected = [judged(text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(judged, texts)) == expected


def test_the_digest_names_lexicon_and_rules() -> None:
    assert DETECTOR.digest == Detector.load().digest
    assert len(DETECTOR.digest) == 64


@pytest.mark.parametrize(
    ("lang", "text", "heading"),
    [
        ("en", "Trained employees may listen to a small part of your requests.", "Our assistant"),
        ("fr", "Des employés écoutent une partie de vos demandes.", "L'assistant Vesper"),
        ("de", "Mitarbeiter hören einen Teil Ihrer Anfragen an.", "Assistent"),
        ("es", "Los empleados escuchan una parte de tus solicitudes.", "Voz"),
        ("it", "I dipendenti ascoltano una parte delle tue richieste.", "Assistente Vesper"),
        ("pt", "Os funcionários ouvem uma parte das suas solicitações.", "Assistente"),
        ("nl", "Medewerkers luisteren naar een deel van uw verzoeken.", "Assistent Vesper"),
    ],
)
def test_a_heading_that_names_voice_or_an_assistant_is_context(
    lang: str, text: str, heading: str
) -> None:
    assert judged(text, lang, headings=("Contact",)).topics == ()
    assert Topic.HUMAN_REVIEW in judged(text, lang, headings=(heading,)).topics


@pytest.mark.parametrize(
    ("text", "stance"),
    [
        ("Unless you leave the study, staff listen to your recordings.", Stance.OPT_OUT),
        ("Unless you choose to turn it off, staff listen to your recordings.", Stance.OPT_OUT),
        ("If you do not opt out, staff listen to your recordings.", Stance.OPT_OUT),
        ("Only if you join the study, staff listen to your recordings.", Stance.OPT_IN),
        ("Staff never listen to your recordings unless you turn it on.", Stance.OPT_IN),
    ],
)
def test_who_has_to_act_tells_opt_in_from_opt_out(text: str, stance: Stance) -> None:
    verdict = judged(text, scope=Scope.ASSISTANT)
    assert verdict.stance is stance
    assert Topic.CHOICE in verdict.topics


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "A short sound tells you that it is listening."),
        ("fr", "Un son bref vous indique qu’elle écoute."),
        ("es", "Un sonido breve le indica que ella escucha."),
        ("it", "Un suono breve indica che lei ascolta."),
        ("pt", "Um som breve indica que ela escuta."),
        ("nl", "Een kort geluid laat weten dat het luistert."),
    ],
)
def test_one_thing_that_listens_is_nobody(lang: str, text: str) -> None:
    verdict = DETECTOR.judge(text, lang, Scope.ASSISTANT, ("Marlovette",))
    assert Topic.HUMAN_REVIEW not in verdict.topics
