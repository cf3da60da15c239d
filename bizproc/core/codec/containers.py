"""Lists, tuples, sets, mappings, and the abstract ones that stand for them."""

from __future__ import annotations

import types
import typing
from collections import abc
from collections.abc import Callable
from typing import Any, Final, get_origin

from bizproc.core.checks import readable
from bizproc.core.codec.classes import types_in
from bizproc.core.codec.coder import Coder, Coding
from bizproc.core.codec.leaves import ATOMS, is_plain, write_str
from bizproc.core.codec.names import label_of
from bizproc.core.codec.trees import (
    Tree,
    at_step,
    each_item,
    each_of_set,
    each_pair,
    each_value,
    ordered,
    refuse,
    step_to,
    unread,
    wrong,
)
from bizproc.core.codec.unions import union_of


def _list(codec: Coding, wanted: Any, args: tuple[Any, ...]) -> Coder:
    inside = codec.coder(args[0] if args else Any)
    if inside is codec.anything:
        return _open_container(codec, list)
    shown, write_item, read_item = readable(wanted), inside.write, inside.read

    def write(value: Any) -> Tree:
        return each_item(write_item, value) if type(value) is list else wrong(value, shown)

    def read(tree: Tree) -> Any:
        return each_item(read_item, tree) if type(tree) is list else unread(tree, shown)

    return Coder(shown, write, read, list, "", whole=inside.whole)


def _open_container(codec: Coding, cls: type) -> Coder:
    """A list or dict of whatever: written like `Any`, and what comes back is a list or dict."""
    shown, write_any, read_any = cls.__name__, codec.anything.write, codec.read_any

    def write(value: Any) -> Tree:
        return write_any(value) if type(value) is cls else wrong(value, shown)

    def read(tree: Tree) -> Any:
        value = read_any(tree)
        return value if type(value) is cls else unread(tree, shown)

    return Coder(shown, write, read, cls, "", plain=cls, whole=True)


def _tuple(codec: Coding, wanted: Any, args: tuple[Any, ...]) -> Coder:
    is_bare = wanted in (tuple, typing.Tuple)  # noqa: UP006 - the old spelling is a value of its own
    if is_bare or any(getattr(arg, "__unpacked__", False) or get_origin(arg) is typing.Unpack for arg in args):
        args = (Any, ...)
    if len(args) == 2 and args[1] is ...:
        return _variadic_tuple(codec, readable(wanted), codec.coder(args[0]))
    places = [(f"[{place}]", codec.coder(arg)) for place, arg in enumerate(args)]
    return _fixed_tuple(codec, tuple, places, (), readable(wanted))


def _variadic_tuple(codec: Coding, shown: str, inside: Coder) -> Coder:
    def write(value: Any) -> Tree:
        return each_item(inside.write, value) if type(value) is tuple else codec.write_other(value, tuple, shown)

    def read(tree: Tree) -> Any:
        return tuple(each_item(inside.read, tree)) if type(tree) is list else codec.read_other(tree, tuple, shown)

    return Coder(shown, write, read, tuple, "")


def _fixed_tuple(
    codec: Coding, cls: type[tuple[Any, ...]], places: list[tuple[str, Coder]], defaults: tuple[Any, ...], shown: str
) -> Coder:
    """A tuple of so many places, each of its type; the last ones may have defaults."""
    least = len(places) - len(defaults)

    def write(value: Any) -> Tree:
        if type(value) is not cls:
            return codec.write_other(value, cls, shown)
        if len(value) != len(places):
            wrong(value, shown)
        return [at_step(step, coder.write, item) for (step, coder), item in zip(places, value, strict=True)]

    def read(tree: Tree) -> Any:
        if type(tree) is not list:
            return codec.read_other(tree, cls, shown)
        if not least <= len(tree) <= len(places):
            unread(tree, shown)
        values = [at_step(step, coder.read, item) for (step, coder), item in zip(places, tree, strict=False)]
        return tuple.__new__(cls, [*values, *defaults[len(tree) - least :]])

    return Coder(shown, write, read, cls, "")


def named_tuple(codec: Coding, cls: Any, args: tuple[Any, ...]) -> Coder:
    hints = types_in(cls, args)
    places = [(f".{name}", codec.coder(hints.get(name, Any))) for name in cls._fields]
    coder = _fixed_tuple(codec, cls, places, tuple(cls._field_defaults.values()), cls.__name__)
    coder.tag, coder.label = "$named", label_of(cls)
    return coder


