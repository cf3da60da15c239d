"""Where the client of an item can be reached: their first phone or e-mail address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bizproc.adapters.sql_crm.reading import Runs, read
from bizproc.adapters.sql_crm.shapes import SHAPES, shape_of
from bizproc.core.errors import UnknownField
from bizproc.model.addresses import ClientAddress
from bizproc.model.multi_fields import MULTI_FIELD_TYPES
from bizproc.model.references import ItemRef


def client_address(connection: Runs, ref: ItemRef, kind: str, type_: str | None, *, last: bool) -> ClientAddress | None:
    """The address that counts. See `ports.crm.Crm.client_address`."""
    if kind not in MULTI_FIELD_TYPES:
        raise UnknownField(kind=ref.kind, field=kind, known=", ".join(MULTI_FIELD_TYPES))
    for holder in holders(connection, ref):
        fitting = [each for each in getattr(holder, kind, ()) if each.value.strip() and type_ in (None, each.type)]
        if fitting:
            chosen = fitting[-1 if last else 0]
            return ClientAddress(ItemRef(holder.item_type, holder.id), chosen.value, chosen.type)
    return None


def holders(connection: Runs, ref: ItemRef) -> Iterator[Any]:
    """Whose addresses are looked at, in order: its own, its contacts', its company's."""
    item = read(connection, SHAPES["order"] if ref.kind == "order" else shape_of(ref.kind), ref.id)
    yield item
    if ref.kind in ("contact", "company"):
        return
    contacts = getattr(item, "contact_ids", None)
    for id_ in (item.contact_id,) if contacts is None else contacts:
        if id_ is not None:
            yield read(connection, SHAPES["contact"], id_)
    if item.company_id is not None:
        yield read(connection, SHAPES["company"], item.company_id)
