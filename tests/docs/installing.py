"""New environments for tests that install: they find the packages that the tests have, so that nothing is fetched."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

OFFLINE = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def make_environment(folder: Path) -> Path:
    """A new environment; gives its Python."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    share_packages(folder)
    return folder / ("Scripts" if os.name == "nt" else "bin") / "python"


def share_packages(environment: Path) -> None:
    """
    Let an environment find the packages that the tests have, behind its own.

    But for bizproc: that of the tests is one line in a file that only their own environment reads.
    """
    (mine,) = [*environment.glob("lib/python*/site-packages"), *environment.glob("Lib/site-packages")]
    (mine / "of_the_tests.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
