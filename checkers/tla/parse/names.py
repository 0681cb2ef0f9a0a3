"""Resolves names, also through instances, and checks arities."""

from __future__ import annotations

from collections.abc import Sequence

from tree_sitter import Node

from checkers.tla.errors import Position, TlaSemanticError, TlaUnsupportedError
from checkers.tla.parse import syntax as ast
from checkers.tla.parse.scope import Scope, exported_by
from checkers.tla.parse.source import Source, children, field, fields
from checkers.tla.parse.standard_names import HIGHER_ORDER
from checkers.tla.parse.syntax import Alias, Bound, Builtin, Constant, Instance, Operator, Symbol

Path = tuple[tuple[Instance, tuple[ast.Argument, ...]], ...]


def arity_of(symbol: Symbol) -> int:
    """Return how many arguments a symbol takes."""
    if isinstance(symbol, Alias):
        return arity_of(symbol.target)
    return symbol.arity if isinstance(symbol, Bound | Builtin | Constant | Operator) else 0


def parameter_arities(symbol: Symbol) -> tuple[int, ...]:
    """Return the arity that each argument of a symbol must have."""
    if isinstance(symbol, Alias):
        return parameter_arities(symbol.target)
    if isinstance(symbol, Operator):
        return tuple(param.arity for param in symbol.params)
    if isinstance(symbol, Builtin) and symbol.name in HIGHER_ORDER:
        return HIGHER_ORDER[symbol.name]
    return (0,) * arity_of(symbol)


