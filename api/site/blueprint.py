"""Where the site's pages are gathered, each in the language of its address."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import g, request

from api.site import showing

pages = APIBlueprint("site", __name__, enable_openapi=False)


@pages.before_request
def _language() -> None:
    g.lang = showing.lang_of(request.path)
