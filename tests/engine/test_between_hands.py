"""
What lies between: actions of the CRM, the events they tell, the instances that these end or start, the lines they move.

Each of these belongs to two or three parts that are tested by themselves elsewhere; here they are together.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bizproc import UserQueue, attempt, crm, gather, on, process, race, wait
from bizproc.errors import InstanceTerminated, UnknownStage
from bizproc.model import (
    Activity,
    Comment,
    Company,
    Contact,
    Deal,
    Exclusion,
    ItemRef,
    Lead,
    Notification,
    SmartItem,
    Stage,
    Wait,
)
from bizproc.testing import World
from tests.engine.ways import every_way

DAY = timedelta(days=1)


@process("tests.rests", overlap="parallel")
async def rests(deal: Deal) -> str:
    """A card is seen beside the deal for a week."""
    await wait.days(7)
    await crm.deal.add_comment("rested")
    return "rested"


@process("tests.watches_lead", overlap="parallel")
async def watches_lead(lead: Lead) -> str:
    """A card is seen beside the lead for a week."""
    return (await wait.days(7)).reason


@process("tests.in_stage", starts=on.stage("deal", "NEW", "C1:NEW", while_in_stage=True), overlap="parallel")
async def in_stage(deal: Deal) -> None:
    """Live while the deal is in its first stage."""
    await wait.sleep(30 * DAY)


@process("tests.hears_deletion", starts=on.deleted("deal", by_processes=True))
async def hears_deletion(deal: Deal) -> str:
    """Told of a deal that has gone, as it was."""
    return deal.title


@process("tests.watches_from_afar", overlap="parallel")
async def watches_from_afar(*, deal: int) -> tuple[str, bool]:
    reached = await wait.until_stage("EXECUTING", deal=deal)
    return reached.stage, reached.deleted


async def ends(world: World, **which: Any) -> list[tuple[str, str, str | None]]:
    return [(status.process, status.state, status.ended_by) for status in await world.instances(**which)]


async def cards(world: World) -> list[tuple[str, int, bool, str | None]]:
    return [(card.owner_kind, card.owner_id, card.completed, card.reason) for card in await world.find(Wait)]


# -- ends --------------------------------------------------------------------------------------------------------------


@every_way
async def test_a_move_of_another_deal_ends_its_instances_with_their_cards_and_this_one_goes_on(world: World) -> object:
    """D10."""

    @process("tests.moves_another")
    async def moves_another(deal: Deal, *, other: int) -> str:
        await crm.deal(other).change_pipeline(1, stage="EXECUTING")
        await crm.deal.add_comment("went on")
        return (await crm.deal(other).read()).stage

    await world.perform(crm.pipeline.create(name="Service"))
    world.use(in_stage)
    deal, other = await world.deal(), await world.deal()
    await world.start(rests(other))
    afar = await world.start(watches_from_afar(deal=other.id))
    run = await world.start(moves_another(deal, other=other.id))
    assert await run.result() == "C1:EXECUTING"
    assert await ends(world, document=other) == [
        ("tests.in_stage", "terminated", "pipeline changed"), ("tests.rests", "terminated", "pipeline changed"),
    ]  # fmt: skip
    assert await cards(world) == [("deal", other.id, True, "terminated")]
    # What runs on no document hears of the move as of any other change of stage (28).
    assert (await afar.status()).state == "waiting"
    await world.perform(crm.deal(other).change_stage("C1:WON"))
    assert await afar.result() == ("C1:WON", False)
    return [await ends(world), await cards(world)]


@every_way
async def test_a_move_of_the_own_deal_ends_this_instance_in_all_its_branches(world: World) -> object:
    """D10: the one that waits in another branch, the one beside it; what lives in the new stage begins."""

    @process("tests.moves_itself")
    async def moves_itself(deal: Deal) -> str:
        await gather(wait.days(7), _after(crm.deal.change_pipeline(1)))
        return "never"

    await world.perform(crm.pipeline.create(name="Service"))
    world.use(in_stage)
    deal = await world.deal()
    await world.start(rests(deal))
    run = await world.start(moves_itself(deal))
    with pytest.raises(InstanceTerminated):
        await run.result()
    assert sorted(await ends(world, document=deal), key=str) == [
        ("tests.in_stage", "terminated", "pipeline changed"), ("tests.in_stage", "waiting", None),
        ("tests.moves_itself", "terminated", "pipeline changed"), ("tests.rests", "terminated", "pipeline changed"),
    ]  # fmt: skip
    assert {card[2:] for card in await cards(world)} == {(True, "terminated")}
    return await ends(world)


async def _after(action: Any) -> None:
    await wait.sleep(timedelta(0))
    await action
    await crm.deal.add_comment("never written")


@every_way
async def test_its_own_change_of_stage_ends_this_one_and_what_lived_in_the_stage_and_no_other(world: World) -> object:
    """D11, even with a saga and a race around it."""

    @process("tests.ends_itself")
    async def ends_itself(deal: Deal) -> str:
        missed = await attempt(crm.deal.change_stage("NOWHERE"))
        assert isinstance(missed.error, UnknownStage)
        await race(wait.days(7), crm.deal.change_stage("EXECUTING"))
        await crm.deal.add_comment("never written")
        return "never"

    world.use(in_stage)
    deal = await world.deal()
    beside = await world.start(rests(deal))
    afar = await world.start(watches_from_afar(deal=deal.id))
    run = await world.start(ends_itself(deal))
    assert await run.result() is None
    assert await ends(world, document=deal) == [
        ("tests.in_stage", "terminated", "stage left"),
        ("tests.rests", "waiting", None),
        ("tests.ends_itself", "completed", "stage changed"),
    ]
    assert await afar.result() == ("EXECUTING", False)
    await world.advance(days=8)
    assert await beside.result() == "rested"
    return await cards(world)


@every_way
async def test_a_deletion_ends_those_on_the_item_wakes_those_afar_and_starts_who_wants_to_hear(world: World) -> object:
    """D6, with the action itself."""

    @process("tests.deletes_itself")
    async def deletes_itself(deal: Deal) -> str:
        await crm.deal.delete()
        return "never"  # bizproc: ok (shows that it never runs)

    world.use(in_stage, hears_deletion)
    deal = await world.deal(title="Tea")
    await world.start(rests(deal))
    afar = await world.start(watches_from_afar(deal=deal.id))
    run = await world.start(deletes_itself(deal))
    with pytest.raises(InstanceTerminated, match="document deleted"):
        await run.result()
    assert await afar.result() == ("NEW", True)
    assert await cards(world) == []
    assert await ends(world) == [
        ("tests.in_stage", "terminated", "document deleted"),
        ("tests.rests", "terminated", "document deleted"),
        ("tests.watches_from_afar", "completed", None),
        ("tests.deletes_itself", "terminated", "document deleted"),
        ("tests.hears_deletion", "completed", None),
    ]
    return None


@every_way
async def test_excluding_with_deletion_ends_all_on_the_deal_its_contact_and_its_company(world: World) -> object:
    """D5, D6."""

    @process("tests.on_contact")
    async def on_contact(contact: Contact) -> None:
        await wait.days(7)

    @process("tests.on_company")
    async def on_company(company: Company) -> None:
        await wait.days(7)

    @process("tests.excludes")
    async def excludes(deal: Deal) -> str:
        await crm.deal.add_to_exclusions(delete=True, comment="asked to")
        return "never"

    contact, company = await world.contact(phones=["+33 6 11"]), await world.company(emails=["a@b.example"])
    deal = await world.deal(contact_id=contact.id, company_id=company.id)
    for call in (on_contact(contact), on_company(company), rests(deal), excludes(deal)):
        await world.start(call)
    assert [end[1:] for end in await ends(world)] == [("terminated", "document deleted")] * 4
    assert [await world.find(cls) for cls in (Deal, Contact, Company, Wait)] == [[], [], [], []]
    return [(each.value, each.comment) for each in await world.find(Exclusion)]


@every_way
async def test_excluding_without_deletion_ends_nothing(world: World) -> object:
    """D5."""

    @process("tests.lists")
    async def lists(deal: Deal) -> int:
        return len(await crm.deal.add_to_exclusions())

    deal = await world.deal(contact_id=(await world.contact(phones=["+33 6 11"])).id)
    await world.start(rests(deal))
    run = await world.start(lists(deal))
    assert await run.result() == 1
    assert await ends(world) == [("tests.rests", "waiting", None), ("tests.lists", "completed", None)]
    return None


# -- cards of waits ----------------------------------------------------------------------------------------------------


@every_way
async def test_a_converted_leads_waits_pass_to_the_deal(world: World) -> object:
    """9: conversions transfer them. They end when they were to end, or with what happens beside the deal."""
    lead = await world.perform(crm.lead.create(title="Tea", name="Ann"))
    one, two = await world.start(watches_lead(lead)), await world.start(watches_lead(lead))
    del two
    made = await world.perform(crm.lead(lead).convert(deal=True, contact=True))
    assert await cards(world) == [("deal", made.deal_id, False, None)] * 2
    await world.perform(crm.lead(lead).add_activity("Beside the lead"))
    assert (await one.status()).state == "waiting"
    await world.perform(crm.deal(made.deal_id or 0).add_activity("Beside the deal"))
    assert await one.result() == "client_activity"
    later = await world.start(watches_lead(lead))
    await world.advance(days=7)
    assert await later.result() == "time"
    return await cards(world)


@every_way
async def test_without_a_deal_they_stay_with_the_lead(world: World) -> object:
    lead = await world.perform(crm.lead.create(title="Tea", name="Ann"))
    run = await world.start(watches_lead(lead))
    await world.perform(crm.lead(lead).convert(contact=True))
    assert await cards(world) == [("lead", lead.id, False, None)]
    await world.advance(days=7)
    assert await run.result() == "time"
    return None


@every_way
async def test_a_wait_that_passed_to_a_deal_ends_in_time_though_the_deal_has_gone(world: World) -> object:
    lead = await world.perform(crm.lead.create(title="Tea", name="Ann"))
    run = await world.start(watches_lead(lead))
    made = await world.perform(crm.lead(lead).convert(deal=True))
    await world.perform(crm.deal(made.deal_id or 0).delete())
    assert await cards(world) == []
    await world.advance(days=7)
    assert await run.result() == "time"
    return None


@every_way
async def test_terminating_and_cancelling_take_the_cards_away_that_passed_to_a_deal(world: World) -> object:
    lead = await world.perform(crm.lead.create(title="Tea", name="Ann"))
    one, two = await world.start(watches_lead(lead)), await world.start(watches_lead(lead))
    made = await world.perform(crm.lead(lead).convert(deal=True))
    await one.terminate("enough")
    await two.cancel()
    assert await cards(world) == [("deal", made.deal_id, True, reason) for reason in ("terminated", "cancelled")]
    return await ends(world)


# -- lines -------------------------------------------------------------------------------------------------------------


def one_at_a_time(name: str, **more: Any) -> UserQueue:
    return UserQueue([1], pick="in_order", capacity=1, nobody="hold", name=name, **more)


async def holding(world: World, queue: UserQueue) -> tuple[Deal, Deal]:
    """Ann has the first deal; the second is held until she has room."""
    await world.user(name="Ann")
    first, second = await world.deal(), await world.deal()
    assert (await world.perform(crm.deal(first).change_responsible(queue))).user == 1
    assert (await world.perform(crm.deal(second).change_responsible(queue))).held
    return first, second


async def responsible(world: World, deal: Deal) -> int | None:
    return (await world.get(Deal, deal.id)).responsible_id


@every_way
async def test_a_process_that_moves_a_deal_to_a_won_stage_lets_the_next_one_go(world: World) -> object:
    @process("tests.wins")
    async def wins(deal: Deal) -> None:
        await crm.deal.change_stage("WON")

    first, second = await holding(world, one_at_a_time("sales"))
    await world.start(wins(first))
    assert await responsible(world, second) == 1
    return [(note.owner_id, note.user_id) for note in await world.find(Notification)]


@every_way
async def test_a_move_to_another_pipeline_that_closes_a_deal_lets_the_next_one_go(world: World) -> object:
    @process("tests.closes")
    async def closes(deal: Deal) -> None:
        await crm.deal.change_pipeline(1, stage="WON")

    await world.perform(crm.pipeline.create(name="Service"))
    first, second = await holding(world, one_at_a_time("sales"))
    await world.start(closes(first))
    assert (await world.get(Deal, first.id)).stage == "C1:WON"
    assert await responsible(world, second) == 1
    return None


@every_way
async def test_ended_tasks_make_room_where_activities_count(world: World) -> object:
    @process("tests.ends_tasks")
    async def ends_tasks(deal: Deal) -> int:
        await crm.deal.add_task("Write", responsible=1)
        await wait.for_signal("go on")
        return len(await crm.deal.end_tasks("NEW"))

    queue = UserQueue([1], pick="in_order", capacity=1, load="open_activities", nobody="hold", name="sales")
    await world.user(name="Ann")
    deal, other = await world.deal(), await world.deal()
    run = await world.start(ends_tasks(deal))
    assert (await world.perform(crm.deal(other).change_responsible(queue))).held
    await run.signal("go on")
    assert await run.result() == 1
    assert await responsible(world, other) == 1
    return None


@every_way
async def test_a_converted_lead_makes_room_for_the_next_one(world: World) -> object:
    @process("tests.converts")
    async def converts(lead: Lead) -> None:
        await crm.lead.convert(deal=True)

    queue = one_at_a_time("leads")
    await world.user(name="Ann")
    first, second = [await world.perform(crm.lead.create(title=title)) for title in ("A", "B")]
    await world.perform(crm.lead(first).change_responsible(queue))
    assert (await world.perform(crm.lead(second).change_responsible(queue))).held
    await world.start(converts(first))
    assert (await world.get(Lead, second.id)).responsible_id == 1
    return None


@every_way
async def test_activities_completed_by_a_conversion_make_room(world: World) -> object:
    queue = UserQueue([1], pick="in_order", capacity=1, load="open_activities", nobody="hold", name="leads")
    await world.user(name="Ann")
    first, second = [await world.perform(crm.lead.create(title=title)) for title in ("A", "B")]
    await world.perform(crm.lead(first).add_activity("Call", responsible=1))
    assert (await world.perform(crm.lead(second).change_responsible(queue))).held
    await world.perform(crm.lead(first).convert(contact=True, keep_activities_open=False))
    assert (await world.get(Lead, second.id)).responsible_id == 1
    return None


@every_way
async def test_a_deal_that_another_queue_gives_away_makes_room_in_this_one(world: World) -> object:
    first, second = await holding(world, one_at_a_time("sales"))
    bob = await world.user(name="Bob")
    await world.perform(crm.deal(first).change_responsible([bob.id], pick="first_available", queue_name="other"))
    assert await responsible(world, second) == 1
    return None


@every_way
async def test_what_leaves_one_line_makes_room_in_another(world: World) -> object:
    """Cleo's room is what lets the first go from Ann; that is what the second waits for."""
    await world.user(name="Ann")
    cleo = await world.user(name="Cleo")
    await world.user(name="Bob")
    busy = await world.deal(responsible_id=cleo.id)
    first, second = await world.deal(responsible_id=1), await world.deal()
    to_cleo = UserQueue([cleo.id], pick="in_order", capacity=1, nobody="hold", name="z")
    assert (await world.perform(crm.deal(first).change_responsible(to_cleo))).held
    assert (await world.perform(crm.deal(second).change_responsible(one_at_a_time("a")))).held
    await world.perform(crm.deal(busy).change_stage("WON"))
    assert [await responsible(world, each) for each in (first, second)] == [cleo.id, 1]
    return None


