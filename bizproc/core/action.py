"""
How an action is written: once, as an attrs class.

From it come the fluent method, the argument check, the journal record and the documentation.

    @action_type("crm.add_product")
    class AddProduct(ItemAction[ProductRow]): ...

    class DealActions(ItemActions):
        add_product = act(AddProduct)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY
from datetime import timedelta
from functools import cache, partial
from math import inf
from typing import (
    Any,
    ClassVar,
    Concatenate,
    Generic,
    ParamSpec,
    TypeVar,
    dataclass_transform,
    get_args,
    get_type_hints,
)

import attrs
from attrs import Attribute, frozen

from bizproc.core.checks import check_value, same
from bizproc.core.commands import Action, Listening, Visible
from bizproc.core.errors import WrongValue

A = TypeVar("A")
P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
C = TypeVar("C", bound=type[Any])

option = attrs.field

_FACTORY: Any = attrs.Factory


@frozen
class Target:
    """The item an action is about: `id` None is the process's own, or the one linked to its document."""

    kind: str
    id: int | None = None

    def __str__(self) -> str:
        return self.kind if self.id is None else f"{self.kind} {self.id}"


class ItemAction(Action[R_co]):
    """An action on one item."""

    verb: ClassVar[str]
    target: Target

    __slots__ = ()

    @property
    def name(self) -> str:
        return f"{self.target.kind}.{self.verb}"

    def arguments(self) -> Mapping[str, object]:
        return given(self)

    @property
    def result_type(self) -> Any:
        return result_of(_class(self))


class ItemWait(Listening[R_co]):
    """A wait for something to happen to one item."""

    verb: ClassVar[str]
    target: Target

    __slots__ = ()

    @property
    def name(self) -> str:
        return self.verb

    def arguments(self) -> Mapping[str, object]:
        return given(self)

    @property
    def result_type(self) -> Any:
        return result_of(_class(self))


class DocumentWait(Visible[R_co]):
    """A wait that is to be seen beside the item that the process runs on, while it lasts."""

    verb: ClassVar[str]

    __slots__ = ()

    @property
    def name(self) -> str:
        return self.verb

    def arguments(self) -> Mapping[str, object]:
        return given(self)

    @property
    def result_type(self) -> Any:
        return result_of(_class(self))


@dataclass_transform(frozen_default=True, field_specifiers=(option, attrs.field))
def action_type(name: str) -> Callable[[C], C]:
    """Make a class an action (or a wait) called `name`: a frozen value whose fields are its checked parameters."""

    def decorate(cls: C) -> C:
        cls.verb = name.rpartition(".")[2]
        if "__attrs_post_init__" not in vars(cls):
            cls.__attrs_post_init__ = check_fields
        made: C = frozen(field_transformer=_keyword_only)(cls)
        return made

    return decorate


def _keyword_only(_cls: type, fields: list[Attribute[Any]]) -> list[Attribute[Any]]:
    """Drop `_: KW_ONLY` and make what follows it keyword-only, as dataclasses do."""
    kept, keyword_only = [], False
    for field in fields:
        if field.type in (KW_ONLY, "KW_ONLY"):
            keyword_only = True
        else:
            kept.append(field.evolve(kw_only=True) if keyword_only else field)
    return kept


def check_fields(action: Any) -> None:
    """Refuse a parameter of the wrong type, by name."""
    for name, type_ in _field_types(_class(action)):
        check_value(getattr(action, name), type_, process=action.name, parameter=name)


def _class(action: Any) -> Any:
    return type(action)


@cache
def _field_types(cls: Any) -> tuple[tuple[str, Any], ...]:
    hints = get_type_hints(cls)
    return tuple((field.name, hints[field.name]) for field in attrs.fields(cls) if field.name != "target")


@cache
def _defaults(cls: Any) -> tuple[tuple[str, object], ...]:
    return tuple((field.name, _default_of(field)) for field in attrs.fields(cls) if field.name != "target")


def _default_of(field: Attribute[Any]) -> object:
    default: Any = field.default
    return default.factory() if isinstance(default, _FACTORY) and not default.takes_self else default


def given(action: Any) -> dict[str, object]:
    """The parameters that differ from their default, and the target where it is named."""
    changed = {}
    for name, default in _defaults(_class(action)):
        value = getattr(action, name)
        if not same(value, default):
            changed[name] = value
    target = getattr(action, "target", None)
    return changed if target is None or target.id is None else {"target": target.id, **changed}


@cache
def result_of(cls: Any) -> Any:
    """`R` of a class that derives from `ItemAction[R]` or its like; Any where it leaves that open."""
    for base in getattr(cls, "__orig_bases__", ()):
        arguments = get_args(base)
        if arguments:
            return Any if isinstance(arguments[0], TypeVar) else arguments[0]
    return Any


class act(Generic[P, A]):  # noqa: N801  (reads as a word in the catalogue: `add_product = act(AddProduct)`)
    """A fluent method made from an action class: same parameters, same docstring, target filled in."""

    def __init__(self, action: Callable[Concatenate[Target, P], A]) -> None:
        self.action = action
        self.__doc__ = action.__doc__

    def __get__(self, instance: Any, owner: type) -> Callable[P, A]:
        if instance is None:
            return self  # type: ignore[return-value]  # on the class: the descriptor itself, for the catalogue
        return partial(self.action, instance.target)


def more_than(limit: int) -> Callable[[Any, Attribute[Any], Any], None]:
    """A validator: a number above `limit`."""
    return _validator(f"more than {limit}", lambda value: limit < value < inf)


def at_least(limit: int) -> Callable[[Any, Attribute[Any], Any], None]:
    """A validator: a number that is `limit`, or above it."""
    return _validator(f"{limit} or more", lambda value: limit <= value < inf)


def between(low: int, high: int) -> Callable[[Any, Attribute[Any], Any], None]:
    """A validator: a number from `low` to `high`, both included."""
    return _validator(f"from {low} to {high}", lambda value: low <= value <= high)


def longer_than_nothing(action: Any, attribute: Attribute[Any], value: Any) -> None:
    """A validator: a duration above nothing."""
    _validator("longer than nothing", lambda given: given > timedelta(0))(action, attribute, value)


def whole_minutes(action: Any, attribute: Attribute[Any], value: Any) -> None:
    """A validator: a duration of whole minutes, hours or days; nothing is one."""
    minute = timedelta(minutes=1)
    fits = _validator("whole minutes, hours or days", lambda given: given >= timedelta(0) and not given % minute)
    fits(action, attribute, value)


def one_of(*allowed: str) -> Callable[[Any, Attribute[Any], Any], None]:
    """A validator: one of these words."""
    return _validator(f"one of {', '.join(allowed)}", lambda value: value in allowed)


def _validator(expected: str, holds: Callable[[Any], bool]) -> Callable[[Any, Attribute[Any], Any], None]:
    def validate(action: Any, attribute: Attribute[Any], value: Any) -> None:
        try:
            fits = value is None or holds(value)
        except (TypeError, ArithmeticError):
            fits = False  # of the wrong type, or NaN: no number in any range
        if not fits:
            raise WrongValue(action=action.name, parameter=attribute.name, expected=expected, got=repr(value))

    return validate
