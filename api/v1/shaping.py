"""From what the store and the ledger hold to the shapes of the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from api import knowledge
from api.knowledge import Known, KnownPage
from api.v1 import schemas
from policies import direction, rendering, summary
from policies.ledger import Answer, Period, Statement
from policies.locale import LANGUAGES
from policies.model import Assistant, Reason, Topic
from policies.store.chain import Entry
from policies.store.queries import changes, events
from policies.store.queries.catalog import PageRow
from policies.store.queries.changes import ChangeRow
from policies.store.queries.events import EventRow
from policies.store.queries.health import PageHealth
from policies.store.queries.places import Place, still_stated
from policies.store.queries.tracks import TrackRow
from policies.store.queries.versions import DisclosureRow, TextRow, VersionRow

QUOTES = 5  # of each topic on a vendor; the rest are in the versions

Quotes = Mapping[tuple[str, int], knowledge.Quote]


def page_brief(known: KnownPage) -> schemas.PageBrief:
    """A page in short."""
    return schemas.PageBrief(**_page_fields(known))


def page(known: KnownPage) -> schemas.Page:
    """A page with its tracks."""
    return schemas.Page(**_page_fields(known), tracks=[_track(track) for track in known.tracks])


def _page_fields(known: KnownPage) -> dict[str, object]:
    row, now = known.page, known.now
    return {
        "id": row.id,
        "vendor_id": row.vendor_id,
        "vendor_name": row.vendor_name,
        "policy_id": row.policy_id,
        "kind": row.kind,
        "title": row.title,
        "scope": row.scope,
        "assistants": list(row.assistants),
        "language": row.lang,
        "region": row.region,
        "url": row.url,
        "declared": row.declared,
        "health": known.health.health,
        "origin": now.origin if now else None,
        "version_id": now.current_id if now else None,
        "version_captured_at": now.captured_at if now else None,
        "last_read_at": now.last_read_at if now else None,
    }


def _track(row: TrackRow) -> schemas.Track:
    return schemas.Track(
        health=row.health,
        since=row.health_since,
        reason=row.health_reason,
        warnings=_notices(row.warnings),
        failures=row.failures,
        last_capture_at=row.last_capture_at,
        last_read_at=row.last_read_at,
        origin=row.origin,
        current_version_id=row.current_id,
        pending_version_id=row.pending_id,
        first_read_at=row.first_read,
        stated_date=row.stated_date,
    )


def _notices(reasons: Iterable[Reason]) -> list[schemas.Notice]:
    return [schemas.Notice(rule=r.rule, says=r.says, numbers=dict(r.numbers)) for r in reasons]


def health_item(known: KnownPage, found: PageHealth) -> schemas.HealthItem:
    """A page's health."""
    return schemas.HealthItem(
        health=found.health,
        since=found.since,
        reason=found.reason,
        warnings=_notices(found.warnings),
        failures=found.failures,
        last_capture_at=found.last_capture_at,
        last_read_at=found.last_read_at,
        page_id=known.page.id,
        vendor_id=known.page.vendor_id,
        title=known.page.title,
        url=known.page.url,
        language=known.page.lang,
        declared=known.page.declared,
    )


def version(row: VersionRow) -> schemas.Version:
    """A version without its text."""
    return schemas.Version(**_version_fields(row))


def _version_fields(row: VersionRow) -> dict[str, object]:
    return {
        "id": row.id,
        "page_id": row.page_id,
        "origin": row.origin,
        "state": row.state,
        "language": row.lang,
        "text_digest": f"sha256:{row.text_id}",
        "captured_at": row.captured_at,
        "confirmed_at": row.confirmed_at,
        "last_seen": row.last_seen,
        "characters": row.characters,
        "stated_date": row.stated_date,
        "passages": row.passages,
        "capture": schemas.Capture.model_validate(row.capture),
        "change_id": row.change_id,
    }


def full_version(
    row: VersionRow, text: TextRow, neighbours: tuple[str | None, str | None]
) -> schemas.FullVersion:
    """A version with its text."""
    return schemas.FullVersion(
        **_version_fields(row),
        text=text.body,
        judged=text.judged,
        passage_list=[
            schemas.Passage(
                position=at,
                passage_id=passage.id,
                kind=passage.kind,
                start=passage.start,
                end=passage.end,
                headings=list(passage.headings),
                disclosure=_disclosure(text.disclosures.get(at)),
            )
            for at, passage in enumerate(text.passages)
        ],
        previous_id=neighbours[0],
        next_id=neighbours[1],
    )


