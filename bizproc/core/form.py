"""
The start form: what a process must be told at its start, read from its function.

The first positional parameter is the document; keyword-only parameters, with their types, defaults and the `Args:` of
the docstring, are the form. It is checked when a call is made, filled in from texts (flags, a settings file), described
as a JSON schema, and written with each instance. It asks nobody and shows nothing: the doors do.
"""

from __future__ import annotations

import enum
import inspect
import re
from collections import abc
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property
from inspect import Parameter as Declared
from types import NoneType
from typing import Any, Final, Literal, NoReturn, cast, get_args, get_origin, is_typeddict
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from attrs import Factory, field, frozen

from bizproc.core.checks import Check, described, hints_of, members_of, readable, same, signature_of, stripped
from bizproc.core.codec import Codec
from bizproc.core.errors import NotRestorable, ProcessDefinitionError, WrongArgument


class _Required(enum.Enum):
    REQUIRED = "required"

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Final = _Required.REQUIRED
"""The default of a parameter that has none."""


@frozen
class Parameter:
    """
    One line of a start form.

    Attributes:
        name: As the function has it.
        type: Its annotation.
        default: What it is if nothing is given, or REQUIRED.
        description: From the docstring, or "".
    """

    name: str
    type: Any
    default: Any = REQUIRED
    description: str = ""
    check: Check = field(
        init=False, repr=False, eq=False, default=Factory(lambda self: Check.of(self.type), takes_self=True)
    )

    @property
    def required(self) -> bool:
        return self.default is REQUIRED

    @property
    def flag(self) -> str:
        """Its name on a command line: `--first-contact-within`."""
        return "--" + self.name.replace("_", "-")


