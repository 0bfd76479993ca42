"""Declarations are read, refused with reasons, and those of the package work on real pages."""

from __future__ import annotations

import gzip
import json
import textwrap
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from bs4 import BeautifulSoup
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.catalog import load, vendor_document
from policies.cli import main
from policies.errors import BadDeclaration, BadInput
from policies.model import (
    Assistant,
    Control,
    ControlKind,
    OtaSource,
    Page,
    Policy,
    PolicyKind,
    Scope,
    Site,
    Vendor,
)

SMALL = """
name: Brellomar
assistants: {brello: Brello}
policies:
  notice:
    title: A notice
    kind: notice
    pages: {en: "https://brellomar.example/notice"}
"""

FULL = """
    name: Brellomar
    assistants:
      brello: Brello
      mara: Mara
    sites:
      - brellomar.example
      - hosts: [shop.example, shop.test]
        paths: [/brello, "/*/brello*"]
        assistants: brello
    controls:
      off:
        kind: opt_out
        assistants: [mara]
        name: {en: Keep nothing, fr: Ne rien garder}
        url: https://brellomar.example/settings#voice
        steps:
          en: [Open the app, Switch it off]
          fr: ["Ouvrez l’application", Désactivez]
    policies:
      terms:
        title: Terms
        kind: terms
        pages:
          en: https://brellomar.example/terms
      voice-faq:
        title: Voice
        kind: help page
        assistants: brello
        select: [main, "#faq"]
        remove: .share
        pages:
          en-gb: https://brellomar.example/voice
          no:
            url: https://brellomar.example/no/voice?a=1&b=2
            select: "#tekst"
            remove: []
            earlier:
              - https://brellomar.example/voice.html
            render: true
            ota: [contrib/Brellomar/Voice FAQ, nordic/Brellomar AS/Voice FAQ]
"""


@pytest.fixture
def declare(tmp_path: Path) -> Callable[..., Path]:
    """Writes declarations into a folder: `declare(brellomar="name: …")`."""

    def write(**declarations: str) -> Path:
        for name, text in declarations.items():
            (tmp_path / f"{name}.yaml").write_text(textwrap.dedent(text), encoding="utf-8")
        return tmp_path

    return write


def complaints(folder: Path) -> list[str]:
    """What is wrong with a catalog, a line each, without the folder."""
    with pytest.raises(BadDeclaration) as caught:
        load(folder)
    lines = str(caught.value).splitlines()
    return [line.removeprefix(f"{folder}/") for line in lines if line.startswith(str(folder))]


# --- what a declaration says -------------------------------------------------------------


