"""PDF of .docx through LibreOffice, where it is installed. Each conversion has a profile of its own, without macros."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from bizproc.adapters.documents.child import OutOfTime, run

PROGRAMS: Final = ("soffice", "libreoffice")

# Macros do not run, and what the document links to is not loaded.
_PROFILE: Final = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="DisableMacrosExecution" oor:op="fuse">
<value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="MacroSecurityLevel" oor:op="fuse">
<value>3</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="BlockUntrustedRefererLinks"
oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Writer/Content/Update"><prop oor:name="Link" oor:op="fuse">
<value>2</value></prop></item>
</oor:items>
"""


class NotConverted(Exception):
    """There is no PDF; says why."""


def program(setting: str) -> str | None:
    """The program: what the settings name, or what is installed."""
    return shutil.which(setting) if setting else next(filter(None, map(shutil.which, PROGRAMS)), None)


async def convert(setting: str, document: Path, folder: Path, seconds: float) -> Path:
    """
    The PDF of a document, in a folder that is this conversion's own.

    Raises:
        NotConverted: There is none.
    """
    office = program(setting)
    if office is None:
        named = f"there is no program {setting!r}" if setting else "LibreOffice is not installed"
        raise NotConverted(f"{named}: install it, or set documents.libreoffice to where it is")
    profile = folder / "profile" / "user"
    profile.mkdir(parents=True)
    (profile / "registrymodifications.xcu").write_text(_PROFILE, "utf-8")
    options = ["--headless", "--norestore", "--nolockcheck", "--nodefault", "--nologo"]
    target = ["--convert-to", "pdf:writer_pdf_Export", "--outdir", str(folder), str(document)]
    try:
        ended = await run(
            [office, f"-env:UserInstallation={profile.parent.as_uri()}", *options, *target], folder, seconds
        )
    except OutOfTime:
        raise NotConverted(f"LibreOffice took longer than {seconds:g} seconds") from None
    except OSError as error:
        raise NotConverted(f"{office} cannot be run: {error}") from None
    made = folder / f"{document.stem}.pdf"
    if not made.is_file() or not made.stat().st_size:
        raise NotConverted(f"LibreOffice made no PDF (it ended with {ended.code}): {ended.said[-300:]}")
    return made
