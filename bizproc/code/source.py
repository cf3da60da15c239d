"""From a process to its code: the file that it was read from, and where in it the process stands."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

from attrs import evolve

from bizproc.code.drawing import flow_of
from bizproc.code.files import Unreadable, read_text
from bizproc.code.flow import Asked, Flow
from bizproc.code.reading import Module, Written
from bizproc.core.process import Process
from bizproc.core.steps import StepFunction


def code_of(process: Process[..., Any]) -> tuple[Written, Module]:
    """The process as it is written. Raises Unreadable."""
    function = inspect.unwrap(process.function)
    file, first = function.__code__.co_filename, function.__code__.co_firstlineno
    module = Module(read_text(Path(file)), file)
    for written in module.processes:
        if first in (written.node.lineno, *(each.lineno for each in written.node.decorator_list)):
            return written, module
    raise Unreadable("no function decorated with bizproc's `@process` stands here", first)


def flow_of_process(process: Process[..., Any]) -> Flow:
    """What is drawn of a process, with what its module has from others. Raises Unreadable."""
    written, module = code_of(process)
    flow = flow_of(written, module, lambda name: _made_elsewhere(process, name))
    # In the code they may be computed.
    return evolve(flow, name=process.name, version=process.version)


def _made_elsewhere(process: Process[..., Any], name: str) -> Asked | None:
    """The step or process that a dotted name of the process's module is."""
    first, *rest = name.split(".")
    found: Any = inspect.unwrap(process.function).__globals__.get(first)
    for each in rest:
        found = vars(found).get(each) if isinstance(found, ModuleType) else None
    match found:
        case StepFunction():
            return "step", found.name
        case Process():
            return "start", found.name
        case _:
            return None
