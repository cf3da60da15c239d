"""
Trees, which orjson writes and reads.

Going through them with the path at hand, and what is said of a value that does not fit.
"""

from __future__ import annotations

from collections import abc
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NoReturn, TypeAlias

import orjson

from bizproc.core.checks import described

Tree: TypeAlias = Any
"""What orjson writes and reads: None, bool, int, float, str, list, dict with str keys."""


Write: TypeAlias = Callable[[Any], Tree]


Read: TypeAlias = Callable[[Tree], Any]


class Trouble(Exception):
    """A value that cannot be written or read. On its way up it gathers the path."""

    def __init__(self, type: str, detail: str) -> None:
        super().__init__(type, detail)
        self.type = type
        self.detail = detail
        self.steps: list[str] = []

    def under(self, step: str) -> None:
        """The trouble lies below `step` of the value that is being dealt with."""
        self.steps.append(step)

    def path(self, root: str) -> str:
        return root + "".join(reversed(self.steps))


def step_to(key: object) -> str:
    """The step to a field or a key: `.when`, `['first name']`."""
    return f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]"


def refuse(value: object, detail: str) -> NoReturn:
    raise Trouble(type(value).__name__, detail)


def wrong(value: object, expected: str) -> NoReturn:
    refuse(value, f"expected {expected}, got {described(value)}")


def unread(tree: Tree, expected: str) -> NoReturn:
    raise Trouble(expected, f"recorded is {described(tree)}")


def each_item(function: Callable[[Any], Any], values: Iterable[Any]) -> list[Any]:
    out: list[Any] = []
    try:
        for value in values:
            out.append(function(value))  # noqa: PERF401 - its length is the index of the one that fails
    except Trouble as trouble:
        trouble.under(f"[{len(out)}]")
        raise
    return out


def each_of_set(function: Callable[[Any], Any], values: Iterable[Any]) -> list[Any]:
    try:
        return [function(value) for value in values]
    except Trouble as trouble:
        trouble.under("{…}")
        raise


def each_value(function: Callable[[Any], Any], mapping: Mapping[str, Any]) -> dict[str, Any]:
    out = {}
    key = ""
    try:
        for key, value in mapping.items():
            out[key] = function(value)
    except Trouble as trouble:
        trouble.under(step_to(key))
        raise
    return out


def each_pair(
    of_key: Callable[[Any], Any], of_value: Callable[[Any], Any], pairs: Iterable[tuple[Any, Any]]
) -> Iterator[tuple[Any, Any]]:
    for key, value in pairs:
        try:
            yield of_key(key), of_value(value)
        except Trouble as trouble:
            trouble.under(step_to(key))
            raise


def ordered(trees: list[Tree]) -> list[Tree]:
    """Trees in an order that depends on nothing but themselves."""
    return sorted(trees, key=lambda tree: orjson.dumps(tree, option=orjson.OPT_SORT_KEYS))


def tag_of(tree: Tree) -> str | None:
    """The tag of a tree that describes itself, e.g. `$decimal`; None for all others."""
    if type(tree) is dict and len(tree) == 1:
        key: str = next(iter(tree))
        if key[:1] == "$":
            return key
    return None


def advice(value: object) -> str:
    if isinstance(value, (abc.Coroutine, abc.Generator, abc.AsyncGenerator)):
        return "it is alive; await or collect it, and hand over what it gives"
    if isinstance(value, type) or callable(value):
        return "code is no value; hand over its name"
    for kind in (dict, list, tuple, set, str, bytes, int, float, datetime):
        if isinstance(value, kind):
            return f"only a {kind.__name__} itself comes back as it was; convert it: {kind.__name__}(...)"
    return "it is no value that comes back as it was; hand over plain values, an attrs class or a dataclass"


def at_step(step: str, function: Callable[[Any], Any], value: Any) -> Any:
    try:
        return function(value)
    except Trouble as trouble:
        trouble.under(step)
        raise
