"""Going on after a failure: `retry`, `skip_wait`, and instances that bring the program down."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bizproc import action, attempt, crm, gather, process, wait
from bizproc.errors import InstanceFailed, InstanceStuck, NotResumable, StartRefused
from bizproc.model import Comment, Deal
from bizproc.runtime import Runtime
from bizproc.testing import World
from bizproc.testing.commits import SimulatedCrash


class Weather:
    """What the outside is like; steps fail while it is bad."""

    def __init__(self) -> None:
        self.bad = True
        self.asked: list[str] = []

    def ask(self, who: str) -> str:
        self.asked.append(who)
        if self.bad:
            raise OSError(f"bad weather for {who}")
        return f"{who} done"


def weather_process(weather: Weather) -> Any:
    @action("tests.ask")
    async def ask(who: str) -> str:
        return weather.ask(who)

    @process("tests.outing")
    async def outing(deal: Deal) -> list[str]:
        await crm.deal.add_comment("off we go")
        tried = await attempt(ask("first"))
        signal = await wait.for_signal("name")
        done = await ask(f"second {signal.value}")
        await crm.deal.add_comment(done)
        return [type(tried.error).__name__, done]

    return outing


@pytest.mark.no_crash("it counts bodies, which may run twice in a crash")
async def test_retry_goes_on_at_the_step_that_failed_and_repeats_nothing(world: World) -> None:
    weather = Weather()
    outing = weather_process(weather)
    deal = await world.deal()
    run = await world.start(outing(deal))
    await run.signal("name", "walk")
    with pytest.raises(InstanceFailed, match="bad weather for second walk"):
        await run.result()

    weather.bad = False
    await run.retry()

    assert await run.result() == ["OSError", "second walk done"]
    assert weather.asked == ["first", "second walk", "second walk"]
    assert [comment.text for comment in await world.find(Comment, of=deal)] == ["off we go", "second walk done"]


async def test_retry_of_one_whose_code_was_wrong_runs_the_repaired_code(world: World) -> None:
    async def body(deal: Deal) -> str:
        await crm.deal.add_comment("one")
        await wait.sleep(timedelta(days=1))
        raise ZeroDivisionError("a slip")

    async def repaired(deal: Deal) -> str:
        await crm.deal.add_comment("one")
        await wait.sleep(timedelta(days=1))
        await crm.deal.add_comment("two")
        return "fine"

    deal = await world.deal()
    run = await world.start(process("tests.slip")(body)(deal))
    await world.advance(days=2)
    assert (await run.status()).state == "failed"
    world.use(process("tests.slip")(repaired))
    await run.retry()
    assert await world.instance(run.id).result() == "fine"
    assert [comment.text for comment in await world.find(Comment, of=deal)] == ["one", "two"]


async def test_waits_of_other_branches_keep_their_deadline_over_a_retry(world: World) -> None:
    weather = Weather()

    @action("tests.ask")
    async def ask(who: str) -> str:
        return weather.ask(who)

    @process("tests.branches")
    async def branches(deal: Deal) -> Any:
        async def later() -> str:
            await wait.sleep(timedelta(hours=1))
            return await ask("late")

        return await gather(later(), wait.sleep(timedelta(days=2)), wait.until_stage("WON"), wait.for_signal("go"))

    deal = await world.deal()
    run = await world.start(branches(deal))
    await world.advance(hours=2)
    assert (await run.status()).state == "failed"
    weather.bad = False
    await world.advance(hours=10)
    await run.retry()
    assert (await run.status()).state == "waiting"
    await run.signal("go", 7)
    await world.perform(crm.deal(deal).change_stage("WON"))
    await world.advance(hours=35)
    assert (await run.status()).state == "waiting"
    await world.advance(hours=1)
    late, slept, reached, signal = await run.result()
    assert (late, slept, reached.stage, signal.value) == ("late done", None, "WON", 7)


async def test_retry_is_for_those_that_failed_or_are_stuck(world: World) -> None:
    deal = await world.deal()
    weather = Weather()
    weather.bad = False
    run = await world.start(weather_process(weather)(deal))
    with pytest.raises(NotResumable, match="is waiting"):
        await run.retry()


async def test_retry_is_refused_while_another_runs_on_the_document(world: World) -> None:
    weather = Weather()
    outing = weather_process(weather)
    deal = await world.deal()
    first = await world.start(outing(deal))
    await first.signal("name", "walk")
    second = await world.start(outing(deal))
    with pytest.raises(StartRefused) as refused:
        await first.retry()
    assert refused.value.existing == second.id


async def test_a_stuck_instance_goes_on_when_the_code_fits_again(world: World) -> None:
    async def old(deal: Deal) -> str:
        await crm.deal.add_comment("one")
        signal = await wait.for_signal("go")
        return f"{signal.value}"

    async def other(deal: Deal) -> str:
        await crm.deal.add_comment("changed")
        return "never"

    deal = await world.deal()
    good = process("tests.changing")(old)
    run = await world.start(good(deal))
    world.use(process("tests.changing")(other))
    await world.crash()
    await run.signal("go", 1)
    status = await run.status()
    assert status.state == "stuck"
    assert status.error is not None and status.error.step == "0"
    assert status.error.recorded is not None and '"one"' in status.error.recorded
    assert status.error.asked is not None and '"changed"' in status.error.asked
    with pytest.raises(InstanceStuck):
        await run.result()
    await run.signal("go", 2)
    world.use(good)
    await run.retry()
    assert await world.instance(run.id).result() == "1"
    assert [comment.text for comment in await world.find(Comment, of=deal)] == ["one"]


async def test_a_person_skips_a_wait(world: World) -> None:
    @process("tests.patient")
    async def patient() -> str:
        await wait.sleep(timedelta(days=100))
        signal = await wait.for_signal("never")
        return f"{signal.timed_out}"

    run = await world.start(patient())
    await run.skip_wait()
    assert (await run.status()).waits_for == "signal never"
    await run.skip_wait()
    assert await run.result() == "True"
    with pytest.raises(NotResumable, match="no wait"):
        await run.skip_wait()


async def test_one_that_kills_the_program_is_set_aside_and_the_others_go_on() -> None:
    async with World.open() as world:
        deadly = True

        @action("tests.poison")
        async def drink() -> str:
            if deadly:
                world.commits.die()
                raise SimulatedCrash
            return "survived"

        @action("tests.water")
        async def sip() -> str:
            return "fine"

        @process("tests.drinking")
        async def drinking() -> str:
            await wait.for_signal("drink")
            return await drink()

        @process("tests.sipping")
        async def sipping() -> str:
            await wait.sleep(timedelta(hours=1))
            return await sip()

        guest = await world.start(drinking())
        others = [await world.start(sipping()) for _ in range(3)]
        await guest.signal("drink")
        for _ in range(5):
            await world.run_until_idle()
        status = await guest.status()
        assert status.state == "stuck"
        assert "died 2 times while it ran alone" in str(status.error)

        await world.advance(hours=2)
        assert [await other.result() for other in others] == ["fine"] * 3

        deadly = False
        await guest.retry()
        assert await guest.result() == "survived"


async def test_one_whose_process_is_not_loaded_is_set_aside_until_it_is(tmp_path: Path) -> None:
    @process("tests.napping")
    async def napping() -> str:
        await wait.for_signal("wake")
        return "awake"

    url = f"sqlite:///{tmp_path / 'crm.db'}"
    async with Runtime.open(url, processes=[napping]) as runtime:
        await runtime.start(napping(), id="nap")
    async with Runtime.open(url) as runtime:
        await runtime.instance("nap").signal("wake")
        await runtime.settled()
        status = await runtime.instance("nap").status()
        assert status.state == "stuck"
        assert "no process 'tests.napping'" in str(status.error)
    async with Runtime.open(url, processes=[napping]) as runtime:
        assert await runtime.instance("nap").result(timeout=timedelta(seconds=10)) == "awake"


async def test_a_journal_that_grows_too_long_fails_the_instance(caplog: pytest.LogCaptureFixture) -> None:
    @process("tests.long")
    async def long() -> None:
        for _ in range(200):
            await wait.sleep(timedelta(hours=1))

    async with World.open(longest_journal=100) as world:
        run = await world.start(long())
        await world.advance(days=10)
        with pytest.raises(InstanceFailed, match="continue_as_new"):
            await run.result()
        assert caplog.messages == [
            "the journal of instance tests.long-1 has 11 entries: begin anew with continue_as_new, or replays take long"
        ]
