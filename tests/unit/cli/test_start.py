"""`bizproc start`: the flags of the start form, what is said at the end, and every mistake on the way."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from bizproc import crm
from bizproc.runtime import Runtime
from tests.unit.cli.conftest import SALES, Run
from tests.unit.csv_company import Company

COMPANY = pytest.mark.usefixtures("company")


@COMPANY
def test_a_process_that_waits_says_for_what_and_until_when(start: Run) -> None:
    ran = start("sales.follow_up", "--document", "deal:2", "--discount", "7")
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.stdout.startswith("sales.follow_up-1: sales.follow_up on deal:2 waits for until_stage(")
    assert ran.stdout.rstrip().endswith("(UTC).")


@COMPANY
def test_a_process_that_is_done_says_what_it_returned(start: Run) -> None:
    ran = start("sales.greet", "--name", "Noa")
    assert (ran.exit_code, ran.stdout) == (0, "sales.greet-1: sales.greet has returned 'Hello Noa 0'.\n")


@COMPANY
def test_a_process_that_failed_is_exit_code_1(start: Run) -> None:
    ran = start("sales.fail")
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert ran.stderr == (
        "bizproc: instance sales.fail-1 of sales.fail failed: ValueError: no luck [bold]\n"
        "More: bizproc show sales.fail-1\n"
    )


@COMPANY
def test_a_process_that_ends_itself_says_by_what(start: Run) -> None:
    assert start("sales.close", "--document", "deal:2").stdout == (
        "sales.close-1: sales.close on deal:2 has ended: stage changed.\n"
    )


@COMPANY
def test_the_answer_can_be_json(start: Run) -> None:
    waiting = json.loads(start("sales.follow_up", "--document", "deal:2", "--json").stdout)
    assert (waiting["state"], waiting["document"], waiting["result"]) == ("waiting", "deal:2", None)
    assert waiting["until"].endswith("Z")
    assert json.loads(start("sales.greet", "--name", "Noa", "--json").stdout)["result"] == "Hello Noa 0"
    failed = start("sales.fail", "--json")
    assert failed.exit_code == 1
    assert json.loads(failed.stdout)["error"] == {"class": "ValueError", "text": "no luck [bold]"}


@COMPANY
def test_the_same_id_gives_the_same_instance(start: Run) -> None:
    first = start("sales.greet", "--name", "Noa", "--id", "noa")
    again = start("sales.greet", "--name", "Noa", "--id", "noa")
    assert first.stdout == again.stdout == "noa: sales.greet has returned 'Hello Noa 0'.\n"
    other = start("sales.greet", "--name", "Kim", "--id", "noa")
    assert other.exit_code == 2
    assert other.stderr.startswith("bizproc: instance noa exists and was started with other arguments:")


@COMPANY
def test_a_second_start_on_one_document_is_refused(start: Run) -> None:
    start("sales.follow_up", "--document", "deal:2", "--id", "first")
    ran = start("sales.follow_up", "--document", "deal:2")
    assert ran.exit_code == 2
    assert "already runs on deal 2 (instance first)" in ran.stderr


def test_a_flag_that_the_command_has_itself_is_told_apart(start: Run) -> None:
    assert "Hello Noa 7" in start("sales.greet", "--name", "Noa", "--form-id", "7").stdout


@COMPANY
@pytest.mark.parametrize("flag", [["--important"], ["--important", "yes"], ["--important=no"]])
def test_a_yes_or_no_may_stand_alone(start: Run, flag: list[str]) -> None:
    assert start("sales.follow_up", "--document", "deal:2", *flag).exit_code == 0


def test_help_after_a_process_shows_its_form(start: Run) -> None:
    ran = start("sales.follow_up", "--help")
    assert ran.exit_code == 0
    for part in (
        "Offer the sampler",
        "--discount Decimal",
        "Percent off the sampler.",
        "default: 5",
        "--document KIND:ID",
    ):
        assert part in ran.stdout


def test_processes_are_found_by_the_settings_too(run: Run, here: Path) -> None:
    (here / "bizproc.toml").write_text("processes = ['sales']")
    assert "Hello Noa" in run("start", "sales.greet", "--name", "Noa").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["sales.gret"],
            "there is no process 'sales.gret'. Did you mean sales.greet?",
        ),
        (["--name", "x", "sales.greet"], "--name stands before the process: write bizproc start PROCESS --name …."),
        (["sales.greet", "--nme", "x"], "sales.greet has no flag --nme. Its flags: --name, --form-id."),
        (["sales.greet", "--name"], "sales.greet: option '--name' requires an argument. Its flags: --name, --form-id."),
        (["sales.greet", "x"], "sales.greet: got unexpected extra argument (x). Its flags: --name, --form-id."),
        (["sales.greet"], "sales.greet: parameter name: expected str, got nothing. Its flags: --name, --form-id."),
        (["sales.greet", "--name", "x", "--form-id", "y"], "sales.greet: parameter id: expected int, got 'y' (str)."),
        (
            ["sales.greet", "--name", "x", "--document", "deal:1"],
            "sales.greet runs on no document: leave --document out.",
        ),
        (["sales.fail", "--x", "1"], "sales.fail has no flag --x. Its flags: none, for it has no start form."),
        (["sales.follow_up"], "sales.follow_up runs on a deal: say which, as --document deal:5."),
        (["sales.follow_up", "--document", "contact:1"], "sales.follow_up runs on a deal, and contact:1 is none."),
        (
            ["sales.follow_up", "--document", "deal"],
            "--document: expected a kind of item and an id, as deal:5, got 'deal'.",
        ),
        (["sales.follow_up", "--document", "deal:99"], "there is no deal 99."),
        (
            ["sales.follow_up", "--document", "deal:1", "--discount", "x"],
            "sales.follow_up: parameter discount: expected Decimal, as 7 or 7.50, got 'x' (str).",
        ),
    ],
)
@COMPANY
def test_a_mistake_is_one_line_and_starts_nothing(start: Run, run: Run, arguments: list[str], said: str) -> None:
    ran = start(*arguments)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"bizproc: {said}")
    assert ran.stderr.count("\n") == 1
    assert json.loads(run("ps", "--json").stdout) == []


def test_without_a_process_it_asks_for_one(run: Run) -> None:
    ran = run("start")
    assert ran.exit_code == 2
    assert ran.stderr.startswith("bizproc: say which process to start: bizproc start PROCESS.")


def test_without_modules_it_asks_for_them(run: Run) -> None:
    ran = run("start", "sales.greet")
    assert ran.exit_code == 2
    assert "name their module, as `--processes sales`" in ran.stderr


def test_a_document_in_a_store_that_is_not_there_makes_no_store(start: Run, here: Path) -> None:
    ran = start("sales.follow_up", "--document", "deal:1")
    assert ran.exit_code == 2
    assert ran.stderr.startswith("bizproc: there is no store sqlite:///bizproc.db yet:")
    assert not (here / "bizproc.db").exists()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def f(:", "the module 'broken' cannot be loaded: SyntaxError: invalid syntax ("),
        ("\nx = 1 / 0", "the module 'broken' cannot be loaded: ZeroDivisionError: division by zero ("),
        ("import nothere", "the module 'broken' cannot be loaded: ModuleNotFoundError: No module named 'nothere' ("),
        ("raise SystemExit(3)", "the module 'broken' cannot be loaded: SystemExit: 3 ("),
        (
            "from bizproc import process\n@process('a')\nasync def a(x): ...",
            "the module 'broken' cannot be loaded: ProcessDefinitionError: process a: its first parameter",
        ),
    ],
)
def test_a_module_that_cannot_be_loaded_is_one_line_with_its_place(run: Run, here: Path, code: str, said: str) -> None:
    (here / "broken.py").write_text(code)
    ran = run("start", "x", "--processes", "broken")
    assert ran.exit_code == 2
    assert ran.stderr.startswith(f"bizproc: {said}")
    assert f"{here / 'broken.py'}, line " in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_module_that_is_not_there_is_one_line(run: Run, here: Path) -> None:
    ran = run("start", "x", "--processes", "nowhere.at_all")
    assert ran.exit_code == 2
    assert ran.stderr.startswith("bizproc: there is no module 'nowhere.at_all' to find processes in: looked in ")


def test_two_processes_of_one_name_are_refused(run: Run, here: Path) -> None:
    (here / "other.py").write_text(SALES)
    ran = run("start", "sales.greet", "--processes", "sales", "--processes", "other")
    assert ran.exit_code == 2
    assert "sales and other each have a process 'sales.follow_up' of version 1" in ran.stderr


def test_a_process_that_two_modules_share_is_one(run: Run, here: Path) -> None:
    (here / "again.py").write_text("from sales import *")
    for flags in (["--processes", "sales", "--processes", "again"], ["--processes", "sales,again"]):
        assert run("start", "sales.greet", "--name", "Noa", *flags).exit_code == 0


def test_the_company_has_what_these_tests_start_on(company: Company) -> None:
    assert company.rows["deals"][1].startswith("2,,Pots for Mill Lane,NEW")


CONTRACTS = """
from bizproc import process
from bizproc.model import SmartItem


@process("contracts.read")
async def read(item: SmartItem) -> str:
    return f"{item.item_type} {item.id} {item.title}"
"""


@pytest.fixture
def contract(here: Path) -> None:
    """Two smart items in the store, of a type each."""

    async def fill() -> None:
        async with Runtime.open_asleep(f"sqlite:///{here / 'bizproc.db'}") as runtime:
            for code in ("contract", "annex"):
                await runtime.perform(crm.smart_type.create(code=code, title=code.title()))
                await runtime.perform(crm.item(code).create())

    asyncio.run(fill())
    (here / "other.py").write_text(CONTRACTS, "utf-8")


@pytest.mark.usefixtures("contract")
def test_a_smart_item_is_named_by_its_type(run: Run) -> None:
    said = run("start", "contracts.read", "--document", "contract:1", "--processes", "other").stdout
    assert said.startswith("contracts.read-1: contracts.read on contract:1 has returned 'contract 1 ")
    assert "contracts.read-1" in run("ps", "--document", "contract:1").stdout
    for document in ("contract:2", "annex:1", "contract:9"):
        ran = run("start", "contracts.read", "--document", document, "--processes", "other")
        assert (ran.exit_code, ran.stdout) == (2, "")
        assert "there is no " in ran.stderr
