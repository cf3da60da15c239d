"""
A checked filter as a condition in SQL, with the same meaning as in memory: two-valued and null-safe.

SQL's own conditions have three values. Here NULL stands for "no" wherever a condition stands alone or beside others
(`AND`, `OR`, `WHERE`), and `NOT` is pushed down to the single conditions, where `… IS NOT 1` turns "no" and NULL into
"yes". Values are always parameters.

What SQL cannot say exactly is said more widely: `exact` is False then, all rows that fit are among those that are
found, and the filter itself decides in memory. That is the case for texts without a companion where they are not
ASCII, for amounts with a currency (another one is an error, which rows have to raise), and for some custom fields.
"""


# ruff: noqa: S608 - the names in these texts are those of the model's tables; values are always parameters

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from itertools import count
from math import isfinite
from typing import Any, Final

from attrs import frozen

from bizproc.adapters.sql_crm.shapes import PARENT, SHAPES, Shape, shape_named
from bizproc.model.days import day_of
from bizproc.model.fields import Field
from bizproc.model.money import Money
from bizproc.model.smart_items import SMART_ITEM
from bizproc.model.texts import folded
from bizproc.rules.filters.checking import Customs
from bizproc.rules.filters.operators import DAYS, MOMENTS, ORDER, SETS, TEXTS, begin_of, days, moments
from bizproc.rules.filters.predicates import AllOf, AnyOf, Condition, Filter, Members, Not, Path
from bizproc.rules.filters.relations import Relation, link_in, points_at, readable, relations_in
from bizproc.store.types import MONEY_PLACES, decimal_text, json_text, moment_text

_DEEPEST: Final = 25
"""How deep brackets go: older SQLites have room for a hundred open words, and a level takes three."""

_SIDE_BY_SIDE: Final = 50
_MOST_PARAMETERS: Final = 30_000
_LONGEST: Final = 500_000

# All characters that `str.strip` takes off.
_BLANKS: Final = "".join(map(chr, (*range(9, 14), *range(28, 33), 133, 160, 5760, *range(8192, 8203), 8232, 8233)))
BLANKS: Final = _BLANKS + "".join(map(chr, (8239, 8287, 12288)))


@frozen
class Sql:
    """
    A condition: 1 where it holds, 0 or NULL where it does not.

    Attributes:
        exact: It holds where the filter does and nowhere else; if not, it may also hold elsewhere.
    """

    text: str
    parameters: tuple[Any, ...] = ()
    exact: bool = True


TRUE: Final = Sql("1")
FALSE: Final = Sql("0")
_ANYTHING: Final = Sql("1", exact=False)


@frozen
class _Value:
    """
    What stands for a field in SQL.

    Attributes:
        text: The expression.
        folded: That of its companion; None if there is none.
        currency: That of the currency of an amount.
    """

    field: Field
    text: str
    folded: str | None = None
    currency: str = "NULL"


def compiled(filter: Filter, shape: Shape, customs: Customs, now: datetime, zone: tzinfo) -> Sql:
    """The condition on rows of a shape's table, which has no other name in the statement."""
    sql = _Compiler(customs, now, zone).condition(filter, Table(shape, shape.table.name), 0, positive=True)
    if len(sql.parameters) > _MOST_PARAMETERS or len(sql.text) > _LONGEST:
        return _ANYTHING
    return sql


@frozen
class Table:
    """A table and its name in the statement."""

    shape: Shape
    alias: str


