"""Who is to be told of what: one YAML file, checked on load.

    rules:
      - name: newsroom            # keep it: by it is known what was told already
        to:                       # at least one
          - mailto://user:${MAIL_PASSWORD}@example.org     # whatever Apprise knows
          - webhook: https://example.org/hook              # signed: Standard Webhooks
            secret: ${HOOK_SECRET}                         # whsec_ and base64
        tell: [changes, health]   # left out: changes
        vendors: [amazon]         # left out: all
        pages: [amazon.alexa-faq.en]
        topics: [human_review]    # of changes
        directions: [worse]       # of changes, on one of these topics, or on any
        languages: [en]           # of pages
        health: [blocked, gone]   # left out: all, and when a page can be looked at again
        digest: daily             # or weekly; left out: at once
        language: fr              # of the message; left out: en

`${NAME}` stands for an environment variable, so that no secret need be in the file.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from policies.direction import Direction
from policies.errors import BadInput
from policies.model import Health, Topic

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SENT_AT = time(7, tzinfo=UTC)  # digests: early in a European day
_LARGEST = 1_000_000  # bytes of the file
_SECRET = "whsec_"  # noqa: S105 - how Standard Webhooks begin a secret
_SHORTEST_SECRET = 24  # bytes, as Standard Webhooks ask for


class Digest(StrEnum):
    """When somebody is told."""

    AT_ONCE = "at once"
    DAILY = "daily"
    WEEKLY = "weekly"


class _Strict(BaseModel):
    # What is given may be a secret: never in an error, nor when printed.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Webhook(_Strict):
    """An address that is sent JSON, signed."""

    webhook: str = Field(repr=False)
    secret: str = Field(repr=False)

    @property
    def address(self) -> str:
        """Where it is sent."""
        return self.webhook

    @property
    def key(self) -> bytes:
        """The key that signs. Raises BadInput."""
        try:
            key = base64.b64decode(self.secret.removeprefix(_SECRET), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) < _SHORTEST_SECRET:
            raise BadInput(
                f"the secret of the webhook at {self.name} has to be {_SECRET} and at least"
                f" {_SHORTEST_SECRET} bytes in base64: `openssl rand -base64 32` makes one"
            )
        return key

    @property
    def name(self) -> str:
        """What may be shown of it."""
        return urlsplit(self.webhook).hostname or "webhook"


class Apprise(_Strict):
    """An address that Apprise knows how to reach."""

    address: str = Field(repr=False)

    @property
    def name(self) -> str:
        """What may be shown of it: the rest may be a secret."""
        return f"{self.address.partition('://')[0]}://…"


Target = Webhook | Apprise


def fingerprint(target: Target) -> str:
    """By what a target is known in the outbox."""
    return hashlib.sha256(target.address.encode()).hexdigest()[:16]


class Rule(_Strict):
    """Who is to be told of what."""

    name: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f]+$")]
    to: Annotated[tuple[Webhook | str, ...], Field(min_length=1, repr=False)]
    tell: tuple[Literal["changes", "health"], ...] = ("changes",)
    vendors: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    topics: tuple[Topic, ...] = ()
    directions: tuple[Direction, ...] = ()
    languages: tuple[str, ...] = ()
    health: tuple[Health, ...] = ()
    digest: Digest = Digest.AT_ONCE
    language: Literal["en", "fr"] = "en"

    @property
    def targets(self) -> tuple[Target, ...]:
        """Those to be told."""
        return tuple(Apprise(address=t) if isinstance(t, str) else t for t in self.to)

    def concerns(self, vendor_id: str, page_id: str, lang: str) -> bool:
        """Whether a page is one that this rule asks for."""
        return (
            (not self.vendors or vendor_id in self.vendors)
            and (not self.pages or page_id in self.pages)
            and (not self.languages or lang in self.languages)
        )

    def is_about(self, topics: Iterable[Topic], ways: Mapping[Topic, Direction]) -> bool:
        """Whether a change of these topics, which goes these ways on them, is asked for."""
        asked = [topic for topic in topics if not self.topics or topic in self.topics]
        if self.topics and not asked:
            return False
        return not self.directions or any(ways.get(topic) in self.directions for topic in asked)

    def due(self, now: datetime) -> datetime:
        """When what comes up now is to be sent."""
        if self.digest is Digest.AT_ONCE:
            return now
        today = datetime.combine(now.astimezone(UTC).date(), _SENT_AT)
        if self.digest is Digest.DAILY:
            return today if now < today else today + timedelta(days=1)
        monday = today - timedelta(days=today.weekday())
        return monday if now < monday else monday + timedelta(days=7)


class _File(_Strict):
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]


def load(path: Path, environ: Mapping[str, str]) -> tuple[Rule, ...]:
    """The rules of a file. Raises BadInput, in words without what may be a secret."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise BadInput(f"the rules at {path} cannot be read: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise BadInput(f"the rules at {path} are larger than {_LARGEST:,} bytes")
    try:
        given = yaml.safe_load(data)
    except (yaml.YAMLError, UnicodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise BadInput(f"{path}{line}: this is no YAML") from None  # it would quote the line
    try:
        rules = _File.model_validate(_expanded(given, environ, path)).rules
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{path}: {where or 'the file'}: {first['msg']}") from None
    names = [rule.name for rule in rules]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadInput(f"{path}: two rules are named {twice!r}: give each a name of its own")
    for rule in rules:
        _check(rule, path)
    return rules


def _check(rule: Rule, path: Path) -> None:
    for target in rule.targets:
        if "://" not in target.address:
            raise BadInput(
                f"{path}: rule {rule.name!r}: an address begins like mailto:// or json://"
            )
        if isinstance(target, Webhook):
            if urlsplit(target.webhook).scheme not in ("http", "https"):
                raise BadInput(f"{path}: rule {rule.name!r}: a webhook begins with https://")
            assert target.key


def _expanded(value: Any, environ: Mapping[str, str], path: Path) -> Any:
    """A YAML value with environment variables in the place of their names."""
    if isinstance(value, dict):
        return {key: _expanded(one, environ, path) for key, one in value.items()}
    if isinstance(value, list):
        return [_expanded(one, environ, path) for one in value]
    if not isinstance(value, str):
        return value

    def given(found: re.Match[str]) -> str:
        if found[1] not in environ:
            raise BadInput(f"{path} names the environment variable {found[1]}, which is not set")
        return environ[found[1]]

    return _VARIABLE.sub(given, value)
