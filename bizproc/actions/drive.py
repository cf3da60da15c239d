"""Actions on the drive: files by their path."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import KW_ONLY
from datetime import timedelta
from mimetypes import guess_type
from pathlib import Path
from typing import Any, Final

from bizproc.core.action import action_type, given, option
from bizproc.core.commands import Action, Prepared
from bizproc.core.errors import WrongValue
from bizproc.model.files import File
from bizproc.ports.channel import Outside
from bizproc.ports.crm import Crm
from bizproc.ports.files import FILES


def _checked_path(action: str, path: str) -> str:
    parts = path.split("/")
    if not path.isprintable() or len(path) > LONGEST_PATH or any(part.strip() in ("", ".", "..") for part in parts):
        expected = f"folders and a name, as Offers/tea.pdf, of at most {LONGEST_PATH} characters"
        raise WrongValue(action=action, parameter="path", expected=expected, got=repr(path[:100]))
    return path


LONGEST_PATH = 400


@action_type("drive.add")
class AddFile(Prepared[File]):
    """
    Put a file into the drive.

    Args:
        path: Where it is to lie: `Offers/tea.pdf`.
        content: What it holds; or the file of this machine to be copied.
        media_type: Such as `application/pdf`; by the path's ending, if left out.
        replace: Put the new content in place of what lies there; the file keeps its id.

    Raises:
        AlreadyExists: There is a file of this path.
        WrongValue: A path that is none; a file of this machine that is not there.
    """

    path: str
    content: bytes | Path
    _: KW_ONLY
    media_type: str | None = option(default=None)
    replace: bool = option(default=False)

    @property
    def name(self) -> str:
        return "drive.add"

    def arguments(self) -> Mapping[str, object]:
        # The journal keeps the content's hash: replay compares it, and the content lies where contents lie.
        kept = self.content
        return {**given(self), "content": hashlib.sha256(kept).hexdigest() if isinstance(kept, bytes) else str(kept)}

    @property
    def result_type(self) -> Any:
        return File

    async def prepare(self, outside: Outside) -> tuple[str, int]:
        _checked_path(self.name, self.path)
        if isinstance(self.content, Path) and not self.content.is_file():
            expected = "bytes, or the path of a file of this machine"
            raise WrongValue(
                action=self.name, parameter="content", expected=expected, got=f"{str(self.content)!r}: no such file"
            )
        kept: tuple[str, int] = await outside.tools[FILES].put(self.content)
        return kept

    async def conclude(self, port: Crm, prepared: tuple[str, int]) -> File:
        sha256, size = prepared
        media_type = self.media_type or guess_type(self.path)[0] or "application/octet-stream"
        fields = {"media_type": media_type, "size": size, "sha256": sha256}
        there = await port.file_called(self.path) if self.replace else None
        if there is None:
            made: File = await port.create("file", {"path": self.path, **fields})
            return made
        changed: File = await port.update(there, fields)
        return changed


@action_type("drive.file")
class GetFile(Action[File]):
    """
    A file by its id.

    Args:
        id: Of the file.

    Raises:
        ItemNotFound: no such file.
    """

    id: int

    @property
    def name(self) -> str:
        return "drive.file"

    def arguments(self) -> Mapping[str, object]:
        return given(self)

    @property
    def result_type(self) -> Any:
        return File

    async def perform(self, port: Crm) -> File:
        file: File = await port.read(await port.resolve("file", self.id))
        return file


@action_type("drive.find")
class FindFile(Action[File | None]):
    """
    The file that lies at a path; None if there is none.

    Args:
        path: `Offers/tea.pdf`.
    """

    path: str

    @property
    def name(self) -> str:
        return "drive.find"

    def arguments(self) -> Mapping[str, object]:
        return given(self)

    @property
    def result_type(self) -> Any:
        return File | None

    async def perform(self, port: Crm) -> File | None:
        # What cannot be printed lies nowhere, and is perhaps nothing that a store can be asked for.
        ref = await port.file_called(self.path) if self.path.isprintable() else None
        return None if ref is None else await port.read(ref)


LASTS: Final = timedelta(days=30)
LINK: Final = "file"
"""The purpose of a token that names a file and the second, since 1970, until which it holds."""


@action_type("drive.link")
class LinkFile(Action[str]):
    """
    An address under which whoever has it can save a file, for a while. It cannot be revoked, but by deleting the file.

    Args:
        file: The file or its id.
        lasts: For how long it holds.

    Raises:
        ItemNotFound: no such file.
        WrongValue: no time at all, or more than a hundred years.
    """

    file: int
    _: KW_ONLY
    lasts: timedelta = option(default=LASTS)

    @property
    def name(self) -> str:
        return "drive.link"

    def arguments(self) -> Mapping[str, object]:
        return given(self)

    @property
    def result_type(self) -> Any:
        return str

    async def perform(self, port: Crm) -> str:
        if not timedelta(0) < self.lasts <= timedelta(days=36_525):
            raise WrongValue(
                action=self.name,
                parameter="lasts",
                expected="more than no time, a hundred years at most",
                got=str(self.lasts),
            )
        file: File = await port.read(await port.resolve("file", self.file))
        until = int((port.performing.now + self.lasts).timestamp())
        return port.portal.page("files", (await port.signer()).token(LINK, file.id, until))
