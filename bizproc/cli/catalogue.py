"""
The catalogue of actions, read from the code: what each is called, what it takes, what it raises. It prints nothing.

With them the waits, for they are looked for in the same place. Names are found by walking `crm` and `wait`; parameters
by the signature of what is found there; units and errors by the docstring of the action's class.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Iterator
from inspect import Parameter as Declared
from typing import Any, Final, get_args, get_origin, get_overloads, get_type_hints

from attrs import frozen

from bizproc import crm, wait
from bizproc.actions.catalogue import HEADINGS, Heading
from bizproc.core.action import result_of
from bizproc.core.checks import readable
from bizproc.core.form import descriptions_in, plain


@frozen(kw_only=True)
class Parameter:
    """
    One parameter of an action.

    Attributes:
        default: As text; None where there is none.
        description: With the unit, where there is one.
    """

    name: str
    type: str
    required: bool
    default: Any = None
    description: str = ""


@frozen
class Raised:
    """An error that an action raises, and when."""

    name: str
    when: str


@frozen(kw_only=True)
class Form:
    """
    How an action is typed, under the names that take the same.

    Attributes:
        names: Fluent names that differ in the kind of item alone, `deal` before the others.
        signature: As it would be declared, without types: `(product, *, price=None)`.
        returns: The type of its value.
    """

    names: tuple[str, ...]
    signature: str
    returns: str


@frozen(kw_only=True)
class Entry:
    """
    One action, under all its names.

    Attributes:
        heading: Where the document has it; None for what is beyond the document.
        names: Fluent names, in order; none for what is to come.
        forms: How it is typed.
        says: The docstring without its sections.
    """

    heading: Heading | None
    names: tuple[str, ...] = ()
    forms: tuple[Form, ...] = ()
    says: str = ""
    parameters: tuple[Parameter, ...] = ()
    errors: tuple[Raised, ...] = ()


_Named = dict[str, Any]


def catalogue() -> list[Entry]:
    """All headings in the order of the document, then what is beyond it, actions and waits, by their names."""
    found = _by_action()
    headed = [_entry(heading, _taken(found, heading)) for heading in HEADINGS]
    beyond = [*(_entry(None, named) for named in found.values()), *map(_wait, wait_names())]
    return headed + sorted(beyond, key=lambda entry: entry.names[0])


def _taken(found: dict[Any, _Named], heading: Heading) -> _Named:
    """What stands under a heading: its action, and those that it also has."""
    named: _Named = {}
    for action in (heading.action, *heading.also):
        named |= found.pop(action, {})
    return named


def fluent_names() -> dict[str, type]:
    """Every name under which an action can be typed, and its action."""
    return {name: function.action for name, function in _fluent()}


def wait_names() -> list[str]:
    """What is typed as a wait, and touches nothing: the engine answers it."""
    return [f"wait.{name}" for name in sorted(wait.__all__) if not hasattr(getattr(wait, name), "action")]


def _wait(name: str) -> Entry:
    function = getattr(wait, name.removeprefix("wait."))
    documentation = inspect.cleandoc(function.__doc__ or "")
    hint = get_type_hints(function)["return"]
    made = get_origin(hint) or hint
    result = get_args(hint)[0] if made is Awaitable else result_of(made)
    returns = "None" if result is type(None) else readable(result)
    return Entry(
        heading=None,
        names=(name,),
        forms=(Form(names=(name,), signature=_signature(function), returns=returns),),
        says=_prose(documentation),
        parameters=tuple(_parameters(function, documentation)),
        errors=tuple(_errors(documentation)),
    )


def _by_action() -> dict[Any, _Named]:
    found: dict[Any, _Named] = {}
    for name, function in _fluent():
        found.setdefault(function.action, {})[name] = function
    return found


def _fluent() -> Iterator[tuple[str, Any]]:
    for noun in sorted(crm.__all__):
        for cls in _classes_of(getattr(crm, noun)):
            for name in sorted(dir(cls)):
                function = inspect.getattr_static(cls, name)
                if not name.startswith("_") and hasattr(function, "action"):
                    yield f"crm.{noun}.{name}", function
    for name in sorted(wait.__all__):
        if hasattr(getattr(wait, name), "action"):
            yield f"wait.{name}", getattr(wait, name)


def _classes_of(noun: Any) -> Iterator[type]:
    """The class of `crm.deal`, and that of `crm.deal(42)`."""
    if inspect.isfunction(noun):
        yield from (get_type_hints(each)["return"] for each in get_overloads(noun))
        return
    yield type(noun)
    called = get_type_hints(type(noun).__call__).get("return")
    if isinstance(called, type) and not isinstance(noun, called):
        yield called


def _entry(heading: Heading | None, named: _Named) -> Entry:
    if not named:
        return Entry(heading=heading)
    ways = list({function.action: function for function in named.values()}.values())
    documentation = inspect.cleandoc(ways[0].action.__doc__ or "")
    parameters = {each.name: each for way in ways for each in _parameters(way, way.action.__doc__)}
    return Entry(
        heading=heading,
        names=tuple(sorted(named)),
        forms=tuple(_forms(named)),
        says=_prose(documentation),
        parameters=tuple(parameters.values()),
        errors=tuple(_errors(documentation)),
    )


def _forms(named: _Named) -> Iterator[Form]:
    groups: dict[tuple[str, str], list[str]] = {}
    for name in sorted(named, key=_deal_first):
        groups.setdefault((name.rpartition(".")[2], _signature(named[name])), []).append(name)
    for (_, signature), names in groups.items():
        yield Form(names=tuple(names), signature=signature, returns=_returns(names, named[names[0]].action))


def _deal_first(name: str) -> tuple[bool, str]:
    return ".deal." not in name, name


def _signature(function: Any) -> str:
    """The parameters of a fluent method, as one types them."""
    declared = inspect.signature(_made_by(function))
    kept = [
        one.replace(annotation=Declared.empty, default=_shown_default(one.default))
        for one in declared.parameters.values()
        if one.name not in ("self", "target")
    ]
    return str(inspect.Signature(kept))


class _Shown:
    """A default that reads as it would be typed."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _shown_default(default: Any) -> Any:
    return default if default is Declared.empty else _Shown(_text(default))


