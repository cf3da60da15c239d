"""What `serve` says of errors that have several lines."""

from __future__ import annotations

from pathlib import Path

from tests.unit.cli.conftest import Run
from tests.unit.cli.programs import serving

TEA = """
from bizproc import process, wait

@process("tea.ask")
async def ask() -> None:
    await wait.for_signal("answer")

@process("tea.fail")
async def fail() -> None:
    await wait.for_signal("go")
    raise ValueError("one\\n\\n12:00:00  completed  tea-1: tea.ask\\x1b[31m")
"""


def test_an_error_of_several_lines_is_said_in_lines_the_later_ones_further_in(run: Run, here: Path) -> None:
    (here / "bizproc.toml").write_text("processes = ['tea']\n", "utf-8")
    (here / "tea.py").write_text(TEA, "utf-8")
    assert run("start", "tea.ask", "--id", "tea-1").exit_code == 0
    assert run("start", "tea.fail", "--id", "tea-2").exit_code == 0
    assert run("signal", "tea-1", "answer").exit_code == 0
    (here / "tea.py").write_text(TEA.replace('"answer"', '"reply"'), "utf-8")
    with serving(here) as program:
        stuck = program.says("stuck")
        assert stuck.endswith("tea-1: tea.ask: ReplayMismatch: instance tea-1 cannot replay step 0:\n")
        assert program.says("recorded") == "      the journal recorded  signal answer\n"
        assert program.says("asks for") == "      the code now asks for signal reply\n"
        assert program.says("patched").startswith("    Put the old code back, ")
        assert run("signal", "tea-2", "go").exit_code == 0
        assert program.says("tea-2").endswith("failed     tea-2: tea.fail: ValueError: one\n")
        assert program.says("completed") == "    12:00:00  completed  tea-1: tea.ask\\x1b[31m\n"
        assert not [line for line in program.lines if "\\n" in line]
