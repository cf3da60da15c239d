"""Processes and calls: what is refused when they are defined, what is refused when they are called, what a call is."""

from __future__ import annotations

import asyncio
import gc
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from attrs import frozen

from bizproc.core.commands import StartChild
from bizproc.core.errors import ProcessDefinitionError, WrongArgument
from bizproc.core.process import Call, Process, process
from tests.unit.core.drive import begun, result


@frozen
class Deal:
    item_type: ClassVar[str] = "deal"
    id: int


@process("sales.follow_up", version=2, overlap="queue", on_error="continue", retention=timedelta(days=3))
async def follow_up(deal: Deal, *, discount: Decimal = Decimal(5), note: str = "") -> str:
    """Offer the tea sampler."""
    return f"{deal.id}: {discount}{note}"


@process("housekeeping")
async def housekeeping() -> None: ...


# -- definition --------------------------------------------------------------------------------------------------------


def test_a_process_is_a_value_that_says_what_it_is() -> None:
    assert isinstance(follow_up, Process)
    assert (follow_up.name, follow_up.version, follow_up.starts) == ("sales.follow_up", 2, None)
    assert (follow_up.overlap, follow_up.on_error, follow_up.retention) == ("queue", "continue", timedelta(days=3))
    assert follow_up.__doc__ == "Offer the tea sampler."
    assert follow_up.result_type is str
    assert follow_up.form.document is Deal
    assert [parameter.name for parameter in follow_up.form.parameters] == ["discount", "note"]


def test_what_is_left_out_is_the_first_version_alone_on_its_document_and_raises() -> None:
    assert (housekeeping.version, housekeeping.overlap, housekeeping.on_error, housekeeping.retention) == (
        1, "single", "raise", None,
    )  # fmt: skip
    assert housekeeping.form.document is None
    assert housekeeping.result_type is type(None)


def test_a_process_defined_in_a_function_may_name_the_types_of_that_function() -> None:
    @frozen
    class Report:
        lines: int

    @process("local")
    async def local(*, before: Report | None = None) -> Report:
        return Report(1)

    assert local.result_type is Report
    assert isinstance(local(before=Report(3)), Call)


def test_a_process_without_a_return_annotation_gives_anything() -> None:
    @process("bare")
    async def bare():  # type: ignore[no-untyped-def]  # noqa: ANN202
        ...

    assert bare.result_type is Any


def plain(deal: Deal) -> None: ...


async def generator() -> Any:
    yield 1


async def positional(deal: Deal, discount: Decimal) -> None: ...


async def starred(*deals: Deal) -> None: ...


async def double_starred(deal: Deal, **rest: int) -> None: ...


async def untyped(deal) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    ...


async def no_item(discount: Decimal) -> None: ...


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (plain, "a process is an async function: write `async def plain(...)`."),
        (generator, "it has a `yield`: a process awaits and returns."),
        (positional, "only the document is given by position: write `*` before `discount`"),
        (starred, "`*deals: 'Deal'` is no line of a start form"),
        (double_starred, "`**rest: 'int'` is no line of a start form"),
        (untyped, "its first parameter, `deal`, is the document and needs its type"),
        (no_item, "its first parameter, `discount: Decimal`, is the document and must be of one kind of item"),
    ],
)
def test_a_function_that_cannot_be_a_process_is_refused_and_told_why(function: Any, says: str) -> None:
    with pytest.raises(ProcessDefinitionError) as raised:
        process("wrong")(function)
    assert raised.value.process == "wrong"
    assert says in str(raised.value)


# -- calls -------------------------------------------------------------------------------------------------------------


def test_calling_a_process_makes_a_call_and_runs_nothing() -> None:
    call = follow_up(Deal(7), discount=Decimal(3))
    assert isinstance(call, Call)
    assert (call.process, call.document) == (follow_up, Deal(7))
    assert call.parameters == {"discount": Decimal(3), "note": ""}
    gc.collect()


