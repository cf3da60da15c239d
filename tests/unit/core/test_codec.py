"""The codec: what is written comes back the same; what cannot come back is refused, with its path."""

from __future__ import annotations

import collections
import dataclasses
import enum
import math
import sys
import types
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal, InvalidOperation
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NoReturn,
    NotRequired,
    Protocol,
    TypedDict,
    TypeVar,
    cast,
)
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import orjson
import pytest
from attrs import define, field, frozen
from hypothesis import given
from hypothesis import strategies as st

from bizproc import Department, UserQueue
from bizproc.core.checks import described
from bizproc.core.codec import Codec, argument_hash, recorded_traceback
from bizproc.core.errors import BizprocError, ChildFailed, NotJournallable, NotRestorable, RecordedError, WrongArgument

T = TypeVar("T")

PARIS = ZoneInfo("Europe/Paris")


class Colour(enum.Enum):
    RED = (1, 0, 0)
    GREEN = (0, 1, 0)
    ROUGE = RED


class Stage(enum.StrEnum):
    WON = "won"
    LOST = "lost"


class Priority(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: int
    y: Decimal = Decimal(0)


OldPoint = collections.namedtuple("OldPoint", "x y")  # noqa: PYI024 - people have them


@frozen
class Money:
    amount: Decimal
    currency: str = "EUR"


@dataclasses.dataclass
class Address:
    street: str
    lines: list[str] = dataclasses.field(default_factory=list)


@frozen
class Party:
    name: str
    money: Money | None = None
    address: Address | None = None
    since: date | None = None
    friends: tuple[Party, ...] = ()


@frozen
class Customer(Party):
    number: int = 0


@define
class Box(Generic[T]):
    inside: T


@define
class Boxes(Box[list[T]]):
    more: dict[int, T] = field(factory=dict)


class Options(TypedDict, total=False):
    price: Decimal
    note: NotRequired[str]


class Undecorated(Customer):
    """A subclass that its author forgot to decorate."""


class Named(Protocol):
    name: str


class Shape:
    """A base class without fields."""


@frozen
class Circle(Shape):
    radius: Decimal


@frozen
class Deal:
    item_type: ClassVar[str] = "deal"
    id: int
    title: str = ""


def split(text: str) -> list[str]:
    return text.split()


@frozen
class Converted:
    words: list[str] = field(converter=split)
    _secret: int = 1
    length: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "length", len(self.words))


@dataclasses.dataclass
class Prepared:
    start: dataclasses.InitVar[int]
    steps: list[int] = dataclasses.field(init=False)

    def __post_init__(self, start: int) -> None:
        self.steps = [start]


@dataclasses.dataclass
class Counted:
    n: int
    seen: int = dataclasses.field(default=0, init=False)


@define
class Awkward:
    cl: int
    attrs: int
    converter: int = 3


@frozen
class Positive:
    n: int = field(validator=attrs.validators.gt(0))


UserId = NewType("UserId", int)


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec()


def there_and_back(value: object, type_: Any = Any) -> Any:
    """The value as a later run of the program gets it: with another codec."""
    return Codec().decode(Codec().encode(value, type_), type_)


