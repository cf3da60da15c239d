"""Actions that send a message to a client, and those by which the outside tells what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY
from typing import Any, Final, Literal

from attrs import frozen

from bizproc.core.action import ItemAction, Target, action_type, given, one_of, option
from bizproc.core.commands import Action, Delivered, Outgoing, Settling, Verdict
from bizproc.core.errors import (
    AttachmentsTooLarge,
    BadAddress,
    EmptyText,
    NoClientAddress,
    NoResponsible,
    NoSender,
    WrongValue,
)
from bizproc.model.addresses import ClientAddress
from bizproc.model.days import day_of
from bizproc.model.files import File
from bizproc.model.mail_addresses import NamedAddress, is_address, named_address
from bizproc.model.mailboxes import Mailbox
from bizproc.model.markup import depth_of_html, html_of_bbcode, plain_of_bbcode, plain_of_html, web_links
from bizproc.model.messages import Draft, Message
from bizproc.model.multi_fields import MULTI_FIELD_TYPES
from bizproc.model.printing import Printer, nobody_asked
from bizproc.model.references import ItemRef
from bizproc.model.timeline import Activity
from bizproc.ports.crm import Crm
from bizproc.ports.mail import MAIL, Attachment, Mail, TextType
from bizproc.ports.performing import Trace
from bizproc.ports.sms import Sms, channel_of

LONGEST_TEXT: Final = 1_000_000
"""Characters of a mail's text: what is longer belongs into an attachment."""

DEEPEST_HTML: Final = 200
"""What is nested deeper was not written by anybody, and cleaning it takes ever longer."""

LONGEST_SUBJECT: Final = 500


@frozen
class Sending(Settling):
    """What is done when the fate of a message is known."""

    message: int

    async def settle(self, port: Crm, verdict: Verdict) -> Message:
        status: Any = "sent" if verdict.fate == "accepted" else verdict.fate
        settled = await port.settle_message(self.message, status, verdict.reason)
        return Message(id=self.message, status=status, reason=verdict.reason) if settled is None else settled


class _Sent(ItemAction[Message], Delivered[Message]):
    """An action that sends a message to the client of an item."""

    wait_for_delivery: bool

    __slots__ = ()

    @property
    def waits(self) -> bool:
        return self.wait_for_delivery

    @property
    def result_type(self) -> Any:
        return Message


async def _client(port: Crm, ref: ItemRef, wanted: str, type_: str | None) -> ClientAddress:
    """Where the client is reached (0.10). Raises NoClientAddress."""
    found = await port.client_address(ref, wanted, type_)
    if found is None:
        raise NoClientAddress(kind=ref.kind, id=ref.id, wanted=wanted, type=type_ or "any")
    return found


def _saying(ref: ItemRef, what: str) -> Trace:
    """Should the action fail, a line in the history of its item says why."""

    async def say(port: Crm, error: Exception) -> None:
        await port.tell_error(ref, f"{what}: {error}")

    return say


# -- mail --------------------------------------------------------------------------------------------------------------


