"""What the site says of itself: whether it can still look, and how to read it."""

from __future__ import annotations

from collections import Counter

from flask import render_template

from api import knowledge
from api.reading import connection, health_now
from api.site import showing
from api.site.blueprint import pages
from policies.model import Health
from policies.store.queries import catalog, tracks


@pages.get("/health")
def health() -> str:
    """Whether each page can be looked at; trouble first."""
    everything = knowledge.known_pages(connection(), catalog.pages(connection()).items)
    order = list(reversed(Health))
    shown = sorted(
        everything, key=lambda k: (not k.page.declared, order.index(health_now(k).health))
    )
    healths = Counter(health_now(k).health for k in shown)
    counts = {state: healths[state] for state in Health}
    return render_template(
        "health.html", pages=shown, counts=counts, as_of=tracks.as_of(connection())
    )


@pages.get("/about")
def about() -> str:
    """Method, limits, privacy, and how to check and reuse what is shown."""
    return render_template(
        "about.html", as_of=tracks.as_of(connection()), marks=dict(showing.marks())
    )
