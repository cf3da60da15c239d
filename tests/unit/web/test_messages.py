"""What mails and providers of text messages call: the pixel, tracked links, reports."""

from __future__ import annotations

from typing import Any

import pytest

from bizproc import crm, on, process, wait
from bizproc.model import Deal, Message, MultiField
from bizproc.testing import World
from tests.unit.web.visiting import Visitor

SHOP = "https://shop.test/?a=1&b=2"


@pytest.fixture
def visitor(world: World) -> Visitor:
    return Visitor(world)


async def mailed(world: World, body: str = f'<p>Look at <a href="{SHOP}">the tea</a></p>') -> Message:
    """A mail with a link that was sent from a deal."""
    user = await world.user(email="ada@tea.test")
    contact = await world.contact(emails=[MultiField("jo@harbour.test", "WORK")])
    deal = await world.deal(contact_id=contact.id, responsible_id=user.id)
    await world.perform(crm.deal(deal).send_email("Tea", body, text_type="html", track_clicks=True))
    (message,) = await world.find(Message)
    return message


async def texted(world: World) -> Message:
    """A text message that was sent from a deal."""
    user = await world.user()
    contact = await world.contact(phones=[MultiField("+33612345678", "MOBILE")])
    deal = await world.deal(contact_id=contact.id, responsible_id=user.id)
    await world.perform(crm.deal(deal).send_sms("Tea"))
    (message,) = await world.find(Message)
    return message


async def address(world: World, page: str, purpose: str, *numbers: int) -> str:
    token = (await world.runtime.signer()).token(purpose, *numbers)
    return page.format(token)


async def now(world: World, message: Message) -> Message:
    return await world.get(Message, message.id)


# -- the pixel ---------------------------------------------------------------------------------------------------------


async def test_the_pixel_of_a_mail_says_that_it_was_opened(world: World, visitor: Visitor) -> None:
    message = await mailed(world)
    pixel = await address(world, "/mail/open/{}.gif", "open", message.id)
    answer = await visitor.get(pixel)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert answer.content.startswith(b"GIF89a")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert (await now(world, message)).opened_at == world.clock.now()


async def test_a_program_that_only_asks_for_the_head_has_opened_nothing(world: World, visitor: Visitor) -> None:
    message = await mailed(world)
    pixel = await address(world, "/mail/open/{}.gif", "open", message.id)
    assert (await visitor.ask("HEAD", pixel)).status_code == 200
    assert (await now(world, message)).opened_at is None


async def test_forged_pixels_are_nowhere(world: World, visitor: Visitor) -> None:
    message = await mailed(world)
    for purpose, numbers in (("click", (message.id, 0)), ("open", (99,)), ("open", (message.id, 1)), ("open", (-1,))):
        assert await visitor.is_not_here(await address(world, "/mail/open/{}.gif", purpose, *numbers))
    assert await visitor.is_not_here("/mail/open/x.gif")


# -- links -------------------------------------------------------------------------------------------------------------


async def test_a_link_leads_to_where_it_was_meant_to_and_counts(world: World, visitor: Visitor) -> None:
    message = await mailed(world)
    answer = await visitor.get(await address(world, "/mail/link/{}", "click", message.id, 0))
    assert (answer.status_code, answer.headers["location"]) == (302, SHOP)
    assert (await now(world, message)).clicked_at == world.clock.now()


async def test_the_head_of_a_link_leads_there_too_and_does_not_count(world: World, visitor: Visitor) -> None:
    message = await mailed(world)
    answer = await visitor.ask("HEAD", await address(world, "/mail/link/{}", "click", message.id, 0))
    assert (answer.status_code, answer.headers["location"]) == (302, SHOP)
    assert (await now(world, message)).clicked_at is None


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_link_that_is_not_the_mails_is_nowhere(world: World, visitor: Visitor, method: str) -> None:
    message = await mailed(world)
    for purpose, numbers in (("click", (message.id, 1)), ("click", (99, 0)), ("click", (message.id,)), ("open", (1,))):
        assert await visitor.is_not_here(await address(world, "/mail/link/{}", purpose, *numbers), method)


async def test_no_address_can_make_a_link_lead_elsewhere(world: World, visitor: Visitor) -> None:
    message = await mailed(world)
    link = await address(world, "/mail/link/{}", "click", message.id, 0)
    for more in ("?url=https://evil.test", "?next=//evil.test", "#https://evil.test"):
        assert (await visitor.get(link + more)).headers["location"] == SHOP
    for more in ("/https://evil.test", "//evil.test", "@evil.test"):
        assert await visitor.is_not_here(link + more)


@process("mail.hears")
async def hears(deal: Deal) -> str:
    happened = await wait.for_event(on.link_clicked())
    return "nothing" if happened.event is None else str(happened.event.facts["link"])


async def test_a_process_hears_of_a_link_that_is_followed(world: World, visitor: Visitor) -> None:
    message = await mailed(world)
    run = await world.start(hears(await world.get(Deal, message.owner_id)))
    await visitor.get(await address(world, "/mail/link/{}", "click", message.id, 0))
    assert await run.result()


# -- reports of text messages ------------------------------------------------------------------------------------------


async def test_a_provider_reports_what_became_of_a_text_message(world: World, visitor: Visitor) -> None:
    message = await texted(world)
    page = await address(world, "/sms/status/{}", "sms", message.id)
    answer = await visitor.ask("POST", page, data={"status": "delivered"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await now(world, message)).status == "delivered"


async def test_a_report_that_says_nothing_is_taken_and_changes_nothing(world: World, visitor: Visitor) -> None:
    message = await texted(world)
    page = await address(world, "/sms/status/{}", "sms", message.id)
    for body in ({"status": "strange"}, {"x": "y"}, {}):
        assert (await visitor.ask("POST", page, data=body)).status_code == 204
    assert await now(world, message) == message


async def test_forged_reports_and_those_of_other_messages_are_nowhere(world: World, visitor: Visitor) -> None:
    message = await mailed(world)
    delivered: Any = {"status": "delivered"}
    for purpose, number in (("sms", message.id), ("sms", 99), ("open", message.id)):
        assert await visitor.is_not_here(
            await address(world, "/sms/status/{}", purpose, number), "POST", data=delivered
        )
    assert await visitor.is_not_here("/sms/status/x", "POST", data=delivered)


@pytest.mark.parametrize("body", [b"\xff\xfe", b"&".join(b"a=1" for _ in range(500))])
async def test_a_report_that_is_no_form_is_nowhere(world: World, visitor: Visitor, body: bytes) -> None:
    message = await texted(world)
    assert await visitor.is_not_here(await address(world, "/sms/status/{}", "sms", message.id), "POST", content=body)
