"""Who is meant by a parameter that names users (`actions.md`, 0.2): expressions to ids, in order, each once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bizproc.adapters.sql_crm.reading import Runs, exists
from bizproc.adapters.sql_crm.shapes import SHAPES
from bizproc.core.errors import UnknownDepartment, UnknownGroup, UnknownUser
from bizproc.model.organisation import Department, Group
from bizproc.model.users import Someone, Supervisor, User, Users, parse_users
from bizproc.store.types import json_value

_MEMBERS: Final = (
    "SELECT id FROM link JOIN user ON user.id = link.item "
    "WHERE to_kind = 'department' AND to_id = ? AND link.kind = 'user' AND user.active = 1 ORDER BY id"
)
_GROUP: Final = (
    "SELECT user.id FROM user_group, json_each(user_group.member_ids) AS member JOIN user ON user.id = member.value "
    "WHERE user_group.id = ? AND user.active = 1 ORDER BY user.id"
)
_BELOW: Final = "SELECT id FROM department WHERE parent_id = ? ORDER BY id"
_LED_BY: Final = "SELECT manager_id, department_ids FROM user WHERE id = ?"
_HEAD: Final = "SELECT head_id, parent_id FROM department WHERE id = ?"


def check_user(connection: Runs, user: int | None) -> None:
    """Raises UnknownUser where somebody is named who is not there."""
    if user is not None and not exists(connection, SHAPES["user"], user):
        raise UnknownUser(user=user)


def named(connection: Runs, users: Users | None) -> tuple[int, ...]:
    """
    The ids that a parameter names, from left to right, each once.

    Of departments and groups only those who are still active; who is named alone may no longer be.

    Raises:
        UnknownUser, UnknownDepartment, UnknownGroup: there is no such.
    """
    if users is None:
        return ()
    several = (users,) if isinstance(users, Someone) else users
    return tuple(dict.fromkeys(id_ for each in several if each is not None for id_ in _expand(connection, each)))


def _expand(connection: Runs, someone: Someone) -> Iterator[int]:
    match _parsed(someone) if isinstance(someone, str) else someone:
        case Department() as department:
            yield from _of_department(connection, _department(connection, department), deep=department.deep)
        case Group() as group:
            yield from _ids(connection, _GROUP, _group(connection, group))
        case Supervisor(of=led):
            yield from (over for id_ in named(connection, led) if (over := _over(connection, id_)) is not None)
        case User(id=id_) | int(id_):
            check_user(connection, id_)
            yield id_


def _parsed(text: str) -> Someone:
    try:
        return parse_users(text)
    except ValueError as error:
        raise UnknownUser(user=f"{text} (written as {error})") from None


# -- departments and groups --------------------------------------------------------------------------------------------


def _called(connection: Runs, table: str, noun: Department | Group) -> int | None:
    """The id of the one that is meant: one that was read knows its own, else it is named by its code."""
    by, value = ("id", noun.id) if noun.id else ("code", noun.code)
    row = connection.execute(f"SELECT id FROM {table} WHERE {by} = ?", (value,)).fetchone()  # noqa: S608 - names of ours
    return None if row is None else row[0]


def _department(connection: Runs, department: Department) -> int:
    found = _called(connection, "department", department)
    if found is None:
        raise UnknownDepartment(
            department=department.code or str(department.id), known=_codes(connection, "department")
        )
    return found


def _group(connection: Runs, group: Group) -> int:
    found = _called(connection, "user_group", group)
    if found is None:
        raise UnknownGroup(group=group.code or str(group.id), known=_codes(connection, "user_group"))
    return found


def _codes(connection: Runs, table: str) -> str:
    codes = ", ".join(code for (code,) in connection.execute(f"SELECT code FROM {table} ORDER BY code"))  # noqa: S608
    return codes or "none"


def _of_department(connection: Runs, department: int, *, deep: bool) -> Iterator[int]:
    """Its members by id; then, department by department, those of the ones below it."""
    stack = [department]
    while stack:
        current = stack.pop()
        yield from _ids(connection, _MEMBERS, current)
        if deep:
            stack += reversed(_ids(connection, _BELOW, current))


def _ids(connection: Runs, text: str, id_: int) -> list[int]:
    return [each for (each,) in connection.execute(text, (id_,)).fetchall()]


# -- supervisors -------------------------------------------------------------------------------------------------------


def _over(connection: Runs, user: int) -> int | None:
    """Whoever leads a user: their manager, or the head of a department of theirs, or of one above it; never they."""
    manager, departments = connection.execute(_LED_BY, (user,)).fetchone()
    if manager is not None and manager != user:
        led_by: int = manager
        return led_by
    heads = (head for department in json_value(departments) for head in _heads(connection, department))
    return next((head for head in heads if head != user), None)


def _heads(connection: Runs, department: int | None) -> Iterator[int]:
    """Who heads a department, and those above it."""
    while department is not None:
        head, department = connection.execute(_HEAD, (department,)).fetchone() or (None, None)
        if head is not None:
            yield head
