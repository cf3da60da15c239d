"""How items of a kind are found: `crm.deal.find(F.amount >= 100)`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar, overload

from bizproc.actions.documented import documented_by
from bizproc.actions.finding import Find, FindFirst
from bizproc.core.action import Target
from bizproc.crm.noun import Noun
from bizproc.rules.filters import Filter

I = TypeVar("I")  # noqa: E741 - the item


class Finding(Noun, Generic[I]):
    """Items of a kind can be looked for."""

    kind: ClassVar[str]

    def _any(self) -> Target:
        """Which kind."""
        return Target(self.kind)

    @overload
    def find_first(self, where: Filter | None, *, select: None = None) -> FindFirst[I | None]: ...

    @overload
    def find_first(self, where: Filter | None, *, select: Sequence[str]) -> FindFirst[Mapping[str, Any] | None]: ...

    @documented_by(FindFirst)
    def find_first(self, where: Filter | None, *, select: Sequence[str] | None = None) -> FindFirst[Any]:
        return FindFirst(self._any(), where, select=select)

    @overload
    def find(
        self, where: Filter | None, *, select: None = None, order_by: str = "id", limit: int | None = None
    ) -> Find[tuple[I, ...]]: ...

    @overload
    def find(
        self, where: Filter | None, *, select: Sequence[str], order_by: str = "id", limit: int | None = None
    ) -> Find[tuple[Mapping[str, Any], ...]]: ...

    @documented_by(Find)
    def find(
        self,
        where: Filter | None,
        *,
        select: Sequence[str] | None = None,
        order_by: str = "id",
        limit: int | None = None,
    ) -> Find[Any]:
        return Find(self._any(), where, select=select, order_by=order_by, limit=limit)
