"""
PostgreSQL for the time of a benchmark: a cluster of its own in an empty folder, as durable as it comes.

It does not run as root, so where we are root it belongs to the user that the package has made.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PORT: Final = 54329
USER: Final = "postgres"


def programs() -> Path | None:
    """Where the programs of the newest PostgreSQL are; None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    known = shutil.which("pg_ctl")
    return None if known is None else Path(known).parent


@contextmanager
def postgres(folder: Path) -> Iterator[None]:
    """A server on this machine alone."""
    bin, data = programs(), folder / "postgres"
    assert bin is not None
    data.mkdir()
    if os.getuid() == 0:
        user = pwd.getpwnam(USER)
        os.chown(data, user.pw_uid, user.pw_gid)
        folder.chmod(0o755)
    options = f"-p {PORT} -k {data} -c listen_addresses=127.0.0.1 -c max_connections=300"
    _run([f"{bin}/initdb", "-D", str(data), "-U", USER, "-A", "trust"], folder)
    _run([f"{bin}/pg_ctl", "-D", str(data), "-w", "-l", str(data / "log"), "-o", options, "start"], folder)
    try:
        yield
    finally:
        _run([f"{bin}/pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop"], folder)


@contextmanager
def database(name: str, folder: Path) -> Iterator[str]:
    """The URL of a new database, which goes away again: what is left of one run must not work during the next."""
    bin, where = programs(), ["-h", "127.0.0.1", "-p", str(PORT), "-U", USER]
    _run([f"{bin}/createdb", *where, name], folder)
    try:
        yield f"postgresql://{USER}@127.0.0.1:{PORT}/{name}"
    finally:
        _run([f"{bin}/dropdb", *where, "--force", name], folder)


def _run(command: Sequence[str], folder: Path) -> None:
    as_user = USER if os.getuid() == 0 else None
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=as_user, cwd="/" if as_user else folder)
