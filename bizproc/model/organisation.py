"""Who works when and with whom: departments, groups, absences, working hours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, ClassVar, Final, TypedDict

from attrs import field, frozen

from bizproc.model.references import BEGINNING, DERIVED, NOT_STORED, DepartmentId, UserId

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_DAY: Final = 24 * 60


def parse_hours(text: str) -> tuple[tuple[int, int], ...]:
    """
    The spans of a day, in minutes from its midnight: `09:00-12:30,22:00-06:00` gives (540, 750), (1320, 1800).

    Raises:
        ValueError: it is not written like that, or the spans overlap; says what was expected.
    """
    spans: list[tuple[int, int]] = []
    for part in text.replace(" ", "").split(",") if text.strip() else ():
        match = _SPAN.fullmatch(part)
        if match is None:
            raise ValueError("hours like 09:00-12:30,13:30-18:00")
        begin, end = (int(match[i]) * 60 + int(match[i + 1]) for i in (1, 3))
        if end > _DAY or begin == end:
            raise ValueError("hours like 09:00-12:30, the end (24:00 at most) not at the begin")
        if spans and begin < spans[-1][1]:
            raise ValueError("hours in order, each span after the one before it")
        spans.append((begin, end if end > begin else end + _DAY))
    return tuple(spans)


@frozen
class Department:
    """
    A department. `Department("sales")` alone names its members in a parameter, with `deep` those below it too.

    Attributes:
        code: What it is called in code.
        parent_id: The department above it.
        head_id: Who leads it.
    """

    item_type: ClassVar[str] = "department"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("code",),)

    code: str = ""
    deep: Annotated[bool, NOT_STORED] = field(default=False, kw_only=True)
    id: Annotated[int, DERIVED] = field(default=0, kw_only=True)
    name: str = field(default="", kw_only=True)
    parent_id: DepartmentId | None = field(default=None, kw_only=True)
    head_id: UserId | None = field(default=None, kw_only=True)


class DepartmentFields(TypedDict, total=False):
    """What may be written of a department."""

    code: str
    name: str
    parent_id: DepartmentId | None
    head_id: UserId | None


@frozen
class Group:
    """
    A group of users. `Group("admins")` alone names its members in a parameter, in the order of their ids.

    Attributes:
        code: What it is called in code.
        member_ids: Who belongs to it.
    """

    item_type: ClassVar[str] = "group"
    deletable: ClassVar[bool] = True
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("code",),)

    code: str = ""
    id: Annotated[int, DERIVED] = field(default=0, kw_only=True)
    name: str = field(default="", kw_only=True)
    member_ids: tuple[UserId, ...] = field(default=(), kw_only=True)


class GroupFields(TypedDict, total=False):
    """What may be written of a group."""

    code: str
    name: str
    member_ids: Sequence[UserId]


@frozen(kw_only=True)
class Absence:
    """
    A time in which a user is away, from `start` (included) until `end` (not included).

    Attributes:
        reason: `vacation`, `sick`, `leave`…
        all_day: It covers whole days of the user's time zone: those that `start` and `end` fall on begin it and end it.
    """

    item_type: ClassVar[str] = "absence"
    deletable: ClassVar[bool] = True

    id: Annotated[int, DERIVED]
    user_id: UserId = 0
    reason: str = "vacation"
    start: datetime = BEGINNING
    end: datetime = BEGINNING
    all_day: bool = False


class AbsenceFields(TypedDict, total=False):
    """What may be written of an absence."""

    user_id: UserId
    reason: str
    start: datetime
    end: datetime
    all_day: bool


@frozen(kw_only=True)
class WorkingHours:
    """
    When a user works; without a user, when the company does.

    Attributes:
        user_id: Whose hours they are; None: everybody's who has none of their own. One record each.
        monday: And the other weekdays: hours as `09:00-12:30,13:30-18:00`; an empty text is a day off. `22:00-06:00`
            ends on the next day.
        holidays: Days off, whatever the weekday.
        time_zone: A name as in the IANA database; None: the user's own, or the portal's.
    """

    item_type: ClassVar[str] = "working_hours"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("user_id",),)
    deletable: ClassVar[bool] = True

    id: Annotated[int, DERIVED]
    user_id: UserId | None = None
    monday: str = "09:00-18:00"
    tuesday: str = "09:00-18:00"
    wednesday: str = "09:00-18:00"
    thursday: str = "09:00-18:00"
    friday: str = "09:00-18:00"
    saturday: str = ""
    sunday: str = ""
    holidays: tuple[date, ...] = ()
    time_zone: str | None = None

    @property
    def week(self) -> tuple[str, ...]:
        """The hours of each weekday, from Monday."""
        return (
            *(self.monday, self.tuesday, self.wednesday, self.thursday, self.friday),
            *(self.saturday, self.sunday),
        )


class WorkingHoursFields(TypedDict, total=False):
    """What may be written of working hours."""

    user_id: UserId | None
    monday: str
    tuesday: str
    wednesday: str
    thursday: str
    friday: str
    saturday: str
    sunday: str
    holidays: Sequence[date]
    time_zone: str | None
