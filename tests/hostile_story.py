"""`earwitness crawl` through weeks in which pages meet their faults, one after another.

Each fault has a host, and there two pages: one that was read well before the fault came, and one
whose very first capture meets it. An edit is published underneath meanwhile.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.hostile_faults import FAULTS, Fault
from tests.sampleweb import SampleWeb, certificate
from tests.sampleweb.demo import surroundings
from tests.sampleweb.site import Site, at_host, hostile

ROUNDS = ("first", "calm", "fault", "fault again", "over", "seen again")
CALM, EDITED = datetime(2024, 9, 2, 8, tzinfo=UTC), datetime(2024, 10, 21, 8, tzinfo=UTC)
WITNESS = "witness"  # a host without a fault: what else a round was to read
PROGRAM = str(Path(sys.executable).with_name("earwitness"))

_PAGE = """\
  {policy}:
    title: Hesperlaug lamps and your voice
    kind: notice
    assistants: lamp
    select: "main#policy"
    remove: [.feedback]
    pages:
      en: {url}
"""


def slug(name: str) -> str:
    """A fault's name as a part of ids and hosts."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


@dataclass(frozen=True)
class Ran:
    """A run of the program, and the most memory it had."""

    status: int
    out: str
    err: str
    peak: int  # bytes, resident
    seconds: float

    @property
    def pages(self) -> dict[str, Any]:
        """What `crawl --json` tells of each page."""
        return {row["page"]: row for row in json.loads(self.out)["pages"]}

    @property
    def lines(self) -> list[dict[str, Any]]:
        """JSON Lines."""
        return [json.loads(line) for line in self.out.splitlines()]


def run(environment: Mapping[str, str], *words: str) -> Ran:
    """Runs the program to its end, watching its memory."""
    began = time.monotonic()
    command = [PROGRAM, *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=dict(environment), text=True, **pipes) as process:  # type: ignore[call-overload]
        watch = _Watch(process.pid)
        out, err = process.communicate()
        peak = watch.end()
    return Ran(process.returncode, out, err, peak, time.monotonic() - began)


class _Watch:
    """Reads a process's high-water mark of memory until the process is gone.

    The mark only grows, so nothing is missed but what grows in the last instants.
    """

    _OFTEN = 0.02  # seconds

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> int:
        """The most bytes that the process had."""
        self._over.set()
        self._thread.join()
        return self._peak

    def _look(self) -> None:
        while not self._over.wait(self._OFTEN):
            with suppress(OSError):
                found = re.search(r"VmHWM:\s+(\d+) kB", self._status.read_text())
                if found:
                    self._peak = max(self._peak, 1024 * int(found[1]))


def page_of(fault: Fault, *, first: bool = False) -> str:
    """The id of a fault's page; `first`: of the one whose first capture meets the fault."""
    return f"hesperlaug.{slug(fault.name)}{'-first' if first else ''}.en"


@dataclass
class Story:
    """What happened to every page, round by round."""

    web: SampleWeb
    faults: Sequence[Fault]
    environment: dict[str, str]
    rounds: dict[str, Ran] = field(default_factory=dict)

    def crawl(self, name: str, at: datetime, faulty: Sequence[str], *pages: str) -> Ran:
        """One round over these pages, or all; `faulty`: hosts whose fault is on."""
        self.web.forget()
        self.web.move(at)
        for fault in self.faults:
            for host in hosts_of(fault):
                if fault.always or host in faulty:
                    self.web.fault(host, fault.kind, retry_after=fault.retry_after)
                    if fault.robots:
                        self.web.robots(host, fault.robots)
        wanted = [word for page in pages for word in ("--page", page)]
        ran = run(self.environment, "crawl", "--force", "--json", "--at", at.isoformat(), *wanted)
        self.rounds[name] = ran
        return ran

    def asked(self, *words: str) -> Ran:
        """A run of another command on the same store."""
        return run(self.environment, *words)


def hosts_of(fault: Fault) -> tuple[str, str]:
    """The hosts of a fault's two pages."""
    return f"{slug(fault.name)}.localhost", f"{slug(fault.name)}-first.localhost"


