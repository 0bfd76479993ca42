"""One language's words and constructions, and how they annotate a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from policies.disclosures.fold import fold, sentence_ends, words
from policies.disclosures.grammar import Atom, Choice, Ref, Sequence_, Span, follow
from policies.model import Scope, Topic

ASSISTANT = "assistant"  # the class that declared names of assistants join
SPEECH = ("voice", ASSISTANT)  # classes that name what is said, and what it is said to
NUMBER = "number"  # figures are of this class in every language; a lexicon adds the words
_MEMO_LIMIT = 60_000  # distinct words remembered a language; a policy has some 3,000


@dataclass(frozen=True)
class Example:
    """A sentence of our own that a construction must, or must not, find."""

    text: str
    scope: Scope = Scope.ASSISTANT
    headings: tuple[str, ...] = ()
    before: str = ""


@dataclass(frozen=True)
class Construction:
    """A way of saying something about a topic."""

    id: str
    topic: Topic
    sequences: tuple[Sequence_, ...]  # alternatives
    ordered: bool  # items in this order with their gaps; else in any order within a window
    within: int  # words of the window
    scope: Scope | None  # None: in any document
    about: str  # "own", "speech" or "any": how near speech has to be; see reading.py
    unless: tuple[str, ...] = ()  # classes that must not stand in the passage
    unless_near: tuple[str, ...] = ()  # classes that must not stand in the find
    after: tuple[str, ...] = ()  # one of these classes has to stand in the sentence before
    with_topics: tuple[Topic, ...] = ()  # one of these has to be found already
    needs: tuple[tuple[int, ...], ...] = ()  # per sequence: bits of which each has to be met
    refuses: int = 0  # bits of `unless`

    def is_possible(self, present: int) -> bool:
        """Whether these classes hold one for every item of some sequence."""
        for needs in self.needs:
            for bits in needs:
                if not present & bits:
                    break
            else:
                return True
        return False


@dataclass(frozen=True)
class Mask:
    """Words that lose a class where they stand in a sequence: "listen to music"."""

    sequence: Sequence_
    drops: tuple[str, ...]
    unless: tuple[str, ...] = ()  # classes that keep it from working, from the sentence's begin on
    opens: bool = False  # only at the begin of a sentence, where a verb is an imperative


@dataclass
class Annotation:
    """The classes found in a folded text."""

    found: list[str]
    limits: list[int]  # for each word the place after its sentence's last
    starts: dict[str, dict[int, int]] = field(default_factory=dict)  # class -> first -> last word

    def has(self, *names: str) -> bool:
        """Whether any of these classes was found."""
        for name in names:
            if self.starts.get(name):
                return True
        return False

    def spans(self, *names: str) -> list[Span]:
        """Where these classes were found, in the order of the text."""
        return sorted(span for name in names for span in self.starts.get(name, {}).items())

    def present(self, bits: Mapping[str, int]) -> int:
        """The bits of the classes found."""
        return sum(bits[name] for name, spans in self.starts.items() if spans)

    def add(self, name: str, first: int, last: int) -> None:
        """Records a find; of two that begin together the longer stays."""
        spans = self.starts.setdefault(name, {})
        if spans.get(first, -1) < last:
            spans[first] = last


@dataclass(frozen=True)
class Phrase:
    """A sequence of words, and what is done where it stands."""

    errand: str | Mask  # the class that it gives, or the mask that it is
    sequence: Sequence_
    anchor: int | None  # the item whose words are rarest and lead here; None: it has only classes
    reach: int  # the most words from its first to its anchor
    others: tuple[frozenset[str], ...]  # besides the anchor: of each, one stands in every match
    classes: tuple[tuple[str, ...], ...]  # of each reference

    @classmethod
    def of(cls, errand: str | Mask, sequence: Sequence_) -> Phrase:
        """The phrase with its anchor chosen: short words stand in nearly every sentence."""
        choices = [n for n, item in enumerate(sequence) if isinstance(item.what, Choice)]
        anchor = max(choices, key=lambda n: _shortest(sequence[n].what), default=None)
        reach = sum(item.gap + 1 for item in sequence[1 : (anchor or 0) + 1])
        classes = tuple(item.what.classes for item in sequence if isinstance(item.what, Ref))
        return cls(errand, sequence, anchor, reach, _others(sequence, anchor), classes)


def _shortest(what: Choice | Ref) -> int:
    """The length of the shortest word that a choice allows."""
    if isinstance(what, Ref):
        return 0
    return min(len(text) for text in (*what.exact, *(atom.text for atom in what.open)))


def _others(sequence: Sequence_, anchor: int | None) -> tuple[frozenset[str], ...]:
    """The words of each item besides the anchor; rarest first, so that most are refused at once."""
    exact = {
        item.what.exact
        for place, item in enumerate(sequence)
        if place != anchor and isinstance(item.what, Choice) and not item.what.open
    }
    return tuple(sorted(exact, key=lambda texts: -min(map(len, texts))))


@dataclass(frozen=True)
class _Lead:
    """A phrase as its anchor's word leads to it."""

    number: int  # its place among the phrases
    others: tuple[frozenset[str], ...]
    needs: tuple[int, ...]  # bits for each of its references
    gives: int  # the bit of its class; 0: it is a mask

    def may_stand(self, vocabulary: set[str]) -> bool:
        """Whether every other item of it has a word there."""
        for texts in self.others:
            if texts.isdisjoint(vocabulary):
                return False
        return True


