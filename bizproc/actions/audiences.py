"""Actions that put the client of an item into an audience of an advertiser, and take them out again later."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any, ClassVar

from attrs import evolve, frozen

from bizproc.core.action import ItemAction, Target, action_type, between, option
from bizproc.core.commands import Delivered, Outgoing, Settling, Verdict
from bizproc.core.errors import NoClientAddress, WrongValue
from bizproc.model.audiences import AudienceChange
from bizproc.model.days import days_later
from bizproc.model.references import ItemRef
from bizproc.ports.ads import Advertiser, Members, channel_of
from bizproc.ports.crm import Crm
from bizproc.ports.performing import FollowUp


@frozen
class Removing(Settling):
    """What is done when it is known whether they were taken out again: only that they were not is told."""

    item: ItemRef
    advertiser: str

    async def settle(self, port: Crm, verdict: Verdict) -> None:
        if verdict.fate != "accepted":
            what = f"The client is still in an audience of {self.advertiser}: {verdict.reason}"
            await port.tell_error(self.item, what)


@frozen
class Adding(Settling):
    """What is done when it is known whether they were put in: if so, they are taken out again in so many days."""

    item: ItemRef
    advertiser: Advertiser
    members: Members
    days: int

    async def settle(self, port: Crm, verdict: Verdict) -> AudienceChange:
        members, performing = self.members, port.performing
        remove_at = days_later(performing.now, self.days, port.portal.zone) if self.days else None
        if remove_at is not None and verdict.fate == "accepted":
            removal = Outgoing(
                channel_of(self.advertiser), evolve(members, remove=True), Removing(self.item, self.advertiser)
            )
            performing.follow_up(FollowUp("remove", removal, remove_at))
        return AudienceChange(
            advertiser=self.advertiser,
            audience=members.audience,
            account=members.account,
            emails=len(members.emails),
            phones=len(members.phones),
            remove_at=remove_at,
            receipt=str(verdict.receipt or ""),
        )


class _AddToAudience(ItemAction[AudienceChange], Delivered[AudienceChange]):
    """Put the client of an item into an audience."""

    advertiser: ClassVar[Advertiser]
    audience: str
    account: str | None
    remove_after_days: int | None

    __slots__ = ()

    @property
    def result_type(self) -> Any:
        return AudienceChange

    async def perform(self, port: Crm) -> Any:
        ref = await port.resolve(self.target.kind, self.target.id)
        for name, value in (("audience", self.audience), ("account", "-" if self.account is None else self.account)):
            if not value.strip() or not value.isprintable():
                expected = "what the advertiser calls it"
                raise WrongValue(action=self.name, parameter=name, expected=expected, got=repr(value[:100]))
        emails, phones = await port.client_addresses(ref, "emails"), await port.client_addresses(ref, "phones")
        if not emails and not phones:
            raise NoClientAddress(kind=ref.kind, id=ref.id, wanted="emails, phones")
        members = Members(audience=self.audience.strip(), account=self.account, emails=emails, phones=phones)
        settling = Adding(ref, self.advertiser, members, self.remove_after_days or 0)
        return Outgoing(channel_of(self.advertiser), members, settling)


_LONGEST = 3650


@action_type("crm.add_to_facebook_audience")
class AddToFacebookAudience(_AddToAudience):
    """
    Put the client of the item into a custom audience at Facebook, by hashes of all their addresses and phones.

    Those of the item itself; if it has none, those of its contacts and its company. Nothing of the CRM changes.
    Heading 6.

    Args:
        audience: The number of the custom audience.
        account: Of the advertiser at Facebook; it is not asked for.
        remove_after_days: After so many days they are taken out again, at the same time of the day; 0 or None: never.

    Raises:
        NoClientAddress: neither an address nor a phone.
        ItemNotFound: no such item.
        WrongValue: an audience that is none; days below 0 or above 3650.
        ChannelMissing: no account at Facebook is set up.
        SendRefused: Facebook will not do it: not authorised, no such audience, no address of use.
    """

    advertiser: ClassVar[Advertiser] = "facebook"

    target: Target
    audience: str
    _: KW_ONLY
    account: str | None = option(default=None)
    remove_after_days: int | None = option(default=7, validator=between(0, _LONGEST))


@action_type("crm.add_to_google_audience")
class AddToGoogleAudience(_AddToAudience):
    """
    Put the client of the item into a customer list at Google Ads, by hashes of all their addresses and phones.

    Those of the item itself; if it has none, those of its contacts and its company. Nothing of the CRM changes.
    Heading 7.

    Args:
        audience: The number of the customer list.
        account: Of the advertiser at Google Ads; that of the settings if left out.
        remove_after_days: After so many days they are taken out again, at the same time of the day; 0 or None: never.

    Raises:
        NoClientAddress: neither an address nor a phone.
        ItemNotFound: no such item.
        WrongValue: an audience or an account that is none; days below 0 or above 3650.
        ChannelMissing: no account at Google is set up.
        SendRefused: Google will not do it: not authorised, no such audience, no address of use.
    """

    advertiser: ClassVar[Advertiser] = "google"

    target: Target
    audience: str
    _: KW_ONLY
    account: str | None = option(default=None)
    remove_after_days: int | None = option(default=7, validator=between(0, _LONGEST))
