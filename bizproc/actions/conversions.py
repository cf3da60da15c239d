"""
Actions that make items out of others: conversions, a lead's contact, a client's next lead.

Which fields are copied stands in `model/conversions.py`; rows, custom fields and links are copied here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import KW_ONLY
from typing import Any, Final

from bizproc.actions.people import any_of, first_of, names_users
from bizproc.core.action import ItemAction, Target, action_type, option
from bizproc.core.errors import (
    ActionError,
    AlreadyConverted,
    ConversionRefused,
    NoClient,
    UnknownPipeline,
    WrongValue,
)
from bizproc.model.contacts import Contact
from bizproc.model.conversions import COPIED, CUSTOMER, Conversion
from bizproc.model.deals import Deal
from bizproc.model.fields import writable
from bizproc.model.kinds import class_of
from bizproc.model.leads import Lead
from bizproc.model.products import ProductRow
from bizproc.model.references import ItemRef, ref_of
from bizproc.model.users import Users
from bizproc.ports.crm import Crm

CONVERTED: Final = "CONVERTED"
"""The status of a lead that was converted."""

NAMELESS: Final = "Without a name"
"""What a contact is called of whom nothing is known."""

REPEAT_LEAD: Final = "Repeat lead"
"""What a lead of a client who returns is called."""


# -- a lead ------------------------------------------------------------------------------------------------------------


@action_type("crm.convert")
class ConvertLead(ItemAction[Conversion]):
    """
    Convert the lead: make a company, a contact and a deal of it, in this order, link them, and move it to CONVERTED.

    What is asked for gets the lead's fields, custom ones included (those that its kind does not have are defined), and
    the deal its product rows, but for those that stand in a deal of this lead already. Activities and comments of the
    lead stand beside all of them from then on. Where the customer returns, the clients that are linked are used, and
    only a deal is made. The instance goes on.

    If one of them cannot be made, nothing is, and the person in charge is given a to-do that says why. Heading 19.

    Args:
        deal: Make a deal.
        contact: Make a contact.
        company: Make a company.
        responsible: Who is in charge of them; the first user, if several. Who is in charge of the lead if left out.
        pipeline: Of the deal: its id; the general one if left out.
        keep_activities_open: If not, the open activities of the lead are completed with it.

    Raises:
        WrongValue: nothing is asked for.
        AlreadyConverted: it was converted before, or is in its success status.
        ConversionRefused: something could not be made.
        UnknownPipeline: no such pipeline of deals.
        UnknownUser: no such user.
        ItemNotFound: no such lead.
    """

    target: Target
    _: KW_ONLY
    deal: bool = option(default=False)
    contact: bool = option(default=False)
    company: bool = option(default=False)
    responsible: Users | None = option(default=None, validator=names_users)
    pipeline: int | None = option(default=None)
    keep_activities_open: bool = option(default=True)

    async def perform(self, port: Crm) -> Conversion:
        if not (self.deal or self.contact or self.company):
            raise _nothing_asked(self.name, "deal", "deal, contact or company")
        ref = await port.resolve(self.target.kind, self.target.id)
        lead: Lead = await port.read(ref)
        if lead.semantics == "success":
            raise AlreadyConverted(kind=ref.kind, id=ref.id, stage=lead.stage)
        making = _Making(port, lead, await _in_charge(port, self.responsible, lead))
        company, contacts = lead.company_id, lead.contact_ids
        if not _returns(lead):
            company = await self._company(making, lead) if self.company else None
            contacts = (await self._contact(making, lead, company),) if self.contact else ()
        deal = await self._deal(making, lead, company, contacts) if self.deal else None
        links = {"company_id": company, "contact_ids": contacts, "stage": CONVERTED}
        await making.trying("lead of the status CONVERTED", port.update(ref, links))
        await self._hand_over(port, ref, making.made)
        made = Conversion(deal_id=deal, contact_id=next(iter(contacts), None), company_id=company)
        await _record(port, ref, made)
        return made

    async def _company(self, making: _Making, lead: Lead) -> int:
        title = lead.company_title.strip() or lead.title.strip() or NAMELESS
        return await making.make("company", {"title": title})

    async def _contact(self, making: _Making, lead: Lead, company: int | None) -> int:
        return await making.make("contact", {**_named(lead), "lead_id": lead.id, "company_id": company})

    async def _deal(self, making: _Making, lead: Lead, company: int | None, contacts: tuple[int, ...]) -> int:
        port = making.port
        rows = await _rows_left(port, ref_of(lead))
        return await making.make(
            "deal",
            {
                "lead_id": lead.id,
                "company_id": company,
                "contact_ids": contacts,
                "type": await _first_of_list(port, "DEAL_TYPE"),
                "pipeline": self.pipeline or 0,
                **_amount_by_hand(lead),
            },
            rows,
        )

    async def _hand_over(self, port: Crm, ref: ItemRef, made: list[ItemRef]) -> None:
        """What stands beside the lead: it follows, and what is open stays so or not."""
        await port.share_timeline(ref, made)
        for deal in made:
            if deal.kind == "deal":
                await port.pass_on_waits(ref, deal)
        if self.keep_activities_open:
            return
        for activity in await port.activities(ref):
            if not activity.completed:
                await port.complete_activity(ref, activity.id)


def _returns(lead: Lead) -> bool:
    """Whether its client is known already."""
    return bool(lead.company_id or lead.contact_ids)


async def _rows_left(port: Crm, lead: ItemRef) -> tuple[ProductRow, ...]:
    """The lead's rows without those that its deals have already, each taken away once."""
    taken: Counter[tuple[Any, ...]] = Counter()
    for deal in await port.pointing_at(lead):
        if deal.kind == "deal":
            taken.update(_said(row) for row in await port.products(deal))
    left = []
    for row in await port.products(lead):
        if taken[_said(row)]:
            taken[_said(row)] -= 1
        else:
            left.append(row)
    return tuple(left)


