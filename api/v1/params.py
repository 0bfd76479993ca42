"""What may be asked: query parameters, each checked, unknown ones refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from policies import moments
from policies.errors import BadInput
from policies.model import Health, Topic, VersionState

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


class Paging(BaseModel):
    """Which part of a list."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, BeforeValidator(_count), Field(ge=1, le=LARGEST)] = Field(
        default=50, description="How many items at most."
    )
    cursor: Annotated[str, Field(min_length=1, max_length=300)] | None = Field(
        default=None, description="Where to go on: `next` of the answer before."
    )


class PagesQuery(Paging):
    """Which pages."""

    vendor: Id = Field(default=None, description="Id of a vendor.")
    language: Language = Field(default=None, description="ISO 639-1.")


class VersionsQuery(Paging):
    """Which versions of a page."""

    state: VersionState | None = Field(default=None, description="Only versions of this state.")


class ChangesQuery(Paging):
    """Which changes."""

    vendor: Id = Field(default=None, description="Id of a vendor.")
    page: Id = Field(default=None, description="Id of a page.")
    topic: Topic | None = Field(default=None, description="Only changes that touch this topic.")
    since: Since = Field(default=None, description="First captured then or later.")
    until: Until = Field(
        default=None, description="First captured then or before; a date is whole."
    )
    language: Language = Field(default=None, description="ISO 639-1.")


class HealthQuery(Paging):
    """Which pages' health."""

    vendor: Id = Field(default=None, description="Id of a vendor.")
    health: Health | None = Field(default=None, description="Only pages of this health.")


class LogQuery(Paging):
    """Which entries of the log."""

    id: Id = Field(default=None, description="Only those of this capture, version or change.")