def test_a_full_declaration_reads_as_its_vendor(declare: Callable[..., Path]) -> None:
    (vendor,) = load(declare(brellomar=FULL)).vendors
    help_page = {
        "vendor_id": "brellomar",
        "policy_id": "brellomar.voice-faq",
        "scope": Scope.ASSISTANT,
    }
    assert vendor == Vendor(
        id="brellomar",
        name="Brellomar",
        assistants=(Assistant("brello", "Brello"), Assistant("mara", "Mara")),
        sites=(
            Site("brellomar.example"),
            Site("shop.example", ("/brello", "/*/brello*"), ("brello",)),
            Site("shop.test", ("/brello", "/*/brello*"), ("brello",)),
        ),
        controls=(
            Control(
                id="off",
                kind=ControlKind.OPT_OUT,
                assistants=("mara",),
                name={"en": "Keep nothing", "fr": "Ne rien garder"},
                url="https://brellomar.example/settings#voice",
                steps={
                    "en": ("Open the app", "Switch it off"),
                    "fr": ("Ouvrez l’application", "Désactivez"),
                },
            ),
        ),
        policies=(
            Policy(
                id="brellomar.terms",
                vendor_id="brellomar",
                kind=PolicyKind.TERMS,
                title="Terms",
                scope=Scope.GENERAL,
                assistants=(),
                pages=(
                    Page(
                        id="brellomar.terms.en",
                        vendor_id="brellomar",
                        policy_id="brellomar.terms",
                        lang="en",
                        region=None,
                        url="https://brellomar.example/terms",
                        scope=Scope.GENERAL,
                    ),
                ),
            ),
            Policy(
                id="brellomar.voice-faq",
                vendor_id="brellomar",
                kind=PolicyKind.HELP_PAGE,
                title="Voice",
                scope=Scope.ASSISTANT,
                assistants=("brello",),
                pages=(
                    Page(
                        id="brellomar.voice-faq.en-gb",
                        lang="en",
                        region="gb",
                        url="https://brellomar.example/voice",
                        select=("main", "#faq"),
                        remove=(".share",),
                        **help_page,  # type: ignore[arg-type]
                    ),
                    Page(
                        id="brellomar.voice-faq.no",
                        lang="no",
                        region=None,
                        url="https://brellomar.example/no/voice?a=1&b=2",
                        select=("#tekst",),
                        remove=(),
                        earlier_urls=("https://brellomar.example/voice.html",),
                        render=True,
                        ota=(
                            OtaSource("contrib", "Brellomar", "Voice FAQ"),
                            OtaSource("nordic", "Brellomar AS", "Voice FAQ"),
                        ),
                        **help_page,  # type: ignore[arg-type]
                    ),
                ),
            ),
        ),
    )


def test_a_scope_can_be_said(declare: Callable[..., Path]) -> None:
    text = SMALL.replace("kind: notice", "kind: notice\n    scope: assistant")
    (page,) = load(declare(brellomar=text)).pages
    assert page.scope is Scope.ASSISTANT


def test_the_example_in_the_documentation_is_a_declaration(declare: Callable[..., Path]) -> None:
    from policies import catalog

    example = str(catalog.__doc__).split("\n\n", 2)[2].rsplit("\n\nThe page", 1)[0]
    loaded = load(declare(brellomar=example))
    assert [page.id for page in loaded.pages] == [
        "brellomar.privacy-policy.en",
        "brellomar.privacy-policy.fr-ca",
    ]


def test_vendors_come_in_the_order_of_their_files(declare: Callable[..., Path]) -> None:
    other = SMALL.replace("Brellomar", "Aa").replace("brellomar", "aa")
    folder = declare(brellomar=SMALL, aa=other)
    (folder / "notes.txt").write_text("not a declaration")
    assert [vendor.id for vendor in load(folder).vendors] == ["aa", "brellomar"]


# --- what a declaration may not say ------------------------------------------------------

REFUSED = {
    "an unknown key": ("polices: {}", 9, "polices", "did you mean `policies`?"),
    "a second name": ("name: Again", 9, "name", "is given twice, first in line 2"),
    "a host with a scheme": ("sites: [https://a.example]", 9, "sites[1]", "without scheme"),
    "a registry's host": ("sites: [co.uk]", 9, "sites[1]", "registry"),
    "a host in capitals": ("sites: [Amazon.FR]", 9, "sites[1]", "lower-case ASCII"),
    "a host twice": ("sites: [a.example, a.example]", 9, "sites[2]", "already, in line 9"),
    "a path without a slash": (
        "sites:\n  - hosts: a.example\n    paths: alexa",
        11,
        "sites[1].paths",
        "begins with `/`",
    ),
    "an unknown assistant": (
        "sites:\n  - {hosts: a.example, assistants: [brelo]}",
        10,
        "sites[1].assistants[1]",
        "did you mean `brello`?",
    ),
    "a site without hosts": ("sites:\n  - paths: /a", 10, "sites[1]", "`hosts` is missing"),
    "a control that leads nowhere": (
        "controls:\n  off: {kind: opt_out, name: {en: Off}}",
        10,
        "controls.off",
        "how does a person get there?",
    ),
    "a control of no kind": (
        "controls:\n  off: {kind: optout, name: {en: Off}, url: 'https://a.example/'}",
        10,
        "controls.off.kind",
        'expected one of "opt_out", "deletion", "settings"',
    ),
    "steps in a language without a name": (
        "controls:\n  off:\n    kind: opt_out\n    name: {en: Off}\n    steps: {fr: [Ouvrez]}",
        13,
        "controls.off.steps",
        "expected the languages of `name`, en, got fr",
    ),
    "an unknown language": (
        "controls:\n  off: {kind: opt_out, name: {xx: Off}, url: 'https://a.example/'}",
        10,
        "controls.off.name.xx",
        "ISO 639-1",
    ),
}


