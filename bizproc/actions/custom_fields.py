"""Actions on the custom fields of a kind of item."""

from __future__ import annotations

from dataclasses import KW_ONLY

from bizproc.core.action import ItemAction, Target, action_type, option
from bizproc.model.custom_fields import CustomField, CustomType, Options
from bizproc.ports.crm import Crm


@action_type("crm.add_field")
class AddField(ItemAction[CustomField]):
    """
    Define a custom field of this kind of item; its values are written with `custom={code: value}`.

    Headings 11 and 12, "add a field".

    Args:
        code: What it is called in code: a name like `delivery_city` that the kind has no field of.
        type: What it holds.
        label: What people read; the code if blank.
        multiple: It holds several values.
        options: Of a choice: what can be chosen, as texts or by code with what people read. A value may be given as
            either; the code is what is kept. Of a field that holds bookings: `allow_overbooking` (yes, if left out),
            `full_day`, `services` (names, or names with durations), `zone` (a time zone's name, or `user` for that of
            whoever is booked; the portal's if left out).

    Raises:
        AlreadyExists: there is a field of this code.
        WrongFieldValue: a code that is no name or is a field's already; options of what is no choice, or none of one
            that is.
        UnknownItem: no such smart type.
    """

    target: Target
    code: str
    _: KW_ONLY
    type: CustomType
    label: str
    multiple: bool = option(default=False)
    options: Options = option(default=())

    async def perform(self, port: Crm) -> CustomField:
        return await port.add_field(
            self.target.kind,
            self.code,
            self.type,
            label=self.label,
            multiple=self.multiple,
            options=self.options,
        )
