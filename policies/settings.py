"""What an operator can set: read once from the environment, then passed in."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from policies import __version__
from policies.errors import BadInput

PREFIX = "EARWITNESS_"
T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """How this installation runs. Every field is set by EARWITNESS_<FIELD>."""

    data: Path = Path("data")  # folder of the evidence and of the SQLite store
    database: str = ""  # SQLAlchemy URL; empty: SQLite in `data`
    catalog: Path | None = None  # folder of declarations; None: the packaged ones
    contact: str = ""  # e-mail or URL that the user agent names, so that sites can reach you
    interval: timedelta = timedelta(hours=12)  # between two captures of a page
    recheck_after: timedelta = timedelta(minutes=15)  # a text that waits is looked at again then
    body_limit: int = 20_000_000  # bytes of one page, decompressed
    fetch_timeout: float = 60.0  # seconds for one page, redirects not included
    host: str = "127.0.0.1"  # where `earwitness up` and `serve` listen
    port: int = 8737
    workers: int = 2  # processes of the server
    public_url: str = ""  # address under which people reach the site; empty: as asked
    timestamps: str = ""  # address of an authority that timestamps the log (RFC 3161)
    timestamps_ca: Path | None = None  # PEM file of the authority's root certificate
    timestamps_every: timedelta = timedelta(days=1)  # between two timestamps
    notify: Path | None = None  # YAML file of the rules for messages; None: nobody is told

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL of the store."""
        return self.database or f"sqlite:///{self.data / 'earwitness.sqlite3'}"

    @property
    def evidence(self) -> Path:
        """The folder of the WARC files."""
        return self.data / "evidence"

    @property
    def user_agent(self) -> str:
        """The name under which pages are fetched."""
        contact = f"; +{self.contact}" if self.contact else ""
        return f"Earwitness/{__version__} (policy change monitor{contact})"

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """The settings that the environment gives. Raises BadInput naming the variable."""
        given: dict[str, object] = {}
        for name, parse in _PARSERS.items():
            value = environ.get(PREFIX + name.upper(), "").strip()
            if not value:
                continue
            try:
                given[name] = parse(value)
            except ValueError as error:
                raise BadInput(f"{PREFIX}{name.upper()}={value!r}: {error}") from error
        return cls(**given)  # type: ignore[arg-type]  # each parser returns its field's type


def duration(text: str) -> timedelta:
    """A length of time written as a number and s, m, h or d ("15m", "12h")."""
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    number, unit = text[:-1], text[-1:].lower()
    if unit not in units:
        raise ValueError("expected a number and one of s, m, h, d, for example 12h")
    try:
        amount = float(number)
    except ValueError:
        raise ValueError("expected a number and one of s, m, h, d, for example 12h") from None
    if not 0 <= amount < 1_000_000:
        raise ValueError("expected a length of time that is not negative")
    return timedelta(**{units[unit]: amount})


def _within(low: float, high: float, kind: Callable[[str], T]) -> Callable[[str], T]:
    def parse(text: str) -> T:
        try:
            value = kind(text)
        except ValueError:
            raise ValueError(f"expected a number from {low:g} to {high:g}") from None
        if not low <= value <= high:  # type: ignore[operator]  # kind is int or float
            raise ValueError(f"expected a number from {low:g} to {high:g}")
        return value

    return parse


_PARSERS: dict[str, Callable[[str], object]] = {
    "data": Path,
    "database": str,
    "catalog": Path,
    "contact": str,
    "interval": duration,
    "recheck_after": duration,
    "body_limit": _within(1_000, 1_000_000_000, int),
    "fetch_timeout": _within(0.1, 3_600, float),
    "host": str,
    "port": _within(0, 65_535, int),
    "workers": _within(1, 64, int),
    "public_url": str,
    "timestamps": str,
    "timestamps_ca": Path,
    "timestamps_every": duration,
    "notify": Path,
}
