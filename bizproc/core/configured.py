"""
The settings that a process was built from, and how it is built from others: what a recipe leaves in its processes.

An instance keeps the settings that it began with, as it keeps its version: they stand in its row, beside its arguments.
So a change of settings is for the instances that begin after it, and none that is under way asks for something else
than its journal has. What settings are, and where they come from, is the recipe's and the project's to know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import orjson
from attrs import define, evolve, field

from bizproc.core.codec import Codec
from bizproc.core.errors import BizprocError, NotJournallable, NotRestorable, WrongArgument, WrongValue
from bizproc.core.form import StartForm

if TYPE_CHECKING:
    from bizproc.core.process import Process


@define(eq=False)
class Configured:
    """
    What a process was built from.

    Attributes:
        form: The settings that there are: names, types, defaults.
        values: Those that this process was built from.
        build: Builds the process from other values.
    """

    form: StartForm
    values: Mapping[str, Any]
    build: Callable[[Mapping[str, Any]], Process[..., Any]]
    _written: str | None = field(default=None, init=False, repr=False)
    _is_written: bool = field(default=False, init=False, repr=False)
    _built: dict[str, Process[..., Any]] = field(factory=dict, init=False, repr=False)

    def text(self, codec: Codec) -> str | None:
        """The settings as the store keeps them; None if one cannot be written: then they count as code."""
        if not self._is_written:
            try:
                self._written = self.form.encode(self.values, codec)
            except NotJournallable:
                self._written = None
            self._is_written = True
        return self._written

    def differing(self, text: str, codec: Codec) -> tuple[str, ...]:
        """
        The names of the settings that are others now than those that an instance with this text has.

        Raises:
            NotRestorable: The text is none of settings.
        """
        now = self.text(codec)
        if now is None or now == text:
            return ()
        # A setting that is new since has its default; one without a default has the value of today.
        defaults = {each.name: each.default for each in self.form.parameters if not each.required}
        before, after = self._trees(self.form.encode(defaults, codec)) | self._trees(text), self._trees(now)
        return tuple(name for name, tree in after.items() if before.get(name, tree) != tree)

    def built_from(self, text: str, codec: Codec) -> Process[..., Any]:
        """
        The process with the settings that this text has.

        A setting that the text lacks has its default, or, where there is none, the value of today; one that there is no
        longer is passed over.

        Raises:
            NotRestorable: One cannot be read back, or is not allowed any more.
        """
        found = self._built.get(text)
        if found is None:
            found = self._build(self._restored(text, codec))
            if len(self._built) >= _KEPT:  # settings are changed by hand: there are few
                self._built.clear()
            self._built[text] = found
        return found

    def _restored(self, text: str, codec: Codec) -> dict[str, Any]:
        trees = self._trees(text)
        values: dict[str, Any] = {}
        for each in self.form.parameters:
            if each.name in trees:
                tree = orjson.dumps(trees[each.name]).decode()
                values[each.name] = codec.decode(tree, each.type, path=f"settings.{each.name}")
            else:
                values[each.name] = self.values[each.name] if each.required else each.default
        return values

    def _build(self, values: Mapping[str, Any]) -> Process[..., Any]:
        try:
            return self.build(self.form.check(values))
        except (WrongArgument, WrongValue) as error:
            detail = f"it has to be {error.expected} now, and was {error.got}; {_CURE}"
            raise NotRestorable(
                path=f"settings.{error.parameter}", type=f"a setting of {self.form.name}", detail=detail
            ) from error
        except BizprocError as error:
            raise NotRestorable(path="settings", type=f"those of {self.form.name}", detail=str(error)) from error

    def _trees(self, text: str) -> dict[str, Any]:
        try:
            trees = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise NotRestorable(path="settings", type=self.form.name, detail=str(error)) from error
        if not isinstance(trees, dict):
            raise NotRestorable(path="settings", type=self.form.name, detail="recorded is no object")
        return trees


_CURE: Final = "`retry` lets one that is stuck go on with the settings of today, if these fit what it has done"

_KEPT: Final = 100
"""So many processes that were built from earlier settings are kept."""


def as_begun(process: Process[..., Any], text: str | None, codec: Codec) -> Process[..., Any]:
    """
    The process with the settings that an instance began with; itself where it has none, or they are those of today.

    Raises:
        NotRestorable: One of them cannot be read back, or is not allowed any more.
    """
    configured = process.configured
    if text is None or configured is None or configured.text(codec) in (text, None):
        return process
    return evolve(configured.built_from(text, codec), today=process)
