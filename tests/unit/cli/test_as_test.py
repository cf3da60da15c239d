"""`bizproc show ID --as-test`: the story of an instance as a test, which is green as it is."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bizproc import Runtime, UserQueue, crm
from bizproc.adapters.virtual_clock import VirtualClock
from bizproc.cli.finding import find_processes
from bizproc.model import Deal
from bizproc.runtime import Instance
from tests.unit.cli.conftest import Run

ROOT = Path(__file__).resolve().parents[3]

TEA = """
import enum
from datetime import datetime, timedelta
from decimal import Decimal

import attrs

from bizproc import Retry, UserQueue, action, attempt, crm, gather, note, now, on, process, wait
from bizproc.model import Deal


class Way(enum.Enum):
    MAIL = "mail"
    PHONE = "phone"


@attrs.frozen
class Price:
    amount: Decimal
    until: datetime


@action("tea.score")
async def score(title: str) -> int:
    return len(title)


@action("tea.price")
async def price(title: str) -> Price:
    from datetime import UTC
    return Price(Decimal("18.50"), datetime(2031, 5, 1, tzinfo=UTC))


@action("tea.call", retry=Retry(attempts=3, first_delay=timedelta(minutes=1), jitter=0))
async def call(title: str) -> str:
    raise ConnectionError("nobody is there")


@process("tea.waits")
async def waits(deal: Deal, *, within: timedelta = timedelta(days=14), way: Way = Way.MAIL, api_token: str = "") -> str:
    await crm.deal.add_product(2, price=Decimal("18.00"), quantity=10)
    await wait.sleep(timedelta(hours=3))
    reached = await wait.until_stage("EXECUTING", timeout=within)
    if reached.timed_out:
        await crm.deal.add_activity("Call the client back", important=True)
        return "escalated"
    await crm.deal.add_comment(f"It's \\"{reached.stage}\\"")
    await crm.deal.change_stage("FINAL_INVOICE")
    return "unreached"


@process("tea.signals")
async def signals(deal: Deal, *, limit: Decimal = Decimal(5)) -> Decimal | None:
    offered = await wait.for_signal("offered", Decimal, timeout=timedelta(days=3))
    await crm.deal.add_comment(f"offered {offered.value}")
    silent = await wait.for_signal("never", timeout=timedelta(days=1))
    await crm.deal.add_comment(f"silent: {silent.timed_out}")
    await wait.sleep(timedelta(days=9))
    return offered.value


@process("tea.gathers")
async def gathers(deal: Deal) -> tuple[int, int, Decimal]:
    a, b, c = await gather(score(deal.title), score("x"), price(deal.title))
    await note("scored", at=await now())
    return a, b, c.amount


@process("tea.fails")
async def fails(deal: Deal) -> None:
    first = await attempt(crm.deal.add_product(99))
    await crm.deal.add_comment(type(first.error).__name__)
    await call(deal.title)


@process("tea.bare")
async def bare(*, name: str, api_token: str) -> dict[str, str]:
    return {"name": name, "token": api_token}


@process("tea.assigns")
async def assigns(deal: Deal, *, team: list[int], pick: str = "in_order") -> list[int | None]:
    queue = UserQueue(team, pick=pick, skip_absent=True, nobody="hold", name="sales")
    one = await crm.deal.change_responsible(queue)
    await wait.sleep(timedelta(hours=1))
    two = await crm.deal.change_responsible(queue)
    return [one.user, two.user]


@process("tea.gives", starts=on.stage("deal", "EXECUTING"))
async def gives(deal: Deal) -> None:
    await crm.deal.add_task("Call")


@process("tea.closes", starts=on.stage("deal", "PREPARATION"))
async def closes(deal: Deal) -> int:
    left = {task.stage for task in await crm.deal.tasks() if task.stage} - {deal.stage}
    ended = await crm.deal.end_tasks(*sorted(left)) if left else ()
    await wait.sleep(timedelta(days=2))
    return len(ended)


@process("tea.asks")
async def asks(deal: Deal) -> None:
    await bare(name="x", api_token="y")
