"""What a rule of `bizproc check` is: its words, its examples, and the function that looks."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from textwrap import dedent
from typing import TypeAlias

from attrs import field, frozen

from bizproc.code.reading import Function, Module, Written, own_nodes

Found: TypeAlias = tuple[ast.AST, str]
"""Where something is wrong, and what."""


@frozen(eq=False)
class Code:
    """
    What a rule looks at.

    Attributes:
        module: The file.
        function: A function that runs as part of a process; None for a rule about something else.
        process: A process; None likewise.
    """

    module: Module
    function: Function | None = None
    process: Written | None = None

    @property
    def nodes(self) -> Iterable[ast.AST]:
        """What the function runs itself, or all that the process does, or all that the file has."""
        if self.function is not None:
            return own_nodes(self.function)
        if self.process is not None:
            return (node for part in self.process.parts for node in own_nodes(part))
        return ast.walk(self.module.tree)


def _sentence(text: str) -> str:
    return " ".join(text.split())


def _example(text: str) -> str:
    return dedent(text).strip() + "\n"


@frozen(eq=False, kw_only=True)
class Rule:
    """
    A rule.

    Attributes:
        id: What it is called in reports.
        title: What it finds, in a few words.
        why: What goes wrong otherwise.
        cure: What to write instead, in one line.
        bad, good: An example that it finds something in, and the same put right.
        look: Finds it.
        about: Whether it looks at each function that is part of a process, at each process, or at each file.
    """

    id: str
    title: str
    why: str = field(converter=_sentence)
    cure: str = field(converter=_sentence)
    bad: str = field(converter=_example)
    good: str = field(converter=_example)
    look: Callable[[Code], Iterable[Found]]
    about: str = "function"

    def findings(self, module: Module) -> Iterable[Found]:
        """All that it finds in a file."""
        match self.about:
            case "function":
                places = [Code(module, function=each) for each in module.code]
            case "process":
                places = [Code(module, process=each) for each in module.processes]
            case _:
                places = [Code(module)]
        for place in places:
            yield from self.look(place)


def calls(code: Code) -> Iterable[tuple[ast.Call, str]]:
    """The calls whose origin is certain, with it."""
    for node in code.nodes:
        if isinstance(node, ast.Call):
            origin = code.module.origin(node.func)
            if origin is not None:
                yield node, origin


def has_await(nodes: Iterable[ast.AST]) -> bool:
    """Whether anything is awaited here, so that a process can stop, and be cancelled, here."""
    return any(
        isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith)
        or (isinstance(node, ast.comprehension) and bool(node.is_async))
        for node in nodes
    )
