"""Turns the concrete syntax of expressions into `syntax` nodes and resolves every name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from tree_sitter import Node

from checkers.tla.errors import Position, TlaSemanticError, TlaSyntaxError, TlaUnsupportedError
from checkers.tla.parse import syntax as ast
from checkers.tla.parse.names import Names
from checkers.tla.parse.precedence import INFIX, INFIXES, POSTFIXES, PREFIXES, Operation, resolve
from checkers.tla.parse.scope import Scope
from checkers.tla.parse.source import Source, children, field, fields
from checkers.tla.parse.syntax import Bound, Operator

_BASIC = ast.BASIC_NAMES
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n", "\\t": "\t", "\\f": "\f", "\\r": "\r"}
_OPERATORS = frozenset({"bound_infix_op", "bound_prefix_op", "bound_postfix_op"})


def unquote(literal: str) -> str:
    """Return the string that a literal denotes."""
    return re.sub(r"\\.", lambda match: _ESCAPES.get(match.group(), match.group()[1:]), literal[1:-1])


class Expressions(Names):
    """Lowers expressions of one source."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.itself: list[Operator] = []
        self.defining: list[Operator] = []
        self.updating = 0
        self._handlers: dict[str, Callable[[Node, Scope], ast.Expr]] = {
            name[5:]: getattr(self, name) for name in dir(self) if name.startswith("_see_")
        }

    def expr(self, node: Node, scope: Scope) -> ast.Expr:
        """Lower one expression."""
        if node.type in _OPERATORS:
            return self._chain(node, scope)
        handler = self._handlers.get(node.type)
        if handler is None:
            raise TlaUnsupportedError(f"'{node.type.replace('_', ' ')}' is not supported here", self.at(node))
        return handler(node, scope)

    def at(self, node: Node, last: Node | None = None) -> Position:
        """Return a node's position."""
        return self.source.position(node, last)

    # Operators ------------------------------------------------------------------------------------------------

    def _chain(self, node: Node, scope: Scope) -> ast.Expr:
        tokens: list[object] = []
        self._flatten(node, tokens)
        return self._build(resolve(tokens), scope)

    def _flatten(self, node: Node, tokens: list[object]) -> None:
        stack: list[Node | tuple[object, Position]] = [node]
        while stack:
            item = stack.pop()
            if isinstance(item, tuple) or item.type not in _OPERATORS:
                tokens.append(item)
                continue
            symbol = field(item, "symbol")
            table = {"bound_infix_op": INFIXES, "bound_prefix_op": PREFIXES}.get(item.type, POSTFIXES)
            mark = (table[symbol.type], self.at(symbol))
            if item.type == "bound_postfix_op":
                stack += [mark, field(item, "lhs")]
            elif item.type == "bound_prefix_op":
                stack += [field(item, "rhs"), mark]
            else:
                stack += [field(item, "rhs"), mark, field(item, "lhs")]

    def _build(self, operand: object, scope: Scope) -> ast.Expr:
        if isinstance(operand, Node):
            return self.expr(operand, scope)
        assert isinstance(operand, Operation)
        name, shape = operand.fixity.name, operand.fixity.shape
        if name in {"/\\", "\\/", "\\X"}:
            return self._run(operand, scope)
        arguments = tuple(self._build(item, scope) for item in operand.operands)
        start, end = arguments[0].position, arguments[-1].position
        if shape != INFIX:
            start, end = (operand.position, end) if shape == "prefix" else (start, operand.position)
        where = Position(start.module, start.line, start.column, end.end_line, end.end_column)
        if name in _BASIC:
            return ast.Basic(where, _BASIC[name], arguments)
        return self.application(name, arguments, where, operand.position, scope)

    def _run(self, operation: Operation, scope: Scope) -> ast.Expr:
        """Lower a chain of one associative operator into one flat node."""
        parts: list[object] = []
        head: object = operation
        while isinstance(head, Operation) and head.fixity is operation.fixity:
            parts.append(head.operands[1])
            head = head.operands[0]
        parts.append(head)
        items = tuple(self._build(part, scope) for part in reversed(parts))
        start, end = items[0].position, items[-1].position
        where = Position(start.module, start.line, start.column, end.end_line, end.end_column)
        if operation.fixity.name == "\\X":
            return ast.Product(where, items)
        return ast.Basic(where, _BASIC[operation.fixity.name], items)

    def _list(self, node: Node, scope: Scope, op: str) -> ast.Expr:
        items = tuple(self.expr(children(item)[1], scope) for item in children(node))
        return items[0] if len(items) == 1 else ast.Basic(self.at(node), op, items)

    def _see_conj_list(self, node: Node, scope: Scope) -> ast.Expr:
        return self._list(node, scope, "and")

    def _see_disj_list(self, node: Node, scope: Scope) -> ast.Expr:
        return self._list(node, scope, "or")

    # Atoms ----------------------------------------------------------------------------------------------------

    def _see_nat_number(self, node: Node, scope: Scope) -> ast.Expr:
        return ast.Literal(self.at(node), int(self.source.words(node)))

    def _based(self, node: Node, base: int) -> ast.Expr:
        return ast.Literal(self.at(node), int(self.source.words(node)[2:], base))

    def _see_binary_number(self, node: Node, scope: Scope) -> ast.Expr:
        return self._based(node, 2)

    def _see_octal_number(self, node: Node, scope: Scope) -> ast.Expr:
        return self._based(node, 8)

    def _see_hex_number(self, node: Node, scope: Scope) -> ast.Expr:
        return self._based(node, 16)

    def _see_real_number(self, node: Node, scope: Scope) -> ast.Expr:
        raise TlaUnsupportedError("real numbers are not supported", self.at(node))

    def _see_string(self, node: Node, scope: Scope) -> ast.Expr:
        return ast.Literal(self.at(node), unquote(self.source.words(node)))

    def _see_boolean(self, node: Node, scope: Scope) -> ast.Expr:
        return ast.Literal(self.at(node), self.source.words(node) == "TRUE")

    def _see_boolean_set(self, node: Node, scope: Scope) -> ast.Expr:
        return ast.Basic(self.at(node), "BOOLEAN", ())

    def _see_string_set(self, node: Node, scope: Scope) -> ast.Expr:
        return ast.Basic(self.at(node), "STRING", ())

    def _see_nat_number_set(self, node: Node, scope: Scope) -> ast.Expr:
        return self.application(self.source.words(node).strip(), (), self.at(node), self.at(node), scope)

    def _see_identifier_ref(self, node: Node, scope: Scope) -> ast.Expr:
        return self.application(self.source.words(node), (), self.at(node), self.at(node), scope)

    def _see_int_number_set(self, node: Node, scope: Scope) -> ast.Expr:
        return self._see_nat_number_set(node, scope)

    def _see_real_number_set(self, node: Node, scope: Scope) -> ast.Expr:
        return self._see_nat_number_set(node, scope)

    def _see_parentheses(self, node: Node, scope: Scope) -> ast.Expr:
        return self.expr(children(node)[1], scope)

    def _see_prev_func_val(self, node: Node, scope: Scope) -> ast.Expr:
        if not self.updating:
            raise TlaSemanticError("undefined", "@ may only stand within EXCEPT", self.at(node))
        return ast.At(self.at(node))

    def _see_label(self, node: Node, scope: Scope) -> ast.Expr:
        body = self.expr(field(node, "expression"), scope)
        if self.defining:
            name = self.source.words(field(node, "name"))
            params = tuple(scope.find(self.source.words(p)) for p in fields(node, "parameter"))
            self.defining[-1].labels[name] = (tuple(p for p in params if isinstance(p, Bound)), body)
        return body

    # Names ----------------------------------------------------------------------------------------------------

    def _see_bound_op(self, node: Node, scope: Scope) -> ast.Expr:
        name = field(node, "name")
        if name.type == "prefixed_op":
            return self.prefixed(name, fields(node, "parameter"), self.at(node), scope)
        arguments = self.arguments(fields(node, "parameter"), scope)
        return self.application(self.source.words(name), arguments, self.at(node), self.at(name), scope)

    def _see_bound_nonfix_op(self, node: Node, scope: Scope) -> ast.Expr:
        symbol = field(node, "symbol")
        name = self.symbol_name(symbol)
        given = [c for c in children(node)[1:] if c.is_named]
        if name in _BASIC:
            return ast.Basic(self.at(node), _BASIC[name], tuple(self.expr(c, scope) for c in given))
        return self.application(name, self.arguments(given, scope), self.at(node), self.at(symbol), scope)

    def _see_prefixed_op(self, node: Node, scope: Scope) -> ast.Expr:
        return self.prefixed(node, None, self.at(node), scope)

    def _see_subexpression(self, node: Node, scope: Scope) -> ast.Expr:
        return self.subexpression(node, scope)

    def symbol_name(self, node: Node) -> str:
        """Return the canonical spelling of an operator symbol node such as `infix_op_symbol`."""
        inner = children(node)[0] if node.type.endswith("_op_symbol") else node
        for table in (INFIXES, PREFIXES, POSTFIXES) if node.type != "prefix_op_symbol" else (PREFIXES,):
            if inner.type in table:
                return table[inner.type].name
        raise TlaSyntaxError("syntax", f"'{self.source.words(node)}' is no operator", self.at(node))

    # Binders --------------------------------------------------------------------------------------------------

    def bound(self, node: Node, scope: Scope) -> Bound:
        """Bind one new identifier."""
        symbol = Bound(self.source.words(node), self.at(node))
        scope.add(symbol)
        return symbol

    def domains(self, nodes: Sequence[Node], outer: Scope) -> tuple[tuple[ast.Domain, ...], Scope]:
        """Lower quantifier bounds: the sets are outside the scope of the names."""
        sources = [self.expr(field(node, "set"), outer) for node in nodes]
        inner = Scope(outer)
        result = []
        for node, source in zip(nodes, sources, strict=True):
            intro = fields(node, "intro")
            pattern = intro[0].type == "tuple_of_identifiers"
            names = [c for c in children(intro[0]) if c.type == "identifier"] if pattern else intro
            result.append(ast.Domain(tuple(self.bound(name, inner) for name in names), pattern, source))
        return tuple(result), inner

    def _see_bounded_quantification(self, node: Node, scope: Scope) -> ast.Expr:
        domains, inner = self.domains(fields(node, "bound"), scope)
        kind = "A" if field(node, "quantifier").type == "forall" else "E"
        return ast.Quantified(self.at(node), kind, domains, self.expr(field(node, "expression"), inner))

    def _see_unbounded_quantification(self, node: Node, scope: Scope) -> ast.Expr:
        kinds = {"forall": "A", "exists": "E", "temporal_forall": "AA", "temporal_exists": "EE"}
        inner = Scope(scope)
        names = tuple(self.bound(name, inner) for name in fields(node, "intro"))
        kind = kinds[field(node, "quantifier").type]
        return ast.Unbounded(self.at(node), kind, names, self.expr(field(node, "expression"), inner))

    def _see_choose(self, node: Node, scope: Scope) -> ast.Expr:
        intro = field(node, "intro")
        source = node.child_by_field_name("set")
        inner = Scope(scope)
        pattern = intro.type == "tuple_of_identifiers"
        over = None if source is None else self.expr(source, scope)
        names = tuple(self.bound(c, inner) for c in (children(intro) if pattern else [intro]) if c.type == "identifier")
        body = self.expr(field(node, "expression"), inner)
        if over is None:
            return ast.Unbounded(self.at(node), "CHOOSE", names, body)
        return ast.Choose(self.at(node), ast.Domain(names, pattern, over), body)

    def _see_set_filter(self, node: Node, scope: Scope) -> ast.Expr:
        domains, inner = self.domains(fields(node, "generator"), scope)
        return ast.SetFilter(self.at(node), domains[0], self.expr(field(node, "filter"), inner))

    def _see_set_map(self, node: Node, scope: Scope) -> ast.Expr:
        domains, inner = self.domains(fields(node, "generator"), scope)
        return ast.SetMap(self.at(node), self.expr(field(node, "map"), inner), domains)

    def _see_function_literal(self, node: Node, scope: Scope) -> ast.Expr:
        parts = [c for c in children(node) if c.is_named]
        domains, inner = self.domains([c for c in parts if c.type == "quantifier_bound"], scope)
        return ast.Function(self.at(node), domains, self.expr(parts[-1], inner))

    def _see_lambda(self, node: Node, scope: Scope) -> ast.Expr:
        raise TlaSemanticError("arity", "a LAMBDA may only stand as an argument of an operator", self.at(node))

    def _see_let_in(self, node: Node, scope: Scope) -> ast.Expr:
        inner = Scope(scope)
        made: list[Operator] = []
        for child in fields(node, "definitions"):
            made += self.definition(child, inner, local=False)
        for operator in made:
            operator.nested = True
        body = self.expr(field(node, "expression"), inner)
        return ast.Let(self.at(node), tuple(made), body)

    def definition(self, node: Node, scope: Scope, *, local: bool) -> list[Operator]:
        """Lower a definition; `ModuleReader` implements it."""
        raise NotImplementedError

    # Everything else ------------------------------------------------------------------------------------------

    def _items(self, node: Node, scope: Scope) -> tuple[ast.Expr, ...]:
        return tuple(
            self.expr(c, scope)
            for c in children(node)
            if c.is_named and c.type not in {"langle_bracket", "rangle_bracket"}
        )

    def _see_finite_set_literal(self, node: Node, scope: Scope) -> ast.Expr:
        return ast.SetOf(self.at(node), self._items(node, scope))

    def _see_tuple_literal(self, node: Node, scope: Scope) -> ast.Expr:
        return ast.Tuple(self.at(node), self._items(node, scope))

    def _see_function_evaluation(self, node: Node, scope: Scope) -> ast.Expr:
        function, *arguments = self._items(node, scope)
        return ast.Call(self.at(node), function, tuple(arguments))

    def _see_set_of_functions(self, node: Node, scope: Scope) -> ast.Expr:
        source, _, target = (c for c in children(node) if c.is_named)
        return ast.FunctionSet(self.at(node), self.expr(source, scope), self.expr(target, scope))

    def _pairs(self, node: Node, scope: Scope) -> tuple[tuple[str, ast.Expr], ...]:
        parts = [c for c in children(node) if c.is_named and c.type != "all_map_to"]
        names = [self.source.words(c) for c in parts[::2]]
        if len(set(names)) < len(names):
            raise TlaSemanticError("redefined", "a field occurs twice in a record", self.at(node))
        return tuple((name, self.expr(c, scope)) for name, c in zip(names, parts[1::2], strict=True))

    def _see_record_literal(self, node: Node, scope: Scope) -> ast.Expr:
        return ast.Record(self.at(node), self._pairs(node, scope))

    def _see_set_of_records(self, node: Node, scope: Scope) -> ast.Expr:
        return ast.RecordSet(self.at(node), self._pairs(node, scope))

    def _see_record_value(self, node: Node, scope: Scope) -> ast.Expr:
        record, name = (c for c in children(node) if c.is_named)
        return ast.Field(self.at(node), self.expr(record, scope), self.source.words(name))

    def _see_except(self, node: Node, scope: Scope) -> ast.Expr:
        function = self.expr(field(node, "expr_to_update"), scope)
        updates = []
        for update in (c for c in children(node) if c.type == "except_update"):
            path: list[tuple[ast.Expr, ...]] = []
            for step in children(fields(update, "update_specifier")[0]):
                inner = [c for c in children(step) if c.is_named]
                if step.type == "except_update_record_field":
                    path.append((ast.Literal(self.at(inner[0]), self.source.words(inner[0])),))
                else:
                    path.append(tuple(self.expr(c, scope) for c in inner))
            self.updating += 1
            updates.append((tuple(path), self.expr(field(update, "new_val"), scope)))
            self.updating -= 1
        return ast.Except(self.at(node), function, tuple(updates))

    def _see_if_then_else(self, node: Node, scope: Scope) -> ast.Expr:
        condition, then, otherwise = (self.expr(field(node, name), scope) for name in ("if", "then", "else"))
        return ast.If(self.at(node), condition, then, otherwise)

    def _see_case(self, node: Node, scope: Scope) -> ast.Expr:
        arms, other = [], None
        for child in children(node):
            parts = [c for c in children(child) if c.is_named and c.type != "case_arrow"]
            if child.type == "case_arm":
                arms.append((self.expr(parts[0], scope), self.expr(parts[1], scope)))
            elif child.type == "other_arm":
                other = self.expr(parts[-1], scope)
        return ast.Case(self.at(node), tuple(arms), other)

    def _step(self, node: Node, scope: Scope) -> tuple[ast.Expr, ast.Expr]:
        skip = {"langle_bracket", "rangle_bracket_sub"}
        action, subscript = (c for c in children(node) if c.is_named and c.type not in skip)
        return self.expr(action, scope), self.expr(subscript, scope)

    def _see_step_expr_or_stutter(self, node: Node, scope: Scope) -> ast.Expr:
        return ast.Square(self.at(node), *self._step(node, scope))

    def _see_step_expr_no_stutter(self, node: Node, scope: Scope) -> ast.Expr:
        return ast.Angle(self.at(node), *self._step(node, scope))

    def _see_fairness(self, node: Node, scope: Scope) -> ast.Expr:
        keyword, *parts = children(node)
        subscript, action = (self.expr(c, scope) for c in parts if c.is_named)
        return ast.Fairness(self.at(node), self.source.words(keyword).startswith("SF"), subscript, action)
