"""The package carries what it needs, and its documentation says what it can do."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from api import create_app
from policies import __version__
from policies.cli import main
from policies.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("policies", "crawler", "api")
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ("requirements.txt", "requirements-dev.txt")


def commands(group: click.Group, path: str = "earwitness") -> Iterator[tuple[str, click.Command]]:
    """Every verb with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def options(command: click.Command) -> list[str]:
    """The long names of a command's options."""
    return [
        name
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
        for name in (*parameter.opts, *parameter.secondary_opts)
        if name.startswith("--")
    ]


def line_about(call: str) -> str:
    """What the README's list of commands says from one call to the next."""
    found = re.search(
        rf"^ *{re.escape(call)}(?![\w-]).*?(?=^ *earwitness |^```|\Z)",
        README,
        re.MULTILINE | re.DOTALL,
    )
    return found[0] if found else ""


def test_the_readme_names_every_command_and_option() -> None:
    missing = []
    for call, command in commands(main):
        says = line_about(call)
        missing += [] if says else [call]
        missing += [
            f"{call} {o}" for o in options(command) if not re.search(rf"{o}(?![\w-])", says)
        ]
    assert not missing


def test_the_readme_names_no_command_that_is_not_there() -> None:
    known = [call for call, _ in commands(main)]
    listed = re.findall(r"^ *(earwitness [a-z]+(?: [a-z]+)?)", README, re.MULTILINE)
    assert listed
    for call in listed:
        one_word = " ".join(call.split()[:2])
        assert call in known or one_word in known, f"`{call}` is not a command"


def test_every_command_and_option_explains_itself() -> None:
    silent = []
    for call, command in commands(main):
        silent += [] if command.help else [call]
        silent += [
            f"{call} {parameter.opts[-1]}"
            for parameter in command.params
            if isinstance(parameter, click.Option) and not parameter.help
        ]
    assert not silent


def test_the_readme_shows_what_the_command_really_prints(
    sample: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARWITNESS_DATA", str(sample.data))
    monkeypatch.setenv("EARWITNESS_DATABASE", sample.database)
    shown = re.search(r"^```\n\$ earwitness (.*?)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert shown
    printed = CliRunner().invoke(main, shown[1].split()).stdout
    # A change is named after its captures, and this store made them at other hours.
    assert re.sub(r"change [0-9a-f]+", "", shown[2]) in re.sub(r"change [0-9a-f]+", "", printed)


def test_the_readme_names_every_route_and_parameter(sample: Settings) -> None:
    app = create_app(sample)
    document = app.test_client().get("/openapi.json").json
    app.extensions["earwitness"].store.close()
    assert document
    missing = []
    for path, methods in document["paths"].items():
        row = re.search(rf"^\| `{re.escape(path)}` \|.*", README, re.MULTILINE)
        parameters = [p["name"] for p in methods["get"].get("parameters", []) if p["in"] == "query"]
        missing += [path] if row is None else [f"{path} {p}" for p in parameters if p not in row[0]]
    assert not missing


def test_the_readme_names_every_setting() -> None:
    for field in dataclasses.fields(Settings):
        variable = f"EARWITNESS_{field.name.upper()}"
        assert re.search(rf"^\| `{variable}` \|", README, re.MULTILINE), f"no row for {variable}"


def test_the_readme_names_no_setting_that_is_not_there() -> None:
    known = {f"EARWITNESS_{field.name.upper()}" for field in dataclasses.fields(Settings)}
    named = set(re.findall(r"EARWITNESS_[A-Z_]+", README))
    assert named <= known | {"EARWITNESS_SHARED"}  # of the tests


def test_the_readme_names_every_make_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE)) - {"help", "packages"}
    documents = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    helped = makefile[: makefile.index("run:")]
    for target in targets:
        assert f"make {target}" in helped, f"`make help` does not say what `make {target}` does"
    for target in ("run", "demo", "test", "check-fast", "lock"):
        assert f"make {target}" in documents.replace("\n", " ")


def test_the_version_is_the_same_everywhere() -> None:
    said = subprocess.run(
        [Path(sys.executable).with_name("earwitness"), "--version"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert PROJECT["project"]["version"] == __version__
    assert re.search(rf"\b{re.escape(__version__)}\b", said)


def test_every_verb_of_the_other_rooms_can_be_loaded() -> None:
    declared = PROJECT["project"]["entry-points"]["earwitness.commands"]
    installed = {entry.name: entry for entry in entry_points(group="earwitness.commands")}
    assert declared == {name: entry.value for name, entry in installed.items()}
    for entry in installed.values():
        assert isinstance(entry.load(), click.Command)


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_everything_by_hash_and_names_no_place(name: str) -> None:
    lock = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"[a-z]+://|^-|--(index|find|extra|trusted)|@ ", lock, re.MULTILINE)
    assert not re.search(r"(^|[\s'\"])(/|~/|\.\.?/)\w", lock, re.MULTILINE), (
        "a path of some machine"
    )
    for pinned in re.split(r"\n(?=[a-z])", lock.strip()):
        assert re.match(r"[a-z0-9.-]+==\S+", pinned), pinned[:60]
        assert "--hash=sha256:" in pinned, pinned[:60]


def pins(name: str) -> set[tuple[str, str]]:
    """Each package with the version that a lock names."""
    lock = (ROOT / name).read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z0-9.-]+)==(\S+)", lock, re.MULTILINE))


def test_tests_run_with_the_versions_that_people_run() -> None:
    assert pins("requirements.txt") <= pins("requirements-dev.txt")


def test_the_lock_holds_every_dependency_that_is_declared() -> None:
    project = PROJECT["project"]
    declared = project["dependencies"] + project["optional-dependencies"]["postgres"]
    declared += PROJECT["build-system"]["requires"]
    locked = {package for package, _ in pins("requirements.txt")}
    for requirement in declared:
        assert re.split(r"[\[<>=]", requirement)[0] in locked
        assert re.search(r"[<>=]", requirement), f"{requirement} has no bound"


@pytest.mark.slow
def test_the_built_package_carries_everything_that_is_in_the_rooms(tmp_path: Path) -> None:
    source = tmp_path / "source"  # a build leaves things behind
    for room in ROOMS:
        shutil.copytree(
            ROOT / room, source / room, ignore=shutil.ignore_patterns("__pycache__", ".*")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    # Without a network: the build backend is in the lock.
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    build += ["--no-index", "--wheel-dir", str(tmp_path), str(source)]
    subprocess.run(build, check=True, capture_output=True, text=True)
    wheel = next(tmp_path.glob("earwitness-*.whl"))
    packed = set(zipfile.ZipFile(wheel).namelist())
    there = {
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and not {"__pycache__", ".DS_Store"} & set(path.parts)
    }
    assert there
    assert there <= packed, f"not packed: {sorted(there - packed)[:10]}"
