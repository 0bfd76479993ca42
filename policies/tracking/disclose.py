"""Which passages of a text say something: judged once, by content and context."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from policies.disclosures import LANGUAGES, Detector
from policies.model import BlockKind, Page, Passage, Verdict
from policies.store import writing

Verdicts = dict[int, tuple[str, Verdict]]  # position -> id and verdict; silent passages left out


def disclose(
    detector: Detector,
    page: Page,
    passages: Sequence[Passage],
    known_passages: Sequence[Passage] = (),
    known: Mapping[int, tuple[str, Verdict]] | None = None,
) -> Verdicts:
    """What the passages say, in their context.

    A passage that stands in the same context among `known_passages`, which the same detector
    judged with the result `known`, is not judged again.
    """
    if page.lang not in LANGUAGES:
        return {}
    judged: dict[str, tuple[str, Verdict] | None] = {}
    if known is not None:
        for position, (id_, _, _) in enumerate(_contexts(detector, page, known_passages)):
            judged[id_] = known.get(position)
    found: Verdicts = {}
    for position, (id_, headings, before) in enumerate(_contexts(detector, page, passages)):
        if id_ not in judged:
            text = passages[position].text
            verdict = detector.judge(text, page.lang, page.scope, headings, before)
            judged[id_] = (id_, verdict) if verdict.topics else None
        said = judged[id_]
        if said is not None:
            found[position] = said
    return found


def _contexts(
    detector: Detector, page: Page, passages: Sequence[Passage]
) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """(id of passage in context, its headings, the sentence before it) of each passage."""
    before = ""
    for passage in passages:
        headings = tuple(passages[position].text for position in passage.headings)
        id_ = writing.context_digest(
            detector.digest, page.scope.value, page.lang, passage.text, before, *headings
        )
        yield id_, headings, before
        # A heading begins something new: what stands before it is no context.
        before = "" if passage.kind is BlockKind.HEADING else passage.text