class Names:
    """The part of lowering that resolves names."""

    source: Source

    def expr(self, node: Node, scope: Scope) -> ast.Expr:
        """Lower an expression."""
        raise NotImplementedError

    def at(self, node: Node, last: Node | None = None) -> Position:
        """Return a node's position."""
        raise NotImplementedError

    def symbol_name(self, node: Node) -> str:
        """Return the canonical spelling of an operator symbol."""
        raise NotImplementedError

    def find(self, name: str, position: Position, scope: Scope) -> Symbol:
        """Return the symbol that a name means.

        Raises:
            TlaSemanticError: when the name is not defined.
        """
        symbol = scope.find(name)
        if symbol is None:
            shown = "-" if name == "-." else name
            raise TlaSemanticError(
                "undefined", f"unknown operator: '{shown}' is neither declared nor defined", position
            )
        return symbol

    def arguments(self, nodes: Sequence[Node], scope: Scope) -> tuple[ast.Argument, ...]:
        """Lower the arguments of an operator, which may be operators themselves."""
        return tuple(self.argument(node, scope) for node in nodes)

    def argument(self, node: Node, scope: Scope) -> ast.Argument:
        """Lower one argument."""
        if node.type == "lambda":
            inner = Scope(scope)
            *given, body = (c for c in children(node) if c.is_named and c.type != "colon")
            params = []
            for each in given:
                params.append(Bound(self.source.words(each), self.at(each)))
                inner.add(params[-1])
            return ast.Lambda(self.at(node), tuple(params), self.expr(body, inner))
        if node.type.endswith("_op_symbol"):
            name = self.symbol_name(node)
            if name in ast.BASIC_OPERATORS:
                return ast.OperatorName(self.at(node), Builtin(name, None, ast.BASIC_OPERATORS[name]))
            return self.named(self.find(name, self.at(node), scope), self.at(node), ())
        if node.type == "identifier_ref":
            symbol = self.find(self.source.words(node), self.at(node), scope)
            if arity_of(symbol) > 0:
                return self.named(symbol, self.at(node), ())
        if node.type == "prefixed_op" and field(node, "op").type == "identifier_ref":
            path, symbol = self.follow(node, scope)
            if arity_of(symbol) > 0:
                return self.named(symbol, self.at(node), path)
        return self.expr(node, scope)

    def named(self, symbol: Symbol, position: Position, path: Path) -> ast.OperatorName:
        """Lower an operator's name that is given as an argument."""
        while isinstance(symbol, Alias):
            path = (*path, (symbol.instance, ()))
            symbol = symbol.target
        return ast.OperatorName(position, symbol, path)

    def application(
        self, name: str, args: tuple[ast.Argument, ...], where: Position, name_at: Position, scope: Scope
    ) -> ast.Expr:
        """Apply the symbol that a name means to arguments."""
        return self.apply(self.find(name, name_at, scope), args, where, ())

    def apply(self, symbol: Symbol, args: tuple[ast.Argument, ...], where: Position, path: Path) -> ast.Expr:
        """Apply a symbol after checking number and kind of its arguments.

        Raises:
            TlaSemanticError: when they do not fit.
        """
        name = symbol.name
        if isinstance(symbol, Instance):
            raise TlaSemanticError("undefined", f"'{name}' is an instance of a module: name a definition in it", where)
        wanted = parameter_arities(symbol)
        if len(wanted) != len(args):
            count = f"{len(wanted)} argument{'' if len(wanted) == 1 else 's'}"
            raise TlaSemanticError("arity", f"the operator {name} requires {count}, not {len(args)}", where)
        for number, (arity, arg) in enumerate(zip(wanted, args, strict=True), 1):
            given = len(arg.params) if isinstance(arg, ast.Lambda) else 0
            if isinstance(arg, ast.OperatorName):
                given = arity_of(arg.symbol)
            if given != arity:
                kind = f"an operator of {arity} arguments" if arity else "an expression"
                raise TlaSemanticError("arity", f"argument {number} of {name} must be {kind}", arg.position)
        while isinstance(symbol, Alias):
            path = (*path, (symbol.instance, ()))
            symbol = symbol.target
        return ast.Apply(where, symbol, args, path)

    def follow(self, node: Node, scope: Scope) -> tuple[Path, Symbol]:
        """Follow the instances of `I!J(x)!Op` to the symbol at the end."""
        path: Path = ()
        symbol: Symbol | None = None
        parts = [c for c in children(field(node, "prefix")) if c.type == "subexpr_component"]
        for part in parts:
            inner = children(part)[0]
            is_call = inner.type == "bound_op"
            name = self.source.words(field(inner, "name") if is_call else inner)
            given = self.arguments(fields(inner, "parameter"), scope) if is_call else ()
            symbol, path = self._into(symbol, name, path, inner, scope)
            if not isinstance(symbol, Instance):
                raise TlaUnsupportedError(f"'{name}!…' does not name an instance of a module", self.at(inner))
            if len(given) != len(symbol.params):
                raise TlaSemanticError("arity", f"{name} requires {len(symbol.params)} arguments", self.at(inner))
            path = (*path, (symbol, given))
        last = field(node, "op")
        name_node = last
        if last.type in {"bound_op", "bound_nonfix_op"}:
            name_node = field(last, "name" if last.type == "bound_op" else "symbol")
        name = self.symbol_name(name_node) if name_node.type.endswith("symbol") else self.source.words(name_node)
        return self._into(symbol, name, path, last, scope)[::-1]

    def _into(self, instance: Symbol | None, name: str, path: Path, node: Node, scope: Scope) -> tuple[Symbol, Path]:
        if instance is None:
            symbol = self.find(name, self.at(node), scope)
        else:
            assert isinstance(instance, Instance)
            assert instance.module is not None
            symbol = exported_by(instance.module, name, self.at(node))
        while isinstance(symbol, Alias):
            path = (*path, (symbol.instance, ()))
            symbol = symbol.target
        return symbol, path

    def prefixed(self, node: Node, given: Sequence[Node] | None, where: Position, scope: Scope) -> ast.Expr:
        """Lower `I!Op(args)`."""
        if (labelled := self._labelled(node, scope)) is not None:
            return labelled
        last = field(node, "op")
        if given is None and last.type == "bound_op":
            given = fields(last, "parameter")
        if given is None and last.type == "bound_nonfix_op":
            given = [c for c in children(last)[1:] if c.is_named]
        path, symbol = self.follow(node, scope)
        return self.apply(symbol, self.arguments(given or (), scope), where, path)

    def _labelled(self, node: Node, scope: Scope) -> ast.Expr | None:
        """Return the part of a definition named by `Op(x)!label(y)`; None if the prefix names no definition."""
        parts = [children(c)[0] for c in children(field(node, "prefix")) if c.type == "subexpr_component"]
        symbol = self._reach(parts, scope)
        while isinstance(symbol, Alias):
            symbol = symbol.target
        return self._named_part(node, [*parts, field(node, "op")], scope) if isinstance(symbol, Operator) else None

    def _reach(self, parts: Sequence[Node], scope: Scope) -> Symbol | None:
        """Follow instances to the first symbol that is not an instance."""
        symbol: Symbol | None = None
        for part in parts:
            symbol, _ = self._into(symbol, self._component(part, scope)[0], (), part, scope)
            if not isinstance(symbol, Instance):
                break
        return symbol

    def _component(self, node: Node, scope: Scope) -> tuple[str, tuple[ast.Argument, ...]]:
        """Return the name of one component of `A(x)!B!C`, and its arguments."""
        if node.type == "bound_op":
            return self.source.words(field(node, "name")), self.arguments(fields(node, "parameter"), scope)
        return self.source.words(node), ()

    def subexpression(self, node: Node, scope: Scope) -> ast.Expr:
        """Lower `Op(x)!label!1!2`: a part of a definition, selected by labels and numbers."""
        prefix = field(node, "prefix") if node.child_by_field_name("prefix") else children(node)[0]
        parts = []
        for each in (*children(prefix), *children(node)):
            if each.type == "subexpr_component":
                parts.append(children(each)[0])
            elif each.type == "subexpr_tree_nav":
                parts.append(each)
        return self._named_part(node, parts, scope)

    def _named_part(self, node: Node, parts: Sequence[Node], scope: Scope) -> ast.Expr:
        path: Path = ()
        symbol: Symbol | None = None
        whole: Operator | None = None
        params: tuple[Bound, ...] = ()
        args: tuple[ast.Argument, ...] = ()
        body: ast.Expr | None = None
        for each in parts:
            if each.type == "subexpr_tree_nav":
                body = self._piece(body, self.source.words(each))
                continue
            name, given = self._component(each, scope)
            if whole is not None:
                found = whole.labels.get(name)
                if found is None:
                    raise TlaSemanticError("undefined", f"{whole.name} has no label '{name}'", self.at(each))
                params, body, args = (*params, *found[0]), found[1], (*args, *given)
                continue
            symbol, path = self._into(symbol, name, path, each, scope)
            if isinstance(symbol, Operator):
                whole, params, body, args = symbol, symbol.params, symbol.body, given
            elif isinstance(symbol, Instance):
                path = (*path, (symbol, given))
        if body is None or whole is None:
            raise TlaUnsupportedError("this way of naming a subexpression is not supported", self.at(node))
        if not params and not args and not path:
            return body
        named = Operator(f"{whole.name}!", self.at(node), params=params, body=body, module=whole.module)
        return self.apply(named, args, self.at(node), path)

    @staticmethod
    def _piece(body: ast.Expr | None, step: str) -> ast.Expr | None:
        """Return the part of an expression that `:`, `<<`, `>>` or a number selects; None if it has no such part."""
        if step == ":" or body is None:
            return body
        pieces: tuple[ast.Argument, ...] = ()
        if isinstance(body, ast.Basic | ast.Apply):
            pieces = body.args
        elif isinstance(body, ast.If):
            pieces = (body.condition, body.then, body.otherwise)
        number = {"<<": 1, ">>": 2, "\u27e8": 1, "\u27e9": 2}.get(step) or (int(step) if step.isdigit() else 0)
        found = pieces[number - 1] if 1 <= number <= len(pieces) else None
        return found if isinstance(found, ast.Expr) else None
