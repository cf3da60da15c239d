"""Waiting for days: what ends the wait, what the process hears of it, and the card that people see meanwhile."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from bizproc import action, attempt, continue_as_new, crm, gather, process, race, wait
from bizproc.core.errors import DateMissing, DocumentNeeded
from bizproc.model import Activity, Deal, HistoryEvent, Wait, WaitOutcome
from bizproc.settings import Settings
from bizproc.testing import World
from tests.engine.ways import every_way


@process("tests.waits_days")
async def waits_days(deal: Deal, *, days: int = 3) -> str:
    outcome = await wait.days(days, comment="Hands off")
    await crm.deal.add_comment(outcome.reason)
    return outcome.reason


async def cards(world: World, deal: Deal) -> list[tuple[bool, str | None, datetime | None]]:
    return [(card.completed, card.reason, card.completed_at) for card in await world.find(Wait, of=deal)]


@every_way
async def test_the_time_is_exact_and_the_card_is_completed_with_it(world: World) -> object:
    deal = await world.deal()
    begun = world.clock.now()
    run = await world.start(waits_days(deal))
    await world.advance(days=2, hours=23, minutes=59, seconds=59)
    assert await cards(world, deal) == [(False, None, None)]
    assert (await run.status()).until == begun + timedelta(days=3)

    await world.advance(seconds=1)

    assert await run.result() == "time"
    assert await cards(world, deal) == [(True, "time", begun + timedelta(days=3))]
    return await world.find(HistoryEvent, of=deal)


@every_way
async def test_an_open_activity_of_a_person_ends_it(world: World) -> object:
    deal = await world.deal()
    run = await world.start(waits_days(deal))
    await world.advance(days=1)
    await world.perform(crm.deal(deal).add_activity("Call the client"))
    assert await run.result() == "client_activity"
    assert await cards(world, deal) == [(True, "client_activity", world.clock.now())]
    await world.advance(days=5)
    return await world.find(HistoryEvent, of=deal)


@every_way
async def test_an_activity_of_another_process_ends_it_and_its_wait_does_not(world: World) -> object:
    @process("tests.other")
    async def other(deal: Deal) -> str:
        outcome = await wait.days(1)
        await crm.deal.schedule_meeting("Taste")
        return outcome.reason

    deal = await world.deal()
    first, second = await world.start(waits_days(deal)), await world.start(other(deal))
    assert await cards(world, deal) == [(False, None, None), (False, None, None)]
    await world.advance(days=1)
    assert (await second.result(), await first.result()) == ("time", "client_activity")
    return await cards(world, deal)


@every_way
async def test_an_activity_of_its_own_does_not_end_it(world: World) -> object:
    @process("tests.own")
    async def own(deal: Deal) -> str:
        async def plan() -> None:
            await wait.sleep(timedelta(days=1))
            await crm.deal.schedule_call("Ask")

        outcome, _ = await gather(wait.days(3), plan())
        return outcome.reason

    deal = await world.deal()
    run = await world.start(own(deal))
    await world.advance(days=4)
    assert await run.result() == "time"
    return await cards(world, deal)


@every_way
async def test_a_person_skips_it(world: World) -> object:
    deal = await world.deal()
    run = await world.start(waits_days(deal))
    await world.advance(hours=5)
    await run.skip_wait()
    assert await run.result() == "skipped"
    assert await cards(world, deal) == [(True, "skipped", world.clock.now())]
    return None


@every_way
async def test_a_newer_wait_of_the_same_instance_takes_its_place(world: World) -> object:
    @process("tests.twice")
    async def twice(deal: Deal) -> list[str]:
        async def later() -> str:
            await wait.sleep(timedelta(days=1))
            return (await wait.days(5)).reason

        first, second = await gather(wait.days(3), later())
        return [first.reason, second]

    deal = await world.deal()
    run = await world.start(twice(deal))
    await world.advance(days=1)
    assert [reason for _, reason, _ in await cards(world, deal)] == ["superseded", None]
    await world.advance(days=5)
    assert await run.result() == ["superseded", "time"]
    return await cards(world, deal)


@every_way
async def test_a_wait_that_loses_a_race_leaves_a_completed_card(world: World) -> object:
    @process("tests.races")
    async def races(deal: Deal) -> int:
        winner = await race(wait.days(30), wait.for_signal("go", str))
        await wait.sleep(timedelta(days=1))
        return winner.index

    deal = await world.deal()
    run = await world.start(races(deal))
    await run.signal("go", "now")
    assert await cards(world, deal) == [(True, "cancelled", world.clock.now())]
    await world.advance(days=1)
    assert await run.result() == 1
    return None


@every_way
async def test_cancelling_terminating_and_failing_complete_the_card(world: World) -> object:
    @process("tests.fails")
    async def fails(deal: Deal) -> None:
        async def slip() -> None:
            await wait.sleep(timedelta(days=1))
            raise ZeroDivisionError("a slip")

        await gather(wait.days(3), slip())

    ways = []
    for end in ("cancelled", "terminated", "failed"):
        deal = await world.deal()
        run = await world.start(fails(deal) if end == "failed" else waits_days(deal))
        match end:
            case "cancelled":
                await run.cancel()
            case "terminated":
                await run.terminate("enough")
            case _:
                await world.advance(days=1)
        assert (await run.status()).state == end
        ways += [(completed, reason) for completed, reason, _ in await cards(world, deal)]
    # A branch that another one's error ends is cancelled before the instance fails.
    assert ways == [(True, "cancelled"), (True, "terminated"), (True, "cancelled")]
    return ways


@every_way
async def test_changing_the_stage_in_another_branch_completes_the_card(world: World) -> object:
    @process("tests.moves")
    async def moves(deal: Deal) -> None:
        async def move() -> None:
            await wait.sleep(timedelta(days=1))
            await crm.deal.change_stage("EXECUTING")

        await gather(wait.days(3), move())

    deal = await world.deal()
    run = await world.start(moves(deal))
    await world.advance(days=1)
    assert ((await run.status()).state, (await run.status()).ended_by) == ("completed", "stage changed")
    assert [reason for _, reason, _ in await cards(world, deal)] == ["completed"]
    return None


@every_way
async def test_deleting_the_item_takes_the_card_away(world: World) -> object:
    deal = await world.deal()
    run = await world.start(waits_days(deal))
    await world.perform(crm.deal(deal).delete())
    assert await world.find(Wait) == []
    await run.terminate("its item is gone")
    return await world.find(Wait)


@every_way
async def test_a_wait_that_a_retry_takes_up_again_is_seen_again_and_ends_when_it_was_to_end(world: World) -> object:
    weather = {"bad": True}

    @action("tests.go_out")
    async def go_out() -> None:
        if weather["bad"]:
            raise OSError("bad weather")

    @process("tests.retried")
    async def retried(deal: Deal) -> str:
        async def outing() -> None:
            await wait.sleep(timedelta(days=1))
            await go_out()

        outcome, _ = await gather(wait.days(3), outing())
        return outcome.reason

    deal = await world.deal()
    begun = world.clock.now()
    run = await world.start(retried(deal))
    await world.advance(days=1)
    assert (await run.status()).state == "failed"
    assert [reason for _, reason, _ in await cards(world, deal)] == ["cancelled"]

    weather["bad"] = False
    await run.retry()

    assert await cards(world, deal) == [(False, None, None)]
    await world.advance(begun + timedelta(days=3))
    assert await run.result() == "time"
    return await cards(world, deal)


@every_way
async def test_days_before_a_date_end_at_midnight(world: World) -> object:
    @process("tests.before")
    async def before(deal: Deal) -> str:
        return (await wait.days_before("close_date", 2)).reason

    deal = await world.perform(crm.deal.create(title="Tea", close_date=(world.clock.now() + timedelta(days=9)).date()))
    run = await world.start(before(deal))
    midnight = datetime.combine(deal.close_date or date.max, datetime.min.time(), UTC) - timedelta(days=2)
    await world.advance(midnight - timedelta(seconds=1))
    assert (await run.status()).state == "waiting"
    await world.advance(midnight)
    assert await run.result() == "time"
    return await cards(world, deal)


async def test_days_are_those_of_the_portals_zone() -> None:
    async with World.open(settings=Settings(time_zone="Europe/Paris")) as world:
        await world.advance(datetime(2030, 3, 30, 11, tzinfo=UTC))  # noon in Paris; the clocks jump in the night after
        deal = await world.deal()
        run = await world.start(waits_days(deal, days=1))
        await world.advance(hours=22, minutes=59)
        assert (await run.status()).state == "waiting"
        await world.advance(minutes=1)
        assert await run.result() == "time"


@every_way
async def test_what_cannot_be_waited_for_is_raised_in_the_process_and_leaves_no_card(world: World) -> object:
    @process("tests.cannot")
    async def cannot(deal: Deal) -> str:
        tried = await attempt(wait.days_before("close_date", 2))
        assert isinstance(tried.error, DateMissing)
        return tried.error.field

    @process("tests.nowhere")
    async def nowhere() -> str:
        tried = await attempt(wait.days(2))
        assert isinstance(tried.error, DocumentNeeded)
        return tried.error.action

    deal = await world.deal()
    first, second = await world.start(cannot(deal)), await world.start(nowhere())
    assert (await first.result(), await second.result()) == ("close_date", "days")
    assert await world.find(Wait) == []
    return None


@every_way
async def test_one_wait_after_the_other_has_a_card_each(world: World) -> object:
    @process("tests.chain")
    async def chain(deal: Deal) -> list[str]:
        return [(await wait.days(1)).reason for _ in range(3)]

    deal = await world.deal()
    run = await world.start(chain(deal))
    await world.advance(days=1)
    await world.perform(crm.deal(deal).add_activity("Call"))
    await world.advance(days=1)
    assert await run.result() == ["time", "client_activity", "time"]
    assert [reason for _, reason, _ in await cards(world, deal)] == ["time", "client_activity", "time"]
    return await world.find(Activity, of=deal)


@every_way
async def test_of_two_that_begin_together_the_second_goes_on(world: World) -> object:
    @process("tests.together")
    async def together(deal: Deal) -> list[str]:
        first, second = await gather(wait.days(3), wait.days(5))
        return [first.reason, second.reason]

    deal = await world.deal()
    run = await world.start(together(deal))
    assert [reason for _, reason, _ in await cards(world, deal)] == ["superseded", None]
    await world.advance(days=5)
    assert await run.result() == ["superseded", "time"]
    return await cards(world, deal)


@every_way
async def test_beginning_anew_leaves_no_open_card(world: World) -> object:
    @process("tests.anew")
    async def anew(deal: Deal, *, run: int = 0) -> str:
        async def again() -> None:
            await wait.sleep(timedelta(days=1))
            if run == 0:
                await continue_as_new(run=1)

        outcome, _ = await gather(wait.days(3), again())
        return outcome.reason

    deal = await world.deal()
    run = await world.start(anew(deal))
    await world.advance(days=1)
    assert [reason for _, reason, _ in await cards(world, deal)] == ["cancelled", None]
    await world.advance(days=3)
    assert await run.result() == "time"
    return await cards(world, deal)


@every_way
async def test_a_second_instance_waits_beside_the_first_and_both_end_with_the_client(world: World) -> object:
    @process("tests.also_waits", overlap="parallel")
    async def also_waits(deal: Deal) -> str:
        return (await wait.days(3)).reason

    deal = await world.deal()
    runs = [await world.start(also_waits(deal)) for _ in range(3)]
    await world.perform(crm.deal(deal).add_task("Answer the client"))
    assert [await run.result() for run in runs] == ["client_activity"] * 3
    return await cards(world, deal)


def test_the_outcome_is_a_value() -> None:
    assert wait.days(3).result_type is WaitOutcome
