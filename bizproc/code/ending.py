"""
Which actions end the instance that awaits them: those that move or delete the document that its process runs on.

Only what is certain. `change_pipeline` is not among them: it ends nothing where the item is in that pipeline already.
"""

from __future__ import annotations

import ast
from typing import Final

from bizproc.code.names import SHIELD
from bizproc.code.reading import Module, Written

ENDS: Final = {
    "change_stage": "stage changed",
    "change_status": "stage changed",
    "delete": "document deleted",
}
"""The verbs, each with what the instance is ended by."""

_CRM: Final = "bizproc.crm."
_GATHER: Final = "bizproc.gather"


def ended_by(value: ast.expr, process: Written, module: Module) -> str | None:
    """What an instance of a process is ended by if this is awaited in it; None where it goes on, or may go on."""
    if not errors_are_raised(process):
        return None
    noun, _, verb = (module.origin(value) or "").removeprefix(_CRM).rpartition(".")
    ends = ENDS.get(verb.removesuffix("()")) if verb.endswith("()") else None
    own = document_kind(process)
    if ends is None or noun.removesuffix("()") != own or own is None:
        return None
    return ends if not noun.endswith("()") or _names_the_document(value, process, module) else None


def ending_in(value: ast.expr, process: Written, module: Module) -> ast.expr | None:
    """What ends the instance if this is awaited: this, or what it is waited for in."""
    if ended_by(value, process, module) is not None:
        return value
    inside = isinstance(value, ast.Call) and module.origin(value.func) in (SHIELD, _GATHER)
    arguments = value.args if inside and isinstance(value, ast.Call) else []
    return next((each for each in arguments if ended_by(each, process, module) is not None), None)


def errors_are_raised(process: Written) -> bool:
    """Whether an action that fails raises. With `on_error="continue"` the process goes on behind a move that failed."""
    said = process.keyword("on_error")
    return said is None or (isinstance(said, ast.Constant) and said.value == "raise")


def document_kind(process: Written) -> str | None:
    """The kind of item that a process runs on, as `deal`."""
    document = _document(process)
    if document is None or document.annotation is None:
        return None
    return ast.unparse(document.annotation).strip("'\"").rpartition(".")[2].lower()


def _document(process: Written) -> ast.arg | None:
    arguments = process.node.args
    return next(iter([*arguments.posonlyargs, *arguments.args]), None)


def _names_the_document(value: ast.expr, process: Written, module: Module) -> bool:
    """Whether this is `crm.deal(deal).change_stage(…)`, or the same by the deal's id, of the document `deal`."""
    match value:
        case ast.Call(func=ast.Attribute(value=ast.Call(args=[ast.Name() as named], keywords=[]))):
            pass
        case ast.Call(func=ast.Attribute(value=ast.Call(args=[ast.Attribute(value=ast.Name() as named, attr="id")]))):
            pass
        case _:
            return False
    home = module.scope_of(named).find(named.id)
    bindings = [] if home is None else home.names[named.id]
    return [each.node for each in bindings] == [_document(process)]
