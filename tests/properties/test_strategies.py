"""Strategies of items, moments and parameters: what they draw is sound, prints itself as code, and shrinks well."""

from __future__ import annotations

import datetime as dt
import enum
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from textwrap import dedent
from typing import Any, Literal, TypeVar, cast
from uuid import UUID

import attrs
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from bizproc import model as model_module
from bizproc import process
from bizproc.core.codec import Codec
from bizproc.core.errors import WrongArgument
from bizproc.model import Company, Contact, Deal, Invoice, Lead, Product, Quote, User
from bizproc.model.fields import writable
from bizproc.model.pipelines import DEFAULT_STAGES
from bizproc.testing import World
from bizproc.testing.by_type import register
from bizproc.testing.strategies import (
    companies,
    contacts,
    deals,
    invoices,
    leads,
    moments,
    parameters,
    products,
    quotes,
    users,
)

T = TypeVar("T")

EVERY: dict[type[Any], Any] = {
    Deal: deals,
    Lead: leads,
    Quote: quotes,
    Invoice: invoices,
    Contact: contacts,
    Company: companies,
    Product: products,
    User: users,
}


class Way(enum.Enum):
    BY_MAIL = "mail"
    BY_PHONE = "phone"


@attrs.frozen
class Offer:
    """A value class of a user's own."""

    price: Decimal
    items: tuple[str, ...]
    until: date | None = None


@process("strategies.everything")
async def everything(
    deal: Deal,
    *,
    discount: Decimal,
    within: timedelta,
    at: datetime,
    way: Way,
    urgency: Literal["low", "high"],
    offers: list[Offer],
    by: dict[str, int],
    contact: Contact | None = None,
    pair: tuple[int, str] = (1, "x"),
    id_: UUID | None = None,
    days: frozenset[date] = frozenset(),
) -> None: ...


@process("strategies.nothing")
async def nothing() -> None: ...


# What a person has who pastes: the modules whose names a repr uses, and the classes of the test.
PASTED = {
    "datetime": dt,
    "Decimal": Decimal,
    "UUID": UUID,
    "Way": Way,
    "Offer": Offer,
    **{name: getattr(model_module, name) for name in model_module.__all__},
}


def pasted(value: Any) -> Any:
    """What its repr makes. An enum's names its class only where Hypothesis prints it."""
    code = re.sub(r"<(Way\.\w+): '\w+'>", r"\1", repr(value))
    return eval(code, dict(PASTED))  # noqa: S307  our own text


@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.__name__)
@given(data=st.data())
def test_the_repr_of_an_item_makes_it_again(cls: type[Any], data: st.DataObject) -> None:
    item = data.draw(EVERY[cls]())
    assert pasted(item) == item
    assert type(pasted(item)) is cls


@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.__name__)
@given(data=st.data())
def test_a_journal_gives_a_drawn_item_back(cls: type[Any], data: st.DataObject) -> None:
    item = data.draw(EVERY[cls]())
    assert Codec().decode(Codec().encode(item, cls), cls) == item


@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.__name__)
@given(data=st.data())
def test_a_drawn_item_holds_what_its_fields_may_hold(cls: type[Any], data: st.DataObject) -> None:
    item = data.draw(EVERY[cls]())
    for name, field in writable(cast("Any", cls)).items():
        value = getattr(item, name)
        if field.type.name != "custom":
            assert field.checked(value) == value, name


@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.__name__)
def test_the_least_item_is_one_without_anything(cls: type[Any]) -> None:
    assert len(repr(find(EVERY[cls](), lambda _: True))) < 40


@pytest.mark.parametrize("seed", range(5))
def test_an_example_shrinks_to_what_matters(seed: int) -> None:
    def least(items: st.SearchStrategy[T], matters: Callable[[T], bool]) -> str:
        return repr(find(items, matters, random=Random(seed)))

    assert least(deals(), lambda deal: deal.closed) == "Deal(id=1, stage='WON', semantics='success', closed=True)"
    assert least(deals(), lambda deal: deal.amount > 100) == "Deal(id=1, stage='NEW', amount=Decimal('101'))"
    assert (
        least(contacts(), lambda one: bool(one.phones)) == "Contact(id=1, phones=(MultiField(value='0', type='WORK'),))"
    )


@given(deals())
def test_what_follows_from_other_fields_follows(deal: Deal) -> None:
    semantics = {stage.code: stage.semantics for stage in DEFAULT_STAGES["deal"]}[deal.stage]
    assert (deal.semantics, deal.closed) == (semantics, semantics != "process")