@pytest.mark.parametrize("added", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_meant_is_refused_by_line_and_key(
    added: tuple[str, int, str, str], declare: Callable[..., Path]
) -> None:
    text, line, key, says = added
    (complaint,) = complaints(declare(brellomar=SMALL + text + "\n"))
    assert complaint.startswith(f"brellomar.yaml, line {line}, {key}: ")
    assert says in complaint


BAD_PAGES = {
    "user and password": ("en: https://me:secret@a.example/", "without user name"),
    "a fragment": ("en: https://a.example/#voice", "without `#`"),
    "another scheme": ("en: ftp://a.example/", "begins with https://"),
    "no scheme": ("en: a.example/terms", "begins with https://"),
    "no host": ("en: 'https:///terms'", "begins with https://"),
    "a port that is none": ("en: https://a.example:99999/", "expected an address"),
    "spaces": ("en: https://a.example/a b", "percent-encoded"),
    "other alphabets": ("en: https://a.example/données", "percent-encoded"),
    "a list": ("en: [https://a.example/]", "expected an address"),
    "nothing": ("en:", "expected text, got nothing"),
    "a record without an address": ("en: {select: main}", "`url` is missing"),
    "a misspelt key": ("en: {url: 'https://a.example/', redner: true}", "did you mean `render`?"),
    "a switch that is neither": (
        "en: {url: 'https://a.example/', render: maybe}",
        "expected true or false, got 'maybe'",
    ),
    "a selector that is none": (
        "en: {url: 'https://a.example/', select: 'div['}",
        "expected a CSS selector, got 'div['",
    ),
    "a pseudo-element": (
        "en: {url: 'https://a.example/', remove: ['a::before']}",
        "expected a CSS selector",
    ),
    "an archive without terms": (
        "en: {url: 'https://a.example/', ota: contrib/Google}",
        "expected `collection/service/terms`",
    ),
    "a language that is none": ("qq: https://a.example/", "ISO 639-1"),
    "a country that is none": ("en-uk: https://a.example/", "Great Britain is gb"),
    "a language in capitals": ("en-GB: https://a.example/", "expected a language like `en-gb`"),
    "no page": ("{}", "expected at least one page"),
}


@pytest.mark.parametrize("case", BAD_PAGES.values(), ids=BAD_PAGES)
def test_a_page_that_cannot_be_meant_is_refused(
    case: tuple[str, str], declare: Callable[..., Path]
) -> None:
    page, says = case
    head = SMALL[: SMALL.index("    pages:")]
    text = f"{head}    pages: {{}}\n" if page == "{}" else f"{head}    pages:\n      {page}\n"
    (complaint,) = complaints(declare(brellomar=text))
    assert complaint.startswith("brellomar.yaml, line ")
    assert ", policies.notice.pages" in complaint
    assert says in complaint


@pytest.mark.parametrize("key", ["name", "assistants", "policies"])
def test_what_a_vendor_cannot_do_without_is_missed(key: str, declare: Callable[..., Path]) -> None:
    document = yaml.safe_load(SMALL)
    del document[key]
    (complaint,) = complaints(declare(brellomar=yaml.safe_dump(document)))
    assert complaint == f"brellomar.yaml, line 1: `{key}` is missing"


def test_all_that_is_wrong_is_said_at_once_the_unreadable_first(
    declare: Callable[..., Path],
) -> None:
    folder = declare(
        brellomar=SMALL.replace("notice\n    pages", "notes\n    pages") + "sights: []\n",
        other=SMALL,
        broken="name: [Brello",
    )
    (folder / "third.yml").write_text(SMALL)
    found = complaints(folder)
    assert [line.split(":")[0] for line in found] == [
        "broken.yaml, line 1",
        "third.yml",
        "brellomar.yaml, line 7, policies.notice.kind",
        "brellomar.yaml, line 9, sights",
        "other.yaml, line 2, name",
        "other.yaml, line 8, policies.notice.pages.en",
    ]
    assert "this vendor name stands already in " in found[4]
    assert f"this address stands already in {folder}/brellomar.yaml, line 8" in found[5]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.example", "a.example"),
        ("a.example", "voice.a.example"),
        ("voice.a.example", "a.example"),
        ("x.voice.a.example", "a.example"),
    ],
)
def test_two_vendors_do_not_share_a_host(
    one: str, other: str, declare: Callable[..., Path]
) -> None:
    second = SMALL.replace("Brellomar", "Cc").replace("brellomar", "cc")
    folder = declare(
        brellomar=f"{SMALL}sites: [{one}]\n",
        cc=f"{second}sites:\n  - {{hosts: {other}, paths: /voice}}\n",
    )
    (complaint,) = complaints(folder)
    assert complaint == (
        f"cc.yaml, line 10, sites[1].hosts: {other} overlaps {one} of another vendor,"
        f" in {folder}/brellomar.yaml, line 9, sites[1]"
    )


