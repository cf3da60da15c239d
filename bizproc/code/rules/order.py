"""Sets have no order that a replay could count on."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Final, Literal, TypeAlias

from bizproc.code.reading import Module, Scope, inside
from bizproc.code.rules.awaiting import command_made_by
from bizproc.code.rules.rule import Code, Found, Rule, has_await

Order: TypeAlias = Literal["set", "shuffled", ""]
"""A set; something in the order of a set (`list(names)`); anything else."""

_FAR: Final = 20
_MAKES_SET: Final = frozenset({"builtins.set", "builtins.frozenset"})
_KEEPS_SET: Final = frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"})
_KEEPS_ORDER: Final = frozenset({"list", "tuple", "iter", "enumerate", "zip", "map", "filter", "reversed", "next"})
_SET_TYPES: Final = frozenset(
    {"builtins.set", "builtins.frozenset"}
    | {
        f"{home}.{name}"
        for home in ("typing", "collections.abc")
        for name in ("Set", "FrozenSet", "AbstractSet", "MutableSet")
    }
)


def order_of(node: ast.AST | None, module: Module, scope: Scope | None = None, far: int = _FAR) -> Order:
    """Whether an expression is a set, or has the order of one."""
    if node is None or not far:
        return ""
    scope = scope or module.scope_of(node)
    match node:
        case ast.Set() | ast.SetComp():
            return "set"
        case ast.ListComp() | ast.GeneratorExp():
            return "shuffled" if any(order_of(each.iter, module, scope, far - 1) for each in node.generators) else ""
        case ast.BinOp(op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor()):
            return "set" if order_of(node.left, module, scope, far - 1) == "set" else ""
        case ast.Starred():
            return order_of(node.value, module, scope, far - 1)
        case ast.List() | ast.Tuple():
            stars = [each for each in node.elts if isinstance(each, ast.Starred)]
            return "shuffled" if any(order_of(each, module, scope, far - 1) for each in stars) else ""
        case ast.Call():
            return _order_of_call(node, module, scope, far - 1)
        case ast.Name():
            return _order_of_name(node, module, scope, far - 1)
        case _:
            return ""


def _order_of_call(call: ast.Call, module: Module, scope: Scope, far: int) -> Order:
    origin = module.origin(call.func, scope)
    if origin in _MAKES_SET:
        return "set"
    if origin is not None and origin.removeprefix("builtins.") in _KEEPS_ORDER:
        return "shuffled" if any(order_of(each, module, scope, far) for each in call.args) else ""
    if not isinstance(call.func, ast.Attribute):
        return ""
    if call.func.attr == "join" and isinstance(call.func.value, ast.Constant):
        return "shuffled" if any(order_of(each, module, scope, far) for each in call.args) else ""
    of_set = order_of(call.func.value, module, scope, far) == "set"
    if of_set and call.func.attr in _KEEPS_SET:
        return "set"
    return "shuffled" if of_set and call.func.attr == "pop" else ""


def _order_of_name(name: ast.Name, module: Module, scope: Scope, far: int) -> Order:
    home = scope.find(name.id)
    if home is None:
        return ""
    key = ("order", home, name.id)
    if key not in module.remembered:
        module.remembered[key] = ""  # for what is defined by itself
        module.remembered[key] = _order_of_bindings(name, home, module, far)
    order: Order = module.remembered[key]
    return order


def _order_of_bindings(name: ast.Name, home: Scope, module: Module, far: int) -> Order:
    found: set[Order] = set()
    for binding in home.names[name.id]:
        if isinstance(binding.node, ast.Name) and isinstance(module.parents.get(binding.node), ast.AugAssign):
            continue  # `names |= …`: what it was before says what it is
        if binding.kind in ("parameter", "other") and binding.annotation is not None:
            named = binding.annotation.value if isinstance(binding.annotation, ast.Subscript) else binding.annotation
            found.add("set" if module.origin(named, home.outer or home) in _SET_TYPES else "")
        else:
            found.add(order_of(binding.value, module, home, far) if binding.kind == "value" else "")
    return found.pop() if len(found) == 1 else ""


# -- the rule ----------------------------------------------------------------------------------------------------------


def _set_order(code: Code) -> Iterator[Found]:
    module = code.module
    for node in code.nodes:
        match node:
            case ast.For() if order_of(node.iter, module) and _asks(node.body, module):
                yield node.iter, "this loop goes through a set, and its steps come in another order on replay"
            case ast.ListComp() | ast.DictComp() if _asks([node], module) and _through_set(node, module):
                yield node, "this goes through a set, and its steps come in another order on replay"
            case ast.Call() if command_made_by(node, module):
                yield from _arguments(node, module)


def _asks(nodes: Sequence[ast.AST], module: Module) -> bool:
    """Whether anything is awaited here, or made to be."""
    every = list(inside(nodes))
    return has_await(every) or any(isinstance(node, ast.Call) and command_made_by(node, module) for node in every)


def _through_set(node: ast.ListComp | ast.DictComp, module: Module) -> bool:
    awaits = [each for each in ast.walk(node) if isinstance(each, ast.Await)]
    return bool(awaits) and any(order_of(each.iter, module) for each in node.generators)


def _arguments(call: ast.Call, module: Module) -> Iterator[Found]:
    origin = module.origin(call.func)
    for argument in [*call.args, *(each.value for each in call.keywords)]:
        order = order_of(argument, module)
        # A set as such is written sorted; what is taken out of it one by one is not.
        by_ones = isinstance(argument, ast.Starred) or origin == "bizproc.for_each"
        if order == "shuffled" or (order == "set" and by_ones):
            yield argument, "this has the order of a set, which is another one on replay"


SET_ORDER: Final = Rule(
    id="set-order",
    title="The order of a set decides about steps",
    why="""
        A set of texts is gone through in another order after every start of the program. Steps that follow it come in
        another order than the journal has them.
    """,
    cure="go through `sorted(...)` of it, or use a list, a tuple or a dict",
    bad="""
        from bizproc import crm, process
        from bizproc.model import Deal


        @process("announce")
        async def announce(deal: Deal) -> None:
            words = {"tea", "coffee"}
            for word in words:
                await crm.deal.add_comment(word)
    """,
    good="""
        from bizproc import crm, process
        from bizproc.model import Deal


        @process("announce")
        async def announce(deal: Deal) -> None:
            words = {"tea", "coffee"}
            for word in sorted(words):
                await crm.deal.add_comment(word)
    """,
    look=_set_order,
)
