"""Which items the steps of a story name by id: code that has an id written into it finds no other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from bizproc.core.errors import UnknownItem
from bizproc.model.fields import fields_of
from bizproc.model.kinds import class_of

if TYPE_CHECKING:
    from bizproc.engines.embedded.journal import Recorded

_OF_USERS: Final = frozenset({"responsible", "modified_by", "author", "users", "employees"})
"""Parameters of actions that name users."""

_OF_PRODUCTS: Final = frozenset({"product", "products"})
_USER: Final = re.compile(r"user:(\d+)")


def referred(rows: Iterable[Recorded]) -> dict[str, set[int]]:
    """Ids by the kind of item, without those of items that the story itself made."""
    found, made = dict[str, set[int]](), set[tuple[str, int]]()
    for row in rows:
        for kind, id_ in _named(row):
            if (kind, id_) not in made:
                found.setdefault(kind, set()).add(id_)
        made.update(_made(row))
    return found


def _named(row: Recorded) -> Iterator[tuple[str, int]]:
    if row.kind != "action" or row.event == "began":
        return
    of, _, verb = (row.name or "").partition(".")
    for name, value in json.loads(row.arguments or "{}").items():
        yield from _items_in(value)
        if name == "target" and isinstance(value, int):
            yield of, value
        elif name in _OF_USERS:
            yield from (("user", id_) for id_ in _numbers(value))
        elif name in _OF_PRODUCTS:
            yield from (("product", id_) for id_ in _numbers(value))
        elif name == "fields" and verb == "update" and isinstance(value, dict):
            yield from _in_fields(of, value)
    if verb == "create":
        yield from _in_fields(of, json.loads(row.arguments or "{}"))


def _in_fields(kind: str, values: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """What the fields of an item point at."""
    try:
        fields = fields_of(class_of(kind))
    except UnknownItem:
        return
    for name, value in values.items():
        if name in fields and (refers := fields[name].refers) is not None:
            yield from ((refers, id_) for id_ in _numbers(value))


def _numbers(value: Any) -> Iterator[int]:
    """Ids, alone or several; users also as texts."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, int) and not isinstance(each, bool):
            yield each
        elif isinstance(each, str) and (named := _USER.fullmatch(each)):
            yield int(named[1])


def _items_in(value: Any) -> Iterator[tuple[str, int]]:
    """Items that were given themselves, however deep."""
    match value:
        case {"$item": [str(kind), int(id_)]}:
            yield kind, id_
        case dict():
            for each in value.values():
                yield from _items_in(each)
        case list():
            for each in value:
                yield from _items_in(each)


def _made(row: Recorded) -> Iterator[tuple[str, int]]:
    """What this step made."""
    kind, _, verb = (row.name or "").partition(".")
    outcome = json.loads(row.outcome or "null") if verb == "create" and row.event == "returned" else None
    if isinstance(outcome, dict) and isinstance(outcome.get("id"), int):
        yield kind, outcome["id"]
