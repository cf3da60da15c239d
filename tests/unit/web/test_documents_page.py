"""The page of a document: only for its link, and only what it is."""

from __future__ import annotations

import pytest

from bizproc import crm
from bizproc.model import CrmDocument, Deal
from bizproc.testing import World
from tests.engine.paper_templates import TYPST_OFFER, docx, template
from tests.unit.web.visiting import Visitor


@pytest.fixture
def visitor(world: World) -> Visitor:
    return Visitor(world)


async def published(world: World, **values: str) -> CrmDocument:
    await template(world, docx("x"), name="Offer <b>1</b>", number_pattern="{year}/{number:3}")
    deal: Deal = await world.deal(title="Secret title", comments="Secret comment")
    made = await world.perform(crm.deal(deal).create_document("offer", public_link=True, values=values))
    return await world.perform(crm.document(made).read())


async def test_a_document_is_shown_to_whoever_has_its_link(world: World, visitor: Visitor) -> None:
    document = await published(world)
    page = await visitor.get(str(document.public_url))
    assert page.status_code == 200
    assert "Offer &lt;b&gt;1&lt;/b&gt; 2030/001" in page.text
    assert "1/7/2030" in page.text
    assert "Secret" not in page.text


async def test_its_files_can_be_saved_under_its_title(world: World, visitor: Visitor) -> None:
    document = await published(world)
    for form, media_type in (("pdf", "application/pdf"), ("docx", "wordprocessingml.document")):
        answer = await visitor.get(f"{document.public_url}/document.{form}")
        assert answer.headers["content-type"].endswith(media_type)
        assert answer.headers["content-disposition"].endswith(f"2030%2F001.{form}")
        assert answer.content


@pytest.mark.parametrize("form", ["txt", "html", "PDF", "", "pdf/", "pdf.exe"])
async def test_it_has_no_other_files(world: World, visitor: Visitor, form: str) -> None:
    document = await published(world)
    assert await visitor.is_not_here(f"{document.public_url}/document.{form}")


async def test_a_typst_document_has_a_pdf_alone(world: World, visitor: Visitor) -> None:
    await template(world, TYPST_OFFER.encode(), ".typ")
    deal = await world.deal()
    document = await world.perform(crm.deal(deal).create_document("offer", public_link=True))
    assert "document.docx" not in (await visitor.get(str(document.public_url))).text
    assert (await visitor.get(f"{document.public_url}/document.pdf")).status_code == 200
    assert await visitor.is_not_here(f"{document.public_url}/document.docx")


async def test_while_its_pdf_is_being_made_the_page_says_so(world: World, visitor: Visitor) -> None:
    world.documents.held = True
    document = await published(world)
    page = await visitor.get(str(document.public_url))
    assert "being made" in page.text
    assert "document.pdf" not in page.text
    assert await visitor.is_not_here(f"{document.public_url}/document.pdf")


@pytest.mark.parametrize("path", ["", "/document.pdf", "/document.docx"])
async def test_a_link_that_was_revoked_is_dead_with_all_below_it(world: World, visitor: Visitor, path: str) -> None:
    document = await published(world)
    assert (await visitor.get(f"{document.public_url}{path}")).status_code == 200
    await world.perform(crm.document(document).revoke_link())
    assert await visitor.is_not_here(f"{document.public_url}{path}")
    again = await world.perform(crm.document(document).publish())
    assert await visitor.is_not_here(f"{document.public_url}{path}")
    assert (await visitor.get(f"{again.public_url}{path}")).status_code == 200


async def test_a_link_to_a_document_of_a_deleted_item_is_dead(world: World, visitor: Visitor) -> None:
    document = await published(world)
    await world.perform(crm.deal(document.owner_id).delete())
    assert await visitor.is_not_here(str(document.public_url))


async def test_a_document_without_a_link_has_no_page(world: World, visitor: Visitor) -> None:
    await published(world)
    private = await world.perform(crm.deal(1).create_document("offer"))
    signer = await world.runtime.signer()
    for numbers in ((private.id, 1), (private.id, 0), (private.id,), (1, 2), (99, 1)):
        assert await visitor.is_not_here(f"/documents/{signer.token('document', *numbers)}")


async def test_looking_changes_nothing(world: World, visitor: Visitor) -> None:
    from tests.unit.web.visiting import everything

    document = await published(world)
    before = await everything(world)
    await visitor.get(str(document.public_url))
    await visitor.ask("HEAD", str(document.public_url))
    await visitor.get(f"{document.public_url}/document.pdf")
    assert await everything(world) == before
