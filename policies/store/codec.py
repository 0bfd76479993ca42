"""Values to columns and back: compressed text, blocks, and edit lists."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from policies.model import Block, BlockKind, Edit, EditKind, Reason, Span, SpanKind

# Raised by what was cut or overwritten.
UNREADABLE = (IndexError, TypeError, ValueError, zlib.error)


def pack(value: Any) -> bytes:
    """A JSON value as compressed bytes; the same value gives the same bytes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return zlib.compress(text.encode("utf-8"), 6)


def unpack(data: bytes) -> Any:
    """The JSON value of `pack`."""
    return json.loads(zlib.decompress(data))


def pack_text(text: str) -> bytes:
    """A text as compressed UTF-8."""
    return zlib.compress(text.encode("utf-8"), 6)


def unpack_text(data: bytes) -> str:
    """The text of `pack_text`."""
    return zlib.decompress(data).decode("utf-8")


def pack_blocks(blocks: Iterable[Block]) -> bytes:
    """Blocks as [[kind, level, start, end], …], compressed."""
    return pack([[b.kind.value, b.level, b.start, b.end] for b in blocks])


def unpack_blocks(data: bytes) -> tuple[Block, ...]:
    """The blocks of `pack_blocks`."""
    return tuple(Block(BlockKind(k), level, s, e) for k, level, s, e in unpack(data))


def pack_edits(edits: Sequence[Edit]) -> bytes:
    """Edits as [[kind, old, new, [[kind, old from, to, new from, to], …]], …], compressed."""
    return pack(
        [
            [
                edit.kind.value,
                edit.old,
                edit.new,
                [
                    [s.kind.value, s.old_start, s.old_end, s.new_start, s.new_end]
                    for s in edit.spans
                ],
            ]
            for edit in edits
        ]
    )


def unpack_edits(data: bytes) -> tuple[Edit, ...]:
    """The edits of `pack_edits`."""
    return tuple(
        Edit(EditKind(kind), old, new, tuple(Span(SpanKind(k), *offsets) for k, *offsets in spans))
        for kind, old, new, spans in unpack(data)
    )


def reasons_json(reasons: Iterable[Reason]) -> list[dict[str, Any]]:
    """Reasons as JSON objects."""
    return [{"rule": r.rule, "says": r.says, "numbers": dict(r.numbers)} for r in reasons]


def reasons(told: Iterable[Mapping[str, Any]]) -> tuple[Reason, ...]:
    """The reasons of `reasons_json`."""
    return tuple(Reason(r["rule"], r["says"], r["numbers"]) for r in told)
