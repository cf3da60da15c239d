"""
The parameters of a process, drawn from the types of its start form.

    @given(discounts=parameters(follow_up))
    def test_any_discount_is_written_down(discounts): ...   follow_up(deal, **discounts)
"""

from __future__ import annotations

import types
from collections import abc
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import attrs
from hypothesis import strategies as st

from bizproc.core.errors import WrongArgument
from bizproc.core.form import REQUIRED, Parameter
from bizproc.core.process import Process
from bizproc.model import Department, Group, Item, Product, Supervisor, User
from bizproc.recipe import Recipe
from bizproc.rules.calendars import Calendar
from bizproc.rules.filters import Filter
from bizproc.rules.queues import UserQueue
from bizproc.testing.strategies.calendars import calendars
from bizproc.testing.strategies.filters import filters
from bizproc.testing.strategies.items import in_cents, items_of, texts
from bizproc.testing.strategies.making import made
from bizproc.testing.strategies.moments import moments

_DAYS: Final = st.dates(date(2000, 1, 1), date(2037, 12, 31))
_NUMBERS: Final = made(in_cents, st.integers(-100_000_000, 100_000_000))
# Whole seconds up to a year: what a process waits for, and reads well.
_DURATIONS: Final = made(lambda seconds: timedelta(seconds=seconds), st.integers(0, 366 * 24 * 60 * 60))

_PLAIN: Final[Mapping[Any, st.SearchStrategy[Any]]] = {
    str: texts(),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    Decimal: _NUMBERS,
    date: _DAYS,
    datetime: moments(),
    time: st.times(),
    timedelta: _DURATIONS,
    Any: st.one_of(st.none(), st.booleans(), st.integers(-1000, 1000), texts()),
}


def parameters(process: Process[..., Any] | Recipe[...], **fixed: Any) -> st.SearchStrategy[dict[str, Any]]:
    """
    Parameters of a process, as keyword arguments of its call; those that have a default may be left out.

    Of a recipe they are its settings.

    Args:
        process: Whose start form it is.
        fixed: Values, or strategies, for parameters that are not to be any their type allows.
    """
    form = process.form
    unknown = fixed.keys() - {each.name for each in form.parameters}
    if unknown:
        expected = f"one of {', '.join(each.name for each in form.parameters)}" if form.parameters else "no parameter"
        raise WrongArgument(process=process.name, parameter=min(unknown), expected=expected, got="a strategy for it")
    required = {each.name: _of(each, fixed) for each in form.parameters if each.required}
    optional = {each.name: _of(each, fixed) for each in form.parameters if not each.required}
    return st.fixed_dictionaries(required, optional=optional)


def _of(parameter: Parameter, fixed: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if parameter.name in fixed:
        given = fixed[parameter.name]
        return given if isinstance(given, st.SearchStrategy) else st.just(given)
    drawn = of_type(parameter.type)
    return drawn if parameter.default is REQUIRED else st.one_of(st.just(parameter.default), drawn)


def of_type(type_: Any) -> st.SearchStrategy[Any]:
    """Values of a type that a process can be given: they can be journalled, and print themselves as code."""
    if type_ in _PLAIN:
        return _PLAIN[type_]
    origin, inside = get_origin(type_), get_args(type_)
    if origin is Annotated:
        return of_type(inside[0])
    if origin in (Union, types.UnionType):
        # None first: an example shrinks to it.
        return st.one_of(*(of_type(each) for each in sorted(inside, key=lambda each: each is not types.NoneType)))
    if origin is tuple and inside[1:] != (Ellipsis,):
        return st.tuples(*map(of_type, inside))
    if origin in _SEVERAL:
        return made(_SEVERAL[origin], st.lists(of_type(inside[0]), max_size=5))
    if origin is Literal:
        return st.sampled_from(inside)  # the first one first, which Hypothesis's own does not
    if origin in (dict, abc.Mapping):
        return st.dictionaries(of_type(inside[0]), of_type(inside[1]), max_size=5)
    if isinstance(type_, type) and (issubclass(type_, Item) or type_ in (User, Product)):
        return items_of(type_)
    if type_ in _OURS:
        return _OURS[type_]()
    if isinstance(type_, type) and attrs.has(type_):
        return _built(type_)
    return st.from_type(type_)


_SEVERAL: Final[Mapping[Any, Any]] = {
    list: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    abc.Sequence: list,
    abc.Iterable: list,
}


_USERS: Final = st.integers(1, 20)
_CODES: Final = st.sampled_from(["sales", "support", "eu"])


def _queues() -> st.SearchStrategy[UserQueue]:
    """Of users that need not be there: whom a queue names is looked up when it is asked."""
    members = st.one_of(made(User, _USERS), made(Department, _CODES), made(Group, _CODES))
    return made(lambda some: UserQueue(tuple(some)), st.lists(members, max_size=5))


_OURS: Final[Mapping[Any, Callable[[], st.SearchStrategy[Any]]]] = {
    UserQueue: _queues,
    # Of one kind of items: recipes whose filters are of another kind fix theirs.
    Filter: lambda: filters("deal"),
    Calendar: calendars,
    Supervisor: lambda: made(Supervisor, _USERS),  # by its fields it would have no end
    Department: lambda: made(Department, _CODES),
    Group: lambda: made(Group, _CODES),
}


def _built(cls: type[Any]) -> st.SearchStrategy[Any]:
    """Of an attrs class of the user's: each field by its type."""
    attrs.resolve_types(cls)
    fields = [each for each in attrs.fields(cls) if each.init]
    known = {each.alias: of_type(each.type) for each in fields if each.type is not None}
    return made(lambda values: cls(**values), st.fixed_dictionaries(known))
