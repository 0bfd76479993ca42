"""A passage in its context → topics, stance, matched words and slots."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from policies.disclosures import lexicon
from policies.disclosures.fold import fold, fold_cached, offsets
from policies.disclosures.grammar import Ref, Sequence_, Span, follow, window
from policies.disclosures.lexicon import Annotation, Construction, Lexicon
from policies.disclosures.slots import quote_slots
from policies.disclosures.stance import stance_of
from policies.errors import BadInput
from policies.model import Match, Scope, Topic, Verdict

# Raise it when the rules in these modules change what is found; the lexicon counts by itself.
RULES = "1"
NOTHING = Verdict(topics=(), stance=None)
_TOPICS = tuple(Topic)


@dataclass(frozen=True)
class Find:
    """A construction found, by words."""

    construction: Construction
    first: int
    last: int


@dataclass(frozen=True)
class Detector:
    """Tells what a passage says about people listening; holds no state, safe in threads."""

    lexicons: dict[str, Lexicon]
    digest: str

    @classmethod
    def load(cls) -> Detector:
        """The detector of the packaged lexicon; raises BadDeclaration where that is broken."""
        total = hashlib.sha256(f"{RULES}:{lexicon.digest()}".encode()).hexdigest()
        return cls(lexicon.load(), total)

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes of the languages that are read."""
        return frozenset(self.lexicons)

    def judge(
        self, text: str, lang: str, scope: Scope, headings: Sequence[str] = (), before: str = ""
    ) -> Verdict:
        """What the passage says, with its matches and slots.

        Raises BadInput for a language that is not read ("pt-BR" is read as "pt").
        """
        words = self.lexicons.get(lang.partition("-")[0].lower())
        if words is None:
            raise BadInput(f"passages in {lang!r} are not read: {', '.join(sorted(self.lexicons))}")
        folded = fold(text)
        if not _is_promising(words, folded, scope, headings, before):
            return NOTHING
        annotation = words.annotate(folded)
        finds = _find(words, annotation, scope, headings, before)
        if not finds:
            return NOTHING
        places = offsets(text, folded)
        topics = tuple(topic for topic in _TOPICS if any(f.construction.topic is topic for f in finds))
        return Verdict(
            topics=topics,
            stance=stance_of(annotation, finds) if Topic.HUMAN_REVIEW in topics else None,
            matches=tuple(
                Match(f.construction.topic, f.construction.id, places[f.first][0], places[f.last][1])
                for f in finds
            ),
            slots=quote_slots(text, places, annotation, topics),
        )


def _is_promising(
    words: Lexicon, folded: str, scope: Scope, headings: Sequence[str], before: str
) -> bool:
    """Whether the passage could say anything: most never reach the patterns."""
    acts = words.prefilter[Scope.ASSISTANT]
    if not _holds(folded, acts):
        return False
    if scope is Scope.ASSISTANT:
        return True
    speech = words.prefilter[Scope.GENERAL]
    return (
        _holds(folded, speech)
        or _holds(fold(before), speech)
        or any(_holds(fold_cached(heading), speech) for heading in headings)
    )


def _holds(folded: str, stems: Sequence[str]) -> bool:
    for stem in stems:
        if stem in folded:
            return True
    return False


def _find(
    words: Lexicon,
    annotation: Annotation,
    scope: Scope,
    headings: Sequence[str],
    before: str,
) -> list[Find]:
    present = annotation.present(words.bits)
    about_speech: bool | None = True if scope is Scope.ASSISTANT else None
    finds: list[Find] = []
    topics: set[Topic] = set()
    for rule in words.constructions[scope]:
        if present & rule.refuses:
            continue
        if rule.with_topics and topics.isdisjoint(rule.with_topics):
            continue
        span = _locate(rule, annotation, present)
        if span is None:
            continue
        if rule.about == "speech":
            if about_speech is None:
                about_speech = _names_speech(words, annotation, headings, before)
            if not about_speech:
                continue
        finds.append(Find(rule, *span))
        topics.add(rule.topic)
    return finds


def _names_speech(
    words: Lexicon, annotation: Annotation, headings: Sequence[str], before: str
) -> bool:
    """Whether the passage, its headings or the sentence before name voice or an assistant."""
    if annotation.has("voice", "assistant"):
        return True
    context = " . ".join([*headings, before])
    return words.annotate(fold(context)).has("voice", "assistant")


def _locate(rule: Construction, annotation: Annotation, present: int) -> Span | None:
    for sequence, needs in zip(rule.sequences, rule.needs, strict=True):
        if not _possible(needs, present):
            continue
        span = _place(rule, sequence, annotation)
        if span is not None:
            return span
    return None


def _possible(needs: Sequence[int], present: int) -> bool:
    """Whether each item's class was found somewhere."""
    for bits in needs:
        if not present & bits:
            return False
    return True


def _place(rule: Construction, sequence: Sequence_, annotation: Annotation) -> Span | None:
    """Where the sequence stands without one of the classes it must not stand with."""
    if rule.ordered:
        spans = _ordered(sequence, annotation)
    else:
        lists = [
            annotation.spans(*item.what.classes)
            for item in sequence
            if isinstance(item.what, Ref)
        ]
        spans = window(lists, annotation.limits, rule.within)
    for first, last in spans:
        if not _crosses(annotation, rule.unless_near, first, last):
            return first, last
    return None


def _ordered(sequence: Sequence_, annotation: Annotation) -> list[Span]:
    head = sequence[0].what
    if isinstance(head, Ref):
        begins = [first for first, _ in annotation.spans(*head.classes)]
    else:
        begins = [n for n, word in enumerate(annotation.found) if head.matches(word)]
    spans: list[Span] = []
    for begin in begins:
        end = follow(
            sequence, begin, annotation.found, annotation.limits[begin], annotation.starts
        )
        if end is not None:
            spans.append((begin, end))
    return spans


def _crosses(annotation: Annotation, names: Sequence[str], first: int, last: int) -> bool:
    return any(start <= last and end >= first for start, end in annotation.spans(*names))
