"""Functions that make an action: they have its docstring, and the catalogue finds the action through them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def documented_by(action: type) -> Callable[[F], F]:
    """Give a function the docstring of the action that it makes, and the attribute `action`."""

    def document(function: F) -> F:
        function.__doc__ = action.__doc__
        function.__dict__["action"] = action
        return function

    return document