def test_one_vendor_may_divide_its_host(declare: Callable[..., Path]) -> None:
    sites = """sites:
  - a.example
  - voice.a.example
  - {hosts: a.example, paths: [/one]}
  - {hosts: a.example, paths: [/two]}
  - notexample.example
  - example.notexample.example
"""
    (vendor,) = load(declare(brellomar=SMALL + sites)).vendors
    assert len(vendor.sites) == 6


@pytest.mark.parametrize(
    "again",
    [
        "https://brellomar.example/notice",
        "http://BRELLOMAR.example:80/notice",
        "{url: 'https://brellomar.example/other', earlier: 'https://brellomar.example:443/notice'}",
    ],
)
def test_an_address_is_declared_once(again: str, declare: Callable[..., Path]) -> None:
    pages = f"pages:\n      en: https://brellomar.example/notice\n      fr: {again}"
    text = SMALL[: SMALL.index("pages:")] + pages
    (complaint,) = complaints(declare(brellomar=text))
    assert complaint.startswith("brellomar.yaml, line 10, policies.notice.pages.fr")
    assert "this address stands already" in complaint


def test_a_document_of_the_archive_belongs_to_one_page(declare: Callable[..., Path]) -> None:
    pages = """pages:
      en: {url: "https://brellomar.example/en", ota: contrib/B/Terms}
      fr: {url: "https://brellomar.example/fr", ota: contrib/B/Terms}"""
    (complaint,) = complaints(declare(brellomar=SMALL[: SMALL.index("pages:")] + pages))
    assert "line 10, policies.notice.pages.fr.ota: this archived document stands" in complaint


def test_an_id_is_a_plain_word(declare: Callable[..., Path]) -> None:
    folder = declare(brellomar=SMALL.replace("  notice:", "  The notice:"))
    (folder / "Brello Mar.yaml").write_text(SMALL)
    first, second = complaints(folder)
    assert first.startswith("Brello Mar.yaml: the file's name is the vendor's id: expected an id")
    assert second.startswith("brellomar.yaml, line 5, policies.The notice: expected an id")


# --- files that are no declarations ------------------------------------------------------

