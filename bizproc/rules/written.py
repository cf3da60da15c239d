"""
Users, queues, filters and calendars as they are written in a settings file. Whether there are such users is not known.

    queue = ["user:3", "department:sales/deep"]              a UserQueue of these, in this order
    queue = {members = ["group:eu"], pick = "random"}        with its attributes
    only = "amount >= 100"                                   a filter
    hours = "mon-fri 09:00-17:00"                            a Calendar; as a table with zone and holidays
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from bizproc.core.checks import members_of, stripped
from bizproc.core.errors import BizprocError
from bizproc.model.organisation import Department, Group
from bizproc.model.users import User, Users, parse_users
from bizproc.rules.calendars import Calendar
from bizproc.rules.filters import Filter, parse
from bizproc.rules.queues import UserQueue


def read_written(annotation: Any, given: object) -> object:
    """
    A value of one of these types from a text, a list or a table; what is none of them, or is read already, as it is.

    Raises:
        ValueError: it cannot be read; says how it is written.
    """
    if names_users(annotation):
        return given if isinstance(given, str) and not given.strip() else _users(given)
    readers = [_READERS[each] for member in members_of(annotation) if (each := stripped(member)) in _READERS]
    if not readers or not isinstance(given, (str, list, tuple, dict, int)) or isinstance(given, bool):
        return given
    try:
        return readers[0](given)
    except (BizprocError, TypeError) as error:
        raise ValueError(str(error)) from None


def names_users(annotation: Any) -> bool:
    """Whether a type is `Users`, or that and more, such as None."""
    return _USERS_MEMBERS.issubset(str(member) for member in members_of(annotation))


def is_written(annotation: Any) -> bool:
    """Whether values of a type are read here."""
    return names_users(annotation) or any(stripped(member) in _READERS for member in members_of(annotation))


def schema_of_written(annotation: Any) -> dict[str, Any]:
    """JSON schema of what is read here."""
    if names_users(annotation):
        return _SOME_USERS
    return next((_SCHEMAS[each] for member in members_of(annotation) if (each := stripped(member)) in _SCHEMAS), {})


def _users(given: object) -> Any:
    if isinstance(given, str):
        return parse_users(given)
    if isinstance(given, (list, tuple)):
        return tuple(parse_users(each) if isinstance(each, str) else each for each in given)
    return given


def _queue(given: Any) -> UserQueue:
    if not isinstance(given, Mapping):
        return UserQueue(_users(given))
    if "members" not in given:
        raise ValueError('a table with members, as {members = ["user:3"], pick = "random"}')
    rest = {name: _queue_part(name, value) for name, value in given.items() if name != "members"}
    return UserQueue(_users(given["members"]), **rest)


def _queue_part(name: str, value: Any) -> Any:
    if name in ("capacity", "weights") and isinstance(value, Mapping):
        return {_id(user): number for user, number in value.items()}
    if name == "hours" and not isinstance(value, bool):
        return _calendar(value)
    return value


def _id(user: Any) -> Any:
    """Keys of TOML are texts: `3` and `user:3` are the user 3."""
    text = str(user).removeprefix("user:")
    if not (text.isascii() and text.isdigit()):
        raise ValueError("the ids of users before the numbers, as {3 = 5}")
    return int(text)


def _calendar(given: Any) -> Calendar:
    return Calendar(**given) if isinstance(given, Mapping) else Calendar(hours=given)


def _filter(given: Any) -> Filter:
    if not isinstance(given, str):
        raise ValueError('a filter, as "amount >= 100 and stage in (NEW, WON)"')
    return parse(given)


def _one(wanted: type[User | Department | Group], how: str) -> Callable[[Any], Any]:
    def read_it(given: Any) -> Any:
        found = parse_users(given) if isinstance(given, str) else given
        if wanted is User and isinstance(found, int):
            return User(found)
        if not isinstance(found, wanted):
            raise ValueError(how)
        return found

    return read_it


_READERS: Final[Mapping[Any, Callable[[Any], Any]]] = {
    UserQueue: _queue,
    Filter: _filter,
    Calendar: _calendar,
    User: _one(User, "user:3"),
    Department: _one(Department, "department:sales"),
    Group: _one(Group, "group:admins"),
}

_USERS_MEMBERS: Final = frozenset(str(member) for member in members_of(Users))
_USER: Final = {"anyOf": [{"type": "string", "pattern": "^(user|department|group):"}, {"type": "integer"}]}
_SOME_USERS: Final[dict[str, Any]] = {"anyOf": [*_USER["anyOf"], {"type": "array", "items": _USER}]}
_SCHEMAS: Final[Mapping[Any, dict[str, Any]]] = {
    UserQueue: {
        "anyOf": [
            *_SOME_USERS["anyOf"],
            {"type": "object", "properties": {"members": _SOME_USERS}, "required": ["members"]},
        ]
    },
    Filter: {"type": "string", "examples": ["amount >= 100 and stage in (NEW, WON)"]},
    Calendar: {"type": ["string", "object"], "examples": ["mon-fri 09:00-17:00"]},
    User: {"anyOf": [{"type": "string", "pattern": "^user:[0-9]+$"}, {"type": "integer"}]},
    Department: {"type": "string", "pattern": "^department:"},
    Group: {"type": "string", "pattern": "^group:"},
}
