"""What a process types: names, parameters, and the values they make."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bizproc import crm, wait
from bizproc.actions.activities import AddActivity
from bizproc.actions.creating import CreateDeal
from bizproc.actions.items import Read, Update
from bizproc.actions.products import AddProduct
from bizproc.actions.waits import UntilStage
from bizproc.core.commands import Action, Command, Signalled, Sleep, SleepUntil, WaitSignal
from bizproc.core.errors import WrongArgument
from bizproc.crm.deals import DealActions
from bizproc.model import (
    Activity,
    Assignment,
    Comment,
    Company,
    Contact,
    Conversion,
    Deal,
    Department,
    Details,
    Payment,
    Product,
    ProductRow,
    SmartItem,
    StageReached,
    User,
    Users,
    supervisor,
)

ACTIONS: dict[str, Action[Any]] = {
    "deal.add_product": crm.deal.add_product(7),
    "deal.products": crm.deal.products(),
    "deal.add_comment": crm.deal.add_comment("x"),
    "deal.comments": crm.deal.comments(),
    "deal.add_activity": crm.deal.add_activity("x"),
    "deal.activities": crm.deal.activities(),
    "deal.change_stage": crm.deal.change_stage("WON"),
    "deal.change_responsible": crm.deal.change_responsible([3, 4]),
    "queue.export": crm.queue("sales").export(),
    "queue.release": crm.queue.release(),
    "deal.update": crm.deal.update({"title": "x"}),
    "deal.read": crm.deal.read(),
    "deal.create": crm.deal.create(title="x"),
    "contact.create": crm.contact.create(name="x", last_name="y"),
    "company.create": crm.company.create(title="x"),
    "user.create": crm.user.create(name="x"),
    "product.create": crm.product.create(name="x"),
    "pipeline.create": crm.pipeline.create(name="x"),
    "stage.create": crm.stage.create(code="x"),
    "lead.convert": crm.lead.convert(deal=True),
    "deal.convert": crm.deal.convert(quote=True),
    "lead.create_contact": crm.lead.create_contact(),
    "deal.record_payment": crm.deal.record_payment(5),
    "deal.create_repeat_lead": crm.deal.create_repeat_lead(),
    "lead.add_to_exclusions": crm.lead.add_to_exclusions(),
    "quote.edit_contact": crm.quote.edit_contact({"name": "x"}),
    "contact.edit_company": crm.contact.edit_company({"title": "x"}),
    "company.details_information": crm.company.details_information(template="x"),
    "invoice.edit_details": crm.invoice.edit_details({"x": "y"}, template="x"),
    "deal.add_field": crm.deal.add_field("x", type="text", label="x"),
    "contract.edit": crm.item("contract").edit({"title": "x"}, id=5),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_is_named_by_its_item_and_verb(name: str) -> None:
    assert ACTIONS[name].name == name


def test_the_journal_knows_what_an_action_gives_back() -> None:
    given = {name: action.result_type for name, action in ACTIONS.items()}
    assert given["deal.add_product"] is ProductRow
    assert given["deal.products"] == tuple[ProductRow, ...]
    assert given["deal.add_comment"] is Comment
    assert given["deal.add_activity"] is Activity
    assert given["deal.change_stage"] is type(None)
    assert given["deal.change_responsible"] is Assignment
    assert given["deal.read"] is given["deal.update"] is given["deal.create"] is Deal
    assert given["company.create"] is Company
    assert given["user.create"] is User
    assert given["lead.convert"] is given["deal.convert"] is Conversion
    assert given["lead.create_contact"] is given["quote.edit_contact"] is Contact
    assert given["contact.edit_company"] is Company
    assert given["company.details_information"] is given["invoice.edit_details"] is Details
    assert given["contract.edit"] is SmartItem
    assert given["deal.record_payment"] is Payment
    assert crm.company(3).read().result_type is Company
    assert wait.until_stage("WON").result_type is StageReached


def test_arguments_are_those_that_differ_from_their_default() -> None:
    assert crm.deal.add_product(7).arguments() == {"product": 7}
    assert crm.deal.add_product(7, quantity=1).arguments() == {"product": 7, "quantity": 1}
    assert crm.deal(42).add_product(7, price=Decimal(0)).arguments() == {"target": 42, "product": 7, "price": 0}
    assert crm.deal.create(title="x").arguments() == {"title": "x"}
    assert crm.deal.update({"title": "x"}, append=True).arguments() == {"fields": {"title": "x"}, "append": True}
    assert wait.until_stage("WON", deal=5).arguments() == {"target": 5, "stages": ("WON",)}


def test_what_is_given_to_an_update_may_change_afterwards() -> None:
    from bizproc.model import DealFields

    fields: DealFields = {"title": "x"}
    action = crm.deal.update(fields)
    fields["title"] = "y"
    assert action.fields == {"title": "x"}


def test_an_item_or_its_id_names_any_other_one() -> None:
    assert crm.deal(42).target == crm.deal(Deal(id=42)).target
    assert crm.deal(42).target.id == 42
    assert crm.deal.target.id is None
    assert repr(crm.deal(42)) == "crm.deal(42)"
    assert wait.until_stage("WON", deal=Deal(id=5)).target.id == 5


def test_only_the_kind_itself_makes_new_ones() -> None:
    assert not hasattr(crm.deal(42), "create")
    assert not callable(crm.deal(42))
    assert isinstance(crm.deal, DealActions)


deal: Any = crm.deal  # what is wrong here, type checkers would say
until_stage: Any = wait.until_stage

WRONG: list[Any] = [
    lambda: deal.add_product("7"),
    lambda: deal.add_product(7, price=1.5),
    lambda: deal.add_product(7, quantity=True),
    lambda: deal.add_comment(5),
    lambda: deal.add_comment("x", author="ann"),
    lambda: deal.change_responsible("ann"),
    lambda: deal.change_responsible([3, "department"]),
    lambda: deal.add_activity("x", important=1),
    lambda: deal.add_activity("x", deadline=datetime(2026, 1, 5)),  # noqa: DTZ001
    lambda: deal.change_stage(None),
    lambda: deal.update({"title": "x"}, append="yes"),
    lambda: deal.convert(quote="yes"),
    lambda: deal.details_information(template="x", of="lead"),
    lambda: deal.edit_contact(["phones"]),
    lambda: until_stage(["WON"]),
    lambda: until_stage("WON", timeout=5),
]


@pytest.mark.parametrize("make", WRONG)
def test_a_parameter_of_the_wrong_type_is_refused_where_it_is_typed(make: Any) -> None:
    with pytest.raises(WrongArgument):
        make()


def test_users_may_be_named_in_every_way() -> None:
    ways: list[Users] = [3, User(3), [3, User(4)], (3,), [], [None, 3], "user:3", Department("sales"), supervisor(of=3)]
    ways.append([Department("sales", deep=True), "group:admins"])
    for users in ways:
        assert crm.deal.add_comment("x", author=users).author == users
    assert crm.deal.add_product(Product(id=7)).product == Product(id=7)


def documented() -> list[tuple[str, Any]]:
    """Every fluent method that makes an action."""
    found: list[tuple[str, Any]] = []
    for kind in crm.__all__:
        own = getattr(crm, kind)
        holders = (
            (own("x"), own("x", 1))
            if kind == "item"
            else (own,)
            if kind == "drive"
            else (own, own("sales" if kind == "queue" else 1))
        )
        for holder in holders:
            for name, member in inspect.getmembers_static(type(holder)):
                if not name.startswith("_") and (hasattr(member, "action") or inspect.isfunction(member)):
                    found.append((f"{kind}.{name}", member))
    return found


def test_every_method_is_documented_by_the_action_it_makes() -> None:
    for name, member in documented():
        assert member.action.__doc__, name
        assert member.__doc__ == member.action.__doc__, name
    assert wait.until_stage.__doc__ == UntilStage.__doc__


def test_the_catalogue_finds_the_action_of_each_method() -> None:
    found = {name: member.action for name, member in documented()}
    assert found["deal.add_product"] is AddProduct
    assert found["company.add_activity"] is AddActivity
    assert found["deal.create"] is CreateDeal
    assert found["user.read"] is Read
    assert found["contact.update"] is Update


def test_every_parameter_of_an_action_is_documented() -> None:
    for name, member in documented():
        action = member.action
        section = action.__doc__.partition("Args:")[2].partition("Raises:")[0]
        for parameter in inspect.signature(action).parameters:
            assert parameter == "target" or f" {parameter}:" in section, (name, parameter)


def test_waits_are_commands() -> None:
    moment = datetime(2026, 1, 5, tzinfo=UTC)
    assert wait.sleep(timedelta(days=1)) == Sleep(timedelta(days=1))
    assert wait.until(moment) == SleepUntil(moment)
    signal = wait.for_signal("approved", int, timeout=timedelta(hours=1))
    assert signal == WaitSignal("approved", int, timedelta(hours=1))
    assert (signal.result_type.__origin__, signal.result_type.__args__) == (Signalled, (int,))
    for command in (wait.until_stage(), wait.for_signal("x"), *ACTIONS.values()):
        assert isinstance(command, Command)
