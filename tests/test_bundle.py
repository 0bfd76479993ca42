"""The bundle: what a companion needs of the catalog is in it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from api import bundle
from policies.catalog import load
from policies.settings import Settings
from policies.store import open_store
from policies.tracking import open_tracker


def test_a_page_carries_the_addresses_where_it_stood_before(tmp_path: Path) -> None:
    settings, catalog = Settings(data=tmp_path), load(None)
    with contextlib.closing(open_tracker(settings)) as tracker:
        tracker.register(catalog)
    opened = open_store(settings.database_url)
    with contextlib.closing(opened), opened.engine.connect() as connection:
        made = bundle.document(connection)
    told = {page["id"]: page["earlier"] for one in made["vendors"] for page in one["pages"]}
    assert told == {page.id: list(page.earlier_urls) for page in catalog.pages}
    assert any(told.values())
