"""hsqueeze: power off nodes that the cluster does not need, or power on standby nodes that it needs.

Only the order of the steps and the messages are here; the decisions are in `htools.maintenance.squeeze`.

Source: man hsqueeze(1); the output of hsqueeze 3.0.2 and the jobs that it submits.
"""

if __name__ == "__main__":
    from htools.commandline.start import hsqueeze

    raise SystemExit(hsqueeze())

import fcntl
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from htools.commandline import saving
from htools.commandline.loading import Loaded, load
from htools.commandline.tool import Options, run_tool, stop
from htools.commandline.usage import check_arguments
from htools.maintenance.squeeze import Squeeze, squeeze
from htools.model.cluster import Model
from htools.model.moves import Planned
from htools.model.score import score
from htools.plan.commands import SCRIPT_HEAD, job_sets, opcodes, script
from htools.plan.opcodes import Opcode, add_node_tags, drain, power, set_offline, set_online
from spec.allocator.tags import STANDBY_AUTO
from spec.errors import GantryError
from spec.version import VERSION

_HEADERS = {"online": "'Nodes to online'", "nothing": "'No action'", "offline": "'Nodes to offline'"}
_SAVED = {
    "online": "after hsqueeze expansion",
    "nothing": "after hsqueeze doing nothing",
    "offline": "after hsqueeze run",
}


class OverlapError(GantryError):
    """Another hsqueeze works on the same cluster; `path` is its lock."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"another hsqueeze is at work (it holds {path}); nothing was done")


@contextmanager
def alone(path: str | None) -> Iterator[None]:
    """Hold the lock file while this run works; None needs no lock.

    Raises:
        OverlapError: another run holds it.
    """
    if path is None:
        yield
        return
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise GantryError(f"cannot make the lock {path}: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OverlapError(path) from None
        yield
    finally:
        os.close(descriptor)


def _commands(found: Squeeze, before: Model, sets: Sequence[Sequence[Planned]]) -> str:
    """Return the shell commands of a decision."""
    names = [before.nodes[index].alias for index in found.nodes]
    moves = script(sets, before.nodes, full_names=True)
    if found.action == "nothing":
        return "echo Nothing to do"
    if found.action == "online":
        return "echo Power Commands\n" + "".join(f"  gnt-node power -f on {name}\n" for name in names) + moves
    tagging = "".join(f"  gnt-node add-tags {name} {STANDBY_AUTO}\n" for name in names)
    powering = "".join(f"  gnt-node power -f off {name}\n" for name in names)
    return f"{moves}\necho Tagging Commands\n{tagging}\necho Power Commands\n{powering}"


def _show_commands(options: Options, commands: str) -> None:
    if options.print_commands is None:
        return
    if options.print_commands == "-":
        print("\nCommands to run:")
        print("".join(f"  {line}\n" for line in commands.splitlines() if line != "  check"), end="")
    else:
        saving.write(options.print_commands, SCRIPT_HEAD + commands)
        print(f"The commands have been written to file '{options.print_commands}'")


def _phases(
    found: Squeeze, before: Model, sets: Sequence[Sequence[Planned]]
) -> list[tuple[str, str, list[list[Opcode]]]]:
    """Return what is submitted, set by set: a phase of `spec.allocator.squeeze`, a description, the jobs' opcodes."""
    names = [before.nodes[index].name for index in found.nodes]
    listed = ", ".join(names)
    moves: list[tuple[str, str, list[list[Opcode]]]] = [
        (
            "move",
            f"Moving instances {','.join(planned.before.name for planned in group)}",
            [list(opcodes(planned, before.nodes)) for planned in group],
        )
        for group in sets
    ]
    if found.action == "online":
        switch = [power(names, on=True), *map(set_online, names)]
        return [("power on, then mark online", f"Powering on nodes {listed}", [switch]), *moves] if names else moves
    return [
        ("drain", f"Draining nodes {listed}", [[drain(name, drained=True) for name in names]]),
        *moves,
        *(("tag", f"Tagging node {name} with standby", [[add_node_tags(name, [STANDBY_AUTO])]]) for name in names),
        (
            "mark offline, then power off",
            f"Powering off nodes {listed}",
            [[*map(set_offline, names), power(names, on=False)]],
        ),
    ]


