"""What the processes of a recipe do, read from the recipe's code: nothing is built and nothing is run."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from bizproc.code.drawing import flow_of
from bizproc.code.files import Unreadable, read_text
from bizproc.code.flow import Act, Flow, every_part
from bizproc.code.reading import Module
from bizproc.recipe import Recipe

PROVIDERS: Final[Mapping[str, str]] = {
    "send_email": "mail",
    "send_sms": "sms",
    "add_to_facebook_audience": "ads.meta",
    "add_to_google_audience": "ads.google",
    "create_document": "documents",
    "get_payment_link": "payments",
}
"""What an action reaches the outside through, by the last word of its name."""


def file_of(recipe: Recipe[...]) -> Path:
    """The file that a recipe was loaded from."""
    return Path(inspect.unwrap(recipe.function).__code__.co_filename)


def flows_of(recipe: Recipe[...]) -> list[Flow]:
    """
    The processes that stand inside a recipe's function, in their order.

    Raises:
        Unreadable: its file cannot be read, or none stands there.
    """
    code = inspect.unwrap(recipe.function).__code__
    module = Module(read_text(Path(code.co_filename)), code.co_filename)
    written = [each for each in module.processes if _first(each.node) > code.co_firstlineno]
    last = max((line for _, _, line in code.co_lines() if line is not None), default=code.co_firstlineno)
    within = [each for each in written if _first(each.node) <= last]
    if not within:
        raise Unreadable("no function decorated with bizproc's `@process` stands in this recipe", code.co_firstlineno)
    return [flow_of(each, module) for each in within]


def _first(node: object) -> int:
    line: int = getattr(node, "lineno", 0)
    return line


def actions_used(recipe: Recipe[...]) -> tuple[str, ...]:
    """
    The actions that a recipe's processes ask for, as `deal.add_comment`, in the order of names.

    Those of helpers in other files are not seen.

    Raises:
        Unreadable: as `flows_of`.
    """
    return tuple(sorted({name for flow in flows_of(recipe) for name in actions_in(flow)}))


def actions_in(flow: Flow) -> Iterator[str]:
    """The actions that a process asks for, in the order of its code; some may come more than once."""
    for part in every_part(flow.body):
        if isinstance(part, Act):
            yield from (name for kind, name in part.asks if kind == "action" and name)


def provider_of(action: str) -> str | None:
    """What an action, `deal.send_email`, reaches the outside through; None where it does not."""
    return PROVIDERS.get(action.rpartition(".")[2])


def undeclared_providers(recipe: Recipe[...]) -> dict[str, str]:
    """
    What a recipe's actions reach the outside through and its needs do not name, with one such action each.

    Raises:
        Unreadable: as `flows_of`.
    """
    declared = {need.name for need in recipe.needs if need.kind == "provider"}
    found: dict[str, str] = {}
    for action in actions_used(recipe):
        provider = provider_of(action)
        if provider is not None and not {provider, provider.partition(".")[0]} & declared:
            found.setdefault(provider, action)
    return found
