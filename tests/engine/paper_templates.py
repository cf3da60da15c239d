"""Templates of documents, made as people make them; and a company that has all that they name."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from decimal import Decimal
from typing import Any

from docx import Document

from bizproc import crm
from bizproc.model import Deal, MultiField, Template
from bizproc.testing import World

OFFER = (
    "Offer {{ number }} of {{ date }}",
    "For {{ company.title }}, {{ contact.title }} ({{ contact.phones }})",
    "From {{ my_company.title }}, VAT {{ my_company_details.vat_id }}, IBAN {{ my_company_bank.iban }}",
    "{% for row in rows %}{{ row.number }}. {{ row.name }}: {{ row.quantity }} × {{ row.price }}; {% endfor %}",
    "Together {{ deal.amount }}",
    "{{ stamp }}{{ signature }}",
)

TYPST_OFFER = """\
#let v = json(bytes(sys.inputs.values))
#set page(width: 12cm, height: 16cm, margin: 1cm)
#set text(size: 10pt)
= Offer #v.number of #v.date
For #v.company.title, #v.contact.title

From #v.my_company.title, VAT #v.my_company_details.vat_id, IBAN #v.my_company_bank.iban

#table(columns: 4, ..v.rows.map(row => (row.name, row.quantity, row.price, row.sum)).flatten())

Together #v.deal.amount

#if v.stamp != none { image(v.stamp, width: 3cm) }
#if v.signature != none { image(v.signature, width: 3cm) }
"""


def docx(*paragraphs: str) -> bytes:
    """A .docx of these paragraphs."""
    document = Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    file, always_the_same = io.BytesIO(), io.BytesIO()
    document.save(file)
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(always_the_same, "w") as target:
        for part in source.infolist():
            target.writestr(zipfile.ZipInfo(part.filename), source.read(part))
    return always_the_same.getvalue()


def text_of_docx(content: bytes) -> str:
    """What stands in a .docx."""
    return "\n".join(paragraph.text for paragraph in Document(io.BytesIO(content)).paragraphs)


def png(color: tuple[int, int, int], width: int = 60, height: int = 30) -> bytes:
    """A picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    lines = (b"\0" + bytes(color) * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


async def template(world: World, content: bytes, ending: str = ".docx", **fields: Any) -> Template:
    """A template in the drive."""
    code = fields.pop("code", "offer")
    file = await world.perform(crm.drive.add(f"Templates/{code}{ending}", content))
    return await world.perform(crm.template.create(**{"code": code, "name": "Offer", "file_id": file.id, **fields}))


async def our_company(world: World, title: str = "Tea Traders", *, stamped: bool = True) -> int:
    """One of our companies, with details, a bank account, a stamp and a signature; its id."""
    company = await world.company(title=title, is_my_company=True)
    known = await world.perform(_details_templates())
    if not known:
        await world.perform(
            crm.details_template.create(code="firm", name="Firm", country="FR", fields=["company_name", "vat_id"])
        )
    pictures: dict[str, Any] = {}
    if stamped:
        for name, color in (("stamp", (200, 30, 30)), ("signature", (30, 30, 200))):
            file = await world.perform(crm.drive.add(f"{title}/{name}.png", png(color)))
            pictures[f"{name}_id"] = file.id
    details = await world.perform(
        crm.details.create(
            company_id=company.id, template_id=1, name="Main", fields={"vat_id": f"FR-{company.id}"}, **pictures
        )
    )
    await world.perform(
        crm.bank_details.create(details_id=details.id, name="Bank", fields={"iban": f"FR76-{company.id}"})
    )
    return company.id


def _details_templates() -> Any:
    from bizproc.core.commands import Action

    class All(Action[Any]):
        name = "tests.details_templates"

        async def perform(self, port: Any) -> Any:
            return await port.matching("details_template", {})

    return All()


async def tea_deal(world: World, **fields: Any) -> Deal:
    """A deal for two products, with a client."""
    user = await world.user()
    company = await world.company(title="Harbour & Sons <b>Ltd</b>")
    contact = await world.contact(name="Jo", last_name="Doe", phones=[MultiField("+33 1", "WORK")])
    deal = await world.deal(
        **{"title": "Tea", "company_id": company.id, "contact_id": contact.id, "responsible_id": user.id, **fields}
    )
    for name, price, quantity in (("Assam", "12.50", 10), ("Darjeeling", "20", 1)):
        product = await world.product(name=name, price=Decimal(price))
        await world.perform(crm.deal(deal).add_product(product.id, quantity=quantity))
    return deal
