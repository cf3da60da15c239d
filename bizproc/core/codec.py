"""
The codec: values and errors to JSON text and back, with the same types; and the text by which arguments are compared.

Types come from annotations. Where there is none (`Any`, a union, a subclass of what was declared) the text describes
itself: a value that JSON lacks is an object with one key that begins with `$`; a dict that looks like one is escaped.

    encode(Decimal("1.10"), Decimal)        "1.10"
    encode(Decimal("1.10"), Any)            {"$decimal":"1.10"}
    encode({"$decimal": "1.10"}, Any)       {"$dict":[["$decimal","1.10"]]}
    encode(Deal(id=5), Deal)                {"id":5}
    encode(Deal(id=5), Any)                 {"$object":["bizproc.model.deal:Deal",{"id":5}]}

Not a serialiser of everything: no pickle, no functions, no live objects. What cannot come back as it was is refused,
at the call that made it, with its path. A text can name classes only of packages that are imported already, and only
those that hold values: attrs classes, dataclasses, enums, named tuples, and errors.

cattrs makes the calls of constructors, orjson the text; the forms of single values are here.
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import importlib
import inspect
import sys
import traceback
import types
import typing
from collections import abc
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import cached_property, partial
from hashlib import blake2b
from math import isfinite
from typing import (
    Any,
    Final,
    ForwardRef,
    Literal,
    NewType,
    NoReturn,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
)
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import cattrs
import orjson
from attrs import define, field, frozen
from cattrs.gen import make_dict_structure_fn_from_attrs, override

from bizproc.core.checks import described, hints_of, readable
from bizproc.core.errors import NotJournallable, NotRestorable, RecordedError

Tree: TypeAlias = Any
"""What orjson writes and reads: None, bool, int, float, str, list, dict with str keys."""

Write: TypeAlias = Callable[[Any], Tree]
Read: TypeAlias = Callable[[Tree], Any]

_LEAST, _MOST = -(2**63), 2**64 - 1  # the integers that orjson writes and reads exactly


class _Trouble(Exception):
    """A value that cannot be written or read. On its way up it gathers the path."""

    def __init__(self, type: str, detail: str) -> None:
        super().__init__(type, detail)
        self.type = type
        self.detail = detail
        self.steps: list[str] = []

    def under(self, step: str) -> None:
        """The trouble lies below `step` of the value that is being dealt with."""
        self.steps.append(step)

    def path(self, root: str) -> str:
        return root + "".join(reversed(self.steps))


def _member(key: object) -> str:
    """The step to a field or a key: `.when`, `['first name']`."""
    return f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]"


def _refuse(value: object, detail: str) -> NoReturn:
    raise _Trouble(type(value).__name__, detail)


def _wrong(value: object, expected: str) -> NoReturn:
    _refuse(value, f"expected {expected}, got {described(value)}")


def _unread(tree: Tree, expected: str) -> NoReturn:
    raise _Trouble(expected, f"recorded is {described(tree)}")


# -- going through containers ------------------------------------------------------------------------------------------


def _each(function: Callable[[Any], Any], values: Iterable[Any]) -> list[Any]:
    out: list[Any] = []
    try:
        for value in values:
            out.append(function(value))  # noqa: PERF401 - its length is the index of the one that fails
    except _Trouble as trouble:
        trouble.under(f"[{len(out)}]")
        raise
    return out


def _each_of_set(function: Callable[[Any], Any], values: Iterable[Any]) -> list[Any]:
    try:
        return [function(value) for value in values]
    except _Trouble as trouble:
        trouble.under("{…}")
        raise


def _each_value(function: Callable[[Any], Any], mapping: Mapping[str, Any]) -> dict[str, Any]:
    out = {}
    key = ""
    try:
        for key, value in mapping.items():
            out[key] = function(value)
    except _Trouble as trouble:
        trouble.under(_member(key))
        raise
    return out


def _each_pair(
    of_key: Callable[[Any], Any], of_value: Callable[[Any], Any], pairs: Iterable[tuple[Any, Any]]
) -> Iterator[tuple[Any, Any]]:
    for key, value in pairs:
        try:
            yield of_key(key), of_value(value)
        except _Trouble as trouble:
            trouble.under(_member(key))
            raise


def _ordered(trees: list[Tree]) -> list[Tree]:
    """Trees in an order that depends on nothing but themselves."""
    return sorted(trees, key=lambda tree: orjson.dumps(tree, option=orjson.OPT_SORT_KEYS))


def _tag(tree: Tree) -> str | None:
    """The tag of a tree that describes itself, e.g. `$decimal`; None for all others."""
    if type(tree) is dict and len(tree) == 1:
        key: str = next(iter(tree))
        if key[:1] == "$":
            return key
    return None


# -- single values -----------------------------------------------------------------------------------------------------


def _is_unicode(text: str) -> bool:
    """Whether a text has no lone surrogates, which no encoding of text can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _write_str(value: str) -> Tree:
    if value.isascii() or _is_unicode(value):
        return value
    _refuse(value, "it has a lone surrogate, half of a character; decode the bytes it came from with errors='replace'")


def _write_int(value: int) -> Tree:
    # Hexadecimal: Python refuses to read or write more than 4,300 decimal digits.
    return value if _LEAST <= value <= _MOST else {"$int": f"{value:x}"}


def _write_float(value: float) -> Tree:
    return value if isfinite(value) else {"$float": str(value)}


def _write_moment(value: datetime) -> str:
    if value.utcoffset() is None:
        _refuse(value, "it has no time zone; give it one: datetime.now(UTC), or datetime(..., tzinfo=ZoneInfo(...))")
    return value.isoformat() + _zone_suffix(value.tzinfo)


def _zone_suffix(zone: object) -> str:
    """The name of a zone, as in RFC 9557: an offset alone does not tell when summer begins."""
    if zone is None or type(zone) is timezone:
        return ""
    if type(zone) is ZoneInfo and zone.key:
        return f"[{zone.key}]"
    raise _Trouble(type(zone).__name__, "of all zones only a ZoneInfo with a key and datetime.timezone can come back")


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
    count: int = _read_big(tree["$int"]) if type(tree) is dict else tree
    return timedelta(microseconds=count)


def _read_big(text: str) -> int:
    return int(text, 16)


def _write_zone(value: ZoneInfo) -> str:
    return _zone_suffix(value)[1:-1]


