"""What mails and providers of text messages call: the pixel of a mail, its links, reports of a message's fate."""

from __future__ import annotations

import base64
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.responses import RedirectResponse, Response

from bizproc.actions.messages import RecordClicked, RecordOpened, RecordStatus
from bizproc.core.errors import ItemNotFound, MessageNotFound, WrongArgument
from bizproc.model.messages import Message
from bizproc.model.tokens import Signer
from bizproc.ports.sms import channel_of
from bizproc.runtime import Runtime
from bizproc.web.guarding import NotHere, log

OPEN: Final = "open"
CLICK: Final = "click"
STATUS: Final = "sms"
"""Purposes of tokens: they name a message, that of a link also its place among the message's."""

PIXEL: Final = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""A transparent picture of one pixel."""

MOST_FIELDS: Final = 100
"""Of a form."""


async def opened(runtime: Runtime, signer: Signer, token: str, *, counts: bool) -> Response:
    """The pixel of a mail. Raises NotHere."""
    (message,) = _numbers(signer, OPEN, token, 1)
    if counts:
        await _told(runtime, RecordOpened(message))
    else:
        await _message(runtime, message)
    # It is loaded by pages of others: mail in a browser.
    return Response(PIXEL, media_type="image/gif", headers={"cross-origin-resource-policy": "cross-origin"})


async def followed(runtime: Runtime, signer: Signer, token: str, *, counts: bool) -> Response:
    """
    A link of a mail, to be followed to where it was meant to lead.

    Where that is stands in the store, not in the address: nobody can make it lead elsewhere. Raises NotHere.
    """
    message, link = _numbers(signer, CLICK, token, 2)
    if counts:
        target: str = await _told(runtime, RecordClicked(message, link))
    else:
        links = (await _message(runtime, message)).links
        target = links[link] if link < len(links) else ""
    if not target.lower().startswith(("https://", "http://")):
        raise NotHere
    return RedirectResponse(target, 302)


async def reported(runtime: Runtime, signer: Signer, token: str, body: bytes) -> Response:
    """What a provider says of a text message. Raises NotHere."""
    (number,) = _numbers(signer, STATUS, token, 1)
    message = await _message(runtime, number)
    provider: Any = runtime.outside.channels.get(channel_of(message.provider))
    if provider is None or message.channel != "sms":
        raise NotHere
    report = provider.report(_form(body))
    if report is not None:
        try:
            action = RecordStatus(number, report.status, report.reason)
        except WrongArgument as error:
            log.warning("a provider of text messages reports what cannot be: %s", error)
        else:
            await _told(runtime, action)
    return Response(status_code=204)


def _numbers(signer: Signer, purpose: str, token: str, count: int) -> tuple[int, ...]:
    numbers = signer.read(purpose, token)
    if numbers is None or len(numbers) != count or min(numbers) < 0:
        raise NotHere
    return numbers


async def _message(runtime: Runtime, id: int) -> Message:
    try:
        return await runtime.get(Message, id)
    except ItemNotFound:
        raise NotHere from None


async def _told(runtime: Runtime, action: Any) -> Any:
    try:
        return await runtime.perform(action)
    except MessageNotFound:
        raise NotHere from None


def _form(body: bytes) -> dict[str, str]:
    """A form as it was posted. Raises NotHere for what is none."""
    try:
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        raise NotHere from None
