"""The server of the pages: beside a runtime, from when it listens until the block ends."""

from __future__ import annotations

import asyncio
import io
import socket
from pathlib import Path

import httpx
import pytest
from pypdf import PdfReader

from bizproc import crm
from bizproc.errors import PortTaken
from bizproc.runtime import Runtime
from bizproc.settings import Settings, WebSettings
from bizproc.testing import World
from bizproc.web import impatience
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


@pytest.mark.parametrize("asked", [0, 1, 3])
@pytest.mark.parametrize("begun", [b"", b"GET /pages.css HTTP/1.1\r\nHost: x\r\nX-A: a"])
async def test_who_does_not_come_to_the_point_is_hung_up_on(
    world: World, monkeypatch: pytest.MonkeyPatch, begun: bytes, asked: int
) -> None:
    """At the beginning of a connection, and after answers; who does get an answer first."""
    monkeypatch.setattr(impatience, "SLOWEST_HEAD", 0.2)
    async with serve_pages(world.runtime, at(free_port())) as where:
        assert where is not None
        reader, writer = await asyncio.open_connection(*where.removeprefix("http://").split(":"))
        for _ in range(asked):
            writer.write(b"GET /pages.css HTTP/1.1\r\nHost: x\r\n\r\n")
        writer.write(begun)
        said = await asyncio.wait_for(reader.read(), 30)
        writer.close()
        assert said.count(b"HTTP/1.1 200 OK") == asked


async def test_a_connection_that_is_used_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(impatience, "SLOWEST_HEAD", 30.0)
    async with serve_pages(world.runtime, at(free_port())) as where, httpx.AsyncClient(base_url=str(where)) as client:
        for _ in range(20):
            assert (await client.get("/pages.css")).status_code == 200


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


async def test_a_runtime_makes_documents_and_payment_links_and_serves_them(tmp_path: Path) -> None:
    port = free_port()
    settings = Settings(web=WebSettings(port=port, public_url=f"http://127.0.0.1:{port}"))
    async with Runtime.open(f"sqlite:///{tmp_path}/crm.db", settings=settings) as runtime:
        source = b"#let v = json(bytes(sys.inputs.values))\n= Offer #v.number for #v.deal.title"
        file = await runtime.perform(crm.drive.add("offer.typ", source))
        await runtime.perform(crm.template.create(code="offer", name="Offer", file_id=file.id))
        deal = await runtime.perform(crm.deal.create(title="Tea & *cake*"))
        product = await runtime.perform(crm.product.create(name="Tea", price=5))
        await runtime.perform(crm.deal(deal).add_product(product.id))
        document = await runtime.perform(crm.deal(deal).create_document("offer", public_link=True))
        order = await runtime.perform(crm.deal(deal).create_order())
        link = await runtime.perform(crm.deal(deal).get_payment_link(order))
        async with serve_pages(runtime, settings), httpx.AsyncClient() as client:
            pdf = await client.get(f"{document.public_url}/document.pdf")
            page = await client.get(link)
    assert "Offer 1 for Tea & *cake*" in PdfReader(io.BytesIO(pdf.content)).pages[0].extract_text()
    assert "€5.00" in page.text
