"""`bizproc serve` as a real program, steered with every other command beside it, stopped, killed and begun again."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bizproc.store.sqlite import driver
from tests.unit.cli.conftest import Run
from tests.unit.cli.programs import BOUND, Serving, serving

TEA = '''
import asyncio
import os
import time
from datetime import timedelta
from pathlib import Path

from bizproc import action, process, wait
from bizproc.model import Deal


@action("tea.brew")
async def brew(name: str) -> str:
    """Takes as long as there is no file of this name; then it is done."""
    Path(f"{name}.begun").touch()
    while not Path(f"{name}.done").exists():
        await asyncio.sleep(0.01)
    return name


@action("tea.hold")
async def hold() -> None:
    """Ends for nobody."""
    Path("held").touch()
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass


@action("tea.block")
async def block() -> None:
    """Keeps the whole program waiting."""
    Path("blocked").touch()
    time.sleep(3600)


@process("tea.stay")
async def stay(*, blocking: bool) -> None:
    await (block() if blocking else hold())


@action("tea.pour")
async def pour() -> None:
    if not Path("cup").exists():
        raise LookupError("no cup")


@process("tea.ask")
async def ask() -> str:
    answer = await wait.for_signal("answer", timeout=timedelta(days=3))
    return "none" if answer.timed_out else f"{answer.value}"


@process("tea.hear")
async def hear(*, name: str = "answer") -> str:
    """Waits for a signal of whatever name."""
    answer = await wait.for_signal(name, timeout=timedelta(days=3))
    return "none" if answer.timed_out else f"{answer.value}"


@process("tea.make")
async def make(*, name: str) -> str:
    return await brew(name)


@process("tea.serve")
async def serve() -> str:
    await pour()
    return "served"


@process("tea.offer")
async def offer(deal: Deal) -> str:
    answer = await wait.for_signal("answer")
    return f"{deal.title}: {answer.value}"
'''


@pytest.fixture
def tea(here: Path) -> Path:
    (here / "tea.py").write_text(TEA, "utf-8")
    (here / "bizproc.toml").write_text("processes = ['tea']\n", "utf-8")
    return here


@pytest.fixture
def served(tea: Path) -> Iterator[Serving]:
    with serving(tea, "--json") as program:
        program.event("idle")
        yield program


def state_of(run: Run, id: str) -> str:
    return str(json.loads(run("show", id, "--json").stdout)["state"])


# -- beside a running serve --------------------------------------------------------------------------------------------


def test_it_says_what_it_runs_on_which_store_and_that_it_waits(tea: Path) -> None:
    with serving(tea) as program:
        first = program.says("bizproc.db")
        assert first.endswith(f"runs sqlite:///bizproc.db (a new store) as process {program.pid}. Ctrl-C stops it.\n")
        assert program.says("Processes:") == "Processes: tea.ask, tea.hear, tea.make, tea.offer, tea.serve, tea.stay\n"
        assert program.says("Instances:") == "Instances: none yet. Times are of UTC.\n"
        program.says("nothing to do now: 0 waiting.")


def test_a_started_instance_is_run_by_the_serve_that_is_there(run: Run, served: Serving) -> None:
    ran = run("start", "tea.ask", "--id", "one")
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.stdout.startswith("one: tea.ask waits for signal answer (timeout 3d) until ")
    assert served.event("started", id="one")["process"] == "tea.ask"
    ran = run("signal", "one", "answer", '"well"')
    assert (ran.exit_code, ran.output) == (0, "one has the signal answer.\n")
    assert served.event("ended", id="one")["state"] == "completed"
    assert json.loads(run("show", "one", "--json").stdout)["result"] == "well"


def test_a_process_on_a_document_is_started_beside_it(run: Run, company: object, tea: Path) -> None:
    with serving(tea, "--json") as program:
        program.event("idle")
        assert run("start", "tea.offer", "--document", "deal:1", "--id", "offer").exit_code == 0
        assert program.event("started", id="offer")["document"] == "deal:1"
        ran = run("start", "tea.offer", "--document", "deal:1")
        assert ran.exit_code == 2
        assert ran.stderr.startswith("bizproc: tea.offer already runs on deal 1 (instance offer)")


def test_the_same_key_counts_once(run: Run, served: Serving) -> None:
    run("start", "tea.hear", "--id", "one")
    for value in ("1", "2"):
        assert run("signal", "one", "other", value, "--key", "k").exit_code == 0
    assert len(signals(Path("bizproc.db"))) == 1
    assert run("signal", "one", "answer", '{"by": 2}', "--key", "k2", "--json").stdout.startswith('{\n  "id": "one"')
    assert served.event("ended", id="one")["state"] == "completed"
    assert json.loads(run("show", "one", "--json").stdout)["result"] == "{'by': 2}"


def signals(store: Path) -> list[object]:
    connection = driver().connect(store)
    try:
        return list(connection.execute("SELECT name FROM signal"))
    finally:
        connection.close()


def test_several_are_cancelled_and_one_that_has_ended_stays_as_it_is(run: Run, served: Serving) -> None:
    for id in ("one", "two"):
        run("start", "tea.ask", "--id", id)
    ran = run("cancel", "one", "two")
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.stdout == "one: tea.ask is cancelled.\ntwo: tea.ask is cancelled.\n"
    ran = run("cancel", "two", "nobody", "--json")
    assert ran.exit_code == 2
    assert ran.stderr == "bizproc: there is no instance nobody. `bizproc ps` lists those that exist.\n"
    first, second = json.loads(ran.stdout)
    assert (first["done"], first["state"]) == (True, "cancelled")
    assert (second["done"], second["error"]["class"]) == (False, "InstanceNotFound")


def test_one_is_terminated_with_a_reason(run: Run, served: Serving) -> None:
    run("start", "tea.ask", "--id", "one")
    ran = run("terminate", "one", "--reason", "by \x1b[31mphone")
    assert (ran.exit_code, ran.output) == (0, "one: tea.ask is terminated: by \\x1b[31mphone.\n")
    assert served.event("ended", id="one")["state"] == "terminated"


def test_a_wait_is_skipped(run: Run, served: Serving) -> None:
    run("start", "tea.ask", "--id", "one")
    assert run("skip-wait", "one").output == "one: tea.ask is done.\n"
    ran = run("skip-wait", "one")
    assert ran.exit_code == 2
    assert ran.stderr == (
        "bizproc: instance one is completed: there is no wait to skip. Look at how it stands: `bizproc show`.\n"
    )


def test_one_that_failed_goes_on_at_the_step_that_failed(run: Run, served: Serving, tea: Path) -> None:
    ran = run("start", "tea.serve", "--id", "one")
    assert ran.exit_code == 1
    ran = run("retry", "one")
    assert (ran.exit_code, ran.stdout) == (1, "one: tea.serve failed: LookupError: no cup.\n")
    (tea / "cup").touch()
    ran = run("retry", "one")
    assert (ran.exit_code, ran.output) == (0, "one: tea.serve is done.\n")
    ran = run("retry", "one")
    assert ran.exit_code == 2
    said = "instance one is completed: retry is for one that failed or is stuck. Look at how it stands: `bizproc show`."
    assert ran.stderr == f"bizproc: {said}\n"


def test_a_fork_goes_on_by_itself_from_a_step(run: Run, served: Serving) -> None:
    run("start", "tea.ask", "--id", "one")
    ran = run("fork", "one", "0", "--id", "two")
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.stdout.startswith("two: tea.ask waits for signal answer (timeout 3d) until ")
    run("signal", "two", "answer", '"well"')
    served.event("ended", id="two")
    assert (state_of(run, "one"), state_of(run, "two")) == ("waiting", "completed")
    forked = json.loads(run("fork", "one", "0", "--json").stdout)
    told = {"id": "one-fork-1", "done": True, "state": "waiting", "error": None, "original": "one", "step": "0"}
    assert forked == told
    ran = run("fork", "one", "7")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith("bizproc: instance one has no step 7 in its journal. It has: 0.")


def test_a_fork_that_fails_at_once_says_so(run: Run, served: Serving, tea: Path) -> None:
    run("start", "tea.serve", "--id", "one")
    ran = run("fork", "one", "0", "--id", "two")
    assert (ran.exit_code, ran.stdout) == (1, "two: tea.serve failed: LookupError: no cup.\n")


def test_a_store_is_copied_while_it_runs(run: Run, served: Serving, tea: Path) -> None:
    run("start", "tea.ask", "--id", "one")
    ran = run("backup", "copy.db")
    assert ran.exit_code == 0, ran.output
    assert ran.stdout.startswith(f"{tea / 'copy.db'}: ")
    run("terminate", "one", "--reason", "x")
    shown = json.loads(run("show", "one", "--json", "--store", "sqlite:///copy.db").stdout)
    assert shown["state"] == "waiting"
    assert state_of(run, "one") == "terminated"


def test_all_others_look_and_an_import_is_refused(run: Run, served: Serving, tea: Path) -> None:
    run("start", "tea.ask", "--id", "one")
    assert [each["id"] for each in json.loads(run("ps", "--json").stdout)] == ["one"]
    assert run("export", "csv").exit_code == 0
    ran = run("import", "csv")
    assert ran.exit_code == 2
    assert f"is in use by process {served.pid}" in ran.stderr


def test_a_second_serve_is_told_who_runs_the_store(run: Run, served: Serving) -> None:
    ran = run("serve")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"bizproc: sqlite:///bizproc.db is run by process {served.pid} already")
    assert ran.stderr.count("\n") == 1


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no way to stop a program here")
def test_a_serve_that_does_not_answer_is_not_waited_for_for_ever(
    run: Run, served: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    from bizproc.cli import steering

    run("start", "tea.ask", "--id", "one")
    monkeypatch.setattr(steering, "PATIENCE", timedelta(seconds=0.2))
    served.tell(signal.SIGSTOP)
    try:
        ran = run("cancel", "one")
    finally:
        served.tell(signal.SIGCONT)
    assert ran.exit_code == 1
    assert f"process {served.pid}, which runs this store, has not answered yet" in ran.stderr
    assert served.event("ended", id="one")["state"] == "cancelled"


# -- the end -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_lets_running_steps_finish(run: Run, served: Serving, tea: Path, number: signal.Signals) -> None:
    assert run("start", "tea.make", "--name", "pot", "--id", "one").stdout == "one: tea.make is running.\n"
    served.event("started", id="one")
    served.tell(number)
    assert served.event("stopping")["running_steps"] == 1
    (tea / "pot.done").touch()
    served.event("stopped")
    assert (served.end(), served.said()) == (0, "")
    assert state_of(run, "one") == "completed"


def test_a_second_stop_does_not_wait(run: Run, served: Serving) -> None:
    run("start", "tea.make", "--name", "pot", "--id", "one")
    served.tell(signal.SIGINT)
    served.event("stopping")
    served.tell(signal.SIGINT)
    assert (served.end(), served.said()) == (130, "")
    assert state_of(run, "one") == "running"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="cannot see whether a signal was heard")
@pytest.mark.parametrize("name", ["held", "blocked"])
def test_a_third_stop_ends_what_nothing_else_ends(run: Run, served: Serving, tea: Path, name: str) -> None:
    ran = run("start", "tea.stay", "--blocking", "yes" if name == "blocked" else "no", "--id", "one")
    assert ran.stdout == "one: tea.stay is running.\n"
    assert (tea / name).exists()
    for _ in range(3):
        served.tell(signal.SIGINT)
        while signal_is_pending(served.pid, signal.SIGINT):
            pass
    assert served.end() == 130
    assert state_of(run, "one") == "running"


def signal_is_pending(pid: int, number: signal.Signals) -> bool:
    """Whether the program has not heard it yet; two of a kind that are pending count once."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    masks = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("SigPnd", "ShdPnd"))]
    return any(mask >> (number - 1) & 1 for mask in masks)


