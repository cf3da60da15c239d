"""
Argument checks: binds a call's arguments to a function's parameters, and sees that they have the annotated types.

Compiled once a function: most arguments pass by one comparison of exact types, and only the others go to typeguard,
which is imported when the first of them is met. It calls nothing, converts nothing but an int for a `Decimal`, and
knows neither processes nor steps: whoever declares a callable hands over its name.
"""

from __future__ import annotations

import inspect
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cached_property, lru_cache
from inspect import Parameter
from typing import Any, Final, Literal, NewType, NoReturn, TypeVar, Union, get_args, get_origin

from attrs import field, frozen

from bizproc.core.errors import ProcessDefinitionError, WrongArgument

# -- reading annotations -----------------------------------------------------------------------------------------------


def hints_of(subject: Callable[..., Any] | type) -> dict[str, Any]:
    """
    The annotations of a function or class, as types.

    Annotations that are texts are looked up in the module, and, for what is defined inside a function that is still
    running, in that function. A name that is nowhere is Any where it stands in a class, or inside an alias from
    another module; where a function's own annotation holds it, NameError is raised.
    """
    names: dict[str, Any] | None = None
    while True:
        try:
            return typing.get_type_hints(subject, None, names, include_extras=True)
        except NameError as error:
            if names is None:
                names = _surroundings(subject)
            elif error.name is None or error.name in names:
                raise
            else:
                _look_up_own(subject, names)
                names[error.name] = Any


def _look_up_own(subject: Callable[..., Any] | type, names: dict[str, Any]) -> None:
    """Raises NameError for a name in a function's own annotations."""
    if isinstance(subject, types.FunctionType):
        inspect.get_annotations(subject, locals=names, eval_str=True)


def _surroundings(subject: Callable[..., Any] | type) -> dict[str, Any]:
    """Names of the functions around `subject`: of its closure, and of those on the stack in which it is defined."""
    inside, _, _ = subject.__qualname__.rpartition(".<locals>.")
    names: dict[str, Any] = {}
    frame = sys._getframe(1) if inside else None  # noqa: SLF001 - the only way to the names of a running function
    while frame is not None:
        qualname = frame.f_code.co_qualname
        if inside == qualname or inside.startswith(qualname + ".<locals>."):
            names = {**frame.f_locals, **names}
        frame = frame.f_back
    if isinstance(subject, types.FunctionType):
        names |= inspect.getclosurevars(subject).nonlocals
    return names


def readable(annotation: Any) -> str:
    """A type as people write it: `Decimal | None`, `list[int]`, `"a" or "b"` for a Literal."""
    origin, args = get_origin(annotation), get_args(annotation)
    if annotation is type(None):
        return "None"
    if origin is typing.Annotated:
        return readable(args[0])
    if origin is typing.Literal:
        return " or ".join(repr(arg) for arg in args)
    if origin is Union or origin is types.UnionType:
        return " | ".join(readable(arg) for arg in args)
    if origin is not None and args:
        return f"{_name(origin)}[{', '.join(_argument(arg) for arg in args)}]"
    return _name(annotation)


def _argument(annotation: Any) -> str:
    if annotation is ...:
        return "..."
    if isinstance(annotation, list):
        return f"[{', '.join(readable(each) for each in annotation)}]"
    return readable(annotation)


def _name(annotation: Any) -> str:
    if isinstance(annotation, TypeVar):
        return annotation.__name__
    return getattr(annotation, "__name__", None) or str(annotation).removeprefix("typing.")


