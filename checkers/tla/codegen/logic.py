"""Code for logic, comparison, sets, IF, CASE and LET."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from checkers.tla.codegen.frames import Code, Context, Env, Frame
from checkers.tla.codegen.levels import Levels
from checkers.tla.codegen.program import Program
from checkers.tla.errors import Position, TlaSemanticError, TlaUnsupportedError
from checkers.tla.parse import syntax as ast
from checkers.tla.parse.analysis import ACTION, CONSTANT
from checkers.tla.parse.syntax import Operator

_SET_CALLS = {"cup": "cup", "cap": "cap", "diff": "diff", "powerset": "power_set", "union": "big_union"}
_CLASSES = {"int": "int", "bool": "bool", "str": "str"}


class Pieces:
    """The methods that the parts of the generator call on one another."""

    levels: Levels
    program: Program
    gen: Callable[[ast.Expr, Env, Context], Code]
    whole: Callable[[ast.Expr, Env, Context], Code]
    normal: Callable[[ast.Expr, Env, Context], str]
    truth: Callable[[ast.Expr, Env, Context], str]
    marked: Callable[..., str]
    raising: Callable[[str, Position], Code]
    lift: Callable[..., str]
    lifted: Callable[..., tuple[str, list[str]]]
    constant: Callable[..., Code]
    argument: Callable[[ast.Argument, Env, Context], Any]
    lazy: Callable[[ast.Expr, Env, Context], Any]
    mapped: Callable[[ast.SetMap, Env, Context], str]
    operator_value: Callable[..., str]
    in_filter: Callable[[ast.Basic, Env, Context], str | None]


class BasicExpressions(Pieces):
    """Generates operators of the language itself, IF, CASE and LET."""

    def _gen_Basic(self, node: ast.Basic, env: Env, cx: Context) -> Code:
        self.program.truths |= node.op == "BOOLEAN"
        op, args = node.op, node.args
        if op in {"and", "or"}:
            return Code("(" + f" {op} ".join(self.truth(arg, env, cx) for arg in args) + ")", "bool", normal=True)
        if op == "not":
            return Code(f"(not {self.truth(args[0], env, cx)})", "bool", normal=True)
        if op == "implies":
            text = f"(not {self.truth(args[0], env, cx)} or {self.truth(args[1], env, cx)})"
            return Code(text, "bool", normal=True)
        if op == "equiv":
            return Code(f"({self.truth(args[0], env, cx)} is {self.truth(args[1], env, cx)})", "bool", normal=True)
        if op in {"eq", "ne"}:
            text = self.equal(self.gen(args[0], env, cx), self.gen(args[1], env, cx), node.position)
            return Code(f"(not {text})" if op == "ne" else text, "bool", normal=True)
        if op in {"in", "notin"}:
            text = self.in_filter(node, env, cx) or self.member(
                self.gen(args[0], env, cx), self.gen(args[1], env, cx), node.position
            )
            return Code(f"(not {text})" if op == "notin" else text, "bool", normal=True)
        if op == "prime":
            return self._prime(node, env, cx)
        if op == "unchanged":
            return Code(self._unchanged(args[0], env, cx, node.position), "bool", normal=True)
        if op == "enabled":
            return Code(self.enabled(node, env, cx), "bool", normal=True)
        return self._set_operator(node, env, cx)

    def _set_operator(self, node: ast.Basic, env: Env, cx: Context) -> Code:
        op = node.op
        if op == "union" and isinstance(node.args[0], ast.SetOf | ast.SetMap):
            return Code(self.marked(f"union_of({self.parts_of(node.args[0], env, cx)})", node.position), "set")
        codes = [self.gen(arg, env, cx) for arg in node.args]
        texts = ", ".join(code.text for code in codes)
        if op == "subseteq":
            return Code(self.marked(f"subseteq({texts})", node.position), "bool", normal=True)
        if op == "domain":
            return Code(self.marked(f"domain_of({texts})", node.position))
        if op in {"BOOLEAN", "STRING"}:
            return Code(op, "set", normal=op == "BOOLEAN")
        if op in _SET_CALLS:
            both = len(codes) == 2 and all(code.type == "set" and code.normal for code in codes)
            return Code(self.marked(f"{_SET_CALLS[op]}({texts})", node.position), "set", normal=both)
        if op == "cdot":
            raise TlaUnsupportedError(
                "the composition of actions, \\cdot, is only supported as an action", node.position
            )
        raise TlaSemanticError("level", "a temporal formula stands where a value is wanted", node.position)

    def parts_of(self, node: ast.SetOf | ast.SetMap, env: Env, cx: Context) -> str:
        """Return the elements of a set of sets, which need not be listed to take their union."""
        if isinstance(node, ast.SetOf):
            return "(" + "".join(f"{self.gen(item, env, cx).text}, " for item in node.items) + ")"
        return self.mapped(node, env, cx)

    def equal(self, a: Code, b: Code, position: Position) -> str:
        """Return the text of `a = b`."""
        for known, other in ((a, b), (b, a)):
            if known.type in _CLASSES:
                if other.type == known.type:
                    return f"({a.text} == {b.text})"
                if other.type == "any" and other.normal and other.text.isidentifier():
                    general = self.marked(f"eq({a.text}, {b.text})", position)
                    kind = _CLASSES[known.type]
                    return f"({other.text} == {known.text} if {other.text}.__class__ is {kind} else {general})"
        return self.marked(f"eq({a.text}, {b.text})", position)

    def member(self, a: Code, b: Code, position: Position) -> str:
        r"""Return the text of `a \\in b`."""
        return self.marked(f"contains({b.text}, {a.text})", position)

    def _prime(self, node: ast.Basic, env: Env, cx: Context) -> Code:
        inner = node.args[0]
        level = self.levels.level(inner, env)
        if level >= ACTION or (cx.prime and level > CONSTANT):
            raise TlaSemanticError("level", "a prime is applied to an expression that has primes", node.position)
        return self.gen(inner, env, cx.primed())

    def _unchanged(self, what: ast.Expr, env: Env, cx: Context, position: Position) -> str:
        if isinstance(what, ast.Tuple):
            parts = [self._unchanged(item, env, cx, item.position) for item in what.items]
            return "(" + " and ".join(parts) + ")" if parts else "True"
        if isinstance(what, ast.Apply) and isinstance(what.symbol, Operator) and not what.args:
            inner = self.levels.enter(what.path, env)
            body = what.symbol.body
            if isinstance(body, ast.Tuple | ast.Apply) and what.symbol not in inner.map:
                return self._unchanged(body, inner, cx, position)
        return self.equal(self.gen(what, env, cx.primed()), self.gen(what, env, cx), position)

    def enabled(self, node: ast.Basic, env: Env, cx: Context) -> str:
        """Return the text of ENABLED; `ActionGenerator` implements it."""
        raise NotImplementedError

    # Choices ------------------------------------------------------------------------------------------------------

    def _gen_If(self, node: ast.If, env: Env, cx: Context) -> Code:
        condition = self.truth(node.condition, env, cx)
        then, otherwise = self.gen(node.then, env, cx), self.gen(node.otherwise, env, cx)
        return Code(f"({then.text} if {condition} else {otherwise.text})", *_join(then, otherwise))

    def _gen_Case(self, node: ast.Case, env: Env, cx: Context) -> Code:
        result = self.raising("no_case()", node.position) if node.other is None else self.gen(node.other, env, cx)
        for condition, value in reversed(node.arms):
            then = self.gen(value, env, cx)
            text = f"({then.text} if {self.truth(condition, env, cx)} else {result.text})"
            result = Code(text, *_join(then, result))
        return result

    def _gen_Let(self, node: ast.Let, env: Env, cx: Context) -> Code:
        return self.gen(node.body, self.definitions(node, env, cx), cx)

    def definitions(self, node: ast.Let, env: Env, cx: Context) -> Env:
        """Return the environment within LET: definitions without parameters are computed at their first use."""
        env = Env(dict(env.map), env.at)
        for operator in node.definitions:
            if operator.params or operator.body is None or operator.recursive:
                env.map[operator] = self.levels.closure(operator, env)
            else:
                env.map[operator] = self.argument(operator.body, env, cx)
        return env

    def _gen_Unbounded(self, node: ast.Unbounded, env: Env, cx: Context) -> Code:
        kind = {"A": "\\A", "E": "\\E", "AA": "\\AA", "EE": "\\EE"}.get(node.kind, node.kind)
        return self.raising(f"unbounded({kind!r})", node.position)

    def _gen_At(self, node: ast.At, env: Env, cx: Context) -> Code:
        if env.at is None:
            raise TlaSemanticError("undefined", "@ may only stand within EXCEPT", node.position)
        for name in env.at.text.replace("[", " ").replace("]", " ").split():
            if name.isidentifier():
                cx.frame.use(name)
        return env.at

    # Sets and tuples ------------------------------------------------------------------------------------------------

    def _gen_SetOf(self, node: ast.SetOf, env: Env, cx: Context) -> Code:
        texts = [self.normal(item, env, cx) for item in node.items]
        if len(texts) == 1:
            return Code(f"frozenset(({texts[0]},))", "set", normal=True)
        return Code(self.marked(f"make_set(({', '.join(texts)}))", node.position), "set", normal=True)

    def _gen_Tuple(self, node: ast.Tuple, env: Env, cx: Context) -> Code:
        texts = [self.normal(item, env, cx) for item in node.items]
        return Code(f"({', '.join(texts)},)" if texts else "()", "any", normal=True)

    def _gen_Product(self, node: ast.Product, env: Env, cx: Context) -> Code:
        texts = ", ".join(self.gen(item, env, cx).text for item in node.items)
        return Code(self.marked(f"tuple_set({texts})", node.position), "set")

    def _gen_FunctionSet(self, node: ast.FunctionSet, env: Env, cx: Context) -> Code:
        texts = f"{self.gen(node.source, env, cx).text}, {self.gen(node.target, env, cx).text}"
        return Code(self.marked(f"function_set({texts})", node.position), "set")

    def _gen_RecordSet(self, node: ast.RecordSet, env: Env, cx: Context) -> Code:
        names = tuple(name for name, _ in node.fields)
        texts = ", ".join(self.gen(item, env, cx).text for _, item in node.fields)
        return Code(self.marked(f"record_set({names!r}, {texts})", node.position), "set")

    # Actions used as values -------------------------------------------------------------------------------------------

    def _gen_Square(self, node: ast.Square, env: Env, cx: Context) -> Code:
        same = self._unchanged(node.subscript, env, cx, node.subscript.position)
        return Code(f"({self.truth(node.action, env, cx)} or {same})", "bool", normal=True)

    def _gen_Angle(self, node: ast.Angle, env: Env, cx: Context) -> Code:
        same = self._unchanged(node.subscript, env, cx, node.subscript.position)
        return Code(f"({self.truth(node.action, env, cx)} and not {same})", "bool", normal=True)


def _join(first: Code, second: Code) -> tuple[str, bool]:
    if first.type == "never":
        return second.type, second.normal
    if second.type == "never":
        return first.type, first.normal
    return first.type if first.type == second.type else "any", first.normal and second.normal


_ = Frame
