"""A program that is run in a folder of its own, with a limit of time; what it starts ends with it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from attrs import frozen

SAID: Final = 2000
"""Characters of what it says that are kept."""

# Nothing of the environment but what programs need to run at all: no secrets. What would go to the network goes to a
# port where nobody is.
_KEPT: Final = ("PATH", "LANG", "SYSTEMROOT", "LD_LIBRARY_PATH", "FONTCONFIG_PATH", "FONTCONFIG_FILE")
_NOWHERE: Final = "http://127.0.0.1:9"


class OutOfTime(Exception):
    """It took longer than it may, and was killed."""


@frozen
class Ended:
    """How it ended, and what it said."""

    code: int
    said: str


async def run(command: Sequence[str], folder: Path, seconds: float) -> Ended:
    """
    Run a program in a folder.

    Raises:
        OutOfTime: It was killed.
        OSError: It cannot be started.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=_environment(folder),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(seconds):
            said, _ = await process.communicate()
        return Ended(process.returncode or 0, said.decode("utf-8", "replace")[-SAID:].strip())
    except TimeoutError:
        raise OutOfTime from None
    finally:
        if process.returncode is None:
            await _killed(process)


async def _killed(process: asyncio.subprocess.Process) -> None:
    """With all that it has started: they are one group."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    await process.wait()


def _environment(folder: Path) -> Mapping[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), _NOWHERE)
    own = {"HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return {**kept, **proxies, **own, "PYTHONDONTWRITEBYTECODE": "1"}
