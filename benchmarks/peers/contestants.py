"""
The engines that are compared: in which Python each runs, on which store, and what may be missing for it.

All run in the same version of Python, and those on SQLite with the same SQLite; the engines that are not ours, in an
environment of their own, so that what they ask for does not get in the way of what bizproc pins.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.harness import ROOT
from benchmarks.peers.servers import database, programs

PEERS: Final = ROOT / ".venv-bench"
PYTHON: Final = PEERS / "bin/python"

Store = Callable[[Path, str], AbstractContextManager[str]]
"""The URL of an empty store, in a folder and under a name that no other has."""


class Contestant(NamedTuple):
    """An engine on a store."""

    name: str
    module: str
    python: Path
    missing: Callable[[], str | None]
    store: Store


@cache
def _imports(package: str) -> bool:
    return subprocess.run([PYTHON, "-c", f"import {package}"], capture_output=True, check=False).returncode == 0


def _installed(*packages: str) -> Callable[[], str | None]:
    def missing() -> str | None:
        if not PYTHON.exists():
            return "make bench-peers has not been run"
        lacking = [each for each in packages if not _imports(each)]
        return f"not in {PEERS.name}: {', '.join(lacking)}" if lacking else None

    return missing


def _on_postgres(*packages: str) -> Callable[[], str | None]:
    missing = _installed(*packages, "psycopg")
    return lambda: missing() or (None if programs() else "PostgreSQL is not installed (apt: postgresql)")


def restate_server() -> Path | None:
    """The server itself, not the script that starts it: a kill must meet the one that works."""
    return next(PEERS.glob("node_modules/@restatedev/restate-server-*/bin/restate-server"), None)


def _restate() -> str | None:
    missing = _installed("restate", "hypercorn", "httpx")
    return missing() or (None if restate_server() else "restate-server is not installed (npm)")


def _sqlite(folder: Path, _name: str) -> AbstractContextManager[str]:
    return nullcontext(f"sqlite:///{folder}/store.db")


def _folder(folder: Path, _name: str) -> AbstractContextManager[str]:
    return nullcontext(str(folder))


@contextmanager
def _absurd(folder: Path, name: str) -> Iterator[str]:
    with database(name, folder) as url:
        subprocess.run([PEERS / "bin/absurdctl", "init", "-d", url], check=True, stdout=subprocess.DEVNULL)
        yield url


@contextmanager
def _dbos(folder: Path, name: str) -> Iterator[str]:
    with database(name, folder) as url:
        yield url.replace("postgresql://", "postgresql+psycopg://")


BIZPROC: Final = "bizproc"
FLOOR: Final = "floor"
HERE: Final = Path(sys.executable)
CONTESTANTS: Final = (
    Contestant(BIZPROC, "on_bizproc", HERE, lambda: None, _sqlite),
    Contestant(FLOOR, "on_floor", HERE, lambda: None, _sqlite),
    Contestant("DBOS, SQLite", "on_dbos", PYTHON, _installed("dbos", "pysqlite3"), _sqlite),
    Contestant("DBOS, PostgreSQL", "on_dbos", PYTHON, _on_postgres("dbos", "pysqlite3"), _dbos),
    Contestant("Absurd, PostgreSQL", "on_absurd", PYTHON, _on_postgres("absurd_sdk"), _absurd),
    Contestant("Restate", "on_restate", PYTHON, _restate, _folder),
)
