"""Reads modules: finds their files, and reads declarations, definitions, EXTENDS and INSTANCE."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from tree_sitter import Node

from checkers.tla.errors import TlaSemanticError, TlaSyntaxError, TlaUnsupportedError
from checkers.tla.parse import syntax as ast
from checkers.tla.parse.expressions import Expressions, unquote
from checkers.tla.parse.levelcheck import LevelCheck
from checkers.tla.parse.names import arity_of
from checkers.tla.parse.scope import Scope
from checkers.tla.parse.source import Source, children, field, fields, read
from checkers.tla.parse.standard_names import REFUSED, standard_module
from checkers.tla.parse.syntax import (
    Alias,
    Assumption,
    Bound,
    Constant,
    Instance,
    Module,
    Operator,
    Symbol,
    Variable,
)

_PROOFS = frozenset({"theorem", "use_or_hide"})


class Loader:
    """Loads each module once, from the given directories or the standard library.

    Attributes:
        modules: the loaded modules by name, in the order in which reading ended.
    """

    def __init__(self, directories: Sequence[str]) -> None:
        self.directories = list(directories)
        self.modules: dict[str, Module] = {}
        self._loading: list[str] = []

    def load_file(self, path: str) -> Module:
        """Load the module that a file holds."""
        name = os.path.splitext(os.path.basename(path))[0]
        return self._load(name, path)

    def load(self, name: str, asking: Node | None = None, source: Source | None = None) -> Module:
        """Load a module by its name.

        Raises:
            TlaSemanticError: when there is none, or modules extend one another in a cycle.
        """
        where = source.position(asking) if source is not None and asking is not None else None
        if name in self.modules:
            return self.modules[name]
        if name in self._loading:
            raise TlaSemanticError("module", f"module {name} extends or instances itself", where)
        if name in REFUSED:
            raise TlaUnsupportedError(f"module {name} is not supported: {REFUSED[name]}", where)
        standard = standard_module(name)
        path = next((p for d in self.directories if os.path.isfile(p := os.path.join(d, f"{name}.tla"))), None)
        if standard is not None and (standard.exported or path is None):
            return standard
        if path is None:
            places = ", ".join(self.directories) or "nowhere"
            raise TlaSemanticError("module", f"cannot find module {name} (looked in {places})", where)
        return self._load(name, path)

    def _load(self, name: str, path: str) -> Module:
        self._loading.append(name)
        try:
            module = self.from_text(read(path), name, path)
        finally:
            self._loading.pop()
        self.modules[name] = module
        return module

    def from_text(self, text: bytes, name: str, path: str | None = None) -> Module:
        """Read a module from text.

        Raises:
            TlaSyntaxError: when the text holds no module of that name.
        """
        source = Source(text, name)
        source.check()
        node = next((c for c in source.root.children if c.type == "module"), None)
        if node is None:
            raise TlaSyntaxError("syntax", f"there is no module in {os.path.basename(path or name)}")
        found = source.words(field(node, "name"))
        if found != name:
            raise TlaSyntaxError(
                "syntax", f"file {os.path.basename(path or name)} holds module {found}", source.position(node)
            )
        return ModuleReader(self, source).read(node, Module(name, path), Scope())


class ModuleReader(Expressions):
    """Reads the units of a module."""

    def __init__(self, loader: Loader, source: Source) -> None:
        super().__init__(source)
        self.loader = loader
        self.module = Module(source.name)

    def read(self, node: Node, module: Module, outer: Scope) -> Module:
        """Read a module; for a nested one, `outer` holds the names of the module around it."""
        enclosing, self.module = self.module, module
        scope = Scope(outer)
        self._collect_words(node, module)
        proofs = 0
        for unit in children(node):
            if unit.type == "extends":
                for name in (c for c in children(unit) if c.type == "identifier_ref"):
                    self._extend(self._module_named(self.source.words(name), name), scope)
            elif unit.type in _PROOFS:
                proofs += self._theorem(unit, scope)
            elif unit.is_named:
                self.unit(unit, scope)
        for symbol in module.symbols.values():
            if isinstance(symbol, Operator) and symbol.body is None:
                raise TlaSemanticError("undefined", f"RECURSIVE {symbol.name} is never defined", symbol.position)
        if proofs:
            module.notes.append(f"{proofs} proof(s) in module {module.name} are not checked")
        LevelCheck().module(module)
        self.module = enclosing
        return module

    def _collect_words(self, node: Node, module: Module) -> None:
        """Collect names, numerals and strings in text order: TLC orders strings by their first appearance."""
        stack = [node]
        while stack:
            item = stack.pop()
            if item.type in {"identifier", "identifier_ref", "nat_number"}:
                module.words.append(self.source.words(item))
            elif item.type == "string":
                module.strings.append(unquote(self.source.words(item)))
            stack += reversed(item.children)

    def _module_named(self, name: str, node: Node) -> Module:
        enclosing: Module | None = self.module.inner.get(name)
        return enclosing or self.loader.load(name, node, self.source)

    def _extend(self, other: Module, scope: Scope) -> None:
        module = self.module
        module.extends.append(other)
        module.constants += [c for c in other.constants if c not in module.constants]
        module.variables += [v for v in other.variables if v not in module.variables]
        module.assumptions += [a for a in other.assumptions if a not in module.assumptions]
        module.foreign.update(filter(other.hands_on_itself, other.exported.values()))
        for symbol in other.exported.values():
            scope.bring(symbol)
            self._publish(symbol)
        module.inner.update(other.inner)

    def _publish(self, symbol: Symbol, *, local: bool = False) -> None:
        self.module.symbols[symbol.name] = symbol
        if not local:
            self.module.exported[symbol.name] = symbol

    # Units ----------------------------------------------------------------------------------------------------

    def unit(self, node: Node, scope: Scope, *, local: bool = False) -> None:
        """Read one unit of a module's body."""
        kind = node.type
        if kind == "constant_declaration":
            for child in (c for c in children(node) if c.is_named):
                name, arity = self._declared(child)
                constant = Constant(name, self.at(child), arity)
                scope.add(constant)
                self.module.constants.append(constant)
                self._publish(constant)
        elif kind == "variable_declaration":
            for child in (c for c in children(node) if c.is_named):
                variable = Variable(self.source.words(child), self.at(child), self.module.name)
                scope.add(variable)
                self.module.variables.append(variable)
                self._publish(variable)
        elif kind == "assumption":
            self._assume(node, scope)
        elif kind == "local_definition":
            self.unit(children(node)[-1], scope, local=True)
        elif kind == "instance":
            self._unnamed_instance(node, scope, local=local)
        elif kind == "module":
            inner = Module(self.source.words(field(node, "name")))
            self.module.inner[inner.name] = self.read(node, inner, scope)
        elif kind in {"operator_definition", "function_definition", "recursive_declaration", "module_definition"}:
            for symbol in self.definition(node, scope, local=local):
                self._publish(symbol, local=local)
            if kind == "module_definition":
                name = self.source.words(field(node, "name"))
                self._publish(scope.names[name], local=local)
        elif kind not in {"header_line", "single_line", "double_line", "identifier"}:
            raise TlaUnsupportedError(f"'{kind.replace('_', ' ')}' is not supported", self.at(node))

    def _declared(self, node: Node) -> tuple[str, int]:
        """Return name and arity of a declared constant or parameter, such as `F(_, _)` or `_+_`."""
        if node.type != "operator_declaration":
            return self.source.words(node), 0
        name = field(node, "name")
        arity = sum(1 for child in children(node) if child.type == "placeholder")
        if name.type.endswith("_op_symbol"):
            return self.symbol_name(name), arity
        return self.source.words(name), arity

    def _assume(self, node: Node, scope: Scope) -> None:
        name = node.child_by_field_name("name")
        body = self.expr(children(node)[-1], scope)
        label = self.source.words(name) if name else None
        if label:
            fact = Operator(label, self.at(node), (), body, self.module.name)
            scope.add(fact)
            self._publish(fact)
        self.module.assumptions.append(Assumption(label, body, self.at(node)))

    def _theorem(self, node: Node, scope: Scope) -> int:
        """Read a theorem's statement for its names; return the number of proofs, which are parsed but not checked."""
        statement = node.child_by_field_name("statement")
        if statement is not None and statement.type != "assume_prove":
            body = self.expr(statement, scope)
            if name := node.child_by_field_name("name"):
                theorem = Operator(self.source.words(name), self.at(node), (), body, self.module.name)
                scope.add(theorem)
                self._publish(theorem)
        return 1 if node.child_by_field_name("proof") else 0

    def definition(self, node: Node, scope: Scope, *, local: bool) -> list[Operator]:
        """Read a definition into the scope and return the operators that it makes."""
        if node.type == "recursive_declaration":
            made = []
            for child in (c for c in children(node) if c.is_named):
                name, arity = self._declared(child)
                params = tuple(Bound(f"_{i}", None) for i in range(arity))
                operator = Operator(name, self.at(child), params, None, self.module.name, recursive=True, local=local)
                scope.add(operator)
                made.append(operator)
            return made
        if node.type == "module_definition":
            self._named_instance(node, scope, local=local)
            return []
        if node.type == "operator_definition":
            return [self._operator(node, scope, local=local)]
        if node.type == "function_definition":
            return [self._function(node, scope, local=local)]
        raise TlaUnsupportedError(f"'{node.type.replace('_', ' ')}' is not supported", self.at(node))

    def _operator(self, node: Node, scope: Scope, *, local: bool) -> Operator:
        name_node = field(node, "name")
        symbolic = name_node.type.endswith("_op_symbol")
        name = self.symbol_name(name_node) if symbolic else self.source.words(name_node)
        inner = Scope(scope)
        params = self._parameters(fields(node, "parameter"), inner)
        declared = scope.names.get(name)
        if isinstance(declared, Operator) and declared.recursive and declared.body is None:
            operator = declared
            if len(params) != operator.arity:
                raise TlaSemanticError("arity", f"{name} was declared with {operator.arity} parameters", self.at(node))
            operator.params = params
        else:
            operator = Operator(name, self.at(node), params, None, self.module.name, local=local)
        self.defining.append(operator)
        operator.body = self.expr(field(node, "definition"), inner)
        self.defining.pop()
        operator.position = self.at(field(node, "definition"))
        if operator is not declared:
            scope.add(operator)
        return operator

    def _parameters(self, nodes: Iterable[Node], scope: Scope) -> tuple[Bound, ...]:
        params = []
        for node in nodes:
            name, arity = self._declared(node)
            params.append(Bound(name, self.at(node), arity))
            scope.add(params[-1])
        return tuple(params)

    def _function(self, node: Node, scope: Scope, *, local: bool) -> Operator:
        name = self.source.words(field(node, "name"))
        operator = Operator(name, self.at(node), (), None, self.module.name, local=local)
        bounds = [c for c in children(node) if c.type == "quantifier_bound"]
        domains, inner = self.domains(bounds, scope)
        itself = Operator(name, self.at(node), (), None, self.module.name)
        inner.add(itself)
        self.defining.append(operator)
        body = self.expr(field(node, "definition"), inner)
        self.defining.pop()
        operator.body = ast.Function(self.at(node), domains, body, itself)
        scope.add(operator)
        return operator

    # Instances ------------------------------------------------------------------------------------------------

    def _instance(self, node: Node, scope: Scope, name: str, params: tuple[Bound, ...], *, local: bool) -> Instance:
        parts = [c for c in children(node) if c.is_named]
        module = self._module_named(self.source.words(parts[0]), parts[0])
        substitution: dict[Symbol, ast.Argument] = {}
        declared: dict[str, Symbol] = {s.name: s for s in (*module.constants, *module.variables)}
        for part in parts[1:]:
            left, _, right = (c for c in children(part) if c.is_named)
            target_name = self.symbol_name(left) if left.type.endswith("_op_symbol") else self.source.words(left)
            target = declared.get(target_name)
            if target is None:
                text = f"module {module.name} declares no '{target_name}' to substitute for"
                raise TlaSemanticError("undefined", text, self.at(left))
            substitution[target] = self.argument(right, scope)
        for symbol in declared.values():
            if symbol in substitution:
                continue
            here = scope.find(symbol.name)
            if here is None:
                text = f"no substitution for '{symbol.name}' of module {module.name}: add it to WITH"
                raise TlaSemanticError("undefined", text, self.at(node))
            if here is not symbol:
                where = self.at(node)
                substitution[symbol] = (
                    self.named(here, where, ()) if arity_of(here) else self.apply(here, (), where, ())
                )
        return Instance(name, self.at(node), module, params, substitution, local)

    def _named_instance(self, node: Node, scope: Scope, *, local: bool) -> None:
        inner = Scope(scope)
        name = self.source.words(field(node, "name"))
        params = self._parameters(fields(node, "parameter"), inner)
        scope.add(self._instance(field(node, "definition"), inner, name, params, local=local))

    def _unnamed_instance(self, node: Node, scope: Scope, *, local: bool) -> None:
        instance = self._instance(node, scope, "", (), local=local)
        assert instance.module is not None
        for symbol in instance.module.exported.values():
            if isinstance(symbol, Constant | Variable):
                continue
            alias: Symbol = symbol
            if local or not instance.module.hands_on_itself(symbol):
                alias = Alias(symbol.name, symbol.position, symbol, instance, local)
            else:
                self.module.foreign.add(symbol)
            if scope.bring(alias):
                self._publish(alias, local=local)