@frozen(eq=False, slots=False)
class StartForm:
    """The start form of one process."""

    function: Callable[..., Any] = field(repr=False)
    name: str

    @classmethod
    def of(cls, function: Callable[..., Any], name: str) -> StartForm:
        """
        The form of a process's function.

        Raises:
            ProcessDefinitionError: the function cannot be a process; says why, and what to write.
        """
        form = cls(function, name)
        form._see_that_it_is_async()
        form._see_that_parameters_are_named()
        if form._names_are_there():
            form.document  # noqa: B018 - a wrong one is refused here, and not at the first start
            form.parameters  # noqa: B018
        return form

    def renamed(self, name: str) -> StartForm:
        """
        The form of the same function under another name.

        With all that was looked up when it was made: what is defined inside a function finds its names only while that
        one runs.
        """
        other = StartForm(self.function, name)
        vars(other).update({key: value for key, value in vars(self).items() if key != "name"})
        return other

    # -- what it says

    @cached_property
    def document(self) -> type | None:
        """The class of the item that the process runs on, or None."""
        parameter = self._first
        if parameter is None:
            return None
        declared = stripped(self._hints[parameter.name])
        if not _is_item(declared):
            self._refuse(
                f"its first parameter, `{parameter.name}: {readable(declared)}`, is the document and must be of one "
                f"kind of item, as `{parameter.name}: Deal`. Parameters of the start form stand after `*`."
            )
        return cast("type", declared)

    @cached_property
    def document_name(self) -> str | None:
        """What the function calls its document."""
        return None if self._first is None else self._first.name

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The lines of the form, in the order of the function."""
        told = descriptions_in(self.function.__doc__)
        return tuple(
            Parameter(
                name,
                self._hints.get(name, Any),
                REQUIRED if declared.default is Declared.empty else declared.default,
                told.get(name, ""),
            )
            for name, declared in self._declared.items()
            if declared.kind is Declared.KEYWORD_ONLY
        )

    @property
    def result_type(self) -> Any:
        """The annotation of what the process returns; Any where there is none."""
        return self._hints.get("return", Any)

    @cached_property
    def summary(self) -> str:
        """The first line of the docstring."""
        return inspect.cleandoc(self.function.__doc__ or "").partition("\n")[0].strip()

    def json_schema(self) -> dict[str, Any]:
        """The form as JSON schema (draft 2020-12). What fits it is read by `parse`."""
        schema: dict[str, Any] = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.name,
            "type": "object",
            "properties": {each.name: _property(each) for each in self.parameters},
            "required": [each.name for each in self.parameters if each.required],
            "additionalProperties": False,
        }
        return schema | ({"description": self.summary} if self.summary else {})

    # -- filling it in

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """
        The document and all parameters of a call.

        Raises:
            WrongArgument: one is missing, not known, or of the wrong type.
        """
        if self._first is None:
            if args:
                self._refuse_argument("number 1", "nothing by position (the process has no document)", args[0])
            return None, self.check(kwargs)
        name = self._first.name
        if len(args) > 1:
            self._refuse_argument("number 2", f"nothing by position but the document, {name}", args[1])
        if args:
            return self._checked_document(args[0]), self.check(kwargs)
        if name not in kwargs:
            self._refuse_missing(name, f"a {readable(self.document)} to run on")
        rest = {key: value for key, value in kwargs.items() if key != name}
        return self._checked_document(kwargs[name]), self.check(rest)

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """
        The values of all parameters, defaults included; an int for a Decimal becomes one.

        Raises:
            WrongArgument: one is missing, not known, or of the wrong type.
        """
        self._see_that_all_are_known(arguments)
        return {each.name: self._value(each, arguments) for each in self.parameters}

    def parse(self, texts: Mapping[str, Any]) -> dict[str, Any]:
        """
        The values of all parameters, from flags or a settings file.

        A text is read by the parameter's type; a list is a flag that was repeated, or an array. What is neither (TOML
        has numbers, dates and tables) is taken as it is. A text for a type that cannot be read from one, such as a
        user, stays a text: whoever knows users looks them up.

        Raises:
            WrongArgument: one is missing, not known, or cannot be read.
        """
        given = {name.removeprefix("--").replace("-", "_"): text for name, text in texts.items()}
        self._see_that_all_are_known(given)
        read = {each.name: self._read(each, given[each.name]) for each in self.parameters if each.name in given}
        unread = {each.name for each in self.parameters if _stays_text(each.type, read.get(each.name))}
        return {
            each.name: read[each.name] if each.name in unread else self._value(each, read) for each in self.parameters
        }

    def given(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Those that differ from their default."""
        defaults = {each.name: each.default for each in self.parameters}
        return {name: value for name, value in parameters.items() if not same(value, defaults.get(name, REQUIRED))}

    # -- keeping it

    def encode(self, parameters: Mapping[str, Any], codec: Codec) -> str:
        """
        Values of parameters as JSON text, defaults included: an instance keeps the default it began with.

        Raises:
            NotJournallable: one of them cannot be written.
        """
        written = (
            f"{orjson.dumps(each.name).decode()}:{codec.encode(parameters[each.name], each.type, path=each.name)}"
            for each in self.parameters
            if each.name in parameters
        )
        return "{" + ",".join(written) + "}"

    def decode(self, text: str, codec: Codec) -> dict[str, Any]:
        """
        The values that were written. A parameter that is new since has its default.

        Raises:
            NotRestorable: the function's parameters are others now.
        """
        trees = self._trees_in(text)
        self._see_that_none_is_gone(trees)
        return {each.name: self._restored(each, trees, codec) for each in self.parameters}

    # -- behind it

    @cached_property
    def _declared(self) -> Mapping[str, Declared]:
        return signature_of(self.function).parameters

    @cached_property
    def _first(self) -> Declared | None:
        by_position = (Declared.POSITIONAL_ONLY, Declared.POSITIONAL_OR_KEYWORD)
        return next((each for each in self._declared.values() if each.kind in by_position), None)

    @cached_property
    def _hints(self) -> dict[str, Any]:
        try:
            return hints_of(self.function)
        except (NameError, TypeError) as error:
            detail = f"an annotation cannot be looked up: {error}. Import what it names at the top of the module."
            raise ProcessDefinitionError(process=self.name, detail=detail) from error

    def _names_are_there(self) -> bool:
        """Whether annotations can be looked up now: they may name what stands further down in the module."""
        try:
            return self._hints is not None
        except ProcessDefinitionError:
            return False

    def _see_that_it_is_async(self) -> None:
        if inspect.iscoroutinefunction(self.function):
            return
        if inspect.isasyncgenfunction(self.function):
            self._refuse("it has a `yield`: a process awaits and returns.")
        self._refuse(f"a process is an async function: write `async def {self._called}(...)`.")

    def _see_that_parameters_are_named(self) -> None:
        for each in self._declared.values():
            if each.kind in (Declared.VAR_POSITIONAL, Declared.VAR_KEYWORD):
                self._refuse(f"`{each}` is no line of a start form: write out each parameter after `*`.")
            if each.kind is not Declared.KEYWORD_ONLY and each is not self._first:
                self._refuse(
                    f"only the document is given by position: write `*` before `{each.name}`, "
                    f"as in `async def {self._called}(deal: Deal, *, {each.name}=...)`."
                )
        if self._first is not None and self._first.annotation is Declared.empty:
            self._refuse(
                f"its first parameter, `{self._first.name}`, is the document and needs its type, "
                f"as `{self._first.name}: Deal`. Parameters of the start form stand after `*`."
            )

    @property
    def _called(self) -> str:
        return getattr(self.function, "__name__", self.name)

    def _checked_document(self, document: Any) -> Any:
        if not isinstance(document, self.document or object):
            assert self._first is not None
            self._refuse_argument(self._first.name, f"a {readable(self.document)}", document)
        return document

    def _see_that_all_are_known(self, arguments: Mapping[str, Any]) -> None:
        known = [each.name for each in self.parameters]
        for name in arguments:
            if name not in known:
                there_are = f"known: {', '.join(known)}" if known else "the process has none"
                self._refuse_argument(name, f"no such parameter ({there_are})", arguments[name])

    def _value(self, parameter: Parameter, arguments: Mapping[str, Any]) -> Any:
        if parameter.name in arguments:
            return parameter.check(arguments[parameter.name], self.name, parameter.name)
        if parameter.required:
            self._refuse_missing(parameter.name, readable(parameter.type))
        return parameter.default

    def _read(self, parameter: Parameter, text: object) -> Any:
        try:
            return read(parameter.type, text)
        except ValueError as error:
            expected = ", ".join(filter(None, [readable(parameter.type), str(error)]))
            self._refuse_argument(parameter.name, expected, text)

    def _trees_in(self, text: str) -> dict[str, Any]:
        try:
            trees = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise NotRestorable(path="parameters", type=self.name, detail=str(error)) from error
        if not isinstance(trees, dict):
            raise NotRestorable(path="parameters", type=self.name, detail="recorded is no object")
        return trees

    def _see_that_none_is_gone(self, trees: Mapping[str, Any]) -> None:
        for name in trees.keys() - {each.name for each in self.parameters}:
            detail = f"the process has no parameter {name} any more"
            raise NotRestorable(path=f"parameters.{name}", type=self.name, detail=detail)

    def _restored(self, parameter: Parameter, trees: Mapping[str, Any], codec: Codec) -> Any:
        path = f"parameters.{parameter.name}"
        if parameter.name in trees:
            return codec.decode(orjson.dumps(trees[parameter.name]).decode(), parameter.type, path=path)
        if parameter.required:
            raise NotRestorable(path=path, type=readable(parameter.type), detail="it is new, and has no default")
        return parameter.default

    def _refuse(self, detail: str) -> NoReturn:
        raise ProcessDefinitionError(process=self.name, detail=detail)

    def _refuse_missing(self, parameter: str, expected: str) -> NoReturn:
        raise WrongArgument(process=self.name, parameter=parameter, expected=expected, got="nothing")

    def _refuse_argument(self, parameter: str, expected: str, got: object) -> NoReturn:
        raise WrongArgument(process=self.name, parameter=parameter, expected=expected, got=described(got))


