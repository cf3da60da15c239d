"""Files by link: what they hold, always to be saved and never shown as a page of ours."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from bizproc.actions.drive import LINK
from bizproc.core.errors import FileMissing, ItemNotFound
from bizproc.model.files import File
from bizproc.model.tokens import Signer
from bizproc.runtime import Runtime
from bizproc.web.guarding import NotHere

_PLAIN: Final = "application/octet-stream"
_SHOWN: Final = ("application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp", "text/csv", "text/calendar")


async def by_token(runtime: Runtime, signer: Signer, token: str, now: datetime) -> Response:
    """The file that a token names, while the token holds. Raises NotHere."""
    numbers = signer.read(LINK, token)
    if numbers is None or len(numbers) != 2 or now.timestamp() >= numbers[1]:
        raise NotHere
    return await sent(runtime, numbers[0])


async def sent(runtime: Runtime, id: int | None, *, name: str | None = None) -> Response:
    """A file of the drive, to be saved. Raises NotHere."""
    if id is None:
        raise NotHere
    try:
        file = await runtime.get(File, id)
        content = await runtime.content(file)
    except (ItemNotFound, FileMissing):
        raise NotHere from None
    return Response(content, media_type=_harmless(file.media_type), headers=disposition(name or file.name))


def _harmless(media_type: str) -> str:
    """What a browser would run is sent as bytes."""
    office = media_type.startswith("application/vnd.openxmlformats-officedocument.")
    return media_type if office or media_type in _SHOWN else _PLAIN


def disposition(name: str) -> dict[str, str]:
    """The header by which a browser saves it, under this name."""
    return {"content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