_Known = tuple[tuple[str, ...], int, tuple[_Lead, ...]]  # classes of a word, their bits, leads


@dataclass(eq=False)
class Lexicon:
    """One language's words and constructions, ready to annotate."""

    lang: str
    constructions: Mapping[Scope, tuple[Construction, ...]]
    bits: Mapping[str, int]  # class -> its bit
    numbers: Mapping[str, int]  # number words, folded
    units: Mapping[str, float]  # words for periods, folded -> days
    articles: frozenset[str]  # that mean one before a period: "a year"
    halves: frozenset[str]  # "half a year"
    match: Mapping[str, tuple[Example, ...]]
    miss: Mapping[str, tuple[Example, ...]]
    phrases: Sequence[Phrase]  # in file order
    speech: int = 0  # bits of the classes that name voice or an assistant
    _exact: dict[str, tuple[list[str], list[_Lead]]] = field(default_factory=dict)
    _open: list[tuple[Atom, str | None, _Lead | None]] = field(default_factory=list)
    _unanchored: list[_Lead] = field(default_factory=list)
    _memo: dict[str, _Known] = field(default_factory=dict)
    _promises: dict[tuple[Scope, bool, int], bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.speech = sum(self.bits.get(name, 0) for name in SPEECH)
        for number, phrase in enumerate(self.phrases):
            self._file(number, phrase)

    def _file(self, number: int, phrase: Phrase) -> None:
        """Files a phrase under the words of its anchor; single words are classes at once."""
        needs = tuple(sum(self.bits[name] for name in set(names)) for names in phrase.classes)
        gives = self.bits[phrase.errand] if isinstance(phrase.errand, str) else 0
        lead = _Lead(number, phrase.others, needs, gives)
        if phrase.anchor is None:
            self._unanchored.append(lead)
            return
        what = phrase.sequence[phrase.anchor].what
        assert isinstance(what, Choice)
        name: str | None = None
        if len(phrase.sequence) == 1 and isinstance(phrase.errand, str):
            name = phrase.errand
        for text in what.exact:
            classes, leads = self._exact.setdefault(text, ([], []))
            if name is None:
                leads.append(lead)
            else:
                classes.append(name)
        self._open += [(atom, name, None if name else lead) for atom in what.open]

    def promises(self, scope: Scope, reach: int, *, about_speech: bool) -> bool:
        """Whether any construction could be found where these classes can; False is certain.

        `about_speech`: whether the passage or what stands before it names voice or an assistant.
        """
        asked = scope, about_speech, reach
        known = self._promises.get(asked)
        if known is None:
            known = self._could_find(scope, reach, about_speech)
            if len(self._promises) < _MEMO_LIMIT:
                self._promises[asked] = known
        return known

    def _could_find(self, scope: Scope, reach: int, about_speech: bool) -> bool:
        return any(
            rule.is_possible(reach) and (about_speech or rule.about != "speech")
            for rule in self.constructions[scope]
            if not rule.with_topics  # such a one only follows another
        )

    def reach(self, found: Sequence[str]) -> int:
        """The bits of all classes that these words could hold, in whatever order they stood.

        None is left out: a class is found only where every item of one of its phrases has
        a word or a class.
        """
        bits = 0
        vocabulary = set(found)
        memo = self._memo
        leads = list(self._unanchored)
        for word in vocabulary:
            known = memo.get(word) or self._look_up(word)
            bits |= known[1]
            leads += known[2]
        built = []
        for lead in leads:
            if not lead.gives & ~bits or not lead.may_stand(vocabulary):
                continue
            if lead.needs:
                built.append(lead)
            else:
                bits |= lead.gives
        return _closed(bits, built) if built else bits

    def annotate(self, found: list[str]) -> Annotation:
        """The classes of a text's words, masks applied."""
        vocabulary = set(found)
        result = Annotation(found, sentence_ends(found))
        starts, memo = result.starts, self._memo
        candidates = [(lead.number, -1) for lead in self._unanchored]
        for place, word in enumerate(found):
            known = memo.get(word) or self._look_up(word)
            for name in known[0]:
                if name in starts:
                    starts[name][place] = place
                else:
                    starts[name] = {place: place}
            candidates += [(lead.number, place) for lead in known[2] if lead.may_stand(vocabulary)]
        candidates.sort()
        masks: list[tuple[Mask, int, int]] = []
        for number, place in candidates:
            self._apply(self.phrases[number], place, result, masks)
        working = [find for find in masks if _works(result, *find)]
        for mask, first, end in working:
            _drop(result, mask.drops, first, end)
        return result

    def _apply(
        self, phrase: Phrase, place: int, result: Annotation, masks: list[tuple[Mask, int, int]]
    ) -> None:
        """Adds the class of a phrase with its anchor at a place, or notes the mask that it is."""
        errand = phrase.errand
        if isinstance(errand, Mask) and not result.has(*errand.drops):
            return
        for names in phrase.classes:
            if not result.has(*names):
                return
        found, limits, starts = result.found, result.limits, result.starts
        for start in _beginnings(phrase, place, result):
            end = follow(phrase.sequence, start, found, limits[start], starts)
            if end is None:
                continue
            if isinstance(errand, Mask):
                masks.append((errand, start, end))
            else:
                result.add(errand, start, end)

    def _look_up(self, word: str) -> _Known:
        known = self._exact.get(word, ([], []))
        classes, leads = list(known[0]), list(known[1])
        if word.isdecimal():
            classes.append(NUMBER)
        for atom, name, lead in self._open:
            if not atom.matches(word):
                continue
            if name is not None:
                classes.append(name)
            if lead is not None:
                leads.append(lead)
        names = tuple(dict.fromkeys(classes))
        entry = (names, sum(self.bits[name] for name in names), tuple(dict.fromkeys(leads)))
        if len(self._memo) < _MEMO_LIMIT:
            self._memo[word] = entry
        return entry

    def annotate_words(self, text: str) -> Annotation:
        """The classes of a text as it is written."""
        return self.annotate(words(fold(text)))


def _closed(bits: int, leads: Sequence[_Lead]) -> int:
    """The bits with those of phrases whose references are met, and so on."""
    while True:
        before = bits
        for lead in leads:
            if all(bits & need for need in lead.needs):
                bits |= lead.gives
        if bits == before:
            return bits


def _beginnings(phrase: Phrase, place: int, result: Annotation) -> Iterable[int]:
    """Where a phrase could begin whose anchor stands at a place."""
    if phrase.anchor == 0:
        return (place,)
    head = phrase.sequence[0].what
    if isinstance(head, Ref):
        firsts = {first for name in head.classes for first in result.starts.get(name, ())}
        if phrase.anchor is None:
            return firsts
        return [first for first in firsts if first < place]
    reach = range(max(0, place - phrase.reach), place)
    return [start for start in reach if head.matches(result.found[start])]


def _works(result: Annotation, mask: Mask, first: int, last: int) -> bool:
    """Whether a mask that was found may take classes away there."""
    limits = result.limits
    if mask.opens and first and limits[first - 1] == limits[first]:
        return False
    return not any(
        start <= last and limits[start] == limits[first] for start, _ in result.spans(*mask.unless)
    )


def _drop(result: Annotation, names: Sequence[str], first: int, last: int) -> None:
    for name in names:
        spans = result.starts.get(name, {})
        for start in [start for start, end in spans.items() if start >= first and end <= last]:
            del spans[start]
