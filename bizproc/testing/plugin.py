"""
The pytest plugin: runs async tests, gives them a `world`, and can replay always and crash everywhere.

    pytest --bizproc-always-replay     every instance is rebuilt from its journal before every turn
    pytest --bizproc-crash             every test that uses `world` is run again with a crash at each of its commits
    pytest --bizproc-coverage          says which paths of processes tests have seen; =FILE.json writes it, too

Every pytest of an environment loads this file: it imports nothing of bizproc before a test needs it.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bizproc.testing.world import World

# Tests that other plugins run.
_OTHERS = ("anyio", "asyncio", "trio")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Our options."""
    group = parser.getgroup("bizproc")
    always = "rebuild every instance from its journal before every turn"
    group.addoption("--bizproc-always-replay", action="store_true", help=always)
    crash = "run tests that use `world` again with a crash at every commit"
    group.addoption("--bizproc-crash", action="store_true", help=crash)
    seen = "say which paths of which processes the tests have seen; with =FILE.json write it there, too"
    group.addoption("--bizproc-coverage", nargs="?", const="", metavar="FILE.json", help=seen)
    under = "fail if less than so many percent was seen of all processes; says what --bizproc-coverage says"
    group.addoption("--bizproc-coverage-fail-under", type=float, metavar="PERCENT", help=under)


def pytest_configure(config: pytest.Config) -> None:
    """Our markers."""
    config.addinivalue_line(
        "markers", "processes(processes): a list of those that the test's world knows from the start"
    )
    _watch(config)
    config.addinivalue_line("markers", "begins(moment): when time begins in the test's world")
    config.addinivalue_line("markers", "no_crash(reason): not run again with crashes by --bizproc-crash")


@pytest.fixture
def bizproc_runner() -> Iterator[asyncio.Runner]:
    """The event loop of one test."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def world(request: pytest.FixtureRequest, bizproc_runner: asyncio.Runner) -> Iterator[World]:
    """A world of its own for each test: a CRM in memory, a virtual clock, fakes for every channel."""
    opened = _open(request.node)
    entered = bizproc_runner.run(_enter(opened))
    yield entered
    bizproc_runner.run(_leave(opened))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is an async function."""
    function = pyfuncitem.obj
    if not inspect.iscoroutinefunction(function) or any(pyfuncitem.get_closest_marker(name) for name in _OTHERS):
        return None
    names = [name for name in inspect.signature(function).parameters if name in pyfuncitem.funcargs]
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    runner = pyfuncitem._request.getfixturevalue("bizproc_runner")  # noqa: SLF001  no other way to a fixture here
    world = pyfuncitem.funcargs.get("world")
    runner.run(_looked_at(function(**arguments), world))
    if "world" in arguments and _wants_crashes(pyfuncitem):
        runner.run(_crash_everywhere(pyfuncitem, function, arguments))
    return True


async def _looked_at(test: Coroutine[Any, Any, object], world: Any) -> None:
    """A test that failed has its own error, and a note of what else failed; one that did not has looked there."""
    from bizproc.testing.world import World

    if not isinstance(world, World):
        await test
        return
    try:
        await test
    except (Exception, pytest.fail.Exception) as error:
        await world.remark_unseen(error)
        world.expect_failures()
        raise
    except BaseException:
        world.expect_failures()
        raise
    await world.raise_unseen()


def _wants_crashes(item: pytest.Function) -> bool:
    return bool(item.config.getoption("--bizproc-crash")) and item.get_closest_marker("no_crash") is None


async def _crash_everywhere(item: pytest.Function, function: Any, arguments: dict[str, Any]) -> None:
    from bizproc.testing.crashing import crash_at_every_await

    async def story(world: World) -> None:
        await function(**{**arguments, "world": world})

    await crash_at_every_await(story, processes=_processes(item), begins=_beginning(item))


def _processes(item: pytest.Item) -> tuple[Any, ...]:
    """Of all marks: in a list, which type checkers understand, or one by one."""
    given = [each for marker in item.iter_markers("processes") for each in marker.args]
    return tuple(process for each in given for process in (each if isinstance(each, (list, tuple)) else (each,)))


