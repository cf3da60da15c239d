"""Text messages through Twilio's public interface: the resource Message of the API of 2010-04-01."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from bizproc.adapters.phones import e164
from bizproc.adapters.web_requests import ask, json_of
from bizproc.core.errors import SendRefused, SettingsError
from bizproc.ports.sms import Report, Sms, StatusUrl, channel_of
from bizproc.settings import Settings

_SERVICE: Final = "MG"
"""The beginning of the name of a messaging service, which has several numbers to send from."""

_STATUSES: Final = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "failed",
    "failed": "failed",
}


class Twilio:
    """One account at Twilio. It has no idempotency keys: a message that may have been sent is not sent again."""

    name = channel_of("twilio")
    deduplicates = False

    def __init__(self, settings: Settings, status_url: StatusUrl) -> None:
        self._settings = settings.sms
        self._country = settings.country
        self._status_url = status_url
        account = quote(self._settings.twilio_account, safe="")
        self._url = f"{self._settings.twilio_url.rstrip('/')}/2010-04-01/Accounts/{account}/Messages.json"

    async def send(self, payload: Sms, key: str) -> str:
        """Send a text message; the receipt is its SID. See `ports/channel.py`."""
        number = e164(payload.number, self._country)
        if number is None:
            raise SendRefused(channel=self.name, reason=f"{payload.number!r} is no number that can be dialled")
        sender = payload.sender or self._settings.sender
        form = {
            "Body": payload.text,
            ("MessagingServiceSid" if sender.startswith(_SERVICE) else "From"): sender,
            "StatusCallback": await self._status_url(payload.message),
            "To": number,
        }
        answer = await ask(
            self.name,
            self._url,
            urlencode(form, quote_via=quote, safe=""),
            {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            user=(self._settings.twilio_account, self._settings.twilio_token),
        )
        found = json_of(answer)
        return str(found.get("sid", "")) if isinstance(found, dict) else ""

    def report(self, form: Mapping[str, str]) -> Report | None:
        """What Twilio posts to `StatusCallback`; None for a state on the way."""
        status = _STATUSES.get(form.get("MessageStatus", ""))
        if status is None:
            return None
        code = form.get("ErrorCode", "")
        return Report(status, f"error {code[:20]}" if status == "failed" and code else "")


def make(settings: Settings, status_url: StatusUrl) -> Twilio:
    """Twilio, if the settings say all of it."""
    sms = settings.sms
    for name, value in (("twilio_account", sms.twilio_account), ("sender", sms.sender)):
        if not value:
            raise SettingsError(where=f"sms.{name}", detail="Twilio cannot send without it.")
    if not sms.twilio_token:
        detail = "Twilio cannot be asked without its token: set the variable BIZPROC_SMS_TWILIO_TOKEN."
        raise SettingsError(where="sms.twilio_token", detail=detail)
    return Twilio(settings, status_url)
