"""hbal: find moves that lower the cluster's score, print them, and execute them with `-X`.

Only the order of the steps and the messages are here; the decisions are in `htools.balance.rounds`, texts of moves are
`htools.plan.commands`, tables `htools.formatting.tables`.

Source: man hbal(1); the output of hbal 3.0.2, stream by stream.
"""

if __name__ == "__main__":
    from htools.commandline.start import hbal

    raise SystemExit(hbal())

import sys
from collections.abc import Iterator, Sequence
from math import isnan
from typing import NoReturn

from htools.balance.rounds import balance
from htools.commandline.loading import Loaded, SelectionError, load, lookup, rules_of
from htools.commandline.saving import aside, check_writable, save, snapshot, write
from htools.commandline.tool import Options, Stopped, run_tool, stop
from htools.commandline.usage import check_arguments
from htools.formatting.numbers import fixed, general
from htools.formatting.tables import component_table, instance_table, node_table
from htools.model.cluster import Model, NodeModel
from htools.model.moves import Planned
from htools.model.score import component_values, node_values, optimum, weighted
from htools.plan.commands import SCRIPT_HEAD, job_sets, line, opcodes, places, script
from htools.plan.plot import NodeFigures
from htools.plan.progress import shown
from htools.plan.report import Outcome, accounts
from spec.allocator.arithmetic import ratio
from spec.allocator.cluster import Cluster
from spec.errors import GantryError
from spec.version import VERSION


def _abort(*lines: str) -> NoReturn:
    print(*lines, sep="\n", file=sys.stderr)
    print("Error: Aborting.", file=sys.stderr)
    raise Stopped("\n".join(lines), 1)


def select_group(loaded: Loaded, wanted: str | None) -> tuple[int, str]:
    """Return the position and name of the group to balance; exit if that is ambiguous."""
    groups = loaded.cluster.groups
    inhabited = sorted({node.group for node in loaded.model.nodes.values()})
    if wanted is None:
        if len(inhabited) > 1:
            _abort("Found multiple node groups:", *(f"  {groups[g].name}" for g in inhabited))
        return inhabited[0], groups[inhabited[0]].name
    found = [index for index, group in enumerate(groups) if wanted in {group.name, group.uuid}]
    if len(found) != 1:
        _abort(f"Node group {wanted} not found. Node group list is:", *(f"  {group.name}" for group in groups))
    return found[0], groups[found[0]].name


def _check_cluster(loaded: Loaded, options: Options) -> bool:
    """Print what was loaded; return False if there is nothing to balance."""
    model, verbose = loaded.model, options.verbose
    if options.json and loaded.model.nodes:
        return True
    if not model.instances:
        if options.json:
            from htools.plan import report

            print(report.nothing("empty"), end="")
        else:
            print("Cluster is empty, exiting.")
        return False
    split = [
        vm
        for vm in model.instances.values()
        if vm.secondary >= 0 and model.nodes[vm.secondary].group != model.nodes[vm.primary].group
    ]
    if split and verbose > 1:
        print("Found instances belonging to multiple node groups:", file=sys.stderr)
        print(*(f"  {vm.name}" for vm in split), sep="\n", file=sys.stderr)
        print("These instances will not be moved.", file=sys.stderr)
    print(f"Loaded {len(model.nodes)} nodes, {len(model.instances)} instances")
    if loaded.suffix and verbose > 1:
        print(f"Note: Stripping common suffix of '{loaded.suffix}' from names")
    return True


def _policy_violation(model: Model, index: int) -> str | None:
    node = model.nodes[index]
    if node.spindle_use > node.high_spindles:
        return "FailDisk"
    return "FailCPU" if ratio(node.used_cpus, node.total_cpus) > node.vcpu_ratio else None


def _undefined(node: NodeModel, disk_reserve: float) -> bool:
    return any(map(isnan, (*node_values(node), node.vcpu_ratio, disk_reserve)))


def _check_group(model: Model, name: str, options: Options) -> None:
    verbose = options.verbose
    print(f"Group size {len(model.nodes)} nodes, {len(model.instances)} instances")
    print(f"Selected node group: {name}")
    bad = [node for node in model.nodes.values() if node.n1_failed and not node.offline]
    bad_instances = {index for node in bad for index in (*node.primaries, *node.secondaries)}
    if verbose >= 1:
        print(f"Initial check done: {len(bad)} bad nodes, {len(bad_instances)} bad instances.")
    # Ganeti takes the bad nodes off the list by equality, and NaN equals nothing.
    good = [node for node in model.nodes.values() if node not in bad or _undefined(node, options.min_disk)]
    verdicts = [(node.name, _policy_violation(model, node.index)) for node in good]
    if verbose > 4:
        from htools.formatting.haskell import show_string

        print(f"Bad nodes: [{','.join(show_string(node.name) for node in bad)}]")
        print(f"N+1 happy nodes: [{','.join(show_string(node.name) for node in good)}]")
        entries = (f"({show_string(name)},{'Ok ()' if why is None else f'Bad {why}'})" for name, why in verdicts)
        print(f"Node policy status: [{','.join(entries)}]")
    if bad:
        print("Cluster is not N+1 happy, continuing but no guarantee that the cluster will end N+1 happy.")
    violating = sum(1 for _, why in verdicts if why is not None)
    if violating:
        print(f"The cluster contains {violating} policy-violating nodes.")
        print(
            "Continuing, ignoring soft errors."
            if options.ignore_soft_errors
            else "Continuing, but the set of moves might be too restricted;"
            " consider using the --ignore-soft-errors option."
        )


