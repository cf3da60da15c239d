"""
Which lines of a process tests have seen: the format of `--coverage FILE`, read.

    {"sales.follow_up": {"1": {"lines": {"24": 7, "26": 1}}}}

By the process's name, and by its version as text: how often each line of its file was awaited at, by the line's number
as text. Lines that are not there were not seen.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bizproc.code.flow import Act, Flow, every_part
from bizproc.code.marks import Mark, Marks


class WrongCoverage(Exception):
    """A file that is no report of coverage."""


def read_coverage(path: Path, process: str, version: int) -> dict[int, int]:
    """How often each line of a process was seen. Raises WrongCoverage."""
    try:
        whole = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise WrongCoverage(f"{path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError):
        raise WrongCoverage(f"{path} is not JSON.") from None
    lines: Any = whole
    for name in (process, str(version), "lines"):
        lines = lines.get(name, {}) if isinstance(lines, dict) else None
    well_formed = isinstance(lines, dict) and all(
        line.isascii() and line.isdigit() and len(line) < 10 and type(count) is int for line, count in lines.items()
    )
    if not well_formed:
        raise WrongCoverage(f'{path}: expected {{"{process}": {{"{version}": {{"lines": {{"LINE": COUNT}}}}}}}}.')
    return {int(line): count for line, count in lines.items()}


def coverage_marks(flow: Flow, lines: dict[int, int]) -> Marks:
    """What tests have seen of a process, on what it awaits."""
    marks: dict[Any, Mark] = {
        part: "seen" if lines.get(part.line, 0) > 0 else "unseen"
        for part in every_part(flow.body)
        if isinstance(part, Act) and part.kind != "undo"
    }
    seen = sum(mark == "seen" for mark in marks.values())
    return Marks(marks, f"Tests have seen {seen} of {len(marks)} steps")
