"""`bizproc ps` and `bizproc show`: what is told of instances, and that texts from the store are safe to print."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bizproc.cli.ps_command import MOST
from bizproc.cli.recorded import shown, waits_text
from tests.unit.cli.conftest import Run
from tests.unit.cli.programs import serving
from tests.unit.csv_company import Company

pytestmark = pytest.mark.usefixtures("company")


@pytest.fixture
def started(company: Company, start: Run) -> None:
    """Three instances: one waits, one is done, one has failed."""
    start("sales.follow_up", "--document", "deal:2", "--id", "tea")
    start("sales.greet", "--name", "Noa", "--id", "hello")
    start("sales.fail", "--id", "bad")


def ids(run: Run, *arguments: str) -> list[str]:
    return [each["id"] for each in json.loads(run("ps", "--json", *arguments).stdout)]


def test_without_instances_it_says_so(run: Run) -> None:
    ran = run("ps")
    assert (ran.exit_code, ran.stdout) == (0, "No instances in sqlite:///bizproc.db.\n")


@pytest.mark.usefixtures("started")
def test_instances_are_listed_the_newest_last(run: Run) -> None:
    ran = run("ps")
    assert ran.exit_code == 0
    header, _, *lines = ran.stdout.splitlines()
    assert header.split()[:4] == ["id", "process", "document", "state"]
    assert [line.split()[0] for line in lines] == ["tea", "hello", "bad"]
    assert lines[0].split()[2:4] == ["deal:2", "waiting"]
    until = datetime.fromisoformat(" ".join(lines[0].split()[-2:])).replace(tzinfo=UTC)
    assert timedelta(days=13) < until - datetime.now(UTC) < timedelta(days=15)
    assert lines[2].split()[-2:] == ["failed", "ValueError"]


@pytest.mark.usefixtures("started")
def test_the_list_can_be_narrowed(run: Run) -> None:
    assert ids(run) == ["tea", "hello", "bad"]
    assert ids(run, "--process", "sales.greet") == ["hello"]
    assert ids(run, "--status", "waiting") == ["tea"]
    assert ids(run, "--document", "deal:2") == ["tea"]
    assert ids(run, "--limit", "2") == ["hello", "bad"]
    assert ids(run, "--process", "sales.greet", "--status", "failed") == []


def test_of_many_instances_the_newest_are_shown(run: Run, monkeypatch: pytest.MonkeyPatch, start: Run) -> None:
    monkeypatch.setattr("bizproc.cli.ps_command.MOST", 2)
    for name in ("a", "b", "c"):
        start("sales.greet", "--name", name, "--id", name)
    lines = run("ps").stdout.splitlines()
    assert [line.split()[0] for line in lines[2:4]] == ["b", "c"]
    assert lines[4] == "These are the newest 2. Older ones: --limit, or one of the filters."
    assert MOST == 100


@pytest.mark.usefixtures("started")
def test_an_instance_is_shown_with_its_steps_and_notes(run: Run) -> None:
    ran = run("show", "hello")
    assert ran.exit_code == 0
    assert "process    sales.greet, version 1" in ran.stdout
    assert "state      completed" in ran.stdout
    assert "result     Hello Noa 0" in ran.stdout
    assert "name=Noa" in ran.stdout
    waiting = run("show", "tea").stdout
    assert "deal.add_product(discount_percent=5, price=18, product=1, quantity=10)" in waiting
    assert 'until_stage(stages=["EXECUTING"], timeout=14d)' in waiting
    assert "open until" in waiting


@pytest.mark.usefixtures("started")
def test_a_failed_instance_is_shown_with_the_users_lines_of_its_error(run: Run) -> None:
    ran = run("show", "bad")
    assert 'raise ValueError("no luck [bold]")' in ran.stdout
    assert "core/driver.py" not in ran.stdout
    assert "Put right what went wrong" in ran.stdout


def test_a_step_that_is_tried_again_is_shown_with_its_attempts_and_last_error(run: Run, start: Run) -> None:
    start("sales.enrich", "--id", "one")
    said = run("show", "one").stdout
    assert "Step 0 has failed once and is tried again at " in said
    assert "\nConnectionError: no [register] today\n" in said
    (step,) = json.loads(run("show", "one", "--json").stdout)["retrying"]
    assert (step["step"], step["attempts"]) == ("0", 1)
    assert step["error"] == {"class": "ConnectionError", "text": "no [register] today"}


@pytest.mark.usefixtures("started")
def test_texts_from_the_store_cannot_control_the_terminal(run: Run) -> None:
    shown = run("show", "hello").stdout
    assert "greeted \\x1b[31m[bold]" in shown
    assert "\x1b" not in shown
    assert "no luck [bold]" in run("show", "bad").stdout


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize("width", [40, 80, 120])
def test_nothing_is_wider_than_the_terminal(run: Run, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for arguments in (["ps"], ["show", "tea"], ["show", "hello"], ["actions"], ["actions", "crm.deal.create"]):
        assert max(map(len, run(*arguments).stdout.splitlines())) <= width, arguments


@pytest.mark.parametrize("width", [50, 60, 80])
def test_ids_and_states_are_whole_on_a_narrow_terminal(
    run: Run, start: Run, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    start("sales.follow_up", "--document", "deal:2", "--id", "sales.follow_up-2026-11")
    start("sales.fail", "--id", "sales.fail-2026-12")
    monkeypatch.setenv("COLUMNS", str(width))
    lines = run("ps").stdout.splitlines()
    assert max(map(len, lines)) <= width
    for words in (("sales.follow_up-2026-11", "waiting"), ("sales.fail-2026-12", "failed")):
        assert any(set(words) <= set(line.split()) for line in lines), lines


@pytest.mark.usefixtures("started")
def test_an_instance_is_shown_as_json(run: Run) -> None:
    shown = json.loads(run("show", "tea", "--json").stdout)
    assert (shown["id"], shown["state"], shown["document"]) == ("tea", "waiting", "deal:2")
    first = shown["steps"][0]
    assert (first["name"], first["outcome"]) == ("deal.add_product", "returned")
    assert first["arguments"] == {"product": 1, "price": "18", "quantity": 10, "discount_percent": "5"}
    assert json.loads(run("show", "bad", "--json").stdout)["error"]["class"] == "ValueError"
    assert json.loads(run("show", "hello", "--json").stdout)["notes"][0]["facts"] == {"name": "Noa"}


def test_an_instance_that_is_not_there_is_one_line(run: Run) -> None:
    ran = run("show", "nobody")
    assert ran.exit_code == 2
    assert ran.stderr == "bizproc: there is no instance nobody. `bizproc ps` lists those that exist.\n"


HEARING = """
from datetime import timedelta
from bizproc import on, process, wait
from bizproc.model import Deal

