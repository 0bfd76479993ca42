"""What may be asked: query parameters, each checked, unknown ones refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from policies import moments
from policies.direction import Direction
from policies.errors import BadInput
from policies.model import EventKind, Health, Outcome, Topic, VersionState
from policies.store.search.asking import Side
from policies.words import LONGEST_QUERY

LARGEST = 200  # items in one page of a list
_WHOLE = re.compile(r"[0-9]{1,3}")


def _moment(read: Callable[[str], datetime]) -> BeforeValidator:
    def check(value: Any) -> datetime | None:
        if value is None:
            return None
        try:
            return read(str(value))
        except BadInput as error:
            raise ValueError(str(error)) from error

    return BeforeValidator(check)


def _count(value: Any) -> Any:
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise ValueError(f"expected a whole number from 1 to {LARGEST}")
    return value


_COUNT = WithJsonSchema({"type": "integer", "minimum": 1, "maximum": LARGEST})
_ISO = WithJsonSchema(
    {
        "type": "string",
        "anyOf": [{"format": "date"}, {"format": "date-time"}],
        "examples": ["2024-06-25", "2024-06-25T18:32:00Z"],
    }
)
Since = Annotated[datetime | None, _moment(moments.since), _ISO]
Until = Annotated[datetime | None, _moment(moments.until), _ISO]
Id = Annotated[str | None, Field(min_length=1, max_length=200)]
Language = Annotated[str | None, Field(pattern=r"^[a-z]{2}$", examples=["en"])]


class Form(StrEnum):
    """How an answer is written."""

    JSON = "json"
    CSV = "csv"
    JSONL = "jsonl"
    HTML = "html"
    TEXT = "text"
    LINK = "link"

    @property
    def media_type(self) -> str:
        """Its media type."""
        return _MEDIA_TYPES[self]


_MEDIA_TYPES = {
    Form.JSON: "application/json",
    Form.CSV: "text/csv",
    Form.JSONL: "application/jsonl",
    Form.HTML: "text/html",
    Form.TEXT: "text/plain",
    Form.LINK: "application/link-format",
}
EXPORTS = (Form.CSV, Form.JSONL)


class Question(BaseModel):
    """What may be asked, and nothing else."""

    model_config = ConfigDict(extra="forbid")


class Paging(Question):
    """Which part of a list, and how it is written."""

    limit: Annotated[int, Field(ge=1, le=LARGEST), BeforeValidator(_count), _COUNT] = Field(
        default=50, description="How many items at most."
    )
    cursor: Annotated[str, Field(min_length=1, max_length=300)] | None = Field(
        default=None, description="Where to go on: `next` of the answer before."
    )
    format: Literal[Form.JSON, Form.CSV, Form.JSONL] | None = Field(
        default=None,
        description="json: a part of the list; csv, jsonl: all of it that follows, streamed.",
    )


class PagesQuery(Paging):
    """Which pages."""

    vendor: Id = Field(default=None, description="Id of a vendor.")
    language: Language = Field(default=None, description="ISO 639-1.")


class AssistantsQuery(Paging):
    """Which assistants."""

    vendor: Id = Field(default=None, description="Id of a vendor.")


class TopicQuery(Paging):
    """As of when vendors are compared."""

    at: Until = Field(
        default=None, description="As of then, by what is known of it today; a date is whole."
    )


class CapturesQuery(Paging):
    """Which captures of a page."""

    outcome: Outcome | None = Field(default=None, description="Only captures of this outcome.")
    since: Since = Field(default=None, description="Captured then or later.")
    until: Until = Field(default=None, description="Captured then or before; a date is whole.")


class AllVersionsQuery(Paging):
    """Which versions of all pages."""

    state: VersionState | None = Field(
        default=None,
        description="`pending`: what waits to be seen again; `unconfirmed`: what was gone before.",
    )
    vendor: Id = Field(default=None, description="Id of a vendor.")
    language: Language = Field(default=None, description="ISO 639-1.")
    since: Since = Field(default=None, description="First captured then or later.")
    until: Until = Field(
        default=None, description="First captured then or before; a date is whole."
    )


class VersionsQuery(Paging):
    """Which versions of a page."""

    at: Until = Field(
        default=None, description="Only the version believed then; a date means its end."
    )
    state: VersionState | None = Field(default=None, description="Only versions of this state.")


class ChangesQuery(Paging):
    """Which changes."""

    vendor: Id = Field(default=None, description="Id of a vendor.")
    page: Id = Field(default=None, description="Id of a page.")
    topic: Topic | None = Field(default=None, description="Only changes that touch this topic.")
    direction: Direction | None = Field(
        default=None, description="Only changes that go this way, on the topic given or on any."
    )
    since: Since = Field(default=None, description="First captured then or later.")
    until: Until = Field(
        default=None, description="First captured then or before; a date is whole."
    )
    language: Language = Field(default=None, description="ISO 639-1.")


class EventsQuery(Paging):
    """Which events."""

    kind: EventKind | None = Field(
        default=None, description="Only edits (`change`), or only another health of a page."
    )
    vendor: Id = Field(default=None, description="Id of a vendor.")
    page: Id = Field(default=None, description="Id of a page: only what happened there, too.")
    topic: Topic | None = Field(default=None, description="Only changes that touch this topic.")
    direction: Direction | None = Field(
        default=None, description="Only changes that go this way, on that topic or on any."
    )
    since: Since = Field(default=None, description="Published then or later.")
    until: Until = Field(default=None, description="Published then or before; a date is whole.")
    language: Language = Field(default=None, description="ISO 639-1.")


class LedgerQuery(BaseModel):
    """Which answers of a vendor, and as of when."""

    model_config = ConfigDict(extra="forbid")

    topic: Topic | None = Field(default=None, description="Only the answer to this topic.")
    at: Until = Field(
        default=None, description="As of then, by what is known of it today; a date is whole."
    )


class HealthQuery(Paging):
    """Which pages' health."""

    vendor: Id = Field(default=None, description="Id of a vendor.")
    health: Health | None = Field(default=None, description="Only pages of this health.")


