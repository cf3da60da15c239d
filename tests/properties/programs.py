"""
A small language of programs: what a process can do, as a tree; and the process that does what such a tree says.

A tree, and the script of what happens to it from outside, are shown as one would write them, so that an example
that fails can be pasted into a test. Each node has a path from the root, `@`, and that is its name: what a comment
says, what a step returns, what a failure is called.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeAlias

from attrs import define, field, frozen

from bizproc import (
    Retry,
    action,
    attempt,
    continue_as_new,
    crm,
    for_each,
    gather,
    now,
    process,
    race,
    saga,
    shield,
    start,
    step_key,
    this,
    wait,
)
from bizproc.core.commands import running_step
from bizproc.core.errors import Cancelled
from bizproc.model import Deal
from bizproc.testing.clock import BEGINNING

# -- the language ------------------------------------------------------------------------------------------------------

ROOT = "@"


@frozen
class Node:
    """A part of a program, or something that happens to it."""

    kind: str
    parts: tuple[Node, ...] = ()
    name: str = ""
    number: int | None = None

    def __repr__(self) -> str:
        inside = [repr(part) for part in self.parts]
        inside += [repr(self.name)] if self.name else []
        inside += [f"{NUMBERS.get(self.kind, '')}{self.number}"] if self.number is not None else []
        return f"{self.kind}({', '.join(inside)})"

    def _repr_pretty_(self, printer: Any, cycle: object) -> None:
        """As Hypothesis shows it."""
        printer.text(repr(self))


NUMBERS = {"signal": "timeout=", "for_each": "limit=", "step": "fails="}

Maker: TypeAlias = Callable[..., Node]


def _made(kind: str) -> Maker:
    """How a node is written: parts first, then a name, then a number."""

    def make(*given: Node | str | int, **numbers: int) -> Node:
        parts = tuple(one for one in given if isinstance(one, Node))
        name = next((one for one in given if isinstance(one, str)), "")
        number = next((one for one in (*given, *numbers.values()) if isinstance(one, int)), None)
        return Node(kind, parts, name, number)

    return make


nothing, comment, clock, fail = (_made(kind) for kind in ("nothing", "comment", "clock", "fail"))
step, slow, fatal = (_made(kind) for kind in ("step", "slow", "fatal"))
sleep, signal = (_made(kind) for kind in ("sleep", "signal"))
sequence, when, again = (_made(kind) for kind in ("sequence", "when", "again"))
several, first_of, each_of, shielded = (_made(kind) for kind in ("several", "first_of", "each_of", "shielded"))
tried, tidy, caught, stubborn, undone = (_made(kind) for kind in ("tried", "tidy", "caught", "stubborn", "undone"))
child, started, detached = (_made(kind) for kind in ("child", "started", "detached"))
"""
What a program is made of:

    nothing()                     ends at once
    comment()                     a local action: writes its path on the deal
    clock()                       the hours since the beginning
    fail()                        raises Boom
    step(fails=1)                 a step of which the first attempt fails; three are made, after one hour and two
    slow(2)                       a step that takes two turns of the event loop
    fatal()                       a step that raises what is not tried again
    sleep(2)                      two hours
    signal("a"), signal("a", 2)   its value, or "nothing came" after two hours
    sequence(...), when(a, b)     one after the other; one of two, by how long the shared variable is
    again(a)                      continue_as_new, and then it is `a`
    several(...), first_of(...)   gather, race
    each_of(..., limit=2)         for_each
    shielded(a), tried(a)         shield, attempt
    tidy(a, b)                    try: a  finally: b
    caught(a, b)                  try: a  except Exception: b
    stubborn(a, b)                try: a  except Cancelled: b
    undone(a, b, c, d, e)         saga: a, to be undone by b; c, to be undone by d; e
    child(a)                      a child that is awaited
    started(a, b)                 a child that is started; b; and then it is awaited
    detached(a)                   a detached child