def _is_item(cls: Any) -> bool:
    """Whether a class is a kind of item, or the base of several."""
    if not isinstance(cls, type):
        return False
    return isinstance(getattr(cls, "item_type", None), str) or "item_type" in hints_of(cls)


# -- the docstring -----------------------------------------------------------------------------------------------------

_SECTION: Final = re.compile(r"(Args|Arguments|Parameters):\s*$")
_ENTRY: Final = re.compile(r"(?P<indent>\s+)\*{0,2}(?P<name>\w+)\s*(\([^)]*\))?:\s*(?P<text>.*)")


def descriptions_in(docstring: str | None) -> dict[str, str]:
    """What the `Args:` of a Google-style docstring says of each parameter."""
    told: dict[str, list[str]] = {}
    indent, name = "", ""
    for line in _section(inspect.cleandoc(docstring or "").splitlines()):
        entry = _ENTRY.fullmatch(line)
        if entry and (not indent or entry["indent"] == indent):
            indent, name = entry["indent"], entry["name"]
            told[name] = [entry["text"]]
        elif name:
            told[name].append(line.strip())
    return {name: " ".join(filter(None, lines)) for name, lines in told.items()}


def _section(lines: list[str]) -> Iterator[str]:
    """The lines below `Args:`, to the next one that is not indented."""
    inside = False
    for line in lines:
        if inside and line and not line[0].isspace():
            return
        if inside:
            yield line
        inside = inside or _SECTION.match(line) is not None


