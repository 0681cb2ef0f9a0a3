"""hspace: count how many more instances fit on a cluster, of the standard size and of ever smaller sizes.

Only the order of the steps and the messages are here; the decisions are in `htools.capacity.fill`.

Source: man hspace(1); the output of hspace 3.0.2 in both forms, line by line.
"""

if __name__ == "__main__":
    from htools.commandline.start import hspace

    raise SystemExit(hspace())

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from htools.capacity.fill import Filled, Filler, Unmeasurable
from htools.capacity.redundancy_modes import compare_ways, judge
from htools.capacity.totals import EFFICIENCY, STATISTICS, Totals, ratio, totals
from htools.commandline import saving
from htools.commandline.loading import Loaded, load
from htools.commandline.options import Spec
from htools.commandline.tool import Options, run_tool, stop
from htools.commandline.usage import check_arguments
from htools.formatting.numbers import fixed, show
from htools.formatting.tables import component_table, node_table
from htools.model.cluster import Model, common_domain
from htools.model.instance import NO_NODE, InstanceModel
from htools.model.score import score
from htools.placement.outcomes import NoTargets, Targets, candidates
from spec.allocator.cluster import (
    LOCAL_STORAGE,
    Cluster,
    Disk,
    DiskTemplate,
    Instance,
    InstanceStatus,
    ISpec,
)
from spec.allocator.decisions import FailMode


def _clusters(total: Totals, *, spindles: bool) -> list[tuple[str, str]]:
    pairs = [
        ("MEM", fixed(total.total_memory, 0)),
        ("DSK", fixed(total.total_disk, 0)),
        ("CPU", fixed(total.total_cpus, 0)),
        ("VCPU", str(total.virtual_cpus)),
    ]
    return [*pairs, ("SPN", fixed(total.total_spindles, 0))] if spindles else pairs


def _sizes(spec: Spec, *, spindles: bool) -> list[tuple[str, str]]:
    pairs = [("MEM", str(spec.memory)), ("DSK", str(spec.disk)), ("CPU", str(spec.cpus))]
    return [*pairs, ("SPN", str(spec.spindles))] if spindles else pairs


def print_keys(pairs: Iterable[tuple[str, str]]) -> None:
    """Print lines that a shell can read."""
    for key, value in pairs:
        plain = all(letter.isalnum() or letter == "." for letter in value)
        print(f"HTS_{key.upper()}={value}" if plain else f"HTS_{key.upper()}='{value}'")


def _statistics(phase: str, total: Totals) -> list[tuple[str, str]]:
    return [(f"{phase}_{name}", text(total)) for name, text in STATISTICS]


