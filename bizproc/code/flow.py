"""
A process as nested parts: what is drawn of it.

Parts follow the code: what stands in a block of the code stands in a block here. What computes and asks for nothing is
left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from attrs import field, frozen

ActKind: TypeAlias = Literal["action", "step", "wait", "child", "fact", "undo", "other"]
EndKind: TypeAlias = Literal["return", "raise", "break", "continue", "again", "ended"]
SeveralKind: TypeAlias = Literal["gather", "race", "for_each"]
GroupKind: TypeAlias = Literal["helper", "saga", "shield", "attempt"]

Asked: TypeAlias = tuple[str, str | None]
"""A command as the journal calls it: its kind, and its name where the code says it."""


@frozen(eq=False)
class Act:
    """
    Something that is awaited (or, of kind `undo`, handed to a saga).

    Attributes:
        text: As the code has it.
        asks: What the journal has of it; nothing where the code does not say what is awaited.
        outcomes: How a wait can end.
    """

    kind: ActKind
    text: str
    line: int
    asks: tuple[Asked, ...] = ()
    outcomes: tuple[str, ...] = ()


@frozen(eq=False)
class End:
    """Where a road leaves its block: a return, an error, the next round of a loop, or the end of the instance."""

    kind: EndKind
    text: str
    line: int


@frozen(eq=False)
class Choice:
    """One of several roads; the label of each says when it is taken."""

    question: str
    cases: tuple[tuple[str, Block], ...]
    line: int


@frozen(eq=False)
class Loop:
    """A block that is run again and again. One that is `endless` is only left by a `break`."""

    header: str
    body: Block
    line: int
    otherwise: Block = ()
    endless: bool = False


@frozen(eq=False)
class Trying:
    """A block whose errors are handled, and what is done at last in any case."""

    body: Block
    handlers: tuple[tuple[str, Block], ...]
    line: int
    otherwise: Block = ()
    finally_: Block = ()


@frozen(eq=False)
class Several:
    """Branches that go on beside each other. Where one stands for many, its label says for which."""

    kind: SeveralKind
    branches: tuple[tuple[str, Block], ...]
    line: int
    many: frozenset[int] = frozenset()


@frozen(eq=False)
class Group:
    """A block with a name: a helper, a saga, a shielded or attempted part."""

    kind: GroupKind
    title: str
    body: Block
    line: int


Part: TypeAlias = Act | End | Choice | Loop | Trying | Several | Group
Block: TypeAlias = tuple[Part, ...]


@frozen(eq=False)
class Flow:
    """
    A process.

    Attributes:
        starts: What starts it, as the code has it; None by hand.
        document: The kind of item that it runs on.
        parameters: Its start form, as the code has it.
        lines: The first and the last line of its function.
    """

    name: str
    version: int
    starts: str | None
    document: str | None
    parameters: tuple[str, ...]
    body: Block
    lines: tuple[int, int] = field(default=(1, 1))


def blocks_of(part: Part) -> tuple[Block, ...]:
    """The blocks in a part, in the order of the code."""
    match part:
        case Choice() | Several():
            return tuple(block for _, block in (part.cases if isinstance(part, Choice) else part.branches))
        case Loop():
            return part.body, part.otherwise
        case Trying():
            return part.body, *(block for _, block in part.handlers), part.otherwise, part.finally_
        case Group():
            return (part.body,)
        case _:
            return ()


def every_part(block: Block) -> Iterator[Part]:
    """All parts of a block and of the blocks in it, in the order of the code."""
    waiting = list(block)[::-1]
    while waiting:
        part = waiting.pop()
        yield part
        waiting.extend([each for inner in blocks_of(part) for each in inner][::-1])


def falls_through(block: Block) -> bool:
    """Whether a road comes out at the end of a block."""
    return not block or _comes_out(block[-1])


def _comes_out(part: Part) -> bool:
    match part:
        case End():
            return False
        case Choice():
            return any(falls_through(block) for _, block in part.cases)
        case Loop():
            return not part.endless or any(
                isinstance(each, End) and each.kind == "break" for each in _of_loop(part.body)
            )
        case Trying():
            handled = any(falls_through(block) for _, block in part.handlers)
            return (falls_through(part.body + part.otherwise) or handled) and falls_through(part.finally_)
        case Group(kind="saga" | "shield"):
            return falls_through(part.body)  # its block is one of the function around it
        case Group(kind="helper"):
            return falls_through(part.body) or any(_returns(each) for each in part.body)
        case _:
            return True  # what returns inside a branch goes on behind it


def _returns(part: Part) -> bool:
    """Whether a road leaves a helper by a `return` of its own, and goes on behind it."""
    if isinstance(part, End):
        return part.kind == "return"
    within = () if isinstance(part, Group) and part.kind == "helper" else blocks_of(part)
    return any(_returns(each) for block in within for each in block)


def _of_loop(block: Block) -> Iterator[Part]:
    """The parts of a loop that are not in a loop inside it."""
    for part in block:
        yield part
        if not isinstance(part, Loop):
            for inner in blocks_of(part):
                yield from _of_loop(inner)
