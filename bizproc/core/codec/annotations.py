"""From an annotation to the coder of its values."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import types
import typing
from typing import Any, Final, ForwardRef, Literal, NewType, TypeVar, Union, get_args, get_origin

import attrs

from bizproc.core.checks import readable
from bizproc.core.codec.classes import FieldsOf, of_own_form
from bizproc.core.codec.coder import Coder, Coding
from bizproc.core.codec.containers import CONTAINERS, named_tuple, typed_dict
from bizproc.core.codec.leaves import ATOMS, LEAVES, Leaf, guarded, write_int
from bizproc.core.codec.names import label_of
from bizproc.core.codec.trees import Tree, tag_of, unread, wrong
from bizproc.core.codec.unions import union_of


def compiled(codec: Coding, annotation: Any) -> Coder:
    """The coder of a type. What says nothing about values (Any, a callable, a name that is nowhere) is described."""
    wanted = _stripped(annotation)
    if hasattr(wanted, "__value__"):
        return _named_alias(codec, wanted)
    origin, args = get_origin(wanted) or wanted, get_args(wanted)
    if origin is Union or origin is types.UnionType:
        return union_of(codec, readable(wanted), [codec.coder(arg) for arg in args])
    if origin is Literal:
        return _literal(codec, args)
    if origin in CONTAINERS:
        return CONTAINERS[origin](codec, wanted, args)
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


def _named_alias(codec: Coding, alias: Any) -> Coder:
    """A `type X = ...`: looked into when the first value comes, for it may name itself."""
    parameters = get_args(alias)
    inside = alias.__value__[parameters] if parameters else alias.__value__
    return Coder(
        readable(alias),
        write=lambda value: codec.coder(inside).write(value),
        read=lambda tree: codec.coder(inside).read(tree),
        tag="",
    )


def _of_class(codec: Coding, cls: type, args: tuple[Any, ...]) -> Coder:
    if cls in ATOMS:
        return _atom(codec, cls)
    if cls in LEAVES:
        return _leaf(codec, LEAVES[cls])
    if issubclass(cls, BaseException):
        return _narrowed(codec, cls)
    if issubclass(cls, enum.Enum):
        return _enum(codec, cls)
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return named_tuple(codec, cls, args)
    if typing.is_typeddict(cls):
        return typed_dict(codec, cls, args)
    if hasattr(cls, "__journalled__"):
        return of_own_form(codec, cls)
    if attrs.has(cls) or dataclasses.is_dataclass(cls):
        fields = FieldsOf(codec, cls, args)
        return Coder(cls.__name__, fields.write, fields.read, cls, "$object", label_of(cls))
    return _narrowed(codec, cls)


def _atom(codec: Coding, cls: type) -> Coder:
    own, accepted = ATOMS[cls]
    shown = readable(cls)

    def write(value: Any) -> Tree:
        return own(value) if type(value) is cls else codec.write_other(value, accepted, shown)

    def read(tree: Tree) -> Any:
        return tree if type(tree) is cls else codec.read_other(tree, accepted, shown)

    return Coder(shown, write, read, cls, whole=True)


def _leaf(codec: Coding, leaf: Leaf) -> Coder:
    cls, own, tag, shown = leaf.kind, leaf.write, leaf.tag, leaf.kind.__name__
    restore = guarded(leaf)

    def write(value: Any) -> Tree:
        return own(value) if type(value) is cls else codec.write_other(value, cls, shown)

    def read(tree: Tree) -> Any:
        return codec.read_other(tree, cls, shown) if tag_of(tree) not in (None, "$int") else restore(tree)

    return Coder(shown, write, read, cls, tag)


def _narrowed(codec: Coding, cls: type) -> Coder:
    """A class that does not tell what its instances hold (a base class, a protocol): they describe themselves."""
    shown = cls.__name__

    def fits(value: object) -> bool:
        try:
            return isinstance(value, cls)
        except TypeError:  # a protocol that cannot be checked
            return True

    def write(value: Any) -> Tree:
        return codec.anything.write(value) if fits(value) else wrong(value, shown)

    def read(tree: Tree) -> Any:
        value = codec.read_any(tree)
        return value if fits(value) else unread(tree, shown)

    return Coder(shown, write, read)


def _literal(codec: Coding, args: tuple[Any, ...]) -> Coder:
    shown = " or ".join(repr(arg) for arg in args)
    allowed = {(type(arg), arg) for arg in args}  # by type, for 1 == True

    def fits(value: object) -> bool:
        try:
            return (type(value), value) in allowed
        except TypeError:  # unhashable
            return False

    def write(value: Any) -> Tree:
        return codec.describe(value) if fits(value) else wrong(value, shown)

    def read(tree: Tree) -> Any:
        value = codec.read_any(tree)
        return value if fits(value) else unread(tree, shown)

    return Coder(shown, write, read)


def _enum(codec: Coding, cls: type[enum.Enum]) -> Coder:
    """An enum by its member's name; a flag by its number, for a combination has no name."""
    is_flag, shown = issubclass(cls, enum.Flag), cls.__name__

    def write(value: Any) -> Tree:
        if type(value) is not cls:
            return codec.write_other(value, cls, shown)
        return write_int(value.value) if is_flag else value.name

    def read(tree: Tree) -> Any:
        if is_flag and type(tree) is int:
            return cls(tree)
        if type(tree) is str and tree in cls.__members__:
            return cls.__members__[tree]
        return codec.read_other(tree, cls, shown)

    return Coder(shown, write, read, cls, "$enum", label_of(cls))