@process("tea.hear")
async def hear(deal: Deal) -> None:
    await wait.for_event(on.incoming("email", deal), timeout=timedelta(days=30))
"""


def test_a_wait_for_an_event_is_told_as_it_is_typed(run: Run, here: Path) -> None:
    (here / "tea.py").write_text(HEARING, "utf-8")
    assert run("start", "tea.hear", "--document", "deal:1", "--id", "tea-1", "--processes", "tea").exit_code == 0
    told = 'for_event(on.incoming("email", deal:1), timeout=30d)'
    assert told in run("ps").stdout
    assert run("show", "tea-1").stdout.count(told) == 2


@pytest.mark.parametrize(
    ("recorded", "text"),
    [
        (None, "something"),
        ('sleep("duration":{"$timedelta":864000000000})', "sleep(duration=10d)"),
        ('wait until_stage("stages":["A"],"timeout":{"$timedelta":60000000})', 'until_stage(stages=["A"], timeout=1m)'),
        ("signal approved()", "signal approved()"),
    ],
)
def test_what_is_waited_for_is_said_as_people_read_it(recorded: str | None, text: str) -> None:
    assert waits_text(recorded) == text


def test_a_filter_in_a_step_is_shown_in_words() -> None:
    form = {"version": 1, "where": ["<", "updated_at", {"$datetime": "2026-08-26T14:43:15Z"}]}
    assert shown({"$object": ["Filter", form]}) == "updated_at < 2026-08-26T14:43:15Z"
    unknown = {"$object": ["Filter", {"version": 99, "where": []}]}
    assert json.loads(shown(unknown)) == unknown


RACING = """
from datetime import timedelta
from bizproc import on, process, race, wait
from bizproc.model import Deal

@process("tea.race")
async def racing(deal: Deal) -> None:
    await race(wait.for_event(on.changed(deal)), wait.for_signal("yes", timeout=timedelta(days=2)))
    await wait.for_signal("after")
"""


def test_a_wait_that_lost_its_race_is_not_shown_as_open(run: Run, here: Path, company: Company) -> None:
    assert company
    (here / "tea.py").write_text(RACING, "utf-8")
    with serving(here, "--json", "--processes", "tea") as served:
        served.event("serving")
        assert run("start", "tea.race", "--document", "deal:1", "--id", "tea-1", "--processes", "tea").exit_code == 0
        assert run("signal", "tea-1", "yes").exit_code == 0
        shown = run("show", "tea-1").stdout
        told = json.loads(run("show", "tea-1", "--json").stdout)
        assert run("terminate", "tea-1", "--reason", "enough").exit_code == 0
        ended = run("show", "tea-1").stdout
    (lost,) = [line for line in shown.splitlines() if line.startswith("0.0.0")]
    assert "given up: its branch was over first" in lost
    assert {step["address"]: step["outcome"] for step in told["steps"]} == {
        "0.0.0": "given up",
        "0.1.0": "returned",
        "1": "began",
    }
    assert "given up when the instance ended" in ended
    assert " open" not in ended


def test_of_a_queue_in_a_step_is_shown_what_it_says() -> None:
    plain: dict[str, object] = {
        "capacity": None,
        "catch_up": False,
        "hours": False,
        "load": "open_items",
        "nobody": "keep",
        "priority": 0,
    }
    queue = {**plain, "members": [1, 2], "pick": "in_order", "weights": {}}
    assert shown({"$object": ["UserQueue", queue]}) == "UserQueue(members=[1, 2], pick=in_order)"
