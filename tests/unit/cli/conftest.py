"""A folder to work in, the command line to call in it, and a module with processes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bizproc.cli import main
from tests.unit.csv_company import Company

Run = Callable[..., Result]

SALES = '''
from datetime import timedelta
from decimal import Decimal

from bizproc import Retry, action, crm, note, process, wait
from bizproc.model import Deal


@process("sales.follow_up")
async def follow_up(deal: Deal, *, discount: Decimal = Decimal(5), important: bool = False) -> str:
    """Offer the sampler, then follow the deal.

    Args:
        discount: Percent off the sampler.
    """
    await crm.deal.add_product(1, price=Decimal("18.00"), quantity=10, discount_percent=discount)
    reached = await wait.until_stage("EXECUTING", timeout=timedelta(days=14))
    return str(reached.stage)


@process("sales.greet")
async def greet(*, name: str, id: int = 0) -> str:
    await note("greeted \\x1b[31m[bold]", name=name)
    return f"Hello {name} {id}"


@process("sales.fail")
async def fail() -> None:
    raise ValueError("no luck [bold]")


@action("register.look_up", retry=Retry(attempts=5, first_delay=timedelta(days=1)))
async def look_up() -> str:
    raise ConnectionError("no [register] today")


@process("sales.enrich")
async def enrich() -> str:
    return await look_up()


@process("sales.close")
async def close(deal: Deal) -> None:
    await crm.deal.change_stage("LOSE")
'''


MODULES = ("sales", "tea", "broken", "other", "again", "elsewhere")


def forget_modules() -> None:
    """Modules of the folders that tests work in."""
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory: empty, but for a module `sales`. The environment says nothing of bizproc."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("BIZPROC_STORE", "BIZPROC_PROCESSES", "BIZPROC_TIME_ZONE", "BIZPROC_CURRENCY", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "sales.py").write_text(SALES, "utf-8")
    yield tmp_path
    forget_modules()


@pytest.fixture
def run(here: Path) -> Run:
    """Call the command line."""

    def run(*arguments: object, **options: Any) -> Result:
        forget_modules()
        return CliRunner().invoke(main, list(map(str, arguments)), **options)

    return run


@pytest.fixture
def company(here: Path, run: Run) -> Company:
    """A small company in the store."""
    company = Company()
    assert run("import", company.write(here / "csv")).exit_code == 0
    return company


@pytest.fixture
def start(run: Run) -> Run:
    """`bizproc start … --processes sales`."""
    return lambda *arguments, **options: run("start", *arguments, "--processes", "sales", **options)
