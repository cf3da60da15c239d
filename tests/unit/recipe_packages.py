"""Distributions with recipes, written into a folder as an installer leaves them there."""

from __future__ import annotations

import sys
from pathlib import Path

NUDGE = '''
from datetime import timedelta
from typing import Any

from bizproc import Process, UserQueue, crm, process, recipe, wait
from bizproc.model import Deal


@recipe("tea.nudge", since="1.0", needs=("stage.deal.NEW",))
def nudge(
    *, after: timedelta = timedelta(days=3), text: str = "Call", queue: UserQueue | None = None
) -> Process[..., Any]:
    """
    Say something of a deal after a while.

    Args:
        after: How long it waits.
        text: What is said.
        queue: Who gets the deal.
    """

    @process("tea.nudge")
    async def run(deal: Deal) -> str:
        """A deal is brought to mind."""
        await wait.sleep(after)
        if queue is not None:
            await crm.deal.change_responsible(queue)
        await crm.deal.add_comment(text)
        return text

    return run
'''


def write_package(
    folder: Path,
    distribution: str,
    module: str,
    code: str = NUDGE,
    *,
    version: str = "1.0",
    points: str = "tea.nudge = {module}:nudge",
) -> None:
    """A distribution of one module."""
    folder.mkdir(exist_ok=True)
    (folder / f"{module}.py").write_text(code, "utf-8")
    for old in folder.glob(f"{distribution}-*.dist-info"):
        (old / "METADATA").unlink()
        (old / "entry_points.txt").unlink()
        old.rmdir()
    info = folder / f"{distribution}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n", "utf-8")
    (info / "entry_points.txt").write_text(f"[bizproc.recipes]\n{points.format(module=module)}\n", "utf-8")
    sys.modules.pop(module, None)
