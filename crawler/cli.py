"""`earwitness crawl` and `earwitness up`."""

from __future__ import annotations

import json
import logging
import shutil
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from policies.errors import BadInput
from policies.model import Reason
from policies.moments import iso, since
from policies.settings import Settings

if TYPE_CHECKING:
    # Scrapy and Twisted are imported when a command runs: `earwitness --help` stays quick.
    from crawler.rounds import Result, Round
    from policies.tracking import Due

ALL_READ, SOME_UNREAD = 0, 3


@click.command()
@click.option("--vendor", "vendors", multiple=True, metavar="V", help="Only pages of this vendor.")
@click.option("--page", "pages", multiple=True, metavar="P", help="Only this page, by its id.")
@click.option(
    "--catalog",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A folder of declarations to use instead of the packaged ones.",
)
@click.option("--at", metavar="TIME", help="When the captures are made: the clock of a replay.")
@click.option("--force", is_flag=True, help="Also pages that are not due yet.")
@click.option("--json", "as_json", is_flag=True, help="What came of each page, as JSON.")
def crawl(
    vendors: tuple[str, ...],
    pages: tuple[str, ...],
    folder: Path | None,
    at: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Fetch the pages that are due, and record what they say.

    Each page is asked for politely (robots.txt, one request at a time to a host), kept as evidence
    and judged. The table at the end tells what came of each. Interrupted once (Ctrl-C), the
    command lets the pages on their way arrive; interrupted twice, it ends at once. Neither loses
    anything.

    \b
    Exit status: 0 all pages were read, 2 bad usage or catalog, 3 some pages were not read.

    \b
    Examples:
      earwitness crawl --vendor amazon
      earwitness crawl --page apple.siri-privacy.en --force
    """
    from crawler import rounds, schedule

    moment = since(at) if at else None
    settings = Settings.from_env()
    if folder:
        settings = replace(settings, catalog=folder)
    catalog = rounds.declared(settings)
    wanted = rounds.chosen(catalog, vendors, pages)
    _log_to_stderr(logging.WARNING, "earwitness: %(message)s")
    with rounds.opened(settings, catalog) as tracker:
        due = tracker.due(wanted, moment or datetime.now(UTC), force)
        if not due:
            _nothing_due(tracker.next_due(wanted), len(wanted), as_json)
            return
        with _progress(len(due)) as tell:
            round_ = rounds.Round(tracker, due, moment, tell)
            runner = schedule.runner(settings)
            schedule.run(lambda: schedule.one_round(round_, runner))
    click.echo(_as_json(round_) if as_json else _as_table(round_))
    unread = [r for r in round_.results if not r.judgement.outcome.is_read]
    sys.exit(SOME_UNREAD if unread or round_.left else ALL_READ)


@click.command()
@click.option("--host", metavar="NAME", help="Where to listen (EARWITNESS_HOST, 127.0.0.1).")
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="0: a free one (EARWITNESS_PORT, 8737)."
)
@click.option("--no-crawl", is_flag=True, help="Only serve what is known.")
def up(host: str | None, port: int | None, no_crawl: bool) -> None:
    """Crawl now and then on a schedule, and serve what is known.

    Serves also when there is no network, or nothing was crawled yet. Between the rounds it sends
    what EARWITNESS_NOTIFY asks for, and has EARWITNESS_TIMESTAMPS stamp the log. Ctrl-C stops all.
    """
    from crawler import rounds, schedule

    settings = Settings.from_env()
    host = host or settings.host
    port = _free_port(host, settings.port if port is None else port)
    _log_to_stderr(logging.INFO, "%(asctime)s %(levelname)s %(message)s")
    command = [_earwitness(), "serve", "--host", host, "--port", str(port)]
    server = schedule.Server(command)
    if no_crawl:
        sys.exit(schedule.run(lambda: schedule.for_ever(server, None)))
    catalog = rounds.declared(settings)
    with rounds.opened(settings, catalog) as tracker:

        def begin(due: Sequence[Due]) -> Round:
            click.echo(f"crawling {_counted(len(due), 'page')} …", err=True)
            return rounds.Round(tracker, due, told=_Lines(len(due)))

        async def main() -> int:
            crawls = schedule.Rounds(tracker, catalog.pages, settings, begin)
            errands = schedule.Errands(_errands(settings), schedule.tick_of(settings))
            return await schedule.for_ever(server, crawls, errands)

        status = schedule.run(main)
    sys.exit(status)


# --- what is shown ---------------------------------------------------------------------


class _Stderr(logging.Handler):
    """Writes to what stderr is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(self.format(record), err=True)


def _log_to_stderr(level: int, form: str) -> None:
    """What happens to a page is shown in our words; libraries speak up for errors only."""
    logging.basicConfig(level=level, format=form, handlers=[_Stderr()])
    for name in ("scrapy", "twisted", "alembic", "apscheduler", "py.warnings"):
        logging.getLogger(name).setLevel(logging.ERROR)


class _Lines:
    """A line on stderr for each page."""

    def __init__(self, total: int):
        self._total = total
        self._done = 0

    def __call__(self, result: Result) -> None:
        self._done += 1
        width = len(str(self._total))
        count = f"[{self._done:{width}}/{self._total}]"
        outcome, why = result.judgement.outcome, _why(result)
        said = f": {why}" if why and not outcome.is_read else ""
        click.echo(f"{count} {result.page.id} {outcome}{said}", err=True)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Result], None]]:
    """A moving bar on a terminal, else a line for each page; both on stderr."""
    if not sys.stderr.isatty():
        yield _Lines(total)
        return
    with click.progressbar(
        length=total, label="crawling", file=sys.stderr, item_show_func=_name_of, show_pos=True
    ) as bar:
        bar.render_progress()
        yield lambda result: bar.update(1, result)