class _Compiler:
    """Compiles one filter."""

    def __init__(self, customs: Customs, now: datetime, zone: tzinfo) -> None:
        self._customs = customs
        self._now = now
        self._zone = zone
        self._numbers = count(1)

    def condition(self, filter: Filter, table: Table, depth: int, *, positive: bool) -> Sql:
        """That the filter holds, or, if not `positive`, that it does not."""
        if depth > _DEEPEST:
            return _ANYTHING
        match filter:
            case Not(part):
                return self.condition(part, table, depth, positive=not positive)
            case AllOf(parts) | AnyOf(parts):
                word = "AND" if isinstance(filter, AllOf) is positive else "OR"
                several = [self.condition(part, table, depth + 1, positive=positive) for part in parts]
                return _joined(word, several)
            case Members():
                return self._members(filter, table, depth, positive=positive)
            case Condition():
                return self._leaf(filter, self._value(table, filter.path), positive=positive)
            case _:
                return _ANYTHING

    # -- paths

    def _value(self, table: Table, path: Path) -> _Value:
        """What stands for the end of a path; NULL where a link leads nowhere."""
        if len(path) == 1 or path[0] == "custom":
            return self._own(table, path)
        link = link_in(readable(table.shape.cls), path[0])
        assert link is not None
        behind = self._table(str(link.refers))
        value = self._value(behind, path[1:])
        source = f"FROM {behind.shape.table.name} {behind.alias} WHERE {behind.alias}.id = "
        source += self._own(table, (link.name,)).text

        def through(text: str) -> str:
            return f"(SELECT {text} {source})"

        companion = None if value.folded is None else through(value.folded)
        return _Value(value.field, through(value.text), companion, through(value.currency))

    def _own(self, table: Table, path: Path) -> _Value:
        shape, alias = table.shape, table.alias
        if path[0] == "custom":
            field = self._customs(shape.kind)[path[1]]
            inside = "" if field.multiple else _INSIDE.get(field.type.name, "")
            return _Value(field, f"json_extract({alias}.custom, '$.\"{path[1]}\"{inside}')")
        field = readable(shape.cls)[path[0]]
        name = getattr(shape.cls, "aliases", {}).get(path[0], path[0])
        if name not in shape.fields:
            return _Value(field, f"json_extract({alias}.{shape.primaries[name]}, '$[0]')")
        companion = shape.companions.get(name)
        return _Value(
            field,
            f"{alias}.{name}",
            None if companion is None else f"{alias}.{companion}",
            f"{alias}.currency" if "currency" in shape.fields else "NULL",
        )

    def _table(self, kind: str) -> Table:
        return Table(SHAPES[kind], f"x{next(self._numbers)}")

    # -- items that an item lists or owns

    def _members(self, filter: Members, table: Table, depth: int, *, positive: bool) -> Sql:
        relation, source, members = self._source(table, filter.path)
        # `every` is that there is none that does not fit. What is said more widely must let more items through, so of
        # the members that speak against an item fewer: those that surely do.
        exists = filter.every is not positive
        if exists:
            inner = self.condition(filter.part, members, depth + 1, positive=not filter.every)
        else:
            inner = _not(self.condition(filter.part, members, depth + 1, positive=filter.every))
        table_name = SHAPES[relation.kind].table.name
        rows = f"SELECT 1 FROM {table_name} {members.alias} WHERE {source} AND {inner.text}"
        return Sql(f"{'' if exists else 'NOT '}EXISTS ({rows})", inner.parameters, inner.exact)

    def _source(self, table: Table, path: Path) -> tuple[Relation, str, Table]:
        """The relation at the end of a path, the condition on its members, and their table."""
        owner = table
        for step in path[:-1]:
            link = link_in(readable(owner.shape.cls), step)
            assert link is not None
            owner = Table(SHAPES[str(link.refers)], "")
        relation = relations_in(owner.shape.kind, owner.shape.fields)[path[-1]]
        members = self._table(relation.kind)
        return relation, self._belongs(relation, owner.shape, table, path[:-1], members), members

    def _belongs(self, relation: Relation, owner: Shape, table: Table, path: Path, members: Table) -> str:
        id_ = self._value(table, (*path, "id")).text
        return belongs(relation, owner, members, id_, lambda name: self._value(table, (*path, name)).text)

    # -- conditions

    def _leaf(self, condition: Condition, value: _Value, *, positive: bool) -> Sql:
        operator, wanted = condition.operator, condition.values
        if condition.path[-2:-1] == ("custom",) and not _is_exact_custom(value.field, operator):
            is_number = positive and value.field.type.name == "number" and not value.field.multiple
            return _near(operator, value.text, wanted) if is_number else _ANYTHING
        if operator in TEXTS:
            return self._text(operator, value, wanted[0], positive=positive)
        if any(isinstance(each, Money) for each in wanted):
            return self._of_currency(operator, value, wanted, positive=positive)
        if operator == "=":
            return _equal(value, wanted[0], positive=positive)
        linked = None if operator != "any_of" or len(condition.path) > 1 else self._linked(value, wanted)
        sql = self._plain(operator, value, wanted) if linked is None else linked
        return sql if positive else _not(sql)

    def _linked(self, value: _Value, wanted: Sequence[Any]) -> Sql | None:
        """Who lists a contact or a company stands in `link`, by which few are found fast."""
        alias, _, name = value.text.partition(".")
        shape = shape_named(value.field.kind)
        listed = [each for each in shape.listed if each.refers == value.field.refers]
        if [each.name for each in listed] != [name] or not wanted:
            return None
        among = _in_list("k.to_id", wanted)
        links = f"SELECT k.item FROM link k WHERE k.to_kind = '{value.field.refers}' AND {among.text}"
        return Sql(f"{alias}.id IN ({links} AND k.kind = '{shape.table.name}')", among.parameters)

    def _plain(self, operator: str, value: _Value, wanted: Sequence[Any]) -> Sql:
        if operator in SETS:
            return _of_set(operator, value, wanted)
        if operator == "in":
            return _in(value, wanted)
        if operator in ORDER:
            return ordered(operator, value.field, value.text, wanted)
        if operator == "null":
            return Sql(f"{_list_or(value)} = '[]'") if value.field.multiple else Sql(f"{value.text} IS NULL")
        if operator == "empty":
            return _empty(value)
        if operator in DAYS:
            return self._in_days(operator, value, wanted)
        assert operator in MOMENTS
        first, last = moments(operator, tuple(wanted), self._now)
        return _range(value.text, _moment_text(first), _moment_text(last), "<=")

    def _in_days(self, operator: str, value: _Value, wanted: Sequence[Any]) -> Sql:
        first, behind = days(operator, tuple(wanted), day_of(self._now, self._zone))
        if value.field.type.name == "day":
            from_, to = (None if day is None else day.isoformat() for day in (first, behind))
        else:
            from_, to = (_moment_text(begin_of(day, self._zone)) for day in (first, behind))
        return _range(value.text, from_, to, "<")

    def _text(self, operator: str, value: _Value, wanted: str, *, positive: bool) -> Sql:
        sought = folded(wanted)
        if value.folded is not None:
            sql = _compared_text(operator, value.folded, sought)
            return sql if positive else _not(sql)
        if value.field.multiple:
            return self._text_in_list(operator, value, sought, positive=positive)
        return _text_without_companion(operator, value.text, sought, positive=positive)

    def _text_in_list(self, operator: str, value: _Value, sought: str, *, positive: bool) -> Sql:
        element = _element(value.field)
        one = _text_without_companion(operator, element, sought, positive=positive)
        if positive:
            return Sql(
                f"EXISTS (SELECT 1 FROM json_each({value.text}) e WHERE {one.text})", one.parameters, exact=False
            )
        # None that surely fits: one of which it is not sure may be one that does not.
        none = f"NOT EXISTS (SELECT 1 FROM json_each({value.text}) e WHERE ({one.text}) IS NOT 1)"
        return Sql(none, one.parameters, exact=False)

    def _of_currency(self, operator: str, value: _Value, wanted: Sequence[Any], *, positive: bool) -> Sql:
        """Rows of another currency are let through: in memory they raise."""
        currency = next(each.currency for each in wanted if isinstance(each, Money))
        numbers = tuple(each.amount if isinstance(each, Money) else each for each in wanted)
        sql = _equal(value, numbers[0], positive=True) if operator == "=" else self._plain(operator, value, numbers)
        sql = sql if positive else _not(sql)
        other = f"({value.currency} IS NOT ? AND {value.text} IS NOT NULL)"
        return Sql(f"({other} OR {sql.text})", (currency, *sql.parameters), exact=False)


