"""
Processes and calls: an async function with a name and a version, and that function with its arguments.

There is no registry: `@process` returns a value, and whoever runs processes is given them.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Mapping
from datetime import timedelta
from typing import Any, Generic, Literal, ParamSpec, Protocol, TypeAlias, TypeVar, get_args

from attrs import field, frozen

from bizproc.core.commands import AwaitChild, Command, StartChild
from bizproc.core.configured import Configured
from bizproc.core.errors import ProcessDefinitionError
from bizproc.core.form import StartForm
from bizproc.core.near import nearest

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

Overlap: TypeAlias = Literal["single", "parallel", "replace", "queue"]
OnError: TypeAlias = Literal["raise", "continue"]


class Starts(Protocol):
    """What may stand in `starts=`: a trigger. Triggers lie a floor above, so it is said here by what they have."""

    def alternatives(self) -> tuple[Any, ...]:
        """The triggers it is made of."""


@frozen(eq=False)
class Process(Generic[P, R]):
    """
    A process: what a call is made from.

    Attributes:
        name: How stores and people call it; it may not change while instances live.
        version: Instances keep the version they began with; several may be loaded.
        starts: The trigger that starts it (checked when it is loaded), or None.
        overlap: What a second start on the same document does.
        on_error: What an action that cannot do its work does (D1).
        retention: How long an ended instance is kept; None for the settings' time.
        configured: The settings that it was built from, where a recipe built it.
        today: Where those are the ones that an instance began with: the process with the settings of today.
    """

    function: Callable[..., Coroutine[Any, Any, R]]
    name: str
    version: int = 1
    starts: Any = None
    overlap: Overlap = "single"
    on_error: OnError = "raise"
    retention: timedelta | None = None
    form: StartForm = field(kw_only=True, repr=False)
    configured: Configured | None = field(default=None, kw_only=True, repr=False)
    today: Process[..., Any] | None = field(default=None, kw_only=True, repr=False)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Call[R]:
        """This process with its arguments, checked against the start form. Raises WrongArgument."""
        document, parameters = self.form.bind(args, kwargs)
        return Call(self, document, parameters)

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]  # the function's, not the class's
        return self.function.__doc__

    @property
    def result_type(self) -> Any:
        """The annotation of what the process returns."""
        return self.form.result_type


@frozen(eq=False)
class Call(Generic[R_co]):
    """A process with its arguments. Awaited inside a process it runs as a child and gives its result."""

    process: Process[..., R_co]
    document: Any
    parameters: Mapping[str, Any]

    def coroutine(self) -> Coroutine[Any, Any, R_co]:
        """The process's coroutine, not begun."""
        positional = () if self.process.form.document is None else (self.document,)
        return self.process.function(*positional, **self.parameters)

    def arguments(self) -> dict[str, Any]:
        """What identifies this call: document and parameters that differ from their default."""
        given = self.process.form.given(self.parameters)
        name = self.process.form.document_name
        return given if name is None else {name: self.document, **given}

    def __await__(self) -> Generator[Command[Any], Any, R_co]:
        child = yield from StartChild(self).__await__()
        result: R_co = yield from AwaitChild(child, self.process.result_type).__await__()
        return result


def process(
    name: str,
    *,
    version: int = 1,
    starts: Starts | None = None,
    overlap: Overlap = "single",
    on_error: OnError = "raise",
    retention: timedelta | None = None,
) -> Callable[[Callable[P, Coroutine[Any, Any, R]]], Process[P, R]]:
    """
    Make an async function a process.

    Its first positional parameter is the document, or it has none; its keyword-only parameters are the start form.

    Args:
        name: How stores and people call it; it may not change while instances live.
        version: Instances keep the version they began with; of several that are loaded, the newest starts by itself.
        starts: The trigger that starts it, as `on.created("deal")`. Its document is the item as it is at that moment;
            each parameter needs a default. Left out, it is started by hand.
        overlap: What a second start does while an instance lives on the same document. `single`: it is refused.
            `parallel`: both live. `replace`: the first is terminated. `queue`: it waits, and begins when the others
            before it have ended. Without a document overlap does not apply.
        on_error: What an action that cannot do its work does. `raise`: its error is raised at the await. `continue`:
            the error stands in the journal, the action's value is None, and the process goes on; waits, steps and
            children raise all the same, and `attempt` gives the error.
        retention: How long an ended instance is kept with its journal; the settings say it if this does not. Of several
            versions that are loaded, the newest says it. A child is kept as long as its parent, in any case.

    Raises:
        ProcessDefinitionError: the function cannot be a process; says why.
    """

    def decorate(function: Callable[P, Coroutine[Any, Any, R]]) -> Process[P, R]:
        _check_word(name, "overlap", overlap, get_args(Overlap))
        _check_word(name, "on_error", on_error, get_args(OnError))
        if retention is not None and not (isinstance(retention, timedelta) and retention >= timedelta(0)):
            detail = f"retention: expected a timedelta that is not negative, got {retention!r}."
            raise ProcessDefinitionError(process=name, detail=detail)
        form = StartForm.of(function, name)
        return Process(function, name, version, starts, overlap, on_error, retention, form=form)

    return decorate


def _check_word(process: str, parameter: str, word: object, allowed: tuple[str, ...]) -> None:
    if word in allowed:
        return
    near = nearest(word, allowed) if isinstance(word, str) else None
    hint = f" Did you mean {near!r}?" if near else ""
    words = ", ".join(map(repr, allowed))
    raise ProcessDefinitionError(process=process, detail=f"{parameter}: expected one of {words}, got {word!r}.{hint}")
