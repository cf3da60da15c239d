"""Who is meant by a parameter that names users (`actions.md`, 0.2)."""

from __future__ import annotations

from bizproc.model.users import Users
from bizproc.ports.crm import Crm


async def first_of(port: Crm, users: Users | None) -> int | None:
    """The first user a parameter names; None if it names nobody. Raises as `Crm.users`."""
    named = await port.users(users)
    return named[0] if named else None
