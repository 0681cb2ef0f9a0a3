"""Every option of every tool: its name, letter, argument, help, and what it does to the settings.

Names, letters, arguments and the words that refuse a bad value are those of Ganeti's htools 3.0.2, so that
scripts and habits stay valid; the help texts are ours. Options that only we have are marked as extensions.
"""

from collections.abc import Callable

from htools.commandline.getopt import Option
from htools.commandline.options import DISK_TEMPLATES, PRIORITIES, Options, Spec
from htools.formatting.haskell import parse_unit, read_float, read_int, show_string, split_on

PICTURES = (".svg", ".html", ".htm")
"""Ends of the names of files that `--plot` can draw."""

Setter = Callable[[Options, str | None], None]
ToolOption = Option[Options]


def _constant(name: str, value: object) -> Setter:
    return lambda options, _: setattr(options, name, value)


def _text(name: str, default: str = "") -> Setter:
    return lambda options, argument: setattr(options, name, default if argument is None else argument)


def _list(name: str) -> Setter:
    return lambda options, argument: setattr(options, name, split_on(",", argument or ""))


def _prepend(name: str) -> Setter:
    return lambda options, argument: getattr(options, name).insert(0, argument)


def _number(name: str, what: str, read: Callable[[str, str], float]) -> Setter:
    return lambda options, argument: setattr(options, name, read(what, argument or ""))


def _count(step: int) -> Setter:
    def apply(options: Options, _: str | None) -> None:
        options.verbose += step

    return apply


def _yes_no(name: str) -> Setter:
    def apply(options: Options, argument: str | None) -> None:
        if argument not in {None, "yes", "no"}:
            raise ValueError(f"Invalid choice '{argument}', pass one of 'yes' or 'no'")
        setattr(options, name, argument != "no")

    return apply


def _max_cpu(options: Options, argument: str | None) -> None:
    value = read_float("parsing max-cpu", argument or "")
    if value <= 0:
        raise ValueError("Invalid value of the max-cpu ratio, expected >0")
    options.max_cpu = value


def _look_ahead(options: Options, argument: str | None) -> None:
    value = read_int("look-ahead", argument or "")
    if value < 0:
        raise ValueError(f"Invalid value {value} of the look-ahead, expected 0 (never) or more steps")
    options.look_ahead = value


def _plot(options: Options, argument: str | None) -> None:
    if not (argument or "").lower().endswith(PICTURES):
        raise ValueError(f"Invalid file '{argument}' of the plot, expected a name that ends in .svg or .html")
    options.plot = argument


def _spindle_use(options: Options, argument: str | None) -> None:
    value = read_int("parsing spindle-use", argument or "")
    if value < 0:
        raise ValueError("Invalid value of the spindle-use (expected >= 0)")
    options.spindle_use = value


def _disk_template(options: Options, argument: str | None) -> None:
    if argument not in DISK_TEMPLATES:
        raise ValueError(f"Invalid string value for type DiskTemplate: {show_string(argument or '')}")
    options.disk_template = argument


def _priority(options: Options, argument: str | None) -> None:
    if argument not in PRIORITIES:
        raise ValueError(f"Unknown priority '{argument}'")
    options.priority = PRIORITIES[argument]


def _print_nodes(options: Options, argument: str | None) -> None:
    fields = argument or ""
    head = ["+"] if fields.startswith("+") else []
    options.print_nodes = head + split_on(",", fields.removeprefix("+"))


def parse_spec(kind: str, text: str) -> Spec:
    """Read `disk,memory,cpus[,spindles]`, sizes with an optional unit.

    Raises:
        ValueError: not three or four parts, or a part that is no number.
    """
    parts = split_on(",", text)
    if not 3 <= len(parts) <= 4:
        raise ValueError(f"Invalid {kind} specification: '{text}', expected disk,ram,cpu")

    def size(what: str, part: str) -> int:
        try:
            return parse_unit(part)
        except ValueError as error:
            raise ValueError(f"{kind} specs {what}: {error}") from None

    disk, memory = size("disk", parts[0]), size("memory", parts[1])
    cpus = read_int(f"{kind} specs cpus", parts[2])
    return Spec(disk, memory, cpus, read_int(f"{kind} specs spindles", parts[3]) if len(parts) == 4 else 1)


def _spec(name: str, kind: str) -> Setter:
    return lambda options, argument: setattr(options, name, parse_spec(kind, argument or ""))


def _flag(
    long: str, name: str, text: str, *, short: str = "", value: bool = True, extension: bool = False
) -> ToolOption:
    return Option(short, long, "", text, _constant(name, value), extension=extension)


def _choices(*names: str) -> str:
    return f"choices={','.join(names)}"


