"""What all nouns of the CRM have in common: they say what can be done with them, where something else is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from bizproc.core.errors import NoSuchAction
from bizproc.core.near import nearest

_OURS: Final = frozenset({"kind", "name", "target"})
"""What nouns know of themselves; no action."""


class Noun:
    """`crm.deal`, `crm.deal(5)`, `crm.queue` and the like."""

    # Of a class with this method type checkers would believe that it has everything.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("_") or name in _OURS:  # asked for by copy, pickle and the like
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            raise NoSuchAction(noun=_called(self), action=name, hint=_hint(name, _actions(type(self))))


def _called(noun: Any) -> str:
    """As it is typed."""
    known = "target" in vars(noun) or not hasattr(type(noun), "kind")
    return repr(noun) if known else f"crm.{noun.kind}"


def _actions(noun: type) -> list[str]:
    return [name for name in dir(noun) if not name.startswith("_") and name not in _OURS]


def _hint(name: str, known: list[str]) -> str:
    near = nearest(name, known)
    meant = f"Did you mean {near}? " if near else ""
    return f"{meant}It has: {', '.join(known) or 'none'}."
