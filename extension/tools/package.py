"""Packs the extension for Chromium and Firefox, each as a folder and as a zip.

    python extension/tools/package.py --bundle bundle.json --api https://earwitness.example

The same files, bundle and server give the same bytes, whenever and wherever it is run. A package
answers with the bundle that it was built with until it has fetched a newer one, and without any
server for good.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "extension"
TOKENS = ROOT / "api" / "site" / "static" / "tokens.css"
BROWSERS = ("chromium", "firefox")
PARTS = (
    "_locales",
    "icons",
    "lib",
    "options",
    "page",
    "panel",
    "platform",
    "popup",
    "state",
    "ui",
    "welcome",
)
ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say; ours carries no time
PANEL = "panel/panel.html"
GECKO_ID = "companion@earwitness"


class CannotPack(Exception):
    """The package cannot be made; the message says what to mend."""


def version() -> str:
    """The project's version."""
    found = re.search(
        r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE
    )
    assert found
    return found[1]


def manifest(browser: str) -> dict[str, Any]:
    """The manifest for that browser."""
    made: dict[str, Any] = json.loads((SOURCE / "manifest.json").read_text("utf-8"))
    made["version"] = version()
    if browser == "chromium":
        made["minimum_chrome_version"] = "123"
        made["background"] = {"service_worker": "background.js", "type": "module"}
        # Gives the button its icon without telling the extension which page is open.
        own = ["declarativeContent", "sidePanel"]
        made["permissions"] = sorted([*made["permissions"], *own])
        made["side_panel"] = {"default_path": PANEL}
        return made
    made["background"] = {"scripts": ["background.js"], "type": "module"}
    made["sidebar_action"] = {
        "default_title": "__MSG_name__",
        "default_panel": PANEL,
        "default_icon": made["action"]["default_icon"],
        "open_at_install": False,
    }
    oldest = "142.0"  # the first that asks about data collection, on Android too
    made["browser_specific_settings"] = {
        "gecko": {
            "id": GECKO_ID,
            "strict_min_version": oldest,
            "data_collection_permissions": {"required": ["none"]},
        },
        "gecko_android": {"strict_min_version": oldest},
    }
    return made


def files(browser: str, bundle: bytes | None, api: str | None) -> dict[str, bytes]:
    """All files of a package, by path, in order."""
    made = {"background.js": (SOURCE / "background.js").read_bytes()}
    for part in PARTS:
        for path in sorted((SOURCE / part).rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                made[path.relative_to(SOURCE).as_posix()] = path.read_bytes()
    made["ui/tokens.css"] = TOKENS.read_bytes()
    made["LICENSE"] = (ROOT / "LICENSE").read_bytes()
    made["manifest.json"] = _json(manifest(browser))
    made["packaged/about.json"] = _json({"api": api})
    if bundle is not None:
        made["packaged/bundle.json"] = bundle
    return dict(sorted(made.items()))


def checked(bundle: bytes) -> bytes:
    """The bundle, if it is one. Raises CannotPack."""
    try:
        document = json.loads(bundle)
    except ValueError as error:
        raise CannotPack(f"the bundle is not JSON: {error}") from error
    known = re.search(r"SCHEMA_VERSION = (\d+)", (SOURCE / "lib" / "bundle.js").read_text("utf-8"))
    assert known
    if not isinstance(document, dict) or document.get("schema_version") != int(known[1]):
        raise CannotPack(
            f"the bundle is not of schema version {known[1]}: take it from /v1/bundle.json"
            " of a server of this version"
        )
    return bundle


def server(address: str) -> str:
    """The address of a server, as the extension keeps it. Raises CannotPack."""
    parts = urlsplit(address)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
        raise CannotPack(f"{address} is no server: name it as https://host or https://host/path")
    return address.rstrip("/")


def write_folder(made: Mapping[str, bytes], folder: Path) -> None:
    """Lay the files out in a new folder, to be loaded unpacked."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def write_zip(made: Mapping[str, bytes], path: Path) -> None:
    """Write the files as a zip whose bytes depend on nothing else."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, data in made.items():
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, wherever it is made
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, data)


def of_the_store() -> bytes:
    """The bundle of the store that the settings name."""
    from api import bundle
    from policies.settings import Settings
    from policies.store import open_store

    store = open_store(Settings.from_env().database_url)
    try:
        with store.engine.connect() as connection:
            return bundle.make(connection).data
    finally:
        store.close()


def main() -> None:
    """Pack for both browsers."""
    parser = argparse.ArgumentParser(
        description="Packs the extension for Chromium and Firefox.",
        epilog="Load a folder unpacked (chrome://extensions, about:debugging), or send the zip in.",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--bundle",
        type=Path,
        metavar="FILE",
        help="the bundle that it carries, as served at /v1/bundle.json;"
        " if not given, that of the store in EARWITNESS_DATA or EARWITNESS_DATABASE",
    )
    which.add_argument(
        "--without-bundle", action="store_true", help="carry none: it answers after a download only"
    )
    parser.add_argument(
        "--api",
        metavar="URL",
        help="the server that it asks for newer data; if not given, none, until a person names one",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("dist"), metavar="DIR", help="where to (dist)"
    )
    given = parser.parse_args()
    try:
        bundle = None if given.without_bundle else checked(_bundle(given.bundle))
        api = server(given.api) if given.api else None
    except (CannotPack, OSError) as error:
        sys.exit(f"package.py: {error}")
    given.out.mkdir(parents=True, exist_ok=True)
    for browser in BROWSERS:
        made = files(browser, bundle, api)
        packed = given.out / f"earwitness-{version()}-{browser}.zip"
        write_folder(made, given.out / browser)
        write_zip(made, packed)
        print(f"{packed}  {len(made)} files, {packed.stat().st_size / 1000:.0f} kB")


def _bundle(path: Path | None) -> bytes:
    return path.read_bytes() if path else of_the_store()


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()


if __name__ == "__main__":
    main()
