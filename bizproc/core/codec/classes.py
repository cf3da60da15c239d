"""Classes that hold values in fields: attrs classes, dataclasses, and those that say themselves what they hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeVar, cast, get_args, get_origin

import attrs
from attrs import field, frozen
from cattrs.gen import make_dict_structure_fn_from_attrs, override

from bizproc.core.checks import hints_of
from bizproc.core.codec.coder import Coder, Coding
from bizproc.core.codec.names import label_of
from bizproc.core.codec.trees import Read, Tree, Trouble, Write, at_step, refuse, tag_of, unread, wrong


def of_own_form(codec: Coding, cls: Any) -> Coder:
    """
    A class that says itself what it holds, in plain values: `__journalled__`, and `__restored__` for the way back.

    Of a family of such classes the one that declares `__journalled__` restores all: its name alone is written.
    """
    base = own_form_of(cls)

    def write(value: Any) -> Tree:
        return codec.describe(value.__journalled__()) if isinstance(value, cls) else wrong(value, cls.__name__)

    def read(tree: Tree) -> Any:
        value = codec.read_any(tree) if tag_of(tree) == "$object" else base.__restored__(codec.read_any(tree))
        return value if isinstance(value, cls) else unread(tree, cls.__name__)

    return Coder(cls.__name__, write, read, base, "$object", label_of(base))


def own_form_of(cls: type) -> Any:
    return next(each for each in cls.__mro__ if "__journalled__" in vars(each))


@frozen
class _Field:
    """A field of an attrs class or a dataclass."""

    name: str
    alias: str
    coder: Coder
    required: bool
    init: bool


class FieldsOf:
    """
    Writes and reads the fields of one class.

    They are looked at when the first value comes: a class may have fields of its own type.
    """

    def __init__(self, codec: Coding, cls: type, args: tuple[Any, ...]) -> None:
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
        except Trouble as trouble:
            trouble.under("." + name)
            raise
        except AttributeError:
            refuse(value, f"its field {name!r} is not set")
        if self._is_loose:
            self._refuse_surplus(value)
        return tree

    def read(self, tree: Tree) -> Any:
        if type(tree) is not dict or tag_of(tree) is not None:
            return self._codec.read_other(tree, self._cls, self._cls.__name__)
        try:
            return self._build(tree)
        except Trouble:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a constructor and its validators raise
            detail = self._what_is_missing(tree) or f"{type(error).__name__}: {error}"
            raise Trouble(self._cls.__name__, detail) from None

    @cached_property
    def _fields(self) -> list[_Field]:
        hints = types_in(self._cls, self._args)
        return [
            _Field(name, alias, self._codec.coder(hints.get(name, declared)), required, init)
            for name, alias, declared, required, init in declared_fields(self._cls)
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
            refuse(value, f"{', '.join(sorted(surplus))}: not declared as fields; decorate the class itself")

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
                    object.__setattr__(value, each.name, at_step("." + each.name, each.coder.read, tree[each.name]))
            return value

        return build

    def _takes_its_fields(self) -> bool:
        if attrs.has(self._cls) and any(each.converter for each in attrs.fields(self._cls)):
            return False
        if {each.name for each in self._fields} & {"attrs", "cl", "converter", "typevar_map"}:  # cattrs' own parameters
            return False
        cls: Any = self._cls
        code = getattr(cls.__init__, "__code__", None)
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
                self._codec.converter,
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
                object.__setattr__(value, each.name, at_step("." + each.name, each.coder.read, tree[each.name]))
            elif each.required and each.init:
                raise KeyError(each.name)
            elif not each.required:
                object.__setattr__(value, each.name, default_of(self._cls, each.name, value))
        return value


def _hook(each: _Field) -> Callable[[Tree, Any], Any]:
    """How cattrs calls for a field's value."""
    step, read = "." + each.name, each.coder.read

    def hook(tree: Tree, _: Any) -> Any:
        try:
            return read(tree)
        except Trouble as trouble:
            trouble.under(step)
            raise

    return hook


def declared_fields(cls: Any) -> Iterator[tuple[str, str, Any, bool, bool]]:
    """Name, the constructor's name for it, type, whether it is required, whether the constructor takes it."""
    if attrs.has(cls):
        for each in attrs.fields(cls):
            yield each.name, each.alias or each.name, each.type or Any, each.default is attrs.NOTHING, each.init
        return
    nothing = dataclasses.MISSING
    for each in dataclasses.fields(cls):
        yield each.name, each.name, each.type, each.default is nothing and each.default_factory is nothing, each.init


def default_of(cls: Any, name: str, value: object) -> Any:
    """A field's default; of one that is made, what is made for this value."""
    if not attrs.has(cls):
        declared: Any = next(each for each in dataclasses.fields(cls) if each.name == name)
        return declared.default_factory() if declared.default is dataclasses.MISSING else declared.default
    default: Any = getattr(attrs.fields(cls), name).default
    if not hasattr(default, "takes_self"):
        return default
    return default.factory(value) if default.takes_self else default.factory()


def types_in(cls: Any, args: tuple[Any, ...]) -> dict[str, Any]:
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
