"""
A filter meets a kind of item: its fields must be there, and its operators and values must fit them.

Nothing is converted behind anybody's back: a text is no number, and True is no 1. Only an int is taken for a Decimal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import time, timedelta
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from attrs import evolve, frozen

from bizproc.core.errors import WrongFieldValue, WrongFilter
from bizproc.model.fields import DAY, INTEGER, MOMENT, MONEY, NUMBER, TEXT, TRUTH, Field, Unfit, shown, unknown
from bizproc.model.money import Money
from bizproc.rules.filters import operators
from bizproc.rules.filters.operators import DAYS, MOMENTS, NOTHING, ORDER, SETS, TEXTS
from bizproc.rules.filters.predicates import AllOf, AnyOf, Condition, Filter, Members, Not, Path
from bizproc.rules.filters.relations import Relation, class_named, link_in, readable, relations_in, with_other_names

Customs: TypeAlias = Callable[[str], Mapping[str, Field]]
"""The custom fields of a kind, by code."""

_EQUALITY: Final = ("=", "in")
_SINGLE: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "text": (*_EQUALITY, *ORDER, *TEXTS),
        "integer": (*_EQUALITY, *ORDER),
        "number": (*_EQUALITY, *ORDER),
        "money": (*_EQUALITY, *ORDER),
        "time": (*_EQUALITY, *ORDER),
        "truth": _EQUALITY,
        "day": (*_EQUALITY, *ORDER, *DAYS),
        "moment": (*_EQUALITY, *ORDER, *DAYS, *MOMENTS),
    }
)
"""By type of field, the operators that say something about one value; `NOTHING` are for all."""

_TYPES: Final = {each.name: each for each in (TEXT, INTEGER, NUMBER, MONEY, TRUTH, DAY, MOMENT)}
_COMPARED_AS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{each.name: each.name for each in (TEXT, INTEGER, NUMBER, MONEY, TRUTH, DAY, MOMENT)},
        **dict.fromkeys(("choice", "url", "multi_field"), "text"),
        **dict.fromkeys(("user", "file"), "integer"),
        "money_value": "money",
        "time": "time",
    }
)
"""By type of field, as what its values are compared: custom fields can hold more than fields of the model."""

_MOST_DAYS: Final = 4_000_000  # more than there are from year 1 to year 9999


@frozen
class Scope:
    """
    What a filter may speak of: a kind of item and its fields.

    Attributes:
        custom: The custom fields, if they are at hand.
        customs: Those of any kind, asked for when a filter names one; None if they are not known yet.
    """

    kind: str
    fields: Mapping[str, Field]
    custom: Mapping[str, Field] | None
    customs: Customs | None

    @classmethod
    def of(cls, kind: str, customs: Customs | None) -> Scope:
        """That of a kind of the model."""
        noun = class_named(kind)
        fields = {} if noun is None else readable(noun)
        return cls(kind, fields, None, customs)

    def behind(self, step: str) -> Scope | None:
        """That of the kind a link leads to; None if it is no link."""
        link = link_in(self.fields, step)
        return None if link is None else Scope.of(str(link.refers), self.customs)

    def end_of(self, path: Path) -> tuple[Scope, str]:
        """The scope in which a path's last step stands, and that step. Raises UnknownField."""
        scope = self
        for place, step in enumerate(path[:-1]):
            if step == "custom" and place == len(path) - 2:
                return scope, f"custom.{path[-1]}"
            behind = scope.behind(step)
            if behind is None:
                raise unknown(scope.kind, step, scope.known())
            scope = behind
        return scope, path[-1]

    def field_of(self, path: Path) -> Field | None:
        """The field at the end of a path; None for a custom one that is not known yet. Raises UnknownField."""
        scope, name = self.end_of(path)
        if not name.startswith("custom."):
            field = scope.fields.get(name)
            if field is None:
                raise unknown(scope.kind, name, scope.known())
            return field
        if "custom" not in scope.fields:
            raise unknown(scope.kind, name, scope.known())
        custom = scope.custom
        if custom is None and scope.customs is not None:
            custom = scope.customs(scope.kind)
        if custom is None:
            return None
        field = custom.get(path[-1])
        if field is None:
            raise unknown(scope.kind, name, [f"custom.{code}" for code in custom] or ("no custom fields",))
        return field

    def relation_of(self, path: Path) -> Relation:
        """The relation at the end of a path. Raises UnknownField."""
        scope, name = self.end_of(path)
        found = relations_in(scope.kind, scope.fields).get(name)
        if found is None:
            raise unknown(scope.kind, name, relations_in(scope.kind, scope.fields))
        return found

    def known(self) -> list[str]:
        """The names of its fields and links."""
        links = (name.removesuffix("_id") for name in self.fields if name.endswith("_id"))
        return [*self.fields, *(name for name in links if link_in(self.fields, name) is not None)]


def checked(
    filter: Filter,
    kind: str,
    fields: Mapping[str, Field],
    custom: Mapping[str, Field] | None,
    customs: Customs | None,
) -> Filter:
    """See `Filter.check`."""
    own = {name: field if field.kind == kind else evolve(field, kind=kind) for name, field in fields.items()}
    return _checked(filter, Scope(kind, with_other_names(class_named(kind), own), custom, customs))


