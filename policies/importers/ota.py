"""A versions repository of Open Terms Archive becomes captures, oldest first.

The archive keeps one Markdown file a document, `<service>/<terms>.md`, and commits each text
that it records. The commits are not in the order of time (a later re-extraction of an older
snapshot bears the older date), so the versions of each document are ordered by committer time
here.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from policies.errors import BadInput
from policies.importers.repository import Blobs, Event, blobs, events, located
from policies.model import Capture, Page, Policy, PolicyKind, Scope, Vendor

# The longest text in the archives at hand has 340,000 bytes (November 2026).
MAX_BLOB = 5_000_000
_HEADERS = (("content-type", "text/markdown; charset=utf-8"),)
# How the archive's engine words, and once worded, what is not a vendor's doing.
_MARKS = (
    (re.compile(r"apply technical", re.IGNORECASE), "technical upgrade"),
    (re.compile(r"refilter", re.IGNORECASE), "refilter"),
    (re.compile(r"(start tracking|first record)", re.IGNORECASE), "start"),
)
_COLLECTION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# A language is told from this many characters at least; a text below it is a failed recording.
_TELLING = 400
_AFTER = timedelta(microseconds=1)
# Longer than a recording that is judged by how long it stood has to stand (`tracking.state`).
_NOTABLY = timedelta(days=4)


class Recording(NamedTuple):
    """One recorded version of a document."""

    captured_at: datetime
    seen_until: datetime  # the archive vouches for the text until then
    commit: str
    blob: str
    mark: str | None  # "technical upgrade", "refilter", "start"

    @property
    def note(self) -> str:
        """The commit's id, and the mark where it has one."""
        return f"{self.commit} {self.mark}" if self.mark else self.commit


@dataclass(frozen=True)
class OtaDocument:
    """A document that a collection tracks."""

    service: str  # "Google Nest"
    terms: str  # "Privacy Policy"
    recordings: tuple[Recording, ...] = field(repr=False)  # oldest first, at least one

    @property
    def path(self) -> str:
        """Where it lies in the repository."""
        return f"{self.service}/{self.terms}.md"

    @property
    def versions(self) -> int:
        """How many versions were recorded."""
        return len(self.recordings)


@dataclass(frozen=True)
class History:
    """All documents of one collection, and the way to their texts."""

    collection: str  # "contrib"
    git_dir: Path
    documents: tuple[OtaDocument, ...]  # by path

    def of_service(self, service: str) -> tuple[OtaDocument, ...]:
        """The documents of a service; raises BadInput, naming those that exist."""
        found = tuple(d for d in self.documents if d.service == service)
        if not found:
            known = ", ".join(sorted({d.service for d in self.documents}))
            raise BadInput(f"{self.collection} has no service {service!r}; it has: {known}")
        return found

    def captures(
        self, document: OtaDocument, page_id: str, after: datetime | None = None
    ) -> Iterator[Capture]:
        """The recorded versions of a document as captures of a page, oldest first.

        `after`: only what was recorded later. A text of more than 5 MB comes as a capture that
        failed, with the reason. Raises BadInput where the repository is damaged.
        """
        wanted = [r for r in document.recordings if after is None or r.captured_at > after]
        with blobs(self.git_dir) as reader:
            for recording in wanted:
                yield _capture(self.collection, document, page_id, recording, reader)

    def still_there(
        self, document: OtaDocument, page_id: str, known: datetime, until: datetime
    ) -> Capture | None:
        """The newest recording that was known, as seen once more, if the archive has grown since.

        `known`: when it was recorded, or the like of this made of it; `until`: how long the
        archive vouched for it then. None: not notably longer today.
        """
        last = next((r for r in reversed(document.recordings) if r.captured_at <= known), None)
        if last is None or last.seen_until - until < _NOTABLY:
            return None
        again = last._replace(captured_at=max(until, known + _AFTER))
        with blobs(self.git_dir) as reader:
            return _capture(self.collection, document, page_id, again, reader)


def histories(repository: Path, cache: Path, collection: str | None = None) -> History:
    """The documents of a versions repository: a git folder, or a bundle of one.

    A bundle is first cloned into the folder `cache`, once. `collection`: "contrib" and the like;
    None: told from the repository's name. Raises BadInput for what is no such repository.
    """
    collection = collection or _collection(repository)
    if not _COLLECTION.fullmatch(collection):
        raise BadInput(f"expected the name of a collection like contrib, got {collection!r}")
    git_dir = located(repository, cache)
    documents = _documents(git_dir)
    if not documents:
        raise BadInput(f"{repository} records no documents: no <service>/<terms>.md in its history")
    return History(collection=collection, git_dir=git_dir, documents=documents)


