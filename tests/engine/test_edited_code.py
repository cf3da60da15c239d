"""
The proof of an upgrade: a store full of live instances, their code edited as people edit it, and looked at before.

`check` says of each instance what will become of it on the new code; then that code is loaded, and it is so. What does
not fit is stuck at the step that was named, and goes on when the code is put back: nothing is lost, nothing done twice.
"""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from attrs import field, frozen

from bizproc import Process, Runtime, crm
from bizproc.adapters.virtual_clock import VirtualClock
from bizproc.model import Comment
from bizproc.runtime import Status, Upgrade

CODE = Path(__file__).parent / "edited" / "company.py"
NOW = datetime(2031, 3, 3, 9, tzinfo=UTC)
numbers = count(1)

FITS = ("compatible", None)
Expected = Mapping[str, tuple[tuple[str, str | None], tuple[str, str | None]]]


@frozen
class Edit:
    """
    A change of the code.

    Attributes:
        replaced: Old text and new text.
        expected: By process, what is said of its instances that had no signal yet, and of those that had one. Of all
            others it is said that they fit.
    """

    name: str
    replaced: tuple[tuple[str, str], ...]
    expected: Expected = field(factory=dict)


def at(step: str) -> tuple[str, str | None]:
    return "mismatch", step


PATCHED = ("patched", None)
UNKNOWN = ("unknown", None)
UNREADABLE = ("unreadable", None)

ONE = '    await crm.deal.add_comment("one")\n'
BOTH = "    both = await gather(left(), right())\n"
BOOKED = '        await crm.deal.add_comment("booked")\n'

EDITS = [
    Edit(
        "a step is renamed",
        (('@action("up.price")', '@action("up.cost")'),),
        {"up.sequence": (at("1"), at("1")), "up.branches": (at("0.0.0"), at("0.0.0")), "up.loop": (at("0"), at("0"))},
    ),
    Edit(
        "a step is inserted",
        (
            (
                '    await crm.deal.add_comment("two")\n',
                '    await price("new")\n    await crm.deal.add_comment("two")\n',
            ),
        ),
        {"up.sequence": (FITS, at("3"))},
    ),
    Edit(
        "a step is deleted",
        (('    await crm.deal.add_comment("two")\n', ""),),
        {"up.sequence": (FITS, at("3"))},
    ),
    Edit(
        "two steps change places",
        (
            (
                '    await crm.deal.add_comment("one")\n    first = await price("tea")\n',
                '    first = await price("tea")\n    await crm.deal.add_comment("one")\n',
            ),
        ),
        {"up.sequence": (at("0"), at("0"))},
    ),
    Edit(
        "an argument is another",
        (('add_comment("booked")', 'add_comment("booked, at last")'),),
        {"up.saga": (FITS, at("2"))},
    ),
    Edit(
        "parameters are added that have defaults",
        (
            ("*, factor: int = 1)", '*, factor: int = 1, currency: str = "EUR")'),
            ("async def waits(*, days: int = 5)", "async def waits(*, days: int = 5, remark: str = '')"),
            ("async def loop(*, round: int = 0)", "async def loop(*, round: int = 0, last: int = 2)"),
        ),
    ),
    Edit(
        "new branches stand behind patched",
        (
            (ONE, f'    if await patched("greet"):\n        await crm.deal.add_comment("hello")\n{ONE}'),
            (BOTH, f'    if await patched("third"):\n        await gather(left(), right(), right())\n{BOTH}'),
            (BOOKED, f'        if await patched("polite"):\n            await price("thanks")\n{BOOKED}'),
        ),
        {
            "up.sequence": (PATCHED, PATCHED),
            "up.branches": (PATCHED, PATCHED),
            "up.saga": (FITS, PATCHED),
        },
    ),
    Edit(
        "the version is another",
        (('@process("up.waits")', '@process("up.waits", version=2)'),),
        {"up.waits": (UNKNOWN, UNKNOWN)},
    ),
    Edit(
        "a wait is longer",
        (("    await wait.sleep(days * DAY)\n", "    await wait.sleep((days + 1) * DAY)\n"),),
        {"up.waits": (FITS, at("1"))},
    ),
    Edit(
        "a type is another",
        ((") -> int:\n    return len(item) * factor", ") -> list[int]:\n    return [len(item) * factor]"),),
        {
            "up.sequence": (UNREADABLE, UNREADABLE),
            "up.branches": (UNREADABLE, UNREADABLE),
            "up.loop": (UNREADABLE, UNREADABLE),
        },
    ),
]


