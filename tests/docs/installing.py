"""New environments for tests that install: they find the packages that the tests have, so that nothing is fetched."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
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
    (packages_of(environment) / "of_the_tests.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")


def packages_of(environment: Path) -> Path:
    """Where its packages are."""
    (found,) = [*environment.glob("lib/python*/site-packages"), *environment.glob("Lib/site-packages")]
    return found


# -- an environment with what is asked for, and nothing else -----------------------------------------------------------


def bring(environment: Path, *wanted: str) -> set[str]:
    """Copy these packages and all that they need, as the tests have them, into an environment. Gives their names."""
    brought: dict[str, Distribution] = {}
    waiting = [Requirement(each) for each in wanted]
    while waiting:
        asked = waiting.pop()
        name = canonical(asked.name)
        if name in brought:
            continue
        brought[name] = distribution(asked.name)
        waiting += [each for each in map(Requirement, brought[name].requires or ()) if is_needed(each, asked.extras)]
    for each in brought.values():
        copy(each, packages_of(environment))
    return set(brought)


def is_needed(requirement: Requirement, extras: set[str]) -> bool:
    """Whether a package needs it here, by itself or with one of these extras."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def copy(package: Distribution, to: Path) -> None:
    """Its modules and what it says of itself; programs are of the environment that it comes from."""
    for file in package.files or ():
        if ".." not in file.parts and file.suffix != ".pyc":
            (to / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.locate(), to / file)


def build_wheel(folder: Path) -> Path:
    """The wheel of this source; it takes hatchling."""
    built: list[str | Path] = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    subprocess.run(built, cwd=ROOT, check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found
