"""
A filter's text is read: `amount>=100 and stage in (NEW, WON)`.

    filter     = and-part ("or" and-part)*
    and-part   = part ("and" part)*
    part       = "not" part | "(" filter ")" | "true" | "false" | condition
    condition  = path comparison value | path ["not"] "in" "(" values ")" | path "between" value "and" value
               | path ["not"] ("contains" | "starts_with" | "equals_text") value
               | path ("any_of" | "all_of" | "none_of" | "same_set") "(" values ")"
               | path "is" ["not"] ("null" | "empty" | "filled" | "today" | "yesterday" | …) | path "on" date
               | path ("last_days" | "next_days") number | path ("within_last" | "within_next") duration
               | path ("any" | "every") "(" filter ")"

A text needs quotes unless it is a word: `title = "Tea & more"`. Written by hand, for nothing here is hard, and errors
must say where. Whoever sends the text may be hostile: length and depth are bounded, and no step goes back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NoReturn

from attrs import frozen

from bizproc.core.errors import FilterUnreadable, NoSuchField, WrongFilter
from bizproc.model.money import CURRENCY_WANTED, Money, is_currency
from bizproc.rules.filters.fields import F, Operand, Several, path_of
from bizproc.rules.filters.predicates import (
    DEEPEST,
    Condition,
    Filter,
    Path,
    any_of,
    condition,
    condition_on_list,
    every_of,
)

LONGEST: Final = 100_000
"""How many characters a filter's text may have."""

