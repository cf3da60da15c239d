"""Actions that look for items. They change nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY
from typing import Any, TypeVar, cast

from bizproc.core.action import ItemAction, Target, action_type, check_fields, option
from bizproc.core.errors import WrongValue
from bizproc.model.fields import fields_of, unknown
from bizproc.model.kinds import class_of
from bizproc.ports.crm import Crm
from bizproc.rules.filters import Filter
from bizproc.rules.filters.relations import readable

T = TypeVar("T")


@action_type("crm.find_first")
class FindFirst(ItemAction[T]):
    """
    The first item that fits, which is the one with the lowest id; None if none does.

    Heading 36.

    Args:
        where: What must hold of it, such as `(F.amount >= 100) & F.company_id.is_in([5, 6])`; None for any.
        select: Only these fields, as a mapping; `custom.code` for custom ones. The whole item if left out.

    Raises:
        UnknownItem: no such smart type.
        UnknownField: such items have no such field.
        WrongFieldValue, WrongFilter: the filter says nothing about such items.
        CurrencyMismatch: it compares amounts of two currencies.
    """

    target: Target
    where: Filter | None
    _: KW_ONLY
    select: Sequence[str] | None = option(default=None)

    def __attrs_post_init__(self) -> None:
        check_fields(self)
        _check(self.target.kind, self.where, self.select)

    @property
    def result_type(self) -> Any:
        return _one_of(self.target.kind, self.select) | None

    async def perform(self, port: Crm) -> T:
        found = await port.find(self.target.kind, self.where, limit=1)
        first: Any = _shown(found[0], self.select) if found else None
        return cast("T", first)


@action_type("crm.find")
class Find(ItemAction[T]):
    """
    All items that fit, or the first of them, in order.

    Heading 36.

    Args:
        where: What must hold of them, such as `F.stage.is_in(["NEW", "WON"])`; None for any.
        select: Only these fields, as mappings; `custom.code` for custom ones. The whole items if left out.
        order_by: A field; `-field` for the largest first. What holds nothing comes last; ties go by id.
        limit: At most so many.

    Raises:
        UnknownItem: no such smart type.
        UnknownField: such items have no such field.
        WrongFieldValue, WrongFilter: the filter says nothing about such items.
        CurrencyMismatch: it compares amounts of two currencies.
        WrongValue: the limit is below 0.
    """

    target: Target
    where: Filter | None
    _: KW_ONLY
    select: Sequence[str] | None = option(default=None)
    order_by: str = option(default="id")
    limit: int | None = option(default=None)

    def __attrs_post_init__(self) -> None:
        check_fields(self)
        _check(self.target.kind, self.where, self.select)
        if self.limit is not None and self.limit < 0:
            raise WrongValue(action=self.name, parameter="limit", expected="0 or more", got=str(self.limit))

    @property
    def result_type(self) -> Any:
        return tuple[_one_of(self.target.kind, self.select), ...]  # type: ignore[misc]  # a type made at run time

    async def perform(self, port: Crm) -> T:
        found = await port.find(self.target.kind, self.where, order_by=self.order_by, limit=self.limit)
        several: Any = tuple(_shown(item, self.select) for item in found)
        return cast("T", several)


def check_where(kind: str, where: Filter | None) -> None:
    """Whether a filter says something about items of a kind, as far as that can be seen where it is typed."""
    if where is not None:
        where.check(kind, fields_of(class_of(kind)))


def _check(kind: str, where: Filter | None, select: Sequence[str] | None) -> None:
    """What can be seen where it is typed: before anything runs. Custom fields are known to the CRM alone."""
    check_where(kind, where)
    known = readable(class_of(kind))
    for name in select or ():
        if name not in known and not ("custom" in known and name.startswith("custom.")):
            raise unknown(kind, name, known)


def _one_of(kind: str, select: Sequence[str] | None) -> Any:
    return class_of(kind) if select is None else Mapping[str, Any]


def _shown(item: Any, select: Sequence[str] | None) -> Any:
    return item if select is None else {name: _value(item, name) for name in select}


def _value(item: Any, name: str) -> Any:
    custom, _, code = name.partition(".")
    return item.custom.get(code) if custom == "custom" and code else getattr(item, name)
