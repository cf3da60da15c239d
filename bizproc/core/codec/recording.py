"""Errors as records: class, message, fields, notes, causes, traceback; and back."""

from __future__ import annotations

import inspect
import re
import traceback
import types
from collections.abc import Iterator
from typing import Any, Final, cast

import orjson

from bizproc.core.codec.coder import Coding
from bizproc.core.codec.names import class_called, label_of
from bizproc.core.codec.trees import Tree
from bizproc.core.errors import RecordedError

_DEEPEST: Final = 10
"""How far causes and groups are followed; below, class and text remain."""


_LONGEST_TRACEBACK: Final = 20_000


_TRACEBACK: Final = "recorded_traceback"


_SLOT: Final = (types.MemberDescriptorType, types.GetSetDescriptorType)


def recorded_traceback(error: BaseException) -> str | None:
    """The traceback that an error had where it was first raised, if it was restored."""
    return cast("str | None", vars(error).get(_TRACEBACK))


_FRAME: Final = re.compile(r'^  File "(?P<file>[^"\n]*)".*\n(?:    .*\n)*', re.MULTILINE)


_MACHINERY: Final = re.compile(r"[\\/]bizproc[\\/](core|engines)[\\/]")


def without_machinery(traceback_: str) -> str:
    """A traceback as text, without the frames of what runs processes: those of the process remain."""
    return _FRAME.sub(lambda frame: "" if _MACHINERY.search(frame["file"]) else frame[0], traceback_)


def record_of(codec: Coding, error: BaseException, depth: int = 0) -> dict[str, Tree]:
    record: dict[str, Tree] = {"class": label_of(type(error)), "text": text_of(error)}
    if depth == _DEEPEST:
        return record
    if isinstance(error, BaseExceptionGroup):
        record["args"] = [_sound(error.message)]
        record["members"] = [record_of(codec, member, depth + 1) for member in error.exceptions]
    else:
        record["args"] = [_written(codec, arg, depth) for arg in error.args]
    record["fields"] = {_sound(name): _written(codec, value, depth) for name, value in _state(error).items()}
    record["notes"] = [_sound(str(note)) for note in _notes(error)]
    if error.__cause__ is not None:
        record["cause"] = record_of(codec, error.__cause__, depth + 1)
    record["hides_context"] = error.__suppress_context__
    if depth == 0:
        record["traceback"] = _traceback_of(error)
    return record


def _written(codec: Coding, value: object, depth: int) -> Tree:
    """A value in an error; its repr where it cannot be written, for the error must be."""
    if isinstance(value, BaseException):
        # Usually it is the cause, too: followed as far as causes are, a chain would grow by powers.
        return {"$error": record_of(codec, value, min(depth + 2, _DEEPEST))}
    try:
        tree = codec.describe(value)
        orjson.dumps(tree)
    except Exception:  # noqa: BLE001 - an error is recorded whatever it holds
        return _sound(_repr_of(value))
    return tree


def _repr_of(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001
        return object.__repr__(value)


def _sound(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


def text_of(error: BaseException) -> str:
    try:
        return _sound(str(error))
    except Exception:  # noqa: BLE001
        return f"<{type(error).__name__} whose text cannot be made>"


def _notes(error: BaseException) -> list[object]:
    notes = getattr(error, "__notes__", None)
    return notes if isinstance(notes, list) else []


def _traceback_of(error: BaseException) -> str:
    earlier = recorded_traceback(error)
    try:
        text = "".join(traceback.format_exception(error))
    except Exception:  # noqa: BLE001
        text = text_of(error)
    return _sound(f"{earlier}\n{text}" if earlier else text)[-_LONGEST_TRACEBACK:]


def _state(error: BaseException) -> dict[str, object]:
    """The fields of an error: of its slots, of the builtin class it derives from, and of its dict."""
    state: dict[str, object] = {}
    for cls in reversed(type(error).__mro__):
        for name in _slots_of(cls):
            value = getattr(error, name, None)
            if value is not None or cls.__module__ != "builtins":  # OSError tells no file name from one that is None
                state[name] = value
    state |= vars(error)
    for name in ("__notes__", _TRACEBACK):
        state.pop(name, None)
    return state


def _slots_of(cls: type) -> Iterator[str]:
    """Names of what instances of a class hold outside their dict, as far as it belongs to this class."""
    if cls in (object, BaseException, BaseExceptionGroup):
        return
    for name, value in vars(cls).items():
        # `obj` is what had no such attribute: it can be anything, and is no part of the error's message.
        if isinstance(value, _SLOT) and not name.startswith("__") and name != "obj":
            yield name


def restored_from(codec: Coding, record: dict[str, Tree]) -> BaseException:
    error = _rebuilt(codec, record)
    set_ = BaseException.__setattr__  # a frozen class's own would refuse
    if record.get("notes"):
        set_(error, "__notes__", list(record["notes"]))
    if "cause" in record:
        set_(error, "__cause__", restored_from(codec, record["cause"]))
    set_(error, "__suppress_context__", bool(record.get("hides_context")))
    if "traceback" in record:
        vars(error)[_TRACEBACK] = record["traceback"]
    return error


def _rebuilt(codec: Coding, record: dict[str, Tree]) -> BaseException:
    """The error without what all errors have."""
    cls = class_called(record["class"]) or _local_error(record["class"])
    if cls is not None and issubclass(cls, BaseException) and "args" in record:
        args = [_read_back(codec, tree) for tree in record["args"]]
        members = [restored_from(codec, member) for member in record.get("members", ())]
        error = _blank(cls, (*args, members) if members else ())
        if error is not None:
            if not members:
                BaseException.__setattr__(error, "args", tuple(args))
            for name, tree in record["fields"].items():
                _set_field(error, name, _read_back(codec, tree))
            return error
    return RecordedError(class_name=record["class"].replace(":", "."), text=record["text"])


def _read_back(codec: Coding, tree: Tree) -> Any:
    try:
        return codec.read_any(tree)
    except Exception:  # noqa: BLE001 - the class of a field is gone, the error is not
        return orjson.dumps(tree).decode()


def _blank(cls: type[BaseException], needed: tuple[Any, ...]) -> BaseException | None:
    """
    An instance made by the builtin class it derives from, of no more than that class cannot do without.

    Not by its own constructor, whose parameters nobody knows. Of several builtin bases only the one that lays the
    instance out may make it.
    """
    for base in cls.__mro__:
        if base.__module__ != "builtins":
            continue
        try:
            error: BaseException = base.__new__(cls, *needed)
        except TypeError:
            continue
        return error
    return None


def _set_field(error: BaseException, name: str, value: object) -> None:
    if isinstance(inspect.getattr_static(type(error), name, None), _SLOT):
        try:
            BaseException.__setattr__(error, name, value)
        except (AttributeError, TypeError):  # read-only, or its value could only be recorded as a text
            return
    else:
        vars(error)[name] = value


def _local_error(label: str) -> type[BaseException] | None:
    """An error class defined inside a function: no module holds it, but it is found while it lives."""
    if ".<locals>." not in label:
        return None
    found = None
    waiting: list[type[BaseException]] = [BaseException]
    while waiting:
        cls = waiting.pop()
        waiting.extend(cls.__subclasses__())
        if label_of(cls) == label:
            found = cls
    return found
