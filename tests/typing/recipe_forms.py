"""What type checkers see of recipes. Nothing runs: mypy checks this file."""

from __future__ import annotations

from typing import Any, Literal, assert_type

from bizproc import Process, UserQueue, process, recipe, use
from bizproc.testing import assert_recipe


@recipe("typing.hand_out", since="1.0")
def hand_out(*, queue: UserQueue, pick: Literal["in_order", "random"] = "in_order") -> Process[..., Any]:
    @process("typing.hand_out")
    async def run() -> None: ...

    return run


def made(queue: UserQueue) -> None:
    assert_type(hand_out(queue=queue, pick="random"), Process[..., Any])
    assert_type(use(hand_out, name="eu", queue=queue), Process[..., Any])
    assert_recipe(hand_out)


def refused(queue: UserQueue) -> None:
    hand_out()  # type: ignore[call-arg]
    hand_out(queue=3)  # type: ignore[arg-type]
    hand_out(queue=queue, pick="best")  # type: ignore[arg-type]
    hand_out(queue=queue, colour="red")  # type: ignore[call-arg]
    hand_out(queue)  # type: ignore[call-arg]
