"""Who is meant by a parameter that names users (`actions.md`, 0.2)."""

from __future__ import annotations

from random import Random

from bizproc.model.users import Users
from bizproc.ports.crm import Crm


async def first_of(port: Crm, users: Users | None) -> int | None:
    """The first user a parameter names; None if it names nobody. Raises UnknownUser."""
    if users is None:
        return None
    named = await port.users(users)
    return named[0] if named else None


async def any_of(port: Crm, users: Users | None) -> int | None:
    """
    One of the users that a parameter names, at random; None if it names nobody. Raises UnknownUser.

    The step's key decides: an attempt that comes after a crash picks the same one.
    """
    if users is None:
        return None
    named = await port.users(users)
    return Random(port.performing.key).choice(named) if named else None  # noqa: S311  nothing secret hangs on it