def _name_of(result: Result | None) -> str:
    return f"{result.page.id} {result.judgement.outcome}" if result else ""


def _nothing_due(next_at: datetime | None, pages: int, as_json: bool) -> None:
    if as_json:
        said: dict[str, Any] = {"pages": [], "left": [], "totals": {}, "published": []}
        said["next_due_at"] = iso(next_at) if next_at else None
        click.echo(json.dumps(said, indent=2))
        return
    when = f"; the next is due at {iso(next_at)}" if next_at else ""
    click.echo(f"Nothing is due: {_counted(pages, 'page')} looked at{when}. --force asks anyway.")


def _as_table(round_: Round) -> str:
    order = {due.page.id: place for place, due in enumerate(round_.due)}
    results = sorted(round_.results, key=lambda result: order[result.page.id])
    rows = [("PAGE", "OUTCOME", "WHY")]
    rows += [(r.page.id, str(r.judgement.outcome), _why(r)) for r in results]
    rows += [(page.id, "not asked", "the round was ended; it stays due") for page in round_.left]
    first, second = (max(len(row[n]) for row in rows) for n in (0, 1))
    lines = [f"{a:{first}}  {b:{second}}  {c}".rstrip() for a, b, c in rows]
    totals = ", ".join(f"{count} {outcome}" for outcome, count in _totals(round_).items())
    changes = _counted(len(_published(round_)), "change")
    lines += ["", f"{_counted(len(rows) - 1, 'page')}: {totals}; {changes} published"]
    return "\n".join(lines)


def _as_json(round_: Round) -> str:
    told = {
        "pages": [_result(result) for result in round_.results],
        "left": [page.id for page in round_.left],
        "totals": _totals(round_),
        "published": _published(round_),
    }
    return json.dumps(told, ensure_ascii=False, indent=2)


def _result(result: Result) -> dict[str, Any]:
    capture, judgement = result.capture, result.judgement
    return {
        "page": result.page.id,
        "outcome": judgement.outcome,
        "reasons": [_reason(reason) for reason in judgement.reasons],
        "warnings": [_reason(reason) for reason in judgement.warnings],
        "capture": judgement.capture_id,
        "captured_at": iso(capture.captured_at),
        "url": capture.url,
        "final_url": capture.final_url,
        "redirects": list(capture.redirects),
        "status": capture.status,
        "failure": capture.failure,
        "version": judgement.version_id,
        "published": list(judgement.published),
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {"rule": reason.rule, "says": reason.says, "numbers": dict(reason.numbers)}


def _why(result: Result) -> str:
    judgement = result.judgement
    return "; ".join(reason.says for reason in (*judgement.reasons, *judgement.warnings))


def _totals(round_: Round) -> dict[str, int]:
    counted = Counter(str(result.judgement.outcome) for result in round_.results)
    totals = dict(sorted(counted.items()))
    return {**totals, "not asked": len(round_.left)} if round_.left else totals


def _published(round_: Round) -> list[str]:
    return [change for result in round_.results for change in result.judgement.published]


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


# --- serving ---------------------------------------------------------------------------


def _free_port(host: str, port: int) -> int:
    """The port, or a free one for 0. Raises BadInput where another program has it."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.create_server((host, port), family=family) as server:
            found: int = server.getsockname()[1]
    except OSError as error:
        hint = "give another one with --port, or EARWITNESS_PORT=8738 make run"
        raise BadInput(f"cannot listen on {host}, port {port}: {error.strerror}; {hint}") from error
    return found


def _errands(settings: Settings) -> list[list[str]]:
    """What is done beside crawling, where the settings ask for it."""
    errands = []
    if settings.notify:
        errands.append([_earwitness(), "notify", "run", "--quiet"])
    if settings.timestamps:
        errands.append([_earwitness(), "stamp", "--due"])
    return errands


def _earwitness() -> str:
    """The program beside this Python, else the first on the PATH."""
    beside = Path(sys.executable).with_name("earwitness")
    return str(beside) if beside.exists() else shutil.which("earwitness") or sys.argv[0]
