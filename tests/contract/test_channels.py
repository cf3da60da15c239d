"""The port `Channel`: one suite for every adapter, on another side that really answers, and for the fakes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias

import anyio
import httpx
import pytest
from attrs import evolve, frozen

from bizproc.adapters import ads, sms
from bizproc.adapters.file_folder import MemoryFiles
from bizproc.adapters.smtp import SmtpChannel
from bizproc.core.codec import Codec
from bizproc.core.errors import SendDelayed, SendRefused
from bizproc.model.tokens import Signer
from bizproc.ports.ads import Members
from bizproc.ports.channel import Channel
from bizproc.ports.mail import Mail
from bizproc.ports.sms import Sms, channel_of
from bizproc.settings import AdsSettings, MailSettings, Settings, SmsSettings
from bizproc.testing import FakeAds, FakeChannel, FakeMail, FakeSms
from tests.contract.outsiders import LOOPBACK, Letters, Pages, Plan, Request, mail_server, web_server


@frozen
class Bench:
    """
    A channel, and its other side.

    Attributes:
        payload: Something it can send.
        plan: Says what the other side does with the next one.
        taken: What the other side has: how many.
    """

    channel: Channel
    payload: Any
    plan: Callable[[Plan], None]
    taken: Callable[[], int]


Open: TypeAlias = Callable[[], AbstractAsyncContextManager[Bench]]

MAIL = Mail(
    message=1,
    message_id="1@firm.example",
    sender="ada@firm.example",
    recipient="jo@client.example",
    subject="Tea",
    text="Dear Jo",
)
MEMBERS = Members(audience="0", emails=("jo@client.example",))
SMS = Sms(message=1, number="+33612345678", text="Tea?")


async def signer() -> Signer:
    return Signer(bytes(32))


def fake(make: Callable[[], FakeChannel], payload: Any) -> Open:
    @asynccontextmanager
    async def open_() -> AsyncIterator[Bench]:
        channel = make()
        plans: dict[Plan, Callable[[], None]] = {
            "take": lambda: None,
            "refuse": channel.refuse,
            "delay": channel.delay,
            "die before": lambda: channel.break_off(after=False),
            "die after": lambda: channel.break_off(after=True),
        }
        yield Bench(channel, payload, lambda plan: plans[plan](), lambda: len(channel.sent))

    return open_


@asynccontextmanager
async def smtp() -> AsyncIterator[Bench]:
    letters = Letters()
    async with mail_server(letters) as port:
        settings = MailSettings(host=LOOPBACK, port=port, security="none")
        channel = SmtpChannel(settings, "https://crm.example", MemoryFiles(), signer)
        yield Bench(channel, MAIL, letters.plans.append, lambda: len(letters.taken))


def answered(ok: bytes) -> Callable[[Plan, Request], tuple[int, dict[str, str], bytes]]:
    def answer(plan: Plan, request: Request) -> tuple[int, dict[str, str], bytes]:
        match plan:
            case "refuse":
                return 400, {}, b'{"message": "no such box"}'
            case "delay":
                return 429, {"Retry-After": "7"}, b""
            case _:
                return 201, {"Content-Type": "application/json"}, ok

    return answer


def texting(provider: str, **given: Any) -> Open:
    @asynccontextmanager
    async def open_() -> AsyncIterator[Bench]:
        pages = Pages(answered(b'{"sid": "SM1", "id": 7}'))
        async with web_server(pages) as url:
            settings = SmsSettings(
                provider=provider,
                sender="+15557122661",
                twilio_account="AC1",
                twilio_token="t",
                twilio_url=url,
                http_url=f"{url}/send",
                http_body='{"to": "{to}", "text": "{text}"}',
                **given,
            )
            made = sms.outside_of(Settings(sms=settings), MemoryFiles(), signer)
            yield Bench(made.channels[channel_of(None)], SMS, pages.plans.append, lambda: len(pages.requests))

    return open_


def advertising(name: str) -> Open:
    @asynccontextmanager
    async def open_() -> AsyncIterator[Bench]:
        pages = Pages(answered(b'{"session_id": "7", "requestId": "7"}'))
        async with web_server(pages) as url:
            given = AdsSettings(meta_url=url, meta_token="t", google_url=url, google_token="t", google_account="1")
            made = ads.outside_of(Settings(ads=given), MemoryFiles(), signer)
            yield Bench(made.channels[name], MEMBERS, pages.plans.append, lambda: _distinct(pages))

    return open_


def _distinct(pages: Pages) -> int:
    """An audience has everybody once: the same request twice counts once, and each test sends to other audiences."""
    return len({(request.line, request.body) for request in pages.requests})


BENCHES: dict[str, Open] = {
    "fake mail": fake(FakeMail, MAIL),
    "fake sms": fake(FakeSms, SMS),
    "smtp": smtp,
    "twilio": texting("twilio"),
    "http": texting("http"),
    "fake ads": fake(FakeAds, MEMBERS),
    "meta": advertising("ads.facebook"),
    "google": advertising("ads.google"),
}


@pytest.fixture(params=BENCHES)
def bench(request: pytest.FixtureRequest) -> Open:
    return BENCHES[request.param]


async def test_what_is_sent_is_taken_once_and_its_receipt_can_be_kept(bench: Open) -> None:
    async with bench() as on:
        receipt = await on.channel.send(on.payload, "key")
        assert on.taken() == 1
        codec = Codec()
        assert codec.decode(codec.encode(receipt)) == receipt
        assert codec.decode(codec.encode(on.payload)) == on.payload


async def test_what_is_refused_is_not_taken_and_says_why(bench: Open) -> None:
    async with bench() as on:
        on.plan("refuse")
        with pytest.raises(SendRefused, match="no such"):
            await on.channel.send(on.payload, "key")
        assert on.taken() == 0


async def test_what_is_delayed_is_not_taken_and_can_be_sent_again_with_the_same_key(bench: Open) -> None:
    async with bench() as on:
        on.plan("delay")
        with pytest.raises(SendDelayed):
            await on.channel.send(on.payload, "key")
        assert on.taken() == 0
        await on.channel.send(on.payload, "key")
        assert on.taken() == 1


@pytest.mark.parametrize("plan", ["die before", "die after"])
async def test_a_line_that_dies_is_never_taken_for_a_refusal(bench: Open, plan: Plan) -> None:
    async with bench() as on:
        on.plan(plan)
        with pytest.raises((SendDelayed, OSError, httpx.HTTPError)) as raised:
            await on.channel.send(on.payload, "key")
        if plan == "die after":
            assert not isinstance(raised.value, SendDelayed)
        assert on.taken() == (plan == "die after")


async def test_several_are_sent_at_once(bench: Open) -> None:
    async with bench() as on, anyio.create_task_group() as group:
        for number in range(3):
            group.start_soon(on.channel.send, _another(on.payload, number), f"key {number}")
    assert on.taken() == 3


def _another(payload: Any, number: int) -> Any:
    if isinstance(payload, Members):
        return evolve(payload, audience=str(number))
    return evolve(payload, message=number)


async def test_where_keys_are_kept_the_same_one_twice_counts_once(bench: Open) -> None:
    async with bench() as on:
        if on.channel.deduplicates:
            await on.channel.send(on.payload, "key")
            await on.channel.send(on.payload, "key")
            assert on.taken() == 1
