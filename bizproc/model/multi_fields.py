"""Typed multi-fields: phones, e-mail addresses, web pages and messengers, each with what it is for."""

from __future__ import annotations

from typing import Final

from attrs import frozen


@frozen
class MultiField:
    """
    One of several phones, addresses or the like.

    Attributes:
        value: As it was entered.
        type: What it is for: WORK, MOBILE, HOME…
    """

    value: str
    type: str = "WORK"


MULTI_FIELD_TYPES: Final[dict[str, tuple[str, ...]]] = {
    "phones": ("WORK", "MOBILE", "FAX", "HOME", "PAGER", "MAILING", "OTHER"),
    "emails": ("WORK", "HOME", "MAILING", "OTHER"),
    "webs": ("WORK", "HOME", "FACEBOOK", "VK", "LIVEJOURNAL", "TWITTER", "OTHER"),
    "ims": (
        "OTHER",
        *(
            "FACEBOOK",
            "TELEGRAM",
            "VK",
            "SKYPE",
            "VIBER",
            "INSTAGRAM",
            "BITRIX24",
            "OPENLINE",
            "IMOL",
            "ICQ",
            "MSN",
            "JABBER",
        ),
    ),
}
"""By field, the types it knows; the first is meant where none is given."""