def prepare(web: SampleWeb, faults: Sequence[Fault], folder: Path) -> dict[str, str]:
    """The environment of a program that knows these faults' pages, and nothing else."""
    catalog = folder / "catalog"
    catalog.mkdir()
    policies = [_PAGE.format(policy=WITNESS, url=f"http://{WITNESS}.localhost/voice")]
    for fault in faults:
        for host in hosts_of(fault):
            url = f"http://{host}/voice"
            policies.append(_PAGE.format(policy=host.partition(".")[0], url=url))
            if fault.kind.startswith("https-"):
                web.certify(host, fault.kind.removeprefix("https-"))
    declared = "name: Hesperlaug\nassistants:\n  lamp: Lamp\npolicies:\n" + "".join(policies)
    (catalog / "hesperlaug.yaml").write_text(declared, encoding="utf-8")
    (folder / "ca.pem").write_bytes(certificate.authority())
    return surroundings(
        **web.environ,
        SSL_CERT_FILE=str(folder / "ca.pem"),
        EARWITNESS_DATA=str(folder / "data"),
        EARWITNESS_CATALOG=str(catalog),
        # A page that never comes is given up after this; the machine that serves may be slow.
        EARWITNESS_FETCH_TIMEOUT="4",
        # The story plays in the past; its pages are not to be called stale for that.
        EARWITNESS_INTERVAL="99999d",
    )


def web_of(faults: Sequence[Fault]) -> SampleWeb:
    """A web in which each fault has its hosts."""
    hosts = [f"{WITNESS}.localhost", *(host for fault in faults for host in hosts_of(fault))]
    sites: list[Site] = [at_host(hostile(), host) for host in hosts]
    return SampleWeb(at=CALM, sites=sites)


def tell(
    web: SampleWeb, faults: Sequence[Fault], folder: Path, look: Callable[[Story], None]
) -> Story:
    """Lives through it: calm, an edit behind the faults (then `look` is called), calm again.

    Rounds at an even and at an odd hour take turns, for pages that do so too.
    """
    story = Story(web, faults, prepare(web, faults, folder))
    read_before = [hosts_of(fault)[0] for fault in faults]
    met_first = [hosts_of(fault)[1] for fault in faults]
    day, hour = timedelta(days=1), timedelta(hours=1)
    story.crawl("first", CALM, met_first)
    story.crawl("calm", CALM + day + hour, ())
    story.crawl("fault", EDITED, read_before)
    story.crawl("fault again", EDITED + hour, read_before)
    look(story)
    story.crawl("over", EDITED + day, ())
    story.crawl("seen again", EDITED + day + hour, ())
    return story


def main() -> None:
    """Prints what came of each fault in each round, and the most memory that the crawl had."""
    names = sys.argv[1:]
    faults = [fault for fault in FAULTS if not names or fault.name in names]
    if not faults:
        sys.exit(f"no such fault; there are: {', '.join(fault.name for fault in FAULTS)}")
    health: dict[str, str] = {}

    def look(story: Story) -> None:
        lines = story.asked("health", "--json").lines
        health.update({row["page_id"]: row["health"] for row in lines})

    with tempfile.TemporaryDirectory() as folder, web_of(faults) as web:
        story = tell(web, faults, Path(folder), look)
        changes = Counter(row["page_id"] for row in story.asked("changes", "--json").lines)
    print(
        "| fault | outcome | rule | health | first capture | changes |\n|---|---|---|---|---|---|"
    )
    for fault in faults:
        page, first = page_of(fault), story.rounds["first"].pages[page_of(fault, first=True)]
        met = story.rounds["fault"].pages[page]
        told = (met["outcome"], met["reasons"][0]["rule"], health[page], first["outcome"])
        print(f"| {fault.name} | {' | '.join(told)} | {changes[page]} |")
    for name, ran in story.rounds.items():
        print(f"{name}: {ran.peak / 1e6:.0f} MB at the peak, {ran.seconds:.1f} s")


if __name__ == "__main__":
    main()
