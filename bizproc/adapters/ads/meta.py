"""Custom audiences at Meta, through its public Marketing API: the edge `users` of an audience."""

from __future__ import annotations

import json
from itertools import zip_longest
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx

from bizproc.adapters.ads.hashing import Hashed, hashed
from bizproc.adapters.web_requests import ask, json_of
from bizproc.core.errors import SendRefused
from bizproc.ports.ads import Members, channel_of
from bizproc.settings import AdsSettings

_BUSY: Final = frozenset({1, 2, 4, 17, 32, 341, 613, 80003})
"""Codes of errors that pass: too many calls, or something of its own."""


class Meta:
    """One advertiser at Meta."""

    name = channel_of("facebook")
    deduplicates = True

    def __init__(self, settings: AdsSettings, country: str) -> None:
        self._settings = settings
        self._country = country

    async def send(self, payload: Members, key: str) -> str:
        """Add or remove; the receipt is the session's number. See `ports/channel.py` and `ports/ads.py`."""
        found = hashed(payload, self.name, self._country, plus=False)
        body = _form(found)
        base = f"{self._settings.meta_url.rstrip('/')}/{self._settings.meta_version}"
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": f"Bearer {self._settings.meta_token}",
        }
        answer = await ask(
            self.name,
            f"{base}/{quote(payload.audience, safe='')}/users",
            body,
            headers,
            method="DELETE" if payload.remove else "POST",
            is_busy=_is_busy,
        )
        return self._receipt(json_of(answer))

    def _receipt(self, answer: Any) -> str:
        if not isinstance(answer, dict):
            return ""
        received, invalid = answer.get("num_received"), answer.get("num_invalid_entries")
        if received and received == invalid:
            raise SendRefused(channel=self.name, reason="it could use none of the addresses")
        return str(answer.get("session_id", ""))


def _form(found: Hashed) -> str:
    return urlencode({"payload": json.dumps(_payload(found), separators=(",", ":"))}, quote_via=quote, safe="")


def _payload(found: Hashed) -> dict[str, Any]:
    """Columns for what there is; a row for each pair, with nothing where one list is shorter."""
    columns = {"EMAIL": found.emails, "PHONE": found.phones}
    filled = {name: hashes for name, hashes in columns.items() if hashes}
    return {"schema": list(filled), "data": [list(row) for row in zip_longest(*filled.values(), fillvalue="")]}


def _is_busy(answer: httpx.Response) -> bool:
    found = json_of(answer)
    error = found.get("error") if isinstance(found, dict) else None
    return isinstance(error, dict) and (error.get("is_transient") is True or error.get("code") in _BUSY)
