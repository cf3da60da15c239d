"""
Random programs, driven with random deliveries: what the driver promises of any of them.

A program is a tree; each node's path is its name, so that a log line, a command and a branch say where they come from.
"""

from __future__ import annotations

import gc
import re
import warnings
from collections.abc import Awaitable, Coroutine
from typing import Any, Literal, TypeAlias

from attrs import define, field, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bizproc.core.driver import Driver
from bizproc.core.errors import Cancelled
from bizproc.core.frames import can_drop, drop
from bizproc.core.outcome import Outcome
from bizproc.verbs import attempt, for_each, gather, race, saga, shield
from tests.unit.core.drive import INSTANCE, Boom, asked, say

# -- programs ----------------------------------------------------------------------------------------------------------


@frozen
class Node:
    kind: str
    parts: tuple[Node, ...] = ()
    number: int = 0

    def __repr__(self) -> str:
        inside = ", ".join(map(repr, self.parts))
        return f"{self.kind}{self.number or ''}({inside})"


@define
class World:
    """What a program shares: a log, a plain variable; and who is running, to see that nobody outlives its owner."""

    log: list[str] = field(factory=list)
    total: int = 0
    running: set[str] = field(factory=set)
    orphans: list[str] = field(factory=list)


def made(node: Node, path: str, world: World) -> Awaitable[Any]:
    """What a process would hand to `gather` and the like: a command, a fork, an attempt, or a coroutine."""
    parts = [(part, f"{path}.{index}") for index, part in enumerate(node.parts)]
    match node.kind:
        case "say":
            return say(path)
        case "gather":
            return gather(*[made(*part, world) for part in parts])
        case "race":
            return race(*[made(*part, world) for part in parts])
        case "shield":
            return shield(made(*parts[0], world))
        case "attempt":
            return attempt(made(*parts[0], world))
        case "for_each":
            return for_each(lambda part: made(*part, world), parts, limit=node.number or None)
        case _:
            return tracked(node, path, world)


async def tracked(node: Node, path: str, world: World) -> Any:
    world.running.add(path)
    world.log.append(f"+{path}")
    try:
        return await run(node, path, world)
    except BaseException as error:
        world.log.append(f"!{path} {type(error).__name__}")
        raise
    finally:
        world.running.discard(path)
        world.log.append(f"-{path}")


async def run(node: Node, path: str, world: World) -> Any:
    """Run a node to its end; all that it started has ended then."""
    try:
        value = await RUNS.get(node.kind, run_made)(node, path, world)
    finally:
        world.orphans += [each for each in world.running if each.startswith(f"{path}.")]
    if isinstance(value, int):
        world.total += value
    world.log.append(f"{path} = {value!r} ({world.total})")
    return value


async def run_made(node: Node, path: str, world: World) -> Any:
    return await made(node, path, world)


async def run_sequence(node: Node, path: str, world: World) -> Any:
    return [await run(part, f"{path}.{index}", world) for index, part in enumerate(node.parts)]


async def run_raise(node: Node, path: str, world: World) -> Any:
    raise Boom(path)


async def run_nothing(node: Node, path: str, world: World) -> Any:
    return 1


async def run_when(node: Node, path: str, world: World) -> Any:
    """Which way it goes depends on what others did to the shared variable."""
    index = world.total % 2
    return await run(node.parts[index], f"{path}.{index}", world)


async def run_tidy(node: Node, path: str, world: World) -> Any:
    try:
        return await run(node.parts[0], f"{path}.0", world)
    finally:
        await run(node.parts[1], f"{path}.1", world)


async def run_catch(node: Node, path: str, world: World) -> Any:
    try:
        return await run(node.parts[0], f"{path}.0", world)
    except Boom:
        return await run(node.parts[1], f"{path}.1", world)


async def run_swallow(node: Node, path: str, world: World) -> Any:
    try:
        return await run(node.parts[0], f"{path}.0", world)
    except Cancelled:
        return await run(node.parts[1], f"{path}.1", world)


