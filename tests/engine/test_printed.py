"""`printed` in a process: in the portal's language and zone, and the same on every replay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bizproc import action, continue_as_new, crm, printed, process, wait
from bizproc.core.errors import InstanceFailed, NestedStep, NotInProcess, NotPrintable, UnknownField
from bizproc.model import Comment, Deal, Money
from bizproc.settings import Settings
from bizproc.testing import World
from tests.engine.ways import every_way

FRENCH = Settings(language="fr", time_zone="Europe/Paris")
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@process("tell")
async def tell(deal: Deal) -> str:
    await crm.deal.add_comment(f"{printed(deal, 'amount')} / {printed(NOON)} / {printed(True)}")  # noqa: FBT003
    await wait.sleep(timedelta(days=1))
    await crm.deal.add_comment(printed(Money(Decimal("1.5"), deal.currency)))
    return printed(NOON)


async def comments(world: World, deal: Deal) -> list[str]:
    return [comment.text.replace("\u00a0", " ") for comment in await world.find(Comment, of=deal)]


@every_way
async def test_values_are_printed_in_the_portals_language_and_zone(world: World) -> object:
    deal = await world.deal(title="Tea", amount=Decimal("1234.5"))
    run = await world.start(tell(deal))
    await world.advance(days=2)
    assert await run.result() == "1/5/2026, 12:00 PM"
    told = await comments(world, deal)
    assert told == ["€1,234.50 / 1/5/2026, 12:00 PM / Yes", "€1.50"]
    return told


async def test_french_is_spoken() -> None:
    async with World.open(settings=FRENCH) as world:
        deal = await world.deal(title="Tea", amount=Decimal("1234.5"))
        run = await world.start(tell(deal))
        await world.advance(days=2)
        assert await comments(world, deal) == ["1 234,50 € / 05/01/2026 13:00 / Oui", "1,50 €"]
        assert await run.result() == "05/01/2026 13:00"


@pytest.mark.parametrize("always_replay", [False, True])
async def test_what_has_printed_goes_on_in_its_language_when_the_portals_changes(*, always_replay: bool) -> None:
    async with World.open(settings=FRENCH, always_replay=always_replay) as world:
        deal = await world.deal(title="Tea", amount=Decimal("1234.5"))
        run = await world.start(tell(deal))
        await world.run_until_idle()
        world._settings = Settings()
        await world.crash()
        await world.advance(days=2)
        assert await run.result() == "05/01/2026 13:00"
        assert await comments(world, deal) == ["1 234,50 € / 05/01/2026 13:00 / Oui", "1,50 €"]


@process("late")
async def late(deal: Deal) -> str:
    await wait.sleep(timedelta(days=1))
    return printed(NOON)


async def test_what_has_printed_nothing_yet_takes_the_new_settings() -> None:
    async with World.open(settings=FRENCH) as world:
        run = await world.start(late(await world.deal(title="Tea")))
        await world.run_until_idle()
        world._settings = Settings()
        await world.crash()
        await world.advance(days=2)
        assert await run.result() == "1/5/2026, 12:00 PM"


@process("anew")
async def anew(deal: Deal, *, said: str = "") -> str:
    here = printed(NOON)
    await wait.sleep(timedelta(days=1))
    if not said:
        await continue_as_new(said=here)
    return f"{said} | {here}"


async def test_what_begins_anew_takes_the_new_settings() -> None:
    async with World.open(settings=FRENCH) as world:
        run = await world.start(anew(await world.deal(title="Tea")))
        await world.run_until_idle()
        world._settings = Settings()
        await world.crash()
        await world.advance(days=3)
        assert await run.result() == "05/01/2026 13:00 | 1/5/2026, 12:00 PM"


@process("asks")
async def asks(deal: Deal, *, field: str) -> str:
    return printed(deal, field)


async def test_names_have_to_be_asked_of_the_crm(world: World) -> None:
    ann = await world.user(name="Ann")
    deal = await world.deal(title="Tea", responsible_id=ann.id, custom={})
    for field, error in (("responsible_id", NotPrintable), ("stage", NotPrintable), ("amounts", UnknownField)):
        with pytest.raises(InstanceFailed) as failed:
            await (await world.start(asks(deal, field=field))).result()
        assert isinstance(failed.value.error, error)
    assert await (await world.start(asks(deal, field="title"))).result() == "Tea"
    assert await (await world.start(asks(deal, field="custom.nothing"))).result() == ""


@process("names")
async def names(deal: Deal) -> str:
    data = await crm.deal.get_data("responsible_id", "title", print_version=True)
    return f"{data['title']}: {data['responsible_id']}"


@every_way
async def test_get_data_gives_the_same_on_every_replay(world: World) -> object:
    ann = await world.user(name="Ann")
    deal = await world.deal(title="Tea", responsible_id=ann.id)
    return await (await world.start(names(deal))).result() == "Tea: Ann"


def test_outside_of_a_process_nobody_knows_which_portal_is_meant() -> None:
    with pytest.raises(NotInProcess, match="printed"):
        printed(NOON)


@action("prints")
async def prints() -> str:
    return printed(NOON)


@process("steps")
async def steps() -> str:
    return await prints()


async def test_the_body_of_a_step_is_given_what_it_needs_and_prints_nothing(world: World) -> None:
    with pytest.raises(InstanceFailed) as failed:
        await (await world.start(steps())).result()
    assert isinstance(failed.value.error, NestedStep)


def test_import_of_the_face_loads_no_locale_data() -> None:
    import subprocess
    import sys

    code = "import bizproc, bizproc.model, sys; sys.exit('babel' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
