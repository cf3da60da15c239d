"""Values as code, and the imports that this code needs."""

from __future__ import annotations

import builtins
import enum
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import attrs

import bizproc
from bizproc import model
from bizproc.core.codec import text_of
from bizproc.core.codec.classes import default_of
from bizproc.core.errors import RecordedError


class Pasting:
    """Writes values as code, and remembers what is to be imported for it."""

    def __init__(self, is_secret: Callable[[str], bool]) -> None:
        self._is_secret = is_secret
        self._names: dict[str, set[str]] = {}
        self._modules: set[str] = set()

    def name(self, module: str, name: str | None) -> str:
        """A name of a module, imported; without one the module."""
        if name is None:
            self._modules.add(module)
            return module
        self._names.setdefault(module, set()).add(name)
        return name

    def imports(self) -> list[str]:
        """The lines of all imports."""
        plain = [f"import {module}" for module in sorted(self._modules)]
        froms = [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(self._names.items())]
        return [*plain, *froms]

    def of(self, value: Any) -> str:  # noqa: C901  a closed set, matched to the end
        """A value as code."""
        match value:
            case datetime():
                return self._moment(value)
            case date():
                return f"{self.name('datetime', 'date')}({value.year}, {value.month}, {value.day})"
            case time():
                self.name("datetime", "time")
                return repr(value).removeprefix("datetime.")
            case timedelta():
                self.name("datetime", "timedelta")
                return repr(value).removeprefix("datetime.")
            case Decimal():
                self.name("decimal", "Decimal")
                return repr(value)
            case UUID():
                self.name("uuid", "UUID")
                return repr(value)
            case enum.Enum():
                return f"{self.name(type(value).__module__, type(value).__name__)}.{value.name}"
            case Mapping():
                inside = (f"{self.of(key)}: {self._guarded(key, each)}" for key, each in value.items())
                return f"{{{', '.join(inside)}}}"
            case list():
                return f"[{', '.join(map(self.of, value))}]"
            case tuple() if type(value) is tuple:
                return f"({', '.join(map(self.of, value))}{',' if len(value) == 1 else ''})"
            case set() | frozenset():
                inside_ = f"{{{', '.join(sorted(map(self.of, value)))}}}" if value else ""
                return inside_ if value and type(value) is set else f"{type(value).__name__}({inside_})"
            case _ if attrs.has(type(value)):
                return self._object(value)
            case _:
                return repr(value)

    def error(self, error: BaseException) -> str:
        """An error as code that makes it; one of a class that is not here as a RuntimeError that says the same."""
        cls = type(error)
        if isinstance(error, RecordedError) or (attrs.has(cls) and not error.args):
            return f"RuntimeError({text_of(error)!r})"
        named = (
            cls.__name__ if getattr(builtins, cls.__name__, None) is cls else self.name(cls.__module__, cls.__name__)
        )
        return f"{named}({', '.join(map(self.of, error.args))})"

    def _moment(self, value: datetime) -> str:
        self.name("datetime", "datetime")
        if value.utcoffset() is None:
            return repr(value).removeprefix("datetime.")
        self.name("datetime", "UTC")
        parts = value.astimezone(UTC).timetuple()[:6]
        more = f", {value.microsecond}" if value.microsecond else ""
        shown = ", ".join(map(str, parts if more or parts[5] else parts[:5]))
        return f"datetime({shown}{more}, tzinfo=UTC)"

    def _object(self, value: Any) -> str:
        cls = type(value)
        home = (module for module in (model, bizproc) if getattr(module, cls.__name__, None) is cls)
        module = next((module.__name__ for module in home), cls.__module__)
        given = []
        for field in attrs.fields(cls):
            each = getattr(value, field.name)
            default = default_of(cls, field.name, value)
            if field.init and not (type(each) is type(default) and each == default):
                given.append(f"{field.alias}={self._guarded(field.name, each)}")
        return f"{self.name(module, cls.__name__)}({', '.join(given)})"

    def _guarded(self, name: object, value: Any) -> str:
        hidden = isinstance(name, str) and isinstance(value, str) and self._is_secret(name)
        return repr("(secret)") if hidden else self.of(value)
