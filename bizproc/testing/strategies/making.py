"""How strategies make values so that a failing example shows the value itself, not how it was made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


@st.composite
def made(draw: st.DrawFn, function: Callable[..., T], *arguments: st.SearchStrategy[Any]) -> T:
    """
    What a function makes of what is drawn.

    Not `map`: Hypothesis would print the function's code in place of the value, which nobody can paste.
    """
    return function(*[draw(each) for each in arguments])