def test_a_step_that_takes_longer_than_it_may_is_cut_short_and_run_again(run: Run, tea: Path) -> None:
    with serving(tea, "--json", "--grace", "0") as program:
        program.event("idle")
        run("start", "tea.make", "--name", "pot", "--id", "one")
        program.tell(signal.SIGTERM)
        assert program.end() == 0
    (tea / "pot.done").touch()
    with serving(tea, "--json") as program:
        assert program.event("ended", id="one")["state"] == "completed"


def test_what_was_killed_goes_on_and_what_was_posted_meanwhile_is_done(run: Run, tea: Path) -> None:
    with serving(tea, "--json") as program:
        program.event("idle")
        for id in ("one", "two", "three"):
            run("start", "tea.ask", "--id", id)
        run("start", "tea.make", "--name", "pot", "--id", "pot")
        program.tell(signal.SIGTERM)
        program.event("stopping")
        program.tell(signal.SIGKILL)
        assert program.end() == -signal.SIGKILL
    ran = run("signal", "one", "answer", '"late"')
    assert ran.exit_code == 0
    waits = "Nobody runs sqlite:///bizproc.db now: it is done when `bizproc serve` starts.\n"
    assert ran.output == f"one: the signal answer is posted. {waits}"
    assert run("cancel", "two").output == f"two: the cancellation is posted. {waits}"
    assert run("terminate", "three", "--reason", "enough").output == f"three: the termination is posted. {waits}"
    (tea / "pot.done").touch()
    with serving(tea, "--json") as program:
        ended: dict[str, str] = {}
        while len(ended) < 4:
            told = program.event("ended")
            ended[told["id"]] = told["state"]
        assert ended == {"one": "completed", "two": "cancelled", "three": "terminated", "pot": "completed"}
        assert json.loads(run("show", "one", "--json").stdout)["result"] == "late"
        program.tell(signal.SIGTERM)
        program.event("stopped")
        assert program.end() == 0


