"""What the steps hand to each other: frozen values, one sentence per field.

All times are aware and UTC. Offsets count characters (code points) of the
untouched text they name. Ids are strings and stable for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

# --- the catalog: what is watched ------------------------------------------------------


class PolicyKind(StrEnum):
    """What sort of document a policy is."""

    TERMS = "terms"
    PRIVACY_POLICY = "privacy policy"
    HELP_PAGE = "help page"
    NOTICE = "notice"
    SETTINGS = "settings"


class Scope(StrEnum):
    """Whether a whole document is about an assistant, or about everything a vendor does."""

    ASSISTANT = "assistant"
    GENERAL = "general"


class ControlKind(StrEnum):
    """What a person can do at a control."""

    OPT_OUT = "opt_out"
    DELETION = "deletion"
    SETTINGS = "settings"


@dataclass(frozen=True)
class Assistant:
    """A product that listens."""

    id: str  # unique in its vendor: "alexa"
    name: str  # as people say it: "Alexa"


@dataclass(frozen=True)
class Site:
    """Where on the web a person meets a vendor; what the extension recognises, locally."""

    host: str  # a registrable or full host name; its subdomains count too: "amazon.fr"
    paths: tuple[str, ...] = ()  # path prefixes or `*` patterns; empty: the whole host
    assistants: tuple[str, ...] = ()  # ids of the assistants met there; empty: all of the vendor


@dataclass(frozen=True)
class Control:
    """A vendor's own switch: where a person opts out, deletes or sets something."""

    id: str  # unique in its vendor
    kind: ControlKind
    assistants: tuple[str, ...]  # empty: all of the vendor
    name: Mapping[str, str]  # language -> what the vendor calls it
    url: str | None  # None: only inside an app or device
    steps: Mapping[str, tuple[str, ...]]  # language -> steps in order, in our words


@dataclass(frozen=True)
class OtaSource:
    """The same document in an Open Terms Archive collection."""

    collection: str  # "contrib", "france", "genai-contrib"
    service: str  # folder in the versions repository: "Google Nest"
    terms: str  # file name without .md: "Privacy Policy"


@dataclass(frozen=True)
class Page:
    """One policy in one language and region at one URL; what is fetched."""

    id: str  # "microsoft.privacy-statement.en-ie": vendor, policy and language[-region]
    vendor_id: str
    policy_id: str  # "microsoft.privacy-statement"
    lang: str  # ISO 639-1: "en"
    region: str | None  # ISO 3166-1 alpha-2 in lower case, or None where the page names none
    url: str
    scope: Scope
    select: tuple[str, ...] = ()  # CSS; empty: main content
    remove: tuple[str, ...] = ()  # CSS, within what was selected
    earlier_urls: tuple[str, ...] = ()  # where the same page stood before; accepted when redirected
    render: bool = False  # needs a browser (extra `render`)
    ota: tuple[OtaSource, ...] = ()

    @property
    def accept_language(self) -> str:
        """The Accept-Language header that pins this page's language and region."""
        if self.region:
            return f"{self.lang}-{self.region.upper()},{self.lang};q=0.8"
        return self.lang


@dataclass(frozen=True)
class Policy:
    """One tracked document of a vendor."""

    id: str  # "microsoft.privacy-statement"
    vendor_id: str
    kind: PolicyKind
    title: str  # the vendor's own title, in the language of the first page
    scope: Scope
    assistants: tuple[str, ...]  # ids; empty: all of the vendor
    pages: tuple[Page, ...]


@dataclass(frozen=True)
class Vendor:
    """Who publishes: one declaration, one YAML file."""

    id: str
    name: str
    assistants: tuple[Assistant, ...]
    sites: tuple[Site, ...]
    controls: tuple[Control, ...]
    policies: tuple[Policy, ...]


@dataclass(frozen=True)
class Catalog:
    """All declarations, checked."""

    vendors: tuple[Vendor, ...]

    @property
    def pages(self) -> tuple[Page, ...]:
        """Every declared page, in the order of the catalog."""
        return tuple(page for v in self.vendors for policy in v.policies for page in policy.pages)


# --- captures: what was fetched --------------------------------------------------------


class Outcome(StrEnum):
    """What a capture turned out to be."""

    UNCHANGED = "unchanged"  # 304, same body, same text, or back to a known variant
    CHANGED = "changed"  # a text that was not known: the first one, or one that now waits
    BLOCKED = "blocked"  # captcha, consent wall, login, robots.txt
    MOVED = "moved"  # redirected to elsewhere, or to a home page
    GONE = "gone"  # 404, 410, or a page that says so
    UNREADABLE = "unreadable"  # nothing selected, wrong language, collapsed, no text
    FAILED = "failed"  # network, 5xx, too large, timeout

    @property
    def is_read(self) -> bool:
        """Whether the page's text was read."""
        return self in (Outcome.UNCHANGED, Outcome.CHANGED)


@dataclass(frozen=True)
class Reason:
    """A rule that led to an outcome, with its numbers."""

    rule: str  # kebab-case name: "selector-collapsed"
    says: str  # one sentence for a person
    numbers: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class WarcPlace:
    """Where a capture's response (or revisit, or resource) record lies."""

    file: str  # relative to the evidence folder
    offset: int  # bytes
    length: int  # bytes, compressed


