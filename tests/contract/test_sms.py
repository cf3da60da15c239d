"""
Providers of text messages, on a web server of this machine that keeps what it is asked.

What Twilio is sent is compared byte by byte with what the request for curl becomes that Twilio's public reference shows
(the page "Message resource", "Create a Message": `--data-urlencode` of Body, From and To, with these numbers and this
text, and the account and its token as user and password); StatusCallback is the parameter of that page.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from bizproc.adapters.file_folder import MemoryFiles
from bizproc.adapters.phones import e164
from bizproc.adapters.sms import outside_of
from bizproc.core.errors import SendDelayed, SendRefused, SettingsError
from bizproc.model.tokens import Signer
from bizproc.ports.channel import Outside
from bizproc.ports.sms import Provider, Report, Sms
from bizproc.settings import Settings, SmsSettings
from tests.contract.outsiders import Pages, Plan, Request, web_server

SIGNER = Signer(bytes(32))
STATUS = f"https%3A%2F%2Fcrm.example%2Fsms%2Fstatus%2F{SIGNER.token('sms', 7)}"


async def signer() -> Signer:
    return SIGNER


def made(settings: SmsSettings, **given: Any) -> Outside:
    whole = Settings(sms=settings, **given)
    return outside_of(_public(whole), MemoryFiles(), signer)


def _public(settings: Settings) -> Settings:
    from attrs import evolve

    return evolve(settings, web=evolve(settings.web, public_url="https://crm.example/"))


class Server:
    """What it answers next, and the provider that asks it."""

    def __init__(self, pages: Pages, provider: Any) -> None:
        self.pages = pages
        self.provider: Any = provider
        self.answer: tuple[int, dict[str, str], bytes] = (201, {}, b'{"sid": "SM1"}')

    async def sent(self, number: str = "+15558675310", text: str = "Hi there", sender: str | None = None) -> Request:
        self.receipt = await self.provider.send(Sms(message=7, number=number, text=text, sender=sender), "tea-1/0 é")
        return self.pages.requests[-1]


@asynccontextmanager
async def server(country: str = "", **given: Any) -> AsyncIterator[Server]:
    def answer(plan: Plan, request: Request) -> tuple[int, dict[str, str], bytes]:
        return ours.answer

    pages = Pages(answer)
    async with web_server(pages) as url:
        fields: dict[str, Any] = {"provider": "twilio", "sender": "+15557122661", **given}
        if fields["provider"] == "twilio":
            fields = {"twilio_account": "AC1", "twilio_token": "token", "twilio_url": url, **fields}
        else:
            fields = {"http_url": f"{url}/send?x=1", **fields}
        ours = Server(pages, made(SmsSettings(**fields), country=country).channels["sms"])
        yield ours


# -- Twilio ------------------------------------------------------------------------------------------------------------


async def test_a_message_as_the_reference_of_twilio_shows_it() -> None:
    async with server() as twilio:
        request = await twilio.sent()
    assert request.line == "POST /2010-04-01/Accounts/AC1/Messages.json HTTP/1.1"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"AC1:token").decode()
    assert request.body.decode() == f"Body=Hi%20there&From=%2B15557122661&StatusCallback={STATUS}&To=%2B15558675310"
    assert twilio.receipt == "SM1"


async def test_a_messaging_service_sends_in_place_of_a_number() -> None:
    async with server(sender="MG9752274e9e519418a7406176694466fa") as twilio:
        request = await twilio.sent()
    assert b"&MessagingServiceSid=MG9752274e9e519418a7406176694466fa&" in request.body
    assert b"From=" not in request.body


async def test_a_sender_of_its_own_and_letters_of_all_the_world() -> None:
    async with server() as twilio:
        request = await twilio.sent(text="Thé & 🍵\n+1", sender="Tea Ltd")
    assert request.body.startswith(b"Body=Th%C3%A9%20%26%20%F0%9F%8D%B5%0A%2B1&From=Tea%20Ltd&")


@pytest.mark.parametrize(
    ("number", "country", "dialled"),
    [
        ("+33 6 12-34.56(78)", "", "+33612345678"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("0033612345678", "FR", "+33612345678"),
        ("(555) 867-5310", "US", "+15558675310"),
        ("06 12 34 56 78", "", None),
        ("no number", "FR", None),
        ("", "FR", None),
        ("+33", "", None),
        ("+336" * 1000, "", None),
        ("+33612345678\r\nX: y", "", None),
        ("٠٦١٢٣٤٥٦٧٨", "FR", "+33612345678"),
    ],
)
async def test_numbers_are_dialled_as_the_world_writes_them(number: str, country: str, dialled: str | None) -> None:
    assert e164(number, country) == dialled
    async with server(country=country) as twilio:
        if dialled is None:
            with pytest.raises(SendRefused, match="no number"):
                await twilio.sent(number=number)
            assert twilio.pages.requests == []
        else:
            assert (await twilio.sent(number=number)).body.endswith(f"To=%2B{dialled[1:]}".encode())


async def test_what_twilio_says_no_to_it_will_not_do() -> None:
    async with server() as twilio:
        said = {"code": 21211, "message": "Invalid 'To' Phone Number: +1555", "status": 400}
        twilio.answer = 400, {}, json.dumps(said).encode()
        with pytest.raises(SendRefused, match=r"400 Invalid 'To' Phone Number"):
            await twilio.sent()
        twilio.answer = 401, {}, b'{"code": 20003, "message": "Authenticate"}'
        with pytest.raises(SendRefused, match="401 Authenticate") as raised:
            await twilio.sent()
        assert "token" not in str(raised.value)
        twilio.answer = 302, {"Location": "https://evil.example/"}, b""
        with pytest.raises(SendRefused, match="302"):
            await twilio.sent()


async def test_patience_is_asked_for_and_its_end_said() -> None:
    async with server() as twilio:
        for said, seconds in (("7", 7.0), ("9999999", 86_400.0), ("soon", None), ("-1", None), ("nan", None)):
            twilio.answer = 429, {"Retry-After": said}, b""
            with pytest.raises(SendDelayed) as raised:
                await twilio.sent()
            assert raised.value.again_after == seconds


async def test_of_an_error_of_its_own_nobody_knows() -> None:
    async with server() as twilio:
        twilio.answer = 503, {}, b"<html>busy</html>"
        with pytest.raises(httpx.HTTPStatusError, match="503"):
            await twilio.sent()


async def test_a_provider_that_nobody_reaches_is_asked_later() -> None:
    twilio: Any = made(
        SmsSettings(
            provider="twilio", sender="x", twilio_account="A", twilio_token="t", twilio_url="http://127.0.0.1:1"
        )
    ).channels["sms"]
    with pytest.raises(SendDelayed, match="reached"):
        await twilio.send(Sms(message=1, number="+15558675310", text="x"), "key")


@pytest.mark.parametrize("body", [b"", b"[]", b"not json", b"[" * 100_000, b'{"sid": null}'])
async def test_whatever_it_answers_once_it_has_taken_it_is_a_receipt(body: bytes) -> None:
    async with server() as twilio:
        twilio.answer = 200, {}, body
        await twilio.sent()
        assert isinstance(twilio.receipt, str)


@pytest.mark.parametrize(
    ("form", "report"),
    [
        ({"MessageStatus": "delivered", "MessageSid": "SM1"}, Report("delivered")),
        ({"MessageStatus": "read"}, Report("delivered")),
        ({"MessageStatus": "sent"}, Report("sent")),
        ({"MessageStatus": "undelivered", "ErrorCode": "30003"}, Report("failed", "error 30003")),
        ({"MessageStatus": "failed"}, Report("failed")),
        ({"MessageStatus": "queued"}, None),
        ({"MessageStatus": "what else"}, None),
        ({}, None),
    ],
)
def test_what_twilio_reports(form: Mapping[str, str], report: Report | None) -> None:
    twilio: Any = made(SmsSettings(provider="twilio", sender="x", twilio_account="A", twilio_token="t")).channels["sms"]
    assert twilio.report(form) == report


# -- any other ---------------------------------------------------------------------------------------------------------


async def test_a_provider_that_is_described_in_json() -> None:
    body = '{"to": "{to}", "from": "{from}", "text": "{text}", "ref": "{key}", "in": {"url": "{status_url}", "{x}": 1}}'
    async with server(provider="http", http_body=body, http_token="secret", country="FR") as other:
        other.answer = 200, {}, b'{"id": 12}'
        request = await other.sent("06 12 34 56 78", 'Thé "now"\n{to}')
    assert request.line == "POST /send?x=1 HTTP/1.1"
    assert (request.headers["content-type"], request.headers["authorization"]) == ("application/json", "Bearer secret")
    assert request.headers["idempotency-key"] == "tea-1/0%20%C3%A9"
    assert json.loads(request.body) == {
        "to": "+33612345678",
        "from": "+15557122661",
        "text": 'Thé "now"\n{to}',
        "ref": "tea-1/0 é",
        "in": {"url": f"https://crm.example/sms/status/{SIGNER.token('sms', 7)}", "{x}": 1},
    }
    assert other.receipt == "12"


async def test_a_provider_that_is_described_as_a_form() -> None:
    async with server(provider="http", http_body="to={to}&msg={text}&ref={key}") as other:
        request = await other.sent("3123", "a&b=c\n")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "authorization" not in request.headers
    assert request.body == b"to=3123&msg=a%26b%3Dc%0A&ref=tea-1%2F0%20%C3%A9"


def test_whether_such_a_provider_keeps_keys_is_for_the_settings_to_say() -> None:
    for keeps in (True, False):
        settings = SmsSettings(provider="http", http_url="http://x", http_body="{to}", http_deduplicates=keeps)
        assert made(settings).channels["sms"].deduplicates is keeps


def test_what_such_a_provider_reports() -> None:
    other: Any = made(SmsSettings(provider="http", http_url="http://x", http_body="{to}")).channels["sms"]
    assert other.report({"status": "failed", "reason": "off"}) == Report("failed", "off")
    assert other.report({"status": "lost"}) is None


# -- which there are ---------------------------------------------------------------------------------------------------


def test_the_default_and_every_other_that_the_settings_speak_of() -> None:
    assert made(SmsSettings()) == Outside()
    twilio = {"sender": "x", "twilio_account": "A", "twilio_token": "t"}
    http = {"http_url": "http://x", "http_body": "{to}"}
    assert list(made(SmsSettings(provider="twilio", **twilio)).channels) == ["sms.twilio", "sms"]  # type: ignore[arg-type]
    both = made(SmsSettings(provider="http", **twilio, **http)).channels  # type: ignore[arg-type]
    assert both["sms"] is both["sms.http"]
    assert "sms.twilio" in both


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"provider": "pigeon"}, "no 'pigeon'"),
        ({"provider": "twilio"}, "twilio_account"),
        ({"twilio_account": "A"}, "sms.sender"),
        ({"twilio_account": "A", "sender": "x"}, "BIZPROC_SMS_TWILIO_TOKEN"),
        ({"provider": "http"}, "http_url"),
        ({"http_url": "http://x"}, "http_body"),
    ],
)
def test_a_provider_of_which_not_all_is_said_is_named_at_once(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        made(SmsSettings(**given))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package with a provider of its own."""
    info = tmp_path / "pigeon-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pigeon\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[bizproc.sms]\npigeon = pigeon_post:make\n")
    (tmp_path / "pigeon_post.py").write_text(
        "from bizproc.testing import FakeSms\n\n\ndef make(settings, status_url):\n    return FakeSms()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pigeon_post", raising=False)
    return tmp_path


async def test_a_package_brings_a_provider(package: Path) -> None:
    channels = made(SmsSettings(provider="pigeon")).channels
    pigeon: Provider = channels["sms"]  # type: ignore[assignment]
    assert channels["sms.pigeon"] is pigeon
    assert await pigeon.send(Sms(message=1, number="+1", text="x"), "key") == "SMkey"


def test_a_provider_that_cannot_be_loaded_is_named(package: Path) -> None:
    (package / "pigeon_post.py").write_text("raise RuntimeError('no wings')")
    with pytest.raises(SettingsError, match=r"'pigeon' cannot be loaded: no wings"):
        made(SmsSettings())
