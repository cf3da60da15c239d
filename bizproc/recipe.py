"""
Recipes: functions that take settings and return a process, which travel in Python distributions.

There is no registry: `@recipe` returns a value, a call of it gives the process, and `use` gives that process under the
name of the use. What is installed, and what a project uses of it, `installed.py` finds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from inspect import Parameter as Declared
from typing import Any, Final, Generic, NoReturn, ParamSpec

from attrs import evolve, field, frozen

from bizproc.core.checks import readable, signature_of
from bizproc.core.configured import Configured
from bizproc.core.errors import (
    ProcessDefinitionError,
    RecipeDefinitionError,
    UnknownField,
    WrongArgument,
    WrongFieldValue,
)
from bizproc.core.form import Parameter, StartForm
from bizproc.core.process import Process
from bizproc.model.needs import Need, parse_need
from bizproc.rules.filters import Filter
from bizproc.rules.written import is_written, read_written, schema_of_written

P = ParamSpec("P")

_NAME: Final = re.compile(r"[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*")
_VERSION: Final = re.compile(r"\d+(\.\d+){0,3}")
_TAKEN: Final = ("name", "recipe")
"""Words of `use` and of a section of bizproc.toml."""


@frozen(eq=False)
class Recipe(Generic[P]):
    """
    A recipe. Called with its settings it gives the process.

    Attributes:
        name: How projects name it.
        since: The version of its distribution in which it came.
        needs: What must be there before the first run.
        form: Its settings: names, types, defaults and descriptions.
    """

    function: Callable[..., Process[..., Any]]
    name: str
    since: str
    needs: tuple[Need, ...] = ()
    form: StartForm = field(kw_only=True, repr=False)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Process[..., Any]:
        """The process with these settings, checked. Raises WrongArgument."""
        if args:
            raise WrongArgument(
                process=self.name, parameter="number 1", expected="settings by name", got=repr(args[0])[:80]
            )
        return _configured(self, None, self.form.check(kwargs))

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]  # the function's, not the class's
        return self.function.__doc__

    @property
    def settings(self) -> tuple[Parameter, ...]:
        """Its settings, in the order of the function."""
        return self.form.parameters

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return self.form.summary

    def json_schema(self) -> dict[str, Any]:
        """The settings as JSON schema. What fits it is read by `parse`."""
        schema = self.form.json_schema()
        for each in self.settings:
            if is_written(each.type):
                schema["properties"][each.name] |= schema_of_written(each.type)
        return schema

    def parse(self, written: Mapping[str, Any]) -> dict[str, Any]:
        """
        The values of all settings, from a section of a settings file.

        Raises:
            WrongArgument: one is missing, not known, or cannot be read.
        """
        known = {each.name: each for each in self.settings}
        given = {name: self._read(known[name], value) if name in known else value for name, value in written.items()}
        return self.form.check(self.form.parse(given))

    def _read(self, setting: Parameter, value: Any) -> Any:
        try:
            return read_written(setting.type, value)
        except ValueError as error:
            expected = f"{readable(setting.type)}, {error}"
            raise WrongArgument(
                process=self.name, parameter=setting.name, expected=expected, got=repr(value)[:80]
            ) from None

    def _built(self, settings: Mapping[str, Any]) -> Process[..., Any]:
        try:
            built: Any = self.function(**settings)
        except (UnknownField, WrongFieldValue) as error:
            self._refuse_filter(settings, error)
        if not isinstance(built, Process):
            self._refuse(f"it returned {built!r:.80}, and a recipe returns a process.")
        return built

    def _refuse_filter(self, settings: Mapping[str, Any], error: UnknownField | WrongFieldValue) -> NoReturn:
        """A filter's kind of item is known only where the recipe uses it: say which setting it was, if that is sure."""
        named = [name for name, value in settings.items() if isinstance(value, Filter) and error.field in repr(value)]
        if len(named) != 1:
            raise error
        got = str(error).partition("\n")[0].rstrip(".")
        expected = f"a filter of items of the kind {error.kind}"
        raise WrongArgument(process=self.name, parameter=named[0], expected=expected, got=got) from error

    def _refuse(self, detail: str) -> NoReturn:
        raise RecipeDefinitionError(recipe=self.name, detail=detail)


