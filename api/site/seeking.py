"""Finding words: search through all that was ever read, and where a pasted sentence comes from."""

from __future__ import annotations

from datetime import datetime

from flask import render_template, request

from api import cursors
from api.costly import costly
from api.reading import connection
from api.site import showing
from api.site.blueprint import pages
from api.site.complaints import complaint
from policies import moments
from policies.errors import BadInput
from policies.finding import hits, tracing
from policies.finding.hits import FoundEdit, FoundPassage
from policies.model import Topic
from policies.store.queries import catalog
from policies.store.queries.rows import Listing
from policies.store.search.asking import Side, Within

_HITS = 20  # on one page
LONGEST_PASTE = 2_000  # characters: an address has to hold them, up to three bytes each


@pages.get("/search")
@costly
def search() -> tuple[str, int]:
    """Passages with their lifetimes, or changed words."""
    asked = {name: value.strip() for name, value in request.args.items() if value.strip()}
    found: Listing[FoundPassage] | Listing[FoundEdit] | None = None
    wrong = None
    in_changes = asked.get("in") == "changes"
    if "q" in asked:
        try:
            found = _edits(asked) if in_changes else _passages(asked)
        except BadInput as error:
            wrong = complaint(error) or showing.messages().gettext("This cannot be searched for.")
    following = cursors.of_number(found.items[-1].number) if found and found.more else None
    page = render_template(
        "search.html",
        asked=asked,
        in_changes=in_changes,
        found=found,
        wrong=wrong,
        following=following,
        vendors=catalog.vendors(connection()).items,
        languages_read=catalog.languages(connection()),
        sides=list(Side),
    )
    return page, 400 if wrong else 200


@pages.get("/provenance")
@costly
def provenance() -> tuple[str, int]:
    """When a pasted sentence appeared, was reworded and went, and on which pages."""
    text = request.args.get("text", "").strip()
    found, wrong = None, None
    if text:
        try:
            if len(text) > LONGEST_PASTE:
                raise BadInput(
                    f"at most {LONGEST_PASTE} characters can be traced at once,"
                    f" and this has {len(text)}"
                )
            found = tracing.provenance_of(connection(), text)
        except BadInput as error:
            wrong = complaint(error) or showing.messages().gettext("This cannot be traced.")
    page = render_template(
        "provenance.html", text=text, found=found, wrong=wrong, longest=LONGEST_PASTE
    )
    return page, 400 if wrong else 200


def _passages(asked: dict[str, str]) -> Listing[FoundPassage]:
    return hits.passages(
        connection(), asked["q"], _within(asked), before=_before(asked), limit=_HITS
    )


def _edits(asked: dict[str, str]) -> Listing[FoundEdit]:
    given = asked.get("change", Side.ANY)
    side = Side(given) if given in list(Side) else Side.ANY
    return hits.edits(
        connection(), asked["q"], side, _within(asked), before=_before(asked), limit=_HITS
    )


def _before(asked: dict[str, str]) -> int | None:
    return cursors.number(asked.get("cursor"))


def _within(asked: dict[str, str]) -> Within:
    topic = asked.get("topic")
    if topic is not None and topic not in list(Topic):
        raise BadInput(f"there is no topic {topic!r}")
    within = Within(
        vendor_id=asked.get("vendor"),
        page_id=asked.get("page"),
        lang=asked.get("language"),
        topic=Topic(topic) if topic else None,
        since=_time(asked.get("since"), end=False),
        before=_time(asked.get("until"), end=True),
    )
    hits.known(connection(), within)
    return within


def _time(given: str | None, *, end: bool) -> datetime | None:
    if given is None:
        return None
    return moments.until(given) if end else moments.since(given)
