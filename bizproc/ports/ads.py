"""Audiences of advertisers: who is to be shown advertisements, by hashes of their addresses."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from attrs import frozen

Advertiser: TypeAlias = Literal["facebook", "google"]

ADVERTISERS: Final[tuple[Advertiser, ...]] = ("facebook", "google")


def channel_of(advertiser: Advertiser) -> str:
    """What the channel of an advertiser is called."""
    return f"ads.{advertiser}"


@frozen(kw_only=True)
class Members:
    """
    Addresses of one person, to be put into an audience or taken out of it: the payload of a channel of audiences.

    Contract of such a channel, beside that of every channel: it deduplicates, for who is in an audience twice is in it
    once. Addresses leave it only hashed. Those that are none are left out; without any that is one it refuses. Its
    receipt is what the advertiser calls the change.

    Attributes:
        audience: What the advertiser calls it.
        account: Of the advertiser's accounts; None is the one that the settings name.
        emails, phones: As they stand in the CRM.
        remove: Take them out.
    """

    audience: str
    account: str | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    remove: bool = False
