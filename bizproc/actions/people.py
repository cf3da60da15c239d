"""Who is meant by a parameter that names users (`actions.md`, 0.2)."""

from __future__ import annotations

from random import Random
from typing import Any

from attrs import Attribute

from bizproc.core.errors import WrongArgument
from bizproc.model.users import Users, parse_users
from bizproc.ports.crm import Crm


def names_users(action: Any, attribute: Attribute[Any], value: object) -> None:
    """A validator: a text that names users is written as it must be. Whether there are such is seen later."""
    several = value if isinstance(value, (list, tuple)) else (value,)
    for each in several:
        if isinstance(each, str):
            try:
                parse_users(each)
            except ValueError as error:
                raise WrongArgument(
                    process=action.name, parameter=attribute.name, expected=f"users, as {error}", got=repr(each)
                ) from None


async def first_of(port: Crm, users: Users | None) -> int | None:
    """The first user a parameter names; None if it names nobody. Raises as `Crm.users`."""
    named = await port.users(users)
    return named[0] if named else None


async def any_of(port: Crm, users: Users | None) -> int | None:
    """
    One of the users that a parameter names, at random; None if it names nobody. Raises as `Crm.users`.

    The step's key decides: an attempt that comes after a crash picks the same one.
    """
    named = await port.users(users)
    return Random(port.performing.key).choice(named) if named else None  # noqa: S311  nothing secret hangs on it
