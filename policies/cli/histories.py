"""`earwitness import`: brings in version histories that others recorded."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from policies.catalog import load
from policies.errors import BadInput
from policies.importers.ota import History, OtaDocument, histories
from policies.settings import Settings
from policies.tracking.importing import Assignment, Imported, assignments, bring_in
from policies.tracking.tracker import Tracker, open_tracker


@click.group("import")
def import_() -> None:
    """Bring in histories that others recorded, judged like our own captures."""


@import_.command("ota")
@click.argument("repository", type=click.Path(exists=True, path_type=Path))
@click.option("--service", metavar="NAME", help='Only this service: "Google Nest".')
@click.option("--all", "everything", is_flag=True, help="Also documents that no declaration names.")
@click.option("--collection", metavar="NAME", help="The collection, when the name does not tell.")
@click.option(
    "--catalog",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A folder of declarations to use instead of the packaged ones.",
)
def ota(
    repository: Path,
    service: str | None,
    everything: bool,
    collection: str | None,
    folder: Path | None,
) -> None:
    """Import a versions repository of Open Terms Archive.

    REPOSITORY is a git folder, or a bundle of one. Declarations say which document is which page
    (`ota:` in the catalog). Each recorded version becomes a capture at its commit's time. Run it
    again to carry on after an interruption, or to bring in what was recorded since.

    \b
    For example:
      earwitness import ota contrib-versions --service Alexa
      earwitness import ota france-voice.bundle --all
    """
    settings = Settings.from_env()
    catalog = load(folder or settings.catalog)
    history = histories(repository, settings.data / "cache", collection)
    documents = history.of_service(service) if service else history.documents
    chosen = list(assignments(history, catalog, documents, undeclared=everything))
    _refuse_nothing(history, documents, chosen)
    tracker = open_tracker(settings)
    try:
        tracker.register(catalog)
        tracker.recover()
        tracker.catch_up()
        done = _import(tracker, history, chosen)
    finally:
        tracker.close()
    _show(done)


def _refuse_nothing(
    history: History, documents: Sequence[OtaDocument], chosen: Sequence[Assignment]
) -> None:
    if not chosen:
        names = ", ".join(f"{d.service}/{d.terms}" for d in documents[:5])
        raise BadInput(
            f"no declaration names a document of {history.collection} ({names} …):"
            " add `ota:` to a page in the catalog, or give --all"
        )


def _import(tracker: Tracker, history: History, chosen: Sequence[Assignment]) -> list[Imported]:
    total = sum(a.document.versions for a in chosen)
    done = []
    names: list[str] = []
    with click.progressbar(
        names,
        length=total,
        label=f"Importing {history.collection}",
        item_show_func=_name,
        file=sys.stderr,
    ) as bar:
        for assignment in chosen:
            name = f"{assignment.document.service}/{assignment.document.terms}"

            def step(count: int, name: str = name) -> None:
                bar.update(count, name)

            done.append(bring_in(tracker, history, assignment, step))
    return done


def _name(item: str | None) -> str:
    return item or ""


def _show(done: Sequence[Imported]) -> None:
    width = max(len(i.assignment.page.id) for i in done)
    click.echo(f"{'PAGE':<{width}}  RECORDED  NEW  NOT READ  CHANGES PUBLISHED")
    for item in done:
        new = item.outcomes.total()
        unread = sum(n for outcome, n in item.outcomes.items() if not outcome.is_read)
        click.echo(
            f"{item.assignment.page.id:<{width}}  {item.recorded:>8}  {new:>3}  {unread:>8}"
            f"  {item.published:>17}"
        )
    recorded = sum(i.recorded for i in done)
    published = sum(i.published for i in done)
    click.echo(
        f"{len(done)} documents, {recorded} recorded versions;"
        f" {published} changes published in this run."
    )
