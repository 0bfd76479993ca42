"""`earwitness ledger`: what a vendor says on a topic, since when, and what it said before."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import click
import sqlalchemy as sa

from policies import knowledge, moments, summary
from policies.cli.asking import reading
from policies.cli.changes import in_color
from policies.errors import BadInput
from policies.knowledge import Known, Quote
from policies.ledger import Answer, PageAnswer, Period, Statement
from policies.locale import LANGUAGES, translations
from policies.model import Topic
from policies.rendering import visible

_SHOWN = 5  # quotes of a present answer; --over-time shows every one
_WIDTH = 100


class Day(click.ParamType[datetime]):
    """A date or time; a date means its end."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The instant meant, or a usage error."""
        try:
            if isinstance(value, datetime):
                return value
            return moments.until(value) - timedelta(microseconds=1)
        except BadInput as error:
            self.fail(str(error), param, ctx)


@click.command("ledger")
@click.argument("vendor", required=False)
@click.option(
    "--topic",
    type=click.Choice([*(topic.value for topic in Topic), "all"]),
    default=Topic.HUMAN_REVIEW.value,
    show_default=True,
    help="What about.",
)
@click.option(
    "--at", type=Day(), metavar="T", help="As of that date, by what is known of it today."
)
@click.option("--over-time", is_flag=True, help="Every answer since the first look, oldest first.")
@click.option(
    "--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Of our words."
)
@click.option("--json", "as_json", is_flag=True, help="JSON Lines: one answer a line, all of it.")
def ledger(
    vendor: str | None,
    topic: str,
    at: datetime | None,
    over_time: bool,
    lang: str,
    as_json: bool,
) -> None:
    """What vendors say, since when, and what they said before.

    VENDOR is an id; without one all are told of. Behind `+` stands what came at that date,
    behind `-` what went; each quote names the capture that showed it first, or last, by date and
    SHA-256. A `?` behind a date: it stood there at the first look, and may be older.

    \b
    For example:
      earwitness ledger microsoft --over-time
      earwitness ledger google --at 2022-01-01
      earwitness ledger amazon --topic all --lang fr
    """
    topics = list(Topic) if topic == "all" else [Topic(topic)]
    with reading() as connection:
        told = False
        for known in _vendors(connection, vendor, at):
            pages = {page.page.id: page.page for page in known.pages}
            for about in topics:
                answer = known.answers[about]
                quotes = knowledge.quotes(connection, knowledge.statements_of(answer), pages)
                shown = _Shown(known, answer, quotes, lang)
                if as_json:
                    click.echo(json.dumps(shown.as_json(), ensure_ascii=False))
                else:
                    click.echo("\n".join(shown.lines(over_time=over_time)) + "\n")
                told = True
    if not told and not as_json:
        click.echo("No vendor is known yet: `earwitness crawl` reads those declared.", err=True)


def _vendors(connection: sa.Connection, vendor: str | None, at: datetime | None) -> Iterator[Known]:
    if vendor is None and at is None:
        yield from knowledge.everybody(connection)
        return
    wanted = [vendor] if vendor else [k.vendor.id for k in knowledge.everybody(connection)]
    for vendor_id in wanted:
        known = knowledge.somebody(connection, vendor_id, at=at)
        if known is None:
            raise BadInput(
                f"no vendor has the id {vendor_id!r}: `earwitness catalog list` names them"
            )
        yield known


@dataclass(frozen=True)
class _Event:
    """A statement came to stand on a page, or went."""

    at: datetime
    came: bool
    seen: bool  # False: it stood there at the first look, or another history went on
    statement: Statement


