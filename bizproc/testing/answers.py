"""What a test lets `@action` steps answer in place of running their bodies. As the outside, it outlives crashes."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from datetime import timedelta
from typing import Any

from attrs import define, field, frozen

from bizproc.core.steps import Step, StepFunction
from bizproc.testing.clock import VirtualClock


@frozen
class Late:
    """An answer that takes its time: so much passes before it is there."""

    answer: Any
    takes: timedelta


@define(eq=False)
class Answers:
    """
    Runs the bodies of steps, or answers in their place.

    Attributes:
        clock: Moved by answers that take their time.
        asked: The steps that were answered, by name, in order; what is run again is here again.
    """

    clock: VirtualClock
    asked: list[str] = field(factory=list)
    _planned: dict[str, list[Any]] = field(factory=dict)

    def plan(self, function: StepFunction[..., Any], answers: Sequence[Any]) -> None:
        """From now on the step answers these; without any its body runs again."""
        if not isinstance(function, StepFunction):
            raise TypeError(f"answers are given for an @action, and not for {function!r}")
        if answers:
            self._planned[function.name] = list(answers)
        else:
            self._planned.pop(function.name, None)

    async def run(self, step: Step[Any]) -> Any:
        """Run a step's body, or answer in its place."""
        planned = self._planned.get(step.name)
        if planned is None:
            return await step.function.run(step.bound)
        self.asked.append(step.name)
        answer = planned.pop(0) if len(planned) > 1 else planned[0]
        if isinstance(answer, Late):
            self.clock.move_to(self.clock.now() + answer.takes)
            answer = answer.answer
        if isinstance(answer, BaseException):
            raise copy(answer)  # it gathers a traceback and notes, which are this attempt's
        return answer
