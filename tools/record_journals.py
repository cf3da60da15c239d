"""
Writes tests/journals/VERSION/: the journals of the processes in recorded_processes.py there, as they are today.

To be run once for each release, before it; what older releases have recorded stays as it is. From the project's folder:
`python -m tools.record_journals`.
"""

import asyncio
import shutil
from pathlib import Path

from bizproc import __version__
from bizproc.testing import World, save_journal
from tests.journals.recorded_processes import tell_stories

JOURNALS = Path(__file__).resolve().parent.parent / "tests" / "journals"


def record(folder: Path) -> None:
    """Write them into a folder; what it held is gone."""
    shutil.rmtree(folder, ignore_errors=True)

    last: dict[str, bytes] = {}

    async def save(world: World, id: str, moment: str) -> None:
        path = folder / f"{id.replace('/', '-').replace('~', '-')}.{moment}.json"
        await save_journal(world.runtime, id, path)
        if last.get(id) == path.read_bytes():
            path.unlink()  # nothing has happened since
        else:
            last[id] = path.read_bytes()

    asyncio.run(tell_stories(save))


if __name__ == "__main__":
    record(JOURNALS / __version__)
