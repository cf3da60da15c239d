"""
Writes docs/reference/actions.md, language.md, triggers.md, filters.md, testing.md and errors.md from the code.

What stands there is what `bizproc actions` shows, what the docstrings of `bizproc` say, and what
`bizproc/core/errors.py` declares; a test keeps the files equal to it. Nothing is written by hand there.
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import attrs

import bizproc
from bizproc import wait
from bizproc.cli.actions_command import also
from bizproc.cli.catalogue import Entry, catalogue
from bizproc.core import errors
from bizproc.core.checks import readable
from tools.pages import MADE, code, spoken, table, undecided, write_pages
from tools.reference_filters import filters
from tools.reference_results import given_by, results
from tools.reference_testing import testing
from tools.reference_triggers import triggers

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
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
    parts += [results(entries)]
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
    parts += given_by(entry)
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

What a process is written in, beside [actions](actions.md), [triggers](triggers.md) and [filters](filters.md). All of
it is imported from `bizproc`.

What stands below with `await` is awaited, and nothing happens before it is: `await note("called")`,
`moment = await now()`. What stands without is not: `printed(deal, "amount")` gives its text at once. `@` stands in
front of a function, and `async with` begins a block. [Testing](testing.md) has a page of its own.
"""

NAMES = """\
## Names that differ

A stage of a lead is called a status by those who work with leads. So two names that are of leads alone have that word;
what is said of items of any kind has the other one, of leads, too.

| of a deal (a quote, an invoice, a smart item) | of a lead |
| --- | --- |
| `await crm.deal.change_stage("WON")` | `await crm.lead.change_status("CONVERTED")` |
| `await wait.until_stage("WON")`, of deals alone | `await wait.until_status("CONVERTED")` |
| `on.stage("deal", "WON")` | `on.stage("lead", "CONVERTED")` |
| `deal.stage`, `F.stage == "WON"` | `lead.stage`, `F.stage == "CONVERTED"`; `lead.status` is the same text |

What one thing is handed over as follows from what is known without it:

| typed | takes | because |
| --- | --- | --- |
| `crm.deal(...)`, `wait.until_stage(deal=...)` | \
`crm.deal(42)`, `crm.deal(deal)` | the kind is said already: an id is enough, an item will do |
| `on.changed(...)`, `on.stage(...)` and the like | \
a kind, `on.changed("deal")`, or one item, `on.changed(deal)` | an id alone would not say of which kind |
| `on.payment_paid(...)`, `on.email_opened(...)` and the like | \
nothing, or one item, `on.payment_paid(deal)` | they are about items of whatever kind |
| `--document` of the command line, an event's `subject` | `deal:42` | a text says both |
"""

RECIPES = ("recipe", "use")
QUEUES = ("UserQueue", "Department", "Group", "supervisor", "Calendar")


def language() -> str:
    elsewhere = ("process", "supervisor", *RECIPES)
    verbs = [each for each in bizproc.__all__ if inspect.isfunction(getattr(bizproc, each)) and each not in elsewhere]
    parts = [MADE, LANGUAGE, "## Processes\n", spoken("process", bizproc.process)]
    parts += ["## Waits\n"]
    parts += [spoken(f"wait.{name}", getattr(wait, name)) for name in wait.__all__]
    parts += ["## Verbs\n"]
    parts += [spoken(name, getattr(bizproc, name)) for name in (*verbs, "Retry")]
    parts += ["## Queues and calendars\n"]
    parts += [spoken(name, getattr(bizproc, name)) for name in QUEUES]
    parts += ["## Recipes\n"]
    parts += [spoken(name, getattr(bizproc, name)) for name in RECIPES]
    parts += [NAMES]
    return "\n".join(parts)


# -- errors ------------------------------------------------------------------------------------------------------------

ERRORS = """\
# Errors

Every error that bizproc raises. Each says what happened, where, and what now, and carries its facts as fields, so that
code need not read its text. All stand in `bizproc.errors`.
"""


def all_errors() -> str:
    found = [getattr(errors, name) for name in errors.__all__]
    raised = sorted((cls for cls in found if issubclass(cls, BaseException)), key=lambda cls: cls.__name__)
    tree = inspect.cleandoc(undecided(errors.__doc__)).partition("\n\n")[2]
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
    documentation = re.split(r"^Attributes:$", inspect.cleandoc(undecided(cls.__doc__)), flags=re.MULTILINE)[0]
    return documentation.strip()


def _base(base: Any) -> str:
    name = base.__name__
    return f"[{name}](#{name.lower()})" if name in errors.__all__ else f"`{name}`"


def _fields(cls: Any) -> Iterator[tuple[str, str, str]]:
    hints = get_type_hints(cls)
    for each in attrs.fields(cls):
        default = "" if each.default is attrs.NOTHING else code(repr(each.default))
        yield f"`{each.name}`", code(readable(hints[each.name])), default


REFERENCE = {
    "actions.md": actions,
    "language.md": language,
    "triggers.md": triggers,
    "filters.md": filters,
    "testing.md": testing,
    "errors.md": all_errors,
}


if __name__ == "__main__":
    write_pages(FOLDER, REFERENCE)
