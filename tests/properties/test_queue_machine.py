"""Queues lived through at random, beside a model: the laws that hold at any moment."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from bizproc import Calendar, UserQueue
from bizproc.testing import QueueMachine

# A world is opened for each example, and again for each step of shrinking one that fails: that takes minutes.
SETTINGS = settings(
    derandomize=True,
    max_examples=20,
    stateful_step_count=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


class InOrder(QueueMachine):
    pass


class LeastRecent(QueueMachine):
    def queue(self, members: list[int]) -> UserQueue:
        return UserQueue(
            members,
            pick="least_recent",
            skip_absent=True,
            capacity=2,
            hours=Calendar(hours="mon-sun 22:00-16:00"),
            nobody="hold",
            name="machine",
        )


class Keeping(QueueMachine):
    def queue(self, members: list[int]) -> UserQueue:
        return UserQueue(members, pick="least_loaded", skip_absent=True, capacity=3, sticky=True, name="machine")


class Chance(QueueMachine):
    def queue(self, members: list[int]) -> UserQueue:
        return UserQueue(members, pick="random", skip_absent=True, nobody="hold", name="machine")


TestInOrder = InOrder.TestCase
TestLeastRecent = LeastRecent.TestCase
TestKeeping = Keeping.TestCase
TestChance = Chance.TestCase

for _case in (TestInOrder, TestLeastRecent, TestKeeping, TestChance):
    _case.settings = SETTINGS
del _case


@pytest.mark.long
@pytest.mark.parametrize("machine", [InOrder, LeastRecent, Keeping, Chance])
def test_queues_lived_through_four_hundred_times(machine: type[QueueMachine]) -> None:
    run_state_machine_as_test(machine, settings=settings(SETTINGS, max_examples=400, derandomize=False))
