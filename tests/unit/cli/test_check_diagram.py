"""`bizproc check` and `bizproc diagram`: what they read, what they say, and their exit codes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.unit.cli.conftest import SALES, Run
from tests.unit.csv_company import Company

BAD = SALES.replace('    await crm.deal.change_stage("LOSE")', '    crm.deal.change_stage("LOSE")')
PICTURE = "{http://www.w3.org/2000/svg}svg"


def test_code_in_which_nothing_is_wrong_is_passed(run: Run) -> None:
    ran = run("check", "sales.py")
    assert (ran.exit_code, ran.stdout) == (0, "5 processes in 1 file: nothing found.\n")


def test_a_finding_is_said_with_line_and_cure_and_fails(run: Run, here: Path) -> None:
    (here / "sales.py").write_text(BAD, "utf-8")
    ran = run("check", ".")
    line = BAD.splitlines().index('    crm.deal.change_stage("LOSE")') + 1
    assert ran.exit_code == 1
    first, cure, last = ran.stdout.splitlines()
    assert first.startswith(f"sales.py:{line}:5: not-awaited: crm.deal.change_stage(…) is made")
    assert cure == "    Cure: write `await` before it."
    assert last == "5 processes in 1 file: 1 finding."


def test_findings_are_there_as_json(run: Run, here: Path) -> None:
    (here / "sales.py").write_text(BAD, "utf-8")
    ran = run("check", "sales.py", "--json")
    (finding,) = json.loads(ran.stdout)["findings"]
    assert (ran.exit_code, finding["rule"], finding["path"]) == (1, "not-awaited", "sales.py")


def test_without_paths_the_modules_of_the_settings_are_read_and_loaded_and_both_are_said(run: Run, here: Path) -> None:
    (here / "sales.py").write_text(f"{BAD}\nraise SystemExit('run')\n", "utf-8")
    (here / "bizproc.toml").write_text("processes = ['sales']\n")
    ran = run("check")
    assert ran.exit_code == 1
    assert "1 finding" in ran.stdout
    assert "the module 'sales' cannot be loaded: SystemExit: run" in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("check",), "nothing to check"),
        (("check", "nowhere.py"), "there is no file or folder 'nowhere.py'"),
        (("check", "--processes", "nowhere"), "there is no module 'nowhere'"),
        (("diagram", "nothing", "--processes", "sales"), "there is no process 'nothing'"),
        (("diagram", "sales.close", "--processes", "sales", "--coverage", "nowhere"), "cannot be read"),
        (("diagram", "sales.close", "--processes", "sales", "--svg", "no/where.svg"), "cannot be written"),
        (("diagram", "sales.close", "--processes", "sales", "--instance", "x"), "there is no store"),
    ],
)
def test_a_mistake_is_one_line(run: Run, arguments: tuple[str, ...], text: str) -> None:
    ran = run(*arguments)
    assert ran.exit_code == 2
    assert text in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_syntax_errors_are_findings_without_a_traceback(run: Run, here: Path) -> None:
    (here / "broken.py").write_text("def x(:\n")
    ran = run("check", "broken.py")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert ran.exit_code == 1
    assert ran.stdout.startswith(f"broken.py:1:7: unreadable: it is not Python {version}: invalid syntax")


def test_a_process_is_drawn_as_mermaid_and_as_a_picture(run: Run, here: Path) -> None:
    ran = run("diagram", "sales.follow_up", "--processes", "sales", "--svg", "a.svg", "--mermaid")
    assert ran.exit_code == 0
    assert ran.stdout.startswith("flowchart TD\n")
    assert "until_stage" in ran.stdout
    assert ET.fromstring((here / "a.svg").read_text("utf-8")).tag == PICTURE  # noqa: S314  we drew it ourselves
    assert run("diagram", "sales.follow_up", "--processes", "sales").stdout == ran.stdout


@pytest.mark.usefixtures("company")
def test_an_instance_is_drawn_where_it_stands(run: Run, start: Run, company: Company) -> None:
    start("sales.follow_up", "--document", "deal:2", "--id", "tea")
    ran = run("diagram", "sales.follow_up", "--processes", "sales", "--instance", "tea", "--json")
    assert [each["mark"] for each in json.loads(ran.stdout)["steps"]] == ["done", "here"]
    wrong = run("diagram", "sales.close", "--processes", "sales", "--instance", "tea")
    assert (wrong.exit_code, "is one of sales.follow_up" in wrong.stderr) == (2, True)


def test_what_tests_have_seen_is_drawn(run: Run, here: Path) -> None:
    (here / "seen.json").write_text(json.dumps({"sales.close": {"1": {"lines": {}}}}))
    ran = run("diagram", "sales.close", "--processes", "sales", "--coverage", "seen.json")
    assert "not tested" in ran.stdout
    assert "%% Tests have seen 0 of 1 steps" in ran.stdout
