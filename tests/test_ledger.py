"""The ledger: which answer speaks, since when, and what silence means."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from policies import ledger
from policies.disclosures import Detector
from policies.ledger import Answer, Gap, Life, Look, Place, Standing, Statement
from policies.model import BlockKind, Scope, Stance, Topic


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def look(page: str = "acme.help.en", **other) -> Look:
    given = {
        "origin": "crawl",
        "scope": Scope.ASSISTANT,
        "lang": "en",
        "first_read": day("2024-01-01"),
        "last_read": day("2024-12-01"),
        "judged": True,
        "speaks": True,
    }
    return Look(page_id=page, **{**given, **other})


def statement(stance: Stance | None = Stance.YES, page: str = "acme.help.en", **other) -> Statement:
    given = {
        "origin": "crawl",
        "passage_id": f"{page}-{stance}",
        "topics": (Topic.HUMAN_REVIEW,),
        "version_id": "v",
        "text_id": "t",
        "position": 3,
        "kind": BlockKind.PARAGRAPH,
        "start": 0,
        "end": 9,
        "headings": (),
        "captured_at": day("2024-01-01"),
        "last_seen": day("2024-12-01"),
        "digest": None,
        "current": True,
        "lives": (Life(day("2024-01-01"), None, appeared=False),),
    }
    return Statement(page_id=page, stance=stance, **{**given, **other})


def place(version: str, at: str) -> Place:
    return Place("ota:contrib", version, "t", 3, 0, 9, (), day(at), None)


def listening(looks: list[Look], statements: list[Statement]) -> Answer:
    return ledger.answer(Topic.HUMAN_REVIEW, looks, statements)


def test_silence_is_an_answer_only_where_somebody_looked():
    silent = listening([look(), look("acme.terms.en", last_read=day("2024-11-01"))], [])
    assert silent.standing is Standing.NOT_STATED
    assert (silent.pages_read, silent.pages_unread) == (2, 0)
    assert (silent.oldest, silent.as_of) == (day("2024-11-01"), day("2024-12-01"))

    blind = listening([look(first_read=None, last_read=None, judged=False)], [])
    assert blind.standing is Standing.NOT_READ
    assert (blind.pages_read, blind.pages_unread) == (0, 1)
    assert blind.as_of is None


def test_a_page_in_a_language_that_is_not_understood_is_not_silence():
    assert listening([look(lang="ja", judged=False)], []).standing is Standing.NOT_READ


def test_the_most_far_reaching_stance_of_several_pages_speaks():
    answer = listening(
        [look(), look("acme.terms.en")],
        [statement(Stance.OPT_IN), statement(Stance.YES, "acme.terms.en")],
    )
    assert answer.stance is Stance.YES
    assert answer.also == (Stance.OPT_IN,)
    assert [s.stance for s in answer.statements] == [Stance.YES, Stance.OPT_IN]


def test_a_way_out_on_the_same_page_makes_it_an_opt_out():
    answer = listening([look()], [statement(Stance.YES), statement(Stance.OPT_OUT)])
    assert answer.stance is Stance.OPT_OUT


def test_a_condition_on_the_same_page_qualifies_what_is_said_flatly():
    answer = listening([look()], [statement(Stance.YES), statement(Stance.OPT_IN)])
    assert answer.stance is Stance.OPT_IN
    assert answer.also == (Stance.YES,), "what is said flatly is not hidden"
    assert {s.stance for s in answer.statements} == {Stance.OPT_IN, Stance.YES}


def test_of_two_conditions_on_one_page_the_way_out_speaks():
    said = [statement(Stance.YES), statement(Stance.OPT_IN), statement(Stance.OPT_OUT)]
    assert listening([look()], said).stance is Stance.OPT_OUT


def test_a_sentence_that_waves_the_condition_aside_is_not_qualified():
    said = Detector.load().judge(
        "Even if you turn off saving, trained reviewers listen to some of your recordings.",
        "en",
        Scope.ASSISTANT,
    )
    regardless = statement(said.stance, slots=said.slots, passage_id="regardless")
    assert regardless.stance is Stance.YES
    answer = listening([look()], [statement(Stance.OPT_OUT), statement(Stance.YES), regardless])
    assert answer.stance is Stance.YES


def test_a_condition_on_another_page_qualifies_nothing():
    answer = listening(
        [look(), look("acme.terms.en")],
        [statement(Stance.YES), statement(Stance.OPT_IN, "acme.terms.en")],
    )
    assert answer.stance is Stance.YES


def test_one_quote_of_each_stance_comes_before_the_rest():
    said = [statement(Stance.OPT_IN, passage_id=f"in-{n}", position=n) for n in range(5)]
    answer = listening([look()], [*said, statement(Stance.YES, position=9)])
    assert [s.stance for s in answer.statements[:2]] == [Stance.OPT_IN, Stance.YES]
    assert len(answer.statements) == 6


def test_no_does_not_undo_what_another_sentence_leaves_open():
    answer = listening([look()], [statement(Stance.NO), statement(Stance.UNCLEAR)])
    assert answer.stance is Stance.UNCLEAR


def test_the_same_words_on_two_pages_are_quoted_once():
    general = look("acme.terms.en", scope=Scope.GENERAL)
    twin = replace(statement(page="acme.terms.en"), passage_id="same")
    answer = listening([general, look()], [twin, replace(statement(), passage_id="same")])
    assert [s.page_id for s in answer.statements] == ["acme.help.en"]


def test_a_heading_announces_and_does_not_say():
    assert listening([look()], [statement(kind=BlockKind.HEADING)]).standing is Standing.NOT_STATED


def test_what_stood_there_at_the_first_look_may_be_older():
    answer = listening([look()], [statement()])
    assert answer.since == day("2024-01-01")
    assert not answer.observed


def test_an_answer_begins_when_its_words_were_seen_to_come():
    came = statement(lives=(Life(day("2024-06-01")),))
    answer = listening([look()], [came])
    assert (answer.since, answer.observed) == (day("2024-06-01"), True)
    assert [(p.standing, p.since, p.until) for p in answer.earlier] == [
        (Standing.NOT_STATED, day("2024-01-01"), day("2024-06-01"))
    ]


def test_an_answer_that_one_page_was_seen_to_take_on_the_day_of_anothers_first_look_was_seen():
    morning, noon = datetime(2024, 6, 1, 8, tzinfo=UTC), datetime(2024, 6, 1, 12, tzinfo=UTC)
    answer = listening(
        [look(), look("acme.help.fr", lang="fr", first_read=morning)],
        [
            statement(page="acme.help.fr", lives=(Life(morning, appeared=False),)),
            statement(lives=(Life(noon),)),
        ],
    )
    assert (answer.since, answer.observed) == (morning, True)


def test_from_opt_in_to_opt_out_is_two_periods():
    before = statement(
        Stance.OPT_IN,
        current=False,
        lives=(Life(day("2024-01-01"), day("2024-06-01"), appeared=False),),
    )
    after = statement(Stance.OPT_OUT, lives=(Life(day("2024-06-01")),))
    answer = listening([look()], [before, after])
    assert (answer.stance, answer.since, answer.observed) == (
        Stance.OPT_OUT,
        day("2024-06-01"),
        True,
    )
    assert [(p.stance, p.since, p.until) for p in answer.earlier] == [
        (Stance.OPT_IN, day("2024-01-01"), day("2024-06-01"))
    ]


def test_taken_back_and_said_again_leaves_the_gap():
    gone = statement(
        lives=(
            Life(day("2024-01-01"), day("2024-03-01"), appeared=False),
            Life(day("2024-09-01")),
        )
    )
    answer = listening([look()], [gone])
    assert answer.since == day("2024-09-01")
    assert [p.standing for p in answer.earlier] == [Standing.NOT_STATED, Standing.STATED]


def test_an_imported_history_reaches_back_before_the_crawl():
    imported = look(
        origin="ota:contrib",
        speaks=False,
        first_read=day("2019-01-01"),
        last_read=day("2023-01-01"),
    )
    then = statement(
        origin="ota:contrib", current=False, lives=(Life(day("2020-05-01")),), version_id="old"
    )
    answer = listening([imported, look()], [then, statement()])
    assert (answer.since, answer.observed) == (day("2020-05-01"), True)
    assert [p.standing for p in answer.earlier] == [Standing.NOT_STATED]


def test_what_differs_only_between_two_origins_was_not_seen_to_change():
    imported = look(
        origin="ota:contrib",
        speaks=False,
        first_read=day("2019-01-01"),
        last_read=day("2023-01-01"),
    )
    then = statement(
        Stance.OPT_IN, origin="ota:contrib", current=False, lives=(Life(day("2020-05-01")),)
    )
    answer = listening([imported, look()], [then, statement(Stance.OPT_OUT)])
    assert (answer.stance, answer.since) == (Stance.OPT_OUT, day("2024-01-01"))
    assert not answer.observed


def test_the_crawl_speaks_from_its_first_look_on():
    imported = look(
        origin="ota:contrib",
        speaks=False,
        first_read=day("2019-01-01"),
        last_read=day("2024-08-01"),
    )
    later = statement(
        Stance.NO, origin="ota:contrib", current=False, lives=(Life(day("2024-06-01")),)
    )
    answer = listening([imported, look()], [later, statement()])
    assert [p.stance for p in answer.earlier] == [None]
    assert answer.stance is Stance.YES


def test_lives_end_where_the_words_lost_their_meaning():
    spells = [(day("2020-01-01"), day("2021-01-01")), (day("2022-01-01"), None)]
    found = ledger.lives(
        spells, (day("2020-01-01"), day("2022-01-01")), day("2023-01-01"), day("2020-01-01")
    )
    assert found == (
        Life(day("2020-01-01"), day("2021-01-01"), appeared=False),
        Life(day("2022-01-01"), day("2023-01-01"), appeared=True),
    )


def test_a_change_of_meaning_leaves_no_gap_between_two_stances():
    spells = [(day("2020-01-01"), None)]
    before = ledger.lives(spells, (day("2020-01-01"),) * 2, day("2022-01-01"), day("2020-01-01"))
    after = ledger.lives(spells, (day("2022-01-01"),) * 2, None, day("2020-01-01"))
    answer = listening(
        [look(first_read=day("2020-01-01"))],
        [
            statement(Stance.YES, current=False, lives=before, passage_id="same"),
            statement(Stance.OPT_OUT, lives=after, passage_id="same"),
        ],
    )
    assert [(p.stance, p.until) for p in answer.earlier] == [(Stance.YES, day("2022-01-01"))]
    assert answer.since == day("2022-01-01")


def test_words_that_only_a_new_way_of_reading_brought_were_not_seen_to_come():
    (life,) = ledger.lives(
        [(day("2022-01-01"), None)], (day("2022-01-01"),) * 2, None, day("2020-01-01"), reread=True
    )
    assert not life.appeared


# --- two origins of one page --------------------------------------------------------------


def imported(**other) -> Look:
    given = {
        "origin": "ota:contrib",
        "speaks": False,
        "first_read": day("2019-01-01"),
        "last_read": day("2024-08-01"),
    }
    return look(**{**given, **other})


def test_the_same_words_in_an_import_and_a_crawl_are_one_statement_since_the_import():
    then = statement(
        origin="ota:contrib",
        current=False,
        lives=(Life(day("2020-05-01")),),
        first=place("old", "2020-05-01"),
        passage_id="same",
    )
    now = statement(passage_id="same", first=place("new", "2024-01-01"))
    (one,) = listening([imported(), look()], [then, now]).statements
    assert one.lives == (Life(day("2020-05-01"), None, appeared=True),)
    assert one.version_id == "v", "it is quoted from where it stands now"
    assert one.as_first().version_id == "old", "and proven from where it stood first"


def test_words_that_an_import_saw_come_before_the_crawl_did_are_dated_by_the_import():
    then = statement(origin="ota:contrib", current=False, lives=(Life(day("2024-03-02")),))
    now = statement(lives=(Life(day("2024-03-20")),))
    answer = listening([imported(), look()], [then, now])
    assert (answer.since, answer.observed) == (day("2024-03-02"), True)


def test_words_that_an_import_saw_go_before_the_crawl_did_are_dated_by_the_import():
    went = (Life(day("2020-01-01"), day("2024-06-25")),)
    then = statement(origin="ota:contrib", current=False, lives=went, passage_id="gone")
    crawled = statement(
        current=False,
        lives=(Life(day("2024-01-01"), day("2024-06-27"), appeared=False),),
        last_seen=day("2024-06-06"),
        passage_id="gone",
    )
    stays = statement(passage_id="stays", lives=(Life(day("2021-01-01")),))
    answer = listening([imported(), look()], [then, crawled, stays])
    (gone,) = answer.gone
    assert (gone.since, gone.until) == (day("2020-01-01"), day("2024-06-25"))


def test_an_import_that_ended_long_before_dates_nothing_that_the_crawl_saw_come():
    then = statement(origin="ota:contrib", current=False, lives=(Life(day("2020-01-01")),))
    now = statement(lives=(Life(day("2024-06-01")),))
    answer = listening([imported(last_read=day("2023-01-01")), look()], [then, now])
    assert answer.since == day("2024-06-01")


# --- withdrawn here, still said there -------------------------------------------------------


def test_what_is_withdrawn_in_one_place_and_said_in_another_keeps_its_answer_and_says_so():
    stays = statement(passage_id="third", lives=(Life(day("2021-01-01")),))
    gone = statement(
        passage_id="first",
        current=False,
        times=2,
        lives=(Life(day("2021-06-01"), day("2024-06-25")),),
    )
    answer = listening([look(first_read=day("2020-01-01"))], [stays, gone])
    assert (answer.standing, answer.since) == (Standing.STATED, day("2021-01-01"))
    assert [(s.passage_id, s.until, s.times) for s in answer.gone] == [
        ("first", day("2024-06-25"), 2)
    ]


def test_what_went_before_the_present_answer_began_belongs_to_the_earlier_one():
    gone = statement(
        Stance.OPT_IN, current=False, lives=(Life(day("2024-01-01"), day("2024-06-01")),)
    )
    answer = listening([look()], [gone, statement(lives=(Life(day("2024-06-01")),))])
    assert answer.gone == ()
    assert [s.stance for s in answer.earlier[0].statements] == [Stance.OPT_IN]


def test_an_earlier_answer_keeps_its_quotes_and_where_they_stood_first():
    gone = statement(
        Stance.OPT_IN,
        current=False,
        first=place("first", "2024-01-01"),
        lives=(Life(day("2024-01-01"), day("2024-06-01")),),
    )
    (period,) = listening([look()], [gone]).earlier
    assert [s.as_first().version_id for s in period.statements] == ["first"]


# --- contradictions -----------------------------------------------------------------------


def test_the_english_page_says_more_than_the_french():
    answer = listening(
        [look("a.help.en", policy_id="a.help"), look("a.help.fr", policy_id="a.help", lang="fr")],
        [statement(page="a.help.en")],
    )
    (found,) = answer.contradictions
    assert found.gap is Gap.LANGUAGES
    assert (found.more.page_id, found.less.page_id) == ("a.help.en", "a.help.fr")
    assert found.less.standing is Standing.NOT_STATED


def test_a_page_that_was_not_read_contradicts_nobody():
    answer = listening(
        [
            look("a.help.en", policy_id="a.help"),
            look("a.help.fr", policy_id="a.help", lang="fr", first_read=None, last_read=None),
        ],
        [statement(page="a.help.en")],
    )
    assert answer.contradictions == ()
    assert [p.standing for p in answer.by_page] == [Standing.STATED, Standing.NOT_READ]


def test_two_policies_contradict_one_another_only_where_both_take_a_stance():
    looks = [look(f"a.{name}.en", policy_id=f"a.{name}") for name in ("help", "terms", "notice")]
    answer = listening(looks, [statement(page="a.help.en"), statement(Stance.OPT_IN, "a.terms.en")])
    (found,) = answer.contradictions
    assert found.gap is Gap.PAGES
    assert (found.more.stance, found.less.stance) == (Stance.YES, Stance.OPT_IN)


def test_pages_about_two_assistants_do_not_contradict_each_other():
    looks = [
        look("a.help.en", policy_id="a.help", assistants=("one",)),
        look("a.terms.en", policy_id="a.terms", assistants=("other",)),
    ]
    said = [statement(page="a.help.en"), statement(Stance.NO, "a.terms.en")]
    assert listening(looks, said).contradictions == ()


def test_the_same_edition_of_two_regions_is_told_apart_from_two_languages():
    looks = [look("a.help.en-us", policy_id="a.help"), look("a.help.en-gb", policy_id="a.help")]
    (found,) = listening(looks, [statement(page="a.help.en-gb")]).contradictions
    assert found.gap is Gap.EDITIONS


# --- as of a date ---------------------------------------------------------------------------


def test_an_answer_as_of_a_date_knows_nothing_of_later():
    before = statement(
        Stance.YES, current=False, lives=(Life(day("2024-02-01"), day("2024-06-01")),)
    )
    after = statement(Stance.OPT_IN, lives=(Life(day("2024-06-01")),))
    looks, said = ledger.as_of(
        day("2024-03-01"), [look()], [before, after], {("acme.help.en", "crawl"): day("2024-02-20")}
    )
    answer = listening(list(looks), list(said))
    assert (answer.stance, answer.since, answer.as_of) == (
        Stance.YES,
        day("2024-02-01"),
        day("2024-02-20"),
    )
    assert [p.standing for p in answer.earlier] == [Standing.NOT_STATED]


def test_before_the_first_look_nothing_was_read():
    looks, said = ledger.as_of(day("2023-01-01"), [look()], [statement()], {})
    answer = listening(list(looks), list(said))
    assert (answer.standing, answer.pages_unread) == (Standing.NOT_READ, 1)


def test_before_the_crawl_began_the_import_speaks():
    then = statement(
        Stance.OPT_IN, origin="ota:contrib", current=False, lives=(Life(day("2020-05-01")),)
    )
    track = ("acme.help.en", "ota:contrib")
    looks, said = ledger.as_of(
        day("2022-01-01"), [imported(), look()], [then, statement()], {track: day("2021-12-24")}
    )
    answer = listening(list(looks), list(said))
    assert (answer.stance, answer.pages_read, answer.as_of) == (
        Stance.OPT_IN,
        1,
        day("2021-12-24"),
    )


def test_what_is_said_exactly_is_kept_with_its_statement():
    said = statement(slots={"sample": "a few of them", "reviewers": "our staff"})
    answer = listening(
        [look()], [said, statement(passage_id="b", slots={"sample": "A few of them"})]
    )
    assert [(slot.name, slot.words) for slot in answer.slots] == [
        ("reviewers", "our staff"),
        ("sample", "a few of them"),
    ]


def test_every_topic_has_an_answer_in_order():
    assert [a.topic for a in ledger.answers([look()], [statement()])] == list(Topic)


def test_a_vendor_without_pages_was_not_read():
    answer = listening([], [])
    assert (answer.standing, answer.since, answer.earlier) == (Standing.NOT_READ, None, ())
