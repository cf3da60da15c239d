"""
Audiences of advertisers, on a web server of this machine that keeps what it is asked.

The requests are compared byte by byte with what the public references show: Meta's edge `/{custom_audience_id}/users`
(a form whose `payload` is JSON of `schema` and `data`), and Google's Data Manager API, `audienceMembers:ingest` and
`:remove` (JSON of `destinations`, `audienceMembers`, `encoding`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from bizproc.adapters.ads import outside_of
from bizproc.adapters.ads.hashing import Hashed, hashed
from bizproc.adapters.ads.meta import _form
from bizproc.adapters.file_folder import MemoryFiles
from bizproc.core.errors import SendDelayed, SendRefused
from bizproc.model.tokens import Signer
from bizproc.ports.ads import Members
from bizproc.ports.channel import Outside
from bizproc.settings import AdsSettings, Settings
from tests.contract.outsiders import Pages, Plan, Request, web_server


async def signer() -> Signer:
    return Signer(bytes(32))


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


MAIL, PHONE = "jo@client.example", "+33612345678"
JO = Members(audience="123", emails=(" Jo@Client.example\t",), phones=("+33 6 12 34 56 78",))


class Server:
    """What it answers next, and the channels that ask it."""

    def __init__(self, pages: Pages, url: str, **given: Any) -> None:
        self.pages = pages
        self.answer: tuple[int, dict[str, str], bytes] = (200, {}, b"{}")
        ads = AdsSettings(meta_url=url, meta_token="meta", google_url=url, google_token="google", **given)
        made = outside_of(Settings(ads=ads, country="FR"), MemoryFiles(), signer)
        self.meta: Any = made.channels["ads.facebook"]
        self.google: Any = made.channels["ads.google"]

    @property
    def asked(self) -> Request:
        return self.pages.requests[-1]


@asynccontextmanager
async def server(**given: Any) -> AsyncIterator[Server]:
    def answer(plan: Plan, request: Request) -> tuple[int, dict[str, str], bytes]:
        return ours.answer

    pages = Pages(answer)
    async with web_server(pages) as url:
        ours = Server(pages, url, **{"google_account": "123-456-7890", **given})
        yield ours


# -- hashes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("email", "normal"),
    [
        (" Jo@Client.Example ", "jo@client.example"),
        ("j o@client.example", "jo@client.example"),
        ("JÖ@client.example", "jö@client.example"),
    ],
)
def test_addresses_are_hashed_in_small_letters_without_blanks(email: str, normal: str) -> None:
    assert hashed(Members(audience="1", emails=(email,)), "x", "", plus=True).emails == (sha(normal),)


def test_phones_are_hashed_as_the_world_writes_them() -> None:
    members = Members(audience="1", phones=("06 12 34 56 78", "+33612345678", "0033 6 12 34 56 78", "no phone"))
    assert hashed(members, "x", "FR", plus=True).phones == (sha("+33612345678"),)
    assert hashed(members, "x", "FR", plus=False).phones == (sha("33612345678"),)
    assert hashed(members, "x", "", plus=True).phones == (sha("+33612345678"),)


def test_what_cannot_be_hashed_is_left_out_and_nothing_at_all_is_refused() -> None:
    members = Members(audience="1", emails=("no address", MAIL, "a@b@c", ""), phones=("", "12"))
    found = hashed(members, "x", "", plus=True)
    assert (found.emails, found.phones) == ((sha(MAIL),), ())
    with pytest.raises(SendRefused, match="none of"):
        hashed(Members(audience="1", emails=("no address",)), "x", "", plus=True)


# -- Meta --------------------------------------------------------------------------------------------------------------


async def test_hashes_are_written_as_the_reference_of_meta_writes_them() -> None:
    """
    The page "Custom Audience Users" shows a POST to /v25.0/<CUSTOM_AUDIENCE_ID>/users, and this as its form.

    It has a value for lookalikes beside each hash, which is not ours to give: two of its hashes are here without.
    """
    shown = (
        "9b431636bd164765d63c573c346708846af4f68fe3701a77a3bdd7e7e5166254",
        "8cc62c145cd0c6dc444168eaeb1b61b351f9b1809a579cc9b4c9e9d7213a39ee",
    )
    assert _form(Hashed(emails=shown, phones=())) == (
        f"payload=%7B%22schema%22%3A%5B%22EMAIL%22%5D%2C%22data%22%3A%5B%5B%22{shown[0]}%22%5D%2C%5B%22{shown[1]}%22%5D%5D%7D"
    )


async def test_a_request_as_the_reference_of_meta_shows_it() -> None:
    members = Members(audience="2384", emails=("test@test.com", MAIL))
    async with server() as other:
        other.answer = (
            200,
            {},
            b'{"audience_id": "2384", "session_id": "77", "num_received": 2, "num_invalid_entries": 0}',
        )
        assert await other.meta.send(members, "key") == "77"
        asked = other.asked
    assert asked.line == "POST /v25.0/2384/users HTTP/1.1"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert asked.headers["authorization"] == "Bearer meta"
    first, second = "f660ab912ec121d1b1e928a0bb4bc61b15f5ad44d5efdc4e1c92a25e99b8e44a", sha(MAIL)
    assert asked.body.decode() == (
        "payload=%7B%22schema%22%3A%5B%22EMAIL%22%5D%2C%22data%22%3A%5B%5B%22"
        f"{first}%22%5D%2C%5B%22{second}%22%5D%5D%7D"
    )


async def test_meta_gets_a_row_for_each_pair_of_address_and_phone() -> None:
    members = Members(audience="1", emails=(MAIL,), phones=(PHONE, "+33612345679"))
    async with server() as other:
        await other.meta.send(members, "key")
        [payload] = parse_qs(other.asked.body.decode())["payload"]
    assert json.loads(payload) == {
        "schema": ["EMAIL", "PHONE"],
        "data": [[sha(MAIL), sha("33612345678")], ["", sha("33612345679")]],
    }


async def test_meta_takes_them_out_with_the_same_payload() -> None:
    async with server() as other:
        await other.meta.send(JO, "key")
        put = other.asked
        await other.meta.send(Members(audience="123", emails=JO.emails, phones=JO.phones, remove=True), "key 2")
        assert other.asked.line == "DELETE /v25.0/123/users HTTP/1.1"
        assert other.asked.body == put.body


@pytest.mark.parametrize(
    ("status", "error", "raised"),
    [
        (400, {"message": "Error validating access token", "code": 190}, SendRefused),
        (400, {"message": "Unsupported request: no such audience", "code": 100}, SendRefused),
        (400, {"message": "User request limit reached", "code": 17}, SendDelayed),
        (403, {"message": "There have been too many calls", "code": 80003}, SendDelayed),
        (400, {"message": "Try again", "code": 9, "is_transient": True}, SendDelayed),
        (500, {"message": "An unknown error", "code": 1}, httpx.HTTPStatusError),
    ],
)
async def test_what_meta_says_no_to(status: int, error: dict[str, Any], raised: type[Exception]) -> None:
    async with server() as other:
        other.answer = status, {}, json.dumps({"error": error}).encode()
        with pytest.raises(raised, match=error["message"]):
            await other.meta.send(JO, "key")


async def test_where_meta_could_use_nothing_it_is_refused() -> None:
    async with server() as other:
        other.answer = 200, {}, b'{"num_received": 1, "num_invalid_entries": 1}'
        with pytest.raises(SendRefused, match="none of"):
            await other.meta.send(JO, "key")


# -- Google ------------------------------------------------------------------------------------------------------------


async def test_a_request_as_the_reference_of_google_shows_it() -> None:
    """The pages "Send audience members" and "Method: audienceMembers.ingest" of the Data Manager API, version 1."""
    async with server() as other:
        other.answer = 200, {}, b'{"requestId": "126365e1"}'
        assert await other.google.send(JO, "key") == "126365e1"
        asked = other.asked
    assert asked.line == "POST /v1/audienceMembers:ingest HTTP/1.1"
    assert (asked.headers["content-type"], asked.headers["authorization"]) == ("application/json", "Bearer google")
    assert asked.body.decode() == (
        '{"destinations":[{"operatingAccount":{"accountType":"GOOGLE_ADS","accountId":"1234567890"},'
        '"productDestinationId":"123"}],'
        f'"audienceMembers":[{{"userData":{{"userIdentifiers":[{{"emailAddress":"{sha(MAIL)}"}},'
        f'{{"phoneNumber":"{sha(PHONE)}"}}]}}}}],'
        '"encoding":"HEX",'
        '"termsOfService":{"customerMatchTermsOfServiceStatus":"ACCEPTED"}}'
    )


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("granted", {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}),
        ("denied", {"adUserData": "CONSENT_DENIED", "adPersonalization": "CONSENT_DENIED"}),
        ("unspecified", None),
    ],
)
async def test_google_is_told_of_consent_what_the_settings_say(setting: str, said: object) -> None:
    async with server(google_consent=setting) as other:
        await other.google.send(JO, "key")
        assert json.loads(other.asked.body).get("consent") == said


async def test_google_takes_them_out_without_a_word_of_consent() -> None:
    async with server(google_consent="granted") as other:
        await other.google.send(Members(audience="123", account="9", emails=(MAIL,), remove=True), "key")
        assert other.asked.line == "POST /v1/audienceMembers:remove HTTP/1.1"
        assert other.asked.body.decode() == (
            '{"destinations":[{"operatingAccount":{"accountType":"GOOGLE_ADS","accountId":"9"},'
            '"productDestinationId":"123"}],'
            f'"audienceMembers":[{{"userData":{{"userIdentifiers":[{{"emailAddress":"{sha(MAIL)}"}}]}}}}],'
            '"encoding":"HEX"}'
        )


async def test_a_member_at_google_has_ten_identifiers_at_most() -> None:
    members = Members(audience="1", emails=tuple(f"{number}@client.example" for number in range(23)))
    async with server() as other:
        await other.google.send(members, "key")
        parts = json.loads(other.asked.body)["audienceMembers"]
    assert [len(part["userData"]["userIdentifiers"]) for part in parts] == [10, 10, 3]


async def test_what_google_says_no_to() -> None:
    async with server() as other:
        for status, said in ((401, "invalid authentication credentials"), (404, "no such audience")):
            other.answer = status, {}, json.dumps({"error": {"code": status, "message": said}}).encode()
            with pytest.raises(SendRefused, match=said):
                await other.google.send(JO, "key")
        other.answer = 429, {}, b"{}"
        with pytest.raises(SendDelayed):
            await other.google.send(JO, "key")


async def test_without_an_account_google_is_not_asked() -> None:
    async with server(google_account="") as other:
        with pytest.raises(SendRefused, match=r"ads\.google_account"):
            await other.google.send(JO, "key")
        assert other.pages.requests == []


async def test_no_address_leaves_the_house_in_the_clear() -> None:
    async with server() as other:
        for channel in (other.meta, other.google):
            await channel.send(JO, "key")
        for request in other.pages.requests:
            whole = (request.line + str(request.headers) + request.body.decode()).lower()
            assert "client" not in whole
            assert "612345678" not in whole


def test_only_those_with_a_token_are_there() -> None:
    assert outside_of(Settings(), MemoryFiles(), signer) == Outside()
    made = outside_of(Settings(ads=AdsSettings(google_token="t")), MemoryFiles(), signer)
    assert list(made.channels) == ["ads.google"]
