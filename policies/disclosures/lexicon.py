"""One language's words and constructions, and how they annotate a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import NamedTuple

from policies.disclosures.fold import fold, sentence_ends, words
from policies.disclosures.grammar import Atom, Choice, Ref, Sequence_, Span, follow
from policies.model import Scope, Topic

ASSISTANT = "assistant"  # the class that declared names of assistants join
SPEECH = ("voice", ASSISTANT)  # classes that name what is said, and what it is said to
NUMBER = "number"  # figures are of this class in every language; a lexicon adds the words
EVERYTHING = -1  # as bits: all classes there are
_LETTERS = 3  # of a word, by which the atoms are looked up that could match it
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
    wants: int = 0  # bits of the classes that have to be looked for where it could be found

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
    begin: int = 0  # the passage's own first word: those before it lead in to it
    _spans: dict[tuple[str, ...], list[Span]] = field(default_factory=dict)  # once it is complete

    def has(self, *names: str) -> bool:
        """Whether any of these classes was found."""
        for name in names:
            if self.starts.get(name):
                return True
        return False

    def spans(self, *names: str) -> list[Span]:
        """Where these classes were found, in the order of the text."""
        spans = self._spans.get(names)
        if spans is None:
            starts = self.starts
            spans = sorted(
                [span for name in names if name in starts for span in starts[name].items()]
            )
            self._spans[names] = spans
        return spans

    def complete(self) -> Annotation:
        """The same, when nothing is added or dropped any more."""
        self._spans.clear()
        return self

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


class _Lead(NamedTuple):
    """A phrase as its anchor's word leads to it."""

    number: int  # its place among the phrases
    others: int  # bits of the choices of words that it needs besides the anchor
    needs: tuple[int, ...]  # bits of classes: for each of its references, and of what a mask drops
    gives: int  # the bit of its class; 0: it is a mask
    errand: int  # the bits of its class, or of those that the mask drops


class Reach(NamedTuple):
    """What words could hold, in whatever order they stood."""

    classes: int  # bits of all classes that could be found, and maybe more
    choices: int  # bits of the choices of which a word is there


class _Living:
    """Which phrases are wanted and could stand among words of that reach."""

    def __init__(self, reach: Reach, wanted: int) -> None:
        self._classes = reach.classes
        self._absent = ~reach.choices
        self._wanted = wanted
        self._numbers: dict[int, list[int]] = {}  # by the identity of their leads

    def of(self, leads: Sequence[_Lead]) -> list[int]:
        """The numbers of those that live; a word that comes again is asked for once."""
        numbers = self._numbers.get(id(leads))
        if numbers is not None:
            return numbers
        classes, absent, wanted = self._classes, self._absent, self._wanted
        self._numbers[id(leads)] = numbers = []
        for number, others, needs, _, errand in leads:
            if others & absent or not errand & wanted:
                continue
            for need in needs:
                if not classes & need:
                    break
            else:
                numbers.append(number)
        return numbers


class _Known(NamedTuple):
    """What is known of a word once it was looked up."""

    names: tuple[str, ...]  # the classes that it is one of by itself
    bits: int  # theirs
    gives: tuple[_Lead, ...]  # the phrases with a class that it is the anchor of
    leads: tuple[_Lead, ...]  # these and the masks
    member: int  # bits of the choices that it is one of


_NOTHING = _Known((), 0, (), (), 0)  # what most words mean
_Rules = tuple[Construction, ...]
_Filed = tuple[str | None, _Lead | None]  # the class that an atom gives, or the phrase it leads to


