"""What was done to an audience of an advertiser."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen


@frozen(kw_only=True)
class AudienceChange:
    """
    Addresses that were put into an audience.

    Attributes:
        advertiser: `facebook` or `google`.
        account: The one that was named; None is the one of the settings.
        emails, phones: How many of them.
        remove_at: When they are taken out again; None for never.
        receipt: What the advertiser calls the change.
    """

    advertiser: str
    audience: str
    account: str | None = None
    emails: int = 0
    phones: int = 0
    remove_at: datetime | None = None
    receipt: str = ""