@every_way
async def test_a_queue_without_a_name_is_that_of_the_process_the_kind_and_the_function(world: World) -> object:
    """D8: two processes, or two functions of one, do not share whose turn it is; two instances do."""

    @process("tests.shares_out", overlap="parallel")
    async def shares_out(deal: Deal) -> list[int | None]:
        async def again() -> int | None:
            return (await crm.deal.change_responsible([1, 2, 3], pick="in_order")).user

        first = await crm.deal.change_responsible([1, 2, 3], pick="in_order")
        return [first.user, await again()]

    for name in ("Ann", "Bob", "Cleo"):
        await world.user(name=name)
    runs = [await world.start(shares_out(await world.deal())) for _ in range(2)]
    assert [await run.result() for run in runs] == [[1, 1], [2, 2]]
    for name, last in (("tests.shares_out/deal/shares_out", 2), ("tests.shares_out/deal/again", 2)):
        assert (await world.perform(crm.queue(name).export()))["last"] == last
    return None


# -- smart items -------------------------------------------------------------------------------------------------------


@every_way
async def test_a_process_on_a_smart_item_does_what_one_on_a_deal_does(world: World) -> object:
    @process("tests.contracts", starts=on.created("contract"))
    async def contracts(item: SmartItem) -> list[object]:
        contract = crm.item("contract")
        await contract.add_product(1, quantity=2)
        await contract.add_comment("Read")
        await contract.add_event("Signed", type="INFO")
        done = await contract.change_responsible([2], pick="first_available")
        await contract.change_observers([1])
        await contract.add_task("File it")
        meeting = await contract.schedule_meeting("Sign")
        await contract.complete_activity(meeting)
        contact = await contract.edit_contact({"post": "Buyer"})
        told = await contract.get_data("title", "amount", "stage", print_version=True)
        row = await contract.product_information(await contract.products())
        ended = await contract.end_tasks(item.stage)
        waited = await wait.days(2)
        await contract.edit({"title": "Renamed"})
        found = await contract.find_first(None, select=("title",))
        return [done.user, contact.post, told["title"], row.sum, len(ended), waited.reason, found]

    for name in ("Ann", "Bob"):
        await world.user(name=name)
    await world.product(name="Tea", price=5)
    buyer = await world.contact(name="Eva")
    await world.perform(crm.smart_type.create(code="contract", title="Contract"))
    world.use(contracts)
    made = await world.perform(crm.item("contract").create(title="C", contact_id=buyer.id, responsible_id=1))
    (status,) = await world.instances(process="tests.contracts")
    await world.advance(days=2)
    result = await world.instance(status.id).result()
    assert result[:2] == [2, "Buyer"]
    assert (await world.get(SmartItem, made.id)).title == "Renamed"
    assert [card.reason for card in await world.find(Wait)] == ["time"]
    return [result, await world.find(Activity), await world.find(Comment)]


