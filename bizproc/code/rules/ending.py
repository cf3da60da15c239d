"""What stands behind an action that ends the instance."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from attrs import define, field

from bizproc.code.ending import document_kind, ending_in, errors_are_raised
from bizproc.code.reading import Function, Module, Written, inside
from bizproc.code.rules.rule import Code, Found, Rule, has_await

_Ways: TypeAlias = frozenset[str]

_ON: Final = "on"
_ENDED: Final = "ended"
_LEFT: Final = "left"

_GOES_ON: Final = frozenset({_ON})
_ENDS: Final = frozenset({_ENDED})
_LEAVES: Final = frozenset({_LEFT})

_DEEPEST: Final = 6


@define
class _Road:
    """
    Follows the code of a process, in the order in which it runs.

    Each block has ways out: on to what stands behind it, away from there (`return`, `raise`, `break`), or the end of
    the instance. Where some end it and none goes on, what stands behind is never reached.

    Attributes:
        ending: The action that was met last and ends the instance.
        helpers: Those that are being followed.
    """

    process: Written
    module: Module
    found: list[Found] = field(factory=list)
    ending: ast.expr | None = None
    helpers: list[Function] = field(factory=list)

    def block(self, body: Sequence[ast.stmt]) -> _Ways:
        ways: _Ways = frozenset()
        for place, statement in enumerate(body):
            out = self.statement(statement)
            ways |= out - _GOES_ON
            if _ON not in out:
                if _ENDED in out and not self.helpers:
                    self.report(body[place + 1 :])
                return ways
        return ways | _GOES_ON

    def statement(self, node: ast.stmt) -> _Ways:
        match node:
            case ast.Return(value=ast.Await(value=value)):
                return self.awaited(value) - _GOES_ON or _LEAVES
            case ast.Expr(value=ast.Await(value=value)) | ast.Assign(value=ast.Await(value=value)):
                return self.awaited(value)
            case ast.AnnAssign(value=ast.Await(value=value)):
                return self.awaited(value)
            case ast.Return() | ast.Raise() | ast.Break() | ast.Continue():
                return _LEAVES
            case ast.If():
                return self.block(node.body) | self.block(node.orelse)
            case ast.Match():
                ways = frozenset[str]().union(*(self.block(case.body) for case in node.cases))
                return ways if any(_takes_all(case) for case in node.cases) else ways | _GOES_ON
            case ast.While() | ast.For() | ast.AsyncFor():
                return self.loop(node)
            case ast.Try() | ast.TryStar():
                return self.trying(node)
            case ast.With() | ast.AsyncWith():
                ways = self.block(node.body)
                return ways if all(self.lets_errors_through(each) for each in node.items) else ways | _GOES_ON
            case _:
                return _GOES_ON

    def loop(self, node: ast.While | ast.For | ast.AsyncFor) -> _Ways:
        ways = self.block(node.body) - _GOES_ON
        self.block(node.orelse)
        endless = isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and bool(node.test.value)
        if not endless or any(isinstance(each, ast.Break) for each in inside(node.body)):
            return ways | _GOES_ON
        return ways or _LEAVES

    def trying(self, node: ast.Try | ast.TryStar) -> _Ways:
        ways = self.block([*node.body, *node.orelse])
        for handler in node.handlers:
            ways |= self.block(handler.body)
        at_last = self.block(node.finalbody)
        return (ways if _ON in at_last else frozenset()) | (at_last - _GOES_ON)

    def lets_errors_through(self, item: ast.withitem) -> bool:
        """Whatever else stands behind `with` may swallow the error of a move that failed."""
        return self.module.origin(item.context_expr) == "bizproc.saga()"

    def awaited(self, value: ast.expr) -> _Ways:
        ending = ending_in(value, self.process, self.module)
        if ending is not None:
            self.ending = ending
            return _ENDS
        helper = self.module.definition(value.func) if isinstance(value, ast.Call) else None
        return _ENDS if helper is not None and self.always_ends(helper) else _GOES_ON

    def always_ends(self, helper: Function) -> bool:
        if (
            not isinstance(helper, ast.AsyncFunctionDef)
            or self.module.is_step(helper)
            or self.module.is_process(helper)
            or helper in self.helpers
            or len(self.helpers) >= _DEEPEST
        ):
            return False
        self.helpers.append(helper)
        try:
            return self.block(helper.body) == _ENDS
        finally:
            self.helpers.pop()

    def report(self, rest: Iterable[ast.stmt]) -> None:
        """The first thing behind the end that would do something, if there is one."""
        never = next(filter(_does_something, inside(rest)), None)
        if never is None or self.ending is None:
            return
        origin = (self.module.origin(self.ending) or "").removeprefix("bizproc.").replace("()", "(…)")
        ends = f"{origin} in line {self.ending.lineno} ends the instance"
        result = ", with the result None" if isinstance(never, ast.Return) else ""
        self.found.append((never, f"{ends}{result}: this is never reached"))


def _takes_all(case: ast.match_case) -> bool:
    return case.guard is None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None


def _does_something(node: ast.AST) -> bool:
    if isinstance(node, ast.Return):
        return node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None)
    return has_await([node])


def _after_end(code: Code) -> Iterator[Found]:
    process, module = code.process, code.module
    for part in () if process is None else process.parts:
        sharing = [each for each in module.processes if part in each.parts]
        # A helper of several processes: what is the document of one may be another's linked item.
        if process is not None and len({(document_kind(each), errors_are_raised(each)) for each in sharing}) == 1:
            road = _Road(process, module)
            road.block(part.body)
            yield from road.found


AFTER_END: Final = Rule(
    id="after-end",
    title="Code behind an action that ends the instance",
    why="""
        `change_stage` or `change_status` of the process's own document ends the instance, even where the document is in
        that stage already: it is completed, with the result None. `delete` of the document terminates it. What stands
        behind never runs. Other items end nothing here, and neither does `update({"stage": ...})`. `change_pipeline`
        ends the instance if the document is moved, and not if it is in that pipeline already: nothing is said of it.
    """,
    cure="""
        do it before; or move the document with `update({"stage": ...})`, and the process goes on
    """,
    bad="""
        from bizproc import crm, process, wait
        from bizproc.model import Deal


        @process("begin_work")
        async def begin_work(deal: Deal) -> None:
            await wait.for_signal("approved")
            await crm.deal.change_stage("EXECUTING")
            await crm.deal.add_comment("Work begins")
    """,
    good="""
        from bizproc import crm, process, wait
        from bizproc.model import Deal


        @process("begin_work")
        async def begin_work(deal: Deal) -> None:
            await wait.for_signal("approved")
            await crm.deal.add_comment("Work begins")
            await crm.deal.change_stage("EXECUTING")
    """,
    look=_after_end,
    about="process",
)
