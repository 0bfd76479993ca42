"""What is answered: the shapes of the API, one model each."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from policies import moments
from policies.direction import Direction
from policies.ledger import Gap, Standing
from policies.model import (
    BlockKind,
    ControlKind,
    EditKind,
    EventKind,
    Health,
    Outcome,
    PolicyKind,
    Scope,
    SpanKind,
    Stance,
    Topic,
    VersionState,
)
from policies.store.search.sightings import Place

At = Annotated[datetime, PlainSerializer(moments.iso, return_type=str)]


StatedDate = Annotated[
    str | None,
    Field(description="When the text says it was last updated: `2024-06-25` or `2024-06`."),
]


class Shape(BaseModel):
    """A shape of the API."""

    model_config = ConfigDict(from_attributes=True, extra="forbid")


class Assistant(Shape):
    """A product that listens."""

    id: str
    name: str


class Site(Shape):
    """Where on the web a person meets a vendor."""

    host: str
    paths: list[str]
    assistants: list[str]


class Control(Shape):
    """A vendor's own switch."""

    id: str
    kind: ControlKind
    assistants: list[str]
    name: dict[str, str]
    url: str | None
    steps: dict[str, list[str]]


class Notice(Shape):
    """A rule that led to something, with its numbers."""

    rule: str
    says: str
    numbers: dict[str, float | str]


class PageHealth(Shape):
    """Whether a page can be looked at, and since when."""

    health: Health
    since: At | None
    reason: str
    warnings: list[Notice]
    failures: int = Field(description="Unread captures in a row.")
    last_capture_at: At | None
    last_read_at: At | None


class Track(PageHealth):
    """A page's history of one origin."""

    origin: str = Field(description="`crawl`, or `ota:<collection>` for an imported history.")
    current_version_id: str | None
    pending_version_id: str | None
    first_read_at: At | None
    stated_date: StatedDate


class PageBrief(Shape):
    """A page, its standing in short."""

    id: str
    vendor_id: str
    vendor_name: str
    policy_id: str
    kind: PolicyKind
    title: str
    scope: Scope
    assistants: list[str]
    language: str
    region: str | None
    url: str
    declared: bool
    health: Health
    origin: str | None = Field(description="Whose history speaks for the page now.")
    version_id: str | None = Field(description="The version believed now.")
    version_captured_at: At | None
    last_read_at: At | None


class Page(PageBrief):
    """A page with all its tracks."""

    tracks: list[Track]


class Capture(Shape):
    """One fetch of a page."""

    id: str
    url: str
    final_url: str
    status: int | None
    captured_at: At
    digest: str | None = Field(description="SHA-256 of the body.")
    note: str | None


class Version(Shape):
    """The text of a page, without the text."""

    id: str
    page_id: str
    origin: str
    state: VersionState
    language: str
    text_digest: str = Field(description="SHA-256 of language and text; same text, same digest.")
    captured_at: At
    confirmed_at: At | None
    last_seen: At
    characters: int
    stated_date: StatedDate
    passages: int
    capture: Capture
    change_id: str | None = Field(description="The published change that led to it.")


class FullCapture(Capture):
    """One fetch of a page, readable or not, and what it turned out to be."""

    page_id: str
    origin: str
    seen_until: At = Field(description="The same body was seen until then.")
    outcome: Outcome
    reasons: list[Notice]
    size: int | None = Field(description="Bytes of the body.")
    is_revisit: bool = Field(description="Whether the body was kept with an earlier capture.")
    version_id: str | None = Field(description="The version of the text that was read.")


class Disclosure(Shape):
    """What a passage says."""

    topics: list[Topic]
    stance: Stance | None
    slots: dict[str, str]


class Passage(Shape):
    """A sentence, heading, list item or table row: the slice start:end of the text."""

    position: int
    passage_id: str
    kind: BlockKind
    start: int
    end: int
    headings: list[int]
    disclosure: Disclosure | None


class FullVersion(Version):
    """A version with its text."""

    text: str
    judged: bool = Field(description="Whether a detector of its language read it.")
    passage_list: list[Passage]
    previous_id: str | None
    next_id: str | None


