"""Histories of Open Terms Archive come in as captures, in order, with what the archive knew."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from policies.catalog import load
from policies.errors import BadInput
from policies.importers.ota import MAX_BLOB, History, histories, undeclared_page
from policies.model import Capture, PolicyKind, Scope

TERMS = "Brello/Terms of Service.md"
PRIVACY = "Brello/Privacy Policy.md"
DAY = timedelta(days=1)
START = datetime(2024, 2, 1, 12, 0, 0, tzinfo=UTC)
FRENCH = (
    """Nous enregistrons votre voix lorsque vous parlez à l’assistant, et nos équipes peuvent
écouter de courts extraits afin d’améliorer la reconnaissance de la parole. Vous pouvez supprimer
ces enregistrements à tout moment dans les paramètres de votre compte. [Lire](https://a.example/the)
"""
    * 3
)

Commit = tuple[datetime, str, dict[str, str | bytes | None]]  # time, subject, path -> text


def git(*command: str | Path, folder: Path, stdin: bytes | None = None) -> str:
    done = subprocess.run(
        ["git", *map(str, command)], cwd=folder, input=stdin, capture_output=True, check=True
    )
    return done.stdout.decode()


def recorded(folder: Path, *commits: Commit) -> Path:
    """A repository with these commits, one on another; a text of None deletes the file."""
    folder.mkdir(parents=True, exist_ok=True)
    git("init", "--quiet", "--initial-branch=main", folder=folder)
    stream = b""
    for at, subject, files in commits:
        message = subject.encode()
        stream += b"commit refs/heads/main\n"
        stream += b"committer Archive <a@archive.example> %d +0200\n" % at.timestamp()
        stream += b"data %d\n%s\n" % (len(message), message)
        for path, text in files.items():
            if text is None:
                stream += f'D "{path}"\n'.encode()
                continue
            body = text if isinstance(text, bytes) else text.encode()
            stream += f'M 100644 inline "{path}"\n'.encode() + b"data %d\n" % len(body) + body
            stream += b"\n"
    git("fast-import", "--quiet", folder=folder, stdin=stream)
    return folder


@pytest.fixture
def history(tmp_path: Path) -> Callable[..., History]:
    """A history of invented commits."""

    def make(*commits: Commit) -> History:
        folder = recorded(tmp_path / "nordic-versions", *commits)
        return histories(folder, cache=tmp_path / "cache")

    return make


def captures(history: History, path: str, after: datetime | None = None) -> list[Capture]:
    document = next(d for d in history.documents if d.path == path)
    return list(history.captures(document, "brello.terms.en", after))


def texts(found: list[Capture]) -> list[str]:
    return [capture.body.decode() for capture in found]


# --- what comes in -----------------------------------------------------------------------


def test_a_version_is_a_capture_with_its_origin(history: Callable[..., History]) -> None:
    found = history((START, "Start tracking Brello Terms of Service", {TERMS: "Één.\r\n"}))
    (capture,) = captures(found, TERMS)
    commit = git("rev-parse", "main", folder=found.git_dir).strip()
    assert capture == Capture(
        page_id="brello.terms.en",
        origin="ota:nordic",
        captured_at=START,
        url=(
            "https://github.com/OpenTermsArchive/nordic-versions/blob/"
            f"{commit}/Brello/Terms%20of%20Service.md"
        ),
        final_url=capture.url,
        status=200,
        headers=(("content-type", "text/markdown; charset=utf-8"),),
        body="Één.\r\n".encode(),
        seen_until=START,
        note=f"{commit} start",
    )


def test_documents_are_listed_with_their_versions(history: Callable[..., History]) -> None:
    found = history(
        (START, "Start tracking", {"README.md": "About", "LICENSE": "Free"}),
        (START, "Start tracking", {TERMS: "One."}),
        (START + DAY, "Update", {TERMS: "Two.", PRIVACY: "One."}),
        (START + DAY, "Update", {"Brello/logo.png": b"\x89PNG", "a/b/c.md": "Too deep"}),
        (START + DAY, "Update", {".github/ISSUE.md": "Hidden"}),
    )
    assert found.collection == "nordic"
    assert [(d.service, d.terms, d.path, d.versions) for d in found.documents] == [
        ("Brello", "Privacy Policy", PRIVACY, 1),
        ("Brello", "Terms of Service", TERMS, 2),
    ]


def test_versions_come_by_time_though_the_commits_do_not(history: Callable[..., History]) -> None:
    found = history(
        (START, "Start tracking Brello Terms of Service", {TERMS: "One."}),
        (START + 10 * DAY, "Update Brello Terms of Service", {TERMS: "Three."}),
        (START + 5 * DAY, "Refilter Brello Terms of Service", {TERMS: "Two."}),
        (START + 20 * DAY, "Update Brello Terms of Service", {TERMS: "Four."}),
    )
    assert texts(captures(found, TERMS)) == ["One.", "Two.", "Three.", "Four."]


def test_the_archive_vouches_for_a_text_until_its_next(history: Callable[..., History]) -> None:
    found = history(
        (START, "Start tracking", {TERMS: "One."}),
        (START + 3 * DAY, "Record new changes of Brello Terms of Service", {TERMS: "Two."}),
        (START + 9 * DAY, "Record new changes of Brello Privacy Policy", {PRIVACY: "One."}),
        (START + 30 * DAY, "Update README", {"README.md": "That is no recording."}),
    )
    assert [c.seen_until for c in captures(found, TERMS)] == [START + 3 * DAY, START + 9 * DAY]


def test_a_deleted_file_is_no_version_and_ends_the_one_before(
    history: Callable[..., History],
) -> None:
    found = history(
        (START, "Start tracking", {TERMS: "One."}),
        (START + 2 * DAY, "Remove Brello", {TERMS: None}),
        (START + 8 * DAY, "Record", {TERMS: "Two."}),
        (START + 9 * DAY, "Record", {PRIVACY: "One."}),
    )
    first, second = captures(found, TERMS)
    assert (first.body, first.seen_until) == (b"One.", START + 2 * DAY)
    assert (second.body, second.seen_until) == (b"Two.", START + 9 * DAY)


@pytest.mark.parametrize(
    ("subject", "mark"),
    [
        ("Start tracking Brello Terms of Service", "start"),
        ("First record of Brello Terms of Service", "start"),
        ("Refilter Brello Terms of Service", "refilter"),
        ("Apply technical or declaration upgrade on Brello Terms of Service", "technical upgrade"),
        ("Update Brello Terms of Service", ""),
        ("Record new changes of Brello Terms of Service", ""),
        ("", ""),
        ("Record\x01 :100644", ""),
    ],
)
def test_a_commit_says_what_is_not_the_vendors_doing(
    subject: str, mark: str, history: Callable[..., History]
) -> None:
    (capture,) = captures(history((START, subject, {TERMS: "One."})), TERMS)
    assert capture.note is not None
    commit, _, said = capture.note.partition(" ")
    assert len(commit) == 40
    assert said == mark


def test_an_import_goes_on_where_it_stopped(history: Callable[..., History]) -> None:
    found = history(*((START + n * DAY, "Update", {TERMS: f"{n}."}) for n in range(6)))
    whole = captures(found, TERMS)
    for stopped in range(6):
        rest = captures(found, TERMS, after=whole[stopped].captured_at)
        assert whole[: stopped + 1] + rest == whole


def test_commits_of_one_second_keep_their_order(history: Callable[..., History]) -> None:
    found = history(*((START, "Update", {TERMS: f"{n}."}) for n in range(4)))
    whole = captures(found, TERMS)
    assert texts(whole) == ["0.", "1.", "2.", "3."]
    assert whole == sorted(whole, key=lambda capture: capture.captured_at)
    assert texts(captures(found, TERMS, after=whole[1].captured_at)) == ["2.", "3."]
    assert whole[-1].captured_at - START < timedelta(milliseconds=1)


def test_a_text_of_more_than_5_mb_is_left_out_with_a_reason(
    history: Callable[..., History],
) -> None:
    found = history(
        (START, "Update", {TERMS: b"a" * (MAX_BLOB + 1)}),
        (START + DAY, "Update", {TERMS: b"a" * MAX_BLOB}),
        (START + 2 * DAY, "Update", {TERMS: ""}),
    )
    large, fits, empty = captures(found, TERMS)
    assert (large.status, large.body) == (None, b"")
    assert large.failure == "too-large: 5,000,001 bytes, more than the 5,000,000 that are read"
    assert (fits.status, len(fits.body), fits.failure) == (200, MAX_BLOB, None)
    assert (empty.status, empty.body) == (200, b"")


def test_a_link_is_no_document(tmp_path: Path) -> None:
    folder = recorded(tmp_path / "nordic-versions", (START, "Start", {TERMS: "One."}))
    stream = b"commit refs/heads/main\ncommitter A <a@a.example> 1706800000 +0000\ndata 1\nx\n"
    stream += b'from refs/heads/main^0\nM 120000 inline "Brello/Link.md"\ndata 6\n/etc/x\n'
    git("fast-import", "--quiet", "--force", folder=folder, stdin=stream)
    found = histories(folder, cache=tmp_path)
    assert [document.path for document in found.documents] == [TERMS]


# --- where it comes from -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "collection"),
    [
        ("contrib-versions", "contrib"),
        ("contrib-versions.git", "contrib"),
        ("genai-contrib-versions", "genai-contrib"),
        ("france-voice", "france"),
        ("Nordic", "nordic"),
    ],
)
def test_the_collection_is_told_from_the_name(name: str, collection: str, tmp_path: Path) -> None:
    folder = recorded(tmp_path / name, (START, "Start", {TERMS: "One."}))
    assert histories(folder, cache=tmp_path).collection == collection
    assert histories(folder, cache=tmp_path, collection="pga").collection == "pga"


def test_a_name_that_is_no_collection_has_to_be_told(tmp_path: Path) -> None:
    folder = recorded(tmp_path / "my copy", (START, "Start", {TERMS: "One."}))
    with pytest.raises(BadInput, match="expected the name of a collection"):
        histories(folder, cache=tmp_path)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle of two versions."""
    folder = recorded(
        tmp_path / "made",
        (START, "Start tracking", {TERMS: "One."}),
        (START + DAY, "Update", {TERMS: "Two."}),
    )
    path = tmp_path / "nordic-voice.bundle"
    git("bundle", "create", "--quiet", path, "main", folder=folder)
    return path


def test_a_bundle_is_cloned_once(bundle: Path, tmp_path: Path) -> None:
    cache = tmp_path / "new" / "cache"
    first = histories(bundle, cache)
    assert first.collection == "nordic"
    assert texts(captures(first, TERMS)) == ["One.", "Two."]
    made = first.git_dir.stat().st_mtime_ns
    second = histories(bundle, cache)
    assert second == first
    assert second.git_dir.stat().st_mtime_ns == made


def test_what_a_killed_clone_left_is_cleared_away(bundle: Path, tmp_path: Path) -> None:
    left_over = tmp_path / "cache" / ".clone-killed"
    left_over.mkdir(parents=True)
    (left_over / "half").write_text("a pack")
    found = histories(bundle, tmp_path / "cache")
    assert not left_over.exists()
    assert texts(captures(found, TERMS)) == ["One.", "Two."]


def test_another_bundle_of_the_same_name_is_another_history(bundle: Path, tmp_path: Path) -> None:
    histories(bundle, tmp_path / "cache")
    folder = tmp_path / "made"
    (folder / "Brello").mkdir()
    (folder / TERMS).write_text("Three.")
    git("add", TERMS, folder=folder)
    git("-c", "user.name=A", "-c", "user.email=a@a.example", "commit", "-qm", "x", folder=folder)
    git("bundle", "create", "--quiet", bundle, "main", folder=folder)
    found = histories(bundle, tmp_path / "cache")
    assert "Three." in texts(captures(found, TERMS))


@pytest.mark.parametrize("cut", [0, 10, 200, -10])
def test_a_damaged_bundle_is_refused(cut: int, bundle: Path, tmp_path: Path) -> None:
    bundle.write_bytes(bundle.read_bytes()[:cut])
    with pytest.raises(BadInput, match="is not a whole git bundle"):
        histories(bundle, tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_a_bundle_that_builds_on_commits_that_are_missing_is_refused(
    bundle: Path, tmp_path: Path
) -> None:
    git("bundle", "create", "--quiet", bundle, "main^..main", folder=tmp_path / "made")
    with pytest.raises(BadInput, match="is not a whole git bundle"):
        histories(bundle, tmp_path / "cache")


def test_what_is_no_repository_is_refused(tmp_path: Path) -> None:
    recorded(tmp_path / "around", (START, "Start", {TERMS: "One."}))
    inside = tmp_path / "around" / "plain-versions"
    inside.mkdir()
    with pytest.raises(BadInput, match="plain-versions is not a git repository"):
        histories(inside, cache=tmp_path)
    with pytest.raises(BadInput, match="there is no "):
        histories(tmp_path / "missing", cache=tmp_path)


def test_a_history_without_documents_is_refused(tmp_path: Path) -> None:
    folder = recorded(tmp_path / "nordic-versions", (START, "Start", {"README.md": "About"}))
    with pytest.raises(BadInput, match="records no documents"):
        histories(folder, cache=tmp_path)
    empty = recorded(tmp_path / "empty-versions")
    with pytest.raises(BadInput, match="records no documents"):
        histories(empty, cache=tmp_path)


def test_without_git_the_message_says_what_to_install(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput, match="install git"):
        histories(bundle, tmp_path / "cache")


def test_the_environment_leads_to_no_other_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = recorded(tmp_path / "nordic-versions", (START, "Start", {TERMS: "One."}))
    other = recorded(tmp_path / "other", (START, "Start", {PRIVACY: "Other."}))
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    found = histories(folder, cache=tmp_path)
    assert texts(captures(found, TERMS)) == ["One."]


def test_a_service_that_is_not_there_names_those_that_are(history: Callable[..., History]) -> None:
    found = history((START, "Start", {TERMS: "One.", "Mara/Terms of Service.md": "One."}))
    assert [d.service for d in found.of_service("Mara")] == ["Mara"]
    with pytest.raises(BadInput, match="no service 'Alexa'; it has: Brello, Mara"):
        found.of_service("Alexa")


def test_a_damaged_repository_is_bad_input(history: Callable[..., History]) -> None:
    found = history((START, "Start", {TERMS: "One."}), (START + DAY, "Update", {TERMS: "Two."}))
    objects = [*found.git_dir.glob("objects/pack/*.pack"), *found.git_dir.glob("objects/??/*")]
    assert objects
    for path in objects:
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:10])
    with pytest.raises(BadInput, match="damaged"):
        captures(found, TERMS)
    with pytest.raises(BadInput, match="cannot be read"):
        histories(found.git_dir.parent, cache=found.git_dir)