@every_way
async def test_a_smart_item_ends_and_moves_its_instances_as_a_deal_does(world: World) -> object:
    """D6, D10, D11."""

    @process("tests.rests_on_contract", overlap="parallel")
    async def rests_on_contract(item: SmartItem, *, how: str) -> str:
        if how == "rest":
            await wait.days(7)
        elif how == "stage":
            await crm.item("contract").change_stage(item.stage)
        elif how == "pipeline":
            await crm.item("contract").change_pipeline(1)
        else:
            await crm.item("contract").delete()
        return "rested"

    await world.perform(crm.smart_type.create(code="contract", has_pipelines=True))
    await world.perform(crm.pipeline.create(name="Second", kind="contract"))
    contract = await world.perform(crm.item("contract").create())
    for how in ("rest", "stage", "pipeline", "rest", "delete"):
        await world.start(rests_on_contract(contract, how=how))
    assert [end[1:] for end in await ends(world)] == [
        ("terminated", "pipeline changed"),
        ("completed", "stage changed"),
        ("terminated", "pipeline changed"),
        ("terminated", "document deleted"),
        ("terminated", "document deleted"),
    ]
    assert await world.find(SmartItem) == []
    return await cards(world)


@every_way
async def test_stages_of_smart_items_start_and_end_what_lives_in_them(world: World) -> object:
    @process("tests.in_first_stage", starts=on.stage("contract", while_in_stage=True), overlap="parallel")
    async def in_first_stage(item: SmartItem) -> None:
        await wait.sleep(30 * DAY)

    await world.perform(crm.smart_type.create(code="contract"))
    world.use(in_first_stage)
    contract = await world.perform(crm.item("contract").create())
    stages = [each for each in await _stages(world) if each != contract.stage]
    await world.perform(crm.item("contract", contract.id).change_stage(stages[0]))
    assert [end[1:] for end in await ends(world)] == [("terminated", "stage left"), ("waiting", None)]
    return None


