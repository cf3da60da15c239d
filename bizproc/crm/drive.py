"""The drive: `crm.drive.add("Offers/tea.pdf", content)`, `crm.drive.find("Offers/tea.pdf")`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bizproc.actions.documented import documented_by
from bizproc.actions.drive import LASTS, AddFile, FindFile, GetFile, LinkFile
from bizproc.actions.items import Delete
from bizproc.core.action import Target
from bizproc.crm.items import id_of
from bizproc.crm.noun import Noun
from bizproc.model.files import File


class Drive(Noun):
    """`crm.drive`: files by their path."""

    def __repr__(self) -> str:
        return "crm.drive"

    @documented_by(AddFile)
    def add(self, path: str, content: bytes | Path, *, media_type: str | None = None, replace: bool = False) -> AddFile:
        return AddFile(path, content, media_type=media_type, replace=replace)

    @documented_by(GetFile)
    def file(self, id: int) -> GetFile:
        return GetFile(id)

    @documented_by(FindFile)
    def find(self, path: str) -> FindFile:
        return FindFile(path)

    @documented_by(LinkFile)
    def link(self, file: File | int, *, lasts: timedelta = LASTS) -> LinkFile:
        return LinkFile(id_of(file), lasts=lasts)

    @documented_by(Delete)
    def delete(self, file: File | int) -> Delete:
        return Delete(Target("file", id_of(file)))