def processes_of(folder: Path, replaced: Iterable[tuple[str, str]] = ()) -> list[Process[..., Any]]:
    """The processes of the edited file: a module of its own."""
    text = CODE.read_text("utf-8")
    for old, new in replaced:
        assert old in text, old
        text = text.replace(old, new)
    name = f"edited_{next(numbers)}"
    path = folder / f"{name}.py"
    path.write_text(text, "utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [value for value in vars(module).values() if isinstance(value, Process)]


# -- the store ---------------------------------------------------------------------------------------------------------


async def fill(url: str, processes: list[Process[..., Any]], how_many: int) -> None:
    """So many live instances, half of which have had a signal."""
    known = {one.name: one for one in processes}
    async with Runtime.open(url, processes=processes, clock=VirtualClock(NOW)) as runtime:
        deal = await runtime.perform(crm.deal.create(title="Tea"))
        calls = [
            known["up.sequence"](deal),
            known["up.waits"](),
            known["up.branches"](),
            known["up.saga"](deal),
            known["up.parent"](),
            known["up.loop"](),
        ]
        starts = [(calls[number % 6], f"{number}-{number // 6 % 2}") for number in range(how_many)]
        await asyncio.gather(*(runtime.start(call, id=id) for call, id in starts))
        await asyncio.gather(*(runtime.instance(id).signal("go") for _, id in starts if id.endswith("-1")))
        await runtime.settled()


def depth(id: str) -> int:
    """How many signals an instance has had; children have had none."""
    return 0 if "/" in id else int(id.rpartition("-")[2])


@asynccontextmanager
async def running(url: str, processes: list[Process[..., Any]]) -> AsyncIterator[tuple[Runtime, VirtualClock]]:
    clock = VirtualClock(NOW)
    async with Runtime.open(url, processes=processes, clock=clock) as runtime:
        await runtime.settled()
        yield runtime, clock


async def drive(runtime: Runtime, clock: VirtualClock) -> None:
    """Let all of them end that can."""
    end = NOW + timedelta(days=200)
    for _ in range(4):
        live = [status.id for status in await runtime.instances() if status.state in ("waiting", "running", "stuck")]
        await asyncio.gather(*(runtime.instance(id).signal("go") for id in live))
        await runtime.settled()
    while (wake := clock.next_wake()) is not None and wake <= end:
        clock.move_to(wake)
        await runtime.settled()


async def stuck(runtime: Runtime) -> dict[str, Status]:
    return {status.id: status for status in await runtime.instances(status="stuck")}


async def check(url: str, processes: list[Process[..., Any]]) -> dict[str, Upgrade]:
    """As `bizproc check` does, before the new code is anywhere."""
    async with Runtime.attach(url) as guest:
        report = await guest.check(processes)
    return {one.instance: one for one in report.instances}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Stores that are filled already, by how many instances they hold."""
    return {}


async def store_of(filled: dict[int, Path], folder: Path, how_many: int) -> str:
    """A store of its own, full of live instances."""
    if how_many not in filled:
        path = folder / "first.db"
        await fill(f"sqlite:///{path}", processes_of(folder), how_many)
        filled[how_many] = path
    shutil.copy(filled[how_many], folder / "crm.db")
    return f"sqlite:///{folder / 'crm.db'}"


SIZES = [pytest.param(48, id="small"), pytest.param(1000, id="thousand", marks=pytest.mark.long)]


@pytest.mark.parametrize("how_many", SIZES)
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name.replace(" ", "_"))
async def test_what_is_said_of_an_edit_is_what_happens(
    edit: Edit, how_many: int, filled: dict[int, Path], tmp_path: Path
) -> None:
    url = await store_of(filled, tmp_path, how_many)
    old, new = processes_of(tmp_path), processes_of(tmp_path, edit.replaced)

    said = await check(url, new)
    assert len(said) >= how_many
    for one in said.values():
        expected = edit.expected.get(one.process, (FITS, FITS))[depth(one.instance)]
        assert (one.verdict, one.step) == expected, one

    refused = {id for id, one in said.items() if one.verdict not in ("compatible", "patched")}
    async with running(url, new) as (runtime, clock):
        await drive(runtime, clock)
        found = await stuck(runtime)
        assert set(found) == refused
        for id, status in found.items():
            assert status.error is not None
            if said[id].verdict == "mismatch":
                error = status.error
                assert (error.step, error.recorded, error.asked) == (said[id].step, said[id].recorded, said[id].asked)
        states = Counter(status.state for status in await runtime.instances() if status.id not in refused)
        assert set(states) == {"completed"}

    async with running(url, old) as (runtime, clock):  # the code is put back
        for id in await stuck(runtime):
            await runtime.instance(id).retry()
        await runtime.settled()
        await drive(runtime, clock)
        statuses = await runtime.instances()
        assert {status.state for status in statuses} == {"completed"}, [status for status in statuses if status.error]
        await nothing_is_done_twice(runtime, statuses, edit)


async def nothing_is_done_twice(runtime: Runtime, statuses: list[Status], edit: Edit) -> None:
    """Each comment is there once for each instance that says it."""
    comments = Counter(comment.text for comment in await runtime.find(Comment))
    of = Counter(status.process for status in statuses)
    if edit.name == "a step is deleted":
        del comments["two"]  # those that had not come to it have left it out
        assert comments["one"] == of["up.sequence"]
        return
    booked = comments["booked"] + comments["booked, at last"]
    assert (comments["one"], comments["two"]) == (of["up.sequence"], of["up.sequence"])
    assert comments["three 3"] + comments["three [3]"] == of["up.sequence"]
    assert (comments["reserved"], booked, comments["released"]) == (of["up.saga"], of["up.saga"], 0)
