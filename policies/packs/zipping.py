"""Files to one zip archive: the same files give the same bytes, on any machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from policies.packs import guide
from policies.packs.gathering import Pack

_EARLIEST, _LATEST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)  # what a zip can date
_UNIX, _READABLE = 3, 0o100644 << 16


def write(pack: Pack, file: IO[bytes]) -> None:
    """The pack as a zip archive, one file after the other.

    Nothing is compressed: what zlib makes differs from build to build.
    """
    sums: dict[str, str] = {}
    sizes: dict[str, int] = {}
    with ZipFile(file, "w", ZIP_STORED) as archive:
        for name, data in _in_order(pack):
            archive.writestr(_info(pack, name), data)
            sums[name], sizes[name] = hashlib.sha256(data).hexdigest(), len(data)
        manifest = _pretty(_manifest(pack, sums, sizes))
        archive.writestr(_info(pack, "manifest.json"), manifest)
        sums["manifest.json"] = hashlib.sha256(manifest).hexdigest()
        lines = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums))
        archive.writestr(_info(pack, "SHA256SUMS"), lines.encode())


def _in_order(pack: Pack) -> Iterator[tuple[str, bytes]]:
    yield "README.txt", guide.readme(pack).encode()
    for name in sorted(pack.files):
        data = pack.files[name]
        yield name, data if isinstance(data, bytes) else data()


def _manifest(pack: Pack, sums: dict[str, str], sizes: dict[str, int]) -> dict[str, Any]:
    files = [{"path": n, "bytes": sizes[n], "sha256": sums[n]} for n in sorted(sums)]
    return {**pack.about, "files": files}


def _pretty(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def _info(pack: Pack, name: str) -> ZipInfo:
    info = ZipInfo(f"{pack.name}/{name}", _date(pack.dated))
    info.create_system, info.external_attr = _UNIX, _READABLE
    return info


def _date(at: datetime) -> tuple[int, int, int, int, int, int]:
    t = at.astimezone(UTC)
    here = (t.year, t.month, t.day, t.hour, t.minute, t.second)
    return min(max(here, _EARLIEST), _LATEST)
