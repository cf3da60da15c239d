"""Customer lists at Google Ads, through its public Data Manager API: `audienceMembers:ingest` and `:remove`."""

from __future__ import annotations

import json
from typing import Any, Final

from bizproc.adapters.ads.hashing import Hashed, hashed
from bizproc.adapters.web_requests import ask, json_of
from bizproc.core.errors import SendRefused
from bizproc.ports.ads import Members, channel_of
from bizproc.settings import AdsSettings

_MOST: Final = 10
"""Identifiers that one member may have."""

# Only who runs the CRM knows what people have agreed to: nothing is said for them.
_CONSENT: Final = {"granted": "CONSENT_GRANTED", "denied": "CONSENT_DENIED"}


class Google:
    """One advertiser at Google."""

    name = channel_of("google")
    deduplicates = True

    def __init__(self, settings: AdsSettings, country: str) -> None:
        self._settings = settings
        self._country = country

    async def send(self, payload: Members, key: str) -> str:
        """Add or remove; the receipt is the request's number. See `ports/channel.py` and `ports/ads.py`."""
        account = payload.account or self._settings.google_account
        if not account:
            reason = "no account is named, neither by the process nor by the setting ads.google_account"
            raise SendRefused(channel=self.name, reason=reason)
        found = hashed(payload, self.name, self._country, plus=True)
        body: dict[str, Any] = {
            "destinations": [
                {
                    "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": account.replace("-", "")},
                    "productDestinationId": payload.audience,
                }
            ],
            "audienceMembers": _members(found),
            "encoding": "HEX",
        }
        if not payload.remove:
            # Who uses this has agreed to them in the account; Google takes nobody in without the word.
            body["termsOfService"] = {"customerMatchTermsOfServiceStatus": "ACCEPTED"}
            consent = _CONSENT.get(self._settings.google_consent)
            if consent is not None:
                body["consent"] = {"adUserData": consent, "adPersonalization": consent}
        word = "remove" if payload.remove else "ingest"
        url = f"{self._settings.google_url.rstrip('/')}/v1/audienceMembers:{word}"
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._settings.google_token}"}
        answer = json_of(await ask(self.name, url, json.dumps(body, separators=(",", ":")), headers))
        return str(answer.get("requestId", "")) if isinstance(answer, dict) else ""


def _members(found: Hashed) -> list[dict[str, Any]]:
    identifiers = [{"emailAddress": each} for each in found.emails]
    identifiers += [{"phoneNumber": each} for each in found.phones]
    parts = (identifiers[begun : begun + _MOST] for begun in range(0, len(identifiers), _MOST))
    return [{"userData": {"userIdentifiers": part}} for part in parts]