# -- from texts to values ----------------------------------------------------------------------------------------------


def read(annotation: Any, given: object) -> Any:
    """
    A value from what a person wrote for a type.

    Raises:
        ValueError: it cannot be read; the message says how it is written, or is empty.
    """
    members = [stripped(member) for member in members_of(annotation)]
    if isinstance(given, str):
        return _read_text(members, given)
    containers = [member for member in members if _container(member)]
    if isinstance(given, (list, tuple)) and containers:
        return _read_items(containers[0], list(given))
    if isinstance(given, (list, tuple)) and len(given) == 1:
        return read(annotation, given[0])
    if isinstance(given, float) and Decimal in members:
        return Decimal(repr(given))  # as it stands in the file; repr is the shortest text of that float
    return given


def _read_text(members: list[Any], text: str) -> Any:
    if NoneType in members and not text.strip():
        return None
    hints = []
    for member in sorted(members, key=lambda member: member in (str, Any, object)):  # a text fits always: last
        try:
            return _read_as(member, text)
        except ValueError as error:
            hints.append(str(error))
    raise ValueError("; ".join(filter(None, hints)))


def _read_as(member: Any, text: str) -> Any:
    if member in _TEXTS:
        return _TEXTS[member](text.strip())
    if member is NoneType:
        raise ValueError
    if get_origin(member) is Literal:
        return _read_choice({str(value): value for value in get_args(member)}, text)
    if isinstance(member, type) and issubclass(member, enum.Enum):
        return _read_choice(_choices(member), text)
    if _container(member):
        return _read_items(member, [item.strip() for item in text.split(",")] if text.strip() else [])
    if _is_table(member):
        return _read_table(text)
    return text


def _read_choice(choices: Mapping[str, Any], text: str) -> Any:
    """One of these words, in whatever case."""
    folded = {word.casefold(): value for word, value in choices.items()}
    for word, among in ((text.strip(), choices), (text.strip().casefold(), folded)):
        if word in among:
            return among[word]
    raise ValueError


def _choices(cls: type[enum.Enum]) -> dict[str, enum.Enum]:
    """The members of an enum by name and, before that, by value."""
    return dict(cls.__members__) | {str(member.value): member for member in cls}


def _container(annotation: Any) -> Callable[[Any], Any] | None:
    """What makes a list, tuple or set of an annotation's items; None if it is of another kind."""
    return _CONTAINERS.get(get_origin(annotation) or annotation)


