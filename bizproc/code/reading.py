"""
A file of code as a tree: scopes and names, the processes in it, and the functions that are part of them.

Nothing is imported and nothing is run. A name is followed to where it comes from as far as that is certain: through
imports and their aliases, and through variables that have one meaning. What is not certain has no origin.
"""

from __future__ import annotations

import ast
import builtins
import sys
import warnings
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias

from attrs import define, field, frozen

from bizproc.code.files import Unreadable
from bizproc.code.names import MAKES_PROCESS, MAKES_STEP, as_faced

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

DEEPEST: Final = 400
"""How deeply a file's tree may be nested. Code that people write stays far below."""

_FAR: Final = 30  # how many variables, attributes and calls a name is followed through
_LONGEST: Final = 1_000


@frozen(eq=False)
class Binding:
    """One way in which a name gets its meaning in a scope."""

    kind: Literal["import", "function", "class", "value", "parameter", "context", "other"]
    node: ast.AST
    dotted: str = ""
    value: ast.expr | None = None
    annotation: ast.expr | None = None


@define(eq=False)
class Scope:
    """The names of a module, a class or a function."""

    node: ast.AST
    outer: Scope | None
    names: dict[str, list[Binding]] = field(factory=dict)
    globals: set[str] = field(factory=set)
    nonlocals: set[str] = field(factory=set)
    stars: list[str] = field(factory=list)

    @property
    def module(self) -> Scope:
        """The outermost one."""
        scope = self
        while scope.outer is not None:
            scope = scope.outer
        return scope

    def find(self, name: str) -> Scope | None:
        """The scope in which a name has its meaning here."""
        scope: Scope | None = self.module if name in self.globals else self
        while scope is not None:
            # The names of a class are not seen from the functions in it.
            if name in scope.names and (scope is self or not isinstance(scope.node, ast.ClassDef)):
                return scope
            scope = scope.outer
        return None


@frozen(eq=False)
class Written:
    """A process as it is written: its function, its decorator, and the functions that run as part of it."""

    node: Function
    decorator: ast.Call
    parts: tuple[Function, ...]

    @property
    def name(self) -> str:
        """What it is called, or its function's name where that is computed."""
        given = self.decorator.args[0] if self.decorator.args else self.keyword("name")
        return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else self.node.name

    def keyword(self, name: str) -> ast.expr | None:
        """An argument of the decorator."""
        return next((each.value for each in self.decorator.keywords if each.arg == name), None)


