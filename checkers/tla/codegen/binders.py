"""Code for quantifiers, CHOOSE, and set constructors: each becomes a function with loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from checkers.tla.codegen.frames import Code, Context, Env, Frame, Local, fresh
from checkers.tla.codegen.logic import Pieces
from checkers.tla.parse import syntax as ast


class Binders(Pieces):
    """Generates the expressions that bind identifiers to elements of sets."""

    def _sources(self, domains: Sequence[ast.Domain], env: Env, cx: Context, *, order: bool) -> list[str]:
        """Return texts that list the sets of some domains, one for each name (or pattern)."""
        texts: list[str] = []
        for domain in domains:
            code = self.gen(domain.source, env, cx)
            if code.type == "set" and code.normal:
                text = f"ordered({code.text})" if order else code.text
            else:
                call = "in_order" if order else "listing"
                text = self.marked(f"{call}({code.text})", domain.source.position)
            count = 1 if domain.pattern else len(domain.names)
            if count > 1:
                name = cx.frame.local("S")
                cx.frame.emit(f"{name} = tuple({text})")
                text = name
            texts += [text] * count
        return texts

    def loops(
        self, domains: Sequence[ast.Domain], env: Env, cx: Context, body: Callable[[Env], None], *, order: bool = False
    ) -> None:
        r"""Open nested loops over some domains; if in order, the first identifier changes fastest.

        Source: TLC's ContextEnumerator; observed with `\A x \in S, y \in T : PrintT(<<x, y>>)`.
        """
        frame = cx.frame
        texts = self._sources(domains, env, cx, order=order)
        for at, text in enumerate(texts):
            outermost = at == (len(texts) - 1 if order else 0)
            if not outermost and not text.isidentifier():
                texts[at] = frame.local("S")
                frame.emit(f"{texts[at]} = tuple({text})")
        heads: list[tuple[str, str, Sequence[Any], ast.Domain]] = []
        for domain in domains:
            for names in [domain.names] if domain.pattern else [(name,) for name in domain.names]:
                item = frame.local("t" if domain.pattern else names[0].name)
                heads.append((item, texts[len(heads)], names, domain))
        self._nest(heads[::-1] if order else heads, env, frame, body)

    def _nest(self, heads: list[Any], env: Env, frame: Frame, body: Callable[[Env], None]) -> None:
        if not heads:
            body(env)
            return
        (item, text, names, domain), *rest = heads
        with frame.block(f"for {item} in {text}:"):
            self._nest(rest, self._bind(item, names, domain, env, frame), frame, body)

    def _bind(self, item: str, names: Sequence[Any], domain: ast.Domain, env: Env, frame: Frame) -> Env:
        """Bind a loop's variable, or the parts of a pattern."""
        if not domain.pattern:
            return env.extend({names[0]: Local(item)})
        parts = [frame.local(name.name) for name in names]
        call = self.marked(f"untuple({item}, {len(names)})", domain.source.position)
        frame.emit(f"{', '.join(parts)}, = {call}")
        return env.extend({name: Local(part) for name, part in zip(names, parts, strict=True)})

    def _gen_Quantified(self, node: ast.Quantified, env: Env, cx: Context) -> Code:
        found = node.kind == "E"

        def build(frame: Frame) -> None:
            inner = cx.within(frame)

            def body(bound: Env) -> None:
                text = self.truth(node.body, bound, inner)
                with frame.block(f"if {text}:" if found else f"if not {text}:"):
                    frame.emit(f"return {found}")

            self.loops(node.domains, env, inner, body, order=True)  # an element may decide before another one fails
            frame.emit(f"return {not found}")

        return Code(self.lift("some" if found else "all", node, cx, build), "bool", normal=True)

    def _gen_Choose(self, node: ast.Choose, env: Env, cx: Context) -> Code:
        def build(frame: Frame) -> None:
            inner = cx.within(frame)

            def body(bound: Env) -> None:
                item = frame.lines[-1].split()[-1] if False else _loop_item(frame)
                with frame.block(f"if {self.truth(node.body, bound, inner)}:"):
                    frame.emit(f"return {item}")

            self.loops((node.domain,), env, inner, body, order=True)
            names = ", ".join(name.name for name in node.domain.names)
            frame.emit(self.marked(f"no_choice({names!r})", node.position))

        return Code(self.lift("choose", node, cx, build), "any", normal=True)

    def _gen_SetFilter(self, node: ast.SetFilter, env: Env, cx: Context) -> Code:
        source = self.gen(node.domain.source, env, cx)
        listed = source.type == "set" and source.normal

        def build(frame: Frame) -> None:
            inner = cx.within(frame)
            out = frame.local("out")
            frame.emit(f"{out} = []")

            def body(bound: Env) -> None:
                item = _loop_item(frame)
                with frame.block(f"if {self.truth(node.body, bound, inner)}:"):
                    frame.emit(f"{out}.append({item})")

            self.loops((node.domain,), env, inner, body)
            frame.emit(f"return frozenset({out})")

        call = self.lift("filter", node, cx, build)
        if listed:
            return Code(call, "set", normal=True)
        test = self._filter_test(node, env, cx)
        text = f"filtered({source.text}, lambda: {call}, {test})"
        return Code(self.marked(text, node.position), "set")

    def _filter_test(self, node: ast.SetFilter, env: Env, cx: Context) -> str:
        """Write the filter's condition as a function of the element, for sets that cannot be listed."""
        item = fresh("item")

        def build(frame: Frame) -> None:
            bound = self._bind(item, node.domain.names, node.domain, env, frame)
            frame.emit(f"return {self.truth(node.body, bound, cx.within(frame))}")

        name, captured = self.lifted("test", node, cx, build, (item,))
        for captive in captured:
            cx.frame.use(captive)
        keep = "".join(f", {captive}={captive}" for captive in captured)
        return f"(lambda {item}{keep}: {name}({', '.join((item, *captured))}))"

    def mapped(self, node: ast.SetMap, env: Env, cx: Context) -> str:
        """Generate the values of a set constructor as a list."""

        def build(frame: Frame) -> None:
            inner = cx.within(frame)
            out = self._emit_values(node, env, inner, lambda bound: self.gen(node.body, bound, inner).text)
            frame.emit(f"return {out}")

        return self.lift("parts", node, cx, build)

    def _emit_values(self, node: ast.SetMap, env: Env, cx: Context, body: Callable[[Env], str]) -> str:
        """Emit loops that append `body` for all elements to a list; return its variable."""
        frame = cx.frame
        out = frame.local("out")
        frame.emit(f"{out} = []")
        self.loops(node.domains, env, cx, lambda bound: frame.emit(f"{out}.append({body(bound)})"))
        return out

    def _gen_SetMap(self, node: ast.SetMap, env: Env, cx: Context) -> Code:
        def build(frame: Frame) -> None:
            inner = cx.within(frame)
            out = self._emit_values(node, env, inner, lambda bound: self.normal(node.body, bound, inner))
            frame.emit(f"return {self.marked(f'make_set({out})', node.position)}")

        return Code(self.lift("map", node, cx, build), "set", normal=True)


def _loop_item(frame: Frame) -> str:
    """Return the variable of the innermost loop."""
    for line in reversed(frame.lines):
        words = line.split()
        if words[0] == "for":
            return words[1]
    raise AssertionError
