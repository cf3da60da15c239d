"""Reading fields of an item, as they are kept or as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any, Final

from attrs import evolve

from bizproc.core.action import ItemAction, Target, action_type, option
from bizproc.core.errors import WrongValue
from bizproc.model.fields import Field, unknown
from bizproc.model.kinds import class_of
from bizproc.model.printing import Printer, currency_of, readable
from bizproc.ports.crm import Crm

CUSTOM: Final = "custom."


@action_type("crm.get_data")
class GetData(ItemAction[Mapping[str, Any]]):
    """
    The item's fields as they are now, by the names they were asked for under.

    As they are kept: an id, a code, an amount, a tuple of phones. In their print version: what people read, all of it
    text, in the portal's language and time zone. The name of a user, a company or a stage; Yes or No; a day, a moment;
    `Work: +33 1 …; Mobile: +33 6 …`; a file as a link. An amount comes without its symbol, for the field `currency`
    has the name. Nothing is an empty text, and so is what a code or an id stood for that is there no more. Heading 37;
    D14.

    Args:
        fields: One or more names. `custom.city` is the custom field `city`; `contact_id` the first of `contact_ids`.
        print_version: Whether their print version is wanted.

    Raises:
        ItemNotFound: no such item.
        UnknownField: a field that such items have not.
        WrongValue: no field was named.
    """

    target: Target
    fields: tuple[str, ...] = option(default=())
    _: KW_ONLY
    print_version: bool = option(default=False)

    async def perform(self, port: Crm) -> Mapping[str, Any]:
        if not self.fields:
            raise WrongValue(
                action=self.name, parameter="fields", expected="the name of a field, or several", got="none"
            )
        ref = await port.resolve(self.target.kind, self.target.id)
        known = await self._known(port, ref.kind)
        item = await port.read(ref)
        values = {name: _held(item, name, known[name]) for name in self.fields}
        if not self.print_version:
            return values
        return await _printed(port, known, values, currency_of(item))

    async def _known(self, port: Crm, kind: str) -> dict[str, Field]:
        """What each of the names is. Raises UnknownField."""
        known = dict(readable(class_of(kind)))
        if any(name.startswith(CUSTOM) for name in self.fields):
            known |= {f"{CUSTOM}{code}": field for code, field in (await port.custom_fields(kind)).items()}
        for name in self.fields:
            if name not in known or name == "custom":
                raise unknown(kind, name, (each for each in known if each != "custom"))
        return {name: evolve(known[name], kind=kind) for name in self.fields}


def _held(item: Any, name: str, field: Field) -> Any:
    if not name.startswith(CUSTOM):
        return getattr(item, name)
    return item.custom.get(name.removeprefix(CUSTOM), () if field.multiple else None)


async def _printed(
    port: Crm, known: Mapping[str, Field], values: Mapping[str, Any], currency: str
) -> Mapping[str, str]:
    """Printed twice: first to hear whose names are wanted, then with these names."""
    wanted: dict[tuple[str, Any], None] = {}

    def note(kind: str, key: Any) -> str:
        wanted[kind, key] = None
        return ""

    def printed(printer: Printer) -> dict[str, str]:
        return {name: printer.of_field(known[name], value, currency) for name, value in values.items()}

    printed(Printer(portal=port.portal, look=note, in_data=True))
    names = await port.names(tuple(wanted))
    return printed(Printer(portal=port.portal, look=lambda kind, key: names.get((kind, key), ""), in_data=True))