def undeclared_page(history: History, document: OtaDocument) -> tuple[Vendor, Policy, Page]:
    """A vendor, policy and page for a document that no declaration names.

    The ids are made of collection, service, terms and language; the language is told from the
    newest text that is long enough. The page's address is the archive's: it is not to be crawled.
    """
    service, terms = _slugs(history, document)
    vendor_id = f"ota-{history.collection}-{service}"
    policy_id = f"{vendor_id}.{terms}"
    lang = _language(history, document)
    page = Page(
        id=f"{policy_id}.{lang}",
        vendor_id=vendor_id,
        policy_id=policy_id,
        lang=lang,
        region=None,
        url=_address(history.collection, "main", document.path),
        scope=Scope.GENERAL,
    )
    policy = Policy(
        id=policy_id,
        vendor_id=vendor_id,
        kind=_kind(document.terms),
        title=document.terms,
        scope=Scope.GENERAL,
        assistants=(),
        pages=(page,),
    )
    vendor = Vendor(
        id=vendor_id,
        name=document.service,
        assistants=(),
        sites=(),
        controls=(),
        policies=(policy,),
    )
    return vendor, policy, page


# --- reading the history ---------------------------------------------------------------


def _collection(repository: Path) -> str:
    """contrib-versions, contrib-versions.git and contrib-voice.bundle are all of contrib."""
    name = re.sub(r"\.(git|bundle)$", "", repository.resolve().name)
    return re.sub(r"-(versions|voice)$", "", name).lower()


def _documents(git_dir: Path) -> tuple[OtaDocument, ...]:
    by_path: dict[str, list[Event]] = {}
    for event in events(git_dir):
        if _is_document(event.path):
            by_path.setdefault(event.path, []).append(event)
    recorded = (event.at for done in by_path.values() for event in done if event.blob)
    newest = max(recorded, default=None)
    if newest is None:
        return ()
    documents = (_document(path, done, newest) for path, done in sorted(by_path.items()))
    return tuple(document for document in documents if document.recordings)


def _is_document(path: str) -> bool:
    return path.count("/") == 1 and path.endswith(".md") and not path.startswith(".")


def _document(path: str, done: Sequence[Event], newest: datetime) -> OtaDocument:
    """`newest`: when the archive last recorded anything; until then it was looking."""
    in_order = sorted(done, key=lambda event: (event.at, event.position))
    times: list[datetime] = []
    for event in in_order:  # of several commits in one second each later one is later
        times.append(max(event.at, times[-1] + _AFTER) if times else event.at)
    service, _, file = path.partition("/")
    return OtaDocument(
        service=service,
        terms=file.removesuffix(".md"),
        recordings=tuple(
            Recording(at, max(at, until), event.commit, event.blob, _mark(event.subject))
            for event, at, until in zip(in_order, times, [*times[1:], newest], strict=True)
            if event.blob
        ),
    )


def _mark(subject: str) -> str | None:
    return next((mark for pattern, mark in _MARKS if pattern.match(subject)), None)


def _capture(
    collection: str,
    document: OtaDocument,
    page_id: str,
    recording: Recording,
    reader: Blobs,
) -> Capture:
    url = _address(collection, recording.commit, document.path)
    body = reader.read(recording.blob, at_most=MAX_BLOB)
    failure = None
    if isinstance(body, int):
        failure = f"too-large: {body:,} bytes, more than the {MAX_BLOB:,} that are read"
    return Capture(
        page_id=page_id,
        origin=f"ota:{collection}",
        captured_at=recording.captured_at,
        url=url,
        final_url=url,
        status=None if failure else 200,
        headers=() if failure else _HEADERS,
        body=b"" if isinstance(body, int) else body,
        failure=failure,
        seen_until=recording.seen_until,
        note=recording.note,
    )


def _address(collection: str, at: str, path: str) -> str:
    return f"https://github.com/OpenTermsArchive/{collection}-versions/blob/{at}/{quote(path)}"


# --- a page for what is not declared ---------------------------------------------------


def _slugs(history: History, document: OtaDocument) -> tuple[str, str]:
    """Ids of service and terms; where two names come to the same, the older document keeps it."""
    plain = _slug(document.service), _slug(document.terms)
    rivals = [d for d in history.documents if (_slug(d.service), _slug(d.terms)) == plain]
    oldest = min(rivals, key=lambda d: (d.recordings[0].captured_at, d.path))
    if document.path == oldest.path and all(plain):
        return plain
    digest = hashlib.sha256(document.path.encode()).hexdigest()[:8]
    return plain[0] or "service", f"{plain[1] or 'terms'}-{digest}"


def _slug(name: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")


def _kind(terms: str) -> PolicyKind:
    words = terms.casefold()
    if "privacy" in words:
        return PolicyKind.PRIVACY_POLICY
    if "terms" in words or "conditions" in words or "agreement" in words:
        return PolicyKind.TERMS
    return PolicyKind.NOTICE


def _language(history: History, document: OtaDocument) -> str:
    import py3langid  # loads its model: only where it is needed

    longest = ""
    with blobs(history.git_dir) as reader:
        for recording in reversed(document.recordings):
            body = reader.read(recording.blob, at_most=MAX_BLOB)
            if isinstance(body, bytes):
                longest = max(longest, _without_links(body.decode("utf-8", "replace")), key=len)
            if len(longest) >= _TELLING:
                break
    return str(py3langid.classify(longest)[0])


def _without_links(markdown: str) -> str:
    """Markdown without the targets of its links, which are English in every language."""
    return re.sub(r"\]\([^)\s]*\)|https?://\S+", "]", markdown)
