"""All settings that there are, read from their classes: for `bizproc doctor` and for the reference. Reads no file."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any, Final

import attrs
from attrs import frozen

from bizproc.settings import PREFIX, Settings


@frozen(kw_only=True)
class Known:
    """
    One setting.

    Attributes:
        section: Its table in the file; empty at the top.
        default: None for a secret.
        secret: Only the environment may give it.
        said: What the docstring says of it.
    """

    section: str
    name: str
    default: Any
    secret: bool
    said: str

    @property
    def full(self) -> str:
        """What it is called, section and all."""
        return f"{self.section}.{self.name}" if self.section else self.name

    @property
    def variable(self) -> str:
        """The variable of the environment that gives it."""
        return f"{PREFIX}{self.full.replace('.', '_').upper()}"


def every_setting() -> Iterator[Known]:
    """In the order of the classes: what stands at the top of the file, then section by section."""
    sections: list[attrs.Attribute[Any]] = []
    told = _attributes(Settings)
    for each in attrs.fields(Settings):
        if attrs.has(type(each.default)):
            sections.append(each)
        else:
            yield _known("", each, told)
    for section in sections:
        cls: Any = type(section.default)
        told = _attributes(cls)
        yield from (_known(section.name, each, told) for each in attrs.fields(cls))


def _known(section: str, each: attrs.Attribute[Any], told: dict[str, str]) -> Known:
    secret = bool(each.metadata.get("secret"))
    default = None if secret else each.default
    return Known(section=section, name=each.name, default=default, secret=secret, said=told.get(each.name, ""))


def _attributes(cls: type) -> dict[str, str]:
    """What a class's docstring says of its attributes; of several at once, the same of each."""
    section = inspect.cleandoc(cls.__doc__ or "").partition("Attributes:\n")[2]
    told: dict[str, str] = {}
    for found in _ENTRY.finditer(section):
        # Without the numbers of decisions, which say something to those who work on the code.
        said = re.sub(r" \(D\d+\)", "", " ".join(found["said"].split()))
        told |= dict.fromkeys(found["names"].split(", "), said)
    return told


_ENTRY: Final = re.compile(r"^    (?P<names>\w+(?:, \w+)*): (?P<said>.*(?:\n     +.*)*)", re.MULTILINE)
