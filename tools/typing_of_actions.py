"""
Writes tests/typing/every_action.py: each name of the catalogue, with the type that the journal restores its result as.

Type checkers read that file, and say where they see another type. A unit test holds it equal to what is written here,
so that no name is forgotten.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bizproc import crm, model
from bizproc.cli.catalogue import fluent_names
from bizproc.core.action import result_of
from bizproc.core.checks import readable
from bizproc.model.kinds import class_of

FILE = Path(__file__).resolve().parent.parent / "tests" / "typing" / "every_action.py"

HEAD = '''"""
What type checkers see of the result of every action. Made by `make reference`; changes belong into the code.

Nothing runs. The types are those that the journal restores results as.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar, assert_type

from bizproc import crm, wait
from bizproc.model import (
    {names},
)

R_co = TypeVar("R_co", covariant=True)


class Result(Protocol):
    """What comes of an action, whatever it is given."""

    def __call__(self, form: Callable[..., Awaitable[R_co]], /) -> R_co: ...


def every_action(result: Result) -> None:
    {lines}
'''

# Actions on whatever item leave open which: what they give of an item of class `{}`.
OF_THE_ITEM = {"find": "tuple[{}, ...]", "find_first": "{} | None"}


def every_action() -> str:
    lines, names = [], set[str]()
    for name, action in fluent_names().items():
        expected = _expected(name, action)
        names |= {word for word in re.findall(r"\w+", expected) if hasattr(model, word)}
        lines.append(f"assert_type(result({_typed(name)}), {expected})")
    return HEAD.format(names=",\n    ".join(sorted(names)), lines="\n    ".join(lines))


def _typed(name: str) -> str:
    """The shortest way to type it."""
    first, *rest = name.split(".")
    if first == "wait":
        return name
    noun, verb = rest
    return next(f"crm.{way}.{verb}" for way, has in _ways(noun) if hasattr(has, verb))


def _ways(noun: str) -> Iterator[tuple[str, Any]]:
    said: Any = getattr(crm, noun)
    if noun == "item":
        yield 'item("contract")', said("contract")
        yield 'item("contract", 5)', said("contract", 5)
        return
    yield noun, said
    given = '"sales"' if noun == "queue" else "5"
    yield f"{noun}({given})", said("sales" if noun == "queue" else 5)


def _expected(name: str, action: Any) -> str:
    for cls in action.__mro__:
        result = result_of(cls)
        if result is not Any:
            return "None" if result is type(None) else readable(result)
    _, noun, verb = name.split(".")
    item = "SmartItem" if noun == "item" else class_of(noun).__name__
    return OF_THE_ITEM.get(verb, "{}").format(item)


def main() -> None:
    FILE.write_text(every_action(), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
