"""`earwitness reread`: reads what is stored again after an upgrade."""

from __future__ import annotations

import sys

import click

from policies.catalog import load
from policies.settings import Settings
from policies.store import open_store, writing
from policies.store.search.checking import mend
from policies.tracking import directing
from policies.tracking.disclose import open_detector
from policies.tracking.reread import misread, outdated, reread_pages
from policies.tracking.reread import reread as read_again


@click.command()
def reread() -> None:
    """Read what is stored again after the lexicon, a selector or the extractor changed.

    Every stored text that another lexicon judged, or that was judged before an assistant had its
    name, is judged again, and the topics of its changes and which way they go are brought up to
    date. Every page that is declared to be read in another way than it was is read again from the
    captures that its history stands on. Indexes of search that do not hold what is stored are made
    anew. Nothing is fetched and no change is published: what we read
    better now is our change, not the vendor's. Interrupted, run it again: it carries on.
    """
    settings = Settings.from_env()
    catalog = load(settings.catalog)
    store = open_store(settings.database_url, create=False)
    detector = open_detector(settings)
    steps: list[str] = []
    try:
        with store.engine.execution_options(writes=True).begin() as connection:
            writing.register(connection, catalog)
        texts, pages = len(outdated(store, detector)), len(misread(store))
        length = texts + pages
        with click.progressbar(steps, length=length, label="Reading again", file=sys.stderr) as bar:
            regrouped = read_again(store, detector, bar.update)
            unreadable = reread_pages(store, settings.evidence, detector, bar.update)
        changes = len(directing.outdated(store, detector))
        with click.progressbar(
            steps, length=changes, label="Weighing changes", file=sys.stderr
        ) as bar:
            directing.redirect(store, detector, bar.update)
        if mend(store.engine):
            click.echo("The indexes of search did not hold what is stored; they were made anew.")
    finally:
        store.close()
    if not texts and not pages and not changes:
        click.echo("Everything stored is read as it would be read today.")
        return
    click.echo(
        f"{texts} texts judged again; {regrouped} changes stand under other topics now;"
        f" {changes} changes weighed again.\n"
        f"{pages - len(unreadable)} of {pages} histories read again from their captures."
    )
    for page_id in unreadable:
        click.echo(
            f"{page_id}: its last captures cannot be read as it is declared; it stays as it is,"
            " and the next crawl tells more"
        )