@action_type("crm.send_email")
class SendEmail(_Sent):
    """
    Send a mail to the client of the item: to the first address of the item itself, its contacts or its company.

    A completed activity stands beside the item and beside whose address it is; it goes away if the mail is refused.
    What went wrong is also a line in the item's history. Heading 32; D18.

    Args:
        subject: In one line: what would break it becomes a blank. Nothing is "Message" and the day.
        text: The mail.
        text_type: `bbcode`, with [b] [i] [u] [s] [url] [img] [color] [list] [quote] [code]; or `html`, which is
            cleaned.
        sender: A mailbox, or an address like `Ada <ada@example.com>`. The first mailbox of the person in charge if left
            out, or else their own address.
        address_type: Of the client's addresses only those of this type: WORK, HOME, MAILING, OTHER.
        attachments: Files of the drive or of the item.
        track_clicks: Links lead over a page of ours, which counts and passes on.
        wait_for_delivery: Go on once the mail server has taken it, or else at once.

    Raises:
        EmptyText: nothing but blanks.
        NoResponsible: nobody is in charge of the item.
        NoSender: they have no mailbox and no address.
        NoClientAddress: the client has no e-mail address, or none of this type.
        BadAddress: the sender or the client's address is none.
        AttachmentsTooLarge: they come to more than the portal allows.
        ItemNotFound: no such item, or an attachment that is there no more.
        WrongValue: a text that is too long or nested too deep, a type that is none.
        WrongFieldValue: a text that cannot be stored (NUL, lone surrogates).
        ChannelMissing: no mail server is set up.
        SendRefused: the server will not take it.
    """

    target: Target
    subject: str
    text: str
    _: KW_ONLY
    text_type: TextType = option(default="bbcode")
    sender: str | Mailbox | None = option(default=None)
    address_type: str | None = option(default=None, validator=one_of(*MULTI_FIELD_TYPES["emails"]))
    attachments: Sequence[File] = option(default=())
    track_clicks: bool = option(default=True)
    wait_for_delivery: bool = option(default=True)

    async def perform(self, port: Crm) -> Any:
        ref = await port.resolve(self.target.kind, self.target.id)
        port.performing.leave_behind(_saying(ref, "E-mail was not sent"))
        if not self.text.strip():
            raise EmptyText(action=self.name, parameter="text")
        if len(self.text) > LONGEST_TEXT:
            got = f"{len(self.text)} characters"
            raise WrongValue(action=self.name, parameter="text", expected=f"at most {LONGEST_TEXT} of them", got=got)
        if self.text_type == "html" and depth_of_html(self.text) > DEEPEST_HTML:
            expected = f"HTML whose tags are nested at most {DEEPEST_HTML} deep"
            raise WrongValue(action=self.name, parameter="text", expected=expected, got="more")
        responsible = await _responsible(port, ref)
        mailboxes = await port.mailboxes(responsible)
        sender = await self._sender(port, responsible, mailboxes)
        client = await self._recipient(port, ref)
        attached = await self._attached(port)
        html = html_of_bbcode(self.text) if self.text_type == "bbcode" else self.text
        draft = Draft(
            channel="email",
            sender=str(sender),
            recipient=client.value.strip(),
            holder=client.holder,
            subject=self._subject(port),
            text=self.text,
            shown=plain_of_bbcode(self.text) if self.text_type == "bbcode" else plain_of_html(html),
            links=web_links(html) if self.track_clicks else (),
            responsible=responsible,
        )
        message = await port.post_message(ref, draft)
        mail = Mail(
            message=message.id,
            message_id=message.message_id or "",
            sender=draft.sender,
            recipient=draft.recipient,
            subject=draft.subject,
            text=self.text,
            text_type=self.text_type,
            reply_to=_answers_to(sender, mailboxes),
            attachments=attached,
            links=draft.links,
        )
        return Outgoing(MAIL, mail, Sending(message.id), posted=message)

    def _subject(self, port: Crm) -> str:
        line = " ".join("".join(each if each.isprintable() else " " for each in self.subject).split())
        if not line:
            today = day_of(port.performing.now, port.portal.zone)
            line = f"Message {Printer(portal=port.portal, look=nobody_asked).value(today)}"
        return line[:LONGEST_SUBJECT]

    async def _sender(self, port: Crm, responsible: int, mailboxes: Sequence[Mailbox]) -> NamedAddress:
        given_ = self.sender
        if isinstance(given_, str):
            found = named_address(given_)
            if found is None:
                raise BadAddress(what="the sender", address=repr(given_[:200]))
            return found
        box = given_ or next(iter(mailboxes), None)
        if box is not None:
            name, address = box.name, box.email
        else:
            user = await port.read(ItemRef("user", responsible))
            name, address = user.title, user.email.strip()
            if not address:
                raise NoSender(user=responsible)
        return _named(name, address)

    async def _recipient(self, port: Crm, ref: ItemRef) -> ClientAddress:
        client = await _client(port, ref, "emails", self.address_type)
        if not is_address(client.value.strip()):
            raise BadAddress(what=f"the client of {ref.kind} {ref.id}", address=repr(client.value[:200]))
        return client

    async def _attached(self, port: Crm) -> tuple[Attachment, ...]:
        files = [await port.read(ItemRef("file", each.id)) for each in self.attachments]
        # What travels is base64: four characters for three bytes.
        size = sum(-(-each.size // 3) * 4 for each in files)
        if size > port.portal.largest_mail:
            raise AttachmentsTooLarge(size=size, most=port.portal.largest_mail)
        return tuple(Attachment(each.name, each.media_type, each.size, each.sha256) for each in files)


async def _responsible(port: Crm, ref: ItemRef) -> int:
    responsible: int | None = (await port.read(ref)).responsible_id
    if responsible is None:
        raise NoResponsible(kind=ref.kind, id=ref.id)
    return responsible


def _named(name: str, address: str) -> NamedAddress:
    """The name stands in a header: what could end it there does not belong to a name."""
    if not is_address(address):
        raise BadAddress(what="the sender", address=repr(address[:200]))
    shown = "".join(each for each in name if each.isprintable() and each not in '<>"')
    return NamedAddress(shown.strip(), address)


def _answers_to(sender: NamedAddress, mailboxes: Sequence[Mailbox]) -> tuple[str, ...]:
    """Answers must come to where the CRM sees them: to a mailbox that is connected, beside the sender."""
    connected = [each.email for each in mailboxes if each.connected and is_address(each.email)]
    if sender.address.lower() in map(str.lower, connected):
        return ()
    return (sender.address, *connected[:1])


# -- text messages -----------------------------------------------------------------------------------------------------


@action_type("crm.send_sms")
class SendSms(_Sent):
    """
    Send a text message to the client of the item: to the first phone of the item itself, its contacts or its company.

    A completed activity stands beside the item and beside whose number it is; it goes away if the message is refused.
    What went wrong is also a line in the item's history. Whether it was delivered comes later: `Message.status`.
    Heading 31.

    Args:
        text: The message.
        provider: Who sends it, and from which number or name: `twilio`, `+33700000000@twilio`. The one that the
            settings name if left out.
        phone_type: Of the client's phones only those of this type: WORK, MOBILE, HOME…
        wait_for_delivery: Go on once the provider has taken it, or else at once.

    Raises:
        EmptyText: nothing but blanks.
        NoClientAddress: the client has no phone, or none of this type.
        ItemNotFound: no such item.
        WrongValue: a text that is too long, a type or a provider that is none.
        WrongFieldValue: a text that cannot be stored (NUL, lone surrogates).
        ChannelMissing: no such provider is set up.
        SendRefused: the provider will not take it.
    """

    target: Target
    text: str
    _: KW_ONLY
    provider: str | None = option(default=None)
    phone_type: str | None = option(default=None, validator=one_of(*MULTI_FIELD_TYPES["phones"]))
    wait_for_delivery: bool = option(default=True)

    async def perform(self, port: Crm) -> Any:
        ref = await port.resolve(self.target.kind, self.target.id)
        port.performing.leave_behind(_saying(ref, "SMS was not sent"))
        if not self.text.strip():
            raise EmptyText(action=self.name, parameter="text")
        if len(self.text) > LONGEST_SMS:
            got = f"{len(self.text)} characters"
            raise WrongValue(action=self.name, parameter="text", expected=f"at most {LONGEST_SMS} of them", got=got)
        sender, provider = self._provider()
        client = await _client(port, ref, "phones", self.phone_type)
        draft = Draft(
            channel="sms",
            provider=provider,
            sender=sender or "",
            recipient=client.value.strip(),
            holder=client.holder,
            text=self.text,
            shown=self.text,
            responsible=(await port.read(ref)).responsible_id,
        )
        message = await port.post_message(ref, draft)
        sms = Sms(message=message.id, number=draft.recipient, text=self.text, sender=sender)
        return Outgoing(channel_of(provider), sms, Sending(message.id), posted=message)

    def _provider(self) -> tuple[str | None, str | None]:
        if self.provider is None:
            return None, None
        sender, _, provider = self.provider.rpartition("@")
        if not provider or not self.provider.isprintable():
            expected = "a provider, or sender@provider"
            raise WrongValue(action=self.name, parameter="provider", expected=expected, got=repr(self.provider[:100]))
        return sender or None, provider


LONGEST_SMS: Final = 1600
"""Characters: about ten messages put together, which is what providers take."""


# -- what comes back ---------------------------------------------------------------------------------------------------


class _Told(Action[Any]):
    """What the outside tells about a message."""

    __slots__ = ()

    def arguments(self) -> Mapping[str, object]:
        return given(self)


@action_type("message.read")
class ReadMessage(Action[Message]):
    """
    A message as it is now: whether it was delivered, opened, and a link in it followed.

    Args:
        message: The message or its id.

    Raises:
        MessageNotFound: no such message.
    """

    message: Message | int

    @property
    def name(self) -> str:
        return "message.read"

    def arguments(self) -> Mapping[str, object]:
        return {"message": self._id}

    @property
    def result_type(self) -> Any:
        return Message

    async def perform(self, port: Crm) -> Message:
        return await port.message(self._id)

    @property
    def _id(self) -> int:
        return self.message.id if isinstance(self.message, Message) else self.message


@action_type("message.opened")
class RecordOpened(_Told):
    """
    A mail was opened. The first time starts and wakes those who listen with `on.email_opened()`.

    Raises:
        MessageNotFound: no such message.
    """

    message: int

    @property
    def name(self) -> str:
        return "message.opened"

    async def perform(self, port: Crm) -> None:
        await port.opened(self.message)


@action_type("message.clicked")
class RecordClicked(_Told):
    """
    A link in a mail was followed: gives its target. Each time starts and wakes those who listen with `on.link_clicked`.

    Args:
        message: Its number.
        link: The place of the link among those of the message, from 0.

    Raises:
        MessageNotFound: no such message, or it has no such link.
    """

    message: int
    link: int

    @property
    def name(self) -> str:
        return "message.clicked"

    async def perform(self, port: Crm) -> str:
        return await port.clicked(self.message, self.link)


@action_type("message.status")
class RecordStatus(_Told):
    """
    A provider says what became of a message that it had taken. Nothing comes after `delivered` or `failed`.

    Raises:
        MessageNotFound: no such message.
    """

    message: int
    status: Literal["sent", "delivered", "failed"]
    reason: str = option(default="")

    @property
    def name(self) -> str:
        return "message.status"

    async def perform(self, port: Crm) -> None:
        await port.report_message(self.message, self.status, self.reason[:LONGEST_SUBJECT])


@action_type("crm.record_incoming")
class RecordIncoming(ItemAction[Activity | None]):
    """
    Something came in from the client about an item: an open activity, and those who listen with `on.incoming` wake.

    From an address that is excluded nothing is taken: None.

    Args:
        channel: `email`, `sms`, `call`…
        text: What was said.
        address: Where it came from.
        subject: Of a mail.

    Raises:
        ItemNotFound: no such item.
        WrongValue: a channel that is no name.
    """

    target: Target
    channel: str
    text: str = option(default="")
    _: KW_ONLY
    address: str = option(default="")
    subject: str = option(default="")

    async def perform(self, port: Crm) -> Activity | None:
        if not self.channel.isidentifier():
            got = repr(self.channel[:100])
            raise WrongValue(action=self.name, parameter="channel", expected="a name like email", got=got)
        ref = await port.resolve(self.target.kind, self.target.id)
        if self.address and await port.is_excluded(self.address):
            return None
        shown = self.subject or self.address or self.channel
        made = await port.add_activity(
            ref, shown, self.text, kind=self.channel, direction="in", client_address=self.address
        )
        await port.tell_incoming(ref, self.channel, made.id)
        return made
