"""The API room: lets knowledge out, as JSON for programs and as pages for people.

`create_app` makes the application; `flask --app api run` and `earwitness serve` run it.
"""

from __future__ import annotations

from datetime import datetime

from apiflask import APIFlask
from flask_compress import Compress

from api import errors, feeds, headers, hosts, keeping, openapi, reading, site
from api.v1 import alive, v1
from api.v1.captures import captures
from api.v1.comparing import comparing
from api.v1.diffs import diffs
from api.v1.events import told
from api.v1.finding import finding
from api.v1.mementos import mementos
from policies import __version__
from policies.settings import Settings

_COMPRESSED = [
    "text/html",
    "text/css",
    "application/json",
    feeds.ATOM,
    feeds.JSON,
    "application/link-format",
    "text/plain",
    "image/svg+xml",
    errors.PROBLEM,
    "text/csv",
    "application/jsonl",
]
_ENCODINGS = ["zstd", "br", "gzip"]  # the first that is taken as gladly as any


def create_app(settings: Settings | None = None, at: datetime | None = None) -> APIFlask:
    """The application on the store of these settings, by default those of the environment.

    `at`: the present time as it is to be taken, of a store whose captures are of the past.

    A missing store is made. Raises BadStore.
    """
    settings = settings or Settings.from_env()
    app = APIFlask(
        __name__,
        title="Earwitness",
        version=__version__,
        docs_path=None,  # its pages would load scripts from elsewhere
        static_folder="site/static",
        template_folder="site/templates",
    )
    app.config.update(
        DESCRIPTION="What the makers of voice assistants say about people listening, since when,"
        " and what they said before. Read-only.",
        LICENSE={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        VALIDATION_ERROR_STATUS_CODE=400,
        VALIDATION_ERROR_DESCRIPTION="A parameter cannot be used",
        AUTO_OPERATION_ID=True,
        AUTO_SERVERS=False,  # it would keep the Host header of whoever asked first
        SERVERS=[{"url": settings.public_url or "/"}],
        COMPRESS_MIMETYPES=_COMPRESSED,
        COMPRESS_ALGORITHM_STREAMING=_ENCODINGS,
        COMPRESS_ALGORITHM=_ENCODINGS,
        COMPRESS_EVALUATE_CONDITIONAL_REQUEST=False,  # api.headers does, before compressing
    )
    reading.furnish(app, settings, at)
    app.after_request(headers.close_unsent)  # the last to see an answer, being named first
    Compress(app)
    headers.install(app)
    errors.install(app)
    app.register_blueprint(v1)
    for blueprint in (comparing, captures, finding, diffs, mementos, alive, told):
        app.register_blueprint(blueprint)
    site.install(app)
    feeds.install(app)
    app.spec_processor(openapi.complete)
    kept = keeping.Keeping(app.wsgi_app, reading.watch(app))
    app.wsgi_app = hosts.Hosts(kept)  # type: ignore[method-assign]
    return app