def test_a_store_that_goes_away_ends_it_with_one_line(served: Serving, tea: Path) -> None:
    for name in ("bizproc.db", "bizproc.db-wal", "bizproc.db-shm"):
        (tea / name).unlink(missing_ok=True)
    assert served.end() == 1
    said = served.said()
    assert said.startswith("bizproc: ")
    assert "the file is not there any more" in said
    assert "Traceback" not in said


# -- without a serve ---------------------------------------------------------------------------------------------------


@pytest.fixture
def left(run: Run, tea: Path) -> Path:
    """A store with one that waits and one that failed, and nobody who runs it."""
    run("start", "tea.ask", "--id", "one")
    assert run("start", "tea.serve", "--id", "two").exit_code == 1
    return tea


@pytest.mark.usefixtures("left")
def test_without_a_serve_a_retry_waits_in_the_store(run: Run) -> None:
    ran = run("retry", "two", "--json")
    assert ran.exit_code == 0
    assert json.loads(ran.stdout) == [{"id": "two", "done": False, "state": "failed", "error": None}]
    ran = run("retry", "one")
    assert ran.exit_code == 2
    said = "instance one is waiting: retry is for one that failed or is stuck. Look at how it stands: `bizproc show`."
    assert ran.stderr == f"bizproc: {said}\n"
    (Path("cup")).touch()
    with serving(Path.cwd(), "--json") as program:
        assert program.event("ended", id="two")["state"] == "completed"