@dataclass(frozen=True)
class Capture:
    """One fetch of a page at one time, readable or not."""

    page_id: str
    origin: str  # "crawl", or "ota:<collection>" for an imported history
    captured_at: datetime
    url: str  # as requested
    final_url: str  # after redirects
    status: int | None  # None: no response came
    headers: tuple[tuple[str, str], ...] = ()  # of the response, names in lower case
    request_headers: tuple[tuple[str, str], ...] = ()  # as sent; empty for an import
    redirects: tuple[str, ...] = ()  # addresses passed on the way, in order
    body: bytes = field(default=b"", repr=False)  # decoded from transfer and content encoding
    failure: str | None = None  # why no response came: "timeout: …", "robots: …", "too-large: …"
    seen_until: datetime | None = (
        None  # the archive saw the same text until then; None: captured_at
    )
    note: str | None = None  # origin's own mark: commit id, "technical upgrade"

    def header(self, name: str) -> str | None:
        """The first value of a response header, or None."""
        return next((v for k, v in self.headers if k == name.lower()), None)


# --- text ------------------------------------------------------------------------------


class BlockKind(StrEnum):
    """What a block of text is on the page."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list item"
    TABLE_ROW = "table row"


@dataclass(frozen=True)
class Block:
    """A run of text that the page sets apart."""

    kind: BlockKind
    level: int  # headings: 1–6; list items: depth from 1; others: 0
    start: int  # offset in the document's text
    end: int


@dataclass(frozen=True)
class Document:
    """The text of one capture: blocks joined by line feeds."""

    text: str
    blocks: tuple[Block, ...]
    title: str | None = None  # of the HTML page, or the first heading
    lang: str | None = None  # as the page itself declares it


@dataclass(frozen=True)
class Passage:
    """A sentence, heading, list item or table row of a document, in its place."""

    id: str  # 16 hex digits: hash of key and language; the same wherever it stands
    text: str  # a slice of the document's text, untouched
    kind: BlockKind
    start: int
    end: int
    headings: tuple[int, ...] = ()  # positions of the headings above it, outermost first


# --- disclosures -----------------------------------------------------------------------


class Topic(StrEnum):
    """What a disclosure can be about (the codebook's topics)."""

    HUMAN_REVIEW = "human_review"
    REVIEWERS = "reviewers"
    SAMPLE = "sample"
    IDENTITY = "identity"
    TRAINING = "training"
    CHOICE = "choice"
    DELETION = "deletion"
    RETENTION = "retention"
    ACTIVATION = "activation"
    SHARING = "sharing"
    ON_DEVICE = "on_device"


class Stance(StrEnum):
    """Whether people review what is said (only with HUMAN_REVIEW)."""

    YES = "yes"
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    NO = "no"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Match:
    """Which words of a passage led to a topic."""

    topic: Topic
    pattern: str  # id of the lexicon's pattern
    start: int  # offset in the passage's text
    end: int


@dataclass(frozen=True)
class Verdict:
    """What a passage in its context says about people listening."""

    topics: tuple[Topic, ...]  # in the order of Topic
    stance: Stance | None
    matches: tuple[Match, ...] = ()
    slots: Mapping[str, str] = field(default_factory=dict)  # slot -> verbatim words


# --- changes ---------------------------------------------------------------------------


class EditKind(StrEnum):
    """What happened to a passage between two versions."""

    ADDED = "added"
    REMOVED = "removed"
    REPLACED = "replaced"
    MOVED = "moved"  # the same passage stands elsewhere
    RESTYLED = "restyled"  # same key: only typography or white space differ
    TECHNICAL = "technical"  # came or went because we read the page in another way
    INCIDENTAL = "incidental"  # a date, a label, a repetition, the same letters cut otherwise
    PASSING = "passing"  # stood in one capture only: an advertisement, a counter

    @property
    def is_quiet(self) -> bool:
        """Whether such an edit brings no other words of the vendor's."""
        return self not in (EditKind.ADDED, EditKind.REMOVED, EditKind.REPLACED)


class SpanKind(StrEnum):
    """What happened to words inside a replaced passage."""

    EQUAL = "equal"
    REMOVED = "removed"
    ADDED = "added"
    RESTYLED = "restyled"  # same key, other characters


@dataclass(frozen=True)
class Span:
    """A run of characters of a replaced pair, on both sides."""

    kind: SpanKind
    old_start: int  # offsets in the old passage's text; start = end where it has none
    old_end: int
    new_start: int
    new_end: int


@dataclass(frozen=True)
class Edit:
    """One step that leads from the old version's passages to the new one's."""

    kind: EditKind
    old: int | None  # position in the old version; None: added
    new: int | None  # position in the new version; None: removed
    spans: tuple[Span, ...] = ()  # only REPLACED and RESTYLED


# --- versions, changes and health, as kept ---------------------------------------------


class VersionState(StrEnum):
    """Whether a text was believed."""

    BASELINE = "baseline"  # first text of its origin: nothing to compare with
    PENDING = "pending"  # seen once, waits to be seen again
    CONFIRMED = "confirmed"  # seen again, or stood long enough: its change is published
    REREAD = (
        "reread"  # an earlier capture read in a new way (technical upgrade); no change of its own
    )
    VARIANT = "variant"  # alternates with another text; carries no change of its own
    UNCONFIRMED = "unconfirmed"  # gone before it was seen again; kept, and can be asked for


class Health(StrEnum):
    """Whether a page can be looked at."""

    NEW = "new"  # never read by the crawl
    CURRENT = "current"
    STALE = "stale"  # could not be reached; what is shown is from the last good date
    ALTERNATING = "alternating"
    BLOCKED = "blocked"
    MOVED = "moved"
    GONE = "gone"
    UNREADABLE = "unreadable"


class EventKind(StrEnum):
    """What people are told of."""

    CHANGE = "change"  # one edit, on however many pages of a vendor
    HEALTH = "health"  # a page can no longer be looked at as before, or can again
