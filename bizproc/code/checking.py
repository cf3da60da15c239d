"""Files in, findings out. Nothing is imported, and nothing is run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from attrs import frozen

from bizproc.code.files import Unreadable, python_files, read_text
from bizproc.code.reading import Module
from bizproc.code.rules import RULES
from bizproc.code.silencing import silenced

UNREADABLE: Final = "unreadable"
NO_REASON: Final = "ok-without-reason"

CURES: Final = {
    UNREADABLE: "put it right: what cannot be read is not checked",
    NO_REASON: "write why it is right, in parentheses: `# bizproc: ok (why)`",
    **{rule.id: rule.cure for rule in RULES},
}


@frozen(order=True)
class Finding:
    """Where something is wrong: from 1, as editors count. What it is, and what to write instead."""

    path: str
    line: int
    column: int
    rule: str
    what: str

    @property
    def cure(self) -> str:
        """What to write instead."""
        return CURES[self.rule]


@frozen
class Report:
    """
    What was found.

    Attributes:
        files: How many were read.
        processes: How many are in them.
        findings: In the order of the files, and in them of the lines.
    """

    files: int
    processes: int
    findings: tuple[Finding, ...]


def check_text(text: str, path: str = "<text>") -> tuple[int, list[Finding]]:
    """How many processes a text has, and what is wrong in it."""
    try:
        module = Module(text, path)
        return len(module.processes), sorted(_found(module))
    except Unreadable as error:
        return 0, [_unreadable(path, error)]
    except RecursionError:
        return 0, [_unreadable(path, Unreadable("its code is nested too deeply to be read"))]


def _found(module: Module) -> Iterator[Finding]:
    quiet = silenced(module.text)
    for line, column in quiet.without_reason:
        yield Finding(module.path, line, column, NO_REASON, "this silences a line without saying why")
    seen = set()
    for rule in RULES:
        for node, what in rule.findings(module):
            line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
            if line in quiet.lines or (rule.id, line, column) in seen:
                continue
            seen.add((rule.id, line, column))
            yield Finding(module.path, line, _characters(module, line, column) + 1, rule.id, what)


def _characters(module: Module, line: int, column: int) -> int:
    """Python counts columns in bytes, and people in characters."""
    text = module.lines[line - 1] if line <= len(module.lines) else ""
    return len(text.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "ignore"))


def _unreadable(path: str, error: Unreadable) -> Finding:
    return Finding(path, error.line, error.column, UNREADABLE, error.why)


def check_paths(paths: Iterable[Path]) -> Report:
    """All files of Python in these files and folders, each once."""
    files, processes, findings = 0, 0, []
    seen: set[Path] = set()
    for path in (each for given in paths for each in python_files(given)):
        if path.absolute() in seen:
            continue
        seen.add(path.absolute())
        files += 1
        try:
            count, found = check_text(read_text(path), str(path))
        except Unreadable as error:
            count, found = 0, [_unreadable(str(path), error)]
        processes += count
        findings.extend(found)
    return Report(files, processes, tuple(sorted(findings)))
