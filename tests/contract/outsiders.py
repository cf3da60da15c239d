"""The other side of a channel, on this machine: a mail server and a web server that take, refuse, delay and hang up."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeAlias, cast

from aiosmtpd.smtp import SMTP, Envelope, Session
from attrs import define, field, frozen

Plan: TypeAlias = Literal["take", "refuse", "delay", "die before", "die after"]

LOOPBACK = "127.0.0.1"


# -- mail --------------------------------------------------------------------------------------------------------------


@define
class Letters:
    """
    A mail server's handler.

    Attributes:
        taken: What it has taken for delivery.
        plans: What it does with the next ones, in order; then it takes all.
        where: At which word of the talk it hangs up (`die before`), or refuses.
    """

    taken: list[Envelope] = field(factory=list)
    plans: deque[Plan] = field(factory=deque)
    where: str = "RCPT"
    _plan: Plan = "take"

    async def handle_MAIL(  # noqa: N802  as aiosmtpd has it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._plan = self.plans.popleft() if self.plans else "take"
        envelope.mail_from = address
        envelope.mail_options = options
        return await self._at("MAIL", server)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return await self._at("RCPT", server)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self._plan == "die after":
            self.taken.append(envelope)
            hang_up(server)
            await asyncio.sleep(0)
            return "250 nobody hears it"
        said = await self._at("TEXT", server)
        if said.startswith("250"):
            self.taken.append(envelope)
        return said

    async def _at(self, word: str, server: SMTP) -> str:
        if word != self.where:
            return "250 OK"
        if self._plan == "die before":
            hang_up(server)
            await asyncio.sleep(0)
        return {"refuse": "550 no such box", "delay": "451 come back later"}.get(self._plan, "250 OK")


def hang_up(server: SMTP) -> None:
    """Break the line without a word."""
    transport = cast("asyncio.Transport | None", server.transport)
    if transport is not None:
        transport.abort()


@asynccontextmanager
async def mail_server(letters: Letters, **options: Any) -> AsyncIterator[int]:
    """A mail server on this loop; gives its port."""
    implicit_tls = options.pop("implicit_tls", None)
    loop = asyncio.get_running_loop()
    made: list[SMTP] = []

    def make() -> SMTP:
        made.append(SMTP(letters, loop=loop, **options))
        return made[-1]

    server = await loop.create_server(make, LOOPBACK, 0, ssl=implicit_tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for each in made:
            hang_up(each)
        await asyncio.sleep(0)


# -- the web -----------------------------------------------------------------------------------------------------------


@frozen
class Request:
    """One request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


@define
class Pages:
    """
    A web server's answers.

    Attributes:
        requests: What it has taken.
        plans: What it does with the next ones, in order; then it takes all.
        answers: What it says to each plan that ends in an answer: status, headers, body.
    """

    answers: Callable[[Plan, Request], tuple[int, dict[str, str], bytes]]
    requests: list[Request] = field(factory=list)
    plans: deque[Plan] = field(factory=deque)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _read(reader)
            plan = self.plans.popleft() if self.plans else "take"
            if plan in ("take", "die after"):
                self.requests.append(request)
            if plan.startswith("die"):
                writer.transport.abort()
                return
            status, headers, body = self.answers(plan, request)
            head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            writer.write(
                f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{head}\r\n".encode()
                + body
            )
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(head[0], headers, body)


@asynccontextmanager
async def web_server(pages: Pages) -> AsyncIterator[str]:
    """A web server on this loop; gives its URL."""
    server = await asyncio.start_server(pages.serve, LOOPBACK, 0)
    try:
        yield f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()
