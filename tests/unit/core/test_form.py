"""The start form: read from the function, checked, filled in from texts, described, kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from bizproc.core.codec import Codec
from bizproc.core.errors import NotJournallable, NotRestorable, ProcessDefinitionError, WrongArgument
from bizproc.core.form import REQUIRED, StartForm, descriptions_in, duration_text, read, schema_of

if TYPE_CHECKING:
    from nowhere import Absent  # type: ignore[import-not-found]

Number: TypeAlias = Decimal | int

PARIS = ZoneInfo("Europe/Paris")


@frozen
class Deal:
    item_type: ClassVar[str] = "deal"
    id: int


@frozen
class User:
    item_type: ClassVar[str] = "user"
    id: int


Users: TypeAlias = int | User | Sequence[int | User]


class Channel(StrEnum):
    EMAIL = "e-mail"
    PHONE = "phone"


class Level(Enum):
    LOW = (1,)
    HIGH = (2,)


async def follow_up(
    deal: Deal,
    *,
    discount: Decimal = Decimal(5),
    first_contact_within: timedelta = timedelta(hours=4),
    channel: Channel = Channel.PHONE,
    manager: Users,
    until: datetime | None = None,
) -> str:
    """Offer the tea sampler, then follow the deal to its end.

    It takes its time.

    Args:
        deal: Never shown.
        discount (Decimal): Percent off
            the sampler.
        first_contact_within: Until then
            somebody calls: or not.

    Returns:
        channel: not a parameter
    """
    return ""


async def plain(*, n: int = 1) -> None: ...


def form_of(function: Any, name: str = "sales.test") -> StartForm:
    return StartForm.of(function, name)


FOLLOW_UP = form_of(follow_up, "sales.follow_up")


def refused(call: Callable[[], object]) -> WrongArgument:
    with pytest.raises(WrongArgument) as raised:
        call()
    return raised.value


# -- the function ------------------------------------------------------------------------------------------------------


def test_the_form_has_document_parameters_and_texts() -> None:
    assert FOLLOW_UP.document is Deal
    assert FOLLOW_UP.summary == "Offer the tea sampler, then follow the deal to its end."
    assert [(each.name, each.type, each.default, each.flag) for each in FOLLOW_UP.parameters] == [
        ("discount", Decimal, Decimal(5), "--discount"),
        ("first_contact_within", timedelta, timedelta(hours=4), "--first-contact-within"),
        ("channel", Channel, Channel.PHONE, "--channel"),
        ("manager", Users, REQUIRED, "--manager"),
        ("until", datetime | None, None, "--until"),
    ]
    assert [each.description for each in FOLLOW_UP.parameters] == [
        "Percent off the sampler.",
        "Until then somebody calls: or not.",
        "",
        "",
        "",
    ]


def test_a_process_may_have_no_document_and_no_docstring() -> None:
    form = form_of(plain)
    assert (form.document, form.summary) == (None, "")
    assert form.bind((), {"n": 2}) == (None, {"n": 2})


def test_a_docstring_without_arguments_says_nothing_of_them() -> None:
    assert descriptions_in(None) == {}
    assert descriptions_in("One line.") == {}
    assert descriptions_in("One.\n\nArgs:\n  a: first\n\n  *b: second\nc: not\n") == {"a": "first", "b": "second"}


async def variadic(*items: int) -> None: ...
async def keywords(**items: int) -> None: ...
async def two(deal: Deal, discount: Decimal) -> None: ...
async def unannotated(deal) -> None: ...  # type: ignore[no-untyped-def]  # noqa: ANN001
async def no_item(deal: int) -> None: ...
async def maybe(deal: Deal | User) -> None: ...
def blocking(deal: Deal) -> None: ...
async def yielding(deal: Deal) -> Any:
    yield 1


@pytest.mark.parametrize(
    ("function", "cure"),
    [
        (variadic, r"`\*items: '?int'?` .* each parameter after `\*`"),
        (keywords, r"write out each parameter after `\*`"),
        (two, r"write `\*` before `discount`"),
        (unannotated, "needs its type, as `deal: Deal`"),
        (no_item, "`deal: int`, is the document and must be of one kind of item"),
        (maybe, "must be of one kind of item"),
        (blocking, r"write `async def blocking\(\.\.\.\)`"),
        (yielding, "`yield`"),
    ],
)
def test_a_function_that_cannot_be_a_process_is_refused_with_its_name_and_the_cure(function: Any, cure: str) -> None:
    with pytest.raises(ProcessDefinitionError, match=cure) as raised:
        form_of(function)
    assert raised.value.process == "sales.test"
    assert "sales.test" in str(raised.value)


def test_what_annotations_name_may_stand_further_down_in_the_module() -> None:
    form = form_of(later)
    assert form.document is Later
    assert form.parameters[0].type is Later


async def later(deal: Later, *, other: Later | None = None) -> None: ...


later.__annotations__["other"] = "Later"


@frozen
class Later(Deal):
    pass


def test_a_name_that_is_nowhere_is_refused_when_it_is_needed() -> None:
    async def absent(*, a: Absent) -> None: ...

    form = form_of(absent)
    with pytest.raises(ProcessDefinitionError, match="Absent"):
        form.check({"a": 1})


def test_a_process_inside_a_function_may_use_its_classes() -> None:
    @frozen
    class Local:
        item_type: ClassVar[str] = "local"
        id: int

    async def local(item: Local, *, other: Local | None = None) -> None: ...

    assert form_of(local).bind((Local(1),), {}) == (Local(1), {"other": None})


# -- a call ------------------------------------------------------------------------------------------------------------


def test_a_call_has_its_document_and_all_parameters() -> None:
    document, parameters = FOLLOW_UP.bind((Deal(5),), {"manager": 3, "discount": 7})
    assert document == Deal(5)
    assert parameters == {
        "discount": Decimal(7),
        "first_contact_within": timedelta(hours=4),
        "channel": Channel.PHONE,
        "manager": 3,
        "until": None,
    }
    assert type(parameters["discount"]) is Decimal
    assert FOLLOW_UP.given(parameters) == {"discount": Decimal(7), "manager": 3}
    assert FOLLOW_UP.bind((), {"deal": Deal(5), "manager": 3})[0] == Deal(5)


@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        ((Deal(1),), {}, "manager: expected int | User | Sequence[int | User], got nothing"),
        ((), {"manager": 3}, "deal: expected a Deal to run on, got nothing"),
        ((User(1),), {"manager": 3}, "deal: expected a Deal, got User(id=1)"),
        ((5,), {"manager": 3}, "deal: expected a Deal, got 5"),
        ((Deal(1), 5), {"manager": 3}, "number 2: expected nothing by position but the document, deal, got 5"),
        ((Deal(1),), {"manager": 3, "colour": 1}, "colour: expected no such parameter (known: discount, first_cont"),
        ((Deal(1),), {"manager": 3, "discount": 0.1}, 'expected Decimal, got 0.1 (float); write Decimal("0.1")'),
        ((Deal(1),), {"manager": 3, "discount": True}, "discount: expected Decimal, got True"),
        ((Deal(1),), {"manager": "anna"}, "manager: expected int | User"),
        ((Deal(1),), {"manager": 3, "channel": "phone"}, "channel: expected Channel, got 'phone'"),
    ],
)
def test_a_call_that_does_not_fit_is_refused_with_its_parameter(args: Any, kwargs: Any, text: str) -> None:
    error = str(refused(lambda: FOLLOW_UP.bind(args, kwargs)))
    assert error.startswith("sales.follow_up: parameter ")
    assert text in error


def test_a_process_without_document_takes_nothing_by_position() -> None:
    assert refused(lambda: form_of(plain).bind((Deal(1),), {})).parameter == "number 1"


# -- texts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (str, " kept as it is ", " kept as it is "),
        (Any, "5", "5"),
        (int, " 5 ", 5),
        (float, "1.5", 1.5),
        (Decimal, "7.50", Decimal("7.50")),
        (Decimal, 7.1, Decimal("7.1")),
        (Number, "7", Decimal(7)),
        (bool, "Yes", True),
        (bool, "n", False),
        (bool, "1", True),
        (bool, "false", False),
        (bool, True, True),
        (date, "2024-02-29", date(2024, 2, 29)),
        (date, date(2024, 2, 29), date(2024, 2, 29)),
        (datetime, "2024-02-29T09:00+01:00", datetime.fromisoformat("2024-02-29T09:00+01:00")),
        (datetime, "2024-02-29T09:00Z", datetime(2024, 2, 29, 9, tzinfo=UTC)),
        (time, "09:30", time(9, 30)),
        (timedelta, "4h", timedelta(hours=4)),
        (timedelta, "30m", timedelta(minutes=30)),
        (timedelta, "30min", timedelta(minutes=30)),
        (timedelta, "2d", timedelta(days=2)),
        (timedelta, "1d12h", timedelta(days=1, hours=12)),
        (timedelta, "1d 12h", timedelta(days=1, hours=12)),
        (timedelta, "1.5h", timedelta(minutes=90)),
        (timedelta, "2W", timedelta(weeks=2)),
        (timedelta, "-30s", timedelta(seconds=-30)),
        (timedelta, "PT4H", timedelta(hours=4)),
        (timedelta, "P1DT12H0.5S", timedelta(days=1, hours=12, milliseconds=500)),
        (UUID, "00000000-0000-0000-0000-000000000007", UUID(int=7)),
        (ZoneInfo, "Europe/Paris", ZoneInfo("Europe/Paris")),
        (Literal["a", 2], "2", 2),
        (Literal["Call", "Mail"], "mail", "Mail"),
        (Channel, "e-mail", Channel.EMAIL),
        (Channel, "EMAIL", Channel.EMAIL),
        (Channel, "Phone", Channel.PHONE),
        (Level, "high", Level.HIGH),
        (int | None, "", None),
        (int | None, "5", 5),
        (str | None, "", None),
        (str | None, "x", "x"),
        (str | int, "5", 5),
        (str | int, "x", "x"),
        (list[str], "a, b", ["a", "b"]),
        (list[str], ["a, b", "c"], ["a, b", "c"]),
        (list[int], "", []),
        (tuple[int, ...], "1,2", (1, 2)),
        (tuple[int, str], "1,b", (1, "b")),
        (set[Channel], "phone,email", {Channel.PHONE, Channel.EMAIL}),
        (Sequence[Decimal], ["1", 2.5], (Decimal(1), Decimal("2.5"))),
        (list[int] | None, "1", [1]),
        (dict[str, int], '{"a": 1}', {"a": 1}),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (int, ["5"], 5),
        (User, "anna@example.org", "anna@example.org"),
        (Users, "3", 3),
        (Users, ["3", "4"], (3, 4)),
    ],
)
def test_a_text_is_read_by_its_type(annotation: Any, text: object, value: object) -> None:
    got = read(annotation, text)
    assert (got, type(got)) == (value, type(value))


@pytest.mark.parametrize(
    ("annotation", "text", "hint"),
    [
        (int, "five", "int, got 'five'"),
        (int, "1.5", "int"),
        (bool, "maybe", "bool, yes or no, got 'maybe'"),
        (Decimal, "7,5", "Decimal, as 7 or 7.50, got '7,5'"),
        (Decimal, "NaN", "Decimal, as 7 or 7.50"),
        (date, "29.2.2024", "as 2024-05-31"),
        (datetime, "tomorrow", "as 2024-05-31T09:00"),
        (datetime, "2024-02-29T09:00", "distance from UTC, as 2024-02-29T09:00+02:00"),
        (datetime, datetime(2024, 2, 29), "without a time zone"),  # noqa: DTZ001
        (timedelta, "4", "as 30m, 4h, 2d"),
        (timedelta, "", "as 30m, 4h, 2d"),
        (timedelta, "P", "as 30m, 4h, 2d"),
        (timedelta, "4y", "as 30m, 4h, 2d"),
        (timedelta, "99999999999w", "three million years"),
        (time, "9", "as 09:30"),
        (ZoneInfo, "Nowhere/City", "as Europe/Paris"),
        (Literal["a", "b"], "c", "'a' or 'b', got 'c'"),
        (Channel, "fax", "Channel"),
        (list[int], "1,x", "list[int]"),
        (tuple[int, str], "1", "2 items"),
        (dict[str, int], "{", "JSON object"),
        (dict[str, int], '{"a": "b"}', "dict[str, int]"),
        (int, ["5", "6"], "int"),
        (int, "", "int"),
        (Decimal | None, "x", "Decimal | None"),
    ],
)
def test_a_text_that_cannot_be_read_is_refused_with_a_hint(annotation: Any, text: object, hint: str) -> None:
    async def process(*, a_value: Any = None) -> None: ...

    process.__annotations__["a_value"] = annotation
    error = refused(lambda: form_of(process).parse({"a-value": text}))
    assert error.parameter == "a_value"
    assert hint in str(error)


def test_flags_are_read_checked_and_completed() -> None:
    assert FOLLOW_UP.parse({"--first-contact-within": "1d", "manager": "anna", "discount": 7}) == {
        "discount": Decimal(7),
        "first_contact_within": timedelta(days=1),
        "channel": Channel.PHONE,
        "manager": "anna",  # a user: whoever knows users looks them up
        "until": None,
    }
    assert refused(lambda: FOLLOW_UP.parse({})).parameter == "manager"
    assert refused(lambda: FOLLOW_UP.parse({"manager": "3", "color": "x"})).parameter == "color"


@given(st.timedeltas(min_value=timedelta(days=-(10**6)), max_value=timedelta(days=10**6)))
def test_a_duration_is_read_as_it_is_shown(duration: timedelta) -> None:
    assert read(timedelta, duration_text(duration)) == duration


@given(
    st.sampled_from([int, bool, Decimal, date, UUID, Channel, Literal["a", 2], datetime, time]).flatmap(
        lambda annotation: st.tuples(st.just(annotation), st.from_type(annotation))  # type: ignore[arg-type]
    )
)
def test_a_value_is_read_as_it_is_written(typed: tuple[Any, Any]) -> None:
    annotation, value = typed
    if isinstance(value, datetime):
        value = value.replace(tzinfo=UTC)
    if isinstance(value, time):
        value = value.replace(tzinfo=None, fold=0)
    if isinstance(value, Decimal) and not value.is_finite():
        return
    assert read(annotation, value.isoformat() if isinstance(value, (date, time)) else str(value)) == value


# -- the schema --------------------------------------------------------------------------------------------------------


def test_the_form_is_described_as_json_schema() -> None:
    schema = FOLLOW_UP.json_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"].endswith("2020-12/schema")
    assert (schema["title"], schema["required"]) == ("sales.follow_up", ["manager"])
    assert schema["additionalProperties"] is False
    assert schema["description"] == FOLLOW_UP.summary
    properties = schema["properties"]
    assert properties["discount"]["default"] == "5"
    assert properties["discount"]["description"] == "Percent off the sampler."
    assert properties["first_contact_within"]["default"] == "4h"
    assert properties["channel"] == {"enum": ["e-mail", "phone"], "default": "phone"}
    assert properties["until"]["anyOf"] == [{"type": "string", "format": "date-time"}, {"type": "null"}]
    assert properties["until"]["default"] is None
    assert "default" not in properties["manager"]


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (int, {"type": "integer"}),
        (bool, {"type": "boolean"}),
        (float, {"type": "number"}),
        (str, {"type": "string"}),
        (date, {"type": "string", "format": "date"}),
        (Literal["a", 1], {"enum": ["a", 1]}),
        (Level, {"enum": ["LOW", "HIGH"]}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (set[str], {"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
        (
            tuple[int, str],
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2},
        ),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (dict, {"type": "object"}),
        (Any, {}),
        (User, {}),
    ],
)
def test_a_type_is_described_as_json_schema(annotation: Any, schema: dict[str, Any]) -> None:
    assert schema_of(annotation) == schema


def test_defaults_in_the_schema_are_read_as_what_they_are() -> None:
    async def process(
        *,
        a: Decimal = Decimal("7.50"),
        b: timedelta = timedelta(days=1, seconds=1),
        c: date = date(2024, 1, 1),
        d: datetime = datetime(2024, 1, 1, tzinfo=UTC),
        e: tuple[Channel, ...] = (Channel.EMAIL,),
        f: Level = Level.HIGH,
        g: int | None = None,
        h: bool = True,
        i: dict[str, int] = {"a": 1},  # noqa: B006
        j: list[Decimal] = [Decimal(1)],  # noqa: B006
        k: frozenset[str] = frozenset({"b", "a"}),
        l: ZoneInfo = PARIS,  # noqa: E741
    ) -> None: ...

    form = form_of(process)
    shown = {name: schema["default"] for name, schema in form.json_schema()["properties"].items()}
    assert json.loads(json.dumps(shown)) == shown
    assert form.parse(shown) == form.check({})


def test_a_default_that_no_form_can_show_is_left_out() -> None:
    async def process(*, user: User = User(3), call: Any = print) -> None: ...

    assert form_of(process).json_schema()["properties"] == {"user": {}, "call": {}}


# -- keeping it --------------------------------------------------------------------------------------------------------


def test_parameters_come_back_with_their_types() -> None:
    parameters = FOLLOW_UP.check({"manager": User(3), "until": datetime(2024, 1, 1, tzinfo=UTC)})
    text = FOLLOW_UP.encode(parameters, Codec())
    assert json.loads(text)["discount"] == "5"
    assert FOLLOW_UP.decode(text, Codec()) == parameters


def test_an_instance_keeps_the_default_it_began_with() -> None:
    async def before(*, n: int = 1) -> None: ...

    async def after(*, n: int = 2, m: int = 3) -> None: ...

    text = form_of(before).encode(form_of(before).check({}), Codec())
    assert form_of(after).decode(text, Codec()) == {"n": 1, "m": 3}


def test_a_function_with_other_parameters_does_not_take_what_was_kept() -> None:
    async def other(*, m: int) -> None: ...

    async def another(*, n: int = 1, m: int) -> None: ...

    async def typed(*, n: date = date(2024, 1, 1)) -> None: ...

    for function, path in ((other, "parameters.n"), (another, "parameters.m"), (typed, "parameters.n")):
        with pytest.raises(NotRestorable) as raised:
            form_of(function).decode('{"n":1}', Codec())
        assert raised.value.path == path
    for text in ("{", "[]"):
        with pytest.raises(NotRestorable):
            form_of(plain).decode(text, Codec())


def test_a_parameter_that_cannot_be_kept_is_named() -> None:
    async def process(*, rows: Any) -> None: ...

    with pytest.raises(NotJournallable) as raised:
        form_of(process).encode({"rows": [1, object()]}, Codec())
    assert raised.value.path == "rows[1]"
