"""Makes docs/reference/filters.md: operators from docstrings of `F`, fields from the model, text from its parser."""

import inspect
from collections.abc import Iterator
from typing import Any

from bizproc.model.items import Item
from bizproc.model.kinds import BELONGINGS, NOUNS
from bizproc.rules.filters import fields, parsing
from bizproc.rules.filters.relations import link_name, readable, relations_in
from tools.pages import MADE, table

HEAD = """\
# Filters

What is said of items with `F`. `from bizproc import F`.

    (F.amount >= 100) & F.stage.is_in(["NEW", "PREPARATION"]) & ~F.company.title.contains("test")

- A filter is a value: `crm.deal.find(...)` and `runtime.find(Deal, ...)` take one, triggers take one in `where=`, and
  `bizproc start --where` takes one as text.
- `&`, `|` and `~` combine, with brackets around each comparison. `and`, `or`, `not` and `1 < F.amount < 5` are refused.
- `F` has the fields of all kinds of items. That items have no such field, or that a value does not fit it, is said
  where the filter meets its kind.
- A link leads to another item, `F.company.country == "FR"`; where there is none, all that is behind it is null. A
  relation leads to several: `F.contacts.any(F.name == "Ann")`. Custom fields are `F.custom.size`.
- Null is a value that equals only itself: `F.company.city != "Lyon"` holds of deals without a company, and `~p` is true
  exactly where `p` is not. Comparisons of order are false of null. 0, False, a blank text and null are four values.
- `==` is exact; `contains`, `starts_with` and `equals_text` look past case. Days are those of the portal's zone.
- In the database a filter means the same as in memory.
"""

COMPARED = {"__eq__": "==", "__ne__": "!=", "__lt__": "<", "__le__": "<=", "__gt__": ">", "__ge__": ">="}

TEXT = """\
## As text

On the command line: `bizproc start sales.tidy --where "amount >= 100 and stage in (NEW, WON)"`. A text needs quotes
unless it is a word.
"""

OF_KINDS = """\
## Fields, links and relations

By what a field holds. Links and relations are followed by a field of what they lead to, whose kind stands in brackets
where the name does not say it.
"""


def filters() -> str:
    operators = table(("on a field", ""), [*_operators(fields.Operand)])
    relations = table(("on a relation", ""), [*_operators(fields.Several)])
    grammar = inspect.cleandoc(parsing.__doc__ or "").split("\n\n")[1]
    parts = [
        MADE,
        HEAD,
        "## Operators\n",
        operators,
        relations,
        TEXT,
        f"```text\n{inspect.cleandoc(grammar)}\n```\n",
        OF_KINDS,
    ]
    items = [cls for cls in NOUNS.values() if issubclass(cls, Item)]
    others = [cls for cls in (*NOUNS.values(), *BELONGINGS.values()) if cls not in items]
    parts += [_kind(cls) for cls in (*items, *others)]
    return "\n".join(parts)


def _operators(cls: type) -> Iterator[tuple[str, str]]:
    for name, method in vars(cls).items():
        if not inspect.isfunction(method) or (name.startswith("_") and name not in COMPARED):
            continue
        said = " ".join(inspect.cleandoc(method.__doc__ or "").split())
        taken = ", ".join(list(inspect.signature(method).parameters)[1:])
        yield f"`{COMPARED[name]}`" if name in COMPARED else f"`{name}({taken})`", said


def _kind(cls: Any) -> str:
    """A kind's fields by what they hold, and the ways from it to others."""
    known = readable(cls)
    held: dict[str, list[str]] = {}
    for name in sorted(known.keys() - {"custom"}):
        field = known[name]
        held.setdefault(f"{field.type.name}{', several' if field.multiple else ''}", []).append(f"`{name}`")
    rows = [(holds, ", ".join(names)) for holds, names in sorted(held.items())]
    links = sorted((link_name(field) or "", field.refers or "") for field in known.values() if link_name(field))
    relations = sorted((each.name, each.kind) for each in relations_in(cls.item_type, known).values())
    rows += [("links", _ways(links)), ("relations", _ways(relations))]
    return f"### {cls.item_type}\n\n{table(('', ''), [row for row in rows if row[1]])}"


def _ways(ways: list[tuple[str, str]]) -> str:
    return ", ".join(f"`{name}`" if name == kind else f"`{name}` ({kind})" for name, kind in dict.fromkeys(ways))