def _words(pairs: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {value}" for name, value in pairs)


def spec_of(vm: InstanceModel) -> Spec:
    """Return the sizes of a placed instance."""
    instance = vm.instance
    spindles = instance.disks[0].spindles if len(instance.disks) == 1 else None
    return Spec(instance.disk, instance.memory, instance.vcpus, spindles or 0)


def spec_from(ispec: ISpec) -> Spec:
    """Return the sizes of a policy's specification."""
    return Spec(ispec.disk_size, ispec.memory, ispec.cpus, ispec.spindle_use)


class _Report:
    """The texts of one run, for people or for programs.

    Args:
        options: select the form and the tables.
        loaded: the cluster before.
        model: with the command line's offline nodes.
    """

    def __init__(self, options: Options, loaded: Loaded, model: Model) -> None:
        self.options = options
        self.loaded = loaded
        self.before = model
        self.exclusive = any(node.exclusive for node in model.nodes.values())
        self.machine = options.machine_readable

    def print_cluster(self) -> None:
        total, count = totals(self.before), len(self.before.nodes)
        if self.machine:
            print_keys((f"CLUSTER_{name}", value) for name, value in _clusters(total, spindles=True))
            print_keys([("CLUSTER_NODES", str(count))])
            print_keys(_statistics("INI", total))
            return
        resources = _words(_clusters(total, spindles=self.exclusive))
        print(f"The cluster has {count} nodes and the following resources:\n  {resources}.")
        print(f"There are {total.instances or 'no'} initial instances on the cluster.")

    def print_request(self, spec: Spec, template: DiskTemplate, *, tiered: bool) -> None:
        if self.machine:
            prefix = "TSPEC_INI" if tiered else "SPEC"
            print_keys((f"{prefix}_{name}", value) for name, value in _sizes(spec, spindles=True))
            print_keys([(f"{prefix}_RQN", "2" if template is DiskTemplate.DRBD else "1")])
            print_keys([(f"{prefix}_DISK_TEMPLATE", template.value)])
            return
        kind = "Tiered (initial size)" if tiered else "Standard (fixed-size)"
        sizes = _words(_sizes(spec, spindles=self.exclusive))
        print(f"{kind} instance spec is:\n  {sizes}, using disk template '{template.value}'.")

    def print_tables(self, filled: Filled, name: str) -> None:
        if self.options.verbose > 1:
            print(f"{name} allocation map", file=sys.stderr)
            print(_map(filled, exclusive=self.exclusive), end="", file=sys.stderr)
        if self.options.print_nodes is not None:
            print(f"\n{name} allocation status:", file=sys.stderr)
            print(
                node_table(filled.model.nodes.values(), self.options.print_nodes, first=self.options.first_node),
                file=sys.stderr,
            )
        snapshot = _snapshot(self.loaded, filled)
        saving.save(self.options.save, name.lower(), f"after {name.lower()} allocation", snapshot)

    def _print_outcome(self, filled: Filled, reasons: Sequence[tuple[FailMode, int]]) -> None:
        if reasons:
            print(f"  - most likely failure reason: {reasons[0][0].value}")
        print(f"  - initial cluster score: {fixed(score(self.before.nodes.values()), 8)}")
        print(f"  -   final cluster score: {fixed(score(filled.model.nodes.values()), 8)}")
        kinds = ["memory", "disk", "vcpu", *(["spindles"] if self.exclusive else [])]
        width, total = max(map(len, kinds)), totals(filled.model)
        for kind in kinds:
            percent = fixed(EFFICIENCY[kind](total) * 100, 2).rjust(5)
            print(f"  - {kind.rjust(width)} usage efficiency: {percent}%")

    def print_tiered(self, filled: Filled) -> None:
        counts = [(spec, len(list(group))) for spec, group in groupby(map(spec_of, filled.placed))]
        if self.machine:
            print_keys(_statistics("TRL", totals(filled.model)))
            entries = [f"{s.memory},{s.disk},{s.cpus},{s.spindles}={count}" for s, count in counts]
            print_keys([("TSPEC", " ".join(entries))])
            self._print_usage(filled.model)
            return
        print("Tiered allocation results:")
        for spec, count in counts:
            sizes = _words(_sizes(spec, spindles=self.exclusive))
            print(f"  - {count:3d} instances of spec {sizes}")
        if not counts:
            print("  - no instances allocated")
        self._print_outcome(filled, _reasons(filled))

    def _print_usage(self, after: Model) -> None:
        old, new = totals(self.before), totals(after)
        used = (old.instance_cpus, old.normal_cpus, old.instance_memory, old.instance_disk, old.instance_spindles)
        now = (new.instance_cpus, new.normal_cpus, new.instance_memory, new.instance_disk, new.instance_spindles)
        whole = (
            new.virtual_cpus,
            new.total_cpus,
            int(new.total_memory),
            int(new.total_disk),
            int(new.total_spindles),
        )
        for name, figures in (
            ("USED", used),
            ("POOL", tuple(b - a for a, b in zip(used, now, strict=True))),
            ("UNAV", tuple(a - b for a, b in zip(whole, now, strict=True))),
        ):
            texts = [show(figure) if at == 1 else str(figure) for at, figure in enumerate(figures)]
            print_keys(zip((f"KM_{name}_{kind}" for kind in ("CPU", "NPU", "MEM", "DSK", "SPN")), texts, strict=True))

    def print_standard(self, filled: Filled) -> None:
        reasons, count = _reasons(filled), len(filled.placed)
        if not self.machine:
            print("Normal (fixed-size) allocation results:")
            print(f"  - {count:3d} instances allocated")
            self._print_outcome(filled, reasons)
            return
        total, before = totals(filled.model), len(self.before.instances)
        if before + count != total.instances:
            stop(f"internal inconsistency, allocated ({before + count}) != counted ({total.instances})\n")
        if not reasons:
            stop("Internal error, no failure reasons?!")
        print_keys(_statistics("FIN", total))
        usage = ratio(float(before), float(before + count))
        print_keys(
            [
                ("ALLOC_USAGE", fixed(usage, 8)),
                ("ALLOC_INSTANCES", str(count)),
                ("ALLOC_FAIL_REASON", reasons[0][0].value.upper()),
            ]
        )
        print_keys((f"ALLOC_{mode.value}_CNT", str(number)) for mode, number in reasons)


def _reasons(filled: Filled) -> list[tuple[FailMode, int]]:
    """Return why no more was placed, the most frequent reason first."""
    return sorted(filled.reasons, key=lambda pair: -pair[1])


def _map(filled: Filled, *, exclusive: bool) -> str:
    """Return the nodes of every new instance, a line for each."""
    nodes = filled.model.nodes
    rows = []
    for vm in filled.placed:
        secondary = "" if vm.secondary == NO_NODE else nodes[vm.secondary].name
        spindles = "" if not exclusive else "?" if vm.spindles is None else str(vm.spindles)
        sizes = [str(vm.memory), str(vm.instance.disk), str(vm.instance.vcpus), spindles]
        rows.append([vm.name, nodes[vm.primary].name, secondary, *sizes])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [c.ljust(w) if at < 3 else c.rjust(w) for at, (c, w) in enumerate(zip(row, widths, strict=True))]
        lines.append(f" {' '.join(cells)}\n")
    return "".join(lines)


def _snapshot(loaded: Loaded, filled: Filled) -> Cluster:
    """Return the cluster with the new instances."""
    nodes = tuple(node.reported() for node in filled.model.nodes.values())
    instances = tuple(vm.current() for vm in filled.model.instances.values())
    return replace(loaded.cluster, nodes=nodes, instances=instances)


def instance_from(spec: Spec, template: DiskTemplate, spindle_use: int) -> Instance:
    """Return an instance of the specified sizes: running, with one disk."""
    return Instance(
        name="new",
        memory=spec.memory,
        disk=spec.disk,
        vcpus=spec.cpus,
        status=InstanceStatus.RUNNING,
        auto_balance=True,
        primary=NO_NODE,
        secondary=None,
        disk_template=template,
        disks=(Disk(spec.disk, spec.spindles),),
        spindle_use=spindle_use,
    )


def _tiers(filler: Filler, model: Model, specs: Sequence[Instance], limit: int | None) -> Filled:
    """Do tiered allocation from each of the policy's largest instances in turn."""
    filled = Filled({}, model)
    for new in specs:
        count = len(filled.placed)
        if limit is not None and limit <= count:
            continue
        filled = filler.fill_tiers(filled, new, None if limit is None else limit - count)
    return filled


def body(options: Options, arguments: list[str]) -> int:
    """Run hspace."""
    check_arguments("hspace", arguments)
    loaded = load(options)
    cluster, model = loaded.cluster, loaded.model
    template = DiskTemplate(options.disk_template) if options.disk_template else None
    if template is None:
        if not cluster.policy.disk_templates:
            stop("null list of disk templates received from cluster")
        template = cluster.policy.disk_templates[0]
    suffix = common_domain([node.name for node in model.nodes.values()] + [vm.name for vm in model.instances.values()])
    if suffix and options.verbose > 1:
        print(f"Note: Stripping common suffix of '{suffix}' from names", file=sys.stderr)
    if options.print_nodes is not None:
        print("\nInitial cluster status:", file=sys.stderr)
        print(node_table(model.nodes.values(), options.print_nodes, first=options.first_node), file=sys.stderr)
    if options.verbose > 2:
        overall = fixed(score(model.nodes.values()), 8)
        table = component_table(model.nodes.values())
        print(f"Initial coefficients: overall {overall}\n{table}", end="", file=sys.stderr)
    report = _Report(options, loaded, model)
    report.print_cluster()
    judged = judge(options, cluster, model)
    required = 2 if template is DiskTemplate.DRBD else 1
    limit = None if options.max_length == -1 else options.max_length
    targets = candidates(model.nodes.values(), judged.groups, required, judged.limits, allocable=True)
    if options.verbose > 3:
        print(f"Allocatable nodes: {_show_targets(targets, required, options.first_node)}", file=sys.stderr)
    use = cluster.policy.standard.spindle_use if options.spindle_use is None else options.spindle_use
    tiers = [options.tiered_spec] if options.tiered_spec else [spec_from(b.maximum) for b in cluster.policy.bounds]
    if not tiers:
        stop("Empty list of specs received from the cluster")
    standard = options.standard_spec or spec_from(cluster.policy.standard)
    free = template not in LOCAL_STORAGE and limit is None and not judged.limits.capacity
    if free and any(not spec.memory and not spec.cpus for spec in (standard, *tiers)):
        stop("instances without memory, disk and cpus fit any number of times: limit them with --max-length")
    filler = Filler(judged.groups, targets, required, judged.limits)
    stopped = Filled({FailMode.N1: 1}, model, (), ((FailMode.N1, 1),))
    for size, tiered in ((tiers[0], True), (standard, False)):
        try:
            if judged.stopped:
                filled = stopped
            elif tiered:
                filled = _tiers(filler, model, [instance_from(spec, template, use) for spec in tiers], limit)
            else:
                filled = filler.fill(Filled({}, model), instance_from(size, template, use), limit)
        except NoTargets as error:
            stop(f"failure during allocation: {error}")
        except Unmeasurable:
            stop(f"instances of {size.memory} MiB of memory can be counted only with --no-capacity-checks")
        report.print_request(size, template, tiered=tiered)
        report.print_tables(filled, "Tiered" if tiered else "Standard")
        if tiered:
            report.print_tiered(filled)
        else:
            report.print_standard(filled)
    if options.machine_readable:
        print_keys([("OK", "1")])
    elif options.explain is not None:
        compare_ways(options, loaded, instance_from(standard, template, use))
    return 0


def _show_targets(targets: Targets, required: int, first: int) -> str:
    """Print the candidates by number; nodes of simulated clusters are numbered from 1."""
    shown: list[object] = [
        target + first if isinstance(target, int) else (target[0] + first, [other + first for other in target[1]])
        for target in targets
    ]
    return f"{'Left' if required == 1 else 'Right'} {shown}".replace(", ", ",")


def main(words: Sequence[str] | None = None) -> int:
    """Run the program `hspace`."""
    return run_tool("hspace", body, words)
