"""Evidence packs over HTTP: made when they are asked for, kept on disk only while they are sent."""

from __future__ import annotations

import hashlib
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from flask import Response, send_file

from api import headers
from api.reading import connection, room
from policies import packs
from policies.store.queries.catalog import PageRow

_IN_MEMORY = 1_000_000  # bytes; a larger pack waits on disk
ZIP = "application/zip"
ANSWERS: dict[int | str, Any] = {
    200: {
        "description": "A zip archive",
        "content": {ZIP: {"schema": {"type": "string", "format": "binary"}}},
    }
}


def packed(id_: str, page: PageRow) -> Response:
    """The pack of a change or a version of a page; not made again at the same head of the log."""
    tag = _tag(id_, page)
    if headers.is_held(tag):
        response = Response(status=304)
    else:
        furnished = room()
        pack = packs.gather(furnished.store, furnished.settings.evidence, id_)
        # Closed by the server when it has sent it.
        file = cast("IO[bytes]", SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115
        try:
            packs.write(pack, file)
        except BaseException:
            file.close()
            raise
        size = file.tell()
        file.seek(0)
        name = f"{pack.name}.zip"
        response = send_file(file, ZIP, as_attachment=True, download_name=name, etag=False)
        response.content_length = size
    response.set_etag(tag)
    return response


def _tag(id_: str, page: PageRow) -> str:
    about = (packs.mark(connection()), id_, page.vendor_name, page.title, page.url)
    return hashlib.sha256(repr(about).encode()).hexdigest()[:32]
