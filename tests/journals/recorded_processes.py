"""
The processes whose journals are recorded for each release (`tools/record_journals.py`), and what is done with them.

Recorded journals are never edited, and the code here never changes for those it has: what a process did under an older
release must replay. For something new there is a new process. `before` is the code that a patched one was recorded on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from uuid import UUID

from attrs import frozen

from bizproc import (
    Process,
    action,
    attempt,
    continue_as_new,
    crm,
    for_each,
    gather,
    new_id,
    note,
    now,
    on,
    patched,
    printed,
    process,
    race,
    random,
    saga,
    shield,
    start,
    this,
    wait,
)
from bizproc.core.commands import Delivered, Outgoing, Prepared, Settling, Verdict
from bizproc.errors import Cancelled, ChildFailed, ProductNotFound
from bizproc.model import Deal
from bizproc.testing import FakeChannel, World

DAY: Final = timedelta(days=1)


class Colour(Enum):
    """A value with a name."""

    RED = "red"
    BLUE = "blue"


@frozen
class Box:
    """A value with values inside."""

    name: str
    prices: tuple[Decimal, ...]
    colour: Colour = Colour.RED
    inside: Box | None = None


class Broken(Exception):
    """An error with a field of its own."""

    def __init__(self, part: str) -> None:
        super().__init__(f"{part} is broken")
        self.part = part


# -- values and errors -------------------------------------------------------------------------------------------------


@action("recorded.texts")
async def texts(value: str) -> list[str | None]:
    return [value, "", None, "é 中 \U0001f375", "a\nb"]


@action("recorded.exact")
async def exact(value: Decimal) -> tuple[Decimal, int, float, bool]:
    return value * 3, 2**70, 0.1, True


@action("recorded.moments")
async def moments(day: date) -> tuple[date, datetime, time, timedelta]:
    return day, datetime(2030, 1, 7, 9, tzinfo=UTC), time(9, 30), timedelta(days=1, seconds=1.5)


@action("recorded.containers")
async def containers() -> tuple[dict[str, int], set[int], frozenset[str], bytes, list[int], dict[str, int]]:
    return {"a": 1}, {3, 1, 2}, frozenset({"x"}), b"\x00\xff", [], {}


@action("recorded.objects")
async def objects(box: Box, colour: Colour) -> Box:
    return Box(f"in {box.name}", (Decimal("1.50"), Decimal(0)), colour, box)


@action("recorded.ids")
async def ids(id_: UUID | None) -> UUID | None:
    return id_


@action("recorded.nothing")
async def nothing() -> None:
    """Gives nothing."""


@process("recorded.values")
async def values(*, price: Decimal = Decimal("19.90"), box: Box | None = None) -> list[Any]:
    found: list[Any] = [await texts("tea"), await exact(price), await moments(date(2030, 2, 28)), await containers()]
    inside = await objects(box or Box("small", (price,)), Colour.BLUE)
    found += [inside, await ids(UUID(int=7)), await ids(None)]
    await nothing()
    await note("values", count=len(found), inside=inside)
    await wait.for_signal("more")
    return [type(each).__name__ for each in found]


@action("recorded.breaks")
async def breaks(part: str) -> None:
    if part == "value":
        raise ValueError("no such value", 7)
    raise Broken(part) from KeyError(part)


@process("recorded.errors")
async def errors(deal: Deal) -> list[str]:
    found = []
    try:
        await breaks("lid")
    except Broken as error:
        found.append(f"{error} {type(error.__cause__).__name__}")
    outcome = await attempt(breaks("value"))
    found.append(repr(outcome.error))
    try:
        await crm.deal.add_product(999)
    except ProductNotFound as error:
        found.append(str(error))
    await wait.sleep(DAY)
    return found


# -- the CRM -----------------------------------------------------------------------------------------------------------


@process("recorded.crm")
async def office(deal: Deal) -> list[Any]:
    row = await crm.deal.add_product(1, price=Decimal("18.00"), quantity=10, discount_percent=Decimal(5))
    comment = await crm.deal.add_comment("Hello")
    activity = await crm.deal.add_activity("Call back", important=True)
    await crm.deal.update({"title": f"{deal.title}, again"})
    contact = await crm.contact.create(name="Ada", last_name="Byron")
    fresh = await crm.deal.read()
    await wait.sleep(DAY)
    return [row.sum, comment.text, activity.subject, contact.last_name, fresh.title, fresh.amount]


@process("recorded.prints")
async def prints(deal: Deal) -> str:
    shown = f"{printed(deal.amount)} {printed(date(2030, 2, 28))} {printed(value=True)}"
    await crm.deal.add_comment(shown)
    await wait.sleep(DAY)
    return shown


# -- waits -------------------------------------------------------------------------------------------------------------


@process("recorded.waits")
async def waits(deal: Deal) -> list[Any]:
    found: list[Any] = []
    await wait.sleep(DAY)
    await wait.until(datetime(2030, 1, 10, 12, tzinfo=UTC))
    found.append((await wait.for_signal("typed", Box)).value)
    found.append((await wait.for_signal("never", timeout=DAY)).timed_out)
    found.append((await wait.until_stage("PREPARATION", timeout=5 * DAY)).stage)
    found.append((await wait.for_event(on.changed(deal, "title"), timeout=5 * DAY)).timed_out)
    found.append((await wait.until_stage("EXECUTING", timeout=DAY)).timed_out)
    found.append((await wait.days(2, comment="patience")).reason)
    await wait.for_signal("end")
    return found


@process("recorded.open")
async def stays_open(deal: Deal) -> None:
    await gather(
        wait.sleep(400 * DAY),
        wait.for_signal("never"),
        wait.until_stage("WON", timeout=300 * DAY),
        wait.for_event(on.changed(deal, "amount")),
        wait.days(300),
    )


# -- branches ----------------------------------------------------------------------------------------------------------


@process("recorded.forks")
async def forks() -> list[Any]:
    async def named(name: str) -> str:
        await wait.for_signal(name)
        return (await texts(name))[0] or ""

    async def several(number: int) -> int:
        await wait.sleep(number * DAY)
        return number

    first = await gather(named("a"), gather(named("b"), named("c")), several(1))
    winner = await race(wait.sleep(2 * DAY), named("never"), gather(several(1), several(30)))
    each = await for_each(several, [3, 1, 2], limit=2)
    kept = await shield(several(1))
    empty: tuple[int, ...] = await gather()
    await wait.for_signal("end")
    return [first, winner.index, each, kept, empty]


@process("recorded.saga")
async def undoes(deal: Deal) -> list[str]:
    found = []
    try:
        async with saga() as undo:
            await crm.deal.add_comment("reserved")
            undo.compensate(crm.deal.add_comment("released"))
            await wait.sleep(DAY)
            await crm.deal.add_comment("paid")
            undo.compensate(crm.deal.add_comment("paid back"))
            await breaks("payment")
    except Broken as error:
        found.append(error.part)
    await wait.sleep(DAY)
    return found


@process("recorded.cancelled")
async def cancelled(deal: Deal) -> None:
    try:
        await gather(wait.sleep(90 * DAY), wait.for_signal("never"))
    except Cancelled:
        await shield(crm.deal.add_comment("cleaned up"))
        raise


# -- primitives, children, loops ---------------------------------------------------------------------------------------


@process("recorded.primitives")
async def primitives(*, flag: bool = False) -> list[str]:
    found = [str(await now()), str(await new_id()), str(await random()), this().id]
    await note("told", flag=flag)
    found.append(str(await patched("asked")))
    await wait.sleep(DAY)
    return found


@process("recorded.child")
async def child(*, number: int) -> int:
    await wait.sleep(number * DAY)
    if number > 1:
        raise Broken("child")
    return number


@process("recorded.parent")
async def parent() -> list[Any]:
    found: list[Any] = [await child(number=1)]
    later = await start(child(number=1), detached=True)
    try:
        await child(number=2)
    except ChildFailed as error:
        found.append(error.state)
    found.append(await later)
    await wait.for_signal("end")
    return found


@process("recorded.loop")
async def loop(*, round: int = 0, boxes: tuple[Box, ...] = ()) -> int:
    await texts(f"round {round}")
    await wait.sleep(DAY)
    if round < 2:
        await continue_as_new(round=round + 1, boxes=(*boxes, Box(str(round), ())))
    await wait.for_signal("end")
    return len(boxes)


# -- the outside -------------------------------------------------------------------------------------------------------


@frozen
class Receipt(Settling):
    """What is done when the fate of a letter is known: the process gets the receipt."""

    async def settle(self, port: Any, verdict: Verdict) -> Any:
        return verdict.receipt


@frozen
class Letter(Delivered[str]):
    """A letter through a channel."""

    text: str

    @property
    def name(self) -> str:
        return "recorded.letter"

    def arguments(self) -> Mapping[str, object]:
        return {"text": self.text}

    async def perform(self, port: Any) -> Any:
        return Outgoing("post", self.text, Receipt(), posted="posted")


@frozen
class Page(Prepared[str]):
    """A page that is printed outside, and then kept."""

    text: str

    @property
    def name(self) -> str:
        return "recorded.page"

    def arguments(self) -> Mapping[str, object]:
        return {"text": self.text}

    async def prepare(self, outside: Any) -> str:
        return f"printed {self.text}"

    async def conclude(self, port: Any, prepared: str) -> str:
        return prepared


@process("recorded.outside")
async def outside() -> list[str]:
    letter, page = await Letter("hello"), await Page("one")
    await wait.sleep(DAY)
    refused = await attempt(Letter("nobody"))
    await wait.for_signal("end")
    return [letter, page, type(refused.error).__name__]


# -- patched -----------------------------------------------------------------------------------------------------------


@process("recorded.patched")
async def before(deal: Deal) -> str:
    await crm.deal.add_comment("old")
    await gather(wait.sleep(DAY), wait.for_signal("go"))
    return "end"


@process("recorded.patched")
async def behind(deal: Deal) -> str:
    if await patched("second"):
        await crm.deal.add_comment("newest")
    elif await patched("first"):
        await crm.deal.add_comment("new")
    else:
        await crm.deal.add_comment("old")
    if await patched("before a fork"):
        await crm.deal.add_comment("before a fork")
    await gather(wait.sleep(DAY), wait.for_signal("go"))
    return "end"


PROCESSES: Final[tuple[Process[..., Any], ...]] = (
    *(values, errors, office, prints, waits, stays_open, forks, undoes, cancelled, primitives, child, parent, loop),
    *(outside, behind),
)


# -- what is done with them --------------------------------------------------------------------------------------------

Save = Callable[[World, str, str], Awaitable[None]]
"""Given the world, an instance's id, and a word for the moment."""


