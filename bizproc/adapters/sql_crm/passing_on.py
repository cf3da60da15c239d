"""What one item passes on to others: its timeline, its product rows. Which items these are is the action's affair."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from bizproc.adapters.sql_crm import history, rows, timeline
from bizproc.adapters.sql_crm.belongings import change, those
from bizproc.adapters.sql_crm.reading import exists, read
from bizproc.adapters.sql_crm.shapes import CODEC, SHAPES, shape_of
from bizproc.core.errors import ItemNotFound
from bizproc.model.products import ProductRow
from bizproc.model.references import ItemRef
from bizproc.model.timeline import Activity
from bizproc.ports.performing import Performing
from bizproc.store.types import json_text

_ACTIVITY: Final = SHAPES["activity"]
_ROW: Final = SHAPES["product_row"]

# -- the timeline ------------------------------------------------------------------------------------------------------

_BOUND: Final = "SELECT activity FROM activity_binding WHERE kind = ? AND item = ? ORDER BY activity"
_BIND: Final = "INSERT OR IGNORE INTO activity_binding (kind, item, activity) VALUES (?, ?, ?)"
_BIND_COMMENT: Final = "INSERT OR IGNORE INTO comment_binding (kind, item, comment) VALUES (?, ?, ?)"


def share_timeline(performing: Performing, ref: ItemRef, others: Iterable[ItemRef]) -> None:
    """What stands beside an item also stands beside others. See `ports.crm.Crm.share_timeline`."""
    tx = performing.transaction
    several = tuple(dict.fromkeys(other for other in others if other != ref))
    for each in (ref, *several):
        if not exists(tx, shape_of(each.kind), each.id):
            raise ItemNotFound(kind=each.kind, id=each.id)
    for (id_,) in tx.execute(_BOUND, (ref.kind, ref.id)).fetchall():
        activity = read(tx, _ACTIVITY, id_)
        bindings = tuple(dict.fromkeys((*activity.bindings, *several)))
        tx.execute(_ACTIVITY.update_of(("bindings",)), (*_ACTIVITY.written(("bindings",), {"bindings": bindings}), id_))
        for other in several:
            tx.execute(_BIND, (other.kind, other.id, id_))
    for comment in those(tx, "comment", timeline.BESIDE, ref.kind, ref.id, ref.kind, ref.id):
        owner = ItemRef(comment.owner_kind, comment.owner_id)
        also = tuple(each for each in dict.fromkeys((*comment.also, *several)) if each != owner)
        if also != comment.also:
            change(tx, comment, also=also)
            for other in also:
                tx.execute(_BIND_COMMENT, (other.kind, other.id, comment.id))


def complete_activity(performing: Performing, ref: ItemRef, activity: int, author: int | None) -> Activity:
    """Complete an activity. See `ports.crm.Crm.complete_activity`."""
    found: Activity = read(performing.transaction, _ACTIVITY, activity)
    if ref not in found.bindings:
        raise ItemNotFound(kind=f"activity of {ref}", id=activity)
    return timeline.complete(performing, found, author)


def record(performing: Performing, ref: ItemRef, happened: str, facts: dict[str, Any], author: int | None) -> None:
    """Tell what happened to an item. See `ports.crm.Crm.record`."""
    if not exists(performing.transaction, shape_of(ref.kind), ref.id):
        raise ItemNotFound(kind=ref.kind, id=ref.id)
    history.line(performing, ref, happened, author, new=CODEC.encode(facts))
    history.emit(performing, f"{ref.kind}.{happened}", ref, author, **facts)


# -- product rows ------------------------------------------------------------------------------------------------------


def add_rows(performing: Performing, ref: ItemRef, given: Iterable[ProductRow], author: int | None) -> tuple[Any, ...]:
    """Append rows as they are on another item. See `ports.crm.Crm.add_rows`."""
    shape = shape_of(ref.kind)
    if not shape.is_staged:
        raise rows.without_rows(ref.kind)
    item = read(performing.transaction, shape, ref.id)
    made = [_insert(performing, ref, item.currency, row) for row in given]
    if made:
        _follow(performing, shape, ref, item, author)
        for row in made:
            history.line(performing, ref, "product_added", author, field="products", new=json_text(row.name))
        history.emit(performing, f"{ref.kind}.product_rows_saved", ref, author, added=[row.id for row in made])
    return tuple(made)


_LAST: Final = "SELECT max(sort) FROM product_row WHERE owner_kind = ? AND owner_id = ?"


def _insert(performing: Performing, ref: ItemRef, currency: str, row: ProductRow) -> ProductRow:
    tx = performing.transaction
    (last,) = tx.execute(_LAST, (ref.kind, ref.id)).fetchone()
    placed = rows.in_currency(row, currency, id=None, owner_kind=ref.kind, owner_id=ref.id, sort=(last or 0) + 10)
    cursor = tx.execute(_ROW.insert, _ROW.row({name: getattr(placed, name) for name in _ROW.names}))
    made: ProductRow = read(tx, _ROW, cursor.lastrowid)
    return made


def _follow(performing: Performing, shape: Any, ref: ItemRef, item: Any, author: int | None) -> None:
    """The amount follows the rows unless it was set by hand; the tax always does."""
    total = rows.totals(performing.transaction, ref, item.currency)
    amount = item.amount if item.manual_amount else total.sum
    values = {"amount": amount, "tax": total.tax, "updated_at": performing.now, "modified_by": author}
    performing.transaction.execute(shape.update_of(tuple(values)), (*shape.written(values, values), ref.id))
    if amount != item.amount:
        history.changed(performing, ref, {"amount": (item.amount, amount)}, author)
