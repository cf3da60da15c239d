"""How values of one type are written and read, and what a part of that may ask of the whole."""

from __future__ import annotations

from typing import Any, Protocol

import cattrs
from attrs import define

from bizproc.core.codec.trees import Read, Tree, Write


@define(eq=False)
class Coder:
    """
    How values of one type are written and read.

    Attributes:
        shown: The type, as errors name it.
        write: Value to tree. Raises Trouble.
        read: Tree to value. Raises Trouble.
        kind: The class whose own instances are written in the type's own form; those of subclasses describe themselves.
        tag: What marks that form where the type is not known; None where the form needs no mark, "" where it cannot
            be marked, and the value has to be described instead.
        label: For classes: where the class is found, `module:qualname`.
        plain: The class of a tree that is the value itself if nothing in the text is tagged; () where there is none.
        whole: Whether JSON alone gives back what was written, if nothing in the text is tagged.
    """

    shown: str
    write: Write
    read: Read
    kind: type | None = None
    tag: str | None = None
    label: str = ""
    plain: type | tuple[()] = ()
    whole: bool = False

    def marked(self, form: Tree) -> Tree:
        """A form with its tag."""
        return {self.tag: [self.label, form] if self.label else form}


class Coding(Protocol):
    """The codec, as its parts see it."""

    @property
    def anything(self) -> Coder:
        """The coder of values whose type is not known: they describe themselves."""

    @property
    def converter(self) -> cattrs.Converter:
        """What makes the calls of constructors."""

    def coder(self, type_: Any) -> Coder:
        """How values of a type are written and read."""

    def describe(self, value: object) -> Tree:
        """A value as a tree that tells its type."""

    def read_any(self, tree: Tree) -> Any:
        """The value of a tree that tells its type."""

    def write_other(self, value: object, kind: type | tuple[type, ...], shown: str) -> Tree:
        """A value where another class was expected: an instance of a subclass describes itself."""

    def read_other(self, tree: Tree, kind: type | tuple[type, ...], shown: str) -> Any:
        """The value of a tree that is not in the form of the declared class."""
