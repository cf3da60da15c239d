"""
A month at Northwind: three recipes on one company, first as previews, then live, until all that was invoiced is paid.

    python -m tools.northwind [FOLDER]

FOLDER holds the CSV files of the Northwind set; without it a company of the same shape is made up. Time is simulated,
and what is outside is played by the fakes of tests. What is printed stands in docs/northwind.md: a test keeps it so.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from textwrap import wrap
from typing import Any, Final

from attrs import define, field

from bizproc import F, Process, UserQueue, crm, use
from bizproc.model import Activity, Comment, Company, Contact, Deal, Invoice, Lead, Product, ProductRow, Quote, User
from bizproc.runtime import Preview
from bizproc.testing import World
from bizproc_billing.quote_to_cash import quote_to_cash
from bizproc_billing.tests.office import office
from bizproc_sales.lead_distribution import lead_distribution
from bizproc_sales.stale_deal import stale_deal
from tests.unit.csv_company import HEADERS

TEAM: Final = tuple(range(1, 10))
AWAY: Final = (3, 7)
LEADS: Final = 200
MOVING, WON = slice(0, 5), slice(5, 8)
"""Open deals that somebody cares for each week; those that are won on the third day."""

SHARE_OUT: Final[Process[..., Any]] = use(lead_distribution, name="leads", queue=UserQueue(TEAM))
WATCH: Final[Process[..., Any]] = use(stale_deal, name="stale", queue=UserQueue(TEAM, pick="in_order"), after=5)
CASH: Final[Process[..., Any]] = use(quote_to_cash, name="cash", template="paper")

CENT: Final = Decimal("0.01")


@define
class Month:
    """The run, and what it has to say."""

    world: World
    lines: list[str] = field(factory=list)
    leads: list[Lead] = field(factory=list)
    deals: list[Deal] = field(factory=list)
    expected: dict[int, Decimal] = field(factory=dict)

    def say(self, title: str, *texts: str) -> None:
        """A line, and what belongs to it below."""
        self.lines += [f"  {title if not place else '':<10}{text}" for place, text in enumerate(texts)]

    # -- what there is ---------------------------------------------------------------------------------------------

    async def begin(self, folder: Path) -> None:
        await self.world.ask(lambda runtime: runtime.import_folder(folder))
        kinds = (User, Company, Contact, Product, Deal, ProductRow)
        counts = [len(await self.world.find(kind)) for kind in kinds]
        self.deals = await self.world.find(Deal, F.semantics == "process")
        await office(self.world)
        for user in AWAY:
            now = self.world.clock.now()
            absent = crm.absence.create(user_id=user, start=now - timedelta(hours=1), end=now + timedelta(days=40))
            await self.world.perform(absent)
        for number in range(LEADS):
            made = crm.lead.create(title=f"Lead {number}", last_name=f"No. {number}")
            self.leads.append(await self.world.perform(made))
        self.expected = {deal.id: await self.due(deal) for deal in self.deals}
        users, companies, contacts, products, deals, rows = counts
        self.lines += ["What there is"]
        self.say(
            "imported",
            f"{users} users, {companies} companies, {contacts} contacts, {products} products,",
            f"{deals} deals with {rows:,} product rows; {len(self.deals)} deals are open",
        )
        self.say(
            "leads",
            f"{LEADS} new leads; of the {len(TEAM)} in the team, users {' and '.join(map(str, AWAY))} are away",
        )

    # -- previews --------------------------------------------------------------------------------------------------

    async def previews(self) -> None:
        """What each would do on each item, with nothing done."""
        before = await self.everything()
        self.lines += ["", "Previews: nothing is written, and nothing is sent"]
        for process, items in ((SHARE_OUT, self.leads), (WATCH, self.deals), (CASH, self.deals)):
            seen = [await self.world.preview(process(item)) for item in items]
            ways = Counter((", ".join(called(step.text) for step in each.steps), waits_of(each)) for each in seen)
            for (steps, waits), count in ways.most_common():
                self.say(process.name, *wrap(f"{count} × {steps};", 90), waits)
        assert await self.everything() == before, "a preview has written something"

    async def everything(self) -> list[Any]:
        kinds: Sequence[type[Any]] = (Lead, Deal, Quote, Invoice, Activity, Comment)
        found = [await self.world.find(kind) for kind in kinds]
        return [*found, await self.world.instances(), list(self.world.mail.sent)]

    # -- live ------------------------------------------------------------------------------------------------------

    async def live(self) -> None:
        self.lines += ["", "Live"]
        for process, items in ((SHARE_OUT, self.leads), (WATCH, self.deals), (CASH, self.deals)):
            for item in items:
                await self.world.start(process(item))
        await self.first_contacts()
        await self.pay(0, "on the first day")
        for day in range(1, 43):
            await self.world.advance(days=1)
            if day % 7 == 1 and day < 28:
                for deal in self.deals[MOVING]:
                    await self.world.perform(crm.deal(deal).add_comment(f"Call of week {day // 7 + 1}"))
            if day == 3:
                for deal in self.deals[WON]:
                    await self.world.perform(crm.deal(deal).update({"stage": "WON"}))
            if day == 8:
                await self.pay(1, "after eight days")
            if day == 28:
                await self.how_it_stands()
            if day == 30:
                await self.pay(2, "after thirty days")
        await self.how_it_ends()

    async def first_contacts(self) -> None:
        """Every other lead is called at once; four hours later the others are escalated."""
        given = Counter(lead.responsible_id for lead in await self.world.find(Lead))
        for lead in self.leads[::2]:
            (first,) = await self.world.find(Activity, of=lead)
            await self.world.perform(crm.lead(lead).complete_activity(first))
        await self.world.advance(hours=5)
        ends = Counter([await self.world.instance(each.id).result() for each in await self.of("leads")])
        told = [each for each in await self.world.find(Activity) if each.subject.startswith("Nobody")]
        heads = Counter(each.responsible_id for each in told)
        self.say(
            "leads",
            f"given to user {listed(given, ', user ')}",
            f"every other one is called; after five hours {', '.join(f'{n} {how}' for how, n in sorted(ends.items()))}",
            f"told of these: user {listed(heads, ', user ')}",
        )

    async def pay(self, third: int, when: str) -> None:
        links = self.world.payments.links[third::3]
        for link in links:
            await self.world.payments.pay(link)
        self.say("cash", f"{len(links)} of {len(self.deals)} invoices are paid {when}")

    async def how_it_stands(self) -> None:
        """Of stale deals, after four weeks."""
        now = {deal.id: deal for deal in await self.world.find(Deal)}
        notes = [note for note in await self.world.find(Comment) if note.text.startswith("Nothing has happened")]
        reminded = Counter(note.owner_id for note in notes)
        followed = [deal for deal in self.deals if now[deal.id].observer_ids]
        moved = [deal for deal in self.deals if now[deal.id].responsible_id != deal.responsible_id]
        states = Counter(each.state for each in await self.of("stale"))
        self.say(
            "stale",
            f"after four weeks {len(reminded)} deals have been reminded of, {sum(reminded.values())} times;",
            f"{len(followed)} are followed, {len(moved)} are given away; untouched are the {len(self.deals[WON])} won",
            f"on the third day, and the {len(self.deals[MOVING])} that somebody cared for each week",
            ", ".join(f"{count} instances {state}" for state, count in sorted(states.items())),
        )
        untouched = {deal.id for deal in (*self.deals[WON], *self.deals[MOVING])}
        assert not untouched & {*reminded, *(deal.id for deal in (*followed, *moved))}

    async def how_it_ends(self) -> None:
        """All is paid, to the cent."""
        results = [await self.world.instance(each.id).result() for each in await self.of("cash")]
        assert results == ["paid"] * len(self.deals)
        invoices, quotes = await self.world.find(Invoice), await self.world.find(Quote)
        assert {invoice.deal_id: invoice.amount for invoice in invoices} == self.expected
        assert ({each.stage for each in invoices}, {each.stage for each in quotes}) == ({"PAID"}, {"APPROVED"})
        mails = list(self.world.mail.sent)
        reminders = [mail for mail in mails if mail.subject.startswith("Reminder")]
        late = await self.world.find(Activity, F.subject.contains("is not paid"))
        total = sum(self.expected.values(), Decimal(0))
        self.say(
            "cash",
            f"{len(invoices)} invoices over {total:,} {self.deals[0].currency}, to the cent what their rows come to;",
            f"{len(mails)} mails went out, {len(reminders)} of them reminders; of {len(late)} somebody was told;",
            f"all {len(results)} are paid; quotes are {quotes[0].stage}, invoices {invoices[0].stage}",
        )

    async def of(self, process: str) -> list[Any]:
        return [each for each in await self.world.instances() if each.process == process]

    async def due(self, deal: Deal) -> Decimal:
        """What the rows of a deal come to, each rounded to the cent."""
        rows = await self.world.find(ProductRow, of=deal)
        exact = [row.price * row.quantity * (100 - row.discount_percent) / 100 for row in rows]
        return sum((each.quantize(CENT, ROUND_HALF_UP) for each in exact), Decimal(0))


def called(text: str) -> str:
    """The action of a step, without what it was given."""
    return text.partition("(")[0]


def waits_of(preview: Preview) -> str:
    waits = [f"waits: {called(each.text)}" for each in preview.waits]
    return "; ".join([*waits, *(f"goes on once it is known what {called(each.text)} gives" for each in preview.stops)])


def listed(counts: Mapping[Any, int], between: str) -> str:
    return between.join(f"{key}: {count}" for key, count in sorted(counts.items()))


async def run(world: World, folder: Path) -> list[str]:
    """The month; what it has to say."""
    month = Month(world)
    await month.begin(folder)
    await month.previews()
    await month.live()
    return month.lines


# -- a company of the same shape ---------------------------------------------------------------------------------------


def make_up(folder: Path) -> None:
    """Write files like those of the Northwind set: as many of each, most deals won, a few open."""
    dice = Random(1)
    tables: dict[str, list[str]] = {name: [] for name in HEADERS}
    for user in range(1, 10):
        manager = {1: "2", 2: ""}.get(user, "5" if user in (6, 7, 9) else "2")
        tables["users"].append(f"{user},Ann,No. {user},Sales,user{user}@firm.example,,{manager}")
    for number in range(1, 92):
        tables["companies"].append(f"{number},C{number},Company {number},,,,,,,,{dice.choice(TEAM)}")
        address = f"client{number}@customer.example"
        tables["contacts"].append(f"{number},Jo,No. {number},,,{address},{number},{dice.choice(TEAM)}")
    for number in range(1, 78):
        tables["products"].append(f"{number},Product {number},,,{dice.randint(100, 9000) / 100},USD,Y")
    for number in range(1, 831):
        client, stage = dice.randint(1, 91), "EXECUTING" if number % 40 == 0 else "WON"
        end = ",," if stage == "EXECUTING" else "1997-02-01,1997-02-01,"
        begin = f"{number},O{number},Order {number},{stage},{client},{client},{dice.choice(TEAM)},USD,,1997-01-01,"
        tables["deals"].append(f"{begin}{end},,")
        for product in dice.sample(range(1, 78), dice.randint(1, 4)):
            price, percent = dice.randint(100, 9000) / 100, dice.choice([0, 0, 5, 15, 25])
            tables["product_rows"].append(f"{number},{product},{price},{dice.randint(1, 60)},{percent}")
    for name, rows in tables.items():
        (folder / f"{name}.csv").write_text("\n".join([HEADERS[name], *rows, ""]), "utf-8")


async def main(folder: str | None = None) -> None:
    """Print the month."""
    with TemporaryDirectory() as made_up:
        if folder is None:
            make_up(Path(made_up))
        async with World.open() as world:
            print("\n".join(await run(world, Path(folder or made_up))))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:2]))