# --- what no declaration names -----------------------------------------------------------


def test_an_undeclared_document_gets_a_page_of_its_own(history: Callable[..., History]) -> None:
    path = "Brello & Co/Politique de Privacy.md"
    found = history(
        (START, "Start", {path: FRENCH}),
        (START + DAY, "Record", {path: "Page not found"}),
    )
    vendor, policy, page = undeclared_page(found, found.documents[0])
    assert page.id == "ota-nordic-brello-co.politique-de-privacy.fr"
    assert (page.lang, page.region, page.scope) == ("fr", None, Scope.GENERAL)
    assert page.url == (
        "https://github.com/OpenTermsArchive/nordic-versions/blob/main/"
        "Brello%20%26%20Co/Politique%20de%20Privacy.md"
    )
    assert policy.pages == (page,)
    assert policy.kind is PolicyKind.PRIVACY_POLICY
    assert vendor.policies == (policy,)
    assert (vendor.id, vendor.name) == ("ota-nordic-brello-co", "Brello & Co")


def test_names_that_come_to_the_same_id_are_kept_apart(history: Callable[..., History]) -> None:
    found = history(
        (START, "Start", {"Brello.com/Terms.md": FRENCH}),
        (START + DAY, "Start", {"Brello com/Terms.md": FRENCH, "百度/隐私.md": FRENCH}),
    )
    ids = {d.path: undeclared_page(found, d)[2].id for d in found.documents}
    assert ids["Brello.com/Terms.md"] == "ota-nordic-brello-com.terms.fr"
    assert ids["Brello com/Terms.md"].startswith("ota-nordic-brello-com.terms-")
    assert ids["百度/隐私.md"].startswith("ota-nordic-service.terms-")
    assert len(set(ids.values())) == 3