@given(deals(stage="EXECUTING", amount=st.integers(1, 5).map(Decimal), responsible_id=None))
def test_a_field_can_be_given_as_a_value_or_a_strategy(deal: Deal) -> None:
    assert deal.stage == "EXECUTING"
    assert deal.responsible_id is None
    assert 1 <= deal.amount <= 5


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_drawn_can_be_written_into_a_crm(data: st.DataObject, bizproc_runner: Any) -> None:
    names = {"title", "amount", "currency", "comments", "probability", "begin_date", "close_date", "stage", "type"}
    deal = data.draw(deals(title=st.sampled_from(["Tea", "Thé ☕", "x"])))

    async def story() -> None:
        async with World.open() as world:
            kept = await world.deal(**{name: getattr(deal, name) for name in names})
            assert {name: getattr(kept, name) for name in names - {"close_date"}} == {
                name: getattr(deal, name) for name in names - {"close_date"}
            }

    bizproc_runner.run(story())


@given(moments(datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 3, 30, tzinfo=UTC)))
def test_moments_keep_their_bounds(moment: datetime) -> None:
    assert datetime(2026, 3, 28, tzinfo=UTC) <= moment <= datetime(2026, 3, 30, tzinfo=UTC)
    assert pasted(moment) == moment


@given(deals(), parameters(everything))
def test_drawn_parameters_fit_the_start_form_and_can_be_kept(deal: Deal, given_: dict[str, Any]) -> None:
    call = everything(deal, **given_)
    assert pasted(given_) == given_
    form = everything.form
    assert form.decode(form.encode(call.parameters, Codec()), Codec()) == call.parameters


def test_parameters_shrink_to_the_least_that_must_be_given() -> None:
    least = find(parameters(everything), lambda _: True)
    assert least.keys() == {each.name for each in everything.form.parameters if each.required}
    assert repr(least) == (
        "{'discount': Decimal('0'), 'within': datetime.timedelta(0), "
        "'at': datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), 'way': <Way.BY_MAIL: 'mail'>, "
        "'urgency': 'low', 'offers': [], 'by': {}}"
    )


@given(parameters(everything, discount=Decimal(5), within=st.just(timedelta(days=1))))
def test_a_parameter_can_be_given_as_a_value_or_a_strategy(given_: dict[str, Any]) -> None:
    assert given_["discount"] == 5 and given_["within"] == timedelta(days=1)


def test_a_parameter_that_the_process_has_not_is_refused() -> None:
    with pytest.raises(WrongArgument, match="rebate"):
        parameters(everything, rebate=1)
    assert find(parameters(nothing), lambda _: True) == {}


# -- by type -----------------------------------------------------------------------------------------------------------


def test_items_are_found_by_type() -> None:
    register()
    for cls in EVERY:
        assert isinstance(find(st.from_type(cls), lambda _: True), cls)
    assert find(st.from_type(Deal), lambda deal: deal.closed).stage == "WON"


def in_another_program(tmp_path: Path, code: str) -> str:
    """What code prints where the package is installed: with its entry point for Hypothesis."""
    info = tmp_path / "bizproc-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bizproc\nVersion: 0.1.0\n")
    entry = [line for line in Path("pyproject.toml").read_text().splitlines() if "by_type" in line]
    (info / "entry_points.txt").write_text("[hypothesis]\n" + "\n".join(entry).replace('"', "") + "\n")
    paths = os.pathsep.join([str(tmp_path), str(Path.cwd())])
    ran = subprocess.run(
        [sys.executable, "-c", dedent(code)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_hypothesis_knows_the_types_where_bizproc_is_installed(tmp_path: Path) -> None:
    told = in_another_program(
        tmp_path,
        """
        import sys
        from hypothesis import find, strategies as st
        assert "sqlalchemy" not in sys.modules, "hypothesis brought the database in"
        from bizproc.model import Deal
        print(find(st.from_type(Deal), lambda deal: deal.closed))
        """,
    )
    assert told == "Deal(id=1, stage='WON', semantics='success', closed=True)\n"


def test_bizproc_alone_does_not_load_hypothesis(tmp_path: Path) -> None:
    code = "import sys, bizproc.model, bizproc.testing; print({'hypothesis', 'sqlalchemy'} & sys.modules.keys())"
    assert in_another_program(tmp_path, code) == "set()\n"
