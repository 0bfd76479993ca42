"""Programs of others that speak to the API: a generated client, and one of web archives."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from memento_client import MementoClient

from policies.settings import Settings
from tests.fixtures_api import serve

pytestmark = pytest.mark.slow

SPEECH = "quendrivox.speech-privacy.en"


@pytest.fixture(scope="module")
def address(sample_on_sqlite: Settings) -> Iterator[str]:
    """Where a real server of the sample store listens."""
    process = serve(sample_on_sqlite.data, "--port", "0", "--workers", "1")
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found is not None
        for _ in range(200):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{found[0]}/healthz"):
                break
            time.sleep(0.05)
        yield found[0]
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture(scope="module")
def client(
    address: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ModuleType, ModuleType]]:
    """(package, its functions) of a client that openapi-python-client made of the document."""
    folder = tmp_path_factory.mktemp("client")
    binaries = Path(sys.executable).parent
    done = subprocess.run(
        [
            binaries / "openapi-python-client",
            "generate",
            f"--url={address}/openapi.json",
            "--meta=none",
            f"--output-path={folder / 'earwitness_client'}",
        ],
        env={**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"},  # it formats with ruff
        capture_output=True,
        text=True,
        check=True,
    )
    assert "removal" not in done.stdout, "a shape was left out"
    assert "rror" not in done.stdout + done.stderr, done.stdout
    sys.path.insert(0, str(folder))
    try:
        package = importlib.import_module("earwitness_client")
        yield package, importlib.import_module("earwitness_client.api.v1")
    finally:
        sys.path.remove(str(folder))


def test_a_generated_client_reads_all_that_is_known(address, client):
    package, functions = client

    def ask(name: str, *path: str, **query: Any) -> Any:
        function = importlib.import_module(f"{functions.__name__}.{name}").sync
        return function(*path, client=connection, **query)

    models = importlib.import_module(f"{package.__name__}.models")
    with package.Client(base_url=address, raise_on_unexpected_status=True) as connection:
        json_ = models.GetMementosTimemapFormatType0("json")
        vendors = ask("get_v1_vendors")
        assert {vendor.id for vendor in vendors.items} >= {"quendrivox", "brellomar"}
        vendor = ask("get_v1_vendor", "quendrivox")
        assert vendor.answers[0].quotes[0].text
        page = ask("get_v1_page", SPEECH)
        version = ask("get_v1_version", page.version_id)
        assert version.text
        listed = ask("get_v1_change_list", page=SPEECH)
        change = ask("get_v1_change", listed.items[0].id)
        assert change.edits
        found = ask("get_finding_search", q="recordings", limit=3)
        assert len(found.items) == 3
        assert found.items[0].seen[0].first_seen <= found.items[0].seen[0].last_seen
        rest = ask("get_finding_search", q="recordings", cursor=found.next_)
        assert not {h.passage_id for h in found.items} & {h.passage_id for h in rest.items}
        went = {
            "in_": models.GetFindingSearchIn("changes"),
            "change": models.GetFindingSearchChange("removed"),
        }
        edits = ask("get_finding_search", q="join", **went)
        assert edits.items[0].old.text
        told = ask("get_finding_provenance", text=found.items[0].text)
        assert told.sentences[0].traces[0].passage.text == found.items[0].text
        differ = ask("get_diffs_diff", SPEECH, from_=listed.items[-1].before_id)
        assert differ.edits
        assert ask("get_mementos_timemap", SPEECH, format_=json_).mementos.list_
        assert ask("get_v1_health").counts.additional_properties["gone"] == 2
        refused = ask("get_v1_page", "nobody")
        assert refused.status == 404
        assert "no page has the id" in refused.detail


def test_an_archives_client_finds_the_page_of_a_day(address):
    url = _told(f"{address}/v1/pages/{SPEECH}")["url"]
    listed = _told(f"{address}/v1/pages/{SPEECH}/timemap?format=json")["mementos"]["list"]
    wanted = listed[1]
    at = datetime.fromisoformat(wanted["datetime"]).replace(tzinfo=None)
    with MementoClient(
        timegate_uri=f"{address}/v1/timegate?url=", check_native_timegate=False
    ) as archive:
        # The client would ask the vendor's own server first whether it keeps its past.
        archive.get_original_uri = lambda uri, **_: uri
        found = archive.get_memento_info(url, at)
    mementos = found["mementos"]
    assert mementos["closest"]["uri"] == [wanted["uri"]]
    assert mementos["closest"]["datetime"] == at
    assert mementos["closest"]["http_status_code"] == 200
    assert mementos["first"]["uri"] == [listed[-1]["uri"]]
    assert mementos["last"]["uri"] == [listed[0]["uri"]]
    assert found["original_uri"] == url


def _told(address: str) -> dict:
    with urllib.request.urlopen(address) as answer:
        found: dict = json.load(answer)
    return found
