"""A failure of what a trigger started is the test's failure, unless the test has looked at it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bizproc import action, on, process
from bizproc.errors import InstanceFailed
from bizproc.model import Activity, Deal
from bizproc.testing import World, crash_at_every_await

# Where CI is set, pytest's summary repeats whole messages.
OUTSIDE = {name: value for name, value in os.environ.items() if name not in ("CI", "BUILD_NUMBER")}
HERE = {**OUTSIDE, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
UNSEEN = "a trigger started an instance that failed, and the test did not look at it"


@action("unseen.break")
async def break_() -> None:
    raise ValueError("no such tea")


@process("unseen.broken", starts=on.created("deal"))
async def broken(deal: Deal) -> None:
    await break_()


@process("unseen.wrong", starts=on.created("deal"))
async def wrong(deal: Deal) -> None:
    raise KeyError(deal.title)


async def look_at_the_list(world: World) -> None:
    assert [each.state for each in await world.instances()] == ["failed"]


async def look_at_its_status(world: World) -> None:
    (found,) = await world.runtime.instances()
    assert (await world.instance(found.id).status()).state == "failed"


async def ask_for_its_result(world: World) -> None:
    (found,) = await world.runtime.instances()
    with pytest.raises(InstanceFailed):
        await world.instance(found.id).result()


async def read_its_journal(world: World) -> None:
    (found,) = await world.runtime.instances()
    assert await world.instance(found.id).journal()


async def expect_it(world: World) -> None:
    world.expect_failures()


async def story_of(told: Callable[[World], Awaitable[None]]) -> None:
    """A story with a process that fails at each new deal."""
    async with World.open(broken) as world:
        await told(world)


async def make_a_deal(world: World) -> None:
    await world.deal()


async def test_nobody_looks_at_it() -> None:
    with pytest.raises(AssertionError, match=UNSEEN) as raised:
        await story_of(make_a_deal)
    told = str(raised.value)
    assert "  unseen.broken (instance '" in told
    assert ", started by: " in told
    assert "failed at step 0 (unseen.break): ValueError: no such tea" in told
    assert "world.expect_failures()" in told


async def test_an_error_of_code_between_steps_has_no_step() -> None:
    with pytest.raises(AssertionError, match=r"failed: KeyError: 'Tea'"):
        async with World.open(wrong) as world:
            await world.deal(title="Tea")


async def test_several_are_all_named() -> None:
    with pytest.raises(AssertionError, match="2 instances that failed") as raised:
        async with World.open(broken, wrong) as world:
            await world.deal()
    assert all(f"  {name} (instance" in str(raised.value) for name in ("unseen.broken", "unseen.wrong"))


@pytest.mark.parametrize(
    "look", [look_at_the_list, look_at_its_status, ask_for_its_result, read_its_journal, expect_it]
)
async def test_whoever_has_looked_is_not_told(look: Callable[[World], Awaitable[None]]) -> None:
    async with World.open(broken) as world:
        await world.deal()
        await look(world)


async def test_who_looked_before_it_failed_has_not_seen_it() -> None:
    async def story(world: World) -> None:
        assert await world.instances() == []
        await world.deal()

    with pytest.raises(AssertionError, match=UNSEEN):
        await story_of(story)


async def test_a_second_failure_is_another_one() -> None:
    async def story(world: World) -> None:
        await world.deal()
        (status,) = await world.instances()
        await world.advance(days=1)
        await world.instance(status.id).retry()

    with pytest.raises(AssertionError, match=UNSEEN):
        await story_of(story)


async def test_the_error_of_the_block_itself_comes_first() -> None:
    async def story(world: World) -> None:
        await world.deal()
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await story_of(story)


def notes_of(error: BaseException) -> str:
    return "\n".join(getattr(error, "__notes__", ()))


async def test_a_test_that_fails_by_itself_has_it_as_a_note() -> None:
    async def story(world: World) -> None:
        await world.deal()
        assert await world.find(Activity), "nobody was called"

    with pytest.raises(AssertionError, match="nobody was called") as raised:
        await story_of(story)
    told = notes_of(raised.value)
    assert "by then an instance had failed that the test has not looked at:\n  unseen.broken (instance '" in told
    assert "failed at step 0 (unseen.break): ValueError: no such tea" in told
    assert "await break_()" in told, "the line of the process is not there"


async def test_a_test_that_fails_is_told_of_what_it_started_itself_too() -> None:
    async def story() -> None:
        async with World.open() as world:
            await world.start(broken(await world.deal()), id="it")
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine") as raised:
        await story()
    assert "unseen.broken (instance 'it', started by: the test) failed at step 0" in notes_of(raised.value)


@pytest.mark.parametrize("look", [look_at_the_list, ask_for_its_result, expect_it])
async def test_a_test_that_fails_is_not_told_of_what_it_has_looked_at(look: Callable[[World], Awaitable[None]]) -> None:
    async def story(world: World) -> None:
        await world.deal()
        await look(world)
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine") as raised:
        await story_of(story)
    assert "unseen.broken" not in notes_of(raised.value)


async def test_what_the_test_started_itself_is_its_own_affair() -> None:
    async with World.open() as world:
        await world.start(broken(await world.deal()))
        assert [each.state for each in await world.runtime.instances()] == ["failed"]


async def test_a_story_that_is_crashed_everywhere_has_to_look_too() -> None:
    async def story(world: World) -> None:
        await world.deal()

    async def looking(world: World) -> list[str]:
        await world.deal()
        return [each.state for each in await world.instances()]

    with pytest.raises(AssertionError, match=UNSEEN):
        await crash_at_every_await(story, processes=[broken])
    assert await crash_at_every_await(looking, processes=[broken]) > 0


TESTS = """
import pytest
from bizproc import on, process
from bizproc.model import Deal

@process("broken", starts=on.created("deal"))
async def broken(deal: Deal) -> None:
    raise ValueError("no such tea")

@pytest.mark.processes([broken])
async def test_unseen(world):
    await world.deal()

@pytest.mark.processes(broken)
async def test_expected(world):
    world.expect_failures()
    await world.deal()

@pytest.mark.processes(broken)
async def test_with_an_error_of_its_own(world):
    await world.deal()
    assert False, "mine"
"""


def test_the_fixture_lets_the_test_itself_fail_and_once(tmp_path: Path) -> None:
    (tmp_path / "test_stories.py").write_text(TESTS, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "bizproc.testing.plugin", "-rfE"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=HERE)
    last, failed = ran.stdout.splitlines()[-1], [one for one in ran.stdout.splitlines() if one.startswith("FAILED")]
    assert last.startswith("2 failed, 1 passed in"), ran.stdout
    assert ["test_unseen" in failed[0], "test_with_an_error_of_its_own" in failed[1]] == [True, True]
    assert ran.stdout.count("did not look at it") >= 1
    assert ran.stdout.count("by then an instance had failed that the test has not looked at") == 1
    assert 'raise ValueError("no such tea")' in ran.stdout.partition("by then an instance")[2]
    assert "broken (instance" in ran.stdout
    assert "mine" in failed[1]
