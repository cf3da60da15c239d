"""
Branches in which nothing is awaited: a `return` behind a condition, an `if` without an `else`.

What is awaited is seen by the driver that asks for it (`testing/coverage.py`); of these only the interpreter knows, so
the lines of a process are traced while its coroutine runs, and another tracer that is at work goes on.
"""

from __future__ import annotations

import ast
import opcode
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, TypeAlias

from attrs import frozen

Arc: TypeAlias = tuple[int, int]
"""From one line to the next; to 0 where a function returns."""

_RETURNS: Final = {opcode.opmap[name] for name in ("RETURN_VALUE", "RETURN_CONST") if name in opcode.opmap}
_AWAITS: Final = (ast.Await, ast.AsyncFor, ast.AsyncWith)
_DEFINES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


# -- what there is -----------------------------------------------------------------------------------------------------


@frozen
class Arm:
    """
    A way in which a condition can turn out, or an error that is handled.

    Attributes:
        line, why: Where it stands, and what to say of it if no test has seen it.
        came: From which lines one comes into it; none: from anywhere.
        into: The lines where it begins.
        beyond: One is in it by leaving these lines, not by coming to `into`.
    """

    line: int
    why: str
    came: range
    into: range = range(0)
    beyond: range = range(0)

    def was_taken(self, arcs: set[Arc]) -> bool:
        """Whether it is among the arcs that were run."""
        if self.into:
            return any(to in self.into and (start in self.came or not self.came) for start, to in arcs)
        return any(start in self.came and to not in self.beyond for start, to in arcs)


def arms_of(function: ast.AsyncFunctionDef | ast.FunctionDef) -> list[Arm]:
    """The arms of a process in which nothing is awaited, in the order of the code; what is awaited is seen anyway."""
    return [arm for node in _inside(function) for arm in _arms(node)]


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, _DEFINES):
            yield child
            yield from _inside(child)


def _arms(node: ast.AST) -> Iterator[Arm]:
    match node:
        case ast.If() | ast.While() if node.body[0].lineno > (node.test.end_lineno or 0):
            asked = range(node.test.lineno, (node.test.end_lineno or 0) + 1)
            says = ("while " if isinstance(node, ast.While) else "if ") + ast.unparse(node.test)
            if not _awaits(node.body):
                yield Arm(node.lineno, f"never true: {says}", asked, _first(node.body))
            if not _awaits(node.orelse) and not _is_true(node.test):
                own = range(asked.start, (node.body[-1].end_lineno or 0) + 1)
                yield Arm(node.lineno, f"never false: {says}", asked, _first(node.orelse), own)
        case ast.ExceptHandler() if node.body[0].lineno > node.lineno and not _awaits(node.body):
            says = "except" if node.type is None else f"except {ast.unparse(node.type)}"
            yield Arm(node.lineno, f"never handled: {says}", range(0), _first(node.body))
        case ast.match_case() if node.body[0].lineno > (node.pattern.end_lineno or 0) and not _awaits(node.body):
            yield Arm(node.pattern.lineno, f"never: case {ast.unparse(node.pattern)}", range(0), _first(node.body))


def _awaits(block: list[ast.stmt]) -> bool:
    return any(isinstance(each, _AWAITS) for node in block for each in (node, *_inside(node)))


def _first(block: list[ast.stmt]) -> range:
    """The lines of the first statement, one of which is the first that is run."""
    return range(block[0].lineno, (block[0].end_lineno or 0) + 1) if block else range(0)


def _is_true(test: ast.expr) -> bool:
    return isinstance(test, ast.Constant) and bool(test.value)


# -- what is run -------------------------------------------------------------------------------------------------------


@frozen(eq=False)
class Tracer:
    """Says which lines of a file follow each other, while `at_work`."""

    file: str
    say: Callable[[Arc], None]

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Trace this thread; who traced it before goes on, and has it to himself again afterwards."""
        before = sys.gettrace()
        sys.settrace(self._entering(before))
        try:
            yield
        finally:
            sys.settrace(before)

    def _entering(self, before: Any) -> Any:
        def enter(frame: FrameType, event: str, arg: Any) -> Any:
            other = before(frame, event, arg) if before is not None else None
            if before is not None and sys.gettrace() is not enter:
                sys.settrace(enter)  # tracers written in C put themselves into the first place when they are called
            return self._following(frame, other) if frame.f_code.co_filename == self.file else other

        return enter

    def _following(self, frame: FrameType, other: Any) -> Any:
        last = frame.f_lineno  # of a coroutine that goes on, the line at which it was suspended

        def follow(frame: FrameType, event: str, arg: Any) -> Any:
            nonlocal last, other
            if other is not None:
                other = other(frame, event, arg)
            if event == "line":
                self.say((last, frame.f_lineno))
                last = frame.f_lineno
            elif event == "return" and frame.f_code.co_code[frame.f_lasti] in _RETURNS:
                self.say((last, 0))
            return follow

        return follow
