"""A mail as it travels: headers, the text twice, what is attached. Sends nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import Final

from attrs import frozen

from bizproc.adapters.smtp.cleaning import clean
from bizproc.model.mail_addresses import named_address, plain_address
from bizproc.model.markup import html_of_bbcode, plain_of_html
from bizproc.ports.mail import Attachment, Mail

# Seven bits in any case: then it does not matter what the servers on the way can do.
_POLICY: Final = SMTP.clone(cte_type="7bit")
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,80}/[a-z0-9][a-z0-9!#$&^_.+-]{0,80}", re.IGNORECASE)
_PAGE: Final = '<!DOCTYPE html>\n<html>\n<head><meta charset="utf-8"></head>\n<body>\n{}\n</body>\n</html>\n'


@frozen
class Pages:
    """
    The addresses of our pages that a mail leads to.

    Attributes:
        opened: Of the picture that tells that a message was opened, by the message's number.
        clicked: Of a link of it, by its number and that of the link.
    """

    opened: Callable[[int], str]
    clicked: Callable[[int, int], str]


def compose(mail: Mail, contents: Sequence[bytes], at: datetime, signature: str, pages: Pages) -> EmailMessage:
    """The mail, with the contents of its attachments in their order."""
    message = EmailMessage(policy=_POLICY)
    message["From"] = _address(mail.sender)
    message["To"] = _address(mail.recipient)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{_ascii_id(mail.message_id)}>"
    if mail.reply_to:
        message["Reply-To"] = [_address(each) for each in mail.reply_to]
    message.set_content(plain_of_html(_cleaned(mail, signature, {})) + "\n")
    message.add_alternative(_html(mail, signature, pages), subtype="html")
    for attachment, content in zip(mail.attachments, contents, strict=True):
        maintype, subtype = _media_type(attachment)
        message.add_attachment(content, maintype=maintype, subtype=subtype, filename=_file_name(attachment.name))
    return message


def _cleaned(mail: Mail, signature: str, counted: Mapping[str, str]) -> str:
    """Text and signature, each by itself: what the text leaves open must not swallow the signature."""
    written = html_of_bbcode(mail.text) if mail.text_type == "bbcode" else mail.text
    parts = [written, html_of_bbcode(signature)] if signature else [written]
    return "<br>\n<br>\n".join(clean(part, counted) for part in parts)


def _html(mail: Mail, signature: str, pages: Pages) -> str:
    counted = {link: pages.clicked(mail.message, place) for place, link in enumerate(mail.links)}
    pixel = f'<img src="{escape(pages.opened(mail.message))}" width="1" height="1" alt="">'
    return _PAGE.format(_cleaned(mail, signature, counted) + pixel)


def _address(text: str) -> Address:
    named = named_address(text)
    if named is None:
        raise ValueError(f"{text!r} is no address")
    local, _, domain = plain_address(named.address).rpartition("@")
    return Address(display_name=named.name, username=local, domain=domain)


def _ascii_id(message_id: str) -> str:
    return plain_address(message_id)


def _media_type(attachment: Attachment) -> tuple[str, str]:
    """What is no media type, or one with parts of its own, goes as bytes."""
    maintype, _, subtype = attachment.media_type.lower().partition("/")
    if not _MEDIA_TYPE.fullmatch(attachment.media_type) or maintype in ("multipart", "message"):
        return "application", "octet-stream"
    return maintype, subtype


def _file_name(name: str) -> str:
    return "".join(each if each.isprintable() else "_" for each in name) or "attachment"
