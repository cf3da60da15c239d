"""
What a trigger asks of an item besides the event: conditions, and how they are looked at. The filters of `F` are such.

The setting (the moment, the zone, how linked items are found) is made by whoever has a CRM; it is only handed on here.
"""

from __future__ import annotations

from typing import Any, Protocol


class Condition(Protocol):
    """
    Something that holds for an item, or does not.

    Contract: a frozen value that the codec can write, for waits are journalled with their trigger. Pure: the same item
    and setting give the same answer.
    """

    def holds(self, item: Any, setting: Any, /) -> bool:
        """Whether it holds; raises a BizprocError if it cannot be asked of such an item."""


class Seen(Protocol):
    """The item of one event, as it was before the event and after it."""

    def holds(self, condition: Condition) -> bool:
        """Whether a condition holds after the event; for an item that is deleted by it, just before."""

    def held(self, condition: Condition) -> bool:
        """Whether it held before the event; never for an item that was not there."""