def _checked(filter: Filter, scope: Scope) -> Filter:
    match filter:
        case Condition():
            return _condition(filter, scope)
        case Members(path, _, part):
            return evolve(filter, part=_checked(part, Scope.of(scope.relation_of(path).kind, scope.customs)))
        case AllOf(parts) | AnyOf(parts):
            return evolve(filter, parts=tuple([_checked(part, scope) for part in parts]))
        case Not(part):
            return Not(_checked(part, scope))
        case _:
            raise WrongFilter(filter=str(filter), detail="it is none of the predicates that a filter consists of.")


def _condition(condition: Condition, scope: Scope) -> Condition:
    field = scope.field_of(condition.path)
    if field is None:
        return condition
    _check_operator(condition, field)
    values = tuple(_value(condition, field, value) for value in condition.values)
    _check_values(condition, values)
    return evolve(condition, values=values)


def _check_operator(condition: Condition, field: Field) -> None:
    """Whether the operator says anything about such a field."""
    if condition.operator in NOTHING or condition.operator in _operators_of(field):
        return
    what = f"{field.kind}.{field.name} is {_shape_of(field)}"
    raise WrongFilter(filter=str(condition), detail=f"{what}: use {_advice(field)}.")


def _operators_of(field: Field) -> tuple[str, ...]:
    compared = _COMPARED_AS.get(field.type.name, "")
    if not field.multiple:
        return _SINGLE.get(compared, ())
    if compared == "text":
        return (*SETS, *TEXTS)
    return SETS if compared and compared != "money" else ()


def _shape_of(field: Field) -> str:
    names = {"text": "a text", "truth": "True or False", "day": "a date", "moment": "a moment", "time": "a time of day"}
    if field.multiple:
        return "a list of values"
    if field.type.name == "custom":
        return "a mapping"
    compared = _COMPARED_AS.get(field.type.name)
    return "no value that can be compared" if compared is None else names.get(compared, "a number")


def _advice(field: Field) -> str:
    if field.name == "custom":
        return "F.custom.<code>"
    known = _operators_of(field)
    said = {"=": "==, !=", "in": "is_in, not_in", "any_of": "any_of, none_of", "contains": "contains, not_contains"}
    return ", ".join([*(said.get(each, each) for each in known), "is_null", "is_empty", "is_filled"])


def _value(condition: Condition, field: Field, value: Any) -> Any:
    """A value in the form of the field. Raises WrongFieldValue."""
    operator = condition.operator
    if operator in ("last_days", "next_days"):
        return _count_of_days(field, value)
    if operator in MOMENTS:
        return _duration(field, value)
    if value is None:
        if operator in _EQUALITY:
            return None
        raise WrongFieldValue(
            kind=field.kind, field=field.name, expected=f"a value that {operator} says something about", got="None"
        )
    try:
        return _fitting(operator, field, value)
    except Unfit as unfit:
        raise WrongFieldValue(kind=field.kind, field=field.name, expected=str(unfit), got=shown(value)) from None


def _fitting(operator: str, field: Field, value: Any) -> Any:
    name = _COMPARED_AS[field.type.name]
    if operator == "on":
        return DAY.check(value)
    if isinstance(value, Money):
        if name == "money":
            return value
        raise Unfit(f"{_shape_of(field)} (only amounts have a currency)")
    if name == "time":
        return _time_text(value)
    if field.type.name in ("text", "choice") and operator not in TEXTS and (operator in _EQUALITY or field.multiple):
        # A choice knows its words, and a currency its form; a blank text is no choice, and not null either.
        return field.type.check(value) or TEXT.check(value)
    return _TYPES[name].check(value)


def _time_text(value: Any) -> str:
    """A time of day in the form in which times compare as they follow each other."""
    try:
        found = time.fromisoformat(TEXT.check(value))
    except ValueError:
        raise Unfit("a time of day, as 09:30") from None
    if found.tzinfo is not None:
        raise Unfit("a time of day without a zone")
    return found.isoformat()


def _count_of_days(field: Field, value: Any) -> int:
    if type(value) is not int or not 1 <= value <= _MOST_DAYS:
        expected = f"a number of days from 1 to {_MOST_DAYS:,}"
        raise WrongFieldValue(kind=field.kind, field=field.name, expected=expected, got=shown(value))
    return value


def _duration(field: Field, value: Any) -> timedelta:
    if not isinstance(value, timedelta) or value < timedelta(0):
        raise WrongFieldValue(
            kind=field.kind, field=field.name, expected="a duration that is not negative", got=shown(value)
        )
    return value


def _check_values(condition: Condition, values: tuple[Any, ...]) -> None:
    """Whether the operator has what it takes, and amounts have one currency."""
    takes = operators.OPERATORS[condition.operator].takes
    if takes is not None and len(values) != takes:
        raise WrongFilter(filter=str(condition), detail=f"expected {takes} values, got {len(values)}.")
    currencies = {each.currency if isinstance(each, Money) else "" for each in values if each is not None}
    if len(currencies) > 1 and any(currencies):
        detail = "it compares with amounts of several currencies, or of one and of none."
        raise WrongFilter(filter=str(condition), detail=detail)
