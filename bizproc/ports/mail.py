"""Mail, as it is handed to a mail server: what to send, to whom, what is attached. How is the adapter's affair."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from attrs import frozen

MAIL: Final = "mail"
"""What the channel is called."""

TextType: TypeAlias = Literal["bbcode", "html"]


@frozen
class Attachment:
    """
    A file that goes along; its content lies where contents lie (`ports/files.py`).

    Attributes:
        name: As the recipient sees it.
    """

    name: str
    media_type: str
    size: int
    sha256: str


@frozen(kw_only=True)
class Mail:
    """
    One mail to one recipient: the payload of the channel `mail`.

    Contract of that channel, beside that of every channel: it does not deduplicate. The mail carries `message_id`, the
    same at every attempt, so that whoever looks into the server's log or into the recipient's mailbox can tell whether
    it came through. Its receipt is that id. The text is cleaned before it is sent: nothing that runs, nothing that
    hides. Beside the HTML stands the same in plain text.

    Attributes:
        message: The number of the `Message` that shows it in the CRM; links outside are signed with it.
        message_id: Without the angle brackets.
        sender: An address, perhaps with a name: `Ada <ada@example.com>`.
        reply_to: Where answers go, if not to the sender.
        text: As it was written, in the markup of `text_type`.
        links: The targets that are counted when they are followed: each link to one of them leads over our page.
    """

    message: int
    message_id: str
    sender: str
    recipient: str
    subject: str
    text: str
    text_type: TextType = "bbcode"
    reply_to: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    links: tuple[str, ...] = ()
