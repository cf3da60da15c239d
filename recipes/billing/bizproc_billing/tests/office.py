"""What the stories of this package need: a company of ours that has a stamp, a template, and a deal of a client."""

from __future__ import annotations

import struct
import zlib

from bizproc import crm
from bizproc.model import Deal, MultiField
from bizproc.testing import World

TEMPLATE = b"#let v = json(bytes(sys.inputs.values))\nNo. #v.number of #v.date"


async def office(world: World) -> None:
    """A company of ours with stamp and signature, and the template `paper`."""
    ours = await world.company(title="Tea Traders", is_my_company=True)
    picture = await world.perform(crm.drive.add("stamp.png", png()))
    kind = await world.perform(crm.details_template.create(code="firm", name="Firm", fields=["company_name"]))
    await world.perform(
        crm.details.create(
            company_id=ours.id,
            template_id=kind.id,
            name="Main",
            fields={"company_name": "Tea Traders"},
            stamp_id=picture.id,
            signature_id=picture.id,
        )
    )
    file = await world.perform(crm.drive.add("Templates/paper.typ", TEMPLATE))
    await world.perform(crm.template.create(code="paper", name="Paper", file_id=file.id))


async def tea_deal(world: World, price: int = 18) -> Deal:
    """Ten boxes of tea for a client who has an address."""
    ann = await world.user(name="Ann", last_name="Lee", email="ann@tea.example")
    tea = await world.product(name="Tea", price=price)
    jo = await world.contact(emails=[MultiField("jo@harbour.example")])
    deal = await world.deal(title="Tea", responsible_id=ann.id, contact_ids=[jo.id])
    await world.perform(crm.deal(deal).add_product(tea, quantity=10))
    return await world.get(Deal, deal.id)


def png() -> bytes:
    """A red dot."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    dot = zlib.compress(b"\0\xff\0\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", dot) + chunk(b"IEND", b"")
