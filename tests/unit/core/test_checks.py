"""Argument checks: what fits is bound, what does not is refused with the parameter's name and the cure."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, NewType, Protocol, TypeAlias, TypedDict

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from bizproc.core.checks import Check, check_value, compile_checks, described, hints_of, readable, same
from bizproc.core.errors import ProcessDefinitionError, WrongArgument

if TYPE_CHECKING:
    from nowhere import Absent  # type: ignore[import-not-found]

Number: TypeAlias = Decimal | int
UserId = NewType("UserId", int)
INT: Final = int


class Stage(StrEnum):
    WON = "won"


@frozen
class Deal:
    id: int


class BigDeal(Deal):
    pass


class Named(Protocol):
    name: str


class Options(TypedDict):
    price: Decimal


class Point(NamedTuple):
    x: int


async def score(company_id: int, limit: Number = 10, *, note: str | None = None, tags: Sequence[str] = ()) -> str:
    return ""


async def everything(
    first: int, /, second: int = 2, *rest: int, third: Decimal = Decimal(3), **others: str
) -> None: ...


async def bare(a, b=1):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    ...


async def absent(a: Absent) -> None: ...


def refused(call: Callable[[], object]) -> WrongArgument:
    with pytest.raises(WrongArgument) as raised:
        call()
    return raised.value


# -- binding -----------------------------------------------------------------------------------------------------------


def test_arguments_are_bound_by_position_and_by_name_and_defaults_are_filled_in() -> None:
    checker = compile_checks(score)
    expected = {"company_id": 5, "limit": 10, "note": None, "tags": ()}
    assert checker.bind((5,), {}) == expected
    assert checker.bind((), {"company_id": 5}) == expected
    assert checker.bind((5, 7), {"note": "x"}) == {**expected, "limit": 7, "note": "x"}
    assert list(checker.bind((), {"tags": [], "note": "", "company_id": 1})) == ["company_id", "limit", "note", "tags"]


def test_only_arguments_that_differ_from_their_default_are_given() -> None:
    checker = compile_checks(score)
    assert checker.given(checker.bind((5,), {})) == {"company_id": 5}
    assert checker.given(checker.bind((5, 10), {"note": None, "tags": ()})) == {"company_id": 5}
    assert checker.given(checker.bind((5, Decimal(10)), {})) == {"company_id": 5, "limit": Decimal(10)}
    assert checker.given(checker.bind((5,), {"tags": []})) == {"company_id": 5, "tags": []}


def test_all_kinds_of_parameters_are_bound_and_spread_again() -> None:
    checker = compile_checks(everything)
    for args, kwargs in [
        ((1,), {}),
        ((1, 2, 3, 4), {}),
        ((1,), {"second": 5, "third": 7, "colour": "red", "first": "also"}),
    ]:
        bound = checker.bind(args, kwargs)
        again_args, again_kwargs = checker.spread(bound)
        assert checker.bind(again_args, again_kwargs) == bound
    assert checker.bind((1, 2, 3), {"first": "x"}) == {
        "first": 1, "second": 2, "rest": (3,), "third": Decimal(3), "others": {"first": "x"},
    }  # fmt: skip
    assert checker.given(checker.bind((1,), {})) == {"first": 1}
    assert refused(lambda: checker.bind((1, 2, "x"), {})).parameter == "rest"
    assert refused(lambda: checker.bind((1,), {"colour": 5})).parameter == "colour"
    assert refused(lambda: checker.bind((), {"first": 1})).parameter == "first"


def test_parameters_without_annotations_take_everything() -> None:
    checker = compile_checks(bare)
    assert checker.bind((object, ...), {}) == {"a": object, "b": ...}


@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        ((), {}, "score: parameter company_id: expected int, got nothing, and it has no default"),
        ((1, 2, 3), {}, "score: parameter number 3: expected no more than 2 by position, got 3 (int)"),
        ((1,), {"company_id": 2}, "parameter company_id: expected one value, got 1 (int) by position and 2 (int)"),
        ((1,), {"colour": "red"}, "parameter colour: expected no such parameter (known: company_id, limit, note"),
        (("x",), {}, "score: parameter company_id: expected int, got 'x' (str)"),
        ((1,), {"note": 5}, "score: parameter note: expected str | None, got 5 (int)"),
        ((1,), {"limit": 0.1}, 'score: parameter limit: expected Decimal | int, got 0.1 (float); write Decimal("0.1")'),
        ((1,), {"tags": ["a", 5]}, "tags: expected Sequence[str], got ['a', 5] (list): item 1 of list is not"),
        ((1,), {"tags": 5}, "score: parameter tags: expected Sequence[str], got 5 (int)"),
    ],
)
def test_a_refusal_names_function_parameter_and_cure(args: tuple[Any, ...], kwargs: dict[str, Any], text: str) -> None:
    assert text in str(refused(lambda: compile_checks(score, "score").bind(args, kwargs)))


def test_a_refusal_is_a_type_error_as_of_any_call() -> None:
    assert isinstance(refused(lambda: compile_checks(score).bind((), {})), TypeError)


# -- one value ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (5, int),
        (5, float),
        (5, UserId),
        (5, Any),
        (5, object),
        (5, Number),
        (Decimal(5), Number),
        (None, None),
        (None, int | None),
        (True, bool),
        (True, bool | int),
        (True, Literal[True] | int),
        (True, Any),
        ("a", Literal["a", "b"]),
        (Stage.WON, Stage),
        (Stage.WON, str),
        (Deal(1), Deal),
        (BigDeal(1), Deal),
        ([1, 2], list[int]),
        ((1, 2), Sequence[int]),
        ({"a": 1}, Mapping[str, int]),
        ({"price": Decimal(1)}, Options),
        (Point(1), Point),
        (date(2024, 1, 1), date),
        (datetime(2024, 1, 1, tzinfo=UTC), datetime),
        (datetime(2024, 1, 1, tzinfo=UTC), datetime | None),
        (print, Callable[..., Any]),
        (int, type[int]),
    ],
    ids=described,
)
def test_what_has_the_type_is_taken_as_it_is(value: object, annotation: Any) -> None:
    assert check_value(value, annotation, process="p", parameter="x") is value


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        ("5", int),
        (5.0, int),
        (True, int),
        (True, float),
        (True, Number),
        (True, int | None),
        (0.1, Decimal),
        (True, Decimal),
        ("5", Decimal),
        (None, int),
        ("c", Literal["a", "b"]),
        ("won", Stage),
        (Deal(1), BigDeal),
        ([1, "a"], list[int]),
        ({"a": "b"}, dict[str, int]),
        ({"price": 1}, Options),
        ({}, Options),
        (Point("a"), Point),  # type: ignore[arg-type]
        (Deal(1), Named),
        (datetime(2024, 1, 1), datetime),  # noqa: DTZ001
        (datetime(2024, 1, 1), datetime | None),  # noqa: DTZ001
        ("2024-01-01", date),
    ],
    ids=described,
)
def test_what_does_not_have_the_type_is_refused(value: object, annotation: Any) -> None:
    error = refused(lambda: check_value(value, annotation, process="p", parameter="x"))
    assert (error.process, error.parameter, error.expected) == ("p", "x", readable(annotation))


def test_an_int_for_a_decimal_becomes_one() -> None:
    for annotation in (Decimal, Decimal | None):
        value = check_value(5, annotation, process="p", parameter="x")
        assert type(value) is Decimal
        assert value == 5
    assert type(check_value(5, Number, process="p", parameter="x")) is int


def test_a_wrong_value_with_a_wrong_repr_is_still_named() -> None:
    class Silent:
        def __repr__(self) -> str:
            raise RuntimeError

    assert "(Silent)" in refused(lambda: check_value(Silent(), int, process="p", parameter="x")).got
    assert len(refused(lambda: check_value("x" * 1000, int, process="p", parameter="x")).got) < 100


TYPES: list[Any] = [int, str, bool, float, bytes, date, list[int], dict[str, int], int | None]


@given(st.sampled_from(TYPES).flatmap(lambda annotation: st.tuples(st.just(annotation), st.from_type(annotation))))
def test_any_value_of_a_type_fits_it(typed: tuple[Any, object]) -> None:
    annotation, value = typed
    assert check_value(value, annotation, process="p", parameter="x") is value


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "int"),
        (None, "None"),
        (type(None), "None"),
        (Decimal | None, "Decimal | None"),
        (list[int], "list[int]"),
        (tuple[int, ...], "tuple[int, ...]"),
        (dict[str, list[Decimal]], "dict[str, list[Decimal]]"),
        (Callable[[int], str], "Callable[[int], str]"),
        (Literal["a", 1], "'a' or 1"),
        (Any, "Any"),
        (UserId, "UserId"),
        (Deal, "Deal"),
    ],
)
def test_a_type_is_shown_as_people_write_it(annotation: Any, text: str) -> None:
    assert readable(annotation) == text


def test_a_default_is_the_same_only_with_its_type() -> None:
    assert same(1, 1)
    assert same(float("nan"), 1.0) is False
    assert not same(1, True)  # noqa: FBT003
    assert not same(Decimal(1), 1)
    assert not same((), [])


# -- annotations -------------------------------------------------------------------------------------------------------


def test_a_name_that_is_nowhere_is_refused_at_the_first_call_and_says_what_to_do() -> None:
    checker = compile_checks(absent, "absent")
    with pytest.raises(ProcessDefinitionError, match=r"process absent: .*Absent.*Import"):
        checker.bind((1,), {})


def test_classes_of_the_function_around_are_found() -> None:
    @frozen
    class Local:
        n: int

    async def takes(local: Local, more: list[Local] | None = None) -> Local:
        return local

    checker = compile_checks(takes)
    assert checker.bind((Local(1),), {})["local"] == Local(1)
    assert checker.result_type is Local
    assert refused(lambda: checker.bind((1,), {})).expected == "Local"


def test_they_are_found_though_that_function_has_ended() -> None:
    def make() -> Any:
        @frozen
        class Local:
            n: int

        async def takes(local: Local) -> None: ...

        return compile_checks(takes), Local

    checker, cls = make()
    assert checker.bind((cls(1),), {}) == {"local": cls(1)}


def test_an_alias_that_names_what_its_own_module_knows_does_not_hinder() -> None:
    async def takes(users: int | Sequence[Hidden]) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    takes.__annotations__["users"] = Sequence["Hidden"]  # type: ignore[name-defined]  # noqa: F821
    assert hints_of(takes)["users"] == Sequence[Any]


def test_a_function_without_a_return_annotation_returns_anything() -> None:
    assert compile_checks(bare).result_type is Any
    assert compile_checks(score).result_type is str


def test_typeguard_is_imported_by_the_first_check_that_needs_it() -> None:
    code = """
import sys
from bizproc.core.checks import compile_checks
async def score(company_id: int, note: str | None = None): ...
checker = compile_checks(score)
checker.bind((5,), {"note": "x"})
assert "typeguard" not in sys.modules
try: checker.bind(("x",), {})
except TypeError: pass
assert "typeguard" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_check_can_be_made_once_and_used_often() -> None:
    check = Check.of(Decimal)
    assert check(1, "p", "x") == Decimal(1)
    assert refused(lambda: check("x", "p", "x")).parameter == "x"
