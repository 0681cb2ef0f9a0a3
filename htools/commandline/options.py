"""The settings of all tools' command lines in one record, with the defaults.

Only values live here; `htools.commandline.option_table` turns words into settings. No dataclasses: every start of a
tool imports this module, and `dataclasses` takes longer to import than the rest of the command line.
"""

from typing import NamedTuple, Self

DISK_TEMPLATES = ("diskless", "file", "sharedfile", "plain", "blockdev", "drbd", "rbd", "ext", "gluster")
"""Ganeti's disk templates in its own order."""

PRIORITIES = {"low": 10, "normal": 0, "high": -10}
"""Submission priorities and their numbers (smaller runs earlier)."""


class Spec(NamedTuple):
    """The sizes of one instance: `disk` and `memory` in MiB, `cpus` in cores, `spindles`."""

    disk: int
    memory: int
    cpus: int
    spindles: int = 1


class Options:
    """The settings of a command line; the class has the defaults.

    Options that were not given are None; `luxi` is empty for the default socket.

    Args:
        settings: the values that differ from the defaults, by name.
    """

    data_file: str | None = None
    luxi: str | None = None
    rapi: str = ""
    ialloc_source: str | None = None
    simulate: list[str]
    """Simulation specifications, the last one given first."""
    root: str | None = None
    dynu_file: str | None = None
    ignore_dynu: bool = False
    mond: bool = False
    mond_file: str | None = None
    mond_xen: bool = False
    exit_on_missing_mond: bool = False
    exclusion_tags: list[str] | None = None
    exclude_instances: list[str]
    select_instances: list[str]
    offline: list[str]
    """Nodes to treat as offline, the last one given first."""
    group: str | None = None
    max_cpu: float | None = None
    min_disk: float = 0.0
    static_kvm_node_memory: int = 4096
    """MiB; 0 keeps what the hypervisor reports."""
    disk_moves: bool = True
    instance_moves: bool = True
    evac_mode: bool = False
    restricted_migration: bool = False
    ignore_soft_errors: bool = False
    max_length: int = -1
    min_gain: float = 1e-2
    min_gain_limit: float = 1e-1
    min_score: float = 1e-9
    capacity: bool = True
    """Whether capacity properties such as global N+1 redundancy are kept."""
    independent_groups: bool = False
    accept_existing: bool = False
    restrict_to_nodes: list[str] | None = None
    disk_template: str | None = None
    spindle_use: int | None = None
    standard_spec: Spec | None = None
    tiered_spec: Spec | None = None
    minimal_resources: float = 2.0
    target_resources: float = 2.0
    execute: bool = False
    first_job_group: bool = False
    priority: int | None = None
    reason: str | None = None
    no_headers: bool = False
    no_simulation: bool = False
    machine_readable: bool = False
    node_tags: list[str] | None = None
    offline_maintenance: bool = False
    one_step_only: bool = False
    print_moves: bool = False
    full_evacuation: bool = False
    skip_non_redundant: bool = False
    ignore_non_redundant: bool = False
    force: bool = False
    output_directory: str = "."
    print_commands: str | None = None
    """File for the commands; `-` prints them."""
    print_instances: bool = False
    print_nodes: list[str] | None = None
    """Fields of the node table; empty for the default ones, headed by `+` for more than those."""
    save: str | None = None
    verbose: int = 1
    json: bool = False
    explain: str | None = None
    plot: str | None = None
    look_ahead: int = 0
    allow_drbd: bool = False
    dry_run: bool = False
    show_help: bool = False
    show_version: bool = False
    show_completion: bool = False

    def __init__(self, **settings: object) -> None:
        self.simulate, self.exclude_instances, self.select_instances, self.offline = [], [], [], []
        for name, value in settings.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        if name not in Options.__annotations__:
            raise AttributeError(f"there is no option '{name}'", name=name, obj=self)
        super().__setattr__(name, value)

    def changed(self, **settings: object) -> Self:
        """Return a copy with other values of some options."""
        return type(self)(**{**vars(self), **settings})

    @property
    def first_node(self) -> int:
        """The number that the first node is shown with: Ganeti's tools number simulated nodes from 1."""
        return 1 if self.simulate else 0