class _Shown:
    """An answer as lines for a person, or as JSON values."""

    def __init__(
        self, known: Known, answer: Answer, quotes: Mapping[tuple[str, int], Quote], lang: str
    ) -> None:
        self.known, self.answer, self.quotes, self.lang = known, answer, quotes, lang
        self.messages = translations(lang)

    def lines(self, *, over_time: bool) -> Iterator[str]:
        """The answer for a person."""
        answer, known = self.answer, self.known
        name = f"{known.vendor.name}: {summary.topic(answer.topic, self.lang)}"
        yield click.style(name, bold=True) if in_color() else name
        sentences = summary.answer(answer, known.vendor.name, known.assistants, self.lang)
        told = " ".join((*sentences, summary.as_of(answer, self.lang)))
        yield from _wrapped(told, "  ")
        if over_time:
            yield from self._over_time()
        else:
            yield from self._now()
        yield from self._differences()
        yield from self._pages()

    def as_json(self) -> dict[str, Any]:
        """The answer for a program."""
        answer = self.answer
        return {
            "vendor_id": self.known.vendor.id,
            "topic": answer.topic.value,
            "standing": answer.standing.value,
            "stance": answer.stance and answer.stance.value,
            "also": [stance.value for stance in answer.also],
            "since": _iso(answer.since),
            "observed": answer.observed,
            "as_of": _iso(answer.as_of),
            "pages": [_page_json(page) for page in answer.by_page],
            "statements": [self._json(s) for s in answer.statements],
            "gone": [self._json(s) for s in answer.gone],
            "earlier": [self._period_json(period) for period in answer.earlier],
            "contradictions": [
                {
                    "gap": one.gap.value,
                    "more": _page_json(one.more),
                    "less": _page_json(one.less),
                }
                for one in answer.contradictions
            ],
        }

    # --- now -----------------------------------------------------------------------------

    def _now(self) -> Iterator[str]:
        answer = self.answer
        for statement in answer.statements[:_SHOWN]:
            yield from self._quoted(statement, "  ")
        more = len(answer.statements) - _SHOWN
        if more > 0:
            text = self.messages.ngettext(
                "(%(count)s more passage)", "(%(count)s more passages)", more
            )
            yield f"    {text % {'count': summary.number(more, self.lang)}}"
        if answer.gone:
            title = self.messages.gettext("Gone since, while it is still said:")
            yield f"  {title}"
            for statement in answer.gone:
                yield from self._quoted(statement, "- ")
        if answer.earlier:
            title = self.messages.gettext("Before:")
            yield f"  {title}"
            for period in answer.earlier:
                yield f"    {self._span(period)}  {summary.period(period, self.lang)}"

    def _quoted(self, statement: Statement, mark: str) -> Iterator[str]:
        yield from self._words(statement, mark)
        since, until = statement.since, statement.until
        if since is not None:
            sure = "" if statement.lives[-1].appeared else "?"
            end = until or statement.last_seen
            yield f"      {statement.page_id}, {since:%Y-%m-%d}{sure} – {end:%Y-%m-%d}"
        yield from self._proof(statement.as_first())

    def _words(self, statement: Statement, mark: str, date: str = "") -> Iterator[str]:
        quote = self.quotes[statement.place]
        stance = f"[{statement.stance.value}] " if statement.stance else ""
        times = f" ×{statement.times}" if statement.times > 1 else ""
        yield from _wrapped(f"{date}{stance}“{visible(quote.text)}”{times}", f"  {mark}")
        if quote.headings:
            path = " › ".join(visible(heading) for heading in quote.headings)
            yield from _wrapped(f"# {path}", "      ")

    def _proof(self, statement: Statement) -> Iterator[str]:
        captured = moments.iso(statement.captured_at)
        yield f"      {statement.origin} {captured} {statement.digest or '–'}"

    # --- over time -----------------------------------------------------------------------

    def _over_time(self) -> Iterator[str]:
        answer = self.answer
        told = [*reversed(answer.earlier)]
        if answer.since is not None:
            said = (*answer.statements, *answer.gone)
            present = answer.standing, answer.stance, answer.observed, said
            told.append(Period(answer.since, None, *present))
        for period in told:
            yield f"  {self._span(period)}  {summary.period(period, self.lang)}"
            for event in _events(period):
                yield from self._event(event)

    def _event(self, event: _Event) -> Iterator[str]:
        sure = "" if event.seen else "?"
        yield from self._words(
            event.statement, "+ " if event.came else "- ", f"{event.at:%Y-%m-%d}{sure} "
        )
        yield f"      {event.statement.page_id}"
        yield from self._proof(event.statement)

    def _span(self, period: Period) -> str:
        sure = "" if period.observed else "?"
        until = f"{period.until:%Y-%m-%d}" if period.until else "          "
        return f"{period.since:%Y-%m-%d}{sure:<1} – {until}"

    # --- differences and pages -------------------------------------------------------------

    def _differences(self) -> Iterator[str]:
        for one in self.answer.contradictions:
            yield from _wrapped(summary.contradiction(one, self.lang), "  ! ")

    def _pages(self) -> Iterator[str]:
        for page in self.answer.by_page:
            read = f"{page.as_of:%Y-%m-%d}" if page.as_of else "–"
            verdict = summary.verdict(page.standing, page.stance, self.lang)
            yield f"    {page.page_id:<48} {verdict:<28} {read}"

    # --- JSON ----------------------------------------------------------------------------

    def _json(self, statement: Statement) -> dict[str, Any]:
        first = statement.as_first()
        return {
            "page_id": statement.page_id,
            "origin": statement.origin,
            "text": self.quotes[statement.place].text,
            "headings": list(self.quotes[statement.place].headings),
            "stance": statement.stance and statement.stance.value,
            "slots": dict(statement.slots),
            "passage_id": statement.passage_id,
            "times": statement.times,
            "lives": [
                {
                    "since": _iso(life.since),
                    "until": _iso(life.until),
                    "appeared": life.appeared,
                    "vanished": life.until is not None and life.vanished,
                }
                for life in statement.lives
            ],
            "first": _place_json(first),
            "last": _place_json(statement),
            "last_seen": _iso(statement.last_seen),
        }

    def _period_json(self, period: Period) -> dict[str, Any]:
        return {
            "since": _iso(period.since),
            "until": _iso(period.until),
            "standing": period.standing.value,
            "stance": period.stance and period.stance.value,
            "observed": period.observed,
            "statements": [self._json(statement) for statement in period.statements],
        }


def _events(period: Period) -> Sequence[_Event]:
    """What came and went during a period, in order."""
    found: list[_Event] = []
    for statement in period.statements:
        for life in statement.lives:
            if period.since <= life.since and (period.until is None or life.since < period.until):
                found.append(_Event(life.since, True, life.appeared, statement.as_first()))
            if life.until is None or not life.vanished or life.until <= period.since:
                continue
            if period.until is None or life.until <= period.until:
                found.append(_Event(life.until, False, True, statement))
    return sorted(found, key=lambda event: (event.at, not event.came, event.statement.position))


def _page_json(page: PageAnswer) -> dict[str, Any]:
    return {
        "page_id": page.page_id,
        "language": page.lang,
        "standing": page.standing.value,
        "stance": page.stance and page.stance.value,
        "as_of": _iso(page.as_of),
    }


def _place_json(statement: Statement) -> dict[str, Any]:
    return {
        "version_id": statement.version_id,
        "position": statement.position,
        "start": statement.start,
        "end": statement.end,
        "captured_at": _iso(statement.captured_at),
        "text_digest": f"sha256:{statement.text_id}",
        "capture_digest": statement.digest,
    }


def _iso(at: datetime | None) -> str | None:
    return moments.iso(at) if at else None


def _wrapped(text: str, mark: str) -> Iterable[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=mark,
        subsequent_indent=" " * (len(mark) + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )
