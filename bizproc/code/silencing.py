"""
`# bizproc: ok (reason)`: one line in which nothing is found, and why that is right.

Without a reason nothing is silenced, and the comment is reported itself.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from typing import Final

from attrs import field, frozen

_COMMENT: Final = re.compile(r"#\s*bizproc:\s*ok\b\s*(?P<rest>.*)")
_REASON: Final = re.compile(r"\(\s*\S.*\)")


@frozen
class Silenced:
    """The lines that are silenced, and where a comment would silence one but gives no reason: line and column."""

    lines: frozenset[int] = frozenset()
    without_reason: tuple[tuple[int, int], ...] = field(default=())


def silenced(text: str) -> Silenced:
    """What is silenced in a file that was parsed."""
    lines, without_reason = set(), []
    for line, column, comment in _comments(text):
        found = _COMMENT.search(comment)
        if found is None:
            continue
        if _REASON.match(found["rest"]):
            lines.add(line)
        else:
            without_reason.append((line, column + found.start() + 1))
    return Silenced(frozenset(lines), tuple(without_reason))


def _comments(text: str) -> Iterator[tuple[int, int, str]]:
    if "bizproc:" not in text:
        return
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield *token.start, token.string
    except (tokenize.TokenError, SyntaxError):
        return  # a text that the parser takes and the tokeniser does not: nothing more is silenced
