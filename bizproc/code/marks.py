"""What is shown on the parts of a drawing: where an instance stands, and what tests have seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from attrs import field, frozen

from bizproc.code.flow import Part

Mark: TypeAlias = Literal["here", "maybe", "done", "seen", "unseen"]

WORDS: Final[Mapping[Mark, str]] = {
    "here": "▶ stands here",
    "maybe": "▷ may stand here",
    "done": "✓ done",
    "seen": "✓ tested",
    "unseen": "✗ not tested",
}


def said_of_outcomes(outcomes: tuple[str, ...], missing: tuple[str, ...]) -> list[str]:
    """How a wait can end, and which of it no test has seen."""
    said = ["ends with: " + ", ".join(outcomes)] if outcomes else []
    return [*said, "no test has seen: " + ", ".join(missing)] if missing else said


@frozen(eq=False)
class Marks:
    """
    Marks on parts.

    Attributes:
        of: The mark of a part.
        title: What the marks are about: an instance, or a report of coverage.
        remarks: What a reader must know about them, as that they are not certain.
        missing: Ways in which a wait can end, and that no test has seen.
    """

    of: Mapping[Part, Mark] = field(factory=dict)
    title: str = ""
    remarks: tuple[str, ...] = ()
    missing: Mapping[Part, tuple[str, ...]] = field(factory=dict)