def recipe(
    name: str, *, since: str, needs: Iterable[str] = ()
) -> Callable[[Callable[P, Process[..., Any]]], Recipe[P]]:
    """
    Make a function that returns a process a recipe, which projects use with settings of their own.

    Its keyword-only parameters are the settings: their types, defaults and the `Args:` of the docstring.

    Args:
        name: How projects name it; its distribution's entry point has the same.
        since: The version of its distribution in which it came.
        needs: What must be there before the first run, as `user.absences`, `provider.sms`, `field.deal.size`,
            `stage.deal.{stage}`, `secret.ACME_TOKEN`, `bizproc>=1.2`; a name in braces is the value of a setting.

    Raises:
        RecipeDefinitionError: the function cannot be a recipe, or a need means nothing; says why.
    """

    def decorate(function: Callable[P, Process[..., Any]]) -> Recipe[P]:
        if not _NAME.fullmatch(name):
            raise RecipeDefinitionError(recipe=name, detail="its name is words with dots, as `sales.follow_up`.")
        if not _VERSION.fullmatch(since):
            raise RecipeDefinitionError(recipe=name, detail=f"since: expected a version like '1.0', got {since!r}.")
        made: Recipe[P] = Recipe(function, name, since, form=_form_of(function, name))
        return evolve(made, needs=tuple(_need(made, each) for each in _texts(name, needs)))

    return decorate


def use(recipe: Recipe[P], *, name: str, **settings: Any) -> Process[..., Any]:
    """
    The process of a recipe, under a name of its own.

    The name keys its instances, its state and its queues: two uses of one recipe share nothing.

    Args:
        recipe: What `@recipe` returned.
        name: How stores and people call this use; it may not change while instances live.
        settings: Of the recipe.

    Raises:
        WrongArgument: A setting is missing, not known, or of the wrong type.
    """
    if not (isinstance(name, str) and name.strip() == name and name and name.isprintable()):
        raise WrongArgument(process=recipe.name, parameter="name", expected="a name for the use", got=repr(name)[:80])
    return _configured(recipe, name, recipe.form.check(settings))


def _configured(recipe: Recipe[...], name: str | None, settings: Mapping[str, Any]) -> Process[..., Any]:
    """The process of these settings, which knows how it is built from others: for instances that began with them."""
    built = recipe._built(settings)  # noqa: SLF001
    named = built if name is None else renamed(built, name)
    return evolve(named, configured=Configured(recipe.form, settings, partial(_configured, recipe, name)))


def renamed(process: Process[..., Any], name: str) -> Process[..., Any]:
    """The same process under another name."""
    return evolve(process, name=name, form=process.form.renamed(name))


def _form_of(function: Callable[..., Any], name: str) -> StartForm:
    for each in signature_of(function).parameters.values():
        if each.kind is not Declared.KEYWORD_ONLY:
            raise RecipeDefinitionError(
                recipe=name, detail=f"settings are given by name: write `*` before `{each.name}`, and each of them out."
            )
        if each.annotation is Declared.empty:
            raise RecipeDefinitionError(recipe=name, detail=f"the setting `{each.name}` needs its type.")
        if each.name in _TAKEN:
            raise RecipeDefinitionError(
                recipe=name, detail=f"no setting can be called `{each.name}`: uses have that word for themselves."
            )
    form = StartForm(function, name)
    try:
        form.parameters  # noqa: B018 - a wrong one is refused here, and not at the first use
    except ProcessDefinitionError as error:
        raise RecipeDefinitionError(recipe=name, detail=error.detail) from error
    return form


def _texts(name: str, needs: Iterable[str]) -> tuple[str, ...]:
    if isinstance(needs, str) or not all(isinstance(each, str) for each in needs):
        raise RecipeDefinitionError(recipe=name, detail=f"needs: expected texts in a tuple, got {needs!r:.80}.")
    return tuple(needs)


def _need(made: Recipe[Any], text: str) -> Need:
    try:
        need = parse_need(text)
    except ValueError as error:
        raise RecipeDefinitionError(recipe=made.name, detail=f"needs: {text!r} means nothing: {error}.") from None
    for setting in need.settings:
        if setting not in {each.name for each in made.settings}:
            raise RecipeDefinitionError(
                recipe=made.name, detail=f"needs: {text!r} is filled in with a setting that there is not: {setting}."
            )
    return need
