"""`earwitness catalog`: checks the declarations and shows what is watched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from policies.catalog import load, vendor_document
from policies.errors import BadInput
from policies.model import Catalog, Vendor
from policies.settings import Settings

_folder = click.option(
    "--catalog",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A folder of declarations to use instead of the packaged ones.",
)


@click.group()
def catalog() -> None:
    """What is watched: one YAML file a vendor.

    A declaration names a vendor's assistants, the sites where people meet them, the vendor's own
    switches, and the policies to read with their pages. To watch another vendor, copy one of
    the packaged files, change it and run `earwitness catalog check --catalog DIR`.
    """


@catalog.command()
@_folder
def check(folder: Path | None) -> None:
    """Check every declaration and count what it declares.

    Exits with 0 if all is well. Otherwise shows everything that has to be mended, each with file,
    line, key and what was expected, and exits with 2.
    """
    declared = load(folder or Settings.from_env().catalog)
    rows = [_counts(vendor) for vendor in declared.vendors]
    totals = [sum(row[n] for row in rows) for n in range(len(_COUNTED))]
    table = [["VENDOR", *_COUNTED]]
    table += [
        [vendor.id, *map(str, row)] for vendor, row in zip(declared.vendors, rows, strict=True)
    ]
    table.append(["all", *map(str, totals)])
    _show(table, numbers=True)


@catalog.command("list")
@_folder
@click.option("--vendor", "vendor_id", metavar="V", help="Only this vendor, by its id: amazon.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with everything that is declared.")
def list_(folder: Path | None, vendor_id: str | None, as_json: bool) -> None:
    """List vendors, policies and pages.

    The ids in the first column are the ones that other commands take: a vendor for --vendor, a
    page for --page.

    \b
    Examples:
      earwitness catalog list --vendor apple
      earwitness catalog list --json
    """
    vendors = _chosen(load(folder or Settings.from_env().catalog), vendor_id)
    if as_json:
        document = {"vendors": [vendor_document(vendor) for vendor in vendors]}
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    table = [["ID", "WHAT", "NAME OR ADDRESS"]]
    for vendor in vendors:
        table.append([vendor.id, "vendor", _named(vendor)])
        for policy in vendor.policies:
            table.append([f"  {policy.id}", policy.kind, policy.title])
            table += [[f"    {page.id}", "page", page.url] for page in policy.pages]
    _show(table)


_COUNTED = ("ASSISTANTS", "SITES", "CONTROLS", "POLICIES", "PAGES", "ENGLISH", "FRENCH")


def _counts(vendor: Vendor) -> list[int]:
    languages = [page.lang for policy in vendor.policies for page in policy.pages]
    declared = (vendor.assistants, vendor.sites, vendor.controls, vendor.policies, languages)
    return [*map(len, declared), languages.count("en"), languages.count("fr")]


def _chosen(declared: Catalog, vendor_id: str | None) -> Sequence[Vendor]:
    if vendor_id is None:
        return declared.vendors
    chosen = [vendor for vendor in declared.vendors if vendor.id == vendor_id]
    if not chosen:
        known = ", ".join(vendor.id for vendor in declared.vendors)
        raise BadInput(f"no vendor {vendor_id!r} is declared; there are: {known}")
    return chosen


def _named(vendor: Vendor) -> str:
    return f"{vendor.name}: {', '.join(assistant.name for assistant in vendor.assistants)}"


def _show(table: Sequence[Sequence[str]], numbers: bool = False) -> None:
    """Prints rows in columns; `numbers`: all but the first column stand on the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = [
            cell.rjust(width) if numbers and n else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo("  ".join(cells).rstrip())