def belongs(relation: Relation, owner: Shape, members: Table, id_: str, own: Callable[[str], str]) -> str:
    """
    The condition on the rows of a relation's table that belong to an owner.

    Args:
        relation: Which.
        owner: Of which kind.
        members: The relation's table.
        id_: The owner's id in SQL.
        own: Gives a field of the owner in SQL.
    """
    alias = members.alias
    kind = f"'{owner.kind}'" if owner.kind != SMART_ITEM else own("type")
    match relation.way:
        case "listed":
            return f"{alias}.id IN (SELECT l.value FROM json_each({own(str(relation.field))}) l)"
        case "owned":
            return f"{alias}.owner_kind = {kind} AND {alias}.owner_id = {id_}"
        case "bound":
            bound = f"SELECT b.activity FROM activity_binding b WHERE b.kind = {kind} AND b.item = {id_}"
            return f"{alias}.id IN ({bound})"
    pointing = [_points(field, members, kind, id_) for field in points_at(members.shape.fields, owner.kind)]
    return f"({' OR '.join(pointing)})"


def _points(field: Field, members: Table, kind: str, id_: str) -> str:
    if not field.multiple:
        return f"{members.alias}.{field.name} = {id_}"
    if field in members.shape.listed:
        to_kind = kind if field.refers is not None else f"'{PARENT}' || {kind}"
        links = f"SELECT k.item FROM link k WHERE k.to_kind = {to_kind} AND k.to_id = {id_}"
        return f"{members.alias}.id IN ({links} AND k.kind = '{members.shape.table.name}')"
    return f"{id_} IN (SELECT l.value FROM json_each({members.alias}.{field.name}) l)"


