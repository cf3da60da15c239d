"""Findings, as people and programs read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bizproc.code.checking import Finding, Report


def lines(report: Report) -> Iterator[str]:
    """For people: where, which rule, what; and below it what to write instead."""
    for finding in report.findings:
        yield f"{finding.path}:{finding.line}:{finding.column}: {finding.rule}: {finding.what}."
        yield f"    Cure: {finding.cure}."
    yield summary(report)


def summary(report: Report) -> str:
    """In one sentence."""
    where = f"{_count(report.processes, 'process')} in {_count(report.files, 'file')}"
    if not report.findings:
        return f"{where}: nothing found."
    return f"{where}: {_count(len(report.findings), 'finding')}."


def as_json(report: Report) -> dict[str, Any]:
    """For programs."""
    return {
        "files": report.files,
        "processes": report.processes,
        "findings": [_finding(each) for each in report.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "path": finding.path,
        "line": finding.line,
        "column": finding.column,
        "rule": finding.rule,
        "what": finding.what,
        "cure": finding.cure,
    }


def _count(number: int, word: str) -> str:
    plural = f"{word}es" if word.endswith("s") else f"{word}s"
    return f"{number} {word if number == 1 else plural}"
