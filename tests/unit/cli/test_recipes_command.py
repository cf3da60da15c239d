"""`bizproc recipes`: with a package that `new` made, really installed, used twice in one project, and upgraded."""

from __future__ import annotations

import asyncio
import importlib
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bizproc import Runtime, crm
from bizproc.cli import serve_command
from bizproc.cli.setup import Setup
from bizproc.installed import uses_of
from bizproc.settings import read
from tests.unit.cli.conftest import Run
from tests.unit.recipe_packages import NUDGE, write_package

ROOT = Path(__file__).resolve().parents[3]
STORE = "sqlite:///bizproc.db"

PROJECT = """# Ours.
[recipes.soon]
recipe = "tea.nudge"  # the quick one
after = "4 hours"

[recipes.late]
recipe = "tea.nudge"
text = "Write"
"""


def forget(*names: str) -> None:
    for name in list(sys.modules):
        if name.partition(".")[0] in names:
            del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def site(here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path, with the package `tea`; the project uses its recipe twice."""
    folder = here / "site"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    monkeypatch.setenv("PYTHONPATH", f"{folder}:{ROOT}")
    write_package(folder, "tea", "tea_recipes", version="1.2")
    (here / "bizproc.toml").write_text(PROJECT, "utf-8")
    yield folder
    forget("tea_recipes", "tea_broken", "tea_more", "tea_nudge", "bizproc_tea")


def upgrade(folder: Path, *changes: tuple[str, str], version: str = "2.0") -> None:
    """Another release of the package."""
    code = NUDGE
    for before, after in changes:
        assert before in code
        code = code.replace(before, after)
    write_package(folder, "tea", "tea_recipes", code, version=version)
    # Two releases within a second, and of one length, would have the same bytecode to Python.
    for cached in folder.rglob("*.pyc"):
        cached.unlink()
    forget("tea_recipes")


def recorded(here: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((here / "bizproc.recipes.json").read_text("utf-8"))
    return told


async def _store(here: Path, *, start: bool = False) -> None:
    settings = read(here, {})
    async with Runtime.open(STORE, settings=settings) as runtime:
        deal = await runtime.perform(crm.deal.create(title="Tea"))
        for process in uses_of(settings).processes if start else ():
            await runtime.start(process(deal), id=process.name)
        await runtime.settled()


def make_store(here: Path, *, start: bool = False) -> None:
    asyncio.run(_store(here, start=start))


# -- which there are ---------------------------------------------------------------------------------------------------


def test_all_that_are_installed_are_listed_with_their_uses(site: Path, run: Run) -> None:
    result = run("recipes", "list")
    assert result.exit_code == 0
    assert "tea.nudge" in result.output
    assert "tea 1.2" in result.output
    assert "soon, late" in result.output


def test_one_that_is_broken_is_listed_with_its_error_and_when_asked_its_traceback(site: Path, run: Run) -> None:
    write_package(site, "bad", "tea_broken", "raise ValueError('no [bold] luck')\n", points="tea.bad = {module}:none")
    result = run("recipes", "list")
    assert result.exit_code == 0
    assert "no [bold] luck" in result.output
    assert "Traceback" not in result.output
    assert "tea_broken.py" in run("recipes", "list", "--verbose").output
    told = {each["name"]: each for each in json.loads(run("recipes", "list", "--json").output)}
    assert "no [bold] luck" in told["tea.bad"]["error"]
    assert told["tea.nudge"]["error"] is None


def test_one_is_shown_with_settings_needs_actions_and_a_section_that_can_be_used(
    site: Path, here: Path, run: Run
) -> None:
    result = run("recipes", "show", "tea.nudge")
    assert result.exit_code == 0
    for told in ("How long it waits.", "stage.deal.NEW", "deal.add_comment", "deal.change_responsible", '"3d"'):
        assert told in result.output
    section = result.output[result.output.index("[recipes.nudge]") :].replace("# ", "")
    (here / "bizproc.toml").write_text(section, "utf-8")
    assert [each.name for each in uses_of(read(here, {})).processes] == ["nudge"]


def test_one_that_is_not_there_is_a_mistake_with_those_that_are_near(site: Path, run: Run) -> None:
    result = run("recipes", "show", "tea.nudeg")
    assert result.exit_code == 2
    assert "tea.nudge" in result.output


def test_a_page_is_written_for_each(site: Path, here: Path, run: Run) -> None:
    assert run("recipes", "docs", "pages").exit_code == 0
    page = (here / "pages" / "tea.nudge.md").read_text("utf-8")
    for told in ("# tea.nudge", "```mermaid", "| `after` |", "`stage.deal.NEW`", "`crm.deal.add_comment`", "```toml"):
        assert told in page
    assert len({line.replace("\\|", "").count("|") for line in page.splitlines() if line.startswith("|")}) == 1


# -- they are processes like others ------------------------------------------------------------------------------------


def test_uses_are_started_shown_and_drawn_as_processes_are(site: Path, here: Path, run: Run) -> None:
    make_store(here)
    assert run("start", "soon", "--document", "deal:1").exit_code == 0
    assert "soon" in run("ps").output
    assert "add_comment" in run("diagram", "late").output
    assert run("check").exit_code == 0
    assert json.loads(run("check", "--json").output)["upgrade"]["counts"] == {"compatible": 1}


def test_a_use_that_is_named_as_a_process_is_refused(site: Path, here: Path, run: Run) -> None:
    (here / "bizproc.toml").write_text(
        'processes = ["sales"]\n[recipes."sales.greet"]\nrecipe = "tea.nudge"\n', "utf-8"
    )
    result = run("start", "sales.close", "--document", "deal:1")
    assert result.exit_code == 2
    assert "sales.greet" in result.output


def test_one_that_is_broken_does_not_keep_the_others_from_being_started(site: Path, here: Path, run: Run) -> None:
    make_store(here)
    (here / "bizproc.toml").write_text(PROJECT + '[recipes.gone]\nrecipe = "tea.gone"\n', "utf-8")
    result = run("start", "soon", "--document", "deal:1")
    assert result.exit_code == 0
    assert "recipes.gone" in result.output
    assert "not installed" in result.output


# -- what is missing ---------------------------------------------------------------------------------------------------


def check(run: Run, **environment: str) -> tuple[int, dict[str, dict[str, Any]]]:
    result = run("recipes", "check", "--json", env=environment)
    return result.exit_code, {each["need"]: each for each in json.loads(result.stdout)["missing"]}


def test_nothing_is_missing_where_all_is_there(site: Path, here: Path, run: Run) -> None:
    make_store(here)
    result = run("recipes", "check")
    assert (result.exit_code, "nothing is missing" in result.output) == (0, True)


def test_without_a_store_what_would_be_looked_for_there_is_missing(site: Path, run: Run) -> None:
    code, found = check(run)
    assert code == 1
    assert "no store" in found["stage.deal.NEW"]["detail"]
    assert found["stage.deal.NEW"]["recipe"] == "tea.nudge"


NEEDS = (
    *("user.absences", "provider.sms", "provider.mail", "field.deal.amount", "field.deal.size", "stage.deal.NOWHERE"),
    *("stage.deal.{text}", "secret.TEA_TOKEN", "bizproc>=99", "bizproc>=0.0.1", "department.sales", "pipeline.deal.No"),
)


def test_each_need_that_is_not_met_is_told_with_the_use_that_wants_it(site: Path, here: Path, run: Run) -> None:
    upgrade(site, ('needs=("stage.deal.NEW",)', f"needs={NEEDS!r}"))
    (here / "bizproc.toml").write_text(
        PROJECT.replace('text = "Write"', 'text = "NEW"\nqueue = ["user:77", "group:nobody"]'), "utf-8"
    )
    make_store(here)
    code, found = check(run)
    assert code == 1
    assert found.keys() == {
        *("user.absences", "provider.sms", "provider.mail", "field.deal.size", "stage.deal.NOWHERE"),
        *("stage.deal.Call", "secret.TEA_TOKEN", "bizproc>=99", "department.sales", "pipeline.deal.No"),
        *("user.77", "group.nobody"),
    }
    assert found["user.absences"]["level"] == "empty"
    assert found["user.77"]["use"] == "late"
    assert "secret.TEA_TOKEN" not in check(run, TEA_TOKEN="x")[1]


def test_what_is_merely_empty_is_told_and_no_failure(site: Path, here: Path, run: Run) -> None:
    upgrade(site, ('needs=("stage.deal.NEW",)', 'needs=("user.absences",)'))
    make_store(here)
    code, found = check(run)
    assert (code, list(found)) == (0, ["user.absences"])


def test_a_provider_that_an_action_needs_is_looked_for_though_nobody_declared_it(
    site: Path, here: Path, run: Run
) -> None:
    upgrade(site, ("await crm.deal.add_comment(text)", "await crm.deal.send_sms(text)"))
    make_store(here)
    code, found = check(run)
    assert (code, list(found)) == (1, ["provider.sms"])


def test_a_filter_on_a_field_that_the_store_has_not_is_told(site: Path, here: Path, run: Run) -> None:
    upgrade(site, *FILTERED)
    change(here, ('text = "Write"', 'only = "custom.size > 3"'))
    make_store(here)
    code, found = check(run)
    assert (code, list(found)) == (1, ["filter"])
    assert found["filter"]["use"] == "late"
    assert "custom.size" in found["filter"]["detail"]


# -- upgrades ----------------------------------------------------------------------------------------------------------


def diff(run: Run) -> tuple[int, list[str], list[dict[str, Any]]]:
    result = run("recipes", "diff", "--json")
    told = json.loads(result.stdout)
    return result.exit_code, [f"{each['use']}: {each['what']}" for each in told["changes"]], told["instances"]


def test_nothing_has_changed_after_it_was_recorded(site: Path, here: Path, run: Run) -> None:
    make_store(here)
    assert run("recipes", "check", "--record").exit_code == 0
    assert diff(run) == (0, [], [])
    assert recorded(here)["uses"].keys() == {"soon", "late"}


def test_what_serve_runs_is_recorded_and_a_record_that_cannot_be_written_stops_nothing(
    site: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    setup = Setup(read(here, {}), STORE, (), json=False)
    serve_command._record(setup)
    assert recorded(here)["uses"]["soon"]["version"] == "1.2"
    (here / "bizproc.recipes.json").write_text("{", "utf-8")
    serve_command._record(setup)
    assert "bizproc.recipes.json" in capsys.readouterr().err


def test_a_use_that_cannot_run_keeps_what_was_recorded_of_it(site: Path, here: Path) -> None:
    setup = Setup(read(here, {}), STORE, (), json=False)
    serve_command._record(setup)
    write_package(site, "tea", "tea_recipes", points="")
    forget("tea_recipes")
    serve_command._record(setup)
    assert recorded(here)["uses"].keys() == {"soon", "late"}


def test_an_upgrade_is_told_with_its_settings_actions_and_needs(site: Path, here: Path, run: Run) -> None:
    make_store(here)
    run("recipes", "check", "--record")
    upgrade(
        site,
        ('text: str = "Call"', 'text: str = "Ring", loud: bool = False'),
        ("        text: What is said.", "        text: What is said.\n        loud: Whether it is."),
        ("return text", "await crm.deal.add_task(text)\n        return text"),
        ('"stage.deal.NEW"', '"stage.deal.WON"'),
    )
    code, told, stuck = diff(run)
    assert (code, stuck) == (0, [])
    late = {each.removeprefix("late: ") for each in told if each.startswith("late: ")}
    assert late == {
        *("tea.nudge tea 1.2 -> tea.nudge tea 2.0", "the setting text: default 'Call' -> 'Ring'"),
        *("the setting loud is new, by default False", "actions: deal.add_task is new", "its code is another"),
        *("needs: stage.deal.WON is new", "needs: stage.deal.NEW is gone"),
    }


def test_live_instances_that_would_not_go_on_are_told(site: Path, here: Path, run: Run) -> None:
    make_store(here, start=True)
    run("recipes", "check", "--record")
    upgrade(site, ("await wait.sleep(after)", "await crm.deal.add_comment('First')"))
    code, _, stuck = diff(run)
    assert code == 1
    assert {each["id"] for each in stuck} == {"soon", "late"}
    text = run("recipes", "diff").output
    assert "soon 1: 1 instance would be stuck: soon" in text
    assert "2 instances: 2 mismatch." in text


def test_a_setting_that_is_gone_breaks_the_section_that_has_it(site: Path, here: Path, run: Run) -> None:
    run("recipes", "check", "--record")
    upgrade(site, ('text: str = "Call"', 'words: str = "Call"'), ("(text)", "(words)"), ("return text", "return words"))
    result = run("recipes", "diff")
    assert result.exit_code == 2
    assert "recipes.late" in result.output
    assert "text" in result.output


def test_instances_of_a_distribution_that_is_gone_are_told_and_stay(site: Path, here: Path, run: Run) -> None:
    make_store(here, start=True)
    run("recipes", "check", "--record")
    write_package(site, "tea", "tea_recipes", points="")
    forget("tea_recipes")
    code, told, stuck = diff(run)
    assert code == 1
    assert any("not installed" in each for each in told)
    assert {each["id"] for each in stuck} == {"soon", "late"}
    assert {each["id"] for each in json.loads(run("ps", "--json").stdout)} == {"soon", "late"}


def test_instances_of_a_section_that_was_renamed_are_told_with_what_now(site: Path, here: Path, run: Run) -> None:
    make_store(here, start=True)
    run("recipes", "check", "--record")
    change(here, ("[recipes.late]", "[recipes.later]"))
    code, told, stuck = diff(run)
    assert code == 1
    assert [(each["id"], each["verdict"]) for each in stuck] == [("late", "unknown")]
    (gone,) = [each for each in told if each.startswith("late: ")]
    assert gone.endswith("Its recipe is used as later now: an instance belongs to the name that it began with")
    for command in (("recipes", "diff"), ("recipes", "check"), ("check",)):
        ran = run(*command)
        assert ran.exit_code == 1
        assert "late 1: 1 instance would be stuck, for their process is not here: late\n" in ran.stdout
        assert "    No process is called late. If it was renamed, or its module or the section " in ran.stdout
    change(here, ("[recipes.later]", "[recipes.late]"))
    assert run("recipes", "diff").exit_code == 0


OWN = """
from datetime import timedelta
from bizproc import process, wait
from bizproc.model import Deal

@process("late")
async def late(deal: Deal) -> None:
    await wait.sleep(timedelta(days=3))
"""


def test_a_section_that_has_become_a_process_of_the_project_is_no_trouble(site: Path, here: Path, run: Run) -> None:
    make_store(here, start=True)
    run("recipes", "check", "--record")
    (here / "tea.py").write_text(OWN, "utf-8")
    text = (here / "bizproc.toml").read_text("utf-8")
    kept, _, _ = text.partition("[recipes.late]")
    (here / "bizproc.toml").write_text(f"processes = ['tea']\n{kept}", "utf-8")
    code, _, stuck = diff(run)
    assert (code, stuck) == (0, [])


def test_a_record_that_is_damaged_is_a_mistake_that_says_what_to_do(site: Path, here: Path, run: Run) -> None:
    for text in ("{", "[]", '{"format": 1}', '{"format": 2, "uses": {}}', '{"format": 1, "uses": {"a": 1}}'):
        (here / "bizproc.recipes.json").write_text(text, "utf-8")
        result = run("recipes", "diff")
        assert (result.exit_code, "--record" in result.output) == (2, True)


# -- settings that are changed -----------------------------------------------------------------------------------------


def change(here: Path, *changes: tuple[str, str]) -> None:
    text = (here / "bizproc.toml").read_text("utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    (here / "bizproc.toml").write_text(text, "utf-8")


@pytest.mark.parametrize("command", [("check",), ("recipes", "check"), ("recipes", "diff")])
def test_what_a_change_of_settings_means_for_live_instances_is_said(
    site: Path, here: Path, run: Run, command: tuple[str, ...]
) -> None:
    make_store(here, start=True)
    assert "other settings" not in run(*command).output
    change(here, ('after = "4 hours"', 'after = "5 hours"\nqueue = "user:1"'))
    result = run(*command)
    assert "soon: other settings since (after, queue): 1 instance goes on with those of the start" in result.output
    assert "late: other settings" not in result.output
    assert "2 instances: 2 compatible." in result.output
    told = json.loads(run("check", "--json").stdout)["upgrade"]["instances"]
    assert {each["id"]: each["settings"] for each in told} == {"soon": ["after", "queue"], "late": []}


def test_recipes_check_says_which_instances_would_be_stuck_and_records_nothing_then(
    site: Path, here: Path, run: Run
) -> None:
    make_store(here, start=True)
    upgrade(site, ("await wait.sleep(after)", "await crm.deal.add_comment('First')"))
    result = run("recipes", "check", "--record")
    assert result.exit_code == 1
    assert "soon 1: 1 instance would be stuck: soon" in result.output
    assert not (here / "bizproc.recipes.json").exists()
    assert json.loads(run("recipes", "check", "--json").stdout)["upgrade"]["counts"] == {"mismatch": 2}


# -- two uses of one recipe --------------------------------------------------------------------------------------------

STARTS = ('@process("tea.nudge")', '@process("tea.nudge", starts=on.stage("deal", stage, where=only))')
FILTERED = (
    STARTS,
    ("import Process,", "import Filter, Process, on,"),
    ('text: str = "Call"', 'text: str = "Call", stage: str = "NEW", only: Filter | None = None'),
    ("        text: What is said.", "        text: What is said.\n        stage: Where.\n        only: Which deals."),
)


@pytest.mark.parametrize(
    ("soon", "late", "told"),
    [
        ("", "", True),
        ('only = "amount > 5"', "", True),
        ('only = "amount > 5"', 'only = "amount > 5"', True),
        ('only = "amount > 5"', 'only = "amount <= 5"', False),
        ('stage = "WON"', "", False),
    ],
)
def test_two_uses_that_start_on_the_same_things_are_told_if_it_is_sure(
    site: Path, here: Path, run: Run, soon: str, late: str, told: bool
) -> None:
    upgrade(site, *FILTERED)
    change(here, ('after = "4 hours"', soon), ('text = "Write"', late))
    make_store(here)
    result = run("recipes", "check")
    assert result.exit_code == 0, result.output
    assert ("soon and late (tea.nudge): both start on deal.stage_changed" in result.output) == told
    assert ("tell them apart by only" in result.output) == told
    assert len(json.loads(run("recipes", "check", "--json").stdout)["overlapping"]) == int(told)


def test_two_uses_that_a_clock_or_a_person_starts_are_not_told(site: Path, here: Path, run: Run) -> None:
    make_store(here)
    assert "both start" not in run("recipes", "check").output
    upgrade(
        site,
        ('@process("tea.nudge")', '@process("tea.nudge", starts=on.cron("0 9 * * *"))'),
        ("import Process,", "import Process, on,"),
        ("async def run(deal: Deal)", "async def run()"),
    )
    assert "both start" not in run("recipes", "check").output


# -- what was not meant ------------------------------------------------------------------------------------------------


def test_a_recipe_that_is_misspelt_is_told_with_what_may_have_been_meant(site: Path, here: Path, run: Run) -> None:
    make_store(here)
    change(here, ('recipe = "tea.nudge"\ntext', 'recipe = "tea.nuge"\ntext'))
    for command in ("check", "list", "diff", "test"):
        result = run("recipes", command)
        assert "tea.nuge" in result.output, command
        assert "Did you mean tea.nudge?" in result.output, command
    assert "2 uses of recipes: something is missing." in run("recipes", "check").output


def test_without_uses_the_test_says_what_there_is(site: Path, here: Path, run: Run) -> None:
    (here / "bizproc.toml").write_text("", "utf-8")
    result = run("recipes", "test")
    assert result.exit_code == 0
    assert "Nothing to test" in result.output
    assert "Installed: tea.nudge" in result.output
    assert "bizproc recipes show tea.nudge" in result.output


# -- a copy of one's own -----------------------------------------------------------------------------------------------


def test_an_ejected_recipe_is_the_projects_own_and_its_instances_go_on(site: Path, here: Path, run: Run) -> None:
    make_store(here, start=True)
    result = run("recipes", "eject", "soon")
    assert result.exit_code == 0
    told = (here / "bizproc.toml").read_text("utf-8")
    assert told == PROJECT.replace('"tea.nudge"', '"tea_nudge:nudge"')
    assert (here / "tea_nudge.py").read_text("utf-8") == NUDGE
    write_package(site, "tea", "tea_recipes", points="")
    forget("tea_recipes")
    assert json.loads(run("check", "--json").stdout)["upgrade"]["counts"] == {"compatible": 2}
    assert "[recipes.soon]: tea_nudge:nudge, the project's own." in run("recipes", "list").output
    assert "tests" not in run("recipes", "test", "soon").output


def test_nothing_is_written_over_when_a_recipe_is_ejected(site: Path, here: Path, run: Run) -> None:
    (here / "tea_nudge.py").write_text("mine", "utf-8")
    result = run("recipes", "eject", "tea.nudge")
    assert result.exit_code == 2
    assert (here / "tea_nudge.py").read_text("utf-8") == "mine"
    assert (here / "bizproc.toml").read_text("utf-8") == PROJECT


# -- a package of one's own --------------------------------------------------------------------------------------------


def test_a_new_package_has_a_name_and_a_place_of_its_own(site: Path, here: Path, run: Run) -> None:
    assert run("recipes", "new", "recipes/tea").exit_code == 0
    told = tomllib.loads((here / "recipes" / "tea" / "pyproject.toml").read_text("utf-8"))
    assert told["project"]["entry-points"]["bizproc.recipes"] == {"tea.reminder": "bizproc_tea.reminder:reminder"}
    assert run("recipes", "new", "recipes/tea").exit_code == 2
    assert run("recipes", "new", "recipes/3 tea").exit_code == 2


@pytest.mark.skipif(find_spec("hatchling") is None, reason="packages are built by hatchling")
def test_a_new_package_installs_and_passes_its_tests_and_is_used_twice(site: Path, here: Path, run: Run) -> None:
    run("recipes", "new", "recipes/tea")
    flags = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *flags, "--target", str(site), str(here / "recipes" / "tea")],
        check=True,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    forget("bizproc_tea")
    (here / "bizproc.toml").write_text(
        '[recipes.early]\nrecipe = "tea.reminder"\nafter = "1 day"\n[recipes.late]\nrecipe = "tea.reminder"\n', "utf-8"
    )
    make_store(here)
    assert run("recipes", "check", "--record").exit_code == 0
    result = run("recipes", "test", "--json")
    told = json.loads(result.stdout)
    assert [(each["subject"], each["verdict"]) for each in told] == [
        ("bizproc_tea.tests", "passed"),
        ("early", "passed"),
        ("late", "passed"),
    ], result.output
    assert "4 passed" in told[0]["detail"]
    assert diff(run) == (0, [], [])


def test_a_recipe_that_breaks_its_contract_fails_and_says_how(site: Path, here: Path, run: Run) -> None:
    upgrade(site, ("    @process", "    import time\n    time.time()\n\n    @process"))
    result = run("recipes", "test", "soon")
    assert result.exit_code == 1
    assert "time.time" in result.output
    assert "ships no tests" in result.output