OPTIONS: tuple[ToolOption, ...] = (
    Option(
        "p",
        "print-nodes",
        "FIELDS",
        "show the nodes as a table (with a plan: before and after it); FIELDS names its columns, "
        "a leading + adds them to the usual ones",
        _print_nodes,
        optional=True,
    ),
    _flag("print-instances", "print_instances", "show the instances as a table (with a plan: before and after it)"),
    Option(
        "C",
        "print-commands",
        "FILE",
        "show the commands that reach the solution, or write them to FILE as a shell script",
        _text("print_commands", "-"),
        optional=True,
    ),
    Option(
        "t",
        "text-data",
        "FILE",
        "read the cluster from FILE (text format, as hscan writes it)",
        _text("data_file"),
        completion="file",
    ),
    _flag("evac-mode", "evac_mode", "move instances only off offline and drained nodes", short="E"),
    _flag(
        "restricted-migration",
        "restricted_migration",
        "never replace a primary by moving disks between two "
        "migrations; with --evac-mode every migration then leaves a drained node",
    ),
    Option(
        "m",
        "master",
        "ADDRESS",
        "ask the remote API at ADDRESS (a host, a URL, or file:// and a directory)",
        _text("rapi"),
        completion="host",
    ),
    Option(
        "L",
        "luxi",
        "SOCKET",
        "ask the cluster itself through its query socket [below the root]",
        _text("luxi"),
        optional=True,
        completion="file",
    ),
    Option(
        "I",
        "ialloc-src",
        "FILE",
        "read the cluster from an iallocator request",
        _text("ialloc_source"),
        completion="file",
    ),
    _flag("exec", "execute", "submit the moves as jobs and wait for them (needs -L)", short="X"),
    _flag("first-job-group", "first_job_group", "submit the first set of jobs only"),
    Option("", "reason", "REASON", "put REASON into the reason trail of the jobs", _text("reason")),
    Option("G", "group", "ID", "work on this node group (its name or UUID)", _text("group"), completion="onegroup"),
    Option(
        "l",
        "max-length",
        "N",
        "stop after N moves or allocations",
        _number("max_length", "max solution length", read_int),
        completion="integer",
    ),
    Option("v", "verbose", "", "say more; may be repeated", _count(1)),
    Option("q", "quiet", "", "say less; may be repeated", _count(-1)),
    Option("O", "offline", "NODE", "take NODE for offline; may be repeated", _prepend("offline"), completion="onenode"),
    Option(
        "",
        "static-kvm-node-memory",
        "N",
        "on KVM count N MiB for the node itself instead of what it reports; 0 believes the report [4096]",
        _number("static_kvm_node_memory", "static node memory", read_int),
        completion="integer",
    ),
    Option(
        "e",
        "min-score",
        "EPSILON",
        "stop once the score is within EPSILON of the best that N+1 allows",
        _number("min_score", "min score", read_float),
        completion="float",
    ),
    Option(
        "",
        "max-cpu",
        "RATIO",
        "most virtual cores per core on a node [the cluster's policy]",
        _max_cpu,
        completion="float",
    ),
    Option(
        "",
        "min-disk",
        "RATIO",
        "least part of a node's disk that stays free, 0 to 1 [0]",
        _number("min_disk", "min free disk space", read_float),
        completion="float",
    ),
    Option(
        "g",
        "min-gain",
        "DELTA",
        "give up when a move gains less than DELTA",
        _number("min_gain", "min gain", read_float),
        completion="float",
    ),
    Option(
        "",
        "min-gain-limit",
        "SCORE",
        "mind --min-gain only once the score is below SCORE",
        _number("min_gain_limit", "min gain limit", read_float),
        completion="float",
    ),
    _flag("no-disk-moves", "disk_moves", "do not move disks: migrations and failovers only", value=False),
    Option(
        "",
        "select-instances",
        "INSTS",
        "move these instances only (names, with commas)",
        _list("select_instances"),
        completion="manyinstances",
    ),
    _flag("no-instance-moves", "instance_moves", "keep every primary: replace DRBD secondaries only", value=False),
    _flag(
        "ignore-soft-errors",
        "ignore_soft_errors",
        "let moves exceed soft limits (policy ratios, free-disk reserve, N+1, tags)",
    ),
    Option(
        "U", "dynu-file", "FILE", "read the instances' measured load from FILE", _text("dynu_file"), completion="file"
    ),
    _flag("ignore-dynu", "ignore_dynu", "forget any measured load"),
    Option(
        "",
        "mond",
        "CHOICE",
        "yes: ask the monitoring daemons for load",
        _yes_no("mond"),
        optional=True,
        completion=_choices("yes", "no"),
    ),
    Option(
        "", "mond-data", "FILE", "take the monitoring daemons' answers from FILE", _text("mond_file"), completion="file"
    ),
    _flag("exit-on-missing-mond-data", "exit_on_missing_mond", "stop when monitoring data is incomplete"),
    _flag("mond-xen", "mond_xen", "use the Xen collectors of the monitoring daemons too"),
    Option(
        "",
        "exclusion-tags",
        "TAG,...",
        "keep apart instances that share a tag with one of these prefixes",
        _list("exclusion_tags"),
        completion="string",
    ),
    Option(
        "",
        "exclude-instances",
        "INSTS",
        "never move these instances (names, with commas)",
        _list("exclude_instances"),
        completion="manyinstances",
    ),
    Option("S", "save", "FILE", "write the cluster to FILE with an extension, before and after", _text("save")),
    Option(
        "", "priority", "PRIO", "priority of the jobs: low, normal or high", _priority, completion=_choices(*PRIORITIES)
    ),
    Option(
        "",
        "disk-template",
        "TEMPLATE",
        "disk template of the instances to place [the policy's first]",
        _disk_template,
        completion=_choices(*DISK_TEMPLATES),
    ),
    Option(
        "",
        "spindle-use",
        "SPINDLES",
        "spindles an instance uses [the cluster's policy]",
        _spindle_use,
        completion="float",
    ),
    Option(
        "",
        "simulate",
        "SPEC",
        "imagine an empty group 'policy,nodes,disk,memory,cpus[,spindles]'; may be repeated",
        _prepend("simulate"),
        completion="string",
    ),
    _flag("independent-groups", "independent_groups", "judge the redundancy of each group on its own"),
    _flag("accept-existing-errors", "accept_existing", "tolerate nodes that already lack N+1; only add no new ones"),
    _flag("no-capacity-checks", "capacity", "do not keep the cluster as a whole N+1 redundant", value=False),
    Option(
        "",
        "machine-readable",
        "CHOICE",
        "print KEY=value lines for programs (yes or no)",
        _yes_no("machine_readable"),
        optional=True,
        completion=_choices("yes", "no"),
    ),
    Option(
        "",
        "standard-alloc",
        "STDSPEC",
        "size of the standard instance: disk,memory,cpus[,spindles]",
        _spec("standard_spec", "standard"),
        completion="string",
    ),
    Option(
        "",
        "tiered-alloc",
        "TSPEC",
        "size at which tiered allocation begins: disk,memory,cpus[,spindles]",
        _spec("tiered_spec", "tiered"),
        completion="string",
    ),
    Option(
        "",
        "minimal-resources",
        "FACTOR",
        "power on standby nodes when some node has less free than FACTOR standard instances [2]",
        _number("minimal_resources", "minimal resources", read_float),
        completion="float",
    ),
    Option(
        "",
        "target-resources",
        "FACTOR",
        "leave at least FACTOR standard instances free on every node after powering some off [2]",
        _number("target_resources", "target resources", read_float),
        completion="float",
    ),
    _flag("no-headers", "no_headers", "print no header line"),
    _flag("no-simulation", "no_simulation", "do not try whether balancing would help"),
    Option(
        "", "node-tags", "TAG,...", "work on nodes with one of these tags only", _list("node_tags"), completion="string"
    ),
    _flag("offline-maintenance", "offline_maintenance", "plan as if every instance were shut down"),
    _flag("print-moves", "print_moves", "show where the instances go"),
    _flag("full-evacuation", "full_evacuation", "empty the nodes wholly, secondaries too, before they reboot"),
    _flag("skip-non-redundant", "skip_non_redundant", "leave out nodes with instances that live on one node only"),
    _flag("ignore-non-redundant", "ignore_non_redundant", "plan as if no instance lived on one node only"),
    _flag("force", "force", "go on in spite of warnings", short="f"),
    _flag("one-step-only", "one_step_only", "show the first step only"),
    Option("d", "output-dir", "PATH", "directory for the files [.]", _text("output_directory"), completion="dir"),
    Option(
        "",
        "restrict-allocation-to",
        "NODE,...",
        "place instances on these nodes only",
        _list("restrict_to_nodes"),
        completion="manynodes",
    ),
    Option(
        "",
        "root",
        "DIR",
        "root of the cluster's files [$GANTRY_ROOT, else ./.gantry]",
        _text("root"),
        completion="dir",
        extension=True,
    ),
    _flag("json", "json", "print one JSON object instead of text", extension=True),
    Option("", "explain", "WHAT", "explain what stands in the way", _text("explain"), optional=True, extension=True),
    Option(
        "",
        "plot",
        "FILE",
        "draw the nodes before and after (.svg or .html)",
        _plot,
        completion="file",
        extension=True,
    ),
    Option(
        "",
        "look-ahead",
        "K",
        "take a worse step when K steps on are better [0: never]",
        _look_ahead,
        completion="integer",
        extension=True,
    ),
    _flag("allow-drbd", "allow_drbd", "consider nodes with DRBD instances for powering off too", extension=True),
    _flag("dry-run", "dry_run", "change nothing, submit nothing", extension=True),
    _flag("version", "show_version", "print the version", short="V"),
    _flag("help", "show_help", "print this help", short="h"),
    _flag("help-completion", "show_completion", "print the options for a shell's completion"),
)
