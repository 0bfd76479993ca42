"""The ledger: which answer speaks, since when, and what silence means."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from policies import ledger
from policies.ledger import Answer, Life, Look, Standing, Statement
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


def test_every_topic_has_an_answer_in_order():
    assert [a.topic for a in ledger.answers([look()], [statement()])] == list(Topic)


def test_a_vendor_without_pages_was_not_read():
    answer = listening([], [])
    assert (answer.standing, answer.since, answer.earlier) == (Standing.NOT_READ, None, ())
