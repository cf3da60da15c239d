"""`bizproc settle`: what it refuses, and what it leaves to the next `serve`. What it does is in tests/crash."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from bizproc import crm, process
from bizproc.model import Deal
from bizproc.ports.channel import Outside
from bizproc.ports.mail import MAIL
from bizproc.runtime import Runtime
from bizproc.testing import FakeChannel
from tests.unit.cli.conftest import Run


def prepared(run: Run, company: object) -> None:
    assert run("import", ".").exit_code == 0


def test_it_must_be_said_which(run: Run, here: Path) -> None:
    ran = run("settle", "tea-1", "0")
    assert ran.exit_code == 2
    assert "say --sent or --again" in ran.stderr


def test_without_a_store_there_is_nothing_to_settle(run: Run, here: Path) -> None:
    ran = run("settle", "tea-1", "0", "--sent")
    assert ran.exit_code == 2
    assert "there is no store" in ran.stderr


@process("tests.mail_and_go")
async def mail_and_go(deal: Deal) -> str:
    return str((await crm.deal.send_email("Tea", "y", wait_for_delivery=False)).status)


@pytest.mark.parametrize("how", ["--sent", "--again"])
def test_what_nobody_waited_for_is_shown_and_settled(run: Run, here: Path, how: str) -> None:
    store = f"sqlite:///{here / 'bizproc.db'}"
    mail = FakeChannel(MAIL, deduplicates=False)
    mail.break_off(after=True)
    outside = Outside(channels={MAIL: mail})

    async def send() -> None:
        async with Runtime.open(store, processes=[mail_and_go], outside=outside) as runtime:
            user = await runtime.perform(crm.user.create(name="Ann", email="ann@crm.example"))
            client = await runtime.perform(crm.contact.create(name="Jo", last_name="Ash", emails=["jo@client.example"]))
            deal = await runtime.perform(crm.deal.create(title="Tea", contact_id=client.id, responsible_id=user.id))
            await runtime.start(mail_and_go(deal), id="tea-1")
            await runtime.settled()

    async def serve() -> tuple[str, list[str]]:
        async with Runtime.open(store, processes=[mail_and_go], outside=outside) as runtime:
            instance = runtime.instance("tea-1")
            async with asyncio.timeout(60):
                # What is asked beside an owner is looked for every now and then, and what is due is sent by the clock.
                while (await instance.sent())[0].state in ("unknown", "ready", "sending"):
                    await asyncio.sleep(0.01)
            return (await instance.status()).state, [each.state for each in await instance.sent()]

    asyncio.run(send())
    shown = run("show", "tea-1", "--store", store).stdout
    assert "Nobody knows whether step 0 (mail) was sent" in shown
    assert "bizproc settle tea-1 0 --sent" in shown
    assert json.loads(run("show", "tea-1", "--json", "--store", store).stdout)["sent"][0]["state"] == "unknown"
    run("settle", "tea-1", "0", how, "--store", store)
    state, sent = asyncio.run(serve())
    assert (state, sent) == ("completed", ["accepted"])
    assert len(mail.attempts) == (2 if how == "--again" else 1)
    assert "Nobody knows" not in run("show", "tea-1", "--store", store).stdout
