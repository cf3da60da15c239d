"""The print version of values (0.7), type by type, in both languages."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bizproc.core.errors import NotPrintable, UnknownField
from bizproc.model import (
    Address,
    Booking,
    Company,
    Contact,
    Deal,
    File,
    ItemRef,
    Lead,
    Money,
    MultiField,
    Portal,
    ProductRow,
    User,
)
from bizproc.model.fields import CUSTOM_TYPES, Field, fields_of
from bizproc.model.kinds import BELONGINGS, NOUNS
from bizproc.model.languages import LANGUAGES
from bizproc.model.multi_fields import MULTI_FIELD_TYPES
from bizproc.model.printing import Printer, currency_of, field_of, file_link, in_line, readable, url_link

PARIS = ZoneInfo("Europe/Paris")
AFTERNOON = datetime(2026, 1, 5, 13, 5, tzinfo=UTC)

CALLED: dict[tuple[str, Any], str] = {
    ("user", 5): "Ann Lee",
    ("company", 3): "Acme",
    ("contact", 1): "Bo Ek",
    ("contact", 2): "Cy Orr",
    ("deal", 7): "Tea for Lyon",
    ("file", 9): "offer.pdf",
    ("reference", ("SOURCE", "CALL")): "Call",
    ("reference", ("DEAL_TYPE", "SALE")): "Sale",
    ("stage", ("deal", "NEW")): "New",
    ("pipeline", 1): "Wholesale",
}


def printer(language: str, *, in_data: bool = False) -> Printer:
    return Printer(
        portal=Portal(language=language, zone=PARIS),
        look=lambda kind, key: CALLED.get((kind, key), ""),
        in_data=in_data,
    )


def both(value: Any) -> tuple[str, str]:
    """In English and in French, spaces plain."""
    english, french = (printer(language).value(value).replace("\u00a0", " ") for language in LANGUAGES)
    return english, french


def of_field(item: Any, name: str, language: str = "en", *, in_data: bool = False) -> str:
    field, value = field_of(item, name)
    return printer(language, in_data=in_data).of_field(field, value, currency_of(item)).replace("\u00a0", " ")


def custom(type_: str, value: Any, language: str = "en", *, multiple: bool = False, in_data: bool = False) -> str:
    field = Field("deal", "custom.x", CUSTOM_TYPES[type_], multiple=multiple, optional=True)
    return printer(language, in_data=in_data).of_field(field, value).replace("\u00a0", " ")


# -- values by themselves ----------------------------------------------------------------------------------------------


def test_nothing_is_an_empty_text() -> None:
    assert both(None) == both("") == both(()) == ("", "")


def test_a_text_is_itself_with_its_lines() -> None:
    assert both("one\n[b]two[/b]") == ("one\n[b]two[/b]",) * 2


def test_a_truth_is_yes_or_no() -> None:
    assert both(True) == ("Yes", "Oui")  # noqa: FBT003
    assert both(False) == ("No", "Non")  # noqa: FBT003


def test_a_day_is_written_as_people_write_it() -> None:
    assert both(date(2026, 1, 5)) == ("1/5/2026", "05/01/2026")


def test_a_moment_is_the_portals_wall_clock() -> None:
    assert both(AFTERNOON) == ("1/5/2026, 2:05 PM", "05/01/2026 14:05")
    assert both(AFTERNOON.astimezone(ZoneInfo("Asia/Tokyo"))) == both(AFTERNOON)


def test_a_moment_may_fall_on_another_day_in_the_portal() -> None:
    assert both(datetime(2026, 1, 5, 23, 30, tzinfo=UTC)) == ("1/6/2026, 12:30 AM", "06/01/2026 00:30")


def test_a_time_of_day_has_minutes() -> None:
    assert both(time(9, 5)) == ("9:05 AM", "09:05")


def test_a_number_has_its_digits_and_the_languages_signs() -> None:
    assert both(Decimal("1234567.8901")) == ("1,234,567.8901", "1 234 567,8901")
    assert both(Decimal("12.500")) == ("12.5", "12,5")
    assert both(Decimal("-0.00")) == ("0", "0")
    assert both(Decimal("1E+3")) == ("1,000", "1 000")


def test_an_integer_may_be_a_number_of_something_and_is_not_grouped() -> None:
    assert both(123456) == ("123456", "123456")


def test_money_has_its_currencys_sign_and_digits() -> None:
    assert both(Money(Decimal("1234.5"), "EUR")) == ("€1,234.50", "1 234,50 €")
    assert both(Money(Decimal(1234), "JPY")) == ("¥1,234", "1 234 JPY")
    assert both(Money(Decimal("1.5"), "KWD"))[1] == "1,500 KWD"
    assert both(Money(Decimal(-7), "EUR")) == ("-€7.00", "-7,00 €")


def test_of_an_exact_price_no_digit_is_lost() -> None:
    assert both(Money(Decimal("0.0175"), "EUR")) == ("€0.0175", "0,0175 €")
    long = Decimal("123456789012345.1234567890123456789012345678901234567891")
    assert both(long)[0] == "123,456,789,012,345.1234567890123456789012345678901234567891"


def test_numbers_do_not_depend_on_the_threads_decimal_context() -> None:
    from decimal import Context, localcontext

    with localcontext(Context(prec=3)):
        assert both(Decimal("1234567.891"))[0] == "1,234,567.891"


def test_a_phone_says_what_it_is_for() -> None:
    assert both(MultiField("+33 1 44", "WORK")) == ("Work: +33 1 44", "Travail: +33 1 44")
    assert both((MultiField("1", "MOBILE"), MultiField("2", "HOME")))[1] == "Mobile: 1, Domicile: 2"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_type_of_phone_and_address_has_a_label(language: str) -> None:
    for types in MULTI_FIELD_TYPES.values():
        for type_ in types:
            label = printer(language).value(MultiField("x", type_)).removesuffix(": x")
            assert label != type_ or label in ("VK", "ICQ", "MSN")


def test_an_address_is_its_parts_in_one_line() -> None:
    address = Address(line_1="12 rue du Thé", postal_code="69001", city="Lyon", country_code="FR")
    assert both(address) == ("12 rue du Thé, 69001 Lyon, France",) * 2
    assert both(Address(city="Bern", country_code="CH")) == ("Bern, Switzerland", "Bern, Suisse")
    assert both(Address()) == ("", "")


def test_several_are_joined_by_commas() -> None:
    assert both(("a", "b", "", "c")) == ("a, b, c",) * 2
    assert both([True, None, 3]) == ("Yes, 3", "Oui, 3")


def test_a_reference_is_what_the_item_is_called() -> None:
    assert both(ItemRef("deal", 7)) == ("Tea for Lyon",) * 2
    assert both(ItemRef("deal", 8)) == ("", "")


def test_an_item_in_hand_is_what_it_is_called() -> None:
    assert both(Deal(id=1, title="Tea")) == ("Tea", "Tea")
    assert both(Contact(id=1, name="Bo", last_name="Ek"))[0] == "Bo Ek"
    assert both(ProductRow(id=1, name="Box"))[0] == "Box"


def test_a_user_has_a_number_but_in_data() -> None:
    ann = User(5, name="Ann", last_name="Lee")
    assert both(ann) == ("Ann Lee [5]",) * 2
    assert printer("en", in_data=True).value(ann) == "Ann Lee"
    assert both(User(5)) == ("[5]", "[5]")


def test_a_booking_says_who_when_and_what_for() -> None:
    booking = Booking(id=1, user_id=5, start=AFTERNOON, end=AFTERNOON + timedelta(hours=1), service="Tasting")
    assert both(booking)[1] == "Ann Lee [5], 05/01/2026 14:05 – 05/01/2026 15:05, Tasting"
    days = Booking(id=1, user_id=5, start=AFTERNOON, end=AFTERNOON + timedelta(days=2), all_day=True)
    assert both(days)[0] == "Ann Lee [5], 1/5/2026 – 1/7/2026"


# -- fields ------------------------------------------------------------------------------------------------------------

FULL = Deal(
    id=7,
    title="Tea",
    type="SALE",
    source="CALL",
    stage="NEW",
    pipeline=1,
    amount=Decimal("1234.50"),
    company_id=3,
    contact_ids=(1, 2, 99),
    responsible_id=5,
    observer_ids=(5,),
    close_date=date(2026, 1, 5),
    moved_at=AFTERNOON,
    probability=50,
)


def test_users_of_a_field_have_a_number_but_in_data() -> None:
    assert of_field(FULL, "responsible_id") == "Ann Lee [5]"
    assert of_field(FULL, "responsible_id", in_data=True) == "Ann Lee"
    assert of_field(Deal(id=1, responsible_id=99), "responsible_id") == ""


def test_codes_of_lists_are_their_names_and_unknown_ones_nothing() -> None:
    assert (of_field(FULL, "source"), of_field(FULL, "type")) == ("Call", "Sale")
    assert of_field(Deal(id=1, source="GONE"), "source") == of_field(Deal(id=1), "source") == ""


def test_stages_and_pipelines_are_their_names() -> None:
    assert (of_field(FULL, "stage"), of_field(FULL, "pipeline")) == ("New", "Wholesale")
    assert of_field(Deal(id=1, stage="GONE"), "stage") == ""
    assert of_field(FULL, "semantics", "fr") == "En cours"


def test_an_amount_has_its_sign_but_in_data_and_its_currency_a_name_there() -> None:
    assert of_field(FULL, "amount", "fr") == "1 234,50 €"
    assert of_field(FULL, "amount", "fr", in_data=True) == "1 234,50"
    assert (of_field(FULL, "currency"), of_field(FULL, "currency", in_data=True)) == ("EUR", "Euro")
    assert of_field(FULL, "currency", "fr", in_data=True) == "euro"
    assert of_field(Deal(id=1, currency="QQQ"), "currency", in_data=True) == "QQQ"
    assert of_field(Company(id=1, revenue=Decimal(5)), "revenue") == "5.00"


def test_linked_clients_are_their_names_joined() -> None:
    assert of_field(FULL, "company_id") == "Acme"
    assert of_field(FULL, "contact_id") == "Bo Ek"
    assert of_field(FULL, "contact_ids") == "Bo Ek, Cy Orr"


def test_several_phones_are_parted_by_semicolons_in_data() -> None:
    contact = Contact(id=1, phones=(MultiField("1", "WORK"), MultiField("2", "MOBILE")))
    assert of_field(contact, "phones") == "Work: 1, Mobile: 2"
    assert of_field(contact, "phones", "fr", in_data=True) == "Travail: 1; Mobile: 2"


def test_a_birthday_is_a_day_alone() -> None:
    assert of_field(Contact(id=1, birth_date=date(1990, 12, 31)), "birth_date", "fr") == "31/12/1990"


def test_a_file_is_a_link_with_its_name() -> None:
    assert of_field(Contact(id=1, photo_id=9), "photo_id") == "[url=/files/9]offer.pdf[/url]"
    assert of_field(Contact(id=1, photo_id=8), "photo_id") == ""
    assert both(File(id=9, path="Offers/tea.pdf"))[0] == "[url=/files/9]tea.pdf[/url]"


def test_other_names_of_fields_print_too() -> None:
    assert of_field(Lead(id=1, stage="X"), "status") == ""
    assert of_field(Lead(id=1, name="Bo", last_name="Ek"), "full_name") == "Bo Ek"
    assert of_field(Contact(id=1, name="Bo"), "title") == "Bo"
    with pytest.raises(UnknownField, match="amount"):
        of_field(FULL, "amounts")


CUSTOM = {
    "text": ("a", "a", "a"),
    "integer": (5, "5", "5"),
    "truth": (True, "Yes", "Oui"),
    "number": (Decimal("1.5"), "1.5", "1,5"),
    "day": (date(2026, 1, 5), "1/5/2026", "05/01/2026"),
    "moment": (AFTERNOON, "1/5/2026, 2:05 PM", "05/01/2026 14:05"),
    "time": (time(14, 5), "2:05 PM", "14:05"),
    "choice": ("green", "green", "green"),
    "user": (5, "Ann Lee [5]", "Ann Lee [5]"),
    "file": (9, "[url=/files/9]offer.pdf[/url]", "[url=/files/9]offer.pdf[/url]"),
    "phone": (MultiField("1", "HOME"), "Home: 1", "Domicile: 1"),
    "email": (MultiField("a@b.example", "OTHER"), "Other: a@b.example", "Autre: a@b.example"),
    "web": (MultiField("https://a.example", "WORK"), "Work: https://a.example", "Travail: https://a.example"),
    "im": (MultiField("ann", "SKYPE"), "Skype: ann", "Skype: ann"),
    "money": (Money(Decimal("1.5"), "EUR"), "€1.50", "1,50 €"),
    "address": (Address(city="Lyon"), "Lyon", "Lyon"),
    "url": ("https://a.example/b", *("[url=https://a.example/b]https://a.example/b[/url]",) * 2),
    "link": (ItemRef("company", 3), "Acme", "Acme"),
    "booking": (
        Booking(id=1, user_id=5, start=AFTERNOON, end=AFTERNOON),
        "Ann Lee [5], 1/5/2026, 2:05 PM – 1/5/2026, 2:05 PM",
        "Ann Lee [5], 05/01/2026 14:05 – 05/01/2026 14:05",
    ),
}


def test_all_types_of_custom_fields_are_tried() -> None:
    assert CUSTOM.keys() == CUSTOM_TYPES.keys()


@pytest.mark.parametrize("type_", CUSTOM)
def test_a_custom_field_prints(type_: str) -> None:
    value, english, french = CUSTOM[type_]
    assert (custom(type_, value), custom(type_, value, "fr")) == (english, french)
    assert custom(type_, (value, value), multiple=True) == f"{english}, {english}"
    assert custom(type_, None) == custom(type_, (), multiple=True) == ""


def test_custom_money_keeps_its_sign_in_data_for_no_other_field_names_the_currency() -> None:
    assert custom("money", Money(Decimal(1), "EUR"), in_data=True) == "€1.00"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("cls", [*NOUNS.values(), *BELONGINGS.values()], ids=lambda cls: str(cls.__name__))
def test_every_field_of_every_noun_prints_what_it_holds_by_default(cls: Any, language: str) -> None:
    noun = cls(id=5, **({"code": "NEW"} if cls.__name__ == "Stage" else {}))
    for name, field in readable(cls).items():
        if field.type.name not in ("custom", "anything"):
            assert isinstance(of_field(noun, name, language), str)
    assert {"id"} <= set(readable(cls)) >= set(fields_of(cls))


# -- what cannot be printed --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [object(), 1.5, {"a": 1}, {1, 2}, b"x", timedelta(1), Decimal("NaN"), Decimal("1E+999999"), 2**70]
)
def test_what_no_field_holds_is_refused_by_name(value: Any) -> None:
    with pytest.raises(NotPrintable):
        printer("en").value(value)


def test_a_moment_needs_a_zone() -> None:
    with pytest.raises(NotPrintable, match="time zone"):
        printer("en").value(datetime(2026, 1, 5))  # noqa: DTZ001


@pytest.mark.parametrize("moment", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_the_ends_of_the_calendar_are_printed(moment: datetime) -> None:
    for zone in ("Europe/Paris", "America/New_York"):
        assert Printer(portal=Portal(zone=ZoneInfo(zone))).value(moment)


def test_without_a_crm_names_are_refused_with_what_to_write_instead() -> None:
    field, value = field_of(FULL, "responsible_id")
    with pytest.raises(NotPrintable, match="get_data"):
        Printer().of_field(field, value)
    with pytest.raises(NotPrintable, match="CALL"):
        Printer().of_field(*field_of(FULL, "source"))
    assert Printer().of_field(*field_of(Deal(id=1), "responsible_id")) == ""


# -- hostile text ------------------------------------------------------------------------------------------------------


def test_brackets_in_a_files_name_are_no_marks() -> None:
    link = file_link(9, "a[/url][b]x\n[url=https://evil.example]b.pdf")
    assert link == "[url=/files/9]a(/url)(b)x (url=https://evil.example)b.pdf[/url]"


def test_an_address_cannot_leave_its_mark() -> None:
    link = url_link('https://a.example/[/url]\n"<b>')
    assert link == '[url=https://a.example/%5B/url%5D%0A%22%3Cb%3E]https://a.example/(/url) "<b>[/url]'


@pytest.mark.parametrize("address", ["javascript:alert(1)", "JavaScript:x", "data:text/html,x", "vbscript:[url=x]"])
def test_what_leads_nowhere_is_no_link(address: str) -> None:
    assert "[" not in url_link(address)


def test_names_stay_in_one_line() -> None:
    assert in_line("Ann\r\n\tLee\x1b[0m\u2028x") == "Ann Lee [0m x"
    assert both(MultiField("1\n2", "WORK"))[0] == "Work: 1 2"
    assert both(Deal(id=1, title="a\nb"))[0] == "a b"


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(TEXTS)
@example("[/url]")
def test_a_link_is_one_mark_in_one_line_whatever_a_name_holds(text: str) -> None:
    for link in (file_link(1, text), url_link(f"https://{text}")):
        assert re.fullmatch(r"\[url=[^\[\]\s]*\][^\[\]\n\r]*\[/url\]", link), json.dumps(link)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**14), max_value=10**14))
def test_a_printed_number_is_the_number(value: Decimal) -> None:
    english, french = both(value)
    assert Decimal(english.replace(",", "")) == value
    assert french == english.replace(",", " ").replace(".", ",")
