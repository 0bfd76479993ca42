"""Ids that are the same wherever the same thing is kept, and keys by content."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime


def stable_id(*parts: str) -> str:
    """16 hex digits that are the same wherever the same parts are hashed."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def capture_id(page_id: str, origin: str, captured_at: datetime) -> str:
    """The id of a capture."""
    return stable_id("capture", page_id, origin, captured_at.astimezone(UTC).isoformat())


def version_id(page_id: str, origin: str, text_id: str, captured_at: datetime) -> str:
    """The id of a version."""
    return stable_id("version", page_id, origin, text_id, captured_at.astimezone(UTC).isoformat())


def change_id(page_id: str, origin: str, before_id: str, after_id: str) -> str:
    """The id of a change."""
    return stable_id("change", page_id, origin, before_id, after_id)


def text_digest(text: str, lang: str) -> str:
    """The id under which a text in a language is kept."""
    return hashlib.sha256(f"{lang}\n{text}".encode()).hexdigest()


def context_digest(*parts: str) -> str:
    """32 hex digits: a key for verdicts, by content."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
