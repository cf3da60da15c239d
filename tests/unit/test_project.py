"""What the project promises about itself: what it pins, what it imports, what it ships."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))

# One pin as it stands in a lock file, its lines joined: name==version, perhaps a marker, then hashes and nothing else.
PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[a-z0-9.]+)( ; [^-\\]+?)?( --hash=sha256:[0-9a-f]{64})+")


def pins(lock: Path) -> dict[str, str]:
    text = lock.read_text("utf-8").replace("\\\n", "")
    found = [PIN.fullmatch(re.sub(" +", " ", line).strip()) for line in text.splitlines()]
    assert all(found), f"{lock.name}: a line is not a pin with hashes"
    return {pin["name"]: pin["version"] for pin in found if pin}


def name_of(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_file_holds_pins_with_hashes_and_no_address(lock: Path) -> None:
    assert pins(lock)
    assert not re.search(r"://|\bfile:|\bwww\.|^-|@ ", lock.read_text("utf-8"), re.MULTILINE)


def test_each_lock_file_contains_the_narrower_one() -> None:
    run, test, dev = (pins(ROOT / "requirements" / f"{name}.txt") for name in ("run", "test", "dev"))
    assert run.items() <= test.items() <= dev.items()


def test_what_the_project_asks_for_is_pinned() -> None:
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    asked = {
        "run": [*project["dependencies"], *PROJECT["build-system"]["requires"]],
        "test": [each for name, extra in extras.items() if name not in ("dev", "all") for each in extra],
        "dev": extras["dev"] + extras["all"],
    }
    for lock, requirements in asked.items():
        names = {name_of(each) for each in requirements} - {"bizproc"}  # one extra asks for others
        assert names <= pins(ROOT / "requirements" / f"{lock}.txt").keys(), lock


def test_importing_bizproc_loads_no_database_driver_and_no_event_loop() -> None:
    heavy = {"aiosqlite", "alembic", "anyio", "asyncio", "pysqlite3", "sqlalchemy", "sqlite3", "trio"}
    code = f"import sys, bizproc; print(*sorted({heavy!r} & sys.modules.keys()))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout.split() == []


def test_the_doors_are_declared() -> None:
    declared = metadata.entry_points(name="bizproc")
    assert {(door.group, door.value) for door in declared} == {
        ("console_scripts", "bizproc.cli:main"),
        ("hypothesis", "bizproc.testing.by_type:register"),
        ("pytest11", "bizproc.testing.plugin"),
    }
    for door in declared:
        door.load()


def test_type_checkers_are_told_of_the_types() -> None:
    assert (ROOT / "bizproc" / "py.typed").is_file()