def _execute(
    options: Options, found: Squeeze, before: Model, phases: Sequence[tuple[str, str, list[list[Opcode]]]]
) -> None:
    if options.luxi is None:
        stop("hsqueeze: Execution of commands possible only on LUXI")
    from htools.backends.luxi import socket_path
    from htools.plan.execution import Annotation, JobSet, run

    verb = "expanding" if found.action == "online" else "condensing"
    comment = f"{verb} by {len(found.nodes)} nodes {VERSION}"
    annotation = Annotation("hsqueeze", f"hsqueeze {VERSION} called", comment, options.priority)
    socket = socket_path(options.luxi, options.root)
    sets = [JobSet(text, tuple(tuple(job) for job in jobs)) for _, text, jobs in phases]
    if found.action == "online":
        run(socket, sets, annotation)
        return
    done = False
    try:
        done = run(socket, sets[:-1], annotation)
    finally:
        if not done:
            print("Not all instances were moved: the nodes are put in service again", flush=True)
            names = [before.nodes[index].name for index in found.nodes]
            release = tuple((drain(name, drained=False),) for name in names)
            run(socket, [JobSet("Releasing nodes", release)], annotation)
    if done:
        run(socket, sets[-1:], annotation)


def _decision(found: Squeeze, before: Model, sets: Sequence[Sequence[Planned]]) -> dict[str, Any]:
    """Return the decision as a JSON object."""

    def name(index: int) -> str | None:
        return before.nodes[index].name if index >= 0 else None

    def move(planned: Planned) -> dict[str, Any]:
        old, new = planned.before, planned.after
        return {
            "instance": old.name,
            "kind": planned.move.kind.value,
            "from": [name(old.primary), name(old.secondary)],
            "to": [name(new.primary), name(new.secondary)],
            "score": planned.score,
        }

    planned_phases = _phases(found, before, sets) if found.action != "nothing" else []
    return {
        "action": found.action,
        "nodes": [name(index) for index in found.nodes],
        "enough": found.enough,
        "offline_candidates": [name(index) for index in found.leaving],
        "online_candidates": [name(index) for index in found.standby],
        "score": {"before": score(before.nodes.values()), "after": score(found.model.nodes.values())},
        "job_sets": [[move(planned) for planned in group] for group in sets],
        "commands": _commands(found, before, sets).splitlines(),
        "phases": [{"phase": phase, "description": text, "jobs": jobs} for phase, text, jobs in planned_phases],
    }


def _report(options: Options, found: Squeeze, before: Model, sets: Sequence[Sequence[Planned]]) -> None:
    if options.json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(_decision(found, before, sets)), indent=2).decode())
        return
    if options.verbose < 1 and found.action == "nothing":
        return
    if options.verbose > 1:
        for title, nodes in (("Offline", found.leaving), ("Online", found.standby)):
            print(f"{title} candidates: {','.join(before.nodes[index].name for index in nodes)}")
    if not options.no_headers:
        print(_HEADERS[found.action])
    for index in found.nodes:
        print(before.nodes[index].name)
    if options.verbose > 1 and not found.enough:
        print("Onlining all nodes will not yield enough capacity")
    _show_commands(options, _commands(found, before, sets))


def _run(options: Options, loaded: Loaded) -> int:
    before = loaded.model
    saving.save(options.save, "original", "before hsqueeze run", loaded.cluster)
    found = squeeze(
        before,
        loaded.cluster.policy.standard,
        options.minimal_resources,
        options.target_resources,
        allow_drbd=options.allow_drbd,
    )
    sets = job_sets(found.moves)
    _report(options, found, before, sets)
    sys.stdout.flush()
    if options.execute and not options.dry_run and found.action != "nothing":
        with saving.aside(options):
            _execute(options, found, before, _phases(found, before, sets))
    saving.save(options.save, "squeezed", _SAVED[found.action], saving.snapshot(loaded, found.model))
    return 0


def _lock(options: Options) -> str | None:
    """Return the path of the lock file of runs that change a cluster; it is beside the cluster's socket."""
    if not options.execute or options.dry_run or options.luxi is None:
        return None
    from htools.backends.luxi import socket_path

    return os.path.join(os.path.dirname(socket_path(options.luxi, options.root)) or ".", "hsqueeze.lock")


def body(options: Options, arguments: list[str], loader: Callable[[Options], Loaded] = load) -> int:
    """Run hsqueeze."""
    check_arguments("hsqueeze", arguments)
    try:
        with alone(_lock(options)):
            return _run(options, loader(options))
    except OverlapError as error:
        if options.verbose >= 1:
            print(f"hsqueeze: {error}", file=sys.stderr)
        return 0


def main(words: Sequence[str] | None = None) -> int:
    """Run the program `hsqueeze`."""
    return run_tool("hsqueeze", body, words)
