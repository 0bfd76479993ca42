"""Cursors: opaque tokens that say where a list goes on."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime, timedelta

from policies.errors import BadInput
from policies.store.queries.rows import Position

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MOST = 1 << 63  # numbers of rows are less
_FARTHEST = 253_402_300_800_000_000  # microseconds from 1970 to the year 10000


def of_position(position: Position) -> str:
    """A cursor for a list by time."""
    return _encode([(position.at - _EPOCH) // _MICROSECOND, position.id])


def position(cursor: str | None) -> Position | None:
    """The position of a cursor; None without one. Raises BadInput."""
    if cursor is None:
        return None
    match _decode(cursor):
        case [int(at), str(row_id)] if not isinstance(at, bool) and -_FARTHEST < at < _FARTHEST:
            try:
                return Position(_EPOCH + at * _MICROSECOND, row_id)
            except OverflowError as error:
                raise _bad() from error
        case _:
            raise _bad()


def of_number(number: int) -> str:
    """A cursor for what a search finds."""
    return _encode([number])


def number(cursor: str | None) -> int | None:
    """The number of a cursor; None without one. Raises BadInput."""
    if cursor is None:
        return None
    match _decode(cursor):
        case [int(found)] if not isinstance(found, bool) and 0 <= found < _MOST:
            return found
        case _:
            raise _bad()


def of_id(row_id: str) -> str:
    """A cursor for a list by id."""
    return _encode([row_id])


def row_id(cursor: str | None) -> str | None:
    """The id of a cursor; None without one. Raises BadInput."""
    if cursor is None:
        return None
    match _decode(cursor):
        case [str(found)]:
            return found
        case _:
            raise _bad()


def of_sequence(seq: int) -> str:
    """A cursor for the log."""
    return _encode([seq])


def sequence(cursor: str | None) -> int:
    """The sequence of a cursor; 0 without one. Raises BadInput."""
    if cursor is None:
        return 0
    match _decode(cursor):
        case [int(seq)] if not isinstance(seq, bool) and 0 <= seq < _FARTHEST:
            return seq
        case _:
            raise _bad()


def _encode(value: list[int | str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _decode(cursor: str) -> object:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        value = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, UnicodeError, ValueError, RecursionError) as error:
        raise _bad() from error
    text = json.dumps(value, ensure_ascii=False)
    if "\\u0000" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise _bad()  # no database holds such text
    return value


def _bad() -> BadInput:
    return BadInput("this cursor was not given out by this list: start without one")