class Quote(Shape):
    """Verbatim words with their source."""

    text: str
    headings: list[str]
    topics: list[Topic]
    stance: Stance | None
    passage_id: str
    page_id: str
    page_title: str
    url: str
    language: str
    version_id: str
    position: int
    start: int
    end: int
    captured_at: At
    last_seen: At
    text_digest: str
    capture_digest: str | None
    since: At | None = Field(description="When its words came to stand there, by any history.")
    until: At | None = Field(description="First capture without them; null where they stand.")
    observed: bool = Field(description="Whether they were seen to come.")


class Told(Shape):
    """A sentence of ours, and the quotes that bear it out."""

    text: str
    quotes: list[str] = Field(
        description="Places of quotes as `version.position`; none where it tells of pages read."
    )


class Period(Shape):
    """A time of one answer."""

    since: At
    until: At | None
    standing: Standing
    stance: Stance | None
    observed: bool = Field(description="False: it was so when first looked at, perhaps before.")


class PageAnswer(Shape):
    """What one page says about a topic."""

    page_id: str
    policy_id: str
    lang: str
    standing: Standing
    stance: Stance | None
    as_of: At | None


class Contradiction(Shape):
    """Two pages of a vendor that do not say the same; `more` says what reaches further."""

    gap: Gap
    more: PageAnswer
    less: PageAnswer


class Answer(Shape):
    """What a vendor's pages say about a topic."""

    topic: Topic
    standing: Standing
    stance: Stance | None
    also: list[Stance]
    summary: dict[str, list[str]] = Field(description="Sentences by language.")
    since: At | None
    observed: bool
    as_of: At | None
    oldest_read: At | None
    pages_read: int
    pages_unread: int
    quotes: list[Quote]
    quotes_total: int
    earlier: list[Period]
    badge: dict[str, Told] = Field(description="One line, by language.")
    popup: dict[str, list[Told]] = Field(description="At most three, by language.")
    by_page: list[PageAnswer] = Field(description="What each page says, also those not read.")
    contradictions: list[Contradiction]


class FullPeriod(Period):
    """A time of one answer, with what stood on the pages then, as it stood first."""

    quotes: list[Quote]


class Slot(Shape):
    """What an answer says exactly: a slice of the quote at that place."""

    name: str
    words: str
    quote: str


class FullAnswer(Answer):
    """An answer with every quote, now and before."""

    gone: list[Quote] = Field(description="What went while the answer stayed, last gone first.")
    slots: list[Slot]
    periods: list[FullPeriod] = Field(description="The earlier answers, newest first.")
    paragraph: dict[str, list[Told]] = Field(description="For a journalist, by language.")


class Ledger(Shape):
    """A vendor's answers, now or as of a time, and how they came about."""

    vendor_id: str
    at: At | None
    as_of: At | None
    answers: list[FullAnswer]


class ChangeBrief(Shape):
    """A published change, without its edits."""

    id: str
    vendor_id: str
    vendor_name: str
    page_id: str
    page_title: str
    page_url: str
    language: str
    region: str | None
    origin: str
    before_id: str
    after_id: str
    captured_at: At
    confirmed_at: At
    event_id: str | None = Field(description="The event that it is an occurrence of.")
    topics: list[Topic]
    added: int
    removed: int
    replaced: int
    moved: int
    directions: dict[Topic, Direction] = Field(
        description="Which way it goes on each topic; empty until it was weighed."
    )
    summary: dict[str, list[str]]


class StillStated(Shape):
    """A page that holds a passage in the version believed now."""

    page_id: str
    title: str
    url: str
    since: At
    as_of: At | None


class Side(Shape):
    """A passage on one side of an edit; verbatim."""

    position: int
    passage_id: str
    kind: BlockKind
    text: str
    start: int
    end: int
    disclosure: Disclosure | None


class Span(Shape):
    """A run of characters on both sides of an edit."""

    kind: SpanKind
    old_start: int
    old_end: int
    new_start: int
    new_end: int


class Edit(Shape):
    """One step that leads from the old version to the new one."""

    kind: EditKind
    old: Side | None
    new: Side | None
    headings: list[str]
    topics: list[Topic]
    spans: list[Span]
    still_stated: list[StillStated] = Field(
        description="Where the vendor still states a passage that this edit took out."
    )


class Finding(Shape):
    """A rule that a direction was read by, and the words that it holds of."""

    topic: Topic
    direction: Direction
    rule: str
    says: dict[str, str] = Field(description="What it means, by language.")
    old: str | None
    new: str | None


