"""
Making documents: what is handed to the channel `documents`, and what comes back.

The contract is that of a channel that deduplicates (`ports/channel.py`): the same paper twice gives the same contents.
A template that cannot be filled is `SendRefused`, with a reason for people; a PDF that cannot be made from what was
filled is no refusal, for the document is there: it is said in the receipt.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from attrs import field, frozen

DOCUMENTS: Final = "documents"
"""What actions call the channel."""

Form: TypeAlias = Literal["docx", "typst", "filled"]
"""A template for Word, one for Typst, or a document for Word that is filled already."""

FORMS: Final[Mapping[str, Form]] = {".docx": "docx", ".typ": "typst"}
"""By the ending of the template's file."""

DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PDF: Final = "application/pdf"

PICTURES: Final = ("stamp", "signature")
"""Values that are pictures."""


@frozen(kw_only=True)
class Paper:
    """
    What is to be made.

    Attributes:
        form, template: The template and its form; its content by its SHA-256.
        values: What is filled in: texts, and mappings and lists of these.
        pictures: Further values: by name (`PICTURES`) the SHA-256 of a picture.
        pdf: Whether a PDF is wanted, too; of Typst there is always one, and nothing else.
        made_at: The moment that the document bears.
    """

    form: Form
    template: str
    values: Mapping[str, Any] = field(factory=dict, hash=False)
    pictures: Mapping[str, str] = field(factory=dict, hash=False)
    pdf: bool = False
    made_at: datetime


@frozen
class Content:
    """A content that was put into `Files`."""

    sha256: str
    size: int


@frozen(kw_only=True)
class Made:
    """
    What was made.

    Attributes:
        filled: The filled template; of Typst none.
        pdf: The PDF, if one was wanted and could be made.
        reason: Why it could not.
    """

    filled: Content | None = None
    pdf: Content | None = None
    reason: str = ""
