"""All vendors beside each other: on a topic, by assistant; and the policies they are known by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby

from apiflask import APIBlueprint
from flask import Response

from api import knowledge
from api.costly import costly
from api.knowledge import Known
from api.reading import connection, remembered
from api.v1 import params, schemas, shaping
from api.v1.answering import Part, known, listed, sliced
from policies.errors import UnknownId
from policies.model import Topic
from policies.store.queries import catalog

comparing = APIBlueprint("comparing", __name__, url_prefix="/v1", tag="v1")


@comparing.get("/topics/<topic>")
@comparing.input(params.TopicQuery, location="query", arg_name="query")
@comparing.output(schemas.Comparison)
@comparing.doc(summary="What all vendors say about a topic, beside each other: now or at a date")
@costly
def topic(topic: str, query: params.TopicQuery) -> Response:
    """The answers of all vendors to one topic, by vendor id."""
    if topic not in list(Topic):
        raise UnknownId(f"no topic has the id {topic!r}; there are {', '.join(Topic)}")
    everybody = {one.vendor.id: one for one in _everybody(query)}

    def part(cursor: str | None, limit: int) -> Part:
        shown, following = sliced(everybody, cursor, limit)
        return Part(shaping.compared(connection(), shown, Topic(topic)), following)

    return listed(query, schemas.Comparison, [schemas.VendorAnswer], part)


@comparing.get("/assistants")
@comparing.input(params.AssistantsQuery, location="query", arg_name="query")
@comparing.output(schemas.Assistants)
@comparing.doc(summary="Assistants, and whether people listen to what is said to each")
def assistants(query: params.AssistantsQuery) -> Response:
    """Assistants, by their vendor's id and their own."""
    known(vendor=query.vendor)
    everybody = remembered("everybody", knowledge.everybody)
    listening = {
        f"{one.vendor.id}.{assistant.id}": (one, assistant)
        for one in everybody
        if query.vendor in (None, one.vendor.id)
        for assistant in one.vendor.assistants
    }

    def part(cursor: str | None, limit: int) -> Part:
        shown, following = sliced(listening, cursor, limit)
        return Part(shaping.listening(connection(), shown), following)

    return listed(query, schemas.Assistants, [schemas.AssistantAnswer], part)


@comparing.get("/policies")
@comparing.input(params.PagesQuery, location="query", arg_name="query")
@comparing.output(schemas.Policies)
@comparing.doc(summary="Policies that are watched, each with its pages in all languages")
def policies(query: params.PagesQuery) -> Response:
    """Policies, by id."""
    known(vendor=query.vendor)
    everything = catalog.pages(
        connection(), vendor_id=query.vendor, lang=query.language, limit=100_000
    ).items
    in_order = sorted(everything, key=lambda page: (page.policy_id, page.id))
    by_policy = {id_: list(pages) for id_, pages in groupby(in_order, lambda page: page.policy_id)}

    def part(cursor: str | None, limit: int) -> Part:
        shown, following = sliced(by_policy, cursor, limit)
        return Part([shaping.policy(pages) for pages in shown], following)

    return listed(query, schemas.Policies, [schemas.Policy], part)


def _everybody(query: params.TopicQuery) -> Sequence[Known]:
    if query.at is None:
        return remembered("everybody", knowledge.everybody)
    return knowledge.everybody(connection(), at=query.at - timedelta(microseconds=1))
