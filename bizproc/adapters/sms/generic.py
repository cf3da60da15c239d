"""Text messages through any provider that takes one POST: the settings say where to and what."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from bizproc.adapters.phones import e164
from bizproc.adapters.web_requests import ask, json_of
from bizproc.core.errors import SettingsError
from bizproc.ports.sms import Report, Sms, StatusUrl, channel_of
from bizproc.settings import Settings

_HOLE: Final = re.compile(r"\{(to|from|text|key|status_url)\}")
_NAMES: Final = ("id", "message_id", "messageId", "sid")
"""How providers call what they have taken."""


class Generic:
    """The provider of the settings `sms.http_…`."""

    name = channel_of("http")

    def __init__(self, settings: Settings, status_url: StatusUrl) -> None:
        self._settings = settings.sms
        self._country = settings.country
        self._status_url = status_url
        self._is_json = settings.sms.http_body.lstrip().startswith("{")
        self.deduplicates = settings.sms.http_deduplicates

    async def send(self, payload: Sms, key: str) -> str:
        """Send a text message; the receipt is what the provider calls it. See `ports/channel.py`."""
        values = {
            # What cannot be read as a number is for the provider to judge: it may know shorter ones.
            "to": e164(payload.number, self._country) or payload.number,
            "from": payload.sender or self._settings.sender,
            "text": payload.text,
            "key": key,
            "status_url": await self._status_url(payload.message),
        }
        kind = "application/json" if self._is_json else "application/x-www-form-urlencoded"
        headers = {"Content-Type": kind, "Idempotency-Key": quote(key)}
        if self._settings.http_token:
            headers["Authorization"] = f"Bearer {self._settings.http_token}"
        body = _HOLE.sub(lambda hole: self._written(values[hole[1]]), self._settings.http_body)
        found = json_of(await ask(self.name, self._settings.http_url, body, headers))
        called = next((found[name] for name in _NAMES if name in found), "") if isinstance(found, dict) else ""
        return str(called)[:200]

    def _written(self, value: str) -> str:
        return json.dumps(value)[1:-1] if self._is_json else quote(value, safe="")

    def report(self, form: Mapping[str, str]) -> Report | None:
        """`status=delivered`, or `failed` with a `reason`, in a form posted to {status_url}."""
        status = form.get("status", "")
        return Report(status, form.get("reason", "")) if status in ("sent", "delivered", "failed") else None


def make(settings: Settings, status_url: StatusUrl) -> Generic:
    """That provider, if the settings say all of it."""
    for name, value in (("http_url", settings.sms.http_url), ("http_body", settings.sms.http_body)):
        if not value:
            raise SettingsError(where=f"sms.{name}", detail="the provider `http` cannot be asked without it.")
    return Generic(settings, status_url)
