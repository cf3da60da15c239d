"""
The contract of recipes, as one assertion.

    def test_the_recipe_keeps_its_contract() -> None:
        assert_recipe(lead_distribution, queue=UserQueue([User(3)]))

What a recipe's process does when it runs is not looked at: its story test does that, and `crash_at_every_await`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, Final

from attrs import frozen
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bizproc import crm
from bizproc.code.files import Unreadable
from bizproc.code.used import undeclared_providers
from bizproc.core.checks import same
from bizproc.core.codec import Codec
from bizproc.core.errors import BizprocError, WrongArgument, WrongValue
from bizproc.core.process import Process
from bizproc.installed import uses_of
from bizproc.recipe import Recipe, use
from bizproc.rules.queues import UserQueue
from bizproc.settings import read
from bizproc.testing.ending import ending_of
from bizproc.testing.strategies import parameters
from bizproc.testing.world import World

EXAMPLES: Final = 30
"""So many drawn settings are built."""


def assert_recipe(recipe: Recipe[...], **settings: Any) -> None:
    """
    Hold a recipe to the contract that all recipes keep.

    - It and each of its settings is documented and typed.
    - Building is pure: it reads and writes nothing, asks no clock, and the same settings give the same process.
    - Settings drawn by their types build, or are refused by WrongArgument or WrongValue with the setting's name; wrong
      ones are refused by name.
    - Two uses share nothing.
    - Settings can be written down, and give the same process when they are read back: instances keep theirs.
    - What its actions reach the outside through is among its needs.
    - A preview of its process writes nothing.

    Args:
        recipe: What `@recipe` returned.
        settings: Values for settings that are not to be any their type allows, or Hypothesis strategies for them.

    Raises:
        AssertionError: It does not keep one of these; says which.
    """
    contract = _Contract(recipe)
    contract.is_documented()
    contract.declares_what_it_uses()
    contract.refuses_wrong_settings(settings)

    @hypothesis_settings(
        max_examples=EXAMPLES, database=None, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(drawn=parameters(recipe, **settings))
    def builds(drawn: dict[str, Any]) -> None:
        contract.builds(drawn)

    builds()
    if not contract.built:
        raise contract.broken("no settings that were drawn build: give some, or strategies that draw them.")
    contract.previews()


class _Contract:
    """One recipe under test."""

    def __init__(self, recipe: Recipe[...]) -> None:
        self._recipe = recipe
        self.built = 0
        self._last: Process[..., Any] | None = None

    def broken(self, what: str) -> AssertionError:
        return AssertionError(f"recipe {self._recipe.name}: {what}")

    def is_documented(self) -> None:
        if not self._recipe.summary:
            raise self.broken("its function has no docstring; the first line says what it is for.")
        for each in self._recipe.settings:
            if not each.description:
                raise self.broken(f"the setting {each.name} is not in the Args of its docstring.")
            if each.type in (Any, object):
                raise self.broken(f"the setting {each.name} has no type that says anything.")

    def refuses_wrong_settings(self, settings: Mapping[str, Any]) -> None:
        fitting = {name: value for name, value in settings.items() if not isinstance(value, st.SearchStrategy)}
        for name in ("no_such_setting", *(each.name for each in self._recipe.settings)):
            try:
                use(self._recipe, name="contract", **{**fitting, name: _Wrong()})
            except WrongArgument as error:
                if error.parameter == name or error.got == "nothing":
                    continue
                raise self.broken(f"a wrong {name} is refused as {error.parameter}.") from error
            raise self.broken(f"a wrong {name} is not refused.")

    def builds(self, settings: Mapping[str, Any]) -> None:
        first = self._build(settings)
        if first is None:
            return
        with _only_computing(self.broken):
            second = use(self._recipe, name="contract", **settings)
        difference = _difference(first, second)
        if difference:
            raise self.broken(f"built twice with the same settings, it gives two processes: {difference}.")
        self._see_that_nothing_is_shared(first, second, settings)
        self._see_that_settings_are_kept(first)
        self.built += 1
        self._last = first

    def _see_that_settings_are_kept(self, process: Process[..., Any]) -> None:
        """Instances keep theirs: they are written down, and give the same process when one comes back."""
        codec, configured = Codec(), process.configured
        assert configured is not None
        text = configured.text(codec)
        if text is None:
            raise self.broken("a setting cannot be written down, so instances could not keep what they began with.")
        difference = _difference(process, configured.built_from(text, codec))
        if difference:
            raise self.broken(f"built from its settings as instances keep them, it is another process: {difference}.")

    def declares_what_it_uses(self) -> None:
        try:
            undeclared = undeclared_providers(self._recipe)
        except Unreadable:  # code that was not read from a file
            return
        for provider, action in undeclared.items():
            raise self.broken(f"crm.{action} is used, and needs= has no provider.{provider}.")

    def previews(self) -> None:
        """In a thread: a test that is async has a loop in this one."""
        with ThreadPoolExecutor(1) as threads:
            threads.submit(lambda: asyncio.run(self._preview())).result()

    async def _preview(self) -> None:
        process = self._last
        assert process is not None
        if any(each.required for each in process.form.parameters):
            return  # what a start needs beside its document is the story's to say
        async with World.open() as world:
            document = await _document(world, process)
            call = process() if document is None else process(document)
            before = await ending_of(world, None)
            await world.preview(call)
            if await ending_of(world, None) != before:
                raise self.broken("a preview of its process has written something.")

    def _build(self, settings: Mapping[str, Any]) -> Process[..., Any] | None:
        """The process, or None if these settings are refused by the name of one of them."""
        try:
            return use(self._recipe, name="contract", **settings)
        except (WrongArgument, WrongValue) as error:
            if any(error.parameter == each.name for each in self._recipe.settings):
                return None
            raise self.broken(f"settings are refused, but none of them is named: {error}") from error
        except BizprocError as error:
            raise self.broken(f"these settings do not build: {dict(settings)!r:.300}: {error}") from error

    def _see_that_nothing_is_shared(
        self, first: Process[..., Any], second: Process[..., Any], settings: Mapping[str, Any]
    ) -> None:
        given_ = {id(value) for value in settings.values()}
        given_ |= {id(each.default) for each in self._recipe.settings}
        others = {id(value) for _, value in _held_by(second.function)}
        for name, value in _held_by(first.function):
            if isinstance(value, _MUTABLE) and id(value) in others and id(value) not in given_:
                raise self.broken(f"all uses share the variable {name}, and it can be changed.")
            if isinstance(value, UserQueue) and value.name is not None and id(value) not in given_:
                raise self.broken(f"all uses share the queue {value.name!r}: leave its name out, it is the use's.")


async def _document(world: World, process: Process[..., Any]) -> Any:
    """An item that the process may run on; None if it runs on none."""
    cls = process.form.document
    if cls is None:
        return None
    named = {"name": "A", "last_name": "Contract"} if cls.__name__ == "Contact" else {"title": "A contract"}
    return await world.perform(getattr(crm, getattr(cls, "item_type", "deal")).create(**named))


class _Wrong:
    """Of no type that a setting can have."""

    def __repr__(self) -> str:
        return "something wrong"


_MUTABLE: Final = (list, dict, set, bytearray)


# -- the same process --------------------------------------------------------------------------------------------------


def _held_by(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """The variables of the functions around a function, and those of the functions among these."""
    names = function.__code__.co_freevars
    for name, cell in zip(names, function.__closure__ or (), strict=True):
        try:
            value = cell.cell_contents
        except ValueError:  # not yet filled
            continue
        yield name, value
        if isinstance(value, FunctionType) and value is not function:
            yield from _held_by(value)


def _difference(first: Process[..., Any], second: Process[..., Any]) -> str:
    """In what two processes differ, or ""."""
    for name in ("name", "version", "starts", "overlap", "on_error", "retention"):
        if getattr(first, name) != getattr(second, name):
            return name
    return _difference_of_functions(first.function, second.function)


def _difference_of_functions(first: Callable[..., Any], second: Callable[..., Any], depth: int = 0) -> str:
    code: CodeType = first.__code__
    if code != second.__code__:
        return "code"
    if not _alike(first.__defaults__, second.__defaults__) or not _alike(first.__kwdefaults__, second.__kwdefaults__):
        return "defaults"
    theirs = dict(_held_by(second))
    for name, value in _held_by(first):
        other = theirs.get(name)
        if isinstance(value, FunctionType) and isinstance(other, FunctionType):
            found = _difference_of_functions(value, other, depth + 1) if depth < 10 and value is not other else ""
            if found:
                return f"{found} of {name}"
        elif not _alike(value, other):
            return f"the variable {name}"
    return ""


def _alike(first: Any, second: Any) -> bool:
    if isinstance(first, Process) and isinstance(second, Process):
        return not _difference(first, second)
    return first is second or same(first, second)


# -- nothing but computing ---------------------------------------------------------------------------------------------

_OUTSIDE: Final = {
    **dict.fromkeys(("time", "random", "_random", "_socket", "_sqlite3", "_ssl", "select", "_posixsubprocess"), "asks"),
    **dict.fromkeys(("posix", "nt", "_io", "io"), "reads or writes"),
}
_PURE: Final = frozenset({"fspath", "mktime", "strptime", "strftime", "gmtime", "StringIO", "BytesIO"})
_ENVIRONMENT: Final = type(os.environ).__getitem__.__code__
_CLOCKS: Final = frozenset({"now", "today", "utcnow"})


@frozen
class _Seen:
    what: list[str]

    def __call__(self, frame: FrameType, event: str, told: Any) -> None:
        if event == "c_call":
            self._of_c(frame, told)
        elif event == "call" and frame.f_code is _ENVIRONMENT:
            self.what.append("reads a variable of the environment")

    def _of_c(self, frame: FrameType, told: Any) -> None:
        name = told.__name__
        module = getattr(told, "__module__", None) or type(getattr(told, "__self__", None)).__module__
        where = f"(line {frame.f_lineno} of {frame.f_code.co_filename})"
        if module in _OUTSIDE and name not in _PURE:
            self.what.append(f"{_OUTSIDE[module]} the outside: {module}.{name} {where}")
        elif name in _CLOCKS and getattr(getattr(told, "__self__", None), "__module__", None) == "datetime":
            self.what.append(f"asks the clock: {name} {where}")


@contextmanager
def _only_computing(broken: Callable[[str], AssertionError]) -> Iterator[None]:
    """
    Raises if anything inside reads, writes, or asks clock, chance or environment.

    It watches calls as a profiler does, so nothing is replaced, and what a recipe has imported under another name is
    seen, too.
    """
    seen = _Seen([])
    before = sys.getprofile()
    # What others do when memory is cleaned up is not the recipe's.
    collects = gc.isenabled()
    gc.disable()
    sys.setprofile(seen)
    try:
        yield
    finally:
        sys.setprofile(before)
        if collects:
            gc.enable()
    if seen.what:
        raise broken(f"building it {seen.what[0]}. It may only compute; put it into the process, or into a step.")


# -- in the projects that use recipes ----------------------------------------------------------------------------------


def hold(names: Iterable[str]) -> Iterator[dict[str, str]]:
    """The contract of uses of the project in the working directory, each with its settings."""
    known = {each.name: each for each in uses_of(read(Path.cwd(), os.environ)).found}
    for name in names:
        recipe = known[name].installed.recipe
        assert recipe is not None
        try:
            assert_recipe(recipe, **known[name].settings)
        except AssertionError as error:
            yield {"subject": name, "verdict": "failed", "detail": str(error)}
        else:
            yield {"subject": name, "verdict": "passed", "detail": "keeps the contract with these settings."}


if __name__ == "__main__":  # `bizproc recipes test`, in a program of its own: the command line knows no tests
    for told in hold(sys.argv[1:]):
        print(json.dumps(told), flush=True)  # noqa: T201  its answer
