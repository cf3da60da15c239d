"""
Programs of every kind, each on a deal of its own, and what each must come to whatever happens to it on the way.

Bodies of steps reach outside: they append their key and a word to a file, and flush it to disk. Such an effect may be
repeated after a crash, with the same key.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from bizproc import (
    Process,
    Retry,
    action,
    continue_as_new,
    crm,
    for_each,
    gather,
    process,
    race,
    saga,
    shield,
    start,
    step_key,
    wait,
)
from bizproc.core.errors import StepInterrupted
from bizproc.model import Deal

EFFECTS: Final = "BIZPROC_CRASH_EFFECTS"
"""The variable that names the file of effects."""

SOON: Final = timedelta(milliseconds=40)
FAR: Final = timedelta(days=400)


# -- the world outside -------------------------------------------------------------------------------------------------


def effects() -> list[tuple[str, str]]:
    """Key and word of each effect, in order."""
    text = Path(os.environ[EFFECTS]).read_text("utf-8")
    assert not text or text.endswith("\n")
    return [(key, word) for key, _, word in (line.partition(" ") for line in text.splitlines())]


def reach_out(word: str) -> int:
    """One line, on disk before this returns; how often this step has done so, this time included."""
    file = os.open(os.environ[EFFECTS], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, f"{step_key()} {word}\n".encode())
        os.fsync(file)
    finally:
        os.close(file)
    return sum(key == step_key() for key, _ in effects())


@action("mixed.tell")
async def tell(word: str) -> str:
    reach_out(word)
    return word


@action("mixed.tell_stubborn", retry=Retry(attempts=20, first_delay=timedelta(milliseconds=20), factor=1))
async def tell_stubborn(word: str) -> str:
    if reach_out(word) < 3:
        raise OSError("nobody answers")
    return word


@action("mixed.tell_once", at_most_once=True)
async def tell_once(word: str) -> str:
    reach_out(word)
    return word


# -- the programs ------------------------------------------------------------------------------------------------------


@process("mixed.steps")
async def steps(deal: Deal) -> str:
    first = await tell("one")
    await crm.deal.add_comment(first)
    row = await crm.deal.add_product(1, quantity=2)
    second = await tell("two")
    await crm.deal.add_comment(f"{second} {row.quantity}")
    return first + second


@process("mixed.sleeps")
async def sleeps(deal: Deal) -> int:
    for number in range(4):
        await wait.sleep(SOON * (1 + deal.id % 3))
        await crm.deal.add_comment(f"slept {number}")
    return deal.id


@process("mixed.signals")
async def signals(deal: Deal) -> list[int]:
    last = await wait.for_signal("last", int)
    got = [(await wait.for_signal("number", int)).value or 0 for _ in range(3)]
    await crm.deal.add_comment(f"{got} {last.value}")
    return got


@process("mixed.gathers")
async def gathers(deal: Deal) -> tuple[str, str, str]:
    async def slow() -> str:
        await wait.sleep(SOON)
        await crm.deal.add_comment("slow")
        return await tell("slow")

    async def many() -> str:
        await for_each(crm.deal.add_comment, ["a", "b", "c"], limit=2)
        _, told = await gather(wait.sleep(SOON), tell("many"))
        return told

    first, second, third = await gather(slow(), tell("quick"), many())
    return first, second, third


@process("mixed.races")
async def races(deal: Deal) -> str:
    async def loser() -> str:
        await wait.sleep(FAR)
        await crm.deal.add_comment("a loser did something")
        return await tell("loser")

    async def steady() -> str:
        await wait.sleep(SOON)
        return await tell("steady")

    first = await race(loser(), steady())
    await crm.deal.add_comment(f"won: {first.value}")
    # Whoever wins this, it is the same for good.
    second = await race(tell("close"), wait.sleep(timedelta(milliseconds=2)))
    await crm.deal.add_comment(f"close: {second.index}")
    await wait.sleep(SOON)
    return f"{first.index} {second.index}"


@process("mixed.retries")
async def retries(deal: Deal) -> str:
    told = await tell_stubborn("stubborn")
    await crm.deal.add_comment(told)
    return told


@process("mixed.child", overlap="parallel")
async def child(deal: Deal, *, word: str) -> str:
    await crm.deal.add_comment(f"child {word}")
    await wait.sleep(SOON)
    return await tell(word)


@process("mixed.parent")
async def parent(deal: Deal) -> str:
    apart = await start(child(deal, word="apart"), detached=True)
    first, second = await gather(child(deal, word="first"), child(deal, word="second"))
    await crm.deal.add_comment(f"{first} {second}")
    return f"{first} {second} {await apart}"


@process("mixed.undoes")
async def undoes(deal: Deal) -> str:
    try:
        async with saga() as undo:
            for number in range(3):
                await crm.deal.add_comment(f"did {number}")
                undo.compensate(crm.deal.add_comment(f"undid {number}"))
                undo.compensate(tell(f"undid {number}"))
            await crm.deal(10**9).add_comment("nowhere")
    except Exception as error:  # noqa: BLE001
        return type(error).__name__
    return "came through"


@process("mixed.loops")
async def loops(deal: Deal, *, round: int = 0) -> int:
    await tell(f"round {round}")
    await crm.deal.add_comment(f"round {round}")
    got = await wait.for_signal("number", int)
    if round < 2:
        await continue_as_new(round=round + 1)
    return got.value or 0


@process("mixed.stages")
async def stages(deal: Deal) -> str:
    reached = await wait.until_stage("EXECUTING")
    await crm.deal.add_activity(str(reached.stage))
    return str(reached.stage)


@process("mixed.once")
async def once(deal: Deal) -> str:
    try:
        came = await tell_once("once")
    except StepInterrupted:
        came = "interrupted"
    await crm.deal.add_comment(came)
    return came


@process("mixed.cancels")
async def cancels(deal: Deal) -> None:
    async def finish() -> None:
        await wait.sleep(SOON)
        await crm.deal.add_comment("finished")

    try:
        await shield(finish())
        await wait.for_signal("never")
    finally:
        await crm.deal.add_comment("cleaned up")  # bizproc: ok (to be killed here is the test)


# -- what each must come to --------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Program:
    """
    A kind of program, and what an instance of it must have come to.

    Attributes:
        result: What it may return, as JSON; None is an instance that was cancelled.
        comments: Those on its deal, sorted, given what it returned.
        told: Words that are told outside at least once; `perhaps`: that may be.
        at_most_once: What is told is told once, or not at all if the program was interrupted.
        products, activities: How many its deal has in the end.
        drive: What it needs from outside: `signals`, `stage`, `cancel`.
    """

    process: Process[[Deal], Any]
    result: Callable[[Any, int], bool]
    comments: Callable[[Any], Iterable[str]] = lambda _: ()
    told: Iterable[str] = ()
    perhaps: Iterable[str] = ()
    at_most_once: bool = False
    products: int = 0
    activities: int = 0
    drive: Iterable[str] = field(factory=tuple)


def _is(expected: Any) -> Callable[[Any, int], bool]:
    return lambda result, _deal: result == expected


PROGRAMS: Final = (
    Program(
        process=steps,
        result=_is("onetwo"),
        comments=lambda _: ("one", "two 2"),
        told=("one", "two"),
        products=1,
    ),
    Program(
        process=sleeps,
        result=lambda result, deal: result == deal,
        comments=lambda _: [f"slept {number}" for number in range(4)],
    ),
    Program(
        process=signals,
        result=_is([0, 1, 2]),
        comments=lambda _: ("[0, 1, 2] 9",),
        drive=("signals",),
    ),
    Program(
        process=gathers,
        result=_is(["slow", "quick", "many"]),
        comments=lambda _: ("a", "b", "c", "slow"),
        told=("slow", "quick", "many"),
    ),
    Program(
        process=races,
        result=lambda result, _deal: result in {"1 0", "1 1"},
        comments=lambda result: ("won: steady", f"close: {result[-1]}"),
        told=("steady",),
        perhaps=("close",),
    ),
    Program(
        process=retries,
        result=_is("stubborn"),
        comments=lambda _: ("stubborn",),
        told=("stubborn",),
    ),
    Program(
        process=parent,
        result=_is("first second apart"),
        comments=lambda _: ("child apart", "child first", "child second", "first second"),
        told=("first", "second", "apart"),
    ),
    Program(
        process=undoes,
        result=_is("ItemNotFound"),
        comments=lambda _: ("did 0", "did 1", "did 2", "undid 2", "undid 1", "undid 0"),
        told=("undid 2", "undid 1", "undid 0"),
    ),
    Program(
        process=loops,
        result=_is(2),
        comments=lambda _: ("round 0", "round 1", "round 2"),
        told=("round 0", "round 1", "round 2"),
        drive=("signals",),
    ),
    Program(process=stages, result=_is("EXECUTING"), activities=1, drive=("stage",)),
    Program(
        process=once,
        result=lambda result, _deal: result in {"once", "interrupted"},
        comments=lambda result: (result,),
        perhaps=("once",),
        at_most_once=True,
    ),
    Program(
        process=cancels,
        result=_is(None),
        comments=lambda _: ("finished", "cleaned up"),
        drive=("cancel",),
    ),
)
"""Instance number n, on deal n, runs the program at n modulo their number."""

PROCESSES: Final[tuple[Process[..., Any], ...]] = (*(one.process for one in PROGRAMS), child)


def program_of(deal: int) -> Program:
    return PROGRAMS[deal % len(PROGRAMS)]


def name_of(deal: int) -> str:
    return f"mixed-{deal}"