def _print_tables(title: str, map_title: str, model: Model, loaded: Loaded, options: Options) -> None:
    if options.print_instances:
        print(f"\n{map_title} instance map:", file=sys.stderr)
        print(instance_table(model.instances.values(), loaded.model.nodes), end="", file=sys.stderr)
    if options.print_nodes is not None:
        print(f"\n{title} status:", file=sys.stderr)
        print(node_table(model.nodes.values(), options.print_nodes), file=sys.stderr)


def _print_commands(options: Options, sets: Sequence[Sequence[Planned]], model: Model) -> None:
    if options.print_commands is None:
        return
    lines = script(sets, model.nodes)
    if options.print_commands == "-":
        title = "First set of jobs:" if options.first_job_group else "Commands to run to reach the above solution:"
        print(f"\n{title}")
        print("".join(f"  {text}\n" for text in lines.splitlines() if text != "  check"), end="")
    else:
        write(options.print_commands, SCRIPT_HEAD + lines)
        with aside(options):
            print(f"The commands have been written to file '{options.print_commands}'")


def _execute(options: Options, sets: Sequence[Sequence[Planned]], model: Model) -> None:
    if options.luxi is None:
        stop("hbal: Execution of commands possible only on LUXI")
    from htools.backends.luxi import socket_path
    from htools.plan.execution import Annotation, JobSet, run

    jobs = [
        JobSet(
            f"Executing jobset for instances {','.join(planned.before.name for planned in group)}",
            tuple(opcodes(planned, model.nodes) for planned in group),
            {planned.before.name: places(planned, model.nodes) for planned in group},
        )
        for group in sets
    ]
    reason = options.reason if options.reason is not None else f"hbal {VERSION} called"
    annotation = Annotation("hbal", reason, f"rebalancing via hbal {VERSION}", options.priority)
    sys.stdout.flush()
    with aside(options):
        run(socket_path(options.luxi, options.root), jobs, annotation)


def _free(model: Model) -> tuple[int, int]:
    nodes = model.nodes.values()
    return sum(node.free_memory for node in nodes), sum(node.free_disk for node in nodes)


def _coefficients(title: str, value: float, model: Model) -> str:
    return f"{title} overall {fixed(value, 8)}\n{component_table(model.nodes.values())}"


def _print_balanced(before: float, best: float, least: float) -> None:
    print(
        f"Cluster is already well balanced (initial score {general(before, 6)},\n"
        f"optimum score due to N+1 reservations {general(best, 6)},\n"
        f"minimum score {general(least, 6)}).\nNothing to do, exiting"
    )


def _plan(model: Model, options: Options, before: float, stop_at: float) -> Iterator[Planned]:
    """Yield the moves; each is printed when it is found, unless JSON is requested."""
    name_width = max((len(vm.alias) for vm in model.instances.values()), default=0)
    node_width = max((len(node.alias) for node in model.nodes.values()), default=0)
    rules, rounds = rules_of(options), options.max_length

    def watched(plan: Iterator[Planned]) -> Iterator[Planned]:
        return shown(plan, before, stop_at, quiet=options.verbose < 1)

    if options.look_ahead > 0:
        from htools.balance.lookahead import balance_ahead

        ahead = options.look_ahead
        moves = balance_ahead(model, rules, before, ahead=ahead, stop_at=stop_at, rounds=rounds, watch=watched)
    else:
        moves = watched(balance(model, rules, before, stop_at=stop_at, rounds=rounds))
    for position, planned in enumerate(moves, 1):
        if not options.json:
            print(line(planned, position, model.nodes, node_width, name_width), flush=True)
        yield planned


def _explained(model: Model, word: str) -> int:
    """Return the position of the instance to explain.

    Raises:
        SelectionError: no instance has that name, or more than one.
    """
    name = lookup([vm.name for vm in model.instances.values()], word)
    if name is None:
        raise SelectionError([word], f"'{word}' is no instance of this group")
    return next(vm.index for vm in model.instances.values() if vm.name == name)


