"""
From an open deal to the money, from wherever the last run of this program was killed. See `test_quote_to_cash.py`.

    python -m tests.crash.cash_program prepare STORE FORM [FOLDER]   import a folder, or make data of the same shape
    python -m tests.crash.cash_program work STORE BOARD SMTP_PORT STRIPE_URL WEB_PORT

At work it starts as many deals as the board allows, serves its pages, and does what it is told:

    ["stand"]     how the instances stand, once nothing happens by itself
    ["close"]     close the store and end
"""

from __future__ import annotations

import asyncio
import sys
from decimal import Decimal
from pathlib import Path
from typing import Final

from bizproc import Runtime, crm, on, process, wait
from bizproc.model import Deal, MultiField
from bizproc.runtime import Status
from bizproc.settings import DocumentSettings, MailSettings, PaymentSettings, Settings, WebSettings
from bizproc.web.serving import serve_pages
from tests.contract.stripe_stand_in import KEY, SECRET
from tests.crash.harness import UNPROTECTED, Board, Words, live, observe, say, url
from tests.engine.paper_templates import OFFER, TYPST_OFFER, docx, png

OPEN: Final = 21
"""As many open deals as Northwind has."""


@process("crash.quote_to_cash")
async def quote_to_cash(deal: Deal) -> str:
    made = await crm.deal.convert(quote=True)
    assert made.quote_id is not None
    quote = crm.quote(made.quote_id)
    document = await quote.create_document("offer", wait_for_pdf=True, with_stamp=True)
    assert document.pdf_id is not None
    order = await crm.deal.create_order()
    link = await crm.deal.get_payment_link(order)
    pdf = await crm.drive.file(document.pdf_id)
    text = f"Dear customer,\nour offer {document.number} is attached. You can pay here: [url]{link}[/url]"
    await quote.send_email(f"Offer {document.number}", text, attachments=[pdf])
    happened = await wait.for_event(on.payment_paid(deal))
    assert happened.event is not None
    await crm.deal.add_comment(f"paid: {happened.event.facts['sum']}")
    return f"{document.number} {link} {happened.event.facts['sum']}"


# -- prepare -----------------------------------------------------------------------------------------------------------


async def prepare(store: str, form: str, folder: str | None) -> None:
    async with Runtime.open(store, settings=UNPROTECTED) as runtime:
        if folder is None:
            await make(runtime)
        else:
            await runtime.import_folder(folder)
        await furnish(runtime, form)
        say(await open_deals(runtime))


async def make(runtime: Runtime) -> None:
    """Open deals like Northwind's: a client with an address, some rows, some of them with a discount."""
    user = await runtime.perform(crm.user.create(name="Ada", last_name="Byron", email="ada@firm.example"))
    for number in range(1, 20):
        await runtime.perform(crm.product.create(name=f"Product {number}", price=Decimal(number * 7) / 20))
    for number in range(1, OPEN + 1):
        address = MultiField(f"client{number}@customer.example")
        contact = await runtime.perform(crm.contact.create(name="Jo", last_name=f"Doe {number}", emails=[address]))
        company = await runtime.perform(crm.company.create(title=f"Company {number}"))
        deal = await runtime.perform(
            crm.deal.create(
                title=f"Order {number}",
                stage="EXECUTING",
                company_id=company.id,
                contact_ids=[contact.id],
                responsible_id=user.id,
                currency="USD",
            )
        )
        for row in range(1 + number % 4):
            product, percent = 1 + (number * 5 + row) % 19, (0, 5, 15, 25)[(number + row) % 4]
            await runtime.perform(
                crm.deal(deal).add_product(product, quantity=1 + row * 3, discount_percent=Decimal(percent))
            )


async def furnish(runtime: Runtime, form: str) -> None:
    """A company of ours that has a stamp, and a template."""
    ours = await runtime.perform(crm.company.create(title="Northwind Traders", is_my_company=True))
    stamp = await runtime.perform(crm.drive.add("stamp.png", png((200, 30, 30))))
    kind = await runtime.perform(
        crm.details_template.create(code="firm", name="Firm", country="US", fields=["company_name", "vat_id"])
    )
    details = await runtime.perform(
        crm.details.create(
            company_id=ours.id, template_id=kind.id, name="Main", fields={"vat_id": "US-1"}, stamp_id=stamp.id
        )
    )
    await runtime.perform(crm.bank_details.create(details_id=details.id, name="Bank", fields={"iban": "US76-1"}))
    file = await runtime.perform(crm.drive.add(*template(form)))
    await runtime.perform(crm.template.create(code="offer", name="Offer", file_id=file.id))


def template(form: str) -> tuple[str, bytes]:
    """A file's path, and what it holds: the sum is the quote's."""
    text = "\0".join(OFFER) if form == "docx" else TYPST_OFFER
    text = text.replace("deal.amount", "quote.amount")
    return ("offer.docx", docx(*text.split("\0"))) if form == "docx" else ("offer.typ", text.encode())


async def open_deals(runtime: Runtime) -> list[int]:
    return [deal.id for deal in await runtime.find(Deal) if deal.stage == "EXECUTING"]


# -- work --------------------------------------------------------------------------------------------------------------


def name(deal: int) -> str:
    return f"cash-{deal}"


def settings(mail: int, stripe: str, web: int) -> Settings:
    return Settings(
        mail=MailSettings(host="127.0.0.1", port=mail, security="none"),
        payments=PaymentSettings(provider="stripe", stripe_url=stripe, stripe_key=KEY, stripe_webhook_secret=SECRET),
        documents=DocumentSettings(timeout=90),
        web=WebSettings(port=web, public_url=f"http://127.0.0.1:{web}"),
        poison_protection=False,
    )


async def work(store: str, board: Board, settings: Settings, heard: asyncio.Queue[Words]) -> None:
    observe(board)
    async with (
        Runtime.open(store, processes=[quote_to_cash], settings=settings) as runtime,
        serve_pages(runtime, settings),
    ):
        for id_ in (await open_deals(runtime))[: board.allowed]:
            await runtime.start(quote_to_cash(await runtime.get(Deal, id_)), id=name(id_))
        say("open")
        rest = asyncio.create_task(tell_of_rest(runtime, board))
        while (await heard.get()) == ["stand"]:
            await runtime.settled()
            say(*[stands(each) for each in await runtime.instances()])
        rest.cancel()


def stands(status: Status) -> Words:
    error = status.error
    return [status.id, status.state, error and error.class_name, error and error.step]


async def tell_of_rest(runtime: Runtime, board: Board) -> None:
    """Who kills at random must not wait for commits that do not come."""
    await runtime.settled()
    board.parked = 1


async def main(store: str, board: Board, settings: Settings) -> None:
    heard = asyncio.Queue[Words]()
    loop = asyncio.get_running_loop()
    live(lambda words: loop.call_soon_threadsafe(heard.put_nowait, words))
    await work(store, board, settings, heard)
    say("closed")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["prepare", path, form, *folder]:
            live()
            asyncio.run(prepare(url(Path(path)), form, folder[0] if folder else None))
        case ["work", path, shared, mail, stripe, web]:
            asyncio.run(main(url(Path(path)), Board(Path(shared)), settings(int(mail), stripe, int(web))))