def described(value: object) -> str:
    """A wrong value as an error shows it: `'7' (str)`."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a value whose repr fails is still to be named
        text = f"something of {value.bit_length()} bits" if isinstance(value, int) else "something without a repr"
    if len(text) > 80:
        text = f"{text[:60]}…{text[-16:]}"
    return text if value is None else f"{text} ({_name(type(value))})"


# -- one value ---------------------------------------------------------------------------------------------------------


class _Everything(frozenset[type]):
    """The classes that fit an annotation which says nothing."""

    def __contains__(self, _: object) -> bool:
        return True

    def __sub__(self, _: object) -> _Everything:
        return self


@frozen(eq=False)
class Check:
    """
    Whether a value has an annotated type.

    Attributes:
        annotation: The type.
        exact: The classes whose own instances fit without a further look.
    """

    annotation: Any
    exact: frozenset[type]

    @classmethod
    def of(cls, annotation: Any) -> Check:
        """The check of a type."""
        # A naive datetime is refused, so that one of them does not fit by its class alone.
        return cls(annotation, exact_classes(annotation) - {datetime})

    def __call__(self, value: Any, process: str, parameter: str) -> Any:
        """
        The value, or the Decimal of an int.

        Raises:
            WrongArgument: the value does not have the type.
        """
        if type(value) in self.exact:
            return value
        return self._look_closer(value, process, parameter)

    def _look_closer(self, value: Any, process: str, parameter: str) -> Any:
        kind = type(value)
        if kind is int and Decimal in self.exact:
            return Decimal(value)
        if kind is bool and self.exact & {int, float} and not self._wants_bool(value):
            self._refuse(value, process, parameter)
        if kind is datetime and value.utcoffset() is None and datetime in exact_classes(self.annotation):
            self._refuse(value, process, parameter, " without a time zone; write datetime(..., tzinfo=ZoneInfo(...))")
        trouble = _trouble(value, self.annotation)
        if trouble is not None:
            self._refuse(value, process, parameter, self._hint(value, trouble))
        return value

    def _wants_bool(self, value: object) -> bool:
        """Whether something but a number takes a bool: type checkers take one for an int, people do not."""
        others = [member for member in members_of(self.annotation) if stripped(member) not in (int, float)]
        return any(_trouble(value, member) is None for member in others)

    def _hint(self, value: object, trouble: str) -> str:
        if type(value) is float and Decimal in self.exact:
            return f'; write Decimal("{value}")'
        # Only of a container there is more to say than what it is and what it should be.
        whole = get_origin(stripped(self.annotation)) in (None, Literal, Union, types.UnionType)
        return "" if whole else f": {trouble}"

    def _refuse(self, value: object, process: str, parameter: str, hint: str = "") -> NoReturn:
        raise WrongArgument(
            process=process, parameter=parameter, expected=readable(self.annotation), got=described(value) + hint
        )


def check_value(value: Any, annotation: Any, *, process: str, parameter: str) -> Any:
    """
    The value, seen to have the type; the Decimal of an int where a Decimal is wanted.

    Raises:
        WrongArgument: it does not.
    """
    try:
        check = _check_of(annotation)
    except TypeError:  # an annotation that cannot be a key
        check = Check.of(annotation)
    return check(value, process, parameter)


def check_text(value: Any, *, process: str, parameter: str) -> str:
    """
    The value, seen to be a text that can be stored.

    Raises:
        WrongArgument: it is not: no text, or one with half of a character in it.
    """
    text: str = check_value(value, str, process=process, parameter=parameter)
    try:
        text.encode()
    except UnicodeEncodeError:
        expected = "a text without lone surrogates (decode what it came from with errors='replace')"
        raise WrongArgument(process=process, parameter=parameter, expected=expected, got=described(text)) from None
    return text


_check_of = lru_cache(maxsize=None)(Check.of)


def stripped(annotation: Any) -> Any:
    """An annotation without what says nothing about the value."""
    while True:
        if isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif get_origin(annotation) in (typing.Annotated, typing.Final, typing.Required, typing.NotRequired):
            annotation = get_args(annotation)[0]
        elif hasattr(annotation, "__value__") and not isinstance(annotation, type):  # type X = ...
            annotation = annotation.__value__
        elif annotation is None:
            annotation = type(None)
        else:
            return annotation


def members_of(annotation: Any) -> Iterator[Any]:
    """The types of a union, or the one that it is."""
    plain = stripped(annotation)
    if get_origin(plain) in (Union, types.UnionType):
        for arg in get_args(plain):
            yield from members_of(arg)
    else:
        yield annotation


def exact_classes(annotation: Any) -> frozenset[type]:
    """The classes whose own instances, whatever they hold, have a type."""
    classes: set[type] = set()
    for member in members_of(annotation):
        plain = stripped(member)
        if plain in (Any, object, Parameter.empty):
            return _Everything()
        if isinstance(plain, type) and get_origin(plain) is None and not _holds_typed(plain):
            classes |= {float, int} if plain is float else {plain}
    return frozenset(classes)


def _holds_typed(cls: type) -> bool:
    """Whether a class says more than what class its instances have."""
    return typing.is_typeddict(cls) or (issubclass(cls, tuple) and hasattr(cls, "_fields"))


def _trouble(value: object, annotation: Any) -> str | None:
    """What is wrong with a value, or None."""
    from typeguard import CollectionCheckStrategy, ForwardRefPolicy, TypeCheckError, check_type

    try:
        check_type(
            value,
            annotation,
            forward_ref_policy=ForwardRefPolicy.IGNORE,
            collection_check_strategy=CollectionCheckStrategy.ALL_ITEMS,
        )
    except TypeCheckError as error:
        return str(error)
    return None


# -- the arguments of a call -------------------------------------------------------------------------------------------


def compile_checks(function: Callable[..., Any], name: str | None = None) -> Checker:
    """The checks of a function's arguments; `name` is what errors call it."""
    checker = Checker(function, name or function.__qualname__)
    if "<locals>" in function.__qualname__:
        checker.learn_names()
    return checker


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """A function's parameters, annotated or not: what annotations name need not be there yet."""
    if sys.version_info >= (3, 14):
        from annotationlib import Format

        return inspect.signature(function, annotation_format=Format.FORWARDREF)
    return inspect.signature(function)