def _write_offset(value: timezone) -> Tree:
    return _write_int(value.utcoffset(None) // _MICROSECOND)


def _read_offset(tree: Tree) -> timezone:
    return timezone(_read_duration(tree))


def _write_bytes(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _read_bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


@frozen
class _Leaf:
    """How values of one class are written: those that JSON lacks, and that hold no others."""

    kind: type
    tag: str
    write: Write
    read: Read
    form: type = str


_LEAVES: Final = {
    leaf.kind: leaf
    for leaf in (
        _Leaf(Decimal, "$decimal", str, Decimal),
        _Leaf(datetime, "$datetime", _write_moment, _read_moment),
        _Leaf(date, "$date", date.isoformat, date.fromisoformat),
        _Leaf(time, "$time", _write_time, _read_time),
        _Leaf(timedelta, "$timedelta", lambda value: _write_int(value // _MICROSECOND), _read_duration, int),
        _Leaf(ZoneInfo, "$zone", _write_zone, ZoneInfo),
        _Leaf(timezone, "$offset", _write_offset, _read_offset, int),
        _Leaf(UUID, "$uuid", str, UUID),
        _Leaf(bytes, "$bytes", _write_bytes, _read_bytes),
    )
}


def _is_plain(value: Any) -> bool:
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
            elif not _is_plain(item):
                return False
        return len(value) != 1 or key[:1] != "$"
    if kind is list:
        return all(map(_is_plain, value))
    if kind is float:
        return isfinite(value)
    return value is None or kind is bool


# -- the codec ---------------------------------------------------------------------------------------------------------


@define(eq=False)
class Coder:
    """
    How values of one type are written and read.

    Attributes:
        shown: The type, as errors name it.
        write: Value to tree. Raises _Trouble.
        read: Tree to value. Raises _Trouble.
        kind: The class whose own instances are written in the type's own form; those of subclasses describe themselves.
        tag: What marks that form where the type is not known; None where the form needs no mark, "" where it cannot
            be marked, and the value has to be described instead.
        label: For classes: where the class is found, `module:qualname`.
        plain: The class of a tree that is the value itself if nothing in the text is tagged; () where there is none.
        whole: Whether JSON alone gives back what was written, if nothing in the text is tagged.
    """

    shown: str
    write: Write
    read: Read
    kind: type | None = None
    tag: str | None = None
    label: str = ""
    plain: type | tuple[()] = ()
    whole: bool = False

    def marked(self, form: Tree) -> Tree:
        """A form with its tag."""
        return {self.tag: [self.label, form] if self.label else form}


class Codec:
    """Writes values and errors as JSON text, and restores them. Types are compiled once, when they are first met."""

    def __init__(self) -> None:
        self.anything: Final = Coder("Any", self._write_any, self.read_any, plain=object, whole=True)
        self._converter = cattrs.Converter(detailed_validation=False)
        self._coders: dict[Any, Coder] = {Any: self.anything}
        self._named: dict[tuple[str, str], Coder] = {}
        self._describers: dict[type, Write] = self._first_describers()
        self._readers: dict[str, Read] = self._first_readers()

    def encode(self, value: object, type_: Any = Any, *, path: str = "value") -> str:
        """
        A value of an annotated type, as text. `path` is what errors call the value.

        Raises:
            NotJournallable: the value, or something in it, does not have its type or cannot be written.
        """
        try:
            return orjson.dumps(self.coder(type_).write(value)).decode()
        except Exception as error:  # noqa: BLE001 - also orjson's refusals, and whatever the value's own code raises
            raise _refusal(error, value, path) from None

    def decode(self, text: str, type_: Any = Any, *, path: str = "value") -> Any:
        """
        The value that was written, under the same annotation or one that has grown since.

        Raises:
            NotRestorable: the text holds no value of that type.
        """
        coder = self.coder(type_)
        try:
            tree = orjson.loads(text)
            # A quote inside a text is escaped, so this finds objects whose first key begins with "$", and nothing else.
            if isinstance(tree, coder.plain) and '{"$' not in text:
                return tree
            return coder.read(tree)
        except _Trouble as trouble:
            raise NotRestorable(path=trouble.path(path), type=trouble.type, detail=trouble.detail) from None
        except Exception as error:  # a text from outside can fail in any way
            raise NotRestorable(path=path, type=coder.shown, detail=f"{type(error).__name__}: {error}") from error

    def recorded(self, value: object, type_: Any = Any, *, path: str = "value") -> tuple[str, Any]:
        """
        A value of an annotated type as text, and as it is read back from there: what a replay would give.

        Raises:
            NotJournallable: the value cannot be written.
            NotRestorable: what was written cannot be read.
        """
        try:
            coder = self.coder(type_)
            text = orjson.dumps(coder.write(value)).decode()
        except Exception as error:  # noqa: BLE001 - as in encode
            raise _refusal(error, value, path) from None
        if coder.whole and '{"$' not in text:
            return text, orjson.loads(text)
        return text, self.decode(text, type_)

    def canonical(self, value: object, *, path: str = "arguments") -> str:
        """
        The text by which arguments are compared: equal for what counts as the same.

        Sets and keys are sorted, decimals normalised, moments put in UTC, tuples are lists, and an item (a class
        attribute `item_type`, and an `id`) is its type and id. It is compared and shown, never read back.
        """
        return self.compared(value, path=path)[0]

    def compared(self, value: object, *, path: str = "arguments") -> tuple[str, bytes]:
        """The canonical text of a value, and its hash."""
        try:
            tree = value if _is_plain(value) else _canonical(self, value)
            text = orjson.dumps(tree, option=orjson.OPT_SORT_KEYS)
            return text.decode(), _hash(text)
        except Exception as error:  # noqa: BLE001 - as in encode
            raise _refusal(error, value, path) from None

    def encode_error(self, error: BaseException) -> str:
        """An error as text: class, message, args, fields, notes, causes and traceback. Never fails."""
        try:
            return orjson.dumps(_record(self, error)).decode()
        except Exception:  # noqa: BLE001 - e.g. fields that are nested too deeply
            return orjson.dumps({"class": _label(type(error)), "text": text_of(error)}).decode()

    def decode_error(self, text: str) -> BaseException:
        """The error that was recorded; a RecordedError where its class is gone."""
        try:
            return _restored(self, orjson.loads(text))
        except Exception as error:  # likewise
            raise NotRestorable(path="error", type="an error", detail=f"{type(error).__name__}: {error}") from error

    def coder(self, type_: Any) -> Coder:
        """How values of a type are written and read."""
        try:
            return self._coders[type_]
        except KeyError:
            coder = self._coders[type_] = _compiled(self, type_)
            return coder
        except TypeError:  # an annotation that cannot be a key, such as Annotated[int, [1]]
            return _compiled(self, type_)

    # -- values that describe themselves

    def _write_any(self, value: object) -> Tree:
        return value if _is_plain(value) else self.describe(value)

    def describe(self, value: object) -> Tree:
        """A value as a tree that tells its type."""
        kind = type(value)
        describer = self._describers.get(kind)
        if describer is None:
            describer = self._describers[kind] = self._describer(kind, value)
        return describer(value)

    def read_any(self, tree: Tree) -> Any:
        """The value of a tree that tells its type."""
        if type(tree) is list:
            return _each(self.read_any, tree)
        if type(tree) is not dict:
            return tree
        tag = _tag(tree)
        if tag is None:
            return _each_value(self.read_any, tree)
        read = self._readers.get(tag)
        return _unread(tree, f"a value tagged {tag}") if read is None else read(tree[tag])

    def _first_describers(self) -> dict[type, Write]:
        describers: dict[type, Write] = {
            type(None): lambda value: value,
            bool: lambda value: value,
            str: _write_str,
            int: _write_int,
            float: _write_float,
            list: lambda values: _each(self.describe, values),
            dict: self._describe_dict,
            tuple: lambda values: {"$tuple": _each(self.describe, values)},
            set: lambda values: {"$set": _ordered(_each_of_set(self.describe, values))},
            frozenset: lambda values: {"$frozenset": _ordered(_each_of_set(self.describe, values))},
            types.MappingProxyType: lambda mapping: {"$proxy": self._describe_dict(dict(mapping))},
        }
        return describers | {leaf.kind: _describer_of_leaf(leaf) for leaf in _LEAVES.values()}

    def _first_readers(self) -> dict[str, Read]:
        readers: dict[str, Read] = {
            "$int": _read_big,
            "$float": float,
            "$tuple": lambda trees: tuple(_each(self.read_any, trees)),
            "$set": lambda trees: set(_each_of_set(self.read_any, trees)),
            "$frozenset": lambda trees: frozenset(_each_of_set(self.read_any, trees)),
            "$dict": lambda pairs: dict(_each_pair(self.read_any, self.read_any, pairs)),
            "$proxy": lambda tree: types.MappingProxyType(self.read_any(tree)),
            "$error": lambda record: _restored(self, record),
        }
        readers |= {leaf.tag: _guarded(leaf) for leaf in _LEAVES.values()}
        readers |= {tag: self._reader_of_class(tag) for tag in ("$object", "$enum", "$named")}
        return readers

    def _describe_dict(self, mapping: dict[Any, Any]) -> Tree:
        if all(type(key) is str for key in mapping):
            _check_keys(mapping)
            tree = _each_value(self.describe, mapping)
            if _tag(tree) is None:
                return tree
        return {"$dict": [list(pair) for pair in _each_pair(self.describe, self.describe, mapping.items())]}

    def _describer(self, kind: type, value: object) -> Write:
        """How values of a class are described that is met for the first time; `value` is one of them."""
        if issubclass(kind, BaseException):
            return lambda error: {"$error": _record(self, error)}
        coder = self.coder(kind)
        if not coder.label:
            _refuse(value, _advice(value))
        if _found(coder.label) is not coder.kind:
            _refuse(value, f"there is no {coder.label}; define it at the top of a module, or annotate this value")
        return lambda value: coder.marked(coder.write(value))

    def _reader_of_class(self, tag: str) -> Read:
        def read(tree: Tree) -> Any:
            label, form = tree
            return self._coder_named(tag, label).read(form)

        return read

    def _coder_named(self, tag: str, label: str) -> Coder:
        try:
            return self._named[tag, label]
        except KeyError:
            found = _found(label)
        if found is None:
            raise _Trouble(label, "there is no such class, or its package is not imported")
        coder = self.coder(found)
        if coder.tag != tag:
            raise _Trouble(label, "it is not a class of values")
        self._named[tag, label] = coder
        return coder

    # -- values that do not have the very class that was declared

    def write_other(self, value: object, kind: type | tuple[type, ...], shown: str) -> Tree:
        """A value where another class was expected: an instance of a subclass describes itself."""
        return self.describe(value) if isinstance(value, kind) else _wrong(value, shown)

    def read_other(self, tree: Tree, kind: type | tuple[type, ...], shown: str) -> Any:
        """The value of a tree that is not in the form of the declared class."""
        if _tag(tree) is not None or not isinstance(tree, (dict, list)):
            value = self.read_any(tree)
            if isinstance(value, kind):
                return value
        return _unread(tree, shown)


def argument_hash(text: str) -> bytes:
    """Eight bytes that stand for a canonical text."""
    return _hash(text.encode())


_NOTHING_YET: Final = blake2b(digest_size=8)


def _hash(text: bytes) -> bytes:
    hashed = _NOTHING_YET.copy()  # a third less than to make one
    hashed.update(text)
    return hashed.digest()


def _refusal(error: Exception, value: object, path: str) -> NotJournallable:
    """What went wrong with a value, as callers see it."""
    if isinstance(error, _Trouble):
        return NotJournallable(path=error.path(path), type=error.type, detail=error.detail)
    if isinstance(error, RecursionError) or str(error).startswith("Recursion"):
        detail = "it contains itself, or is nested too deeply"
    else:
        detail = f"{type(error).__name__}: {error}"
    return NotJournallable(path=path, type=type(value).__name__, detail=detail)


def _advice(value: object) -> str:
    if isinstance(value, (abc.Coroutine, abc.Generator, abc.AsyncGenerator)):
        return "it is alive; await or collect it, and hand over what it gives"
    if isinstance(value, type) or callable(value):
        return "code is no value; hand over its name"
    for kind in (dict, list, tuple, set, str, bytes, int, float, datetime):
        if isinstance(value, kind):
            return f"only a {kind.__name__} itself comes back as it was; convert it: {kind.__name__}(...)"
    return "it is no value that comes back as it was; hand over plain values, an attrs class or a dataclass"


def _describer_of_leaf(leaf: _Leaf) -> Write:
    return lambda value: {leaf.tag: leaf.write(value)}


def _guarded(leaf: _Leaf) -> Read:
    """Reads a leaf, whatever a text from outside holds in its place."""

    def read(tree: Tree) -> Any:
        if type(tree) is not leaf.form and _tag(tree) != "$int":
            _unread(tree, leaf.kind.__name__)
        try:
            return leaf.read(tree)
        except Exception as error:  # noqa: BLE001 - ValueError, InvalidOperation, ZoneInfoNotFoundError, OSError…
            raise _Trouble(leaf.kind.__name__, f"recorded is {described(tree)}: {error}") from None

    return read


# -- from annotations to coders ----------------------------------------------------------------------------------------


def _compiled(codec: Codec, annotation: Any) -> Coder:
    """The coder of a type. What says nothing about values (Any, a callable, a name that is nowhere) is described."""
    wanted = _stripped(annotation)
    if hasattr(wanted, "__value__"):
        return _named_alias(codec, wanted)
    origin, args = get_origin(wanted) or wanted, get_args(wanted)
    if origin is Union or origin is types.UnionType:
        return _union(codec, readable(wanted), [codec.coder(arg) for arg in args])
    if origin is Literal:
        return _literal(codec, args)
    if origin in _CONTAINERS:
        return _CONTAINERS[origin](codec, wanted, args)
    if origin in (Any, object) or not isinstance(origin, type):
        return codec.anything
    return _of_class(codec, origin, args)


def _stripped(annotation: Any) -> Any:
    """An annotation without what says nothing about the value."""
    while True:
        if annotation is None:
            return type(None)
        if isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif isinstance(annotation, TypeVar):
            annotation = annotation.__bound__ or Any
        elif get_origin(annotation) in _WRAPPERS:
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, (str, ForwardRef)) or annotation is inspect.Parameter.empty:
            return Any
        else:
            return str if annotation is typing.LiteralString else annotation


_WRAPPERS: Final = (typing.Annotated, typing.Final, typing.Required, typing.NotRequired, typing.ClassVar)


def _named_alias(codec: Codec, alias: Any) -> Coder:
    """A `type X = ...`: looked into when the first value comes, for it may name itself."""
    parameters = get_args(alias)
    inside = alias.__value__[parameters] if parameters else alias.__value__
    return Coder(
        readable(alias),
        write=lambda value: codec.coder(inside).write(value),
        read=lambda tree: codec.coder(inside).read(tree),
        tag="",
    )


def _of_class(codec: Codec, cls: type, args: tuple[Any, ...]) -> Coder:
    if cls in _ATOMS:
        return _atom(codec, cls)
    if cls in _LEAVES:
        return _leaf(codec, _LEAVES[cls])
    if issubclass(cls, BaseException):
        return _narrowed(codec, cls)
    if issubclass(cls, enum.Enum):
        return _enum(codec, cls)
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return _named_tuple(codec, cls, args)
    if typing.is_typeddict(cls):
        return _typed_dict(codec, cls, args)
    if hasattr(cls, "__journalled__"):
        return _of_own_form(codec, cls)
    if attrs.has(cls) or dataclasses.is_dataclass(cls):
        fields = _FieldsOf(codec, cls, args)
        return Coder(cls.__name__, fields.write, fields.read, cls, "$object", _label(cls))
    return _narrowed(codec, cls)


def _of_own_form(codec: Codec, cls: Any) -> Coder:
    """
    A class that says itself what it holds, in plain values: `__journalled__`, and `__restored__` for the way back.

    Of a family of such classes the one that declares `__journalled__` restores all: its name alone is written.
    """
    base = _own_form_of(cls)

    def write(value: Any) -> Tree:
        return codec.describe(value.__journalled__()) if isinstance(value, cls) else _wrong(value, cls.__name__)

    def read(tree: Tree) -> Any:
        value = codec.read_any(tree) if _tag(tree) == "$object" else base.__restored__(codec.read_any(tree))
        return value if isinstance(value, cls) else _unread(tree, cls.__name__)

    return Coder(cls.__name__, write, read, base, "$object", _label(base))


def _own_form_of(cls: type) -> Any:
    return next(each for each in cls.__mro__ if "__journalled__" in vars(each))


_ATOMS: Final[dict[type, tuple[Write, tuple[type, ...]]]] = {
    type(None): (lambda value: value, (type(None),)),
    bool: (lambda value: value, (bool,)),
    str: (_write_str, (str,)),
    int: (_write_int, (int,)),
    float: (_write_float, (float, int)),  # type checkers take an int for a float; it stays one
}


def _atom(codec: Codec, cls: type) -> Coder:
    own, accepted = _ATOMS[cls]
    shown = readable(cls)

    def write(value: Any) -> Tree:
        return own(value) if type(value) is cls else codec.write_other(value, accepted, shown)

    def read(tree: Tree) -> Any:
        return tree if type(tree) is cls else codec.read_other(tree, accepted, shown)

    return Coder(shown, write, read, cls, whole=True)


def _leaf(codec: Codec, leaf: _Leaf) -> Coder:
    cls, own, tag, shown = leaf.kind, leaf.write, leaf.tag, leaf.kind.__name__
    restore = _guarded(leaf)

    def write(value: Any) -> Tree:
        return own(value) if type(value) is cls else codec.write_other(value, cls, shown)

    def read(tree: Tree) -> Any:
        return codec.read_other(tree, cls, shown) if _tag(tree) not in (None, "$int") else restore(tree)

    return Coder(shown, write, read, cls, tag)


def _narrowed(codec: Codec, cls: type) -> Coder:
    """A class that does not tell what its instances hold (a base class, a protocol): they describe themselves."""
    shown = cls.__name__

    def fits(value: object) -> bool:
        try:
            return isinstance(value, cls)
        except TypeError:  # a protocol that cannot be checked
            return True

    def write(value: Any) -> Tree:
        return codec.anything.write(value) if fits(value) else _wrong(value, shown)

    def read(tree: Tree) -> Any:
        value = codec.read_any(tree)
        return value if fits(value) else _unread(tree, shown)

    return Coder(shown, write, read)


def _literal(codec: Codec, args: tuple[Any, ...]) -> Coder:
    shown = " or ".join(repr(arg) for arg in args)
    allowed = {(type(arg), arg) for arg in args}  # by type, for 1 == True

    def fits(value: object) -> bool:
        try:
            return (type(value), value) in allowed
        except TypeError:  # unhashable
            return False

    def write(value: Any) -> Tree:
        return codec.describe(value) if fits(value) else _wrong(value, shown)

    def read(tree: Tree) -> Any:
        value = codec.read_any(tree)
        return value if fits(value) else _unread(tree, shown)

    return Coder(shown, write, read)


def _enum(codec: Codec, cls: type[enum.Enum]) -> Coder:
    """An enum by its member's name; a flag by its number, for a combination has no name."""
    is_flag, shown = issubclass(cls, enum.Flag), cls.__name__

    def write(value: Any) -> Tree:
        if type(value) is not cls:
            return codec.write_other(value, cls, shown)
        return _write_int(value.value) if is_flag else value.name

    def read(tree: Tree) -> Any:
        if is_flag and type(tree) is int:
            return cls(tree)
        if type(tree) is str and tree in cls.__members__:
            return cls.__members__[tree]
        return codec.read_other(tree, cls, shown)

    return Coder(shown, write, read, cls, "$enum", _label(cls))


# -- unions ------------------------------------------------------------------------------------------------------------


def _union(codec: Codec, shown: str, members: list[Coder]) -> Coder:
    if codec.anything in members:
        return codec.anything
    some = [member for member in members if member.kind is not type(None)]
    if len(some) == 1:
        return _optional(shown, some[0])
    union = _Union(codec, shown, members)
    return Coder(shown, union.write, union.read)


def _optional(shown: str, inside: Coder) -> Coder:
    write_some, read_some = inside.write, inside.read

    def write(value: Any) -> Tree:
        return None if value is None else write_some(value)

    def read(tree: Tree) -> Any:
        return None if tree is None else read_some(tree)

    return Coder(shown, write, read, tag="", whole=inside.whole)


class _Union:
    """Several types: a value is checked by the member it belongs to, and written in the form that describes itself."""

    def __init__(self, codec: Codec, shown: str, members: list[Coder]) -> None:
        self._codec = codec
        self._shown = shown
        self._members = members
        self._atoms = {member.kind: member for member in members if member.kind in _ATOMS}

    def write(self, value: Any) -> Tree:
        atom = self._atoms.get(type(value))
        if atom is not None:
            return atom.write(value)
        member, form = self._first_that_writes(value)
        if member.tag is None:
            return form
        return member.marked(form) if member.tag and type(value) is member.kind else self._codec.describe(value)

    def _first_that_writes(self, value: Any) -> tuple[Coder, Tree]:
        troubles = []
        for member in self._candidates(type(value)):
            try:
                return member, member.write(value)
            except _Trouble as trouble:
                troubles.append(trouble)
        # The only candidate, or one that looked far into the value, knows best.
        deepest = max(troubles, key=lambda trouble: len(trouble.steps))
        if deepest.steps or len(troubles) == 1 < len(self._members):
            raise deepest
        _wrong(value, self._shown)

    def _candidates(self, kind: type) -> list[Coder]:
        return [member for member in self._members if member.kind is kind] or self._members

    def read(self, tree: Tree) -> Any:
        atom = self._atoms.get(type(tree))
        if atom is not None:
            return atom.read(tree)
        if _tag(tree) is not None:
            marked = [member for member in self._members if _is_marked_by(member, tree)]
            found = self._first_that_reads(marked, lambda member: _form_in(tree, member))
            if found is not None:
                return found
        return self._described(tree)

    def _described(self, tree: Tree) -> Any:
        """A value that described itself; failing that, one that was written before there was a union."""
        try:
            value = self._codec.read_any(tree)
            self._first_that_writes(value)
        except _Trouble:
            found = self._first_that_reads(self._members, lambda _: tree)
            return _unread(tree, self._shown) if found is None else found
        return value

    def _first_that_reads(self, members: list[Coder], form: Callable[[Coder], Tree]) -> Any:
        for member in members:
            try:
                return member.read(form(member))
            except _Trouble:
                continue
        return None


def _is_marked_by(member: Coder, tree: Tree) -> bool:
    return member.tag == _tag(tree) and bool(tree == member.marked(_form_in(tree, member)))


def _form_in(tree: Tree, member: Coder) -> Tree:
    form = next(iter(tree.values()))
    return form[1] if member.label else form


# -- containers --------------------------------------------------------------------------------------------------------


def _list(codec: Codec, wanted: Any, args: tuple[Any, ...]) -> Coder:
    inside = codec.coder(args[0] if args else Any)
    if inside is codec.anything:
        return _open_container(codec, list)
    shown, write_item, read_item = readable(wanted), inside.write, inside.read

    def write(value: Any) -> Tree:
        return _each(write_item, value) if type(value) is list else _wrong(value, shown)

    def read(tree: Tree) -> Any:
        return _each(read_item, tree) if type(tree) is list else _unread(tree, shown)

    return Coder(shown, write, read, list, "", whole=inside.whole)


def _open_container(codec: Codec, cls: type) -> Coder:
    """A list or dict of whatever: written like `Any`, and what comes back is a list or dict."""
    shown, write_any, read_any = cls.__name__, codec.anything.write, codec.read_any

    def write(value: Any) -> Tree:
        return write_any(value) if type(value) is cls else _wrong(value, shown)

    def read(tree: Tree) -> Any:
        value = read_any(tree)
        return value if type(value) is cls else _unread(tree, shown)

    return Coder(shown, write, read, cls, "", plain=cls, whole=True)


def _tuple(codec: Codec, wanted: Any, args: tuple[Any, ...]) -> Coder:
    is_bare = wanted in (tuple, typing.Tuple)  # noqa: UP006 - the old spelling is a value of its own
    if is_bare or any(getattr(arg, "__unpacked__", False) or get_origin(arg) is typing.Unpack for arg in args):
        args = (Any, ...)
    if len(args) == 2 and args[1] is ...:
        return _variadic_tuple(codec, readable(wanted), codec.coder(args[0]))
    places = [(f"[{place}]", codec.coder(arg)) for place, arg in enumerate(args)]
    return _fixed_tuple(codec, tuple, places, (), readable(wanted))


def _variadic_tuple(codec: Codec, shown: str, inside: Coder) -> Coder:
    def write(value: Any) -> Tree:
        return _each(inside.write, value) if type(value) is tuple else codec.write_other(value, tuple, shown)

    def read(tree: Tree) -> Any:
        return tuple(_each(inside.read, tree)) if type(tree) is list else codec.read_other(tree, tuple, shown)

    return Coder(shown, write, read, tuple, "")


def _fixed_tuple(
    codec: Codec, cls: type[tuple[Any, ...]], places: list[tuple[str, Coder]], defaults: tuple[Any, ...], shown: str
) -> Coder:
    """A tuple of so many places, each of its type; the last ones may have defaults."""
    least = len(places) - len(defaults)

    def write(value: Any) -> Tree:
        if type(value) is not cls:
            return codec.write_other(value, cls, shown)
        if len(value) != len(places):
            _wrong(value, shown)
        return [_at(step, coder.write, item) for (step, coder), item in zip(places, value, strict=True)]

    def read(tree: Tree) -> Any:
        if type(tree) is not list:
            return codec.read_other(tree, cls, shown)
        if not least <= len(tree) <= len(places):
            _unread(tree, shown)
        values = [_at(step, coder.read, item) for (step, coder), item in zip(places, tree, strict=False)]
        return tuple.__new__(cls, [*values, *defaults[len(tree) - least :]])

    return Coder(shown, write, read, cls, "")


def _at(step: str, function: Callable[[Any], Any], value: Any) -> Any:
    try:
        return function(value)
    except _Trouble as trouble:
        trouble.under(step)
        raise


def _named_tuple(codec: Codec, cls: Any, args: tuple[Any, ...]) -> Coder:
    hints = _types_in(cls, args)
    places = [(f".{name}", codec.coder(hints.get(name, Any))) for name in cls._fields]
    coder = _fixed_tuple(codec, cls, places, tuple(cls._field_defaults.values()), cls.__name__)
    coder.tag, coder.label = "$named", _label(cls)
    return coder


def _set(codec: Codec, wanted: Any, args: tuple[Any, ...]) -> Coder:
    cls: Any = get_origin(wanted) or wanted
    inside, shown = codec.coder(args[0] if args else Any), readable(wanted)

    def write(value: Any) -> Tree:
        return _ordered(_each_of_set(inside.write, value)) if type(value) is cls else _wrong(value, shown)

    def read(tree: Tree) -> Any:
        return cls(_each_of_set(inside.read, tree)) if type(tree) is list else _unread(tree, shown)

    return Coder(shown, write, read, cls, "")


def _dict(codec: Codec, wanted: Any, args: tuple[Any, ...]) -> Coder:
    of_key, of_value = (codec.coder(arg) for arg in args or (Any, Any))
    if of_key is of_value is codec.anything:
        return _open_container(codec, dict)
    if of_key is codec.coder(str):
        return _text_dict(codec, readable(wanted), of_value)
    return _pair_dict(readable(wanted), of_key, of_value)


def _text_dict(codec: Codec, shown: str, of_value: Coder) -> Coder:
    write_value, read_value, is_open = of_value.write, of_value.read, of_value is codec.anything
    only = {of_value.kind} if of_value.kind in _ATOMS else set()

    def write(value: Any) -> Tree:
        if type(value) is not dict:
            _wrong(value, shown)
        if (is_open or only.issuperset(map(type, value.values()))) and _is_plain(value):
            return value
        _check_keys(value)
        return _each_value(write_value, value)

    def read(tree: Tree) -> Any:
        return _each_value(read_value, tree) if type(tree) is dict else _unread(tree, shown)

    return Coder(shown, write, read, dict, "", plain=dict if is_open else (), whole=of_value.whole)


def _check_keys(mapping: dict[Any, Any]) -> None:
    """Sees that all keys are texts."""
    for key in mapping:
        if type(key) is not str:
            _wrong(key, "a str as key")
        if not key.isascii():
            _at(_member(key), _write_str, key)


def _pair_dict(shown: str, of_key: Coder, of_value: Coder) -> Coder:
    def write(value: Any) -> Tree:
        if type(value) is not dict:
            _wrong(value, shown)
        return [list(pair) for pair in _each_pair(of_key.write, of_value.write, value.items())]

    def read(tree: Tree) -> Any:
        return dict(_each_pair(of_key.read, of_value.read, tree)) if type(tree) is list else _unread(tree, shown)

    return Coder(shown, write, read, dict, "")


def _proxy(codec: Codec, wanted: Any, args: tuple[Any, ...]) -> Coder:
    inside, shown = codec.coder(types.GenericAlias(dict, args) if args else dict), readable(wanted)

    def write(value: Any) -> Tree:
        return inside.write(dict(value)) if type(value) is types.MappingProxyType else _wrong(value, shown)

    def read(tree: Tree) -> Any:
        return types.MappingProxyType(inside.read(tree))

    return Coder(shown, write, read, types.MappingProxyType, "")


def _typed_dict(codec: Codec, cls: Any, args: tuple[Any, ...]) -> Coder:
    shown = cls.__name__
    coders = {name: codec.coder(hint) for name, hint in _types_in(cls, args).items()}

    def write(value: Any) -> Tree:
        if type(value) is not dict:
            _wrong(value, shown)
        for key in value:
            if key not in coders:
                _refuse(value, f"{shown} has no key {key!r}")
        return {key: _at(_member(key), coders[key].write, item) for key, item in value.items()}

    def read(tree: Tree) -> Any:
        if type(tree) is not dict:
            _unread(tree, shown)
        return {key: _at(_member(key), coders[key].read, item) for key, item in tree.items() if key in coders}

    return Coder(shown, write, read, dict, "")


def _one_of(*classes: Any, text: bool = False) -> Callable[[Codec, Any, tuple[Any, ...]], Coder]:
    """An abstract container: any of the concrete ones that it stands for. A text is a sequence of texts, too."""

    def build(codec: Codec, wanted: Any, args: tuple[Any, ...]) -> Coder:
        members = [codec.coder(_parametrised(cls, args)) for cls in classes]
        if text and args in ((), (str,), (Any,)):
            members.append(codec.coder(str))
        return _union(codec, readable(wanted), members) if len(members) > 1 else members[0]

    return build


def _parametrised(cls: Any, args: tuple[Any, ...]) -> Any:
    if not args:
        return cls
    return types.GenericAlias(cls, (*args, ...) if cls is tuple else args)


_CONTAINERS: Final[dict[Any, Callable[[Codec, Any, tuple[Any, ...]], Coder]]] = {
    list: _list,
    tuple: _tuple,
    set: _set,
    frozenset: _set,
    dict: _dict,
    types.MappingProxyType: _proxy,
    abc.Sequence: _one_of(list, tuple, text=True),
    abc.MutableSequence: _one_of(list),
    abc.Collection: _one_of(list, tuple, set, frozenset, text=True),
    abc.Iterable: _one_of(list, tuple, set, frozenset, text=True),
    abc.Set: _one_of(set, frozenset),
    abc.MutableSet: _one_of(set),
    abc.Mapping: _one_of(dict, types.MappingProxyType),
    abc.MutableMapping: _one_of(dict),
}


# -- attrs classes and dataclasses -------------------------------------------------------------------------------------


@frozen
class _Field:
    """A field of an attrs class or a dataclass."""

    name: str
    alias: str
    coder: Coder
    required: bool
    init: bool


class _FieldsOf:
    """
    Writes and reads the fields of one class.

    They are looked at when the first value comes: a class may have fields of its own type.
    """

    def __init__(self, codec: Codec, cls: type, args: tuple[Any, ...]) -> None:
        self._codec = codec
        self._cls = cls
        self._args = args

    def write(self, value: Any) -> Tree:
        if type(value) is not self._cls:
            return self._codec.write_other(value, self._cls, self._cls.__name__)
        tree = {}
        name = ""
        try:
            for name, write in self._writers:
                tree[name] = write(getattr(value, name))
        except _Trouble as trouble:
            trouble.under("." + name)
            raise
        except AttributeError:
            _refuse(value, f"its field {name!r} is not set")
        if self._is_loose:
            self._refuse_surplus(value)
        return tree

    def read(self, tree: Tree) -> Any:
        if type(tree) is not dict or _tag(tree) is not None:
            return self._codec.read_other(tree, self._cls, self._cls.__name__)
        try:
            return self._build(tree)
        except _Trouble:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a constructor and its validators raise
            detail = self._what_is_missing(tree) or f"{type(error).__name__}: {error}"
            raise _Trouble(self._cls.__name__, detail) from None

    @cached_property
    def _fields(self) -> list[_Field]:
        hints = _types_in(self._cls, self._args)
        return [
            _Field(name, alias, self._codec.coder(hints.get(name, declared)), required, init)
            for name, alias, declared, required, init in _declared_fields(self._cls)
        ]

    @cached_property
    def _writers(self) -> tuple[tuple[str, Write], ...]:
        return tuple((each.name, each.coder.write) for each in self._fields)

    @cached_property
    def _is_loose(self) -> bool:
        """Whether the class is an undecorated subclass, so that its instances may hold more than fields."""
        return not {"__attrs_attrs__", "__dataclass_fields__"} & vars(self._cls).keys()

    def _refuse_surplus(self, value: Any) -> None:
        surplus = getattr(value, "__dict__", {}).keys() - {each.name for each in self._fields}
        if surplus:
            _refuse(value, f"{', '.join(sorted(surplus))}: not declared as fields; decorate the class itself")

    def _what_is_missing(self, tree: dict[str, Tree]) -> str:
        missing = [each.name for each in self._fields if each.required and each.init and each.name not in tree]
        return f"nothing was recorded for {', '.join(missing)}, and there is no default" if missing else ""

    @cached_property
    def _build(self) -> Read:
        """
        Makes an instance of a tree.

        By the constructor where that takes the fields as they are, for it may prepare more than fields. Where it has
        parameters of its own, or converters, which need not accept what they made, the fields are set one by one.
        """
        constructor = self._constructor() if self._takes_its_fields() else self._field_by_field
        late = [each for each in self._fields if not each.init]
        if not late or constructor == self._field_by_field:
            return constructor

        def build(tree: Tree) -> Any:
            value = constructor(tree)
            for each in late:
                if each.name in tree:
                    object.__setattr__(value, each.name, _at("." + each.name, each.coder.read, tree[each.name]))
            return value

        return build

    def _takes_its_fields(self) -> bool:
        if attrs.has(self._cls) and any(each.converter for each in attrs.fields(self._cls)):
            return False
        if {each.name for each in self._fields} & {"attrs", "cl", "converter", "typevar_map"}:  # cattrs' own parameters
            return False
        code = getattr(self._cls.__init__, "__code__", None)  # type: ignore[misc]
        if code is None:
            return False
        parameters = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
        return set(parameters) == {each.alias for each in self._fields if each.init}

    def _constructor(self) -> Read:
        fields = [each for each in self._fields if each.init]
        overrides: Any = {each.name: override(struct_hook=_hook(each)) for each in fields}
        # A class of the same fields, without their types: cattrs would look them up, and finds no local names.
        shape = attrs.make_class(
            self._cls.__name__,
            {
                each.name: field(default=attrs.NOTHING if each.required else None, alias=each.alias, kw_only=True)
                for each in fields
            },
        )
        return cast(
            "Read",
            make_dict_structure_fn_from_attrs(
                list(attrs.fields(shape)),
                self._cls,
                self._codec._converter,  # noqa: SLF001 - one file, one subject
                {parameter.__name__: Any for parameter in getattr(self._cls, "__parameters__", ())},
                _cattrs_forbid_extra_keys=False,
                _cattrs_use_linecache=False,
                _cattrs_prefer_attrib_converters=False,
                _cattrs_detailed_validation=False,
                _cattrs_use_alias=False,
                **overrides,
            ),
        )

    def _field_by_field(self, tree: Tree) -> Any:
        value: Any = object.__new__(self._cls)
        for each in self._fields:
            if each.name in tree:
                object.__setattr__(value, each.name, _at("." + each.name, each.coder.read, tree[each.name]))
            elif each.required and each.init:
                raise KeyError(each.name)
            elif not each.required:
                object.__setattr__(value, each.name, _default(self._cls, each.name, value))
        return value


def _hook(each: _Field) -> Callable[[Tree, Any], Any]:
    """How cattrs calls for a field's value."""
    step, read = "." + each.name, each.coder.read

    def hook(tree: Tree, _: Any) -> Any:
        try:
            return read(tree)
        except _Trouble as trouble:
            trouble.under(step)
            raise

    return hook


def _declared_fields(cls: Any) -> Iterator[tuple[str, str, Any, bool, bool]]:
    """Name, the constructor's name for it, type, whether it is required, whether the constructor takes it."""
    if attrs.has(cls):
        for each in attrs.fields(cls):
            yield each.name, each.alias or each.name, each.type or Any, each.default is attrs.NOTHING, each.init
        return
    nothing = dataclasses.MISSING
    for each in dataclasses.fields(cls):
        yield each.name, each.name, each.type, each.default is nothing and each.default_factory is nothing, each.init


def _default(cls: Any, name: str, value: object) -> Any:
    """A field's default, for what was recorded before the field was there."""
    if not attrs.has(cls):
        declared: Any = next(each for each in dataclasses.fields(cls) if each.name == name)
        return declared.default_factory() if declared.default is dataclasses.MISSING else declared.default
    default: Any = getattr(attrs.fields(cls), name).default
    if not hasattr(default, "takes_self"):
        return default
    return default.factory(value) if default.takes_self else default.factory()


def _types_in(cls: Any, args: tuple[Any, ...]) -> dict[str, Any]:
    """The types of a class's fields, with its type parameters filled in."""
    try:
        hints = hints_of(cls)
    except Exception:  # noqa: BLE001 - a name that is nowhere: the fields then describe themselves
        return {}
    arguments = _type_arguments(cls, args)
    return {name: _filled(hint, arguments) for name, hint in hints.items()} if arguments else hints


def _type_arguments(cls: Any, args: tuple[Any, ...]) -> dict[Any, Any]:
    """What the type parameters of a class and its bases stand for; Any where that is not told, or told twice."""
    parameters = getattr(cls, "__parameters__", ())
    arguments = dict.fromkeys(parameters, Any) | dict(zip(parameters, args, strict=False))
    for base in getattr(cls, "__orig_bases__", ()):
        inherited = _type_arguments(get_origin(base), tuple(_filled(arg, arguments) for arg in get_args(base)))
        for parameter, argument in inherited.items():
            arguments[parameter] = argument if arguments.get(parameter, argument) == argument else Any
    return arguments


def _filled(hint: Any, arguments: dict[Any, Any]) -> Any:
    if isinstance(hint, TypeVar):
        return arguments.get(hint, hint)
    parameters = getattr(hint, "__parameters__", ())
    if not parameters or isinstance(hint, type):
        return hint
    return hint[tuple(arguments.get(parameter, Any) for parameter in parameters)]


# -- classes by name ---------------------------------------------------------------------------------------------------


def _label(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def _found(label: str) -> type | None:
    """
    The class of a label, or None.

    A store may come from anywhere: nothing is imported but modules of packages that are in use already.
    """
    module_name, _, qualname = label.partition(":")
    found: Any = sys.modules.get(module_name) or _submodule(module_name)
    for name in qualname.split("."):
        found = getattr(found, "__dict__", {}).get(name)
    return found if isinstance(found, type) else None


def _submodule(name: str) -> types.ModuleType | None:
    if not hasattr(sys.modules.get(name.partition(".")[0]), "__path__"):
        return None
    try:
        return importlib.import_module(name)
    except Exception:  # noqa: BLE001 - it is gone, or fails as it is imported
        return None


# -- the canonical form ------------------------------------------------------------------------------------------------


def _canonical(codec: Codec, value: Any) -> Tree:
    """The tree by which a value is compared: kinds that count as the same have one form."""
    kind = type(value)
    if value is None or kind in (bool, str, int, float):
        return codec.describe(value)
    if isinstance(value, Decimal) and not isinstance(value, enum.Enum):  # before what takes longer to ask
        return {"$decimal": _normalised(value)}
    again = partial(_canonical, codec)
    if isinstance(value, enum.Enum):
        return {"$enum": [kind.__qualname__, value.name or value.value]}
    if isinstance(value, (list, tuple)):
        return _each(again, value)
    if isinstance(value, Mapping):
        return _canonical_mapping(again, value)
    if isinstance(value, abc.Set):
        return {"$set": _ordered(_each_of_set(again, value))}
    if isinstance(value, datetime):
        return {"$datetime": _instant(value)}
    if kind in _LEAVES:
        return codec.describe(value)
    if _is_item(kind) and value.id:  # one without an id is named by what it holds, as `Department("sales")`
        return {"$item": [value.item_type, again(value.id)]}
    if isinstance(value, BaseException):
        return {"$error": [kind.__qualname__, text_of(value)]}
    if hasattr(kind, "__journalled__") or attrs.has(kind) or dataclasses.is_dataclass(kind):
        return {"$object": _canonical_object(again, value)}
    _refuse(value, _advice(value))


def _canonical_object(again: Write, value: Any) -> Tree:
    kind = type(value)
    if hasattr(kind, "__journalled__"):
        return [_own_form_of(kind).__qualname__, again(value.__journalled__())]
    fields = {name: getattr(value, name) for name, *_ in _declared_fields(kind)}
    return [kind.__qualname__, _each_value(again, fields)]


def _canonical_mapping(again: Write, mapping: Mapping[Any, Any]) -> Tree:
    if all(type(key) is str for key in mapping):
        tree = _each_value(again, {_write_str(key): item for key, item in mapping.items()})
        if _tag(tree) is None:
            return tree
    return {"$dict": _ordered([list(pair) for pair in _each_pair(again, again, mapping.items())])}


def _is_item(kind: type) -> bool:
    return isinstance(getattr(kind, "item_type", None), str) and hasattr(kind, "id")


def _normalised(value: Decimal) -> str:
    """A number's only spelling. Not Decimal.normalize(): that rounds to the context's precision."""
    text = str(value)
    if len(text) <= 20 and text.isdigit():
        return text  # a whole number, as most are
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return text
    significant = "".join(map(str, digits)).lstrip("0")
    stripped = significant.rstrip("0")
    if not stripped:
        return "0"
    exponent += len(significant) - len(stripped)
    if 0 < exponent <= 20:
        stripped, exponent = stripped + "0" * exponent, 0
    return str(Decimal(f"{'-' if sign else ''}{stripped}E{exponent}"))


def _instant(value: datetime) -> str:
    _write_moment(value)
    try:
        return value.astimezone(UTC).isoformat()
    except OverflowError:  # within a day of the first or the last moment there is
        return value.isoformat()


# -- errors ------------------------------------------------------------------------------------------------------------

_DEEPEST: Final = 10
"""How far causes and groups are followed; below, class and text remain."""

_LONGEST_TRACEBACK: Final = 20_000

_TRACEBACK: Final = "recorded_traceback"

_SLOT: Final = (types.MemberDescriptorType, types.GetSetDescriptorType)


def recorded_traceback(error: BaseException) -> str | None:
    """The traceback that an error had where it was first raised, if it was restored."""
    return cast("str | None", vars(error).get(_TRACEBACK))


def _record(codec: Codec, error: BaseException, depth: int = 0) -> dict[str, Tree]:
    record: dict[str, Tree] = {"class": _label(type(error)), "text": text_of(error)}
    if depth == _DEEPEST:
        return record
    if isinstance(error, BaseExceptionGroup):
        record["args"] = [_sound(error.message)]
        record["members"] = [_record(codec, member, depth + 1) for member in error.exceptions]
    else:
        record["args"] = [_written(codec, arg, depth) for arg in error.args]
    record["fields"] = {_sound(name): _written(codec, value, depth) for name, value in _state(error).items()}
    record["notes"] = [_sound(str(note)) for note in _notes(error)]
    if error.__cause__ is not None:
        record["cause"] = _record(codec, error.__cause__, depth + 1)
    record["hides_context"] = error.__suppress_context__
    if depth == 0:
        record["traceback"] = _traceback_of(error)
    return record


def _written(codec: Codec, value: object, depth: int) -> Tree:
    """A value in an error; its repr where it cannot be written, for the error must be."""
    if isinstance(value, BaseException):
        # Usually it is the cause, too: followed as far as causes are, a chain would grow by powers.
        return {"$error": _record(codec, value, min(depth + 2, _DEEPEST))}
    try:
        tree = codec.describe(value)
        orjson.dumps(tree)
    except Exception:  # noqa: BLE001 - an error is recorded whatever it holds
        return _sound(_repr_of(value))
    return tree


def _repr_of(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001
        return object.__repr__(value)


def _sound(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


def text_of(error: BaseException) -> str:
    try:
        return _sound(str(error))
    except Exception:  # noqa: BLE001
        return f"<{type(error).__name__} whose text cannot be made>"


def _notes(error: BaseException) -> list[object]:
    notes = getattr(error, "__notes__", None)
    return notes if isinstance(notes, list) else []


def _traceback_of(error: BaseException) -> str:
    earlier = recorded_traceback(error)
    try:
        text = "".join(traceback.format_exception(error))
    except Exception:  # noqa: BLE001
        text = text_of(error)
    return _sound(f"{earlier}\n{text}" if earlier else text)[-_LONGEST_TRACEBACK:]


def _state(error: BaseException) -> dict[str, object]:
    """The fields of an error: of its slots, of the builtin class it derives from, and of its dict."""
    state: dict[str, object] = {}
    for cls in reversed(type(error).__mro__):
        for name in _slots_of(cls):
            value = getattr(error, name, None)
            if value is not None or cls.__module__ != "builtins":  # OSError tells no file name from one that is None
                state[name] = value
    state |= vars(error)
    for name in ("__notes__", _TRACEBACK):
        state.pop(name, None)
    return state


def _slots_of(cls: type) -> Iterator[str]:
    """Names of what instances of a class hold outside their dict, as far as it belongs to this class."""
    if cls in (object, BaseException, BaseExceptionGroup):
        return
    for name, value in vars(cls).items():
        # `obj` is what had no such attribute: it can be anything, and is no part of the error's message.
        if isinstance(value, _SLOT) and not name.startswith("__") and name != "obj":
            yield name


def _restored(codec: Codec, record: dict[str, Tree]) -> BaseException:
    error = _rebuilt(codec, record)
    set_ = BaseException.__setattr__  # a frozen class's own would refuse
    if record.get("notes"):
        set_(error, "__notes__", list(record["notes"]))
    if "cause" in record:
        set_(error, "__cause__", _restored(codec, record["cause"]))
    set_(error, "__suppress_context__", bool(record.get("hides_context")))
    if "traceback" in record:
        vars(error)[_TRACEBACK] = record["traceback"]
    return error


def _rebuilt(codec: Codec, record: dict[str, Tree]) -> BaseException:
    """The error without what all errors have."""
    cls = _found(record["class"]) or _local_error(record["class"])
    if cls is not None and issubclass(cls, BaseException) and "args" in record:
        args = [_read_back(codec, tree) for tree in record["args"]]
        members = [_restored(codec, member) for member in record.get("members", ())]
        error = _blank(cls, (*args, members) if members else ())
        if error is not None:
            if not members:
                BaseException.__setattr__(error, "args", tuple(args))
            for name, tree in record["fields"].items():
                _set_field(error, name, _read_back(codec, tree))
            return error
    return RecordedError(class_name=record["class"].replace(":", "."), text=record["text"])


def _read_back(codec: Codec, tree: Tree) -> Any:
    try:
        return codec.read_any(tree)
    except Exception:  # noqa: BLE001 - the class of a field is gone, the error is not
        return orjson.dumps(tree).decode()


def _blank(cls: type[BaseException], needed: tuple[Any, ...]) -> BaseException | None:
    """
    An instance made by the builtin class it derives from, of no more than that class cannot do without.

    Not by its own constructor, whose parameters nobody knows. Of several builtin bases only the one that lays the
    instance out may make it.
    """
    for base in cls.__mro__:
        if base.__module__ != "builtins":
            continue
        try:
            error: BaseException = base.__new__(cls, *needed)
        except TypeError:
            continue
        return error
    return None


def _set_field(error: BaseException, name: str, value: object) -> None:
    if isinstance(inspect.getattr_static(type(error), name, None), _SLOT):
        try:
            BaseException.__setattr__(error, name, value)
        except (AttributeError, TypeError):  # read-only, or its value could only be recorded as a text
            return
    else:
        vars(error)[name] = value


def _local_error(label: str) -> type[BaseException] | None:
    """An error class defined inside a function: no module holds it, but it is found while it lives."""
    if ".<locals>." not in label:
        return None
    found = None
    waiting: list[type[BaseException]] = [BaseException]
    while waiting:
        cls = waiting.pop()
        waiting.extend(cls.__subclasses__())
        if _label(cls) == label:
            found = cls
    return found
