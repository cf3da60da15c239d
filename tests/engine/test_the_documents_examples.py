"""The examples of the document that the actions come from, each as the process that it tells of."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from bizproc import F, crm, on, process, wait
from bizproc.errors import WrongArgument
from bizproc.model import Activity, Comment, Company, Deal, Notification
from bizproc.testing import World
from tests.engine.ways import every_way

# -- product information (39): a comment for the manager ---------------------------------------------------------------


@process("examples.tell_manager", starts=on.stage("deal", "EXECUTING"))
async def tell_manager(deal: Deal) -> None:
    """What is to be known of the deal's products goes into a comment."""
    for row in await crm.deal.products():
        known = await crm.deal.product_information(row)
        await crm.deal.add_comment(f"{known.name}: {known.quantity} {known.measure}, {known.sum} {known.currency}")


@every_way
async def test_product_information_is_put_into_a_comment_for_the_manager(world: World) -> object:
    world.use(tell_manager)
    tea = await world.product(name="Tea", price=Decimal("18.00"), measure="box")
    pot = await world.product(name="Pot", price=Decimal("40.00"), measure="piece")
    deal = await world.deal(responsible_id=(await world.user(name="Ann")).id)
    await world.perform(crm.deal(deal).add_product(tea, quantity=10, discount_percent=5))
    await world.perform(crm.deal(deal).add_product(pot))
    await world.perform(crm.deal(deal).change_stage("EXECUTING"))
    comments = await world.find(Comment, of=deal)
    assert [(each.text, each.author_id) for each in comments] == [
        ("Tea: 10 box, 171.00 EUR", 1), ("Pot: 1 piece, 40.00 EUR", 1),
    ]  # fmt: skip
    return comments


# -- a meeting (41): four parameters are asked for as the process starts -----------------------------------------------


@process("examples.meet")
async def meet(deal: Deal, *, start: datetime, end: datetime, remind: int, important: bool) -> int:
    """
    Arrange a meeting.

    Args:
        start: When the meeting begins.
        end: When it ends.
        remind: How many hours before to remind of it.
        important: Is this meeting important?
    """
    planned = await crm.deal.schedule_meeting(
        f"Meeting: {deal.title}", start=start, end=end, remind_before=timedelta(hours=remind), important=important
    )
    return planned.id


FILLED_IN = {"start": "2030-02-01T10:00+01:00", "end": "2030-02-01T11:30+01:00", "remind": "2", "important": "yes"}


def test_four_parameters_are_asked_for() -> None:
    asked = {each.name: (each.type, each.required, each.description) for each in meet.form.parameters}
    assert asked == {
        "start": (datetime, True, "When the meeting begins."),
        "end": (datetime, True, "When it ends."),
        "remind": (int, True, "How many hours before to remind of it."),
        "important": (bool, True, "Is this meeting important?"),
    }


@pytest.mark.parametrize("name", sorted(FILLED_IN))
def test_a_form_that_is_not_filled_in_is_refused(name: str) -> None:
    with pytest.raises(WrongArgument, match=name):
        meet.form.parse({each: text for each, text in FILLED_IN.items() if each != name})


@every_way
async def test_a_filled_in_form_plans_the_meeting_and_a_notification_comes(world: World) -> object:
    ann = await world.user(name="Ann")
    deal = await world.deal(title="Tea", responsible_id=ann.id)
    run = await world.start(meet(deal, **meet.form.parse(FILLED_IN)))
    (planned,) = await world.find(Activity, of=deal)
    assert await run.result() == planned.id
    start, end = (datetime.fromisoformat(FILLED_IN[name]) for name in ("start", "end"))
    assert (planned.kind, planned.subject, planned.start, planned.end) == ("meeting", "Meeting: Tea", start, end)
    assert (planned.important, planned.completed) == (True, False)
    (notice,) = await world.find(Notification, of=deal)
    assert (notice.user_id, notice.due_at, notice.activity_id) == (ann.id, start - timedelta(hours=2), planned.id)
    return planned


# -- waiting for a stage (28): copies, one for each change, that all go on together ------------------------------------


@process("examples.at_each_change", starts=on.changed("deal"), overlap="parallel")
async def at_each_change(deal: Deal) -> str:
    reached = await wait.until_stage("EXECUTING")  # bizproc: ok (the document warns of this: here it is)
    await crm.deal.add_comment(f"on to {reached.stage}")
    return reached.stage


@process("examples.at_creation", starts=on.created("deal"))
async def at_creation(deal: Deal) -> str:
    reached = await wait.until_stage("EXECUTING")
    await crm.deal.add_comment(f"made: {reached.stage}")
    return reached.stage


