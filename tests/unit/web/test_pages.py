"""What holds for every page: one answer to all that is wrong, headers, limits; and files by link."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bizproc import crm
from bizproc.errors import ItemNotFound, WrongValue
from bizproc.testing import World
from bizproc.web.app import application
from tests.unit.web.visiting import Visitor, settings

RIGHT = ["/pages.css"]


@pytest.fixture
def visitor(world: World) -> Visitor:
    return Visitor(world)


async def file_link(world: World, name: str = "tea.pdf", content: bytes = b"%PDF", days: int = 1) -> str:
    file = await world.perform(crm.drive.add(name, content))
    return await world.perform(crm.drive.link(file, lasts=timedelta(days=days)))


@pytest.mark.parametrize(
    "path",
    ["/", "/nowhere", "/files", "/files/", "/files/x", "/files/x/y", "/pages.css/", "/%00", "/..%2f..%2fetc", "/é"],
)
async def test_what_is_not_there_is_answered_with_the_one_page(visitor: Visitor, path: str) -> None:
    assert await visitor.is_not_here(path)


async def test_the_page_for_what_is_not_there_says_so_in_the_portals_language(world: World) -> None:
    assert "There is nothing here." in (await Visitor(world).get("/x")).text
    assert "Il n’y a rien ici." in (await Visitor(world, language="fr").get("/x")).text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_a_page_answers_to_get_and_head_alone(world: World, visitor: Visitor, method: str) -> None:
    assert await visitor.is_not_here("/pages.css", method)
    assert await visitor.is_not_here(await file_link(world), method)


async def test_the_stylesheet_may_be_kept_and_nothing_else(world: World, visitor: Visitor) -> None:
    assert (await visitor.get("/pages.css")).headers["cache-control"] == "public, max-age=3600"
    for path in ("/nowhere", await file_link(world)):
        assert (await visitor.get(path)).headers["cache-control"] == "no-store"


async def test_an_address_that_is_too_long_is_nowhere(visitor: Visitor) -> None:
    assert await visitor.is_not_here("/files/" + "a" * 5000)


@pytest.mark.parametrize("length", ["999999999999", "9" * 400, "-1", "a", "0x10"])
async def test_a_body_that_says_it_is_too_large_is_not_read(visitor: Visitor, length: str) -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("read")
        yield b""

    assert await visitor.is_not_here("/pages.css", "GET", headers={"content-length": length}, content=never())


# -- files by link -----------------------------------------------------------------------------------------------------


async def test_a_file_is_sent_to_whoever_has_its_link(world: World, visitor: Visitor) -> None:
    answer = await visitor.get(await file_link(world, "Offers/thé «1».pdf"))
    assert (answer.status_code, answer.content) == (200, b"%PDF")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''th%C3%A9%20%C2%AB1%C2%BB.pdf"


@pytest.mark.parametrize("name", ["evil.html", "evil.svg", "evil.xml", "evil.js", "evil"])
async def test_what_a_browser_would_run_is_sent_as_bytes(world: World, visitor: Visitor, name: str) -> None:
    answer = await visitor.get(await file_link(world, name, b"<script>alert(1)</script>"))
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")


async def test_a_link_to_a_file_holds_until_its_last_second(world: World, visitor: Visitor) -> None:
    link = await file_link(world, days=2)
    await world.advance(days=2, seconds=-1)
    assert (await visitor.get(link)).status_code == 200
    await world.advance(seconds=1)
    assert await visitor.is_not_here(link)


async def test_a_link_to_a_deleted_file_is_dead(world: World, visitor: Visitor) -> None:
    link = await file_link(world)
    await world.perform(crm.drive.delete(1))
    assert await visitor.is_not_here(link)


async def test_a_link_to_a_file_whose_content_is_lost_is_dead(world: World, visitor: Visitor) -> None:
    link = await file_link(world)
    files: Any = world.outside.tools["files"]
    files.contents.clear()
    assert await visitor.is_not_here(link)


@pytest.mark.parametrize("wrong", ["purpose", "numbers", "forged", "cut", "padded", "other store"])
async def test_a_token_that_was_not_made_for_this_is_worth_nothing(world: World, visitor: Visitor, wrong: str) -> None:
    signer = await world.runtime.signer()
    link = await file_link(world)
    token = link.rpartition("/")[2]
    other = "A" if token[-1] != "A" else "B"
    tokens = {
        "purpose": signer.token("document", 1, 2**40),
        "numbers": signer.token("file", 1),
        "forged": token[:5] + ("A" if token[5] != "A" else "B") + token[6:],
        "cut": token[:-1],
        "padded": f"{token}=",
        "other store": type(signer)(b"x" * 32).token("file", 1, 2**40) or other,
    }
    assert await visitor.is_not_here(f"/files/{tokens[wrong]}")
    assert (await visitor.get(link)).status_code == 200


@pytest.mark.parametrize("lasts", [timedelta(0), timedelta(days=-1), timedelta(days=40_000)])
async def test_a_link_to_a_file_lasts_for_a_time_that_makes_sense(world: World, lasts: timedelta) -> None:
    file = await world.perform(crm.drive.add("tea.pdf", b"%PDF"))
    with pytest.raises(WrongValue, match="lasts"):
        await world.perform(crm.drive.link(file, lasts=lasts))


async def test_a_link_to_a_file_that_is_not_there_is_not_made(world: World) -> None:
    with pytest.raises(ItemNotFound):
        await world.perform(crm.drive.link(9))


async def test_a_page_that_breaks_says_nothing_of_why(world: World, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            raise ZeroDivisionError("secret")

    broken: Any = Broken()
    signer = await world.runtime.signer()
    app = application(broken, signer, settings())
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://crm.test") as client:
        answer = await client.get(f"/documents/{signer.token('document', 1, 1)}")
    assert (answer.status_code, answer.text) == (500, "")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert signer.token("document", 1, 1) not in caplog.messages[0]
