"""One capture being judged: its page, its transaction, and what was remembered for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from policies import evidence
from policies.disclosures import Detector
from policies.errors import BadEvidence
from policies.model import Capture, Outcome, Page, Passage, Reason
from policies.store import writing
from policies.tracking.state import Held, Track


@dataclass(frozen=True)
class Judgement:
    """What a capture turned out to be, and what followed."""

    page_id: str
    capture_id: str
    outcome: Outcome
    reasons: tuple[Reason, ...]
    warnings: tuple[Reason, ...] = ()
    version_id: str | None = None  # of the text that was read
    published: tuple[str, ...] = ()  # ids of changes


@dataclass(frozen=True)
class Text:
    """A text that was read and kept."""

    id: str
    signature: str
    region: str | None
    method: str  # how it was read


class Memory:
    """What a process remembers between captures, by content, so that work is done once."""

    def __init__(self) -> None:
        self._reread: dict[tuple[str, str], tuple[Passage, ...] | None] = {}
        self._passages: dict[str, tuple[Passage, ...]] = {}

    def reread(
        self, capture_id: str, method: str, read: Callable[[], tuple[Passage, ...] | None]
    ) -> tuple[Passage, ...] | None:
        """A capture's passages, read by another method than at first."""
        return _remembered(self._reread, (capture_id, method), read)

    def passages(
        self, text_id: str, load: Callable[[], tuple[Passage, ...]]
    ) -> tuple[Passage, ...]:
        """A text's passages."""
        return _remembered(self._passages, text_id, load)


_MOST_REMEMBERED = 24  # texts; the largest has 2 MB in memory


K = TypeVar("K")
V = TypeVar("V")


def _remembered(memory: dict[K, V], key: K, make: Callable[[], V]) -> V:
    if key not in memory:
        while len(memory) >= _MOST_REMEMBERED:
            del memory[next(iter(memory))]
        memory[key] = make()
    return memory[key]


@dataclass
class Job:
    """The judging of one capture, inside its transaction. Only `track` changes on the way."""

    connection: sa.Connection
    detector: Detector
    folder: Path  # of the evidence
    memory: Memory
    page: Page
    capture: Capture
    capture_id: str
    written: evidence.Written | None
    track: Track
    digest: str | None = field(init=False)

    def __post_init__(self) -> None:
        """Digest the body; a 304 has none of its own."""
        has_body = self.written is not None and self.capture.status != 304
        self.digest = evidence.digest(self.capture.body) if has_body else None

    @property
    def at(self) -> datetime:
        """When the capture was made."""
        return self.capture.captured_at

    @property
    def seen_until(self) -> datetime:
        """Until when the same text was seen; for a crawl, when it was captured."""
        return self.capture.seen_until or self.capture.captured_at

    def passages(self, text_id: str) -> tuple[Passage, ...]:
        """The passages of a kept text."""
        return self.memory.passages(
            text_id, lambda: writing.load_passages(self.connection, text_id)
        )

    def current_passages(self) -> tuple[Passage, ...]:
        """The passages of the text believed now; none before the first."""
        current = self.track.current
        return self.passages(current.text_id) if current else ()

    def body(self, digest: str) -> Capture:
        """The kept capture that holds a body in full. Raises BadEvidence."""
        place = writing.body_place(self.connection, digest)
        if place is None:
            raise BadEvidence(f"no capture holds the body {digest}")
        return evidence.read_capture(self.folder, place)

    def held(self) -> list[Held]:
        """Every version that the track holds: current, pending, variants."""
        track = self.track
        first = [held for held in (track.current, track.pending) if held]
        return first + [variant.held for variant in track.variants]
