"""
Writes docs/reference/actions.md, language.md and errors.md from the code.

What stands there is what `bizproc actions` shows, what the docstrings of `bizproc` say, and what
`bizproc/core/errors.py` declares; a test keeps the files equal to it. Nothing is written by hand there.
"""

import inspect
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_type_hints

import attrs

import bizproc
from bizproc import on, wait
from bizproc.cli.actions_command import also
from bizproc.cli.catalogue import Entry, catalogue
from bizproc.core import errors
from bizproc.core.checks import readable
from bizproc.rules.filters import fields

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
MADE = "<!-- Made from the code by `make reference`. Changes belong there. -->\n"

# They go out through a channel that whoever runs the CRM sets up.
CHANNELS = {6: "the ads audience", 7: "the ads audience", 21: "documents", 31: "SMS", 32: "mail", 33: "payments"}


# -- actions -----------------------------------------------------------------------------------------------------------

ACTIONS = """\
# Actions

What a process can do. First the 42 actions of the document, under its headings and in its order, then those beyond it.
The same on the command line: `bizproc actions`, and `bizproc actions add_product` for one of them.

- `crm.deal` is the deal that the process runs on, or the one linked to its document; `crm.deal(42)` and
  `crm.deal(deal)` are any other. What is said of a deal holds for the other kinds that are named. `crm.item` stands for
  `crm.item("contract")`, an item of a smart type.
- An action is awaited in a process, and performed once, however often the program stops. Outside a process it is handed
  to `runtime.perform(...)`.
- Durations are `timedelta`, moments are `datetime` with a time zone, amounts are `Decimal` in the item's currency,
  percentages run from 0 to 100.
- An action that cannot do its work raises one of the errors that are named, and has then changed nothing.
"""


def actions() -> str:
    entries = catalogue()
    headed = [entry for entry in entries if entry.heading is not None]
    beyond = [entry for entry in entries if entry.heading is None]
    parts = [MADE, ACTIONS, "## The document's actions\n", _contents(headed)]
    parts += [_headed(entry) for entry in headed]
    parts += ["## Beyond the document\n"]
    parts += [f"### {_title(entry)}\n\n{_body(entry)}" for entry in beyond]
    return "\n".join(parts)


def _contents(entries: list[Entry]) -> str:
    rows = [
        (
            str(entry.heading.number),
            f"[{entry.heading.fr}](#action-{entry.heading.number})",
            entry.heading.en,
            _named(entry),
        )
        for entry in entries
        if entry.heading is not None
    ]
    return table(("", "heading", "in English", "names"), rows)


def _named(entry: Entry) -> str:
    return "; ".join(f"`{form.names[0]}`{also(form).removeprefix(form.names[0])}" for form in entry.forms) or "to come"


def _headed(entry: Entry) -> str:
    heading = entry.heading
    assert heading is not None
    title = f'<a id="action-{heading.number}"></a>\n\n### {heading.number}. {heading.fr}\n\n*{heading.en}*\n'
    if entry.names:
        return f"{title}\n{_body(entry)}"
    channel = CHANNELS.get(heading.number)
    return f"{title}\nTo come{f', with the channel for {channel}' if channel else ''}.\n"


def _title(entry: Entry) -> str:
    return entry.forms[0].names[0]


def _body(entry: Entry) -> str:
    calls = "\n".join(f"await {form.names[0]}{form.signature}  # -> {form.returns}" for form in entry.forms)
    parts = [f"```text\n{calls}\n```\n"]
    others = [name for form in entry.forms for name in form.names[1:]]
    if others:
        parts.append(f"Also {', '.join(f'`{name}`' for name in others)}.\n")
    parts.append(f"{entry.says}\n")
    if entry.parameters:
        rows = [
            (f"`{each.name}`", code(each.type), "required" if each.required else code(each.default), each.description)
            for each in entry.parameters
        ]
        parts.append(table(("parameter", "type", "default", ""), rows))
    if entry.errors:
        raised = [(f"[{each.name}](errors.md#{each.name.lower()})", each.when) for each in entry.errors]
        parts.append(table(("raises", "when"), raised))
    return "\n".join(parts)


# -- the language ------------------------------------------------------------------------------------------------------

LANGUAGE = """\
# The language

What a process is written in, beside the [actions](actions.md). All of it is imported from `bizproc`.
"""

TRIGGERS = """\
`@process("sales.won", starts=on.stage("deal", "WON", where=F.amount >= 100))`: what stands in `starts=` starts the
process with the item as its document; in `wait.for_event(...)` it ends a wait.
"""

FILTERS = """\
`F` has all fields of all kinds of items: `F.amount >= 100`, `F.company.title.contains("tea")`,
`F.custom.size == "XL"`. `&`, `|` and `~` combine, with brackets around each comparison. A filter meets its kind of item
where it is used, and says there if such items have no such field. `crm.deal.find(...)` takes one, triggers take one in
`where=`.
"""

_OPERATORS = "`==`, `!=`, `<`, `<=`, `>`, `>=`, and on each field:\n"


RECIPES = ("recipe", "use")
QUEUES = ("UserQueue", "Department", "Group", "supervisor", "Calendar")


