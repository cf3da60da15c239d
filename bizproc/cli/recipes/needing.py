"""
What is missing for the recipes of a project: said before the first run, with the use that wants it.

It reads the store, the settings and the environment, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

import attrs
from attrs import frozen

from bizproc import __version__
from bizproc.cli.reaching import lacks
from bizproc.cli.setup import Setup, is_there
from bizproc.code.files import Unreadable
from bizproc.code.used import undeclared_providers
from bizproc.core.errors import ActionError
from bizproc.installed import Use, Uses
from bizproc.model.kinds import class_of
from bizproc.model.mailboxes import Template
from bizproc.model.needs import Need, filled_in, parse_need
from bizproc.model.organisation import Absence, Department, Group, WorkingHours
from bizproc.model.pipelines import Pipeline, Stage
from bizproc.model.users import User, parse_users
from bizproc.rules.filters import Filter, parse
from bizproc.rules.queues import NOBODY, UserQueue
from bizproc.runtime import Runtime
from bizproc.settings import Settings


@frozen(kw_only=True)
class Missing:
    """
    One thing that is not there.

    Attributes:
        use, recipe: Who wants it.
        need: What, as it is declared; for users that settings name, as these name them.
        level: `missing`: it cannot do its work. `empty`: it runs, and what it looks at holds nothing yet.
        detail: What was found instead, and what to do.
    """

    use: str
    recipe: str
    need: str
    level: Literal["missing", "empty"] = "missing"
    detail: str


async def missing(setup: Setup, uses: Uses, environment: Mapping[str, str]) -> list[Missing]:
    """All that is missing for these uses, those that cannot be built among it."""
    found = [Missing(use=each.use, recipe=each.recipe, need="recipe", detail=each.detail) for each in uses.troubles]
    if not is_there(setup.store) or setup.store.endswith(":memory:"):
        looker = _Looker(setup.settings, environment, None, setup.store)
        return found + [one for use in uses.found for one in await looker.of(use)]
    async with Runtime.attach(setup.store) as runtime:
        looker = _Looker(setup.settings, environment, runtime, setup.store)
        return found + [one for use in uses.found for one in await looker.of(use)]


@frozen
class _Looker:
    settings: Settings
    environment: Mapping[str, str]
    runtime: Runtime | None
    store: str

    async def of(self, use: Use) -> list[Missing]:
        recipe = use.installed.recipe
        assert recipe is not None
        needs = [one for need in recipe.needs for one in filled_in(need, dict(use.settings))]
        needs += [parse_need(f"provider.{name}") for name in _undeclared(use)]
        needs += list(_named_in(use.settings.values()))
        found = await self._of_filters(use, recipe.name)
        for need in dict.fromkeys(needs):
            told = await self._look(need)
            if told is not None:
                level, detail = told
                found.append(Missing(use=use.name, recipe=recipe.name, need=need.text, level=level, detail=detail))
        return found

    async def _of_filters(self, use: Use, recipe: str) -> list[Missing]:
        """Conditions of its triggers that cannot be asked of the items there are: custom fields stand in the store."""
        alternatives = () if self.runtime is None or use.process.starts is None else use.process.starts.alternatives()
        found = []
        for each in alternatives:
            cls = _class_of(each.events[0].rpartition(".")[0]) if each.events else None
            for condition in (each.where, each.became):
                if isinstance(condition, Filter) and cls is not None and self.runtime is not None:
                    error = await _refused(self.runtime, cls, condition)
                    if error:
                        found.append(Missing(use=use.name, recipe=recipe, need="filter", detail=error))
        return list(dict.fromkeys(found))

    async def _look(self, need: Need) -> tuple[Literal["missing", "empty"], str] | None:
        """What is wrong, or None."""
        match need.kind:
            case "version":
                return None if _number(__version__) >= _number(need.name) else ("missing", f"it is {__version__}.")
            case "secret":
                there = self.environment.get(need.name)
                return None if there else ("missing", f"set the variable {need.name}.")
            case "provider":
                lacking = lacks(need.name, self.settings)
                return None if lacking is None else ("missing", lacking)
            case _:
                if self.runtime is None:
                    return (
                        "missing",
                        f"there is no store {self.store} yet to look in: `bizproc import` or `bizproc serve` makes it.",
                    )
                return await self._in_store(self.runtime, need)

    async def _in_store(self, runtime: Runtime, need: Need) -> tuple[Literal["missing", "empty"], str] | None:
        match need.kind:
            case "user":
                there = await _kept(runtime, need.name)
                return None if there else ("empty", f"no {_OF_USERS[need.name]} is in the store.")
            case "field":
                return _unless(await _has_field(runtime, need), f"items of the kind {need.of} have no such field.")
            case "stage":
                codes = {each.code for each in await runtime.find(Stage) if each.kind == need.of}
                return _unless(need.name in codes, f"there are: {', '.join(sorted(codes)) or 'none'}.")
            case "pipeline":
                names = {each.name for each in await runtime.find(Pipeline) if each.kind == need.of}
                return _unless(need.name in names, f"there are: {', '.join(sorted(names)) or 'none'}.")
            case "template":
                return _unless(await _has_code(runtime, Template, need.name), "there is no template of this code.")
            case _:
                return _unless(await _has_someone(runtime, need.text), "there is none in the store.")


def _unless(there: bool, detail: str) -> tuple[Literal["missing", "empty"], str] | None:  # noqa: FBT001  an answer
    return None if there else ("missing", detail)


def _undeclared(use: Use) -> Iterable[str]:
    assert use.installed.recipe is not None
    try:
        return undeclared_providers(use.installed.recipe)
    except Unreadable:
        return ()


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


# -- the store ---------------------------------------------------------------------------------------------------------

_OF_USERS: Final = {
    "absences": "absence",
    "working_hours": "working hours of anybody",
    "phones": "user's mobile phone",
    "manager": "user's supervisor",
}


async def _kept(runtime: Runtime, name: str) -> bool:
    match name:
        case "absences":
            return bool(await runtime.find(Absence, limit=1))
        case "working_hours":
            return bool(await runtime.find(WorkingHours, limit=1))
        case "phones":
            return any(each.mobile_phone for each in await runtime.find(User))
        case _:
            heads = await runtime.find(Department)
            return any(each.manager_id for each in await runtime.find(User)) or any(each.head_id for each in heads)


async def _has_field(runtime: Runtime, need: Need) -> bool:
    """One of the kind's own, or a custom one: a filter that names it can be asked."""
    cls = _class_of(need.of)
    if cls is None:
        return False
    name = need.name.removeprefix("custom.")
    if name == need.name and name in {each.name for each in attrs.fields(cls)}:
        return True
    try:
        await runtime.find(cls, parse(f"custom.{name} is filled"), limit=1)
    except ActionError:
        return False
    return True


