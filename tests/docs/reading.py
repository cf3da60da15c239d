"""The pages of the documentation as tests read them: which there are, and the blocks of code in each."""

from __future__ import annotations

import re
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).resolve().parents[2]
DOCS, RECIPES = ROOT / "docs", ROOT / "recipes"
README, TUTORIAL, LINT = ROOT / "README.md", DOCS / "tutorial.md", DOCS / "reference" / "lint.md"

FENCE = re.compile(r"^ *```.*$", re.MULTILINE)
BLOCK = re.compile(r"^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)

EVERY_PAGE = sorted(
    [README, *DOCS.rglob("*.md"), RECIPES / "README.md", *RECIPES.glob("*/README.md"), *RECIPES.glob("*/docs/*.md")]
)
HOW_TO = sorted((DOCS / "how-to").glob("*.md"))
OF_RECIPES = sorted([*RECIPES.glob("*/README.md"), *RECIPES.glob("*/docs/*.md")])

COMMANDS = frozenset({"", "sh", "console"})
"""Blocks that are typed into a terminal."""


@frozen
class Code:
    """A block of code, and what stands before it."""

    kind: str
    text: str
    before: str

    @property
    def commands(self) -> list[str]:
        """The lines to be typed, without what is said of them."""
        return [line.partition("  #")[0].strip() for line in self.text.splitlines() if line.strip()]


def code_of(page: Path) -> list[Code]:
    """The blocks of a page, in order."""
    text, end, found = page.read_text("utf-8"), 0, []
    for block in BLOCK.finditer(text):
        found.append(Code(block["kind"], block["text"], text[end : block.start()]))
        end = block.end()
    return found


def name_of(page: Path) -> str:
    """How a page is called in the tests."""
    return page.relative_to(ROOT).as_posix()
