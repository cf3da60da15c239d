"""The calendar of a user, for programs that subscribe to it."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from starlette.responses import Response

from bizproc.actions.calendars import CALENDAR
from bizproc.adapters.calendar import calendar_of
from bizproc.core.errors import ItemNotFound
from bizproc.model.tokens import Signer
from bizproc.runtime import Runtime
from bizproc.web.guarding import NotHere


async def by_token(runtime: Runtime, signer: Signer, token: str, now: datetime) -> Response:
    """The calendar that a token names, if that is the link it has now. Raises NotHere."""
    numbers = signer.read(CALENDAR, token)
    if numbers is None or len(numbers) != 2:
        raise NotHere
    try:
        agenda = await runtime.agenda(numbers[0], now)
    except ItemNotFound:
        raise NotHere from None
    if agenda.link != numbers[1] or not agenda.user.active:
        raise NotHere
    host = urlsplit(runtime.portal.public_url).hostname or "localhost"
    content = calendar_of(agenda, runtime.portal.zone, host)
    return Response(content, media_type="text/calendar", headers={"cache-control": "private, max-age=300"})
