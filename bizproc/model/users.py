"""Users of the CRM: those who are responsible, observe and write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, TypeAlias, TypedDict

from attrs import field, frozen

from bizproc.model.organisation import Department, Group
from bizproc.model.people import full_name
from bizproc.model.references import DERIVED, DepartmentId, UserId
from bizproc.model.showing import as_code


@frozen
class User:
    """
    A user. `User(3)` alone names one in a parameter.

    Attributes:
        post: What they are in the company.
        active: Whether they still work here.
        time_zone: A name as in the IANA database.
        manager_id: Their supervisor.
        department_ids: The departments they work in.
    """

    item_type: ClassVar[str] = "user"
    __repr__ = as_code

    id: Annotated[int, DERIVED]
    name: str = field(default="", kw_only=True)
    second_name: str = field(default="", kw_only=True)
    last_name: str = field(default="", kw_only=True)
    email: str = field(default="", kw_only=True)
    mobile_phone: str = field(default="", kw_only=True)
    work_phone: str = field(default="", kw_only=True)
    post: str = field(default="", kw_only=True)
    active: bool = field(default=True, kw_only=True)
    time_zone: str | None = field(default=None, kw_only=True)
    manager_id: UserId | None = field(default=None, kw_only=True)
    department_ids: tuple[DepartmentId, ...] = field(default=(), kw_only=True)

    @property
    def title(self) -> str:
        """The name, as lists show it."""
        return full_name(self.name, self.second_name, self.last_name)


class UserFields(TypedDict, total=False):
    """What may be written of a user."""

    name: str
    second_name: str
    last_name: str
    email: str
    mobile_phone: str
    work_phone: str
    post: str
    active: bool
    time_zone: str | None
    manager_id: UserId | None
    department_ids: Sequence[DepartmentId]


@frozen
class Supervisor:
    """Whoever leads these users, in their order: see `supervisor`."""

    of: Users | None


def supervisor(*, of: Users | None) -> Supervisor:
    """
    Names the supervisors of users, in a parameter that names users.

    It is the user's `manager_id`, or else whoever heads their department, or one above it; nobody is their own.
    """
    return Supervisor(of)


Someone: TypeAlias = int | str | User | Department | Group | Supervisor
"""One expression that names users; a text is one as on the command line, see `parse_users`."""

Users: TypeAlias = Someone | Sequence[Someone | None]
"""
Users in a parameter: an expression or a list of these, of which None names nobody. Where one is wanted, the first.
"""


def parse_users(text: str) -> User | Department | Group:
    """
    What a text names: `user:3`, `department:sales`, `department:sales/deep`, `group:admins`.

    Raises:
        ValueError: it is not written like that.
    """
    kind, _, name = text.partition(":")
    code, slash, deep = name.partition("/")
    if kind == "user" and name.isascii() and name.isdigit() and len(name) < 20:
        return User(int(name))
    if kind == "department" and code and (not slash or deep == "deep"):
        return Department(code, deep=bool(slash))
    if kind == "group" and name:
        return Group(name)
    raise ValueError("user:3, department:sales, department:sales/deep or group:admins")
