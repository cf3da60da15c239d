"""The nouns: frozen values; what may be written of them stands in their TypedDict, and nothing else does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args, get_origin, get_type_hints

import attrs
import pytest

from bizproc import model
from bizproc.core.codec import Codec
from bizproc.core.errors import UnknownItem, WrongFieldValue
from bizproc.model import Company, Contact, Deal, ItemRef, MultiField, ProductRow, SmartItem, StageReached, User
from bizproc.model.fields import Field, fields_of, writable
from bizproc.model.kinds import BELONGINGS, NOUNS, class_of
from bizproc.model.multi_fields import MULTI_FIELD_TYPES
from bizproc.model.pipelines import DEFAULT_STAGES, code_in

ALL = (*NOUNS.values(), *BELONGINGS.values())


def written(cls: type) -> type:
    """The TypedDict of a noun."""
    found: type = getattr(model, f"{cls.__name__}Fields")
    return found


@pytest.mark.parametrize("cls", NOUNS.values(), ids=list(NOUNS))
def test_what_may_be_written_is_what_the_typed_dict_says(cls: type) -> None:
    assert set(get_type_hints(written(cls))) == set(writable(cls))


def listed(hint: Any) -> Any:
    """Where the model keeps a tuple, any sequence may be given."""
    return Sequence[get_args(hint)[0]] if get_origin(hint) is tuple else hint  # type: ignore[misc]


@pytest.mark.parametrize("cls", NOUNS.values(), ids=list(NOUNS))
def test_the_types_that_may_be_written_are_the_models(cls: type) -> None:
    ours, theirs = get_type_hints(cls, include_extras=True), get_type_hints(written(cls), include_extras=True)
    wider = {Decimal: Decimal | int, Decimal | None: Decimal | int | None}
    for name, hint in theirs.items():
        if name in ours and name not in MULTI_FIELD_TYPES:  # multi-fields may also be given as texts
            assert hint == wider.get(ours[name], listed(ours[name])), name


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_a_noun_is_frozen_has_a_kind_and_an_id(cls: Any) -> None:
    noun = cls(id=5, **({"code": "NEW"} if cls is model.Stage else {}))
    assert (noun.id, noun.item_type) == (5, cls.item_type)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        noun.id = 6
    assert not hasattr(noun, "__dict__")
    assert hash(noun) == hash(attrs.evolve(noun))


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_a_noun_survives_the_codec(cls: Any) -> None:
    noun = cls(id=5, **({"code": "NEW"} if cls is model.Stage else {}))
    codec = Codec()
    assert codec.decode(codec.encode(noun, cls), cls) == noun
    assert codec.decode(codec.encode(noun)) == noun


def test_a_full_deal_survives_the_codec() -> None:
    deal = Deal(
        id=5,
        title="Tea",
        amount=Decimal("180.00"),
        contact_ids=(1, 2),
        custom={"city": "Reims", "when": datetime(2026, 1, 5, tzinfo=UTC), "tags": ("a", "b")},
    )
    codec = Codec()
    assert codec.decode(codec.encode(deal, Deal), Deal) == deal
    contact = Contact(id=1, phones=(MultiField("1", "FAX"),))
    assert codec.decode(codec.encode(contact, Contact), Contact) == contact
    reached = StageReached(stage="WON", semantics="success", matched=True)
    assert codec.decode(codec.encode(reached, StageReached), StageReached) == reached


def test_the_settled_fields_are_there() -> None:
    common = "id title responsible_id observer_ids created_at updated_at origin_id custom"
    staged = "stage pipeline moved_at amount currency company_id contact_ids"
    settled = {
        Deal: f"{common} {staged} begin_date close_date",
        Contact: f"{common} name last_name company_id phones emails",
        Company: f"{common} phones emails",
        ProductRow: "product_id name price net_price quantity discount_percent sum",
        model.Activity: "subject description kind responsible_id start end important completed",
        model.Comment: "text author_id",
        model.Product: "code name price",
        StageReached: "stage semantics matched timed_out deleted",
        MultiField: "value type",
        model.HistoryEvent: "field old new author_id at",
    }
    for cls, names in settled.items():
        assert [name for name in names.split() if not hasattr(cls, name)] == []


def test_a_user_in_a_parameter_needs_an_id_alone() -> None:
    assert User(3).id == 3
    with pytest.raises(TypeError):
        User(3, "Ann")  # type: ignore[call-arg]


def test_the_names_people_see_are_made_of_the_parts_there_are() -> None:
    assert Contact(id=1, name="Ann", last_name="Lee").title == "Ann Lee"
    assert User(1, name="Ann").title == "Ann"


def test_a_net_price_is_exact() -> None:
    assert ProductRow(id=1, price=Decimal("0.1"), discount_percent=Decimal("2.5")).net_price == Decimal("0.0975")


def test_the_primary_is_the_first() -> None:
    assert Deal(id=1, contact_ids=(4, 2)).contact_id == 4
    assert Deal(id=1).contact_id is None
    assert Contact(id=1, company_ids=(7,)).company_id == 7


def test_a_reference_reads_as_events_name_it() -> None:
    assert str(model.ref_of(Deal(id=5))) == "deal:5"


def test_an_unknown_kind_is_refused_with_those_there_are() -> None:
    for text in ("Bargain", "smart_item", "product_row", "a b", ""):
        with pytest.raises(UnknownItem, match="deal"):
            class_of(text)
    assert class_of("contract") is SmartItem


def test_a_pipeline_of_deals_has_one_success_and_then_failures() -> None:
    semantics = [stage.semantics for stage in DEFAULT_STAGES["deal"]]
    assert semantics == ["process"] * 5 + ["success", "failure", "apology"]


def test_a_code_bears_its_pipeline_but_in_the_general_one() -> None:
    assert (code_in(0, "NEW"), code_in(3, "NEW"), code_in(3, "C3:NEW")) == ("NEW", "C3:NEW", "C3:NEW")


def field(cls: type, name: str) -> Field:
    return fields_of(cls)[name]


def test_a_moment_is_kept_in_utc() -> None:
    from zoneinfo import ZoneInfo

    kept = field(model.Activity, "start").checked(datetime(2026, 1, 5, 10, tzinfo=ZoneInfo("Europe/Paris")))
    assert (kept, kept.tzinfo) == (datetime(2026, 1, 5, 9, tzinfo=UTC), UTC)
    with pytest.raises(WrongFieldValue, match="time zone"):
        field(model.Activity, "start").checked(datetime(2026, 1, 5, 10))  # noqa: DTZ001


def test_a_time_zone_is_one_of_the_iana_database() -> None:
    assert field(User, "time_zone").checked("Europe/Paris") == "Europe/Paris"
    for wrong in ("Paris", "../etc/passwd", "", "UTC+1"):
        with pytest.raises(WrongFieldValue, match="Europe/Paris"):
            field(User, "time_zone").checked(wrong)


def test_an_error_shows_any_value_in_characters_that_can_be_printed() -> None:
    for value in ("a\0b", "a\ud800", "x" * 1_000_000 + "\0", object()):
        with pytest.raises(WrongFieldValue) as raised:
            field(Deal, "title").checked(value)
        text = str(raised.value)
        assert len(text.encode()) < 400
        assert "\0" not in text


def test_a_reference_is_a_kind_and_an_id() -> None:
    assert ItemRef("deal", 5) == ItemRef("deal", 5) != ItemRef("lead", 5)
