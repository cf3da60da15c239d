"""What the pages of docs/reference share: tables, and how a function or a class is shown with its docstring."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_origin

MADE = "<!-- Made from the code by `make reference`. Changes belong there. -->\n"


def spoken(name: str, told: Any, call: str | None = None) -> str:
    """One function or class: how it is typed, and its docstring."""
    documentation = re.sub(r"\s*Heading \d+[^.]*\.$", "", inspect.cleandoc(undecided(told.__doc__)), flags=re.MULTILINE)
    parts = [f"### {name}\n", f"```text\n{call or typed(name, told)}\n```\n"]
    for title, text in _sections(documentation):
        lines = _items(text) if title else []
        said = f"{title}: {' '.join(text.split())}" if title else text.strip()
        parts.append(table((title.lower(), ""), lines) if lines else f"{said}\n")
    return "\n".join(parts)


def typed(name: str, told: Any) -> str:
    """How it is typed: `await` where a call is awaited, `async with` where it is a block, `@` where it decorates."""
    return f"{_before(told)}{name}{signature(told)}"


def _before(told: Any) -> str:
    if inspect.iscoroutinefunction(told):
        return "await "
    given = inspect.isfunction(told) and told.__annotations__.get("return")
    if isinstance(given, str):
        given = eval(given, told.__globals__)  # noqa: S307  an annotation of our own; others of it need not be there
    made = get_origin(given) or given
    if made is Callable:
        return "@"
    return "await " if hasattr(made, "__await__") else "async with " if hasattr(made, "__aenter__") else ""


def signature(told: Any) -> str:
    """The parameters without their types, which the docstring has in words; enough to type a call."""
    declared = inspect.signature(told).parameters
    shown = [each.replace(annotation=inspect.Parameter.empty) for name, each in declared.items() if name != "self"]
    return re.sub(r"=<[^>]*>|=NOTHING", "=…", str(inspect.Signature(shown))).replace("=mappingproxy({})", "={}")


_SECTION = re.compile(r"^(Args|Attributes|Raises|Returns):\n", re.MULTILINE)


def _sections(documentation: str) -> Iterator[tuple[str, str]]:
    first, *others = _SECTION.split(documentation)
    yield "", first
    yield from zip(others[::2], others[1::2], strict=True)


def _items(text: str) -> list[tuple[str, str]]:
    found = re.findall(r"^    ([\w, ]+): (.*(?:\n     +.*)*)", text, re.MULTILINE)
    return [(f"`{names}`", " ".join(said.split())) for names, said in found]


def undecided(documentation: str | None) -> str:
    """Without the numbers of decisions, which say something to those who work on the code."""
    return re.sub(r" \(D\d+\b[^)]*\)", "", documentation or "")


def table(headers: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table without the columns that are empty."""
    used = [place for place in range(len(headers)) if any(row[place] for row in rows)]
    lines = [[headers[place] for place in used], ["---"] * len(used), *([row[place] for place in used] for row in rows)]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines) + "\n"


def code(text: str | None) -> str:
    return f"`{text}`" if text else ""


def write_pages(folder: Path, pages: Mapping[str, Callable[[], str]]) -> None:
    """Write the pages that are not as they should be, and say which."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, made in pages.items():
        path, text = folder / name, made()
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8", newline="\n")
            print(f"written: {path}")