# --- the archive itself ------------------------------------------------------------------


@pytest.fixture(scope="module")
def archives(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, History]:
    """Both real histories, by collection."""
    cache = tmp_path_factory.mktemp("archives")
    bundles = sorted((shared / "ota").glob("*.bundle"))
    return {found.collection: found for found in (histories(path, cache) for path in bundles)}


def test_every_document_of_the_archives_is_declared(archives: dict[str, History]) -> None:
    declared = {(o.collection, o.service, o.terms) for page in load().pages for o in page.ota}
    there = {(c, d.service, d.terms) for c, found in archives.items() for d in found.documents}
    assert there == declared


def test_every_recorded_version_comes_once_and_in_order(archives: dict[str, History]) -> None:
    for found in archives.values():
        for document in found.documents:
            whole = list(found.captures(document, "page"))
            times = [capture.captured_at for capture in whole]
            git_says = git("log", "--format=%ct", "--", document.path, folder=found.git_dir)
            assert times == sorted(
                datetime.fromtimestamp(int(at), UTC) for at in git_says.splitlines()
            )
            assert len({capture.note for capture in whole}) == document.versions
            for capture, following in pairwise(whole):
                assert capture.seen_until == following.captured_at


def test_a_refilter_of_the_past_stands_in_the_past(archives: dict[str, History]) -> None:
    (samsung,) = archives["contrib"].of_service("Samsung")
    marks = {r.captured_at.date().isoformat(): r.mark for r in samsung.recordings}
    assert marks["2022-12-14"] == "refilter"
    order = [day for day in marks if day.startswith(("2022-12", "2023-01"))]
    assert order == ["2022-12-14", "2022-12-28", "2023-01-19"]


def test_the_dated_texts_are_there(archives: dict[str, History]) -> None:
    (google,) = archives["contrib"].of_service("Google")
    by_day = {
        c.captured_at.date().isoformat(): c for c in archives["contrib"].captures(google, "g")
    }
    assert b"listen to samples" in by_day["2022-02-11"].body
    assert undeclared_page(archives["contrib"], google)[2].lang == "en"
    (french,) = archives["france"].of_service("Google")
    assert undeclared_page(archives["france"], french)[2].lang == "fr"
