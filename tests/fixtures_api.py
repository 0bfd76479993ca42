"""The application on the sample web's store, what it answers, and a server of it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api import create_app
from policies.settings import Settings

SPEECH = "quendrivox.speech-privacy.en"  # a page of the sample web with a change of each kind


@contextlib.contextmanager
def served(where: Settings) -> Iterator[Flask]:
    """The application on the store of these settings."""
    app = create_app(where)
    yield app
    app.extensions["earwitness"].store.close()


@pytest.fixture(scope="module")
def app(sample: Settings) -> Iterator[Flask]:
    """The application on the sample web's store, on either database."""
    with served(sample) as application:
        yield application


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Asks it."""
    return app.test_client()


def told(client: FlaskClient, path: str, **query: str) -> dict[str, Any]:
    """The JSON of an answer."""
    if query:
        path += ("&" if "?" in path else "?") + urlencode(query)
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.get_json()
    return body


def refused(answer: Any, status: int) -> dict[str, Any]:
    """The problem that an answer tells."""
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    body: dict[str, Any] = answer.get_json()
    assert set(body) == {"type", "title", "status", "detail", "instance", "errors"}
    assert body["status"] == status
    assert body["detail"]
    return body


def serve(where: Path, *words: str) -> subprocess.Popen[str]:
    """`earwitness serve` on a folder, with these options."""
    code = "from api.cli import serve; serve()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin:/bin", "EARWITNESS_DATA": str(where)},
        cwd=Path(__file__).parents[1],
    )
