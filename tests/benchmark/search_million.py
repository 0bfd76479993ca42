"""How long searches take in a store of a million passages, on both databases.

    python -m pytest -s -p no:cacheprovider tests/benchmark/search_million.py

EARWITNESS_PASSAGES sets another number. Not collected with the tests: filling takes minutes.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import accumulate, product
from statistics import median, quantiles
from typing import Any

import sqlalchemy as sa

from policies.finding import hits, tracing
from policies.passages import passage_id
from policies.store import codec, open_store, schema
from policies.store.queries import versions
from policies.store.search import filling
from policies.store.search.asking import Within

PASSAGES = int(os.environ.get("EARWITNESS_PASSAGES", "1000000"))
IN_A_TEXT = 250
PAGES = 100
WORDS = 50_000  # different ones
QUERIES = 100  # of each kind
START = datetime(2018, 1, 1, tzinfo=UTC)
SLOWEST = 1.0  # seconds, for 95 of 100 searches of any kind


def vocabulary() -> list[str]:
    """Invented words, the commonest first, as short as common words are."""
    syllables = [a + b for a, b in product("bdfgklmnprstvz", "aeiou")]
    once = [a + b for a, b in product(syllables, "nrst ")]
    words = (a + b + c.strip() for a, b, c in product(["", *syllables], syllables, once))
    return sorted((next(words) for _ in range(WORDS)), key=len)


def sentences(chance: random.Random) -> Iterator[str]:
    """Sentences whose words are as unevenly frequent as those of a language (Zipf)."""
    words = vocabulary()
    weights = list(accumulate(1 / rank for rank in range(1, WORDS + 1)))
    while True:
        some = chance.choices(words, cum_weights=weights, k=2000)
        while len(some) > 30:
            count = chance.randrange(8, 30)
            yield " ".join(some[:count])
            del some[:count]


def fill(connection: sa.Connection, spoken: Iterator[str]) -> None:
    """A store of that many passages, as crawls and imports leave it."""
    connection.execute(schema.vendors.insert(), [_vendor(n) for n in range(10)])
    connection.execute(schema.pages.insert(), [_page(n) for n in range(PAGES)])
    for number in range(PASSAGES // IN_A_TEXT):
        said = [next(spoken) for _ in range(IN_A_TEXT)]
        _text(connection, number, dict.fromkeys(said))
        if (number + 1) % (PASSAGES // IN_A_TEXT // 10) == 0:
            print(f"{(number + 1) * IN_A_TEXT} passages", flush=True)


def _vendor(number: int) -> dict[str, Any]:
    fields: dict[str, Any] = {name: [] for name in ("assistants", "sites", "controls")}
    return {"id": f"vendor{number}", "name": f"Vendor {number}", "declared": True, **fields}


def _page(number: int) -> dict[str, Any]:
    return {
        "id": f"page{number}",
        "vendor_id": f"vendor{number % 10}",
        "policy_id": f"page{number}",
        "kind": "privacy policy",
        "title": f"Page {number}",
        "scope": "general",
        "assistants": [],
        "lang": "en",
        "url": f"https://page{number}.example/",
        "reading": {},
        "declared": True,
    }


def _text(connection: sa.Connection, number: int, said: dict[str, None]) -> None:
    id_, page, at = f"{number:064x}", f"page{number % PAGES}", START + timedelta(hours=number)
    body = "\n".join(said)
    starts = [0, *accumulate(len(sentence) + 1 for sentence in said)]
    ids = {sentence: passage_id(sentence, "en") for sentence in said}
    t = schema
    connection.execute(
        t.texts.insert(),
        {
            "id": id_,
            "lang": "en",
            "body": codec.pack_text(body),
            "blocks": b"",
            "characters": len(body),
            "passages": len(said),
            "signature": id_,
        },
    )
    captured = {"page_id": page, "origin": "crawl", "captured_at": at, "text_id": id_}
    connection.execute(
        t.captures.insert(),
        {
            **captured,
            "id": f"c{number:015x}",
            "seen_until": at,
            "url": "",
            "final_url": "",
            "outcome": "changed",
            "reasons": [],
        },
    )
    connection.execute(
        t.versions.insert(),
        {
            **captured,
            "id": f"{number:016x}",
            "capture_id": f"c{number:015x}",
            "reading": "",
            "state": "confirmed",
            "last_seen": at + timedelta(days=100),
        },
    )
    connection.execute(
        t.passages.insert().prefix_with("OR IGNORE", dialect="sqlite"),
        [{"id": ids[sentence], "lang": "en", "text": sentence} for sentence in said],
    )
    rows = enumerate(zip(said, starts, strict=False))
    connection.execute(
        t.text_passages.insert(),
        [
            {
                "text_id": id_,
                "position": position,
                "passage_id": ids[sentence],
                "kind": "paragraph",
                "start": start,
                "end": start + len(sentence),
                "headings": [],
            }
            for position, (sentence, start) in rows
        ],
    )
    connection.execute(
        t.spells.insert(),
        [
            {"page_id": page, "origin": "crawl", "passage_id": one, "first_seen": at, "ended": None}
            for one in ids.values()
        ],
    )
    filling.keep_passages(connection, id_, at)


def kinds(chance: random.Random) -> dict[str, Callable[[sa.Connection], object]]:
    """What is asked, by kind; each call asks something else."""
    words = vocabulary()
    spoken = sentences(chance)

    def common() -> str:
        return chance.choice(words[:50])

    def rare() -> str:
        return chance.choice(words[1000:])

    def phrase() -> str:
        said = next(spoken).split()
        return f'"{" ".join(said[2:4])}"'

    def narrowed(connection: sa.Connection) -> object:
        within = Within(vendor_id=f"vendor{chance.randrange(10)}", since=START)
        return hits.passages(connection, chance.choice(words[:1000]), within)

    return {
        "a version by its id": lambda c: versions.version(c, f"{chance.randrange(1000):016x}"),
        "common word": lambda c: hits.passages(c, common()),
        "rare word": lambda c: hits.passages(c, rare()),
        "two common words": lambda c: hits.passages(c, f"{common()} {common()}"),
        "common and rare word": lambda c: hits.passages(c, f"{common()} {rare()}"),
        "phrase": lambda c: hits.passages(c, phrase()),
        "words that begin so": lambda c: hits.passages(c, f"{rare()[:4]}*"),
        "word of a vendor": narrowed,
        "sentence nobody said": lambda c: tracing.provenance_of(c, next(spoken), "en"),
    }


def measured(connection: sa.Connection, ask: Callable[[sa.Connection], object]) -> list[float]:
    """Seconds of each question."""
    took = []
    for _ in range(QUERIES):
        begin = time.perf_counter()
        ask(connection)
        took.append(time.perf_counter() - begin)
    return took


def test_searches_of_a_million_passages_are_quick(database_url: str) -> None:
    chance = random.Random(7)
    with closing(open_store(database_url)) as store:
        begin = time.perf_counter()
        spoken = sentences(chance)
        with store.engine.execution_options(writes=True).begin() as connection:
            fill(connection, spoken)
        name = store.engine.dialect.name
        print(f"\n{name}: {PASSAGES} passages kept in {time.perf_counter() - begin:.0f} s")
        with store.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql("ANALYZE")
        slow = {}
        with store.engine.connect() as connection:
            usual = 0.0
            for kind, ask in kinds(chance).items():
                took = measured(connection, ask)
                usual = usual or median(took)
                p95 = quantiles(took, n=20)[-1]
                slow[kind] = p95
                print(
                    f"  {kind:24} median {median(took) * 1000:7.1f} ms, p95 {p95 * 1000:7.1f} ms,"
                    f" {p95 / usual:6.0f} times a version by its id"
                )
        assert not {kind: p95 for kind, p95 in slow.items() if p95 > SLOWEST}
