"""Several at once: gather, race, for_each, shield, attempt, sagas, children; who ends when, with what, after whom."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from bizproc.core.commands import (
    AwaitChild,
    ContinueAsNew,
    NewId,
    Note,
    Now,
    Patched,
    RandomNumber,
    StartChild,
)
from bizproc.core.errors import Cancelled, ChildFailed, WrongArgument
from bizproc.core.fork import Fork, Winner
from bizproc.core.outcome import Outcome
from bizproc.core.process import process
from bizproc.verbs import (
    attempt,
    continue_as_new,
    for_each,
    gather,
    new_id,
    note,
    now,
    patched,
    race,
    random,
    saga,
    shield,
    start,
)
from tests.unit.core.drive import (
    Boom,
    address_of,
    answer,
    asked,
    begun,
    error_of,
    fail,
    notes_of,
    result,
    say,
)


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """A coroutine that was never awaited warns in the test that made it."""
    yield
    gc.collect()


async def saying(*words: str) -> Any:
    """Says one after the other; gives the last answer."""
    last = None
    for word in words:
        last = await say(word)
    return last


async def with_cleanup(word: str, cleanup: str, log: list[str]) -> Any:
    try:
        return await say(word)
    finally:
        log.append(f"{word}: cleaning")
        await say(cleanup)
        log.append(f"{word}: clean")


async def at_once(value: Any) -> Any:
    return value


async def fails_at_once(text: str) -> Any:
    raise Boom(text)


# -- gather ------------------------------------------------------------------------------------------------------------


def test_gather_gives_results_in_the_order_of_its_arguments_whoever_ends_first() -> None:
    async def program() -> Any:
        return await gather(say("a"), say("b"), at_once("c"))

    driver = begun(program())
    answer(driver, b=2)
    answer(driver, a=1)
    assert result(driver) == (1, 2, "c")


def test_addresses_show_the_structure_and_not_the_order_of_events() -> None:
    async def program() -> Any:
        await saying("x", "y", "z")
        await gather(saying("a1", "a2", "a3"), gather(say("b"), saying("c1", "c2")))
        await say("end")

    driver = begun(program())
    answer(driver, x=0)
    answer(driver, y=0)
    answer(driver, z=0)
    assert asked(driver) == {"3.0.0": "a1", "3.1.0.0.0": "b", "3.1.0.1.0": "c1"}
    answer(driver, c1=0, a1=0, c2=0, a2=0)
    assert asked(driver) == {"3.1.0.0.0": "b", "3.0.2": "a3"}
    answer(driver, a3=0, b=0)
    assert asked(driver) == {"4": "end"}
    answer(driver, end=0)
    assert result(driver) is None


def test_an_empty_gather_is_over_at_once_and_takes_an_address() -> None:
    async def program() -> Any:
        empty: tuple[Any, ...] = await gather()
        return empty, await say("a")

    driver = begun(program())
    assert asked(driver) == {"1": "a"}
    answer(driver, a=1)
    assert result(driver) == ((), 1)


def test_the_first_error_cancels_the_others_and_is_raised_bare_when_they_have_cleaned_up() -> None:
    log: list[str] = []
    boom = Boom("a")

    async def program() -> Any:
        try:
            await gather(with_cleanup("b", "tidy b", log), say("a"), with_cleanup("c", "tidy c", log))
        except Boom as error:
            log.append("raised")
            return error

    driver = begun(program())
    fail(driver, "a", boom)
    assert asked(driver) == {"0.0.1": "tidy b", "0.2.1": "tidy c"}
    assert log == ["b: cleaning", "c: cleaning"]
    answer(driver, **{"tidy c": None})
    assert driver.outcome is None
    answer(driver, **{"tidy b": None})
    assert log[2:] == ["c: clean", "b: clean", "raised"]
    assert result(driver) is boom
    assert notes_of(boom) == []


def test_the_first_error_is_the_first_to_be_delivered_and_later_ones_are_notes_on_it() -> None:
    async def tidies_badly(word: str) -> None:
        try:
            await say(word)
        finally:
            raise Boom(f"tidying {word}")

    async def program() -> None:
        await gather(tidies_badly("a"), say("b"), tidies_badly("c"))

    driver = begun(program())
    fail(driver, "b", Boom("first"))
    error = error_of(driver)
    assert str(error) == "first"
    assert notes_of(error) == ["later, in branch 0: Boom: tidying a", "later, in branch 2: Boom: tidying c"]


def test_branches_that_are_merely_cancelled_leave_no_notes() -> None:
    async def program() -> None:
        await gather(say("a"), say("b"), saying("c"))

    driver = begun(program())
    fail(driver, "c")
    assert notes_of(error_of(driver)) == []


def test_a_later_error_that_cannot_say_what_it_is_is_named_all_the_same() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    async def mute() -> None:
        try:
            await say("a")
        finally:
            raise Mute

    async def program() -> None:
        await gather(mute(), say("b"))

    driver = begun(program())
    fail(driver, "b")
    assert notes_of(error_of(driver)) == ["later, in branch 0: Mute"]


def test_an_owner_goes_on_once_after_branches_that_failed_before_others_began() -> None:
    # The first branch fails as it begins, when the others have not begun.
    for others in (1, 2, 3):

        async def program(others: int = others) -> list[Any]:
            got = []
            try:
                await gather(fails_at_once("x"), *[saying("never") for _ in range(others)])
            except Boom:
                got.append(await say("after"))
            got.append(await say("then"))
            return got

        driver = begun(program())
        assert asked(driver) == {"1": "after"}
        answer(driver, after=1)
        assert asked(driver) == {"2": "then"}
        answer(driver, then=2)
        assert result(driver) == [1, 2]


def test_a_branch_that_has_an_undelivered_answer_when_its_sibling_fails_is_cancelled_instead() -> None:
    # The inner fork is over, and its answer is in the queue behind the branch that fails.
    log: list[str] = []

    async def inner() -> None:
        try:
            log.append(f"got {await gather(at_once(1))}")
            await say("never")
        except Cancelled:
            log.append("cancelled")
            raise

    async def late() -> None:
        await gather()
        raise Boom("late")

    async def program() -> None:
        await gather(inner(), late())

    assert str(error_of(begun(program()))) == "late"
    assert log == ["cancelled"]


def test_an_undelivered_error_that_a_cancel_replaces_is_its_context() -> None:
    seen: list[BaseException] = []

    async def waits() -> None:
        try:
            await gather(fails_at_once("inner"))
        except BaseException as error:
            seen.append(error)
            raise

    async def fails_after_one_round() -> None:
        await gather()
        raise Boom("outer")

    async def program() -> None:
        await gather(waits(), fails_after_one_round())

    assert str(error_of(begun(program()))) == "outer"
    assert [type(error) for error in seen] == [Cancelled]
    assert str(seen[0].__context__) == "inner"


def test_a_result_that_is_an_error_object_is_a_result() -> None:
    boom = Boom("a value")

    async def program() -> Any:
        return await gather(at_once(boom), say("a"))

    driver = begun(program())
    answer(driver, a=1)
    assert result(driver) == (boom, 1)


def test_branches_share_plain_variables_as_coroutines_do() -> None:
    totals = []

    async def add(word: str) -> None:
        totals.append(await say(word))

    async def program() -> Any:
        await gather(add("a"), add("b"))
        return tuple(totals)

    driver = begun(program())
    answer(driver, b=2, a=1)
    assert result(driver) == (2, 1)


def test_what_is_not_awaitable_fails_in_its_branch() -> None:
    async def program() -> None:
        await gather(5)  # type: ignore[call-overload]

    assert isinstance(error_of(begun(program())), TypeError)


def test_one_coroutine_in_two_branches_is_refused_as_python_refuses_it() -> None:
    async def program() -> None:
        both = saying("a")
        await gather(both, both)

    error = error_of(begun(program()))
    assert (type(error), str(error)) == (RuntimeError, "coroutine is being awaited already")


def test_one_fork_awaited_twice_is_refused_as_python_refuses_it() -> None:
    async def program() -> None:
        fork = gather(saying("a"))
        await fork
        await fork

    driver = begun(program())
    answer(driver, a=1)
    error = error_of(driver)
    assert (type(error), str(error)) == (RuntimeError, "cannot reuse already awaited coroutine")


# -- race --------------------------------------------------------------------------------------------------------------


def test_the_first_to_end_wins_and_the_losers_have_cleaned_up_when_the_race_returns() -> None:
    log: list[str] = []

    async def program() -> Any:
        winner = await race(with_cleanup("a", "tidy a", log), say("b"))
        log.append("over")
        return winner

    driver = begun(program())
    answer(driver, b="won")
    assert asked(driver) == {"0.0.1": "tidy a"}
    assert driver.outcome is None
    answer(driver, **{"tidy a": None})
    assert log == ["a: cleaning", "a: clean", "over"]
    assert result(driver) == Winner(1, "won")


def test_a_race_that_an_error_wins_raises_it() -> None:
    log: list[str] = []
    boom = Boom("b")

    async def program() -> None:
        await race(with_cleanup("a", "tidy a", log), say("b"))

    driver = begun(program())
    fail(driver, "b", boom)
    answer(driver, **{"tidy a": None})
    assert error_of(driver) is boom
    assert log == ["a: cleaning", "a: clean"]


def test_a_loser_gets_no_answer_any_more() -> None:
    async def program() -> Any:
        return await race(saying("a", "a2"), say("b"))

    driver = begun(program())
    address = address_of(driver, "a")
    answer(driver, b=1)
    with pytest.raises(KeyError):
        driver.resume(address, "late")
    assert result(driver) == Winner(1, 1)


def test_a_losers_value_or_later_commands_do_not_count() -> None:
    async def stubborn() -> Any:
        try:
            return await say("a")
        except Cancelled:
            return await say("still")

    async def program() -> Any:
        return await race(stubborn(), say("b"))

    driver = begun(program())
    answer(driver, b="won")
    assert asked(driver) == {"0.0.1": "still"}
    answer(driver, still="late")
    assert result(driver) == Winner(1, "won")


def test_an_error_in_a_losers_cleanup_is_not_lost() -> None:
    async def tidies_badly(word: str) -> None:
        try:
            await say(word)
        finally:
            raise Boom(f"tidying {word}")

    async def program() -> None:
        await race(tidies_badly("a"), say("b"), tidies_badly("c"))

    driver = begun(program())
    answer(driver, b="won")
    error = error_of(driver)
    assert str(error) == "tidying a"
    assert notes_of(error) == [
        "raised in the cleanup of branch 0, after another branch had won",
        "later, in branch 2: Boom: tidying c",
    ]


def test_an_error_in_the_cleanup_far_below_a_loser_is_not_lost() -> None:
    async def tidies_badly() -> None:
        try:
            await say("a")
        finally:
            raise Boom("tidying")

    async def program() -> Any:
        return await race(gather(tidies_badly()), say("b"))

    driver = begun(program())
    answer(driver, b="won")
    assert str(error_of(driver)) == "tidying"


def test_when_several_could_end_at_once_the_first_argument_wins() -> None:
    began = []

    async def branch(name: str) -> str:
        began.append(name)
        return name

    async def program() -> Any:
        return await race(branch("a"), branch("b"))

    assert result(begun(program())) == Winner(0, "a")
    assert began == ["a"]


def test_a_race_of_one_is_that_one() -> None:
    async def program() -> Any:
        return await race(say("a"))

    driver = begun(program())
    answer(driver, a=1)
    assert result(driver) == Winner(0, 1)


def test_a_race_of_none_is_refused() -> None:
    with pytest.raises(WrongArgument, match="race: parameter awaitables: expected at least one, got none"):
        _ = race()


def test_a_race_whose_loser_holds_a_shield_ends_when_the_shield_does() -> None:
    log = []

    async def loser() -> None:
        try:
            await shield(saying("pay", "book"))
        except Cancelled:
            log.append("cancelled after the shield")
            raise

    async def program() -> Any:
        return await race(loser(), say("b"))

    driver = begun(program())
    answer(driver, b="won")
    assert asked(driver) == {"0.0.0.0.0": "pay"}
    answer(driver, pay=None)
    assert log == []
    assert asked(driver) == {"0.0.0.0.1": "book"}
    answer(driver, book=None)
    assert log == ["cancelled after the shield"]
    assert result(driver) == Winner(1, "won")


def test_races_within_races_cancel_downwards_only() -> None:
    async def program() -> Any:
        return await gather(race(race(say("a"), say("b")), say("c")), say("d"))

    driver = begun(program())
    answer(driver, c=3)
    assert asked(driver) == {"0.1.0": "d"}
    answer(driver, d=4)
    assert result(driver) == (Winner(1, 3), 4)


# -- for_each ----------------------------------------------------------------------------------------------------------


def each(names: str, *, limit: int | None = None, function: Callable[[str], Awaitable[Any]] = say) -> Any:
    async def program() -> Any:
        return await for_each(function, names, limit=limit)

    return program()


def test_for_each_gives_results_in_the_order_of_the_items() -> None:
    driver = begun(each("abc"))
    assert asked(driver) == {"0.0.0": "a", "0.1.0": "b", "0.2.0": "c"}
    answer(driver, c=3, a=1, b=2)
    assert result(driver) == (1, 2, 3)


def test_for_each_over_nothing_is_over_at_once() -> None:
    assert result(begun(each(""))) == ()
    assert result(begun(each("", limit=1))) == ()


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 9])
def test_at_most_limit_branches_run_at_a_time_and_the_next_begins_as_one_ends(limit: int) -> None:
    driver = begun(each("abcdef", limit=limit))
    most = 0
    while driver.asks:
        most = max(most, len(driver.asks))
        last = list(driver.asks.values())[-1]
        driver.resume(last.address, last.command.name.upper())
    assert most == min(limit, 6)
    assert result(driver) == tuple("ABCDEF")


def test_branches_that_end_at_once_make_room_at_once() -> None:
    driver = begun(each("ab" * 5_000, limit=2, function=at_once))
    assert result(driver) == tuple("ab" * 5_000)


def test_an_error_keeps_the_items_that_have_not_begun_from_beginning() -> None:
    began = []

    async def one(name: str) -> Any:
        began.append(name)
        return await say(name)

    driver = begun(each("abcd", limit=2, function=one))
    answer(driver, a=1)
    fail(driver, "b")
    assert str(error_of(driver)) == "b"
    assert began == ["a", "b", "c"]


def test_a_cancel_keeps_the_items_that_have_not_begun_from_beginning() -> None:
    log: list[str] = []

    async def one(name: str) -> Any:
        await with_cleanup(name, f"tidy {name}", log)

    driver = begun(each("abcd", limit=2, function=one))
    driver.cancel()
    answer(driver, **{"tidy b": None, "tidy a": None})
    assert log == ["a: cleaning", "b: cleaning", "b: clean", "a: clean"]
    assert type(error_of(driver)) is Cancelled


def test_the_function_is_called_inside_the_branch() -> None:
    def refuses(name: str) -> Any:
        raise Boom(f"no {name}")

    async def program() -> Any:
        fork = for_each(refuses, ["a"])
        try:
            await fork
        except Boom as error:
            return str(error)

    assert result(begun(program())) == "no a"


def test_items_are_read_once_before_the_first_branch_begins() -> None:
    log = []

    def items() -> Iterator[str]:
        for name in "ab":
            log.append(f"read {name}")
            yield name

    async def one(name: str) -> None:
        log.append(f"begin {name}")

    async def program() -> None:
        await for_each(one, items(), limit=1)

    assert result(begun(program())) is None
    assert log == ["read a", "read b", "begin a", "begin b"]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(limit: int) -> None:
    with pytest.raises(WrongArgument, match=f"for_each: parameter limit: expected 1 or more, or None, got {limit}"):
        _ = for_each(say, "ab", limit=limit)


# -- shield ------------------------------------------------------------------------------------------------------------


def test_a_shield_finishes_under_a_cancel_which_is_raised_after_it() -> None:
    log = []

    async def program() -> None:
        try:
            log.append(await shield(saying("pay", "book")))
        except Cancelled:
            log.append("cancelled")
            raise

    driver = begun(program())
    driver.cancel()
    driver.cancel()
    assert asked(driver) == {"0.0.0": "pay"}
    answer(driver, pay=None)
    assert log == []
    answer(driver, book=None)
    assert log == ["cancelled"]
    assert type(error_of(driver)) is Cancelled


def test_an_error_under_a_shield_that_was_cancelled_is_a_note_on_the_cancel() -> None:
    async def program() -> None:
        await shield(say("pay"))

    driver = begun(program())
    driver.cancel()
    fail(driver, "pay", Boom("no money"))
    error = error_of(driver)
    assert type(error) is Cancelled
    assert notes_of(error) == ["later, in branch 0: Boom: no money"]


def test_an_error_under_a_shield_is_raised() -> None:
    async def program() -> None:
        await shield(say("pay"))

    driver = begun(program())
    fail(driver, "pay", Boom("no money"))
    assert str(error_of(driver)) == "no money"


def test_forks_under_a_shield_are_not_cancelled() -> None:
    async def program() -> None:
        await shield(gather(say("a"), race(say("b"), say("c"))))

    driver = begun(program())
    driver.cancel()
    assert sorted(asked(driver).values()) == ["a", "b", "c"]
    answer(driver, c=None, a=None)
    assert type(error_of(driver)) is Cancelled


def test_a_shield_that_had_not_begun_when_its_branch_was_cancelled_finishes() -> None:
    log = []

    async def shielded() -> None:
        log.append(await say("pay"))

    async def shields() -> None:
        await shield(shielded())

    async def fails_after_one_round() -> None:
        raise Boom("outer")

    async def program() -> None:
        await gather(shields(), fails_after_one_round())

    driver = begun(program())
    assert list(asked(driver).values()) == ["pay"]
    answer(driver, pay="paid")
    assert log == ["paid"]
    assert str(error_of(driver)) == "outer"


def test_a_shield_in_cleanup_is_as_good_as_none() -> None:
    async def program() -> None:
        try:
            await say("a")
        finally:
            await shield(say("tidy"))

    driver = begun(program())
    driver.cancel()
    answer(driver, tidy=None)
    assert type(error_of(driver)) is Cancelled


# -- cancelling forks --------------------------------------------------------------------------------------------------


def test_a_cancelled_owner_waits_for_the_cleanup_of_all_its_branches() -> None:
    log: list[str] = []

    async def program() -> None:
        try:
            await gather(with_cleanup("a", "tidy a", log), gather(with_cleanup("b", "tidy b", log)))
        finally:
            log.append("owner")

    driver = begun(program())
    driver.cancel()
    assert sorted(asked(driver).values()) == ["tidy a", "tidy b"]
    answer(driver, **{"tidy a": None})
    assert "owner" not in log
    answer(driver, **{"tidy b": None})
    assert log[-1] == "owner"
    assert type(error_of(driver)) is Cancelled


def test_errors_in_the_cleanup_of_cancelled_branches_are_notes_on_the_cancel() -> None:
    async def tidies_badly() -> None:
        try:
            await say("a")
        finally:
            raise Boom("tidying")

    async def program() -> None:
        await gather(tidies_badly(), say("b"))

    driver = begun(program())
    driver.cancel()
    error = error_of(driver)
    assert type(error) is Cancelled
    assert notes_of(error) == ["later, in branch 0: Boom: tidying"]


def test_errors_in_the_cleanup_of_branches_far_below_are_notes_too() -> None:
    async def tidies_badly() -> None:
        try:
            await say("a")
        finally:
            raise Boom("tidying")

    async def program() -> None:
        await gather(race(gather(tidies_badly())), say("b"))

    driver = begun(program())
    driver.cancel()
    error = error_of(driver)
    assert type(error) is Cancelled
    assert notes_of(error) == ["later, in branch 0: Boom: tidying"]

    driver = begun(program())
    fail(driver, "b", Boom("first"))
    assert notes_of(error_of(driver)) == ["later, in branch 0: Boom: tidying"]


def test_a_cancel_while_a_failed_gather_cleans_up_has_the_error_as_its_context() -> None:
    log: list[str] = []

    async def program() -> None:
        await gather(with_cleanup("a", "tidy a", log), say("b"))

    driver = begun(program())
    fail(driver, "b", Boom("first"))
    driver.cancel()
    assert asked(driver) == {"0.0.1": "tidy a"}
    answer(driver, **{"tidy a": None})
    error = error_of(driver)
    assert type(error) is Cancelled
    assert str(error.__context__) == "first"


def test_a_cancel_while_a_race_cleans_up_is_raised_in_place_of_the_winner() -> None:
    log: list[str] = []

    async def program() -> None:
        await race(with_cleanup("a", "tidy a", log), say("b"))

    driver = begun(program())
    answer(driver, b="won")
    driver.cancel()
    answer(driver, **{"tidy a": None})
    assert type(error_of(driver)) is Cancelled


def test_an_owner_that_catches_the_cancel_of_its_fork_may_fork_again() -> None:
    async def program() -> Any:
        try:
            await gather(say("a"), say("b"))
        except Cancelled:
            return await gather(say("c"), say("d"))

    driver = begun(program())
    driver.cancel()
    assert asked(driver) == {"1.0.0": "c", "1.1.0": "d"}
    answer(driver, c=1, d=2)
    assert result(driver) == (1, 2)


def test_a_branch_that_catches_its_cancel_does_not_save_the_gather() -> None:
    async def stubborn() -> str:
        try:
            await say("a")
        except Cancelled:
            return "kept"
        return "answered"

    async def program() -> None:
        await gather(stubborn(), say("b"))

    driver = begun(program())
    driver.cancel()
    assert type(error_of(driver)) is Cancelled


# -- what never begins is closed ---------------------------------------------------------------------------------------


async def owns(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


UNSTARTED: list[Callable[[], Awaitable[Any]]] = [
    lambda: saying("never"),
    lambda: gather(saying("never"), saying("never")),
    lambda: race(saying("never"), gather(saying("never"))),
    lambda: shield(saying("never")),
    lambda: attempt(saying("never")),
    lambda: attempt(gather(attempt(saying("never")))),
    lambda: for_each(saying, "ab"),
    lambda: say("never"),
]


@pytest.mark.parametrize("number", range(len(UNSTARTED)))
def test_coroutines_in_branches_that_never_begin_are_closed(number: int) -> None:
    async def program() -> None:
        await gather(fails_at_once("x"), UNSTARTED[number](), saying("never"))

    driver = begun(program())
    assert str(error_of(driver)) == "x"
    gc.collect()


@pytest.mark.parametrize("number", range(len(UNSTARTED)))
def test_coroutines_in_branches_that_never_begin_are_closed_when_their_owner_is_cancelled(number: int) -> None:
    async def owner() -> None:
        await gather(UNSTARTED[number](), UNSTARTED[number]())

    async def fails() -> None:
        raise Boom("x")

    async def program() -> None:
        # `owner` has forked, and its branches are in the queue behind `fails`.
        await gather(owner(), fails())

    assert str(error_of(begun(program()))) == "x"
    gc.collect()


@pytest.mark.parametrize("number", range(len(UNSTARTED)))
def test_what_a_saga_need_not_undo_is_closed(number: int) -> None:
    async def program() -> None:
        async with saga() as undo:
            undo.compensate(UNSTARTED[number]())

    assert result(begun(program())) is None
    gc.collect()


# -- attempt -----------------------------------------------------------------------------------------------------------


def test_an_attempt_gives_the_value_or_the_error() -> None:
    boom = Boom("b")

    async def program() -> Any:
        return await attempt(say("a")), await attempt(saying("b")), await attempt(gather(say("c")))

    driver = begun(program())
    answer(driver, a=1)
    fail(driver, "b", boom)
    answer(driver, c=3)
    assert result(driver) == (Outcome(1), Outcome(error=boom), Outcome((3,)))


def test_an_attempt_takes_no_address_of_its_own() -> None:
    async def program() -> None:
        await attempt(say("a"))
        await say("b")

    driver = begun(program())
    assert asked(driver) == {"0": "a"}
    answer(driver, a=None)
    assert asked(driver) == {"1": "b"}
    answer(driver, b=None)


def test_attempts_in_a_gather_do_not_cancel_each_other() -> None:
    async def program() -> Any:
        return await gather(attempt(say("a")), attempt(say("b")))

    driver = begun(program())
    fail(driver, "a")
    assert asked(driver) == {"0.1.0": "b"}
    answer(driver, b=2)
    assert result(driver) == (Outcome(error=Boom("a")), Outcome(2))


def test_an_attempt_does_not_stop_a_cancel() -> None:
    async def program() -> None:
        await attempt(say("a"))
        await say("never")

    driver = begun(program())
    driver.cancel()
    assert type(error_of(driver)) is Cancelled


# -- sagas -------------------------------------------------------------------------------------------------------------


async def books(*words: str, then: Awaitable[Any] | None = None) -> None:
    async with saga() as undo:
        for word in words:
            await say(word)
            undo.compensate(say(f"un{word}"))
        if then is not None:
            await then


def undone(word: str) -> dict[str, Any]:
    return {f"un{word}": None}


def test_a_saga_that_comes_to_its_end_undoes_nothing() -> None:
    driver = begun(books("a", "b"))
    answer(driver, a=1, b=2)
    assert result(driver) is None


def test_a_saga_that_fails_undoes_in_reverse_order_and_raises_the_error() -> None:
    driver = begun(books("a", "b", then=say("c")))
    answer(driver, a=1, b=2)
    fail(driver, "c")
    assert list(asked(driver).values()) == ["unb"]
    answer(driver, **undone("b"))
    assert list(asked(driver).values()) == ["una"]
    answer(driver, **undone("a"))
    assert str(error_of(driver)) == "c"


def test_a_saga_that_is_cancelled_undoes_too() -> None:
    driver = begun(books("a", then=say("c")))
    answer(driver, a=1)
    driver.cancel()
    driver.cancel()
    answer(driver, **undone("a"))
    assert type(error_of(driver)) is Cancelled


def test_an_undo_that_fails_is_a_note_and_the_others_are_done() -> None:
    driver = begun(books("a", "b", then=say("c")))
    answer(driver, a=1, b=2)
    fail(driver, "c")
    fail(driver, "unb", Boom("no"))
    answer(driver, **undone("a"))
    assert notes_of(error_of(driver)) == ["an undo failed: Boom: no"]


def test_a_cancel_while_a_failed_saga_undoes_is_raised_when_all_is_undone() -> None:
    driver = begun(books("a", "b", then=say("c")))
    answer(driver, a=1, b=2)
    fail(driver, "c", Boom("c"))
    driver.cancel()
    assert list(asked(driver).values()) == ["unb"]
    answer(driver, **undone("b"))
    answer(driver, **undone("a"))
    error = error_of(driver)
    assert type(error) is Cancelled
    assert str(error.__context__) == "c"


def test_an_undo_may_be_a_coroutine_or_a_fork() -> None:
    async def program() -> None:
        async with saga() as undo:
            undo.compensate(saying("x", "y"))
            undo.compensate(gather(saying("p"), saying("q")))
            await say("a")

    driver = begun(program())
    fail(driver, "a")
    answer(driver, q=None, p=None)
    answer(driver, x=None)
    answer(driver, y=None)
    assert str(error_of(driver)) == "a"


def test_sagas_nest() -> None:
    async def program() -> None:
        async with saga() as outer:
            await say("a")
            outer.compensate(say("una"))
            await books("b", then=say("c"))

    driver = begun(program())
    answer(driver, a=1, b=2)
    fail(driver, "c")
    answer(driver, **undone("b"))
    answer(driver, **undone("a"))
    assert str(error_of(driver)) == "c"


# -- children and facts ------------------------------------------------------------------------------------------------


@process("test.child")
async def child(*, discount: Decimal = Decimal(5)) -> int:
    return int(discount)


def test_a_call_awaited_starts_a_child_and_waits_for_it() -> None:
    async def program() -> int:
        return await child(discount=Decimal(7))

    driver = begun(program())
    starting = driver.asks["0"].command
    assert isinstance(starting, StartChild)
    assert (starting.kind, starting.name, starting.arguments()) == ("start", "test.child", {"discount": Decimal(7)})
    driver.resume("0", "w-1")
    waiting = driver.asks["1"].command
    assert (waiting, waiting.result_type, waiting.arguments()) == (AwaitChild("w-1", int), int, {"child": "w-1"})
    driver.resume("1", 7)
    assert result(driver) == 7


def test_a_child_that_was_started_can_be_awaited_later() -> None:
    async def program() -> Any:
        running = await start(child(), detached=True)
        await say("a")
        return running.id, await running

    driver = begun(program())
    assert driver.asks["0"].command.arguments() == {"detached": True}
    driver.resume("0", "w-1")
    answer(driver, a=None)
    assert driver.asks["2"].command == AwaitChild("w-1", int)
    driver.resume("2", 5)
    assert result(driver) == ("w-1", 5)


def test_a_child_that_failed_raises_at_its_await() -> None:
    async def program() -> Any:
        try:
            return await child()
        except ChildFailed as error:
            return error.child

    driver = begun(program())
    driver.resume("0", "w-1")
    driver.resume("1", error=ChildFailed(child="w-1", process="test.child", state="failed", text="boom"))
    assert result(driver) == "w-1"


def test_facts_are_commands_with_their_types() -> None:
    commands: list[Any] = [
        now(),
        new_id(),
        random(),
        note("hello", n=1),
        patched("lose-first"),
        continue_as_new(page=2),
    ]
    assert commands == [
        Now(), NewId(), RandomNumber(), Note("hello", {"n": 1}), Patched("lose-first"), ContinueAsNew({"page": 2}),
    ]  # fmt: skip
    assert [(c.kind, c.name, dict(c.arguments()), c.result_type) for c in commands] == [
        ("now", "now", {}, datetime),
        ("new_id", "new_id", {}, UUID),
        ("random", "random", {}, float),
        ("note", "note", {"text": "hello", "n": 1}, type(None)),
        ("patched", "lose-first", {}, bool),
        ("continue", "continue", {"page": 2}, Any),
    ]


def test_facts_are_awaited_like_any_command() -> None:
    async def program() -> Any:
        return await now(), await patched("x")

    driver = begun(program())
    moment = datetime(2026, 1, 31, 9, tzinfo=UTC)
    driver.resume("0", moment)
    driver.resume("1", value=True)
    assert result(driver) == (moment, True)


def test_a_fork_is_named_by_what_it_does() -> None:
    forks: list[Any] = [gather(), race(say("a")), shield(say("a")), for_each(say, "a", limit=2)]
    assert [(fork.kind, fork.name, fork.limit) for fork in forks] == [
        ("fork", "gather", None), ("fork", "race", None), ("fork", "shield", None), ("fork", "gather", 2),
    ]  # fmt: skip
    assert all(isinstance(fork, Fork) for fork in forks)