def _said(row: ProductRow) -> tuple[Any, ...]:
    """What a row sells, and how."""
    return row.product_id, row.name, row.price, row.quantity, row.discount_percent


async def _first_of_list(port: Crm, name: str) -> str | None:
    entries = await port.matching("reference", {"list": name})
    first = min(entries, key=lambda entry: (entry.sort, entry.id), default=None)
    return None if first is None else first.code


@action_type("crm.create_contact")
class CreateLeadContact(ItemAction[Contact]):
    """
    Make the lead's contact out of what it says of its person: names, birth date, post, address, phones and the like.

    The lead's customer is then one who returns; its status stays. A lead that has a contact keeps it: that one is given
    back, and nothing is made. Heading 20.

    Args:
        responsible: Who is in charge of the contact; one at random, if several. Who is in charge of the lead if left
            out.

    Raises:
        AlreadyConverted: the lead has no contact and is in its success status.
        UnknownUser: no such user.
        ItemNotFound: no such lead.
    """

    target: Target
    _: KW_ONLY
    responsible: Users | None = option(default=None, validator=names_users)

    async def perform(self, port: Crm) -> Contact:
        ref = await port.resolve(self.target.kind, self.target.id)
        lead: Lead = await port.read(ref)
        if lead.contact_id is not None:
            there: Contact = await port.read(ItemRef("contact", lead.contact_id))
            return there
        if lead.semantics == "success":
            raise AlreadyConverted(kind=ref.kind, id=ref.id, stage=lead.stage)
        responsible = await any_of(port, self.responsible)
        fields = {name: getattr(lead, name) for name in CUSTOMER}
        in_charge = lead.responsible_id if responsible is None else responsible
        made: Contact = await port.create(
            "contact", {**fields, **_named(lead), "lead_id": lead.id, "responsible_id": in_charge}
        )
        await port.update(ref, {"contact_id": made.id})
        return made


def _named(lead: Lead) -> dict[str, str]:
    """A name for who has none."""
    return {} if (lead.name + lead.second_name + lead.last_name).strip() else {"name": NAMELESS}


# -- a deal ------------------------------------------------------------------------------------------------------------


@action_type("crm.convert")
class ConvertDeal(ItemAction[Conversion]):
    """
    Make a quote and an invoice of the deal, with its client, its custom fields and its product rows. It stays open.

    Custom fields that quotes or invoices do not have are defined. The invoice has the primary contact alone; its
    amount is that of its rows, and the deal's where there are none.

    If one of them cannot be made, nothing is, and the person in charge is given a to-do that says why. Heading 19.

    Args:
        invoice: Make an invoice.
        quote: Make a quote.
        responsible: Who is in charge of them; the first user, if several. Who is in charge of the deal if left out.

    Raises:
        WrongValue: nothing is asked for.
        ConversionRefused: something could not be made.
        UnknownUser: no such user.
        ItemNotFound: no such deal.
    """

    target: Target
    _: KW_ONLY
    invoice: bool = option(default=False)
    quote: bool = option(default=False)
    responsible: Users | None = option(default=None, validator=names_users)

    async def perform(self, port: Crm) -> Conversion:
        if not (self.invoice or self.quote):
            raise _nothing_asked(self.name, "invoice", "invoice or quote")
        ref = await port.resolve(self.target.kind, self.target.id)
        deal: Deal = await port.read(ref)
        rows = await port.products(ref)
        making = _Making(port, deal, await _in_charge(port, self.responsible, deal))
        by_hand = _amount_by_hand(deal)
        quote = await making.make("quote", {"deal_id": deal.id, **by_hand}, rows) if self.quote else None
        billed = {} if rows else by_hand
        invoice = await making.make("invoice", {"deal_id": deal.id, **billed}, rows) if self.invoice else None
        made = Conversion(quote_id=quote, invoice_id=invoice)
        await _record(port, ref, made)
        return made