class Module:
    """A file of code that was read."""

    def __init__(self, text: str, path: str = "<text>") -> None:
        """Raises Unreadable."""
        self.path = path
        self.text = text
        self.tree = parsed(text)
        self.parents: dict[ast.AST, ast.AST] = {}
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
        _check_depth(self.tree)
        self.scopes = _scopes(self.tree)
        self._of_bodies = {child for node in self.scopes for child in getattr(node, "body", ())}
        # Each is followed once. Names can be woven into each other, and following every road would never end.
        self._origins: dict[object, str | None] = {}
        self.remembered: dict[object, Any] = {}

    # -- where things stand --------------------------------------------------------------------------------------------

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """What a node stands in, the nearest first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def scope_of(self, node: ast.AST) -> Scope:
        """The scope in which a node's names are looked up."""
        below = node
        for each in self.ancestors(node):
            # A function's decorators, defaults and annotations belong to what is around it.
            if each in self.scopes and not (is_function(each) and below not in self._of_bodies):
                return self.scopes[each]
            below = each
        return self.scopes[self.tree]

    @cached_property
    def lines(self) -> list[str]:
        """The text by lines, as Python counts them."""
        return self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    # -- where names come from -----------------------------------------------------------------------------------------

    def origin(self, node: ast.AST, scope: Scope | None = None) -> str | None:
        """
        Where an expression comes from: `datetime.datetime.now`, `bizproc.crm.deal().add_product`; None if not certain.

        What a call gives is its function with `()`; a parameter is what calling its annotation gives.
        """
        key = (node, scope)
        if key not in self._origins:
            self._origins[key] = None  # for what is defined by itself
            self._origins[key] = self._followed(node, scope or self.scope_of(node))
        return self._origins[key]

    def _followed(self, node: ast.AST, scope: Scope) -> str | None:
        tail: list[str] = []
        while True:
            if isinstance(node, ast.Attribute):
                tail.append(f".{node.attr}")
                node = node.value
            elif isinstance(node, ast.Call):
                tail.append("()")
                node = node.func
            else:
                break
        root = self._origin_of_name(node, scope) if isinstance(node, ast.Name) and len(tail) < _FAR else None
        return None if root is None or len(root) > _LONGEST else as_faced(root + "".join(reversed(tail)))

    def _origin_of_name(self, node: ast.Name, scope: Scope) -> str | None:
        home = scope.find(node.id)
        if home is None:
            return self._star(scope, node.id) or (f"builtins.{node.id}" if hasattr(builtins, node.id) else None)
        key = (home, node.id)
        if key not in self._origins:
            self._origins[key] = None
            found = {self._origin_of(binding, home) for binding in home.names[node.id]}
            self._origins[key] = found.pop() if len(found) == 1 else None
        return self._origins[key]

    def _origin_of(self, binding: Binding, home: Scope) -> str | None:
        match binding.kind:
            case "import":
                return binding.dotted
            case "value" | "context" if binding.value is not None:
                return self.origin(binding.value, home)
            case "parameter" if binding.annotation is not None:
                of_class = self.origin(binding.annotation, home.outer or home)
                return None if of_class is None else f"{of_class}()"
            case _:
                return None

    def _star(self, scope: Scope, name: str) -> str | None:
        """A name that `from bizproc import *` brings."""
        from bizproc.code import names

        faced = {"process", "action", "crm", "wait", "on", "F", "saga", "this", "Runtime", *names.COMMANDS}
        return f"bizproc.{name}" if name in faced and "bizproc" in scope.module.stars else None

    def definition(self, node: ast.AST, scope: Scope | None = None) -> Function | None:
        """The function of this file that a name, or a method of a class in it, means, if it is certain."""
        scope = scope or self.scope_of(node)
        for _ in range(_FAR):
            if isinstance(node, ast.Attribute):
                return self._method(node, scope)
            home = scope.find(node.id) if isinstance(node, ast.Name) else None
            bindings = home.names[node.id] if home is not None and isinstance(node, ast.Name) else []
            if len(bindings) != 1 or home is None:
                return None
            bound = bindings[0]
            if bound.kind == "function" and isinstance(bound.node, ast.FunctionDef | ast.AsyncFunctionDef):
                return bound.node
            if bound.kind != "value" or bound.value is None:
                return None
            node, scope = bound.value, home
        return None

    def _method(self, node: ast.Attribute, scope: Scope) -> Function | None:
        """The method that `Class.name`, `Class().name`, `self.name` or `cls.name` means."""
        class_ = self._class_of(node.value, scope)
        for _ in range(_FAR):
            if class_ is None:
                return None
            bindings = self.scopes[class_].names.get(node.attr, [])
            if bindings:
                found = bindings[0].node
                certain = len(bindings) == 1 and isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef)
                return found if certain and isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef) else None
            # It may come from the class above; of two above, which is not certain.
            class_ = self._class_of(class_.bases[0], self.scope_of(class_)) if len(class_.bases) == 1 else None
        return None

    def _class_of(self, node: ast.AST, scope: Scope) -> ast.ClassDef | None:
        """The class of this file that an expression is, or is an object of."""
        for _ in range(_FAR):
            if isinstance(node, ast.Call):
                node = node.func
                continue
            home = scope.find(node.id) if isinstance(node, ast.Name) else None
            bindings = home.names[node.id] if home is not None and isinstance(node, ast.Name) else []
            if len(bindings) != 1 or home is None:
                return None
            bound = bindings[0]
            if isinstance(bound.node, ast.ClassDef):
                return bound.node
            if bound.kind == "parameter" and bound.annotation is None:
                return self._own_class(bound.node, home)
            following = bound.annotation if bound.kind == "parameter" else bound.value
            if following is None:
                return None
            node, scope = following, (home.outer or home) if bound.kind == "parameter" else home
        return None

    def _own_class(self, parameter: ast.AST, home: Scope) -> ast.ClassDef | None:
        """The class whose `self` or `cls` this is."""
        function, class_ = home.node, self.parents.get(home.node)
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) or not isinstance(class_, ast.ClassDef):
            return None
        arguments = [*function.args.posonlyargs, *function.args.args]
        static = self.decorator(function, "builtins.staticmethod") is not None
        return class_ if arguments and arguments[0] is parameter and not static else None

    @cached_property
    def loads(self) -> dict[str, list[ast.Name | ast.Attribute]]:
        """Where each name is read, by itself or as that of a method."""
        found: dict[str, list[ast.Name | ast.Attribute]] = {}
        for node in self.parents:
            if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
                found.setdefault(node.id if isinstance(node, ast.Name) else node.attr, []).append(node)
        return found

    # -- processes -----------------------------------------------------------------------------------------------------

    def decorator(self, function: Function, origin: str) -> ast.expr | None:
        """The decorator of this origin that a function has."""
        scope = self.scope_of(function)
        for each in function.decorator_list:
            if self.origin(each.func if isinstance(each, ast.Call) else each, scope) == origin:
                return each
        return None

    def is_step(self, function: Function) -> bool:
        """Whether it is decorated with `@action`: its body is a step's, and may do what it likes."""
        return self.decorator(function, MAKES_STEP) is not None

    def is_process(self, function: Function) -> bool:
        return self.decorator(function, MAKES_PROCESS) is not None

    @cached_property
    def functions(self) -> list[Function]:
        """All functions, in the order of the text."""
        found = [node for node in self.scopes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        return sorted(found, key=lambda node: (node.lineno, node.col_offset))

    @cached_property
    def processes(self) -> list[Written]:
        """All processes, in the order of the text."""
        found = []
        for function in self.functions:
            decorator = self.decorator(function, MAKES_PROCESS)
            if isinstance(decorator, ast.Call):
                found.append(Written(function, decorator, tuple(self._parts(function))))
        return found

    def _parts(self, process: Function) -> list[Function]:
        """The functions whose code runs when the process does: itself, and helpers and methods of this file."""
        parts, waiting = {process: None}, [process]
        while waiting:
            for node in own_nodes(waiting.pop()):
                named = self.definition(node) if isinstance(node, ast.Name | ast.Attribute) else None
                if named is None or named in parts or self.is_step(named) or self.is_process(named):
                    continue
                parts[named] = None
                waiting.append(named)
        return list(parts)

    @cached_property
    def code(self) -> list[Function]:
        """All functions that run as part of a process, each once."""
        return sorted({part for each in self.processes for part in each.parts}, key=lambda node: node.lineno)


def parsed(text: str) -> ast.Module:
    """The tree of a text. Raises Unreadable."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the code that is read; it is not ours to say
            return ast.parse(text)
    except SyntaxError as error:
        running = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Unreadable(f"it is not Python {running}: {error.msg}", error.lineno or 1, error.offset or 1) from None
    except (RecursionError, MemoryError):
        raise Unreadable("its expressions are nested too deeply to be read") from None
    except ValueError as error:
        raise Unreadable(f"it is not Python: {error}") from None


def _check_depth(tree: ast.Module) -> None:
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    raise Unreadable("its code is nested too deeply to be read", getattr(level[0], "lineno", 1))


def is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def own_nodes(function: Function) -> Iterator[ast.AST]:
    """What a function runs itself, in the order of the text: its body, without the bodies of functions in it."""
    return inside(function.body)


def inside(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """These and what is in them, in the order of the text, without the bodies of functions and classes in them."""
    waiting = list(nodes)[::-1]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            children: list[ast.AST] = [*node.decorator_list, *node.args.defaults]
            children += [each for each in node.args.kw_defaults if each is not None]
        elif isinstance(node, ast.ClassDef):
            children = list(node.decorator_list)
        else:
            children = list(ast.iter_child_nodes(node))
        waiting.extend(children[::-1])


# -- scopes ------------------------------------------------------------------------------------------------------------


def _scopes(tree: ast.Module) -> dict[ast.AST, Scope]:
    scopes: dict[ast.AST, Scope] = {tree: Scope(tree, None)}
    waiting: list[tuple[ast.AST, Scope]] = [(child, scopes[tree]) for child in reversed(tree.body)]
    while waiting:
        node, scope = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            kind: Literal["class", "function"] = "class" if isinstance(node, ast.ClassDef) else "function"
            _bind(scope, node.name, Binding(kind, node))
            own = scopes[node] = Scope(node, scope)
            if not isinstance(node, ast.ClassDef):
                _bind_parameters(own, node.args)
            body = set(map(id, node.body))
            inner = [(child, own if id(child) in body else scope) for child in ast.iter_child_nodes(node)]
            waiting.extend(inner[::-1])
            continue
        if isinstance(node, ast.Lambda):
            _bind_parameters(scope, node.args)
        _bind_names(scope, node)
        waiting.extend([(child, scope) for child in ast.iter_child_nodes(node)][::-1])
    return scopes


def _bind(scope: Scope, name: str, binding: Binding) -> None:
    home = scope.module if name in scope.globals else scope
    while name in home.nonlocals and home.outer is not None:
        home = home.outer
    home.names.setdefault(name, []).append(binding)


def _bind_parameters(scope: Scope, arguments: ast.arguments) -> None:
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    for each in every:
        _bind(scope, each.arg, Binding("parameter", each, annotation=each.annotation))
    for rest in (arguments.vararg, arguments.kwarg):
        if rest is not None:
            _bind(scope, rest.arg, Binding("other", rest))


def _bind_names(scope: Scope, node: ast.AST) -> None:  # noqa: C901  a closed set, matched to the end
    match node:
        case ast.Import():
            for each in node.names:
                name, whole = (each.asname, each.name) if each.asname else (each.name.partition(".")[0],) * 2
                _bind(scope, name, Binding("import", node, dotted=whole))
        case ast.ImportFrom():
            source = "." * node.level + (node.module or "")
            for each in node.names:
                if each.name == "*":
                    scope.module.stars.append(source)
                else:
                    dotted = as_faced(f"{source}.{each.name}" if node.module else f"{source}{each.name}")
                    _bind(scope, each.asname or each.name, Binding("import", node, dotted=dotted))
        case ast.Global():
            scope.globals.update(node.names)
        case ast.Nonlocal():
            scope.nonlocals.update(node.names)
        case ast.Assign():
            for target in node.targets:
                _bind_target(scope, target, node.value)
        case ast.AnnAssign():
            value = node.value
            if isinstance(node.target, ast.Name):
                _bind(scope, node.target.id, Binding("value" if value else "other", node, "", value, node.annotation))
        case ast.NamedExpr():
            _bind_target(scope, node.target, node.value)
        case ast.AugAssign() | ast.For() | ast.AsyncFor() | ast.comprehension():
            _bind_target(scope, node.target, None)
        case ast.withitem() if isinstance(node.optional_vars, ast.Name):
            _bind(scope, node.optional_vars.id, Binding("context", node, value=node.context_expr))
        case ast.withitem() if node.optional_vars is not None:
            _bind_target(scope, node.optional_vars, None)
        case ast.ExceptHandler() if node.name:
            _bind(scope, node.name, Binding("other", node))
        case ast.MatchAs() | ast.MatchStar() if node.name:
            _bind(scope, node.name, Binding("other", node))
        case ast.MatchMapping() if node.rest:
            _bind(scope, node.rest, Binding("other", node))
        case ast.Delete():
            for target in node.targets:
                _bind_target(scope, target, None)
        case _:
            pass


def _bind_target(scope: Scope, target: ast.expr, value: ast.expr | None) -> None:
    match target:
        case ast.Name():
            _bind(scope, target.id, Binding("other" if value is None else "value", target, value=value))
        case ast.Starred():
            _bind_target(scope, target.value, None)
        case ast.Tuple() | ast.List():
            given = value.elts if isinstance(value, ast.Tuple | ast.List) else []
            even = len(given) == len(target.elts) and not any(isinstance(each, ast.Starred) for each in given)
            for place, each in enumerate(target.elts):
                _bind_target(scope, each, given[place] if even else None)
        case _:
            pass