async def tell_stories(save: Save) -> None:
    """Start them, let things happen, and have a journal saved on the way and at the end of each."""
    post = FakeChannel("post")
    async with World.open(channels=[post]) as world:
        await world.product(price=10)
        started: list[str] = []

        async def begin(one: Process[..., Any], name: str, /, *args: Any, **parameters: Any) -> None:
            await world.start(one(*args, **parameters), id=name)
            started.append(name)

        async def deal() -> Deal:
            return await world.deal(title="Tea", amount=Decimal("1250.50"))

        async def save_all(moment: str) -> None:
            for status in await world.instances():
                await save(world, status.id, moment)

        moved = await deal()
        await begin(values, "values")
        await begin(values, "values-given", price=Decimal("7.5"), box=Box("large", (Decimal(1),), Colour.BLUE))
        on_deals: tuple[Any, ...] = (errors, office, prints, stays_open, undoes, cancelled)
        for one in on_deals:
            await begin(one, one.name.rpartition(".")[2], await deal())
        await begin(waits, "waits", moved)
        on_none: tuple[Any, ...] = (forks, primitives, parent, loop)
        for one in on_none:
            await begin(one, one.name.rpartition(".")[2])
        await begin(outside, "outside")
        await begin(before, "before", await deal())
        await begin(behind, "behind", await deal())
        await save_all("begun")
        post.refuse("nobody lives there")

        for name in ("a", "c", "b"):
            await world.instance("forks").signal(name)
        await world.instance("waits").signal("typed", Box("sent", ()))
        await world.advance(days=3, hours=4)
        await world.instance("cancelled").cancel()
        await save_all("later")
        await world.advance(days=1)
        await world.perform(crm.deal(moved).change_stage("PREPARATION"))
        await world.perform(crm.deal(moved).update({"title": "Coffee"}))
        await world.advance(days=20)
        for name in started:
            for signal in ("more", "go", "end"):
                await world.instance(name).signal(signal)
        await world.advance(days=10)
        await save_all("end")