@action_type("crm.create_repeat_lead")
class CreateRepeatLead(ItemAction[Lead]):
    """
    Make a new lead of the deal's client: of its primary contact and its company. Nothing else is copied. Heading 22.

    Args:
        title: What it is called; "Repeat lead" if left out or blank.
        responsible: Who is in charge of it; one at random, if several. Who is in charge of the deal if left out.

    Raises:
        NoClient: the deal has neither a contact nor a company.
        UnknownUser: no such user.
        ItemNotFound: no such deal.
        WrongFieldValue: a title that cannot be stored.
    """

    target: Target
    title: str | None = option(default=None)
    _: KW_ONLY
    responsible: Users | None = option(default=None, validator=names_users)

    async def perform(self, port: Crm) -> Lead:
        ref = await port.resolve(self.target.kind, self.target.id)
        deal: Deal = await port.read(ref)
        if deal.contact_id is None and deal.company_id is None:
            raise NoClient(action=self.name, kind=ref.kind, id=ref.id)
        responsible = await any_of(port, self.responsible)
        title = self.title if self.title is not None and self.title.strip() else REPEAT_LEAD
        in_charge = deal.responsible_id if responsible is None else responsible
        client = {"contact_id": deal.contact_id, "company_id": deal.company_id}
        made: Lead = await port.create("lead", {"title": title, "responsible_id": in_charge, **client})
        return made


# -- making one out of another -----------------------------------------------------------------------------------------


class _Making:
    """One conversion under way: what is made has the source's fields; a failure leaves a to-do behind."""

    def __init__(self, port: Crm, source: Lead | Deal, responsible: int | None) -> None:
        self.port = port
        self.source = source
        self.responsible = responsible
        self.made: list[ItemRef] = []

    async def make(self, kind: str, fields: dict[str, Any], rows: Sequence[ProductRow] = ()) -> int:
        """Make an item of a kind; gives its id. Raises ConversionRefused."""
        ref: ItemRef = await self.trying(kind, self._make(kind, fields, rows))
        self.made.append(ref)
        return ref.id

    async def _make(self, kind: str, fields: dict[str, Any], rows: Sequence[ProductRow]) -> ItemRef:
        source = self.source
        copied = {name: getattr(source, name) for name in COPIED[source.item_type, kind]}
        custom = await _synchronised(self.port, source, kind)
        given = {**copied, **fields, "responsible_id": self.responsible, "custom": custom}
        ref = ref_of(await self.port.create(kind, given))
        if rows:
            await self.port.add_rows(ref, rows)
        return ref

    async def trying(self, wanted: str, doing: Awaitable[Any]) -> Any:
        """Do it; if that fails, the conversion is refused, and whoever is in charge is told."""
        try:
            return await doing
        except UnknownPipeline:
            raise  # a wrong parameter, which no to-do would help
        except ActionError as error:
            ref = ref_of(self.source)
            refused = ConversionRefused(
                kind=ref.kind, id=ref.id, wanted=wanted, reason=str(error), activity_for=self.responsible
            )
            self._leave_to_do(ref, refused)
            raise refused from error

    def _leave_to_do(self, ref: ItemRef, refused: ConversionRefused) -> None:
        subject, responsible = f"Not converted: {self.source.title}".rstrip(), self.responsible
        self.port.performing.leave_behind(
            lambda port, _error: port.add_activity(ref, subject, str(refused), responsible=responsible)
        )


async def _synchronised(port: Crm, source: Lead | Deal, kind: str) -> dict[str, Any]:
    """
    The source's custom values, for an item of another kind, which gets the custom fields that it lacks.

    A code that is the name of one of its own fields stays behind; so do bookings, which belong to what was booked for.
    """
    there = {each.code for each in await port.defined_fields(kind)}
    own = writable(class_of(kind))
    values: dict[str, Any] = {}
    for each in await port.defined_fields(source.item_type):
        if each.code in own or each.type == "booking":
            continue
        if each.code not in there:
            await port.add_field(
                kind, each.code, each.type, label=each.label, multiple=each.multiple, options=each.options
            )
        if each.code in source.custom:
            values[each.code] = source.custom[each.code]
    return values


def _amount_by_hand(source: Lead | Deal) -> dict[str, Any]:
    """An amount that was set by hand is copied; any other follows the rows."""
    return {"amount": source.amount} if source.manual_amount else {}


async def _in_charge(port: Crm, responsible: Users | None, source: Lead | Deal) -> int | None:
    named = await first_of(port, responsible)
    return source.responsible_id if named is None else named


async def _record(port: Crm, ref: ItemRef, made: Conversion) -> None:
    named = {kind: getattr(made, f"{kind}_id") for kind in ("company", "contact", "deal", "quote", "invoice")}
    await port.record(ref, "converted", {kind: id_ for kind, id_ in named.items() if id_ is not None})


def _nothing_asked(action: str, parameter: str, kinds: str) -> WrongValue:
    return WrongValue(action=action, parameter=parameter, expected=f"True, or another of {kinds}", got="False")
