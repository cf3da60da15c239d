"""
Every block of Python in the pages that teach runs, as their reader would run it: written into a file, by pytest.

The blocks of a page make one file, each below the ones before. Where a block is followed by a block of `text`, the file
is run so far, and each line of the text is printed; a line `…` stands for others. Without such a text it passes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.reading import BLOCK, HOW_TO, OF_RECIPES, README, RECIPES, ROOT, name_of

PAGES = [README, *HOW_TO, *(page for page in OF_RECIPES if page.name == "README.md")]
"""The tutorial is done by `test_tutorial.py`."""

SOURCES = [ROOT, *(file.parent for file in RECIPES.glob("*/pyproject.toml"))]


def steps_of(page: str) -> list[tuple[str, str | None]]:
    """The code so far, and what it is to print; None where it is to pass."""
    code, steps, told = "", list[tuple[str, str | None]](), True
    for block in BLOCK.finditer(page):
        if block["kind"] == "python":
            code, told = f"{code}\n\n{block['text']}", False
        elif block["kind"] == "text" and not told:
            steps.append((code, block["text"]))
            told = True
    return steps if told else [*steps, (code, None)]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_of_the_page_runs_and_prints_what_it_says(page: Path, tmp_path: Path) -> None:
    steps = steps_of(page.read_text("utf-8"))
    assert steps, "a page that teaches has code"
    for number, (code, told) in enumerate(steps):
        run_step(tmp_path / f"test_page_{number}.py", code, told)


# The same stories each time: a page may not fail by chance. And short ones: a few steps show the fault that a page
# tells of, and it is shortening a long story that takes time.
ALIKE = """
from hypothesis import Phase, settings

phases = [Phase.generate, Phase.shrink]
few = {"max_examples": 100, "stateful_step_count": 15}
settings.register_profile("pages", derandomize=True, database=None, phases=phases, **few)
settings.load_profile("pages")
"""


def run_step(file: Path, code: str, told: str | None) -> None:
    file.write_text(code, "utf-8")
    file.with_name("conftest.py").write_text(ALIKE, "utf-8")
    flags = ["-q", "-p", "no:cacheprovider", "-p", "bizproc.testing.plugin", "-p", "no:randomly", "--tb=short"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *flags, file.name],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, SOURCES)), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd=file.parent,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    if told is None:
        assert ran.returncode in (0, 5), ran.stdout + ran.stderr  # 5: a page without tests, whose code was imported
        return
    assert ran.returncode == 1, ran.stdout + ran.stderr
    printed = ran.stdout
    for line in told.splitlines():
        if line.strip() not in ("", "…"):
            assert line.strip() in printed, f"it does not print {line!r}, but:\n{printed}"
            printed = printed[printed.index(line.strip()) :]


def test_the_runner_sees_code_that_fails(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        run_step(tmp_path / "test_a.py", "def test_it():\n    assert False", None)
    with pytest.raises(AssertionError):
        run_step(tmp_path / "test_b.py", "def test_it():\n    assert False, 'tea'", "coffee")
    run_step(tmp_path / "test_c.py", "def test_it():\n    assert False, 'tea'", "tea")
    assert steps_of("```python\na\n```\n```text\nb\n```\n```python\nc\n```\n") == [
        ("\n\na\n", "b\n"),
        ("\n\na\n\n\nc\n", None),
    ]
