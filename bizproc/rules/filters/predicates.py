"""
The predicates: frozen values that say of an item whether it fits.

    Condition    a field and an operator: `F.amount >= 100`
    Members      of the items that one lists or owns: `F.contacts.any(…)`, `F.products.every(…)`
    AllOf        `p & q`; of nothing it is true
    AnyOf        `p | q`; of nothing it is false
    Not          `~p`, and every operator that says "not"

A filter is written without knowing its item; `check` compares it with the fields of a kind. `holds` relies on that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn

from attrs import field, frozen

from bizproc.core.errors import CurrencyMismatch, NoTruthValue, WrongFilter
from bizproc.model.fields import Field, shown
from bizproc.model.money import Money
from bizproc.model.references import ref_of
from bizproc.rules.filters.literals import literal, literals, told_apart
from bizproc.rules.filters.operators import NOTHING, OPERATORS, Setting, actual, in_currency
from bizproc.rules.filters.relations import hop

if TYPE_CHECKING:
    from bizproc.rules.filters.checking import Customs
    from bizproc.rules.filters.explaining import Explanation

DEEPEST: Final = 100
"""How deep filters may be nested. Any number may stand side by side."""

RELATION: Final = 25
"""How much a relation counts: each multiplies the items that are looked at, so four may be nested."""

FARTHEST: Final = 10
"""How many steps a path may have."""

Path = tuple[str, ...]


@frozen(repr=False)
class Filter:
    """What holds of an item, or does not. Filters combine with `&`, `|` and `~`, and have no truth value."""

    @property
    def depth(self) -> int:
        """How deep it is nested."""
        return 0

    def holds(self, item: Any, setting: Setting) -> bool:
        """
        Whether the item fits. The filter must have been checked against its kind.

        Raises:
            CurrencyMismatch: it depends on the comparison of amounts in two currencies.
        """
        raise NotImplementedError

    def check(
        self,
        kind: str,
        fields: Mapping[str, Field],
        custom: Mapping[str, Field] | None = None,
        customs: Customs | None = None,
    ) -> Filter:
        """
        The filter as it is of one kind of item: its values in the forms of the fields.

        Args:
            kind: Of item.
            fields: The kind's own.
            custom: Its custom fields, by code. Where neither these nor `customs` are given they are not known yet, and
                are to be checked later.
            customs: Gives the custom fields of any kind, if the filter names one.

        Raises:
            UnknownField: no such field.
            WrongFieldValue: a value that the field cannot hold.
            WrongFilter: an operator that says nothing about such a field.
        """
        from bizproc.rules.filters.checking import checked

        return checked(self, kind, fields, custom, customs)

    def explain(self, item: Any, setting: Setting) -> Explanation:
        """
        Why the item fits or not: the same tree, with what was found.

        Raises:
            CurrencyMismatch: a condition compares amounts in two currencies, whether or not it decides.
        """
        from bizproc.rules.filters.explaining import explain

        return explain(self, item, setting)

    def __and__(self, other: Filter) -> Filter:
        return every_of((self, other)) if isinstance(other, Filter) else NotImplemented

    def __or__(self, other: Filter) -> Filter:
        return any_of((self, other)) if isinstance(other, Filter) else NotImplemented

    def __invert__(self) -> Filter:
        return Not(self)

    def __bool__(self) -> NoReturn:
        raise NoTruthValue(filter=str(self))

    def __str__(self) -> str:
        from bizproc.rules.filters.rendering import render

        return render(self)

    def __repr__(self) -> str:
        from bizproc.rules.filters.rendering import python

        return python(self)

    def __journalled__(self) -> object:
        from bizproc.rules.filters.forms import form_of

        return form_of(self)

    @classmethod
    def __restored__(cls, form: object) -> Filter:
        from bizproc.rules.filters.forms import filter_of

        return filter_of(form)


def _not_too_far(_: Any, __: Any, path: Path) -> None:
    if len(path) > FARTHEST:
        raise WrongFilter(filter=".".join(path[:3]) + "…", detail=f"the path has more than {FARTHEST} steps.")


@frozen(repr=False)
class Condition(Filter):
    """
    One field and what must hold of it.

    Attributes:
        path: From the item to the field: links, then its name; for custom fields `custom` and the code.
        operator: A key of `OPERATORS`.
        values: What it is compared with.
    """

    path: Path = field(validator=_not_too_far)
    operator: str
    values: tuple[Any, ...] = field(default=(), eq=told_apart)

    def holds(self, item: Any, setting: Setting) -> bool:
        owner = owner_of(item, self.path, setting)
        return self.holds_of(owner, value_in(owner, self.path), setting)

    def holds_of(self, owner: Any, value: Any, setting: Setting) -> bool:
        """Whether it holds of a value that was found in `owner`."""
        wanted = self.values
        currency = getattr(owner, "currency", None)
        if isinstance(value, Money) and self.operator not in NOTHING:  # a custom field's own
            value, currency = value.amount, value.currency
        if any(isinstance(each, Money) for each in wanted):
            wanted = in_currency(value, currency, wanted, f"{name_of(owner)}.{self.path[-1]}")
        return OPERATORS[self.operator].holds(value, wanted, setting)


@frozen(repr=False)
class Members(Filter):
    """
    Of the items that the item lists or owns: whether any fits, or every one (of none, every one does).

    Attributes:
        path: From the item to the relation: links, then its name.
        every: Whether all must fit.
        part: What is asked of each.
    """

    path: Path = field(validator=_not_too_far)
    every: bool
    part: Filter
    nested: int = field(init=False, eq=False)

    @nested.default
    def _nested(self) -> int:
        return deeper(self, (self.part,), RELATION)

    @property
    def depth(self) -> int:
        return self.nested

    def holds(self, item: Any, setting: Setting) -> bool:
        trouble: CurrencyMismatch | None = None
        for member in self.members(item, setting):
            try:
                if self.part.holds(member, setting) != self.every:
                    return not self.every
            except CurrencyMismatch as error:
                trouble = trouble or error
        if trouble is not None:
            raise trouble
        return self.every

    def members(self, item: Any, setting: Setting) -> Iterable[Any]:
        """The items that are asked."""
        owner = owner_of(item, self.path, setting)
        return () if owner is None else setting.linked(ref_of(owner), self.path[-1])


@frozen(repr=False)
class AllOf(Filter):
    """All of the parts hold. Made by `every_of`, which leaves no `AllOf` directly in another."""

    parts: tuple[Filter, ...]
    nested: int = field(init=False, eq=False)

    @nested.default
    def _nested(self) -> int:
        return deeper(self, self.parts)

    @property
    def depth(self) -> int:
        return self.nested

    def holds(self, item: Any, setting: Setting) -> bool:
        return _decided(self.parts, item, setting, deciding=False)


@frozen(repr=False)
class AnyOf(Filter):
    """One of the parts holds, or several. Made by `any_of`."""

    parts: tuple[Filter, ...]
    nested: int = field(init=False, eq=False)

    @nested.default
    def _nested(self) -> int:
        return deeper(self, self.parts)

    @property
    def depth(self) -> int:
        return self.nested

    def holds(self, item: Any, setting: Setting) -> bool:
        return _decided(self.parts, item, setting, deciding=True)


@frozen(repr=False)
class Not(Filter):
    """The part does not hold."""

    part: Filter
    nested: int = field(init=False, eq=False)

    @nested.default
    def _nested(self) -> int:
        return deeper(self, (self.part,))

    @property
    def depth(self) -> int:
        return self.nested

    def holds(self, item: Any, setting: Setting) -> bool:
        return not self.part.holds(item, setting)

    def __invert__(self) -> Filter:
        return self.part


def _decided(parts: Sequence[Filter], item: Any, setting: Setting, *, deciding: bool) -> bool:
    """
    Whether a part says `deciding`, and else the contrary.

    What one part decides is decided whatever the others would raise: else it would depend on their order, and on
    what a database looks at first.
    """
    trouble: CurrencyMismatch | None = None
    for part in parts:
        try:
            if part.holds(item, setting) is deciding:
                return deciding
        except CurrencyMismatch as error:
            trouble = trouble or error
    if trouble is not None:
        raise trouble
    return not deciding


# -- making them -------------------------------------------------------------------------------------------------------


def every_of(filters: Iterable[Filter]) -> Filter:
    """All of these; of none: true."""
    return _joined(AllOf, filters)


def any_of(filters: Iterable[Filter]) -> Filter:
    """Any of these; of none: false."""
    return _joined(AnyOf, filters)


def _joined(cls: type[AllOf | AnyOf], filters: Iterable[Filter]) -> Filter:
    parts: list[Filter] = []
    for each in filters:
        if not isinstance(each, Filter):
            raise WrongFilter(filter=shown(each), detail="expected a filter, such as F.amount >= 100.")
        parts += each.parts if isinstance(each, cls) else (each,)
    return parts[0] if len(parts) == 1 else cls(tuple(parts))


def condition(path: Path, operator: str, *values: Any) -> Condition:
    """A condition with so many values."""
    where = ".".join(path)
    return Condition(path, operator, tuple(literal(value, where) for value in values))


def condition_on_list(path: Path, operator: str, values: Any) -> Condition:
    """A condition with a list of values."""
    return Condition(path, operator, literals(values, ".".join(path)))


def deeper(which: Filter, parts: Iterable[Filter], own: int = 1) -> int:
    """How deep a filter is with these parts. Raises WrongFilter where that is too deep."""
    depth = own + max((part.depth for part in parts), default=0)
    if depth > DEEPEST:
        detail = (
            f"nested more than {DEEPEST} deep (relations count for {RELATION}). Put parts side by side with & or |."
        )
        raise WrongFilter(filter=type(which).__name__, detail=detail)
    return depth


# -- from an item to a value -------------------------------------------------------------------------------------------


def owner_of(item: Any, path: Path, setting: Setting) -> Any:
    """The item in which the last step of a path stands; None where a link leads nowhere."""
    for step in path[: -2 if path[-2:-1] == ("custom",) else -1]:
        if item is None:
            return None
        cls: Any = type(item)
        link = hop(cls, step)
        id_ = None if link is None else getattr(item, link.name)
        item = None if link is None or id_ is None else setting.link(str(link.refers), id_)
    return item


def value_in(owner: Any, path: Path) -> Any:
    """The value at the end of a path."""
    if owner is None:
        return None
    if path[-2:-1] == ("custom",):
        return actual(owner.custom.get(path[-1]))
    return actual(getattr(owner, path[-1]))


def name_of(owner: Any) -> str:
    """An item as errors name it."""
    return str(ref_of(owner)) if hasattr(owner, "item_type") else "the item"
