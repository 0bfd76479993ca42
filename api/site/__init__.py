"""The site: what is known, as pages for people. English at `/`, French at `/fr/`.

vendors     who lets people listen: all vendors, one topic, one vendor
changing    a change and its diff, any two versions, lists of changes and events
history     a page over time, and a version's text
seeking     search, and where a pasted sentence comes from
telling     health, and how to read all this
showing     what the templates say things with
pictures, columns, citing, complaints    pictures, two-column diffs, citations, refusals
"""

from __future__ import annotations

from flask import Flask, Response, g, make_response, render_template, request

from api.site import changing, history, seeking, showing, telling, vendors
from api.site.blueprint import pages
from api.site.complaints import complaint, known
from policies.locale import LANGUAGES

__all__ = ["changing", "error_page", "history", "install", "seeking", "telling", "vendors"]


def install(app: Flask) -> None:
    """Add the site's pages, in each language, and what its templates use."""
    showing.install(app)
    app.jinja_env.globals.update(complaint=complaint, known=known)
    for lang in LANGUAGES:
        prefix = "" if lang == "en" else f"/{lang}"
        app.register_blueprint(pages, name=f"site_{lang}", url_prefix=prefix)


def error_page(status: int, detail: str) -> Response:
    """An error as a page, in the language of its address."""
    g.lang = showing.lang_of(request.path)
    return make_response(render_template("error.html", status=status, detail=detail), status)
