"""What an answer is made of: looks at pages, statements with their lives, periods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from policies.model import BlockKind, Scope, Stance, Topic


class Standing(StrEnum):
    """Whether the pages answer a topic."""

    STATED = "stated"
    NOT_STATED = "not_stated"  # pages were read and say nothing about it
    NOT_READ = "not_read"  # no page could be read, or none in a language that is understood


class Gap(StrEnum):
    """Which pages of a vendor do not say the same."""

    LANGUAGES = "languages"  # one policy, in two languages
    EDITIONS = "editions"  # one policy in one language, in two regions
    PAGES = "pages"  # two policies


@dataclass(frozen=True)
class Look:
    """What was seen of a page in one origin, and when."""

    page_id: str
    origin: str
    scope: Scope
    lang: str
    first_read: datetime | None  # None: never
    last_read: datetime | None
    judged: bool  # whether its current text was read by a detector of its language
    speaks: bool  # whether this origin speaks for the page now
    policy_id: str = ""  # the same for the languages of one policy
    assistants: tuple[str, ...] = ()  # ids that the page is about; empty: all of the vendor

    @property
    def is_read(self) -> bool:
        """Whether the page's silence would mean something."""
        return self.judged and self.last_read is not None


@dataclass(frozen=True)
class Life:
    """An unbroken time during which a page held a statement."""

    since: datetime
    until: datetime | None = None  # first capture without it; None: still there
    appeared: bool = True  # False: it stood there when the page was first looked at
    vanished: bool = True  # False: nobody saw it go; another history speaks from then on

    def covers(self, at: datetime) -> bool:
        """Whether the page held it then."""
        return self.since <= at and (self.until is None or at < self.until)

    def overlaps(self, since: datetime, until: datetime | None) -> bool:
        """Whether the page held it at some time from then to then."""
        return (until is None or self.since < until) and (self.until is None or self.until > since)


@dataclass(frozen=True)
class Place:
    """Where words lie in the store, and the capture that shows them."""

    origin: str
    version_id: str
    text_id: str
    position: int
    start: int  # the quote is the slice start:end of the text
    end: int
    headings: tuple[int, ...]  # positions of the headings above it
    captured_at: datetime  # first capture that showed that version
    digest: str | None  # of that capture's body


@dataclass(frozen=True)
class Statement:
    """A passage of a page that says something, and where its words lie."""

    page_id: str
    origin: str
    passage_id: str
    topics: tuple[Topic, ...]
    stance: Stance | None
    version_id: str  # a version that holds it: the current one where it still stands
    text_id: str
    position: int
    kind: BlockKind
    start: int  # the quote is the slice start:end of the text
    end: int
    headings: tuple[int, ...]  # positions of the headings above it
    captured_at: datetime  # first capture that showed that version
    last_seen: datetime  # last time that the words are known to have been there
    digest: str | None  # of that capture's body
    current: bool  # whether it stands in the version that speaks for its page now
    lives: tuple[Life, ...] = ()  # oldest first; in an answer: of all origins, joined
    slots: Mapping[str, str] = field(default_factory=dict)
    first: Place | None = None  # where it stood first; None: not known
    times: int = 1  # how often its words stand in that version

    @property
    def place(self) -> tuple[str, int]:
        """Where its words stand: version and position."""
        return self.version_id, self.position

    @property
    def since(self) -> datetime | None:
        """When its last life began; None: it has none."""
        return self.lives[-1].since if self.lives else None

    @property
    def until(self) -> datetime | None:
        """First capture without it; None: it still stands, or has no life."""
        return self.lives[-1].until if self.lives else None

    def as_first(self) -> Statement:
        """The same statement at the place where it stood first."""
        at = self.first
        if at is None:
            return self
        return replace(
            self,
            origin=at.origin,
            version_id=at.version_id,
            text_id=at.text_id,
            position=at.position,
            start=at.start,
            end=at.end,
            headings=at.headings,
            captured_at=at.captured_at,
            digest=at.digest,
        )


@dataclass(frozen=True)
class Period:
    """A time during which a vendor's pages gave the same answer."""

    since: datetime
    until: datetime | None  # None: still
    standing: Standing
    stance: Stance | None
    observed: bool  # False: it was so when we first looked, so it may be older
    statements: tuple[Statement, ...] = ()  # that stood then; those that carry it first

    @property
    def short(self) -> bool:
        """Whether it began and ended on one day."""
        return self.until is not None and self.since.date() == self.until.date()


@dataclass(frozen=True)
class PageAnswer:
    """What one page says about a topic."""

    page_id: str
    policy_id: str
    lang: str
    standing: Standing
    stance: Stance | None
    as_of: datetime | None  # when it was last read


@dataclass(frozen=True)
class Contradiction:
    """Two pages of one vendor that do not say the same; `more` says what reaches further."""

    gap: Gap
    more: PageAnswer
    less: PageAnswer


@dataclass(frozen=True)
class Slot:
    """What an answer says exactly: who, how much, how long; a slice of its statement's words."""

    name: str
    words: str
    statement: Statement


@dataclass(frozen=True)
class Answer:
    """What a vendor's pages say about a topic, since when, and what they said before."""

    topic: Topic
    standing: Standing
    stance: Stance | None  # only of HUMAN_REVIEW
    also: tuple[Stance, ...]  # other stances that its pages take, most far-reaching first
    statements: tuple[Statement, ...]  # current ones, weightiest first, equal words once
    since: datetime | None  # when the present answer began; None: nothing was read
    observed: bool  # whether its beginning was seen
    as_of: datetime | None  # when a page it rests on was last read
    oldest: datetime | None  # when the page read longest ago was last read
    pages_read: int
    pages_unread: int
    earlier: tuple[Period, ...]  # newest first
    gone: tuple[Statement, ...] = ()  # went while the answer stayed; last gone first
    by_page: tuple[PageAnswer, ...] = ()  # by id of the page, also those not read
    contradictions: tuple[Contradiction, ...] = ()
    slots: tuple[Slot, ...] = ()
