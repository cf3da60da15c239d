"""
What a new project is made of: its files, as texts. Writes nothing.

A project is one module beside its test. Its Makefile has the two commands that this project has, too.
"""

from __future__ import annotations

import keyword
import sys
from string import Template
from typing import Final

from bizproc import __version__
from bizproc.cli.mistakes import Mistake

_TAKEN: Final = frozenset({"bizproc", "tests", "test", "data", "conftest"})


def check_name(name: str) -> None:
    """
    See that a module can be called so, and that it hides no other.

    Raises:
        Mistake: It cannot.
    """
    if not (name.isascii() and name.isidentifier()) or keyword.iskeyword(name) or name.startswith("_"):
        detail = "a module is named with letters, digits and _, begins with a letter, and is no word of Python"
    elif name in sys.stdlib_module_names or name.lower() in _TAKEN or name in _installed():
        detail = "there is a module of this name already, and one of the two would hide the other"
    else:
        return
    raise Mistake(
        f"the project's module cannot be called {name!r}: {detail}. Give it another name, as with --name sales_crm."
    )


def _installed() -> frozenset[str]:
    from importlib.metadata import packages_distributions

    return frozenset(packages_distributions())


def files_of(name: str, source: str) -> dict[str, str]:
    """
    The files of a new project, by their path in it.

    Args:
        name: Of its module; processes are called `name.something`.
        source: Where bizproc can be installed from, as an example in the README.
    """
    words = {"name": name, "source": source, "version": __version__}
    return {Template(path).substitute(words): Template(text).substitute(words) for path, text in _FILES.items()}


PROCESS: Final = '''\
"""Processes: async functions that go on where they were, whatever stops the program."""

from datetime import timedelta

from bizproc import crm, process, wait
from bizproc.model import Deal


@process("$name.follow_up", version=1)
async def follow_up(deal: Deal, *, days: int = 14) -> str:
    """
    Offer the client something, and have somebody call if nothing comes of it in time.

    Args:
        days: How long the client may think about it.
    """
    await crm.deal.add_activity("Send the offer")
    reached = await wait.until_stage("EXECUTING", "WON", timeout=timedelta(days=days))
    if reached.timed_out:
        await crm.deal.add_activity("Call the client back", important=True)
        return "to be called"
    return reached.stage
'''

TEST: Final = '''\
"""The processes of $name: in a world in a box, where weeks take milliseconds."""

from bizproc import crm
from bizproc.model import Activity
from bizproc.testing import World
from $name import follow_up


async def test_a_client_who_says_nothing_is_called(world: World) -> None:
    run = await world.start(follow_up(await world.deal(title="Tea for Lyon")))
    await world.advance(days=15)
    assert await run.result() == "to be called"
    assert [activity.subject for activity in await world.find(Activity)] == ["Send the offer", "Call the client back"]


async def test_a_client_who_says_yes_is_not(world: World) -> None:
    deal = await world.deal(title="Tea for Lyon")
    run = await world.start(follow_up(deal))
    await world.advance(days=3)
    await world.perform(crm.deal(deal).change_stage("EXECUTING"))
    assert await run.result() == "EXECUTING"
'''

PYPROJECT: Final = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "$name"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["bizproc"]

[project.optional-dependencies]
test = ["mypy>=1.10", "pytest>=9.0"]

[tool.setuptools]
py-modules = ["$name"]

[tool.pytest.ini_options]
addopts = ["--strict-markers"]
pythonpath = ["."]
testpaths = ["tests"]

[tool.mypy]
files = ["$name.py", "tests"]
strict = true
# An action that is made and not awaited does nothing: mypy says where.
enable_error_code = ["unused-awaitable"]
"""

SETTINGS: Final = """\
# Secrets (passwords, tokens) do not belong here: they come from the environment. `bizproc doctor` says what is amiss.
store = "sqlite:///$name.db"
processes = ["$name"]
time_zone = "UTC"
currency = "EUR"
language = "en"
"""

GITIGNORE: Final = """\
/.venv/
/build/
/dist/
/*.egg-info/
/.hypothesis/
/.mypy_cache/
/.pytest_cache/
__pycache__/

# Stores, with their log, lock, files and copies.
/*.db
/*.db-*
/*.db.*
"""

MAKEFILE: Final = """\
# Where bizproc is installed from: a wheel, or the folder of its source.
BIZPROC ?=
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test
.DELETE_ON_ERROR:

demo: demo.db
	@$$(BIN)/bizproc start $name.follow_up --document deal:1 --store sqlite:///demo.db --id demo
	@$$(BIN)/bizproc show demo --store sqlite:///demo.db

test: .venv/.made
	@$$(BIN)/python -m pytest -q
	@$$(BIN)/mypy

demo.db: .venv/.made data/deals.csv
	@rm -rf demo.db demo.db-* demo.db.*
	@$$(BIN)/bizproc import data --store sqlite:///demo.db

.venv/.made: pyproject.toml
	@test -n '$$(BIZPROC)' || { echo 'Say where bizproc is: make test BIZPROC=a-wheel-or-folder' >&2; exit 1; }
	@'$$(PYTHON)' -m venv .venv
	@$$(BIN)/python -m pip --disable-pip-version-check --quiet install '$$(BIZPROC)'
	@$$(BIN)/python -m pip --disable-pip-version-check --quiet install --editable '.[test]'
	@touch $$@
"""

README: Final = """\
# $name

Processes that act on a CRM: `$name.py`. Their tests: `tests/`.

## Installing bizproc

bizproc $version is in no package index; something of its name there would not be it. It is installed from a wheel, or
from the folder of its source, and you say where that is, once:

```
make test BIZPROC=$source
```

Without make:

```
python3 -m venv .venv
.venv/bin/pip install $source
.venv/bin/pip install --editable '.[test]'
```

## Two commands

```
make demo    # the process on a deal of data/deals.csv: what it did, and what it waits for
make test    # the tests, and the types
```

## On your own data

```
.venv/bin/bizproc import data                                 # CSV files into the store that bizproc.toml names
.venv/bin/bizproc start $name.follow_up --document deal:1     # once, by hand
.venv/bin/bizproc serve                                       # keeps everything running
.venv/bin/bizproc ps                                          # what runs, and what it waits for
.venv/bin/bizproc check                                       # what in the code would not survive a stop
.venv/bin/bizproc doctor                                      # what is amiss here, and how to mend it
.venv/bin/bizproc actions                                     # what processes can do
```
"""

DEALS: Final = """\
id,origin_id,title,stage_id,company_id,contact_id,responsible_id,currency,opportunity,begin_date,close_date,moved_at,\
delivery_address,delivery_city,delivery_country
1,,Tea for Lyon,NEW,,,,EUR,180.00,,,,,,
"""

_FILES: Final = {
    "$name.py": PROCESS,
    "tests/test_$name.py": TEST,
    "pyproject.toml": PYPROJECT,
    "bizproc.toml": SETTINGS,
    ".gitignore": GITIGNORE,
    "Makefile": MAKEFILE,
    "README.md": README,
    "data/deals.csv": DEALS,
}
