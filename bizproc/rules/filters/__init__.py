"""
Filters: what is said of an item with `F`, with one meaning in memory and in SQL. Pure; no store is known here.

    fields.py       `F`: all fields of all kinds
    predicates.py   the values that a filter consists of, and whether they hold
    operators.py    what each operator means
    literals.py     what a filter compares with
    relations.py    links and relations between kinds
    checking.py     a filter meets a kind of item
    rendering.py    as text and as Python
    parsing.py      from text
    forms.py        as JSON and in the journal
    explaining.py   why an item fits or not
    edges.py        `changed` and `became`
    splitting.py    what a CRM is asked that evaluates only part of it

Two-valued and null-safe: null is a value that equals only itself, so that `~p` is true exactly where `p` is not.
"""

from bizproc.rules.filters.edges import became, changed
from bizproc.rules.filters.explaining import Explanation
from bizproc.rules.filters.fields import F
from bizproc.rules.filters.forms import from_json, to_json
from bizproc.rules.filters.operators import Setting
from bizproc.rules.filters.parsing import parse
from bizproc.rules.filters.predicates import Filter, any_of, every_of
from bizproc.rules.filters.rendering import render
from bizproc.rules.filters.splitting import Split, split

__all__ = [
    "Explanation",
    "F",
    "Filter",
    "Setting",
    "Split",
    "any_of",
    "became",
    "changed",
    "every_of",
    "from_json",
    "parse",
    "render",
    "split",
    "to_json",
]
