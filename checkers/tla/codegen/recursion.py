r"""Branching through function bodies and recursive operators, when states are computed.

`f[a]`, where f is given by `[x \in S |-> e]` or `f[x \in S] == e`, is true in as many ways as its body, and so is
a recursive operator's application. Without primes the ways are counted, and the code after it runs once for each. A
recursive operator that assigns variables becomes a local function; it may call itself where no code follows the call.

Source: TLC's getNextStates, whose case for applications evaluates the body of a function that is not listed yet;
observed by counting the states that it generates from small specifications.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from checkers.tla.codegen.frames import ByName, Context, Env, Frame, Global, Lazy, Local, fresh
from checkers.tla.codegen.splitting import ActionSplitter
from checkers.tla.errors import TlaUnsupportedError
from checkers.tla.parse import syntax as ast
from checkers.tla.parse.analysis import ACTION, CONSTANT
from checkers.tla.parse.syntax import Operator

Assigned = frozenset[int]
Rest = Callable[[Assigned, Context], None]


@dataclass(eq=False, slots=True)
class Recurrence:
    """A body under construction that may call itself.

    Attributes:
        name: the local function.
        leave: the code after the body; None where ways are counted.
        assigned: the variables that had values when the body was entered.
    """

    name: str
    leave: Rest | None
    assigned: Assigned | None


class RecursiveFormulas(ActionSplitter):
    """Generates the local functions."""

    run: Callable[..., None]
    _continue: Callable[..., None]
    _shared_rest: Callable[..., Rest]

    def _branches(self, node: ast.Expr, env: Env) -> bool:
        """Return whether a test has disjunctions or existentials that TLC tries one by one."""
        if isinstance(node, ast.Basic):
            if node.op == "implies":
                return self._branches(node.args[1], env)
            return node.op == "or" or (node.op == "and" and any(self._branches(part, env) for part in node.args))
        if isinstance(node, ast.Quantified):
            return node.kind == "E" or self._branches(node.body, env)
        if isinstance(node, ast.Case):
            return any(self._branches(value, env) for _, value in node.arms)
        if isinstance(node, ast.If):
            return self._branches(node.then, env) or self._branches(node.otherwise, env)
        if isinstance(node, ast.Let):
            return self._branches(node.body, env)
        if isinstance(node, ast.Call):
            return self.branches_within(node, env)
        if isinstance(node, ast.Apply):
            inner = self.levels.enter(node.path, env)
            binding = inner.map.get(node.symbol)
            if isinstance(binding, ByName):
                return self._branches(binding.node, binding.env)
            if self.recursive(node, env) is not None:
                return self.branches_within(node, env)
            if (call := self._call(node, env)) is not None and call[0].body is not None:
                given = zip(call[0].params, node.args, strict=True)
                return self._branches(call[0].body, call[1].extend({p: self.levels.bind(a, env) for p, a in given}))
        return False

    def unlisted(self, node: ast.Expr, env: Env) -> tuple[ast.Function, Env] | None:
        """Return constructor and environment of a function that TLC applies before it has computed all its values."""
        while not isinstance(node, ast.Function):
            if not isinstance(node, ast.Apply) or node.args:
                return None
            binding = self.levels.enter(node.path, env).map.get(node.symbol)
            if isinstance(binding, ByName | Lazy | Global) and binding.node is not None and binding.env is not None:
                node, env = binding.node, binding.env
                continue
            call = self._call(node, env)
            if call is None or call[0].body is None:
                return None
            operator, env = call
            body = operator.body
            assert body is not None
            table = isinstance(body, ast.Function) and not operator.nested and not self._recurs(body)
            if table and self.levels.level(body, env) == CONSTANT:
                return None  # computed when TLC starts
            node = body
        return node, env

    def _recurs(self, function: ast.Function) -> bool:
        return function.itself is not None and function.itself in self.levels.reach.of(function.body)

    def recursive(self, node: ast.Apply, env: Env) -> tuple[Operator, Env] | None:
        """Return the recursive operator that is applied, if there is one, and its environment."""
        found = self.levels.applied(node, env)
        if found is None:
            return None
        operator, _ = found
        if not operator.recursive or any(param.arity for param in operator.params):
            return None
        return found if operator in self.levels.reach.operator(operator) else None

    def branches_within(self, node: ast.Expr, env: Env) -> bool:
        """Return whether an application's body has several ways of being true."""
        if isinstance(node, ast.Call):
            if self._recurring.get(_itself(node)) is not None:
                return True
            found = self.unlisted(node.function, env)
            if found is None or self.levels.level(node, env) >= ACTION:
                return False
            return self._branches_once(found[0], found[0].body, found[1])
        assert isinstance(node, ast.Apply)
        operator = self.recursive(node, env)
        return operator is not None and (
            operator[0] in self._recurring or self._branches_once(operator[0], operator[0].body, operator[1])
        )

    def _branches_once(self, what: Any, body: Any, env: Env) -> bool:
        if what in self._looking:
            return False
        self._looking.add(what)
        try:
            return self._branches(body, env)
        finally:
            self._looking.discard(what)

    # Ways without primes ------------------------------------------------------------------------------------------

    def run_ways(self, node: ast.Expr, env: Env, cx: Context, rest: Rest) -> None:
        """Run the code after a formula without primes once for each way in which it is true."""
        assert cx.assigned is not None
        with cx.frame.block(f"for _ in range({self._ways(node, env, cx)}):"):
            rest(cx.assigned, cx)

    def _ways(self, node: ast.Expr, env: Env, cx: Context) -> str:
        """Return the text of the number of ways in which a formula is true."""
        if isinstance(node, ast.Call) and (known := self._recurring.get(_itself(node))) is not None:
            cx.frame.use(known.name)
            return f"{known.name}({self.index_text(node.args, env, cx)})"
        if not self._branches(node, env):
            return f"(1 if {self.truth(node, env, cx)} else 0)"
        if isinstance(node, ast.Basic) and node.op == "or":
            return "(" + " + ".join(self._ways(part, env, cx) for part in node.args) + ")"
        if isinstance(node, ast.Basic) and node.op == "and":
            names = [cx.frame.local("w") for _ in node.args]
            parts = [f"({n} := {self._ways(part, env, cx)})" for n, part in zip(names, node.args, strict=True)]
            return f"({' and '.join(parts)} and {' * '.join(names)})"
        if isinstance(node, ast.Basic) and node.op == "implies":
            return f"({self._ways(node.args[1], env, cx)} if {self.truth(node.args[0], env, cx)} else 1)"
        if isinstance(node, ast.Quantified):
            return self._ways_of_elements(node, env, cx)
        if isinstance(node, ast.If):
            ways = self._ways(node.then, env, cx), self._ways(node.otherwise, env, cx)
            return f"({ways[0]} if {self.truth(node.condition, env, cx)} else {ways[1]})"
        if isinstance(node, ast.Let):
            return self._ways(node.body, self.definitions(node, env, cx), cx)
        if isinstance(node, ast.Call):
            return self._ways_of_call(node, env, cx)
        if isinstance(node, ast.Apply):
            binding = self.levels.enter(node.path, env).map.get(node.symbol)
            if isinstance(binding, ByName):
                return self._ways(binding.node, binding.env, cx)
            if self.recursive(node, env) is not None:
                return self._ways_of_recursive(node, env, cx)
            if self._call(node, env) is not None:
                body, inner = self._unfold(node, env, cx)
                return self._ways(body, inner, cx)
        return f"(1 if {self.truth(node, env, cx)} else 0)"

    def _ways_of_elements(self, node: ast.Quantified, env: Env, cx: Context) -> str:
        some = node.kind == "E"

        def build(frame: Frame) -> None:
            total = frame.local("total")
            frame.emit(f"{total} = {0 if some else 1}")

            def body(bound: Env) -> None:
                frame.emit(f"{total} {'+' if some else '*'}= {self._ways(node.body, bound, cx.within(frame))}")
                if not some:
                    with frame.block(f"if not {total}:"):
                        frame.emit("return 0")

            self.loops(node.domains, env, cx.within(frame), body, order=True)
            frame.emit(f"return {total}")

        return self.lift("ways", node, cx, build)

    def _ways_of_call(self, node: ast.Call, env: Env, cx: Context) -> str:
        found = self.unlisted(node.function, env)
        assert found is not None
        function, outer = found
        argument = self.index_text(node.args, env, cx)
        item = fresh("item")
        if not self._recurs(function):

            def build(frame: Frame) -> None:
                inner = self._entered(function, item, outer, cx.within(frame))
                frame.emit(f"return {self._ways(function.body, inner, cx.within(frame))}")

            name, captured = self.lifted("ways", node, cx, build, (item,))
            return self.call(name, captured, cx, node.position, (argument,))
        assert function.itself is not None
        outer = outer.extend({function.itself: self.levels.bind(node.function, env)})
        name, counts = cx.frame.local("ways"), cx.frame.local("counts")
        cx.frame.emit(f"{counts} = {{}}")

        def count(inner: Frame) -> None:
            inner.use(counts)
            with inner.block(f"if {item} in {counts}:"):
                inner.emit(f"return {counts}[{item}]")
            bound = self._entered(function, item, outer, cx.within(inner))
            inner.emit(f"{counts}[{item}] = found = {self._ways(function.body, bound, cx.within(inner))}")
            inner.emit("return found")

        self._local(name, [item], function.itself, cx, count)
        return f"{name}({argument})"

    def _entered(self, function: ast.Function, item: str, env: Env, cx: Context) -> Env:
        """Check that the argument is in the domain, and bind its parts."""
        source = self._sources_of(function, env, cx)
        cx.frame.emit(self.marked(f"within({source}, {item})", function.position))
        domains = function.domains
        if len(domains) == 1 and (domains[0].pattern or len(domains[0].names) == 1):
            return self._bind(item, domains[0].names, domains[0], env, cx.frame)
        return self._unpack(function, item, env, cx.frame)

    def _ways_of_recursive(self, node: ast.Apply, env: Env, cx: Context) -> str:
        operator, outer, names, arguments = self._recursive_call(node, env, cx)
        known = self._recurring.get(operator)
        if known is not None:
            cx.frame.use(known.name)
            return f"{known.name}({arguments})"
        name = cx.frame.local("ways")

        def count(inner: Frame) -> None:
            own = outer.extend(dict(zip(operator.params, map(Local, names), strict=True)))
            assert operator.body is not None
            inner.emit(f"return {self._ways(operator.body, own, cx.within(inner))}")

        self._local(name, names, operator, cx, count)
        return self.marked(f"{name}({arguments})", node.position)

    def _recursive_call(self, node: ast.Apply, env: Env, cx: Context) -> tuple[Operator, Env, list[str], str]:
        found = self.recursive(node, env)
        assert found is not None
        operator, outer = found
        arguments = [self.normal(arg, env, cx) for arg in node.args]  # type: ignore[arg-type]
        return operator, outer, [fresh(param.name) for param in operator.params], ", ".join(arguments)

    def _local(
        self, name: str, names: list[str], key: Any, cx: Context, build: Callable[[Frame], None],
        leave: Rest | None = None,
    ) -> None:  # fmt: skip
        """Write a local function that may call itself."""
        inner = Frame(cx.frame, closure=True)
        inner.locals.update(names)
        outermost = self._recurring.get(key)
        self._recurring[key] = Recurrence(name, leave, cx.assigned)
        try:
            build(inner)
        finally:
            del self._recurring[key]
            if outermost is not None:
                self._recurring[key] = outermost
        with cx.frame.block(f"def {name}({', '.join(names)}):"):
            for line in inner.lines or ["    pass"]:
                cx.frame.emit(line[4:])

    # Operators with primes ----------------------------------------------------------------------------------------

    def run_recursive(self, node: ast.Apply, env: Env, cx: Context, mode: Any, rest: Rest) -> None:
        """Generate the call of a recursive operator that assigns variables."""
        operator, outer, names, arguments = self._recursive_call(node, env, cx)
        known = self._recurring.get(operator)
        if known is not None:
            if rest is not known.leave or cx.assigned != known.assigned:
                raise TlaUnsupportedError(
                    f"the action {operator.name} recurs before its last conjunct, which is not supported", node.position
                )
            cx.frame.use(known.name)
            self._continue(f"{known.name}({arguments})", cx.frame, mode)
            return
        leave = self._shared_rest(node, rest, mode, cx)
        name = cx.frame.local("recur")

        def go_through(inner: Frame) -> None:
            own = outer.extend(dict(zip(operator.params, map(Local, names), strict=True)))
            self.run(operator.body, own, Context(inner, cx.prime, cx.assigned), mode, leave)

        self._local(name, names, operator, cx, go_through, leave)
        self._continue(f"{name}({arguments})", cx.frame, mode)


def _itself(node: ast.Call) -> Any:
    return node.function.symbol if isinstance(node.function, ast.Apply) and not node.function.args else None
