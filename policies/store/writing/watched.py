"""What is watched: vendors and their pages."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from policies.model import Catalog, Page, Policy, Scope, Vendor
from policies.store import schema
from policies.store.writing.rows import insert_new, put


def register(connection: sa.Connection, catalog: Catalog) -> None:
    """Bring vendors and pages up to date; what left the catalog stays, no longer declared."""
    if not catalog.vendors:
        return
    connection.execute(schema.vendors.update().values(declared=False))
    connection.execute(schema.pages.update().values(declared=False))
    put(connection, schema.vendors, [_vendor_row(v, True) for v in catalog.vendors])
    rows = [
        _page_row(page, policy, True)
        for vendor in catalog.vendors
        for policy in vendor.policies
        for page in policy.pages
    ]
    put(connection, schema.pages, rows)


def register_undeclared(connection: sa.Connection, vendor: Vendor) -> None:
    """Make known a vendor that only an imported history speaks of."""
    insert_new(connection, schema.vendors, [_vendor_row(vendor, False)])
    rows = [_page_row(page, policy, False) for policy in vendor.policies for page in policy.pages]
    insert_new(connection, schema.pages, rows)


def _vendor_row(vendor: Vendor, declared: bool) -> dict[str, Any]:
    return {
        "id": vendor.id,
        "name": vendor.name,
        "assistants": [asdict(a) for a in vendor.assistants],
        "sites": [asdict(s) for s in vendor.sites],
        "controls": [
            {
                "id": c.id,
                "kind": c.kind.value,
                "assistants": list(c.assistants),
                "name": dict(c.name),
                "url": c.url,
                "steps": {lang: list(steps) for lang, steps in c.steps.items()},
            }
            for c in vendor.controls
        ],
        "declared": declared,
    }


def _page_row(page: Page, policy: Policy, declared: bool) -> dict[str, Any]:
    return {
        "id": page.id,
        "vendor_id": page.vendor_id,
        "policy_id": page.policy_id,
        "kind": policy.kind.value,
        "title": policy.title,
        "scope": page.scope.value,
        "assistants": list(policy.assistants),
        "lang": page.lang,
        "region": page.region,
        "url": page.url,
        "reading": {
            "select": list(page.select),
            "remove": list(page.remove),
            "earlier_urls": list(page.earlier_urls),
        },
        "declared": declared,
    }


def load_page(connection: sa.Connection, page_id: str) -> Page | None:
    """A page as the store knows it, or None."""
    row = connection.execute(schema.pages.select().where(schema.pages.c.id == page_id)).first()
    if row is None:
        return None
    reading = row.reading or {}
    return Page(
        id=row.id,
        vendor_id=row.vendor_id,
        policy_id=row.policy_id,
        lang=row.lang,
        region=row.region,
        url=row.url,
        scope=Scope(row.scope),
        select=tuple(reading.get("select", ())),
        remove=tuple(reading.get("remove", ())),
        earlier_urls=tuple(reading.get("earlier_urls", ())),
    )
