"""hcheck: count the faults of a cluster, group by group, and say whether balancing would remove them.

Exit code 1 says that the cluster is not healthy.

Source: man hcheck(1); the output of hcheck 3.0.2 in both forms.
"""

if __name__ == "__main__":
    from htools.commandline.start import hcheck

    raise SystemExit(hcheck())

from collections.abc import Sequence
from dataclasses import dataclass

from htools.balance.rounds import balance
from htools.commandline.loading import load, rules_of
from htools.commandline.tool import Options, run_tool
from htools.commandline.usage import check_arguments
from htools.formatting.numbers import fixed
from htools.model.cluster import Model, bad_items, inhabited
from htools.model.score import optimum, score
from htools.placement.redundancy import evacuable
from spec.allocator.cluster import Group

_COUNTS = (
    ("N1_FAIL", "Nodes not N+1 happy"),
    ("CONFLICT_TAGS", "Nodes with conflicting instances"),
    ("OFFLINE_PRI", "Instances having the primary node offline"),
    ("OFFLINE_SEC", "Instances having a secondary node offline"),
)
_CAPACITY = ("GN1_FAIL", "Nodes not directly evacuateable")


@dataclass(frozen=True, slots=True)
class Health:
    """The counts and the score of a group."""

    group: int
    counts: tuple[int, ...]
    score: float


def examine(model: Model, groups: Sequence[Group], group: int, *, capacity: bool) -> Health:
    """Count the faults of one group, whose part of the cluster is `model`.

    "Instances having a secondary offline" counts the offline nodes, as in Ganeti.
    """
    nodes = list(model.nodes.values())
    offline = [node for node in nodes if node.offline]
    counts = [
        bad_items(model)[0],
        sum(1 for node in nodes if sum(node.tag_counts.values()) > len(node.tag_counts)),
        sum(len(node.primaries) for node in offline),
        len(offline),
    ]
    if capacity:
        counts.append(sum(1 for node in nodes if not evacuable(model, groups, node)))
    return Health(group, tuple(counts), score(nodes))


def _rebalanced(model: Model, options: Options) -> Model:
    """Return the group after balancing, or as it is if its score is low enough."""
    before = score(model.nodes.values())
    stop_at = options.min_score + optimum(model.nodes.values())
    if before < stop_at:
        return model
    after = model.copy()
    for _ in balance(after, rules_of(options), before, stop_at=stop_at, rounds=options.max_length):
        pass
    return after


class _Report:
    """The texts of one run."""

    def __init__(self, options: Options, groups: Sequence[Group]) -> None:
        self._options, self._groups = options, groups
        self._keys = [*_COUNTS, *([_CAPACITY] if options.capacity else [])]

    def _print_level(self, title: str, prefix: str, pairs: Sequence[tuple[str, str, str]]) -> None:
        if self._options.machine_readable:
            for key, _, value in pairs:
                print(f"HCHECK_{prefix}_{key}={value}")
        elif self._options.verbose >= 1:
            print(f"\n{title}")
            for _, text, value in pairs:
                print(f"    {text}: {value}")

    def print_phase(self, health: Sequence[Health], totals: Sequence[int], *, after: bool, unhealthy: bool) -> None:
        when, phase = ("after rebalancing", "FINAL") if after else ("initially", "INIT")
        for one in health:
            values = [(*key, str(count)) for key, count in zip(self._keys, one.counts, strict=True)]
            values.append(("SCORE", "Group score", fixed(one.score, 8)))
            title = f"Statistics for group {self._groups[one.group].name} {when}"
            self._print_level(title, f"{phase}_GROUP_{one.group}", values)
        values = [(*key, str(count)) for key, count in zip(self._keys, totals, strict=False)]
        flag = str(int(unhealthy)) if self._options.machine_readable else str(unhealthy)
        # Without any group there are no counts, and Ganeti puts the flag where the first count would be.
        name = ("NEED_REBALANCE", "Cluster is not healthy") if totals else self._keys[0]
        self._print_level(f"Cluster statistics {when}", f"{phase}_CLUSTER", [*values, (*name, flag)])


def _quoted(text: str) -> str:
    return text if all(letter.isalnum() or letter == "." for letter in text) else f"'{text}'"


def body(options: Options, arguments: list[str]) -> int:
    """Run hcheck."""
    check_arguments("hcheck", arguments)
    loaded = load(options)
    groups, machine = loaded.cluster.groups, options.machine_readable
    parts = {group: loaded.model.group(group) for group in inhabited(loaded.model)}
    if machine:
        for index, group in enumerate(groups):
            print(f"HCHECK_GROUP_UUID_{index}={_quoted(group.uuid)}")
    health = [examine(part, groups, group, capacity=options.capacity) for group, part in parts.items()]
    totals = [sum(counts) for counts in zip(*(one.counts for one in health), strict=True)]
    unhealthy = sum(totals) > 0
    if options.verbose >= 1 and not machine:
        if options.no_simulation:
            print("Running in no-simulation mode.")
        else:
            print("Cluster needs rebalancing." if unhealthy else "No need to rebalance cluster, no problems found.")
    report = _Report(options, groups)
    report.print_phase(health, totals, after=False, unhealthy=unhealthy)
    simulate = unhealthy and not options.no_simulation
    if simulate or machine:
        after = {group: _rebalanced(part, options) if simulate else part for group, part in parts.items()}
        health = [examine(part, groups, group, capacity=options.capacity) for group, part in after.items()]
        totals = [sum(counts) for counts in zip(*(one.counts for one in health), strict=True)]
        # The flag says whether the cluster was healthy before balancing, as in Ganeti.
        report.print_phase(health, totals, after=True, unhealthy=unhealthy)
    if machine:
        print("HCHECK_OK=1")
    return 1 if simulate else 0


def main(words: Sequence[str] | None = None) -> int:
    """Run the program `hcheck`."""
    return run_tool("hcheck", body, words)