_CONTAINERS: Final[dict[Any, Callable[[Any], Any]]] = {
    list: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    abc.Sequence: tuple,
    abc.Collection: tuple,
    abc.Iterable: tuple,
    abc.Set: frozenset,
}


def _read_items(container: Any, items: list[Any]) -> Any:
    make = _container(container)
    assert make is not None
    args = get_args(container) or (Any,)
    if make is tuple and get_origin(container) is tuple and args[-1] is not ...:
        if len(args) != len(items):
            raise ValueError(f"{len(args)} items separated by commas")
        return tuple(read(arg, item) for arg, item in zip(args, items, strict=True))
    return make(read(args[0], item) for item in items)


def _is_table(annotation: Any) -> bool:
    return (get_origin(annotation) or annotation) in (dict, abc.Mapping) or is_typeddict(annotation)


def _read_table(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValueError('a JSON object, as {"name": "value"}') from None


def _stays_text(annotation: Any, value: object) -> bool:
    """Whether a value is still a text, though its type is a class whose values nobody can read from one."""
    if not isinstance(value, str):
        return False
    members = [stripped(member) for member in members_of(annotation)]
    return str not in members and any(_is_opaque(member) for member in members)


def _is_opaque(member: Any) -> bool:
    """Whether a type is a class that is not read from texts."""
    known = member in _TEXTS or member in (str, Any, object, NoneType)
    return isinstance(member, type) and not known and not issubclass(member, enum.Enum) and not _container(member)


_YES: Final = {"yes", "y", "true", "1", "on"}
_NO: Final = {"no", "n", "false", "0", "off"}


def _read_bool(text: str) -> bool:
    word = text.casefold()
    if word not in _YES | _NO:
        raise ValueError("yes or no")
    return word in _YES


def _read_decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ValueError("as 7 or 7.50")
    return number


def _read_moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("as 2024-05-31T09:00+02:00") from None
    if moment.utcoffset() is None:
        raise ValueError(f"with its distance from UTC, as {moment.isoformat(timespec='minutes')}+02:00 or …Z")
    return moment


_NUMBER: Final = r"(\d+(?:\.\d+)?)"
_PLAIN: Final = re.compile(
    rf"-?(?:{_NUMBER} ?w(?:eeks?)?)? ?(?:{_NUMBER} ?d(?:ays?)?)? ?(?:{_NUMBER} ?h(?:ours?)?)? ?"
    rf"(?:{_NUMBER} ?m(?:in(?:utes?)?)?)? ?(?:{_NUMBER} ?s(?:econds?)?)?",
    re.IGNORECASE,
)
_ISO: Final = re.compile(
    rf"-?P(?:{_NUMBER}W)?(?:{_NUMBER}D)?(?:T(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?", re.IGNORECASE
)
_UNITS: Final = {"w": timedelta(weeks=1), "d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
_MICROSECOND: Final = timedelta(microseconds=1)


def _read_duration(text: str) -> timedelta:
    text = " ".join(text.split())
    match = _PLAIN.fullmatch(text) or _ISO.fullmatch(text)
    if match is None or not any(match.groups()):
        raise ValueError("as 30m, 4h, 2d, 1d12h or PT4H")
    units = (*_UNITS.values(), timedelta(seconds=1))
    counts = (Decimal(number or 0) * (unit // _MICROSECOND) for number, unit in zip(match.groups(), units, strict=True))
    try:
        length = timedelta(microseconds=int(sum(counts)))
    except OverflowError:
        raise ValueError("of less than three million years") from None
    return -length if text.startswith("-") else length


def duration_text(duration: timedelta) -> str:
    """A duration as people write it: `1d12h`."""
    rest, parts = abs(duration), []
    for unit in ("d", "h", "m"):
        count, rest = divmod(rest, _UNITS[unit])
        parts.append(f"{count}{unit}" if count else "")
    if rest or not any(parts):
        seconds = Decimal(rest // _MICROSECOND) / 1_000_000
        parts.append(f"{seconds.normalize():f}s")
    return ("-" if duration < timedelta(0) else "") + "".join(parts)


def _hinted(function: Callable[[str], Any], hint: str) -> Callable[[str], Any]:
    """A reader whose refusal says how to write it."""

    def read_it(text: str) -> Any:
        try:
            return function(text)
        except (ValueError, LookupError, OSError):  # of a ZoneInfo
            raise ValueError(hint) from None

    return read_it


_TEXTS: Final[dict[Any, Callable[[str], Any]]] = {
    bool: _read_bool,
    int: _hinted(int, ""),
    float: _hinted(float, ""),
    Decimal: _read_decimal,
    date: _hinted(date.fromisoformat, "as 2024-05-31"),
    datetime: _read_moment,
    time: _hinted(time.fromisoformat, "as 09:30"),
    timedelta: _read_duration,
    UUID: _hinted(UUID, ""),
    ZoneInfo: _hinted(ZoneInfo, "as Europe/Paris"),
}

# -- the schema --------------------------------------------------------------------------------------------------------


def _property(parameter: Parameter) -> dict[str, Any]:
    schema = schema_of(parameter.type)
    if parameter.description:
        schema["description"] = parameter.description
    if parameter.required:
        return schema
    default = plain(parameter.default)
    try:
        orjson.dumps(default, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    except TypeError:  # a value that no form can show
        return schema
    return schema | {"default": default}


def schema_of(annotation: Any) -> dict[str, Any]:
    """JSON schema of a type, as `parse` reads it. Of a class that only the program can make, {}: anything."""
    members = [stripped(member) for member in members_of(annotation)]
    if len(members) > 1:
        return {"anyOf": [schema_of(member) for member in members]}
    (member,) = members
    if member in _SCHEMAS:
        return dict(_SCHEMAS[member])
    if get_origin(member) is Literal:
        return {"enum": [plain(value) for value in get_args(member)]}
    if isinstance(member, type) and issubclass(member, enum.Enum):
        return {"enum": [plain(value) for value in member]}
    if _container(member):
        return _schema_of_items(member)
    if _is_table(member):
        args = get_args(member)
        return {"type": "object"} | ({"additionalProperties": schema_of(args[1])} if args else {})
    return {}


def _schema_of_items(container: Any) -> dict[str, Any]:
    args = get_args(container) or (Any,)
    make = _container(container)
    if get_origin(container) is tuple and args[-1] is not ...:
        places = {"prefixItems": [schema_of(arg) for arg in args]}
        return {"type": "array", **places, "minItems": len(args), "maxItems": len(args)}
    unique = {"uniqueItems": True} if make in (set, frozenset) else {}
    return {"type": "array", "items": schema_of(args[0]), **unique}


_SCHEMAS: Final[dict[Any, dict[str, Any]]] = {
    NoneType: {"type": "null"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    Decimal: {"type": ["string", "number"], "format": "decimal", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"},
    date: {"type": "string", "format": "date"},
    datetime: {"type": "string", "format": "date-time"},
    time: {"type": "string", "format": "time"},
    timedelta: {
        "anyOf": [
            {"type": "string", "format": "duration", "pattern": "^-?P"},
            {"type": "string", "pattern": "^-?([0-9.]+w)?([0-9.]+d)?([0-9.]+h)?([0-9.]+m)?([0-9.]+s)?$"},
        ],
        "examples": ["30m", "4h", "1d12h", "PT4H"],
    },
    UUID: {"type": "string", "format": "uuid"},
    ZoneInfo: {"type": "string", "examples": ["Europe/Paris"]},
}


def plain(value: Any) -> Any:
    """A default or a choice as a form shows it, and `parse` reads it. What no form can show stays as it is."""
    if isinstance(value, enum.Enum):
        return value.value if isinstance(value.value, (str, int)) else value.name
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (Decimal, UUID, ZoneInfo)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value
