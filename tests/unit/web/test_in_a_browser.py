"""Pages with hostile text, looked at in a real browser: nothing runs, nothing is loaded from elsewhere, all is text."""

from __future__ import annotations

import asyncio
import shutil
import socket
from pathlib import Path

import pytest

from bizproc import crm
from bizproc.adapters.payments import PagePayments
from bizproc.model import CrmDocument
from bizproc.model.references import ref_of
from bizproc.settings import Settings, WebSettings
from bizproc.testing import World
from bizproc.web.serving import serve_pages
from tests.engine.orders import MakeOrder
from tests.engine.paper_templates import docx, our_company, template

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NASTY = (
    '<script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">'
    "\"'><svg/onload=document.title='owned'>{{7*7}}</title><style>*{display:none}</style>"
)

pytestmark = [pytest.mark.needs(*BROWSERS), pytest.mark.no_crash("a browser asks from outside")]


async def looked_at(address: str, folder: Path, *more: str) -> str:
    """The page as the browser has it after everything on it has run."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), "")
    process = await asyncio.create_subprocess_exec(
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=2000",
        "--window-size=700,900",
        *more,
        "--dump-dom",
        address,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(90):
        dom, _ = await process.communicate()
    assert process.returncode == 0
    return dom.decode()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


def harmless(dom: str) -> bool:
    """Nothing of the text became a part of the page."""
    head = dom.partition("<body")[0]
    return not any(mark in dom for mark in ("<script", "<img", "<svg", "<style")) and ">owned" not in head


async def test_a_payment_page_with_hostile_text_shows_it_as_text(tmp_path: Path) -> None:
    port = free_port()
    settings = Settings(web=WebSettings(port=port, public_url=f"http://127.0.0.1:{port}"))
    async with World.open(channels=[PagePayments()], settings=settings) as world:
        await our_company(world, NASTY)
        deal = await world.deal()
        await world.perform(crm.deal(deal).add_product((await world.product(name=NASTY)).id))
        order = await world.perform(MakeOrder(ref_of(deal)))
        link = await world.perform(crm.deal(deal).get_payment_link(order))
        async with serve_pages(world.runtime, settings):
            dom = await looked_at(link, tmp_path, f"--screenshot={tmp_path / 'page.png'}")
    assert harmless(dom)
    assert "<title>Payment 1/1</title>" in dom
    assert dom.count("&lt;script&gt;") == 2
    assert "{{7*7}}" in dom


async def test_a_document_page_with_hostile_text_shows_it_as_text(tmp_path: Path) -> None:
    port = free_port()
    settings = Settings(web=WebSettings(port=port, public_url=f"http://127.0.0.1:{port}"))
    async with World.open(settings=settings) as world:
        await template(world, docx("x"), name=NASTY)
        made = await world.perform(crm.deal(await world.deal()).create_document("offer", public_link=True))
        document: CrmDocument = await world.perform(crm.document(made).read())
        async with serve_pages(world.runtime, settings):
            dom = await looked_at(str(document.public_url), tmp_path)
            nowhere = await looked_at(f"http://127.0.0.1:{port}/{NASTY}", tmp_path)
    assert harmless(dom)
    assert harmless(nowhere)
    assert "There is nothing here." in nowhere
    assert "Download: PDF" in dom


async def test_the_style_of_a_page_is_loaded(tmp_path: Path) -> None:
    port = free_port()
    settings = Settings(web=WebSettings(port=port))
    async with World.open(settings=settings) as world, serve_pages(world.runtime, settings):
        await looked_at(f"http://127.0.0.1:{port}/x/y", tmp_path, f"--screenshot={tmp_path / 'page.png'}")
    assert (tmp_path / "page.png").stat().st_size > 1000
