"""`earwitness verify`: proves that the store is what the evidence says."""

from __future__ import annotations

import sys

import click

from policies.settings import Settings
from policies.store import open_store
from policies.tracking.verify import total
from policies.tracking.verify import verify as check


@click.command()
@click.option("--deep", is_flag=True, help="Also read every version's evidence again.")
def verify(deep: bool) -> None:
    """Check digests, quotes, references and lifetimes; say what is wrong.

    Every capture's body is hashed again and compared with its digest; every passage and quote is
    looked up in its version; every change is replayed from one version to the other. With --deep
    the pages are also read again from the evidence, which must give the same words.

    Exits with 0 when nothing is wrong, else with 1 and a line for each thing found.
    """
    settings = Settings.from_env()
    store = open_store(settings.database_url, create=False)
    found = 0
    steps: list[str] = []
    try:
        length = total(store, deep=deep)
        with click.progressbar(steps, length=length, label="Verifying", file=sys.stderr) as bar:
            for problem in check(store, settings.evidence, deep=deep, seen=bar.update):
                found += 1
                click.echo(f"{problem.where}: {problem.says}")
    finally:
        store.close()
    if found:
        click.echo(f"{found} {'thing is' if found == 1 else 'things are'} wrong.", err=True)
        raise SystemExit(1)
    click.echo(f"Nothing is wrong: {length} captures, texts, versions and changes checked.")
