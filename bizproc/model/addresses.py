"""Where a client can be reached."""

from __future__ import annotations

from attrs import frozen

from bizproc.model.references import ItemRef


@frozen
class ClientAddress:
    """
    A phone number or an address of a client.

    Attributes:
        holder: Whose it is: the item itself, a contact or a company.
        value: As it was entered.
        type: What it is for: WORK, MOBILE, HOME…
    """

    holder: ItemRef
    value: str
    type: str