# -- how conditions stand together -------------------------------------------------------------------------------------


def _joined(word: str, parts: Sequence[Sql]) -> Sql:
    if not parts:
        return TRUE if word == "AND" else FALSE
    if len(parts) == 1:
        return parts[0]
    if len(parts) > _SIDE_BY_SIDE:  # a long row would be a deep tree
        half = len(parts) // 2
        return _joined(word, [_joined(word, parts[:half]), _joined(word, parts[half:])])
    parameters = tuple(each for part in parts for each in part.parameters)
    text = f" {word} ".join([part.text for part in parts])
    return Sql(f"({text})", parameters, all(part.exact for part in parts))


def _not(sql: Sql) -> Sql:
    return Sql(f"({sql.text}) IS NOT 1", sql.parameters, sql.exact)


# -- one value ---------------------------------------------------------------------------------------------------------


def _equal(value: _Value, wanted: Any, *, positive: bool) -> Sql:
    if wanted is None:
        return Sql(f"{value.text} IS {'' if positive else 'NOT '}NULL")
    written = _written(value.field, wanted)
    if written is None:
        return FALSE if positive else TRUE
    return Sql(f"{value.text} {'=' if positive else 'IS NOT'} ?", (written,))


def _in(value: _Value, wanted: Sequence[Any]) -> Sql:
    written = [_written(value.field, each) for each in wanted if each is not None]
    kept = [each for each in written if each is not None]
    parts = [_in_list(value.text, kept)] if kept else []
    if None in wanted:
        parts.append(Sql(f"{value.text} IS NULL"))
    return _joined("OR", parts)


def _in_list(text: str, values: Sequence[Any]) -> Sql:
    if len(values) > _SIDE_BY_SIDE:
        return Sql(f"{text} IN (SELECT l.value FROM json_each(?) l)", (json_text(list(values)),))
    return Sql(f"{text} IN ({', '.join('?' * len(values))})", tuple(values))


def _written(field: Field, value: Any) -> Any:
    """A value as it stands in the table; None if no row can hold it."""
    match field.type.name:
        case "money":
            units = _units(value)
            return int(units) if units == units.to_integral_value() and abs(units) < 2**63 else None
        case "number":
            return decimal_text(value)
        case "day":
            return value.isoformat()
        case "moment":
            return moment_text(value)
        case "truth":
            return int(value)
        case _:
            return value


# Wide enough for every number that a filter can hold, so that nothing is rounded on the way.
_EXACT: Final = Context(prec=100)


def _units(value: Any) -> Decimal:
    return Decimal(value).scaleb(MONEY_PLACES, _EXACT)


def ordered(operator: str, field: Field, text: str, wanted: Sequence[Any]) -> Sql:
    """A comparison of order."""
    if operator == "between":
        return _joined("AND", [ordered(">=", field, text, wanted[:1]), ordered("<=", field, text, wanted[1:])])
    match field.type.name:
        case "number":
            return _ordered_number(operator, text, wanted[0])
        case "money":
            return Sql(f"{text} {operator} ?", (_bound(operator, _units(wanted[0])),))
        case _:
            return Sql(f"{text} {operator} ?", (_written(field, wanted[0]),))


def _bound(operator: str, units: Decimal) -> int:
    """The whole number that compares as a fraction does, and fits into 64 bits: amounts are far from their ends."""
    up = operator in ("<", ">=")
    whole = int(units.to_integral_value(rounding=ROUND_CEILING if up else ROUND_FLOOR, context=_EXACT))
    return max(-(2**63), min(whole, 2**63 - 1))


def _ordered_number(operator: str, text: str, wanted: Decimal) -> Sql:
    """
    Canonical decimal texts by size: by sign, then by the length of what stands before the point, then as texts.

    Two texts with as many digits before the point compare as their numbers do; below zero, the other way round.
    """
    written = decimal_text(wanted)
    length, below = f"{written}.".index(".") + 1, written.startswith("-")
    longer = operator[0]
    if below:
        operator = operator.translate(_OPPOSITE)
    sized = f"({before_point(text)} {operator[0]} ? OR ({before_point(text)} = ? AND {text} {operator} ?))"
    # Whoever is on the other side of zero is decided by that alone.
    if longer == ">":
        sign = f"{is_negative(text)} = 0 OR" if below else f"{is_negative(text)} = 0 AND"
    else:
        sign = f"{is_negative(text)} = 1 AND" if below else f"{is_negative(text)} = 1 OR"
    return Sql(f"({sign} {sized})", (length, length, written))


_OPPOSITE: Final = str.maketrans("<>", "><")


