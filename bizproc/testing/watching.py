"""
Who watches what processes ask for: one for the program, for tests open worlds wherever they like.

Nobody does, as a rule, and then it costs nothing; `testing/coverage.py` does under `--bizproc-coverage`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import define

if TYPE_CHECKING:
    from bizproc.testing.coverage import Seen


@define
class Watching:
    """Who is told of it, if anybody."""

    seen: Seen | None = None


watching: Final = Watching()