def _made_by(function: Any) -> Any:
    """What is called: the method itself, or the class of the action behind `act`."""
    return function if inspect.isfunction(function) else function.action.__init__


def _returns(names: list[str], action: Any) -> str:
    """The type of its value; of an action on items of whatever kind that gives such items, that it does."""
    for cls in action.__mro__:
        result = result_of(cls)
        if result is not Any:
            return "None" if result is type(None) else readable(result)
    item = "the item" if len(names) > 1 else "SmartItem"
    return _OF_ITEMS.get(names[0].rpartition(".")[2], "{}").format(item)


_OF_ITEMS: Final = {"find": "tuple[{}, ...]", "find_first": "{} | None"}


def _prose(documentation: str) -> str:
    """What stands before the sections: a line a paragraph, without the number of the heading."""
    paragraphs = _SECTIONS.split(documentation)[0].strip().split("\n\n")
    text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    return _NUMBER.sub("", text).strip()


# -- parameters --------------------------------------------------------------------------------------------------------


def _parameters(function: Any, documentation: str | None) -> Iterator[Parameter]:
    told = descriptions_in(documentation)
    made_by = _made_by(function)
    hints = get_type_hints(made_by)
    for name, declared in inspect.signature(made_by).parameters.items():
        if name in ("self", "target"):
            continue
        hint = hints.get(name, Any)
        if declared.kind is Declared.VAR_KEYWORD:
            yield from _fields(hint, function.action)
            continue
        many = declared.kind is Declared.VAR_POSITIONAL
        yield Parameter(
            name=name,
            type=f"{readable(hint)}, …" if many else readable(hint),
            required=declared.default is Declared.empty and not many,
            default=None if declared.default is Declared.empty else _text(declared.default),
            description=told.get(name, ""),
        )


def _fields(hint: Any, action: Any) -> Iterator[Parameter]:
    """The fields of a `**fields: Unpack[DealFields]`; the noun's docstring says what they are."""
    fields = get_args(hint)[0] if get_origin(hint) is not None else hint
    told = attributes_of(result_of(action))
    for name, type_ in get_type_hints(fields).items():
        description = told.get(name, "")
        yield Parameter(name=name, type=readable(type_), required=name in action.required, description=description)


def attributes_of(noun: Any) -> dict[str, str]:
    """What the docstrings of a class, and of those it is made of, say of its attributes."""
    told: dict[str, str] = {}
    for cls in reversed(getattr(noun, "__mro__", ())):
        section = _ATTRIBUTES.search(inspect.cleandoc(cls.__doc__ or ""))
        for found in _ERROR.finditer(section[1] if section else ""):
            told |= dict.fromkeys(found["names"].split(", "), " ".join(found["when"].split()))
    return told


def _text(default: Any) -> str:
    value = plain(default)
    return value if isinstance(value, str) and value else repr(value)


# -- errors ------------------------------------------------------------------------------------------------------------

_SECTIONS: Final = re.compile(r"^(?:Args|Raises|Returns|Attributes):$", re.MULTILINE)
_NUMBER: Final = re.compile(r"\s*\(?Headings? \d[\w,; ]*\.\)?$")
_RAISES: Final = re.compile(r"^Raises:\n((?:[ ]+.*\n?|\n)*)", re.MULTILINE)
_ATTRIBUTES: Final = re.compile(r"^Attributes:\n((?:[ ]+.*\n?|\n)*)", re.MULTILINE)
_ERROR: Final = re.compile(r"^    (?P<names>\w+(?:, \w+)*): (?P<when>.*(?:\n     +.*)*)", re.MULTILINE)


def _errors(documentation: str) -> Iterator[Raised]:
    section = _RAISES.search(documentation)
    for found in _ERROR.finditer(section[1] if section else ""):
        when = " ".join(found["when"].split())
        yield from (Raised(name, when) for name in found["names"].split(", "))
