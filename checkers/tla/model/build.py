"""Builds a model from a module and a configuration: what is explored and what is checked."""

from __future__ import annotations

from checkers.tla.errors import TlaConfigError, TlaSemanticError
from checkers.tla.model.config import Config
from checkers.tla.model.model import Formula, Model, ModelBuilder, Named
from checkers.tla.model.symmetry import group
from checkers.tla.parse import syntax as ast
from checkers.tla.parse.analysis import ACTION, CONSTANT, STATE
from checkers.tla.parse.modules import Loader
from checkers.tla.parse.syntax import Module


def build(module: Module, loader: Loader, config: Config) -> Model:
    """Build a model.

    Raises:
        TlaError: when the configuration and the module do not fit together.
    """
    builder = ModelBuilder(module, loader, config)
    behaviour = _behaviour(builder, config)
    fairness = behaviour[2] if behaviour else []
    actions, successors = builder.actions(behaviour[1], config.next or "Next") if behaviour else ([], _nothing)
    model = Model(
        name=module.name,
        variables=tuple(v.name for v in module.variables),
        program=builder.program,
        builder=builder,
        config=config,
        initial=builder.initial(behaviour[0]) if behaviour else _nothing,
        successors=successors,
        actions=actions,
        assumptions=assumptions(builder),
        fairness=fairness,
    )
    for name in config.invariants:
        model.invariants.append(builder.invariant(name, builder.formula(name, "the invariant", STATE)))
    for name in config.constraints:
        model.constraints.append(builder.predicate(name, builder.formula(name, "the constraint", STATE)))
    for name in config.action_constraints:
        formula = builder.formula(name, "the action constraint", ACTION)
        model.action_constraints.append(builder.step_predicate(name, formula))
    for name in config.properties:
        _property(builder, model, name)
    if config.view:
        model.view = builder.value(config.view, builder.formula(config.view, "the view", STATE), ["s"])
    if config.alias:
        model.alias = builder.value(config.alias, builder.formula(config.alias, "the alias", ACTION), ["s", "t"])
    if config.symmetry:
        formula = builder.formula(config.symmetry, "the symmetry", CONSTANT)
        model.permutations = group(builder.gen.evaluate(formula.node, formula.env), config.symmetry)
    if config.postcondition:
        formula = builder.formula(config.postcondition, "the postcondition", CONSTANT)
        model.postcondition = Named(config.postcondition, builder._test("post", formula, []), formula.node.position)  # noqa: SLF001
    model.notes += builder.notes
    for each in (*loader.modules.values(), module):
        model.notes += [note for note in each.notes if note not in model.notes]
    return model


def _nothing(*_: object) -> None:
    """Explore nothing: the model of a configuration without a behaviour."""


def assumptions(builder: ModelBuilder) -> list[Named]:
    """Compile the module's assumptions to tests without arguments."""
    result = []
    for number, fact in enumerate(builder.module.assumptions, 1):
        name = fact.name or f"assumption {number}"
        formula = Formula(fact.body, builder.env)
        if builder.gen.levels.level(fact.body, builder.env) > CONSTANT:
            raise TlaSemanticError("level", "an assumption must be constant", fact.position)
        result.append(Named(fact.name or str(fact.position), builder._test(name, formula, []), fact.position))  # noqa: SLF001
    return result


def _behaviour(builder: ModelBuilder, config: Config) -> tuple[Formula, Formula, list[Formula]] | None:
    """Find the initial predicate, next-state relation and fairness conditions; None if nothing is to be explored."""
    if config.specification is None:
        if not (config.init or config.next or config.invariants or config.properties or builder.module.variables):
            return None
        if config.init is None or config.next is None:
            raise TlaConfigError("the configuration needs SPECIFICATION, or INIT and NEXT")
        start, then = builder.formula(config.init, "INIT", STATE), builder.formula(config.next, "NEXT", ACTION)
        for formula, what, name in ((start, "INIT", config.init), (then, "NEXT", config.next)):
            if builder.module.variables and builder.gen.levels.level(formula.node, formula.env) == CONSTANT:
                raise TlaConfigError(f"{what} {name} must not be a constant: it says nothing of the variables")
        return start, then, []
    if config.init or config.next:
        raise TlaConfigError("the configuration has SPECIFICATION as well as INIT or NEXT: keep one of them")
    init: list[Formula] = []
    step: Formula | None = None
    fairness: list[Formula] = []
    whole = builder.formula(config.specification, "SPECIFICATION")
    for part in builder.conjuncts(whole):
        inner = _boxed_action(builder, part)
        if builder.gen.levels.level(part.node, part.env) <= STATE:
            init.append(part)
        elif inner is None:
            fairness.append(part)
        elif step is None:
            assert isinstance(inner.node, ast.Square)
            step = Formula(inner.node.action, inner.env)
        else:
            raise TlaConfigError(
                f"{config.specification} has two conjuncts of the form [][Next]_vars", part.node.position
            )
    if not init or step is None:
        raise TlaConfigError(f"{config.specification} is not of the form Init /\\ [][Next]_vars /\\ fairness")
    if len(init) > 1:
        return _conjunction(init), step, fairness
    return init[0], step, fairness


def _conjunction(formulas: list[Formula]) -> Formula:
    """Join conjuncts of one environment (or of several whose bindings agree) to one formula."""
    env = formulas[0].env
    for other in formulas[1:]:
        env = env.extend(other.env.map)
    return Formula(ast.Basic(formulas[0].node.position, "and", tuple(f.node for f in formulas)), env)


def _boxed_action(builder: ModelBuilder, formula: Formula) -> Formula | None:
    """Return the `[A]_v` of a formula `[][A]_v`."""
    inner = boxed(formula)
    while inner is not None and not isinstance(inner.node, ast.Square):
        inner = builder.unfold(inner)
    return inner


def boxed(formula: Formula) -> Formula | None:
    """Return the P of `[]P`."""
    node = formula.node
    if isinstance(node, ast.Basic) and node.op == "always":
        return Formula(node.args[0], formula.env)
    return None


def _property(builder: ModelBuilder, model: Model, name: str) -> None:
    """Sort the conjuncts of a property by how they are checked."""
    left: list[Formula] = []
    for part in builder.conjuncts(builder.formula(name, "the property")):
        inner = boxed(part)
        if builder.gen.levels.level(part.node, part.env) == ACTION:
            text = f"the property {name} is an action: write [][...]_v to say that every step is one"
            raise TlaConfigError(text, part.node.position)
        if builder.gen.levels.level(part.node, part.env) <= STATE:
            model.initial_properties.append(builder.predicate(name, part))
        elif inner is not None and builder.gen.levels.level(inner.node, inner.env) <= STATE:
            model.invariants.append(builder.invariant(name, inner))
        elif (action := _boxed_action(builder, part)) is not None:
            model.steps.append(builder.step_predicate(name, action))
        else:
            left.append(part)
    if left:
        model.temporal.append((name, left))