class Change(ChangeBrief):
    """A change with its edits."""

    before: Version
    after: Version
    same_edit: list[ChangeBrief] = Field(
        description="The other occurrences of its event: the same edit on other pages."
    )
    words_removed: int
    words_added: int
    edits: list[Edit]
    findings: list[Finding] = Field(description="Why it goes which way, weightiest first.")
    previous_id: str | None
    next_id: str | None


class Event(Shape):
    """What people are told of: an edit on however many pages, or another health of a page."""

    id: str
    kind: EventKind
    vendor_id: str
    vendor_name: str
    page_id: str = Field(description="Where it was seen first.")
    page_title: str
    page_url: str
    language: str
    region: str | None
    captured_at: At = Field(description="First capture that showed it.")
    confirmed_at: At = Field(description="When it was published.")
    updated_at: At = Field(description="When its last occurrence was published.")
    topics: list[Topic]
    health_before: Health | None
    health_after: Health | None
    reason: str = Field(description="Why, of another health.")
    labels: list[Notice]
    occurrences: list[ChangeBrief]


class VendorBrief(Shape):
    """A vendor, its answer on people listening in short."""

    id: str
    name: str
    declared: bool
    assistants: list[Assistant]
    pages: int
    human_review: Answer


class Vendor(Shape):
    """All about a vendor."""

    id: str
    name: str
    declared: bool
    assistants: list[Assistant]
    sites: list[Site]
    controls: list[Control]
    pages: list[PageBrief]
    answers: list[Answer]
    changes: list[ChangeBrief]
    as_of: At | None


class VendorAnswer(Shape):
    """What one vendor says about a topic."""

    vendor_id: str
    vendor_name: str
    answer: Answer


class AssistantAnswer(Assistant):
    """Whether people listen to what is said to an assistant."""

    vendor_id: str
    vendor_name: str
    human_review: Answer


class Policy(Shape):
    """A document of a vendor, with the pages that hold it in each language."""

    id: str
    vendor_id: str
    vendor_name: str
    kind: PolicyKind
    title: str
    scope: Scope
    assistants: list[str]
    languages: list[str]
    page_ids: list[str]
    declared: bool


class HealthItem(PageHealth):
    """A page's health."""

    page_id: str
    vendor_id: str
    title: str
    url: str
    language: str
    declared: bool


class Range(Shape):
    """Characters of a text, from `start` to before `end`."""

    start: int
    end: int


class Spell(Shape):
    """A run of versions of a page that all hold a passage."""

    since: At
    until: At | None = Field(description="First capture without it; null: still there.")


class Sighting(Shape):
    """A passage on one page, in the history of one origin."""

    page_id: str
    page_title: str
    vendor_id: str
    vendor_name: str
    url: str
    language: str
    region: str | None
    origin: str
    place: Place = Field(description="How it stands there: now, no more, or never believed.")
    first_seen: At
    last_seen: At
    spells: list[Spell] = Field(description="Several: it was gone for a while between them.")
    version_id: str
    position: int
    start: int
    end: int
    captured_at: At
    text_digest: str
    capture_digest: str | None


class FoundPassage(Shape):
    """A passage with everywhere it stood; `text` is a slice of the first sighting's version."""

    found: Literal["passage"] = "passage"
    passage_id: str
    text: str
    language: str
    current: bool
    first_seen: At
    last_seen: At
    matches: list[Range] = Field(description="What was asked for, in the text.")
    seen: list[Sighting]


class Wording(Shape):
    """A passage on one side of an edit; verbatim."""

    position: int
    passage_id: str
    kind: BlockKind
    text: str
    start: int
    end: int


class FoundEdit(Shape):
    """An edit of a published change."""

    found: Literal["edit"] = "edit"
    change_id: str
    captured_at: At
    vendor_id: str
    vendor_name: str
    page_id: str
    page_title: str
    page_url: str
    language: str
    origin: str
    before_id: str
    after_id: str
    kind: EditKind
    headings: list[str]
    old: Wording | None
    new: Wording | None
    spans: list[Span]
    removed: list[Range] = Field(description="What was asked for, in the old wording.")
    added: list[Range] = Field(description="What was asked for, in the new wording.")


