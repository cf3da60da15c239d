"""Files: what is attached, printed and sent. The content lies in a folder beside the store, under its hash."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, TypedDict

from attrs import frozen

from bizproc.model.references import BEGINNING, DERIVED


@frozen(kw_only=True)
class File:
    """
    A file of the drive.

    Attributes:
        path: Where it lies in the drive: `Offers/tea.pdf`. No two files share one.
        name: The last part of the path.
        media_type: Such as `application/pdf`.
        size: In bytes.
        sha256: Of the content, in hexadecimal digits; its name in the folder.
    """

    item_type: ClassVar[str] = "file"
    deletable: ClassVar[bool] = True
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("path",),)

    id: Annotated[int, DERIVED]
    path: str = ""
    media_type: str = "application/octet-stream"
    size: int = 0
    sha256: str = ""
    created_at: Annotated[datetime, DERIVED] = BEGINNING

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


class FileFields(TypedDict, total=False):
    """What is written of a file."""

    path: str
    media_type: str
    size: int
    sha256: str