_TOKEN: Final = re.compile(
    r"""
      (?P<space>    \s+ )
    | (?P<moment>   \d{4}-\d\d-\d\d T [0-9:.]+ (?: Z | [+-]\d\d:?\d\d(?::\d\d(?:\.\d+)?)? )? )
    | (?P<date>     \d{4}-\d\d-\d\d )
    | (?P<number>   [+-]? \d+ (?: \.\d+ )? (?: [eE][+-]?\d+ )? )
    | (?P<quoted>   " (?: [^"\\] | \\. )* " | ' (?: [^'\\] | \\. )* ' )
    | (?P<word>     [^\W\d]\w* (?: [.:] \w+ )* )
    | (?P<sign>     == | != | <> | <= | >= | [=<>(),] )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMPARISONS: Final = {"=": "=", "==": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_LISTS: Final = ("any_of", "all_of", "none_of", "same_set")
_TEXTS: Final = ("contains", "starts_with", "equals_text")
_STATES: Final = ("null", "empty", "filled", "today", "yesterday", "before_today", "after_today")
_UNITS: Final = ("days", "hours", "minutes", "seconds")
_CONSTANTS: Final = {"null": None, "true": True, "false": False}
_RESERVED: Final = ("and", "or", "not", "in", "is")
_LONGEST_NUMBER: Final = 100


@frozen
class _Token:
    kind: str
    text: str
    start: int


_END: Final = "end"


def parse(text: str) -> Filter:
    """
    The filter of a text.

    Raises:
        FilterUnreadable: it is none; says where and why.
    """
    return _Parser(text).all()


class _Parser:
    """Reads one text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        if len(text) > LONGEST:
            self._fail(LONGEST, f"it has more than {LONGEST:,} characters.")
        self._next = self._read()

    # -- tokens

    def _read(self) -> _Token:
        """The token at the present place, space left out."""
        while self._at < len(self._text):
            found = _TOKEN.match(self._text, self._at)
            if found is None:
                self._fail(self._at, self._strange())
            start, self._at = self._at, found.end()
            if found.lastgroup != "space":
                return _Token(str(found.lastgroup), found.group(), start)
        return _Token(_END, "", len(self._text))

    def _strange(self) -> str:
        sign = self._text[self._at]
        return "this quote is not closed." if sign in "\"'" else f"{sign!r} means nothing here."

    def _take(self) -> _Token:
        token, self._next = self._next, self._read()
        return token

    def _is(self, *texts: str) -> bool:
        """Whether a word or a sign comes next."""
        return self._next.kind in ("word", "sign") and self._next.text.lower() in texts

    def _took(self, *texts: str) -> bool:
        if not self._is(*texts):
            return False
        self._take()
        return True

    def _expect(self, text: str) -> None:
        if not self._took(text):
            self._expected(text)

    def _expected(self, what: str, token: _Token | None = None) -> NoReturn:
        token = token or self._next
        found = "the end" if token.kind == _END else token.text if len(token.text) < 40 else f"{token.text[:39]}…"
        self._fail(token.start, f"expected {what}, found {found}")

    def _fail(self, position: int, detail: str) -> NoReturn:
        first = max(0, position - 40)
        part = self._text[first : position + 30]
        shown = "".join(sign if sign.isprintable() else " " for sign in part)
        raise FilterUnreadable(position=position, detail=detail, shown=shown, mark=" " * (position - first) + "^")

    # -- how parts stand together

    def all(self) -> Filter:
        """All of the text."""
        found = self._filter()
        if self._next.kind != _END:
            self._expected("`and`, `or` or the end")
        return found

    def _filter(self) -> Filter:
        parts = [self._and_part()]
        while self._took("or"):
            parts.append(self._and_part())
        return self._made(lambda: any_of(parts)) if len(parts) > 1 else parts[0]

    def _and_part(self) -> Filter:
        parts = [self._part()]
        while self._took("and"):
            parts.append(self._part())
        return self._made(lambda: every_of(parts)) if len(parts) > 1 else parts[0]

    def _part(self) -> Filter:
        negated = False
        while self._took("not"):
            negated = not negated
        if self._is("("):
            part = self._in_brackets()
        elif self._is("true", "false"):
            part = every_of(()) if self._take().text.lower() == "true" else any_of(())
        else:
            part = self._condition()
        return self._made(lambda: ~part) if negated else part

    def _in_brackets(self) -> Filter:
        start = self._next.start
        self._expect("(")
        self._depth += 1
        if self._depth > DEEPEST:
            self._fail(start, f"brackets are nested more than {DEEPEST} deep.")
        inside = self._filter()
        self._expect(")")
        self._depth -= 1
        return inside

    def _made(self, make: Callable[[], Filter]) -> Filter:
        try:
            return make()
        except WrongFilter as error:
            self._fail(self._next.start, error.detail)

    # -- conditions

    def _condition(self) -> Filter:
        place = self._next
        if place.kind != "word":
            self._expected("a field")
        end = self._path()
        if isinstance(end, Several):
            if not self._is("any", "every"):
                self._expected("`any (…)` or `every (…)`")
            every = self._take().text.lower() == "every"
            part = self._in_brackets()
            return self._made(lambda: end.every(part) if every else end.any(part))
        try:
            return self._operation(path_of(end))
        except WrongFilter as error:
            self._fail(place.start, error.detail)

    def _path(self) -> Operand | Several:
        token = self._take()
        end: Any = F
        for step in token.text.split("."):
            try:
                end = getattr(end, step)
            except NoSuchField as error:
                self._fail(token.start, f"no kind of item has a field {error.field!r}.{error.hint}")
            except AttributeError:
                self._fail(token.start, f"nothing lies behind {token.text.rpartition('.')[0]}.")
        if not isinstance(end, (Operand, Several)):
            self._fail(token.start, f"{token.text} is no field: a field of it must follow, after a point.")
        return end

    def _operation(self, path: Path) -> Filter:
        negated = self._took("not")
        if self._took("in"):
            return self._listed(path, "in", negated=negated)
        if self._is(*_TEXTS):
            word = self._take().text.lower()
            return _perhaps_not(condition(path, word, self._value()), negated=negated)
        if negated:
            self._expected("`in`, `contains`, `starts_with` or `equals_text` after `not`")
        if self._next.kind == "sign" and self._next.text in _COMPARISONS:
            word = _COMPARISONS[self._take().text]
            return _perhaps_not(condition(path, word.replace("!", ""), self._value()), negated=word == "!=")
        if self._is(*_LISTS):
            word = self._take().text.lower()
            return self._listed(path, word.replace("none", "any"), negated=word == "none_of")
        if self._took("is"):
            return self._state(path)
        return self._of_time(path)

    def _state(self, path: Path) -> Filter:
        negated = self._took("not")
        if not self._is(*_STATES):
            self._expected(" or ".join(_STATES))
        word = self._take().text.lower()
        if word == "filled":
            word, negated = "empty", not negated
        return _perhaps_not(condition(path, word), negated=negated)

    def _of_time(self, path: Path) -> Filter:
        if self._took("between"):
            first = self._value()
            self._expect("and")
            return condition(path, "between", first, self._value())
        if self._is("on", "last_days", "next_days"):
            return condition(path, self._take().text.lower(), self._value())
        if not self._is("within_last", "within_next"):
            self._expected("a comparison such as =, in, contains, between or is null")
        return condition(path, self._take().text.lower(), self._duration())

    def _listed(self, path: Path, operator: str, *, negated: bool) -> Filter:
        self._expect("(")
        values: list[Any] = []
        while not self._is(")"):
            values.append(self._value())
            if not self._took(","):
                break
        self._expect(")")
        return _perhaps_not(condition_on_list(path, operator, values), negated=negated)

    # -- values

    def _value(self) -> Any:
        token = self._take()
        try:
            return self._value_of(token)
        except FilterUnreadable:
            raise
        except (ValueError, ArithmeticError):
            self._expected(f"a {token.kind} that there is", token)

    def _value_of(self, token: _Token) -> Any:
        word = token.text.lower()
        if token.kind in (_END, "sign") or (token.kind == "word" and word in _RESERVED):
            self._expected("a value (a text, if need be in quotes)", token)
        match token.kind:
            case "number":
                return self._number(token)
            case "quoted":
                return _unquoted(token.text)
            case "date":
                return date.fromisoformat(token.text)
            case "moment":
                return datetime.fromisoformat(token.text)
            case _:
                return _CONSTANTS.get(word, token.text)

    def _plain_number(self, token: _Token) -> int | Decimal:
        if len(token.text) > _LONGEST_NUMBER:
            self._expected("a number of fewer digits", token)
        try:
            return Decimal(token.text) if set(token.text) & set(".eE") else int(token.text)
        except ArithmeticError:
            self._expected("a number that there is", token)

    def _number(self, token: _Token) -> Any:
        number = self._plain_number(token)
        if (
            self._next.kind == "word"
            and re.fullmatch("[A-Z]{3,}", self._next.text)
            and not self._is("and", "or", "not")
        ):
            if not is_currency(self._next.text):
                self._expected(CURRENCY_WANTED)
            return Money(number, self._take().text)
        return number

    def _duration(self) -> timedelta:
        token = self._next
        parts: dict[str, Decimal] = {}
        while self._next.kind == "number":
            number = Decimal(self._plain_number(self._take()))
            unit = self._next.text.lower()
            unit = unit if unit.endswith("s") else f"{unit}s"
            if unit not in _UNITS or unit in parts:
                self._expected(f"one of {', '.join(_UNITS)}")
            self._take()
            parts[unit] = number
        if not parts:
            self._expected("a duration such as `24 hours`")
        try:
            return sum((_span(unit, number) for unit, number in parts.items()), timedelta(0))
        except ArithmeticError:
            self._expected("a duration that there is", token)


def _span(unit: str, number: Decimal) -> timedelta:
    # Not by float: a microsecond counts.
    size = timedelta(**{unit: 1}) // timedelta(microseconds=1)
    return timedelta(microseconds=int(number * size))


def _perhaps_not(condition: Condition, *, negated: bool) -> Filter:
    return ~condition if negated else condition


_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})|\\(.)", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def _unquoted(text: str) -> str:
    if text[0] == '"':
        try:
            return str(json.loads(text, strict=False))
        except ValueError:
            pass
    return _ESCAPE.sub(lambda found: _unescaped(found.group(1), found.group(2)), text[1:-1])


def _unescaped(code: str | None, sign: str) -> str:
    return _ESCAPED.get(sign, sign) if code is None else chr(int(code, 16))
