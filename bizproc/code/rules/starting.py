"""Triggers and filters: what wakes a process, and what chooses items."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from bizproc.code.names import FILTER, STAGE_WAITS
from bizproc.code.reading import Module, Scope
from bizproc.code.rules.rule import Code, Found, Rule, calls

# -- a copy for every change -------------------------------------------------------------------------------------------


def _many_wait(code: Code) -> Iterator[Found]:
    process = code.process
    if process is None:
        return
    starts, overlap = process.keyword("starts"), process.keyword("overlap")
    scope = code.module.scope_of(process.node)
    if starts is None or not isinstance(overlap, ast.Constant) or overlap.value != "parallel":
        return
    if not any(_is_changed(node, code.module, scope) for node in ast.walk(starts)):
        return
    for call, origin in calls(code):
        if origin in STAGE_WAITS:
            yield (
                call,
                (
                    f"every change starts one more instance of {process.name}, all of them wait here, "
                    "and all go on together"
                ),
            )


def _is_changed(node: ast.AST, module: Module, scope: Scope) -> bool:
    return isinstance(node, ast.Call) and module.origin(node.func, scope) == "bizproc.on.changed"


MANY_WAIT: Final = Rule(
    id="many-wait",
    title="Every change starts an instance that waits for a stage",
    why="""
        With `overlap="parallel"` ten changes of an item start ten instances. They all wait for the stage, and when it
        is reached all ten do what comes after it.
    """,
    cure='leave `overlap="parallel"` out (one instance an item), or start on something that happens once',
    bad="""
        from bizproc import crm, on, process, wait
        from bizproc.model import Deal


        @process("thank", starts=on.changed("deal"), overlap="parallel")
        async def thank(deal: Deal) -> None:
            await wait.until_stage("WON")
            await crm.deal.add_comment("Thank you")
    """,
    good="""
        from bizproc import crm, on, process, wait
        from bizproc.model import Deal


        @process("thank", starts=on.changed("deal"))
        async def thank(deal: Deal) -> None:
            await wait.until_stage("WON")
            await crm.deal.add_comment("Thank you")
    """,
    look=_many_wait,
    about="process",
)

# -- filters -----------------------------------------------------------------------------------------------------------


def is_filter(node: ast.AST | None, module: Module, far: int = 20) -> bool:
    """Whether an expression is a filter, made of `F`."""
    if node is None or not far:
        return False
    match node:
        case ast.Compare():
            return any(_is_field(each, module) for each in (node.left, *node.comparators))
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
            return is_filter(node.left, module, far - 1) or is_filter(node.right, module, far - 1)
        case ast.UnaryOp(op=ast.Invert()):
            return is_filter(node.operand, module, far - 1)
        case ast.Call():
            return _is_field(node, module)
        case ast.Name():
            return _is_filters_name(node, module, far - 1)
        case _:
            return False


def _is_filters_name(name: ast.Name, module: Module, far: int) -> bool:
    home = module.scope_of(name).find(name.id)
    bindings = [] if home is None else home.names[name.id]
    if len(bindings) != 1 or bindings[0].kind != "value":
        return False
    key = ("filter", home, name.id)
    if key not in module.remembered:
        module.remembered[key] = False  # for what is defined by itself
        module.remembered[key] = is_filter(bindings[0].value, module, far)
    return bool(module.remembered[key])


def _is_field(node: ast.AST, module: Module) -> bool:
    origin = module.origin(node) if isinstance(node, ast.Attribute | ast.Call | ast.Subscript) else None
    return origin is not None and origin.startswith(f"{FILTER}.")


def _truth(code: Code) -> Iterator[Found]:
    module = code.module
    for node in code.nodes:
        match node:
            case ast.BoolOp() if any(is_filter(each, module) for each in node.values):
                word, sign = ("and", "&") if isinstance(node.op, ast.And) else ("or", "|")
                yield (
                    node,
                    f"`{word}` asks a filter for yes or no: write `{sign}`, with parentheses around each side",
                )
            case ast.UnaryOp(op=ast.Not()) if is_filter(node.operand, module):
                yield node, "`not` asks a filter for yes or no: write `~(...)`"
            case ast.Compare(ops=[_, _, *_]) if is_filter(node, module):
                yield node, "a chained comparison asks a filter for yes or no: write `(low <= F.x) & (F.x < high)`"
            case ast.Compare(ops=[ast.In() | ast.NotIn()]) if is_filter(node, module):
                yield node, "`in` asks a filter for yes or no: write `F.x.is_in([...])`"
            case ast.If() | ast.While() | ast.IfExp() | ast.Assert() if _is_plain(node.test, module):
                yield node.test, "a filter has no yes or no: it is for finding items and for triggers"


def _is_plain(test: ast.expr, module: Module) -> bool:
    """A filter that is no finding of its own."""
    chained = isinstance(test, ast.Compare) and (len(test.ops) > 1 or isinstance(test.ops[0], ast.In | ast.NotIn))
    return is_filter(test, module) and not chained


FILTER_TRUTH: Final = Rule(
    id="filter-truth",
    title="`and`, `or`, `not` or a chained comparison on a filter",
    why="""
        `F.amount >= 100` is a filter: it is answered by the database, for each item. Python's `and`, `or`, `not` and
        `low <= F.amount < high` ask for yes or no before there is an item, which raises an error when the line runs.
    """,
    cure="write `&`, `|`, `~`, with parentheses around each comparison",
    bad="""
        from bizproc import F, Runtime
        from bizproc.model import Deal


        async def large(runtime: Runtime) -> list[Deal]:
            return await runtime.find(Deal, F.amount >= 1000 and F.stage == "NEW")
    """,
    good="""
        from bizproc import F, Runtime
        from bizproc.model import Deal


        async def large(runtime: Runtime) -> list[Deal]:
            return await runtime.find(Deal, (F.amount >= 1000) & (F.stage == "NEW"))
    """,
    look=_truth,
    about="file",
)
