"""Sending a mail from a process (heading 32): what it leaves in the CRM, and each way in which it can go wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from bizproc import F, attempt, crm, on, process, wait
from bizproc.actions.messages import RecordClicked, RecordIncoming, RecordOpened
from bizproc.core.action import Target
from bizproc.errors import (
    ActionError,
    AttachmentsTooLarge,
    BadAddress,
    DeliveryUnknown,
    EmptyText,
    InstanceFailed,
    ItemNotFound,
    MessageNotFound,
    NoClientAddress,
    NoResponsible,
    NoSender,
    NotResumable,
    SendRefused,
    UnknownField,
    WrongArgument,
    WrongFieldValue,
    WrongValue,
)
from bizproc.model import Activity, Comment, Contact, Deal, HistoryEvent, ItemRef, Message, MultiField
from bizproc.settings import MailSettings, Settings
from bizproc.testing import World, crash_at_every_await

JO = MultiField("jo@client.example")


async def a_deal(world: World, *emails: MultiField, responsible: bool = True) -> Deal:
    user = await world.user(name="Ada", last_name="Byron", email="ada@firm.example")
    contact = await world.contact(emails=list(emails or (JO,)))
    return await world.deal(responsible_id=user.id if responsible else None, contact_ids=[contact.id])


async def lines(world: World, item: Any, kind: str = "error") -> list[str]:
    return [line.text for line in await world.find(HistoryEvent, of=item) if line.kind == kind]


@process("tests.mail")
async def mail(deal: Deal, *, subject: str = "Tea", text: str = "Dear [b]Jo[/b]") -> str:
    message = await crm.deal.send_email(subject, text)
    return f"{message.status} {message.message_id}"


# -- what it does ------------------------------------------------------------------------------------------------------


async def test_a_mail_goes_to_the_client_and_is_seen_beside_the_deal_and_the_contact(world: World) -> None:
    deal = await a_deal(world)
    run = await world.start(mail(deal))
    [sent] = world.mail.sent
    assert (sent.sender, sent.recipient, sent.subject) == ("Ada Byron <ada@firm.example>", "jo@client.example", "Tea")
    [message] = await world.find(Message, of=deal)
    assert await run.result() == f"sent {message.message_id}"
    assert sent.message_id == message.message_id
    assert message.text == "Dear [b]Jo[/b]"
    [activity] = await world.find(Activity, of=deal)
    assert message.activity_id == activity.id
    assert (activity.kind, activity.subject, activity.description) == ("email", "Tea", "Dear Jo")
    assert activity.completed
    assert activity.responsible_id == activity.author_id == deal.responsible_id
    assert activity.bindings == (ItemRef("deal", deal.id), ItemRef("contact", 1))
    assert await world.find(Activity, of=ItemRef("contact", 1)) == [activity]
    assert await lines(world, deal, "email_sent") == ["jo@client.example: Tea"]


async def test_the_first_address_found_counts_and_only_those_of_a_type_if_one_is_named(world: World) -> None:
    deal = await a_deal(world, MultiField("", "WORK"), MultiField("one@a.example", "HOME"), MultiField("two@a.example"))
    await world.perform(crm.deal(deal).send_email("x", "y"))
    await world.perform(crm.deal(deal).send_email("x", "y", address_type="WORK"))
    assert [sent.recipient for sent in world.mail.sent] == ["one@a.example", "two@a.example"]


async def test_the_sender_is_the_first_mailbox_of_the_person_in_charge(world: World) -> None:
    deal = await a_deal(world)
    other = await world.user()
    await world.perform(crm.mailbox.create(email="eve@firm.example", user_ids=[other.id], sort=1))
    await world.perform(crm.mailbox.create(email="sales@firm.example", name="Sales", sort=20))
    await world.perform(crm.mailbox.create(email="ada.box@firm.example", user_ids=[deal.responsible_id or 0], sort=10))
    await world.perform(crm.deal(deal).send_email("x", "y"))
    [sent] = world.mail.sent
    assert (sent.sender, sent.reply_to) == ("ada.box@firm.example", ())


async def test_answers_to_a_sender_that_is_not_connected_also_come_to_a_mailbox_that_is(world: World) -> None:
    deal = await a_deal(world)
    await world.perform(crm.mailbox.create(email="off@firm.example", connected=False, sort=1))
    await world.perform(crm.mailbox.create(email="sales@firm.example", sort=20))
    await world.perform(crm.deal(deal).send_email("x", "y"))
    await world.perform(crm.deal(deal).send_email("x", "y", sender="Ada <ada@home.example>"))
    await world.perform(crm.deal(deal).send_email("x", "y", sender="Sales@firm.example"))
    box = await world.perform(crm.mailbox.create(email="box@firm.example", name='B"o\nx'))
    await world.perform(crm.deal(deal).send_email("x", "y", sender=box))
    assert [(sent.sender, sent.reply_to) for sent in world.mail.sent] == [
        ("off@firm.example", ("off@firm.example", "sales@firm.example")),
        ("Ada <ada@home.example>", ("ada@home.example", "sales@firm.example")),
        ("Sales@firm.example", ()),
        ("Box <box@firm.example>", ()),
    ]


async def test_without_a_subject_it_is_called_by_the_day(world: World) -> None:
    deal = await a_deal(world)
    await world.perform(crm.deal(deal).send_email(" \n", "y"))
    assert world.mail.sent[0].subject == "Message 1/7/2030"


async def test_a_subject_stays_in_its_line(world: World) -> None:
    deal = await a_deal(world)
    await world.perform(crm.deal(deal).send_email("Tea\r\nBcc: eve@evil.example\x00\u2028 🍵", "y"))
    assert world.mail.sent[0].subject == "Tea Bcc: eve@evil.example 🍵"


async def test_links_are_counted_unless_nobody_wants_to_know(world: World) -> None:
    deal = await a_deal(world)
    text = "[url=https://a.example/?x=1]one[/url] [url]https://b.example[/url] [url=mailto:x@y.example]m[/url]"
    html = '<a href="https://c.example">three</a>'
    await world.perform(crm.deal(deal).send_email("x", text))
    await world.perform(crm.deal(deal).send_email("x", html, text_type="html"))
    await world.perform(crm.deal(deal).send_email("x", html, text_type="html", track_clicks=False))
    links = [("https://a.example/?x=1", "https://b.example"), ("https://c.example",), ()]
    assert [sent.links for sent in world.mail.sent] == links
    assert [message.links for message in await world.find(Message, of=deal)] == links


async def test_files_go_along(world: World) -> None:
    deal = await a_deal(world)
    file = await world.perform(crm.drive.add("Offers/Thé.pdf", b"tea"))
    await world.perform(crm.deal(deal).send_email("x", "y", attachments=[file]))
    [[attached]] = [sent.attachments for sent in world.mail.sent]
    assert (attached.name, attached.media_type, attached.size) == ("Thé.pdf", "application/pdf", 3)
    assert attached.sha256 == file.sha256


async def test_without_waiting_the_message_is_queued_and_its_fate_is_written_later(world: World) -> None:
    deal = await a_deal(world)

    @process("tests.mail_and_go")
    async def mail_and_go(deal: Deal) -> str:
        return (await crm.deal.send_email("Tea", "y", wait_for_delivery=False)).status

    assert await (await world.start(mail_and_go(deal))).result() == "queued"
    assert [message.status for message in await world.find(Message, of=deal)] == ["sent"]
    world.mail.refuse("no such box")
    assert await (await world.start(mail_and_go(deal))).result() == "queued"
    assert [message.status for message in await world.find(Message, of=deal)] == ["sent", "refused"]
    assert await lines(world, deal) == ["E-mail to jo@client.example was not sent: no such box"]


async def test_leads_contacts_and_companies_have_addresses_of_their_own(world: World) -> None:
    user = await world.user(email="ada@firm.example")
    lead = await world.perform(crm.lead.create(title="x", emails=[MultiField("l@a.example")], responsible_id=user.id))
    contact = await world.contact(emails=[MultiField("c@a.example")], responsible_id=user.id)
    company = await world.company(emails=[MultiField("o@a.example")], responsible_id=user.id)
    quote = await world.perform(crm.quote.create(title="x", company_id=company.id, responsible_id=user.id))
    for item in (crm.lead(lead), crm.contact(contact), crm.company(company), crm.quote(quote)):
        await world.perform(item.send_email("x", "y"))
    assert [sent.recipient for sent in world.mail.sent] == ["l@a.example", "c@a.example", "o@a.example", "o@a.example"]
    assert [a.bindings for a in await world.find(Activity, of=contact)] == [(ItemRef("contact", contact.id),)]


async def test_the_first_of_those_of_a_deal_that_has_an_address_gets_the_mail(world: World) -> None:
    user = await world.user(email="ada@firm.example")
    silent = await world.contact(emails=[MultiField(" "), MultiField("home@a.example", "HOME")])
    second = await world.contact(emails=[MultiField("work@b.example", "WORK")])
    company = await world.company(emails=[MultiField("post@c.example", "MAILING")])
    deal = await world.deal(responsible_id=user.id, contact_ids=[silent.id, second.id], company_id=company.id)
    for address_type in ("WORK", "MAILING", None):
        await world.perform(crm.deal(deal).send_email("x", "y", address_type=address_type))
    assert [sent.recipient for sent in world.mail.sent] == ["work@b.example", "post@c.example", "home@a.example"]


# -- what goes wrong ---------------------------------------------------------------------------------------------------


async def nobody_in_charge(world: World) -> Deal:
    return await a_deal(world, responsible=False)


async def nothing_to_send_from(world: World) -> Deal:
    deal = await a_deal(world)
    await world.perform(crm.user(deal.responsible_id or 0).update({"email": " "}))
    return deal


async def a_broken_mailbox(world: World) -> Deal:
    await world.perform(crm.mailbox.create(email="no address"))
    return await a_deal(world)


async def nowhere_to_send_to(world: World) -> Deal:
    return await a_deal(world, MultiField(" "))


async def a_bad_address(world: World) -> Deal:
    return await a_deal(world, MultiField("jo@client.example\nBcc: eve@evil.example"))


async def a_large_file(world: World) -> Deal:
    deal = await a_deal(world)
    await world.perform(crm.drive.add("large", bytes(751)))
    return deal


EDGES: dict[str, tuple[Callable[[World], Awaitable[Deal]], dict[str, Any], type[ActionError]]] = {
    "nothing but blanks": (a_deal, {"text": " \n"}, EmptyText),
    "nobody in charge": (nobody_in_charge, {}, NoResponsible),
    "nothing to send from": (nothing_to_send_from, {}, NoSender),
    "a mailbox whose address is none": (a_broken_mailbox, {}, BadAddress),
    "no address of the client": (nowhere_to_send_to, {}, NoClientAddress),
    "none of the type": (a_deal, {"address_type": "MAILING"}, NoClientAddress),
    "an address that is none": (a_bad_address, {}, BadAddress),
    "a sender that is none": (a_deal, {"sender": "Ada"}, BadAddress),
    "a sender with a header": (a_deal, {"sender": "Ada <a@b.example>\r\nBcc: c@d.example"}, BadAddress),
    "attachments that are too large": (a_large_file, {"attached": True}, AttachmentsTooLarge),
    "a text that is too long": (a_deal, {"text": "x" * 1_000_001}, WrongValue),
    "tags ten thousand deep": (a_deal, {"text": "<div>" * 10_000, "text_type": "html"}, WrongValue),
    "a text that cannot be stored": (a_deal, {"text": "a\0b"}, WrongFieldValue),
}


@process("tests.edge")
async def edge(deal: Deal, *, arguments: dict[str, Any]) -> str:
    given = dict(arguments)
    subject, text = given.pop("subject", "Tea"), given.pop("text", "y")
    if given.pop("attached", False):
        file = await crm.drive.find("large")
        given["attachments"] = () if file is None else (file,)
    outcome = await attempt(crm.deal.send_email(subject, text, **given))
    return type(outcome.error).__name__


@pytest.mark.parametrize("name", EDGES)
async def test_each_way_to_fail_is_raised_and_told_in_the_history_once_wherever_the_program_dies(name: str) -> None:
    prepare, arguments, error = EDGES[name]

    async def story(world: World) -> object:
        deal = await prepare(world)
        run = await world.start(edge(deal, arguments=arguments))
        assert world.mail.sent == []
        assert await world.find(Message, of=deal) == []
        assert await world.find(Activity, of=deal) == []
        [line] = await lines(world, deal)
        assert line.startswith("E-mail was not sent: ")
        return await run.result()

    async with World.open(settings=SMALL) as world:
        assert await story(world) == error.__name__
    assert await crash_at_every_await(story, settings=SMALL) > 4


SMALL = Settings(mail=MailSettings(largest=0))


@pytest.mark.parametrize("name", EDGES)
async def test_what_is_raised_outside_a_process_is_told_too(name: str) -> None:
    prepare, given, error = EDGES[name]
    arguments: dict[str, Any] = {"subject": "Tea", "text": "y", **given}
    async with World.open(settings=SMALL) as world:
        deal = await prepare(world)
        if arguments.pop("attached", False):
            arguments["attachments"] = [await world.perform(crm.drive.find("large"))]
        with pytest.raises(error):
            await world.perform(crm.deal(deal).send_email(**arguments))
        assert len(await lines(world, deal)) == 1


async def test_the_limit_counts_what_travels(world: World) -> None:
    deal = await a_deal(world)
    most = Settings().mail.largest * 1_000_000
    fits = await world.perform(crm.drive.add("fits", bytes(most // 4 * 3)))
    over = await world.perform(crm.drive.add("over", bytes(1)))
    await world.perform(crm.deal(deal).send_email("x", "y", attachments=[fits]))
    with pytest.raises(AttachmentsTooLarge) as raised:
        await world.perform(crm.deal(deal).send_email("x", "y", attachments=[fits, over]))
    assert (raised.value.size, raised.value.most) == (most + 4, most)


async def test_an_attachment_that_was_deleted_is_not_found(world: World) -> None:
    deal = await a_deal(world)
    file = await world.perform(crm.drive.add("gone", b"x"))
    await world.perform(crm.drive.delete(file))
    with pytest.raises(ItemNotFound):
        await world.perform(crm.deal(deal).send_email("x", "y", attachments=[file]))


async def test_an_item_that_is_not_there_has_no_history_to_tell_it_in(world: World) -> None:
    with pytest.raises(ItemNotFound):
        await world.perform(crm.deal(99).send_email("x", "y"))
    assert await world.find(HistoryEvent) == []


async def test_a_refused_mail_loses_its_activity_and_says_why(world: World) -> None:
    deal = await a_deal(world)
    world.mail.refuse("no such box")
    run = await world.start(mail(deal))
    with pytest.raises(InstanceFailed) as failed:
        await run.result()
    assert isinstance(failed.value.error, SendRefused)
    assert await world.find(Activity, of=deal) == []
    [message] = await world.find(Message, of=deal)
    assert (message.status, message.reason, message.activity_id) == ("refused", "no such box", None)
    assert await lines(world, deal) == ["E-mail to jo@client.example was not sent: no such box"]


async def test_a_refused_mail_that_is_retried_is_the_same_message(world: World) -> None:
    deal = await a_deal(world)
    world.mail.refuse("no such box")
    run = await world.start(mail(deal))
    [before] = await world.find(Message, of=deal)
    await world.perform(crm.contact(1).update({"emails": [MultiField("new@client.example")]}))
    await run.retry()
    [message] = await world.find(Message, of=deal)
    assert (message.id, message.message_id) == (before.id, before.message_id)
    assert (message.status, message.recipient, message.reason) == ("sent", "new@client.example", "")
    assert [activity.id for activity in await world.find(Activity, of=deal)] == [message.activity_id]


async def test_a_mail_whose_deal_is_deleted_on_the_way_still_has_its_answer(world: World) -> None:
    deal, other = await a_deal(world), await world.deal()

    @process("tests.mail_another")
    async def mail_another(deal: Deal, *, other: int) -> str:
        return (await crm.deal(other).send_email("Tea", "y")).status

    world.mail.delay()
    run = await world.start(mail_another(other, other=deal.id))
    await world.perform(crm.deal(deal).delete())
    await world.advance(minutes=1)
    assert await run.result() == "sent"


async def test_mails_are_sent_once_wherever_the_program_dies() -> None:
    async def story(world: World) -> object:
        deal = await a_deal(world)
        run = await world.start(mail(deal))
        second = await world.start(mail(deal, subject="Cake"))
        return await run.result(), await second.result(), len(world.mail.sent)

    assert await crash_at_every_await(story) > 10


# -- nobody knows whether it was sent ----------------------------------------------------------------------------------


async def unknown(world: World, *, after: bool) -> tuple[Deal, Any]:
    world.mail.deduplicates = False
    deal = await a_deal(world)
    world.mail.break_off(after=after)
    run = await world.start(mail(deal))
    status = await run.status()
    assert (status.state, status.error and status.error.class_name) == ("failed", "DeliveryUnknown")
    [message] = await world.find(Message, of=deal)
    assert message.status == "unknown"
    assert len(await lines(world, deal)) == 1
    return deal, run


async def test_a_mail_of_which_nobody_knows_is_settled_as_sent(world: World) -> None:
    deal, run = await unknown(world, after=True)
    await run.settle("0", sent=True)
    [message] = await world.find(Message, of=deal)
    assert await run.result() == f"sent {message.message_id}"
    assert message.status == "sent"
    assert len(world.mail.attempts) == 1
    assert await lines(world, deal, "email_sent") == ["jo@client.example: Tea"]


async def test_a_mail_of_which_nobody_knows_is_sent_again_under_the_same_name(world: World) -> None:
    deal, run = await unknown(world, after=False)
    await run.settle("0", sent=False)
    [message] = await world.find(Message, of=deal)
    assert await run.result() == f"sent {message.message_id}"
    assert len(world.mail.attempts) == 2
    assert len(set(world.mail.attempts)) == 1
    assert [activity.id for activity in await world.find(Activity, of=deal)] == [message.activity_id]


async def test_what_was_sent_after_all_is_not_looked_at_anew(world: World) -> None:
    """By the time somebody says so the client may have no address any more."""
    deal, run = await unknown(world, after=True)
    await world.perform(crm.contact(1).update({"emails": []}))
    await run.settle("0", sent=True)
    assert (await run.result()).startswith("sent ")
    assert [message.recipient for message in await world.find(Message, of=deal)] == ["jo@client.example"]


async def test_a_retry_does_not_send_blindly_again(world: World) -> None:
    _, run = await unknown(world, after=True)
    with pytest.raises(NotResumable, match="settle"):
        await run.retry()
    assert len(world.mail.attempts) == 1


async def test_only_the_step_at_which_it_failed_is_settled(world: World) -> None:
    deal, run = await unknown(world, after=True)
    with pytest.raises(NotResumable, match="step 1 was sent is not unknown"):
        await run.settle("1", sent=True)
    await run.settle("0", sent=True)
    with pytest.raises(NotResumable):
        await run.settle("0", sent=True)
    other = await world.start(mail(deal))
    with pytest.raises(NotResumable):
        await other.settle("0", sent=False)


async def test_a_process_may_go_on_by_itself_where_nobody_knows(world: World) -> None:
    @process("tests.careful")
    async def careful(deal: Deal) -> str:
        try:
            await crm.deal.send_email("Tea", "y")
        except DeliveryUnknown as error:
            return f"unknown {error.step}"
        return "sent"

    world.mail.deduplicates = False
    world.mail.break_off(after=True)
    run = await world.start(careful(await a_deal(world)))
    assert await run.result() == "unknown 0"


@process("tests.mail_and_go")
async def mail_and_go(deal: Deal) -> str:
    message = await crm.deal.send_email("Tea", "y", wait_for_delivery=False)
    await wait.sleep(timedelta(days=1))
    return str(message.status)


@process("tests.mail_and_go_on")
async def mail_and_go_on(deal: Deal) -> str:
    outcome = await attempt(crm.deal.send_email("Tea", "y"))
    await wait.sleep(timedelta(days=1))
    return type(outcome.error).__name__


@pytest.mark.parametrize("later", [0, 2])
@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize(("process_", "result"), [(mail_and_go, "queued"), (mail_and_go_on, "DeliveryUnknown")])
async def test_what_nobody_waits_for_is_settled_and_the_instance_stays_as_it_is(
    world: World, process_: Any, result: str, sent: bool, later: int
) -> None:
    """While the instance waits, and when it has ended."""
    deal = await a_deal(world)
    world.mail.deduplicates = False
    world.mail.break_off(after=sent)
    run = await world.start(process_(deal))
    await world.advance(days=later)
    before = await run.status()
    [told] = await run.sent()
    assert (told.step, told.channel, told.state) == ("0", "mail", "unknown")
    assert told.reason
    await run.settle("0", sent=sent)
    assert await run.status() == before
    assert [message.status for message in await world.find(Message, of=deal)] == ["sent"]
    assert len(await lines(world, deal, "email_sent")) == 1
    assert [each.state for each in await run.sent()] == ["accepted"]
    assert len(world.mail.attempts) == (1 if sent else 2)
    assert len(set(world.mail.attempts)) == 1
    await world.advance(days=2)
    assert await run.result() == result
    with pytest.raises(NotResumable, match="not unknown"):
        await run.settle("0", sent=sent)


async def die_at_every_commit(story: Callable[[tuple[int, bool] | None], Awaitable[int]]) -> int:
    """Live it smoothly, then with a crash just before and just behind each of its commits. How many it has."""
    commits = await story(None)
    for commit in range(1, commits + 1):
        for behind in (False, True):
            await story((commit, behind))
    return commits


@pytest.mark.parametrize("sent", [True, False])
async def test_settling_what_nobody_waits_for_survives_a_crash_at_any_commit(sent: bool) -> None:
    assert await die_at_every_commit(partial(settled_alone_with_a_crash, sent)) > 0


async def settled_alone_with_a_crash(sent: bool, crash: tuple[int, bool] | None) -> int:
    """How many commits it took."""
    async with World.open() as world:
        deal = await a_deal(world)
        world.mail.deduplicates = False
        world.mail.break_off(after=sent)
        run = await world.start(mail_and_go(deal))
        world.mail.deduplicates = True  # else a crash while it is sent again is another thing that nobody knows
        first = world.commits.count
        if crash is not None:
            world.commits.crash_at = (first + crash[0], crash[1])
        try:
            await run.settle("0", sent=sent)
        except NotResumable:
            assert crash is not None  # the answer was lost: asked again, there is nothing left to settle
        await world.run_until_idle()
        assert len(world.mail.sent) == 1
        assert len(await lines(world, deal, "email_sent")) == 1
        assert [message.status for message in await world.find(Message, of=deal)] == ["sent"]
        commits = world.commits.count - first
        await world.advance(days=1)
        assert await run.result() == "queued"
        return commits


async def test_what_was_sent_again_alone_answers_a_step_that_is_retried(world: World) -> None:
    """The process kept the error and fails with it only later: by then it is known."""

    @process("tests.fails_later")
    async def fails_later(deal: Deal) -> str:
        outcome = await attempt(crm.deal.send_email("Tea", "y"))
        await wait.sleep(timedelta(days=1))
        if outcome.error is not None:
            raise outcome.error
        return "sent"

    world.mail.deduplicates = False
    world.mail.break_off(after=False)
    run = await world.start(fails_later(await a_deal(world)))
    world.mail.delay()
    await run.settle("0", sent=False)  # it is to be tried again, and nobody waits for it
    await world.advance(seconds=1)
    assert (await run.status()).state == "waiting"
    world.mail.delay(again_after=3 * 86_400)
    await world.advance(days=1)
    assert (await run.status()).state == "failed"
    await run.retry()
    await world.advance(days=9)
    assert await run.result() == "sent"
    assert len(world.mail.sent) == 1


@pytest.mark.parametrize("sent", [True, False])
async def test_settling_survives_a_crash_at_any_commit(sent: bool) -> None:
    assert await die_at_every_commit(partial(settled_with_a_crash, sent)) > 2


async def settled_with_a_crash(sent: bool, crash: tuple[int, bool] | None) -> int:
    """How many commits it took."""
    async with World.open() as world:
        deal, run = await unknown(world, after=sent)
        world.mail.deduplicates = True  # else a crash while it is sent again is another thing that nobody knows
        first = world.commits.count
        if crash is not None:
            world.commits.crash_at = (first + crash[0], crash[1])
        try:
            await run.settle("0", sent=sent)
        except NotResumable:
            assert crash is not None  # the answer was lost: asked again, there is nothing left to settle
        assert (await run.result()).startswith("sent ")
        assert len(world.mail.sent) == 1
        assert len(await lines(world, deal, "email_sent")) == 1
        assert [message.status for message in await world.find(Message, of=deal)] == ["sent"]
        return world.commits.count - first


# -- what comes back ---------------------------------------------------------------------------------------------------


@process("tests.listen")
async def listen(deal: Deal) -> list[str]:
    message = await crm.deal.send_email("Tea", "[url=https://a.example]a[/url] [url=https://b.example]b[/url]")
    opened = await wait.for_event(on.email_opened(), timeout=timedelta(days=7))
    clicked = await wait.for_event(on.link_clicked(), timeout=timedelta(days=7))
    said = [f"{message.status}"]
    for happened in (opened, clicked):
        assert happened.event is not None
        said.append(f"{happened.event.name} {happened.event.subject} {happened.event.facts.get('link', '')}".strip())
    return said


async def test_opening_and_following_a_link_wake_those_who_wait() -> None:
    async def story(world: World) -> tuple[list[str], str, Any, Any]:
        deal = await a_deal(world)
        run = await world.start(listen(deal))
        [message] = await world.find(Message, of=deal)
        await world.advance(hours=1)
        await world.perform(RecordOpened(message.id))
        await world.advance(hours=1)
        await world.perform(RecordOpened(message.id))
        target = await world.perform(RecordClicked(message.id, 1))
        [message] = await world.find(Message, of=deal)
        return await run.result(), target, message.opened_at, message.clicked_at

    async with World.open() as world:
        said, target, opened_at, clicked_at = await story(world)
        assert said == ["sent", "message.opened deal:1", "message.link_clicked deal:1 https://b.example"]
        assert target == "https://b.example"
        assert clicked_at - opened_at == timedelta(hours=1)
    assert await crash_at_every_await(story) > 10


async def test_whoever_follows_a_link_has_opened_the_mail(world: World) -> None:
    deal = await a_deal(world)
    await world.perform(crm.deal(deal).send_email("x", "[url]https://a.example[/url]"))
    assert await world.perform(RecordClicked(1, 0)) == "https://a.example"
    [message] = await world.find(Message, of=deal)
    assert message.opened_at == message.clicked_at == world.clock.now()


@pytest.mark.parametrize("action", [RecordOpened(7), RecordClicked(7, 0), RecordClicked(1, 1), RecordClicked(1, -1)])
async def test_a_message_or_a_link_that_is_not_there_leads_nowhere(world: World, action: Any) -> None:
    deal = await a_deal(world)
    await world.perform(crm.deal(deal).send_email("x", "[url]https://a.example[/url]"))
    with pytest.raises(MessageNotFound):
        await world.perform(action)


async def test_a_link_that_is_not_counted_leads_nowhere_and_starts_nothing(world: World) -> None:
    world.use(thanks)
    deal = await a_deal(world)
    await world.perform(crm.deal(deal).send_email("x", "[url]https://a.example[/url]", track_clicks=False))
    with pytest.raises(MessageNotFound):
        await world.perform(RecordClicked(1, 0))
    assert await world.instances() == []
    await world.perform(RecordOpened(1))
    assert len(await world.instances()) == 1


async def test_what_comes_in_is_an_open_activity_and_wakes_those_who_wait(world: World) -> None:
    @process("tests.answered")
    async def answered(deal: Deal) -> str:
        happened = await wait.for_event(on.incoming("email"))
        assert happened.event is not None
        return str(happened.event.facts["kind"])

    deal = await a_deal(world)
    run = await world.start(answered(deal))
    await world.perform(RecordIncoming(Target("deal", deal.id), "sms", "hello", address="+33 1"))
    assert (await run.status()).state == "waiting"
    made = await world.perform(RecordIncoming(Target("deal", deal.id), "email", "yes", address="jo@client.example"))
    assert await run.result() == "email"
    assert made is not None
    assert (made.kind, made.completed) == ("email", False)


async def test_from_an_excluded_address_nothing_comes_in(world: World) -> None:
    deal = await a_deal(world)
    await world.perform(crm.exclusion.create(type="EMAIL", value="jo@client.example"))
    await world.perform(crm.exclusion.create(type="PHONE", value="+33 1 23"))
    for channel, address in (("email", "Jo@client.example "), ("sms", "+33123")):
        assert await world.perform(RecordIncoming(Target("deal", deal.id), channel, "x", address=address)) is None
    assert await world.find(Activity, of=deal) == []
    with pytest.raises(WrongValue):
        await world.perform(RecordIncoming(Target("deal", deal.id), "e mail"))


async def test_what_went_out_ends_no_wait_and_what_comes_in_does(world: World) -> None:
    @process("tests.patient")
    async def patient(deal: Deal) -> str:
        return (await wait.days(3)).reason

    deal = await a_deal(world)
    run = await world.start(patient(deal))
    await world.perform(crm.deal(deal).send_email("x", "y"))
    assert (await run.status()).state == "waiting"
    await world.perform(RecordIncoming(Target("deal", deal.id), "email", "yes"))
    assert await run.result() == "client_activity"


@process("tests.thanks", starts=on.email_opened() | on.link_clicked() | on.incoming("email"))
async def thanks(deal: Deal) -> int:
    await crm.deal.add_comment("thanks")
    return deal.id


@pytest.mark.processes.with_args(thanks)
async def test_what_comes_back_starts_processes_on_the_item(world: World) -> None:
    deal = await a_deal(world)
    await world.perform(crm.deal(deal).send_email("x", "[url]https://a.example[/url]"))
    assert await world.instances() == []
    await world.perform(RecordOpened(1))
    await world.perform(RecordOpened(1))
    assert [each.document for each in await world.instances()] == [ItemRef("deal", deal.id)]
    await world.perform(RecordClicked(1, 0))
    await world.perform(RecordClicked(1, 0))
    await world.perform(RecordIncoming(Target("deal", deal.id), "sms", "yes"))
    assert len(await world.instances()) == 3
    await world.perform(RecordIncoming(Target("deal", deal.id), "email", "yes"))
    assert len(await world.find(Comment, of=deal)) == 4


@pytest.mark.processes.with_args(thanks)
async def test_a_process_on_deals_is_not_started_on_a_contact(world: World) -> None:
    user = await world.user(email="ada@firm.example")
    contact = await world.contact(emails=[JO], responsible_id=user.id)
    await world.perform(crm.contact(contact).send_email("x", "y"))
    await world.perform(RecordOpened(1))
    assert await world.instances() == []
    assert await world.refusals() == []


@process("tests.large", starts=on.email_opened(where=F.amount >= 100))
async def large(deal: Deal) -> int:
    return deal.id


@pytest.mark.processes.with_args(large)
async def test_what_comes_back_is_narrowed_by_a_filter_on_the_item(world: World) -> None:
    small, big = await a_deal(world), await a_deal(world)
    await world.perform(crm.deal(big).update({"amount": 100}))
    for deal in (small, big):
        await world.perform(crm.deal(deal).send_email("x", "y"))
    for message in (1, 2):
        await world.perform(RecordOpened(message))
    assert [each.document for each in await world.instances()] == [ItemRef("deal", big.id)]
    assert await world.refusals() == []
    with pytest.raises(UnknownField, match="birth_date"):
        on.email_opened(big, where=F.birth_date.is_empty())


async def test_a_wait_can_listen_to_one_item_alone(world: World) -> None:
    @process("tests.own")
    async def own(deal: Deal) -> str:
        happened = await wait.for_event(on.email_opened(deal) | on.incoming(item=deal))
        return str(happened.event and happened.event.name)

    deal, other = await a_deal(world), await a_deal(world)
    await world.perform(crm.deal(other).send_email("x", "y"))
    await world.perform(crm.deal(deal).send_email("x", "y"))
    run = await world.start(own(deal))
    await world.perform(RecordOpened(1))
    await world.perform(RecordIncoming(Target("deal", other.id), "email", "yes"))
    assert (await run.status()).state == "waiting"
    await world.perform(RecordOpened(2))
    assert await run.result() == "message.opened"


def test_a_trigger_is_told_what_is_no_item() -> None:
    for make in (on.email_opened, on.link_clicked):
        with pytest.raises(WrongArgument, match="an item"):
            make("deal")
    with pytest.raises(WrongArgument, match="kind"):
        on.incoming(7)  # type: ignore[arg-type]


async def test_a_deleted_contact_takes_nothing_of_the_deal_s_mail_away(world: World) -> None:
    deal = await a_deal(world)
    await world.perform(crm.deal(deal).send_email("x", "y"))
    [contact] = await world.find(Contact)
    await world.perform(crm.contact(contact).delete())
    assert len(await world.find(Message, of=deal)) == 1
    assert [activity.bindings for activity in await world.find(Activity, of=deal)] == [(ItemRef("deal", deal.id),)]


# -- how it fares ------------------------------------------------------------------------------------------------------


@process("tests.has_it_been_read")
async def has_it_been_read(deal: Deal) -> list[bool]:
    sent = await crm.deal.send_email("Tea", "[url]https://tea.example[/url]")
    before = await crm.message(sent).read()
    await wait.sleep(timedelta(days=1))
    after = await crm.message(sent.id).read()
    return [before.opened_at is not None, after.opened_at is not None, after.clicked_at is not None]


@pytest.mark.parametrize(("does", "expected"), [
    ("nothing", [False, False, False]),
    ("opens", [False, True, False]),
    ("follows", [False, True, True]),
])  # fmt: skip
async def test_a_process_can_look_whether_its_mail_was_read(world: World, does: str, expected: list[bool]) -> None:
    ann = await world.user(email="ann@tea.example")
    contact = await world.contact(emails=[MultiField("jo@harbour.example")])
    run = await world.start(
        has_it_been_read(await world.deal(title="Tea", responsible_id=ann.id, contact_ids=[contact.id]))
    )
    if does != "nothing":
        await getattr(world, does)(world.mail.sent[0])
    await world.advance(days=1)
    assert await run.result() == expected


async def test_a_message_that_is_not_there_cannot_be_read(world: World) -> None:
    with pytest.raises(MessageNotFound):
        await world.perform(crm.message(99).read())