class LogQuery(Paging):
    """Which entries of the log."""

    id: Id = Field(default=None, description="Only of this capture, version, change or event.")


class SearchQuery(Paging):
    """What to find, and where."""

    q: Annotated[str, Field(min_length=1, max_length=LONGEST_QUERY)] = Field(
        description="Words that all have to be there; phrases in quotes; `begin*`.",
        examples=["contractors", '"human review"'],
    )
    place: Literal["text", "changes"] = Field(
        default="text",
        alias="in",
        description="text: all that was ever said; changes: only words that changed.",
    )
    change: Literal[Side.ADDED, Side.REMOVED, Side.ANY] = Field(
        default=Side.ANY, description="Which changed words, in changes."
    )
    vendor: Id = Field(default=None, description="Id of a vendor.")
    page: Id = Field(default=None, description="Id of a page.")
    topic: Topic | None = Field(default=None, description="Only about this topic.")
    language: Language = Field(default=None, description="ISO 639-1.")
    since: Since = Field(default=None, description="Only seen, or changed, then or later.")
    until: Until = Field(
        default=None, description="Only seen, or changed, until then; a date is whole."
    )


class ProvenanceQuery(Question):
    """A sentence to trace."""

    text: Annotated[str, Field(min_length=1, max_length=4000)] = Field(
        description="A sentence, or a paragraph of at most 20."
    )
    language: Language = Field(default=None, description="ISO 639-1; else any.")


VersionOrTime = Annotated[str, Field(min_length=1, max_length=40)]


class DiffQuery(Question):
    """Which two versions, and how their difference is written."""

    old: VersionOrTime = Field(
        alias="from",
        description="Id of a version, or a date or time: the version believed then.",
        examples=["2024-06-25"],
    )
    new: VersionOrTime | None = Field(
        default=None, alias="to", description="The same; if not given, the version believed now."
    )
    format: Literal[Form.JSON, Form.HTML, Form.TEXT] | None = Field(
        default=None,
        description="json, html (one self-contained document) or text; else by Accept.",
    )


class TimeMapQuery(Question):
    """Which part of a TimeMap, and how it is written."""

    cursor: Annotated[str, Field(min_length=1, max_length=300)] | None = Field(
        default=None, description="Where to go on, as the TimeMap before says."
    )
    format: Literal[Form.LINK, Form.JSON] | None = Field(
        default=None, description="link (application/link-format) or json; else by Accept."
    )


class TimeGateQuery(Question):
    """Whose TimeGate."""

    url: Annotated[str, Field(min_length=1, max_length=2000)] = Field(
        description="Address of a watched page, as its vendor has it."
    )