class _OpenAtoms:
    """Atoms that more than one word can match, by the letters that they begin or end with."""

    def __init__(self) -> None:
        self._by_begin: dict[str, list[tuple[Atom, int, _Filed]]] = {}
        self._by_end: dict[str, list[tuple[Atom, int, _Filed]]] = {}
        self._inside: list[tuple[Atom, int, _Filed]] = []
        self._count = 0

    def add(self, atom: Atom, filed: _Filed) -> None:
        """Files an atom; those that match a word come out in the order in which they went in."""
        entry = (atom, self._count, filed)
        self._count += 1
        if atom.open_left and atom.open_right:
            self._inside.append(entry)
        elif atom.open_left:
            self._by_end.setdefault(atom.text[-_LETTERS:], []).append(entry)
        else:
            self._by_begin.setdefault(atom.text[:_LETTERS], []).append(entry)

    def matching(self, word: str) -> list[_Filed]:
        """What is filed under the atoms that match a word."""
        entries = list(self._inside)
        for length in range(1, _LETTERS + 1):
            entries += self._by_begin.get(word[:length], ())
            entries += self._by_end.get(word[-length:], ())
        found = {number: filed for atom, number, filed in entries if atom.matches(word)}
        return [found[number] for number in sorted(found)]


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
    closed: Mapping[str, int] = field(default_factory=dict)  # see `closures`
    speech: int = 0  # bits of the classes that name voice or an assistant
    speech_wanted: int = 0  # and of all that tell whether these are found
    _exact: dict[str, tuple[list[str], list[_Lead]]] = field(default_factory=dict)
    _open: _OpenAtoms = field(default_factory=_OpenAtoms)
    _unanchored: list[_Lead] = field(default_factory=list)
    _choices: dict[frozenset[str], int] = field(default_factory=dict)
    _member: dict[str, int] = field(default_factory=dict)  # word -> bits of its choices
    _memo: dict[str, _Known] = field(default_factory=dict)
    _possible: dict[tuple[Scope, bool, int], _Rules] = field(default_factory=dict)
    _asked: int = 0  # bits of the classes that constructions are made of

    def __post_init__(self) -> None:
        for rules in self.constructions.values():
            for rule in rules:
                for needs in rule.needs:
                    self._asked |= reduce(or_, needs, 0)
        for name in SPEECH:
            self.speech |= self.bits.get(name, 0)
            self.speech_wanted |= self.closed.get(name, 0)
        for number, phrase in enumerate(self.phrases):
            self._file(number, phrase)
        for texts, bit in self._choices.items():
            for text in texts:
                self._member[text] = self._member.get(text, 0) | bit

    def _file(self, number: int, phrase: Phrase) -> None:
        """Files a phrase under the words of its anchor; single words are classes at once."""
        references = list(phrase.classes)
        gives = 0
        if isinstance(phrase.errand, Mask):
            references.append(phrase.errand.drops)
        else:
            gives = self.bits[phrase.errand]
        needs = tuple(sum(self.bits[name] for name in set(names)) for names in references)
        others = 0
        for texts in phrase.others:
            others |= self._choices.setdefault(texts, 1 << len(self._choices))
        errand = gives or needs[-1]  # a mask needs one of those that it drops, named last
        lead = _Lead(number, others, needs, gives, errand)
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
        for atom in what.open:
            self._open.add(atom, (name, None if name else lead))

    def possible(self, scope: Scope, reach: int, *, about_speech: bool) -> _Rules:
        """The constructions that could be found where these classes can; no other could.

        `about_speech`: whether the passage or what stands before it names voice or an assistant.
        """
        asked = scope, about_speech, reach & self._asked
        known = self._possible.get(asked)
        if known is None:
            known = self._could_find(scope, reach, about_speech)
            if len(self._possible) < _MEMO_LIMIT:
                self._possible[asked] = known
        return known

    def _could_find(self, scope: Scope, reach: int, about_speech: bool) -> _Rules:
        rules: list[Construction] = []
        topics: set[Topic] = set()
        for rule in self.constructions[scope]:
            follows = rule.with_topics and topics.isdisjoint(rule.with_topics)
            if follows or not rule.is_possible(reach):
                continue
            if about_speech or rule.about != "speech":
                rules.append(rule)
                topics.add(rule.topic)
        return tuple(rules)

    def reach(self, found: Sequence[str]) -> Reach:
        """What these words could hold, in whatever order they stood.

        None is left out: a class is found only where every item of one of its phrases has
        a word or a class.
        """
        classes = choices = 0
        leads = [lead for lead in self._unanchored if lead.gives]
        memo = self._memo
        for word in set(found):
            known = memo.get(word) or self._look_up(word)
            if known is _NOTHING:
                continue
            classes |= known.bits
            choices |= known.member
            leads += known.gives
        absent = ~choices
        built = []
        for lead in leads:
            _, others, needs, gives, _ = lead
            if others & absent or not gives & ~classes:
                continue
            if needs:
                built.append(lead)
            else:
                classes |= gives
        return Reach(_closed(classes, built) if built else classes, choices)

    def wanted(self, rules: Sequence[Construction]) -> int:
        """The bits of the classes that tell whether these stand, and on what terms."""
        bits = 0
        for rule in rules:
            bits |= rule.wants
        return bits

    def annotate(self, found: list[str], reach: Reach, wanted: int = EVERYTHING) -> Annotation:
        """The classes of a text's words, masks applied.

        `reach`: of the same words; `wanted`: classes besides these need not be complete.
        """
        result = Annotation(found, sentence_ends(found))
        starts = result.starts
        living = _Living(reach, wanted)
        candidates = [(number, -1) for number in living.of(self._unanchored)]
        memo = self._memo
        for place, word in enumerate(found):
            known = memo.get(word) or self._look_up(word)
            if known is _NOTHING:
                continue
            for name in known.names:
                if name in starts:
                    starts[name][place] = place
                else:
                    starts[name] = {place: place}
            if known.leads:
                candidates += [(number, place) for number in living.of(known.leads)]
        candidates.sort()
        masks: list[tuple[Mask, int, int]] = []
        for number, place in candidates:
            self._apply(self.phrases[number], place, result, masks)
        working = [find for find in masks if _works(result, *find)]
        for mask, first, end in working:
            _drop(result, mask.drops, first, end)
        return result.complete()

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
        for name, lead in self._open.matching(word):
            if name is not None:
                classes.append(name)
            if lead is not None:
                leads.append(lead)
        names = tuple(dict.fromkeys(classes))
        leads = list(dict.fromkeys(leads))
        member = self._member.get(word, 0)
        entry = (
            _NOTHING
            if not (names or leads or member)
            else _Known(
                names,
                sum(self.bits[name] for name in names),
                tuple(lead for lead in leads if lead.gives),
                tuple(leads),
                member,
            )
        )
        if len(self._memo) < _MEMO_LIMIT:
            self._memo[word] = entry
        return entry

    def annotate_words(self, text: str) -> Annotation:
        """The classes of a text as it is written."""
        found = words(fold(text))
        return self.annotate(found, self.reach(found))


