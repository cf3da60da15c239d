"""Conditions for triggers, as filters are: values that say whether they hold for an item."""

from __future__ import annotations

from typing import Any

from attrs import frozen


@frozen
class AtLeast:
    """A field of an item is at least so much."""

    field: str
    amount: int

    def holds(self, item: Any, setting: Any) -> bool:
        assert setting.now.tzinfo is not None
        return bool(getattr(item, self.field) >= self.amount)


@frozen
class Is:
    """A field of an item has this value."""

    field: str
    value: str

    def holds(self, item: Any, setting: Any) -> bool:
        return bool(getattr(item, self.field) == self.value)
