"""
SQL with names: statements kept in `.sql` files beside the code that runs them. Neither builds nor runs a statement.

    -- due_timers: instances to wake now, the longest overdue first
    SELECT instance, address FROM timer WHERE deadline <= :now ORDER BY deadline, instance LIMIT :batch

A statement begins at a line `-- name: what it is for` and ends before the next one. A comment that stands before the
first statement belongs to the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

_HEAD = re.compile(r"^-- ([a-z][a-z0-9_]*): \S.*$", re.MULTILINE)


class Statements(Mapping[str, str]):
    """The statements of one file, by name: `sql.due_timers` or `sql["due_timers"]`."""

    def __init__(self, source: str, by_name: Mapping[str, str]) -> None:
        self._source = source
        self._by_name = dict(by_name)
        # As attributes of its own: `__getattr__` took longer than what some statements do.
        self.__dict__.update({name: text for name, text in by_name.items() if not hasattr(Statements, name)})

    def __getitem__(self, name: str) -> str:
        return self._by_name[name]

    def __getattr__(self, name: str) -> str:
        try:
            return self.__dict__["_by_name"][name]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(f"{self._source} has no statement {name!r}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)


@cache
def load(package: str, file: str) -> Statements:
    """The statements of a file of a package, e.g. `load("bizproc.store", "sql/owner.sql")`."""
    source = f"{package}/{file}"
    return Statements(source, parse(files(package).joinpath(file).read_text("utf-8"), source))


def parse(text: str, source: str) -> dict[str, str]:
    """Statements by name, in the order in which they stand."""
    heads = list(_HEAD.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    found: dict[str, str] = {}
    for head, end in zip(heads, ends, strict=True):
        name, statement = head[1], text[head.end() : end].strip().removesuffix(";")
        if name in found:
            raise ValueError(f"{source}: two statements are named {name!r}")
        if not statement:
            raise ValueError(f"{source}: {name!r} has no statement")
        found[name] = statement
    return found
