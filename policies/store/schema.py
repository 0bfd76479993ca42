"""The tables. Texts, passages and verdicts are addressed by content and stored once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine


class Instant(TypeDecorator[datetime]):
    """An aware UTC time, kept as microseconds since 1970 so that both databases order it alike."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        """Microseconds since 1970 of an aware time."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time in the store has to be aware")
        delta = value.astimezone(UTC) - _EPOCH
        return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        """The aware UTC time."""
        if value is None:
            return None
        return datetime.fromtimestamp(value // 1_000_000, UTC).replace(
            microsecond=value % 1_000_000
        )


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Words(TypeDecorator[Sequence[str]]):
    """The words of `policies.words` in order, as each database indexes them.

    Text with spaces for FTS5; for PostgreSQL a tsvector made here, word by word, so that no
    parser or dictionary of a server decides what is found.
    """

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> TypeEngine[Any]:
        """The column's type."""
        kind = postgresql.TSVECTOR if dialect.name == "postgresql" else sa.Text
        return dialect.type_descriptor(kind())  # type: ignore[no-any-return]

    def process_bind_param(self, value: Sequence[str] | None, dialect: Any) -> str | None:
        """The words as the database takes them; a word is letters and digits, so needs no care."""
        if value is None:
            return None
        if dialect.name == "postgresql":
            return " ".join(f"'{word}':{at}" for at, word in enumerate(value, 1))
        return " ".join(value)

    def process_result_value(self, value: str | None, dialect: Any) -> Sequence[str] | None:
        """The words in order."""
        if value is None:
            return None
        if dialect.name == "postgresql":
            places = {
                int(at): word
                for word, listed in re.findall(r"'([^']*)':([\d,]+)", value)
                for at in listed.split(",")
            }
            return tuple(word for _, word in sorted(places.items()))
        return tuple(value.split())


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

vendors = sa.Table(
    "vendors",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("assistants", sa.JSON, nullable=False),  # [{id, name}]
    sa.Column("sites", sa.JSON, nullable=False),  # [{host, paths, assistants}]
    sa.Column("controls", sa.JSON, nullable=False),  # [{id, kind, assistants, name, url, steps}]
    sa.Column("declared", sa.Boolean, nullable=False),  # False: only known from an import
)

