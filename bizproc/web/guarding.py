"""
What holds for every page: headers, limits, and one answer to all that is wrong.

An unknown address, a forged or expired token, a method that is not meant: all the same page with 404, so that nobody
learns from the answer what there is.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log: Final = logging.getLogger("bizproc.web")

LARGEST_BODY: Final = 256 * 1024
"""Bytes. What providers post is a few thousand."""

SLOWEST_BODY: Final = 10.0
"""Seconds that a body may take."""

LONGEST_ADDRESS: Final = 1000
"""Characters of a path."""

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""Of every answer that does not say otherwise. `no-referrer`: the address is the key, and must not reach others."""


class NotHere(Exception):
    """There is nothing at this address for whoever has this token."""


class Guard:
    """Around the application: puts the headers on, and keeps out what is too large."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # no lifespan, no web sockets

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if len(scope["path"]) > LONGEST_ADDRESS or _announced(scope) > LARGEST_BODY:
            scope = {**scope, "path": "/", "raw_path": b"/"}  # where nothing is
        await self._app(scope, receive, guarded)


def _announced(scope: Scope) -> int:
    """How long the body says it is."""
    length = Headers(scope=scope).get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else LARGEST_BODY + 1


async def body_of(request: Request) -> bytes:
    """The body, if it is small and comes in time. Raises NotHere."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(SLOWEST_BODY):
            async for part in request.stream():
                size += len(part)
                if size > LARGEST_BODY:
                    raise NotHere
                parts.append(part)
    except (TimeoutError, ClientDisconnect):
        raise NotHere from None
    return b"".join(parts)