async def _refused(runtime: Runtime, cls: type[Any], condition: Filter) -> str:
    """Why this cannot be asked of such items, or ""."""
    try:
        await runtime.find(cls, condition, limit=1)
    except ActionError as error:
        return str(error).partition("\n")[0]
    return ""


def _class_of(kind: str) -> type[Any] | None:
    try:
        cls: type[Any] = class_of(kind)
        return cls
    except (ActionError, KeyError, ValueError):
        return None


async def _has_code(runtime: Runtime, cls: type[Any], code: str) -> bool:
    return any(each.code == code for each in await runtime.find(cls))


async def _has_someone(runtime: Runtime, text: str) -> bool:
    kind, _, name = text.partition(".")
    if kind == "user":
        return any(each.id == int(name) and each.active for each in await runtime.find(User))
    return await _has_code(runtime, Department if kind == "department" else Group, name)


def _named_in(values: Iterable[Any]) -> Iterator[Need]:
    """The users, departments and groups that settings name."""
    for value in values:
        match value:
            case User():
                yield Need(f"user.{value.id}", "group", str(value.id))
            case Department() if value.code:
                yield Need(f"department.{value.code}", "department", value.code)
            case Group() if value.code:
                yield Need(f"group.{value.code}", "group", value.code)
            case UserQueue():
                yield from _named_in(_listed(value.members))
                fallback = value.fallback if value.nobody not in NOBODY else None
                yield from _named_in([User(fallback)] if fallback is not None else [])
            case list() | tuple():
                yield from _named_in(value)
            case _:
                continue


def _listed(members: Any) -> list[Any]:
    """Members of a queue, each as the value it names; numbers are users."""
    several = list(members) if isinstance(members, (list, tuple)) else [members]
    return [_someone(each) for each in several]


def _someone(each: Any) -> Any:
    if isinstance(each, str):
        return parse_users(each)
    return User(each) if isinstance(each, int) else each
