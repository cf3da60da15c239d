"""
`st.from_type(Deal)`: tells Hypothesis which strategies belong to which types.

Hypothesis calls `register` when it is imported itself (the entry point `hypothesis` of this package), so that it holds
wherever it is used, and nothing happens where it is not. Strategies are loaded when a type is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

OF_TYPES: Final = {
    "Deal": "items:deals",
    "Lead": "items:leads",
    "Quote": "items:quotes",
    "Invoice": "items:invoices",
    "Contact": "items:contacts",
    "Company": "items:companies",
    "Product": "items:products",
    "User": "items:users",
}
"""By the name of the class in `bizproc.model`: the module of strategies, and the one in it."""


def register() -> None:
    """Make the strategies known to Hypothesis."""
    from hypothesis import strategies as st

    from bizproc import model

    for name, place in OF_TYPES.items():
        st.register_type_strategy(getattr(model, name), _loaded(place))


def _loaded(place: str) -> Any:
    def strategy(_type: Any) -> Any:
        module, _, name = place.partition(":")
        return getattr(import_module(f"bizproc.testing.strategies.{module}"), name)()

    return strategy