_BY_POSITION: Final = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_BY_NAME: Final = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


@frozen(eq=False, slots=False)
class Checker:
    """Binds arguments to one function's parameters, and checks them. Annotations are looked up when first needed."""

    function: Callable[..., Any] = field(repr=False)
    name: str

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """
        The values of all parameters by name, defaults included.

        Raises:
            WrongArgument: one is missing, given twice, not known, or of the wrong type.
        """
        plan = self._by_place
        if kwargs or plan is None or len(args) != len(plan):
            return self._bind(args, kwargs)
        bound = {}
        for (name, exact, check, _), value in zip(plan, args):  # noqa: B905  they are as many, and asking takes time
            bound[name] = value if type(value) in exact else check(value, self.name, name)
        return bound

    def _bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments by name, and defaults. What is not plainly right is left to `_bind_slowly`, which has the words."""
        given = {**dict(zip(self._by_position, args, strict=False)), **kwargs}
        if len(given) != len(args) + len(kwargs) or not given.keys() <= self._by_name:
            return self._bind_slowly(args, kwargs)
        bound = {}
        for name, exact, check, default in self._plan:
            value = given.get(name, default)
            if value is Parameter.empty:
                return self._bind_slowly(args, kwargs)
            bound[name] = value if value is default or type(value) in exact else check(value, self.name, name)
        return bound

    def given(self, bound: Mapping[str, Any]) -> Mapping[str, Any]:
        """Of bound arguments those that differ from their default: a new optional parameter changes none of them."""
        defaults = self._defaults
        if not defaults:
            return bound
        return {name: value for name, value in bound.items() if name not in defaults or not same(value, defaults[name])}

    def spread(self, bound: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Bound arguments as the function is called with them."""
        if self._arity >= 0:
            return tuple(bound.values()), {}
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for name, parameter in self._parameters.items():
            if parameter.kind is Parameter.VAR_POSITIONAL:
                args.extend(bound[name])
            elif parameter.kind is Parameter.VAR_KEYWORD:
                kwargs |= bound[name]
            elif parameter.kind in _BY_POSITION:
                args.append(bound[name])
            else:
                kwargs[name] = bound[name]
        return tuple(args), kwargs

    @cached_property
    def by_position(self) -> bool:
        """Whether the function can be called with the bound values alone, in their order."""
        return self._arity >= 0

    @cached_property
    def result_type(self) -> Any:
        """The annotation of what the function returns; Any where there is none."""
        return self._hints.get("return", Any)

    def learn_names(self) -> None:
        """Look the annotations up now, while the function around this one runs. Those not found wait for a call."""
        try:
            self._hints  # noqa: B018 - it is remembered
        except ProcessDefinitionError:
            return

    @cached_property
    def _hints(self) -> dict[str, Any]:
        try:
            return hints_of(self.function)
        except (NameError, TypeError) as error:
            detail = f"an annotation cannot be looked up: {error}. Import what it names at the top of the module."
            raise ProcessDefinitionError(process=self.name, detail=detail) from error

    @cached_property
    def _parameters(self) -> Mapping[str, Parameter]:
        return signature_of(self.function).parameters

    @cached_property
    def _defaults(self) -> dict[str, Any]:
        values = {name: _default_of(each) for name, each in self._parameters.items()}
        return {name: value for name, value in values.items() if value is not Parameter.empty}

    @cached_property
    def _checks(self) -> dict[str, Check]:
        return {name: Check.of(self._hints.get(name, Any)) for name in self._parameters}

    @cached_property
    def _plan(self) -> tuple[tuple[str, frozenset[type], Check, Any], ...]:
        defaults = self._defaults
        checks = self._checks.items()
        return tuple((name, check.exact, check, defaults.get(name, Parameter.empty)) for name, check in checks)

    @cached_property
    def _by_place(self) -> tuple[tuple[str, frozenset[type], Check, Any], ...] | None:
        """The plan, if each argument may be given by its position."""
        return self._plan if self._arity >= 0 else None

    @cached_property
    def _arity(self) -> int:
        """How many arguments there are, if each may be given by its position; else -1."""
        simple = all(each.kind in _BY_POSITION for each in self._parameters.values())
        return len(self._parameters) if simple else -1

    @cached_property
    def _by_position(self) -> tuple[str, ...]:
        return tuple(name for name, each in self._parameters.items() if each.kind in _BY_POSITION)

    @cached_property
    def _by_name(self) -> frozenset[str]:
        return frozenset(name for name, each in self._parameters.items() if each.kind in _BY_NAME)

    # -- the long way: whatever there is, and what is wrong with it

    def _bind_slowly(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        given = self._positions(args)
        extra: dict[str, Any] = {}
        for name, value in kwargs.items():
            if name in self._by_name and name in given:
                by_both = f"{described(given[name])} by position and {described(value)} by name"
                self._refuse(name, "one value", by_both)
            elif name in self._by_name:
                given[name] = value
            elif self._rest(Parameter.VAR_KEYWORD) is None:
                self._refuse(name, f"no such parameter ({self._known()})", described(value))
            else:
                extra[name] = value
        return {name: self._value(name, given, extra) for name in self._parameters}

    def _positions(self, args: tuple[Any, ...]) -> dict[str, Any]:
        names = self._by_position
        given = dict(zip(names, args, strict=False))
        surplus, rest = args[len(names) :], self._rest(Parameter.VAR_POSITIONAL)
        if rest is not None:
            given[rest] = surplus
        elif surplus:
            self._refuse(f"number {len(names) + 1}", f"no more than {len(names)} by position", described(surplus[0]))
        return given

    def _rest(self, kind: object) -> str | None:
        """The name of `*args` or `**kwargs`, if the function has it."""
        return next((name for name, each in self._parameters.items() if each.kind is kind), None)

    def _value(self, name: str, given: dict[str, Any], extra: dict[str, Any]) -> Any:
        check, kind = self._checks[name], self._parameters[name].kind
        if kind is Parameter.VAR_KEYWORD:
            return {key: check(value, self.name, key) for key, value in extra.items()}
        if kind is Parameter.VAR_POSITIONAL:
            return tuple(check(value, self.name, name) for value in given[name])
        if name in given:
            return check(given[name], self.name, name)
        if name not in self._defaults:
            self._refuse(name, readable(check.annotation), "nothing, and it has no default")
        return self._defaults[name]

    def _known(self) -> str:
        names = [name for name in self._parameters if name in self._by_name]
        return f"known: {', '.join(names)}" if names else "none is given by name"

    def _refuse(self, parameter: str, expected: str, got: str) -> NoReturn:
        raise WrongArgument(process=self.name, parameter=parameter, expected=expected, got=got)


def _default_of(parameter: Parameter) -> Any:
    if parameter.kind is Parameter.VAR_POSITIONAL:
        return ()
    return {} if parameter.kind is Parameter.VAR_KEYWORD else parameter.default


def same(value: object, default: object) -> bool:
    """Whether a value is its parameter's default. Of another type it is not: 1 is neither True nor Decimal(1)."""
    if value is default:
        return True
    try:
        return type(value) is type(default) and bool(value == default)
    except Exception:  # noqa: BLE001 - values whose comparison fails differ
        return False
