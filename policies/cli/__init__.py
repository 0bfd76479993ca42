"""`earwitness`: the verbs of the core; other rooms add theirs by entry point."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points

import click

from policies import __version__
from policies.errors import BadDeclaration, BadInput, EarwitnessError

ENTRY_POINTS = "earwitness.commands"
_OWN = {
    "catalog": "policies.cli.catalog:catalog",
    "changes": "policies.cli.changes:changes",
    "detect": "policies.cli.detect:detect",
    "diff": "policies.cli.diff:diff",
    "evidence": "policies.cli.evidence:evidence",
    "events": "policies.cli.events:events",
    "explain": "policies.cli.explain:explain",
    "health": "policies.cli.health:health",
    "ledger": "policies.cli.ledger:ledger",
    "provenance": "policies.cli.search:provenance",
    "reread": "policies.cli.reread:reread",
    "import": "policies.cli.histories:import_",
    "search": "policies.cli.search:search",
    "verify": "policies.cli.verify:verify",
    "versions": "policies.cli.versions:versions",
}


class _Verbs(click.Group):
    """Loads a verb when it is asked for, and says what to do when one goes wrong."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all verbs, in order of the alphabet."""
        return sorted({*_OWN, *(point.name for point in entry_points(group=ENTRY_POINTS))})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb of a name, or None."""
        load = _loader(cmd_name)
        return load() if load else None

    def invoke(self, ctx: click.Context) -> object:
        """Run a verb; trouble that a person has to mend is one sentence, not a traceback."""
        try:
            return super().invoke(ctx)
        except EarwitnessError as error:
            click.echo(f"earwitness: {error}", err=True)
            ctx.exit(2 if isinstance(error, BadInput | BadDeclaration) else 1)
        except BrokenPipeError:  # the reader of our output, `head` for one, has seen enough
            sys.stderr.close()
            ctx.exit(0)
        except Exception as error:
            from policies.store import DatabaseTrouble  # not before: it takes a while

            if not isinstance(error, DatabaseTrouble):
                raise
            click.echo(f"earwitness: the store cannot be used: {error.orig}", err=True)
            ctx.exit(1)


def _loader(name: str) -> Callable[[], click.Command] | None:
    if name in _OWN:
        module, _, attribute = _OWN[name].partition(":")
        return lambda: getattr(import_module(module), attribute)
    point = next((p for p in entry_points(group=ENTRY_POINTS) if p.name == name), None)
    return point.load if point else None


@click.group(
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="earwitness")
def main() -> None:
    """Watch what the makers of voice assistants say about people listening to you.

    \b
    Begin with:
      earwitness crawl     fetch the declared pages and record what they say
      earwitness changes   what changed, with the exact words
      earwitness ledger    what is said now, since when, and what was said before
      earwitness serve     the same for a browser and for programs
      earwitness up        all of it, on a schedule

    Settings come from the environment (EARWITNESS_DATA, EARWITNESS_DATABASE, …; see README).
    Exit status: 0 done, 1 something is wrong with the store, 2 bad usage or input, 3 some
    pages could not be read.
    """