def change_brief(row: ChangeRow) -> schemas.ChangeBrief:
    """A change without its edits."""
    return schemas.ChangeBrief(**_change_fields(row))


def _change_fields(row: ChangeRow) -> dict[str, object]:
    counts = (row.added, row.removed, row.replaced, row.moved)
    ways = {topic: one.direction for topic, one in direction.unpack(row.directions).items()}
    return {
        "id": row.id,
        "vendor_id": row.vendor_id,
        "vendor_name": row.vendor_name,
        "page_id": row.page_id,
        "page_title": row.page_title,
        "page_url": row.page_url,
        "language": row.lang,
        "region": row.region,
        "origin": row.origin,
        "before_id": row.before_id,
        "after_id": row.after_id,
        "captured_at": row.captured_at,
        "confirmed_at": row.confirmed_at,
        "event_id": row.event_id,
        "topics": list(row.topics),
        "added": row.added,
        "removed": row.removed,
        "replaced": row.replaced,
        "moved": row.moved,
        "directions": ways,
        "summary": {
            lang: list(
                summary.change(row.vendor_name, row.page_title, counts, row.topics, lang, ways)
            )
            for lang in LANGUAGES
        },
    }


def change(connection: sa.Connection, row: ChangeRow) -> schemas.Change:
    """A change with its edits."""
    shown = knowledge.opened(connection, row)
    previous_id, next_id = changes.neighbours(connection, row)
    words = rendering.words(shown.steps)
    edits = [step.edit for step in shown.steps]
    still = still_stated(connection, row.vendor_id, edits, shown.old.passages)
    of_event = events.event(connection, row.event_id) if row.event_id else None
    others = of_event.occurrences if of_event else ()
    return schemas.Change(
        **_change_fields(row),
        before=version(shown.before),
        after=version(shown.after),
        words_removed=words.removed,
        words_added=words.added,
        same_edit=[change_brief(other) for other in others if other.id != row.id],
        edits=[edit(step, shown.old, shown.new, still) for step in shown.steps],
        findings=_findings(shown),
        previous_id=previous_id,
        next_id=next_id,
    )


def _findings(shown: knowledge.OpenedChange) -> list[schemas.Finding]:
    return [
        schemas.Finding(
            topic=topic,
            direction=found.direction,
            rule=found.rule,
            says={lang: summary.rule(found.rule, lang) for lang in LANGUAGES},
            old=direction.quoted(found.old, shown.old.passages),
            new=direction.quoted(found.new, shown.new.passages),
        )
        for topic, directed in direction.unpack(shown.row.directions).items()
        for found in directed.findings
    ]


def event(row: EventRow) -> schemas.Event:
    """An event with its occurrences."""
    return schemas.Event(
        id=row.id,
        kind=row.kind,
        vendor_id=row.vendor_id,
        vendor_name=row.vendor_name,
        page_id=row.page_id,
        page_title=row.page_title,
        page_url=row.page_url,
        language=row.lang,
        region=row.region,
        captured_at=row.captured_at,
        confirmed_at=row.confirmed_at,
        updated_at=row.updated_at,
        topics=list(row.topics),
        health_before=row.health_before,
        health_after=row.health_after,
        reason=row.says,
        labels=_notices(row.labels),
        occurrences=[change_brief(change) for change in row.occurrences],
    )


def edit(
    step: rendering.Step,
    old: knowledge.Said,
    new: knowledge.Said,
    still: Mapping[int, Sequence[Place]] = MappingProxyType({}),
) -> schemas.Edit:
    """A step with its words and topics. `still`: where what it took out stands, by position."""
    told = rendering.to_json(step)
    places = still.get(step.edit.old, ()) if step.edit.old is not None else ()
    return schemas.Edit(
        kind=step.edit.kind,
        old=_side(told["old"], old),
        new=_side(told["new"], new),
        headings=told["headings"],
        topics=list(knowledge.step_topics(step, old, new)),
        spans=[schemas.Span(**span) for span in told["spans"]],
        still_stated=[schemas.StillStated.model_validate(place) for place in places],
    )


