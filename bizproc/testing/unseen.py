"""
Failures that no test has looked at: what a process that was started by a trigger raised is nobody's return value.

Not what a test started itself: it has the handle, and what it does not ask for it does not want to know. Unless it is
red already: then any failure that it has not seen may be the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from attrs import define, field, frozen

from bizproc.runtime import JournalStep, Status

FAILED = frozenset({"failed", "stuck"})


@frozen
class Failure:
    """An instance that failed, and the steps that it has done."""

    status: Status
    steps: Sequence[JournalStep]

    def __str__(self) -> str:
        status, error = self.status, self.status.error
        what = "" if error is None else f": {error.class_name}: {error.text}"
        lines = "" if error is None or not error.where else f"\n{error.where}"
        caused = " <- ".join(reversed(status.causes)) or "the test"
        is_now = "failed" if status.state == "failed" else "is stuck"
        return f"{status.process} (instance {status.id!r}, started by: {caused}) {is_now}{self._where()}{what}{lines}"

    def _where(self) -> str:
        """At the step that raised the error; at none if the error is that of code between steps."""
        error = self.status.error
        if error is None:
            return ""
        told = f"{error.class_name}: {error.text}"
        raised = (step for step in reversed(self.steps) if step.event == "raised")
        step = next((step for step in raised if step.error == told or step.address == error.step), None)
        return "" if step is None else f" at step {step.address} ({step.name})"


@define
class Seen:
    """Which failures a test has looked at. One that was retried and failed again is another failure."""

    expects: bool = False
    _seen: set[tuple[str, datetime | None]] = field(factory=set, init=False)

    def look(self, statuses: Iterable[Status]) -> None:
        """The test was shown these."""
        self._seen.update((one.id, one.ended_at) for one in statuses if one.state in FAILED)

    def unseen(self, statuses: Iterable[Status]) -> list[Status]:
        """Those of the failures that nobody looked at."""
        if self.expects:
            return []
        failed = (one for one in statuses if one.state in FAILED)
        return [one for one in failed if (one.id, one.ended_at) not in self._seen]


def complaint(failures: Sequence[Failure]) -> AssertionError:
    """What the test fails with."""
    return AssertionError(
        f"a trigger started {_count(failures)} that failed, and the test did not look at it:\n{_lines(failures)}\n"
        "If it may fail, look at it (`world.instances()`, or `status()` or `result()` of `world.instance(ID)`), "
        "or say so: `world.expect_failures()`."
    )


def remark(failures: Sequence[Failure]) -> str:
    """What a test is told beside the error that it failed with."""
    return f"by then {_count(failures)} had failed that the test has not looked at:\n{_lines(failures)}"


def _count(failures: Sequence[Failure]) -> str:
    return "an instance" if len(failures) == 1 else f"{len(failures)} instances"


def _lines(failures: Sequence[Failure]) -> str:
    return "\n".join("  " + str(failure).replace("\n", "\n  ") for failure in failures)
