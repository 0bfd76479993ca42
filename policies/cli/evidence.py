"""`earwitness evidence`: all that a change, version or capture rests on, in one file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile

import click

from policies import packs
from policies.errors import BadInput
from policies.settings import Settings
from policies.store import open_store


@click.command()
@click.argument("id_", metavar="ID")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Where to write it; `-` is standard output.  [earwitness-<kind>-<ID>.zip]",
)
def evidence(id_: str, output: str | None) -> None:
    """Pack the evidence for a change, version or capture, to be checked by anybody, offline.

    The zip archive holds the captures (WARC, headers, body), the texts, the diff as a page and as
    text, the rules that led to it, and the log that pins all of it. Its README (English, French)
    tells how to check it with sha256sum and other standard tools.

    \b
    Example:
      earwitness evidence 48fbe230400b93be -o change.zip
    """
    settings = Settings.from_env()
    store = open_store(settings.database_url, create=False)
    try:
        pack = packs.gather(store, settings.evidence, id_)
        if output == "-":
            packs.write(pack, sys.stdout.buffer)
            return
        path = Path(output or f"{pack.name}.zip")
        _save(pack, path)
    finally:
        store.close()
    click.echo(f"{path}: the evidence for {pack.kind} {pack.id}.")
    click.echo(f"Head of the log: {pack.head.seq}:{pack.head.hash}")


def _save(pack: packs.Pack, path: Path) -> None:
    """Write the whole pack, or nothing. Raises BadInput."""
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                packs.write(pack, file)
                Path(file.name).chmod(0o666 & ~_umask())
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}; -o names another") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
