"""The details (requisites) of an item's client: read and edited, by a template."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from attrs import asdict, frozen

from bizproc.core.action import ItemAction, Target, action_type, option
from bizproc.core.errors import DetailsMissing, DetailsRefused, UnknownDetailsTemplate, WrongFieldValue, WrongValue
from bizproc.model.details import Address, BankDetails, ClientDetails, Details, DetailsTemplate
from bizproc.model.fields import shown, unknown
from bizproc.model.formats import malformed
from bizproc.model.references import ItemRef, ref_of
from bizproc.ports.crm import Crm

DetailsTemplateRef: TypeAlias = DetailsTemplate | str
"""A template of details, or its code."""

AddressType: TypeAlias = Literal[
    "primary", "home", "work", "registered", "custom", "post", "beneficiary", "bank", "delivery", "billing"
]
ClientKind: TypeAlias = Literal["company", "contact"]


@action_type("crm.details_information")
class DetailsInformation(ItemAction[Details]):
    """
    What the details of the item's client say.

    Of the client's details by this template those that are selected, or else the first by sort and id; of their bank
    details those of the template's country, in the same way. What is not there is an empty text. Heading 25.

    Args:
        template: The template of details, or its code.
        of: Whose: the item's company or its primary contact. Of a contact or a company itself, always its own.
        address_type: Which of the addresses; none if left out.

    Raises:
        UnknownDetailsTemplate: no such template.
        LinkedItemMissing: the item has no such client.
        DetailsMissing: the client has no details by this template.
        ItemNotFound: no such item.
    """

    target: Target
    _: KW_ONLY
    template: DetailsTemplateRef
    of: ClientKind = option(default="company")
    address_type: AddressType | None = option(default=None)

    async def perform(self, port: Crm) -> Details:
        found = await _found(port, self.target, self.template, self.of)
        return found.shown(self.address_type)


@action_type("crm.edit_details")
class EditDetails(ItemAction[Details]):
    """
    Change the details of the item's client: those that `details_information` gives.

    Only what is given changes; parts of an address that are not given stay. Bank details are made where there are
    none. Fields that only other templates have are left out, so that one call serves clients of several countries.
    Either all is written or nothing: where values do not have the form of their fields, the error tells of the details
    and of the bank details. Heading 27.

    Args:
        fields: Of the details, by code. An empty text clears one.
        template: The template of details, or its code.
        of: Whose: the item's company or its primary contact. Of a contact or a company itself, always its own.
        address_type: Which address is changed, and given back.
        bank: Of the bank details, by code.
        address: Parts of the address: `line_1`, `city`…

    Raises:
        UnknownDetailsTemplate: no such template.
        LinkedItemMissing: the item has no such client.
        DetailsMissing: the client has no details by this template.
        UnknownField: a field that no template has, or no address.
        DetailsRefused: a value that its field cannot hold.
        WrongFieldValue: an address, where the template has none.
        WrongValue: nothing is given; an address without its type.
        ItemNotFound: no such item.
    """

    target: Target
    fields: Mapping[str, Any] | None = option(default=None)
    _: KW_ONLY
    template: DetailsTemplateRef
    of: ClientKind = option(default="company")
    address_type: AddressType | None = option(default=None)
    bank: Mapping[str, Any] | None = option(default=None)
    address: Mapping[str, Any] | None = option(default=None)

    async def perform(self, port: Crm) -> Details:
        self._check_given()
        found = await _found(port, self.target, self.template, self.of)
        templates = await port.matching("details_template", {})
        fields = _of_template("details", self.fields, found.template.fields, (each.fields for each in templates))
        bank = _of_template(
            "bank_details", self.bank, found.template.bank_fields, (each.bank_fields for each in templates)
        )
        await self._write(port, found, fields, bank)
        changed = await _found(port, self.target, self.template, self.of)
        return changed.shown(self.address_type)

    def _check_given(self) -> None:
        if not (self.fields or self.bank or self.address):
            raise WrongValue(
                action=self.name, parameter="fields", expected="something, or `bank`, or `address`", got="nothing"
            )
        if self.address and self.address_type is None:
            raise WrongValue(
                action=self.name, parameter="address_type", expected="which address is meant", got="nothing"
            )

    async def _write(self, port: Crm, found: _Found, fields: Mapping[str, Any], bank: Mapping[str, Any]) -> None:
        """Both parts are tried, so that the error tells of both."""
        reasons: list[tuple[str, str]] = []
        changes = {**_merged("fields", found.details.fields, fields), **self._addresses(found.details)}
        for part, given in (("fields", fields), ("bank", bank)):
            try:
                _check_forms(part, given)
                if part == "bank" and bank:
                    await _bank(port, found, bank)
                if part == "fields" and changes:
                    await port.update(ref_of(found.details), changes)
            except WrongFieldValue as error:
                if error.field.startswith("addresses"):
                    raise
                reasons.append((part, str(error)))
        if reasons:
            text = " ".join(reason for _, reason in reasons)
            raise DetailsRefused(id=found.details.id, text=text, reasons=tuple(reasons))

    def _addresses(self, details: ClientDetails) -> Mapping[str, Any]:
        if not self.address or self.address_type is None:
            return {}
        known = tuple(asdict(Address()))
        for name in self.address:
            if name not in known:
                raise unknown("address", name, known)
        address = {
            **_address(details, self.address_type),
            **{name: value or "" for name, value in self.address.items()},
        }
        return {"addresses": {**details.addresses, self.address_type: address}}


def _check_forms(part: str, given: Mapping[str, Any]) -> None:
    """Raises WrongFieldValue for the first value that has not the form of its field."""
    for code, value in given.items():
        expected = malformed(code, value)
        if expected is not None:
            kind = "bank_details" if part == "bank" else "details"
            raise WrongFieldValue(kind=kind, field=f"fields.{code}", expected=expected, got=shown(value))


def _merged(name: str, old: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: {**old, **{code: "" if value is None else value for code, value in given.items()}}} if given else {}


async def _bank(port: Crm, found: _Found, given: Mapping[str, Any]) -> None:
    if found.bank is None:
        await port.create("bank_details", {"details_id": found.details.id, **_merged("fields", {}, given)})
    else:
        await port.update(ref_of(found.bank), _merged("fields", found.bank.fields, given))


def _of_template(
    kind: str, given: Mapping[str, Any] | None, own: tuple[str, ...], of_templates: Iterable[tuple[str, ...]]
) -> Mapping[str, Any]:
    """The fields that this template has. Raises UnknownField for one that no template has."""
    known = {code for codes in of_templates for code in codes}
    for code in given or {}:
        if code not in known:
            raise unknown(kind, code, own)
    return {code: value for code, value in (given or {}).items() if code in own}


# -- which details are meant -------------------------------------------------------------------------------------------


@frozen
class _Found:
    """The details of a client by a template, with their bank details."""

    template: DetailsTemplate
    details: ClientDetails
    bank: BankDetails | None

    def shown(self, address_type: str | None) -> Details:
        """As the action gives them."""
        bank = self.bank.fields if self.bank is not None else {}
        with_address = address_type is not None and self.template.with_address
        return Details(
            id=self.details.id,
            bank_id=None if self.bank is None else self.bank.id,
            fields=_all(self.template.fields, self.details.fields),
            bank=_all(self.template.bank_fields, bank),
            address=Address(**_address(self.details, address_type)) if with_address and address_type else None,
        )


def _all(codes: tuple[str, ...], values: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType({code: values.get(code, "") for code in codes})


def _address(details: ClientDetails, address_type: str) -> dict[str, Any]:
    stored = details.addresses.get(address_type, {})
    return {name: stored.get(name, "") for name in asdict(Address())}


async def _found(port: Crm, target: Target, template: DetailsTemplateRef, of: ClientKind) -> _Found:
    meant = await _template(port, template)
    client = await _client(port, target, of)
    several = await port.matching("details", {f"{client.kind}_id": client.id, "template_id": meant.id})
    if not several:
        raise DetailsMissing(kind=client.kind, id=client.id, template=meant.code)
    details = _first(several)
    accounts = await port.matching("bank_details", {"details_id": details.id, "country": meant.country})
    return _Found(meant, details, _first(accounts) if accounts else None)


async def _template(port: Crm, template: DetailsTemplateRef) -> DetailsTemplate:
    code = template.code if isinstance(template, DetailsTemplate) else template
    for found in await port.matching("details_template", {"code": code}):
        there: DetailsTemplate = found
        return there
    known = ", ".join(each.code for each in await port.matching("details_template", {}))
    raise UnknownDetailsTemplate(template=code, known=known or "none")


async def _client(port: Crm, target: Target, of: ClientKind) -> ItemRef:
    """A contact's or a company's details are its own; those of any other item are its client's."""
    ref = await port.resolve(target.kind, target.id)
    if ref.kind in ("contact", "company"):
        await port.read(ref)
        return ref
    return await port.linked(ref, of)


def _first(several: tuple[Any, ...]) -> Any:
    """What is selected comes first; then by sort, then by id."""
    return min(several, key=lambda each: (not each.selected, each.sort, each.id))