def _side(told: dict[str, object] | None, text: knowledge.Said) -> schemas.Side | None:
    if told is None:
        return None
    says = text.disclosures.get(int(str(told["position"])))
    return schemas.Side.model_validate({**told, "disclosure": _disclosure(says)})


def _disclosure(row: DisclosureRow | None) -> schemas.Disclosure | None:
    return schemas.Disclosure.model_validate(row) if row else None


def vendor_briefs(connection: sa.Connection, known: Sequence[Known]) -> list[schemas.VendorBrief]:
    """Vendors in short; one batch of quotes for all."""
    listening = [k.answers[Topic.HUMAN_REVIEW] for k in known]
    first = [s for answer in listening for s in answer.statements[:1]]
    found = knowledge.quotes(connection, first, _pages(known))
    return [
        schemas.VendorBrief(
            id=k.vendor.id,
            name=k.vendor.name,
            declared=k.vendor.declared,
            assistants=[schemas.Assistant.model_validate(a) for a in k.vendor.assistants],
            pages=k.vendor.pages,
            human_review=answer(k, told, found),
        )
        for k, told in zip(known, listening, strict=True)
    ]


def compared(
    connection: sa.Connection, known: Sequence[Known], topic: Topic
) -> list[schemas.VendorAnswer]:
    """What these vendors say about a topic; one batch of quotes for all."""
    told = [k.answers[topic] for k in known]
    shown = [s for found in told for s in found.statements[:QUOTES]]
    words = knowledge.quotes(connection, shown, _pages(known))
    return [
        schemas.VendorAnswer(
            vendor_id=k.vendor.id, vendor_name=k.vendor.name, answer=answer(k, found, words)
        )
        for k, found in zip(known, told, strict=True)
    ]


def listening(
    connection: sa.Connection, assistants: Sequence[tuple[Known, Assistant]]
) -> list[schemas.AssistantAnswer]:
    """Whether people listen to each of these assistants; one batch of quotes for all."""
    told = [
        k.by_assistant.get(assistant.id, k.answers[Topic.HUMAN_REVIEW])
        for k, assistant in assistants
    ]
    shown = [s for found in told for s in found.statements[:QUOTES]]
    words = knowledge.quotes(connection, shown, _pages(k for k, _ in assistants))
    return [
        schemas.AssistantAnswer(
            id=assistant.id,
            name=assistant.name,
            vendor_id=k.vendor.id,
            vendor_name=k.vendor.name,
            human_review=answer(k, found, words),
        )
        for (k, assistant), found in zip(assistants, told, strict=True)
    ]


def policy(pages: Sequence[PageRow]) -> schemas.Policy:
    """A policy, by its pages."""
    first = pages[0]
    return schemas.Policy(
        id=first.policy_id,
        vendor_id=first.vendor_id,
        vendor_name=first.vendor_name,
        kind=first.kind,
        title=first.title,
        scope=first.scope,
        assistants=list(first.assistants),
        languages=sorted({page.lang for page in pages}),
        page_ids=[page.id for page in pages],
        declared=any(page.declared for page in pages),
    )


def vendor(connection: sa.Connection, known: Known, last: Iterable[ChangeRow]) -> schemas.Vendor:
    """All about a vendor."""
    shown = [s for a in known.answers.values() for s in a.statements[:QUOTES]]
    found = knowledge.quotes(connection, shown, _pages([known]))
    return schemas.Vendor(
        id=known.vendor.id,
        name=known.vendor.name,
        declared=known.vendor.declared,
        assistants=[schemas.Assistant.model_validate(a) for a in known.vendor.assistants],
        sites=[schemas.Site.model_validate(site) for site in known.vendor.sites],
        controls=[schemas.Control.model_validate(c) for c in known.vendor.controls],
        pages=[page_brief(p) for p in known.pages],
        answers=[answer(known, a, found) for a in known.answers.values()],
        changes=[change_brief(row) for row in last],
        as_of=known.as_of,
    )


def _pages(known: Iterable[Known]) -> dict[str, PageRow]:
    return {p.page.id: p.page for k in known for p in k.pages}


def answer(known: Known, found: Answer, words: Quotes) -> schemas.Answer:
    """An answer with those of its quotes that are among `words`."""
    return schemas.Answer(**_answer_fields(known, found, words))


