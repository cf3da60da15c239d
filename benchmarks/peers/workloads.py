"""
What is measured, what is shown of it, and what bizproc is to reach: the rows of the table, as data.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from benchmarks.peers.contestants import BIZPROC, FLOOR

Figures = dict[str, float]

Found = dict[str, dict[str, Figures]]
"""Figures by engine and workload."""


class Workload(NamedTuple):
    """So many instances of so many steps, and what becomes of them."""

    name: str
    kind: Literal["run", "park", "kill", "commit"]
    instances: int
    steps: int = 0
    share: float = 0.5
    """Of the effects that are done before the kill."""
    spare: bool = False
    """A server of the engine outlives the kill."""
    only: str | None = None
    """Of one engine alone."""
    module: str | None = None
    """Another script than the engine's own."""

    def scaled(self, scale: int) -> Workload:
        """So many times less work."""
        if self.instances == 1:
            return self._replace(steps=max(100, self.steps // scale))
        return self._replace(instances=max(10, self.instances // scale))

    def fatal(self, number: int, rounds: int) -> int:
        """
        After how many effects the kill of a round comes.

        All engines have many instances in flight, and some run them in step: so a kill falls at another place of such
        a wave in each round, and in the middle of it where there is one round.
        """
        place = self.instances * (2 * number + 1) // (2 * rounds) if self.instances > 1 else 0
        return int(self.instances * self.steps * self.share) + place

    def applies(self, engine: str) -> bool:
        return (self.only is None or self.only == engine) and (engine != FLOOR or self.kind in ("run", "commit"))


MANY: Final = Workload("many", "run", 200, 20)
ALONE: Final = Workload("alone", "run", 1, 500)
SHORT: Final = Workload("short", "run", 2000, 3)
LONG: Final = Workload("long", "run", 1, 5000)
COMMIT: Final = Workload("commit", "commit", 1, 500, only=FLOOR)
PARKED: Final = Workload("parked", "park", 5000)
CROWD: Final = Workload("crowd", "park", 100_000, only=BIZPROC)
KILLED: Final = Workload("killed", "kill", 200, 20)
SPARED: Final = Workload("killed, server spared", "kill", 200, 20, spare=True, only="Restate")
ON_CRM: Final = Workload("killed, on the CRM", "kill", 200, 20, only=BIZPROC, module="on_bizproc_crm")
LATE: Final = Workload("killed late", "kill", 1, 5000, share=0.98)
WORKLOADS: Final = (COMMIT, MANY, ALONE, SHORT, LONG, PARKED, CROWD, KILLED, SPARED, ON_CRM, LATE)


class Target(NamedTuple):
    """At least so many times what another has, or at most, as the row says which is better; alone: so much itself."""

    bound: float
    of: str = ""
    """An engine, as its name begins, a flushed commit, or how many instances there are; of several the worst counts."""


class Row(NamedTuple):
    """One figure of a workload."""

    title: str
    workload: Workload
    figure: str
    form: str
    factor: float = 1
    more_is_better: bool = False
    targets: tuple[Target, ...] = ()
    of_floor: Workload | None = None
    """What of the floor stands beside it, where that is another workload."""
    compared: bool = True
    """Whether a ratio says anything."""


FLUSH: Final = "commit"

INSTANCES: Final = "instances"

ROWS: Final = (
    Row(
        "{i} × {s} steps: steps a second",
        MANY,
        "steps/s",
        ",.0f",
        more_is_better=True,
        targets=(Target(0.5, FLOOR), Target(100, "DBOS"), Target(10, "Restate")),
    ),
    Row("  CPU a step, µs (servers not counted)", MANY, "cpu", ",.1f", targets=(Target(2, FLOOR),)),
    Row("one alone, {s} steps: ms a step, p50", ALONE, "p50", ",.2f", targets=(Target(3.2, FLUSH),)),
    Row("  p99", ALONE, "p99", ",.2f", targets=(Target(1),)),
    Row(
        "{i} × {s} steps: instances a second",
        SHORT,
        "instances/s",
        ",.0f",
        more_is_better=True,
        targets=(Target(8000),),
    ),
    Row("{i} parked: seconds to park all", PARKED, "seconds", ",.2f", targets=(Target(0.8),)),
    Row("  memory for each, KB", PARKED, "bytes", ",.2f", factor=1e-3),
    Row("  memory of its server, MB", PARKED, "servers", ",.0f", factor=1e-6, compared=False),
    Row(
        "  signal → its next step, ms, p50",
        PARKED,
        "p50",
        ",.2f",
        targets=(Target(7, FLUSH),),
        of_floor=COMMIT,
    ),
    Row("  p99", PARKED, "p99", ",.2f", targets=(Target(3),), of_floor=COMMIT),
    Row("  kill -9: the first runs on, s", PARKED, "first", ",.2f", targets=(Target(0.3),)),
    Row("  the last runs on, s", PARKED, "last", ",.2f", targets=(Target(0.3),)),
    Row("{i} parked: memory for each, KB", CROWD, "bytes", ",.2f", factor=1e-3, targets=(Target(0.2),)),
    Row("  signal → its next step, ms, p50", CROWD, "p50", ",.2f", targets=(Target(7, FLUSH),)),
    Row("  kill -9: the first runs on, s", CROWD, "first", ",.2f", targets=(Target(1),)),
    Row("{i} × {s}, kill -9 in the middle: all done, s", KILLED, "seconds", ",.2f", targets=(Target(0.5),)),
    Row(
        "  effects outside run twice, of {d}", KILLED, "twice", ",.0f", targets=(Target(1, INSTANCES),), compared=False
    ),
    Row("  where its server outlives the kill", SPARED, "twice", ",.0f", compared=False),
    Row("  effects on the CRM not done just once", ON_CRM, "on the CRM", ",.0f", targets=(Target(0),), compared=False),
    Row("one of {s} steps: seconds in all", LONG, "seconds", ",.2f", targets=(Target(2.5),)),
    Row("  a step at its end / at its beginning", LONG, "slowing", ",.2f", targets=(Target(1.1),), compared=False),
    Row("  kill -9 near the end: runs on, s", LATE, "first", ",.2f", targets=(Target(0.1),)),
)
