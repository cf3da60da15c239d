"""Single values: the forms of those that JSON lacks, and which ones need none."""

from __future__ import annotations

import base64
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from math import isfinite
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from attrs import frozen

from bizproc.core.checks import described
from bizproc.core.codec.trees import Read, Tree, Trouble, Write, refuse, tag_of, unread

_LEAST, _MOST = -(2**63), 2**64 - 1  # the integers that orjson writes and reads exactly


def _is_unicode(text: str) -> bool:
    """Whether a text has no lone surrogates, which no encoding of text can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def write_str(value: str) -> Tree:
    if value.isascii() or _is_unicode(value):
        return value
    return refuse(
        value, "it has a lone surrogate, half of a character; decode the bytes it came from with errors='replace'"
    )


def write_int(value: int) -> Tree:
    # Hexadecimal: Python refuses to read or write more than 4,300 decimal digits.
    return value if _LEAST <= value <= _MOST else {"$int": f"{value:x}"}


def write_float(value: float) -> Tree:
    return value if isfinite(value) else {"$float": str(value)}


def write_moment(value: datetime) -> str:
    if value.utcoffset() is None:
        refuse(value, "it has no time zone; give it one: datetime.now(UTC), or datetime(..., tzinfo=ZoneInfo(...))")
    return value.isoformat() + _zone_suffix(value.tzinfo)


def _zone_suffix(zone: object) -> str:
    """The name of a zone, as in RFC 9557: an offset alone does not tell when summer begins."""
    if zone is None or type(zone) is timezone:
        return ""
    if type(zone) is ZoneInfo and zone.key:
        return f"[{zone.key}]"
    raise Trouble(type(zone).__name__, "of all zones only a ZoneInfo with a key and datetime.timezone can come back")


def _read_moment(text: str) -> datetime:
    stamp, bracket, key = text.removesuffix("]").partition("[")
    moment = datetime.fromisoformat(stamp)
    if not bracket:
        return moment
    zone = ZoneInfo(key)
    for fold in (0, 1):  # an hour that happens twice, or not at all, is told by its offset
        local = moment.replace(tzinfo=zone, fold=fold)
        if local.utcoffset() == moment.utcoffset():
            return local
    return moment.astimezone(zone)  # the zone's rules have changed since: the instant counts


def _write_time(value: time) -> str:
    return value.isoformat() + _zone_suffix(value.tzinfo)


def _read_time(text: str) -> time:
    stamp, bracket, key = text.removesuffix("]").partition("[")
    value = time.fromisoformat(stamp)
    return value.replace(tzinfo=ZoneInfo(key)) if bracket else value


_MICROSECOND: Final = timedelta(microseconds=1)


def _read_duration(tree: Tree) -> timedelta:
    count: int = read_big(tree["$int"]) if type(tree) is dict else tree
    return timedelta(microseconds=count)


def read_big(text: str) -> int:
    return int(text, 16)


def _write_zone(value: ZoneInfo) -> str:
    return _zone_suffix(value)[1:-1]


def _write_offset(value: timezone) -> Tree:
    return write_int(value.utcoffset(None) // _MICROSECOND)


def _read_offset(tree: Tree) -> timezone:
    return timezone(_read_duration(tree))


def _write_bytes(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _read_bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


@frozen
class Leaf:
    """How values of one class are written: those that JSON lacks, and that hold no others."""

    kind: type
    tag: str
    write: Write
    read: Read
    form: type = str


LEAVES: Final = {
    leaf.kind: leaf
    for leaf in (
        Leaf(Decimal, "$decimal", str, Decimal),
        Leaf(datetime, "$datetime", write_moment, _read_moment),
        Leaf(date, "$date", date.isoformat, date.fromisoformat),
        Leaf(time, "$time", _write_time, _read_time),
        Leaf(timedelta, "$timedelta", lambda value: write_int(value // _MICROSECOND), _read_duration, int),
        Leaf(ZoneInfo, "$zone", _write_zone, ZoneInfo),
        Leaf(timezone, "$offset", _write_offset, _read_offset, int),
        Leaf(UUID, "$uuid", str, UUID),
        Leaf(bytes, "$bytes", _write_bytes, _read_bytes),
    )
}


def is_plain(value: Any) -> bool:
    """Whether JSON holds all of a value, and it cannot be taken for a tagged one: then it is written as it is."""
    kind = type(value)
    if kind is str:
        return value.isascii() or _is_unicode(value)
    if kind is int:
        return bool(_LEAST <= value <= _MOST)
    if kind is dict:
        key = ""
        for key, item in value.items():
            if type(key) is not str or not (key.isascii() or _is_unicode(key)):
                return False
            if type(item) is int:  # without a call: arguments and results are mostly small dicts of these
                if not _LEAST <= item <= _MOST:
                    return False
            elif not is_plain(item):
                return False
        return len(value) != 1 or key[:1] != "$"
    if kind is list:
        return all(map(is_plain, value))
    if kind is float:
        return isfinite(value)
    return value is None or kind is bool


def describer_of(leaf: Leaf) -> Write:
    return lambda value: {leaf.tag: leaf.write(value)}


def guarded(leaf: Leaf) -> Read:
    """Reads a leaf, whatever a text from outside holds in its place."""

    def read(tree: Tree) -> Any:
        if type(tree) is not leaf.form and tag_of(tree) != "$int":
            unread(tree, leaf.kind.__name__)
        try:
            return leaf.read(tree)
        except Exception as error:  # noqa: BLE001 - ValueError, InvalidOperation, ZoneInfoNotFoundError, OSError…
            raise Trouble(leaf.kind.__name__, f"recorded is {described(tree)}: {error}") from None

    return read


ATOMS: Final[dict[type, tuple[Write, tuple[type, ...]]]] = {
    type(None): (lambda value: value, (type(None),)),
    bool: (lambda value: value, (bool,)),
    str: (write_str, (str,)),
    int: (write_int, (int,)),
    float: (write_float, (float, int)),  # type checkers take an int for a float; it stays one
}
