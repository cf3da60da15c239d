"""
Whether a suspended coroutine can be dropped without running a line of user code; and how to keep one that cannot.

Also in which function it awaits.

Dropping a coroutine closes it: GeneratorExit is raised at its await, and `finally`, `with` and `except BaseException`
around that line would run. The code object's exception table says whether there is such a handler.
"""

from __future__ import annotations

import ctypes
import dis
import gc
from collections import deque
from collections.abc import Coroutine, Iterator
from functools import lru_cache
from types import AsyncGeneratorType, CellType, CodeType, CoroutineType, FrameType, GeneratorType
from typing import Any, Final

from bizproc.core.commands import ask

_ASK: Final = ask.__code__
_GENERATORS: Final = (GeneratorType, AsyncGeneratorType, CoroutineType)
_CONTAINERS: Final = (CellType, tuple, list, dict, set, deque)
_OURS: Final = ("bizproc.core.", "bizproc.verbs")
_LOOKED_AT: Final = 10_000
# Handlers that the compiler adds to every coroutine, or around every await; they run no code of the user.
_COMPILERS_OWN: Final = frozenset({"CLEANUP_THROW", "CALL_INTRINSIC_1"})


def can_drop(coroutine: Coroutine[Any, Any, Any]) -> bool:
    """Whether closing this suspended coroutine runs no user code: no handler around an await, no generator alive."""
    current: Any = coroutine
    while not (isinstance(current, GeneratorType) and current.gi_code is _ASK):
        if isinstance(current, CoroutineType):
            frame, awaited = current.cr_frame, current.cr_await
        elif isinstance(current, GeneratorType):  # the `__await__` of a child, or of something of the user's
            frame, awaited = current.gi_frame, current.gi_yieldfrom
        else:
            # The chain must end in the one yield; an async generator, or a foreign awaitable, is not ours to judge.
            return False
        if frame is None or _handled(frame) or _holds_generators(current, awaited):
            return False
        current = awaited
    return True


def keep_forever(coroutine: object) -> None:
    """Never finalise this object, not even at the end of the program: one reference that nobody gives back."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(coroutine))


def drop(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Be rid of a suspended coroutine without running user code."""
    if getattr(coroutine, "cr_frame", None) is not None and not can_drop(coroutine):
        keep_forever(coroutine)


def written_in(coroutine: object) -> str | None:
    """The name of the function in which a suspended coroutine awaits; not of one of ours that it awaits through."""
    name, current = None, coroutine
    while current is not None:
        if isinstance(current, CoroutineType) and current.cr_frame is not None:
            if not current.cr_frame.f_globals.get("__name__", "").startswith(_OURS):
                name = current.cr_code.co_name
            current = current.cr_await
        elif isinstance(current, GeneratorType):
            current = current.gi_yieldfrom
        else:
            current = _wrapped(current)
    return name


def _wrapped(awaited: object) -> object:
    """The coroutine in what its `__await__` gives; that has no other way in."""
    if type(awaited).__name__ != "coroutine_wrapper":
        return None
    return next((held for held in gc.get_referents(awaited) if isinstance(held, CoroutineType)), None)


def _handled(frame: FrameType) -> bool:
    """Whether an error raised where this frame stands would reach a handler of the user."""
    table, own = _handlers(frame.f_code)
    offset, seen = frame.f_lasti, set[int]()
    while offset not in seen:
        seen.add(offset)
        target = next((target for start, end, target in table if start <= offset < end), None)
        if target is None:
            return False
        if target not in own:
            return True
        # A handler of the compiler's own raises on, from where it stands: what covers that decides.
        offset = target
    return False


def _holds_generators(holder: object, awaited: object) -> bool:
    """Whether a generator would go with this frame: in a variable, on the stack, in a container or iterator there."""
    seen, stack = {id(awaited)}, [holder]
    while stack:
        for held in gc.get_referents(stack.pop()):
            if id(held) in seen:
                continue
            seen.add(id(held))
            if isinstance(held, _GENERATORS):
                return True
            if isinstance(held, _CONTAINERS) or _is_builtin_iterator(held):
                stack.append(held)
        if len(seen) > _LOOKED_AT:
            return True  # not worth more looking: it stays
    return False


def _is_builtin_iterator(held: object) -> bool:
    """Such as `enumerate` or `zip`, which may wrap a generator."""
    cls = type(held)
    return hasattr(cls, "__next__") and cls.__module__ in ("builtins", "itertools")


@lru_cache(maxsize=1024)
def _handlers(code: CodeType) -> tuple[tuple[tuple[int, int, int], ...], frozenset[int]]:
    """The exception table, and the targets in it that are the compiler's own."""
    own = frozenset(i.offset for i in dis.get_instructions(code) if i.opname in _COMPILERS_OWN)
    return tuple(_exception_table(code.co_exceptiontable)), own


def _exception_table(table: bytes) -> Iterator[tuple[int, int, int]]:
    """
    Start, end and target of each entry, in bytes.

    The format is CPython's Objects/exception_handling_notes.txt: four numbers an entry (start, length, target, depth),
    each of six-bit digits, the highest first; bit 6 says that more follow.
    """
    numbers = _numbers(iter(table))
    for start in numbers:
        length, target, _depth = next(numbers), next(numbers), next(numbers)
        yield start * 2, (start + length) * 2, target * 2


def _numbers(digits: Iterator[int]) -> Iterator[int]:
    for digit in digits:
        value, more = digit & 63, digit & 64
        while more:
            digit = next(digits)  # noqa: PLW2901
            value, more = value << 6 | digit & 63, digit & 64
        yield value
