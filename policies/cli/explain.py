"""`earwitness explain`: why a capture, version or change is what it is."""

from __future__ import annotations

import json
from typing import Any

import click

from policies.cli.asking import reading
from policies.rendering import visible
from policies.tracking.explain import explain as explained


@click.command()
@click.argument("id_", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def explain(id_: str, as_json: bool) -> None:
    """Tell which rules led to a capture, version, change or event, with their numbers.

    ID is what the other commands, the site and the API show: 16 hex digits.
    """
    with reading() as connection:
        told = explained(connection, id_)
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    click.echo(f"{told.pop('kind')} {told.pop('id')}")
    _show(told, "  ")


def _show(values: dict[str, Any], indent: str) -> None:
    width = max(map(len, values), default=0)
    for name, value in values.items():
        if value in (None, [], {}, ""):
            continue
        label = f"{indent}{name.replace('_', ' '):<{width}}  "
        if name == "rules":
            click.echo(f"{indent}rules")
            for rule in value:
                numbers = ", ".join(f"{k} {v}" for k, v in rule["numbers"].items())
                click.echo(f"{indent}  {rule['rule']}: {rule['says']}{_in_brackets(numbers)}")
        elif name == "directions":
            click.echo(f"{indent}directions")
            for found in value:
                _show_finding(found, indent + "  ")
        elif name == "version":
            click.echo(f"{indent}version {value.pop('id')}")
            _show(value, indent + "  ")
        elif isinstance(value, dict):
            click.echo(label + ", ".join(f"{k} {v}" for k, v in value.items()))
        elif isinstance(value, list):
            click.echo(label + ", ".join(map(_one, value)))
        else:
            click.echo(f"{label}{value}")


def _show_finding(found: dict[str, Any], indent: str) -> None:
    click.echo(f"{indent}{found['topic']}: {found['direction']}: {found['says']} ({found['rule']})")
    for mark, side in (("-", "old"), ("+", "new")):
        if found[side] is not None:
            click.echo(f"{indent}  {mark} “{visible(found[side])}”")


def _one(value: Any) -> str:
    return " ".join(map(str, value.values())) if isinstance(value, dict) else str(value)


def _in_brackets(text: str) -> str:
    return f" ({text})" if text else ""
