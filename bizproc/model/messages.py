"""What was sent to a client, and documents made for one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from attrs import field, frozen

from bizproc.model.items import NOTHING
from bizproc.model.references import BEGINNING, DERIVED, ItemRef

MessageStatus: TypeAlias = Literal["queued", "sent", "delivered", "failed", "refused", "unknown"]


@frozen(kw_only=True)
class Draft:
    """
    A message that is about to be sent.

    Attributes:
        channel: `email` or `sms`.
        provider: Of a text message: who sends it; None is the one that the settings name.
        holder: Whose address it goes to, if not the item's own.
        shown: The text as its activity shows it: without any markup.
        responsible: In whose name it is sent.
    """

    channel: str
    provider: str | None = None
    sender: str
    recipient: str
    holder: ItemRef
    subject: str = ""
    text: str
    shown: str
    links: tuple[str, ...] = ()
    responsible: int | None = None


@frozen(kw_only=True)
class Message:
    """
    A mail or a text message about an item.

    Attributes:
        channel: `email` or `sms`.
        sender, recipient: Addresses or numbers.
        status: `queued` until its fate is known; then `sent`, `refused` or `unknown`; `delivered` where the provider
            said so, `failed` where it said that it could not be.
        message_id: What the channel calls it.
        activity_id: The activity that shows it beside the item.
        links: The targets of the links in a mail that are counted: a link outside names its place here.
        step: The idempotency key of the step that sent it.
        opened_at, clicked_at: When a mail was first opened, and a link in it first followed.
    """

    item_type: ClassVar[str] = "message"

    id: Annotated[int, DERIVED]
    owner_kind: str = "deal"
    owner_id: int = 0
    channel: str = "email"
    provider: str | None = None
    sender: str = ""
    recipient: str = ""
    subject: str = ""
    text: str = ""
    status: MessageStatus = "queued"
    reason: str = ""
    message_id: str | None = None
    activity_id: int | None = None
    links: tuple[str, ...] = ()
    step: str | None = None
    made_by: str | None = None
    created_at: datetime = BEGINNING
    opened_at: datetime | None = None
    clicked_at: datetime | None = None


@frozen(kw_only=True)
class CrmDocument:
    """
    A document made from a template for an item.

    Attributes:
        number: By the template's pattern.
        file_id: The filled template; `pdf_id` its PDF, once it is there.
        placeholders: What was filled in.
        public_url: Its page for whoever has the link; None if there is none.
        conversion: `none`, `pending`, `ready` or `failed`.
        with_stamp: It bears stamp and signature.
    """

    item_type: ClassVar[str] = "document"

    id: Annotated[int, DERIVED]
    owner_kind: str = "deal"
    owner_id: int = 0
    template_id: int = 0
    number: str = ""
    title: str = ""
    file_id: int | None = None
    pdf_id: int | None = None
    public_url: str | None = None
    conversion: str = "none"
    with_stamp: bool = False
    placeholders: Mapping[str, Any] = field(default=NOTHING, hash=False)
    created_by: int | None = None
    created_at: datetime = BEGINNING
