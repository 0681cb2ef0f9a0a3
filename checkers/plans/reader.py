"""Readers of plans: the script that `hbal -C` prints or writes, and job sets of opcodes as JSON.

Pure: text in, a `spec.plans.model.Plan` out. Names may be the short ones that `hbal` prints; they are found as `hbal`
finds names: the whole name, or all of it up to a dot. A line or an opcode that would change the cluster in a way that
is not known here is refused, never skipped. The JSON form is described in `docs/plan-format.md`.

Source: the output of Ganeti's `hbal -C`; the opcodes that Ganeti's `hbal -X` submits.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from spec.allocator.cluster import Cluster
from spec.errors import GantryError
from spec.plans.model import Action, Command, Plan, PlanJob

_JOB_SET = re.compile(r"echo jobset \d+(, \d+ jobs)?$")
_JOB = re.compile(r"echo job \d+/\d+$")
_COMMAND = re.compile(r"gnt-[a-z]+\b")
_OPCODES = {
    "OP_INSTANCE_MIGRATE": Action.MIGRATE,
    "OP_INSTANCE_FAILOVER": Action.FAILOVER,
    "OP_INSTANCE_REPLACE_DISKS": Action.REPLACE_DISKS,
}
_FLAGS = frozenset({"-f", "--force", "--submit", "--ignore-consistency", "--allow-failover", "--ignore-ipolicy"})
"""Options that change nothing about where an instance goes."""


class PlanError(GantryError):
    """A plan cannot be read.

    Attributes:
        where: the line number, or the place in the JSON text; empty for the text as a whole.
        reason: what is wrong with it.
    """

    def __init__(self, where: str, reason: str) -> None:
        self.where = where
        self.reason = reason
        super().__init__(f"{where}: {reason}" if where else reason)


def read_plan(text: str, cluster: Cluster) -> Plan:
    """Read a plan in either form.

    Raises:
        PlanError: it is neither, or names what the cluster does not have.
    """
    return read_json(text, cluster) if text.lstrip().startswith(("[", "{")) else read_script(text, cluster)


def read_script(text: str, cluster: Cluster) -> Plan:
    """Read the commands of `hbal -C`, as a file or as printed; commands without job sets run one after the other.

    Raises:
        PlanError: it holds no command, or one that is not understood.
    """
    names = _Names(cluster)
    sets: list[list[list[Command]]] = []
    with_sets = _has_sets(text)
    started = False
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if _JOB_SET.match(line):
            sets.append([])
        elif _JOB.match(line):
            if not sets:
                raise PlanError(f"line {number}", "a job stands before the first job set")
            sets[-1].append([])
        elif _COMMAND.match(line):
            command = _command(line, f"line {number}", names)
            if not with_sets:
                sets.append([[]])
            if not sets or not sets[-1]:
                raise PlanError(f"line {number}", "a command stands before the first job of its set")
            sets[-1][-1].append(command)
        elif _foreign(line, started):
            raise PlanError(f"line {number}", f"'{line}' is no command that hbal writes")
        started = started or bool(sets)
    if not any(job for jobs in sets for job in jobs):
        raise PlanError("", "the plan holds no gnt-instance command: is it what 'hbal -C' printed or wrote?")
    return _plan(sets)


def _foreign(line: str, started: bool) -> bool:
    """Return whether a line might change the cluster; what hbal prints or writes before its commands does not."""
    if not started:
        return _COMMAND.search(line) is not None
    return line not in {"", "check"} and not line.startswith("#")


def _has_sets(text: str) -> bool:
    return any(_JOB_SET.match(line.strip()) for line in text.splitlines())


def _command(line: str, where: str, names: "_Names") -> Command:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise PlanError(where, f"'{line}' is no shell command: {error}") from None
    if words[0] != "gnt-instance" or len(words) < 2 or words[1] not in set(Action):
        raise PlanError(where, f"'{line}' is not known; only gnt-instance migrate, failover and replace-disks are")
    node: str | None = None
    rest: list[str] = []
    following = iter(words[2:])
    for word in following:
        if word in {"-n", "--new-secondary", "--target-node"}:
            node = next(following, None)
            if node is None:
                raise PlanError(where, f"{word} lacks the name of a node")
        elif word.startswith("-") and word not in _FLAGS:
            raise PlanError(where, f"option {word} is not known")
        elif not word.startswith("-"):
            rest.append(word)
    if len(rest) != 1:
        raise PlanError(where, f"'{line}' names {len(rest)} instances instead of one")
    return names.command(Action(words[1]), rest[0], node, where)


def read_json(text: str, cluster: Cluster) -> Plan:
    """Read job sets as JSON: a list of sets, each a list of jobs, each a list of opcodes.

    Raises:
        PlanError: it is not JSON, not of that form, or holds an opcode that is not understood.
    """
    try:
        value = msgspec.json.decode(text.encode())
    except msgspec.DecodeError as error:
        raise PlanError("", f"the plan is no valid JSON: {error}") from None
    if isinstance(value, dict) and "job_sets" in value:  # what `hbal --json` prints
        value = value["job_sets"]
    names = _Names(cluster)
    sets = [
        [
            [_opcode(op, f"opcode {s}/{j}/{o}", names) for o, op in _numbered(job, f"job {s}/{j}")]
            for j, job in _numbered(jobs, f"job set {s}")
        ]
        for s, jobs in _numbered(value, "the plan")
    ]
    return _plan(sets)


def _numbered(value: Any, what: str) -> Iterator[tuple[int, Any]]:
    if not isinstance(value, list):
        raise PlanError("", f"{what} is no list; a plan is a list of job sets of jobs of opcodes")
    return enumerate(value, start=1)


def _opcode(op: Any, where: str, names: "_Names") -> Command:
    if not isinstance(op, dict) or not isinstance(op.get("OP_ID"), str):
        raise PlanError(where, "an opcode is an object with OP_ID")
    action = _OPCODES.get(op["OP_ID"])
    if action is None:
        raise PlanError(where, f"{op['OP_ID']} is not known; only {', '.join(_OPCODES)} are")
    instance = op.get("instance_name")
    if not isinstance(instance, str):
        raise PlanError(where, "instance_name is missing or no string")
    key = "remote_node" if action is Action.REPLACE_DISKS else "target_node"
    node = op.get(key)
    if node is not None and not isinstance(node, str):
        raise PlanError(where, f"{key} is no string")
    if action is Action.REPLACE_DISKS and op.get("mode", "replace_new_secondary") != "replace_new_secondary":
        raise PlanError(where, f"mode {op['mode']!r} is not known; only replace_new_secondary is")
    return names.command(action, instance, node, where)


class _Names:
    """The names of a cluster's instances and nodes, and their short forms."""

    def __init__(self, cluster: Cluster) -> None:
        self._instances = [instance.name for instance in cluster.instances]
        self._nodes = [node.name for node in cluster.nodes]

    def command(self, action: Action, instance: str, node: str | None, where: str) -> Command:
        """Return a command with names resolved."""
        if action is Action.REPLACE_DISKS and node is None:
            raise PlanError(where, f"replacing the disks of {instance} needs the new secondary (-n)")
        target = None if node is None else _find(self._nodes, node, "node", where)
        return Command(action, _find(self._instances, instance, "instance", where), target)


def _find(names: Sequence[str], name: str, kind: str, where: str) -> int:
    if name in names:
        return names.index(name)
    matches = [index for index, full in enumerate(names) if full.startswith(f"{name}.")]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise PlanError(where, f"{kind} {name} may be {' or '.join(names[index] for index in matches[:3])}")
    raise PlanError(where, f"the cluster has no {kind} {name}")


def _plan(sets: list[list[list[Command]]]) -> Plan:
    return Plan(tuple(tuple(PlanJob(tuple(job)) for job in jobs) for jobs in sets))
