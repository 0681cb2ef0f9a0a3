"""Binding a module's constants, and replacing definitions, as a configuration says."""

from __future__ import annotations

from collections.abc import Callable

from checkers.tla.codegen.actions import ActionGenerator
from checkers.tla.codegen.frames import Closure, Env, Global
from checkers.tla.codegen.program import Program
from checkers.tla.errors import TlaConfigError
from checkers.tla.model.config import Config
from checkers.tla.parse.modules import Loader
from checkers.tla.parse.names import arity_of
from checkers.tla.parse.syntax import Alias, Module, Operator, Symbol
from checkers.tla.values import order, values
from checkers.tla.values.identity import holds_truths
from checkers.tla.values.values import Value, normal


class Constants:
    """A generator for a module in which constants have their values."""

    def __init__(self, module: Module, loader: Loader, config: Config, *, complete: bool = True) -> None:
        values.reset()
        # As TLC comes by them: the configuration, identifiers of the module and then of others, and strings at last.
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
            where, _, short = name.rpartition("!")
            symbols = [self._of_module(short, where)] if where else self._named(name)
            self.gen.levels.everywhere.update(symbols if where else ())
            if not symbols:
                self.notes.append(f"the configuration gives {name} a value, but no module declares it")
            for symbol in symbols:
                self.gen.levels.globals[symbol] = self.gen.known(self.gen.constant(value, f"C_{name}"))
        for name, table in config.tables.items():
            python = f"T_{name}"
            self.program.names[python] = _table(name, table)
            self.program.truths |= any(map(holds_truths, table.values()))
            self.gen.levels.globals[self._symbol(name, "constant")] = Global(python, "any", normal=False)
        for replacement in config.replacements:
            name = replacement.name
            symbols = [self._of_module(name, replacement.module)] if replacement.module else self._named(name)
            self.gen.levels.everywhere.update(symbols if replacement.module else ())
            if not symbols:
                raise TlaConfigError(f"the configuration replaces {name}, but no module has such a name")
            for symbol in symbols:
                self._replace(symbol, replacement.by)
        for constant in self.module.constants if complete else ():
            if constant not in self.gen.levels.globals and constant not in self.gen.overrides:
                text = f"the constant {constant.name} has no value: add CONSTANT {constant.name} = ... to the"
                raise TlaConfigError(f"{text} configuration", constant.position)

    def _replace(self, symbol: Symbol, by: str) -> None:
        target = self._symbol(by, "definition")
        name = symbol.name
        while isinstance(symbol, Alias):
            symbol = symbol.target
        if symbol is target:
            return
        if arity_of(symbol) != arity_of(target):
            raise TlaConfigError(f"{by} cannot replace {name}: it takes {arity_of(target)} arguments")
        if isinstance(target, Alias):
            inner = self.gen.levels.enter(((target.instance, ()),), self.env)
            base = target.target
            assert isinstance(base, Operator)
            assert base.body is not None
            self.gen.levels.globals[symbol] = Closure(base, base.params, base.body, inner)
            return
        if isinstance(target, Operator):
            assert target.body is not None
            self.gen.levels.globals[symbol] = Closure(target, target.params, target.body, self.env)
        else:
            self.gen.overrides[symbol] = target

    def _of_module(self, name: str, module: str) -> Symbol:
        found = self.loader.modules.get(module)
        symbol = found.symbols.get(name) if found is not None else None
        if symbol is None:
            raise TlaConfigError(f"the configuration names {name} of module {module}, which has no such name")
        return symbol

    def _named(self, name: str) -> list[Symbol]:
        """All symbols of a name: TLC replaces by name, in every module."""
        found: dict[Symbol, None] = {}
        for module in (self.module, *self.loader.modules.values()):
            symbol = module.symbols.get(name)
            while isinstance(symbol, Alias):
                symbol = symbol.target
            if symbol is not None:
                found[symbol] = None
        return list(found)

    def _find(self, name: str) -> Symbol | None:
        modules = (self.module, *self.loader.modules.values())
        return next((m.symbols[name] for m in modules if name in m.symbols), None)

    def _symbol(self, name: str, what: str) -> Symbol:
        symbol = self._find(name)
        if symbol is None:
            raise TlaConfigError(f"the configuration names {name}, but module {self.module.name} has no such {what}")
        return symbol


def _table(name: str, table: dict[tuple[Value, ...], Value]) -> Callable[..., Value]:
    def look_up(*args: Value) -> Value:
        key = tuple(normal(arg) for arg in args)
        if key not in table:
            raise TlaConfigError(f"the configuration gives {name} no value for these arguments")
        return table[key]

    return look_up
