"""Users of the CRM: those who are responsible, observe and write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, TypeAlias, TypedDict

from attrs import field, frozen

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


Users: TypeAlias = int | User | Sequence[int | User]
"""Users in a parameter: an id, a `User`, or a list of these; where one is wanted, the first of them."""