def language() -> str:
    elsewhere = ("process", "supervisor", *RECIPES)
    verbs = [each for each in bizproc.__all__ if inspect.isfunction(getattr(bizproc, each)) and each not in elsewhere]
    parts = [MADE, LANGUAGE, "## Processes\n", _spoken("process", bizproc.process), "## Triggers\n", TRIGGERS]
    parts += [_spoken(f"on.{name}", getattr(on, name)) for name in on.__all__]
    parts += ["## Waits\n"]
    parts += [_spoken(f"wait.{name}", getattr(wait, name)) for name in wait.__all__]
    parts += ["## Verbs\n"]
    parts += [_spoken(name, getattr(bizproc, name)) for name in (*verbs, "Retry")]
    parts += ["## Filters\n", FILTERS, _OPERATORS, table(("", ""), list(_operators()))]
    parts += ["## Queues and calendars\n"]
    parts += [_spoken(name, getattr(bizproc, name)) for name in QUEUES]
    parts += ["## Recipes\n"]
    parts += [_spoken(name, getattr(bizproc, name)) for name in RECIPES]
    return "\n".join(parts)


def _operators() -> Iterator[tuple[str, str]]:
    for cls, places in ((fields.Operand, "field"), (fields.Several, "relation")):
        for name, method in vars(cls).items():
            if inspect.isfunction(method) and not name.startswith("_"):
                taken = ", ".join(list(inspect.signature(method).parameters)[1:])
                yield f"`{name}({taken})`", f"{_on_a(places)}{' '.join(inspect.cleandoc(method.__doc__ or '').split())}"


def _on_a(places: str) -> str:
    return "" if places == "field" else f"(of a {places}) "


def _spoken(name: str, told: Any) -> str:
    """One function or class: how it is typed, and its docstring."""
    documentation = re.sub(
        r"\s*Heading \d+[^.]*\.$", "", inspect.cleandoc(_undecided(told.__doc__)), flags=re.MULTILINE
    )
    parts = [f"### {name}\n", f"```text\n{name}{_signature(told)}\n```\n"]
    for title, text in _sections(documentation):
        lines = _items(text) if title else []
        parts.append(table((title.lower(), ""), lines) if lines else f"{text.strip()}\n")
    return "\n".join(parts)


def _signature(told: Any) -> str:
    """The parameters without their types, which the docstring has in words; enough to type a call."""
    signature = inspect.signature(told)
    shown = [each.replace(annotation=inspect.Parameter.empty) for each in signature.parameters.values()]
    return re.sub(r"=<[^>]*>|=NOTHING", "=…", str(inspect.Signature(shown)))


_SECTION = re.compile(r"^(Args|Attributes|Raises|Returns):\n", re.MULTILINE)


def _sections(documentation: str) -> Iterator[tuple[str, str]]:
    first, *others = _SECTION.split(documentation)
    yield "", first
    yield from zip(others[::2], others[1::2], strict=True)


def _items(text: str) -> list[tuple[str, str]]:
    found = re.findall(r"^    ([\w, ]+): (.*(?:\n     +.*)*)", text, re.MULTILINE)
    return [(f"`{names}`", " ".join(said.split())) for names, said in found]


# -- errors ------------------------------------------------------------------------------------------------------------

ERRORS = """\
# Errors

Every error that bizproc raises. Each says what happened, where, and what now, and carries its facts as fields, so that
code need not read its text. All stand in `bizproc.errors`.
"""


def all_errors() -> str:
    found = [getattr(errors, name) for name in errors.__all__]
    raised = sorted((cls for cls in found if issubclass(cls, BaseException)), key=lambda cls: cls.__name__)
    tree = inspect.cleandoc(_undecided(errors.__doc__)).partition("\n\n")[2]
    parts = [MADE, ERRORS, f"```text\n{inspect.cleandoc(tree)}\n```\n"]
    parts += [_error(cls) for cls in raised]
    values = [cls for cls in found if cls not in raised]
    if values:
        parts += ["## What errors carry\n", *(_error(cls) for cls in values)]
    return "\n".join(parts)


def _error(cls: Any) -> str:
    parts = [f"### {cls.__name__}\n", f"{_prose(cls)}\n"]
    bases = [base for base in cls.__bases__ if base not in (object, Exception)]
    if bases:
        parts.append(f"Kind of: {', '.join(_base(base) for base in bases)}\n")
    says = getattr(cls, "says", "")
    if says and attrs.has(cls):
        parts.append("```text\n" + says + "\n```\n")
    if getattr(cls, "advice", ""):
        parts.append(f"**What now:** {cls.advice}\n")
    rows = list(_fields(cls)) if attrs.has(cls) else []
    if rows:
        parts.append(table(("field", "type", "default"), rows))
    return "\n".join(parts)


def _prose(cls: Any) -> str:
    documentation = re.split(r"^Attributes:$", inspect.cleandoc(_undecided(cls.__doc__)), flags=re.MULTILINE)[0]
    return documentation.strip()


def _undecided(documentation: str | None) -> str:
    """Without the numbers of decisions, which say something to those who work on the code."""
    return re.sub(r" \(D\d+\b[^)]*\)", "", documentation or "")


def _base(base: Any) -> str:
    name = base.__name__
    return f"[{name}](#{name.lower()})" if name in errors.__all__ else f"`{name}`"


def _fields(cls: Any) -> Iterator[tuple[str, str, str]]:
    hints = get_type_hints(cls)
    for each in attrs.fields(cls):
        default = "" if each.default is attrs.NOTHING else code(repr(each.default))
        yield f"`{each.name}`", code(readable(hints[each.name])), default


# -- Markdown ----------------------------------------------------------------------------------------------------------


def table(headers: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table without the columns that are empty."""
    used = [place for place in range(len(headers)) if any(row[place] for row in rows)]
    lines = [[headers[place] for place in used], ["---"] * len(used), *([row[place] for place in used] for row in rows)]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines) + "\n"


def code(text: str | None) -> str:
    return f"`{text}`" if text else ""


REFERENCE = {"actions.md": actions, "language.md": language, "errors.md": all_errors}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, made in REFERENCE.items():
        path = FOLDER / name
        text = made()
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8", newline="\n")
            print(f"written: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
