"""Product rows of all kinds of items, orders with their rows, and what is to be paid."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bizproc import crm
from bizproc.core.errors import ItemNotFound, OrderNotFound, ProductNotFound, RowNotFound, UnknownItem
from bizproc.model import Company, Deal, HistoryEvent, ItemRef, Order, Payment, Product, ProductRow, User

Office = Any  # conftest.Office

SELLING = ["deal", "quote", "invoice", "contract"]


def item_of(office: Office, kind: str, **fields: Any) -> tuple[Any, Any]:
    """An item, and what may be done to it."""
    if kind == "contract":
        office.do(crm.smart_type.create(code="contract", title="Contract"))
        item = office.do(crm.item("contract").create(title="x", **fields))
        return item, crm.item("contract", item)
    noun: Any = getattr(crm, kind)
    item = office.do(noun.create(title="x", **fields))
    return item, noun(item)


# -- adding ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SELLING)
def test_whatever_sells_has_rows_and_its_amount_follows(office: Office, kind: str, tea: Product) -> None:
    item, its = item_of(office, kind)
    row = office.do(its.add_product(tea, quantity=3, discount_percent=10))
    assert (row.owner_kind, row.owner_id, row.sum) == (kind, item.id, Decimal("48.60"))
    assert office.do(its.read()).amount == Decimal("48.60")
    assert office.do(its.products()) == (row,)


@pytest.mark.parametrize("kind", SELLING)
def test_an_amount_set_by_hand_is_kept_and_the_tax_is_not(office: Office, kind: str) -> None:
    taxed = office.do(crm.product.create(name="Taxed", price=100, tax_rate=20))
    _, its = item_of(office, kind, amount=5)
    office.do(its.add_product(taxed))
    after = office.do(its.read())
    assert (after.amount, after.tax) == (5, 20)
    office.do(its.delete_products())
    after = office.do(its.read())
    assert (after.amount, after.tax, after.manual_amount) == (5, 0, True)


def test_of_several_products_the_first_is_meant(office: Office, deal: Deal, tea: Product) -> None:
    coffee = office.do(crm.product.create(name="Coffee", price=9))
    assert office.do(crm.deal.add_product([coffee, tea.id]), deal).name == "Coffee"
    assert office.refused(ProductNotFound, crm.deal.add_product([]), deal).product is None


# -- removing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SELLING)
def test_all_rows_go_and_come_back_as_they_were(office: Office, kind: str, tea: Product) -> None:
    _, its = item_of(office, kind)
    added = (office.do(its.add_product(tea)), office.do(its.add_product(tea, quantity=2)))
    assert office.do(its.delete_products()) == added
    after = office.do(its.read())
    assert (after.amount, after.manual_amount) == (Decimal("0.00"), False)
    assert office.do(its.products()) == ()


def test_removing_rows_is_told(office: Office, deal: Deal, tea: Product) -> None:
    row = office.do(crm.deal.add_product(tea), deal)
    office.events.clear()
    office.later(hours=1)
    office.do(crm.deal.delete_products(), deal, instance="w-1")
    assert [(event.name, event.facts.get("removed")) for event in office.events] == [
        ("deal.updated", None), ("deal.product_rows_saved", [row.id]),
    ]  # fmt: skip
    lines = [line for line in office.reader.find(HistoryEvent, of=deal) if line.made_by == "w-1"]
    assert {(line.kind, line.old, line.new) for line in lines} == {
        ("product_removed", "Tea", None), ("changed", Decimal("18.00"), Decimal("0.00")),
    }  # fmt: skip
    assert office.deal(deal).updated_at == office.now


def test_where_there_are_no_rows_nothing_happens(office: Office, deal: Deal) -> None:
    before = office.everything()
    assert office.do(crm.deal.delete_products(), deal) == ()
    assert (office.everything(), office.events) == (before, [])


def test_rows_of_other_items_stay(office: Office, deal: Deal, tea: Product) -> None:
    quote, its = item_of(office, "quote")
    assert quote.id == deal.id
    row = office.do(its.add_product(tea))
    office.do(crm.deal.add_product(tea), deal)
    office.do(crm.deal.delete_products(), deal)
    assert office.do(its.products()) == (row,)


def test_removing_from_what_is_not_there_is_refused(office: Office) -> None:
    office.refused(ItemNotFound, crm.deal(999).delete_products())


# -- information -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SELLING)
def test_a_row_is_found_by_its_id_and_as_it_is_now(office: Office, kind: str, tea: Product) -> None:
    _, its = item_of(office, kind)
    first, second = office.do(its.add_product(tea)), office.do(its.add_product(tea, quantity=2))
    assert office.do(its.product_information(second.id)) == second
    assert office.do(its.product_information(first)) == first
    assert office.do(its.product_information([second, first])) == second
    assert office.do(its.product_information(office.do(its.products()))) == first


def test_a_row_of_another_item_a_product_or_nothing_is_not_found(office: Office, deal: Deal, tea: Product) -> None:
    other = office.do(crm.deal.create(title="Another"))
    office.do(crm.deal.add_product(tea), deal)
    theirs = office.do(crm.deal.add_product(tea), other)
    assert office.refused(RowNotFound, crm.deal.product_information(theirs), deal).row == theirs.id
    error = office.refused(RowNotFound, crm.deal.product_information(999), deal)
    assert "a product's" in str(error)
    assert office.refused(RowNotFound, crm.deal.product_information([]), deal).row is None
    office.refused(ItemNotFound, crm.deal(999).product_information(1))


# -- orders ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def acme(office: Office) -> Company:
    company: Company = office.do(crm.company.create(title="Acme"))
    return company


@pytest.mark.parametrize("kind", ["deal", "invoice"])
def test_an_order_copies_the_rows_and_asks_for_their_sum(
    office: Office, kind: str, tea: Product, ann: User, acme: Company
) -> None:
    item, its = item_of(office, kind, company_id=acme.id, responsible_id=ann.id, currency="USD")
    rows = [office.do(its.add_product(tea, quantity=2)), office.do(its.add_product(tea, price=1, discount_percent=50))]

    order = office.do(its.create_order())

    assert (order.amount, order.currency, order.status) == (Decimal("36.50"), "USD", "new")
    assert (order.owner_kind, order.owner_id, order.number) == (kind, item.id, str(order.id))
    assert (order.company_id, order.responsible_id, order.created_at) == (acme.id, ann.id, office.now)
    assert office.do(its.orders()) == (order,)
    copied = office.reader.find(ProductRow, of=order)
    assert [(row.name, row.quantity, row.sum) for row in copied] == [(row.name, row.quantity, row.sum) for row in rows]
    assert office.do(its.products()) == tuple(rows)
    (payment,) = office.reader.find(Payment, of=order)
    assert (payment.order_id, payment.sum, payment.currency, payment.paid) == (order.id, order.amount, "USD", False)
    assert payment.account_number == f"{order.number}/1"
    assert office.do(its.payment_information(order)) == payment


def test_an_order_is_told(office: Office, deal: Deal, tea: Product) -> None:
    office.do(crm.deal.add_product(tea), deal)
    order = office.do(crm.deal.create_order(), deal)
    (event,) = office.told("order.created")
    assert (event.subject, event.facts["order"], event.facts["amount"]) == (f"deal:{deal.id}", order.id, order.amount)
    assert ("order_created", order.number) in [
        (line.kind, line.new) for line in office.reader.find(HistoryEvent, of=deal)
    ]


def test_an_order_can_be_of_some_rows_and_of_products(office: Office, deal: Deal, tea: Product) -> None:
    row = office.do(crm.deal.add_product(tea, quantity=2), deal)
    office.do(crm.deal.add_product(tea, quantity=50), deal)
    order = office.do(crm.deal.create_order([row, tea, tea.id]), deal)
    assert order.amount == Decimal("72.00")
    assert [each.quantity for each in office.reader.find(ProductRow, of=order)] == [2, 1, 1]


def test_a_manual_amount_changes_no_order(office: Office, tea: Product) -> None:
    deal = office.do(crm.deal.create(title="x", amount=1000))
    office.do(crm.deal.add_product(tea), deal)
    assert office.do(crm.deal.create_order(), deal).amount == Decimal("18.00")


def test_an_order_of_nothing_has_no_payment(office: Office, deal: Deal) -> None:
    order = office.do(crm.deal.create_order(), deal)
    assert order.amount == 0
    assert office.do(crm.deal.payment_information(order), deal) is None


def test_of_several_orders_the_first_is_meant(office: Office, deal: Deal, tea: Product) -> None:
    first, second = (office.do(crm.deal.create_order([tea]), deal) for _ in range(2))
    found = office.do(crm.deal.payment_information([second.id, first]), deal)
    assert found.order_id == second.id
    assert office.do(crm.deal.payment_information(office.do(crm.deal.orders(), deal)), deal).order_id == first.id


def test_an_order_that_is_not_there_is_refused(office: Office, deal: Deal) -> None:
    assert office.refused(OrderNotFound, crm.deal.payment_information(999), deal).order == 999
    assert office.refused(OrderNotFound, crm.deal.payment_information([]), deal).order is None


def test_an_order_of_what_is_not_there_is_refused(office: Office, deal: Deal, tea: Product) -> None:
    office.refused(ProductNotFound, crm.deal.create_order([tea, 999]), deal)
    office.refused(ItemNotFound, crm.deal(999).create_order())
    with pytest.raises(UnknownItem, match="deal, invoice"):
        office.ask(lambda port: port.create_order(ItemRef("quote", 1), None))


def test_orders_go_with_their_item(office: Office, deal: Deal, tea: Product) -> None:
    office.do(crm.deal.create_order([tea]), deal)
    office.do(crm.deal(deal).delete())
    assert office.reader.find(Order) == office.reader.find(Payment) == office.reader.find(ProductRow) == []
