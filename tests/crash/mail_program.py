"""
A program that owns a store and sends one mail over a mail server. Run by `test_sigkill_mail.py`.

    python -m tests.crash.mail_program STORE PORT

    ["status"]    how the instance stands, and with which error
    ["close"]     close the store and end

It says ["open"] when it owns the store.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bizproc import Runtime, crm, process
from bizproc.model import Deal, MultiField
from bizproc.settings import MailSettings, Settings
from tests.crash.harness import Words, live, say, url

INSTANCE = "mail-1"


@process("crash.mail")
async def mail(deal: Deal) -> str:
    message = await crm.deal.send_email("Tea", "Dear [b]Jo[/b]")
    return f"{message.status} {message.message_id}"


async def prepare(runtime: Runtime) -> None:
    user = await runtime.perform(crm.user.create(name="Ada", last_name="Byron", email="ada@firm.example"))
    contact = await runtime.perform(
        crm.contact.create(name="Jo", last_name="Doe", emails=[MultiField("jo@client.example")])
    )
    deal = await runtime.perform(crm.deal.create(title="Tea", responsible_id=user.id, contact_ids=[contact.id]))
    await runtime.start(mail(deal), id=INSTANCE)


async def own(store: str, port: int, heard: asyncio.Queue[Words]) -> None:
    settings = Settings(mail=MailSettings(host="127.0.0.1", port=port, security="none"), poison_protection=False)
    async with Runtime.open(store, processes=[mail], settings=settings) as runtime:
        if not await runtime.find(Deal):
            await prepare(runtime)
        say("open")
        while (await heard.get()) == ["status"]:
            await runtime.settled()
            status = await runtime.instance(INSTANCE).status()
            result = await runtime.instance(INSTANCE).result() if status.state == "completed" else None
            say(status.state, status.error and status.error.class_name, result)


async def main(store: str, port: int) -> None:
    heard = asyncio.Queue[Words]()
    loop = asyncio.get_running_loop()
    live(lambda words: loop.call_soon_threadsafe(heard.put_nowait, words))
    await own(store, port, heard)
    say("closed")


if __name__ == "__main__":
    asyncio.run(main(url(Path(sys.argv[1])), int(sys.argv[2])))
