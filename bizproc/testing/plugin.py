"""
The pytest plugin: runs async tests, gives them a `world`, and can replay always and crash everywhere.

    pytest --bizproc-always-replay     every instance is rebuilt from its journal before every turn
    pytest --bizproc-crash             every test that uses `world` is run again with a crash at each of its commits

Every pytest of an environment loads this file: it imports nothing of bizproc before a test needs it.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bizproc.testing.world import World

# Tests that other plugins run.
_OTHERS = ("anyio", "asyncio", "trio")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Our two options."""
    group = parser.getgroup("bizproc")
    always = "rebuild every instance from its journal before every turn"
    group.addoption("--bizproc-always-replay", action="store_true", help=always)
    crash = "run tests that use `world` again with a crash at every commit"
    group.addoption("--bizproc-crash", action="store_true", help=crash)


def pytest_configure(config: pytest.Config) -> None:
    """Our markers."""
    config.addinivalue_line("markers", "processes(*processes): processes that the test's world knows from the start")
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
    runner.run(function(**arguments))
    if "world" in arguments and _wants_crashes(pyfuncitem):
        runner.run(_crash_everywhere(pyfuncitem, function, arguments))
    return True


def _wants_crashes(item: pytest.Function) -> bool:
    return bool(item.config.getoption("--bizproc-crash")) and item.get_closest_marker("no_crash") is None


async def _crash_everywhere(item: pytest.Function, function: Any, arguments: dict[str, Any]) -> None:
    from bizproc.testing.crashing import crash_at_every_await

    async def story(world: World) -> None:
        await function(**{**arguments, "world": world})

    await crash_at_every_await(story, processes=_processes(item))


def _processes(item: pytest.Item) -> tuple[Any, ...]:
    return tuple(process for marker in item.iter_markers("processes") for process in marker.args)


def _open(item: pytest.Item) -> Any:
    from bizproc.testing.world import World

    return World.open(*_processes(item), always_replay=bool(item.config.getoption("--bizproc-always-replay")))


async def _enter(opened: Any) -> Any:
    return await opened.__aenter__()


async def _leave(opened: Any) -> None:
    await opened.__aexit__(None, None, None)
