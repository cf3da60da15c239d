"""
What is printed: tables, JSON, and texts that are safe to print.

Text from the store or from files may hold anything. It never becomes markup, and characters that would move the cursor,
change colours or reorder a line are shown as escapes.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import IO, Any, Final

import click
from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Column, Table
from rich.text import Text

from bizproc.core import errors
from bizproc.core.errors import BizprocError

# Control characters but for the line's end, marks that reorder text, and lone surrogates.
_UNSAFE: Final = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)

# Where nobody looks (a pipe, a file) no line is broken inside a word, for whoever reads them looks for whole words.
_NO_LIMIT: Final = 2_000

# Nor do tables there become wider than people read in an editor, unless a word is.
_PIPED: Final = 120


def safe(text: str) -> str:
    """A text whose control characters can be seen."""
    return _UNSAFE.sub(lambda found: _escape(found[0]), text)


def in_line(text: str) -> str:
    """The same, in one line."""
    return safe(text).replace("\n", "\\n")


def _escape(character: str) -> str:
    code = ord(character)
    return {"\t": "\\t", "\r": "\\r"}.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def console(file: IO[str] | None = None, *, most: int | None = None) -> Console:
    """
    A console on stdout, or another file, of a width of `most` at most.

    It shows texts as they are: no markup, no emoji codes, no guessed colours.
    """
    file = file or sys.stdout
    is_terminal = file.isatty()
    width = None if is_terminal or os.environ.get("COLUMNS", "").isdigit() else _NO_LIMIT
    made = Console(file=file, width=width, markup=False, emoji=False, highlight=False)
    if most is not None and made.width > most:
        made.width = most
    return made


def say(text: str) -> None:
    """Print a sentence: on a terminal within its width, elsewhere in one line."""
    out = console()
    out.print(safe(text), soft_wrap=not out.is_terminal)


def complain(text: str) -> None:
    """Say what went wrong, on stderr: on a terminal within its width, elsewhere a line stays one."""
    if sys.stderr.isatty():
        console(sys.stderr).print(safe(f"bizproc: {text}"))
    else:
        click.echo(f"bizproc: {safe(text)}", err=True)


def complain_of(error: BizprocError) -> None:
    """Say what an error of ours says, and what now; on a terminal also where more of it stands."""
    if sys.stderr.isatty():
        console(sys.stderr).print(safe(screen(error)))
    else:
        complain(" ".join(_parts(error)))


REFERENCE: Final = "docs/reference/errors.md"


def screen(error: BizprocError) -> str:
    """What stands on a terminal: what is wrong, what now, and where it is explained."""
    said, *advice = _parts(error)
    lines = [f"bizproc: {said}", *(f"What now: {each}" for each in advice)]
    if type(error).__name__ in errors.__all__:
        lines.append(f"More: {REFERENCE}#{type(error).__name__.lower()}")
    return "\n".join(lines)


def _parts(error: BizprocError) -> list[str]:
    said = str(error)
    said = said if "\n" in said else stopped(said)
    return [said, error.what_now] if error.what_now else [said]


def counted(count: int, one: str, many: str = "") -> str:
    """A number and what is counted: `1 row`, `1,200 rows`."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def stopped(text: str) -> str:
    """A sentence with its full stop; one that ends with a mark has it."""
    return text if text.rstrip().endswith((".", "?", "!", ":", "…")) else f"{text}."


def warn(text: str) -> None:
    """Say what is worth knowing beside the answer, on stderr: on a terminal within its width."""
    if sys.stderr.isatty():
        console(sys.stderr).print(safe(text))
    else:
        click.echo(safe(text), err=True)


def print_json(value: Any) -> None:
    """Print an answer as JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def print_json_line(value: Any) -> None:
    """Print one thing of many as JSON, at once."""
    click.echo(json.dumps(value, ensure_ascii=False, default=_plain))
    sys.stdout.flush()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    return str(value)


class _Table(Table):
    """
    A table that breaks words only where a terminal is too narrow for them, and those of whole columns last.

    Attributes:
        whole: The headers of columns with words that people copy.
    """

    whole: frozenset[str] = frozenset()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width >= _NO_LIMIT:
            self._fit(_PIPED - _BETWEEN)
        elif self.whole:
            self._fit(options.max_width, breaking=True)
        return super().__rich_console__(console, options)

    def _fit(self, most: int, *, breaking: bool = False) -> None:
        """The widest columns become narrower until all fit, or, unless they are to be broken, end with a whole word."""
        words, full = self._words_and_texts()
        room = most - _BETWEEN * (len(full) - 1)
        level = max(full, default=0)
        while level > 0 and sum(max(w, min(f, level)) for w, f in zip(words, full, strict=True)) > room:
            level -= 1
        widths = [max(w, min(f, level)) for w, f in zip(words, full, strict=True)]
        if breaking:
            widths = self._broken(widths, room)
        for column, width in zip(self.columns, widths, strict=True):
            column.width = width

    def _words_and_texts(self) -> tuple[list[int], list[int]]:
        """How wide the longest word of each column is, and its longest text."""
        texts = [[str(column.header), *map(str, column.cells)] for column in self.columns]
        full = [max(map(cell_len, column)) for column in texts]
        words = [max((cell_len(word) for text in column for word in text.split()), default=0) for column in texts]
        return [f if self._is_whole(c) else w for c, w, f in zip(self.columns, words, full, strict=True)], full

    def _broken(self, widths: list[int], room: int) -> list[int]:
        """Where the words of a table have no room, the longest are broken, and no more than has to be."""
        for spared in (True, False):
            longest = max(widths, default=0)
            while longest > 1 and sum(widths) > room:
                longest -= 1
                pairs = zip(self.columns, widths, strict=True)
                widths = [
                    width if spared and self._is_whole(column) else min(width, longest) for column, width in pairs
                ]
        return widths

    def _is_whole(self, column: Column) -> bool:
        return str(column.header) in self.whole


_BETWEEN: Final = 2
"""The room between two columns."""


def table(
    headers: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Iterable[str] = (), whole: Iterable[str] = ()
) -> Table:
    """
    A table of texts, without the columns that are empty.

    Args:
        headers: A column each.
        rows: Cells in their order.
        right: The columns that are aligned to the right.
        whole: The columns whose cells are broken only where these alone are wider than the terminal.
    """
    made = _Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    made.whole = frozenset(whole)
    right = set(right)
    texts = [["" if cell is None else in_line(str(cell)) for cell in row] for row in rows]
    used = [place for place in range(len(headers)) if any(row[place] for row in texts) or not texts]
    for place in used:
        made.add_column(headers[place], justify="right" if headers[place] in right else "left", overflow="fold")
    for row in texts:
        made.add_row(*(Text(row[place]) for place in used))
    return made


def moment_text(moment: datetime | None, zone: tzinfo) -> str:
    """A moment as people read it, in a zone: to the minute."""
    return "" if moment is None else moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")
