"""What an action has changed in the CRM, for those who only want to know: previews. Nothing depends on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias

from attrs import frozen

from bizproc.ports.performing import LocalTransaction


@frozen
class Change:
    """
    One row of the CRM that is another than before.

    Attributes:
        what: What became of it.
        kind, id: Which it is, as `deal` and 5.
        of: The item that it belongs to, as `deal:5`; None where it belongs to none.
        fields: Old and new values: of what was added those that are not as they always are, of what was removed the
            old ones.
    """

    what: Literal["added", "changed", "removed"]
    kind: str
    id: int
    of: str | None
    fields: Mapping[str, tuple[Any, Any]]


class Watch(Protocol):
    """Watches a transaction that will be undone."""

    def take(self) -> Sequence[Change]:
        """What has changed since it was last asked, in order."""


MakeWatch: TypeAlias = Callable[[LocalTransaction], Watch]
