"""Levels of expressions in their environment, and whether they can be computed beforehand.

Source: Lamport, Specifying Systems, section 17.2.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from checkers.tla.codegen.frames import ByName, Closure, Env, Global, Lazy, Local, Native, Own
from checkers.tla.parse import syntax as ast
from checkers.tla.parse.analysis import ACTION, CONSTANT, STATE, Reach, own_level, parts
from checkers.tla.parse.names import Path
from checkers.tla.parse.syntax import Bound, Builtin, Constant, Instance, Operator, Symbol, Variable

_DRAWING = frozenset({"RandomElement", "RandomSubset", "RandomSetOfSubsets"})
_IMPURE = _DRAWING | {
    "TLCGet", "TLCSet", "Print", "PrintT", "JavaTime", "TLCGetOrDefault", "TLCGetAndSet", "Trace", "CounterExample",
    "Assert",
}  # fmt: skip


Way = tuple[Instance, ...]
"""The instances, from the outermost, that lead to a definition."""


class Info(NamedTuple):
    """The level of an expression, and whether it is closed: made of constants only, with no effects."""

    level: int
    closed: bool


_LITERAL = Info(CONSTANT, closed=True)
_NOWHERE = 1 << 30


class Levels:
    """Levels under given bindings of constants.

    Attributes:
        globals: the configuration's bindings: for a symbol, the binding by the instances through which the root module
            reaches it. Uses by another path, or in an instanced module, mean the module's own definition.
        bodies: the same for `c = [M] …` and `c <- [M] …`, which apply to every use through these instances.
    """

    def __init__(self) -> None:
        self.reach = Reach()
        self.globals: dict[Symbol, dict[Way, Any]] = {}
        self.bodies: dict[Symbol, dict[Way, Any]] = {}
        self._known: dict[Any, tuple[Info, Any]] = {}
        self._cut = _NOWHERE  # depth of the outermost active operator whose recursion was cut off

    def enter(self, path: Path, env: Env) -> Env:
        """Return the environment inside the instances of a path."""
        for instance, args in path:
            env = env.extend({p: self.bind(a, env) for p, a in zip(instance.params, args, strict=True)})
            env = env.extend({s: self.bind(given, env) for s, given in instance.substitution.items()})
        return env

    def lookup(self, symbol: Symbol, env: Env, path: Path = ()) -> Any:
        """Look up a symbol's binding, if any: by an instance or operator around it, or by the configuration.

        Source: TLC's SpecProcessor, which replaces the definitions and constants of the root module, and with `[M]`
        the bodies of definitions of M; tested with modules that name, import and instance one another.
        """
        binding = env.map.get(symbol)
        if binding is not None or not (symbol in self.globals or symbol in self.bodies):
            return binding
        way = tuple(instance for instance, _ in path)
        bodies = self.bodies.get(symbol, {})
        found = [self.globals.get(symbol, {}).get(way), *(bodies.get(way[i:]) for i in range(len(way) + 1))]
        return next((each for each in found if each is not None), None)

    def applied(self, node: ast.Apply, env: Env) -> tuple[Operator, Env] | None:
        """Return the defined operator that an application means, and its environment; None if there is none."""
        inner, symbol = self.enter(node.path, env), node.symbol
        binding = self.lookup(symbol, inner, node.path)
        if isinstance(binding, Closure) and binding.operator is not None:
            symbol, inner = binding.operator, binding.env
        elif binding is not None:
            return None
        return (symbol, inner) if isinstance(symbol, Operator) and symbol.body is not None else None

    def bind(self, argument: ast.Argument, env: Env) -> Any:
        """Return a binding for an argument, without computing it."""
        if isinstance(argument, ast.Lambda):
            return Closure(None, argument.params, argument.body, env)
        if isinstance(argument, ast.OperatorName):
            return self.closure(argument.symbol, self.enter(argument.path, env), argument.path)
        if isinstance(argument, ast.Apply) and not argument.args and not argument.path:
            known = env.map.get(argument.symbol)
            if known is not None and not isinstance(argument.symbol, Variable):
                return known
        return ByName(argument, env)

    def within_enabled(self, env: Env, places: dict[Symbol, int], first: int) -> Env:
        """Return the environment within an ENABLED in an instance, where the instance's variables are its own.

        Their next values are free, whatever expression replaces the variables in the state. Two variables have two next
        values, even if the instance maps both to one expression. This holds also through arguments and definitions.

        Args:
            env: the environment around ENABLED.
            places: where the next values of variables are kept; variables that have no place yet get one.
            first: the first place.

        Source: Lamport, Specifying Systems, section 17.8, on substitution in ENABLED.
        """
        around = {id(env): env}
        waiting = [env]
        while waiting:
            for each in map(_environment, waiting.pop().map.values()):
                if each is not None and id(each) not in around:
                    around[id(each)] = each
                    waiting.append(each)
        if not any(isinstance(symbol, Variable) for each in around.values() for symbol in each.map):
            return env
        inside = {key: Env({}, each.at) for key, each in around.items()}
        for key, each in around.items():
            for symbol, binding in each.map.items():
                if isinstance(symbol, Variable):
                    place = places.setdefault(symbol, first + len(places))
                    inside[key].map[symbol] = Own(symbol, place, binding)
                else:
                    inside[key].map[symbol] = _moved(binding, inside)
        return inside[id(env)]

    def closure(self, symbol: Symbol, env: Env, path: Path = ()) -> Any:
        """Return a binding for an operator that is given by its name."""
        known = self.lookup(symbol, env, path)
        if known is not None:
            return known
        if isinstance(symbol, Operator):
            assert symbol.body is not None
            return Closure(symbol, symbol.params, symbol.body, env)
        return Native(symbol, env, path)

    def has_effects(self, node: Any) -> bool:
        """Return whether computing an expression twice may differ from computing it once."""
        return any(isinstance(s, Builtin) and s.name in _IMPURE for s in self.reach.of(node))

    def drawn_once(self, operator: Operator, env: Env) -> bool:
        """Return whether a module's definition is a random constant, which has one value for all its uses.

        Source: TLC computes such definitions when it starts (SpecProcessor.processConstantDefns).
        """
        if operator.nested or operator.params:
            return False
        symbols = self.reach.operator(operator)
        effects = {s.name for s in symbols if isinstance(s, Builtin)} & _IMPURE
        if not effects or not effects <= _DRAWING or self.relevant(symbols, env):
            return False
        return self.level(operator.body, env) == CONSTANT

    def info(self, node: Any, env: Env) -> Info:
        """Return level and closedness of an expression."""
        return self._info(node, env, ())

    def level(self, node: Any, env: Env) -> int:
        """Return the level of an expression."""
        return self._info(node, env, ()).level

    def relevant(self, symbols: frozenset[Symbol], env: Env) -> frozenset[tuple[Symbol, Any]]:
        """Return the bindings of an environment that some symbols depend on."""
        small = symbols if len(symbols) < len(env.map) else [s for s in env.map if s in symbols]
        return frozenset((s, env.map[s]) for s in small if s in env.map)

    def _info(self, node: Any, env: Env, active: tuple[Operator, ...]) -> Info:
        if isinstance(node, ast.Literal):
            return _LITERAL
        if isinstance(node, ast.Apply):
            return self._apply(node, env, active)
        if isinstance(node, ast.OperatorName):
            return self._symbol(node.symbol, self.enter(node.path, env), active, node.path)
        if isinstance(node, ast.At):
            return Info(CONSTANT, closed=False)
        if isinstance(node, ast.Let):
            return self._info(node.body, env, active)
        level, closed = own_level(node), True
        for part in parts(node):
            inner = self._info(part, env, active)
            level, closed = max(level, inner.level), closed and inner.closed
        if isinstance(node, ast.Basic) and node.op == "enabled":
            level = STATE
        return Info(level, closed and level == CONSTANT)

    def _apply(self, node: ast.Apply, env: Env, active: tuple[Operator, ...]) -> Info:
        inner = self.enter(node.path, env)
        found = self._symbol(node.symbol, inner, active, node.path)
        level, closed = found
        for arg in node.args:
            given = self._info(arg.body if isinstance(arg, ast.Lambda) else arg, env, active)
            level, closed = max(level, given.level), closed and given.closed
        return Info(level, closed and level == CONSTANT)

    def _symbol(self, symbol: Symbol, env: Env, active: tuple[Operator, ...], path: Path = ()) -> Info:
        binding = self.lookup(symbol, env, path)
        if binding is not None:
            return self._binding(binding, active)
        if isinstance(symbol, Variable):
            return Info(STATE, closed=False)
        if isinstance(symbol, Builtin):
            return Info(CONSTANT, closed=symbol.name not in _IMPURE)
        if isinstance(symbol, Operator):
            return self._operator(symbol, env, active)
        if isinstance(symbol, Constant):
            return Info(CONSTANT, closed=False)
        return Info(CONSTANT, closed=isinstance(symbol, Bound))

    def _binding(self, binding: Any, active: tuple[Operator, ...]) -> Info:
        if isinstance(binding, Global):
            return _LITERAL
        if isinstance(binding, Local):
            return Info(CONSTANT, closed=False)
        if isinstance(binding, Own):
            return Info(STATE, closed=False)
        if isinstance(binding, Lazy):
            return Info(self._info(binding.node, binding.env, active).level, closed=False)
        if isinstance(binding, ByName):
            return self._info(binding.node, binding.env, active)
        if isinstance(binding, Closure):
            if binding.operator is not None:
                return self._operator(binding.operator, binding.env, active)
            return self._info(binding.body, binding.env, active)
        return self._symbol(binding.symbol, binding.env, active, binding.path)

    def _operator(self, operator: Operator, env: Env, active: tuple[Operator, ...]) -> Info:
        if operator.body is None:
            return _LITERAL
        if operator in active:
            self._cut = min(self._cut, active.index(operator))
            return _LITERAL
        key = (operator, self.relevant(self.reach.operator(operator), env))
        known = self._known.get(key)
        if known is not None:
            return known[0]
        around, self._cut = self._cut, _NOWHERE
        found = self._info(operator.body, env, (*active, operator))
        if self._cut >= len(active):  # complete: no operator around it was cut off
            self._known[key] = (found, env)
        self._cut = min(around, self._cut)
        return found


def _environment(binding: Any) -> Env | None:
    """Return the environment of a binding; None if the binding is a value."""
    return binding.env if isinstance(binding, ByName | Lazy | Closure | Global) else None


def _moved(binding: Any, environments: dict[int, Env]) -> Any:
    """Return the same binding in the environment that replaces its own."""
    if isinstance(binding, Global) and binding.node is not None and binding.env is not None:
        return ByName(binding.node, environments[id(binding.env)])
    if isinstance(binding, ByName | Lazy | Closure):
        return replace(binding, env=environments[id(binding.env)])
    return binding


__all__ = ["ACTION", "CONSTANT", "STATE", "Info", "Levels"]
