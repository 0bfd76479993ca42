"""Which passages of a text say something: judged once, by content and context."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from policies.catalog import load
from policies.disclosures import LANGUAGES, Detector
from policies.model import BlockKind, Catalog, Passage, Scope, Verdict
from policies.settings import Settings
from policies.store import writing


def open_detector(settings: Settings) -> Detector:
    """The detector that knows the catalog's assistants by name; raises BadDeclaration."""
    return Detector.load(assistant_names(load(settings.catalog)))


def assistant_names(catalog: Catalog) -> tuple[str, ...]:
    """The declared names of assistants, without those that are the vendor's own.

    Where vendor and assistant share a name, it stands everywhere and tells nothing.
    """
    return tuple(
        assistant.name
        for vendor in catalog.vendors
        for assistant in vendor.assistants
        if assistant.name.casefold() != vendor.name.casefold()
    )


def mark_of(detector: Detector, lang: str) -> str:
    """Under which name a text of a language is said to be judged; empty: not read."""
    return detector.digest if lang in LANGUAGES else ""


Verdicts = dict[int, tuple[str, Verdict]]  # position -> id and verdict; silent passages left out


def disclose(
    detector: Detector,
    lang: str,
    scope: Scope,
    passages: Sequence[Passage],
    known_passages: Sequence[Passage] = (),
    known: Mapping[int, tuple[str, Verdict]] | None = None,
) -> Verdicts:
    """What the passages say, in their context.

    A passage that stands in the same context among `known_passages`, which the same detector
    judged with the result `known`, is not judged again.
    """
    if lang not in LANGUAGES:
        return {}
    mark = f"{detector.digest} {scope} {lang}"
    judged: dict[str, tuple[str, Verdict] | None] = {}
    if known is not None:
        for position, (id_, _, _) in enumerate(_contexts(mark, known_passages)):
            judged[id_] = known.get(position)
    found: Verdicts = {}
    for position, (id_, headings, before) in enumerate(_contexts(mark, passages)):
        if id_ not in judged:
            text = passages[position].text
            verdict = detector.judge(text, lang, scope, headings, before)
            judged[id_] = (id_, verdict) if verdict.topics else None
        said = judged[id_]
        if said is not None:
            found[position] = said
    return found


def _contexts(mark: str, passages: Sequence[Passage]) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """(id of passage in context, its headings, the sentence before it) of each passage.

    `mark`: what else a verdict depends on.
    """
    before = ""
    for passage in passages:
        headings = tuple(passages[position].text for position in passage.headings)
        id_ = writing.context_digest(mark, passage.text, before, *headings)
        yield id_, headings, before
        # A heading begins something new: what stands before it is no context.
        before = "" if passage.kind is BlockKind.HEADING else passage.text
