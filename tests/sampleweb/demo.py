"""`make demo`: the sample web, crawled edition by edition, told as a story and then served."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Any

from tests.sampleweb.server import SampleWeb
from tests.sampleweb.site import HERE, editions, pages, sites

CATALOG = HERE / "catalog"
PORT = 8737
RECHECK = timedelta(hours=1)
RECHECKS = 3  # of an edition, at most: a page that shows two renderings in turn takes all
WIDTH = 96
READ = ("unchanged", "changed")  # outcomes of a page whose text was read


@dataclass(frozen=True)
class Told:
    """What came of one edition."""

    day: date
    results: Mapping[str, Mapping[str, Any]]  # the last result of each page, as `crawl --json`
    changes: tuple[Mapping[str, Any], ...]  # newly published, as `changes --json`


def main() -> None:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep the store here (new)")
    parser.add_argument("--once", action="store_true", help="tell the story, and end")
    parser.add_argument("--json", action="store_true", help="the story as JSON, an edition a line")
    parser.add_argument("--port", type=int, default=PORT, help=f"of the site ({PORT}; 0: any)")
    given = parser.parse_args()
    if given.data and given.data.exists() and not (given.data.is_dir() and _is_empty(given.data)):
        parser.error(f"--data {given.data}: a demo begins with a new or an empty folder")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with contextlib.ExitStack() as stack:
        data = given.data or stack.enter_context(tempfile.TemporaryDirectory(prefix="earwitness-"))
        (_tell_programs if given.json else _tell_people)(Path(data))
        if not given.once:
            if not given.json:
                print(_INVITATION.format(data=data, program=_program()), flush=True)
            _serve(Path(data), given.port)


_INVITATION = """
Ask it yourself while it stays up, in another terminal:
  EARWITNESS_DATA={data} {program} changes --topic human_review
Ctrl-C ends it, and a folder that it made goes with it; to keep one:
  python -m tests.sampleweb.demo --data DIR
"""


def _tell_people(data: Path) -> None:
    began = time.monotonic()
    vendors = ", ".join(site.name for site in sites())
    print(f"{len(pages())} pages of {vendors}: vendors that nobody has. Data in {data}\n")
    known: set[str] = set()
    for told in story(data):
        print(for_people(told, known), flush=True)
        known = set(_troubles(told))
    print(f"{len(editions())} editions in {time.monotonic() - began:.0f} seconds.")


def _tell_programs(data: Path) -> None:
    for told in story(data):
        print(json.dumps(asdict(told), default=str), flush=True)


def story(data: Path) -> Iterator[Told]:
    """Crawls every edition into a data folder, oldest first, and tells what came of it."""
    known: set[str] = set()
    with SampleWeb() as web, _environ(**web.environ, EARWITNESS_DATA=str(data)):
        for day in editions():
            results = _crawled(web, datetime.combine(day, clock_time(8), UTC))
            published = [json.loads(line) for line in _earwitness("changes", "--json").splitlines()]
            news = tuple(change for change in published if change["id"] not in known)
            known |= {change["id"] for change in news}
            yield Told(day, results, news)
        _earwitness("verify")


def _crawled(web: SampleWeb, at: datetime) -> Mapping[str, Mapping[str, Any]]:
    """Crawl, and again as long as a new text waits to be seen a second time."""
    results: dict[str, Mapping[str, Any]] = {}
    for _ in range(1 + RECHECKS):
        web.move(at)
        command = ("crawl", "--catalog", str(CATALOG), "--at", at.strftime("%Y-%m-%dT%H:%M:%SZ"))
        said = json.loads(_earwitness(*command, "--json"))
        if said["left"]:
            sys.exit("ended early")
        results |= {result["page"]: result for result in said["pages"]}
        if not any(_waits(result) for result in said["pages"]):
            break
        at += RECHECK
    return results


def _waits(result: Mapping[str, Any]) -> bool:
    return any(reason["rule"] == "seen-once" for reason in result["reasons"])


def _earwitness(*words: str) -> str:
    """What a verb prints. In this process: a new one for each verb would take two minutes."""
    from policies.cli import main as verbs

    out, err = io.StringIO(), io.StringIO()
    status: Any = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = verbs.main(words, prog_name="earwitness", standalone_mode=False)
        except SystemExit as ended:
            status = ended.code
    if status not in (0, 3, None):  # 3: some pages were not read, which belongs to the story
        sys.exit(f"earwitness {' '.join(words)} ended with {status}:\n{err.getvalue()}")
    return out.getvalue()


def surroundings(**more: str) -> dict[str, str]:
    """The environment without the operator's settings: a demo stays out of the real store."""
    return {k: v for k, v in os.environ.items() if not k.startswith("EARWITNESS_")} | more


@contextlib.contextmanager
def _environ(**more: str) -> Iterator[None]:
    before, ours = dict(os.environ), surroundings(**more)
    try:
        os.environ.clear()
        os.environ.update(ours)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


# --- the story -------------------------------------------------------------------------


def for_people(told: Told, known: Collection[str]) -> str:
    """The edition for a person; `known`: trouble that was told before."""
    lines = [f"── {told.day.day} {told.day:%B %Y} ".ljust(WIDTH, "─")]
    for change in told.changes:
        about = ", ".join(change["topics"]) or "no watched topic"
        lines.append(f"{change['page_id']}  [{about}]")
        lines += _words(change["edits"])
    lines += [trouble for trouble in _troubles(told) if trouble not in known]
    lines.append(_rest(told))
    return "\n".join(lines) + "\n"


def _words(edits: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for edit in edits:
        if edit["kind"] not in ("added", "removed", "replaced"):
            continue
        for mark, side in (("-", edit["old"]), ("+", edit["new"])):
            if side:
                yield textwrap.fill(
                    side["text"], WIDTH, initial_indent=f"  {mark} ", subsequent_indent="    "
                )


def _troubles(told: Told) -> Iterator[str]:
    """Pages that could not be read, or only in another way than declared."""
    for page, result in sorted(told.results.items()):
        if result["outcome"] not in READ:
            yield f"{page}  {result['outcome']}: {result['reasons'][0]['says']}"
        for warning in result["warnings"]:
            yield f"{page}  {warning['says']}"


def _rest(told: Told) -> str:
    read = sum(1 for result in told.results.values() if result["outcome"] in READ)
    if told.day == editions()[0]:
        return f"{read} pages were read for the first time: a beginning is not a change."
    changed = len({change["page_id"] for change in told.changes})
    return f"{read} of {len(told.results)} pages were read; {read - changed} said nothing new."


# --- the site --------------------------------------------------------------------------


def _serve(data: Path, port: int) -> None:
    """The site over the data, until Ctrl-C."""
    if port and not is_free(port):
        print(f"Port {port} is taken, so the site gets another one.")
        port = 0
    sys.stdout.flush()
    environ = surroundings(EARWITNESS_DATA=str(data))
    command = [_program(), "serve", "--port", str(port), "--at", present().date().isoformat()]
    server = subprocess.Popen(command, env=environ)
    try:
        sys.exit(server.wait())
    except KeyboardInterrupt:
        print()
    finally:
        server.terminate()
        server.wait()


def present() -> datetime:
    """The sample web's present time: a day after the last edition was looked at last."""
    return datetime.combine(editions()[-1] + timedelta(days=1), clock_time.min, UTC)


def _program() -> str:
    """The `earwitness` beside this Python, else the first on the PATH."""
    beside = Path(sys.executable).with_name("earwitness")
    return str(beside) if beside.exists() else "earwitness"


def is_free(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as one, contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", port))
        return True
    return False


if __name__ == "__main__":
    main()
