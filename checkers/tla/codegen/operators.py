"""Code for calls of defined operators: inlined where they are small, shared functions otherwise."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from typing import Any

from checkers.tla.codegen.frames import (
    ByName,
    Closure,
    Code,
    Context,
    Env,
    Frame,
    Global,
    Lazy,
    Local,
    Native,
    fresh,
)
from checkers.tla.codegen.logic import Pieces
from checkers.tla.codegen.program import Program
from checkers.tla.errors import Position, TlaError, TlaSemanticError
from checkers.tla.parse import syntax as ast
from checkers.tla.parse.analysis import ACTION, size
from checkers.tla.parse.syntax import Bound, Operator, Symbol

_SMALL = 14
_ATOMS = (ast.Literal, ast.At)
_VARIABLE = re.compile(r"[sn]\d+\Z")


class Operators(Pieces):
    """Generates applications of operators, and arguments that are operators."""

    program: Program
    evaluate: Callable[[ast.Expr, Env], Any]
    call: Callable[..., str]
    _call: Callable[[ast.Apply, Env], tuple[Operator, Env] | None]
    _bind: Callable[..., Env]
    _fold: Callable[[ast.Expr, Env], Code | None]
    _bound: Callable[[Any, tuple[ast.Argument, ...], Env, Context, ast.Expr], Code]
    _operators: dict[Any, tuple[str, list[str], Code]]
    _folded: dict[Any, Code | None]
    _keep: list[Any]
    _closures: set[str]

    def argument(self, argument: ast.Argument, env: Env, cx: Context) -> Any:
        """Return a binding for an argument or definition: the name itself if it is simple, else a cached value."""
        bound = self.levels.bind(argument, env)
        if not isinstance(bound, ByName) or isinstance(bound.node, _ATOMS):
            return bound
        if isinstance(bound.node, ast.Apply) and not bound.node.args and not isinstance(bound.node.symbol, Operator):
            return bound
        info = self.levels.info(bound.node, bound.env)
        if info.level >= ACTION:
            return bound
        if info.closed and (folded := self._fold(bound.node, bound.env)) is not None:
            return Global(folded.text, folded.type, folded.normal, bound.node, bound.env)
        return self.lazy(bound.node, bound.env, cx)

    def lazy(self, node: ast.Expr, env: Env, cx: Context) -> Any:
        """Return a binding that computes an expression at its first use."""
        code: list[Code] = []

        def build(frame: Frame) -> None:
            code.append(self.whole(node, env, cx.within(frame)))
            frame.emit(f"return {code[0].text}")

        function, captured = self.lifted("let", node, cx, build, ())
        name = cx.frame.local("v")
        cx.frame.emit(f"{name} = UNSET")
        for item in captured:
            cx.frame.use(item)
        return Lazy(name, function, tuple(captured), code[0].type, code[0].normal, node, env)

    def _operator(
        self, operator: Operator, args: tuple[ast.Argument, ...], inner: Env, env: Env, cx: Context, node: ast.Expr
    ) -> Code:
        body = operator.body
        if body is None:
            raise TlaSemanticError(
                "undefined", f"{operator.name} is declared RECURSIVE, but not defined", node.position
            )
        if not args and not operator.params and (value := self._fold_definition(operator, inner)) is not None:
            return value
        recursive = operator.recursive and operator in self.levels.reach.operator(operator)
        if recursive:
            return self._recursive(operator, args, inner, env, cx, node)
        bindings = {p: self.argument(a, env, cx) for p, a in zip(operator.params, args, strict=True)}
        extended = inner.extend(bindings)
        if size(body, _SMALL) < _SMALL or any(isinstance(b, ByName | Closure | Native) for b in bindings.values()):
            return self.gen(body, extended, cx)
        return self._shared(operator, bindings, inner, cx, node)

    def _fold_definition(self, operator: Operator, env: Env) -> Code | None:
        assert operator.body is not None
        if self.levels.drawn_once(operator, env):
            return self._fold_anything(operator.body, env)
        if not self.levels.info(operator.body, env).closed:
            return None
        self.no_folding, kept = 0, self.no_folding
        try:
            return self._fold(operator.body, env) or self._fold_anything(operator.body, env)
        finally:
            self.no_folding = kept

    def _fold_anything(self, node: ast.Expr, env: Env) -> Code | None:
        key = (node, self.levels.relevant(frozenset(self.levels.reach.of(node)), env))
        if self._folded.get(key) is None and ("tried", key) not in self._folded:
            self._folded["tried", key] = None
            self._keep.append(env)
            with contextlib.suppress(TlaError):
                self._folded[key] = self.constant(self.evaluate(node, env))
        return self._folded.get(key)

    def in_filter(self, node: ast.Basic, env: Env, cx: Context) -> str | None:
        r"""Return the text of `e \\in {x \\in S : P}`, which tests P for one element only; None for other sets."""
        members = node.args[1]
        inner = env
        while isinstance(members, ast.Apply) and (call := self._call(members, inner)) is not None:
            operator, outer = call
            recursive = operator.recursive and operator in self.levels.reach.operator(operator)
            if operator.body is None or recursive or any(param.arity for param in operator.params):
                return None
            if not isinstance(operator.body, ast.Apply | ast.SetFilter):
                return None
            if members.args and inner is not env:
                return None
            bindings = {p: self.argument(a, env, cx) for p, a in zip(operator.params, members.args, strict=True)}
            members, inner = operator.body, outer.extend(bindings)
        if not isinstance(members, ast.SetFilter) or self.levels.info(members, inner).closed:
            return None
        source_code = self.gen(members.domain.source, inner, Context(Frame(cx.frame), cx.prime, cx.assigned))
        if source_code.type == "set" and source_code.normal:
            return None
        item = fresh("item")

        def build(frame: Frame) -> None:
            source = frame.local("S")
            frame.emit(f"{source} = {self.gen(members.domain.source, inner, cx.within(frame)).text}")
            # a listed set is filtered as a whole, and fails if P fails for any element, as in TLC
            with frame.block(f"if is_listed({source}):"):
                whole = self.gen(members, inner, cx.within(frame)).text
                frame.emit(f"return {self.marked(f'contains({whole}, {item})', node.position)}")
            asked = self.marked(f"contains({source}, {item})", members.domain.source.position)
            with frame.block(f"if not {asked}:"):
                frame.emit("return False")
            bound = self._bind(item, members.domain.names, members.domain, inner, frame)
            frame.emit(f"return {self.truth(members.body, bound, cx.within(frame))}")

        name, captured = self.lifted("member", node, cx, build, (item,))
        return self.call(name, captured, cx, node.position, (self.normal(node.args[0], env, cx),))

    def _shared(self, operator: Operator, bindings: dict[Any, Any], inner: Env, cx: Context, node: ast.Expr) -> Code:
        """Call a function that is shared by all uses of an operator in the same context."""
        assert operator.body is not None
        relevant = self.levels.relevant(self.levels.reach.operator(operator), inner)
        assigned = cx.assigned if cx.prime or self.levels.level(operator.body, inner) >= ACTION else None
        lazy_params = tuple(isinstance(binding, Lazy) for binding in bindings.values())
        key = (operator, relevant, cx.prime, assigned, lazy_params)
        found = self._operators.get(key)
        if found is None:
            names = tuple(fresh(param.name) for param in operator.params)
            own: dict[Symbol, Any] = {
                param: Local(name, "any", normal=False, thunk=lazy)
                for param, name, lazy in zip(operator.params, names, lazy_params, strict=True)
            }
            codes: list[Code] = []

            def build(frame: Frame) -> None:
                codes.append(self.whole(operator.body, inner.extend(own), cx.within(frame)))  # type: ignore[arg-type]
                frame.emit(f"return {codes[0].text}")

            placed = ast.Literal(operator.position or node.position, value=0)
            name, captured = self.lifted(f"op_{operator.name}", placed, cx, build, names)
            if not names:
                name = self._remembering(name, captured, operator)
            found = (name, captured, codes[0])
            self._keep.append(inner)
            if self._closures.isdisjoint(captured):
                self._operators[key] = found
        name, captured, code = found
        args = tuple(self._passed(binding, cx) for binding in bindings.values())
        return Code(self.call(name, captured, cx, node.position, args), code.type, code.normal)

    def _remembering(self, name: str, captured: list[str], operator: Operator) -> str:
        """Wrap a definition in a function that caches its value for the last values of the variables it reads."""
        if not captured or not all(_VARIABLE.match(item) for item in captured):
            return name
        if self.levels.has_effects(operator.body):
            return name
        memory, again = fresh("memory"), fresh(f"again_{operator.name}")
        self.program.names[memory] = [self.program.names["UNSET"]] * (len(captured) + 1)
        same = " and ".join(f"{memory}[{at}] is {item}" for at, item in enumerate(captured))
        lines = [
            f"    if {same}:",
            f"        return {memory}[-1]",
            f"    v = {name}({', '.join(captured)})",
            f"    {memory}[:] = ({', '.join(captured)}, v)",
            "    return v",
        ]
        assert operator.body is not None
        self.program.add(again, captured, lines, operator.position or operator.body.position)
        return again

    def _passed(self, binding: Any, cx: Context) -> str:
        """Return the text of an argument: a value, or a thunk if computing it could fail although it is not needed."""
        if isinstance(binding, Lazy):
            self.program.truths |= binding.type == "bool"
            for name in (binding.name, *binding.captured):
                cx.frame.use(name)
            text = ", ".join((binding.function, *binding.captured))
            return f"({binding.name} if {binding.name} is not UNSET else Thunk({text}))"
        code = self._bound(binding, (), Env({}), cx.testing(False), _NOWHERE)
        self.program.truths |= code.type == "bool"
        return code.text

    def _recursive(
        self, operator: Operator, args: tuple[ast.Argument, ...], inner: Env, env: Env, cx: Context, node: ast.Expr
    ) -> Code:
        """Call a recursive operator: a top-level function if it depends on constants only, else a closure."""
        assert operator.body is not None
        relevant = self.levels.relevant(self.levels.reach.operator(operator), inner)
        values = [p for p in operator.params if not p.arity]
        higher = {p: self.levels.bind(a, env) for p, a in zip(operator.params, args, strict=True) if p.arity}
        key = (operator, relevant, cx.prime, tuple(_identity(binding) for binding in higher.values()))
        frame: Frame | None = cx.frame
        name = self.program.recursive.get(key)
        while name is None and frame is not None:
            name, frame = frame.closures.get(key), frame.parent
        if name is None:
            name = self._define_recursive(operator, key, higher, inner, cx)
        if name in self._closures:
            cx.frame.use(name)
        texts = []
        for param, arg in zip(operator.params, args, strict=True):
            if param in values:
                binding = self.argument(arg, env, cx)
                texts.append(
                    self._passed(binding, cx)
                    if not isinstance(binding, ByName)
                    else self.gen(binding.node, binding.env, cx.testing(False)).text
                )
        return Code(self.marked(f"{name}({', '.join(texts)})", node.position))

    def _define_recursive(self, operator: Operator, key: Any, higher: dict[Any, Any], inner: Env, cx: Context) -> str:
        assert operator.body is not None
        name = fresh(f"rec_{operator.name}")
        params = {p: Local(fresh(p.name), "any", normal=False, thunk=True) for p in operator.params if not p.arity}
        own = inner.extend({**params, **higher})
        names = [local.name for local in params.values()]
        info = self.levels.info(operator.body, inner.extend(dict.fromkeys(params, _FREE) | higher))
        position = operator.position or operator.body.position
        self._keep.append(inner)
        if info.closed:
            self.program.recursive[key] = name
            frame = Frame(None)
            frame.locals.update(names)
            frame.emit(f"return {self.gen(operator.body, own, Context(frame, cx.prime, cx.assigned)).text}")
            assert not frame.captured, (operator.name, frame.captured)
            self.program.add(name, names, frame.lines, position)
            return name
        cx.frame.closures[key] = name
        cx.frame.locals.add(name)
        self._closures.add(name)
        frame = Frame(cx.frame, closure=True)
        frame.locals.update(names)
        frame.emit(f"return {self.gen(operator.body, own, cx.within(frame)).text}")
        # At the function's top, before every use; the names that it reads may be assigned later.
        lines = [f"    def {name}({', '.join(names)}):", *("    " + line for line in frame.lines)]
        cx.frame.lines[:0] = lines
        return name

    def operator_value(self, argument: ast.Argument, arity: int, env: Env, cx: Context, *, test: bool = False) -> str:
        """Generate an operator that is passed to a built-in one."""
        params = tuple(Bound(f"a{i}", None) for i in range(arity))
        names = tuple(fresh("a") for _ in params)
        bindings: dict[Symbol, Any] = {p: Local(n) for p, n in zip(params, names, strict=True)}
        position = argument.position
        args = tuple(ast.Apply(position, p) for p in params)
        closure = self.levels.bind(argument, env)

        def build(frame: Frame) -> None:
            inner = cx.within(frame).testing(test)
            code = self._bound(closure, args, env.extend(bindings), inner, args[0])
            self.program.truths |= code.type == "bool" and not test
            frame.emit(f"return {code.text}")

        name, captured = self.lifted("arg", argument, cx, build, names)
        for item in captured:
            cx.frame.use(item)
        keep = "".join(f", {item}={item}" for item in captured)
        return f"(lambda {', '.join(names)}{keep}: {name}({', '.join((*names, *captured))}))"


_NOWHERE = ast.At(Position("", 0, 0, 0, 0))
_FREE = ByName(ast.Literal(_NOWHERE.position, value=0), Env({}))


def _identity(binding: Any) -> Any:
    """Return a key that is equal for operators that are the same as arguments."""
    if isinstance(binding, Closure):
        return (binding.operator or binding.body, binding.env if binding.operator is None else None)
    return (binding.symbol, binding.path) if isinstance(binding, Native) else binding
