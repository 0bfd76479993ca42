"""A passage in its context → topics, stance, matched words and slots."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from policies.disclosures import loading
from policies.disclosures.fold import fold, offsets, words
from policies.disclosures.grammar import Ref, Sequence_, Span, follow, window
from policies.disclosures.lexicon import SPEECH, Annotation, Construction, Example, Lexicon
from policies.disclosures.slots import Retention, quote_slots, read_retention
from policies.disclosures.stance import condition_of, refers_back, stance_of
from policies.errors import BadInput
from policies.model import Match, Scope, Stance, Topic, Verdict

# Raise it when the rules in these modules change what is found; the lexicon counts by itself.
RULES = "8"
NOTHING = Verdict(topics=(), stance=None)
_LEAD_END = re.compile(r"[:,…?]?\s*$")  # "We use your recordings to:", "Who hears what you say?"
_LEAD_REACH = 400  # characters: what leads in to a list is one sentence, and rarely a long one


class Find(NamedTuple):
    """A construction found, by words."""

    construction: Construction
    first: int
    last: int

    def match(self, places: Sequence[Span]) -> Match:
        """The find as offsets in the text."""
        return Match(
            topic=self.construction.topic,
            pattern=self.construction.id,
            start=places[self.first][0],
            end=places[self.last][1],
        )


@dataclass(frozen=True)
class Context:
    """What stands around a passage, looked at only where it matters."""

    lexicon: Lexicon
    scope: Scope
    headings: Sequence[str]
    before: str

    @property
    def names_speech(self) -> bool:
        """Whether the document, a heading or the sentence before is about voice or an assistant."""
        return self.scope is Scope.ASSISTANT or any(
            _names_speech(self.lexicon, text) for text in (*self.headings, self.before)
        )

    @property
    def preceding(self) -> Annotation:
        """The classes of the sentence before."""
        return _annotated(self.lexicon, self.before)

    def holds(self, names: Sequence[str]) -> bool:
        """Whether one of these classes stands in the sentence before or the nearest heading."""
        if self.preceding.has(*names):
            return True
        return bool(self.headings) and _annotated(self.lexicon, self.headings[-1]).has(*names)


@lru_cache(maxsize=64)
def _annotated(lexicon: Lexicon, text: str) -> Annotation:
    return lexicon.annotate_words(text)


@lru_cache(maxsize=2048)  # headings are shared by many passages
def _names_speech(lexicon: Lexicon, text: str) -> bool:
    found = words(fold(text))
    reach = lexicon.reach(found)
    if not reach.classes & lexicon.speech:
        return False
    return lexicon.annotate(found, reach, lexicon.speech_wanted).has(*SPEECH)


def _lead(text: str, before: str) -> list[str]:
    """The words of the sentence before where the passage goes on with it: an item of its list."""
    first = text.lstrip("-–—•· ")
    opened = len(first) < len(text) or (first[:1].isalpha() and first[:1].islower())
    if not opened or before.endswith((".", "!", ";")) or len(before) > _LEAD_REACH:
        return []
    return words(fold(_LEAD_END.sub("", before)))


def _promising(lexicon: Lexicon, reach: int, context: Context) -> tuple[Construction, ...]:
    """The constructions that the passage could hold: for most there is none, and they end here."""
    rules = lexicon.possible(context.scope, reach, about_speech=True)
    if not rules or reach & lexicon.speech or context.names_speech:
        return rules
    return lexicon.possible(context.scope, reach, about_speech=False)


@dataclass(frozen=True)
class Detector:
    """Tells what a passage says about people listening; holds no state, safe in threads."""

    lexicons: dict[str, Lexicon]
    digest: str

    @classmethod
    def load(cls, names: Iterable[str] = ()) -> Detector:
        """The detector of the packaged lexicon; raises BadDeclaration where that is broken.

        `names`: of assistants: in a general document, what stands under a heading with such a
        name, or names it itself, is about what is said to an assistant.
        """
        known = sorted(set(names))
        total = hashlib.sha256("\n".join([f"{RULES}:{loading.digest()}", *known]).encode())
        return cls(loading.load(names=known), total.hexdigest())

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes of the languages that are read."""
        return frozenset(self.lexicons)

    def retention(self, words: str, lang: str) -> Retention:
        """The words of a "retention" slot as a number of days; raises BadInput as `judge`."""
        return read_retention(words, self._lexicon(lang))

    def judge(
        self, text: str, lang: str, scope: Scope, headings: Sequence[str] = (), before: str = ""
    ) -> Verdict:
        """What the passage says, with its matches and slots.

        Raises BadInput for a language that is not read ("pt-BR" is read as "pt").
        """
        lexicon = self._lexicon(lang)
        folded = fold(text)
        lead = _lead(text, before) if before else []
        found = lead + words(folded)
        context = Context(lexicon, scope, headings, before)
        reach = lexicon.reach(found)
        rules = _promising(lexicon, reach.classes, context)
        if not rules:
            return NOTHING
        annotation = lexicon.annotate(found, reach, lexicon.wanted(rules))
        annotation.begin = len(lead)
        finds = _find(rules, lexicon, annotation, context)
        if not finds:
            return NOTHING
        # What stands in the lead is no part of the passage: it has no length there.
        places = [(0, 0)] * len(lead) + offsets(text, folded)
        said = {find.construction.topic for find in finds}
        topics = tuple(topic for topic in Topic if topic in said)
        return Verdict(
            topics=topics,
            stance=_stance(annotation, finds, context),
            matches=tuple(find.match(places) for find in finds),
            slots=quote_slots(text, places, annotation, topics, lexicon),
        )

    def _lexicon(self, lang: str) -> Lexicon:
        lexicon = self.lexicons.get(lang.partition("-")[0].lower())
        if lexicon is None:
            read = ", ".join(sorted(self.lexicons))
            raise BadInput(f"passages in {lang!r} are not read; only those in {read} are")
        return lexicon

    def check(self) -> tuple[str, ...]:
        """What is wrong with the lexicon's examples, a sentence each; empty where all hold."""
        return tuple(
            complaint
            for lexicon in self.lexicons.values()
            for complaint in self._complaints(lexicon)
        )

    def _complaints(self, lexicon: Lexicon) -> Iterator[str]:
        rules = {rule.id: rule for scope in Scope for rule in lexicon.constructions[scope]}
        for name in rules:
            for wanted, examples in ((True, lexicon.match), (False, lexicon.miss)):
                if not examples.get(name):
                    kind = "match" if wanted else "miss"
                    yield f"{lexicon.lang}: {name} has no example that must {kind}"
                for example in examples.get(name, ()):
                    if self._finds(lexicon.lang, name, example) is not wanted:
                        verb = "misses" if wanted else "finds"
                        yield f"{lexicon.lang}: {name} {verb} {example.text!r}"

    def _finds(self, lang: str, name: str, example: Example) -> bool:
        verdict = self.judge(example.text, lang, example.scope, example.headings, example.before)
        return any(match.pattern == name for match in verdict.matches)