def is_negative(text: str) -> str:
    """Whether a canonical number is below zero."""
    return f"(substr({text}, 1, 1) = '-')"


def before_point(text: str) -> str:
    """How far the point of a canonical number lies from its begin."""
    return f"instr({text} || '.', '.')"


def _range(text: str, first: str | None, last: str | None, behind: str) -> Sql:
    parts = [Sql(f"{text} >= ?", (first,))] if first is not None else []
    parts += [Sql(f"{text} {behind} ?", (last,))] if last is not None else []
    return _joined("AND", parts) if parts else Sql(f"{text} IS NOT NULL")


def _moment_text(moment: datetime | None) -> str | None:
    return None if moment is None else moment_text(moment)


def _empty(value: _Value) -> Sql:
    if value.field.multiple:
        return Sql(f"{_list_or(value)} = '[]'")
    if value.field.type.name == "text":
        return Sql(f"({value.text} IS NULL OR trim({value.text}, ?) = '')", (BLANKS,))
    return Sql(f"{value.text} IS NULL")


# -- texts -------------------------------------------------------------------------------------------------------------


def _compared_text(operator: str, text: str, sought: str) -> Sql:
    match operator:
        case "contains":
            return Sql(f"instr({text}, ?) > 0", (sought,))
        case "starts_with":
            return Sql(f"substr({text}, 1, ?) = ?", (len(sought), sought))
        case _:
            return Sql(f"{text} = ?", (sought,))


def _text_without_companion(operator: str, text: str, sought: str, *, positive: bool) -> Sql:
    """Of ASCII, SQLite's own `lower` is the folded form; all other texts are let through."""
    other = f"length({text}) <> length(CAST({text} AS BLOB))"
    if not sought.isascii():  # nothing that is ASCII fits
        return Sql(other, exact=False) if positive else _ANYTHING
    sql = _compared_text(operator, f"lower({text})", sought)
    sql = sql if positive else _not(sql)
    return Sql(f"({sql.text} OR {other})", sql.parameters, exact=False)


# -- several values ----------------------------------------------------------------------------------------------------


def _list_or(value: _Value) -> str:
    return f"coalesce({value.text}, '[]')"


def _element(field: Field) -> str:
    return "json_extract(e.value, '$[0]')" if field.type.name == "multi_field" else "e.value"


def _of_set(operator: str, value: _Value, wanted: Sequence[Any]) -> Sql:
    element = _element(value.field)
    written = list(dict.fromkeys(wanted))
    if not written:
        return {"any_of": FALSE, "all_of": TRUE}.get(operator) or Sql(f"{_list_or(value)} = '[]'")
    among = _in_list(element, written)
    if operator == "any_of":
        return Sql(f"EXISTS (SELECT 1 FROM json_each({value.text}) e WHERE {among.text})", among.parameters)
    counted = f"SELECT count(DISTINCT {element}) FROM json_each({value.text}) e"
    found = Sql(f"({counted} WHERE {among.text}) = ?", (*among.parameters, len(written)))
    if operator == "all_of":
        return found
    return _joined("AND", [found, Sql(f"({counted}) = ?", (len(written),))])


def _is_exact_custom(field: Field, operator: str) -> bool:
    """Whether JSON holds such values of a custom field as they compare: texts, ids, days and the like, and no lists."""
    if field.multiple:
        return False
    return operator in ("null", "empty") or field.type.name in _PLAIN_IN_JSON


_PLAIN_IN_JSON: Final = ("text", "integer", "truth", "choice", "user", "file", "url", "day")
_INSIDE: Final = {"number": '."$decimal"', "day": '."$date"'}
"""Where within its JSON stands the text of a value that JSON has no form for."""


def _near(operator: str, text: str, wanted: Sequence[Any]) -> Sql:
    """Of a number that JSON holds as it was given (7.50, 1E+2): what is near enough to fit; it is not exact."""
    ends = [float(each) for each in wanted if each is not None]
    if operator not in ("=", "in", *ORDER) or len(ends) != len(wanted) or not ends or not all(map(isfinite, ends)):
        return _ANYTHING
    least, most = min(ends), max(ends)
    if operator == "between":
        least, most = ends
    number, parts = f"CAST({text} AS REAL)", []
    if operator[0] != "<":
        parts.append(Sql(f"{number} >= ?", (least - abs(least) * _NEAR,), exact=False))
    if operator[0] != ">":
        parts.append(Sql(f"{number} <= ?", (most + abs(most) * _NEAR,), exact=False))
    return _joined("AND", parts)


_NEAR: Final = 1e-9
"""Far more than a float can be off, as a part of a number."""
