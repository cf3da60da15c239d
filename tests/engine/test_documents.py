"""Heading 21, Create CRM document: rule by rule, inside processes and outside, with a fake that makes the files."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bizproc import attempt, crm, gather, process, wait
from bizproc.errors import (
    ActionError,
    DocumentFailed,
    DocumentNotReady,
    InstanceFailed,
    ItemNotFound,
    TemplateUnfit,
    WrongArgument,
    WrongValue,
)
from bizproc.model import CrmDocument, Deal, File, HistoryEvent, User
from bizproc.settings import Settings
from bizproc.testing import World, crash_at_every_await
from bizproc.triggers.trigger import Trigger
from tests.engine.paper_templates import OFFER, TYPST_OFFER, docx, our_company, tea_deal, template
from tests.engine.ways import every_way


async def office(world: World) -> Deal:
    """A template, our company and a deal."""
    await template(world, docx(*OFFER))
    await our_company(world)
    return await tea_deal(world)


async def small_office(world: World) -> Deal:
    """A template and a deal."""
    await template(world, docx("x"))
    return await world.deal()


async def filled(world: World, document: CrmDocument) -> str:
    assert document.file_id is not None
    return (await world.runtime.content(await world.get(File, document.file_id))).decode()


async def refused(world: World, error: type[ActionError], match: str, action: Any) -> None:
    """The action raises, and leaves nothing."""
    before = [await world.find(each) for each in (CrmDocument, File, HistoryEvent)]
    with pytest.raises(error, match=match):
        await world.perform(action)
    assert [await world.find(each) for each in (CrmDocument, File, HistoryEvent)] == before


# -- what is made ------------------------------------------------------------------------------------------------------


async def test_a_document_is_filled_in_numbered_and_kept(world: World) -> None:
    deal = await office(world)
    document = await world.perform(crm.deal(deal).create_document("offer"))
    assert (document.owner_kind, document.owner_id, document.number) == ("deal", deal.id, "1")
    assert (document.title, document.template_id, document.with_stamp) == ("Offer 1", 1, False)
    assert (document.public_url, document.pdf_id, document.conversion) == (None, None, "pending")
    file = await world.get(File, document.file_id or 0)
    assert (file.path, file.media_type.rpartition(".")[2]) == ("Documents/1 Offer 1.docx", "document")
    assert await world.perform(crm.deal(deal).documents()) == (await world.perform(crm.document(document).read()),)
    assert await world.find(CrmDocument, of=deal) == [await world.get(CrmDocument, document.id)]


async def test_a_template_is_named_by_itself_by_its_id_or_by_its_code(world: World) -> None:
    deal = await office(world)
    one = await template(world, docx("x"), code="other")
    for named in (one, one.id, "other"):
        assert (await world.perform(crm.deal(deal).create_document(named))).template_id == one.id


async def test_values_are_what_people_read(world: World) -> None:
    deal = await office(world)
    document = await world.perform(crm.deal(deal).create_document("offer"))
    values: Any = document.placeholders
    assert values["item"]["amount"] == "€145.00"
    assert values["item"]["stage"] == "New"
    assert values["item"]["responsible_id"] == "Ada Byron"
    assert values["company"]["title"] == "Harbour & Sons <b>Ltd</b>"
    assert (values["contact"]["title"], values["contact"]["phones"]) == ("Jo Doe", "+33 1")
    assert values["my_company"]["title"] == "Tea Traders"
    assert values["my_company_details"]["vat_id"] == "FR-1"
    assert values["my_company_bank"]["iban"] == "FR76-1"
    assert [(row["number"], row["name"], row["quantity"], row["price"], row["sum"]) for row in values["rows"]] == [
        ("1", "Assam", "10", "€12.50", "€125.00"),
        ("2", "Darjeeling", "1", "€20.00", "€20.00"),
    ]
    assert (values["number"], values["date"], values["title"]) == ("1", "1/7/2030", "Offer 1")


async def test_values_are_in_the_portals_language() -> None:
    async with World.open(settings=Settings(language="fr")) as world:
        deal = await office(world)
        document = await world.perform(crm.deal(deal).create_document("offer"))
    values: Any = document.placeholders
    assert values["item"]["amount"].replace("\u00a0", " ") == "145,00 €"
    assert values["date"] == "07/01/2030"


async def test_what_is_not_there_is_known_all_the_same_and_empty(world: World) -> None:
    await template(world, docx("x"))
    deal = await world.deal(title="Bare")
    document = await world.perform(crm.deal(deal).create_document("offer"))
    text = await filled(world, document)
    for name in ('"company":{', '"contact":{', '"my_company":{', '"my_company_details":{', '"responsible":{'):
        assert name in text
    assert '"vat_id"' not in text  # no template of details has it


async def test_given_values_are_printed_and_go_in_place_of_what_was_found(world: World) -> None:
    deal = await office(world)
    given = {
        "company.title": "Another",
        "due": date(2030, 2, 1),
        "at": datetime(2030, 2, 1, 8, tzinfo=UTC),
        "rate": Decimal("2.5"),
        "agreed": True,
        "parts": [{"name": "A", "day": date(2030, 3, 1)}, {"name": "B", "day": None}],
        "custom.deep.name": "deep",
        "by": User(1, name="Ada", last_name="Byron"),
    }
    document = await world.perform(crm.deal(deal).create_document("offer", values=given))
    values: Any = document.placeholders
    assert (values["company"]["title"], values["due"], values["rate"]) == ("Another", "2/1/2030", "2.5")
    assert (values["agreed"], values["at"], values["by"]) == ("Yes", "2/1/2030, 8:00 AM", "Ada Byron")
    assert values["parts"] == [{"name": "A", "day": "3/1/2030"}, {"name": "B"}]
    assert values["custom"]["deep"]["name"] == "deep"


async def test_custom_fields_are_there_by_their_code(world: World) -> None:
    await template(world, docx("x"))
    field = await world.perform(crm.deal.add_field("city", label="City", type="text"))
    deal = await world.deal(title="Tea", custom={field.code: "Lyon"})
    document = await world.perform(crm.deal(deal).create_document("offer"))
    values: Any = document.placeholders
    assert values["item"]["custom"] == {field.code: "Lyon"}


@pytest.mark.parametrize("kind", ["lead", "deal", "contact", "company", "quote", "invoice", "contract"])
async def test_every_kind_of_item_has_documents(world: World, kind: str) -> None:
    await template(world, docx("x"))
    if kind == "contract":
        await world.perform(crm.smart_type.create(code="contract", title="Contract"))
        item: Any = await world.perform(crm.item("contract").create(title="C"))
        action = crm.item("contract", item.id).create_document("offer")
    else:
        noun: Any = getattr(crm, kind)
        fields = {"name": "Jo", "last_name": "Doe"} if kind == "contact" else {"title": "x"}
        item = await world.perform(noun.create(**fields))
        action = noun(item).create_document("offer")
    document = await world.perform(action)
    assert (document.owner_kind, document.owner_id) == (kind, item.id)
    assert kind in await filled(world, document)


async def test_the_author_is_the_items_person_in_charge(world: World) -> None:
    deal = await office(world)
    assert (await world.perform(crm.deal(deal).create_document("offer"))).created_by == deal.responsible_id


async def test_the_history_of_the_item_tells_of_it(world: World) -> None:
    deal = await office(world)
    await world.perform(crm.deal(deal).create_document("offer"))
    assert [(e.kind, e.new) for e in await world.find(HistoryEvent, of=deal)][-1] == ("document_created", "1")


# -- numbers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "number"),
    [
        ("{number}", "1"),
        ("{year}/{month}/{day}-{number}", "2030/01/07-1"),
        ("O-{number:4}", "O-0001"),
        ("O-{number:04}", "O-0001"),
        ("{unknown} {number", "{unknown} {number"),
        ("{number.__class__} {0}", "{number.__class__} {0}"),
    ],
)
async def test_a_number_follows_the_templates_pattern(world: World, pattern: str, number: str) -> None:
    await template(world, docx("x"), number_pattern=pattern)
    deal = await world.deal()
    assert (await world.perform(crm.deal(deal).create_document("offer"))).number == number


async def test_each_template_counts_for_itself_without_gaps(world: World) -> None:
    deal = await office(world)
    await template(world, docx("x"), code="other")
    made = [
        (await world.perform(crm.deal(deal).create_document(code))).number
        for code in ("offer", "offer", "other", "offer")
    ]
    assert made == ["1", "2", "1", "3"]


async def test_the_number_of_a_document_that_failed_goes_to_the_next(world: World) -> None:
    deal = await office(world)
    world.documents.refuse("broken")
    with pytest.raises(DocumentFailed):
        await world.perform(crm.deal(deal).create_document("offer"))
    assert (await world.perform(crm.deal(deal).create_document("offer"))).number == "1"


@process("papers.several")
async def several(deal: Deal) -> list[str]:
    made = await gather(*(crm.deal.create_document("offer") for _ in range(5)))
    return sorted(document.number for document in made)


async def test_documents_made_at_once_have_numbers_of_their_own(world: World) -> None:
    run = await world.start(several(await office(world)))
    assert await run.result() == ["1", "2", "3", "4", "5"]


# -- our company -------------------------------------------------------------------------------------------------------


async def test_our_company_is_the_items_or_the_first_of_ours_or_the_one_that_is_named(world: World) -> None:
    await template(world, docx("x"))
    await world.company(title="A client")
    first, second = await our_company(world, "First"), await our_company(world, "Second")
    invoice = await world.perform(crm.invoice.create(title="x", my_company_id=second))
    bare = await world.perform(crm.invoice.create(title="x"))

    async def whose(action: Any) -> tuple[str, str]:
        values = (await world.perform(action)).placeholders
        return values["my_company"]["title"], values["my_company_details"]["vat_id"]

    assert await whose(crm.invoice(bare).create_document("offer")) == ("First", f"FR-{first}")
    assert await whose(crm.invoice(invoice).create_document("offer")) == ("Second", f"FR-{second}")
    named = crm.invoice(invoice).create_document("offer", my_company=first)
    assert await whose(named) == ("First", f"FR-{first}")


async def test_our_details_are_the_selected_ones_or_those_that_are_named(world: World) -> None:
    deal = await office(world)
    selected = await world.perform(
        crm.details.create(company_id=1, template_id=1, selected=True, fields={"vat_id": "selected"})
    )
    other = await world.perform(crm.details.create(company_id=1, template_id=1, fields={"vat_id": "other"}))
    bank = await world.perform(crm.bank_details.create(details_id=other.id, fields={"iban": "one"}))
    await world.perform(crm.bank_details.create(details_id=other.id, selected=True, fields={"iban": "two"}))

    async def says(**named: Any) -> tuple[Any, Any]:
        values = (await world.perform(crm.deal(deal).create_document("offer", **named))).placeholders
        return values["my_company_details"]["vat_id"], values.get("my_company_bank", {}).get("iban")

    assert await says() == ("selected", None)
    assert await says(my_company_details=selected) == ("selected", None)
    assert await says(my_company_details=other.id) == ("other", "two")
    assert await says(my_company_details=other, my_company_bank_details=bank) == ("other", "one")


async def test_what_is_not_ours_is_refused(world: World) -> None:
    deal = await office(world)
    client = await world.company(title="A client")
    its = await world.perform(crm.details.create(company_id=client.id, template_id=1))
    bank = await world.perform(crm.bank_details.create(details_id=its.id))
    make = crm.deal(deal).create_document
    await refused(world, WrongValue, "my_company must be one of our own", make("offer", my_company=client))
    await refused(world, ItemNotFound, "99", make("offer", my_company=99))
    await refused(world, WrongValue, "my_company_details must be those", make("offer", my_company_details=its))
    await refused(world, WrongValue, "my_company_bank", make("offer", my_company_bank_details=bank.id))


async def test_details_of_a_company_of_ours_that_is_not_there_are_refused(world: World) -> None:
    await template(world, docx("x"))
    deal = await world.deal()
    make = crm.deal(deal).create_document
    await refused(world, WrongValue, "my_company_details.*no company", make("offer", my_company_details=1))


# -- stamp and signature -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by_template", "asked", "stamped"),
    [(False, None, False), (True, None, True), (True, False, False), (False, True, True)],
)
async def test_a_document_is_stamped_as_the_template_says_or_as_is_asked(
    world: World, by_template: bool, asked: bool | None, stamped: bool
) -> None:
    await template(world, docx(*OFFER), with_stamp=by_template)
    await our_company(world)
    deal = await tea_deal(world)
    document = await world.perform(crm.deal(deal).create_document("offer", with_stamp=asked))
    assert document.with_stamp is stamped
    text = await filled(world, document)
    pictures = [await world.get(File, id_) for id_ in (2, 3)]
    assert [picture.name for picture in pictures] == ["stamp.png", "signature.png"]
    assert all((picture.sha256 in text) is stamped for picture in pictures)


async def test_a_stamp_that_is_asked_for_and_is_not_there_is_refused(world: World) -> None:
    await template(world, docx("x"), with_stamp=True)
    await our_company(world, stamped=False)
    deal = await world.deal()
    action = crm.deal(deal).create_document("offer", with_stamp=True)
    await refused(world, WrongValue, "with_stamp must be details of our company that have a stamp", action)
    assert not (await world.perform(crm.deal(deal).create_document("offer"))).with_stamp


# -- templates that do not fit -----------------------------------------------------------------------------------------


async def test_a_template_that_is_not_there_is_refused_with_those_that_are(world: World) -> None:
    deal = await office(world)
    for named in ("nothing", 99):
        await refused(world, TemplateUnfit, "no such template. Known: offer", crm.deal(deal).create_document(named))


async def test_a_template_that_is_out_of_use_or_for_other_items_or_without_a_file_is_refused(world: World) -> None:
    deal = await world.deal()
    await template(world, docx("x"), code="old", active=False)
    await template(world, docx("x"), code="of_leads", kinds=["lead", "quote"])
    await world.perform(crm.template.create(code="empty", name="Empty"))
    for code, why in (
        ("old", "no longer used"),
        ("of_leads", "for lead, quote, and this is a deal"),
        ("empty", "no file"),
    ):
        await refused(world, TemplateUnfit, why, crm.deal(deal).create_document(code))


async def test_a_template_that_is_neither_word_nor_typst_is_refused(world: World) -> None:
    deal = await world.deal()
    await template(world, b"x", ".odt", code="odt")
    await refused(world, TemplateUnfit, r"end in \.docx or \.typ", crm.deal(deal).create_document("odt"))


async def test_a_document_that_cannot_be_filled_in_leaves_nothing(world: World) -> None:
    deal = await office(world)
    world.documents.refuse("there is no value 'nothing'")
    with pytest.raises(DocumentFailed, match="'1' could not be made from template 1: there is no value") as raised:
        await world.perform(crm.deal(deal).create_document("offer", public_link=True))
    assert (raised.value.template, raised.value.number) == (1, "1")
    assert await world.find(CrmDocument) == []
    assert not [file for file in await world.find(File) if file.path.startswith("Documents/")]


async def test_there_is_no_item_no_document(world: World) -> None:
    await template(world, docx("x"))
    await refused(world, ItemNotFound, "deal 99", crm.deal(99).create_document("offer"))


async def test_a_parameter_of_the_wrong_type_is_refused_at_once() -> None:
    create: Any = crm.deal.create_document
    for wrong in ({"wait_for_pdf": "yes"}, {"values": ["x"]}, {"timeout": 5}, {"my_company": "us"}):
        with pytest.raises(WrongArgument):
            create("offer", **wrong)


# -- the PDF -----------------------------------------------------------------------------------------------------------


async def test_without_waiting_the_pdf_comes_later(world: World) -> None:
    deal = await office(world)
    document = await world.perform(crm.deal(deal).create_document("offer"))
    assert (document.pdf_id, document.conversion) == (None, "pending")
    later = await world.perform(crm.document(document).read())
    assert (later.conversion, later.file_id) == ("ready", document.file_id)
    assert (await world.get(File, later.pdf_id or 0)).path == "Documents/1 Offer 1.pdf"


async def test_waiting_gives_the_document_with_its_pdf(world: World) -> None:
    deal = await office(world)
    document = await world.perform(crm.deal(deal).create_document("offer", wait_for_pdf=True))
    assert document.conversion == "ready"
    pdf = await world.get(File, document.pdf_id or 0)
    assert (await world.runtime.content(pdf)).startswith(b"%PDF-")
    assert document.file_id not in (None, document.pdf_id)


async def test_a_typst_document_is_its_pdf_and_there_at_once(world: World) -> None:
    await template(world, TYPST_OFFER.encode(), ".typ")
    document = await world.perform(crm.deal(await tea_deal(world)).create_document("offer"))
    assert document.conversion == "ready"
    assert document.file_id == document.pdf_id is not None


@pytest.mark.parametrize("waits", [True, False])
async def test_where_no_pdf_can_be_made_the_document_is_there_without_one(world: World, waits: bool) -> None:
    deal = await office(world)
    world.documents.unconvertible = "LibreOffice is not installed"
    document = await world.perform(crm.deal(deal).create_document("offer", wait_for_pdf=waits))
    now = await world.perform(crm.document(document).read())
    assert (now.conversion, now.pdf_id) == ("failed", None)
    assert now.file_id is not None


@process("papers.wait_for_pdf")
async def wait_for_pdf(deal: Deal, *, days: int) -> str:
    outcome = await attempt(crm.deal.create_document("offer", wait_for_pdf=True, timeout=timedelta(days=days)))
    await wait.sleep(timedelta(days=1))
    if isinstance(outcome.error, DocumentNotReady):
        kept = await crm.document(outcome.error.document).read()
        return f"late: {outcome.error.number} {kept.conversion}"
    document = outcome.value
    return f"{document.conversion} {document.number}" if document else str(outcome.error)


@every_way
async def test_a_pdf_that_is_late_raises_and_the_document_is_kept(world: World) -> None:
    deal = await small_office(world)
    world.documents.held = True
    run = await world.start(wait_for_pdf(deal, days=2))
    assert (await run.status()).state == "waiting"
    await world.advance(days=1, hours=23)
    assert await world.find(CrmDocument) != []
    await world.advance(hours=1)
    await world.advance(days=2)
    assert await run.result() == "late: 1 pending"
    (document,) = await world.find(CrmDocument, of=deal)
    assert (document.pdf_id, document.number) == (None, "1")


async def test_the_pdf_of_a_document_that_was_late_comes_all_the_same(world: World) -> None:
    deal = await office(world)
    world.documents.held = True
    run = await world.start(wait_for_pdf(deal, days=2))
    await world.advance(days=4)
    assert (await run.result()).startswith("late")
    world.documents.release()
    await world.advance(hours=6)
    (document,) = await world.find(CrmDocument, of=deal)
    assert document.conversion == "ready"
    assert document.file_id is not None


async def test_a_pdf_in_time_ends_the_wait(world: World) -> None:
    deal = await office(world)
    world.documents.held = True
    run = await world.start(wait_for_pdf(deal, days=2))
    await world.advance(hours=1)
    world.documents.release()
    await world.advance(days=3)
    assert await run.result() == "ready 1"


async def test_outside_a_process_a_late_pdf_raises_too(world: World) -> None:
    deal = await office(world)
    world.documents.held = True
    action = crm.deal(deal).create_document("offer", wait_for_pdf=True, timeout=timedelta(milliseconds=30))
    with pytest.raises(DocumentNotReady) as raised:
        await world.perform(action)
    assert (await world.get(CrmDocument, raised.value.document)).number == raised.value.number == "1"


@pytest.mark.parametrize("timeout", [timedelta(0), timedelta(days=-1)])
async def test_no_time_at_all_is_refused(world: World, timeout: timedelta) -> None:
    deal = await office(world)
    await refused(
        world, WrongValue, "timeout", crm.deal(deal).create_document("offer", wait_for_pdf=True, timeout=timeout)
    )


@process("papers.listens")
async def listens(deal: Deal) -> str:
    document = await crm.deal.create_document("offer")
    return document.conversion


@process("papers.hears")
async def hears(*, event: str) -> str:
    happened = await wait.for_event(Trigger((event,)), timeout=timedelta(days=1))
    return "nothing" if happened.event is None else f"{happened.event.subject} {happened.event.facts['document']}"


@pytest.mark.parametrize("unconvertible", ["", "no converter"])
async def test_events_tell_of_a_document_and_of_its_pdf(world: World, unconvertible: str) -> None:
    deal = await office(world)
    world.documents.unconvertible = unconvertible
    events = ("document.created", "document.pdf_ready", "document.failed")
    runs = [await world.start(hears(event=event)) for event in events]
    await world.perform(crm.deal(deal).create_document("offer"))
    await world.advance(days=2)
    told = [await run.result() for run in runs]
    assert told == ["deal:1 1", *(["nothing", "deal:1 1"] if unconvertible else ["deal:1 1", "nothing"])]


# -- deleting ----------------------------------------------------------------------------------------------------------


async def test_documents_go_with_their_item_and_a_pdf_that_comes_after_is_nobodys(world: World) -> None:
    deal = await office(world)
    world.documents.held = True
    await world.start(wait_for_pdf(deal, days=9))
    await world.perform(crm.deal(deal).delete())
    world.documents.release()
    await world.advance(hours=6)
    assert await world.find(CrmDocument) == []
    assert not [file for file in await world.find(File) if file.path.startswith("Documents/")]


async def test_who_waits_for_the_pdf_of_a_deleted_deal_is_terminated_and_wakes_no_more(world: World) -> None:
    deal = await office(world)
    world.documents.held = True
    run = await world.start(wait_for_pdf(deal, days=9))
    await world.perform(crm.deal(deal).delete())
    assert (await run.status()).state == "terminated"
    world.documents.release()
    await world.advance(days=10)
    assert (await run.status()).state == "terminated"


# -- public links ------------------------------------------------------------------------------------------------------


async def test_a_public_link_is_there_if_it_is_asked_for_and_can_be_given_later(world: World) -> None:
    deal = await office(world)
    public = await world.perform(crm.deal(deal).create_document("offer", public_link=True))
    private = await world.perform(crm.deal(deal).create_document("offer"))
    assert str(public.public_url).startswith("http://127.0.0.1:8480/documents/")
    assert private.public_url is None
    later = await world.perform(crm.document(private).publish())
    assert later.public_url not in (None, public.public_url)
    assert (await world.perform(crm.document(private).publish())).public_url == later.public_url


async def test_a_link_that_was_revoked_never_comes_back(world: World) -> None:
    deal = await office(world)
    first = await world.perform(crm.deal(deal).create_document("offer", public_link=True))
    assert (await world.perform(crm.document(first).revoke_link())).public_url is None
    assert (await world.perform(crm.document(first).revoke_link())).public_url is None
    second = await world.perform(crm.document(first).publish())
    assert second.public_url not in (None, first.public_url)


async def test_a_document_that_is_not_there_is_said_so(world: World) -> None:
    for action in (crm.document(9).read(), crm.document(9).publish(), crm.document(9).revoke_link()):
        with pytest.raises(ItemNotFound, match="document 9"):
            await world.perform(action)


# -- crashes -----------------------------------------------------------------------------------------------------------


@process("papers.offer")
async def offer(deal: Deal) -> list[Any]:
    one = await crm.deal.create_document("offer", public_link=True)
    two = await crm.deal.create_document("offer", wait_for_pdf=True)
    three = await attempt(crm.deal.create_document("nothing"))
    await crm.deal.add_activity(f"Send {two.number}", one.public_url or "")
    await crm.document(one).revoke_link()
    return [one.number, two.number, two.conversion, str(three.error)]


async def test_documents_are_made_once_whenever_the_program_dies() -> None:
    async def story(world: World) -> object:
        deal = await small_office(world)
        run = await world.start(offer(deal))
        return await run.result()

    assert await crash_at_every_await(story) > 20


async def test_a_late_pdf_is_late_once_whenever_the_program_dies() -> None:
    async def story(world: World) -> object:
        deal = await small_office(world)
        world.documents.held = True
        run = await world.start(wait_for_pdf(deal, days=1))
        await world.advance(days=3)
        world.documents.release()
        await world.advance(days=1)
        return await run.result()

    assert await crash_at_every_await(story) > 20


async def test_a_refused_document_is_refused_once_whenever_the_program_dies() -> None:
    async def story(world: World) -> object:
        deal = await small_office(world)
        world.documents.unfillable = "broken"
        run = await world.start(listens(deal))
        with pytest.raises(InstanceFailed, match="broken"):
            await run.result()
        world.documents.unfillable = ""
        await run.retry()
        return await run.result()

    assert await crash_at_every_await(story) > 10