async def run_saga(node: Node, path: str, world: World) -> Any:
    async with saga() as undo:
        for index, part in enumerate(node.parts[1:], 1):
            undo.compensate(made(part, f"{path}.{index}", world))
        return await run(node.parts[0], f"{path}.0", world)


RUNS = {
    "sequence": run_sequence,
    "raise": run_raise,
    "nothing": run_nothing,
    "when": run_when,
    "tidy": run_tidy,
    "catch": run_catch,
    "swallow": run_swallow,
    "saga": run_saga,
}


def several(kind: str, parts: st.SearchStrategy[Node], fewest: int, most: int) -> st.SearchStrategy[Node]:
    return st.lists(parts, min_size=fewest, max_size=most).map(lambda found: Node(kind, tuple(found)))


def larger(parts: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.one_of(
        several("sequence", parts, 0, 3),
        several("gather", parts, 0, 4),
        several("race", parts, 1, 3),
        st.builds(
            Node, st.just("for_each"), st.lists(parts, max_size=4).map(tuple), st.integers(0, 3)
        ),
        several("shield", parts, 1, 1),
        several("attempt", parts, 1, 1),
        several("saga", parts, 1, 3),
        several("when", parts, 2, 2),
        several("tidy", parts, 2, 2),
        several("catch", parts, 2, 2),
        several("swallow", parts, 2, 2),
    )  # fmt: skip


LEAVES = st.sampled_from([Node("say"), Node("say"), Node("say"), Node("nothing"), Node("raise")])
PROGRAMS = st.recursive(LEAVES, larger, max_leaves=12)

# -- deliveries --------------------------------------------------------------------------------------------------------

Choice: TypeAlias = tuple[int, Literal["value", "error", "cancel"]]
Delivery: TypeAlias = tuple[str, int | None, Boom | None]
"""Address, value, error; the address of a cancel is empty."""

WHAT: st.SearchStrategy[Literal["value", "error", "cancel"]] = st.sampled_from(
    ["value", "value", "value", "value", "error", "cancel"]
)
CHOICES = st.lists(st.tuples(st.integers(0, 5), WHAT), max_size=20)


def chosen(driver: Driver, choice: Choice) -> Delivery:
    """One of the open commands, and what is delivered to it."""
    number, what = choice
    if what == "cancel":
        return "", None, None
    address = list(driver.asks)[number % len(driver.asks)]
    return (address, number, None) if what == "value" else (address, None, Boom(f"delivered to {address}"))


def deliver(driver: Driver, delivery: Delivery) -> None:
    address, value, error = delivery
    if not address:
        driver.cancel()
    else:
        driver.resume(address, value, None if error is None else Boom(*error.args))


def told(outcome: Outcome[Any] | None) -> object:
    """An outcome as it can be compared: errors with their notes and what they followed from."""
    if outcome is None or outcome.error is None:
        return repr(outcome)
    chain, error = [], outcome.error
    while error is not None:
        chain.append((repr(error), list(getattr(error, "__notes__", []))))
        error = error.__context__  # type: ignore[assignment]
    return chain


def program(node: Node, world: World) -> Coroutine[Any, Any, Any]:
    return tracked(node, "p", world)


@define
class Watched:
    """A driver with all that must hold at any time."""

    driver: Driver
    world: World
    seen: set[str] = field(factory=set)
    names: set[str] = field(factory=set)
    open: set[str] = field(factory=set)

    def look(self) -> None:
        driver = self.driver
        for ask in driver.take_fresh():
            assert re.fullmatch(r"\d+(\.\d+\.\d+)*", ask.address)
            assert ask.address not in self.seen, f"{ask.address} is there twice"
            assert ask.command.name not in self.names, f"{ask.command.name} was asked for twice"
            self.seen.add(ask.address)
            self.names.add(ask.command.name)
            self.open.add(ask.address)
        for ask in driver.take_dropped():
            self.open.remove(ask.address)
        assert self.open == set(driver.asks), "what the engine hears of is not what is open"
        branches = [address.rpartition(".")[0] for address in driver.asks]
        assert len(branches) == len(set(branches)), "a branch waits for two things"
        assert (driver.outcome is None) == bool(driver.asks), "it waits for nothing, or has ended and waits"
        assert (driver.outcome is None) == bool(driver.coroutines())
        assert self.world.orphans == []


def driven(
    node: Node, choices: list[Choice], most: int | None = None
) -> tuple[Driver, World, list[Delivery], list[Any]]:
    """Drive a program by choices, then in order; also gives what was delivered, and what was open each time."""
    world = World()
    driver = Driver(program(node, world), INSTANCE)
    watched = Watched(driver, world)
    deliveries: list[Delivery] = []
    opened: list[Any] = []
    if choices and choices[0] == (0, "cancel"):  # a cancel before the first line
        deliveries.append(("", None, None))
        driver.cancel()
    driver.begin()
    watched.look()
    opened.append(list(asked(driver).items()))
    rest = iter(choices)
    while driver.outcome is None and len(deliveries) != most:
        delivery = chosen(driver, next(rest, (0, "value")))
        watched.open.discard(delivery[0])
        deliver(driver, delivery)
        deliveries.append(delivery)
        watched.look()
        opened.append(list(asked(driver).items()))
    return driver, world, deliveries, opened


SETTINGS = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SETTINGS
@given(PROGRAMS, CHOICES)
def test_any_program_ends_with_nobody_left_and_nothing_unawaited(node: Node, choices: list[Choice]) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        driver, world, _, _ = driven(node, choices)
        assert driver.asks == {}
        assert driver.coroutines() == []
        assert world.running == set()
        assert sorted(line[1:] for line in world.log if line[0] == "+") == sorted(
            line[1:] for line in world.log if line[0] == "-"
        )
        del driver
        gc.collect()
    assert [str(warning.message) for warning in warned] == []


@SETTINGS
@given(PROGRAMS, CHOICES)
def test_the_same_deliveries_do_the_same_again(node: Node, choices: list[Choice]) -> None:
    driver, world, deliveries, opened = driven(node, choices)
    again = World()
    replayed = Driver(program(node, again), INSTANCE)
    before = bool(choices) and choices[0] == (0, "cancel")
    if before:
        replayed.cancel()
    replayed.begin()
    reopened = [list(asked(replayed).items())]
    for delivery in deliveries[before:]:
        deliver(replayed, delivery)
        if not delivery[0]:
            replayed.cancel()  # a second cancel is none
        reopened.append(list(asked(replayed).items()))
    assert reopened == opened
    assert told(replayed.outcome) == told(driver.outcome)
    assert again.log == world.log
    assert again.total == world.total


@SETTINGS
@given(PROGRAMS, CHOICES, st.integers(0, 6))
def test_a_program_that_is_dropped_while_it_waits_runs_no_more_of_its_code(
    node: Node, choices: list[Choice], after: int
) -> None:
    driver, world, _, _ = driven(node, choices, most=after)
    log = list(world.log)
    for coroutine in driver.coroutines():
        if can_drop(coroutine):
            coroutine.close()
        else:
            drop(coroutine)
    assert world.log == log


@SETTINGS
@given(PROGRAMS, CHOICES)
def test_a_program_under_a_shield_does_as_without_and_then_is_cancelled(node: Node, choices: list[Choice]) -> None:
    plain: list[Choice] = [choice for choice in choices if choice[1] != "cancel"]
    _, world, deliveries, _ = driven(node, plain)
    again = World()

    async def shielded() -> Any:
        return await shield(program(node, again))

    driver = Driver(shielded(), INSTANCE)
    driver.begin()
    waited = driver.outcome is None
    for address, value, error in deliveries:
        driver.cancel()
        deliver(driver, (f"0.0.{address}", value, error))
    assert again.log == world.log
    assert driver.outcome is not None
    assert waited == isinstance(driver.outcome.error, Cancelled)
