"""What is awaited, and what should be."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from bizproc.code.names import makes_command
from bizproc.code.reading import Module, Scope, inside
from bizproc.code.rules.outside import BESIDE, is_beside
from bizproc.code.rules.rule import Code, Found, Rule

# -- awaiting something else -------------------------------------------------------------------------------------------

_ASYNC_LIBRARIES: Final = [
    "aioboto3",
    "aiobotocore",
    "aiocache",
    "aiofiles",
    "aiohttp",
    "aioimaplib",
    "aiokafka",
    "aiomysql",
    "aiopg",
    "aioredis",
    "aiormq",
    "aiosmtplib",
    "aiosqlite",
    "anthropic",
    "asyncpg",
    "asyncssh",
    "async_timeout",
    "asgiref",
    "databases",
    "discord",
    "elasticsearch",
    "grpc",
    "motor",
    "nats",
    "openai",
    "playwright",
    "pyppeteer",
    "redis",
    "restate",
    "sqlalchemy",
    "starlette",
    "telegram",
    "telethon",
    "tenacity",
    "tortoise",
    "websockets",
]
_FOREIGN: Final = (*(f"{each}." for each in (*BESIDE, *_ASYNC_LIBRARIES)), "builtins.")
_OURS_BUT_NOT_INSIDE: Final = (
    "bizproc.Runtime",
    "bizproc.runtime.",
    "bizproc.testing.",
    "bizproc.engines.",
    "bizproc.store.",
)
_NOT_AWAITABLE: Final = (
    ast.Constant,
    ast.List,
    ast.Tuple,
    ast.Dict,
    ast.Set,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.JoinedStr,
    ast.Compare,
)


def _foreign(code: Code) -> Iterator[Found]:
    for node in code.nodes:
        if isinstance(node, ast.Await):
            yield from _awaited(node, code.module)


def _awaited(node: ast.Await, module: Module) -> Iterator[Found]:
    value = node.value
    if isinstance(value, _NOT_AWAITABLE):
        several = isinstance(value, ast.List | ast.Tuple | ast.ListComp)
        yield (
            node,
            f"a {_kind(value)} cannot be awaited" + ("; several at once are `await gather(...)`" if several else ""),
        )
        return
    origin = module.origin(value)
    if origin is None or origin == "builtins.anext()" or (isinstance(value, ast.Call) and _is_said(value, module)):
        return
    if origin.startswith((*_FOREIGN, *_OURS_BUT_NOT_INSIDE)):
        yield node, f"{origin.removeprefix('builtins.')} is not bizproc's, and cannot be awaited in a process"


def _is_said(call: ast.Call, module: Module) -> bool:
    """The rule about what runs beside a process finds the same call."""
    origin = module.origin(call.func)
    return origin is not None and is_beside(origin)


def _kind(value: ast.expr) -> str:
    return {"Constant": "constant", "JoinedStr": "text", "Compare": "comparison"}.get(
        type(value).__name__, type(value).__name__.removesuffix("Comp").lower()
    )


FOREIGN_AWAIT: Final = Rule(
    id="foreign-await",
    title="Something is awaited that is not bizproc's",
    why="""
        Only what comes from bizproc can be recorded and answered again on replay. Anything else that a process awaits
        raises `NotDurable` when it is run.
    """,
    cure="put it into an `@action` function, and await that",
    bad="""
        import aiofiles

        from bizproc import crm, process
        from bizproc.model import Deal


        @process("greet")
        async def greet(deal: Deal) -> None:
            file = await aiofiles.open("greeting.txt")
            await crm.deal.add_comment(await file.read())
    """,
    good="""
        import aiofiles

        from bizproc import action, crm, process
        from bizproc.model import Deal


        @action("greeting")
        async def greeting() -> str:
            async with aiofiles.open("greeting.txt") as file:
                return await file.read()


        @process("greet")
        async def greet(deal: Deal) -> None:
            await crm.deal.add_comment(await greeting())
    """,
    look=_foreign,
)

# -- not awaiting ------------------------------------------------------------------------------------------------------


def _not_awaited(code: Code) -> Iterator[Found]:
    for node in code.nodes:
        if isinstance(node, ast.Call):
            made = command_made_by(node, code.module)
            wrong = made and _what_becomes_of(node, code.module)
            if wrong:
                yield node, f"{made} {wrong}"


def command_made_by(call: ast.Call, module: Module) -> str | None:
    """What is to be awaited, if a call makes such a thing: an action, a wait, a step, a child, a coroutine."""
    origin = module.origin(call.func)
    if origin is not None and makes_command(origin):
        return f"{origin.removeprefix('bizproc.').replace('()', '(…)')}(…)"
    named = module.definition(call.func)
    if named is None:
        return None
    if module.is_step(named) or module.is_process(named):
        return f"{named.name}(…)"
    is_coroutine = isinstance(named, ast.AsyncFunctionDef) and not named.decorator_list
    generates = any(isinstance(node, ast.Yield | ast.YieldFrom) for node in inside(named.body))
    return f"{named.name}(…)" if is_coroutine and not generates else None


_USED_UP: Final = {
    ast.BinOp: "is calculated with",
    ast.Compare: "is compared",
    ast.FormattedValue: "is written into a text",
    ast.Subscript: "is asked for a part of its result",
    ast.UnaryOp: "is calculated with",
    ast.Assert: "is taken for a yes or no",
}


def _what_becomes_of(call: ast.Call, module: Module) -> str | None:
    """What is wrong with what is done to something that should be awaited; None if it may be right."""
    node: ast.AST = call
    for outer in module.ancestors(call):
        match outer:
            case ast.Expr():
                return "is made, and neither awaited nor handed on: nothing happens"
            case ast.List() | ast.Tuple() | ast.Set() | ast.Starred() | ast.BoolOp():
                node = outer
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() if node is outer.elt:
                node = outer
            case ast.IfExp() if node is not outer.test:
                node = outer
            case ast.If() | ast.While() | ast.IfExp() if node is call:
                return "is taken for a yes or no without being awaited: it always counts as yes"
            case ast.For() | ast.comprehension() if node is outer.iter and node is call:
                return "is gone through without being awaited"
            case ast.Attribute() if node is call and outer.attr not in ("close", "send", "throw"):
                return f"is asked for .{outer.attr} without being awaited"
            case ast.Subscript() if node is call and node is outer.value:
                return f"{_USED_UP[ast.Subscript]} without being awaited"
            case ast.BinOp() | ast.Compare() | ast.FormattedValue() | ast.UnaryOp() | ast.Assert() if node is call:
                return f"{_USED_UP[type(outer)]} without being awaited"
            case ast.Assign(targets=[ast.Name() as name]) | ast.AnnAssign(target=ast.Name() as name):
                return _what_becomes_of_name(name, module)
            case _:
                return None
    return None


def _what_becomes_of_name(name: ast.Name, module: Module) -> str | None:
    home = module.scope_of(name).find(name.id)
    if home is None or home is home.module:
        return None
    key = ("use", home, name.id)
    if key not in module.remembered:
        module.remembered[key] = _wrong_use(name, home, module)
    wrong: str | None = module.remembered[key]
    return wrong


def _wrong_use(name: ast.Name, home: Scope, module: Module) -> str | None:
    loads = [node for node in module.loads.get(name.id, ()) if isinstance(node, ast.Name)]
    uses = [module.parents[node] for node in loads if module.scope_of(node).find(name.id) is home]
    if not uses:
        return f"is given the name `{name.id}`, and never awaited: nothing happens"
    if all(isinstance(use, ast.Attribute) and use.attr not in ("close", "send", "throw") for use in uses):
        return f"is given the name `{name.id}`, and asked for its result without being awaited"
    return None


NOT_AWAITED: Final = Rule(
    id="not-awaited",
    title="An action, a wait, a step or a child that is made and not awaited",
    why="""
        An action is a value until it is awaited: the line runs, and nothing happens. One that is handed on (to
        `compensate`, `gather`, `race`, `attempt`, `shield`, to a function, into a list, as a result) is awaited
        elsewhere.
    """,
    cure="write `await` before it",
    bad="""
        from bizproc import crm, process
        from bizproc.model import Deal


        @process("call_back")
        async def call_back(deal: Deal) -> None:
            crm.deal.add_activity("Call the client back")
    """,
    good="""
        from bizproc import crm, process
        from bizproc.model import Deal


        @process("call_back")
        async def call_back(deal: Deal) -> None:
            await crm.deal.add_activity("Call the client back")
    """,
    look=_not_awaited,
)
