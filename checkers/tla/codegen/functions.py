"""Code for functions and records: constructors, application and EXCEPT."""

from __future__ import annotations

import re
from typing import Any

from checkers.tla.codegen.binders import Binders
from checkers.tla.codegen.frames import Code, Context, Env, Frame, Local, fresh
from checkers.tla.codegen.program import Program
from checkers.tla.errors import Position
from checkers.tla.parse import syntax as ast
from checkers.tla.parse.syntax import Symbol
from checkers.tla.values.values import domain

_SIMPLE = re.compile(r"\w+$|'\w*'$")


class Functions(Binders):
    """Generates the expressions that make or apply functions."""

    program: Program

    def _gen_Function(self, node: ast.Function, env: Env, cx: Context) -> Code:
        if node.itself is not None and node.itself in self.levels.reach.of(node.body):
            return self._recursive_function(node, env, cx)
        single = len(node.domains) == 1 and (node.domains[0].pattern or len(node.domains[0].names) == 1)
        if not single:
            return self._several(node, env, cx)
        source = self.gen(node.domains[0].source, env, cx)

        def build(frame: Frame) -> None:
            inner = cx.within(frame)
            over = self.gen(node.domains[0].source, env, inner).text
            keys, out = frame.local("D"), frame.local("out")
            frame.emit(f"{keys} = {self.marked(f'set_domain({over})', node.domains[0].source.position)}")
            frame.emit(f"{out} = [] if {keys}.sequence else [{keys}]")
            item = frame.local(node.domains[0].names[0].name)
            with frame.block(f"for {item} in {keys}.keys:"):
                bound = self._bind(item, node.domains[0].names, node.domains[0], env, frame)
                frame.emit(f"{out}.append({self.normal(node.body, bound, inner)})")
            frame.emit(f"return tuple({out})")

        call = self.lift("fn", node, cx, build)
        if source.normal:
            return Code(call, "any", normal=True)
        text = f"function_over({source.text}, lambda: {call}, {self._body(node, env, cx)})"
        return Code(self.marked(text, node.position))

    def _body(self, node: ast.Function, env: Env, cx: Context, *, recursive: bool = False) -> str:
        """Write the body as a Python function of its argument, for domains that cannot be listed."""
        names = [name for d in node.domains for name in d.names]
        item, itself = fresh("item"), fresh("self") if recursive else None
        params = (item,) if itself is None else (item, itself)

        def build(frame: Frame) -> None:
            bound = env
            if itself is not None and node.itself is not None:
                bound = bound.extend({node.itself: Local(itself, "any", normal=False)})
            if len(node.domains) == 1 and (len(names) == 1 or node.domains[0].pattern):
                bound = self._bind(item, names, node.domains[0], bound, frame)
            else:
                bound = self._unpack(node, item, bound, frame)
            frame.emit(f"return {self.gen(node.body, bound, cx.within(frame)).text}")

        name, captured = self.lifted("body", node, cx, build, params)
        for captive in captured:
            cx.frame.use(captive)
        if itself is None:
            keep = "".join(f", {captive}={captive}" for captive in captured)
            return f"(lambda {item}{keep}: {name}({', '.join((item, *captured))}))"
        return f"{name}, ({', '.join(captured)}{',' if captured else ''})"

    def _unpack(self, node: ast.Function, item: str, env: Env, frame: Frame) -> Env:
        """Bind the parts of an argument tuple; a domain may itself be a pattern."""
        heads = [frame.local("t") for d in node.domains for _ in (range(1) if d.pattern else d.names)]
        frame.emit(f"{', '.join(heads)}, = {self.marked(f'untuple({item}, {len(heads)})', node.position)}")
        remaining = iter(heads)
        for d in node.domains:
            if d.pattern:
                env = self._bind(next(remaining), d.names, d, env, frame)
            else:
                env = env.extend({name: Local(next(remaining)) for name in d.names})
        return env

    def _sources_of(self, node: ast.Function, env: Env, cx: Context) -> str:
        texts = []
        for d in node.domains:
            text = self.gen(d.source, env, cx).text
            texts += [text] * (1 if d.pattern else len(d.names))
        return texts[0] if len(texts) == 1 else f"tuple_set({', '.join(texts)})"

    def _several(self, node: ast.Function, env: Env, cx: Context) -> Code:
        """Generate a function of several arguments, which is one of tuples."""
        source = self._sources_of(node, env, cx)
        text = f"function_over({source}, None, {self._body(node, env, cx)})"
        return Code(self.marked(text, node.position))

    def _recursive_function(self, node: ast.Function, env: Env, cx: Context) -> Code:
        source = self._sources_of(node, env, cx)
        text = f"recursive_function({source}, {self._body(node, env, cx, recursive=True)})"
        return Code(self.marked(text, node.position))

    # Application ----------------------------------------------------------------------------------------------------

    def _gen_Call(self, node: ast.Call, env: Env, cx: Context) -> Code:
        if isinstance(node.function, ast.Function) and len(node.args) == 1 and node.function.itself is None:
            d = node.function.domains[0]
            if len(node.function.domains) == 1 and len(d.names) == 1 and not d.pattern:
                text = f"call_once({self.gen(d.source, env, cx).text}, {self.normal(node.args[0], env, cx)}, "
                return Code(self.marked(f"{text}{self._body(node.function, env, cx)})", node.position))
        function = self.gen(node.function, env, cx)
        argument = self.index_text(node.args, env, cx)
        name = function.text
        general = self.marked(f"apply({name}, {argument})", node.position)
        if function.normal and name.isidentifier() and _SIMPLE.match(argument):
            found = f"{name}[{name}[0].index[{argument}]]"
            for piece in (found, f"{name}[0].index[{argument}]", f"{name}[0]"):
                self.marked(piece, node.position, general)
            return Code(f"({found} if {name}[0].__class__ is Domain else {general})", "any", normal=True)
        return Code(general, "any", normal=True)

    def index_text(self, args: tuple[ast.Expr, ...], env: Env, cx: Context) -> str:
        """Return the argument of an application: a tuple where there are several."""
        if len(args) == 1:
            return self.normal(args[0], env, cx)
        return "(" + ", ".join(self.normal(arg, env, cx) for arg in args) + ")"

    def _gen_Field(self, node: ast.Field, env: Env, cx: Context) -> Code:
        record = self.gen(node.record, env, cx)
        clear = f"field({record.text}, {node.name!r})"
        if not record.normal:
            return Code(self.marked(clear, node.position), "any", normal=True)
        text, name = record.text, record.text
        if not text.isidentifier():
            name = cx.frame.local("r")
            text = f"({name} := {text})"
        index = self.marked(f"{name}[0].index[{node.name!r}]", node.position, f"field({name}, {node.name!r})")
        self.marked(f"{name}[0]", node.position, f"field({name}, {node.name!r})")
        self.marked(f"{name}[0].index", node.position, f"field({name}, {node.name!r})")
        whole = self.marked(f"{text}[{index}]", node.position, f"field({name}, {node.name!r})")
        return Code(whole, "any", normal=True)

    def _gen_Record(self, node: ast.Record, env: Env, cx: Context) -> Code:
        over = domain(frozenset(name for name, _ in node.fields))
        values = {name: self.normal(value, env, cx) for name, value in node.fields}
        name = self.record_domain(over)
        return Code(f"({', '.join((name, *(values[key] for key in over.keys)))})", "rec", normal=True)

    def record_domain(self, over: Any) -> str:
        """Return the name of a domain object in the program."""
        name = f"D_{'_'.join(str(ord(c)) if not c.isalnum() or ord(c) > 127 else c for c in '_'.join(over.keys))}"
        while self.program.names.get(name, over) is not over:
            name += "_"
        self.program.names[name] = over
        return name

    # EXCEPT ---------------------------------------------------------------------------------------------------------

    def _gen_Except(self, node: ast.Except, env: Env, cx: Context) -> Code:
        text = self.normal(node.function, env, cx)
        for path, value in node.updates:
            text = self._update(text, path, value, env, cx, node.position)
        return Code(text, "any", normal=True)

    def _update(
        self, text: str, path: tuple[tuple[ast.Expr, ...], ...], value: ast.Expr, env: Env, cx: Context, at: Position
    ) -> str:
        """Replace the value at a path; outside a domain nothing changes."""
        frame = cx.frame
        function, place = frame.local("f"), frame.local("i")
        index = self.index_text(path[0], env, cx)
        find = self.marked(f"place(({function} := {text}), {index})", at)
        old = f"{function}[{place}]"
        if len(path) == 1:
            new = self.normal(value, env.with_at(Code(old, "any", normal=True)), cx)
        else:
            new = self._update(old, path[1:], value, env, cx, at)
        changed = f"{function}[:{place}] + ({new},) + {function}[{place} + 1:]"
        return f"({function} if ({place} := {find}) is None else {changed})"


_ = Symbol