def same(one: object, other: object) -> bool:
    """Equal, and of the same types all through."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float) and isinstance(other, float):
        return repr(one) == repr(other)
    if isinstance(one, Decimal):
        return str(one) == str(other)
    if isinstance(one, datetime) and isinstance(other, datetime):
        return one == other and one.isoformat() == other.isoformat() and repr(one.tzinfo) == repr(other.tzinfo)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return same([*one.items()], [*other.items()])
    cls: type = type(one)
    if attrs.has(cls):
        return all(same(getattr(one, a.name), getattr(other, a.name)) for a in attrs.fields(cls))
    return one == other


VALUES: list[tuple[Any, Any]] = [
    (None, None),
    (True, bool),
    (0, int),
    (2**64 - 1, int),
    (2**64, int),
    (-(2**63) - 1, int),
    (10**5000, int),
    (0.1, float),
    (-0.0, float),
    (5, float),
    (math.inf, float),
    (math.nan, float),
    ("", str),
    ("déjà vu 🫖", str),
    (Decimal("1.10"), Decimal),
    (Decimal("-0E+3"), Decimal),
    (Decimal("NaN"), Decimal),
    (datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=UTC), datetime),
    (datetime(2024, 1, 2, tzinfo=timezone(timedelta(hours=5, minutes=30))), datetime),
    (datetime(2024, 7, 2, 3, tzinfo=PARIS), datetime),
    (datetime(2024, 10, 27, 2, 30, tzinfo=PARIS, fold=0), datetime),
    (datetime(2024, 10, 27, 2, 30, tzinfo=PARIS, fold=1), datetime),
    (datetime(2024, 3, 31, 2, 30, tzinfo=PARIS), datetime),
    (datetime(1880, 1, 1, tzinfo=PARIS), datetime),
    (date(2024, 2, 29), date),
    (datetime(2024, 2, 29, tzinfo=UTC), date),
    (time(23, 59, 59, 999999), time),
    (time(8, tzinfo=PARIS), time),
    (time(8, tzinfo=UTC), time),
    (timedelta(days=-1, microseconds=1), timedelta),
    (timedelta.max, timedelta),
    (timedelta.min, timedelta),
    (PARIS, ZoneInfo),
    (PARIS, tzinfo),
    (UTC, timezone),
    (timezone(timedelta(seconds=-3661)), timezone),
    (UUID(int=7), UUID),
    (b"\x00\xff", bytes),
    (Colour.RED, Colour),
    (Colour.ROUGE, Colour),
    (Stage.WON, Stage),
    (Stage.WON, str),
    (Priority.HIGH, Priority),
    (Priority.HIGH, int),
    (Right.READ | Right.WRITE, Right),
    ("a", Literal["a", "b", 1]),
    (1, Literal["a", "b", 1]),
    ([1, 2], list[int]),
    ([], list),
    ((1, "a"), tuple[int, str]),
    ((1, 2, 3), tuple[int, ...]),
    ((), tuple[()]),
    ((1, "a"), tuple),
    (Point(1), Point),
    (Point(1, Decimal("2.5")), tuple[int, Decimal]),
    (OldPoint(1, "a"), OldPoint),
    ({1, 2}, set[int]),
    (frozenset({"a"}), frozenset[str]),
    (frozenset({frozenset({1}), frozenset()}), frozenset[frozenset[int]]),
    ({"a": Decimal(1)}, dict[str, Decimal]),
    ({1: "a"}, dict[int, str]),
    ({(1, 2): [Decimal(3)]}, dict[tuple[int, int], list[Decimal]]),
    ({"$decimal": "1"}, dict[str, str]),
    ({"$decimal": "1"}, dict[str, Any]),
    (types.MappingProxyType({"a": 1}), types.MappingProxyType),
    (types.MappingProxyType({1: Decimal(2)}), types.MappingProxyType[int, Decimal]),
    (types.MappingProxyType({"a": 1}), Mapping[str, int]),
    ({"a": 1}, Mapping[str, int]),
    ((Decimal(1),), Sequence[Decimal]),
    ("text", Sequence[str]),
    ({1}, Iterable[int]),
    (None, Decimal | None),
    (Decimal(1), Decimal | None),
    (Decimal(7), Decimal | int),
    (7, Decimal | int),
    (True, int | str),
    ([Decimal(1)], list[Decimal] | dict[str, Decimal]),
    ([], list[Decimal] | dict[str, Decimal]),
    (Money(Decimal(1)), Money | Address | str),
    (Address("here"), Money | Address | str),
    (Box(1), Box[int] | Box[str]),
    (Box("a"), Box[int] | Box[str]),
    (Stage.LOST, Stage | Colour | None),
    (Point(1), Point | int | None),
    (Money(Decimal("1.50")), Money),
    (Party("A", Money(Decimal(1)), Address("here", ["1"]), date(2024, 1, 1), (Party("B"),)), Party),
    (Customer("A", number=5), Party),
    ([Customer("A"), Party("B")], list[Party]),
    (Undecorated("A"), Undecorated),
    (Circle(Decimal(2)), Shape),
    (Party("A"), Named),
    (Box(Decimal(1)), Box[Decimal]),
    (Box([Decimal(1)]), Box),
    (Boxes([Decimal(1)], {1: Decimal(2)}), Boxes[Decimal]),
    (Boxes([Decimal(1)]), Boxes),
    ({"price": Decimal(1)}, Options),
    (Converted("a b"), Converted),
    (Prepared(3), Prepared),
    (Awkward(1, 2), Awkward),
    (5, UserId),
    (5, Annotated[int, ["unhashable"]]),
    (5, Final[int]),
    (5, "a name that is nowhere"),
    (5, NoReturn),
]


@pytest.mark.parametrize(("value", "type_"), VALUES, ids=described)
def test_a_value_comes_back_with_its_type(value: object, type_: Any) -> None:
    assert same(there_and_back(value, type_), value)


@pytest.mark.parametrize(("value", "type_"), VALUES, ids=described)
def test_a_value_comes_back_without_any_annotation(value: object, type_: Any) -> None:
    assert same(there_and_back(value), value)
    assert same(there_and_back([{"here": (value,)}]), [{"here": (value,)}])


@pytest.mark.parametrize(
    ("value", "type_"), [(value, type_) for value, type_ in VALUES if value != 5 and type_ is not None], ids=described
)
def test_a_value_comes_back_from_a_union_of_its_type_with_others(value: object, type_: Any) -> None:
    union = cast("Any", Positive | Right) | Annotated[type_, "a type, whatever it is written as"]
    assert same(there_and_back(value, union), value)


def test_field_values_are_set_as_they_were_and_not_computed_again() -> None:
    counted = Counted(1)
    counted.seen = 5
    assert there_and_back(counted, Counted).seen == 5
    assert there_and_back(Converted("a b"), Converted).length == 2


def test_classes_of_a_running_function_come_back_where_they_are_annotated() -> None:
    @frozen
    class Inner:
        n: Decimal

    @frozen
    class Outer:
        inners: list[Inner]
        other: Inner | int | None = None

    outer = Outer([Inner(Decimal(1))], Inner(Decimal(2)))
    assert there_and_back(outer, Outer) == outer
    with pytest.raises(NotJournallable, match=r"value\[0\]: a Inner .* top of a module"):
        there_and_back([Inner(Decimal(1))])


# -- the text ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "type_", "text"),
    [
        ({"id": 5, "ok": True}, Any, '{"id":5,"ok":true}'),
        (Decimal("1.10"), Decimal, '"1.10"'),
        (Decimal("1.10"), Any, '{"$decimal":"1.10"}'),
        ({"$decimal": "1.10"}, Any, '{"$dict":[["$decimal","1.10"]]}'),
        ({"$decimal": "1", "b": 1}, Any, '{"$decimal":"1","b":1}'),
        ({3, 1, 2}, set[int], "[1,2,3]"),
        (timedelta(seconds=1), timedelta, "1000000"),
        (datetime(2024, 7, 2, tzinfo=PARIS), datetime, '"2024-07-02T00:00:00+02:00[Europe/Paris]"'),
        ({1: "a"}, dict[int, str], '[[1,"a"]]'),
        (Money(Decimal(1)), Money, '{"amount":"1","currency":"EUR"}'),
        (Stage.WON, Stage, '"WON"'),
    ],
)
def test_the_text_is_plain_json_where_the_type_is_known(value: object, type_: Any, text: str, codec: Codec) -> None:
    assert codec.encode(value, type_) == text


def test_a_field_that_is_new_takes_its_default_and_one_that_is_gone_is_passed_over(codec: Codec) -> None:
    assert codec.decode('{"amount":"1","rounding":2}', Money) == Money(Decimal(1))
    assert codec.decode('{"words":["a"]}', Converted)._secret == 1
    assert codec.decode("[1]", Point) == Point(1)
    with pytest.raises(NotRestorable, match="nothing was recorded for amount"):
        codec.decode("{}", Money)


def test_an_annotation_may_become_a_union(codec: Codec) -> None:
    assert codec.decode(codec.encode(Decimal(1), Decimal), Decimal | int) == Decimal(1)
    assert codec.decode(codec.encode([Decimal(1)], list[Decimal]), list[Decimal] | int | None) == [Decimal(1)]
    assert codec.decode(codec.encode(Money(Decimal(1)), Money), Money | Address | None) == Money(Decimal(1))


# -- refusals ----------------------------------------------------------------------------------------------------------

ring: list[Any] = []
ring.append(ring)

deep: list[Any] = []
for _ in range(300):
    deep = [deep]


@pytest.mark.parametrize(
    ("value", "type_", "path", "detail"),
    [
        ("x", int, "arguments", "expected int, got 'x'"),
        (1, str, "arguments", "expected str, got 1"),
        (5, None, "arguments", "expected None, got 5"),
        (1, bool, "arguments", "expected bool"),
        (0.5, Decimal, "arguments", "expected Decimal, got 0.5"),
        (0.5, int, "arguments", "expected int"),
        ([1, "a"], list[int], "arguments[1]", "expected int"),
        ((1, 2), list[int], "arguments", r"expected list\[int\]"),
        ((1,), tuple[int, int], "arguments", "expected tuple"),
        ((1, "a"), tuple[int, int], "arguments[1]", "expected int"),
        ({"a b": 1}, dict[str, str], "arguments['a b']", "expected str"),
        ({1: 1}, dict[str, int], "arguments", "a str as key"),
        ({1: "a"}, dict[int, int], "arguments[1]", "expected int"),
        ({"a"}, set[int], "arguments{…}", "expected int"),
        ("c", Literal["a", "b"], "arguments", "expected 'a' or 'b'"),
        (True, Literal[1], "arguments", "expected 1"),
        (None, Decimal | int, "arguments", r"expected Decimal \| int"),
        (Money("1"), Money, "arguments.amount", "expected Decimal"),  # type: ignore[arg-type]
        (Party("a", Money(1)), Party, "arguments.money.amount", "expected Decimal"),  # type: ignore[arg-type]
        ([Money(1)], list[Money] | int, "arguments[0].amount", "expected Decimal"),  # type: ignore[arg-type]
        (Money(Decimal(1)), Address, "arguments", "expected Address"),
        (Box("a"), Box[int], "arguments.inside", "expected int"),
        ({"prize": 1}, Options, "arguments", "no key 'prize'"),
        ({"price": 1}, Options, "arguments.price", "expected Decimal"),
        (Colour.RED, Stage, "arguments", "expected Stage"),
        ({"rows": [1, 2, {"when": datetime(2024, 1, 1)}]}, Any, "arguments.rows[2].when", "no time zone"),  # noqa: DTZ001
        (datetime(2024, 1, 1), datetime, "arguments", "no time zone"),  # noqa: DTZ001
        ({"a": "\ud800"}, Any, "arguments.a", "lone surrogate"),
        ({"\ud800": 1}, Any, "arguments['\\ud800']", "lone surrogate"),
        ("\ud800", str, "arguments", "lone surrogate"),
        ({"f": print}, Any, "arguments.f", "code is no value"),
        ([int], Any, "arguments[0]", "code is no value"),
        ({"a": object()}, Any, "arguments.a", "attrs class or a dataclass"),
        ({"a": 1 + 2j}, Any, "arguments.a", "a complex cannot"),
        (collections.OrderedDict(a=1), Any, "arguments", r"dict\(\.\.\.\)"),
        (ring, Any, "arguments", "contains itself"),
        (deep, Any, "arguments", "nested too deeply"),
        (iter(x for x in [1]), Any, "arguments", "alive"),
    ],
)
def test_what_cannot_come_back_is_refused_with_its_path(
    value: object, type_: Any, path: str, detail: str, codec: Codec
) -> None:
    with pytest.raises(NotJournallable, match=detail) as raised:
        codec.encode(value, type_, path="arguments")
    assert raised.value.path == path


def test_what_lies_beside_the_fields_is_not_lost_silently(codec: Codec) -> None:
    class Extended(Address):
        def __init__(self) -> None:
            super().__init__("here")
            self.extra = 1

    with pytest.raises(NotJournallable, match="extra: not declared"):
        codec.encode(Extended(), Extended)


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("", Any),
        ("[", int),
        ('"x"', int),
        ('{"$int":"zz"}', int),
        ("5", Decimal),
        ('"five"', Decimal),
        ('{"$decimal":{}}', Any),
        ('{"$nothing":1}', Any),
        ('{"$dict":[1]}', Any),
        ('{"$set":[[]]}', Any),
        ('{"$object":5}', Any),
        ('"2024-13-01"', date),
        ('"2024-01-01T00:00:00+01:00[../../etc/passwd]"', datetime),
        ('"2024-01-01T00:00:00+01:00[Nowhere/City]"', datetime),
        ('"PURPLE"', Colour),
        ('{"amount":"x"}', Money),
        ('{"n":-1}', Positive),
        ("[]", Money),
        ('{"$enum":["tests:Stage","WON"]}', Any),
        ("[1,2]", tuple[int]),
        ('{"a":1}', list[int]),
        ("[1]", dict[str, int]),
        ('"c"', Literal["a"]),
        ("1.5", Decimal | int),
        ("9" * 5000, str),
    ],
)
def test_a_text_of_another_type_is_not_restored(text: str, type_: Any, codec: Codec) -> None:
    with pytest.raises(NotRestorable):
        codec.decode(text, type_)


def test_a_trouble_in_a_text_has_a_path(codec: Codec) -> None:
    with pytest.raises(NotRestorable) as raised:
        codec.decode('{"name":"A","friends":[{"name":"B","money":{"amount":1}}]}', Party, path="result")
    assert raised.value.path == "result.friends[0].money.amount"


@pytest.mark.parametrize(
    "label",
    [
        "os:system",
        "builtins:object",
        "builtins:print",
        "subprocess:Popen",
        "decimal:Decimal",
        "idlelib.run:MyHandler",
        "bizproc.core.codec.codec:Codec",
        "bizproc.nowhere:Nothing",
        "bizproc.core.errors:NotJournallable",
        "",
        ":",
    ],
)
@pytest.mark.parametrize("tag", ["$object", "$enum", "$named"])
def test_a_hostile_text_makes_nothing_but_values_of_packages_in_use(label: str, tag: str, codec: Codec) -> None:
    assert "idlelib" not in sys.modules
    with pytest.raises(NotRestorable):
        codec.decode(orjson.dumps({tag: [label, {}]}).decode())
    assert "idlelib" not in sys.modules


def test_a_module_of_a_package_in_use_is_imported_when_a_value_needs_it(codec: Codec) -> None:
    sys.modules.pop("xml.sax.expatreader", None)
    import xml.sax  # noqa: F401

    with pytest.raises(NotRestorable, match="not a class of values"):
        codec.decode('{"$object":["xml.sax.expatreader:ExpatLocator",{}]}')
    assert "xml.sax.expatreader" in sys.modules


# -- laws --------------------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
finite = {"allow_nan": False, "allow_infinity": False}
decimals = st.decimals(**finite) | st.decimals(places=2, **finite)
moments = st.datetimes(timezones=st.timezones() | st.just(UTC))
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    texts,
    decimals,
    moments,
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.uuids(),
    st.binary(max_size=8),
    st.timezones(),
    st.sampled_from(Stage),
    st.sampled_from(Colour),
    st.sampled_from([*Right, Right.READ | Right.WRITE]),
)
keys = st.one_of(texts, st.integers(), st.dates(), st.sampled_from(["$decimal", "$", "$object"]), st.tuples(texts))
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(keys, inner, max_size=3),
        st.dictionaries(texts, inner, max_size=3).map(types.MappingProxyType),
        st.frozensets(st.integers() | texts | decimals, max_size=3),
        inner.map(Box),
        st.builds(Money, decimals, texts),
    ),
    max_leaves=10,
)

TYPES: list[Any] = [
    int,
    str,
    bool,
    date,
    timedelta,
    UUID,
    bytes,
    Stage,
    Priority,
    Point,
    Money,
    Address,
    list[int],
    tuple[int, str],
    tuple[Stage, ...],
    dict[str, int],
    dict[int, list[date]],
    set[str],
    frozenset[int],
    int | str | None,
    list[Money | Address | int],
    Literal["a", 1, True],
    dict[str, Sequence[Money]],
]
st.register_type_strategy(str, texts)
st.register_type_strategy(Decimal, decimals)


@given(values)
def test_any_value_comes_back(value: object) -> None:
    assert same(there_and_back(value), value)


@given(st.sampled_from(TYPES).flatmap(lambda type_: st.tuples(st.just(type_), st.from_type(type_))))
def test_any_value_of_a_type_comes_back(typed: tuple[Any, object]) -> None:
    type_, value = typed
    assert same(there_and_back(value, type_), value)
    assert same(there_and_back(value), value)


# -- the canonical form ------------------------------------------------------------------------------------------------


@given(values)
def test_the_canonical_form_is_one_line_of_json(value: object) -> None:
    codec = Codec()
    assert codec.canonical(value) == codec.canonical(there_and_back(value))
    assert isinstance(orjson.loads(codec.canonical([value])), list)


@given(st.dictionaries(keys, values, max_size=4))
def test_the_order_of_keys_does_not_count(mapping: dict[Any, object]) -> None:
    codec = Codec()
    assert codec.canonical(dict(reversed(mapping.items()))) == codec.canonical(mapping)


@given(st.lists(st.integers() | texts, unique=True))
def test_the_order_of_a_set_does_not_count(members: list[object]) -> None:
    codec = Codec()
    assert codec.canonical(set(members)) == codec.canonical(frozenset(reversed(members)))


@given(decimals, st.integers(0, 30))
def test_trailing_zeros_of_a_decimal_do_not_count(number: Decimal, zeros: int) -> None:
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    longer = Decimal((sign, digits + (0,) * zeros, exponent - zeros))
    codec = Codec()
    assert codec.canonical(longer) == codec.canonical(number)


@given(decimals, decimals)
def test_decimals_are_one_if_and_only_if_they_are_equal(one: Decimal, other: Decimal) -> None:
    codec = Codec()
    assert (codec.canonical(one) == codec.canonical(other)) == (one == other)


@given(moments, st.timezones())
def test_a_moment_is_one_in_all_zones(moment: datetime, zone: ZoneInfo) -> None:
    try:
        elsewhere = moment.astimezone(zone)
    except OverflowError:
        return
    codec = Codec()
    if 1 < moment.year < 9999:
        assert codec.canonical(elsewhere) == codec.canonical(moment)


@given(st.dictionaries(texts, st.integers() | texts, min_size=1), st.data())
def test_another_value_has_another_hash(arguments: dict[str, object], data: st.DataObject) -> None:
    codec = Codec()
    key = data.draw(st.sampled_from(sorted(arguments)))
    other = data.draw((st.integers() | texts).filter(lambda value: value != arguments[key]))
    one, two = codec.canonical(arguments), codec.canonical({**arguments, key: other})
    assert argument_hash(one) != argument_hash(two)


def test_an_item_is_its_type_and_id(codec: Codec) -> None:
    assert codec.canonical({"deal": Deal(5, "Tea")}) == '{"deal":{"$item":["deal",5]}}'
    assert codec.canonical(Deal(5, "Tea")) == codec.canonical(Deal(5, "Coffee"))


def test_lists_and_tuples_count_alike(codec: Codec) -> None:
    assert codec.canonical([1, (2, Point(3))]) == codec.canonical((1, [2, [3, Decimal("0.0")]]))


def test_numbers_read_well_in_the_canonical_form(codec: Codec) -> None:
    assert codec.canonical([Decimal("100.00"), Decimal("1.10"), Decimal("-0.0")]) == (
        '[{"$decimal":"100"},{"$decimal":"1.1"},{"$decimal":"0"}]'
    )


@pytest.mark.parametrize("value", [{"a": object()}, {"a": datetime(2024, 1, 1)}, {"a": "\ud800"}, {"a": print}])  # noqa: DTZ001
def test_what_has_no_canonical_form_is_named(value: object, codec: Codec) -> None:
    with pytest.raises(NotJournallable) as raised:
        codec.canonical(value)
    assert raised.value.path == "arguments.a"


def test_a_hash_has_eight_bytes_and_stays_the_same() -> None:
    assert argument_hash('{"a":1}').hex() == "1f8c00645b7df6ce"


# -- errors ------------------------------------------------------------------------------------------------------------


class Declined(Exception):
    """With a constructor of its own."""

    def __init__(self, card: str, *, amount: Decimal) -> None:
        super().__init__(f"{card} declined")
        self.card = card
        self.amount = amount


class Speaking(Exception):
    def __init__(self, code: int) -> None:
        self.code = code

    def __str__(self) -> str:
        return f"code {self.code}"


class Slotted(ValueError):
    __slots__ = ("__hidden", "where")

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where
        self.__hidden = 1


@define
class AttrsError(Exception):
    reason: str
    money: Money
    parts: list[Decimal] = field(factory=list)


@frozen
class FrozenError(Exception):
    reason: str


@dataclasses.dataclass(frozen=True)
class DataError(Exception):
    reason: str


class Both(BizprocError, OSError):
    pass


class Reading(Exception):
    @property
    def code(self) -> int:
        return 5


def raised(error: BaseException) -> BaseException:
    try:
        raise error  # noqa: TRY301 - so that it has a traceback
    except BaseException as caught:  # noqa: BLE001
        return caught


def caught(function: Any, *args: Any) -> BaseException:
    try:
        function(*args)
    except BaseException as error:  # noqa: BLE001
        return error
    raise AssertionError


def restored(error: BaseException) -> Any:
    return Codec().decode_error(Codec().encode_error(error))


ERRORS: list[BaseException] = [
    ValueError("no"),
    ValueError(),
    KeyError("x"),
    KeyError(("a", 1)),
    KeyboardInterrupt(),
    SystemExit(3),
    StopIteration(5),
    TimeoutError(),
    OSError(2, "No such file", "/tmp/x"),  # noqa: S108
    FileNotFoundError(2, "No such file", "a", None, "b"),
    OSError("just text"),
    ConnectionRefusedError(111, "refused"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    UnicodeEncodeError("ascii", "é", 0, 1, "ordinal not in range"),
    ImportError("no", name="nothing", path="/x"),
    caught(getattr, 1, "nothing"),
    caught(eval, "1 +"),
    caught(eval, "nowhere"),
    caught(lambda: 1 / 0),
    caught(orjson.loads, "["),
    Declined("4242", amount=Decimal("1.50")),
    Speaking(5),
    Slotted("here"),
    AttrsError("no", Money(Decimal(1)), [Decimal("1.10")]),
    FrozenError("no"),
    DataError("no"),
    Both(2, "No such file"),
    Reading("x"),
    WrongArgument(process="p", parameter="a", expected="int", got="'x'"),
    ChildFailed(child="c", process="p", state="failed", text="no", error=ValueError("inner")),
    RecordedError(class_name="a.B", text="no"),
]


@pytest.mark.parametrize("error", ERRORS, ids=described)
def test_an_error_comes_back_with_class_message_args_and_fields(error: BaseException) -> None:
    again = restored(raised(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert same(again.args, error.args) or repr(again.args) == repr(error.args)
    assert {name: repr(vars(again)[name]) for name in vars(error)} == {
        name: repr(value) for name, value in vars(error).items()
    }
    assert repr(again) == repr(error)


@pytest.mark.parametrize("error", ERRORS, ids=described)
def test_an_error_that_came_back_goes_and_comes_again(error: BaseException) -> None:
    again = restored(raised(restored(raised(error))))
    assert (type(again), str(again), repr(again.args)) == (type(error), str(error), repr(error.args))


def test_an_error_whose_args_hold_code_keeps_its_message() -> None:
    error = caught(Decimal, "x")  # its args are [[ConversionSyntax]], a list of classes
    assert (type(restored(error)), str(restored(error))) == (InvalidOperation, str(error))


def test_fields_of_builtin_errors_come_back() -> None:
    missing = restored(OSError(2, "No such file", "/x"))
    assert (missing.errno, missing.strerror, missing.filename) == (2, "No such file", "/x")
    assert isinstance(missing, FileNotFoundError)
    undecodable = restored(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"))
    assert (undecodable.object, undecodable.start, undecodable.reason) == (b"\xff", 0, "invalid")
    assert restored(SystemExit(3)).code == 3
    assert restored(StopIteration(5)).value == 5
    assert restored(ImportError("x", name="n")).name == "n"


def test_fields_in_slots_come_back() -> None:
    again = restored(Slotted("here"))
    assert (again.where, again._Slotted__hidden) == ("here", 1)
    attrs_error = restored(AttrsError("no", Money(Decimal(1)), [Decimal("1.10")]))
    assert same(attrs_error.parts, [Decimal("1.10")])
    assert attrs_error.money == Money(Decimal(1))


def test_notes_causes_and_the_traceback_come_back() -> None:
    error = ValueError("outer")
    error.add_note("first")
    error.add_note("second")
    error.__cause__ = raised(Declined("4242", amount=Decimal(1)))
    again = restored(raised(error))
    assert again.__notes__ == ["first", "second"]
    assert isinstance(again.__cause__, Declined)
    assert again.__cause__.amount == Decimal(1)
    assert again.__suppress_context__
    assert "Traceback" in (recorded_traceback(again) or "")
    assert "4242 declined" in (recorded_traceback(again) or "")
    assert recorded_traceback(error) is None


def test_an_error_without_a_cause_has_none() -> None:
    again = restored(ValueError("x"))
    assert again.__cause__ is None
    assert not again.__suppress_context__


def test_a_group_comes_back_with_its_members() -> None:
    group = ExceptionGroup("several", [ValueError("a"), ExceptionGroup("inner", [Speaking(5)])])
    again = restored(group)
    assert type(again) is ExceptionGroup
    assert again.message == "several"
    assert str(again) == str(group)
    assert [type(error) for error in again.exceptions] == [ValueError, ExceptionGroup]
    assert str(again.exceptions[1].exceptions[0]) == "code 5"
    assert type(restored(BaseExceptionGroup("x", [KeyboardInterrupt()]))) is BaseExceptionGroup


def test_causes_are_followed_to_a_bounded_depth() -> None:
    first = error = ValueError(0)
    for number in range(1, 100):
        error.__cause__ = following = ValueError(number)
        error = following
    error.__cause__ = first
    assert len(Codec().encode_error(first)) < 20_000
    assert isinstance(restored(first), ValueError)


def test_a_field_that_cannot_be_written_becomes_its_repr() -> None:
    error = Speaking(5)
    error.socket = object()  # type: ignore[attr-defined]
    error.code = cast("Any", datetime(2024, 1, 1))  # noqa: DTZ001
    error.args = (print, "\ud800", 2)
    again = restored(error)
    assert again.socket.startswith("<object object")
    assert again.code.startswith("datetime.datetime(2024")
    assert again.args[0].startswith("<built-in function print>")
    assert again.args[2] == 2


def test_recording_an_error_never_fails() -> None:
    class Hostile(Exception):
        def __str__(self) -> str:
            raise RuntimeError

        __repr__ = __str__

    error = Hostile(deep, ring)
    error.__notes__ = "no list"  # type: ignore[assignment]
    vars(error)["\ud800"] = error
    again = restored(raised(error))
    assert isinstance(again, (Hostile, RecordedError))
    assert isinstance(restored(ValueError("\ud800")), ValueError)


def test_the_constructor_of_an_error_is_not_called() -> None:
    class Counting(Exception):
        made = 0

        def __init__(self) -> None:
            Counting.made += 1

    restored(Counting())
    assert Counting.made == 1


def test_a_class_that_is_gone_comes_back_as_a_recorded_error() -> None:
    text = Codec().encode_error(raised(Declined("4242", amount=Decimal(1)))).replace("Declined", "Refused", 1)
    again = Codec().decode_error(text)
    assert isinstance(again, RecordedError)
    assert again.class_name.endswith("test_codec.Refused")
    assert again.text == "4242 declined"
    assert "Traceback" in (recorded_traceback(again) or "")


def test_a_class_that_is_no_error_is_not_made() -> None:
    for label in ("builtins:object", "subprocess:Popen", "os:system", "nowhere:X"):
        record: dict[str, object] = {"class": label, "text": "t", "args": [], "fields": {}}
        assert isinstance(Codec().decode_error(orjson.dumps(record).decode()), RecordedError)


def test_a_text_that_is_no_error_is_refused() -> None:
    for text in ("", "[]", "{}", "5", '{"class":5,"text":"x"}'):
        with pytest.raises(NotRestorable):
            Codec().decode_error(text)


def test_a_value_in_an_error_whose_class_is_gone_becomes_its_text() -> None:
    text = Codec().encode_error(AttrsError("no", Money(Decimal(1)))).replace(":Money", ":Gone")
    again: Any = Codec().decode_error(text)
    assert isinstance(again, AttrsError)
    assert "Gone" in cast("str", again.money)


def test_an_error_class_of_a_running_function_is_found_while_it_lives() -> None:
    class Local(Exception):
        pass

    assert isinstance(restored(Local("x")), Local)


def test_an_error_is_a_value_too() -> None:
    again = there_and_back({"error": Declined("1", amount=Decimal(2))})["error"]
    assert isinstance(again, Declined)
    assert again.amount == 2
    assert isinstance(there_and_back(KeyError("x"), BaseException | None), KeyError)


names = st.text("abcdefg", min_size=1, max_size=5)


@given(
    st.sampled_from([ValueError, KeyError, OSError, Speaking, Both, Reading]),
    st.lists(leaves, max_size=3),
    st.dictionaries(names, values, max_size=3),
    st.lists(texts, max_size=2),
)
def test_any_error_comes_back(
    cls: type[BaseException], args: list[object], fields: dict[str, object], notes: list[str]
) -> None:
    error = cls.__new__(cls)
    error.args = tuple(args)
    vars(error).update(fields)
    for note in notes:
        error.add_note(note)
    again = restored(error)
    assert type(again) is cls
    assert same(again.args, error.args)
    assert same({name: vars(again)[name] for name in fields}, fields)
    assert getattr(again, "__notes__", []) == notes


# -- classes that say themselves what is written of them ---------------------------------------------------------------


@frozen
class Shade:
    """One of a family that is written as plain values, under the name of the first of it."""

    amount: int

    def __journalled__(self) -> object:
        return {"shade": type(self).__name__, "amount": self.amount}

    @classmethod
    def __restored__(cls, form: Any) -> Shade:
        return {"Shade": Shade, "Dark": Dark}[form["shade"]](form["amount"])


@frozen
class Dark(Shade):
    """Another of the family."""


@pytest.mark.parametrize("value", [Shade(1), Dark(2)])
def test_a_class_may_say_itself_what_is_written_of_it(value: Shade) -> None:
    codec = Codec()
    plain = f'{{"shade":"{type(value).__name__}","amount":{value.amount}}}'
    assert codec.encode(value, Shade) == plain
    assert codec.encode(value) == f'{{"$object":["{__name__}:Shade",{plain}]}}'
    for declared in (Shade, Shade | None, Any, Shade | int):
        assert codec.decode(codec.encode(value, declared), declared) == value
    assert (
        codec.canonical(value)
        == f'{{"$object":["Shade",{{"amount":{value.amount},"shade":"{type(value).__name__}"}}]}}'
    )
    with pytest.raises(NotRestorable):
        codec.decode('{"shade":"Light","amount":1}', Shade)
    with pytest.raises(NotRestorable):
        codec.decode(codec.encode(Shade(1), Shade), Dark)
    with pytest.raises(NotJournallable):
        codec.encode(5, Shade)


def test_items_that_are_named_by_their_code_are_not_the_same() -> None:
    """They have no id yet: a process that asks another department now must not replay as if it had not changed."""
    codec = Codec()
    sales, support = (codec.canonical(UserQueue([Department(code)])) for code in ("sales", "support"))
    assert sales != support
    assert sales == codec.canonical(UserQueue([Department("sales")]))
