"""Writes docs/reference/lint.md: the rules of `bizproc check`, in the words and with the examples of the code."""

from pathlib import Path

from bizproc.code.checking import CURES, NO_REASON, UNREADABLE
from bizproc.code.rules import RULES, Rule

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "lint.md"

HEAD = """\
# What `bizproc check` finds

`bizproc check PATHS` reads the code of processes without running it, and reports what would not replay: with file, line
and cure. It looks at functions that are decorated with `@process`, and at the functions and methods of the same file
that these call; the bodies of `@action` functions may do what they like. Where it cannot be certain it is silent, and
helpers in other files it does not see. Exit code 1 if anything is found.

A line that is right all the same says why, in a comment at its end: `# bizproc: ok (reason)`. It silences this one
line.
"""


def page() -> str:
    """The page's text."""
    rows = "\n".join(f"| [`{rule.id}`](#{rule.id}) | {rule.title} |" for rule in RULES)
    files = (
        "## Files\n\n"
        f"`{UNREADABLE}`: a file that is no Python, or cannot be opened, or is too large. "
        f"Cure: {CURES[UNREADABLE]}.\n\n"
        f"`{NO_REASON}`: a comment that silences a line without a reason; it silences nothing. "
        f"Cure: {CURES[NO_REASON]}.\n"
    )
    return "\n".join([HEAD, f"| rule | what it finds |\n| --- | --- |\n{rows}\n", *map(_section, RULES), files])


def _section(rule: Rule) -> str:
    return (
        f"## {rule.id}\n\n{rule.title}. {rule.why}\n\nCure: {rule.cure}.\n\n"
        f"Found:\n\n```python\n{rule.bad}```\n\nRight:\n\n```python\n{rule.good}```\n"
    )


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), "utf-8")
