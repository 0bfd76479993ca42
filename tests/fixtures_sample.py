"""A store in which the sample web was read edition by edition, through the real tracker."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from urllib.parse import urljoin

import pytest

from policies.catalog import load
from policies.model import Capture, Page
from policies.settings import Settings
from policies.store import open_store
from policies.store.schema import metadata
from policies.tracking import Tracker, open_tracker
from tests.fixtures_postgres import Postgres
from tests.sampleweb import SampleWeb, editions
from tests.sampleweb.site import HERE

LOOKS = (timedelta(hours=6), timedelta(hours=7), timedelta(days=20))  # after each edition


@pytest.fixture(scope="session")
def sample_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a store on SQLite that has read all editions of the sample web."""
    settings = Settings(data=tmp_path_factory.mktemp("sample"), catalog=HERE / "catalog")
    with contextlib.closing(open_tracker(settings)) as tracker:
        read_editions(tracker, settings.catalog)
    return settings


@pytest.fixture(scope="session")
def sample_on_postgresql(sample_on_sqlite: Settings, postgres: Postgres) -> Iterator[Settings]:
    """The same store, row by row, on PostgreSQL."""
    with postgres.database() as url:
        settings = replace(sample_on_sqlite, database=url)
        copy(sample_on_sqlite.database_url, url)
        yield settings


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def sample(request: pytest.FixtureRequest) -> Settings:
    """Settings of a store that has read the sample web; nobody writes to it."""
    settings: Settings = request.getfixturevalue(f"sample_on_{request.param}")
    return settings


def copy(here: str, there: str) -> None:
    """Copy all rows of a store into an empty one."""
    with (
        contextlib.closing(open_store(here)) as old,
        contextlib.closing(open_store(there)) as new,
        old.engine.connect() as source,
        new.engine.begin() as target,
    ):
        for table in metadata.sorted_tables:
            rows = [row._asdict() for row in source.execute(table.select())]
            if rows:
                target.execute(table.insert(), rows)


def read_editions(tracker: Tracker, folder: Path | None) -> None:
    """Look at every page a few times in each edition."""
    catalog = load(folder)
    tracker.register(catalog)
    with SampleWeb() as web:
        for edition in editions():
            for after in LOOKS:
                at = datetime.combine(edition, time(), UTC) + after
                web.move(at)
                for number, page in enumerate(catalog.pages):
                    tracker.observe(page, fetched(web, page, at + timedelta(seconds=number)))


def fetched(web: SampleWeb, page: Page, at: datetime) -> Capture:
    """What the sample web answers for a page, redirects followed."""
    passed: list[str] = []
    url = page.url
    answer, body = _asked(web, page, url)
    while answer.status // 100 == 3 and answer.headers["Location"] and len(passed) < 6:
        passed.append(url)
        url = urljoin(url, answer.headers["Location"])
        answer, body = _asked(web, page, url)
    return Capture(
        page_id=page.id,
        origin="crawl",
        captured_at=at,
        url=page.url,
        final_url=url,
        status=answer.status,
        headers=tuple((name.lower(), value) for name, value in answer.headers.items()),
        redirects=tuple(passed),
        body=body,
    )


def _asked(web: SampleWeb, page: Page, url: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=10)
    connection.request("GET", url, headers={"Accept-Language": page.accept_language})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body