def _stance(annotation: Annotation, finds: Sequence[Find], context: Context) -> Stance | None:
    review = [
        (find.first, find.last) for find in finds if find.construction.topic is Topic.HUMAN_REVIEW
    ]
    if not review:
        return None
    stance = stance_of(annotation, review)
    if stance in (Stance.YES, Stance.UNCLEAR) and refers_back(annotation):
        return condition_of(context.preceding) or stance
    return stance


def _find(
    rules: Sequence[Construction], lexicon: Lexicon, annotation: Annotation, context: Context
) -> list[Find]:
    present = annotation.present(lexicon.bits)
    if not present:
        return []
    about_speech: bool | None = None
    finds: list[Find] = []
    topics: set[Topic] = set()
    for rule in rules:
        if present & rule.refuses:
            continue
        if rule.with_topics and topics.isdisjoint(rule.with_topics):
            continue
        span = _locate(rule, annotation, present)
        if span is None:
            continue
        if rule.after and not context.holds(rule.after):
            continue
        if rule.about == "speech":
            if about_speech is None:
                about_speech = annotation.has(*SPEECH) or context.names_speech
            if not about_speech:
                continue
        finds.append(Find(rule, *span))
        topics.add(rule.topic)
    return finds


def _locate(rule: Construction, annotation: Annotation, present: int) -> Span | None:
    for sequence, needs in zip(rule.sequences, rule.needs, strict=True):
        for bits in needs:
            if not present & bits:
                break
        else:
            span = _place(rule, sequence, annotation)
            if span is not None:
                return span
    return None


def _place(rule: Construction, sequence: Sequence_, annotation: Annotation) -> Span | None:
    """Where the sequence stands without one of the classes it must not stand with."""
    if rule.ordered:
        spans = _ordered(sequence, annotation)
    else:
        lists = [
            annotation.spans(*item.what.classes) for item in sequence if isinstance(item.what, Ref)
        ]
        spans = window(lists, annotation.limits, rule.within)
    for first, last in spans:
        if last < annotation.begin or (first < annotation.begin and rule.topic is Topic.CHOICE):
            continue  # what the lead alone says; a choice that it names is its own
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
        end = follow(sequence, begin, annotation.found, annotation.limits[begin], annotation.starts)
        if end is not None:
            spans.append((begin, end))
    return spans


def _crosses(annotation: Annotation, names: Sequence[str], first: int, last: int) -> bool:
    return any(start <= last and end >= first for start, end in annotation.spans(*names))