def _set(codec: Coding, wanted: Any, args: tuple[Any, ...]) -> Coder:
    cls: Any = get_origin(wanted) or wanted
    inside, shown = codec.coder(args[0] if args else Any), readable(wanted)

    def write(value: Any) -> Tree:
        return ordered(each_of_set(inside.write, value)) if type(value) is cls else wrong(value, shown)

    def read(tree: Tree) -> Any:
        return cls(each_of_set(inside.read, tree)) if type(tree) is list else unread(tree, shown)

    return Coder(shown, write, read, cls, "")


def _dict(codec: Coding, wanted: Any, args: tuple[Any, ...]) -> Coder:
    of_key, of_value = (codec.coder(arg) for arg in args or (Any, Any))
    if of_key is of_value is codec.anything:
        return _open_container(codec, dict)
    if of_key is codec.coder(str):
        return _text_dict(codec, readable(wanted), of_value)
    return _pair_dict(readable(wanted), of_key, of_value)


def _text_dict(codec: Coding, shown: str, of_value: Coder) -> Coder:
    write_value, read_value, is_open = of_value.write, of_value.read, of_value is codec.anything
    only = {of_value.kind} if of_value.kind in ATOMS else set()

    def write(value: Any) -> Tree:
        if type(value) is not dict:
            wrong(value, shown)
        if (is_open or only.issuperset(map(type, value.values()))) and is_plain(value):
            return value
        check_keys(value)
        return each_value(write_value, value)

    def read(tree: Tree) -> Any:
        return each_value(read_value, tree) if type(tree) is dict else unread(tree, shown)

    return Coder(shown, write, read, dict, "", plain=dict if is_open else (), whole=of_value.whole)


def check_keys(mapping: dict[Any, Any]) -> None:
    """Sees that all keys are texts."""
    for key in mapping:
        if type(key) is not str:
            wrong(key, "a str as key")
        if not key.isascii():
            at_step(step_to(key), write_str, key)


def _pair_dict(shown: str, of_key: Coder, of_value: Coder) -> Coder:
    def write(value: Any) -> Tree:
        if type(value) is not dict:
            wrong(value, shown)
        return [list(pair) for pair in each_pair(of_key.write, of_value.write, value.items())]

    def read(tree: Tree) -> Any:
        return dict(each_pair(of_key.read, of_value.read, tree)) if type(tree) is list else unread(tree, shown)

    return Coder(shown, write, read, dict, "")


def _proxy(codec: Coding, wanted: Any, args: tuple[Any, ...]) -> Coder:
    inside, shown = codec.coder(types.GenericAlias(dict, args) if args else dict), readable(wanted)

    def write(value: Any) -> Tree:
        return inside.write(dict(value)) if type(value) is types.MappingProxyType else wrong(value, shown)

    def read(tree: Tree) -> Any:
        return types.MappingProxyType(inside.read(tree))

    return Coder(shown, write, read, types.MappingProxyType, "")


def typed_dict(codec: Coding, cls: Any, args: tuple[Any, ...]) -> Coder:
    shown = cls.__name__
    coders = {name: codec.coder(hint) for name, hint in types_in(cls, args).items()}

    def write(value: Any) -> Tree:
        if type(value) is not dict:
            wrong(value, shown)
        for key in value:
            if key not in coders:
                refuse(value, f"{shown} has no key {key!r}")
        return {key: at_step(step_to(key), coders[key].write, item) for key, item in value.items()}

    def read(tree: Tree) -> Any:
        if type(tree) is not dict:
            unread(tree, shown)
        return {key: at_step(step_to(key), coders[key].read, item) for key, item in tree.items() if key in coders}

    return Coder(shown, write, read, dict, "")


def _one_of(*classes: Any, text: bool = False) -> Callable[[Coding, Any, tuple[Any, ...]], Coder]:
    """An abstract container: any of the concrete ones that it stands for. A text is a sequence of texts, too."""

    def build(codec: Coding, wanted: Any, args: tuple[Any, ...]) -> Coder:
        members = [codec.coder(_parametrised(cls, args)) for cls in classes]
        if text and args in ((), (str,), (Any,)):
            members.append(codec.coder(str))
        return union_of(codec, readable(wanted), members) if len(members) > 1 else members[0]

    return build


def _parametrised(cls: Any, args: tuple[Any, ...]) -> Any:
    if not args:
        return cls
    return types.GenericAlias(cls, (*args, ...) if cls is tuple else args)


CONTAINERS: Final[dict[Any, Callable[[Coding, Any, tuple[Any, ...]], Coder]]] = {
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
