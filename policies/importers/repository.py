"""A git repository, or a bundle of one, is read: what was done to its files, and their bytes.

Nothing is checked out, fetched or written, except the clone of a bundle. Both readings stream:
a history of any length takes the memory of what its reader keeps.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NamedTuple

from policies.errors import BadInput

_CHUNK = 1 << 16


class Event(NamedTuple):
    """A commit that wrote or deleted a file."""

    at: datetime  # committer time
    position: int  # in the history, later is larger: decides between commits of one second
    path: str
    commit: str
    subject: str
    blob: str | None  # None: deleted


class Blobs:
    """Gives blobs one after another, from one `git cat-file --batch`."""

    def __init__(self, to: IO[bytes], fro: IO[bytes]) -> None:
        self._to = to
        self._fro = fro

    def read(self, blob: str, at_most: int) -> bytes | int:
        """The bytes of a blob, or their number where that is more than `at_most`."""
        try:
            self._to.write(f"{blob}\n".encode())
            self._to.flush()
        except OSError as error:
            raise BadInput(f"the repository is damaged: git stopped before {blob}") from error
        told = self._fro.readline().split()
        if len(told) != 3 or told[1] != b"blob":
            raise BadInput(f"the repository is damaged: {blob} cannot be read")
        size = int(told[2])
        if size <= at_most:
            body = self._fro.read(size)
            self._skip(size + 1 - len(body))
            return body
        self._skip(size + 1)
        return size

    def _skip(self, size: int) -> None:
        while size > 0:
            read = len(self._fro.read(min(size, _CHUNK)))
            if not read:
                raise BadInput("the repository is damaged: a text ends too early")
            size -= read


def located(repository: Path, cache: Path) -> Path:
    """The git directory of a folder, or of the clone of a bundle, made in `cache` once.

    Raises BadInput for what is neither, for a damaged bundle, and where git is missing.
    """
    if shutil.which("git") is None:
        raise BadInput("the program git is needed to read an archive's history; install git")
    if not repository.exists():
        raise BadInput(f"there is no {repository}; expected a git folder or a .bundle file")
    return _cloned(repository, cache) if repository.is_file() else _git_dir(repository)


def events(git_dir: Path) -> Iterator[Event]:
    """Everything that was done to files, newest commit first; raises BadInput if git cannot."""
    head = _git(f"--git-dir={git_dir}", "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    start = "--branches" if head.returncode else "HEAD"
    at, position, commit, subject = datetime.min.replace(tzinfo=UTC), 0, "", ""
    fields = _log(git_dir, "--raw", "--no-abbrev", "--no-renames", "--root", start, "--")
    for field in fields:
        text = field.decode("utf-8", "replace").lstrip("\n")
        if text.startswith("\x01"):
            commit, seconds, subject = text[1:].split(" ", 2)
            at, position = _time(seconds), position - 1
        elif text.startswith(":"):
            _, mode, _, blob, status = text.split(" ")
            path = next(fields, b"").decode("utf-8", "replace")
            if status == "D":
                yield Event(at, position, path, commit, subject, None)
            elif mode.startswith("100"):  # neither a symbolic link nor a submodule
                yield Event(at, position, path, commit, subject, blob)


@contextmanager
def blobs(git_dir: Path) -> Iterator[Blobs]:
    """A reader of blobs, and the program behind it for as long as it is needed."""
    with subprocess.Popen(
        ["git", f"--git-dir={git_dir}", "cat-file", "--batch"],
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as git:
        try:
            if git.stdin and git.stdout:
                yield Blobs(git.stdin, git.stdout)
        finally:
            git.kill()


def _git_dir(folder: Path) -> Path:
    # The ceiling: never the repository around the folder.
    ceiling = {"GIT_CEILING_DIRECTORIES": str(folder.resolve().parent)}
    told = _git("-C", str(folder), "rev-parse", "--absolute-git-dir", more=ceiling)
    if told.returncode:
        raise BadInput(f"{folder} is not a git repository ({_said(told.stderr)})")
    return Path(os.fsdecode(told.stdout.rstrip(b"\n")))


def _cloned(bundle: Path, cache: Path) -> Path:
    """A bundle's bare clone; it gets its name when it is whole, so a kill leaves no half of it."""
    with bundle.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    final = cache.resolve() / f"{bundle.stem}-{digest[:16]}.git"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if final.is_dir():
            return final
        for left_over in cache.glob(".clone-*"):  # of runs that were killed
            shutil.rmtree(left_over, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".clone-") as made:
            clone = Path(made) / "git"
            told = _git("clone", "--bare", "--quiet", str(bundle.resolve()), str(clone))
            if told.returncode:
                raise BadInput(f"{bundle} is not a whole git bundle ({_said(told.stderr)})")
            clone.rename(final)
    return final


def _log(git_dir: Path, *options: str) -> Iterator[bytes]:
    """What `git log -z` prints, cut at each NUL, as it comes; a commit begins with \\x01."""
    command = ["git", f"--git-dir={git_dir}", "log", "-z", "--no-show-signature"]
    command += ["--format=%x01%H %ct %s", *options]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            command,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as git,
    ):
        rest = b""
        try:
            while chunk := git.stdout.read(_CHUNK) if git.stdout else b"":
                *whole, rest = (rest + chunk).split(b"\0")
                yield from whole
            failed = git.wait() != 0
        finally:
            git.kill()
        if failed:
            errors.seek(0)
            raise BadInput(f"the repository cannot be read ({_said(errors.read())})")


def _git(
    *command: str, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["git", *command],
        env={**_environment(), **(more or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


def _environment() -> dict[str, str]:
    """This process's own, without what would lead git to another repository or to the network."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {
        **kept,
        "LC_ALL": "C",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }


def _said(errors: bytes) -> str:
    """The line in which git said what is wrong."""
    lines = [line for line in errors.decode("utf-8", "replace").splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (fatal or lines or ["git gave no reason"])[0][:300]


def _time(seconds: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise BadInput(f"the repository has a commit at an impossible time, {seconds}") from error
