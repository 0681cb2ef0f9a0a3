"""Binds a module's constants and replaces definitions as a configuration says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from checkers.tla.codegen.actions import ActionGenerator
from checkers.tla.codegen.frames import Env, Global
from checkers.tla.codegen.levels import Way
from checkers.tla.codegen.program import Program
from checkers.tla.errors import TlaConfigError
from checkers.tla.model.config import Config, Replacement
from checkers.tla.parse.modules import Loader
from checkers.tla.parse.names import arity_of
from checkers.tla.parse.standard_names import standard_module
from checkers.tla.parse.syntax import Alias, Instance, Module, Symbol, Variable
from checkers.tla.values import order, values
from checkers.tla.values.identity import holds_truths
from checkers.tla.values.values import Value, normal


class Constants:
    """A generator for a module in which constants have their values."""

    def __init__(self, module: Module, loader: Loader, config: Config, *, complete: bool = True) -> None:
        values.reset()
        # In the order in which TLC meets them: configuration, identifiers of the module, those of others, strings.
        others = [m for m in loader.modules.values() if m is not module]
        words = [config.words, module.words, *(m.words for m in others), *(m.strings for m in others), module.strings]
        order.set_words(word for part in words for word in part)
        self.module = module
        self.loader = loader
        self.config = config
        self.program = Program()
        self.gen = ActionGenerator(module.variables, self.program)
        self.env = Env({})
        self.count = len(module.variables)
        self.notes: list[str] = []
        self._bind_constants(complete=complete)

    def _bind_constants(self, *, complete: bool) -> None:
        config = self.config
        for name, value in config.values.items():
            if reach(self.module, name) is None:
                self.notes.append(f"the configuration gives {name} a value, but {self.module.name} has no such name")
            else:
                self._bind(*self.named(name, "constant"), self.gen.known(self.gen.constant(value, f"C_{name}")))
        for (where, name), value in config.of_modules.items():
            self._bind_body(where, name, self.gen.known(self.gen.constant(value, f"C_{name}")))
        for name, table in config.tables.items():
            python = f"T_{name}"
            self.program.names[python] = _table(name, table)
            self.program.truths |= any(map(holds_truths, table.values()))
            self._bind(*self.named(name, "constant"), Global(python, "any", normal=False))
        replaced = {(replacement.module, replacement.name) for replacement in config.replacements}
        for replacement in config.replacements:
            if (replacement.module, replacement.by) in replaced:
                raise TlaConfigError(f"{replacement.by} replaces {replacement.name} and is itself replaced: keep one")
            self._replace(replacement)
        for constant in self.module.constants if complete else ():
            if constant not in self.gen.levels.globals:
                text = f"the constant {constant.name} has no value: add CONSTANT {constant.name} = ... to the"
                raise TlaConfigError(f"{text} configuration", constant.position)

    def _bind(self, symbol: Symbol, way: Way, binding: Any) -> None:
        self.gen.levels.globals.setdefault(symbol, {})[way] = binding

    def _bind_body(self, module: str, name: str, binding: Any) -> Symbol:
        """Bind a definition of one module, wherever its body is used; returns the definition."""
        found = self.loader.modules.get(module) or standard_module(module)
        reached = reach(found, name) if found is not None else None
        if reached is None:
            raise TlaConfigError(f"the configuration names {name} of module {module}, which has no such name")
        symbol, way = reached
        self.gen.levels.bodies.setdefault(symbol, {})[way] = binding
        return symbol

    def _replace(self, replacement: Replacement) -> None:
        target, way = self.named(replacement.by, "definition")
        path = tuple((instance, ()) for instance in way)
        binding = self.gen.levels.closure(target, self.gen.levels.enter(path, self.env), path)
        if replacement.module:
            symbol = self._bind_body(replacement.module, replacement.name, binding)
        else:
            symbol, own = self.named(replacement.name, "constant or definition")
            if (symbol, own) != (target, way):
                self._bind(symbol, own, binding)
        if arity_of(symbol) != arity_of(target):
            text = f"{replacement.by} cannot replace {replacement.name}: it takes {arity_of(target)} arguments"
            raise TlaConfigError(text)

    def named(self, name: str, what: str) -> tuple[Symbol, Way]:
        """Look up a name of the configuration in the root module, as TLC does.

        Raises:
            TlaConfigError: when the root module has no such name.
        """
        reached = reach(self.module, name)
        if reached is None:
            raise TlaConfigError(f"the configuration names {name}, but module {self.module.name} has no such {what}")
        if any(instance.params for instance in reached[1]):
            raise TlaConfigError(f"the configuration names {name}, which needs the arguments of an instance")
        return reached


def reach(module: Module, name: str) -> tuple[Symbol, Way] | None:
    """Look up a name such as `Op` or `I!J!Op` in a module: its symbol and the instances that lead there, or None."""
    symbol: Symbol | None = None
    way: Way = ()
    names = module.symbols
    for part in name.split("!") if name[0].isalnum() or name[0] == "_" else [name]:
        if isinstance(symbol, Instance):
            assert symbol.module is not None
            way, names = (*way, symbol), symbol.module.exported
        elif symbol is not None:
            return None
        symbol = names.get(part)
        while isinstance(symbol, Alias):
            way, symbol = (*way, symbol.instance), symbol.target
    return None if symbol is None or isinstance(symbol, Instance | Variable) else (symbol, way)


def _table(name: str, table: dict[tuple[Value, ...], Value]) -> Callable[..., Value]:
    def look_up(*args: Value) -> Value:
        key = tuple(normal(arg) for arg in args)
        if key not in table:
            raise TlaConfigError(f"the configuration gives {name} no value for these arguments")
        return table[key]

    return look_up
