"""Generates Python from expressions: entry points, lifted functions, constants, and names."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from checkers.tla.codegen.builtins import BuiltinCalls
from checkers.tla.codegen.frames import (
    ByName,
    Code,
    Context,
    Env,
    Frame,
    Global,
    Lazy,
    Local,
    Mark,
    Native,
    Own,
    fresh,
)
from checkers.tla.codegen.functions import Functions
from checkers.tla.codegen.levels import Levels
from checkers.tla.codegen.logic import BasicExpressions
from checkers.tla.codegen.operators import Operators
from checkers.tla.codegen.program import Program
from checkers.tla.errors import Position, TlaError, TlaSemanticError
from checkers.tla.parse import syntax as ast
from checkers.tla.parse.analysis import CONSTANT
from checkers.tla.parse.names import Path
from checkers.tla.parse.syntax import Builtin, Constant, Operator, Symbol, Variable
from checkers.tla.values.identity import holds_truths
from checkers.tla.values.values import Value

_THROUGH = (ast.If, ast.Case, ast.Let, ast.Apply)
"""The kinds of expressions whose value is that of one of their parts."""
_FOLDED = (ast.SetOf, ast.Tuple, ast.Record, ast.RecordSet, ast.FunctionSet, ast.Product, ast.SetMap, ast.Basic)


class Generator(BasicExpressions, Functions, BuiltinCalls, Operators):
    """Generates code for the expressions of one model.

    Attributes:
        variables: the state variables, in the order of the state's tuple.
        program: receives the generated functions.
    """

    def __init__(self, variables: list[Variable], program: Program) -> None:
        self.variables = variables
        self.index = {variable: place for place, variable in enumerate(variables)}
        self.program = program
        self.levels = Levels()
        self.places: dict[Symbol, int] = {}
        self.no_folding = 0
        self.suppressed = 0
        self._operators: dict[Any, tuple[str, list[str], Code]] = {}
        self._folded: dict[Any, Code | None] = {}
        self._keep: list[Any] = []
        self._closures: set[str] = set()
        self._recurring: dict[Any, Any] = {}
        self._looking: set[Any] = set()
        self._handlers: dict[type, Callable[[Any, Env, Context], Code]] = {
            getattr(ast, name[5:]): getattr(self, name) for name in dir(self) if name.startswith("_gen_")
        }

    # Entry points -----------------------------------------------------------------------------------------------

    def gen(self, node: ast.Expr, env: Env, cx: Context) -> Code:
        """Generate the code of an expression."""
        if isinstance(node, _FOLDED) and (folded := self._fold(node, env)) is not None:
            self.program.truths |= folded.type == "bool" and not cx.test
            return folded
        handler = self._handlers.get(type(node))
        if handler is None:
            raise TlaSemanticError("level", "a temporal formula stands where a value is wanted", node.position)
        if not cx.test:
            code = handler(node, env, cx)
            self.program.truths |= code.type == "bool"
            return code
        through = isinstance(node, _THROUGH) or (isinstance(node, ast.Basic) and node.op == "prime")
        code = handler(node, env, cx if through else cx.testing(False))
        self.suppressed += code.type == "bool"
        return code

    def whole(self, node: ast.Expr, env: Env, cx: Context) -> Code:
        """Generate an expression; if it is always boolean, its uses decide whether its value is stored."""
        before = self.suppressed
        code = self.gen(node, env, cx.testing())
        if code.type != "bool" and self.suppressed != before:
            self.program.truths = True
        self.suppressed = before
        return code

    def normal(self, node: ast.Expr, env: Env, cx: Context) -> str:
        """Generate the text of an expression whose value goes into a container or a state."""
        code = self.gen(node, env, cx.testing(False))
        return code.text if code.normal else self.marked(f"normal({code.text})", node.position)

    def truth(self, node: ast.Expr, env: Env, cx: Context) -> str:
        """Generate the text of an expression that must be a boolean."""
        before = self.suppressed
        code = self.gen(node, env, cx.testing())
        self.suppressed = before
        return code.text if code.type == "bool" else self.marked(f"boolean({code.text})", node.position)

    def marked(self, text: str, position: Position, clear: str | None = None) -> str:
        """Record the source of a text, so that an error in it gets a position."""
        self.program.marks[text] = Mark(position, clear)
        return text

    def raising(self, call: str, position: Position) -> Code:
        """Generate code that fails when it is reached."""
        return Code(self.marked(call, position), "never", normal=True)

    def lift(self, hint: str, node: Any, cx: Context, build: Callable[[Frame], None]) -> str:
        """Write a new function and return the text that calls it."""
        name, captured = self.lifted(hint, node, cx, build, ())
        return self.call(name, captured, cx, node.position)

    def lifted(
        self, hint: str, node: Any, cx: Context, build: Callable[[Frame], None], params: tuple[str, ...]
    ) -> tuple[str, list[str]]:
        """Write a new function; return its name and the local names that it takes after its parameters."""
        frame = Frame(cx.frame)
        frame.locals.update(params)
        build(frame)
        name = fresh(hint)
        captured = list(frame.captured)
        self.program.add(name, [*params, *captured], frame.lines, node.position)
        return name, captured

    def call(self, name: str, captured: list[str], cx: Context, position: Position, args: tuple[str, ...] = ()) -> str:
        """Return the text that calls a lifted function."""
        for item in captured:
            cx.frame.use(item)
        return self.marked(f"{name}({', '.join((*args, *captured))})", position)

    def constant(self, value: Value, hint: str = "K") -> Code:
        """Return code for a known value."""
        if value is True or value is False:
            return Code(repr(value), "bool", normal=True)
        if value.__class__ is int:
            return Code(repr(value) if value >= 0 else f"({value})", "int", normal=True)
        if value.__class__ is str:
            return Code(ascii(value), "str", normal=True)
        name = fresh(hint)
        self.program.names[name] = value
        self.program.truths |= holds_truths(value)
        return Code(name, *type_of(value))

    def known(self, code: Code) -> Global:
        """Return a binding for the code of a known value."""
        return Global(code.text, code.type, code.normal)

    def evaluate(self, node: ast.Expr, env: Env) -> Value:
        """Compute the value of a closed expression now."""
        frame = Frame(None)
        cx = Context(frame)
        frame.emit(f"return {self.gen(node, env, cx).text}")
        assert not frame.captured, frame.captured
        name = fresh("now")
        self.program.add(name, [], frame.lines, node.position)
        return self.program.run(name)

    def _fold(self, node: ast.Expr, env: Env) -> Code | None:
        """Compute a constant expression once; None where that is not possible."""
        if self.no_folding or (isinstance(node, ast.Basic) and node.op in {"and", "or", "not", "implies", "equiv"}):
            return None
        if isinstance(node, ast.SetOf | ast.Tuple) and not node.items:
            return Code("EMPTY", "set", normal=True) if isinstance(node, ast.SetOf) else Code("()", "any", normal=True)
        info = self.levels.info(node, env)
        if not info.closed or env.at is not None:
            return None
        key = (node, self.levels.relevant(frozenset(self.levels.reach.of(node)), env))
        if key not in self._folded:
            self._folded[key] = None
            self._keep.append(env)
            with contextlib.suppress(TlaError):
                self.no_folding += 1
                try:
                    self._folded[key] = self.constant(self.evaluate(node, env))
                finally:
                    self.no_folding -= 1
        return self._folded[key]

    # Names ------------------------------------------------------------------------------------------------------

    def _gen_Literal(self, node: ast.Literal, env: Env, cx: Context) -> Code:
        return self.constant(node.value)

    def _gen_Apply(self, node: ast.Apply, env: Env, cx: Context) -> Code:
        return self.refer(node.symbol, node.path, node.args, self.levels.enter(node.path, env), env, cx, node)

    def refer(
        self,
        symbol: Symbol,
        path: Path,
        args: tuple[ast.Argument, ...],
        inner: Env,
        env: Env,
        cx: Context,
        node: ast.Expr,
    ) -> Code:
        """Generate a symbol of environment `inner`, reached by a path, applied to arguments of environment `env`."""
        binding = self.levels.lookup(symbol, inner, path)
        if binding is not None:
            return self._bound(binding, args, env, cx, node)
        if isinstance(symbol, Variable):
            return self._variable(symbol, self.index.get(symbol), cx, node.position)
        if isinstance(symbol, Operator):
            return self._operator(symbol, args, inner, env, cx, node)
        if isinstance(symbol, Builtin):
            return self.builtin(symbol, args, env, cx, node)
        if isinstance(symbol, Constant):
            raise TlaSemanticError("config", f"the constant {symbol.name} has no value", node.position)
        raise TlaSemanticError("undefined", f"'{symbol.name}' has no value here", node.position)

    def _variable(self, symbol: Variable, place: int | None, cx: Context, position: Position) -> Code:
        if place is None:
            raise TlaSemanticError("undefined", f"the variable {symbol.name} has no value here", position)
        if cx.prime and cx.assigned is not None and place not in cx.assigned:
            return self.raising(f"unassigned({symbol.name!r})", position)
        name = f"{'n' if cx.prime else 's'}{place}"
        cx.frame.use(name)
        return Code(name, "any", normal=True)

    def _bound(self, binding: Any, args: tuple[ast.Argument, ...], env: Env, cx: Context, node: ast.Expr) -> Code:
        if isinstance(binding, Local):
            cx.frame.use(binding.name)
            text = binding.name
            if binding.thunk:
                text = f"({text}.force() if {text}.__class__ is Thunk else {text})"
            return Code(text, binding.type, binding.normal)
        if isinstance(binding, Global):
            if args:
                function = self.marked(f"{binding.name}({', '.join(self.values(args, env, cx))})", node.position)
                return Code(function)
            return Code(binding.name, binding.type, binding.normal)
        if isinstance(binding, Lazy):
            return self._lazy(binding, cx)
        if isinstance(binding, ByName):
            return self.gen(binding.node, binding.env, cx)
        if isinstance(binding, Native):
            return self.refer(binding.symbol, binding.path, args, binding.env, env, cx, node)
        if isinstance(binding, Own):
            if cx.prime:
                return self._variable(binding.variable, binding.place, cx, node.position)
            return self._bound(binding.value, args, env, cx, node)
        if binding.operator is not None:
            return self._operator(binding.operator, args, binding.env, env, cx, node)
        bindings = {p: self.argument(a, env, cx) for p, a in zip(binding.params, args, strict=True)}
        return self.gen(binding.body, binding.env.extend(bindings), cx)

    def values(self, args: tuple[ast.Argument, ...], env: Env, cx: Context) -> list[str]:
        """Return the texts of arguments that are values."""
        cx = cx.testing(False)
        return [self.gen(arg, env, cx).text for arg in args if isinstance(arg, ast.Expr)]

    def _lazy(self, binding: Lazy, cx: Context) -> Code:
        if cx.prime and self.levels.level(binding.node, binding.env) > CONSTANT:
            return self.gen(binding.node, binding.env, cx)
        for name in (binding.name, *binding.captured):
            cx.frame.use(name)
        call = f"{binding.function}({', '.join(binding.captured)})"
        cached = binding.name
        if cx.frame.owns(cached):
            call = f"({cached} := {call})"
        return Code(f"({cached} if {cached} is not UNSET else {call})", binding.type, binding.normal)


def type_of(value: Value) -> tuple[str, bool]:
    """Return the type of a known value, as in `Code`, and whether it is normal."""
    if value.__class__ is frozenset:
        return "set", True
    if value.__class__ is tuple:
        return "any", True
    return "any", not hasattr(value, "normal")
