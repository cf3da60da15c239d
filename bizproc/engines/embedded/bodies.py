"""
Bodies of steps: the only user code that may do I/O.

Each runs in a task (`body_tasks.py`), and ends as a delivery to its instance.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeAlias

from bizproc.core.codec import Codec
from bizproc.core.commands import Prepared, running_step
from bizproc.core.errors import NotJournallable, StepAborted, StepTimedOut
from bizproc.core.steps import RunningStep, Step
from bizproc.engines.embedded.deliveries import Readied, StepEnded, StepFailed
from bizproc.ports.channel import Outside
from bizproc.store.types import moment_text

RunStep: TypeAlias = Callable[[Step[Any]], Awaitable[Any]]
BodyEnded: TypeAlias = StepEnded | StepFailed | Readied


def run_function(step: Step[Any]) -> Awaitable[Any]:
    """What a step runs, unless a test answers in its place: the body of its function."""
    return step.function.run(step.bound)


async def run_body(
    step: Step[Any],
    address: str,
    key: str,
    attempt: int,
    codec: Codec,
    now: Callable[[], datetime],
    jitter: Random | None,
    run: RunStep,
) -> StepEnded | StepFailed:
    """One attempt. What it raises is an outcome, or, by the step's policy, a reason to try again later."""
    function, started_at = step.function, moment_text(now())
    # As a NamedTuple makes itself, without the call in between: here and below there is one for each step.
    running_step.set(tuple.__new__(RunningStep, (function.name, key, attempt)))
    error: BaseException
    try:
        value = await (run(step) if function.timeout is None else _in_time(step, address, run, function.timeout))
        # What the process gets is what a replay would give it, not an object that the body may still hold.
        encoded, value = codec.recorded(value, function.result_type, path=function.result_path)
        return tuple.__new__(StepEnded, (address, value, None, encoded, attempt, started_at))
    except NotJournallable as refused:
        error = refused
    except KeyboardInterrupt:
        raise  # the program ends
    except BaseException as raised:  # noqa: BLE001  whatever the body raises is its outcome
        error = _aborted(raised, step, address) if isinstance(raised, asyncio.CancelledError) else raised
        if function.retry.again(attempt, error):
            again_at = now() + function.retry.delay(attempt, jitter)
            return StepFailed(address, codec.encode_error(error), attempt, moment_text(again_at))
    return StepEnded(address, None, error, codec.encode_error(error), attempt, started_at)


async def run_preparation(
    command: Prepared[Any], address: str, outside: Outside, codec: Codec, now: Callable[[], datetime]
) -> Readied | StepEnded:
    """The work of a prepared action that comes before its commit. What it raises is the action's outcome."""
    started_at = moment_text(now())
    try:
        return Readied(address, await command.prepare(outside))
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise
    except BaseException as error:  # noqa: BLE001  as above
        return StepEnded(address, None, error, codec.encode_error(error), 1, started_at)


async def _in_time(step: Step[Any], address: str, run: RunStep, timeout: timedelta) -> Any:
    try:
        async with asyncio.timeout(timeout.total_seconds()) as limit:
            return await run(step)
    except TimeoutError as error:
        if limit.expired():
            raise StepTimedOut(name=step.name, step=address, timeout=str(timeout)) from error
        raise


def _aborted(cancelled: asyncio.CancelledError, step: Step[Any], address: str) -> StepAborted:
    """The error of a body that something but the engine has cancelled."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise cancelled  # the engine no longer wants it
    aborted = StepAborted(name=step.name, step=address)
    aborted.__cause__ = cancelled
    return aborted
