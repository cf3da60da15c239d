"""What is shipped: the wheel, the source distribution, what they say of themselves, and what installing them brings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from tests.docs.installing import OFFLINE, make_environment

pytest.importorskip("hatchling", reason="what is shipped is built with hatchling, which the lock files have")

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

CORE = {
    *("alembic", "anyio", "attrs", "babel", "cattrs", "click", "cronsim", "orjson", "pysqlite3", "rich"),
    *("sqlalchemy", "typeguard", "tzdata"),
}
"""What every installation brings. A further one has to be worth it to each user."""

OF_EXTRAS = {
    *(
        "aiosmtplib",
        "docx",
        "docxtpl",
        "httpx",
        "icalendar",
        "jinja2",
        "nh3",
        "phonenumbers",
        "starlette",
        "typst",
        "uvicorn",
    ),
    *("hypothesis", "pytest"),
}
"""Modules that extras bring."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("built")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", folder], cwd=ROOT, check=True, capture_output=True
    )
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def sdist(built: Path) -> Path:
    (found,) = built.glob("*.tar.gz")
    return found


@pytest.fixture(scope="module")
def says(wheel: Path) -> Message:
    """The wheel's metadata."""
    with ZipFile(wheel) as opened:
        (name,) = [name for name in opened.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_bytes(opened.read(name))


# -- what is in it -----------------------------------------------------------------------------------------------------


def test_the_wheel_has_the_package_its_licence_and_nothing_else(wheel: Path) -> None:
    ours = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "bizproc").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with ZipFile(wheel) as opened:
        names = set(opened.namelist())
    about = {name for name in names if ".dist-info/" in name}
    assert names - about == ours
    assert {name.partition("/")[2] for name in about} == {
        *("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"),
    }
    assert "bizproc/py.typed" in names
    assert {".sql", ".html", ".css"} <= {Path(name).suffix for name in names}
    assert wheel.name.endswith("-py3-none-any.whl")


def test_the_source_distribution_has_all_that_the_tests_look_at(sdist: Path) -> None:
    with tarfile.open(sdist) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert {"LICENSE", "Makefile", "PKG-INFO", "README.md", "pyproject.toml"} <= names
    for folder in ("benchmarks", "bizproc", "docs", "requirements", "tests", "tools"):
        assert any(name.startswith(f"{folder}/") for name in names), folder
    assert not [name for name in names if re.search(r"__pycache__|\.pyc$|\.db$|(^|/)\.(git|venv)/", name)]


# -- what it says of itself --------------------------------------------------------------------------------------------


def test_the_metadata_is_complete(says: Message) -> None:
    assert says["Name"] == "bizproc"
    assert says["Version"] == PROJECT["version"]
    assert says["License-Expression"] == "MIT"
    assert says["License-File"] == "LICENSE"
    assert says["Requires-Python"] == ">=3.11"
    assert says["Description-Content-Type"] == "text/markdown"
    assert says["Summary"]
    assert says.get_payload() == (ROOT / "README.md").read_text("utf-8")
    assert "Typing :: Typed" in says.get_all("Classifier", [])


def test_the_classifiers_exist_and_name_each_python_that_it_runs_on(says: Message) -> None:
    known = pytest.importorskip("trove_classifiers").classifiers
    classifiers = says.get_all("Classifier", [])
    assert set(classifiers) <= known
    named = [each.rpartition(" ")[2] for each in classifiers if re.fullmatch(r".*:: 3\.\d+", each)]
    assert named == ["3.11", "3.12", "3.13", "3.14"]


def test_the_version_is_said_the_same_everywhere() -> None:
    import bizproc

    assert bizproc.__version__ == PROJECT["version"]
    assert f"## {PROJECT['version']}" in (ROOT / "docs" / "changelog.md").read_text("utf-8")


# -- what it brings ----------------------------------------------------------------------------------------------------


def test_the_core_needs_little_and_extras_bring_the_rest(says: Message) -> None:
    asked = says.get_all("Requires-Dist", [])
    core = {re.split(r"[^\w.-]", each)[0] for each in asked if "extra ==" not in each}
    assert core == CORE
    assert set(says.get_all("Provides-Extra", [])) == PROJECT["optional-dependencies"].keys()


WITHOUT_EXTRAS = f"""
import importlib.abc, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {sorted(OF_EXTRAS)!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())

import asyncio
from bizproc import Runtime, crm, process
from bizproc.cli import main
from bizproc.model import Deal
from bizproc.testing import World

@process("a.b")
async def comment(deal: Deal) -> str:
    await crm.deal.add_comment("x")
    return deal.title

async def run(path):
    async with Runtime.open(f"sqlite:///{{path}}", processes=[comment]) as runtime:
        deal = await runtime.perform(crm.deal.create(title="Tea"))
        print(await (await runtime.start(comment(deal))).result())
    async with World.open(comment) as world:
        print(await (await world.start(comment(await world.deal(title="Coffee")))).result())

asyncio.run(run(sys.argv[1]))
sys.argv = ["bizproc", "--help"]
main()
"""


def test_without_extras_processes_run_and_are_tested(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRAS, str(tmp_path / "crm.db")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.splitlines()[:2] == ["Tea", "Coffee"], ran.stdout + ran.stderr
    assert ran.returncode == 0, ran.stderr


# -- installed ---------------------------------------------------------------------------------------------------------

# What may be run of the tests anywhere: some of those that ask for no program and read no source.
SOME = ["tests/unit/crm", "tests/unit/triggers", "tests/unit/cli/test_reference.py"]
SOME += [f"tests/unit/core/test_{name}.py" for name in ("action", "codec", "form", "guard", "process", "steps")]
SOME += [f"tests/engine/test_scenarios_{name}.py" for name in ("starting", "steps")]


@pytest.mark.long
def test_installed_from_the_wheel_the_tests_of_the_source_distribution_pass(
    wheel: Path, sdist: Path, tmp_path: Path
) -> None:
    python = make_environment(tmp_path / "environment")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | OFFLINE
    with tarfile.open(sdist) as opened:
        safely: Any = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # 3.11 knows it since 3.11.4
        opened.extractall(tmp_path, **safely)  # noqa: S202  we have made it
    (source,) = tmp_path.glob("bizproc-*")
    (source / "bizproc").rename(tmp_path / "not_this_one")

    def run(*command: str | Path) -> str:
        ran = subprocess.run(
            [python, "-m", *command], cwd=source, env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    run("pip", "install", wheel)
    assert "No broken requirements" in run("pip", "check")
    assert " passed" in run("pytest", "-q", "-p", "no:cacheprovider", *SOME)
