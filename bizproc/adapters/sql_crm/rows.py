"""
Product rows: the hot path. Three statements and two lines left for the commit; all texts are made once a kind.

In automatic mode an item's amount *is* the sum of its rows' sums, so a new row adds to it: rows are not summed up
again, and the thousandth row costs what the first did.
"""


# ruff: noqa: S608 - the names in these texts are those of the model's tables; values are always parameters

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from typing import Any, Final, NamedTuple

from attrs import evolve

from bizproc.adapters.sql_crm import history
from bizproc.adapters.sql_crm.reading import Runs, belonging, is_id
from bizproc.adapters.sql_crm.shapes import SHAPES, amount_of, decimal_json, shape_of
from bizproc.core.errors import ItemNotFound, ProductNotFound, UnknownItem, WrongFieldValue
from bizproc.model.money import LARGEST_AMOUNT, Number, exact, row_sum, tax_of
from bizproc.model.products import ProductRow
from bizproc.model.references import ItemRef
from bizproc.ports.performing import Performing
from bizproc.store.types import decimal_text, exact_decimal, json_text, money_units

_ROW: Final = SHAPES["product_row"]


class _Statements(NamedTuple):
    look: str
    save: str


@cache
def _statements(kind: str) -> _Statements:
    """The statements of one kind of item; raises UnknownItem where it has no rows."""
    shape = shape_of(kind)
    if not shape.is_staged:
        raise without_rows(kind)
    table = shape.table.name
    return _Statements(
        look=(
            "SELECT i.amount, i.manual_amount, i.currency, i.tax, p.name, p.price, p.measure, p.type, p.tax_rate, "
            "p.tax_included, (SELECT max(sort) FROM product_row WHERE owner_kind = ? AND owner_id = i.id) "
            f"FROM {table} i LEFT JOIN product p ON p.id = ? WHERE i.id = ?{shape.only.replace('type', 'i.type')}"
        ),
        save=f"UPDATE {table} SET amount = ?, tax = ?, updated_at = ?, modified_by = ? WHERE id = ?",
    )


def without_rows(kind: str) -> UnknownItem:
    """The error for a kind of item that has no product rows."""
    known = ", ".join(each for each, shape in SHAPES.items() if shape.is_staged)
    return UnknownItem(kind=kind, known=f"of those that have product rows: {known}")


def add_product(
    performing: Performing,
    ref: ItemRef,
    product: int,
    price: Number | None,
    quantity: Number,
    discount_percent: Number,
) -> ProductRow:
    """Append a row. See `ports.crm.Crm.add_product`."""
    tx, author = performing.transaction, performing.author
    statements = _statements(ref.kind)
    found = (
        tx.execute(statements.look, (ref.kind, product if is_id(product) else None, ref.id)).fetchone()
        if is_id(ref.id)
        else None
    )
    if found is None:
        raise ItemNotFound(kind=ref.kind, id=ref.id)
    amount, manual, currency, tax, name, listed, measure, type_, tax_rate, tax_included, last = found
    if name is None:
        raise ProductNotFound(product=product)
    unit = _number("price", exact_decimal(listed) if price is None else price)
    count = _number("quantity", quantity)
    discount = _number("discount_percent", discount_percent)
    _check_range(count, discount)
    rate = None if tax_rate is None else exact_decimal(tax_rate)
    total = _sum(unit, count, discount, currency)
    row_tax = tax_of(total, rate, currency, included=bool(tax_included))
    units, tax_units, sort = money_units(total), money_units(row_tax) if row_tax else 0, (last or 0) + 10
    cursor = tx.execute(
        _ROW.insert,
        (
            *(None, ref.kind, ref.id, product, name),
            *(decimal_text(unit), decimal_text(count), decimal_text(discount), units, currency),
            *(measure, type_, tax_rate, tax_included, tax_units, sort),
        ),
    )
    new_amount = amount if manual else amount + units
    _check_amount(ref, "amount", new_amount)
    _check_amount(ref, "tax", tax + tax_units)
    tx.execute(statements.save, (new_amount, tax + tax_units, tx.now_text, author, ref.id))
    row = ProductRow(
        id=cursor.lastrowid,
        owner_kind=ref.kind,
        owner_id=ref.id,
        product_id=product,
        name=name,
        price=unit,
        quantity=count,
        discount_percent=discount,
        sum=total,
        currency=currency,
        measure=measure,
        type=type_,
        tax_rate=rate,
        tax_included=bool(tax_included),
        tax=row_tax,
        sort=sort,
    )
    _tell(performing, ref, row, amount, new_amount)
    return row


def _tell(performing: Performing, ref: ItemRef, row: ProductRow, old: int, new: int) -> None:
    author = performing.author
    history.line(performing, ref, "product_added", author, field="products", new=json_text(row.name))
    _tell_amount(performing, ref, row.currency, old, new)
    history.emit(performing, f"{ref.kind}.product_rows_saved", ref, author, added=[row.id])