async def _stages(world: World) -> list[str]:
    return [stage.code for stage in await world.find(Stage) if stage.kind == "contract"]


# -- what processes change ---------------------------------------------------------------------------------------------


@every_way
async def test_what_a_conversion_makes_starts_only_what_asks_for_it(world: World) -> object:
    """D15: created is muted where a process makes it; a person's conversion is not; stages count always."""

    @process("tests.on_deal", starts=on.created("deal"), overlap="parallel")
    async def on_deal(deal: Deal) -> None: ...

    @process("tests.on_new_stage", starts=on.stage("deal", "NEW"), overlap="parallel")
    async def on_new_stage(deal: Deal) -> None: ...

    @process("tests.converts_by_process")
    async def converts_by_process(lead: Lead) -> None:
        await crm.lead.convert(deal=True)

    world.use(on_deal, on_new_stage)
    first, second = [await world.perform(crm.lead.create(title=title)) for title in ("A", "B")]
    await world.start(converts_by_process(first))
    assert [end[0] for end in await ends(world)] == ["tests.converts_by_process", "tests.on_new_stage"]
    await world.perform(crm.lead(second).convert(deal=True))
    started = sorted(end[0] for end in await ends(world))
    assert started == ["tests.converts_by_process", "tests.on_deal", *["tests.on_new_stage"] * 2]
    assert ItemRef("deal", 2) in [status.document for status in await world.instances(process="tests.on_deal")]
    return None
