"""What instances share without wanting to: variables of the module or of a recipe, and the place in a queue."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from bizproc.code.names import MAKES_RECIPE
from bizproc.code.reading import Binding, Module, Scope
from bizproc.code.rules.rule import Code, Found, Rule

# -- variables of the module or of a recipe ----------------------------------------------------------------------------

_CONTAINERS: Final = frozenset(
    {f"builtins.{each}()" for each in ("list", "dict", "set", "bytearray")}
    | {f"collections.{each}()" for each in ("defaultdict", "Counter", "deque", "OrderedDict")}
)
_CHANGES: Final = frozenset(
    [
        "add",
        "append",
        "appendleft",
        "clear",
        "discard",
        "extend",
        "extendleft",
        "insert",
        "pop",
        "popitem",
        "popleft",
        "remove",
        "reverse",
        "setdefault",
        "sort",
        "update",
    ]
)
# On something whose class is not known: words that mean nothing else.
_SURELY_CHANGES: Final = frozenset({"append", "appendleft", "extend", "extendleft", "popitem", "popleft", "setdefault"})


def _module_state(code: Code) -> Iterator[Found]:
    for node in code.nodes:
        name = _changed(node, code.module)
        if name is not None:
            home = code.module.scope_of(node).find(name)
            owner = "module" if home is None or home is home.module else "recipe"
            yield (
                node,
                f"`{name}` belongs to the {owner}, is shared by all instances, and is changed again by every replay",
            )


def _changed(node: ast.AST, module: Module) -> str | None:
    match node:
        case ast.Global() | ast.Nonlocal():
            return _assigned(node, module)
        case ast.Assign() | ast.Delete():
            return next((found for each in node.targets if (found := _target(each, module))), None)
        case ast.AugAssign() | ast.AnnAssign() | ast.For() | ast.AsyncFor():
            return _target(node.target, module)
        case ast.Call(func=ast.Attribute() as method):
            return _method(node, method, module)
        case ast.Call(func=ast.Name("next"), args=[ast.Name() as name, *_]):
            made = _made_outside(name, module)
            return name.id if isinstance(made, ast.Call | ast.GeneratorExp) else None
        case _:
            return None


def _assigned(node: ast.Global | ast.Nonlocal, module: Module) -> str | None:
    function = next((each for each in module.ancestors(node) if each in module.scopes), module.tree)
    key = ("stored", function)
    if key not in module.remembered:
        names = (each for each in ast.walk(function) if isinstance(each, ast.Name))
        module.remembered[key] = {each.id for each in names if not isinstance(each.ctx, ast.Load)}
    scope = module.scope_of(node)
    shared = (name for name in node.names if isinstance(node, ast.Global) or _is_shared(scope.find(name), module))
    return next((name for name in shared if name in module.remembered[key]), None)


def _target(target: ast.expr, module: Module) -> str | None:
    """The shared name that is changed by assigning to `name.attribute` or `name[key]`."""
    if isinstance(target, ast.Tuple | ast.List):
        return next((found for each in target.elts if (found := _target(each, module))), None)
    if not isinstance(target, ast.Attribute | ast.Subscript):
        return None
    root = _root(target)
    return root.id if root is not None and _shared_bindings(root, module) else None


def _method(call: ast.Call, method: ast.Attribute, module: Module) -> str | None:
    if method.attr not in _CHANGES or isinstance(module.parents.get(call), ast.Await):
        return None
    root = _root(method.value)
    made = None if root is None else _made_outside(root, module)
    if root is None or made is None:
        return None
    if root is method.value and _is_container(made, module):
        return root.id
    is_ours = (module.origin(made) or "").startswith("bizproc.")
    return root.id if method.attr in _SURELY_CHANGES and root is not method.value and not is_ours else None


def _root(node: ast.AST) -> ast.Name | None:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node if isinstance(node, ast.Name) else None


def _shared_bindings(name: ast.Name, module: Module) -> list[Binding]:
    home = module.scope_of(name).find(name.id)
    return home.names[name.id] if home is not None and _is_shared(home, module) else []


def _is_shared(home: Scope | None, module: Module) -> bool:
    """
    Whether all instances of a process have the names of this scope in common.

    Those of a function around a process are so, too; only of a recipe's it is certain that it is not made for one
    instance, as stories of tests are.
    """
    if home is None or home is home.module:
        return home is not None
    decorators = getattr(home.node, "decorator_list", ())
    return any(isinstance(each, ast.Call) and module.origin(each.func) == MAKES_RECIPE for each in decorators)


def _made_outside(name: ast.Name, module: Module) -> ast.expr | None:
    """What a shared variable was set to, if once."""
    bindings = _shared_bindings(name, module)
    return bindings[0].value if len(bindings) == 1 and bindings[0].kind == "value" else None


def _is_container(made: ast.expr, module: Module) -> bool:
    literal = ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
    return isinstance(made, literal) or module.origin(made) in _CONTAINERS


MODULE_STATE: Final = Rule(
    id="module-state",
    title="A variable of the module is changed",
    why="""
        All instances share it, every replay changes it again, and after the next start of the program it is as it was
        in the beginning. So it is with a variable of a recipe's function, around the process. Variables inside the
        process are its memory; what must be shared belongs into the CRM.
    """,
    cure="keep it in a variable of the process, or in a field of an item",
    bad="""
        from bizproc import crm, process
        from bizproc.model import Deal

        seen: list[int] = []


        @process("welcome")
        async def welcome(deal: Deal) -> None:
            if deal.id not in seen:
                seen.append(deal.id)
                await crm.deal.add_comment("Welcome")
    """,
    good="""
        from bizproc import crm, process
        from bizproc.model import Deal


        @process("welcome")
        async def welcome(deal: Deal) -> None:
            comments = await crm.deal.comments()
            if all(comment.text != "Welcome" for comment in comments):
                await crm.deal.add_comment("Welcome")
    """,
    look=_module_state,
)

# -- the place in a queue ----------------------------------------------------------------------------------------------

_WITH_POINTER: Final = frozenset({"in_order"})


def _shared_queue(code: Code) -> Iterator[Found]:
    first: dict[tuple[str, str, ast.AST | None], ast.Call] = {}
    for node in code.nodes:
        if not isinstance(node, ast.Call):
            continue
        pointer = _pointer(node, code.module)
        if pointer is None:
            continue
        # Where no queue is named, each function has a place of its own (D8).
        function = next((each for each in code.module.ancestors(node) if each in code.module.scopes), None)
        earlier = first.setdefault((*pointer, function), node)
        if earlier is not node:
            yield (
                node,
                (
                    f"this pick and that in line {earlier.lineno} share one place in the queue: "
                    f"both pick {pointer[1]} for the {pointer[0]} and name no queue"
                ),
            )


def _pointer(call: ast.Call, module: Module) -> tuple[str, str] | None:
    """What names the queue's pointer where no name is given: the kind of item, and how is picked."""
    origin = module.origin(call.func)
    if origin is None or not origin.startswith("bizproc.crm.") or not origin.endswith(".change_responsible"):
        return None
    given = {each.arg: each.value for each in call.keywords}
    pick = given.get("pick")
    if "queue_name" in given or None in given or not isinstance(pick, ast.Constant) or pick.value not in _WITH_POINTER:
        return None
    return origin.split(".")[2].removesuffix("()"), str(pick.value)


SHARED_QUEUE: Final = Rule(
    id="shared-queue",
    title="Two picks share one place in a queue",
    why="""
        A pick in order remembers who was last. Where no queue is named, that place belongs to the process, the kind of
        item and the function: two picks would push each other on, and people would be left out.
    """,
    cure="give each its own `queue_name=`, or both the same one if that is meant",
    bad="""
        from bizproc import crm, process
        from bizproc.model import Deal


        @process("distribute")
        async def distribute(deal: Deal) -> None:
            if deal.title.startswith("Tea"):
                await crm.deal.change_responsible(["user:3", "user:4"], pick="in_order")
            else:
                await crm.deal.change_responsible(["user:8", "user:9"], pick="in_order")
    """,
    good="""
        from bizproc import crm, process
        from bizproc.model import Deal


        @process("distribute")
        async def distribute(deal: Deal) -> None:
            if deal.title.startswith("Tea"):
                await crm.deal.change_responsible(["user:3", "user:4"], pick="in_order", queue_name="tea")
            else:
                await crm.deal.change_responsible(["user:8", "user:9"], pick="in_order", queue_name="rest")
    """,
    look=_shared_queue,
    about="process",
)