def _tell_amount(performing: Performing, ref: ItemRef, currency: str, old: int, new: int) -> None:
    if new != old:
        author, before, after = performing.author, amount_of(old, currency), amount_of(new, currency)
        history.line(
            performing, ref, "changed", author, field="amount", old=decimal_json(before), new=decimal_json(after)
        )
        history.emit(performing, f"{ref.kind}.updated", ref, author, changes={"amount": [before, after]})


def _number(name: str, value: Any) -> Decimal:
    if type(value) is Decimal or type(value) is int:
        try:
            return exact(value)
        except ValueError as error:
            expected = str(error)
    else:
        expected = "a Decimal or an int"
    raise WrongFieldValue(kind="product_row", field=name, expected=expected, got=repr(value))


def _check_range(quantity: Decimal, discount_percent: Decimal) -> None:
    if quantity <= 0:
        raise WrongFieldValue(kind="product_row", field="quantity", expected="more than 0", got=str(quantity))
    if not 0 <= discount_percent <= 100:
        raise WrongFieldValue(
            kind="product_row", field="discount_percent", expected="from 0 to 100", got=str(discount_percent)
        )


def _sum(price: Decimal, quantity: Decimal, discount_percent: Decimal, currency: str) -> Decimal:
    try:
        return row_sum(price, quantity, discount_percent, currency)
    except ValueError as error:
        got = f"{price} × {quantity}"
        raise WrongFieldValue(kind="product_row", field="sum", expected=str(error), got=got) from None


_LARGEST_UNITS: Final = int(LARGEST_AMOUNT) * 10_000


def _check_amount(ref: ItemRef, field: str, units: int) -> None:
    if abs(units) >= _LARGEST_UNITS:
        expected = f"an amount below {LARGEST_AMOUNT:,f}"
        raise WrongFieldValue(kind=ref.kind, field=field, expected=expected, got=f"{units // 10_000}")


# -- no rows any more --------------------------------------------------------------------------------------------------


def delete_products(performing: Performing, ref: ItemRef) -> tuple[ProductRow, ...]:
    """Remove all rows. See `ports.crm.Crm.delete_products`."""
    tx, author = performing.transaction, performing.author
    statements = _statements(ref.kind)
    found = tx.execute(statements.look, (ref.kind, None, ref.id)).fetchone() if is_id(ref.id) else None
    if found is None:
        raise ItemNotFound(kind=ref.kind, id=ref.id)
    amount, manual, currency, *_ = found
    removed = belonging(tx, _ROW, ref)
    if not removed:
        return ()
    tx.execute("DELETE FROM product_row WHERE owner_kind = ? AND owner_id = ?", (ref.kind, ref.id))
    left = amount if manual else 0
    tx.execute(statements.save, (left, 0, tx.now_text, author, ref.id))
    for row in removed:
        history.line(performing, ref, "product_removed", author, field="products", old=json_text(row.name))
    _tell_amount(performing, ref, currency, amount, left)
    history.emit(performing, f"{ref.kind}.product_rows_saved", ref, author, removed=[row.id for row in removed])
    return removed


def added_up(several: Iterable[ProductRow], currency: str) -> Decimal:
    """What rows come to together."""
    units = sum(money_units(row.sum) for row in several)
    _check_amount(ItemRef("order", 0), "amount", units)
    return amount_of(units, currency)


# -- all rows of an item -----------------------------------------------------------------------------------------------


class Totals(NamedTuple):
    """What an item's rows come to."""

    sum: Decimal
    tax: Decimal


def totals(connection: Runs, ref: ItemRef, currency: str) -> Totals:
    """The sums of an item's rows, added up."""
    # Added up here: SQLite's sum would overflow where ours says so.
    found = connection.execute(
        "SELECT sum, tax FROM product_row WHERE owner_kind = ? AND owner_id = ?", (ref.kind, ref.id)
    )
    units = tax = 0
    for row_units, row_tax in found:
        units, tax = units + row_units, tax + row_tax
    _check_amount(ref, "amount", units)
    _check_amount(ref, "tax", tax)
    return Totals(amount_of(units, currency), amount_of(tax, currency))


def in_currency(row: ProductRow, currency: str, **changes: Any) -> ProductRow:
    """A row as it is in a currency: prices stay as they are, sums are rounded to its digits."""
    total = _sum(row.price, row.quantity, row.discount_percent, currency)
    tax = tax_of(total, row.tax_rate, currency, included=row.tax_included)
    return evolve(row, currency=currency, sum=total, tax=tax, **changes)


def recast(performing: Performing, ref: ItemRef, currency: str) -> None:
    """The item's currency has changed."""
    tx = performing.transaction
    select = f"{_ROW.select} WHERE owner_kind = ? AND owner_id = ? ORDER BY id"
    for row in [_ROW.item(found) for found in tx.execute(select, (ref.kind, ref.id))]:
        new = in_currency(row, currency)
        names = ("currency", "sum", "tax")
        values = {name: getattr(new, name) for name in names}
        tx.execute(_ROW.update_of(names), (*_ROW.written(names, values), row.id))
