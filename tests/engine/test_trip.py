"""
The trip of one await: which files control passes through, traced over both threads and compared with `docs/design.md`.

`await crm.deal.add_product(7)` on the embedded engine, on a real file. The trip begins when the process reaches that
line and ends when it goes on behind it; it has LANDMARKS. A file of bizproc is *passed through* if one of its functions
is running, or waits for one that it has called, at a landmark. What is not counted:

- a file that is only asked on the way and answers (`store/types.py`, `model/money.py`, `triggers/keys.py` …): the trip
  does not go on from there;
- the descriptor and what else makes and checks the value: `core/action.py`, `core/checks.py`, and what attrs generated;
- the codec: `core/codec/`;
- Python's own library, and other people's;
- what stands below the trip and began before it: the event loop, the loop of the writer's thread, who called the send;
- inside `adapters/sql_crm/` the files are one: which of them is used is the action's affair.

`docs/design.md` lists the trip as stations: a file, and those that share its work.
"""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest

import bizproc
from bizproc import Runtime, crm, process, wait
from bizproc.model import Deal
from bizproc.settings import Settings

PACKAGE: Final = Path(bizproc.__file__).parent
DESIGN: Final = PACKAGE.parent / "docs" / "design.md"

NOT_COUNTED: Final = ("core/action.py", "core/checks.py", "core/codec/")
ONE_ROOM: Final = "adapters/sql_crm/"
RECIPE: Final = "recipe"

LANDMARKS: Final = {
    "core/commands.py": ("ask",),  # asked, and, when it is resumed, answered
    "store/database.py": ("Database.submit",),  # to be written
    "adapters/sql_crm/rows.py": ("add_product",),  # performed
    "engines/embedded/journal.py": ("Chain.row",),  # journalled
    "engines/embedded/progress.py": ("compare",),  # in a replay: compared with what was
    "store/group.py": ("Group._commit",),  # on disk
}
SEVEN: Final = 7
FOUR: Final = 4


class Tracer:
    """
    Follows one trip.

    Attributes:
        passed: The files that stood on the stack at a landmark, and had been come to on the way.
        landmarks: Which landmarks were come by.
    """

    def __init__(self) -> None:
        self.following = False
        self.passed: set[str] = set()
        self.landmarks: set[str] = set()
        self._entered: set[FrameType] = set()

    def begin(self) -> None:
        self.following = True
        self.passed.add(RECIPE)

    def end(self) -> None:
        self.following = False
        self._entered.clear()

    def profile(self, frame: FrameType, event: str, _arg: Any) -> None:
        if not self.following or event not in {"call", "return"} or place_of(frame) is None:
            return
        if event == "return":
            self._entered.discard(frame)
            return
        self._entered.add(frame)
        if frame.f_code.co_qualname in LANDMARKS.get(place_of(frame, inside=True) or "", ()):
            self.landmarks.add(frame.f_code.co_qualname)
            self.passed.update(self.stack(frame))

    def stack(self, frame: FrameType | None) -> Iterator[str]:
        """The files of bizproc that wait for this frame, and its own; not those that waited before the trip began."""
        while frame is not None:
            file = place_of(frame)
            if file is not None and frame in self._entered:
                yield file
            frame = frame.f_back

    def trip(self) -> list[str]:
        return sorted(each for each in self.passed if not each.startswith(NOT_COUNTED))


def place_of(frame: FrameType, *, inside: bool = False) -> str | None:
    """Where a frame's code stands, seen from the package; None for what is not bizproc's, and for generated code."""
    file = Path(frame.f_code.co_filename)
    if not file.is_relative_to(PACKAGE):
        return None
    place = file.relative_to(PACKAGE).as_posix()
    return f"{ONE_ROOM}…" if place.startswith(ONE_ROOM) and not inside else place


tracer = Tracer()


@contextmanager
def tracing() -> Iterator[Tracer]:
    """Trace this thread, and those that begin inside."""
    global tracer  # noqa: PLW0603  the process below is given once, the tracer for each trip
    tracer = Tracer()
    threading.setprofile(tracer.profile)
    sys.setprofile(tracer.profile)
    try:
        yield tracer
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


@process("trip.once")
async def once(deal: Deal) -> Decimal:
    await crm.deal.add_product(7)  # what is made for the first one only is made here
    tracer.begin()
    row = await crm.deal.add_product(7)
    tracer.end()
    await wait.for_signal("go")
    return row.quantity


async def tour(store: Path) -> tuple[list[str], list[str]]:
    """The trip of a live await, and that of the same one when it is replayed."""
    with tracing() as live:
        async with opened(store) as runtime:
            for number in range(1, 8):
                await runtime.perform(crm.product.create(name=f"Product {number}", price=number))
            deal = await runtime.perform(crm.deal.create(title="A deal"))
            instance = await runtime.start(once(deal), id="trip")
            await runtime.settled()
    assert live.landmarks == {"ask", "Database.submit", "add_product", "Chain.row", "Group._commit"}
    with tracing() as replayed:
        async with opened(store) as runtime:
            instance = runtime.instance("trip")
            await instance.signal("go")
            assert await instance.result() == 1
    # Nothing was performed, and nothing written, between the two ends of the same line.
    assert replayed.landmarks == {"ask", "compare"}
    return live.trip(), replayed.trip()


def opened(store: Path) -> Any:
    return Runtime.open(f"sqlite:///{store}", processes=[once], settings=Settings(keep_in_memory=0))


@pytest.fixture(scope="module")
def trips(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[str]]:
    return asyncio.run(tour(tmp_path_factory.mktemp("trip") / "crm.db"))


def stations(heading: str) -> list[list[str]]:
    """One numbered list of the design's section on the trip: the files of each station, its own first."""
    _, _, section = DESIGN.read_text("utf-8").partition("The trip of one await\n")
    _, _, after = section.partition(f"**{heading}**")
    items = after.partition("\n**")[0].partition("\n## ")[0].replace("\n   ", " ")
    found = re.findall(r"^(\d+)\. (.*)$", items, re.MULTILINE)
    assert [int(number) for number, _ in found] == list(range(1, len(found) + 1))
    return [re.findall(r"`([^`]+)`", text.partition(":")[0]) or [text.partition(":")[0]] for _, text in found]


def files(heading: str) -> list[str]:
    return sorted(file for station in stations(heading) for file in station)


def test_a_live_await_passes_through_the_files_that_the_design_lists(trips: tuple[list[str], list[str]]) -> None:
    assert trips[0] == files("Live")


def test_a_replayed_await_passes_through_the_files_that_the_design_lists(trips: tuple[list[str], list[str]]) -> None:
    assert trips[1] == files("Replayed")


def test_a_live_await_has_the_seven_stations_of_the_house_and_a_replayed_one_four() -> None:
    assert [station[0] for station in stations("Live")] == [
        RECIPE,
        "actions/products.py",
        "core/driver.py",
        "engines/embedded/instance.py",
        f"{ONE_ROOM}…",
        "engines/embedded/journal.py",
        "store/database.py",
    ]
    assert len(stations("Replayed")) == FOUR


def test_a_replayed_await_passes_through_four_files_at_most(trips: tuple[list[str], list[str]]) -> None:
    assert len(trips[1]) <= FOUR, trips[1]
