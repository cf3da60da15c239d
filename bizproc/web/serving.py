"""
The server of the pages: in the runtime's own loop, from when it listens until the block ends.

It takes no signals: who runs the program says when it stops.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from bizproc.core.errors import ExtraMissing, PortTaken
from bizproc.runtime import Runtime
from bizproc.settings import LARGEST_PORT, Settings

if TYPE_CHECKING:
    import uvicorn


@asynccontextmanager
async def serve_pages(runtime: Runtime, settings: Settings) -> AsyncIterator[str | None]:
    """
    Serve the public pages of a runtime while the block lasts; gives where, or None where port 0 says not to.

    Raises:
        PortTaken: Another program listens there, or this one may not.
        ExtraMissing: The packages of the extra `web` are not installed.
    """
    web = settings.web
    if web.port == 0:
        yield None
        return
    with listening(web.host, web.port) as listener:
        async with serving(runtime, settings, listener):
            yield f"http://{web.host}:{listener.getsockname()[1]}"


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens; port 0 takes any. Raises PortTaken."""
    if not 0 <= port <= LARGEST_PORT:
        raise PortTaken(host=host, port=port, detail=f"ports go from 0 to {LARGEST_PORT}")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise PortTaken(host=host, port=port, detail=str(error)) from None
    with listener:
        yield listener


@asynccontextmanager
async def serving(runtime: Runtime, settings: Settings, listener: socket.socket) -> AsyncIterator[None]:
    """Serve the pages on a socket while the block lasts."""
    try:
        from bizproc.web.app import application
    except ImportError as error:
        raise ExtraMissing(what="the web pages", extra="web", package=error.name or "?") from None
    server = _server(application(runtime, await runtime.signer(), settings))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        begun = asyncio.create_task(server.begun.wait())
        await asyncio.wait({task, begun}, return_when=asyncio.FIRST_COMPLETED)
        begun.cancel()
        yield
    finally:
        server.should_exit = True
        await task


def _server(app: Any) -> Any:
    try:
        import uvicorn
    except ImportError as error:
        raise ExtraMissing(what="the web pages", extra="web", package=error.name or "?") from None

    class Server(uvicorn.Server):
        """Takes no signals, and says when it has begun."""

        begun = asyncio.Event()

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            self.begun.set()

    return Server(_config(app))


def _config(app: Any) -> uvicorn.Config:
    import uvicorn

    from bizproc.web.impatience import Impatient

    return uvicorn.Config(
        app,
        http=Impatient,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,  # its lines would hold tokens
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=16 * 1024,
        limit_concurrency=200,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=5,
    )