def _is_met(lead: _Lead, classes: int) -> bool:
    """Whether each of its references could be found."""
    for need in lead.needs:
        if not classes & need:
            return False
    return True


def _closed(bits: int, leads: Sequence[_Lead]) -> int:
    """The bits with those of phrases whose references are met, and so on."""
    while True:
        before = bits
        for lead in leads:
            if _is_met(lead, bits):
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
    begin = max(0, place - phrase.reach)
    if not head.open:
        exact, found = head.exact, result.found
        return [start for start in range(begin, place) if found[start] in exact]
    return [start for start in range(begin, place) if head.matches(result.found[start])]


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


def closures(phrases: Sequence[Phrase], bits: Mapping[str, int]) -> dict[str, int]:
    """For each class the bits of all that tell whether it is found: itself, and what is asked
    for by the phrases that give it and the masks that drop it, and so on."""
    direct = dict(bits)
    for phrase in phrases:
        asked = [name for names in phrase.classes for name in names]
        given: Sequence[str] = (phrase.errand,) if isinstance(phrase.errand, str) else ()
        if isinstance(phrase.errand, Mask):
            asked += phrase.errand.unless
            given = phrase.errand.drops
        for name in given:
            for other in asked:
                direct[name] |= bits[other]
    closed = dict(direct)
    while True:
        grown = {
            name: reduce(or_, (closed[other] for other in bits if bits[other] & reached), reached)
            for name, reached in closed.items()
        }
        if grown == closed:
            return closed
        closed = grown
