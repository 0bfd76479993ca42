"""Vendors and pages, as the catalog or an import declared them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from policies.model import Assistant, Control, ControlKind, PolicyKind, Scope, Site
from policies.store import schema
from policies.store.queries.rows import Listing, batches, listing


@dataclass(frozen=True)
class VendorRow:
    """A vendor as the store knows it."""

    id: str
    name: str
    assistants: tuple[Assistant, ...]
    sites: tuple[Site, ...]
    controls: tuple[Control, ...]
    declared: bool  # False: only known from an import
    pages: int  # how many there are of it


@dataclass(frozen=True)
class PageRow:
    """A page as the store knows it."""

    id: str
    vendor_id: str
    vendor_name: str
    policy_id: str
    kind: PolicyKind
    title: str
    scope: Scope
    assistants: tuple[str, ...]  # ids; empty: all of the vendor
    lang: str
    region: str | None
    url: str
    declared: bool
    remove: tuple[str, ...] = ()  # CSS of what is not read on it
    earlier_urls: tuple[str, ...] = ()  # where it stood before


def vendors(
    connection: sa.Connection, *, after: str | None = None, limit: int = 1000
) -> Listing[VendorRow]:
    """Vendors by id, after the given id."""
    wanted = _vendors().order_by(schema.vendors.c.id).limit(limit + 1)
    if after is not None:
        wanted = wanted.where(schema.vendors.c.id > after)
    return listing([_vendor(row) for row in connection.execute(wanted)], limit)


def vendor(connection: sa.Connection, vendor_id: str) -> VendorRow | None:
    """One vendor, or None."""
    row = connection.execute(_vendors().where(schema.vendors.c.id == vendor_id)).first()
    return _vendor(row) if row else None


def pages(
    connection: sa.Connection,
    *,
    vendor_id: str | None = None,
    lang: str | None = None,
    after: str | None = None,
    limit: int = 10_000,
) -> Listing[PageRow]:
    """Pages by id, after the given id."""
    wanted = _pages().order_by(schema.pages.c.id).limit(limit + 1)
    if vendor_id is not None:
        wanted = wanted.where(schema.pages.c.vendor_id == vendor_id)
    if lang is not None:
        wanted = wanted.where(schema.pages.c.lang == lang)
    if after is not None:
        wanted = wanted.where(schema.pages.c.id > after)
    return listing([_page(row) for row in connection.execute(wanted)], limit)


def page(connection: sa.Connection, page_id: str) -> PageRow | None:
    """One page, or None."""
    return next(iter(pages_by_id(connection, [page_id])), None)


def pages_by_id(connection: sa.Connection, page_ids: Sequence[str]) -> tuple[PageRow, ...]:
    """The pages of these ids, in the order of their ids; unknown ones are left out."""
    found = [
        _page(row)
        for batch in batches(sorted(set(page_ids)))
        for row in connection.execute(_pages().where(schema.pages.c.id.in_(batch)))
    ]
    return tuple(sorted(found, key=lambda page: page.id))


def languages(connection: sa.Connection) -> list[str]:
    """The languages of all pages, by their codes."""
    lang = schema.pages.c.lang
    return list(connection.execute(sa.select(lang).distinct().order_by(lang)).scalars())


def _vendors() -> sa.Select[Any]:
    count = (
        sa.select(sa.func.count())
        .where(schema.pages.c.vendor_id == schema.vendors.c.id)
        .scalar_subquery()
    )
    return sa.select(schema.vendors, count.label("pages"))


def _pages() -> sa.Select[Any]:
    return sa.select(schema.pages, schema.vendors.c.name.label("vendor_name")).join(schema.vendors)


def _vendor(row: sa.Row[Any]) -> VendorRow:
    return VendorRow(
        id=row.id,
        name=row.name,
        assistants=tuple(Assistant(a["id"], a["name"]) for a in row.assistants),
        sites=tuple(
            Site(s["host"], tuple(s.get("paths", ())), tuple(s.get("assistants", ())))
            for s in row.sites
        ),
        controls=tuple(_control(control) for control in row.controls),
        declared=row.declared,
        pages=row.pages,
    )


def _control(value: dict[str, Any]) -> Control:
    return Control(
        id=value["id"],
        kind=ControlKind(value["kind"]),
        assistants=tuple(value.get("assistants", ())),
        name=dict(value.get("name", {})),
        url=value.get("url"),
        steps={lang: tuple(steps) for lang, steps in value.get("steps", {}).items()},
    )


def _page(row: sa.Row[Any]) -> PageRow:
    return PageRow(
        id=row.id,
        vendor_id=row.vendor_id,
        vendor_name=row.vendor_name,
        policy_id=row.policy_id,
        kind=PolicyKind(row.kind),
        title=row.title,
        scope=Scope(row.scope),
        assistants=tuple(row.assistants),
        lang=row.lang,
        region=row.region,
        url=row.url,
        declared=row.declared,
        remove=tuple(row.reading.get("remove", ())),
        earlier_urls=tuple(row.reading.get("earlier_urls", ())),
    )
