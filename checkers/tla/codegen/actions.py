r"""Code for actions and initial predicates: formulas that compute states instead of testing them.

A formula is processed from left to right. A conjunct `x' = e` assigns x' if it has no value yet, and otherwise is a
test; disjunctions, bounded existentials and `x' \\in S` branch. The code after a branch is generated inside it, or
becomes a function where it would be repeated.

Source: TLC's way of computing states, Specifying Systems, section 14.2.6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from checkers.tla.codegen.frames import ByName, Closure, Context, Env, Frame, Own, fresh
from checkers.tla.codegen.recursion import RecursiveFormulas
from checkers.tla.codegen.splitting import Leaf
from checkers.tla.errors import TlaUnsupportedError
from checkers.tla.parse import syntax as ast
from checkers.tla.parse.analysis import ACTION, STATE
from checkers.tla.parse.syntax import Variable

Assigned = frozenset[int]
Rest = Callable[[Assigned, Context], None]
_DEEP = 60


@dataclass(frozen=True, slots=True)
class Mode:
    """What is searched for: successors, initial states, or whether a successor exists.

    Attributes:
        initial: whether unprimed variables are assigned.
        leave: the statement's prefix after a function that continues elsewhere, if it may end the search.
    """

    initial: bool = False
    search: bool = False


class ActionGenerator(RecursiveFormulas):
    """Generates functions that compute states."""

    # Running a formula ------------------------------------------------------------------------------------------

    def chosen(self, node: ast.Expr, env: Env, leaf: Leaf, cx: Context, mode: Mode, rest: Rest) -> None:
        """Generate one action by following the choices that lead to it."""
        self._chosen(node, env, leaf.choices, cx, mode, rest)

    def _chosen(self, node: ast.Expr, env: Env, choices: tuple[int, ...], cx: Context, mode: Mode, rest: Rest) -> None:
        if not choices:
            self.run(node, env, cx, mode, rest)
        elif isinstance(node, ast.Basic):
            self._chosen(node.args[choices[0]], env, choices[1:], cx, mode, rest)
        elif isinstance(node, ast.Quantified):
            self.loops(
                node.domains, env, cx, lambda b: self._chosen(node.body, b, choices[1:], cx, mode, rest), order=True
            )
        elif isinstance(node, ast.Let):
            self._chosen(node.body, self.definitions(node, env, cx), choices[1:], cx, mode, rest)
        else:
            assert isinstance(node, ast.Apply)
            body, inner = self._unfold(node, env, cx)
            self._chosen(body, inner, choices[1:], cx, mode, rest)

    def run(self, node: ast.Expr, env: Env, cx: Context, mode: Mode, rest: Rest) -> None:
        """Generate code that runs `rest` once for each way in which the formula can become true."""
        if cx.frame.depth > _DEEP:
            self._elsewhere(node, cx, mode, lambda inner: self.run(node, env, inner, mode, rest))
            return
        if isinstance(node, ast.Basic) and node.op == "and":
            self._all_of(node.args, env, cx, mode, rest)
        elif not self._assigns(node, env, mode):
            self._test(node, env, cx, rest)
        elif isinstance(node, ast.Basic):
            self._run_basic(node, env, cx, mode, rest)
        elif isinstance(node, ast.Apply):
            self._run_apply(node, env, cx, mode, rest)
        elif isinstance(node, ast.Call) and not mode.search and self.branches_within(node, env):
            self.run_ways(node, env, cx, rest)
        elif isinstance(node, ast.Quantified) and node.kind == "E":
            rest = self._shared_rest(node, rest, mode, cx)
            self.loops(node.domains, env, cx, lambda b: self.run(node.body, b, cx, mode, rest), order=True)
        elif isinstance(node, ast.Quantified):
            self._for_each(node, env, cx, mode, rest)
        elif isinstance(node, ast.If):
            rest = self._shared_rest(node, rest, mode, cx)
            with cx.frame.block(f"if {self.truth(node.condition, env, cx)}:"):
                self._branch(node.then, env, cx, mode, rest)
            with cx.frame.block("else:"):
                self._branch(node.otherwise, env, cx, mode, rest)
        elif isinstance(node, ast.Case):
            self._run_case(node, env, cx, mode, self._shared_rest(node, rest, mode, cx))
        elif isinstance(node, ast.Let):
            self.run(node.body, self.definitions(node, env, cx), cx, mode, rest)
        elif isinstance(node, ast.Square):
            same = ast.Basic(node.subscript.position, "unchanged", (node.subscript,))
            self.run(ast.Basic(node.position, "or", (node.action, same)), env, cx, mode, rest)
        elif isinstance(node, ast.Angle):
            self.run(node.action, env, cx, mode, lambda a, inner: self._changed(node, env, a, inner, rest))
        else:
            self._test(node, env, cx, rest)

    def _assigns(self, node: ast.Expr, env: Env, mode: Mode) -> bool:
        """Return whether a formula may assign variables or branch: TLC counts a successor for each way to be true."""
        if self.levels.level(node, env) >= (STATE if mode.initial else ACTION):
            return True
        return not mode.search and self._branches(node, env)

    def _branch(self, node: ast.Expr, env: Env, cx: Context, mode: Mode, rest: Rest) -> None:
        before = len(cx.frame.lines)
        self.run(node, env, cx, mode, rest)
        if len(cx.frame.lines) == before:
            cx.frame.emit("pass")

    def _test(self, node: ast.Expr, env: Env, cx: Context, rest: Rest) -> None:
        text = self.truth(node, env, cx)
        assert cx.assigned is not None
        if text == "True":
            rest(cx.assigned, cx)
        elif text != "False":
            with cx.frame.block(f"if {text}:"):
                rest(cx.assigned, cx)

    def _changed(self, node: ast.Angle, env: Env, assigned: Assigned, cx: Context, rest: Rest) -> None:
        same = ast.Basic(node.subscript.position, "unchanged", (node.subscript,))
        test = ast.Basic(node.subscript.position, "not", (same,))
        self._test(test, env, Context(cx.frame, cx.prime, assigned), rest)

    def _all_of(self, parts: tuple[ast.Expr, ...], env: Env, cx: Context, mode: Mode, rest: Rest) -> None:
        """Generate a conjunction; adjacent tests become one condition."""
        tests: list[ast.Expr] = []
        for part in parts:
            if self._assigns(part, env, mode):
                break
            tests.append(part)
        number = len(tests)
        assert cx.assigned is not None

        def go_on(assigned: Assigned, inner: Context) -> None:
            here = Context(inner.frame, inner.prime, assigned)
            if number == len(parts):
                rest(assigned, here)
                return
            tail = parts[number + 1 :]
            after = rest if not tail else lambda a, c: self._all_of(tail, env, Context(c.frame, c.prime, a), mode, rest)
            self.run(parts[number], env, here, mode, after)

        if not tests:
            go_on(cx.assigned, cx)
            return
        text = " and ".join(self.truth(test, env, cx) for test in tests)
        with cx.frame.block(f"if {text}:"):
            go_on(cx.assigned, cx)

    def _run_basic(self, node: ast.Basic, env: Env, cx: Context, mode: Mode, rest: Rest) -> None:
        frame = cx.frame
        assert cx.assigned is not None
        if node.op == "or":
            rest = self._shared_rest(node, rest, mode, cx)
            for part in node.args:
                self.run(part, env, cx, mode, rest)
            return
        if node.op == "implies":
            rest = self._shared_rest(node, rest, mode, cx)
            with frame.block(f"if {self.truth(node.args[0], env, cx)}:"):
                self._branch(node.args[1], env, cx, mode, rest)
            with frame.block("else:"):
                rest(cx.assigned, cx)
            return
        if node.op in {"eq", "in", "subseteq"}:
            place = self.target(node.args[0], env, mode)
            if place is not None and place not in cx.assigned:
                name = f"n{place}"
                if node.op == "eq":
                    frame.emit(f"{name} = {self.normal(node.args[1], env, cx)}")
                    frame.locals.add(name)
                    rest(cx.assigned | {place}, Context(frame, cx.prime, cx.assigned | {place}))
                    return
                text = self.gen(node.args[1], env, cx).text
                if node.op == "subseteq":
                    text = self.marked(f"power_set({text})", node.position)
                header = self.marked(f"in_order({text})", node.position)
                frame.locals.add(name)
                with frame.block(f"for {name} in {header}:"):
                    rest(cx.assigned | {place}, Context(frame, cx.prime, cx.assigned | {place}))
                return
        if node.op == "unchanged":
            self._run_unchanged(node.args[0], env, cx, mode, rest)
            return
        if node.op == "cdot":
            raise TlaUnsupportedError("the composition of actions, \\cdot, is not supported", node.position)
        self._test(node, env, cx, rest)

    def target(self, node: ast.Expr, env: Env, mode: Mode) -> int | None:
        """Return the variable that an equation assigns, if its left side is one (primed, unless initial)."""
        if mode.initial:
            return self.variable(node, env)
        if isinstance(node, ast.Basic) and node.op == "prime":
            return self.variable(node.args[0], env)
        if isinstance(node, ast.Apply) and not node.args:
            inner = self.levels.enter(node.path, env)
            binding = inner.map.get(node.symbol)
            if isinstance(binding, ByName):
                return self.target(binding.node, binding.env, mode)
        return None

    def variable(self, node: ast.Expr, env: Env) -> int | None:
        """Return the place of a variable; None for other expressions."""
        if not isinstance(node, ast.Apply) or node.args:
            return None
        inner = self.levels.enter(node.path, env)
        binding = inner.map.get(node.symbol)
        if isinstance(binding, ByName):
            return self.variable(binding.node, binding.env)
        if isinstance(binding, Own):
            return binding.place
        if binding is None and isinstance(node.symbol, Variable):
            return self.index.get(node.symbol)
        return None

    def _run_unchanged(self, what: ast.Expr, env: Env, cx: Context, mode: Mode, rest: Rest) -> None:
        assert cx.assigned is not None
        if isinstance(what, ast.Tuple):
            parts = tuple(ast.Basic(item.position, "unchanged", (item,)) for item in what.items)
            self._all_of(parts, env, cx, mode, rest)
            return
        place = self.variable(what, env)
        if place is not None and place not in cx.assigned:
            old = self.gen(what, env, cx).text
            cx.frame.emit(f"n{place} = {old}")
            cx.frame.locals.add(f"n{place}")
            rest(cx.assigned | {place}, Context(cx.frame, cx.prime, cx.assigned | {place}))
            return
        if place is None and isinstance(what, ast.Apply):
            inner = self.levels.enter(what.path, env)
            binding = inner.map.get(what.symbol)
            if isinstance(binding, ByName):
                self._run_unchanged(binding.node, binding.env, cx, mode, rest)
                return
            if (call := self._call(what, env)) is not None and not what.args:
                assert call[0].body is not None
                self._run_unchanged(call[0].body, call[1], cx, mode, rest)
                return
        self._test(ast.Basic(what.position, "unchanged", (what,)), env, cx, rest)

    def _run_apply(self, node: ast.Apply, env: Env, cx: Context, mode: Mode, rest: Rest) -> None:
        inner = self.levels.enter(node.path, env)
        binding = inner.map.get(node.symbol)
        if isinstance(binding, ByName):
            self.run(binding.node, binding.env, cx, mode, rest)
        elif isinstance(binding, Closure) and binding.operator is None:
            bindings = {p: self.argument(a, env, cx) for p, a in zip(binding.params, node.args, strict=True)}
            self.run(binding.body, binding.env.extend(bindings), cx, mode, rest)
        elif self.recursive(node, env) is not None:
            if self.levels.level(node, env) >= (STATE if mode.initial else ACTION):
                self.run_recursive(node, env, cx, mode, rest)
            else:
                self.run_ways(node, env, cx, rest)
        elif self._call(node, env) is not None:
            body, unfolded = self._unfold(node, env, cx)
            self.run(body, unfolded, cx, mode, rest)
        else:
            self._test(node, env, cx, rest)

    def _run_case(self, node: ast.Case, env: Env, cx: Context, mode: Mode, rest: Rest) -> None:
        if not node.arms:
            if node.other is None:
                cx.frame.emit(self.marked("no_case()", node.position))
            else:
                self._branch(node.other, env, cx, mode, rest)
            return
        (condition, value), *others = node.arms
        with cx.frame.block(f"if {self.truth(condition, env, cx)}:"):
            self._branch(value, env, cx, mode, rest)
        with cx.frame.block("else:"):
            self._run_case(ast.Case(node.position, tuple(others), node.other), env, cx, mode, rest)

    def _for_each(self, node: ast.Quantified, env: Env, cx: Context, mode: Mode, rest: Rest) -> None:
        """Generate a universal quantifier whose body assigns or branches, as a conjunction over the elements.

        Each step calls a local function with the number of the element. Where the body assigns variables, a second
        function, in which the assignments are tests, runs the steps after the first.
        """
        frame = cx.frame
        assert cx.assigned is not None
        sources = []
        for domain in node.domains:
            code = self.gen(domain.source, env, cx)
            text = self.marked(f"in_order({code.text})", domain.source.position)
            sources += [text] * (1 if domain.pattern else len(domain.names))
        items = frame.local("items")
        product = sources[0] if len(sources) == 1 else f"tuples({', '.join(sources)})"
        frame.emit(f"{items} = tuple({product})")
        rest = self._shared_rest(node, rest, mode, cx)

        def steps(outer: Context, number: str) -> None:
            name, at = outer.frame.local("each"), fresh("i")
            inner = Frame(outer.frame, closure=True)
            inner.locals.add(at)
            assert outer.assigned is not None
            here = Context(inner, outer.prime, outer.assigned)
            inner.use(items)
            with inner.block(f"if {at} == len({items}):"):
                rest(outer.assigned, here)
                inner.emit("return")
            bound = self._elements(node, env, f"{items}[{at}]", inner)

            def onwards(assigned: Assigned, then: Context) -> None:
                if assigned == outer.assigned:
                    then.frame.use(name)
                    then.frame.use(at)
                    self._continue(f"{name}({at} + 1)", then.frame, mode)
                else:
                    then.frame.use(at)
                    steps(Context(then.frame, then.prime, assigned), f"{at} + 1")

            onwards.cheap = True  # type: ignore[attr-defined]
            self.run(node.body, bound, here, mode, onwards)
            with outer.frame.block(f"def {name}({at}):"):
                for line in inner.lines:
                    outer.frame.emit(line[4:])
            self._continue(f"{name}({number})", outer.frame, mode)

        steps(cx, "0")

    def _elements(self, node: ast.Quantified, env: Env, item: str, frame: Frame) -> Env:
        """Bind the names of a quantifier to the parts of an element (of a product, where there are several names)."""
        count = sum(1 if d.pattern else len(d.names) for d in node.domains)
        heads = [frame.local("x") for _ in range(count)]
        frame.emit(f"{heads[0]} = {item}" if count == 1 else f"{', '.join(heads)}, = {item}")
        remaining = iter(heads)
        for d in node.domains:
            for names in [d.names] if d.pattern else [(name,) for name in d.names]:
                env = self._bind(next(remaining), names, d, env, frame)
        return env

    def _shared_rest(self, node: ast.Expr, rest: Rest, mode: Mode, cx: Context) -> Rest:
        """Move the code after a branch into functions, one for each set of variables assigned before it."""
        if getattr(rest, "cheap", False):
            return rest
        made: dict[Assigned, tuple[str, list[str]]] = {}

        def shared(assigned: Assigned, inner: Context) -> None:
            if assigned not in made:
                here = Context(inner.frame, inner.prime, assigned)
                made[assigned] = self.lifted(
                    "rest", node, here, lambda frame: rest(assigned, Context(frame, inner.prime, assigned)), ()
                )
            name, captured = made[assigned]
            self._continue(self.call(name, captured, inner, node.position), inner.frame, mode)

        shared.cheap = True  # type: ignore[attr-defined]
        return shared

    def _continue(self, call: str, frame: Frame, mode: Mode) -> None:
        if mode.search:
            with frame.block(f"if {call}:"):
                frame.emit("return True")
        else:
            frame.emit(call)

    def _elsewhere(self, node: ast.Expr, cx: Context, mode: Mode, build: Callable[[Context], None]) -> None:
        """Continue in another function when the code is nested too deeply."""
        name, captured = self.lifted("more", node, cx, lambda f: build(Context(f, cx.prime, cx.assigned)), ())
        self._continue(self.call(name, captured, cx, node.position), cx.frame, mode)

    # ENABLED ------------------------------------------------------------------------------------------------------

    def enabled(self, node: ast.Basic, env: Env, cx: Context) -> str:
        """Return the text of `ENABLED A`: a search for one successor."""
        if cx.prime:
            raise TlaUnsupportedError("a primed ENABLED is not supported", node.position)

        def found(_: Assigned, inner: Context) -> None:
            inner.frame.emit("return True")

        found.cheap = True  # type: ignore[attr-defined]

        inner = self.levels.within_enabled(env, self.places, len(self.variables))

        def build(frame: Frame) -> None:
            self.run(node.args[0], inner, Context(frame, prime=False, assigned=frozenset()), Mode(search=True), found)
            frame.emit("return False")

        return self.lift("enabled", node, cx, build)