UNREADABLE = {
    "broken": (b"name: 'Brello\n\n", "line 3: this is not YAML"),
    "tabs": (b"name:\n\tBrello", "line 2: this is not YAML"),
    "Latin-1": ("a: 1\nname: Société".encode("latin-1"), "line 2: expected UTF-8"),
    "binary": (b"name: \x00\x01", "line 1: this is not YAML: a control character"),
    "empty": (b"", "the file is empty"),
    "only a comment": (b"# nothing yet\n", "the file is empty"),
    "a sentence": (b"Brellomar", "line 1: expected `key: value` lines, got text"),
    "a list": (b"- name: Brellomar", "line 1: expected `key: value` lines, got a list"),
    "two documents": (b"name: A\n---\nname: B\n", "line 2: expected one document"),
    "aliases": (b"name: A\nx: &x [a, a]\ny: [*x, *x]\n", "line 2: anchors and aliases"),
    "a tag": (b"name: !!python/object:os.system {}\n", "line 1: tags (!) are not allowed"),
    "too deep": (b"name: " + b"[" * 50_000, "line 1: expected at most 12 levels"),
    "too large": (b"name: " + b"a" * 100_000, "expected at most 100,000 bytes"),
}


@pytest.mark.parametrize("case", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_declaration_is_refused_whole(case: tuple[bytes, str], tmp_path: Path) -> None:
    body, says = case
    (tmp_path / "brellomar.yaml").write_bytes(body)
    (complaint,) = complaints(tmp_path)
    assert complaint.startswith("brellomar.yaml")
    assert says in complaint


def test_a_long_text_and_control_characters_are_refused(declare: Callable[..., Path]) -> None:
    text = SMALL.replace("A notice", "a" * 2_001).replace("Brello}", '"\\e[31mBrello"}')
    first, second = complaints(declare(brellomar=text))
    assert first.endswith("assistants.brello: expected text without control characters")
    assert second.endswith("title: expected at most 2,000 characters, got 2,001")


def test_the_worst_file_that_is_read_takes_seconds_not_minutes(tmp_path: Path) -> None:
    (tmp_path / "brellomar.yaml").write_bytes(b"name: [" + b"a," * 49_000 + b"]")
    start = time.perf_counter()
    complaints(tmp_path)
    assert time.perf_counter() - start < 60  # 1.7 s on the machine it was written on


def test_a_folder_without_declarations_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no folder"):
        load(tmp_path / "missing")
    with pytest.raises(BadInput, match="no declaration in"):
        load(tmp_path)


words = st.sampled_from(
    "name assistants sites hosts paths controls kind url steps policies title pages en fr-fr select"
    " earlier ota render terms opt_out main / https://a.example/ a.example contrib/A/B true".split()
)
scalars = st.one_of(words, st.text(max_size=8), st.none(), st.booleans(), st.integers())
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(words | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=25,
)


@settings(max_examples=300)
@given(document=documents | st.binary(max_size=60))
def test_any_file_is_a_declaration_or_a_complaint(
    document: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("catalog")
    body = document if isinstance(document, bytes) else yaml.safe_dump(document).encode()
    (folder / "brellomar.yaml").write_bytes(body)
    with suppress(BadDeclaration):  # anything else is a mistake of ours
        load(folder)


# --- the packaged declarations -----------------------------------------------------------


def test_the_package_declares_the_vendors_to_begin_with() -> None:
    catalog = load()
    assert {vendor.id for vendor in catalog.vendors} >= {
        *("amazon", "apple", "google", "microsoft", "meta"),
        *("openai", "samsung", "deepseek", "speechify"),
    }
    ids = [page.id for page in catalog.pages]
    assert len(ids) == len(set(ids))


def test_what_people_read_is_there_in_english_and_french() -> None:
    for vendor in load().vendors:
        for control in vendor.controls:
            assert set(control.name) == {"en", "fr"}, (vendor.id, control.id)
            assert set(control.steps) in ({"en", "fr"}, set()), (vendor.id, control.id)
            assert len({len(steps) for steps in control.steps.values()}) <= 1, control.id


def captured(shared: Path) -> dict[str, list[dict[str, Any]]]:
    """Address -> the rows of the replay's index about it, oldest first."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for index in sorted((shared / "replay" / "warc").glob("*.json")):
        for row in json.loads(index.read_text()):
            rows.setdefault(row["url"], []).append({**row, "file": index.with_suffix(".warc.gz")})
    assert rows
    return rows


def test_every_captured_address_is_a_declared_page(shared: Path) -> None:
    assert set(captured(shared)) <= {page.url for page in load().pages}


def test_selectors_select_the_text_of_real_pages(shared: Path) -> None:
    pages = {page.url: page for page in load().pages}
    for url, rows in captured(shared).items():
        for row in {row["date"]: row for row in (rows[0], rows[len(rows) // 2], rows[-1])}.values():
            with row["file"].open("rb") as file:
                file.seek(row["offset"])
                record = gzip.decompress(file.read(row["length"]))
            html = record.split(b"\r\n\r\n", 2)[2].decode()
            soup = BeautifulSoup(html, "lxml")
            page = pages[url]
            selected = [soup.select(selector) for selector in page.select]
            length = sum(len(tag.get_text(" ", strip=True)) for tags in selected for tag in tags)
            whole = len(soup.get_text(" ", strip=True))
            assert 0.8 * whole < length <= whole, (page.id, row["date"])


# --- the command -------------------------------------------------------------------------


def run(*arguments: str | Path) -> tuple[int, str]:
    """Exit status and everything that was printed."""
    result = CliRunner().invoke(main, ["catalog", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def test_check_counts_what_is_declared(declare: Callable[..., Path]) -> None:
    status, output = run("check", "--catalog", declare(brellomar=FULL))
    assert status == 0
    rows = [line.split() for line in output.splitlines()]
    assert rows[0][:6] == ["VENDOR", "ASSISTANTS", "SITES", "CONTROLS", "POLICIES", "PAGES"]
    assert rows[1] == ["brellomar", "2", "3", "1", "2", "3", "2", "0"]
    assert rows[2] == ["all", *rows[1][1:]]
    assert len({len(line) for line in output.splitlines()}) == 1


def test_check_shows_everything_that_is_wrong_and_exits_with_2(
    declare: Callable[..., Path],
) -> None:
    status, output = run("check", "--catalog", declare(brellomar=SMALL + "a: 1\nb: 2\n"))
    assert status == 2
    assert "2 things" in output
    assert "line 9, a: unknown key" in output
    assert "line 10, b: unknown key" in output


def test_list_shows_ids_and_addresses() -> None:
    status, output = run("list", "--vendor", "apple")
    assert status == 0
    assert "apple.ask-siri.en " in output
    assert "https://www.apple.com/legal/privacy/data/en/ask-siri-dictation/" in output
    assert "amazon" not in output


def test_list_gives_all_of_it_as_json() -> None:
    status, output = run("list", "--json")
    assert status == 0
    vendors = load().vendors
    assert json.loads(output) == {
        "vendors": [json.loads(json.dumps(asdict(vendor))) for vendor in vendors]
    }
    assert vendor_document(vendors[0])["id"] == vendors[0].id


def test_an_unknown_vendor_or_folder_exits_with_2(tmp_path: Path) -> None:
    status, output = run("list", "--vendor", "brellomar")
    assert status == 2
    assert "there are: amazon, apple" in output
    status, output = run("check", "--catalog", tmp_path / "missing")
    assert status == 2
    assert "there is no folder" in output


def test_help_says_how_to_watch_another_vendor() -> None:
    status, output = run("--help")
    assert status == 0
    assert "earwitness catalog check --catalog DIR" in " ".join(output.split())
