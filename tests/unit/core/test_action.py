"""How an action is written: what a class says becomes its parameters, checks, record and fluent method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar, cast

import attrs
import pytest

from bizproc.core.action import ItemAction, ItemWait, Target, act, action_type, between, more_than, one_of, option
from bizproc.core.commands import Action, Done, Event, Listening, Pending
from bizproc.core.errors import WrongArgument, WrongValue
from tests.unit.core.drive import begun, result

Number: TypeAlias = Decimal | int
T = TypeVar("T")

DEAL = Target("deal")
DEAL_42 = Target("deal", 42)


class Row:
    """What adding gives."""


@action_type("crm.add_product")
class AddProduct(ItemAction[Row]):
    """Append a product row."""

    target: Target
    product: int
    title: str = option(default="")
    _: KW_ONLY
    price: Number | None = option(default=None)
    quantity: Number = option(default=Decimal(1), validator=more_than(0))
    discount: Number = option(default=Decimal(0), validator=between(0, 100))
    mode: str = option(default="append", validator=one_of("append", "replace"))
    tags: tuple[str, ...] = option(default=())
    extra: Mapping[str, Any] = option(factory=dict)

    async def perform(self, port: Any) -> Row:
        return Row()


@action_type("crm.base")
class Base(ItemAction[T]):
    target: Target
    number: int
    _: KW_ONLY
    flag: bool = option(default=False)


@action_type("crm.derived")
class Derived(Base[Row]):
    """With one more parameter."""

    note: str = option(default="")


@action_type("crm.plain")
class Untyped(ItemAction):  # type: ignore[type-arg]
    target: Target


@action_type("wait.until_stage")
class UntilStage(ItemWait[str]):
    target: Target
    stage: str

    async def begin(self, port: Any) -> Done[str] | Pending:
        return Pending(("stage",))

    def accept(self, event: Event) -> Done[str] | None:
        return Done(self.stage)

    def expired(self) -> str:
        return ""


class DealActions:
    """What may be done to a deal."""

    def __init__(self, target: Target) -> None:
        self.target = target

    add_product = act(AddProduct)


# -- parameters --------------------------------------------------------------------------------------------------------


def test_parameters_before_the_marker_may_be_given_by_position() -> None:
    given = AddProduct(DEAL, 7, "tea")
    assert (given.target, given.product, given.title) == (DEAL, 7, "tea")
    assert AddProduct(DEAL, 7, "tea") == AddProduct(target=DEAL, product=7, title="tea")


def test_parameters_after_the_marker_are_given_by_name_only() -> None:
    assert AddProduct(DEAL, 7, quantity=3).quantity == 3
    with pytest.raises(TypeError, match="positional argument"):
        _ = AddProduct(DEAL, 7, "tea", Decimal(3))  # type: ignore[call-arg]


def test_the_marker_itself_is_no_parameter() -> None:
    names = [field.name for field in attrs.fields(cast("Any", AddProduct))]
    assert names == ["target", "product", "title", "price", "quantity", "discount", "mode", "tags", "extra"]


def test_what_is_left_out_has_its_default() -> None:
    given = AddProduct(DEAL, 7)
    assert (given.title, given.price, given.quantity, given.discount) == ("", None, Decimal(1), Decimal(0))
    assert (given.mode, given.tags, given.extra) == ("append", (), {})
    assert given.extra is not AddProduct(DEAL, 7).extra


def test_a_required_parameter_is_required() -> None:
    with pytest.raises(TypeError, match="product"):
        _ = AddProduct(DEAL)  # type: ignore[call-arg]


def test_a_derived_action_has_the_parameters_of_its_base_as_they_were() -> None:
    given = Derived(DEAL, 3, note="x", flag=True)
    assert (given.number, given.flag, given.note) == (3, True, "x")
    with pytest.raises(TypeError, match="positional"):
        _ = Derived(DEAL, 3, "x", True)  # type: ignore[call-arg]  # noqa: FBT003
    with pytest.raises(WrongArgument, match=r"deal\.derived: parameter number"):
        _ = Derived(DEAL, "3")  # type: ignore[arg-type]
    with pytest.raises(WrongArgument, match=r"deal\.derived: parameter note"):
        _ = Derived(DEAL, 3, note=4)  # type: ignore[arg-type]


def test_an_action_is_a_frozen_value() -> None:
    given = AddProduct(DEAL, 7)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        given.product = 8  # type: ignore[misc]
    assert given == AddProduct(DEAL, 7) != AddProduct(DEAL, 8)
    assert not hasattr(given, "__dict__")


# -- checks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"product": "7"}, "deal.add_product: parameter product: expected int, got '7' (str)"),
        ({"product": True}, "deal.add_product: parameter product: expected int, got True (bool)"),
        ({"title": None}, "deal.add_product: parameter title: expected str, got None"),
        ({"price": 1.5}, "deal.add_product: parameter price: expected Decimal | int | None, got 1.5 (float); write "),
        ({"quantity": None}, "deal.add_product: parameter quantity: expected Decimal | int, got None"),
        ({"quantity": True}, "deal.add_product: parameter quantity: expected Decimal | int, got True (bool)"),
        ({"tags": ["a"]}, "deal.add_product: parameter tags: expected tuple[str, ...]"),
        ({"tags": (1,)}, "deal.add_product: parameter tags: expected tuple[str, ...]"),
        ({"extra": 5}, "deal.add_product: parameter extra: expected Mapping[str, Any]"),
    ],
)  # fmt: skip
def test_a_parameter_of_the_wrong_type_is_refused_by_name(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(WrongArgument) as raised:
        _ = AddProduct(DEAL, **{"product": 7, **wrong})
    assert str(raised.value).startswith(says)
    assert raised.value.parameter == next(iter(wrong))


def test_a_wrong_parameter_fails_at_the_users_call_inside_a_process() -> None:
    async def program() -> str:
        try:
            await AddProduct(DEAL, "7")  # type: ignore[arg-type]
        except WrongArgument as error:
            return error.parameter
        return "accepted"

    assert result(begun(program())) == "product"


NO_NUMBERS = [Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("-Infinity"), float("nan"), float("inf")]


@pytest.mark.parametrize(
    ("parameter", "value", "says"),
    [
        ("quantity", 0, "deal.add_product: quantity must be more than 0, got 0"),
        ("quantity", Decimal("-0.1"), "deal.add_product: quantity must be more than 0, got Decimal('-0.1')"),
        ("quantity", "5", "deal.add_product: quantity must be more than 0, got '5'"),
        ("discount", -1, "deal.add_product: discount must be from 0 to 100, got -1"),
        ("discount", Decimal("100.01"), "deal.add_product: discount must be from 0 to 100, got Decimal('100.01')"),
        ("mode", "both", "deal.add_product: mode must be one of append, replace, got 'both'"),
        *[("quantity", value, "deal.add_product: quantity must be more than 0, got ") for value in NO_NUMBERS],
        *[("discount", value, "deal.add_product: discount must be from 0 to 100, got ") for value in NO_NUMBERS],
    ],
)
def test_a_value_outside_its_range_is_refused_by_name(parameter: str, value: Any, says: str) -> None:
    with pytest.raises(WrongValue) as raised:
        _ = AddProduct(DEAL, 7, **{parameter: value})
    assert str(raised.value).startswith(says)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("quantity", Decimal("0.001")),
        ("quantity", 10**400),
        ("discount", 0),
        ("discount", 100),
        ("discount", Decimal("99.9")),
        ("mode", "replace"),
    ],
)
def test_a_value_at_the_edge_of_its_range_is_taken(parameter: str, value: Any) -> None:
    assert getattr(AddProduct(DEAL, 7, **{parameter: value}), parameter) == value


def test_a_ranged_parameter_that_may_be_left_out_may_be_none() -> None:
    @action_type("crm.discount")
    class Discount(ItemAction[None]):
        target: Target
        percent: Decimal | None = option(default=None, validator=between(0, 100))

    assert Discount(DEAL).percent is None
    with pytest.raises(WrongValue, match=r"deal\.discount: percent"):
        _ = Discount(DEAL, Decimal(101))


# -- the record --------------------------------------------------------------------------------------------------------


def test_an_action_is_recorded_under_its_items_kind_and_its_verb() -> None:
    assert (AddProduct(DEAL, 7).kind, AddProduct(DEAL, 7).name) == ("action", "deal.add_product")
    assert AddProduct(Target("lead", 1), 7).name == "lead.add_product"
    assert isinstance(AddProduct(DEAL, 7), Action)


def test_only_parameters_that_differ_from_their_default_are_recorded() -> None:
    assert AddProduct(DEAL, 7).arguments() == {"product": 7}
    assert AddProduct(DEAL, 7, "", price=None, quantity=Decimal(1), tags=(), extra={}).arguments() == {"product": 7}
    assert AddProduct(DEAL, 7, "tea", quantity=Decimal(2), extra={"a": 1}).arguments() == {
        "product": 7, "title": "tea", "quantity": Decimal(2), "extra": {"a": 1},
    }  # fmt: skip


def test_a_value_equal_to_the_default_but_of_another_type_is_recorded() -> None:
    arguments = AddProduct(DEAL, 7, quantity=1).arguments()
    assert arguments == {"product": 7, "quantity": 1}
    assert type(arguments["quantity"]) is int


def test_a_required_parameter_is_recorded_whatever_it_is() -> None:
    assert AddProduct(DEAL, 0).arguments() == {"product": 0}


def test_the_item_is_recorded_where_it_is_named() -> None:
    assert AddProduct(DEAL_42, 7).arguments() == {"target": 42, "product": 7}


def test_a_value_whose_comparison_fails_is_recorded() -> None:
    class Odd:
        def __eq__(self, other: object) -> bool:
            raise RuntimeError("no comparison")

        __hash__ = object.__hash__

    @action_type("crm.odd")
    class TakesOdd(ItemAction[None]):
        target: Target
        odd: Any = option(default=Odd())

    value = Odd()
    assert TakesOdd(DEAL, value).arguments() == {"odd": value}
    assert TakesOdd(DEAL).arguments() == {}


def test_the_result_type_is_what_the_class_says() -> None:
    assert AddProduct(DEAL, 7).result_type is Row
    assert Derived(DEAL, 7).result_type is Row
    assert Untyped(DEAL).result_type is Any
    assert Base(DEAL, 7).result_type is Any
    assert UntilStage(DEAL, "WON").result_type is str


def test_a_wait_is_recorded_like_an_action_under_its_verb() -> None:
    waiting = UntilStage(DEAL_42, "WON")
    assert isinstance(waiting, Listening)
    assert (waiting.kind, waiting.name) == ("wait", "until_stage")
    assert waiting.arguments() == {"target": 42, "stage": "WON"}
    with pytest.raises(WrongArgument, match=r"until_stage: parameter stage: expected str, got 5"):
        _ = UntilStage(DEAL, 5)  # type: ignore[arg-type]


def test_a_target_is_shown_as_people_write_it() -> None:
    assert (str(DEAL), str(DEAL_42)) == ("deal", "deal 42")


# -- the fluent method -------------------------------------------------------------------------------------------------


def test_a_fluent_method_fills_in_the_target() -> None:
    deal = DealActions(DEAL_42)
    assert deal.add_product(7, quantity=3) == AddProduct(DEAL_42, 7, quantity=3)
    with pytest.raises(WrongArgument, match=r"deal\.add_product: parameter product"):
        _ = deal.add_product("7")  # type: ignore[arg-type]


def test_on_the_class_a_fluent_method_is_its_descriptor_with_the_actions_documentation() -> None:
    method: Any = DealActions.add_product
    assert isinstance(method, act)
    assert method.action is AddProduct
    assert method.__doc__ == "Append a product row."


def test_an_action_awaited_in_a_process_is_asked_for_as_it_is() -> None:
    async def program() -> Row:
        return await DealActions(DEAL).add_product(7)

    row = Row()
    driver = begun(program())
    assert driver.asks["0"].command == AddProduct(DEAL, 7)
    driver.resume("0", row)
    assert result(driver) is row