@every_way
async def test_each_change_starts_a_copy_and_all_go_on_together(world: World) -> object:
    world.use(at_each_change)
    deal = await world.deal(title="0")
    for number in range(1, 4):
        await world.perform(crm.deal(deal).update({"title": str(number)}))
    assert [each.state for each in await world.instances()] == ["waiting"] * 3
    await world.perform(crm.deal(deal).change_stage("EXECUTING"))
    # The change of stage is a change, too: its copy finds the deal where it waits for it to be.
    assert [each.state for each in await world.instances()] == ["completed"] * 4
    return [comment.text for comment in await world.find(Comment, of=deal)]


@every_way
async def test_started_at_creation_there_is_one(world: World) -> object:
    world.use(at_creation)
    deal = await world.deal(title="0")
    for number in range(1, 4):
        await world.perform(crm.deal(deal).update({"title": str(number)}))
    await world.perform(crm.deal(deal).change_stage("WON"))  # final, though it is not the one waited for
    (status,) = await world.instances()
    assert await world.instance(status.id).result() == "WON"
    return [comment.text for comment in await world.find(Comment, of=deal)]


# -- information on items (36): the first by id; several with a loop over a multiple field -----------------------------


@process("examples.first")
async def first_of_several(deal: Deal) -> tuple[int | None, int | None]:
    found = await crm.deal.find_first(F.amount >= 100)
    missing = await crm.deal.find_first(F.amount >= 10_000)
    return None if found is None else found.id, None if missing is None else missing.id


@every_way
async def test_of_several_that_fit_the_first_by_id_is_given_and_of_none_nothing(world: World) -> object:
    for amount in (50, 300, 100):
        await world.deal(amount=amount)
    run = await world.start(first_of_several(await world.deal(amount=100)))
    assert await run.result() == (2, None)
    return None


@process("examples.loop")
async def loop_over_field(deal: Deal) -> list[tuple[str, str]]:
    """The ids stand in a multiple field of the deal; each pass asks for one item."""
    told = []
    for number in deal.custom["suppliers"]:
        found = await crm.company.find_first(F.id == number, select=("title", "industry"))
        told.append(("none", str(number)) if found is None else (str(found["title"]), str(found["industry"])))
    return told


@every_way
async def test_information_on_several_items_comes_by_a_loop_over_a_multiple_field(world: World) -> object:
    await world.perform(crm.deal.add_field("suppliers", type="integer", label="Suppliers", multiple=True))
    for title, industry in (("Acme", "IT"), ("Mill", "MANUFACTURING"), ("Port", "IT")):
        await world.company(title=title, industry=industry)
    deal = await world.deal(custom={"suppliers": [3, 9, 1]})
    run = await world.start(loop_over_field(deal))
    assert await run.result() == [("Port", "IT"), ("none", "9"), ("Acme", "IT")]
    return [company.title for company in await world.find(Company)]


# -- data of the CRM (37): raw, or as people read it -------------------------------------------------------------------


@process("examples.who")
async def who(deal: Deal) -> list[object]:
    raw = await crm.deal.get_data("responsible_id")
    printed = await crm.deal.get_data("responsible_id", print_version=True)
    return [raw["responsible_id"], printed["responsible_id"]]


@every_way
async def test_the_person_in_charge_is_a_number_or_in_print_a_name(world: World) -> object:
    ann = await world.user(name="Ann", last_name="Lee")
    run = await world.start(who(await world.deal(responsible_id=ann.id)))
    assert await run.result() == [ann.id, "Ann Lee"]
    return None


# -- a link to pay (33): it is put into an activity of the deal --------------------------------------------------------


@process("examples.ask_for_payment", starts=on.stage("deal", "FINAL_INVOICE"))
async def ask_for_payment(deal: Deal) -> None:
    """Whoever is in charge finds the link to pay the deal's order in an activity."""
    link = await crm.deal.get_payment_link(await crm.deal.orders())
    await crm.deal.add_activity(f"Send the link to pay {deal.title}", link)


@every_way
async def test_the_link_to_pay_is_put_into_an_activity_of_the_deal(world: World) -> object:
    world.use(ask_for_payment)
    tea = await world.product(name="Tea", price=Decimal("18.00"))
    deal = await world.deal(title="Tea", responsible_id=(await world.user(name="Ann")).id)
    await world.perform(crm.deal(deal).add_product(tea, quantity=10))
    await world.perform(crm.deal(deal).create_order())
    await world.perform(crm.deal(deal).change_stage("FINAL_INVOICE"))
    (activity,) = await world.find(Activity, of=deal)
    (asked,) = {each.key: each.payload for each in world.payments.sent}.values()
    assert (activity.subject, activity.responsible_id) == ("Send the link to pay Tea", deal.responsible_id)
    assert (activity.description, asked.sum, asked.currency) == ("https://pay.test/1/1", Decimal(180), "EUR")
    return activity