def _print_extras(options: Options, model: Model, outcome: Outcome, figures_before: Sequence[NodeFigures]) -> None:
    """Print what Ganeti's hbal lacks: explanation, picture, JSON."""
    if options.explain:
        from htools.balance.explain import Explanation

        lines = Explanation(model, rules_of(options), _explained(model, options.explain)).lines()
        with aside(options):
            print("", *lines, sep="\n")
    if options.plot:
        from htools.plan import plot

        title = f"Group {outcome.group}: {len(outcome.plan)} moves"
        scores = [outcome.scores[0], *(planned.score for planned in outcome.plan)]
        after = [plot.figures(node) for node in model.nodes.values()]
        picture = plot.svg(title, figures_before, after, scores)
        write(options.plot, picture if options.plot.lower().endswith(".svg") else plot.page(title, picture))
        print(f"The picture has been written to file '{options.plot}'", file=sys.stderr)
    if options.json:
        from htools.plan import report

        print(report.text(outcome), end="", flush=True)


def _solve(loaded: Loaded, options: Options, group: int, name: str) -> tuple[Model, list[list[Planned]]]:
    """Balance one group of the cluster, and return the job sets."""
    model, verbose = loaded.model.group(group), options.verbose
    if options.explain:
        _explained(model, options.explain)  # before the work of planning
    talk = not options.json
    if talk:
        _check_group(model, name, options)
    _print_tables("Initial cluster", "Initial", model, loaded, options)
    nodes = model.nodes
    values = component_values(nodes.values())
    before, best = weighted(values), optimum(nodes.values())
    if talk and verbose > 2:
        print(_coefficients("Initial coefficients:", before, model), end="")
    elif talk:
        print(f"Initial score: {fixed(before, 8)}")
    accounts_before = [accounts(node) for node in nodes.values()] if options.json else []
    figures_before: list[NodeFigures] = []
    if options.plot:
        from htools.plan.plot import figures

        figures_before = [figures(node) for node in nodes.values()]
    if before - best < options.min_score:
        if talk:
            _print_balanced(before, best, options.min_score)
        scores = (before, before, best)
        outcome = Outcome(name, model, (), values, values, scores, nodes_before=accounts_before)
        _print_extras(options, model, outcome, figures_before)
        return model, []
    free = _free(model)
    if talk:
        print("Trying to minimize the CV...")
    plan = list(_plan(model, options, before, best + options.min_score))
    after = plan[-1].score if plan else before
    if talk and not plan:
        print("No solution found")
    elif talk and verbose > 2:
        print(_coefficients("Final coefficients:  ", after, model), end="")
    elif talk:
        print(f"Cluster score improved from {fixed(before, 8)} to {fixed(after, 8)}")
    if talk and verbose >= 1:
        print(f"Solution length={len(plan)}")
    sets = job_sets(plan)[: 1 if options.first_job_group else None]
    if talk or options.print_commands != "-":
        _print_commands(options, sets, model)
    save(options.save, "balanced", "after balancing", snapshot(loaded, model), group)
    _print_tables("Final cluster", "Final", model, loaded, options)
    if talk and verbose > 3:
        for title, (memory, disk) in (("Original:", free), ("Final:   ", _free(model))):
            print(f"{title} mem={memory} disk={disk}")
    final = component_values(nodes.values())
    scores = (before, after, best)
    outcome = Outcome(name, model, plan, values, final, scores, options.first_job_group, accounts_before)
    _print_extras(options, model, outcome, figures_before)
    return model, sets


def _announce(cluster: Cluster) -> None:
    from htools.formatting.policy_text import show_policy

    print(f"Loaded cluster tags: {','.join(cluster.tags)}")
    print(f"Loaded cluster ipolicy: {show_policy(cluster.policy)}")


def _run(options: Options, arguments: list[str]) -> tuple[Model, list[list[Planned]]] | None:
    """Do all but the execution, and return what is to be executed."""
    check_arguments("hbal", arguments)
    if options.plot:
        check_writable(options.plot)
    loaded = load(options, _announce if options.verbose > 1 and not options.json else None)
    if not _check_cluster(loaded, options):
        return None
    save(options.save, "original", "before balancing", loaded.cluster)
    return _solve(loaded, options, *select_group(loaded, options.group))


def body(options: Options, arguments: list[str]) -> int:
    """Run hbal."""
    try:
        found = _run(options, arguments)
    except (GantryError, Stopped) as error:
        if options.json:
            from htools.plan import report

            print(report.nothing("failed", error=str(getattr(error, "message", error))), end="")
        raise
    if options.execute and found is not None and found[1]:
        _execute(options, found[1], found[0])
    return 0


def main(words: Sequence[str] | None = None) -> int:
    """Run the program `hbal`."""
    return run_tool("hbal", body, words)
