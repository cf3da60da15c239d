"""The recipe `service.enrich_contact`."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bizproc import F
from bizproc.model import Company, Contact, MultiField
from bizproc.testing import World, assert_recipe, crash_at_every_await
from bizproc_service.enrich_contact import Known, enrich_contact, look_up

RECIPE = enrich_contact(provider="https://known.example/{domain}")
HARBOUR = Known(
    company={"phones": ["+33 1 23 45 67 89"], "city": "Lyon", "industry": "MANUFACTURING", "founders": ["Ada"]},
    contact={"phones": ["+33 6 12 34 56 78"], "post": "Buyer", "city": "Paris"},
)


async def new_contact(world: World, email: str = "jo@harbour.example", **fields: Any) -> Contact:
    company = await world.company(title="Harbour", phones=[MultiField("+33 4 00 00 00 00")], **fields)
    made = await world.contact(emails=[MultiField(email)], city="Nantes", company_ids=[company.id])
    return await world.get(Contact, made.id)


def values(fields: tuple[MultiField, ...]) -> list[str]:
    return [each.value for each in fields]


# -- the story ---------------------------------------------------------------------------------------------------------


async def story(world: World) -> object:
    """What is known is added; what stood there stays."""
    world.use(RECIPE)
    world.answers(look_up, HARBOUR)
    contact = await new_contact(world)
    company = (await world.find(Company))[0]
    assert values(company.phones) == ["+33 4 00 00 00 00", "+33 1 23 45 67 89"]
    assert (company.city, company.industry) == ("Lyon", "MANUFACTURING")
    contact = await world.get(Contact, contact.id)
    assert (values(contact.phones), contact.post, contact.city) == (["+33 6 12 34 56 78"], "Buyer", "Nantes")
    return None


async def test_what_a_provider_knows_is_added_and_nothing_is_overwritten(world: World) -> None:
    await story(world)


async def test_the_story_ends_the_same_wherever_the_program_dies() -> None:
    assert await crash_at_every_await(story) > 8


async def test_only_contacts_that_fit_the_filter_are_asked_for(world: World) -> None:
    world.use(enrich_contact(provider="https://known.example/{domain}", only=F.city == "Lyon"))
    await new_contact(world)
    assert await world.instances() == []


# -- one thing each ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("email", ["jo@gmail.com", "jo@GMX.net"])
async def test_an_address_of_a_free_provider_is_not_asked_for(world: World, email: str) -> None:
    world.use(RECIPE)
    world.answers(look_up, LookupError("nobody asks"))
    await new_contact(world, email)
    (instance,) = await world.instances()
    assert await world.instance(instance.id).result() == "nothing to ask for"


async def test_a_contact_without_an_address_is_left_alone(world: World) -> None:
    world.use(RECIPE)
    world.answers(look_up, LookupError("nobody asks"))
    await world.contact()
    (instance,) = await world.instances()
    assert await world.instance(instance.id).result() == "nothing to ask for"


async def test_a_contact_without_a_company_is_enriched_alone(world: World) -> None:
    world.use(RECIPE)
    world.answers(look_up, HARBOUR)
    made = await world.contact(emails=[MultiField("jo@harbour.example")])
    assert (await world.get(Contact, made.id)).post == "Buyer"


@pytest.mark.no_crash("the refusal is spent by the attempt that dies")
async def test_a_provider_that_is_busy_is_asked_again(world: World) -> None:
    world.use(RECIPE)
    world.answers(look_up, ConnectionError("busy"), HARBOUR)
    contact = await new_contact(world)
    await world.advance(minutes=1)
    assert (await world.get(Contact, contact.id)).post == "Buyer"


async def test_a_provider_that_knows_nothing_changes_nothing(world: World) -> None:
    world.use(RECIPE)
    world.answers(look_up, Known())
    contact = await new_contact(world)
    assert await world.get(Contact, contact.id) == contact


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8)
ANYTHING = st.none() | st.integers() | TEXTS | st.lists(TEXTS, max_size=3) | st.dictionaries(TEXTS, TEXTS, max_size=1)
TOLD = st.fixed_dictionaries({}, optional=dict.fromkeys(["phones", "city", "post", "industry", "nonsense"], ANYTHING))


@settings(max_examples=25, deadline=None)
@given(told=TOLD, city=st.sampled_from(["", "Nantes"]))
def test_whatever_a_provider_tells_nothing_that_stood_there_is_lost(told: dict[str, Any], city: str) -> None:
    async def go() -> None:
        async with World.open(RECIPE) as world:
            world.answers(look_up, Known(company=told, contact=told))
            await new_contact(world, city=city)
            company = (await world.find(Company))[0]
            assert values(company.phones)[0] == "+33 4 00 00 00 00"
            assert not city or company.city == city
            assert (await world.instances())[0].state == "completed"

    asyncio.run(go())


# -- the provider ------------------------------------------------------------------------------------------------------


class Provider(BaseHTTPRequestHandler):
    """Knows harbour.example, and those who have the key."""

    def do_GET(self) -> None:
        known = self.path == "/harbour.example"
        allowed = self.headers.get("Authorization") in {None, "Bearer sesame"}
        self.send_response(404 if not known else 200 if allowed else 403)
        self.end_headers()
        self.wfile.write(json.dumps({"company": {"city": "Lyon"}, "contact": None}).encode())

    def log_message(self, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def provider() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Provider)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_provider_is_asked_with_the_key(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENRICH_KEY", "sesame")
    assert await look_up(provider + "harbour.example", "ENRICH_KEY") == Known({"city": "Lyon"}, {})
    assert await look_up(provider + "elsewhere.example", "ENRICH_KEY") == Known()


async def test_a_provider_that_refuses_the_key_is_an_error(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENRICH_KEY", "abracadabra")
    with pytest.raises(httpx.HTTPStatusError, match="403"):
        await look_up(provider + "harbour.example", "ENRICH_KEY")


def test_the_recipe_keeps_its_contract() -> None:
    assert_recipe(enrich_contact, provider="https://known.example/{domain}")
