"""
Asking a provider over HTTP, and what its answer comes to for a channel (`ports/channel.py`).

Who was never reached, and who asks for patience, has certainly not done it. What the provider refuses it will not do.
Whatever else happens, a line that breaks or an error of its own, leaves open whether it was done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import anyio
import httpx

from bizproc.core.errors import SendDelayed, SendRefused

PATIENCE = 60.0
"""Seconds that one request may take."""

_NEVER_REACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol)


async def ask(
    channel: str,
    url: str,
    content: str,
    headers: Mapping[str, str],
    *,
    method: str = "POST",
    user: tuple[str, str] | None = None,
    is_busy: Callable[[httpx.Response], bool] = lambda _answer: False,
) -> httpx.Response:
    """
    Send one request; gives the answer of a provider that has done it.

    `is_busy` knows refusals of this provider by which it means: not now.

    Raises:
        SendRefused: it will not do it; with what it says.
        SendDelayed: it has not done it, and may later.
        httpx.HTTPError, TimeoutError: nobody knows.
    """
    auth = None if user is None else httpx.BasicAuth(*user)
    try:
        with anyio.fail_after(PATIENCE):
            async with httpx.AsyncClient(timeout=PATIENCE, follow_redirects=False, trust_env=True) as client:
                answer = await client.request(method, url, content=content.encode(), headers=headers, auth=auth)
    except _NEVER_REACHED as error:
        raise SendDelayed(channel=channel, reason=f"it cannot be reached: {error}") from error
    except (httpx.InvalidURL, UnicodeError) as error:
        raise SendRefused(channel=channel, reason=f"it cannot be asked: {error}") from error
    return _judged(channel, answer, busy=answer.is_client_error and is_busy(answer))


def _judged(channel: str, answer: httpx.Response, *, busy: bool) -> httpx.Response:
    code = answer.status_code
    if answer.is_success:
        return answer
    if code == httpx.codes.TOO_MANY_REQUESTS:
        raise SendDelayed(channel=channel, reason="too many requests", again_after=_again_after(answer))
    if busy:
        raise SendDelayed(channel=channel, reason=f"{code} {said(answer)}", again_after=_again_after(answer))
    if answer.is_server_error:
        raise httpx.HTTPStatusError(f"{code} {said(answer)}", request=answer.request, response=answer)
    raise SendRefused(channel=channel, reason=f"{code} {said(answer)}")


def _again_after(answer: httpx.Response) -> float | None:
    with suppress(KeyError, ValueError):
        seconds = float(answer.headers["retry-after"])
        return min(seconds, 86_400.0) if seconds >= 0 else None
    return None


def said(answer: httpx.Response) -> str:
    """What an answer says for people: the message of its error, or its beginning."""
    found: Any = json_of(answer)
    with suppress(AttributeError, TypeError):
        error = found.get("error", found)
        message = error if isinstance(error, str) else error.get("message")
        if isinstance(message, str):
            return message[:500]
    return answer.text[:200]


def json_of(answer: httpx.Response) -> Any:
    """The answer as JSON; an empty mapping where it is none."""
    try:
        return answer.json()
    except (ValueError, RecursionError):
        return {}
