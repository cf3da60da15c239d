"""From the tree of a process's code to the parts that are drawn of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from bizproc.code.ending import ended_by
from bizproc.code.files import Unreadable
from bizproc.code.flow import (
    Act,
    Asked,
    Block,
    Choice,
    End,
    Flow,
    Group,
    GroupKind,
    Loop,
    Part,
    Several,
    Trying,
    falls_through,
)
from bizproc.code.names import is_crm_action, is_wait, makes_command
from bizproc.code.reading import Function, Module, Written

MOST_PARTS: Final = 1_000
"""A larger drawing helps nobody. What is beyond is left out, and the drawing says so."""

DEEPEST_HELPER: Final = 6
LONGEST: Final = 140

_OUTCOMES: Final = {
    "bizproc.wait.until_stage": ("stage reached", "another final stage", "deal deleted"),
    "bizproc.wait.until_status": ("status reached", "another final status", "lead deleted"),
    "bizproc.wait.for_signal": ("signal",),
    "bizproc.wait.for_event": ("event",),
    "bizproc.wait.days": ("days over", "client wrote", "new activity", "skipped"),
    "bizproc.wait.days_before": ("day reached", "client wrote", "new activity", "skipped"),
}
# `await` is what all of it is; whose an action or a wait is, its name says. A noun that is called has no such name.
_UNSAID: Final = re.compile(r"""\bawait |(?<![\w.'"])(?:crm\.(?!\w+\()|wait\.)(?=\w)""")
_FACTS: Final = frozenset({"now", "new_id", "random", "note", "patched"})


Elsewhere: TypeAlias = Callable[[str], Asked | None]
"""What a name of the file means that was made in another: `("step", "scoring.score")`, `("start", "sales.pack")`."""


def flow_of(process: Written, module: Module, elsewhere: Elsewhere = lambda _: None) -> Flow:
    """What is drawn of a process. Raises Unreadable."""
    try:
        return _Reader(process, module, elsewhere).flow()
    except RecursionError:
        raise Unreadable("its code is nested too deeply to be drawn", process.node.lineno) from None


class _Reader:
    def __init__(self, process: Written, module: Module, elsewhere: Elsewhere) -> None:
        self.process, self.module, self.elsewhere = process, module, elsewhere
        self.document = self._document()
        self.helpers: list[Function] = []
        self.left = MOST_PARTS

    def flow(self) -> Flow:
        node, process = self.process.node, self.process
        version = process.keyword("version")
        starts = process.keyword("starts")
        first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
        return Flow(
            name=process.name,
            version=version.value if isinstance(version, ast.Constant) and isinstance(version.value, int) else 1,
            starts=None if starts is None or _is_none(starts) else self.text(starts).replace("on.", ""),
            document=self.document,
            parameters=tuple(self._parameters()),
            body=self.block(node.body),
            lines=(first, node.end_lineno or node.lineno),
        )

    def _document(self) -> str | None:
        arguments = self.process.node.args
        first = [*arguments.posonlyargs, *arguments.args][:1]
        return self.text(first[0].annotation).rpartition(".")[2].lower() if first and first[0].annotation else None

    def _parameters(self) -> Iterable[str]:
        arguments = self.process.node.args
        for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            annotated = f": {self.text(each.annotation)}" if each.annotation else ""
            yield f"{each.arg}{annotated}" + (f" = {self.text(default)}" if default else "")

    # -- statements ----------------------------------------------------------------------------------------------------

    def block(self, body: Sequence[ast.stmt]) -> Block:
        parts: list[Part] = []
        for statement in body:
            for part in self.statement(statement):
                parts.append(part)
                if not falls_through((part,)):
                    return tuple(parts)  # nothing behind it is ever reached
        return tuple(parts)

    def statement(self, node: ast.stmt) -> list[Part]:
        if self.left <= 0:
            return []
        self.left -= 1
        if self.left == 0:
            return [Act("other", "… and more: too large to be drawn whole", node.lineno)]
        match node:
            case ast.Return() | ast.Raise() | ast.Break() | ast.Continue():
                return self.end(node)
            case ast.If():
                return self.choice(node)
            case ast.Match():
                return self.match(node)
            case ast.While() | ast.For() | ast.AsyncFor():
                return self.loop(node)
            case ast.Try() | ast.TryStar():
                return self.trying(node)
            case ast.With() | ast.AsyncWith():
                return self.with_(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return []
            case _:
                return self.parts(node)

    def end(self, node: ast.Return | ast.Raise | ast.Break | ast.Continue) -> list[Part]:
        match node:
            case ast.Return():
                return [*self.parts(node.value), End("return", self._returned(node.value), node.lineno)]
            case ast.Raise():
                return [*self.parts(node.exc), End("raise", self.text(node.exc) if node.exc else "", node.lineno)]
            case ast.Break():
                return [End("break", "leave the loop", node.lineno)]
            case ast.Continue():
                return [End("continue", "next round", node.lineno)]

    def _returned(self, value: ast.expr | None) -> str:
        return "" if value is None or _is_none(value) else self.text(value)

    def choice(self, node: ast.If) -> list[Part]:
        """An `if` with its `elif`s, as long as nothing is awaited to decide these."""
        before = self.parts(node.test)
        cases = []
        label, other = self._condition(node.test)
        while True:
            cases.append((label, self.block(node.body)))
            rest = node.orelse
            if len(rest) == 1 and isinstance(rest[0], ast.If) and not _awaits(rest[0].test):
                node = rest[0]
                label, other = self._condition(node.test)[0], "otherwise"
                continue
            cases.append((other, self.block(rest)))
            break
        return [*before, Choice("", tuple(cases), node.lineno)] if any(block for _, block in cases) else before

    def _condition(self, test: ast.expr) -> tuple[str, str]:
        """When the road is taken, and when the other is."""
        asked, yes = test, True
        while isinstance(asked, ast.UnaryOp) and isinstance(asked.op, ast.Not):
            asked, yes = asked.operand, not yes
        words = {
            "timed_out": ("timed out", "in time"),
            "matched": ("matched", "not matched"),
            "deleted": ("deleted", "not deleted"),
        }
        if isinstance(asked, ast.Attribute) and asked.attr in words:
            label, other = words[asked.attr]
            return (label, other) if yes else (other, label)
        return f"if {self.text(test)}", "otherwise"

    def match(self, node: ast.Match) -> list[Part]:
        cases = []
        for case in node.cases:
            guard = f" if {self.text(case.guard)}" if case.guard else ""
            pattern = self.text(case.pattern)
            cases.append((("otherwise" if pattern == "_" else pattern) + guard, self.block(case.body)))
        if not any(label == "otherwise" for label, _ in cases):
            cases.append(("otherwise", ()))
        before = self.parts(node.subject)
        drawn = any(block for _, block in cases)
        return [*before, Choice(f"which {self.text(node.subject)}?", tuple(cases), node.lineno)] if drawn else before

    def loop(self, node: ast.While | ast.For | ast.AsyncFor) -> list[Part]:
        before: list[Part] = []
        inside: list[Part] = []
        if isinstance(node, ast.While):
            endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
            header = "again and again" if endless else f"while {self.text(node.test)}"
            inside = self.parts(node.test)
        else:
            endless = False
            header = f"for each {self.text(node.target)} in {self.text(node.iter)}"
            before = self.parts(node.iter)
            inside = [self._next_of(node.iter)] if isinstance(node, ast.AsyncFor) else []
        body, otherwise = (*inside, *self.block(node.body)), self.block(node.orelse)
        made = [Loop(header, body, node.lineno, otherwise, endless)] if body or otherwise or endless else []
        return [*before, *made]

    def _next_of(self, iterable: ast.expr) -> Act:
        """What an async generator awaits on the way to its next value."""
        return Act("other", f"the next of {self.text(iterable)}", iterable.lineno)

    def trying(self, node: ast.Try | ast.TryStar) -> list[Part]:
        handlers = tuple(
            (
                f"if it fails with {self.text(each.type)}" if each.type else "if it fails with anything",
                self.block(each.body),
            )
            for each in node.handlers
        )
        body, otherwise = self.block(node.body), self.block(node.orelse)
        finally_ = self.block(node.finalbody)
        if not (body or otherwise or finally_ or any(block for _, block in handlers)):
            return []
        if not (finally_ or handlers):
            return [*body, *otherwise]
        return [Trying(body, handlers, node.lineno, otherwise, finally_)]

    def with_(self, node: ast.With | ast.AsyncWith) -> list[Part]:
        before = [part for item in node.items for part in self.parts(item.context_expr)]
        body = self.block(node.body)
        origins = {self.module.origin(item.context_expr) for item in node.items}
        if "bizproc.saga()" in origins:
            return [*before, Group("saga", "saga: undone, the last first, if it fails", body, node.lineno)]
        return [*before, *body]

    # -- expressions ---------------------------------------------------------------------------------------------------

    def parts(self, node: ast.AST | None) -> list[Part]:
        """What is awaited in an expression, in the order in which it is."""
        match node:
            case None | ast.Lambda():
                return []
            case ast.Await():
                return [*self._of_arguments(node.value), *self.awaited(node.value)]
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp() if _awaits(node):
                return self._comprehension(node)
            case ast.IfExp() if _awaits(node.body) or _awaits(node.orelse):
                label, other = self._condition(node.test)
                cases = ((label, tuple(self.parts(node.body))), (other, tuple(self.parts(node.orelse))))
                return [*self.parts(node.test), Choice("", cases, node.lineno)]
            case ast.Call(func=ast.Attribute(value=of, attr="compensate"), args=[undo]) if self._is_saga(of):
                return [*self.parts(undo), Act("undo", self.text(undo), node.lineno)]
            case _:
                return [part for child in ast.iter_child_nodes(node) for part in self.parts(child)]

    def _is_saga(self, node: ast.expr) -> bool:
        return self.module.origin(node) == "bizproc.saga()"

    def _of_arguments(self, value: ast.expr) -> list[Part]:
        """What is awaited to make the thing that is awaited."""
        return [part for child in ast.iter_child_nodes(value) for part in self.parts(child)]

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> list[Part]:
        first = node.generators[0]
        header = f"for each {self.text(first.target)} in {self.text(first.iter)}"
        inner: list[Part] = [self._next_of(each.iter) for each in node.generators if each.is_async]
        inner += [part for each in node.generators[1:] for part in self.parts(each.iter)]
        inner += [part for each in node.generators for test in each.ifs for part in self.parts(test)]
        values = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        inner += [part for value in values for part in self.parts(value)]
        return [*self.parts(first.iter), *([Loop(header, tuple(inner), node.lineno)] if inner else [])]

    def awaited(self, value: ast.expr) -> list[Part]:
        """The part that awaiting this is."""
        call = self._made(value)
        if isinstance(call, ast.IfExp):
            label, other = self._condition(call.test)
            cases = ((label, tuple(self.awaited(call.body))), (other, tuple(self.awaited(call.orelse))))
            return [Choice("", cases, call.lineno)]
        if not isinstance(call, ast.Call):
            return [self._of_name(value)]
        origin = self.module.origin(call.func)
        if origin is None:
            return self._helper(call)
        match origin.removeprefix("bizproc."):
            case "gather" | "race" as kind if origin.startswith("bizproc."):
                branches = [self._branch(each) for each in call.args]
                many = frozenset(place for place, each in enumerate(call.args) if isinstance(each, ast.Starred))
                return [Several("race" if kind == "race" else "gather", tuple(branches), call.lineno, many)]
            case "for_each" if len(call.args) >= 2:
                each = self._called(call.args[0], call)
                label = f"each of {self.text(call.args[1])}"
                return [Several("for_each", ((label, each),), call.lineno, frozenset({0}))]
            case "shield" | "attempt" as word if call.args:
                titles: dict[str, tuple[GroupKind, str]] = {
                    "shield": ("shield", "shield: comes to its end, even if cancelled"),
                    "attempt": ("attempt", "attempt: an error is its outcome"),
                }
                inside = tuple(self.awaited(call.args[0]))
                if word == "attempt":  # it goes on where the action fails
                    inside = tuple(each for each in inside if not (isinstance(each, End) and each.kind == "ended"))
                return [Group(*titles[word], inside, call.lineno)]
            case "start" if call.args:
                return [Act("child", self.text(call), call.lineno, (("start", self._process_name(call.args[0])),))]
            case "continue_as_new":
                return [End("again", self.text(call), call.lineno)]
            case _:
                return self._command(call, origin)

    def _of_name(self, value: ast.expr) -> Act:
        if self._is_child(value):
            return Act("child", f"the result of {self.text(value)}", value.lineno, (("child", None),))
        return Act("other", self.text(value), value.lineno)

    def _is_child(self, value: ast.expr) -> bool:
        """A name that `await start(...)` was given."""
        home = self.module.scope_of(value).find(value.id) if isinstance(value, ast.Name) else None
        made = [each.value for each in home.names[value.id]] if home is not None and isinstance(value, ast.Name) else []
        return any(isinstance(each, ast.Await) and self.module.origin(each.value) == "bizproc.start()" for each in made)

    def _made(self, value: ast.expr) -> ast.expr:
        """What a variable was set to, if once: `offer = crm.deal.add_product(1)`, later `await offer`."""
        home = self.module.scope_of(value).find(value.id) if isinstance(value, ast.Name) else None
        if home is None or not isinstance(value, ast.Name) or len(home.names[value.id]) != 1:
            return value
        return home.names[value.id][0].value or value

    def _command(self, call: ast.Call, origin: str) -> list[Part]:
        text, line, verb = self.text(call), call.lineno, origin.rpartition(".")[2]
        if is_wait(origin):
            limited = any(each.arg == "timeout" and not _is_none(each.value) for each in call.keywords)
            outcomes = _OUTCOMES.get(origin, ()) + (("timed out",) if limited else ())
            return [Act("wait", text, line, (self._wait_asks(verb, call),), outcomes)]
        if is_crm_action(origin):
            kind = origin.split(".")[2]
            named = None if kind == "item()" else f"{kind.removesuffix('()')}.{verb}"
            act = Act("action", text, line, (("action", named),))
            ends = ended_by(call, self.process, self.module)
            return [act] if ends is None else [act, End("ended", f"the process ends here: {ends}", line)]
        if makes_command(origin) and verb in _FACTS:
            return [Act("fact", text, line, ((verb, _constant(call) if verb == "patched" else verb),))]
        return [self._other(text, line, self.elsewhere(ast.unparse(call.func)))]

    def _other(self, text: str, line: int, made: Asked | None) -> Act:
        """Something that is made in another file: a step or a process, if that is known."""
        match made:
            case ("step", _):
                return Act("step", text, line, (made,))
            case ("start", _):
                return Act("child", text, line, (made, ("child", None)))
            case _:
                return Act("other", text, line)

    def _wait_asks(self, verb: str, call: ast.Call) -> Asked:
        match verb:
            case "sleep" | "until":
                return verb, verb
            case "for_signal":
                return "signal", _constant(call)
            case _:
                return "wait", verb

    def _helper(self, call: ast.Call) -> list[Part]:
        named = self.module.definition(call.func)
        if named is None:
            return [Act("other", self.text(call), call.lineno)]
        if self.module.is_step(named):
            return [Act("step", self.text(call), call.lineno, (("step", self._decorated_name(named)),))]
        if self.module.is_process(named):
            asks: tuple[Asked, ...] = (("start", self._decorated_name(named)), ("child", None))
            return [Act("child", self.text(call), call.lineno, asks)]
        return self._expanded(named, self.text(call), call.lineno)

    def _expanded(self, function: Function, title: str, line: int) -> list[Part]:
        if (
            not isinstance(function, ast.AsyncFunctionDef)
            or function in self.helpers
            or len(self.helpers) >= DEEPEST_HELPER
        ):
            return [Act("other", title, line)]
        self.helpers.append(function)
        try:
            return [Group("helper", title, self.block(function.body), line)]
        finally:
            self.helpers.pop()

    # -- branches ------------------------------------------------------------------------------------------------------

    def _branch(self, node: ast.expr) -> tuple[str, Block]:
        if not isinstance(node, ast.Starred):
            return "", tuple(self.awaited(node))
        match node.value:
            case ast.ListComp(elt=elt, generators=[each, *_]) | ast.GeneratorExp(elt=elt, generators=[each, *_]):
                return f"each {self.text(each.target)} in {self.text(each.iter)}", tuple(self.awaited(elt))
            case ast.Call(func=ast.Name("map"), args=[function, items]):
                return f"each of {self.text(items)}", self._called(function, node.value)
            case value:
                return f"each of {self.text(value)}", (Act("other", self.text(value), node.lineno),)

    def _called(self, function: ast.expr, call: ast.expr) -> Block:
        """What calling this with an item is."""
        if isinstance(function, ast.Lambda):
            return tuple(self.awaited(function.body))
        title = f"{self.text(function)}(…)"
        made = ast.copy_location(ast.Call(function, [], []), call)
        named = self.module.definition(function)
        if named is not None and not self.module.is_step(named) and not self.module.is_process(named):
            return tuple(self._expanded(named, title, call.lineno))
        origin = self.module.origin(function)
        if named is not None:
            kind = "start" if self.module.is_process(named) else "step"
            asks = ((kind, self._decorated_name(named)), *((("child", None),) if kind == "start" else ()))
            return (Act("child" if kind == "start" else "step", title, call.lineno, asks),)
        return tuple(self._command(made, origin)) if origin else (Act("other", title, call.lineno),)

    def _process_name(self, call: ast.expr) -> str | None:
        if not isinstance(call, ast.Call):
            return None
        named = self.module.definition(call.func)
        made = self.elsewhere(ast.unparse(call.func)) if named is None else None
        return self._decorated_name(named) if named is not None else made[1] if made else None

    def _decorated_name(self, function: Function) -> str | None:
        for each in function.decorator_list:
            if isinstance(each, ast.Call) and (self.module.is_step(function) or self.module.is_process(function)):
                return _constant(each)
        return None

    # -- texts ---------------------------------------------------------------------------------------------------------

    def text(self, node: ast.AST | None) -> str:
        """The code of a node in one line, without what goes without saying."""
        if node is None:
            return ""
        if isinstance(node, ast.Call) and not hasattr(node, "end_lineno"):
            return self.text(node.func)
        if isinstance(node, ast.Call) and not node.args and not node.keywords and node not in self.module.parents:
            return f"{self.text(node.func)}(…)"
        line, end = getattr(node, "lineno", 1), getattr(node, "end_lineno", 1) or 1
        found = self.module.lines[line - 1 : end]
        if not found:
            return ""
        found[-1] = _cut(found[-1], None, getattr(node, "end_col_offset", None))
        found[0] = _cut(found[0], getattr(node, "col_offset", 0), None)
        text = " ".join(each.strip() for each in found).replace("( ", "(").replace(" )", ")").replace(",)", ")")
        text = _UNSAID.sub("", _without_needless(text))
        return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _without_needless(text: str) -> str:
    """Without the brackets that only `await` needs: `(await f()).x`."""
    at = text.find("(await ")
    while at >= 0:
        close = next((place for place in _closings(text, at) if _is_await(text[at : place + 1])), None)
        if close is not None:
            text = text[:at] + text[at + 1 : close] + text[close + 1 :]
        at = text.find("(await ", at + 1)
    return text


def _closings(text: str, begin: int) -> Iterator[int]:
    return (place for place in range(begin, len(text)) if text[place] == ")")


def _is_await(text: str) -> bool:
    try:
        return isinstance(ast.parse(text, mode="eval").body, ast.Await)
    except (SyntaxError, ValueError):
        return False


def _cut(line: str, begin: int | None, end: int | None) -> str:
    return line.encode("utf-8", "surrogatepass")[begin:end].decode("utf-8", "ignore")


def _constant(call: ast.Call) -> str | None:
    """The text that is a call's first argument."""
    first = next(iter([*call.args, *(each.value for each in call.keywords if each.arg == "name")]), None)
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _awaits(node: ast.AST) -> bool:
    return any(
        isinstance(each, ast.Await) or (isinstance(each, ast.comprehension) and bool(each.is_async))
        for each in ast.walk(node)
    )
