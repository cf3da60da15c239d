"""Makes the part of docs/reference/actions.md that says what actions and waits give: classes, their fields, types."""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, get_type_hints

import attrs

from bizproc import model
from bizproc.cli.catalogue import Entry, Form, attributes_of
from bizproc.core.checks import readable
from bizproc.core.commands import Event, Signalled
from bizproc.model.kinds import class_of
from bizproc.triggers.waits import Happened
from tools.pages import code, table, undecided

HEAD: Final = """\
## What they give

The classes of results, `from bizproc.model import Assignment`. All are frozen: a value is what was so when the action
was done, and a change is an action of its own.
"""

MANY: Final = 12
"""Of a class with more fields than these an action names the class alone."""

_PROMISED: Final = [getattr(model, name) for name in model.__all__]
KNOWN: Final[Mapping[str, Any]] = {
    cls.__name__: cls for cls in (*_PROMISED, Event, Happened, Signalled) if isinstance(cls, type) and attrs.has(cls)
}
"""The classes that results are of, by name."""


def given_by(entry: Entry) -> list[str]:
    """What an action's value has, as a part of its entry; nothing where it gives none, or a text or a number."""
    found = _classes([entry])
    if not found:
        return []
    few = [cls for cls in found if len(attrs.fields(cls)) <= MANY]
    told = [f"[{cls.__name__}](#{cls.__name__.lower()}), with {_fields_in_short(cls)}" for cls in few]
    told += [f"[{cls.__name__}](#{cls.__name__.lower()})" for cls in found if cls not in few]
    return [f"Gives: {'; '.join(told)}.\n"]


def results(entries: Iterable[Entry]) -> str:
    """All classes that are given, and those that their fields hold."""
    found = _classes(entries)
    for cls in found:  # it grows meanwhile
        found += [each for each in dict.fromkeys(_held_by(cls)) if each not in found]
    return "\n".join([HEAD, *map(_class, sorted(found, key=lambda cls: cls.__name__))])


def _classes(entries: Iterable[Entry]) -> list[Any]:
    given = [cls for entry in entries for form in entry.forms for cls in _given(form)]
    return list(dict.fromkeys(given))


def _given(form: Form) -> Iterator[Any]:
    """The classes that the type of its value names: of `tuple[Order, ...]` it is `Order`."""
    if "the item" in form.returns:
        kinds = [name.split(".")[1] for name in form.names]
        yield from (model.SmartItem if kind == "item" else class_of(kind) for kind in kinds)
    yield from _named_in(form.returns)


def _named_in(type_: str) -> list[Any]:
    return [KNOWN[word] for word in re.findall(r"\w+", type_) if word in KNOWN]


def _held_by(cls: Any) -> list[Any]:
    return [each for _, type_, _ in _fields(cls) for each in _named_in(type_)]


def _fields_in_short(cls: Any) -> str:
    return ", ".join(f"`{name}: {type_}`" for name, type_, _ in _fields(cls))


def _class(cls: Any) -> str:
    said = undecided(inspect.cleandoc(cls.__doc__ or ""))
    prose = re.split(r"^Attributes:$", said, maxsplit=1, flags=re.MULTILINE)[0].strip()
    rows = [(f"`{name}`", code(type_), told) for name, type_, told in _fields(cls)]
    rows += [(f"`{name}`", code(type_), told) for name, type_, told in _worked_out(cls)]
    return f"### {cls.__name__}\n\n{prose}\n\n{table(('field', 'type', ''), rows)}"


def _fields(cls: Any) -> Iterator[tuple[str, str, str]]:
    hints, told = get_type_hints(cls), attributes_of(cls)
    for each in attrs.fields(cls):
        if not each.name.startswith("_"):
            yield each.name, readable(hints[each.name]), undecided(told.get(each.name))


def _worked_out(cls: Any) -> Iterator[tuple[str, str, str]]:
    """What follows from the fields: properties, and methods that ask."""
    for base in cls.__mro__:
        for name, member in vars(base).items():
            function = member.fget if isinstance(member, property) else member
            if name.startswith("_") or not inspect.isfunction(function):
                continue
            taken = (
                "" if isinstance(member, property) else f"({', '.join([*inspect.signature(function).parameters][1:])})"
            )
            said = inspect.cleandoc(function.__doc__ or "").partition("\n\n")[0]
            yield f"{name}{taken}", readable(get_type_hints(function)["return"]), " ".join(said.split())
