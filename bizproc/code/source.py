"""From a process to its code: the file that it was read from, and where in it the process stands."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from bizproc.code.files import Unreadable, read_text
from bizproc.code.reading import Module, Written
from bizproc.core.process import Process


def code_of(process: Process[..., Any]) -> tuple[Written, Module]:
    """The process as it is written. Raises Unreadable."""
    function = inspect.unwrap(process.function)
    file, first = function.__code__.co_filename, function.__code__.co_firstlineno
    module = Module(read_text(Path(file)), file)
    for written in module.processes:
        if first in (written.node.lineno, *(each.lineno for each in written.node.decorator_list)):
            return written, module
    raise Unreadable("no function decorated with bizproc's `@process` stands here", first)
