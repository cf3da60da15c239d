"""What happened, in words: collected while the month goes by, printed at the end or at once. It asks nobody."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from datetime import datetime

from attrs import define, field, frozen

WIDTH = 80
_DATE = "%a %d %b"
_INDENT = " " * 12


@frozen
class Happening:
    """One thing that happened; to a deal, or (None) to the program."""

    at: datetime
    deal: int | None
    text: str


@define
class Story:
    """
    All that happened, in order.

    Attributes:
        say: Told each line, as it is to be printed.
    """

    say: Callable[[str], None]
    happenings: list[Happening] = field(factory=list)
    _day: str = ""

    def tell(self, at: datetime, text: str, deal: int | None = None) -> None:
        """Something happened."""
        self.happenings.append(Happening(at, deal, text))
        day = at.strftime(_DATE)
        shown = day if day != self._day else ""
        self._day = day
        self.say(textwrap.fill(text, WIDTH, initial_indent=f"{shown:<12}", subsequent_indent=_INDENT))

    def remark(self, text: str) -> None:
        """Say something beside the story."""
        self.say(textwrap.fill(text, WIDTH) if text else "")