class Trace(Shape):
    """A known passage that a sentence may be."""

    similarity: float = Field(description="1: the same words, but for typography.")
    passage: FoundPassage
    events: list[FoundEdit] = Field(
        description="What brought, reworded and took it or its other wordings; oldest first."
    )


class Sentence(Shape):
    """A sentence of what was pasted, and where it comes from."""

    text: str
    exact: bool = Field(description="Whether a passage has the same words.")
    traces: list[Trace] = Field(description="The most like first; none: nothing like it was read.")


class Provenance(Shape):
    """Where each sentence of a text comes from."""

    as_of: At | None
    sentences: list[Sentence]


class Diff(Shape):
    """What differs between two versions of a page."""

    page_id: str
    before: Version
    after: Version
    change_id: str | None = Field(description="Of the published change that is just this.")
    same_reading: bool = Field(
        description="False: of different origins, so some of it may be ours, not the vendor's."
    )
    words_removed: int
    words_added: int
    edits: list[Edit]


class Memento(BaseModel):
    """A version in a TimeMap."""

    datetime: At
    uri: str


class Mementos(BaseModel):
    """The versions of a TimeMap, newest first, and where the history begins and ends."""

    list: list[Memento]
    first: Memento | None
    last: Memento | None


class MapAddresses(BaseModel):
    """Where a TimeMap is to be had."""

    link_format: str
    json_format: str
    next: str | None


class TimeMap(BaseModel):
    """The believed versions of a page, as archives list them (RFC 7089)."""

    original_uri: str
    timegate_uri: str
    timemap_uri: MapAddresses
    mementos: Mementos


class Listing(Shape):
    """A part of a list."""

    as_of: At | None = Field(description="When anything was last fetched or imported.")
    next: str | None = Field(description="Cursor of what follows; null at the end.")


class Vendors(Listing):
    """Vendors by id."""

    items: list[VendorBrief]


class Assistants(Listing):
    """Assistants by their vendor's id and their own."""

    items: list[AssistantAnswer]


class Comparison(Listing):
    """What each vendor says about a topic, by vendor id."""

    items: list[VendorAnswer]


class Policies(Listing):
    """Policies by id."""

    items: list[Policy]


class Captures(Listing):
    """Captures, newest first."""

    items: list[FullCapture]


class Pages(Listing):
    """Pages by id."""

    items: list[PageBrief]


class Versions(Listing):
    """Versions, newest first."""

    items: list[Version]


class Changes(Listing):
    """Changes, newest first."""

    items: list[ChangeBrief]


class Events(Listing):
    """Events, newest first by when they were published."""

    items: list[Event]


class Search(Listing):
    """What was found, newest first: passages, or edits of published changes."""

    items: list[FoundPassage | FoundEdit]


class HealthReport(Listing):
    """Every page's health, and how many there are of each."""

    counts: dict[Health, int]
    items: list[HealthItem]


class LogEntry(Shape):
    """One entry of the log. Its `hash` is the SHA-256 of its `line`, which names the one before."""

    seq: int
    at: At = Field(description="When it was written.")
    kind: str = Field(description="`capture`, `version`, `change` or `event`.")
    id: str
    what: str = Field(description="Outcome, state, topics or kind of it.")
    form: int = Field(description="Which columns the record holds.")
    digest: str = Field(description="SHA-256 of the record, hex; evidence packs hold it.")
    backfilled: bool = Field(description="Whether the log was begun when the row was there.")
    previous: str = Field(description="Hash of the entry before it.")
    skip: str = Field(description="Hash of an entry far behind: a shortcut.")
    hash: str
    line: str = Field(description="What is hashed.")


class Log(Shape):
    """Entries of the log, oldest first."""

    as_of: At | None
    next: str | None
    items: list[LogEntry]


class LogHead(Shape):
    """The last entry of the log; None while it has none. Note it down: it pins all before it."""

    as_of: At | None
    head: LogEntry | None


class Explained(Shape):
    """What an id names and the rules that led to it."""

    kind: str = Field(description="`capture`, `version`, `change` or `event`.")
    id: str
    told: dict[str, Any] = Field(description="As `earwitness explain --json` prints it.")


class Alive(Shape):
    """That the server answers and its store can be read."""

    status: str
    version: str
    as_of: At | None


class Bundle(BaseModel):
    """All that a companion needs, in one document, the same for everyone."""

    model_config = ConfigDict(extra="allow")

    schema_version: int
    as_of: At | None
