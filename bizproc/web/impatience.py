"""
Connections that say nothing, or do not come to the point, are closed.

uvicorn waits for the head of a request without end. So a few hundred connections, each of which sends a letter now and
then, would keep everybody else out.
"""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.h11_impl import H11Protocol

SLOWEST_HEAD: Final = 10.0
"""Seconds from the beginning of a connection, or from the last answer over it, to the end of a request's head."""


class Impatient(H11Protocol):
    """A connection that has so much time for each head."""

    _impatience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._begin_to_wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_to_wait()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_to_wait()  # its head is there: from here on who answers it sets limits

    def on_response_complete(self) -> None:
        self._begin_to_wait()
        super().on_response_complete()

    def _begin_to_wait(self) -> None:
        self._stop_to_wait()
        self._impatience = self.loop.call_later(SLOWEST_HEAD, self.transport.close)

    def _stop_to_wait(self) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None
