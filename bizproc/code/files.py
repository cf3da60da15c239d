"""
Which files are meant, and their text.

What cannot be read is said, and never hangs: no pipes or devices, no links that lead in circles, no file that is too
large.
"""

from __future__ import annotations

import os
import stat
import tokenize
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Final

LARGEST: Final = 1_000_000
"""Bytes. Code that people write is far smaller; what is larger was made by a program."""

# Folders in which a project's own processes are not.
_SKIPPED: Final = frozenset({"__pycache__", "node_modules", "site-packages", "venv", "env", "build", "dist"})


class Unreadable(Exception):
    """A file whose code cannot be read: why, and where in it."""

    def __init__(self, why: str, line: int = 1, column: int = 1) -> None:
        super().__init__(why)
        self.why, self.line, self.column = why, line, column


def python_files(path: Path) -> Iterator[Path]:
    """The file itself, or the Python files in a folder and below, sorted. Links to folders are not followed."""
    if not path.is_dir():
        yield path
        return
    for folder, folders, files in os.walk(path, followlinks=False):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED and not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(".py"))


def read_text(path: Path) -> str:
    """The text of a file of Python. Raises Unreadable."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise Unreadable("it is not a file: name a file of Python or a folder")
        if found.st_size > LARGEST:
            raise Unreadable(f"it is larger than {LARGEST:,} bytes: split it, or leave it out")
        return decoded(path.read_bytes())
    except OSError as error:
        raise Unreadable(f"it cannot be opened: {error.strerror or error}") from None


def decoded(content: bytes) -> str:
    """Python code as text, in the encoding that it declares. Raises Unreadable."""
    if b"\0" in content:
        raise Unreadable(
            "it is not Python: there are zero bytes in it", content[: content.index(b"\0")].count(b"\n") + 1
        )
    try:
        encoding, _ = tokenize.detect_encoding(BytesIO(content).readline)
        return content.decode(encoding)
    except (SyntaxError, UnicodeError, LookupError) as error:  # some codecs have errors of no place
        at = error.start if isinstance(error, UnicodeDecodeError) else 0
        said = error.reason if isinstance(error, UnicodeDecodeError) else error
        raise Unreadable(
            f"it is not text in the encoding that it declares: {said}", content[:at].count(b"\n") + 1
        ) from None
