"""
The month: a runtime on a virtual clock. Clients order and answer, deadlines come, and once the program is killed.

The kill is as good as a real one for all that is kept: memory is dropped, nothing is written at the last moment, and
what comes back is read from the file.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from bizproc import Process, crm
from bizproc.adapters.virtual_clock import VirtualClock
from bizproc.cli.demo.company import PRODUCTS, USERS, Order, orders
from bizproc.cli.demo.follow_up import CALL, SAMPLER, follow_up
from bizproc.cli.demo.story import Story
from bizproc.model import Activity, Comment, Deal, ProductRow
from bizproc.runtime import Instance, Runtime

DAYS: Final = 30
KILLED_ON: Final = 11
DOWN_FOR: Final = 2
"""Days on which the program does not run."""


class Month:
    """A month in the life of the company."""

    def __init__(self, store: str, story: Story, beside: Sequence[Process[..., Any]] = ()) -> None:
        """
        Nothing happens yet.

        Args:
            store: A new one.
            story: Told what happens.
            beside: Processes that run beside the follow-up.
        """
        self._store = store
        self._processes = [follow_up, *beside]
        self._story = story
        self._clock = VirtualClock()
        self._begin = self._clock.now()
        self._orders = orders()
        self._told: dict[int, str] = {}
        self._runtime: Runtime

    async def run(self) -> list[Deal]:
        """Let it go by; the deals as they are at its end."""
        async with self._running(kill=True):
            await self._found_the_company()
            await self._days(0, KILLED_ON)
        story = self._story
        story.remark("")
        story.tell(self._clock.now(), "* The program is killed. What it had in memory is gone.")
        self._clock.move_to(self._noon(KILLED_ON + DOWN_FOR))
        async with self._running():
            waiting = len(await self._runtime.instances(process=follow_up.name, status="waiting"))
            story.tell(
                self._clock.now(),
                f"* {_word(DOWN_FOR)} days later it is started again. {_word(waiting)} follow-ups wait on from where "
                "they were; deadlines that passed in between are met now.",
            )
            story.remark("")
            await self._notice()
            await self._days(KILLED_ON + DOWN_FOR, DAYS)
            return await self._runtime.find(Deal)

    @asynccontextmanager
    async def _running(self, *, kill: bool = False) -> AsyncIterator[None]:
        async with Runtime.open(self._store, processes=self._processes, clock=self._clock) as self._runtime:
            await self._runtime.settled()
            yield
            if kill:
                self._runtime.engine.abandon()
                self._runtime.database.abandon()

    # -- the company ---------------------------------------------------------------------------------------------------

    async def _found_the_company(self) -> None:
        runtime = self._runtime
        for name, last_name in USERS:
            email = f"{name}.{last_name}@tea.example".lower()
            await runtime.perform(crm.user.create(name=name, last_name=last_name, email=email))
        for title, price in PRODUCTS:
            await runtime.perform(crm.product.create(name=title, price=Decimal(price)))
        for order in self._orders:
            company = await runtime.perform(crm.company.create(title=order.company, responsible_id=order.responsible))
            name, last_name = order.contact
            await runtime.perform(crm.contact.create(name=name, last_name=last_name, company_id=company.id))

    async def _arrives(self, order: Order) -> None:
        """A client asks for something: a deal is made, and its follow-up begins."""
        runtime = self._runtime
        deal = await runtime.perform(
            crm.deal.create(
                title=f"Tea for {order.company}",
                company_id=order.number,
                contact_id=order.number,
                responsible_id=order.responsible,
            )
        )
        for product, quantity in order.rows:
            await runtime.perform(crm.deal(deal).add_product(product, quantity=quantity))
        deal = await runtime.get(Deal, deal.id)
        instance = await runtime.start(follow_up(deal), id=name_of(deal.id))
        await runtime.settled()
        self._tell(order, f"asks for {_things(order)} ({deal.amount:,} EUR).")
        self._told[deal.id] = await self._where(instance)

    async def _answers(self, order: Order) -> None:
        """A client has made up their mind, and the person in charge moves the deal."""
        yes = "yes" in order.says
        stage = "EXECUTING" if yes else "LOSE"
        self._tell(order, f"says {'yes' if yes else 'no'}: {_user(order)} moves the deal to {stage}.")
        await self._runtime.perform(crm.deal(order.number).change_stage(stage))
        await self._runtime.settled()
        await self._notice()

    # -- time ----------------------------------------------------------------------------------------------------------

    async def _days(self, first: int, last: int) -> None:
        for day in range(first, last):
            await self._move_to(self._begin + timedelta(days=day))
            for order in self._orders:
                if order.comes_on == day:
                    await self._arrives(order)
            await self._move_to(self._noon(day))
            for order in self._orders:
                if self._answers_on(order) == day:
                    await self._answers(order)
        await self._move_to(self._begin + timedelta(days=last))

    def _answers_on(self, order: Order) -> int:
        """While the program is down nobody can be told: the answer comes the day after."""
        day = order.comes_on + order.answers_after
        return KILLED_ON + DOWN_FOR + 1 if KILLED_ON <= day < KILLED_ON + DOWN_FOR else day

    def _noon(self, day: int) -> datetime:
        return self._begin + timedelta(days=day, hours=3)

    async def _move_to(self, moment: datetime) -> None:
        """Let time pass; every timer due on the way fires, in order, and all that follows from it happens."""
        while (wake := self._clock.next_wake()) is not None and wake <= moment:
            self._clock.move_to(wake)
            await self._runtime.settled()
            await self._notice()
        if moment > self._clock.now():
            self._clock.move_to(moment)
            await self._runtime.settled()

    # -- what follow-ups did -------------------------------------------------------------------------------------------

    async def _notice(self) -> None:
        """Tell of the follow-ups that have gone on."""
        for order in self._orders:
            if order.number in self._told:
                now = await self._where(self._runtime.instance(name_of(order.number)))
                if now != self._told[order.number]:
                    self._told[order.number] = now
                    self._tell(order, _SAYS[now].format(user=_user(order)))

    async def _where(self, instance: Instance[str]) -> str:
        status = await instance.status()
        if status.ended_by:
            return "closed"
        if status.state == "completed":
            return await instance.result()
        steps = await instance.journal()
        return "called" if any(step.name == "deal.add_activity" for step in steps) else "waiting"

    def _tell(self, order: Order, what: str) -> None:
        self._story.tell(self._clock.now(), f"{order.company} {what}", order.number)

    # -- at the end ----------------------------------------------------------------------------------------------------

    async def count(self) -> dict[str, int]:
        """How often the follow-ups did what they do."""
        async with Runtime.attach(self._store) as runtime:
            rows, activities = await runtime.find(ProductRow), await runtime.find(Activity)
            comments, states = await runtime.find(Comment), await runtime.instances(process=follow_up.name)
            return {
                "follow-ups": len(states),
                "samplers": sum(row.product_id == SAMPLER for row in rows),
                "calls": sum(activity.subject == CALL for activity in activities),
                "comments": len(comments),
                "waiting": sum(status.state == "waiting" for status in states),
            }


_SAYS: Final = {
    "called": "has been silent for ten days. The follow-up asks {user} to call.",
    "won over": "is won over: the follow-up ends.",
    "turned down": "has turned us down: the follow-up ends.",
    "closed": "never answered. The follow-up closes the deal, and ends.",
}


def name_of(deal: int) -> str:
    """The id of a deal's follow-up."""
    return f"deal-{deal}"


def _things(order: Order) -> str:
    names = [f"{quantity} × {PRODUCTS[product - 1][0]}" for product, quantity in order.rows]
    return " and ".join([*([", ".join(names[:-1])] if len(names) > 1 else []), names[-1]])


def _user(order: Order) -> str:
    return " ".join(USERS[order.responsible - 1])


def _word(number: int) -> str:
    """A number at the beginning of a sentence."""
    return _WORDS[number] if number < len(_WORDS) else str(number)


_WORDS: Final = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")
