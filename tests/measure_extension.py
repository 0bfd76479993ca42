"""The extension's figures, in both real browsers: `python -m tests.measure_extension BUNDLE`.

BUNDLE is one as served at /v1/bundle.json. Says how large it is, raw and compressed, and what
200 vendors of its kind would be; how long the popup takes from its first byte to its words, and
the marking of a policy of 1 MB; and what the worker holds in memory.
"""

from __future__ import annotations

import argparse
import copy
import gzip
import json
import random
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import brotli

from policies.passages import key, passage_id
from tests import fixtures_browsers as b
from tests.recording_web import Given, RecordingWeb

MANY = 200
LOOKS = 15
POLICY = "https://www.longwinded.example/policy"
PAGE = "longwinded.policy.en"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path, help="a file, as served at /v1/bundle.json")
    document = json.loads(parser.parse_args().bundle.read_bytes())
    many = multiplied(document)
    sizes(f"{len(document['vendors'])} vendors", document)
    sizes(f"{MANY} vendors", many)
    for name in b.DRIVERS:
        with tempfile.TemporaryDirectory() as folder, RecordingWeb() as web:
            b.pack(Path(folder) / "x", name, data(with_policy(many)), api=None)
            web.hosts["www.longwinded.example"] = lambda _: Given(html())
            with b.running(name, Path(folder) / "x", web.address) as browser:
                measure(browser)


def data(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def sizes(what: str, document: dict[str, Any]) -> None:
    raw = data(document)
    packed = gzip.compress(raw), brotli.compress(raw, quality=5)
    print(f"{what}: {len(raw):,} bytes, gzip {len(packed[0]):,}, brotli {len(packed[1]):,}")


def multiplied(document: dict[str, Any]) -> dict[str, Any]:
    """As many vendors, each with words of its own: a copy would compress to nothing."""
    chance = random.Random(7)
    vendors = []
    for number in range(MANY):
        vendor = copy.deepcopy(document["vendors"][number % len(document["vendors"])])
        vendors.append({**shuffled(vendor, chance), "id": f"v{number}"})
        vendors[-1]["sites"] = [{"host": f"v{number}.example", "paths": [], "assistants": []}]
    return {**document, "vendors": vendors}


def shuffled(value: Any, chance: random.Random) -> Any:
    """The same texts with their words in another order, and other digests."""
    if isinstance(value, dict):
        return {name: shuffled(one, chance) for name, one in value.items()}
    if isinstance(value, list):
        return [shuffled(one, chance) for one in value]
    if not isinstance(value, str):
        return value
    if len(value) in (16, 64) and set(value) <= set("0123456789abcdef"):
        return f"{chance.getrandbits(4 * len(value)):0{len(value)}x}"
    words = value.split(" ")
    if len(words) < 5:
        return value
    chance.shuffle(words)
    return " ".join(words)


def sentences() -> Iterator[str]:
    """Sentences without end, never twice the same."""
    chance = random.Random(11)
    words = "we keep your voice requests staff may listen account device service data log".split()
    number = 0
    while True:
        number += 1
        yield f"Clause {number}: " + " ".join(chance.choices(words, k=18)) + "."


def html() -> str:
    """A policy of 1 MB."""
    told, parts, size = sentences(), [], 0
    while size < 1_000_000:
        parts.append("<p>" + " ".join(f"<span>{next(told)}</span>" for _ in range(4)) + "</p>")
        size += len(parts[-1])
    return "<!doctype html><meta charset=utf-8><main>" + "\n".join(parts) + "</main>"


def with_policy(document: dict[str, Any]) -> dict[str, Any]:
    """The bundle with a vendor whose policy says a hundred things."""
    told = [sentence for sentence, _ in zip(sentences(), range(7000), strict=False)][::70]
    passages = [
        {
            "id": passage_id(text, "en"),
            "topics": ["human_review"],
            "stance": "yes",
            "head": key(text)[:24],
            "length": len(key(text)),
        }
        for text in told
    ]
    vendor = copy.deepcopy(document["vendors"][0])
    page = {**vendor["pages"][0], "id": PAGE, "url": POLICY, "language": "en"}
    page |= {"remove": [], "passages": passages}
    vendor |= {"id": "longwinded", "pages": [page], "sites": [], "changes": []}
    return {**document, "vendors": [*document["vendors"], vendor]}


def measure(browser: Any) -> None:
    """Say what this browser takes."""
    tab = browser.visit("https://v3.example/")
    shown = []
    for _ in range(LOOKS):
        with b.popup(browser, tab) as popup:
            shown.append(
                popup.run('return view.performance.getEntriesByName("shown")[0].startTime')
            )
    print(f"{browser.name}: popup to its words {statistics.median(shown):.0f} ms (median)")
    browser.go(tab, POLICY)
    with b.popup(browser, tab) as popup:
        took = popup.run(f"""
            const marking = await import(api.runtime.getURL("state/marking.js"));
            const [tab] = await api.tabs.query({{ active: true, currentWindow: true }});
            const times = [];
            let found;
            for (let i = 0; i < 5; i++) {{
              const start = performance.now();
              found = await marking.mark(tab.id, "longwinded", {PAGE!r});
              times.push(performance.now() - start);
            }}
            return [times.sort((a, b) => a - b)[2], found.marks.length, found.missing];
        """)
    print(
        f"{browser.name}: marking 1 MB {took[0]:.0f} ms (median), "
        f"{took[1]} marked, {took[2]} missing"
    )
    print(f"{browser.name}: worker {browser.worker_memory() / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