def test_a_calls_coroutine_is_the_function_with_its_arguments() -> None:
    assert asyncio.run(follow_up(Deal(7), discount=Decimal(3), note="!").coroutine()) == "7: 3!"
    assert asyncio.run(housekeeping().coroutine()) is None


def test_a_call_may_be_begun_more_than_once() -> None:
    call = follow_up(Deal(7))
    assert asyncio.run(call.coroutine()) == asyncio.run(call.coroutine()) == "7: 5"


def test_an_int_for_a_decimal_is_taken() -> None:
    assert follow_up(Deal(7), discount=3).parameters["discount"] == Decimal(3)  # type: ignore[arg-type]
    assert type(follow_up(Deal(7), discount=3).parameters["discount"]) is Decimal  # type: ignore[arg-type]


def test_the_document_may_be_given_by_name() -> None:
    assert follow_up(deal=Deal(7)).document == Deal(7)


@pytest.mark.parametrize(
    ("args", "kwargs", "parameter"),
    [
        ((), {}, "deal"),
        ((7,), {}, "deal"),
        ((Deal(7), Decimal(3)), {}, "number 2"),
        ((Deal(7),), {"discount": "3"}, "discount"),
        ((Deal(7),), {"discount": 3.5}, "discount"),
        ((Deal(7),), {"discuont": 3}, "discuont"),
        ((Deal(7),), {"deal": Deal(8)}, "deal"),
    ],
)
def test_a_call_that_does_not_fit_is_refused_by_name(args: Any, kwargs: Any, parameter: str) -> None:
    with pytest.raises(WrongArgument) as raised:
        _ = follow_up(*args, **kwargs)
    assert (raised.value.process, raised.value.parameter) == ("sales.follow_up", parameter)


def test_a_process_without_a_document_takes_nothing_by_position() -> None:
    with pytest.raises(WrongArgument, match="housekeeping: parameter number 1: expected nothing by position"):
        _ = housekeeping(Deal(7))  # type: ignore[call-arg]


def test_a_call_is_identified_by_its_document_and_what_differs_from_the_defaults() -> None:
    assert follow_up(Deal(7)).arguments() == {"deal": Deal(7)}
    assert follow_up(Deal(7), discount=Decimal(5)).arguments() == {"deal": Deal(7)}
    assert follow_up(Deal(7), note="!").arguments() == {"deal": Deal(7), "note": "!"}
    assert housekeeping().arguments() == {}


def test_a_parameter_called_document_does_not_hide_the_document() -> None:
    @process("papers")
    async def papers(deal: Deal, *, document: str) -> None: ...

    assert papers(Deal(1), document="offer").arguments() != papers(Deal(2), document="offer").arguments()


def test_calls_are_compared_by_what_they_are_and_not_by_what_they_hold() -> None:
    # They are handed around like coroutines: two calls with the same arguments are two calls.
    assert follow_up(Deal(7)) != follow_up(Deal(7))


def test_a_call_awaited_in_a_process_starts_it_with_its_arguments() -> None:
    async def program() -> str:
        return await follow_up(Deal(7), note="!")

    driver = begun(program())
    command = driver.asks["0"].command
    assert isinstance(command, StartChild)
    assert (command.name, command.arguments()) == ("sales.follow_up", {"deal": Deal(7), "note": "!"})
    driver.resume("0", "w-1")
    assert driver.asks["1"].command.result_type is str
    driver.resume("1", "done")
    assert result(driver) == "done"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"overlap": "singel"},
            "overlap: expected one of 'single', 'parallel', 'replace', 'queue', got 'singel'. Did you mean 'single'?",
        ),
        ({"overlap": None}, "overlap: expected one of"),
        ({"on_error": "ignore"}, "on_error: expected one of 'raise', 'continue', got 'ignore'."),
    ],
)
def test_a_word_that_is_none_is_refused_where_it_is_written(options: Any, says: str) -> None:
    with pytest.raises(ProcessDefinitionError) as raised:

        @process("wrong", **options)
        async def wrong() -> None: ...

    assert says in str(raised.value)
