"""
Assignment queues as values: who is in them and how one is picked. What is known of the members stands in `roster.py`.

A queue has no state. Where its pointer stands, and what else it must remember, is a `QueueState` (`queue_state.py`),
which lives in the store and moves in the same commit as the change that it belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, Literal, TypeAlias, get_args

from attrs import Attribute, evolve, field, frozen

from bizproc.core.errors import WrongValue
from bizproc.model.assignments import Pick
from bizproc.model.users import User, Users, parse_users
from bizproc.rules.calendars import Calendar

Nobody: TypeAlias = Literal["keep", "hold", "error"]
"""What happens when nobody can take it: all stays as it is, it is held until somebody can, or it is an error."""

Load: TypeAlias = Literal["open_items", "open_activities"]
"""What counts: items of the same kind in no final stage; activities that are not completed."""

Measure: TypeAlias = Literal["number", "percent"]

PICKS: Final[tuple[Pick, ...]] = get_args(Pick)
LONGEST_NAME: Final = 1_000
NOBODY: Final[tuple[Nobody, ...]] = get_args(Nobody)


def wrong(parameter: str, expected: str, got: object) -> WrongValue:
    """The error for a parameter of a queue."""
    return WrongValue(action="UserQueue", parameter=parameter, expected=expected, got=f"{got!r:.200}")


def _word(*allowed: object) -> Any:
    def validate(_queue: object, attribute: Attribute[Any], value: object) -> None:
        if value not in allowed:
            raise wrong(attribute.name, f"one of {', '.join(str(each) for each in allowed if each)}", value)

    return validate


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _numbers(_queue: object, attribute: Attribute[Any], value: object) -> None:
    """A whole number, or one for each of some users."""
    several = list(value.items()) if isinstance(value, Mapping) else []
    fits = value is None or _whole(value) or isinstance(value, Mapping)
    if not fits or not all(_whole(user) and _whole(number) for user, number in several):
        raise wrong(attribute.name, "whole numbers of 0 or more, by the user's id", value)


def _a_number(_queue: object, attribute: Attribute[Any], value: object) -> None:
    if not (isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31):
        raise wrong(attribute.name, "a whole number of at most 32 bits", value)


def _a_name(_queue: object, attribute: Attribute[Any], value: object) -> None:
    if value is not None:
        check_queue_name(value, attribute.name)


def check_queue_name(value: object, parameter: str = "name") -> None:
    """Raises WrongValue for what no queue may be called."""
    if not (isinstance(value, str) and value.isprintable() and len(value) <= LONGEST_NAME):
        raise wrong(parameter, f"a text of at most {LONGEST_NAME:,} characters that can be printed", value)


def _a_user(_queue: object, _attribute: object, value: object) -> None:
    if value not in NOBODY and _user_of(value) is None:
        raise wrong("nobody", f"one of {', '.join(NOBODY)}, or a user", value)


def _user_of(value: object) -> int | None:
    """The one user that a value names."""
    with suppress(ValueError):
        value = parse_users(value) if isinstance(value, str) else value
    value = value.id if isinstance(value, User) else value
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _catching_up(queue: Any, _attribute: object, value: bool) -> None:  # noqa: FBT001 - attrs calls it
    if value and queue.pick != "in_order":
        raise wrong("catch_up", "False unless pick is 'in_order'", value)


@frozen
class UserQueue:
    """
    Those of whom one becomes responsible, and how that one is found.

    Attributes:
        members: Users, departments, groups; in the order of the queue, each counts once.
        pick: How one is picked of those who can take it; where left out, as the action says.
        skip_absent: Whether the absent are passed over; where left out, as the action says.
        hours: Whether those are passed over who are outside their working hours; a calendar is everybody's hours.
        capacity: How much one can have at most; by the user's id, where it is not the same for all.
        load: What counts for capacity and `least_loaded`.
        measure: Least loaded by `number`, or in `percent` of the capacity.
        weights: Of how many picks each gets under `weighted`, by the user's id; 1 where left out. 0 is never picked.
        sticky: Whether the one who is responsible stays so, if they can take it.
        nobody: What happens when nobody can take it: `keep`, `hold`, `error`, or the one user who gets it then.
        priority: The order in which held items leave: 0 before 1.
        partition: A field of the item: items with different values of it are shared out by themselves.
        catch_up: Whether turns that the absent missed are made up for when they are back. Only for `in_order`.
        name: Two queues of one name share their state. Left out, it is the process's name and the item's kind.
    """

    members: Users
    pick: Pick | None = field(default=None, kw_only=True, validator=_word(None, *PICKS))
    skip_absent: bool | None = field(default=None, kw_only=True)
    hours: bool | Calendar = field(default=False, kw_only=True)
    capacity: int | Mapping[int, int] | None = field(default=None, kw_only=True, validator=_numbers)
    load: Load = field(default="open_items", kw_only=True, validator=_word(*get_args(Load)))
    measure: Measure = field(default="number", kw_only=True, validator=_word(*get_args(Measure)))
    weights: Mapping[int, int] = field(factory=dict, kw_only=True, validator=_numbers)
    sticky: bool = field(default=False, kw_only=True)
    nobody: str | User | int = field(default="keep", kw_only=True, validator=_a_user)
    priority: int = field(default=0, kw_only=True, validator=_a_number)
    partition: str | None = field(default=None, kw_only=True)
    catch_up: bool = field(default=False, kw_only=True, validator=_catching_up)
    name: str | None = field(default=None, kw_only=True, validator=_a_name)

    def policy(self, *, pick: Pick, skip_absent: bool) -> Policy:
        """The rules by which one is picked; what the queue leaves open is as given."""
        return Policy(
            pick=self.pick or pick,
            skip_absent=skip_absent if self.skip_absent is None else self.skip_absent,
            measure=self.measure,
            sticky=self.sticky,
            nobody=self.nobody if self.nobody in NOBODY else "fallback",
            catch_up=self.catch_up,
        )

    def filled_in(
        self,
        *,
        pick: Pick | None = None,
        skip_absent: bool | None = None,
        hours: bool | Calendar = False,
        capacity: int | Mapping[int, int] | None = None,
        nobody: str | User | int = "keep",
    ) -> UserQueue:
        """The queue of which that is as given which it leaves open itself: what it says wins."""
        return evolve(
            self,
            pick=self.pick or pick,
            skip_absent=skip_absent if self.skip_absent is None else self.skip_absent,
            hours=self.hours or hours,
            capacity=capacity if self.capacity is None else self.capacity,
            nobody=nobody if self.nobody == "keep" else self.nobody,
        )

    @property
    def fallback(self) -> int | None:
        """Who gets it when nobody can take it."""
        return _user_of(self.nobody)

    def capacity_of(self, user: int) -> int | None:
        """How much a user can have; None: any number."""
        return self.capacity.get(user) if isinstance(self.capacity, Mapping) else self.capacity

    def weight_of(self, user: int) -> int:
        """A user's weight."""
        return self.weights.get(user, 1)


@frozen(kw_only=True)
class Policy:
    """What a pick depends on, beside those among whom it is made."""

    pick: Pick = "random"
    skip_absent: bool = False
    measure: Measure = "number"
    sticky: bool = False
    nobody: Nobody | Literal["fallback"] = "keep"
    catch_up: bool = False