"""

advance, down, send, cancel, terminate, skip, crash, die_before, die_behind, at_once = (
    _made(kind)
    for kind in (
        "advance",
        "down",
        "send",
        "cancel",
        "terminate",
        "skip",
        "crash",
        "die_before",
        "die_behind",
        "at_once",
    )
)
"""
What happens to it. A number behind a target says which instance, by age:

    advance(2), down(2)           two hours pass, and while the program is down
    send("a"), send("a", 1)       a signal; its value is how many were sent before
    cancel(), terminate(), skip() as it says; skip is skip_wait
    crash()                       the program dies, and comes back
    die_before(3), die_behind(3)  it will die at the third commit from now
    at_once(...)                  several of send and cancel, with nothing in between
"""

NUMBERS |= {"each_of": "limit="}


class Boom(Exception):
    """What programs fail with; says where."""


class Fatal(Exception):
    """What is not tried again."""


def told(error: BaseException) -> str:
    """An error as it can be compared, with the failures that its notes mention."""
    state = getattr(error, "state", None)
    cause = getattr(error, "error", None)
    text = type(error).__name__ if state is None else f"child {state}"
    text += "".join(f" {one}" for one in error.args if isinstance(one, str) and state is None)
    if cause is not None:
        text += f" by {told(cause)}"
    mentioned = mentions("\n".join(getattr(error, "__notes__", ())))
    return f"{text} [{' '.join(mentioned)}]" if mentioned else text


def mentions(text: str) -> list[str]:
    """The paths that a text mentions."""
    return re.findall(r"@[\d.]*", text)


# -- the process -------------------------------------------------------------------------------------------------------


@define
class Life:
    """
    What outlives the program: what was seen of it.

    Attributes:
        traces: The shared variable of each run, by its path, as it was when it last ran from its first line.
        bodies: The bodies that ran: path, key, attempt.
        paths: The path of what each instance was started with, by its id.
    """

    traces: dict[str, list[str]] = field(factory=dict)
    bodies: list[tuple[str, str, int]] = field(factory=list)
    paths: dict[str, str] = field(factory=dict)


life = Life()


def begin_life() -> Life:
    life.traces = {}
    life.bodies = []
    life.paths = {}
    return life


@define
class Here:
    """Where a node runs: the deal, and the variable that the branches of the process share."""

    deal: Deal
    trace: list[str]


HOUR = timedelta(hours=1)

RETRY = Retry(attempts=3, first_delay=HOUR, factor=2, longest_delay=HOUR * 24, give_up_on=(Fatal,))


@action("programs.body", retry=RETRY)
async def body(path: str, *, fails: int = 0, turns: int = 0) -> str:
    running = running_step.get()
    assert running is not None
    life.bodies.append((path, step_key(), running.attempt))
    for _ in range(turns):
        await asyncio.sleep(0)
    if running.attempt <= fails:
        raise Boom(path)
    return path


@action("programs.fatal_body", retry=RETRY)
async def fatal_body(path: str) -> str:
    running = running_step.get()
    assert running is not None
    life.bodies.append((path, step_key(), running.attempt))
    raise Fatal(path)


@process("programs.program", overlap="parallel")
async def program(deal: Deal, *, tree: Node, path: str = ROOT) -> Any:
    life.paths.setdefault(this().id, path)  # bizproc: ok (the test looks at it)
    trace: list[str] = []
    life.traces[path] = trace  # bizproc: ok (the test looks at it)
    return await do(tree, path, Here(deal, trace))


async def do(node: Node, path: str, here: Here) -> Any:
    # Without a `try` of its own: frames inside one keep an instance in memory.
    here.trace.append(path)
    value = await DOING[node.kind](node, path, here)
    here.trace.append(f"{path} = {value!r}")
    return value


def parts(node: Node, path: str, here: Here) -> list[Awaitable[Any]]:
    return [do(part, f"{path}.{index}", here) for index, part in enumerate(node.parts)]


def part(node: Node, path: str, here: Here, index: int = 0) -> Awaitable[Any]:
    return do(node.parts[index], f"{path}.{index}", here)


async def do_nothing(node: Node, path: str, here: Here) -> Any:
    return path


async def do_comment(node: Node, path: str, here: Here) -> Any:
    return (await crm.deal.add_comment(path)).text


async def do_clock(node: Node, path: str, here: Here) -> Any:
    return (await now() - BEGINNING) // HOUR


async def do_fail(node: Node, path: str, here: Here) -> Any:
    raise Boom(path)


async def do_step(node: Node, path: str, here: Here) -> Any:
    return await body(path, fails=node.number or 0)


async def do_slow(node: Node, path: str, here: Here) -> Any:
    return await body(path, turns=node.number or 0)


async def do_fatal(node: Node, path: str, here: Here) -> Any:
    return await fatal_body(path)


async def do_sleep(node: Node, path: str, here: Here) -> Any:
    await wait.sleep(HOUR * (node.number or 0))
    return path


async def do_signal(node: Node, path: str, here: Here) -> Any:
    timeout = None if node.number is None else HOUR * node.number
    signalled = await wait.for_signal(node.name, timeout=timeout)
    return "nothing came" if signalled.timed_out else signalled.value


async def do_sequence(node: Node, path: str, here: Here) -> Any:
    return [await do(one, f"{path}.{index}", here) for index, one in enumerate(node.parts)]


async def do_when(node: Node, path: str, here: Here) -> Any:
    return await part(node, path, here, len(here.trace) % 2)


async def do_again(node: Node, path: str, here: Here) -> Any:
    await continue_as_new(tree=node.parts[0], path=f"{path}.0")


async def do_several(node: Node, path: str, here: Here) -> Any:
    return list(await gather(*parts(node, path, here)))


async def do_first_of(node: Node, path: str, here: Here) -> Any:
    winner = await race(*parts(node, path, here))
    return [winner.index, winner.value]


async def do_each_of(node: Node, path: str, here: Here) -> Any:
    numbered = list(enumerate(node.parts))
    return list(await for_each(lambda one: do(one[1], f"{path}.{one[0]}", here), numbered, limit=node.number))


async def do_shielded(node: Node, path: str, here: Here) -> Any:
    return await shield(part(node, path, here))


async def do_tried(node: Node, path: str, here: Here) -> Any:
    outcome = await attempt(part(node, path, here))
    return ["value", outcome.value] if outcome.error is None else ["error", told(outcome.error)]


async def do_tidy(node: Node, path: str, here: Here) -> Any:
    try:
        return await part(node, path, here)
    finally:
        await part(node, path, here, 1)


async def do_caught(node: Node, path: str, here: Here) -> Any:
    try:
        return await part(node, path, here)
    except Exception as error:  # noqa: BLE001  that is what it is for
        return [told(error), await part(node, path, here, 1)]


async def do_stubborn(node: Node, path: str, here: Here) -> Any:
    try:
        return await part(node, path, here)
    except Cancelled:
        return ["cancelled", await part(node, path, here, 1)]


async def do_undone(node: Node, path: str, here: Here) -> Any:
    values = []
    async with saga() as undo:
        for index in range(0, len(node.parts), 2):
            values.append(await part(node, path, here, index))
            if index + 1 < len(node.parts):
                undo.compensate(part(node, path, here, index + 1))
    return values


async def do_child(node: Node, path: str, here: Here) -> Any:
    return await program(here.deal, tree=node.parts[0], path=f"{path}.0")


async def do_started(node: Node, path: str, here: Here) -> Any:
    one = await start(program(here.deal, tree=node.parts[0], path=f"{path}.0"))
    return [await part(node, path, here, 1), await one]


async def do_detached(node: Node, path: str, here: Here) -> Any:
    _child = await start(program(here.deal, tree=node.parts[0], path=f"{path}.0"), detached=True)
    return path


DOING: dict[str, Callable[[Node, str, Here], Awaitable[Any]]] = {
    "nothing": do_nothing,
    "comment": do_comment,
    "clock": do_clock,
    "fail": do_fail,
    "step": do_step,
    "slow": do_slow,
    "fatal": do_fatal,
    "sleep": do_sleep,
    "signal": do_signal,
    "sequence": do_sequence,
    "when": do_when,
    "again": do_again,
    "several": do_several,
    "first_of": do_first_of,
    "each_of": do_each_of,
    "shielded": do_shielded,
    "tried": do_tried,
    "tidy": do_tidy,
    "caught": do_caught,
    "stubborn": do_stubborn,
    "undone": do_undone,
    "child": do_child,
    "started": do_started,
    "detached": do_detached,
}
