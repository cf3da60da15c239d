"""Where the content of files lies: attachments, documents, templates, stamps, photos."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

FILES: Final = "files"
"""What prepared actions call it among the tools of `Outside`."""


class Files(Protocol):
    """
    Contents by their SHA-256.

    Contract: `put` returns when the content is on disk, so that the commit that names it comes after. The same content
    twice is one. What no row of the store names may be swept after a day.
    """

    async def put(self, content: bytes | Path) -> tuple[str, int]:
        """Keep a content, or that of a file; gives its SHA-256 in hexadecimal digits, and its size in bytes."""

    async def get(self, sha256: str) -> bytes:
        """
        A content.

        Raises:
            FileMissing: There is none of this hash.
            FileDamaged: What is there has another hash.
        """

    def workplace(self) -> Path | None:
        """A folder for what is worked on before it is put, made if it was missing; None where the machine's will do."""

    async def clear(self) -> None:
        """Remove what was worked on. To be called by who owns the store, before any work begins."""

    async def sweep(self, wanted: frozenset[str]) -> int:
        """Remove contents that are not among the wanted and have lain there for a day; how many."""
