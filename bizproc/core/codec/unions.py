"""Types of which a value has one: by the form that describes itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bizproc.core.codec.coder import Coder, Coding
from bizproc.core.codec.leaves import ATOMS
from bizproc.core.codec.trees import Tree, Trouble, tag_of, unread, wrong


def union_of(codec: Coding, shown: str, members: list[Coder]) -> Coder:
    if codec.anything in members:
        return codec.anything
    some = [member for member in members if member.kind is not type(None)]
    if len(some) == 1:
        return _optional(shown, some[0])
    union = _Union(codec, shown, members)
    return Coder(shown, union.write, union.read)


def _optional(shown: str, inside: Coder) -> Coder:
    write_some, read_some = inside.write, inside.read

    def write(value: Any) -> Tree:
        return None if value is None else write_some(value)

    def read(tree: Tree) -> Any:
        return None if tree is None else read_some(tree)

    return Coder(shown, write, read, tag="", whole=inside.whole)


class _Union:
    """Several types: a value is checked by the member it belongs to, and written in the form that describes itself."""

    def __init__(self, codec: Coding, shown: str, members: list[Coder]) -> None:
        self._codec = codec
        self._shown = shown
        self._members = members
        self._atoms = {member.kind: member for member in members if member.kind in ATOMS}

    def write(self, value: Any) -> Tree:
        atom = self._atoms.get(type(value))
        if atom is not None:
            return atom.write(value)
        member, form = self._first_that_writes(value)
        if member.tag is None:
            return form
        return member.marked(form) if member.tag and type(value) is member.kind else self._codec.describe(value)

    def _first_that_writes(self, value: Any) -> tuple[Coder, Tree]:
        troubles = []
        for member in self._candidates(type(value)):
            try:
                return member, member.write(value)
            except Trouble as trouble:
                troubles.append(trouble)
        # The only candidate, or one that looked far into the value, knows best.
        deepest = max(troubles, key=lambda trouble: len(trouble.steps))
        if deepest.steps or len(troubles) == 1 < len(self._members):
            raise deepest
        return wrong(value, self._shown)

    def _candidates(self, kind: type) -> list[Coder]:
        return [member for member in self._members if member.kind is kind] or self._members

    def read(self, tree: Tree) -> Any:
        atom = self._atoms.get(type(tree))
        if atom is not None:
            return atom.read(tree)
        if tag_of(tree) is not None:
            marked = [member for member in self._members if _is_marked_by(member, tree)]
            found = self._first_that_reads(marked, lambda member: _form_in(tree, member))
            if found is not None:
                return found
        return self._described(tree)

    def _described(self, tree: Tree) -> Any:
        """A value that described itself; failing that, one that was written before there was a union."""
        try:
            value = self._codec.read_any(tree)
            self._first_that_writes(value)
        except Trouble:
            found = self._first_that_reads(self._members, lambda _: tree)
            return unread(tree, self._shown) if found is None else found
        return value

    def _first_that_reads(self, members: list[Coder], form: Callable[[Coder], Tree]) -> Any:
        for member in members:
            try:
                return member.read(form(member))
            except Trouble:
                continue
        return None


def _is_marked_by(member: Coder, tree: Tree) -> bool:
    return member.tag == tag_of(tree) and bool(tree == member.marked(_form_in(tree, member)))


def _form_in(tree: Tree, member: Coder) -> Tree:
    form = next(iter(tree.values()))
    return form[1] if member.label else form