@pytest.mark.usefixtures("left")
def test_without_a_serve_a_fork_waits_in_the_store(run: Run) -> None:
    ran = run("fork", "two", "0", "--id", "three")
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.stdout.startswith("the fork of two at step 0 is posted. Nobody runs sqlite:///bizproc.db now")
    assert json.loads(run("fork", "two", "0", "--json").stdout)["done"] is False
    Path("cup").touch()
    with serving(Path.cwd(), "--json") as program:
        assert program.event("ended", id="three")["state"] == "completed"


@pytest.mark.usefixtures("left")
def test_without_a_serve_no_wait_is_skipped(run: Run) -> None:
    ran = run("skip-wait", "one")
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert ran.stderr.startswith("bizproc: nobody runs sqlite:///bizproc.db now, and no wait was skipped.")
    with serving(Path.cwd(), "--json") as program:
        assert program.event("idle")["states"] == {"failed": 1, "waiting": 1}


@pytest.mark.usefixtures("left")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["signal", "nobody", "x"], 2, "there is no instance nobody."),
        (["signal", "two", "x"], 1, "instance two has ended (failed): the signal would be lost, and was not sent."),
        (["signal", "one", "x", "yes"], 2, "VALUE must be JSON, and a text stands in quotes: '\"yes\"'."),
        (["signal", "one", "x", "NaN"], 2, "VALUE must be JSON"),
        (["signal", "one", "x", "{" * 90], 2, "VALUE must be JSON: Expecting property name"),
        (["signal", "one", "x", "[" * 100_000], 2, "VALUE must be JSON: it is nested too deeply."),
        (["cancel", "nobody"], 2, "there is no instance nobody."),
        (["cancel"], 2, "Missing argument 'ID...'."),
        (["terminate", "one"], 2, "Missing option '--reason'."),
        (["retry", "nobody"], 2, "there is no instance nobody."),
        (["fork", "nobody", "0"], 2, "there is no instance nobody."),
        (["fork", "one", "0.0"], 2, "instance one has no step 0.0 in its journal. It has: 0."),
        (["fork", "one", "0", "--id", "a/b"], 2, "start: parameter id: expected a printable text"),
        (["fork", "one"], 2, "Missing argument 'STEP'."),
    ],
)
def test_what_cannot_be_done_is_one_line(run: Run, arguments: list[str], code: int, said: str) -> None:
    ran = run(*arguments)
    assert (ran.exit_code, ran.stdout) == (code, "")
    assert ran.stderr.startswith(f"bizproc: {said}")
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [["signal", "x", "y"], ["cancel", "x"], ["terminate", "x", "--reason", "y"], ["retry", "x"], ["skip-wait", "x"],
     ["fork", "x", "0"], ["backup", "copy.db"], ["export", "csv"]],
    ids=lambda arguments: arguments[0],
)  # fmt: skip
def test_where_there_is_no_store_yet_none_is_made(run: Run, here: Path, arguments: list[str]) -> None:
    ran = run(*arguments)
    assert ran.exit_code == 2
    assert ran.stderr.startswith("bizproc: there is no store sqlite:///bizproc.db yet")
    assert [each.name for each in here.iterdir()] == ["sales.py"]


def test_a_serve_without_processes_says_how_to_name_them(run: Run, here: Path) -> None:
    ran = run("serve")
    assert ran.exit_code == 2
    assert ran.stderr.startswith("bizproc: there are no processes to run: name their modules")
    assert not (here / "bizproc.db").exists()


# -- pages -------------------------------------------------------------------------------------------------------------


def test_it_serves_the_public_pages_where_the_settings_say(tea: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with serving(tea, "--json", BIZPROC_WEB_PORT=str(port)) as program:
        said = program.event("pages")
        assert said["address"] == f"http://127.0.0.1:{port}"
        assert httpx.get(f"{said['address']}/nowhere", timeout=BOUND).status_code == 404
        program.tell(signal.SIGINT)
        assert program.end() == 0
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.1", port))


def test_a_port_that_is_taken_is_said_and_nothing_runs(tea: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serving(tea, BIZPROC_WEB_PORT=str(port)) as program:
            assert program.end() == 2
            said = program.said()
    assert f"cannot be served at 127.0.0.1:{port}" in said
    assert "Traceback" not in said
