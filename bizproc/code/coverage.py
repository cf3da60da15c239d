"""
Which parts of a process tests have seen: the format of `--coverage FILE`, read.

    {"sales.follow_up": {"1": {
        "lines": {"24": 7, "26": 1},
        "never": {"ends": [27], "outcomes": {"24": ["timed out"]}}}}}

By the process's name, and by its version as text: how often each line of its file was awaited at, by the line's number
as text; lines that are not there were not seen. `never`, which may be left out: lines at which a `return`, a `raise` or
the like was never run, and ways in which the wait at a line has never ended, in the words of the drawing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from bizproc.code.flow import Act, End, Flow, every_part
from bizproc.code.marks import Mark, Marks


class WrongCoverage(Exception):
    """A file that is no report of coverage."""


@frozen
class Coverage:
    """
    What tests have seen of a process.

    Attributes:
        lines: How often each line was awaited at.
        ends: Lines at which a road never ended.
        outcomes: How the wait at a line never ended.
    """

    lines: Mapping[int, int] = field(factory=dict)
    ends: frozenset[int] = frozenset()
    outcomes: Mapping[int, tuple[str, ...]] = field(factory=dict)


def read_coverage(path: Path, process: str, version: int) -> Coverage:
    """What was seen of a process; nothing if the file does not have it. Raises WrongCoverage."""
    try:
        whole = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise WrongCoverage(f"{path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError):
        raise WrongCoverage(f"{path} is not JSON.") from None
    try:
        seen = _member(_member(whole, process), str(version))
        never = _member(seen, "never")
        return Coverage(
            {_line(line): _count(times) for line, times in _member(seen, "lines").items()},
            frozenset(map(_count, never.get("ends", []))),
            {_line(line): tuple(map(str, ways)) for line, ways in _member(never, "outcomes").items()},
        )
    except (TypeError, ValueError):
        raise WrongCoverage(
            f'{path}: expected {{"{process}": {{"{version}": {{"lines": {{"LINE": COUNT}}}}}}}}.'
        ) from None


def coverage_marks(flow: Flow, seen: Coverage) -> Marks:
    """What tests have seen of a process, on what it awaits and where its roads end."""
    acts = [part for part in every_part(flow.body) if isinstance(part, Act) and part.kind != "undo"]
    marks: dict[Any, Mark] = {act: "seen" if seen.lines.get(act.line, 0) > 0 else "unseen" for act in acts}
    done = sum(mark == "seen" for mark in marks.values())
    ends = [part for part in every_part(flow.body) if isinstance(part, End) and part.line in seen.ends]
    missing: dict[Any, tuple[str, ...]] = {}
    for act in acts:
        # Two waits can stand at one line: each has its own ways to end.
        never = tuple(way for way in act.outcomes if way in seen.outcomes.get(act.line, ()))
        missing |= {act: never} if never else {}
    title = f"Tests have seen {done} of {len(marks)} steps"
    return Marks({**marks, **dict.fromkeys(ends, "unseen")}, title, missing=missing)


def _member(mapping: Any, name: str) -> dict[str, Any]:
    """Raises TypeError."""
    member = mapping.get(name, {}) if isinstance(mapping, dict) else None
    if not isinstance(member, dict):
        raise TypeError(name)
    return member


def _line(text: str) -> int:
    """Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(text)
    return int(text)


def _count(value: Any) -> int:
    """Raises TypeError."""
    if type(value) is not int:
        raise TypeError(value)
    return value
