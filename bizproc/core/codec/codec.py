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

cattrs makes the calls of constructors, orjson the text. How values are written is told in `leaves.py` for single ones,
`containers.py` for those that hold others, `classes.py` for those with fields, `unions.py` for several types; by which
annotation, in `annotations.py`; how they are compared, in `canonical.py`; errors in `recording.py`.
"""

from __future__ import annotations

import types
from hashlib import blake2b
from typing import Any, Final

import cattrs
import orjson

from bizproc.core.codec.annotations import compiled
from bizproc.core.codec.canonical import canonical_tree
from bizproc.core.codec.coder import Coder
from bizproc.core.codec.containers import check_keys
from bizproc.core.codec.leaves import (
    LEAVES,
    describer_of,
    guarded,
    is_plain,
    read_big,
    write_float,
    write_int,
    write_str,
)
from bizproc.core.codec.names import class_called, label_of
from bizproc.core.codec.recording import record_of, restored_from, text_of
from bizproc.core.codec.trees import (
    Read,
    Tree,
    Trouble,
    Write,
    advice,
    each_item,
    each_of_set,
    each_pair,
    each_value,
    ordered,
    refuse,
    tag_of,
    unread,
    wrong,
)
from bizproc.core.errors import NotJournallable, NotRestorable


class Codec:
    """Writes values and errors as JSON text, and restores them. Types are compiled once, when they are first met."""

    def __init__(self) -> None:
        self.anything: Final = Coder("Any", self._write_any, self.read_any, plain=object, whole=True)
        self.converter = cattrs.Converter(detailed_validation=False)
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
        except Trouble as trouble:
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
            tree = value if is_plain(value) else canonical_tree(self, value)
            text = orjson.dumps(tree, option=orjson.OPT_SORT_KEYS)
            return text.decode(), _hash(text)
        except Exception as error:  # noqa: BLE001 - as in encode
            raise _refusal(error, value, path) from None

    def encode_error(self, error: BaseException) -> str:
        """An error as text: class, message, args, fields, notes, causes and traceback. Never fails."""
        try:
            return orjson.dumps(record_of(self, error)).decode()
        except Exception:  # noqa: BLE001 - e.g. fields that are nested too deeply
            return orjson.dumps({"class": label_of(type(error)), "text": text_of(error)}).decode()

    def decode_error(self, text: str) -> BaseException:
        """The error that was recorded; a RecordedError where its class is gone."""
        try:
            return restored_from(self, orjson.loads(text))
        except Exception as error:  # likewise
            raise NotRestorable(path="error", type="an error", detail=f"{type(error).__name__}: {error}") from error

    def coder(self, type_: Any) -> Coder:
        """How values of a type are written and read."""
        try:
            return self._coders[type_]
        except KeyError:
            coder = self._coders[type_] = compiled(self, type_)
            return coder
        except TypeError:  # an annotation that cannot be a key, such as Annotated[int, [1]]
            return compiled(self, type_)

    # -- values that describe themselves

    def _write_any(self, value: object) -> Tree:
        return value if is_plain(value) else self.describe(value)

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
            return each_item(self.read_any, tree)
        if type(tree) is not dict:
            return tree
        tag = tag_of(tree)
        if tag is None:
            return each_value(self.read_any, tree)
        read = self._readers.get(tag)
        return unread(tree, f"a value tagged {tag}") if read is None else read(tree[tag])

    def _first_describers(self) -> dict[type, Write]:
        describers: dict[type, Write] = {
            type(None): lambda value: value,
            bool: lambda value: value,
            str: write_str,
            int: write_int,
            float: write_float,
            list: lambda values: each_item(self.describe, values),
            dict: self._describe_dict,
            tuple: lambda values: {"$tuple": each_item(self.describe, values)},
            set: lambda values: {"$set": ordered(each_of_set(self.describe, values))},
            frozenset: lambda values: {"$frozenset": ordered(each_of_set(self.describe, values))},
            types.MappingProxyType: lambda mapping: {"$proxy": self._describe_dict(dict(mapping))},
        }
        return describers | {leaf.kind: describer_of(leaf) for leaf in LEAVES.values()}

    def _first_readers(self) -> dict[str, Read]:
        readers: dict[str, Read] = {
            "$int": read_big,
            "$float": float,
            "$tuple": lambda trees: tuple(each_item(self.read_any, trees)),
            "$set": lambda trees: set(each_of_set(self.read_any, trees)),
            "$frozenset": lambda trees: frozenset(each_of_set(self.read_any, trees)),
            "$dict": lambda pairs: dict(each_pair(self.read_any, self.read_any, pairs)),
            "$proxy": lambda tree: types.MappingProxyType(self.read_any(tree)),
            "$error": lambda record: restored_from(self, record),
        }
        readers |= {leaf.tag: guarded(leaf) for leaf in LEAVES.values()}
        readers |= {tag: self._reader_of_class(tag) for tag in ("$object", "$enum", "$named")}
        return readers

    def _describe_dict(self, mapping: dict[Any, Any]) -> Tree:
        if all(type(key) is str for key in mapping):
            check_keys(mapping)
            tree = each_value(self.describe, mapping)
            if tag_of(tree) is None:
                return tree
        return {"$dict": [list(pair) for pair in each_pair(self.describe, self.describe, mapping.items())]}

    def _describer(self, kind: type, value: object) -> Write:
        """How values of a class are described that is met for the first time; `value` is one of them."""
        if issubclass(kind, BaseException):
            return lambda error: {"$error": record_of(self, error)}
        coder = self.coder(kind)
        if not coder.label:
            refuse(value, advice(value))
        if class_called(coder.label) is not coder.kind:
            refuse(value, f"there is no {coder.label}; define it at the top of a module, or annotate this value")
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
            found = class_called(label)
        if found is None:
            raise Trouble(label, "there is no such class, or its package is not imported")
        coder = self.coder(found)
        if coder.tag != tag:
            raise Trouble(label, "it is not a class of values")
        self._named[tag, label] = coder
        return coder

    # -- values that do not have the very class that was declared

    def write_other(self, value: object, kind: type | tuple[type, ...], shown: str) -> Tree:
        """A value where another class was expected: an instance of a subclass describes itself."""
        return self.describe(value) if isinstance(value, kind) else wrong(value, shown)

    def read_other(self, tree: Tree, kind: type | tuple[type, ...], shown: str) -> Any:
        """The value of a tree that is not in the form of the declared class."""
        if tag_of(tree) is not None or not isinstance(tree, (dict, list)):
            value = self.read_any(tree)
            if isinstance(value, kind):
                return value
        return unread(tree, shown)


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
    if isinstance(error, Trouble):
        return NotJournallable(path=error.path(path), type=error.type, detail=error.detail)
    if isinstance(error, RecursionError) or str(error).startswith("Recursion"):
        detail = "it contains itself, or is nested too deeply"
    else:
        detail = f"{type(error).__name__}: {error}"
    return NotJournallable(path=path, type=type(value).__name__, detail=detail)
