"""Where a pasted sentence comes from: when it appeared, was reworded and went, and where."""

from __future__ import annotations

import time
from dataclasses import dataclass

import sqlalchemy as sa

from policies import passages, provenance
from policies.errors import BadInput
from policies.finding import hits
from policies.finding.hits import FoundEdit, FoundPassage
from policies.provenance import Likeness
from policies.store.queries import catalog
from policies.store.search import asking, trails
from policies.text import read_plain

# Passages that hold a word. Beyond that it tells few apart, and a sentence of nothing but such
# words is known by the very same words only.
_ENOUGH = 5_000
_CANDIDATES = 300  # passages that are compared with a sentence
_SECONDS = 10.0  # in which a sentence is still begun: each may take a few searches
_NEAR = 3  # passages that are shown where none is the same


@dataclass(frozen=True)
class Trace:
    """A known passage, how like the sentence it is, and what became of it."""

    similarity: float  # 1: the same words
    passage: FoundPassage
    events: tuple[FoundEdit, ...]
    """The edits that brought, reworded and took it or its other wordings, oldest first."""


@dataclass(frozen=True)
class Provenance:
    """A sentence of what was pasted, and the passages it may be."""

    text: str
    exact: bool  # whether a passage has the same words
    traces: tuple[Trace, ...]  # the most like first; empty: nothing like it was ever seen


def provenance_of(
    connection: sa.Connection, text: str, lang: str | None = None
) -> tuple[Provenance, ...]:
    """The provenance of each sentence of a text. Raises BadInput."""
    if len(text) > provenance.LONGEST:
        raise BadInput(
            f"at most {provenance.LONGEST} characters can be traced at once,"
            f" and this has {len(text)}"
        )
    asked = _sentences(text, lang)
    if not asked:
        raise BadInput("there is no word to trace: paste a sentence or a paragraph")
    if len(asked) > provenance.MOST_PASSAGES:
        raise BadInput(
            f"at most {provenance.MOST_PASSAGES} sentences can be traced at once, and this has"
            f" {len(asked)}"
        )
    langs = [lang] if lang else catalog.languages(connection)
    end = time.monotonic() + _SECONDS
    traced = []
    for sentence in asked:
        if time.monotonic() > end:
            raise BadInput("this takes too long to trace: paste fewer sentences at once")
        traced.append(_provenance(connection, sentence, langs))
    return tuple(traced)


def _sentences(text: str, lang: str | None) -> tuple[str, ...]:
    found = passages.split(read_plain(text), lang or "en")
    return tuple(dict.fromkeys(p.text for p in found if passages.wording(p.text)))


def _provenance(connection: sa.Connection, text: str, langs: list[str]) -> Provenance:
    same = {passages.passage_id(text, lang) for lang in langs}
    opened = hits.open_passages(connection, sorted(same))
    exact = bool(opened)
    likes = [Likeness(id_, 1.0) for id_ in sorted(opened)]
    if not exact:
        likes = list(_near(connection, text, langs))
        opened = hits.open_passages(connection, [like.passage_id for like in likes])
    return Provenance(
        text,
        exact,
        tuple(
            Trace(
                like.similarity,
                opened[like.passage_id],
                hits.open_edits(connection, trails.trail(connection, like.passage_id)),
            )
            for like in likes
            if like.passage_id in opened
        ),
    )


def _near(connection: sa.Connection, text: str, langs: list[str]) -> tuple[Likeness, ...]:
    holders = asking.holders(connection, provenance.wanted(text), _ENOUGH)
    rare = {word: numbers for word, numbers in holders.items() if len(numbers) < _ENOUGH}
    numbers = provenance.shortlist(rare, len(holders), _CANDIDATES)
    rows = asking.numbered(connection, numbers)
    return provenance.nearest(
        text, ((id_, said) for id_, lang, said in rows if lang in langs), _NEAR
    )
