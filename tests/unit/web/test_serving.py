"""The server of the pages: beside a runtime, from when it listens until the block ends."""

from __future__ import annotations

import asyncio
import socket

import httpx
import pytest

from bizproc.errors import PortTaken
from bizproc.settings import Settings, WebSettings
from bizproc.testing import World
from bizproc.web.serving import serve_pages


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


def at(port: int) -> Settings:
    return Settings(web=WebSettings(port=port))


async def test_pages_are_served_while_the_block_lasts(world: World) -> None:
    async with serve_pages(world.runtime, at(free_port())) as where:
        assert where is not None
        async with httpx.AsyncClient(base_url=where) as client:
            assert (await client.get("/pages.css")).status_code == 200
            answer = await client.get("/nowhere")
    assert answer.status_code == 404
    assert "server" not in answer.headers
    with pytest.raises(ConnectionError):
        await asyncio.open_connection(*where.removeprefix("http://").split(":"))


async def test_they_can_be_served_again_at_once_in_the_same_place(world: World) -> None:
    port = free_port()
    for _ in range(2):
        async with serve_pages(world.runtime, at(port)) as where, httpx.AsyncClient(base_url=str(where)) as client:
            assert (await client.get("/pages.css")).status_code == 200


async def test_a_port_that_is_taken_is_named_with_what_to_do(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"127\.0\.0\.1:{port}.*web\.port = 0"):
            async with serve_pages(world.runtime, at(port)):
                raise AssertionError("served")


async def test_a_port_that_is_none_is_refused(world: World) -> None:
    with pytest.raises(PortTaken):
        async with serve_pages(world.runtime, at(99_999)):
            raise AssertionError("served")


async def test_port_0_serves_nothing(world: World) -> None:
    async with serve_pages(world.runtime, at(0)) as where:
        assert where is None


async def test_what_fails_inside_the_block_is_raised_and_the_server_stops(world: World) -> None:
    port = free_port()
    with pytest.raises(LookupError):
        async with serve_pages(world.runtime, at(port)):
            raise LookupError
    socket.create_server(("127.0.0.1", port)).close()
