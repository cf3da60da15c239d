"""The channel `documents`: has contents filled and converted, and puts what came of it where contents lie."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from anyio import to_thread

from bizproc.adapters.documents.child import OutOfTime, run
from bizproc.adapters.documents.filling import REFUSED
from bizproc.adapters.documents.libreoffice import NotConverted, convert
from bizproc.core.errors import FileDamaged, FileMissing, SendRefused
from bizproc.ports.documents import DOCUMENTS, Content, Made, Paper
from bizproc.ports.files import Files
from bizproc.settings import DocumentSettings

AT_ONCE: Final = 2
"""So many programs run at once; others wait, and their time does not run."""

_PICTURES: Final = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"GIF8": ".gif"}


class DocumentMaker:
    """Makes documents; see `ports/documents.py`."""

    name: Final = DOCUMENTS
    deduplicates: Final = True

    def __init__(self, files: Files, settings: DocumentSettings) -> None:
        self._files = files
        self._settings = settings
        self._running = asyncio.Semaphore(AT_ONCE)

    async def send(self, payload: Any, key: str) -> Made:
        """Make a paper."""
        assert isinstance(payload, Paper)
        async with self._running:
            # Beside the store's files: what a killed program leaves there goes at the next start.
            place = await to_thread.run_sync(self._files.workplace)
            with tempfile.TemporaryDirectory(prefix="bizproc-", dir=place, ignore_cleanup_errors=True) as folder:
                return await self._made(payload, Path(folder))

    async def _made(self, paper: Paper, folder: Path) -> Made:
        if paper.form == "filled":
            filled = folder / "filled.docx"
            await self._write(filled, paper.template)
            return await self._converted(filled, folder, Made())
        await self._prepare(paper, folder)
        await self._fill(folder)
        if paper.form == "typst":
            return Made(pdf=await self._put(folder / "made.pdf"))
        filled = folder / "filled.docx"
        made = Made(filled=await self._put(filled))
        return await self._converted(filled, folder, made) if paper.pdf else made

    # -- filling

    async def _prepare(self, paper: Paper, folder: Path) -> None:
        await self._write(folder / "template", paper.template)
        pictures = {name: await self._picture(name, sha256, folder) for name, sha256 in paper.pictures.items()}
        job: Mapping[str, Any] = {
            "form": paper.form,
            "values": paper.values,
            "pictures": pictures,
            "made_at": int(paper.made_at.timestamp()),
        }
        await to_thread.run_sync((folder / "job.json").write_text, json.dumps(job, default=dict), "utf-8")

    async def _picture(self, name: str, sha256: str, folder: Path) -> str:
        content = await self._get(sha256)
        ending = next((each for mark, each in _PICTURES.items() if content.startswith(mark)), None)
        if ending is None:
            raise SendRefused(channel=DOCUMENTS, reason=f"the {name} is no picture: expected PNG, JPEG or GIF")
        file = f"{name}{ending}"
        await to_thread.run_sync((folder / file).write_bytes, content)
        return file

    async def _fill(self, folder: Path) -> None:
        command = [sys.executable, "-m", "bizproc.adapters.documents.filling", str(folder)]
        try:
            ended = await run(command, folder, self._settings.timeout)
        except OutOfTime:
            reason = f"it took longer than {self._settings.timeout} seconds: does the template repeat without end?"
            raise SendRefused(channel=DOCUMENTS, reason=reason) from None
        if ended.code:
            refused = folder / REFUSED
            reason = refused.read_text("utf-8") if refused.is_file() else _last_line(ended.said, ended.code)
            raise SendRefused(channel=DOCUMENTS, reason=reason)

    # -- converting

    async def _converted(self, filled: Path, folder: Path, made: Made) -> Made:
        own = folder / "converting"
        own.mkdir()
        try:
            pdf = await convert(self._settings.libreoffice, filled, own, self._settings.timeout)
        except NotConverted as error:
            return Made(filled=made.filled, reason=str(error))
        return Made(filled=made.filled, pdf=await self._put(pdf))

    # -- contents

    async def _write(self, path: Path, sha256: str) -> None:
        await to_thread.run_sync(path.write_bytes, await self._get(sha256))

    async def _get(self, sha256: str) -> bytes:
        try:
            return await self._files.get(sha256)
        except (FileMissing, FileDamaged) as error:
            raise SendRefused(channel=DOCUMENTS, reason=str(error)) from None

    async def _put(self, path: Path) -> Content:
        return Content(*await self._files.put(path))


def _last_line(said: str, code: int) -> str:
    """Of a program that died without a word of its own."""
    return f"the template brings the program down that fills it (it ended with {code}): {said.splitlines()[-1:]}"
