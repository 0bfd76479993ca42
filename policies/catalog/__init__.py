"""What is watched: one YAML file a vendor, read and checked into a Catalog.

A declaration, with everything that can be left out marked by `#`:

    name: Brellomar                          # the vendor's id is the name of the file
    assistants:
      brello: Brello                         # id: name

    sites:                                   # where people meet the vendor (optional)
      - brellomar.example                    # a whole host with its subdomains
      - hosts: [shop.example, shop.fr.example]
        paths: [/brello, "/*/brello*"]       # prefixes; `*` stands for any characters
        assistants: brello                   # default: all of the vendor

    controls:                                # the vendor's own switches (optional)
      recordings-off:
        kind: opt_out                        # opt_out, deletion or settings
        name: {en: Keep no recordings, fr: Ne rien enregistrer}
        url: https://brellomar.example/settings     # url, steps or both
        steps:
          en: [Open the app, Choose “Voice”]
          fr: [Ouvrez l’application, Choisissez « Voix »]

    policies:
      privacy-policy:
        title: Privacy policy
        kind: privacy policy                 # terms, help page, notice, settings
        assistants: brello                   # optional: this document is about that assistant
        scope: assistant                     # default: assistant with `assistants`, else general
        select: main                         # CSS, one or a list; default: the main content
        remove: [.share, .toc]               # CSS, within what was selected
        pages:
          en: https://brellomar.example/privacy
          fr-ca:                             # language, or language and country
            url: https://brellomar.example/fr-ca/privacy
            select: "#texte"                 # instead of the policy's; `remove` likewise
            earlier: https://old.example/fr  # where the page stood before, one or a list
            render: true                     # needs a browser, and is not read before there is one
            ota: contrib/Brellomar/Privacy Policy   # the same in Open Terms Archive

The page is then called `brellomar.privacy-policy.fr-ca`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from policies.catalog.reading import MAX_BYTES, Claim, Problem, Sheet, read
from policies.catalog.schema import vendor as vendor_of
from policies.catalog.values import slug
from policies.errors import BadDeclaration, BadInput
from policies.model import Catalog, Vendor

__all__ = ["load", "vendor_document"]

_PACKAGED = Path(__file__).with_name("vendors")


def load(folder: Path | None = None) -> Catalog:
    """The catalog of a folder's declarations, by file name; None: the packaged ones.

    Raises BadDeclaration with all that is wrong, a line each: what could not be read at all
    first, then values by file and line, then what files contradict one another in. Raises
    BadInput where there is no folder, or nothing in it.
    """
    folder = folder or _PACKAGED
    vendors: list[Vendor] = []
    sheets: list[Sheet] = []
    for path in _declarations(folder):
        sheet = Sheet(file=str(path))
        sheets.append(sheet)
        vendor = _read(path, sheet)
        if vendor:
            vendors.append(vendor)
    problems = [problem for sheet in sheets for problem in sheet.problems]
    problems += _contradictions(
        claim for sheet in sheets for claim in sorted(sheet.claims, key=lambda claim: claim.line)
    )
    if problems:
        raise BadDeclaration(_report(problems))
    return Catalog(vendors=tuple(vendors))


def vendor_document(vendor: Vendor) -> dict[str, Any]:
    """A vendor as JSON has it: the names of the model, lists for tuples."""
    document: dict[str, Any] = asdict(vendor)
    return document


def _declarations(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise BadInput(f"there is no folder {folder}; a catalog is a folder of YAML files")
    paths = sorted(path for path in folder.iterdir() if path.suffix in {".yaml", ".yml"})
    if not paths:
        raise BadInput(f"no declaration in {folder}; a catalog has one <vendor>.yaml a vendor")
    return paths


def _read(path: Path, sheet: Sheet) -> Vendor | None:
    if path.suffix != ".yaml":
        sheet.complain(0, "", f"expected the name {path.stem}.yaml", stage=0)
        return None
    if complaint := slug(path.stem):
        sheet.complain(0, "", f"the file's name is the vendor's id: {complaint}", stage=0)
        return None
    try:
        with path.open("rb") as file:
            body = file.read(MAX_BYTES + 1)
    except OSError as error:
        sheet.complain(0, "", f"the file cannot be read ({error.strerror})", stage=0)
        return None
    root = read(body, sheet)
    return vendor_of(root, vendor_id=path.stem) if root else None


def _contradictions(claims: Iterable[Claim]) -> Iterator[Problem]:
    """What two places claim that only one can have, said at the later of the two."""
    first: dict[tuple[str, str], Claim] = {}
    hosts: dict[str, Claim] = {}
    for claim in claims:
        if claim.kind == "host":
            yield from _overlap(claim, hosts)
            continue
        other = first.setdefault((claim.kind, claim.value), claim)
        if other is not claim:
            says = f"this {claim.kind} stands already in {_place(other)}"
            yield Problem(2, claim.file, claim.line, claim.key, says)


def _overlap(claim: Claim, hosts: dict[str, Claim]) -> Iterator[Problem]:
    """Another vendor's host that is the claimed one, above it or below it.

    `hosts`: each host claimed before, and each domain above it marked by a leading dot.
    """
    labels = claim.value.split(".")
    above = [".".join(labels[n:]) for n in range(len(labels))]
    known = (hosts.get(name) for name in (*above, f".{claim.value}"))
    other = next((host for host in known if host and host.file != claim.file), None)
    if other:
        says = f"{claim.value} overlaps {other.value} of another vendor, in {_place(other)}"
        yield Problem(2, claim.file, claim.line, claim.key, says)
    hosts.setdefault(claim.value, claim)
    for name in above[1:]:
        hosts.setdefault(f".{name}", claim)


def _place(claim: Claim) -> str:
    return f"{claim.file}, line {claim.line}, {claim.key}"


def _report(problems: Iterable[Problem]) -> str:
    lines = [str(problem) for problem in sorted(set(problems))]
    if len(lines) == 1:
        return lines[0]
    return f"the catalog says {len(lines)} things that cannot be meant:\n" + "\n".join(lines)