def _beginning(item: pytest.Item) -> Any:
    marker = item.get_closest_marker("begins")
    return None if marker is None else marker.args[0]


def _open(item: pytest.Item) -> Any:
    from bizproc.testing.world import World

    always = bool(item.config.getoption("--bizproc-always-replay"))
    return World.open(*_processes(item), always_replay=always, begins=_beginning(item))


async def _enter(opened: Any) -> Any:
    return await opened.__aenter__()


async def _leave(opened: Any) -> None:
    await opened.__aexit__(None, None, None)


# -- coverage ----------------------------------------------------------------------------------------------------------


def _wants_coverage(config: pytest.Config) -> bool:
    return any(config.getoption(name) is not None for name in ("--bizproc-coverage", "--bizproc-coverage-fail-under"))


def _watch(config: pytest.Config) -> None:
    """From now on, worlds are watched, if anybody wants to know."""
    if not _wants_coverage(config):
        return
    file = config.getoption("--bizproc-coverage")
    if file and not file.endswith(".json"):
        raise pytest.UsageError(
            f"--bizproc-coverage writes into a file that ends in .json, and not into {file!r}. "
            "If that is what is to be tested, name it before the option."
        )
    from bizproc.testing.coverage import Seen
    from bizproc.testing.watching import watching

    watching.seen = Seen()


def pytest_unconfigure() -> None:
    """Nobody watches any more."""
    module = sys.modules.get("bizproc.testing.watching")
    if module is not None:
        module.watching.seen = None


# With pytest-xdist tests run in workers, and this program only reports: each worker says at its end what it has seen.
_FROM_WORKERS: pytest.StashKey[list[list[Any]]] = pytest.StashKey()
_LOST_WORKERS: pytest.StashKey[int] = pytest.StashKey()
_SENT = "bizproc_coverage"


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker has ended; one that crashed took along what it had seen."""
    config: pytest.Config = node.config
    if not _wants_coverage(config):
        return
    from bizproc.testing import coverage

    sent = getattr(node, "workeroutput", {}).get(_SENT)
    if sent is None:
        config.stash[_LOST_WORKERS] = config.stash.get(_LOST_WORKERS, 0) + 1
    else:
        config.stash.setdefault(_FROM_WORKERS, []).append(coverage.unpacked(sent))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run in which too little was seen has failed. A worker judges nothing: it sends what it has seen."""
    config = session.config
    if hasattr(config, "workeroutput"):
        if _wants_coverage(config):
            from bizproc.testing import coverage

            config.workeroutput[_SENT] = coverage.packed(_covered(config))
        return
    least = config.getoption("--bizproc-coverage-fail-under")
    if least is not None and session.exitstatus == pytest.ExitCode.OK and _percent(config) < least:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """What was seen, and the holes."""
    if not _wants_coverage(config):
        return
    from bizproc.testing import coverage

    covered = _covered(config)
    terminalreporter.section("processes: what tests have seen")
    for line in coverage.table(covered):
        terminalreporter.write_line(line)
    if lost := config.stash.get(_LOST_WORKERS, 0):
        told = f"workers that ended without a report: {lost}. What their tests have seen is missing above."
        terminalreporter.write_line(told, red=True, bold=True)
    file, least = config.getoption("--bizproc-coverage"), config.getoption("--bizproc-coverage-fail-under")
    if file:
        Path(file).write_text(json.dumps(coverage.as_json(covered), indent=2) + "\n", "utf-8")
        terminalreporter.write_line(f"written to {file}")
    if least is not None and _percent(config) < least:
        told = f"FAIL: tests have seen {_percent(config):.1f} % of the processes, and not {least:g} %"
        terminalreporter.write_line(told, red=True, bold=True)


def _covered(config: pytest.Config) -> list[Any]:
    """What was seen here and in all workers."""
    from bizproc.testing import coverage
    from bizproc.testing.watching import watching

    assert watching.seen is not None
    return coverage.together([coverage.report(watching.seen), *config.stash.get(_FROM_WORKERS, [])])


def _percent(config: pytest.Config) -> float:
    from bizproc.testing import coverage

    return coverage.percent_of_all(_covered(config))
