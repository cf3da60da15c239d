"""
Contents of files in a folder beside the store, each under its hash; and in memory, for stores in memory.

A content is written under a name of its own, flushed, and then renamed: under a hash there is all of it or nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final
from uuid import uuid4

from anyio import to_thread

from bizproc.core.errors import FileDamaged, FileMissing

_CHUNK: Final = 1 << 20
_DAY: Final = 86_400.0


class FolderFiles:
    """Contents in a folder, which is made with the first of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def put(self, content: bytes | Path) -> tuple[str, int]:
        return await to_thread.run_sync(self._put, content)

    async def get(self, sha256: str) -> bytes:
        return await to_thread.run_sync(self._get, sha256)

    def workplace(self) -> Path:
        place = self._workplace
        place.mkdir(parents=True, exist_ok=True)
        return place

    async def clear(self) -> None:
        await to_thread.run_sync(partial(shutil.rmtree, self._workplace, ignore_errors=True))

    @property
    def _workplace(self) -> Path:
        return self.folder.absolute() / "work"

    async def sweep(self, wanted: frozenset[str]) -> int:
        return await to_thread.run_sync(self._sweep, wanted)

    def path(self, sha256: str) -> Path:
        """Where a content lies: a hundredth of them in each folder."""
        return self.folder / sha256[:2] / sha256

    def _put(self, content: bytes | Path) -> tuple[str, int]:
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f"{uuid4()}.part"
        try:
            with part.open("xb") as target:
                sha256, size = _copy(content, target)
                target.flush()
                os.fsync(target.fileno())
            path = self.path(sha256)
            if path.exists():
                os.utime(path)  # it is wanted again: no orphan
            else:
                path.parent.mkdir(exist_ok=True)
                part.rename(path)
                _flush_folder(path.parent)
                _flush_folder(self.folder)
        finally:
            part.unlink(missing_ok=True)
        return sha256, size

    def _get(self, sha256: str) -> bytes:
        try:
            content = self.path(sha256).read_bytes()
        except FileNotFoundError:
            raise FileMissing(sha256=sha256, where=str(self.folder)) from None
        if hashlib.sha256(content).hexdigest() != sha256:
            raise FileDamaged(sha256=sha256, where=str(self.path(sha256)))
        return content

    def _sweep(self, wanted: frozenset[str]) -> int:
        before, removed = time.time() - _DAY, 0
        for path in [*self.folder.glob("??/*"), *self.folder.glob("*.part")]:
            with suppress(FileNotFoundError):  # somebody else removed it
                if path.name not in wanted and path.stat().st_mtime < before:
                    path.unlink()
                    removed += 1
        return removed


def _copy(content: bytes | Path, target: BinaryIO) -> tuple[str, int]:
    if isinstance(content, bytes):
        target.write(content)
        return hashlib.sha256(content).hexdigest(), len(content)
    digest, size = hashlib.sha256(), 0
    with content.open("rb") as source:
        while chunk := source.read(_CHUNK):
            target.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def _flush_folder(folder: Path) -> None:
    """A new name is on disk when its folder is."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class MemoryFiles:
    """Contents in memory."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    async def put(self, content: bytes | Path) -> tuple[str, int]:
        data = content if isinstance(content, bytes) else await to_thread.run_sync(content.read_bytes)
        sha256 = hashlib.sha256(data).hexdigest()
        self.contents[sha256] = data
        return sha256, len(data)

    async def get(self, sha256: str) -> bytes:
        if sha256 not in self.contents:
            raise FileMissing(sha256=sha256, where="memory")
        return self.contents[sha256]

    def workplace(self) -> None:
        """The machine's will do."""

    async def clear(self) -> None:
        """What a program in memory worked on is gone with it, or left to the machine."""

    async def sweep(self, wanted: frozenset[str]) -> int:
        """Nothing lies there for a day."""
        return 0
