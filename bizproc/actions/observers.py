"""Actions on who follows an item."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Final

from bizproc.core.action import ItemAction, Target, action_type, one_of, option
from bizproc.model.users import Users
from bizproc.ports.crm import Crm

WAYS: Final = ("add", "replace", "remove")


@action_type("crm.change_observers")
class ChangeObservers(ItemAction[tuple[int, ...]]):
    """
    Change who follows the item; gives all of them as they are then, in order.

    Those who come to follow it are told. Heading 10.

    Args:
        users: Who; none at all changes nothing, but for `replace`, which then leaves nobody.
        how: `add` those who are not there yet, `replace` all by them, or `remove` those who are.

    Raises:
        UnknownUser: no such user.
        ItemNotFound: no such item.
        WrongFieldValue: items of this smart type cannot be followed.
        WrongValue: another way than these.
    """

    target: Target
    users: Users
    _: KW_ONLY
    how: str = option(default="add", validator=one_of(*WAYS))

    async def perform(self, port: Crm) -> tuple[int, ...]:
        ref = await port.resolve(self.target.kind, self.target.id)
        named = await port.users(self.users)
        item = await port.read(ref)
        before: tuple[int, ...] = item.observer_ids
        changed = await port.update(ref, {"observer_ids": self._after(before, named)})
        after: tuple[int, ...] = changed.observer_ids
        for user in after:
            if user not in before:
                await port.notify(ref, user, f"You follow {getattr(item, 'title', '') or ref}")
        return after

    def _after(self, before: tuple[int, ...], named: tuple[int, ...]) -> tuple[int, ...]:
        match self.how:
            case "add":
                return (*before, *(user for user in named if user not in before))
            case "remove":
                return tuple(user for user in before if user not in named)
            case _:
                return named
