"""Queues lived through at random, beside a model: the laws that hold at any moment."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from bizproc import Calendar, UserQueue
from bizproc.testing import QueueMachine

SETTINGS = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
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

for case in (TestInOrder, TestLeastRecent, TestKeeping, TestChance):
    case.settings = SETTINGS
