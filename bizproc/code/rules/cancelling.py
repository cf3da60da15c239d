"""What a cancellation meets on its way out of a process."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Final

from bizproc.code.names import SHIELD, is_effect
from bizproc.code.reading import Function, Module, inside, own_nodes
from bizproc.code.rules.rule import Code, Found, Rule, has_await

_CATCHES_ALL: Final = frozenset({"builtins.BaseException", "builtins.BaseExceptionGroup"})
_CANCELLED: Final = frozenset({"bizproc.errors.Cancelled"})
_SUPPRESS: Final = "contextlib.suppress"


def _catches(kind: ast.expr | None, names: frozenset[str], module: Module) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind] if kind is not None else []
    return any(module.origin(each) in names for each in kinds)


# -- swallowing --------------------------------------------------------------------------------------------------------


def _swallows(code: Code) -> Iterator[Found]:
    for node in code.nodes:
        match node:
            case ast.Try() | ast.TryStar():
                yield from _in_try(node, code.module)
            case ast.With() | ast.AsyncWith():
                yield from _in_with(node, code.module)


def _in_try(node: ast.Try | ast.TryStar, module: Module) -> Iterator[Found]:
    if has_await(inside(node.body)):
        for handler in node.handlers:
            if _catches(handler.type, _CANCELLED, module):
                break
            everything = handler.type is None or _catches(handler.type, _CATCHES_ALL, module)
            if everything and not any(isinstance(each, ast.Raise) for each in inside(handler.body)):
                what = "`except:`" if handler.type is None else "`except BaseException`"
                yield handler, f"{what} without `raise` catches the cancellation of the instance, too"
    for each in _leaves(node.finalbody) if has_await(inside([*node.body, *node.handlers, *node.orelse])) else ():
        yield each, f"`{_word(each)}` in `finally` swallows the cancellation of the instance"


def _leaves(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """What leaves a `finally` block before its end."""
    loops: set[ast.AST] = set()
    for node in inside(body):
        if isinstance(node, ast.For | ast.While | ast.AsyncFor):
            loops.update(inside(node.body))
        elif isinstance(node, ast.Return) or (isinstance(node, ast.Break | ast.Continue) and node not in loops):
            yield node


def _word(node: ast.stmt) -> str:
    return type(node).__name__.lower()


def _in_with(node: ast.With | ast.AsyncWith, module: Module) -> Iterator[Found]:
    for item in node.items:
        call = item.context_expr
        if not isinstance(call, ast.Call) or module.origin(call.func) != _SUPPRESS:
            continue
        if has_await(inside(node.body)) and any(module.origin(each) in _CATCHES_ALL for each in call.args):
            yield call, "`suppress(BaseException)` catches the cancellation of the instance, too"


SWALLOWED_CANCEL: Final = Rule(
    id="swallowed-cancel",
    title="The cancellation of the instance is caught by accident",
    why="""
        A cancelled instance gets `Cancelled` at the line where it waits. It is a `BaseException`, so that
        `except Exception` lets it through. `except:` and `except BaseException` catch it, and a `return` in `finally`
        drops it: the instance goes on as if nobody had cancelled it. A process that is meant to go on says so with
        `except Cancelled`.
    """,
    cure="catch `Exception`, or end the handler with `raise`",
    bad="""
        from bizproc import crm, process, wait
        from bizproc.model import Deal


        @process("follow")
        async def follow(deal: Deal) -> None:
            try:
                await wait.until_stage("WON")
            except:
                await crm.deal.add_comment("Something went wrong")
    """,
    good="""
        from bizproc import crm, process, wait
        from bizproc.model import Deal


        @process("follow")
        async def follow(deal: Deal) -> None:
            try:
                await wait.until_stage("WON")
            except Exception:
                await crm.deal.add_comment("Something went wrong")
    """,
    look=_swallows,
)

# -- effects while being cancelled -------------------------------------------------------------------------------------


def _unshielded(code: Code) -> Iterator[Found]:
    if code.function is not None and _always_shielded(code.function, code.module):
        return
    for node in code.nodes:
        if isinstance(node, ast.Try | ast.TryStar) and has_await(inside(node.body)):
            for place, block in _cleanups(node, code.module):
                for each, what in _effects(block, code.module):
                    yield each, f"{what} in {place} runs while the instance is being cancelled, and is not shielded"


def _cleanups(node: ast.Try | ast.TryStar, module: Module) -> Iterator[tuple[str, list[ast.stmt]]]:
    for handler in node.handlers:
        everything = _CATCHES_ALL | _CANCELLED
        if handler.type is None or _catches(handler.type, everything, module):
            # One that catches everything by accident, and ends there, is the other rule's.
            meant = _catches(handler.type, _CANCELLED, module)
            if meant or any(isinstance(each, ast.Raise) for each in inside(handler.body)):
                yield "a handler of the cancellation", handler.body
            break
    if node.finalbody:
        yield "`finally`", node.finalbody


def _effects(block: Iterable[ast.stmt], module: Module) -> Iterator[tuple[ast.AST, str]]:
    for node in inside(block):
        if isinstance(node, ast.Await) and not _in_shield(node, module):
            what = next((said for call in inside([node.value]) if (said := effect_of(call, module))), None)
            if what is not None:
                yield node, what


def effect_of(node: ast.AST, module: Module) -> str | None:
    """What changes the world, if awaiting what this call makes does."""
    if not isinstance(node, ast.Call) or _in_shield(node, module):
        return None
    origin = module.origin(node.func)
    if origin is not None:
        return f"{origin.removeprefix('bizproc.').replace('()', '(…)')}(…)" if is_effect(origin) else None
    named = module.definition(node.func)
    return f"{named.name}(…)" if named is not None and _has_effect(named, module) else None


def _has_effect(function: Function, module: Module) -> bool:
    if module.is_step(function) or module.is_process(function):
        return True
    key = ("effect", function)
    if key not in module.remembered:
        module.remembered[key] = False  # for a function that calls itself
        inner = (effect_of(each, module) for each in own_nodes(function))
        module.remembered[key] = isinstance(function, ast.AsyncFunctionDef) and any(inner)
    return bool(module.remembered[key])


def _in_shield(node: ast.AST, module: Module) -> bool:
    for outer in module.ancestors(node):
        if isinstance(outer, ast.Call) and node is not outer.func and module.origin(outer.func) == SHIELD:
            return True
        if isinstance(outer, ast.stmt):
            return False
    return False


def _always_shielded(function: Function, module: Module) -> bool:
    """A helper that is only called inside `shield(...)` is not cancelled."""
    if module.is_process(function):
        return False
    uses = [node for node in module.loads.get(function.name, ()) if module.definition(node) is function]
    return bool(uses) and all(_in_shield(use, module) for use in uses)


UNSHIELDED_EFFECT: Final = Rule(
    id="unshielded-effect",
    title="An effect in `finally`, or in a handler of the cancellation, without `shield`",
    why="""
        When an instance or a branch is cancelled, `finally` runs though its work is to end. What it still does to the
        world there may be one step of several: `await shield(...)` says that it comes to its end, whatever ends the
        instance meanwhile but `terminate`.
    """,
    cure="write `await shield(...)` around it, or undo with `saga`",
    bad="""
        from bizproc import crm, process, wait
        from bizproc.model import Deal


        @process("follow")
        async def follow(deal: Deal) -> None:
            try:
                await wait.until_stage("WON")
            finally:
                await crm.deal.add_comment("No longer followed")
    """,
    good="""
        from bizproc import crm, process, shield, wait
        from bizproc.model import Deal


        @process("follow")
        async def follow(deal: Deal) -> None:
            try:
                await wait.until_stage("WON")
            finally:
                await shield(crm.deal.add_comment("No longer followed"))
    """,
    look=_unshielded,
)
