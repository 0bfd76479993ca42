"""`earwitness reread`: judges stored texts again after an upgrade."""

from __future__ import annotations

import sys

import click

from policies.settings import Settings
from policies.store import open_store
from policies.tracking.disclose import open_detector
from policies.tracking.reread import outdated
from policies.tracking.reread import reread as read_again


@click.command()
def reread() -> None:
    """Judge stored texts again after the lexicon changed, or an assistant got a name.

    Reads every stored text that another lexicon judged, and brings what it says, and the topics of
    its changes, up to date. Nothing is fetched and no change is published: what we read better now
    is our change, not the vendor's. Interrupted, run it again: it carries on.
    """
    settings = Settings.from_env()
    store = open_store(settings.database_url, create=False)
    detector = open_detector(settings)
    steps: list[str] = []
    try:
        length = len(outdated(store, detector))
        if not length:
            click.echo("Every stored text was judged by the lexicon of today.")
            return
        with click.progressbar(steps, length=length, label="Reading again", file=sys.stderr) as bar:
            regrouped = read_again(store, detector, bar.update)
    finally:
        store.close()
    click.echo(f"{length} texts judged again; {regrouped} changes stand under other topics now.")