def _answer_fields(known: Known, found: Answer, words: Quotes) -> dict[str, Any]:
    named = known.vendor.name, known.assistants
    return {
        "topic": found.topic,
        "standing": found.standing,
        "stance": found.stance,
        "also": list(found.also),
        "summary": {lang: list(summary.answer(found, *named, lang)) for lang in LANGUAGES},
        "since": found.since,
        "observed": found.observed,
        "as_of": found.as_of,
        "oldest_read": found.oldest,
        "pages_read": found.pages_read,
        "pages_unread": found.pages_unread,
        "quotes": [quote(words[s.place]) for s in found.statements if s.place in words],
        "quotes_total": len(found.statements),
        "earlier": [schemas.Period(**_period_fields(period)) for period in found.earlier],
        "badge": {lang: _sentence(summary.badge(found, lang)) for lang in LANGUAGES},
        "popup": {
            lang: [_sentence(told) for told in summary.popup(found, *named, lang)]
            for lang in LANGUAGES
        },
        "by_page": [schemas.PageAnswer.model_validate(page) for page in found.by_page],
        "contradictions": [
            schemas.Contradiction.model_validate(one) for one in found.contradictions
        ],
    }


def _period_fields(period: Period) -> dict[str, Any]:
    return {
        "since": period.since,
        "until": period.until,
        "standing": period.standing,
        "stance": period.stance,
        "observed": period.observed,
    }


def _sentence(told: summary.Told) -> schemas.Told:
    return schemas.Told(text=told.text, quotes=[_name(s.place) for s in told.statements])


def _name(place: tuple[str, int]) -> str:
    return f"{place[0]}.{place[1]}"


def ledger(connection: sa.Connection, known: Known, answers: Sequence[Answer]) -> schemas.Ledger:
    """These answers of a vendor with every quote, now and before."""
    said = [s for found in answers for s in knowledge.statements_of(found)]
    words = knowledge.quotes(connection, said, _pages([known]))
    return schemas.Ledger(
        vendor_id=known.vendor.id,
        at=known.at,
        as_of=known.as_of,
        answers=[_full_answer(known, found, words) for found in answers],
    )


def _full_answer(known: Known, found: Answer, words: Quotes) -> schemas.FullAnswer:
    titles = {page.page.id: page.page.title for page in known.pages}
    texts = {place: found.text for place, found in words.items()}
    named = known.vendor.name, known.assistants
    return schemas.FullAnswer(
        **_answer_fields(known, found, words),
        gone=[quote(words[s.place]) for s in found.gone],
        slots=[
            schemas.Slot(name=slot.name, words=slot.words, quote=_name(slot.statement.place))
            for slot in found.slots
        ],
        periods=[
            schemas.FullPeriod(
                **_period_fields(period),
                quotes=[quote(words[s.as_first().place], s) for s in period.statements],
            )
            for period in found.earlier
        ],
        paragraph={
            lang: [
                _sentence(told) for told in summary.paragraph(found, *named, lang, texts, titles)
            ]
            for lang in LANGUAGES
        },
    )


def quote(found: knowledge.Quote, of: Statement | None = None) -> schemas.Quote:
    """Verbatim words with their source; the lifetime is that of the statement `of`, if given."""
    said: Statement = found.statement
    life = (of or said).lives[-1] if (of or said).lives else None
    return schemas.Quote(
        text=found.text,
        headings=list(found.headings),
        topics=list(said.topics),
        stance=said.stance,
        passage_id=said.passage_id,
        page_id=found.page.id,
        page_title=found.page.title,
        url=found.page.url,
        language=found.page.lang,
        version_id=said.version_id,
        position=said.position,
        start=said.start,
        end=said.end,
        captured_at=said.captured_at,
        last_seen=said.last_seen,
        text_digest=f"sha256:{said.text_id}",
        capture_digest=said.digest,
        since=life.since if life else None,
        until=life.until if life else None,
        observed=life.appeared if life else False,
    )


def log_entry(entry: Entry) -> schemas.LogEntry:
    """An entry of the log."""
    return schemas.LogEntry(
        seq=entry.seq,
        at=entry.at,
        kind=entry.kind,
        id=entry.id,
        what=entry.what,
        form=entry.form,
        digest=entry.digest,
        backfilled=entry.backfilled,
        previous=entry.previous,
        skip=entry.skip,
        hash=entry.hash,
        line=entry.line,
    )
