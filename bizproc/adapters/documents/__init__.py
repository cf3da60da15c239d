"""
Documents from templates: .docx through docxtpl, Typst through its compiler, PDF of .docx through LibreOffice.

    maker.py         the channel: contents in, contents out
    child.py         a program with limits that is given a folder and leaves a file in it
    filling.py       that program: fills .docx and compiles Typst; it alone loads docxtpl and typst
    libreoffice.py   turns .docx into PDF

Templates are written by people, and values come from anybody. Values never become part of a template's source: Typst
gets them as JSON beside it, .docx through Jinja's sandbox, escaped. What is made runs in a program of its own, in a
folder that holds nothing else, for a limited time and with limited memory.
"""

from __future__ import annotations

from typing import Any

from bizproc.adapters.documents.maker import DocumentMaker
from bizproc.ports.channel import Outside
from bizproc.ports.files import Files
from bizproc.settings import Settings

__all__ = ["DocumentMaker", "outside_of"]


def outside_of(settings: Settings, files: Files, _signer: Any) -> Outside:
    """The maker of documents, as the settings have it."""
    maker = DocumentMaker(files, settings.documents)
    return Outside(channels={maker.name: maker})
