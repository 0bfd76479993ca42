"""Published changes and what a person said of them → a table, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml

from policies.store import open_store, schema

FILE = Path(__file__).resolve().parent / "noise.yaml"
_FEW = 5  # edits more or less are no reason to judge again …
_MUCH = 2.0  # … unless there are so many times more or fewer, too

Key = tuple[str, str]  # page, and when the change was first captured, to the minute


@dataclass(frozen=True)
class Judged:
    """What a person said of a change."""

    verdict: str  # "real", "mixed" or "noise"
    edits: int  # when it was judged
    contested: bool
    why: str


@dataclass(frozen=True)
class Table:
    """What was recorded and published, beside what was said of it."""

    recorded: Mapping[str, int]  # page -> captures
    published: Mapping[Key, int]  # -> edits
    judged: Mapping[Key, Judged]

    @property
    def unjudged(self) -> list[Key]:
        """Published changes that nobody judged."""
        return sorted(self.published.keys() - self.judged.keys())

    @property
    def noise(self) -> list[Key]:
        """Published changes that were judged to be noise."""
        return [key for key in self._judged_now() if self.judged[key].verdict == "noise"]

    @property
    def contested(self) -> list[Key]:
        """Published changes that another reader might call noise."""
        return [key for key in self._judged_now() if self.judged[key].contested]

    @property
    def share(self) -> float:
        """The part of what is published that is noise."""
        return len(self.noise) / (len(self.published) or 1)

    @property
    def lost(self) -> list[Key]:
        """Changes that were judged to be real and are not published."""
        real = (key for key, judged in self.judged.items() if judged.verdict != "noise")
        return sorted(key for key in real if key not in self.published)

    @property
    def grown_apart(self) -> list[Key]:
        """Published changes whose edits are so many more or fewer that a verdict may not hold."""
        return [key for key in self._judged_now() if self._differs(key)]

    def _judged_now(self) -> list[Key]:
        return sorted(self.published.keys() & self.judged.keys())

    def _differs(self, key: Key) -> bool:
        few, many = sorted((self.published[key], self.judged[key].edits))
        return many - few > _FEW and many > _MUCH * few

    def lines(self) -> Iterator[str]:
        """The table, a line a page."""
        published = Counter(page for page, _ in self.published)
        noise = Counter(page for page, _ in self.noise)
        yield f"{'page':36} recorded published noise  share"
        for page, recorded in sorted(self.recorded.items()):
            yield _row(page, recorded, published[page], noise[page])
        yield _row("all", sum(self.recorded.values()), len(self.published), len(self.noise))
        yield f"contested, were they noise, too: {len(self.contested)}"


def _row(name: str, recorded: int, published: int, noise: int) -> str:
    return f"{name:36} {recorded:8} {published:9} {noise:5} {noise / (published or 1):6.1%}"


def table(stores: Iterable[str], judged: Mapping[Key, Judged]) -> Table:
    """The table of the stores at these addresses."""
    recorded: Counter[str] = Counter()
    published: dict[Key, int] = {}
    c, k = schema.captures.c, schema.changes.c
    for address in stores:
        store = open_store(address, create=False)
        with store.engine.connect() as connection:
            recorded.update(connection.execute(sa.select(c.page_id)).scalars())
            edits = (k.added + k.removed + k.replaced).label("edits")
            for row in connection.execute(sa.select(k.page_id, k.captured_at, edits)):
                published[row.page_id, f"{row.captured_at:%Y-%m-%d %H:%M}"] = row.edits
        store.close()
    return Table(recorded, published, judged)


def judgements(section: str) -> dict[Key, Judged]:
    """What was said of the changes of a section: "imported" or "replayed"."""
    return {
        (page, str(line["at"])): Judged(
            line["verdict"], line["edits"], line.get("contested", False), line["why"]
        )
        for page, lines in read()[section].items()
        for line in lines
    }


def missed() -> list[Key]:
    """Real edits that are known not to be published."""
    return [(page, str(line["at"])) for page, lines in read()["missed"].items() for line in lines]


def read() -> dict[str, Any]:
    """What stands in noise.yaml."""
    content: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
    return content


def complaints(found: Table, section: str) -> list[str]:
    """What is wrong with the table of a section, one sentence each."""
    limits = read()
    wrong = [f"judged real, and not published: {page} {at}" for page, at in found.lost]
    wrong += [
        f"{found.published[key]} edits, {found.judged[key].edits} when judged: {' '.join(key)}"
        for key in found.grown_apart
    ]
    if found.share > limits["most_noise"][section]:
        wrong.append(f"{found.share:.1%} of what is published is noise: {_listed(found.noise)}")
    if len(found.unjudged) > limits["most_unjudged"]:
        wrong.append(
            f"{len(found.unjudged)} changes that nobody judged (see noise.yaml for how):"
            f" {_listed(found.unjudged)}"
        )
    return wrong


def _listed(keys: Iterable[Key]) -> str:
    return ", ".join(f"{page} {at}" for page, at in keys)