pages = sa.Table(
    "pages",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("vendor_id", sa.ForeignKey(vendors.c.id), nullable=False, index=True),
    sa.Column("policy_id", sa.Text, nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("assistants", sa.JSON, nullable=False),  # ids; [] is all of the vendor
    sa.Column("lang", sa.Text, nullable=False),
    sa.Column("region", sa.Text),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("reading", sa.JSON, nullable=False, default=dict),  # {select, remove, earlier_urls}
    sa.Column("declared", sa.Boolean, nullable=False),  # False: left the catalog, or imported
)

texts = sa.Table(
    "texts",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # sha256 of language and text, hex
    sa.Column("lang", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),  # the text, UTF-8, zlib
    sa.Column("blocks", sa.LargeBinary, nullable=False),  # [[kind, level, start, end]], JSON, zlib
    sa.Column("characters", sa.Integer, nullable=False),
    sa.Column("passages", sa.Integer, nullable=False),
    sa.Column("signature", sa.Text, nullable=False),  # same for texts that differ only in cosmetics
    sa.Column("region", sa.Text),  # regional spelling, where it is told: "us", "gb"
    # When it says that it was last updated: "2024-06-25", "2024-06"; "": it does not say; None:
    # not looked for yet.
    sa.Column("stated_date", sa.Text),
)

passages = sa.Table(
    "passages",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # 16 hex digits
    sa.Column("lang", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),  # as first seen; quotes come from the version
)

verdicts = sa.Table(
    "verdicts",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # hash of passage, context, scope, detector
    sa.Column("detector", sa.Text, nullable=False),
    sa.Column("topics", sa.JSON, nullable=False),
    sa.Column("stance", sa.Text),
    sa.Column("matches", sa.JSON, nullable=False),  # [[topic, pattern, start, end]]
    sa.Column("slots", sa.JSON, nullable=False),
)

text_passages = sa.Table(
    "text_passages",
    metadata,
    sa.Column("text_id", sa.ForeignKey(texts.c.id), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("passage_id", sa.ForeignKey(passages.c.id), nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sa.Column("headings", sa.JSON, nullable=False),  # positions, outermost first
)

disclosures = sa.Table(
    "disclosures",
    metadata,
    # Only passages that say something; the scope is the page's, so the same text may have two.
    sa.Column("text_id", sa.ForeignKey(texts.c.id), primary_key=True),
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("verdict_id", sa.ForeignKey(verdicts.c.id), nullable=False, index=True),
)

readings = sa.Table(
    "readings",
    metadata,
    # Which texts were judged in which scope by which detector: "nothing found" is then an answer.
    sa.Column("text_id", sa.ForeignKey(texts.c.id), primary_key=True),
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("detector", sa.Text, nullable=False),  # "" : language not read
)

captures = sa.Table(
    "captures",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # 16 hex digits: hash of page, origin and time
    sa.Column("page_id", sa.ForeignKey(pages.c.id), nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("captured_at", Instant, nullable=False),
    sa.Column("seen_until", Instant, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("final_url", sa.Text, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column(
        "digest", sa.Text
    ),  # "sha256:<hex>" of the body; for a 304 that of the body it repeats
    sa.Column("size", sa.Integer),  # bytes of the body
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("reasons", sa.JSON, nullable=False),  # [{rule, says, numbers}]
    sa.Column("text_id", sa.ForeignKey(texts.c.id)),  # None: not read
    sa.Column("etag", sa.Text),
    sa.Column("last_modified", sa.Text),
    sa.Column("note", sa.Text),
    sa.Column("record", sa.Text),  # "response", "resource" or "revisit" (holds no body)
    sa.Column("warc_file", sa.Text),  # None: no response came
    sa.Column("warc_offset", sa.BigInteger),
    sa.Column("warc_length", sa.Integer),
    sa.Index("ix_captures_page", "page_id", "origin", "captured_at"),
    sa.Index("ix_captures_digest", "digest"),
    sa.Index("ix_captures_text", "text_id"),
)

versions = sa.Table(
    "versions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # 16 hex digits: hash of page, origin, text, time
    sa.Column("page_id", sa.ForeignKey(pages.c.id), nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("text_id", sa.ForeignKey(texts.c.id), nullable=False),
    sa.Column("capture_id", sa.ForeignKey(captures.c.id), nullable=False),  # first that showed it
    sa.Column("captured_at", Instant, nullable=False),
    sa.Column("reading", sa.Text, nullable=False, default=""),  # how it was read: "main/1"
    sa.Column("state", sa.Text, nullable=False),  # VersionState
    sa.Column("confirmed_at", Instant),  # None: waits, or never was
    sa.Column("confirmed_by", sa.Text),  # id of the capture that confirmed it
    sa.Column("base_id", sa.Text),  # version it was compared with; None: first of its origin
    sa.Column("last_seen", Instant, nullable=False),
    sa.Index("ix_versions_page", "page_id", "origin", "captured_at"),
    sa.Index("ix_versions_text", "text_id"),
)

changes = sa.Table(
    "changes",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # 16 hex digits: hash of page, versions, time
    sa.Column("page_id", sa.ForeignKey(pages.c.id), nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("before_id", sa.ForeignKey(versions.c.id), nullable=False),
    sa.Column("after_id", sa.ForeignKey(versions.c.id), nullable=False, unique=True),
    sa.Column("captured_at", Instant, nullable=False),  # first capture that showed it
    sa.Column("confirmed_at", Instant, nullable=False),
    sa.Column("topics", sa.JSON, nullable=False),
    sa.Column("edits", sa.LargeBinary, nullable=False),  # JSON, zlib; see store.codec
    # Same for the same rewording wherever it happens.
    sa.Column("fingerprint", sa.Text, nullable=False, default="", index=True),
    sa.Column("weight", sa.Integer),  # characters that its edits touch; None: not yet in an event
    sa.Column("regional", sa.Float),  # share of them in passages that name a region
    sa.Column("event_id", sa.ForeignKey("events.id"), index=True),  # None: not yet in one
    sa.Column("added", sa.Integer, nullable=False),  # passages
    sa.Column("removed", sa.Integer, nullable=False),
    sa.Column("replaced", sa.Integer, nullable=False),
    sa.Column("moved", sa.Integer, nullable=False),
    # topic -> {direction, findings: [[rule, old, new]]}, words as [position, start, end] or null
    sa.Column("directions", sa.JSON, nullable=False, server_default="{}"),
    sa.Column("directed_by", sa.Text, nullable=False, server_default=""),  # rules; "": not yet
    sa.Index("ix_changes_time", "captured_at", "id"),
    sa.Index("ix_changes_page", "page_id", "captured_at"),
)

change_topics = sa.Table(
    "change_topics",
    metadata,
    sa.Column("change_id", sa.ForeignKey(changes.c.id), primary_key=True),
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("direction", sa.Text),  # None: not directed yet
    sa.Index("ix_change_topics_topic", "topic"),
)

rewordings = sa.Table(
    "rewordings",
    metadata,
    # The edits of a change, one by one, so that the same edit on another page is found.
    sa.Column("change_id", sa.ForeignKey(changes.c.id), primary_key=True),
    sa.Column("mark", sa.Text, primary_key=True),  # same for the same edit wherever it happens
    sa.Column("weight", sa.Integer, nullable=False),  # characters that it touches
    sa.Index("ix_rewordings_mark", "mark"),
)

events = sa.Table(
    "events",
    metadata,
    # What people are told of: one edit on however many pages, or another health of a page.
    sa.Column("id", sa.Text, primary_key=True),  # 16 hex digits
    sa.Column("kind", sa.Text, nullable=False),  # EventKind
    sa.Column("vendor_id", sa.ForeignKey(vendors.c.id), nullable=False),
    sa.Column("page_id", sa.ForeignKey(pages.c.id), nullable=False),  # where it was seen first
    sa.Column("captured_at", Instant, nullable=False),  # first capture that showed it
    sa.Column("confirmed_at", Instant, nullable=False),  # when it was published
    sa.Column("updated_at", Instant, nullable=False),  # when the last occurrence was published
    sa.Column("health_before", sa.Text),  # Health; None: of a change, or nothing was told before
    sa.Column("health_after", sa.Text),  # Health; None: of a change
    sa.Column("says", sa.Text, nullable=False),  # why, of another health; "" of a change
    sa.Column("labels", sa.JSON, nullable=False),  # [{rule, says, numbers}]
    sa.Index("ix_events_time", "confirmed_at", "id"),
    sa.Index("ix_events_vendor", "vendor_id", "confirmed_at"),
    sa.Index("ix_events_page", "page_id", "confirmed_at"),
)

spells = sa.Table(
    "spells",
    metadata,
    # An unbroken run of versions of a page that hold a passage; a gap starts another.
    sa.Column("page_id", sa.ForeignKey(pages.c.id), primary_key=True),
    sa.Column("origin", sa.Text, primary_key=True),
    sa.Column("passage_id", sa.ForeignKey(passages.c.id), primary_key=True),
    sa.Column("first_seen", Instant, primary_key=True),
    sa.Column(
        "ended", Instant
    ),  # first capture without it; None: still there in the current version
    sa.Index("ix_spells_passage", "passage_id"),
)

tracks = sa.Table(
    "tracks",
    metadata,
    # Where a page's history of one origin stands; what `tracking` decides from.
    sa.Column("page_id", sa.ForeignKey(pages.c.id), primary_key=True),
    sa.Column("origin", sa.Text, primary_key=True),
    sa.Column("current_id", sa.Text),  # version believed now
    sa.Column("pending_id", sa.Text),  # version that waits for confirmation
    sa.Column("variants", sa.JSON, nullable=False),  # see tracking.state
    sa.Column("last_capture_at", Instant),
    sa.Column("last_read_at", Instant),  # last capture whose text was read
    sa.Column("health", sa.Text, nullable=False),  # Health
    sa.Column("health_since", Instant),
    sa.Column("health_reason", sa.Text, nullable=False),
    sa.Column("health_seen", sa.Integer, nullable=False, default=0),  # captures in a row with it
    sa.Column("health_told", sa.Text),  # the health of the last event; None: none was due yet
    sa.Column("warnings", sa.JSON, nullable=False),  # rules that hold though the page is read
    sa.Column("failures", sa.Integer, nullable=False),  # unread captures in a row
)

log = sa.Table(
    "log",
    metadata,
    # What was recorded, in order: append-only, each entry naming the hash of the one before.
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),  # from 1, no gap
    sa.Column("at", Instant, nullable=False),  # when it was entered
    sa.Column("kind", sa.Text, nullable=False),  # "capture", "version", "change", "event"
    sa.Column("id", sa.Text, nullable=False),  # of the row
    sa.Column("what", sa.Text, nullable=False),  # outcome, state, topics or kind
    sa.Column("form", sa.Integer, nullable=False),  # which columns were hashed; see store.chain
    sa.Column("digest", sa.Text, nullable=False),  # hex SHA-256 of the row's record
    sa.Column("backfilled", sa.Boolean, nullable=False),  # for a row older than the log
    sa.Column("previous", sa.Text, nullable=False, unique=True),  # hash of the entry before
    sa.Column("skip", sa.Text, nullable=False),  # hash of an entry far behind
    sa.Column("hash", sa.Text, nullable=False, unique=True),  # hex SHA-256 of the entry's line
    sa.Index("ix_log_subject", "kind", "id", "seq"),
    sa.Index("ix_log_at", "at"),
)

stamps = sa.Table(
    "stamps",
    metadata,
    # Timestamps (RFC 3161) of heads of the log.
    sa.Column("seq", sa.ForeignKey(log.c.seq), primary_key=True),
    sa.Column("authority", sa.Text, primary_key=True),  # its address
    sa.Column("hash", sa.Text, nullable=False),  # of that entry, as stamped
    sa.Column("stamped_at", Instant, nullable=False),  # as the authority says
    sa.Column("token", sa.LargeBinary, nullable=False),  # the authority's answer, DER
)

outbox = sa.Table(
    "outbox",
    metadata,
    # What somebody is to be told, kept until it was sent, and then as a record of it.
    sa.Column("id", sa.Text, primary_key=True),  # hash of rule, target and subject: told once
    sa.Column("rule", sa.Text, nullable=False),  # its name
    sa.Column("target", sa.Text, nullable=False),  # hash of the address, which may be a secret
    sa.Column("kind", sa.Text, nullable=False),  # EventKind
    sa.Column("subject", sa.Text, nullable=False),  # id of the event
    sa.Column("seq", sa.BigInteger, nullable=False),  # the log's entry that told of it
    sa.Column("entered_at", Instant, nullable=False),
    sa.Column("due_at", Instant, nullable=False),  # not to be sent before
    sa.Column("attempts", sa.Integer, nullable=False),  # that failed
    sa.Column("message", sa.Text),  # id of the message it goes out in, from the first attempt on
    sa.Column("begun_at", Instant),  # an attempt is being made, or was when the process died
    sa.Column("sent_at", Instant),
    sa.Column("trouble", sa.Text, nullable=False),  # of the last attempt
    sa.Index("ix_outbox_due", "sent_at", "due_at"),
)

heard = sa.Table(
    "heard",
    metadata,
    # Up to which entry of the log each rule was told.
    sa.Column("rule", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
)

# In SQLite only an INTEGER key is the row's own number, by which FTS5 finds it.
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")

passage_words = sa.Table(
    "passage_words",
    metadata,
    # The words of every passage of a version, for search; indexed by FTS5 or GIN (see migrations).
    # Its number orders what is found: by the time it was first seen, see `store.search`.
    sa.Column("number", _NUMBER, primary_key=True, autoincrement=False),
    sa.Column("passage_id", sa.ForeignKey(passages.c.id), nullable=False, unique=True),
    sa.Column("words", Words, nullable=False),
)

edit_words = sa.Table(
    "edit_words",
    metadata,
    # The words that an edit of a published change took away and brought.
    sa.Column("number", _NUMBER, primary_key=True, autoincrement=False),
    sa.Column("change_id", sa.ForeignKey(changes.c.id), nullable=False),
    sa.Column("edit", sa.Integer, nullable=False),  # position among the change's edits
    sa.Column("kind", sa.Text, nullable=False),  # EditKind: added, removed or replaced
    sa.Column("old_id", sa.ForeignKey(passages.c.id), index=True),  # passage before
    sa.Column("new_id", sa.ForeignKey(passages.c.id), index=True),  # and since
    sa.Column("removed", Words, nullable=False),
    sa.Column("added", Words, nullable=False),
    sa.UniqueConstraint("change_id", "edit"),
)