"""


@pytest.fixture
def tea(here: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (here / "tea.py").write_text(TEA, "utf-8")
    found = {process.function.__name__: process for process in find_processes(["tea"])}
    return type("Tea", (), {name: staticmethod(process) for name, process in found.items()})


Story = Callable[[Runtime, "Moves", Deal], Awaitable[object]]


class Moves:
    """The clock of a runtime that has a store in a file."""

    def __init__(self, runtime: Runtime, clock: VirtualClock) -> None:
        self.runtime, self.clock = runtime, clock

    async def on(self, **duration: float) -> None:
        target = self.clock.now() + timedelta(**duration)
        await self.runtime.settled()
        while (wake := self.clock.next_wake()) is not None and wake <= target:
            self.clock.move_to(wake)
            await self.runtime.settled()
        self.clock.move_to(target)
        await self.runtime.settled()


async def live(story: Story) -> None:
    """A story in a store that has other items, too, so that ids are not those of a new one."""
    clock = VirtualClock()
    async with Runtime.open("sqlite:///bizproc.db", clock=clock) as runtime:
        for name in ("Tea", "Coffee"):
            await runtime.perform(crm.product.create(name=name, price=Decimal("1.50")))
        for number in range(7):
            await runtime.perform(crm.deal.create(title=f"Other {number}"))
        user = await runtime.perform(crm.user.create(name="Eva", last_name="Holt"))
        company = await runtime.perform(crm.company.create(title='"Blue" Tea House', responsible_id=user.id))
        fields: Any = {"company_id": company.id, "responsible_id": user.id, "amount": Decimal("99.90")}
        deal = await runtime.perform(crm.deal.create(title="Tea for Lyon", **fields))
        moves = Moves(runtime, clock)
        await moves.on(days=2)
        await story(runtime, moves, deal)
        await runtime.settled()


def told(run: Run, here: Path, story: Story, *flags: str, id_file: Path | None = None) -> str:
    """The test that is told of it; it is green, in a program of its own."""
    asyncio.run(live(story))
    id_ = "it" if id_file is None else id_file.read_text("utf-8")
    printed = run("show", id_, "--as-test", "--processes", "tea")
    assert printed.exit_code == 0, printed.output
    (here / "test_it.py").write_text(printed.stdout, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "bizproc.testing.plugin", *flags]
    ran = subprocess.run(
        [*command, "test_it.py"],
        cwd=here,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(here)]),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ran.returncode == 0, f"{printed.stdout}\n{ran.stdout}{ran.stderr}"
    return printed.stdout


def test_a_story_of_waits_ends_as_it_did(tea: Any, run: Run, here: Path) -> None:
    async def story(runtime: Runtime, moves: Moves, deal: Deal) -> Instance[Any]:
        way = tea.waits.function.__globals__["Way"].PHONE
        instance: Instance[Any] = await runtime.start(tea.waits(deal, way=way), id="it")
        await moves.on(days=3)
        await runtime.perform(crm.deal(deal).change_stage("EXECUTING"))
        await moves.on(hours=1)
        return instance

    text = told(run, here, story, "--bizproc-crash")
    assert "run = await world.start(waits(deal, way=Way.PHONE))" in text
    assert "await world.perform(crm.deal(deal).change_stage('EXECUTING'))" in text
    assert "assert (await world.get(Deal, deal.id)).stage == 'FINAL_INVOICE'" in text
    assert """== ['It\\'s "EXECUTING"']""" in text
    assert "deal = await world.deal(" in text and "company_id=company.id" in text and "responsible_id=user.id" in text


def test_a_story_of_silence_passes_the_time(tea: Any, run: Run, here: Path) -> None:
    async def story(runtime: Runtime, moves: Moves, deal: Deal) -> Instance[Any]:
        instance: Instance[Any] = await runtime.start(tea.waits(deal, within=timedelta(days=2)), id="it")
        await moves.on(days=5)
        return instance

    text = told(run, here, story, "--bizproc-always-replay")
    assert "within=timedelta(days=2)" in text
    assert "await world.find(Activity, of=deal)] == ['Call the client back']" in text
    assert "assert await run.result() == 'escalated'" in text


def test_a_story_of_signals_sends_them_when_they_came(tea: Any, run: Run, here: Path) -> None:
    async def story(runtime: Runtime, moves: Moves, deal: Deal) -> Instance[Any]:
        instance: Instance[Any] = await runtime.start(tea.signals(deal), id="it")
        await moves.on(days=2)
        await instance.signal("offered", Decimal("7.50"))
        await moves.on(days=3)
        await instance.skip_wait()
        return instance

    text = told(run, here, story)
    assert "await run.signal('offered', '7.50')" in text or "await run.signal('offered', Decimal('7.50'))" in text
    assert "await run.skip_wait()" in text
    assert "assert await run.result() == Decimal('7.50')" in text


def test_a_story_with_steps_has_their_answers(tea: Any, run: Run, here: Path) -> None:
    async def story(runtime: Runtime, moves: Moves, deal: Deal) -> Instance[Any]:
        instance: Instance[Any] = await runtime.start(tea.gathers(deal), id="it")
        await moves.on(days=1)
        return instance

    text = told(run, here, story)
    assert "world.answers(score, 12, 1)" in text
    assert "Price(amount=Decimal('18.50'), until=datetime(2031, 5, 1, 0, 0, tzinfo=UTC))" in text
    assert "assert await run.result() == (12, 1, Decimal('18.50'))" in text


async def team_of(runtime: Runtime, moves: Moves, *absent: int) -> list[int]:
    """Three, one of whom is away for two hours; somebody else's deal has had a turn already."""
    team = [(await runtime.perform(crm.user.create(name=name))).id for name in ("Ann", "Bob", "Cleo")]
    begin = moves.clock.now()
    for place in absent:
        end = begin + timedelta(hours=2)
        await runtime.perform(crm.absence.create(user_id=team[place], start=begin, end=end))
    await runtime.perform(crm.deal(1).change_responsible(UserQueue(team, pick="in_order", name="sales")))
    return team


def test_a_story_of_turns_begins_where_the_queue_stood(tea: Any, run: Run, here: Path) -> None:
    async def story(runtime: Runtime, moves: Moves, deal: Deal) -> Instance[Any]:
        team = await team_of(runtime, moves, 1)
        instance: Instance[Any] = await runtime.start(tea.assigns(deal, team=team), id="it")
        await moves.on(hours=5)
        assert await instance.result() == [team[2], team[0]]
        return instance

    text = told(run, here, story)
    assert "crm.queue('sales').restore({'last': 3, 'ring': (2, 3, 4)})" in text
    assert "crm.absence.create(user_id=3, " in text
    assert "assert await run.result() == [4, 2]" in text
    assert "assert (await world.get(Deal, deal.id)).responsible_id == 2" in text


def test_a_story_in_which_nobody_was_there_holds_it_again(tea: Any, run: Run, here: Path) -> None:
    async def story(runtime: Runtime, moves: Moves, deal: Deal) -> Instance[Any]:
        team = await team_of(runtime, moves, 0, 1, 2)
        instance: Instance[Any] = await runtime.start(tea.assigns(deal, team=team), id="it")
        await moves.on(hours=1, minutes=30)
        return instance

    assert "assert await run.result() == [None, None]" in told(run, here, story)


@pytest.mark.parametrize(
    ("pick", "why"), [("random", "chance would decide anew"), ("in_order", "depends on more than the journal has")]
)
def test_a_story_in_which_others_or_chance_had_a_part_is_refused(
    tea: Any, run: Run, here: Path, pick: str, why: str
) -> None:
    async def story(runtime: Runtime, moves: Moves, deal: Deal) -> Instance[Any]:
        team = await team_of(runtime, moves)
        instance: Instance[Any] = await runtime.start(tea.assigns(deal, team=team, pick=pick), id="it")
        await moves.on(minutes=30)
        await runtime.perform(crm.deal(2).change_responsible(UserQueue(team, pick="in_order", name="sales")))
        await moves.on(hours=5)
        return instance

    asyncio.run(live(story))
    printed = run("show", "it", "--as-test", "--processes", "tea")
    assert printed.exit_code == 2
    assert why in printed.stderr


def test_a_story_of_a_failure_fails_alike(tea: Any, run: Run, here: Path) -> None:
    async def story(runtime: Runtime, moves: Moves, deal: Deal) -> Instance[Any]:
        instance: Instance[Any] = await runtime.start(tea.fails(deal), id="it")
        await moves.on(days=1)
        return instance

    text = told(run, here, story)
    assert "ConnectionError('nobody is there')" in text
    assert "assert failed.value.error_class == 'ConnectionError'" in text


def test_a_story_that_a_trigger_began_finds_the_tasks_of_others_again(tea: Any, run: Run, here: Path) -> None:
    async def story(runtime: Runtime, moves: Moves, deal: Deal) -> None:
        for each in (tea.gives, tea.closes):
            runtime.engine.use(each)
        await runtime.perform(crm.deal(deal).update({"stage": "EXECUTING"}))
        await runtime.perform(crm.deal(deal).add_task("Ask about the van"))
        await runtime.perform(crm.deal(deal).change_stage("PREPARATION"))
        await moves.on(days=3)
        (found,) = await runtime.instances(process="tea.closes", status="completed")
        (here / "id").write_text(found.id, "utf-8")

    text = told(run, here, story, id_file=here / "id")
    assert "mark.processes" not in text
    assert "A trigger started it" in text
    assert "await world.start(others(deal, task='Call', done=False))" in text
    assert "assert await run.result() == 1" in text


def test_a_story_that_is_not_over_stops_where_it_stands(tea: Any, run: Run, here: Path) -> None:
    async def story(runtime: Runtime, moves: Moves, deal: Deal) -> Instance[Any]:
        instance: Instance[Any] = await runtime.start(tea.waits(deal), id="it")
        await moves.on(days=1)
        return instance

    assert "assert (await run.status()).state == 'waiting'" in told(run, here, story)


@pytest.mark.parametrize("end", ["cancel", "terminate"])
def test_a_story_that_was_ended_by_a_person_is_ended_again(tea: Any, run: Run, here: Path, end: str) -> None:
    async def story(runtime: Runtime, moves: Moves, deal: Deal) -> Instance[Any]:
        instance: Instance[Any] = await runtime.start(tea.signals(deal), id="it")
        await moves.on(days=1)
        await (instance.cancel() if end == "cancel" else instance.terminate("enough"))
        return instance

    assert f"await run.{end}(" in told(run, here, story)


def test_secrets_are_not_printed(tea: Any, run: Run, here: Path) -> None:
    async def story(runtime: Runtime, moves: Moves, deal: Deal) -> Instance[Any]:
        instance: Instance[Any] = await runtime.start(tea.bare(name="Ada", api_token="hush-hush"), id="it")
        return instance

    text = told(run, here, story)
    assert "hush" not in text
    assert "bare(name='Ada', api_token='(secret)')" in text


def test_a_story_that_cannot_be_told_whole_is_refused(tea: Any, run: Run, here: Path) -> None:
    async def story(runtime: Runtime, moves: Moves, deal: Deal) -> Instance[Any]:
        instance: Instance[Any] = await runtime.start(tea.asks(deal), id="it")
        return instance

    asyncio.run(live(story))
    printed = run("show", "it", "--as-test", "--processes", "tea")
    assert printed.exit_code == 2
    assert "step 0 (tea.bare) cannot be told as a test: it starts another instance" in printed.stderr


@pytest.mark.usefixtures("tea")
def test_a_story_needs_its_process(run: Run) -> None:
    async def story(runtime: Runtime, moves: Moves, deal: Deal) -> Instance[Any]:
        found = {process.name: process for process in find_processes(["tea"])}
        instance: Instance[Any] = await runtime.start(found["tea.waits"](deal), id="it")
        return instance

    asyncio.run(live(story))
    printed = run("show", "it", "--as-test", "--processes", "sales")
    assert printed.exit_code == 2
    assert "there is no process 'tea.waits'" in printed.stderr
