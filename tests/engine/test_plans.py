"""
What a statement costs must not grow with the store: none that is run at each change reads a whole table that grows.

A story does most of what processes and people do; SQLite tells which statements it ran, and how it would do so
again.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from bizproc import F, UserQueue, crm, on, process, race, start, wait
from bizproc.model import Comment, Deal, Wait
from bizproc.model.references import ref_of
from bizproc.testing import World

DAY: Final = timedelta(days=1)

# Of these there are as many as a company has people, stages, products and the like, or as wait for a person just now.
SMALL: Final = (
    *("user", "department", "group", "absence", "working_hours", "smart_type", "pipeline", "stage", "reference"),
    *(
        "custom_field",
        "hold",
        "queue",
        "paused",
        "timetable",
        "store_owner",
        "json_each",
        "e",
        "l",
        "subquery",
        "sqlite_sequence",
    ),
)


@process("tests.child", overlap="parallel")
async def child(deal: Deal) -> None:
    await wait.days(1)


@process(
    "tests.busy",
    starts=on.changed("deal") | on.stage("deal", "NEW", while_in_stage=True) | on.became("deal", F.amount > 5),
    overlap="queue",
)
async def busy(deal: Deal) -> None:
    changed = on.changed(deal, where=F.amount > 3)
    await race(wait.days(3), wait.for_event(changed), wait.until_stage("WON"), wait.for_signal("go"))
    await wait.working_days(2)
    _ = await start(child(deal), detached=True)


def statements_of(world: World) -> list[str]:
    """From here on, all that is run in the world's store."""
    ran: list[str] = []
    world.runtime.database._connection.set_trace_callback(ran.append)
    return ran


def scanned(world: World, statement: str) -> list[str]:
    """The tables that grow and of which this statement reads everything."""
    connection = world.runtime.database._connection
    plan = [step for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
    tables = [found[1] for step in plan if (found := re.match(r"SCAN \(?(\w+)", step)) and "VIRTUAL" not in step]
    return [table for table in tables if table not in SMALL]


async def everything(world: World) -> None:
    do = world.perform
    team = [(await world.user()).id for _ in range(3)]
    company, product = await world.company(), await world.product()
    contact = await world.contact(emails=["a@tea.example"])
    deal = await world.deal(contact_ids=[contact.id], company_id=company.id, observer_ids=team)
    own = crm.deal(deal)
    await do(own.update({"title": "Tea", "amount": 50}))
    await do(own.add_product(product.id))
    await do(own.add_comment("Tea"))
    await do(own.add_activity("Call"))
    for load in ("open_items", "open_activities"):
        await do(own.change_responsible(UserQueue(team, pick="least_loaded", load=load, capacity=9, name=load)))
    await do(own.change_stage("PREPARATION"))
    lead = await do(crm.lead.create(title="Lead", name="Jo", last_name="Doe", emails=["a@tea.example"]))
    await do(crm.lead(lead).add_activity("Ask"))
    await do(crm.lead(lead).convert(deal=True, contact=True, company=True))
    await do(crm.lead(lead).delete())
    await do(crm.smart_type.create(code="box", title="Box", parents=["deal"]))
    box = await do(crm.item("box").create(title="Box", parents=[ref_of(deal)]))
    await do(crm.item("box", box.id).delete())
    await do(crm.deal.find(F.contact_ids.any_of([contact.id])))
    await world.find(Comment, of=deal)
    await world.find(Wait, of=deal)
    await world.instances(document=deal)
    await world.start(child(deal), id="child")
    await world.instance("child").cancel()
    await world.advance(days=9)
    await do(own.delete())
    await do(crm.contact(contact).delete())
    await do(crm.company(company).delete())


async def test_nothing_reads_a_whole_table_that_grows() -> None:
    async with World.open(busy, child) as world:
        ran = statements_of(world)
        await everything(world)
        world.runtime.database._connection.set_trace_callback(None)
        asked = {each for each in ran if each.startswith(("SELECT", "UPDATE", "DELETE"))}
        found = {each: tables for each in sorted(asked) if (tables := scanned(world, each))}
    assert len(asked) > 300, "the story has become short"
    assert found == {}


async def test_a_start_looks_only_at_what_has_something_to_do() -> None:
    """Instances that wait, and those that have ended, are not looked at, however many there are."""
    from bizproc.engines.embedded.works import sql

    async with World.open(busy) as world:
        assert set(scanned(world, sql.ready)) <= {"arrival", "signal"}  # of signals, by an index of those not read
